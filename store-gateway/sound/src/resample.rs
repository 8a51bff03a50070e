//! From other rates to 8 kHz and back: whole recordings, and streams in frames.

#[cfg(feature = "cpal")]
pub(crate) mod stream;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction};
use store_voice::frame::RATE;

/// The rates that sound may come in.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// Taps of the filter at the lower of the two rates: it passes all below 3.8 kHz and holds back what is above 4 kHz.
const RECORDING_TAPS: u32 = 256;
/// The longest filter that rubato designs well.
const MOST_TAPS: u32 = 2_048;
/// Samples that are worked on at once.
const CHUNK: usize = 1_024;

fn filter(from: u32, to: u32, taps: u32) -> SincInterpolationParameters {
    let taps = (taps * from.div_ceil(to).max(1)).min(MOST_TAPS);
    SincInterpolationParameters::new(taps as usize, WindowFunction::Blackman2)
        .oversampling_factor(64)
        .interpolation(SincInterpolationType::Cubic)
}

fn resampler(from: u32, to: u32, taps: u32, chunk: usize, fixed: FixedAsync) -> Async<f32> {
    let ratio = f64::from(to) / f64::from(from);
    Async::new_sinc(ratio, 1.0, &filter(from, to, taps), chunk, 1, fixed)
        .expect("both rates are in RATES, so that the ratio is finite and the chunk is not empty")
}

/// A whole recording of a rate in [`RATES`] at 8 kHz, without the filter's delay.
pub(crate) fn to_line(samples: &[f32], rate: u32) -> Vec<f32> {
    if rate == RATE || samples.is_empty() {
        return samples.to_vec();
    }
    let input = InterleavedSlice::new(samples, 1, samples.len()).expect("one channel is as long as it is");
    resampler(rate, RATE, RECORDING_TAPS, CHUNK, FixedAsync::Input)
        .process_all(&input, samples.len(), None)
        .expect("the buffer has the length that was said")
        .take_data()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::f32::consts::TAU;

    use super::*;

    pub(crate) fn tone(rate: u32, pitch: f32, seconds: f32) -> Vec<f32> {
        (0..(seconds * rate as f32) as usize).map(|i| 0.5 * (TAU * pitch * i as f32 / rate as f32).sin()).collect()
    }

    /// The peak of one pitch in sound of 8 kHz, away from its ends.
    pub(crate) fn peak_at(samples: &[f32], pitch: f32) -> f32 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in middle.iter().enumerate() {
            let phase = TAU * pitch * i as f32 / RATE as f32;
            re += sample * phase.cos();
            im += sample * phase.sin();
        }
        2.0 * (re * re + im * im).sqrt() / middle.len() as f32
    }

    #[test]
    fn a_recording_keeps_length_pitch_and_loudness_at_every_rate() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            let line = to_line(&tone(rate, 1_000.0, 1.0), rate);
            assert!(line.len().abs_diff(8_000) <= 1, "{rate}: {}", line.len());
            for (pitch, expected) in [(1_000.0, 0.5), (900.0, 0.0)] {
                let found = peak_at(&line, pitch);
                assert!((found - expected).abs() < 0.005, "{rate}: {found} at {pitch}");
            }
        }
    }

    #[test]
    fn speech_passes_and_what_a_line_cannot_carry_does_not_fold_into_it() {
        for rate in [22_050, 48_000, 96_000] {
            assert!(peak_at(&to_line(&tone(rate, 3_400.0, 1.0), rate), 3_400.0) > 0.48, "{rate}");
            // 4.4 kHz would be heard at 3.6 kHz.
            assert!(peak_at(&to_line(&tone(rate, 4_400.0, 1.0), rate), 3_600.0) < 0.000_5, "{rate}");
        }
    }
}
