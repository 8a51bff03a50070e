//! `[till] [gateway] [storage] [[scanner]] [[printer]]`: the whole configuration of a till.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use store_daemon::config::{self, ConfigError};
use till_devices::escpos::profile::Profile;
use till_link::Duty;

mod devices;

/// Letters of the longest name of a till, printer or scanner.
const LONGEST_NAME: usize = 40;
/// Scanners and printers, each: a till has a counter's length of room.
const MOST_DEVICES: usize = 8;

/// The whole file, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The till's name for people.
    pub till: String,
    /// The link to the gateway.
    pub gateway: Gateway,
    /// Folder of journal, identity and the gateway's certificate.
    pub storage: PathBuf,
    /// Its scanners.
    pub scanners: Vec<Scanner>,
    /// Its printers.
    pub printers: Vec<Printer>,
}

/// `[gateway]`.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Host and port of the gateway's `[tills] listen`.
    pub address: String,
    /// After this long without a word of ours a sign of life is sent.
    pub keepalive: Duration,
    /// After this long without a word of the gateway the connection counts as lost.
    pub silence: Duration,
    /// The window of the first wait before a new connection.
    pub retry_min: Duration,
    /// The longest window.
    pub retry_max: Duration,
}

/// One `[[scanner]]`.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Its name at the till.
    pub name: String,
    /// Path of its serial port.
    pub port: PathBuf,
    /// Line speed.
    pub baud: u32,
    /// How its octets become reads.
    pub reading: till_devices::scanner::Config,
}

/// One `[[printer]]`.
#[derive(Clone, Debug)]
pub struct Printer {
    /// Its name at the till.
    pub name: String,
    /// Where it hangs.
    pub place: Place,
    /// What is particular to the model.
    pub profile: Profile,
    /// What it prints.
    pub duties: Vec<Duty>,
    /// Whether a drawer hangs on it.
    pub drawer: bool,
    /// Waits of its jobs.
    pub timing: Timing,
}

/// Where a printer hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A serial port or a character device.
    Device {
        /// Its path.
        path: PathBuf,
        /// Line speed, where it is a serial port.
        baud: u32,
    },
    /// The shop's network.
    Tcp(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device { path, .. } => path.display().fmt(f),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// Waits of a printer's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two questions about the state.
    pub status: Duration,
    /// For an answer, before the printer counts as silent.
    pub answer: Duration,
    /// For paper or a closed cover in the middle of a job.
    pub finish: Duration,
    /// The first wait before a port is opened again.
    pub retry_min: Duration,
    /// The longest.
    pub retry_max: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    till: TillFile,
    gateway: GatewayFile,
    storage: StorageFile,
    #[serde(default)]
    scanner: Vec<devices::ScannerFile>,
    #[serde(default)]
    printer: Vec<devices::PrinterFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TillFile {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StorageFile {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayFile {
    address: String,
    #[serde(default = "n::<10_000>")]
    keepalive_ms: u64,
    #[serde(default = "n::<30_000>")]
    silence_ms: u64,
    #[serde(default = "n::<500>")]
    retry_min_ms: u64,
    #[serde(default = "n::<15_000>")]
    retry_max_ms: u64,
}

const fn n<const N: u64>() -> u64 {
    N
}

/// What is wrong, and at which key.
type Refusal = (String, String);

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file and the key.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let file: File = config::load(path)?;
        Self::of(file).map_err(|(at, why)| ConfigError::value(path, &at, why))
    }

    fn of(file: File) -> Result<Config, Refusal> {
        let config = Config {
            till: name_of("till.name", file.till.name)?,
            gateway: gateway_of(file.gateway)?,
            storage: file.storage.path,
            scanners: each("scanner", file.scanner, devices::scanner_of)?,
            printers: each("printer", file.printer, devices::printer_of)?,
        };
        if config.storage.as_os_str().is_empty() {
            return Err(("storage.path".into(), "is empty".into()));
        }
        unique("scanner", config.scanners.iter().map(|scanner| &*scanner.name))?;
        unique("printer", config.printers.iter().map(|printer| &*printer.name))?;
        config.ports_differ()?;
        Ok(config)
    }

    /// Two devices on one port would take each other's octets.
    fn ports_differ(&self) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        let scanners = self.scanners.iter().map(|scanner| scanner.port.display().to_string());
        let scanners = scanners.enumerate().map(|(at, place)| (format!("scanner[{at}].port"), place));
        let printers = self.printers.iter().map(|printer| printer.place.to_string());
        let printers = printers.enumerate().map(|(at, place)| (format!("printer[{at}]"), place));
        for (at, place) in scanners.chain(printers) {
            if !seen.insert(place.clone()) {
                return Err((at, format!("{place} is another device's port already")));
            }
        }
        Ok(())
    }
}

fn each<F, T>(table: &str, files: Vec<F>, of: fn(&str, F) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    if files.len() > MOST_DEVICES {
        return Err((format!("{table}[{MOST_DEVICES}]"), format!("a till has at most {MOST_DEVICES} of them")));
    }
    files.into_iter().enumerate().map(|(at, file)| of(&format!("{table}[{at}]"), file)).collect()
}

fn unique<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        if !seen.insert(name) {
            return Err((format!("{table}[{at}].name"), format!("{name:?} is the name of another one")));
        }
    }
    Ok(())
}

fn name_of(at: &str, name: String) -> Result<String, Refusal> {
    let why = match name.chars().count() {
        0 => "is empty",
        letters if letters > LONGEST_NAME => "is longer than 40 letters",
        _ if name.trim() != name || name.chars().any(char::is_control) => "has blanks at an end, or control characters",
        _ => return Ok(name),
    };
    Err((at.to_owned(), why.to_owned()))
}

fn address_of(at: &str, address: String) -> Result<String, Refusal> {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(port)) if port > 0 => Ok(address),
        _ => Err((at.to_owned(), format!("{address:?} is not of the form host:port"))),
    }
}

fn gateway_of(file: GatewayFile) -> Result<Gateway, Refusal> {
    let gateway = Gateway {
        address: address_of("gateway.address", file.address)?,
        keepalive: wait("gateway.keepalive_ms", file.keepalive_ms, 10..=600_000)?,
        silence: wait("gateway.silence_ms", file.silence_ms, 20..=3_600_000)?,
        retry_min: wait("gateway.retry_min_ms", file.retry_min_ms, 10..=600_000)?,
        retry_max: wait("gateway.retry_max_ms", file.retry_max_ms, 10..=600_000)?,
    };
    if gateway.silence <= gateway.keepalive {
        return Err(("gateway.silence_ms".into(), "must be longer than keepalive_ms".into()));
    }
    longest_after_first("gateway.retry_max_ms", gateway.retry_min, gateway.retry_max)?;
    Ok(gateway)
}

fn wait(at: &str, ms: u64, range: std::ops::RangeInclusive<u64>) -> Result<Duration, Refusal> {
    if range.contains(&ms) {
        return Ok(Duration::from_millis(ms));
    }
    Err((at.to_owned(), format!("{ms} is outside {} to {}", range.start(), range.end())))
}

fn longest_after_first(at: &str, first: Duration, longest: Duration) -> Result<(), Refusal> {
    if longest >= first { Ok(()) } else { Err((at.to_owned(), "is below retry_min_ms".into())) }
}

#[cfg(test)]
mod tests;
