//! What both ends share: the outbox and its window, batches, watermarks, appending, setting aside.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sans_io::{Ids, Instant, Rng, Timers, Wall};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::{Config, Error, Judge, Now, Verdict};
use crate::envelope::{Actor, Envelope, Header, NewEvent, ParseError, SCHEMA, renumber};
use crate::ident::{AggregateKey, Epoch, EventId, PerQueue, Queue, Side, Watermark};
use crate::ledger::{AsideReason, Head, Ledger, LedgerRead, LogEntry, OutboxRow, SeqIds, SetAside, Standing};
use crate::output::{Alert, Output, RolledBack, Timer};
use crate::rules::{Rule, Rules};
use crate::snapshot::Staging;
use crate::wire::{Ack, BATCH_EVENTS_MAX, EVENT_BYTES_MAX, EventsBatch, FRAME_BYTES, Message, PAYLOAD_BYTES_MAX};

/// The kind of the protocol's own aggregates.
pub(crate) const SYNC: &str = "sync";
/// Stands for P1 events that were dropped at the bound.
pub(crate) const SKIPPED: &str = "sync.skipped";
/// Tells the author that an event was set aside.
pub(crate) const REJECTED: &str = "sync.rejected";
/// Rows that one cut of the P1 outbox replaces at most: one page.
const SKIP_ROWS_MAX: usize = 256;
/// Telemetry keys that are remembered; a new key beyond is refused.
const TELEMETRY_KEYS_MAX: usize = 256;

/// A ledger with its head in hand.
pub(crate) struct Tx<'a, L: Ledger> {
    pub ledger: &'a mut L,
    pub head: Head,
    was: Head,
}

impl<'a, L: Ledger> Tx<'a, L> {
    pub fn open(ledger: &'a mut L) -> Result<Self, Error<L::Error>> {
        let head = ledger.head()?.ok_or(Error::NotStarted)?;
        Ok(Self { ledger, was: head.clone(), head })
    }

    pub fn close(self) -> Result<(), Error<L::Error>> {
        if self.head != self.was {
            self.ledger.put_head(&self.head)?;
        }
        Ok(())
    }
}

/// What the peer's watermark says.
pub(crate) enum Told {
    /// It stands where we thought, or further.
    Fine,
    /// It stands before what it had acknowledged: it was rolled back.
    Behind,
    /// It stands on an event that is not ours: we were rolled back.
    NotOurs,
}

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Taken {
    pub moved: bool,
    pub gap: bool,
    pub resnap: bool,
}

/// The body of `sync.skipped`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub from: u64,
    pub to: u64,
    pub count: u64,
    #[serde(default)]
    pub why: String,
}

#[derive(Serialize)]
struct RejectedBody<'a> {
    kind: &'a str,
    aggregate: &'a str,
    why: String,
}

/// Volatile state and duties of either end.
pub(crate) struct Common {
    pub side: Side,
    pub config: Config,
    pub boot: EventId,
    pub connected: bool,
    pub outputs: VecDeque<Output>,
    pub timers: Timers<Timer, 7>,
    pub staging: Vec<Staging>,
    pub rules: Rules,
    pub rng: Rng,
    pub wall: Wall,
    ids: Ids,
    sent_hi: PerQueue<u64>,
    in_flight: PerQueue<VecDeque<u64>>,
    telemetry: BTreeMap<String, NewEvent>,
    telemetry_seq: u64,
    /// Own ids that waited when a restore was noticed; only the ablation of `Rule::Union` looks at it.
    pub unacked: BTreeSet<EventId>,
}

impl Common {
    pub fn new(side: Side, mut config: Config, seed: u64, now: Now) -> Self {
        config.batch_events = config.batch_events.clamp(1, BATCH_EVENTS_MAX);
        config.batch_bytes = config.batch_bytes.clamp(FRAME_BYTES + 1, PAYLOAD_BYTES_MAX);
        let mut rng = Rng::new(seed);
        let mut ids = Ids::new(rng.next_u64());
        let boot = EventId::from_bytes(ids.next_v7(now.wall.unix_ms));
        Self {
            side,
            config,
            boot,
            connected: false,
            outputs: VecDeque::new(),
            timers: Timers::default(),
            staging: Vec::new(),
            rules: Rules::default(),
            rng,
            wall: now.wall,
            ids,
            sent_hi: PerQueue::default(),
            in_flight: PerQueue::default(),
            telemetry: BTreeMap::new(),
            telemetry_seq: 0,
            unacked: BTreeSet::new(),
        }
    }

