//! What goes round the events, as schemas: batches, acknowledgements, births, snapshots, configuration. The types that
//! read and write them are [`crate::wire`]'s; a test holds both against each other.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop_model::event::ActorKind;
use shop_model::language::Language;
use shop_model::template::{Class as TextClass, TemplateKey};
use uuid::Uuid;

use super::word::{Time, Word};

/// Declares types that only describe.
macro_rules! frames {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $($(#[$doc])* #[derive(Serialize, Deserialize, JsonSchema)] struct $name { $($(#[$fdoc])* $field: $ty),* })+
    };
}

frames! {
    /// The aggregate that an event is about, and where it stands in its author's log.
    Aggregate {
        /// `reservation`, `message` …
        kind: String,
        /// Its id.
        id: String,
        /// The author's own gapless counter for this aggregate, from 1; 0 in events that are in no log.
        n: u64,
        /// The highest `n` of the other side that the author had applied.
        seen: u64,
    }
    /// When something happened, by the author's clock.
    At {
        /// RFC 3339 in UTC with milliseconds.
        wall: Time,
        /// How far to trust the clock.
        #[schemars(regex(pattern = "^(unset|saved|rtc|gsm|ntp|hq)$"))]
        quality: String,
    }
    /// Who did something.
    Actor {
        /// What kind of actor.
        kind: Word<ActorKind>,
        /// Within its kind.
        id: String,
    }
    /// One event.
    Envelope {
        /// The envelope's schema.
        schema: u32,
        /// The event's identity, UUIDv7.
        id: Uuid,
        /// No gaps per (store, epoch, direction, class), from 1.
        #[schemars(range(min = 1))]
        seq: u64,
        /// What it is about.
        aggregate: Aggregate,
        /// The event that made it necessary.
        #[serde(default)]
        cause: Option<Uuid>,
        /// When.
        at: At,
        /// Who.
        actor: Actor,
        /// Its type. Unknown types are kept raw and acknowledged.
        #[serde(rename = "type")]
        kind: String,
        /// Its body, by type.
        body: BTreeMap<String, Value>,
    }
    /// `up/events`, `down/events`: at most 500 events and 128 KiB.
    EventsBatch {
        /// The sender's epoch: `<counter>-<random>-<machine>`.
        epoch: String,
        /// P0, P1 or P2.
        class: Class,
        /// The sender's process.
        #[serde(default)]
        boot: Option<Uuid>,
        /// The id before the first event.
        #[serde(default)]
        after: Option<Uuid>,
        /// The other id that may stand there.
        #[serde(default)]
        after_also: Option<Uuid>,
        /// Downward: the store's epoch that it is meant for.
        #[serde(default, rename = "for")]
        meant_for: Option<String>,
        /// Ed25519 over the exact bytes of `events`, base64.
        #[serde(default)]
        sig: Option<String>,
        /// The events.
        #[schemars(length(max = 500))]
        events: Vec<Envelope>,
    }
    /// `up/ack`, `down/ack`.
    Ack {
        /// Whose events are acknowledged: up HQ's epoch, down the store's.
        epoch: Option<String>,
        /// Which class.
        class: Class,
        /// The last sequence number taken; 0 for none.
        seq: u64,
        /// The id that stands there.
        id: Option<Uuid>,
        /// How many events were set aside so far.
        #[serde(default)]
        set_aside: u64,
        /// Down: the session of the birth that it answers.
        #[serde(default)]
        session: Option<Uuid>,
        /// The sender's process.
        #[serde(default)]
        boot: Option<Uuid>,
        /// Down: the store's epoch that HQ holds open.
        #[serde(default)]
        open: Option<String>,
        /// Up: the box's own epoch.
        #[serde(default)]
        own: Option<String>,
    }
    /// A place in a stream.
    Watermark {
        /// 0 for none.
        seq: u64,
        /// The event that stands there.
        id: Option<Uuid>,
    }
    /// The ends of a sender's committed streams.
    Sent {
        /// P0.
        #[serde(rename = "P0")]
        p0: Watermark,
        /// P1.
        #[serde(rename = "P1")]
        p1: Watermark,
    }
    /// How far a store follows HQ.
    Seen {
        /// HQ's epoch.
        epoch: Option<String>,
        /// P0.
        #[serde(rename = "P0")]
        p0: Watermark,
        /// P1.
        #[serde(rename = "P1")]
        p1: Watermark,
    }
    /// `state`: a birth when online, else a farewell or the last will.
    State {
        /// False in a will or farewell.
        online: bool,
        /// The store's process.
        #[serde(default)]
        boot: Option<Uuid>,
        /// This handshake.
        session: Uuid,
        /// The session that the will of this connection names.
        #[serde(default)]
        connection: Option<Uuid>,
        /// The gateway's version.
        #[serde(default)]
        version: Option<String>,
        /// The store's epoch.
        epoch: String,
        /// Whether the store waits for a snapshot.
        #[serde(default)]
        recovery: bool,
        /// The ends of its streams.
        #[serde(default)]
        sent: Option<Sent>,
        /// How far it follows HQ.
        #[serde(default)]
        seen: Option<Seen>,
        /// Its clock.
        #[serde(default)]
        clock: Option<Value>,
        /// The version of its configuration.
        #[serde(default)]
        config: Option<Value>,
        /// How much waits.
        #[serde(default)]
        queues: Option<Value>,
        /// What the store is called on screens.
        #[serde(default)]
        name: Option<String>,
        /// Open orders past their promised time that nobody has picked.
        #[serde(default)]
        at_risk: Option<u64>,
        /// Days that the outbox lasts without HQ at a busy store's pace.
        #[serde(default)]
        offline_days_left: Option<u64>,
        /// What the store knows of its modem.
        #[serde(default)]
        modem: Option<Value>,
    }
    /// `sync/request`.
    SnapshotRequest {
        /// hq or store.
        from: Side,
        /// The asker's new epoch.
        epoch: String,
        /// Names the request.
        request: Uuid,
        /// Downward: the store's epoch that it is meant for.
        #[serde(default, rename = "for")]
        meant_for: Option<String>,
    }
    /// Where a snapshot was taken.
    Cut {
        /// The sender's epoch.
        own: String,
        /// P0.
        #[serde(rename = "P0")]
        p0: Watermark,
        /// P1.
        #[serde(rename = "P1")]
        p1: Watermark,
        /// The receiver's epoch, as the sender knows it.
        peer: Option<String>,
        /// Whether the sender is in recovery itself.
        #[serde(default)]
        recovering: bool,
        /// Names this snapshot.
        key: Uuid,
    }
    /// An event of a snapshot with its author.
    SnapshotEvent {
        /// hq or store.
        by: Side,
        /// The event.
        event: BTreeMap<String, Value>,
    }
    /// `sync/snapshot/{request}/{n}`.
    SnapshotChunk {
        /// hq or store.
        from: Side,
        /// The request that it answers.
        #[serde(default)]
        request: Option<Uuid>,
        /// Where it was taken.
        cut: Cut,
        /// This chunk's number, from 0.
        n: u32,
        /// True in the last one.
        last: bool,
        /// SHA-256 over the exact bytes of `events`, hexadecimal.
        #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
        hash: String,
        /// Ed25519 over the exact bytes of `events`, base64.
        #[serde(default)]
        sig: Option<String>,
        /// Both authors' events.
        events: Vec<SnapshotEvent>,
    }
    /// `v1/{chain}/hq/state`, at least every 10 s.
    Heartbeat {
        /// False when HQ stops.
        online: bool,
        /// HQ's wall time.
        at: Time,
        /// HQ's process.
        #[serde(default)]
        boot: Option<Uuid>,
    }
    /// `config/desired`.
    ConfigDesired {
        /// HQ's number of the bundle.
        version: u64,
        /// The bundle as JSON text, so that the signature is over exact bytes; see `bundle.json`.
        bundle: String,
        /// Ed25519 over the bytes of `bundle`, base64.
        #[serde(default)]
        sig: Option<String>,
    }
    /// `config/reported`.
    ConfigReported {
        /// The version in force.
        version: u64,
        /// Why the last one was not applied.
        #[serde(default)]
        refused: Option<String>,
        /// When.
        #[serde(default)]
        at: Option<String>,
    }
    /// An open stretch of a day.
    Interval {
        /// HH:MM.
        #[schemars(regex(pattern = "^[0-9]{1,2}:[0-9]{2}$"))]
        open: String,
        /// HH:MM, up to 24:00.
        #[schemars(regex(pattern = "^[0-9]{1,2}:[0-9]{2}$"))]
        close: String,
    }
    /// When a store is open.
    Hours {
        /// IANA time zone.
        #[serde(default)]
        zone: String,
        /// By `mon` to `sun`.
        #[serde(default)]
        week: BTreeMap<String, Vec<Interval>>,
        /// Dates that differ; an empty list is a closed day.
        #[serde(default)]
        exceptions: BTreeMap<String, Vec<Interval>>,
        /// Dates of trading Sundays.
        #[serde(default)]
        trading_sundays: Vec<String>,
        /// Their hours.
        #[serde(default)]
        trading_sunday_hours: Vec<Interval>,
    }
    /// How goods are held.
    Holds {
        /// Hours from READY to the day on whose closing time the hold ends.
        #[serde(default)]
        hold_hours: u32,
        /// Hours that an extension adds.
        #[serde(default)]
        extend_hours: u32,
        /// Times that a customer may extend.
        #[serde(default)]
        customer_extensions: u32,
        /// No reminder before, HH:MM.
        #[serde(default)]
        remind_from: String,
        /// No reminder after, HH:MM.
        #[serde(default)]
        remind_to: String,
        /// Minutes after READY without a reminder.
        #[serde(default)]
        remind_after_ready_min: u32,
        /// Minutes before the end without a reminder.
        #[serde(default)]
        remind_before_end_min: u32,
        /// Open minutes to accept an order.
        #[serde(default)]
        accept_open_min: u32,
        /// Open minutes to pick an order.
        #[serde(default)]
        pick_open_min: u32,
    }
    /// A text to customers.
    Template {
        /// Which text.
        key: Word<TemplateKey>,
        /// Its language.
        language: Word<Language>,
        /// What the law makes of it.
        #[serde(default)]
        class: Option<Word<TextClass>>,
        /// The text with variables in braces.
        text: String,
        /// Whether it is folded to GSM-7.
        #[serde(default)]
        fold: bool,
        /// SMS parts that it may have.
        #[serde(default)]
        most_parts: u32,
    }
    /// The configuration of a store.
    Bundle {
        /// HQ's number of it.
        version: u64,
        /// Opening hours.
        #[serde(default)]
        hours: Option<Hours>,
        /// Hold rules.
        #[serde(default)]
        holds: Option<Holds>,
        /// Texts; built-in ones stand in for those left out.
        #[serde(default)]
        templates: Vec<Template>,
        /// Switches by name.
        #[serde(default)]
        features: BTreeMap<String, bool>,
    }
}

/// The class of a batch.
#[derive(Serialize, Deserialize, JsonSchema)]
enum Class {
    /// Reservations and money.
    P0,
    /// Messages and the rest.
    P1,
    /// Telemetry.
    P2,
}

/// An end of the wire.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// HQ.
    Hq,
    /// The store.
    Store,
}

/// The schemas of everything but event types, by file name.
pub(super) fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("envelope", schema_for!(Envelope)),
        ("events-batch", schema_for!(EventsBatch)),
        ("ack", schema_for!(Ack)),
        ("state", schema_for!(State)),
        ("sync-request", schema_for!(SnapshotRequest)),
        ("sync-snapshot", schema_for!(SnapshotChunk)),
        ("hq-state", schema_for!(Heartbeat)),
        ("config-desired", schema_for!(ConfigDesired)),
        ("config-reported", schema_for!(ConfigReported)),
        ("bundle", schema_for!(Bundle)),
    ]
}

/// The schema of a whole event of one type: the envelope, with the type's name and body.
pub(super) fn event_schema(name: &str, aggregate: &str, body: Schema) -> Schema {
    let mut body = body.to_value();
    let defs = body.as_object_mut().and_then(|b| {
        b.remove("$schema");
        b.remove("$defs")
    });
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "$ref": "envelope.json",
        "properties": {
            "type": { "const": name },
            "aggregate": { "properties": { "kind": { "const": aggregate } } },
            "body": body,
        },
    });
    if let Some(defs) = defs {
        schema.insert("$defs".to_owned(), defs);
    }
    schema
}
