//! The link to the gateway: one connection at a time, opened again whenever it ends.
//!
//! It works in any order of starting: without an enrolment it waits for one, without a gateway it tries again. The
//! wait before a new connection is random within a window that doubles ("full jitter"), so that a shop's tills don't
//! come all at once after a power cut.

use std::sync::Arc;
use std::time::Duration;

use sans_io::Rng;
use store_daemon::pinned::Identity;
use store_daemon::supervisor::Stop;
use till_link::Refusal;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::board::Board;
use crate::config::Config;
use crate::dial::{Wire, WireError};
use crate::enrol;
use crate::folder::{Folder, Stamp};
use crate::journal::Journal;

mod session;

use session::{End, Session};

/// Scans on their way to the connection. A second of an eager hand; what is more is told and dropped.
const SCANS: usize = 8;
/// Between two looks at `gateway.json`.
const PIN_EVERY: Duration = Duration::from_millis(500);
/// A state that needs a person is said again after this long.
const SAY_AGAIN: Duration = Duration::from_secs(60);
/// A connection that lasted this long was a good one: the next wait is short.
const GOOD_CONNECTION: Duration = Duration::from_secs(5);

/// How the link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing was tried yet.
    Starting,
    /// The till was not enrolled.
    Unenrolled,
    /// The gateway knows this till, and the two talk.
    Up,
    /// No connection; tried again.
    Down,
    /// Another machine has the gateway's address.
    OtherCertificate,
    /// The gateway won't talk.
    Refused(Refusal),
}

impl LinkState {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Starting => "nothing was tried yet",
            Self::Unenrolled => {
                "this till is not enrolled; make a code on the gateway's page \"Devices\" and run pos-bridge enrol"
            }
            Self::Up => "connected, and the gateway knows this till",
            Self::Down => "no connection to the gateway; trying again",
            Self::OtherCertificate => {
                "another machine has the gateway's address; if the gateway was replaced, enrol this till again"
            }
            Self::Refused(why) => enrol::words(why),
        }
    }
}

/// Something was read just now.
#[derive(Clone, PartialEq, Eq)]
pub struct Scan {
    /// Which scanner.
    pub scanner: String,
    /// What it read. A code may be a secret: it is never logged.
    pub text: String,
    /// ISO/IEC 15424's letters, where the scanner says them.
    pub symbology: Option<String>,
}

/// Where scanners hand in what they read; clones share it.
#[derive(Clone)]
pub struct Scans {
    queue: mpsc::Sender<Scan>,
    state: watch::Receiver<LinkState>,
}

impl Scans {
    /// Hands a scan to the connection; `false` when there is none, or it does not keep up: the scan is gone then.
    pub fn offer(&self, scan: Scan) -> bool {
        *self.state.borrow() == LinkState::Up && self.queue.try_send(scan).is_ok()
    }
}

struct Parts {
    config: Config,
    folder: Folder,
    identity: Identity,
    journal: Journal,
    board: Board,
    scans: Mutex<mpsc::Receiver<Scan>>,
    state: watch::Sender<LinkState>,
    /// When a state was last said in the log.
    said: std::sync::Mutex<Option<Instant>>,
}

/// The link; clones share it, one of them [runs](Link::run).
#[derive(Clone)]
pub struct Link(Arc<Parts>);

impl Link {
    /// A link that waits to be run, and the way in for scans.
    pub fn new(config: &Config, folder: &Folder, identity: Identity, journal: Journal, board: Board) -> (Self, Scans) {
        let (queue, scans) = mpsc::channel(SCANS);
        let state = watch::Sender::new(LinkState::Starting);
        let scans_in = Scans { queue, state: state.subscribe() };
        let (config, folder, scans) = (config.clone(), folder.clone(), Mutex::new(scans));
        let said = std::sync::Mutex::default();
        (Self(Arc::new(Parts { config, folder, identity, journal, board, scans, state, said })), scans_in)
    }

