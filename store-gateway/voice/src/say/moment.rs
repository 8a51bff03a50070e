//! Days and times as words, in the case that "until" asks for.

use jiff::civil::{DateTime, Weekday};
use shop_model::language::Language;

use super::number::{Gender, cardinal, counted};

/// Polish ordinals without their ending: genitive masculine `-ego`, feminine `-ej`.
const PL_ORDINALS: [&str; 20] = [
    "zerow",
    "pierwsz",
    "drugi",
    "trzeci",
    "czwart",
    "piąt",
    "szóst",
    "siódm",
    "ósm",
    "dziewiąt",
    "dziesiąt",
    "jedenast",
    "dwunast",
    "trzynast",
    "czternast",
    "piętnast",
    "szesnast",
    "siedemnast",
    "osiemnast",
    "dziewiętnast",
];
const PL_TENTHS: [&str; 2] = ["dwudziest", "trzydziest"];
const PL_DAYS: [&str; 7] = ["poniedziałku", "wtorku", "środy", "czwartku", "piątku", "soboty", "niedzieli"];
const PL_MONTHS: [&str; 12] = [
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
];

/// Ukrainian ordinals without their ending: genitive masculine `-ого`, feminine `-ої`; the third's are softer.
const UK_ORDINALS: [&str; 20] = [
    "нульов",
    "перш",
    "друг",
    "треть",
    "четверт",
    "п'ят",
    "шост",
    "сьом",
    "восьм",
    "дев'ят",
    "десят",
    "одинадцят",
    "дванадцят",
    "тринадцят",
    "чотирнадцят",
    "п'ятнадцят",
    "шістнадцят",
    "сімнадцят",
    "вісімнадцят",
    "дев'ятнадцят",
];
const UK_TENTHS: [&str; 2] = ["двадцят", "тридцят"];
const UK_DAYS: [&str; 7] = ["понеділка", "вівторка", "середи", "четверга", "п'ятниці", "суботи", "неділі"];
const UK_MONTHS: [&str; 12] = [
    "січня",
    "лютого",
    "березня",
    "квітня",
    "травня",
    "червня",
    "липня",
    "серпня",
    "вересня",
    "жовтня",
    "листопада",
    "грудня",
];

const EN_ORDINALS: [&str; 20] = [
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
const EN_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// "until Saturday the twenty-third of May, eight p.m."
pub(super) fn until(language: Language, at: DateTime) -> String {
    let (day, month) = (usize::from(at.day().unsigned_abs()), usize::from(at.month().unsigned_abs()) - 1);
    let (hour, minute) = (usize::from(at.hour().unsigned_abs()), u64::from(at.minute().unsigned_abs()));
    let weekday = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
    match language {
        Language::Pl => format!(
            "do {}, {} {}, do godziny {}",
            PL_DAYS[weekday],
            polish_ordinal(day, "ego"),
            PL_MONTHS[month],
            polish_time(hour, minute)
        ),
        Language::Uk => format!(
            "до {}, {} {}, до {}",
            UK_DAYS[weekday],
            ukrainian_ordinal(day, "ого"),
            UK_MONTHS[month],
            ukrainian_time(hour, minute)
        ),
        Language::En => format!(
            "until {} the {} of {}, {}",
            english_day(at.weekday()),
            english_ordinal(day),
            EN_MONTHS[month],
            english_time(hour, minute)
        ),
    }
}

/// Both parts are declined: "dwudziestego trzeciego".
fn polish_ordinal(number: usize, ending: &str) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => format!("{}{ending}", PL_ORDINALS[number]),
        (ten, 0) => format!("{}{ending}", PL_TENTHS[ten - 2]),
        (ten, one) => format!("{}{ending} {}{ending}", PL_TENTHS[ten - 2], PL_ORDINALS[one]),
    }
}

fn polish_time(hour: usize, minute: u64) -> String {
    let hour = polish_ordinal(hour, "ej");
    match minute {
        0 => hour,
        1..=9 => format!("{hour} zero {}", cardinal(Language::Pl, minute, Gender::Masculine)),
        _ => format!("{hour} {}", cardinal(Language::Pl, minute, Gender::Masculine)),
    }
}

/// The last part alone is declined: "двадцять третього".
fn ukrainian_ordinal(number: usize, ending: &str) -> String {
    let one = |n: usize| match (n, ending) {
        (3, "ого") => "третього".to_owned(),
        (3, _) => "третьої".to_owned(),
        _ => format!("{}{ending}", UK_ORDINALS[n]),
    };
    match (number / 10, number % 10) {
        (0 | 1, _) => one(number),
        (ten, 0) => format!("{}{ending}", UK_TENTHS[ten - 2]),
        (ten, rest) => {
            format!("{} {}", cardinal(Language::Uk, ten as u64 * 10, Gender::Masculine), one(rest))
        }
    }
}

fn ukrainian_time(hour: usize, minute: u64) -> String {
    let hour = format!("{} години", ukrainian_ordinal(hour, "ої"));
    match minute {
        0 => hour,
        _ => format!("{hour} {}", ukrainian_minutes(minute)),
    }
}

