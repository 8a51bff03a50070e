//! After a long time apart: how fast a store takes in what HQ has for it, and HQ what the store has.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hil_tests::world::{Mosquitto, Tap};

use crate::shop::{Gateway, Hq, Options, STORE, orders};
use crate::stand::{LONG, Screen, on};
use crate::table::{Budget, Table, rate};

/// Orders that wait at HQ for a box that was never plugged in.
const DOWN: u64 = 5_000;
/// Orders that are worked on while HQ is away; each leaves three P0 events at least.
const UP: usize = 1_000;
/// DESIGN §10.
const EVENTS_PER_SECOND: f64 = 10_000.0;

/// Both ways.
///
/// # Errors
/// When the two do not come to agree.
pub fn measure(root: &Path, table: &mut Table) -> Result<()> {
    let dir = tempfile::tempdir_in(root)?;
    let broker = Mosquitto::start(dir.path())?;
    let mut hq = Hq::start(dir.path(), &broker.url())?;
    let all = orders(3, DOWN);
    import(&hq, &all)?;
    let tap = Tap::start(broker.port, "v1/#")?;
    let gateway = Gateway::start(dir.path(), STORE, &broker.url(), None, &Options::default())?;
    let (events, took) = caught_up(&tap, Way::Down, Some(DOWN))?;
    row(table, "catch-up: store takes in orders placed while it was away", events, took);

    gateway.wait_online(true)?;
    hq.process.stop(LONG)?;
    tap.drain()?;
    let screen = Screen::of(&gateway);
    for order in &all[..UP] {
        screen.stage(&order.order, "A1")?;
        screen.act(&order.order, "arrive", &serde_json::json!({"via": "staff"}))?;
    }
    tap.drain()?;
    hq.restart()?;
    let (events, took) = caught_up(&tap, Way::Up, None)?;
    row(table, "catch-up: HQ takes in what the store did while HQ was away", events, took);
    Ok(())
}

fn row(table: &mut Table, what: &str, events: u64, took: Duration) {
    let per_second = rate(usize::try_from(events).unwrap_or(usize::MAX), took);
    let measured = format!("{per_second:.0} events/s ({events} P0 in {:.2} s)", took.as_secs_f64());
    table.row(what, measured, Budget::Of("≥ 10 000 events/s".into(), (per_second >= EVENTS_PER_SECOND).into()));
}

fn import(hq: &Hq, orders: &[hil_tests::make_orders::Order]) -> Result<()> {
    let lines: Vec<String> = orders.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let headers = [("content-type", "application/x-ndjson")];
    let (status, answer) = hq.send("POST", "orders/import", &lines.join("\n"), &headers)?;
    let text = answer.as_str().unwrap_or_default();
    let placed = text.lines().filter(|line| line.contains("\"placed\"")).count();
    ensure!(status == 200 && placed == orders.len(), "{placed} of {} orders were placed: {status}", orders.len());
    Ok(())
}

/// Which way events go.
#[derive(Debug, Clone, Copy)]
enum Way {
    Down,
    Up,
}

/// From the first P0 batch after the two have met to the acknowledgement of number `last` (without one: of the last that the
/// store's birth names): how many events that were, and how long they took. The acknowledgement comes after the receiver's
/// commit.
fn caught_up(tap: &Tap, way: Way, mut last: Option<u64>) -> Result<(u64, Duration)> {
    let (events, acks) = match way {
        Way::Down => ("down/events", "up/ack"),
        Way::Up => ("up/events", "down/ack"),
    };
    let end = Instant::now() + LONG;
    let mut first: Option<(u64, Instant)> = None;
    // Going up, batches sent before HQ was back do not count: its first answer starts the clock.
    let mut met = matches!(way, Way::Down);
    while let Some(frame) = tap.next(end.saturating_duration_since(Instant::now()))? {
        if let Some(batch) = on(&frame, events).filter(|batch| batch["class"] == "P0" && met && first.is_none()) {
            let seq = batch["events"][0]["seq"].as_u64().context("the first event's number")?;
            first = Some((seq, frame.at));
        }
        if let Some(birth) = on(&frame, "state").filter(|_| matches!(way, Way::Up)) {
            last = birth["sent"]["P0"]["seq"].as_u64();
        }
        if let Some(ack) = on(&frame, acks).filter(|ack| ack["class"] == "P0") {
            met = true;
            if let (Some(seq), Some((from, began)), Some(last)) = (ack["seq"].as_u64(), first, last)
                && seq >= last
            {
                return Ok((last + 1 - from, frame.at.saturating_duration_since(began)));
            }
        }
    }
    bail!("{events} up to {last:?} were not acknowledged within {LONG:?}")
}
