//! What a call does: the menu, the status that is read out, the phones that ring, the bridge, the end.
//!
//! One [`Call`] per call that comes in. Core contract: [`Call::new`], `handle_<input>(…, now)`, [`Call::handle_timeout`],
//! and [`Call::poll_output`] until it says wait. It throws no dice, so it takes no seed.
//!
//! Decides the flow and every wait in it; each wait has a limit, and so has the call. Never speaks or writes a pickup
//! code (six digits come in as proof and go out to the look-up alone), never bridges two of the ringing phones, never
//! leaves a leg behind: a leg that does not confirm its end is given up by [`Output::Remove`]. The SIP shell makes the
//! legs, the media shell plays and hears, the desk looks orders up and stores the facts.
//!
//! ```text
//! Offered ─► Answering ─► Greeting ─► Menu ─1─► LookingUp ─► Telling ─► Menu
//!    │                                 │ ▲          └─► Code ─► LookingUp
//!    │ dialled by a store phone        │ └── silence, wrong keys, three times at most
//!    └──────────► Ringing ◄─────2──────┘
//!                  │    └─ nobody ─► Parting ─► Closing ─► Ended
//!                  └─ the first to answer ─► Bridged ─► Closing
//! ```

mod admission;
mod legs;
mod menu;
mod types;

use std::collections::VecDeque;

use sans_io::{Instant, Timers};
use shop_model::language::Language;

use crate::dtmf::Digit;
use crate::say::Line;
use crate::sound::Cadence;
pub use admission::{Admission, Busy};
use legs::{LegState, Legs};
use menu::Menu;
pub use types::{
    Callee, CodeAnswer, Config, Ended, Fact, Found, LegId, Origin, Outcome, Output, Plan, Question, Token, WaitReason,
    Why,
};

/// Every deadline of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The caller's side may ring so long.
    Answer,
    /// The answer is to be confirmed.
    Setup,
    /// The desk looks up.
    LookUp,
    /// A prompt plays.
    Prompt,
    /// A key is awaited.
    Key,
    /// The phones ring.
    Ring,
    /// The whole call.
    Call,
    /// Legs are to confirm their end.
    Leaving,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The caller hears it ring.
    Offered,
    /// We answered; the caller has not confirmed.
    Answering,
    /// Waits for the caller's language.
    Greeting,
    /// A key is awaited.
    Menu,
    /// Six digits are awaited.
    Code,
    /// The desk looks up.
    LookingUp(Looking),
    /// Statuses are read out.
    Telling,
    /// The store's phones ring.
    Ringing,
    /// Two people talk.
    Bridged(LegId),
    /// Last words.
    Parting,
    /// Legs are leaving.
    Closing,
    /// Nothing is left.
    Ended,
}

/// What the caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    /// Orders of the caller's number.
    Caller,
    /// The order of six digits.
    Code,
}

/// What the caller hears from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sound {
    Nothing,
    Prompt(Token),
    Tone,
}

/// One call from outside or from a store phone.
#[derive(Debug)]
pub struct Call {
    config: Config,
    plan: Plan,
    origin: Origin,
    state: State,
    now: Instant,
    began: Instant,
    /// When the phones began to ring, and when somebody answered.
    rang: Option<Instant>,
    talked: Option<(Instant, Callee)>,
    missed: bool,
    legs: Legs,
    menu: Menu,
    sound: Sound,
    tokens: u32,
    timers: Timers<Timer, 8>,
    outputs: VecDeque<Output>,
    /// A missed call of which it is not known yet whether it says "I'm here".
    here_is_open: bool,
}

impl Call {
    /// A call that has just come in; nothing was answered yet.
    pub fn new(config: Config, plan: Plan, origin: Origin, now: Instant) -> Self {
        let mut call = Self {
            menu: Menu::new(&config),
            config,
            plan,
            origin,
            state: State::Offered,
            now,
            began: now,
            rang: None,
            talked: None,
            missed: false,
            legs: Legs::new(),
            sound: Sound::Nothing,
            tokens: 0,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            here_is_open: false,
        };
        call.timers.set(Timer::Call, now + call.config.longest);
        match call.plan {
            Plan::Menu => {
                call.ask(Question::Caller);
                call.timers.set(Timer::LookUp, now + call.config.first_look_up);
                call.timers.set(Timer::Answer, now + call.config.answer_after);
                call.handle_timeout(now);
            }
            Plan::Connect(_) => call.ring(),
        }
        call
    }

    /// A leg was answered: the caller confirmed our answer, or a phone picked up.
    pub fn handle_answered(&mut self, leg: LegId, now: Instant) {
        self.now = now;
        match (self.legs.state(leg), self.state) {
            (Some(LegState::Answering), State::Answering) => {
                self.legs.set(leg, LegState::Up);
                self.timers.clear(Timer::Setup);
                self.state = State::Greeting;
                self.greet_when_known();
            }
            // A call that a store phone dialled: bridged already when its own confirmation comes.
            (Some(LegState::Answering), _) => {
                self.legs.set(leg, LegState::Up);
                self.timers.clear(Timer::Setup);
            }
            (Some(LegState::Ringing), State::Ringing) => self.bridge(leg),
            // Its CANCEL crossed its answer.
            (Some(LegState::Leaving), _) if leg != LegId::CALLER => {
                self.outputs.push_back(Output::HangUp { leg, why: Why::AnsweredElsewhere });
            }
            _ => {}
        }
    }

