//! What people change by the pages' forms. Each ends in the same functions as REST.

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use shop_model::ids::{OrderNumber, StoreId};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;

use super::Hq;
use super::api::store_id;
use super::auth::{Person, fields, segment};
use super::config_form::ConfigView;
use super::pages;
use super::templates::order_path;
use crate::app::App;
use crate::bundles::{self, Put};
use crate::desk::Desk;
use crate::orders::form::{self, AmendForm, LineForm, NewPayment, OrderForm};
use crate::orders::place;
use crate::orders::refusal::{FieldError, Refusal};
use crate::orders::view;
use crate::orders::wish::{self, Open, REASON_MAX};
use crate::stores;

/// Lines that the form takes.
const LINES_MAX: usize = 100;

type Fields = Vec<(String, String)>;

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

fn all<'f>(fields: &'f Fields, name: &'f str) -> impl Iterator<Item = &'f str> {
    fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
}

/// `POST /stores`: enters a store before it has ever connected.
pub async fn add_store(State(app): Hq, Extension(person): Extension<Person>, body: Bytes) -> Result<Response, Refusal> {
    let sent = fields(&body);
    let (id, name) = (field(&sent, "id").to_owned(), field(&sent, "name").chars().take(80).collect::<String>());
    let store = match store_id("store", &id) {
        Ok(store) => store,
        Err(refusal) => {
            let page = pages::stores_page(&app, &person, Some(refusal.to_string())).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let actor = person.actor();
    let to = format!("/stores/{store}");
    app.work(Lane::Work, move |desk| {
        desk.register(store.as_str(), "config")?;
        if !name.is_empty() {
            desk.db().execute("UPDATE store SET name = ?2 WHERE id = ?1 AND name = ''", [store.as_str(), &name])?;
        }
        desk.audit(&actor, "store", store.as_str())
    })
    .await?;
    Ok(Redirect::to(&to).into_response())
}

/// `POST /stores/{store}/config`.
pub async fn put_config(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path(store): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = store_id("store", &store)?;
    let name = store.clone();
    let base = app.read(move |db| stores::wanted_config(db, &name)).await?;
    let mut view = ConfigView::sent(&base, &fields(&body));
    let bundle = match view.bundle() {
        Ok(value) => bundles::parse(value.to_string().as_bytes()),
        Err(refusal) => Err(refusal),
    };
    let bundle = match bundle {
        Ok(bundle) => bundle,
        Err(Refusal::Invalid(errors)) => {
            view.errors = errors;
            return pages::store_page(&app, &person, &store, Some(view), None).await;
        }
        Err(refusal) => return Err(refusal),
    };
    let put = app.work(Lane::Work, move |desk| bundles::put(desk, id.as_str(), bundle, &person.actor())).await?;
    let done = match put {
        Put::Made(_) => "config",
        Put::Same(_) => "same",
    };
    Ok(Redirect::to(&format!("/stores/{}?done={done}", segment(&store))).into_response())
}

/// `POST /alerts/{id}/clear`.
pub async fn clear_alert(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let actor = person.actor();
    app.work(Lane::Work, move |desk| {
        let now = desk.unix_ms();
        let cleared = desk.db().execute(
            "UPDATE alert SET cleared_at = ?2, cleared_by = ?3 WHERE id = ?1 AND cleared_at IS NULL",
            rusqlite::params![id, now, actor],
        )?;
        if cleared > 0 {
            desk.tell(crate::live::Live::Alerts);
        }
        Ok(())
    })
    .await?;
    let back = fields(&body).into_iter().find(|(key, _)| key == "store").map(|(_, store)| store);
    let to = back.map_or_else(|| "/alerts".to_owned(), |store| format!("/stores/{}", segment(&store)));
    Ok(Redirect::to(&to).into_response())
}

/// Changes an order and goes back to its page; a refusal is shown there.
async fn change<F>(app: App, person: Person, store: String, order: String, act: F) -> Result<Response, Refusal>
where
    F: FnOnce(&mut Desk<'_, '_>, &Open, &str) -> Result<(), Refusal> + Send + 'static,
{
    let parsed = StoreId::parse(&store).ok().zip(OrderNumber::parse(&order).ok());
    let Some((id, number)) = parsed else { return Err(Refusal::UnknownOrder) };
    let actor = person.actor();
    let done = app
        .work(Lane::Work, move |desk| {
            let open = wish::open(desk, &id, &number)?;
            act(desk, &open, &actor)
        })
        .await;
    match done {
        Ok(()) => Ok(Redirect::to(&order_path(&store, &order)).into_response()),
        Err(refusal) if refusal.is_ours() || refusal == Refusal::UnknownOrder => Err(refusal),
        Err(refusal) => {
            let problem: Problem = refusal.problem();
            let page = pages::order_page(&app, &person, &store, &order, Some(problem.detail().to_owned())).await?;
            Ok((problem.status(), page).into_response())
        }
    }
}

fn reason(sent: &Fields) -> String {
    field(sent, "reason").chars().filter(|c| !c.is_control()).take(REASON_MAX).collect()
}

/// `POST /order/{store}/{order}/cancel`.
pub async fn cancel(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let why = reason(&fields(&body));
    change(app, person, store, order, move |desk, open, actor| open.cancel(desk, "hq", &why, actor)).await
}

/// `POST /order/{store}/{order}/release`.
pub async fn release(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let why = reason(&fields(&body));
    change(app, person, store, order, move |desk, open, actor| {
        if why.is_empty() {
            return Err(Refusal::field("reason", "is needed: the other store has not let go"));
        }
        open.release_source(desk, &why, actor)
    })
    .await
}

/// `POST /order/{store}/{order}/move`.
pub async fn move_order(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let to = field(&fields(&body), "to_store").to_owned();
    change(app, person, store, order, move |desk, open, actor| open.move_to(desk, &store_id("to_store", &to)?, actor))
        .await
}

/// `POST /order/{store}/{order}/paid`: all that is due was paid online.
pub async fn paid(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let reference = field(&fields(&body), "reference").to_owned();
    let shown = shown(&app, &store, &order).await?;
    let amount = if shown.due > 0 { shown.due } else { shown.total };
    change(app, person, store, order, move |desk, open, actor| {
        let body = json!({ "money": "paid_online", "amount": amount });
        let mut form: form::PaymentForm = form::read_value(body)?;
        form.reference = Some(reference).filter(|text| !text.is_empty());
        let payment: NewPayment = form::parse_payment(&form)?;
        open.pay(desk, &payment, actor)
    })
    .await
}

async fn shown(app: &App, store: &str, order: &str) -> Result<view::OrderView, Refusal> {
    let chain = app.config.hq.chain.clone();
    let parsed = StoreId::parse(store).ok().zip(OrderNumber::parse(order).ok());
    let Some((store, order)) = parsed else { return Err(Refusal::UnknownOrder) };
    app.read(move |db| view::order(db, &chain, &store, &order)).await
}

/// `POST /order/{store}/{order}/amend`: new quantities; 0 takes a line out.
pub async fn amend(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let sent = fields(&body);
    let shown = shown(&app, &store, &order).await?;
    let quantity = |line: &view::LineView| field(&sent, &format!("quantity.{}", line.line)).parse::<u32>();
    let readable = shown.lines.iter().all(|line| quantity(line).is_ok());
    let lines: Vec<LineForm> = shown
        .lines
        .iter()
        .filter_map(|line| {
            let quantity = quantity(line).ok().filter(|q| *q > 0)?;
            Some(LineForm {
                sku: line.sku.clone(),
                ean: line.ean.clone(),
                name: line.name.clone(),
                quantity,
                unit_price: line.unit_price,
                age: line.age,
            })
        })
        .collect();
    let total: i64 = lines.iter().map(|line| line.unit_price.saturating_mul(i64::from(line.quantity))).sum();
    // Who owed all owes all of the new sum; who had paid a part owes the rest.
    let due = if shown.kind == "prepaid" { 0 } else { (total - (shown.total - shown.due)).clamp(0, total.max(0)) };
    let form = AmendForm { lines, total, due, store: None };
    change(app, person, store, order, move |desk, open, actor| {
        if !readable {
            return Err(Refusal::field("lines", "each quantity must be a whole number; 0 takes the line out"));
        }
        open.amend(desk, &form, actor)
    })
    .await
}

/// Reads `12,50` or `12.5` as minor units.
fn minor_units(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once([',', '.']).unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// `POST /orders/new`.
pub async fn place_order(
    State(app): Hq,
    Extension(person): Extension<Person>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let sent = fields(&body);
    let columns: Vec<Vec<&str>> =
        ["sku", "ean", "name", "quantity", "price", "age"].iter().map(|name| all(&sent, name).collect()).collect();
    let count = columns.iter().map(Vec::len).max().unwrap_or(0).min(LINES_MAX);
    let lines: Vec<[String; 6]> = (0..count)
        .map(|n| std::array::from_fn(|c| columns[c].get(n).copied().unwrap_or_default().to_owned()))
        .filter(|line: &[String; 6]| line.iter().enumerate().any(|(c, text)| c != 3 && !text.is_empty()))
        .collect();
    let checked = order_form(&sent, &lines, &app.config.hq.zone()).and_then(|form| {
        let order = form::parse_order(&form)?;
        Ok((form, order))
    });
    let (form, order) = match checked {
        Ok(both) => both,
        Err(Refusal::Invalid(errors)) => return pages::new_order_page(&app, &person, sent, lines, errors).await,
        Err(refusal) => return Err(refusal),
    };
    let actor = person.actor();
    match app.work(Lane::Work, move |desk| place::place(desk, &order, &actor)).await {
        Ok(_) => Ok(Redirect::to(&order_path(&form.store, &form.order)).into_response()),
        Err(refusal) if refusal.is_ours() => Err(refusal),
        Err(refusal) => {
            let path = if matches!(refusal, Refusal::CodeTaken) { "pickup_code" } else { "order" };
            let errors = vec![FieldError::new(path, refusal.problem().detail())];
            pages::new_order_page(&app, &person, sent, lines, errors).await
        }
    }
}

/// The body that `POST orders` would have been sent.
fn order_form(sent: &Fields, lines: &[[String; 6]], zone: &TimeZone) -> Result<OrderForm, Refusal> {
    let mut errors = Vec::new();
    let mut total = 0_i64;
    let mut objects = Vec::new();
    for (n, [sku, ean, name, quantity, price, age]) in lines.iter().enumerate() {
        let mut wrong = |column: &str, why: &str| errors.push(FieldError::new(format!("lines[{n}].{column}"), why));
        let pieces: i64 = quantity.parse().unwrap_or_else(|_| {
            wrong("quantity", "must be a whole number");
            1
        });
        let unit = minor_units(price).unwrap_or_else(|| {
            wrong("unit_price", "must be an amount as 12,50");
            0
        });
        total = total.saturating_add(unit.saturating_mul(pieces));
        let mut line = Map::new();
        line.insert("sku".into(), json!(sku));
        line.insert("name".into(), json!(name));
        line.insert("quantity".into(), json!(pieces));
        line.insert("unit_price".into(), json!(unit));
        if !ean.is_empty() {
            line.insert("ean".into(), json!(ean));
        }
        if !age.is_empty() {
            match age.parse::<u8>() {
                Ok(age) => drop(line.insert("age".into(), json!(age))),
                Err(_) => wrong("age", "must be years"),
            }
        }
        objects.push(Value::Object(line));
    }
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let kind = field(sent, "kind");
    let optional = |name: &str| Some(field(sent, name)).filter(|text| !text.is_empty());
    let promised = optional("promised_at").map(|text| local_time(text, zone)).transpose()?;
    let body = json!({
        "store": field(sent, "store"),
        "order": field(sent, "order"),
        "kind": kind,
        "contract": field(sent, "contract"),
        "customer": {
            "name": field(sent, "customer_name"),
            "phone": field(sent, "customer_phone"),
            "email": optional("customer_email"),
            "language": optional("customer_language"),
        },
        "lines": objects,
        "currency": "PLN",
        "total": total,
        "due": if kind == "prepaid" || field(sent, "paid") == "1" { 0 } else { total },
        "promised_at": promised,
        "pickup_code": optional("pickup_code"),
    });
    form::read_value(body)
}

/// What a `datetime-local` field sends, in the chain's time.
fn local_time(text: &str, zone: &TimeZone) -> Result<String, Refusal> {
    text.parse::<jiff::civil::DateTime>()
        .ok()
        .and_then(|at| at.to_zoned(zone.clone()).ok())
        .map(|at| view::rfc3339(at.timestamp().as_millisecond()))
        .ok_or_else(|| Refusal::field("promised_at", "is no date and time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_people_write_them() {
        for (text, minor) in [("12,50", 1_250), ("12.5", 1_250), ("12", 1_200), ("0,05", 5)] {
            assert_eq!(minor_units(text), Some(minor), "{text}");
        }
        for bad in ["", ",5", "1,234", "12,5x", "-1", "99999999999999999999"] {
            assert_eq!(minor_units(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_promise_is_read_in_the_chain_s_time() {
        // Polish winter time is one hour ahead of UTC, summer time two.
        let zone = TimeZone::get("Europe/Warsaw").unwrap();
        assert_eq!(local_time("2026-11-22T15:00", &zone).unwrap(), "2026-11-22T14:00:00.000Z");
        assert_eq!(local_time("2026-07-01T15:00", &zone).unwrap(), "2026-07-01T13:00:00.000Z");
    }
}
