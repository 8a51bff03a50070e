//! The message queue, and the condition of the box.

use std::sync::OnceLock;

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use rusqlite::{Connection, OptionalExtension as _, Row};
use sans_io::ClockQuality;
use serde::Deserialize;
use shop_model::ids::MessageId;
use store_daemon::ledger::SqlLedger;
use store_daemon::problem::Problem;
use store_daemon::wall::unix_ms;
use store_daemon::writer::Lane;
use store_sync::{LedgerRead as _, Queue};

use super::board::frame;
use super::{Look, Refused, card, finish, show, words};
use crate::app::{SCOPE, ShopError};
use crate::messages;
use crate::screens;
use crate::screens::view::{
    Alert, ConfigHealth, Health, LinkHealth, MessageRow, Messages, ModemHealth, QueueHealth, QueueName, Side, Who, Work,
};
use crate::screens::words::{ClockWord, ModemWord, Tone};
use crate::status::ModemStatus;

/// Rows of one list of messages that are shown.
const SHOWN: u32 = 60;

struct Found {
    id: String,
    order: Option<String>,
    who: Who,
    purpose: String,
    state: String,
    at_ms: i64,
    cause: Option<String>,
    parts: u32,
}

fn list(db: &Connection, states: &str) -> rusqlite::Result<Vec<Found>> {
    let sql = format!(
        "SELECT m.id, r.number, coalesce(p.initials, ''), coalesce(p.last3, ''), m.purpose, m.state, m.changed_ms, m.cause, m.parts
         FROM message m LEFT JOIN reservation r ON r.id = m.reservation LEFT JOIN person p ON p.person_ref = m.person_ref
         WHERE m.state IN ({states}) ORDER BY m.priority, m.created_ms LIMIT {SHOWN}"
    );
    let read = |row: &Row<'_>| {
        Ok(Found {
            id: row.get(0)?,
            order: row.get(1)?,
            who: Who { initials: row.get(2)?, tail: row.get(3)? },
            purpose: row.get(4)?,
            state: row.get(5)?,
            at_ms: row.get(6)?,
            cause: row.get(7)?,
            parts: row.get(8)?,
        })
    };
    db.prepare_cached(&sql)?.query_map([], read)?.collect()
}

fn row(look: &Look, found: Found) -> MessageRow {
    MessageRow {
        purpose: words::purpose(&found.purpose),
        state: words::message_text(&found.state).unwrap_or(screens::words::MessageWord::Queued),
        at: look.moment(found.at_ms),
        cause: found.cause.as_deref().map(words::cause),
        id: found.id,
        order: found.order,
        who: found.who,
        parts: found.parts,
    }
}

async fn messages_work(look: &Look) -> Result<Work, Refused> {
    let (unknown, failed, queue, queue_count) = look
        .web
        .app
        .read(|db| {
            let count = "SELECT count(*) FROM message WHERE state IN ('queued', 'held', 'submitting')";
            Ok((
                list(db, "'unknown'")?,
                list(db, "'failed'")?,
                list(db, "'queued', 'held', 'submitting'")?,
                db.prepare_cached(count)?.query_row([], |row| row.get(0))?,
            ))
        })
        .await?;
    let rows = |found: Vec<Found>| found.into_iter().map(|f| row(look, f)).collect();
    let modem = modem_word(&look.web.app.status.modem().clone());
    Ok(Work::Messages(Messages {
        texts: card::texts(look).await?,
        unknown: rows(unknown),
        failed: rows(failed),
        queue: rows(queue),
        queue_count,
        modem,
        problem: None,
    }))
}

