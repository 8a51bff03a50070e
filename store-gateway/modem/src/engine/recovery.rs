//! The ladder against a modem that does not answer. After every step the modem's whole state is read again.

use sans_io::Instant;

use super::types::{Event, RecoveryStep};
use super::{CR, Engine, Phase, Timer};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// The last step and when it was taken.
    last: Option<(RecoveryStep, Instant)>,
    /// Steps are being taken and the modem has not answered since.
    active: bool,
    /// The power key was pressed once: a hung modem goes off by the first press and on by the second.
    pressed: bool,
}

impl Engine {
    /// The modem does not answer: the next step.
    pub(super) fn hang(&mut self) {
        self.refuse_waiting_submission();
        let step = self.next_step();
        self.take_step(step);
    }

    fn next_step(&self) -> RecoveryStep {
        let Some((last, at)) = self.recovery.last else { return RecoveryStep::ReopenPort };
        if !self.recovery.active && self.now.since(at) > self.config.recovery_window {
            return RecoveryStep::ReopenPort;
        }
        match last {
            RecoveryStep::ReopenPort if self.phase == Phase::Closed => RecoveryStep::PowerKey,
            RecoveryStep::ReopenPort => RecoveryStep::Restart,
            RecoveryStep::Restart => RecoveryStep::PowerOff,
            RecoveryStep::PowerOff => RecoveryStep::PowerKey,
            RecoveryStep::PowerKey if !self.recovery.pressed => RecoveryStep::PowerKey,
            RecoveryStep::PowerKey => RecoveryStep::ResetPin,
            RecoveryStep::ResetPin => RecoveryStep::Exhausted,
            RecoveryStep::Exhausted => RecoveryStep::ReopenPort,
        }
    }

    fn take_step(&mut self, step: RecoveryStep) {
        let again = self.recovery.last.is_some_and(|(last, _)| last == step);
        self.recovery.pressed = step == RecoveryStep::PowerKey && again;
        self.recovery.last = Some((step, self.now));
        self.recovery.active = true;
        if self.phase != Phase::Closed {
            self.phase = Phase::Recovering;
        }
        self.setup.needed = true;
        self.framer.clear();
        self.inbound.forget();
        self.calls_lost();
        for timer in [Timer::Drain, Timer::Retry, Timer::Poll, Timer::Scan] {
            self.timers.clear(timer);
        }
        if step != RecoveryStep::ReopenPort && step != RecoveryStep::Exhausted {
            self.sending.power_was_lost();
            self.forget_health();
        }
        self.event(Event::Hang { step });
        match step {
            RecoveryStep::ReopenPort => self.event(Event::ReopenPort),
            RecoveryStep::Restart => self.transmit_blind("AT+CFUN=1,1"),
            RecoveryStep::PowerOff => self.transmit_blind(self.profile.power_off),
            RecoveryStep::PowerKey => self.event(Event::PowerKey { hold: self.profile.power_key }),
            RecoveryStep::ResetPin => self.event(Event::ResetPin { hold: self.profile.reset_pin }),
            RecoveryStep::Exhausted => {}
        }
        let wait = if step == RecoveryStep::Exhausted { self.config.recovery_window } else { self.config.boot };
        self.timers.set(Timer::Recovery, self.now + wait);
    }

    /// A command whose answer nobody expects.
    fn transmit_blind(&mut self, command: &str) {
        let mut octets = command.as_bytes().to_vec();
        octets.push(CR);
        self.transmit(octets);
    }

    /// The port or the modem had its time.
    pub(super) fn recovery_is_due(&mut self) {
        let last = self.recovery.last.map(|(step, _)| step).filter(|_| self.recovery.active);
        match (self.phase, last) {
            (Phase::Closed, _) | (Phase::Recovering, Some(RecoveryStep::ReopenPort | RecoveryStep::Exhausted)) => {
                self.hang()
            }
            (Phase::Recovering, _) => self.synchronise(),
            _ => {}
        }
    }

    /// The port answers.
    pub(super) fn recovered(&mut self) {
        self.timers.clear(Timer::Recovery);
        if std::mem::take(&mut self.recovery.active) {
            self.event(Event::Recovered);
        }
    }
}
