//! The engine that owns the AT port: one command at a time, and everything that the modem says on its own.
//!
//! Core contract: [`Engine::new`], `handle_<input>(…, now)`, [`Engine::handle_timeout`], and [`Engine::poll_output`]
//! until it says wait. What there is to do is not kept as a list of commands but found out afresh whenever the port is
//! free (`next_job`): so nothing is lost by a restart, a torn line or a hang.
//!
//! Never: a second submission of anything; a PUK; an answer given to an older command; ESC after ^Z; a sleep.

mod call;
mod health;
mod inbound;
mod job;
mod receive;
mod recovery;
mod setup;
mod submit;
mod types;
mod voice;

use std::collections::VecDeque;
use std::fmt;

use sans_io::{Instant, Rng, Timers};

pub use call::{CallEnd, CallEvent, CallId, Digit, NotPossible};
pub use types::{
    Command, Config, Event, ExpectedReference, Key, MoreToSend, Output, PauseReason, RecoveryStep, ReferenceMove,
    Registration, Signal, SimState, Token, Unsettled, WaitReason,
};

use crate::Private;
use crate::at::{ErrorCode, Framer};
use crate::profile::{Profile, profile};
use health::Health;
use inbound::Inbound;
use job::Job;
use recovery::Recovery;
use setup::Setup;
use submit::Sending;
use voice::Voice;

/// Ends a command line.
const CR: u8 = b'\r';
/// Ends a PDU.
const CTRL_Z: u8 = 0x1A;
/// Leaves the prompt. Only ever sent where ^Z was not.
const ESCAPE: u8 = 0x1B;

/// Silent tries of `AT` before the port counts as dead. Modems with automatic baud rate take two or three.
const MAX_PROBES: u8 = 5;

/// A drain ends after this many times its silence, even when the modem never falls silent.
const MAX_DRAIN_FACTOR: u32 = 10;

/// Every deadline of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// The command in flight.
    Answer,
    /// Silence.
    Drain,
    /// The quiet window.
    Quiet,
    /// Signal, registration, operator, SIM.
    Poll,
    /// Storage.
    Scan,
    /// Voice calls.
    Call,
    /// Set-up.
    Retry,
    /// Port or modem.
    Recovery,
}

/// Where the engine stands with the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No port.
    Closed,
    /// Getting into step: drain, `AT`, drain, `ATE0`, drain.
    Syncing(Sync),
    /// The set-up's commands run.
    SettingUp,
    /// The SIM or the modem is not ready for the set-up; it is tried again.
    Waiting,
    /// Set up.
    Ready,
    /// A step of the recovery ladder was taken.
    Recovering,
}

/// The steps of getting into step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    /// What is still under way passes by.
    Drain,
    /// `AT`.
    Probe,
    /// A second answer, if that one was for something older, passes by.
    DrainAgain,
    /// `ATE0`.
    EchoOff,
    /// And once more.
    DrainLast,
}

/// How far the command in flight has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its answer is awaited.
    Answer,
    /// The prompt is awaited; the PDU was not given.
    Prompt,
    /// ^Z was sent.
    Result,
}

/// The command in flight.
#[derive(Clone, Debug)]
struct InFlight {
    job: Job,
    stage: Stage,
    /// What its echo would be.
    echo: String,
    /// Values of its answers.
    info: Vec<String>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    Error(ErrorCode),
    /// A line that belongs nowhere, or OK without its answer.
    Torn,
    /// No answer.
    TimedOut,
    /// The modem restarted.
    Restarted,
    /// The port closed.
    Closed,
    /// A word of a call (NO CARRIER, BUSY) instead of a result.
    CallEnded,
}

/// The AT engine of one modem.
pub struct Engine {
    config: Config,
    profile: &'static Profile,
    rng: Rng,
    now: Instant,
    phase: Phase,
    timers: Timers<Timer, 8>,
    framer: Framer,
    in_flight: Option<InFlight>,
    outputs: VecDeque<Output>,
    /// Silent or wrong tries of `AT` so far.
    probes: u8,
    /// When a drain ends at the latest.
    drain_until: Instant,
    setup: Setup,
    health: Health,
    sending: Sending,
    inbound: Inbound,
    voice: Voice,
    recovery: Recovery,
}

