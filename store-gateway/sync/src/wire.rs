//! What goes over MQTT: bodies, their limits, reading and writing. Unknown fields are ignored; events keep their text.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::envelope::{Header, ParseError, parse_json};
use crate::ident::{Class, Epoch, EventId, PerQueue, Side, Watermark};
use crate::topic::Topic;

/// Most events in one batch.
pub const BATCH_EVENTS_MAX: usize = 500;
/// Most bytes of one payload on the wire.
pub const PAYLOAD_BYTES_MAX: usize = 128 * 1024;
/// What a batch or chunk needs beside its events: epochs, ids, a signature. Kept free when events are packed.
pub const FRAME_BYTES: usize = 2 * 1024;
/// Most bytes of one event; larger ones are refused when they are written. Leaves room to renumber it.
pub const EVENT_BYTES_MAX: usize = PAYLOAD_BYTES_MAX - FRAME_BYTES - 128;

/// `up/events`, `down/events`.
#[derive(Clone, Serialize, Deserialize)]
pub struct EventsBatch {
    /// The sender's epoch.
    pub epoch: Epoch,
    /// The class of all its events.
    pub class: Class,
    /// The sender's process.
    #[serde(default)]
    pub boot: Option<EventId>,
    /// The id before the first event; none before the first of an epoch.
    #[serde(default)]
    pub after: Option<EventId>,
    /// The other id that may stand there: that of the event whose number a `sync.skipped` took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_also: Option<EventId>,
    /// Downward: the store's epoch that it is meant for.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub meant_for: Option<Epoch>,
    /// Signature over the exact bytes of `events`, base64; made and checked by the shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
    /// The events as a JSON array, in the bytes that came or go.
    pub events: Box<RawValue>,
}

impl EventsBatch {
    /// The events, each as the text that it is.
    ///
    /// # Errors
    /// When `events` is no array or has more than [`BATCH_EVENTS_MAX`] elements.
    pub fn split(&self) -> Result<Vec<&RawValue>, ParseError> {
        let events: Vec<&RawValue> = parse_json("events", self.events.get().as_bytes())?;
        if events.len() > BATCH_EVENTS_MAX {
            return Err(ParseError { what: "events", problem: format!("{} in one batch", events.len()) });
        }
        Ok(events)
    }
}

impl fmt::Debug for EventsBatch {
    /// Leaves out the events: they may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seqs: Vec<u64> = self.split().unwrap_or_default().iter().filter_map(|e| seq_of(e)).collect();
        write!(f, "events {} {:?} after {:?} for {:?} seq {seqs:?}", self.epoch, self.class, self.after, self.meant_for)
    }
}

fn seq_of(event: &RawValue) -> Option<u64> {
    Header::parse(event.get()).ok().map(|h| h.seq)
}

/// `up/ack`, `down/ack`: the other side's events of one class were committed to here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The epoch whose events are acknowledged: up HQ's, down the store's. Null when none is followed.
    pub epoch: Option<Epoch>,
    /// Which queue.
    pub class: Class,
    /// The last sequence number taken; 0 for none.
    pub seq: u64,
    /// The id that stands there.
    pub id: Option<EventId>,
    /// How many events were set aside so far.
    #[serde(default)]
    pub set_aside: u64,
    /// Down, in the answer to a birth: that birth's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<EventId>,
    /// The sender's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<EventId>,
    /// Down: the store's epoch that HQ holds open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Epoch>,
    /// Up: the box's own epoch; HQ takes watermarks only from the open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Epoch>,
}

impl Ack {
    /// The watermark that it tells.
    pub const fn watermark(&self) -> Watermark {
        Watermark { seq: self.seq, id: self.id }
    }
}

/// How far a store follows HQ, as its birth says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// HQ's epoch that the store follows.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// How far, per queue.
    #[serde(flatten)]
    pub at: PerQueue<Watermark>,
}

/// `state`: a birth when `online`, else a farewell or the broker's last will. Retained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Birth {
    /// False in a will or farewell.
    pub online: bool,
    /// The store's process.
    #[serde(default)]
    pub boot: Option<EventId>,
    /// This handshake.
    pub session: EventId,
    /// The session that this MQTT connection's will names; births repeated on one connection have sessions of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<EventId>,
    /// The store's epoch.
    pub epoch: Epoch,
    /// The store waits for a snapshot.
    #[serde(default)]
    pub recovery: bool,
    /// The end of the store's committed stream.
    #[serde(default)]
    pub sent: PerQueue<Watermark>,
    /// How far it follows HQ.
    #[serde(default)]
    pub seen: Seen,
    /// What the shell adds: version, clock, config, queues. Everything else that a peer may say.
    #[serde(flatten)]
    pub extras: serde_json::Map<String, serde_json::Value>,
}

/// `sync/request`: a side in recovery asks for the other's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRequest {
    /// Who asks; both sides use one topic.
    pub from: Side,
    /// The asker's new epoch.
    pub epoch: Epoch,
    /// Names the request.
    pub request: EventId,
    /// Downward: the store's epoch that it is meant for.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub meant_for: Option<Epoch>,
}

