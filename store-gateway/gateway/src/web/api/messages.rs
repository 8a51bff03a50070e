//! The message queue and its history, a text from staff, and what a text would cost.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use shop_model::decide::Role;
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;

use super::super::Web;
use super::super::auth::LoggedIn;
use super::super::view::problem_of;
use super::reservations::{body, cursor, limit, order, parse_cursor, unknown_order};
use crate::messages;

#[derive(Deserialize)]
pub struct ListQuery {
    state: Option<String>,
    order: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET messages`.
pub async fn list(
    State(web): State<Web>,
    _who: LoggedIn,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|e| Problem::bad_request(e.body_text()))?;
    if let Some(word) = &query.state
        && shop_model::message::MessageState::parse(word).is_none()
    {
        return Err(Problem::bad_request(format!("state: {word:?} is no state of a message")));
    }
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let wanted = messages::Wanted { state: query.state, order: query.order, after, limit: limit(query.limit)? };
    let page = web.app.read(move |db| messages::page(db, &wanted)).await.map_err(|e| problem_of(&e))?;
    Ok(Json(json!({
        "items": page.items.iter().map(messages::MessageView::to_json).collect::<Vec<_>>(),
        "next_cursor": page.next.map(|(ms, id)| cursor(ms, &id)),
    })))
}

#[derive(Deserialize)]
pub struct Create {
    order: String,
    text: String,
    #[serde(default)]
    fold: bool,
}

/// `POST messages`: a text from staff to an order's phone.
pub async fn create(
    State(web): State<Web>,
    who: LoggedIn,
    sent: Result<Json<Create>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Create { order: number, text, fold } = body(sent)?;
    let number = order(&number)?;
    let who = who.who();
    let queued = web
        .app
        .work(Lane::Work, move |desk| {
            let Some(id) = desk.find(&number)? else { return Ok(Err(unknown_order())) };
            Ok(messages::enqueue_staff_text(desk, id, &text, fold, &who)?
                .map_err(|e| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text", e.to_string())))
        })
        .await;
    let message = queued.map_err(|e| problem_of(&e))??;
    Ok((StatusCode::CREATED, Json(json!({ "id": message.to_string(), "state": "queued" }))))
}

/// `POST messages/resume`: somebody has seen to a SIM that the network refused. For seniors and managers.
pub async fn resume(State(web): State<Web>, who: LoggedIn) -> Result<StatusCode, Problem> {
    if who.session.who.role == Role::Clerk {
        return Err(Problem::forbidden("a senior or manager lets a paused SIM send again"));
    }
    messages::resume_sending(&web.app, who.who()).await.map_err(|e| problem_of(&e))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub struct Preview {
    text: String,
    #[serde(default)]
    fold: bool,
}

/// `POST messages/preview`: what a text would cost.
pub async fn preview(_who: LoggedIn, sent: Result<Json<Preview>, JsonRejection>) -> Result<Json<Value>, Problem> {
    let Preview { text, fold } = body(sent)?;
    let preview = messages::preview(&text, fold)
        .map_err(|e| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text", e.to_string()))?;
    Ok(Json(json!({ "text": preview.text, "encoding": preview.encoding, "units": preview.units,
                    "parts": preview.parts, "left": preview.left })))
}
