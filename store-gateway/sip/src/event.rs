//! What the signalling tells, and the names that it shares with who uses it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use store_voice::dial::Extension;

use crate::message::Transport;

/// One call leg. Numbers are never used again in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg(pub(crate) u64);

/// An offer that waits for [`crate::Sip::answer_offer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferId(pub(crate) u64);

/// Where a call comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A phone of the store that proved its password.
    Phone(Extension),
    /// The trunk.
    Trunk,
}

/// Whom a leg of ours calls.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A phone of the store, at every place where it is registered.
    Phone(Extension),
    /// A number over the trunk, as it shall stand in the request.
    Trunk(String),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(extension) => f.debug_tuple("Phone").field(extension).finish(),
            Self::Trunk(_) => f.write_str("Trunk(…)"),
        }
    }
}

/// Who calls. `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The number as it was given; `None` when it is withheld (RFC 3323).
    pub number: Option<String>,
    /// The name beside it.
    pub name: Option<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.number.is_some() { "Caller(…)" } else { "Caller(withheld)" })
    }
}

/// Why a leg is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The other side hung up.
    Bye,
    /// The other side gave up before the answer.
    Cancelled,
    /// We hung up, cancelled or refused, and it is confirmed.
    HungUp,
    /// The other side refused with this status.
    Refused(u16),
    /// Our answer was never acknowledged (RFC 3261 §13.3.1.4).
    NoAck,
    /// The session's time ended without a refresh (RFC 4028).
    SessionExpired,
    /// Nobody answers at the other side's address.
    Unreachable,
    /// Whoever reads the events does not keep up.
    Overloaded,
    /// [`crate::Sip::remove`] forgot it.
    Removed,
}

/// A reason for `Reason` (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Whose numbering `cause` is.
    pub protocol: Protocol,
    /// The number: a SIP status, or a Q.850 cause.
    pub cause: u16,
    /// Some words for a person, or nothing.
    pub text: String,
}

/// Whose numbering a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A SIP status.
    Sip,
    /// An ITU-T Q.850 cause.
    Q850,
}

impl Reason {
    /// A Q.850 cause; 16 is the normal clearing of a call.
    pub fn q850(cause: u16) -> Self {
        Self { protocol: Protocol::Q850, cause, text: String::new() }
    }

    /// A SIP status; 200 tells the losers of a race that another phone answered (RFC 3326 §3.1).
    pub fn sip(cause: u16, text: impl Into<String>) -> Self {
        Self { protocol: Protocol::Sip, cause, text: text.into() }
    }

    pub(crate) fn header(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Sip => "SIP",
            Protocol::Q850 => "Q.850",
        };
        let text = crate::address::quoted(&self.text);
        let cause = self.cause;
        if text.is_empty() {
            format!("{protocol};cause={cause}")
        } else {
            format!("{protocol};cause={cause};text={}", text.trim_end())
        }
    }
}

/// What happened on a leg.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody calls; `offer` is absent when the call carries none, and then our answer is the offer.
    Incoming {
        /// The new leg.
        leg: Leg,
        /// Where it comes from.
        source: Source,
        /// Who it is.
        caller: Caller,
        /// The user part of the request's address.
        dialled: String,
        /// The session description.
        offer: Option<Vec<u8>>,
    },
    /// The other side rings (180) or has sound before the answer (183 with a description).
    Ringing {
        /// A leg of ours.
        leg: Leg,
        /// Its early session description.
        body: Option<Vec<u8>>,
    },
    /// The other side answered, and our ACK went out; also the answer to [`crate::Sip::reoffer`].
    Answered {
        /// A leg of ours.
        leg: Leg,
        /// The session description.
        body: Vec<u8>,
    },
    /// Our answer was acknowledged; `body` is the other side's answer when we offered.
    Confirmed {
        /// The leg.
        leg: Leg,
        /// A session description.
        body: Option<Vec<u8>>,
    },
    /// The other side wants to change the session.
    Offered {
        /// The leg.
        leg: Leg,
        /// Its offer; absent when it wants ours.
        offer: Option<Vec<u8>>,
        /// What [`crate::Sip::answer_offer`] must name.
        offer_id: OfferId,
    },
    /// The other side did not take [`crate::Sip::reoffer`]; the session is as it was (RFC 3261 §14.1).
    OfferRefused {
        /// The leg.
        leg: Leg,
        /// The status.
        status: u16,
    },
    /// Something within the call; answered 200 already.
    Info {
        /// The leg.
        leg: Leg,
        /// What `body` is.
        content_type: String,
        /// The content.
        body: Vec<u8>,
    },
    /// The leg is gone: told exactly once, and nothing of it is left.
    Gone {
        /// The leg.
        leg: Leg,
        /// Why.
        why: Gone,
    },
}

