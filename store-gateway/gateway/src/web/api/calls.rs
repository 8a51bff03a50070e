//! Calls and phones over the API.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;
use store_sip::TrunkState;
use uuid::Uuid;

use super::super::Web;
use super::super::auth::LoggedIn;
use super::super::view::{problem_of, rfc3339};
use super::reservations::{cursor, limit, parse_cursor};
use crate::calls::{self, CallRow, LiveCall};

#[derive(Deserialize)]
pub struct ListQuery {
    open: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET calls`.
pub async fn list(
    State(web): State<Web>,
    _who: LoggedIn,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let first = after.is_none();
    let wanted = calls::Wanted { open_only: query.open.unwrap_or(false), after, limit: limit(query.limit)? };
    let page = web.app.read(move |db| calls::list(db, &wanted)).await.map_err(|e| problem_of(&e))?;
    let live = if first { web.app.calls.calls() } else { Vec::new() };
    Ok(Json(json!({
        "live": live.iter().map(live_json).collect::<Vec<_>>(),
        "items": page.calls.iter().map(call_json).collect::<Vec<_>>(),
        "next_cursor": page.next.map(|(ms, id)| cursor(ms, &id)),
    })))
}

/// `GET calls/{id}`.
pub async fn one(State(web): State<Web>, _who: LoggedIn, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| unknown())?;
    if let Some(live) = web.app.calls.call(id) {
        let entries = live.record.entries.iter();
        let entries = entries.map(|e| entry_json(e.at_ms, e.what.as_str(), &e.leg, &e.detail)).collect::<Vec<_>>();
        let mut call = live_json(&live);
        call["timeline"] = entries.into();
        return Ok(Json(call));
    }
    let found = web.app.read(move |db| calls::find(db, id)).await.map_err(|e| problem_of(&e))?;
    let (row, entries) = found.ok_or_else(unknown)?;
    let mut call = call_json(&row);
    call["timeline"] =
        entries.iter().map(|(at, what, leg, detail)| entry_json(*at, what, leg, detail)).collect::<Vec<_>>().into();
    Ok(Json(call))
}

/// `POST calls/{id}/done`.
pub async fn done(State(web): State<Web>, who: LoggedIn, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| unknown())?;
    let by = who.who();
    let changed = web.app.work(Lane::Work, move |desk| calls::mark_done(desk, id, &by));
    match changed.await.map_err(|e| problem_of(&e))? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::CONFLICT, "changed", "no missed call of this id waits for anybody")),
    }
}

/// `GET phones`.
pub async fn phones(State(web): State<Web>, _who: LoggedIn) -> Json<Value> {
    let sip = web.app.calls.sip();
    let (registered, trunk) = match &sip {
        Some(sip) => (sip.registrations().await, sip.trunk().await),
        None => (Vec::new(), TrunkState::Off),
    };
    let configured = web.app.config.calls.sip.as_ref().map(|sip| sip.phones.as_slice()).unwrap_or_default();
    let phones = configured.iter().map(|phone| {
        let own = registered.iter().filter(|r| r.extension == phone.extension);
        let contacts = own.map(|r| {
            json!({ "from": r.source.to_string(), "transport": r.transport.as_str(), "device": r.user_agent,
                "expires_s": r.expires_in.as_secs() })
        });
        json!({ "extension": phone.extension.as_str(), "name": phone.name, "contacts": contacts.collect::<Vec<_>>() })
    });
    let trunk = match trunk {
        TrunkState::Off => Value::Null,
        TrunkState::Registering => json!({ "state": "registering" }),
        TrunkState::Registered { .. } => json!({ "state": "registered" }),
        TrunkState::Refused { status, reason, .. } => {
            json!({ "state": "refused", "status": status, "reason": reason })
        }
        TrunkState::Unreachable { why, .. } => json!({ "state": "unreachable", "why": why }),
    };
    let sim = json!({ "voice": web.app.config.sim_voice_is_set(), "ready": web.app.status.modem().ready });
    Json(json!({ "phones": phones.collect::<Vec<_>>(), "trunk": trunk, "sim": sim }))
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown-call", "there is no such call")
}

fn entry_json(at_ms: i64, what: &str, leg: &str, detail: &str) -> Value {
    json!({ "at": rfc3339(at_ms), "what": what, "leg": leg, "detail": detail })
}

fn live_json(live: &LiveCall) -> Value {
    let record = &live.record;
    json!({
        "id": record.id, "direction": record.direction.as_str(), "line": calls::line(&record.origin),
        "extension": record.origin_extension(), "number": record.party.number, "began_at": rfc3339(record.began_ms),
        "state": live.doing.as_str(), "since": rfc3339(live.since_ms), "with": live.with,
    })
}

fn call_json(row: &CallRow) -> Value {
    json!({
        "id": row.id, "direction": row.direction, "line": row.line, "extension": row.extension, "number": row.number,
        "order": row.order, "began_at": rfc3339(row.began_ms), "ended_at": rfc3339(row.ended_ms), "outcome": row.outcome,
        "why": row.why, "answered_by": row.answered_by, "rang_ms": row.rang_ms, "talked_ms": row.talked_ms,
        "open": row.is_open(), "done_by": row.done_by,
    })
}
