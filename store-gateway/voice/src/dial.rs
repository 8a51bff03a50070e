//! Who may call whom: denied unless a rule allows it.
//!
//! Decides what a dialled text means and whether it may be called. Only the store's own phones ever call out; a call
//! from outside reaches the store's phones and nothing else, so no stranger dials on the store's bill. Emergency numbers
//! are always free for the store's phones. Never calls anybody. The SIP shell asks before it makes a leg.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use sans_io::Instant;

/// A longer text is no number (E.164 has 15 digits).
const MOST_DIGITS: usize = 20;
/// Phones whose calls are remembered; a store has a dozen.
const MOST_PHONES: usize = 256;
/// The time over which calls are counted.
const HOUR: Duration = Duration::from_secs(3_600);

/// A store phone's extension: 2 to 6 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extension(String);

/// A text that is no extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an extension is two to six digits")]
pub struct ExtensionError;

impl Extension {
    /// Reads an extension.
    ///
    /// # Errors
    /// [`ExtensionError`] for anything but two to six digits.
    pub fn parse(text: &str) -> Result<Self, ExtensionError> {
        let is_extension = (2..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if is_extension { Ok(Self(text.to_owned())) } else { Err(ExtensionError) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number in E.164 with its plus, as dialled. `Debug` shows its last three digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(String);

impl Number {
    /// The number with its plus.
    pub fn e164(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number(…{})", &self.0[self.0.len().saturating_sub(3)..])
    }
}

/// Who dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialler<'a> {
    /// A phone of the store, registered and authenticated.
    Phone(&'a Extension),
    /// Somebody outside, by trunk or SIM.
    Outside,
}

/// The rules of a store.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The country's code, for numbers without one.
    pub country: String,
    /// Digits of a national number.
    pub national_digits: usize,
    /// The store's phones.
    pub extensions: Vec<Extension>,
    /// The extension at which the menu answers.
    pub menu: Option<Extension>,
    /// Emergency numbers.
    pub emergency: Vec<String>,
    /// Prefixes with a plus that may be called.
    pub allowed: Vec<String>,
    /// Prefixes with a plus that may not, whatever is allowed; the longest matching prefix of either list decides.
    pub denied: Vec<String>,
    /// Calls outward of one phone in an hour.
    pub per_hour: usize,
    /// Calls outward of one phone at a time.
    pub at_once: usize,
}

impl Default for Policy {
    /// Poland: 112 and the old emergency numbers; all national numbers but those that cost more or are no subscriber's
    /// (20, 21, 30, 38, 39, 40, 64, 70, 80); nothing abroad.
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
        Self {
            country: "48".to_owned(),
            national_digits: 9,
            extensions: Vec::new(),
            menu: None,
            emergency: texts(&["112", "984", "985", "986", "991", "992", "993", "994", "997", "998", "999"]),
            allowed: texts(&["+48"]),
            denied: texts(&["+4820", "+4821", "+4830", "+4838", "+4839", "+4840", "+4864", "+4870", "+4880"]),
            per_hour: 60,
            at_once: 2,
        }
    }
}

/// What a dialled text leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The menu.
    Menu,
    /// A phone of the store.
    Phone(Extension),
    /// An emergency number, dialled as it is on the best line there is.
    Emergency(String),
    /// A number outside.
    Outside(Number),
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a number at all: 404.
    #[error("what was dialled is no number")]
    NoNumber,
    /// No such extension: 404.
    #[error("no phone of the store has this extension")]
    NoExtension,
    /// No rule allows it: 403.
    #[error("the dial plan does not allow this number")]
    NotAllowed,
    /// The caller is outside: 403.
    #[error("callers from outside reach the store's phones only")]
    FromOutside,
    /// Too many in an hour: 403.
    #[error("this phone has made too many calls within an hour")]
    TooMany,
    /// Too many at a time: 486.
    #[error("this phone has too many calls at a time")]
    TooManyAtOnce,
}

impl Policy {
    /// What a dialled text leads to.
    ///
    /// # Errors
    /// [`Refused`] unless a rule allows it.
    pub fn target(&self, dialler: Dialler<'_>, dialled: &str) -> Result<Target, Refused> {
        let text: String = dialled.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
        let digits = text.strip_prefix('+').unwrap_or(&text);
        if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refused::NoNumber);
        }
        if let Ok(extension) = Extension::parse(&text) {
            if self.menu.as_ref() == Some(&extension) {
                return Ok(Target::Menu);
            }
            if self.extensions.contains(&extension) {
                return Ok(Target::Phone(extension));
            }
        }
        if dialler == Dialler::Outside {
            return Err(Refused::FromOutside);
        }
        if self.emergency.contains(&text) {
            return Ok(Target::Emergency(text));
        }
        let number = self.number(&text).ok_or(Refused::NoExtension)?;
        if self.allows(&number) { Ok(Target::Outside(number)) } else { Err(Refused::NotAllowed) }
    }

    fn number(&self, text: &str) -> Option<Number> {
        let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
        match international {
            Some(digits) if (7..=15).contains(&digits.len()) && !digits.starts_with('0') => {
                Some(Number(format!("+{digits}")))
            }
            Some(_) => None,
            None if text.len() == self.national_digits => Some(Number(format!("+{}{text}", self.country))),
            None => None,
        }
    }

    fn allows(&self, number: &Number) -> bool {
        let home = format!("+{}", self.country);
        let whole = number.0.strip_prefix(&home).is_none_or(|rest| rest.len() == self.national_digits);
        let longest = |list: &[String]| list.iter().filter(|p| number.0.starts_with(*p)).map(String::len).max();
        whole && longest(&self.allowed).is_some_and(|allowed| longest(&self.denied).is_none_or(|d| allowed > d))
    }
}

