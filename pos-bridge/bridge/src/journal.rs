//! The journal of print jobs: what this till took, how it stands, and what the gateway has noted of it.
//!
//! Each answer comes after the commit is on disk. A journal that can't be written answers with an error, which the
//! callers bear: jobs stay where they are, and [`Journal::watch_trouble`] tells when it is over. The file is never
//! replaced here: a damaged journal may hold the only word about a job that was begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use shop_model::document::Document;
use store_daemon::writer::{self, Lane, Tx, WriteError, Writer, WriterThread};
use till_link::{JobId, JobState};
use tokio::sync::{Mutex, watch};

use crate::clock::MachineTime;

mod rows;

pub use rows::{Look, Take, Waiting};

/// Between two tries to open or write a journal that failed.
const TROUBLE_WAIT: Duration = Duration::from_secs(2);
/// KiB of SQLite's page cache; the journal is read by its index.
const CACHE_KIB: i64 = 512;
/// `user_version` of the tables here.
const VERSION: i64 = 1;
const TABLES: &str = include_str!("journal.sql");

/// Why the journal did not take or tell something.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It can't be opened.
    #[error("opening {path}: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's reason, or what is damaged.
        why: String,
    },
    /// Nothing was kept.
    #[error(transparent)]
    Write(#[from] WriteError<RowError>),
}

/// Why an operation on rows was refused.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// SQLite's own error.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A row holds what this version does not know.
    #[error("job {seq} of the journal: {what} can't be read")]
    Row {
        /// Its number.
        seq: i64,
        /// The column.
        what: &'static str,
    },
    /// As many jobs as the gateway may leave without noting them.
    #[error("{0} jobs wait for the gateway to note them; no more are taken")]
    Unnoted(i64),
}

/// A job as the gateway sent it.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// The printer's name at the till.
    pub printer: String,
    /// What to print.
    pub document: Document,
    /// It may begin for this many milliseconds.
    pub valid_ms: Option<u64>,
}

struct Open {
    writer: Writer,
    // Ends the thread when the journal is dropped.
    _thread: WriterThread,
}

struct Shared {
    path: PathBuf,
    printers: Vec<String>,
    open: Mutex<Option<Open>>,
    changes: watch::Sender<u64>,
    trouble: watch::Sender<bool>,
}

/// A handle to the journal; clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Shared>);

impl Journal {
    /// A journal in this file for a till with these printers; it is opened, or made, at once, and again later where
    /// that fails.
    pub async fn open(path: &Path, printers: Vec<String>) -> Self {
        let journal = Self(Arc::new(Shared {
            path: path.to_owned(),
            printers,
            open: Mutex::new(None),
            changes: watch::Sender::new(0),
            trouble: watch::Sender::new(false),
        }));
        if let Err(e) = journal.writer().await {
            journal.note_trouble(&e);
        }
        journal
    }

    /// Sees a change after each commit of one.
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Sees whether the journal takes nothing just now.
    pub fn watch_trouble(&self) -> watch::Receiver<bool> {
        self.0.trouble.subscribe()
    }

    /// Takes a job, or says how it stands where it is here already.
    ///
    /// # Errors
    /// [`JournalError`]: nothing was kept, the gateway must keep the job.
    pub async fn take(&self, job: NewJob) -> Result<Take, JournalError> {
        let now = machine_time()?;
        let is_known = self.0.printers.contains(&job.printer);
        self.run(move |tx| rows::take(tx, &job, is_known, &now)).await
    }

