//! HQ's configuration file: reading it, and what its types can't say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use shop_model::ids::ChainId;
use store_daemon::broker::{self, BrokerConfig, BrokerTiming};
use store_daemon::config::{self, ConfigError};
use store_daemon::web::WebConfig;

/// Most API keys, so that a request is compared with few of them.
const API_KEYS_MAX: usize = 64;

/// The whole file. Unknown keys are refused with their path.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[hq]`.
    pub hq: Hq,
    /// `[broker]`.
    pub broker: BrokerConfig,
    /// `[storage]`.
    pub storage: Storage,
    /// `[web]`.
    pub web: WebConfig,
    /// `[[api_key]]`.
    #[serde(default)]
    pub api_key: Vec<ApiKey>,
    /// `[timing]`; every key has a default.
    #[serde(default)]
    pub timing: Timing,
}

/// Who we are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hq {
    /// The chain, as it stands in the topics.
    pub chain: ChainId,
    /// What an order for a store that HQ has never heard of becomes.
    #[serde(default)]
    pub unknown_stores: UnknownStores,
    /// IANA name of the zone in which pages show times.
    #[serde(default = "default_zone")]
    pub timezone: String,
}

/// Where the chain is, unless the file says otherwise.
pub const DEFAULT_ZONE: &str = "Europe/Warsaw";

fn default_zone() -> String {
    DEFAULT_ZONE.to_owned()
}

impl Hq {
    /// The zone in which pages show times.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

/// Orders for stores that neither connected nor were entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownStores {
    /// The order registers the store, which is shown as "never connected": a shop platform may place orders before
    /// the box is plugged in.
    #[default]
    Accept,
    /// Refused with `/problems/unknown-store` until the store connects or somebody enters it.
    Refuse,
}

/// Where the data lie.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// A folder: `hq.db`, its key files and its witness.
    pub path: PathBuf,
    /// Seconds between two backups of the database, at least 1.
    #[serde(default = "six_hours")]
    pub backup_s: u64,
}

const fn six_hours() -> u64 {
    6 * 3_600
}

/// A key of the shop platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Stands in logs and in events as the actor.
    pub name: String,
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub sha256: String,
}

/// Every wait of this process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// MQTT keep-alive.
    pub keepalive_s: u64,
    /// Shortest wait before the broker is tried again.
    pub retry_min_ms: u64,
    /// Longest wait before the broker is tried again.
    pub retry_max_ms: u64,
    /// Between two heartbeats; 10 s at most, for stores count on it.
    pub heartbeat_ms: u64,
    /// A store that says nothing for so long is shown as offline.
    pub silent_s: u64,
    /// A login without use ends after this.
    pub session_idle_s: u64,
    /// Any login ends after this.
    pub session_longest_s: u64,
    /// The first lock after five wrong passwords; each further one is twice as long.
    pub login_lock_s: u64,
    /// How long an `Idempotency-Key` is remembered.
    pub idempotency_h: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            keepalive_s: 20,
            retry_min_ms: 500,
            retry_max_ms: 30_000,
            heartbeat_ms: 5_000,
            silent_s: 90,
            session_idle_s: 3_600,
            session_longest_s: 12 * 3_600,
            login_lock_s: 60,
            idempotency_h: 48,
        }
    }
}

impl Timing {
    /// The broker link's part.
    pub const fn broker(&self) -> BrokerTiming {
        BrokerTiming {
            keepalive: Duration::from_secs(self.keepalive_s),
            retry_min: Duration::from_millis(self.retry_min_ms),
            retry_max: Duration::from_millis(self.retry_max_ms),
        }
    }
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file, the key and what is wrong there.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let config: Config = config::load(path)?;
        let refuse = |at: &str, why: String| ConfigError::value(path, at, why);
        config.web.check().map_err(|(at, why)| refuse(at, why))?;
        broker::check(&config.broker).map_err(|e| refuse("broker", format!("{e:#}")))?;
        jiff::tz::TimeZone::get(&config.hq.timezone)
            .map_err(|_| refuse("hq.timezone", "is no IANA time zone".into()))?;
        config.check_keys().map_err(|(at, why)| refuse(&at, why))?;
        config.check_timing().map_err(|(at, why)| refuse(at, why))?;
        Ok(config)
    }

    fn check_keys(&self) -> Result<(), (String, String)> {
        if self.api_key.len() > API_KEYS_MAX {
            return Err(("api_key".into(), format!("{API_KEYS_MAX} keys are the most")));
        }
        for (n, key) in self.api_key.iter().enumerate() {
            if key.name.is_empty() || key.name.len() > 40 || key.name.chars().any(char::is_control) {
                return Err((format!("api_key[{n}].name"), "needs 1 to 40 printable characters".into()));
            }
            if key.sha256.len() != 64 || !key.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err((format!("api_key[{n}].sha256"), "is no SHA-256 in 64 hexadecimal digits".into()));
            }
        }
        Ok(())
    }

    fn check_timing(&self) -> Result<(), (&'static str, String)> {
        let t = &self.timing;
        let bounds = [
            ("timing.keepalive_s", t.keepalive_s, 5, 600),
            ("timing.retry_min_ms", t.retry_min_ms, 10, 60_000),
            ("timing.retry_max_ms", t.retry_max_ms, t.retry_min_ms, 600_000),
            ("timing.heartbeat_ms", t.heartbeat_ms, 100, 10_000),
            ("timing.silent_s", t.silent_s, 1, 86_400),
            ("timing.session_idle_s", t.session_idle_s, 10, 86_400),
            ("timing.session_longest_s", t.session_longest_s, 10, 7 * 86_400),
            ("timing.login_lock_s", t.login_lock_s, 1, 86_400),
            ("timing.idempotency_h", t.idempotency_h, 1, 720),
            ("storage.backup_s", self.storage.backup_s, 1, 7 * 86_400),
        ];
        match bounds.into_iter().find(|&(_, value, least, most)| value < least || value > most) {
            Some((at, _, least, most)) => Err((at, format!("must be from {least} to {most}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[hq]\nchain=\"acme\"\n[broker]\nurl=\"mqtt://127.0.0.1:1\"\n[storage]\npath=\"/tmp/x\"\n\
                        [web]\nlisten=\"127.0.0.1:0\"\n";

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hq.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).map_err(|e| e.to_string())
    }

    #[test]
    fn takes_the_smallest_file() {
        let config = load(GOOD).unwrap();
        assert_eq!(config.hq.unknown_stores, UnknownStores::Accept);
        assert!(config.timing.heartbeat_ms <= 10_000);
    }

    #[test]
    fn names_the_key_that_is_wrong() {
        for (text, place) in [
            (format!("{GOOD}port=1\n"), "port"),
            (GOOD.replace("acme", "ACME!"), "hq.chain"),
            (format!("{GOOD}[[api_key]]\nname=\"shop\"\nsha256=\"12\"\n"), "api_key[0].sha256"),
            (format!("{GOOD}[timing]\nheartbeat_ms=10001\n"), "timing.heartbeat_ms"),
            (GOOD.replace("mqtt://", "http://"), "broker"),
            (GOOD.replace("127.0.0.1:0", "0.0.0.0:80"), "web.listen"),
        ] {
            let said = load(&text).unwrap_err();
            assert!(said.contains(place), "{said}");
        }
    }
}
