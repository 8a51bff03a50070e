//! Makes the orders of a shop in Poland: the same ones for the same seed and day, as `POST /api/v1/orders/import` takes them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp, tz};
use sans_io::Rng;
use serde_json::{Value, json};

/// The seed of the demo's own orders.
pub const SEED: u64 = 20_261_122;

const OPENING_HOUR: i8 = 9;
const PROMISE_SPREAD_MIN: u64 = 9 * 60;
const MOST_LINES: u64 = 4;

/// Name, price in grosze, age limit or 0.
const GOODS: &[(&str, u64, u8)] = &[
    ("Czajnik elektryczny 1,7 l", 12_999, 0),
    ("Ekspres ciśnieniowy", 89_900, 0),
    ("Słuchawki bezprzewodowe", 24_999, 0),
    ("Żarówka LED E27 8 W", 1_499, 0),
    ("Ładowarka USB-C 65 W", 11_900, 0),
    ("Plecak miejski 20 l", 15_990, 0),
    ("Kurtka przeciwdeszczowa, rozm. M", 21_990, 0),
    ("Buty trekkingowe, rozm. 42", 34_999, 0),
    ("Książka „Lalka”", 3_990, 0),
    ("Gra planszowa „Kolejka”", 9_995, 0),
    ("Klocki konstrukcyjne, 500 szt.", 17_999, 0),
    ("Pościel bawełniana 160×200", 13_900, 0),
    ("Ręcznik kąpielowy", 4_499, 0),
    ("Krem nawilżający 50 ml", 5_699, 0),
    ("Woda toaletowa 100 ml", 22_900, 0),
    ("Karma dla kota 1,5 kg", 3_749, 0),
    ("Smycz regulowana", 2_999, 0),
    ("Wiertarka udarowa 750 W", 27_900, 0),
    ("Zestaw wkrętaków, 12 szt.", 6_499, 0),
    ("Farba biała 5 l", 10_990, 0),
    ("Wino czerwone 0,75 l", 4_299, 18),
    ("Piwo kraftowe 0,5 l", 1_199, 18),
    ("Kawa ziarnista 1 kg", 7_999, 0),
    ("Myszka bezprzewodowa", 8_499, 0),
];

const POLISH: (&[&str], &[&str]) = (
    &["Anna", "Żaneta", "Łukasz", "Małgorzata", "Piotr", "Zofia", "Michał", "Święcisława", "Jan", "Katarzyna"],
    &["Kowalska", "Wójcik", "Źrebiec", "Dąbrowski", "Nowak", "Kamiński", "Łęcki", "Wiśniewska", "Gąska", "Mazur"],
);
const UKRAINIAN: (&[&str], &[&str]) = (
    &["Олена", "Андрій", "Їва", "Тарас", "Наталія", "Юрій"],
    &["Шевченко", "Коваль", "Бойко", "Ґудзь", "Мельник", "Ткачук"],
);
const ENGLISH: (&[&str], &[&str]) =
    (&["Emma", "Oliver", "Grace", "Noah"], &["Smith", "O'Brien", "Taylor-Jones", "Clarke"]);

/// Writes `count` orders for `store`, promised from now on, to `out` or standard output.
pub fn write(count: u32, seed: u64, store: &str, out: Option<&Path>) -> Result<()> {
    let lines = json_lines(count, seed, store, Timestamp::now());
    match out {
        None => io::stdout().lock().write_all(lines.as_bytes()).context("write the orders"),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
            BufWriter::new(file).write_all(lines.as_bytes()).with_context(|| format!("write {}", path.display()))
        }
    }
}

/// Makes `count` orders, one JSON object a line.
pub fn json_lines(count: u32, seed: u64, store: &str, from: Timestamp) -> String {
    let mut rng = Rng::new(seed);
    let first = rng.below(90_000);
    (0..u64::from(count)).map(|index| format!("{}\n", order(&mut rng, store, first + index, from))).collect()
}

fn order(rng: &mut Rng, store: &str, number: u64, from: Timestamp) -> Value {
    let day = from.to_zoned(tz::TimeZone::UTC).date();
    let lines: Vec<Value> = (0..=rng.below(MOST_LINES)).map(|_| line(rng)).collect();
    let total: u64 = lines.iter().map(line_total).sum();
    let (kind, due) = match rng.below(10) {
        0..=4 => ("prepaid", 0),
        5..=7 => ("pay_in_store", total),
        8 => ("reserve_only", total),
        _ => ("ship_to_store", 0),
    };
    json!({
        "store": store,
        "order": format!("{:04}/{:02}/{number:05}", day.year(), day.month()),
        "kind": kind,
        "contract": if kind == "reserve_only" { "in_store" } else { "distance" },
        "customer": customer(rng, number),
        "lines": lines,
        "currency": "PLN",
        "total": total,
        "due": due,
        "promised_at": promise(rng, from).to_string(),
    })
}

