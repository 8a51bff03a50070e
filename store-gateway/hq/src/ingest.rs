//! What comes from the stores, one message in one transaction with all its effects. Whatever can't be read is counted,
//! kept up to a bound, and shown; it never stops anything.

use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use store_sync::topic::{Address, Topic};
use store_sync::wire::Birth;
use store_sync::{Delivery, Message};

use crate::app::Outgoing;
use crate::bundles;
use crate::desk::{AlertAt, Desk};
use crate::facts::HqJudge;
use crate::live::Live;
use crate::orders::refusal::Refusal;

/// Unreadable payloads that are kept; the oldest makes room.
const GARBAGE_ROWS: i64 = 200;
/// Bytes of each that are kept.
const GARBAGE_BYTES: usize = 4_096;
/// `heard_at` is written at most so often, for it is shown in seconds at best.
const HEARD_EVERY_MS: i64 = 5_000;
/// Bytes of a birth's own words that are kept.
const STATE_BYTES: usize = 16 * 1_024;

/// A message as the broker gave it.
#[derive(Clone)]
pub struct Incoming {
    /// Whole topic.
    pub topic: String,
    /// Bytes.
    pub payload: Vec<u8>,
    /// From the broker's memory.
    pub retained: bool,
}

/// What any body may say about where it belongs.
#[derive(Deserialize, Default)]
struct Belongs {
    #[serde(default)]
    chain: Option<serde_json::Value>,
    #[serde(default)]
    store: Option<serde_json::Value>,
}

/// Takes a message.
///
/// # Errors
/// Only the database's; a bad message is kept aside.
pub fn take(desk: &mut Desk<'_, '_>, incoming: &Incoming) -> Result<(), Refusal> {
    if incoming.payload.is_empty() {
        return Ok(()); // Clears a retained message: nothing is said by it.
    }
    let address = match Address::parse(&incoming.topic) {
        Ok(address) if address.chain == desk.app().config.hq.chain.as_str() && address.store != "hq" => address,
        Ok(_) => return keep_garbage(desk, None, incoming, "another chain's topic"),
        Err(e) => return keep_garbage(desk, None, incoming, &e.to_string()),
    };
    let store = address.store.as_str();
    if address.topic == Topic::ConfigReported {
        return reported(desk, store, incoming);
    }
    let message = match Message::parse(&address.topic, &incoming.payload) {
        Ok(message) => message,
        Err(e) => return keep_garbage(desk, Some(store), incoming, &e.to_string()),
    };
    if !belongs(incoming, &address) {
        return keep_garbage(desk, Some(store), incoming, "the body names another store or chain than the topic");
    }
    if matches!(message, Message::Birth(_)) {
        desk.register(store, "birth")?;
    } else if !is_registered(desk, store)? {
        return keep_garbage(desk, Some(store), incoming, "the store has never said who it is");
    }
    let delivery = if incoming.retained { Delivery::Retained } else { Delivery::Live };
    let birth = match &message {
        Message::Birth(birth) => Some(birth.clone()),
        _ => None,
    };
    desk.sync(store, |end, ledger, now| end.handle_message(ledger, &HqJudge, message, delivery, now))?;
    match birth {
        Some(birth) => presence(desk, store, &birth, delivery),
        None => heard(desk, store),
    }
}

fn belongs(incoming: &Incoming, address: &Address) -> bool {
    let said: Belongs = serde_json::from_slice(&incoming.payload).unwrap_or_default();
    let fits = |value: Option<serde_json::Value>, is: &str| value.is_none_or(|value| value == is);
    fits(said.chain, &address.chain) && fits(said.store, &address.store)
}

fn is_registered(desk: &Desk<'_, '_>, store: &str) -> Result<bool, Refusal> {
    Ok(desk.db().prepare_cached("SELECT 1 FROM store WHERE id = ?1")?.exists([store])?)
}

fn heard(desk: &mut Desk<'_, '_>, store: &str) -> Result<(), Refusal> {
    desk.db()
        .prepare_cached("UPDATE store SET heard_at = ?2 WHERE id = ?1 AND (heard_at IS NULL OR heard_at < ?2 - ?3)")?
        .execute(params![store, desk.unix_ms(), HEARD_EVERY_MS])?;
    Ok(())
}

/// What the store's row knew of its last birth.
struct Known {
    session: Option<String>,
    connection: Option<String>,
    online: bool,
}

fn known(desk: &Desk<'_, '_>, store: &str) -> Result<Option<Known>, Refusal> {
    let mut find = desk.db().prepare_cached("SELECT session, connection, online FROM store WHERE id = ?1")?;
    let row =
        |row: &rusqlite::Row<'_>| Ok(Known { session: row.get(0)?, connection: row.get(1)?, online: row.get(2)? });
    Ok(find.query_row([store], row).optional()?)
}

