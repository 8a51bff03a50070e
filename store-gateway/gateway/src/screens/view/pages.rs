//! Log-in, first set-up, messages and health.

use super::board::Who;
use super::order::{Problem, Text};
use crate::screens::format::Moment;
use crate::screens::words::{CauseWord, ClockWord, MessageWord, ModemWord, PurposeWord, RoleWord, Tone};

/// The log-in page.
#[derive(Clone)]
pub struct Login {
    /// Who can log in.
    pub people: Vec<LoginPerson>,
    /// The id chosen at the last try.
    pub chosen: Option<String>,
    /// Why the last try was refused.
    pub problem: Option<LoginProblem>,
    /// Where to go after the log-in (a path of ours), posted back as `next`.
    pub next: String,
}

/// Somebody who can log in.
#[derive(Clone)]
pub struct LoginPerson {
    /// The id that is posted as `staff`.
    pub id: String,
    /// The name.
    pub name: String,
    /// Initials.
    pub initials: String,
    /// The role.
    pub role: RoleWord,
}

/// Why a log-in was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// The PIN does not fit.
    WrongPin {
        /// Tries left before the lock.
        tries_left: u32,
    },
    /// Locked out.
    Locked {
        /// Until when.
        until: Moment,
    },
    /// The form was too old.
    Stale,
    /// The session ended by itself.
    Ended,
}

/// The first-run page.
#[derive(Clone)]
pub struct Setup {
    /// Why the last try was refused.
    pub problem: Option<SetupProblem>,
    /// The id typed last time.
    pub id: String,
    /// The name typed last time.
    pub name: String,
}

/// Why the set-up was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupProblem {
    /// Not the code from the log.
    WrongCode,
    /// Too many tries.
    Locked {
        /// Until when.
        until: Moment,
    },
    /// The id is not `[a-z0-9-]{1,32}`.
    BadId,
    /// The name is empty or too long.
    BadName,
    /// The PIN has not 4–8 digits.
    BadPin,
    /// The two PINs differ.
    PinsDiffer,
}

/// The messages page.
#[derive(Clone)]
pub struct Messages {
    /// Received texts that need a person.
    pub texts: Vec<Text>,
    /// Messages of which nobody knows whether they left.
    pub unknown: Vec<MessageRow>,
    /// Messages that failed.
    pub failed: Vec<MessageRow>,
    /// Waiting and under way.
    pub queue: Vec<MessageRow>,
    /// How many wait or are under way in all.
    pub queue_count: u32,
    /// The modem's condition, told when it is not ready.
    pub modem: ModemWord,
    /// A refusal to show.
    pub problem: Option<Problem>,
}

/// A message in a list.
#[derive(Clone)]
pub struct MessageRow {
    /// The id for `POST /messages/{id}/settle`.
    pub id: String,
    /// The order.
    pub order: Option<String>,
    /// To whom.
    pub who: Who,
    /// What for.
    pub purpose: PurposeWord,
    /// Its state.
    pub state: MessageWord,
    /// Since when.
    pub at: Moment,
    /// Why.
    pub cause: Option<CauseWord>,
    /// Parts (SMS segments).
    pub parts: u32,
}

/// The health page.
#[derive(Clone)]
pub struct Health {
    /// What needs somebody, worst first.
    pub alerts: Vec<Alert>,
    /// The modems.
    pub modems: Vec<ModemHealth>,
    /// The link.
    pub link: LinkHealth,
    /// The clock's quality.
    pub clock: ClockWord,
    /// Bytes used on the data disk.
    pub disk_used: u64,
    /// Bytes of the data disk.
    pub disk_total: u64,
    /// Queues.
    pub queues: Vec<QueueHealth>,
    /// The program's version.
    pub version: String,
    /// When the program started.
    pub started: Moment,
    /// The configuration.
    pub config: ConfigHealth,
}

/// Something that needs somebody.
#[derive(Clone)]
pub struct Alert {
    /// Since when.
    pub at: Moment,
    /// How bad.
    pub tone: Tone,
    /// Words in the reader's language.
    pub text: String,
}

/// A modem.
#[derive(Clone)]
pub struct ModemHealth {
    /// Its name in the configuration.
    pub name: String,
    /// Its condition.
    pub state: ModemWord,
    /// The operator.
    pub operator: Option<String>,
    /// Bars, 0–5.
    pub bars: Option<u8>,
    /// Model and firmware.
    pub model: Option<String>,
}

/// The link to HQ.
#[derive(Clone)]
pub struct LinkHealth {
    /// The broker's address without credentials.
    pub broker: String,
    /// The last acknowledgement or heartbeat.
    pub last_heard: Option<Moment>,
    /// How many days of offline work are left before something would be dropped.
    pub offline_days_left: Option<u32>,
    /// Events set aside by HQ.
    pub set_aside: u32,
    /// Signatures of HQ are checked (`[uplink] hq_key`).
    pub signed: bool,
}

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueName {
    /// Reservations and money on their way to HQ.
    P0,
    /// Messages and the like on their way to HQ.
    P1,
    /// Texts waiting for the modem.
    Texts,
    /// HQ's events that can't be applied.
    DeadLetters,
}

impl QueueName {
    /// The key of the name.
    pub fn key(self) -> &'static str {
        match self {
            Self::P0 => "queue-p0",
            Self::P1 => "queue-p1",
            Self::Texts => "queue-texts",
            Self::DeadLetters => "queue-dead-letters",
        }
    }
}

/// A queue.
#[derive(Clone, Copy)]
pub struct QueueHealth {
    /// Which.
    pub name: QueueName,
    /// Entries.
    pub length: u32,
    /// The oldest entry.
    pub oldest: Option<Moment>,
}

/// The configuration bundle.
#[derive(Clone)]
pub struct ConfigHealth {
    /// The version that HQ wants.
    pub desired: Option<u64>,
    /// The version that is applied; none means built-in defaults.
    pub applied: Option<u64>,
    /// Why the desired one was not applied.
    pub refused: Option<String>,
}
