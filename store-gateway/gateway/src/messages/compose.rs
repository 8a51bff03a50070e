//! Writes texts: template, language, values, parts. The code stays `{code}`.

use std::borrow::Cow;

use gsm_modem::pdu::{EncodingChoice, Folding, MAX_PARTS, SegmentError, Segments, fold, segment};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use shop_model::ids::{PersonRef, ReservationId};
use shop_model::language::Language;
use shop_model::money::{Amount, Currency};
use shop_model::template::{Template, TemplateKey, Templates, Values, Variable, moment};

use super::row::word;
use crate::app::ShopError;
use crate::desk::Desk;

/// Whether letters that GSM-7 lacks are replaced by plain ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The text goes out as it is.
    AsWritten,
    /// "Bez ogonków".
    Plain,
}

impl From<bool> for Fold {
    /// As forms and JSON say it.
    fn from(fold: bool) -> Self {
        if fold { Self::Plain } else { Self::AsWritten }
    }
}

impl From<Fold> for Folding {
    fn from(fold: Fold) -> Self {
        match fold {
            Fold::AsWritten => Folding::Keep,
            Fold::Plain => Folding::Fold,
        }
    }
}

/// An order as texts need it.
pub(super) struct OrderRow {
    pub id: ReservationId,
    pub number: String,
    pub person: PersonRef,
    pub language: Language,
    pub goods: String,
    pub currency: String,
    pub due: i64,
    pub round: u32,
    pub hold_until_ms: Option<i64>,
    pub is_unsure: bool,
}

/// The columns of [`OrderRow`], of `reservation r JOIN person p`.
pub(super) const ORDER_COLUMNS: &str =
    "r.id, r.number, p.person_ref, p.language, r.goods, r.currency, r.due, r.round, r.hold_until_ms, r.unsure";

impl OrderRow {
    /// Reads the columns of [`ORDER_COLUMNS`].
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<OrderRow> {
        Ok(OrderRow {
            id: word(row, 0, |w| ReservationId::parse(w).ok())?,
            number: row.get(1)?,
            person: word(row, 2, |w| PersonRef::parse(w).ok())?,
            language: word(row, 3, Language::parse)?,
            goods: row.get(4)?,
            currency: row.get(5)?,
            due: row.get(6)?,
            round: row.get(7)?,
            hold_until_ms: row.get(8)?,
            is_unsure: row.get(9)?,
        })
    }

    /// The order, when its person is still known.
    pub(super) fn find(db: &Connection, id: ReservationId) -> Result<Option<OrderRow>, ShopError> {
        let sql = format!(
            "SELECT {ORDER_COLUMNS} FROM reservation r JOIN person p ON p.person_ref = r.person_ref WHERE r.id = ?1"
        );
        Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], Self::read).optional()?)
    }
}

/// A text ready for the queue.
pub(super) struct Written {
    pub text: String,
    pub fold: Fold,
    pub parts: u8,
}

/// Fills a text about an order. HQ's text that can't be filled gives way to the built-in one; `None` when that needs
/// something that the store does not have either.
pub(super) fn write(
    desk: &Desk<'_, '_>,
    key: TemplateKey,
    language: Language,
    order: Option<&OrderRow>,
) -> Option<Written> {
    let values = values(desk, language, order);
    let fill = |template: &Template| {
        let text = template.fill(&values).ok()?;
        let fold = Fold::from(template.fold);
        let parts = parts(&text, fold).ok()?;
        if u32::from(parts) > template.most_parts {
            tracing::warn!(template = key.as_str(), parts, "a text is longer than its template allows");
        }
        Some(Written { text, fold, parts })
    };
    fill(&desk.bundle().templates.find(key, language)).or_else(|| fill(&Templates::default().find(key, language)))
}

fn values(desk: &Desk<'_, '_>, language: Language, order: Option<&OrderRow>) -> Values {
    let hours = &desk.bundle().hours;
    let zone = hours.zone();
    let mut values = Values::default().with(Variable::Store, &desk.app().config.store.name);
    let now = timestamp(desk.wall().unix_ms);
    if let Some(opening) = hours.next_opening(now) {
        values = values.with(Variable::Opening, moment(opening, &zone, language));
    }
    let Some(order) = order else { return values };
    values = values.with(Variable::Order, &order.number);
    if let Some(until) = order.hold_until_ms {
        values = values.with(Variable::HoldUntil, moment(timestamp(until), &zone, language));
    }
    if let Ok(currency) = Currency::parse(&order.currency) {
        values = values.with(Variable::Due, Amount(order.due).of(currency).format(language));
    }
    values
}

/// A time from a row.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}

/// Cuts a text into parts as it will go out. The code counts with its six digits.
pub(super) fn cut(text: &str, how: Fold) -> Result<Segments, SegmentError> {
    let text = text.replace("{code}", "000000");
    let text: Cow<'_, str> = match how {
        Fold::AsWritten => text.into(),
        Fold::Plain => fold(&text).into(),
    };
    segment(&text, EncodingChoice::Auto, MAX_PARTS)
}

/// How many parts a text takes.
pub(super) fn parts(text: &str, how: Fold) -> Result<u8, SegmentError> {
    let segments = cut(text, how)?;
    Ok(u8::try_from(segments.parts.len()).unwrap_or(MAX_PARTS))
}
