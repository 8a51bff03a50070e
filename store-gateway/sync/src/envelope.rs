//! The event envelope. The core reads its header and keeps the text as it came, so that fields it does not know live on.

use std::fmt;

use sans_io::{ClockQuality, Wall};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ident::{AggregateKey, EventId};

/// The schema number that this release writes.
pub const SCHEMA: u32 = 1;

/// Text that is not what it should be. Names the place, never the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {problem}")]
pub struct ParseError {
    /// What was being read.
    pub what: &'static str,
    /// Where in it and why.
    pub problem: String,
}

/// Reads JSON and names the path, line and column of a mistake.
pub(crate) fn parse_json<'a, T: Deserialize<'a>>(what: &'static str, text: &'a [u8]) -> Result<T, ParseError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let path = e.path().to_string();
        ParseError { what, problem: format!("at `{path}`, {}", place_of(e.inner())) }
    })?;
    reader.end().map_err(|e| ParseError { what, problem: format!("after its end, {}", place_of(&e)) })?;
    Ok(value)
}

/// serde's own messages quote the input, which may hold personal data; the kind of mistake and its place do not.
fn place_of(e: &serde_json::Error) -> String {
    let kind = match e.classify() {
        serde_json::error::Category::Io => "not readable",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "a missing field or another type than expected",
        serde_json::error::Category::Eof => "cut short",
    };
    format!("line {} column {}: {kind}", e.line(), e.column())
}

/// The aggregate that an event is about, and where it stands in its author's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// `reservation`, `message`, …
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The author's own gapless counter for this aggregate, from 1; 0 in events that are in no log (`sync.skipped`).
    pub n: u64,
    /// The highest `n` of the other side that the author had applied.
    #[serde(default)]
    pub seen: u64,
}

impl Aggregate {
    /// The aggregate's name.
    pub fn key(&self) -> AggregateKey {
        AggregateKey::new(&*self.kind, &*self.id)
    }
}

/// Who did it: `{"kind":"staff","id":"anna"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `staff`, `system`, `customer`, `hq`, …
    pub kind: String,
    /// Within its kind.
    #[serde(default)]
    pub id: String,
}

/// What must be readable for an event to be ordered, acknowledged or set aside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// The envelope's schema.
    #[serde(default = "first_schema")]
    pub schema: u32,
    /// The event's identity.
    pub id: EventId,
    /// Its place in the sender's stream. 0 while the author is in recovery: not numbered yet.
    pub seq: u64,
    /// What it is about.
    pub aggregate: Aggregate,
    /// The event's type.
    #[serde(rename = "type", default)]
    pub kind: String,
}

impl Header {
    /// Reads the header alone.
    ///
    /// # Errors
    /// When one of its fields is missing or of another type.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse_json("event header", text.as_bytes())
    }
}

/// One event as INTERFACES has it, with the text that it came from.
#[derive(Clone)]
pub struct Envelope {
    /// The envelope's schema; [`SCHEMA`] when written by this release.
    pub schema: u32,
    /// The event's identity.
    pub id: EventId,
    /// Its place in the sender's stream; 0 while not numbered yet.
    pub seq: u64,
    /// What it is about.
    pub aggregate: Aggregate,
    /// The event that caused it.
    pub cause: Option<EventId>,
    /// When it happened, by the author's clock.
    pub at: Wall,
    /// Who did it.
    pub actor: Actor,
    /// Its type, such as `reservation.ready`.
    pub kind: String,
    /// Its body as JSON text; may hold personal data.
    pub body: Box<RawValue>,
    text: String,
}

#[derive(Deserialize)]
struct At {
    wall: jiff::Timestamp,
    #[serde(default)]
    quality: String,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default = "first_schema")]
    schema: u32,
    id: EventId,
    seq: u64,
    aggregate: Aggregate,
    #[serde(default)]
    cause: Option<EventId>,
    at: At,
    #[serde(default)]
    actor: Actor,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "empty_body")]
    body: Box<RawValue>,
}

