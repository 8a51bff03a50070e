//! The sound of one SIP leg: what its datagrams hold becomes a frame each tick, and frames and keys become datagrams.
//!
//! Decides nothing by itself: it puts the source lock, the statistics, the jitter buffer, the detectors and the watch in
//! their order, so that the shell needs only to carry octets. Never owns a socket. The call's task calls it for every
//! datagram and every 20 ms.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use sans_io::Instant;

use crate::dtmf::{Detector, Digit, EventReceiver, EventSender, Merger, QueueFull, Via};
use crate::frame::{Frame, SAMPLES};
use crate::jitter::{self, JitterBuffer, Made};
use crate::rtp::{First, Packet, PacketError, Reception, Report, Sender, SourceLock, Verdict};
use crate::sdp::Agreed;
use crate::watch::{self, Expect, Sound, Watch};

/// How long a key that is passed on is held.
const PRESS: Duration = Duration::from_millis(120);
/// Things heard that nobody has fetched; more keys than a hand makes between two ticks.
const MOST_HEARD: usize = 32;

/// How a stream is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The jitter buffer's bounds.
    pub jitter: jitter::Config,
    /// The watch's patience.
    pub watch: watch::Config,
}

/// What was heard beside the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A key was pressed, as this source told first.
    Digit(Digit, Via),
    /// The sound has changed.
    Sound(Sound),
}

/// How a stream went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets that came and were believed.
    pub received: u64,
    /// Packets that did not come.
    pub lost: u64,
    /// The last interarrival jitter.
    pub jitter: Duration,
    /// Packets sent.
    pub sent: u64,
    /// Frames that were made up, in whole or in part.
    pub concealed: u64,
    /// Datagrams that were not believed: another address, port or source, or no RTP at all.
    pub refused: u64,
    /// The other side's count of our packets that it missed, from its last report.
    pub lost_there: Option<i32>,
}

/// The stream of one leg.
#[derive(Clone, Debug)]
pub struct Stream {
    agreed: Agreed,
    lock: SourceLock,
    reception: Option<Reception>,
    jitter: JitterBuffer,
    events: EventReceiver,
    /// The peer has sent a key as an event: its tones need no detector any more.
    sends_events: bool,
    detector: Detector,
    merger: Merger,
    watch: Watch,
    sender: Sender,
    keys: EventSender,
    heard: VecDeque<Heard>,
    sent: u64,
    garbage: u64,
    lost_there: Option<i32>,
    payload: Vec<u8>,
}

impl Stream {
    /// The stream of a leg whose descriptions were agreed on. `seed` must come from the operating system outside tests.
    pub fn new(config: Config, agreed: Agreed, seed: u64, now: Instant) -> Self {
        let mut watch = Watch::new(config.watch, now);
        watch.handle_expect(expectation(&agreed), now);
        Self {
            lock: SourceLock::new(agreed.remote.ip()),
            agreed,
            reception: None,
            jitter: JitterBuffer::new(config.jitter, seed),
            events: EventReceiver::default(),
            sends_events: false,
            detector: Detector::default(),
            merger: Merger::default(),
            watch,
            sender: Sender::new(seed),
            keys: EventSender::default(),
            heard: VecDeque::new(),
            sent: 0,
            garbage: 0,
            lost_there: None,
            payload: Vec::with_capacity(SAMPLES),
        }
    }

    /// What is agreed on.
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// A new description was agreed on: hold, resumption, another address.
    pub fn agree(&mut self, agreed: Agreed, now: Instant) {
        self.lock.agree(agreed.remote.ip());
        if expectation(&agreed) != expectation(&self.agreed) {
            self.watch.handle_expect(expectation(&agreed), now);
        }
        self.agreed = agreed;
    }

