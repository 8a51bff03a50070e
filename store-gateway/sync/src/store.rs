//! The store's end: its connection, births, sending and writing. What HQ says is in `hear`, what people decide in `persons`.

use sans_io::Instant;

use crate::config::{Config, Error, LinkState, Now, Witness};
use crate::end::{Common, Tx};
use crate::envelope::{Envelope, NewEvent};
use crate::ident::{EventId, PerQueue, Queue, Side};
use crate::ledger::{Head, Ledger, LedgerRead};
use crate::output::{Output, RolledBack, Timer};
use crate::rules::Rule;
use crate::snapshot::stream_end;
use crate::wire::{Birth, Message, Seen, SnapshotRequest};

mod hear;
mod persons;

/// The store's end of the protocol. Volatile: a restart makes a new one over the same ledger.
pub struct StoreEnd {
    common: Common,
    session: EventId,
    connection: EventId,
    answered: PerQueue<bool>,
    hq_boot: Option<EventId>,
    heard: Option<Instant>,
    offered: bool,
    birth_due: bool,
    request_due: bool,
    extras: serde_json::Map<String, serde_json::Value>,
}

impl StoreEnd {
    /// Makes the end of one process; `seed` comes from the operating system outside tests.
    pub fn new(config: Config, seed: u64, now: Now) -> Self {
        let mut common = Common::new(Side::Store, config, seed, now);
        let session = common.id();
        Self {
            common,
            session,
            connection: session,
            answered: PerQueue::default(),
            hq_boot: None,
            heard: None,
            offered: false,
            birth_due: false,
            request_due: false,
            extras: serde_json::Map::new(),
        }
    }

    /// This process, as births name it.
    pub const fn boot(&self) -> EventId {
        self.common.boot
    }

