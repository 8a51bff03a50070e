//! Calls: under way, missed, the log, one call's timeline, the phones and the lines outside.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shop_model::decide::Role;
use shop_model::language::Language;
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;
use store_sip::TrunkState;
use uuid::Uuid;

use super::board::frame;
use super::{Look, Refused, finish, show};
use crate::app::App;
use crate::calls::{self, CallRow, Doing, LiveCall as Running};
use crate::screens::view::{
    Call, CallEntry, CallHead, CallPage, Calls, Contact, LiveCall, OutsideLine, Phone, Recording, Recordings, Who, Work,
};
use crate::screens::words::{CallDoingWord, CallOutcomeWord, CallWayWord, CallWhatWord, LineWord, OutsideWord};
use crate::web::api::{keep_recording, recording_place};

/// Calls of one page of the log.
const SHOWN: u32 = 40;

#[derive(Deserialize)]
pub struct Before {
    before: Option<String>,
}

/// `GET /calls`.
pub async fn list(look: Look, Query(query): Query<Before>) -> Response {
    let outcome = async {
        let after = query.before.as_deref().map(place).transpose()?;
        show(&look, frame(&look).await?, Work::Calls(Box::new(page(&look, after).await?))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `GET /calls/{id}`.
pub async fn one(look: Look, Path(id): Path<String>) -> Response {
    let outcome = async {
        let id = id_of(&id)?;
        let page = match look.web.app.calls.call(id) {
            Some(running) => live_page(&look, &running),
            None => {
                let found = look.web.app.read(move |db| calls::find(db, id)).await?;
                let (row, entries) = found.ok_or_else(unknown)?;
                let began = row.began_ms;
                let entries = entries.into_iter().map(|(at, what, leg, detail)| entry(began, at, &what, leg, detail));
                CallPage { entries: entries.collect(), call: CallHead::Over(call(&look, row)) }
            }
        };
        show(&look, frame(&look).await?, Work::Call(Box::new(page))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct Done {
    csrf: String,
}

/// `POST /calls/{id}/done`: somebody has dealt with a missed call.
pub async fn done(look: Look, Path(id): Path<String>, axum::Form(form): axum::Form<Done>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let (id, who) = (id_of(&id)?, look.who.who());
        // Done by somebody else meanwhile is done.
        look.web.app.work(Lane::Work, move |desk| calls::mark_done(desk, id, &who)).await?;
        show(&look, frame(&look).await?, Work::Calls(Box::new(page(&look, None).await?))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `POST /prompts`: a recording in place of a spoken text.
pub async fn record(look: Look, mut form: Multipart) -> Response {
    let outcome = async {
        let (mut csrf, mut language, mut name, mut file) = (String::new(), String::new(), String::new(), Vec::new());
        let unread = |e: MultipartError| Problem::bad_request(e.body_text());
        while let Some(field) = form.next_field().await.map_err(unread)? {
            let to = match field.name() {
                Some("csrf") => &mut csrf,
                Some("language") => &mut language,
                Some("name") => &mut name,
                Some("file") => {
                    file = field.bytes().await.map_err(unread)?.to_vec();
                    continue;
                }
                _ => continue,
            };
            *to = field.text().await.map_err(unread)?;
        }
        look.check_csrf(&csrf)?;
        let (language, name) = recording_place(&look.who, &language, &name)?;
        keep_recording(&look.web, language, name, file).await?;
        show(&look, frame(&look).await?, Work::Calls(Box::new(page(&look, None).await?))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct Removal {
    csrf: String,
    language: String,
    name: String,
}

/// `POST /prompts/remove`: the text is spoken again.
pub async fn remove_recording(look: Look, axum::Form(form): axum::Form<Removal>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let (language, name) = recording_place(&look.who, &form.language, &form.name)?;
        let removed = look.web.app.speaker().remove_upload(language, name).await;
        removed.map_err(|e| Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", e.to_string()))?;
        show(&look, frame(&look).await?, Work::Calls(Box::new(page(&look, None).await?))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// The store's recordings, for who may change them.
async fn recordings(look: &Look) -> Option<Recordings> {
    if look.who.session.who.role != Role::Manager || look.web.app.config.calls.sip.is_none() {
        return None;
    }
    let speaker = look.web.app.speaker();
    let mut kept = Vec::new();
    for name in calls::RECORDINGS {
        for language in Language::ALL {
            if let Some(sound) = speaker.upload(language, name).await {
                let seconds = sound.len() as f64 / f64::from(store_voice::frame::RATE);
                let lasts = format!("{seconds:.1} s");
                kept.push(Recording { name: name.to_owned(), language: language.as_str().to_owned(), lasts });
            }
        }
    }
    let names = calls::RECORDINGS.iter().map(|name| (*name).to_owned()).collect();
    Some(Recordings { names, kept })
}

fn id_of(text: &str) -> Result<Uuid, Refused> {
    Uuid::try_parse(text).map_err(|_| unknown().into())
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown-call", "there is no such call")
}

/// `MILLISECONDS-ID`: where a page of the log begins.
fn place(text: &str) -> Result<(i64, String), Refused> {
    let parts =
        text.split_once('-').and_then(|(ms, id)| Some((ms.parse().ok()?, Uuid::try_parse(id).ok()?.to_string())));
    parts.ok_or_else(|| Problem::bad_request("before: is no place in the log").into())
}

async fn page(look: &Look, after: Option<(i64, String)>) -> Result<Calls, Refused> {
    let here = after.as_ref().map_or_else(|| "/calls".to_owned(), older_path);
    let wanted = calls::Wanted { open_only: false, after, limit: SHOWN };
    let read = look.web.app.read(move |db| Ok((calls::open_missed(db)?, calls::list(db, &wanted)?)));
    let ((missed, missed_count), log) = read.await?;
    let mut live = Vec::new();
    for running in look.web.app.calls.calls() {
        live.push(live_call(look, &running));
    }
    Ok(Calls {
        here,
        live,
        missed: missed.into_iter().map(|row| call(look, row)).collect(),
        missed_count,
        older: log.next.as_ref().map(older_path),
        log: log.calls.into_iter().map(|row| call(look, row)).collect(),
        phones: phones(look).await,
        lines: lines(&look.web.app).await,
        recordings: recordings(look).await,
    })
}

fn older_path(place: &(i64, String)) -> String {
    format!("/calls?before={}-{}", place.0, place.1)
}

/// A call of the log as screens show it.
pub fn call(look: &Look, row: CallRow) -> Call {
    Call {
        way: way(&row.direction),
        who: Who { initials: row.initials.clone(), tail: row.tail().to_owned() },
        at: look.moment(row.began_ms),
        outcome: outcome(&row.outcome),
        rang_s: row.rang_ms / 1_000,
        talked_s: row.talked_ms / 1_000,
        open: row.is_open(),
        id: row.id,
        extension: row.extension,
        order: row.order,
        answered_by: row.answered_by,
    }
}

fn live_page(look: &Look, running: &Running) -> CallPage {
    let began = running.record.began_ms;
    let entries = running.record.entries.iter();
    let entries = entries.map(|e| entry(began, e.at_ms, e.what.as_str(), e.leg.clone(), e.detail.clone())).collect();
    CallPage { call: CallHead::Live(live_call(look, running)), entries }
}

fn live_call(look: &Look, running: &Running) -> LiveCall {
    let record = &running.record;
    let tail = record.party.number.get(record.party.number.len().saturating_sub(3)..).unwrap_or_default();
    LiveCall {
        id: record.id.to_string(),
        way: way(record.direction.as_str()),
        who: Who { initials: String::new(), tail: tail.to_owned() },
        extension: record.origin_extension().map(str::to_owned),
        doing: match running.doing {
            Doing::Ringing => CallDoingWord::Ringing,
            Doing::Menu => CallDoingWord::Menu,
            Doing::Calling => CallDoingWord::Calling,
            Doing::Talking => CallDoingWord::Talking,
            Doing::Ending => CallDoingWord::Ending,
        },
        since: look.moment(running.since_ms),
        with: running.with.clone(),
    }
}

fn entry(began_ms: i64, at_ms: i64, what: &str, leg: String, detail: String) -> CallEntry {
    let after = (at_ms - began_ms).max(0);
    CallEntry { after: format!("{}.{:02} s", after / 1_000, after % 1_000 / 10), what: what_word(what), leg, detail }
}

fn way(word: &str) -> CallWayWord {
    match word {
        "in" => CallWayWord::In,
        "out" => CallWayWord::Out,
        _ => CallWayWord::Inside,
    }
}

fn outcome(word: &str) -> CallOutcomeWord {
    match word {
        "talked" => CallOutcomeWord::Talked,
        "menu" => CallOutcomeWord::Menu,
        "missed" => CallOutcomeWord::Missed,
        _ => CallOutcomeWord::Failed,
    }
}

fn what_word(word: &str) -> CallWhatWord {
    match word {
        "began" => CallWhatWord::Began,
        "answered" => CallWhatWord::Answered,
        "prompt" => CallWhatWord::Prompt,
        "key" => CallWhatWord::Key,
        "found" => CallWhatWord::Found,
        "code" => CallWhatWord::Code,
        "rang" => CallWhatWord::Rang,
        "not-rung" => CallWhatWord::NotRung,
        "picked-up" => CallWhatWord::PickedUp,
        "bridged" => CallWhatWord::Bridged,
        "held" => CallWhatWord::Held,
        "resumed" => CallWhatWord::Resumed,
        "silent" => CallWhatWord::Silent,
        "heard" => CallWhatWord::Heard,
        "gone" => CallWhatWord::Gone,
        "sound" => CallWhatWord::Sound,
        _ => CallWhatWord::Ended,
    }
}

async fn phones(look: &Look) -> Vec<Phone> {
    let app = &look.web.app;
    let Some(sip) = &app.config.calls.sip else { return Vec::new() };
    let registered = match app.calls.sip() {
        Some(sip) => sip.registrations().await,
        None => Vec::new(),
    };
    let contacts = |phone: &calls::config::Phone| {
        let own = registered.iter().filter(|r| r.extension == phone.extension);
        own.map(|r| Contact {
            place: format!("{} {}", r.source, r.transport.as_str()),
            device: r.user_agent.clone(),
            until: look.moment(look.now().unix_ms + i64::try_from(r.expires_in.as_millis()).unwrap_or(0)),
        })
        .collect()
    };
    sip.phones
        .iter()
        .map(|phone| Phone {
            extension: phone.extension.as_str().to_owned(),
            name: phone.name.clone(),
            contacts: contacts(phone),
        })
        .collect()
}

async fn lines(app: &App) -> Vec<OutsideLine> {
    let mut lines = Vec::new();
    if let Some(sip) = app.calls.sip() {
        let (state, detail) = match sip.trunk().await {
            TrunkState::Off => (None, String::new()),
            TrunkState::Registering => (Some(LineWord::Starting), String::new()),
            TrunkState::Registered { .. } => (Some(LineWord::Ready), String::new()),
            TrunkState::Refused { status, reason, .. } => (Some(LineWord::Refused), format!("{status} {reason}")),
            TrunkState::Unreachable { why, .. } => (Some(LineWord::Unreachable), why),
        };
        lines.extend(state.map(|state| OutsideLine { name: OutsideWord::Trunk, state, detail }));
    }
    if app.config.modem.is_some() {
        let ready = app.status.modem().ready;
        let state = match (app.config.sim_voice_is_set(), ready) {
            (false, _) => LineWord::TextsOnly,
            (true, true) => LineWord::Ready,
            (true, false) => LineWord::Starting,
        };
        lines.push(OutsideLine { name: OutsideWord::Sim, state, detail: String::new() });
    }
    lines
}