fn line_total(line: &Value) -> u64 {
    line["quantity"].as_u64().unwrap_or(0) * line["unit_price"].as_u64().unwrap_or(0)
}

fn line(rng: &mut Rng) -> Value {
    let index = rng.below(GOODS.len() as u64);
    let (name, unit_price, age) = GOODS[usize::try_from(index).unwrap_or(0)];
    let mut line = json!({
        "sku": format!("SKU-{:04}", 1_000 + index),
        "ean": ean13(590_123_400_000 + index),
        "name": name,
        "quantity": 1 + rng.below(3),
        "unit_price": unit_price,
    });
    if age > 0 {
        line["age"] = age.into();
    }
    line
}

/// Appends the check digit to twelve digits (GS1 General Specifications §7.9.1: weights 1 and 3 from the left).
fn ean13(twelve: u64) -> String {
    let digits = format!("{twelve:012}");
    let sum: u32 =
        digits.bytes().zip([1, 3].iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn customer(rng: &mut Rng, number: u64) -> Value {
    let (language, (first, last)) = match rng.below(20) {
        0..=13 => ("pl", POLISH),
        14..=17 => ("uk", UKRAINIAN),
        _ => ("en", ENGLISH),
    };
    let name = format!("{} {}", pick(rng, first), pick(rng, last));
    // One customer in ten is back: the number repeats that of an earlier order, and both must show for one phone.
    let subscriber = if rng.chance(100) { number - number % 10 } else { number };
    json!({
        "name": name,
        "phone": format!("+48601{:06}", 100_000 + subscriber),
        "email": format!("klient{subscriber}@example.com"),
        "language": language,
        "channel": "sms",
    })
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[usize::try_from(rng.below(from.len() as u64)).unwrap_or(0)]
}

/// A quarter of an hour within the shop's day, today or tomorrow, always after `from`.
fn promise(rng: &mut Rng, from: Timestamp) -> Timestamp {
    let quarter = i64::try_from(rng.below(PROMISE_SPREAD_MIN / 15)).unwrap_or(0) * 15;
    let zoned = from.to_zoned(tz::TimeZone::get("Europe/Warsaw").unwrap_or(tz::TimeZone::UTC));
    let opening = zoned.date().at(OPENING_HOUR, 0, 0, 0).to_zoned(zoned.time_zone().clone());
    let promised = opening.map_or(from, |opening| opening.timestamp()) + SignedDuration::from_mins(quarter);
    if promised > from { promised } else { promised + SignedDuration::from_hours(24) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn thousand() -> Vec<Value> {
        let from: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
        json_lines(1000, SEED, "krakow", from).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn check_digits_agree_with_the_gs1_example() {
        // GS1 General Specifications, example of a GTIN-13: 629104150021 with check digit 3.
        assert_eq!(ean13(629_104_150_021), "6291041500213");
    }

    #[test]
    fn the_same_seed_and_day_make_the_same_orders() {
        assert_eq!(thousand(), thousand());
    }

    #[test]
    fn a_thousand_orders_have_a_thousand_numbers_and_sums_that_agree() {
        let orders = thousand();
        let numbers: BTreeSet<&str> = orders.iter().map(|order| order["order"].as_str().expect("text")).collect();
        assert_eq!(numbers.len(), 1000);
        assert!(numbers.iter().all(|number| number.starts_with("2026/11/") && number.len() == 13));
        for order in &orders {
            let lines = order["lines"].as_array().expect("lines");
            let sum: u64 = lines.iter().map(line_total).sum();
            assert_eq!(order["total"], sum);
            assert_eq!(order["due"] == 0, matches!(order["kind"].as_str(), Some("prepaid" | "ship_to_store")));
        }
    }

    #[test]
    fn every_language_and_kind_is_there_and_every_promise_lies_ahead() {
        let orders = thousand();
        let seen = |path: &str| -> BTreeSet<String> {
            orders.iter().filter_map(|order| order.pointer(path)?.as_str().map(str::to_owned)).collect()
        };
        assert_eq!(seen("/customer/language"), BTreeSet::from(["en", "pl", "uk"].map(str::to_owned)));
        let kinds = ["pay_in_store", "prepaid", "reserve_only", "ship_to_store"];
        assert_eq!(seen("/kind"), BTreeSet::from(kinds.map(str::to_owned)));
        assert!(seen("/promised_at").iter().all(|promise| promise.as_str() > "2026-11-23T08:00:00Z"));
    }
}
