//! Tones in sound: Goertzel's filters over 25 ms, every 5 ms.
//!
//! A digit counts when four windows in a row hold it: 40 ms pass, 20 ms do not (ITU-T Q.24: 40 ms must, 23 ms must
//! not). In each, two tones carry most of the energy, one of each group, neither much louder than the other, and
//! without the harmonics that voices have. Three filters a tone, so that 1.5 % off pitch passes.

use std::collections::VecDeque;
use std::f32::consts::TAU;

use super::{Digit, HIGH, KEYPAD, LOW};
use crate::frame::{Frame, RATE};

/// Samples of a window.
const WINDOW: usize = 205;
/// Samples from one window to the next.
const HOP: usize = 40;
/// Windows in a row that make a digit, and that end it: 10 ms of interruption do not split a press.
const BEGIN: u8 = 4;
const END: u8 = 8;
/// The detuned filters of each tone.
const DETUNED: [f32; 3] = [0.988, 1.0, 1.012];
/// The part of a window's energy that the two tones must carry.
const PURE: f32 = 0.63;
/// Mean square below which nothing is looked for: −40 dBm0 a tone.
const FAINT: f32 = 2_000.0;
/// How much louder each group may be: the high one 4 dB and the low one 8 dB by Q.24, and 2 dB for noise.
const HIGH_OVER_LOW: f32 = 3.98;
const LOW_OVER_HIGH: f32 = 10.0;
/// How much louder a tone must be than the others of its group: 6 dB.
const STANDS_OUT: f32 = 4.0;
/// A second harmonic must be weaker than its tone by 10 dB: voices have strong ones.
const HARMONIC: f32 = 0.1;

/// Finds digits in a stream of frames.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    window: VecDeque<i16>,
    until_next: usize,
    candidate: Option<Digit>,
    seen: u8,
    held: Option<Digit>,
    missed: u8,
}

impl Detector {
    /// Hears a frame; says a digit once, when it has lasted long enough.
    pub fn handle_frame(&mut self, frame: &Frame) -> Option<Digit> {
        let mut found = None;
        for sample in frame.0 {
            if self.window.len() == WINDOW {
                self.window.pop_front();
            }
            self.window.push_back(sample);
            self.until_next = self.until_next.saturating_sub(1);
            if self.window.len() == WINDOW && self.until_next == 0 {
                self.until_next = HOP;
                let heard = window_digit(self.window.make_contiguous());
                found = found.or(self.step(heard));
            }
        }
        found
    }

    /// The digit that sounds now.
    pub const fn held(&self) -> Option<Digit> {
        self.held
    }

    fn step(&mut self, heard: Option<Digit>) -> Option<Digit> {
        match heard {
            Some(_) if heard == self.held => self.missed = 0,
            _ => {
                self.missed = self.missed.saturating_add(1);
                if self.missed >= END {
                    self.held = None;
                }
            }
        }
        self.seen = if heard.is_some() && heard == self.candidate { self.seen.saturating_add(1) } else { 1 };
        self.candidate = heard;
        if heard.is_none() || self.seen < BEGIN || self.held == heard {
            return None;
        }
        self.held = heard;
        self.missed = 0;
        heard
    }
}

/// The digit of one window.
fn window_digit(window: &[i16]) -> Option<Digit> {
    let energy: f32 = window.iter().map(|s| f32::from(*s) * f32::from(*s)).sum();
    if energy < FAINT * WINDOW as f32 {
        return None;
    }
    // The part of the energy that a filter hears: 1 for a pure tone on its pitch.
    let part = |pitch: f32| 2.0 * goertzel(window, pitch) / (WINDOW as f32 * energy);
    let (low, high) = (LOW.map(part), HIGH.map(part));
    // Most sound is no digit, and is found out here.
    if loudest(&low).1 + loudest(&high).1 < PURE / 2.0 {
        return None;
    }
    let best = |pitch: f32| DETUNED.map(|d| part(pitch * d)).into_iter().fold(0.0, f32::max);
    let (low, high) = (LOW.map(best), HIGH.map(best));
    let ((row, low_part), (column, high_part)) = (loudest(&low), loudest(&high));
    let stands_out = |group: &[f32; 4], at: usize| (0..4).all(|i| i == at || group[i] * STANDS_OUT < group[at]);
    let is_digit = low_part + high_part >= PURE
        && high_part <= low_part * HIGH_OVER_LOW
        && low_part <= high_part * LOW_OVER_HIGH
        && stands_out(&low, row)
        && stands_out(&high, column)
        && part(2.0 * LOW[row]) < HARMONIC * low_part.max(high_part)
        && part(2.0 * HIGH[column]) < HARMONIC * low_part.max(high_part);
    is_digit.then(|| Digit::from_event(KEYPAD[row][column])).flatten()
}

fn loudest(group: &[f32; 4]) -> (usize, f32) {
    group.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// The squared magnitude of one frequency.
fn goertzel(window: &[i16], pitch: f32) -> f32 {
    let coefficient = 2.0 * (TAU * pitch / RATE as f32).cos();
    let (mut one, mut two) = (0.0_f32, 0.0_f32);
    for sample in window {
        let next = f32::from(*sample) + coefficient * one - two;
        two = one;
        one = next;
    }
    one * one + two * two - coefficient * one * two
}
