//! Scanners: their serial ports, opened again when they were unplugged, and their reads, handed to the link at once.

use std::io;
use std::time::Duration;

use store_daemon::supervisor::Stop;
use till_devices::scanner::{Read, Scanner as Core, Symbology};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_serial::{SerialPortBuilderExt as _, SerialStream};

use crate::board::Board;
use crate::clock::{Clock, until};
use crate::config::Scanner;
use crate::link::{Scan, Scans};

/// First wait before the port is tried again; doubled up to the longest. A plug that slipped is back in seconds.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Octets read at once; a long QR code has a few hundred.
const READ_OCTETS: usize = 512;

/// What happened at a scanner.
#[derive(Debug)]
pub enum Seen {
    /// Its port is open now.
    Opened,
    /// Its port was open and is gone.
    Lost(String),
    /// Its port can't be opened; tried again later.
    Missing(String),
    /// It read something, or half of it.
    Read(Read),
}

/// A scanner with its port.
pub struct Reader {
    scanner: Scanner,
    clock: Clock,
    core: Core,
    port: Option<SerialStream>,
    wait: Duration,
    try_at: Instant,
    /// What came in one go and was not given out yet.
    reads: std::collections::VecDeque<Read>,
}

impl Reader {
    /// A scanner whose port is opened first of all.
    pub fn new(scanner: Scanner, clock: Clock) -> Self {
        let core = Core::new(scanner.reading.clone());
        let reads = std::collections::VecDeque::new();
        Self { scanner, clock, core, port: None, wait: FIRST_WAIT, try_at: Instant::now(), reads }
    }

    /// Waits until something happens. Cancel-safe.
    pub async fn next(&mut self) -> Seen {
        loop {
            if let Some(read) = self.reads.pop_front() {
                return Seen::Read(read);
            }
            let Some(port) = &mut self.port else { return self.open().await };
            let mut octets = [0; READ_OCTETS];
            let deadline = self.core.next_timeout().map(|at| self.clock.at(at));
            let read = tokio::select! {
                read = port.read(&mut octets) => read,
                () = until(deadline) => {
                    self.reads.extend(self.core.handle_timeout(self.clock.now()));
                    continue;
                }
            };
            let why = match read {
                Ok(0) => "closed by the other side".to_owned(),
                Ok(count) => {
                    let octets = octets.get(..count).unwrap_or_default();
                    self.reads.extend(self.core.push(octets, self.clock.now()));
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => e.to_string(),
            };
            self.port = None;
            // What it had read of a code is of no use any more.
            self.core = Core::new(self.scanner.reading.clone());
            self.try_at = Instant::now() + self.wait;
            return Seen::Lost(why);
        }
    }

    async fn open(&mut self) -> Seen {
        sleep_until(self.try_at).await;
        match tokio_serial::new(self.scanner.port.to_string_lossy(), self.scanner.baud).open_native_async() {
            Ok(port) => {
                self.port = Some(port);
                self.wait = FIRST_WAIT;
                Seen::Opened
            }
            Err(e) => {
                self.try_at = Instant::now() + self.wait;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                Seen::Missing(e.to_string())
            }
        }
    }
}

/// A symbology in ISO/IEC 15424's letters: the code's, and the modifier where the reader tells the kinds apart by it.
pub fn letters(symbology: Symbology) -> String {
    let letters = match symbology {
        Symbology::Code39 => "A",
        Symbology::Code128 => "C0",
        Symbology::Gs1Code128 => "C1",
        Symbology::Ean13 => "E0",
        Symbology::EanAddOn => "E1",
        Symbology::Ean13WithAddOn => "E3",
        Symbology::Ean8 => "E4",
        Symbology::Codabar => "F",
        Symbology::Code93 => "G",
        Symbology::Interleaved2Of5 => "I",
        Symbology::Pdf417 => "L",
        Symbology::Qr => "Q",
        Symbology::DataMatrix => "d",
        Symbology::DataBar => "e",
        Symbology::Aztec => "z",
        Symbology::Other(letter) => return letter.to_string(),
    };
    letters.to_owned()
}

/// What the daemon's task works with.
#[derive(Clone)]
pub struct Task {
    /// The scanner's place in the configuration.
    pub at: usize,
    /// The scanner.
    pub scanner: Scanner,
    /// Where its facts are shown.
    pub board: Board,
    /// Where its reads go.
    pub scans: Scans,
    /// The clock.
    pub clock: Clock,
}

impl Task {
    /// Reads until the process stops.
    ///
    /// # Errors
    /// None; the result is the supervisor's form.
    pub async fn run(self, mut stop: Stop) -> anyhow::Result<()> {
        let mut reader = Reader::new(self.scanner.clone(), self.clock);
        let (mut told_missing, mut unsent) = (false, 0_u64);
        let name = &self.scanner.name;
        loop {
            let seen = tokio::select! {
                seen = reader.next() => seen,
                () = stop.asked() => return Ok(()),
            };
            match seen {
                Seen::Opened => {
                    told_missing = false;
                    tracing::info!(scanner = name, port = %self.scanner.port.display(), "scanner's port is open");
                    self.board.change_scanner(self.at, |facts| facts.connected = true);
                }
                Seen::Lost(why) => {
                    tracing::warn!(scanner = name, why, "scanner's port is lost");
                    self.board.change_scanner(self.at, |facts| facts.connected = false);
                }
                Seen::Missing(why) if !std::mem::replace(&mut told_missing, true) => {
                    tracing::warn!(scanner = name, why, "scanner's port can't be opened; trying again");
                }
                Seen::Missing(_) => {}
                Seen::Read(read) => self.pass_on(read, &mut unsent),
            }
        }
    }

    /// A read goes to the gateway now or never: later the customer is gone.
    fn pass_on(&self, read: Read, unsent: &mut u64) {
        let name = &self.scanner.name;
        match read {
            Read::Scan { text, symbology } => {
                self.board.change_scanner(self.at, |facts| facts.scans += 1);
                let (length, symbology) = (text.chars().count(), symbology.map(letters));
                let code = symbology.clone().unwrap_or_default();
                if !self.scans.offer(Scan { scanner: name.clone(), text, symbology }) {
                    *unsent += 1;
                    tracing::warn!(scanner = name, code, length, unsent, "no link: a scan was not passed on");
                }
            }
            Read::Dropped { octets, why } => {
                self.board.change_scanner(self.at, |facts| facts.dropped += 1);
                tracing::warn!(scanner = name, octets, ?why, "a scanner's octets were no whole code");
            }
        }
    }
}