/// `GET /messages`.
pub async fn messages(look: Look) -> Response {
    let outcome = async { show(&look, frame(&look).await?, messages_work(&look).await?).await };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct Settle {
    csrf: String,
    #[serde(rename = "as")]
    settled_as: String,
}

/// `POST /messages/{id}/settle`: a person knows what became of an unknown message.
pub async fn settle(look: Look, Path(id): Path<String>, Form(form): Form<Settle>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let id = MessageId::parse(&id).map_err(|e| Problem::bad_request(format!("id: {e}")))?;
        let verdict = match form.settled_as.as_str() {
            "sent" => messages::Settle::Sent,
            "not_sent" => messages::Settle::NotSent,
            _ => return Err(Refused(Problem::bad_request("as: is neither sent nor not_sent"))),
        };
        let who = look.who.who();
        let settled = look.web.app.work(Lane::Work, move |desk| messages::settle(desk, id, verdict, &who));
        settled.await?.map_err(|e| Problem::new(StatusCode::CONFLICT, "changed", e.to_string()))?;
        show(&look, frame(&look).await?, messages_work(&look).await?).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct TextDone {
    csrf: String,
    #[serde(default)]
    back: String,
    #[serde(default)]
    open: String,
}

/// `POST /texts/{id}/done`: somebody has read a text.
pub async fn text_done(look: Look, Path(id): Path<String>, Form(form): Form<TextDone>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let id = MessageId::parse(&id).map_err(|e| Problem::bad_request(format!("id: {e}")))?;
        let who = look.who.who();
        let done = look.web.app.work(Lane::Work, move |desk| messages::mark_text_done(desk, id, &who));
        done.await?.map_err(|e| Problem::new(StatusCode::CONFLICT, "changed", e.to_string()))?;
        let frame = frame(&look).await?;
        if form.back != "side" {
            return show(&look, frame, messages_work(&look).await?).await;
        }
        let work = match form.open.as_str() {
            "" => Work::Empty(Side { thread: None, texts: card::texts(&look).await? }),
            number => card::work(&look, &card::read(&look, number).await?).await?,
        };
        Ok(Html(screens::render_side(&frame, &work, look.lang)?).into_response())
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

fn modem_word(modem: &ModemStatus) -> ModemWord {
    match () {
        () if !modem.configured => ModemWord::Missing,
        () if modem.sim.starts_with("absent") => ModemWord::NoSim,
        () if modem.sim.starts_with("pu") || modem.sim.starts_with("pin") => ModemWord::PinBlocked,
        () if modem.paused.is_some() => ModemWord::Paused,
        () if modem.ready && matches!(modem.registration.as_str(), "home" | "roaming") => ModemWord::Ready,
        () if modem.ready => ModemWord::NoNetwork,
        () if modem.down_since_ms.is_some() => ModemWord::Recovering,
        () => ModemWord::Starting,
    }
}

const fn clock_word(quality: ClockQuality) -> ClockWord {
    match quality {
        ClockQuality::Unset => ClockWord::Unset,
        ClockQuality::Saved => ClockWord::Saved,
        ClockQuality::Rtc => ClockWord::Rtc,
        ClockQuality::Gsm => ClockWord::Gsm,
        ClockQuality::Ntp => ClockWord::Ntp,
        ClockQuality::Hq => ClockWord::Hq,
    }
}

/// What the database knows of the box's condition.
struct Stored {
    alerts: Vec<(i64, String, String)>,
    queues: Vec<(QueueName, u64, Option<i64>)>,
    set_aside: u64,
}

fn stored(db: &Connection) -> Result<Stored, ShopError> {
    let mut alerts = db.prepare_cached(
        "SELECT raised_ms, kind, text FROM alert WHERE cleared_ms IS NULL ORDER BY raised_ms DESC LIMIT 50",
    )?;
    let alerts = alerts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let ledger = SqlLedger::new(db, SCOPE);
    let mut queues = Vec::new();
    for (name, queue) in [(QueueName::P0, Queue::P0), (QueueName::P1, Queue::P1)] {
        let oldest = ledger.outbox(queue, 0, 1)?.first().map(|row| row.at_ms);
        queues.push((name, ledger.outbox_size(queue)?.rows, oldest));
    }
    let texts = db
        .prepare_cached(
            "SELECT count(*), min(created_ms) FROM message WHERE state IN ('queued', 'held', 'submitting')",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or((0, None));
    queues.push((QueueName::Texts, texts.0, texts.1));
    let set_aside: u64 = db.query_row("SELECT count(*) FROM sync_aside", [], |row| row.get(0))?;
    queues.push((QueueName::DeadLetters, set_aside, None));
    Ok(Stored { alerts, queues, set_aside })
}

fn started() -> i64 {
    static STARTED: OnceLock<i64> = OnceLock::new();
    *STARTED.get_or_init(unix_ms)
}

/// Notes the time at which the process started; later calls change nothing.
pub fn note_start() {
    started();
}

fn disk(path: &std::path::Path) -> (u64, u64) {
    let Ok(stat) = nix::sys::statvfs::statvfs(path) else { return (0, 0) };
    let block = stat.fragment_size();
    let total = stat.blocks() * block;
    (total.saturating_sub(stat.blocks_available() * block), total)
}

/// `GET /health-page`.
pub async fn health(look: Look) -> Response {
    let outcome = async {
        let app = &look.web.app;
        let stored = app.read(stored).await?;
        let modem = app.status.modem().clone();
        let link = app.status.link().clone();
        let (disk_used, disk_total) = disk(&app.config.storage);
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let version = app.bundle().version;
        let refused = app.status.config_refused().clone();
        let health = Health {
            alerts: stored
                .alerts
                .into_iter()
                .map(|(at, _, text)| Alert { at: look.moment(at), tone: Tone::Stop, text })
                .collect(),
            modems: vec![ModemHealth {
                name: app.config.modem.as_ref().map_or_else(String::new, |m| m.port.display().to_string()),
                state: modem_word(&modem),
                operator: Some(modem.operator).filter(|o| !o.is_empty()),
                bars: modem.ready.then_some(modem.bars),
                model: Some(modem.model).filter(|m| !m.is_empty()),
            }],
            link: LinkHealth {
                broker: app.config.broker.url.clone(),
                last_heard: link.online.then(|| look.now()),
                offline_days_left: None,
                set_aside: count(stored.set_aside),
                signed: app.config.hq_key.is_some(),
            },
            clock: clock_word(app.clock.wall().quality),
            disk_used,
            disk_total,
            queues: stored
                .queues
                .into_iter()
                .map(|(name, n, oldest)| QueueHealth {
                    name,
                    length: count(n),
                    oldest: oldest.map(|ms| look.moment(ms)),
                })
                .collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: look.moment(started()),
            config: ConfigHealth { desired: None, applied: (version > 0).then_some(version), refused },
        };
        show(&look, frame(&look).await?, Work::Health(Box::new(health))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}
