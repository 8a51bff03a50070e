//! Monotonic and wall time as plain numbers that the shell hands in.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point on the shell's monotonic clock, in microseconds since an origin of the shell's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Instant = Instant(0);

    /// Makes an instant from microseconds since the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Makes an instant from milliseconds since the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Milliseconds since the origin, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Time since `earlier`, zero when `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, d: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(d.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}

/// How far a wall clock can be trusted, worst first (the order is meant: `>=` compares trust).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockQuality {
    /// Never set: at least the build time.
    #[default]
    Unset,
    /// The last time that was saved before a restart.
    Saved,
    /// A battery-backed clock on the board.
    Rtc,
    /// The mobile network's time (NITZ).
    Gsm,
    /// Network time.
    Ntp,
    /// HQ's own clock.
    Hq,
}

impl ClockQuality {
    /// The word used on the wire and on screens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Saved => "saved",
            Self::Rtc => "rtc",
            Self::Gsm => "gsm",
            Self::Ntp => "ntp",
            Self::Hq => "hq",
        }
    }

    /// Reads the wire's word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Unset, Self::Saved, Self::Rtc, Self::Gsm, Self::Ntp, Self::Hq].into_iter().find(|q| q.as_str() == word)
    }

    /// Deadlines are decided locally only with a clock at least this good.
    pub const fn decides_deadlines(self) -> bool {
        matches!(self, Self::Gsm | Self::Ntp | Self::Hq)
    }
}

/// Wall time with its quality: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wall {
    /// Milliseconds since the Unix epoch.
    pub unix_ms: i64,
    /// How far to trust it.
    pub quality: ClockQuality,
}