    /// Keeps a state. A final one is never replaced.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn keep(&self, id: &JobId, state: JobState) -> Result<(), JournalError> {
        let id = id.clone();
        self.run(move |tx| rows::keep(tx, &id, state)).await
    }

    /// Ends what was cancelled or is too late, and gives the printer's first job that waits; `held` is the job that is
    /// under way in the printer's task.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn look(&self, printer: &str, held: Option<JobId>) -> Result<Look, JournalError> {
        let (printer, now) = (printer.to_owned(), machine_time()?);
        self.run(move |tx| rows::look(tx, &printer, held.as_ref(), &now)).await
    }

    /// The gateway wants this not to begin.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn cancel(&self, id: &JobId) -> Result<(), JournalError> {
        let id = id.clone();
        self.run(move |tx| rows::cancel(tx, &id)).await
    }

    /// The gateway has the job's final state. Forgets what is noted and old.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn noted(&self, id: &JobId) -> Result<(), JournalError> {
        let id = id.clone();
        self.run(move |tx| rows::noted(tx, &id)).await
    }

    /// What the gateway has not noted, oldest first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn unnoted(&self) -> Result<Vec<(JobId, JobState)>, JournalError> {
        self.run(|tx| rows::unnoted(tx)).await
    }

    /// Tries a journal in trouble again and again, until it takes something; runs as long as the process.
    pub async fn mend(&self) {
        let mut trouble = self.watch_trouble();
        loop {
            // An error would mean that the journal is gone, and this holds it.
            drop(trouble.wait_for(|is| *is).await);
            tokio::time::sleep(TROUBLE_WAIT).await;
            drop(self.run(|tx| Ok(tx.execute("UPDATE probe SET count = count + 1", [])?)).await);
        }
    }

    async fn run<T, F>(&self, operation: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, RowError> + Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        let counted = move |tx: &mut Tx<'_>| {
            let before = tx.total_changes();
            let value = operation(tx)?;
            if tx.total_changes() > before {
                tx.after_commit(move || {
                    shared.trouble.send_if_modified(std::mem::take);
                    shared.changes.send_modify(|count| *count = count.wrapping_add(1));
                });
            }
            Ok(value)
        };
        let done = match self.writer().await {
            Ok(writer) => writer.run(Lane::Work, counted).await.map_err(JournalError::Write),
            Err(e) => Err(e),
        };
        if let Err(e) = &done {
            self.note_trouble(e);
        }
        done
    }

    /// Tells once how it is; [`Journal::mend`] goes on from there.
    fn note_trouble(&self, e: &JournalError) {
        if matches!(e, JournalError::Write(WriteError::Refused(RowError::Unnoted(_) | RowError::Row { .. }))) {
            return;
        }
        if self.0.trouble.send_if_modified(|is| !std::mem::replace(is, true)) {
            tracing::error!(why = %e, "the journal can't be written: no print job is taken or begun until it can");
        }
    }

    async fn writer(&self) -> Result<Writer, JournalError> {
        let mut open = self.0.open.lock().await;
        if let Some(open) = &*open {
            return Ok(open.writer.clone());
        }
        let (path, printers) = (self.0.path.clone(), self.0.printers.clone());
        let failed = |why: String| JournalError::Open { path: self.0.path.clone(), why };
        let opened =
            tokio::task::spawn_blocking(move || start(&path, &printers)).await.map_err(|e| failed(e.to_string()))?;
        let (writer, thread) = opened.map_err(|e| failed(format!("{e:#}")))?;
        *open = Some(Open { writer: writer.clone(), _thread: thread });
        Ok(writer)
    }
}

fn machine_time() -> Result<MachineTime, JournalError> {
    let failed = |why: std::io::Error| JournalError::Open { path: "/proc".into(), why: why.to_string() };
    MachineTime::now().map_err(failed)
}

fn start(path: &Path, printers: &[String]) -> anyhow::Result<(Writer, WriterThread)> {
    let mut connection = writer::open(path)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if let Some(damage) = store_daemon::backup::damage(&connection)? {
        anyhow::bail!(damage);
    }
    prepare(&mut connection, printers)?;
    Ok(Writer::start(connection)?)
}

/// Makes the tables where there are none, and ends what was under way when the last run ended, or has no printer any
/// more.
fn prepare(connection: &mut Connection, printers: &[String]) -> anyhow::Result<()> {
    let tx = connection.transaction()?;
    match tx.query_row("PRAGMA user_version", [], |row| row.get(0))? {
        0 => {
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        other => anyhow::bail!("it is of version {other}; this program knows {VERSION}"),
    }
    rows::end_begun(&tx, None)?;
    rows::refuse_without_printer(&tx, printers)?;
    Ok(tx.commit()?)
}

/// Whether the journal in this file is sound; `None` where there is none yet. Changes nothing.
///
/// # Errors
/// SQLite's words, or what is damaged.
pub fn check(path: &Path) -> Result<Option<i64>, String> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| e.to_string())?;
    if let Some(damage) = store_daemon::backup::damage(&connection).map_err(|e| e.to_string())? {
        return Err(damage);
    }
    let open = connection.query_row("SELECT count(*) FROM job WHERE noted = 0", [], |row| row.get(0));
    open.map(Some).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests;
