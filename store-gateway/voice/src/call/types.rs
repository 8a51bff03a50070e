//! What goes into a call and what comes out.

use std::time::Duration;

use sans_io::Instant;
use shop_model::code::PickupCode;
use shop_model::language::Language;

use crate::dial::{Extension, Number};
use crate::dtmf::Digit;
use crate::say::{Line, MOST_ORDERS, Status};
use crate::sound::Cadence;

/// How a store's calls go.
#[derive(Clone, Debug)]
pub struct Config {
    /// The caller hears it ring so long before the menu answers. Zero answers at once; a store that takes a missed call
    /// as "I'm here" leaves room for one.
    pub answer_after: Duration,
    /// Limit of the confirmation of our answer (RFC 3261 §13.3.1.4: 64 · T1).
    pub setup: Duration,
    /// Limit of the look-up of the caller's number before the greeting.
    pub first_look_up: Duration,
    /// Limit of every other look-up.
    pub look_up: Duration,
    /// A key is awaited so long after a prompt, and between two digits of a code.
    pub key: Duration,
    /// Limit of a prompt: the media shell should have said before that it is done.
    pub prompt: Duration,
    /// The store's phones ring so long.
    pub ring: Duration,
    /// A number outside rings so long; an emergency number as long as the call may last.
    pub ring_outside: Duration,
    /// The longest call.
    pub longest: Duration,
    /// Limit of a leg's confirmation of its end (RFC 3261 timer B: 64 · T1).
    pub leaving: Duration,
    /// Times that the menu is said to silence or wrong keys before the phones ring.
    pub repeats: u8,
    /// Times that the menu is said at all before the phones ring.
    pub menus: u8,
    /// Codes that one call may try; more than three are never taken.
    pub code_tries: u8,
    /// The phones that ring together.
    pub phones: Vec<Extension>,
    /// The language of callers whose language is not known.
    pub language: Language,
    /// Whether a missed call of a number with a ready order says "I'm here".
    pub missed_call_means_here: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            answer_after: Duration::ZERO,
            setup: Duration::from_secs(32),
            first_look_up: Duration::from_millis(1_500),
            look_up: Duration::from_secs(5),
            key: Duration::from_secs(6),
            prompt: Duration::from_secs(90),
            ring: Duration::from_secs(25),
            ring_outside: Duration::from_secs(90),
            longest: Duration::from_secs(2 * 3_600),
            leaving: Duration::from_secs(32),
            repeats: 3,
            menus: 10,
            code_tries: 3,
            phones: Vec::new(),
            language: Language::Pl,
            missed_call_means_here: false,
        }
    }
}

/// A leg of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegId(pub(super) u8);

impl LegId {
    /// The one that called.
    pub const CALLER: LegId = LegId(0);
}

/// Names a prompt or a question; its end or answer carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub(super) u32);

/// Where a call comes from. The number itself stays with the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A phone of the store.
    Phone(Extension),
    /// The SIP trunk.
    Trunk,
    /// The modem's SIM.
    Sim,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A phone of the store.
    Phone(Extension),
    /// A number outside, by trunk or SIM as the shell has them.
    Outside(Number),
    /// An emergency number, on the best line there is.
    Emergency(String),
}

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The menu answers.
    Menu,
    /// These ring together, as [`crate::dial`] allowed. From outside only the store's phones ever ring.
    Connect(Vec<Callee>),
}

/// What the desk is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Open orders and language of the caller's number: answer by `handle_found`.
    Caller,
    /// The order of this code: answer by `handle_code`. The desk counts misses and locks as at the counter; it logs
    /// nothing of the code.
    Code(PickupCode),
}

/// What the desk found for a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The customer's language.
    pub language: Option<Language>,
    /// Open orders, those first that are read out first.
    pub orders: Vec<Status>,
    /// How many there are in all.
    pub total: usize,
    /// Whether one of them is ready.
    pub ready: bool,
}

impl Found {
    pub(super) fn bounded(mut self) -> Self {
        self.ready |= self.orders.iter().any(|o| o.stage.is_ready());
        self.total = self.total.max(self.orders.len());
        self.orders.truncate(MOST_ORDERS);
        self
    }
}

