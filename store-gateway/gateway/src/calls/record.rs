//! What is written down of a call: its timeline while it runs, its row and HQ's event when it ends. Never a pickup code
//! or a digit of one: keys pressed after six digits were asked for are noted as a dot.

use rusqlite::params;
use sans_io::Wall;
use shop_model::decide::{Command, Role};
use shop_model::event::{Actor, Via};
use shop_model::ids::{PersonRef, ReservationId};
use store_sync::contract::body::CallEnded;
use store_voice::call::{Callee, Ended, Origin, Outcome, Why};
use uuid::Uuid;

use super::view;
use crate::app::ShopError;
use crate::desk::{Desk, Who};
use crate::facts;
use crate::live::Live;
use crate::messages;

/// Entries of one call's timeline; what comes after is counted and not kept.
const MOST_ENTRIES: usize = 200;

/// What happened, as the timeline says it. The words are keys of the screens' locales and of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The call came in; the detail is its line.
    Began,
    /// The caller was answered.
    Answered,
    /// A prompt was played; the detail names it.
    Prompt,
    /// A key was pressed; the detail is the key and its source.
    Key,
    /// The caller's orders were looked up; the detail is their number.
    Found,
    /// A code was tried; the detail is right, wrong or locked.
    Code,
    /// A phone or number was rung; the detail says which.
    Rang,
    /// It could not be rung; the detail says why.
    NotRung,
    /// A leg answered.
    PickedUp,
    /// Two sides hear each other.
    Bridged,
    /// A side was put on hold.
    Held,
    /// It was taken off hold.
    Resumed,
    /// No sound came from a side.
    Silent,
    /// Sound came again.
    Heard,
    /// A leg ended; the detail says why.
    Gone,
    /// How a leg's sound went.
    Sound,
    /// The call ended; the detail is its outcome.
    Ended,
}

impl What {
    /// The word in tables, locales and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Answered => "answered",
            Self::Prompt => "prompt",
            Self::Key => "key",
            Self::Found => "found",
            Self::Code => "code",
            Self::Rang => "rang",
            Self::NotRung => "not-rung",
            Self::PickedUp => "picked-up",
            Self::Bridged => "bridged",
            Self::Held => "held",
            Self::Resumed => "resumed",
            Self::Silent => "silent",
            Self::Heard => "heard",
            Self::Gone => "gone",
            Self::Sound => "sound",
            Self::Ended => "ended",
        }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What.
    pub what: What,
    /// Of whom: `caller`, an extension, `trunk`, `sim`; empty when it is the call's.
    pub leg: String,
    /// More about it; names nobody.
    pub detail: String,
}

/// Who is on the other side, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// The number outside, E.164 where it is one; empty when it is withheld.
    pub number: String,
    /// The customer.
    pub person: Option<PersonRef>,
    /// The order that the call is most likely about.
    pub reservation: Option<ReservationId>,
}

/// The record of a call.
#[derive(Clone, Debug)]
pub struct Record {
    /// The call's id.
    pub id: Uuid,
    /// Where it came from.
    pub origin: Origin,
    /// `in`, `out` or `inside`.
    pub direction: Direction,
    /// The other side.
    pub party: Party,
    /// When it began, milliseconds since the Unix epoch.
    pub began_ms: i64,
    /// What happened.
    pub entries: Vec<Entry>,
    /// Entries that were not kept.
    pub dropped: u32,
}

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From outside.
    In,
    /// To a number outside.
    Out,
    /// Between the store's own phones and menu.
    Inside,
}

impl Direction {
    /// The word in tables and in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Inside => "inside",
        }
    }
}

impl Record {
    /// The store's phone that called.
    pub fn origin_extension(&self) -> Option<&str> {
        match &self.origin {
            Origin::Phone(extension) => Some(extension.as_str()),
            Origin::Trunk | Origin::Sim => None,
        }
    }

    /// Notes what happened.
    pub fn note(&mut self, wall: Wall, what: What, leg: impl Into<String>, detail: impl Into<String>) {
        if self.entries.len() >= MOST_ENTRIES {
            self.dropped += 1;
            return;
        }
        self.entries.push(Entry { at_ms: wall.unix_ms, what, leg: leg.into(), detail: detail.into() });
    }
}

/// The line that a call came in by.
pub const fn line(origin: &Origin) -> &'static str {
    match origin {
        Origin::Phone(_) => "phone",
        Origin::Trunk => "trunk",
        Origin::Sim => "sim",
    }
}

