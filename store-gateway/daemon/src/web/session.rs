//! Sessions in memory: a restart asks nothing of people but a new log-in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::secrets::{sha256_hex, token};

/// Sessions kept at once; the one that was idle longest makes room.
const MOST_SESSIONS: usize = 1_000;

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Session<W> {
    /// Who.
    pub who: W,
    /// What forms must send back.
    pub csrf: String,
    expires: Instant,
    last_used: Instant,
}

/// The table of sessions, found by the hash of their token, so that a memory image gives no token away.
#[derive(Clone)]
pub struct Sessions<W> {
    table: Arc<Mutex<HashMap<String, Session<W>>>>,
    idle: Duration,
    longest: Duration,
}

impl<W: Clone + PartialEq> Sessions<W> {
    /// Sessions end after `idle` without use and after `longest` in any case.
    pub fn new(idle: Duration, longest: Duration) -> Self {
        Self { table: Arc::default(), idle, longest }
    }

    /// Opens a session and gives its token, which is kept nowhere.
    pub fn open(&self, who: W) -> (String, Session<W>) {
        let token_text = token();
        let now = Instant::now();
        let session = Session { who, csrf: token(), expires: now + self.longest, last_used: now };
        let mut table = self.lock();
        table.retain(|_, s| self.alive(s, now));
        if table.len() >= MOST_SESSIONS
            && let Some(oldest) = table.iter().min_by_key(|(_, s)| s.last_used).map(|(key, _)| key.clone())
        {
            table.remove(&oldest);
        }
        table.insert(key(&token_text), session.clone());
        (token_text, session)
    }

    /// The session behind a token, when it is alive; using it keeps it so.
    pub fn find(&self, token: &str) -> Option<Session<W>> {
        let now = Instant::now();
        let mut table = self.lock();
        let session = table.get_mut(&key(token))?;
        if !self.alive(session, now) {
            table.remove(&key(token));
            return None;
        }
        session.last_used = now;
        Some(session.clone())
    }

    /// Whether the session behind a token is alive. Asking does not keep it so: an open page alone is no use of it.
    pub fn is_alive(&self, token: &str) -> bool {
        let now = Instant::now();
        self.lock().get(&key(token)).is_some_and(|session| self.alive(session, now))
    }

    /// Ends one session.
    pub fn close(&self, token: &str) {
        self.lock().remove(&key(token));
    }

    /// Ends every session of `who`.
    pub fn close_all(&self, who: &W) {
        self.lock().retain(|_, s| s.who != *who);
    }

    /// How many people are logged in.
    pub fn count(&self) -> usize {
        let now = Instant::now();
        self.lock().values().filter(|s| self.alive(s, now)).count()
    }

    /// The longest that a session lasts.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    fn alive(&self, session: &Session<W>, now: Instant) -> bool {
        now < session.expires && now.duration_since(session.last_used) < self.idle
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session<W>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(token: &str) -> String {
    sha256_hex(token.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_session_until_it_is_closed() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(600));
        let (token, session) = sessions.open("anna");
        assert_eq!(sessions.find(&token).unwrap().csrf, session.csrf);
        assert!(sessions.find("another").is_none());
        sessions.close(&token);
        assert!(sessions.find(&token).is_none());
    }

    #[test]
    fn idle_sessions_end_and_the_table_is_bounded() {
        let short = Sessions::new(Duration::ZERO, Duration::from_secs(600));
        let (token, _) = short.open(1);
        assert!(short.find(&token).is_none());
        let many = Sessions::new(Duration::from_secs(60), Duration::from_secs(600));
        for who in 0..=MOST_SESSIONS {
            many.open(who);
        }
        assert_eq!(many.count(), MOST_SESSIONS);
        many.close_all(&MOST_SESSIONS);
        assert_eq!(many.count(), MOST_SESSIONS - 1);
    }
}
