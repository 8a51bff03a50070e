//! Moments and money as a screen writes them: store-local, in the reader's language, tabular.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::lang::Words;

/// A point in time as a screen needs it: for ticking in the browser and for reading by a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970-01-01 UTC.
    pub unix_ms: i64,
    /// The same moment on the store's wall clock.
    pub local: DateTime,
}

impl Moment {
    /// Takes Unix milliseconds and the store's zone. Values that the calendar cannot hold become 1970.
    pub fn at(unix_ms: i64, zone: &TimeZone) -> Self {
        let stamp = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self { unix_ms, local: zone.to_datetime(stamp) }
    }

    /// "14:37".
    pub fn clock(self) -> String {
        format!("{:02}:{:02}", self.local.hour(), self.local.minute())
    }

    /// The moment as briefly as it stays clear from `now`: "14:37", "jutro 20:00", "pt 22.05 20:00".
    pub fn brief(self, now: &Self, words: &Words) -> String {
        self.written(now, words, "day-tomorrow")
    }

    /// As [`Self::brief`], in the case that follows "until": "jutra 20:00".
    pub fn brief_until(self, now: &Self, words: &Words) -> String {
        self.written(now, words, "day-tomorrow-until")
    }

    fn written(self, now: &Self, words: &Words, tomorrow: &str) -> String {
        let days = day_number(self.local.date()) - day_number(now.local.date());
        match days {
            0 => self.clock(),
            1 => format!("{} {}", words.s(tomorrow), self.clock()),
            -1 => format!("{} {}", words.s("day-yesterday"), self.clock()),
            _ => format!(
                "{} {:02}.{:02} {}",
                words.s(weekday_key(self.local.date())),
                self.local.day(),
                self.local.month(),
                self.clock()
            ),
        }
    }

    /// Machine-readable form for `<time datetime>`.
    pub fn iso(self) -> String {
        self.local.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// Whole seconds from this moment to `now`, never negative.
    pub fn seconds_until(self, now: &Self) -> i64 {
        (now.unix_ms - self.unix_ms).max(0) / 1000
    }
}

/// Days since an arbitrary day, for comparing dates.
fn day_number(date: Date) -> i64 {
    let first = Date::constant(1970, 1, 1);
    date.since(first).map_or(0, |span| i64::from(span.get_days()))
}

/// The locale key of a date's weekday.
fn weekday_key(date: Date) -> &'static str {
    use jiff::civil::Weekday as Day;
    match date.weekday() {
        Day::Monday => "day-mon",
        Day::Tuesday => "day-tue",
        Day::Wednesday => "day-wed",
        Day::Thursday => "day-thu",
        Day::Friday => "day-fri",
        Day::Saturday => "day-sat",
        Day::Sunday => "day-sun",
    }
}

/// A span as a ticking timer shows it: "5:12" below an hour, "1 h 05" above, as `ticks.js` goes on doing.
pub fn timer(seconds: i64, words: &Words) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours == 0 {
        format!("{minutes}:{:02}", seconds % 60)
    } else {
        format!("{hours} {} {minutes:02}", words.s("unit-hour"))
    }
}

/// A span as a rough countdown: "22 min", "1 h", "3 d".
pub fn rough(seconds: i64, words: &Words) -> String {
    let minutes = (seconds.max(0) + 59) / 60;
    match minutes {
        0..60 => format!("{minutes} {}", words.s("unit-minute")),
        60..2880 => format!("{} {}", minutes / 60, words.s("unit-hour")),
        _ => format!("{} {}", minutes / 1440, words.s("unit-day")),
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units (grosze, cents); negative for what goes back.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// Makes an amount from minor units and an ISO 4217 code.
    pub fn new(minor: i64, currency: &str) -> Self {
        Self { minor, currency: currency.to_owned() }
    }

    /// "329,70 zł", "1 329,70 zł", in English "329.70 zł".
    pub fn text(&self, words: &Words) -> String {
        let digits = minor_digits(&self.currency);
        let scale = 10_u64.pow(digits);
        let amount = self.minor.unsigned_abs();
        let (group, point) = words.lang().number_marks();
        let mut text = String::new();
        if self.minor < 0 {
            text.push('−');
        }
        text.push_str(&grouped(amount / scale, group));
        if digits > 0 {
            text.push_str(&format!("{point}{:0width$}", amount % scale, width = digits as usize));
        }
        text.push('\u{a0}');
        text.push_str(symbol(&self.currency));
        text
    }
}

/// How many digits ISO 4217 gives the minor unit of a currency.
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// The sign that people know, or the code.
fn symbol(currency: &str) -> &str {
    match currency {
        "PLN" => "zł",
        "EUR" => "€",
        "UAH" => "₴",
        "CZK" => "Kč",
        "GBP" => "£",
        "USD" => "$",
        other => other,
    }
}

/// Digits in groups of three.
fn grouped(value: u64, mark: char) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}
