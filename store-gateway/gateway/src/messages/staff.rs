//! What staff do with messages: write one, see what it costs, decide an unknown one, hold one back, send one again,
//! and deal with texts that came in.

use gsm_modem::pdu::SegmentError;
use rusqlite::{OptionalExtension as _, params};
use shop_model::event::{MessageFact, Settlement};
use shop_model::ids::{MessageId, PersonRef, ReservationId};
use shop_model::language::Language;
use shop_model::message::{MessageState, Purpose};
use shop_model::person::{Channel, Personal};
use shop_model::phone::Phone;
use store_daemon::writer::Lane;

use super::compose::{Fold, OrderRow, cut};
use super::row::{self, Draft, Start, insert, note, put_due, put_state};
use crate::app::{App, ShopError};
use crate::desk::{Desk, Who};
use crate::live::Live;

/// Parts of a text that staff write.
const STAFF_PARTS: usize = 6;
/// A text of staff that could not go out for this long is not sent.
const STAFF_VALID_MS: i64 = 24 * 3_600_000;
/// The alert under which a paused SIM stands; clearing it lets the modem go on.
pub(crate) const PAUSED: (&str, &str) = ("modem-paused", "sim");

/// A text that can't be sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is written.
    #[error("the text is empty")]
    Empty,
    /// Too long.
    #[error("the text takes {parts} SMS parts, {STAFF_PARTS} are allowed")]
    TooLong {
        /// How many it takes.
        parts: usize,
    },
    /// The customer has no number (any more).
    #[error("there is no number to write to")]
    NoNumber,
    /// There is no such message or text.
    #[error("there is no such message")]
    NotFound,
    /// The message's state does not allow it.
    #[error("the message is {}", state.as_str())]
    WrongState {
        /// Its state.
        state: MessageState,
    },
}

/// What a text would cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// As it would go out.
    pub text: String,
    /// `gsm7` or `ucs2`.
    pub encoding: &'static str,
    /// Characters as the network counts them.
    pub units: usize,
    /// SMS parts.
    pub parts: usize,
    /// Units left in the last part.
    pub left: usize,
}

/// Counts a text.
///
/// # Errors
/// [`TextError`] when it is empty or too long.
pub fn preview(text: &str, fold: impl Into<Fold>) -> Result<Preview, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let segments = cut(text, fold.into()).map_err(|e| match e {
        SegmentError::TooManyParts { parts, .. } => TextError::TooLong { parts },
        SegmentError::NotInAlphabet { .. } => TextError::Empty,
    })?;
    let parts = segments.parts.len();
    if parts > STAFF_PARTS {
        return Err(TextError::TooLong { parts });
    }
    Ok(Preview {
        text: segments.parts.iter().map(|part| part.text.as_str()).collect(),
        encoding: segments.encoding.as_str(),
        units: segments.units(),
        parts,
        left: segments.units_left(),
    })
}

/// Queues a text from staff to an order's phone. Braces mean nothing in it: no code can be asked for.
///
/// # Errors
/// The database's; the inner one is about the text.
pub fn enqueue_staff_text(
    desk: &mut Desk<'_, '_>,
    id: ReservationId,
    text: &str,
    fold: impl Into<Fold>,
    who: &Who,
) -> Result<Result<MessageId, TextError>, ShopError> {
    let Some(order) = OrderRow::find(desk.db(), id)? else { return Ok(Err(TextError::NoNumber)) };
    let queued = enqueue(desk, Some(order.id), order.person, order.language, text, fold.into(), who)?;
    if queued.is_ok() {
        desk.audit(who, "message.queued", &id.to_string())?;
    }
    Ok(queued)
}