    /// A leg is gone: hung up, refused, cancelled, failed, or its end confirmed.
    pub fn handle_gone(&mut self, leg: LegId, now: Instant) {
        self.now = now;
        if self.legs.remove(leg).is_none() {
            return;
        }
        if !self.legs.any(LegState::Leaving) {
            self.timers.clear(Timer::Leaving);
        }
        match self.state {
            State::Closing | State::Ended => {}
            _ if leg == LegId::CALLER => {
                self.missed |= matches!(self.state, State::Offered | State::Ringing);
                self.sound = Sound::Nothing;
                self.close(Why::Over);
            }
            State::Bridged(with) if with == leg => self.close(Why::Over),
            State::Ringing if !self.legs.any(LegState::Ringing) => self.nobody(),
            _ => {}
        }
        self.end_when_empty();
    }

    /// A key was pressed on a leg, from whatever source it came, once.
    pub fn handle_digit(&mut self, leg: LegId, digit: Digit, now: Instant) {
        self.now = now;
        match self.state {
            State::Bridged(with) => {
                let to = if leg == LegId::CALLER { with } else { LegId::CALLER };
                if leg == LegId::CALLER || leg == with {
                    self.outputs.push_back(Output::SendDigit { leg: to, digit });
                }
            }
            _ if leg == LegId::CALLER => {
                self.menu.type_digit(digit);
                self.take_typed();
            }
            _ => {}
        }
    }

    /// A prompt was played to its end.
    pub fn handle_prompt_done(&mut self, token: Token, now: Instant) {
        self.now = now;
        if self.sound == Sound::Prompt(token) {
            self.sound = Sound::Nothing;
            self.timers.clear(Timer::Prompt);
            self.prompt_ended();
        }
    }

    /// What the desk found for the caller's number; nothing for a number that is withheld. At most
    /// [`crate::say::MOST_ORDERS`] orders are read out.
    pub fn handle_found(&mut self, found: Found, now: Instant) {
        self.now = now;
        self.menu.found = Some(found.bounded());
        if self.here_is_open {
            self.settle_here();
            self.end_when_empty();
            return;
        }
        if !matches!(self.state, State::LookingUp(Looking::Code)) {
            self.timers.clear(Timer::LookUp);
        }
        match self.state {
            State::Greeting => self.greet_when_known(),
            State::LookingUp(Looking::Caller) => self.tell_or_ask(),
            _ => {}
        }
        self.take_typed();
    }

    /// What the desk says to six digits. An answer to an older question is dropped.
    pub fn handle_code(&mut self, token: Token, answer: CodeAnswer, now: Instant) {
        self.now = now;
        if self.state != State::LookingUp(Looking::Code) || self.menu.asked != Some(token) {
            return;
        }
        self.timers.clear(Timer::LookUp);
        self.code_answered(answer);
        self.take_typed();
    }

    /// A leg's sound is dead (see [`crate::watch`]), or its session timer ran out.
    pub fn handle_dead(&mut self, leg: LegId, now: Instant) {
        self.now = now;
        let matters = match self.state {
            State::Closing | State::Ended => false,
            State::Bridged(with) => leg == with || leg == LegId::CALLER,
            _ => leg == LegId::CALLER && self.legs.state(leg) == Some(LegState::Up),
        };
        if matters {
            self.close(Why::NoSound);
            self.end_when_empty();
        }
    }

