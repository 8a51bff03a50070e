//! The words that a caller hears, in Polish, Ukrainian and English, for a speech program to say.
//!
//! Decides the sentences, and how numbers, dates and times are spoken: as words in the right case, so that no speech
//! program guesses. Never has a pickup code: no type here has room for one. The shell asks for the text of each
//! [`Line`] that a call wants played, and keeps the sound of those that come again.

mod lines;
mod moment;
mod number;

use jiff::civil::DateTime;
use shop_model::ids::OrderNumber;
use shop_model::language::Language;
use shop_model::money::Money;
use shop_model::reservation::GoodsState;

/// Orders read out in one call; of more, the newest are read and the rest are for a person.
pub const MOST_ORDERS: usize = 3;

/// How an order stands, for a caller's ear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its number.
    pub order: OrderNumber,
    /// How it stands.
    pub stage: Stage,
    /// What is still to be paid, if anything.
    pub due: Option<Money>,
}

/// How the goods stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On its way to the store.
    Inbound,
    /// Being picked; ready by then, if it was promised.
    Preparing(Option<DateTime>),
    /// On the shelf; held until then, on the store's clock.
    Ready(Option<DateTime>),
    /// Collected.
    HandedOver,
    /// Cancelled, refused or released.
    Cancelled,
    /// Not collected in time.
    Expired,
}

impl Stage {
    /// The stage of a state. `promised` and `held_until` are in the store's own time.
    pub const fn of(state: GoodsState, promised: Option<DateTime>, held_until: Option<DateTime>) -> Self {
        match state {
            GoodsState::Inbound => Self::Inbound,
            GoodsState::Received | GoodsState::Picking | GoodsState::Short | GoodsState::Staged => {
                Self::Preparing(promised)
            }
            GoodsState::Ready | GoodsState::HandingOver | GoodsState::Partial => Self::Ready(held_until),
            GoodsState::HandedOver => Self::HandedOver,
            GoodsState::Refused | GoodsState::Cancelled | GoodsState::Released => Self::Cancelled,
            GoodsState::Expired | GoodsState::PutBack => Self::Expired,
        }
    }

    /// Whether it waits to be collected.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Good day, and whose shop it is; the shell knows the store's name.
    Greeting,
    /// What the keys do.
    Menu,
    /// How many open orders were found.
    Found(usize),
    /// How one order stands.
    Status(Status),
    /// There are more than are read out.
    MoreWithStaff,
    /// Six digits, please.
    AskCode,
    /// Those were not right.
    WrongCode,
    /// Too many wrong ones.
    NoMoreTries,
    /// Orders cannot be looked up now.
    NotNow,
    /// That key does nothing.
    NotUnderstood,
    /// The phones ring.
    Connecting,
    /// Nobody answered; the store sees the missed call.
    Nobody,
    /// Goodbye.
    Goodbye,
}

impl Line {
    /// What kind of line it is, in a word: for timelines, and for recordings in its place. Says nothing of its content.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Menu => "menu",
            Self::Found(_) => "found",
            Self::Status(_) => "status",
            Self::MoreWithStaff => "more-with-staff",
            Self::AskCode => "ask-code",
            Self::WrongCode => "wrong-code",
            Self::NoMoreTries => "no-more-tries",
            Self::NotNow => "not-now",
            Self::NotUnderstood => "not-understood",
            Self::Connecting => "connecting",
            Self::Nobody => "nobody",
            Self::Goodbye => "goodbye",
        }
    }

    /// The text to be spoken. `store` is the name of the shop.
    pub fn text(&self, language: Language, store: &str) -> String {
        match language {
            Language::Pl => lines::polish(self, store),
            Language::Uk => lines::ukrainian(self, store),
            Language::En => lines::english(self, store),
        }
    }
}
