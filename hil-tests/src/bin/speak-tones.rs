//! A speech program for tests, called as espeak-ng is: each text becomes a tone of its own, so that a test can tell by ear
//! what was said. Where a `--log FILE` stands in `SPEAK_TONES_LOG`, texts are written there too.

use std::f64::consts::TAU;
use std::io::{Read as _, Write as _};

use anyhow::{Context, Result};

/// Samples a second, as espeak-ng writes them.
const RATE: u32 = 22_050;
/// What is said, by a word that stands in it, the tone in hertz and how long it lasts in ms.
const SAYINGS: [(&str, f64, u32); 8] = [
    ("Zamówienie numer", 1_000.0, 1_500),
    ("order number", 1_000.0, 1_500),
    ("Замовлення номер", 1_000.0, 1_500),
    ("naciśnij", 700.0, 900),
    ("натисніть", 700.0, 900),
    ("press one", 700.0, 900),
    ("Łączymy", 800.0, 400),
    ("Nikt nie", 550.0, 600),
];
/// Anything else.
const OTHER: (f64, u32) = (450.0, 300);

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--version") {
        println!("speak-tones 1.0");
        return Ok(());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the text")?;
    if let Some(path) = std::env::var_os("SPEAK_TONES_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(log, "{}", text.trim())?;
    }
    let saying = SAYINGS.iter().find(|(word, ..)| text.contains(word));
    let (hertz, ms) = saying.map_or(OTHER, |(_, hertz, ms)| (*hertz, *ms));
    std::io::stdout().write_all(&wav(hertz, ms)).context("writing the sound")
}

/// A RIFF file of 16-bit samples.
fn wav(hertz: f64, ms: u32) -> Vec<u8> {
    let samples = RATE * ms / 1_000;
    let octets = samples * 2;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + octets).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(octets.to_le_bytes());
    for n in 0..samples {
        let sample = (f64::from(n) * hertz * TAU / f64::from(RATE)).sin() * 9_000.0;
        file.extend((sample as i16).to_le_bytes());
    }
    file
}
