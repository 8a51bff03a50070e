//! Reads WAV files that others wrote, and writes ours (Microsoft's RIFF WAVE, with WAVE_FORMAT_EXTENSIBLE).

use crate::prompts::Refused;
use crate::resample::RATES;

/// Codes of the formats that are taken.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;
/// A length that a program writes when it does not know it yet, as espeak-ng and ffmpeg do into a pipe.
const UNKNOWN_LENGTH: u32 = 0x7FFF_0000;
/// Samples louder than full scale occur in floating point; beyond this they are nonsense.
const MOST_FLOAT: f32 = 8.0;

/// Sound of one channel.
pub(crate) struct Recording {
    /// Samples a second.
    pub(crate) rate: u32,
    /// The samples, ±1.
    pub(crate) samples: Vec<f32>,
}

/// What the `fmt ` chunk says.
struct Format {
    code: u16,
    channels: u16,
    rate: u32,
    /// Octets of one channel's sample.
    octets: usize,
}

/// Reads a file of up to `most_s` seconds; two channels are mixed.
pub(crate) fn read(file: &[u8], most_s: u32) -> Result<Recording, Refused> {
    let body = match file.split_at_checked(12) {
        Some((head, body)) if head.starts_with(b"RIFF") && head.ends_with(b"WAVE") => body,
        _ => return Err(Refused::NotWav),
    };
    let (format, data) = chunks(body)?;
    let whole = format.octets * usize::from(format.channels);
    let count = data.len() / whole;
    if count as u64 > u64::from(most_s) * u64::from(format.rate) {
        return Err(Refused::TooLong { seconds: count as u64 / u64::from(format.rate), most_s });
    }
    let scale = 1.0 / f32::from(format.channels);
    let samples = data
        .chunks_exact(whole)
        .map(|all| all.chunks_exact(format.octets).map(|one| sample(format.code, one)).sum::<f32>() * scale)
        .collect();
    Ok(Recording { rate: format.rate, samples })
}

/// Finds the format and the sound.
fn chunks(mut rest: &[u8]) -> Result<(Format, &[u8]), Refused> {
    let mut format = None;
    loop {
        let Some((head, body)) = rest.split_at_checked(8) else {
            return Err(Refused::Damaged(if format.is_some() { "it has no sound" } else { "it has no format" }));
        };
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let there = body.len().min(length as usize);
        match &head[..4] {
            b"fmt " => format = Some(read_format(&body[..there])?),
            b"data" => {
                let format = format.ok_or(Refused::Damaged("its sound comes before its format"))?;
                if there < length as usize && length < UNKNOWN_LENGTH {
                    return Err(Refused::Damaged("it is cut short"));
                }
                return Ok((format, &body[..there]));
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = body.get(there + there % 2..).unwrap_or_default();
    }
}

fn read_format(chunk: &[u8]) -> Result<Format, Refused> {
    let word = |at: usize| chunk.get(at..at + 2).map(|o| u16::from_le_bytes([o[0], o[1]]));
    let (Some(mut code), Some(channels), Some(low), Some(high), Some(block), Some(bits)) =
        (word(0), word(2), word(4), word(6), word(12), word(14))
    else {
        return Err(Refused::Damaged("its format is too short"));
    };
    if code == EXTENSIBLE {
        code = word(24).ok_or(Refused::Damaged("its format is too short"))?;
    }
    let rate = u32::from(low) | u32::from(high) << 16;
    if code != PCM && code != FLOAT {
        return Err(Refused::Coded(code));
    }
    if !(1..=2).contains(&channels) {
        return Err(Refused::Channels(channels));
    }
    if !RATES.contains(&rate) {
        return Err(Refused::Rate(rate));
    }
    let taken = if code == FLOAT { bits == 32 } else { matches!(bits, 8 | 16 | 24 | 32) };
    if !taken {
        return Err(Refused::Bits(bits));
    }
    // 24 bits may come in four octets; they are the upper ones then.
    let octets = usize::from(block / channels);
    if block % channels != 0 || octets > 4 || octets * 8 < usize::from(bits) || (code == FLOAT && octets != 4) {
        return Err(Refused::Damaged("its format contradicts itself"));
    }
    Ok(Format { code, channels, rate, octets })
}

/// One sample of one channel, ±1.
fn sample(code: u16, octets: &[u8]) -> f32 {
    match (code, octets) {
        (FLOAT, &[a, b, c, d]) => {
            let value = f32::from_le_bytes([a, b, c, d]);
            if value.is_finite() { value.clamp(-MOST_FLOAT, MOST_FLOAT) } else { 0.0 }
        }
        // Eight bits have no sign (128 is silence), wider ones have.
        (_, &[a]) => (f32::from(a) - 128.0) / 128.0,
        (_, &[a, b]) => scaled([0, 0, a, b]),
        (_, &[a, b, c]) => scaled([0, a, b, c]),
        (_, &[a, b, c, d]) => scaled([a, b, c, d]),
        _ => 0.0,
    }
}

fn scaled(octets: [u8; 4]) -> f32 {
    (f64::from(i32::from_le_bytes(octets)) / f64::from(1_u32 << 31)) as f32
}

/// A file of one channel, 16 bits.
pub(crate) fn write(rate: u32, samples: &[i16]) -> Vec<u8> {
    let length = (samples.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    file
}
