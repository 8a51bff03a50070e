//! Writes orders of a Polish shop to standard output: see [`hil_tests::make_orders`].

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use hil_tests::make_orders::{CSV_HEADER, Orders, Plan, csv_rows};
use jiff::Timestamp;

/// Makes orders from a seed; the same arguments give the same octets.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Orders.
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// Store that they are for.
    #[arg(long, default_value = "wola")]
    store: String,
    /// JSON lines or CSV.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Time that promises count from.
    #[arg(long, default_value = "2026-11-23T08:00:00Z")]
    from: Timestamp,
    /// Number of the first order within its month.
    #[arg(long, default_value_t = 1)]
    first: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

fn main() -> Result<()> {
    let Arguments { seed, count, store, format, from, first } = Arguments::parse();
    let mut out = BufWriter::new(stdout().lock());
    if matches!(format, Format::Csv) {
        writeln!(out, "{CSV_HEADER}")?;
    }
    for order in Orders::new(Plan { seed, count, store, from, first }) {
        match format {
            Format::Jsonl => writeln!(out, "{}", serde_json::to_string(&order)?)?,
            Format::Csv => write!(out, "{}", csv_rows(&order))?,
        }
    }
    out.flush()?;
    Ok(())
}
