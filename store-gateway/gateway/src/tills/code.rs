//! The one-time code that enrols a till: one at a time, in memory only, gone after its use or its time.

use std::time::{Duration, Instant};

use store_daemon::secrets::random;
use store_daemon::web::same_secret;
use till_link::code::Code;

/// Wrong codes before the code that is out is withdrawn.
const MOST_MISSES: u32 = 5;

/// The code that is out, if any.
#[derive(Default)]
pub struct Codes {
    out: Option<Out>,
}

struct Out {
    code: Code,
    until: Instant,
    by: String,
    misses: u32,
}

/// What somebody who sent a secret is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right; the code is used up. Holds who asked for it.
    Right(String),
    /// Wrong, used or too late.
    Wrong,
    /// Wrong once too often: the code was withdrawn.
    TooMany,
}

impl Codes {
    /// Makes a code in place of the one that was out.
    pub fn issue(&mut self, certificate: &[u8; 32], valid: Duration, by: &str, now: Instant) -> Code {
        let code = Code::new(certificate, random());
        self.out = Some(Out { code: code.clone(), until: now + valid, by: by.to_owned(), misses: 0 });
        code
    }

    /// The code that is out, with the time it has left.
    pub fn shown(&self, now: Instant) -> Option<(String, Duration)> {
        let out = self.out.as_ref().filter(|out| out.until > now)?;
        Some((out.code.to_string(), out.until - now))
    }

    /// Judges the secret that a till sent.
    pub fn judge(&mut self, secret: &str, now: Instant) -> Verdict {
        let Some(out) = self.out.as_mut().filter(|out| out.until > now) else { return Verdict::Wrong };
        if same_secret(secret, &out.code.secret()) {
            return self.out.take().map_or(Verdict::Wrong, |out| Verdict::Right(out.by));
        }
        out.misses += 1;
        if out.misses < MOST_MISSES {
            return Verdict::Wrong;
        }
        self.out = None;
        Verdict::TooMany
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_for_its_time_and_a_few_tries() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let minute = Duration::from_secs(60);
        let secret = codes.issue(&[7; 32], minute, "ewa", now).secret();
        assert_eq!(codes.judge("00000000", now), Verdict::Wrong);
        assert_eq!(codes.judge(&secret, now), Verdict::Right("ewa".into()));
        assert_eq!(codes.judge(&secret, now), Verdict::Wrong, "used");

        let secret = codes.issue(&[7; 32], minute, "ewa", now).secret();
        assert_eq!(codes.judge(&secret, now + minute), Verdict::Wrong, "too late");
        assert!(codes.shown(now + minute).is_none());

        let secret = codes.issue(&[7; 32], minute, "ewa", now).secret();
        for _ in 0..4 {
            assert_eq!(codes.judge("x", now), Verdict::Wrong);
        }
        assert_eq!(codes.judge("x", now), Verdict::TooMany);
        assert_eq!(codes.judge(&secret, now), Verdict::Wrong, "withdrawn");
    }
}
