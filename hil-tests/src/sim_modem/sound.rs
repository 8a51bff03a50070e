//! Sound of calls: 8 kHz, 16 bit, one channel, in frames of 20 ms.
//!
//! Tones and keys are made here; files are read and written by the shell. Nothing waits: what comes too fast is dropped and
//! counted, what is missing is silence and counted.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// Samples a second.
pub const RATE: u32 = 8_000;
/// Samples of a frame.
pub const FRAME: usize = 160;
/// A frame's time.
pub(super) const FRAME_TIME: Duration = Duration::from_millis(20);
/// Octets of a frame.
const FRAME_OCTETS: usize = 2 * FRAME;
/// Octets that wait to be heard: one second; the oldest are dropped beyond it.
const WAITING_OCTETS: usize = 50 * FRAME_OCTETS;
/// Octets that must be there before a pause ends: three frames, so that two clocks of 20 ms don't leave holes.
const START_OCTETS: usize = 3 * FRAME_OCTETS;
/// Peak of a tone: a quarter of full scale.
const TONE_PEAK: f64 = 8_000.0;
/// Peak of each of the two tones of a key.
const KEY_PEAK: f64 = 6_000.0;
/// Keys that wait to be pressed.
const KEYS_WAITING: usize = 64;

/// What the far end of a call says and keeps, as it is ordered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FarSound {
    /// A steady tone in hertz.
    pub tone: Option<f64>,
    /// A file that is played once.
    pub wav: Option<PathBuf>,
    /// A file for what the far end hears.
    pub record: Option<PathBuf>,
}

/// A steady tone, continuous from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Tone {
    hertz: f64,
    phase: f64,
}

impl Tone {
    pub fn new(hertz: f64) -> Self {
        Self { hertz, phase: 0.0 }
    }

    fn next(&mut self, peak: f64) -> f64 {
        let value = self.phase.sin() * peak;
        self.phase = (self.phase + TAU * self.hertz / f64::from(RATE)) % TAU;
        value
    }
}

/// What the far end says.
#[derive(Debug, Clone, Default)]
pub(super) struct Mouth {
    tone: Option<Tone>,
    wav: Option<(Arc<[i16]>, usize)>,
}

impl Mouth {
    pub fn new(tone: Option<f64>, wav: Option<Arc<[i16]>>) -> Self {
        Self { tone: tone.map(Tone::new), wav: wav.map(|wav| (wav, 0)) }
    }

    pub fn mix(&mut self, frame: &mut [i16; FRAME]) {
        if let Some(tone) = &mut self.tone {
            frame.iter_mut().for_each(|sample| add(sample, tone.next(TONE_PEAK)));
        }
        if let Some((wav, at)) = &mut self.wav {
            let rest = wav.get(*at..).unwrap_or_default();
            frame.iter_mut().zip(rest).for_each(|(sample, said)| *sample = sample.saturating_add(*said));
            *at = at.saturating_add(FRAME);
        }
    }
}

fn add(sample: &mut i16, value: f64) {
    // Peaks are far below full scale; the cast saturates.
    *sample = sample.saturating_add(value.round() as i16);
}

/// How keys reach the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeysAs {
    /// The modem hears and tells them; no tones in the sound (as where the network takes them out).
    Notice,
    /// Tones in the sound only.
    Tones,
    /// Both, as mostly.
    #[default]
    Both,
}

/// A key to press.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub sign: char,
    pub how: KeysAs,
    pub on_ms: u32,
    pub off_ms: u32,
}

/// The frequencies of a key (ITU-T Q.23).
pub(super) fn key_tones(sign: char) -> Option<[f64; 2]> {
    const ROWS: [(f64, &str); 4] = [(697.0, "123A"), (770.0, "456B"), (852.0, "789C"), (941.0, "*0#D")];
    const COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    ROWS.iter().find_map(|(row, signs)| Some([*row, COLUMNS[signs.find(sign)?]]))
}

/// Keys pressed one after the other.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiting: VecDeque<Key>,
    pressed: Option<(Key, Option<[Tone; 2]>, usize)>,
}

impl Keys {
    /// Puts keys in line; false when there is no room for all of them.
    pub fn press(&mut self, keys: impl IntoIterator<Item = Key>) -> bool {
        self.waiting.extend(keys);
        let fits = self.waiting.len() <= KEYS_WAITING;
        self.waiting.truncate(KEYS_WAITING);
        fits
    }

    #[cfg(test)]
    fn is_busy(&self) -> bool {
        self.pressed.is_some() || !self.waiting.is_empty()
    }

