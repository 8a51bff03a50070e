//! How board, link, messages, health and log-in put their values into words: called by the templates.

use super::ProblemContext;
use super::format::{Moment, rough, timer};
use super::lang::Words;
use super::segment;
use super::view::{
    Board, BoardDone, BoardHere, BoardPick, BoardReady, ConfigHealth, Frame, Health, LinkPill, Login, LoginProblem,
    MessageRow, ModemHealth, SetupProblem, Text, Theme, Who,
};
use super::words::{GoodsWord, Tone};

/// The path of an order's page.
pub(super) fn order_path(order: &str) -> String {
    format!("/orders/{}", segment(order))
}

/// The waiting level of the rows: "calm", "soon", "late".
pub(super) fn wait_level(since: Moment, f: &Frame) -> &'static str {
    let waited = since.seconds_until(&f.now);
    if waited >= i64::from(f.red_s) {
        "late"
    } else if waited >= i64::from(f.amber_s) {
        "soon"
    } else {
        "calm"
    }
}

/// The seconds left until `until`, as a timer.
pub(super) fn left(until: Moment, f: &Frame, t: &Words) -> String {
    timer(f.now.seconds_until(&until), t)
}

impl Theme {
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Auto => "theme-auto",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }
}

impl Who {
    /// " · J.K. …813" to stand behind an order number; empty when nobody is known.
    pub(super) fn dotted(&self) -> String {
        match self.label().as_str() {
            "" => String::new(),
            label => format!(" · {label}"),
        }
    }

    /// "J.K. …813".
    pub(super) fn label(&self) -> String {
        let tail = if self.tail.is_empty() { String::new() } else { format!("…{}", self.tail) };
        [self.initials.as_str(), tail.as_str()]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// "J. K. · tel. …813" as a heading.
    pub(super) fn title(&self, t: &Words) -> String {
        let initials = self.initials.replace('.', ". ");
        let phone = if self.tail.is_empty() { t.s("flag-no-phone") } else { t.v("phone-tail", &self.tail) };
        match initials.trim() {
            "" => phone,
            initials => format!("{initials} · {phone}"),
        }
    }
}

impl Board {
    pub(super) fn is_open(&self, order: &str) -> bool {
        self.open.as_deref() == Some(order)
    }

    /// How many customers nobody has attended to: the chime rings while there are any.
    pub(super) fn ringing(&self) -> usize {
        self.here.iter().filter(|row| row.attended_by.is_none()).count()
    }

    pub(super) fn more_missed(&self) -> Option<u32> {
        beyond(self.missed_count, self.missed.len())
    }

    pub(super) fn more_here(&self) -> Option<u32> {
        beyond(self.here_count, self.here.len())
    }

    pub(super) fn more_to_pick(&self) -> Option<u32> {
        beyond(self.to_pick_count, self.to_pick.len())
    }

    pub(super) fn more_ready(&self) -> Option<u32> {
        beyond(self.ready_count, self.ready.len())
    }

    pub(super) fn more_done(&self) -> Option<u32> {
        beyond(self.done_count, self.done.len())
    }
}

/// How many of `count` are not among the `shown`.
fn beyond(count: u32, shown: usize) -> Option<u32> {
    let shown = u32::try_from(shown).unwrap_or(u32::MAX);
    count.checked_sub(shown).filter(|more| *more > 0)
}

/// A shelf for a row: "—" where there is none.
fn shelf_or_dash(shelf: Option<&String>) -> String {
    shelf.cloned().unwrap_or_else(|| "—".to_owned())
}

impl BoardHere {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn shelf_text(&self) -> String {
        shelf_or_dash(self.shelf.as_ref())
    }

    pub(super) fn level(&self, f: &Frame) -> &'static str {
        wait_level(self.since, f)
    }

    pub(super) fn wait(&self, f: &Frame, t: &Words) -> String {
        timer(self.since.seconds_until(&f.now), t)
    }

    /// What to do for this customer.
    pub(super) fn detail(&self, t: &Words) -> String {
        match self.goods {
            GoodsWord::Ready | GoodsWord::HandingOver | GoodsWord::Partial => t.s("row-fetch"),
            GoodsWord::Received | GoodsWord::Picking | GoodsWord::Short | GoodsWord::Staged | GoodsWord::Inbound => {
                t.s("row-not-ready")
            }
            other => t.s(other.key()),
        }
    }
}

impl BoardPick {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    /// "w kompletacji · obiecane 15:00"; that it is new goes without saying.
    pub(super) fn detail(&self, f: &Frame, t: &Words) -> String {
        let state = (self.goods != GoodsWord::Received).then(|| t.s(self.goods.key()));
        let promise = self.promised.map(|at| t.v("promised-for", at.brief(&f.now, t)));
        let state = if promise.is_none() { Some(t.s(self.goods.key())) } else { state };
        let who = (!self.has_short_number()).then(|| self.who.label()).filter(|label| !label.is_empty());
        [who, state, promise].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// The number leaves room for the customer beside it.
    pub(super) fn has_short_number(&self) -> bool {
        self.order.chars().count() <= 8
    }

    pub(super) fn is_late(&self, f: &Frame) -> bool {
        self.promised.is_some_and(|at| at.unix_ms < f.now.unix_ms)
    }

    /// "22 min" or, past the promise, "−5 min".
    pub(super) fn left(&self, f: &Frame, t: &Words) -> String {
        match self.promised {
            Some(at) if at.unix_ms < f.now.unix_ms => format!("−{}", rough(at.seconds_until(&f.now), t)),
            Some(at) => rough(f.now.seconds_until(&at), t),
            None => String::new(),
        }
    }
}

impl BoardReady {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn shelf_text(&self) -> String {
        shelf_or_dash(self.shelf.as_ref())
    }
}

impl BoardDone {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }

