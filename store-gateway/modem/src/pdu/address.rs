//! Addresses: numbers with their type, and alphanumeric senders (3GPP TS 23.040 §9.1.2.5).

use super::gsm7;
use super::reader::{DecodeError, Reader};
use crate::Private;

/// Most digits of an address (ten octets of semi-octets, TS 23.040 §9.1.2.5).
const MAX_DIGITS: usize = 20;

/// The digits of a semi-octet address (TS 23.040 §9.1.2.3: `*`, `#`, `a`, `b`, `c`; 15 fills).
const DIGITS: &[u8; 15] = b"0123456789*#abc";

/// Type of number (TS 23.040 §9.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeOfNumber {
    /// Nothing is said of it.
    Unknown,
    /// With country code.
    International,
    /// Within the country.
    National,
    /// Of the network's own use.
    NetworkSpecific,
    /// Of a subscriber.
    Subscriber,
    /// A name, in the GSM 7 bit alphabet.
    Alphanumeric,
    /// A short number.
    Abbreviated,
    /// Reserved.
    Reserved,
}

/// A number or name on the other end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Type of number.
    pub ton: TypeOfNumber,
    /// Numbering plan (0 to 15; 1 is the telephone plan).
    pub npi: u8,
    /// The digits, with `+` in front when international, or the name.
    pub number: Private<String>,
}

/// Why a number can't be put into a PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing to call.
    #[error("the number is empty")]
    Empty,
    /// More digits than an address holds.
    #[error("the number has more than 20 digits")]
    TooLong,
    /// Something that is no digit.
    #[error("character {0} of the number is neither a digit nor a leading +")]
    NotADigit(usize),
}

/// Puts a destination address behind what `out` holds: its length in digits, its type, its digits.
pub(super) fn encode(number: &str, out: &mut Vec<u8>) -> Result<(), NumberError> {
    let (ton, digits, skipped) = match number.strip_prefix('+') {
        Some(rest) => (0x91, rest, 1),
        None => (0x81, number, 0),
    };
    let count = digits.chars().count();
    if count == 0 {
        return Err(NumberError::Empty);
    }
    if count > MAX_DIGITS {
        return Err(NumberError::TooLong);
    }
    let mut codes = Vec::with_capacity(count + 1);
    for (i, c) in digits.chars().enumerate() {
        let code = DIGITS.iter().position(|&d| char::from(d) == c);
        let code = code.and_then(|v| u8::try_from(v).ok()).ok_or(NumberError::NotADigit(i + 1 + skipped))?;
        codes.push(code);
    }
    out.push(codes.len() as u8);
    out.push(ton);
    if codes.len() % 2 == 1 {
        codes.push(0xF);
    }
    out.extend(codes.chunks_exact(2).map(|pair| pair[1] << 4 | pair[0]));
    Ok(())
}

fn type_of_number(toa: u8) -> TypeOfNumber {
    match (toa >> 4) & 7 {
        0 => TypeOfNumber::Unknown,
        1 => TypeOfNumber::International,
        2 => TypeOfNumber::National,
        3 => TypeOfNumber::NetworkSpecific,
        4 => TypeOfNumber::Subscriber,
        5 => TypeOfNumber::Alphanumeric,
        6 => TypeOfNumber::Abbreviated,
        _ => TypeOfNumber::Reserved,
    }
}

/// Reads an address whose length counts semi-octets (TP-OA, TP-DA, TP-RA).
pub(super) fn decode(reader: &mut Reader<'_>, field: &'static str) -> Result<Address, DecodeError> {
    let semi_octets = usize::from(reader.octet(field)?);
    if semi_octets > MAX_DIGITS {
        return Err(reader.invalid(1, "an address has at most 20 semi-octets"));
    }
    let toa = reader.octet(field)?;
    let octets = reader.take(semi_octets.div_ceil(2), field)?;
    let ton = type_of_number(toa);
    let number = if ton == TypeOfNumber::Alphanumeric {
        gsm7::text_of(&gsm7::unpack(octets, 0, semi_octets * 4 / 7))
    } else {
        digits_of(octets, semi_octets, ton).map_err(|back| reader.invalid(octets.len() - back, "not a digit"))?
    };
    Ok(Address { ton, npi: toa & 0xF, number: Private(number) })
}

/// Passes over the service centre's address in front of a PDU, whose length counts octets.
pub(super) fn skip_service_centre(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    const FIELD: &str = "service centre's address";
    let octets = usize::from(reader.octet(FIELD)?);
    if octets > 1 + MAX_DIGITS / 2 {
        return Err(reader.invalid(1, "a service centre's address has at most 11 octets"));
    }
    reader.take(octets, FIELD)?;
    Ok(())
}

/// The digits, or the index of the octet that holds none.
fn digits_of(octets: &[u8], count: usize, ton: TypeOfNumber) -> Result<String, usize> {
    let mut number = String::with_capacity(count + 1);
    if ton == TypeOfNumber::International {
        number.push('+');
    }
    for i in 0..count {
        let code = if i % 2 == 0 { octets[i / 2] & 0xF } else { octets[i / 2] >> 4 };
        number.push(char::from(*DIGITS.get(usize::from(code)).ok_or(i / 2)?));
    }
    Ok(number)
}
