//! Voice calls, one at a time. What the modem's own list of calls says counts (`AT+CLCC`, TS 27.007 §7.18); its notices
//! only hasten a look at the list and say why a call that is gone from it has ended.
//!
//! Never: a second call beside the first; a service code (TS 22.030) dialled as a number; a call left up that nobody
//! knows of.

mod jobs;
mod list;

use std::collections::VecDeque;
use std::time::Duration;

use sans_io::Instant;

use super::call::{CallEnd, CallEvent, CallId, Digit, NotPossible};
use super::job::Job;
use super::types::Event;
use super::{CR, Engine, Outcome, Phase, Timer};
use crate::Private;
use crate::at::{self, CallLine, CallState, CallWord, Direction};

/// Tries of `ATA`.
const MAX_ANSWERS: u8 = 2;

/// Between two tries to end a call: the network takes its time.
const HANG_UP_PAUSE: Duration = Duration::from_secs(3);

/// Keys waiting to be sent; more are dropped. Three times the longest number that a person types.
const MAX_DIGITS: usize = 64;

/// The longest number dialled (TS 24.008 §10.5.4.7).
const MAX_DIALLED: usize = 20;

/// How far a call has come, as the shell knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Outgoing: the modem was not told yet. Incoming: the shell was not told yet.
    New,
    /// Outgoing: dialled. Incoming: told.
    Trying,
    /// The number called rings.
    Alerting,
    /// Answered; the way for the sound is being opened.
    Opening,
    /// Told as connected.
    Up,
}

/// The one call.
#[derive(Debug)]
struct Call {
    id: CallId,
    stage: Stage,
    /// To dial, or of the caller.
    number: Option<Private<String>>,
    /// Its number in the modem's list, once it was seen there.
    index: Option<u8>,
    /// As the list showed it last.
    state: Option<CallState>,
    /// Lists in a row without it.
    absent: u8,
    /// Lists with it and without its number.
    unnumbered: u8,
    /// A notice said that it ended.
    hint: Option<CallEnd>,
    /// `ATA` is to be given, so often at most.
    answers_left: u8,
    /// It is to be ended, and what to tell then.
    ending: Option<CallEnd>,
    /// How often that was tried.
    hang_ups: u8,
    /// When the last try was; the next one waits.
    hung_up_at: Option<Instant>,
    /// The command that set it up was broken off.
    aborted: bool,
    digits: VecDeque<Digit>,
}

impl Call {
    fn new(id: CallId, number: Option<Private<String>>) -> Self {
        Self {
            id,
            stage: Stage::New,
            number,
            index: None,
            state: None,
            absent: 0,
            unnumbered: 0,
            hint: None,
            answers_left: 0,
            ending: None,
            hang_ups: 0,
            hung_up_at: None,
            aborted: false,
            digits: VecDeque::new(),
        }
    }

    const fn direction(&self) -> Direction {
        match self.id {
            CallId::Incoming(_) => Direction::Incoming,
            CallId::Outgoing(_) => Direction::Outgoing,
        }
    }

    /// The modem knows nothing of it yet.
    fn is_undialled(&self) -> bool {
        self.stage == Stage::New && matches!(self.id, CallId::Outgoing(_))
    }

    /// Whether a line of the list is this call.
    fn is(&self, line: &CallLine) -> bool {
        !self.is_undialled()
            && line.direction == self.direction()
            && self.index.map_or(line.state != CallState::Waiting, |index| index == line.index)
    }

    fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Opening | Stage::Up)
    }
}

/// A second call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    /// To be refused.
    New,
    /// Refused, or left alone.
    Refused,
}

/// Whether the modem does voice calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ability {
    #[default]
    Unknown,
    Able,
    Unable,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Voice {
    ability: Ability,
    call: Option<Call>,
    incoming: u64,
    second: Option<Second>,
    /// The list is to be read.
    look: bool,
    /// The list being read was asked for after the call's last notice of an end.
    after_hint: bool,
    /// The list being read was asked for after the second call was noticed.
    after_second: bool,
    /// A call that nobody knows of is up.
    stray: bool,
    strays: u8,
    /// When the last such call was hung up.
    stray_at: Option<Instant>,
    /// The way for the sound was opened and is to be closed after the call.
    opened: bool,
}

