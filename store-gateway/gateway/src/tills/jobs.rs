//! Print jobs in the database: asked for, sent to a till, reported, settled by a person.
//!
//! A job's row is committed before its till hears of it, and its end is committed before the till may forget it. A job
//! that began is never begun again: a re-print is a job of its own, and its paper says so.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use shop_model::document::{self, Document, Part};
use shop_model::ids::ReservationId;
use till_link::{Cause, Duty, HeldBy, JobId, JobState, PrinterFacts};
use uuid::Uuid;

use super::table::Till;
use crate::app::ShopError;
use crate::desk::{Desk, Who};
use crate::live::Live;

/// Jobs that wait for one till. More would come out long after anybody wants them.
pub const MOST_WAITING: u32 = 200;
/// A drawer that opens later than this opens in front of somebody else.
const DRAWER_VALID_MS: i64 = 10_000;
/// Ended jobs are kept for so long.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

shop_model::words! {
    /// What is printed.
    Kind {
        /// A bag's label.
        BagLabel = "bag_label",
        /// A shelf's label.
        ShelfLabel = "shelf_label",
        /// What to pick.
        PickSlip = "pick_slip",
        /// What the customer took.
        CollectionSlip = "collection_slip",
        /// The poster for the door.
        DoorQr = "door_qr",
        /// A test page.
        Test = "test",
        /// The drawer opens.
        Drawer = "drawer",
    }
}

impl Kind {
    /// Which printers print it.
    pub const fn duty(self) -> Duty {
        match self {
            Self::BagLabel | Self::ShelfLabel => Duty::Labels,
            _ => Duty::Slips,
        }
    }
}

shop_model::words! {
    /// How a job stands.
    State {
        /// Its till has not taken it yet.
        Waiting = "waiting",
        /// Its till has it.
        Taken = "taken",
        /// Its till has it, and the printer can't begin.
        Held = "held",
        /// It is being printed.
        Begun = "begun",
        /// The printer said that it came out.
        Printed = "printed",
        /// The printer took it.
        Sent = "sent",
        /// Nobody knows whether it came out whole.
        Unknown = "unknown",
        /// Its time was over.
        Expired = "expired",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// The till can't print it.
        Refused = "refused",
    }
}

impl State {
    /// Whether nothing follows by itself.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Taken | Self::Held | Self::Begun)
    }
}

/// A job's row.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Its till.
    pub till: i64,
    /// The printer's name there.
    pub printer: String,
    /// What is printed.
    pub kind: Kind,
    /// The order's number, when it is about one.
    pub order: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_ms: i64,
    /// How it stands.
    pub state: State,
    /// Why, in the link's words.
    pub why: String,
    /// Since when.
    pub changed_ms: i64,
    /// It is a re-print.
    pub is_again: bool,
    /// Cancelling was asked for.
    pub cancel: bool,
    /// What a person said of an unknown one.
    pub settled: Option<String>,
}

impl Job {
    /// Whether a person must look whether it came out.
    pub fn asks(&self) -> bool {
        self.state == State::Unknown && self.settled.is_none()
    }
}

const COLUMNS: &str = "j.id, j.till, j.printer, j.kind, r.number, j.asked_by, j.asked_ms, j.state, j.why, j.changed_ms,
    j.again_of IS NOT NULL, j.cancel, j.settled";
const FROM: &str = "FROM print_job j LEFT JOIN reservation r ON r.id = j.reservation";

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let word = |at: usize| row.get::<_, String>(at);
    Ok(Job {
        id: row.get(0)?,
        till: row.get(1)?,
        printer: row.get(2)?,
        kind: Kind::parse(&word(3)?).unwrap_or(Kind::Test),
        order: row.get(4)?,
        asked_by: row.get(5)?,
        asked_ms: row.get(6)?,
        state: State::parse(&word(7)?).unwrap_or(State::Unknown),
        why: row.get(8)?,
        changed_ms: row.get(9)?,
        is_again: row.get(10)?,
        cancel: row.get(11)?,
        settled: row.get(12)?,
    })
}

/// What to ask the table for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this till only.
    pub till: Option<i64>,
    /// Of this reservation only.
    pub reservation: Option<ReservationId>,
    /// Behind this place of a list, newest first.
    pub after: Option<Place>,
    /// So many.
    pub limit: u32,
}

/// A place in a list: when the job was asked for, and its id.
pub type Place = (i64, String);

