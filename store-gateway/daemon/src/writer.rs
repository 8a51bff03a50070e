//! One writer thread with group commit, and a few readers.
//!
//! An idle writer commits at once; what arrives during a commit is the next batch. Each operation runs in its own
//! savepoint, so a refused one leaves its neighbours alone, and is answered only after the batch's commit is on disk.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, oneshot};

/// Operations in one commit: bounds how long the first of a batch waits for the last.
const BATCH_OPERATIONS: usize = 256;
/// Operations waiting for the writer, in both lanes together. Callers wait for a place.
const QUEUE_OPERATIONS: usize = 1_024;
/// How long SQLite waits for a lock that a backup or a check holds.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Connections for reading.
const READERS: usize = 2;

/// Which queue an operation waits in. The writer empties [`Lane::Acknowledge`] first, so that a flood of new work
/// never keeps the other side waiting for its watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Watermarks and answers to the other side.
    Acknowledge,
    /// Everything else.
    Work,
}

/// Why an operation was not committed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The operation itself refused; nothing of it was kept.
    #[error(transparent)]
    Refused(E),
    /// The database could not commit; nothing of the batch was kept.
    #[error("the database could not commit: {0}")]
    Commit(Failure),
    /// The operation broke a rule of ours; nothing of it was kept.
    #[error("the operation panicked: {0}")]
    Panicked(String),
    /// The writer has stopped.
    #[error("the writer has stopped")]
    Stopped,
}

/// What kept a batch from the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    why: Arc<str>,
    cause: FailureCause,
}

/// What is to be done about a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// Somebody must free some space; nothing is broken.
    DiskFull,
    /// The file itself is damaged.
    Damaged,
    /// Anything else that SQLite says.
    Other,
}

impl Failure {
    fn rolled_back() -> Self {
        Self { why: "the database rolled the transaction back".into(), cause: FailureCause::Other }
    }

    /// What is to be done about it.
    pub const fn cause(&self) -> FailureCause {
        self.cause
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(e: rusqlite::Error) -> Self {
        Self { cause: cause_of(&e), why: e.to_string().into() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

/// What is to be done about an error of SQLite.
pub fn cause_of(e: &rusqlite::Error) -> FailureCause {
    match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => FailureCause::DiskFull,
        _ if crate::backup::is_damage(e) => FailureCause::Damaged,
        _ => FailureCause::Other,
    }
}

/// What an operation sees: its savepoint's connection, and a list of things to do once the commit is on disk.
pub struct Tx<'c> {
    connection: &'c Connection,
    after: Vec<AfterCommit>,
}

type AfterCommit = Box<dyn FnOnce() + Send>;

impl Tx<'_> {
    /// Runs `act` after the commit, on the writer thread, even when the caller has gone meanwhile. It must be short.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(act));
    }
}

impl std::ops::Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Told after the commit: the operations that must run and the answer to give.
type Settle = Box<dyn FnOnce(Result<(), Failure>) + Send>;
/// Runs in the open transaction, or not at all when there is none, and says how to answer.
type Job = Box<dyn FnOnce(Result<&Connection, &Failure>) -> Settle + Send>;

#[derive(Default)]
struct Queue {
    acknowledge: VecDeque<Job>,
    work: VecDeque<Job>,
    stopping: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    counters: Counters,
    trouble: Mutex<Option<Failure>>,
}

/// What the writer has done since it started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commits that reached the disk.
    pub commits: AtomicU64,
    /// Operations in them.
    pub operations: AtomicU64,
    /// Commits that failed.
    pub failed: AtomicU64,
    /// Microseconds spent in COMMIT, all together.
    pub commit_micros: AtomicU64,
    /// The longest COMMIT, in microseconds.
    pub slowest_commit_micros: AtomicU64,
}

/// A handle to the writer thread; clones share it.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
}

/// The writer thread itself: [`WriterThread::stop`] drains what is queued and ends it.
pub struct WriterThread {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<Connection>>,
}

/// Opens `path` with the settings that everything that matters relies on (WAL, FULL, foreign keys).
///
/// # Errors
/// SQLite's own error when the file can't be opened or is no database.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

