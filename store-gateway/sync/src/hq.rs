//! HQ's end: one per store, cheap enough for ten thousand.

use sans_io::Instant;

use crate::config::{Config, Delivery, Error, Judge, Now};
use crate::end::{Common, Tx};
use crate::envelope::{Envelope, Header, NewEvent};
use crate::ident::{AggregateKey, Epoch, EventId, PerQueue, Queue, Side};
use crate::ledger::{AsideReason, Head, Ledger, LedgerRead};
use crate::output::{Alert, Output, RolledBack, Timer};
use crate::rules::Rule;
use crate::send::Told;
use crate::snapshot::SnapshotJob;
use crate::wire::{Ack, Birth, EventsBatch, Message, SnapshotChunk, SnapshotRequest};

/// The sessions that a will of the connected store may name.
#[derive(Clone, Copy)]
struct Live {
    session: EventId,
    connection: Option<EventId>,
}

/// HQ's end of the protocol with one store. Volatile: a restart makes a new one over the same ledger.
pub struct HqEnd {
    common: Common,
    live: Option<Live>,
    request_due: bool,
}

impl HqEnd {
    /// Makes the end of one process; `boot` is HQ's process, the same in all its ends and in its heartbeat.
    pub fn new(config: Config, seed: u64, boot: EventId, now: Now) -> Self {
        let mut common = Common::new(Side::Hq, config, seed, now);
        common.boot = boot;
        Self { common, live: None, request_due: false }
    }

