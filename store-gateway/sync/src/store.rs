//! The store's end: births, answers, recovery, being superseded.

use sans_io::Instant;

use crate::adopt::Complete;
use crate::config::{Config, Delivery, Error, Judge, LinkState, Now, Witness};
use crate::end::{Common, Told, Tx};
use crate::envelope::{Envelope, NewEvent};
use crate::ident::{AggregateKey, Class, Epoch, EventId, PerQueue, Queue, Side};
use crate::ledger::{Head, Ledger, LedgerRead};
use crate::output::{Alert, Output, RolledBack, Timer};
use crate::rules::Rule;
use crate::snapshot::{SnapshotJob, stream_end};
use crate::wire::{Ack, Birth, Cut, EventsBatch, Heartbeat, Message, Seen, SnapshotChunk, SnapshotRequest};

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

    // ---- what HQ says

    /// Takes any message of HQ; see the `handle_*` for each kind. Own messages that the broker returns are left alone.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_message<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        message: Message,
        delivery: Delivery,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        match message {
            Message::Events(batch) => self.handle_events(ledger, judge, &batch, now),
            Message::Ack(ack) => self.handle_ack(ledger, &ack, now),
            Message::Request(request) => self.handle_request(ledger, &request, now),
            Message::Snapshot(chunk) => self.handle_snapshot(ledger, judge, &chunk, now),
            Message::Heartbeat(beat) => {
                self.handle_heartbeat(&beat, delivery, now);
                Ok(())
            }
            Message::Birth(_) => Ok(()),
        }
    }

    /// HQ is there; a new boot of it causes a birth.
    pub fn handle_heartbeat(&mut self, beat: &Heartbeat, delivery: Delivery, now: Now) {
        self.common.wall = now.wall;
        match (delivery, beat.online) {
            (Delivery::Live, true) => self.heard = Some(now.at),
            (_, false) => self.heard = None,
            (Delivery::Retained, true) => {}
        }
        self.notice_boot(beat.boot, now.at);
    }

    fn notice_boot(&mut self, boot: Option<EventId>, now: Instant) {
        if boot.is_some() && self.hq_boot.is_some() && boot != self.hq_boot {
            self.again(now);
        }
    }

    /// HQ's watermark in our stream; the answer to a birth when it echoes its session.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_ack<L: Ledger>(&mut self, ledger: &mut L, ack: &Ack, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        self.heard = Some(now.at);
        let Some(queue) = ack.class.queue() else { return Ok(()) };
        let mut tx = Tx::open(ledger)?;
        let open = ack.open.as_ref().or(ack.epoch.as_ref());
        let fresh = ack.session == Some(self.session) && !self.answered[queue];
        let ours = open == Some(&tx.head.epoch);
        let later = open.is_some_and(|open| self.minted_later(&tx.head, open));
        if tx.head.superseded && !(fresh && (ours || later)) {
            return Ok(());
        }
        if tx.head.superseded {
            tx.head.superseded = false;
            self.common.outputs.push_back(Output::Reopened);
        }
        if ours {
            self.answered(&mut tx, queue, ack, fresh, now.at)?;
        } else if let Some(open) = open.filter(|open| open.counter >= tx.head.epoch.counter) {
            self.other_epoch(&mut tx, open.clone(), fresh, now.at)?;
        }
        tx.close()
    }

    /// True for another epoch of this very machine that is not before ours: only a later life of this box can have
    /// minted it, so this one was rolled back. Holds for a superseded copy too, or nobody would be in the open epoch.
    fn minted_later(&self, head: &Head, open: &Epoch) -> bool {
        let later = *open != head.epoch && open.counter >= head.epoch.counter;
        later && open.machine == self.common.config.machine && self.common.rules.on(Rule::Box)
    }

    fn answered<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        queue: Queue,
        ack: &Ack,
        fresh: bool,
        now: Instant,
    ) -> Result<(), Error<L::Error>> {
        self.notice_boot(ack.boot, now);
        if fresh && ack.session == Some(self.session) {
            self.answered[queue] = true;
            self.hq_boot = ack.boot;
            tx.head.opened = true;
            if self.is_answered() {
                self.common.timers.clear(Timer::Birth);
                self.birth_due = false;
                self.common.timers.set(Timer::Quiet, now + self.common.config.quiet);
            }
        }
        match self.common.take_seen(tx, queue, ack.watermark(), now)? {
            Told::Fine => Ok(()),
            Told::Behind => {
                if !self.offered && (fresh || !self.common.rules.on(Rule::Fresh)) {
                    self.offered = true;
                    self.send_snapshot(tx, None);
                }
                Ok(())
            }
            Told::NotOurs => self.rolled_back(tx, RolledBack::Watermark { seq: ack.seq }, 0),
        }
    }

    /// HQ holds another epoch open, with a counter that is not below ours.
    fn other_epoch<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        open: Epoch,
        fresh: bool,
        now: Instant,
    ) -> Result<(), Error<L::Error>> {
        let never_opened = tx.head.recovery.is_some() && !tx.head.opened && self.common.rules.on(Rule::Above);
        let own_machine = self.minted_later(&tx.head, &open);
        if !fresh && self.common.rules.on(Rule::Fresh) {
            self.again(now);
            return Ok(());
        }
        if never_opened || own_machine {
            let above = open.counter;
            return self.rolled_back(tx, RolledBack::LaterEpoch { epoch: open }, above);
        }
        tx.head.superseded = true;
        self.birth_due = false;
        self.common.timers.set(Timer::Birth, now + self.common.config.superseded_birth);
        self.common.outputs.push_back(Output::Superseded { open });
        Ok(())
    }

    fn send_snapshot<L: Ledger>(&mut self, tx: &Tx<'_, L>, request: Option<EventId>) {
        let (key, bytes, rules) = (self.common.id(), self.common.config.batch_bytes, self.common.rules);
        let job = SnapshotJob::new(Side::Store, &tx.head, request, key, bytes, rules);
        self.common.outputs.push_back(Output::SendSnapshot(job));
    }

    /// True when a message is meant for another box of our identity.
    fn elsewhere(&mut self, head: &Head, meant_for: Option<&Epoch>, now: Instant) -> bool {
        let Some(meant) = meant_for.filter(|e| **e != head.epoch && self.common.rules.on(Rule::To)) else {
            return false;
        };
        if meant.counter >= head.epoch.counter {
            self.again(now);
        }
        true
    }

    /// Events of HQ: applies what follows and acknowledges.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_events<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        batch: &EventsBatch,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        let deaf = tx.head.recovery.is_some() && self.common.rules.on(Rule::Deaf);
        if deaf || tx.head.superseded || self.elsewhere(&tx.head, batch.meant_for.as_ref(), now.at) {
            return Ok(());
        }
        let Some(queue) = batch.class.queue() else { return self.telemetry(batch) };
        self.follow_first(&mut tx, batch);
        if tx.head.peer_epoch.as_ref() != Some(&batch.epoch) && !self.follow_unclosed(&mut tx, batch) {
            self.gap_from(now.at, &tx.head);
            let ack = self.common.ack(&tx.head, queue);
            self.common.emit(Message::Ack(ack));
            return Ok(());
        }
        let taken = self.common.take_batch(&mut tx, judge, queue, batch)?;
        if taken.moved {
            self.common.timers.clear(Timer::Gap);
        } else if taken.gap {
            self.gap_from(now.at, &tx.head);
        }
        if taken.resnap {
            self.again(now.at);
        }
        if taken.moved || self.common.rules.on(Rule::AckDuplicates) {
            let ack = self.common.ack(&tx.head, queue);
            self.common.emit(Message::Ack(ack));
        }
        tx.close()
    }

    fn telemetry<E>(&mut self, batch: &EventsBatch) -> Result<(), Error<E>> {
        if let Err(e) = self.common.take_telemetry(batch) {
            self.common.alert(Alert::Unreadable { what: e.to_string() });
        }
        Ok(())
    }

    /// An empty store needs no snapshot: HQ's stream from its first event is enough.
    fn follow_first<L: Ledger>(&self, tx: &mut Tx<'_, L>, batch: &EventsBatch) {
        let nothing = tx.head.peer_epoch.is_none()
            && tx.head.recovery.is_none()
            && Queue::ALL.iter().all(|q| tx.head.seen[*q].seq == 0);
        let first = batch.split().ok().and_then(|e| crate::envelope::Header::parse(e.first()?.get()).ok());
        if nothing && batch.after.is_none() && first.is_some_and(|h| h.seq == 1) {
            tx.head.peer_epoch = Some(batch.epoch.clone());
        }
    }

    /// Without `Rule::Close` a store follows whatever later epoch it hears of.
    fn follow_unclosed<L: Ledger>(&self, tx: &mut Tx<'_, L>, batch: &EventsBatch) -> bool {
        let later = tx.head.peer_epoch.as_ref().is_some_and(|known| batch.epoch.counter > known.counter);
        if self.common.rules.on(Rule::Close) || !later {
            return false;
        }
        tx.head.peer_epoch = Some(batch.epoch.clone());
        tx.head.seen = PerQueue::default();
        true
    }

    fn gap_from(&mut self, now: Instant, head: &Head) {
        if self.common.timers.deadline(Timer::Gap).is_none() && head.recovery.is_none() && self.common.connected {
            self.common.timers.set(Timer::Gap, now + self.common.config.gap);
        }
    }

    /// HQ was rolled back and asks under its new epoch: closes the old one, then gives the snapshot.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_request<L: Ledger>(
        &mut self,
        ledger: &mut L,
        request: &SnapshotRequest,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        if request.from == Side::Store {
            return Ok(());
        }
        let mut tx = Tx::open(ledger)?;
        if tx.head.superseded || self.elsewhere(&tx.head, request.meant_for.as_ref(), now.at) {
            return Ok(());
        }
        if self.common.rules.on(Rule::Close) {
            if let Some(known) = &tx.head.peer_epoch {
                let stale = request.epoch.counter < known.counter;
                if stale || request.epoch.counter == known.counter && request.epoch != *known {
                    self.again(now.at);
                    return Ok(());
                }
            }
            if tx.head.peer_epoch.as_ref() != Some(&request.epoch) {
                tx.head.peer_epoch = Some(request.epoch.clone());
                tx.head.seen = PerQueue::default();
            }
        }
        self.send_snapshot(&tx, Some(request.request));
        tx.close()
    }

    /// A chunk of HQ's snapshot; adopts it when it is the last one missing.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_snapshot<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        chunk: &SnapshotChunk,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        if chunk.from == Side::Store {
            return Ok(());
        }
        let mut tx = Tx::open(ledger)?;
        if !self.wanted(&tx.head, chunk) {
            return Ok(());
        }
        if chunk.request.is_some() {
            self.common.timers.set(Timer::Request, now.at + self.common.config.request_retry);
        }
        if let Some(snapshot) = self.common.take_chunk(&mut tx, chunk)? {
            self.adopt(&mut tx, judge, snapshot, &chunk.cut)?;
            self.common.drop_snapshot(&mut tx, snapshot)?;
        }
        tx.close()
    }

    fn wanted(&self, head: &Head, chunk: &SnapshotChunk) -> bool {
        let ours = chunk.cut.peer.as_ref() == Some(&head.epoch);
        let must_be_ours =
            self.common.rules.on(Rule::To) || head.recovery.is_some() && self.common.rules.on(Rule::Close);
        !head.superseded && (ours || !must_be_ours) && chunk.request == head.recovery
    }

    fn adopt<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        snapshot: Complete,
        cut: &Cut,
    ) -> Result<(), Error<L::Error>> {
        let restored = tx.head.recovery.is_some();
        if restored {
            self.common.adopt_own(tx, snapshot)?;
            self.common.timers.clear(Timer::Request);
        }
        self.common.adopt_peer(tx, judge, snapshot, cut)?;
        if restored {
            self.common.outputs.push_back(Output::Restored);
        }
        Ok(())
    }

    // ---- people

    /// A person wants the waiting events of an aggregate judged again.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn retry<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        key: &AggregateKey,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        self.common.retry(&mut tx, judge, key)?;
        tx.close()
    }

    /// A person decides that a rejected event does not count; what waited behind it is judged.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn discard<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        key: &AggregateKey,
        event: EventId,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        self.common.discard(&mut tx, judge, key, event)?;
        tx.close()
    }

    /// After an upgrade: judges kept events again, one page; call it with what it gave until it gives none.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn judge_kept<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        after: Option<&AggregateKey>,
    ) -> Result<Option<AggregateKey>, Error<L::Error>> {
        let mut tx = Tx::open(ledger)?;
        let next = self.common.judge_kept(&mut tx, judge, after)?;
        tx.close()?;
        Ok(next)
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

const _: () = assert!(matches!(Class::P2.queue(), None), "telemetry has no queue");
