//! Digits as tones, for the modem's and old lines' ears (ITU-T Q.23).

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::time::Duration;

use super::{Digit, HIGH, KEYPAD, LOW, QueueFull};
use crate::frame::{Frame, RATE, SAMPLES};

/// Digits that wait to be sent.
const MOST_WAITING: usize = 32;
/// The pause after each.
const PAUSE: u32 = RATE / 10;
/// Each tone's peak: −12 dB of full scale; the high one 2 dB louder, as lines take more of it.
const LOW_PEAK: f32 = 8_200.0;
const HIGH_PEAK: f32 = 10_300.0;

/// Digits as sound, one after the other.
#[derive(Clone, Debug, Default)]
pub struct ToneSender {
    /// Each with its length in samples.
    waiting: VecDeque<(Digit, u32)>,
    /// Samples of the first that were sent, pause included.
    sent: u32,
}

impl ToneSender {
    /// Takes a press of `length`, held to between 50 ms and 2 s.
    ///
    /// # Errors
    /// [`QueueFull`] when too many wait.
    pub fn press(&mut self, digit: Digit, length: Duration) -> Result<(), QueueFull> {
        if self.waiting.len() == MOST_WAITING {
            return Err(QueueFull);
        }
        let millis = length.as_millis().clamp(50, 2_000) as u32;
        self.waiting.push_back((digit, millis * 8));
        Ok(())
    }

    /// The next 20 ms, while there is something to send.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.waiting.front()?;
        let mut frame = Frame::SILENCE;
        for sample in frame.0.iter_mut().take(SAMPLES) {
            let Some((digit, length)) = self.waiting.front() else { break };
            if self.sent < *length {
                *sample = sample_of(*digit, self.sent);
            }
            self.sent += 1;
            if self.sent == length + PAUSE {
                self.waiting.pop_front();
                self.sent = 0;
            }
        }
        Some(frame)
    }
}

fn sample_of(digit: Digit, at: u32) -> i16 {
    let (low, high) = tones(digit);
    let time = at as f32 / RATE as f32;
    ((TAU * low * time).sin() * LOW_PEAK + (TAU * high * time).sin() * HIGH_PEAK) as i16
}

/// The two tones of a key.
fn tones(digit: Digit) -> (f32, f32) {
    let cells =
        KEYPAD.iter().zip(LOW).flat_map(|(row, low)| row.iter().zip(HIGH).map(move |(key, high)| (*key, low, high)));
    cells.into_iter().find(|(key, ..)| *key == digit.event()).map_or((0.0, 0.0), |(_, low, high)| (low, high))
}
