//! One connection on which the gateway knows this till.
//!
//! The journal and the board are what is true; the session remembers what it told of them and tells what differs. So
//! nothing is lost between two connections, and a state that changed twice is told once.

use std::collections::HashMap;
use std::time::Duration;

use store_daemon::supervisor::Stop;
use till_link::{FromTill, JobId, JobState, PROTOCOL, Refusal, ToTill};
use tokio::time::{Instant, sleep_until};

use super::{Link, LinkState, PIN_EVERY, Scan};
use crate::board::Facts;
use crate::dial::{Wire, WireError};
use crate::folder::Stamp;
use crate::journal::{NewJob, Take};

/// Between two messages about scanners: one with a loose plug must not fill the wire.
const SCANNERS_EVERY: Duration = Duration::from_secs(1);

/// Why a connection ended, where it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process stops.
    Stopped,
    /// There is no enrolment to connect by.
    Unenrolled,
    /// The till was enrolled anew.
    Enrolled,
    /// The journal takes jobs again; a new connection brings those that it did not take.
    SendAgain,
    /// The gateway won't talk.
    Refused(Refusal),
    /// It failed; the reason was said.
    Lost,
}

/// What woke the session.
enum Wake {
    Said(Result<ToTill, WireError>),
    Jobs,
    Facts,
    Scan(Scan),
    Time,
    Stop,
}

pub(super) struct Session<'l> {
    link: &'l Link,
    wire: Wire,
    stamp: Option<Stamp>,
    told_jobs: HashMap<JobId, JobState>,
    told: Facts,
    scans: u64,
    spoke: Instant,
    heard: Instant,
    scanners_at: Instant,
    pin_at: Instant,
    /// Something was not kept, for the journal's trouble.
    left_some: bool,
    jobs_changed: bool,
    /// The gateway was told that it has heard of the whole journal.
    told_all: bool,
}

impl<'l> Session<'l> {
    pub(super) fn new(link: &'l Link, wire: Wire, stamp: Option<Stamp>) -> Self {
        let now = Instant::now();
        Self {
            link,
            wire,
            stamp,
            told_jobs: HashMap::new(),
            told: Facts::default(),
            scans: 0,
            spoke: now,
            heard: now,
            scanners_at: now,
            pin_at: now,
            left_some: false,
            jobs_changed: true,
            told_all: false,
        }
    }

    pub(super) async fn run(mut self, stop: &mut Stop) -> Result<End, WireError> {
        let parts = &*self.link.0;
        let mut changes = parts.journal.watch_changes();
        let mut trouble = parts.journal.watch_trouble();
        let mut board = parts.board.watch();
        if let Some(end) = self.greet(stop).await? {
            return Ok(end);
        }
        let mut scans = parts.scans.lock().await;
        // What waits was read for an earlier connection.
        while scans.try_recv().is_ok() {}
        self.link.set(LinkState::Up, "");
        loop {
            self.tell_jobs().await?;
            let in_trouble = *trouble.borrow_and_update();
            self.tell_facts(in_trouble).await?;
            let next = self.next_time();
            let wake = tokio::select! {
                said = self.wire.receive() => Wake::Said(said),
                // The senders live as long as the process.
                _ = changes.changed() => Wake::Jobs,
                _ = board.changed() => Wake::Facts,
                _ = trouble.changed() => Wake::Facts,
                Some(scan) = scans.recv() => Wake::Scan(scan),
                () = sleep_until(next) => Wake::Time,
                () = stop.asked() => Wake::Stop,
            };
            let ended = match wake {
                Wake::Said(said) => self.handle(said?).await?,
                Wake::Jobs => {
                    self.jobs_changed = true;
                    None
                }
                Wake::Facts => None,
                Wake::Scan(scan) => {
                    self.pass_on(scan).await?;
                    None
                }
                Wake::Time => self.handle_time().await?,
                Wake::Stop => Some(End::Stopped),
            };
            let ended = ended.or((self.left_some && !*trouble.borrow()).then_some(End::SendAgain));
            if let Some(end) = ended {
                self.wire.close().await;
                return Ok(end);
            }
        }
    }

