//! What one commit costs on this disk, and how many rows a second the writer thread makes of it, beside plain loops over
//! the same library.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use store_daemon::writer::{self, Lane, Writer};

use crate::table::{Budget, Samples, Table, rate};

/// Commits that the disk's figure is of.
const COMMITS: usize = 1_000;
/// Rows one by one.
const SINGLE_ROWS: usize = 200;
/// Rows in the one big transaction, and through the writer by many callers.
const ROWS: usize = 8_192;
/// Rounds in which each has its turn.
const ROUNDS: usize = 5;
/// Callers at once: as many as fill a batch of the writer.
const CALLERS: usize = 256;
/// An outbox row has about as many octets.
const BODY_OCTETS: usize = 450;

/// Commits of two rows with the settings of `shop.db` (WAL, FULL): what the disk itself takes. Budgets are counted in these,
/// and a machine that others use is quick at one moment and slow at the next, so they are taken between whatever is measured.
pub struct Probe {
    db: Connection,
    body: String,
    next: usize,
    samples: Samples,
}

impl Probe {
    /// A probe with a database of its own in `dir`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn new(dir: &Path) -> Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("probe-{}.db", MADE.fetch_add(1, Ordering::Relaxed));
        Ok(Self { db: open(dir, &name)?, body: "x".repeat(BODY_OCTETS), next: 0, samples: Samples::default() })
    }

    /// Commits once.
    ///
    /// # Errors
    /// SQLite's.
    pub fn commit(&mut self) -> Result<()> {
        let began = Instant::now();
        let tx = self.db.transaction()?;
        for _ in 0..2 {
            insert(&tx, self.next, &self.body)?;
            self.next += 1;
        }
        tx.commit()?;
        self.samples.add(began.elapsed());
        Ok(())
    }

    /// Commits until there are `count` samples more.
    ///
    /// # Errors
    /// SQLite's.
    pub fn commits(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.commit())
    }

    /// The times so far.
    pub const fn samples(&self) -> &Samples {
        &self.samples
    }
}

/// The disk's own commit time.
///
/// # Errors
/// SQLite's.
pub fn commit(dir: &Path, table: &mut Table) -> Result<()> {
    let mut probe = Probe::new(dir)?;
    probe.commits(COMMITS)?;
    table.row("disk: commit of two rows (WAL, FULL), p50 / p99", probe.samples().shown(), Budget::None);
    Ok(())
}

/// Rows a second: the writer thread, and what the library does without it, turn by turn. The middle of the rounds counts.
///
/// # Errors
/// SQLite's, or the writer's.
pub fn rows(dir: &Path, table: &mut Table) -> Result<()> {
    let mut rates: [Vec<f64>; 4] = Default::default();
    for round in 0..ROUNDS {
        let peer = plain_loops(dir, round)?;
        let one_caller = through_writer(dir, &format!("writer-1-{round}.db"), SINGLE_ROWS, 1)?;
        let many_callers = through_writer(dir, &format!("writer-many-{round}.db"), ROWS, CALLERS)?;
        for (all, one) in rates.iter_mut().zip([peer.0, peer.1, one_caller, many_callers]) {
            all.push(one);
        }
    }
    let [single, big, one_caller, many_callers] = rates.map(|mut all| {
        all.sort_unstable_by(f64::total_cmp);
        all[all.len() / 2]
    });
    let rows = |per_second: f64| format!("{per_second:.0} rows/s");
    table.row("peer: plain loop, a commit for each row", rows(single), Budget::None);
    table.row("peer: plain loop, one transaction of 8 192 rows", rows(big), Budget::None);
    table.row("writer thread, one caller", rows(one_caller), Budget::None);
    table.row("writer thread, 256 callers (each answered after its commit)", rows(many_callers), Budget::None);
    Ok(())
}

/// Rows a second with a commit for each, and in one transaction.
fn plain_loops(dir: &Path, round: usize) -> Result<(f64, f64)> {
    let body = "x".repeat(BODY_OCTETS);
    let mut db = open(dir, &format!("peer-{round}.db"))?;
    let began = Instant::now();
    for at in 0..SINGLE_ROWS {
        insert(&db, at, &body)?;
    }
    let single = rate(SINGLE_ROWS, began.elapsed());
    let began = Instant::now();
    let tx = db.transaction()?;
    for at in 0..ROWS {
        insert(&tx, SINGLE_ROWS + at, &body)?;
    }
    tx.commit()?;
    Ok((single, rate(ROWS, began.elapsed())))
}

fn through_writer(dir: &Path, name: &str, rows: usize, callers: usize) -> Result<f64> {
    let (writer, thread) = Writer::start(open(dir, name)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let each = rows / callers;
    let began = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let writer = writer.clone();
                tokio::spawn(async move {
                    let body = "x".repeat(BODY_OCTETS);
                    for at in 0..each {
                        let body = body.clone();
                        writer.run(Lane::Work, move |tx| insert(tx, caller * each + at, &body)).await?;
                    }
                    Ok::<(), writer::WriteError<rusqlite::Error>>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    let took = began.elapsed();
    let db = thread.stop().context("the writer's connection")?;
    let kept: usize = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
    ensure!(kept == each * callers, "{kept} of {} rows were kept", each * callers);
    Ok(rate(kept, took))
}

fn open(dir: &Path, name: &str) -> Result<Connection> {
    let db = writer::open(&dir.join(name))?;
    db.execute_batch("CREATE TABLE t(seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")?;
    Ok(db)
}

fn insert(db: &Connection, seq: usize, body: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO t(seq, body) VALUES (?1, ?2)")?.execute((seq, body)).map(drop)
}
