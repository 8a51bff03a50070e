//! Numbers as words, and the forms of what they count.

use shop_model::language::Language;
use shop_model::money::{Currency, Money};

/// The gender of what is counted; it shows in one and two only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gender {
    Masculine,
    Feminine,
    Neuter,
}

/// The forms of a counted noun: of one, of two to four, of five and more.
pub(super) type Forms = [&'static str; 3];

const PL: [&str; 20] = [
    "zero",
    "jeden",
    "dwa",
    "trzy",
    "cztery",
    "pięć",
    "sześć",
    "siedem",
    "osiem",
    "dziewięć",
    "dziesięć",
    "jedenaście",
    "dwanaście",
    "trzynaście",
    "czternaście",
    "piętnaście",
    "szesnaście",
    "siedemnaście",
    "osiemnaście",
    "dziewiętnaście",
];
const PL_TENS: [&str; 8] = [
    "dwadzieścia",
    "trzydzieści",
    "czterdzieści",
    "pięćdziesiąt",
    "sześćdziesiąt",
    "siedemdziesiąt",
    "osiemdziesiąt",
    "dziewięćdziesiąt",
];
const PL_HUNDREDS: [&str; 9] =
    ["sto", "dwieście", "trzysta", "czterysta", "pięćset", "sześćset", "siedemset", "osiemset", "dziewięćset"];

const UK: [&str; 20] = [
    "нуль",
    "один",
    "два",
    "три",
    "чотири",
    "п'ять",
    "шість",
    "сім",
    "вісім",
    "дев'ять",
    "десять",
    "одинадцять",
    "дванадцять",
    "тринадцять",
    "чотирнадцять",
    "п'ятнадцять",
    "шістнадцять",
    "сімнадцять",
    "вісімнадцять",
    "дев'ятнадцять",
];
const UK_TENS: [&str; 8] =
    ["двадцять", "тридцять", "сорок", "п'ятдесят", "шістдесят", "сімдесят", "вісімдесят", "дев'яносто"];
const UK_HUNDREDS: [&str; 9] =
    ["сто", "двісті", "триста", "чотириста", "п'ятсот", "шістсот", "сімсот", "вісімсот", "дев'ятсот"];

const EN: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const EN_TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Larger numbers are not spoken as words: no order costs a million.
const MOST: u64 = 999_999;

/// A number in words.
pub(super) fn cardinal(language: Language, number: u64, gender: Gender) -> String {
    if number > MOST {
        return number.to_string();
    }
    let (thousands, rest) = (number / 1_000, number % 1_000);
    let mut words = Vec::new();
    if thousands > 0 {
        words.push(thousands_in_words(language, thousands));
    }
    if rest > 0 || thousands == 0 {
        // English puts an "and" before what is below a hundred.
        if language == Language::En && thousands > 0 && rest < 100 {
            words.push("and".to_owned());
        }
        words.push(below_thousand(language, rest as usize, gender));
    }
    words.join(" ")
}

fn thousands_in_words(language: Language, thousands: u64) -> String {
    match (language, thousands) {
        (Language::Pl, 1) => "tysiąc".to_owned(),
        (Language::Uk, 1) => "тисяча".to_owned(),
        (Language::Pl, n) => {
            let count = below_thousand(language, n as usize, Gender::Masculine);
            format!("{count} {}", form(language, n, ["tysiąc", "tysiące", "tysięcy"]))
        }
        (Language::Uk, n) => {
            let count = below_thousand(language, n as usize, Gender::Feminine);
            format!("{count} {}", form(language, n, ["тисяча", "тисячі", "тисяч"]))
        }
        (Language::En, n) => format!("{} thousand", below_thousand(language, n as usize, Gender::Neuter)),
    }
}

fn below_thousand(language: Language, number: usize, gender: Gender) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    let mut words = Vec::new();
    match (language, hundreds) {
        (_, 0) => {}
        (Language::Pl, n) => words.push(PL_HUNDREDS[n - 1].to_owned()),
        (Language::Uk, n) => words.push(UK_HUNDREDS[n - 1].to_owned()),
        (Language::En, n) if rest > 0 => words.push(format!("{} hundred and", EN[n])),
        (Language::En, n) => words.push(format!("{} hundred", EN[n])),
    }
    if rest > 0 || hundreds == 0 {
        words.push(below_hundred(language, rest, gender, number));
    }
    words.join(" ")
}

