//! The one-time code that enrols a till: 24 characters in six groups, typed or pasted once.
//!
//! It holds the first 80 bits of the SHA-256 of the gateway's certificate and 40 bits of secret. The till compares the
//! first part before it says anything, so that nobody in the shop's network can stand between; the gateway compares the
//! second, once, within minutes, and locks after a few wrong ones.
//!
//! The alphabet is Crockford's base 32 (no I, L, O, U); reading takes small letters, `O` for 0, `I` and `L` for 1, and
//! leaves out blanks and hyphens.

use std::fmt;
use std::str::FromStr;

/// Octets of the certificate's digest in a code.
const PIN: usize = 10;
/// Octets of the secret in a code.
const SECRET: usize = 5;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code. Its secret is shown by [`fmt::Display`] only, never by [`fmt::Debug`].
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    pin: [u8; PIN],
    secret: [u8; SECRET],
}

/// Why a text is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character outside the alphabet.
    #[error("character {at} of the code ({character:?}) is none of its alphabet")]
    Character {
        /// Counted from 1, blanks and hyphens left out.
        at: usize,
        /// The character.
        character: char,
    },
    /// Not 24 characters.
    #[error("the code has {0} characters; it must have 24")]
    Length(usize),
}

impl Code {
    /// A code for the gateway whose certificate has this SHA-256.
    pub fn new(certificate: &[u8; 32], secret: [u8; SECRET]) -> Self {
        let mut pin = [0; PIN];
        pin.copy_from_slice(&certificate[..PIN]);
        Self { pin, secret }
    }

    /// Whether a certificate with this SHA-256 is the gateway's.
    pub fn is_of(&self, certificate: &[u8; 32]) -> bool {
        certificate[..PIN] == self.pin
    }

    /// The secret in letters, as [`crate::FromTill::Enrol`] has it.
    pub fn secret(&self) -> String {
        letters(&self.secret)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = letters(&[&self.pin[..], &self.secret].concat());
        for (at, character) in all.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({}…)", letters(&self.pin))
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut values = Vec::with_capacity((PIN + SECRET) * 8 / 5);
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let value = value_of(character).ok_or(CodeError::Character { at: values.len() + 1, character })?;
            values.push(value);
            if values.len() > 64 {
                return Err(CodeError::Length(text.chars().count()));
            }
        }
        if values.len() * 5 != (PIN + SECRET) * 8 {
            return Err(CodeError::Length(values.len()));
        }
        let octets: Vec<u8> = values.chunks_exact(8).flat_map(octets).collect();
        let (mut pin, mut secret) = ([0; PIN], [0; SECRET]);
        pin.copy_from_slice(&octets[..PIN]);
        secret.copy_from_slice(&octets[PIN..]);
        Ok(Self { pin, secret })
    }
}

/// Five octets as eight letters, as often as there are.
fn letters(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 8 / 5);
    for group in octets.chunks(5) {
        let number = group.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        for at in (0..8).rev() {
            let index = usize::try_from(number >> (at * 5) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET[index]));
        }
    }
    text
}

fn octets(values: &[u8]) -> [u8; 5] {
    let number = values.iter().fold(0_u64, |number, value| number << 5 | u64::from(*value));
    let [_, _, _, octets @ ..] = number.to_be_bytes();
    octets
}

fn value_of(character: char) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|letter| char::from(*letter) == character)?;
    u8::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_24_letters_that_read_back_however_they_are_typed() {
        let mut digest = [0xff; 32];
        digest[..10].copy_from_slice(&[0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff]);
        let code = Code::new(&digest, [0x08, 0x42, 0x10, 0x84, 0x21]);
        // 5-bit groups by hand: 0…01, all ones, then 1 in each group.
        assert_eq!(code.to_string(), "0000-0001-ZZZZ-ZZZZ-1111-1111");
        assert_eq!(code.secret(), "11111111");
        assert_eq!("0000 oool zzzz zzzz iiii-llll".parse::<Code>(), Ok(code.clone()));
        assert!(code.is_of(&digest));
        digest[9] = 0xfe;
        assert!(!code.is_of(&digest));
        assert_eq!(format!("{code:?}"), "Code(00000001ZZZZZZZZ…)", "the secret is not in it");
    }

    #[test]
    fn what_is_no_code_is_told_by_place() {
        assert_eq!("0000-0001-ZZZZ".parse::<Code>(), Err(CodeError::Length(12)));
        let wrong = CodeError::Character { at: 5, character: 'U' };
        assert_eq!("0000-U001-ZZZZ-ZZZZ-1111-1111".parse::<Code>(), Err(wrong));
    }

    proptest::proptest! {
        #[test]
        fn every_code_reads_back(digest: [u8; 32], secret: [u8; 5]) {
            let code = Code::new(&digest, secret);
            proptest::prop_assert_eq!(code.to_string().parse::<Code>(), Ok(code));
        }
    }
}