fn enqueue(
    desk: &mut Desk<'_, '_>,
    reservation: Option<ReservationId>,
    person: PersonRef,
    language: Language,
    text: &str,
    fold: Fold,
    who: &Who,
) -> Result<Result<MessageId, TextError>, ShopError> {
    let text = text.replace('{', "(").replace('}', ")");
    let cost = match preview(&text, fold) {
        Ok(cost) => cost,
        Err(e) => return Ok(Err(e)),
    };
    let draft = Draft {
        reservation,
        person,
        purpose: Purpose::Staff,
        round: 0,
        template: String::new(),
        language,
        text: text.trim().to_owned(),
        fold,
        parts: u8::try_from(cost.parts).unwrap_or(u8::MAX),
        valid_until_ms: desk.wall().unix_ms + STAFF_VALID_MS,
    };
    let id = insert(desk, draft, &who.actor, Start::Queued)?;
    desk.app().sending_wake.notify_one();
    Ok(Ok(id))
}

/// Answers a text that came in, and marks it as dealt with. An unknown number becomes a person without a name here,
/// because a message needs somebody to go to.
///
/// # Errors
/// The database's; the inner one is about the text.
pub fn reply_to_text(
    desk: &mut Desk<'_, '_>,
    received: MessageId,
    text: &str,
    fold: impl Into<Fold>,
    who: &Who,
) -> Result<Result<MessageId, TextError>, ShopError> {
    let found: Option<(Option<String>, String, Option<ReservationId>)> = desk
        .db()
        .prepare_cached("SELECT person_ref, sender, reservation FROM received WHERE id = ?1")?
        .query_row([received.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row::reservation(row, 2)?)))
        .optional()?;
    let Some((person, sender, reservation)) = found else { return Ok(Err(TextError::NotFound)) };
    let person = match person {
        Some(person) => PersonRef::parse(&person).map_err(|e| ShopError::Corrupt(e.to_string()))?,
        None => match nameless(desk, received, &sender)? {
            Some(person) => person,
            None => return Ok(Err(TextError::NoNumber)),
        },
    };
    let language: Option<Language> = desk
        .db()
        .prepare_cached("SELECT language FROM person WHERE person_ref = ?1")?
        .query_row([person.to_string()], |row| row::word(row, 0, Language::parse))
        .optional()?;
    let Some(language) = language else { return Ok(Err(TextError::NoNumber)) };
    let queued = enqueue(desk, reservation, person, language, text, fold.into(), who)?;
    if queued.is_ok() {
        put_done(desk, received, &who.actor.id)?;
    }
    Ok(queued)
}

fn nameless(desk: &mut Desk<'_, '_>, received: MessageId, sender: &str) -> Result<Option<PersonRef>, ShopError> {
    let Ok(phone) = Phone::parse(sender) else { return Ok(None) };
    let person = PersonRef::from_bytes(desk.new_id());
    let language = desk.app().config.store.language;
    desk.put_person(person, &Personal { name: String::new(), phone, email: None, language, channel: Channel::Sms })?;
    desk.db().execute(
        "UPDATE received SET person_ref = ?2 WHERE id = ?1",
        params![received.to_string(), person.to_string()],
    )?;
    Ok(Some(person))
}

/// Marks a text as dealt with.
///
/// # Errors
/// The database's; the inner one when there is no such text.
pub fn mark_text_done(desk: &mut Desk<'_, '_>, id: MessageId, who: &Who) -> Result<Result<(), TextError>, ShopError> {
    let known = desk.db().prepare_cached("SELECT 1 FROM received WHERE id = ?1")?.exists([id.to_string()])?;
    if !known {
        return Ok(Err(TextError::NotFound));
    }
    put_done(desk, id, &who.actor.id).map(Ok)
}

/// Writes down who dealt with a text; whoever was first stays.
pub(super) fn put_done(desk: &mut Desk<'_, '_>, id: MessageId, by: &str) -> Result<(), ShopError> {
    desk.db().execute(
        "UPDATE received SET done_by = ?2, done_ms = ?3 WHERE id = ?1 AND done_by IS NULL",
        params![id.to_string(), by, desk.wall().unix_ms],
    )?;
    desk.tell(Live::Texts);
    desk.tell(Live::Pill);
    Ok(())
}

