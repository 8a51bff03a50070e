//! What the modem's list of calls says of the call that there is, and of those beside it.

use super::{Ability, Call, CallEnd, CallEvent, HANG_UP_PAUSE, Stage};
use crate::Private;
use crate::at::{self, CallLine, CallState, Direction, ErrorCode};
use crate::engine::Engine;

/// Lists in a row without the call before it counts as ended, when nothing said that it has: it may be on its way in or out.
const MAX_ABSENT: u8 = 3;

/// Lists that show an incoming call without its number before it is told so: the notice with the number may be on its way.
const MAX_UNNUMBERED: u8 = 2;

/// Calls in a row that nobody knows of and that are hung up; beyond it the next set-up looks again.
const MAX_STRAYS: u8 = 3;

impl Engine {
    /// `AT+CLCC` was answered.
    pub(super) fn calls_listed(&mut self, lines: &[String], error: Option<ErrorCode>) {
        match error {
            None => self.voice.ability = Ability::Able,
            Some(_) if self.voice.call.is_none() => self.voice.ability = Ability::Unable,
            Some(_) => {}
        }
        let read: Vec<Option<CallLine>> = lines.iter().map(|values| at::call_line(values)).collect();
        let complete = error.is_none() && read.iter().all(Option::is_some);
        let mut calls: Vec<CallLine> = read.into_iter().flatten().filter(|line| line.voice).collect();
        let known = self.voice.call.as_ref().and_then(|call| calls.iter().position(|line| call.is(line)));
        match known {
            Some(at) => {
                let line = calls.remove(at);
                self.call_listed(line);
            }
            None if complete => self.call_absent(),
            None => {}
        }
        self.others_listed(&calls, complete);
        if let Some(call) = &self.voice.call {
            let between = if call.stage == Stage::Up { self.config.call_check } else { self.config.call_poll };
            self.arm_call(between);
        }
    }

    /// The call is in the list.
    fn call_listed(&mut self, line: CallLine) {
        let after_hint = self.voice.after_hint;
        let Some(call) = &mut self.voice.call else { return };
        call.absent = 0;
        call.index = Some(line.index);
        call.state = Some(line.state);
        if after_hint {
            // What ended was another call.
            call.hint = None;
        }
        if call.ending.is_some() {
            return;
        }
        match line.state {
            CallState::Incoming | CallState::Waiting => self.still_rings(line.number),
            CallState::Dialing => {}
            CallState::Alerting => {
                if call.stage == Stage::Trying {
                    call.stage = Stage::Alerting;
                    let event = CallEvent::Alerting { call: call.id };
                    self.call_event(event);
                }
            }
            CallState::Active | CallState::Held => self.answered(),
        }
    }

    fn still_rings(&mut self, number: Option<Private<String>>) {
        let Some(call) = self.voice.call.as_mut().filter(|call| call.stage == Stage::New) else { return };
        call.unnumbered += 1;
        if call.number.is_none() {
            call.number = number;
        }
        if call.number.is_some() || call.unnumbered >= MAX_UNNUMBERED {
            self.tell_incoming();
        }
    }

    /// Both ends are there.
    fn answered(&mut self) {
        let path = self.profile.voice.sound(self.config.sound);
        let Some(call) = &mut self.voice.call else { return };
        if call.is_answered() {
            return;
        }
        if call.stage == Stage::New && call.direction() == Direction::Incoming {
            // Answered by nobody here (ATS0, a headset): it was never told and is no call of the shell's.
            call.ending = Some(CallEnd::HungUp);
            return;
        }
        call.stage = Stage::Opening;
        if path.begin.is_none() {
            self.connected();
        }
    }

    pub(super) fn connected(&mut self) {
        let Some(call) = self.voice.call.as_mut().filter(|call| call.stage == Stage::Opening) else { return };
        call.stage = Stage::Up;
        let event = CallEvent::Connected { call: call.id };
        self.call_event(event);
    }

    /// The call is not in the list.
    fn call_absent(&mut self) {
        let Some(call) = self.voice.call.as_mut().filter(|call| !call.is_undialled()) else { return };
        call.absent += 1;
        let known = call.ending.filter(|_| call.hang_ups > 0).or(call.hint).is_some();
        if known || call.absent >= MAX_ABSENT {
            let why = call.ending.or(call.hint).unwrap_or(CallEnd::Remote);
            self.call_ended(why);
        }
    }

    /// Calls beside the one that is known.
    fn others_listed(&mut self, others: &[CallLine], complete: bool) {
        let rings = |line: &&CallLine| matches!(line.state, CallState::Incoming | CallState::Waiting);
        let mut ringing = others.iter().find(rings);
        if let Some(line) = ringing
            && self.voice.call.as_ref().is_none_or(Call::is_undialled)
        {
            self.offered(Some(line));
            self.still_rings(line.number.clone());
            ringing = None;
        }
        match ringing {
            Some(line) => self.second_call(line.number.clone()),
            None if complete && self.voice.after_second => self.voice.second = None,
            None => {}
        }
        let stray = self.voice.call.is_none() && others.iter().any(|line| !rings(&line));
        let pause = self.voice.stray_at.is_some_and(|at| self.now.since(at) < HANG_UP_PAUSE);
        self.voice.stray = stray && !pause && self.voice.strays < MAX_STRAYS;
        if complete && !stray {
            self.voice.strays = 0;
        }
    }
}
