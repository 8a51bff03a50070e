//! What follows from each input. Each deadline that [`Printing::next_timeout`] names has an effect when it comes.

use sans_io::Instant;

use super::{Active, Doubt, Hold, JobId, JobState, Output, Printing, Round, Stage};
use crate::escpos::status::{Answer, Paper, Query, Status, process_id_request};

/// Octets that the port gets at once.
const CHUNK: usize = 4_096;

impl Printing {
    /// Does all that is due.
    pub(super) fn step(&mut self, now: Instant) {
        self.expire(now);
        self.give_up(now);
        if self.port.open(now) {
            self.out.push_back(Output::Open);
        }
        if self.round_ends_at().is_some_and(|ends_at| now >= ends_at) {
            self.silence();
        }
        if self.ask_at().is_some_and(|ask_at| now >= ask_at) {
            self.ask(now);
        }
        if self.port.is_closed() {
            self.hold(Hold::Port);
        }
        if self.port.is_open() && !self.config.realtime_status {
            self.begin(now);
        }
    }

    pub(super) fn store(&mut self, job: JobId, state: JobState) {
        self.out.push_back(Output::Store { job, state });
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let past = |expires: Option<Instant>| expires.is_some_and(|expires| now >= expires);
        let expired = self.waiting.iter().filter(|waiting| past(waiting.expires)).map(|waiting| waiting.job.id);
        let expired: Vec<JobId> = expired.collect();
        self.waiting.retain(|waiting| !past(waiting.expires));
        expired.into_iter().for_each(|job| self.store(job, JobState::Expired));
    }

    /// Tells why the next job waits, once for each reason.
    fn hold(&mut self, hold: Hold) {
        if self.active.is_some() {
            return;
        }
        if let Some(waiting) = self.waiting.front_mut().filter(|waiting| waiting.held != Some(hold)) {
            waiting.held = Some(hold);
            let job = waiting.job.id;
            self.store(job, JobState::Held(hold));
        }
    }

    fn begin(&mut self, now: Instant) {
        if self.active.is_some() {
            return;
        }
        let Some(waiting) = self.waiting.pop_front() else { return };
        let (id, mut octets) = (waiting.job.id, waiting.job.octets);
        let wanted = self.config.process_id && self.config.realtime_status;
        let confirmation = wanted.then(|| process_id(id));
        octets.extend(confirmation.and_then(process_id_request).into_iter().flatten());
        self.store(id, JobState::Begun);
        self.active = Some(Active { id, octets, handed: 0, confirmation, stage: Stage::Writing { moved: now } });
        self.write_chunk();
    }

    /// Hands out the next octets of the job when the port has taken the ones before.
    fn write_chunk(&mut self) {
        let Some(active) = self.active.as_mut().filter(|_| self.port.is_idle()) else { return };
        let end = active.octets.len().min(active.handed + CHUNK);
        let chunk = active.octets[active.handed..end].to_vec();
        active.handed = end;
        self.port.write(chunk.len());
        self.out.push_back(Output::Write(chunk));
    }

    /// The port took octets.
    pub(super) fn written(&mut self, now: Instant) {
        let idle = self.port.is_idle();
        let Some(active) = &mut self.active else { return };
        let whole = active.handed == active.octets.len();
        match &mut active.stage {
            Stage::Writing { moved } if !(whole && idle) => {
                *moved = now;
                if idle {
                    self.write_chunk();
                }
            }
            Stage::Writing { .. } if active.confirmation.is_some() => {
                active.stage = Stage::Confirming { since: now, heard: now, trouble: now };
                self.asked_at = Some(now);
            }
            Stage::Writing { .. } => self.finish(JobState::Sent, now),
            // The port took questions that it had refused until their time was over: all waits count from here.
            Stage::Confirming { heard, trouble, .. } if self.round.is_none() => (*heard, *trouble) = (now, now),
            Stage::Confirming { .. } => {}
        }
    }

    /// The next job's questions follow at once, unless the port has yet to take octets.
    fn finish(&mut self, state: JobState, now: Instant) {
        if let Some(active) = self.active.take() {
            self.store(active.id, state);
            self.asked_at = (!self.port.is_idle()).then_some(now);
        }
    }

    /// Ends a job that nothing more will be heard of.
    fn give_up(&mut self, now: Instant) {
        if self.active_ends_at().is_none_or(|ends_at| now < ends_at) {
            return;
        }
        let doubt = match self.active.as_ref().map(|active| active.stage) {
            None => return,
            Some(Stage::Writing { .. }) => {
                // Octets are stuck in the port: closing throws them away, or a later job would follow them.
                self.port.closed(now, self.config.last_back_off);
                self.port_lost(Doubt::Unfinished, now);
                return self.out.push_back(Output::Close);
            }
            Some(Stage::Confirming { since, .. }) if now >= since + self.config.finish_limit => Doubt::Unfinished,
            Some(Stage::Confirming { heard, .. }) if now >= heard + self.config.answer_limit => Doubt::Silent,
            Some(Stage::Confirming { .. }) => Doubt::Unconfirmed,
        };
        self.finish(JobState::Unknown(doubt), now);
    }

