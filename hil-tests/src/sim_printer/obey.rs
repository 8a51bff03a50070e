//! What the printer does for a command: answers, pulses and status here, everything on paper in
//! [`super::printing`].

use super::command::{Body, Command};
use super::interpreter::Interpreter;
use super::real_time::RealTime;
use super::status::Fault;

/// Different unknown commands that are listed.
const UNKNOWN_MAX: usize = 64;
/// Answered process ids and pulses that are listed.
const LISTED_MAX: usize = 256;

impl Interpreter {
    /// Obeys a real-time command.
    pub(super) fn real_time(&mut self, command: RealTime) {
        let recoverable = matches!(self.condition.error, Some(Fault::Cutter | Fault::Recoverable));
        match command {
            RealTime::Status(n) => {
                if let Some(octet) = self.condition.real_time(n).filter(|_| self.model.status) {
                    self.answer(&[octet]);
                }
            }
            // The reference: ignored in an error.
            RealTime::Pulse(_) if self.condition.error.is_some() => {}
            RealTime::Pulse(connector) => self.pulse(connector),
            RealTime::Recover | RealTime::RecoverCleared if !recoverable => {}
            RealTime::Recover => self.handle_condition(|condition| condition.error = None),
            RealTime::RecoverCleared => {
                self.clear_buffers();
                self.handle_condition(|condition| condition.error = None);
            }
        }
    }

    /// Carries out a command.
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Pulse(connector) => match connector {
                0 | 48 => self.pulse(0),
                1 | 49 => self.pulse(1),
                _ => self.unknown(&[0x1b, b'p', connector]),
            },
            Command::StatusBack(n) if self.model.status => {
                self.status_back = n & 0x0f;
                if self.status_back != 0 {
                    let status = self.condition.status_back();
                    self.answer(&status);
                }
            }
            Command::Status(n) if self.model.status => match self.condition.transmitted(n) {
                Some(octet) => self.answer(&[octet]),
                None => self.unknown(&[0x1d, b'r', n]),
            },
            Command::Identity(n) if self.model.status => match identity(n) {
                Some(answer) => self.answer(&answer),
                None => self.unknown(&[0x1d, b'I', n]),
            },
            Command::StatusBack(n) => self.unknown(&[0x1d, b'a', n]),
            Command::Status(n) => self.unknown(&[0x1d, b'r', n]),
            Command::Identity(n) => self.unknown(&[0x1d, b'I', n]),
            other => self.printing.command(other),
        }
    }

    /// Carries out a command with its data.
    pub(super) fn body(&mut self, body: Body, data: Vec<u8>) {
        let known = match (body, data.as_slice()) {
            (Body::Function(b'k'), [49, function @ ..]) => self.printing.qr(function),
            (Body::Function(b'L') | Body::Graphics, data) => self.printing.graphics(data),
            (Body::Function(b'H'), &[48, 48, d1, d2, d3, d4]) => self.process_id([d1, d2, d3, d4]),
            (Body::Function(_) | Body::Skipped(_), _) => false,
            _ => {
                let rest = self.printing.body(body, data);
                // At most what was just taken out of the buffer.
                rest.into_iter().rev().for_each(|octet| self.buffer.push_front(octet));
                return;
            }
        };
        if !known {
            let function: Vec<u8> = data.iter().take(2).copied().collect();
            match body {
                Body::Function(letter) => self.unknown(&[&[0x1d, b'(', letter], function.as_slice()].concat()),
                Body::Graphics => self.unknown(&[&[0x1d, b'8', b'L'], function.as_slice()].concat()),
                Body::Skipped([lead, name, 0]) => self.unknown(&[lead, name]),
                Body::Skipped(name) => self.unknown(&name),
                _ => {}
            }
        }
    }

    /// GS ( H, function 48: what came before it has been printed by now.
    fn process_id(&mut self, id: [u8; 4]) -> bool {
        if !self.model.process_id || id.iter().any(|octet| !(32..=126).contains(octet)) {
            return false;
        }
        let [d1, d2, d3, d4] = id;
        self.answer(&[0x37, 0x22, d1, d2, d3, d4, 0x00]);
        let text: String = id.iter().copied().map(char::from).collect();
        if self.since_slip.process_ids.len() < LISTED_MAX {
            self.since_slip.process_ids.push(text.clone());
        }
        if self.counters.process_ids.len() >= LISTED_MAX {
            self.counters.process_ids.pop_front();
        }
        self.counters.process_ids.push_back(text);
        true
    }

    fn pulse(&mut self, connector: u8) {
        if let Some(count) = self.counters.pulses.get_mut(usize::from(connector)) {
            *count += 1;
        }
        if self.since_slip.pulses.len() < LISTED_MAX {
            self.since_slip.pulses.push(connector);
        }
        self.handle_condition(|condition| condition.drawer_open = true);
    }

    /// Counts octets that this printer does not know.
    pub(super) fn unknown(&mut self, octets: &[u8]) {
        self.counters.unknown_commands += 1;
        let name: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        if self.counters.unknown.len() < UNKNOWN_MAX || self.counters.unknown.contains_key(&name) {
            *self.counters.unknown.entry(name).or_default() += 1;
        }
    }
}

/// GS I: model and type in one octet each; maker, name, firmware and serial number as a block of header, text and NUL.
fn identity(n: u8) -> Option<Vec<u8>> {
    let text = match n {
        1 | 49 => return Some(vec![0x20]),
        // Bit 1: it has a cutter.
        2 | 50 => return Some(vec![0x02]),
        3 | 51 => return Some(vec![0x01]),
        65 => env!("CARGO_PKG_VERSION"),
        66 => "SIM",
        67 => "sim-printer",
        68 => "SIM0000001",
        _ => return None,
    };
    Some([b"_", text.as_bytes(), b"\0"].concat())
}
