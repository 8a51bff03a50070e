//! The checks of order bodies. All that is wrong is collected, so that one answer names everything.

use jiff::Timestamp;
use shop_model::code::PickupCode;
use shop_model::event::{Contract, Line, MoneyState, OrderKind};
use shop_model::ids::{OrderNumber, StoreId};
use shop_model::language::Language;
use shop_model::money::{Amount, Currency};
use shop_model::person::{Channel, Personal};
use shop_model::phone::Phone;
use shop_model::scan::is_ean;

use super::form::{AmendForm, CustomerForm, LineForm, NewLines, NewOrder, NewPayment, OrderForm, PaymentForm};
use super::refusal::{FieldError, Refusal};

/// Lines of one order.
const LINES_MAX: usize = 100;
/// Pieces of one line.
const QUANTITY_MAX: u32 = 9_999;
/// Minor units of one price: a million złoty.
const PRICE_MAX: i64 = 100_000_000;
/// Characters of an article number.
const SKU_MAX: usize = 64;
/// Characters of a product's name.
const PRODUCT_MAX: usize = 200;
/// Characters of an e-mail address (RFC 5321 §4.5.3.1).
const EMAIL_MAX: usize = 254;
/// Characters of a payment reference.
const REFERENCE_MAX: usize = 100;
/// Errors that one answer names.
const ERRORS_MAX: usize = 50;

/// Collects what is wrong.
#[derive(Default)]
pub struct Checker {
    errors: Vec<FieldError>,
}

