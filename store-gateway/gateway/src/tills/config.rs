//! `[tills]`: where tills connect, and what is printed by itself.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

/// `[tills]`.
#[derive(Clone, Copy, Debug)]
pub struct TillsConfig {
    /// Where tills connect. It may be open to the store's network: nobody is heard there but by TLS with a known key.
    pub listen: SocketAddr,
    /// Every hand-over prints a slip at the till of the screen that did it.
    pub collection_slip: bool,
    /// Nothing to say for so long: a sign of life.
    pub keepalive: Duration,
    /// Nothing heard for so long: the connection is dead.
    pub silence: Duration,
    /// A code that enrols a till is good for so long.
    pub code_valid: Duration,
}

/// The file's own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillsFile {
    listen: SocketAddr,
    #[serde(default)]
    collection_slip: bool,
    #[serde(default = "ms::<10_000>")]
    keepalive_ms: u64,
    #[serde(default = "ms::<30_000>")]
    silence_ms: u64,
    #[serde(default = "ms::<600>")]
    code_valid_s: u64,
}

const fn ms<const N: u64>() -> u64 {
    N
}

/// Checks what the file says.
///
/// # Errors
/// The key and what is wrong with it.
pub fn tills_of(file: &TillsFile) -> Result<TillsConfig, (&'static str, String)> {
    if file.keepalive_ms == 0 || file.silence_ms < file.keepalive_ms.saturating_mul(2) {
        return Err(("tills.silence_ms", "must be at least twice keepalive_ms, which must not be 0".into()));
    }
    Ok(TillsConfig {
        listen: file.listen,
        collection_slip: file.collection_slip,
        keepalive: Duration::from_millis(file.keepalive_ms),
        silence: Duration::from_millis(file.silence_ms),
        code_valid: Duration::from_secs(file.code_valid_s),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load_with;

    #[test]
    fn a_listener_is_enough_and_a_silence_too_short_is_named() {
        assert!(load_with("").unwrap().tills.is_none());
        let tills = load_with("[tills]\nlisten = \"127.0.0.1:0\"").unwrap().tills.unwrap();
        assert!(!tills.collection_slip && tills.code_valid.as_secs() == 600);
        let said = load_with("[tills]\nlisten = \"127.0.0.1:0\"\nkeepalive_ms = 500\nsilence_ms = 900").unwrap_err();
        assert!(said.contains("tills.silence_ms"), "{said}");
        let said = load_with("[tills]\nlisten = \"here\"").unwrap_err();
        assert!(said.contains("tills.listen"), "{said}");
    }
}
