//! A world for both ends: network, crashes, failed commits, restored copies, cloned boxes, people, SMS, webhooks.
//!
//! Everything goes through real bytes. One seed is one life of one shop; `cases.rs` runs thousands of them.

mod behaviour;
mod bytes;
mod cases;
mod check;
mod faults;
mod mem;
mod network;
mod people;
mod shop;
mod throughput;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sans_io::{ClockQuality, Instant, Rng, Wall};

use crate::rules::{Rule, Rules};
use crate::wire::FRAME_BYTES;
use crate::*;
use mem::{Ev, MemLedger, Trace};

const CHAIN: &str = "acme";
const STORE: &str = "waw-01";
const H: usize = 0;
/// More messages under way than any honest exchange of this size has.
const STORM: usize = 2_000;
/// Steps without a new epoch that count as rest: more than a superseded box's births are apart.
const REST: u64 = 40;
/// Steps within which rest must come once the faults have stopped.
const PATIENCE: u64 = 740;

/// What a run leaves out or does wrong; a rule of the core, or a habit of the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    Core(Rule),
    Shell(Habit),
}

/// What the shell must do for the protocol to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Unknown,
    Unverified,
    OrderId,
    HookId,
    Reconcile,
    Unsure,
    Spent,
    AckAfterCommit,
    JournalBeforeSend,
}

pub struct JudgeAll;

impl Judge for JudgeAll {
    fn judge(&self, _: &Envelope) -> Verdict {
        Verdict::Apply
    }
}

pub enum End {
    Hq(Box<HqEnd>),
    Store(Box<StoreEnd>),
}

/// Calls the same method on either kind of end.
macro_rules! both {
    ($end:expr, $e:ident => $do:expr) => {
        match $end {
            End::Hq($e) => $do,
            End::Store($e) => $do,
        }
    };
}

use both;

/// One database: the ledger and what the shell derives from it.
#[derive(Clone, Default)]
pub struct Db {
    pub ledger: MemLedger,
    pub generation: u64,
    pub life: u64,
    pub unverified: BTreeSet<AggregateKey>,
    pub unsure: BTreeSet<AggregateKey>,
    pub hooks: BTreeMap<(AggregateKey, String, usize), (String, EventId, bool)>,
    pub rolled_back: bool,
}

impl Db {
    pub fn keys(&self, kind: &str) -> Vec<AggregateKey> {
        self.ledger.logs.keys().filter(|k| k.kind == kind).cloned().collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modem {
    Air,
    Answer,
}

pub struct Node {
    pub name: &'static str,
    pub db: Db,
    pub end: End,
    pub up: bool,
    pub link: bool,
    pub connected: bool,
    pub conn: u32,
    pub will: Option<Vec<u8>>,
    pub boot: Option<EventId>,
    pub beat: u64,
    pub modem: Option<(AggregateKey, Modem)>,
    pub since: u64,
}

impl Node {
    pub fn side(&self) -> Side {
        match self.end {
            End::Hq(_) => Side::Hq,
            End::Store(_) => Side::Store,
        }
    }

    pub fn append(&mut self, key: &AggregateKey, kind: &str, body: Option<String>, now: Now) -> Option<Ev> {
        let actor = Actor { kind: "staff".into(), id: "anna".into() };
        let event = NewEvent::new(key.clone(), kind, actor, &body).expect("a text is JSON");
        let side = self.side();
        match both!(&mut self.end, e => e.append(&mut self.db.ledger, event, now)) {
            Ok(envelope) => Some(Ev::of(side, &envelope)),
            Err(Error::Superseded) => None,
            Err(e) => panic!("append failed: {e:?}"),
        }
    }
}

struct Packet {
    due: u64,
    to: usize,
    conn: u32,
    topic: String,
    payload: Vec<u8>,
}

/// Probabilities of one life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Luck {
    pub drop: u64,
    pub dup: u64,
    pub crash: u64,
    pub failed_commit: u64,
    pub link: u64,
    pub backup: u64,
    pub restore: u64,
    pub hq_restore: u64,
    pub clone: u64,
    pub lost_sms: u64,
    pub wills: u64,
    pub delay: u64,
    pub flood: u64,
    pub busy: u64,
}

impl Luck {
    /// Restores and second boxes happen all the time.
    fn rough(self) -> Self {
        Self { backup: 80, restore: 30, hq_restore: 30, clone: 40, drop: self.drop / 2, ..self }
    }