/// What a person decided about an unknown message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The customer has it (or it went out).
    Sent,
    /// It did not go out: send it.
    NotSent,
}

/// Decides an unknown message.
///
/// # Errors
/// The database's; the inner one when it is not unknown.
pub fn settle(
    desk: &mut Desk<'_, '_>,
    id: MessageId,
    how: Settle,
    who: &Who,
) -> Result<Result<(), TextError>, ShopError> {
    let Some(message) = row::find(desk.db(), id)? else { return Ok(Err(TextError::NotFound)) };
    if message.state != MessageState::Unknown {
        return Ok(Err(TextError::WrongState { state: message.state }));
    }
    let settled_as = match how {
        Settle::Sent => Settlement::Sent,
        Settle::NotSent => Settlement::Queued,
    };
    let (part_state, state) = match how {
        Settle::Sent => ("sent", MessageState::Sent),
        Settle::NotSent => ("not_sent", MessageState::Queued),
    };
    desk.db().execute(
        "UPDATE submission SET state = ?2, settled_ms = ?3 WHERE message = ?1 AND state = 'unknown'",
        params![id.to_string(), part_state, desk.wall().unix_ms],
    )?;
    put_state(desk, &message, state, None)?;
    put_due(desk, id, 0)?;
    let fact = MessageFact::Settled { message: id, settled_as, by: who.actor.id.clone() };
    note(desk, id, &fact, &who.actor)?;
    desk.audit(who, "message.settled", &id.to_string())?;
    desk.app().sending_wake.notify_one();
    desk.tell(Live::Pill);
    Ok(Ok(()))
}

/// Keeps a waiting message back until somebody sends it.
///
/// # Errors
/// The database's; the inner one when it does not wait.
pub fn hold(desk: &mut Desk<'_, '_>, id: MessageId, who: &Who) -> Result<Result<(), TextError>, ShopError> {
    let Some(message) = row::find(desk.db(), id)? else { return Ok(Err(TextError::NotFound)) };
    match message.state {
        MessageState::Queued => {
            let fact = MessageFact::Held { message: id, because: "staff".into() };
            put_state(desk, &message, MessageState::Held, Some("staff"))?;
            note(desk, id, &fact, &who.actor)?;
        }
        MessageState::Held => {}
        state => return Ok(Err(TextError::WrongState { state })),
    }
    put_due(desk, id, i64::MAX)?;
    desk.audit(who, "message.held", &id.to_string())?;
    Ok(Ok(()))
}

/// Sends a held or failed message after all, with all its tries.
///
/// # Errors
/// The database's; the inner one when it is neither.
pub fn requeue(desk: &mut Desk<'_, '_>, id: MessageId, who: &Who) -> Result<Result<(), TextError>, ShopError> {
    let Some(message) = row::find(desk.db(), id)? else { return Ok(Err(TextError::NotFound)) };
    if !matches!(message.state, MessageState::Held | MessageState::Failed) {
        return Ok(Err(TextError::WrongState { state: message.state }));
    }
    desk.db().execute(
        "UPDATE submission SET state = 'not_sent' WHERE message = ?1 AND state = 'failed'",
        [id.to_string()],
    )?;
    put_state(desk, &message, MessageState::Queued, None)?;
    put_due(desk, id, 0)?;
    note(desk, id, &message.queued(), &who.actor)?;
    desk.audit(who, "message.requeued", &id.to_string())?;
    desk.app().sending_wake.notify_one();
    Ok(Ok(()))
}

/// Lets a paused SIM send again: somebody has seen to it.
///
/// # Errors
/// The database's.
pub async fn resume_sending(app: &App, who: Who) -> Result<(), ShopError> {
    app.work(Lane::Work, move |desk| {
        desk.clear_alert(PAUSED.0, PAUSED.1)?;
        desk.audit(&who, "modem.resumed", "sim")
    })
    .await?;
    app.sending_wake.notify_one();
    Ok(())
}
