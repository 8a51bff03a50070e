//! What a phone says and hears: a tone out, everything in.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::description::Description;
use anyhow::{Context as _, Result};

/// Samples a second.
const RATE: u32 = 8_000;
/// Samples of a packet: 20 ms.
const SAMPLES: usize = 160;
const TICK: Duration = Duration::from_millis(20);
/// G.711 A-law (RFC 3551 table 4).
const PCMA: u8 = 8;
/// The keys of RFC 4733 §3.2, by their codes.
const KEYS: &str = "0123456789*#ABCD";
/// Packets of a press, then its end three times, then a pause.
const PRESSED: u16 = 5;
const PAUSE: u8 = 5;
/// Samples kept: two minutes.
const MOST_HEARD: usize = 120 * RATE as usize;
/// Amplitude of the tone.
const LOUD: f64 = 8_000.0;
/// A tone below this share of a window's power is not there.
const PRESENT: f64 = 0.5;

/// What a phone heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Samples, in the order in which they came.
    pub samples: Vec<i16>,
    /// Keys that came as events.
    pub keys: String,
    /// Packets that came.
    pub packets: u64,
    /// When the first came.
    pub first: Option<Instant>,
}

/// A key that is held.
#[derive(Debug)]
struct Press {
    code: u8,
    timestamp: u32,
    packets: u16,
}

/// The sound of one call.
#[derive(Debug)]
pub struct Sound {
    socket: UdpSocket,
    own: SocketAddr,
    theirs: Option<Description>,
    sequence: u16,
    timestamp: u32,
    /// The next packet is the first after silence.
    marked: bool,
    keys: VecDeque<u8>,
    press: Option<Press>,
    pause: u8,
    /// What it says: a tone's frequency; silence without one, nothing at all when mute.
    pub tone: Option<f64>,
    /// Sends no packets at all.
    pub is_mute: bool,
    phase: f64,
    due: Instant,
    /// What it heard.
    pub heard: Heard,
    last_key: Option<u32>,
    /// When each packet of sound went out, while asked for.
    pub marks: Option<Vec<Instant>>,
    /// When each packet of sound came, while asked for.
    pub arrived: Option<Vec<Instant>>,
}

