//! Random inputs to one printer's core, beside a simple account of what may happen.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sans_io::Instant;
use till_devices::escpos::profile::Profile;
use till_devices::printing::{Config, Job, JobId, JobState, Output, Printing};

#[derive(Clone, Debug)]
enum Input {
    Job { id: u64, length: usize, valid_for_s: Option<u64> },
    Cancel(u64),
    Opened,
    Closed,
    Written(usize),
    WrittenAll,
    Octets(Vec<u8>),
    Answers([u8; 4]),
    Confirm,
    Wait(u64),
    Timeout,
}

fn input() -> impl Strategy<Value = Input> {
    let valid_for_s = prop_oneof![Just(None), (1_u64..20).prop_map(Some)];
    let job = (0_u64..30, prop_oneof![1_usize..20, 4_000_usize..9_000], valid_for_s);
    let answers = prop_oneof![
        Just([0x12; 4]),
        Just([0x1A, 0x16, 0x12, 0x12]),
        Just([0x1A, 0x32, 0x12, 0x7E]),
        Just([0x1A, 0x52, 0x1A, 0x12]),
    ];
    prop_oneof![
        4 => job.prop_map(|(id, length, valid_for_s)| Input::Job { id, length, valid_for_s }),
        1 => (0_u64..30).prop_map(Input::Cancel),
        2 => Just(Input::Opened),
        1 => Just(Input::Closed),
        2 => (0_usize..6_000).prop_map(Input::Written),
        6 => Just(Input::WrittenAll),
        1 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(Input::Octets),
        6 => answers.prop_map(Input::Answers),
        4 => Just(Input::Confirm),
        3 => (0_u64..15_000).prop_map(Input::Wait),
        3 => Just(Input::Timeout),
    ]
}

/// What the outputs added up to so far.
#[derive(Default)]
struct Account {
    jobs: BTreeMap<JobId, Vec<u8>>,
    finals: BTreeMap<JobId, JobState>,
    under_way: Option<JobId>,
    /// Octets of the job under way that were written.
    written: Vec<u8>,
    begun: Vec<JobId>,
    unaccepted: usize,
    asked_to_open: bool,
}

impl Account {
    fn take(&mut self, output: Output, config: Config) {
        match output {
            Output::Open => self.asked_to_open = true,
            Output::Close => self.unaccepted = 0,
            Output::Status(_) => {}
            Output::Store { job, state: JobState::Begun } => {
                assert_eq!(self.under_way, None, "{job:?} begins beside another");
                assert!(!self.finals.contains_key(&job), "{job:?} begins after its end");
                assert!(!self.begun.contains(&job), "{job:?} begins again");
                self.begun.push(job);
                (self.under_way, self.written) = (Some(job), Vec::new());
            }
            Output::Store { job, state } if state.is_final() => {
                assert_eq!(self.finals.insert(job, state), None, "{job:?} ends twice");
                match state {
                    JobState::Printed | JobState::Sent | JobState::Unknown(_) => {
                        assert_eq!(self.under_way, Some(job));
                        self.under_way = None;
                    }
                    _ => assert_ne!(self.under_way, Some(job)),
                }
                if matches!(state, JobState::Printed | JobState::Sent) {
                    let wanted = &self.jobs[&job];
                    assert_eq!(&self.written[..wanted.len()], &wanted[..], "{job:?} is not whole");
                    assert_eq!(self.written.len(), wanted.len() + if config.process_id { 11 } else { 0 });
                }
            }
            Output::Store { job, .. } => {
                assert!(!self.finals.contains_key(&job) && self.under_way != Some(job), "{job:?} is held too late");
            }
            Output::Write(octets) => self.write(octets, config),
        }
    }

    fn write(&mut self, octets: Vec<u8>, config: Config) {
        self.unaccepted += octets.len();
        if octets.starts_with(&[0x10, 0x04]) {
            assert!(config.realtime_status, "asked a printer that does not answer");
            return;
        }
        let job = self.under_way.expect("octets without a job that has begun");
        self.written.extend(octets);
        let wanted = &self.jobs[&job];
        let common = wanted.len().min(self.written.len());
        assert_eq!(self.written[..common], wanted[..common], "octets of another job, or twice");
        assert!(self.written.len() <= wanted.len() + 11, "octets twice");
    }