impl Writer {
    /// Starts the thread that owns `connection`.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(connection: Connection) -> std::io::Result<(Writer, WriterThread)> {
        let shared = Arc::new(Shared::default());
        let run = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
            write_batches(&connection, &run);
            connection
        })?;
        let writer = Writer { shared: Arc::clone(&shared), places: Arc::new(Semaphore::new(QUEUE_OPERATIONS)) };
        Ok((writer, WriterThread { shared, thread: Some(thread) }))
    }

    /// Runs `operation` in a savepoint of the next batch and answers after the commit. Once queued it runs, whether
    /// or not the caller still waits.
    ///
    /// # Errors
    /// [`WriteError`]; in every case nothing of the operation was kept.
    pub async fn run<T, E, F>(&self, lane: Lane, operation: F) -> Result<T, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| WriteError::Stopped)?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let done = match transaction {
                Ok(connection) => in_savepoint(connection, operation),
                Err(why) => Err(WriteError::Commit(why.clone())),
            };
            Box::new(move |committed| {
                drop(place);
                settle(done, committed, answer);
            })
        });
        {
            let mut queue = lock(&self.shared.queue);
            if queue.stopping {
                return Err(WriteError::Stopped);
            }
            match lane {
                Lane::Acknowledge => queue.acknowledge.push_back(job),
                Lane::Work => queue.work.push_back(job),
            }
        }
        self.shared.filled.notify_one();
        answered.await.unwrap_or(Err(WriteError::Stopped))
    }

    /// What the writer has done since it started.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Why the last batch did not reach the disk; none when it did.
    pub fn trouble(&self) -> Option<Failure> {
        lock(&self.shared.trouble).clone()
    }

    /// Operations that wait for the writer now.
    pub fn waiting(&self) -> usize {
        QUEUE_OPERATIONS - self.places.available_permits()
    }
}

/// A thread that nobody stopped ends after what is queued, and closes its connection.
impl Drop for WriterThread {
    fn drop(&mut self) {
        lock(&self.shared.queue).stopping = true;
        self.shared.filled.notify_all();
    }
}

impl WriterThread {
    /// Lets the queued operations finish, ends the thread and gives the connection back.
    pub fn stop(mut self) -> Option<Connection> {
        lock(&self.shared.queue).stopping = true;
        self.shared.filled.notify_all();
        self.thread.take().and_then(|t| t.join().ok())
    }

