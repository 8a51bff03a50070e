//! A till: its folder, its configuration, and the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::LIMIT;
use crate::gateway::Gateway;

pub const BINARY: &str = env!("CARGO_BIN_EXE_pos-bridge");

/// A till's folder and configuration.
pub struct Till {
    pub dir: TempDir,
    pub config: PathBuf,
}

/// A printer that answers, with waits for tests.
pub fn epson(path: &Path) -> String {
    format!(
        "[[printer]]\nname = \"slips\"\nport = \"{}\"\nprofile = \"epson-tm-t20\"\nduties = [\"slips\"]\n\
         drawer = true\nstatus_ms = 300\nanswer_ms = 8_000\nretry_min_ms = 20\nretry_max_ms = 200\n",
        path.display()
    )
}

impl Till {
    pub fn new(address: &str, devices: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("bridge.toml");
        let till = Self { dir, config };
        till.configure(address, devices);
        till
    }

    pub fn configure(&self, address: &str, devices: &str) {
        let storage = self.storage();
        let text = format!(
            "[till]\nname = \"Kasa 1\"\n[gateway]\naddress = \"{address}\"\nkeepalive_ms = 300\nsilence_ms = 6_000\n\
             retry_min_ms = 20\nretry_max_ms = 300\n[storage]\npath = \"{}\"\n{devices}",
            storage.display()
        );
        std::fs::write(&self.config, text).unwrap();
    }

    pub fn storage(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    /// Runs a subcommand to its end.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, "")
    }

    pub fn command_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(BINARY);
        command.args(&arguments[..1]).arg("--config").arg(&self.config).args(&arguments[1..]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A subcommand that reads nothing may be over by now.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Enrols it; the gateway runs in this process, so this must not block it.
    pub async fn enrol(&self, gateway: &Gateway) {
        let output = self.command_aside(vec!["enrol".into(), "--code".into(), gateway.code()]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a subcommand to its end beside the test's own tasks.
    pub async fn command_aside(&self, arguments: Vec<String>) -> Output {
        let till = Self { dir: TempDir::new().unwrap(), config: self.config.clone() };
        let run = move || till.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Starts the daemon and waits for its ready line.
    pub fn run(&self) -> Bridge {
        let mut command = Command::new(BINARY);
        command.arg("run").arg("--config").arg(&self.config).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            // The test may be over.
            drop(say.send(lines.next()));
            lines.for_each(drop);
        });
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut bridge = Bridge { child, log: Some(log) };
        match said.recv_timeout(LIMIT) {
            Ok(Some(Ok(line))) if line.starts_with("{\"ready\":true") => bridge,
            other => panic!("no ready line but {other:?}; log: {}", bridge.kill()),
        }
    }
}

/// A running daemon.
pub struct Bridge {
    pub child: Child,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Bridge {
    /// kill -9; gives the log.
    pub fn kill(&mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }

    /// SIGTERM; gives how it ended, after how long, and the log.
    pub fn stop(mut self) -> (ExitStatus, std::time::Duration, String) {
        let started = Instant::now();
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < LIMIT, "it does not stop");
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        let took = started.elapsed();
        (status, took, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