impl Checker {
    /// The value, when nothing is wrong.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Refusal> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Refusal::Invalid(self.errors)),
        }
    }

    fn wrong(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError::new(path, detail));
        }
    }

    fn take<T, E: std::fmt::Display>(&mut self, path: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|e| self.wrong(path, e.to_string())).ok()
    }

    fn word<T>(&mut self, path: &str, value: Option<T>, words: &str) -> Option<T> {
        if value.is_none() {
            self.wrong(path, format!("must be one of {words}"));
        }
        value
    }

    fn text(&mut self, path: &str, text: &str, most: usize) -> Option<String> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > most {
            self.wrong(path, format!("needs 1 to {most} characters"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(path, "may not hold control characters");
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn order(&mut self, form: &OrderForm) -> Option<NewOrder> {
        let store = self.store("store", &form.store);
        let order = self.order_number("order", &form.order);
        let kind =
            self.word("kind", OrderKind::parse(&form.kind), "prepaid, pay_in_store, reserve_only, ship_to_store");
        let contract = self.word("contract", Contract::parse(&form.contract), "distance, in_store");
        let personal = self.customer(&form.customer);
        let lines = self.lines(&form.lines);
        let currency = self.take("currency", Currency::parse(&form.currency));
        self.total(&form.lines, form.total);
        if let Some(kind) = kind {
            self.due(kind, form.total, form.due);
        }
        let promised_at = form.promised_at.as_deref().map(|text| self.time("promised_at", text));
        let code = form.pickup_code.as_deref().map(|text| self.take("pickup_code", PickupCode::parse(text)));
        Some(NewOrder {
            store: store?,
            order: order?,
            kind: kind?,
            contract: contract?,
            lines: lines?,
            currency: currency?,
            total: Amount(form.total),
            due: Amount(form.due),
            promised_at: flat(promised_at)?,
            code: flat(code)?,
            personal: personal?,
        })
    }

    pub(super) fn amendment(&mut self, form: &AmendForm, kind: OrderKind) -> Option<NewLines> {
        let lines = self.lines(&form.lines);
        self.total(&form.lines, form.total);
        self.due(kind, form.total, form.due);
        Some(NewLines { lines: lines?, total: Amount(form.total), due: Amount(form.due) })
    }

    pub(super) fn payment(&mut self, form: &PaymentForm) -> Option<NewPayment> {
        let online = |state: &MoneyState| *state != MoneyState::PaidStore;
        let money = self.word(
            "money",
            MoneyState::parse(&form.money).filter(online),
            "none_due, due, authorised, paid_online, refund_due, refunded",
        );
        if !(0..=PRICE_MAX * i64::from(QUANTITY_MAX)).contains(&form.amount) {
            self.wrong("amount", "must not be negative, nor beyond all sums");
        }
        let reference = form.reference.as_deref().map(|text| self.text("reference", text, REFERENCE_MAX));
        Some(NewPayment { money: money?, amount: Amount(form.amount), reference: flat(reference)? })
    }

    pub(super) fn store(&mut self, path: &str, text: &str) -> Option<StoreId> {
        let store = self.take(path, StoreId::parse(text))?;
        if store.as_str() == "hq" {
            self.wrong(path, "`hq` is the name of headquarters in the topics");
            return None;
        }
        Some(store)
    }

    fn order_number(&mut self, path: &str, text: &str) -> Option<OrderNumber> {
        if text.trim() != text {
            self.wrong(path, "may not begin or end with a space");
            return None;
        }
        self.take(path, OrderNumber::parse(text))
    }

    fn customer(&mut self, form: &CustomerForm) -> Option<Personal> {
        let name = self.text("customer.name", &form.name, Personal::NAME_LIMIT);
        let phone = self.take("customer.phone", Phone::parse(&form.phone));
        let email = form.email.as_deref().map(|text| self.email(text));
        let language = match form.language.as_deref() {
            None => Some(Language::default()),
            Some(text) => self.word("customer.language", Language::parse(text), "pl, uk, en"),
        };
        let channel = match form.channel.as_deref() {
            None => Some(Channel::default()),
            Some(text) => self.word("customer.channel", Channel::parse(text), "sms, email, voice"),
        };
        Some(Personal { name: name?, phone: phone?, email: flat(email)?, language: language?, channel: channel? })
    }

    fn email(&mut self, text: &str) -> Option<String> {
        let text = self.text("customer.email", text, EMAIL_MAX)?;
        let good = text.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && host.len() > 2 && host.contains('.') && !host.contains('@')
        });
        if !good || text.contains(char::is_whitespace) {
            self.wrong("customer.email", "is no e-mail address");
            return None;
        }
        Some(text)
    }

    fn lines(&mut self, forms: &[LineForm]) -> Option<Vec<Line>> {
        if forms.is_empty() || forms.len() > LINES_MAX {
            self.wrong("lines", format!("needs 1 to {LINES_MAX} lines"));
            return None;
        }
        let lines: Vec<_> = forms.iter().enumerate().map(|(n, form)| self.line(n, form)).collect();
        lines.into_iter().collect()
    }

    fn line(&mut self, n: usize, form: &LineForm) -> Option<Line> {
        let at = |field: &str| format!("lines[{n}].{field}");
        let sku = self.text(&at("sku"), &form.sku, SKU_MAX);
        let name = self.text(&at("name"), &form.name, PRODUCT_MAX);
        let ean = form.ean.as_deref().map(|text| self.ean(&at("ean"), text));
        if !(1..=QUANTITY_MAX).contains(&form.quantity) {
            self.wrong(at("quantity"), format!("must be from 1 to {QUANTITY_MAX}"));
        }
        if !(0..=PRICE_MAX).contains(&form.unit_price) {
            self.wrong(at("unit_price"), format!("must be from 0 to {PRICE_MAX} minor units"));
        }
        if form.age.is_some_and(|age| !(1..=99).contains(&age)) {
            self.wrong(at("age"), "must be from 1 to 99 years");
        }
        Some(Line {
            line: u32::try_from(n + 1).unwrap_or(u32::MAX),
            sku: sku?,
            ean: flat(ean)?,
            name: name?,
            quantity: form.quantity,
            unit_price: Amount(form.unit_price),
            age: form.age,
        })
    }

    fn ean(&mut self, path: &str, text: &str) -> Option<String> {
        if !is_ean(text) {
            self.wrong(path, "is no EAN-13 or EAN-8 with a right check digit");
            return None;
        }
        Some(text.to_owned())
    }

    fn total(&mut self, lines: &[LineForm], total: i64) {
        let sum = lines
            .iter()
            .try_fold(0_i64, |sum, line| sum.checked_add(line.unit_price.checked_mul(i64::from(line.quantity))?));
        if sum != Some(total) {
            self.wrong("total", "is not the sum of the lines");
        }
    }

    fn due(&mut self, kind: OrderKind, total: i64, due: i64) {
        if !(0..=total.max(0)).contains(&due) {
            self.wrong("due", "must be from 0 to the total");
            return;
        }
        match kind {
            OrderKind::Prepaid if due != 0 => self.wrong("due", "must be 0 for a prepaid order"),
            OrderKind::PayInStore if due == 0 && total > 0 => {
                self.wrong("due", "must not be 0 for an order that is paid in the store");
            }
            OrderKind::Prepaid | OrderKind::PayInStore | OrderKind::ReserveOnly | OrderKind::ShipToStore => {}
        }
    }

    fn time(&mut self, path: &str, text: &str) -> Option<Timestamp> {
        let time: Result<Timestamp, _> = text.parse();
        match time {
            Ok(time) => Some(time),
            Err(_) => {
                self.wrong(path, "is no RFC 3339 time, as 2026-11-22T14:00:00Z");
                None
            }
        }
    }
}

/// An optional field that was wrong makes the whole value wrong; one that is absent does not.
#[expect(clippy::option_option, reason = "absent, wrong and present are three things")]
fn flat<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}
