//! Message templates by purpose and language, with variables, filled at the store.
//!
//! The pickup code stays `{code}` in everything that is kept; [`finish`] puts it in on the way to the modem.

mod defaults;
mod lint;

pub use lint::Finding;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::code::PickupCode;
use crate::event::words;
use crate::language::Language;

words! {
    /// Which text.
    TemplateKey {
        /// The order waits.
        Ready = "ready",
        /// A day before the hold ends.
        Reminder24 = "reminder_24",
        /// Four hours before the hold ends.
        Reminder4 = "reminder_4",
        /// The hold was extended.
        Extended = "extended",
        /// The order was cancelled.
        Cancelled = "cancelled",
        /// The hold ended.
        Expired = "expired",
        /// JESTEM, and the order is ready.
        ReplyHere = "reply_here",
        /// JESTEM, and the order is not ready yet.
        ReplyHereNotReady = "reply_here_not_ready",
        /// JESTEM or STATUS, and there is no open order.
        ReplyNoOrder = "reply_no_order",
        /// One order's line in the answer to STATUS.
        ReplyStatusReady = "reply_status_ready",
        /// One order's line in the answer to STATUS.
        ReplyStatusNotReady = "reply_status_not_ready",
        /// POMOC.
        ReplyHelp = "reply_help",
        /// STOP.
        ReplyStop = "reply_stop",
        /// "Odpisz TAK 42".
        Confirm = "confirm",
    }
}

words! {
    /// What the law makes of a text.
    Class {
        /// About the customer's own order. No links, no promotion.
        Transactional = "transactional",
        /// About the service.
        Service = "service",
        /// Needs consent.
        Marketing = "marketing",
    }
}

words! {
    /// What can stand in braces.
    Variable {
        /// The pickup code; stays unfilled in what is kept.
        Code = "code",
        /// The order's number.
        Order = "order",
        /// The store's name.
        Store = "store",
        /// When the hold ends.
        HoldUntil = "hold_until",
        /// What is to be paid at the store.
        Due = "due",
        /// The store's phone number.
        Phone = "phone",
        /// The next opening time.
        Opening = "opening",
        /// The number that confirms.
        Number = "number",
    }
}

impl Variable {
    /// The longest value that is expected, for counting parts before a text is approved.
    const fn longest(self) -> &'static str {
        match self {
            Self::Code => "888888",
            Self::Order => "2026/11/00123456",
            Self::Store => "Warszawa Wola Lada 1",
            Self::HoldUntil | Self::Opening => "czw 28.12 20:00",
            Self::Due => "12 345,67 zł",
            Self::Phone => "+48 600 100 813",
            Self::Number => "88",
        }
    }
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Which text it is.
    pub key: TemplateKey,
    /// Its language.
    pub language: Language,
    /// What the law makes of it.
    #[serde(default = "Template::transactional")]
    pub class: Class,
    /// The text with variables in braces.
    pub text: String,
    /// Whether letters outside GSM-7 are folded to their plain ones ("bez ogonków").
    #[serde(default)]
    pub fold: bool,
    /// SMS parts that it may have.
    #[serde(default = "Template::default_parts")]
    pub most_parts: u32,
}

/// A text that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("a brace at character {at} has no partner")]
    Brace {
        /// Its position, counted in characters from 0.
        at: usize,
    },
    /// A name in braces that is no variable.
    #[error("there is no variable {{{name}}}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A variable without a value.
    #[error("no value for {{{}}}", variable.as_str())]
    Missing {
        /// The variable.
        variable: Variable,
    },
}

/// The values of variables. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<Variable, String>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Values {
    /// Adds a value. Braces in it become parentheses, so that no value can bring a variable with it.
    #[must_use]
    pub fn with(mut self, variable: Variable, value: impl AsRef<str>) -> Self {
        self.0.insert(variable, value.as_ref().replace('{', "(").replace('}', ")"));
        self
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable(Variable),
}

impl Template {
    const fn transactional() -> Class {
        Class::Transactional
    }

    const fn default_parts() -> u32 {
        2
    }

    /// Puts the values in. `{code}` stays as it is when it has none.
    ///
    /// # Errors
    /// [`TemplateError`] for a broken text or a missing value.
    pub fn fill(&self, values: &Values) -> Result<String, TemplateError> {
        let mut filled = String::new();
        for piece in pieces(&self.text)? {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable(variable) => match values.0.get(&variable) {
                    Some(value) => filled.push_str(value),
                    None if variable == Variable::Code => filled.push_str("{code}"),
                    None => return Err(TemplateError::Missing { variable }),
                },
            }
        }
        Ok(filled)
    }

    /// The text with the longest value of each variable, for counting parts.
    ///
    /// # Errors
    /// [`TemplateError`] for a broken text.
    pub fn longest(&self) -> Result<String, TemplateError> {
        let values = Variable::ALL.iter().fold(Values::default(), |v, variable| v.with(*variable, variable.longest()));
        self.fill(&values)
    }
}

/// Puts the code into a filled text. What comes out must not be kept.
pub fn finish(filled: &str, code: &PickupCode) -> String {
    filled.replace("{code}", code.reveal())
}

/// A filled text as screens show it: `Kod odbioru: ••••••`.
pub fn masked(filled: &str) -> String {
    filled.replace("{code}", "••••••")
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let position = |rest: &str| text[..text.len() - rest.len()].chars().count();
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        pieces.push(Piece::Text(before));
        let Some((name, after)) = brace.strip_prefix('{').and_then(|b| b.split_once('}')) else {
            return Err(TemplateError::Brace { at: position(brace) });
        };
        let variable = Variable::parse(name).ok_or_else(|| TemplateError::Unknown { name: name.to_owned() })?;
        pieces.push(Piece::Variable(variable));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// The store's texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Templates(pub Vec<Template>);

impl Default for Templates {
    /// Every key in pl, uk and en.
    fn default() -> Self {
        Self(defaults::all())
    }
}

impl Templates {
    /// The text for a purpose in a language; the built-in one where HQ gave none.
    pub fn find(&self, key: TemplateKey, language: Language) -> Template {
        let wanted = |t: &&Template| t.key == key && t.language == language;
        self.0.iter().find(wanted).cloned().unwrap_or_else(|| defaults::one(key, language))
    }
}

/// A time as the shop writes it: `pt 22.05 20:00`, `пт 22.05 20:00`, `Fri 22.05 20:00`.
pub fn moment(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    let local = at.to_zoned(zone.clone());
    let mut text = String::new();
    let day = weekday(local.weekday(), language);
    // Writing to a String cannot fail.
    _ = write!(text, "{day} {:02}.{:02} {:02}:{:02}", local.day(), local.month(), local.hour(), local.minute());
    text
}

fn weekday(day: Weekday, language: Language) -> &'static str {
    let names = match language {
        Language::Pl => ["pn", "wt", "śr", "czw", "pt", "sob", "nd"],
        Language::Uk => ["пн", "вт", "ср", "чт", "пт", "сб", "нд"],
        Language::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    };
    names[day.to_monday_zero_offset() as usize]
}

impl Serialize for TemplateKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TemplateKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format_args!("there is no template {word:?}")))
    }
}

impl Serialize for Class {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format_args!("there is no class {word:?}")))
    }
}

#[cfg(test)]
mod tests;
