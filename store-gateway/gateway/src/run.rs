//! Starting, running and stopping the daemon.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use store_daemon::ledger::SqlLedger;
use store_daemon::process::{EXIT_FAILED, announce_ready, feed_watchdog, stop_asked};
use store_daemon::secrets::{Keys, random, seed, sha256_hex};
use store_daemon::supervisor::{Stop, Supervisor};
use store_daemon::web::Listener;
use store_daemon::writer::{Lane, Readers, Writer};
use store_daemon::{broker, wall};
use store_sync::{Config as SyncConfig, StoreEnd, Witness};
use tokio::sync::Mutex;

use crate::app::{App, Parts, SCOPE};
use crate::clock::Clock;
use crate::config::Config;
use crate::uplink::{Hello, Uplink};
use crate::web::Web;
use crate::{database, messages, modem, settings, staff};

/// A stop must be over by then; systemd and the interface promise five seconds.
const STOP_LIMIT: Duration = Duration::from_millis(3_500);
/// How often the present time is saved as the floor of the next start.
const SAVE_TIME: Duration = Duration::from_secs(60);
/// How often old rows of bounded tables are dropped.
const SWEEP: Duration = Duration::from_secs(3_600);
/// Answers to repeated requests are kept this long.
const IDEMPOTENCY_MS: i64 = 24 * 3_600_000;

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// When it can't start, or a task keeps failing.
pub fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(serve(config));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

async fn serve(config: Config) -> anyhow::Result<()> {
    crate::web::pages::note_start();
    let listener = Listener::bind(&config.web).await.with_context(|| format!("listening on {}", config.web.listen))?;
    let db = database::open(&config)?;
    let was_clean = database::meta(&db, "clean_shutdown")?.is_none_or(|mark| mark == "1");
    database::set_meta(&db, "clean_shutdown", "0")?;
    let saved_ms = database::meta(&db, "saved_ms")?.and_then(|ms| ms.parse().ok()).unwrap_or(0);
    let clock = Clock::start(saved_ms);
    let keys = Keys::load_or_create(&config.keys())?;
    let (bundle, refused) = settings::load(&db)?;
    let nobody = staff::all(&db)?.is_empty();
    let witness = witness(&config.witness())?;
    let end = StoreEnd::new(sync_config(&config), seed(), clock.now());
    let (writer, writer_thread) = Writer::start(db)?;
    let readers = Readers::open(&config.database())?;
    let (app, outgoing) = App::new(Parts { config, writer, readers, keys, clock, end, bundle });
    *app.status.config_refused() = refused;
    app.work(Lane::Work, move |desk| desk.sync(|end, ledger, now| end.handle_start(ledger, witness, now)))
        .await
        .context("starting the sync ledger")?;
    let in_recovery = app.read(|db| Ok(store_sync::LedgerRead::head(&SqlLedger::new(db, SCOPE))?)).await?;
    if let Some(head) = in_recovery {
        let mut link = app.status.link();
        link.recovery = head.recovery.is_some();
        link.superseded = head.superseded;
    }

    let mut supervisor = Supervisor::default();
    let setup = nobody.then(one_time_code);
    let web = Web::new(app.clone(), setup, supervisor.stop_signal());
    let address = listener.address();
    start_tasks(&app, outgoing, &mut supervisor)?;
    let serving = tokio::spawn(listener.serve(web.router(), supervisor.stop_signal()));
    announce_ready(env!("CARGO_PKG_VERSION"), &[("web", address)])?;
    tracing::info!(%address, store = %app.config.store.id, "ready");
    if !was_clean {
        check_database(&app);
    }

    let failed = tokio::select! {
        asked = stop_asked() => { asked?; None }
        name = supervisor.watch() => Some(name),
    };
    tracing::info!("stopping");
    supervisor.stop(STOP_LIMIT).await;
    drop(tokio::time::timeout(Duration::from_millis(300), serving).await);
    if let Some(db) = writer_thread.stop() {
        database::set_meta(&db, "saved_ms", &app.clock.wall().unix_ms.to_string())?;
        database::set_meta(&db, "clean_shutdown", "1")?;
    }
    match failed {
        Some(name) => anyhow::bail!("the task {name} keeps failing"),
        None => Ok(()),
    }
}