    /// Makes the head record of a new store, or notices that the database was restored since. `life` counts the restores
    /// that [`crate::Witness::check`] told of, and stands in the database. Once per process and store, before all else.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_start<L: Ledger>(&mut self, ledger: &mut L, life: u64, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        if ledger.head()?.is_none() {
            ledger.put_head(&self.common.new_head(life))?;
        }
        let mut tx = Tx::open(ledger)?;
        if tx.head.life != life && self.common.rules.on(Rule::Witness) {
            self.rolled_back(&mut tx, RolledBack::Witness, 0)?;
        }
        tx.head.life = life;
        tx.close()
    }

    // ---- the connection

    /// HQ's connection to the broker stands.
    pub fn handle_connected(&mut self, now: Now) {
        self.common.wall = now.wall;
        self.common.connected = true;
    }

    /// HQ's connection to the broker is gone. The store may well be there still.
    pub fn handle_disconnected(&mut self) {
        self.common.connected = false;
        self.common.forget_timers();
        self.common.reset_stream();
        self.common.staging.clear();
    }

    /// The transaction of the last calls did not commit: drops what they wanted to say; all is sent again.
    pub fn handle_rollback(&mut self, now: Now) {
        self.common.wall = now.wall;
        self.common.outputs.clear();
        self.common.staging.clear();
        self.common.forget_timers();
        self.common.reset_stream();
        if self.common.connected {
            // Wakes the pump even when nothing else comes.
            self.common.timers.set(Timer::Request, now.at + self.common.config.request_retry);
        }
    }

    /// True when the store's last birth was answered and no will or farewell followed.
    pub const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    // ---- sending

    /// Does what is due and sends committed rows to a store that is there. Reads committed data only. Call it after every
    /// commit and when a wait is over.
    ///
    /// # Errors
    /// When the ledger fails or was never started.
    pub fn pump<L: LedgerRead>(&mut self, ledger: &L, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        while let Some(timer) = self.common.timers.expire(now.at) {
            match timer {
                Timer::Request => self.request_due = true,
                Timer::StallP0 => self.common.stalled(Queue::P0),
                Timer::StallP1 => self.common.stalled(Queue::P1),
                Timer::Birth | Timer::Gap | Timer::Quiet | Timer::Telemetry => {}
            }
        }
        if !self.common.connected || self.live.is_none() {
            return Ok(());
        }
        let head = ledger.head()?.ok_or(Error::NotStarted)?;
        let Some(store) = &head.peer_epoch else { return Ok(()) };
        if head.recovery.is_some() {
            self.ask_snapshot(&head, store, now.at);
            if self.common.rules.on(Rule::Hold) {
                return Ok(());
            }
        }
        self.common.send_rows(ledger, &head, Some(store), now.at)
    }

    fn ask_snapshot(&mut self, head: &Head, store: &Epoch, now: Instant) {
        let Some(request) = head.recovery else { return };
        if !self.request_due && self.common.timers.deadline(Timer::Request).is_some() {
            return;
        }
        self.request_due = false;
        self.common.timers.set(Timer::Request, now + self.common.config.request_retry);
        self.common.emit(Message::Request(SnapshotRequest {
            from: Side::Hq,
            epoch: head.epoch.clone(),
            request,
            meant_for: Some(store.clone()),
        }));
    }

    // ---- writing

    /// Writes an event of HQ, in the same transaction as the change that it tells of.
    ///
    /// # Errors
    /// [`Error::TooLarge`] writes nothing; else when the ledger fails.
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

    fn rolled_back<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        why: RolledBack,
        above: u64,
    ) -> Result<(), Error<L::Error>> {
        self.request_due = false;
        self.common.rolled_back(tx, why, above)
    }

    // ---- what the store says

    /// Takes any message of the store; see the `handle_*` for each kind. Own messages that the broker returns are left
    /// alone.
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
            Message::Birth(birth) => self.handle_birth(ledger, &birth, delivery, now),
            Message::Events(batch) => self.handle_events(ledger, judge, &batch, now),
            Message::Ack(ack) => self.handle_ack(ledger, &ack, now),
            Message::Request(request) => self.handle_request(ledger, &request, now),
            Message::Snapshot(chunk) => self.handle_snapshot(ledger, judge, &chunk, now),
            Message::Heartbeat(_) => Ok(()),
        }
    }

    /// A birth, farewell or will. A retained birth may be old and tells no watermark; a will counts only when it belongs to
    /// the last birth's connection.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_birth<L: Ledger>(
        &mut self,
        ledger: &mut L,
        birth: &Birth,
        delivery: Delivery,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        if !birth.online {
            self.take_will(birth);
            return Ok(());
        }
        if delivery == Delivery::Retained && self.common.rules.on(Rule::Retained) {
            return Ok(());
        }
        let mut tx = Tx::open(ledger)?;
        self.open_if_later(&mut tx, birth)?;
        let follows = tx.head.peer_epoch.as_ref() == Some(&birth.epoch);
        if follows {
            self.live = Some(Live { session: birth.session, connection: birth.connection });
            self.common.reset_stream();
            self.born(&mut tx, birth, now.at)?;
        } else {
            self.common.alert(Alert::TwoBoxes { epoch: birth.epoch.clone() });
        }
        self.answer(&tx.head, birth);
        tx.close()
    }

    fn take_will(&mut self, will: &Birth) {
        let named = |live: &Live| live.session == will.session || live.connection == Some(will.session);
        if self.live.as_ref().is_some_and(named) {
            self.live = None;
            self.common.reset_stream();
            self.common.timers.clear(Timer::Request);
        }
    }

    fn open_if_later<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, birth: &Birth) -> Result<(), Error<L::Error>> {
        let known = tx.head.peer_epoch.clone();
        let later = match &known {
            None => true,
            Some(known) => {
                birth.epoch.counter > known.counter && (self.common.rules.on(Rule::Close) || !birth.recovery)
            }
        };
        if !later {
            return Ok(());
        }
        tx.head.peer_epoch = Some(birth.epoch.clone());
        tx.head.seen = PerQueue::default();
        if known.is_some() && !birth.recovery && self.common.rules.on(Rule::Stranger) {
            self.rolled_back(tx, RolledBack::StrangerEpoch { epoch: birth.epoch.clone() }, 0)?;
        }
        Ok(())
    }

    /// What the birth of the open epoch says about our own stream.
    fn born<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, birth: &Birth, now: Instant) -> Result<(), Error<L::Error>> {
        match &birth.seen.epoch {
            Some(epoch) if *epoch == tx.head.epoch => {
                for queue in Queue::ALL {
                    match self.common.take_seen(tx, queue, birth.seen.at[queue], now)? {
                        Told::Fine => {}
                        Told::Behind => {
                            self.send_snapshot(tx, None);
                            break;
                        }
                        Told::NotOurs => {
                            let seq = birth.seen.at[queue].seq;
                            return self.rolled_back(tx, RolledBack::Watermark { seq }, 0);
                        }
                    }
                }
                Ok(())
            }
            Some(epoch) if epoch.counter >= tx.head.epoch.counter => {
                self.rolled_back(tx, RolledBack::LaterEpoch { epoch: epoch.clone() }, epoch.counter)
            }
            _ => {
                if tx.head.recovery.is_none() && !birth.recovery {
                    self.send_snapshot(tx, None);
                }
                Ok(())
            }
        }
    }

    fn answer(&mut self, head: &Head, birth: &Birth) {
        for queue in Queue::ALL {
            let mut ack = self.common.ack(head, queue);
            ack.session = Some(birth.session);
            self.common.emit(Message::Ack(ack));
        }
    }

    fn send_snapshot<L: Ledger>(&mut self, tx: &Tx<'_, L>, request: Option<EventId>) {
        let (key, bytes, rules) = (self.common.id(), self.common.config.batch_bytes, self.common.rules);
        let job = SnapshotJob::new(Side::Hq, &tx.head, request, key, bytes, rules);
        self.common.outputs.push_back(Output::SendSnapshot(job));
    }

    /// The store's watermark in our stream.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn handle_ack<L: Ledger>(&mut self, ledger: &mut L, ack: &Ack, now: Now) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let Some(queue) = ack.class.queue() else { return Ok(()) };
        let mut tx = Tx::open(ledger)?;
        let other_box = ack.own.is_some() && ack.own != tx.head.peer_epoch;
        if other_box && self.common.rules.on(Rule::OwnEpoch) {
            return Ok(());
        }
        match &ack.epoch {
            Some(epoch) if *epoch == tx.head.epoch => {
                if let Told::NotOurs = self.common.take_seen(&mut tx, queue, ack.watermark(), now.at)? {
                    self.rolled_back(&mut tx, RolledBack::Watermark { seq: ack.seq }, 0)?;
                }
            }
            Some(epoch) if epoch.counter >= tx.head.epoch.counter => {
                self.rolled_back(&mut tx, RolledBack::LaterEpoch { epoch: epoch.clone() }, epoch.counter)?;
            }
            _ => {}
        }
        tx.close()
    }

    /// Events of the store: applies what follows in the open epoch, sets aside those of an older one, acknowledges.
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
        let Some(queue) = batch.class.queue() else {
            if tx.head.peer_epoch.as_ref() == Some(&batch.epoch) {
                self.common.take_telemetry(batch);
            }
            return Ok(());
        };
        if tx.head.recovery.is_some() && self.common.rules.on(Rule::Deaf) {
            return Ok(());
        }
        if tx.head.peer_epoch.as_ref() == Some(&batch.epoch) {
            let taken = self.common.take_batch(&mut tx, judge, queue, batch)?;
            if !taken.moved && !self.common.rules.on(Rule::AckDuplicates) {
                return tx.close();
            }
        } else {
            self.set_foreign_aside(&mut tx, batch)?;
        }
        let ack = self.common.ack(&tx.head, queue);
        self.common.emit(Message::Ack(ack));
        tx.close()
    }

    /// Events of an epoch that is not open: kept, unless a log has them already.
    fn set_foreign_aside<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, batch: &EventsBatch) -> Result<(), Error<L::Error>> {
        if tx.head.peer_epoch.as_ref().is_none_or(|open| batch.epoch.counter > open.counter) {
            return Ok(());
        }
        for event in batch.split().unwrap_or_default() {
            let Ok(header) = Header::parse(event.get()) else { continue };
            if header.kind != crate::end::SKIPPED && !tx.ledger.holds(header.id)? {
                self.common.put_aside(tx, &header, Side::Store, AsideReason::OtherEpoch, event.get())?;
            }
        }
        Ok(())
    }

    /// The store is in recovery and asks for our snapshot; refused while we are in recovery ourselves.
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
        if request.from == Side::Hq {
            return Ok(());
        }
        let tx = Tx::open(ledger)?;
        let closed = tx.head.peer_epoch.as_ref() == Some(&request.epoch) || !self.common.rules.on(Rule::Close);
        let give = tx.head.recovery.is_none() || !self.common.rules.on(Rule::HqFirst);
        if closed && give {
            self.send_snapshot(&tx, Some(request.request));
        }
        tx.close()
    }

    /// A chunk of the store's snapshot; adopts it when it is the last one missing.
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
        if chunk.from == Side::Hq {
            return Ok(());
        }
        let mut tx = Tx::open(ledger)?;
        let (cut, recovery) = (&chunk.cut, tx.head.recovery);
        let closed = cut.peer.as_ref() == Some(&tx.head.epoch) || !self.common.rules.on(Rule::Close);
        let wanted = tx.head.peer_epoch.as_ref() == Some(&cut.own) && chunk.request == recovery;
        if !wanted || recovery.is_some() && !closed {
            return Ok(());
        }
        if recovery.is_some() {
            self.common.timers.set(Timer::Request, now.at + self.common.config.request_retry);
        }
        if let Some(snapshot) = self.common.take_chunk(&mut tx, chunk)? {
            if recovery.is_some() {
                self.common.adopt_own(&mut tx, snapshot)?;
                self.common.timers.clear(Timer::Request);
            }
            if !cut.recovering {
                self.common.adopt_peer(&mut tx, judge, snapshot, cut)?;
            }
            if recovery.is_some() {
                self.common.outputs.push_back(Output::Restored);
            }
            self.common.drop_snapshot(&mut tx, snapshot)?;
        }
        tx.close()
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
impl HqEnd {
    pub(crate) fn set_rules(&mut self, rules: crate::rules::Rules) {
        self.common.rules = rules;
    }
}
