//! Sending: one submission at a time, and what follows when its outcome stays unknown.

use std::time::Duration;

use sans_io::Instant;

use super::job::{Job, Link, Submission};
use super::types::{ExpectedReference, MoreToSend, PauseReason, ReferenceMove, Token, Unsettled};
use super::{CTRL_Z, ESCAPE, Engine, Event, InFlight, Outcome, Phase, Stage, Timer};
use crate::at::{self, ErrorCode};
use crate::failure::{self, FailureCause, FailureClass, UnknownCause, Verdict};
use crate::profile::LastReference;

/// After so many further messages an overdue answer is no longer waited for.
const MAX_OVERDUE: u8 = 128;

/// What is known about sending.
#[derive(Debug)]
pub(super) struct Sending {
    /// Accepted from the shell, not yet given to the modem.
    waiting: Option<Submission>,
    /// The reference that the modem gave last.
    last: Option<u8>,
    /// After an unknown outcome.
    pub(super) aftermath: Option<Aftermath>,
    /// The last unknown outcome whose answer may still be on its way when the quiet window is over.
    doubt: Option<Doubt>,
    /// The next final result belongs to an answer that was set aside.
    skip_result: bool,
    /// The SIM is paused until a person has seen to it.
    paused: Option<FailureCause>,
    link: LinkUse,
}

/// The time after an unknown outcome, in which nothing is submitted.
#[derive(Debug)]
pub(super) struct Aftermath {
    token: Token,
    expected: ExpectedReference,
    /// Whether an answer may come even after the quiet window.
    silent: bool,
    /// Before this the modem is left alone, since a character may break off what it is doing (V.250 §5.6.1).
    patient_until: Instant,
    /// The modem was powered all the while.
    powered: bool,
    quiet_over: bool,
    /// The late answer came.
    resolved: bool,
    checked: bool,
}

/// An unknown outcome of before.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// The reference that it would have, when the modem had shown one before.
    reference: Option<u8>,
    /// It was: EF_SMSS says so, or the next message got the reference behind it. Its own answer is overdue and is set
    /// aside whenever it comes.
    used: bool,
}

/// `AT+CMMS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkUse {
    Released,
    Kept,
    /// The last message of a run has gone.
    ToRelease,
    Unsupported,
}

impl Sending {
    pub(super) fn new(unsettled: Option<Unsettled>) -> Self {
        let aftermath = unsettled.map(|u| Aftermath {
            token: u.token,
            expected: u.expected,
            silent: true,
            patient_until: Instant::ZERO,
            powered: false,
            quiet_over: false,
            resolved: false,
            checked: false,
        });
        Self {
            waiting: None,
            last: None,
            aftermath,
            doubt: None,
            skip_result: false,
            paused: None,
            link: LinkUse::Released,
        }
    }

    pub(super) fn quiet_is_over(&mut self) {
        if let Some(aftermath) = &mut self.aftermath {
            aftermath.quiet_over = true;
        }
    }

    /// How long the modem is to be left alone.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        match &self.aftermath {
            Some(a) if !a.quiet_over && !a.resolved => a.patient_until.since(now),
            _ => Duration::ZERO,
        }
    }

    /// The modem lost its power or restarted: no answer can come, its counter may start anew.
    pub(super) fn power_was_lost(&mut self) {
        self.last = None;
        self.doubt = None;
        self.skip_result = false;
        self.set_up_anew();
        if let Some(aftermath) = &mut self.aftermath {
            aftermath.powered = false;
        }
    }

    /// The set-up begins: `AT+CMMS` is lost.
    pub(super) fn set_up_anew(&mut self) {
        if self.link != LinkUse::Unsupported {
            self.link = LinkUse::Released;
        }
    }

    pub(super) fn link_set(&mut self, link: Link, error: Option<ErrorCode>) {
        self.link = match (link, error) {
            (_, Some(_)) => LinkUse::Unsupported,
            (Link::Keep, None) => LinkUse::Kept,
            (Link::Release, None) => LinkUse::Released,
        };
    }

    /// `AT+CMMS` was not answered.
    pub(super) fn link_lost(&mut self) {
        self.link = LinkUse::Unsupported;
    }

    /// Whether this final result belongs to an answer that was set aside.
    pub(super) fn skips_result(&mut self) -> bool {
        std::mem::take(&mut self.skip_result)
    }

    fn expected(&self) -> ExpectedReference {
        self.last.map_or(ExpectedReference::Unread, |last| ExpectedReference::Known(last.wrapping_add(1)))
    }
}

