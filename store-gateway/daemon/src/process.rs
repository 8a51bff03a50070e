//! What a daemon shows to whoever started it: logs on stderr, one ready line on stdout, sd_notify, and a stop on
//! SIGTERM or SIGINT.

use std::io::Write as _;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
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

/// SIGTERM and SIGINT, caught from now on. Make it before the ready line: who has read that may ask for a stop at once,
/// and a stop that was asked for is no failure.
pub struct StopSignals {
    term: Signal,
    int: Signal,
}

impl StopSignals {
    /// Catches the signals.
    ///
    /// # Errors
    /// When the process can't have signal handlers.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them, and tells systemd.
    pub async fn asked(mut self) {
        tokio::select! { _ = self.term.recv() => {}, _ = self.int.recv() => {} }
        notify(&[sd_notify::NotifyState::Stopping]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_that_comes_before_anybody_waits_is_not_lost() {
        let signals = StopSignals::catch().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(own), nix::sys::signal::Signal::SIGTERM).unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(5), signals.asked()).await.unwrap();
    }
}