fn below_hundred(language: Language, number: usize, gender: Gender, whole: usize) -> String {
    let (ones, tens) = match language {
        Language::Pl => (PL, PL_TENS),
        Language::Uk => (UK, UK_TENS),
        Language::En => (EN, EN_TENS),
    };
    let small = |n: usize| match (language, gender, n) {
        // A Polish one agrees only when it stands alone: "dwadzieścia jeden zamówień".
        (Language::Pl, Gender::Neuter, 1) if whole == 1 => "jedno",
        (Language::Pl, Gender::Feminine, 1) if whole == 1 => "jedna",
        (Language::Pl, Gender::Feminine, 2) => "dwie",
        (Language::Uk, Gender::Neuter, 1) => "одне",
        (Language::Uk, Gender::Feminine, 1) => "одна",
        (Language::Uk, Gender::Feminine, 2) => "дві",
        _ => ones[n],
    };
    match (number / 10, number % 10) {
        (0 | 1, _) => small(number).to_owned(),
        (ten, 0) => tens[ten - 2].to_owned(),
        (ten, one) if language == Language::En => format!("{}-{}", tens[ten - 2], ones[one]),
        (ten, one) => format!("{} {}", tens[ten - 2], small(one)),
    }
}

/// The form of a counted noun (Unicode CLDR's plural rules for integers). English uses the first and the last.
pub(super) const fn form(language: Language, number: u64, forms: Forms) -> &'static str {
    let few = matches!(number % 10, 2..=4) && !matches!(number % 100, 12..=14);
    match language {
        Language::En if number == 1 => forms[0],
        Language::En => forms[2],
        Language::Pl if number == 1 => forms[0],
        Language::Uk if number % 10 == 1 && number % 100 != 11 => forms[0],
        Language::Pl | Language::Uk if few => forms[1],
        Language::Pl | Language::Uk => forms[2],
    }
}

/// A number and what it counts.
pub(super) fn counted(language: Language, number: u64, gender: Gender, forms: Forms) -> String {
    format!("{} {}", cardinal(language, number, gender), form(language, number, forms))
}

/// An order's number, sign by sign: digits as words, other signs as a pause, letters as they are.
pub(super) fn spelled(language: Language, text: &str) -> String {
    let mut words = String::new();
    for sign in text.chars() {
        match sign.to_digit(10) {
            Some(digit) => push_word(&mut words, &cardinal(language, u64::from(digit), Gender::Masculine)),
            None if sign.is_alphabetic() => push_word(&mut words, &sign.to_uppercase().to_string()),
            None if words.is_empty() || words.ends_with(',') => {}
            None => words.push(','),
        }
    }
    words.trim_end_matches(',').to_owned()
}

fn push_word(words: &mut String, word: &str) {
    if !words.is_empty() {
        words.push(' ');
    }
    words.push_str(word);
}

/// An amount in words; `None` in a currency whose forms are not known: nothing is said rather than something wrong.
pub(super) fn money(language: Language, money: Money) -> Option<String> {
    let minor = money.amount.0.unsigned_abs();
    let (major_forms, minor_forms) = currency_forms(language, money.currency)?;
    let (whole, rest) = (minor / 100, minor % 100);
    let major = counted(language, whole, Gender::Masculine, major_forms);
    Some(match (whole, rest) {
        (_, 0) => major,
        (0, _) => counted(language, rest, Gender::Masculine, minor_forms),
        _ => format!("{major} {}", counted(language, rest, Gender::Masculine, minor_forms)),
    })
}

