//! One printer's port around its core: opens it, writes what the core hands out, brings back what the printer says.
//!
//! Who drives it keeps each state that [`Press::act`] gives before it calls on: so nothing leaves for a printer before
//! the journal says that it may have.

use std::future::pending;
use std::io;
use std::pin::Pin;

use till_devices::escpos::status::{Paper, Status};
use till_devices::printing::{self, Doubt, Hold, Job, JobId, Output, Printing, Refusal};
use till_link::{Cause, HeldBy, JobState, PrinterState};

use crate::clock::{Clock, until};
use crate::config::Printer;
use crate::port::{Moved, Port};

type Opening = Pin<Box<dyn Future<Output = io::Result<Port>> + Send>>;

/// A printer with its port.
pub struct Press {
    printer: Printer,
    clock: Clock,
    core: Printing,
    port: Option<Port>,
    opening: Option<Opening>,
    /// What the port has not taken; the core hands out a few KiB at once.
    out: Vec<u8>,
    taken: usize,
    status: Option<Status>,
    /// Whether the log has that the port is missing.
    told_missing: bool,
}

impl Press {
    /// A printer whose port is opened first of all.
    pub fn new(printer: Printer, clock: Clock) -> Self {
        let core = Printing::new(config_of(&printer), clock.now());
        Self {
            printer,
            clock,
            core,
            port: None,
            opening: None,
            out: Vec::new(),
            taken: 0,
            status: None,
            told_missing: false,
        }
    }

    /// Takes a job.
    pub fn job(&mut self, job: Job) {
        self.core.handle_job(job, self.clock.now());
    }

    /// Takes the job of this number back, unless it has begun.
    pub fn cancel(&mut self, number: u64) {
        self.core.handle_cancel(JobId(number));
    }

    /// Whether a job has begun and not ended.
    pub fn is_under_way(&self) -> bool {
        self.core.under_way().is_some()
    }

    /// How the printer is.
    pub fn state(&self) -> PrinterState {
        let connected = self.port.is_some();
        let held = match (connected, self.status) {
            (false, _) => Some(HeldBy::Port),
            (true, Some(status)) => trouble(status),
            (true, None) => self.printer.profile.realtime_status.then_some(HeldBy::Silent),
        };
        let paper = self.status.filter(|_| connected).map(|status| match status.paper {
            Paper::Ok => till_link::Paper::Ok,
            Paper::Low => till_link::Paper::Low,
            Paper::Out => till_link::Paper::Out,
        });
        PrinterState { connected, held, paper }
    }

