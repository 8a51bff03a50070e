//! What the API shows of a reservation, and how refusals become problem documents.

use axum::http::StatusCode;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sans_io::Wall;
use serde_json::{Value, json};
use shop_model::decide::Problem as Refused;
use shop_model::event::LineQuantity;
use shop_model::ids::ReservationId;
use shop_model::reservation::{Answer, LineGoods, Presence, Reservation};
use store_daemon::problem::Problem;

use crate::app::ShopError;

/// RFC 3339, UTC, milliseconds.
pub fn rfc3339(unix_ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(unix_ms).unwrap_or_default())
}

fn at(wall: Wall) -> Value {
    json!({ "wall": rfc3339(wall.unix_ms), "quality": wall.quality.as_str() })
}

fn lines(lines: &[LineQuantity]) -> Value {
    lines.iter().map(|l| json!({ "line": l.line, "quantity": l.quantity })).collect()
}

fn line(goods: &LineGoods) -> Value {
    let line = &goods.line;
    json!({
        "line": line.line, "sku": line.sku, "ean": line.ean, "name": line.name, "quantity": line.quantity,
        "unit_price": line.unit_price.0, "age": line.age, "open": goods.open(), "short": goods.short,
        "handed_over": goods.handed_over, "refused": goods.refused, "put_back": goods.put_back,
    })
}

/// One reservation in full.
///
/// # Errors
/// The database's.
pub fn reservation(db: &Connection, id: ReservationId, state: &Reservation) -> Result<Value, ShopError> {
    let goods = &state.goods;
    let money = &state.money;
    let wishes: Vec<Value> = state
        .wishes
        .iter()
        .map(|wish| {
            let (answer, because) = match wish.answer {
                Answer::Pending => ("pending", None),
                Answer::Granted => ("granted", None),
                Answer::GrantedForTheRest => ("granted_for_the_rest", None),
                Answer::Rejected(because) => ("rejected", Some(because.as_str())),
            };
            json!({ "kind": wish.kind.as_str(), "at": at(wish.at), "answer": answer, "because": because })
        })
        .collect();
    let why: Vec<Value> = state
        .why
        .iter()
        .map(|why| json!({ "what": why.what.key(), "at": at(why.at), "alert": why.what.is_alert() }))
        .collect();
    Ok(json!({
        "order": state.order.as_ref().map(|o| o.as_str()),
        "id": id.to_string(),
        "kind": state.kind.as_str(),
        "contract": state.contract.as_str(),
        "goods": goods.state.as_str(),
        "money": money.state.as_str(),
        "presence": state.presence.as_str(),
        "wish": state.wish_word(),
        "messages": messages(db, id)?,
        "version": state.version,
        "lines": goods.lines.iter().map(line).collect::<Vec<_>>(),
        "open_lines": lines(&goods.open_lines()),
        "put_back_due": lines(&goods.put_back_due()),
        "bags": goods.bags.iter().map(|b| json!({ "bag": b.bag.as_str(), "shelf": b.shelf.as_str() })).collect::<Vec<_>>(),
        "currency": money.currency.to_string(),
        "total": money.total.0,
        "due": money.due.0,
        "paid": money.paid.0,
        "refund_due": money.refund_due.0,
        "promised_at": state.promised_at.map(|t| t.to_string()),
        "placed_at": state.placed_at.map(at),
        "ready_at": goods.ready_at.map(at),
        "hold_until": goods.hold_until.map(|t| t.to_string()),
        "arrived": arrived(&state.presence),
        "frozen": goods.frozen,
        "round": state.round,
        "wishes": wishes,
        "why": why,
        "customer": customer(db, state)?,
    }))
}

fn arrived(presence: &Presence) -> Value {
    match presence {
        Presence::Arrived { since, via, place } => {
            json!({ "since": at(*since), "via": via.as_str(), "where": place })
        }
        Presence::Attended { since, by } => json!({ "since": since.map(at), "attended_by": by }),
        Presence::Away | Presence::OnWay | Presence::Left => Value::Null,
    }
}

/// Initials and last digits: enough to greet somebody, not enough to ring them.
fn customer(db: &Connection, state: &Reservation) -> Result<Value, ShopError> {
    let Some(person) = state.person else { return Ok(Value::Null) };
    let mut row = db.prepare_cached("SELECT initials, last3, language FROM person WHERE person_ref = ?1")?;
    let found = row.query_row([person.to_string()], |row| {
        Ok(json!({ "initials": row.get::<_, String>(0)?, "phone_last3": row.get::<_, String>(1)?,
                   "language": row.get::<_, String>(2)? }))
    });
    Ok(found.optional()?.unwrap_or(Value::Null))
}

