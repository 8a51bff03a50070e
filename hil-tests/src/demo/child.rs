//! One process of the demo: started in its own process group, logged to a file, watched, and stopped for certain.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::signals::{Signals, Woken};

/// How many log lines are shown when a process dies.
const LAST_LINES: usize = 15;
/// A log longer than this at a start is put aside as `.old`.
const LOG_LIMIT_BYTES: u64 = 16 << 20;
/// How often a starting process is looked at.
const READY_POLL: Duration = Duration::from_millis(50);

/// How a process shows that it is ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// The first line on stdout is a JSON object with `"ready":true`.
    Line,
    /// Its port on 127.0.0.1 accepts a connection.
    Port(u16),
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The name in messages, and of the log file.
    pub name: &'static str,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How it shows that it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub ready_limit: Duration,
}

/// A running process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Pid,
}

impl Plan {
    /// Starts the process under the guard and waits until it is ready. `None` when the demo was asked to stop meanwhile; the
    /// process is gone by then.
    ///
    /// # Errors
    /// When it can't be started, dies early (with its last words), or is not ready in time.
    pub fn start(&self, logs: &Path, signals: &mut Signals) -> Result<Option<Running>> {
        let log = open_log(&self.log_path(logs))?;
        let guard = std::env::current_exe().context("find this program")?;
        let mut child = Command::new(guard)
            .args(["guard", "--parent", &std::process::id().to_string(), "--"])
            .args(&self.command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().context("share the log")?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", self.name))?;
        let group = Pid::from_raw(i32::try_from(child.id()).context("read the process number")?);
        let first = child.stdout.take().map(|stdout| copy_to_log(stdout, log));
        let mut running = Running { child, group };
        match self.wait_ready(&mut running, first.as_ref(), signals) {
            Ok(Woken::Look) => Ok(Some(running)),
            Ok(Woken::Stop) => {
                running.kill();
                Ok(None)
            }
            Err(error) => {
                running.kill();
                bail!("{} did not start: {error:#}\n{}", self.name, self.last_words(logs));
            }
        }
    }

    fn wait_ready(
        &self,
        running: &mut Running,
        first: Option<&Receiver<String>>,
        signals: &mut Signals,
    ) -> Result<Woken> {
        let end = Instant::now() + self.ready_limit;
        while Instant::now() < end {
            let ready = match &self.ready {
                Ready::Port(port) => TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok(),
                Ready::Line => match first.context("its output can't be read")?.try_recv() {
                    Ok(line) => return is_ready(&line).map(|()| Woken::Look),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => false,
                },
            };
            if ready {
                return Ok(Woken::Look);
            }
            if let Some(status) = running.ended()? {
                bail!("it ended with {status}");
            }
            if signals.wait(READY_POLL)? == Woken::Stop {
                return Ok(Woken::Stop);
            }
        }
        bail!("not ready after {} s", self.ready_limit.as_secs());
    }

    /// The last lines of its log, each indented.
    pub fn last_words(&self, logs: &Path) -> String {
        let text = fs::read(self.log_path(logs)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(LAST_LINES);
        lines[from..].iter().map(|line| format!("    {line}\n")).collect()
    }

    fn log_path(&self, logs: &Path) -> PathBuf {
        logs.join(format!("{}.log", self.name))
    }
}

impl Running {
    /// The process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("ask for a process's end")
    }

    /// Asks its group to stop.
    pub fn terminate(&self) {
        signal(self.group, Signal::SIGTERM);
    }

    /// Ends its group now, and waits for the process.
    pub fn kill(&mut self) {
        signal(self.group, Signal::SIGKILL);
        if let Err(error) = self.child.wait() {
            eprintln!("demo: wait for process {}: {error}", self.child.id());
        }
    }
}

fn signal(group: Pid, signal: Signal) {
    match killpg(group, signal) {
        // The process was reaped, and nothing of its group is left.
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => eprintln!("demo: send {signal} to group {group}: {error}"),
    }
}

fn is_ready(line: &str) -> Result<()> {
    let value: serde_json::Value =
        serde_json::from_str(line).with_context(|| format!("read its first line {line:?}"))?;
    if value["ready"] == true {
        return Ok(());
    }
    bail!("its first line does not say that it is ready: {line:?}");
}

fn open_log(path: &Path) -> Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_LIMIT_BYTES) {
        fs::rename(path, path.with_extension("log.old")).with_context(|| format!("put {} aside", path.display()))?;
    }
    OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("open {}", path.display()))
}

/// Copies a process's output to its log, and hands its first line back.
fn copy_to_log(stdout: ChildStdout, mut log: File) -> Receiver<String> {
    let (first, receiver) = sync_channel(1);
    thread::spawn(move || {
        let mut first = Some(first);
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Err(error) = writeln!(log, "{line}") {
                eprintln!("demo: write a log: {error}");
                return;
            }
            // A full channel can't be: one line is sent. A closed one means that nobody waits any more.
            if let Some(first) = first.take()
                && first.send(line).is_err()
            {
                continue;
            }
        }
    });
    receiver
}
