//! Finding orders: by number, by the last three digits of the phone, by name, by store and state.

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter, types::Value};
use serde::Serialize;
use shop_model::event::MoneyState;
use shop_model::folding;
use shop_model::language::Language;
use shop_model::money::{Amount, Currency};
use shop_model::reservation::GoodsState;

use super::refusal::Refusal;

/// Rows of one page at the most.
pub const LIMIT_MAX: usize = 500;
/// Characters of a search.
const SEARCH_MAX: usize = 80;

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Number, three digits, or part of a name.
    pub text: String,
    /// One store's.
    pub store: Option<String>,
    /// In one goods state.
    pub goods: Option<GoodsState>,
    /// Only those where nothing has ended.
    pub open: Openness,
    /// Where the last page ended: `updated_at:id`.
    pub cursor: Option<String>,
    /// Rows wanted.
    pub limit: usize,
}

/// Whether ended orders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Openness {
    /// All orders.
    #[default]
    All,
    /// Those whose goods can still be handed over.
    Open,
}

/// One line of a list. No personal data but initials and the last three digits.
#[derive(Clone, Debug, Serialize)]
pub struct OrderRow {
    /// The reservation's id.
    pub id: String,
    /// The store.
    pub store: String,
    /// The shop's number.
    pub order: String,
    /// How it is paid.
    pub kind: String,
    /// The goods' state.
    pub goods: String,
    /// The money's.
    pub money: String,
    /// What HQ wants and the store has not answered.
    pub wish: String,
    /// Where the customer is.
    pub presence: String,
    /// State of the newest READY message.
    pub told: Option<String>,
    /// What it costs.
    pub total: i64,
    /// What is to be paid at the store.
    pub due: i64,
    /// ISO 4217.
    pub currency: String,
    /// Pieces.
    pub pieces: i64,
    /// Initials and last three digits.
    pub customer: String,
    /// Milliseconds since 1970.
    pub placed_at: i64,
    /// Milliseconds since 1970.
    pub promised_at: Option<i64>,
    /// Milliseconds since 1970.
    pub hold_until: Option<i64>,
    /// Milliseconds since 1970.
    pub updated_at: i64,
    /// Facts in both logs.
    pub version: i64,
}

impl OrderRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
        let name: Option<String> = row.get("name")?;
        let digits: Option<String> = row.get("last_three")?;
        Ok(OrderRow {
            id: row.get("id")?,
            store: row.get("store")?,
            order: row.get("number")?,
            kind: row.get("kind")?,
            goods: row.get("goods")?,
            money: row.get("money")?,
            wish: row.get("wish")?,
            presence: row.get("presence")?,
            told: row.get("told")?,
            total: row.get("total")?,
            due: row.get("due")?,
            currency: row.get("currency")?,
            pieces: row.get("pieces")?,
            customer: customer(name.as_deref(), digits.as_deref()),
            placed_at: row.get("placed_at")?,
            promised_at: row.get("promised_at")?,
            hold_until: row.get("hold_until")?,
            updated_at: row.get("updated_at")?,
            version: row.get("version")?,
        })
    }

    /// What it costs, in words.
    pub fn price(&self) -> String {
        price(self.total, &self.currency)
    }

    /// True when money is to be paid at the store.
    pub fn is_due(&self) -> bool {
        self.money == MoneyState::Due.as_str() && self.due > 0
    }
}

/// An amount as people read it.
pub fn price(minor: i64, currency: &str) -> String {
    let currency = Currency::parse(currency).unwrap_or(Currency::PLN);
    Amount(minor).of(currency).format(Language::En)
}

/// Initials and last three digits.
pub fn customer(name: Option<&str>, digits: Option<&str>) -> String {
    let (Some(name), Some(digits)) = (name, digits) else { return "erased".to_owned() };
    let mut letters = name.split_whitespace().filter_map(|w| w.chars().find(|c| c.is_alphanumeric()));
    let first = letters.next();
    let initials: String =
        first.into_iter().chain(letters.next_back()).flat_map(|c| c.to_uppercase().chain(['.'])).collect();
    format!("{initials} ···{digits}")
}

