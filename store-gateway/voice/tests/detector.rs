//! The tone detector by ITU-T Q.24's numbers: lengths, levels, twist, pitch, noise, interruptions.

use std::f64::consts::TAU;
use std::time::Duration;

use sans_io::Rng;
use store_voice::Frame;
use store_voice::dtmf::{Detector, Digit, ToneSender};
use store_voice::g711::Law;

const SIGNS: &str = "1234567890*#ABCD";

/// Q.23's tones of a key.
fn tones(sign: char) -> (f64, f64) {
    let at = "123A456B789C*0#D".find(sign).unwrap();
    ([697.0, 770.0, 852.0, 941.0][at / 4], [1_209.0, 1_336.0, 1_477.0, 1_633.0][at % 4])
}

/// A line: tones go in, noise is added, A-law is in between, as on every call.
struct Line {
    samples: Vec<i16>,
    rng: Rng,
    noise: f64,
}

impl Line {
    /// `snr_db` is against two tones of −10 dBov each.
    fn new(seed: u64, snr_db: Option<f64>) -> Self {
        let tones = 2.0 * 0.5 * PEAK * PEAK;
        let noise = snr_db.map_or(0.0, |db| (tones / 10_f64.powf(db / 10.0)).sqrt());
        Self { samples: Vec::new(), rng: Rng::new(seed), noise }
    }

    /// A normal deviate, by the sum of twelve uniform ones.
    fn noise(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.rng.below(1 << 30) as f64 / f64::from(1 << 30)).sum();
        self.noise * (sum - 6.0)
    }

    fn tone(&mut self, sign: char, ms: usize, shape: Shape) {
        let (low, high) = tones(sign);
        let phase = self.rng.below(1_000) as f64 / 1_000.0 * TAU;
        let (low_peak, high_peak) = shape.peaks();
        for i in 0..ms * 8 {
            let time = i as f64 / 8_000.0 * shape.pitch;
            let clean = (TAU * low * time).sin() * low_peak + (TAU * high * time + phase).sin() * high_peak;
            let noise = self.noise();
            self.samples.push((clean + noise) as i16);
        }
    }

    fn pause(&mut self, ms: usize) {
        for _ in 0..ms * 8 {
            let noise = self.noise();
            self.samples.push(noise as i16);
        }
    }

    fn heard(&self) -> String {
        let line: Vec<i16> = self.samples.iter().map(|s| Law::A.decode(Law::A.encode(*s))).collect();
        let mut detector = Detector::default();
        line.chunks(160).filter_map(|c| detector.handle_frame(&Frame::from_samples(c))).map(Digit::sign).collect()
    }
}

const PEAK: f64 = 7_300.0;

/// How a tone differs from the nominal one.
#[derive(Clone, Copy)]
struct Shape {
    level_db: f64,
    /// How much louder the high tone is.
    twist_db: f64,
    pitch: f64,
}

const PLAIN: Shape = Shape { level_db: 0.0, twist_db: 0.0, pitch: 1.0 };

impl Shape {
    fn peaks(self) -> (f64, f64) {
        let gain = |db: f64| PEAK * 10_f64.powf(db / 20.0);
        (gain(self.level_db - self.twist_db / 2.0), gain(self.level_db + self.twist_db / 2.0))
    }
}

/// How many of 100 presses are heard; none may be heard as another digit.
fn hits(tone_ms: usize, pause_ms: usize, snr_db: Option<f64>, shape: Shape) -> f64 {
    let rounds = 10;
    let mut right = 0;
    for seed in 0..rounds {
        // Each digit alone, so that one miss is one miss.
        for sign in SIGNS.chars() {
            let mut line = Line::new(seed * 100 + u64::from(u32::from(sign)), snr_db);
            line.pause(40 + seed as usize % 20);
            for _ in 0..3 {
                line.tone(sign, tone_ms, shape);
                line.pause(pause_ms);
            }
            line.pause(60);
            let heard = line.heard();
            assert!(heard.chars().all(|c| c == sign), "{sign} was heard as {heard}");
            right += heard.len().min(3);
        }
    }
    100.0 * right as f64 / (rounds as usize * SIGNS.len() * 3) as f64
}

#[test]
fn hears_50_ms_at_99_percent_and_40_ms_at_95_clean_and_at_12_db() {
    for (ms, least) in [(50, 99.0), (40, 95.0)] {
        for snr in [None, Some(12.0)] {
            let rate = hits(ms, ms, snr, PLAIN);
            println!("{ms}/{ms} ms, noise {snr:?} dB: {rate:.2} %");
            assert!(rate >= least, "{ms}/{ms} ms at {snr:?} dB: {rate} %");
        }
    }
}

#[test]
fn hears_a_twist_of_4_db_up_and_8_db_down() {
    for twist_db in [4.0, -8.0] {
        for snr in [None, Some(15.0)] {
            let rate = hits(50, 50, snr, Shape { twist_db, ..PLAIN });
            println!("twist {twist_db} dB, noise {snr:?} dB: {rate:.2} %");
            assert!(rate >= 99.0, "{twist_db} dB, {snr:?}: {rate} %");
        }
    }
}

#[test]
fn hears_tones_1_5_percent_off_and_25_db_down_and_not_3_5_percent_off() {
    for pitch in [0.985, 1.015] {
        assert!(hits(50, 50, None, Shape { pitch, ..PLAIN }) >= 99.0, "pitch {pitch}");
    }
    for pitch in [0.965, 1.035] {
        assert!(hits(50, 50, None, Shape { pitch, ..PLAIN }) <= 1.0, "pitch {pitch}");
    }
    assert!(hits(50, 50, None, Shape { level_db: -25.0, ..PLAIN }) >= 99.0);
}

#[test]
fn a_twist_far_beyond_the_limits_and_a_single_tone_are_no_digit() {
    for twist_db in [14.0, -18.0, 60.0, -60.0] {
        assert!(hits(50, 50, None, Shape { twist_db, ..PLAIN }) <= 0.0, "{twist_db} dB");
    }
}

#[test]
fn twenty_milliseconds_are_no_digit() {
    assert!(hits(20, 100, None, PLAIN) <= 0.0);
}

#[test]
fn ten_milliseconds_of_silence_do_not_split_a_press() {
    for sign in SIGNS.chars() {
        let mut line = Line::new(1, None);
        line.tone(sign, 60, PLAIN);
        line.pause(10);
        line.tone(sign, 60, PLAIN);
        line.pause(100);
        assert_eq!(line.heard(), sign.to_string());
    }
}

#[test]
fn a_whole_code_dialled_fast_is_heard_in_order() {
    let mut line = Line::new(3, Some(15.0));
    line.pause(33);
    for sign in "04821104821177".chars() {
        line.tone(sign, 50, PLAIN);
        line.pause(50);
    }
    assert_eq!(line.heard(), "04821104821177");
}

#[test]
fn five_minutes_of_noise_are_no_digit() {
    let mut line = Line::new(11, Some(0.0));
    line.pause(300_000);
    assert_eq!(line.heard(), "");
}

#[test]
fn hears_what_our_own_keys_send() {
    let mut sender = ToneSender::default();
    for sign in SIGNS.chars() {
        sender.press(Digit::from_char(sign).unwrap(), Duration::from_millis(80)).unwrap();
    }
    let mut detector = Detector::default();
    let frames = std::iter::from_fn(|| sender.poll_frame());
    let heard: String = frames.filter_map(|f| detector.handle_frame(&f)).map(Digit::sign).collect();
    assert_eq!(heard, SIGNS);
}
