//! The languages that the shop speaks.

use serde::{Deserialize, Serialize};

/// A language of customers and staff.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Polish.
    #[default]
    Pl,
    /// Ukrainian.
    Uk,
    /// English.
    En,
}

impl Language {
    /// All of them, in the order in which screens offer them.
    pub const ALL: [Language; 3] = [Language::Pl, Language::Uk, Language::En];

    /// The ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pl => "pl",
            Self::Uk => "uk",
            Self::En => "en",
        }
    }

    /// Reads a code, with or without a region (`uk`, `uk-UA`, `EN_gb`); `None` for a language that we do not speak.
    pub fn parse(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|l| l.as_str().eq_ignore_ascii_case(primary))
    }
}
