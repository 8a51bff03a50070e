//! Lock-outs: after some misses in a window the next try waits, twice as long each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys remembered at once. The one that missed longest ago makes room.
const MOST_KEYS: usize = 4_096;
/// Doublings at the most: 60 s becomes 17 hours.
const MOST_DOUBLINGS: u32 = 10;

/// When to lock.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Misses that lock.
    pub misses: u32,
    /// Window in which they count.
    pub window: Duration,
    /// First lock; each further one in a row is twice as long.
    pub lock: Duration,
}

#[derive(Debug, Default)]
struct Entry {
    misses: Vec<Instant>,
    locks: u32,
    locked_until: Option<Instant>,
    last: Option<Instant>,
}

/// Counts misses by key.
#[derive(Clone, Debug)]
pub struct Throttle {
    rule: Rule,
    table: Arc<Mutex<HashMap<String, Entry>>>,
}

/// What a miss led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// So many tries are left in this window.
    Left(u32),
    /// Locked for this long.
    Locked(Duration),
}

impl Throttle {
    /// An empty table under `rule`.
    pub fn new(rule: Rule) -> Self {
        Self { rule, table: Arc::default() }
    }

    /// How long `key` is still locked.
    pub fn locked(&self, key: &str) -> Option<Duration> {
        let until = self.lock().get(key)?.locked_until?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Counts a miss.
    pub fn miss(&self, key: &str) -> Miss {
        let now = Instant::now();
        let mut table = self.lock();
        if table.len() >= MOST_KEYS
            && !table.contains_key(key)
            && let Some(oldest) = table.iter().min_by_key(|(_, e)| e.last).map(|(k, _)| k.clone())
        {
            table.remove(&oldest);
        }
        let entry = table.entry(key.to_owned()).or_default();
        entry.last = Some(now);
        entry.misses.retain(|at| now.duration_since(*at) < self.rule.window);
        entry.misses.push(now);
        let count = u32::try_from(entry.misses.len()).unwrap_or(u32::MAX);
        if count < self.rule.misses {
            return Miss::Left(self.rule.misses - count);
        }
        let lock = self.rule.lock * 2_u32.pow(entry.locks.min(MOST_DOUBLINGS));
        entry.locks += 1;
        entry.misses.clear();
        entry.locked_until = Some(now + lock);
        Miss::Locked(lock)
    }

    /// Forgets `key` after a success.
    pub fn success(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_miss_locks_and_each_further_lock_is_twice_as_long() {
        let minute = Duration::from_secs(60);
        let throttle = Throttle::new(Rule { misses: 5, window: minute * 10, lock: minute });
        let left: Vec<_> = (0..4).map(|_| throttle.miss("a")).collect();
        assert_eq!(left, [4, 3, 2, 1].map(Miss::Left));
        assert_eq!(throttle.miss("a"), Miss::Locked(minute));
        assert!(throttle.locked("a").is_some_and(|left| left <= minute));
        assert_eq!(throttle.locked("b"), None);
        (0..4).for_each(|_| {
            throttle.miss("a");
        });
        assert_eq!(throttle.miss("a"), Miss::Locked(minute * 2));
        throttle.success("a");
        assert_eq!(throttle.locked("a"), None);
    }
}
