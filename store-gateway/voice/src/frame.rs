//! The unit in which sound moves: 20 ms at 8 kHz, 160 samples of 16 bits, one channel.

use std::time::Duration;

/// Samples a second, everywhere in this crate (G.711, RFC 3551 §4.5.14).
pub const RATE: u32 = 8_000;
/// Samples of a frame.
pub const SAMPLES: usize = 160;
/// A frame's time.
pub const TICK: Duration = Duration::from_millis(20);

/// A mean square below this is silence to an ear: about −66 dB of full scale.
const QUIET_POWER: i64 = 16 * 16;

/// 20 ms of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub [i16; SAMPLES]);

impl Default for Frame {
    fn default() -> Self {
        Self::SILENCE
    }
}

impl Frame {
    /// Digital silence.
    pub const SILENCE: Frame = Frame([0; SAMPLES]);

    /// A frame from up to 160 samples; the rest is silence, what is beyond is left out.
    pub fn from_samples(samples: &[i16]) -> Self {
        let mut frame = Self::SILENCE;
        frame.0.iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
        frame
    }

    /// Whether all samples are the same: what a muted or broken source sends, and no microphone ever does.
    pub fn is_flat(&self) -> bool {
        self.0.iter().all(|s| *s == self.0[0])
    }

    /// The mean square of the samples.
    pub fn power(&self) -> i64 {
        self.0.iter().map(|s| i64::from(*s) * i64::from(*s)).sum::<i64>() / SAMPLES as i64
    }

    /// Whether there is nothing to hear in it.
    pub fn is_quiet(&self) -> bool {
        self.power() < QUIET_POWER
    }

    /// Adds another frame, held at the ends of the range.
    pub fn mix(&mut self, other: &Frame) {
        for (to, from) in self.0.iter_mut().zip(other.0) {
            *to = to.saturating_add(from);
        }
    }

    /// Multiplies by `numerator`/256: 256 leaves it, 128 is −6 dB; louder than the range is held at its ends.
    pub fn scale(&mut self, numerator: u16) {
        for sample in &mut self.0 {
            let scaled = i32::from(*sample) * i32::from(numerator) / 256;
            *sample = scaled.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_is_held_at_the_ends_of_the_range() {
        let mut frame = Frame([30_000; SAMPLES]);
        frame.mix(&Frame([10_000; SAMPLES]));
        assert_eq!(frame, Frame([i16::MAX; SAMPLES]));
        frame.scale(128);
        assert_eq!(frame, Frame([16_383; SAMPLES]));
    }

    #[test]
    fn a_square_of_ten_has_the_power_of_a_hundred() {
        let mut frame = Frame([10; SAMPLES]);
        assert!(frame.is_flat());
        frame.0.iter_mut().step_by(2).for_each(|s| *s = -10);
        assert_eq!(frame.power(), 100);
        assert!(!frame.is_flat() && frame.is_quiet());
    }

    #[test]
    fn a_short_piece_is_filled_with_silence() {
        let frame = Frame::from_samples(&[7, 8]);
        assert_eq!(frame.0[..3], [7, 8, 0]);
    }
}