impl Voice {
    pub(super) fn want_look(&mut self) {
        self.look = true;
    }

    fn close_is_due(&self) -> bool {
        self.opened && !self.call.as_ref().is_some_and(Call::is_answered)
    }

    fn next_look(&mut self) -> Option<Job> {
        if !std::mem::take(&mut self.look) {
            return None;
        }
        self.after_hint = self.call.as_ref().is_some_and(|call| call.hint.is_some());
        self.after_second = self.second.is_some();
        Some(Job::Calls)
    }
}

impl Engine {
    /// Whether a number could be called at this moment.
    ///
    /// # Errors
    /// Why it could not.
    pub fn ready_to_dial(&self) -> Result<(), NotPossible> {
        if self.phase == Phase::Ready && self.voice.ability == Ability::Unable {
            return Err(NotPossible::NoVoice);
        }
        if self.phase != Phase::Ready || self.setup.needed || !self.health.can_send() {
            return Err(NotPossible::NotReady);
        }
        if self.voice.call.is_some() { Err(NotPossible::Busy) } else { Ok(()) }
    }

    // The shell's wishes

    pub(super) fn dial(&mut self, call: u64, number: Private<String>) {
        let id = CallId::Outgoing(call);
        let digits = number.strip_prefix('+').unwrap_or(&number);
        let good = (1..=MAX_DIALLED).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let ready = if good { self.ready_to_dial() } else { Err(NotPossible::Number) };
        match ready {
            Ok(()) => self.voice.call = Some(Call::new(id, Some(number))),
            Err(why) => self.call_event(CallEvent::NotPossible { call: id, why }),
        }
    }

    pub(super) fn answer(&mut self, id: CallId) {
        if let Some(call) = self.call_named(id)
            && call.direction() == Direction::Incoming
            && call.stage == Stage::Trying
            && call.answers_left == 0
        {
            call.answers_left = MAX_ANSWERS;
        }
    }

    pub(super) fn hang_up(&mut self, id: CallId) {
        let Some(call) = self.call_named(id) else { return };
        if call.is_undialled() {
            self.call_ended(CallEnd::HungUp);
            return;
        }
        call.ending.get_or_insert(CallEnd::HungUp);
        self.break_off();
    }

    pub(super) fn send_digit(&mut self, id: CallId, digit: Digit) {
        if let Some(call) = self.call_named(id)
            && call.is_answered()
            && call.digits.len() < MAX_DIGITS
        {
            call.digits.push_back(digit);
        }
    }

    fn call_named(&mut self, id: CallId) -> Option<&mut Call> {
        self.voice.call.as_mut().filter(|call| call.id == id)
    }

    /// A command that sets a call up may take as long as the other end rings; any sign from this end breaks it off (V.250
    /// §5.6.1), and an empty line means nothing to a modem that has ended it by itself.
    fn break_off(&mut self) {
        let (Some(now), Some(call)) = (&self.in_flight, &mut self.voice.call) else { return };
        if matches!(now.job, Job::Dial(_) | Job::Answer) && !std::mem::replace(&mut call.aborted, true) {
            self.timers.set(Timer::Answer, self.now + self.config.answer);
            self.transmit(vec![CR]);
        }
    }

    // What the modem says

    pub(super) fn call_word(&mut self, word: CallWord) {
        let setting_up = self.in_flight.as_ref().is_some_and(|f| matches!(f.job, Job::Dial(_) | Job::Answer));
        let why = match word {
            CallWord::Ring => return self.ring(),
            CallWord::Changed => return self.voice.want_look(),
            CallWord::NoCarrier | CallWord::Ended | CallWord::NoDialtone => CallEnd::Remote,
            CallWord::Busy => CallEnd::Busy,
            CallWord::NoAnswer => CallEnd::NoAnswer,
        };
        self.end_hinted(why);
        if setting_up && word != CallWord::Ended {
            // The result of that command (V.250 §6.3.1); or it was about another call, and its own result is still to
            // come and is let pass.
            self.finish(Outcome::CallEnded);
        }
    }

