//! What a customer's text message means (M9): a small grammar in Polish, Ukrainian and English, forgiving case,
//! spaces, diacritics and punctuation. Anything else is [`Reply::Free`]: a person reads it and nothing changes.

use crate::folding::words;
use crate::message::Meaning;

/// A text that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// JESTEM: the customer is there.
    Here,
    /// STATUS: how are my orders?
    Status,
    /// DLUZEJ: hold it longer.
    Longer,
    /// REZYGNUJE: I don't want it. Sender ids can be forged, so it is confirmed by a number that we send.
    GiveUp,
    /// UPOWAZNIJ: somebody else will collect; with their number, if it was given. Confirmed likewise.
    Authorise(Option<String>),
    /// ODWOLAJ: nobody else may collect any more.
    Revoke,
    /// 1, 2 or 3: the answer to a question that we asked.
    Choice(u8),
    /// POMOC.
    Help,
    /// STOP: no more marketing.
    Stop,
    /// TAK nn: the number that we sent.
    Confirm(u8),
    /// Anything else.
    Free,
}

impl Reply {
    /// The word under which it is kept.
    pub const fn meaning(&self) -> Meaning {
        match self {
            Self::Here => Meaning::Here,
            Self::Status => Meaning::Status,
            Self::Longer => Meaning::Longer,
            Self::GiveUp => Meaning::GiveUp,
            Self::Authorise(_) => Meaning::Authorise,
            Self::Revoke => Meaning::Revoke,
            Self::Choice(_) => Meaning::Choice,
            Self::Help => Meaning::Help,
            Self::Stop => Meaning::Stop,
            Self::Confirm(_) => Meaning::Confirm,
            Self::Free => Meaning::Free,
        }
    }
}

/// Words of one message that are looked at; a longer text is free.
const MOST_WORDS: usize = 12;

const HERE: &[&str] =
    &["jestem", "jestem tu", "jestem juz", "juz jestem", "я тут", "тут", "я вже тут", "here", "im here", "i am here"];
const STATUS: &[&str] = &["status", "статус", "stan"];
const LONGER: &[&str] = &["dluzej", "przedluz", "довше", "продовжити", "longer", "extend"];
const GIVE_UP: &[&str] = &["rezygnuje", "відмовляюся", "відмова", "cancel"];
const AUTHORISE: &[&str] = &["upowaznij", "upowazniam", "уповноважити", "уповноважую", "authorise", "authorize"];
const REVOKE: &[&str] = &["odwolaj", "відкликати", "revoke"];
const HELP: &[&str] = &["pomoc", "допомога", "help"];
const STOP: &[&str] = &["stop", "стоп"];
const YES: &[&str] = &["tak", "так", "yes"];

/// Reads a message.
pub fn parse(text: &str) -> Reply {
    let words: Vec<String> = words(text);
    if words.is_empty() || words.len() > MOST_WORDS {
        return Reply::Free;
    }
    let joined = words.join(" ");
    let squeezed = words.concat();
    let is = |list: &[&str]| list.iter().any(|w| same(w, &joined, &squeezed));
    match () {
        () if is(HERE) => Reply::Here,
        () if is(STATUS) => Reply::Status,
        () if is(LONGER) => Reply::Longer,
        () if is(GIVE_UP) => Reply::GiveUp,
        () if is(REVOKE) => Reply::Revoke,
        () if is(HELP) => Reply::Help,
        () if is(STOP) => Reply::Stop,
        () => choice(&squeezed).or_else(|| confirm(&squeezed)).or_else(|| authorise(&words)).unwrap_or(Reply::Free),
    }
}

/// Whether a keyword was written, with any spaces between its letters (`J E S T E M`). Both are folded: Ukrainian
/// `й` and `ї` lose their marks on both sides.
fn same(keyword: &str, joined: &str, squeezed: &str) -> bool {
    let keyword = crate::folding::fold(keyword);
    keyword == joined || keyword.replace(' ', "") == squeezed
}

fn choice(squeezed: &str) -> Option<Reply> {
    match squeezed {
        "1" => Some(Reply::Choice(1)),
        "2" => Some(Reply::Choice(2)),
        "3" => Some(Reply::Choice(3)),
        _ => None,
    }
}

fn confirm(squeezed: &str) -> Option<Reply> {
    let digits = YES.iter().find_map(|yes| squeezed.strip_prefix(yes))?;
    match digits.as_bytes() {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(Reply::Confirm((a - b'0') * 10 + (b - b'0'))),
        _ => None,
    }
}

fn authorise(words: &[String]) -> Option<Reply> {
    let (first, rest) = words.split_first()?;
    if !AUTHORISE.iter().any(|w| crate::folding::fold(w) == *first) {
        return None;
    }
    let number = rest.concat();
    match number.len() {
        0 => Some(Reply::Authorise(None)),
        7..=15 if number.bytes().all(|b| b.is_ascii_digit()) => Some(Reply::Authorise(Some(number))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_each_keyword_in_three_languages_however_it_is_typed() {
        for text in [
            "JESTEM",
            "jestem",
            " Jestem!",
            "jestem.",
            "J E S T E M",
            "JESTEM 🙂",
            "Я тут",
            "тут",
            "Here",
            "I'm here",
            "I’m here",
        ] {
            assert_eq!(parse(text), Reply::Here, "{text:?}");
        }
        for text in ["status", "STATUS?", "статус", "Stan"] {
            assert_eq!(parse(text), Reply::Status, "{text:?}");
        }
        for text in ["dłużej", "DLUZEJ", "Dluzej,", "przedłuż", "довше", "longer"] {
            assert_eq!(parse(text), Reply::Longer, "{text:?}");
        }
        for text in ["rezygnuję", "REZYGNUJE", "відмовляюся", "cancel"] {
            assert_eq!(parse(text), Reply::GiveUp, "{text:?}");
        }
        assert_eq!(parse("odwołaj"), Reply::Revoke);
        assert_eq!(parse("Відкликати"), Reply::Revoke);
        assert_eq!(parse("POMOC"), Reply::Help);
        assert_eq!(parse("стоп"), Reply::Stop);
    }

    #[test]
    fn reads_choices_confirmations_and_delegates() {
        assert_eq!(parse(" 2 "), Reply::Choice(2));
        assert_eq!(parse("4"), Reply::Free);
        assert_eq!(parse("TAK 42"), Reply::Confirm(42));
        assert_eq!(parse("tak42."), Reply::Confirm(42));
        assert_eq!(parse("так 07"), Reply::Confirm(7));
        assert_eq!(parse("tak"), Reply::Free);
        assert_eq!(parse("tak 142"), Reply::Free);
        assert_eq!(parse("Upoważnij"), Reply::Authorise(None));
        assert_eq!(parse("UPOWAZNIJ +48 600-100-813"), Reply::Authorise(Some("48600100813".into())));
    }

    #[test]
    fn anything_else_is_for_a_person() {
        for text in [
            "",
            " ",
            "nie jestem",
            "jestem jutro o 15",
            "czy jestem wpisany?",
            "status zamówienia 5 proszę o telefon",
            "nie rezygnuje",
            "stop ze spamem proszę",
            "123456",
            "tak",
            "👍",
        ] {
            assert_eq!(parse(text), Reply::Free, "{text:?}");
        }
    }
}
