//! What the gateway's tasks say of themselves, for health, metrics, the pill and HQ.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// The uplink, as the screen shows it.
#[derive(Clone, Debug, Default)]
pub struct LinkStatus {
    /// The TCP and MQTT connection stands.
    pub connected: bool,
    /// HQ was heard lately; this is what the pill says.
    pub online: bool,
    /// Since when it is not, milliseconds since the Unix epoch.
    pub offline_since_ms: Option<i64>,
    /// The last reason of a break.
    pub last_error: Option<String>,
    /// Payloads that could not be read.
    pub unreadable: u64,
    /// Unsigned or wrongly signed batches that were refused.
    pub unsigned: u64,
    /// Another box has taken over.
    pub superseded: bool,
    /// A snapshot is awaited after a restore.
    pub recovery: bool,
}

/// The modem, as the screen shows it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ModemStatus {
    /// One is configured.
    pub configured: bool,
    /// The port is open and the modem answers.
    pub ready: bool,
    /// `home`, `roaming`, `searching`, `denied`, `none`.
    pub registration: String,
    /// Signal in dBm.
    pub dbm: Option<i16>,
    /// Signal in bars, 0 to 4.
    pub bars: u8,
    /// The network's name.
    pub operator: String,
    /// `ready`, `absent`, `pin`, `puk` …
    pub sim: String,
    /// The model.
    pub model: String,
    /// Why nothing is sent, when something stands in the way.
    pub paused: Option<String>,
    /// Since when it cannot send, milliseconds since the Unix epoch.
    pub down_since_ms: Option<i64>,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Status {
    link: Mutex<LinkStatus>,
    modem: Mutex<ModemStatus>,
    config: Mutex<Option<String>>,
}

impl Status {
    /// The uplink.
    pub fn link(&self) -> MutexGuard<'_, LinkStatus> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The modem.
    pub fn modem(&self) -> MutexGuard<'_, ModemStatus> {
        self.modem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why HQ's last bundle is not in force, when it is not.
    pub fn config_refused(&self) -> MutexGuard<'_, Option<String>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
