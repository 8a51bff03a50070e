//! UUIDv7 ids (RFC 9562 §5.7) from wall time and seeded randomness.

use crate::Rng;

/// Makes UUIDv7s that grow within one process even when the wall clock stands still or steps back: the 12 bits of
/// `rand_a` count within a millisecond (RFC 9562 §6.2 method 1), and the timestamp never goes down.
#[derive(Clone, Debug)]
pub struct Ids {
    rng: Rng,
    last_ms: u64,
    count: u16,
}

impl Ids {
    /// Starts a source; `seed` must come from the operating system outside tests.
    pub const fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed), last_ms: 0, count: 0 }
    }

    /// The next id, as the 16 bytes of a UUID.
    pub fn next_v7(&mut self, unix_ms: i64) -> [u8; 16] {
        let wall = u64::try_from(unix_ms).unwrap_or(0);
        if wall > self.last_ms {
            self.last_ms = wall;
            self.count = (self.rng.next_u64() & 0x3FF) as u16;
        } else if self.count == 0xFFF {
            self.last_ms += 1;
            self.count = 0;
        } else {
            self.count += 1;
        }
        let mut id = [0; 16];
        id[..6].copy_from_slice(&self.last_ms.to_be_bytes()[2..]);
        id[6..8].copy_from_slice(&(0x7000 | self.count).to_be_bytes());
        id[8..].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        id[8] = (id[8] & 0x3F) | 0x80;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_time_version_and_variant() {
        // RFC 9562 appendix A.6: 2022-02-22 19:22:22 UTC is 0x017F22E279B0.
        let id = Ids::new(3).next_v7(0x017F_22E2_79B0);
        assert_eq!(id[..6], [0x01, 0x7F, 0x22, 0xE2, 0x79, 0xB0]);
        assert_eq!(id[6] >> 4, 7);
        assert_eq!(id[8] >> 6, 0b10);
    }

    #[test]
    fn grows_when_the_clock_stands_still_or_steps_back() {
        let mut ids = Ids::new(9);
        let mut last = ids.next_v7(5_000_000);
        for i in 0..20_000 {
            let next = ids.next_v7(if i % 3 == 0 { 4_000_000 } else { 5_000_000 });
            assert!(next > last, "id {i} does not grow");
            last = next;
        }
    }
}
