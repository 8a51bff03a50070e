//! Time as the cores and the journal want it: monotonic for waits, and since the machine's start for what must be over
//! after a restart. The date decides nothing here; a till may not know it.

use std::io;

use sans_io::Instant;

/// The monotonic clock of this process.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: tokio::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }

    /// Now, since the start.
    pub fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The same point for tokio's timers.
    pub fn at(self, instant: Instant) -> tokio::time::Instant {
        self.origin + instant.since(Instant::ZERO)
    }
}

/// Waits until then; for ever where there is nothing to wait for.
pub async fn until(then: Option<tokio::time::Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}

/// A point in the life of this machine: what was valid until one is over after any restart of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineTime {
    /// The kernel's name for this run of the machine.
    pub boot: String,
    /// Milliseconds since it began, sleep included.
    pub uptime_ms: u64,
}

impl MachineTime {
    /// Now.
    ///
    /// # Errors
    /// When the kernel's files can't be read, or hold something else.
    pub fn now() -> io::Result<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let uptime = std::fs::read_to_string("/proc/uptime")?;
        let uptime_ms = milliseconds(&uptime).ok_or_else(|| io::Error::other("/proc/uptime holds no time"))?;
        Ok(Self { boot, uptime_ms })
    }
}

/// Milliseconds of `/proc/uptime` (proc(5)): seconds with two decimals, then the idle time.
fn milliseconds(uptime: &str) -> Option<u64> {
    let (seconds, rest) = uptime.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = rest.parse().ok().filter(|_| rest.len() == 2)?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(hundredths * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_read_as_proc_5_writes_it() {
        assert_eq!(milliseconds("350735.47 234388.90\n"), Some(350_735_470));
        assert_eq!(milliseconds("0.05 0.00\n"), Some(50));
        assert_eq!(milliseconds("350735\n"), None);
        assert_eq!(milliseconds(""), None);
    }

    #[test]
    fn this_machine_has_a_name_for_its_run_and_its_time_grows() {
        let (one, two) = (MachineTime::now().unwrap(), MachineTime::now().unwrap());
        assert_eq!(one.boot, two.boot);
        assert_eq!(one.boot.len(), 36, "a UUID");
        assert!(two.uptime_ms >= one.uptime_ms);
    }
}
