//! The log of calls for pages and the API, and what a person does about a missed one.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::app::ShopError;
use crate::desk::{Desk, Who};
use crate::live::Live;

/// Calls older than this are dropped.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;
/// Missed calls that one list shows.
const MISSED_SHOWN: u32 = 40;
/// Who "did" a missed call whose caller was called back or called again.
const CALLED_AGAIN: &str = "call";

/// A call of the log.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// Its id.
    pub id: String,
    /// `in`, `out`, `inside`.
    pub direction: String,
    /// `phone`, `trunk`, `sim`.
    pub line: String,
    /// The store's phone that called.
    pub extension: Option<String>,
    /// The number outside; empty when withheld or erased.
    pub number: String,
    /// The customer's initials, when one is known.
    pub initials: String,
    /// The order that it was most likely about.
    pub order: Option<String>,
    /// When it began, milliseconds since the Unix epoch.
    pub began_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// `talked`, `menu`, `missed`, `failed`.
    pub outcome: String,
    /// Why it ended.
    pub why: String,
    /// Who answered.
    pub answered_by: Option<String>,
    /// How long it rang, milliseconds.
    pub rang_ms: i64,
    /// How long two people talked, milliseconds.
    pub talked_ms: i64,
    /// Who dealt with a missed call.
    pub done_by: Option<String>,
}

impl CallRow {
    /// What screens show of the number: its last three digits.
    pub fn tail(&self) -> &str {
        self.number.get(self.number.len().saturating_sub(3)..).unwrap_or_default()
    }

    /// Whether a person should call back.
    pub fn is_open(&self) -> bool {
        self.outcome == "missed" && self.direction == "in" && self.done_by.is_none()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            direction: row.get(1)?,
            line: row.get(2)?,
            extension: row.get(3)?,
            number: row.get(4)?,
            initials: row.get(5)?,
            order: row.get(6)?,
            began_ms: row.get(7)?,
            ended_ms: row.get(8)?,
            outcome: row.get(9)?,
            why: row.get(10)?,
            answered_by: row.get(11)?,
            rang_ms: row.get(12)?,
            talked_ms: row.get(13)?,
            done_by: row.get(14)?,
        })
    }
}

const COLUMNS: &str =
    "c.id, c.direction, c.line, c.extension, c.number, coalesce(p.initials, ''), r.number, c.began_ms,
    c.ended_ms, c.outcome, c.why, c.answered_by, c.rang_ms, c.talked_ms, c.done_by
    FROM call c LEFT JOIN person p ON p.person_ref = c.person_ref LEFT JOIN reservation r ON r.id = c.reservation";

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only missed calls that wait for a person.
    pub open_only: bool,
    /// Go on after this call: its beginning and id.
    pub after: Option<(i64, String)>,
    /// Rows at the most.
    pub limit: u32,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub calls: Vec<CallRow>,
    /// Where the next page begins, when there is more.
    pub next: Option<(i64, String)>,
}

/// The log, newest first.
///
/// # Errors
/// The database's.
pub fn list(db: &Connection, wanted: &Wanted) -> Result<Page, ShopError> {
    let open = if wanted.open_only { "c.outcome = 'missed' AND c.direction = 'in' AND c.done_by IS NULL" } else { "1" };
    let sql = format!(
        "SELECT {COLUMNS} WHERE {open} AND (c.began_ms, c.id) < (?1, ?2) ORDER BY c.began_ms DESC, c.id DESC LIMIT ?3"
    );
    let (before_ms, before_id) = wanted.after.clone().unwrap_or((i64::MAX, "~".to_owned()));
    let mut rows = db.prepare_cached(&sql)?;
    let rows = rows.query_map(params![before_ms, before_id, wanted.limit + 1], CallRow::read)?;
    let mut calls = rows.collect::<Result<Vec<_>, _>>()?;
    let more = calls.len() > wanted.limit as usize;
    calls.truncate(wanted.limit as usize);
    let next = calls.last().filter(|_| more).map(|last| (last.began_ms, last.id.clone()));
    Ok(Page { calls, next })
}

