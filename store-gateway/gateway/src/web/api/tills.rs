//! Tills and print jobs over the API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use shop_model::decide::Role;
use shop_model::ids::OrderNumber;
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;
use till_link::PrinterFacts;

use super::super::Web;
use super::super::auth::LoggedIn;
use super::super::view::{problem_of, rfc3339};
use super::act::parse;
use super::reservations::{cursor, limit, parse_cursor, unknown_order};
use crate::tills::jobs::{self, Job, Kind, Order, Settled};
use crate::tills::{paper, table};
use crate::web::printing::{self, About};

/// `GET tills`.
pub async fn list(State(web): State<Web>, _who: LoggedIn) -> Result<Json<Value>, Problem> {
    let tills = web.app.read(table::all).await.map_err(|e| problem_of(&e))?;
    let item = |till: &table::Till| {
        let online = web.app.tills.online(till.id);
        let printers = online.as_ref().map_or(&till.printers, |online| &online.printers);
        json!({
            "id": till.id,
            "name": till.name,
            "connected": online.is_some(),
            "since": online.as_ref().map(|online| rfc3339(online.since_ms)),
            "seen": till.seen_ms.map(rfc3339),
            "version": till.version,
            "has_screen": till.counter.is_some(),
            "printers": printers.iter().map(printer_json).collect::<Vec<_>>(),
            "scanners": online.as_ref().map_or_else(Vec::new, |online| online.scanners.clone()),
            "unseen_scans": online.as_ref().map_or(0, |online| online.unseen),
        })
    };
    Ok(Json(json!({ "items": tills.iter().map(item).collect::<Vec<_>>(), "next_cursor": null })))
}

/// `POST tills/code`.
pub async fn code(State(web): State<Web>, who: LoggedIn) -> Result<(StatusCode, Json<Value>), Problem> {
    managers_only(&who)?;
    let (code, valid) = printing::enrol_code(&web, &who.who())?;
    Ok((StatusCode::CREATED, Json(json!({ "code": code, "valid_s": valid.as_secs() }))))
}

/// `DELETE tills/{id}`.
pub async fn remove(State(web): State<Web>, who: LoggedIn, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    managers_only(&who)?;
    match printing::remove_till(&web, id, who.who()).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "unknown-till", "there is no such till")),
    }
}

/// `POST tills/{id}/drawer`.
pub async fn drawer(
    State(web): State<Web>,
    who: LoggedIn,
    Path(id): Path<i64>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    added(printing::open_drawer(&web, id, who.who()).await?)
}

/// Only a manager changes the store's tills.
///
/// # Errors
/// 403.
pub fn managers_only(who: &LoggedIn) -> Result<(), Problem> {
    if who.session.who.role == Role::Manager {
        return Ok(());
    }
    Err(Problem::forbidden("only a manager may change the store's tills"))
}

fn printer_json(printer: &PrinterFacts) -> Value {
    json!(printer)
}

#[derive(Deserialize)]
pub struct ListQuery {
    till: Option<i64>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET prints`.
pub async fn prints(
    State(web): State<Web>,
    _who: LoggedIn,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let wanted = jobs::Wanted { till: query.till, reservation: None, after, limit: limit(query.limit)? };
    let (items, next) = web.app.read(move |db| jobs::list(db, &wanted)).await.map_err(|e| problem_of(&e))?;
    Ok(Json(json!({
        "items": items.iter().map(job_json).collect::<Vec<_>>(),
        "next_cursor": next.map(|(ms, id)| cursor(ms, &id)),
    })))
}

/// `GET prints/{id}`.
pub async fn one(State(web): State<Web>, _who: LoggedIn, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let found = web.app.read(move |db| jobs::find(db, &id)).await.map_err(|e| problem_of(&e))?;
    found.map(|job| Json(job_json(&job))).ok_or_else(unknown_job)
}

fn unknown_job() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown-print", "there is no such print job")
}

fn job_json(job: &Job) -> Value {
    json!({
        "id": job.id,
        "till": job.till,
        "printer": job.printer,
        "document": job.kind.as_str(),
        "order": job.order,
        "state": job.state.as_str(),
        "why": Some(&job.why).filter(|why| !why.is_empty()),
        "asked_at": rfc3339(job.asked_ms),
        "changed_at": rfc3339(job.changed_ms),
        "asked_by": job.asked_by,
        "again": job.is_again,
        "cancelling": job.cancel && !job.state.is_final(),
        "settled": job.settled,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Print {
    document: String,
    till: Option<i64>,
}

/// `POST reservations/{order}/print`.
pub async fn print(
    State(web): State<Web>,
    who: LoggedIn,
    Path(number): Path<String>,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let body: Print = parse(&sent)?;
    let kind = Kind::parse(&body.document).filter(|kind| paper::OF_AN_ORDER.contains(kind));
    let kind =
        kind.ok_or_else(|| Problem::bad_request("document: is none of pick_slip, bag_label, collection_slip"))?;
    let number = OrderNumber::parse(&number).map_err(|_| unknown_order())?;
    let till = printing::till_for(&web, body.till, None).await?;
    let (document, reservation) = printing::document(&web, kind, About::Order(number)).await?;
    let order = Order { kind, reservation, document, again_of: None };
    added(printing::print(&web, till, order, who.who()).await?)
}

fn added(id: till_link::JobId) -> Result<(StatusCode, Json<Value>), Problem> {
    Ok((StatusCode::CREATED, Json(json!({ "id": id.0 }))))
}

/// `POST prints/{id}/again`.
pub async fn again(
    State(web): State<Web>,
    who: LoggedIn,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    added(printing::again(&web, id, who.who()).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettleBody {
    came_out: bool,
}

/// `POST prints/{id}/settle`.
pub async fn settle(
    State(web): State<Web>,
    who: LoggedIn,
    Path(id): Path<String>,
    sent: Bytes,
) -> Result<StatusCode, Problem> {
    let body: SettleBody = parse(&sent)?;
    let (by, settled) = (who.who(), if body.came_out { Settled::Out } else { Settled::Lost });
    let changed = web.app.work(Lane::Work, move |desk| jobs::settle(desk, &id, settled, &by)).await;
    done(changed.map_err(|e| problem_of(&e))?)
}

/// `POST prints/{id}/cancel`.
pub async fn cancel(State(web): State<Web>, who: LoggedIn, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let by = who.who();
    let asked = web.app.work(Lane::Work, move |desk| jobs::cancel(desk, &id, &by)).await;
    done(asked.map_err(|e| problem_of(&e))?)
}

fn done(is_done: bool) -> Result<StatusCode, Problem> {
    if is_done { Ok(StatusCode::NO_CONTENT) } else { Err(printing::print_done()) }
}
