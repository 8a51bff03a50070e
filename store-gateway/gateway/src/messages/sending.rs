//! Takes the next part from the queue and writes down that it is being submitted, before the modem hears of it.

use std::time::Duration;

use gsm_modem::engine::Unsettled;
use gsm_modem::pdu::{Report, SubmitPdu, SubmitRequest, encode_submit};
use gsm_modem::{ExpectedReference, MoreToSend, Private};
use rusqlite::{OptionalExtension as _, params};
use shop_model::event::MessageFact;
use shop_model::message::MessageState;
use shop_model::template::finish;

use super::plan::{expire, keep_quiet};
use super::row::{self, MessageRow, change, note, put_state};
use super::{may_act, outcome};
use crate::app::ShopError;
use crate::desk::Desk;

/// Messages that can't be sent at all (no number, no code) and are put aside on the way to one that can.
const LOOKS: usize = 32;
/// The service centre keeps trying at least and at most so long (TS 23.040 §9.2.3.12.1 knows 5 minutes and more).
const VALIDITY_LEAST: Duration = Duration::from_secs(300);
const VALIDITY_MOST: Duration = Duration::from_secs(7 * 86_400);

/// A part whose submission is committed.
#[derive(Debug)]
pub struct Picked {
    /// Names the submission.
    pub token: u64,
    /// Octets without the service centre's.
    pub length: usize,
    /// The PDU.
    pub hex: Private<String>,
    /// Whether more waits behind it.
    pub more: MoreToSend,
}

/// Picks the next part (the rest of a message under way; else by priority, then due, then age) and writes its row
/// `submitting`. `None` when nothing is due, or when this box may not act.
///
/// # Errors
/// The database's.
pub fn pick(desk: &mut Desk<'_, '_>, expected: ExpectedReference) -> Result<Option<Picked>, ShopError> {
    if !may_act(desk.app()) {
        return Ok(None);
    }
    keep_quiet(desk)?;
    for _ in 0..LOOKS {
        let Some(message) = next(desk)? else { return Ok(None) };
        let is_late = message.state != MessageState::Submitting && message.valid_until_ms <= desk.wall().unix_ms;
        if is_late && desk.wall().quality.decides_deadlines() {
            expire(desk, &message)?;
            continue;
        }
        match prepare(desk, &message)? {
            Ok((recipient, pdu)) => return submit(desk, &message, &recipient, pdu, expected).map(Some),
            Err(cause) => outcome::fail(desk, &message, cause)?,
        }
    }
    Ok(None)
}

/// A message of several parts is finished before another begins, so that no phone waits for the rest.
fn next(desk: &Desk<'_, '_>) -> Result<Option<MessageRow>, ShopError> {
    let under_way = row::select(
        desk.db(),
        "WHERE m.state = 'submitting'
           AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.message = m.id AND s.state = 'submitting')
         ORDER BY m.changed_ms LIMIT 1",
        [],
    )?;
    if let Some(message) = under_way.into_iter().next() {
        return Ok(Some(message));
    }
    let waiting = row::select(
        desk.db(),
        "WHERE m.state IN ('queued', 'held') AND m.due_ms <= ?1
         ORDER BY m.priority, m.due_ms, m.created_ms, m.id LIMIT 1",
        [desk.wall().unix_ms],
    )?;
    Ok(waiting.into_iter().next())
}

