//! One printer's task: brings the journal's jobs to the printer, one at a time, and what becomes of them to the
//! journal.
//!
//! Jobs wait in the journal, where a picture takes no memory. The task holds the one that it gave to the printer; what
//! is cancelled or too late before that ends in the journal alone.

use std::time::Duration;

use store_daemon::supervisor::Stop;
use till_devices::printing::{self, Job};
use till_link::{Cause, JobId, JobState};
use tokio::time::{Instant, sleep_until, timeout};

use crate::board::Board;
use crate::clock::Clock;
use crate::config::Printer;
use crate::journal::{Journal, Waiting};
use crate::paper;
use crate::press::Press;

/// Between two tries of a journal that fails.
const JOURNAL_WAIT: Duration = Duration::from_secs(1);
/// Between two looks at the journal when nothing else calls for one.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What the task works with.
#[derive(Clone)]
pub struct Task {
    /// The printer's place in the configuration.
    pub at: usize,
    /// The printer.
    pub printer: Printer,
    /// Where the jobs are.
    pub journal: Journal,
    /// Where the printer's state is shown.
    pub board: Board,
    /// The clock.
    pub clock: Clock,
}

/// The job that the printer has.
struct Current {
    seq: u64,
    id: JobId,
    expires: Option<Instant>,
}

/// The process stops; what is not kept now is settled at the next start.
struct Stopped;

impl Task {
    /// Prints until the process stops; a job under way is brought to its end, as far as the stop's limit allows.
    ///
    /// # Errors
    /// None; the result is the supervisor's form.
    pub async fn run(self, mut stop: Stop) -> anyhow::Result<()> {
        let mut changes = self.journal.watch_changes();
        let mut press = Press::new(self.printer.clone(), self.clock);
        let mut current: Option<Current> = None;
        let mut look_at = Instant::now();
        loop {
            while let Some((seq, state)) = press.act() {
                let Some(job) = current.as_ref().filter(|job| job.seq == seq) else { continue };
                if self.keep(&job.id, state, &mut stop).await.is_err() {
                    return Ok(());
                }
                let is_late = job.expires.is_some_and(|expires| Instant::now() >= expires);
                if state == JobState::Begun && is_late {
                    // The journal took too long: nothing has left yet, and nothing shall.
                    if self.keep(&job.id, JobState::Expired, &mut stop).await.is_err() {
                        return Ok(());
                    }
                    press = Press::new(self.printer.clone(), self.clock);
                    current = None;
                }
                current.take_if(|_| state.is_final());
                look_at = Instant::now();
            }
            self.board.set_printer(self.at, press.state());
            if stop.is_asked() && !press.is_under_way() {
                return Ok(());
            }
            if look_at <= Instant::now() && !stop.is_asked() {
                let Ok(next) = self.look(&mut press, &mut current, &mut stop).await else { return Ok(()) };
                look_at = next;
                continue;
            }
            let stopping = stop.is_asked();
            tokio::select! {
                () = press.next() => {}
                // The journal lives as long as the process.
                _ = changes.changed() => look_at = Instant::now(),
                () = sleep_until(look_at), if !stopping => {}
                () = stop.asked(), if !stopping => {}
            }
        }
    }

    /// Looks what the journal has for this printer; gives when to look again.
    async fn look(
        &self,
        press: &mut Press,
        current: &mut Option<Current>,
        stop: &mut Stop,
    ) -> Result<Instant, Stopped> {
        let Ok(look) = self.journal.look(&self.printer.name, current.as_ref().map(|job| job.id.clone())).await else {
            return Ok(Instant::now() + JOURNAL_WAIT);
        };
        if let Some(job) = current.as_ref().filter(|_| look.cancel) {
            press.cancel(job.seq);
        }
        if let Some(waiting) = look.next {
            self.give(press, current, waiting, stop).await?;
        }
        let wait = look.next_expiry_ms.map_or(LOOK_EVERY, Duration::from_millis).min(LOOK_EVERY);
        Ok(Instant::now() + wait)
    }

    /// Gives a job to the printer, or refuses it where the printer can't have it.
    async fn give(
        &self,
        press: &mut Press,
        current: &mut Option<Current>,
        waiting: Waiting,
        stop: &mut Stop,
    ) -> Result<(), Stopped> {
        let Waiting { seq, id, document, valid_ms } = waiting;
        let printer = self.printer.clone();
        // Pictures of text take some milliseconds, which the other tasks need not wait for.
        let octets = tokio::task::spawn_blocking(move || paper::octets(&document, &printer)).await;
        let why = match octets {
            Ok(Ok(octets)) => {
                let valid_for = valid_ms.map(Duration::from_millis);
                press.job(Job { id: printing::JobId(seq), octets, valid_for });
                *current = Some(Current { seq, id, expires: valid_for.map(|valid| Instant::now() + valid) });
                return Ok(());
            }
            Ok(Err(why)) => why.to_string(),
            Err(e) => e.to_string(),
        };
        tracing::warn!(printer = self.printer.name, job = %id.0, why, "a document can't be printed here");
        self.keep(&id, JobState::Refused { cause: Cause::Document }, stop).await
    }

    /// Keeps a state, as long as it takes.
    async fn keep(&self, id: &JobId, state: JobState, stop: &mut Stop) -> Result<(), Stopped> {
        while self.journal.keep(id, state).await.is_err() {
            if timeout(JOURNAL_WAIT, stop.asked()).await.is_ok() {
                return Err(Stopped);
            }
        }
        let word = format!("{state:?}");
        match state {
            JobState::Unknown { .. } | JobState::Refused { .. } => {
                tracing::warn!(printer = self.printer.name, job = %id.0, state = word, "print job");
            }
            _ => tracing::info!(printer = self.printer.name, job = %id.0, state = word, "print job"),
        }
        Ok(())
    }
}
