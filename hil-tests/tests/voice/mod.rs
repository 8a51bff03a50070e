//! A simulated modem with its ports, and what tests need to make and measure sound. The measuring is not the simulator's.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::f64::consts::TAU;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use hil_tests::sim_modem::RATE;
use hil_tests::sim_modem::client::Events;
use hil_tests::world::{HostPort, SimModem};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const LIMIT: Duration = Duration::from_secs(10);
/// Peak of tones made here.
const PEAK: f64 = 8_000.0;

/// The modem, the host's ends of its ports, and its events.
pub struct Line {
    pub dir: TempDir,
    pub modem: SimModem,
    pub port: HostPort,
    pub events: Events,
    pcm: Option<HostPort>,
}

impl Line {
    pub fn start(profile: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let link = dir.path().join("pcm");
        let link = link.to_str().unwrap_or_default();
        let arguments = ["--profile", profile, "--pcm-link", link, "--sound", "0"];
        let modem = SimModem::start(dir.path(), &arguments)?;
        let mut port = HostPort::open(&modem.link)?;
        port.command("ATE0", LIMIT)?;
        let events = modem.events()?;
        Ok(Self { dir, modem, port, events, pcm: None })
    }

    /// Somebody has called and was answered.
    pub fn in_a_call(profile: &str) -> Result<Self> {
        let mut line = Self::start(profile)?;
        line.ask(json!({"do": "call", "from": "+48600111222"}))?;
        line.port.until("RING\r\n", LIMIT)?;
        line.port.command("ATA", LIMIT)?;
        line.events.wait("call", LIMIT, |event| event["state"] == "active")?;
        line.port.rest(Duration::from_millis(50))?;
        Ok(line)
    }

    pub fn ask(&mut self, request: Value) -> Result<Value> {
        self.modem.control.ask(&request)
    }

    /// The host's end of the port of the sound.
    pub fn pcm(&mut self) -> Result<&mut HostPort> {
        if self.pcm.is_none() {
            self.pcm = Some(HostPort::open(&self.dir.path().join("pcm"))?);
        }
        self.pcm.as_mut().context("the port of the sound")
    }

    /// The far end's ear and mouth.
    pub fn person(&mut self) -> Result<Person> {
        let ready = self.modem.process.ready(LIMIT)?;
        let stream = TcpStream::connect(ready["sound"].as_str().context("its sound address")?)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Person { stream })
    }
}

/// See [`Line::person`].
pub struct Person {
    stream: TcpStream,
}

impl Person {
    pub fn say(&mut self, octets: &[u8]) -> Result<()> {
        self.stream.write_all(octets).context("saying something")
    }

    pub fn hear(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).context("hearing something")?;
        Ok(octets)
    }
}

/// A tone; 0 Hz is silence.
pub fn sine(hertz: f64, samples: usize) -> Vec<i16> {
    (0..samples).map(|n| ((TAU * hertz * n as f64 / f64::from(RATE)).sin() * PEAK).round() as i16).collect()
}

pub fn octets_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

pub fn samples_of(octets: &[u8]) -> Vec<i16> {
    octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// The share of the power that lies at a frequency: the discrete Fourier transform's one bin against all (Parseval).
pub fn share(samples: &[i16], hertz: f64) -> f64 {
    let all: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let turn = TAU * hertz * n as f64 / f64::from(RATE);
        re += f64::from(*sample) * turn.cos();
        im += f64::from(*sample) * turn.sin();
    }
    if all == 0.0 { 0.0 } else { 2.0 * (re * re + im * im) / (all * samples.len() as f64) }
}

pub fn write_wav(path: &Path, rate: u32, samples: &[i16]) -> Result<()> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec)?;
    samples.iter().try_for_each(|sample| writer.write_sample(*sample))?;
    Ok(writer.finalize()?)
}

pub fn wav_of(path: &Path) -> Result<Vec<i16>> {
    let mut reader = hound::WavReader::open(path)?;
    Ok(reader.samples::<i16>().collect::<Result<_, _>>()?)
}
