//! Money: an integer of minor units with a currency. No floats anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// A number of minor units (grosze, cents) whose currency is the order's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// The sum, held at the ends of the range.
    #[must_use]
    pub const fn plus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0))
    }

    /// The difference, held at the ends of the range.
    #[must_use]
    pub const fn minus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }

    /// The price of `quantity` pieces, held at the ends of the range.
    #[must_use]
    pub const fn times(self, quantity: u32) -> Amount {
        Amount(self.0.saturating_mul(quantity as i64))
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The amount with its currency.
    pub const fn of(self, currency: Currency) -> Money {
        Money { amount: self, currency }
    }
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text that is no currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three letters A to Z (ISO 4217)")]
pub struct CurrencyError;

impl Currency {
    /// The Polish złoty.
    pub const PLN: Currency = Currency(*b"PLN");

    /// Reads a code such as `PLN`.
    ///
    /// # Errors
    /// [`CurrencyError`] unless the text is three letters A to Z.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(CurrencyError),
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits after the decimal separator (ISO 4217, table A.1).
    pub const fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    const fn symbol(self) -> Option<&'static str> {
        match &self.0 {
            b"PLN" => Some("zł"),
            b"EUR" => Some("€"),
            b"UAH" => Some("₴"),
            b"GBP" => Some("£"),
            b"CZK" => Some("Kč"),
            _ => None,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;
    fn try_from(text: String) -> Result<Self, CurrencyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(c: Currency) -> String {
        c.as_str().to_owned()
    }
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units.
    pub amount: Amount,
    /// Their currency.
    pub currency: Currency,
}

impl Money {
    /// Writes the amount as people of that language do: `329,70 zł` in Polish and Ukrainian, `329.70 zł` in English.
    /// Thousands are grouped from five digits on. The spaces are ordinary ones, so that the text can go into an SMS.
    pub fn format(self, language: Language) -> String {
        let (decimal, group) = match language {
            Language::Pl | Language::Uk => (',', ' '),
            Language::En => ('.', ','),
        };
        let digits = self.currency.minor_digits();
        let unit = 10_u64.pow(digits);
        let size = self.amount.0.unsigned_abs();
        let mut text = String::new();
        if self.amount.0 < 0 {
            text.push('-');
        }
        push_grouped(&mut text, size / unit, group);
        if digits > 0 {
            text.push(decimal);
            text.push_str(&format!("{:0width$}", size % unit, width = digits as usize));
        }
        text.push(' ');
        text.push_str(self.currency.symbol().unwrap_or(self.currency.as_str()));
        text
    }
}

fn push_grouped(text: &mut String, whole: u64, group: char) {
    let digits = whole.to_string();
    for (i, c) in digits.chars().enumerate() {
        if digits.len() > 4 && i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(group);
        }
        text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zloty(minor: i64) -> Money {
        Amount(minor).of(Currency::PLN)
    }

    #[test]
    fn writes_zloty_as_the_counter_shows_them() {
        assert_eq!(zloty(32_970).format(Language::Pl), "329,70 zł");
        assert_eq!(zloty(32_970).format(Language::Uk), "329,70 zł");
        assert_eq!(zloty(32_970).format(Language::En), "329.70 zł");
        assert_eq!(zloty(5).format(Language::Pl), "0,05 zł");
        assert_eq!(zloty(-1).format(Language::Pl), "-0,01 zł");
    }

    #[test]
    fn groups_thousands_from_five_digits() {
        assert_eq!(zloty(123_456).format(Language::Pl), "1234,56 zł");
        assert_eq!(zloty(123_456_789).format(Language::Pl), "1 234 567,89 zł");
        assert_eq!(zloty(1_234_567).format(Language::En), "12,345.67 zł");
        assert_eq!(zloty(i64::MIN).format(Language::Pl), "-92 233 720 368 547 758,08 zł");
    }

    #[test]
    fn follows_the_currency_s_minor_unit() {
        assert_eq!(Amount(1_500).of(Currency::parse("JPY").unwrap()).format(Language::En), "1500 JPY");
        assert_eq!(Amount(1_500).of(Currency::parse("KWD").unwrap()).format(Language::Pl), "1,500 KWD");
        assert_eq!(Amount(1_999).of(Currency::parse("EUR").unwrap()).format(Language::Pl), "19,99 €");
    }

    #[test]
    fn refuses_what_is_no_code() {
        for bad in ["", "PL", "pln", "PLNX", "P1N", "zł"] {
            assert_eq!(Currency::parse(bad), Err(CurrencyError), "{bad:?}");
        }
    }
}
