//! What the snapshot brings back of our own messages after a restore: HQ's copy of our log knows more than the older
//! database. What it says of a message that is over, counts; what it leaves open stays in doubt and goes out by nobody's
//! hand but a person's.

use rusqlite::{named_params, params};
use shop_model::event::{Actor, Entry, MessageFact, Received};
use shop_model::ids::MessageId;
use shop_model::message::{self, Meaning, MessageState};
use store_daemon::ledger::SqlLedger;
use store_sync::{AggregateKey, LedgerRead as _};

use super::inbound::AUTO;
use super::row::{self, RESTORED, note, put_state};
use crate::app::{SCOPE, ShopError};
use crate::desk::Desk;
use crate::facts;

/// Aggregates read at a time.
const PAGE: usize = 500;

/// Brings the rows of messages and texts up to what the adopted log says.
///
/// # Errors
/// The database's, or text that no release wrote.
pub(crate) fn adopt(desk: &mut Desk<'_, '_>) -> Result<(), ShopError> {
    let mut after = Some(AggregateKey::new("message", ""));
    while let Some(from) = after.take() {
        let keys = SqlLedger::new(desk.db(), SCOPE).aggregates(Some(&from), PAGE)?;
        for key in keys {
            if key.kind != "message" {
                return Ok(());
            }
            if let Ok(id) = MessageId::parse(&key.id) {
                adopt_one(desk, id)?;
            }
            after = Some(key);
        }
    }
    Ok(())
}

fn adopt_one(desk: &mut Desk<'_, '_>, id: MessageId) -> Result<(), ShopError> {
    let ledger = SqlLedger::new(desk.db(), SCOPE);
    if let Some(entry) = facts::received_log(&ledger, id)?.first() {
        return put_received(desk, entry);
    }
    let log = facts::message_log(&ledger, id)?;
    let Some(told) = message::fold(&log) else { return Ok(()) };
    let is_over = matches!(
        told.state,
        MessageState::Sent
            | MessageState::Delivered
            | MessageState::Failed
            | MessageState::Expired
            | MessageState::Superseded
    );
    match row::find(desk.db(), id)? {
        Some(row) if is_over && row.state != told.state => put_state(desk, &row, told.state, told.cause.as_deref()),
        Some(_) => Ok(()),
        None if is_over => insert_over(desk, id, &log, &told),
        None => give_up(desk, id, told.state),
    }
}

/// The row of a message that is over. Its text went only to the customer and is not in the log.
fn insert_over(
    desk: &Desk<'_, '_>,
    id: MessageId,
    log: &[Entry<MessageFact>],
    told: &message::Message,
) -> Result<(), ShopError> {
    let queued = log.iter().find_map(|entry| match &entry.body {
        MessageFact::Queued {
            person: Some(person),
            reservation,
            purpose,
            round,
            template,
            language,
            valid_until,
            ..
        } => Some((entry, person, reservation, purpose, round, template, language, valid_until)),
        _ => None,
    });
    let Some((entry, person, reservation, purpose, round, template, language, valid_until)) = queued else {
        return Ok(());
    };
    let created = entry.at.unix_ms;
    // Another row for the same purpose and round may stand already; the index keeps one.
    let mut insert = desk.db().prepare_cached(
        "INSERT INTO message(id, reservation, person_ref, purpose, round, template, language, text, fold, parts, state,
            cause, attempts, priority, created_ms, valid_until_ms, due_ms, changed_ms)
         VALUES (:id, :reservation, :person, :purpose, :round, :template, :language, '', 0, :parts, :state, :cause,
            :attempts, 2, :created, :valid, 0, :changed)
         ON CONFLICT DO NOTHING",
    )?;
    insert.execute(named_params! {
        ":id": id.to_string(), ":reservation": reservation.map(|r| r.to_string()), ":person": person.to_string(),
        ":purpose": purpose.as_str(), ":round": round, ":template": template.as_deref().unwrap_or_default(),
        ":language": language.as_str(), ":parts": told.parts, ":state": told.state.as_str(), ":cause": told.cause,
        ":attempts": told.attempts, ":created": created,
        ":valid": valid_until.map_or(created, |until| until.as_millisecond()),
        ":changed": log.last().map_or(created, |last| last.at.unix_ms),
    })?;
    Ok(())
}

/// A message that nobody can finish, for its text is gone. About an order, the reconciler makes a new one, in doubt from
/// the start.
fn give_up(desk: &mut Desk<'_, '_>, id: MessageId, state: MessageState) -> Result<(), ShopError> {
    if state == MessageState::Submitting {
        note(desk, id, &MessageFact::Unknown { message: id, cause: RESTORED.into() }, &Actor::system())?;
    }
    note(desk, id, &MessageFact::Superseded { message: id, because: RESTORED.into() }, &Actor::system())
}

/// A text that came in. What the box does not answer by itself waits for a person again: nobody knows whether one saw it.
fn put_received(desk: &Desk<'_, '_>, entry: &Entry<Received>) -> Result<(), ShopError> {
    let text = &entry.body;
    let person = text.person.map(|p| p.to_string());
    let done_by = matches!(text.meaning, Meaning::Here | Meaning::Status).then_some(AUTO);
    desk.db().execute(
        "INSERT INTO received(id, person_ref, sender, reservation, text, meaning, at_ms, done_by, done_ms)
         VALUES (?1, ?2, coalesce((SELECT phone FROM person WHERE person_ref = ?2), ''), ?3, ?4, ?5, ?6, ?7,
            CASE WHEN ?7 IS NULL THEN NULL ELSE ?6 END)
         ON CONFLICT DO NOTHING",
        params![
            text.message.to_string(),
            person,
            text.reservation.map(|r| r.to_string()),
            text.text,
            text.meaning.as_str(),
            entry.at.unix_ms,
            done_by
        ],
    )?;
    Ok(())
}
