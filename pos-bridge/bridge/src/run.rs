//! Starting, running and stopping the daemon.

use std::time::Duration;

use anyhow::Context as _;
use store_daemon::process::{StopSignals, announce_ready, feed_watchdog};
use store_daemon::supervisor::Supervisor;

use crate::board::{Board, Facts};
use crate::clock::Clock;
use crate::config::Config;
use crate::folder::Folder;
use crate::journal::Journal;
use crate::link::{Link, Scans};
use crate::{printer, scanner};

/// A stop must be over by then; systemd and the interface promise five seconds.
const STOP_LIMIT: Duration = Duration::from_millis(4_000);

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// When it can't start, or a task keeps failing.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let signals = StopSignals::catch().context("catching signals")?;
    let folder = Folder::open(&config.storage)?;
    let _lock = folder.lock()?;
    let identity = folder.identity()?;
    let printers = config.printers.iter().map(|printer| printer.name.clone()).collect();
    let journal = Journal::open(&folder.journal(), printers).await;
    let board = Board::new(Facts::of(config));
    let (link, scans) = Link::new(config, &folder, identity, journal.clone(), board.clone());

    let mut supervisor = Supervisor::default();
    supervisor.keep("link", move |stop| {
        let link = link.clone();
        async move { link.run(stop).await }
    });
    let mending = journal.clone();
    supervisor.keep("journal", move |mut stop| {
        let journal = mending.clone();
        async move {
            tokio::select! { () = journal.mend() => {}, () = stop.asked() => {} }
            Ok(())
        }
    });
    keep_devices(config, &mut supervisor, &journal, &board, &scans);
    announce_ready(env!("CARGO_PKG_VERSION"), &[])?;
    tracing::info!(printers = config.printers.len(), scanners = config.scanners.len(), "ready");

    let ended = tokio::select! {
        () = signals.asked() => Ok(()),
        name = supervisor.watch() => Err(anyhow::anyhow!("the task {name} keeps failing")),
        // One thread runs all tasks: that this one is run says that none of them blocks.
        () = async { feed_watchdog(|| true).await; std::future::pending().await } => Ok(()),
    };
    tracing::info!("stopping");
    supervisor.stop(STOP_LIMIT).await;
    // What the link said of itself is over; the file is for people alone.
    drop(std::fs::remove_file(folder.link_state()));
    ended
}

fn keep_devices(config: &Config, supervisor: &mut Supervisor, journal: &Journal, board: &Board, scans: &Scans) {
    let clock = Clock::start();
    for (at, printer) in config.printers.iter().enumerate() {
        let task =
            printer::Task { at, printer: printer.clone(), journal: journal.clone(), board: board.clone(), clock };
        supervisor.keep("printer", move |stop| task.clone().run(stop));
    }
    for (at, scanner) in config.scanners.iter().enumerate() {
        let task = scanner::Task { at, scanner: scanner.clone(), board: board.clone(), scans: scans.clone(), clock };
        supervisor.keep("scanner", move |stop| task.clone().run(stop));
    }
}