fn start_tasks(
    app: &App,
    outgoing: tokio::sync::mpsc::Receiver<crate::app::Outgoing>,
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
    let for_housekeeping = app.clone();
    supervisor.keep("housekeeping", move |stop| housekeeping(for_housekeeping.clone(), stop));
    let watched = app.clone();
    tokio::spawn(feed_watchdog(move || watched.writer.waiting() < 1_000));
    Ok(())
}

/// Saves the time, looks at the system's clock, and drops old rows of bounded tables.
async fn housekeeping(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let mut save = tokio::time::interval(SAVE_TIME);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = save.tick() => {
                app.clock.look_at_system();
                app.work(Lane::Work, |desk| {
                    Ok(database::set_meta(desk.db(), "saved_ms", &desk.wall().unix_ms.to_string())?)
                }).await?;
            }
            _ = sweep.tick() => {
                app.work(Lane::Work, |desk| {
                    let old = desk.wall().unix_ms - IDEMPOTENCY_MS;
                    desk.db().execute("DELETE FROM idempotency WHERE at_ms < ?1", [old])?;
                    desk.sync(|end, ledger, now| end.trim(ledger, now))
                }).await?;
            }
            () = stop.asked() => return Ok(()),
        }
    }
}

/// After a stop that was not clean: looks through the database while the counter already works.
fn check_database(app: &App) {
    let app = app.clone();
    tokio::spawn(async move {
        match app.read(|db| Ok(database::damage(db)?)).await {
            Ok(None) => tracing::info!("the database is sound after an unclean stop"),
            Ok(Some(damage)) => {
                let raised = app.work(Lane::Work, move |desk| desk.alert("database", "shop.db", &damage)).await;
                if let Err(e) = raised {
                    tracing::error!(error = %e, "the database is damaged and takes no alert");
                }
            }
            Err(e) => tracing::error!(error = %e, "the database could not be checked"),
        }
    });
}

/// The machine's name in sync epochs: its machine-id hashed, so that two boxes differ and a restore does not change it.
fn sync_config(config: &Config) -> SyncConfig {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let place = format!("{}\n{}", id.trim(), config.storage.display());
    SyncConfig { stall: config.stall, ..SyncConfig::store(&sha256_hex(place.as_bytes())[..12]) }
}

fn witness(path: &Path) -> anyhow::Result<Witness> {
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

/// Looks at everything that the daemon needs.
pub fn doctor(config: &Config) -> ExitCode {
    let mut wrong = 0;
    let mut look = |what: &str, found: Result<String, String>| match found {
        Ok(good) => println!("ok    {what}: {good}"),
        Err(bad) => {
            wrong += 1;
            println!("WRONG {what}: {bad}");
        }
    };
    look("storage", storage(config));
    look(
        "web",
        std::net::TcpListener::bind(config.web.listen)
            .map(|l| format!("{:?} is free", l.local_addr()))
            .map_err(|e| format!("{}: {e}", config.web.listen)),
    );
    look("broker", broker_answers(config));
    match &config.modem {
        Some(modem) => look(
            "modem",
            std::fs::metadata(&modem.port)
                .map(|_| modem.port.display().to_string())
                .map_err(|e| format!("{}: {e}", modem.port.display())),
        ),
        None => look("modem", Err("none is configured; no text can be sent".into())),
    }
    look(
        "clock",
        Ok(format!(
            "{} UTC+0, {}",
            crate::web::view::rfc3339(wall::unix_ms()),
            Clock::start(0).wall().quality.as_str()
        )),
    );
    look(
        "HQ's key",
        config.hq_key.map(|_| "set".into()).ok_or_else(|| "not set; unsigned orders would be accepted".into()),
    );
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

fn storage(config: &Config) -> Result<String, String> {
    let db = database::open(config).map_err(|e| format!("{e:#}"))?;
    match database::damage(&db) {
        Ok(None) => Ok(format!("{} is sound", config.database().display())),
        Ok(Some(damage)) => Err(damage),
        Err(e) => Err(e.to_string()),
    }
}

fn broker_answers(config: &Config) -> Result<String, String> {
    use std::net::ToSocketAddrs as _;
    let rest = config.broker.url.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/');
    let place = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:1883") };
    let address = place.to_socket_addrs().map_err(|e| format!("{place}: {e}"))?.next().ok_or("no address")?;
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(3))
        .map(|_| format!("{place} answers"))
        .map_err(|e| format!("{place}: {e}"))
}
