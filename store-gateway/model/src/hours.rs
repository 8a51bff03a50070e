//! Opening hours: a week with several intervals a day, dated exceptions, and trading Sundays as HQ's data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Days that are looked ahead for an opening: a shop closed for longer has none.
const LOOK_AHEAD_DAYS: i32 = 400;

/// Intervals that one day may have.
const INTERVALS_A_DAY: usize = 8;

/// A time of day in minutes from midnight, 0 to 1440; written `09:00`, and `24:00` for the day's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(u16);

impl Minute {
    /// The end of the day.
    pub const END: Minute = Minute(1_440);

    /// Hours and minutes.
    ///
    /// # Errors
    /// [`HoursError::Time`] beyond 24:00.
    pub fn new(hour: u16, minute: u16) -> Result<Self, HoursError> {
        match hour.checked_mul(60).and_then(|m| m.checked_add(minute)) {
            Some(m) if minute < 60 && m <= Self::END.0 => Ok(Self(m)),
            _ => Err(HoursError::Time),
        }
    }

    /// Minutes from midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    fn of(time: Time) -> Self {
        Self(u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0))
    }
}

impl std::fmt::Display for Minute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for Minute {
    type Error = HoursError;
    fn try_from(text: String) -> Result<Self, HoursError> {
        let (hour, minute) = text.split_once(':').ok_or(HoursError::Time)?;
        if hour.len() > 2 || minute.len() != 2 {
            return Err(HoursError::Time);
        }
        Self::new(hour.parse().map_err(|_| HoursError::Time)?, minute.parse().map_err(|_| HoursError::Time)?)
    }
}

impl From<Minute> for String {
    fn from(m: Minute) -> String {
        m.to_string()
    }
}

/// An open stretch of a day; `open` is in it, `close` is not. It never crosses midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// From.
    pub open: Minute,
    /// To.
    pub close: Minute,
}

/// Hours that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No time of day.
    #[error("a time of day is HH:MM from 00:00 to 24:00")]
    Time,
    /// An interval that ends before it begins.
    #[error("{day}: an interval must close after it opens")]
    Backwards {
        /// The day's name or date.
        day: String,
    },
    /// Intervals that are out of order or overlap.
    #[error("{day}: intervals must follow each other without overlap")]
    Overlap {
        /// The day's name or date.
        day: String,
    },
    /// Too many intervals.
    #[error("{day}: at most {INTERVALS_A_DAY} intervals")]
    TooMany {
        /// The day's name or date.
        day: String,
    },
    /// A trading Sunday that is no Sunday.
    #[error("trading_sundays: {date} is no Sunday")]
    NoSunday {
        /// The date.
        date: Date,
    },
    /// No such time zone.
    #[error("zone: no time zone {name:?}")]
    Zone {
        /// Its name.
        name: String,
    },
}

/// The week, Monday to Sunday.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Week {
    /// Monday.
    pub mon: Vec<Interval>,
    /// Tuesday.
    pub tue: Vec<Interval>,
    /// Wednesday.
    pub wed: Vec<Interval>,
    /// Thursday.
    pub thu: Vec<Interval>,
    /// Friday.
    pub fri: Vec<Interval>,
    /// Saturday.
    pub sat: Vec<Interval>,
    /// Sunday. Kept empty where only trading Sundays are open.
    pub sun: Vec<Interval>,
}

impl Week {
    fn day(&self, day: Weekday) -> &[Interval] {
        match day {
            Weekday::Monday => &self.mon,
            Weekday::Tuesday => &self.tue,
            Weekday::Wednesday => &self.wed,
            Weekday::Thursday => &self.thu,
            Weekday::Friday => &self.fri,
            Weekday::Saturday => &self.sat,
            Weekday::Sunday => &self.sun,
        }
    }

