//! Events in RTP, both ways (RFC 4733).

use std::collections::VecDeque;
use std::time::Duration;

use sans_io::Instant;

use super::Digit;
use crate::frame::SAMPLES;
use crate::rtp::First;

/// Events remembered, so that packets out of order are no new press.
const REMEMBERED: usize = 8;
/// An event of which nothing more comes has ended: all three end packets were lost.
const MISSED_END: Duration = Duration::from_millis(200);
/// Digits that wait to be sent; a person's hand is slower.
const MOST_WAITING: usize = 32;
/// The pause between two events (ITU-T Q.24 asks for 40 ms and more).
const PAUSE_TICKS: u16 = 4;
/// −10 dBm0.
const VOLUME: u8 = 10;
/// Times that an event's last packet is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;
/// The longest duration that a packet can hold; a longer press goes on as a new segment (§2.5.1.3).
const SEGMENT: u16 = u16::MAX;

/// Presses that come as events.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    /// Timestamps of events that were counted, the latest last.
    counted: VecDeque<u32>,
    current: Option<Current>,
    malformed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    digit: Digit,
    timestamp: u32,
    duration: u16,
    heard: Instant,
}

impl EventReceiver {
    /// A packet with the payload type that was agreed on for events. Says a digit once, when the first packet of its
    /// press comes.
    pub fn handle_packet(&mut self, timestamp: u32, payload: &[u8], now: Instant) -> Option<Digit> {
        let &[code, flags, high, low, ..] = payload else {
            self.malformed += 1;
            return None;
        };
        // Other events (fax and modem tones) are no keys.
        let digit = Digit::from_event(code)?;
        let (ended, duration) = (flags & 0x80 != 0, u16::from_be_bytes([high, low]));
        let continues = self.current.is_some_and(|c| {
            c.digit == digit && timestamp == c.timestamp.wrapping_add(u32::from(c.duration)) && c.duration == SEGMENT
        });
        let known = continues || self.counted.contains(&timestamp);
        let older = self.current.is_some_and(|c| timestamp.wrapping_sub(c.timestamp).cast_signed() < 0);
        if !older {
            self.current = (!ended).then_some(Current { digit, timestamp, duration, heard: now });
        }
        if !self.counted.contains(&timestamp) {
            if self.counted.len() == REMEMBERED {
                self.counted.pop_front();
            }
            self.counted.push_back(timestamp);
        }
        (!known).then_some(digit)
    }

    /// The key that is held down now.
    pub fn held(&mut self, now: Instant) -> Option<Digit> {
        if self.current.is_some_and(|c| now.since(c.heard) > MISSED_END) {
            self.current = None;
        }
        self.current.map(|c| c.digit)
    }

    /// Packets that were too short.
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }
}

/// A packet of an event to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// Whether it carries the marker.
    pub first: First,
    /// The timestamp: the moment at which the press began.
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; 4],
    /// How often it is sent now: three times when it is the end.
    pub copies: u8,
}

/// No more digits can wait; the one given was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_WAITING} digits wait to be sent already")]
pub struct QueueFull;

/// Presses to be sent as events, one after the other.
#[derive(Clone, Debug, Default)]
pub struct EventSender {
    waiting: VecDeque<(Digit, u16)>,
    sending: Option<Sending>,
    pause: u16,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    digit: Digit,
    timestamp: u32,
    sent: u16,
    length: u16,
}

impl EventSender {
    /// Takes a press of `length`, held to between 40 ms and 8 s.
    ///
    /// # Errors
    /// [`QueueFull`] when too many wait.
    pub fn press(&mut self, digit: Digit, length: Duration) -> Result<(), QueueFull> {
        if self.waiting.len() == MOST_WAITING {
            return Err(QueueFull);
        }
        let millis = length.as_millis().clamp(40, 8_000) as u16;
        self.waiting.push_back((digit, millis * 8));
        Ok(())
    }

    /// Whether events take the place of sound now.
    pub fn is_busy(&self) -> bool {
        self.sending.is_some() || self.pause > 0 || !self.waiting.is_empty()
    }

    /// One tick; `timestamp` is what the stream's source would give to sound now.
    pub fn poll_packet(&mut self, timestamp: u32) -> Option<EventPacket> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        let first = if self.sending.is_none() { First::Yes } else { First::No };
        let mut sending = match self.sending {
            Some(sending) => sending,
            None => {
                let (digit, length) = self.waiting.pop_front()?;
                Sending { digit, timestamp, sent: 0, length }
            }
        };
        sending.sent = sending.sent.saturating_add(SAMPLES as u16).min(sending.length);
        let ends = sending.sent == sending.length;
        let [high, low] = sending.sent.to_be_bytes();
        let packet = EventPacket {
            first,
            timestamp: sending.timestamp,
            payload: [sending.digit.event(), u8::from(ends) << 7 | VOLUME, high, low],
            copies: if ends { END_PACKETS } else { 1 },
        };
        self.sending = (!ends).then_some(sending);
        self.pause = if ends { PAUSE_TICKS } else { 0 };
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn digit(sign: char) -> Digit {
        Digit::from_char(sign).unwrap()
    }

