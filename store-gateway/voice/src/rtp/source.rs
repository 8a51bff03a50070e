//! Which packets a leg believes.
//!
//! Only packets from the address in the session description are looked at. The first of them locks the leg to its port
//! and source number; a phone behind a router may thus send from another port than it named. Whoever wants to take the
//! stream over from the same address must either wait until the locked source was silent, or, on the locked port, show
//! packets in sequence: so a single forged datagram turns no stream away.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sans_io::Instant;

use super::packet::Header;

/// Packets in sequence that a new source shows before it is believed (RFC 3550 §6.2.1 has two).
const PROBATION: u8 = 3;
/// After this silence of the locked source another port may take over.
const SILENCE: Duration = Duration::from_millis(500);

/// A source: where it sends from, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Address and port.
    pub from: SocketAddr,
    /// The source's number.
    pub ssrc: u32,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the locked source's.
    Taken,
    /// It is the first of a source: sequence, timestamps and statistics begin anew.
    NewSource,
    /// Not looked at.
    Dropped,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: Source,
    next: u16,
    seen: u8,
}

/// The lock of one leg.
#[derive(Clone, Debug)]
pub struct SourceLock {
    allowed: IpAddr,
    locked: Option<(Source, Instant)>,
    candidate: Option<Candidate>,
    foreign: u64,
    other: u64,
}

impl SourceLock {
    /// A leg that believes packets from `allowed`, the agreed description's address.
    pub const fn new(allowed: IpAddr) -> Self {
        Self { allowed, locked: None, candidate: None, foreign: 0, other: 0 }
    }

    /// A new description was agreed on: a changed address unlocks, the same one keeps the lock.
    pub fn agree(&mut self, allowed: IpAddr) {
        if allowed != self.allowed {
            self.allowed = allowed;
            self.locked = None;
            self.candidate = None;
        }
    }

    /// Where our packets go: to the locked source, so that they pass its router; before that, nowhere but where the
    /// description says.
    pub fn source(&self) -> Option<Source> {
        self.locked.map(|(source, _)| source)
    }

    /// Packets dropped because of their address, and because of another port or source number.
    pub const fn dropped(&self) -> (u64, u64) {
        (self.foreign, self.other)
    }

    /// Judges a packet.
    pub fn handle_packet(&mut self, from: SocketAddr, header: &Header, now: Instant) -> Verdict {
        if from.ip().to_canonical() != self.allowed.to_canonical() {
            self.foreign += 1;
            return Verdict::Dropped;
        }
        let source = Source { from, ssrc: header.ssrc };
        match &mut self.locked {
            None => {}
            Some((locked, heard)) if *locked == source => {
                *heard = now;
                self.candidate = None;
                return Verdict::Taken;
            }
            Some((locked, heard)) => {
                let may_change = locked.from == from || now.since(*heard) >= SILENCE;
                if !may_change || !self.is_proven(source, header.sequence) {
                    self.other += 1;
                    return Verdict::Dropped;
                }
            }
        }
        self.locked = Some((source, now));
        self.candidate = None;
        Verdict::NewSource
    }

    /// Whether a new source has shown enough packets in sequence.
    fn is_proven(&mut self, source: Source, sequence: u16) -> bool {
        let seen = match self.candidate {
            Some(known) if known.source == source && known.next == sequence => known.seen + 1,
            _ => 1,
        };
        self.candidate = Some(Candidate { source, next: sequence.wrapping_add(1), seen });
        seen >= PROBATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header { marker: false, payload_type: 8, sequence, timestamp: 0, ssrc }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn lock() -> (SourceLock, SocketAddr) {
        let phone: SocketAddr = "192.0.2.5:4000".parse().unwrap();
        let mut lock = SourceLock::new(phone.ip());
        assert_eq!(lock.handle_packet(phone, &header(1, 10), at(0)), Verdict::NewSource);
        (lock, phone)
    }

    #[test]
    fn another_address_is_never_believed() {
        let (mut lock, phone) = lock();
        let stranger: SocketAddr = "192.0.2.66:4000".parse().unwrap();
        for i in 0..50 {
            assert_eq!(lock.handle_packet(stranger, &header(1, i), at(10_000)), Verdict::Dropped);
        }
        assert_eq!(lock.dropped(), (50, 0));
        assert_eq!(lock.handle_packet(phone, &header(1, 11), at(10_000)), Verdict::Taken);
        let mapped: SocketAddr = "[::ffff:192.0.2.5]:4000".parse().unwrap();
        assert_ne!(lock.handle_packet(mapped, &header(1, 12), at(20_000)), Verdict::Taken, "another socket address");
        assert_eq!(lock.dropped().0, 50, "but the same host");
    }

    #[test]
    fn another_port_takes_over_only_after_silence_and_in_sequence() {
        let (mut lock, phone) = lock();
        let other = SocketAddr::new(phone.ip(), 4002);
        for i in 0..10 {
            assert_eq!(lock.handle_packet(other, &header(2, i), at(499)), Verdict::Dropped, "the lock was heard");
        }
        assert_eq!(lock.handle_packet(other, &header(2, 50), at(500)), Verdict::Dropped);
        assert_eq!(lock.handle_packet(other, &header(2, 51), at(520)), Verdict::Dropped);
        assert_eq!(lock.handle_packet(other, &header(2, 52), at(540)), Verdict::NewSource);
        assert_eq!(lock.source(), Some(Source { from: other, ssrc: 2 }));
    }

    #[test]
    fn a_new_number_on_the_locked_port_is_believed_after_three_in_sequence() {
        let (mut lock, phone) = lock();
        for (sequence, verdict) in
            [(7, Verdict::Dropped), (9, Verdict::Dropped), (10, Verdict::Dropped), (11, Verdict::NewSource)]
        {
            assert_eq!(lock.handle_packet(phone, &header(2, sequence), at(20)), verdict, "{sequence}");
        }
        assert_eq!(lock.handle_packet(phone, &header(2, 12), at(40)), Verdict::Taken);
    }

    #[test]
    fn a_forged_packet_between_two_real_ones_does_not_begin_a_takeover() {
        let (mut lock, phone) = lock();
        for i in 0..20 {
            assert_eq!(lock.handle_packet(phone, &header(9, i), at(20)), Verdict::Dropped);
            assert_eq!(lock.handle_packet(phone, &header(1, i + 11), at(20)), Verdict::Taken);
        }
    }

    #[test]
    fn a_new_description_with_another_address_unlocks() {
        let (mut lock, phone) = lock();
        lock.agree(phone.ip());
        assert!(lock.source().is_some());
        let moved: SocketAddr = "192.0.2.9:6000".parse().unwrap();
        lock.agree(moved.ip());
        assert_eq!(lock.handle_packet(phone, &header(1, 11), at(1)), Verdict::Dropped);
        assert_eq!(lock.handle_packet(moved, &header(3, 1), at(1)), Verdict::NewSource);
    }
}
