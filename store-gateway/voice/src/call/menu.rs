//! The menu: what a key means, what is read out, and how six digits are asked for.
//!
//! A pickup code is proof, never news: whoever knows it hears how its order stands, and the code itself is not said. A
//! call has three tries at most; the desk counts misses over all calls and locks.

use std::collections::VecDeque;
use std::fmt;

use shop_model::code::{CODE_DIGITS, PickupCode};

use super::{Call, CodeAnswer, Config, Found, Looking, Question, State, Timer, Token};
use crate::dtmf::Digit;
use crate::say::{Line, Status};

/// Digits that wait while the desk looks up; more are dropped and counted.
const MOST_TYPED: usize = 16;
/// Codes that one call may try, whatever the configuration says.
const MOST_TRIES: u8 = 3;

/// What the menu knows and counts.
pub(super) struct Menu {
    pub(super) found: Option<Found>,
    /// The first look-up took too long.
    pub(super) late: bool,
    /// The question that is open.
    pub(super) asked: Option<Token>,
    /// Statuses that were read out.
    pub(super) told: u8,
    /// Digits dropped.
    pub(super) dropped: u64,
    typed: VecDeque<Digit>,
    code: String,
    /// The order whose code was given in this call.
    proved: Option<Status>,
    tries_left: u8,
    /// Menus left in all, and to silence or wrong keys.
    menus_left: u8,
    repeats_left: u8,
}

impl fmt::Debug for Menu {
    /// Its counts; digits may be a code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Menu")
            .field("typed", &self.typed.len())
            .field("tries_left", &self.tries_left)
            .field("menus_left", &self.menus_left)
            .finish_non_exhaustive()
    }
}

impl Menu {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            found: None,
            late: false,
            asked: None,
            told: 0,
            dropped: 0,
            typed: VecDeque::new(),
            code: String::new(),
            proved: None,
            tries_left: config.code_tries.min(MOST_TRIES),
            menus_left: config.menus,
            repeats_left: config.repeats,
        }
    }

    /// Keeps a digit until it is taken.
    pub(super) fn type_digit(&mut self, digit: Digit) {
        if self.typed.len() == MOST_TYPED {
            self.dropped += 1;
            return;
        }
        self.typed.push_back(digit);
    }
}

impl Call {
    /// Digits count during prompts and after them; while nobody can take one they wait.
    pub(super) fn take_typed(&mut self) {
        loop {
            match self.state {
                State::Menu | State::Telling | State::Code => {}
                // They were meant for the menu, which is over.
                State::Ringing | State::Bridged(_) | State::Parting | State::Closing | State::Ended => {
                    self.menu.typed.clear();
                    return;
                }
                State::Offered | State::Answering | State::Greeting | State::LookingUp(_) => return,
            }
            let Some(digit) = self.menu.typed.pop_front() else { return };
            // Many close a code with it; the sixth digit was enough.
            let closes_nothing = digit.sign() == '#' && (self.state != State::Code || self.menu.code.is_empty());
            if closes_nothing {
                continue;
            }
            self.silence();
            self.timers.clear(Timer::Key);
            match self.state {
                State::Code => self.code_digit(digit),
                _ => self.choose(digit),
            }
        }
    }

    /// The greeting waits for the caller's language, but not for long.
    pub(super) fn greet_when_known(&mut self) {
        if self.menu.found.is_some() || self.menu.late {
            self.enter_menu(vec![Line::Greeting]);
            self.take_typed();
        }
    }

    /// Says the menu behind `before`; instead rings the phones when it was said often enough.
    pub(super) fn enter_menu(&mut self, before: Vec<Line>) {
        let Some(left) = self.menu.menus_left.checked_sub(1) else {
            self.ring();
            return;
        };
        self.menu.menus_left = left;
        self.menu.code.clear();
        self.state = State::Menu;
        let lines = before.into_iter().chain([Line::Menu]).collect();
        self.play(lines);
    }

