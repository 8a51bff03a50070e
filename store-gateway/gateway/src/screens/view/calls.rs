//! Calls: under way, missed, the log, one call's timeline, and the phones.

use super::board::Who;
use crate::screens::format::Moment;
use crate::screens::words::{CallDoingWord, CallOutcomeWord, CallWayWord, CallWhatWord, LineWord, OutsideWord};

/// The calls page.
#[derive(Clone)]
pub struct Calls {
    /// The path of this page of the log, to ask for it again.
    pub here: String,
    /// Calls under way, oldest first.
    pub live: Vec<LiveCall>,
    /// Missed calls that wait for somebody, oldest first.
    pub missed: Vec<Call>,
    /// How many there are in all.
    pub missed_count: u32,
    /// What is over, newest first.
    pub log: Vec<Call>,
    /// The link to older ones, when there are any.
    pub older: Option<String>,
    /// The store's phones.
    pub phones: Vec<Phone>,
    /// The lines outside.
    pub lines: Vec<Line>,
    /// The store's recordings, for who may change them.
    pub recordings: Option<Recordings>,
}

/// Recordings in place of spoken texts.
#[derive(Clone)]
pub struct Recordings {
    /// What can be recorded.
    pub names: Vec<String>,
    /// What is.
    pub kept: Vec<Recording>,
}

/// One recording.
#[derive(Clone)]
pub struct Recording {
    /// The text's name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// How long it lasts.
    pub lasts: String,
}

/// A call under way.
#[derive(Clone)]
pub struct LiveCall {
    /// Its id.
    pub id: String,
    /// Which way.
    pub way: CallWayWord,
    /// The customer; empty within the store.
    pub who: Who,
    /// The store's phone that called.
    pub extension: Option<String>,
    /// What it is doing.
    pub doing: CallDoingWord,
    /// Since when.
    pub since: Moment,
    /// With whom.
    pub with: Option<String>,
}

/// A call that is over.
#[derive(Clone)]
pub struct Call {
    /// The id for `POST /calls/{id}/done`.
    pub id: String,
    /// Which way.
    pub way: CallWayWord,
    /// The customer; empty within the store.
    pub who: Who,
    /// The store's phone that called.
    pub extension: Option<String>,
    /// The order that it was most likely about.
    pub order: Option<String>,
    /// When it began.
    pub at: Moment,
    /// How it went.
    pub outcome: CallOutcomeWord,
    /// Who answered.
    pub answered_by: Option<String>,
    /// How long it rang, seconds.
    pub rang_s: i64,
    /// How long two people talked, seconds.
    pub talked_s: i64,
    /// A missed call that waits for somebody.
    pub open: bool,
}

/// One call with its timeline.
#[derive(Clone)]
pub struct CallPage {
    /// The call; of one under way what is known so far.
    pub call: CallHead,
    /// What happened.
    pub entries: Vec<CallEntry>,
}

/// The head of a call's page.
#[derive(Clone)]
pub enum CallHead {
    /// It is over.
    Over(Call),
    /// It goes on.
    Live(LiveCall),
}

/// One line of a timeline.
#[derive(Clone)]
pub struct CallEntry {
    /// Seconds and hundredths since the call began.
    pub after: String,
    /// What happened.
    pub what: CallWhatWord,
    /// Whose leg.
    pub leg: String,
    /// More about it.
    pub detail: String,
}

/// A phone of the store.
#[derive(Clone)]
pub struct Phone {
    /// Its extension.
    pub extension: String,
    /// Its name.
    pub name: String,
    /// Where it is registered, a line each.
    pub contacts: Vec<Contact>,
}

/// One registration of a phone.
#[derive(Clone)]
pub struct Contact {
    /// From where: address and transport.
    pub place: String,
    /// What it calls itself.
    pub device: String,
    /// Until when it is registered.
    pub until: Moment,
}

/// A line outside.
#[derive(Clone)]
pub struct Line {
    /// Which.
    pub name: OutsideWord,
    /// Its condition.
    pub state: LineWord,
    /// More about it: a status or a reason.
    pub detail: String,
}
