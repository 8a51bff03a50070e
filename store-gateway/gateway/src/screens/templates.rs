//! The templates' own structs: which view goes into which file.

use askama::Template;

use super::ProblemContext;
use super::lang::{Lang, Words};
use super::view::{
    Board, CallHead, CallPage, Calls, Card, Devices, Frame, Health, Line, LinkPill, Login, Messages, Page, Presence,
    Preview, Primary, Problem, Search, Setup, Side, Staging, Theme, Work,
};
use super::words::{ActionWord, ModemWord, RefuseWord};

/// htmx without `eval`, without inline styles, without pages (and so names) in the browser's storage. A refusal's
/// body goes into `#notice` whatever the form's own target was.
const HTMX_CONFIG: &str = concat!(
    r##"{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"historyCacheSize":0,"##,
    r##""refreshOnHistoryMiss":true,"selfRequestsOnly":true,"scrollBehavior":"instant","timeout":15000,"##,
    r##""responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},"##,
    r##"{"code":"[45]..","swap":true,"error":true,"target":"#notice","swapOverride":"innerHTML"}]}"##,
);

const THEMES: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];
const DIGITS: [u8; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct PageTemplate<'a> {
    t: Words,
    f: &'a Frame,
    title: String,
    tab: &'static str,
    open: &'a str,
    mode: &'static str,
    pending: String,
    pill: PillTemplate<'a>,
    board: BoardTemplate<'a>,
    work: WorkTemplate<'a>,
}

impl<'a> PageTemplate<'a> {
    pub(super) fn of(t: Words, page: &'a Page) -> Self {
        let f = &page.frame;
        let work = WorkTemplate::of(t, f, &page.work);
        Self {
            t,
            f,
            title: format!("{} · {}", f.store, t.s(title_key(&page.work))),
            tab: work.tab,
            open: work.open,
            mode: work.mode,
            pending: work.pending.clone(),
            pill: PillTemplate { t, f },
            board: BoardTemplate { t, f, b: &page.board },
            work,
        }
    }
}

fn title_key(work: &Work) -> &'static str {
    match work {
        Work::Messages(_) => "messages-title",
        Work::Health(_) => "health-title",
        Work::Calls(_) | Work::Call(_) => "calls-title",
        Work::Devices(_) | Work::Preview(_) => "devices-title",
        Work::Empty(_) | Work::Order(..) | Work::Staging(..) | Work::Search(..) | Work::Refused(..) => "page-title",
    }
}

#[derive(Template)]
#[template(path = "pill.html")]
pub(super) struct PillTemplate<'a> {
    pub(super) t: Words,
    pub(super) f: &'a Frame,
}

#[derive(Template)]
#[template(path = "board.html")]
pub(super) struct BoardTemplate<'a> {
    pub(super) t: Words,
    pub(super) f: &'a Frame,
    pub(super) b: &'a Board,
}

#[derive(Template)]
#[template(path = "work.html")]
pub(super) struct WorkTemplate<'a> {
    f: &'a Frame,
    wide: bool,
    open: &'a str,
    mode: &'static str,
    pending: String,
    tab: &'static str,
    notice: String,
    middle: Middle<'a>,
    side: SideOrNone<'a>,
    keys: KeysTemplate<'a>,
}

impl<'a> WorkTemplate<'a> {
    pub(super) fn of(t: Words, f: &'a Frame, work: &'a Work) -> Self {
        let (mode, pending) = match work {
            Work::Order(..) => ("order", String::new()),
            Work::Staging(staging, _) => ("staging", staging.pending.join(" ")),
            _ => ("", String::new()),
        };
        let side = side_of(work);
        Self {
            f,
            wide: side.is_none(),
            open: work.order().unwrap_or(""),
            mode,
            pending,
            tab: if matches!(work, Work::Empty(_)) { "board" } else { "card" },
            notice: notice_of(t, f, work),
            middle: Middle::of(t, f, work),
            side: SideOrNone(side.map(|s| SideTemplate { t, f, s })),
            keys: KeysTemplate::of(t, f, work),
        }
    }
}

