//! A receipt printer on a pseudo terminal. It answers `DLE EOT 1` to `4` and `GS ( H` function 48 as Epson's ESC/POS
//! reference describes them, and keeps everything else as what is on its paper.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::LIMIT;

/// How the printer is, as a hand at it can change it.
#[derive(Clone, Debug)]
pub struct Switches {
    /// It takes octets, and answers.
    pub on: bool,
    pub cover_open: bool,
    pub paper_out: bool,
    /// It sends process ids back.
    pub confirms: bool,
    /// It takes so many more octets of paper, and then nothing.
    pub takes: usize,
}

struct Shared {
    switches: Mutex<Switches>,
    paper: Mutex<Vec<u8>>,
    /// Process ids that were asked for: each stands behind a whole job.
    ends: AtomicUsize,
    changed: Condvar,
}

#[derive(Clone)]
pub struct Printer {
    shared: Arc<Shared>,
    pub path: PathBuf,
}

/// A raw pseudo terminal: the device's end, the path of the bridge's end, and a handle that keeps it. No process that a
/// test starts inherits it: the device would seem to be plugged in as long as that process runs.
pub fn pty() -> (File, PathBuf, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = PathBuf::from(ptsname_r(&master).unwrap());
    let slave = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&path).unwrap();
    let mut raw = tcgetattr(&slave).unwrap();
    cfmakeraw(&mut raw);
    tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
    (File::from(OwnedFd::from(master)), path, slave.into())
}

impl Printer {
    pub fn start() -> Self {
        let (master, path, _) = pty();
        let switches = Switches { on: true, cover_open: false, paper_out: false, confirms: true, takes: usize::MAX };
        let shared = Arc::new(Shared {
            switches: Mutex::new(switches),
            paper: Mutex::default(),
            ends: AtomicUsize::new(0),
            changed: Condvar::new(),
        });
        let (run, reader) = (Arc::clone(&shared), master.try_clone().unwrap());
        std::thread::spawn(move || print(&run, reader, master));
        Self { shared, path }
    }

    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.shared.switches.lock().unwrap());
        self.shared.changed.notify_all();
    }

    /// How often a text stands on the paper.
    pub fn count(&self, text: &str) -> usize {
        let paper = self.shared.paper.lock().unwrap();
        paper.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
    }

    pub fn octets(&self) -> usize {
        self.shared.paper.lock().unwrap().len()
    }

    /// Waits for so many octets on the paper.
    pub fn wait_for(&self, octets: usize) {
        let paper = self.shared.paper.lock().unwrap();
        let waited = self.shared.changed.wait_timeout_while(paper, LIMIT, |paper| paper.len() < octets).unwrap();
        assert!(!waited.1.timed_out(), "{} octets of {octets} are on the paper", waited.0.len());
    }

    /// Waits for the end of so many whole jobs.
    pub fn wait_for_ends(&self, ends: usize) {
        let paper = self.shared.paper.lock().unwrap();
        let few = |_: &mut Vec<u8>| self.shared.ends.load(Ordering::SeqCst) < ends;
        let waited = self.shared.changed.wait_timeout_while(paper, LIMIT, few).unwrap();
        assert!(!waited.1.timed_out(), "no end of {ends} jobs");
    }
}

fn print(shared: &Shared, mut reader: File, mut writer: File) {
    let mut held: Vec<u8> = Vec::new();
    let mut octets = [0; 256];
    loop {
        let switches = shared.switches.lock().unwrap();
        drop(shared.changed.wait_while(switches, |switches| switches.takes == 0).unwrap());
        while let Some(taken) = take(&held, shared, &mut writer) {
            held.drain(..taken);
        }
        shared.changed.notify_all();
        let Ok(count) = reader.read(&mut octets) else {
            // Nobody has the bridge's end open.
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        // What comes while it is off is lost.
        if shared.switches.lock().unwrap().on {
            held.extend_from_slice(&octets[..count]);
        }
    }
}

/// Takes one command or one octet off the front; `None` while more must come.
fn take(held: &[u8], shared: &Shared, writer: &mut File) -> Option<usize> {
    let switches = shared.switches.lock().unwrap().clone();
    match held {
        [] | [0x10] | [0x10, 0x04] => None,
        [0x10, 0x04, n, ..] => {
            tell(writer, &[status(*n, &switches)]);
            Some(3)
        }
        [0x1D, b'(', b'H', 6, 0, 48, 48, a, b, c, d, ..] => {
            shared.ends.fetch_add(1, Ordering::SeqCst);
            if switches.confirms {
                tell(writer, &[0x37, 0x22, *a, *b, *c, *d, 0]);
            }
            Some(11)
        }
        [0x1D] | [0x1D, b'('] => None,
        [0x1D, b'(', b'H', rest @ ..] if rest.len() < 8 => None,
        [octet, ..] => {
            let mut switches = shared.switches.lock().unwrap();
            if switches.takes == 0 {
                return None;
            }
            switches.takes = switches.takes.saturating_sub(1);
            shared.paper.lock().unwrap().push(*octet);
            Some(1)
        }
    }
}

/// The bridge may have gone: a printer does not mind.
fn tell(writer: &mut File, answer: &[u8]) {
    drop(writer.write_all(answer));
}

/// `DLE EOT n`: bits 1 and 4 are fixed at 1, bits 0 and 7 at 0. n = 1: bit 3 is offline; n = 2: bit 2 is an open cover,
/// bit 5 a stop for the paper's end; n = 4: bits 5 and 6 are the paper's end.
fn status(n: u8, switches: &Switches) -> u8 {
    let bit = |is: bool, bits: u8| if is { bits } else { 0 };
    0x12 | match n {
        1 => bit(switches.cover_open || switches.paper_out, 0x08),
        2 => bit(switches.cover_open, 0x04) | bit(switches.paper_out, 0x20),
        4 => bit(switches.paper_out, 0x60),
        _ => 0,
    }
}