/// The calls outward of each phone.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    phones: BTreeMap<Extension, Calls>,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    begun: VecDeque<Instant>,
    running: usize,
}

impl Usage {
    /// Counts a call that [`Policy::target`] allowed; tell its end by [`Usage::end`]. Emergency calls and calls within
    /// the store are never counted.
    ///
    /// # Errors
    /// [`Refused`] when the phone is over one of its limits.
    pub fn begin(&mut self, policy: &Policy, phone: &Extension, target: &Target, now: Instant) -> Result<(), Refused> {
        if !matches!(target, Target::Outside(_)) {
            return Ok(());
        }
        self.phones.retain(|_, calls| {
            calls.begun.retain(|at| now.since(*at) < HOUR);
            calls.running > 0 || !calls.begun.is_empty()
        });
        if self.phones.len() >= MOST_PHONES && !self.phones.contains_key(phone) {
            return Err(Refused::TooMany);
        }
        let calls = self.phones.entry(phone.clone()).or_default();
        if calls.running >= policy.at_once {
            return Err(Refused::TooManyAtOnce);
        }
        if calls.begun.len() >= policy.per_hour {
            return Err(Refused::TooMany);
        }
        calls.begun.push_back(now);
        calls.running += 1;
        Ok(())
    }

    /// A counted call ended.
    pub fn end(&mut self, phone: &Extension, target: &Target) {
        if let (Target::Outside(_), Some(calls)) = (target, self.phones.get_mut(phone)) {
            calls.running = calls.running.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extension(text: &str) -> Extension {
        Extension::parse(text).unwrap()
    }

    fn policy() -> Policy {
        let mut policy = Policy { extensions: vec![extension("101"), extension("102")], ..Policy::default() };
        policy.menu = Some(extension("100"));
        policy.allowed.extend(["+380".to_owned(), "+48800".to_owned()]);
        policy
    }

    fn target(dialled: &str) -> Result<Target, Refused> {
        policy().target(Dialler::Phone(&extension("101")), dialled)
    }

    fn outside(number: &str) -> Result<Target, Refused> {
        Ok(Target::Outside(Number(number.to_owned())))
    }

    #[test]
    fn a_store_phone_reaches_phones_the_menu_and_allowed_numbers() {
        assert_eq!(target("102"), Ok(Target::Phone(extension("102"))));
        assert_eq!(target("100"), Ok(Target::Menu));
        assert_eq!(target("600 100-813"), outside("+48600100813"));
        assert_eq!(target("0048600100813"), outside("+48600100813"));
        assert_eq!(target("+380 50 123 45 67"), outside("+380501234567"));
        assert_eq!(target("800 123 456"), outside("+48800123456"), "the longer rule wins");
    }

    #[test]
    fn premium_foreign_and_odd_numbers_are_refused() {
        for dialled in ["701234567", "+48701234567", "300123456", "801123456", "+441632960001", "0012125550100"] {
            assert_eq!(target(dialled), Err(Refused::NotAllowed), "{dialled}");
        }
        for dialled in ["", "+", "anna", "60010081x", "+48600100813;ext=9", &"1".repeat(21)] {
            assert_eq!(target(dialled), Err(Refused::NoNumber), "{dialled}");
        }
        for dialled in ["109", "12345", "60010081", "+4812", "00048600100813"] {
            assert_eq!(target(dialled), Err(Refused::NoExtension), "{dialled}");
        }
        assert_eq!(target("+4870123456"), Err(Refused::NotAllowed), "a national number of the wrong length");
    }

    #[test]
    fn emergency_numbers_are_always_free_for_the_store_s_phones() {
        let policy = Policy { allowed: Vec::new(), per_hour: 0, at_once: 0, ..policy() };
        let phone = extension("101");
        let target = policy.target(Dialler::Phone(&phone), "112").unwrap();
        assert_eq!(target, Target::Emergency("112".to_owned()));
        assert_eq!(Usage::default().begin(&policy, &phone, &target, Instant::ZERO), Ok(()));
    }

    #[test]
    fn limits_count_by_phone() {
        let policy = Policy { per_hour: 3, ..policy() };
        let (one, two) = (extension("101"), extension("102"));
        let target = target("600100813").unwrap();
        let mut usage = Usage::default();
        let mut begin =
            |phone: &Extension, s: u64| usage.begin(&policy, phone, &target, Instant::from_millis(s * 1_000));
        assert_eq!([begin(&one, 0), begin(&one, 1)], [Ok(()), Ok(())]);
        assert_eq!(begin(&one, 2), Err(Refused::TooManyAtOnce));
        assert_eq!(begin(&two, 2), Ok(()));
        usage.end(&one, &target);
        usage.end(&one, &target);
        let mut begin = |s: u64| usage.begin(&policy, &one, &target, Instant::from_millis(s * 1_000));
        assert_eq!([begin(10), begin(11)], [Ok(()), Err(Refused::TooMany)]);
        assert_eq!(begin(3_600), Ok(()), "the first is an hour old");
    }

    proptest! {
        #[test]
        fn a_caller_from_outside_never_gets_outside(dialled in "\\PC{0,24}|[+0-9 ]{0,20}|112|100|101") {
            if let Ok(found) = policy().target(Dialler::Outside, &dialled) {
                prop_assert!(matches!(found, Target::Menu | Target::Phone(_)), "{:?}", found);
            }
        }
    }
}