    /// Mixes the keys into a frame and returns those that begin in it.
    pub fn mix(&mut self, frame: &mut [i16; FRAME]) -> Vec<Key> {
        let mut begun = Vec::new();
        for sample in frame {
            if self.pressed.is_none()
                && let Some(key) = self.waiting.pop_front()
            {
                let tones = key_tones(key.sign).filter(|_| key.how != KeysAs::Notice);
                begun.push(key.clone());
                self.pressed = Some((key, tones.map(|tones| tones.map(Tone::new)), 0));
            }
            let Some((key, tones, at)) = &mut self.pressed else { return begun };
            let samples = |ms: u32| (ms * RATE / 1_000) as usize;
            if *at < samples(key.on_ms)
                && let Some(tones) = tones
            {
                tones.iter_mut().for_each(|tone| add(sample, tone.next(KEY_PEAK)));
            }
            *at += 1;
            if *at >= samples(key.on_ms + key.off_ms) {
                self.pressed = None;
            }
        }
        begun
    }
}

/// Sound that comes from outside by its own clock.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    octets: VecDeque<u8>,
    flows: bool,
    frames: u64,
    missing: u64,
    dropped: u64,
}

impl Incoming {
    pub fn push(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
        if let Some(over) = self.octets.len().checked_sub(WAITING_OCTETS).filter(|over| *over > 0) {
            // Whole samples, or all that follows would be noise.
            let over = over.next_multiple_of(2);
            self.octets.drain(..over);
            self.dropped += over as u64;
        }
    }

    /// Nobody is there to say anything any more.
    pub fn clear(&mut self) {
        *self = Self { frames: self.frames, missing: self.missing, dropped: self.dropped, ..Self::default() };
    }

    /// Mixes the next frame in; a hole is silence until three frames are there again.
    pub fn mix(&mut self, frame: &mut [i16; FRAME]) {
        self.flows |= self.octets.len() >= START_OCTETS;
        if !self.flows {
            return;
        }
        if self.octets.len() < FRAME_OCTETS {
            self.flows = false;
            self.missing += 1;
            return;
        }
        self.frames += 1;
        for sample in frame {
            let pair = [self.octets.pop_front().unwrap_or(0), self.octets.pop_front().unwrap_or(0)];
            *sample = sample.saturating_add(i16::from_le_bytes(pair));
        }
    }

    pub fn state(&self) -> Value {
        json!({"frames": self.frames, "missing": self.missing, "dropped_octets": self.dropped})
    }
}

/// A frame's octets.
pub(super) fn octets(frame: &[i16]) -> Vec<u8> {
    frame.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Power of a frequency, by Goertzel's recurrence, relative to that of a full tone of `peak`.
    fn share(samples: &[i16], hertz: f64, peak: f64) -> f64 {
        let turn = 2.0 * (TAU * hertz / f64::from(RATE)).cos();
        let (a, b) = samples.iter().fold((0.0, 0.0), |(a, b), s| (f64::from(*s) + turn * a - b, a));
        let power = a * a + b * b - turn * a * b;
        power / (peak * samples.len() as f64 / 2.0).powi(2)
    }

    #[test]
    fn a_key_is_its_two_tones_for_its_time_and_then_silence() {
        let mut keys = Keys::default();
        assert!(keys.press([Key { sign: '5', how: KeysAs::Both, on_ms: 100, off_ms: 40 }]));
        let mut sound = Vec::new();
        let mut begun = Vec::new();
        while keys.is_busy() {
            let mut frame = [0; FRAME];
            begun.extend(keys.mix(&mut frame).into_iter().map(|key| key.sign));
            sound.extend(frame);
        }
        assert_eq!(begun, ['5']);
        // ITU-T Q.23: 5 is 770 and 1336 Hz.
        let on = &sound[..800];
        assert!(share(on, 770.0, KEY_PEAK) > 0.9 && share(on, 1_336.0, KEY_PEAK) > 0.9);
        assert!(share(on, 697.0, KEY_PEAK) < 0.05 && share(on, 1_209.0, KEY_PEAK) < 0.05);
        assert!(sound[800..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn every_key_has_two_tones_and_nothing_else_has() {
        assert_eq!("0123456789*#ABCD".chars().filter_map(key_tones).count(), 16);
        assert_eq!(key_tones('#'), Some([941.0, 1_477.0]));
        assert!(key_tones('E').is_none() && key_tones('a').is_none());
    }

    #[test]
    fn what_comes_too_fast_is_dropped_in_whole_samples_and_what_is_missing_is_silence() {
        let mut incoming = Incoming::default();
        let mut frame = [0; FRAME];
        incoming.push(&[1; FRAME_OCTETS]);
        incoming.mix(&mut frame);
        assert_eq!(frame, [0; FRAME], "one frame is not enough to begin");
        incoming.push(&vec![2; WAITING_OCTETS + 1]);
        incoming.mix(&mut frame);
        assert_eq!(frame, [0x0202; FRAME]);
        // One frame and one octet too many: 322 octets in whole samples.
        assert_eq!(incoming.state(), json!({"frames": 1, "missing": 0, "dropped_octets": 322}));
        for _ in 0..60 {
            incoming.mix(&mut [0; FRAME]);
        }
        assert_eq!(incoming.state()["missing"], 1);
    }
}
