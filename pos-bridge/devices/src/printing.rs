//! One printer's jobs: which one is under way, whether the printer is fit for it, and how it ended.
//!
//! A job goes to the printer once at most. Before its first octet leaves, [`Output::Store`] says that it has begun; if
//! nothing tells afterwards how it ended, it ends as [`JobState::Unknown`] and a person decides. The core never opens
//! ports or reads clocks: the shell hands in what happens with the `handle_*` methods, then takes outputs with
//! [`Printing::poll_output`] until there are none, then waits until [`Printing::next_timeout`] or the next input.
//!
//! Outputs are acted on in order. [`Output::Store`] is on disk before the next output is acted on. [`Output::Open`] is
//! answered by `handle_opened` or `handle_closed`; `handle_written` tells each time that the port took octets.
//!
//! A printer that answers `DLE EOT` is asked before each job. Without an answer nothing is written. One that also
//! answers `GS ( H` confirms that the job is on paper.

mod port;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use sans_io::Instant;

use crate::escpos::MOST_OCTETS;
use crate::escpos::profile::{DrawerSensor, Profile};
use crate::escpos::status::{Fault, Status, StatusReader};

/// A job's number, of the caller's choice: it differs from those of all other jobs, also after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What the printer gets; at most [`MOST_OCTETS`].
    pub octets: Vec<u8>,
    /// The job is worth nothing if it has not begun by then: a drawer that opens a minute late. `None`: always.
    pub valid_for: Option<Duration>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits, and why.
    Held(Hold),
    /// Its octets go to the printer from now on.
    Begun,
    /// The printer confirmed that it is on paper.
    Printed,
    /// The port took all octets of a printer that confirms nothing.
    Sent,
    /// It began, and whether it is on paper is not known.
    Unknown(Doubt),
    /// It did not begin while it was valid.
    Expired,
    /// It was taken back before it began.
    Cancelled,
    /// It was not taken.
    Refused(Refusal),
}

/// Why a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The printer's cover is open.
    CoverOpen,
    /// The printer is out of paper.
    PaperOut,
    /// The printer tells of an error.
    Fault(Fault),
    /// The printer is offline and does not say why.
    Offline,
    /// The printer does not answer.
    Silent,
    /// The port is not open.
    Port,
}

/// Why it is not known how a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The printer fell silent.
    Silent,
    /// The printer is ready and did not confirm: switched off and on, it forgets what it got.
    Unconfirmed,
    /// The printer could not go on for longer than [`Config::finish_limit`].
    Unfinished,
    /// The port was closed.
    Port,
    /// The box was restarted.
    Restart,
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// [`MOST_WAITING`] jobs wait, or [`MOST_WAITING_OCTETS`].
    Full,
    /// It has no octets.
    Empty,
    /// It has more than [`MOST_OCTETS`].
    TooLong,
}

impl JobState {
    /// No other state follows.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Held(_) | Self::Begun => false,
            Self::Printed | Self::Sent | Self::Unknown(_) | Self::Expired | Self::Cancelled | Self::Refused(_) => true,
        }
    }
}

/// What the shell does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open the port.
    Open,
    /// Close the port; octets that it did not take are thrown away.
    Close,
    /// Write these octets to the port.
    Write(Vec<u8>),
    /// Put a job's state on disk before anything else.
    Store {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// How the printer is, for the device page; `None` while that is not known.
    Status(Option<Status>),
}

/// What a printer can and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// It answers `DLE EOT`.
    pub realtime_status: bool,
    /// It answers `GS ( H`; counts only with `realtime_status`.
    pub process_id: bool,
    /// What the level of the drawer's switch means.
    pub drawer_sensor: DrawerSensor,
    /// Between two questions while a job is held or unconfirmed; a printer that takes longer to answer is silent.
    pub poll: Duration,
    /// Between two questions while there is no job.
    pub idle_poll: Duration,
    /// A printer that says nothing for this long after a job's last octet is given up.
    pub answer_limit: Duration,
    /// A printer that is ready for this long after a job's last octet and does not confirm has lost it.
    pub print_limit: Duration,
    /// A job that is neither taken whole nor confirmed in this time is given up: an empty roll that nobody changes.
    pub finish_limit: Duration,
    /// The first wait before the port is opened again; it doubles up to `last_back_off`.
    pub first_back_off: Duration,
    /// The longest such wait.
    pub last_back_off: Duration,
}

impl Config {
    /// What a profile says, with the usual times.
    pub fn of(profile: &Profile) -> Self {
        Self {
            realtime_status: profile.realtime_status,
            process_id: profile.process_id,
            drawer_sensor: profile.drawer_sensor,
            poll: Duration::from_secs(2),
            idle_poll: Duration::from_secs(30),
            answer_limit: Duration::from_secs(10),
            print_limit: Duration::from_secs(60),
            finish_limit: Duration::from_secs(600),
            first_back_off: Duration::from_secs(1),
            last_back_off: Duration::from_secs(30),
        }
    }
}

/// Jobs that wait; a further one is refused.
pub const MOST_WAITING: usize = 200;
/// Octets of all jobs that wait: 16 of the largest, or 200 of 80 kB, which are slips with pictures.
pub const MOST_WAITING_OCTETS: usize = 16 * MOST_OCTETS;

