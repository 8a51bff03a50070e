//! The trunk's registration: when we ask, how we prove ourselves, how long we wait after a no.
//!
//! Decides the next REGISTER and what the pages say. Pure: the shell finds the registrar's address and opens the socket
//! ([`Want::Link`]), `agent` sends. Never places a call.

use std::net::SocketAddr;
use std::time::Duration;

use sans_io::Instant;

use crate::address;
use crate::challenge::{Account, Challenge};
use crate::config::Trunk;
use crate::event::TrunkState;
use crate::message::{Method, Request, Response, phrase};

/// The first pause after a failure, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// Proofs for one attempt: one for the challenge, one more for a nonce that was stale.
const MOST_PROOFS: u32 = 2;
/// The shell finds an address within this, or counts as having failed.
const LINK_WAIT: Duration = Duration::from_secs(60);
/// Words of a registrar are kept up to here.
const MOST_WORDS: usize = 120;

/// The way to the registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The registrar.
    pub(crate) remote: SocketAddr,
    /// Our own address towards it.
    pub(crate) local: SocketAddr,
}

/// What the registration wants done.
pub(crate) enum Want {
    /// Find the registrar and open the way, or see that it is still open.
    Link,
    /// Send this; `Via`, `Max-Forwards` and `User-Agent` are the agent's.
    Send(Box<Request>),
}

enum Phase {
    /// The shell looks for the registrar.
    Linking { until: Instant },
    /// A REGISTER is under way.
    Asking { proofs: u32 },
    /// Registered; asked again at `again`.
    Idle { again: Instant },
    /// After a no.
    Pausing { until: Instant },
}

enum Last {
    None,
    Refused { status: u16, reason: String },
    Unreachable(String),
}

/// The registration.
pub(crate) struct Registration {
    config: Trunk,
    call_id: String,
    tag: String,
    cseq: u32,
    phase: Phase,
    link: Option<Link>,
    registered_until: Option<Instant>,
    last: Last,
    pause: Duration,
    expires: Duration,
    challenge: Option<Challenge>,
    wants: Vec<Want>,
}

impl Registration {
    pub(crate) fn new(config: Trunk, call_id: String, tag: String, now: Instant) -> Self {
        Self {
            expires: config.expires,
            config,
            call_id,
            tag,
            cseq: 0,
            phase: Phase::Linking { until: now + LINK_WAIT },
            link: None,
            registered_until: None,
            last: Last::None,
            pause: FIRST_PAUSE,
            challenge: None,
            wants: vec![Want::Link],
        }
    }

    /// The domain in addresses.
    pub(crate) fn domain(&self) -> &str {
        self.config.domain.as_deref().unwrap_or_else(|| host_without_port(&self.config.registrar))
    }

    pub(crate) const fn config(&self) -> &Trunk {
        &self.config
    }

    /// The way out, while we are registered.
    pub(crate) fn ready(&self, now: Instant) -> Option<Link> {
        self.link.filter(|_| self.registered_until.is_some_and(|until| until > now))
    }

    /// The way to the registrar, registered or not.
    pub(crate) const fn link(&self) -> Option<Link> {
        self.link
    }

    /// What must be done now.
    pub(crate) fn poll_want(&mut self) -> Option<Want> {
        if self.wants.is_empty() { None } else { Some(self.wants.remove(0)) }
    }

    /// The way is open.
    pub(crate) fn handle_link(&mut self, link: Link) {
        if self.link != Some(link) {
            // Credentials for another server prove nothing here.
            self.challenge = None;
        }
        self.link = Some(link);
        if matches!(self.phase, Phase::Linking { .. }) {
            self.ask(0);
        }
    }

    /// The way was not found. A registration that still holds goes on holding.
    pub(crate) fn handle_unreachable(&mut self, why: &str, now: Instant) {
        if !matches!(self.phase, Phase::Pausing { .. }) {
            self.fail(Last::Unreachable(words(why)), now);
        }
    }

    /// The way broke: nothing can be sent or come until it is open again.
    pub(crate) fn handle_broken(&mut self, why: &str, now: Instant) {
        self.link = None;
        self.registered_until = None;
        self.handle_unreachable(why, now);
    }

    fn ask(&mut self, proofs: u32) {
        let Some(link) = self.link else { return };
        self.cseq += 1;
        let mut request = Request::new(Method::Register, format!("sip:{}", self.domain()));
        let aor = format!("<sip:{}@{}>", address::clean_user(&self.config.user), self.domain());
        let transport = match self.config.transport {
            crate::Transport::Udp => "",
            crate::Transport::Tcp => ";transport=tcp",
        };
        let contact = format!("<sip:{}@{}{transport}>", address::clean_user(&self.config.user), link.local);
        let headers = &mut request.headers;
        headers.push("From", format!("{aor};tag={}", self.tag));
        headers.push("To", aor);
        headers.push("Call-ID", self.call_id.clone());
        headers.push("CSeq", format!("{} REGISTER", self.cseq));
        headers.push("Contact", contact);
        headers.push("Expires", self.expires.as_secs().to_string());
        if let Some(challenge) = &mut self.challenge {
            let account = Account { user: &self.config.user, password: &self.config.password };
            let cnonce = format!("{}{:x}", self.tag, self.cseq);
            challenge.answer(&mut request, &account, &cnonce);
        }
        self.phase = Phase::Asking { proofs };
        self.wants.push(Want::Send(Box::new(request)));
    }