impl Engine {
    /// Whether a message can be submitted at this moment, and with which reference it is expected to go. Commit that
    /// with the row, then give [`super::Command::Submit`].
    pub fn ready_to_submit(&self) -> Option<ExpectedReference> {
        let submitting = self.in_flight.as_ref().is_some_and(|f| matches!(f.job, Job::Submit(_)));
        let ready = self.phase == Phase::Ready
            && !self.setup.needed
            && self.health.can_send()
            && self.sending.aftermath.is_none()
            && self.sending.paused.is_none()
            && self.sending.waiting.is_none()
            && !submitting;
        ready.then(|| self.sending.expected())
    }

    pub(super) fn quiet_window(&self) -> Duration {
        self.config.quiet.unwrap_or(self.profile.quiet)
    }

    pub(super) fn accept_submission(&mut self, submission: Submission) {
        if self.ready_to_submit().is_none() {
            self.refuse(submission.token);
            return;
        }
        self.sending.waiting = Some(submission);
    }

    /// The modem has gone; what was not given to it was not sent.
    pub(super) fn refuse_waiting_submission(&mut self) {
        if let Some(submission) = self.sending.waiting.take() {
            self.refuse(submission.token);
        }
    }

    fn refuse(&mut self, token: Token) {
        self.event(Event::Failed { token, class: FailureClass::Passing, cause: FailureCause::NotReady });
    }

    pub(super) fn resume(&mut self) {
        if self.sending.paused.take().is_some() {
            self.event(Event::Resumed);
        }
    }

    pub(super) fn next_submission_job(&mut self) -> Option<Job> {
        let submission = self.sending.waiting.take()?;
        if submission.more == MoreToSend::Yes && self.sending.link == LinkUse::Released {
            self.sending.waiting = Some(submission);
            return Some(Job::Link(Link::Keep));
        }
        Some(Job::Submit(submission))
    }

    pub(super) fn next_release_job(&mut self) -> Option<Job> {
        (self.sending.link == LinkUse::ToRelease).then_some(Job::Link(Link::Release))
    }

    /// Nothing that could be under way needs the modem to be left at its prompt: ^Z was not sent, or its quiet window
    /// has passed.
    pub(super) fn may_escape(&self) -> bool {
        let after_ctrl_z = self.in_flight.as_ref().is_some_and(|f| f.stage == Stage::Result);
        !after_ctrl_z && self.sending.aftermath.as_ref().is_none_or(|a| a.quiet_over)
    }

    pub(super) fn handle_prompt(&mut self) {
        let Some(now) = &mut self.in_flight else {
            self.leave_stray_prompt();
            return;
        };
        match (&now.job, now.stage) {
            (Job::Submit(_), Stage::Prompt) if self.setup.needed => {
                // The modem has forgotten its set-up: in text mode the length would be taken as a number to send to.
                self.finish(Outcome::Torn);
            }
            (Job::Submit(submission), Stage::Prompt) => {
                let mut octets = submission.hex.as_bytes().to_vec();
                octets.push(CTRL_Z);
                now.stage = Stage::Result;
                let wait = self.config.submit.unwrap_or(self.profile.submit);
                self.timers.set(Timer::Answer, self.now + wait);
                self.transmit(octets);
            }
            (_, Stage::Result) => {}
            (_, Stage::Answer | Stage::Prompt) => self.leave_stray_prompt(),
        }
    }

    /// A prompt that came too late: whatever follows would become a message's text.
    fn leave_stray_prompt(&mut self) {
        if self.may_escape() {
            self.transmit(vec![ESCAPE]);
        }
    }

    /// `+CMGS: reference`, on time, late, or of another.
    pub(super) fn reference_line(&mut self, values: &str) {
        let reference = at::reference(values);
        if let Some(now) = self.in_flight.as_mut().filter(|f| f.stage == Stage::Result) {
            match (reference, self.sending.doubt) {
                (None, _) => self.finish(Outcome::Torn),
                (Some(reference), Some(doubt)) if doubt.used && doubt.reference == Some(reference) => {
                    self.sending.skip_result = true;
                    self.sending.doubt = None;
                }
                (Some(_), _) => now.info.push(values.to_owned()),
            }
            return;
        }
        let Some(aftermath) = &mut self.sending.aftermath else { return };
        let (Some(reference), ExpectedReference::Known(expected)) = (reference, aftermath.expected) else { return };
        if reference == expected && !aftermath.quiet_over && !aftermath.resolved {
            aftermath.resolved = true;
            let token = aftermath.token;
            self.sending.last = Some(reference);
            self.event(Event::LateAccepted { token, reference });
        }
    }

