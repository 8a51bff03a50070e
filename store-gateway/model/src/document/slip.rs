//! The slips of an order: what to pick, and what was collected.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sans_io::ClockQuality;

use super::words::Words;
use super::{Align, Document, Part, Size, Style, Weight};
use crate::event::{MoneyState, StagedBag};
use crate::ids::OrderNumber;
use crate::language::Language;
use crate::money::{Amount, Currency};
use crate::reservation::{HandOver, LineGoods, Reservation};
use crate::template::moment;

/// What a slip needs of the shop.
#[derive(Clone, Debug)]
pub struct Shop<'a> {
    /// The store's name as customers know it.
    pub name: &'a str,
    /// The store's time zone.
    pub zone: &'a TimeZone,
    /// The slip's language.
    pub language: Language,
}

/// What slips say of an order. It never holds a full name, a phone number or a pickup code: of the person it takes the
/// initials alone (R18), and a reservation holds no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    language: Language,
    store: String,
    order: OrderNumber,
    initials: String,
    /// When it was promised or, on a collection slip, when it left; in the store's local time.
    at: Option<String>,
    lines: Vec<SlipLine>,
    bags: Vec<StagedBag>,
    money: SlipMoney,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SlipLine {
    quantity: u32,
    name: String,
    sku: String,
    ean: Option<String>,
    age: Option<u8>,
    amount: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SlipMoney {
    currency: Currency,
    order_total: Amount,
    state: MoneyState,
    /// The amount that belongs to the words for the state; `None` where the words say it all.
    amount: Option<Amount>,
    receipt: Option<String>,
}

impl Slip {
    /// What is still to be handed over of a reservation, for [`pick_slip`]. `None` before HQ's `placed` arrived.
    pub fn to_pick(reservation: &Reservation, initials: &str, shop: &Shop<'_>) -> Option<Self> {
        let lines = reservation.goods.lines.iter().map(|l| SlipLine::of(l, l.open())).collect();
        let at = reservation.promised_at.map(|at| moment(at, shop.zone, shop.language));
        Self::of(reservation, initials, shop, at, lines)
    }

    /// What left the store in one hand-over of a reservation, for [`collection_slip`]. `None` before HQ's `placed`
    /// arrived. Pieces of a line that the reservation does not have are left out, and so is a time that comes from a
    /// clock which ran from a saved time or was never set: a wrong date on paper is worse than none.
    pub fn collected(reservation: &Reservation, hand_over: &HandOver, initials: &str, shop: &Shop<'_>) -> Option<Self> {
        let goods = |line: u32| reservation.goods.lines.iter().find(|l| l.line.line == line);
        let lines = hand_over.lines.iter().filter_map(|l| Some(SlipLine::of(goods(l.line)?, l.quantity))).collect();
        let wall = Some(hand_over.at).filter(|at| at.quality >= ClockQuality::Rtc);
        let at = wall.and_then(|at| Timestamp::from_millisecond(at.unix_ms).ok());
        let at = at.map(|at| date_and_time(at, shop.zone));
        Self::of(reservation, initials, shop, at, lines)
    }

    fn of(
        reservation: &Reservation,
        initials: &str,
        shop: &Shop<'_>,
        at: Option<String>,
        lines: Vec<SlipLine>,
    ) -> Option<Self> {
        Some(Self {
            language: shop.language,
            store: shop.name.to_owned(),
            order: reservation.order.clone()?,
            initials: initials.to_owned(),
            at,
            lines: lines.into_iter().filter(|l| l.quantity > 0).collect(),
            bags: reservation.goods.bags.clone(),
            money: SlipMoney::of(reservation),
        })
    }
}

impl SlipLine {
    fn of(goods: &LineGoods, quantity: u32) -> Self {
        let line = &goods.line;
        Self {
            quantity,
            name: line.name.clone(),
            sku: line.sku.clone(),
            ean: line.ean.clone(),
            age: line.age,
            amount: line.unit_price.times(quantity),
        }
    }
}

impl SlipMoney {
    fn of(reservation: &Reservation) -> Self {
        let money = &reservation.money;
        let amount = match money.state {
            MoneyState::NoneDue | MoneyState::Refunded => None,
            MoneyState::Due | MoneyState::Authorised => Some(money.due),
            MoneyState::PaidOnline | MoneyState::PaidStore => Some(money.paid),
            MoneyState::RefundDue => Some(money.refund_due),
        };
        Self {
            currency: money.currency,
            order_total: money.total,
            state: money.state,
            amount,
            receipt: money.receipt.clone(),
        }
    }
}

/// A date and a time with the year, as a paper that is kept must have them: `22.05.2026 20:00`.
fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    format!("{:02}.{:02}.{:04} {:02}:{:02}", at.day(), at.month(), at.year(), at.hour(), at.minute())
}

