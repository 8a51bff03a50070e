//! HQ's configuration bundle: signed, checked, tried, put in force, or taken back with a reason.
//!
//! A bundle is written to the `trial` slot before anything uses it. A process that finds one there at its start knows
//! that the trial killed the one before: the bundle is taken back and the last good one stays.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop_model::config::Bundle;
use store_daemon::broker::{Publication, Publisher};
use store_daemon::writer::Lane;
use store_sync::topic::Topic;

use crate::app::{App, ShopError};
use crate::live::Live;
use crate::uplink::verify;

/// Largest bundle that is looked at.
const BUNDLE_BYTES_MAX: usize = 128 * 1_024;

/// `config/desired`: the bundle as text, so that the signature is over exact bytes.
#[derive(Debug, Deserialize, Serialize)]
pub struct Desired {
    /// HQ's number of the bundle.
    pub version: u64,
    /// The bundle as JSON text.
    pub bundle: String,
    /// Ed25519 over the bytes of `bundle`, base64.
    #[serde(default)]
    pub sig: Option<String>,
}

/// Which bundle a slot holds.
const CURRENT: &str = "current";
const TRIAL: &str = "trial";

/// The bundle to start with, and why a trial was taken back if one was.
///
/// # Errors
/// The database's.
pub fn load(db: &Connection) -> Result<(Bundle, Option<String>), ShopError> {
    let trial: Option<u64> =
        db.query_row("SELECT version FROM bundle WHERE slot = ?1", [TRIAL], |row| row.get(0)).optional()?;
    let refused = match trial {
        Some(version) => {
            db.execute("DELETE FROM bundle WHERE slot = ?1", [TRIAL])?;
            Some(format!("version {version}: the gateway stopped during its trial; taken back"))
        }
        None => None,
    };
    let text: Option<String> =
        db.query_row("SELECT text FROM bundle WHERE slot = ?1", [CURRENT], |row| row.get(0)).optional()?;
    let bundle = match text {
        Some(text) => serde_json::from_str(&text).map_err(|e| ShopError::Corrupt(format!("bundle: {e}")))?,
        None => Bundle::default(),
    };
    Ok((bundle, refused))
}

/// Takes what HQ wants and reports what became of it. An empty payload clears a retained message and means nothing.
///
/// # Errors
/// The database's.
pub async fn handle_desired(app: &App, payload: &[u8], publisher: &Publisher) -> Result<(), ShopError> {
    if payload.is_empty() {
        return Ok(());
    }
    let outcome = match read(app, payload) {
        Ok(None) => Ok(()),
        Ok(Some((bundle, text))) => put_in_force(app, bundle, text).await?,
        Err(why) => Err(why),
    };
    if let Err(why) = &outcome {
        tracing::error!(why, "HQ's configuration was refused; the last good one stays");
    }
    *app.status.config_refused() = outcome.err();
    app.tell(Live::Pill);
    report(app, publisher).await;
    Ok(())
}

/// Tells HQ what is in force.
pub async fn report(app: &App, publisher: &Publisher) {
    let store = &app.config.store;
    let body = json!({
        "version": app.bundle().version,
        "refused": *app.status.config_refused(),
        "at": Timestamp::from_millisecond(app.clock.wall().unix_ms).unwrap_or_default().to_string(),
    });
    let topic = Topic::ConfigReported.of(store.chain.as_str(), store.id.as_str());
    publisher.publish(Publication { topic, payload: body.to_string().into_bytes(), retain: true }).await;
}

/// `None` when it is in force already.
fn read(app: &App, payload: &[u8]) -> Result<Option<(Bundle, String)>, String> {
    if payload.len() > BUNDLE_BYTES_MAX {
        return Err(format!("{} bytes are more than {BUNDLE_BYTES_MAX}", payload.len()));
    }
    let desired: Desired = serde_json::from_slice(payload).map_err(|e| format!("config/desired: {e}"))?;
    if let Some(key) = &app.config.hq_key {
        let signed = desired.sig.as_deref().is_some_and(|sig| verify(key, desired.bundle.as_bytes(), sig));
        if !signed {
            return Err(format!("version {}: not signed with HQ's key", desired.version));
        }
    }
    let refuse = |why: String| format!("version {}: {why}", desired.version);
    let bundle: Bundle = serde_json::from_str(&desired.bundle).map_err(|e| refuse(e.to_string()))?;
    if bundle.version != desired.version {
        return Err(refuse(format!("the bundle says version {}", bundle.version)));
    }
    if bundle == *app.bundle() {
        return Ok(None);
    }
    bundle.validate().map_err(|e| refuse(e.to_string()))?;
    Ok(Some((bundle, desired.bundle)))
}

/// Trial first; then in force. The inner result is why it was taken back.
async fn put_in_force(app: &App, bundle: Bundle, text: String) -> Result<Result<(), String>, ShopError> {
    let version = bundle.version;
    write_slot(app, TRIAL, version, text.clone()).await?;
    let trial = bundle.clone();
    let now = app.clock.wall().unix_ms;
    let tried = tokio::task::spawn_blocking(move || crate::trial::run(&trial, now)).await;
    let failed = match tried {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(panic) => Some(format!("the trial broke: {panic}")),
    };
    if let Some(why) = failed {
        clear_trial(app).await?;
        return Ok(Err(format!("version {version}: {why}; taken back")));
    }
    write_slot(app, CURRENT, version, text).await?;
    clear_trial(app).await?;
    app.set_bundle(bundle);
    app.messages_wake.notify_one();
    app.uplink_wake.notify_one();
    tracing::info!(version, "HQ's configuration is in force");
    Ok(Ok(()))
}

async fn write_slot(app: &App, slot: &'static str, version: u64, text: String) -> Result<(), ShopError> {
    app.work(Lane::Work, move |desk| {
        desk.db().execute(
            "INSERT INTO bundle(slot, version, text, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET version = excluded.version, text = excluded.text, at_ms = excluded.at_ms",
            params![slot, i64::try_from(version).unwrap_or(i64::MAX), text, desk.wall().unix_ms],
        )?;
        Ok(())
    })
    .await
}

async fn clear_trial(app: &App) -> Result<(), ShopError> {
    app.work(Lane::Work, |desk| {
        desk.db().execute("DELETE FROM bundle WHERE slot = ?1", [TRIAL])?;
        Ok(())
    })
    .await
}
