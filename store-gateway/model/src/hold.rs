//! How long goods are held, and when the customer is reminded.

use std::time::Duration;

use jiff::civil::Time;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::hours::{Hours, Minute};
use crate::message::Purpose;

/// The rules of holding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldRules {
    /// Hours on the wall clock from READY to the day on whose closing time the hold ends.
    pub hold_hours: u32,
    /// Hours on the wall clock that an extension adds, counted alike.
    pub extend_hours: u32,
    /// Times that a customer may extend.
    pub customer_extensions: u32,
    /// No reminder before this time of day …
    pub remind_from: Minute,
    /// … or after this one.
    pub remind_to: Minute,
    /// A reminder sooner after READY is skipped, in minutes.
    pub remind_after_ready_min: u32,
    /// A reminder nearer to the end is skipped, in minutes.
    pub remind_before_end_min: u32,
    /// Open minutes in which an order is to be accepted.
    pub accept_open_min: u32,
    /// Open minutes in which an order is to be picked.
    pub pick_open_min: u32,
}

impl Default for HoldRules {
    fn default() -> Self {
        Self {
            hold_hours: 48,
            extend_hours: 24,
            customer_extensions: 1,
            remind_from: minute(9),
            remind_to: minute(20),
            remind_after_ready_min: 120,
            remind_before_end_min: 60,
            accept_open_min: 15,
            pick_open_min: 60,
        }
    }
}

fn minute(hour: u16) -> Minute {
    Minute::new(hour, 0).unwrap_or(Minute::END)
}

/// Hours that a hold or an extension may last at most: 60 days.
const LONGEST_HOLD_HOURS: u32 = 1_440;

impl HoldRules {
    /// Checks the rules against each other; the error names the field.
    ///
    /// # Errors
    /// The field's name and what is wrong with it.
    pub fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        let hours = 1..=LONGEST_HOLD_HOURS;
        if !hours.contains(&self.hold_hours) {
            return Err(("hold_hours", "must be 1 to 1440"));
        }
        if !hours.contains(&self.extend_hours) {
            return Err(("extend_hours", "must be 1 to 1440"));
        }
        if self.remind_to <= self.remind_from {
            return Err(("remind_to", "must be later than remind_from"));
        }
        Ok(())
    }

    /// When a hold that begins at READY ends: the closing time of the opening day on which READY + 48 hours on the
    /// wall clock falls; a closed day counts as the next opening day. A store that never opens holds for the bare hours.
    pub fn deadline(&self, hours: &Hours, ready: Timestamp) -> Timestamp {
        closing_after(hours, ready, self.hold_hours)
    }

    /// When an extended hold ends: counted like a hold, from the end so far or from now, whichever is later.
    pub fn extended(&self, hours: &Hours, until: Timestamp, now: Timestamp) -> Timestamp {
        closing_after(hours, until.max(now), self.extend_hours).max(until)
    }

    /// The reminders of a hold, with the time at which each is due, in order of time. A time outside the window is
    /// moved to its edge on the same day; a reminder too soon after READY or too near to the end is left out.
    pub fn reminders(&self, hours: &Hours, ready: Timestamp, until: Timestamp) -> Vec<(Purpose, Timestamp)> {
        let earliest = plus(ready, self.remind_after_ready_min);
        let mut due = Vec::new();
        for (purpose, before) in [(Purpose::Reminder24, 24), (Purpose::Reminder4, 4)] {
            let Some(at) = self.reminder_at(hours, until, before) else { continue };
            if at >= earliest && plus(at, self.remind_before_end_min) <= until {
                due.push((purpose, at));
            }
        }
        due
    }

    fn reminder_at(&self, hours: &Hours, until: Timestamp, before_hours: i64) -> Option<Timestamp> {
        let local = until.to_zoned(hours.zone()).datetime().checked_sub(before_hours.hours()).ok()?;
        let (from, to) = (civil(self.remind_from)?, civil(self.remind_to)?);
        let moved = local.date().to_datetime(local.time().clamp(from, to));
        Some(moved.to_zoned(hours.zone()).ok()?.timestamp())
    }
}

fn civil(minute: Minute) -> Option<Time> {
    let m = minute.minutes().min(1_439);
    Time::new((m / 60).try_into().ok()?, (m % 60).try_into().ok()?, 0, 0).ok()
}

fn plus(at: Timestamp, minutes: u32) -> Timestamp {
    at.checked_add(Duration::from_secs(u64::from(minutes) * 60)).unwrap_or(Timestamp::MAX)
}