const fn first_schema() -> u32 {
    SCHEMA
}

fn empty_body() -> Box<RawValue> {
    RawValue::from_string("{}".into()).expect("an empty object is JSON")
}

impl Envelope {
    /// Reads an event and keeps its text.
    ///
    /// # Errors
    /// When it is not JSON or a field is missing or of another type; the error names the place.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let f: Fields = parse_json("event", text.as_bytes())?;
        let quality = ClockQuality::parse(&f.at.quality).unwrap_or_default();
        Ok(Self {
            schema: f.schema,
            id: f.id,
            seq: f.seq,
            aggregate: f.aggregate,
            cause: f.cause,
            at: Wall { unix_ms: f.at.wall.as_millisecond(), quality },
            actor: f.actor,
            kind: f.kind,
            body: f.body,
            text: text.to_owned(),
        })
    }

    /// The event's JSON text as it came or goes, unknown fields included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Gives up all but the text.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Debug for Envelope {
    /// Leaves out body and text: they may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aggregate { kind, id, n, seen } = &self.aggregate;
        write!(f, "{} {} seq {} on {kind}/{id} n {n} seen {seen}", self.kind, self.id, self.seq)
    }
}

/// An event that the shell wants written; the core adds identity, numbers and time.
#[derive(Clone)]
pub struct NewEvent {
    /// What it is about.
    pub key: AggregateKey,
    /// Its type, such as `reservation.ready`.
    pub kind: String,
    /// The event that caused it.
    pub cause: Option<EventId>,
    /// Who did it.
    pub actor: Actor,
    /// Its body as JSON.
    pub body: Box<RawValue>,
}

impl NewEvent {
    /// Makes an event from anything that serde can write.
    ///
    /// # Errors
    /// When the body cannot be written as JSON (a map with keys that are no text, for example).
    pub fn new(
        key: AggregateKey,
        kind: impl Into<String>,
        actor: Actor,
        body: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let body = serde_json::value::to_raw_value(body)?;
        Ok(Self { key, kind: kind.into(), cause: None, actor, body })
    }

    /// Names the event that caused this one.
    #[must_use]
    pub const fn caused_by(mut self, cause: EventId) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Writes the envelope.
    pub(crate) fn seal(self, id: EventId, seq: u64, n: u64, seen: u64, at: Wall) -> Envelope {
        let aggregate = Aggregate { kind: self.key.kind, id: self.key.id, n, seen };
        let out = Sealed {
            schema: SCHEMA,
            id,
            seq,
            aggregate: &aggregate,
            cause: self.cause,
            at: SealedAt { wall: rfc3339(at.unix_ms), quality: at.quality.as_str() },
            actor: &self.actor,
            kind: &self.kind,
            body: &self.body,
        };
        let text = serde_json::to_string(&out).expect("an envelope is text, numbers and a body that is JSON already");
        Envelope {
            schema: SCHEMA,
            id,
            seq,
            aggregate,
            cause: self.cause,
            at,
            actor: self.actor,
            kind: self.kind,
            body: self.body,
            text,
        }
    }
}

impl fmt::Debug for NewEvent {
    /// Leaves out the body: it may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}/{}", self.kind, self.key.kind, self.key.id)
    }
}

#[derive(Serialize)]
struct SealedAt {
    wall: String,
    quality: &'static str,
}

#[derive(Serialize)]
struct Sealed<'a> {
    schema: u32,
    id: EventId,
    seq: u64,
    aggregate: &'a Aggregate,
    cause: Option<EventId>,
    at: SealedAt,
    actor: &'a Actor,
    #[serde(rename = "type")]
    kind: &'a str,
    body: &'a RawValue,
}

/// RFC 3339, UTC, milliseconds; a time beyond jiff's range (year 9999) becomes the epoch.
pub(crate) fn rfc3339(unix_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// The members of an object in their order, each value as the text it was.
pub(crate) struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> serde::de::Visitor<'de> for Visit<'a> {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Visit(std::marker::PhantomData))
    }
}

