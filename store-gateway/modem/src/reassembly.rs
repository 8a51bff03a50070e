//! Long messages from their parts, in any order, and the key by which a repeated message is known. The parts stand in
//! the shell's database; these are plain functions over them.

use std::collections::BTreeMap;

use crate::Private;
use crate::pdu::{Deliver, Encoding, text_of};

/// What the parts of one long message have in common. Service centre times differ between parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConcatKey {
    /// Who sent it.
    pub sender: Private<String>,
    /// The sender's reference.
    pub reference: u16,
    /// How many parts.
    pub total: u8,
}

/// One part as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub part: u8,
    /// Alphabet of the payload.
    pub encoding: Encoding,
    /// User data without header (see [`crate::pdu::UserData::payload`]).
    pub payload: Private<Vec<u8>>,
}

/// The key and part of a message, `None` when it is whole by itself.
pub fn part_of(message: &Deliver) -> Option<(ConcatKey, Part)> {
    let concat = message.data.concat.filter(|concat| concat.parts > 1)?;
    let key = ConcatKey { sender: message.sender.number.clone(), reference: concat.reference, total: concat.parts };
    let part = Part { part: concat.part, encoding: message.data.encoding, payload: message.data.payload.clone() };
    Some((key, part))
}

/// The complete text when every part from 1 to `total` is there. The first of repeated parts counts. Neighbours of one
/// alphabet are joined before decoding, since other senders split escape pairs and surrogates.
pub fn assemble(total: u8, parts: &[Part]) -> Option<Private<String>> {
    let mut by_number: BTreeMap<u8, &Part> = BTreeMap::new();
    for part in parts.iter().filter(|p| (1..=total).contains(&p.part)) {
        by_number.entry(part.part).or_insert(part);
    }
    if by_number.len() != usize::from(total) || total == 0 {
        return None;
    }
    Some(Private(joined(by_number.values().copied())))
}

/// The text of what is there when the rest never came: each gap is shown as "[…]".
pub fn assemble_incomplete(total: u8, parts: &[Part]) -> Private<String> {
    let mut text = String::new();
    let mut run: Vec<&Part> = Vec::new();
    for number in 1..=total {
        match parts.iter().find(|p| p.part == number) {
            Some(part) => run.push(part),
            None => {
                text.push_str(&joined(run.drain(..)));
                if !text.ends_with("[…]") {
                    text.push_str("[…]");
                }
            }
        }
    }
    text.push_str(&joined(run.drain(..)));
    Private(text)
}

fn joined<'a>(parts: impl Iterator<Item = &'a Part>) -> String {
    let mut text = String::new();
    let mut run: Option<(Encoding, Vec<u8>)> = None;
    for part in parts {
        match &mut run {
            Some((encoding, payload)) if *encoding == part.encoding => payload.extend_from_slice(&part.payload),
            _ => {
                if let Some((encoding, payload)) = run.take() {
                    text.push_str(&text_of(encoding, &payload));
                }
                run = Some((part.encoding, part.payload.to_vec()));
            }
        }
    }
    if let Some((encoding, payload)) = run {
        text.push_str(&text_of(encoding, &payload));
    }
    text
}

/// By which a message that comes twice (after a restart, or when the network repeats it) is known: service centre
/// time, sender and content with its part number, as 32 hexadecimal digits of a 128-bit FNV-1a hash, so that the key holds
/// nobody's number. Stable over releases.
pub fn dedup_key(message: &Deliver) -> String {
    let mut hash = Fnv::default();
    hash.field(&message.scts.to_be_bytes());
    hash.field(message.sender.number.as_bytes());
    hash.field(message.data.encoding.as_str().as_bytes());
    let concat = message.data.concat.map_or([0; 4], |c| {
        let [high, low] = c.reference.to_be_bytes();
        [high, low, c.parts, c.part]
    });
    hash.field(&concat);
    hash.field(&message.data.payload);
    format!("{:032x}", hash.0)
}

/// FNV-1a with 128 bits (draft-eastlake-fnv).
struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x6C62_272E_07BB_0142_62B8_2175_6295_C58D)
    }
}

impl Fnv {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;

    /// Takes one field with its length, so that neighbouring fields can't flow into each other.
    fn field(&mut self, octets: &[u8]) {
        let length = octets.len() as u64;
        for octet in length.to_be_bytes().iter().chain(octets) {
            self.0 = (self.0 ^ u128::from(*octet)).wrapping_mul(Self::PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(number: u8, encoding: Encoding, payload: &[u8]) -> Part {
        Part { part: number, encoding, payload: Private(payload.to_vec()) }
    }

    #[test]
    fn pairs_split_by_other_senders_are_mended() {
        // Escape 0x1B with 0x65 is the euro sign; D83D DE42 is U+1F642.
        let septets = [part(2, Encoding::Gsm7, &[0x65]), part(1, Encoding::Gsm7, &[0x41, 0x1B])];
        assert_eq!(assemble(2, &septets).unwrap().as_str(), "A€");
        let units = [part(1, Encoding::Ucs2, &[0xD8, 0x3D]), part(2, Encoding::Ucs2, &[0xDE, 0x42])];
        assert_eq!(assemble(2, &units).unwrap().as_str(), "🙂");
    }

    #[test]
    fn parts_of_different_alphabets_are_joined_as_text() {
        let parts = [part(1, Encoding::Gsm7, &[0x41]), part(2, Encoding::Ucs2, &[0x01, 0x7C])];
        assert_eq!(assemble(2, &parts).unwrap().as_str(), "Aż");
    }

    #[test]
    fn nothing_is_complete_with_a_part_missing() {
        let parts = [part(1, Encoding::Gsm7, b"A"), part(3, Encoding::Gsm7, b"C"), part(3, Encoding::Gsm7, b"X")];
        assert_eq!(assemble(3, &parts), None);
        assert_eq!(assemble_incomplete(3, &parts).as_str(), "A[…]C");
        assert_eq!(assemble(0, &[]), None);
    }

    #[test]
    fn fnv_agrees_with_its_published_vector() {
        // FNV-1a 128 of "a" from the draft's test program.
        let mut hash = Fnv::default();
        hash.0 = (hash.0 ^ u128::from(b'a')).wrapping_mul(Fnv::PRIME);
        assert_eq!(hash.0, 0xD228_CB69_6F1A_8CAF_7891_2B70_4E4A_8964);
    }

    proptest! {
        #[test]
        fn order_and_repeats_do_not_matter(
            order in Just((1_u8..=5).chain(1..=5).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let parts: Vec<Part> = order.iter().map(|&n| part(n, Encoding::Gsm7, &[0x40 + n])).collect();
            let whole = assemble(5, &parts).unwrap();
            prop_assert_eq!(whole.as_str(), "ABCDE");
        }
    }
}
