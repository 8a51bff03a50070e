//! The SMS scenario on a modem: send to a named number with a report, wait for *delivered*, receive a reply.
//!
//! It drives the product's AT engine on a port. Against the simulated modem it runs always; against a real EC25 or SIM7600 it
//! runs when `RIG_CONFIG` names a rig (see `rig/README.md`), and is skipped loudly otherwise.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gsm_modem::pdu::{Report, SubmitPdu, SubmitRequest, encode_submit};
use gsm_modem::profile::ProfileName;
use gsm_modem::{Command, Config, Engine, Event, MoreToSend, Output, failure};
use hil_tests::world::{HostPort, SimModem};
use serde::Deserialize;

/// Seed of the engine's jitter; the scenario does not depend on it.
const SEED: u64 = 1;
/// Name of the one submission.
const TOKEN: u64 = 1;
/// Longest wait for octets before the engine's timers are looked at again.
const STEP: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rig {
    port: PathBuf,
    profile: String,
    pin: Option<String>,
    number: String,
    register_s: u64,
    delivered_s: u64,
    reply_s: u64,
}

/// The engine on a port, with the wall's clock.
struct Driver {
    engine: Engine,
    port: HostPort,
    begun: Instant,
    until: Option<sans_io::Instant>,
    /// What happened and was not looked at yet; nobody waits long enough to let it grow.
    events: VecDeque<Event>,
}

impl Driver {
    fn open(rig: &Rig) -> Result<Self> {
        let profile = ProfileName::parse(&rig.profile).with_context(|| format!("profile {}", rig.profile))?;
        let config = Config { profile, pin: rig.pin.clone().map(Into::into), ..Config::default() };
        let now = sans_io::Instant::ZERO;
        let engine = Engine::new(config, SEED, now);
        let port = HostPort::open(&rig.port)?;
        let mut driver = Self { engine, port, begun: Instant::now(), until: None, events: VecDeque::new() };
        driver.engine.handle_port_opened(now);
        driver.drain()?;
        Ok(driver)
    }

