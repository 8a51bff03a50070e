//! Digest authentication (RFC 7616, RFC 8760): what is hashed, and how a header's fields are read.
//!
//! Decides nothing about who may come in; `registrar` and `trunk` do. Passwords never reach this side of a store phone:
//! what is kept is HA1. Comparisons take the same time wherever the difference is.

use std::fmt;

use md5::{Digest as _, Md5};
use ring::digest;
use store_voice::dial::Extension;

/// A hash that digest authentication may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// The one to use (RFC 8760 §2.1).
    Sha256,
    /// For phones that know nothing better.
    Md5,
}

impl Algorithm {
    /// As the header writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    pub(crate) fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            // RFC 7616 §3.3: no algorithm means MD5.
            None => Some(Self::Md5),
            Some(text) if text.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            Some(text) if text.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            Some(_) => None,
        }
    }

    /// The digits of a digest.
    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Md5 => 32,
        }
    }

    pub(crate) fn hex(self, text: &str) -> String {
        match self {
            Self::Sha256 => hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()),
            Self::Md5 => hex(&Md5::digest(text.as_bytes())),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of name, realm and password that stands in a configuration. It is as good as the password: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1(String);

/// A text that is no HA1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an HA1 for {} is {} hexadecimal digits", .0.as_str(), .0.hex_digits())]
pub struct Ha1Error(pub Algorithm);

impl Ha1 {
    /// Reads an HA1 as `store-gateway sip hash` prints it.
    ///
    /// # Errors
    /// [`Ha1Error`] for anything but the right number of hexadecimal digits.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, Ha1Error> {
        let good = text.len() == algorithm.hex_digits() && text.bytes().all(|b| b.is_ascii_hexdigit());
        if good { Ok(Self(text.to_ascii_lowercase())) } else { Err(Ha1Error(algorithm)) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self(algorithm.hex(&format!("{user}:{realm}:{password}")))
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(…)")
    }
}

/// Makes the HA1 of a store phone, for `store-gateway sip hash`.
pub fn ha1(algorithm: Algorithm, extension: &Extension, realm: &str, password: &str) -> Ha1 {
    Ha1::of(algorithm, extension.as_str(), realm, password)
}

/// What goes into a response with `qop=auth` (RFC 7616 §3.4.1).
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) nc: &'a str,
    pub(crate) cnonce: &'a str,
}

pub(crate) fn response(algorithm: Algorithm, ha1: &Ha1, asked: &Asked<'_>) -> String {
    let ha2 = algorithm.hex(&format!("{}:{}", asked.method, asked.uri));
    let Asked { nonce, nc, cnonce, .. } = asked;
    algorithm.hex(&format!("{}:{nonce}:{nc}:{cnonce}:auth:{ha2}", ha1.0))
}

/// The response without `qop` (RFC 2069's form), which old trunks still ask for.
pub(crate) fn response_without_qop(algorithm: Algorithm, ha1: &Ha1, method: &str, uri: &str, nonce: &str) -> String {
    let ha2 = algorithm.hex(&format!("{method}:{uri}"));
    algorithm.hex(&format!("{}:{nonce}:{ha2}", ha1.0))
}

/// Compares without telling by its time where two texts differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let difference = a.bytes().zip(b.bytes()).fold(0_u8, |sum, (x, y)| std::hint::black_box(sum | (x ^ y)));
    difference == 0
}

/// The fields of a `Digest` challenge or of credentials.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

/// More fields than this are no digest (RFC 7616 knows a dozen).
const MOST_FIELDS: usize = 24;

impl Fields {
    /// Reads `Digest a="b", c=d`; `None` for another scheme, or a field that is there twice.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut fields = Vec::new();
        for item in crate::message::split_list(rest) {
            let (name, value) = item.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            if fields.len() >= MOST_FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return None;
            }
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            fields.push((name, value.replace("\\\"", "\"").replace("\\\\", "\\")));
        }
        Some(Self(fields))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    #[test]
    fn computes_the_examples_of_rfc_7616() {
        let asked = Asked {
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            nc: "00000001",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        };
        let answer = |algorithm| {
            let ha1 = Ha1::of(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            response(algorithm, &ha1, &asked)
        };
        assert_eq!(answer(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(answer(Algorithm::Sha256), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    }

    /// `printf '201:store.example:secret' | sha256sum`, and `md5sum`.
    #[test]
    fn hashes_a_phone_s_password() {
        let extension = Extension::parse("201").unwrap();
        assert_eq!(
            ha1(Algorithm::Sha256, &extension, "store.example", "secret").as_str(),
            "431f9a5eb32330765b5f7bbacb6b5726a105e1115211cf79da23d66b03efd0d1"
        );
        assert_eq!(
            ha1(Algorithm::Md5, &extension, "store.example", "secret").as_str(),
            "c8cbcf4fca67f2c76dfb708732171147"
        );
    }

    #[test]
    fn reads_fields_with_quotes_and_commas() {
        let fields = Fields::parse(r#"Digest realm="a, \"b\"", qop="auth,auth-int", algorithm=SHA-256"#).unwrap();
        assert_eq!(fields.get("realm"), Some(r#"a, "b""#));
        assert_eq!((fields.get("qop"), fields.get("algorithm")), (Some("auth,auth-int"), Some("SHA-256")));
        assert!(Fields::parse("Basic abc").is_none());
        assert!(Fields::parse("Digest a=1, A=2").is_none(), "a field that is there twice");
    }

    #[test]
    fn an_ha1_has_the_right_length_and_is_never_shown() {
        assert!(Ha1::parse(Algorithm::Sha256, &"ab".repeat(32)).is_ok());
        assert_eq!(Ha1::parse(Algorithm::Sha256, &"ab".repeat(16)), Err(Ha1Error(Algorithm::Sha256)));
        assert_eq!(Ha1::parse(Algorithm::Md5, &"zz".repeat(16)), Err(Ha1Error(Algorithm::Md5)));
        let extension = Extension::parse("201").unwrap();
        let ha1 = ha1(Algorithm::Md5, &extension, "store.example", "secret");
        assert!(!format!("{ha1:?}").contains(ha1.as_str()));
    }
}
