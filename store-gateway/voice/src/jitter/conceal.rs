//! Sound that did not come, made up from what came before: the last pitch goes on and fades (the way of ITU-T G.711
//! appendix I, with less of it).

use crate::frame::{Frame, SAMPLES};

/// Pitches looked for: 66 to 200 Hz.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;
/// Samples compared to find the pitch.
const COMPARED: usize = 160;
/// What is remembered.
const HISTORY: usize = LONGEST + COMPARED;
/// Full loudness lasts so long (10 ms), and the fade after it (50 ms).
const HOLD: usize = 80;
const FADE: usize = 400;
/// Made-up and real sound overlap for 4 ms where they meet.
const OVERLAP: usize = 32;

#[derive(Clone, Debug)]
pub(super) struct Concealer {
    history: [i16; HISTORY],
    /// Samples made up in a row, counted to the end of the fade.
    made: usize,
    pitch: usize,
    /// Samples of the overlap still to come.
    overlap: usize,
}

impl Default for Concealer {
    fn default() -> Self {
        Self { history: [0; HISTORY], made: HOLD + FADE, pitch: LONGEST, overlap: 0 }
    }
}

impl Concealer {
    /// Whether made-up sound has come to its end: from here on it is silence.
    pub(super) const fn has_faded(&self) -> bool {
        self.made >= HOLD + FADE
    }

    /// Real sound was left out: the next is blended in.
    pub(super) fn note_jump(&mut self) {
        self.pitch = self.find_pitch();
        self.overlap = OVERLAP;
    }

    /// A frame of what came, with the rest made up.
    pub(super) fn fill(&mut self, frame: &[Option<i16>; SAMPLES]) -> Frame {
        let mut out = Frame::SILENCE;
        let mut made_history = self.history;
        for (to, from) in out.0.iter_mut().zip(frame) {
            let sample = match from {
                Some(heard) => self.blend(*heard, &made_history),
                None => self.make_up(&made_history),
            };
            *to = sample;
            made_history.copy_within(1.., 0);
            made_history[HISTORY - 1] = match from {
                Some(_) => sample,
                // The pitch is repeated at full loudness: the fade is not to be faded again.
                None => made_history[HISTORY - 1 - self.pitch],
            };
        }
        self.history = made_history;
        out
    }

    fn make_up(&mut self, history: &[i16; HISTORY]) -> i16 {
        if self.has_faded() {
            return 0;
        }
        if self.made == 0 {
            self.history = *history;
            self.pitch = self.find_pitch();
        }
        let sample = history[HISTORY - self.pitch];
        let left = (HOLD + FADE - self.made).min(FADE);
        self.made += 1;
        self.overlap = OVERLAP;
        scale(sample, left, FADE)
    }

    /// Heard sound, overlapped with the made-up sound that it follows.
    fn blend(&mut self, heard: i16, history: &[i16; HISTORY]) -> i16 {
        let left = (HOLD + FADE).saturating_sub(self.made).min(FADE);
        let made = scale(history[HISTORY - self.pitch], left, FADE);
        if self.overlap == 0 {
            self.made = 0;
            return heard;
        }
        let old = scale(made, self.overlap, OVERLAP + 1);
        self.overlap -= 1;
        old.saturating_add(scale(heard, OVERLAP - self.overlap, OVERLAP + 1))
    }

    /// The lag at which the history is most like itself.
    fn find_pitch(&self) -> usize {
        let (before, now) = self.history.split_at(LONGEST);
        let mut best = (LONGEST, f32::MIN);
        for lag in SHORTEST..=LONGEST {
            let (mut product, mut energy) = (0_i64, 1_i64);
            for (i, sample) in now.iter().enumerate() {
                let past = i64::from(if lag <= i { now[i - lag] } else { before[LONGEST + i - lag] });
                product += past * i64::from(*sample);
                energy += past * past;
            }
            let likeness = product as f32 / (energy as f32).sqrt();
            if likeness > best.1 {
                best = (lag, likeness);
            }
        }
        best.0
    }
}

fn scale(sample: i16, numerator: usize, denominator: usize) -> i16 {
    (i64::from(sample) * numerator as i64 / denominator as i64) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 Hz: a pitch of 80 samples.
    fn tone(from: usize) -> [Option<i16>; SAMPLES] {
        let sample = |i: usize| ((i as f32 * std::f32::consts::TAU / 80.0).sin() * 8_000.0) as i16;
        std::array::from_fn(|i| Some(sample(from + i)))
    }

    fn peak(frame: &Frame) -> i32 {
        frame.0.iter().map(|s| i32::from(*s).abs()).max().unwrap_or(0)
    }

    #[test]
    fn goes_on_with_the_pitch_then_fades_to_silence_within_60_ms() {
        let mut concealer = Concealer::default();
        for i in 0..4 {
            concealer.fill(&tone(i * SAMPLES));
        }
        let made = concealer.fill(&[None; SAMPLES]);
        assert_eq!(concealer.pitch, 80);
        let real = tone(4 * SAMPLES).map(Option::unwrap);
        for (made, real) in made.0.iter().zip(real).take(HOLD) {
            assert!((i32::from(*made) - i32::from(real)).abs() < 200, "{made} for {real} breaks the tone");
        }
        assert!(peak(&concealer.fill(&[None; SAMPLES])) < 6_500);
        concealer.fill(&[None; SAMPLES]);
        assert!(concealer.has_faded());
        assert_eq!(concealer.fill(&[None; SAMPLES]), Frame::SILENCE);
    }

    #[test]
    fn made_up_sound_meets_heard_sound_without_a_step() {
        let mut concealer = Concealer::default();
        for i in 0..4 {
            concealer.fill(&tone(i * SAMPLES));
        }
        let made = concealer.fill(&[None; SAMPLES]);
        // What comes again is half a period off: a bare join would step by up to 2 · 8000.
        let heard = concealer.fill(&tone(5 * SAMPLES + 40));
        let step = |a: i16, b: i16| (i32::from(a) - i32::from(b)).abs();
        let mut last = made.0[SAMPLES - 1];
        for sample in heard.0 {
            assert!(step(sample, last) < 1_800, "a step of {}", step(sample, last));
            last = sample;
        }
        assert_eq!(heard.0[OVERLAP..], tone(5 * SAMPLES + 40).map(Option::unwrap)[OVERLAP..]);
    }
}
