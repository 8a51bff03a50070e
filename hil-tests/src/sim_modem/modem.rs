//! The modem itself, without port, socket or clock: octets, requests and instants go in, outputs come out.
//!
//! After each `handle_*` the shell drains `poll_output` until it says [`Output::Wait`]. Nothing here decides by time but the
//! delays that were configured or ordered.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::at_sms::{Prompt, Submission};
use super::fault::{self, Fault, Stage};
use super::line::commands;
use super::log::{Log, millis};
use super::network::{Network, Policy, Registration};
use super::pdu::{Stamp, hex};
use super::profile::Profile;
use super::sim::{Card, Lock, PinAtStart};
use super::voice::{Ender, Later, Voice};

/// Octets of one command line that a modem keeps; what comes beyond is dropped (TS 27.005 leaves it to the maker; EC25: 1 556).
const LINE_OCTETS: usize = 1_556;
/// Unsolicited codes held back while a command runs; the oldest is dropped beyond it, as a modem does.
pub(super) const HELD_CODES: usize = 200;

/// What the pty does while the modem reboots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PortOnReboot {
    /// It stays open, as a UART does.
    Keep,
    /// It vanishes and comes back under another name behind the same link, as USB does.
    Reenumerate,
}

/// How the modem starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It has been on for long.
    Warm,
    /// Power comes now.
    Cold,
}

/// What is configured from outside; every delay in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Family.
    pub profile: Profile,
    /// Power to the first boot message.
    pub boot_ms: u64,
    /// First boot message to the SIM read.
    pub sim_ms: u64,
    /// SIM read to registration.
    pub register_ms: u64,
    /// End of a submission to the air.
    pub air_ms: u64,
    /// The air to handset and report, until the control port says otherwise.
    pub report_ms: u64,
    /// How long AT+CNMA may take (TS 27.005 §3.4.4 leaves it to the network).
    pub cnma_ms: u64,
    /// The port's behaviour.
    pub port_on_reboot: PortOnReboot,
    /// Delay of answers by command prefix; the longest prefix counts.
    pub command_ms: BTreeMap<String, u64>,
    /// Memory that stored reports go to; empty: the third of AT+CPMS.
    pub report_memory: String,
    /// Zone of the network's time in quarters of an hour.
    pub zone_quarters: i8,
    /// Time that the network tells in milliseconds off the host's.
    pub clock_offset_ms: i64,
    /// Whether the network tells the time.
    pub nitz: bool,
}

impl Config {
    /// The family's usual figures with no delays but those of a start.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            boot_ms: 200,
            sim_ms: 100,
            register_ms: 200,
            air_ms: 0,
            report_ms: 0,
            cnma_ms: 15_000,
            port_on_reboot: PortOnReboot::Keep,
            command_ms: BTreeMap::new(),
            report_memory: String::new(),
            zone_quarters: 4,
            clock_offset_ms: 0,
            nitz: true,
        }
    }
}

/// What the shell has to do.
#[derive(Debug)]
pub enum Output {
    /// Write these octets to the port.
    Port(Vec<u8>),
    /// Take the port away (USB).
    PortGone,
    /// Bring the port back.
    PortBack,
    /// Write these octets to the port of the sound.
    Sound(Vec<u8>),
    /// The far end of a call hears this.
    Heard {
        /// Which call.
        call: u64,
        /// 20 ms.
        frame: Vec<i16>,
    },
    /// Keep what the far end of a call will hear.
    Record {
        /// Which call.
        call: u64,
        /// A WAV file.
        path: PathBuf,
    },
    /// A call that was active is over.
    CallOver {
        /// Which.
        call: u64,
    },
    /// Keep the card's state.
    Save(Box<Card>),
    /// Nothing more until this instant or the next input.
    Wait(Option<Instant>),
}

/// Power as seen from the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// No power, or switched off by command.
    Off,
    /// Starting.
    Booting,
    /// Answers commands.
    On,
    /// Has power and answers nothing.
    Hung,
}

