//! Backups of HQ's database, taken while it works. A copy raises the generation, so that it is known as a copy when
//! somebody puts it back: every store is then asked for its snapshot.

use std::time::Duration;

use anyhow::Context as _;
use store_daemon::backup::Backups;
use store_daemon::supervisor::Stop;
use store_daemon::writer::Lane;

use crate::app::App;
use crate::db::{self, Files};

/// Between two tries to raise the generation on a disk that takes nothing.
const RAISE_AGAIN: Duration = Duration::from_secs(5);

/// Takes a backup now and then; the first one at once where there is none. A failed one is told in the log and by the
/// age of the newest in `/metrics`.
///
/// # Errors
/// When the database takes no write; the supervisor starts it again.
pub async fn run(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let files = Files::create(&app.config.storage.path)?;
    let every = Duration::from_secs(app.config.storage.backup_s);
    let backups = Backups::of(&files.database());
    let first = if backups.newest().is_some() { every } else { Duration::ZERO };
    let mut due = tokio::time::interval_at(tokio::time::Instant::now() + first, every);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! { _ = due.tick() => {}, () = stop.asked() => return Ok(()) }
        let of = backups.clone();
        match tokio::task::spawn_blocking(move || of.take()).await.context("taking a backup")? {
            Ok(copy) => {
                tracing::info!(copy = %copy.display(), "backup taken");
                while let Err(e) = raise_generation(&app, &files).await {
                    tracing::error!(error = %e, "the generation after a backup was not raised yet");
                    tokio::select! { () = tokio::time::sleep(RAISE_AGAIN) => {}, () = stop.asked() => return Ok(()) }
                }
            }
            Err(e) => tracing::error!(error = %e, "no backup"),
        }
    }
}

async fn raise_generation(app: &App, files: &Files) -> anyhow::Result<()> {
    let raised = app.work(Lane::Work, |desk| Ok(db::raise_generation(desk.db())?)).await;
    let generation = raised.map_err(|refusal| anyhow::anyhow!("raising the generation: {refusal:?}"))?;
    db::write_witness(files, generation)?;
    Ok(())
}
