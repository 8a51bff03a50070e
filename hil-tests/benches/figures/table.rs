//! Samples, and the table that is printed.

use std::fmt::Write as _;
use std::time::Duration;

/// Measured times of one thing.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub fn add(&mut self, one: Duration) {
        self.0.push(one);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that is not below `share` of all (nearest rank); zero without samples.
    pub fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count below 2^52 is a small whole number"
        )]
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The middle one.
    pub fn p50(&self) -> Duration {
        self.at(0.50)
    }

    /// One in a hundred is above it.
    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    /// `1.23 / 4.56 ms`, and how many samples it is of.
    pub fn shown(&self) -> String {
        format!("{:.2} / {:.2} ms, n={}", millis(self.p50()), millis(self.p99()), self.count())
    }
}

/// Milliseconds with their fraction.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// How many a second.
pub fn rate(count: usize, time: Duration) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from) / time.as_secs_f64().max(f64::EPSILON)
}

/// What a budget says of a figure.
#[derive(Debug, Clone)]
pub enum Budget {
    /// A peer, or what others are compared with.
    None,
    /// The budget in words, and whether the figure keeps it.
    Of(String, Verdict),
}

/// Whether a budget was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Kept,
    /// It was not.
    Missed,
}

impl From<bool> for Verdict {
    fn from(kept: bool) -> Self {
        if kept { Self::Kept } else { Self::Missed }
    }
}

/// The rows of the table; each is said aloud as it comes, since a run takes minutes.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Adds a figure.
    pub fn row(&mut self, what: &str, measured: String, budget: Budget) {
        let (budget, verdict) = match budget {
            Budget::None => (String::new(), ""),
            Budget::Of(words, Verdict::Kept) => (words, "kept"),
            Budget::Of(words, Verdict::Missed) => (words, "**missed**"),
        };
        eprintln!("bench: {what}: {measured}{}{budget} {verdict}", if budget.is_empty() { "" } else { "; budget " });
        self.rows.push([what.to_owned(), measured, budget, verdict.to_owned()]);
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let mut out = String::from("| what | measured | budget | |\n|---|---|---|---|\n");
        for [what, measured, budget, verdict] in &self.rows {
            _ = writeln!(out, "| {what} | {measured} | {budget} | {verdict} |");
        }
        out
    }

    /// Says whether all budgets were kept.
    pub fn all_kept(&self) -> bool {
        !self.rows.iter().any(|row| row[3].contains("missed"))
    }
}
