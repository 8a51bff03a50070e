//! Wall time with its quality. The system's clock is never set; what better sources say is kept as an offset.
//!
//! At start the clock is at least the build time and the last saved time. Deadlines are decided only at `gsm` or
//! better.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sans_io::{ClockQuality, Instant, Wall};
use store_daemon::wall::{monotonic, unix_ms};
use store_sync::Now;

/// systemd-timesyncd makes this file once the system's clock is synchronised.
const NTP_MARK: &str = "/run/systemd/timesync/synchronized";
/// `1` when the kernel set the system's clock from this real-time clock at boot.
const RTC_MARK: &str = "/sys/class/rtc/rtc0/hctosys";
/// A source that has been silent for this long no longer outranks a lesser one that speaks.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Times of a source closer than this to ours change nothing: network times come in whole seconds.
const TOLERANCE_MS: i64 = 2_000;

#[derive(Debug)]
struct State {
    offset_ms: i64,
    quality: ClockQuality,
    heard: Instant,
}

/// The gateway's clock; share it behind an `Arc`.
#[derive(Debug)]
pub struct Clock(Mutex<State>);

impl Clock {
    /// Starts with the last saved time as the floor.
    pub fn start(saved_ms: i64) -> Clock {
        let floor = saved_ms.max(build_ms());
        let system = unix_ms();
        let quality = match () {
            () if system < floor && saved_ms > build_ms() => ClockQuality::Saved,
            () if system < floor => ClockQuality::Unset,
            () if Path::new(NTP_MARK).exists() => ClockQuality::Ntp,
            () if std::fs::read_to_string(RTC_MARK).is_ok_and(|mark| mark.trim() == "1") => ClockQuality::Rtc,
            () => ClockQuality::Saved,
        };
        Clock(Mutex::new(State { offset_ms: (floor - system).max(0), quality, heard: monotonic() }))
    }

    /// Both clocks, now.
    pub fn now(&self) -> Now {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Now { at: monotonic(), wall: Wall { unix_ms: unix_ms() + state.offset_ms, quality: state.quality } }
    }

    /// The wall clock, now.
    pub fn wall(&self) -> Wall {
        self.now().wall
    }

    /// Takes what a source says. A lesser source than the present one counts only after that one's long silence.
    pub fn learn(&self, source: ClockQuality, says_ms: i64) {
        if says_ms < build_ms() {
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = monotonic();
        if source < state.quality && now.since(state.heard) < STALE {
            return;
        }
        let ours = unix_ms() + state.offset_ms;
        if (says_ms - ours).abs() > TOLERANCE_MS {
            tracing::info!(source = source.as_str(), step_ms = says_ms - ours, "clock corrected");
            state.offset_ms += says_ms - ours;
        }
        state.quality = source;
        state.heard = now;
    }

    /// Looks whether the system's own clock is synchronised by now.
    pub fn look_at_system(&self) {
        if Path::new(NTP_MARK).exists() {
            self.learn(ClockQuality::Ntp, unix_ms());
        }
    }
}

/// When this program was built; no clock of ours shows an earlier time.
fn build_ms() -> i64 {
    const SECONDS: &str = env!("BUILD_UNIX_SECONDS");
    SECONDS.parse::<i64>().map_or(0, |s| s * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_starts_before_the_saved_time() {
        let future = unix_ms() + 86_400_000;
        let clock = Clock::start(future);
        assert!(clock.wall().unix_ms >= future);
        assert_eq!(clock.wall().quality, ClockQuality::Saved);
    }

    #[test]
    fn a_better_source_corrects_and_a_lesser_one_does_not() {
        let clock = Clock::start(0);
        let hq = unix_ms() + 3_600_000;
        clock.learn(ClockQuality::Hq, hq);
        assert!((clock.wall().unix_ms - hq).abs() < 1_000);
        clock.learn(ClockQuality::Gsm, hq + 7_200_000);
        assert!((clock.wall().unix_ms - hq).abs() < 1_000);
        assert_eq!(clock.wall().quality, ClockQuality::Hq);
        clock.learn(ClockQuality::Hq, 1_000);
        assert!((clock.wall().unix_ms - hq).abs() < 1_000, "a time before the build is no time");
    }
}