/// Missed calls that wait for a person, oldest first, and how many there are.
///
/// # Errors
/// The database's.
pub fn open_missed(db: &Connection) -> Result<(Vec<CallRow>, u32), ShopError> {
    const OPEN: &str = "c.outcome = 'missed' AND c.direction = 'in' AND c.done_by IS NULL";
    let sql = format!("SELECT {COLUMNS} WHERE {OPEN} ORDER BY c.began_ms LIMIT {MISSED_SHOWN}");
    let mut rows = db.prepare_cached(&sql)?;
    let calls = rows.query_map([], CallRow::read)?.collect::<Result<Vec<_>, _>>()?;
    let count =
        db.prepare_cached(&format!("SELECT count(*) FROM call c WHERE {OPEN}"))?.query_row([], |row| row.get(0))?;
    Ok((calls, count))
}

/// A person's calls, oldest first, the last `limit` of them.
///
/// # Errors
/// The database's.
pub fn of_person(db: &Connection, person: &str, limit: u32) -> Result<Vec<CallRow>, ShopError> {
    let sql = format!("SELECT {COLUMNS} WHERE c.person_ref = ?1 ORDER BY c.began_ms DESC LIMIT ?2");
    let mut rows = db.prepare_cached(&sql)?;
    let mut calls = rows.query_map(params![person, limit], CallRow::read)?.collect::<Result<Vec<_>, _>>()?;
    calls.reverse();
    Ok(calls)
}

/// A call and its timeline: when, what, whose leg, and more about it.
pub type Told = (CallRow, Vec<(i64, String, String, String)>);

/// One call with its timeline.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: Uuid) -> Result<Option<Told>, ShopError> {
    let id = id.to_string();
    let sql = format!("SELECT {COLUMNS} WHERE c.id = ?1");
    let Some(call) = db.prepare_cached(&sql)?.query_row([&id], CallRow::read).optional()? else { return Ok(None) };
    let mut entries =
        db.prepare_cached("SELECT at_ms, what, leg, detail FROM call_entry WHERE call = ?1 ORDER BY n")?;
    let entries = entries.query_map([&id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(Some((call, entries.collect::<Result<_, _>>()?)))
}

/// Somebody has dealt with a missed call; `false` when it was none, or is done already.
///
/// # Errors
/// The database's.
pub fn mark_done(desk: &mut Desk<'_, '_>, id: Uuid, who: &Who) -> Result<bool, ShopError> {
    let changed = desk.db().execute(
        "UPDATE call SET done_by = ?2, done_ms = ?3 WHERE id = ?1 AND outcome = 'missed' AND done_by IS NULL",
        params![id.to_string(), who.actor.id, desk.wall().unix_ms],
    )?;
    if changed > 0 {
        desk.audit(who, "call.done", &id.to_string())?;
        desk.tell(Live::Calls);
        desk.tell(Live::Board);
        desk.tell(Live::Pill);
    }
    Ok(changed > 0)
}

/// Two people talked: the number's earlier missed calls wait for nobody any more.
///
/// # Errors
/// The database's.
pub(super) fn settle_missed(desk: &Desk<'_, '_>, number: &str) -> Result<(), ShopError> {
    if number.is_empty() {
        return Ok(());
    }
    desk.db().execute(
        "UPDATE call SET done_by = ?2, done_ms = ?3 WHERE number = ?1 AND outcome = 'missed' AND done_by IS NULL",
        params![number, CALLED_AGAIN, desk.wall().unix_ms],
    )?;
    Ok(())
}

/// Drops calls that are older than a store needs them.
///
/// # Errors
/// The database's.
pub(crate) fn drop_old(desk: &Desk<'_, '_>) -> Result<(), ShopError> {
    let before = desk.wall().unix_ms - KEPT_MS;
    desk.db().execute("DELETE FROM call_entry WHERE call IN (SELECT id FROM call WHERE began_ms < ?1)", [before])?;
    desk.db().execute("DELETE FROM call WHERE began_ms < ?1", [before])?;
    Ok(())
}
