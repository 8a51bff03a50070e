//! Snapshots: reading both logs page by page into chunks, and gathering the peer's chunks until all are there.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::Error;
use crate::envelope::{Header, ParseError, parse_json};
use crate::ident::{AggregateKey, Epoch, EventId, PerQueue, Queue, Side, Watermark};
use crate::ledger::{Head, Ledger, LedgerRead, LogEntry};
use crate::rules::{Rule, Rules};
use crate::wire::{Cut, FRAME_BYTES, Message, SnapshotChunk, hash};

/// Keys or entries that are read in one call.
const PAGE: usize = 128;
/// Snapshots that may arrive at the same time; the oldest is given up for a fifth.
const STAGING_MAX: usize = 4;

#[derive(Deserialize, Serialize)]
struct Item<'a> {
    by: Side,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// A snapshot to be taken and sent. All chunks must come from **one** read transaction, opened after the commit of the
/// transaction that ordered it; the cut is taken at the first call. May be paced or dropped at will: the other side
/// asks again.
#[derive(Debug)]
pub struct SnapshotJob {
    side: Side,
    request: Option<EventId>,
    epoch: Epoch,
    peer_epoch: Option<Epoch>,
    key: EventId,
    chunk_bytes: usize,
    rules: Rules,
    n: u32,
    cut: Option<Cut>,
    walk: Walk,
    done: bool,
}

impl SnapshotJob {
    pub(crate) fn new(
        side: Side,
        head: &Head,
        request: Option<EventId>,
        key: EventId,
        chunk_bytes: usize,
        rules: Rules,
    ) -> Self {
        let (epoch, peer_epoch) = (head.epoch.clone(), head.peer_epoch.clone());
        let walk = Walk::default();
        Self { side, request, epoch, peer_epoch, key, chunk_bytes, rules, n: 0, cut: None, walk, done: false }
    }

    /// The next chunk to publish; none when all were made, or when the epochs changed since the snapshot was ordered.
    ///
    /// # Errors
    /// When the ledger fails or holds text that is no JSON.
    pub fn next_chunk<L: LedgerRead>(&mut self, ledger: &L) -> Result<Option<Message>, Error<L::Error>> {
        if self.done {
            return Ok(None);
        }
        let cut = match &self.cut {
            Some(cut) => cut.clone(),
            None => match self.take_cut(ledger)? {
                Some(cut) => self.cut.insert(cut).clone(),
                None => {
                    self.done = true;
                    return Ok(None);
                }
            },
        };
        let room = self.chunk_bytes - FRAME_BYTES;
        let mut text = String::from("[");
        while let Some((by, event)) = self.walk.peek(ledger, self.side, self.rules)? {
            if text.len() > 1 && text.len() + event.len() + 32 > room {
                break;
            }
            text.push_str(if text.len() > 1 { ",{\"by\":\"" } else { "{\"by\":\"" });
            text.push_str(by.as_str());
            text.push_str("\",\"event\":");
            text.push_str(event);
            text.push('}');
            self.walk.entries.pop_front();
        }
        text.push(']');
        self.done = self.walk.peek(ledger, self.side, self.rules)?.is_none();
        self.n += 1;
        let problem = |e: serde_json::Error| {
            Error::Corrupt(ParseError { what: "a log entry", problem: format!("column {}", e.column()) })
        };
        Ok(Some(Message::Snapshot(SnapshotChunk {
            from: self.side,
            request: self.request,
            cut,
            n: self.n - 1,
            last: self.done,
            hash: hash(text.as_bytes()),
            sig: None,
            events: RawValue::from_string(text).map_err(problem)?,
        })))
    }

    fn take_cut<L: LedgerRead>(&self, ledger: &L) -> Result<Option<Cut>, Error<L::Error>> {
        let head = ledger.head()?.ok_or(Error::NotStarted)?;
        let refused = match self.side {
            Side::Hq => head.recovery.is_some() && self.rules.on(Rule::HqFirst),
            Side::Store => head.superseded,
        };
        if refused || head.epoch != self.epoch || head.peer_epoch != self.peer_epoch {
            return Ok(None);
        }
        let at = stream_end(ledger, &head)?;
        let recovering = head.recovery.is_some();
        Ok(Some(Cut { own: head.epoch, at, peer: head.peer_epoch, recovering, key: self.key }))
    }
}

