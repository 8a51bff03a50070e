//! The store's own recordings in place of spoken texts.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use shop_model::decide::Role;
use shop_model::language::Language;
use store_daemon::problem::Problem;
use store_sound::prompts::{MOST_UPLOAD_OCTETS, UploadFailed};

use super::super::Web;
use super::super::auth::LoggedIn;
use crate::calls::RECORDINGS;

/// `GET prompts`.
pub async fn list(State(web): State<Web>, _who: LoggedIn) -> Json<Value> {
    let speaker = web.app.speaker();
    let mut items = Vec::new();
    for name in RECORDINGS {
        for language in Language::ALL {
            let recorded = speaker.upload(language, name).await.is_some();
            items.push(json!({ "name": name, "language": language.as_str(), "recorded": recorded }));
        }
    }
    Json(json!({ "items": items }))
}

/// `PUT prompts/{language}/{name}`: a WAV file. For managers.
pub async fn put(
    State(web): State<Web>,
    who: LoggedIn,
    Path((language, name)): Path<(String, String)>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let (language, name) = place(&who, &language, &name)?;
    let file = to_bytes(request.into_body(), MOST_UPLOAD_OCTETS).await.map_err(|e| {
        let why = format!("the recording can't be read ({e}); the most is {MOST_UPLOAD_OCTETS} octets");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "recording", why)
    })?;
    keep(&web, language, name, file.to_vec()).await.map(Json)
}

/// Keeps a recording; says how long it lasts.
///
/// # Errors
/// 422 names what is wrong with the file.
pub async fn keep(web: &Web, language: Language, name: &str, file: Vec<u8>) -> Result<Value, Problem> {
    let kept = web.app.speaker().keep_upload(language, name, file).await;
    let lasts = kept.map_err(|e| match e {
        UploadFailed::Refused(_) | UploadFailed::Name => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "recording", e.to_string())
        }
        UploadFailed::Disk(e) => Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", e.to_string()),
    })?;
    Ok(json!({ "name": name, "language": language.as_str(), "lasts_ms": lasts.as_millis() }))
}

/// `DELETE prompts/{language}/{name}`: the text is spoken again. For managers.
pub async fn delete(
    State(web): State<Web>,
    who: LoggedIn,
    Path((language, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (language, name) = place(&who, &language, &name)?;
    let removed = web.app.speaker().remove_upload(language, name).await;
    match removed.map_err(|e| Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", e.to_string()))? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "unknown-recording", "there is no such recording")),
    }
}

/// Whether this person may, and which recording is meant.
///
/// # Errors
/// 403, or 404 for a text that can't be recorded.
pub fn place(who: &LoggedIn, language: &str, name: &str) -> Result<(Language, &'static str), Problem> {
    if who.session.who.role != Role::Manager {
        return Err(Problem::forbidden("a manager chooses what callers hear"));
    }
    let language = Language::parse(language);
    let name = RECORDINGS.into_iter().find(|known| *known == name);
    match (language, name) {
        (Some(language), Some(name)) => Ok((language, name)),
        _ => Err(Problem::new(StatusCode::NOT_FOUND, "unknown-recording", "no such text can be recorded")),
    }
}
