//! Messages and texts as pages and the API show them. The code is masked; the history comes from the log.

use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};
use shop_model::event::{Entry, MessageFact};
use shop_model::ids::{MessageId, PersonRef, ReservationId};
use shop_model::message::{MessageState, Purpose};
use shop_model::template::masked;
use store_daemon::ledger::SqlLedger;

use super::compose::timestamp;
use super::row::{COLUMNS, MessageRow, word};
use crate::app::{SCOPE, ShopError};
use crate::facts;

/// Rows of a list at most.
const LIST_MOST: u32 = 500;

/// Which messages a list shows.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only this state.
    pub state: Option<String>,
    /// Only about this order number.
    pub order: Option<String>,
    /// After this row: (created, id).
    pub after: Option<(i64, String)>,
    /// At most so many.
    pub limit: u32,
}

/// A page of messages, oldest first.
pub struct Page {
    /// The messages.
    pub items: Vec<MessageView>,
    /// Where the next page begins: (created, id).
    pub next: Option<(i64, String)>,
}

/// A message with its history. Holds a customer's text.
#[derive(Clone)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// The order's number.
    pub order: Option<String>,
    /// The order's id.
    pub reservation: Option<ReservationId>,
    /// To whom.
    pub person: PersonRef,
    /// Initials of the recipient; empty when nobody is known.
    pub initials: String,
    /// Last three digits of the recipient's number.
    pub last3: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The template; empty for a text of staff.
    pub template: String,
    /// Its state.
    pub state: MessageState,
    /// Why it failed or is unknown or held.
    pub cause: Option<String>,
    /// The text; the code is shown as ••••••.
    pub text: String,
    /// SMS parts.
    pub parts: u8,
    /// Times that its outcome became unknown.
    pub unknowns: u32,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When its state last changed.
    pub changed_ms: i64,
    /// Not sent after.
    pub valid_until_ms: i64,
    /// What happened, oldest first.
    pub history: Vec<HistoryItem>,
}

/// One step of a message's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryItem {
    /// What happened: the event's type without `message.`.
    pub what: &'static str,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Which part, when it is about one.
    pub part: Option<u32>,
    /// Why.
    pub cause: Option<String>,
    /// Who, when it was a person.
    pub by: Option<String>,
}

impl HistoryItem {
    fn of(entry: &Entry<MessageFact>) -> HistoryItem {
        let by = (entry.actor.kind == shop_model::event::ActorKind::Staff).then(|| entry.actor.id.clone());
        let (what, part, cause) = match &entry.body {
            MessageFact::Queued { .. } => ("queued", None, None),
            MessageFact::Held { because, .. } => ("held", None, Some(because.clone())),
            MessageFact::Submitted { part, .. } => ("submitted", Some(*part), None),
            MessageFact::Sent { part, .. } => ("sent", *part, None),
            MessageFact::Delivered { part, .. } => ("delivered", *part, None),
            MessageFact::Failed { cause, .. } => ("failed", None, Some(cause.clone())),
            MessageFact::Unknown { cause, .. } => ("unknown", None, Some(cause.clone())),
            MessageFact::Settled { settled_as, .. } => ("settled", None, Some(settled_as.as_str().to_owned())),
            MessageFact::Expired { .. } => ("expired", None, None),
            MessageFact::Superseded { because, .. } => ("superseded", None, Some(because.clone())),
        };
        HistoryItem { what, at_ms: entry.at.unix_ms, part, cause, by }
    }

    /// The message's state after it, in the words of the message's own `state`.
    fn state(&self) -> Option<&str> {
        match self.what {
            "submitted" => Some("submitting"),
            "settled" => self.cause.as_deref(),
            // A part of a long message says nothing about the whole.
            "sent" | "delivered" if self.part.is_some() => None,
            state => Some(state),
        }
    }

    fn to_json(&self) -> Value {
        json!({ "what": self.what, "state": self.state(), "at": rfc3339(self.at_ms), "part": self.part, "cause": self.cause, "by": self.by })
    }
}

fn rfc3339(ms: i64) -> String {
    format!("{:.3}", timestamp(ms))
}

