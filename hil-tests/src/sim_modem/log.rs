//! The record of what happened: numbered events that control connections read and follow.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// Events kept for late readers: at three a message, 30 000 messages. The oldest are dropped beyond it and counted.
const EVENTS_KEPT: usize = 100_000;
/// Octets after which traffic of one way begins a new note.
const TRACE_TEXT: usize = 512;
/// Notes of serial traffic kept for `trace`.
const TRACE_KEPT: usize = 4_000;

/// Octets that went one way without any the other way in between.
#[derive(Debug)]
struct Traffic {
    at_ms: u64,
    way: &'static str,
    text: String,
}

/// Numbered events and the last serial traffic.
#[derive(Debug, Default)]
pub struct Log {
    events: VecDeque<(u64, Value)>,
    next: u64,
    trace: VecDeque<Traffic>,
}

impl Log {
    /// Adds an event; numbers start at 1 and have no gaps.
    pub fn event(&mut self, at: Duration, kind: &str, fields: Value) {
        self.next += 1;
        let mut event = Map::new();
        event.insert("event".into(), json!(kind));
        event.insert("n".into(), json!(self.next));
        event.insert("at_ms".into(), json!(millis(at)));
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        self.events.push_back((self.next, Value::Object(event)));
        if self.events.len() > EVENTS_KEPT {
            self.events.pop_front();
        }
    }

    /// Returns the events after number `after`.
    pub fn after(&self, after: u64) -> impl Iterator<Item = &Value> {
        let first = self.events.partition_point(|(n, _)| *n <= after);
        self.events.range(first..).map(|(_, event)| event)
    }

    /// Returns the last event's number, 0 when there is none.
    pub fn last(&self) -> u64 {
        self.next
    }

    /// Notes serial traffic: `way` is `in` or `out`.
    pub fn trace(&mut self, at: Duration, way: &'static str, octets: &[u8]) {
        let text = octets.iter().map(|octet| char::from(*octet));
        match self.trace.back_mut() {
            Some(last) if last.way == way && last.text.len() < TRACE_TEXT => last.text.extend(text),
            _ => self.trace.push_back(Traffic { at_ms: millis(at), way, text: text.collect() }),
        }
        if self.trace.len() > TRACE_KEPT {
            self.trace.pop_front();
        }
    }

    /// Returns the last `limit` notes of serial traffic, oldest first.
    pub fn last_traces(&self, limit: usize) -> Vec<Value> {
        let last = self.trace.range(self.trace.len().saturating_sub(limit)..);
        last.map(|traffic| json!({"at_ms": traffic.at_ms, "way": traffic.way, "text": traffic.text})).collect()
    }
}

/// Whole milliseconds for JSON.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
