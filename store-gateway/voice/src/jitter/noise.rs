//! Comfort noise (RFC 3389): white, at the level that the sender names. Its spectrum is left out: what counts is that
//! the line does not sound dead.

use sans_io::Rng;

use crate::frame::{Frame, SAMPLES};

/// The noise of a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// The largest sample.
    peak: u16,
}

impl Noise {
    /// Reads a comfort noise payload: its first octet is the level in −dBov (RFC 3389 §3.1). None is silence.
    pub fn parse(payload: &[u8]) -> Self {
        let Some(level) = payload.first().map(|octet| octet & 0x7F) else { return Self::default() };
        // Louder than −30 dBov is no background; a broken packet must not roar.
        let rms = 32_768.0 * 10_f32.powf(-f32::from(level.max(30)) / 20.0);
        // A uniform distribution's mean square is a third of its peak's.
        Self { peak: (rms * 3_f32.sqrt()) as u16 }
    }

    /// 20 ms of it.
    pub fn frame(self, rng: &mut Rng) -> Frame {
        let span = 2 * u64::from(self.peak) + 1;
        let samples: [i16; SAMPLES] = std::array::from_fn(|_| rng.below(span) as i16 - self.peak as i16);
        Frame(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_level_that_the_sender_names() {
        // −50 dBov: 32768 · 10^(−2.5) = 103.6 of root mean square.
        let noise = Noise::parse(&[50]);
        let mut rng = Rng::new(1);
        let power = (0..100).map(|_| noise.frame(&mut rng).power()).sum::<i64>() as f32 / 100.0;
        assert!((power.sqrt() - 103.6).abs() < 2.0, "{}", power.sqrt());
        assert_eq!(Noise::parse(&[]).frame(&mut rng), Frame::SILENCE);
        assert_eq!(Noise::parse(&[0]), Noise::parse(&[30]));
    }
}