    pub(super) fn submission_ended(&mut self, done: InFlight, outcome: Outcome) {
        let Job::Submit(submission) = done.job else { return };
        if submission.more == MoreToSend::No && self.sending.link == LinkUse::Kept {
            self.sending.link = LinkUse::ToRelease;
        }
        let skipped = std::mem::take(&mut self.sending.skip_result);
        if done.stage == Stage::Result {
            let answered = done.info.last().and_then(|values| at::reference(values));
            self.result_of(submission.token, outcome, answered, skipped);
        } else {
            self.ended_before_pdu(submission.token, outcome);
        }
    }

    /// The PDU was never given: the message was certainly not sent.
    fn ended_before_pdu(&mut self, token: Token, outcome: Outcome) {
        match outcome {
            Outcome::Error(code) => {
                let (cause, verdict) = self.verdict(code);
                let class = match verdict {
                    Verdict::Failed(class) => class,
                    Verdict::Ambiguous => FailureClass::Passing,
                };
                self.failed(token, class, cause);
            }
            Outcome::Restarted | Outcome::Closed => self.refuse(token),
            Outcome::Ok | Outcome::Torn | Outcome::TimedOut | Outcome::CallEnded => {
                self.failed(token, FailureClass::Passing, FailureCause::NoPrompt);
                self.transmit(vec![ESCAPE]);
                self.synchronise();
            }
        }
    }

    /// ^Z was sent.
    fn result_of(&mut self, token: Token, outcome: Outcome, answered: Option<u8>, skipped: bool) {
        let expected = self.sending.expected();
        let sure = answered.filter(|r| expected == ExpectedReference::Known(*r));
        match (outcome, answered) {
            (Outcome::Ok, Some(reference)) => self.accepted_unless_of_another(token, reference),
            (Outcome::Ok, None) | (Outcome::Error(_), Some(_)) => self.unknown(token, UnknownCause::TornAnswer),
            (Outcome::Error(code), None) => match self.verdict(code) {
                (_, _) if code == ErrorCode::Plain => self.unknown(token, UnknownCause::Error),
                (cause, Verdict::Failed(class)) => self.failed(token, class, cause),
                (FailureCause::Cms(code), Verdict::Ambiguous) => self.unknown(token, UnknownCause::Cms(code)),
                (FailureCause::Cme(code), Verdict::Ambiguous) => self.unknown(token, UnknownCause::Cme(code)),
                (_, Verdict::Ambiguous) => self.unknown(token, UnknownCause::Error),
            },
            (Outcome::Torn | Outcome::TimedOut | Outcome::Restarted | Outcome::Closed | Outcome::CallEnded, _) => {
                // The reference line had come whole and is the one that was expected; only OK is missing.
                if let Some(reference) = sure.filter(|_| self.sending.doubt.is_none_or(|d| d.used)) {
                    self.accepted(token, reference);
                    if matches!(outcome, Outcome::Torn | Outcome::TimedOut) {
                        self.synchronise();
                    }
                    return;
                }
                let cause = match outcome {
                    Outcome::TimedOut if skipped => UnknownCause::AnswerOfAnother,
                    Outcome::TimedOut => UnknownCause::NoAnswer,
                    Outcome::Restarted => UnknownCause::ModemRestarted,
                    Outcome::Closed => UnknownCause::PortClosed,
                    _ => UnknownCause::TornAnswer,
                };
                self.unknown(token, cause);
            }
        }
    }

    /// After an earlier submission fell silent, only the reference behind that one's is surely this one's: any other
    /// answer may be the earlier one's, late.
    fn accepted_unless_of_another(&mut self, token: Token, reference: u8) {
        match self.sending.doubt {
            Some(doubt) if !doubt.used && doubt.reference.map(|r| r.wrapping_add(1)) != Some(reference) => {
                self.sending.last = Some(reference);
                self.unknown(token, UnknownCause::AnswerOfAnother);
            }
            _ => self.accepted(token, reference),
        }
    }

    fn accepted(&mut self, token: Token, reference: u8) {
        self.sending.last = Some(reference);
        if let Some(doubt) = &mut self.sending.doubt {
            doubt.used = true;
        }
        // References come round after 256 messages.
        let far = |doubt: &Doubt| doubt.reference.is_none_or(|r| reference.wrapping_sub(r) >= MAX_OVERDUE);
        if self.sending.doubt.as_ref().is_some_and(far) {
            self.sending.doubt = None;
        }
        self.event(Event::Accepted { token, reference });
    }

    fn failed(&mut self, token: Token, class: FailureClass, cause: FailureCause) {
        self.event(Event::Failed { token, class, cause });
        match class {
            FailureClass::Subscription => {
                self.sending.paused = Some(cause);
                self.event(Event::Paused(PauseReason::Subscription(cause)));
            }
            FailureClass::Passing if cause == FailureCause::Cms(322) => {
                self.event(Event::StorageFull);
                self.inbound.want_scan();
            }
            FailureClass::Passing | FailureClass::Recipient | FailureClass::Message => {}
        }
    }