/// Settings that a restart puts back.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub echo: bool,
    pub cmee: u8,
    pub text_mode: bool,
    pub csmp: [u8; 4],
    pub csdh: u8,
    pub charset: String,
    pub csms: u8,
    pub memories: [String; 3],
    pub cnmi: [u8; 5],
    pub cmms: u8,
    pub creg: BTreeMap<&'static str, u8>,
    pub cops_format: u8,
    pub function: u8,
    pub ctzu: u8,
    pub ctzr: u8,
    pub clip: u8,
    pub crc: u8,
    pub ccwa: u8,
    pub tone_detection: u8,
    /// Sound over a port: on, and which.
    pub pcm: [u8; 2],
    pub ccinfo: u8,
    pub cusd: u8,
}

impl Settings {
    fn new(profile: Profile) -> Self {
        let storage = profile.traits().storage.to_owned();
        Self {
            echo: true,
            cmee: 1,
            text_mode: false,
            csmp: [17, 167, 0, 0],
            csdh: 0,
            charset: "GSM".into(),
            csms: 0,
            memories: [storage.clone(), storage.clone(), storage],
            cnmi: [2, 1, 0, 0, 0],
            cmms: 0,
            creg: BTreeMap::new(),
            cops_format: 0,
            function: 1,
            ctzu: 0,
            ctzr: 0,
            clip: 0,
            crc: 0,
            ccwa: 0,
            tone_detection: 0,
            pcm: [0, 0],
            ccinfo: 0,
            cusd: 0,
        }
    }
}

/// A final result code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Ok,
    Error,
    /// 3GPP TS 27.007 §9.2.
    Cme(u16),
    /// 3GPP TS 27.005 §3.2.5.
    Cms(u16),
    /// A call did not come about (ITU-T V.250 §6.3.1).
    NoCarrier,
}

/// What a command leads to.
#[derive(Debug)]
pub(super) enum Reply {
    /// Information blocks and the final result.
    Done(Vec<String>, End),
    /// The data prompt.
    Prompt(Prompt),
    /// A job answers later; the port is busy until then.
    Later,
}

impl Reply {
    pub fn ok() -> Self {
        Self::Done(Vec::new(), End::Ok)
    }

    pub fn info(line: impl Into<String>) -> Self {
        Self::Done(vec![line.into()], End::Ok)
    }

    pub fn error() -> Self {
        Self::Done(Vec::new(), End::Error)
    }

    pub fn cme(code: u16) -> Self {
        Self::Done(Vec::new(), End::Cme(code))
    }

    pub fn cms(code: u16) -> Self {
        Self::Done(Vec::new(), End::Cms(code))
    }
}

#[derive(Debug)]
pub(super) enum Mode {
    Command,
    Prompt { line: String, prompt: Prompt, typed: Vec<u8> },
}

#[derive(Debug)]
pub(super) enum Job {
    /// Writes an answer and frees the port.
    Answer(Vec<u8>),
    /// Writes octets beside whatever runs.
    Late(Vec<u8>),
    Booted,
    SimRead,
    Register,
    Urc(String),
    Air(Box<Submission>),
    CnmaTimeout(u64),
    Call(u64, Later),
    Frame,
    Handset {
        air: u64,
        status: u8,
        report: ReportFate,
    },
}

/// Whether a status report comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportFate {
    Sent,
    Lost,
}

/// The simulated modem with its card and network.
#[derive(Debug)]
pub struct Modem {
    /// Delays and family.
    pub config: Config,
    pub(super) settings: Settings,
    pub(super) card: Card,
    pub(super) network: Network,
    pub(super) faults: Vec<Fault>,
    pub(super) voice: Voice,
    pub(super) log: Log,
    pub(super) mode: Mode,
    pub(super) power: Power,
    pub(super) registered: Registration,
    pub(super) sms_ready: bool,
    pub(super) awaiting_cnma: Option<u64>,
    pub(super) capacity_told: bool,
    pub(super) buffered_codes: VecDeque<String>,
    pub(super) routing_stopped: bool,
    line: Vec<u8>,
    input: VecDeque<u8>,
    pub(super) busy: bool,
    pub(super) held_codes: VecDeque<String>,
    boot: u64,
    agenda: BTreeMap<(Instant, u64), (Option<u64>, Job)>,
    jobs: u64,
    pub(super) outputs: VecDeque<Output>,
    saves: bool,
    now: Instant,
    started: Instant,
    started_wall: Timestamp,
}