    fn now(&self) -> sans_io::Instant {
        sans_io::Instant::from_micros(u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn drain(&mut self) -> Result<()> {
        loop {
            match self.engine.poll_output() {
                Output::Transmit(octets) => self.port.write(&octets)?,
                Output::Event(event) => self.events.push_back(event),
                Output::Wait { until, .. } => {
                    self.until = until;
                    return Ok(());
                }
            }
        }
    }

    /// Reads, lets timers run, and keeps what happened.
    fn step(&mut self) -> Result<()> {
        let wait = self.until.map_or(STEP, |until| until.since(self.now()).min(STEP));
        let octets = self.port.octets(wait)?;
        let now = self.now();
        if !octets.is_empty() {
            self.engine.handle_bytes(&octets, now);
            self.drain()?;
        }
        if self.until.is_some_and(|until| until <= now) {
            self.engine.handle_timeout(now);
            self.drain()?;
        }
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result<()> {
        let now = self.now();
        self.engine.handle_command(command, now);
        self.drain()
    }

    /// Waits until `look` finds something in an event; every message and report is confirmed to the engine on the way.
    fn wait<T>(&mut self, what: &str, limit: Duration, mut look: impl FnMut(&Event) -> Result<Option<T>>) -> Result<T> {
        let end = Instant::now() + limit;
        loop {
            while let Some(event) = self.events.pop_front() {
                if let Event::Received { key, .. } | Event::Report { key, .. } | Event::Undecodable { key, .. } = &event
                {
                    self.command(Command::Stored { key: *key })?;
                }
                if let Some(found) = look(&event)? {
                    return Ok(found);
                }
            }
            ensure!(Instant::now() < end, "{what}: not within {limit:?}");
            self.step()?;
        }
    }

    fn wait_ready(&mut self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        while self.engine.ready_to_submit().is_none() {
            ensure!(Instant::now() < end, "the modem was not ready to send within {limit:?}");
            self.step()?;
        }
        Ok(())
    }
}

/// Sends, waits for *delivered*, and returns the reply; `answer` is called when the telephone has the message.
fn scenario(rig: &Rig, text: &str, mut answer: impl FnMut() -> Result<()>) -> Result<String> {
    let mut driver = Driver::open(rig)?;
    driver.wait_ready(Duration::from_secs(rig.register_s))?;
    let mut request = SubmitRequest::new(rig.number.clone(), text);
    request.report = Report::Request;
    let [part]: [SubmitPdu; 1] = encode_submit(&request)?.try_into().ok().context("a text of one part")?;
    let SubmitPdu { length, hex, .. } = part;
    driver.command(Command::Submit { token: TOKEN, length, hex, more: MoreToSend::No })?;
    let limit = Duration::from_secs(rig.delivered_s);
    let reference = driver.wait("the network's acceptance", limit, |event| match event {
        Event::Accepted { reference, .. } => Ok(Some(*reference)),
        Event::Failed { class, cause, .. } => bail!("not sent: {class:?}, {cause:?}"),
        Event::Unknown { cause, .. } => bail!("nobody knows whether it was sent: {cause:?}"),
        _ => Ok(None),
    })?;
    driver.wait("the report", limit, |event| match event {
        Event::Report { report, .. } if report.reference == reference => match failure::delivery(report.status) {
            failure::Delivery::Done => Ok(Some(())),
            failure::Delivery::Trying => Ok(None),
            failure::Delivery::Failed(class) => bail!("not delivered: {class:?}, TP-ST {:#04x}", report.status),
        },
        _ => Ok(None),
    })?;
    answer()?;
    let number = rig.number.clone();
    driver.wait("the reply", Duration::from_secs(rig.reply_s), |event| match event {
        Event::Received { message, .. } if *message.sender.number == number => Ok(Some(message.data.text.to_string())),
        _ => Ok(None),
    })
}

fn simulated(dir: &Path, arguments: &[&str], profile: &str) -> Result<(SimModem, Rig)> {
    let modem = SimModem::start(dir, arguments)?;
    let rig = Rig {
        port: modem.link.clone(),
        profile: profile.into(),
        pin: None,
        number: "+48600111222".into(),
        register_s: 30,
        delivered_s: 30,
        reply_s: 30,
    };
    Ok((modem, rig))
}

#[test]
fn each_simulated_modem_sends_is_told_delivered_and_receives_a_reply() -> Result<()> {
    for profile in ["ec25", "sim7600", "generic"] {
        let dir = tempfile::tempdir()?;
        let (mut modem, rig) = simulated(dir.path(), &["--profile", profile], profile)?;
        let number = rig.number.clone();
        let text = "Zamowienie 2026/11/00123 czeka.";
        let answer = || modem.control.deliver(&number, "jestem").map(|_| ());
        let reply = scenario(&rig, text, answer).with_context(|| profile.to_owned())?;
        assert_eq!(reply, "jestem", "{profile}");
        let on_air = modem.control.on_air(0)?;
        assert_eq!((on_air.len(), on_air[0]["text"].as_str()), (1, Some(text)), "{profile}");
    }
    Ok(())
}

#[test]
fn a_telephone_that_can_not_be_reached_is_said_to_be_so() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, rig) = simulated(dir.path(), &[], "auto")?;
    // 0x46: SM validity period expired (TS 23.040 §9.2.3.15).
    modem.control.ask(&serde_json::json!({"do": "reports", "rule": {"policy": "fail", "status": 0x46}}))?;
    let failed = scenario(&rig, "czeka", || Ok(())).expect_err("a failed report");
    assert!(failed.to_string().contains("0x46"), "{failed:#}");
    Ok(())
}

#[test]
fn the_rig_sends_is_told_delivered_and_receives_a_reply() -> Result<()> {
    let Some(path) = std::env::var_os("RIG_CONFIG") else {
        println!("SKIPPED: no rig (RIG_CONFIG is not set; see hil-tests/rig/README.md)");
        eprintln!("SKIPPED: no rig (RIG_CONFIG is not set; see hil-tests/rig/README.md)");
        return Ok(());
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", Path::new(&path).display()))?;
    let rig: Rig = toml::from_str(&text).context("reading the rig's description")?;
    let reply = scenario(&rig, "Test: odpisz JESTEM", || {
        println!("The telephone has the message. Answer it with JESTEM within {} s.", rig.reply_s);
        Ok(())
    })?;
    ensure!(reply.trim().eq_ignore_ascii_case("jestem"), "another reply came");
    Ok(())
}
