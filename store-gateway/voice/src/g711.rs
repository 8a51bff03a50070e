//! ITU-T G.711: A-law and µ-law, one octet a sample.
//!
//! Agrees octet for octet with Python's audioop on every one of the 65 536 samples (`tests/vectors/g711.tsv`).

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A-law, Europe: RTP payload type 8, `PCMA`.
    A,
    /// µ-law, America and Japan: RTP payload type 0, `PCMU`.
    Mu,
}

impl Law {
    /// The octet of a sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => a_encode(sample),
            Self::Mu => mu_encode(sample),
        }
    }

    /// The sample of an octet.
    pub const fn decode(self, octet: u8) -> i16 {
        match self {
            Self::A => a_decode(octet),
            Self::Mu => mu_decode(octet),
        }
    }

    /// The octet of digital silence.
    pub const fn silence(self) -> u8 {
        self.encode(0)
    }

    /// Encodes samples behind what `out` holds.
    pub fn encode_into(self, samples: &[i16], out: &mut Vec<u8>) {
        out.extend(samples.iter().map(|s| self.encode(*s)));
    }
}

/// 13 bits in eight segments; each octet's even bits are inverted (G.711 table 1a).
const fn a_encode(sample: i16) -> u8 {
    let negative = sample < 0;
    let mut magnitude = (if negative { !sample } else { sample }) >> 4;
    if magnitude > 15 {
        let mut exponent = 1;
        while magnitude > 31 {
            magnitude >>= 1;
            exponent += 1;
        }
        magnitude = magnitude - 16 + (exponent << 4);
    }
    let sign = if negative { 0 } else { 0x80 };
    (magnitude as u8 | sign) ^ 0x55
}

const fn a_decode(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let exponent = (code >> 4) & 7;
    let mantissa = ((code & 0x0F) as i16) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Lifts every value so that the segments' ends fall on powers of two.
const MU_BIAS: i16 = 33;
/// The largest magnitude before the bias that stays in the eighth segment (G.711 table 2a).
const MU_CLIP: i16 = 8_158;

/// 14 bits in eight segments; all bits inverted.
const fn mu_encode(sample: i16) -> u8 {
    let value = sample >> 2;
    let negative = value < 0;
    let magnitude = if negative { -value } else { value };
    let magnitude = (if magnitude > MU_CLIP { MU_CLIP } else { magnitude }) + MU_BIAS;
    let exponent = (magnitude >> 5).ilog2();
    let mantissa = (magnitude >> (exponent + 1)) & 0x0F;
    let sign = if negative { 0x80 } else { 0 };
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

const fn mu_decode(octet: u8) -> i16 {
    let code = !octet;
    let exponent = (code >> 4) & 7;
    let magnitude = ((((code & 0x0F) as i16) << 3) + 4 * MU_BIAS) << exponent;
    if code & 0x80 == 0 { magnitude - 4 * MU_BIAS } else { 4 * MU_BIAS - magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The peer's table, made by `tests/vectors/make.py`.
    const PEER: &str = include_str!("../tests/vectors/g711.tsv");

    #[test]
    fn every_octet_and_every_sample_agree_with_the_peer() {
        let mut samples = 0_u32;
        for line in PEER.lines() {
            let field: Vec<&str> = line.split('\t').collect();
            let law = if field[0] == "a" { Law::A } else { Law::Mu };
            let octet: u8 = field[1].parse().unwrap();
            assert_eq!(law.decode(octet), field[2].parse().unwrap(), "{line}");
            if field[3] == "-" {
                continue;
            }
            let (low, high): (i16, i16) = (field[3].parse().unwrap(), field[4].parse().unwrap());
            for sample in low..=high {
                assert_eq!(law.encode(sample), octet, "sample {sample} in {law:?}");
                samples += 1;
            }
        }
        assert_eq!(samples, 2 * 65_536);
    }

    #[test]
    fn silence_and_the_ends_are_the_standard_s_octets() {
        // G.711 tables 1a and 2a with the inversions of their notes.
        assert_eq!((Law::A.silence(), Law::Mu.silence()), (0xD5, 0xFF));
        assert_eq!((Law::A.encode(i16::MAX), Law::A.encode(i16::MIN)), (0xAA, 0x2A));
        assert_eq!((Law::Mu.encode(i16::MAX), Law::Mu.encode(i16::MIN)), (0x80, 0x00));
    }
}
