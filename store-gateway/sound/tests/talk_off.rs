//! Talk-off: speech is no digit. Five minutes and more of espeak-ng, in three languages, several voices and speeds.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::date;
use shop_model::ids::OrderNumber;
use shop_model::language::Language;
use shop_model::money::{Amount, Currency};
use store_sound::prompts::{Config, Speaker, Voices};
use store_voice::Frame;
use store_voice::dtmf::{Detector, Digit};
use store_voice::frame::SAMPLES;
use store_voice::g711::Law;
use store_voice::say::{Line, Stage, Status};

/// What people say to a shop, besides what the shop says to them.
const POLISH: &str = "Dzień dobry, dzwonię w sprawie zamówienia, które złożyłam w piątek. Czy mogę je odebrać dziś wieczorem, \
    po siódmej? Będę z synem, bo paczka jest ciężka. Proszę powiedzieć, czy jest miejsce do zaparkowania pod sklepem i czy \
    mogę zapłacić kartą. Szukam jeszcze żarówek i przedłużacza, może są na półce obok kasy. Dziękuję, do widzenia.";
const UKRAINIAN: &str = "Добрий день, телефоную щодо замовлення, яке я зробив у п'ятницю. Чи можу я забрати його сьогодні \
    ввечері, після сьомої години? Я приїду з сином, бо пакунок важкий. Скажіть, будь ласка, чи є місце для машини біля \
    магазину і чи можна заплатити карткою. Мені ще потрібні лампочки й подовжувач. Дякую, до побачення.";
const ENGLISH: &str = "Good morning, I am calling about the order that I placed on Friday. Could I pick it up tonight, after \
    seven? My son will be with me, because the parcel is heavy. Is there somewhere to park in front of the shop, and may I \
    pay by card? I am also looking for light bulbs and an extension lead. Six, seven, eight, she sells sea shells. Goodbye.";

/// What the menu says in a language.
fn menu(language: Language) -> Vec<String> {
    let at = date(2_026, 5, 23).at(20, 0, 0, 0);
    let stages = [
        Stage::Inbound,
        Stage::Preparing(Some(at)),
        Stage::Ready(Some(at)),
        Stage::HandedOver,
        Stage::Cancelled,
        Stage::Expired,
    ];
    let status = |(n, stage): (usize, Stage)| {
        let order = OrderNumber::parse(["A-1042", "77315", "B-2068"][n % 3]).unwrap();
        Line::Status(Status { order, stage, due: Some(Amount(12_990).of(Currency::PLN)) })
    };
    let lines = [
        Line::Greeting,
        Line::Menu,
        Line::Found(3),
        Line::MoreWithStaff,
        Line::AskCode,
        Line::WrongCode,
        Line::NoMoreTries,
        Line::NotNow,
        Line::NotUnderstood,
        Line::Connecting,
        Line::Nobody,
        Line::Goodbye,
    ];
    let all = lines.into_iter().chain(stages.into_iter().enumerate().map(status));
    all.map(|line| line.text(language, "Elektro")).collect()
}

#[tokio::test]
async fn five_minutes_of_speech_hold_no_digit() {
    let there = Command::new("espeak-ng").arg("--version").stdout(Stdio::null()).status();
    assert!(there.is_ok_and(|s| s.success()), "espeak-ng is missing: apt-get install espeak-ng (or ./dev setup)");
    let mut seconds = 0.0;
    let mut found = Vec::new();
    let mut spent = Duration::ZERO;
    for (voice, speed) in [("", 150), ("+f2", 140), ("+m3", 190)] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("spoken"), folder.path().join("uploads"));
        config.voices = Voices { pl: format!("pl{voice}"), uk: format!("uk{voice}"), en: format!("en-gb{voice}") };
        (config.speed, config.timeout) = (speed, Duration::from_secs(60));
        let speaker = Speaker::new(config);
        for (language, talk) in [(Language::Pl, POLISH), (Language::Uk, UKRAINIAN), (Language::En, ENGLISH)] {
            // The shop has one voice; its customers have others.
            let mut texts = if voice.is_empty() { menu(language) } else { Vec::new() };
            texts.push(talk.to_owned());
            for (text, sound) in texts.iter().zip(speaker.lines(language, &texts).await) {
                let sound = sound.unwrap();
                seconds += sound.len() as f64 / 8_000.0;
                let began = Instant::now();
                for (form, digits) in heard(&sound) {
                    found.extend((!digits.is_empty()).then(|| format!("{digits} ({form}) in {voice:?} {text:?}")));
                }
                spent += began.elapsed();
            }
        }
    }
    println!(
        "{seconds:.0} s of speech, heard twice; the detector took {:.2} ms for each second of sound",
        spent.as_secs_f64() * 500.0 / seconds
    );
    assert!(seconds >= 300.0, "only {seconds} s");
    assert!(found.is_empty(), "{found:#?}");
}

/// The digits that a detector hears, in sound as it is and after A-law at full loudness.
fn heard(sound: &[i16]) -> [(&'static str, String); 2] {
    let peak = sound.iter().map(|s| i32::from(s.unsigned_abs())).max().unwrap_or(1).max(1);
    let coded = sound.iter().map(|s| {
        let loud = (i32::from(*s) * 32_000 / peak) as i16;
        Law::A.decode(Law::A.encode(loud))
    });
    [("plain", sound.to_vec()), ("loud A-law", coded.collect())].map(|(form, samples)| {
        let mut detector = Detector::default();
        let frames = samples.chunks(SAMPLES).map(Frame::from_samples);
        (form, frames.filter_map(|frame| detector.handle_frame(&frame)).map(Digit::sign).collect())
    })
}
