//! Recordings that the shop uploads.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;
use shop_model::language::Language;
use store_sound::prompts::{Refused, UploadFailed, convert};

use crate::program::Shop;

/// A WAV file by hound: a tone of 1 kHz in the left channel and its like in the right one.
fn tone(channels: u16, rate: u32, bits: u16, format: SampleFormat, seconds: f64) -> Vec<u8> {
    let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: format };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for at in 0..(seconds * f64::from(rate)) as u32 {
        let sample = 0.5 * (TAU * 1_000.0 * f64::from(at) / f64::from(rate)).sin();
        for _ in 0..channels {
            match format {
                SampleFormat::Float => writer.write_sample(sample as f32).unwrap(),
                SampleFormat::Int => {
                    writer.write_sample((sample * f64::from((1_u32 << (bits - 1)) - 1)).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

/// The part of the sound's power at a pitch.
fn purity(sound: &[i16], pitch: f64) -> f64 {
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (at, sample) in sound.iter().enumerate() {
        let (sample, phase) = (f64::from(*sample), TAU * pitch * at as f64 / 8_000.0);
        re += sample * phase.cos();
        im += sample * phase.sin();
        power += sample * sample;
    }
    2.0 * (re * re + im * im) / (sound.len() as f64 * power)
}

#[test]
fn every_usual_form_becomes_the_same_tone() {
    let forms = [
        (8, SampleFormat::Int),
        (16, SampleFormat::Int),
        (24, SampleFormat::Int),
        (32, SampleFormat::Int),
        (32, SampleFormat::Float),
    ];
    for (bits, format) in forms {
        for (channels, rate) in [(1, 8_000), (2, 8_000), (1, 22_050), (2, 44_100), (1, 48_000), (2, 96_000)] {
            let sound = convert(&tone(channels, rate, bits, format, 0.5)).unwrap();
            let what = format!("{bits} bits {format:?}, {channels} channels, {rate} a second");
            assert!((3_900..=4_100).contains(&sound.len()), "{what}: {}", sound.len());
            assert!(purity(&sound[100..3_800], 1_000.0) > 0.99, "{what}");
            // 0.1 of full scale as root mean square: a peak of 4 634.
            let peak = sound.iter().max().unwrap();
            assert!((4_500..=4_800).contains(peak), "{what}: {peak}");
        }
    }
}

#[test]
fn channels_are_mixed() {
    let spec = WavSpec { channels: 2, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for at in 0..8_000 {
        let sample = (10_000.0 * (TAU * 1_000.0 * f64::from(at) / 8_000.0).sin()) as i16;
        writer.write_sample(sample).unwrap();
        writer.write_sample(-sample).unwrap();
    }
    writer.finalize().unwrap();
    assert_eq!(convert(&file.into_inner()), Err(Refused::Silent), "what is opposite in both is nothing in the middle");
}

/// A file with one field of its format changed: where, and to what.
fn changed(at: usize, value: &[u8]) -> Vec<u8> {
    let mut file = tone(1, 8_000, 16, SampleFormat::Int, 0.1);
    file[at..at + value.len()].copy_from_slice(value);
    file
}

#[test]
fn a_refusal_names_what_is_wrong() {
    let rate = |rate| convert(&tone(1, rate, 16, SampleFormat::Int, 0.1));
    assert_eq!(convert(&[]), Err(Refused::NotWav));
    assert_eq!(convert(b"ID3\x03 an mp3 file"), Err(Refused::NotWav));
    assert_eq!(convert(&tone(3, 8_000, 16, SampleFormat::Int, 0.1)), Err(Refused::Channels(3)));
    assert_eq!(rate(7_999), Err(Refused::Rate(7_999)));
    assert_eq!(rate(96_001), Err(Refused::Rate(96_001)));
    let too_long = Refused::TooLong { seconds: 61, most_s: 60 };
    assert_eq!(convert(&tone(1, 8_000, 16, SampleFormat::Int, 61.0)), Err(too_long));
    assert!(convert(&tone(1, 8_000, 8, SampleFormat::Int, 60.0)).is_ok());
    assert_eq!(convert(&vec![0; 10 * 1024 * 1024 + 1]), Err(Refused::TooBig { octets: 10_485_761 }));
    // Format codes by Microsoft's mmreg.h: 0x11 is IMA ADPCM, 0x55 MP3.
    assert_eq!(convert(&changed(20, &[0x11, 0])), Err(Refused::Coded(0x11)));
    assert_eq!(convert(&changed(34, &[12, 0])), Err(Refused::Bits(12)));
    let whole = tone(1, 8_000, 16, SampleFormat::Int, 0.1);
    assert_eq!(convert(&whole[..whole.len() - 100]), Err(Refused::Damaged("it is cut short")));
    assert_eq!(convert(&whole[..40]), Err(Refused::Damaged("it has no sound")));
    assert_eq!(convert(&whole[..12]), Err(Refused::Damaged("it has no format")));
    let texts = [Refused::Rate(7_999).to_string(), too_long.to_string(), Refused::Coded(0x55).to_string()];
    assert_eq!(texts[0], "7999 samples a second; 8 000 to 96 000 are taken");
    assert_eq!(texts[1], "it lasts 61 s; the most is 60 s");
    assert!(texts[2].contains("PCM"));
}

#[test]
fn other_chunks_and_unknown_lengths_do_not_matter() {
    let whole = tone(1, 8_000, 16, SampleFormat::Int, 0.5);
    let expected = convert(&whole).unwrap();
    // An odd LIST chunk with its filling octet between format and sound.
    let mut listed = whole[..36].to_vec();
    listed.extend_from_slice(b"LIST\x03\0\0\0abc\0");
    listed.extend_from_slice(&whole[36..]);
    assert_eq!(convert(&listed).unwrap(), expected);
    // Lengths as espeak-ng and ffmpeg write them into a pipe.
    for length in [0x7FFF_F000_u32, 0xFFFF_FFFF] {
        let mut piped = whole.clone();
        piped[40..44].copy_from_slice(&length.to_le_bytes());
        assert_eq!(convert(&piped).unwrap(), expected);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        drop(convert(&bytes));
        drop(convert(&[b"RIFF\0\0\0\0WAVE", bytes.as_slice()].concat()));
        drop(convert(&[b"RIFF\0\0\0\0WAVEfmt ", bytes.as_slice()].concat()));
    }

    #[test]
    fn no_change_of_a_good_file_panics(
        changes in prop::collection::vec((0_usize..120, any::<u8>()), 1..6),
        length in 0_usize..400,
        form in prop::sample::select(vec![(1, 8_000, 8), (2, 44_100, 16), (1, 48_000, 24), (2, 96_000, 32)]),
    ) {
        let (channels, rate, bits) = form;
        let mut file = tone(channels, rate, bits, SampleFormat::Int, 0.01);
        for (at, value) in changes {
            if let Some(octet) = file.get_mut(at) {
                *octet = value;
            }
        }
        drop(convert(&file));
        file.truncate(length);
        drop(convert(&file));
    }
}

#[tokio::test]
async fn a_recording_is_kept_played_replaced_and_removed() {
    let shop = Shop::new();
    let speaker = shop.speaker();
    let file = tone(2, 44_100, 16, SampleFormat::Int, 1.0);
    assert!(speaker.upload(Language::Pl, "greeting").await.is_none());
    let lasts = speaker.keep_upload(Language::Pl, "greeting", file.clone()).await.unwrap();
    assert!(lasts.abs_diff(Duration::from_secs(1)) < Duration::from_millis(30), "{lasts:?}");

    // What was levelled and cut once is as loud and as long when it is read again.
    let expected = convert(&file).unwrap();
    let sound = shop.speaker().upload(Language::Pl, "greeting").await.unwrap();
    assert!(sound.len().abs_diff(expected.len()) <= 160, "{} and {}", sound.len(), expected.len());
    assert!(purity(&sound[200..7_800], 1_000.0) > 0.99);
    assert!(speaker.upload(Language::Uk, "greeting").await.is_none(), "each language has its own");

    let refused = speaker.keep_upload(Language::Pl, "greeting", b"no".to_vec()).await;
    assert!(matches!(refused, Err(UploadFailed::Refused(Refused::NotWav))));
    assert!(speaker.upload(Language::Pl, "greeting").await.is_some(), "the earlier one stays");
    speaker.keep_upload(Language::Pl, "greeting", tone(1, 8_000, 16, SampleFormat::Int, 2.0)).await.unwrap();
    assert!(speaker.upload(Language::Pl, "greeting").await.unwrap().len() > 15_000, "the new one is played at once");

    assert!(speaker.remove_upload(Language::Pl, "greeting").await.unwrap());
    assert!(!speaker.remove_upload(Language::Pl, "greeting").await.unwrap());
    assert!(speaker.upload(Language::Pl, "greeting").await.is_none());
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    let shop = Shop::new();
    let speaker = shop.speaker();
    let long = "a".repeat(41);
    for name in ["", "../greeting", "a/b", "A", "a.b", "ż", long.as_str()] {
        let kept = speaker.keep_upload(Language::Pl, name, tone(1, 8_000, 16, SampleFormat::Int, 1.0)).await;
        assert!(matches!(kept, Err(UploadFailed::Name)), "{name:?}");
        assert!(speaker.upload(Language::Pl, name).await.is_none());
    }
}
