//! Words for people: states, reasons, event types. English, short.

use shop_model::event::Because;
use shop_model::reservation::Explanation;

/// Why an order stands as it does.
pub fn explanation(what: &Explanation) -> String {
    let text = match what {
        Explanation::CancelledByHq => "Cancelled: HQ asked before it had left the store.",
        Explanation::CancelledByStaff => "Cancelled by staff at the store.",
        Explanation::CancelRejectedBecauseHandedOver => {
            "HQ's cancel came after the hand-over. What happened stands; a return case is open."
        }
        Explanation::CancelledExceptHandedOver => {
            "HQ's cancel came after part had left the store. The rest is cancelled; a case is open for what left."
        }
        Explanation::CancelledAfterUndo => "The hand-over was undone, so HQ's standing cancel counts after all.",
        Explanation::AmendedBeforePicking => "HQ changed the lines before anybody had picked them.",
        Explanation::AmendmentRejected(because) => {
            return format!("HQ's change of lines came too late: {}.", self::because(*because));
        }
        Explanation::MovedAway(store) => return format!("Moved to {store}."),
        Explanation::MoveOvertakenByHandOver(store) => {
            return format!("HQ wanted it at {store}, but it had been handed over here.");
        }
        Explanation::AwaitsSource(store) => return format!("Waits until {store} lets go of the goods."),
        Explanation::PaidButEnded => "It was paid after it had ended: the money goes back.",
        Explanation::PaymentChangedAfterHandOver => "The online payment changed after the hand-over: both facts stand.",
        Explanation::PaidTwice => "Paid online and at the till: one of the two goes back.",
        Explanation::ReopenedByExtension => "HQ extended the hold after it had expired: open again.",
        Explanation::ExtensionTooLate => "HQ extended the hold, but the goods were gone or back in stock.",
        Explanation::HandedOverTwice => "Handed over twice: two facts stand.",
        Explanation::HandedOverAfterEnd => "Handed over after it had ended.",
        Explanation::HandOverUndone => "A hand-over was undone.",
        Explanation::HandedOverOnOverride { reason } => return format!("Handed over on a manager's word: {reason}"),
        Explanation::Frozen { sku } => return format!("Frozen: product {sku} is recalled."),
        Explanation::WithoutEffect => "A fact came that changed nothing in this state.",
    };
    text.to_owned()
}

/// Why a wish was not granted.
pub const fn because(because: Because) -> &'static str {
    match because {
        Because::HandedOver => "the goods had been handed over",
        Because::Picked => "the goods had been picked",
        Because::Ended => "the order had ended",
    }
}

/// A wire word as people read it: `pay_in_store` → `pay in store`.
pub fn plain(word: &str) -> String {
    word.replace('_', " ")
}

/// An event type as a line of the timeline.
pub fn event(kind: &str) -> String {
    let text = match kind {
        "reservation.placed" => "Order placed",
        "reservation.amended" => "Lines changed",
        "reservation.cancel_requested" => "Cancel asked",
        "reservation.extended" => "Hold extended",
        "reservation.payment_changed" => "Payment changed",
        "reservation.moved" => "Moved to another store",
        "reservation.source_released" => "Goods released by the other store",
        "reservation.frozen" => "Frozen: recall",
        "reservation.unfrozen" => "Recall lifted",
        "reservation.accepted" => "Accepted",
        "reservation.pick_started" => "Picking started",
        "reservation.short" => "Shortage reported",
        "reservation.bag_staged" => "Bag staged",
        "reservation.ready" => "Ready",
        "reservation.arrived" => "Customer arrived",
        "reservation.attended" => "Customer attended",
        "reservation.left" => "Customer left",
        "reservation.code_set" => "Code set",
        "reservation.code_failed" => "Wrong code",
        "reservation.code_locked" => "Codes locked",
        "reservation.handed_over" => "Handed over",
        "reservation.hand_over_undone" => "Hand-over undone",
        "reservation.refused" => "Refused at the counter",
        "reservation.hold_extended" => "Hold extended",
        "reservation.expired" => "Expired",
        "reservation.put_back" => "Put back",
        "reservation.paid_in_store" => "Paid at the till",
        "reservation.cancelled" => "Cancelled",
        "reservation.cancel_rejected" => "Cancel refused",
        "reservation.amendment_rejected" => "Change of lines refused",
        "reservation.released" => "Goods released",
        other => return plain(other.split_once('.').map_or(other, |(_, tail)| tail)),
    };
    text.to_owned()
}
