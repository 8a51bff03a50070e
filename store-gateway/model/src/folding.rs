//! Folding of letters for matching: lower case, without diacritics. Used for search and for customers' replies, never
//! for what is shown or sent.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds one text: canonical decomposition without combining marks, lower case, and the Polish `ł`, which has no
/// decomposition.
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ł' { 'l' } else { c })
        .collect()
}

/// The folded words of a text: runs of letters and digits, in order. An apostrophe inside a word is dropped (the
/// Ukrainian `п'ять` is one word however it is typed).
pub fn words(text: &str) -> Vec<String> {
    let text: String = fold(text).chars().filter(|c| !matches!(c, '\'' | '’' | 'ʼ' | '`')).collect();
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_polish_and_leaves_other_scripts_readable() {
        assert_eq!(fold("PRZEDŁUŻ Źdźbło ĄĘŚĆ"), "przedluz zdzblo aesc");
        assert_eq!(words("  Я тут!! "), ["я", "тут"]);
        assert_eq!(words("J-E-S-T_E_M."), ["j", "e", "s", "t", "e", "m"]);
    }
}
