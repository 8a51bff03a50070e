//! `/healthz`, `/readyz`, `/metrics`: for systemd, HQ's checks and Prometheus. No names, no numbers.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rusqlite::Connection;
use serde_json::json;
use store_daemon::backup::Backups;
use store_daemon::ledger::SqlLedger;
use store_sync::{LedgerRead as _, Queue};

use super::Web;
use crate::app::{SCOPE, ShopError};

/// Health routes; they ask for no log-in.
pub fn router() -> Router<Web> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

/// Process and database: it reads, and the last commit reached the disk or one does now.
async fn healthz(State(web): State<Web>) -> Response {
    let alerts = web.app.read(|db| Ok(standing_alerts(db)?)).await;
    let writes = if web.app.writer.trouble().is_some() { probe(&web).await } else { Ok(()) };
    let database = alerts.and_then(|alerts| writes.map(|()| alerts));
    let state = match &database {
        Ok(_) => "ok",
        Err(ShopError::DiskFull) => "disk-full",
        Err(_) => "database",
    };
    let signed = if web.app.config.hq_key.is_some() { "required" } else { "unsigned batches of HQ are accepted" };
    let modem = web.app.status.modem().clone();
    let link = web.app.status.link().clone();
    let body = json!({
        "status": state,
        "database": { "why": database.as_ref().err().map(ToString::to_string) },
        "version": env!("CARGO_PKG_VERSION"),
        "signatures": signed,
        "clock": web.app.clock.wall().quality.as_str(),
        "uplink": { "online": link.online, "connected": link.connected, "superseded": link.superseded, "recovery": link.recovery },
        "modem": { "configured": modem.configured, "ready": modem.ready, "paused": modem.paused,
                   "registration": modem.registration, "sim": modem.sim },
        "alerts": database.as_ref().ok(),
        "config": { "version": web.app.bundle().version, "refused": *web.app.status.config_refused() },
    });
    let status = if database.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// The kinds of the alerts that nobody has dealt with.
fn standing_alerts(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut kinds = db.prepare_cached("SELECT DISTINCT kind FROM alert WHERE cleared_ms IS NULL ORDER BY kind")?;
    kinds.query_map([], |row| row.get(0))?.collect()
}

/// Able to hand over: the database takes a write, nobody has taken over this store.
async fn readyz(State(web): State<Web>) -> Response {
    if web.app.status.link().superseded {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "why": "superseded" }))).into_response();
    }
    match probe(&web).await {
        Ok(()) => Json(json!({ "ready": true })).into_response(),
        Err(e) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "why": e.to_string() }))).into_response()
        }
    }
}

/// Writes a row, to see whether the database takes one.
async fn probe(web: &Web) -> Result<(), ShopError> {
    let written = web.app.work(store_daemon::writer::Lane::Work, |desk| {
        let now = desk.wall().unix_ms.to_string();
        desk.db()
            .execute("INSERT INTO meta(key, value) VALUES ('probe', ?1) ON CONFLICT DO UPDATE SET value = ?1", [now])?;
        Ok(())
    });
    written.await
}

async fn metrics(State(web): State<Web>) -> Response {
    let phones = match web.app.calls.sip() {
        Some(sip) => sip.registrations().await.len() as u64,
        None => 0,
    };
    match web.app.read(|db| Ok(gauges(db)?)).await {
        Ok(gauges) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text(&web, gauges, phones)).into_response()
        }
        Err(e) => {
            let e: ShopError = e;
            super::view::problem_of(&e).into_response()
        }
    }
}

/// (name, label, label's value, value).
type Gauge = (&'static str, &'static str, String, i64);

fn gauges(db: &Connection) -> rusqlite::Result<Vec<Gauge>> {
    let mut all = Vec::new();
    let groups = [
        ("store_reservations", "goods", "SELECT goods, count(*) FROM reservation GROUP BY goods"),
        ("store_messages", "state", "SELECT state, count(*) FROM message GROUP BY state"),
        ("store_alerts", "kind", "SELECT kind, count(*) FROM alert WHERE cleared_ms IS NULL GROUP BY kind"),
    ];
    for (name, label, sql) in groups {
        let mut rows = db.prepare_cached(sql)?;
        for row in rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (word, count) = row?;
            all.push((name, label, word, count));
        }
    }
    let ledger = SqlLedger::new(db, SCOPE);
    for queue in Queue::ALL {
        let rows = i64::try_from(ledger.outbox_size(queue)?.rows).unwrap_or(i64::MAX);
        all.push(("store_outbox_rows", "class", queue.as_str().to_owned(), rows));
    }
    Ok(all)
}

fn text(web: &Web, gauges: Vec<Gauge>, phones: u64) -> String {
    let mut out = String::new();
    let mut last = "";
    for (name, label, word, value) in gauges {
        if name != last {
            // Writing to a String does not fail; `_ =` says that on purpose.
            _ = writeln!(out, "# TYPE {name} gauge");
            last = name;
        }
        _ = writeln!(out, "{name}{{{label}=\"{word}\"}} {value}");
    }
    let counters = web.app.writer.counters();
    let link = web.app.status.link().clone();
    let modem = web.app.status.modem().clone();
    let backup =
        Backups::of(&web.app.config.database()).newest().and_then(|path| path.metadata().ok()?.modified().ok());
    let backup_s = backup.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_secs());
    let plain = [
        ("store_backup_unix_seconds", "gauge", backup_s),
        ("store_uplink_online", "gauge", u64::from(link.online)),
        ("store_uplink_unreadable_total", "counter", link.unreadable),
        ("store_uplink_unsigned_total", "counter", link.unsigned),
        ("store_uplink_dropped_total", "counter", web.app.outgoing_dropped.load(Ordering::Relaxed)),
        ("store_modem_ready", "gauge", u64::from(modem.ready)),
        ("store_modem_bars", "gauge", u64::from(modem.bars)),
        ("store_calls", "gauge", web.app.calls.len() as u64),
        ("store_calls_refused_total", "counter", web.app.calls.refused.load(Ordering::Relaxed)),
        ("store_calls_unwritten_total", "counter", web.app.calls.lost.load(Ordering::Relaxed)),
        ("store_phones_registered", "gauge", phones),
        ("store_sessions", "gauge", web.sessions.count() as u64),
        ("store_writer_waiting", "gauge", web.app.writer.waiting() as u64),
        ("store_writer_commits_total", "counter", counters.commits.load(Ordering::Relaxed)),
        ("store_writer_operations_total", "counter", counters.operations.load(Ordering::Relaxed)),
        ("store_writer_failed_total", "counter", counters.failed.load(Ordering::Relaxed)),
        ("store_writer_commit_microseconds_total", "counter", counters.commit_micros.load(Ordering::Relaxed)),
        ("store_writer_commit_slowest_microseconds", "gauge", counters.slowest_commit_micros.load(Ordering::Relaxed)),
    ];
    for (name, kind, value) in plain {
        _ = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
    }
    out
}