/// What the desk says to six digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeAnswer {
    /// They are this order's.
    Right(Box<Status>),
    /// They are no open order's.
    Wrong,
    /// Codes are not taken now: too many were wrong, here or on other calls.
    Locked,
}

/// Why a leg is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The call is over.
    Over,
    /// Nobody answered: 480 to a caller that was not answered.
    NoAnswer,
    /// Another phone answered first (RFC 3326: "Call completed elsewhere").
    AnsweredElsewhere,
    /// Our answer was not confirmed.
    NotConfirmed,
    /// No sound comes.
    NoSound,
    /// The longest time that a call may take is over.
    TooLong,
    /// The dial plan: from outside to outside.
    NotAllowed,
    /// The box stops.
    Stopped,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Two people talked.
    Talked,
    /// The menu did, and nobody was asked for.
    Menu,
    /// Nobody answered, or the caller did not wait.
    Missed,
    /// It came to nothing on our side.
    Failed,
}

/// The facts of a call that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it went.
    pub outcome: Outcome,
    /// Why it ended.
    pub why: Why,
    /// Who answered.
    pub answered_by: Option<Callee>,
    /// How long the phones, or the caller's side, rang.
    pub rang: Duration,
    /// How long two people talked.
    pub talked: Duration,
    /// From the call's beginning to its end.
    pub lasted: Duration,
    /// Statuses that were read out.
    pub told: u8,
}

/// What is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `call.ended`.
    Ended(Ended),
    /// `reservation.arrived {via: call}` for every ready order of the caller's number.
    Here,
}

/// One thing for the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the caller; `handle_answered(LegId::CALLER)` when that is confirmed.
    Answer,
    /// Refuse the caller, who was not answered; `handle_gone` when that is confirmed.
    Refuse {
        /// Why.
        why: Why,
    },
    /// Make a leg; `handle_answered` or `handle_gone` follows.
    Ring {
        /// The leg's name.
        leg: LegId,
        /// Whom to ring.
        callee: Callee,
    },
    /// Cancel a leg that rings; `handle_gone` when that is confirmed.
    Cancel {
        /// Which.
        leg: LegId,
        /// Why.
        why: Why,
    },
    /// Hang a leg up; `handle_gone` when that is confirmed.
    HangUp {
        /// Which.
        leg: LegId,
        /// Why.
        why: Why,
    },
    /// Forget a leg that did not confirm its end: its dialog and its ports go at once.
    Remove(LegId),
    /// Let the caller and this leg hear each other, until either is hung up.
    Bridge {
        /// Which.
        leg: LegId,
    },
    /// Speak to the caller; `handle_prompt_done` at the end.
    Play {
        /// Names it.
        token: Token,
        /// In which language.
        language: Language,
        /// What, one after the other.
        lines: Vec<Line>,
    },
    /// Play a tone to the caller until told otherwise.
    Tone(Cadence),
    /// Stop what is spoken or played to the caller.
    Silence,
    /// Send a key to a leg, by whatever way that leg takes them.
    SendDigit {
        /// To which.
        leg: LegId,
        /// Which key.
        digit: Digit,
    },
    /// Ask the desk.
    LookUp {
        /// Names the question.
        token: Token,
        /// The question.
        question: Question,
    },
    /// Store a fact.
    Store(Fact),
    /// Nothing is left of the call; it can be dropped.
    Ended,
    /// Nothing more to do until then, or until something comes in.
    Wait {
        /// When to call `handle_timeout`; `None` after [`Output::Ended`] alone.
        until: Option<Instant>,
        /// For what.
        reason: WaitReason,
    },
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The caller's side rings.
    Answer,
    /// Our answer's confirmation.
    Confirmation,
    /// The desk.
    LookUp,
    /// The end of a prompt.
    Prompt,
    /// A key.
    Key,
    /// The phones.
    Phones,
    /// Nothing else than the longest time of a call.
    CallCap,
    /// Legs that leave.
    Leaving,
    /// Nothing any more.
    Ended,
}