/// A list, newest first, with the place where it goes on.
///
/// # Errors
/// The database's.
pub fn list(db: &Connection, wanted: &Wanted) -> Result<(Vec<Job>, Option<Place>), ShopError> {
    let (after_ms, after_id) = wanted.after.clone().unwrap_or((i64::MAX, String::new()));
    let reservation = wanted.reservation.map(|id| id.to_string());
    let mut read = db.prepare_cached(&format!(
        "SELECT {COLUMNS} {FROM} WHERE (?1 IS NULL OR j.till = ?1) AND (?2 IS NULL OR j.reservation = ?2)
         AND (j.asked_ms, j.id) < (?3, ?4) ORDER BY j.asked_ms DESC, j.id DESC LIMIT ?5"
    ))?;
    let values: [&dyn ToSql; 5] = [&wanted.till, &reservation, &after_ms, &after_id, &(wanted.limit + 1)];
    let mut jobs = read.query_map(values, job)?.collect::<Result<Vec<_>, _>>()?;
    let more = jobs.len() > usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    if more {
        jobs.pop();
    }
    let next = jobs.last().filter(|_| more).map(|last| (last.asked_ms, last.id.clone()));
    Ok((jobs, next))
}

/// One job.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: &str) -> Result<Option<Job>, ShopError> {
    Ok(db.query_row(&format!("SELECT {COLUMNS} {FROM} WHERE j.id = ?1"), [id], job).optional()?)
}

/// A job's document.
///
/// # Errors
/// The database's, or stored text that can't be read.
pub fn document_of(db: &Connection, id: &str) -> Result<Option<Document>, ShopError> {
    let text: Option<String> =
        db.query_row("SELECT document FROM print_job WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    let read =
        |text: String| serde_json::from_str(&text).map_err(|e| ShopError::Corrupt(format!("print job {id}: {e}")));
    text.map(read).transpose()
}

/// Jobs that a person must look at, oldest first.
///
/// # Errors
/// The database's.
pub fn asked(db: &Connection) -> Result<Vec<Job>, ShopError> {
    let mut read = db.prepare_cached(&format!(
        "SELECT {COLUMNS} {FROM} WHERE j.state = 'unknown' AND j.settled IS NULL ORDER BY j.asked_ms LIMIT {MOST_WAITING}"
    ))?;
    let rows = read.query_map([], job)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many jobs a person must look at.
///
/// # Errors
/// The database's.
pub fn unknown_count(db: &Connection) -> Result<u32, ShopError> {
    let count = "SELECT count(*) FROM print_job WHERE state = 'unknown' AND settled IS NULL";
    Ok(db.query_row(count, [], |row| row.get(0))?)
}

/// What is to be printed.
pub struct Order {
    /// What it is.
    pub kind: Kind,
    /// The reservation that it is about.
    pub reservation: Option<ReservationId>,
    /// The document.
    pub document: Document,
    /// The job of which it is the re-print.
    pub again_of: Option<String>,
}

/// Why nothing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPrinted {
    /// The till has no printer for it.
    NoPrinter,
    /// As many jobs wait for the till as may.
    Full,
}

/// The printer of a till for a duty: the first that has it, else its first.
pub fn printer_for<'p>(printers: &'p [PrinterFacts], order: &Order) -> Option<&'p PrinterFacts> {
    if order.document.parts == [Part::Drawer] {
        return printers.iter().find(|printer| printer.drawer);
    }
    let duty = order.kind.duty();
    printers.iter().find(|printer| printer.duties.contains(&duty)).or_else(|| printers.first())
}

/// Enters a job for a till.
///
/// # Errors
/// The database's.
pub fn add(
    desk: &mut Desk<'_, '_>,
    till: &Till,
    order: &Order,
    by: &Who,
) -> Result<Result<JobId, NotPrinted>, ShopError> {
    let Some(printer) = printer_for(&till.printers, order) else { return Ok(Err(NotPrinted::NoPrinter)) };
    add_for(desk, till.id, &printer.name, order, by)
}

/// Enters a job for a till's printer.
///
/// # Errors
/// The database's.
pub fn add_for(
    desk: &mut Desk<'_, '_>,
    till: i64,
    printer: &str,
    order: &Order,
    by: &Who,
) -> Result<Result<JobId, NotPrinted>, ShopError> {
    if !desk.db().prepare_cached("SELECT 1 FROM till WHERE id = ?1")?.exists([till])? {
        return Ok(Err(NotPrinted::NoPrinter));
    }
    let waiting: u32 = desk.db().query_row(
        "SELECT count(*) FROM print_job WHERE till = ?1 AND state IN ('waiting', 'taken', 'held', 'begun')",
        [till],
        |row| row.get(0),
    )?;
    if waiting >= MOST_WAITING {
        return Ok(Err(NotPrinted::Full));
    }
    let id = Uuid::from_bytes(desk.new_id()).to_string();
    let now_ms = desk.wall().unix_ms;
    let document = serde_json::to_string(&order.document).map_err(|e| ShopError::Broken(e.to_string()))?;
    desk.db().execute(
        "INSERT INTO print_job(id, till, printer, kind, reservation, document, asked_by, asked_ms, until_ms, state,
             changed_ms, again_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', ?8, ?10)",
        params![
            id,
            till,
            printer,
            order.kind.as_str(),
            order.reservation.map(|id| id.to_string()),
            document,
            by.actor.id,
            now_ms,
            (order.kind == Kind::Drawer).then_some(now_ms + DRAWER_VALID_MS),
            order.again_of,
        ],
    )?;
    told(desk);
    Ok(Ok(JobId(id)))
}