/// The core of one printer.
#[derive(Clone, Debug)]
pub struct Printing {
    config: Config,
    waiting: VecDeque<Waiting>,
    active: Option<Active>,
    port: port::Port,
    reader: StatusReader,
    status: Status,
    /// What [`Output::Status`] told last.
    told: Option<Status>,
    round: Option<Round>,
    /// When the last round of questions was sent; `None`: ask at once.
    asked_at: Option<Instant>,
    out: VecDeque<Output>,
}

#[derive(Clone, Debug)]
struct Waiting {
    job: Job,
    expires: Option<Instant>,
    held: Option<Hold>,
}

/// The job under way.
#[derive(Clone, Debug)]
struct Active {
    id: JobId,
    octets: Vec<u8>,
    /// Octets that were handed to the port.
    handed: usize,
    /// The process id that its last octets ask for.
    confirmation: Option<[u8; 4]>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The port takes its octets; `moved` is when it last took some.
    Writing { moved: Instant },
    /// The printer has them all since `since`; it told something last at `heard`, and of trouble last at `trouble`.
    Confirming { since: Instant, heard: Instant, trouble: Instant },
}

/// The four questions of `DLE EOT`, asked together.
#[derive(Clone, Copy, Debug)]
struct Round {
    asked_at: Instant,
    /// Answers that are still due.
    due: usize,
}

impl Printing {
    /// Starts with no job; the first output opens the port.
    pub fn new(config: Config, now: Instant) -> Self {
        let mut printing = Self {
            config,
            waiting: VecDeque::new(),
            active: None,
            port: port::Port::new(now, config.first_back_off),
            reader: StatusReader::default(),
            status: Status::default(),
            told: None,
            round: None,
            asked_at: None,
            out: VecDeque::new(),
        };
        printing.step(now);
        printing
    }

    /// Takes the jobs that the journal says were begun and not ended before a restart: they end as
    /// [`Doubt::Restart`].
    pub fn recover(&mut self, begun: &[JobId]) {
        begun.iter().for_each(|job| self.store(*job, JobState::Unknown(Doubt::Restart)));
    }

    /// Takes a job. One that waits or is under way already is not taken twice.
    pub fn handle_job(&mut self, job: Job, now: Instant) {
        self.expire(now);
        let known = self.waiting.iter().map(|waiting| waiting.job.id).chain(self.under_way()).any(|id| id == job.id);
        let refusal = match job.octets.len() {
            0 => Some(Refusal::Empty),
            octets if octets > MOST_OCTETS => Some(Refusal::TooLong),
            _ if self.waiting.len() >= MOST_WAITING => Some(Refusal::Full),
            octets if self.waiting_octets() + octets > MOST_WAITING_OCTETS => Some(Refusal::Full),
            _ => None,
        };
        match (known, refusal) {
            (true, _) => {}
            (false, Some(refusal)) => self.store(job.id, JobState::Refused(refusal)),
            (false, None) => {
                let expires = job.valid_for.map(|valid_for| now + valid_for);
                self.waiting.push_back(Waiting { job, expires, held: None });
            }
        }
        self.step(now);
    }

    /// Takes a job back; false when it has begun or is not known.
    pub fn handle_cancel(&mut self, id: JobId) -> bool {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.job.id == id) else { return false };
        self.waiting.remove(place);
        self.store(id, JobState::Cancelled);
        true
    }

    /// The port is open, as [`Output::Open`] asked.
    pub fn handle_opened(&mut self, now: Instant) {
        if self.port.opened() {
            self.reader.reset();
            self.asked_at = None;
        }
        self.step(now);
    }

    /// The port could not be opened, was closed by the other side, or failed in writing.
    pub fn handle_closed(&mut self, now: Instant) {
        if self.port.closed(now, self.config.last_back_off) {
            self.port_lost(Doubt::Port, now);
        }
        self.step(now);
    }

    /// The port took `count` more octets of those that were written.
    pub fn handle_written(&mut self, count: usize, now: Instant) {
        if count > 0 && self.port.written(count, self.config.first_back_off) {
            self.written(now);
        }
        self.step(now);
    }

    /// The printer sent octets.
    pub fn handle_octets(&mut self, octets: &[u8], now: Instant) {
        if self.port.is_open() {
            for answer in self.reader.push(octets) {
                self.answer(answer, now);
            }
        }
        self.step(now);
    }

    /// [`Printing::next_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.step(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`Printing::handle_timeout`], if nothing happens before; a time that is past means at once.
    pub fn next_timeout(&self) -> Option<Instant> {
        let expiries = self.waiting.iter().filter_map(|waiting| waiting.expires);
        let deadlines = [self.port.opens_at(), self.round_ends_at(), self.ask_at(), self.active_ends_at()];
        deadlines.into_iter().flatten().chain(expiries).min()
    }

    /// The job that has begun and not ended.
    pub fn under_way(&self) -> Option<JobId> {
        self.active.as_ref().map(|active| active.id)
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn waiting_octets(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.job.octets.len()).sum()
    }
}
