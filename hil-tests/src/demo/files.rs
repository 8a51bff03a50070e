//! The demo's folder: what it remembers from one start to the next, and the configuration of each part.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hil_tests::make_orders::{Orders, Plan};
use jiff::Timestamp;
use nix::fcntl::{Flock, FlockArg};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::{CHAIN, SIP_REALM, STORE};

const MEMORY: &str = "demo.json";
const LOCK: &str = "lock";
/// The orders to drop on HQ's page.
const OFFERED_ORDERS: u64 = 1000;
const ORDERS_SEED: u64 = 1;

/// What lasts from one start to the next.
#[derive(Debug, Serialize, Deserialize)]
pub struct Memory {
    /// When the data began; the orders are promised from then on, so that the same file means the same orders.
    pub since: Timestamp,
    /// The key of HQ's REST interface.
    pub api_key: String,
    /// Staff and HQ's user are in the databases.
    pub people: bool,
    /// The till is joined to the gateway.
    #[serde(default)]
    pub till: bool,
}

/// Ports on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The gateway's pages.
    pub counter: u16,
    /// HQ's pages and REST.
    pub hq: u16,
    /// The customers' phones.
    pub phones: u16,
    /// The switch for the uplink.
    pub switch: u16,
    /// mosquitto.
    pub broker: u16,
    /// The proxy between the gateway and mosquitto.
    pub uplink: u16,
    /// The simulated modem's control.
    pub modem: u16,
    /// The customers' ears at the simulated modem.
    pub sound: u16,
    /// The store's SIP phones.
    pub sip: u16,
    /// The page of the till's desk.
    pub desk: u16,
    /// The gateway's listener for tills.
    pub tills: u16,
    /// The simulated printer.
    pub printer: u16,
    /// The simulated printer's control.
    pub printer_control: u16,
    /// The simulated scanner's control.
    pub scanner: u16,
}

/// The folder with all of the demo's data. Held by one demo at a time.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: Flock<fs::File>,
}

