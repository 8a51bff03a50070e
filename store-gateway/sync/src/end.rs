//! What both ends share: volatile state, writing events, the bound of P1, beginning a new epoch. See also `send`, `take`,
//! `adopt` and `people`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sans_io::{Ids, Rng, Timers, Wall};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Error, Now};
use crate::envelope::{Actor, Envelope, NewEvent, renumber};
use crate::ident::{AggregateKey, Epoch, EventId, PerQueue, Queue, Side};
use crate::ledger::{Head, Ledger, LogEntry, OutboxRow, SeqIds, Standing};
use crate::output::{Alert, Output, RolledBack, Timer};
use crate::rules::{Rule, Rules};
use crate::snapshot::Staging;
use crate::wire::{BATCH_EVENTS_MAX, EVENT_BYTES_MAX, FRAME_BYTES, Message, PAYLOAD_BYTES_MAX};

/// The kind of the protocol's own aggregates.
pub(crate) const SYNC: &str = "sync";
/// Stands for P1 events that were dropped at the bound.
pub(crate) const SKIPPED: &str = "sync.skipped";
/// Tells the author that an event was set aside.
pub(crate) const REJECTED: &str = "sync.rejected";
/// Rows that one cut of the P1 outbox replaces at most: one page.
const SKIP_ROWS_MAX: usize = 256;
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

/// The body of `sync.skipped`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Skipped {
    pub from: u64,
    pub to: u64,
    pub count: u64,
    #[serde(default)]
    pub why: String,
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
    pub sent_hi: PerQueue<u64>,
    pub in_flight: PerQueue<VecDeque<u64>>,
    pub telemetry: BTreeMap<String, NewEvent>,
    pub telemetry_seq: u64,
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

    pub fn append<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, event: NewEvent) -> Result<Envelope, Error<L::Error>> {
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

    fn skip<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, rows: &[OutboxRow], why: &str) -> Result<(), Error<L::Error>> {
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

    pub fn own_event(&self, id: String, kind: &str, body: &impl Serialize) -> NewEvent {
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
        tx.head.epoch = self.mint(tx.head.epoch.counter.max(above) + 1);
        tx.head.opened = false;
        tx.head.superseded = false;
        tx.ledger.clear_stream()?;
        tx.head.next = PerQueue { p0: 1, p1: 1 };
        tx.head.acked = PerQueue::default();
        self.reset_stream();
        Ok(())
    }

    /// The next moment for a birth under a new session, spread so that not all stores speak at once.
    pub fn spread(&mut self) -> Duration {
        let micros = u64::try_from(self.config.rebirth_spread.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.rng.below(micros))
    }
}
