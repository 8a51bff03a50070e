//! What end-to-end tests stand on: processes with ready lines and logs, a broker, waiting for states.
//!
//! A missing peer is a failure that names the Debian package, never a skip. Every process is ended when its handle is dropped.

mod modem;
mod tap;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub use modem::{HostPort, SimModem};
pub use tap::{Frame, Tap};

/// Pause between two looks at a state: short against every limit, long against the cost of a look.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often a server is started again when another process took its free port in between.
const PORT_TRIES: u32 = 5;
/// How long a broker may take to listen.
const BROKER_LIMIT: Duration = Duration::from_secs(15);
/// How long the peers' packages may take to come from the registry.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);
/// Last lines of a log that a failure shows.
const SHOWN_LINES: usize = 30;

/// Waits until `look` finds something.
///
/// # Errors
/// When it finds nothing within `limit`; the message names `what`.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("{what}: not within {limit:?}");
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Returns the target folder that holds this test or program.
pub fn target_dir() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let profile = own.ancestors().find(|path| path.join(".fingerprint").is_dir() || path.join(".cargo-lock").is_file());
    profile.and_then(Path::parent).map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// Returns the folder for logs of processes, made if it is not there.
///
/// # Errors
/// When it can't be made.
pub fn log_dir() -> Result<PathBuf> {
    let dir = target_dir().join("hil-logs");
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(dir)
}

/// Finds one of the workspace's binaries: `HIL_BIN_<NAME>` (upper case, `_` for `-`) if it is set, else beside this program.
///
/// # Errors
/// When it was not built; the message names the command that builds it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let variable = format!("HIL_BIN_{}", name.to_ascii_uppercase().replace('-', "_"));
    if let Some(path) = std::env::var_os(&variable) {
        return Ok(path.into());
    }
    let own = std::env::current_exe().context("finding this program")?;
    let found = own.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not beside this program: cargo build --workspace, or set {variable}"))
}

/// Finds a program of another project.
///
/// # Errors
/// When it is not installed; the message names the Debian package.
pub fn peer(program: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    let found = places.map(|dir| dir.join(program)).find(|path| path.is_file());
    found.ok_or_else(|| anyhow!("{program} is missing: apt-get install {package}"))
}

/// Returns a Python with the peers' packages in the versions of `peers/requirements.txt`, made under the target folder when
/// it is not there yet. `PEERS_PYTHON` names another one.
///
/// # Errors
/// When Python or the packages can't be had; the message names the Debian package.
pub fn peers_python() -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if let Some(path) = std::env::var_os("PEERS_PYTHON") {
        return Ok(path.into());
    }
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = target_dir().join("peers");
    let python = dir.join("bin/python");
    let wanted = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/requirements.txt");
    if !python.exists() {
        let system = peer("python3", "python3-venv")?;
        run(Command::new(system).args(["-m", "venv"]).arg(&dir), INSTALL_LIMIT)
            .context("making a Python environment: apt-get install python3-venv")?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted]);
    run(&mut install, INSTALL_LIMIT).context("installing the peers' decoders")?;
    Ok(python)
}

/// A running process with its log; dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    first_line: Receiver<String>,
    ready: Option<Value>,
    log: PathBuf,
}

