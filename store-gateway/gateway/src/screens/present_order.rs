//! How the open order, staging, the conversation and refusals put their values into words: called by the templates.

use super::format::{Moment, timer};
use super::lang::Words;
use super::present::{left, order_path, wait_level};
use super::present_devices::document_path;
use super::segment;
use super::view::{
    Bag, BagCheck, Card, CodeCheck, Expect, Flag, Frame, HistoryItem, Line, LineMark, MoneyView, Person, Presence,
    Problem, SearchHit, Staging, Thread, ThreadItem,
};
use super::words::{ActionWord, GoodsWord, MoneyWord, PrintKindWord, PurposeWord, Tone};

/// What stands for the customer's code wherever a text is shown.
const HIDDEN_CODE: &str = "••••••";

impl Bag {
    pub(super) fn shelf_text(&self) -> String {
        self.shelf.clone().unwrap_or_else(|| "—".to_owned())
    }
}

impl MoneyView {
    /// The banner's tone: nothing that hurts after a manager has overridden it.
    pub(super) fn tone(&self) -> Tone {
        match (self.word.tone(), &self.override_reason) {
            (Tone::Stop, Some(_)) => Tone::Warn,
            (tone, _) => tone,
        }
    }

    pub(super) fn mark(&self) -> &'static str {
        match self.word {
            MoneyWord::NoneDue | MoneyWord::PaidOnline | MoneyWord::PaidStore => "✓ ",
            MoneyWord::Due | MoneyWord::Authorised | MoneyWord::RefundDue | MoneyWord::Refunded => "",
        }
    }

    pub(super) fn text(&self, t: &Words) -> String {
        match self.word {
            MoneyWord::NoneDue if self.amount.minor == 0 => String::new(),
            _ => self.amount.text(t),
        }
    }
}

impl Line {
    pub(super) fn mark_name(&self) -> &'static str {
        match self.mark {
            LineMark::Open => "open",
            LineMark::Ticked(n) if n >= self.quantity => "done",
            LineMark::Ticked(_) => "part",
            LineMark::Short | LineMark::Refused | LineMark::PutBack => "out",
            LineMark::HandedOver => "done",
        }
    }

    /// What stands in the tick box.
    pub(super) fn tick(&self) -> String {
        match self.mark {
            LineMark::Open => String::new(),
            LineMark::Ticked(n) if n < self.quantity => format!("{n}/{}", self.quantity),
            LineMark::Ticked(_) | LineMark::HandedOver => "✓".to_owned(),
            LineMark::Short | LineMark::Refused | LineMark::PutBack => "✕".to_owned(),
        }
    }

    pub(super) fn mark_text(&self, t: &Words) -> Option<String> {
        match self.mark {
            LineMark::Open | LineMark::HandedOver => None,
            LineMark::Ticked(n) => Some(t.n("line-ticked", n)),
            LineMark::Short => Some(t.s("line-short")),
            LineMark::Refused => Some(t.s("line-refused")),
            LineMark::PutBack => Some(t.s("line-put-back")),
        }
    }

    pub(super) fn mark_tone(&self) -> Tone {
        match self.mark {
            LineMark::Short => Tone::Stop,
            LineMark::Refused | LineMark::PutBack => Tone::Warn,
            LineMark::Open | LineMark::Ticked(_) | LineMark::HandedOver => Tone::Go,
        }
    }
}

impl Card {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn paper_href(&self, kind: &PrintKindWord) -> String {
        document_path(*kind, Some(&self.order))
    }

    pub(super) fn title(&self, t: &Words) -> String {
        self.who.title(t)
    }

    pub(super) fn shelf_text(&self) -> String {
        self.bags.first().map_or_else(|| "—".to_owned(), Bag::shelf_text)
    }

