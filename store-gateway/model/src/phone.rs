//! Phone numbers in E.164, by Google's numbering plans.

use std::fmt;

use phonenumber::country::Id as Country;
use serde::{Deserialize, Serialize};

/// A valid phone number in E.164. `Debug` shows the last three digits only; [`Phone::e164`] gives all of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// A text that is no phone number. It does not repeat the text: logs hold no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not a phone number at all.
    #[error("this is no phone number")]
    Unreadable,
    /// Readable, but no such number is given out in its country.
    #[error("no such phone number exists in its numbering plan")]
    Invalid,
}

/// Characters read at most, so that a hostile text costs nothing.
const LONGEST_TEXT: usize = 40;

impl Phone {
    /// Reads a number as people and networks write it. A number without `+` or `00` is Polish.
    ///
    /// # Errors
    /// [`PhoneError`] when it cannot be read or exists in no numbering plan.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        if text.len() > LONGEST_TEXT {
            return Err(PhoneError::Unreadable);
        }
        let text = text.trim();
        let text = match text.strip_prefix("00") {
            Some(rest) => format!("+{rest}"),
            None => text.to_owned(),
        };
        let number = phonenumber::parse(Some(Country::PL), &text).map_err(|_| PhoneError::Unreadable)?;
        if !phonenumber::is_valid(&number) {
            return Err(PhoneError::Invalid);
        }
        Ok(Self(number.format().mode(phonenumber::Mode::E164).to_string()))
    }

    /// The number in E.164: `+48600100813`.
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// The last three digits, which screens and logs may show.
    pub fn last_three(&self) -> &str {
        &self.0[self.0.len().saturating_sub(3)..]
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(…{})", self.last_three())
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_however_it_is_written() {
        for text in ["600100813", "600 100 813", "+48 600-100-813", "0048600100813", " (600) 100 813 "] {
            assert_eq!(Phone::parse(text).map(|p| p.e164().to_owned()).as_deref(), Ok("+48600100813"), "{text:?}");
        }
        assert_eq!(Phone::parse("+380 50 123 45 67").unwrap().e164(), "+380501234567");
        assert_eq!(Phone::parse("+44 7911 123456").unwrap().e164(), "+447911123456");
    }

    #[test]
    fn refuses_what_nobody_can_be_called_on() {
        for text in ["", "abc", "12", "+48 12", "+999 123 456 789", &"6".repeat(200)] {
            assert!(Phone::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn debug_shows_three_digits() {
        let phone = Phone::parse("600100813").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(…813)");
        assert_eq!(phone.last_three(), "813");
    }
}
