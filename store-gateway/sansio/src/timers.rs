//! One table of deadlines for a core whose timers are one enum.

use crate::Instant;

/// At most one deadline per key. `N` is the number of keys that can be armed at once; arming one more panics, because
/// a core's timers are a closed enum and `N` its size.
#[derive(Clone, Debug)]
pub struct Timers<K, const N: usize> {
    armed: [Option<(K, Instant)>; N],
}

impl<K: Copy + Eq, const N: usize> Default for Timers<K, N> {
    fn default() -> Self {
        Self { armed: [None; N] }
    }
}

impl<K: Copy + Eq, const N: usize> Timers<K, N> {
    /// Arms `key` for `at`, replacing its earlier deadline.
    pub fn set(&mut self, key: K, at: Instant) {
        self.clear(key);
        let free = self.armed.iter_mut().find(|slot| slot.is_none());
        *free.expect("a timer table has a slot for every key") = Some((key, at));
    }

    /// Disarms `key`.
    pub fn clear(&mut self, key: K) {
        for slot in &mut self.armed {
            if matches!(slot, Some((k, _)) if *k == key) {
                *slot = None;
            }
        }
    }

    /// The deadline of `key`, when armed.
    pub fn deadline(&self, key: K) -> Option<Instant> {
        self.armed.iter().flatten().find(|(k, _)| *k == key).map(|(_, at)| *at)
    }

    /// The earliest deadline and its key.
    pub fn next(&self) -> Option<(K, Instant)> {
        self.armed.iter().flatten().copied().min_by_key(|(_, at)| *at)
    }

    /// Takes the earliest timer that is due at `now`, disarming it. Call until it says none.
    pub fn expire(&mut self, now: Instant) -> Option<K> {
        let (key, at) = self.next()?;
        if at > now {
            return None;
        }
        self.clear(key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_in_order_of_deadline_and_only_once() {
        let mut t: Timers<char, 3> = Timers::default();
        t.set('a', Instant::from_millis(30));
        t.set('b', Instant::from_millis(10));
        t.set('a', Instant::from_millis(20));
        assert_eq!(t.next(), Some(('b', Instant::from_millis(10))));
        let now = Instant::from_millis(25);
        assert_eq!([t.expire(now), t.expire(now), t.expire(now)], [Some('b'), Some('a'), None]);
    }
}
