//! Splitting of a text into the parts of a long message.

use super::Encoding;
use super::gsm7;
use crate::Private;

/// The most parts that a concatenation header can number (3GPP TS 23.040 §9.2.3.24.1).
pub const MAX_PARTS: u8 = 255;

/// Which alphabet to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodingChoice {
    /// GSM 7 bit when it has every character, else UCS-2.
    #[default]
    Auto,
    /// This one, or an error when it lacks a character.
    Only(Encoding),
}

/// A text cut into parts. Joined, the parts are the text again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The alphabet of every part.
    pub encoding: Encoding,
    /// At least one part.
    pub parts: Vec<Segment>,
}

impl Segments {
    /// Units that the last part can still take before a further part is needed.
    pub fn units_left(&self) -> usize {
        let last = self.parts.last().map_or(0, |p| p.units);
        if self.parts.len() == 1 { self.encoding.single_units() - last } else { self.encoding.part_units() - last }
    }

    /// Units of the whole text.
    pub fn units(&self) -> usize {
        self.parts.iter().map(|p| p.units).sum()
    }
}

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its characters.
    pub text: Private<String>,
    /// Its length: septets, UTF-16 code units or octets.
    pub units: usize,
}

/// Why a text can't be cut into parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// The template's or the protocol's limit is passed.
    #[error("the text needs {parts} parts and {limit} are allowed")]
    TooManyParts {
        /// How many it needs.
        parts: usize,
        /// How many the caller allows.
        limit: u8,
    },
    /// The chosen alphabet lacks a character.
    #[error("character {position} of the text is not in the {} alphabet", encoding.as_str())]
    NotInAlphabet {
        /// Its position, from 1, in characters.
        position: usize,
        /// The chosen alphabet.
        encoding: Encoding,
    },
}

/// How many units a character takes in an alphabet, `None` when it is not in it.
fn units_of(c: char, encoding: Encoding) -> Option<usize> {
    match encoding {
        Encoding::Gsm7 => gsm7::septets_of(c).map(|(escape, _)| 1 + usize::from(escape.is_some())),
        Encoding::Ucs2 => Some(c.len_utf16()),
        Encoding::EightBit => (u32::from(c) < 0x100).then_some(1),
    }
}

/// Cuts a text into parts of at most 160 septets, 70 code units or 140 octets, or of 153, 67 or 134 when there are
/// several (TS 23.040 §9.2.3.24.1, 8-bit reference). An escape and its character, or the two halves of a surrogate
/// pair, are never put into different parts.
///
/// # Errors
/// When more than `max_parts` are needed, or the chosen alphabet lacks a character.
pub fn segment(text: &str, choice: EncodingChoice, max_parts: u8) -> Result<Segments, SegmentError> {
    let encoding = match choice {
        EncodingChoice::Only(encoding) => encoding,
        EncodingChoice::Auto if text.chars().all(gsm7::is_gsm7) => Encoding::Gsm7,
        EncodingChoice::Auto => Encoding::Ucs2,
    };
    let mut total = 0;
    for (i, c) in text.chars().enumerate() {
        total += units_of(c, encoding).ok_or(SegmentError::NotInAlphabet { position: i + 1, encoding })?;
    }
    if total <= encoding.single_units() {
        let only = Segment { text: text.into(), units: total };
        return Ok(Segments { encoding, parts: vec![only] });
    }
    let parts = cut(text, encoding);
    if parts.len() > usize::from(max_parts) {
        return Err(SegmentError::TooManyParts { parts: parts.len(), limit: max_parts });
    }
    Ok(Segments { encoding, parts })
}

fn cut(text: &str, encoding: Encoding) -> Vec<Segment> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut units = 0;
    for c in text.chars() {
        let more = units_of(c, encoding).unwrap_or(0);
        if units + more > encoding.part_units() {
            parts.push(Segment { text: Private(std::mem::take(&mut part)), units });
            units = 0;
        }
        part.push(c);
        units += more;
    }
    parts.push(Segment { text: Private(part), units });
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> Vec<usize> {
        segment(text, EncodingChoice::Auto, MAX_PARTS).unwrap().parts.iter().map(|p| p.units).collect()
    }

    #[test]
    fn limits_of_the_standard() {
        assert_eq!(units(&"a".repeat(160)), [160]);
        assert_eq!(units(&"a".repeat(161)), [153, 8]);
        assert_eq!(units(&"ż".repeat(70)), [70]);
        assert_eq!(units(&"ż".repeat(71)), [67, 4]);
        assert_eq!(units(""), [0]);
    }

    #[test]
    fn an_escape_pair_is_never_split() {
        assert_eq!(units(&format!("{}€{}", "a".repeat(152), "b".repeat(20))), [152, 22]);
    }

    #[test]
    fn a_surrogate_pair_is_never_split() {
        assert_eq!(units(&format!("{}🙂{}", "ż".repeat(66), "ż".repeat(20))), [66, 22]);
    }

    #[test]
    fn refuses_what_passes_the_limit_and_counts_what_is_left() {
        let long = "a".repeat(460);
        let refused = segment(&long, EncodingChoice::Auto, 3).unwrap_err();
        assert_eq!(refused, SegmentError::TooManyParts { parts: 4, limit: 3 });
        assert_eq!(segment("abc", EncodingChoice::Auto, 1).unwrap().units_left(), 157);
        assert_eq!(
            segment("aą", EncodingChoice::Only(Encoding::Gsm7), 1).unwrap_err(),
            SegmentError::NotInAlphabet { position: 2, encoding: Encoding::Gsm7 }
        );
    }

    proptest! {
        #[test]
        fn parts_joined_are_the_text(text in "[a-z€{ąż🙂\u{10FFFF}]{0,400}") {
            let cut = segment(&text, EncodingChoice::Auto, MAX_PARTS).unwrap();
            let joined: String = cut.parts.iter().map(|p| p.text.as_str()).collect();
            prop_assert_eq!(joined, text);
            let limit = if cut.parts.len() == 1 { cut.encoding.single_units() } else { cut.encoding.part_units() };
            prop_assert!(cut.parts.iter().all(|p| p.units <= limit));
        }
    }
}
