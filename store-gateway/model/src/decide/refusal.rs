//! Why something may not be done.

use jiff::Timestamp;

use crate::event::StoreFact;
use crate::ids::StoreId;
use crate::money::Money;
use crate::reservation::GoodsState;

/// A refusal, with the facts that it makes: wrong codes are facts too and are committed although nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub problem: Problem,
    /// To be committed all the same.
    pub facts: Vec<StoreFact>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, facts: Vec::new() }
    }
}

/// Kinds of refusals; [`Problem::kind`] is the last segment of the RFC 9457 `type`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The code is not this order's.
    #[error("the code is not this order's ({tries} tries)")]
    WrongCode {
        /// Wrong tries since the last right one.
        tries: u32,
    },
    /// Too many wrong codes.
    #[error("codes are refused until {until}")]
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// Money must be paid first.
    #[error("money is due")]
    MoneyDue {
        /// How much; nothing when a payment is reserved and not taken.
        due: Money,
    },
    /// The state does not allow it.
    #[error("not possible while the goods are {state}: {why}")]
    WrongState {
        /// The state of the goods.
        state: GoodsState,
        /// What to know about it.
        why: Obstacle,
    },
    /// The QR belongs to another store.
    #[error("the order waits at the store {store}")]
    WrongStore {
        /// That store.
        store: StoreId,
    },
    /// HQ never placed such an order, or has not yet.
    #[error("there is no such order")]
    UnknownOrder,
    /// The actor may not do this.
    #[error("only a manager may do this")]
    Forbidden,
    /// Lines or pieces that are not there.
    #[error("line {line} has {open} pieces for this")]
    WrongLines {
        /// The line.
        line: u32,
        /// Pieces for which it could be done.
        open: u32,
    },
    /// The amount is not what is due.
    #[error("another amount is due")]
    WrongAmount {
        /// What is due.
        due: Money,
    },
    /// Something needed was left out: a proof, a reason, a bag.
    #[error("{what} is missing")]
    Missing {
        /// What.
        what: &'static str,
    },
    /// The clock is not trusted enough to decide a deadline.
    #[error("the clock is not good enough to end holds")]
    ClockUncertain,
    /// The customer extended it already.
    #[error("the hold was extended already")]
    NoMoreExtensions,
    /// The time to undo is over.
    #[error("the time to undo is over")]
    TooLate,
}

crate::event::words! {
    /// What stands in the way.
    Obstacle {
        /// It is not a step of this state.
        NotNow = "not_now",
        /// HQ wishes it cancelled or moved; the answer is on its way.
        WishStands = "wish_stands",
        /// A product was recalled.
        Frozen = "frozen",
        /// The store that has the goods has not released them.
        AwaitsSource = "awaits_source",
        /// A fiscal receipt was printed.
        Receipt = "receipt",
        /// It was done already.
        Already = "already",
        /// The hold is not over.
        HoldRuns = "hold_runs",
        /// Nothing is open for it.
        NothingOpen = "nothing_open",
    }
}

impl Problem {
    /// The last segment of `/problems/…`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WrongCode { .. } => "wrong-code",
            Self::Locked { .. } => "locked",
            Self::MoneyDue { .. } => "money-due",
            Self::WrongState { .. } => "wrong-state",
            Self::WrongStore { .. } => "wrong-store",
            Self::UnknownOrder => "unknown-order",
            Self::Forbidden => "forbidden",
            Self::WrongLines { .. } => "wrong-lines",
            Self::WrongAmount { .. } => "wrong-amount",
            Self::Missing { .. } => "missing",
            Self::ClockUncertain => "clock-uncertain",
            Self::NoMoreExtensions => "no-more-extensions",
            Self::TooLate => "too-late",
        }
    }
}