fn messages(db: &Connection, id: ReservationId) -> Result<Vec<Value>, ShopError> {
    let mut rows = db.prepare_cached(
        "SELECT id, purpose, state, cause, created_ms, changed_ms FROM message WHERE reservation = ?1 ORDER BY created_ms, id",
    )?;
    let rows = rows.query_map([id.to_string()], |row| {
        Ok(json!({
            "id": row.get::<_, String>(0)?, "purpose": row.get::<_, String>(1)?, "state": row.get::<_, String>(2)?,
            "cause": row.get::<_, Option<String>>(3)?, "created_at": rfc3339(row.get(4)?), "changed_at": rfc3339(row.get(5)?),
        }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where a page of a list begins: behind the row (placed, id).
pub type After = (i64, String);

/// Which reservations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only this state of the goods.
    pub goods: Option<String>,
    /// Order number, last three digits, or name.
    pub search: Option<String>,
    /// After this row: (placed, id).
    pub after: Option<After>,
    /// At most so many.
    pub limit: u32,
}

/// The ids of a page of reservations, newest last, and where the next page begins.
///
/// # Errors
/// The database's.
pub fn page(db: &Connection, wanted: &Wanted) -> Result<(Vec<ReservationId>, Option<After>), ShopError> {
    let mut rows = db.prepare_cached(
        "SELECT r.id, r.placed_ms FROM reservation r LEFT JOIN person p ON p.person_ref = r.person_ref
         WHERE (?1 IS NULL OR r.goods = ?1)
           AND (?2 IS NULL OR r.number = ?2 OR r.number LIKE ?3 ESCAPE '\\' OR p.last3 = ?2 OR p.phone = ?2
                OR p.search_key LIKE ?4 ESCAPE '\\')
           AND (?5 IS NULL OR (r.placed_ms, r.id) > (?5, ?6))
         ORDER BY r.placed_ms, r.id LIMIT ?7",
    )?;
    let search = wanted.search.as_deref().map(str::trim).filter(|s| !s.is_empty());
    let by_number = search.map(|s| format!("%{}", like(s)));
    let by_name = search.map(|s| format!("%{}%", like(&shop_model::folding::words(s).join(" "))));
    let by_name = by_name.filter(|pattern| pattern != "%%");
    let (after_ms, after_id) = wanted.after.clone().unzip();
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    let found = rows
        .query_map(params![wanted.goods, search, by_number, by_name, after_ms, after_id, wanted.limit + 1], read)?
        .collect::<Result<Vec<_>, _>>()?;
    let limit = wanted.limit as usize;
    let next = (found.len() > limit).then(|| found[limit - 1].clone()).map(|(id, ms)| (ms, id));
    let ids = found
        .into_iter()
        .take(limit)
        .map(|(id, _)| ReservationId::parse(&id).map_err(|e| ShopError::Corrupt(e.to_string())));
    Ok((ids.collect::<Result<_, _>>()?, next))
}

/// Escapes what LIKE would take for a pattern.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A refusal of the model as the API says it.
pub fn refused(problem: &Refused, now_ms: i64) -> Problem {
    let status = match problem {
        Refused::WrongCode { .. } | Refused::Forbidden => StatusCode::FORBIDDEN,
        Refused::Locked { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refused::UnknownOrder => StatusCode::NOT_FOUND,
        Refused::WrongLines { .. } | Refused::WrongAmount { .. } | Refused::Missing { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refused::MoneyDue { .. }
        | Refused::WrongState { .. }
        | Refused::WrongStore { .. }
        | Refused::ClockUncertain
        | Refused::NoMoreExtensions
        | Refused::TooLate => StatusCode::CONFLICT,
    };
    let told = Problem::new(status, problem.kind(), problem.to_string());
    match problem {
        Refused::WrongCode { tries } => told.with("tries", *tries),
        Refused::Locked { until } => {
            let left_ms = until.as_millisecond().saturating_sub(now_ms);
            told.with("retry_after_s", u64::try_from(left_ms / 1_000).unwrap_or(0) + 1).with("until", until.to_string())
        }
        Refused::MoneyDue { due } | Refused::WrongAmount { due } => {
            told.with("due", due.amount.0).with("currency", due.currency.to_string())
        }
        Refused::WrongState { state, why } => told.with("state", state.as_str()).with("why", why.as_str()),
        Refused::WrongStore { store } => told.with("store", store.as_str()),
        Refused::WrongLines { line, open } => told.with("line", *line).with("open", *open),
        Refused::Missing { what } => told.with("what", *what),
        Refused::UnknownOrder
        | Refused::Forbidden
        | Refused::ClockUncertain
        | Refused::NoMoreExtensions
        | Refused::TooLate => told,
    }
}

/// What went wrong on our side, as the API says it.
pub fn problem_of(error: &ShopError) -> Problem {
    let detail = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    match error {
        ShopError::Superseded => Problem::new(StatusCode::CONFLICT, "superseded", detail),
        ShopError::DiskFull => Problem::disk_full(),
        other => {
            tracing::error!(error = %detail, kind = ?std::mem::discriminant(other), "a request failed");
            Problem::storage(detail)
        }
    }
}
