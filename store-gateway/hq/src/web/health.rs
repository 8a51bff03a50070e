//! `/healthz`: process and database. `/readyz`: able to take orders and reach stores. `/metrics`: Prometheus text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use store_daemon::writer::Lane;

use store_daemon::backup::Backups;

use super::Hq;
use crate::app::{self, App};
use crate::orders::refusal::Refusal;
use crate::{stores, tidy};

/// Whether the process answers and the database reads and writes.
pub async fn healthz(State(app): Hq) -> Response {
    let reads = app.read(|db| Ok(db.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0))?)).await;
    // A commit of nothing says nothing about the disk: after a failure a row is written.
    let failed = app.writer.trouble().is_some();
    let writes = app.work(Lane::Work, move |desk| {
        if failed {
            desk.db().execute("UPDATE life SET life = life", [])?;
        }
        Ok(())
    });
    let writes = writes.await;
    let good = reads.is_ok() && writes.is_ok();
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": match (&writes, good) {
            (_, true) => "ok",
            (Err(Refusal::DiskFull), _) => "disk-full",
            _ => "failing",
        },
        "database": { "reads": reads.is_ok(), "writes": writes.is_ok() },
        "broker": { "connected": app.connected.load(Ordering::Relaxed) },
        "signing_key": app.signer.public_key(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// Whether orders placed now reach their stores.
pub async fn readyz(State(app): Hq) -> Response {
    let connected = app.connected.load(Ordering::Relaxed);
    let status = if connected { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let why = if connected { "" } else { "no connection to the broker; orders are kept and sent later" };
    let body = json!({ "ready": connected, "why": why });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

struct Text(String);

impl Text {
    fn put(&mut self, name: &str, kind: &str, help: &str, values: &[(String, f64)]) {
        let out = &mut self.0;
        let done = writeln!(out, "# HELP {name} {help}").and_then(|()| writeln!(out, "# TYPE {name} {kind}"));
        done.expect("writing to a String does not fail");
        for (labels, value) in values {
            writeln!(out, "{name}{labels} {value}").expect("writing to a String does not fail");
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.put(name, "counter", help, &[(String::new(), value.load(Ordering::Relaxed) as f64)]);
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.put(name, "gauge", help, &[(String::new(), value)]);
    }
}

/// Prometheus text (exposition format 0.0.4). No names, no numbers of people.
pub async fn metrics(State(app): Hq) -> Response {
    match render(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn render(app: &App) -> Result<String, Refusal> {
    let moment = tidy::moment(app);
    let (list, figures, outbox) = app
        .read(move |db| {
            let list = stores::list(db, moment)?;
            let figures = stores::figures(db, &list, moment)?;
            let outbox: (i64, i64) = db.query_row(
                "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM sync_outbox_size",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok((list, figures, outbox))
        })
        .await?;
    let mut text = Text(String::new());
    let by_link = ["online", "offline", "silent", "never"].map(|link| {
        let count = list.iter().filter(|store| store.link == link).count();
        (format!("{{link=\"{link}\"}}"), count as f64)
    });
    text.put("hq_stores", "gauge", "Stores by link.", &by_link);
    text.gauge("hq_orders_open", "Orders not ended.", figures.open as f64);
    text.gauge("hq_orders_at_risk", "Orders that may break a promise.", figures.at_risk as f64);
    text.gauge("hq_orders_ready", "Orders that wait for their customers.", figures.ready as f64);
    text.gauge("hq_messages_unknown", "Text messages in doubt.", figures.unknown as f64);
    text.gauge("hq_alerts", "Alerts that stand.", figures.alerts as f64);
    text.gauge("hq_outbox_rows", "Events that stores have not acknowledged.", outbox.0 as f64);
    text.gauge("hq_outbox_bytes", "Their bytes.", outbox.1 as f64);
    text.gauge(
        "hq_broker_connected",
        "1 while the broker link stands.",
        f64::from(u8::from(app.connected.load(Ordering::Relaxed))),
    );
    let newest = Backups::of(&app.config.storage.path.join("hq.db")).newest();
    let taken = newest.and_then(|path| path.metadata().ok()?.modified().ok());
    let taken_s = taken.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |at| at.as_secs());
    text.gauge("hq_backup_unix_seconds", "When the newest backup was taken.", taken_s as f64);
    text.gauge("hq_sessions", "People logged in.", app.sessions.count() as f64);
    text.gauge("hq_uptime_seconds", "Since the start.", (app::now().wall.unix_ms - app.started_ms) as f64 / 1_000.0);
    text.gauge("hq_writer_waiting", "Operations that wait for the writer.", app.writer.waiting() as f64);
    let counters = app.writer.counters();
    text.counter("hq_commits_total", "Commits on disk.", &counters.commits);
    text.counter("hq_commit_failures_total", "Commits that failed.", &counters.failed);
    text.counter("hq_commit_microseconds_total", "Time spent in them.", &counters.commit_micros);
    text.counter("hq_orders_placed_total", "Orders placed since the start.", &app.counters.placed);
    text.counter("hq_mqtt_received_total", "Messages from the broker.", &app.counters.received);
    text.counter("hq_mqtt_garbage_total", "Messages that could not be read.", &app.counters.garbage);
    text.counter(
        "hq_mqtt_dropped_total",
        "Messages dropped before the broker; sent again by the protocol.",
        &app.counters.dropped,
    );
    text.counter("hq_unauthorized_total", "Requests without a known key.", &app.counters.unauthorized);
    Ok(text.0)
}
