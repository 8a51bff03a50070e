//! The journal's rows, inside a transaction.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};
use shop_model::document::Document;
use till_link::{Cause, JobId, JobState};

use super::{NewJob, RowError};
use crate::clock::MachineTime;

/// Jobs that wait for one printer; more are refused. A shop prints fewer in a day.
const MOST_WAITING: i64 = 200;
/// Octets of documents that wait, all together.
const MOST_WAITING_OCTETS: i64 = 32 << 20;
/// Jobs that the gateway has not noted; with more, none is taken.
const MOST_UNNOTED: i64 = 2_000;
/// Noted jobs that are remembered, so that a repeated one is not printed again.
const MOST_NOTED: i64 = 5_000;
/// Seconds for which they are.
const NOTED_S: i64 = 30 * 24 * 3_600;

/// What became of a job that the gateway sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It is in the journal now; it waits, or was refused.
    New,
    /// It was here already, and stands so.
    Known(JobState),
}

/// A job that waits for its printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number in the journal; no other job ever has it.
    pub seq: u64,
    /// Its id.
    pub id: JobId,
    /// What to print.
    pub document: Document,
    /// It may begin for this many milliseconds from now on.
    pub valid_ms: Option<u64>,
}

/// What a look at a printer's jobs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The first job that waits, where none is under way.
    pub next: Option<Waiting>,
    /// The job under way shall not begin.
    pub cancel: bool,
    /// Until the next one that waits is too late, in milliseconds.
    pub next_expiry_ms: Option<u64>,
}

/// A job whose first octet has not left.
const WAITS: &str = "state IN ('taken', 'held')";

pub(super) fn take(db: &Connection, job: &NewJob, is_known: bool, now: &MachineTime) -> Result<Take, RowError> {
    if let Some(state) = state(db, &job.id)? {
        return Ok(Take::Known(state));
    }
    let unnoted: i64 = db.query_row("SELECT count(*) FROM job WHERE noted = 0", [], |row| row.get(0))?;
    if unnoted >= MOST_UNNOTED {
        return Err(RowError::Unnoted(unnoted));
    }
    let document = serde_json::to_string(&job.document).map_err(|_| RowError::Row { seq: 0, what: "the document" })?;
    let state = first_state(db, job, is_known, i64::try_from(document.len()).unwrap_or(i64::MAX))?;
    let document = if state.is_final() { String::new() } else { document };
    let valid_until = job.valid_ms.map(|valid| i64::try_from(now.uptime_ms.saturating_add(valid)).unwrap_or(i64::MAX));
    let valid_boot = valid_until.map(|_| &now.boot);
    let (word, cause) = words(state);
    db.execute(
        "INSERT INTO job (id, printer, document, valid_boot, valid_until_ms, state, cause, changed_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, unixepoch())",
        params![job.id.0, job.printer, document, valid_boot, valid_until, word, cause],
    )?;
    Ok(Take::New)
}

fn first_state(db: &Connection, job: &NewJob, is_known: bool, octets: i64) -> Result<JobState, RowError> {
    if !is_known {
        return Ok(JobState::Refused { cause: Cause::NoPrinter });
    }
    let count = format!("SELECT count(*) FROM job WHERE printer = ?1 AND {WAITS}");
    let waiting: i64 = db.query_row(&count, [&job.printer], |row| row.get(0))?;
    let size = format!("SELECT coalesce(sum(length(document)), 0) FROM job WHERE {WAITS}");
    let held: i64 = db.query_row(&size, [], |row| row.get(0))?;
    if waiting >= MOST_WAITING || held.saturating_add(octets) > MOST_WAITING_OCTETS {
        return Ok(JobState::Refused { cause: Cause::Full });
    }
    Ok(JobState::Taken)
}

pub(super) fn keep(db: &Connection, id: &JobId, state: JobState) -> Result<(), RowError> {
    let (word, cause) = words(state);
    let mut change = db.prepare_cached(
        "UPDATE job SET state = ?2, cause = ?3, document = iif(?4, '', document), changed_s = unixepoch()
         WHERE id = ?1 AND state IN ('taken', 'held', 'begun')",
    )?;
    change.execute(params![id.0, word, cause, state.is_final()])?;
    Ok(())
}

pub(super) fn look(db: &Connection, printer: &str, held: Option<&JobId>, now: &MachineTime) -> Result<Look, RowError> {
    let held = held.map_or("", |id| &*id.0);
    let uptime = i64::try_from(now.uptime_ms).unwrap_or(i64::MAX);
    end_waiting(db, "cancel = 1", "cancelled", printer, held, now, uptime)?;
    let late = "valid_boot IS NOT NULL AND (valid_boot <> ?3 OR valid_until_ms <= ?4)";
    end_waiting(db, late, "expired", printer, held, now, uptime)?;
    let mut look = Look::default();
    if held.is_empty() {
        // Its task failed in the middle of one.
        end_begun(db, Some(printer))?;
        look.next = first_waiting(db, printer, uptime)?;
    } else {
        let mut asked = db.prepare_cached("SELECT cancel FROM job WHERE id = ?1")?;
        look.cancel = asked.query_row([held], |row| row.get(0)).optional()?.unwrap_or(false);
    }
    let next = look.next.as_ref().map_or(held, |job| &*job.id.0);
    let earliest = format!("SELECT min(valid_until_ms) FROM job WHERE printer = ?1 AND id <> ?2 AND {WAITS}");
    let earliest: Option<i64> = db.prepare_cached(&earliest)?.query_row([printer, next], |row| row.get(0))?;
    look.next_expiry_ms = earliest.map(|until| u64::try_from(until - uptime).unwrap_or(0));
    Ok(look)
}