fn told(desk: &mut Desk<'_, '_>) {
    desk.tell(Live::Devices);
    desk.tell(Live::Pill);
    desk.app().tills.wake();
}

/// A job as its till needs it.
pub struct ForTill {
    /// Its id.
    pub id: JobId,
    /// The printer.
    pub printer: String,
    /// What to print.
    pub document: Document,
    /// It may begin until then.
    pub until_ms: Option<i64>,
    /// Its till should not begin it.
    pub cancel: bool,
    /// Its till has not said that it took it.
    pub waits: bool,
}

/// A till's jobs that have no end yet, oldest first: those to send, and those that its till may still not begin.
///
/// # Errors
/// The database's.
pub fn open_of(db: &Connection, till: i64) -> Result<Vec<ForTill>, ShopError> {
    let mut read = db.prepare_cached(
        "SELECT id, printer, document, until_ms, cancel, state = 'waiting' FROM print_job
         WHERE till = ?1 AND state IN ('waiting', 'taken', 'held', 'begun') ORDER BY asked_ms, id",
    )?;
    let rows = read.query_map([till], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    let mut jobs = Vec::new();
    for row in rows {
        let (id, printer, text, until_ms, cancel, waits) = row?;
        let Ok(document) = serde_json::from_str(&text) else {
            tracing::error!(job = id, "a print job's document can't be read");
            continue;
        };
        jobs.push(ForTill { id: JobId(id), printer, document, until_ms, cancel, waits });
    }
    Ok(jobs)
}

/// Ends the waiting jobs of a till whose time is over, before they are sent.
///
/// # Errors
/// The database's.
pub fn expire(desk: &mut Desk<'_, '_>) -> Result<(), ShopError> {
    let expired = desk.db().execute(
        "UPDATE print_job SET state = 'expired', changed_ms = ?1 WHERE state = 'waiting' AND until_ms < ?1",
        [desk.wall().unix_ms],
    )?;
    if expired > 0 {
        desk.tell(Live::Devices);
    }
    Ok(())
}

fn words(state: JobState) -> (State, &'static str) {
    match state {
        JobState::Taken => (State::Taken, ""),
        JobState::Held { by } => (State::Held, held_word(by)),
        JobState::Begun => (State::Begun, ""),
        JobState::Printed => (State::Printed, ""),
        JobState::Sent => (State::Sent, ""),
        JobState::Unknown { cause } => (State::Unknown, cause_word(cause)),
        JobState::Expired => (State::Expired, ""),
        JobState::Cancelled => (State::Cancelled, ""),
        JobState::Refused { cause } => (State::Refused, cause_word(cause)),
    }
}

/// What keeps a printer, as rows and pages have it.
pub const fn held_word(by: HeldBy) -> &'static str {
    match by {
        HeldBy::Port => "port",
        HeldBy::Silent => "silent",
        HeldBy::Offline => "offline",
        HeldBy::CoverOpen => "cover_open",
        HeldBy::PaperOut => "paper_out",
        HeldBy::Error => "error",
    }
}

const fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Restart => "restart",
        Cause::Port => "port",
        Cause::Silent => "silent",
        Cause::Held => "held",
        Cause::NoPrinter => "no_printer",
        Cause::Document => "document",
        Cause::Full => "full",
    }
}

/// Ends the jobs that a till had and does not name any more: its journal was lost, and nobody knows what came of them.
///
/// # Errors
/// The database's.
pub fn forgotten(desk: &mut Desk<'_, '_>, till: i64, named: &HashSet<JobId>) -> Result<(), ShopError> {
    for job in open_of(desk.db(), till)? {
        if !job.waits && !named.contains(&job.id) {
            report(desk, till, &job.id, JobState::Unknown { cause: Cause::Restart })?;
        }
    }
    Ok(())
}