impl Folder {
    /// Opens or makes the folder. `fresh` empties it first.
    ///
    /// # Errors
    /// When another demo holds it, or when `fresh` is asked for a folder that no demo made.
    pub fn open(root: &Path, start: Start) -> Result<Self> {
        let known = root.join(LOCK).exists();
        let empty = fs::read_dir(root).map_or(true, |mut entries| entries.next().is_none());
        if !known && !empty {
            bail!("{} holds other files and no demo; name another folder with --data", root.display());
        }
        fs::create_dir_all(root).with_context(|| format!("make {}", root.display()))?;
        // Pages, databases and keys of the demo are the user's own.
        fs::set_permissions(root, Permissions::from_mode(0o700))
            .with_context(|| format!("close {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("find {}", root.display()))?;
        let file = fs::File::create(root.join(LOCK)).with_context(|| format!("open the lock in {}", root.display()))?;
        let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else {
            bail!("another demo is running on {}; stop it first, or name another folder with --data", root.display());
        };
        let folder = Self { root, _lock: lock };
        if start == Start::Fresh {
            folder.empty()?;
        }
        for part in ["logs", "gateway", "hq", "modem", "till", "till/slips"] {
            fs::create_dir_all(folder.path(part)).with_context(|| format!("make the folder {part}"))?;
        }
        Ok(folder)
    }

    fn empty(&self) -> Result<()> {
        for entry in fs::read_dir(&self.root).context("read the demo's folder")? {
            let entry = entry.context("read the demo's folder")?;
            if entry.file_name() == LOCK {
                continue;
            }
            let path = entry.path();
            let removed = if entry.file_type()?.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.with_context(|| format!("remove {}", path.display()))?;
        }
        Ok(())
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A path inside, as an argument.
    pub fn argument(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// Reads what an earlier start left; `None` for a first one.
    pub fn recall(&self) -> Result<Option<Memory>> {
        let path = self.path(MEMORY);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let memory = serde_json::from_str(&text);
        memory.with_context(|| format!("understand {}; --fresh starts anew", path.display())).map(Some)
    }

    /// Keeps `memory` for the next start.
    pub fn remember(&self, memory: &Memory) -> Result<()> {
        self.write(MEMORY, &serde_json::to_string_pretty(memory).context("write down what to remember")?)
    }

    /// Writes a file that only its owner reads, all of it or nothing.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        write_private(&self.path(name), text)
    }

    /// Writes the configuration of mosquitto and HQ.
    pub fn configure_hq(&self, ports: &Ports, memory: &Memory) -> Result<()> {
        self.write("mosquitto.conf", &broker(ports))?;
        self.write("hq.toml", &self.hq(ports, memory))
    }

    /// Writes the configuration of the gateway, which takes HQ's word only when it is signed with `hq_key`.
    pub fn configure_gateway(&self, ports: &Ports, hq_key: &str, phones: &str) -> Result<()> {
        self.write("gateway.toml", &self.gateway(ports, hq_key, phones))
    }

    /// Writes the till's configuration.
    pub fn configure_till(&self, ports: &Ports) -> Result<()> {
        let text = format!(
            "[till]\nname = \"Kasa 1\"\n\n[gateway]\naddress = \"127.0.0.1:{}\"\nretry_max_ms = 2000\n\n[storage]\npath = {:?}\n\n\
             [[scanner]]\nname = \"ręczny\"\nport = {:?}\n\n\
             [[printer]]\nname = \"paragon\"\ntcp = \"127.0.0.1:{}\"\nprofile = \"epson-tm-t20\"\n\
             duties = [\"slips\", \"labels\"]\ndrawer = true\n",
            ports.tills,
            self.argument("till/bridge"),
            self.argument("till/scanner"),
            ports.printer,
        );
        self.write("till.toml", &text)
    }

    /// Writes the orders to drop on HQ's page.
    pub fn offer_orders(&self, memory: &Memory) -> Result<()> {
        self.write("orders.jsonl", &orders(OFFERED_ORDERS, memory)?)
    }

    fn hq(&self, ports: &Ports, memory: &Memory) -> String {
        let digest = hex(digest::digest(&digest::SHA256, memory.api_key.as_bytes()).as_ref());
        format!(
            "[hq]\nchain = \"{CHAIN}\"\n\n[broker]\nurl = \"mqtt://127.0.0.1:{}\"\n\n[storage]\npath = {:?}\n\n\
             [web]\nlisten = \"127.0.0.1:{}\"\n\n[[api_key]]\nname = \"demo\"\nsha256 = \"{digest}\"\n",
            ports.broker,
            self.argument("hq"),
            ports.hq,
        )
    }

    fn gateway(&self, ports: &Ports, hq_key: &str, phones: &str) -> String {
        format!(
            "[store]\nchain = \"{CHAIN}\"\nid = \"{STORE}\"\nname = \"Kraków, Rynek\"\ntimezone = \"Europe/Warsaw\"\nlanguage = \"pl\"\nphone = \"+48120000000\"\n\n\
             [storage]\npath = {:?}\n\n[uplink]\nurl = \"mqtt://127.0.0.1:{}\"\nhq_key = {hq_key:?}\nretry_max_ms = 2000\n\n\
             [[modem]]\nport = {:?}\nprofile = \"auto\"\nbaud = 115200\n\n[modem.voice]\npcm = {:?}\n\n[web]\nlisten = \"127.0.0.1:{}\"\n\n\
             [tills]\nlisten = \"127.0.0.1:{}\"\ncollection_slip = true\n\n\
             [sip]\nlisten = \"127.0.0.1:{}\"\nrealm = \"{SIP_REALM}\"\nmenu = \"100\"\n\n{}[voice]\nlanguages = [\"pl\", \"uk\", \"en\"]\n\
             ring_s = 20\n",
            self.argument("gateway"),
            ports.uplink,
            self.argument("modem/port"),
            self.argument("modem/sound"),
            ports.counter,
            ports.tills,
            ports.sip,
            phones,
        )
    }
}

/// How to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what is there.
    GoOn,
    /// With nothing.
    Fresh,
}

impl Memory {
    /// A first start: a new key and nobody known.
    pub fn first() -> Result<Self> {
        let mut key = [0; 24];
        if SystemRandom::new().fill(&mut key).is_err() {
            bail!("the system gave no random bytes");
        }
        Ok(Self { since: Timestamp::now(), api_key: hex(&key), people: false, till: false })
    }
}

/// Makes the first `count` orders of the demo, one JSON object a line.
pub fn orders(count: u64, memory: &Memory) -> Result<String> {
    let plan = Plan { seed: ORDERS_SEED, count, store: STORE.to_owned(), from: memory.since, first: 1 };
    let mut lines = String::new();
    for order in Orders::new(plan) {
        lines += &serde_json::to_string(&order).context("write an order down")?;
        lines.push('\n');
    }
    Ok(lines)
}

/// mosquitto keeps nothing: what matters is in the outboxes of both ends. It must not change its user either, for the
/// kernel then forgets that it should die with the demo.
fn broker(ports: &Ports) -> String {
    let listener = format!("listener {} 127.0.0.1", ports.broker);
    format!("{listener}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nlog_dest stderr\nuser root\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file that only its owner reads, all of it or nothing.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension("part");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_files_is_never_emptied() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("thesis.txt"), "years of work").expect("write");
        let error = Folder::open(folder.path(), Start::Fresh).expect_err("refused");
        assert!(error.to_string().contains("holds other files"), "{error}");
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn two_demos_never_share_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let _first = Folder::open(folder.path(), Start::GoOn).expect("the first");
        let error = Folder::open(folder.path(), Start::GoOn).expect_err("refused");
        assert!(error.to_string().contains("another demo is running"), "{error}");
    }

    #[test]
    fn fresh_forgets_and_going_on_remembers() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = Memory::first().expect("a key");
        Folder::open(folder.path(), Start::GoOn).expect("open").remember(&memory).expect("remember");
        let again = Folder::open(folder.path(), Start::GoOn).expect("open").recall().expect("recall");
        assert_eq!(again.expect("a memory").api_key, memory.api_key);
        assert!(Folder::open(folder.path(), Start::Fresh).expect("open").recall().expect("recall").is_none());
    }

    #[test]
    fn the_key_stands_in_hqs_configuration_as_its_digest_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(folder.path(), Start::GoOn).expect("open");
        let memory = Memory { since: Timestamp::UNIX_EPOCH, api_key: "abc".to_owned(), people: false, till: false };
        let ports = Ports {
            counter: 1,
            hq: 2,
            phones: 3,
            switch: 4,
            broker: 5,
            uplink: 6,
            modem: 7,
            sound: 8,
            sip: 9,
            desk: 10,
            tills: 11,
            printer: 12,
            printer_control: 13,
            scanner: 14,
        };
        folder.configure_hq(&ports, &memory).expect("configure");
        let hq = fs::read_to_string(folder.path("hq.toml")).expect("read");
        // FIPS 180-4, example "abc".
        assert!(hq.contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "{hq}");
        assert!(!hq.contains("\"abc\""));
    }
}
