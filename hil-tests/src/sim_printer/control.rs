//! What can be asked over the control port. Unknown requests and fields are refused.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::status::{Condition, Fault, Paper};
use super::world::{Shared, World};

/// Longest wait for a slip.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Newest slips that a list holds.
const LISTED_SLIPS: u64 = 1_000;

/// What can be asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// Slips with a number above `after`.
    Slips {
        #[serde(default)]
        after: u64,
    },
    /// One slip's record.
    Slip { number: u64 },
    /// Waits until there are `count` slips, up to `ms` milliseconds, and gives that slip's record.
    WaitSlip { count: u64, ms: u64 },
    /// Paper roll.
    Paper { state: Paper },
    /// The paper ends after so many more lines; absent: it does not.
    PaperOutAfter { lines: Option<u32> },
    /// Cover.
    Cover { open: bool },
    /// Takes octets and prints, but answers nothing.
    Silent { on: bool },
    /// Takes no octets: the port blocks.
    Deaf { on: bool },
    /// The button that takes it offline.
    Offline { on: bool },
    /// Error; absent: none.
    Error { kind: Option<Fault> },
    /// Power: off, what was not printed is lost and the port is gone.
    Power { on: bool },
    /// The drawer: opened or closed by hand, or only looked at.
    Drawer { open: Option<bool> },
    /// Tears off what was printed since the last cut.
    Tear {},
    /// Counters and state.
    Stats {},
}

/// Carries out a request and gives its answer.
///
/// # Errors
/// When it is unknown or can't be carried out.
pub(super) fn answer(request: Value, shared: &Shared) -> Result<Value> {
    obey(serde_json::from_value(request)?, shared)
}

fn obey(request: Request, shared: &Shared) -> Result<Value> {
    match request {
        Request::Slips { after } => Ok(slips(&shared.lock(), after)),
        Request::Slip { number } => Ok(json!({"slip": shared.lock().record(number)?})),
        Request::WaitSlip { count, ms } => wait_slip(shared, count, Duration::from_millis(ms).min(WAIT_MAX)),
        Request::Stats {} => Ok(stats(&shared.lock())),
        Request::Drawer { open } => {
            if let Some(open) = open {
                set(shared, |condition| condition.drawer_open = open);
            }
            Ok(drawer(&shared.lock()))
        }
        order => {
            carry_out(order, shared);
            Ok(json!({}))
        }
    }
}

fn carry_out(order: Request, shared: &Shared) {
    match order {
        Request::Paper { state } => set(shared, |condition| condition.paper = state),
        Request::Cover { open } => set(shared, |condition| condition.cover_open = open),
        Request::Offline { on } => set(shared, |condition| condition.offline = on),
        Request::Error { kind } => set(shared, |condition| condition.error = kind),
        Request::PaperOutAfter { lines } => shared.change(|world| world.printer.handle_paper_left(lines)),
        Request::Silent { on } => shared.change(|world| world.printer.handle_silence(on)),
        Request::Deaf { on } => shared.change(|world| world.deaf = on),
        Request::Power { on } => shared.change(|world| world.power(on)),
        Request::Tear {} => shared.change(|world| world.printer.handle_tear()),
        Request::Slips { .. }
        | Request::Slip { .. }
        | Request::WaitSlip { .. }
        | Request::Drawer { .. }
        | Request::Stats {} => {}
    }
}

fn set(shared: &Shared, change: impl FnOnce(&mut Condition)) {
    shared.change(|world| world.printer.handle_condition(change));
}

fn slips(world: &World, after: u64) -> Value {
    let count = world.slips();
    let first = (after + 1).max(count.saturating_sub(LISTED_SLIPS) + 1);
    let one =
        |number| json!({"number": number, "png": world.files(number, "png"), "json": world.files(number, "json")});
    let slips: Vec<Value> = (first..=count).map(one).collect();
    json!({"count": count, "slips": slips})
}

fn wait_slip(shared: &Shared, count: u64, limit: Duration) -> Result<Value> {
    let world = shared.wait(Some(limit), |world| world.slips() >= count || world.stopped);
    if world.slips() < count {
        bail!("{} slips and not {count} within {limit:?}", world.slips());
    }
    Ok(json!({"count": world.slips(), "slip": world.record(count)?}))
}

fn drawer(world: &World) -> Value {
    let pulses = world.printer.counters().pulses;
    let open = world.printer.condition().drawer_open;
    json!({"pulses": pulses, "open": open})
}

fn stats(world: &World) -> Value {
    let mut stats = serde_json::to_value(world.printer.counters()).unwrap_or_default();
    stats["condition"] = json!(world.printer.condition());
    stats["online"] = json!(world.printer.condition().is_online());
    stats["powered"] = json!(world.powered);
    stats["deaf"] = json!(world.deaf);
    stats["silent"] = json!(world.printer.is_silent());
    stats["buffered"] = json!(world.printer.buffered());
    stats["remarks"] = json!(world.printer.remarks());
    stats["slips"] = json!(world.slips());
    stats["answers_lost"] = json!(world.answers_lost());
    stats
}
