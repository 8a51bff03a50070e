//! A simulated modem as a process, and a host's end of its port.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{BaudRate, SetArg, cfmakeraw, cfsetspeed, tcgetattr, tcsetattr};

use super::{Process, binary};
use crate::sim_modem::client::{Control, Events};

/// How long the simulator may take to start.
const START_LIMIT: Duration = Duration::from_secs(15);

/// A running `sim-modem`.
#[derive(Debug)]
pub struct SimModem {
    /// Its process.
    pub process: Process,
    /// Link to its port.
    pub link: PathBuf,
    /// Its control address.
    pub address: String,
    /// A connection to its control port.
    pub control: Control,
}

impl SimModem {
    /// Starts it with its port linked at `dir/modem`.
    ///
    /// # Errors
    /// When it was not built or does not get ready.
    pub fn start(dir: &Path, arguments: &[&str]) -> Result<Self> {
        let link = dir.join("modem");
        let mut command = Command::new(binary("sim-modem")?);
        command.arg("--link").arg(&link).args(arguments);
        let mut process = Process::spawn("sim-modem", &mut command)?;
        let ready = process.ready(START_LIMIT)?;
        let address = ready["control"].as_str().context("its control address")?.to_owned();
        let control = Control::connect(&address)?;
        Ok(Self { process, link, address, control })
    }

    /// Follows its events from the first one on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn events(&self) -> Result<Events> {
        Events::follow(&self.address, 0)
    }
}

/// The host's end of a modem's port.
#[derive(Debug)]
pub struct HostPort {
    file: File,
    unread: Vec<u8>,
}

impl HostPort {
    /// Opens a port as a host does: raw, 115 200 bits a second.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open(link: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
        let file = options.open(link).with_context(|| format!("opening {}", link.display()))?;
        let mut settings = tcgetattr(&file).context("reading the port's settings")?;
        cfmakeraw(&mut settings);
        cfsetspeed(&mut settings, BaudRate::B115200).context("setting the port's speed")?;
        tcsetattr(&file, SetArg::TCSANOW, &settings).context("setting the port raw")?;
        Ok(Self { file, unread: Vec::new() })
    }

    /// Writes octets.
    ///
    /// # Errors
    /// When the port is gone.
    pub fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.file.write_all(octets).context("writing to the port")
    }

    /// Reads until `end` came and returns everything up to it.
    ///
    /// # Errors
    /// When it does not come within `limit`; the message shows what did.
    pub fn until(&mut self, end: &str, limit: Duration) -> Result<String> {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = find(&self.unread, end.as_bytes()) {
                let taken: Vec<u8> = self.unread.drain(..at + end.len()).collect();
                return Ok(String::from_utf8_lossy(&taken).into_owned());
            }
            if !self.read_some(until.saturating_duration_since(Instant::now()))? {
                bail!("no {end:?} within {limit:?}, but {:?}", String::from_utf8_lossy(&self.unread));
            }
        }
    }

    /// Returns what is there, waiting up to `limit` for the first octet; empty when none comes.
    ///
    /// # Errors
    /// When the port is gone.
    pub fn octets(&mut self, limit: Duration) -> Result<Vec<u8>> {
        self.read_some(limit)?;
        Ok(std::mem::take(&mut self.unread))
    }

    /// Returns what comes within `quiet` without a pause as long as that.
    ///
    /// # Errors
    /// When the port is gone.
    pub fn rest(&mut self, quiet: Duration) -> Result<String> {
        while self.read_some(quiet)? {}
        Ok(String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned())
    }

    /// Sends a command line and returns its answer up to `OK`.
    ///
    /// # Errors
    /// When `OK` does not come.
    pub fn command(&mut self, line: &str, limit: Duration) -> Result<String> {
        self.write(format!("{line}\r").as_bytes())?;
        self.until("\r\nOK\r\n", limit).with_context(|| format!("{line} was not answered with OK"))
    }

    /// Reads what is there, waiting up to `limit`; false when nothing came.
    fn read_some(&mut self, limit: Duration) -> Result<bool> {
        let mut waits = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        if poll(&mut waits, limit).context("waiting for the port")? == 0 {
            return Ok(false);
        }
        let mut buffer = [0; 4_096];
        let count = self.file.read(&mut buffer).context("reading from the port")?;
        self.unread.extend(&buffer[..count]);
        Ok(count > 0)
    }
}

fn find(octets: &[u8], part: &[u8]) -> Option<usize> {
    octets.windows(part.len()).position(|window| window == part)
}