    /// Compares database and witness and raises both; makes the head record of a new database. Once, before all else.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_start<L: Ledger>(
        &mut self,
        ledger: &mut L,
        witness: Witness,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        if ledger.head()?.is_none() {
            ledger.put_head(&self.common.new_head(0))?;
        }
        let mut tx = Tx::open(ledger)?;
        let check = witness.check(tx.head.generation);
        if check.restored && self.common.rules.on(Rule::Witness) {
            self.rolled_back(&mut tx, RolledBack::Witness, 0)?;
        }
        self.raise(&mut tx, check.generation);
        tx.close()
    }

    /// Call after a backup was taken, in a transaction of its own: a copy of before is then known as such.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_backup<L: Ledger>(&mut self, ledger: &mut L) -> Result<(), Error<L::Error>> {
        let mut tx = Tx::open(ledger)?;
        let generation = tx.head.generation + 1;
        self.raise(&mut tx, generation);
        tx.close()
    }

    fn raise<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, generation: u64) {
        tx.head.generation = generation;
        self.common.outputs.push_back(Output::RaiseWitness(generation));
    }

    /// What the shell adds to births: `version`, `clock`, `config`, `queues`. Names of the protocol's own fields are
    /// left out.
    pub fn set_extras(&mut self, mut extras: serde_json::Map<String, serde_json::Value>) {
        for name in ["online", "boot", "session", "connection", "epoch", "recovery", "sent", "seen"] {
            extras.remove(name);
        }
        self.extras = extras;
    }

    // ---- the connection

    /// Call before connecting: begins the session of the next connection. [`StoreEnd::will`] then is its last will.
    pub fn handle_connecting(&mut self, now: Now) {
        self.common.wall = now.wall;
        self.handle_disconnected();
        self.renew_session();
        self.connection = self.session;
    }

    /// The last will of this connection, also published as a farewell before an orderly stop.
    ///
    /// # Errors
    /// When the ledger fails or was never started.
    pub fn will<L: LedgerRead>(&self, ledger: &L) -> Result<Message, Error<L::Error>> {
        let head = ledger.head()?.ok_or(Error::NotStarted)?;
        let mut birth = self.birth(ledger, &head)?;
        birth.online = false;
        birth.session = self.connection;
        Ok(Message::Birth(birth))
    }

    /// The subscriptions are acknowledged: a birth is due at the next pump.
    pub fn handle_connected(&mut self, now: Now) {
        self.common.wall = now.wall;
        self.common.connected = true;
        self.birth_due = true;
    }

    /// The connection is gone.
    pub fn handle_disconnected(&mut self) {
        self.common.connected = false;
        self.common.forget_timers();
        self.common.reset_stream();
        self.common.staging.clear();
    }

    /// The transaction of the last calls did not commit: drops what they wanted to say and begins a new session.
    pub fn handle_rollback(&mut self, now: Now) {
        self.common.wall = now.wall;
        self.common.outputs.clear();
        self.common.staging.clear();
        self.common.forget_timers();
        self.common.reset_stream();
        self.renew_session();
        if self.common.connected {
            self.common.timers.set(Timer::Birth, now.at + self.common.config.birth_retry);
        }
    }

    /// Whether HQ is there, by what it said.
    pub fn link_state(&self, now: Now) -> LinkState {
        let fresh = self.heard.is_some_and(|at| now.at.since(at) < self.common.config.offline_after);
        if fresh && self.common.connected { LinkState::Online } else { LinkState::Offline }
    }

    fn renew_session(&mut self) {
        self.session = self.common.id();
        self.answered = PerQueue::default();
        self.hq_boot = None;
        self.offered = false;
        self.request_due = false;
        for timer in [Timer::Birth, Timer::Gap, Timer::Quiet, Timer::Request] {
            self.common.timers.clear(timer);
        }
    }

    fn is_answered(&self) -> bool {
        self.answered.p0 && self.answered.p1
    }

    /// A new birth under a new session, soon.
    fn again(&mut self, now: Instant) {
        if self.common.rules.on(Rule::Rebirth) && (self.answered.p0 || self.answered.p1) {
            self.renew_session();
            let spread = self.common.spread();
            self.common.timers.set(Timer::Birth, now + spread);
        }
    }

    fn birth<L: LedgerRead>(&self, ledger: &L, head: &Head) -> Result<Birth, Error<L::Error>> {
        Ok(Birth {
            online: true,
            boot: Some(self.common.boot),
            session: self.session,
            connection: Some(self.connection),
            epoch: head.epoch.clone(),
            recovery: head.recovery.is_some(),
            sent: stream_end(ledger, head)?,
            seen: Seen { epoch: head.peer_epoch.clone(), at: head.seen },
            extras: self.extras.clone(),
        })
    }

    // ---- sending

    /// Does what is due and sends committed rows. Reads committed data only, so never call it on an open write
    /// transaction. Call it after every commit, after `handle_connected` and when a wait is over.
    ///
    /// # Errors
    /// When the ledger fails or was never started.
    pub fn pump<L: LedgerRead>(&mut self, ledger: &L, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let head = ledger.head()?.ok_or(Error::NotStarted)?;
        while let Some(timer) = self.common.timers.expire(now.at) {
            self.expired(timer, now.at);
        }
        if !self.common.connected {
            return Ok(());
        }
        if self.birth_due {
            self.send_birth(ledger, &head, now.at)?;
        }
        if head.superseded || !self.is_answered() && self.common.rules.on(Rule::Hold) {
            return Ok(());
        }
        if head.recovery.is_some() {
            self.ask_snapshot(&head, now.at);
            if self.common.rules.on(Rule::Hold) {
                return Ok(());
            }
        }
        self.common.send_rows(ledger, &head, None, now.at)?;
        self.common.send_telemetry(&head, now.at);
        Ok(())
    }

    fn expired(&mut self, timer: Timer, now: Instant) {
        match timer {
            Timer::Birth => self.birth_due = true,
            Timer::Gap | Timer::Quiet => self.again(now),
            Timer::Request => self.request_due = true,
            Timer::StallP0 => self.common.stalled(Queue::P0),
            Timer::StallP1 => self.common.stalled(Queue::P1),
            Timer::Telemetry => {}
        }
    }

    fn send_birth<L: LedgerRead>(&mut self, ledger: &L, head: &Head, now: Instant) -> Result<(), Error<L::Error>> {
        self.birth_due = false;
        if head.superseded {
            if !self.common.rules.on(Rule::AskOn) {
                return Ok(());
            }
            self.renew_session();
        }
        let wait = if head.superseded { self.common.config.superseded_birth } else { self.common.config.birth_retry };
        if head.superseded || self.common.rules.on(Rule::Rebirth) {
            self.common.timers.set(Timer::Birth, now + wait);
        }
        let birth = self.birth(ledger, head)?;
        self.common.emit(Message::Birth(birth));
        Ok(())
    }

    fn ask_snapshot(&mut self, head: &Head, now: Instant) {
        let Some(request) = head.recovery.filter(|_| self.is_answered()) else { return };
        if !self.request_due && self.common.timers.deadline(Timer::Request).is_some() {
            return;
        }
        self.request_due = false;
        self.common.timers.set(Timer::Request, now + self.common.config.request_retry);
        let epoch = head.epoch.clone();
        self.common.emit(Message::Request(SnapshotRequest { from: Side::Store, epoch, request, meant_for: None }));
    }

    /// Sets a telemetry value; the latest one of each (aggregate, type) goes out when there is time, once, at QoS 0's
    /// mercy. False when there are too many names.
    pub fn set_telemetry(&mut self, event: NewEvent) -> bool {
        self.common.set_telemetry(event)
    }

    // ---- writing

    /// Writes an event of the store, in the same transaction as the change that it tells of.
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Superseded`] write nothing; else when the ledger fails.
    pub fn append<L: Ledger>(
        &mut self,
        ledger: &mut L,
        event: NewEvent,
        now: Now,
    ) -> Result<Envelope, Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        let sealed = self.common.append(&mut tx, event)?;
        tx.close()?;
        Ok(sealed)
    }

    /// Drops P1 rows that are too old; call it now and then (hourly).
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn trim<L: Ledger>(&mut self, ledger: &mut L, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        self.common.trim(&mut tx)?;
        tx.close()
    }

    fn rolled_back<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        why: RolledBack,
        above: u64,
    ) -> Result<(), Error<L::Error>> {
        self.common.rolled_back(tx, why, above)?;
        self.renew_session();
        self.birth_due = self.common.connected;
        Ok(())
    }

    /// The next thing to do; [`Output::Wait`] when all is done.
    pub fn poll_output(&mut self) -> Output {
        self.common.poll_output()
    }
}

#[cfg(test)]
impl StoreEnd {
    pub(crate) fn set_rules(&mut self, rules: crate::rules::Rules) {
        self.common.rules = rules;
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.is_answered()
    }
}