/// Writes an object again with some members' values replaced (or added at the end); all others keep their text.
fn with_members(text: &str, changes: &[(&str, &str)]) -> Result<String, ParseError> {
    let members: Members<'_> = parse_json("event", text.as_bytes())?;
    let mut out = String::with_capacity(text.len() + 24);
    let kept = members.0.iter().map(|(name, value)| {
        let new = changes.iter().find(|(n, _)| n == name);
        (name.as_str(), new.map_or(value.get(), |(_, v)| *v))
    });
    let added = changes.iter().filter(|(n, _)| members.0.iter().all(|(name, _)| name != n)).copied();
    for (name, value) in kept.chain(added) {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&serde_json::to_string(name).expect("text is JSON"));
        out.push(':');
        out.push_str(value);
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    Ok(out)
}

/// The same event with other numbers, as after a restore; unknown fields keep their text.
pub(crate) fn renumber(text: &str, seq: u64, n: u64) -> Result<String, ParseError> {
    let members: Members<'_> = parse_json("event", text.as_bytes())?;
    let aggregate = members.0.iter().find(|(name, _)| name == "aggregate").map_or("{}", |(_, v)| v.get());
    let aggregate = with_members(aggregate, &[("n", &n.to_string())])?;
    with_members(text, &[("seq", &seq.to_string()), ("aggregate", &aggregate)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"schema":1,"id":"01890000-0000-7000-8000-000000000001","seq":7,"future":{"x":1.10},
        "aggregate":{"kind":"reservation","id":"r-1","n":3,"seen":2,"colour":"red"},"cause":null,
        "at":{"wall":"2026-05-21T12:07:03.250Z","quality":"ntp"},"actor":{"kind":"staff","id":"anna"},
        "type":"reservation.ready","body":{"bags":[1e2],"big":12345678901234567890123}}"#;

    #[test]
    fn reads_the_form_of_the_contract() {
        let e = Envelope::parse(EVENT).unwrap();
        assert_eq!((e.seq, e.aggregate.n, e.aggregate.seen, e.kind.as_str()), (7, 3, 2, "reservation.ready"));
        // 2026-05-21T12:07:03.250Z, by `date -u -d 2026-05-21T12:07:03Z +%s`.
        assert_eq!(e.at, Wall { unix_ms: 1_779_365_223_250, quality: ClockQuality::Ntp });
        assert_eq!(e.text(), EVENT);
        assert!(!format!("{e:?}").contains("bags"));
    }

    #[test]
    fn renumbering_keeps_what_it_does_not_know() {
        let text = renumber(EVENT, 41, 9).unwrap();
        let e = Envelope::parse(&text).unwrap();
        assert_eq!((e.seq, e.aggregate.n, e.aggregate.seen), (41, 9, 2));
        for kept in [r#""future":{"x":1.10}"#, r#""colour":"red""#, "12345678901234567890123", "[1e2]"] {
            assert!(text.contains(kept), "{kept} is lost: {text}");
        }
    }

    #[test]
    fn a_mistake_names_its_place_and_not_the_content() {
        let broken = EVENT.replace("\"n\":3", "\"n\":\"Kowalska\"");
        let e = Envelope::parse(&broken).unwrap_err().to_string();
        assert!(e.contains("aggregate.n") && e.contains("line 2"), "{e}");
        assert!(!e.contains("Kowalska"), "{e}");
        let cut = Envelope::parse(&EVENT[..EVENT.len() - 4]).unwrap_err().to_string();
        assert!(cut.contains("line 4") && cut.contains("cut short"), "{cut}");
    }

    #[test]
    fn writes_rfc_3339_with_milliseconds() {
        assert_eq!(rfc3339(1_779_365_223_250), "2026-05-21T12:07:03.250Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    }
}
