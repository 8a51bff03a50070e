//! Service centre time stamps and validity periods (3GPP TS 23.040 §9.2.3.11, §9.2.3.12).

use std::time::Duration;

use super::reader::{DecodeError, Reader};

const MINUTE_MS: i64 = 60_000;

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(crate) fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Local date and time as it stands in a stamp or in an answer of the modem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    /// Year, month, day, hour, minute, second.
    pub(crate) fields: [i64; 6],
    /// Offset of the local time from UTC, in quarters of an hour.
    pub(crate) quarters: i64,
}

impl Local {
    /// Index of the first field that is out of its range.
    pub(crate) fn wrong_field(&self) -> Option<usize> {
        let [_, month, _, _, _, _] = self.fields;
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 29,
            _ => 31,
        };
        let ranges = [0..=9_999, 1..=12, 1..=days, 0..=23, 0..=59, 0..=60];
        (0..6).find(|&i| !ranges[i].contains(&self.fields[i]))
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn unix_ms(&self) -> i64 {
        let [year, month, day, hour, minute, second] = self.fields;
        let local = ((days_from_epoch(year, month, day) * 24 + hour) * 60 + minute) * MINUTE_MS + second * 1_000;
        local - self.quarters * 15 * MINUTE_MS
    }
}

/// Reads a time stamp of seven octets as milliseconds since the Unix epoch. The time is local and the last octet says,
/// signed and in quarters of an hour, how far it is ahead of UTC. Two-digit years are of this century.
pub(super) fn decode(reader: &mut Reader<'_>, field: &'static str) -> Result<i64, DecodeError> {
    let octets = reader.take(7, field)?;
    let mut fields = [0; 6];
    for (i, octet) in octets[..6].iter().enumerate() {
        if octet & 0xF > 9 || octet >> 4 > 9 {
            return Err(reader.invalid(7 - i, "a time stamp's semi-octets are digits"));
        }
        fields[i] = i64::from((octet & 0xF) * 10 + (octet >> 4));
    }
    fields[0] += 2_000;
    let zone = octets[6];
    if zone >> 4 > 9 {
        return Err(reader.invalid(1, "a time zone's semi-octets are digits"));
    }
    let size = i64::from((zone & 7) * 10 + (zone >> 4));
    let local = Local { fields, quarters: if zone & 8 == 0 { size } else { -size } };
    match local.wrong_field() {
        Some(i) => Err(reader.invalid(7 - i, "out of a time stamp's range")),
        None => Ok(local.unix_ms()),
    }
}

/// The relative validity period that lasts longest without passing `wanted`, at least the shortest (5 minutes).
pub(super) fn relative_validity(wanted: Duration) -> u8 {
    (0..=u8::MAX).rev().find(|&value| duration_of_validity(value) <= wanted).unwrap_or(0)
}

/// How long a relative validity period lasts (TS 23.040 §9.2.3.12.1).
pub(super) fn duration_of_validity(value: u8) -> Duration {
    let value = u64::from(value);
    let minutes = match value {
        0..=143 => (value + 1) * 5,
        144..=167 => 12 * 60 + (value - 143) * 30,
        168..=196 => (value - 166) * 24 * 60,
        _ => (value - 192) * 7 * 24 * 60,
    };
    Duration::from_secs(minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days_over_leap_years() {
        assert_eq!(days_from_epoch(1970, 1, 1), 0);
        assert_eq!(days_from_epoch(2000, 2, 29), 11_016);
        assert_eq!(days_from_epoch(2026, 5, 21), 20_594);
    }

    #[test]
    fn reads_zones_on_both_sides_of_utc() {
        // 2007-04-12 23:25:42 at +8 h and 2013-03-25 23:01:56 at -7 h.
        let at = |octets: &[u8]| decode(&mut Reader::new(octets), "time").unwrap();
        assert_eq!(at(&[0x70, 0x40, 0x21, 0x32, 0x52, 0x24, 0x23]), 1_176_391_542_000);
        assert_eq!(at(&[0x31, 0x30, 0x52, 0x32, 0x10, 0x65, 0x8A]), 1_364_277_716_000);
    }

    #[test]
    fn names_the_wrong_octet() {
        let wrong = decode(&mut Reader::new(&[0x70, 0x31, 0x21, 0x32, 0x52, 0x24, 0x23]), "time").unwrap_err();
        assert!(wrong.to_string().starts_with("octet 2 (0x31)"), "{wrong}");
    }

    #[test]
    fn validity_never_outlives_what_was_wanted() {
        // The borders of the standard's table, by hand.
        for (minutes, value) in
            [(1, 0), (5, 0), (720, 143), (750, 144), (1_440, 167), (2_880, 168), (43_200, 196), (50_400, 197)]
        {
            assert_eq!(relative_validity(Duration::from_secs(minutes * 60)), value, "{minutes} min");
        }
        assert_eq!(relative_validity(Duration::from_secs(u64::MAX)), 255);
    }
}
