//! Facts: what either author wrote down. Two authors, two logs per aggregate; [`HqFact`] and [`StoreFact`] are the
//! two logs of a reservation. A fact is never changed or deleted; an undo is a new fact.
//!
//! These are domain types. Their wire forms stand in `store_sync::contract`, which converts by hand.

mod facts;
mod other;

pub use facts::*;
pub use other::*;

use sans_io::Wall;

use crate::ids::EventId;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Its id: a staff id, a device's name, HQ's user.
    pub id: String,
}

impl Actor {
    /// A member of staff.
    pub fn staff(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Staff, id: id.into() }
    }

    /// The store's own machinery (reconcilers, deadlines).
    pub fn system() -> Self {
        Self { kind: ActorKind::System, id: "store".to_owned() }
    }

    /// HQ, by user or API key.
    pub fn hq(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Hq, id: id.into() }
    }

    /// The customer, by the reservation's person; the id is a `person_ref`, never a number.
    pub fn customer(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Customer, id: id.into() }
    }
}

/// Kinds of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// HQ: a user, an API key, a job.
    Hq,
    /// Staff at the store.
    Staff,
    /// The customer, by SMS, call or button.
    Customer,
    /// The store's own machinery.
    System,
    /// A device in the store (counter unit, till).
    Device,
}

impl ActorKind {
    /// All kinds.
    pub const ALL: [ActorKind; 5] = [Self::Hq, Self::Staff, Self::Customer, Self::System, Self::Device];

    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hq => "hq",
            Self::Staff => "staff",
            Self::Customer => "customer",
            Self::System => "system",
            Self::Device => "device",
        }
    }

    /// Reads the wire's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// One fact in an author's log of one aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<F> {
    /// The identity of the fact.
    pub id: EventId,
    /// The author's own gapless counter for this aggregate, from 1. Not the identity: a recovery renumbers.
    pub n: u64,
    /// The highest `n` of the other author that this author had applied when it wrote this.
    pub seen: u64,
    /// When, and how good the clock was.
    pub at: Wall,
    /// Who.
    pub actor: Actor,
    /// The fact that made this one necessary: a wish for its answer.
    pub cause: Option<EventId>,
    /// What.
    pub body: F,
}
