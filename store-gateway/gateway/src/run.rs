//! Starting, running and stopping the daemon.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use store_daemon::backup::{self, Backups};
use store_daemon::broker;
use store_daemon::ledger::SqlLedger;
use store_daemon::process::{StopSignals, announce_ready, feed_watchdog};
use store_daemon::secrets::{Keys, random, seed, sha256_hex};
use store_daemon::supervisor::Supervisor;
use store_daemon::web::Listener;
use store_daemon::writer::{Lane, Readers, Writer, WriterThread};
use store_sync::{AggregateKey, Config as SyncConfig, StoreEnd, Witness};
use tokio::sync::Mutex;

use crate::app::{App, Parts, SCOPE, ShopError};
use crate::clock::Clock;
use crate::config::Config;
use crate::facts::GatewayJudge;
use crate::uplink::{Hello, Uplink};
use crate::web::Web;
use crate::{calls, database, messages, modem, settings, staff, tills, upkeep};

/// A stop must be over by then; systemd and the interface promise five seconds.
const STOP_LIMIT: Duration = Duration::from_millis(3_500);
/// Restores in one life of the process; a disk that damages the database again and again needs a person.
const MOST_RESTORES: usize = 3;
/// Threads for what blocks: the database's readers, a backup, a PIN check, a name look-up, and one to spare. Each keeps a heap.
const BLOCKING_THREADS: usize = 6;

/// Why serving ended.
enum End {
    /// It was asked to.
    Stopped,
    /// The database is damaged; nothing has it open any more.
    Damaged(String),
}

/// Runs the daemon until SIGTERM or SIGINT. A damaged database is replaced by its last backup on the way.
///
/// # Errors
/// When it can't start, or a task keeps failing.
pub fn run(mut config: Config) -> anyhow::Result<()> {
    let (mut restored, mut announced) = (None, false);
    for _ in 0..MOST_RESTORES {
        // A runtime of its own for each life of the database: at its end nothing holds the files open.
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).max_blocking_threads(BLOCKING_THREADS).enable_all().build()?;
        let outcome = runtime.block_on(serve(&mut config, restored.take(), &mut announced));
        runtime.shutdown_timeout(Duration::from_millis(500));
        match outcome? {
            End::Stopped => return Ok(()),
            End::Damaged(why) => restored = Some(upkeep::restore(&config, &why)?),
        }
    }
    anyhow::bail!("{} was damaged {MOST_RESTORES} times; look at the disk", config.database().display())
}

/// A database that is open and whose parts are put together.
struct Begun {
    app: App,
    outgoing: tokio::sync::mpsc::Receiver<crate::app::Outgoing>,
    writer_thread: WriterThread,
    was_clean: bool,
    nobody: bool,
}

/// Opens the database and reads what a start reads.
async fn begin(config: &Config, restored: Option<String>) -> anyhow::Result<Begun> {
    let db = database::open(config)?;
    let was_clean = database::meta(&db, "clean_shutdown")?.is_none_or(|mark| mark == "1");
    database::set_meta(&db, "clean_shutdown", "0")?;
    let nobody = staff::all(&db)?.is_empty();
    let (app, outgoing, writer_thread) = assemble(config, db).await?;
    if let Some(text) = restored {
        app.work(Lane::Work, move |desk| desk.alert("database", "shop.db", &text)).await?;
    }
    Ok(Begun { app, outgoing, writer_thread, was_clean, nobody })
}

/// Says what is damaged when a start failed over it.
async fn begin_or_damage(config: &Config, restored: Option<String>) -> anyhow::Result<Result<Begun, String>> {
    if Backups::of(&config.database()).is_missing() {
        return Ok(Err("it is missing or empty beside its backups".into()));
    }
    match begin(config, restored).await {
        Ok(begun) => Ok(Ok(begun)),
        Err(e) if e.chain().filter_map(|cause| cause.downcast_ref()).any(backup::is_damage) => {
            Ok(Err(format!("{e:#}")))
        }
        Err(e) => Err(e.context(storage_trouble(&config.storage))),
    }
}

