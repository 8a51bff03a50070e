//! Rows of the message table, and the two ways in which they change: made, or moved to another state. Both write the
//! event that HQ gets.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use shop_model::event::{Actor, MessageFact};
use shop_model::ids::{MessageId, PersonRef, ReservationId};
use shop_model::language::Language;
use shop_model::message::{MessageState, Purpose};

use super::compose::Fold;
use crate::app::ShopError;
use crate::desk::Desk;
use crate::live::Live;

/// The cause of messages that a restore left in doubt, or that were first made after it.
pub(crate) const RESTORED: &str = "restored";

/// A message as its row has it. `text` is personal: no `Debug`.
#[derive(Clone)]
pub(crate) struct MessageRow {
    pub id: MessageId,
    pub reservation: Option<ReservationId>,
    pub person: PersonRef,
    pub purpose: Purpose,
    pub round: u32,
    pub template: String,
    pub language: Language,
    pub text: String,
    pub fold: Fold,
    pub parts: u8,
    pub concat: u8,
    pub state: MessageState,
    pub cause: Option<String>,
    pub attempts: u32,
    pub created_ms: i64,
    pub valid_until_ms: i64,
    pub changed_ms: i64,
}

/// The columns of [`MessageRow`], of a table called `m`.
pub(super) const COLUMNS: &str =
    "m.id, m.reservation, m.person_ref, m.purpose, m.round, m.template, m.language, m.text, m.fold,
    m.parts, m.concat, m.state, m.cause, m.attempts, m.created_ms, m.valid_until_ms, m.changed_ms";

impl MessageRow {
    /// Reads the columns of [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
        Ok(MessageRow {
            id: word(row, 0, |w| MessageId::parse(w).ok())?,
            reservation: reservation(row, 1)?,
            person: word(row, 2, |w| PersonRef::parse(w).ok())?,
            purpose: word(row, 3, Purpose::parse)?,
            round: row.get(4)?,
            template: row.get(5)?,
            language: word(row, 6, Language::parse)?,
            text: row.get(7)?,
            fold: Fold::from(row.get::<_, bool>(8)?),
            parts: row.get(9)?,
            concat: row.get(10)?,
            state: word(row, 11, MessageState::parse)?,
            cause: row.get(12)?,
            attempts: row.get(13)?,
            created_ms: row.get(14)?,
            valid_until_ms: row.get(15)?,
            changed_ms: row.get(16)?,
        })
    }

    /// The fact that it waits for its turn (again).
    pub(super) fn queued(&self) -> MessageFact {
        MessageFact::Queued {
            message: self.id,
            reservation: self.reservation,
            purpose: self.purpose,
            round: self.round,
            template: (!self.template.is_empty()).then(|| self.template.clone()),
            language: self.language,
            parts: u32::from(self.parts),
            person: Some(self.person),
            valid_until: Timestamp::from_millisecond(self.valid_until_ms).ok(),
        }
    }

    /// The part in a fact: none for a message of one part.
    pub(super) fn part(&self, part: u8) -> Option<u32> {
        (self.parts > 1).then_some(u32::from(part))
    }
}

/// A column that holds a word of ours.
pub(super) fn word<T>(row: &Row<'_>, column: usize, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| {
        let why = format!("column {column} holds a word of no release of ours");
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
    })
}