    /// Which size the shelf is written in, so that a long name still fits.
    pub(super) fn shelf_size(&self) -> &'static str {
        match self.shelf_text().chars().count() {
            0..=3 => "large",
            4..=6 => "medium",
            _ => "small",
        }
    }

    pub(super) fn more_bags(&self) -> &[Bag] {
        self.bags.get(1..).unwrap_or(&[])
    }

    pub(super) fn code_is_ok(&self) -> bool {
        self.code == CodeCheck::Ok
    }

    pub(super) fn bag_ok(&self) -> Option<&str> {
        match &self.bag {
            BagCheck::Ok { bag } => Some(bag),
            BagCheck::None | BagCheck::Wanted | BagCheck::Required | BagCheck::Other { .. } => None,
        }
    }

    pub(super) fn wrong_bag(&self) -> Option<&str> {
        match &self.bag {
            BagCheck::Other { order } => Some(order),
            BagCheck::None | BagCheck::Wanted | BagCheck::Required | BagCheck::Ok { .. } => None,
        }
    }

    pub(super) fn bag_is_wrong(&self) -> bool {
        self.wrong_bag().is_some()
    }

    pub(super) fn is_handed_over(&self) -> bool {
        self.goods == GoodsWord::HandedOver
    }

    pub(super) fn proof_text(&self) -> &str {
        self.proof.as_deref().unwrap_or("")
    }

    fn arrived_at(&self) -> Option<Moment> {
        match self.presence {
            Presence::Arrived { since, .. } => Some(since),
            Presence::Away | Presence::OnWay | Presence::Left => None,
        }
    }

    pub(super) fn wait_level(&self, f: &Frame) -> &'static str {
        self.arrived_at().map_or("calm", |since| wait_level(since, f))
    }

    pub(super) fn wait(&self, f: &Frame, t: &Words) -> String {
        self.arrived_at().map(|since| timer(since.seconds_until(&f.now), t)).unwrap_or_default()
    }

    pub(super) fn locked_left(&self, f: &Frame, t: &Words) -> String {
        match self.primary {
            super::view::Primary::Locked { until } => left(until, f, t),
            _ => String::new(),
        }
    }

    /// The keys to show: undo only while it lasts.
    pub(super) fn shown_actions(&self) -> Vec<ActionWord> {
        self.actions.iter().copied().filter(|action| *action != ActionWord::Undo || self.undo_until.is_some()).collect()
    }

    pub(super) fn may_refuse(&self) -> bool {
        self.actions.contains(&ActionWord::Refuse)
    }

    /// When an action stops being possible, in Unix milliseconds.
    pub(super) fn undo_ends(&self, action: &ActionWord) -> Option<i64> {
        match action {
            ActionWord::Undo => self.undo_until.map(|until| until.unix_ms),
            _ => None,
        }
    }

    pub(super) fn undo_left(&self, f: &Frame, t: &Words) -> String {
        self.undo_until.map(|until| left(until, f, t)).unwrap_or_default()
    }

    /// What a refusal does to the money.
    pub(super) fn refuse_money(&self, t: &Words) -> String {
        match self.money.word {
            MoneyWord::PaidOnline | MoneyWord::PaidStore => t.v("refuse-refund", self.money.amount.text(t)),
            MoneyWord::Authorised => t.s("refuse-release"),
            MoneyWord::NoneDue | MoneyWord::Due | MoneyWord::RefundDue | MoneyWord::Refunded => t.s("refuse-no-refund"),
        }
    }
}

impl ActionWord {
    /// The last part of the path that the action posts to.
    pub(super) fn route(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Refuse => "refuse",
            Self::Attend => "attend",
            Self::Extend => "extend",
            Self::Message => "reply",
            Self::Arrive => "arrive",
            Self::Undo => "undo",
        }
    }
}

impl Flag {
    pub(super) fn tone(&self) -> Tone {
        match self {
            Self::Text { state, .. } => state.tone(),
            Self::Replied { .. } => Tone::Info,
            Self::HoldUntil(_) | Self::Promised(_) => Tone::Plain,
            Self::MissedCall(_) => Tone::Stop,
            Self::Age(_) | Self::NoPhone | Self::CancelAsked | Self::CaseOpen => Tone::Warn,
        }
    }

    pub(super) fn text_in(&self, f: &Frame, t: &Words) -> String {
        match self {
            Self::Text { purpose, state, at } => {
                let name = if *purpose == PurposeWord::Ready { "SMS".to_owned() } else { t.s(purpose.key()) + ":" };
                format!("{name} {} {}", t.s(state.key()), at.brief(&f.now, t))
            }
            Self::Replied { text, at } => format!("{} {}", t.v("flag-replied", text), at.brief(&f.now, t)),
            Self::HoldUntil(until) => t.v("flag-hold", until.brief_until(&f.now, t)),
            Self::Promised(at) => t.v("promised-for", at.brief(&f.now, t)),
            Self::Age(age) => t.n("flag-age", *age),
            Self::NoPhone => t.s("flag-no-phone"),
            Self::MissedCall(at) => t.v("flag-missed-call", at.brief(&f.now, t)),
            Self::CancelAsked => t.s("flag-cancel-asked"),
            Self::CaseOpen => t.s("flag-case-open"),
        }
    }
}

impl HistoryItem {
    pub(super) fn who(&self, t: &Words) -> String {
        self.by.clone().unwrap_or_else(|| t.s("by-itself"))
    }
}

impl SearchHit {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn shelf_text(&self) -> String {
        self.shelf.clone().unwrap_or_else(|| "—".to_owned())
    }
}

impl Staging {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn wants_bag(&self) -> bool {
        self.expect == Expect::Bag
    }

    /// The label that is expected, as printed.
    pub(super) fn next_label(&self) -> String {
        format!("B{}-{}", self.order, self.next_bag)
    }

    pub(super) fn pending_text(&self) -> String {
        self.pending.join(", ")
    }

    /// What the form for entering by hand starts with.
    pub(super) fn hand_bag(&self) -> String {
        if self.pending.is_empty() { self.next_bag.clone() } else { self.pending.join(" ") }
    }
}

impl Thread {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }
}

