//! A ledger in memory: one database of one node, which can be copied, restored and rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::ledger::*;
use crate::{AggregateKey, Envelope, EventId, Header, Queue, Side};

/// What the world's people and folds see of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ev {
    pub id: EventId,
    pub key: AggregateKey,
    pub by: Side,
    pub n: u64,
    pub seen: u64,
    pub kind: String,
    pub body: Option<String>,
}

impl Ev {
    /// An entry's event; one that is no proper envelope has a header at least.
    fn logged(by: Side, entry: &LogEntry) -> Self {
        if let Ok(envelope) = entry.envelope() {
            return Self::of(by, &envelope);
        }
        let Header { id, aggregate, kind, .. } = Header::parse(&entry.text).expect("a logged event has a header");
        Self { id, key: aggregate.key(), by, n: aggregate.n, seen: aggregate.seen, kind, body: None }
    }

    pub fn of(by: Side, e: &Envelope) -> Self {
        Self {
            id: e.id,
            key: e.aggregate.key(),
            by,
            n: e.aggregate.n,
            seen: e.aggregate.seen,
            kind: e.kind.clone(),
            body: serde_json::from_str(e.body.get()).unwrap_or_default(),
        }
    }
}

/// What a transaction did that the world wants to know after its commit.
#[derive(Clone, Debug)]
pub enum Trace {
    Held(Side, EventId),
    Deleted(EventId),
    Dropped(EventId),
}

#[derive(Clone, Debug)]
pub struct Logged {
    pub entry: LogEntry,
    pub ev: Ev,
}

impl std::fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "n {} {} {:?}", self.n, self.id, self.standing)
    }
}

type Logs = BTreeMap<AggregateKey, BTreeMap<Side, Vec<Logged>>>;

#[derive(Clone, Default)]
pub struct MemLedger {
    pub head: Option<Head>,
    pub outbox: BTreeMap<Queue, BTreeMap<u64, OutboxRow>>,
    pub ids: BTreeMap<(Queue, u64), SeqIds>,
    pub logs: Logs,
    pub by_id: BTreeMap<EventId, (AggregateKey, Side)>,
    pub aside: BTreeMap<EventId, SetAside>,
    pub staged: BTreeMap<(EventId, u32), String>,
    pub bytes: BTreeMap<Queue, u64>,
    pub trace: Vec<Trace>,
    /// The first broken rule of the tables themselves.
    pub broken: Option<String>,
}

impl MemLedger {
    fn must(&mut self, holds: bool, rule: &str) {
        if !holds && self.broken.is_none() {
            self.broken = Some(format!("ledger: {rule}"));
        }
    }

    pub fn the_head(&self) -> &Head {
        self.head.as_ref().expect("the ledger was started")
    }

    pub fn events(&self, key: &AggregateKey, by: Side) -> Vec<&Ev> {
        let log = self.logs.get(key).and_then(|l| l.get(&by));
        log.into_iter().flatten().filter(|l| l.entry.standing == Standing::Applied).map(|l| &l.ev).collect()
    }

    pub fn all_events(&self, key: &AggregateKey, by: Side) -> Vec<&Ev> {
        self.logs.get(key).and_then(|l| l.get(&by)).into_iter().flatten().map(|l| &l.ev).collect()
    }

    pub fn every_event(&self) -> impl Iterator<Item = &Ev> {
        self.logs.values().flat_map(|l| l.values()).flatten().map(|l| &l.ev)
    }

    pub fn rows(&self, queue: Queue) -> usize {
        self.outbox.get(&queue).map_or(0, BTreeMap::len)
    }

    fn remove_rows(&mut self, queue: Queue, through: u64) -> Vec<OutboxRow> {
        let rows = self.outbox.entry(queue).or_default();
        let kept = rows.split_off(&(through + 1));
        let gone: Vec<OutboxRow> = std::mem::replace(rows, kept).into_values().collect();
        let bytes: u64 = gone.iter().map(|r| r.text.len() as u64).sum();
        *self.bytes.entry(queue).or_default() -= bytes;
        gone
    }

    fn logged(&mut self, key: &AggregateKey, author: Side, entry: &LogEntry) -> Logged {
        let ev = Ev::logged(author, entry);
        self.must((ev.id, ev.n) == (entry.id, entry.n), "text and columns differ");
        self.must(&ev.key == key, "text and key differ");
        let other = self.by_id.insert(entry.id, (key.clone(), author));
        self.must(other.is_none(), "an id stands twice");
        self.trace.push(Trace::Held(author, entry.id));
        Logged { entry: entry.clone(), ev }
    }
}

fn is_skip(row: &OutboxRow) -> bool {
    row.text.contains("\"sync.skipped\"")
}

type Done<T = ()> = Result<T, Infallible>;

impl LedgerRead for MemLedger {
    type Error = Infallible;