const COLUMNS: &str = "SELECT r.*, p.name, p.last_three FROM reservation r LEFT JOIN person p ON p.ref = r.person";

/// A page of orders, newest change first, and where the next begins.
///
/// # Errors
/// The database's.
pub fn list(db: &Connection, filter: &Filter) -> Result<(Vec<OrderRow>, Option<String>), Refusal> {
    let mut wheres: Vec<String> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    if let Some(store) = &filter.store {
        wheres.push(format!("r.store = {}", bind(store.clone().into())));
    }
    if let Some(goods) = filter.goods {
        wheres.push(format!("r.goods = {}", bind(goods.as_str().to_owned().into())));
    }
    if filter.open == Openness::Open {
        wheres.push("r.open = 1".into());
    }
    if let Some((at, id)) = filter.cursor.as_deref().and_then(|c| c.split_once(':')) {
        let at: i64 = at.parse().map_err(|_| Refusal::field("cursor", "is not one that a list gave"))?;
        wheres.push(format!("(r.updated_at, r.id) < ({}, {})", bind(at.into()), bind(id.to_owned().into())));
    }
    let text: String = filter.text.trim().chars().take(SEARCH_MAX).collect();
    if !text.is_empty() {
        wheres.push(search(&text, &mut bind));
    }
    let limit = filter.limit.clamp(1, LIMIT_MAX);
    let clause = if wheres.is_empty() { String::new() } else { format!(" WHERE {}", wheres.join(" AND ")) };
    let sql = format!("{COLUMNS}{clause} ORDER BY r.updated_at DESC, r.id DESC LIMIT {}", limit + 1);
    let mut find = db.prepare_cached(&sql)?;
    let mut rows: Vec<OrderRow> =
        find.query_map(params_from_iter(values), OrderRow::read)?.collect::<Result<_, _>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| format!("{}:{}", last.updated_at, last.id));
    Ok((rows, next))
}

fn search(text: &str, bind: &mut impl FnMut(Value) -> String) -> String {
    let like = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        Value::from(format!("%{escaped}%"))
    };
    let mut any = vec![format!("r.number LIKE {} ESCAPE '\\'", bind(like(text)))];
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_phone = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-'));
    if is_phone && digits.len() >= 3 {
        if digits.len() == 3 {
            any.push(format!("p.last_three = {}", bind(digits.into())));
        } else {
            any.push(format!("p.phone LIKE {} ESCAPE '\\'", bind(like(&digits))));
        }
    }
    let words = folding::words(text).join(" ");
    if words.chars().any(char::is_alphabetic) {
        any.push(format!("p.search LIKE {} ESCAPE '\\'", bind(like(&words))));
    }
    format!("({})", any.join(" OR "))
}

/// One order's row.
///
/// # Errors
/// The database's.
pub fn one(db: &Connection, store: &str, order: &str) -> Result<Option<OrderRow>, Refusal> {
    let sql = format!("{COLUMNS} WHERE r.store = ?1 AND r.number = ?2");
    Ok(db.prepare_cached(&sql)?.query_row([store, order], OrderRow::read).optional()?)
}

/// The stores that have an order of this number.
///
/// # Errors
/// The database's.
pub fn stores_of(db: &Connection, order: &str) -> Result<Vec<String>, Refusal> {
    let mut find =
        db.prepare_cached("SELECT store FROM reservation WHERE number = ?1 ORDER BY open DESC, store LIMIT 20")?;
    let rows = find.query_map([order], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_initials_and_three_digits_only() {
        assert_eq!(customer(Some("Jan Maria Kowalski"), Some("813")), "J.K. ···813");
        assert_eq!(customer(Some("Олена"), Some("001")), "О. ···001");
        assert_eq!(customer(None, None), "erased");
    }
}