/// A column that may hold a reservation's id.
pub(super) fn reservation(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ReservationId>> {
    match row.get::<_, Option<String>>(column)? {
        Some(_) => word(row, column, |w| ReservationId::parse(w).ok()).map(Some),
        None => Ok(None),
    }
}

/// One message.
pub(super) fn find(db: &Connection, id: MessageId) -> Result<Option<MessageRow>, ShopError> {
    let sql = format!("SELECT {COLUMNS} FROM message m WHERE m.id = ?1");
    Ok(db.prepare_cached(&sql)?.query_row([id.to_string()], MessageRow::read).optional()?)
}

/// Several messages.
pub(super) fn select(db: &Connection, tail: &str, values: impl rusqlite::Params) -> Result<Vec<MessageRow>, ShopError> {
    let mut rows = db.prepare_cached(&format!("SELECT {COLUMNS} FROM message m {tail}"))?;
    let rows = rows.query_map(values, MessageRow::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A message to be made.
pub(super) struct Draft {
    pub reservation: Option<ReservationId>,
    pub person: PersonRef,
    pub purpose: Purpose,
    pub round: u32,
    pub template: String,
    pub language: Language,
    pub text: String,
    pub fold: Fold,
    pub parts: u8,
    pub valid_until_ms: i64,
}

/// Which goes first: 0 before 1 before 2.
const fn priority(purpose: Purpose) -> i64 {
    match purpose {
        // Somebody waits for these at this moment.
        Purpose::Reply | Purpose::Confirm | Purpose::Staff => 0,
        Purpose::Ready | Purpose::Extended | Purpose::Closed => 1,
        Purpose::Reminder24 | Purpose::Reminder4 => 2,
    }
}

/// Whether a new message may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It waits for its turn.
    Queued,
    /// The database is a restored copy: it may have gone out already.
    InDoubt,
}

/// Makes a message.
pub(super) fn insert(
    desk: &mut Desk<'_, '_>,
    draft: Draft,
    actor: &Actor,
    start: Start,
) -> Result<MessageId, ShopError> {
    let now = desk.wall().unix_ms;
    let row = MessageRow {
        id: MessageId::from_bytes(desk.new_id()),
        reservation: draft.reservation,
        person: draft.person,
        purpose: draft.purpose,
        round: draft.round,
        template: draft.template,
        language: draft.language,
        text: draft.text,
        fold: draft.fold,
        parts: draft.parts,
        concat: 0,
        state: MessageState::Queued,
        cause: None,
        attempts: 0,
        created_ms: now,
        valid_until_ms: draft.valid_until_ms,
        changed_ms: now,
    };
    // Due at 0: at once, whatever the clock does next.
    let mut insert = desk.db().prepare_cached(
        "INSERT INTO message(id, reservation, person_ref, purpose, round, template, language, text, fold, parts, concat,
            state, priority, created_ms, valid_until_ms, due_ms, changed_ms)
         VALUES (:id, :reservation, :person, :purpose, :round, :template, :language, :text, :fold, :parts,
            (SELECT count(*) FROM message) % 256, 'queued', :priority, :now, :valid, 0, :now)",
    )?;
    insert.execute(named_params! {
        ":id": row.id.to_string(), ":reservation": row.reservation.map(|r| r.to_string()),
        ":person": row.person.to_string(), ":purpose": row.purpose.as_str(), ":round": row.round,
        ":template": row.template, ":language": row.language.as_str(), ":text": row.text,
        ":fold": row.fold == Fold::Plain, ":parts": row.parts, ":priority": priority(row.purpose), ":now": now,
        ":valid": row.valid_until_ms,
    })?;
    drop(insert);
    note(desk, row.id, &row.queued(), actor)?;
    if start == Start::InDoubt {
        desk.db().execute("UPDATE message SET attempts = 1 WHERE id = ?1", [row.id.to_string()])?;
        let fact = MessageFact::Unknown { message: row.id, cause: RESTORED.into() };
        change(desk, &row, MessageState::Unknown, Some(RESTORED), &fact)?;
    }
    show(desk, &row)?;
    Ok(row.id)
}

/// Moves a message to another state and writes the fact that did it.
pub(super) fn change(
    desk: &mut Desk<'_, '_>,
    row: &MessageRow,
    state: MessageState,
    cause: Option<&str>,
    fact: &MessageFact,
) -> Result<(), ShopError> {
    put_state(desk, row, state, cause)?;
    note(desk, row.id, fact, &Actor::system())
}

/// Moves a message to another state; the fact is the caller's.
pub(super) fn put_state(
    desk: &mut Desk<'_, '_>,
    row: &MessageRow,
    state: MessageState,
    cause: Option<&str>,
) -> Result<(), ShopError> {
    desk.db()
        .prepare_cached("UPDATE message SET state = ?2, cause = ?3, changed_ms = ?4 WHERE id = ?1")?
        .execute(params![row.id.to_string(), state.as_str(), cause, desk.wall().unix_ms])?;
    show(desk, row)
}

/// No try before `due_ms`.
pub(super) fn put_due(desk: &Desk<'_, '_>, id: MessageId, due_ms: i64) -> Result<(), ShopError> {
    desk.db()
        .prepare_cached("UPDATE message SET due_ms = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), due_ms])?;
    Ok(())
}

/// Writes a fact about a message. A superseded box keeps its rows true and says nothing.
pub(super) fn note(desk: &mut Desk<'_, '_>, id: MessageId, fact: &MessageFact, actor: &Actor) -> Result<(), ShopError> {
    match desk.append_message(id, fact, actor) {
        Err(ShopError::Superseded) => Ok(()),
        other => other.map(drop),
    }
}

/// Tells open pages.
fn show(desk: &mut Desk<'_, '_>, row: &MessageRow) -> Result<(), ShopError> {
    if let Some(order) = order_of(desk.db(), row.reservation)? {
        desk.tell(Live::Order(order));
    }
    desk.tell(Live::Texts);
    Ok(())
}

/// The number of the order that a message is about.
pub(crate) fn order_of(db: &Connection, id: Option<ReservationId>) -> Result<Option<String>, ShopError> {
    let Some(id) = id else { return Ok(None) };
    let mut number = db.prepare_cached("SELECT number FROM reservation WHERE id = ?1")?;
    Ok(number.query_row([id.to_string()], |row| row.get(0)).optional()?)
}
