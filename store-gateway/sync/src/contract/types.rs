//! The event types: name, way, class and aggregate of each, and the body that it has.

use schemars::{Schema, schema_for};
use serde_json::value::RawValue;

use super::{BodyError, body};
use crate::ident::Class;

/// Which way an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// HQ to store.
    Down,
    /// Store to HQ.
    Up,
    /// Either way.
    Both,
}

impl Way {
    /// Whether events of this type go that way.
    pub fn goes(self, way: Way) -> bool {
        self == way || self == Way::Both
    }
}

/// An event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    /// `reservation.placed` …
    pub name: &'static str,
    /// Which way it goes.
    pub way: Way,
    /// Its class; an aggregate never changes class.
    pub class: Class,
    /// The aggregate's kind.
    pub aggregate: &'static str,
}

/// A body that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// A type that this release knows.
    Known(Box<EventBody>),
    /// Any other: kept raw and applied after the upgrade.
    UnknownType,
}

macro_rules! events {
    ($($way:ident $class:ident $aggregate:literal { $($name:literal $variant:ident: $body:ident),+ $(,)? })+) => {
        /// Every event type, downward first.
        pub const TYPES: &[EventType] = &[
            $($(EventType { name: $name, way: Way::$way, class: Class::$class, aggregate: $aggregate }),+),+
        ];

        /// The body of an event, by its type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum EventBody {
            $($(
                #[doc = concat!("`", $name, "`.")]
                $variant(body::$body)
            ),+),+
        }

        impl EventBody {
            /// The event's type.
            pub const fn type_name(&self) -> &'static str {
                match self { $($(Self::$variant(_) => $name),+),+ }
            }

            /// Reads the body of an event. Unknown fields are ignored.
            ///
            /// # Errors
            /// [`BodyError`] with the path of the field that cannot be read.
            pub fn parse(type_name: &str, json: &str) -> Result<Parsed, BodyError> {
                let body = match type_name {
                    $($($name => Self::$variant(read(json)?)),+,)+
                    _ => return Ok(Parsed::UnknownType),
                };
                Ok(Parsed::Known(Box::new(body)))
            }

            /// Writes the body.
            ///
            /// # Errors
            /// Never for bodies of this module: their keys are text and their numbers finite.
            pub fn to_json(&self) -> serde_json::Result<Box<RawValue>> {
                match self { $($(Self::$variant(body) => serde_json::value::to_raw_value(body)),+),+ }
            }

            /// The JSON Schema (2020-12) of a type's body; `None` for an unknown type.
            pub fn schema(type_name: &str) -> Option<Schema> {
                match type_name {
                    $($($name => Some(schema_for!(body::$body))),+,)+
                    _ => None,
                }
            }
        }
    };
}

events! {
    Down P0 "reservation" {
        "reservation.placed" Placed: Placed,
        "reservation.amended" Amended: Amended,
        "reservation.cancel_requested" CancelRequested: CancelRequested,
        "reservation.extended" Extended: Extended,
        "reservation.payment_changed" PaymentChanged: PaymentChanged,
        "reservation.moved" Moved: ToStore,
        "reservation.source_released" SourceReleased: SourceReleased,
        "reservation.frozen" Frozen: Frozen,
        "reservation.unfrozen" Unfrozen: Empty,
    }
    Down P0 "person" {
        "person.changed" PersonChanged: PersonChanged,
        "person.erased" PersonErased: PersonErased,
    }
    Down P1 "command" {
        "command.issued" CommandIssued: CommandIssued,
    }
    Down P1 "hq" {
        "hq.announcement" Announcement: Announcement,
    }
    Up P0 "reservation" {
        "reservation.accepted" Accepted: Empty,
        "reservation.pick_started" PickStarted: Empty,
        "reservation.short" Short: Short,
        "reservation.bag_staged" BagStaged: StagedBag,
        "reservation.ready" Ready: Ready,
        "reservation.arrived" Arrived: Arrived,
        "reservation.attended" Attended: Empty,
        "reservation.left" Left: Empty,
        "reservation.code_set" CodeSet: Empty,
        "reservation.code_failed" CodeFailed: CodeFailed,
        "reservation.code_locked" CodeLocked: CodeLocked,
        "reservation.handed_over" HandedOver: HandedOver,
        "reservation.hand_over_undone" HandOverUndone: HandOverUndone,
        "reservation.refused" Refused: Refused,
        "reservation.hold_extended" HoldExtended: HoldExtended,
        "reservation.expired" Expired: Empty,
        "reservation.put_back" PutBack: PutBack,
        "reservation.paid_in_store" PaidInStore: PaidInStore,
        "reservation.cancelled" Cancelled: Cancelled,
        "reservation.cancel_rejected" CancelRejected: CancelRejected,
        "reservation.amendment_rejected" AmendmentRejected: AmendmentRejected,
        "reservation.released" Released: ToStore,
    }
    Up P0 "case" {
        "case.opened" CaseOpened: Case,
        "case.changed" CaseChanged: Case,
        "case.closed" CaseClosed: CaseClosed,
    }
    Up P1 "message" {
        "message.queued" MessageQueued: MessageQueued,
        "message.held" MessageHeld: MessageBecause,
        "message.submitted" MessageSubmitted: MessageSubmitted,
        "message.sent" MessageSent: MessagePart,
        "message.delivered" MessageDelivered: MessagePart,
        "message.failed" MessageFailed: MessageCause,
        "message.unknown" MessageUnknown: MessageCause,
        "message.settled" MessageSettled: MessageSettled,
        "message.expired" MessageExpired: MessageOnly,
        "message.superseded" MessageSuperseded: MessageBecause,
        "message.received" MessageReceived: MessageReceived,
    }
    Up P1 "call" {
        "call.ended" CallEnded: CallEnded,
    }
    Up P1 "staff" {
        "staff.logged_in" StaffLoggedIn: StaffLoggedIn,
        "staff.locked" StaffLocked: StaffLocked,
    }
    Up P1 "command" {
        "command.accepted" CommandAccepted: CommandAnswer,
        "command.progress" CommandProgress: CommandAnswer,
        "command.done" CommandDone: CommandAnswer,
        "command.refused" CommandRefused: CommandAnswer,
        "command.failed" CommandFailed: CommandAnswer,
    }
    Both P1 "sync" {
        "sync.rejected" SyncRejected: SyncRejected,
        "sync.skipped" SyncSkipped: SyncSkipped,
    }
    Up P1 "alert" {
        "alert.raised" AlertRaised: Alert,
        "alert.cleared" AlertCleared: Alert,
    }
}

impl EventType {
    /// Looks a type up by its name.
    pub fn find(name: &str) -> Option<&'static EventType> {
        TYPES.iter().find(|t| t.name == name)
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, BodyError> {
    let mut json = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        BodyError::new(path, problem(e.inner()))
    })
}

/// What is wrong, without the value: it may be personal.
fn problem(e: &serde_json::Error) -> String {
    let text = e.to_string();
    match e.classify() {
        serde_json::error::Category::Data if text.starts_with("missing field") => text,
        serde_json::error::Category::Data if text.starts_with("expected") => text,
        serde_json::error::Category::Data => match text.split_once("expected ") {
            Some((_, wanted)) => format!("expected {wanted}"),
            None => "not what is expected here".to_owned(),
        },
        _ => "not JSON".to_owned(),
    }
}
