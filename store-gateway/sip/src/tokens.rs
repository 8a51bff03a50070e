//! Tags, Call-IDs and branches that nobody outside can guess (RFC 3261 §19.3): a keyed hash over a count.

use ring::hmac;

/// Hexadecimal digits of a token: 80 bits.
const DIGITS: usize = 20;

/// A source of tokens. `key` must be new at every start.
pub(crate) struct Tokens {
    key: hmac::Key,
    made: u64,
}

impl Tokens {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), made: 0 }
    }

    /// A token that was not made before.
    pub(crate) fn next(&mut self) -> String {
        self.made += 1;
        let mark = hmac::sign(&self.key, format!("token {}", self.made).as_bytes());
        let mut text = crate::digest::hex(mark.as_ref());
        text.truncate(DIGITS);
        text
    }

    /// A branch with RFC 3261's cookie.
    pub(crate) fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.next())
    }
}