/// The moment at which a snapshot was taken: where the sender's own stream stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The sender's epoch.
    pub own: Epoch,
    /// The end of its stream in that epoch.
    #[serde(flatten)]
    pub at: PerQueue<Watermark>,
    /// The receiver's epoch, as the sender knows it.
    pub peer: Option<Epoch>,
    /// The sender is in recovery itself.
    #[serde(default)]
    pub recovering: bool,
    /// Names this snapshot.
    pub key: EventId,
}

/// `sync/snapshot/{request}/{n}`: one piece of both authors' logs.
#[derive(Clone, Serialize, Deserialize)]
pub struct SnapshotChunk {
    /// Who sends it; both sides use one topic.
    pub from: Side,
    /// The request that it answers; none when it was not asked for.
    #[serde(default)]
    pub request: Option<EventId>,
    /// Where it was taken; the same in all chunks of one snapshot.
    pub cut: Cut,
    /// This chunk's number, from 0.
    pub n: u32,
    /// True in the last one.
    pub last: bool,
    /// SHA-256 over the exact bytes of `events`, hexadecimal.
    pub hash: String,
    /// Signature over the exact bytes of `events`, base64; made and checked by the shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
    /// `[{"by":"hq|store","event":{…}},…]`, sorted by aggregate, author and `n`.
    pub events: Box<RawValue>,
}

impl SnapshotChunk {
    /// True when the hash is that of the events.
    pub fn hash_fits(&self) -> bool {
        self.hash == hash(self.events.get().as_bytes())
    }
}

impl fmt::Debug for SnapshotChunk {
    /// Leaves out the events: they may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, request, cut, n, last, .. } = self;
        write!(f, "snapshot from {from:?} for {request:?} {cut:?} n {n} last {last} {} bytes", self.events.get().len())
    }
}

/// SHA-256 (FIPS 180-4) as hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().fold(String::new(), |mut out, b| {
        write!(out, "{b:02x}").expect("text grows");
        out
    })
}

/// `v1/{chain}/hq/state`, retained: HQ is there. Published by HQ's shell, once for all stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// False when HQ stops.
    pub online: bool,
    /// HQ's wall time, RFC 3339.
    pub at: String,
    /// HQ's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<EventId>,
}

/// Any message of the protocol, as it came or as it goes out.
#[derive(Clone, Debug)]
pub enum Message {
    /// `up/events` or `down/events`.
    Events(EventsBatch),
    /// `up/ack` or `down/ack`.
    Ack(Ack),
    /// `state`.
    Birth(Birth),
    /// `sync/request`.
    Request(SnapshotRequest),
    /// `sync/snapshot/{request}/{n}`.
    Snapshot(SnapshotChunk),
    /// `v1/{chain}/hq/state`.
    Heartbeat(Heartbeat),
}

impl Message {
    /// Reads the payload of a topic.
    ///
    /// # Errors
    /// When the payload is too large, broken, or the topic is none of this protocol's (`config/…`).
    pub fn parse(topic: &Topic, payload: &[u8]) -> Result<Self, ParseError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(ParseError { what: "payload", problem: format!("{} bytes are too many", payload.len()) });
        }
        Ok(match topic {
            Topic::Events(_) => Self::Events(parse_json("events batch", payload)?),
            Topic::Ack(_) => Self::Ack(parse_json("ack", payload)?),
            Topic::State => Self::Birth(parse_json("state", payload)?),
            Topic::Request => Self::Request(parse_json("snapshot request", payload)?),
            Topic::Snapshot { .. } => Self::Snapshot(parse_json("snapshot chunk", payload)?),
            Topic::HqState => Self::Heartbeat(parse_json("heartbeat", payload)?),
            Topic::ConfigDesired | Topic::ConfigReported => {
                return Err(ParseError { what: "topic", problem: "configuration is not the core's".into() });
            }
        })
    }

    /// Where it is published by `sender`.
    pub const fn topic(&self, sender: Side) -> Topic {
        match self {
            Self::Events(_) => Topic::Events(sender),
            Self::Ack(_) => Topic::Ack(sender),
            Self::Birth(_) => Topic::State,
            Self::Request(_) => Topic::Request,
            Self::Snapshot(c) => {
                Topic::Snapshot { request: if let Some(r) = c.request { r } else { c.cut.key }, n: c.n }
            }
            Self::Heartbeat(_) => Topic::HqState,
        }
    }

    /// Whether the broker must keep it.
    pub const fn retained(&self) -> bool {
        matches!(self, Self::Birth(_) | Self::Heartbeat(_))
    }

    /// Writes the payload.
    pub fn encode(&self) -> Vec<u8> {
        let written = match self {
            Self::Events(m) => serde_json::to_vec(m),
            Self::Ack(m) => serde_json::to_vec(m),
            Self::Birth(m) => serde_json::to_vec(m),
            Self::Request(m) => serde_json::to_vec(m),
            Self::Snapshot(m) => serde_json::to_vec(m),
            Self::Heartbeat(m) => serde_json::to_vec(m),
        };
        written.expect("messages have text keys only")
    }
}
