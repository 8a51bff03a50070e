//! A device's stream in frames, and frames as a device's stream. Nothing is allocated once they are made.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler};
use store_voice::Frame;
use store_voice::frame::{RATE, SAMPLES};

use super::resampler;
use crate::level::to_i16;

/// For a stream: 6 ms of delay, and 3.6 kHz, which is more than a telephone line has.
const STREAM_TAPS: u32 = 96;

/// A stream of a device's rate, in frames of 8 kHz.
pub(crate) struct ToFrames {
    resampler: Option<Async<f32>>,
    output: Vec<f32>,
}

impl ToFrames {
    /// From `rate`, which is in [`super::RATES`].
    pub(crate) fn new(rate: u32) -> Self {
        let resampler = (rate != RATE).then(|| resampler(rate, RATE, STREAM_TAPS, SAMPLES, FixedAsync::Output));
        Self { resampler, output: vec![0.0; SAMPLES] }
    }

    /// Samples that the next frame takes.
    pub(crate) fn needed(&self) -> usize {
        self.resampler.as_ref().map_or(SAMPLES, Resampler::input_frames_next)
    }

    /// The most samples that any frame takes.
    pub(crate) fn most_needed(&self) -> usize {
        self.resampler.as_ref().map_or(SAMPLES, Resampler::input_frames_max)
    }

    /// The next frame, of as many samples as [`Self::needed`] says.
    pub(crate) fn frame(&mut self, samples: &[f32]) -> Frame {
        let line = match &mut self.resampler {
            Some(resampler) => {
                process(resampler, samples, &mut self.output);
                &self.output
            }
            None => samples,
        };
        let mut frame = Frame::SILENCE;
        frame.0.iter_mut().zip(line).for_each(|(to, from)| *to = to_i16(*from));
        frame
    }
}

/// Frames of 8 kHz as a stream of a device's rate.
pub(crate) struct FromFrames {
    resampler: Option<Async<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl FromFrames {
    /// To `rate`, which is in [`super::RATES`].
    pub(crate) fn new(rate: u32) -> Self {
        let resampler = (rate != RATE).then(|| resampler(RATE, rate, STREAM_TAPS, SAMPLES, FixedAsync::Input));
        let most = resampler.as_ref().map_or(0, Resampler::output_frames_max);
        Self { resampler, input: vec![0.0; SAMPLES], output: vec![0.0; most] }
    }

    /// The most samples that a frame becomes.
    pub(crate) fn most_made(&self) -> usize {
        self.output.len().max(SAMPLES)
    }

    /// What a frame becomes.
    pub(crate) fn samples(&mut self, frame: &Frame) -> &[f32] {
        self.input.iter_mut().zip(frame.0).for_each(|(to, from)| *to = f32::from(from) / f32::from(i16::MAX));
        match &mut self.resampler {
            Some(resampler) => {
                let made = process(resampler, &self.input, &mut self.output);
                &self.output[..made]
            }
            None => &self.input,
        }
    }
}

/// One step of a stream; the samples that came out.
fn process(resampler: &mut Async<f32>, input: &[f32], output: &mut [f32]) -> usize {
    let room = output.len();
    let input = InterleavedSlice::new(input, 1, input.len()).expect("one channel is as long as it is");
    let mut output = InterleavedSlice::new_mut(output, 1, room).expect("one channel is as long as it is");
    let (_, made) = resampler
        .process_into_buffer(&input, &mut output, None)
        .expect("the caller gives as many samples as were asked for, and room for the most");
    made
}

#[cfg(test)]
mod tests {
    use super::super::tests::{peak_at, tone};
    use super::*;

    #[test]
    fn a_stream_to_a_device_and_back_is_the_same_tone() {
        for rate in [8_000, 16_000, 44_100, 48_000] {
            let (mut up, mut down) = (FromFrames::new(rate), ToFrames::new(rate));
            let (mut between, mut heard) = (Vec::new(), Vec::new());
            for part in tone(RATE, 1_000.0, 2.0).chunks(SAMPLES) {
                let mut frame = Frame::SILENCE;
                frame.0.iter_mut().zip(part).for_each(|(to, from)| *to = to_i16(*from));
                let most = up.most_made();
                let made = up.samples(&frame);
                assert!(made.len() <= most);
                between.extend_from_slice(made);
                while between.len() >= down.needed() {
                    assert!(down.needed() <= down.most_needed());
                    let taken: Vec<f32> = between.drain(..down.needed()).collect();
                    heard.extend(down.frame(&taken).0.map(|s| f32::from(s) / f32::from(i16::MAX)));
                }
            }
            assert!(heard.len() > 15_000, "{rate}: {}", heard.len());
            let found = peak_at(&heard, 1_000.0);
            assert!((found - 0.5).abs() < 0.01, "{rate}: {found}");
        }
    }
}
