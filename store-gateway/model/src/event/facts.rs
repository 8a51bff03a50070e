//! The facts of a reservation, by author.

use jiff::Timestamp;

use super::ActorKind;
use crate::code::PickupCode;
use crate::ids::{BagId, EventId, OrderNumber, PersonRef, ShelfId, StaffId, StoreId};
use crate::money::{Amount, Currency};
use crate::person::Personal;

/// Declares an enum of words with its wire form.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used on the wire and in addresses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the wire's word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How the order is paid and comes to the store.
    OrderKind {
        /// Paid before it is placed, or authorised.
        Prepaid = "prepaid",
        /// Paid at the store's till before the hand-over.
        PayInStore = "pay_in_store",
        /// Only held; bought in the ordinary way.
        ReserveOnly = "reserve_only",
        /// Sent to the store from elsewhere; inbound until it arrives.
        ShipToStore = "ship_to_store",
    }
}

words! {
    /// Where the contract was made; decides about the right of withdrawal.
    Contract {
        /// At a distance.
        Distance = "distance",
        /// In the store.
        InStore = "in_store",
    }
}

words! {
    /// The state of the money.
    MoneyState {
        /// Nothing is asked for.
        NoneDue = "none_due",
        /// To be paid before the hand-over.
        Due = "due",
        /// Reserved on a card, not taken yet: not paid.
        Authorised = "authorised",
        /// Paid through HQ.
        PaidOnline = "paid_online",
        /// Paid at the store's till.
        PaidStore = "paid_store",
        /// To be given back.
        RefundDue = "refund_due",
        /// Given back.
        Refunded = "refunded",
    }
}

impl MoneyState {
    /// Whether goods may be handed over without an override.
    pub const fn allows_hand_over(self) -> bool {
        matches!(self, Self::NoneDue | Self::PaidOnline | Self::PaidStore)
    }
}

words! {
    /// How the store came to know that the customer is there.
    Via {
        /// A text message (JESTEM).
        Sms = "sms",
        /// A call.
        Call = "call",
        /// The code on the door.
        Qr = "qr",
        /// The button of the counter unit.
        Unit = "unit",
        /// Staff saw the customer.
        Staff = "staff",
    }
}

words! {
    /// What proved that the right person stands at the counter.
    Method {
        /// The six digits, typed.
        Code = "code",
        /// The customer's QR, scanned.
        Qr = "qr",
        /// A delegate's one-time code.
        Delegate = "delegate",
        /// A manager's word, with a reason.
        Override = "override",
    }
}

words! {
    /// What the customer paid with at the till.
    Tender {
        /// Cash.
        Cash = "cash",
        /// Card.
        Card = "card",
        /// BLIK.
        Blik = "blik",
        /// A voucher.
        Voucher = "voucher",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Why a wish of HQ could not be granted.
    Because {
        /// The goods were handed over already.
        HandedOver = "handed_over",
        /// The goods were picked already.
        Picked = "picked",
        /// The order had ended (cancelled, expired, refused, put back, released).
        Ended = "ended",
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub line: u32,
    /// The shop's article number.
    pub sku: String,
    /// EAN-13 or EAN-8, with a valid check digit.
    pub ean: Option<String>,
    /// The product's name.
    pub name: String,
    /// Pieces, at least 1.
    pub quantity: u32,
    /// Price of one piece.
    pub unit_price: Amount,
    /// The least age in years, for restricted goods.
    pub age: Option<u8>,
}

/// Pieces of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineQuantity {
    /// The line's number.
    pub line: u32,
    /// Pieces.
    pub quantity: u32,
}

/// A bag on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StagedBag {
    /// The bag, without the printed `B<order>-`.
    pub bag: BagId,
    /// The shelf, without the printed `S`.
    pub shelf: ShelfId,
}

/// Who let a rule be broken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The member of staff.
    pub by: StaffId,
    /// The reason in their words.
    pub reason: String,
}

/// An order as HQ placed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The shop platform's number.
    pub order: OrderNumber,
    /// How it is paid and comes to the store.
    pub kind: OrderKind,
    /// Where the contract was made.
    pub contract: Contract,
    /// The lines.
    pub lines: Vec<Line>,
    /// The currency of every amount of this order.
    pub currency: Currency,
    /// What it costs.
    pub total: Amount,
    /// What is to be paid at the store.
    pub due: Amount,
    /// When it was promised to be ready.
    pub promised_at: Option<Timestamp>,
    /// The pickup code; `None` when the store is to mint it.
    pub code: Option<PickupCode>,
    /// Whose order it is.
    pub person: PersonRef,
    /// The person's data; `None` once erased.
    pub personal: Option<Personal>,
    /// The store that has the goods, when the order was moved here: it stays inbound until that store released them.
    pub from_store: Option<StoreId>,
}

