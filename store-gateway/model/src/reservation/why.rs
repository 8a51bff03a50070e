//! Why a reservation stands as it does: structured reasons for the order's page, each traced to a fact.

use sans_io::Wall;

use crate::event::Because;
use crate::ids::{EventId, StoreId};

/// A reason with the fact that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The fact.
    pub event: EventId,
    /// When that was.
    pub at: Wall,
    /// What it explains.
    pub what: Explanation,
}

/// A reason. [`Explanation::key`] names the text that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// HQ wished it cancelled, and it had not left the store.
    CancelledByHq,
    /// Staff cancelled it.
    CancelledByStaff,
    /// HQ's cancel came after the hand-over: what happened stands.
    CancelRejectedBecauseHandedOver,
    /// HQ's cancel came after part had left: the rest is cancelled.
    CancelledExceptHandedOver,
    /// The hand-over was undone, so HQ's standing cancel counts after all.
    CancelledAfterUndo,
    /// HQ changed the lines before anybody picked them.
    AmendedBeforePicking,
    /// HQ's amendment came too late.
    AmendmentRejected(Because),
    /// HQ moved it to another store.
    MovedAway(StoreId),
    /// HQ wanted it at another store, but it had been handed over here.
    MoveOvertakenByHandOver(StoreId),
    /// It waits for the store that has the goods.
    AwaitsSource(StoreId),
    /// It was paid, but it had ended: the money goes back.
    PaidButEnded,
    /// HQ's payment changed after the hand-over: both stand.
    PaymentChangedAfterHandOver,
    /// Paid online and at the till.
    PaidTwice,
    /// HQ extended the hold after it had expired here: open again.
    ReopenedByExtension,
    /// HQ extended the hold, but the goods were gone or back in the stock.
    ExtensionTooLate,
    /// Handed over twice: two facts stand.
    HandedOverTwice,
    /// Handed over after it had been cancelled, refused, expired, put back or released.
    HandedOverAfterEnd,
    /// A hand-over was undone.
    HandOverUndone,
    /// A rule was broken on somebody's word.
    HandedOverOnOverride {
        /// The reason that they gave.
        reason: String,
    },
    /// A product was recalled.
    Frozen {
        /// Which.
        sku: String,
    },
    /// A fact that changed nothing in the state that it met.
    WithoutEffect,
}

impl Explanation {
    /// The name of the text that says it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::CancelledByHq => "why-cancelled-by-hq",
            Self::CancelledByStaff => "why-cancelled-by-staff",
            Self::CancelRejectedBecauseHandedOver => "why-cancel-rejected-handed-over",
            Self::CancelledExceptHandedOver => "why-cancelled-except-handed-over",
            Self::CancelledAfterUndo => "why-cancelled-after-undo",
            Self::AmendedBeforePicking => "why-amended-before-picking",
            Self::AmendmentRejected(Because::HandedOver) => "why-amendment-rejected-handed-over",
            Self::AmendmentRejected(Because::Picked) => "why-amendment-rejected-picked",
            Self::AmendmentRejected(Because::Ended) => "why-amendment-rejected-ended",
            Self::MovedAway(_) => "why-moved-away",
            Self::MoveOvertakenByHandOver(_) => "why-move-overtaken",
            Self::AwaitsSource(_) => "why-awaits-source",
            Self::PaidButEnded => "why-paid-but-ended",
            Self::PaymentChangedAfterHandOver => "why-payment-changed-after-hand-over",
            Self::PaidTwice => "why-paid-twice",
            Self::ReopenedByExtension => "why-reopened-by-extension",
            Self::ExtensionTooLate => "why-extension-too-late",
            Self::HandedOverTwice => "why-handed-over-twice",
            Self::HandedOverAfterEnd => "why-handed-over-after-end",
            Self::HandOverUndone => "why-hand-over-undone",
            Self::HandedOverOnOverride { .. } => "why-override",
            Self::Frozen { .. } => "why-frozen",
            Self::WithoutEffect => "why-without-effect",
        }
    }

    /// Whether a person must look at it.
    pub const fn is_alert(&self) -> bool {
        matches!(
            self,
            Self::CancelRejectedBecauseHandedOver
                | Self::CancelledExceptHandedOver
                | Self::PaidTwice
                | Self::HandedOverTwice
                | Self::HandedOverAfterEnd
        )
    }
}