    fn unknown(&mut self, token: Token, cause: UnknownCause) {
        // Having answered something, the modem is in step: whatever is still to come comes within the window.
        let silent = matches!(cause, UnknownCause::NoAnswer | UnknownCause::TornAnswer);
        let patient = silent || cause == UnknownCause::AnswerOfAnother;
        let window = self.quiet_window();
        let expected = self.sending.expected();
        self.sending.doubt = None;
        self.sending.aftermath = Some(Aftermath {
            token,
            expected,
            silent,
            patient_until: if patient { self.now + window / 2 } else { self.now },
            powered: !matches!(cause, UnknownCause::ModemRestarted | UnknownCause::PortClosed),
            quiet_over: false,
            resolved: false,
            checked: false,
        });
        self.timers.set(Timer::Quiet, self.now + window);
        self.event(Event::Unknown { token, cause });
        if !matches!(cause, UnknownCause::ModemRestarted | UnknownCause::PortClosed) {
            self.synchronise();
        }
    }

    fn verdict(&self, code: ErrorCode) -> (FailureCause, Verdict) {
        match code {
            ErrorCode::Plain => (FailureCause::Error, Verdict::Ambiguous),
            ErrorCode::Cms(code) => (FailureCause::Cms(code), failure::cms(code, self.profile)),
            ErrorCode::Cme(code) => (FailureCause::Cme(code), failure::cme(code)),
        }
    }

    /// Ends the aftermath when the quiet window is over, after a look at EF_SMSS. That the port answers is known here:
    /// every unknown outcome leaves the phase `Ready`, and only getting into step leads back to it.
    pub(super) fn next_check_job(&mut self) -> Option<Job> {
        let aftermath = self.sending.aftermath.as_mut()?;
        if !aftermath.quiet_over && !aftermath.resolved {
            return None;
        }
        let known = matches!(aftermath.expected, ExpectedReference::Known(_));
        if known && !aftermath.resolved && !std::mem::replace(&mut aftermath.checked, true) {
            return Some(Job::LastReference);
        }
        self.end_aftermath(None);
        None
    }

    fn end_aftermath(&mut self, verdict: Option<ReferenceMove>) {
        let Some(aftermath) = self.sending.aftermath.take() else { return };
        self.timers.clear(Timer::Quiet);
        if let Some(reference) = verdict {
            self.event(Event::ReferenceCheck { token: aftermath.token, reference });
        }
        let silent = aftermath.silent && aftermath.powered && !aftermath.resolved;
        let reference = match aftermath.expected {
            ExpectedReference::Known(reference) => Some(reference),
            ExpectedReference::Unread => None,
        };
        let used = verdict == Some(ReferenceMove::Moved);
        let doubtful = silent && verdict != Some(ReferenceMove::NotMoved);
        self.sending.doubt = doubtful.then_some(Doubt { reference, used });
    }

    /// EF_SMSS was read: at a set-up, or to check an unknown submission.
    pub(super) fn last_reference_read(&mut self, data: Option<Vec<u8>>) {
        let read = data.and_then(|d| d.first().copied());
        let checking = self.sending.aftermath.as_ref().filter(|a| a.checked);
        if let Some(aftermath) = checking {
            let writes = self.config.last_reference.unwrap_or(self.profile.last_reference);
            let proven = writes == LastReference::Proven && aftermath.powered;
            let verdict = match (read, aftermath.expected) {
                (Some(read), ExpectedReference::Known(expected)) if read == expected => Some(ReferenceMove::Moved),
                (Some(read), ExpectedReference::Known(expected)) if proven && read.wrapping_add(1) == expected => {
                    Some(ReferenceMove::NotMoved)
                }
                _ => None,
            };
            if verdict == Some(ReferenceMove::Moved) {
                self.sending.last = read;
            }
            self.end_aftermath(verdict);
            return;
        }
        let Some(reference) = read else { return };
        if self.sending.last.is_none() {
            self.sending.last = Some(reference);
        }
        self.event(Event::LastReference { reference });
    }

    /// The check of EF_SMSS was not answered.
    pub(super) fn check_lost(&mut self) {
        if self.sending.aftermath.as_ref().is_some_and(|a| a.checked) {
            self.end_aftermath(None);
        }
    }

    /// The SIM is usable again after it was not: an earlier pause may be over.
    pub(super) fn sim_came_back(&mut self) {
        self.sending.paused = None;
    }
}