    /// A datagram on the stream's port: sound, an event, or a report that shares the port.
    pub fn handle_datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let packet = match Packet::parse(datagram) {
            Ok(packet) => packet,
            Err(PacketError::Rtcp) => return self.handle_report(from, datagram, now),
            Err(_) => {
                self.garbage += 1;
                return;
            }
        };
        match (self.lock.handle_packet(from, &packet.header, now), &mut self.reception) {
            (Verdict::Dropped, _) => return,
            (Verdict::Taken, Some(reception)) => reception.handle_packet(&packet.header, now),
            (Verdict::Taken | Verdict::NewSource, reception) => {
                match reception {
                    Some(known) => known.handle_packet(&packet.header, now),
                    None => *reception = Some(Reception::new(&packet.header, now)),
                }
                self.jitter.handle_new_source();
            }
        }
        self.handle_payload(packet, now);
    }

    fn handle_payload(&mut self, packet: Packet<'_>, now: Instant) {
        let (kind, timestamp) = (packet.header.payload_type, packet.header.timestamp);
        if let Some(law) = self.agreed.law_of(kind) {
            let samples: Vec<i16> = packet.payload.iter().map(|octet| law.decode(*octet)).collect();
            self.watch.handle_packet(Some(&Frame::from_samples(&samples)), now);
            self.jitter.handle_sound(timestamp, &samples, now);
        } else if self.agreed.events.is_some_and(|types| types.receive == kind) {
            self.watch.handle_packet(None, now);
            self.jitter.handle_pause();
            self.sends_events = true;
            if let Some(digit) = self.events.handle_packet(timestamp, packet.payload, now) {
                self.handle_digit(digit, Via::Event, now);
            }
        } else if self.agreed.comfort_noise == Some(kind) {
            self.watch.handle_noise(now);
            self.jitter.handle_noise(timestamp, packet.payload, now);
        } else {
            self.garbage += 1;
        }
    }

    /// A datagram on the port beside the stream's (RTCP).
    pub fn handle_report(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let report = Report::parse(datagram).ok().filter(|_| from.ip() == self.agreed.remote.ip());
        let Some(report) = report else {
            self.garbage += 1;
            return;
        };
        self.watch.handle_packet(None, now);
        if let (Some(sender), Some(reception)) = (report.sender, &mut self.reception) {
            reception.handle_sender_report(sender.ntp, now);
        }
        let ours = report.blocks.iter().find(|block| block.ssrc == self.sender.ssrc());
        self.lost_there = ours.map(|block| block.lost).or(self.lost_there);
    }

    /// A source outside the sound told a key: SIP INFO.
    pub fn handle_digit(&mut self, digit: Digit, via: Via, now: Instant) {
        if let Some(digit) = self.merger.handle_digit(digit, via, now)
            && self.heard.len() < MOST_HEARD
        {
            self.heard.push_back(Heard::Digit(digit, via));
        }
    }

    /// The next 20 ms of what the other side says.
    pub fn poll_frame(&mut self, now: Instant) -> (Frame, Made) {
        let (frame, made) = self.jitter.poll_frame();
        if !self.sends_events
            && let Some(digit) = self.detector.handle_frame(&frame)
        {
            self.handle_digit(digit, Via::Tone, now);
        }
        (frame, made)
    }

    /// What was heard beside the sound, and whether the sound has changed.
    pub fn poll_heard(&mut self, now: Instant) -> Option<Heard> {
        self.heard.pop_front().or_else(|| self.watch.poll_change(now).map(Heard::Sound))
    }

    /// Where packets go: the locked source, so that they pass its router; before there is one, where the description
    /// says.
    pub fn remote(&self) -> SocketAddr {
        self.lock.source().map_or(self.agreed.remote, |source| source.from)
    }

    /// Passes a key on.
    ///
    /// # Errors
    /// [`QueueFull`] when too many wait; also for a peer that takes no events, for which the sound must carry it.
    pub fn press(&mut self, digit: Digit) -> Result<(), QueueFull> {
        if self.agreed.events.is_none() {
            return Err(QueueFull);
        }
        self.keys.press(digit, PRESS)
    }

    /// The datagrams of 20 ms: a key, else this frame, else nothing, as on hold.
    pub fn send(&mut self, frame: Option<&Frame>, mut out: impl FnMut(&[u8])) {
        let samples = SAMPLES as u32;
        if let (true, Some(types)) = (self.keys.is_busy(), self.agreed.events) {
            if let Some(packet) = self.keys.poll_packet(self.sender.timestamp()) {
                for copy in 0..packet.copies {
                    let first = if copy == 0 { packet.first } else { First::No };
                    out(&self.sender.event(types.send, &packet.payload, packet.timestamp, first));
                    self.sent += 1;
                }
            }
            self.sender.skip(samples);
            return;
        }
        match frame.filter(|_| self.agreed.flow.sends) {
            Some(frame) => {
                self.payload.clear();
                self.agreed.law.encode_into(&frame.0, &mut self.payload);
                out(&self.sender.sound(self.agreed.types.send, &self.payload, samples));
                self.sent += 1;
            }
            None => self.sender.skip(samples),
        }
    }

    /// Our report and where it goes; due every five seconds (RFC 3550 §6.2). `ntp` is the wall clock as in §4.
    pub fn report(&mut self, ntp: u64, now: Instant) -> (SocketAddr, Vec<u8>) {
        let report = Report {
            ssrc: self.sender.ssrc(),
            sender: (self.sent > 0).then(|| self.sender.report(ntp)),
            blocks: self.reception.iter_mut().map(|reception| reception.report(now)).collect(),
            name: Some(format!("{:08x}@gateway.invalid", self.sender.ssrc())),
            goodbye: false,
        };
        let to = if self.agreed.rtcp_mux { self.remote() } else { self.agreed.remote_rtcp };
        (to, report.to_bytes())
    }

    /// How it goes.
    pub fn statistics(&self) -> Statistics {
        let heard = self.reception.as_ref().map(Reception::statistics).unwrap_or_default();
        let (foreign, other) = self.lock.dropped();
        Statistics {
            received: heard.received,
            lost: u64::from(heard.lost),
            jitter: heard.jitter,
            sent: self.sent,
            concealed: self.jitter.counts().concealed,
            refused: foreign + other + self.garbage,
            lost_there: self.lost_there,
        }
    }
}

