//! The desk's page and its JSON.

use std::fs;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Desk;
use crate::sim_printer::Paper;

/// Slips that the page shows.
const SHOWN_SLIPS: usize = 12;

type Shared = State<Arc<Desk>>;
type Refusal = (StatusCode, Json<Value>);

/// Builds the page's routes.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("page.html")) }))
        .route("/sim-till.js", get(|| async { asset("text/javascript", include_str!("page.js")) }))
        .route("/sim-till.css", get(|| async { asset("text/css", include_str!("page.css")) }))
        .route("/look.css", get(|| async { asset("text/css", include_str!("../../assets/look.css")) }))
        .route("/api/desk", get(state))
        .route("/api/printer", post(printer))
        .route("/api/scan", post(scan))
        .route("/slips/{number}", get(picture))
        .with_state(desk)
}

/// Serves an embedded asset; nothing may be loaded from elsewhere and no script stands in the page itself.
fn asset(kind: &'static str, body: &'static str) -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                  form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, "no-cache")], body)
}

fn refuse(status: StatusCode, words: &str) -> Refusal {
    (status, Json(json!({"error": words})))
}

async fn blocking<T: Send + 'static>(
    failed: StatusCode,
    job: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refuse(failed, &format!("{error:#}"))),
        Err(_) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "the request ended within")),
    }
}

/// Everything that the page shows; `printer` is null while nothing answers on its control port.
async fn state(State(desk): Shared) -> Result<Json<Value>, Refusal> {
    let look = move || {
        let printer = desk.ask_printer(&json!({"do": "stats"})).unwrap_or(Value::Null);
        let (open, sent) = (desk.scanner.is_open(), desk.scanner.sent());
        Ok(json!({"printer": printer, "slips": newest(&desk), "scanner": {"open": open, "sent": sent}}))
    };
    blocking(StatusCode::INTERNAL_SERVER_ERROR, look).await.map(Json)
}

/// The newest slips, newest first: number, text, size and codes. A record that can't be read is left out; its slip
/// shows when it can.
fn newest(desk: &Desk) -> Vec<Value> {
    let entries = fs::read_dir(&desk.slips).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("slip-")?.strip_suffix(".json")?.parse::<u64>().ok();
    let mut numbers: Vec<u64> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    numbers.sort_unstable_by(|left, right| right.cmp(left));
    numbers.into_iter().take(SHOWN_SLIPS).filter_map(|number| shown(desk, number)).collect()
}

fn shown(desk: &Desk, number: u64) -> Option<Value> {
    let text = fs::read(desk.slips.join(format!("slip-{number:04}.json"))).ok()?;
    let record: Value = serde_json::from_slice(&text).ok()?;
    let part = |name: &str| record[name].clone();
    let codes: Vec<Value> = part("codes").as_array()?.iter().map(|code| code["text"].clone()).collect();
    Some(json!({
        "number": number, "text": part("text"), "dots": part("dots"), "rows": part("rows"), "cut": part("cut"),
        "codes": codes,
    }))
}

async fn picture(State(desk): Shared, Path(number): Path<u64>) -> Result<impl IntoResponse, Refusal> {
    let path = desk.slips.join(format!("slip-{number:04}.png"));
    let octets = tokio::fs::read(path).await.map_err(|_| refuse(StatusCode::NOT_FOUND, "no slip with that number"))?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "no-cache")], octets))
}

/// What the page may ask of the printer: the same words as on its control port.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    Paper { state: Paper },
    Cover { open: bool },
    Silent { on: bool },
    Power { on: bool },
    Drawer { open: Option<bool> },
    Tear {},
}

async fn printer(State(desk): Shared, Json(order): Json<Order>) -> Result<Json<Value>, Refusal> {
    let ask = move || desk.ask_printer(&serde_json::to_value(order)?);
    blocking(StatusCode::BAD_GATEWAY, ask).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScanBody {
    text: String,
    #[serde(default)]
    aim: String,
}

async fn scan(State(desk): Shared, Json(body): Json<ScanBody>) -> Result<Json<Value>, Refusal> {
    let send = move || Ok(json!({"sent": desk.scanner.scan(&body.text, &body.aim, "\r")?}));
    blocking(StatusCode::UNPROCESSABLE_ENTITY, send).await.map(Json)
}
