//! What keeps the box in order by itself: the saved time, old rows, backups, and what happens to a damaged database.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use store_daemon::backup::{self, BackupError, Backups, Restored};
use store_daemon::supervisor::Stop;
use store_daemon::writer::Lane;
use store_daemon::{secrets, wall};
use store_sync::Witness;

use crate::app::{App, ShopError, go_on, quiet_when_superseded};
use crate::config::Config;
use crate::{calls, database, run, tills};

/// How often the present time is saved as the floor of the next start.
const SAVE_TIME: Duration = Duration::from_secs(60);
/// How often old rows of bounded tables are dropped.
const SWEEP: Duration = Duration::from_secs(3_600);
/// Between two tries to raise the generation on a disk that takes nothing.
const RAISE_AGAIN: Duration = Duration::from_secs(5);
/// Answers to repeated requests are kept this long.
const IDEMPOTENCY_MS: i64 = 24 * 3_600_000;

/// Saves the time, looks at the system's clock, and drops old rows of bounded tables.
///
/// # Errors
/// When the database fails; the supervisor starts it again.
pub async fn run(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let mut save = tokio::time::interval(SAVE_TIME);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = save.tick() => {
                app.clock.look_at_system();
                let saved = app.work(Lane::Work, |desk| {
                    Ok(database::set_meta(desk.db(), "saved_ms", &desk.wall().unix_ms.to_string())?)
                });
                go_on("saving the time", saved.await)?;
            }
            _ = sweep.tick() => {
                let swept = app.work(Lane::Work, |desk| {
                    let old = desk.wall().unix_ms - IDEMPOTENCY_MS;
                    desk.db().execute("DELETE FROM idempotency WHERE at_ms < ?1", [old])?;
                    calls::drop_old(desk)?;
                    tills::jobs::drop_old(desk)?;
                    desk.sync(|end, ledger, now| end.trim(ledger, now))
                });
                go_on("dropping old rows", swept.await)?;
            }
            () = stop.asked() => return Ok(()),
        }
    }
}

/// Takes a backup now and then; the first one at once where there is none.
///
/// # Errors
/// When the database takes no write; the supervisor starts it again.
pub async fn back_up(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let every = app.config.backup_every;
    let backups = Backups::of(&app.config.database());
    let first = if backups.newest().is_some() { every } else { Duration::ZERO };
    let mut due = tokio::time::interval_at(tokio::time::Instant::now() + first, every);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! { _ = due.tick() => {}, () = stop.asked() => return Ok(()) }
        let of = backups.clone();
        let taken = tokio::task::spawn_blocking(move || of.take()).await.context("taking a backup")?;
        settle(&app, taken, &mut stop).await?;
    }
}

/// Enters what became of a backup.
async fn settle(app: &App, taken: Result<PathBuf, BackupError>, stop: &mut Stop) -> Result<(), ShopError> {
    match taken {
        Ok(copy) => {
            tracing::info!(copy = %copy.display(), "backup taken");
            raise_generation(app, stop).await?;
            let cleared = app.work(Lane::Work, |desk| desk.clear_alert("backup", "shop.db")).await;
            go_on("clearing the backup's alert", quiet_when_superseded(cleared)).map(drop)
        }
        Err(e) => {
            tracing::warn!(error = %e, "no backup");
            let text = e.to_string();
            match &e {
                BackupError::Damaged { .. } => app.note_damage(&text),
                BackupError::Database { source, .. } if backup::is_damage(source) => app.note_damage(&text),
                _ => {}
            }
            let raised = app.work(Lane::Work, move |desk| desk.alert("backup", "shop.db", &text)).await;
            go_on("raising the backup's alert", quiet_when_superseded(raised)).map(drop)
        }
    }
}

/// Raises the generation, so that the copy is known as one when it comes back; again and again until the disk takes it.
async fn raise_generation(app: &App, stop: &mut Stop) -> Result<(), ShopError> {
    loop {
        let raised = app.work(Lane::Work, |desk| desk.sync(|end, ledger, _| end.handle_backup(ledger))).await;
        if go_on("raising the generation after a backup", raised)?.is_some() {
            return Ok(());
        }
        tokio::select! { () = tokio::time::sleep(RAISE_AGAIN) => {}, () = stop.asked() => return Ok(()) }
    }
}

/// After a stop that was not clean: looks through the database while the counter already works.
pub fn check_database(app: &App) {
    let app = app.clone();
    tokio::spawn(async move {
        match app.read(|db| Ok(backup::damage(db)?)).await {
            Ok(None) => tracing::info!("the database is sound after an unclean stop"),
            Ok(Some(damage)) => app.note_damage(&damage),
            Err(e) => tracing::error!(error = %e, "the database could not be checked"),
        }
    });
}

/// Waits until somebody came upon damage and a look through the whole database confirms it; says what it is.
pub async fn damage_found(app: &App) -> String {
    let mut suspicion = app.suspicion();
    loop {
        let suspected = suspicion.wait_for(Option::is_some).await.map_or(None, |why| why.clone());
        let verdict = app.read(|db| Ok(backup::damage(db)?)).await;
        match verdict {
            Ok(Some(damage)) => return damage,
            Err(ShopError::Database(e)) if backup::is_damage(&e) => return e.to_string(),
            Ok(None) => tracing::warn!(suspected, "damage was suspected, and a check of the database found none"),
            Err(e) => tracing::error!(error = %e, "the database could not be checked"),
        }
        app.forget_suspicion();
    }
}

/// Sets the damaged database aside and puts the last sound backup in its place; gives the words for whoever looks.
///
/// # Errors
/// When the files can't be moved or copied.
pub fn restore(config: &Config, damage: &str) -> anyhow::Result<String> {
    let path = config.database();
    tracing::error!(path = %path.display(), damage, "the database is damaged; the last backup takes its place");
    let now = jiff::Timestamp::from_millisecond(wall::unix_ms()).unwrap_or_default();
    let stamp = now.strftime("%Y%m%dT%H%M%S%.3f").to_string();
    // Whatever its generation says, what comes back is a copy. Written first: it may come back on the next try.
    // A used database without the file counts as a copy anyway.
    if let Witness::Generation(seen) = run::witness(&config.witness())? {
        secrets::write_private(&config.witness(), (seen + 1).to_string().as_bytes()).context("writing the witness")?;
    }
    let restored = Backups::of(&path).restore(&stamp).with_context(|| format!("restoring {}", path.display()))?;
    let from = match restored {
        Restored::From(copy) => format!("the backup {} serves since", copy.display()),
        Restored::Empty => "there was no sound backup, so it begins empty".to_owned(),
    };
    Ok(format!("the database was damaged ({damage}) and set aside as damaged/{stamp}-shop.db; {from}"))
}
