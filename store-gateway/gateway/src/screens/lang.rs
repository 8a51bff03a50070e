//! The three languages and their words, read once from `locales/`.
//!
//! The files are compiled in; a test compares their keys, so that a missing word is a failed build and not a gap on
//! a screen. If one were missing all the same, its key would be shown: a page is never refused for a word.

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language of the screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Polish.
    #[default]
    Pl,
    /// Ukrainian.
    Uk,
    /// English.
    En,
}

impl Lang {
    /// Every language, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Pl, Self::Uk, Self::En];

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Pl => "pl",
            Self::Uk => "uk",
            Self::En => "en",
        }
    }

    /// The language's own name.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::Pl => "Polski",
            Self::Uk => "Українська",
            Self::En => "English",
        }
    }

    /// Reads a tag such as "pl" or "uk-UA".
    pub fn parse(text: &str) -> Option<Self> {
        let primary = text.split(['-', '_']).next()?.trim();
        Self::ALL.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }

    /// The first language of an `Accept-Language` header that we speak; weights are taken in order of appearance,
    /// as browsers send them.
    pub fn from_accept(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| Self::parse(part.split(';').next()?.trim()))
    }

    /// The mark between groups of digits and the decimal mark.
    pub(super) fn number_marks(self) -> (char, char) {
        match self {
            Self::Pl | Self::Uk => ('\u{a0}', ','),
            Self::En => (',', '.'),
        }
    }

    /// The language's file.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Pl => include_str!("../../locales/pl.ftl"),
            Self::Uk => include_str!("../../locales/uk.ftl"),
            Self::En => include_str!("../../locales/en.ftl"),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: OnceLock<[FluentBundle<FluentResource>; 3]> = OnceLock::new();
        let bundles = BUNDLES.get_or_init(|| Lang::ALL.map(load));
        &bundles[self as usize]
    }
}

/// Reads one language's file. What cannot be parsed is left out; the test on the files names it.
fn load(lang: Lang) -> FluentBundle<FluentResource> {
    let resource = match FluentResource::try_new(lang.source().to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    let locale = lang.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Marks around values would end up in attributes and in SMS drafts; all three scripts run left to right.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A number for a sentence; templates hand over references of any depth.
pub trait Count {
    /// The number.
    fn count(&self) -> i64;
}

impl Count for u8 {
    fn count(&self) -> i64 {
        i64::from(*self)
    }
}

impl Count for u16 {
    fn count(&self) -> i64 {
        i64::from(*self)
    }
}

impl Count for u32 {
    fn count(&self) -> i64 {
        i64::from(*self)
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> i64 {
        (*self).count()
    }
}

/// Looks words up in one language; templates call it `t`.
#[derive(Clone, Copy)]
pub struct Words(Lang);

impl Words {
    /// The words of a language.
    pub fn of(lang: Lang) -> Self {
        Self(lang)
    }

    /// The language.
    pub fn lang(self) -> Lang {
        self.0
    }

    /// A plain word or sentence.
    pub fn s(self, key: &str) -> String {
        self.look_up(key, None)
    }

    /// A sentence with a number `$n` (also chooses the plural form).
    pub fn n(self, key: &str, n: impl Count) -> String {
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(n.count()));
        self.look_up(key, Some(&args))
    }

    /// A sentence with a value `$v`.
    pub fn v(self, key: &str, v: impl AsRef<str>) -> String {
        let mut args = FluentArgs::new();
        args.set("v", v.as_ref().to_owned());
        self.look_up(key, Some(&args))
    }

    fn look_up(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.0.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        bundle.format_pattern(pattern, args, &mut errors).into_owned()
    }
}