const BOLD: Style = Style { weight: Weight::Bold, size: Size::Normal, align: Align::Left };
const TITLE: Style = Style { weight: Weight::Bold, size: Size::Normal, align: Align::Centre };
const MIDDLE: Style = Style { weight: Weight::Regular, size: Size::Normal, align: Align::Centre };
const LARGE: Style = Style { weight: Weight::Bold, size: Size::Double, align: Align::Centre };

fn row(left: impl Into<String>, right: impl Into<String>, style: Style) -> Part {
    Part::Row { left: left.into(), right: right.into(), style }
}

fn plain(left: impl Into<String>, right: impl Into<String>) -> Part {
    row(left, right, Style::default())
}

/// The list for picking: the order, when it was promised, each line with a box to tick, and the order's barcode, which
/// opens the order when it is scanned. At restricted goods stands the least age.
pub fn pick_slip(slip: &Slip) -> Document {
    let words = Words::of(slip.language);
    let mut document = Document::default().text(words.pick_list, TITLE).text(slip.order.as_str(), LARGE);
    document = with_row(document, words.customer, &slip.initials);
    document = with_row(document, words.promised, slip.at.as_deref().unwrap_or_default()).with(Part::Rule);
    for line in &slip.lines {
        let age = line.age.map(|years| format!("{years}+")).unwrap_or_default();
        let ean = line.ean.as_ref().map(|ean| format!("EAN {ean}")).unwrap_or_default();
        document = document
            .with(row(format!("[ ] {} × {}", line.quantity, line.name), age, BOLD))
            .with(plain(format!("SKU {}", line.sku), ean));
    }
    // Held at the end of the range: the sum of pieces is for a person's check only.
    let pieces = slip.lines.iter().fold(0_u32, |sum, line| sum.saturating_add(line.quantity));
    document = document.with(Part::Rule).with(row(words.pieces, pieces.to_string(), BOLD));
    for bag in &slip.bags {
        document = document.with(plain(format!("{} {}", words.bag, bag.bag), bag.shelf.as_str()));
    }
    document.with(Part::Barcode(slip.order.as_str().to_owned())).with(Part::Cut)
}

/// The slip that the customer takes along: what left the store, what it costs and how it was paid. It is no fiscal
/// receipt and says so.
pub fn collection_slip(slip: &Slip) -> Document {
    let words = Words::of(slip.language);
    let money = |amount: Amount| amount.of(slip.money.currency).format(slip.language);
    let mut document = Document::default().text(&*slip.store, LARGE).text(words.collection, TITLE).with(Part::Rule);
    document = with_row(document, words.order, slip.order.as_str());
    document = with_row(document, words.customer, &slip.initials);
    document = with_row(document, words.handed_over, slip.at.as_deref().unwrap_or_default()).with(Part::Rule);
    for line in &slip.lines {
        document = document.with(plain(format!("{} × {}", line.quantity, line.name), money(line.amount)));
    }
    let sum = slip.lines.iter().fold(Amount::ZERO, |sum, line| sum.plus(line.amount));
    document = document.with(Part::Rule).with(row(words.total, money(sum), BOLD));
    // Delivery, discounts or a hand-over in parts: the order's price is another number, and the payment is for that.
    if slip.money.order_total != sum {
        document = document.with(plain(words.order_total, money(slip.money.order_total)));
    }
    let paid = slip.money.amount.map(money).unwrap_or_default();
    document = document.with(plain(words.money(slip.money.state), paid));
    document = with_row(document, words.receipt, slip.money.receipt.as_deref().unwrap_or_default());
    document.with(Part::Rule).text(words.not_fiscal, MIDDLE).text(words.thanks, MIDDLE).with(Part::Cut)
}

/// A row, where there is something to say.
fn with_row(document: Document, left: &str, right: &str) -> Document {
    if right.is_empty() { document } else { document.with(plain(left, right)) }
}