impl fmt::Debug for Engine {
    /// Where it stands; lines and commands may hold names, numbers or the PIN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("phase", &self.phase)
            .field("profile", &self.profile.name)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine whose port is still closed. `seed` spreads its polls.
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let profile = profile(config.profile);
        let mut engine = Self {
            sending: Sending::new(config.unsettled),
            config,
            profile,
            rng: Rng::new(seed),
            now,
            phase: Phase::Closed,
            timers: Timers::default(),
            framer: Framer::default(),
            in_flight: None,
            outputs: VecDeque::new(),
            probes: 0,
            drain_until: now,
            setup: Setup::default(),
            health: Health::default(),
            inbound: Inbound::default(),
            voice: Voice::default(),
            recovery: Recovery::default(),
        };
        if engine.sending.aftermath.is_some() {
            engine.timers.set(Timer::Quiet, now + engine.quiet_window());
        }
        engine
    }

    /// The port is open.
    pub fn handle_port_opened(&mut self, now: Instant) {
        self.now = now;
        self.framer.clear();
        self.setup.needed = true;
        self.timers.clear(Timer::Recovery);
        if self.may_escape() {
            // Somebody may have left the modem at a prompt, where every command would become a message's text.
            self.transmit(vec![ESCAPE]);
        }
        self.synchronise();
    }

    /// The port is gone.
    pub fn handle_port_closed(&mut self, now: Instant) {
        self.now = now;
        self.finish(Outcome::Closed);
        self.refuse_waiting_submission();
        self.framer.clear();
        self.inbound.forget();
        self.calls_lost();
        self.timers = self.timers_that_outlive_the_port();
        self.phase = Phase::Closed;
        self.timers.set(Timer::Recovery, now + self.config.boot);
    }

    /// Octets from the port, in any pieces.
    pub fn handle_bytes(&mut self, octets: &[u8], now: Instant) {
        self.now = now;
        if self.phase == Phase::Closed {
            return;
        }
        for &octet in octets {
            if let Some(token) = self.framer.push(octet) {
                self.handle_token(token);
            }
            self.extend_drain();
            self.advance();
        }
    }

    /// A wish of the shell.
    pub fn handle_command(&mut self, command: Command, now: Instant) {
        self.now = now;
        match command {
            Command::Submit { token, length, hex, more } => {
                self.accept_submission(job::Submission { token, length, hex, more });
            }
            Command::Stored { key } => self.inbound.stored(key),
            Command::Resume => self.resume(),
            Command::Scan => self.inbound.want_scan(),
            Command::Answer { call } => self.answer(call),
            Command::Dial { call, number } => self.dial(call, number),
            Command::HangUp { call } => self.hang_up(call),
            Command::SendDigit { call, digit } => self.send_digit(call, digit),
        }
        self.advance();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Answer => self.finish(Outcome::TimedOut),
                Timer::Drain => self.drained(),
                Timer::Quiet => self.sending.quiet_is_over(),
                Timer::Poll => {
                    self.health.want_all();
                    self.arm_poll();
                }
                Timer::Scan => {
                    self.inbound.want_scan();
                    self.arm_scan();
                }
                Timer::Call => self.call_timer_is_due(),
                Timer::Retry => self.retry_setup(),
                Timer::Recovery => self.recovery_is_due(),
            }
            self.advance();
        }
        self.advance();
    }

    /// What to do next. Drain until it says wait.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| self.wait())
    }

    fn wait(&self) -> Output {
        let Some((timer, until)) = self.timers.next() else {
            return Output::Wait { until: None, reason: WaitReason::Closed };
        };
        let reason = match timer {
            Timer::Answer => match self.in_flight.as_ref().map(|f| f.stage) {
                Some(Stage::Prompt) => WaitReason::Prompt,
                Some(Stage::Result) => WaitReason::Submission,
                Some(Stage::Answer) | None => WaitReason::Answer,
            },
            Timer::Drain => WaitReason::Drain,
            Timer::Quiet => WaitReason::Quiet,
            Timer::Poll | Timer::Scan => WaitReason::Poll,
            Timer::Call => WaitReason::Call,
            Timer::Retry => WaitReason::Retry,
            Timer::Recovery => WaitReason::Recovery,
        };
        Output::Wait { until: Some(until), reason }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn transmit(&mut self, octets: Vec<u8>) {
        self.outputs.push_back(Output::Transmit(Private(octets)));
    }

    fn timers_that_outlive_the_port(&self) -> Timers<Timer, 8> {
        let mut kept = Timers::default();
        if let Some(at) = self.timers.deadline(Timer::Quiet) {
            kept.set(Timer::Quiet, at);
        }
        kept
    }

    /// Starts the next command when the port is free.
    fn advance(&mut self) {
        if self.in_flight.is_some() {
            return;
        }
        if std::mem::take(&mut self.inbound.scan_soon) && self.phase != Phase::Closed {
            self.timers.set(Timer::Scan, self.now + self.config.retry);
        }
        if self.setup.needed && matches!(self.phase, Phase::Ready | Phase::SettingUp | Phase::Waiting) {
            self.synchronise();
            return;
        }
        let Some(job) = self.next_job() else { return };
        self.start(job);
    }

    fn next_job(&mut self) -> Option<Job> {
        match self.phase {
            Phase::Syncing(Sync::Probe) => Some(Job::Probe),
            Phase::Syncing(Sync::EchoOff) => Some(Job::EchoOff),
            Phase::SettingUp => self.next_setup_job(),
            Phase::Ready => self.next_ready_job(),
            Phase::Closed | Phase::Syncing(_) | Phase::Waiting | Phase::Recovering => None,
        }
    }

    /// Calls first, since somebody waits; then messages: what goes out, what must be acknowledged or deleted, what came in;
    /// then the modem's state.
    fn next_ready_job(&mut self) -> Option<Job> {
        let call = self.next_call_job();
        if call.is_some() || self.phase != Phase::Ready {
            return call;
        }
        self.next_submission_job()
            .or_else(|| self.inbound.next_job())
            .or_else(|| self.next_check_job())
            .or_else(|| self.health.next_job())
            .or_else(|| self.next_release_job())
    }

    fn start(&mut self, job: Job) {
        let text = job.text(self.profile);
        let stage = if matches!(job, Job::Submit(_)) { Stage::Prompt } else { Stage::Answer };
        self.timers.set(Timer::Answer, self.now + job.wait(&self.config, self.profile));
        let mut octets = text.clone().into_bytes();
        octets.push(CR);
        self.transmit(octets);
        self.in_flight = Some(InFlight { job, stage, echo: text, info: Vec::new() });
    }

    /// Ends the command in flight, if there is one.
    fn finish(&mut self, outcome: Outcome) {
        let Some(done) = self.in_flight.take() else { return };
        self.timers.clear(Timer::Answer);
        let outcome = match outcome {
            Outcome::Ok if done.job.needs_answer() && done.info.is_empty() => Outcome::Torn,
            other => other,
        };
        if matches!(done.job, Job::Submit(_)) {
            self.submission_ended(done, outcome);
            return;
        }
        if done.job.is_of_call() {
            self.call_job_ended(&done, outcome);
        }
        if matches!(outcome, Outcome::Torn | Outcome::TimedOut | Outcome::CallEnded) {
            self.inbound.abandon();
            self.setup.abandoned(&done.job);
            match done.job {
                Job::Link(_) => self.sending.link_lost(),
                Job::LastReference => self.check_lost(),
                _ => {}
            }
            self.lost_step(&done.job, outcome);
            return;
        }
        if matches!(outcome, Outcome::Restarted | Outcome::Closed) {
            return;
        }
        self.job_ended(done, outcome);
    }

    /// A command that is no submission got its final result.
    fn job_ended(&mut self, done: InFlight, outcome: Outcome) {
        let error = match outcome {
            Outcome::Error(code) => Some(code),
            _ => None,
        };
        match done.job {
            Job::Probe | Job::EchoOff => self.sync_answered(&done.job, error),
            Job::SelectStorage(_) | Job::List(_) | Job::Read(_) | Job::Delete { .. } | Job::Acknowledge(_) => {
                if self.inbound.job_ended(&done.job, error, self.now) == inbound::After::RenewNotices {
                    self.setup.renew_notices();
                    self.phase = Phase::SettingUp;
                }
            }
            Job::Link(link) => self.sending.link_set(link, error),
            _ if done.job.is_of_call() => {}
            _ => self.setup_or_health_ended(done, error),
        }
    }

    /// The line may be out of step: get into step again.
    fn synchronise(&mut self) {
        self.probes = 0;
        self.drain(Sync::Drain);
    }

    fn drain(&mut self, step: Sync) {
        self.phase = Phase::Syncing(step);
        let patience = self.sending.patience(self.now);
        self.drain_until = self.now + patience.max(self.config.drain * MAX_DRAIN_FACTOR);
        self.timers.set(Timer::Drain, self.now + patience.max(self.config.drain));
    }

    fn extend_drain(&mut self) {
        if let Some(at) = self.timers.deadline(Timer::Drain) {
            let later = (self.now + self.config.drain).max(at);
            self.timers.set(Timer::Drain, later.min(self.drain_until));
        }
    }

    fn drained(&mut self) {
        self.framer.clear();
        match self.phase {
            Phase::Syncing(Sync::Drain) => self.phase = Phase::Syncing(Sync::Probe),
            Phase::Syncing(Sync::DrainAgain) => self.phase = Phase::Syncing(Sync::EchoOff),
            Phase::Syncing(Sync::DrainLast) => self.synchronised(),
            _ => {}
        }
    }

    fn sync_answered(&mut self, job: &Job, error: Option<ErrorCode>) {
        match (job, error) {
            (Job::Probe, None) => self.drain(Sync::DrainAgain),
            (_, None) => self.drain(Sync::DrainLast),
            (_, Some(_)) => self.probe_again(),
        }
    }

    /// A command ended without an answer of its own.
    fn lost_step(&mut self, job: &Job, outcome: Outcome) {
        match (job, outcome) {
            (Job::Probe | Job::EchoOff, _) => self.probe_again(),
            _ => self.synchronise(),
        }
    }

    fn probe_again(&mut self) {
        self.probes += 1;
        if self.probes < MAX_PROBES {
            self.drain(Sync::Drain);
        } else {
            self.hang();
        }
    }

    /// The port answers, each command once.
    fn synchronised(&mut self) {
        self.probes = 0;
        self.recovered();
        if self.setup.needed {
            self.begin_setup();
        } else if self.setup.is_running() {
            self.phase = Phase::SettingUp;
        } else {
            self.phase = Phase::Ready;
        }
    }
}
