//! Logging in, lists and single reservations.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use shop_model::ids::OrderNumber;
use store_daemon::problem::Problem;

use super::super::Web;
use super::super::auth::LoggedIn;
use super::super::view::{self, Wanted, problem_of};
use crate::app::ShopError;
use crate::desk;

/// Rows in a page unless asked for.
const PAGE: u32 = 100;
/// Rows in a page at the most.
const PAGE_MOST: u32 = 500;

/// A JSON body, or the problem that names the place of its mistake.
pub fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(e.status(), "too-large", e.body_text()),
        _ => Problem::bad_request(e.body_text()),
    })
}

/// Reads an order's number from the path.
pub fn order(text: &str) -> Result<OrderNumber, Problem> {
    OrderNumber::parse(text).map_err(|e| Problem::not_found("unknown-order", e.to_string()))
}

/// The refusal for an order that is not here.
pub fn unknown_order() -> Problem {
    Problem::not_found("unknown-order", "there is no such order in this store")
}

#[derive(Deserialize)]
pub struct LogIn {
    staff: String,
    pin: String,
}

/// `POST session`.
pub async fn log_in(State(web): State<Web>, sent: Result<Json<LogIn>, JsonRejection>) -> Result<Response, Problem> {
    let LogIn { staff, pin } = body(sent)?;
    let (token, session) = web.log_in(&staff, &pin).await?;
    let expires = web.app.clock.wall().unix_ms + i64::try_from(web.sessions.longest().as_millis()).unwrap_or(0);
    let answer = json!({ "token": token, "expires_at": view::rfc3339(expires), "role": session.who.role.as_str() });
    Ok((StatusCode::OK, Json(answer)).into_response())
}

/// `DELETE session`.
pub async fn log_out(State(web): State<Web>, who: LoggedIn) -> StatusCode {
    web.sessions.close(&who.token);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
pub struct ListQuery {
    goods: Option<String>,
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Writes where the next page of a list begins.
pub fn cursor(ms: i64, id: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{ms} {id}"))
}

/// Reads a cursor of ours.
pub fn parse_cursor(text: &str) -> Result<(i64, String), Problem> {
    let refuse = || Problem::bad_request("cursor: is none that this list gave");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
    let text = String::from_utf8(bytes).map_err(|_| refuse())?;
    let (ms, id) = text.split_once(' ').ok_or_else(refuse)?;
    Ok((ms.parse().map_err(|_| refuse())?, id.to_owned()))
}

/// The size of a page.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MOST => Ok(limit),
        other => Err(Problem::bad_request(format!("limit: {other} is not 1 to {PAGE_MOST}"))),
    }
}

/// `GET reservations`.
pub async fn list(
    State(web): State<Web>,
    _who: LoggedIn,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    if let Some(word) = &query.goods
        && shop_model::reservation::GoodsState::parse(word).is_none()
    {
        return Err(Problem::bad_request(format!("goods: {word:?} is no state of goods")));
    }
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let wanted = Wanted { goods: query.goods, search: query.q, after, limit: limit(query.limit)? };
    let page = web.app.read(move |db| {
        let (ids, next) = view::page(db, &wanted)?;
        let items = ids.into_iter().map(|id| view::reservation(db, id, &desk::load(db, id)?));
        Ok(json!({
            "items": items.collect::<Result<Vec<_>, ShopError>>()?,
            "next_cursor": next.map(|(ms, id)| cursor(ms, &id)),
        }))
    });
    Ok(Json(page.await.map_err(|e| problem_of(&e))?))
}

/// `GET reservations/{order}`.
pub async fn one(State(web): State<Web>, _who: LoggedIn, Path(number): Path<String>) -> Result<Response, Problem> {
    let number = order(&number)?;
    let found = web.app.read(move |db| {
        let Some(id) = desk::find(db, &number)? else { return Ok(None) };
        let state = desk::load(db, id)?;
        Ok(Some((state.version, view::reservation(db, id, &state)?)))
    });
    let (version, value) = found.await.map_err(|e| problem_of(&e))?.ok_or_else(unknown_order)?;
    Ok(([(header::ETAG, etag(version))], Json(value)).into_response())
}

/// `"<version>"`.
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes")
}