    fn head(&self) -> Done<Option<Head>> {
        Ok(self.head.clone())
    }
    fn outbox(&self, queue: Queue, after: u64, limit: usize) -> Done<Vec<OutboxRow>> {
        let rows = self.outbox.get(&queue);
        Ok(rows.into_iter().flat_map(|r| r.range(after + 1..)).take(limit).map(|(_, row)| row.clone()).collect())
    }
    fn outbox_size(&self, queue: Queue) -> Done<OutboxSize> {
        Ok(OutboxSize { rows: self.rows(queue) as u64, bytes: self.bytes.get(&queue).copied().unwrap_or(0) })
    }
    fn ids_at(&self, queue: Queue, seq: u64) -> Done<Option<SeqIds>> {
        Ok(self.ids.get(&(queue, seq)).copied())
    }
    fn log_end(&self, key: &AggregateKey, author: Side) -> Done<LogEnd> {
        let Some(log) = self.logs.get(key).and_then(|l| l.get(&author)) else { return Ok(LogEnd::default()) };
        Ok(LogEnd {
            n: log.last().map_or(0, |l| l.entry.n),
            seen: log.iter().rev().find(|l| !l.entry.standing.blocks()).map_or(0, |l| l.entry.n),
            blocked: log.iter().any(|l| l.entry.standing.blocks()),
        })
    }
    fn log(&self, key: &AggregateKey, author: Side, after_n: u64, limit: usize) -> Done<Vec<LogEntry>> {
        let log = self.logs.get(key).and_then(|l| l.get(&author));
        let rest = log.into_iter().flatten().map(|l| &l.entry).filter(|e| e.n > after_n);
        Ok(rest.take(limit).cloned().collect())
    }
    fn aggregates(&self, after: Option<&AggregateKey>, limit: usize) -> Done<Vec<AggregateKey>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |a| Excluded(a.clone()));
        let used = self.logs.range((from, Unbounded)).filter(|(_, l)| l.values().any(|v| !v.is_empty()));
        Ok(used.take(limit).map(|(k, _)| k.clone()).collect())
    }
    fn holds(&self, id: EventId) -> Done<bool> {
        Ok(self.by_id.contains_key(&id))
    }
    fn is_set_aside(&self, id: EventId) -> Done<bool> {
        Ok(self.aside.contains_key(&id))
    }
    fn kept(&self, author: Side, after: Option<&AggregateKey>, limit: usize) -> Done<Vec<AggregateKey>> {
        let keys = self.aggregates(after, usize::MAX)?;
        let kept = |k: &AggregateKey| {
            let log = self.logs.get(k).and_then(|l| l.get(&author));
            log.into_iter().flatten().any(|l| l.entry.standing == Standing::Kept)
        };
        Ok(keys.into_iter().filter(kept).take(limit).collect())
    }
    fn staged(&self, snapshot: EventId, n: u32) -> Done<Option<String>> {
        Ok(self.staged.get(&(snapshot, n)).cloned())
    }
}

impl Ledger for MemLedger {
    fn put_head(&mut self, head: &Head) -> Done {
        self.head = Some(head.clone());
        Ok(())
    }
    fn push_outbox(&mut self, queue: Queue, row: &OutboxRow) -> Done {
        *self.bytes.entry(queue).or_default() += row.text.len() as u64;
        self.outbox.entry(queue).or_default().insert(row.last, row.clone());
        Ok(())
    }
    fn skip_outbox(&mut self, queue: Queue, row: &OutboxRow) -> Done {
        let gone = self.remove_rows(queue, row.last);
        self.trace.extend(gone.iter().filter(|r| !is_skip(r)).map(|r| Trace::Dropped(r.id)));
        self.push_outbox(queue, row)
    }
    fn delete_outbox(&mut self, queue: Queue, through: u64) -> Done {
        let gone = self.remove_rows(queue, through);
        self.trace.extend(gone.iter().filter(|r| !is_skip(r)).map(|r| Trace::Deleted(r.id)));
        Ok(())
    }
    fn put_ids(&mut self, queue: Queue, seq: u64, ids: &SeqIds) -> Done {
        self.ids.insert((queue, seq), *ids);
        Ok(())
    }
    fn clear_stream(&mut self) -> Done {
        self.outbox.clear();
        self.ids.clear();
        self.bytes.clear();
        Ok(())
    }
    fn append_log(&mut self, key: &AggregateKey, author: Side, entry: &LogEntry) -> Done {
        let logged = self.logged(key, author, entry);
        let log = self.logs.entry(key.clone()).or_default().entry(author).or_default();
        let grows = log.last().is_none_or(|l| l.entry.n < entry.n);
        log.push(logged);
        self.must(grows, "n does not grow");
        Ok(())
    }
    fn replace_log(&mut self, key: &AggregateKey, author: Side, entries: &[LogEntry]) -> Done {
        let gone = self.logs.entry(key.clone()).or_default().remove(&author).unwrap_or_default();
        for logged in gone {
            self.by_id.remove(&logged.entry.id);
        }
        entries.iter().try_for_each(|entry| self.append_log(key, author, entry))
    }
    fn set_standing(&mut self, id: EventId, standing: Standing) -> Done {
        let (key, side) = self.by_id[&id].clone();
        let log = self.logs.get_mut(&key).and_then(|l| l.get_mut(&side)).expect("its log is there");
        log.iter_mut().filter(|l| l.entry.id == id).for_each(|l| l.entry.standing = standing);
        Ok(())
    }
    fn set_aside(&mut self, event: &SetAside) -> Done {
        self.aside.entry(event.id).or_insert_with(|| event.clone());
        Ok(())
    }
    fn stage(&mut self, snapshot: EventId, n: u32, text: &str) -> Done {
        self.staged.insert((snapshot, n), text.to_owned());
        Ok(())
    }
    fn unstage(&mut self, snapshot: Option<EventId>) -> Done {
        self.staged.retain(|(key, _), _| snapshot.is_some_and(|s| s != *key));
        Ok(())
    }
}

/// Ids of a set of events.
pub fn ids<'a>(events: impl IntoIterator<Item = &'a Ev>) -> BTreeSet<EventId> {
    events.into_iter().map(|e| e.id).collect()
}