const fn expectation(agreed: &Agreed) -> Expect {
    if agreed.on_hold() { Expect::Nothing } else { Expect::Sound }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::g711::Law;
    use crate::sdp::{Direction, Flow, Local, Session};

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn local(port: u16) -> Local {
        Local { session: 1, version: 1, address: SocketAddr::from(([192, 0, 2, 1], port)), laws: vec![Law::A, Law::Mu] }
    }

    /// Two streams that agreed on an offer of the first.
    fn pair() -> (Stream, Stream) {
        let (a, b) = (local(4_000), local(5_000));
        let offer = Session::parse(a.offer(Direction::SendRecv).to_string().as_bytes()).unwrap();
        let (answer, at_b) = b.answer(&offer, Flow { sends: true, receives: true }).unwrap();
        let answer = Session::parse(answer.to_string().as_bytes()).unwrap();
        let at_a = a.accept(&answer, Direction::SendRecv).unwrap();
        (Stream::new(Config::default(), at_a, 7, at(0)), Stream::new(Config::default(), at_b, 8, at(0)))
    }

    fn hum(tick: u64) -> Frame {
        let sample = |i: usize| (((tick as usize * SAMPLES + i) as f32 * 0.2).sin() * 5_000.0) as i16;
        Frame(std::array::from_fn(sample))
    }

    /// One second of sound from one to the other.
    fn second(from: &mut Stream, to: &mut Stream, begin: u64) -> Vec<Heard> {
        let source = to.agreed().remote;
        let mut heard = Vec::new();
        for tick in 0..50 {
            let now = at(begin + tick * 20);
            from.send(Some(&hum(tick)), |datagram| to.handle_datagram(source, datagram, now));
            to.poll_frame(now);
            heard.extend(std::iter::from_fn(|| to.poll_heard(now)));
        }
        heard
    }

    #[test]
    fn sound_keys_and_reports_go_from_one_to_the_other() {
        let (mut a, mut b) = pair();
        let source = b.agreed().remote;
        a.press(Digit::from_char('5').unwrap()).unwrap();
        let heard = second(&mut a, &mut b, 0);
        assert_eq!(heard, [Heard::Digit(Digit::from_char('5').unwrap(), Via::Event)]);
        // 120 ms are six packets, the last three times, then a pause of four ticks: 40 packets of sound.
        let (there, here) = (b.statistics(), a.statistics());
        assert_eq!((here.sent, there.received, there.lost, there.refused), (48, 48, 0, 0));
        let (to, report) = a.report(1 << 32, at(1_000));
        assert_eq!(to, a.agreed().remote);
        b.handle_datagram(source, &report, at(1_000));
        let (_, report) = b.report(2 << 32, at(1_010));
        a.handle_datagram(a.agreed().remote, &report, at(1_010));
        assert_eq!(a.statistics().lost_there, Some(0));
    }

    #[test]
    fn hold_sends_nothing_and_expects_nothing() {
        let (mut a, mut b) = pair();
        second(&mut a, &mut b, 0);
        let mut held = b.agreed().clone();
        held.flow = Flow { sends: false, receives: false };
        b.agree(held, at(1_000));
        let mut datagrams = 0;
        for tick in 0..3_000 {
            b.send(Some(&hum(tick)), |_| datagrams += 1);
            assert_eq!(b.poll_heard(at(1_000 + tick * 20)), None, "on hold nothing is missed");
        }
        assert_eq!(datagrams, 0);
    }

    #[test]
    fn silence_is_told_as_missing_and_then_as_dead() {
        let (mut a, mut b) = pair();
        second(&mut a, &mut b, 0);
        let mut told = Vec::new();
        for tick in 50..2_000 {
            told.extend(b.poll_heard(at(tick * 20)).map(|heard| (tick, heard)));
        }
        // The last packet came at 980 ms: missing 1.9 s and dead 30 s later.
        assert_eq!(told, [(144, Heard::Sound(Sound::Missing)), (1_549, Heard::Sound(Sound::Dead))]);
    }

    proptest! {
        #[test]
        fn no_octets_panic(datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..40)) {
            let (mut a, mut b) = pair();
            second(&mut a, &mut b, 0);
            let source = b.agreed().remote;
            for (i, datagram) in datagrams.iter().enumerate() {
                let now = at(1_000 + i as u64 * 7);
                b.handle_datagram(source, datagram, now);
                b.handle_report(source, datagram, now);
                b.poll_frame(now);
                b.poll_heard(now);
            }
        }
    }
}
