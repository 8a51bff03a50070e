//! Session timers (RFC 4028): a dialog whose peer is gone ends by itself, in sound or in silence.
//!
//! Decides the interval, who refreshes, and when. Never sends anything: the SIP shell writes the headers, sends the
//! UPDATE or re-INVITE, and hangs up. While events come by this module no dialog outlives its peer by more than the
//! interval.

use std::time::Duration;

use sans_io::Instant;

/// The least that a `Min-SE` may be (§5).
pub const LEAST: Duration = Duration::from_secs(90);
/// The expiry is told so long before the end, or a third of the interval, whichever is less (§10).
const BEFORE_END: Duration = Duration::from_secs(32);

/// Who sends the refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// This side.
    Us,
    /// The other.
    Them,
}

/// What an INVITE or its answer says about the timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `Session-Expires`.
    pub expires: Option<Duration>,
    /// Its `refresher`: `uac` or `uas`.
    pub refresher: Option<Role>,
    /// `Min-SE`.
    pub least: Option<Duration>,
    /// `Supported: timer`.
    pub supported: bool,
}

/// A role in the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who asked.
    Uac,
    /// Who answers.
    Uas,
}

/// Our own wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The interval that we ask for.
    pub interval: Duration,
    /// The least that we take, not below [`LEAST`].
    pub least: Duration,
}

impl Default for Config {
    /// Ten minutes, and not less than 90 seconds. RFC 4028 recommends half an hour; a shop's call is shorter.
    fn default() -> Self {
        Self { interval: Duration::from_secs(600), least: LEAST }
    }
}

/// The answer must be 422 with this `Min-SE` (§9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session interval is too small, {} s is the least", .0.as_secs())]
pub struct TooSmall(pub Duration);

/// What is agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The interval.
    pub interval: Duration,
    /// Who refreshes.
    pub refresher: Refresher,
}

impl Agreed {
    /// The UAS's decision about a request (§9). The answer carries `Session-Expires` with the interval, and
    /// `Require: timer` when the other side refreshes.
    ///
    /// # Errors
    /// [`TooSmall`] when the request asks for less than we take and could ask again.
    pub fn answer(config: Config, said: Said) -> Result<Self, TooSmall> {
        let least = config.least.max(LEAST);
        if let Some(asked) = said.expires
            && asked < least
            && said.supported
        {
            return Err(TooSmall(least));
        }
        let floor = least.max(said.least.unwrap_or_default());
        // The UAS may shorten what was asked, never below the Min-SE, and never lengthen it.
        let asked = said.expires.filter(|asked| *asked >= least).unwrap_or(config.interval);
        let interval = asked.min(config.interval).max(floor);
        let refresher = match (said.supported, said.refresher) {
            // One who does not know the timer cannot refresh.
            (false, _) | (true, Some(Role::Uas)) => Refresher::Us,
            (true, Some(Role::Uac) | None) => Refresher::Them,
        };
        Ok(Self { interval, refresher })
    }

    /// What a 2xx to our own request says (§7.2); without a `Session-Expires` we refresh on our own (§7.2 allows it).
    pub fn accept(config: Config, said: Said) -> Self {
        let interval = said.expires.map_or(config.interval, |e| e.max(LEAST));
        let refresher = match (said.expires, said.refresher) {
            (Some(_), Some(Role::Uas)) => Refresher::Them,
            _ => Refresher::Us,
        };
        Self { interval, refresher }
    }
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send a refresh.
    Refresh,
    /// Send BYE: nobody refreshed.
    HangUp,
}

/// The timer of one dialog.
#[derive(Clone, Copy, Debug)]
pub struct SessionTimer {
    agreed: Agreed,
    refreshed: Instant,
    asked: bool,
}

impl SessionTimer {
    /// A session that was agreed on now.
    pub const fn new(agreed: Agreed, now: Instant) -> Self {
        Self { agreed, refreshed: now, asked: false }
    }

    /// A refresh succeeded, whoever sent it, perhaps with other terms.
    pub const fn handle_refreshed(&mut self, agreed: Agreed, now: Instant) {
        *self = Self::new(agreed, now);
    }