impl MessageView {
    /// As the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "order": self.order,
            "reservation": self.reservation.map(|id| id.to_string()),
            "person_ref": self.person.to_string(),
            "purpose": self.purpose.as_str(),
            "template": (!self.template.is_empty()).then_some(&self.template),
            "state": self.state.as_str(),
            "cause": self.cause,
            "text": self.text,
            "parts": self.parts,
            "created_at": rfc3339(self.created_ms),
            "changed_at": rfc3339(self.changed_ms),
            "valid_until": rfc3339(self.valid_until_ms),
            "history": self.history.iter().map(HistoryItem::to_json).collect::<Vec<_>>(),
        })
    }
}

/// Columns beside [`COLUMNS`], and the joins that they need.
const VIEW: &str = "r.number, p.initials, p.last3 FROM message m
    LEFT JOIN reservation r ON r.id = m.reservation LEFT JOIN person p ON p.person_ref = m.person_ref";

fn view(db: &Connection, row: &Row<'_>) -> Result<MessageView, ShopError> {
    let m = MessageRow::read(row)?;
    let log = facts::message_log(&SqlLedger::new(db, SCOPE), m.id)?;
    Ok(MessageView {
        id: m.id,
        order: row.get(17)?,
        reservation: m.reservation,
        person: m.person,
        initials: row.get::<_, Option<String>>(18)?.unwrap_or_default(),
        last3: row.get::<_, Option<String>>(19)?.unwrap_or_default(),
        purpose: m.purpose,
        template: m.template,
        state: m.state,
        cause: m.cause,
        text: masked(&m.text),
        parts: m.parts,
        unknowns: m.attempts,
        created_ms: m.created_ms,
        changed_ms: m.changed_ms,
        valid_until_ms: m.valid_until_ms,
        history: log.iter().map(HistoryItem::of).collect(),
    })
}

fn views(db: &Connection, tail: &str, values: impl rusqlite::Params) -> Result<Vec<MessageView>, ShopError> {
    let mut rows = db.prepare_cached(&format!("SELECT {COLUMNS}, {VIEW} {tail}"))?;
    let mut rows = rows.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(view(db, row)?);
    }
    Ok(found)
}

/// A page of messages, oldest first.
///
/// # Errors
/// The database's.
pub fn page(db: &Connection, wanted: &Wanted) -> Result<Page, ShopError> {
    let limit = wanted.limit.clamp(1, LIST_MOST);
    let (after_ms, after_id) = wanted.after.clone().unzip();
    let mut items = views(
        db,
        "WHERE (?1 IS NULL OR m.state = ?1) AND (?2 IS NULL OR r.number = ?2)
           AND (?3 IS NULL OR (m.created_ms, m.id) > (?3, ?4))
         ORDER BY m.created_ms, m.id LIMIT ?5",
        params![wanted.state, wanted.order, after_ms, after_id, limit + 1],
    )?;
    let is_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let last = items.last().map(|item| (item.created_ms, item.id.to_string()));
    Ok(Page { next: last.filter(|_| is_more), items })
}

/// One message.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, id: MessageId) -> Result<Option<MessageView>, ShopError> {
    Ok(views(db, "WHERE m.id = ?1", [id.to_string()])?.into_iter().next())
}

/// Which messages a page's section shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Unknown ones that somebody can still decide: they are of use until `valid_until`.
    Unknown,
    /// Failed ones that could still be sent.
    Failed,
    /// Waiting and under way.
    Queue,
}

/// A section of the messages page at `now_ms`, oldest first.
///
/// # Errors
/// The database's.
pub fn list(db: &Connection, which: Filter, now_ms: i64, limit: u32) -> Result<Vec<MessageView>, ShopError> {
    let states = match which {
        Filter::Unknown => "m.state = 'unknown' AND m.valid_until_ms > ?1",
        Filter::Failed => "m.state = 'failed' AND m.valid_until_ms > ?1",
        Filter::Queue => "m.state IN ('queued', 'held', 'submitting') AND ?1 IS NOT NULL",
    };
    views(db, &format!("WHERE {states} ORDER BY m.priority, m.created_ms, m.id LIMIT ?2"), params![now_ms, limit])
}

/// What the pill counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Texts that need a person.
    pub texts: u32,
    /// Unknown messages that somebody can still decide.
    pub unknown: u32,
    /// Failed messages that could still be sent.
    pub failed: u32,
    /// Waiting and under way.
    pub queue: u32,
}

