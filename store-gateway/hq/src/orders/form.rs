//! The bodies that REST takes, as they come: types only. [`super::check`] turns them into the model's types.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop_model::code::PickupCode;
use shop_model::event::{Contract, Line, MoneyState, OrderKind};
use shop_model::ids::{OrderNumber, StoreId};
use shop_model::money::{Amount, Currency};
use shop_model::person::Personal;

use super::check::Checker;
use super::refusal::{FieldError, Refusal};

/// Largest body of one order, in bytes. A hundred long lines fit.
pub const BODY_MAX: usize = 64 * 1024;

/// `POST orders`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct OrderForm {
    /// `[a-z0-9-]{1,32}`.
    pub store: String,
    /// The shop platform's number, up to 40 characters.
    pub order: String,
    /// `prepaid`, `pay_in_store`, `reserve_only` or `ship_to_store`.
    pub kind: String,
    /// `distance` or `in_store`.
    pub contract: String,
    /// Who collects.
    pub customer: CustomerForm,
    /// 1 to 100 lines.
    pub lines: Vec<LineForm>,
    /// ISO 4217.
    pub currency: String,
    /// The sum of the lines, in minor units.
    pub total: i64,
    /// To be paid at the store, in minor units.
    pub due: i64,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<String>,
    /// Six digits; HQ mints one when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_code: Option<String>,
}

/// The customer of an order.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct CustomerForm {
    /// First name and surname.
    pub name: String,
    /// E.164.
    pub phone: String,
    /// An e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `pl`, `uk` or `en`; `pl` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `sms`, `email` or `voice`; `sms` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// A line of an order.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct LineForm {
    /// The shop's article number.
    pub sku: String,
    /// EAN-13 or EAN-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ean: Option<String>,
    /// The product's name.
    pub name: String,
    /// Pieces, from 1.
    pub quantity: u32,
    /// Price of one piece, in minor units.
    pub unit_price: i64,
    /// Least age in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u8>,
}

/// `POST orders/{order}/cancel`.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CancelForm {
    /// Who asks: `customer`, `shop` …
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The store, unless it is in the query.
    pub store: Option<String>,
}

/// `POST orders/{order}/amend`: all lines anew.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct AmendForm {
    /// 1 to 100 lines.
    pub lines: Vec<LineForm>,
    /// Their sum.
    pub total: i64,
    /// To be paid at the store.
    pub due: i64,
    /// The store, unless it is in the query.
    #[serde(default)]
    pub store: Option<String>,
}

/// `POST orders/{order}/payment`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct PaymentForm {
    /// `authorised`, `paid_online`, `due`, `none_due`, `refund_due` or `refunded`.
    pub money: String,
    /// What it is about, in minor units.
    pub amount: i64,
    /// The payment provider's reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// The store, unless it is in the query.
    #[serde(default)]
    pub store: Option<String>,
}

/// `POST orders/{order}/move`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct MoveForm {
    /// Where the customer wants it.
    pub to_store: String,
    /// The store, unless it is in the query.
    #[serde(default)]
    pub store: Option<String>,
}

/// A checked order.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Where it goes.
    pub store: StoreId,
    /// Its number.
    pub order: OrderNumber,
    /// How it is paid and comes there.
    pub kind: OrderKind,
    /// Where the contract was made.
    pub contract: Contract,
    /// The lines, numbered from 1.
    pub lines: Vec<Line>,
    /// Of every amount.
    pub currency: Currency,
    /// What it costs.
    pub total: Amount,
    /// What is to be paid at the store.
    pub due: Amount,
    /// When it was promised.
    pub promised_at: Option<jiff::Timestamp>,
    /// The code that the shop chose.
    pub code: Option<PickupCode>,
    /// Whose it is.
    pub personal: Personal,
}

/// A checked amendment.
#[derive(Clone, Debug)]
pub struct NewLines {
    /// All lines.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Amount,
    /// What is to be paid at the store.
    pub due: Amount,
}

/// A checked payment change.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// The money's state now.
    pub money: MoneyState,
    /// What it is about.
    pub amount: Amount,
    /// The payment provider's reference.
    pub reference: Option<String>,
}

/// Reads a body; names the path of what has the wrong type.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::Invalid`] or [`Refusal::TooLarge`].
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if body.len() > BODY_MAX {
        return Err(Refusal::TooLarge { limit: BODY_MAX });
    }
    let value = serde_json::from_slice(body).map_err(|e| Refusal::Malformed { why: e.to_string() })?;
    read_value(value)
}

/// The same for a body that is JSON already, as rows of a CSV file become.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    require_objects(&value)?;
    serde_path_to_error::deserialize(value).map_err(|e| refused(&e))
}

/// serde takes an array for an object, field by field in their order; nobody means that.
fn require_objects(value: &Value) -> Result<(), Refusal> {
    let object = |value: &Value, path: String| {
        if value.is_object() { Ok(()) } else { Err(Refusal::field(path, "expected an object")) }
    };
    object(value, "$".into())?;
    if let Some(customer) = value.get("customer") {
        object(customer, "customer".into())?;
    }
    let lines = value.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    lines.iter().enumerate().try_for_each(|(n, line)| object(line, format!("lines[{n}]")))
}

fn refused(e: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let words = e.inner().to_string();
    let words = words.as_str();
    let path = e.path().to_string();
    // serde names the parent of a missing field; the reader wants the field.
    let (path, words) = match words.strip_prefix("missing field `").and_then(|w| w.strip_suffix('`')) {
        Some(field) if path == "." => (field.to_owned(), "is missing".to_owned()),
        Some(field) => (format!("{path}.{field}"), "is missing".to_owned()),
        None if path == "." => ("$".to_owned(), without_value(words)),
        None => (path, without_value(words)),
    };
    Refusal::Invalid(vec![FieldError::new(path, words)])
}

/// serde quotes what it found; a name or number must not come back that way.
fn without_value(words: &str) -> String {
    match words.find(", expected ") {
        Some(at) => words[at + 2..].to_owned(),
        None => words.to_owned(),
    }
}

/// Checks an order.
///
/// # Errors
/// [`Refusal::Invalid`] with everything that is wrong.
pub fn parse_order(form: &OrderForm) -> Result<NewOrder, Refusal> {
    let mut check = Checker::default();
    let order = check.order(form);
    check.finish(order)
}

/// Checks an amendment of an order of this kind.
///
/// # Errors
/// [`Refusal::Invalid`] with everything that is wrong.
pub fn parse_amendment(form: &AmendForm, kind: OrderKind) -> Result<NewLines, Refusal> {
    let mut check = Checker::default();
    let lines = check.amendment(form, kind);
    check.finish(lines)
}

/// Checks a payment change.
///
/// # Errors
/// [`Refusal::Invalid`] with everything that is wrong.
pub fn parse_payment(form: &PaymentForm) -> Result<NewPayment, Refusal> {
    let mut check = Checker::default();
    let payment = check.payment(form);
    check.finish(payment)
}
