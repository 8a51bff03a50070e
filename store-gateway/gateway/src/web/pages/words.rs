//! From the domain's words to the screen's.

use axum::http::StatusCode;
use serde_json::Value;
use shop_model::decide::Role;
use shop_model::event::{MoneyState, Via};
use shop_model::message::{MessageState, Purpose};
use shop_model::reservation::{Explanation, GoodsState};
use store_daemon::problem::Problem as Document;

use super::Look;
use crate::screens::Money;
use crate::screens::view::Problem;
use crate::screens::words::{
    ArrivalWord, CauseWord, GoodsWord, HistoryWord, MessageWord, MoneyWord, PrintProblemWord, PurposeWord, RoleWord,
    WhyWord,
};

pub fn role(role: Role) -> RoleWord {
    match role {
        Role::Clerk => RoleWord::Clerk,
        Role::Senior => RoleWord::Senior,
        Role::Manager => RoleWord::Manager,
    }
}

pub fn goods(state: GoodsState) -> GoodsWord {
    match state {
        GoodsState::Received => GoodsWord::Received,
        GoodsState::Inbound => GoodsWord::Inbound,
        GoodsState::Picking => GoodsWord::Picking,
        GoodsState::Short => GoodsWord::Short,
        GoodsState::Staged => GoodsWord::Staged,
        GoodsState::Ready => GoodsWord::Ready,
        GoodsState::HandingOver => GoodsWord::HandingOver,
        GoodsState::Partial => GoodsWord::Partial,
        GoodsState::HandedOver => GoodsWord::HandedOver,
        GoodsState::Refused => GoodsWord::Refused,
        GoodsState::Cancelled => GoodsWord::Cancelled,
        GoodsState::Expired => GoodsWord::Expired,
        GoodsState::PutBack => GoodsWord::PutBack,
        GoodsState::Released => GoodsWord::Released,
    }
}

/// A stored word; the projection writes no other.
pub fn goods_text(word: &str) -> GoodsWord {
    GoodsState::parse(word).map_or(GoodsWord::Received, goods)
}

pub fn money(state: MoneyState) -> MoneyWord {
    match state {
        MoneyState::NoneDue => MoneyWord::NoneDue,
        MoneyState::Due => MoneyWord::Due,
        MoneyState::Authorised => MoneyWord::Authorised,
        MoneyState::PaidOnline => MoneyWord::PaidOnline,
        MoneyState::PaidStore => MoneyWord::PaidStore,
        MoneyState::RefundDue => MoneyWord::RefundDue,
        MoneyState::Refunded => MoneyWord::Refunded,
    }
}

pub fn message(state: MessageState) -> MessageWord {
    match state {
        MessageState::Queued => MessageWord::Queued,
        MessageState::Held => MessageWord::Held,
        MessageState::Submitting => MessageWord::Submitting,
        MessageState::Sent => MessageWord::Sent,
        MessageState::Delivered => MessageWord::Delivered,
        MessageState::Failed => MessageWord::Failed,
        MessageState::Expired => MessageWord::Expired,
        MessageState::Superseded => MessageWord::Superseded,
        MessageState::Unknown => MessageWord::Unknown,
    }
}

pub fn message_text(word: &str) -> Option<MessageWord> {
    MessageState::parse(word).map(message)
}

pub fn purpose(word: &str) -> PurposeWord {
    match Purpose::parse(word) {
        Some(Purpose::Ready) => PurposeWord::Ready,
        Some(Purpose::Reminder24 | Purpose::Reminder4) => PurposeWord::Reminder,
        Some(Purpose::Reply | Purpose::Confirm) => PurposeWord::Answer,
        Some(Purpose::Staff) => PurposeWord::Staff,
        Some(Purpose::Closed) => PurposeWord::Ended,
        Some(Purpose::Extended) | None => PurposeWord::Other,
    }
}

/// Causes are kept as the modem's words; the screen groups them.
pub fn cause(text: &str) -> CauseWord {
    let starts = |word: &str| text.starts_with(word);
    match () {
        () if starts("restored") => CauseWord::Restored,
        () if starts("restart") => CauseWord::Restart,
        () if starts("no_answer") || starts("torn") || starts("modem") || starts("port") => CauseWord::NoAnswer,
        () if starts("recipient") => CauseWord::Recipient,
        () if starts("message") => CauseWord::Message,
        () if starts("subscription") => CauseWord::Subscription,
        () if starts("expired") => CauseWord::Expired,
        () if starts("passing") || starts("network") => CauseWord::Network,
        () => CauseWord::Other,
    }
}

pub fn arrival(via: Via) -> ArrivalWord {
    match via {
        Via::Sms => ArrivalWord::Sms,
        Via::Call => ArrivalWord::Call,
        Via::Qr => ArrivalWord::Qr,
        Via::Unit => ArrivalWord::Unit,
        Via::Staff => ArrivalWord::Staff,
    }
}