    /// Notices by name. True when it was one of a call.
    pub(super) fn call_notice(&mut self, name: &str, values: &str) -> bool {
        match name {
            "+CRING" if values.starts_with("VOICE") => self.ring(),
            "+CLIP" => self.caller(values),
            "+CCWA" => {
                if let Some(number) = at::calling_number(values) {
                    self.second_call(number);
                }
            }
            "^CEND" => {
                self.end_hinted(CallEnd::Remote);
            }
            // A call of another kind, or of several: the list knows.
            "+CRING" | "+CLCC" | "^ORIG" | "^CONF" | "^CONN" | "^DSCI" => self.voice.want_look(),
            "+QIND" if values.starts_with("\"ccinfo\"") => self.voice.want_look(),
            _ => return self.digit_notice(name, values),
        }
        true
    }

    fn digit_notice(&mut self, name: &str, values: &str) -> bool {
        let Some(notice) = self.profile.voice.digits.filter(|notice| notice.name == name) else { return false };
        let call = self.voice.call.as_ref().filter(|call| call.stage == Stage::Up).map(|call| call.id);
        if let (Some(call), Some(digit)) = (call, at::pressed(values, notice.form).and_then(Digit::new)) {
            self.call_event(CallEvent::Digit { call, digit });
        }
        true
    }

    /// Repeated rings are one call.
    fn ring(&mut self) {
        self.voice.want_look();
        if self.voice.ability == Ability::Able && self.phase != Phase::Closed {
            self.offered(None);
        }
    }

    /// `+CLIP` follows a ring.
    fn caller(&mut self, values: &str) {
        let Some(number) = at::calling_number(values) else { return };
        if let Some(call) = &mut self.voice.call
            && call.direction() == Direction::Incoming
            && call.stage == Stage::New
        {
            call.number = number;
            self.tell_incoming();
        }
    }

    /// Somebody calls, unless that is the call that there is. A number that was not yet dialled has to wait.
    fn offered(&mut self, line: Option<&CallLine>) {
        if let Some(call) = self.voice.call.take_if(|call| call.is_undialled()) {
            self.call_event(CallEvent::NotPossible { call: call.id, why: NotPossible::Busy });
        }
        if self.voice.call.is_some() {
            return;
        }
        self.voice.incoming += 1;
        let mut call = Call::new(CallId::Incoming(self.voice.incoming), line.and_then(|line| line.number.clone()));
        call.index = line.map(|line| line.index);
        self.voice.call = Some(call);
        self.arm_call(self.config.call_poll);
    }

    fn tell_incoming(&mut self) {
        let Some(call) = &mut self.voice.call else { return };
        call.stage = Stage::Trying;
        let event = CallEvent::Incoming { call: call.id, number: call.number.clone() };
        self.call_event(event);
    }

    fn second_call(&mut self, number: Option<Private<String>>) {
        if self.voice.call.is_some() && self.voice.second.is_none() {
            self.voice.want_look();
            self.voice.second = Some(Second::New);
            self.call_event(CallEvent::MissedWhileBusy { number });
        }
    }

    /// Something ended; the list will show whether it is this call or another.
    fn end_hinted(&mut self, why: CallEnd) {
        self.voice.want_look();
        if let Some(call) = self.voice.call.as_mut().filter(|call| !call.is_undialled()) {
            call.hint.get_or_insert(why);
        }
    }

    // Life

    pub(super) fn call_timer_is_due(&mut self) {
        self.voice.want_look();
    }

    fn arm_call(&mut self, after: Duration) {
        self.timers.set(Timer::Call, self.now + after);
    }

    fn call_ended(&mut self, why: CallEnd) {
        let Some(call) = self.voice.call.take() else { return };
        self.timers.clear(Timer::Call);
        // Another call may have been behind it.
        self.voice.want_look();
        if call.stage != Stage::New || matches!(call.id, CallId::Outgoing(_)) {
            self.call_event(CallEvent::Ended { call: call.id, why });
        }
    }

    /// The modem restarted, hangs, or its port is gone: whatever call there was, nobody can use it any more.
    pub(super) fn calls_lost(&mut self) {
        self.call_ended(CallEnd::Lost);
        let incoming = self.voice.incoming;
        let ability = self.voice.ability;
        self.voice = Voice { incoming, ability, ..Voice::default() };
    }

    fn call_event(&mut self, event: CallEvent) {
        self.event(Event::Call(event));
    }
}
