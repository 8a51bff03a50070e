//! Makes a recording fit for a telephone line: silence at its ends cut, its loudness like that of other prompts.

use store_voice::frame::RATE;

/// Samples of a block whose loudness is looked at: 10 ms.
const BLOCK: usize = RATE as usize / 100;
/// A block this much fainter than the peak is silence: −40 dB.
const QUIET: f32 = 0.01;
/// A recording whose peak is below this has nothing to hear: −60 dB of full scale.
const NOTHING: f32 = 0.001;
/// Blocks of silence left before the first sound and after the last: soft consonants are quiet.
const BEFORE: usize = 3;
const AFTER: usize = 8;
/// The loudness of speech on a line, root mean square of full scale: −20 dB (about −17 dBm0, ITU-T G.711 table 5).
const LOUDNESS: f32 = 0.1;
/// No sample is louder than this part of full scale: −1.5 dB.
const PEAK: f32 = 0.84;
/// Quiet recordings are amplified by 20 dB and no more, or their noise would be heard.
const MOST_GAIN: f32 = 10.0;

/// Trims and levels sound of 8 kHz; `None` when there is nothing to hear in it.
pub(crate) fn fit(samples: &[f32]) -> Option<Vec<i16>> {
    if samples.is_empty() {
        return None;
    }
    // A constant offset is no sound, and would hide the silence.
    let mean = samples.iter().map(|s| f64::from(*s)).sum::<f64>() / samples.len() as f64;
    let samples: Vec<f32> = samples.iter().map(|s| s - mean as f32).collect();
    let peak = samples.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
    if peak < NOTHING {
        return None;
    }
    let powers: Vec<f32> = samples.chunks(BLOCK).map(power).collect();
    let is_loud = |power: &f32| power.sqrt() >= peak * QUIET;
    let first = powers.iter().position(is_loud)?;
    let last = powers.iter().rposition(is_loud)?;
    let (loud, count) = powers.iter().filter(|p| is_loud(p)).fold((0.0, 0), |(sum, n), p| (sum + p, n + 1));
    let loudness = (loud / count.max(1) as f32).sqrt();
    let gain = (LOUDNESS / loudness).min(PEAK / peak).min(MOST_GAIN);
    let from = first.saturating_sub(BEFORE) * BLOCK;
    let to = ((last + 1 + AFTER) * BLOCK).min(samples.len());
    Some(samples[from..to].iter().map(|s| to_i16(s * gain)).collect())
}

/// A sample of ±1 as a whole number, held at the ends of the range.
pub(crate) fn to_i16(sample: f32) -> i16 {
    (sample * f32::from(i16::MAX)).round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

fn power(block: &[f32]) -> f32 {
    block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn tone(seconds: f32, peak: f32) -> Vec<f32> {
        (0..(seconds * RATE as f32) as usize).map(|i| peak * (TAU * 440.0 * i as f32 / RATE as f32).sin()).collect()
    }

    #[test]
    fn silence_at_the_ends_goes_and_the_pause_inside_stays() {
        let silence = vec![0.0; 8_000];
        let whole = [silence.clone(), tone(0.5, 0.5), silence.clone(), tone(0.5, 0.5), silence].concat();
        let fitted = fit(&whole).unwrap();
        // Half a second, a second's pause, half a second, 30 ms before and 80 ms after.
        assert_eq!(fitted.len(), 4_000 + 8_000 + 4_000 + 240 + 640);
    }

    #[test]
    fn loud_and_quiet_recordings_come_out_alike() {
        // A sine's root mean square is its peak divided by √2: 0.1 · √2 · 32 767 = 4 634.
        for peak in [0.05, 0.3, 1.0] {
            let loudest = fit(&tone(1.0, peak)).unwrap().into_iter().max().unwrap();
            assert!((4_580..=4_690).contains(&loudest), "{peak}: {loudest}");
        }
    }

    #[test]
    fn a_click_does_not_clip_and_a_murmur_is_amplified_by_twenty_decibels_at_most() {
        let mut clicked = tone(1.0, 0.01);
        clicked[4_000] = 1.0;
        assert!(fit(&clicked).unwrap().into_iter().max().unwrap() <= to_i16(PEAK));
        let murmur = fit(&tone(1.0, 0.002)).unwrap().into_iter().max().unwrap();
        assert!((640..=660).contains(&murmur), "{murmur}: 0.02 · 32 767 = 655");
    }

    #[test]
    fn an_offset_without_sound_is_nothing() {
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&vec![0.25; 8_000]), None);
        assert_eq!(fit(&tone(1.0, 0.000_5)), None);
    }
}