    fn choose(&mut self, digit: Digit) {
        match digit.sign() {
            '1' => self.tell_or_ask(),
            '2' => self.ring(),
            _ => self.repeat(vec![Line::NotUnderstood]),
        }
    }

    /// No key came.
    pub(super) fn no_key(&mut self) {
        match self.state {
            State::Menu => self.repeat(Vec::new()),
            State::Code if self.menu.code.is_empty() => self.repeat(Vec::new()),
            State::Code => self.wrong_code(),
            _ => {}
        }
    }

    fn repeat(&mut self, before: Vec<Line>) {
        match self.menu.repeats_left.checked_sub(1) {
            Some(left) => {
                self.menu.repeats_left = left;
                self.enter_menu(before);
            }
            None => self.ring(),
        }
    }

    /// Reads out what the caller may hear, or asks for the proof.
    pub(super) fn tell_or_ask(&mut self) {
        if let Some(proved) = self.menu.proved.clone() {
            self.tell(vec![Line::Status(proved)]);
            return;
        }
        let Some(found) = &self.menu.found else {
            self.state = State::LookingUp(Looking::Caller);
            self.timers.set(Timer::LookUp, self.now + self.config.look_up);
            return;
        };
        if found.orders.is_empty() {
            self.ask_code(Vec::new());
            return;
        }
        let mut lines = Vec::new();
        if found.total > 1 {
            lines.push(Line::Found(found.total));
        }
        lines.extend(found.orders.iter().cloned().map(Line::Status));
        if found.total > found.orders.len() {
            lines.push(Line::MoreWithStaff);
        }
        self.tell(lines);
    }

    fn tell(&mut self, lines: Vec<Line>) {
        let statuses = lines.iter().filter(|l| matches!(l, Line::Status(_))).count();
        self.menu.told = self.menu.told.saturating_add(u8::try_from(statuses).unwrap_or(u8::MAX));
        self.state = State::Telling;
        self.play(lines);
    }

    fn ask_code(&mut self, before: Vec<Line>) {
        self.menu.code.clear();
        if self.menu.tries_left == 0 {
            self.enter_menu(before.into_iter().chain([Line::NoMoreTries]).collect());
            return;
        }
        self.state = State::Code;
        self.play(before.into_iter().chain([Line::AskCode]).collect());
    }

    fn code_digit(&mut self, digit: Digit) {
        match digit.sign() {
            sign @ '0'..='9' => self.menu.code.push(sign),
            '*' => self.menu.code.clear(),
            // The end of a code that is too short.
            _ => {
                self.wrong_code();
                return;
            }
        }
        if self.menu.code.len() < CODE_DIGITS {
            self.timers.set(Timer::Key, self.now + self.config.key);
            return;
        }
        let code = std::mem::take(&mut self.menu.code);
        match PickupCode::parse(&code) {
            Ok(code) => {
                // Counted when it is asked, so that a slow desk gives nobody another try.
                self.menu.tries_left = self.menu.tries_left.saturating_sub(1);
                self.state = State::LookingUp(Looking::Code);
                self.timers.set(Timer::LookUp, self.now + self.config.look_up);
                self.ask(Question::Code(code));
            }
            Err(_) => self.wrong_code(),
        }
    }

    pub(super) fn code_answered(&mut self, answer: CodeAnswer) {
        match answer {
            CodeAnswer::Right(status) => {
                self.menu.proved = Some((*status).clone());
                self.tell(vec![Line::Status(*status)]);
            }
            CodeAnswer::Wrong => self.ask_code(vec![Line::WrongCode]),
            CodeAnswer::Locked => {
                self.menu.tries_left = 0;
                self.ask_code(Vec::new());
            }
        }
    }

    /// What was typed is no code.
    fn wrong_code(&mut self) {
        self.menu.tries_left = self.menu.tries_left.saturating_sub(1);
        self.ask_code(vec![Line::WrongCode]);
    }
}