const fn currency_forms(language: Language, currency: Currency) -> Option<(Forms, Forms)> {
    let is_zloty = matches!(currency, Currency::PLN);
    if !is_zloty {
        return None;
    }
    Some(match language {
        Language::Pl => (["złoty", "złote", "złotych"], ["grosz", "grosze", "groszy"]),
        Language::Uk => (["злотий", "злоті", "злотих"], ["грош", "гроші", "грошів"]),
        Language::En => (["zloty", "", "zlotys"], ["grosz", "", "groszy"]),
    })
}

#[cfg(test)]
mod tests {
    use shop_model::money::Amount;

    use super::*;

    fn words(language: Language, number: u64) -> String {
        cardinal(language, number, Gender::Masculine)
    }

    #[test]
    fn polish_numbers() {
        for (number, spoken) in [
            (0, "zero"),
            (14, "czternaście"),
            (21, "dwadzieścia jeden"),
            (100, "sto"),
            (119, "sto dziewiętnaście"),
            (240, "dwieście czterdzieści"),
            (1_000, "tysiąc"),
            (2_305, "dwa tysiące trzysta pięć"),
            (5_012, "pięć tysięcy dwanaście"),
            (22_000, "dwadzieścia dwa tysiące"),
            (112_001, "sto dwanaście tysięcy jeden"),
        ] {
            assert_eq!(words(Language::Pl, number), spoken);
        }
    }

    #[test]
    fn ukrainian_numbers() {
        for (number, spoken) in [
            (19, "дев'ятнадцять"),
            (41, "сорок один"),
            (200, "двісті"),
            (1_002, "тисяча два"),
            (2_090, "дві тисячі дев'яносто"),
            (21_000, "двадцять одна тисяча"),
            (111_500, "сто одинадцять тисяч п'ятсот"),
        ] {
            assert_eq!(words(Language::Uk, number), spoken);
        }
    }

    #[test]
    fn english_numbers() {
        for (number, spoken) in [
            (13, "thirteen"),
            (42, "forty-two"),
            (300, "three hundred"),
            (305, "three hundred and five"),
            (1_001, "one thousand and one"),
            (12_345, "twelve thousand three hundred and forty-five"),
        ] {
            assert_eq!(words(Language::En, number), spoken);
        }
    }

    #[test]
    fn nouns_follow_their_number() {
        let of = |language, number| form(language, number, ["one", "few", "many"]);
        for (number, pl, uk, en) in [
            (1, "one", "one", "one"),
            (2, "few", "few", "many"),
            (5, "many", "many", "many"),
            (11, "many", "many", "many"),
            (12, "many", "many", "many"),
            (21, "many", "one", "many"),
            (22, "few", "few", "many"),
            (112, "many", "many", "many"),
        ] {
            assert_eq!(
                [of(Language::Pl, number), of(Language::Uk, number), of(Language::En, number)],
                [pl, uk, en],
                "{number}"
            );
        }
    }

    #[test]
    fn an_order_s_number_is_spelled() {
        assert_eq!(spelled(Language::Pl, "2026/11"), "dwa zero dwa sześć, jeden jeden");
        assert_eq!(spelled(Language::En, "-zk--07-"), "Z K, zero seven");
        assert_eq!(spelled(Language::Uk, "A5"), "A п'ять");
    }

    #[test]
    fn amounts_have_their_coins() {
        let say = |language, minor| money(language, Amount(minor).of(Currency::PLN)).unwrap_or_default();
        assert_eq!(say(Language::Pl, 12_000), "sto dwadzieścia złotych");
        assert_eq!(say(Language::Pl, 102), "jeden złoty dwa grosze");
        assert_eq!(say(Language::Pl, 2_299), "dwadzieścia dwa złote dziewięćdziesiąt dziewięć groszy");
        assert_eq!(say(Language::Uk, 2_101), "двадцять один злотий один грош");
        assert_eq!(say(Language::En, 100), "one zloty");
        assert_eq!(say(Language::En, 5), "five groszy");
        assert_eq!(money(Language::Pl, Amount(5).of(Currency::parse("EUR").unwrap())), None);
    }
}