/// The refusal above the middle, already written; empty when there is none.
fn notice_of(t: Words, f: &Frame, work: &Work) -> String {
    let problem = match work {
        Work::Order(card, _) => card.problem.as_ref(),
        Work::Staging(staging, _) => staging.problem.as_ref(),
        Work::Messages(messages) => messages.problem.as_ref(),
        Work::Empty(_)
        | Work::Search(..)
        | Work::Health(_)
        | Work::Calls(_)
        | Work::Call(_)
        | Work::Devices(_)
        | Work::Preview(_)
        | Work::Refused(..) => None,
    };
    // The card has its own button for an override.
    problem.map(|p| ProblemTemplate::of(t, f, p, None).to_string()).unwrap_or_default()
}

/// The right column of a view that has one.
pub(super) fn side_of(work: &Work) -> Option<&Side> {
    match work {
        Work::Empty(side)
        | Work::Order(_, side)
        | Work::Staging(_, side)
        | Work::Search(_, side)
        | Work::Refused(_, side) => Some(side),
        Work::Messages(_) | Work::Health(_) | Work::Calls(_) | Work::Call(_) | Work::Devices(_) | Work::Preview(_) => {
            None
        }
    }
}

/// The middle column, one template each.
pub(super) enum Middle<'a> {
    Empty(EmptyTemplate),
    Card(Box<CardTemplate<'a>>),
    Staging(StagingTemplate<'a>),
    Search(SearchTemplate<'a>),
    Messages(MessagesTemplate<'a>),
    Health(HealthTemplate<'a>),
    Calls(CallsTemplate<'a>),
    Call(CallTemplate<'a>),
    Devices(DevicesTemplate<'a>),
    Preview(PreviewTemplate<'a>),
    Refused(RefusedTemplate<'a>),
}

impl<'a> Middle<'a> {
    fn of(t: Words, f: &'a Frame, work: &'a Work) -> Self {
        match work {
            Work::Empty(_) => Self::Empty(EmptyTemplate { t }),
            Work::Order(card, _) => Self::Card(Box::new(CardTemplate::of(t, f, card))),
            Work::Staging(s, _) => Self::Staging(StagingTemplate { t, f, s, lines: &s.lines }),
            Work::Search(q, _) => Self::Search(SearchTemplate { t, f, q }),
            Work::Messages(m) => Self::Messages(MessagesTemplate { t, f, m }),
            Work::Health(h) => Self::Health(HealthTemplate { t, f, h }),
            Work::Calls(c) => Self::Calls(CallsTemplate { t, f, c }),
            Work::Call(p) => Self::Call(CallTemplate { t, f, p }),
            Work::Devices(d) => Self::Devices(DevicesTemplate { t, f, d }),
            Work::Preview(p) => Self::Preview(PreviewTemplate { t, f, p }),
            Work::Refused(p, _) => Self::Refused(RefusedTemplate { problem: ProblemTemplate::of(t, f, p, None) }),
        }
    }
}

impl std::fmt::Display for Middle<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty(template) => template.fmt(out),
            Self::Card(template) => template.fmt(out),
            Self::Staging(template) => template.fmt(out),
            Self::Search(template) => template.fmt(out),
            Self::Messages(template) => template.fmt(out),
            Self::Health(template) => template.fmt(out),
            Self::Calls(template) => template.fmt(out),
            Self::Call(template) => template.fmt(out),
            Self::Devices(template) => template.fmt(out),
            Self::Preview(template) => template.fmt(out),
            Self::Refused(template) => template.fmt(out),
        }
    }
}

/// The right column, or nothing.
struct SideOrNone<'a>(Option<SideTemplate<'a>>);

impl std::fmt::Display for SideOrNone<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |side| side.fmt(out))
    }
}

#[derive(Template)]
#[template(path = "empty.html")]
pub(super) struct EmptyTemplate {
    t: Words,
}

#[derive(Template)]
#[template(path = "card.html")]
pub(super) struct CardTemplate<'a> {
    t: Words,
    f: &'a Frame,
    c: &'a Card,
    lines: &'a [Line],
    presence: PresenceTemplate<'a>,
}

impl<'a> CardTemplate<'a> {
    pub(super) fn of(t: Words, f: &'a Frame, c: &'a Card) -> Self {
        Self { t, f, c, lines: &c.lines, presence: PresenceTemplate { t, f, c } }
    }
}

#[derive(Template)]
#[template(path = "_presence.html")]
struct PresenceTemplate<'a> {
    t: Words,
    f: &'a Frame,
    c: &'a Card,
}

#[derive(Template)]
#[template(path = "staging.html")]
pub(super) struct StagingTemplate<'a> {
    t: Words,
    f: &'a Frame,
    s: &'a Staging,
    lines: &'a [Line],
}