    /// True once the thread has ended by itself, which only a broken rule of ours can cause.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An operation that ran: what it answered and what it wants done after the commit.
type Done<T, E> = Result<(T, Vec<AfterCommit>), WriteError<E>>;

fn settle<T, E>(done: Done<T, E>, committed: Result<(), Failure>, answer: oneshot::Sender<Result<T, WriteError<E>>>) {
    let result = match (done, committed) {
        (Ok((value, after)), Ok(())) => {
            after.into_iter().for_each(|act| act());
            Ok(value)
        }
        (Ok(_), Err(why)) => Err(WriteError::Commit(why)),
        (Err(refused), _) => Err(refused),
    };
    // The caller may have gone; what was committed stays committed.
    drop(answer.send(result));
}

fn in_savepoint<T, E, F>(connection: &Connection, operation: F) -> Done<T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E>,
{
    let commit_error = |e: rusqlite::Error| WriteError::Commit(e.into());
    connection.execute_batch("SAVEPOINT operation").map_err(commit_error)?;
    let mut tx = Tx { connection, after: Vec::new() };
    let result = catch_unwind(AssertUnwindSafe(|| operation(&mut tx)));
    if connection.is_autocommit() {
        // SQLite itself rolled the whole transaction back (a full disk does that): nothing of the batch is left.
        return match result {
            Ok(Err(refused)) => Err(WriteError::Refused(refused)),
            _ => Err(WriteError::Commit(Failure::rolled_back())),
        };
    }
    match result {
        Ok(Ok(value)) => {
            connection.execute_batch("RELEASE operation").map_err(commit_error)?;
            Ok((value, tx.after))
        }
        Ok(Err(refused)) => {
            connection.execute_batch("ROLLBACK TO operation; RELEASE operation").map_err(commit_error)?;
            Err(WriteError::Refused(refused))
        }
        Err(panic) => {
            connection.execute_batch("ROLLBACK TO operation; RELEASE operation").map_err(commit_error)?;
            Err(WriteError::Panicked(words_of(panic.as_ref())))
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}

fn write_batches(connection: &Connection, shared: &Shared) {
    while let Some(batch) = next_batch(shared) {
        write_batch(connection, shared, batch);
    }
}

fn next_batch(shared: &Shared) -> Option<Vec<Job>> {
    let mut queue = lock(&shared.queue);
    loop {
        let urgent = queue.acknowledge.len().min(BATCH_OPERATIONS);
        let mut batch: Vec<Job> = queue.acknowledge.drain(..urgent).collect();
        let rest = queue.work.len().min(BATCH_OPERATIONS - urgent);
        batch.extend(queue.work.drain(..rest));
        if !batch.is_empty() {
            return Some(batch);
        }
        if queue.stopping {
            return None;
        }
        queue = shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

fn write_batch(connection: &Connection, shared: &Shared, batch: Vec<Job>) {
    let mut settles: Vec<Settle> = Vec::with_capacity(batch.len());
    let mut failed: Option<Failure> = None;
    let changes_before = connection.total_changes();
    if let Err(e) = connection.execute_batch("BEGIN IMMEDIATE") {
        failed = Some(e.into());
    }
    for job in batch {
        if failed.is_none() && connection.is_autocommit() {
            failed = Some(Failure::rolled_back());
        }
        settles.push(job(failed.as_ref().map_or(Ok(connection), Err)));
    }
    let operations = settles.len() as u64;
    let outcome = match failed {
        Some(why) => Err(why),
        None => commit(connection, shared),
    };
    let counters = &shared.counters;
    match &outcome {
        Ok(()) => {
            counters.commits.fetch_add(1, Ordering::Relaxed);
            counters.operations.fetch_add(operations, Ordering::Relaxed);
        }
        Err(why) => {
            counters.failed.fetch_add(1, Ordering::Relaxed);
            tracing::error!(operations, why = %why, "could not commit; nothing of the batch was kept");
            if !connection.is_autocommit()
                && let Err(e) = connection.execute_batch("ROLLBACK")
            {
                tracing::error!(error = %e, "could not roll back");
            }
        }
    }
    // A commit of nothing says nothing about the disk.
    if outcome.is_err() || connection.total_changes() > changes_before {
        *lock(&shared.trouble) = outcome.clone().err();
    }
    settles.into_iter().for_each(|settle| settle(outcome.clone()));
}

fn commit(connection: &Connection, shared: &Shared) -> Result<(), Failure> {
    if connection.is_autocommit() {
        return Err(Failure::rolled_back());
    }
    let start = Instant::now();
    let outcome = connection.execute_batch("COMMIT").map_err(Failure::from);
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    shared.counters.commit_micros.fetch_add(micros, Ordering::Relaxed);
    shared.counters.slowest_commit_micros.fetch_max(micros, Ordering::Relaxed);
    outcome
}

/// Connections that only read, for pages and checks; each sees the last commit.
#[derive(Clone)]
pub struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    /// Opens the readers of a database that exists.
    ///
    /// # Errors
    /// SQLite's own error.
    pub fn open(path: &Path) -> rusqlite::Result<Readers> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_WAIT)?;
            connection.pragma_update(None, "query_only", "ON")?;
            connection.pragma_update(None, "mmap_size", 0)?;
            connection.set_prepared_statement_cache_capacity(64);
            idle.push(connection);
        }
        Ok(Readers { idle: Arc::new(Mutex::new(idle)), places: Arc::new(Semaphore::new(READERS)) })
    }

    /// Runs `read` in one read transaction on a blocking thread.
    ///
    /// # Errors
    /// What `read` answers, or SQLite's own error about the transaction.
    ///
    /// # Panics
    /// When `read` panics.
    pub async fn run<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("the semaphore is never closed");
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let connection = lock(&idle).pop().expect("a place stands for an idle connection");
            let back = GiveBack { connection: Some(connection), idle, _place: place };
            let connection = back.connection.as_ref().expect("given back only on drop");
            let tx = connection.unchecked_transaction()?;
            let result = read(&tx);
            drop(tx);
            result
        });
        match task.await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