impl Event {
    /// The leg that it is about.
    pub const fn leg(&self) -> Leg {
        match self {
            Self::Incoming { leg, .. }
            | Self::Ringing { leg, .. }
            | Self::Answered { leg, .. }
            | Self::Confirmed { leg, .. }
            | Self::Offered { leg, .. }
            | Self::OfferRefused { leg, .. }
            | Self::Info { leg, .. }
            | Self::Gone { leg, .. } => *leg,
        }
    }
}

// Numbers, names, addresses and pressed digits stand in events.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = self.leg();
        match self {
            Self::Incoming { source, caller, offer, .. } => {
                write!(f, "Incoming({leg:?}, {source:?}, {caller:?}, offer: {})", offer.is_some())
            }
            Self::Ringing { body, .. } => write!(f, "Ringing({leg:?}, body: {})", body.is_some()),
            Self::Answered { .. } => write!(f, "Answered({leg:?})"),
            Self::Confirmed { body, .. } => write!(f, "Confirmed({leg:?}, body: {})", body.is_some()),
            Self::Offered { offer, .. } => write!(f, "Offered({leg:?}, offer: {})", offer.is_some()),
            Self::OfferRefused { status, .. } => write!(f, "OfferRefused({leg:?}, {status})"),
            Self::Info { .. } => write!(f, "Info({leg:?})"),
            Self::Gone { why, .. } => write!(f, "Gone({leg:?}, {why:?})"),
        }
    }
}

/// Where a phone is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The phone.
    pub extension: Extension,
    /// Its contact.
    pub contact: String,
    /// How it is reached.
    pub transport: Transport,
    /// Where it registered from.
    pub source: SocketAddr,
    /// What it calls itself.
    pub user_agent: String,
    /// When it must have come again.
    pub expires_in: Duration,
    /// Since when it has been registered without a gap.
    pub since: Duration,
}

/// How the trunk stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrunkState {
    /// None is configured.
    Off,
    /// Asking.
    Registering,
    /// Registered.
    Registered {
        /// For so long.
        for_another: Duration,
    },
    /// The registrar says no.
    Refused {
        /// Its status.
        status: u16,
        /// The words of its status.
        reason: String,
        /// When it is asked again.
        retry_in: Duration,
    },
    /// The registrar does not answer.
    Unreachable {
        /// What is wrong.
        why: String,
        /// When it is tried again.
        retry_in: Duration,
    },
}

/// Counts for the pages and the tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Legs.
    pub legs: usize,
    /// Dialogs, those on their way out included.
    pub dialogs: usize,
    /// Transactions that run.
    pub transactions: usize,
    /// Transactions that only answer repetitions, for 32 s.
    pub lingering: usize,
    /// Streams that are open.
    pub connections: usize,
    /// What was dropped.
    pub dropped: Dropped,
}

/// What was dropped without an answer, by its cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// The source's bucket was empty.
    pub rate: u64,
    /// No SIP message.
    pub malformed: u64,
    /// Not from the trunk's addresses.
    pub foreign: u64,
    /// Too many transactions at once.
    pub busy: u64,
    /// Longer than a message may be.
    pub oversize: u64,
    /// Too many streams, or one that did not read.
    pub connections: u64,
}

/// What a call of [`crate::Sip`] can fail with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The leg is gone, or never was.
    #[error("there is no such leg")]
    NoLeg,
    /// The leg is in a state in which this cannot be done.
    #[error("the leg is not in a state for this")]
    WrongState,
    /// An offer of either side is under way.
    #[error("another change of the session is under way")]
    Pending,
    /// The phone is not registered.
    #[error("the phone is not registered")]
    Unregistered,
    /// There is no trunk, or it is not registered.
    #[error("the trunk is not registered")]
    NoTrunk,
    /// What was dialled cannot stand in a request.
    #[error("this cannot be dialled")]
    NoNumber,
    /// The cap of legs is reached.
    #[error("there are too many calls")]
    Full,
    /// The signalling has ended.
    #[error("the signalling has stopped")]
    Stopped,
}