/// Keeps what a till said of a job. A job that ended here stays as it is, but for one whose time seemed over while the
/// till did it; one that is not known here (a copy of the
/// database was put back) is left to the till to forget.
///
/// # Errors
/// The database's.
pub fn report(desk: &mut Desk<'_, '_>, till: i64, id: &JobId, state: JobState) -> Result<(), ShopError> {
    let (state, why) = words(state);
    let changed = desk.db().execute(
        "UPDATE print_job SET state = ?3, why = ?4, changed_ms = ?5 WHERE id = ?1 AND till = ?2
         AND state IN ('waiting', 'taken', 'held', 'begun', 'expired') AND (state <> ?3 OR why <> ?4)",
        params![id.0, till, state.as_str(), why, desk.wall().unix_ms],
    )?;
    if changed > 0 {
        desk.tell(Live::Devices);
        if state == State::Unknown {
            desk.tell(Live::Pill);
            desk.tell(Live::Board);
        }
    }
    Ok(())
}

/// Asks that a job does not begin: at once where its till never had it. Answers whether it may still be so.
///
/// # Errors
/// The database's.
pub fn cancel(desk: &mut Desk<'_, '_>, id: &str, by: &Who) -> Result<bool, ShopError> {
    let now_ms = desk.wall().unix_ms;
    // A job that was sent and not reported yet may have been taken: only its till can say.
    let asked = desk.db().execute(
        "UPDATE print_job SET cancel = 1, changed_ms = ?2 WHERE id = ?1 AND state IN ('waiting', 'taken', 'held')",
        params![id, now_ms],
    )?;
    if asked > 0 {
        desk.audit(by, "print.cancel", id)?;
        told(desk);
    }
    Ok(asked > 0)
}

/// What a person says of a job of which nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It came out.
    Out,
    /// It did not.
    Lost,
}

/// Keeps what a person says of an unknown job. Answers false when there is nothing to settle.
///
/// # Errors
/// The database's.
pub fn settle(desk: &mut Desk<'_, '_>, id: &str, settled: Settled, by: &Who) -> Result<bool, ShopError> {
    let word = match settled {
        Settled::Out => "out",
        Settled::Lost => "lost",
    };
    let changed = desk.db().execute(
        "UPDATE print_job SET settled = ?2, settled_by = ?3 WHERE id = ?1 AND state = 'unknown' AND settled IS NULL",
        params![id, word, by.actor.id],
    )?;
    if changed > 0 {
        desk.audit(by, "print.settled", id)?;
        told(desk);
        desk.tell(Live::Board);
    }
    Ok(changed > 0)
}

/// Prints an ended job once more, as a job of its own whose paper says that it is a copy. An unknown one is settled as
/// lost by that, once: a second asker is told that somebody has seen to it. `None`: there is no such job, it has not
/// ended, its paper is not known any more, or it was the drawer.
///
/// # Errors
/// The database's.
pub fn again(desk: &mut Desk<'_, '_>, id: &str, by: &Who) -> Result<Option<Result<JobId, NotPrinted>>, ShopError> {
    let may = |job: &Job| job.state.is_final() && job.kind != Kind::Drawer && job.settled.as_deref() != Some("lost");
    let Some(job) = find(desk.db(), id)?.filter(may) else { return Ok(None) };
    let Some(document) = document_of(desk.db(), id)?.filter(|document| !document.parts.is_empty()) else {
        return Ok(None);
    };
    let reservation: Option<String> =
        desk.db().query_row("SELECT reservation FROM print_job WHERE id = ?1", [id], |row| row.get(0))?;
    let language = desk.app().config.store.language;
    // A re-print of a re-print says it once.
    let document = if job.is_again { document } else { document::reprint(document, language) };
    let order = Order {
        kind: job.kind,
        reservation: reservation.and_then(|id| ReservationId::parse(&id).ok()),
        document,
        again_of: Some(id.to_owned()),
    };
    let added = add_for(desk, job.till, &job.printer, &order, by)?;
    if added.is_ok() {
        settle(desk, id, Settled::Lost, by)?;
    }
    Ok(Some(added))
}

/// Drops jobs that ended longer ago than a store needs them. Unknown ones wait for a person.
///
/// # Errors
/// The database's.
pub fn drop_old(desk: &Desk<'_, '_>) -> Result<(), ShopError> {
    desk.db().execute(
        "DELETE FROM print_job WHERE asked_ms < ?1 AND state NOT IN ('waiting', 'taken', 'held', 'begun')
         AND (state <> 'unknown' OR settled IS NOT NULL)",
        [desk.wall().unix_ms - KEPT_MS],
    )?;
    Ok(())
}