/// Puts the connection back before the place is free again, also when the read panics.
struct GiveBack {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.idle).push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Refusal = rusqlite::Error;

    async fn database() -> (tempfile::TempDir, Writer, WriterThread, Readers) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let connection = open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t(x INTEGER PRIMARY KEY) STRICT").unwrap();
        let (writer, thread) = Writer::start(connection).unwrap();
        let readers = Readers::open(&path).unwrap();
        (dir, writer, thread, readers)
    }

    async fn rows(readers: &Readers) -> i64 {
        readers.run(|c| c.query_row("SELECT count(*) FROM t", [], |r| r.get(0))).await.map_err(|e: Refusal| e).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn answers_after_the_commit_and_readers_see_it() {
        let (_dir, writer, thread, readers) = database().await;
        writer.run(Lane::Work, |tx| tx.execute("INSERT INTO t VALUES (1)", [])).await.unwrap();
        assert_eq!(rows(&readers).await, 1);
        assert!(thread.stop().is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refused_operation_leaves_its_neighbours_alone() {
        let (_dir, writer, _thread, readers) = database().await;
        let many = (0..100).map(|i| {
            let writer = writer.clone();
            tokio::spawn(async move {
                writer.run(Lane::Work, move |tx| tx.execute("INSERT INTO t VALUES (?1)", [i / 2])).await.is_ok()
            })
        });
        let mut kept = 0;
        for one in many.collect::<Vec<_>>() {
            kept += i64::from(one.await.unwrap());
        }
        assert_eq!(kept, 50);
        assert_eq!(rows(&readers).await, 50);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_an_answer_and_the_writer_goes_on() {
        let (_dir, writer, _thread, readers) = database().await;
        let outcome: Result<(), WriteError<Refusal>> = writer
            .run(Lane::Work, |tx| {
                tx.execute("INSERT INTO t VALUES (7)", [])?;
                panic!("a rule broke")
            })
            .await;
        assert!(matches!(outcome, Err(WriteError::Panicked(ref why)) if why == "a rule broke"));
        writer.run(Lane::Work, |tx| tx.execute("INSERT INTO t VALUES (8)", [])).await.unwrap();
        assert_eq!(rows(&readers).await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_waits_for_the_commit_runs_even_when_the_caller_has_gone() {
        let (_dir, writer, thread, _readers) = database().await;
        let (told, hear) = std::sync::mpsc::sync_channel(1);
        let future = writer.run(Lane::Work, move |tx| {
            tx.after_commit(move || told.send(()).unwrap());
            tx.execute("INSERT INTO t VALUES (1)", [])
        });
        tokio::select! { biased; _ = future => {}, () = std::future::ready(()) => {} }
        thread.stop();
        hear.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_database_refuses_and_takes_the_next_good_operation() {
        let (_dir, writer, _thread, readers) = database().await;
        writer.run(Lane::Work, |tx| tx.pragma_update(None, "max_page_count", 8)).await.unwrap();
        let flood = writer
            .run(Lane::Work, |tx| {
                tx.execute_batch("CREATE TABLE b(x BLOB)")?;
                tx.execute("INSERT INTO b VALUES (zeroblob(1000000))", [])
            })
            .await;
        assert!(matches!(flood, Err(WriteError::Refused(ref e)) if cause_of(e) == FailureCause::DiskFull), "{flood:?}");
        assert!(writer.trouble().is_some(), "somebody is told");
        writer.run(Lane::Work, |tx| tx.query_row("SELECT 1", [], |_| Ok(()))).await.unwrap();
        assert!(writer.trouble().is_some(), "a commit of nothing is no proof");
        writer.run(Lane::Work, |tx| tx.execute("INSERT INTO t VALUES (1)", [])).await.unwrap();
        assert_eq!(writer.trouble(), None);
        assert_eq!(rows(&readers).await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_the_stop_it_refuses() {
        let (_dir, writer, thread, _readers) = database().await;
        thread.stop();
        let late = writer.run(Lane::Work, |tx| tx.execute("INSERT INTO t VALUES (1)", [])).await;
        assert!(matches!(late, Err(WriteError::Stopped)));
    }
}