/// Counts what waits, at `now_ms`.
///
/// # Errors
/// The database's.
pub fn counts(db: &Connection, now_ms: i64) -> Result<Counts, ShopError> {
    let mut count = db.prepare_cached(
        "SELECT (SELECT count(*) FROM received WHERE done_by IS NULL),
                count(*) FILTER (WHERE state = 'unknown' AND valid_until_ms > ?1),
                count(*) FILTER (WHERE state = 'failed' AND valid_until_ms > ?1),
                count(*) FILTER (WHERE state IN ('queued', 'held', 'submitting'))
         FROM message WHERE state IN ('unknown', 'failed', 'queued', 'held', 'submitting')",
    )?;
    let counted = count.query_row([now_ms], |row| {
        Ok(Counts { texts: row.get(0)?, unknown: row.get(1)?, failed: row.get(2)?, queue: row.get(3)? })
    });
    Ok(counted?)
}

/// A text that came in. Personal: no `Debug`.
#[derive(Clone)]
pub struct TextView {
    /// Its id.
    pub id: MessageId,
    /// The order that it seems to be about.
    pub order: Option<String>,
    /// Initials; empty when nobody is known.
    pub initials: String,
    /// Last three digits, or the name that the network gave.
    pub last3: String,
    /// What was written.
    pub text: String,
    /// What it was taken to mean.
    pub meaning: String,
    /// When it came.
    pub at_ms: i64,
    /// Who dealt with it.
    pub done_by: Option<String>,
}

const TEXT_COLUMNS: &str =
    "t.id, r.number, p.initials, coalesce(p.last3, t.sender), t.text, t.meaning, t.at_ms, t.done_by
    FROM received t LEFT JOIN reservation r ON r.id = t.reservation LEFT JOIN person p ON p.person_ref = t.person_ref";

fn text_view(row: &Row<'_>) -> rusqlite::Result<TextView> {
    let from: String = row.get(3)?;
    let is_number = from.starts_with('+') || from.chars().all(|c| c.is_ascii_digit());
    let last3 = match from.char_indices().rev().nth(2) {
        Some((at, _)) if is_number => from[at..].to_owned(),
        _ => from,
    };
    Ok(TextView {
        id: word(row, 0, |w| MessageId::parse(w).ok())?,
        order: row.get(1)?,
        initials: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        last3,
        text: row.get(4)?,
        meaning: row.get(5)?,
        at_ms: row.get(6)?,
        done_by: row.get(7)?,
    })
}

/// Texts that need a person, oldest first.
///
/// # Errors
/// The database's.
pub fn open_texts(db: &Connection, limit: u32) -> Result<Vec<TextView>, ShopError> {
    let sql = format!("SELECT {TEXT_COLUMNS} WHERE t.done_by IS NULL ORDER BY t.at_ms, t.id LIMIT ?1");
    let mut rows = db.prepare_cached(&sql)?;
    let rows = rows.query_map([limit], text_view)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One entry of a conversation.
#[derive(Clone)]
pub enum ThreadEntry {
    /// From the customer.
    Text(TextView),
    /// To the customer.
    Message(Box<MessageView>),
}

impl ThreadEntry {
    /// When it was written or came.
    pub fn at_ms(&self) -> i64 {
        match self {
            Self::Text(text) => text.at_ms,
            Self::Message(message) => message.created_ms,
        }
    }
}

/// The conversation with an order's customer, oldest first: messages about the order, and every text of its person.
///
/// # Errors
/// The database's.
pub fn thread(db: &Connection, id: ReservationId, limit: u32) -> Result<Vec<ThreadEntry>, ShopError> {
    let order = id.to_string();
    let mut entries: Vec<ThreadEntry> =
        views(db, "WHERE m.reservation = ?1 ORDER BY m.created_ms DESC LIMIT ?2", params![order, limit])?
            .into_iter()
            .map(|message| ThreadEntry::Message(Box::new(message)))
            .collect();
    let sql = format!(
        "SELECT {TEXT_COLUMNS} WHERE t.reservation = ?1
            OR t.person_ref = (SELECT person_ref FROM reservation WHERE id = ?1) ORDER BY t.at_ms DESC LIMIT ?2"
    );
    let mut rows = db.prepare_cached(&sql)?;
    let texts = rows.query_map(params![order, limit], text_view)?;
    for text in texts {
        entries.push(ThreadEntry::Text(text?));
    }
    entries.sort_by_key(ThreadEntry::at_ms);
    let surplus = entries.len().saturating_sub(limit as usize);
    entries.drain(..surplus);
    Ok(entries)
}
