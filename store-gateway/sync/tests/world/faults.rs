//! Crashes, links that change, backups, restored copies and images, cloned boxes.

use super::{End, H, World, mem};
use crate::Side;

impl World {
    pub fn faults(&mut self) {
        for i in 0..self.nodes.len() {
            if !self.nodes[i].up && self.rng.chance(250) {
                self.start(i);
            }
            if self.odds(self.luck.link) {
                self.nodes[i].link = !self.nodes[i].link;
                self.note(|| format!("node {i} link changes"));
                self.disconnect(i);
            }
            self.connect(i);
            if self.nodes[i].up && self.odds(self.luck.backup) {
                self.backup(i);
            }
            let restore = if i == H { self.luck.hq_restore } else { self.luck.restore };
            if self.copies.contains_key(self.nodes[i].name) && self.odds(restore) {
                self.restore(i);
            }
        }
        if self.nodes.len() == 2 && self.copies.contains_key("A") && self.odds(self.luck.clone) {
            self.clone_box();
        }
    }

    fn clone_box(&mut self) {
        let image = self.image_ok && self.rng.chance(500);
        self.image |= image;
        self.stats.clones += 1;
        let copies = &self.copies["A"];
        let (db, generation) = copies[self.rng.below(copies.len() as u64) as usize].clone();
        self.note(|| format!("box B starts from a copy of A, image {image}"));
        if image {
            self.witness.insert("B", generation);
        }
        self.add_node("B", Side::Store, db);
    }

    fn backup(&mut self, i: usize) {
        let name = self.nodes[i].name;
        let copy = (self.nodes[i].db.clone(), self.witness.get(name).copied().unwrap_or(0));
        self.copies.entry(name).or_default().push(copy);
        let mut raised = None;
        let done = self.tx(i, |node, _| {
            match &mut node.end {
                End::Store(end) => end.handle_backup(&mut node.db.ledger).expect("memory"),
                End::Hq(_) => {
                    node.db.generation += 1;
                    raised = Some(node.db.generation);
                }
            }
            Vec::new()
        });
        if let (true, Some(n)) = (done, raised) {
            self.witness.insert(name, n);
        }
        if !done {
            // Not raised in the database: such a copy is no backup, the next try takes another.
            self.copies.entry(name).or_default().pop();
            self.copies.retain(|_, c| !c.is_empty());
        }
        self.note(|| format!("node {i} backup {done}"));
    }

    fn restore(&mut self, i: usize) {
        let image = self.image_ok && self.rng.chance(500);
        self.image |= image;
        self.stats.restores += 1;
        self.stats.images += u32::from(image);
        self.crash(i);
        let name = self.nodes[i].name;
        let copies = &self.copies[name];
        let (db, generation) = copies[self.rng.below(copies.len() as u64) as usize].clone();
        if i == H {
            let before = mem::ids(self.nodes[H].db.ledger.every_event());
            self.hq_lost.extend(before.difference(&mem::ids(db.ledger.every_event())));
        }
        self.nodes[i].db = db;
        self.nodes[i].since = self.now;
        if image {
            self.witness.insert(name, generation);
        }
        self.note(|| format!("node {i} restored, image {image}"));
        let alive = mem::ids(self.nodes.iter().flat_map(|n| n.db.ledger.every_event()));
        for id in self.ghost.keys().filter(|id| !alive.contains(id)) {
            self.destroyed.entry(*id).or_insert(i);
        }
    }
}