    /// The registrar answered; 408 stands for silence.
    pub(crate) fn handle_response(&mut self, response: &Response, now: Instant) {
        let Phase::Asking { proofs } = self.phase else { return };
        match response.status {
            ..200 => {}
            200..300 => self.accept(response, now),
            401 | 407 => self.prove(response, proofs, now),
            423 => self.lengthen(response, proofs, now),
            408 | 503 => {
                let why = if response.status == 408 { "no answer" } else { "the registrar is not available" };
                self.registered_until = None;
                self.fail(Last::Unreachable(why.to_owned()), now);
            }
            status => self.refused(status, now),
        }
    }

    fn accept(&mut self, response: &Response, now: Instant) {
        let ours = self.link.map(|link| link.local.to_string()).unwrap_or_default();
        let contact = response.headers.list("Contact").find(|contact| contact.contains(&ours));
        let param = contact.and_then(|text| address::NameAddr::parse(text).param("expires")?.parse().ok());
        let seconds = param.or_else(|| response.headers.number("Expires").map(u64::from));
        let life = seconds.map_or(self.expires, Duration::from_secs).max(Duration::from_secs(10));
        self.registered_until = Some(now + life);
        self.pause = FIRST_PAUSE;
        self.last = Last::None;
        self.phase = Phase::Idle { again: now + life / 2 };
    }

    fn prove(&mut self, response: &Response, proofs: u32, now: Instant) {
        let had = self.challenge.is_some();
        let chosen = Challenge::choose(response);
        let again = proofs < MOST_PROOFS && (!had || proofs == 0 || chosen.as_ref().is_some_and(|c| c.stale));
        match chosen {
            Some(challenge) if again => {
                self.challenge = Some(challenge);
                self.ask(proofs + 1);
            }
            _ => {
                self.challenge = None;
                self.refused(response.status, now);
            }
        }
    }

    fn lengthen(&mut self, response: &Response, proofs: u32, now: Instant) {
        let least = response.headers.number("Min-Expires").map(|s| Duration::from_secs(s.into()));
        match least {
            Some(least) if least > self.expires && least <= Duration::from_secs(86_400) => {
                self.expires = least;
                self.ask(proofs);
            }
            _ => self.refused(423, now),
        }
    }

    fn refused(&mut self, status: u16, now: Instant) {
        self.registered_until = None;
        self.fail(Last::Refused { status, reason: phrase(status).to_owned() }, now);
    }

    fn fail(&mut self, last: Last, now: Instant) {
        self.last = last;
        self.phase = Phase::Pausing { until: now + self.pause };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// When something is due; an answer that is awaited has the transaction's own limit.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Linking { until } | Phase::Pausing { until } => Some(until),
            Phase::Idle { again } => Some(again),
            Phase::Asking { .. } => None,
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.next_timeout().is_none_or(|at| now < at) {
            return;
        }
        match self.phase {
            Phase::Linking { .. } => self.handle_unreachable("the address was not found in time", now),
            Phase::Pausing { .. } | Phase::Idle { .. } => {
                // Every registration looks the address up afresh.
                self.phase = Phase::Linking { until: now + LINK_WAIT };
                self.wants.push(Want::Link);
            }
            Phase::Asking { .. } => {}
        }
    }

    /// How it stands.
    pub(crate) fn state(&self, now: Instant) -> TrunkState {
        if let Some(until) = self.registered_until.filter(|until| *until > now) {
            return TrunkState::Registered { for_another: until.since(now) };
        }
        let retry_in = match self.phase {
            Phase::Pausing { until } => until.since(now),
            _ => Duration::ZERO,
        };
        match &self.last {
            Last::None => TrunkState::Registering,
            Last::Refused { status, reason } => {
                TrunkState::Refused { status: *status, reason: reason.clone(), retry_in }
            }
            Last::Unreachable(why) => TrunkState::Unreachable { why: why.clone(), retry_in },
        }
    }
}

fn words(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_WORDS).collect()
}

/// The host of `host`, `host:port` or `[v6]:port`.
pub(crate) fn host_without_port(text: &str) -> &str {
    if let Some(end) = text.strip_prefix('[').and_then(|rest| rest.find(']')) {
        return &text[..end + 2];
    }
    text.split(':').next().unwrap_or(text)
}

#[cfg(test)]
mod tests;
