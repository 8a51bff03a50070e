//! What staff, customers and deadlines may do: a command against a reservation becomes facts to commit, or a refusal.
//!
//! The page `TRANSITIONS.md` beside this crate lists every allowed (state, command); a test drives all of them and
//! all that are absent. Nothing here knows a code: the shell compares codes and says what it found.

mod counter;
mod floor;
mod refusal;

pub use refusal::{Obstacle, Problem, Refusal};

use std::time::Duration;

use jiff::Timestamp;
use sans_io::Wall;

use crate::code::LockRule;
use crate::event::{Actor, ActorKind, LineQuantity, StagedBag, StoreFact, Tender, Via};
use crate::hold::HoldRules;
use crate::hours::Hours;
use crate::ids::{ShelfId, StoreId};
use crate::money::Amount;
use crate::reservation::{Answer, GoodsState, Reservation, WishKind};

/// What a member of staff may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everyday work.
    #[default]
    Clerk,
    /// Everyday work, and shifts.
    Senior,
    /// Everything, overrides too.
    Manager,
}

impl Role {
    /// The word used in commands and on screens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Senior => "senior",
            Self::Manager => "manager",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Clerk, Self::Senior, Self::Manager].into_iter().find(|r| r.as_str() == word)
    }
}

/// What the shell found when it compared a code or a scanned QR with the order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is the order's.
    Right,
    /// It is not.
    Wrong,
    /// The QR names another store.
    OtherStore(StoreId),
}

/// What shows that the right person stands at the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Six digits.
    Code(Check),
    /// The customer's QR.
    Qr(Check),
    /// A delegate's one-time code.
    Delegate(Check),
    /// Nothing; needs an override.
    Nothing,
}

/// Something that somebody wants to do to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The store takes the order on.
    Accept,
    /// Somebody goes to fetch it.
    Pick,
    /// Pieces are missing.
    Short {
        /// Which.
        lines: Vec<LineQuantity>,
        /// The article proposed instead.
        substitute: Option<String>,
    },
    /// Bags go on shelves; READY follows at once.
    Stage {
        /// At least one.
        bags: Vec<StagedBag>,
    },
    /// The customer is there.
    Arrive {
        /// How we know.
        via: Via,
        /// Where.
        place: Option<String>,
    },
    /// Somebody claims the customer.
    Attend,
    /// The customer went away.
    Leave,
    /// The goods leave the store.
    HandOver {
        /// Which; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
        /// What shows that it is the right person.
        proof: Proof,
        /// The reason to let money or proof be missing.
        override_reason: Option<String>,
    },
    /// The last hand-over did not happen.
    Undo,
    /// Goods are not wanted at the counter.
    Refuse {
        /// Which; `None` for all that is open.
        lines: Option<Vec<LineQuantity>>,
        /// Why.
        reason: String,
    },
    /// Hold it longer.
    Extend,
    /// The goods are back in the stock.
    PutBack {
        /// Which; `None` for all that is due.
        lines: Option<Vec<LineQuantity>>,
        /// Where.
        shelf: Option<ShelfId>,
    },
    /// The customer paid at the till.
    PayInStore {
        /// How much.
        amount: Amount,
        /// With what.
        tender: Tender,
        /// The fiscal receipt's number.
        receipt: Option<String>,
    },
    /// The hold is over.
    Expire,
    /// The customer does not want it any more.
    RequestCancel {
        /// Why.
        reason: String,
    },
}

/// What a decision needs to know beside the reservation.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The time and how good it is.
    pub now: Wall,
    /// Who wants it.
    pub actor: &'a Actor,
    /// What they may do; [`Role::Clerk`] for everyone who is not staff.
    pub role: Role,
    /// The store's opening hours.
    pub hours: &'a Hours,
    /// How holds are counted.
    pub holds: &'a HoldRules,
    /// How long a hand-over can be undone.
    pub undo: Duration,
    /// When wrong codes lock the order.
    pub lock: LockRule,
}

impl Context<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn is_manager(&self) -> bool {
        self.actor.kind == ActorKind::Staff && self.role == Role::Manager
    }
}

/// Decides a command: the facts to commit in one transaction, or why not. No facts means that it is so already.
///
/// # Errors
/// [`Refusal`], with facts to commit all the same.
pub fn decide(r: &Reservation, command: &Command, ctx: &Context<'_>) -> Result<Vec<StoreFact>, Refusal> {
    if r.order.is_none() {
        return Err(Problem::UnknownOrder.into());
    }
    match command {
        Command::Accept => floor::accept(r),
        Command::Pick => floor::pick(r),
        Command::Short { lines, substitute } => floor::short(r, lines, substitute.clone()),
        Command::Stage { bags } => floor::stage(r, bags, ctx),
        Command::PutBack { lines, shelf } => floor::put_back(r, lines.as_deref(), shelf.clone()),
        Command::Expire => floor::expire(r, ctx),
        Command::Arrive { via, place } => counter::arrive(r, *via, place.clone()),
        Command::Attend => counter::attend(r),
        Command::Leave => counter::leave(r),
        Command::HandOver { lines, proof, override_reason } => {
            counter::hand_over(r, lines.as_deref(), proof, override_reason.as_deref(), ctx)
        }
        Command::Undo => counter::undo(r, ctx),
        Command::Refuse { lines, reason } => counter::refuse(r, lines.as_deref(), reason),
        Command::Extend => counter::extend(r, ctx),
        Command::PayInStore { amount, tender, receipt } => counter::pay_in_store(r, *amount, *tender, receipt.clone()),
        Command::RequestCancel { reason } => counter::request_cancel(r, reason),
    }
}

fn not_now(r: &Reservation) -> Refusal {
    obstacle(r, Obstacle::NotNow)
}

fn obstacle(r: &Reservation, why: Obstacle) -> Refusal {
    Problem::WrongState { state: r.goods.state, why }.into()
}

/// Refuses while HQ wishes it cancelled or moved and the store has not answered: the answer comes first.
fn no_standing_wish(r: &Reservation) -> Result<(), Refusal> {
    let ends = |kind: &WishKind| matches!(kind, WishKind::Cancel { .. } | WishKind::Move { .. });
    if r.wishes.iter().any(|w| w.answer == Answer::Pending && ends(&w.kind)) {
        return Err(obstacle(r, Obstacle::WishStands));
    }
    Ok(())
}

/// Refuses while another store still has the goods.
fn source_let_go(r: &Reservation) -> Result<(), Refusal> {
    if r.awaits.is_some() && r.goods.state == GoodsState::Inbound {
        return Err(obstacle(r, Obstacle::AwaitsSource));
    }
    Ok(())
}

/// The pieces meant: all that are possible, or those asked for, each line once and within what is possible.
fn pieces(wanted: Option<&[LineQuantity]>, possible: &[LineQuantity]) -> Result<Vec<LineQuantity>, Refusal> {
    let Some(wanted) = wanted else { return Ok(possible.to_vec()) };
    if wanted.is_empty() {
        return Err(Problem::Missing { what: "lines" }.into());
    }
    for (i, want) in wanted.iter().enumerate() {
        let open = possible.iter().find(|p| p.line == want.line).map_or(0, |p| p.quantity);
        let twice = wanted[..i].iter().any(|w| w.line == want.line);
        if want.quantity == 0 || want.quantity > open || twice {
            return Err(Problem::WrongLines { line: want.line, open }.into());
        }
    }
    Ok(wanted.to_vec())
}
