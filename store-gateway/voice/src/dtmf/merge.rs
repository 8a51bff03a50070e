//! One press told by several sources is one digit.
//!
//! Each source tells its presses in order, and a press that two sources tell is told by both within a short time. So
//! the first unmatched telling of the same digit by another source is the same press. Two presses of one key, told by
//! one source, stay two.

use std::collections::VecDeque;
use std::time::Duration;

use sans_io::Instant;

use super::Digit;

/// Events and tones travel with the sound: they differ by the jitter buffer's depth and the detector's time.
const WITH_SOUND: Duration = Duration::from_millis(600);
/// SIP INFO and a modem's notice come when the key was let go, or later still.
const BESIDE_SOUND: Duration = Duration::from_secs(2);
/// Presses remembered: more than a hand makes in that time.
const REMEMBERED: usize = 32;

/// Where a digit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// RFC 4733.
    Event,
    /// SIP INFO.
    Info,
    /// The modem's own detector.
    Modem,
    /// Tones in the sound.
    Tone,
}

impl Via {
    const fn is_with_sound(self) -> bool {
        matches!(self, Self::Event | Self::Tone)
    }
}

#[derive(Clone, Copy, Debug)]
struct Press {
    digit: Digit,
    /// When and by whom it was told first.
    at: Instant,
    via: Via,
    told: [bool; 4],
}

/// The digits of one leg.
#[derive(Clone, Debug, Default)]
pub struct Merger {
    presses: VecDeque<Press>,
    duplicates: u64,
}

impl Merger {
    /// A source tells a press; gives it back when it is a new one.
    pub fn handle_digit(&mut self, digit: Digit, via: Via, now: Instant) -> Option<Digit> {
        while self.presses.front().is_some_and(|p| now.since(p.at) > BESIDE_SOUND) {
            self.presses.pop_front();
        }
        let same = |p: &&mut Press| {
            let with_sound = p.via.is_with_sound() && via.is_with_sound();
            let window = if with_sound { WITH_SOUND } else { BESIDE_SOUND };
            p.digit == digit && !p.told[via as usize] && now.since(p.at) <= window
        };
        if let Some(press) = self.presses.iter_mut().find(same) {
            press.told[via as usize] = true;
            self.duplicates += 1;
            return None;
        }
        if self.presses.len() == REMEMBERED {
            self.presses.pop_front();
        }
        let mut told = [false; 4];
        told[via as usize] = true;
        self.presses.push_back(Press { digit, at: now, via, told });
        Some(digit)
    }

    /// Tellings that were of a known press.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_presses_of_a_key_told_by_two_sources_are_two() {
        let mut merger = Merger::default();
        let one = Digit::from_char('1').unwrap();
        let mut tell = |via, ms| merger.handle_digit(one, via, Instant::from_millis(ms)).is_some();
        assert_eq!([tell(Via::Event, 0), tell(Via::Event, 150)], [true, true]);
        assert_eq!([tell(Via::Tone, 200), tell(Via::Tone, 350), tell(Via::Info, 400)], [false, false, false]);
        assert!(tell(Via::Tone, 2_500), "nobody else told this one");
        assert!(tell(Via::Event, 3_200), "too late to be the same");
        assert!(!tell(Via::Info, 5_100));
    }

    proptest! {
        /// One source tells all; others tell some of it, up to a second later, each in order.
        #[test]
        fn what_one_source_tells_whole_comes_out_once(
            presses in proptest::collection::vec((0_u8..3, 100_u64..400), 1..40),
            echoes in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u64..1_000), 40),
        ) {
            let (mut told, mut now) = (Vec::new(), 0);
            let (mut latest_tone, mut latest_info) = (0, 0);
            for ((code, wait), (tone, info, late)) in presses.iter().zip(&echoes) {
                now += wait;
                let digit = Digit::from_event(*code).unwrap();
                told.push((now, 0, Via::Event, digit));
                if *tone {
                    latest_tone = latest_tone.max(now + late / 4);
                    told.push((latest_tone, 1, Via::Tone, digit));
                }
                if *info {
                    latest_info = latest_info.max(now + late);
                    told.push((latest_info, 2, Via::Info, digit));
                }
            }
            told.sort_by_key(|t| (t.0, t.1));
            let mut merger = Merger::default();
            let came: Vec<_> = told.iter()
                .filter_map(|(ms, _, via, digit)| merger.handle_digit(*digit, *via, Instant::from_millis(*ms)))
                .map(Digit::event).collect();
            prop_assert_eq!(came, presses.iter().map(|p| p.0).collect::<Vec<_>>());
        }
    }
}
