//! A leg from mouth to ear: G.711, RTP, a network that loses, doubles and swaps packets, the source lock, the jitter
//! buffer, and keys as events and as tones beside each other.

use std::net::SocketAddr;
use std::time::Duration;

use sans_io::{Instant, Rng};
use store_voice::Frame;
use store_voice::dtmf::{Detector, Digit, EventReceiver, EventSender, Merger, ToneSender, Via};
use store_voice::g711::Law;
use store_voice::jitter::{Config, JitterBuffer, Made};
use store_voice::rtp::{First, Packet, Reception, Sender, SourceLock, Verdict};

const PCMA: u8 = 8;
const EVENTS: u8 = 101;

/// The sending end: a hum, and keys by both ways.
struct Mouth {
    sender: Sender,
    events: EventSender,
    tones: ToneSender,
    event_began: u32,
    at: usize,
}

impl Mouth {
    fn new() -> Self {
        let (events, tones) = (EventSender::default(), ToneSender::default());
        Self { sender: Sender::new(4), events, tones, event_began: 0, at: 0 }
    }

    fn tick(&mut self) -> Vec<Vec<u8>> {
        if self.events.is_busy() {
            let packet = self.events.poll_packet(self.sender.timestamp());
            let mut out = Vec::new();
            if let Some(packet) = packet {
                if packet.first == First::Yes {
                    self.event_began = packet.timestamp;
                }
                for _ in 0..packet.copies {
                    out.push(self.sender.event(EVENTS, &packet.payload, self.event_began, packet.first));
                }
            }
            self.sender.skip(160);
            return out;
        }
        let frame = self.tones.poll_frame().unwrap_or_else(|| self.hum());
        let mut payload = Vec::new();
        Law::A.encode_into(&frame.0, &mut payload);
        vec![self.sender.sound(PCMA, &payload, 160)]
    }

    /// 200 Hz.
    fn hum(&mut self) -> Frame {
        self.at += 160;
        let sample = |i: usize| ((i as f32 * std::f32::consts::TAU / 40.0).sin() * 3_000.0) as i16;
        Frame(std::array::from_fn(|i| sample(self.at + i)))
    }
}

/// The receiving end.
struct Ear {
    lock: SourceLock,
    heard: Option<Reception>,
    jitter: JitterBuffer,
    events: EventReceiver,
    detector: Detector,
    merger: Merger,
    digits: String,
}

impl Ear {
    fn new(from: SocketAddr) -> Self {
        Self {
            lock: SourceLock::new(from.ip()),
            heard: None,
            jitter: JitterBuffer::new(Config::default(), 1),
            events: EventReceiver::default(),
            detector: Detector::default(),
            merger: Merger::default(),
            digits: String::new(),
        }
    }

    fn datagram(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let packet = Packet::parse(datagram).expect("our own packets are whole");
        match self.lock.handle_packet(from, &packet.header, now) {
            Verdict::Dropped => return,
            Verdict::NewSource => {
                self.heard = Some(Reception::new(&packet.header, now));
                self.jitter.handle_new_source();
            }
            Verdict::Taken => self.heard.as_mut().expect("a source").handle_packet(&packet.header, now),
        }
        let timestamp = packet.header.timestamp;
        if packet.header.payload_type == EVENTS {
            self.jitter.handle_pause();
            let digit = self.events.handle_packet(timestamp, packet.payload, now);
            self.note(digit, Via::Event, now);
        } else {
            let samples: Vec<i16> = packet.payload.iter().map(|o| Law::A.decode(*o)).collect();
            self.jitter.handle_sound(timestamp, &samples, now);
        }
    }

    fn tick(&mut self, now: Instant) -> Made {
        let (frame, made) = self.jitter.poll_frame();
        let digit = self.detector.handle_frame(&frame);
        self.note(digit, Via::Tone, now);
        made
    }

    fn note(&mut self, digit: Option<Digit>, via: Via, now: Instant) {
        self.digits.extend(digit.and_then(|d| self.merger.handle_digit(d, via, now)).map(Digit::sign));
    }
}

/// Ten seconds; keys at given ticks. What is lost and how late the rest is, `network` says in ms.
fn run(keys: &[(u64, char, Via)], mut network: impl FnMut() -> Vec<u64>) -> (Ear, u32) {
    let from: SocketAddr = "192.0.2.5:4000".parse().unwrap();
    let forger: SocketAddr = "198.51.100.9:4000".parse().unwrap();
    let (mut mouth, mut ear) = (Mouth::new(), Ear::new(from));
    let mut flying: Vec<(u64, usize, Vec<u8>)> = Vec::new();
    let mut made_up = 0;
    for tick in 0..500_u64 {
        let now = tick * 20;
        for (_, sign, via) in keys.iter().filter(|(at, ..)| *at == tick) {
            let (digit, length) = (Digit::from_char(*sign).unwrap(), Duration::from_millis(100));
            match via {
                Via::Event => mouth.events.press(digit, length).unwrap(),
                _ => mouth.tones.press(digit, length).unwrap(),
            }
        }
        for datagram in mouth.tick() {
            ear.datagram(forger, &datagram, Instant::from_millis(now));
            for delay in network() {
                flying.push((now + delay, flying.len(), datagram.clone()));
            }
        }
        flying.sort();
        let arrived: Vec<_> = flying.extract_if(.., |(at, ..)| *at <= now).collect();
        for (at, _, datagram) in arrived {
            ear.datagram(from, &datagram, Instant::from_millis(at));
        }
        made_up += u32::from(ear.tick(Instant::from_millis(now)) == Made::Concealed);
    }
    (ear, made_up)
}

const KEYS: [(u64, char, Via); 5] = [
    (50, '1', Via::Event),
    (100, '7', Via::Tone),
    (150, '7', Via::Event),
    (200, '*', Via::Tone),
    (250, '#', Via::Event),
];

#[test]
fn on_a_good_network_every_key_is_heard_once_and_nothing_is_made_up() {
    let (ear, made_up) = run(&KEYS, || vec![5]);
    assert_eq!(ear.digits, "177*#");
    assert_eq!((ear.heard.unwrap().statistics().lost, ear.jitter.counts().late), (0, 0));
    assert!(made_up <= 12, "{made_up} frames: three at most where a key interrupts the sound");
    assert!(ear.lock.dropped().0 > 400, "the forger's packets");
}

#[test]
fn on_a_bad_network_keys_are_still_heard_once() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        // 3 % lost, 3 % doubled, up to 40 ms late.
        let (ear, made_up) = run(&KEYS, || {
            let copies = if rng.chance(30) { 0 } else { 1 + usize::from(rng.chance(30)) };
            (0..copies).map(|_| rng.below(40)).collect()
        });
        assert_eq!(ear.digits.chars().filter(|c| *c != '*').collect::<String>(), "177#", "seed {seed}");
        assert!(ear.digits.matches('*').count() <= 1, "seed {seed}: {}", ear.digits);
        assert!(made_up < 50, "seed {seed}: {made_up} frames of 500 are made up");
    }
}
