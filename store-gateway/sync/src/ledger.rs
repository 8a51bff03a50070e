//! The durable state of one (store ↔ HQ) pair, as the cores see it: a few tables reached inside the shell's transaction.
//!
//! The shell implements these traits, over SQLite in the product and over maps in the tests. Every call is one indexed
//! look-up, one page or one write; nothing asks for a whole table.

use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::ident::{AggregateKey, Epoch, EventId, PerQueue, Queue, Side, Watermark};

/// The one record of a ledger that changes with almost every transaction. Small; store it as JSON or as columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Our own epoch.
    pub epoch: Epoch,
    /// Store only: HQ has answered under this epoch.
    pub opened: bool,
    /// The peer's epoch that we follow; none before the first contact, or when a snapshot must come first.
    pub peer_epoch: Option<Epoch>,
    /// How far we have taken the peer's stream of that epoch.
    pub seen: PerQueue<Watermark>,
    /// In recovery: the id of the snapshot request.
    pub recovery: Option<EventId>,
    /// Store only: another box has taken over this identity; read-only.
    pub superseded: bool,
    /// Raised at every start and after every backup, here first and then in the witness file (store only).
    pub generation: u64,
    /// HQ only: the database's count of restores when this ledger was last started.
    pub life: u64,
    /// The next sequence number of our own stream in this epoch.
    pub next: PerQueue<u64>,
    /// How far the peer has taken it.
    pub acked: PerQueue<u64>,
    /// Events of the peer that were set aside so far; told in every acknowledgement.
    pub set_aside: u64,
}

/// A row that waits for the peer's watermark.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The first sequence number that it stands for; below `last` only in a `sync.skipped`.
    pub first: u64,
    /// Its own sequence number.
    pub last: u64,
    /// The event's id.
    pub id: EventId,
    /// When it was entered, milliseconds since the Unix epoch; for the bound by age.
    pub at_ms: i64,
    /// The event as it goes out.
    pub text: String,
}

/// The outbox of one queue in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxSize {
    /// Rows that wait.
    pub rows: u64,
    /// Bytes of their texts.
    pub bytes: u64,
}

/// Which ids the peer may stand on at one sequence number of our stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeqIds {
    /// The event that first had the number.
    pub id: EventId,
    /// The `sync.skipped` that took it over.
    pub skip: Option<EventId>,
}

impl SeqIds {
    /// True when a peer that stands on `id` has taken our stream.
    pub fn contains(&self, id: EventId) -> bool {
        self.id == id || self.skip == Some(id)
    }
}

/// What became of an event in a log. Folds take [`Standing::Applied`] entries only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Counts.
    Applied,
    /// Unknown type or newer schema: waits for an upgrade; later events go on.
    Kept,
    /// Could not be applied: waits for a person, and all later ones of its author and aggregate behind it.
    Rejected,
    /// Came behind a rejected one.
    Waiting,
    /// A person decided that it does not count.
    Discarded,
}

impl Standing {
    /// The word used in ledgers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Kept => "kept",
            Self::Rejected => "rejected",
            Self::Waiting => "waiting",
            Self::Discarded => "discarded",
        }
    }

    /// Reads the ledger's word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Applied, Self::Kept, Self::Rejected, Self::Waiting, Self::Discarded]
            .into_iter()
            .find(|s| s.as_str() == word)
    }

    /// True for entries that keep later ones of their log waiting.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Rejected | Self::Waiting)
    }
}

/// One event in the log of one author and aggregate.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number in this log.
    pub n: u64,
    /// Its identity.
    pub id: EventId,
    /// Whether it counts.
    pub standing: Standing,
    /// The event's JSON text as it came or went; unknown fields included.
    pub text: String,
}

impl LogEntry {
    /// Reads the event.
    ///
    /// # Errors
    /// When the text is no envelope (a rejected entry may be such).
    pub fn envelope(&self) -> Result<Envelope, crate::ParseError> {
        Envelope::parse(&self.text)
    }
}

/// Where the log of one author and aggregate ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// The highest `n`; 0 when empty.
    pub n: u64,
    /// The highest `n` whose standing does not block; what an envelope's `seen` says.
    pub seen: u64,
    /// True when a [`Standing::Rejected`] or [`Standing::Waiting`] entry is in it.
    pub blocked: bool,
}

/// An event of the peer that is in no log: of another life, or replaced by a snapshot. Kept for a person.
#[derive(Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its identity.
    pub id: EventId,
    /// What it is about.
    pub key: AggregateKey,
    /// Who wrote it.
    pub author: Side,
    /// Why it was set aside.
    pub why: AsideReason,
    /// Its JSON text.
    pub text: String,
}

/// Why an event was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsideReason {
    /// It came under an epoch that is not the open one.
    OtherEpoch,
    /// The author's snapshot no longer has it.
    NotInSnapshot,
    /// Its `n` does not follow, or its id is held already.
    OutOfOrder,
    /// It cannot be applied: the judge's or the parser's words.
    Rejected(String),
}