    pub(super) fn undo_left(&self, f: &Frame, t: &Words) -> String {
        self.undo_until.map(|until| left(until, f, t)).unwrap_or_default()
    }
}

impl LinkPill {
    pub(super) fn tone(&self) -> Tone {
        match self {
            Self::Online => Tone::Go,
            Self::CatchingUp { .. } => Tone::Info,
            Self::Offline { .. } | Self::Recovering => Tone::Warn,
            Self::Superseded => Tone::Stop,
        }
    }

    /// The state in few words, for the health page.
    pub(super) fn short(&self, f: &Frame, t: &Words) -> String {
        match self {
            Self::Online => t.s("link-online"),
            Self::CatchingUp { to_send } => t.n("link-catching-up", *to_send),
            Self::Offline { since, .. } => t.v("link-offline-since", since.brief(&f.now, t)),
            Self::Recovering => t.s("link-recovering"),
            Self::Superseded => t.s("link-superseded"),
        }
    }
}

impl ProblemContext {
    pub(super) fn href(&self) -> String {
        order_path(&self.order)
    }
}

impl Text {
    pub(super) fn from(&self, t: &Words) -> String {
        match self.who.label().as_str() {
            "" => t.s("text-unknown-number"),
            label => label.to_owned(),
        }
    }

    pub(super) fn href(&self) -> String {
        self.order.as_deref().map(order_path).unwrap_or_default()
    }
}

impl MessageRow {
    pub(super) fn href(&self) -> String {
        self.order.as_deref().map(order_path).unwrap_or_default()
    }
}

impl Login {
    pub(super) fn is_chosen(&self, id: &str) -> bool {
        match &self.chosen {
            Some(chosen) => chosen == id,
            None => self.people.len() == 1,
        }
    }
}

impl LoginProblem {
    pub(super) fn text(&self, t: &Words) -> String {
        match self {
            Self::WrongPin { tries_left } => t.n("login-wrong-pin", *tries_left),
            Self::Locked { .. } => t.s("login-locked"),
            Self::Stale => t.s("login-stale"),
            Self::Ended => t.s("login-ended"),
        }
    }

    pub(super) fn until(&self) -> Option<Moment> {
        match self {
            Self::Locked { until } => Some(*until),
            Self::WrongPin { .. } | Self::Stale | Self::Ended => None,
        }
    }

    pub(super) fn left(&self, f: &Frame, t: &Words) -> String {
        self.until().map(|until| left(until, f, t)).unwrap_or_default()
    }
}

impl SetupProblem {
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::WrongCode => "setup-wrong-code",
            Self::Locked { .. } => "setup-locked",
            Self::BadId => "setup-bad-id",
            Self::BadName => "setup-bad-name",
            Self::BadPin => "setup-bad-pin",
            Self::PinsDiffer => "setup-pins-differ",
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
}

impl ModemHealth {
    pub(super) fn words(&self, t: &Words) -> String {
        let operator = self.operator.clone().unwrap_or_else(|| t.s("health-no-operator"));
        match &self.model {
            Some(model) => format!("{operator} · {model}"),
            None => operator,
        }
    }
}

impl Health {
    /// How full the data disk is, in whole percent; a disk of unknown size counts as full.
    pub(super) fn disk_percent(&self) -> u64 {
        self.disk_used.saturating_mul(100).checked_div(self.disk_total).unwrap_or(100).min(100)
    }

    pub(super) fn disk_tone(&self) -> Tone {
        match self.disk_percent() {
            0..75 => Tone::Go,
            75..90 => Tone::Warn,
            _ => Tone::Stop,
        }
    }

    pub(super) fn disk_text(&self, t: &Words) -> String {
        let free = self.disk_total.saturating_sub(self.disk_used);
        t.v("health-disk-free", gigabytes(free, t))
    }
}

/// "12,4 GB": decimal gigabytes with one digit, cut and not rounded up.
fn gigabytes(bytes: u64, t: &Words) -> String {
    let tenths = bytes / 100_000_000;
    let (_, point) = t.lang().number_marks();
    format!("{}{point}{} GB", tenths / 10, tenths % 10)
}

impl ConfigHealth {
    pub(super) fn tone(&self) -> Tone {
        if self.refused.is_some() {
            Tone::Stop
        } else if self.desired.is_some() && self.desired != self.applied {
            Tone::Warn
        } else {
            Tone::Go
        }
    }

    pub(super) fn text(&self, t: &Words) -> String {
        let applied = self.applied.map_or_else(|| t.s("health-config-defaults"), |version| version.to_string());
        match self.desired {
            Some(desired) if Some(desired) != self.applied => format!("{applied} → {desired}"),
            _ => applied,
        }
    }
}
