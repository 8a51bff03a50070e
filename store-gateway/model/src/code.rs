//! Pickup codes: six digits that open one order.
//!
//! Codes of a store's open orders differ in at least two digits, so one mistyped digit opens nobody's order. This
//! module decides on validity, distance, minting and locks; it never stores a code and never prints one.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use sans_io::Instant;

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;

/// Six decimal digits. `Debug` hides them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PickupCode([u8; CODE_DIGITS]);

/// A text that is no pickup code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pickup code is six digits")]
pub struct CodeError;

impl PickupCode {
    /// Reads six ASCII digits, nothing else.
    ///
    /// # Errors
    /// [`CodeError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        match <[u8; CODE_DIGITS]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(CodeError),
        }
    }

    /// The digits, for the message to the customer and for the index. They must not reach a log or a screen.
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// In how many places two codes differ.
    pub fn distance(&self, other: &PickupCode) -> usize {
        self.0.iter().zip(other.0).filter(|(a, b)| **a != *b).count()
    }

    fn from_number(number: u32) -> Self {
        let mut digits = [b'0'; CODE_DIGITS];
        let mut rest = number % 1_000_000;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        Self(digits)
    }

    /// A code that a stranger would try first: one digit six times, or six digits in a row up or down.
    fn is_obvious(self) -> bool {
        [0, 1, -1].into_iter().any(|step| self.0.windows(2).all(|p| i16::from(p[1]) - i16::from(p[0]) == step))
    }
}

impl fmt::Debug for PickupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••")
    }
}

/// The codes of a store's open orders.
#[derive(Clone, Debug, Default)]
pub struct CodePool {
    codes: BTreeSet<PickupCode>,
}

/// No free code was found: the pool is close to full (100 000 codes at the very most).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pickup code is free")]
pub struct PoolFull;

impl CodePool {
    /// Takes a code into the pool, whatever stands there.
    pub fn insert(&mut self, code: PickupCode) {
        self.codes.insert(code);
    }

    /// Whether the code is at least two digits away from every code of the pool.
    pub fn is_free(&self, code: PickupCode) -> bool {
        if self.codes.contains(&code) {
            return false;
        }
        let mut near = code;
        for place in 0..CODE_DIGITS {
            for digit in b'0'..=b'9' {
                near.0[place] = digit;
                if digit != code.0[place] && self.codes.contains(&near) {
                    return false;
                }
            }
            near.0[place] = code.0[place];
        }
        true
    }

    /// Mints a free code that is not obvious and takes it into the pool. `random` must come from the operating
    /// system; the model throws no dice. Tries at random first, then goes through all codes from a random one on.
    ///
    /// # Errors
    /// [`PoolFull`] when no code is free.
    pub fn mint(&mut self, mut random: impl FnMut() -> u64) -> Result<PickupCode, PoolFull> {
        const RANDOM_TRIES: u32 = 200;
        let mut draw = || u32::try_from((u128::from(random()) * 1_000_000) >> 64).unwrap_or(0);
        let at_random = (0..RANDOM_TRIES).map(|_| draw()).find(|n| self.may_mint(*n));
        let found = match at_random {
            Some(number) => Some(number),
            None => {
                let first = draw();
                (0..1_000_000).map(|i| (first + i) % 1_000_000).find(|n| self.may_mint(*n))
            }
        };
        let code = PickupCode::from_number(found.ok_or(PoolFull)?);
        self.codes.insert(code);
        Ok(code)
    }

    fn may_mint(&self, number: u32) -> bool {
        let code = PickupCode::from_number(number);
        !code.is_obvious() && self.is_free(code)
    }
}

impl FromIterator<PickupCode> for CodePool {
    fn from_iter<I: IntoIterator<Item = PickupCode>>(codes: I) -> Self {
        Self { codes: codes.into_iter().collect() }
    }
}

/// When wrong codes lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRule {
    /// Misses that lock.
    pub misses: u32,
    /// Within this time.
    pub window: Duration,
    /// The first lock; each further one lasts twice as long.
    pub first: Duration,
    /// No lock lasts longer.
    pub longest: Duration,
}

impl Default for LockRule {
    /// 5 misses in 10 minutes lock for 60 s, doubling up to an hour.
    fn default() -> Self {
        Self {
            misses: 5,
            window: Duration::from_secs(600),
            first: Duration::from_secs(60),
            longest: Duration::from_secs(3_600),
        }
    }
}

impl LockRule {
    /// How long the lock after `earlier` locks lasts.
    pub fn duration(&self, earlier: u32) -> Duration {
        self.first.saturating_mul(1_u32.checked_shl(earlier).unwrap_or(u32::MAX)).min(self.longest)
    }
}

/// The misses of one screen. A right code forgets them; so does a window without a miss after a lock.
#[derive(Clone, Debug, Default)]
pub struct CodeLock {
    misses: Vec<Instant>,
    locks: u32,
    until: Option<Instant>,
}