    /// Holds the connection until the process stops.
    ///
    /// # Errors
    /// None that trying again would not mend; the result is the supervisor's form.
    pub async fn run(&self, mut stop: Stop) -> anyhow::Result<()> {
        let mut rng = Rng::new(store_daemon::secrets::seed());
        let mut failures = 0;
        while !stop.is_asked() {
            let stamp = self.0.folder.stamp();
            let started = Instant::now();
            match self.connect(stamp, &mut stop).await {
                End::Stopped => break,
                End::Enrolled => failures = 0,
                End::Unenrolled => self.wait(None, stamp, &mut stop).await,
                End::Refused(_) => self.wait(Some(self.0.config.gateway.retry_max), stamp, &mut stop).await,
                End::Lost | End::SendAgain => {
                    failures = if started.elapsed() >= GOOD_CONNECTION { 0 } else { failures + 1 };
                    let wait = jitter(&mut rng, self.window(failures));
                    self.wait(Some(wait), stamp, &mut stop).await;
                }
            }
        }
        Ok(())
    }

    /// One connection, from the first octet to the last.
    async fn connect(&self, stamp: Option<Stamp>, stop: &mut Stop) -> End {
        let parts = &*self.0;
        let pin = match parts.folder.pin() {
            Ok(Some(pin)) => pin,
            Ok(None) => {
                self.set(LinkState::Unenrolled, "");
                return End::Unenrolled;
            }
            Err(e) => {
                self.set(LinkState::Unenrolled, &format!("{e:#}"));
                return End::Unenrolled;
            }
        };
        let address = &parts.config.gateway.address;
        let opened = tokio::select! {
            opened = Wire::open(address, &parts.identity, move |digest| *digest == pin) => opened,
            () = stop.asked() => return End::Stopped,
        };
        let ended = match opened {
            Ok(wire) => Session::new(self, wire, stamp).run(stop).await,
            Err(e) => Err(e),
        };
        match ended {
            Ok(End::Refused(why)) => {
                self.set(LinkState::Refused(why), "");
                End::Refused(why)
            }
            Ok(end) => end,
            Err(e @ WireError::OtherCertificate { .. }) => {
                self.set(LinkState::OtherCertificate, &e.to_string());
                End::Lost
            }
            Err(e) => {
                self.set(LinkState::Down, &e.to_string());
                End::Lost
            }
        }
    }

    fn window(&self, failures: u32) -> Duration {
        let gateway = &self.0.config.gateway;
        gateway.retry_min.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(gateway.retry_max)
    }

    /// Waits so long, or for ever; ends when the till is enrolled anew, or the process stops.
    async fn wait(&self, wait: Option<Duration>, stamp: Option<Stamp>, stop: &mut Stop) {
        let until = wait.map(|wait| Instant::now() + wait);
        loop {
            let look = Instant::now() + PIN_EVERY;
            tokio::select! {
                () = sleep_until(until.map_or(look, |until| until.min(look))) => {}
                () = stop.asked() => return,
            }
            if self.0.folder.stamp() != stamp || until.is_some_and(|until| Instant::now() >= until) {
                return;
            }
            if wait.is_none() {
                let state = *self.0.state.borrow();
                self.set(state, "");
            }
        }
    }

    /// Sets the state, and says it: when it is new, and once a minute while a person is needed.
    fn set(&self, state: LinkState, why: &str) {
        let before = self.0.state.send_replace(state);
        if before != state {
            // For `doctor` alone; without it the doctor knows less.
            drop(std::fs::write(self.0.folder.link_state(), state.words()));
        }
        let mut said = self.0.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if before == state && said.is_some_and(|said| said.elapsed() < SAY_AGAIN) {
            return;
        }
        *said = Some(Instant::now());
        match state {
            LinkState::Starting => {}
            LinkState::Up => tracing::info!("linked to the gateway"),
            LinkState::Down => tracing::warn!(why, "no connection to the gateway; trying again"),
            LinkState::Unenrolled | LinkState::OtherCertificate | LinkState::Refused(_) => {
                tracing::error!(why, "no link: {}", state.words());
            }
        }
    }
}

/// Never nothing at all: a gateway that closes at once must not keep this machine busy.
fn jitter(rng: &mut Rng, window: Duration) -> Duration {
    const LEAST: Duration = Duration::from_millis(20);
    let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(rng.below(window.saturating_add(1))).max(LEAST)
}