/// The closing time of the opening day on which `from` + `wall_hours` falls.
fn closing_after(hours: &Hours, from: Timestamp, wall_hours: u32) -> Timestamp {
    let local = from.to_zoned(hours.zone()).datetime();
    local
        .checked_add(i64::from(wall_hours).hours())
        .ok()
        .and_then(|end| hours.opening_day_from(end.date()))
        .and_then(|day| hours.closing_on(day))
        .unwrap_or_else(|| plus(from, wall_hours.saturating_mul(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(local: &str) -> Timestamp {
        let zone = jiff::tz::TimeZone::get("Europe/Warsaw").unwrap();
        local.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap().timestamp()
    }

    fn deadline(ready: &str) -> Timestamp {
        HoldRules::default().deadline(&Hours::default(), at(ready))
    }

    #[test]
    fn thursday_noon_is_held_to_saturday_evening() {
        assert_eq!(deadline("2026-05-21T12:07"), at("2026-05-23T20:00"));
    }

    #[test]
    fn friday_noon_is_held_to_monday_evening_for_sunday_is_closed() {
        assert_eq!(deadline("2026-05-22T12:00"), at("2026-05-25T20:00"));
    }

    #[test]
    fn a_trading_sunday_ends_the_hold_itself() {
        let mut hours = Hours::default();
        hours.trading_sundays.insert("2026-05-24".parse().unwrap());
        assert_eq!(HoldRules::default().deadline(&hours, at("2026-05-22T12:00")), at("2026-05-24T20:00"));
    }

    #[test]
    fn forty_eight_hours_are_counted_on_the_wall_clock_over_the_change_to_summer_time() {
        // Sat 28.03.2026 23:30 + 48 on the clock is Mon 30.03 23:30; 48 elapsed hours would be Tue 31.03 00:30.
        assert_eq!(deadline("2026-03-28T23:30"), at("2026-03-30T20:00"));
    }

    #[test]
    fn a_store_without_hours_holds_for_the_bare_time() {
        let hours = Hours { week: Default::default(), ..Hours::default() };
        let ready = at("2026-05-21T12:00");
        assert_eq!(HoldRules::default().deadline(&hours, ready), at("2026-05-23T12:00"));
    }

    #[test]
    fn an_extension_ends_on_the_next_day_s_closing() {
        let rules = HoldRules::default();
        let until = at("2026-05-22T20:00");
        assert_eq!(rules.extended(&Hours::default(), until, at("2026-05-22T10:00")), at("2026-05-23T20:00"));
        // An expired hold is extended from now: Mon 10:00 → Tue 20:00.
        assert_eq!(rules.extended(&Hours::default(), until, at("2026-05-25T10:00")), at("2026-05-26T20:00"));
    }

    fn reminders(ready: &str, until: &str) -> Vec<(Purpose, Timestamp)> {
        HoldRules::default().reminders(&Hours::default(), at(ready), at(until))
    }

    #[test]
    fn reminds_a_day_and_four_hours_before_the_end() {
        assert_eq!(
            reminders("2026-05-21T12:07", "2026-05-23T20:00"),
            [(Purpose::Reminder24, at("2026-05-22T20:00")), (Purpose::Reminder4, at("2026-05-23T16:00"))]
        );
    }

    #[test]
    fn moves_reminders_into_the_day() {
        // −24 h is 22:00, moved back to 20:00; −4 h is 18:00.
        assert_eq!(
            reminders("2026-05-20T12:00", "2026-05-22T22:00"),
            [(Purpose::Reminder24, at("2026-05-21T20:00")), (Purpose::Reminder4, at("2026-05-22T18:00"))]
        );
        // −4 h is 08:00, moved to 09:00.
        assert_eq!(reminders("2026-05-20T12:00", "2026-05-22T12:00")[1], (Purpose::Reminder4, at("2026-05-22T09:00")));
    }

    #[test]
    fn skips_a_reminder_within_two_hours_of_ready_or_one_of_the_end() {
        // −24 h falls 1 h 59 min after READY.
        assert_eq!(reminders("2026-05-22T18:01", "2026-05-23T20:00"), [(Purpose::Reminder4, at("2026-05-23T16:00"))]);
        // Exactly two hours after is sent.
        assert_eq!(reminders("2026-05-22T18:00", "2026-05-23T20:00").len(), 2);
        // −4 h of 09:30 is moved to 09:00, half an hour before the end.
        assert_eq!(reminders("2026-05-20T12:00", "2026-05-22T09:30"), [(Purpose::Reminder24, at("2026-05-21T09:30"))]);
    }
}
