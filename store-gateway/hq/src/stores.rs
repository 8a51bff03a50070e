//! What HQ knows of its stores, for the fleet page, the store's page and REST. Every figure is computed from rows; a
//! figure that nobody reported is left out.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::bundles;
use crate::orders::refusal::Refusal;
use crate::orders::view::rfc3339;

/// Alerts that one list shows.
const ALERTS_MAX: usize = 200;

/// A store as REST and the pages show it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StoreView {
    /// Its id in the topics.
    pub store: String,
    /// Its name, as it said.
    pub name: String,
    /// `online`, `offline`, `silent` or `never`.
    pub link: String,
    /// True when `link` is `online`.
    pub online: bool,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Last message, RFC 3339.
    pub heard_at: Option<String>,
    /// The gateway's release.
    pub version: Option<String>,
    /// Quality of its clock.
    pub clock: Option<String>,
    /// Waits for a snapshot after a restore.
    pub recovery: bool,
    /// The modem, in one word: `ok`, `none`, `down`, or its registration.
    pub modem: Option<String>,
    /// Bars of signal, 0 to 5.
    pub bars: Option<i64>,
    /// Operator of the SIM.
    pub operator: Option<String>,
    /// Events that HQ has not got yet, as the store last said.
    pub unsent: Option<i64>,
    /// Events of HQ that the store has not acknowledged.
    pub waiting: i64,
    /// Text messages that the modem has still to send.
    pub messages_waiting: Option<i64>,
    /// Text messages nobody knows about.
    pub messages_unknown: i64,
    /// Calls of the last 24 hours in which somebody in the store spoke.
    pub calls_answered: i64,
    /// Calls from outside of the last 24 hours that nobody took.
    pub calls_missed: i64,
    /// Orders at risk.
    pub at_risk: i64,
    /// Orders not ended.
    pub open: i64,
    /// Orders that wait for their customers.
    pub ready: i64,
    /// Days that the store can still be offline.
    pub offline_days_left: Option<i64>,
    /// Configuration version that it runs.
    pub config: Option<i64>,
    /// Configuration version that HQ wants.
    pub config_wanted: Option<i64>,
    /// Why it took the wanted version back.
    pub config_refused: Option<String>,
    /// Alerts that stand.
    pub alerts: i64,
    /// Unreadable messages so far.
    pub garbage: i64,
    /// When the state began, milliseconds since 1970.
    #[serde(skip)]
    pub since_ms: Option<i64>,
}

impl StoreView {
    /// The name that people know it by.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { &self.store } else { &self.name }
    }

    /// True when it is there and can tell its customers.
    pub fn is_well(&self) -> bool {
        self.link == "online" && self.modem.as_deref().is_none_or(|modem| modem == "ok")
    }

    /// True when it runs another configuration than HQ wants.
    pub fn drifts(&self) -> bool {
        self.config_wanted.is_some_and(|wanted| self.config != Some(wanted))
    }
}

/// A message without a report for so long counts as not delivered.
const REPORT_MS: i64 = 900_000;

/// Orders that may break a promise: promised within half an hour or before and not ready; ready, but the customer could
/// not be told.
const AT_RISK: &str = "(r.open = 1 AND ((r.goods IN ('received','inbound','picking','short','staged')
    AND r.promised_at < ?1 + 1800000) OR (r.goods = 'ready' AND r.told IN ('failed','unknown','expired'))))";

fn sql(wheres: &str) -> String {
    format!(
        "SELECT s.id, s.name, s.online, s.changed_at, s.heard_at, s.version, s.clock, s.recovery, s.state, s.config, s.garbage,
            s.reported,
            (SELECT max(version) FROM bundle b WHERE b.store = s.id) AS wanted,
            (SELECT count(*) FROM reservation r WHERE r.store = s.id AND r.open = 1) AS open,
            (SELECT count(*) FROM reservation r WHERE r.store = s.id AND r.open = 1 AND r.goods = 'ready') AS ready,
            (SELECT count(*) FROM reservation r WHERE r.store = s.id AND {AT_RISK}) AS risk,
            (SELECT count(*) FROM message m WHERE m.store = s.id AND m.state = 'unknown') AS unknown,
            (SELECT count(*) FROM call c WHERE c.store = s.id AND c.at > ?1 - 86400000 AND c.answered = 1) AS calls_answered,
            (SELECT count(*) FROM call c WHERE c.store = s.id AND c.at > ?1 - 86400000 AND c.outcome = 'missed'
                AND c.direction = 'in') AS calls_missed,
            (SELECT count(*) FROM alert a WHERE a.store = s.id AND a.cleared_at IS NULL) AS alerts,
            (SELECT coalesce(sum(rows), 0) FROM sync_outbox_size o WHERE o.scope = s.id) AS waiting
         FROM store s {wheres}"
    )
}

