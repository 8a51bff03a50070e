//! The three files have the same keys, every key that is used exists, and no key lies about unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;

use crate::screens::lang::{Lang, Words};
use crate::screens::words;

fn keys(lang: Lang) -> BTreeSet<String> {
    let resource = match FluentResource::try_new(lang.source().to_owned()) {
        Ok(resource) => resource,
        Err((_, errors)) => panic!("{}: {errors:?}", lang.tag()),
    };
    let listed: Vec<String> = lang
        .source()
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
        .collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "{}: a key stands twice", lang.tag());
    let messages = resource.entries().filter(|entry| format!("{entry:?}").starts_with("Message")).count();
    assert_eq!(messages, listed.len(), "{}: a line that looks like a message is none", lang.tag());
    unique
}

fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["templates", "src/screens", "src/screens/view"] {
        let entries = fs::read_dir(root.join(folder)).expect("the folder of sources is there");
        found.extend(entries.map(|entry| entry.expect("a readable entry").path()).filter(|path| path.is_file()));
    }
    found
}

/// Every quoted string in the sources that has the form of a key.
fn quoted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in sources().iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = fs::read_to_string(path).expect("a readable source");
        found.extend(text.split('"').skip(1).filter(|part| is_key(part)).map(str::to_owned));
    }
    found
}

fn is_key(text: &str) -> bool {
    let letters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    letters && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The keys that templates ask for by name.
fn asked() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in sources() {
        let text = fs::read_to_string(path).expect("a readable source");
        for call in ["t.s(\"", "t.n(\"", "t.v(\"", "words.s(\""] {
            found.extend(text.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    found
}

#[test]
fn the_three_languages_have_the_same_keys() {
    let polish = keys(Lang::Pl);
    assert_eq!(polish, keys(Lang::Uk));
    assert_eq!(polish, keys(Lang::En));
}

#[test]
fn every_key_that_a_screen_asks_for_exists() {
    let missing: Vec<String> = asked().difference(&keys(Lang::Pl)).cloned().collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(asked().len() > 150, "the scan of the sources found too little");
}

#[test]
fn no_key_is_left_over() {
    let unused: Vec<String> = keys(Lang::Pl).difference(&quoted()).cloned().collect();
    assert!(unused.is_empty(), "unused: {unused:?}");
}

#[test]
fn every_word_of_a_list_is_in_the_locales() {
    let known = keys(Lang::Pl);
    let mut asked: Vec<&str> = Vec::new();
    macro_rules! all {
        ($($list:ident),+) => { $(asked.extend(words::$list::ALL.iter().map(|word| word.key()));)+ };
    }
    all!(GoodsWord, MoneyWord, MessageWord, PurposeWord, CauseWord, ArrivalWord, RoleWord, ClockWord, ModemWord);
    all!(HistoryWord, WhyWord, ActionWord, RefuseWord);
    let missing: Vec<&str> = asked.into_iter().filter(|key| !known.contains(*key)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn numbers_choose_their_plural() {
    let polish = Words::of(Lang::Pl);
    assert_eq!(polish.n("parts", 1_u32), "1 część");
    assert_eq!(polish.n("parts", 2_u32), "2 części");
    assert_eq!(polish.n("login-wrong-pin", 1_u32), "Zły PIN. Została 1 próba.");
    assert_eq!(polish.n("login-wrong-pin", 3_u32), "Zły PIN. Zostały 3 próby.");
    assert_eq!(polish.n("login-wrong-pin", 5_u32), "Zły PIN. Zostało 5 prób.");
    let ukrainian = Words::of(Lang::Uk);
    assert_eq!(ukrainian.n("parts", 5_u32), "5 частин");
    assert_eq!(ukrainian.n("parts", 22_u32), "22 частини");
}

#[test]
fn a_browser_s_wish_chooses_the_language() {
    assert_eq!(Lang::from_accept("uk-UA,uk;q=0.9,en;q=0.8"), Some(Lang::Uk));
    assert_eq!(Lang::from_accept("de-DE, en;q=0.5"), Some(Lang::En));
    assert_eq!(Lang::from_accept("de"), None);
    assert_eq!(Lang::parse("PL"), Some(Lang::Pl));
}
