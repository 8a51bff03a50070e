//! The linter of texts: what a template may not say, before it goes to a store.

use super::{Class, Template, TemplateError, TemplateKey, Variable, pieces};
use crate::folding::words;

/// Characters that a text may have at most: more never fits the parts allowed.
const LONGEST_TEXT: usize = 1_000;

/// Something wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// It cannot be filled.
    #[error(transparent)]
    Broken(#[from] TemplateError),
    /// It says nothing.
    #[error("the text is empty")]
    Empty,
    /// It is too long for any number of parts.
    #[error("the text has {characters} characters, at most {LONGEST_TEXT} are allowed")]
    TooLong {
        /// Its characters.
        characters: usize,
    },
    /// A link, where none may stand.
    #[error("a transactional text may not hold the link {link:?}")]
    Link {
        /// The word that looks like one.
        link: String,
    },
    /// Promotion, where none may stand.
    #[error("a transactional text may not promote: {word:?}")]
    Promotion {
        /// The word.
        word: String,
    },
    /// A text without what it is for.
    #[error("{{{}}} is missing", variable.as_str())]
    Needs {
        /// The variable that must stand in it.
        variable: Variable,
    },
    /// The code where it has no business.
    #[error("{{code}} may stand only in texts about a waiting order")]
    Code,
}

/// Beginnings of folded words that promote.
const PROMOTION: &[&str] = &[
    "promocj",
    "rabat",
    "znizk",
    "okazj",
    "wyprzedaz",
    "taniej",
    "gratis",
    "kupon",
    "sale",
    "discount",
    "offer",
    "coupon",
    "voucher",
    "знижк",
    "акці",
    "розпродаж",
    "купон",
    "подарунок",
];

/// Ends of words that are addresses on the web.
const DOMAINS: &[&str] = &[".pl", ".com", ".eu", ".ua", ".net", ".org", ".shop", ".store", ".info", ".ly", ".io"];

impl Template {
    /// Everything wrong with the text; empty when it may go out.
    pub fn lint(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.text.trim().is_empty() {
            findings.push(Finding::Empty);
        }
        let characters = self.text.chars().count();
        if characters > LONGEST_TEXT {
            findings.push(Finding::TooLong { characters });
        }
        match pieces(&self.text) {
            Ok(pieces) => {
                let has = |v| pieces.iter().any(|p| matches!(p, super::Piece::Variable(x) if *x == v));
                findings.extend(self.needs().iter().filter(|v| !has(**v)).map(|v| Finding::Needs { variable: *v }));
                if has(Variable::Code) && !self.may_hold_code() {
                    findings.push(Finding::Code);
                }
            }
            Err(broken) => findings.push(broken.into()),
        }
        if self.class == Class::Transactional {
            findings.extend(links(&self.text).map(|link| Finding::Link { link }));
            findings.extend(promotion(&self.text).map(|word| Finding::Promotion { word }));
        }
        findings
    }

    const fn needs(&self) -> &'static [Variable] {
        match self.key {
            TemplateKey::Ready => &[Variable::Order, Variable::Code],
            TemplateKey::Reminder24 | TemplateKey::Reminder4 => &[Variable::Order, Variable::HoldUntil],
            TemplateKey::Confirm => &[Variable::Number],
            _ => &[],
        }
    }

    const fn may_hold_code(&self) -> bool {
        matches!(
            self.key,
            TemplateKey::Ready | TemplateKey::Reminder24 | TemplateKey::Reminder4 | TemplateKey::Extended
        )
    }
}

fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().filter_map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let host = bare.split('/').next().unwrap_or_default();
        let is_link = bare.contains("://") || bare.starts_with("www.") || DOMAINS.iter().any(|d| host.ends_with(d));
        is_link.then_some(bare)
    })
}

fn promotion(text: &str) -> impl Iterator<Item = String> + '_ {
    let percent = text.contains('%').then(|| "%".to_owned());
    let named = words(text).into_iter().filter(|word| PROMOTION.iter().any(|beginning| word.starts_with(beginning)));
    percent.into_iter().chain(named)
}
