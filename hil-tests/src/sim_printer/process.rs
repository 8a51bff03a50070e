//! A simulated printer as a process, for tests and the demo.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::client::Client;
use crate::world::{Process, binary};

/// How long the simulator may take to start.
const START_LIMIT: Duration = Duration::from_secs(15);

/// A running `sim-printer`.
#[derive(Debug)]
pub struct SimPrinter {
    /// Its process.
    pub process: Process,
    /// Link to its pty, `dir/printer`, unless it is on TCP.
    pub link: PathBuf,
    /// Address for hosts, where it was started with `--tcp`.
    pub tcp: Option<String>,
    /// Folder of its slips, `dir/slips`.
    pub slips: PathBuf,
    /// Its control address.
    pub address: String,
    /// A connection to its control port.
    pub control: Client,
}

impl SimPrinter {
    /// Starts it in a folder: on a pty, or as `--tcp` among the arguments says.
    ///
    /// # Errors
    /// When it was not built or does not get ready.
    pub fn start(dir: &Path, arguments: &[&str]) -> Result<Self> {
        let (link, slips) = (dir.join("printer"), dir.join("slips"));
        let mut command = Command::new(binary("sim-printer")?);
        command.arg("--out").arg(&slips).args(arguments);
        if !arguments.contains(&"--tcp") {
            command.arg("--link").arg(&link);
        }
        let mut process = Process::spawn("sim-printer", &mut command)?;
        let ready = process.ready(START_LIMIT)?;
        let address = ready["control"].as_str().context("its control address")?.to_owned();
        let tcp = ready["tcp"].as_str().map(str::to_owned);
        let control = Client::connect(&address)?;
        Ok(Self { process, link, tcp, slips, address, control })
    }
}
