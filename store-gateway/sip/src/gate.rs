//! Token buckets: what a source may send before a byte of it is parsed.
//!
//! Decides whether a message of a source is looked at. Never looks at it. The table is bounded; when it is full, the
//! source that was quiet longest is forgotten, which gives it a full bucket again and no more.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sans_io::Instant;

use crate::config::Rate;

/// Sources that are remembered: a store's network has some dozens, and a flood from forged ones must not grow it.
const MOST_SOURCES: usize = 1_024;
const MICROS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Millionths of a message.
    tokens: u64,
    filled: Instant,
}

/// The buckets of all sources.
pub(crate) struct Gate {
    rate: Rate,
    buckets: BTreeMap<IpAddr, Bucket>,
}

impl Gate {
    pub(crate) const fn new(rate: Rate) -> Self {
        Self { rate, buckets: BTreeMap::new() }
    }

    /// Takes one token of a source; false when it has none left.
    pub(crate) fn admit(&mut self, source: IpAddr, now: Instant) -> bool {
        let full = u64::from(self.rate.burst) * MICROS;
        if !self.buckets.contains_key(&source) && self.buckets.len() >= MOST_SOURCES {
            self.forget_one();
        }
        let bucket = self.buckets.entry(source).or_insert(Bucket { tokens: full, filled: now });
        let micros = u64::try_from(now.since(bucket.filled).as_micros()).unwrap_or(u64::MAX);
        bucket.tokens = bucket.tokens.saturating_add(micros.saturating_mul(self.rate.per_second.into())).min(full);
        bucket.filled = now;
        let left = bucket.tokens.checked_sub(MICROS);
        bucket.tokens = left.unwrap_or(bucket.tokens);
        left.is_some()
    }

    fn forget_one(&mut self) {
        if let Some(source) = self.buckets.iter().min_by_key(|(_, bucket)| bucket.filled).map(|(ip, _)| *ip) {
            self.buckets.remove(&source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[test]
    fn a_source_has_its_burst_and_then_its_rate() {
        let mut gate = Gate::new(Rate { burst: 3, per_second: 2 });
        let source = IpAddr::from([192, 0, 2, 1]);
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let now: Vec<_> = (0..4).map(|_| gate.admit(source, at(0))).collect();
        assert_eq!(now, [true, true, true, false]);
        assert!(gate.admit(IpAddr::from([192, 0, 2, 2]), at(0)), "another source is not touched");
        assert!(!gate.admit(source, at(499)));
        assert!(gate.admit(source, at(500)));
        assert!(!gate.admit(source, at(501)));
        assert!(gate.admit(source, at(1_000)));
    }

    #[test]
    fn a_flood_of_sources_does_not_grow_the_table() {
        let mut gate = Gate::new(Rate { burst: 1, per_second: 1 });
        for n in 0..3_000_u32 {
            assert!(gate.admit(IpAddr::V4(Ipv4Addr::from(n)), Instant::from_millis(n.into())));
        }
        assert_eq!(gate.buckets.len(), MOST_SOURCES);
    }
}