    /// Two boxes of one identity, mostly cut off from HQ and from each other, and few other faults.
    fn twins(self) -> Self {
        let calm = Self { crash: 0, failed_commit: 0, hq_restore: 0, drop: self.drop / 4, ..self };
        Self { backup: 60, restore: 8, clone: 80, link: 100, busy: 500, ..calm }
    }

    /// Every third life is a rough one, every sixth one of twins.
    fn of(self, seed: u64) -> Self {
        match seed % 6 {
            2 | 5 => self.rough(),
            4 => self.twins(),
            _ => self,
        }
    }
}

#[derive(Default)]
pub struct Statistics {
    pub restores: u32,
    pub images: u32,
    pub clones: u32,
    pub minted: u32,
    pub crashes: u32,
    pub failed_commits: u32,
    pub messages: u64,
    pub snapshots: u32,
    pub sms: u32,
}

pub struct World {
    pub rng: Rng,
    pub flaw: Flaw,
    pub now: u64,
    pub luck: Luck,
    pub nodes: Vec<Node>,
    pub calm: bool,
    pub failed: Option<String>,
    pub stats: Statistics,
    pub trace: Option<Vec<String>>,
    pub chunk_bytes: usize,
    net: Vec<Packet>,
    retained: Option<Vec<u8>>,
    witness: BTreeMap<&'static str, u64>,
    copies: BTreeMap<&'static str, Vec<(Db, u64)>>,
    pub image_ok: bool,
    pub image: bool,
    pub ghost: BTreeMap<EventId, Ev>,
    pub destroyed: BTreeMap<EventId, usize>,
    pub dropped: BTreeSet<EventId>,
    durable: BTreeSet<(Side, EventId)>,
    pub bag: BTreeMap<AggregateKey, &'static str>,
    pub handed_by: BTreeMap<AggregateKey, (&'static str, u64)>,
    pub air: BTreeMap<AggregateKey, u32>,
    pub unknowns: BTreeMap<AggregateKey, u32>,
    pub hooks: BTreeMap<(AggregateKey, String, usize), BTreeMap<String, EventId>>,
    pub orders: BTreeMap<u32, &'static str>,
    pub p1_rows: u64,
    /// Events that a restore of HQ took from it, whether or not they came back.
    pub hq_lost: BTreeSet<EventId>,
}

impl World {
    pub fn new(seed: u64, flaw: Flaw, trace: bool) -> Self {
        let mut rng = Rng::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(17));
        let mut maybe = |per_mille: u64| if rng.below(2) == 0 { 0 } else { per_mille };
        let luck = Luck {
            drop: maybe(250),
            dup: maybe(200),
            crash: maybe(30),
            failed_commit: maybe(20),
            link: maybe(60),
            backup: maybe(50),
            restore: maybe(12),
            hq_restore: maybe(10),
            clone: maybe(6),
            lost_sms: maybe(300),
            wills: maybe(700),
            flood: if maybe(1) == 1 { maybe(500) } else { 0 },
            busy: if maybe(1) == 1 { 500 } else { 150 },
            delay: 0,
        };
        let luck = luck.of(seed);
        let delay = [1, 3, 8][rng.below(3) as usize];
        let image_ok = rng.chance(250);
        let chunk_bytes = FRAME_BYTES + [4_000, 12_000][rng.below(2) as usize];
        let mut world = Self {
            rng,
            flaw,
            now: 0,
            luck: Luck { delay, ..luck },
            nodes: Vec::new(),
            calm: false,
            failed: None,
            stats: Statistics::default(),
            trace: trace.then(Vec::new),
            chunk_bytes,
            net: Vec::new(),
            retained: None,
            witness: BTreeMap::new(),
            copies: BTreeMap::new(),
            image_ok,
            image: false,
            ghost: BTreeMap::new(),
            destroyed: BTreeMap::new(),
            dropped: BTreeSet::new(),
            durable: BTreeSet::new(),
            bag: BTreeMap::new(),
            handed_by: BTreeMap::new(),
            air: BTreeMap::new(),
            unknowns: BTreeMap::new(),
            hooks: BTreeMap::new(),
            orders: BTreeMap::new(),
            p1_rows: 14,
            hq_lost: BTreeSet::new(),
        };
        world.add_node("H", Side::Hq, Db::default());
        world.add_node("A", Side::Store, Db::default());
        world
    }

