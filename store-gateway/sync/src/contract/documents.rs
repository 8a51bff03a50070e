//! The documents generated from the types: JSON Schemas and the AsyncAPI document.

use std::fmt::Write as _;

use super::frames;
use super::types::{EventBody, TYPES, Way};

/// Every schema as (file name without `.json`, text).
pub fn schemas() -> Vec<(String, String)> {
    let frames = frames::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema));
    let events = TYPES.iter().filter_map(|t| {
        let body = EventBody::schema(t.name)?;
        Some((t.name.to_owned(), frames::event_schema(t.name, t.aggregate, body)))
    });
    frames.chain(events).map(|(name, schema)| (name, pretty(&schema))).collect()
}

fn pretty(schema: &schemars::Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A channel: id, address below `v1/{chain}/{store}/`, what it is, and its message.
struct Channel {
    id: &'static str,
    address: &'static str,
    about: &'static str,
    message: &'static str,
    /// Which events its batches hold.
    events: Option<Way>,
    retained: bool,
}

const CHANNELS: &[Channel] = &[
    Channel {
        id: "upEvents",
        address: "v1/{chain}/{store}/up/events",
        about: "Batches of the store's events, sent again from the lowest unacknowledged one",
        message: "events-batch",
        events: Some(Way::Up),
        retained: false,
    },
    Channel {
        id: "downEvents",
        address: "v1/{chain}/{store}/down/events",
        about: "Batches of HQ's events",
        message: "events-batch",
        events: Some(Way::Down),
        retained: false,
    },
    Channel {
        id: "upAck",
        address: "v1/{chain}/{store}/up/ack",
        about: "The store committed HQ's events up to here",
        message: "ack",
        events: None,
        retained: false,
    },
    Channel {
        id: "downAck",
        address: "v1/{chain}/{store}/down/ack",
        about: "HQ committed the store's events up to here; also answers every birth",
        message: "ack",
        events: None,
        retained: false,
    },
    Channel {
        id: "state",
        address: "v1/{chain}/{store}/state",
        about: "Birth, farewell and last will of the store",
        message: "state",
        events: None,
        retained: true,
    },
    Channel {
        id: "configDesired",
        address: "v1/{chain}/{store}/config/desired",
        about: "The configuration that HQ wants",
        message: "config-desired",
        events: None,
        retained: true,
    },
    Channel {
        id: "configReported",
        address: "v1/{chain}/{store}/config/reported",
        about: "The configuration that is in force, or why not the desired one",
        message: "config-reported",
        events: None,
        retained: true,
    },
    Channel {
        id: "syncRequest",
        address: "v1/{chain}/{store}/sync/request",
        about: "A side in recovery asks for a snapshot",
        message: "sync-request",
        events: None,
        retained: false,
    },
    Channel {
        id: "syncSnapshot",
        address: "v1/{chain}/{store}/sync/snapshot/{request}/{n}",
        about: "A chunk of both authors' logs",
        message: "sync-snapshot",
        events: None,
        retained: false,
    },
    Channel {
        id: "hqState",
        address: "v1/{chain}/hq/state",
        about: "HQ's heartbeat and last will",
        message: "hq-state",
        events: None,
        retained: true,
    },
];

/// The AsyncAPI 3.0 document as YAML.
pub fn asyncapi() -> String {
    let mut out = String::from(HEAD);
    out.push_str("channels:\n");
    for c in CHANNELS {
        channel(&mut out, c);
    }
    out.push_str("components:\n  messages:\n");
    for name in frame_messages() {
        message(&mut out, name, "", name);
    }
    for t in TYPES {
        let about = format!("class {:?}, aggregate {}", t.class, t.aggregate);
        message(&mut out, t.name, &about, t.name);
    }
    out
}

const HEAD: &str = "\
# Generated from the types of store-sync; `UPDATE_CONTRACT=1 cargo test -p store-sync --test contract` writes it anew.
asyncapi: 3.0.0
info:
  title: Store gateway and HQ
  version: 1.0.0
  description: >-
    MQTT 3.1.1, QoS 1, clean sessions. Events travel in batches; each event is a message of its own type.
    Unknown fields are ignored and kept; unknown event types are kept raw and acknowledged.
defaultContentType: application/json
";

fn frame_messages() -> Vec<&'static str> {
    let mut names: Vec<_> = CHANNELS.iter().map(|c| c.message).collect();
    names.sort_unstable();
    names.dedup();
    names
}

// Writing to a String cannot fail.
fn channel(out: &mut String, c: &Channel) {
    _ = writeln!(out, "  {}:\n    address: {}\n    description: {}", c.id, c.address, c.about);
    let parameters: Vec<_> = c.address.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
    _ = writeln!(out, "    parameters:");
    for p in parameters {
        _ = writeln!(out, "      {p}: {{}}");
    }
    _ = writeln!(out, "    x-retained: {}", c.retained);
    _ = writeln!(out, "    messages:");
    let events = TYPES.iter().filter(|t| c.events.is_some_and(|way| t.way.goes(way))).map(|t| t.name);
    for name in std::iter::once(c.message).chain(events) {
        _ = writeln!(out, "      {name}:\n        $ref: '#/components/messages/{name}'");
    }
}

fn message(out: &mut String, name: &str, about: &str, schema: &str) {
    _ = writeln!(out, "    {name}:\n      name: {name}");
    if !about.is_empty() {
        _ = writeln!(out, "      summary: {about}");
    }
    _ = writeln!(out, "      payload:\n        $ref: schemas/{schema}.json");
}
