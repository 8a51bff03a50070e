//! The counter with 1 000 open orders: a scan to the commit and to HQ, the screen, memory, and the start.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::Tap;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::disk::Probe;
use crate::shop::{Gateway, STORE, segment};
use crate::stand::{LONG, Screen, Stand, on};
use crate::table::{Budget, Samples, Table, millis};

/// Open orders of a busy store.
const OPEN: u64 = 1_000;
/// Scans, and actions of each kind.
const ACTS: usize = 300;
/// Starts of each kind.
const STARTS: usize = 10;
/// Log-ins at once.
const LOG_INS: usize = 10;
/// DESIGN §10.
const SCAN_ABOVE_COMMIT: Duration = Duration::from_millis(3);
const SCREEN: Duration = Duration::from_millis(100);
const RSS_MIB: f64 = 25.0;
const START: Duration = Duration::from_secs(2);
/// How long HQ may take to say that it has something.
const ACK_LIMIT: Duration = Duration::from_secs(10);

/// All figures of one counter.
///
/// # Errors
/// When the shop does not do what it should.
pub fn measure(root: &Path, table: &mut Table) -> Result<()> {
    let mut stand = Stand::start(root, OPEN)?;
    let paid = stand.paid();
    ensure!(paid.len() >= ACTS, "{} paid orders", paid.len());
    let paid = &paid[..ACTS];
    memory(&mut stand, table)?;

    let screen = Screen::of(&stand.gateway);
    let mut staged = Samples::default();
    for (at, order) in paid.iter().enumerate() {
        staged.add(screen.stage(&order.order, &format!("A{}", at % 40))?);
    }
    act_row(table, "screen: put a bag on a shelf (texts going out meanwhile)", &staged);
    stand.wait_open(OPEN)?;
    let (mut board, mut card) = (Samples::default(), Samples::default());
    for order in paid {
        board.add(screen.open("/")?);
        card.add(screen.open(&format!("/orders/{}", segment(&order.order)))?);
    }
    act_row(table, "screen: the board of 1 000 open orders", &board);
    act_row(table, "screen: an order's page", &card);

    scans(&mut stand, paid, root, table)?;
    starts(&mut stand, table)
}

/// One customer after another, with the shop at rest before each, as between two customers.
fn scans(stand: &mut Stand, paid: &[Order], root: &Path, table: &mut Table) -> Result<()> {
    let screen = Screen::of(&stand.gateway);
    let (mut committed, mut at_hq) = (Samples::default(), Samples::default());
    let mut probe = Probe::new(root)?;
    for order in paid {
        stand.wait_rest()?;
        probe.commit()?;
        stand.tap.drain()?;
        let scan = format!("O1:{STORE}:{}:{}", order.order, stand.codes[&order.order]);
        let began = Instant::now();
        committed.add(screen.act(&order.order, "hand-over", &json!({"scan": scan}))?);
        at_hq.add(acknowledged(&stand.tap, "reservation.handed_over")?.saturating_duration_since(began));
    }
    let commit = probe.samples();
    table.row("disk: commits between these scans, p50 / p99", commit.shown(), Budget::None);
    let most = commit.p99() + SCAN_ABOVE_COMMIT;
    let words = format!("p99 ≤ 1 commit + 3 ms = {:.2} ms", millis(most));
    table.row(
        "scan of the customer's QR → hand-over committed, p50 / p99",
        committed.shown(),
        Budget::Of(words, (committed.p99() <= most).into()),
    );
    table.row("scan → committed → HQ has committed it too, p50 / p99", at_hq.shown(), Budget::None);
    Ok(())
}

fn act_row(table: &mut Table, what: &str, samples: &Samples) {
    let budget = Budget::Of("p99 ≤ 100 ms".into(), (samples.p99() <= SCREEN).into());
    table.row(&format!("{what}, p50 / p99"), samples.shown(), budget);
}

/// Waits until HQ acknowledges an event of this type, which it does after its own commit. Gives the moment.
fn acknowledged(tap: &Tap, kind: &str) -> Result<Instant> {
    let end = Instant::now() + ACK_LIMIT;
    let mut wanted = None;
    while let Some(frame) = tap.next(end.saturating_duration_since(Instant::now()))? {
        if let Some(batch) = on(&frame, "up/events") {
            let events = batch["events"].as_array().context("a batch's events")?;
            let found = events.iter().rev().find(|event| event["type"] == kind);
            wanted = found.and_then(|event| event["seq"].as_u64()).or(wanted);
        }
        if let (Some(ack), Some(wanted)) = (on(&frame, "down/ack"), wanted)
            && ack["class"] == "P0"
            && ack["seq"].as_u64() >= Some(wanted)
        {
            return Ok(frame.at);
        }
    }
    bail!("HQ did not acknowledge {kind} within {ACK_LIMIT:?}")
}

/// Resident memory of a process, in MiB.
pub fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1_024.0)
}

fn memory(stand: &mut Stand, table: &mut Table) -> Result<()> {
    let row = |table: &mut Table, what: &str, mib: f64| {
        table.row(what, format!("{mib:.1} MiB"), Budget::Of("≤ 25 MiB".into(), (mib <= RSS_MIB).into()));
    };
    row(table, "memory: gateway that has just taken in 1 000 orders", resident(stand.gateway.process.pid())?);
    stand.gateway.process.stop(LONG)?;
    stand.gateway.restart()?;
    stand.gateway.wait_online(true)?;
    stand.wait_open(OPEN)?;
    row(table, "memory: gateway idle with 1 000 open orders", resident(stand.gateway.process.pid())?);
    let screen = Screen::of(&stand.gateway);
    thread::scope(|scope| {
        let log_ins: Vec<_> = (0..LOG_INS).map(|_| scope.spawn(|| screen.log_in("anna", "1357"))).collect();
        log_ins.into_iter().try_for_each(|log_in| log_in.join().unwrap_or_else(|_| bail!("a log-in panicked")))
    })?;
    row(table, "memory: after ten log-ins at once", resident(stand.gateway.process.pid())?);
    let hq = resident(stand.hq.process.pid())?;
    table.row("memory: HQ with these orders", format!("{hq:.1} MiB"), Budget::None);
    Ok(())
}

fn starts(stand: &mut Stand, table: &mut Table) -> Result<()> {
    let (mut clean, mut killed) = (Samples::default(), Samples::default());
    for _ in 0..STARTS {
        stand.gateway.process.stop(LONG)?;
        clean.add(first_answer(&mut stand.gateway)?);
        stand.gateway.process.signal(Signal::SIGKILL)?;
        stand.gateway.process.wait(LONG)?;
        killed.add(first_answer(&mut stand.gateway)?);
    }
    for (what, samples) in [("a stop", clean), ("a kill", killed)] {
        let (middle, most) = (millis(samples.p50()), samples.at(1.0));
        table.row(
            &format!("start after {what} → first HTTP answer, p50 / longest"),
            format!("{middle:.0} / {:.0} ms, n={}", millis(most), samples.count()),
            Budget::Of("≤ 2 000 ms".into(), (most <= START).into()),
        );
    }
    Ok(())
}

/// From just before exec to the answer of `/readyz`, which writes to the database.
fn first_answer(gateway: &mut Gateway) -> Result<Duration> {
    let began = Instant::now();
    gateway.start_again()?;
    let (status, answer) = gateway.plain("/readyz")?;
    let took = began.elapsed();
    ensure!(status == 200, "{status} {answer}");
    Ok(took)
}