/// SQLite says no more than that it can't open the file; the folder says why.
fn storage_trouble(storage: &Path) -> String {
    let probe = storage.join("write-probe");
    match std::fs::write(&probe, b"") {
        Ok(()) => {
            drop(std::fs::remove_file(&probe));
            format!("the storage {}", storage.display())
        }
        Err(e) => format!("the storage {} can't be written: {e}", storage.display()),
    }
}

async fn serve(config: &mut Config, restored: Option<String>, announced: &mut bool) -> anyhow::Result<End> {
    crate::web::pages::note_start();
    let signals = StopSignals::catch().context("catching signals")?;
    let listener = Listener::bind(&config.web).await.with_context(|| format!("listening on {}", config.web.listen))?;
    let address = listener.address();
    // After a restore the pages are found where they were.
    config.web.listen = address;
    let Begun { app, outgoing, writer_thread, was_clean, nobody } = match begin_or_damage(config, restored).await? {
        Ok(begun) => begun,
        Err(damage) => return Ok(End::Damaged(damage)),
    };

    let mut supervisor = Supervisor::default();
    let setup = nobody.then(one_time_code);
    let web = Web::new(app.clone(), setup, supervisor.stop_signal());
    let sip = calls::open(&app).await;
    let sip_address = sip.as_ref().map(|(sip, ..)| sip.address());
    // After a restore the phones find it where it was.
    if let (Some(sip), Some(address)) = (&mut config.calls.sip, sip_address) {
        sip.listen = address;
    }
    let tills = tills::Opened::open(&app).await;
    // After a restore the tills find it where it was.
    if let (Some(tills), Some(address)) = (&mut config.tills, app.tills.address()) {
        tills.listen = address;
    }
    tills::reload(&app).await.context("reading the tills")?;
    start_tasks(&app, outgoing, (sip, tills), &mut supervisor)?;
    let serving = tokio::spawn(listener.serve(web.router(), supervisor.stop_signal()));
    if !std::mem::replace(announced, true) {
        let tills_address = app.tills.address();
        let listeners =
            [Some(("web", address)), sip_address.map(|sip| ("sip", sip)), tills_address.map(|tills| ("tills", tills))];
        let listeners: Vec<_> = listeners.into_iter().flatten().collect();
        announce_ready(env!("CARGO_PKG_VERSION"), &listeners)?;
    }
    tracing::info!(%address, store = %app.config.store.id, "ready");
    if !was_clean {
        upkeep::check_database(&app);
    }

    let ended = tokio::select! {
        () = signals.asked() => Ok(End::Stopped),
        name = supervisor.watch() => Err(anyhow::anyhow!("the task {name} keeps failing")),
        damage = upkeep::damage_found(&app) => Ok(End::Damaged(damage)),
    };
    tracing::info!("stopping");
    supervisor.stop(STOP_LIMIT).await;
    drop(tokio::time::timeout(Duration::from_millis(300), serving).await);
    if let (Some(db), false) = (writer_thread.stop(), matches!(ended, Ok(End::Damaged(_)))) {
        database::set_meta(&db, "saved_ms", &app.clock.wall().unix_ms.to_string())?;
        database::set_meta(&db, "clean_shutdown", "1")?;
    }
    ended
}

/// Puts the parts around an open database together and starts its sync ledger.
async fn assemble(
    config: &Config,
    db: rusqlite::Connection,
) -> anyhow::Result<(App, tokio::sync::mpsc::Receiver<crate::app::Outgoing>, WriterThread)> {
    let saved_ms = database::meta(&db, "saved_ms")?.and_then(|ms| ms.parse().ok()).unwrap_or(0);
    let clock = Clock::start(saved_ms);
    let keys = Keys::load_or_create(&config.keys())?;
    let (bundle, refused) = settings::load(&db)?;
    let witness = witness(&config.witness())?;
    let end = StoreEnd::new(sync_config(config), seed(), clock.now());
    let (writer, writer_thread) = Writer::start(db)?;
    let readers = Readers::open(&config.database())?;
    let config = config.clone();
    let (app, outgoing) = App::new(Parts { config, writer, readers, keys, clock, end, bundle });
    *app.status.config_refused() = refused;
    app.work(Lane::Work, move |desk| desk.sync(|end, ledger, now| end.handle_start(ledger, witness, now)))
        .await
        .context("starting the sync ledger")?;
    let head = app.read(|db| Ok(store_sync::LedgerRead::head(&SqlLedger::new(db, SCOPE))?)).await?;
    if let Some(head) = head {
        let mut link = app.status.link();
        link.recovery = head.recovery.is_some();
        link.superseded = head.superseded;
    }
    judge_kept(&app).await.context("looking through what an earlier release kept")?;
    Ok((app, outgoing, writer_thread))
}

