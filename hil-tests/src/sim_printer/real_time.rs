//! Real-time commands in the stream of octets: seen on arrival, wherever they stand.
//!
//! The reference: they are obeyed whenever their octets arrive, even as a part of another command's data, and then
//! are data of that command too. So a picture that holds `10 04 01` is printed whole and is answered. Later, when the
//! printer comes to them between two commands, it passes over them.

use super::head::DLE;

/// A real-time command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RealTime {
    /// DLE EOT n: tell a status.
    Status(u8),
    /// DLE ENQ 1: recover from an error and go on.
    Recover,
    /// DLE ENQ 2: recover after clearing the buffers.
    RecoverCleared,
    /// DLE DC4 1 m t: a pulse to a connector.
    Pulse(u8),
}

/// Looks for them, octet by octet.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    begun: [u8; 4],
    count: usize,
}

impl Watcher {
    /// Takes an octet; returns the command that it ends.
    pub fn take(&mut self, octet: u8) -> Option<RealTime> {
        let begun = &self.begun[..self.count];
        let (ended, goes_on) = match (begun, octet) {
            ([], DLE) | ([DLE], 0x04 | 0x05 | 0x14) | ([DLE, 0x14], 0x01) | ([DLE, 0x14, 0x01], 0 | 1) => (None, true),
            ([DLE, 0x04], n @ 1..=4) => (Some(RealTime::Status(n)), false),
            ([DLE, 0x05], 1) => (Some(RealTime::Recover), false),
            ([DLE, 0x05], 2) => (Some(RealTime::RecoverCleared), false),
            (&[DLE, 0x14, 0x01, connector], 1..=8) => (Some(RealTime::Pulse(connector)), false),
            _ => (None, false),
        };
        if goes_on {
            self.begun[self.count] = octet;
            self.count += 1;
        } else {
            // What broke off one command can begin the next.
            self.count = usize::from(octet == DLE);
            self.begun[0] = octet;
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(octets: &[u8]) -> Vec<RealTime> {
        let mut watcher = Watcher::default();
        octets.iter().filter_map(|&octet| watcher.take(octet)).collect()
    }

    #[test]
    fn commands_are_found_wherever_they_stand() {
        assert_eq!(found(b"ab\x10\x04\x01c\x10\x05\x02"), [RealTime::Status(1), RealTime::RecoverCleared]);
        assert_eq!(found(b"\x10\x10\x04\x04\x10\x14\x01\x00\x02"), [RealTime::Status(4), RealTime::Pulse(0)]);
    }

    #[test]
    fn what_is_out_of_range_is_none() {
        assert_eq!(found(b"\x10\x04\x05\x10\x04\x00\x10\x05\x03\x10\x14\x01\x02\x01\x10\x14\x01\x00\x09"), []);
    }
}
