//! `[store] [storage] [uplink] [[modem]] [web] [counter]`: the gateway's own configuration. What HQ configures (hours,
//! hold rules, templates) comes as a signed bundle instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use gsm_modem::profile::ProfileName;
use jiff::tz::TimeZone;
use serde::Deserialize;
use shop_model::ids::{ChainId, StoreId};
use shop_model::language::Language;
use shop_model::phone::Phone;
use store_daemon::broker::{self, BrokerConfig, BrokerTiming};
use store_daemon::config::{self, ConfigError};
use store_daemon::web::WebConfig;

use crate::calls::config::{self as calls, Calls};
use crate::tills::config::{self as tills, TillsConfig};

/// The whole file.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are.
    pub store: Store,
    /// Folder of databases and recordings.
    pub storage: PathBuf,
    /// Between two backups of the main database.
    pub backup_every: Duration,
    /// The broker.
    pub broker: BrokerConfig,
    /// Timing of the link to it.
    pub broker_timing: BrokerTiming,
    /// No progress for this long: send again.
    pub stall: Duration,
    /// HQ's Ed25519 public key; with it unsigned P0 batches and bundles are refused.
    pub hq_key: Option<[u8; 32]>,
    /// The modem; none on a box without one.
    pub modem: Option<Modem>,
    /// The counter's pages and the API.
    pub web: WebConfig,
    /// The counter's rules.
    pub counter: Counter,
    /// Waits of the message queue.
    pub messages: crate::messages::Timing,
    /// Phones, trunk, and what callers hear.
    pub calls: Calls,
    /// Tills; a store without them prints by its browser.
    pub tills: Option<TillsConfig>,
}

/// `[store]`.
#[derive(Clone, Debug)]
pub struct Store {
    /// The chain of shops.
    pub chain: ChainId,
    /// This shop.
    pub id: StoreId,
    /// Its name on screens and in texts.
    pub name: String,
    /// Its time zone.
    pub timezone: TimeZone,
    /// The language of its screens.
    pub language: Language,
    /// The number that customers text and ring, for the poster on the door.
    pub phone: Option<Phone>,
}

/// One `[[modem]]`.
#[derive(Clone, Debug)]
pub struct Modem {
    /// Path of the AT port.
    pub port: PathBuf,
    /// What is known of the model.
    pub profile: ProfileName,
    /// Line speed.
    pub baud: u32,
    /// SIM PIN.
    pub pin: Option<String>,
    /// Wait for the prompt.
    pub prompt: Duration,
    /// Wait for the answer to a submission; the profile's without it.
    pub submit: Option<Duration>,
    /// Quiet after an unknown; the profile's without it.
    pub quiet: Option<Duration>,
    /// The way of its calls' sound; without one it sends texts only, and its calls ring out.
    pub voice: Option<store_sound::port::Config>,
}

/// `[counter]`.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Whether a bag's label must be scanned before the hand-over.
    pub bag_scan: BagScan,
    /// How long a hand-over can be undone.
    pub undo: Duration,
    /// The first lock after wrong codes.
    pub code_lock: Duration,
    /// A wait this long turns amber.
    pub arrived_amber: Duration,
    /// A wait this long turns red.
    pub arrived_red: Duration,
}

/// `[counter] bag_scan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BagScan {
    /// Not asked for.
    Off,
    /// Asked for; a hand-over without it goes through.
    #[default]
    Warn,
    /// No hand-over without it.
    Required,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: StoreFile,
    storage: StorageFile,
    uplink: UplinkFile,
    #[serde(default)]
    modem: Vec<ModemFile>,
    web: WebConfig,
    #[serde(default)]
    counter: CounterFile,
    #[serde(default)]
    messages: crate::messages::Timing,
    sip: Option<calls::SipFile>,
    #[serde(default)]
    voice: calls::VoiceFile,
    tills: Option<tills::TillsFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    chain: String,
    id: String,
    name: String,
    #[serde(default = "warsaw")]
    timezone: String,
    #[serde(default = "polish")]
    language: String,
    phone: Option<String>,
}

fn warsaw() -> String {
    "Europe/Warsaw".into()
}

