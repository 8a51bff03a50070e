//! The running process: opens everything, answers when it can, and stops within seconds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use store_daemon::secrets::{self, Keys};
use store_daemon::supervisor::Supervisor;
use store_daemon::web::Listener;
use store_daemon::writer::{Lane, Readers, Writer};
use store_daemon::{broker, process};
use tokio::sync::Mutex;

use crate::app::{App, Parts};
use crate::config::Config;
use crate::db::{self, Files};
use crate::desk::Desk;
use crate::facts::HqJudge;
use crate::orders::refusal::Refusal;
use crate::signing::Signer;
use crate::uplink::{Hello, Sender, Uplink};
use crate::{users, web};

/// How long tasks may take to stop; with the broker's goodbye and open requests it stays below five seconds.
const STOP: Duration = Duration::from_millis(3_500);

/// Runs until a signal.
///
/// # Errors
/// When something that it needs can't be opened, or a task keeps failing.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let signals = process::StopSignals::catch().context("catching signals")?;
    let files = Files::create(&config.storage.path)?;
    let mut connection = db::open(&files)?;
    let lived = db::begin_generation(&mut connection, &files)?;
    let keys = Keys::load_or_create(&files.keys())?;
    let signer = Signer::load_or_create(&files.signing_key())?;
    let setup = setup_code(&connection)?;
    let (writer, writer_thread) = Writer::start(connection).context("the writer thread")?;
    let readers = Readers::open(&files.database()).context("readers of the database")?;
    let listener = Listener::bind(&config.web).await.with_context(|| format!("listening on {}", config.web.listen))?;
    let address = listener.address();
    tracing::info!(public_key = signer.public_key(), "HQ's signing key; gateways take it as [uplink] hq_key");
    let timing = config.timing.broker();
    let broker_config = config.broker.clone();
    let parts = Parts { config, writer, readers, keys, signer, life: lived.life, setup };
    let (app, outgoing) = App::new(parts);
    begin(&app, lived.restored).await?;

    let mut supervisor = Supervisor::default();
    let (link, publisher, events) = broker::link(&broker_config, timing, Hello::new(app.clone()), secrets::seed())?;
    let stop = supervisor.stop_signal();
    let mut link = Some(link.run(stop));
    supervisor.keep("broker link", move |_| {
        let link = link.take();
        async move {
            match link {
                Some(link) => link.await,
                None => anyhow::bail!("the broker link has ended"),
            }
        }
    });
    let uplink = Arc::new(Mutex::new(Uplink::new(app.clone(), events)));
    supervisor.keep("uplink", move |stop| {
        let uplink = Arc::clone(&uplink);
        async move { uplink.lock().await.run(stop).await }
    });
    let sender = Arc::new(Mutex::new(Sender::new(app.clone(), publisher, outgoing)));
    supervisor.keep("sender", move |stop| {
        let sender = Arc::clone(&sender);
        async move { sender.lock().await.run(stop).await }
    });
    let tidy = app.clone();
    supervisor.keep("tidying", move |stop| crate::tidy::run(tidy.clone(), stop));
    let backups = app.clone();
    supervisor.keep("backup", move |stop| crate::backups::run(backups.clone(), stop));
    let stop = supervisor.stop_signal();
    let serving = tokio::spawn(listener.serve(web::router(app.clone()), stop));
    process::announce_ready(env!("CARGO_PKG_VERSION"), &[("web", address)]).context("the ready line")?;
    tokio::spawn(process::feed_watchdog({
        let app = app.clone();
        move || app.writer.waiting() < 1_000
    }));

    let ended = tokio::select! {
        () = signals.asked() => Ok(()),
        task = supervisor.watch() => Err(anyhow::anyhow!("{task} has ended")),
    };
    supervisor.stop(STOP).await;
    serving.abort();
    drop(app);
    drop(tokio::task::spawn_blocking(move || writer_thread.stop()).await);
    ended
}

/// Starts every known store's end, so that a restored database is noticed for all of them now.
async fn begin(app: &App, restored: bool) -> anyhow::Result<()> {
    let begun = app
        .work(Lane::Work, move |desk| {
            let stores: Vec<String> = {
                let mut find = desk.db().prepare("SELECT id FROM store")?;
                let rows = find.query_map([], |row| row.get(0))?;
                rows.collect::<Result<_, _>>()?
            };
            for store in &stores {
                desk.sync(store, |_, _, _| Ok(()))?;
                judge_kept(desk, store)?;
            }
            Ok::<_, Refusal>(stores.len())
        })
        .await;
    let stores = begun.map_err(|refusal| anyhow::anyhow!("starting the stores' ledgers: {refusal:?}"))?;
    tracing::info!(stores, restored, "HQ starts");
    Ok(())
}

/// What an earlier release kept because it did not know it may be known to this one.
fn judge_kept(desk: &mut Desk<'_, '_>, store: &str) -> Result<(), Refusal> {
    let mut after = None;
    loop {
        after = desk.sync(store, |end, ledger, _| end.judge_kept(ledger, &HqJudge, after.as_ref()))?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The one-time code of the set-up page, while nobody can log in.
fn setup_code(connection: &rusqlite::Connection) -> anyhow::Result<Option<String>> {
    if users::any(connection)? {
        return Ok(None);
    }
    let code = secrets::hex_of(&secrets::random::<5>());
    tracing::warn!(code, "nobody can log in yet: open /setup and enter this code");
    Ok(Some(code))
}