    fn add_node(&mut self, name: &'static str, side: Side, db: Db) {
        let end = self.new_end(name, side, None);
        self.nodes.push(Node {
            name,
            db,
            end,
            up: false,
            link: true,
            connected: false,
            conn: 0,
            will: None,
            boot: None,
            beat: 0,
            modem: None,
            since: self.now,
        });
        self.start(self.nodes.len() - 1);
    }

    fn new_end(&mut self, name: &'static str, side: Side, boot: Option<EventId>) -> End {
        let (seed, now, rules) = (self.rng.next_u64(), self.clock(), self.rules());
        let config = self.config(name, side);
        match side {
            Side::Hq => {
                let boot = boot.unwrap_or_else(|| self.id());
                let mut end = HqEnd::new(config, seed, boot, now);
                end.set_rules(rules);
                End::Hq(Box::new(end))
            }
            Side::Store => {
                let mut end = StoreEnd::new(config, seed, now);
                end.set_rules(rules);
                End::Store(Box::new(end))
            }
        }
    }

    fn rules(&self) -> Rules {
        Rules::without(if let Flaw::Core(rule) = self.flaw { Some(rule) } else { None })
    }

    fn config(&self, name: &str, side: Side) -> Config {
        let s = Duration::from_secs;
        // Without acknowledgements of duplicates only the birth after a long quiet heals a lost one: off with it.
        let quiet = if self.flaw == Flaw::Core(Rule::AckDuplicates) { s(1 << 30) } else { s(31) };
        let age = Duration::from_secs(1 << 30);
        let bound = P1Bound { rows: self.p1_rows, bytes: 1 << 20, age };
        Config {
            stall: s(8),
            birth_retry: s(4),
            gap: s(8),
            quiet,
            rebirth_spread: s(1),
            superseded_birth: s(31),
            request_retry: s(6),
            window: PerQueue { p0: 2, p1: 1 },
            batch_events: 4,
            batch_bytes: self.chunk_bytes,
            p1_bound: (side == Side::Store).then_some(bound),
            ..Config::store(name)
        }
    }

    pub fn habit(&self, habit: Habit) -> bool {
        self.flaw != Flaw::Shell(habit)
    }

    pub fn on(&self, rule: Rule) -> bool {
        self.flaw != Flaw::Core(rule)
    }

    pub fn clock(&self) -> Now {
        let unix_ms = 1_779_365_223_000 + self.now as i64 * 1_000;
        Now { at: Instant::from_millis(self.now * 1_000), wall: Wall { unix_ms, quality: ClockQuality::Ntp } }
    }

    /// An id of the world's own: boots, orders without derived ids.
    pub fn id(&mut self) -> EventId {
        let mut ids = sans_io::Ids::new(self.rng.next_u64());
        EventId::from_bytes(ids.next_v7(self.clock().wall.unix_ms))
    }

