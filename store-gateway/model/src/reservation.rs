//! A reservation, folded from HQ's log and the store's.
//!
//! Four regions with one owner each: goods (store), wishes and online money (HQ), the till's money and presence
//! (store). [`fold`] is total and deterministic, so both ends come to the same state whatever arrived first;
//! [`consequences`] are the answers that the store owes to HQ's standing wishes.

mod answers;
mod derive;
mod goods;
mod money;
mod why;

pub use answers::{CaseDue, MoveOutcome, Owed, cases_due, consequences, move_outcome};
pub use derive::fold;
pub use why::{Explanation, Why};

use jiff::Timestamp;
use sans_io::Wall;

use crate::event::{
    ActorKind, Because, Contract, Line, LineQuantity, Method, MoneyState, OrderKind, Override, StagedBag, Via, words,
};
use crate::ids::{EventId, OrderNumber, PersonRef, StoreId};
use crate::money::{Amount, Currency};

words! {
    /// The derived state of the goods.
    GoodsState {
        /// Placed; nobody touched it.
        Received = "received",
        /// Still on its way to this store.
        Inbound = "inbound",
        /// Being picked.
        Picking = "picking",
        /// Pieces are missing; somebody must decide.
        Short = "short",
        /// In bags on shelves, not announced as ready yet.
        Staged = "staged",
        /// Waits for the customer.
        Ready = "ready",
        /// Between a fiscal receipt's start and its end.
        HandingOver = "handing_over",
        /// Part left the store, part waits.
        Partial = "partial",
        /// All that was wanted left the store.
        HandedOver = "handed_over",
        /// Not wanted at the counter.
        Refused = "refused",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Nobody came.
        Expired = "expired",
        /// The stock is free again.
        PutBack = "put_back",
        /// Another store has the order.
        Released = "released",
    }
}

impl GoodsState {
    /// Whether nothing more is to be handed over here.
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::HandedOver | Self::Refused | Self::Cancelled | Self::Expired | Self::PutBack | Self::Released
        )
    }

    /// Whether goods wait on a shelf for the customer.
    pub const fn on_shelf(self) -> bool {
        matches!(self, Self::Ready | Self::HandingOver | Self::Partial)
    }
}

/// A line of the order with where its pieces are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineGoods {
    /// What was ordered.
    pub line: Line,
    /// Pieces that are not there.
    pub short: u32,
    /// Pieces that left the store.
    pub handed_over: u32,
    /// Pieces not wanted at the counter.
    pub refused: u32,
    /// Pieces whose stock is free again.
    pub put_back: u32,
}

impl LineGoods {
    /// Pieces that the customer can still get: ordered less short, handed over and refused, and less what was put back
    /// beyond the refused ones.
    pub const fn open(&self) -> u32 {
        self.wanted().saturating_sub(self.put_back.saturating_sub(self.refused))
    }

    const fn wanted(&self) -> u32 {
        self.line.quantity.saturating_sub(self.short).saturating_sub(self.handed_over).saturating_sub(self.refused)
    }
}

/// The goods, owned by the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// The derived state.
    pub state: GoodsState,
    /// The lines in force.
    pub lines: Vec<LineGoods>,
    /// Bags with their shelves, in the order of staging.
    pub bags: Vec<StagedBag>,
    /// Whether the store accepted the order.
    pub accepted: bool,
    /// Whether anything was taken from the shop floor.
    pub touched: bool,
    /// The hand-overs that stand, in order.
    pub hand_overs: Vec<HandOver>,
    /// When READY was first said.
    pub ready_at: Option<Wall>,
    /// The deadline, while one runs.
    pub hold_until: Option<Timestamp>,
    /// Times that the customer extended the hold.
    pub customer_extensions: u32,
    /// HQ froze a product of it (recall).
    pub frozen: Option<String>,
}

/// A hand-over that was not undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Its event.
    pub event: EventId,
    /// When.
    pub at: Wall,
    /// Pieces that left.
    pub lines: Vec<LineQuantity>,
    /// What proved the person.
    pub method: Method,
    /// Who let a rule be broken.
    pub overridden: Option<Override>,
}

impl Goods {
    /// Pieces that can still be handed over, by line; empty lines left out.
    pub fn open_lines(&self) -> Vec<LineQuantity> {
        self.lines
            .iter()
            .filter(|l| l.open() > 0)
            .map(|l| LineQuantity { line: l.line.line, quantity: l.open() })
            .collect()
    }

    /// Pieces that must be put back, by line: what was taken from the floor and will not be handed over.
    pub fn put_back_due(&self) -> Vec<LineQuantity> {
        if !self.touched {
            return Vec::new();
        }
        let rest_ended = self.state.is_ended() && self.state != GoodsState::HandedOver;
        self.lines
            .iter()
            .map(|l| {
                let unwanted = if rest_ended { l.refused + l.wanted() } else { l.refused };
                LineQuantity { line: l.line.line, quantity: unwanted.saturating_sub(l.put_back) }
            })
            .filter(|l| l.quantity > 0)
            .collect()
    }
}

/// The money, HQ's and the till's together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyRegion {
    /// The derived state.
    pub state: MoneyState,
    /// The order's currency.
    pub currency: Currency,
    /// What the order costs.
    pub total: Amount,
    /// What is to be paid at the store still; zero when paid.
    pub due: Amount,
    /// What was paid, online and at the till.
    pub paid: Amount,
    /// What is to be given back.
    pub refund_due: Amount,
    /// The fiscal receipt's number, once there is one.
    pub receipt: Option<String>,
}