    /// A refresh of ours was refused or not answered: 481, 408 and silence end the session (§10); another refusal is
    /// tried no further, and the interval decides.
    pub fn handle_refresh_failed(&mut self, gone: Gone) -> Option<Due> {
        (gone == Gone::Yes).then_some(Due::HangUp)
    }

    /// When something is due.
    pub fn next_timeout(&self) -> Instant {
        match self.agreed.refresher {
            Refresher::Us if !self.asked => self.refreshed + self.agreed.interval / 2,
            Refresher::Us | Refresher::Them => self.refreshed + self.before_end(),
        }
    }

    /// Time has passed. A refresh whose time went by together with the session's is not sent any more.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Due> {
        if now < self.next_timeout() {
            return None;
        }
        if self.agreed.refresher == Refresher::Us && !self.asked && now < self.refreshed + self.before_end() {
            self.asked = true;
            return Some(Due::Refresh);
        }
        Some(Due::HangUp)
    }

    fn before_end(&self) -> Duration {
        self.agreed.interval - BEFORE_END.min(self.agreed.interval / 3)
    }
}

/// Whether a failed refresh says that the peer's dialog is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// 481, 408, or no answer.
    Yes,
    /// Anything else.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn said(expires: u64, refresher: Option<Role>) -> Said {
        Said { expires: Some(s(expires)), refresher, least: None, supported: true }
    }

    #[test]
    fn answers_as_rfc_4028_s_table_2_says_who_refreshes() {
        let answer = |said| Agreed::answer(Config::default(), said).map(|a| (a.interval.as_secs(), a.refresher));
        assert_eq!(answer(said(1_800, Some(Role::Uac))), Ok((600, Refresher::Them)));
        assert_eq!(answer(said(300, Some(Role::Uas))), Ok((300, Refresher::Us)));
        assert_eq!(answer(said(300, None)), Ok((300, Refresher::Them)));
        assert_eq!(answer(Said::default()), Ok((600, Refresher::Us)), "the peer knows no timer");
        assert_eq!(answer(said(60, None)), Err(TooSmall(s(90))));
        let floor = Said { least: Some(s(1_200)), ..said(1_800, None) };
        assert_eq!(answer(floor), Ok((1_200, Refresher::Them)), "not below the other's Min-SE");
        let proxy = Said { supported: false, ..said(60, None) };
        assert_eq!(answer(proxy), Ok((600, Refresher::Us)), "who cannot ask again is not refused");
    }

    #[test]
    fn refreshes_at_half_time_and_hangs_up_before_the_end() {
        let agreed = Agreed { interval: s(600), refresher: Refresher::Us };
        let mut timer = SessionTimer::new(agreed, Instant::ZERO);
        let at = |seconds| Instant::ZERO + s(seconds);
        assert_eq!(timer.handle_timeout(at(299)), None);
        assert_eq!(timer.handle_timeout(at(300)), Some(Due::Refresh));
        assert_eq!((timer.handle_timeout(at(301)), timer.next_timeout()), (None, at(568)));
        assert_eq!(timer.handle_timeout(at(568)), Some(Due::HangUp));
        let mut late = SessionTimer::new(timer.agreed, at(0));
        assert_eq!(late.handle_timeout(at(568)), Some(Due::HangUp), "too late to ask");
        timer.handle_refreshed(agreed, at(320));
        assert_eq!(timer.next_timeout(), at(620));
        assert_eq!(timer.handle_refresh_failed(Gone::No), None);
        assert_eq!(timer.handle_refresh_failed(Gone::Yes), Some(Due::HangUp));
    }

    #[test]
    fn waits_for_the_other_s_refresh_until_a_third_of_a_short_interval_is_left() {
        let agreed = Agreed::accept(Config::default(), said(90, Some(Role::Uas)));
        assert_eq!(agreed.refresher, Refresher::Them);
        let mut timer = SessionTimer::new(agreed, Instant::ZERO);
        // min(32, 90 / 3) = 30 before the end.
        assert_eq!(timer.next_timeout(), Instant::ZERO + s(60));
        assert_eq!(timer.handle_timeout(Instant::ZERO + s(60)), Some(Due::HangUp));
    }
}
