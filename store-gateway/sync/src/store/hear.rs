//! What HQ says to a store: answers, events, requests, snapshots.

use sans_io::Instant;

use super::StoreEnd;
use crate::adopt::Complete;
use crate::config::{Delivery, Error, Judge, Now};
use crate::end::Tx;
use crate::envelope::Header;
use crate::ident::{Epoch, EventId, PerQueue, Queue, Side};
use crate::ledger::{Head, Ledger};
use crate::output::{Output, RolledBack, Timer};
use crate::rules::Rule;
use crate::send::Told;
use crate::snapshot::SnapshotJob;
use crate::wire::{Ack, Cut, EventsBatch, Heartbeat, Message, SnapshotChunk, SnapshotRequest};

impl StoreEnd {
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
        let Some(queue) = batch.class.queue() else {
            self.common.take_telemetry(batch);
            return Ok(());
        };
        self.follow_first(&mut tx, batch);
        if tx.head.peer_epoch.as_ref() != Some(&batch.epoch) {
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

    /// An empty store needs no snapshot: HQ's stream from its first event is enough.
    fn follow_first<L: Ledger>(&self, tx: &mut Tx<'_, L>, batch: &EventsBatch) {
        let nothing = tx.head.peer_epoch.is_none()
            && tx.head.recovery.is_none()
            && Queue::ALL.iter().all(|q| tx.head.seen[*q].seq == 0);
        let first = batch.split().ok().and_then(|e| Header::parse(e.first()?.get()).ok());
        if nothing && batch.after.is_none() && first.is_some_and(|h| h.seq == 1) {
            tx.head.peer_epoch = Some(batch.epoch.clone());
        }
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
}