/// What a listing needs to know of the moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// A store that says nothing for so long is shown as silent.
    pub silent_ms: i64,
}

fn read(row: &Row<'_>, moment: Moment) -> rusqlite::Result<StoreView> {
    let state: String = row.get("state")?;
    let state: Value = serde_json::from_str(&state).unwrap_or_default();
    let reported: Option<String> = row.get("reported")?;
    let reported: Value = reported.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let (online, changed): (bool, Option<i64>) = (row.get("online")?, row.get("changed_at")?);
    let heard: Option<i64> = row.get("heard_at")?;
    let silent = online && heard.is_none_or(|at| at < moment.now_ms - moment.silent_ms);
    let (link, since) = match (online, changed) {
        (_, None) => ("never", None),
        (true, _) if silent => ("silent", heard.or(changed)),
        (true, _) => ("online", changed),
        (false, _) => ("offline", changed),
    };
    let number = |path: &str| state.pointer(path).and_then(Value::as_i64);
    let refused = reported
        .get("refused")
        .and_then(Value::as_str)
        .or_else(|| state.pointer("/config/refused").and_then(Value::as_str));
    let unsent = match (number("/queues/P0"), number("/queues/P1")) {
        (None, None) => None,
        (p0, p1) => Some(p0.unwrap_or(0) + p1.unwrap_or(0)),
    };
    Ok(StoreView {
        store: row.get("id")?,
        name: row.get("name")?,
        link: link.to_owned(),
        online: link == "online",
        since: since.map(rfc3339),
        heard_at: heard.map(rfc3339),
        version: row.get("version")?,
        clock: row.get("clock")?,
        recovery: row.get("recovery")?,
        modem: modem(&state),
        bars: number("/modem/bars"),
        operator: state.pointer("/modem/operator").and_then(Value::as_str).map(str::to_owned),
        unsent,
        waiting: row.get("waiting")?,
        messages_waiting: number("/queues/messages"),
        messages_unknown: row.get("unknown")?,
        calls_answered: row.get("calls_answered")?,
        calls_missed: row.get("calls_missed")?,
        at_risk: row.get("risk")?,
        open: row.get("open")?,
        ready: row.get("ready")?,
        offline_days_left: number("/offline_days_left"),
        config: row.get("config")?,
        config_wanted: row.get("wanted")?,
        config_refused: refused.map(str::to_owned),
        alerts: row.get("alerts")?,
        garbage: row.get("garbage")?,
        since_ms: since,
    })
}

/// The modem in one word.
fn modem(state: &Value) -> Option<String> {
    let modem = state.get("modem")?;
    let flag = |key: &str| modem.get(key).and_then(Value::as_bool);
    let word = |key: &str| modem.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if flag("configured") == Some(false) || modem.is_null() {
        return Some("none".to_owned());
    }
    let text = match modem.get("paused") {
        Some(Value::String(why)) if !why.is_empty() => format!("paused: {why}"),
        Some(Value::Bool(true)) => "paused".to_owned(),
        _ => match (flag("ready"), word("registration")) {
            (Some(true), None | Some("home" | "roaming" | "registered")) => "ok".to_owned(),
            (Some(false), None) => "down".to_owned(),
            (Some(false), Some("home" | "roaming" | "registered")) => "not ready".to_owned(),
            (_, Some(registration)) => crate::words::plain(registration),
            (None, None) => return None,
        },
    };
    Some(text.chars().take(40).collect())
}

/// All stores: those that hurt first, then by name.
///
/// # Errors
/// The database's.
pub fn list(db: &Connection, moment: Moment) -> Result<Vec<StoreView>, Refusal> {
    let mut find = db.prepare_cached(&sql("ORDER BY s.id"))?;
    let rows = find.query_map([moment.now_ms], |row| read(row, moment))?;
    let mut stores: Vec<StoreView> = rows.collect::<Result<_, _>>()?;
    stores.sort_by_key(|s| (-s.at_risk, s.is_well(), s.title().to_owned()));
    Ok(stores)
}

/// One store.
///
/// # Errors
/// The database's.
pub fn one(db: &Connection, store: &str, moment: Moment) -> Result<Option<StoreView>, Refusal> {
    let mut find = db.prepare_cached(&sql("WHERE s.id = ?2"))?;
    Ok(find.query_row(params![moment.now_ms, store], |row| read(row, moment)).optional()?)
}

