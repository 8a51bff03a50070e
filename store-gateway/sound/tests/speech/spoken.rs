//! What is spoken, kept and found again.

use std::fs;

use program::{Shop, until};
use shop_model::language::Language;

use crate::program;

const POLISH: &str = "Dzień dobry, zamówienie jest gotowe do odbioru.";
const UKRAINIAN: &str = "Добрий день, замовлення готове до видачі.";
const ENGLISH: &str = "Good day, your order is ready to be collected.";

/// Runs the real program.
const REAL: &str = "espeak-ng \"$@\"";

#[tokio::test]
async fn each_language_is_spoken_for_as_long_as_its_words_take_and_as_loud() {
    let shop = Shop::new();
    let speaker = shop.speaker();
    for (language, text) in [(Language::Pl, POLISH), (Language::Uk, UKRAINIAN), (Language::En, ENGLISH)] {
        let sound = speaker.sound(language, text).await.unwrap();
        // Six to nine words at 150 a minute are 2.4 to 3.6 s; words differ in length.
        let seconds = sound.len() as f64 / 8_000.0;
        assert!((1.8..4.5).contains(&seconds), "{language:?}: {seconds} s");
        let power = sound.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / sound.len() as f64;
        let level = 20.0 * (power.sqrt() / 32_768.0).log10();
        assert!((-24.0..-19.0).contains(&level), "{language:?}: {level} dB of full scale");
        let peak = sound.iter().map(|s| s.unsigned_abs()).max().unwrap();
        assert!(peak <= 27_525, "{language:?}: a peak of {peak} is above −1.5 dB");
        assert!(sound[..80].iter().all(|s| s.abs() < 1_000), "it begins with a little silence");
    }
}

#[tokio::test]
async fn a_text_is_spoken_once_whoever_asks_and_is_never_on_the_command_line() {
    let shop = Shop::with_script(REAL);
    let first = shop.speaker();
    let spoken = first.sound(Language::Pl, POLISH).await.unwrap();
    assert_eq!(first.sound(Language::Pl, POLISH).await.unwrap(), spoken);
    assert_eq!(shop.starts(), 1, "the second time it came from memory");
    shop.kept(1).await;
    assert_eq!(shop.speaker().sound(Language::Pl, POLISH).await.unwrap(), spoken);
    assert_eq!(shop.starts(), 1, "another speaker found it on disk");
    assert_eq!(shop.log(), ["in -v pl -s 150 -b 1 --stdin --stdout"]);

    let names: Vec<_> = shop.kept(1).await.iter().map(|p| p.file_name().unwrap().to_owned()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().contains("zam")), "{names:?}");
}

#[tokio::test]
async fn another_voice_speed_or_language_is_another_sound() {
    let mut shop = Shop::with_script(REAL);
    shop.speaker().sound(Language::En, ENGLISH).await.unwrap();
    shop.speaker().sound(Language::Pl, ENGLISH).await.unwrap();
    shop.kept(2).await;
    shop.config.speed = 130;
    let slow = shop.speaker().sound(Language::En, ENGLISH).await.unwrap();
    shop.kept(3).await;
    shop.config.voices.en = "en-us".to_owned();
    let american = shop.speaker().sound(Language::En, ENGLISH).await.unwrap();
    assert!(slow != american);
    assert_eq!(shop.starts(), 4);
    shop.kept(4).await;
}

#[tokio::test]
async fn a_damaged_file_is_made_anew() {
    let shop = Shop::with_script(REAL);
    let spoken = shop.speaker().sound(Language::Uk, UKRAINIAN).await.unwrap();
    let file = &shop.kept(1).await[0];
    let good = fs::read(file).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0x40;
    fs::write(file, &bad).unwrap();
    assert_eq!(shop.speaker().sound(Language::Uk, UKRAINIAN).await.unwrap(), spoken);
    assert_eq!(shop.starts(), 2);
    until("the file is whole again", || fs::read(file).is_ok_and(|now| now == good)).await;
}

#[tokio::test]
async fn what_was_spoken_stays_when_the_program_is_gone() {
    let mut shop = Shop::new();
    let spoken = shop.speaker().sound(Language::Pl, POLISH).await.unwrap();
    shop.kept(1).await;
    shop.config.espeak = shop.path("gone");
    let speaker = shop.speaker();
    assert!(speaker.sound(Language::Pl, UKRAINIAN).await.is_err());
    assert_eq!(speaker.sound(Language::Pl, POLISH).await.unwrap(), spoken);
}

#[tokio::test]
async fn no_folder_to_keep_sound_in_costs_only_time() {
    let mut shop = Shop::with_script(REAL);
    fs::write(shop.path("a-file"), "").unwrap();
    shop.config.cache = shop.path("a-file");
    let speaker = shop.speaker();
    speaker.sound(Language::Pl, POLISH).await.unwrap();
    speaker.sound(Language::Pl, POLISH).await.unwrap();
    assert_eq!(shop.starts(), 1, "memory is still there");
}

#[tokio::test]
async fn lines_come_in_their_order_and_one_that_fails_stands_alone() {
    let shop = Shop::with_script(REAL);
    let speaker = shop.speaker();
    let texts: Vec<String> = (1..=8).map(|n| format!("number {n}")).chain(["...".to_owned()]).collect();
    let sounds = speaker.lines(Language::En, &texts).await;
    assert_eq!(sounds.len(), 9);
    for (text, sound) in texts.iter().zip(&sounds).take(8) {
        assert_eq!(sound.as_ref().unwrap(), &speaker.sound(Language::En, text).await.unwrap());
    }
    assert!(sounds[8].is_err(), "nothing to hear in three dots: {:?}", sounds[8].as_ref().map(|s| s.len()));
    assert_eq!(shop.starts(), 9);
}

#[tokio::test]
async fn two_programs_run_at_once_and_no_more() {
    // Each waits until two have begun, so that they overlap; the number of those that run is noted at every begin.
    let shop = Shop::with_script(
        "while [ \"$(grep -c '^in' log)\" -lt 2 ]; do sleep 0.01; done\nespeak-ng \"$@\"\ncode=$?\necho out >> log\nexit $code",
    );
    let speaker = shop.speaker();
    let texts: Vec<String> = (1..=6).map(|n| format!("number {n}")).collect();
    assert!(speaker.lines(Language::En, &texts).await.iter().all(Result::is_ok));
    let (mut running, mut most) = (0_i32, 0);
    for line in shop.log() {
        running += if line == "out" { -1 } else { 1 };
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 2));
}

#[tokio::test]
async fn the_doctor_hears_each_voice_and_says_the_version() {
    let mut shop = Shop::new();
    let version = shop.speaker().check().await.unwrap();
    assert!(version.contains("eSpeak NG"), "{version}");
    shop.config.voices.uk = "zz".to_owned();
    assert!(shop.speaker().check().await.is_err());
}
