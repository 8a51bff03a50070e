//! Digits of a telephone keypad, from four sources: events in RTP (RFC 4733), SIP INFO, the modem's own detector, and
//! tones in the sound.
//!
//! Decides what counts as one press. Never decides what a digit means: that is [`crate::call`]'s. The media shell
//! calls it.

mod detect;
mod event;
mod merge;
mod tone;

use std::fmt;

pub use detect::Detector;
pub use event::{EventPacket, EventReceiver, EventSender, QueueFull};
pub use merge::{Merger, Via};
pub use tone::ToneSender;

/// One of the sixteen. `Debug` does not show which: digits may be a pickup code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digit(u8);

impl Digit {
    /// By RFC 4733's event code: 0–9, `*` 10, `#` 11, A–D 12–15.
    pub const fn from_event(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// By its sign on the key.
    pub fn from_char(sign: char) -> Option<Self> {
        SIGNS.iter().position(|s| *s == sign.to_ascii_uppercase()).and_then(|code| Self::from_event(code as u8))
    }

    /// The event code.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The sign on the key.
    pub fn sign(self) -> char {
        SIGNS[usize::from(self.0)]
    }

    /// Reads the body of a SIP INFO: `application/dtmf-relay` (`Signal=5` and a duration) or `application/dtmf` (`5`).
    pub fn from_info(body: &str) -> Option<Self> {
        let signal = body.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then_some(value)
        });
        let text = signal.unwrap_or(body).trim();
        let mut signs = text.chars();
        match (signs.next(), signs.next()) {
            (Some(sign), None) => Self::from_char(sign),
            // Some phones write the event's code: 10 for the star.
            _ => text.parse().ok().and_then(Self::from_event),
        }
    }
}

const SIGNS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(•)")
    }
}

/// The low and the high tone of each key, by its row and column (ITU-T Q.23).
const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The keypad: event codes by row and column.
const KEYPAD: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_codes_are_rfc_4733_s_table() {
        for (sign, code) in [('0', 0), ('9', 9), ('*', 10), ('#', 11), ('A', 12), ('d', 15)] {
            assert_eq!(Digit::from_char(sign).map(Digit::event), Some(code));
        }
        assert_eq!([Digit::from_event(16), Digit::from_char('x')], [None, None]);
        assert_eq!(format!("{:?}", Digit(7)), "Digit(•)");
    }

    #[test]
    fn reads_both_bodies_of_sip_info() {
        for (body, sign) in [
            ("Signal=5\r\nDuration=160\r\n", Some('5')),
            ("signal= *\r\nduration=100", Some('*')),
            ("Signal=11\r\n", Some('#')),
            ("7", Some('7')),
            (" # \r\n", Some('#')),
            ("Signal=16\r\n", None),
            ("Duration=160", None),
            ("", None),
        ] {
            assert_eq!(Digit::from_info(body).map(Digit::sign), sign, "{body:?}");
        }
    }
}