/// The recipient and the PDU of the lowest part that the network has not taken, or why there is none.
fn prepare(desk: &Desk<'_, '_>, message: &MessageRow) -> Result<Result<(String, SubmitPdu), &'static str>, ShopError> {
    let mut phone = desk.db().prepare_cached("SELECT phone FROM person WHERE person_ref = ?1")?;
    let phone: Option<String> = phone.query_row([message.person.to_string()], |row| row.get(0)).optional()?;
    let Some(number) = phone.filter(|p| !p.is_empty()) else { return Ok(Err("no-number")) };
    let mut text = message.text.clone();
    if text.contains("{code}") {
        let code = message.reservation.map(|id| desk.reveal_code(id)).transpose()?.flatten();
        let Some(code) = code else { return Ok(Err("no-code")) };
        text = finish(&text, &code);
    }
    let request = SubmitRequest {
        fold: message.fold.into(),
        report: Report::Request,
        validity: validity(desk, message),
        reference: message.concat,
        ..SubmitRequest::new(&number, text)
    };
    let Ok(pdus) = encode_submit(&request) else { return Ok(Err("encoding")) };
    if pdus.len() != usize::from(message.parts) {
        desk.db().execute(
            "UPDATE message SET parts = ?2 WHERE id = ?1",
            params![message.id.to_string(), i64::try_from(pdus.len()).unwrap_or(i64::MAX)],
        )?;
    }
    let taken = outcome::taken_parts(desk.db(), message.id)?;
    let rest = pdus.into_iter().find(|pdu| !taken.contains(&pdu.part));
    Ok(rest.map(|pdu| (number, pdu)).ok_or("all-taken"))
}

/// An uncertain clock may see a deadline that has not come: then the service centre's own period serves.
fn validity(desk: &Desk<'_, '_>, message: &MessageRow) -> Option<Duration> {
    let left = u64::try_from(message.valid_until_ms - desk.wall().unix_ms).ok()?;
    Some(Duration::from_millis(left).clamp(VALIDITY_LEAST, VALIDITY_MOST))
}

fn submit(
    desk: &mut Desk<'_, '_>,
    message: &MessageRow,
    recipient: &str,
    pdu: SubmitPdu,
    expected: ExpectedReference,
) -> Result<Picked, ShopError> {
    let expected = match expected {
        ExpectedReference::Known(reference) => Some(reference),
        ExpectedReference::Unread => None,
    };
    let attempt: u32 = desk
        .db()
        .prepare_cached("SELECT coalesce(max(attempt), 0) + 1 FROM submission WHERE message = ?1 AND part = ?2")?
        .query_row(params![message.id.to_string(), pdu.part], |row| row.get(0))?;
    let token = {
        let mut insert = desk.db().prepare_cached(
            "INSERT INTO submission(message, part, attempt, recipient, expected, state, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 'submitting', ?6) RETURNING token",
        )?;
        let row = params![message.id.to_string(), pdu.part, attempt, recipient, expected, desk.wall().unix_ms];
        insert.query_row(row, |row| row.get::<_, i64>(0))?
    };
    let fact = MessageFact::Submitted { message: message.id, part: u32::from(pdu.part), reference: expected };
    if message.state == MessageState::Submitting {
        note(desk, message.id, &fact, &shop_model::event::Actor::system())?;
        put_state(desk, message, MessageState::Submitting, None)?;
    } else {
        change(desk, message, MessageState::Submitting, None, &fact)?;
    }
    let more = if pdu.part < pdu.parts || next(desk)?.is_some() { MoreToSend::Yes } else { MoreToSend::No };
    let token = u64::try_from(token).map_err(|e| ShopError::Corrupt(e.to_string()))?;
    Ok(Picked { token, length: pdu.length, hex: pdu.hex, more })
}

/// At the start: what an earlier run left in `submitting` is unknown now. The newest of them is the engine's, which
/// starts within its quiet window.
///
/// # Errors
/// The database's.
pub fn settle_earlier_run(desk: &mut Desk<'_, '_>) -> Result<Option<Unsettled>, ShopError> {
    let left: Vec<(i64, Option<u8>)> = {
        let mut rows =
            desk.db().prepare("SELECT token, expected FROM submission WHERE state = 'submitting' ORDER BY token")?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut newest = None;
    for (token, expected) in left {
        let token = u64::try_from(token).map_err(|e| ShopError::Corrupt(e.to_string()))?;
        outcome::unknown(desk, token, "restart")?;
        let expected = expected.map_or(ExpectedReference::Unread, ExpectedReference::Known);
        newest = Some(Unsettled { token, expected });
    }
    Ok(newest)
}