    /// When the job under way is given up.
    pub(super) fn active_ends_at(&self) -> Option<Instant> {
        let config = &self.config;
        match self.active.as_ref()?.stage {
            Stage::Writing { moved } => Some(moved + config.finish_limit),
            Stage::Confirming { since, heard, trouble } => {
                let last = since + config.finish_limit;
                // A port that takes no question is held by the printer's flow control: that is neither silence nor
                // readiness.
                let taken = self.port.is_idle();
                let limit = (heard + config.answer_limit).min(trouble + config.print_limit).min(last);
                Some(if taken { limit } else { last })
            }
        }
    }

    /// What follows when the port is no longer open: the job under way ends, the next one waits.
    pub(super) fn port_lost(&mut self, doubt: Doubt, now: Instant) {
        self.finish(JobState::Unknown(doubt), now);
        self.reader.reset();
        self.round = None;
        self.tell(None);
    }

    /// When the four questions are asked next.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        if !self.config.realtime_status || !self.port.is_open() || self.round.is_some() {
            return None;
        }
        let pause = match (&self.active, self.waiting.front()) {
            (Some(Active { stage: Stage::Writing { .. }, .. }), _) => return None,
            (Some(_), _) => self.config.poll,
            (None, Some(waiting)) if waiting.held.is_none() && self.port.is_idle() => return Some(Instant::ZERO),
            (None, Some(_)) => self.config.poll,
            (None, None) => self.config.idle_poll,
        };
        Some(self.asked_at.map_or(Instant::ZERO, |asked_at| asked_at + pause))
    }

    /// `DLE EOT 1` to `4`. A port that has not taken the questions before gets no more of them.
    fn ask(&mut self, now: Instant) {
        self.asked_at = Some(now);
        if !self.port.is_idle() {
            return self.hold(Hold::Silent);
        }
        self.reader.forget();
        Query::ALL.into_iter().for_each(|query| self.reader.asked(query));
        let octets: Vec<u8> = Query::ALL.into_iter().flat_map(Query::request).collect();
        self.port.write(octets.len());
        self.out.push_back(Output::Write(octets));
        self.round = Some(Round { asked_at: now, due: Query::ALL.len() });
    }

    /// When the questions are taken for unanswered.
    pub(super) fn round_ends_at(&self) -> Option<Instant> {
        self.round.map(|round| round.asked_at + self.config.poll)
    }

    fn silence(&mut self) {
        self.round = None;
        self.reader.forget();
        self.tell(None);
        self.hold(Hold::Silent);
    }

    /// What the printer told.
    pub(super) fn answer(&mut self, answer: Answer, now: Instant) {
        self.status.apply(answer, self.config.drawer_sensor);
        if let Some(Active { stage: Stage::Confirming { heard, .. }, .. }) = &mut self.active {
            *heard = now;
        }
        match answer {
            Answer::Status { .. } => self.status_answer(now),
            Answer::Automatic(_) => self.tell(Some(self.status)),
            Answer::ProcessId(id) => {
                let whole = |active: &Active| active.confirmation == Some(id) && active.handed == active.octets.len();
                if self.active.as_ref().is_some_and(whole) {
                    self.finish(JobState::Printed, now);
                }
            }
            Answer::Xon | Answer::Xoff => {}
        }
    }

    /// After the last answer of a round the printer's state is whole, and the next job may begin.
    fn status_answer(&mut self, now: Instant) {
        let Some(round) = &mut self.round else { return };
        round.due -= 1;
        if round.due > 0 {
            return;
        }
        self.round = None;
        self.tell(Some(self.status));
        match (trouble(self.status), &mut self.active) {
            (Some(_), Some(Active { stage: Stage::Confirming { trouble, .. }, .. })) => *trouble = now,
            (_, Some(_)) => {}
            (Some(hold), None) => self.hold(hold),
            (None, None) => self.begin(now),
        }
    }

    fn tell(&mut self, status: Option<Status>) {
        if self.told != status {
            self.told = status;
            self.out.push_back(Output::Status(status));
        }
    }
}

/// Why a printer cannot print now.
fn trouble(status: Status) -> Option<Hold> {
    match status {
        Status { cover_open: true, .. } => Some(Hold::CoverOpen),
        Status { paper: Paper::Out, .. } => Some(Hold::PaperOut),
        Status { error: Some(fault), .. } => Some(Hold::Fault(fault)),
        Status { online: false, .. } => Some(Hold::Offline),
        Status { .. } => None,
    }
}

/// The process id of a job: its number in base 94, digits `!` to `~`. It differs from those of the 78 million jobs
/// before, so that a late answer to one of them confirms nothing.
fn process_id(JobId(mut number): JobId) -> [u8; 4] {
    let mut id = [b'!'; 4];
    for octet in id.iter_mut().rev() {
        *octet += (number % 94) as u8;
        number /= 94;
    }
    id
}
