//! The contract: what stands in the bodies of events, as types of the wire, their JSON Schemas, and the way between
//! them and the domain's facts.
//!
//! Wire types are not domain types. They take unknown fields and ignore them; [`EventBody::fact`] checks what they say
//! and names the field that is wrong. Documents generated from here stand in `store-gateway/sync/contract`.

pub mod body;
mod documents;
mod frames;
mod from_model;
mod to_model;
mod types;
mod word;

pub use documents::{asyncapi, schemas};
pub use to_model::{entry, fact};
pub use types::{EventBody, EventType, Parsed, TYPES, Way};
pub use word::{Time, Word};

use shop_model::event::{CaseFact, HqFact, MessageFact, PersonFact, Received, StoreFact};

/// A body that says something that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct BodyError {
    /// The field, as a path from the body's root: `lines[1].quantity`. `.` is the body itself.
    pub path: String,
    /// What is wrong with it. Holds no personal data.
    pub problem: String,
}

impl BodyError {
    fn new(path: impl Into<String>, problem: impl ToString) -> Self {
        Self { path: path.into(), problem: problem.to_string() }
    }
}

/// What a body means to the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `reservation.*` from HQ.
    Hq(HqFact),
    /// `reservation.*` from the store.
    Store(StoreFact),
    /// `person.*`.
    Person(PersonFact),
    /// `case.*`.
    Case(CaseFact),
    /// `message.*` but `message.received`.
    Message(MessageFact),
    /// `message.received`.
    Received(Received),
    /// A type whose wire form is all there is to it: commands, calls, staff, alerts, sync.
    Plain,
}