impl Modem {
    /// Starts a modem with its card at `now`, which is `wall` on the host's clock.
    pub fn new(config: Config, card: Card, start: Start, now: Instant, wall: Timestamp) -> Self {
        let mut network = Network { last_inbound: card.last_inbound, ..Network::default() };
        network.inbound = card.inbound.clone().into();
        network.on_air = card.held.clone();
        network.policy = Policy::Auto { delay_ms: config.report_ms };
        let mut modem = Self {
            settings: Settings::new(config.profile),
            config,
            card,
            network,
            faults: Vec::new(),
            voice: Voice::default(),
            log: Log::default(),
            mode: Mode::Command,
            power: Power::Off,
            registered: Registration::Off,
            sms_ready: false,
            awaiting_cnma: None,
            capacity_told: false,
            buffered_codes: VecDeque::new(),
            routing_stopped: false,
            line: Vec::new(),
            input: VecDeque::new(),
            busy: false,
            held_codes: VecDeque::new(),
            boot: 0,
            agenda: BTreeMap::new(),
            jobs: 0,
            outputs: VecDeque::new(),
            saves: false,
            now,
            started: now,
            started_wall: wall,
        };
        match start {
            Start::Cold => modem.power_on(),
            Start::Warm => modem.wake(),
        }
        modem
    }

    /// Takes octets that the host wrote to the port.
    pub fn handle_port(&mut self, octets: &[u8], now: Instant) {
        self.now = now;
        self.log.trace(self.since_start(), "in", octets);
        if self.power == Power::On {
            self.input.extend(octets);
            self.pump();
        }
    }

