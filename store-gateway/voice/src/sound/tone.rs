//! Call progress tones as Polish networks make them (ITU-T E.180, supplement 2: 425 Hz), and a beep.

use std::f32::consts::TAU;

use crate::frame::{Frame, RATE};

/// Each tone's peak: about −16 dB of full scale.
const PEAK: f32 = 5_200.0;
/// Samples over which a tone comes and goes, so that it does not click.
const EDGE: u32 = 40;

/// A tone with its rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// The other side rings: 1 s on, 4 s off.
    Ringback,
    /// Busy: half a second on, half off.
    Busy,
    /// No way there: a quarter of a second on, a quarter off.
    Congestion,
    /// One beep of 200 ms, then silence.
    Beep,
}

impl Cadence {
    /// Pitch, milliseconds on and milliseconds off; `None` when it does not come again.
    const fn shape(self) -> (f32, u32, Option<u32>) {
        match self {
            Self::Ringback => (425.0, 1_000, Some(4_000)),
            Self::Busy => (425.0, 500, Some(500)),
            Self::Congestion => (425.0, 250, Some(250)),
            Self::Beep => (1_000.0, 200, None),
        }
    }
}

/// A tone that sounds.
#[derive(Clone, Copy, Debug)]
pub struct ToneSource {
    cadence: Cadence,
    /// Samples since the rhythm began.
    at: u32,
}

impl ToneSource {
    /// The tone from its beginning.
    pub const fn new(cadence: Cadence) -> Self {
        Self { cadence, at: 0 }
    }

    /// The next 20 ms.
    pub fn poll_frame(&mut self) -> Frame {
        let (pitch, on, off) = self.cadence.shape();
        let (on, off) = (on * 8, off.map(|off| off * 8));
        let mut frame = Frame::SILENCE;
        for sample in &mut frame.0 {
            if self.at < on {
                let edge = self.at.min(on - 1 - self.at).min(EDGE) as f32 / EDGE as f32;
                *sample = ((TAU * pitch * self.at as f32 / RATE as f32).sin() * PEAK * edge) as i16;
            }
            self.at += 1;
            match off {
                Some(off) if self.at == on + off => self.at = 0,
                Some(_) => {}
                None => self.at = self.at.min(on),
            }
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which frames have sound.
    fn rhythm(cadence: Cadence, frames: usize) -> Vec<bool> {
        let mut tone = ToneSource::new(cadence);
        (0..frames).map(|_| !tone.poll_frame().is_quiet()).collect()
    }

    #[test]
    fn ringback_is_one_second_on_and_four_off() {
        let heard = rhythm(Cadence::Ringback, 500);
        for (tick, on) in heard.into_iter().enumerate() {
            assert_eq!(on, tick % 250 < 50, "tick {tick}");
        }
    }

    #[test]
    fn busy_is_half_a_second_each_and_a_beep_comes_once() {
        assert_eq!(rhythm(Cadence::Busy, 100).iter().filter(|on| **on).count(), 50);
        assert_eq!(rhythm(Cadence::Beep, 200).iter().filter(|on| **on).count(), 10);
    }

    #[test]
    fn ringback_s_pitch_is_425_hz() {
        let mut tone = ToneSource::new(Cadence::Ringback);
        let second: Vec<i16> = (0..50).flat_map(|_| tone.poll_frame().0).collect();
        let rises = second.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
        assert!((424..=425).contains(&rises), "{rises} rises in a second");
    }
}
