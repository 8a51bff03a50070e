//! Prints the digits in sound from standard input (16 bits, little endian, 8 kHz, one channel), each with its time: to
//! hold the detector against speech and against other detectors.
//!
//! `sox speech.wav -t s16 -r 8000 -c 1 - | cargo run -p store-voice --example digits`

use std::io::Read;

use store_voice::Frame;
use store_voice::dtmf::Detector;

fn main() -> std::io::Result<()> {
    let mut octets = Vec::new();
    std::io::stdin().read_to_end(&mut octets)?;
    let samples: Vec<i16> = octets.chunks_exact(2).map(|o| i16::from_le_bytes([o[0], o[1]])).collect();
    let mut detector = Detector::default();
    for (tick, frame) in samples.chunks(160).enumerate() {
        if let Some(digit) = detector.handle_frame(&Frame::from_samples(frame)) {
            println!("{:.2} s: {}", tick as f64 / 50.0, digit.sign());
        }
    }
    println!("{:.0} s heard", samples.len() as f64 / 8_000.0);
    Ok(())
}
