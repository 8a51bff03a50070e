//! What handlers fill in: plain values, no database types. `order` is the order whose parts are shown first.
//!
//! None of these types implements `Debug`: they hold initials, telephone digits and texts, which must never reach a log.

mod board;
mod calls;
mod devices;
mod order;
mod pages;

pub use board::{Board, BoardDone, BoardHere, BoardPick, BoardReady, LinkPill, Who};
pub use calls::{
    Call, CallEntry, CallHead, CallPage, Calls, Contact, Line as OutsideLine, LiveCall, Phone, Recording, Recordings,
};
pub use devices::{Devices, EnrolCode, Preview, PreviewTill, PrintJob, Printer, Scanner, Till};
pub use order::{
    Bag, BagCheck, Card, CodeCheck, Expect, Flag, Frozen, HistoryItem, Line, LineMark, MoneyView, Person, Presence,
    Primary, Problem, Search, SearchHit, Side, Staging, Text, Thread, ThreadItem, Why,
};
pub use pages::{
    Alert, ConfigHealth, Health, LinkHealth, Login, LoginPerson, LoginProblem, MessageRow, Messages, ModemHealth,
    QueueHealth, QueueName, Setup, SetupProblem,
};

use super::format::Moment;
use super::words::RoleWord;

/// How the browser chooses between light and dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The word in `data-theme` and in the form.
    pub fn value(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the word that the preferences form posts.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark].into_iter().find(|theme| theme.value() == text)
    }
}

/// What every page and fragment needs to know.
#[derive(Clone)]
pub struct Frame {
    /// The store's name, for example "Wola".
    pub store: String,
    /// This screen's name, for example "Lada 1"; empty when it has none.
    pub counter: String,
    /// The session's CSRF token.
    pub csrf: String,
    /// The server's time.
    pub now: Moment,
    /// Light or dark.
    pub theme: Theme,
    /// Who is logged in.
    pub staff: Option<Staff>,
    /// The state of the link to HQ.
    pub link: LinkPill,
    /// Received texts that nobody has answered, and messages in state unknown or failed: the number on the messages key.
    pub needs_person: u32,
    /// Missed calls that nobody has dealt with.
    pub missed_calls: u32,
    /// Print jobs of which nobody knows whether they came out.
    pub prints_to_check: u32,
    /// Printers that can't print: no paper, an open cover, an error.
    pub printers_held: u32,
    /// Seconds of waiting after which a customer's row turns amber.
    pub amber_s: u32,
    /// Seconds of waiting after which it turns red.
    pub red_s: u32,
}

/// The person who is logged in.
#[derive(Clone)]
pub struct Staff {
    /// The name in full, for the log-out key's description.
    pub name: String,
    /// Initials for the header.
    pub initials: String,
    /// The role.
    pub role: RoleWord,
}

/// The part of the counter page that depends on what is open: middle, right column and keys.
#[derive(Clone)]
pub enum Work {
    /// Nothing is open.
    Empty(Side),
    /// An order is open.
    Order(Box<Card>, Side),
    /// A bag is being put on a shelf.
    Staging(Box<Staging>, Side),
    /// The answer to a search.
    Search(Search, Side),
    /// The message queue and the texts that need a person.
    Messages(Messages),
    /// The condition of the box.
    Health(Box<Health>),
    /// Calls, missed and under way, and the phones.
    Calls(Box<Calls>),
    /// One call's timeline.
    Call(Box<CallPage>),
    /// Tills, printers, print jobs.
    Devices(Box<Devices>),
    /// A document before it is printed.
    Preview(Box<Preview>),
    /// A refusal with nothing else to show (unknown order, wrong store), with its words in the middle.
    Refused(Problem, Side),
}

impl Work {
    /// The number of the order that is open, if one is.
    pub fn order(&self) -> Option<&str> {
        match self {
            Self::Order(card, _) => Some(&card.order),
            Self::Staging(staging, _) => Some(&staging.order),
            Self::Empty(_)
            | Self::Search(..)
            | Self::Messages(_)
            | Self::Health(_)
            | Self::Calls(_)
            | Self::Call(_)
            | Self::Devices(_)
            | Self::Preview(_)
            | Self::Refused(..) => None,
        }
    }
}

/// The whole counter page.
#[derive(Clone)]
pub struct Page {
    /// What every page needs.
    pub frame: Frame,
    /// The left column.
    pub board: Board,
    /// The rest.
    pub work: Work,
}
