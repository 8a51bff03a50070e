//! The gateway's shared state, and the one way to change anything: [`App::work`], one transaction on the writer thread
//! in which state, outbox and projections move together.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::Connection;
use shop_model::config::Bundle;
use store_daemon::backup;
use store_daemon::secrets::Keys;
use store_daemon::writer::{FailureCause, Lane, Readers, WriteError, Writer, cause_of};
use store_sound::prompts::Speaker;
use store_sync::{Message, SnapshotJob, StoreEnd};
use tokio::sync::{Notify, broadcast, mpsc, watch};

use crate::calls::{SimLine, Switchboard};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::live::Live;
use crate::status::Status;
use crate::tills::Tills;

/// The name of the gateway's one sync pair.
pub const SCOPE: &str = "hq";
/// Sync messages between commit and broker. What does not fit is dropped and sent again by the protocol.
const OUTGOING: usize = 512;
/// Live events that a slow browser may lag behind; beyond, it fetches everything again.
const LIVE: usize = 256;

/// Why something could not be done for reasons that are not the customer's or the clerk's.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The sync core refused.
    #[error("the event could not be entered")]
    Sync(#[from] store_sync::Error<rusqlite::Error>),
    /// Another box holds our identity.
    #[error("another box has taken over this store; this one is read-only")]
    Superseded,
    /// Stored text that no release of ours wrote.
    #[error("stored data can't be read: {0}")]
    Corrupt(String),
    /// The disk is full; nothing was kept.
    #[error("the disk is full")]
    DiskFull,
    /// The writer could not commit; nothing was kept.
    #[error("{0}")]
    NotCommitted(String),
    /// A rule of ours was broken, or the writer is gone; nothing was kept.
    #[error("{0}")]
    Broken(String),
}

impl ShopError {
    /// The disk's part of it, by its own name, whoever ran into it.
    fn sorted(self) -> Self {
        let full = match &self {
            Self::Database(e) | Self::Sync(store_sync::Error::Ledger(e)) => cause_of(e) == FailureCause::DiskFull,
            _ => false,
        };
        if full { Self::DiskFull } else { self }
    }

    /// True when the database takes nothing now, for a reason that may pass: a full disk, a card gone read-only.
    pub fn is_passing(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure};
        match self {
            Self::DiskFull | Self::NotCommitted(_) => true,
            Self::Database(e) | Self::Sync(store_sync::Error::Ledger(e)) => matches!(
                e.sqlite_error_code(),
                Some(CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | ReadOnly | SystemIoFailure)
            ),
            Self::Sync(_) | Self::Superseded | Self::Corrupt(_) | Self::Broken(_) => false,
        }
    }
}

/// For tasks whose work comes again by itself: a database that takes nothing now is written to the log and no reason
/// to end, for a task that keeps failing ends the process, and the counter must stay open.
///
/// # Errors
/// Everything else.
pub fn go_on<T>(doing: &'static str, outcome: Result<T, ShopError>) -> Result<Option<T>, ShopError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(e) if e.is_passing() => {
            tracing::warn!(doing, error = %e, "not now: the database takes nothing");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// A superseded box says nothing to HQ; its screen says why.
///
/// # Errors
/// Everything but [`ShopError::Superseded`].
pub fn quiet_when_superseded(done: Result<(), ShopError>) -> Result<(), ShopError> {
    match done {
        Err(ShopError::Superseded) => Ok(()),
        other => other,
    }
}

/// What goes to the broker after a commit.
pub enum Outgoing {
    /// One message.
    Message(Box<Message>),
    /// A snapshot to read and send.
    Snapshot(Box<SnapshotJob>),
}

/// What everything in the gateway shares. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    /// The configuration.
    pub config: Config,
    /// The only way to write.
    pub writer: Writer,
    /// For pages and lists.
    pub readers: Readers,
    /// Seals and indexes pickup codes.
    pub keys: Keys,
    /// Wall time.
    pub clock: Clock,
    /// What the tasks say of themselves.
    pub status: Status,
    /// What open pages are told.
    pub live: broadcast::Sender<Live>,
    /// There is something for HQ.
    pub uplink_wake: Notify,
    /// There may be something to send or settle.
    pub messages_wake: Notify,
    /// There may be a message for the modem.
    pub sending_wake: Notify,
    /// Calls under way and the phones.
    pub calls: Switchboard,
    /// Between the modem's task and the exchange.
    pub sim: SimLine,
    /// Tills that are connected, and their screens.
    pub tills: Tills,
    /// Sync messages dropped between commit and broker.
    pub outgoing_dropped: AtomicU64,
    suspicion: watch::Sender<Option<String>>,
    end: Mutex<StoreEnd>,
    bundle: RwLock<Arc<Bundle>>,
    outgoing: mpsc::Sender<Outgoing>,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What [`App::new`] puts together.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The writer.
    pub writer: Writer,
    /// The readers.
    pub readers: Readers,
    /// The keys.
    pub keys: Keys,
    /// The clock.
    pub clock: Clock,
    /// The sync core.
    pub end: StoreEnd,
    /// The bundle in force.
    pub bundle: Bundle,
}

