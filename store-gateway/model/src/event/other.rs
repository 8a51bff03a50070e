//! Facts of other aggregates: people, messages, cases.

use jiff::Timestamp;

use super::facts::words;
use crate::ids::{CaseId, MessageId, PersonRef, ReservationId};
use crate::language::Language;
use crate::message::{Meaning, MessageState, Purpose};
use crate::person::Personal;

/// `person.*`, written by HQ (and, for an erasure at the counter, by the store).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonFact {
    /// `person.changed`.
    Changed {
        /// Who.
        person: PersonRef,
        /// The data now; `None` once erased.
        personal: Option<Personal>,
    },
    /// `person.erased`.
    Erased {
        /// Who.
        person: PersonRef,
    },
}

/// `message.*`: the life of one text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageFact {
    /// `message.queued`.
    Queued {
        /// The message.
        message: MessageId,
        /// The order that it is about.
        reservation: Option<ReservationId>,
        /// What it is for.
        purpose: Purpose,
        /// The round of the reservation that it tells of; 0 when there is none.
        round: u32,
        /// The template that made it.
        template: Option<String>,
        /// Its language.
        language: Language,
        /// SMS parts, at least 1.
        parts: u32,
        /// To whom; `None` for a number that belongs to nobody.
        person: Option<PersonRef>,
        /// Not worth sending after.
        valid_until: Option<Timestamp>,
    },
    /// `message.held`: waits on purpose (quiet hours, paused SIM).
    Held {
        /// The message.
        message: MessageId,
        /// Why.
        because: String,
    },
    /// `message.submitted`: committed before the modem was told.
    Submitted {
        /// The message.
        message: MessageId,
        /// The part, from 1.
        part: u32,
        /// The reference that the network is expected to give.
        reference: Option<u8>,
    },
    /// `message.sent`: the network took it.
    Sent {
        /// The message.
        message: MessageId,
        /// The part, from 1; `None` for all of it.
        part: Option<u32>,
    },
    /// `message.delivered`: the phone has it.
    Delivered {
        /// The message.
        message: MessageId,
        /// The part, from 1; `None` for all of it.
        part: Option<u32>,
    },
    /// `message.failed`.
    Failed {
        /// The message.
        message: MessageId,
        /// The modem's or network's cause.
        cause: String,
    },
    /// `message.unknown`: nobody can say whether it went out.
    Unknown {
        /// The message.
        message: MessageId,
        /// Why nobody can.
        cause: String,
    },
    /// `message.settled`: a person or a late report decided an unknown one.
    Settled {
        /// The message.
        message: MessageId,
        /// What it was decided to be.
        settled_as: Settlement,
        /// Who or what decided.
        by: String,
    },
    /// `message.expired`: too late to be of use.
    Expired {
        /// The message.
        message: MessageId,
    },
    /// `message.superseded`: something else made it pointless.
    Superseded {
        /// The message.
        message: MessageId,
        /// What.
        because: String,
    },
}

impl MessageFact {
    /// The message that it is about.
    pub const fn message(&self) -> MessageId {
        match self {
            Self::Queued { message, .. }
            | Self::Held { message, .. }
            | Self::Submitted { message, .. }
            | Self::Sent { message, .. }
            | Self::Delivered { message, .. }
            | Self::Failed { message, .. }
            | Self::Unknown { message, .. }
            | Self::Settled { message, .. }
            | Self::Expired { message }
            | Self::Superseded { message, .. } => *message,
        }
    }
}

words! {
    /// What an unknown message was decided to be.
    Settlement {
        /// The network took it.
        Sent = "sent",
        /// The phone has it.
        Delivered = "delivered",
        /// It did not go out and will not.
        Failed = "failed",
        /// It did not go out: send it.
        Queued = "queued",
    }
}

impl Settlement {
    /// The state that follows.
    pub const fn state(self) -> MessageState {
        match self {
            Self::Sent => MessageState::Sent,
            Self::Delivered => MessageState::Delivered,
            Self::Failed => MessageState::Failed,
            Self::Queued => MessageState::Queued,
        }
    }
}

/// `message.received`: a text that came in. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The message.
    pub message: MessageId,
    /// From whom; `None` for an unknown number.
    pub person: Option<PersonRef>,
    /// What was written.
    pub text: String,
    /// What it was taken to mean.
    pub meaning: Meaning,
    /// The order that it was taken to be about.
    pub reservation: Option<ReservationId>,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("message", &self.message)
            .field("meaning", &self.meaning)
            .field("characters", &self.text.chars().count())
            .finish_non_exhaustive()
    }
}

words! {
    /// What a case is about.
    CaseKind {
        /// Goods brought back.
        Return = "return",
        /// A complaint (reklamacja).
        Complaint = "complaint",
        /// HQ cancelled what had left the store.
        CancelAfterHandover = "cancel_after_handover",
    }
}

/// `case.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseFact {
    /// `case.opened`.
    Opened {
        /// The case.
        case: CaseId,
        /// The order.
        reservation: ReservationId,
        /// What it is about.
        kind: CaseKind,
        /// In staff's words.
        note: Option<String>,
        /// When it must be answered.
        due_at: Option<Timestamp>,
    },
    /// `case.changed`.
    Changed {
        /// The case.
        case: CaseId,
        /// The order.
        reservation: ReservationId,
        /// What it is about.
        kind: CaseKind,
        /// In staff's words.
        note: Option<String>,
        /// When it must be answered.
        due_at: Option<Timestamp>,
    },
    /// `case.closed`.
    Closed {
        /// The case.
        case: CaseId,
        /// The order.
        reservation: ReservationId,
        /// What it was about.
        kind: CaseKind,
        /// How it ended.
        outcome: Option<String>,
    },
}
