//! The middle and the right: the open order, staging, search, and the conversation.

use super::board::Who;
use super::calls::Call;
use crate::screens::format::{Moment, Money};
use crate::screens::words::{
    ActionWord, ArrivalWord, CauseWord, GoodsWord, HistoryWord, MessageWord, MoneyWord, PrintKindWord,
    PrintProblemWord, PurposeWord, WhyWord,
};

/// A bag and where it stands.
#[derive(Clone)]
pub struct Bag {
    /// The bag's number within the order, as on its label.
    pub bag: String,
    /// The shelf; none before staging.
    pub shelf: Option<String>,
}

/// Whether the customer's code was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// Not yet.
    None,
    /// It fits.
    Ok,
    /// Not needed (already handed over and so on).
    NotNeeded,
}

/// Whether the bag in the hand is this order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BagCheck {
    /// Nothing scanned and nothing asked.
    None,
    /// A scan of the bag is wanted (`bag_scan = "warn"`, or after a restore).
    Wanted,
    /// Nothing goes on before the bag is scanned (`bag_scan = "required"`).
    Required,
    /// This order's bag was scanned.
    Ok {
        /// Its number.
        bag: String,
    },
    /// Another order's bag was scanned: red, and Enter is blocked.
    Other {
        /// Whose bag it is.
        order: String,
    },
}

/// The money banner.
#[derive(Clone)]
pub struct MoneyView {
    /// The state.
    pub word: MoneyWord,
    /// What is due, was paid, or goes back.
    pub amount: Money,
    /// The reason of a manager's override, when there was one.
    pub override_reason: Option<String>,
}

/// How a line is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineMark {
    /// To be picked or handed over.
    Open,
    /// Some pieces were ticked by scanning the product.
    Ticked(u32),
    /// All of it is missing.
    Short,
    /// Left with the customer.
    HandedOver,
    /// Refused.
    Refused,
    /// Back for sale.
    PutBack,
}

/// One line of an order.
#[derive(Clone)]
pub struct Line {
    /// The product's name.
    pub name: String,
    /// EAN-13, or the shop's own number.
    pub code: String,
    /// Pieces.
    pub quantity: u32,
    /// The price of one piece.
    pub unit_price: Option<Money>,
    /// The age that the customer must have reached.
    pub age: Option<u8>,
    /// Its mark.
    pub mark: LineMark,
}

/// Where the customer is.
#[derive(Clone)]
pub enum Presence {
    /// Not here.
    Away,
    /// On the way.
    OnWay,
    /// Here and waiting.
    Arrived {
        /// Since when.
        since: Moment,
        /// How we know.
        via: ArrivalWord,
        /// Where exactly, when the customer said so.
        place: Option<String>,
        /// Initials of who has taken care.
        attended_by: Option<String>,
    },
    /// Went away without the goods.
    Left,
}

/// A pill under the lines.
#[derive(Clone)]
pub enum Flag {
    /// The latest text about this order and its state.
    Text {
        /// What it was for.
        purpose: PurposeWord,
        /// Its state.
        state: MessageWord,
        /// Since when it is so.
        at: Moment,
    },
    /// The customer's last reply.
    Replied {
        /// Its text, short.
        text: String,
        /// When.
        at: Moment,
    },
    /// The end of the hold.
    HoldUntil(Moment),
    /// When it was promised for.
    Promised(Moment),
    /// The customer must have this age.
    Age(u8),
    /// No telephone number: nobody can be told.
    NoPhone,
    /// The customer called and nobody answered, since then.
    MissedCall(Moment),
    /// HQ wants a cancel and it is not settled yet.
    CancelAsked,
    /// A return case is open.
    CaseOpen,
}

/// HQ's stop of all orders with one product.
#[derive(Clone)]
pub struct Frozen {
    /// The product's number.
    pub sku: String,
}

/// Why the order stands as it does.
#[derive(Clone)]
pub struct Why {
    /// When it was decided.
    pub at: Moment,
    /// The rule.
    pub word: WhyWord,
    /// More: the revision, the other store, a manager's reason.
    pub detail: Option<String>,
}

/// One step of the history.
#[derive(Clone)]
pub struct HistoryItem {
    /// When.
    pub at: Moment,
    /// What.
    pub word: HistoryWord,
    /// More: shelf, amount, reason.
    pub detail: Option<String>,
    /// Who: initials, "HQ", or none for the box itself.
    pub by: Option<String>,
}

/// The one big button.
#[derive(Clone)]
pub enum Primary {
    /// Hand over (Enter).
    HandOver,
    /// The customer's code is needed first: the button puts the cursor in the scan field.
    NeedCode,
    /// The bag has to be scanned first.
    NeedBag,
    /// Another order's bag is in the hand.
    WrongBag,
    /// Money is due first.
    NeedMoney,
    /// Go to staging: scan the bag, scan the shelf.
    Stage,
    /// Tries are locked.
    Locked {
        /// Until when.
        until: Moment,
    },
    /// All is done here: next customer.
    Next,
    /// Nothing can be done, for the reason that the state and the "why" list give.
    Nothing,
}