    /// Does what the core wants, up to the next state of a job; `None` when there is nothing more to do now. The state
    /// must be kept before the next call.
    pub fn act(&mut self) -> Option<(u64, JobState)> {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Open => {
                    let (place, listens) = (self.printer.place.clone(), self.printer.profile.realtime_status);
                    self.opening = Some(Box::pin(async move { Port::open(&place, listens).await }));
                }
                Output::Close => self.close(),
                // A port that was lost meanwhile is told to the core already, which has given up these octets.
                Output::Write(octets) if self.port.is_some() => self.out.extend(octets),
                Output::Write(_) => {}
                Output::Store { job, state } => return Some((job.0, state_of(state))),
                Output::Status(status) => self.status = status,
            }
        }
        None
    }

    /// Waits until something happens: the port, the printer, or a deadline. Cancel-safe.
    pub async fn next(&mut self) {
        let deadline = self.core.next_timeout().map(|at| self.clock.at(at));
        let rest = self.out.get(self.taken..).unwrap_or_default();
        let (opening, port) = (&mut self.opening, &mut self.port);
        tokio::select! {
            opened = async { match opening { Some(opening) => opening.await, None => pending().await } } => {
                self.opened(opened);
            }
            moved = async { match port { Some(port) => port.step(rest).await, None => pending().await } } => {
                self.moved(moved);
            }
            () = until(deadline) => {
                self.core.handle_timeout(self.clock.now());
            }
        }
    }

    fn opened(&mut self, opened: io::Result<Port>) {
        self.opening = None;
        let now = self.clock.now();
        match opened {
            Ok(port) => {
                self.port = Some(port);
                self.told_missing = false;
                tracing::info!(printer = self.printer.name, port = %self.printer.place, "printer's port is open");
                self.core.handle_opened(now);
            }
            Err(why) => {
                if !std::mem::replace(&mut self.told_missing, true) {
                    tracing::warn!(
                        printer = self.printer.name,
                        port = %self.printer.place,
                        %why,
                        "printer's port can't be opened; trying again"
                    );
                }
                self.core.handle_closed(now);
            }
        }
    }

    fn moved(&mut self, moved: io::Result<Moved>) {
        let now = self.clock.now();
        match moved {
            Ok(Moved::Read(octets)) => self.core.handle_octets(&octets, now),
            Ok(Moved::Wrote(count)) => {
                self.taken += count;
                if self.taken >= self.out.len() {
                    self.out.clear();
                    self.taken = 0;
                }
                self.core.handle_written(count, now);
            }
            Err(why) => {
                tracing::warn!(printer = self.printer.name, %why, "printer's port is lost");
                self.close();
                self.core.handle_closed(now);
            }
        }
    }

    fn close(&mut self) {
        self.port = None;
        self.opening = None;
        self.out.clear();
        self.taken = 0;
    }
}

fn config_of(printer: &Printer) -> printing::Config {
    let timing = printer.timing;
    printing::Config {
        poll: timing.status,
        answer_limit: timing.answer,
        finish_limit: timing.finish,
        first_back_off: timing.retry_min,
        last_back_off: timing.retry_max,
        ..printing::Config::of(&printer.profile)
    }
}

/// What keeps a printer from printing, by what it says of itself; what a person can do comes first.
const fn trouble(status: Status) -> Option<HeldBy> {
    match status {
        Status { cover_open: true, .. } => Some(HeldBy::CoverOpen),
        Status { paper: Paper::Out, .. } => Some(HeldBy::PaperOut),
        Status { error: Some(_), .. } => Some(HeldBy::Error),
        Status { online: false, .. } => Some(HeldBy::Offline),
        Status { .. } => None,
    }
}

/// A job's state in the words of the wire.
const fn state_of(state: printing::JobState) -> JobState {
    match state {
        printing::JobState::Held(hold) => JobState::Held { by: held_by(hold) },
        printing::JobState::Begun => JobState::Begun,
        printing::JobState::Printed => JobState::Printed,
        printing::JobState::Sent => JobState::Sent,
        printing::JobState::Unknown(doubt) => JobState::Unknown { cause: cause_of(doubt) },
        printing::JobState::Expired => JobState::Expired,
        printing::JobState::Cancelled => JobState::Cancelled,
        printing::JobState::Refused(Refusal::Full) => JobState::Refused { cause: Cause::Full },
        printing::JobState::Refused(Refusal::Empty | Refusal::TooLong) => JobState::Refused { cause: Cause::Document },
    }
}

const fn held_by(hold: Hold) -> HeldBy {
    match hold {
        Hold::CoverOpen => HeldBy::CoverOpen,
        Hold::PaperOut => HeldBy::PaperOut,
        Hold::Fault(_) => HeldBy::Error,
        Hold::Offline => HeldBy::Offline,
        Hold::Silent => HeldBy::Silent,
        Hold::Port => HeldBy::Port,
    }
}

const fn cause_of(doubt: Doubt) -> Cause {
    match doubt {
        Doubt::Silent | Doubt::Unconfirmed => Cause::Silent,
        Doubt::Unfinished => Cause::Held,
        Doubt::Port => Cause::Port,
        Doubt::Restart => Cause::Restart,
    }
}
