//! What is thrown away in time: idempotency keys, cleared alerts; and stores that fell silent are told to open pages.

use std::collections::BTreeSet;
use std::time::Duration;

use store_daemon::supervisor::Stop;
use store_daemon::writer::Lane;

use crate::app::{self, App};
use crate::live::Live;
use crate::stores::{self, Moment};

/// How often the pages' picture of silence is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How many looks between two tidyings.
const TIDY_EVERY: u32 = 900;
/// Days that a cleared alert is shown.
const ALERT_DAYS: i64 = 30;
/// Audit rows kept.
const AUDIT_ROWS: i64 = 100_000;

/// Runs until the stop.
///
/// # Errors
/// When the database fails.
pub async fn run(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(LOOK);
    let mut silent: BTreeSet<String> = BTreeSet::new();
    for looks in 0_u32.. {
        tokio::select! { _ = tick.tick() => {}, () = stop.asked() => return Ok(()) }
        let moment = moment(&app);
        let now_silent = app
            .read(move |db| {
                let mut find =
                    db.prepare_cached("SELECT id FROM store WHERE online = 1 AND (heard_at IS NULL OR heard_at < ?1)")?;
                let rows = find.query_map([moment.now_ms - moment.silent_ms], |row| row.get::<_, String>(0))?;
                Ok(rows.collect::<Result<BTreeSet<_>, _>>()?)
            })
            .await
            .map_err(|refusal| anyhow::anyhow!("looking for silent stores: {refusal:?}"))?;
        for store in now_silent.symmetric_difference(&silent) {
            app.tell(Live::Store(store.clone()));
        }
        silent = now_silent;
        if looks % TIDY_EVERY == 0 {
            tidy(&app).await;
        }
    }
    Ok(())
}

/// The moment as listings need it.
pub fn moment(app: &App) -> Moment {
    let silent = i64::try_from(app.config.timing.silent_s).unwrap_or(i64::MAX / 2_000);
    Moment { now_ms: app::now().wall.unix_ms, silent_ms: silent * 1_000 }
}

/// What can't be thrown away now is thrown away next time; a full disk must not end the process.
async fn tidy(app: &App) {
    let hours = i64::try_from(app.config.timing.idempotency_h).unwrap_or(48);
    let tidied = app.work(Lane::Work, move |desk| {
        let now = desk.unix_ms();
        desk.db().execute("DELETE FROM idempotency WHERE at < ?1", [now - hours * 3_600_000])?;
        desk.db().execute("DELETE FROM alert WHERE cleared_at < ?1", [now - ALERT_DAYS * 86_400_000])?;
        desk.db().execute("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1", [AUDIT_ROWS])?;
        Ok(())
    });
    if let Err(refusal) = tidied.await {
        tracing::warn!(why = ?refusal, "tidying: not now");
    }
}

/// Stores, for callers that have only the app.
///
/// # Errors
/// The database's.
pub async fn store_list(app: &App) -> Result<Vec<stores::StoreView>, crate::orders::refusal::Refusal> {
    let moment = moment(app);
    app.read(move |db| stores::list(db, moment)).await
}
