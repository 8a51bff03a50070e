//! The legs of a call: who rings, who talks, who is leaving.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Call, Callee, LegId, Origin, Output, Plan, Sound, State, Timer, Why};
use crate::say::Line;

/// Phones that ring together; of more, the first ring.
const MOST_RINGING: usize = 16;

/// Where a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegState {
    /// The caller, not answered.
    Offered,
    /// The caller, answered and not confirmed.
    Answering,
    /// A phone rings.
    Ringing,
    /// It talks or listens.
    Up,
    /// It was told to go, and has not confirmed.
    Leaving,
}

/// All legs that exist.
#[derive(Debug)]
pub(super) struct Legs {
    states: BTreeMap<LegId, LegState>,
    callees: BTreeMap<LegId, Callee>,
    caller_was_up: bool,
}

impl Legs {
    pub(super) fn new() -> Self {
        Self {
            states: BTreeMap::from([(LegId::CALLER, LegState::Offered)]),
            callees: BTreeMap::new(),
            caller_was_up: false,
        }
    }

    pub(super) fn state(&self, leg: LegId) -> Option<LegState> {
        self.states.get(&leg).copied()
    }

    pub(super) fn set(&mut self, leg: LegId, state: LegState) {
        self.caller_was_up |= leg == LegId::CALLER && state == LegState::Up;
        self.states.insert(leg, state);
    }

    pub(super) fn remove(&mut self, leg: LegId) -> Option<LegState> {
        self.states.remove(&leg)
    }

    pub(super) fn any(&self, state: LegState) -> bool {
        self.states.values().any(|s| *s == state)
    }

    pub(super) fn all(&self) -> Vec<(LegId, LegState)> {
        self.states.iter().map(|(leg, state)| (*leg, *state)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Whether the caller ever heard us.
    pub(super) const fn was_answered(&self) -> bool {
        self.caller_was_up
    }

    /// Forgets the legs that were to leave, and names them.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = LegId> + use<> {
        let gone: Vec<LegId> =
            self.all().into_iter().filter(|(_, s)| *s == LegState::Leaving).map(|(l, _)| l).collect();
        gone.iter().for_each(|leg| {
            self.states.remove(leg);
        });
        gone.into_iter()
    }

    fn add(&mut self, callee: Callee) -> LegId {
        let leg = LegId(1 + u8::try_from(self.callees.len()).unwrap_or(u8::MAX - 1));
        self.callees.insert(leg, callee);
        self.states.insert(leg, LegState::Ringing);
        leg
    }
}

impl Call {
    /// The phones ring together. A call rings once; whoever comes back finds the end.
    pub(super) fn ring(&mut self) {
        if self.rang.is_some() {
            self.nobody();
            return;
        }
        let callees = self.callees();
        if callees.is_empty() {
            self.nobody();
            return;
        }
        self.timers.clear(Timer::Key);
        self.timers.clear(Timer::LookUp);
        self.rang = Some(self.now);
        self.state = State::Ringing;
        if let Some(limit) = self.ring_limit(&callees) {
            self.timers.set(Timer::Ring, self.now + limit);
        }
        for callee in callees {
            let leg = self.legs.add(callee.clone());
            self.outputs.push_back(Output::Ring { leg, callee });
        }
        // A caller who was not answered hears the network's own ringback.
        if self.legs.was_answered() {
            self.play(vec![Line::Connecting]);
        }
    }

    /// Help is waited for until the caller gives up.
    fn ring_limit(&self, callees: &[Callee]) -> Option<Duration> {
        let limit = |callee: &Callee| match callee {
            Callee::Phone(_) => Some(self.config.ring),
            Callee::Outside(_) => Some(self.config.ring_outside),
            Callee::Emergency(_) => None,
        };
        callees.iter().map(limit).try_fold(Duration::ZERO, |longest, limit| limit.map(|l| l.max(longest)))
    }

    fn callees(&self) -> Vec<Callee> {
        let wanted: Vec<Callee> = match &self.plan {
            Plan::Menu => self.config.phones.iter().cloned().map(Callee::Phone).collect(),
            Plan::Connect(callees) => callees.clone(),
        };
        let allowed = |callee: &Callee| match (&self.origin, callee) {
            // A phone does not ring itself.
            (Origin::Phone(caller), Callee::Phone(called)) => caller != called,
            (Origin::Phone(_), Callee::Outside(_) | Callee::Emergency(_)) => true,
            (Origin::Trunk | Origin::Sim, Callee::Phone(_)) => true,
            // Nobody outside calls out on the store's bill.
            (Origin::Trunk | Origin::Sim, Callee::Outside(_) | Callee::Emergency(_)) => false,
        };
        wanted.into_iter().filter(allowed).take(MOST_RINGING).collect()
    }

    /// The first to answer gets the call.
    pub(super) fn bridge(&mut self, leg: LegId) {
        self.silence();
        self.timers.clear(Timer::Ring);
        self.legs.set(leg, LegState::Up);
        self.leave_ringing(Why::AnsweredElsewhere);
        if self.legs.state(LegId::CALLER) == Some(LegState::Offered) {
            self.answer();
        }
        self.talked = self.legs.callees.get(&leg).map(|callee| (self.now, callee.clone()));
        self.state = State::Bridged(leg);
        self.outputs.push_back(Output::Bridge { leg });
    }

    /// Nobody answers: the store sees a missed call, the caller hears so.
    pub(super) fn nobody(&mut self) {
        self.timers.clear(Timer::Ring);
        self.timers.clear(Timer::Key);
        self.missed = true;
        if self.legs.state(LegId::CALLER) == Some(LegState::Up) {
            self.state = State::Parting;
            self.play(vec![Line::Nobody, Line::Goodbye]);
        } else {
            let refused = matches!(&self.plan, Plan::Connect(wanted) if self.rang.is_none() && !wanted.is_empty());
            self.missed = !refused;
            self.sound = Sound::Nothing;
            self.close(if refused { Why::NotAllowed } else { Why::NoAnswer });
        }
    }

    /// What still rings is told to stop.
    pub(super) fn leave_ringing(&mut self, why: Why) {
        for (leg, state) in self.legs.all() {
            if state == LegState::Ringing {
                self.outputs.push_back(Output::Cancel { leg, why });
                self.leave(leg);
            }
        }
    }

    /// A leg has been told to go.
    pub(super) fn leave(&mut self, leg: LegId) {
        self.legs.set(leg, LegState::Leaving);
        self.timers.set(Timer::Leaving, self.now + self.config.leaving);
    }
}
