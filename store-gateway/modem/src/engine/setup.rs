//! Setting the modem up: what it is, the SIM with its PIN, PDU mode, storages, notices, clock.

use std::collections::VecDeque;

use super::job::{Domain, Job};
use super::types::{Event, SimState};
use super::{Engine, InFlight, Phase, Timer};
use crate::Private;
use crate::at::{self, ErrorCode, Indications};
use crate::profile::{ProfileName, profile};

/// Commands of a set-up that may be lost before the modem counts as hanging.
const MAX_LOST: u8 = 8;

/// Who calls, whether it is by voice, and who calls while there is a call (TS 27.007 §7.11, §6.11, §7.12). An error is passed
/// over.
const CALL_NOTICES: [&str; 3] = ["AT+CLIP=1", "AT+CRC=1", "AT+CCWA=1"];

/// A PIN is entered only when at least this many tries are left, so that a wrong one leaves one.
const MIN_PIN_TRIES: u8 = 2;

/// Polls are spread by up to a tenth, so that a fleet's boxes don't keep step.
const SPREAD: u64 = 10;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// The modem has forgotten its set-up, or never had one.
    pub(super) needed: bool,
    running: bool,
    queue: VecDeque<Job>,
    lost: u8,
    pin_used: bool,
    model: String,
    imei: Private<String>,
    /// Only the indications are being set again.
    renewing: bool,
}

impl Setup {
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// A command was cut short. What the set-up can't do without is given again.
    pub(super) fn abandoned(&mut self, job: &Job) {
        if !self.running {
            return;
        }
        self.lost = self.lost.saturating_add(1);
        if matches!(
            job,
            Job::Errors
                | Job::SimState
                | Job::PinTries
                | Job::PduMode
                | Job::StoragesOffered
                | Job::ReceiveStorage { .. }
                | Job::IndicationsOffered
                | Job::Indications(_)
                | Job::Registration(_)
        ) {
            self.queue.push_front(job.clone());
        }
    }

    pub(super) fn renew_notices(&mut self) {
        self.running = true;
        self.renewing = true;
        self.queue.push_back(Job::IndicationsOffered);
    }
}

impl Engine {
    pub(super) fn begin_setup(&mut self) {
        self.phase = Phase::SettingUp;
        self.timers.clear(Timer::Retry);
        self.sending.set_up_anew();
        let setup = &mut self.setup;
        setup.needed = false;
        setup.running = true;
        setup.renewing = false;
        setup.lost = 0;
        setup.model.clear();
        setup.queue = VecDeque::from([Job::Errors, Job::Identify, Job::Model, Job::Imei, Job::SimState]);
    }

    /// The SIM is ready: everything that needs it.
    fn queue_rest(&mut self) {
        let profile = self.profile;
        let sound = profile.voice.sound(self.config.sound).setup;
        let calls = CALL_NOTICES.iter().chain(profile.voice.setup).chain(sound);
        let settings =
            profile.clock_setup.iter().chain(profile.setup).chain(calls).map(|command| Job::Setting(command));
        self.setup.queue = [Job::PduMode, Job::MessageService, Job::StoragesOffered, Job::IndicationsOffered]
            .into_iter()
            .chain([Job::RegistrationNotices(Domain::Circuit), Job::RegistrationNotices(Domain::Eps)])
            .chain(settings)
            .chain([Job::OperatorForm, Job::Registration(Domain::Circuit), Job::Registration(Domain::Eps)])
            .chain([Job::Operator, Job::Signal, Job::Clock, Job::LastReference, Job::Calls])
            .collect();
    }

    pub(super) fn next_setup_job(&mut self) -> Option<Job> {
        if self.setup.lost > MAX_LOST {
            self.hang();
            return None;
        }
        if let Some(job) = self.setup.queue.pop_front() {
            return Some(job);
        }
        self.set_up();
        self.next_ready_job()
    }

    fn set_up(&mut self) {
        self.setup.running = false;
        self.setup.lost = 0;
        self.phase = Phase::Ready;
        if std::mem::take(&mut self.setup.renewing) {
            return;
        }
        self.inbound.want_scan();
        self.event(Event::Ready);
        self.arm_poll();
        self.arm_scan();
    }

    pub(super) fn arm_poll(&mut self) {
        let poll = self.config.poll;
        let spread = poll.mul_f64(self.rng.below(100) as f64 / (100 * SPREAD) as f64);
        self.timers.set(Timer::Poll, self.now + poll + spread);
    }

    pub(super) fn arm_scan(&mut self) {
        self.timers.set(Timer::Scan, self.now + self.config.scan);
    }

