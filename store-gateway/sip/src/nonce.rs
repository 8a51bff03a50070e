//! Nonces that carry their own proof, and the memory of which counts were used (RFC 7616 §3.3, §3.4.5).
//!
//! Decides whether a nonce is ours, for this source, young enough, and not used with this count before. A challenge
//! costs no memory: time and source are under a keyed hash. Only a nonce that was used with a right answer is
//! remembered, so a stranger cannot fill the memory. Never says who may come in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ring::hmac;
use sans_io::Instant;

/// Nonces in use at a time: a store has a dozen phones with a few calls each. Beyond it the oldest is forgotten, and
/// whoever holds it is asked again (`stale`).
const MOST_REMEMBERED: usize = 1_024;
/// A client may use its counts this much out of order (two requests that crossed).
const WINDOW: u32 = 64;
/// Bytes of the hash that are sent.
const MARK_BYTES: usize = 16;

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Ours, and this count is new.
    Good,
    /// Ours, but too old or with a used count: a new one mends it.
    Stale,
    /// Not ours, or made for another source.
    Foreign,
}

#[derive(Clone, Copy, Debug)]
struct Used {
    highest: u32,
    /// Bit `i` stands for `highest - i`.
    seen: u64,
}

/// Makes and checks nonces. `key` must be new at every start: the clock starts anew too.
pub(crate) struct Nonces {
    key: hmac::Key,
    life: Duration,
    made: u64,
    used: BTreeMap<(u64, u64), Used>,
    /// Nonces up to here were forgotten.
    floor: Option<(u64, u64)>,
}

impl Nonces {
    pub(crate) fn new(key: &[u8; 32], life: Duration) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self { key, life, made: 0, used: BTreeMap::new(), floor: None }
    }

    /// A new nonce for a source.
    pub(crate) fn make(&mut self, source: IpAddr, now: Instant) -> String {
        self.made += 1;
        let id = (now.as_micros(), self.made);
        format!("{:016x}{:016x}{}", id.0, id.1, self.mark(id, source))
    }

    fn mark(&self, id: (u64, u64), source: IpAddr) -> String {
        let tag = hmac::sign(&self.key, format!("nonce {} {} {source}", id.0, id.1).as_bytes());
        crate::digest::hex(&tag.as_ref()[..MARK_BYTES])
    }

    /// What a nonce with a count is worth, without using it up.
    pub(crate) fn check(&self, nonce: &str, nc: u32, source: IpAddr, now: Instant) -> Worth {
        let Some(id) = self.read(nonce, source) else {
            return Worth::Foreign;
        };
        let age = now.since(Instant::from_micros(id.0));
        if age > self.life || nc == 0 || self.floor.is_some_and(|floor| id <= floor) {
            return Worth::Stale;
        }
        match self.used.get(&id) {
            Some(used) if !used.is_new(nc) => Worth::Stale,
            _ => Worth::Good,
        }
    }

    /// Uses a count up, after the answer was found right.
    pub(crate) fn take(&mut self, nonce: &str, nc: u32, source: IpAddr, now: Instant) {
        let Some(id) = self.read(nonce, source) else { return };
        self.used.entry(id).or_insert(Used { highest: 0, seen: 0 }).take(nc);
        self.forget_old(now);
        while self.used.len() > MOST_REMEMBERED {
            self.floor = self.used.pop_first().map(|(id, _)| id);
        }
    }

    /// Drops what has expired.
    pub(crate) fn forget_old(&mut self, now: Instant) {
        let life = self.life;
        self.used.retain(|id, _| now.since(Instant::from_micros(id.0)) <= life);
    }

    fn read(&self, nonce: &str, source: IpAddr) -> Option<(u64, u64)> {
        if nonce.len() != 32 + 2 * MARK_BYTES || !nonce.is_ascii() {
            return None;
        }
        let id = (u64::from_str_radix(&nonce[..16], 16).ok()?, u64::from_str_radix(&nonce[16..32], 16).ok()?);
        crate::digest::same(&nonce[32..], &self.mark(id, source)).then_some(id)
    }
}

impl Used {
    const fn is_new(&self, nc: u32) -> bool {
        if nc > self.highest {
            return true;
        }
        let behind = self.highest - nc;
        behind < WINDOW && self.seen & (1 << behind) == 0
    }

    const fn take(&mut self, nc: u32) {
        if nc > self.highest {
            let ahead = nc - self.highest;
            self.seen = if ahead < WINDOW { self.seen << ahead } else { 0 };
            self.highest = nc;
            self.seen |= 1;
        } else if self.highest - nc < WINDOW {
            self.seen |= 1 << (self.highest - nc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const LIFE: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn knows_its_own_nonces_and_their_age() {
        let mut nonces = Nonces::new(&[7; 32], LIFE);
        let nonce = nonces.make(SOURCE, at(10));
        assert_ne!(nonce, nonces.make(SOURCE, at(10)));
        assert_eq!(nonces.check(&nonce, 1, SOURCE, at(310)), Worth::Good);
        assert_eq!(nonces.check(&nonce, 1, SOURCE, at(311)), Worth::Stale);
        assert_eq!(nonces.check(&nonce, 1, "127.0.0.2".parse().unwrap(), at(10)), Worth::Foreign);
        assert_eq!(Nonces::new(&[8; 32], LIFE).check(&nonce, 1, SOURCE, at(10)), Worth::Foreign);
        for strange in ["", "0", "ąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąąą"] {
            assert_eq!(nonces.check(strange, 1, SOURCE, at(10)), Worth::Foreign);
        }
    }

    #[test]
    fn takes_each_count_once_in_any_near_order() {
        let mut nonces = Nonces::new(&[7; 32], LIFE);
        let nonce = nonces.make(SOURCE, at(0));
        for nc in [1, 3, 2, 70] {
            assert_eq!(nonces.check(&nonce, nc, SOURCE, at(1)), Worth::Good, "{nc}");
            nonces.take(&nonce, nc, SOURCE, at(1));
            assert_eq!(nonces.check(&nonce, nc, SOURCE, at(1)), Worth::Stale, "{nc} again");
        }
        assert_eq!(nonces.check(&nonce, 6, SOURCE, at(1)), Worth::Stale, "64 behind");
        assert_eq!(nonces.check(&nonce, 7, SOURCE, at(1)), Worth::Good, "63 behind and not used");
        assert_eq!(nonces.check(&nonce, 0, SOURCE, at(1)), Worth::Stale);
    }

    #[test]
    fn remembers_so_many_and_asks_the_others_again() {
        let mut nonces = Nonces::new(&[7; 32], LIFE);
        let first = nonces.make(SOURCE, at(0));
        nonces.take(&first, 1, SOURCE, at(0));
        for _ in 0..MOST_REMEMBERED {
            let nonce = nonces.make(SOURCE, at(1));
            nonces.take(&nonce, 1, SOURCE, at(1));
        }
        assert_eq!(nonces.used.len(), MOST_REMEMBERED);
        assert_eq!(nonces.check(&first, 1, SOURCE, at(1)), Worth::Stale, "its counts are not known any more");
        nonces.forget_old(at(302));
        assert_eq!(nonces.used.len(), 0);
    }
}
