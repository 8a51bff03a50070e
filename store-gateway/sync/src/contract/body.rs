//! The bodies of events, one type each. Missing optional fields and null mean the same; unknown fields are ignored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shop_model::event::{
    ActorKind, Because, CaseKind, Contract, Method, MoneyState, OrderKind, Settlement, Tender, Via,
};
use shop_model::language::Language;
use shop_model::message::{Meaning, Purpose};
use uuid::Uuid;

use super::word::{Time, Word};

/// Declares wire structs with what all of them derive.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty),* })+
    };
}

bodies! {
    /// One line of an order.
    Line {
        /// Its number, from 1.
        #[schemars(range(min = 1))]
        line: u32,
        /// The shop's article number.
        #[schemars(length(min = 1, max = 80))]
        sku: String,
        /// EAN-13 or EAN-8 with a valid check digit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ean: Option<String>,
        /// The product's name.
        #[schemars(length(max = 300))]
        name: String,
        /// Pieces.
        #[schemars(range(min = 1, max = 100_000))]
        quantity: u32,
        /// Price of one piece in minor units.
        unit_price: i64,
        /// The least age in years.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        age: Option<u8>,
    }
    /// Pieces of a line.
    LineQuantity {
        /// The line's number.
        line: u32,
        /// Pieces.
        quantity: u32,
    }
    /// A bag on a shelf.
    StagedBag {
        /// The bag, without the printed `B<order>-`.
        #[schemars(length(min = 1, max = 20))]
        bag: String,
        /// The shelf, without the printed `S`.
        #[schemars(length(min = 1, max = 20))]
        shelf: String,
    }
    /// Who let a rule be broken, and why.
    Override {
        /// The member of staff.
        by: String,
        /// The reason.
        reason: String,
    }
    /// HQ's word for not waiting.
    HqOverride {
        /// The reason.
        reason: String,
    }
    /// `reservation.placed`.
    Placed {
        /// The shop platform's number.
        #[schemars(length(min = 1, max = 40))]
        order: String,
        /// How it is paid and comes to the store.
        kind: Word<OrderKind>,
        /// Where the contract was made.
        contract: Word<Contract>,
        /// The lines.
        #[schemars(length(min = 1))]
        lines: Vec<Line>,
        /// ISO 4217 code.
        #[schemars(regex(pattern = "^[A-Z]{3}$"))]
        currency: String,
        /// What it costs, in minor units.
        total: i64,
        /// What is to be paid at the store, in minor units.
        due: i64,
        /// When it was promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promised_at: Option<Time>,
        /// The pickup code; the store mints one when it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(regex(pattern = "^[0-9]{6}$"))]
        code: Option<String>,
        /// Whose order it is.
        person_ref: Uuid,
        /// The person's data; absent once erased.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        personal: Option<Personal>,
        /// The store that has the goods, when the order was moved here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_store: Option<String>,
    }
    /// `reservation.amended`.
    Amended {
        /// HQ's number of the amendment.
        revision: u32,
        /// All lines anew.
        #[schemars(length(min = 1))]
        lines: Vec<Line>,
        /// What it costs now.
        total: i64,
        /// What is to be paid at the store now.
        due: i64,
    }
    /// `reservation.cancel_requested`.
    CancelRequested {
        /// Who asked.
        #[serde(default)]
        by: String,
        /// Why.
        #[serde(default)]
        reason: String,
    }
    /// `reservation.extended`.
    Extended {
        /// Until when.
        until: Time,
    }
    /// `reservation.payment_changed`.
    PaymentChanged {
        /// The state of the online payment.
        money: Word<MoneyState>,
        /// The amount that it is about, in minor units.
        amount: i64,
        /// The payment provider's reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    }
    /// `reservation.moved`, `reservation.released`.
    ToStore {
        /// The other store.
        to_store: String,
    }
    /// `reservation.source_released`.
    SourceReleased {
        /// The store that had the goods.
        from_store: String,
        /// HQ's reason for not waiting for it.
        #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
        overridden: Option<HqOverride>,
    }
    /// `reservation.frozen`.
    Frozen {
        /// The product.
        sku: String,
        /// The batch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lot: Option<String>,
    }
    /// A body that says nothing beside its type.
    Empty {}
    /// `person.changed`.
    PersonChanged {
        /// Who.
        person_ref: Uuid,
        /// The data; absent once erased.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        personal: Option<Personal>,
    }
    /// `person.erased`.
    PersonErased {
        /// Who.
        person_ref: Uuid,
    }
    /// `command.issued`.
    CommandIssued {
        /// What to do.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Map<String, Value>,
        /// Not to be begun after.
        expires_at: Time,
    }
    /// `hq.announcement`.
    Announcement {
        /// The words.
        text: String,
        /// Shown until.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    }
    /// `reservation.short`.
    Short {
        /// What is missing.
        lines: Vec<LineQuantity>,
        /// The article proposed instead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        substitute: Option<String>,
    }
    /// `reservation.ready`.
    Ready {
        /// Every bag with its shelf.
        bags: Vec<StagedBag>,
        /// When the hold ends.
        hold_until: Time,
    }
    /// `reservation.arrived`.
    Arrived {
        /// How we know.
        via: Word<Via>,
        /// Where the customer waits.
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    }
    /// `reservation.code_failed`.
    CodeFailed {
        /// Wrong tries since the last right one.
        tries: u32,
    }
    /// `reservation.code_locked`.
    CodeLocked {
        /// Until when.
        until: Time,
    }
    /// `reservation.handed_over`.
    HandedOver {
        /// What was handed over; empty means all that was open.
        #[serde(default)]
        lines: Vec<LineQuantity>,
        /// What proved the person.
        method: Word<Method>,
        /// Who let a rule be broken.
        #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
        overridden: Option<Override>,
    }
    /// `reservation.hand_over_undone`.
    HandOverUndone {
        /// The event that did not happen.
        undoes: Uuid,
    }
    /// `reservation.refused`.
    Refused {
        /// What was refused; empty means all that was open.
        #[serde(default)]
        lines: Vec<LineQuantity>,
        /// Why.
        #[serde(default)]
        reason: String,
        /// What is to be given back, in minor units.
        #[serde(default)]
        refund_due: i64,
    }
    /// `reservation.hold_extended`.
    HoldExtended {
        /// Until when.
        until: Time,
        /// Who wanted it.
        by: Word<ActorKind>,
    }
    /// `reservation.put_back`.
    PutBack {
        /// What was put back; empty means all that was to be.
        #[serde(default)]
        lines: Vec<LineQuantity>,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shelf: Option<String>,
    }
    /// `reservation.paid_in_store`.
    PaidInStore {
        /// In minor units.
        amount: i64,
        /// With what.
        tender: Word<Tender>,
        /// The fiscal receipt's number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
    }
    /// `reservation.cancelled`.
    Cancelled {
        /// HQ's wish; null when staff cancelled.
        #[serde(default)]
        wish: Option<Uuid>,
        /// Why, when staff cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// `reservation.cancel_rejected`.
    CancelRejected {
        /// HQ's wish.
        wish: Uuid,
        /// Why not.
        because: Word<Because>,
    }
    /// `reservation.amendment_rejected`.
    AmendmentRejected {
        /// HQ's number of the amendment.
        revision: u32,
        /// Why not.
        because: Word<Because>,
    }
    /// `case.opened`, `case.changed`.
    Case {
        /// The order.
        reservation: Uuid,
        /// What it is about.
        kind: Word<CaseKind>,
        /// The case; the aggregate's id when absent.
        case: Uuid,
        /// In staff's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// When it must be answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Time>,
    }
    /// `case.closed`.
    CaseClosed {
        /// The order.
        reservation: Uuid,
        /// What it was about.
        kind: Word<CaseKind>,
        /// The case.
        case: Uuid,
        /// How it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
    }
    /// `message.queued`.
    MessageQueued {
        /// The message.
        message: Uuid,
        /// The order that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<Uuid>,
        /// What it is for.
        purpose: Word<Purpose>,
        /// The round of the reservation that it tells of; 0 for none.
        #[serde(default)]
        round: u32,
        /// The template that made it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
        /// Its language.
        language: Word<Language>,
        /// SMS parts.
        #[schemars(range(min = 1, max = 255))]
        parts: u32,
        /// To whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person_ref: Option<Uuid>,
        /// Not worth sending after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<Time>,
    }
    /// `message.submitted`.
    MessageSubmitted {
        /// The message.
        message: Uuid,
        /// The part, from 1.
        part: u32,
        /// The reference that the network is expected to give.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<u8>,
    }
    /// `message.sent`, `message.delivered`.
    MessagePart {
        /// The message.
        message: Uuid,
        /// The part, from 1; absent for all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<u32>,
    }
    /// `message.failed`, `message.unknown`.
    MessageCause {
        /// The message.
        message: Uuid,
        /// The cause.
        cause: String,
    }
    /// `message.held`, `message.superseded`.
    MessageBecause {
        /// The message.
        message: Uuid,
        /// Why.
        because: String,
    }
    /// `message.settled`.
    MessageSettled {
        /// The message.
        message: Uuid,
        /// What it was decided to be.
        #[serde(rename = "as")]
        settled_as: Word<Settlement>,
        /// Who or what decided.
        by: String,
    }
    /// `message.expired`.
    MessageOnly {
        /// The message.
        message: Uuid,
    }
    /// `call.ended`.
    CallEnded {
        /// `in` or `out`.
        direction: String,
        /// Whether somebody in the store spoke.
        answered: bool,
        /// `talked`, `menu` (the menu was enough), `missed` or `failed`; absent from releases before calls were answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// How long it took, in seconds.
        duration_s: u32,
        /// With whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person_ref: Option<Uuid>,
        /// About which order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reservation: Option<Uuid>,
    }
    /// `staff.logged_in`.
    StaffLoggedIn {
        /// Who.
        staff: String,
    }
    /// `staff.locked`.
    StaffLocked {
        /// Who.
        staff: String,
        /// Until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    }
    /// `command.accepted`, `command.progress`, `command.done`, `command.refused`, `command.failed`; the envelope's
    /// cause is the command's event.
    CommandAnswer {
        /// Why, how far, or what came out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    }
    /// `sync.rejected`; the envelope's cause is the event's id.
    SyncRejected {
        /// The kind of the event's aggregate.
        #[serde(default)]
        kind: String,
        /// The aggregate's id.
        #[serde(default)]
        aggregate: String,
        /// Why.
        why: String,
    }
    /// `sync.skipped`.
    SyncSkipped {
        /// The first sequence number that it stands for.
        from: u64,
        /// The last.
        to: u64,
        /// How many events were dropped.
        count: u64,
        /// Why.
        why: String,
    }
    /// `alert.raised`, `alert.cleared`.
    Alert {
        /// Which alert.
        alert: String,
        /// What a person must know; no personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    }
}

/// Personal data. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Personal {
    /// First name and surname.
    #[schemars(length(max = 120))]
    pub name: String,
    /// E.164.
    pub phone: String,
    /// E-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// pl, uk or en.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// sms, email or voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal(…)")
    }
}

/// `message.received`. `Debug` does not show the text.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    /// The message.
    pub message: Uuid,
    /// From whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_ref: Option<Uuid>,
    /// What was written; absent once erased.
    #[serde(default)]
    pub text: String,
    /// What it was taken to mean.
    pub meaning: Word<Meaning>,
    /// The order that it was taken to be about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Uuid>,
}

impl std::fmt::Debug for MessageReceived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageReceived({} {})", self.message, self.meaning.0)
    }
}