    /// The process id that the octets of the job under way ask for.
    fn confirmation(&self) -> Vec<u8> {
        let id = self.written.last_chunk::<4>().copied().unwrap_or(*b"!!!!");
        [&b"7\""[..], &id, &[0]].concat()
    }
}

/// A job's octets, which no other job's octets begin with.
fn octets(id: u64, length: usize) -> Vec<u8> {
    let letter = b'A' + u8::try_from(id).unwrap();
    vec![letter; length]
}

struct World {
    printing: Printing,
    config: Config,
    account: Account,
    now: Instant,
}

impl World {
    fn new(config: Config) -> Self {
        let printing = Printing::new(config, Instant::ZERO);
        let mut world = Self { printing, config, account: Account::default(), now: Instant::ZERO };
        world.drain();
        world
    }

    fn drain(&mut self) {
        for _ in 0..1_000 {
            match self.printing.poll_output() {
                Some(output) => self.account.take(output, self.config),
                None => {
                    assert_eq!(self.printing.under_way(), self.account.under_way);
                    return;
                }
            }
        }
        panic!("outputs without end");
    }

    fn written(&mut self, count: usize) {
        let count = count.min(self.account.unaccepted);
        self.account.unaccepted -= count;
        self.printing.handle_written(count, self.now);
    }

    fn give(&mut self, input: Input) {
        let now = self.now;
        match input {
            Input::Job { id, length, valid_for_s } => {
                let job = JobId(id);
                if self.account.jobs.contains_key(&job) {
                    return;
                }
                let octets = octets(id, length);
                self.account.jobs.insert(job, octets.clone());
                let valid_for = valid_for_s.map(Duration::from_secs);
                self.printing.handle_job(Job { id: job, octets, valid_for }, now);
            }
            Input::Cancel(id) => {
                let job = JobId(id);
                let waits = self.account.jobs.contains_key(&job)
                    && !self.account.begun.contains(&job)
                    && !self.account.finals.contains_key(&job);
                assert_eq!(self.printing.handle_cancel(job), waits);
            }
            Input::Opened if !std::mem::take(&mut self.account.asked_to_open) => {}
            Input::Opened => {
                self.account.unaccepted = 0;
                self.printing.handle_opened(now);
            }
            Input::Closed => {
                self.account.unaccepted = 0;
                self.printing.handle_closed(now);
            }
            Input::Written(count) => self.written(count),
            Input::WrittenAll => self.written(usize::MAX),
            Input::Octets(octets) => self.printing.handle_octets(&octets, now),
            Input::Answers(answers) => self.printing.handle_octets(&answers, now),
            Input::Confirm => self.printing.handle_octets(&self.account.confirmation(), now),
            Input::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                self.printing.handle_timeout(self.now);
            }
            Input::Timeout => {
                if let Some(next) = self.printing.next_timeout() {
                    self.now = self.now.max(next);
                    self.printing.handle_timeout(self.now);
                    let after = self.printing.next_timeout();
                    assert!(after.is_none_or(|after| after > self.now), "a deadline without an effect");
                }
            }
        }
        self.drain();
    }

    /// A printer that works from now on ends every job.
    fn finish(&mut self) {
        for _ in 0..1_000 {
            if self.account.finals.len() == self.account.jobs.len() {
                return;
            }
            self.give(Input::Opened);
            self.give(Input::WrittenAll);
            self.give(Input::Answers([0x12; 4]));
            self.give(Input::WrittenAll);
            self.give(Input::Confirm);
            self.give(Input::Timeout);
        }
        panic!("jobs without an end: {:?}", self.account.finals);
    }
}

fn run(profile: &str, inputs: Vec<Input>) {
    let mut world = World::new(Config::of(&Profile::named(profile).unwrap()));
    inputs.into_iter().for_each(|input| world.give(input));
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_job_ends_once_and_is_written_once_by_a_printer_that_confirms(
        inputs in proptest::collection::vec(input(), 0..120)
    ) {
        run("epson-tm-t20", inputs);
    }

    #[test]
    fn each_job_ends_once_and_is_written_once_by_a_printer_that_only_tells_its_status(
        inputs in proptest::collection::vec(input(), 0..120)
    ) {
        run("bixolon-srp350", inputs);
    }

    #[test]
    fn each_job_ends_once_and_is_written_once_by_a_mute_printer(inputs in proptest::collection::vec(input(), 0..120)) {
        run("generic-58", inputs);
    }
}