/// Where our own stream ends.
pub(crate) fn stream_end<L: LedgerRead>(ledger: &L, head: &Head) -> Result<PerQueue<Watermark>, L::Error> {
    let mut at = PerQueue::default();
    for queue in Queue::ALL {
        let seq = head.next[queue] - 1;
        let id = if seq == 0 { None } else { ledger.ids_at(queue, seq)?.map(|ids| ids.skip.unwrap_or(ids.id)) };
        at[queue] = Watermark { seq, id };
    }
    Ok(at)
}

/// Goes over both logs of all aggregates, page by page.
#[derive(Debug, Default)]
struct Walk {
    keys: VecDeque<AggregateKey>,
    last_key: Option<AggregateKey>,
    log: Option<(AggregateKey, Side, u64)>,
    entries: VecDeque<(Side, String)>,
}

impl Walk {
    fn peek<L: LedgerRead>(&mut self, ledger: &L, own: Side, rules: Rules) -> Result<Option<(Side, &str)>, L::Error> {
        while self.entries.is_empty() {
            match self.log.take() {
                Some((key, by, after)) => self.read_log(ledger, key, by, after, own, rules)?,
                None => {
                    if self.keys.is_empty() {
                        self.keys.extend(ledger.aggregates(self.last_key.as_ref(), PAGE)?);
                    }
                    let Some(key) = self.keys.pop_front() else { return Ok(None) };
                    self.last_key = Some(key.clone());
                    self.log = Some((key, Side::Hq, 0));
                }
            }
        }
        Ok(self.entries.front().map(|(by, text)| (*by, text.as_str())))
    }

    fn read_log<L: LedgerRead>(
        &mut self,
        ledger: &L,
        key: AggregateKey,
        by: Side,
        after: u64,
        own: Side,
        rules: Rules,
    ) -> Result<(), L::Error> {
        let page = ledger.log(&key, by, after, PAGE)?;
        self.log = match (page.last(), by) {
            (Some(last), _) if page.len() == PAGE => Some((key, by, last.n)),
            (_, Side::Hq) => Some((key, Side::Store, 0)),
            (_, Side::Store) => None,
        };
        if by == own || rules.on(Rule::BothLogs) {
            self.entries.extend(page.into_iter().map(|entry| (by, entry.text)));
        }
        Ok(())
    }
}

/// What has come of one snapshot.
pub(crate) struct Staging {
    key: EventId,
    last: Option<u32>,
    have: BTreeMap<u32, Option<(AggregateKey, AggregateKey)>>,
}

/// What a chunk did to its snapshot.
pub(crate) enum Staged {
    /// More must come.
    Waiting,
    /// All chunks are there, this many.
    Complete(u32),
}

/// Keeps a checked chunk; says whether its snapshot is complete.
pub(crate) fn stage<L: Ledger>(
    staging: &mut Vec<Staging>,
    ledger: &mut L,
    chunk: &SnapshotChunk,
) -> Result<Result<Staged, ParseError>, L::Error> {
    let span = match check(chunk) {
        Ok(span) => span,
        Err(e) => return Ok(Err(e)),
    };
    if staging.is_empty() {
        ledger.unstage(None)?; // what an earlier run or a rolled-back transaction left
    }
    if !staging.iter().any(|s| s.key == chunk.cut.key) {
        if staging.len() == STAGING_MAX {
            ledger.unstage(Some(staging.remove(0).key))?;
        }
        staging.push(Staging { key: chunk.cut.key, last: None, have: BTreeMap::new() });
    }
    let entry = staging.iter_mut().find(|s| s.key == chunk.cut.key).expect("it was just entered");
    ledger.stage(chunk.cut.key, chunk.n, chunk.events.get())?;
    entry.have.insert(chunk.n, span);
    if chunk.last {
        entry.last = Some(chunk.n);
    }
    let Some(last) = entry.last else { return Ok(Ok(Staged::Waiting)) };
    if entry.have.len() as u64 != u64::from(last) + 1 {
        return Ok(Ok(Staged::Waiting));
    }
    let spans: Vec<_> = entry.have.values().flatten().collect();
    if spans.windows(2).any(|w| w[0].1 > w[1].0) {
        return Ok(Err(ParseError { what: "snapshot", problem: "its chunks are not in order".into() }));
    }
    Ok(Ok(Staged::Complete(last + 1)))
}

/// Forgets a snapshot that was adopted or refused.
pub(crate) fn unstage<L: Ledger>(staging: &mut Vec<Staging>, ledger: &mut L, key: EventId) -> Result<(), L::Error> {
    staging.retain(|s| s.key != key);
    ledger.unstage(Some(key))
}