impl Sound {
    pub(super) fn new() -> Result<Self> {
        let socket = UdpSocket::bind((super::LOOPBACK, 0)).context("a phone's RTP socket")?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?;
        Ok(Self {
            socket,
            own,
            theirs: None,
            sequence: own.port(),
            timestamp: u32::from(own.port()) << 8,
            marked: true,
            keys: VecDeque::new(),
            press: None,
            pause: 0,
            tone: None,
            is_mute: false,
            phase: 0.0,
            due: Instant::now(),
            heard: Heard::default(),
            last_key: None,
            marks: None,
            arrived: None,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.own
    }

    pub(super) fn begin(&mut self, theirs: Description) {
        self.theirs = Some(theirs);
        self.due = Instant::now();
        self.heard = Heard::default();
    }

    pub(super) fn change(&mut self, theirs: Description) {
        self.theirs = Some(theirs);
    }

    pub(super) fn end(&mut self) {
        self.theirs = None;
    }

    /// Presses keys, one after the other.
    pub fn press(&mut self, keys: &str) {
        self.keys.extend(keys.chars().filter_map(|sign| KEYS.find(sign)).filter_map(|code| u8::try_from(code).ok()));
    }

    /// The share of power at `hertz` in the last `window` of what was heard.
    pub fn share_of(&self, hertz: f64, window: Duration) -> f64 {
        let count = (window.as_secs_f64() * f64::from(RATE)) as usize;
        let samples = &self.heard.samples;
        goertzel(&samples[samples.len().saturating_sub(count)..], hertz)
    }

    /// Whether a tone is heard now.
    pub fn hears(&self, hertz: f64) -> bool {
        self.heard.samples.len() > 1_600 && self.share_of(hertz, Duration::from_millis(200)) > PRESENT
    }

    pub(super) fn step(&mut self) -> Result<()> {
        self.receive()?;
        while self.theirs.is_some() && Instant::now() >= self.due {
            self.due += TICK;
            self.speak()?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let mut octets = [0; 2_048];
        loop {
            match self.socket.recv_from(&mut octets) {
                Ok((length, _)) => self.take(&octets[..length]),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(e) => return Err(e).context("a phone's RTP socket"),
            }
        }
    }

    fn take(&mut self, octets: &[u8]) {
        let Some(theirs) = &self.theirs else { return };
        let &[0x80, kind, _, _, t0, t1, t2, t3, _, _, _, _, ref payload @ ..] = octets else { return };
        // 72 to 76 with the marker are RTCP on the same port (RFC 5761 §4).
        if (200..=204).contains(&kind) {
            return;
        }
        let (kind, timestamp) = (kind & 0x7F, u32::from_be_bytes([t0, t1, t2, t3]));
        self.heard.packets += 1;
        self.heard.first.get_or_insert_with(Instant::now);
        if kind == PCMA && self.heard.samples.len() < MOST_HEARD {
            self.heard.samples.extend(payload.iter().map(|octet| from_a_law(*octet)));
            if let Some(marks) = &mut self.arrived {
                marks.push(Instant::now());
            }
        } else if Some(kind) == theirs.events_here() && self.last_key != Some(timestamp) {
            self.last_key = Some(timestamp);
            self.heard.keys.extend(payload.first().and_then(|code| KEYS.chars().nth(usize::from(*code))));
        }
    }

    fn speak(&mut self) -> Result<()> {
        let Some(theirs) = self.theirs.clone() else { return Ok(()) };
        let time = self.timestamp;
        self.timestamp = self.timestamp.wrapping_add(SAMPLES as u32);
        if let Some(kind) = theirs.events {
            if self.pause > 0 {
                self.pause -= 1;
                return Ok(());
            }
            if self.press.is_none() {
                self.press = self.keys.pop_front().map(|code| Press { code, timestamp: time, packets: 0 });
            }
            if let Some(mut press) = self.press.take() {
                press.packets += 1;
                let ends = press.packets == PRESSED;
                let [high, low] = (press.packets * SAMPLES as u16).to_be_bytes();
                let payload = [press.code, if ends { 0x8A } else { 0x0A }, high, low];
                for _ in 0..if ends { 3 } else { 1 } {
                    let first = press.packets == 1;
                    self.transmit(theirs.remote, kind, first, press.timestamp, &payload)?;
                }
                self.marked = true;
                match ends {
                    true => self.pause = PAUSE,
                    false => self.press = Some(press),
                }
                return Ok(());
            }
        }
        if self.is_mute || !theirs.wants_sound {
            self.marked = true;
            return Ok(());
        }
        let payload: Vec<u8> = (0..SAMPLES).map(|_| self.sample()).map(to_a_law).collect();
        if let Some(marks) = &mut self.marks {
            marks.push(Instant::now());
        }
        let first = std::mem::take(&mut self.marked);
        self.transmit(theirs.remote, PCMA, first, time, &payload)
    }

    fn transmit(&mut self, to: SocketAddr, kind: u8, first: bool, timestamp: u32, payload: &[u8]) -> Result<()> {
        let mut datagram = vec![0x80, kind | u8::from(first) << 7];
        datagram.extend(self.sequence.to_be_bytes());
        datagram.extend(timestamp.to_be_bytes());
        datagram.extend(u32::from(self.own.port()).to_be_bytes());
        datagram.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        match self.socket.send_to(&datagram, to) {
            Err(e) if !matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused) => {
                Err(e).context("a phone's RTP socket")
            }
            _ => Ok(()),
        }
    }

    fn sample(&mut self) -> i16 {
        let Some(hertz) = self.tone else { return 0 };
        self.phase = (self.phase + TAU * hertz / f64::from(RATE)) % TAU;
        (self.phase.sin() * LOUD) as i16
    }
}

/// ITU-T G.711, A-law: sign, three bits of segment, four of its place, every even bit inverted.
fn to_a_law(sample: i16) -> u8 {
    let (sign, size) = if sample >= 0 { (0x80, i32::from(sample)) } else { (0, -1 - i32::from(sample)) };
    let size = size >> 4;
    let octet = match size {
        0..=31 => size,
        _ => {
            let segment = 28 - size.leading_zeros().cast_signed();
            (segment << 4) | ((size >> (segment - 1)) & 0x0F)
        }
    };
    (sign | octet as u8) ^ 0x55
}

fn from_a_law(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let (segment, place) = (i32::from(octet >> 4 & 7), i32::from(octet & 0x0F));
    let size = match segment {
        0 => (place << 4) + 8,
        _ => ((place << 4) + 0x108) << (segment - 1),
    };
    if octet & 0x80 != 0 { size as i16 } else { -size as i16 }
}

/// The share of a sound's power that lies at a frequency, by Goertzel's algorithm: 1 for a pure tone.
pub fn goertzel(samples: &[i16], hertz: f64) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    if power < 1.0 {
        return 0.0;
    }
    let factor = 2.0 * (TAU * hertz / f64::from(RATE)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) + factor * one - two;
        two = one;
        one = next;
    }
    let at = one * one + two * two - factor * one * two;
    // A sine of N samples with amplitude A has the power N·A²/2 and, at its frequency, |X|² = (N·A/2)².
    at * 2.0 / (power * samples.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_is_that_of_the_recommendation() {
        // G.711 table 1a: decoder outputs 1 (8 of 32 768ths of 16 bits) and 4 032 (32 256), and silence's octet.
        assert_eq!([from_a_law(0xD5), from_a_law(0x55), from_a_law(0xAA), from_a_law(0x2A)], [8, -8, 32_256, -32_256]);
        for octet in 0..=255 {
            assert_eq!(to_a_law(from_a_law(octet)), octet, "{octet:#x}");
        }
    }

    #[test]
    fn a_tone_is_found_at_its_frequency_and_nowhere_else() {
        let tone: Vec<i16> =
            (0..1_600).map(|i| ((TAU * 440.0 * f64::from(i) / 8_000.0).sin() * 9_000.0) as i16).collect();
        assert!(goertzel(&tone, 440.0) > 0.98);
        assert!(goertzel(&tone, 600.0) < 0.02);
        assert!(goertzel(&[0; 1_600], 440.0) < 0.01);
    }
}
