//! What became of a submission: accepted, failed, unknown, late, reported. Each is one transaction of rows and events.
//!
//! A part is taken when one of its submissions is `sent` or `delivered`. A message is sent when each part is taken,
//! delivered when each part is; what the network or the phone says wins over what we believed.

use gsm_modem::engine::ReferenceMove;
use gsm_modem::failure::{Delivery, FailureCause, FailureClass, UnknownCause, delivery};
use gsm_modem::pdu::StatusReport;
use rusqlite::{Connection, Row, params};
use shop_model::event::{Actor, MessageFact, Settlement};
use shop_model::ids::MessageId;
use shop_model::message::MessageState;

use super::row::{self, MessageRow, change, note, put_due, put_state};
use crate::app::ShopError;
use crate::desk::Desk;

/// Tries after passing failures; then a person decides.
const PASSING_TRIES: u32 = 3;
/// After the engine was not ready, which costs nothing.
const NOT_READY_MS: i64 = 1_000;
/// A report is about a submission at most this far from the service centre's time; network and box may disagree about
/// their zones. Counts only with a trusted clock.
const REPORT_WINDOW_MS: i64 = 26 * 3_600_000;
/// Reports that overtake their answer and are kept; the oldest go first.
const EARLY_MOST: i64 = 500;
/// Digits by which numbers are compared: networks write them with and without the country.
const SAME_DIGITS: usize = 9;

/// A submission's row.
struct Submission {
    token: i64,
    message: MessageRow,
    part: u8,
    recipient: String,
    expected: Option<u8>,
    state: String,
    at_ms: i64,
}

fn find(db: &Connection, token: u64) -> Result<Option<Submission>, ShopError> {
    submissions(db, "s.token = ?1", [i64::try_from(token).unwrap_or(-1)]).map(|found| found.into_iter().next())
}