impl CodeLock {
    /// How long codes are refused yet; `None` when they are taken.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.until.filter(|until| *until > now).map(|until| until - now)
    }

    /// Notes a wrong code; says how long codes are refused now, if this one locked. A miss while locked counts for
    /// nothing: it was not looked at.
    pub fn miss(&mut self, rule: &LockRule, now: Instant) -> Option<Duration> {
        if self.remaining(now).is_some() {
            return None;
        }
        if self.until.is_some_and(|until| now.since(until) > rule.window) {
            self.hit();
        }
        self.misses.retain(|at| now.since(*at) <= rule.window);
        self.misses.push(now);
        if self.misses.len() < rule.misses as usize {
            return None;
        }
        let lasts = rule.duration(self.locks);
        self.misses.clear();
        self.locks += 1;
        self.until = Some(now + lasts);
        Some(lasts)
    }

    /// Notes a right code.
    pub fn hit(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> PickupCode {
        PickupCode::parse(text).unwrap()
    }

    /// The randomness of a test: its seed comes from proptest, which prints it.
    fn random(seed: u64) -> impl FnMut() -> u64 {
        let mut rng = sans_io::Rng::new(seed);
        move || rng.next_u64()
    }

    #[test]
    fn six_digits_and_nothing_else_are_a_code() {
        assert_eq!(code("048211").reveal(), "048211");
        for bad in ["", "04821", "0482111", "04821a", " 48211", "٠٤٨٢١١"] {
            assert_eq!(PickupCode::parse(bad), Err(CodeError), "{bad:?}");
        }
        assert_eq!(format!("{:?}", code("048211")), "••••••");
    }

    #[test]
    fn a_code_one_digit_away_is_not_free_and_two_digits_away_is() {
        let pool: CodePool = [code("048211")].into_iter().collect();
        assert!(!pool.is_free(code("048211")));
        assert!(!pool.is_free(code("148211")));
        assert!(!pool.is_free(code("048219")));
        assert!(pool.is_free(code("148219")));
        assert!(pool.is_free(code("084211")), "two neighbours swapped are two digits");
    }

    #[test]
    fn obvious_codes_are_not_minted() {
        for obvious in ["000000", "777777", "123456", "654321", "012345"] {
            assert!(code(obvious).is_obvious(), "{obvious}");
        }
        assert!(!code("112233").is_obvious());
        // A source that says 0 for ever would mint 000000: the next free code that is not obvious comes instead.
        assert_eq!(CodePool::default().mint(|| 0), Ok(code("000001")));
    }

    #[test]
    fn a_full_pool_says_so() {
        // All 100 000 codes whose digits sum to a multiple of ten: no two are one digit apart, and none can be added.
        let all = (0..1_000_000).map(PickupCode::from_number);
        let sums = |c: &PickupCode| c.0.iter().map(|d| u32::from(d - b'0')).sum::<u32>().is_multiple_of(10);
        let mut pool: CodePool = all.filter(sums).collect();
        assert_eq!(pool.codes.len(), 100_000);
        assert_eq!(pool.mint(random(1)), Err(PoolFull));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

        #[test]
        fn minted_codes_differ_in_at_least_two_digits(seed: u64) {
            let (mut pool, mut random) = (CodePool::default(), random(seed));
            let codes: Vec<_> = (0..200).map(|_| pool.mint(&mut random).unwrap()).collect();
            for (i, a) in codes.iter().enumerate() {
                prop_assert!(codes[..i].iter().all(|b| a.distance(b) >= 2));
            }
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn five_misses_in_ten_minutes_lock_for_a_minute_then_two() {
        let (rule, mut lock) = (LockRule::default(), CodeLock::default());
        let mut now = Instant::ZERO;
        let mut miss = |now: &mut Instant| {
            *now += SECOND;
            lock.miss(&rule, *now)
        };
        assert!((0..4).all(|_| miss(&mut now).is_none()));
        assert_eq!(miss(&mut now), Some(60 * SECOND));
        assert_eq!(miss(&mut now), None, "a try while locked is not looked at");
        now += 60 * SECOND;
        assert!((0..4).all(|_| miss(&mut now).is_none()));
        assert_eq!(miss(&mut now), Some(120 * SECOND));
        assert_eq!(lock.remaining(now), Some(120 * SECOND));
        assert_eq!(lock.remaining(now + 120 * SECOND), None);
    }

    #[test]
    fn old_misses_and_a_right_code_are_forgotten() {
        let (rule, mut lock) = (LockRule::default(), CodeLock::default());
        let mut now = Instant::ZERO;
        for _ in 0..20 {
            now += 200 * SECOND;
            assert_eq!(lock.miss(&rule, now), None, "never five within ten minutes");
        }
        lock.hit();
        for _ in 0..20 {
            assert_eq!(lock.miss(&rule, now), None);
            lock.hit();
        }
        assert_eq!(lock.miss(&rule, now), None);
        assert_eq!(rule.duration(40), rule.longest);
    }
}