/// What an earlier release kept because it did not know it may be known to this one.
async fn judge_kept(app: &App) -> Result<(), ShopError> {
    let mut after: Option<AggregateKey> = None;
    loop {
        let from = after.take();
        let judge = GatewayJudge::of(&app.config.store);
        let next =
            app.work(Lane::Work, move |desk| desk.sync(|end, ledger, _| end.judge_kept(ledger, &judge, from.as_ref())));
        after = next.await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn start_tasks(
    app: &App,
    outgoing: tokio::sync::mpsc::Receiver<crate::app::Outgoing>,
    (sip, tills): (Option<calls::Started>, Option<tills::Opened>),
    supervisor: &mut Supervisor,
) -> anyhow::Result<()> {
    let hello = Hello::new(app.clone())?;
    let (link, publisher, events) = broker::link(&app.config.broker, app.config.broker_timing, hello, seed())?;
    let link = Arc::new(Mutex::new(Some(link)));
    supervisor.keep("broker", move |stop| {
        let link = Arc::clone(&link);
        async move {
            let link = link.lock().await.take().context("the broker link ended")?;
            link.run(stop).await
        }
    });
    let uplink = Arc::new(Mutex::new(Uplink::new(app.clone(), publisher, events, outgoing)));
    supervisor.keep("uplink", move |stop| {
        let uplink = Arc::clone(&uplink);
        async move { uplink.lock().await.run(stop).await }
    });
    let for_messages = app.clone();
    supervisor.keep("messages", move |stop| messages::run(for_messages.clone(), stop));
    if app.config.modem.is_some() {
        app.status.modem().configured = true;
        let for_modem = app.clone();
        supervisor.keep("modem", move |stop| modem::run(for_modem.clone(), stop));
    }
    let for_calls = app.clone();
    let mut sip = sip;
    supervisor.keep("calls", move |stop| calls::run(for_calls.clone(), sip.take(), stop));
    if let Some(opened) = tills.map(Arc::new) {
        let for_tills = app.clone();
        supervisor.keep("tills", move |stop| tills::run(for_tills.clone(), Arc::clone(&opened), stop));
    }
    let for_housekeeping = app.clone();
    supervisor.keep("housekeeping", move |stop| upkeep::run(for_housekeeping.clone(), stop));
    let for_backups = app.clone();
    supervisor.keep("backup", move |stop| upkeep::back_up(for_backups.clone(), stop));
    let watched = app.clone();
    tokio::spawn(feed_watchdog(move || watched.writer.waiting() < 1_000));
    Ok(())
}

/// The machine's name in sync epochs: its machine-id hashed, so that two boxes differ and a restore does not change it.
fn sync_config(config: &Config) -> SyncConfig {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let place = format!("{}\n{}", id.trim(), config.storage.display());
    SyncConfig { stall: config.stall, ..SyncConfig::store(&sha256_hex(place.as_bytes())[..12]) }
}

/// Reads the generation that stands outside the database.
///
/// # Errors
/// When the file can't be read or holds no number.
pub(crate) fn witness(path: &Path) -> anyhow::Result<Witness> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let number = text.trim().parse().with_context(|| format!("{}: is no number", path.display()))?;
            Ok(Witness::Generation(number))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Witness::Missing),
        Err(e) => Err(e).with_context(|| format!("reading {}", path.display())),
    }
}

/// Nobody can log in yet: the log tells a code with which a page makes the first manager.
fn one_time_code() -> String {
    let number = u32::from_le_bytes(random()) % 100_000_000;
    let code = format!("{number:08}");
    tracing::warn!(code, "nobody can log in yet: open the counter's page and enter this one-time code");
    code
}