impl Process {
    /// Starts a command; standard output and error go to a log file under the target folder.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::SeqCst);
        let log = log_dir()?.join(format!("{name}-{}-{number}.log", std::process::id()));
        File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let append =
            || OpenOptions::new().append(true).open(&log).with_context(|| format!("opening {}", log.display()));
        let lines = append()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(append()?);
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let output = child.stdout.take().context("its standard output")?;
        let (first, first_line) = channel();
        thread::spawn(move || {
            let mut lines = lines;
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if writeln!(lines, "{line}").is_err() || first.send(line).is_err() {
                    continue;
                }
            }
        });
        Ok(Self { name: name.to_owned(), child, first_line, ready: None, log })
    }

    /// Waits for the ready line, a JSON object with `"ready":true`, and returns it.
    ///
    /// # Errors
    /// When the process ends or says nothing within `limit`; the message shows the end of its log.
    pub fn ready(&mut self, limit: Duration) -> Result<Value> {
        let end = Instant::now() + limit;
        while self.ready.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            match self.first_line.recv_timeout(left) {
                Ok(line) => {
                    self.ready = serde_json::from_str(&line).ok().filter(|value: &Value| value["ready"] == true);
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{} was not ready within {limit:?}\n{}", self.name, self.tail())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait()?;
                    bail!("{} ended before it was ready: {status}\n{}", self.name, self.tail())
                }
            }
        }
        Ok(self.ready.clone().unwrap_or_default())
    }

    /// Returns the ready line that [`Process::ready`] waited for.
    pub fn announced(&self) -> Option<&Value> {
        self.ready.as_ref()
    }

    /// Returns the process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).context("a process id")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("sending {signal} to {}", self.name))
    }

    /// Kills it as a power cut would (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if self.is_running() {
            self.child.kill().with_context(|| format!("killing {}", self.name))?;
        }
        self.child.wait().with_context(|| format!("waiting for {}", self.name)).map(|_| ())
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        if self.is_running() {
            self.signal(Signal::SIGTERM)?;
        }
        self.wait(limit)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let child = &mut self.child;
        let ended = wait_for(&format!("the end of {}", self.name), limit, || child.try_wait().ok().flatten());
        ended.with_context(|| self.tail())
    }

    /// Returns what it has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        format!("--- {} ---\n{shown}", self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::warn!(error = format!("{error:#}"), "ending a process");
        }
        if thread::panicking() {
            eprintln!("{}", self.tail());
        }
    }
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
/// When it fails or still runs after `limit` (it is killed then); the message shows both outputs.
pub fn run(command: &mut Command, limit: Duration) -> Result<String> {
    let shown = format!("{command:?}");
    let dir = tempfile::tempdir()?;
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let mut child = command.spawn().with_context(|| format!("starting {shown}"))?;
    let ended = wait_for(&shown, limit, || child.try_wait().ok().flatten());
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let (out, err) = (fs::read(&out)?, fs::read(&err)?);
    let (out, err) = (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned());
    let status = ended.unwrap_or(ExitStatus::from_raw(9));
    if !status.success() {
        bail!("{shown}: {status}\n--- stdout ---\n{out}\n--- stderr ---\n{err}");
    }
    Ok(out)
}

/// A port that was free a moment ago; another process may take it, so callers try again.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("finding a free port")?.local_addr()?.port())
}

/// A mosquitto of the test's own on a free loopback port, without persistence.
#[derive(Debug)]
pub struct Mosquitto {
    /// The broker's process.
    pub process: Process,
    /// Its port on 127.0.0.1.
    pub port: u16,
    program: PathBuf,
    config: PathBuf,
}

impl Mosquitto {
    /// Starts it with its configuration in `dir`.
    ///
    /// # Errors
    /// When mosquitto is not installed (the message names the package) or does not listen in time.
    pub fn start(dir: &Path) -> Result<Self> {
        let program = peer("mosquitto", "mosquitto")?;
        for _ in 0..PORT_TRIES {
            let port = free_port()?;
            let config = dir.join(format!("mosquitto-{port}.conf"));
            let lines = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nmax_inflight_messages 0\n\
                 max_queued_messages 0\nlog_dest stderr\n"
            );
            fs::write(&config, lines)?;
            let mut process = spawn_broker(&program, &config)?;
            if listens(&mut process, port)? {
                return Ok(Self { process, port, program, config });
            }
        }
        bail!("mosquitto found no free port in {PORT_TRIES} tries")
    }

    /// Returns the address as configurations take it.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same port after it was killed.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = spawn_broker(&self.program, &self.config)?;
        if !listens(&mut self.process, self.port)? {
            bail!("mosquitto did not start again on port {}\n{}", self.port, self.process.tail());
        }
        Ok(())
    }
}

fn spawn_broker(program: &Path, config: &Path) -> Result<Process> {
    Process::spawn("mosquitto", Command::new(program).arg("-c").arg(config))
}

/// Waits until a server listens; false when it ended instead.
fn listens(process: &mut Process, port: u16) -> Result<bool> {
    wait_for("a listening server", BROKER_LIMIT, || {
        if !process.is_running() {
            return Some(false);
        }
        TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
    })
}

/// Signals that end a program.
#[derive(Debug)]
pub struct StopSignal(SigSet);

/// Keeps SIGTERM and SIGINT for [`StopSignal::wait`]; call it before the first thread starts.
///
/// # Errors
/// When the system refuses.
pub fn stop_signal() -> Result<StopSignal> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block().context("blocking SIGTERM and SIGINT")?;
    Ok(StopSignal(signals))
}

impl StopSignal {
    /// Waits for one of them.
    pub fn wait(&self) {
        while self.0.wait().is_err() {}
    }
}