/// Ids and names, for choices.
///
/// # Errors
/// The database's.
pub fn names(db: &Connection) -> Result<Vec<(String, String)>, Refusal> {
    let mut find =
        db.prepare_cached("SELECT id, CASE name WHEN '' THEN id ELSE name END FROM store ORDER BY 2 LIMIT 10000")?;
    let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The figures above the fleet's table.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Stores online.
    pub online: usize,
    /// Stores at all.
    pub stores: usize,
    /// What the rest is doing, in words.
    pub rest: String,
    /// Orders not ended.
    pub open: i64,
    /// Of which at risk.
    pub at_risk: i64,
    /// Orders on shelves.
    pub ready: i64,
    /// Of which the customer was not told yet.
    pub untold: i64,
    /// Messages of the last 24 hours that reached an end or stand in doubt, and of those, delivered.
    pub messages: (i64, i64),
    /// Messages in doubt, all together.
    pub unknown: i64,
    /// Alerts that stand.
    pub alerts: i64,
}

impl Figures {
    /// The share of delivered messages in per cent with one digit; none without messages.
    pub fn delivered(&self) -> Option<String> {
        let (delivered, all) = self.messages;
        (all > 0).then(|| {
            let tenths = (delivered * 1_000 + all / 2) / all;
            format!("{}.{} %", tenths / 10, tenths % 10)
        })
    }
}

/// Computes the figures.
///
/// # Errors
/// The database's.
pub fn figures(db: &Connection, stores: &[StoreView], moment: Moment) -> Result<Figures, Refusal> {
    let count = |link: &str| stores.iter().filter(|s| s.link == link).count();
    let rest = [("offline", count("offline")), ("silent", count("silent")), ("never connected", count("never"))];
    let rest: Vec<String> = rest.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
    let day_ago = moment.now_ms - 86_400_000;
    let messages = db
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state IN
            ('delivered','failed','expired','unknown') OR (state = 'sent' AND updated_at < ?2))
         FROM message WHERE queued_at > ?1",
        )?
        .query_row([day_ago, moment.now_ms - REPORT_MS], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let number = |sql: &str| -> Result<i64, Refusal> { Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
    Ok(Figures {
        online: count("online"),
        stores: stores.len(),
        rest: rest.join(", "),
        open: stores.iter().map(|s| s.open).sum(),
        at_risk: stores.iter().map(|s| s.at_risk).sum(),
        ready: stores.iter().map(|s| s.ready).sum(),
        untold: number(
            "SELECT count(*) FROM reservation WHERE open = 1 AND goods = 'ready' AND coalesce(told, '') NOT IN ('delivered','sent')",
        )?,
        messages,
        unknown: number("SELECT count(*) FROM message WHERE state = 'unknown'")?,
        alerts: number("SELECT count(*) FROM alert WHERE cleared_at IS NULL")?,
    })
}

/// An alert.
#[derive(Clone, Debug, Serialize)]
pub struct AlertView {
    /// Its row.
    pub id: i64,
    /// The store.
    pub store: String,
    /// The store's name.
    pub name: String,
    /// What kind.
    pub kind: String,
    /// The order it is about, as store and number.
    pub order: Option<String>,
    /// In words.
    pub words: String,
    /// Milliseconds since 1970.
    pub raised_at: i64,
    /// How often.
    pub times: i64,
    /// Milliseconds since 1970.
    pub last_at: i64,
    /// Milliseconds since 1970.
    pub cleared_at: Option<i64>,
    /// Who or what cleared it.
    pub cleared_by: Option<String>,
}

/// Alerts of one store or of all: those that stand first.
///
/// # Errors
/// The database's.
pub fn alerts(db: &Connection, store: Option<&str>) -> Result<Vec<AlertView>, Refusal> {
    let mut find = db.prepare_cached(
        "SELECT a.id, a.store, CASE coalesce(s.name, '') WHEN '' THEN a.store ELSE s.name END, a.kind, r.number, a.words,
            a.raised_at, a.times, a.last_at, a.cleared_at, a.cleared_by
         FROM alert a LEFT JOIN store s ON s.id = a.store LEFT JOIN reservation r ON r.id = a.reservation
         WHERE ?1 IS NULL OR a.store = ?1 ORDER BY a.cleared_at IS NOT NULL, a.last_at DESC LIMIT ?2",
    )?;
    let rows = find.query_map(params![store, i64::try_from(ALERTS_MAX).unwrap_or(i64::MAX)], |row| {
        Ok(AlertView {
            id: row.get(0)?,
            store: row.get(1)?,
            name: row.get(2)?,
            kind: row.get(3)?,
            order: row.get(4)?,
            words: row.get(5)?,
            raised_at: row.get(6)?,
            times: row.get(7)?,
            last_at: row.get(8)?,
            cleared_at: row.get(9)?,
            cleared_by: row.get(10)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The wanted configuration of a store as an object, or the built-in one.
///
/// # Errors
/// The database's.
pub fn wanted_config(db: &Connection, store: &str) -> Result<Value, Refusal> {
    let text = bundles::newest(db, store)?.map(|signed| signed.text);
    Ok(match text {
        Some(text) => serde_json::from_str(&text).unwrap_or_default(),
        None => serde_json::to_value(shop_model::config::Bundle::default()).unwrap_or_default(),
    })
}
