//! The phones' page and its JSON.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Phone, Phones, REPLY_CHARACTERS, calls};

type Shared = State<Arc<Phones>>;
pub(super) type Refusal = (StatusCode, Json<Value>);

/// Builds the page's routes.
pub(super) fn router(phones: Arc<Phones>) -> Router {
    Router::new()
        .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("../../assets/sim-phone.html")) }))
        .route("/sim-phone.js", get(|| async { asset("text/javascript", include_str!("../../assets/sim-phone.js")) }))
        .route("/sim-phone.css", get(|| async { asset("text/css", include_str!("../../assets/sim-phone.css")) }))
        .route("/look.css", get(|| async { asset("text/css", include_str!("../../assets/look.css")) }))
        .route("/api/phones", get(list))
        .route("/api/phones/{number}", get(one))
        .route("/api/phones/{number}/reply", post(reply))
        .route("/api/phones/{number}/reachable", post(reachable))
        .route("/api/events", get(events))
        .merge(calls::router())
        .with_state(phones)
}

/// Serves an embedded asset; nothing may be loaded from elsewhere and no script stands in the page itself.
fn asset(kind: &'static str, body: &'static str) -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
                  base-uri 'none'; frame-ancestors 'none'";
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, "no-cache")], body)
}

pub(super) fn refuse(status: StatusCode, words: &str) -> Refusal {
    (status, Json(json!({"error": words})))
}

fn summary(phone: &Phone) -> Value {
    json!({
        "number": phone.number, "reachable": phone.reachable, "on_the_way": phone.on_the_way,
        "unfinished": phone.unfinished(), "messages": phone.thread.len(), "last": phone.thread.last(),
    })
}

async fn list(State(phones): Shared) -> Json<Value> {
    let items: Vec<Value> = phones.book().phones().map(summary).collect();
    Json(json!({"items": items}))
}

async fn one(State(phones): Shared, Path(number): Path<String>) -> Result<Json<Value>, Refusal> {
    let book = phones.book();
    let phone = book.phone(&number).ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no phone with that number"))?;
    let mut shown = summary(phone);
    shown["thread"] = json!(phone.thread);
    Ok(Json(shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyBody {
    text: String,
}

async fn reply(
    State(phones): Shared,
    Path(number): Path<String>,
    Json(body): Json<ReplyBody>,
) -> Result<Json<Value>, Refusal> {
    if body.text.trim().is_empty() || body.text.chars().count() > REPLY_CHARACTERS {
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, "a reply has 1 to 1530 characters"));
    }
    if !known(&phones, &number)? {
        return Err(refuse(StatusCode::CONFLICT, "the phone is switched off"));
    }
    blocking(move || phones.reply(&number, &body.text)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReachableBody {
    reachable: bool,
}

async fn reachable(
    State(phones): Shared,
    Path(number): Path<String>,
    Json(body): Json<ReachableBody>,
) -> Result<Json<Value>, Refusal> {
    known(&phones, &number)?;
    blocking(move || phones.set_reachable(&number, body.reachable).map(|()| json!({"reachable": body.reachable}))).await
}

/// Returns whether a phone is switched on; there must be one.
pub(super) fn known(phones: &Phones, number: &str) -> Result<bool, Refusal> {
    match phones.book().phone(number) {
        Some(phone) => Ok(phone.reachable),
        None => Err(refuse(StatusCode::NOT_FOUND, "no phone with that number")),
    }
}

pub(super) async fn blocking(
    job: impl FnOnce() -> anyhow::Result<Value> + Send + 'static,
) -> Result<Json<Value>, Refusal> {
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(answer)) => Ok(Json(answer)),
        Ok(Err(error)) => Err(refuse(StatusCode::BAD_GATEWAY, &format!("{error:#}"))),
        Err(_) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "the request ended within")),
    }
}

/// Tells the page that something changed; the page then reads what it shows.
async fn events(State(phones): Shared) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = unfold(phones.changed.subscribe(), |mut changes| async move {
        changes.changed().await.ok()?;
        let version = *changes.borrow_and_update();
        Some((Ok(Event::default().event("changed").data(version.to_string())), changes))
    });
    Sse::new(changes).keep_alive(KeepAlive::default())
}
