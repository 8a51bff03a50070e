//! The modem's state: SIM, registration, signal, operator, the network's time. Told when it changes.

use super::job::{Domain, Job};
use super::types::{Event, PauseReason, Registration, Signal, SimState};
use super::{Engine, InFlight, Phase};
use crate::at::{self, Clock, ErrorCode};

/// The clock is read at every set-up, when the network tells of it, and at every so many polls.
const POLLS_PER_CLOCK: u32 = 120;

/// What is to be asked.
#[derive(Clone, Copy, Debug, Default)]
struct Wants {
    sim: bool,
    circuit: bool,
    eps: bool,
    signal: bool,
    operator: bool,
    clock: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Health {
    wants: Wants,
    polls: u32,
    sim: Option<SimState>,
    circuit: Option<Registration>,
    eps: Option<Registration>,
    registration: Option<Registration>,
    signal: Option<Signal>,
    operator: Option<String>,
    /// The modem has no `CEREG`.
    no_eps: bool,
    /// A pause for the SIM's sake was told.
    paused: bool,
}

impl Health {
    pub(super) fn want_all(&mut self) {
        self.polls = self.polls.wrapping_add(1);
        let clock = self.wants.clock || self.polls.is_multiple_of(POLLS_PER_CLOCK);
        self.wants = Wants { sim: true, circuit: true, eps: !self.no_eps, signal: true, operator: true, clock };
    }

    pub(super) fn want_clock(&mut self) {
        self.wants.clock = true;
    }

    pub(super) fn can_send(&self) -> bool {
        self.sim == Some(SimState::Ready) && self.registration.is_some_and(Registration::is_registered)
    }

    /// A missing PIN was told already.
    pub(super) fn wants_pin(&self) -> bool {
        matches!(self.sim, Some(SimState::PinRequired { .. }))
    }

    pub(super) fn next_job(&mut self) -> Option<Job> {
        let wants = &mut self.wants;
        let mut take = |want: fn(&mut Wants) -> &mut bool| std::mem::take(want(wants));
        if take(|w| &mut w.sim) {
            return Some(Job::SimState);
        }
        if take(|w| &mut w.circuit) {
            return Some(Job::Registration(Domain::Circuit));
        }
        if take(|w| &mut w.eps) {
            return Some(Job::Registration(Domain::Eps));
        }
        if take(|w| &mut w.signal) {
            return Some(Job::Signal);
        }
        if take(|w| &mut w.operator) {
            return Some(Job::Operator);
        }
        take(|w| &mut w.clock).then_some(Job::Clock)
    }
}

/// The better of two registrations: a message can go by either.
fn better(a: Option<Registration>, b: Option<Registration>) -> Registration {
    let rank = |r: &Registration| match r {
        Registration::None => 0,
        Registration::Denied => 1,
        Registration::Searching => 2,
        Registration::Roaming => 3,
        Registration::Home => 4,
    };
    [a, b].into_iter().flatten().max_by_key(rank).unwrap_or(Registration::None)
}

impl Engine {
    pub(super) fn registration_notice(&mut self, domain: Domain, values: &str) {
        if let Some(registration) = at::registration_notice(values) {
            self.registered(domain, registration);
        }
    }

    fn registered(&mut self, domain: Domain, registration: Registration) {
        match domain {
            Domain::Circuit => self.health.circuit = Some(registration),
            Domain::Eps => self.health.eps = Some(registration),
        }
        let both = better(self.health.circuit, self.health.eps);
        if self.health.registration.replace(both) != Some(both) {
            self.event(Event::Registration(both));
            self.health.wants.operator = true;
        }
    }

    /// After a restart nothing that was known holds.
    pub(super) fn forget_health(&mut self) {
        self.health.circuit = None;
        self.health.eps = None;
        self.health.wants = Wants::default();
        if self.health.registration.take().is_some_and(Registration::is_registered) {
            self.event(Event::Registration(Registration::None));
        }
    }

    /// The answer to a question of this module.
    pub(super) fn health_answered(&mut self, done: &InFlight, error: Option<ErrorCode>) {
        let values = done.info.last().map(String::as_str).filter(|_| error.is_none());
        match (&done.job, values) {
            (Job::Registration(domain), Some(values)) => {
                if let Some(registration) = at::registration_answer(values) {
                    self.registered(*domain, registration);
                }
            }
            (Job::Registration(Domain::Eps), None) => self.health.no_eps = true,
            (Job::Signal, Some(values)) => {
                if let Some(signal) = at::csq(values)
                    && self.health.signal.replace(signal) != Some(signal)
                {
                    self.event(Event::Signal(signal));
                }
            }
            (Job::Operator, Some(values)) => {
                let operator = at::operator(values);
                if self.health.operator.as_deref() != Some(&operator) {
                    self.health.operator = Some(operator.clone());
                    self.event(Event::Operator(operator));
                }
            }
            (Job::Clock, Some(values)) => {
                if let Some(Clock::Set(unix_ms)) = at::clock(values) {
                    self.event(Event::NetworkTime { unix_ms });
                }
            }
            _ => {}
        }
    }

    /// The SIM's state, from whatever told it.
    pub(super) fn sim_is(&mut self, state: SimState) {
        if self.health.sim.replace(state) == Some(state) {
            return;
        }
        self.event(Event::Sim(state));
        if state != SimState::Ready {
            self.health.paused = true;
            self.event(Event::Paused(PauseReason::Sim(state)));
            self.refuse_waiting_submission();
            if self.phase == Phase::Ready {
                self.setup.needed = true;
            }
        } else if std::mem::take(&mut self.health.paused) {
            self.sim_came_back();
            self.event(Event::Resumed);
        }
    }
}
