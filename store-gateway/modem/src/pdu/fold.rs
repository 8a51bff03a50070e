//! Folding of a text towards the GSM 7 bit alphabet: "bez ogonków", and typographic characters as plain ones.

use super::gsm7::is_gsm7;

/// Latin letters with marks that the alphabet lacks, grouped by their plain letter.
const LETTERS: [(&str, &str); 46] = [
    ("a", "ąáâãăāªǎ"),
    ("A", "ĄÁÂÃĂĀÀ"),
    ("c", "ćčçĉċ"),
    ("C", "ĆČĈĊ"),
    ("d", "ďđð"),
    ("D", "ĎĐÐ"),
    ("e", "ęěêëēėĕ"),
    ("E", "ĘĚÊËĒĖÈĔ"),
    ("g", "ğģĝġ"),
    ("G", "ĞĢĜĠ"),
    ("h", "ĥħ"),
    ("H", "ĤĦ"),
    ("i", "íîïīįıĩ"),
    ("I", "ÍÎÏĪĮİÌ"),
    ("j", "ĵ"),
    ("J", "Ĵ"),
    ("k", "ķ"),
    ("K", "Ķ"),
    ("l", "łĺľļ"),
    ("L", "ŁĹĽĻ"),
    ("n", "ńňņ"),
    ("N", "ŃŇŅ"),
    ("o", "óôõőōº"),
    ("O", "ÓÔÕŐŌÒ"),
    ("r", "řŕŗ"),
    ("R", "ŘŔŖ"),
    ("s", "śšşșŝ"),
    ("S", "ŚŠŞȘŜ"),
    ("t", "ťţțŧ"),
    ("T", "ŤŢȚŦ"),
    ("u", "úûůűūųŭ"),
    ("U", "ÚÛŮŰŪŲÙŬ"),
    ("w", "ŵ"),
    ("W", "Ŵ"),
    ("y", "ýÿŷ"),
    ("Y", "ÝŸŶ"),
    ("z", "źżž"),
    ("Z", "ŹŻŽ"),
    ("oe", "œ"),
    ("OE", "Œ"),
    ("th", "þ"),
    ("Th", "Þ"),
    ("SS", "ẞ"),
    ("fi", "ﬁ"),
    ("fl", "ﬂ"),
    ("ij", "ĳ"),
];

/// Typographic characters, grouped by what stands for them.
const SIGNS: [(&str, &str); 17] = [
    ("'", "‘’‚‛´`ʼ′"),
    ("\"", "“”„‟«»″"),
    ("<", "‹"),
    (">", "›"),
    ("-", "‐‑‒–—―−"),
    ("...", "…"),
    (
        " ",
        "\t\u{A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{3000}",
    ),
    ("", "\u{AD}\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{FE0F}"),
    ("\n", "\u{2028}\u{2029}"),
    ("*", "•·"),
    ("x", "×"),
    ("/", "÷"),
    ("TM", "™"),
    ("(R)", "®"),
    ("(C)", "©"),
    ("1/2", "½"),
    ("st.", "°"),
];

/// Replaces what the GSM 7 bit alphabet lacks by plain letters and signs where there is a fair stand-in; combining
/// marks are dropped. Characters of the alphabet stay as they are, and so does what has no stand-in (Cyrillic, emoji),
/// which then makes the text UCS-2.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if is_gsm7(c) {
            folded.push(c);
        } else if ('\u{300}'..='\u{36F}').contains(&c) {
            continue;
        } else if let Some((plain, _)) = LETTERS.iter().chain(&SIGNS).find(|(_, marked)| marked.contains(c)) {
            folded.push_str(plain);
        } else {
            folded.push(c);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_every_polish_letter() {
        assert_eq!(fold("zażółć gęślą jaźń"), "zazolc gesla jazn");
        assert_eq!(fold("ZAŻÓŁĆ GĘŚLĄ JAŹŃ"), "ZAZOLC GESLA JAZN");
    }

    #[test]
    fn folds_decomposed_letters_and_typography() {
        assert_eq!(fold("o\u{301}semka"), "osemka");
        assert_eq!(fold("„Sklep” – otwarte… 9\u{A0}000\u{202F}zł"), "\"Sklep\" - otwarte... 9 000 zl");
    }

    #[test]
    fn keeps_what_the_alphabet_has_and_what_has_no_stand_in() {
        assert_eq!(fold("äöüñéà€{}[]~^|\\"), "äöüñéà€{}[]~^|\\");
        assert_eq!(fold("Київ 🙂"), "Київ 🙂");
    }

    #[test]
    fn every_stand_in_is_in_the_alphabet_and_every_folded_character_is_not() {
        for (plain, marked) in LETTERS.iter().chain(&SIGNS) {
            assert!(plain.chars().all(is_gsm7), "{plain:?}");
            for c in marked.chars() {
                assert!(!is_gsm7(c), "{c:?} needs no folding");
            }
        }
    }
}
