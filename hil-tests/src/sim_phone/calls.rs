//! Calls of the customers' phones: placed, walked by keys and heard through the simulated modem's network.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::Phones;
use super::page::{Refusal, blocking, known, refuse};
use crate::sim_modem::client::Control;

/// Octets of sound handed on at once: up to a fifth of a second.
const CHUNK: usize = 3_200;
/// Keys of one press.
const MOST_KEYS: usize = 32;

type Shared = State<Arc<Phones>>;

/// The routes of calls.
pub(super) fn router() -> Router<Arc<Phones>> {
    Router::new()
        .route("/api/phones/{number}/call", post(call))
        .route("/api/call", get(state))
        .route("/api/call/press", post(press))
        .route("/api/call/pick-up", post(pick_up))
        .route("/api/call/hang-up", post(hang_up))
        .route("/api/call/sound", get(sound))
}

async fn ask(phones: Arc<Phones>, request: Value) -> Result<Json<Value>, Refusal> {
    blocking(move || Control::connect(&phones.modem)?.ask(&request)).await
}

/// The store's number is that of the SIM: a call to it is the modem's to ring.
async fn call(State(phones): Shared, Path(number): Path<String>) -> Result<Json<Value>, Refusal> {
    if !known(&phones, &number)? {
        return Err(refuse(StatusCode::CONFLICT, "the phone is switched off"));
    }
    ask(phones, json!({"do": "call", "from": number, "give_up_ms": 60_000})).await
}

async fn state(State(phones): Shared) -> Result<Json<Value>, Refusal> {
    let hears = phones.sound.is_some();
    let Json(mut state) = ask(phones, json!({"do": "calls"})).await?;
    state["hears"] = json!(hears);
    Ok(Json(state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    keys: String,
}

async fn press(State(phones): Shared, Json(body): Json<Press>) -> Result<Json<Value>, Refusal> {
    if body.keys.is_empty() || body.keys.len() > MOST_KEYS {
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, "1 to 32 keys are pressed at once"));
    }
    ask(phones, json!({"do": "press", "keys": body.keys})).await
}

async fn pick_up(State(phones): Shared) -> Result<Json<Value>, Refusal> {
    ask(phones, json!({"do": "pick_up"})).await
}

async fn hang_up(State(phones): Shared) -> Result<Json<Value>, Refusal> {
    ask(phones, json!({"do": "hang_up"})).await
}

/// What the customer hears: 8 kHz, 16 bit little-endian, one channel, as it comes.
async fn sound(State(phones): Shared) -> Result<Response, Refusal> {
    let address = phones.sound.clone().ok_or_else(|| refuse(StatusCode::NOT_FOUND, "the modem gives no sound"))?;
    let stream = TcpStream::connect(&address).await;
    let stream = stream.map_err(|error| refuse(StatusCode::BAD_GATEWAY, &error.to_string()))?;
    let chunks = unfold(stream, |mut stream| async move {
        let mut octets = vec![0; CHUNK];
        let length = stream.read(&mut octets).await.ok().filter(|length| *length > 0)?;
        octets.truncate(length);
        Some((Ok::<_, Infallible>(Bytes::from(octets)), stream))
    });
    let told = [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "no-store")];
    Ok((told, Body::from_stream(chunks)).into_response())
}
