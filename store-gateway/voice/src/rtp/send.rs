//! The packets of our own source: sequence and timestamp without a gap that was not meant.

use sans_io::Rng;

use super::packet::{Header, Packet};
use super::rtcp::SenderInfo;

/// One source that sends.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The next packet of sound is the first after silence.
    resumes: bool,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// A source whose numbers start anywhere (RFC 3550 §5.1). `seed` must come from the operating system outside tests.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut word = || (rng.next_u64() >> 32) as u32;
        let (ssrc, timestamp) = (word(), word());
        Self { ssrc, sequence: (word() >> 16) as u16, timestamp, resumes: true, packets: 0, octets: 0 }
    }

    /// The source's number.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of what is sent next: an event that begins now keeps it for all its packets.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The datagram of `samples` samples of sound; time goes on by them.
    pub fn sound(&mut self, payload_type: u8, payload: &[u8], samples: u32) -> Vec<u8> {
        let marker = std::mem::take(&mut self.resumes);
        let datagram = self.datagram(marker, payload_type, self.timestamp, payload);
        self.timestamp = self.timestamp.wrapping_add(samples);
        datagram
    }

    /// A datagram of an event that began at `timestamp`. Time does not go on: call [`Sender::skip`] for each tick.
    pub fn event(&mut self, payload_type: u8, payload: &[u8], timestamp: u32, first: First) -> Vec<u8> {
        self.datagram(first == First::Yes, payload_type, timestamp, payload)
    }

    /// Time goes on without sound: silence, hold, an event. The next packet of sound is marked.
    pub const fn skip(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
        self.resumes = true;
    }

    /// What a sender's report says, with the wall clock as an NTP timestamp (RFC 3550 §4).
    pub const fn report(&self, ntp: u64) -> SenderInfo {
        SenderInfo { ntp, timestamp: self.timestamp, packets: self.packets, octets: self.octets }
    }

    fn datagram(&mut self, marker: bool, payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        Packet { header, payload }.to_bytes()
    }
}

/// Whether a packet is an event's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// It carries the marker.
    Yes,
    /// It goes on or ends.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_over_silence_and_events_and_wrap() {
        let mut sender = Sender::new(5);
        sender.sequence = u16::MAX;
        sender.timestamp = u32::MAX - 159;
        let read = |d: Vec<u8>| {
            let packet = Packet::parse(&d).map(|p| (p.header.sequence, p.header.timestamp, p.header.marker));
            packet.unwrap()
        };
        assert_eq!(read(sender.sound(8, &[0; 160], 160)), (u16::MAX, u32::MAX - 159, true));
        assert_eq!(read(sender.sound(8, &[0; 160], 160)), (0, 0, false));
        let began = sender.timestamp();
        assert_eq!(read(sender.event(101, &[0; 4], began, First::Yes)), (1, 160, true));
        sender.skip(160);
        assert_eq!(read(sender.event(101, &[0; 4], began, First::No)), (2, 160, false));
        sender.skip(160);
        assert_eq!(read(sender.sound(8, &[0; 160], 160)), (3, 480, true));
        assert_eq!(sender.report(9), SenderInfo { ntp: 9, timestamp: 640, packets: 5, octets: 488 });
    }
}
