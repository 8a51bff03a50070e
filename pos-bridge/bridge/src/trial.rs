//! `scan-test` and `print-test`: the devices without the gateway, for the person who installs them.

use std::time::Duration;

use anyhow::{Context as _, bail};
use shop_model::document::test_page;
use shop_model::language::Language;
use store_daemon::process::StopSignals;
use till_devices::printing::{Job, JobId};
use till_devices::scanner::Read;
use till_link::{HeldBy, JobState};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::clock::{Clock, until};
use crate::config::{Config, Printer, Scanner};
use crate::folder::Folder;
use crate::paper;
use crate::press::Press;
use crate::scanner::{Reader, Seen, letters};

/// Lines on their way to the screen.
const LINES: usize = 16;
/// Added to the printer's own wait for an answer: for the port, and for somebody to close a cover.
const HELD_WAIT: Duration = Duration::from_secs(5);
/// The number of the test's job; the journal never gets that far.
const NUMBER: u64 = u64::MAX;

/// Shows what the scanners read, until it is interrupted or `limit` is over.
///
/// # Errors
/// When the daemon runs, or no scanner is configured.
pub async fn scan(config: &Config, limit: Option<Duration>) -> anyhow::Result<()> {
    if config.scanners.is_empty() {
        bail!("the configuration has no [[scanner]]");
    }
    let signals = StopSignals::catch().context("catching signals")?;
    let _lock = Folder::open(&config.storage)?.lock()?;
    let (lines, mut shown) = mpsc::channel(LINES);
    for scanner in config.scanners.clone() {
        tokio::spawn(watch(scanner, lines.clone()));
    }
    let end = limit.map(|limit| Instant::now() + limit);
    let show = async {
        while let Some(line) = shown.recv().await {
            println!("{line}");
        }
    };
    tokio::select! {
        () = show => {}
        () = signals.asked() => {}
        () = until(end) => {}
    }
    Ok(())
}

async fn watch(scanner: Scanner, lines: mpsc::Sender<String>) {
    let name = scanner.name.clone();
    let mut reader = Reader::new(scanner, Clock::start());
    let mut is_missing = false;
    loop {
        let line = match reader.next().await {
            Seen::Opened => {
                is_missing = false;
                "its port is open; scan something".to_owned()
            }
            Seen::Lost(why) => format!("its port is lost: {why}"),
            Seen::Missing(_) if is_missing => continue,
            Seen::Missing(why) => {
                is_missing = true;
                format!("its port can't be opened: {why}")
            }
            Seen::Read(Read::Scan { text, symbology }) => {
                let code = symbology.map_or_else(|| "kind not told".to_owned(), letters);
                format!("{text}  ({code}, {} letters)", text.chars().count())
            }
            Seen::Read(Read::Dropped { octets, why }) => format!("dropped {octets} octets: {why:?}"),
        };
        if lines.send(format!("{name}: {line}")).await.is_err() {
            return;
        }
    }
}

/// Prints the test page on one printer, or on each, and tells what became of it.
///
/// # Errors
/// When the daemon runs, there is no such printer, or a page was neither printed nor sent.
pub async fn print(config: &Config, name: Option<&str>) -> anyhow::Result<()> {
    let printers: Vec<&Printer> =
        config.printers.iter().filter(|printer| name.is_none_or(|name| printer.name == name)).collect();
    if printers.is_empty() {
        let known: Vec<&str> = config.printers.iter().map(|printer| &*printer.name).collect();
        bail!("no such printer in the configuration; there are: {}", known.join(", "));
    }
    let _lock = Folder::open(&config.storage)?.lock()?;
    let mut failed = Vec::new();
    for printer in printers {
        let (words, is_good) = outcome(print_one(printer).await?);
        println!("{}: {words}", printer.name);
        if !is_good {
            failed.push(&*printer.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("no test page from {}", failed.join(", ")) }
}

/// The last state of the test's job: final, or what holds it.
async fn print_one(printer: &Printer) -> anyhow::Result<JobState> {
    let document = test_page(Language::Pl, printer.profile.paper_width().columns);
    let octets = paper::octets(&document, printer).with_context(|| printer.name.clone())?;
    let mut press = Press::new(printer.clone(), Clock::start());
    press.job(Job { id: JobId(NUMBER), octets, valid_for: None });
    let mut last = JobState::Taken;
    let mut end = Instant::now() + printer.timing.answer + HELD_WAIT;
    loop {
        while let Some((_, state)) = press.act() {
            if state == JobState::Begun {
                // From here on the core has its own end.
                end = Instant::now() + printer.timing.finish + HELD_WAIT;
            }
            last = state;
        }
        if last.is_final() || timeout_at(end, press.next()).await.is_err() {
            return Ok(last);
        }
    }
}

/// In words, and whether the page is out as far as anybody can know.
fn outcome(state: JobState) -> (String, bool) {
    match state {
        JobState::Printed => ("printed: the printer confirms it".to_owned(), true),
        JobState::Sent => ("sent: the port took it; this printer can't confirm".to_owned(), true),
        JobState::Held { by } => (format!("held, nothing was sent: {}", held_words(by)), false),
        JobState::Unknown { cause } => (format!("unknown: it began, and then: {cause:?}"), false),
        other => (format!("not printed: {other:?}"), false),
    }
}

const fn held_words(by: HeldBy) -> &'static str {
    match by {
        HeldBy::Port => "the port can't be opened; run pos-bridge doctor",
        HeldBy::Silent => "the printer does not answer; is it on, and are cable, speed and profile right?",
        HeldBy::Offline => "the printer says that it is offline",
        HeldBy::CoverOpen => "the printer's cover is open",
        HeldBy::PaperOut => "the printer has no paper",
        HeldBy::Error => "the printer has an error",
    }
}
