//! The tills that this store knows.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use till_link::PrinterFacts;

use crate::app::ShopError;
use crate::desk::{Desk, Who};
use crate::live::Live;

/// Tills of one store.
pub const MOST_TILLS: u32 = 32;

/// One till, as the database has it.
#[derive(Clone, Debug)]
pub struct Till {
    /// Its id.
    pub id: i64,
    /// Its name for people.
    pub name: String,
    /// The cookie of its screen.
    pub counter: Option<String>,
    /// When it was heard last, before this connection.
    pub seen_ms: Option<i64>,
    /// The bridge's version, as it said last.
    pub version: String,
    /// Its printers, as it said last.
    pub printers: Vec<PrinterFacts>,
}

const COLUMNS: &str = "id, name, counter, seen_ms, version, printers";

fn till(row: &Row<'_>) -> rusqlite::Result<Till> {
    let printers: String = row.get(5)?;
    Ok(Till {
        id: row.get(0)?,
        name: row.get(1)?,
        counter: row.get(2)?,
        seen_ms: row.get(3)?,
        version: row.get(4)?,
        // Written by a later release: until the till says it again, it has none.
        printers: serde_json::from_str(&printers).unwrap_or_default(),
    })
}

/// All tills by name.
///
/// # Errors
/// The database's.
pub fn all(db: &Connection) -> Result<Vec<Till>, ShopError> {
    let mut read = db.prepare_cached(&format!("SELECT {COLUMNS} FROM till ORDER BY name, id"))?;
    let rows = read.query_map([], till)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One till.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: i64) -> Result<Option<Till>, ShopError> {
    Ok(db.query_row(&format!("SELECT {COLUMNS} FROM till WHERE id = ?1"), [id], till).optional()?)
}

/// The till whose screen has this cookie.
///
/// # Errors
/// The database's.
pub fn of_counter(db: &Connection, counter: &str) -> Result<Option<Till>, ShopError> {
    Ok(db.query_row(&format!("SELECT {COLUMNS} FROM till WHERE counter = ?1"), [counter], till).optional()?)
}

/// The till with this certificate.
///
/// # Errors
/// The database's.
pub fn of_certificate(db: &Connection, certificate: &str) -> Result<Option<Till>, ShopError> {
    Ok(db.query_row(&format!("SELECT {COLUMNS} FROM till WHERE certificate = ?1"), [certificate], till).optional()?)
}

/// Takes a till in; one that was known already keeps its id and gets the new name. `None` when there are too many.
///
/// # Errors
/// The database's.
pub fn enrol(desk: &mut Desk<'_, '_>, certificate: &str, name: &str, by: &Who) -> Result<Option<i64>, ShopError> {
    let count: u32 =
        desk.db().query_row("SELECT count(*) FROM till WHERE certificate <> ?1", [certificate], |r| r.get(0))?;
    if count >= MOST_TILLS {
        return Ok(None);
    }
    let id: i64 = desk.db().query_row(
        "INSERT INTO till(name, certificate, enrolled_by, enrolled_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (certificate) DO UPDATE SET name = excluded.name, enrolled_by = excluded.enrolled_by,
             enrolled_ms = excluded.enrolled_ms RETURNING id",
        params![name, certificate, by.actor.id, desk.wall().unix_ms],
        |row| row.get(0),
    )?;
    desk.audit(by, "till.enrolled", &id.to_string())?;
    desk.tell(Live::Devices);
    Ok(Some(id))
}

/// Forgets a till. Its jobs that it did not take are cancelled; what becomes of the others is unknown: it has them in its
/// journal, and is not listened to any more.
///
/// # Errors
/// The database's.
pub fn remove(desk: &mut Desk<'_, '_>, id: i64, by: &Who) -> Result<bool, ShopError> {
    let removed = desk.db().execute("DELETE FROM till WHERE id = ?1", [id])? > 0;
    if removed {
        desk.db().execute(
            "UPDATE print_job SET state = iif(state = 'waiting', 'cancelled', 'unknown'), why = 'removed', changed_ms = ?2
             WHERE till = ?1 AND state IN ('waiting', 'taken', 'held', 'begun')",
            params![id, desk.wall().unix_ms],
        )?;
        desk.audit(by, "till.removed", &id.to_string())?;
        desk.tell(Live::Devices);
        desk.tell(Live::Pill);
    }
    Ok(removed)
}

/// Joins a till with a screen; each has one of the other. `None` takes the till's screen away.
///
/// # Errors
/// The database's.
pub fn pair(desk: &mut Desk<'_, '_>, id: i64, counter: Option<&str>, by: &Who) -> Result<bool, ShopError> {
    desk.db().execute("UPDATE till SET counter = NULL WHERE counter = ?1", [counter])?;
    let paired = desk.db().execute("UPDATE till SET counter = ?2 WHERE id = ?1", params![id, counter])? > 0;
    if paired {
        desk.audit(by, if counter.is_some() { "till.paired" } else { "till.unpaired" }, &id.to_string())?;
        desk.tell(Live::Devices);
    }
    Ok(paired)
}

/// Keeps what a till said of itself.
///
/// # Errors
/// The database's.
pub fn heard(
    desk: &Desk<'_, '_>,
    id: i64,
    name: &str,
    version: &str,
    printers: &[PrinterFacts],
) -> Result<(), ShopError> {
    let printers = serde_json::to_string(printers).map_err(|e| ShopError::Broken(e.to_string()))?;
    desk.db().execute(
        "UPDATE till SET name = ?2, version = ?3, printers = ?4, seen_ms = ?5 WHERE id = ?1",
        params![id, name, version, printers, desk.wall().unix_ms],
    )?;
    Ok(())
}

/// Keeps when a till was there last.
///
/// # Errors
/// The database's.
pub fn gone(desk: &Desk<'_, '_>, id: i64) -> Result<(), ShopError> {
    desk.db().execute("UPDATE till SET seen_ms = ?2 WHERE id = ?1", params![id, desk.wall().unix_ms])?;
    Ok(())
}
