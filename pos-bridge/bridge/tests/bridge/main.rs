//! The daemon as a process: against a gateway on a real TLS connection, printers and scanners on pseudo terminals, and
//! kill -9 at the worst moments.

mod enrol;
mod gateway;
mod jobs;
mod kill;
mod order;
mod printer;
mod process;
mod scans;
mod till;

use std::time::Duration;

/// For anything that must happen; the machine may be busy.
const LIMIT: Duration = Duration::from_secs(20);
/// For anything that must not happen.
const QUIET: Duration = Duration::from_millis(1_500);