fn submissions(db: &Connection, which: &str, values: impl rusqlite::Params) -> Result<Vec<Submission>, ShopError> {
    let sql = format!(
        "SELECT {}, s.token, s.part, s.recipient, s.expected, s.state, s.at_ms
         FROM submission s JOIN message m ON m.id = s.message WHERE {which} ORDER BY s.token DESC",
        row::COLUMNS
    );
    let read = |row: &Row<'_>| {
        Ok(Submission {
            message: MessageRow::read(row)?,
            token: row.get(17)?,
            part: row.get(18)?,
            recipient: row.get(19)?,
            expected: row.get(20)?,
            state: row.get(21)?,
            at_ms: row.get(22)?,
        })
    };
    let mut rows = db.prepare_cached(&sql)?;
    let rows = rows.query_map(values, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn put(desk: &Desk<'_, '_>, of: &Submission, state: &str, cause: Option<&str>) -> Result<(), ShopError> {
    desk.db()
        .prepare_cached("UPDATE submission SET state = ?2, cause = ?3, settled_ms = ?4 WHERE token = ?1")?
        .execute(params![of.token, state, cause, desk.wall().unix_ms])?;
    Ok(())
}

/// The parts that the network has taken.
pub(super) fn taken_parts(db: &Connection, id: MessageId) -> Result<Vec<u8>, ShopError> {
    parts_in(db, id, "'sent', 'delivered'")
}

fn parts_in(db: &Connection, id: MessageId, states: &str) -> Result<Vec<u8>, ShopError> {
    let sql = format!("SELECT DISTINCT part FROM submission WHERE message = ?1 AND state IN ({states}) ORDER BY part");
    let mut rows = db.prepare_cached(&sql)?;
    let rows = rows.query_map([id.to_string()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The network took the part and called it `reference`; on time or late.
///
/// # Errors
/// The database's.
pub fn accepted(desk: &mut Desk<'_, '_>, token: u64, reference: u8) -> Result<(), ShopError> {
    let Some(of) = find(desk.db(), token)? else { return Ok(()) };
    desk.db()
        .prepare_cached("UPDATE submission SET reference = ?2 WHERE token = ?1")?
        .execute(params![of.token, reference])?;
    if of.state != "delivered" {
        put(desk, &of, "sent", None)?;
        note_taken(desk, &of)?;
    }
    settle(desk, of.message.id)?;
    take_early(desk, &of, reference)
}

/// Tells that the network took a part. Once a part of a long message has failed, parts told of before may not count
/// any more: then the whole is told when all of it is taken.
fn note_taken(desk: &mut Desk<'_, '_>, of: &Submission) -> Result<(), ShopError> {
    let id = of.message.id;
    let has_failed = of.message.parts > 1 && !parts_in(desk.db(), id, "'failed', 'not_sent'")?.is_empty();
    let all_taken = taken_parts(desk.db(), id)?.len() >= usize::from(of.message.parts);
    let part = match (has_failed, all_taken) {
        (true, false) => return Ok(()),
        (true, true) => None,
        (false, _) => of.message.part(of.part),
    };
    note(desk, id, &MessageFact::Sent { message: id, part }, &Actor::system())
}

/// Makes the message's state fit its parts after one of them got better.
fn settle(desk: &mut Desk<'_, '_>, id: MessageId) -> Result<(), ShopError> {
    let Some(message) = row::find(desk.db(), id)? else { return Ok(()) };
    let all = usize::from(message.parts);
    let delivered = parts_in(desk.db(), id, "'delivered'")?.len();
    let taken = taken_parts(desk.db(), id)?;
    let now = message.state;
    if delivered >= all {
        return if now == MessageState::Delivered {
            Ok(())
        } else {
            put_state(desk, &message, MessageState::Delivered, None)
        };
    }
    if taken.len() >= all {
        let better = now != MessageState::Sent && now != MessageState::Delivered;
        return if better { put_state(desk, &message, MessageState::Sent, None) } else { Ok(()) };
    }
    let open = parts_in(desk.db(), id, "'submitting', 'unknown'")?;
    let in_doubt = open.iter().any(|part| !taken.contains(part));
    if now == MessageState::Unknown && !in_doubt {
        // What was unknown is settled; the rest was never submitted.
        put_state(desk, &message, MessageState::Queued, None)?;
        put_due(desk, id, 0)?;
        note(desk, id, &message.queued(), &Actor::system())?;
        desk.app().sending_wake.notify_one();
    }
    Ok(())
}

/// The part was certainly not sent.
///
/// # Errors
/// The database's.
pub fn failed(desk: &mut Desk<'_, '_>, token: u64, class: FailureClass, cause: FailureCause) -> Result<(), ShopError> {
    let Some(of) = find(desk.db(), token)? else { return Ok(()) };
    let word = failure_word(cause);
    let now = desk.wall().unix_ms;
    match class {
        _ if cause == FailureCause::NotReady => {
            put(desk, &of, "not_sent", Some(&word))?;
            back_to_queue(desk, &of.message, &word, now + NOT_READY_MS)
        }
        FailureClass::Subscription => {
            // The SIM's fault, not the message's: it keeps its place.
            put(desk, &of, "not_sent", Some(&word))?;
            back_to_queue(desk, &of.message, &word, 0)
        }
        FailureClass::Passing => {
            put(desk, &of, "failed", Some(&word))?;
            let failures: u32 = desk
                .db()
                .prepare_cached(
                    "SELECT count(*) FROM submission WHERE message = ?1 AND part = ?2 AND state = 'failed'",
                )?
                .query_row(params![of.message.id.to_string(), of.part], |row| row.get(0))?;
            if failures >= PASSING_TRIES {
                return fail(desk, &of.message, &word);
            }
            let wait = desk.app().config.messages.retry_after_ms(failures);
            back_to_queue(desk, &of.message, &word, now.saturating_add(wait))
        }
        FailureClass::Recipient | FailureClass::Message => {
            put(desk, &of, "failed", Some(&word))?;
            fail(desk, &of.message, &word)
        }
    }
}

/// Puts a message that was not sent back. An earlier try in doubt stays visible as the cause.
fn back_to_queue(desk: &mut Desk<'_, '_>, message: &MessageRow, cause: &str, due_ms: i64) -> Result<(), ShopError> {
    if is_settled(desk, message)? {
        return Ok(());
    }
    note(desk, message.id, &MessageFact::Failed { message: message.id, cause: cause.to_owned() }, &Actor::system())?;
    note(desk, message.id, &message.queued(), &Actor::system())?;
    put_state(desk, message, MessageState::Queued, Some(cause))?;
    put_due(desk, message.id, due_ms)
}

/// Whether a report or a person has decided the message meanwhile.
fn is_settled(desk: &Desk<'_, '_>, message: &MessageRow) -> Result<bool, ShopError> {
    let state = row::find(desk.db(), message.id)?.map(|m| m.state);
    Ok(!matches!(state, Some(MessageState::Submitting | MessageState::Queued | MessageState::Held)))
}

/// A message that can't be sent. When an earlier try may have gone out, that is what a person must know.
pub(super) fn fail(desk: &mut Desk<'_, '_>, message: &MessageRow, cause: &str) -> Result<(), ShopError> {
    if is_settled(desk, message)? {
        return Ok(());
    }
    let taken = taken_parts(desk.db(), message.id)?;
    let in_doubt = parts_in(desk.db(), message.id, "'unknown'")?.iter().any(|part| !taken.contains(part));
    let cause = cause.to_owned();
    if in_doubt {
        desk.db().execute("UPDATE message SET attempts = max(attempts, 2) WHERE id = ?1", [message.id.to_string()])?;
        let fact = MessageFact::Unknown { message: message.id, cause: cause.clone() };
        return change(desk, message, MessageState::Unknown, Some(&cause), &fact);
    }
    let fact = MessageFact::Failed { message: message.id, cause: cause.clone() };
    change(desk, message, MessageState::Failed, Some(&cause), &fact)
}

/// Nobody knows whether the part was sent.
///
/// # Errors
/// The database's.
pub fn unknown(desk: &mut Desk<'_, '_>, token: u64, cause: &str) -> Result<(), ShopError> {
    let Some(of) = find(desk.db(), token)? else { return Ok(()) };
    if of.state == "submitting" {
        put(desk, &of, "unknown", Some(cause))?;
    }
    let message = row::find(desk.db(), of.message.id)?.unwrap_or_else(|| of.message.clone());
    if message.state == MessageState::Submitting {
        desk.db().execute("UPDATE message SET attempts = attempts + 1 WHERE id = ?1", [message.id.to_string()])?;
        let fact = MessageFact::Unknown { message: message.id, cause: cause.to_owned() };
        change(desk, &message, MessageState::Unknown, Some(cause), &fact)?;
    }
    match of.expected {
        Some(expected) => take_early(desk, &of, expected),
        None => Ok(()),
    }
}

/// What the SIM says of an unknown submission. Moved: it was tried, still unknown. Not moved: it was not sent.
///
/// # Errors
/// The database's.
pub fn reference_check(desk: &mut Desk<'_, '_>, token: u64, moved: ReferenceMove) -> Result<(), ShopError> {
    let Some(of) = find(desk.db(), token)?.filter(|of| of.state == "unknown") else { return Ok(()) };
    if moved == ReferenceMove::Moved {
        return put(desk, &of, "unknown", Some("reference-moved"));
    }
    put(desk, &of, "not_sent", Some("reference-not-moved"))?;
    if of.message.state == MessageState::Unknown {
        desk.db()
            .execute("UPDATE message SET attempts = max(attempts - 1, 0) WHERE id = ?1", [of.message.id.to_string()])?;
        let taken = taken_parts(desk.db(), of.message.id)?;
        let in_doubt = parts_in(desk.db(), of.message.id, "'unknown'")?.iter().any(|part| !taken.contains(part));
        if !in_doubt {
            let fact =
                MessageFact::Settled { message: of.message.id, settled_as: Settlement::Queued, by: "sim".into() };
            change(desk, &of.message, MessageState::Queued, None, &fact)?;
            put_due(desk, of.message.id, 0)?;
        }
    }
    Ok(())
}

/// A delivery report. Matched on reference, number and time; one that fits nothing yet is kept, for it may have
/// overtaken the answer to its submission.
///
/// # Errors
/// The database's.
pub fn report(desk: &mut Desk<'_, '_>, report: &StatusReport) -> Result<(), ShopError> {
    let candidates = submissions(
        desk.db(),
        "coalesce(s.reference, CASE WHEN s.state = 'unknown' THEN s.expected END) = ?1
         AND s.state IN ('sent', 'unknown', 'delivered', 'failed')",
        [report.reference],
    )?;
    let trusted = desk.wall().quality.decides_deadlines();
    let distance = |of: &Submission| (of.at_ms - report.scts).abs();
    let fits = |of: &&Submission| {
        same_number(&of.recipient, &report.recipient.number) && (!trusted || distance(of) <= REPORT_WINDOW_MS)
    };
    match candidates.iter().filter(fits).min_by_key(|of| distance(of)) {
        Some(of) => apply_report(desk, of, report.status),
        None => keep_early(desk, report),
    }
}

fn keep_early(desk: &Desk<'_, '_>, report: &StatusReport) -> Result<(), ShopError> {
    desk.db().execute(
        "INSERT INTO report_early(reference, recipient, status, taken_ms, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![report.reference, *report.recipient.number, report.status, report.scts, desk.wall().unix_ms],
    )?;
    desk.db().execute("DELETE FROM report_early WHERE id <= (SELECT max(id) FROM report_early) - ?1", [EARLY_MOST])?;
    Ok(())
}

/// The report that came before the answer, if one did.
fn take_early(desk: &mut Desk<'_, '_>, of: &Submission, reference: u8) -> Result<(), ShopError> {
    let early: Vec<(i64, String, u8)> = {
        let mut rows = desk.db().prepare_cached(
            "SELECT id, recipient, status FROM report_early WHERE reference = ?1 AND at_ms >= ?2 ORDER BY id",
        )?;
        let rows = rows.query_map(params![reference, of.at_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (id, _, status) in early.into_iter().filter(|(_, number, _)| same_number(&of.recipient, number)) {
        desk.db().execute("DELETE FROM report_early WHERE id = ?1", [id])?;
        let Some(now) = find(desk.db(), u64::try_from(of.token).unwrap_or(0))? else { return Ok(()) };
        apply_report(desk, &now, status)?;
    }
    Ok(())
}

fn apply_report(desk: &mut Desk<'_, '_>, of: &Submission, status: u8) -> Result<(), ShopError> {
    let id = of.message.id;
    match delivery(status) {
        Delivery::Trying => Ok(()),
        Delivery::Done if of.state == "delivered" => Ok(()),
        Delivery::Done => {
            put(desk, of, "delivered", None)?;
            if of.state != "sent" {
                // What the phone has the network has taken, whatever we believed.
                note_taken(desk, of)?;
            }
            note(desk, id, &MessageFact::Delivered { message: id, part: of.message.part(of.part) }, &Actor::system())?;
            settle(desk, id)
        }
        // The phone has it; a second report can't take it back.
        Delivery::Failed(_) if of.state == "delivered" => Ok(()),
        Delivery::Failed(_) => {
            let cause = format!("tp-st-{status}");
            put(desk, of, "failed", Some(&cause))?;
            let may_fail = matches!(
                of.message.state,
                MessageState::Sent
                    | MessageState::Unknown
                    | MessageState::Submitting
                    | MessageState::Queued
                    | MessageState::Held
            );
            if may_fail {
                let fact = MessageFact::Failed { message: id, cause: cause.clone() };
                change(desk, &of.message, MessageState::Failed, Some(&cause), &fact)?;
            }
            Ok(())
        }
    }
}

/// Whether two ways of writing mean one number.
fn same_number(ours: &str, theirs: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let tail = |digits: String| digits[digits.len().saturating_sub(SAME_DIGITS)..].to_owned();
    let (ours, theirs) = (tail(digits(ours)), tail(digits(theirs)));
    !ours.is_empty() && ours == theirs
}

/// The word for a failure, as rows and events have it.
pub fn failure_word(cause: FailureCause) -> String {
    match cause {
        FailureCause::Cms(code) => format!("cms-{code}"),
        FailureCause::Cme(code) => format!("cme-{code}"),
        FailureCause::Error => "error".into(),
        FailureCause::NoPrompt => "no-prompt".into(),
        FailureCause::NotReady => "not-ready".into(),
    }
}

/// The word for not knowing, as rows and events have it.
pub fn unknown_word(cause: UnknownCause) -> String {
    match cause {
        UnknownCause::NoAnswer => "no-answer".into(),
        UnknownCause::Cms(code) => format!("cms-{code}"),
        UnknownCause::Cme(code) => format!("cme-{code}"),
        UnknownCause::Error => "error".into(),
        UnknownCause::TornAnswer => "torn-answer".into(),
        UnknownCause::ModemRestarted => "modem-restarted".into(),
        UnknownCause::PortClosed => "port-closed".into(),
        UnknownCause::AnswerOfAnother => "answer-of-another".into(),
    }
}