/// The open order.
#[derive(Clone)]
pub struct Card {
    /// The order number.
    pub order: String,
    /// What it can be printed as.
    pub papers: Vec<PrintKindWord>,
    /// The version for `version` in every form.
    pub version: u64,
    /// Whose it is.
    pub who: Who,
    /// The state of the goods.
    pub goods: GoodsWord,
    /// Bags and shelves, the first is shown largest.
    pub bags: Vec<Bag>,
    /// Whether the code was checked.
    pub code: CodeCheck,
    /// What the hand-over form sends back as proof that the code or QR was checked: an opaque value of the server.
    pub proof: Option<String>,
    /// Whether the bag was checked.
    pub bag: BagCheck,
    /// The money.
    pub money: MoneyView,
    /// The lines.
    pub lines: Vec<Line>,
    /// Where the customer is.
    pub presence: Presence,
    /// Pills.
    pub flags: Vec<Flag>,
    /// Why it stands so.
    pub why: Vec<Why>,
    /// HQ's stop.
    pub frozen: Option<Frozen>,
    /// What happened, newest first.
    pub history: Vec<HistoryItem>,
    /// The big button.
    pub primary: Primary,
    /// The other keys that work now. `Undo` also needs `undo_until`.
    pub actions: Vec<ActionWord>,
    /// A manager may hand it over in spite of money or code, with a reason.
    pub may_override: bool,
    /// Until when the last hand-over can be undone.
    pub undo_until: Option<Moment>,
    /// When it was handed over (or refused), to show in place of the hold.
    pub done_at: Option<Moment>,
    /// A refusal to show above the card.
    pub problem: Option<Problem>,
}

/// What the staging view waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A bag label.
    Bag,
    /// A shelf label, or one more bag.
    Shelf,
}

/// Putting bags on a shelf.
#[derive(Clone)]
pub struct Staging {
    /// The order number.
    pub order: String,
    /// The version.
    pub version: u64,
    /// Whose it is.
    pub who: Who,
    /// Bags scanned and not on a shelf yet.
    pub pending: Vec<String>,
    /// Bags that stand on a shelf.
    pub placed: Vec<Bag>,
    /// What is expected next.
    pub expect: Expect,
    /// The number to offer when a bag is entered by hand, for example "2".
    pub next_bag: String,
    /// Shelves to offer by touch.
    pub shelves: Vec<String>,
    /// The lines, to check while packing.
    pub lines: Vec<Line>,
    /// A refusal to show.
    pub problem: Option<Problem>,
}

/// The answer to a search.
#[derive(Clone)]
pub struct Search {
    /// What was searched for.
    pub query: String,
    /// What was found.
    pub hits: Vec<SearchHit>,
    /// There are more than are listed.
    pub cut: bool,
}

/// One order that a search found.
#[derive(Clone)]
pub struct SearchHit {
    /// The order number.
    pub order: String,
    /// The shelf.
    pub shelf: Option<String>,
    /// Whose it is.
    pub who: Who,
    /// The state of the goods.
    pub goods: GoodsWord,
    /// The hold's end, or when it was finished.
    pub until: Option<Moment>,
}

/// The right column.
#[derive(Clone)]
pub struct Side {
    /// The open order's conversation.
    pub thread: Option<Thread>,
    /// Received texts that need a person, oldest first.
    pub texts: Vec<Text>,
}

/// A received text that needs a person.
#[derive(Clone)]
pub struct Text {
    /// The id for `POST /texts/{id}/done`.
    pub id: String,
    /// Who wrote.
    pub who: Who,
    /// The order that it seems to belong to.
    pub order: Option<String>,
    /// What was written.
    pub text: String,
    /// When.
    pub at: Moment,
}

/// A conversation.
#[derive(Clone)]
pub struct Thread {
    /// The order number.
    pub order: String,
    /// Messages, oldest first.
    pub items: Vec<ThreadItem>,
    /// A reply can be written (there is a number).
    pub may_reply: bool,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The customer.
    Customer,
    /// Staff.
    Staff,
    /// The box by itself.
    Automatic,
}

/// One message of a conversation.
#[derive(Clone)]
pub struct ThreadItem {
    /// Who wrote it.
    pub by: Person,
    /// The text; `{code}` is shown as ••••••.
    pub text: String,
    /// When it was written or received.
    pub at: Moment,
    /// The state with its time; none for received ones.
    pub state: Option<(MessageWord, Moment)>,
    /// Why it failed or is unknown.
    pub cause: Option<CauseWord>,
    /// The call, when it was one and no text.
    pub call: Option<Call>,
}

/// A refusal in words, with what to do next.
#[derive(Clone)]
pub enum Problem {
    /// The code does not fit (`/problems/wrong-code`).
    WrongCode {
        /// Tries left before the lock.
        tries_left: u32,
    },
    /// Tries are locked (`/problems/locked`).
    Locked {
        /// Until when.
        until: Moment,
    },
    /// Money is due (`/problems/money-due`).
    MoneyDue {
        /// How much.
        due: Money,
    },
    /// The order's state does not allow it (`/problems/wrong-state`).
    WrongState {
        /// Its state.
        goods: GoodsWord,
    },
    /// The code belongs to another store (`/problems/wrong-store`).
    WrongStore {
        /// That store's name.
        store: String,
        /// Its hours and telephone, when known.
        detail: Option<String>,
    },
    /// No such order here (`/problems/unknown-order`).
    UnknownOrder {
        /// What was asked for.
        order: String,
    },
    /// Somebody changed the order meanwhile (412).
    Changed,
    /// The bag belongs to another order.
    WrongBag {
        /// Whose bag it is.
        order: String,
    },
    /// This product is not in the open order.
    WrongProduct {
        /// The scanned EAN.
        ean: String,
    },
    /// The label was read but fits nothing here (a shelf without a bag before it, and so on).
    Unexpected,
    /// Undo is no longer possible.
    TooLateToUndo,
    /// Only a manager (or senior) may do that.
    NotAllowed,
    /// A field of a form is missing or too long.
    BadInput,
    /// The session ended or the form is too old: log in again.
    Session,
    /// Nothing is printed.
    Print(PrintProblemWord),
    /// The box cannot write now; try again.
    Busy,
}
