//! What a daemon shows to whoever started it: logs on stderr, one ready line on stdout, sd_notify, and a stop on
//! SIGTERM or SIGINT.

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

/// Exit code for a failure while running.
pub const EXIT_FAILED: u8 = 1;
/// Exit code for a configuration that is refused.
pub const EXIT_CONFIG: u8 = 2;

/// Sends logs to stderr: JSON where `LOG_FORMAT=json`, else text. `RUST_LOG` filters; `info` without it.
pub fn init_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = if std::env::var_os("LOG_FORMAT").is_some_and(|f| f == "json") {
        builder.json().try_init()
    } else {
        builder.with_ansi(false).try_init()
    };
    // A second call, as tests make it, keeps the first subscriber.
    drop(done);
}

/// Makes *ring* the process's TLS provider.
pub fn init_tls() {
    // A second call keeps the first provider.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Prints the ready line and tells systemd. `listeners` are names and bound addresses; `web` comes first.
///
/// # Errors
/// When stdout is closed.
pub fn announce_ready(version: &str, listeners: &[(&str, SocketAddr)]) -> std::io::Result<()> {
    let mut line = Map::new();
    line.insert("ready".into(), json!(true));
    for (name, address) in listeners {
        line.insert((*name).to_owned(), json!(address.to_string()));
    }
    line.insert("version".into(), json!(version));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", Value::Object(line))?;
    out.flush()?;
    notify(&[sd_notify::NotifyState::Ready]);
    Ok(())
}

/// Tells systemd, where it listens.
pub fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::debug!(error = %e, "systemd was not told");
    }
}

/// Feeds systemd's watchdog at half its period while `alive` says so; returns at once where there is none.
pub async fn feed_watchdog(alive: impl Fn() -> bool) {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval(period / 2);
    loop {
        tick.tick().await;
        if alive() {
            notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// When the process can't have signal handlers.
pub async fn stop_asked() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    notify(&[sd_notify::NotifyState::Stopping]);
    Ok(())
}