impl ThreadItem {
    pub(super) fn side(&self) -> &'static str {
        match self.by {
            Person::Customer => "them",
            Person::Staff | Person::Automatic => "us",
        }
    }

    /// The text with the code hidden.
    pub(super) fn shown(&self) -> String {
        self.text.replace("{code}", HIDDEN_CODE)
    }

    pub(super) fn meta(&self, f: &Frame, t: &Words) -> String {
        let by = match self.by {
            Person::Customer => "SMS".to_owned(),
            Person::Staff => t.s("thread-staff"),
            Person::Automatic => t.s("thread-automatic"),
        };
        format!("{} {by}", self.at.brief(&f.now, t))
    }
}

impl Problem {
    /// The last part of the problem's type, as in the API's problem documents.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::WrongCode { .. } => "wrong-code",
            Self::Locked { .. } => "locked",
            Self::MoneyDue { .. } => "money-due",
            Self::WrongState { .. } => "wrong-state",
            Self::WrongStore { .. } => "wrong-store",
            Self::UnknownOrder { .. } => "unknown-order",
            Self::Changed => "changed",
            Self::WrongBag { .. } => "wrong-bag",
            Self::WrongProduct { .. } => "wrong-product",
            Self::Unexpected => "unexpected-scan",
            Self::TooLateToUndo => "too-late-to-undo",
            Self::NotAllowed => "not-allowed",
            Self::BadInput => "bad-input",
            Self::Print(_) => "print",
            Self::Session => "session",
            Self::Busy => "busy",
        }
    }

    pub(super) fn tone(&self) -> Tone {
        match self {
            Self::WrongStore { .. } | Self::Changed | Self::Unexpected | Self::Session => Tone::Warn,
            _ => Tone::Stop,
        }
    }

    pub(super) fn title(&self, _f: &Frame, t: &Words) -> String {
        match self {
            Self::WrongCode { .. } => t.s("problem-wrong-code"),
            Self::Locked { .. } => t.s("problem-locked"),
            Self::MoneyDue { due } => t.v("problem-money-due", due.text(t)),
            Self::WrongState { goods } => t.v("problem-wrong-state", t.s(goods.key())),
            Self::WrongStore { store, .. } => t.v("problem-wrong-store", store),
            Self::UnknownOrder { order } => t.v("problem-unknown-order", order),
            Self::Changed => t.s("problem-changed"),
            Self::WrongBag { order } => t.v("problem-wrong-bag", order),
            Self::WrongProduct { ean } => t.v("problem-wrong-product", ean),
            Self::Unexpected => t.s("problem-unexpected"),
            Self::TooLateToUndo => t.s("problem-too-late"),
            Self::NotAllowed => t.s("problem-not-allowed"),
            Self::BadInput => t.s("problem-bad-input"),
            Self::Session => t.s("problem-session"),
            Self::Print(word) => t.s(word.key()),
            Self::Busy => t.s("problem-busy"),
        }
    }

    /// What to do next.
    pub(super) fn next_step(&self, _f: &Frame, t: &Words) -> String {
        match self {
            Self::WrongCode { tries_left } => t.n("problem-wrong-code-next", *tries_left),
            Self::Locked { .. } => t.s("problem-locked-next"),
            Self::MoneyDue { .. } => t.s("problem-money-due-next"),
            Self::WrongState { .. } => t.s("problem-wrong-state-next"),
            Self::WrongStore { detail, .. } => detail.clone().unwrap_or_else(|| t.s("problem-wrong-store-next")),
            Self::UnknownOrder { .. } => t.s("problem-unknown-order-next"),
            Self::Changed => t.s("problem-changed-next"),
            Self::WrongBag { .. } => t.s("problem-wrong-bag-next"),
            Self::WrongProduct { .. } => t.s("problem-wrong-product-next"),
            Self::Unexpected => t.s("problem-unexpected-next"),
            Self::TooLateToUndo => t.s("problem-too-late-next"),
            Self::NotAllowed => t.s("problem-not-allowed-next"),
            Self::BadInput => t.s("problem-bad-input-next"),
            Self::Session => t.s("problem-session-next"),
            Self::Print(_) => t.s("problem-print-next"),
            Self::Busy => t.s("problem-busy-next"),
        }
    }

    pub(super) fn until(&self) -> Option<Moment> {
        match self {
            Self::Locked { until } => Some(*until),
            _ => None,
        }
    }

    pub(super) fn left(&self, f: &Frame, t: &Words) -> String {
        self.until().map(|until| left(until, f, t)).unwrap_or_default()
    }

    /// The path segment of an order to offer.
    pub(super) fn link(&self) -> Option<String> {
        match self {
            Self::WrongBag { order } => Some(segment(order)),
            _ => None,
        }
    }

    pub(super) fn link_label(&self, t: &Words) -> String {
        match self {
            Self::WrongBag { order } => t.v("text-open", order),
            _ => String::new(),
        }
    }

    /// The page should be looked at afresh.
    pub(super) fn reload(&self) -> bool {
        matches!(self, Self::Changed | Self::Session | Self::Busy)
    }

    /// A manager may go on in spite of it.
    pub(super) fn may_be_overridden(&self) -> bool {
        matches!(self, Self::MoneyDue { .. } | Self::Locked { .. } | Self::WrongCode { .. })
    }
}
