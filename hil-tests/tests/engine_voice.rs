//! The product's AT engine and the simulated modem in calls, over a real port: each was written from the manuals alone.

mod voice;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use gsm_modem::profile::{ProfileName, SoundPath};
use gsm_modem::{
    CallEnd, CallEvent, CallId, Command, Config, Digit, Engine, Event, MoreToSend, NotPossible, Output, Private,
};
use hil_tests::world::HostPort;
use serde_json::{Value, json};

use voice::{LIMIT, Line};

/// Set-up with its drains, and whatever the machine does beside.
const SET_UP: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(20);
const FIRST: CallId = CallId::Incoming(1);
const OURS: CallId = CallId::Outgoing(7);

/// The engine with its shell's duties.
struct Host {
    line: Line,
    engine: Engine,
    started: Instant,
    calls: Vec<CallEvent>,
    accepted: u32,
}

impl Host {
    fn ready(profile: &str) -> Result<Self> {
        let config = Config { profile: ProfileName::Auto, sound: SoundPath::Tty, ..Config::default() };
        let engine = Engine::new(config, 1, sans_io::Instant::ZERO);
        let line = Line::start(profile)?;
        let mut host = Self { line, engine, started: Instant::now(), calls: Vec::new(), accepted: 0 };
        host.engine.handle_port_opened(host.now());
        host.until("set up", SET_UP, |host| host.engine.ready_to_dial().is_ok())?;
        Ok(host)
    }