    pub(super) fn retry_setup(&mut self) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::SettingUp;
            self.setup.queue = VecDeque::from([Job::SimState]);
        }
    }

    fn wait_for_sim(&mut self) {
        self.phase = Phase::Waiting;
        self.timers.set(Timer::Retry, self.now + self.config.retry);
    }

    pub(super) fn setup_or_health_ended(&mut self, done: InFlight, error: Option<ErrorCode>) {
        let values = done.info.last().cloned().filter(|_| error.is_none());
        match &done.job {
            Job::Identify | Job::Model => {
                self.setup.model =
                    done.info.iter().fold(std::mem::take(&mut self.setup.model), |all, line| all + line + "\n");
            }
            Job::Imei => self.identified(&done.info),
            Job::SimState => self.sim_answered(values.as_deref(), error),
            Job::PinTries => self.pin_tries_read(&done.info),
            Job::EnterPin(_) => self.pin_entered(error),
            Job::PduMode | Job::Indications(_) => {
                if error.is_some() {
                    // Too early after a start: SMS is not up yet.
                    self.wait_for_sim();
                }
            }
            Job::MessageService => self.inbound.acknowledges = error.is_none(),
            Job::StoragesOffered => self.storages_offered(values.as_deref()),
            Job::ReceiveStorage { reading, .. } => self.storage_chosen(reading, values.as_deref(), error),
            Job::IndicationsOffered => {
                let fallback = Indications { mode: 2, mt: 1, ds: 1, bfr: 0 };
                let chosen = values.as_deref().and_then(at::indications).unwrap_or(fallback);
                self.setup.queue.push_front(Job::Indications(chosen));
            }
            Job::LastReference => self.last_reference_read(values.as_deref().and_then(at::sim_io)),
            _ => self.health_answered(&done, error),
        }
    }

    fn identified(&mut self, lines: &[String]) {
        let digits = |line: &String| line.chars().filter(char::is_ascii_digit).collect::<String>();
        let imei = lines.iter().map(digits).find(|d| d.len() >= 14).unwrap_or_default();
        if self.config.profile == ProfileName::Auto {
            self.profile = profile(ProfileName::of_model(&self.setup.model));
        }
        if *self.setup.imei != imei || imei.is_empty() {
            self.setup.imei = Private(imei.clone());
            let model = self.setup.model.lines().collect::<Vec<_>>().join(" ");
            self.event(Event::Identity { imei: Private(imei), model, profile: self.profile.name });
        }
    }

    fn sim_answered(&mut self, values: Option<&str>, error: Option<ErrorCode>) {
        let state = match (values, error) {
            (Some("READY"), _) => SimState::Ready,
            (Some("SIM PIN"), _) | (_, Some(ErrorCode::Cme(11))) => SimState::PinRequired { tries: None },
            (Some("SIM PUK" | "SIM PUK2"), _) | (_, Some(ErrorCode::Cme(12 | 18))) => SimState::PukRequired,
            (Some("NOT INSERTED"), _) | (_, Some(ErrorCode::Cme(10))) => SimState::Absent,
            (Some("NOT READY"), _) | (_, Some(ErrorCode::Cme(14))) => SimState::Busy,
            _ => SimState::Failed,
        };
        if !self.setup.running {
            self.sim_is(state);
            return;
        }
        match state {
            SimState::Ready => {
                self.sim_is(state);
                self.queue_rest();
            }
            SimState::PinRequired { .. } if self.config.pin.is_some() && !self.setup.pin_used => {
                self.setup.queue.push_front(Job::PinTries);
            }
            SimState::PinRequired { .. } => {
                self.pin_is_missing(None);
            }
            _ => {
                self.sim_is(state);
                self.wait_for_sim();
            }
        }
    }

    /// The counter was read: the PIN is entered only when it says that enough tries are left.
    fn pin_tries_read(&mut self, lines: &[String]) {
        let counter = self.profile.pin_counter;
        let tries = lines.iter().map(|values| at::fields(values)).find_map(|fields| {
            let ours = counter.of.is_empty() || fields.first() == Some(&counter.of);
            fields.get(counter.field).filter(|_| ours)?.parse::<u8>().ok()
        });
        match (&self.config.pin, tries) {
            (Some(pin), Some(MIN_PIN_TRIES..)) => {
                let pin = pin.clone();
                self.setup.pin_used = true;
                self.setup.queue.push_front(Job::EnterPin(pin));
            }
            _ => self.pin_is_missing(tries),
        }
    }

    fn pin_entered(&mut self, error: Option<ErrorCode>) {
        match error {
            None => self.wait_for_sim(),
            Some(_) => self.pin_is_missing(None),
        }
    }

    fn pin_is_missing(&mut self, tries: Option<u8>) {
        if tries.is_some() || !self.health.wants_pin() {
            self.sim_is(SimState::PinRequired { tries });
        }
        self.wait_for_sim();
    }

    fn storages_offered(&mut self, values: Option<&str>) {
        let Some(offered) = values.and_then(at::storages) else {
            self.inbound.set_storages(&[]);
            return;
        };
        let best = |of: &[String], wanted: &[&str]| {
            wanted.iter().find(|w| of.iter().any(|o| o == *w)).map(|w| (*w).to_owned())
        };
        let both: Vec<String> = offered.receiving.iter().filter(|s| offered.reading.contains(s)).cloned().collect();
        self.inbound.set_storages(&offered.reading);
        // The SIM first: its messages outlive the modem.
        let Some(receiving) = best(&both, &["SM", "ME", "MT"]) else { return };
        let writing = best(&offered.writing, &[&receiving, "SM", "ME", "MT"]).unwrap_or_else(|| receiving.clone());
        self.setup.queue.push_front(Job::ReceiveStorage { reading: receiving.clone(), writing, receiving });
    }

    fn storage_chosen(&mut self, reading: &str, values: Option<&str>, error: Option<ErrorCode>) {
        if error.is_none() {
            self.inbound.selected(reading.to_owned());
        }
        if values.and_then(at::storage_use).is_some_and(|(used, total)| used >= total) {
            self.event(Event::StorageFull);
        }
    }
}
