//! When a world is at rest, and what must be true then.

use std::collections::{BTreeMap, BTreeSet};

use super::mem::{Ev, ids};
use super::shop::{consequence, fold};
use super::{End, H, World};
use crate::snapshot::stream_end;
use crate::*;

impl World {
    /// What is not at rest yet.
    pub fn unsettled(&self) -> Option<String> {
        let hq = self.nodes[H].db.ledger.the_head();
        for node in &self.nodes {
            let Some(head) = &node.db.ledger.head else { return Some(format!("{} never started", node.name)) };
            if head.superseded {
                continue;
            }
            let waiting = node.db.ledger.rows(Queue::P0) + node.db.ledger.rows(Queue::P1);
            if !node.up || head.recovery.is_some() || waiting > 0 {
                return Some(format!("{} up {} rows {waiting} {head:?}", node.name, node.up));
            }
        }
        for i in 1..self.nodes.len() {
            let node = &self.nodes[i];
            let head = node.db.ledger.the_head();
            let End::Store(end) = &node.end else { continue };
            if head.superseded {
                continue;
            }
            if !end.is_settled() || self.owed(i).is_some() || node.modem.is_some() {
                return Some(format!("{} answered {} owes {:?}", node.name, end.is_settled(), self.owed(i)));
            }
            if Some(&head.epoch) != hq.peer_epoch.as_ref() {
                return Some(format!("{} is in {}, HQ holds {:?}", node.name, head.epoch, hq.peer_epoch));
            }
            let at = stream_end(&self.nodes[H].db.ledger, hq).expect("memory");
            if head.seen != at {
                return Some(format!(
                    "{} follows HQ to {:?} {:?}, HQ is at {at:?}",
                    node.name, head.peer_epoch, head.seen
                ));
            }
        }
        self.nodes[H].db.hooks.values().any(|(_, _, done)| !done).then(|| "webhooks wait".into())
    }

    /// What must be true at rest.
    pub fn check(&mut self) {
        let problem = self.agreement().or_else(|| self.nothing_twice()).or_else(|| self.nothing_lost());
        if let Some(problem) = problem {
            self.fail(|| problem);
        }
    }

    fn agreement(&self) -> Option<String> {
        let h = &self.nodes[H].db.ledger;
        for node in &self.nodes[1..] {
            let s = &node.db.ledger;
            if s.the_head().superseded {
                continue;
            }
            if Some(&s.the_head().epoch) != h.the_head().peer_epoch.as_ref() {
                return Some(format!("diverged: {}", node.name));
            }
            let keys: BTreeSet<_> = h.logs.keys().chain(s.logs.keys()).collect();
            for key in keys {
                let (theirs, ours) = (h.all_events(key, Side::Hq), s.all_events(key, Side::Hq));
                if theirs != ours {
                    return Some(format!("HQ's log differs: {key:?} HQ {theirs:?} {} {ours:?}", node.name));
                }
                let (copy, mut own) = (h.all_events(key, Side::Store), s.all_events(key, Side::Store));
                own.retain(|e| copy.contains(e) || !self.dropped.contains(&e.id));
                if copy != own {
                    return Some(format!("store's log differs: {key:?} HQ {copy:?} {} {own:?}", node.name));
                }
                if key.kind == "reservation" && consequence(s, key).is_some() {
                    return Some(format!("wish without its answer: {key:?} {:?}", consequence(s, key)));
                }
                if key.kind == "reservation" && fold(h, key) != fold(s, key) {
                    return Some(format!("states differ: {key:?}"));
                }
            }
        }
        None
    }

    fn nothing_twice(&self) -> Option<String> {
        let h = &self.nodes[H].db;
        let mut orders = BTreeMap::new();
        for key in h.keys("reservation") {
            if !h.ledger.all_events(&key, Side::Hq).is_empty() {
                let order = key.id.split('-').next().unwrap_or_default().to_owned();
                if let Some(other) = orders.insert(order, key.clone()) {
                    return Some(format!("two reservations for one order: {key:?} {other:?}"));
                }
            }
        }
        None
    }

    fn nothing_lost(&self) -> Option<String> {
        let held = ids(self.nodes[H].db.ledger.every_event());
        let mut reported: BTreeSet<EventId> = self.dropped.clone();
        for node in &self.nodes {
            reported.extend(node.db.ledger.aside.keys());
            if node.db.ledger.the_head().superseded {
                reported.extend(ids(node.db.ledger.every_event()));
            }
        }
        let noticed = self.nodes.iter().any(|n| n.db.rolled_back);
        for (id, ev) in self.ghost.iter().filter(|(id, _)| !held.contains(id) && !reported.contains(id)) {
            let Some(at) = self.destroyed.get(id) else { return Some(lost(ev)) };
            if !noticed && !self.image {
                return Some(format!("loss not reported: {ev:?} went with a database of node {at}"));
            }
        }
        None
    }
}

fn lost(ev: &Ev) -> String {
    format!("event lost: {ev:?}")
}