    #[test]
    fn a_press_is_said_once_however_many_packets_tell_it() {
        let mut events = EventReceiver::default();
        assert_eq!(events.handle_packet(1_000, &[5, 10, 0, 160], at(0)), Some(digit('5')));
        assert_eq!(events.handle_packet(1_000, &[5, 10, 1, 64], at(20)), None);
        assert_eq!(events.held(at(20)), Some(digit('5')));
        for _ in 0..3 {
            assert_eq!(events.handle_packet(1_000, &[5, 0x8A, 1, 64], at(40)), None);
        }
        assert_eq!(events.held(at(40)), None);
        assert_eq!(events.handle_packet(2_600, &[5, 10, 0, 160], at(200)), Some(digit('5')), "pressed again");
        assert_eq!(events.handle_packet(1_000, &[5, 0x8A, 1, 64], at(210)), None, "a straggler of the first");
        assert_eq!(events.held(at(210)), Some(digit('5')));
    }

    #[test]
    fn a_press_of_which_only_an_end_packet_came_counts() {
        let mut events = EventReceiver::default();
        assert_eq!(events.handle_packet(9, &[11, 0x8A, 3, 32], at(0)), Some(digit('#')));
        assert_eq!(events.handle_packet(9, &[11, 0x8A, 3, 32], at(1)), None);
    }

    #[test]
    fn a_missed_end_ends_by_itself() {
        let mut events = EventReceiver::default();
        events.handle_packet(9, &[1, 10, 0, 160], at(0));
        assert_eq!(events.held(at(200)), Some(digit('1')));
        assert_eq!(events.held(at(201)), None);
    }

    #[test]
    fn a_press_longer_than_a_segment_is_still_one() {
        let mut events = EventReceiver::default();
        assert_eq!(events.handle_packet(0, &[3, 10, 0xFF, 0xFF], at(0)), Some(digit('3')));
        assert_eq!(events.handle_packet(65_535, &[3, 10, 0, 160], at(20)), None);
        assert_eq!(events.handle_packet(65_535, &[3, 0x8A, 1, 64], at(40)), None);
    }

    #[test]
    fn other_events_and_broken_packets_are_no_digits() {
        let mut events = EventReceiver::default();
        assert_eq!(events.handle_packet(0, &[32, 10, 0, 160], at(0)), None);
        assert_eq!(events.handle_packet(0, &[1, 10, 0], at(0)), None);
        assert_eq!(events.malformed(), 1);
    }

    #[test]
    fn sends_growing_durations_three_ends_and_a_pause() {
        let mut sender = EventSender::default();
        sender.press(digit('1'), Duration::from_millis(50)).unwrap();
        sender.press(digit('#'), Duration::from_millis(40)).unwrap();
        let ticks: Vec<_> = (0..12).map(|t| sender.poll_packet(t * 160)).collect();
        let packet = |first, timestamp, payload, copies| Some(EventPacket { first, timestamp, payload, copies });
        // 50 ms are 400 samples: 160, 320, 400.
        assert_eq!(ticks[0], packet(First::Yes, 0, [1, 10, 0, 160], 1));
        assert_eq!(ticks[1], packet(First::No, 0, [1, 10, 1, 64], 1));
        assert_eq!(ticks[2], packet(First::No, 0, [1, 0x8A, 1, 144], 3));
        assert_eq!(ticks[3..7], [None; 4]);
        assert_eq!(ticks[7], packet(First::Yes, 1_120, [11, 10, 0, 160], 1));
        assert_eq!(ticks[8], packet(First::No, 1_120, [11, 0x8A, 1, 64], 3));
        assert!(sender.is_busy(), "the pause after it");
        assert_eq!(sender.poll_packet(0), None);
        assert!(!sender.is_busy());
    }

    #[test]
    fn refuses_the_thirty_third_digit() {
        let mut sender = EventSender::default();
        let tries = (0..33).map(|_| sender.press(digit('1'), Duration::ZERO)).collect::<Vec<_>>();
        assert!(tries[..32].iter().all(Result::is_ok));
        assert_eq!(tries[32], Err(QueueFull));
    }
}