    /// Says who this is; gives an end where the gateway won't talk.
    async fn greet(&mut self, stop: &mut Stop) -> Result<Option<End>, WireError> {
        let parts = &*self.link.0;
        self.told = self.facts(*parts.journal.watch_trouble().borrow());
        let hello = FromTill::Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: parts.config.till.clone(),
            printers: self.told.printers.clone(),
            scanners: self.told.scanners.clone(),
        };
        self.say(&hello).await?;
        let answer = tokio::select! {
            answer = self.wire.answer() => answer?,
            () = stop.asked() => return Ok(Some(End::Stopped)),
        };
        self.heard = Instant::now();
        match answer {
            ToTill::Welcome { version, .. } => {
                tracing::debug!(version, "the gateway's version");
                Ok(None)
            }
            ToTill::Refused { why } => Ok(Some(End::Refused(why))),
            _ => Err(WireError::Ended("the gateway's first word was no welcome".into())),
        }
    }

    async fn handle(&mut self, message: ToTill) -> Result<Option<End>, WireError> {
        self.heard = Instant::now();
        match message {
            ToTill::Job { job, printer, document, valid_ms } => {
                self.take(NewJob { id: job, printer, document, valid_ms }).await?;
            }
            ToTill::Cancel { job } => {
                if let Err(e) = self.link.0.journal.cancel(&job).await {
                    tracing::warn!(job = %job.0, why = %e, "a cancelled job could not be marked");
                    self.note_left();
                }
            }
            ToTill::Noted { job } => {
                if let Err(e) = self.link.0.journal.noted(&job).await {
                    tracing::warn!(job = %job.0, why = %e, "that a job was noted could not be kept");
                }
            }
            ToTill::Scanned { n, shown } => tracing::debug!(n, shown, "a scan was passed on"),
            ToTill::Refused { why } => return Ok(Some(End::Refused(why))),
            ToTill::Alive | ToTill::Welcome { .. } | ToTill::Enrolled { .. } => {}
        }
        Ok(None)
    }

    async fn take(&mut self, job: NewJob) -> Result<(), WireError> {
        let id = job.id.clone();
        match self.link.0.journal.take(job).await {
            Ok(Take::New) => tracing::info!(job = %id.0, "print job taken"),
            Ok(Take::Known(state)) => {
                self.say(&FromTill::Report { job: id.clone(), state }).await?;
                self.told_jobs.insert(id, state);
            }
            Err(e) => {
                tracing::warn!(job = %id.0, why = %e, "a print job was not taken; the gateway keeps it");
                self.note_left();
            }
        }
        Ok(())
    }

    /// The gateway sends it again at the next connection: one is made when the journal's trouble is over.
    const fn note_left(&mut self) {
        self.left_some = true;
    }

    /// Reports each job that the gateway has not noted and whose state it was not told on this connection.
    async fn tell_jobs(&mut self) -> Result<(), WireError> {
        if !std::mem::take(&mut self.jobs_changed) {
            return Ok(());
        }
        // Once the journal can be read again, a change is seen.
        let Ok(jobs) = self.link.0.journal.unnoted().await else { return Ok(()) };
        let mut told = HashMap::with_capacity(jobs.len());
        for (job, state) in jobs {
            if self.told_jobs.get(&job) != Some(&state) {
                self.say(&FromTill::Report { job: job.clone(), state }).await?;
            }
            told.insert(job, state);
        }
        self.told_jobs = told;
        if !std::mem::replace(&mut self.told_all, true) {
            self.say(&FromTill::Reported).await?;
        }
        Ok(())
    }

    fn facts(&self, trouble: bool) -> Facts {
        let facts = self.link.0.board.watch().borrow().clone();
        if trouble { facts.with_journal_trouble() } else { facts }
    }

    async fn tell_facts(&mut self, trouble: bool) -> Result<(), WireError> {
        let facts = self.facts(trouble);
        for (at, printer) in facts.printers.iter().enumerate() {
            if self.told.printers.get(at) != Some(printer) {
                self.say(&FromTill::Printer(printer.clone())).await?;
            }
        }
        self.told.printers = facts.printers;
        let now = Instant::now();
        if self.told.scanners == facts.scanners || now < self.scanners_at {
            return Ok(());
        }
        for (at, scanner) in facts.scanners.iter().enumerate() {
            if self.told.scanners.get(at) != Some(scanner) {
                self.say(&FromTill::Scanner(scanner.clone())).await?;
            }
        }
        self.told.scanners = facts.scanners;
        self.scanners_at = now + SCANNERS_EVERY;
        Ok(())
    }

    async fn pass_on(&mut self, scan: Scan) -> Result<(), WireError> {
        self.scans += 1;
        let Scan { scanner, text, symbology } = scan;
        self.say(&FromTill::Scan { n: self.scans, scanner, text, symbology }).await
    }

    async fn say(&mut self, message: &FromTill) -> Result<(), WireError> {
        self.wire.send(message).await?;
        self.spoke = Instant::now();
        Ok(())
    }

    /// When time itself has something to do.
    fn next_time(&self) -> Instant {
        let gateway = &self.link.0.config.gateway;
        let mut next = (self.spoke + gateway.keepalive).min(self.heard + gateway.silence).min(self.pin_at);
        if self.told.scanners != self.link.0.board.watch().borrow().scanners {
            next = next.min(self.scanners_at);
        }
        next
    }

    async fn handle_time(&mut self) -> Result<Option<End>, WireError> {
        let now = Instant::now();
        let gateway = &self.link.0.config.gateway;
        if now >= self.heard + gateway.silence {
            return Err(WireError::Ended("the gateway is silent".into()));
        }
        if now >= self.spoke + gateway.keepalive {
            self.say(&FromTill::Alive).await?;
        }
        if now >= self.pin_at {
            self.pin_at = now + PIN_EVERY;
            if self.link.0.folder.stamp() != self.stamp {
                return Ok(Some(End::Enrolled));
            }
        }
        Ok(None)
    }
}
