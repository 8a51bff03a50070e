//! The simulated hand scanner: what it scans goes to whoever has its pty open, as from a USB serial scanner.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::Serialize;

use crate::sim_printer::pty::Pty;

/// Longest scan: a QR code holds 7 089 digits at most (ISO/IEC 18004, table 7).
const OCTETS_MAX: usize = 8_192;
/// Scans that are remembered.
const REMEMBERED: usize = 20;
/// How long a scan waits for a host that does not read.
const WRITE_LIMIT: Duration = Duration::from_secs(1);
/// How long the reader listens before it looks whether the scanner is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A scan that was sent.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// Its octets as text; what is no UTF-8 or a control character is shown as an escape.
    pub shown: String,
    /// Octets.
    pub octets: usize,
    /// Whether a host had the port open and took all of it; otherwise it is lost, as from a real scanner.
    pub taken: bool,
}

/// The scanner.
#[derive(Debug)]
pub struct Scanner {
    pty: Pty,
    sent: Mutex<VecDeque<Sent>>,
}

impl Scanner {
    /// Opens its pty. What a host says to it is read and thrown away.
    ///
    /// # Errors
    /// When the pty or its link can't be had.
    pub fn open(link: &Path) -> Result<Arc<Self>> {
        let scanner = Arc::new(Self { pty: Pty::open(link)?, sent: Mutex::default() });
        let watched = Arc::downgrade(&scanner);
        thread::Builder::new().name("scanner".into()).spawn(move || listen(&watched))?;
        Ok(scanner)
    }

    /// Tells whether a host has the port open.
    pub fn is_open(&self) -> bool {
        self.pty.is_open()
    }

    /// Scans a code: AIM symbology identifier (`]C0`; none: empty), text, suffix.
    ///
    /// # Errors
    /// When the identifier is none or everything together is too long.
    pub fn scan(&self, text: &str, aim: &str, suffix: &str) -> Result<Sent> {
        let is_aim =
            matches!(aim.as_bytes(), [] | [b']', b'A'..=b'Z' | b'a'..=b'z', b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z']);
        if !is_aim {
            bail!("{aim:?} is no AIM identifier, such as ]C0");
        }
        self.send([aim, text, suffix].concat().as_bytes())
    }

    /// Sends octets as they stand, given in hexadecimal digits: a half scan, or garbage.
    ///
    /// # Errors
    /// When the digits are wrong or too many.
    pub fn raw(&self, hex: &str) -> Result<Sent> {
        let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| {
            let pair: String = pair.iter().collect();
            let digits = pair.len() == 2 && pair.bytes().all(|octet| octet.is_ascii_hexdigit());
            u8::from_str_radix(&pair, 16).ok().filter(|_| digits).with_context(|| format!("{pair:?} is no octet"))
        });
        self.send(&pairs.collect::<Result<Vec<u8>>>()?)
    }

    /// Returns the newest scans, newest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.remembered().iter().rev().cloned().collect()
    }

    fn remembered(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, octets: &[u8]) -> Result<Sent> {
        if octets.is_empty() || octets.len() > OCTETS_MAX {
            bail!("a scan has 1 to {OCTETS_MAX} octets, and not {}", octets.len());
        }
        // One scan at a time: two at once would mix their octets.
        let mut remembered = self.remembered();
        let taken = self.pty.write(octets, WRITE_LIMIT) == octets.len();
        let sent = Sent { at: Timestamp::now(), shown: shown(octets), octets: octets.len(), taken };
        if remembered.len() >= REMEMBERED {
            remembered.pop_front();
        }
        remembered.push_back(sent.clone());
        Ok(sent)
    }
}

fn listen(scanner: &Weak<Scanner>) {
    let mut buffer = [0; 256];
    while let Some(scanner) = scanner.upgrade() {
        scanner.pty.read(&mut buffer, LOOK_EVERY);
    }
}

fn shown(octets: &[u8]) -> String {
    let one = |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    octets
        .utf8_chunks()
        .flat_map(|chunk| {
            let valid = chunk.valid().chars().map(one);
            valid.chain(chunk.invalid().iter().map(|octet| format!("\\x{octet:02x}"))).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn scans_reach_the_host_with_identifier_and_suffix_and_are_lost_without_one() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("scanner");
        let scanner = Scanner::open(&link).unwrap();
        assert!(!scanner.scan("5901234123457", "", "\r").unwrap().taken);
        let mut host = std::fs::OpenOptions::new().read(true).write(true).open(&link).unwrap();
        assert!(scanner.is_open());
        assert!(scanner.scan("B4-1", "]C0", "\r").unwrap().taken);
        assert!(scanner.raw("02 ff").unwrap().taken);
        let mut octets = [0; 10];
        host.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"]C0B4-1\r\x02\xff");
        let shown: Vec<String> = scanner.sent().into_iter().map(|sent| sent.shown).collect();
        assert_eq!(shown, ["\\u{2}\\xff", "]C0B4-1\\r", "5901234123457\\r"]);
    }

    #[test]
    fn wrong_orders_are_refused_with_their_reason() {
        let dir = tempfile::tempdir().unwrap();
        let scanner = Scanner::open(&dir.path().join("scanner")).unwrap();
        let words = |outcome: Result<Sent>| outcome.unwrap_err().to_string();
        assert_eq!(words(scanner.scan("x", "C0", "")), "\"C0\" is no AIM identifier, such as ]C0");
        assert_eq!(words(scanner.raw("0g")), "\"0g\" is no octet");
        assert_eq!(words(scanner.raw("012")), "\"2\" is no octet");
        assert_eq!(words(scanner.scan("", "", "")), "a scan has 1 to 8192 octets, and not 0");
    }
}