fn polish() -> String {
    "pl".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StorageFile {
    path: PathBuf,
    #[serde(default = "n::<21_600>")]
    backup_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UplinkFile {
    url: String,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    hq_key: Option<String>,
    #[serde(default = "n::<20>")]
    keepalive_s: u64,
    #[serde(default = "n::<500>")]
    retry_min_ms: u64,
    #[serde(default = "n::<60_000>")]
    retry_max_ms: u64,
    #[serde(default = "n::<10>")]
    stall_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModemFile {
    port: PathBuf,
    #[serde(default = "auto")]
    profile: String,
    #[serde(default = "baud")]
    baud: u32,
    pin: Option<String>,
    #[serde(default = "n::<5_000>")]
    prompt_ms: u64,
    submit_ms: Option<u64>,
    quiet_ms: Option<u64>,
    voice: Option<ModemVoiceFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModemVoiceFile {
    /// A serial port with raw sound.
    pcm: Option<PathBuf>,
    /// Sound cards, by name.
    input: Option<String>,
    output: Option<String>,
}

fn auto() -> String {
    "auto".into()
}

fn baud() -> u32 {
    115_200
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CounterFile {
    bag_scan: BagScan,
    undo_s: Option<u64>,
    code_lock_s: Option<u64>,
    arrived_amber_s: Option<u64>,
    arrived_red_s: Option<u64>,
}

const fn n<const N: u64>() -> u64 {
    N
}

/// Symbols a second of a real line with raw sound; USB ports ignore it.
const PCM_BAUD: u32 = 921_600;

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file and the key.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let file: File = config::load(path)?;
        let refuse = |at: &str, why: String| ConfigError::value(path, at, why);
        file.web.check().map_err(|(at, why)| refuse(at, why))?;
        let uplink = file.uplink;
        let hq_key = uplink.hq_key.as_deref().map(key_of).transpose().map_err(|why| refuse("uplink.hq_key", why))?;
        let broker_timing = BrokerTiming {
            keepalive: at_least(uplink.keepalive_s, 1)
                .map_or_else(|why| Err(refuse("uplink.keepalive_s", why)), |s| Ok(Duration::from_secs(s)))?,
            retry_min: Duration::from_millis(uplink.retry_min_ms),
            retry_max: Duration::from_millis(uplink.retry_max_ms.max(uplink.retry_min_ms)),
        };
        let broker = BrokerConfig { url: uplink.url, ca: uplink.ca, cert: uplink.cert, key: uplink.key };
        broker::check(&broker).map_err(|e| refuse("uplink", format!("{e:#}")))?;
        let mut modems = file.modem.into_iter();
        let modem = modems.next().map(|m| modem_of(m).map_err(|(at, why)| refuse(at, why))).transpose()?;
        if modems.next().is_some() {
            return Err(refuse("modem[1]", "a gateway drives one modem".into()));
        }
        let counter = file.counter;
        let store = store_of(file.store).map_err(|(at, why)| refuse(at, why))?;
        let calls = calls::calls_of(file.sip, file.voice, store.language).map_err(|(at, why)| refuse(&at, why))?;
        let tills = file.tills.as_ref().map(tills::tills_of).transpose().map_err(|(at, why)| refuse(at, why))?;
        let seconds = |value: Option<u64>, default: u64| Duration::from_secs(value.unwrap_or(default));
        Ok(Config {
            store,
            storage: file.storage.path,
            backup_every: at_least(file.storage.backup_s, 1)
                .map_or_else(|why| Err(refuse("storage.backup_s", why)), |s| Ok(Duration::from_secs(s)))?,
            broker,
            broker_timing,
            stall: Duration::from_secs(uplink.stall_s.max(1)),
            hq_key,
            modem,
            web: file.web,
            counter: Counter {
                bag_scan: counter.bag_scan,
                undo: seconds(counter.undo_s, 600),
                code_lock: seconds(counter.code_lock_s, 60),
                arrived_amber: seconds(counter.arrived_amber_s, 180),
                arrived_red: seconds(counter.arrived_red_s, 300),
            },
            messages: file.messages,
            calls,
            tills,
        })
    }

    /// Whether calls of the SIM can be answered.
    pub fn sim_voice_is_set(&self) -> bool {
        self.modem.as_ref().is_some_and(|modem| modem.voice.is_some())
    }

    /// The main database.
    pub fn database(&self) -> PathBuf {
        self.storage.join("shop.db")
    }

    /// The generation witness: beside the folder's databases, never in a backup.
    pub fn witness(&self) -> PathBuf {
        self.storage.join("generation")
    }

    /// The gateway's key and certificate for tills: never in a backup.
    pub fn tills_identity(&self) -> PathBuf {
        self.storage.join("tills.json")
    }

    /// The key file: never in a backup.
    pub fn keys(&self) -> PathBuf {
        self.storage.join("keys")
    }
}

type Refusal = (&'static str, String);

fn at_least(value: u64, least: u64) -> Result<u64, String> {
    if value < least { Err(format!("{value} is below {least}")) } else { Ok(value) }
}

fn key_of(text: &str) -> Result<[u8; 32], String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|e| format!("is not base64: {e}"))?;
    bytes.try_into().map_err(|b: Vec<u8>| format!("is {} bytes long, an Ed25519 public key has 32", b.len()))
}

fn store_of(file: StoreFile) -> Result<Store, Refusal> {
    if file.name.trim().is_empty() {
        return Err(("store.name", "is empty".into()));
    }
    Ok(Store {
        chain: ChainId::parse(&file.chain).map_err(|e| ("store.chain", e.to_string()))?,
        id: StoreId::parse(&file.id).map_err(|e| ("store.id", e.to_string()))?,
        name: file.name,
        timezone: TimeZone::get(&file.timezone).map_err(|e| ("store.timezone", e.to_string()))?,
        language: Language::parse(&file.language)
            .ok_or_else(|| ("store.language", format!("{:?} is none of pl, uk, en", file.language)))?,
        phone: file.phone.as_deref().map(Phone::parse).transpose().map_err(|e| ("store.phone", e.to_string()))?,
    })
}

fn modem_of(file: ModemFile) -> Result<Modem, Refusal> {
    let profile = ProfileName::parse(&file.profile)
        .ok_or_else(|| ("modem[0].profile", format!("{:?} is no known profile", file.profile)))?;
    if file.baud < 1_200 {
        return Err(("modem[0].baud", format!("{} is too slow", file.baud)));
    }
    Ok(Modem {
        port: file.port,
        profile,
        baud: file.baud,
        pin: file.pin,
        prompt: Duration::from_millis(file.prompt_ms),
        submit: file.submit_ms.map(Duration::from_millis),
        quiet: file.quiet_ms.map(Duration::from_millis),
        voice: file.voice.map(modem_voice_of).transpose()?,
    })
}

fn modem_voice_of(file: ModemVoiceFile) -> Result<store_sound::port::Config, Refusal> {
    use store_sound::port::{Config, Device, Queues};
    let device = match (file.pcm, file.input, file.output) {
        (Some(path), None, None) => Ok(Device::Tty { path, baud: PCM_BAUD }),
        (None, Some(input), Some(output)) => Ok(Device::Card { input, output, rate: None }),
        _ => Err(("modem[0].voice", "needs either pcm, or input and output".into())),
    };
    device.map(|device| Config { device, queues: Queues::default() })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const GOOD: &str = r#"
        [store]
        chain = "sklepx"
        id = "wola"
        name = "Wola"
        [storage]
        path = "/var/lib/store-gateway"
        [uplink]
        url = "mqtt://127.0.0.1:1883"
        [[modem]]
        port = "/dev/ttyUSB2"
        profile = "ec25"
        [web]
        listen = "127.0.0.1:0"
    "#;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path).map_err(|e| e.to_string())
    }

    /// The short file with more lines behind it.
    pub(crate) fn load_with(more: &str) -> Result<Config, String> {
        load(&format!("{GOOD}{more}"))
    }

    #[test]
    fn a_short_file_is_enough() {
        let config = load(GOOD).unwrap();
        assert_eq!(config.counter.undo, Duration::from_secs(600));
        assert_eq!(config.modem.unwrap().baud, 115_200);
        assert_eq!(config.store.timezone.iana_name(), Some("Europe/Warsaw"));
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let cases = [
            ("id = \"wola\"", "id = \"Wola!\"", "store.id"),
            ("name = \"Wola\"", "name = \"Wola\"\ntimezone = \"Mars/Base\"", "store.timezone"),
            ("name = \"Wola\"", "name = \"Wola\"\nlanguage = \"de\"", "store.language"),
            ("profile = \"ec25\"", "profile = \"nokia\"", "modem[0].profile"),
            ("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:80\"", "web.listen"),
            ("url = \"mqtt://127.0.0.1:1883\"", "url = \"http://x\"", "uplink"),
            ("url = \"mqtt://127.0.0.1:1883\"", "url = \"mqtt://x\"\nhq_key = \"AAAA\"", "uplink.hq_key"),
            ("name = \"Wola\"", "name = \"Wola\"\nphone = \"12\"", "store.phone"),
            ("[storage]", "[storage]\ncolour = 1", "storage"),
        ];
        for (good, bad, key) in cases {
            let said = load(&GOOD.replace(good, bad)).unwrap_err();
            assert!(said.contains(key), "{bad}: {said}");
        }
    }
}