/// What HQ writes about a reservation: commercial facts and wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HqFact {
    /// `reservation.placed`.
    Placed(Box<Placed>),
    /// `reservation.amended`: new lines, if they are not picked yet.
    Amended {
        /// HQ's number of this amendment, from 1.
        revision: u32,
        /// All lines anew.
        lines: Vec<Line>,
        /// What it costs now.
        total: Amount,
        /// What is to be paid at the store now.
        due: Amount,
    },
    /// `reservation.cancel_requested`.
    CancelRequested {
        /// Who asked for it: `customer`, `shop` …
        by: String,
        /// Why, in HQ's words.
        reason: String,
    },
    /// `reservation.extended`: hold longer.
    Extended {
        /// Until when.
        until: Timestamp,
    },
    /// `reservation.payment_changed`.
    PaymentChanged {
        /// The state of the online payment now.
        money: MoneyState,
        /// The amount that it is about.
        amount: Amount,
        /// The payment provider's reference.
        reference: Option<String>,
    },
    /// `reservation.moved`: the customer wants it at another store.
    Moved {
        /// That store.
        to_store: StoreId,
    },
    /// `reservation.source_released`: the store that had the goods of an order moved here let go of them.
    SourceReleased {
        /// That store.
        from_store: StoreId,
        /// HQ's reason for not waiting for it.
        reason: Option<String>,
    },
    /// `reservation.frozen`: a recalled product; nothing of it is handed over.
    Frozen {
        /// The product.
        sku: String,
        /// The batch, when only one is recalled.
        lot: Option<String>,
    },
    /// `reservation.unfrozen`.
    Unfrozen,
}

/// What the store writes about a reservation: physical facts, the till's, and answers to wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFact {
    /// `reservation.accepted`: the store will do it.
    Accepted,
    /// `reservation.pick_started`.
    PickStarted,
    /// `reservation.short`: pieces that are not there.
    Short {
        /// What is missing.
        lines: Vec<LineQuantity>,
        /// The article proposed instead.
        substitute: Option<String>,
    },
    /// `reservation.bag_staged`.
    BagStaged(StagedBag),
    /// `reservation.ready`.
    Ready {
        /// Every bag with its shelf.
        bags: Vec<StagedBag>,
        /// When the hold ends.
        hold_until: Timestamp,
    },
    /// `reservation.arrived`.
    Arrived {
        /// How we know.
        via: Via,
        /// Where the customer waits.
        place: Option<String>,
    },
    /// `reservation.attended`: somebody claimed the customer.
    Attended,
    /// `reservation.left`: gone without the goods.
    Left,
    /// `reservation.code_set`: the store minted a pickup code. The code itself never travels.
    CodeSet,
    /// `reservation.code_failed`.
    CodeFailed {
        /// Wrong tries since the last right one.
        tries: u32,
    },
    /// `reservation.code_locked`.
    CodeLocked {
        /// No code is taken before.
        until: Timestamp,
    },
    /// `reservation.handed_over`.
    HandedOver {
        /// What was handed over; empty means all that was open.
        lines: Vec<LineQuantity>,
        /// What proved the person.
        method: Method,
        /// Who let a rule be broken, if one was.
        overridden: Option<Override>,
    },
    /// `reservation.hand_over_undone`.
    HandOverUndone {
        /// The `handed_over` that did not happen.
        undoes: EventId,
    },
    /// `reservation.refused`: not wanted at the counter.
    Refused {
        /// What was refused; empty means all that was open.
        lines: Vec<LineQuantity>,
        /// Why, in the customer's words.
        reason: String,
        /// What is to be given back for it.
        refund_due: Amount,
    },
    /// `reservation.hold_extended`.
    HoldExtended {
        /// Until when.
        until: Timestamp,
        /// Who wanted it.
        by: ActorKind,
    },
    /// `reservation.expired`: nobody came.
    Expired,
    /// `reservation.put_back`: the stock is free again.
    PutBack {
        /// What was put back; empty means all that was to be.
        lines: Vec<LineQuantity>,
        /// Where.
        shelf: Option<ShelfId>,
    },
    /// `reservation.paid_in_store`.
    PaidInStore {
        /// How much.
        amount: Amount,
        /// With what.
        tender: Tender,
        /// The fiscal receipt's number.
        receipt: Option<String>,
    },
    /// `reservation.cancelled`.
    Cancelled {
        /// HQ's wish that it answers; `None` when staff cancelled.
        wish: Option<EventId>,
        /// Why, when staff cancelled.
        reason: Option<String>,
    },
    /// `reservation.cancel_rejected`.
    CancelRejected {
        /// HQ's wish.
        wish: EventId,
        /// Why not.
        because: Because,
    },
    /// `reservation.amendment_rejected`.
    AmendmentRejected {
        /// HQ's number of the amendment.
        revision: u32,
        /// Why not.
        because: Because,
    },
    /// `reservation.released`: the goods are no longer held here, for another store has the order.
    Released {
        /// That store.
        to_store: StoreId,
    },
}