    /// The box stops, or a person ends the call.
    pub fn handle_stop(&mut self, now: Instant) {
        self.now = now;
        self.close(Why::Stopped);
        self.end_when_empty();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Answer => self.answer_with_menu(),
                Timer::Setup => self.close(Why::NotConfirmed),
                Timer::LookUp => self.look_up_is_late(),
                Timer::Prompt => {
                    self.silence();
                    self.prompt_ended();
                }
                Timer::Key => self.no_key(),
                Timer::Ring => {
                    self.leave_ringing(Why::NoAnswer);
                    self.nobody();
                }
                Timer::Call => self.close(Why::TooLong),
                Timer::Leaving => self.outputs.extend(self.legs.give_up().map(Output::Remove)),
            }
            self.take_typed();
            self.end_when_empty();
        }
    }

    /// What to do next. Drain until it says wait.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| self.wait())
    }

    /// Digits that were dropped because too many waited.
    pub const fn dropped_digits(&self) -> u64 {
        self.menu.dropped
    }

    fn wait(&self) -> Output {
        let Some((timer, at)) = self.timers.next() else {
            return Output::Wait { until: None, reason: WaitReason::Ended };
        };
        let reason = match timer {
            Timer::Answer => WaitReason::Answer,
            Timer::Setup => WaitReason::Confirmation,
            Timer::LookUp => WaitReason::LookUp,
            Timer::Prompt => WaitReason::Prompt,
            Timer::Key => WaitReason::Key,
            Timer::Ring => WaitReason::Phones,
            Timer::Call => WaitReason::CallCap,
            Timer::Leaving => WaitReason::Leaving,
        };
        Output::Wait { until: Some(at), reason }
    }

    fn answer_with_menu(&mut self) {
        if self.state == State::Offered {
            self.answer();
            self.state = State::Answering;
        }
    }

    fn answer(&mut self) {
        self.legs.set(LegId::CALLER, LegState::Answering);
        self.timers.set(Timer::Setup, self.now + self.config.setup);
        self.outputs.push_back(Output::Answer);
    }

    fn ask(&mut self, question: Question) {
        let token = self.token();
        self.menu.asked = Some(token);
        self.outputs.push_back(Output::LookUp { token, question });
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    fn look_up_is_late(&mut self) {
        self.menu.late = true;
        match self.state {
            State::Greeting => self.greet_when_known(),
            State::LookingUp(_) => self.enter_menu(vec![Line::NotNow]),
            State::Closing if self.here_is_open => self.here_is_open = false,
            _ => {}
        }
    }

    /// What was spoken came to its end.
    fn prompt_ended(&mut self) {
        match self.state {
            State::Menu | State::Code => self.timers.set(Timer::Key, self.now + self.config.key),
            State::Telling => self.enter_menu(Vec::new()),
            State::Ringing => {
                self.sound = Sound::Tone;
                self.outputs.push_back(Output::Tone(Cadence::Ringback));
            }
            State::Parting => self.close(Why::Over),
            _ => {}
        }
        self.take_typed();
        self.end_when_empty();
    }

    fn play(&mut self, lines: Vec<Line>) {
        self.silence();
        let token = self.token();
        self.sound = Sound::Prompt(token);
        self.timers.clear(Timer::Key);
        self.timers.set(Timer::Prompt, self.now + self.config.prompt);
        self.outputs.push_back(Output::Play { token, language: self.language(), lines });
    }

    /// Whatever the caller hears from us stops.
    fn silence(&mut self) {
        self.timers.clear(Timer::Prompt);
        if std::mem::replace(&mut self.sound, Sound::Nothing) != Sound::Nothing {
            self.outputs.push_back(Output::Silence);
        }
    }

    fn language(&self) -> Language {
        self.menu.found.as_ref().and_then(|f| f.language).unwrap_or(self.config.language)
    }

    /// Ends the call: every leg leaves, the facts are told.
    fn close(&mut self, why: Why) {
        if matches!(self.state, State::Closing | State::Ended) {
            return;
        }
        self.silence();
        let ended = self.facts(why);
        self.state = State::Closing;
        self.timers = Timers::default();
        self.leave_ringing(why);
        for (leg, state) in self.legs.all() {
            match state {
                LegState::Offered => self.outputs.push_back(Output::Refuse { why }),
                LegState::Answering | LegState::Up => self.outputs.push_back(Output::HangUp { leg, why }),
                LegState::Ringing | LegState::Leaving => continue,
            }
            self.leave(leg);
        }
        if self.legs.any(LegState::Leaving) {
            self.timers.set(Timer::Leaving, self.now + self.config.leaving);
        }
        let missed = ended.outcome == Outcome::Missed;
        self.outputs.push_back(Output::Store(Fact::Ended(ended)));
        let from_outside = !matches!(self.origin, Origin::Phone(_));
        if missed && from_outside && self.plan == Plan::Menu && self.config.missed_call_means_here {
            self.here_is_open = true;
            self.settle_here();
        }
    }

    /// Tells that the caller is here, once it is known that an order waits; waits for the desk a little.
    fn settle_here(&mut self) {
        match &self.menu.found {
            Some(found) => {
                self.here_is_open = false;
                self.timers.clear(Timer::LookUp);
                if found.ready {
                    self.outputs.push_back(Output::Store(Fact::Here));
                }
            }
            None => self.timers.set(Timer::LookUp, self.now + self.config.look_up),
        }
    }

    fn facts(&self, why: Why) -> Ended {
        let outcome = match &self.talked {
            Some(_) => Outcome::Talked,
            None if self.missed => Outcome::Missed,
            None => match self.legs.was_answered() {
                true => Outcome::Menu,
                false => Outcome::Failed,
            },
        };
        let answered = self.talked.as_ref().map(|(at, _)| *at);
        Ended {
            outcome,
            why,
            answered_by: self.talked.as_ref().map(|(_, callee)| callee.clone()),
            rang: self.rang.map_or(answered.unwrap_or(self.now).since(self.began), |rang| {
                answered.unwrap_or(self.now).since(rang)
            }),
            talked: answered.map_or_else(Default::default, |at| self.now.since(at)),
            lasted: self.now.since(self.began),
            told: self.menu.told,
        }
    }

    fn end_when_empty(&mut self) {
        if self.state == State::Closing && self.legs.is_empty() && !self.here_is_open {
            self.state = State::Ended;
            self.timers = Timers::default();
            self.outputs.push_back(Output::Ended);
        }
    }
}