    fn days(&self) -> [(&'static str, &[Interval]); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }
}

/// When a store is open. An exception decides its date; else a trading Sunday its Sunday; else the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hours {
    /// IANA time zone: `Europe/Warsaw`.
    pub zone: String,
    /// The ordinary week.
    pub week: Week,
    /// Dates that differ; an empty list is a closed day.
    pub exceptions: BTreeMap<Date, Vec<Interval>>,
    /// Sundays on which shops may open.
    pub trading_sundays: BTreeSet<Date>,
    /// The hours of a trading Sunday.
    pub trading_sunday_hours: Vec<Interval>,
}

impl Default for Hours {
    /// Mon–Sat 9–20, Europe/Warsaw, Sundays closed.
    fn default() -> Self {
        let day = || vec![Interval { open: Minute(540), close: Minute(1_200) }];
        Self {
            zone: "Europe/Warsaw".to_owned(),
            week: Week { mon: day(), tue: day(), wed: day(), thu: day(), fri: day(), sat: day(), sun: Vec::new() },
            exceptions: BTreeMap::new(),
            trading_sundays: BTreeSet::new(),
            trading_sunday_hours: vec![Interval { open: Minute(600), close: Minute(1_200) }],
        }
    }
}

impl Hours {
    /// Checks that intervals are in order and the zone exists.
    ///
    /// # Errors
    /// [`HoursError`] naming the day.
    pub fn validate(&self) -> Result<(), HoursError> {
        if TimeZone::get(&self.zone).is_err() {
            return Err(HoursError::Zone { name: self.zone.clone() });
        }
        for (name, day) in self.week.days() {
            check_day(name, day)?;
        }
        check_day("trading_sunday_hours", &self.trading_sunday_hours)?;
        for (date, day) in &self.exceptions {
            check_day(&date.to_string(), day)?;
        }
        match self.trading_sundays.iter().find(|d| d.weekday() != Weekday::Sunday) {
            Some(date) => Err(HoursError::NoSunday { date: *date }),
            None => Ok(()),
        }
    }

    /// The zone; UTC when its name is unknown, which [`Hours::validate`] refuses.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// The intervals of a date, in order; none when closed.
    pub fn on(&self, date: Date) -> &[Interval] {
        if let Some(day) = self.exceptions.get(&date) {
            return day;
        }
        if self.trading_sundays.contains(&date) {
            return &self.trading_sunday_hours;
        }
        self.week.day(date.weekday())
    }

    /// Whether the store is open at that time.
    pub fn open_at(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone());
        let minute = Minute::of(local.time());
        self.on(local.date()).iter().any(|i| i.open <= minute && minute < i.close)
    }

    /// When the store closes for the day on that date; `None` when it does not open.
    pub fn closing_on(&self, date: Date) -> Option<Timestamp> {
        self.on(date).last().and_then(|i| self.at(date, i.close))
    }

    /// The first opening day on or after a date; `None` when the store does not open within 400 days.
    pub fn opening_day_from(&self, date: Date) -> Option<Date> {
        self.days_from(date).find(|d| !self.on(*d).is_empty())
    }

    /// The first time at or after `at` at which the store is open; `None` when it does not open within 400 days.
    pub fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.stretches_from(at).next().map(|(from, _)| from)
    }

    /// The time at which that many minutes of opening have passed since `at`; `None` when the store does not open
    /// so long within 400 days.
    pub fn add_open_minutes(&self, at: Timestamp, minutes: u32) -> Option<Timestamp> {
        let mut left = Duration::from_secs(u64::from(minutes) * 60);
        for (from, to) in self.stretches_from(at) {
            let length = length(from, to);
            if left <= length {
                return from.checked_add(left).ok();
            }
            left -= length;
        }
        None
    }

    /// Whole minutes of opening between two times; 0 when `to` is not later, and at most 400 days of them.
    pub fn open_minutes_between(&self, from: Timestamp, to: Timestamp) -> u64 {
        let open: Duration = self
            .stretches_from(from)
            .take_while(|(open, _)| *open < to)
            .map(|(open, close)| length(open, close.min(to)))
            .sum();
        open.as_secs() / 60
    }

    /// The open stretches from `at` on, the first one cut at `at`.
    fn stretches_from(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let first = at.to_zoned(self.zone()).date();
        self.days_from(first)
            .flat_map(move |date| {
                self.on(date).iter().filter_map(move |i| Some((self.at(date, i.open)?, self.at(date, i.close)?)))
            })
            .filter(move |(_, close)| *close > at)
            .map(move |(open, close)| (open.max(at), close))
    }

    fn days_from(&self, date: Date) -> impl Iterator<Item = Date> + use<> {
        (0..LOOK_AHEAD_DAYS).map_while(move |i| date.checked_add(i.days()).ok())
    }

    /// The instant of a local time; in a gap of the clock the time after it, in a fold the first.
    fn at(&self, date: Date, minute: Minute) -> Option<Timestamp> {
        let midnight = date.at(0, 0, 0, 0);
        let local = midnight.checked_add(i64::from(minute.0).minutes()).ok()?;
        Some(local.to_zoned(self.zone()).ok()?.timestamp())
    }
}

fn length(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn check_day(name: &str, day: &[Interval]) -> Result<(), HoursError> {
    let day_name = || name.to_owned();
    if day.len() > INTERVALS_A_DAY {
        return Err(HoursError::TooMany { day: day_name() });
    }
    if day.iter().any(|i| i.close <= i.open) {
        return Err(HoursError::Backwards { day: day_name() });
    }
    if day.windows(2).any(|p| p[1].open < p[0].close) {
        return Err(HoursError::Overlap { day: day_name() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
