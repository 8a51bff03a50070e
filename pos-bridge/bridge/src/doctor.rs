//! `doctor`: looks at everything that the daemon needs and says what is wrong. While the daemon runs it asks no device
//! and does not connect in its name; what the daemon itself knows is read from its folder.

use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use till_link::{FromTill, PROTOCOL, ToTill};
use tokio::time::timeout;

use crate::board::Facts;
use crate::config::{Config, Place};
use crate::dial::Wire;
use crate::enrol;
use crate::folder::Folder;
use crate::journal;
use crate::port;

/// For a printer in the network to take a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

struct Told {
    all_good: bool,
}

impl Told {
    fn tell(&mut self, what: &str, found: Result<String, String>) {
        match found {
            Ok(good) => println!("ok    {what}: {good}"),
            Err(bad) => {
                self.all_good = false;
                println!("WRONG {what}: {bad}");
            }
        }
    }
}

/// Looks, and tells on standard output; `false` when something is wrong.
///
/// # Errors
/// None: what fails is told.
pub async fn look(config: &Config) -> anyhow::Result<bool> {
    let mut told = Told { all_good: true };
    let folder = match Folder::open(&config.storage) {
        Ok(folder) => {
            told.tell("storage", storage(&folder, &config.storage));
            told.tell("journal", journal_state(&folder));
            Some(folder)
        }
        Err(e) => {
            told.tell("storage", Err(format!("{e:#}")));
            None
        }
    };
    // Held to the end, so that no daemon starts in between.
    let lock = folder.as_ref().map(Folder::lock);
    let runs = matches!(lock, Some(Err(_)));
    for scanner in &config.scanners {
        told.tell(&format!("scanner {}", scanner.name), serial(&scanner.port, runs));
    }
    for printer in &config.printers {
        let found = place(&printer.place, runs).await;
        let found = found.map(|good| format!("{good}; profile {} ({})", printer.profile.name, printer.profile.title));
        told.tell(&format!("printer {}", printer.name), found);
    }
    if let Some(folder) = &folder {
        told.tell("gateway", if runs { running_link(folder) } else { gateway(config, folder).await });
    }
    drop(lock);
    Ok(told.all_good)
}

fn storage(folder: &Folder, path: &Path) -> Result<String, String> {
    folder.probe().map_err(|e| format!("{} can't be written: {e}", path.display()))?;
    Ok(format!("{} can be written", path.display()))
}

fn journal_state(folder: &Folder) -> Result<String, String> {
    let path = folder.journal();
    match journal::check(&path) {
        Ok(Some(open)) => Ok(format!("{} is sound; {open} jobs are not noted by the gateway", path.display())),
        Ok(None) => Ok("none yet; the daemon makes one".to_owned()),
        Err(why) => Err(format!("{}: {why}", path.display())),
    }
}

fn serial(path: &Path, runs: bool) -> Result<String, String> {
    let good = device(path, runs)?;
    match port::is_tty(path) {
        Ok(true) => Ok(good),
        Ok(false) => Err(format!("{} is no serial port", path.display())),
        // The daemon has it for itself.
        Err(_) if runs => Ok(good),
        Err(e) => Err(format!("{}: {e}", path.display())),
    }
}

async fn place(place: &Place, runs: bool) -> Result<String, String> {
    match place {
        Place::Device { path, .. } => device(path, runs),
        // Printers in the network take one connection at a time.
        Place::Tcp(address) if runs => Ok(format!("{address}, which the running daemon uses")),
        Place::Tcp(address) => match timeout(CONNECT_WAIT, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(format!("{address} answers")),
            Ok(Err(e)) => Err(format!("{address}: {e}")),
            Err(_) => Err(format!("{address}: no answer in 3 s")),
        },
    }
}

fn device(path: &Path, runs: bool) -> Result<String, String> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|e| format!("{shown}: {e}; is it plugged in?"))?;
    if !meta.file_type().is_char_device() && !meta.file_type().is_fifo() {
        return Err(format!("{shown} is no device"));
    }
    let holders = holders(path);
    if let Err(e) = port::try_open(path).map(drop)
        && holders.is_empty()
    {
        return Err(format!("{shown} can't be opened: {e}; is this user in its group?"));
    }
    let other: Vec<&String> = holders.iter().filter(|name| !runs || *name != "pos-bridge").collect();
    match (holders.is_empty(), other.as_slice()) {
        (true, _) => Ok(format!("{shown} can be opened, and nobody has it")),
        (false, []) => Ok(format!("{shown}, which the running daemon has")),
        (false, [name, ..]) => Err(format!("{shown} is held by another program: {name}")),
    }
}

/// The names of the processes that have this file open, as far as this user may see.
fn holders(path: &Path) -> Vec<String> {
    let Ok(wanted) = std::fs::canonicalize(path) else { return Vec::new() };
    let own = PathBuf::from(format!("/proc/{}", std::process::id()));
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let holds = |process: &PathBuf| {
        let mut files = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        files.any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == wanted))
    };
    let name = |process: PathBuf| Some(std::fs::read_to_string(process.join("comm")).ok()?.trim().to_owned());
    processes.filter(|process| *process != own).filter(holds).filter_map(name).collect()
}

fn running_link(folder: &Folder) -> Result<String, String> {
    let said = std::fs::read_to_string(folder.link_state()).map_err(|_| "the daemon has not said yet".to_owned())?;
    if said == crate::link::LinkState::Up.words() { Ok(said) } else { Err(said) }
}

/// Connects as the daemon would: reachable, the pinned certificate, and known there.
async fn gateway(config: &Config, folder: &Folder) -> Result<String, String> {
    let told = |e: anyhow::Error| format!("{e:#}");
    let pin = folder.pin().map_err(told)?.ok_or(crate::link::LinkState::Unenrolled.words())?;
    let identity = folder.identity().map_err(told)?;
    let address = &config.gateway.address;
    let opened = Wire::open(address, &identity, move |digest| *digest == pin).await;
    let mut wire = opened.map_err(|e| e.to_string())?;
    let Facts { printers, scanners } = Facts::of(config);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let hello = FromTill::Hello { protocol: PROTOCOL, version, name: config.till.clone(), printers, scanners };
    wire.send(&hello).await.map_err(|e| e.to_string())?;
    match wire.answer().await.map_err(|e| e.to_string())? {
        ToTill::Welcome { version, .. } => {
            wire.close().await;
            Ok(format!("{address} answers with the pinned certificate, knows this till, and is version {version}"))
        }
        ToTill::Refused { why } => Err(enrol::words(why).to_owned()),
        _ => Err("the gateway's first word was no welcome".to_owned()),
    }
}