    pub fn note(&mut self, text: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now:4} {}", text()));
        }
    }

    pub fn fail(&mut self, why: impl FnOnce() -> String) {
        if self.failed.is_none() {
            self.failed = Some(why());
        }
    }

    pub fn odds(&mut self, per_mille: u64) -> bool {
        !self.calm && self.rng.chance(per_mille)
    }

    // ---- transactions, crashes, failed commits

    /// One transaction of a node. False when it did not commit or the node died.
    pub fn tx(&mut self, i: usize, act: impl FnOnce(&mut Node, Now) -> Vec<Ev>) -> bool {
        if !self.nodes[i].up || self.failed.is_some() {
            return false;
        }
        let dies = self.odds(self.luck.crash);
        let lost = if dies { self.rng.chance(500) } else { self.odds(self.luck.failed_commit) };
        let saved = lost.then(|| self.nodes[i].db.clone());
        let now = self.clock();
        self.nodes[i].db.ledger.trace.clear();
        let mut written = act(&mut self.nodes[i], now);
        let later = self.drain_inside(i, now, &mut written);
        if let Some(broken) = self.nodes[i].db.ledger.broken.take() {
            self.fail(|| broken);
        }
        if let Some(saved) = saved {
            if !self.habit(Habit::AckAfterCommit) {
                self.perform(i, later);
            }
            self.nodes[i].db = saved;
            if !dies {
                self.stats.failed_commits += 1;
                both!(&mut self.nodes[i].end, e => e.handle_rollback(now));
            }
        } else {
            self.committed(i, written);
            if !dies {
                self.perform(i, later);
            }
        }
        if dies {
            self.note(|| format!("node {i} dies {} a commit", if lost { "before" } else { "after" }));
            self.crash(i);
        } else {
            self.pump(i);
        }
        !dies && !lost
    }

    /// Does what belongs into the transaction; gives back what must wait for the commit.
    fn drain_inside(&mut self, i: usize, now: Now, written: &mut Vec<Ev>) -> Vec<Output> {
        let mut later = Vec::new();
        loop {
            let output = both!(&mut self.nodes[i].end, e => e.poll_output());
            match output {
                Output::Wait { .. } => return later,
                Output::Applied { key } => self.applied(i, &key, now, written),
                Output::RolledBack { why } => self.noticed(i, &why),
                Output::Restored => self.restored(i, now, written),
                Output::Superseded { open } => self.note(|| format!("node {i} is superseded by {open}")),
                Output::Reopened => self.note(|| format!("node {i} is open again")),
                Output::Alert(alert) => self.heard(i, &alert),
                Output::Telemetry(_) => {}
                output => {
                    assert!(!output.inside_transaction());
                    later.push(output);
                }
            }
        }
    }

    fn heard(&mut self, i: usize, alert: &Alert) {
        self.note(|| format!("node {i} {alert:?}"));
        match alert {
            Alert::SetAside { why: AsideReason::OutOfOrder, .. } => {
                self.fail(|| format!("n does not follow or applied twice: node {i} {alert:?}"));
            }
            Alert::Unreadable { .. } => self.fail(|| format!("unreadable: node {i} {alert:?}")),
            _ => {}
        }
    }

    fn noticed(&mut self, i: usize, why: &RolledBack) {
        self.note(|| format!("node {i} knows that it was rolled back: {why}"));
        self.stats.minted += 1;
        let db = &mut self.nodes[i].db;
        db.rolled_back = true;
        if i != H {
            let all = db.keys("reservation");
            db.unverified = all.iter().cloned().collect();
            db.unsure.extend(all);
        }
    }

    /// The commit stands: what was written counts from now on.
    fn committed(&mut self, i: usize, written: Vec<Ev>) {
        let own = self.nodes[i].side();
        for trace in std::mem::take(&mut self.nodes[i].db.ledger.trace) {
            match trace {
                Trace::Held(by, id) if by != own => drop(self.durable.insert((own, id))),
                Trace::Held(..) => {}
                Trace::Dropped(id) => drop(self.dropped.insert(id)),
                Trace::Deleted(id) => {
                    if !self.durable.contains(&(own.peer(), id)) && !self.dropped.contains(&id) {
                        self.fail(|| format!("row deleted before the other side's commit: node {i} {id}"));
                    }
                }
            }
        }
        for ev in written {
            self.counts(i, ev);
        }
    }

    fn perform(&mut self, i: usize, later: Vec<Output>) {
        for output in later {
            match output {
                Output::Transmit(message) => self.send(i, message),
                Output::RaiseWitness(n) => drop(self.witness.insert(self.nodes[i].name, n)),
                Output::SendSnapshot(mut job) => {
                    self.stats.snapshots += 1;
                    while let Some(m) = job.next_chunk(&self.nodes[i].db.ledger).expect("memory does not fail") {
                        self.send(i, m);
                    }
                }
                output => panic!("{output:?} is not for after the commit"),
            }
        }
    }

    pub fn pump(&mut self, i: usize) {
        let now = self.clock();
        let node = &mut self.nodes[i];
        if !node.up || node.db.ledger.head.is_none() {
            return;
        }
        both!(&mut node.end, e => e.pump(&node.db.ledger, now)).expect("memory does not fail");
        let later = self.drain_inside(i, now, &mut Vec::new());
        self.perform(i, later);
    }

    fn crash(&mut self, i: usize) {
        self.stats.crashes += 1;
        self.nodes[i].up = false;
        self.nodes[i].modem = None;
        self.disconnect(i);
    }

    fn start(&mut self, i: usize) {
        let boot = self.id();
        let (name, side) = (self.nodes[i].name, self.nodes[i].side());
        let end = self.new_end(name, side, Some(boot));
        let found = self.witness.get(name).map_or(Witness::Missing, |n| Witness::Generation(*n));
        let node = &mut self.nodes[i];
        (node.end, node.up, node.boot, node.beat, node.modem) = (end, true, Some(boot), 0, None);
        let trust = self.on(Rule::Witness);
        let mut raised = 0;
        let started = self.tx(i, |node, now| {
            match &mut node.end {
                End::Store(end) => end.handle_start(&mut node.db.ledger, found, now).expect("memory"),
                End::Hq(end) => {
                    let check = found.check(node.db.generation);
                    node.db.generation = check.generation;
                    raised = check.generation;
                    node.db.life += u64::from(check.restored && trust);
                    end.handle_start(&mut node.db.ledger, node.db.life, now).expect("memory");
                }
            }
            Vec::new()
        });
        if started && side == Side::Hq {
            self.witness.insert(name, raised);
        }
        if !started {
            self.crash(i); // a daemon that cannot open its database ends and is started again
            return;
        }
        self.note(|| format!("node {i} started"));
        self.connect(i);
    }

    // ---- the run

    fn step(&mut self) {
        self.now += 1;
        self.deliver_due();
        if !self.calm {
            self.faults();
            self.hq_acts();
            for i in 1..self.nodes.len() {
                self.store_acts(i);
            }
        }
        self.beat();
        for i in 0..self.nodes.len() {
            self.tick(i);
            self.pump(i);
        }
    }

    /// A life of so many steps with faults, then rest, then the checks.
    pub fn run(&mut self, steps: u64) -> Result<(), String> {
        for _ in 0..steps {
            self.step();
            self.verdict()?;
        }
        self.note(|| "---- faults stop".into());
        self.calm = true;
        for i in 0..self.nodes.len() {
            self.nodes[i].link = true;
            if !self.nodes[i].up {
                self.start(i);
            }
            self.connect(i);
        }
        // A superseded box may still teach a restored HQ a later epoch: rest is to be settled and to mint none for a while.
        let (mut minted, mut since) = (self.stats.minted, self.now);
        while self.now - since < REST || self.unsettled().is_some() {
            if self.now > steps + PATIENCE {
                let why = self.unsettled().unwrap_or_else(|| "epochs go on being minted".into());
                return Err(format!("no rest: {why}"));
            }
            self.step();
            self.verdict()?;
            if self.stats.minted != minted {
                (minted, since) = (self.stats.minted, self.now);
            }
        }
        self.check();
        self.verdict()
    }

    fn verdict(&mut self) -> Result<(), String> {
        self.failed.take().map_or(Ok(()), Err)
    }
}