impl App {
    /// Puts the parts together; the receiver is the uplink's.
    pub fn new(parts: Parts) -> (App, mpsc::Receiver<Outgoing>) {
        let (outgoing, receiver) = mpsc::channel(OUTGOING);
        let app = App(Arc::new(Inner {
            config: parts.config,
            writer: parts.writer,
            readers: parts.readers,
            keys: parts.keys,
            clock: parts.clock,
            status: Status::default(),
            live: broadcast::Sender::new(LIVE),
            uplink_wake: Notify::new(),
            messages_wake: Notify::new(),
            sending_wake: Notify::new(),
            calls: Switchboard::default(),
            sim: SimLine::default(),
            tills: Tills::default(),
            outgoing_dropped: AtomicU64::new(0),
            suspicion: watch::Sender::new(None),
            end: Mutex::new(parts.end),
            bundle: RwLock::new(Arc::new(parts.bundle)),
            outgoing,
        }));
        (app, receiver)
    }

    /// Runs `act` as one operation of the writer and answers after its commit. Once called it runs to its end, also
    /// when the caller goes away.
    ///
    /// # Errors
    /// What `act` answers (nothing of it is kept then), or [`ShopError::NotCommitted`].
    pub async fn work<T, F>(&self, lane: Lane, act: F) -> Result<T, ShopError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_, '_>) -> Result<T, ShopError> + Send + 'static,
    {
        let app = self.clone();
        let task = tokio::spawn(async move {
            let inside = app.clone();
            let outcome = app
                .writer
                .run(lane, move |tx| {
                    let mut end = inside.end();
                    let mut desk = Desk::open(&inside, tx, &mut end);
                    let result = act(&mut desk).and_then(|value| desk.close().map(|()| value));
                    if result.is_err() {
                        end.handle_rollback(inside.clock.now());
                    }
                    result
                })
                .await;
            outcome.map_err(|e| match e {
                WriteError::Refused(e) => app.seen(e.sorted()),
                other => {
                    app.end().handle_rollback(app.clock.now());
                    app.not_committed(other)
                }
            })
        });
        task.await.unwrap_or_else(|e| Err(ShopError::Broken(e.to_string())))
    }

    fn not_committed(&self, error: WriteError<ShopError>) -> ShopError {
        let WriteError::Commit(failure) = &error else { return ShopError::Broken(error.to_string()) };
        match failure.cause() {
            FailureCause::DiskFull => ShopError::DiskFull,
            FailureCause::Damaged => {
                self.note_damage(&failure.to_string());
                ShopError::NotCommitted(error.to_string())
            }
            FailureCause::Other => ShopError::NotCommitted(error.to_string()),
        }
    }

    /// Reads in one transaction of a reader.
    ///
    /// # Errors
    /// What `read` answers.
    pub async fn read<T, F>(&self, read: F) -> Result<T, ShopError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ShopError> + Send + 'static,
    {
        self.readers.run(read).await.map_err(|e| self.seen(e))
    }

    /// Passes an error on; one that speaks of damage is looked into.
    fn seen(&self, error: ShopError) -> ShopError {
        if let ShopError::Database(e) | ShopError::Sync(store_sync::Error::Ledger(e)) = &error
            && backup::is_damage(e)
        {
            self.note_damage(&e.to_string());
        }
        error
    }

    /// Somebody came upon a sign of damage in the database.
    pub fn note_damage(&self, sign: &str) {
        tracing::error!(sign, "the database may be damaged");
        self.suspicion.send_if_modified(|known| known.is_none().then(|| *known = Some(sign.to_owned())).is_some());
    }

    /// The sign of damage that nobody has looked into yet.
    pub fn suspicion(&self) -> watch::Receiver<Option<String>> {
        self.suspicion.subscribe()
    }

    /// The database was looked through and is sound.
    pub fn forget_suspicion(&self) {
        self.suspicion.send_replace(None);
    }

    /// The sync core. Lock it only for the time of one call, and never across an await.
    pub fn end(&self) -> MutexGuard<'_, StoreEnd> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration bundle in force.
    pub fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.bundle.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another bundle in force. Its row must be committed.
    pub fn set_bundle(&self, bundle: Bundle) {
        *self.bundle.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bundle);
    }

    /// Hands a committed message to the uplink; dropped when the queue is full.
    pub fn send(&self, outgoing: Outgoing) {
        if self.outgoing.try_send(outgoing).is_err() {
            self.outgoing_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What speaks to callers.
    pub fn speaker(&self) -> Speaker {
        self.calls.speaker(&self.config)
    }

    /// Tells open pages. Nobody may be listening.
    pub fn tell(&self, live: Live) {
        drop(self.live.send(live));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn a_full_disk_has_its_own_name_and_a_task_goes_on_past_it() {
        // SQLite's result codes: SQLITE_FULL 13, SQLITE_READONLY 8, SQLITE_CONSTRAINT 19.
        assert!(matches!(ShopError::from(sqlite(13)).sorted(), ShopError::DiskFull));
        let inside = ShopError::from(store_sync::Error::Ledger(sqlite(13)));
        assert!(matches!(inside.sorted(), ShopError::DiskFull));
        assert!(matches!(go_on("looking", Err::<(), _>(ShopError::DiskFull)), Ok(None)));
        assert!(matches!(go_on("looking", Err::<(), _>(sqlite(8).into())), Ok(None)));
        assert!(matches!(go_on("looking", Ok(1)), Ok(Some(1))));
        assert!(go_on("looking", Err::<(), _>(sqlite(19).into())).is_err(), "a broken rule of ours is no full disk");
    }
}
