//! People at HQ and in the shop, and what the shell's reconcilers, modem and webhooks do.

use super::mem::Ev;
use super::shop::{consequence, fold, message_state, ready_message, reservation_of};
use super::{Db, End, H, Habit, Modem, World};
use crate::rules::Rule;
use crate::*;

impl World {
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.below(from.len() as u64) as usize].clone()
    }

    /// An event acknowledged to a person: after its commit it counts.
    pub fn write(&mut self, i: usize, key: &AggregateKey, kind: &str, body: Option<String>) -> bool {
        self.note(|| format!("node {i} writes {kind} {key:?}"));
        let mut refused = false;
        let done = self.tx(i, |node, now| {
            let ev = node.append(key, kind, body, now);
            refused = ev.is_none();
            ev.into_iter().collect()
        });
        done && !refused
    }

    /// A committed event of a person or of the shell.
    pub fn counts(&mut self, i: usize, ev: Ev) {
        let key = ev.key.clone();
        match (key.kind.as_str(), ev.kind.as_str()) {
            ("message", "unknown") => *self.unknowns.entry(key).or_default() += 1,
            (_, "staged" | "undone") => drop(self.bag.insert(key, "shop")),
            (_, "handed") => {
                self.handed_by.insert(key.clone(), (self.nodes[i].name, self.now));
                self.bag.insert(key, "customer");
            }
            _ => {}
        }
        self.ghost.insert(ev.id, ev);
    }

    pub fn hq_acts(&mut self) {
        let busy = self.luck.busy;
        if !self.nodes[H].up || !self.rng.chance(busy) {
            return;
        }
        let ledger = &self.nodes[H].db.ledger;
        let all = self.nodes[H].db.keys("reservation");
        let placed: Vec<_> = all.into_iter().filter(|k| !ledger.events(k, Side::Hq).is_empty()).collect();
        let known: Vec<&str> = placed.iter().map(|k| k.id.split('-').next().unwrap_or_default()).collect();
        // The platform posts again what HQ answers 404 to.
        let again = self.orders.keys().copied().find(|o| !known.contains(&format!("r{o}").as_str()));
        if again.is_some() || placed.len() < 3 && self.rng.chance(500) {
            let order = again.unwrap_or(self.orders.len() as u32);
            let kind = if self.rng.chance(500) { "prepaid" } else { "due" };
            let kind = *self.orders.entry(order).or_insert(kind);
            let id = if self.habit(Habit::OrderId) { format!("r{order}") } else { format!("r{order}-{}", self.id()) };
            self.write(H, &AggregateKey::new("reservation", id), "placed", Some(kind.into()));
        } else if !placed.is_empty() {
            let key = self.pick(&placed);
            let what = self.pick(&["amend", "cancel", "paid", "move", "extend", "paid", "amend"]);
            let rare = matches!(what, "cancel" | "move") && self.rng.chance(600);
            let state = fold(&self.nodes[H].db.ledger, &key).state;
            let written = self.nodes[H].db.ledger.events(&key, Side::Hq).len();
            if !rare && !matches!(state, "put_back" | "released") && written < 8 {
                self.write(H, &key, what, None);
            }
        }
    }

    pub fn store_acts(&mut self, i: usize) {
        let (busy, flood) = (self.luck.busy, self.luck.flood);
        let node = &self.nodes[i];
        let quiet = node.db.ledger.head.as_ref().is_none_or(|h| h.superseded) && self.on(Rule::Quiet);
        if !node.up || quiet || !self.rng.chance(busy) {
            return;
        }
        if self.rng.chance(flood) {
            let call = AggregateKey::new("call", self.id().to_string());
            self.write(i, &call, "ended", None);
            return;
        }
        let db = &self.nodes[i].db;
        let placed = |k: &AggregateKey| db.ledger.events(k, Side::Hq).iter().any(|e| e.kind == "placed");
        let open: Vec<_> = db.keys("reservation").into_iter().filter(placed).collect();
        if !open.is_empty() {
            let key = self.pick(&open);
            self.counter(i, &key);
        }
    }

    /// One act at the counter.
    fn counter(&mut self, i: usize, key: &AggregateKey) {
        let db = &self.nodes[i].db;
        let g = fold(&db.ledger, key);
        let head = db.ledger.the_head();
        let marked = db.unverified.contains(key) && self.habit(Habit::Unverified);
        let scan = head.recovery.is_some() || marked;
        let superseded = head.superseded;
        let asked = g.wishes.iter().any(|(wish, id, _)| {
            matches!(wish.as_str(), "cancel" | "move") && !g.answers.contains_key(&id.to_string())
        });
        let shelf = Some(format!("S{}", 1 + self.rng.below(3)));
        match g.state {
            "received" => drop(self.write(i, key, "picked", None)),
            "picking" => drop(self.write(i, key, "staged", shelf)),
            "staged" => drop(self.write(i, key, "ready", None)),
            "ready" => match self.pick(&["handed", "handed", "handed", "refused", "expired", "staged"]) {
                "handed" if !asked && g.paid && !superseded => self.hand_over(i, key, scan),
                "handed" => {}
                "staged" => drop(self.write(i, key, "staged", shelf)),
                other => drop(self.write(i, key, other, None)),
            },
            "handed" if self.rng.chance(200) => drop(self.write(i, key, "undone", None)),
            "cancelled" | "expired" | "refused" if self.rng.chance(400) => drop(self.write(i, key, "put_back", None)),
            _ if !g.paid && self.rng.chance(300) => drop(self.write(i, key, "paid", None)),
            _ => {}
        }
    }

    fn hand_over(&mut self, i: usize, key: &AggregateKey, scan: bool) {
        let there = self.bag.get(key) == Some(&"shop");
        if scan && !there {
            return; // the scanner finds no bag
        }
        if !there && !self.excused(i, key) {
            self.fail(|| format!("handed over again without a bag: node {i} {key:?}"));
        }
        if self.write(i, key, "handed", None) && scan {
            self.nodes[i].db.unverified.remove(key);
        }
    }

    /// Images carry their witness with them; and no box can know what another did while both were alive and cut off.
    fn excused(&self, i: usize, key: &AggregateKey) -> bool {
        let node = &self.nodes[i];
        let by_other = self.handed_by.get(key).is_some_and(|(by, when)| *by != node.name && *when > node.since);
        self.image || by_other
    }

    // ---- the shell's own duties

    /// A projection is refreshed inside the transaction: at HQ webhooks, one a transition of the fold.
    pub fn applied(&mut self, i: usize, key: &AggregateKey, now: Now, written: &mut Vec<Ev>) {
        if key.kind != "reservation" {
            return;
        }
        if i != H {
            if !self.habit(Habit::Reconcile)
                && let Some((act, wish)) = consequence(&self.nodes[i].db.ledger, key)
            {
                written.extend(self.nodes[i].append(key, act, Some(wish.to_string()), now));
            }
            return;
        }
        let moves = fold(&self.nodes[H].db.ledger, key).moves;
        for (at, (kind, event)) in moves.iter().enumerate() {
            let k = moves[..at].iter().filter(|(other, _)| other == kind).count();
            let name = (key.clone(), kind.clone(), k);
            if !self.nodes[H].db.hooks.contains_key(&name) {
                let id = if self.habit(Habit::HookId) { *event } else { self.id() };
                self.nodes[H].db.hooks.insert(name, (id.to_string(), *event, false));
            }
        }
    }

    /// Effects of a restore (DESIGN §3): nothing that may have happened since the copy is taken for not done.
    pub fn restored(&mut self, i: usize, now: Now, written: &mut Vec<Ev>) {
        self.note(|| format!("node {i} leaves recovery"));
        if i == H {
            return;
        }
        let all = self.nodes[i].db.keys("reservation");
        let (unknown, spent) = (self.habit(Habit::Unknown), self.habit(Habit::Spent));
        let db = &mut self.nodes[i].db;
        db.unverified =
            if self.flaw == super::Flaw::Shell(Habit::Unverified) { [].into() } else { all.iter().cloned().collect() };
        db.unsure.extend(all);
        for message in db.keys("message") {
            let state = message_state(&self.nodes[i].db.ledger.events(&message, Side::Store));
            let why = match state.as_deref() {
                Some("queued" | "submitted") if unknown => "restored",
                Some("unknown") if spent => "spent",
                _ => continue,
            };
            written.extend(self.nodes[i].append(&message, "unknown", Some(why.into()), now));
        }
    }

    fn in_doubt(&self, db: &Db, reservation: &AggregateKey) -> bool {
        let set = if self.habit(Habit::Unsure) { &db.unsure } else { &db.unverified };
        set.contains(reservation)
    }

    /// The next act of a store's reconcilers: answers to wishes, READY messages, the journal's repair.
    pub fn owed(&self, i: usize) -> Option<(AggregateKey, &'static str, Option<String>)> {
        let db = &self.nodes[i].db;
        let head = db.ledger.the_head();
        if head.superseded && self.on(Rule::Quiet) {
            return None;
        }
        let recovering = head.recovery.is_some();
        for key in db.ledger.logs.keys() {
            match key.kind.as_str() {
                "reservation" if !recovering => {
                    if self.habit(Habit::Reconcile)
                        && let Some((act, wish)) = consequence(&db.ledger, key)
                    {
                        return Some((key.clone(), act, Some(wish.to_string())));
                    }
                    let g = fold(&db.ledger, key);
                    let message = ready_message(key, g.round);
                    if g.state == "ready" && db.ledger.events(&message, Side::Store).is_empty() {
                        return Some((message, "queued", None));
                    }
                }
                "message" => {
                    if let Some((act, why)) = self.owed_message(i, key, recovering) {
                        return Some((key.clone(), act, Some(why.into())));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn owed_message(&self, i: usize, key: &AggregateKey, recovering: bool) -> Option<(&'static str, &'static str)> {
        let db = &self.nodes[i].db;
        let events = db.ledger.events(key, Side::Store);
        let at_modem = self.nodes[i].modem.as_ref().is_some_and(|(m, _)| m == key);
        match message_state(&events)?.as_str() {
            "submitted" if !at_modem => Some(("unknown", "restart")),
            "queued" if self.habit(Habit::Unknown) && events.len() == 1 && self.in_doubt(db, &reservation_of(key)) => {
                Some(("unknown", "restored"))
            }
            "unknown" if !recovering => {
                let spent = events.last().is_some_and(|e| e.body.as_deref() == Some("spent"));
                let tries = events.iter().filter(|e| e.kind == "submitted").count();
                (!spent && tries < 2).then_some(("queued", "policy"))
            }
            _ => None,
        }
    }

    /// One act of a node's own machinery.
    pub fn tick(&mut self, i: usize) {
        if !self.nodes[i].up || self.nodes[i].db.ledger.head.is_none() || self.failed.is_some() {
            return;
        }
        match self.nodes[i].end {
            End::Hq(_) => self.tick_hq(),
            End::Store(_) => self.tick_store(i),
        }
    }

    fn tick_store(&mut self, i: usize) {
        if let Some((key, kind, body)) = self.owed(i)
            && self.rng.chance(700)
        {
            self.write(i, &key, kind, body);
            return;
        }
        match self.nodes[i].modem.clone() {
            Some((key, Modem::Air)) => self.submit(i, key),
            Some((key, Modem::Answer)) => {
                let lost = self.odds(self.luck.lost_sms);
                if self.write(i, &key, if lost { "unknown" } else { "sent" }, None) {
                    self.nodes[i].modem = None;
                }
            }
            None => self.begin_sms(i),
        }
    }

    fn submit(&mut self, i: usize, key: AggregateKey) {
        self.on_air(i, &key);
        if !self.habit(Habit::JournalBeforeSend) {
            self.nodes[i].modem = None;
            if self.write(i, &key, "submitted", None) {
                self.write(i, &key, "sent", None);
            }
            return;
        }
        self.nodes[i].modem = Some((key, Modem::Answer));
        if self.odds(self.luck.crash) {
            self.note(|| format!("node {i} dies after ^Z"));
            self.crash(i);
        }
    }

    fn begin_sms(&mut self, i: usize) {
        let db = &self.nodes[i].db;
        let head = db.ledger.the_head();
        if head.recovery.is_some() || head.superseded && self.on(Rule::Quiet) {
            return;
        }
        let ready = |key: &&AggregateKey| {
            let events = db.ledger.events(key, Side::Store);
            let doubt = self.habit(Habit::Unknown) && events.len() == 1 && self.in_doubt(db, &reservation_of(key));
            message_state(&events).as_deref() == Some("queued") && !doubt
        };
        let Some(key) = db.ledger.logs.keys().filter(|k| k.kind == "message").find(ready).cloned() else { return };
        let journalled = !self.habit(Habit::JournalBeforeSend) || self.write(i, &key, "submitted", None);
        if journalled && self.nodes[i].up {
            self.nodes[i].modem = Some((key, Modem::Air));
        }
    }

    fn on_air(&mut self, i: usize, key: &AggregateKey) {
        self.stats.sms += 1;
        let times = self.air.entry(key.clone()).or_default();
        *times += 1;
        let (n, unknown) = (*times, self.unknowns.get(key).copied().unwrap_or(0));
        self.note(|| format!("node {i} SMS {key:?} on air ({n})"));
        if n > 1 + unknown && !self.image {
            self.fail(|| format!("SMS twice on air: {key:?} {n} times, called unknown {unknown} times"));
        }
    }

    fn tick_hq(&mut self) {
        let waiting = self.nodes[H].db.hooks.iter().find(|(_, (_, _, done))| !done);
        let Some((name, (id, event, _))) = waiting.map(|(n, h)| (n.clone(), h.clone())) else { return };
        let sent = self.hooks.entry(name.clone()).or_default();
        sent.insert(id, event);
        let held = |id: &EventId| self.nodes[H].db.ledger.by_id.contains_key(id);
        // HQ forgot the first, the other box made the transition anew, and then the first came back from its own box: no
        // one was there who knew of both in time.
        let excused = self.nodes.len() > 2 && sent.values().any(|id| self.hq_lost.contains(id));
        if sent.len() > 1 && sent.values().all(held) && !excused {
            let what = format!("webhook with two ids: {name:?} {sent:?}");
            self.fail(|| what);
        }
        self.tx(H, |node, _| {
            if let Some(hook) = node.db.hooks.get_mut(&name) {
                hook.2 = true;
            }
            Vec::new()
        });
    }
}