/// Where the customer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// Not here.
    #[default]
    Away,
    /// Said to be coming.
    OnWay,
    /// Waits to be seen.
    Arrived {
        /// Since when.
        since: Wall,
        /// How we know.
        via: Via,
        /// Where.
        place: Option<String>,
    },
    /// Somebody claimed the customer.
    Attended {
        /// Waiting since; `None` when nobody had said that they arrived.
        since: Option<Wall>,
        /// The member of staff.
        by: String,
    },
    /// Gone.
    Left,
}

impl Presence {
    /// The word used on the wire and on screens.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::OnWay => "on_way",
            Self::Arrived { .. } => "arrived",
            Self::Attended { .. } => "attended",
            Self::Left => "left",
        }
    }
}

/// What HQ wants of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WishKind {
    /// Cancel it.
    Cancel {
        /// Who asked.
        by: String,
        /// Why.
        reason: String,
    },
    /// Change its lines.
    Amend {
        /// HQ's number of the amendment.
        revision: u32,
    },
    /// Hold it longer.
    Extend {
        /// Until when.
        until: Timestamp,
    },
    /// Let another store have it.
    Move {
        /// That store.
        to_store: StoreId,
    },
}

impl WishKind {
    /// The word for screens: cancel, amend, extend, move.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Amend { .. } => "amend",
            Self::Extend { .. } => "extend",
            Self::Move { .. } => "move",
        }
    }
}

/// How a wish stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The store has not answered yet.
    Pending,
    /// It is so.
    Granted,
    /// It is so for what had not left the store.
    GrantedForTheRest,
    /// It cannot be.
    Rejected(Because),
}

/// A wish of HQ with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// HQ's event.
    pub event: EventId,
    /// Its number in HQ's log.
    pub n: u64,
    /// When.
    pub at: Wall,
    /// What is wanted.
    pub kind: WishKind,
    /// How it stands.
    pub answer: Answer,
}

/// The misses at this order's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeRegion {
    /// Wrong tries since the last right one.
    pub tries: u32,
    /// Times that it was locked since the last right one.
    pub locks: u32,
    /// No code is taken before.
    pub locked_until: Option<Timestamp>,
    /// Whether HQ gave a code or the store minted one.
    pub is_set: bool,
}

/// Something that the outside is told when it happens (webhooks): the id of the event makes the telling unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The event that made it.
    pub event: EventId,
    /// What happened.
    pub what: Moved,
}

words! {
    /// What a transition is called outside.
    Moved {
        /// Waits for the customer.
        Ready = "ready",
        /// All of it left the store.
        Collected = "collected",
        /// Part of it left the store.
        PartlyCollected = "partly_collected",
        /// It did not leave the store after all.
        CollectionUndone = "collection_undone",
        /// Not wanted at the counter.
        Refused = "refused",
        /// Nobody came.
        Expired = "expired",
        /// Open again after it had expired.
        Reopened = "reopened",
        /// Cancelled.
        Cancelled = "cancelled",
        /// HQ's cancel came too late.
        CancelRejected = "cancel_rejected",
        /// HQ's amendment came too late.
        AmendmentRejected = "amendment_rejected",
        /// Another store has it.
        Released = "released",
        /// The stock is free again.
        PutBack = "put_back",
        /// Paid at the till.
        PaidInStore = "paid_in_store",
    }
}

/// What a fold of the two logs says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The order's number; `None` before HQ's `placed` arrived.
    pub order: Option<OrderNumber>,
    /// How it is paid and comes to the store.
    pub kind: OrderKind,
    /// Where the contract was made.
    pub contract: Contract,
    /// When it was promised to be ready.
    pub promised_at: Option<Timestamp>,
    /// When HQ placed it.
    pub placed_at: Option<Wall>,
    /// Whose it is.
    pub person: Option<PersonRef>,
    /// The store that still has the goods, when the order was moved here.
    pub awaits: Option<StoreId>,
    /// The goods.
    pub goods: Goods,
    /// The money.
    pub money: MoneyRegion,
    /// The customer.
    pub presence: Presence,
    /// HQ's wishes, oldest first.
    pub wishes: Vec<Wish>,
    /// The misses at its code.
    pub code: CodeRegion,
    /// Raised whenever shelf or deadline change, from 1 at the first READY; 0 before. Part of
    /// [`RoundKey`](crate::message::RoundKey).
    pub round: u32,
    /// What the outside is told, in the store's order.
    pub transitions: Vec<Transition>,
    /// Why it stands as it does, for the order's page, oldest first.
    pub why: Vec<Why>,
    /// The number of facts in both logs: the version for `ETag` and `If-Match`.
    pub version: u64,
}

impl Reservation {
    /// The wish that waits for an answer and, if several do, came last; what HQ shows as "cancel asked".
    pub fn standing_wish(&self) -> Option<&Wish> {
        self.wishes.iter().rev().find(|w| w.answer == Answer::Pending)
    }

    /// The word for the wish region: `none`, `cancel`, `amend`, `extend`, `move`, while unanswered.
    pub fn wish_word(&self) -> &'static str {
        self.standing_wish().map_or("none", |w| w.kind.as_str())
    }

    /// Who extended: whether the customer may do so once more.
    pub fn may_extend(&self, by: ActorKind, most: u32) -> bool {
        by != ActorKind::Customer || self.goods.customer_extensions < most
    }
}
