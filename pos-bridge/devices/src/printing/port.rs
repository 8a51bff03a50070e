//! The printer's port as the shell tells of it: open or not, when it is opened again, and what it has not taken yet.

use std::time::Duration;

use sans_io::Instant;

#[derive(Clone, Debug)]
pub(super) struct Port {
    state: State,
    back_off: Duration,
    /// Octets that were written and that the port has not taken.
    unaccepted: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { opens_at: Instant },
    Opening,
    Open,
}

impl Port {
    pub(super) const fn new(now: Instant, back_off: Duration) -> Self {
        Self { state: State::Closed { opens_at: now }, back_off, unaccepted: 0 }
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.unaccepted == 0
    }

    pub(super) const fn opens_at(&self) -> Option<Instant> {
        match self.state {
            State::Closed { opens_at } => Some(opens_at),
            State::Opening | State::Open => None,
        }
    }

    /// True when it is time to open the port; it is being opened from then on.
    pub(super) fn open(&mut self, now: Instant) -> bool {
        let due = self.opens_at().is_some_and(|opens_at| now >= opens_at);
        if due {
            self.state = State::Opening;
        }
        due
    }

    /// True when the port was to be opened; an opening that nobody asked for changes nothing.
    pub(super) const fn opened(&mut self) -> bool {
        let asked = matches!(self.state, State::Opening);
        if asked {
            self.state = State::Open;
        }
        asked
    }

    /// True when the port was open, or about to be.
    pub(super) fn closed(&mut self, now: Instant, last_back_off: Duration) -> bool {
        if self.is_closed() {
            return false;
        }
        self.state = State::Closed { opens_at: now + self.back_off };
        self.back_off = self.back_off.saturating_mul(2).min(last_back_off);
        self.unaccepted = 0;
        true
    }

    pub(super) const fn write(&mut self, count: usize) {
        self.unaccepted += count;
    }

    /// A port that takes octets works: the next wait is short again. False when none were written; what goes beyond
    /// those that were counts for nothing.
    pub(super) fn written(&mut self, count: usize, first_back_off: Duration) -> bool {
        if !self.is_open() || self.unaccepted == 0 {
            return false;
        }
        self.back_off = first_back_off;
        self.unaccepted = self.unaccepted.saturating_sub(count);
        true
    }
}
