//! A customer's personal data, kept under a random [`PersonRef`](crate::ids::PersonRef) and nowhere else.

use std::fmt;

use crate::language::Language;
use crate::phone::Phone;

/// How the customer wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Text message.
    #[default]
    Sms,
    /// E-mail, by HQ.
    Email,
    /// A call.
    Voice,
}

impl Channel {
    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Voice => "voice",
        }
    }

    /// Reads the wire's word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Sms, Self::Email, Self::Voice].into_iter().find(|c| c.as_str() == word)
    }
}

/// What is known of a person. `Debug` shows initials and the last three digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal {
    /// First name and surname as the customer gave them.
    pub name: String,
    /// The number that gets the messages.
    pub phone: Phone,
    /// E-mail address, as given.
    pub email: Option<String>,
    /// The language to write in.
    pub language: Language,
    /// The channel to use.
    pub channel: Channel,
}

impl Personal {
    /// The most characters of a name that are kept.
    pub const NAME_LIMIT: usize = 120;

    /// The initials of the first and the last word of the name: `J. K.`; the one letter of a single word.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|w| w.chars().find(|c| c.is_alphanumeric()));
        let letter = |c: char| c.to_uppercase().collect::<String>();
        match (words.next(), words.next_back()) {
            (Some(first), Some(last)) => format!("{}. {}.", letter(first), letter(last)),
            (Some(only), None) => format!("{}.", letter(only)),
            _ => String::new(),
        }
    }

    /// The name folded for search: lower case, no diacritics, one space between words (R19).
    pub fn search_key(&self) -> String {
        crate::folding::words(&self.name).join(" ")
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal({} …{})", self.initials(), self.phone.last_three())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Personal {
        Personal {
            name: name.to_owned(),
            phone: Phone::parse("600100813").unwrap(),
            email: Some("jan@example.org".into()),
            language: Language::Pl,
            channel: Channel::Sms,
        }
    }

    #[test]
    fn shows_initials_of_first_and_last_word() {
        assert_eq!(named("Jan Kowalski").initials(), "J. K.");
        assert_eq!(named("łucja maria Żak").initials(), "Ł. Ż.");
        assert_eq!(named("Олена").initials(), "О.");
        assert_eq!(named("  ").initials(), "");
    }

    #[test]
    fn debug_hides_the_person() {
        assert_eq!(format!("{:?}", named("Jan Kowalski")), "Personal(J. K. …813)");
    }

    #[test]
    fn searches_without_diacritics() {
        assert_eq!(named("Łucja  ŻÓŁĆ-Nowak").search_key(), "lucja zolc nowak");
    }
}
