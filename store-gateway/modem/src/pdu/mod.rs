//! SMS in PDU form: the alphabets, parts, addresses and time stamps of 3GPP TS 23.040 and TS 23.038.
//!
//! Encodes SMS-SUBMIT; decodes SMS-DELIVER, SMS-STATUS-REPORT and SMS-SUBMIT as an AT port shows them, that is in
//! hexadecimal with the service centre's address in front (TS 27.005 §3.1). Nothing here keeps state.

mod address;
mod decode;
mod fold;
mod gsm7;
mod reader;
mod segment;
mod submit;
pub(crate) mod time;

pub use address::{Address, NumberError, TypeOfNumber};
pub use decode::{Deliver, Direction, Message, StatusReport, Submit, UserData, decode, text_of};
pub use fold::fold;
pub use gsm7::is_gsm7;
pub use reader::DecodeError;
pub use segment::{EncodingChoice, MAX_PARTS, Segment, SegmentError, Segments, segment};
pub use submit::{Class, EncodeError, Folding, Report, SubmitPdu, SubmitRequest, encode_submit};

/// An alphabet of user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// The GSM 7 bit default alphabet with its extension table.
    Gsm7,
    /// UCS-2, with surrogate pairs as every phone takes them (UTF-16, most significant octet first).
    Ucs2,
    /// Octets; as text they are shown as ISO 8859-1, so that nothing of them is lost.
    EightBit,
}

impl Encoding {
    /// The name used by the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
            Self::EightBit => "8bit",
        }
    }

    /// Units of a message in one part.
    pub const fn single_units(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
            Self::EightBit => 140,
        }
    }

    /// Units of each part of a longer message: six octets go to the header.
    pub const fn part_units(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
            Self::EightBit => 134,
        }
    }
}

/// Which part of a long message this is (TS 23.040 §9.2.3.24.1, §9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concat {
    /// The same for all parts; 8 or 16 bits.
    pub reference: u16,
    /// From 1.
    pub part: u8,
    /// How many.
    pub parts: u8,
}