/// Minutes in the genitive: "тридцяти хвилин".
fn ukrainian_minutes(minute: u64) -> String {
    const ONES: [&str; 20] = [
        "",
        "однієї",
        "двох",
        "трьох",
        "чотирьох",
        "п'яти",
        "шести",
        "семи",
        "восьми",
        "дев'яти",
        "десяти",
        "одинадцяти",
        "дванадцяти",
        "тринадцяти",
        "чотирнадцяти",
        "п'ятнадцяти",
        "шістнадцяти",
        "сімнадцяти",
        "вісімнадцяти",
        "дев'ятнадцяти",
    ];
    const TENS: [&str; 4] = ["двадцяти", "тридцяти", "сорока", "п'ятдесяти"];
    let at = minute as usize;
    let noun = if at % 10 == 1 && at != 11 { "хвилини" } else { "хвилин" };
    match (at / 10, at % 10) {
        (0 | 1, _) => format!("{} {noun}", ONES[at]),
        (ten, 0) => format!("{} {noun}", TENS[ten - 2]),
        (ten, one) => format!("{} {} {noun}", TENS[ten - 2], ONES[one]),
    }
}

fn english_ordinal(number: usize) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => EN_ORDINALS[number].to_owned(),
        (2, 0) => "twentieth".to_owned(),
        (_, 0) => "thirtieth".to_owned(),
        (2, one) => format!("twenty-{}", EN_ORDINALS[one]),
        (_, one) => format!("thirty-{}", EN_ORDINALS[one]),
    }
}

fn english_time(hour: usize, minute: u64) -> String {
    let half = if hour < 12 { "a.m." } else { "p.m." };
    let spoken = |number| cardinal(Language::En, number, Gender::Neuter);
    let on_clock = spoken(if hour.is_multiple_of(12) { 12 } else { hour as u64 % 12 });
    match (hour, minute) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "noon".to_owned(),
        (_, 0) => format!("{on_clock} {half}"),
        (_, 1..=9) => format!("{on_clock} oh {} {half}", spoken(minute)),
        _ => format!("{on_clock} {} {half}", spoken(minute)),
    }
}

const fn english_day(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// How many open orders there are: "two open orders".
pub(super) fn open_orders(language: Language, count: usize) -> String {
    let forms = match language {
        Language::Pl => ["otwarte zamówienie", "otwarte zamówienia", "otwartych zamówień"],
        Language::Uk => ["відкрите замовлення", "відкриті замовлення", "відкритих замовлень"],
        Language::En => ["open order", "", "open orders"],
    };
    counted(language, count as u64, Gender::Neuter, forms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(language: Language, at: &str) -> String {
        until(language, at.parse().unwrap())
    }

    #[test]
    fn saturday_the_23rd_of_may_2026_at_eight_in_the_evening() {
        let at = "2026-05-23T20:00";
        assert_eq!(say(Language::Pl, at), "do soboty, dwudziestego trzeciego maja, do godziny dwudziestej");
        assert_eq!(say(Language::Uk, at), "до суботи, двадцять третього травня, до двадцятої години");
        assert_eq!(say(Language::En, at), "until Saturday the twenty-third of May, eight p.m.");
    }

    #[test]
    fn polish_days_and_times() {
        for (at, spoken) in [
            ("2026-11-02T09:05", "do poniedziałku, drugiego listopada, do godziny dziewiątej zero pięć"),
            ("2026-12-30T21:30", "do środy, trzydziestego grudnia, do godziny dwudziestej pierwszej trzydzieści"),
            ("2026-10-01T13:15", "do czwartku, pierwszego października, do godziny trzynastej piętnaście"),
            (
                "2026-07-31T23:59",
                "do piątku, trzydziestego pierwszego lipca, do godziny dwudziestej trzeciej pięćdziesiąt dziewięć",
            ),
        ] {
            assert_eq!(say(Language::Pl, at), spoken);
        }
    }

    #[test]
    fn ukrainian_days_and_times() {
        for (at, spoken) in [
            ("2026-11-03T21:30", "до вівторка, третього листопада, до двадцять першої години тридцяти хвилин"),
            ("2026-12-31T09:01", "до четверга, тридцять першого грудня, до дев'ятої години однієї хвилини"),
            ("2026-02-20T23:45", "до п'ятниці, двадцятого лютого, до двадцять третьої години сорока п'яти хвилин"),
        ] {
            assert_eq!(say(Language::Uk, at), spoken);
        }
    }

    #[test]
    fn english_days_and_times() {
        for (at, spoken) in [
            ("2026-11-01T12:00", "until Sunday the first of November, noon"),
            ("2026-03-12T00:00", "until Thursday the twelfth of March, midnight"),
            ("2026-08-31T12:05", "until Monday the thirty-first of August, twelve oh five p.m."),
            ("2026-06-20T00:30", "until Saturday the twentieth of June, twelve thirty a.m."),
        ] {
            assert_eq!(say(Language::En, at), spoken);
        }
    }

    #[test]
    fn open_orders_agree_with_their_number() {
        for (count, pl, uk) in [
            (1, "jedno otwarte zamówienie", "одне відкрите замовлення"),
            (2, "dwa otwarte zamówienia", "два відкриті замовлення"),
            (5, "pięć otwartych zamówień", "п'ять відкритих замовлень"),
            (21, "dwadzieścia jeden otwartych zamówień", "двадцять одне відкрите замовлення"),
        ] {
            assert_eq!(open_orders(Language::Pl, count), pl);
            assert_eq!(open_orders(Language::Uk, count), uk);
        }
        assert_eq!(
            [open_orders(Language::En, 1), open_orders(Language::En, 3)],
            ["one open order", "three open orders"]
        );
    }
}