fn end_waiting(
    db: &Connection,
    which: &str,
    state: &str,
    printer: &str,
    held: &str,
    now: &MachineTime,
    uptime: i64,
) -> Result<(), RowError> {
    // ?3 and ?4 stand in every form, so that all take the same values.
    let change = format!(
        "UPDATE job SET state = '{state}', cause = NULL, document = '', changed_s = unixepoch()
         WHERE printer = ?1 AND id <> ?2 AND ?3 = ?3 AND ?4 = ?4 AND {WAITS} AND {which}"
    );
    db.prepare_cached(&change)?.execute(params![printer, held, now.boot, uptime])?;
    Ok(())
}

fn first_waiting(db: &Connection, printer: &str, uptime: i64) -> Result<Option<Waiting>, RowError> {
    let query = format!(
        "SELECT seq, id, document, valid_until_ms FROM job WHERE printer = ?1 AND {WAITS} ORDER BY seq LIMIT 1"
    );
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    loop {
        let row = db.prepare_cached(&query)?.query_row([printer], columns).optional()?;
        let Some((seq, id, document, until)): Option<(u64, String, String, Option<i64>)> = row else { return Ok(None) };
        let valid_ms = until.map(|until| u64::try_from(until - uptime).unwrap_or(0));
        match serde_json::from_str(&document) {
            Ok(document) => return Ok(Some(Waiting { seq, id: JobId(id), document, valid_ms })),
            // What an earlier version wrote must not keep those behind it.
            Err(_) => keep(db, &JobId(id), JobState::Refused { cause: Cause::Document })?,
        }
    }
}

/// A job that never came is remembered too: it may be on its way.
pub(super) fn cancel(db: &Connection, id: &JobId) -> Result<(), RowError> {
    let asked = format!("UPDATE job SET cancel = 1 WHERE id = ?1 AND cancel = 0 AND {WAITS}");
    if db.execute(&asked, [&id.0])? > 0 || state(db, id)?.is_some() {
        return Ok(());
    }
    db.execute(
        "INSERT INTO job (id, printer, document, state, cancel, changed_s)
         VALUES (?1, '', '', 'cancelled', 1, unixepoch())",
        [&id.0],
    )?;
    Ok(())
}

pub(super) fn noted(db: &Connection, id: &JobId) -> Result<(), RowError> {
    let change = "UPDATE job SET noted = 1 WHERE id = ?1 AND noted = 0 AND state NOT IN ('taken', 'held', 'begun')";
    if db.execute(change, [&id.0])? == 0 {
        return Ok(());
    }
    db.execute("DELETE FROM job WHERE noted = 1 AND changed_s < unixepoch() - ?1", [NOTED_S])?;
    db.execute(
        "DELETE FROM job WHERE seq IN
         (SELECT seq FROM job WHERE noted = 1 ORDER BY seq DESC LIMIT -1 OFFSET ?1)",
        [MOST_NOTED],
    )?;
    Ok(())
}

pub(super) fn unnoted(db: &Connection) -> Result<Vec<(JobId, JobState)>, RowError> {
    let mut rows = db.prepare_cached("SELECT seq, id, state, cause FROM job WHERE noted = 0 ORDER BY seq")?;
    let mut rows = rows.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (word, cause): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        match state_of(&word, cause) {
            Some(state) => all.push((JobId(row.get(1)?), state)),
            // One row must not keep the others from the gateway.
            None => tracing::error!(seq = row.get::<_, i64>(0)?, "a job's state in the journal can't be read"),
        }
    }
    Ok(all)
}

/// Nobody knows what became of the jobs that were begun by a run that ended.
pub(super) fn end_begun(db: &Connection, printer: Option<&str>) -> Result<(), RowError> {
    let (word, cause) = words(JobState::Unknown { cause: Cause::Restart });
    let mut change = db.prepare_cached(
        "UPDATE job SET state = ?1, cause = ?2, document = '', changed_s = unixepoch()
         WHERE state = 'begun' AND printer = coalesce(?3, printer)",
    )?;
    change.execute(params![word, cause, printer])?;
    Ok(())
}

/// A printer may have left the configuration.
pub(super) fn refuse_without_printer(db: &Connection, printers: &[String]) -> Result<(), RowError> {
    let waiting = format!("SELECT id, printer FROM job WHERE {WAITS}");
    let mut waiting = db.prepare(&waiting)?;
    let rows = waiting.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>()?;
    for (id, _) in rows.into_iter().filter(|(_, printer)| !printers.contains(printer)) {
        keep(db, &JobId(id), JobState::Refused { cause: Cause::NoPrinter })?;
    }
    Ok(())
}

fn state(db: &Connection, id: &JobId) -> Result<Option<JobState>, RowError> {
    let mut query = db.prepare_cached("SELECT seq, state, cause FROM job WHERE id = ?1")?;
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let row: Option<(i64, String, Option<String>)> = query.query_row([&id.0], columns).optional()?;
    let Some((seq, word, cause)) = row else { return Ok(None) };
    state_of(&word, cause).map(Some).ok_or(RowError::Row { seq, what: "the state" })
}

/// A state in the words of the wire: the state, and what holds or ended it.
fn words(state: JobState) -> (String, Option<String>) {
    let value = serde_json::to_value(state).unwrap_or_default();
    let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    (word("is").unwrap_or_default(), word("by").or_else(|| word("cause")))
}

fn state_of(word: &str, cause: Option<String>) -> Option<JobState> {
    let key = if word == "held" { "by" } else { "cause" };
    let value = cause.map_or_else(|| json!({ "is": word }), |cause| json!({ "is": word, key: cause }));
    serde_json::from_value(value).ok()
}
