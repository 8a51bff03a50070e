//! What every part of HQ shares, and the one way to change anything: [`App::work`], one operation of the writer in which
//! state, outbox and projections move together.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use sans_io::{ClockQuality, Wall};
use store_daemon::secrets::Keys;
use store_daemon::web::session::Sessions;
use store_daemon::web::throttle::{Rule, Throttle};
use store_daemon::writer::{FailureCause, Lane, Readers, WriteError, Writer};
use store_daemon::{secrets, wall};
use store_sync::{EventId, HqEnd, Message, Now, SnapshotJob};
use tokio::sync::{Notify, broadcast, mpsc};

use crate::config::Config;
use crate::desk::Desk;
use crate::live::Live;
use crate::orders::refusal::Refusal;
use crate::signing::Signer;

/// Messages between commit and broker. What does not fit is dropped and sent again by the protocol.
const OUTGOING: usize = 4_096;
/// Live events that a slow browser may lag behind; beyond, it fetches everything again.
const LIVE: usize = 512;
/// Wrong passwords that lock.
const LOGIN_MISSES: u32 = 5;
/// Window in which they count.
const LOGIN_WINDOW: Duration = Duration::from_secs(600);

/// What goes to the broker.
#[expect(clippy::large_enum_variant, reason = "few at a time, on their way from a transaction to the broker")]
pub enum Outgoing {
    /// A message of the sync protocol.
    Message {
        /// The store that it is for.
        store: String,
        /// What.
        message: Message,
    },
    /// A snapshot to read and send.
    Snapshot {
        /// The store that it is for.
        store: String,
        /// What to read.
        job: Box<SnapshotJob>,
    },
    /// A store's newest configuration, to be read from the database.
    Config {
        /// The store.
        store: String,
    },
}

/// What everything in HQ shares. Cheap to clone.
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
    /// Signs for HQ.
    pub signer: Signer,
    /// Who is logged in, by user id.
    pub sessions: Sessions<String>,
    /// Locks out who guesses passwords.
    pub logins: Throttle,
    /// The one-time code of the set-up page, while there is no user.
    pub setup: Mutex<Option<String>>,
    /// What open pages are told.
    pub live: broadcast::Sender<Live>,
    /// This process, in heartbeats and acknowledgements.
    pub boot: EventId,
    /// Whether the broker link stands.
    pub connected: AtomicBool,
    /// What went wrong in numbers.
    pub counters: Counters,
    /// Some store has something to send.
    pub pump_wake: Notify,
    /// Clocks for the tests' and pages' uptime.
    pub started_ms: i64,
    life: u64,
    ends: Mutex<HashMap<String, HqEnd>>,
    dirty: Mutex<BTreeSet<String>>,
    outgoing: mpsc::Sender<Outgoing>,
}

/// Numbers for `/metrics` that no table has.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages taken from the broker.
    pub received: AtomicU64,
    /// Messages that could not be read.
    pub garbage: AtomicU64,
    /// Messages dropped between commit and broker; sent again by the protocol.
    pub dropped: AtomicU64,
    /// Orders placed.
    pub placed: AtomicU64,
    /// Requests refused for their key or log-in.
    pub unauthorized: AtomicU64,
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
    /// The signing key.
    pub signer: Signer,
    /// Restores that the database went through.
    pub life: u64,
    /// The one-time code, when there is no user yet.
    pub setup: Option<String>,
}

/// Both clocks, now. HQ's clock is the reference of its chain.
pub fn now() -> Now {
    Now { at: wall::monotonic(), wall: Wall { unix_ms: wall::unix_ms(), quality: ClockQuality::Hq } }
}

impl App {
    /// Puts the parts together; the receiver is the uplink's.
    pub fn new(parts: Parts) -> (App, mpsc::Receiver<Outgoing>) {
        let (outgoing, receiver) = mpsc::channel(OUTGOING);
        let timing = &parts.config.timing;
        let seconds = Duration::from_secs;
        let rule = Rule { misses: LOGIN_MISSES, window: LOGIN_WINDOW, lock: seconds(timing.login_lock_s) };
        let mut ids = sans_io::Ids::new(secrets::seed());
        let app = App(Arc::new(Inner {
            sessions: Sessions::new(seconds(timing.session_idle_s), seconds(timing.session_longest_s)),
            logins: Throttle::new(rule),
            setup: Mutex::new(parts.setup),
            live: broadcast::Sender::new(LIVE),
            boot: EventId::from_bytes(ids.next_v7(wall::unix_ms())),
            connected: AtomicBool::new(false),
            counters: Counters::default(),
            pump_wake: Notify::new(),
            started_ms: wall::unix_ms(),
            config: parts.config,
            writer: parts.writer,
            readers: parts.readers,
            keys: parts.keys,
            signer: parts.signer,
            life: parts.life,
            ends: Mutex::default(),
            dirty: Mutex::default(),
            outgoing,
        }));
        (app, receiver)
    }

    /// Runs `act` as one operation of the writer and answers after its commit. Once called it runs to its end, also
    /// when the caller goes away.
    ///
    /// # Errors
    /// What `act` answers (nothing of it is kept then), or [`Refusal::Storage`].
    pub async fn work<T, F>(&self, lane: Lane, act: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk<'_, '_>) -> Result<T, Refusal> + Send + 'static,
    {
        let app = self.clone();
        let task = tokio::spawn(async move {
            let inside = app.clone();
            let outcome = app
                .writer
                .run(lane, move |tx| {
                    let mut ends = inside.ends();
                    let mut desk = Desk::open(&inside, tx, &mut ends);
                    match act(&mut desk).and_then(|value| desk.finish().map(|()| value)) {
                        Ok(value) => Ok(value),
                        Err(refusal) => {
                            desk.abandon();
                            Err(refusal)
                        }
                    }
                })
                .await;
            outcome.map_err(|e| match e {
                WriteError::Refused(refusal) => refusal,
                other => {
                    // Which ends had taken part is not known any more: all begin anew over their ledgers.
                    app.ends().clear();
                    match other {
                        WriteError::Commit(failure) if failure.cause() == FailureCause::DiskFull => Refusal::DiskFull,
                        other => Refusal::Storage(other.to_string()),
                    }
                }
            })
        });
        task.await.unwrap_or_else(|e| Err(Refusal::Storage(e.to_string())))
    }

    /// Reads in one transaction of a reader.
    ///
    /// # Errors
    /// What `read` answers.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Refusal> + Send + 'static,
    {
        self.readers.run(read).await
    }

    /// The ends of the protocol by store. Locked for the time of one operation or pump, never across an await.
    pub fn ends(&self) -> MutexGuard<'_, HashMap<String, HqEnd>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a store's end; its `handle_start` is the caller's.
    pub fn new_end(&self, now: Now) -> HqEnd {
        HqEnd::new(store_sync::Config::hq("hq"), secrets::seed(), self.boot, now)
    }

    /// Restores that this database went through.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// Hands something to the uplink; dropped when the queue is full.
    pub fn send(&self, outgoing: Outgoing) {
        if self.outgoing.try_send(outgoing).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks the uplink to look at a store.
    pub fn pump_soon(&self, store: &str) {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).insert(store.to_owned());
        self.pump_wake.notify_one();
    }

    /// The stores that asked for it since the last call.
    pub fn take_dirty(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells open pages. Nobody may be listening.
    pub fn tell(&self, live: Live) {
        drop(self.live.send(live));
    }

    /// The set-up code, while there is one.
    pub fn setup(&self) -> MutexGuard<'_, Option<String>> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
