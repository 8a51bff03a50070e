//! One text message: its states, folded from `message.*`, and the key that lets each be sent once.

use crate::event::words;
use crate::event::{Entry, MessageFact};
use crate::ids::ReservationId;

words! {
    /// The state of a message.
    MessageState {
        /// Waits for its turn.
        Queued = "queued",
        /// Waits on purpose.
        Held = "held",
        /// Given to the modem; no answer yet.
        Submitting = "submitting",
        /// The network took it.
        Sent = "sent",
        /// The phone has it.
        Delivered = "delivered",
        /// It did not go out, or never arrived.
        Failed = "failed",
        /// Too late.
        Expired = "expired",
        /// Pointless by now.
        Superseded = "superseded",
        /// Nobody can say whether it went out. Never sent again without a decision.
        Unknown = "unknown",
    }
}

impl MessageState {
    /// Whether nothing but a late report can change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Expired | Self::Superseded)
    }
}

words! {
    /// What a message is for.
    Purpose {
        /// The order waits: shelf, code, deadline.
        Ready = "ready",
        /// A day before the hold ends.
        Reminder24 = "reminder_24",
        /// Four hours before the hold ends.
        Reminder4 = "reminder_4",
        /// The hold was extended.
        Extended = "extended",
        /// The order was cancelled or expired.
        Closed = "closed",
        /// An automatic answer to a customer's text.
        Reply = "reply",
        /// A number to be sent back ("Odpisz TAK 42").
        Confirm = "confirm",
        /// Written by staff.
        Staff = "staff",
    }
}

impl Purpose {
    /// Whether it is sent at most once per round of a reservation; the others are answers to something.
    pub const fn once_per_round(self) -> bool {
        matches!(self, Self::Ready | Self::Reminder24 | Self::Reminder4 | Self::Extended | Self::Closed)
    }
}

words! {
    /// What a customer's text was taken to mean.
    Meaning {
        /// JESTEM.
        Here = "here",
        /// STATUS.
        Status = "status",
        /// DLUZEJ.
        Longer = "longer",
        /// REZYGNUJE.
        GiveUp = "give_up",
        /// UPOWAZNIJ.
        Authorise = "authorise",
        /// ODWOLAJ.
        Revoke = "revoke",
        /// 1, 2 or 3.
        Choice = "choice",
        /// POMOC.
        Help = "help",
        /// STOP.
        Stop = "stop",
        /// TAK nn.
        Confirm = "confirm",
        /// Anything else: a person reads it and nothing changes.
        Free = "free",
    }
}

/// What makes a message the same message: one SMS per (reservation, purpose, round).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundKey {
    /// The order.
    pub reservation: ReservationId,
    /// What the message is for.
    pub purpose: Purpose,
    /// [`Reservation::round`](crate::reservation::Reservation::round) when it was queued.
    pub round: u32,
}

/// A message as its log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it stands.
    pub state: MessageState,
    /// SMS parts.
    pub parts: u32,
    /// Which parts the network took, ascending.
    pub sent_parts: Vec<u32>,
    /// Which parts the phone has, ascending.
    pub delivered_parts: Vec<u32>,
    /// Times it was given to the modem: submissions of its first part.
    pub attempts: u32,
    /// The last cause of a failure or of not knowing.
    pub cause: Option<String>,
    /// Its key, when it tells of a reservation.
    pub key: Option<RoundKey>,
}

/// Parts that a message can have (3GPP TS 23.040 §9.2.3.24.1: one octet).
const MOST_PARTS: u32 = 255;

/// Folds a message's log. Total and deterministic: every fact has a meaning in every state.
///
/// What the network or the phone says wins over what we believed: a delivery report makes the message delivered from
/// any state, an acceptance makes it sent from any but delivered. `None` for an empty log.
pub fn fold(log: &[Entry<MessageFact>]) -> Option<Message> {
    log.first()?;
    let mut m = Message {
        state: MessageState::Queued,
        parts: 1,
        sent_parts: Vec::new(),
        delivered_parts: Vec::new(),
        attempts: 0,
        cause: None,
        key: None,
    };
    for entry in log {
        apply(&mut m, &entry.body);
    }
    Some(m)
}

fn apply(m: &mut Message, fact: &MessageFact) {
    use MessageState as S;
    match fact {
        MessageFact::Queued { reservation, purpose, round, parts, .. } => {
            if m.key.is_none() {
                m.parts = (*parts).clamp(1, MOST_PARTS);
                m.key = reservation.map(|reservation| RoundKey { reservation, purpose: *purpose, round: *round });
            }
            if matches!(m.state, S::Queued | S::Held | S::Unknown | S::Failed) {
                m.state = S::Queued;
            }
        }
        MessageFact::Held { .. } => {
            if m.state == S::Queued {
                m.state = S::Held;
            }
        }
        MessageFact::Submitted { part, .. } => {
            if *part == 1 {
                m.attempts += 1;
            }
            if matches!(m.state, S::Queued | S::Held | S::Unknown | S::Failed) {
                m.state = S::Submitting;
            }
        }
        MessageFact::Sent { part, .. } => {
            note(&mut m.sent_parts, *part, m.parts);
            if complete(&m.sent_parts, m.parts) && m.state != S::Delivered {
                m.state = S::Sent;
            }
        }
        MessageFact::Delivered { part, .. } => {
            note(&mut m.delivered_parts, *part, m.parts);
            if complete(&m.delivered_parts, m.parts) {
                m.state = S::Delivered;
            }
        }
        MessageFact::Failed { cause, .. } => {
            if matches!(m.state, S::Queued | S::Held | S::Submitting | S::Sent | S::Unknown) {
                m.state = S::Failed;
                m.cause = Some(cause.clone());
            }
        }
        MessageFact::Unknown { cause, .. } => {
            if matches!(m.state, S::Queued | S::Held | S::Submitting) {
                m.state = S::Unknown;
                m.cause = Some(cause.clone());
            }
        }
        MessageFact::Settled { settled_as, .. } => {
            if m.state == S::Unknown {
                m.state = settled_as.state();
            }
        }
        MessageFact::Expired { .. } => close(m, S::Expired),
        MessageFact::Superseded { .. } => close(m, S::Superseded),
    }
}

fn close(m: &mut Message, end: MessageState) {
    if matches!(m.state, MessageState::Queued | MessageState::Held | MessageState::Failed | MessageState::Unknown) {
        m.state = end;
    }
}

fn note(seen: &mut Vec<u32>, part: Option<u32>, parts: u32) {
    match part {
        None => *seen = (1..=parts).collect(),
        Some(part) if (1..=parts).contains(&part) => {
            if let Err(at) = seen.binary_search(&part) {
                seen.insert(at, part);
            }
        }
        Some(_) => {}
    }
}

fn complete(seen: &[u32], parts: u32) -> bool {
    seen.len() == parts as usize
}