    pub fn id(&mut self) -> EventId {
        EventId::from_bytes(self.ids.next_v7(self.wall.unix_ms))
    }

    pub fn emit(&mut self, message: Message) {
        self.outputs.push_back(Output::Transmit(message));
    }

    pub fn alert(&mut self, alert: Alert) {
        self.outputs.push_back(Output::Alert(alert));
    }

    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Wait { until: self.timers.next().map(|(t, at)| (at, t)) })
    }

    /// Forgets what was sent on a connection that is gone.
    pub fn reset_stream(&mut self) {
        self.sent_hi = PerQueue::default();
        self.in_flight = PerQueue::default();
        self.timers.clear(Timer::StallP0);
        self.timers.clear(Timer::StallP1);
    }

    pub fn forget_timers(&mut self) {
        self.timers = Timers::default();
    }

    pub fn new_head(&mut self, life: u64) -> Head {
        Head {
            epoch: self.mint(1),
            opened: false,
            peer_epoch: None,
            seen: PerQueue::default(),
            recovery: None,
            superseded: false,
            generation: 0,
            life,
            next: PerQueue { p0: 1, p1: 1 },
            acked: PerQueue::default(),
            set_aside: 0,
        }
    }

    fn mint(&mut self, counter: u64) -> Epoch {
        Epoch { counter, random: format!("{:016x}", self.rng.next_u64()), machine: self.config.machine.clone() }
    }

    // ---- writing

    pub fn append<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        event: NewEvent,
    ) -> Result<Envelope, Error<L::Error>> {
        if tx.head.superseded && self.rules.on(Rule::Quiet) {
            return Err(Error::Superseded);
        }
        let (key, queue) = (event.key.clone(), event.key.queue());
        let mine = tx.ledger.log_end(&key, self.side)?;
        let other = tx.ledger.log_end(&key, self.side.peer())?;
        let held = tx.head.recovery.is_some() && self.rules.on(Rule::Hold);
        let seq = if held { 0 } else { tx.head.next[queue] };
        let sealed = event.seal(self.id(), seq, mine.n + 1, other.seen, self.wall);
        if sealed.text().len() > EVENT_BYTES_MAX {
            return Err(Error::TooLarge { bytes: sealed.text().len() });
        }
        let entry =
            LogEntry { n: mine.n + 1, id: sealed.id, standing: Standing::Applied, text: sealed.text().to_owned() };
        tx.ledger.append_log(&key, self.side, &entry)?;
        if !held {
            self.enqueue(tx, queue, sealed.id, entry.text)?;
        }
        Ok(sealed)
    }

    /// Puts an event behind the stream; its text must carry the sequence number `head.next`.
    pub fn enqueue<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        queue: Queue,
        id: EventId,
        text: String,
    ) -> Result<(), Error<L::Error>> {
        let seq = tx.head.next[queue];
        tx.head.next[queue] = seq + 1;
        tx.ledger.put_ids(queue, seq, &SeqIds { id, skip: None })?;
        tx.ledger.push_outbox(queue, &OutboxRow { first: seq, last: seq, id, at_ms: self.wall.unix_ms, text })?;
        match queue {
            Queue::P0 => Ok(()),
            Queue::P1 => self.keep_bound(tx),
        }
    }

    /// Enters an event again with a new place: after a restore.
    pub fn enqueue_again<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        queue: Queue,
        entry: &mut LogEntry,
    ) -> Result<(), Error<L::Error>> {
        entry.text = renumber(&entry.text, tx.head.next[queue], entry.n).map_err(Error::Corrupt)?;
        self.enqueue(tx, queue, entry.id, entry.text.clone())
    }

    /// Drops the oldest P1 rows beyond the bound by rows and bytes, one page or half of them at a time.
    fn keep_bound<L: Ledger>(&mut self, tx: &mut Tx<'_, L>) -> Result<(), Error<L::Error>> {
        let Some(bound) = self.config.p1_bound else { return Ok(()) };
        loop {
            let size = tx.ledger.outbox_size(Queue::P1)?;
            if size.rows < 2 || size.rows <= bound.rows && size.bytes <= bound.bytes {
                return Ok(());
            }
            let page = usize::try_from(size.rows / 2).unwrap_or(SKIP_ROWS_MAX).clamp(2, SKIP_ROWS_MAX);
            let rows = tx.ledger.outbox(Queue::P1, 0, page)?;
            self.skip(tx, &rows, "the outbox is full")?;
        }
    }

    /// Drops P1 rows that are older than the bound by age.
    pub fn trim<L: Ledger>(&mut self, tx: &mut Tx<'_, L>) -> Result<(), Error<L::Error>> {
        let Some(bound) = self.config.p1_bound else { return Ok(()) };
        let limit = self.wall.unix_ms.saturating_sub(i64::try_from(bound.age.as_millis()).unwrap_or(i64::MAX));
        loop {
            let mut rows = tx.ledger.outbox(Queue::P1, 0, SKIP_ROWS_MAX)?;
            let old = rows.iter().take_while(|r| r.at_ms < limit).count();
            rows.truncate(old);
            if rows.iter().all(|r| r.first < r.last) {
                return Ok(());
            }
            self.skip(tx, &rows, "too old")?;
        }
    }

    fn skip<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        rows: &[OutboxRow],
        why: &str,
    ) -> Result<(), Error<L::Error>> {
        let (Some(front), Some(back)) = (rows.first(), rows.last()) else { return Ok(()) };
        let span = Skipped { from: front.first, to: back.last, count: back.last - front.first + 1, why: why.into() };
        let event = self.own_event(self.side.as_str().to_owned(), SKIPPED, &span);
        let sealed = event.seal(self.id(), back.last, 0, 0, self.wall);
        let was = tx.ledger.ids_at(Queue::P1, back.last)?.map_or(back.id, |ids| ids.id);
        tx.ledger.put_ids(Queue::P1, back.last, &SeqIds { id: was, skip: Some(sealed.id) })?;
        let first = if self.rules.on(Rule::SkipSpan) { front.first } else { back.last };
        let id = sealed.id;
        let row = OutboxRow { first, last: back.last, id, at_ms: back.at_ms, text: sealed.into_text() };
        tx.ledger.skip_outbox(Queue::P1, &row)?;
        self.alert(Alert::Skipped { by: self.side, from: span.from, to: span.to });
        Ok(())
    }

    fn own_event(&self, id: String, kind: &str, body: &impl Serialize) -> NewEvent {
        let actor = Actor { kind: "system".into(), id: SYNC.into() };
        NewEvent::new(AggregateKey::new(SYNC, id), kind, actor, body).expect("a body of text and numbers is JSON")
    }

    // ---- being rolled back

    /// Begins a new epoch and goes into recovery. The caller resets its own session.
    pub fn rolled_back<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        why: RolledBack,
        above: u64,
    ) -> Result<(), Error<L::Error>> {
        tx.head.recovery = Some(self.id());
        self.outputs.push_back(Output::RolledBack { why });
        self.timers.clear(Timer::Request);
        if !self.rules.on(Rule::NewEpoch) {
            return Ok(());
        }
        let rows = if self.rules.on(Rule::Hold) && self.rules.on(Rule::Union) { Vec::new() } else { waiting(tx)? };
        tx.head.epoch = self.mint(tx.head.epoch.counter.max(above) + 1);
        tx.head.opened = false;
        tx.head.superseded = false;
        tx.ledger.clear_stream()?;
        tx.head.next = PerQueue { p0: 1, p1: 1 };
        tx.head.acked = PerQueue::default();
        self.reset_stream();
        self.unacked = rows.iter().map(|(_, row)| row.id).collect();
        if !self.rules.on(Rule::Hold) {
            for (queue, row) in rows {
                let n = Header::parse(&row.text).map_err(Error::Corrupt)?.aggregate.n;
                let mut entry = LogEntry { n, id: row.id, standing: Standing::Applied, text: row.text };
                self.enqueue_again(tx, queue, &mut entry)?;
            }
        }
        Ok(())
    }

    // ---- sending

    /// Sends committed rows within the windows, P0 first.
    pub fn send_rows<L: LedgerRead>(
        &mut self,
        ledger: &L,
        head: &Head,
        meant_for: Option<&Epoch>,
        now: Instant,
    ) -> Result<(), Error<L::Error>> {
        let mut p0_full = false;
        for queue in Queue::ALL {
            let room = if queue == Queue::P1 && p0_full { 1 } else { self.config.window[queue].max(1) };
            while self.in_flight[queue].len() < room {
                let hi = self.sent_hi[queue].max(head.acked[queue]);
                let rows = ledger.outbox(queue, hi, self.config.batch_events)?;
                let Some(first) = rows.first() else { break };
                let before = ledger.ids_at(queue, first.first - 1)?;
                let (events, last) = self.pack(&rows);
                self.emit(Message::Events(EventsBatch {
                    epoch: head.epoch.clone(),
                    class: queue.class(),
                    boot: Some(self.boot),
                    after: before.map(|ids| ids.skip.unwrap_or(ids.id)),
                    after_also: before.and_then(|ids| ids.skip.map(|_| ids.id)),
                    meant_for: meant_for.cloned(),
                    sig: None,
                    events,
                }));
                self.sent_hi[queue] = last;
                self.in_flight[queue].push_back(last);
                if self.timers.deadline(stall(queue)).is_none() {
                    self.timers.set(stall(queue), now + self.config.stall);
                }
            }
            p0_full = self.in_flight[queue].len() >= room;
        }
        Ok(())
    }

    /// As many rows as fit, at least one, as a JSON array; and the last sequence number in it.
    fn pack(&self, rows: &[OutboxRow]) -> (Box<RawValue>, u64) {
        let room = self.config.batch_bytes - FRAME_BYTES;
        let (mut text, mut last) = (String::from("["), 0);
        for row in rows {
            if last > 0 && text.len() + row.text.len() + 2 > room {
                break;
            }
            if last > 0 {
                text.push(',');
            }
            text.push_str(&row.text);
            last = row.last;
        }
        text.push(']');
        (RawValue::from_string(text).expect("the outbox holds JSON"), last)
    }

    /// The rows of a queue made no progress: the next pump starts at the lowest unacknowledged one.
    pub fn stalled(&mut self, queue: Queue) {
        if self.rules.on(Rule::Resend) {
            self.sent_hi[queue] = 0;
            self.in_flight[queue].clear();
        }
    }

    // ---- telemetry

    pub fn set_telemetry(&mut self, event: NewEvent) -> bool {
        let name = format!("{}/{}/{}", event.key.kind, event.key.id, event.kind);
        let room = self.telemetry.len() < TELEMETRY_KEYS_MAX || self.telemetry.contains_key(&name);
        if room {
            self.telemetry.insert(name, event);
        }
        room
    }

    pub fn send_telemetry(&mut self, head: &Head, now: Instant) {
        if self.telemetry.is_empty() || self.timers.deadline(Timer::Telemetry).is_some() {
            return;
        }
        self.timers.set(Timer::Telemetry, now + self.config.telemetry_every);
        let room = self.config.batch_bytes - FRAME_BYTES;
        let mut text = String::from("[");
        while let Some((name, event)) = self.telemetry.pop_first() {
            let seq = self.telemetry_seq + 1;
            let sealed = event.clone().seal(self.id(), seq, seq, 0, self.wall).into_text();
            if text.len() + sealed.len() + 2 > room {
                if text.len() > 1 {
                    self.telemetry.insert(name, event);
                }
                break;
            }
            self.telemetry_seq = seq;
            text.push_str(if text.len() > 1 { "," } else { "" });
            text.push_str(&sealed);
        }
        text.push(']');
        self.emit(Message::Events(EventsBatch {
            epoch: head.epoch.clone(),
            class: crate::ident::Class::P2,
            boot: Some(self.boot),
            after: None,
            after_also: None,
            meant_for: None,
            sig: None,
            events: RawValue::from_string(text).expect("sealed events are JSON"),
        }));
    }

    pub fn take_telemetry(&mut self, batch: &EventsBatch) -> Result<(), ParseError> {
        for event in batch.split()? {
            let event = Envelope::parse(event.get())?;
            self.outputs.push_back(Output::Telemetry(Box::new(event)));
        }
        Ok(())
    }

    // ---- watermarks

    /// The peer's watermark in our current epoch.
    pub fn take_seen<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        queue: Queue,
        mark: Watermark,
        now: Instant,
    ) -> Result<Told, Error<L::Error>> {
        if mark.seq >= tx.head.next[queue] {
            return Ok(Told::NotOurs);
        }
        if mark.seq > 0 && self.rules.on(Rule::Ids) {
            let ids = tx.ledger.ids_at(queue, mark.seq)?;
            if !matches!((ids, mark.id), (Some(ids), Some(id)) if ids.contains(id)) {
                return Ok(Told::NotOurs);
            }
        }
        if mark.seq < tx.head.acked[queue] {
            return Ok(Told::Behind);
        }
        if mark.seq > tx.head.acked[queue] {
            tx.ledger.delete_outbox(queue, mark.seq)?;
            tx.head.acked[queue] = mark.seq;
            self.progress(queue, mark.seq, now);
        }
        Ok(Told::Fine)
    }

    fn progress(&mut self, queue: Queue, seq: u64, now: Instant) {
        while self.in_flight[queue].front().is_some_and(|last| *last <= seq) {
            self.in_flight[queue].pop_front();
        }
        self.sent_hi[queue] = self.sent_hi[queue].max(seq);
        if self.in_flight[queue].is_empty() {
            self.timers.clear(stall(queue));
        } else {
            self.timers.set(stall(queue), now + self.config.stall);
        }
    }

    pub fn ack(&self, head: &Head, queue: Queue) -> Ack {
        let Watermark { seq, id } = head.seen[queue];
        let (open, own) = match self.side {
            Side::Hq => (head.peer_epoch.clone(), None),
            Side::Store => (None, Some(head.epoch.clone())),
        };
        Ack {
            epoch: head.peer_epoch.clone(),
            class: queue.class(),
            seq,
            id,
            set_aside: head.set_aside,
            session: None,
            boot: Some(self.boot),
            open,
            own,
        }
    }

    // ---- taking the peer's events

    /// Takes what follows in a batch of the epoch that we follow.
    pub fn take_batch<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        queue: Queue,
        batch: &EventsBatch,
    ) -> Result<Taken, Error<L::Error>> {
        let mut taken = Taken::default();
        let events = match batch.split() {
            Ok(events) => events,
            Err(e) => {
                self.alert(Alert::Unreadable { what: e.to_string() });
                return Ok(taken);
            }
        };
        let (mut before, mut touched) = ((batch.after, batch.after_also), BTreeSet::new());
        for event in events {
            let (header, first) = match place_of(event.get()) {
                Ok(place) => place,
                Err(e) => {
                    self.alert(Alert::Unreadable { what: e.to_string() });
                    break;
                }
            };
            let Watermark { seq, id } = tx.head.seen[queue];
            if header.seq > seq {
                if first > seq + 1 {
                    taken.gap = true;
                    break;
                }
                let chains = before.0 == id || before.1.is_some() && before.1 == id;
                if self.rules.on(Rule::Ids) && first == seq + 1 && seq > 0 && !chains {
                    break; // another life of the sender: our acknowledgement will tell it
                }
                if !self.take_event(tx, judge, queue, &header, event.get(), &mut touched)? {
                    taken.resnap = true;
                    break;
                }
                tx.head.seen[queue] = Watermark { seq: header.seq, id: Some(header.id) };
                taken.moved = true;
            } else if header.seq == seq && self.rules.on(Rule::Ids) && Some(header.id) != id {
                break;
            }
            before = (Some(header.id), None);
        }
        self.outputs.extend(touched.into_iter().map(|key| Output::Applied { key }));
        Ok(taken)
    }

    /// False when a snapshot must come first.
    fn take_event<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        queue: Queue,
        header: &Header,
        text: &str,
        touched: &mut BTreeSet<AggregateKey>,
    ) -> Result<bool, Error<L::Error>> {
        let peer = self.side.peer();
        if header.kind == SKIPPED {
            let span = skipped_of(text).unwrap_or(Skipped { from: header.seq, to: header.seq, count: 1, why: "".into() });
            self.alert(Alert::Skipped { by: peer, from: span.from, to: header.seq });
            return Ok(true);
        }
        let key = header.aggregate.key();
        let end = tx.ledger.log_end(&key, peer)?;
        let held = tx.ledger.holds(header.id)?;
        let n = header.aggregate.n;
        if self.side == Side::Store && self.rules.on(Rule::Resnap) && (held || n != end.n + 1) {
            tx.head.peer_epoch = None; // only with two boxes in one epoch: the birth brings a snapshot
            return Ok(false);
        }
        let jumps = n > end.n + 1 && !(queue == Queue::P1 && self.rules.on(Rule::SkipSpan));
        if held || n <= end.n || jumps || key.queue() != queue {
            self.put_aside(tx, header, peer, AsideReason::OutOfOrder, text)?;
            return Ok(true);
        }
        let (standing, why) = if end.blocked { (Standing::Waiting, None) } else { judge_text(judge, header, text) };
        let entry = LogEntry { n, id: header.id, standing, text: text.to_owned() };
        tx.ledger.append_log(&key, peer, &entry)?;
        if let Some(why) = why {
            self.reject(tx, header, AsideReason::Rejected(why))?;
        }
        touched.insert(key);
        Ok(true)
    }

    /// Keeps an event outside the logs and tells its author once.
    pub fn put_aside<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        header: &Header,
        author: Side,
        why: AsideReason,
        text: &str,
    ) -> Result<(), Error<L::Error>> {
        if tx.ledger.is_set_aside(header.id)? {
            return Ok(());
        }
        let key = header.aggregate.key();
        tx.ledger.set_aside(&SetAside { id: header.id, key, author, why: why.clone(), text: text.to_owned() })?;
        self.reject(tx, header, why)
    }

    /// Counts an event that was set aside, alerts, and tells its author: one `sync.rejected`. Never about the protocol's
    /// own events, so that two ends can't reject each other's rejections for ever.
    pub fn reject<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        header: &Header,
        why: AsideReason,
    ) -> Result<(), Error<L::Error>> {
        let key = header.aggregate.key();
        tx.head.set_aside += 1;
        self.alert(Alert::SetAside { id: header.id, key, author: self.side.peer(), why: why.clone() });
        if header.aggregate.kind == SYNC || tx.head.superseded {
            return Ok(());
        }
        let Header { aggregate, .. } = header;
        let body = RejectedBody { kind: &aggregate.kind, aggregate: &aggregate.id, why: why.to_string() };
        let event = self.own_event(header.id.to_string(), REJECTED, &body).caused_by(header.id);
        self.append(tx, event).map(drop)
    }

    /// The next moment for a birth under a new session, spread so that not all stores speak at once.
    pub fn spread(&mut self) -> Duration {
        let micros = u64::try_from(self.config.rebirth_spread.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.rng.below(micros))
    }
}