#[derive(Template)]
#[template(path = "search.html")]
pub(super) struct SearchTemplate<'a> {
    t: Words,
    f: &'a Frame,
    q: &'a Search,
}

#[derive(Template)]
#[template(path = "messages.html")]
pub(super) struct MessagesTemplate<'a> {
    t: Words,
    f: &'a Frame,
    m: &'a Messages,
}

#[derive(Template)]
#[template(path = "health.html")]
pub(super) struct HealthTemplate<'a> {
    t: Words,
    f: &'a Frame,
    h: &'a Health,
}

#[derive(Template)]
#[template(path = "calls.html")]
pub(super) struct CallsTemplate<'a> {
    t: Words,
    f: &'a Frame,
    c: &'a Calls,
}

#[derive(Template)]
#[template(path = "call.html")]
pub(super) struct CallTemplate<'a> {
    t: Words,
    f: &'a Frame,
    p: &'a CallPage,
}

#[derive(Template)]
#[template(path = "devices.html")]
pub(super) struct DevicesTemplate<'a> {
    t: Words,
    f: &'a Frame,
    d: &'a Devices,
}

#[derive(Template)]
#[template(path = "preview.html")]
pub(super) struct PreviewTemplate<'a> {
    t: Words,
    f: &'a Frame,
    p: &'a Preview,
}

#[derive(Template)]
#[template(path = "refused.html")]
pub(super) struct RefusedTemplate<'a> {
    problem: ProblemTemplate<'a>,
}

#[derive(Template)]
#[template(path = "side.html")]
pub(super) struct SideTemplate<'a> {
    pub(super) t: Words,
    pub(super) f: &'a Frame,
    pub(super) s: &'a Side,
}

#[derive(Template)]
#[template(path = "keys.html")]
pub(super) struct KeysTemplate<'a> {
    t: Words,
    f: &'a Frame,
    card: Option<&'a Card>,
    back: bool,
    back_to: String,
    pub(super) oob: bool,
}

impl<'a> KeysTemplate<'a> {
    fn of(t: Words, f: &'a Frame, work: &'a Work) -> Self {
        match work {
            Work::Order(card, _) => Self::of_card(t, f, card),
            Work::Staging(staging, _) => Self { t, f, card: None, back: true, back_to: staging.href(), oob: false },
            Work::Preview(p) => Self { t, f, card: None, back: true, back_to: p.back(), oob: false },
            Work::Empty(_) => Self { t, f, card: None, back: false, back_to: String::new(), oob: false },
            Work::Search(..)
            | Work::Messages(_)
            | Work::Health(_)
            | Work::Calls(_)
            | Work::Call(_)
            | Work::Devices(_)
            | Work::Refused(..) => Self { t, f, card: None, back: true, back_to: "/".to_owned(), oob: false },
        }
    }

    pub(super) fn of_card(t: Words, f: &'a Frame, card: &'a Card) -> Self {
        Self { t, f, card: Some(card), back: true, back_to: "/".to_owned(), oob: false }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
pub(super) struct ProblemTemplate<'a> {
    t: Words,
    f: &'a Frame,
    p: &'a Problem,
    override_of: Option<ProblemContext>,
}

impl<'a> ProblemTemplate<'a> {
    fn title(&self) -> String {
        self.p.title(self.f, &self.t)
    }

    pub(super) fn of(t: Words, f: &'a Frame, p: &'a Problem, context: Option<&ProblemContext>) -> Self {
        let override_of = context.filter(|context| context.may_override && p.may_be_overridden()).cloned();
        Self { t, f, p, override_of }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginTemplate<'a> {
    t: Words,
    f: &'a Frame,
    l: &'a Login,
    title: String,
    back: &'static str,
}

impl<'a> LoginTemplate<'a> {
    pub(super) fn of(t: Words, f: &'a Frame, l: &'a Login) -> Self {
        Self { t, f, l, title: format!("{} · {}", f.store, t.s("login-title")), back: "/login" }
    }
}

#[derive(Template)]
#[template(path = "setup.html")]
pub(super) struct SetupTemplate<'a> {
    t: Words,
    f: &'a Frame,
    s: &'a Setup,
    title: String,
    back: &'static str,
}

impl<'a> SetupTemplate<'a> {
    pub(super) fn of(t: Words, f: &'a Frame, s: &'a Setup) -> Self {
        Self { t, f, s, title: t.s("setup-title"), back: "/setup" }
    }
}