/// A chunk's first and last aggregate, after checking that all its headers can be read and are sorted.
fn check(chunk: &SnapshotChunk) -> Result<Option<(AggregateKey, AggregateKey)>, ParseError> {
    if !chunk.hash_fits() {
        return Err(ParseError { what: "snapshot chunk", problem: "its hash does not fit".into() });
    }
    let items: Vec<Item<'_>> = parse_json("snapshot events", chunk.events.get().as_bytes())?;
    let mut span: Option<(AggregateKey, AggregateKey)> = None;
    for item in items {
        let key = Header::parse(item.event.get())?.aggregate.key();
        match &mut span {
            None => span = Some((key.clone(), key)),
            Some((_, last)) if *last > key => {
                return Err(ParseError { what: "snapshot chunk", problem: "it is not sorted".into() });
            }
            Some((_, last)) => *last = key,
        }
    }
    Ok(span)
}

/// One aggregate of a snapshot: both logs as the sender has them.
pub(crate) struct Group {
    pub key: AggregateKey,
    pub logs: BTreeMap<Side, Vec<(Header, String)>>,
}

/// Goes over the union of a staged snapshot's aggregates and our own, in order.
pub(crate) struct Union {
    snapshot: EventId,
    chunks: u32,
    next_chunk: u32,
    items: VecDeque<(Side, Header, String)>,
    keys: VecDeque<AggregateKey>,
    last_key: Option<AggregateKey>,
    keys_done: bool,
}

impl Union {
    pub fn new(snapshot: EventId, chunks: u32) -> Self {
        let (items, keys) = (VecDeque::new(), VecDeque::new());
        Self { snapshot, chunks, next_chunk: 0, items, keys, last_key: None, keys_done: false }
    }

    /// The next aggregate that either side has; its logs are empty when the snapshot lacks it.
    pub fn next<L: LedgerRead>(&mut self, ledger: &L) -> Result<Option<Group>, Error<L::Error>> {
        if self.keys.is_empty() && !self.keys_done {
            self.keys.extend(ledger.aggregates(self.last_key.as_ref(), PAGE)?);
            self.keys_done = self.keys.is_empty();
            self.last_key = self.keys.back().cloned().or(self.last_key.take());
        }
        self.fill(ledger)?;
        let theirs = self.items.front().map(|(_, header, _)| header.aggregate.key());
        let key = match (self.keys.front(), theirs) {
            (None, None) => return Ok(None),
            (Some(own), None) => own.clone(),
            (None, Some(theirs)) => theirs,
            (Some(own), Some(theirs)) => own.clone().min(theirs),
        };
        if self.keys.front() == Some(&key) {
            self.keys.pop_front();
        }
        let mut logs: BTreeMap<Side, Vec<(Header, String)>> = BTreeMap::new();
        while let Some((by, header, text)) = self.items.pop_front() {
            if header.aggregate.key() != key {
                self.items.push_front((by, header, text));
                break;
            }
            logs.entry(by).or_default().push((header, text));
            self.fill(ledger)?;
        }
        Ok(Some(Group { key, logs }))
    }

    fn fill<L: LedgerRead>(&mut self, ledger: &L) -> Result<(), Error<L::Error>> {
        while self.items.is_empty() && self.next_chunk < self.chunks {
            let missing = || ParseError { what: "staged chunk", problem: "it is gone".into() };
            let text = ledger.staged(self.snapshot, self.next_chunk)?.ok_or_else(|| Error::Corrupt(missing()))?;
            let items: Vec<Item<'_>> = parse_json("staged chunk", text.as_bytes()).map_err(Error::Corrupt)?;
            for item in items {
                let header = Header::parse(item.event.get()).map_err(Error::Corrupt)?;
                self.items.push_back((item.by, header, item.event.get().to_owned()));
            }
            self.next_chunk += 1;
        }
        Ok(())
    }
}

/// A whole log of one aggregate.
pub(crate) fn whole_log<L: LedgerRead>(
    ledger: &L,
    key: &AggregateKey,
    author: Side,
) -> Result<Vec<LogEntry>, L::Error> {
    let mut log: Vec<LogEntry> = Vec::new();
    loop {
        let page = ledger.log(key, author, log.last().map_or(0, |e| e.n), PAGE)?;
        let full = page.len() == PAGE;
        log.extend(page);
        if !full {
            return Ok(log);
        }
    }
}