fn waiting<L: Ledger>(tx: &Tx<'_, L>) -> Result<Vec<(Queue, OutboxRow)>, Error<L::Error>> {
    let mut all = Vec::new();
    for queue in Queue::ALL {
        let rows = tx.ledger.outbox(queue, 0, usize::MAX)?;
        all.extend(rows.into_iter().filter(|r| !r.text.contains(SKIPPED)).map(|r| (queue, r)));
    }
    Ok(all)
}

const fn stall(queue: Queue) -> Timer {
    match queue {
        Queue::P0 => Timer::StallP0,
        Queue::P1 => Timer::StallP1,
    }
}

/// An event's header and the first sequence number that it stands for.
fn place_of(text: &str) -> Result<(Header, u64), ParseError> {
    let header = Header::parse(text)?;
    let first = if header.kind == SKIPPED { skipped_of(text)?.from } else { header.seq };
    Ok((header, first))
}

fn skipped_of(text: &str) -> Result<Skipped, ParseError> {
    let event = Envelope::parse(text)?;
    crate::envelope::parse_json("sync.skipped", event.body.get().as_bytes())
}

/// What an event's standing in its log is, and why when it is rejected.
pub(crate) fn judge_text(judge: &dyn Judge, header: &Header, text: &str) -> (Standing, Option<String>) {
    if header.schema > SCHEMA {
        return (Standing::Kept, None);
    }
    let event = match Envelope::parse(text) {
        Ok(event) => event,
        Err(e) => return (Standing::Rejected, Some(e.to_string())),
    };
    if event.aggregate.kind == SYNC {
        return (Standing::Applied, None);
    }
    match judge.judge(&event) {
        Verdict::Apply => (Standing::Applied, None),
        Verdict::KeepForUpgrade => (Standing::Kept, None),
        Verdict::Reject { why } => (Standing::Rejected, Some(why)),
    }
}
