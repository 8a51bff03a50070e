//! Engine and scripted modem with a clock that jumps to the next deadline.

use std::time::Duration;

use gsm_modem::engine::ExpectedReference;
use gsm_modem::{Command, Config, Engine, Event, MoreToSend, Output, Private};
use sans_io::{Instant, Rng};

use crate::modem::Modem;
use crate::vectors::vectors;

/// The most rounds of a run: a test that never gets there fails instead of hanging.
const MAX_ROUNDS: usize = 200_000;

pub struct World {
    pub engine: Engine,
    pub modem: Modem,
    pub now: Instant,
    pub events: Vec<(Instant, Event)>,
    /// Answer `Stored` at once.
    pub stores: bool,
    /// Cuts what goes to the engine into pieces.
    pub pieces: Option<Rng>,
    wait: Option<Instant>,
}

/// A submission of the peers' vectors: length and PDU.
pub fn submission(index: usize) -> (usize, String) {
    vectors("submit").get(index).map(|f| (f[8].parse().unwrap(), f[9].clone())).unwrap()
}

/// A delivery of the peers' vectors: sender, text, PDU.
pub fn delivery(index: usize) -> (String, String, String) {
    vectors("deliver").get(index).map(|f| (f[1].clone(), f[2].clone(), f[7].clone())).unwrap()
}

/// A report of the peers' vectors: reference, recipient, PDU.
pub fn report(index: usize) -> (u8, String, String) {
    vectors("status_report").get(index).map(|f| (f[1].parse().unwrap(), f[2].clone(), f[6].clone())).unwrap()
}

/// Short waits, so that a reader can follow the times.
pub fn config() -> Config {
    Config { submit: Some(Duration::from_secs(120)), quiet: Some(Duration::from_secs(60)), ..Config::default() }
}

impl World {
    pub fn new(config: Config, modem: Modem) -> Self {
        let now = Instant::from_millis(1_000);
        let engine = Engine::new(config, 7, now);
        Self { engine, modem, now, events: Vec::new(), stores: true, pieces: None, wait: None }
    }

    /// Opened and set up.
    pub fn ready(config: Config, modem: Modem) -> Self {
        let mut world = Self::new(config, modem);
        world.open();
        world.until("set up", |w| w.saw(|e| *e == Event::Ready));
        world.settle();
        world
    }

    pub fn open(&mut self) {
        self.engine.handle_port_opened(self.now);
        self.drain();
    }

    pub fn command(&mut self, command: Command) {
        self.engine.handle_command(command, self.now);
        self.drain();
    }

    /// Submits a vector's PDU under a token; returns what was expected of its reference.
    pub fn submit(&mut self, token: u64, index: usize, more: MoreToSend) -> ExpectedReference {
        let expected = self.engine.ready_to_submit().expect("ready to submit");
        let (length, hex) = submission(index);
        self.command(Command::Submit { token, length, hex: Private(hex), more });
        expected
    }

    pub fn saw(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(|(_, e)| what(e))
    }

    pub fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, e)| what(e)).count()
    }

    pub fn heard(&self, what: &str) -> usize {
        self.modem.heard.iter().filter(|line| *line == what).count()
    }

    /// Runs until the condition holds.
    pub fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..MAX_ROUNDS {
            if condition(self) {
                return;
            }
            assert!(self.step(), "nothing more happens; still waiting: {what}\n{}", self.story());
        }
        panic!("too many rounds; still waiting: {what}\n{}", self.story());
    }

    /// Runs for a time.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.next().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Runs until the engine only waits for its polls.
    pub fn settle(&mut self) {
        self.run(Duration::from_secs(2));
    }

    /// Events and lines, for a failing test.
    pub fn story(&self) -> String {
        let events: Vec<String> = self.events.iter().map(|(at, e)| format!("{} {e:?}", at.as_millis())).collect();
        let tail = self.modem.heard.len().saturating_sub(40);
        format!("now {}\n{}\nheard: {:?}", self.now.as_millis(), events.join("\n"), &self.modem.heard[tail..])
    }

    fn next(&self) -> Option<Instant> {
        let said = self.modem.output.iter().map(|(at, _)| *at).min();
        [said, self.wait].into_iter().flatten().min()
    }

    fn step(&mut self) -> bool {
        let Some(at) = self.next() else { return false };
        self.now = self.now.max(at);
        let said =
            self.modem.output.iter().enumerate().min_by_key(|(i, (at, _))| (*at, *i)).map(|(i, (at, _))| (i, *at));
        match said {
            Some((index, at)) if at <= self.now => {
                let (_, octets) = self.modem.output.remove(index).unwrap();
                self.deliver(&octets);
            }
            _ => {
                self.engine.handle_timeout(self.now);
                self.drain();
            }
        }
        true
    }

    fn deliver(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let size = match &mut self.pieces {
                Some(rng) => 1 + rng.below(4) as usize,
                None => rest.len(),
            };
            let (piece, later) = rest.split_at(size.min(rest.len()));
            self.engine.handle_bytes(piece, self.now);
            self.drain();
            rest = later;
        }
    }

    pub fn drain(&mut self) {
        for _ in 0..10_000 {
            match self.engine.poll_output() {
                Output::Transmit(octets) => self.modem.receive(&octets, self.now),
                Output::Event(event) => self.handle_event(event),
                Output::Wait { until, .. } => {
                    self.wait = until;
                    return;
                }
            }
        }
        panic!("the engine never waits\n{}", self.story());
    }

    fn handle_event(&mut self, event: Event) {
        let key = match &event {
            Event::Received { key, .. } | Event::Report { key, .. } | Event::Undecodable { key, .. } => Some(*key),
            _ => None,
        };
        match &event {
            Event::PowerKey { .. } => self.modem.shaken("PowerKey", self.now),
            Event::ResetPin { .. } => self.modem.shaken("ResetPin", self.now),
            _ => {}
        }
        let reopen = event == Event::ReopenPort;
        self.events.push((self.now, event));
        if let Some(key) = key.filter(|_| self.stores) {
            self.engine.handle_command(Command::Stored { key }, self.now);
        }
        if reopen {
            self.modem.shaken("ReopenPort", self.now);
            self.engine.handle_port_closed(self.now);
            self.engine.handle_port_opened(self.now);
        }
    }
}
