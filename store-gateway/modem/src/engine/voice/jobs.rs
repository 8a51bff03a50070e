//! The commands that calls need, and how they end.

use super::{CallEnd, CallEvent, HANG_UP_PAUSE, NotPossible, Second, Stage};
use crate::at::CallState;
use crate::engine::job::{HangUpBy, Job, SoundStep};
use crate::engine::{Engine, InFlight, Outcome};

/// Tries to end a call before the modem counts as hanging.
const MAX_HANG_UPS: u8 = 6;

impl Engine {
    /// Ends first, then answers, then begins: what can't wait comes before what can.
    pub(in crate::engine) fn next_call_job(&mut self) -> Option<Job> {
        if self.voice.close_is_due() {
            self.voice.opened = false;
            if let Some(end) = self.profile.voice.sound(self.config.sound).end {
                return Some(Job::Sound(SoundStep::Close, end));
            }
        }
        self.next_hang_up_job().or_else(|| self.next_set_up_job()).or_else(|| self.voice.next_look()).or_else(|| {
            let digit = self.voice.call.as_mut()?.digits.pop_front()?;
            Some(Job::SendDigit(digit))
        })
    }

    fn next_hang_up_job(&mut self) -> Option<Job> {
        if std::mem::take(&mut self.voice.stray) {
            self.voice.strays += 1;
            self.voice.stray_at = Some(self.now);
            self.arm_call(HANG_UP_PAUSE);
            return Some(Job::HangUp(HangUpBy::Chup));
        }
        let call = self.voice.call.as_mut()?;
        if call.ending.is_none() || call.hung_up_at.is_some_and(|at| self.now.since(at) < HANG_UP_PAUSE) {
            return None;
        }
        if call.hang_ups >= MAX_HANG_UPS {
            self.call_ended(CallEnd::Lost);
            self.hang();
            return None;
        }
        let by = if call.hang_ups.is_multiple_of(2) { HangUpBy::Chup } else { HangUpBy::Hook };
        call.hang_ups += 1;
        call.hung_up_at = Some(self.now);
        Some(Job::HangUp(by))
    }

    fn next_set_up_job(&mut self) -> Option<Job> {
        let path = self.profile.voice.sound(self.config.sound);
        let refuses = self.voice.second == Some(Second::New);
        let call = self.voice.call.as_mut()?;
        if call.is_undialled() {
            call.stage = Stage::Trying;
            return Some(Job::Dial(call.number.clone().unwrap_or_default()));
        }
        if call.answers_left > 0 && call.stage == Stage::Trying && call.ending.is_none() {
            call.answers_left -= 1;
            return Some(Job::Answer);
        }
        if call.stage == Stage::Opening && !self.voice.opened {
            self.voice.opened = true;
            return path.begin.map(|begin| Job::Sound(SoundStep::Open, begin));
        }
        // A call that rings itself, or is held, might be what the refusal ends (TS 22.030 §6.5.5.1).
        if refuses {
            self.voice.second = Some(Second::Refused);
            let state = call.state;
            let safe = matches!(state, Some(CallState::Active | CallState::Dialing | CallState::Alerting));
            return safe.then_some(Job::RefuseSecond);
        }
        None
    }

    /// A command of this module ended, with or without an answer.
    pub(in crate::engine) fn call_job_ended(&mut self, done: &InFlight, outcome: Outcome) {
        match (&done.job, outcome) {
            (_, Outcome::Restarted | Outcome::Closed) => return,
            (Job::Calls, Outcome::Ok) => return self.calls_listed(&done.info, None),
            (Job::Calls, Outcome::Error(code)) => return self.calls_listed(&[], Some(code)),
            (Job::Dial(_), Outcome::Error(_)) => self.dial_refused(),
            (Job::Dial(_) | Job::Answer, Outcome::TimedOut) => {
                // Nobody knows how far it got: make sure of the end.
                if let Some(call) = &mut self.voice.call {
                    call.ending.get_or_insert(CallEnd::Lost);
                }
            }
            (Job::Answer, Outcome::Ok) => {
                if let Some(call) = &mut self.voice.call {
                    call.answers_left = 0;
                }
            }
            (Job::Dial(_), Outcome::Torn) => {
                if let Some(call) = &mut self.voice.call {
                    call.hint.get_or_insert(CallEnd::Lost);
                }
            }
            (Job::Answer, Outcome::Error(_)) => {
                if let Some(call) = self.voice.call.as_mut().filter(|call| call.answers_left == 0) {
                    call.ending.get_or_insert(CallEnd::Lost);
                }
            }
            (Job::HangUp(_), Outcome::Error(_)) => {
                // The other way at once.
                if let Some(call) = &mut self.voice.call {
                    call.hung_up_at = call.hung_up_at.filter(|_| call.hang_ups.is_multiple_of(2));
                }
            }
            (Job::Sound(SoundStep::Open, _), outcome) => self.sound_opened(outcome),
            (Job::SendDigit(_) | Job::Sound(SoundStep::Close, _), _) => return,
            _ => {}
        }
        self.voice.want_look();
    }

    fn dial_refused(&mut self) {
        let Some(call) = &mut self.voice.call else { return };
        if call.ending.is_some() {
            // Broken off at the shell's wish.
            call.hint.get_or_insert(CallEnd::HungUp);
            return;
        }
        let event = CallEvent::NotPossible { call: call.id, why: NotPossible::Refused };
        self.voice.call = None;
        self.call_event(event);
    }

    fn sound_opened(&mut self, outcome: Outcome) {
        let call = self.voice.call.as_ref().filter(|call| call.stage == Stage::Opening).map(|call| call.id);
        self.connected();
        if let Some(call) = call.filter(|_| outcome != Outcome::Ok) {
            self.call_event(CallEvent::NoSound { call });
        }
    }
}