/// The word of an outcome.
pub const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Talked => "talked",
        Outcome::Menu => "menu",
        Outcome::Missed => "missed",
        Outcome::Failed => "failed",
    }
}

/// The word of a reason.
pub const fn why(why: Why) -> &'static str {
    match why {
        Why::Over => "over",
        Why::NoAnswer => "no-answer",
        Why::AnsweredElsewhere => "answered-elsewhere",
        Why::NotConfirmed => "not-confirmed",
        Why::NoSound => "no-sound",
        Why::TooLong => "too-long",
        Why::NotAllowed => "not-allowed",
        Why::Stopped => "stopped",
    }
}

/// What a callee is called in a timeline. Numbers outside stay out of it.
pub fn callee(callee: &Callee) -> &str {
    match callee {
        Callee::Phone(extension) => extension.as_str(),
        Callee::Outside(_) => "outside",
        Callee::Emergency(_) => "emergency",
    }
}

/// Writes the call's row, its timeline, and the event for HQ. Written twice it stays as it was.
///
/// # Errors
/// The database's.
pub fn store(desk: &mut Desk<'_, '_>, record: &Record, ended: &Ended) -> Result<(), ShopError> {
    let id = record.id.to_string();
    let ms = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    let fresh = desk.db().execute(
        "INSERT INTO call(id, direction, line, extension, number, person_ref, reservation, began_ms, ended_ms, outcome,
                          why, answered_by, rang_ms, talked_ms, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
        params![
            id,
            record.direction.as_str(),
            line(&record.origin),
            record.origin_extension(),
            record.party.number,
            record.party.person.map(|p| p.to_string()),
            record.party.reservation.map(|r| r.to_string()),
            record.began_ms,
            record.began_ms.saturating_add(ms(ended.lasted)),
            outcome(ended.outcome),
            why(ended.why),
            ended.answered_by.as_ref().map(callee),
            ms(ended.rang),
            ms(ended.talked),
            ended.told,
        ],
    )?;
    if fresh == 0 {
        return Ok(());
    }
    store_entries(desk, &id, &record.entries)?;
    if ended.outcome == Outcome::Talked {
        view::settle_missed(desk, &record.party.number)?;
    }
    if record.direction != Direction::Inside {
        match desk.append(facts::call_event(record.id, &event(record, ended), &Actor::system())?) {
            // A superseded box keeps its log and says nothing.
            Ok(_) | Err(ShopError::Superseded) => {}
            Err(e) => return Err(e),
        }
    }
    tell(desk, record)
}

fn store_entries(desk: &Desk<'_, '_>, id: &str, entries: &[Entry]) -> Result<(), ShopError> {
    let mut insert = desk
        .db()
        .prepare_cached("INSERT INTO call_entry(call, n, at_ms, what, leg, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (n, entry) in entries.iter().enumerate() {
        insert.execute(params![id, n, entry.at_ms, entry.what.as_str(), entry.leg, entry.detail])?;
    }
    Ok(())
}

fn event(record: &Record, ended: &Ended) -> CallEnded {
    CallEnded {
        direction: record.direction.as_str().to_owned(),
        answered: ended.outcome == Outcome::Talked,
        outcome: Some(outcome(ended.outcome).to_owned()),
        duration_s: u32::try_from(ended.lasted.as_secs()).unwrap_or(u32::MAX),
        person_ref: record.party.person.map(PersonRef::uuid),
        reservation: record.party.reservation.map(ReservationId::uuid),
    }
}

fn tell(desk: &mut Desk<'_, '_>, record: &Record) -> Result<(), ShopError> {
    if let Some(order) = messages::order_of(desk.db(), record.party.reservation)? {
        desk.tell(Live::Order(order));
    }
    desk.tell(Live::Calls);
    desk.tell(Live::Board);
    desk.tell(Live::Pill);
    Ok(())
}

/// A missed call says "I'm here" for every ready order of its number.
///
/// # Errors
/// The database's.
pub fn here(desk: &mut Desk<'_, '_>, party: &Party, ready: &[ReservationId]) -> Result<(), ShopError> {
    let who = Who { actor: messages::customer(party.person), role: Role::Clerk, device: "call".to_owned() };
    for id in ready {
        // An order that meanwhile went home, or arrived already, is no error.
        drop(desk.command(*id, &Command::Arrive { via: Via::Call, place: None }, &who)?);
    }
    Ok(())
}
