//! What the shell decides for a core, and what it hands in with every call.

use std::time::Duration;

use sans_io::{Instant, Wall};

use crate::envelope::Envelope;
use crate::ident::PerQueue;
use crate::wire::{BATCH_EVENTS_MAX, PAYLOAD_BYTES_MAX};

/// Both clocks of the moment of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: all waits.
    pub at: Instant,
    /// The wall clock: event times and the time part of ids.
    pub wall: Wall,
}

/// How long to wait and how much to send. [`Config::store`] and [`Config::hq`] give the product's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// This machine's name in its epochs; must differ between machines and survive a restore of the database.
    pub machine: String,
    /// No progress of a queue for so long: send again from the lowest unacknowledged row.
    pub stall: Duration,
    /// A birth without an answer is repeated after this.
    pub birth_retry: Duration,
    /// A gap or a foreign epoch that stays for so long causes a birth under a new session.
    pub gap: Duration,
    /// So long after a birth comes the next, under a new session: it heals what nothing else would show.
    pub quiet: Duration,
    /// Births under a new session are spread over this, so that HQ's restart is not answered by all stores at once.
    pub rebirth_spread: Duration,
    /// How often a superseded box asks whether it is open again.
    pub superseded_birth: Duration,
    /// A snapshot without its next chunk for so long is asked for again.
    pub request_retry: Duration,
    /// No live acknowledgement or heartbeat of HQ for so long: offline.
    pub offline_after: Duration,
    /// The least time between two telemetry batches.
    pub telemetry_every: Duration,
    /// Unacknowledged batches in flight, per queue. While P0's is full, P1 has one.
    pub window: PerQueue<usize>,
    /// Most events in a batch, at most [`BATCH_EVENTS_MAX`].
    pub batch_events: usize,
    /// Most bytes in a batch or snapshot chunk with its frame, at most [`PAYLOAD_BYTES_MAX`].
    pub batch_bytes: usize,
    /// Where P1 is cut; none at HQ.
    pub p1_bound: Option<P1Bound>,
}

/// The bound of the P1 outbox: beyond any of these the oldest rows become one `sync.skipped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P1Bound {
    /// Rows.
    pub rows: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Age of a row.
    pub age: Duration,
}

impl Config {
    /// A store's values: P1 holds two weeks, 100 000 rows or 64 MiB.
    pub fn store(machine: impl Into<String>) -> Self {
        Self {
            machine: machine.into(),
            stall: Duration::from_secs(10),
            birth_retry: Duration::from_secs(5),
            gap: Duration::from_secs(10),
            quiet: Duration::from_secs(30),
            rebirth_spread: Duration::from_secs(2),
            superseded_birth: Duration::from_secs(60),
            request_retry: Duration::from_secs(15),
            offline_after: Duration::from_secs(30),
            telemetry_every: Duration::from_secs(10),
            window: PerQueue { p0: 8, p1: 2 },
            batch_events: BATCH_EVENTS_MAX,
            batch_bytes: PAYLOAD_BYTES_MAX,
            p1_bound: Some(P1Bound { rows: 100_000, bytes: 64 << 20, age: Duration::from_secs(14 * 24 * 3600) }),
        }
    }

    /// HQ's values: as the store's, and nothing is ever dropped.
    pub fn hq(machine: impl Into<String>) -> Self {
        Self { p1_bound: None, ..Self::store(machine) }
    }
}

/// Whether a message came as it was published or was kept by the broker from before we subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Published just now.
    Live,
    /// Kept by the broker (MQTT's RETAIN flag): it may be days old.
    Retained,
}

/// What to do with an event of the peer that follows in its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Apply,
    /// An unknown type: keep it for a later release; later events of the aggregate go on.
    KeepForUpgrade,
    /// It can't be applied. A person decides; later events of the aggregate wait.
    Reject {
        /// Why, without personal data: it goes to the other side and onto screens.
        why: String,
    },
}

/// The shell's knowledge of event bodies. The core never looks into them.
pub trait Judge {
    /// Says what to do with an event of the peer. Must depend on the event alone, since snapshots ask again. Newer schemas
    /// and events about kind `sync` are not asked about.
    fn judge(&self, event: &Envelope) -> Verdict;
}

/// The generation file beside the database, as found at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// There is no such file.
    Missing,
    /// The number in it.
    Generation(u64),
}

/// What a witness says about a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessCheck {
    /// The number to store in the database, and after the commit in the file.
    pub generation: u64,
    /// The database is an older copy of itself.
    pub restored: bool,
}

impl Witness {
    /// Compares a database's generation (0: never started) with the file. HQ's shell calls it once for its database;
    /// the store's end calls it itself.
    pub fn check(self, generation: u64) -> WitnessCheck {
        match self {
            Self::Missing => WitnessCheck { generation: generation + 1, restored: generation > 0 },
            Self::Generation(seen) => {
                WitnessCheck { generation: generation.max(seen) + 1, restored: generation < seen }
            }
        }
    }
}

/// Whether the other end is there, by what it said lately; a TCP connection proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// An acknowledgement or heartbeat came within `offline_after`.
    Online,
    /// None did.
    Offline,
}

/// Why a call failed. After any of these but `TooLarge` and `Superseded` the transaction must be rolled back and
/// `handle_rollback` called.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// The database failed.
    #[error("the sync ledger failed")]
    Ledger(#[from] E),
    /// `handle_start` has not run on this ledger.
    #[error("the sync ledger was never started")]
    NotStarted,
    /// The ledger holds text that this crate did not write.
    #[error("the sync ledger holds {0}")]
    Corrupt(crate::ParseError),
    /// The event does not fit into a batch; nothing was written.
    #[error("an event of {bytes} bytes is larger than {}", crate::wire::EVENT_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Another box holds our identity; nothing was written.
    #[error("another box has taken over this store")]
    Superseded,
}
