//! What a line means at this moment: the answer of the command in flight, a notice of the modem, or noise.

use super::job::{Domain, Job};
use super::{Engine, Event, Outcome, Phase, Stage, Timer};
use crate::at::{self, Line, Token};

impl Engine {
    pub(super) fn handle_token(&mut self, token: Token) {
        match token {
            Token::Prompt => self.handle_prompt(),
            Token::Garbled => self.torn(),
            Token::Line(line) => self.handle_line(&line),
        }
    }

    fn handle_line(&mut self, line: &str) {
        if self.is_echo(line) {
            return;
        }
        match at::classify(line) {
            Line::Ok => self.final_result(Outcome::Ok),
            Line::Error(code) => self.final_result(Outcome::Error(code)),
            Line::Restart => self.restarted(),
            Line::Started => self.part_started(),
            Line::StorageFull => self.storage_full(),
            Line::Call(word) => self.call_word(word),
            Line::Aside => {}
            Line::Named { name, values } => self.named_line(name, values, line),
            Line::Hex(hex) if self.inbound.expects_pdu() => self.pdu_line(hex),
            Line::Hex(text) | Line::Other(text) => self.other_line(text),
        }
    }

    /// An echo is dropped; after `ATE0` it means that the modem has forgotten it, and with it everything else.
    fn is_echo(&mut self, line: &str) -> bool {
        let Some(now) = &self.in_flight else { return false };
        let pdu = matches!(&now.job, Job::Submit(s) if now.stage == Stage::Result && line == s.hex.as_str());
        if line != now.echo && !pdu {
            return false;
        }
        if !matches!(self.phase, Phase::Syncing(_)) {
            self.setup.needed = true;
        }
        true
    }

    fn final_result(&mut self, outcome: Outcome) {
        if self.in_flight.is_none() {
            // The end of something given up before; the drain lets it pass.
            return;
        }
        if self.sending.skips_result() {
            return;
        }
        self.finish(outcome);
    }

    fn named_line(&mut self, name: &str, values: &str, line: &str) {
        if name == "+CMGS" {
            self.reference_line(values);
            return;
        }
        if self.take_answer(name, values) {
            return;
        }
        if self.call_notice(name, values) {
            return;
        }
        self.notice(name, values);
        // "+CMTI" and the like stand for themselves; unknown names are the modem's own affair.
        if self.in_flight.as_ref().is_some_and(|f| f.job.takes_free_text()) && !known_notice(name) {
            self.free_text(line);
        }
    }

    /// Whether the line belongs to the command in flight.
    fn take_answer(&mut self, name: &str, values: &str) -> bool {
        let Some(now) = &mut self.in_flight else { return false };
        if now.job.answer(self.profile) != Some(name) {
            return false;
        }
        let good = match &now.job {
            Job::List(storage) => match at::cmgl_header(values) {
                Some(header) => self.inbound.list_header(storage, header),
                None => false,
            },
            Job::Read(place) => match at::cmgr_length(values) {
                Some(length) => self.inbound.read_header(place, length),
                None => false,
            },
            Job::Registration(_) if at::registration_answer(values).is_none() => {
                // A notice in between; a torn one is no answer either.
                return false;
            }
            _ => true,
        };
        if good {
            now.info.push(values.to_owned());
        } else {
            self.torn();
        }
        true
    }

    fn notice(&mut self, name: &str, values: &str) {
        match name {
            "+CMTI" | "+CDSI" => match at::new_message_place(values) {
                Some((storage, index)) => self.inbound.announced(storage, index),
                None => self.inbound.want_scan(),
            },
            "+CMT" | "+CDS" => match at::direct_length(values) {
                Some(length) => self.inbound.direct_header(length),
                None => self.inbound.want_scan(),
            },
            "+CREG" => self.registration_notice(Domain::Circuit, values),
            "+CEREG" => self.registration_notice(Domain::Eps, values),
            "+CTZV" | "+CTZE" | "*PSUTTZ" | "+QNITZ" => self.health.want_clock(),
            "+CPIN" => self.sim_notice(values),
            _ => {}
        }
    }

    fn pdu_line(&mut self, hex: &str) {
        match self.inbound.pdu(hex, self.now) {
            super::inbound::PduLine::Announce(event) => self.outputs.push_back(super::Output::Event(event)),
            super::inbound::PduLine::Taken => {}
            super::inbound::PduLine::Torn => self.torn(),
        }
    }

    fn other_line(&mut self, line: &str) {
        match &self.in_flight {
            Some(now) if now.job.takes_free_text() => self.free_text(line),
            Some(_) => self.torn(),
            None => {}
        }
    }

    fn free_text(&mut self, line: &str) {
        if let Some(now) = &mut self.in_flight {
            now.info.push(line.to_owned());
        }
    }

    /// A line that belongs nowhere ends the command in flight: what it was nobody can tell.
    fn torn(&mut self) {
        self.finish(Outcome::Torn);
    }

    /// The modem has started or is going down: nothing that was set holds any more.
    fn restarted(&mut self) {
        self.finish(Outcome::Restarted);
        self.refuse_waiting_submission();
        self.sending.power_was_lost();
        self.inbound.forget();
        self.calls_lost();
        self.forget_health();
        self.setup.needed = true;
        self.timers.clear(Timer::Recovery);
        self.synchronise();
    }

    /// A part of the modem has started. In the middle of a start this is the tail of it, and the set-up need not wait
    /// longer; later it means that the modem has started unseen.
    fn part_started(&mut self) {
        match self.phase {
            Phase::Ready => self.setup.needed = true,
            Phase::Waiting => self.timers.set(Timer::Retry, self.now),
            Phase::Recovering => {
                self.timers.clear(Timer::Recovery);
                self.setup.needed = true;
                self.synchronise();
            }
            Phase::Closed | Phase::Syncing(_) | Phase::SettingUp => {}
        }
    }

    fn sim_notice(&mut self, values: &str) {
        match values {
            "READY" => self.part_started(),
            _ => self.health.want_all(),
        }
    }

    fn storage_full(&mut self) {
        self.event(Event::StorageFull);
        self.inbound.want_scan();
    }
}

/// Notices that can come at any time, between the lines of free text too.
fn known_notice(name: &str) -> bool {
    matches!(
        name,
        "+CMTI"
            | "+CDSI"
            | "+CMT"
            | "+CDS"
            | "+CREG"
            | "+CEREG"
            | "+CGREG"
            | "+CTZV"
            | "+CTZE"
            | "+CPIN"
            | "+QIND"
            | "+CIEV"
            | "+CUSD"
            | "*PSUTTZ"
            | "+QNITZ"
    ) || name.starts_with('^')
}