    fn now(&self) -> sans_io::Instant {
        sans_io::Instant::from_millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn command(&mut self, command: Command) -> Result<()> {
        self.engine.handle_command(command, self.now());
        self.drain()
    }

    fn until(&mut self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) -> Result<()> {
        let end = Instant::now() + limit;
        self.drain()?;
        while !done(self) {
            if Instant::now() >= end {
                bail!("{what}: not within {limit:?}; calls so far: {:?}", self.calls);
            }
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let octets = self.line.port.octets(STEP)?;
        self.engine.handle_bytes(&octets, self.now());
        self.engine.handle_timeout(self.now());
        self.drain()
    }

    /// Goes on until the simulator tells of something.
    fn told(&mut self, what: &str, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<()> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            self.step()?;
            while let Some(event) = self.line.events.next(Duration::from_millis(1))? {
                if event["event"] == kind && fits(&event) {
                    return Ok(());
                }
            }
        }
        bail!("{what}: not within {LIMIT:?}; calls so far: {:?}", self.calls)
    }

    fn saw(&mut self, event: &CallEvent) -> Result<()> {
        self.until(&format!("{event:?}"), LIMIT, |host| host.calls.contains(event))
    }

    fn drain(&mut self) -> Result<()> {
        loop {
            match self.engine.poll_output() {
                Output::Transmit(octets) => self.line.port.write(&octets)?,
                Output::Event(Event::Call(call)) => self.calls.push(call),
                Output::Event(Event::Accepted { .. }) => self.accepted += 1,
                Output::Event(Event::ReopenPort) => {
                    self.engine.handle_port_closed(self.now());
                    self.line.port = HostPort::open(&self.line.modem.link)?;
                    self.engine.handle_port_opened(self.now());
                }
                Output::Event(_) => {}
                Output::Wait { .. } => return Ok(()),
            }
        }
    }
}

#[test]
fn a_customer_calls_presses_keys_and_hangs_up() -> Result<()> {
    for profile in ["ec25", "sim7600", "generic"] {
        let mut host = Host::ready(profile)?;
        host.line.ask(json!({"do": "call", "from": "+48600111222"}))?;
        host.saw(&CallEvent::Incoming { call: FIRST, number: Some("+48600111222".into()) })?;
        host.command(Command::Answer { call: FIRST })?;
        host.saw(&CallEvent::Connected { call: FIRST })?;
        // Connected means that sound passes.
        assert!(!host.line.pcm()?.octets(LIMIT)?.is_empty(), "{profile}");
        if profile != "generic" {
            host.line.ask(json!({"do": "press", "keys": "1#", "as": "notice"}))?;
            for sign in ['1', '#'] {
                let digit = Digit::new(sign).expect("a key");
                host.saw(&CallEvent::Digit { call: FIRST, digit })?;
            }
        }
        host.line.ask(json!({"do": "call", "from": "+48500000000"}))?;
        host.saw(&CallEvent::MissedWhileBusy { number: Some("+48500000000".into()) })?;
        host.told("refused", "call", |event| event["call"] == 2 && event["by"] == "host")?;
        let (length, hex) = hello();
        host.command(Command::Submit { token: 1, length, hex, more: MoreToSend::No })?;
        host.until("a message beside the call", LIMIT, |host| host.accepted == 1)?;
        host.line.ask(json!({"do": "hang_up", "call": 1}))?;
        host.saw(&CallEvent::Ended { call: FIRST, why: CallEnd::Remote })?;
    }
    Ok(())
}

/// To +48600111222, "hello"; by hand from TS 23.040.
fn hello() -> (usize, Private<String>) {
    (18, "0021000B918406101122F2000005E8329BFD06".into())
}

#[test]
fn the_store_calls_and_hangs_up_or_finds_the_number_engaged() -> Result<()> {
    let mut host = Host::ready("sim7600")?;
    let dial = |call| Command::Dial { call, number: "+48600111222".into() };
    host.line.ask(json!({"do": "callee", "rule": {"policy": "answer", "ring_ms": 100, "answer_ms": 1_500}}))?;
    host.command(dial(7))?;
    host.saw(&CallEvent::Alerting { call: OURS })?;
    host.saw(&CallEvent::Connected { call: OURS })?;
    host.command(Command::SendDigit { call: OURS, digit: Digit::new('5').expect("a key") })?;
    host.told("the key", "digit", |event| event["digit"] == "5")?;
    host.command(Command::HangUp { call: OURS })?;
    host.saw(&CallEvent::Ended { call: OURS, why: CallEnd::HungUp })?;
    host.line.ask(json!({"do": "callee", "rule": {"policy": "busy", "after_ms": 300}}))?;
    host.until("free", LIMIT, |host| host.engine.ready_to_dial().is_ok())?;
    host.command(dial(8))?;
    host.saw(&CallEvent::Ended { call: CallId::Outgoing(8), why: CallEnd::Busy })?;
    host.line.ask(json!({"do": "callee", "rule": {"policy": "ring"}}))?;
    host.until("free", LIMIT, |host| host.engine.ready_to_dial().is_ok())?;
    host.command(dial(9))?;
    host.saw(&CallEvent::Alerting { call: CallId::Outgoing(9) })?;
    host.command(Command::HangUp { call: CallId::Outgoing(9) })?;
    host.saw(&CallEvent::Ended { call: CallId::Outgoing(9), why: CallEnd::HungUp })?;
    host.command(Command::Dial { call: 10, number: "*#21#".into() })?;
    host.saw(&CallEvent::NotPossible { call: CallId::Outgoing(10), why: NotPossible::Number })
}

#[test]
fn a_modem_that_restarts_in_a_call_ends_it_and_takes_the_next() -> Result<()> {
    let mut host = Host::ready("ec25")?;
    host.line.ask(json!({"do": "call"}))?;
    host.saw(&CallEvent::Incoming { call: FIRST, number: None })?;
    host.command(Command::Answer { call: FIRST })?;
    host.saw(&CallEvent::Connected { call: FIRST })?;
    host.line.modem.control.fault(&json!({"kind": "reboot"}))?;
    host.saw(&CallEvent::Ended { call: FIRST, why: CallEnd::Lost })?;
    host.until("set up again", SET_UP, |host| host.engine.ready_to_dial().is_ok())?;
    host.line.ask(json!({"do": "call", "from": "600111222"}))?;
    host.saw(&CallEvent::Incoming { call: CallId::Incoming(2), number: Some("600111222".into()) })
}

#[test]
fn a_call_that_is_left_over_from_before_is_hung_up() -> Result<()> {
    let mut host = Host::ready("ec25")?;
    host.line.ask(json!({"do": "call"}))?;
    host.saw(&CallEvent::Incoming { call: FIRST, number: None })?;
    host.command(Command::Answer { call: FIRST })?;
    host.saw(&CallEvent::Connected { call: FIRST })?;
    // The box starts anew; the modem does not.
    host.engine = Engine::new(Config::default(), 2, host.now());
    host.engine.handle_port_opened(host.now());
    host.until("set up", SET_UP, |host| host.engine.ready_to_dial().is_ok())?;
    host.told("hung up", "call", |event| event["state"] == "ended" && event["by"] == "host")
}