impl std::fmt::Display for AsideReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherEpoch => f.write_str("its epoch is not the open one"),
            Self::NotInSnapshot => f.write_str("its author's snapshot lacks it"),
            Self::OutOfOrder => f.write_str("its number does not follow"),
            Self::Rejected(why) => f.write_str(why),
        }
    }
}

/// Reading one pair's ledger. Inside a write transaction it must see that transaction's own writes.
pub trait LedgerRead {
    /// What the database says when it fails.
    type Error;

    /// The head record; none in a new database.
    fn head(&self) -> Result<Option<Head>, Self::Error>;

    /// Up to `limit` rows of the outbox with `last > after`, ascending.
    fn outbox(&self, queue: Queue, after: u64, limit: usize) -> Result<Vec<OutboxRow>, Self::Error>;

    /// Rows and bytes that wait. Called at every append to P1: keep a running count or an index.
    fn outbox_size(&self, queue: Queue) -> Result<OutboxSize, Self::Error>;

    /// The ids that stand at `seq` in our stream of the current epoch. Kept for the whole epoch.
    fn ids_at(&self, queue: Queue, seq: u64) -> Result<Option<SeqIds>, Self::Error>;

    /// Where a log ends; the default value when there is none.
    fn log_end(&self, key: &AggregateKey, author: Side) -> Result<LogEnd, Self::Error>;

    /// Up to `limit` entries of a log with `n > after_n`, ascending by `n`, of any standing.
    fn log(&self, key: &AggregateKey, author: Side, after_n: u64, limit: usize) -> Result<Vec<LogEntry>, Self::Error>;

    /// Up to `limit` aggregates that have an entry in either log, after `after`, in [`AggregateKey`]'s bytewise order.
    fn aggregates(&self, after: Option<&AggregateKey>, limit: usize) -> Result<Vec<AggregateKey>, Self::Error>;

    /// True when any log of either author holds the event.
    fn holds(&self, id: EventId) -> Result<bool, Self::Error>;

    /// True when the event was set aside by [`Ledger::set_aside`].
    fn is_set_aside(&self, id: EventId) -> Result<bool, Self::Error>;

    /// Up to `limit` aggregates of which `author`'s log has a [`Standing::Kept`] entry, after `after`.
    fn kept(&self, author: Side, after: Option<&AggregateKey>, limit: usize) -> Result<Vec<AggregateKey>, Self::Error>;

    /// The text of a chunk put by [`Ledger::stage`].
    fn staged(&self, snapshot: EventId, n: u32) -> Result<Option<String>, Self::Error>;
}

/// Changing one pair's ledger, inside one transaction of the shell.
pub trait Ledger: LedgerRead {
    /// Replaces the head record.
    fn put_head(&mut self, head: &Head) -> Result<(), Self::Error>;

    /// Enters a row behind all others of its queue.
    fn push_outbox(&mut self, queue: Queue, row: &OutboxRow) -> Result<(), Self::Error>;

    /// Replaces all rows with `last <= row.last` by `row`.
    fn skip_outbox(&mut self, queue: Queue, row: &OutboxRow) -> Result<(), Self::Error>;

    /// Deletes the rows with `last <= through`.
    fn delete_outbox(&mut self, queue: Queue, through: u64) -> Result<(), Self::Error>;

    /// Notes (or replaces) the ids that stand at `seq`.
    fn put_ids(&mut self, queue: Queue, seq: u64, ids: &SeqIds) -> Result<(), Self::Error>;

    /// Deletes every outbox row and every id of both queues: a new epoch begins.
    fn clear_stream(&mut self) -> Result<(), Self::Error>;

    /// Adds an entry at the end of a log. `(key, author, n)` and `id` are unique.
    fn append_log(&mut self, key: &AggregateKey, author: Side, entry: &LogEntry) -> Result<(), Self::Error>;

    /// Replaces a whole log.
    fn replace_log(&mut self, key: &AggregateKey, author: Side, entries: &[LogEntry]) -> Result<(), Self::Error>;

    /// Changes the standing of an event in a log.
    fn set_standing(&mut self, id: EventId, standing: Standing) -> Result<(), Self::Error>;

    /// Keeps an event outside the logs; an id that is there already stays as it is.
    fn set_aside(&mut self, event: &SetAside) -> Result<(), Self::Error>;

    /// Keeps a chunk of a snapshot until all have come; the same chunk may be put again. May be lost at a restart.
    fn stage(&mut self, snapshot: EventId, n: u32, text: &str) -> Result<(), Self::Error>;

    /// Deletes the staged chunks of one snapshot, or of all.
    fn unstage(&mut self, snapshot: Option<EventId>) -> Result<(), Self::Error>;
}