/// The screen's word for why an order stands as it does, with a detail; `None` for what the order's history says already.
pub fn why(what: &Explanation) -> Option<(WhyWord, Option<String>)> {
    Some(match what {
        Explanation::CancelledByHq | Explanation::CancelledAfterUndo => (WhyWord::CancelPutBack, None),
        Explanation::CancelRejectedBecauseHandedOver => (WhyWord::CancelAfterHandOver, None),
        Explanation::CancelledExceptHandedOver => (WhyWord::CancelAfterPart, None),
        Explanation::AmendedBeforePicking => (WhyWord::AmendApplied, None),
        Explanation::AmendmentRejected(_) => (WhyWord::AmendRejected, None),
        Explanation::MovedAway(store) | Explanation::AwaitsSource(store) => {
            (WhyWord::MoveWaits, Some(store.to_string()))
        }
        Explanation::MoveOvertakenByHandOver(store) => (WhyWord::MoveAfterHandOver, Some(store.to_string())),
        Explanation::PaidButEnded => (WhyWord::PaidAfterExpiry, None),
        Explanation::PaymentChangedAfterHandOver | Explanation::PaidTwice => (WhyWord::PaymentAfterHandOver, None),
        Explanation::ReopenedByExtension => (WhyWord::ExtendedAfterExpiry, None),
        Explanation::HandedOverOnOverride { reason } => (WhyWord::Override, Some(reason.clone())),
        Explanation::Frozen { sku } => (WhyWord::Frozen, Some(sku.clone())),
        Explanation::CancelledByStaff => (WhyWord::CancelledByStaff, None),
        Explanation::ExtensionTooLate => (WhyWord::ExtensionTooLate, None),
        Explanation::HandedOverTwice => (WhyWord::HandedOverTwice, None),
        Explanation::HandedOverAfterEnd => (WhyWord::HandedOverAfterEnd, None),
        Explanation::HandOverUndone | Explanation::WithoutEffect => return None,
    })
}

/// The screen's word for an event type in an order's history.
pub fn history(event: &str) -> Option<HistoryWord> {
    Some(match event.strip_prefix("reservation.")? {
        "placed" => HistoryWord::Placed,
        "accepted" => HistoryWord::Accepted,
        "pick_started" => HistoryWord::PickStarted,
        "short" => HistoryWord::Short,
        "bag_staged" => HistoryWord::BagStaged,
        "ready" => HistoryWord::Ready,
        "arrived" => HistoryWord::Arrived,
        "attended" => HistoryWord::Attended,
        "left" => HistoryWord::Left,
        "code_failed" => HistoryWord::CodeFailed,
        "code_locked" => HistoryWord::CodeLocked,
        "handed_over" => HistoryWord::HandedOver,
        "hand_over_undone" => HistoryWord::Undone,
        "refused" => HistoryWord::Refused,
        "hold_extended" | "extended" => HistoryWord::Extended,
        "expired" => HistoryWord::Expired,
        "put_back" => HistoryWord::PutBack,
        "paid_in_store" => HistoryWord::PaidInStore,
        "cancelled" => HistoryWord::Cancelled,
        "cancel_requested" => HistoryWord::CancelRequested,
        "cancel_rejected" => HistoryWord::CancelRejected,
        "amended" => HistoryWord::Amended,
        "amendment_rejected" => HistoryWord::AmendmentRejected,
        "payment_changed" => HistoryWord::PaymentChanged,
        "moved" => HistoryWord::Moved,
        "released" | "source_released" => HistoryWord::Released,
        "frozen" => HistoryWord::Frozen,
        "unfrozen" => HistoryWord::Unfrozen,
        _ => return None,
    })
}

/// A problem document as the screen words it.
pub fn problem(look: &Look, document: &Document, order: Option<&str>) -> Problem {
    let number = |key: &str| document.member(key).and_then(Value::as_u64);
    let text = |key: &str| document.member(key).and_then(Value::as_str);
    match document.kind() {
        "wrong-code" => {
            let tries_left = number("tries_left").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            Problem::WrongCode { tries_left }
        }
        "locked" => {
            let wait_ms = number("retry_after_s").and_then(|s| i64::try_from(s).ok()).unwrap_or(60) * 1_000;
            Problem::Locked { until: look.moment(look.now().unix_ms + wait_ms) }
        }
        "money-due" => {
            let due = document.member("due").and_then(Value::as_i64).unwrap_or(0);
            Problem::MoneyDue { due: Money::new(due, text("currency").unwrap_or("PLN")) }
        }
        "wrong-state" => Problem::WrongState { goods: goods_text(text("state").unwrap_or_default()) },
        "wrong-store" => Problem::WrongStore { store: text("store").unwrap_or_default().to_owned(), detail: None },
        "unknown-order" => Problem::UnknownOrder { order: order.unwrap_or_default().to_owned() },
        "changed" => Problem::Changed,
        "wrong-bag" => Problem::WrongBag { order: text("order").unwrap_or_default().to_owned() },
        "bag-scan" => Problem::Unexpected,
        "wrong-product" => Problem::WrongProduct { ean: text("ean").unwrap_or_default().to_owned() },
        "unexpected" => Problem::Unexpected,
        "too-late" => Problem::TooLateToUndo,
        "forbidden" => Problem::NotAllowed,
        "no-till" => Problem::Print(PrintProblemWord::NoTill),
        "prints-full" => Problem::Print(PrintProblemWord::Full),
        "till-away" => Problem::Print(PrintProblemWord::Away),
        "no-paper" => Problem::Print(PrintProblemWord::NoPaper),
        "no-phone" => Problem::Print(PrintProblemWord::NoPhone),
        "print-done" => Problem::Print(PrintProblemWord::Done),
        "csrf" | "not-logged-in" => Problem::Session,
        _ if document.status() == StatusCode::FORBIDDEN => Problem::NotAllowed,
        _ if document.status().is_server_error() => Problem::Busy,
        _ => Problem::BadInput,
    }
}
