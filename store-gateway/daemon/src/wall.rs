//! The process's clocks: one monotonic origin, and the wall clock with a floor and a quality.

use std::sync::OnceLock;
use std::time::{Instant as StdInstant, SystemTime};

use sans_io::Instant;

/// Now on the monotonic clock, counted from the first call in this process.
pub fn monotonic() -> Instant {
    static ORIGIN: OnceLock<StdInstant> = OnceLock::new();
    let origin = ORIGIN.get_or_init(StdInstant::now);
    Instant::from_micros(u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// Milliseconds since the Unix epoch as the operating system has it.
pub fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// A monotonic instant as tokio's clock has it, for `sleep_until`.
pub fn tokio_instant(at: Instant) -> tokio::time::Instant {
    tokio::time::Instant::now() + at.since(monotonic())
}
