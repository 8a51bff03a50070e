//! Names of things on the wire: events, epochs, sides, classes, aggregates, watermarks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The identity of one event (UUIDv7 text on the wire). `seq` and `n` may change when an event is entered again after a
/// restore; this never does. Boots, sessions, requests and snapshot keys have the same form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Makes an id from the 16 bytes of a UUID.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self)
    }
}

/// Which end wrote a log or sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Headquarters.
    Hq,
    /// The store's box.
    Store,
}

impl Side {
    /// The other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Hq => Self::Store,
            Self::Store => Self::Hq,
        }
    }

    /// The word used on the wire and in ledgers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hq => "hq",
            Self::Store => "store",
        }
    }
}

/// The class of a batch on the wire. P2 is no queue (see [`Queue`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// Reservations, money, people: never dropped.
    P0,
    /// Messages, calls, threads: dropped at a bound, with a notice.
    P1,
    /// Telemetry: latest values, numbered when sent, never sent again.
    P2,
}

impl Class {
    /// The durable queue of this class; none for telemetry.
    pub const fn queue(self) -> Option<Queue> {
        match self {
            Self::P0 => Some(Queue::P0),
            Self::P1 => Some(Queue::P1),
            Self::P2 => None,
        }
    }
}

/// The two classes that have a durable outbox, a watermark and an order of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Queue {
    /// Reservations, money, people.
    P0,
    /// Everything else that is an event.
    P1,
}

impl Queue {
    /// Both, in the order in which they are sent.
    pub const ALL: [Queue; 2] = [Queue::P0, Queue::P1];

    /// The queue of an aggregate's kind. An aggregate never changes its queue.
    pub fn of(kind: &str) -> Self {
        match kind {
            "reservation" | "case" | "person" => Self::P0,
            _ => Self::P1,
        }
    }

    /// The class on the wire.
    pub const fn class(self) -> Class {
        match self {
            Self::P0 => Class::P0,
            Self::P1 => Class::P1,
        }
    }

    /// The word used on the wire and in ledgers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
        }
    }
}

/// One value for each [`Queue`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerQueue<T> {
    /// For [`Queue::P0`].
    #[serde(rename = "P0")]
    pub p0: T,
    /// For [`Queue::P1`].
    #[serde(rename = "P1")]
    pub p1: T,
}

impl<T> std::ops::Index<Queue> for PerQueue<T> {
    type Output = T;
    fn index(&self, queue: Queue) -> &T {
        match queue {
            Queue::P0 => &self.p0,
            Queue::P1 => &self.p1,
        }
    }
}

impl<T> std::ops::IndexMut<Queue> for PerQueue<T> {
    fn index_mut(&mut self, queue: Queue) -> &mut T {
        match queue {
            Queue::P0 => &mut self.p0,
            Queue::P1 => &mut self.p1,
        }
    }
}

/// How far one side has taken the other's stream: a sequence number and the id of the event that stands there, so that
/// two lives of one sender can be told apart. `{0, none}` when nothing was taken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The last sequence number taken; 0 for none.
    pub seq: u64,
    /// The id of the event with that number.
    pub id: Option<EventId>,
}

/// One life of a database: text `<counter>-<random>-<machine>`. A higher counter supersedes a lower one; the machine
/// tells a box that was rolled back from another box.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch {
    /// Grows with every life of the same identity.
    pub counter: u64,
    /// Tells two lives with one counter apart; hexadecimal digits.
    pub random: String,
    /// The machine that minted it.
    pub machine: String,
}

/// An epoch's text that is not `<counter>-<random>-<machine>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is <counter>-<random>-<machine>")]
pub struct EpochError;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.counter, self.random, self.machine)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Epoch {
    type Err = EpochError;
    fn from_str(text: &str) -> Result<Self, EpochError> {
        let mut parts = text.splitn(3, '-');
        let (Some(counter), Some(random), Some(machine)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(EpochError);
        };
        let digits = !counter.is_empty() && counter.bytes().all(|b| b.is_ascii_digit());
        if !digits || random.is_empty() || machine.is_empty() || text.len() > 128 {
            return Err(EpochError);
        }
        let counter = counter.parse().map_err(|_| EpochError)?;
        Ok(Self { counter, random: random.into(), machine: machine.into() })
    }
}

impl TryFrom<String> for Epoch {
    type Error = EpochError;
    fn try_from(text: String) -> Result<Self, EpochError> {
        text.parse()
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> String {
        epoch.to_string()
    }
}

/// Names one aggregate. Its order is bytewise by kind, then id (SQLite's `BINARY` collation); snapshots are sorted by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AggregateKey {
    /// `reservation`, `message`, `case`, `person`, `sync`, …
    pub kind: String,
    /// The aggregate's id, usually UUID text.
    pub id: String,
}

impl AggregateKey {
    /// Names an aggregate.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// The queue in which all its events travel.
    pub fn queue(&self) -> Queue {
        Queue::of(&self.kind)
    }
}