    /// Notes that somebody opened the port or that nobody has it open any more.
    pub(super) fn handle_port_use(&mut self, what: &str, now: Instant) {
        self.now = now;
        self.event("port", json!({"port": what}));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let (boot, job) = entry.remove();
            if boot.is_none_or(|boot| boot == self.boot) {
                self.run(job);
                self.pump();
            }
        }
    }

    /// Returns the next thing to do.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        if std::mem::take(&mut self.saves) {
            let mut card = self.card.clone();
            card.last_inbound = self.network.last_inbound;
            card.inbound = self.network.inbound.iter().cloned().collect();
            card.held = self.network.on_air.iter().filter(|message| !message.handset).cloned().collect();
            return Output::Save(Box::new(card));
        }
        Output::Wait(self.agenda.keys().next().map(|(at, _)| *at))
    }

    /// Returns the event log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The host's clock at the start, which names the run.
    pub(super) fn started_wall(&self) -> Timestamp {
        self.started_wall
    }

    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn save(&mut self) {
        self.saves = true;
    }

    pub(super) fn since_start(&self) -> Duration {
        self.now.duration_since(self.started)
    }

    pub(super) fn event(&mut self, kind: &str, fields: Value) {
        self.log.event(self.since_start(), kind, fields);
    }

    /// The network's clock.
    pub(super) fn wall(&self) -> Timestamp {
        let elapsed = i64::try_from(millis(self.since_start())).unwrap_or(i64::MAX);
        let at = self.started_wall.as_millisecond() + elapsed + self.config.clock_offset_ms;
        Timestamp::from_millisecond(at).unwrap_or(self.started_wall)
    }

    /// The network's clock as a PDU stamp in its zone.
    pub(super) fn stamp(&self) -> Stamp {
        stamp_of(self.wall(), self.config.zone_quarters)
    }

    /// Plans a job of the modem: it is forgotten when the modem restarts first.
    pub(super) fn plan(&mut self, delay_ms: u64, job: Job) {
        self.jobs += 1;
        self.agenda.insert((self.now + Duration::from_millis(delay_ms), self.jobs), (Some(self.boot), job));
    }

    /// Plans a job of the modem for an instant, so that a clock of many steps does not drift.
    pub(super) fn plan_at(&mut self, at: Instant, job: Job) {
        self.jobs += 1;
        self.agenda.insert((at, self.jobs), (Some(self.boot), job));
    }

    /// Plans a job of the network, which a restart of the modem does not touch.
    pub(super) fn plan_outside(&mut self, delay_ms: u64, job: Job) {
        self.jobs += 1;
        self.agenda.insert((self.now + Duration::from_millis(delay_ms), self.jobs), (None, job));
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::Answer(octets) => {
                self.emit(octets);
                self.busy = false;
                self.flush_codes();
            }
            Job::Late(octets) => self.emit(octets),
            Job::Booted => self.booted(),
            Job::SimRead => self.sim_read(),
            Job::Register => self.set_registered(self.network.registration),
            Job::Urc(text) => self.urc(&text),
            Job::Air(submission) => self.put_on_air(*submission),
            Job::CnmaTimeout(id) => self.cnma_timed_out(id),
            Job::Call(id, what) => self.call_later(id, what),
            Job::Frame => self.pass_frame(),
            Job::Handset { air, status, report } => self.reach_handset(air, status, report),
        }
    }

    // Power

    /// Gives power or presses the power key of a modem that is off.
    pub(super) fn power_on(&mut self) {
        self.boot += 1;
        self.power = Power::Booting;
        self.event("power", json!({"power": "booting"}));
        self.plan(self.config.boot_ms, Job::Booted);
    }

    /// Takes power away at once: nothing is answered, nothing is said.
    pub(super) fn power_off(&mut self) {
        self.boot += 1;
        self.power = Power::Off;
        self.stop_calls();
        self.registered = Registration::Off;
        self.sms_ready = false;
        self.busy = false;
        self.awaiting_cnma = None;
        self.routing_stopped = false;
        self.mode = Mode::Command;
        self.line.clear();
        self.input.clear();
        self.held_codes.clear();
        self.buffered_codes.clear();
        self.settings = Settings::new(self.config.profile);
        if self.card.pin_enabled == PinAtStart::Asked && self.card.lock == Lock::Ready {
            self.card.lock = Lock::Pin;
        }
        if self.config.port_on_reboot == PortOnReboot::Reenumerate {
            self.outputs.push_back(Output::PortGone);
        }
        self.event("power", json!({"power": "off"}));
    }

    /// Restarts the modem as CFUN=1,1, the reset pin or a crash does.
    pub(super) fn reboot(&mut self) {
        self.power_off();
        self.power_on();
    }

    /// Stops answering, with everything in memory lost for the host.
    pub(super) fn hang(&mut self) {
        self.boot += 1;
        self.power = Power::Hung;
        self.stop_calls();
        self.event("power", json!({"power": "hung"}));
    }

    /// A modem that has been on for long.
    fn wake(&mut self) {
        self.power = Power::On;
        self.sms_ready = self.card.lock == Lock::Ready;
        if self.sms_ready {
            self.registered = self.network.registration;
        }
        self.event("power", json!({"power": "on"}));
        self.serve_inbound();
    }

    fn booted(&mut self) {
        if self.config.port_on_reboot == PortOnReboot::Reenumerate {
            self.outputs.push_back(Output::PortBack);
        }
        self.power = Power::On;
        self.event("power", json!({"power": "on"}));
        for code in self.config.profile.traits().boot {
            self.urc(code);
        }
        self.plan(self.config.sim_ms, Job::SimRead);
    }

    /// The SIM was read, or a PIN opened it.
    pub(super) fn sim_read(&mut self) {
        if self.config.profile != Profile::Generic {
            let state = super::at_general::cpin_text(self.card.lock).unwrap_or("NOT INSERTED");
            self.urc(&format!("+CPIN: {state}"));
        }
        if self.card.lock != Lock::Ready {
            return;
        }
        self.sms_ready = true;
        for code in self.config.profile.traits().sim_ready {
            self.urc(code);
        }
        self.plan(self.config.register_ms, Job::Register);
    }

    /// Changes what the modem knows of its registration and says so.
    pub(super) fn set_registered(&mut self, registration: Registration) {
        let able = self.power == Power::On && self.sms_ready && self.settings.function == 1;
        let registration = if able { registration } else { Registration::Off };
        if registration == self.registered {
            return;
        }
        self.registered = registration;
        self.event("registration", json!({"registration": registration}));
        for (name, mode) in self.settings.creg.clone() {
            if mode > 0 {
                let place = if mode > 1 && registration.serves() { super::at_general::PLACE } else { "" };
                self.urc(&format!("+{name}: {}{place}", registration.figure()));
            }
        }
        if registration.serves() {
            self.tell_network_time();
        } else {
            self.drop_calls(Ender::Network);
        }
        self.serve_inbound();
    }

    // Octets in

    fn pump(&mut self) {
        while !self.busy && self.power == Power::On {
            let Some(octet) = self.input.pop_front() else { break };
            if self.settings.echo {
                self.emit(vec![octet]);
            }
            match &mut self.mode {
                Mode::Command => self.take_command_octet(octet),
                Mode::Prompt { typed, .. } => match octet {
                    0x1A => self.finish_prompt(),
                    0x1B => {
                        self.mode = Mode::Command;
                        self.answer("", &[], &End::Ok);
                    }
                    _ if typed.len() < LINE_OCTETS => typed.push(octet),
                    _ => {}
                },
            }
        }
    }

    fn take_command_octet(&mut self, octet: u8) {
        match octet {
            b'\r' => {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                self.run_line(&line);
            }
            b'\n' | 0x1A | 0x1B | 0 => {}
            0x08 => {
                self.line.pop();
            }
            _ if self.line.len() < LINE_OCTETS => self.line.push(octet),
            _ => {}
        }
    }

    fn finish_prompt(&mut self) {
        if let Mode::Prompt { line, prompt, typed } = std::mem::replace(&mut self.mode, Mode::Command) {
            self.busy = true;
            self.submit_typed(line, prompt, &typed);
        }
    }

    /// Runs a command line; anything before "AT" is noise, a line without it is ignored (ITU-T V.250 §5.2).
    fn run_line(&mut self, line: &str) {
        let Some(start) = line.to_ascii_uppercase().find("AT") else { return };
        let line = line[start..].trim().to_owned();
        self.event("command", json!({"line": line}));
        // Unsolicited codes wait until the answer is out.
        self.busy = true;
        if self.struck_before(&line, Stage::Before, !is_submission(&line)) {
            return;
        }
        let mut blocks = Vec::new();
        for command in commands(&line[2..]) {
            match self.command(&command) {
                Reply::Done(info, End::Ok) => blocks.extend(info),
                Reply::Done(info, end) => {
                    blocks.extend(info);
                    return self.answer(&line, &blocks, &end);
                }
                Reply::Prompt(prompt) => return self.prompt(line, prompt),
                Reply::Later => return,
            }
            if self.power != Power::On {
                return;
            }
        }
        if !self.struck_before(&line, Stage::After, true) {
            self.answer(&line, &blocks, &End::Ok);
        }
    }

    fn prompt(&mut self, line: String, prompt: Prompt) {
        self.busy = false;
        if fault::strike(&mut self.faults, Stage::Prompt, &line).is_empty() {
            self.emit(b"\r\n> ".to_vec());
            self.mode = Mode::Prompt { line, prompt, typed: Vec::new() };
        }
    }
}

/// A time as the seven octets know it.
pub(super) fn stamp_of(at: Timestamp, quarters: i8) -> Stamp {
    let offset = Offset::from_seconds(i32::from(quarters) * 900).unwrap_or(Offset::UTC);
    let local = offset.to_datetime(at);
    let field = |n: i8| n.unsigned_abs();
    let year = u8::try_from(local.year().rem_euclid(100)).unwrap_or(0);
    let fields = [
        year,
        field(local.month()),
        field(local.day()),
        field(local.hour()),
        field(local.minute()),
        field(local.second()),
    ];
    Stamp { fields, quarters }
}

/// A stamp's octets in hexadecimal.
pub(super) fn stamp_hex(stamp: Stamp) -> String {
    hex(&stamp.octets())
}

fn is_submission(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    line.starts_with("AT+CMGS=") || line.starts_with("AT+CMSS=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_local_to_the_network() {
        let at: Timestamp = "2026-05-21T22:07:09Z".parse().unwrap();
        assert_eq!(stamp_of(at, 8).at_text(), "26/05/22,00:07:09+08");
        assert_eq!(stamp_of(at, -20).at_text(), "26/05/21,17:07:09-20");
    }
}
