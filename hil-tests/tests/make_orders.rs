//! The generator's output as a whole.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use hil_tests::world::{binary, run};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

fn made(arguments: &[&str]) -> Result<String> {
    run(Command::new(binary("make-orders")?).args(arguments), LIMIT)
}

/// GS1: the digits weighted 1, 3, 1, 3 … with the check digit add up to a multiple of ten.
fn is_ean13(ean: &str) -> bool {
    let digits: Vec<u32> = ean.chars().filter_map(|c| c.to_digit(10)).collect();
    digits.len() == 13 && digits.iter().zip([1, 3].iter().cycle()).map(|(d, w)| d * w).sum::<u32>() % 10 == 0
}

#[test]
fn the_same_seed_gives_the_same_octets() -> Result<()> {
    for format in ["jsonl", "csv"] {
        let arguments = ["--seed", "7", "--count", "200", "--store", "wola", "--format", format];
        assert_eq!(made(&arguments)?, made(&arguments)?);
        assert_ne!(made(&arguments)?, made(&["--seed", "8", "--count", "200", "--store", "wola", "--format", format])?);
    }
    Ok(())
}

#[test]
fn a_thousand_orders_are_distinct_and_well_formed() -> Result<()> {
    let text = made(&["--seed", "1", "--count", "1000", "--store", "wola"])?;
    let orders: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut numbers: Vec<&str> = orders.iter().filter_map(|order| order["order"].as_str()).collect();
    assert!(numbers.iter().all(|number| number.starts_with("2026/11/") && number.len() == 13));
    numbers.dedup();
    assert_eq!(numbers.len(), 1_000);
    for order in &orders {
        let phone = order["customer"]["phone"].as_str().unwrap_or_default();
        assert!(phone.len() == 12 && phone.starts_with("+48"), "{phone}");
        for line in order["lines"].as_array().into_iter().flatten() {
            assert!(is_ean13(line["ean"].as_str().unwrap_or_default()), "{line}");
        }
    }
    let languages =
        ["pl", "uk", "en"].map(|language| orders.iter().filter(|o| o["customer"]["language"] == language).count());
    assert!(languages.iter().all(|count| *count > 50), "{languages:?}");
    let cyrillic = |order: &&Value| {
        order["customer"]["name"].as_str().is_some_and(|name| name.chars().any(|c| ('\u{400}'..'\u{500}').contains(&c)))
    };
    assert_eq!(orders.iter().filter(cyrillic).count(), languages[1]);
    Ok(())
}

#[test]
fn both_forms_say_the_same() -> Result<()> {
    let json = made(&["--seed", "3", "--count", "50"])?;
    let csv = made(&["--seed", "3", "--count", "50", "--format", "csv"])?;
    let lines: usize = json
        .lines()
        .map(|order| serde_json::from_str::<Value>(order).map(|o| o["lines"].as_array().map_or(0, Vec::len)))
        .sum::<Result<_, _>>()?;
    assert_eq!(csv.lines().count(), lines + 1);
    let first: Value = serde_json::from_str(json.lines().next().unwrap_or_default())?;
    let row = csv.lines().nth(1).unwrap_or_default();
    assert!(row.starts_with(&format!("wola;{};", first["order"].as_str().unwrap_or_default())), "{row}");
    Ok(())
}