/// Presence and what a birth says beside the protocol's own.
fn presence(desk: &mut Desk<'_, '_>, store: &str, birth: &Birth, delivery: Delivery) -> Result<(), Refusal> {
    let Some(known) = known(desk, store)? else { return Ok(()) };
    if !birth.online {
        let session = Some(birth.session.to_string());
        // A will whose session is not the last birth's is of a connection that was replaced.
        if known.session.is_some() && session != known.session && session != known.connection {
            return Ok(());
        }
        return if known.online { gone(desk, store) } else { Ok(()) };
    }
    let text = |key: &str| birth.extras.get(key).and_then(serde_json::Value::as_str);
    let number = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_i64);
    let config = birth.extras.get("config");
    let runs = number(config.and_then(|c| c.get("version"))).or_else(|| number(config));
    let extras = serde_json::to_string(&birth.extras).unwrap_or_default();
    let extras = if extras.len() > STATE_BYTES { "{}".to_owned() } else { extras };
    let changed = if known.online { None } else { Some(desk.unix_ms()) };
    let heard = if delivery == Delivery::Live { Some(desk.unix_ms()) } else { None };
    desk.db()
        .prepare_cached(
            "UPDATE store SET online = 1, changed_at = coalesce(?2, changed_at), heard_at = coalesce(?3, heard_at),
                session = ?4, connection = ?5, epoch = ?6, recovery = ?7, version = ?8, clock = ?9, config = ?10,
                state = ?11, name = CASE WHEN ?12 IS NULL THEN name ELSE ?12 END WHERE id = ?1",
        )?
        .execute(params![
            store,
            changed,
            heard,
            birth.session.to_string(),
            birth.connection.map(|id| id.to_string()),
            birth.epoch.to_string(),
            i64::from(birth.recovery),
            text("version"),
            text("clock").or_else(|| birth.extras.get("clock").and_then(|c| c.get("quality")).and_then(|q| q.as_str())),
            runs,
            extras,
            text("name").map(|name| name.chars().take(80).collect::<String>()),
        ])?;
    if !known.online {
        tracing::info!(store, "the store is online");
    }
    if delivery == Delivery::Live && bundles::version_of(desk.db(), store)?.is_some_and(|wanted| Some(wanted) != runs) {
        desk.send(Outgoing::Config { store: store.to_owned() });
    }
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

fn gone(desk: &mut Desk<'_, '_>, store: &str) -> Result<(), Refusal> {
    desk.db().execute("UPDATE store SET online = 0, changed_at = ?2 WHERE id = ?1", params![store, desk.unix_ms()])?;
    tracing::info!(store, "the store is offline");
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

/// `config/reported`: what was applied, or why not.
fn reported(desk: &mut Desk<'_, '_>, store: &str, incoming: &Incoming) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Reported {
        version: i64,
        #[serde(default)]
        refused: Option<serde_json::Value>,
    }
    let Ok(body) = serde_json::from_slice::<Reported>(&incoming.payload) else {
        return keep_garbage(desk, Some(store), incoming, "config/reported can't be read");
    };
    if !is_registered(desk, store)? {
        return Ok(()); // Its birth comes with everything.
    }
    let text = String::from_utf8_lossy(&incoming.payload).chars().take(GARBAGE_BYTES).collect::<String>();
    desk.db()
        .prepare_cached("UPDATE store SET reported = ?2, reported_at = ?3, config = ?4 WHERE id = ?1")?
        .execute(params![store, text, desk.unix_ms(), body.version])?;
    let refused = body.refused.filter(|refused| !refused.is_null());
    let at = AlertAt { store, key: "config-refused", kind: "config", reservation: None };
    match refused {
        Some(why) => {
            let why = why.as_str().map_or_else(|| why.to_string(), str::to_owned);
            let why: String = why.chars().take(300).collect();
            if !incoming.retained {
                desk.alert(at, &format!("the store took the new configuration back: {why}"))?;
            }
        }
        None => desk.clear_alert(store, "config-refused", "store")?,
    }
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

/// Keeps what could not be read.
///
/// # Errors
/// The database's.
pub fn keep_garbage(
    desk: &mut Desk<'_, '_>,
    store: Option<&str>,
    incoming: &Incoming,
    why: &str,
) -> Result<(), Refusal> {
    desk.app().counters.garbage.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let kept = &incoming.payload[..incoming.payload.len().min(GARBAGE_BYTES)];
    let size = i64::try_from(incoming.payload.len()).unwrap_or(i64::MAX);
    let topic: String = incoming.topic.chars().take(200).collect();
    desk.db()
        .prepare_cached("INSERT INTO garbage(at, topic, why, size, payload) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![desk.unix_ms(), topic, why, size, kept])?;
    desk.db()
        .prepare_cached("DELETE FROM garbage WHERE id <= (SELECT max(id) FROM garbage) - ?1")?
        .execute([GARBAGE_ROWS])?;
    let Some(store) = store else { return Ok(()) };
    let known = desk.db().prepare_cached("UPDATE store SET garbage = garbage + 1 WHERE id = ?1")?.execute([store])?;
    if known > 0 {
        let at = AlertAt { store, key: "garbage", kind: "sync", reservation: None };
        desk.alert(at, &format!("a message could not be read: {why}"))?;
    }
    Ok(())
}
