//! What the modem says: answers with their delays and faults, and unsolicited codes.

use serde_json::json;

use super::fault::{self, Kind, Stage};
use super::modem::{End, HELD_CODES, Job, Mode, Modem, Output, Power};

impl Modem {
    /// Lets the faults of `stage` strike; tells whether the command ends there.
    pub(super) fn struck_before(&mut self, line: &str, stage: Stage, applies: bool) -> bool {
        if !applies {
            return false;
        }
        let Some(kind) = fault::strike(&mut self.faults, stage, line).into_iter().next() else { return false };
        self.event("fault", json!({"kind": kind, "line": line}));
        match kind {
            Kind::Reboot { .. } => self.reboot(),
            Kind::Hang { .. } => self.hang(),
            Kind::CmsError { code, .. } => self.answer(line, &[], &End::Cms(code)),
            Kind::CmeError { code } => self.answer(line, &[], &End::Cme(code)),
            Kind::Error { .. } => self.answer(line, &[], &End::Error),
            Kind::Echo {} => {
                self.settings.echo = true;
                return false;
            }
            Kind::LostAnswer {}
            | Kind::LateAnswer { .. }
            | Kind::UrcBetween { .. }
            | Kind::TornLine { .. }
            | Kind::NoPrompt {}
            | Kind::Garbage { .. } => return false,
        }
        true
    }

    /// Answers a command line, with its delay and the faults that concern answers.
    pub(super) fn answer(&mut self, line: &str, blocks: &[String], end: &End) {
        let mut segments: Vec<Vec<u8>> = Vec::new();
        for block in blocks {
            for (n, text) in block.split("\r\n").enumerate() {
                segments.push(format!("{}{text}\r\n", if n == 0 { "\r\n" } else { "" }).into_bytes());
            }
        }
        segments.push(format!("\r\n{}\r\n", self.end_text(end)).into_bytes());
        let mut delay_ms = self.delay_of(line);
        let mut beside = false;
        for kind in fault::strike(&mut self.faults, Stage::Answer, line) {
            self.event("fault", json!({"kind": kind, "line": line}));
            match kind {
                Kind::LostAnswer {} => segments.clear(),
                Kind::LateAnswer { ms, meanwhile } => {
                    delay_ms += ms;
                    beside = meanwhile == fault::Meanwhile::Answer;
                }
                Kind::UrcBetween { line, text } => {
                    segments.insert(line.min(segments.len()), format!("\r\n{text}\r\n").into_bytes());
                }
                Kind::TornLine { line, keep } => tear(&mut segments, line, keep),
                Kind::Garbage { hex } => segments.insert(0, super::pdu::unhex(&hex).unwrap_or_default()),
                _ => {}
            }
        }
        self.deliver_answer(segments.concat(), delay_ms, beside);
    }

    fn deliver_answer(&mut self, octets: Vec<u8>, delay_ms: u64, beside: bool) {
        if beside {
            self.busy = false;
            self.plan(delay_ms, Job::Late(octets));
            self.flush_codes();
        } else if delay_ms > 0 {
            self.busy = true;
            self.plan(delay_ms, Job::Answer(octets));
        } else {
            self.busy = false;
            self.emit(octets);
            self.flush_codes();
        }
    }

    fn delay_of(&self, line: &str) -> u64 {
        let line = line.to_ascii_uppercase();
        let fitting = self.config.command_ms.iter().filter(|(prefix, _)| line.starts_with(prefix.as_str()));
        fitting.max_by_key(|(prefix, _)| prefix.len()).map_or(0, |(_, ms)| *ms)
    }

    fn end_text(&self, end: &End) -> String {
        match (end, self.settings.cmee) {
            (End::Ok, _) => "OK".into(),
            (End::Error, _) | (End::Cme(_), 0) => "ERROR".into(),
            (End::Cme(code), 1) => format!("+CME ERROR: {code}"),
            (End::Cme(code), _) => format!("+CME ERROR: {}", super::at_general::cme_text(*code)),
            (End::NoCarrier, _) => "NO CARRIER".into(),
            (End::Cms(code), _) => format!("+CMS ERROR: {code}"),
        }
    }

    /// Says an unsolicited code, after the running command's answer if there is one.
    pub(super) fn urc(&mut self, text: &str) {
        if self.power != Power::On {
            return;
        }
        if self.busy || matches!(self.mode, Mode::Prompt { .. }) {
            self.held_codes.push_back(text.to_owned());
            if self.held_codes.len() > HELD_CODES {
                self.held_codes.pop_front();
            }
            return;
        }
        self.emit(format!("\r\n{text}\r\n").into_bytes());
    }

    pub(super) fn flush_codes(&mut self) {
        if self.busy || matches!(self.mode, Mode::Prompt { .. }) {
            return;
        }
        while let Some(text) = self.held_codes.pop_front() {
            self.emit(format!("\r\n{text}\r\n").into_bytes());
        }
    }

    pub(super) fn emit(&mut self, octets: Vec<u8>) {
        if octets.is_empty() || !matches!(self.power, Power::On) {
            return;
        }
        self.log.trace(self.since_start(), "out", &octets);
        // Echo comes octet by octet; one write serves a run of it.
        if let Some(Output::Port(last)) = self.outputs.back_mut() {
            last.extend(octets);
        } else {
            self.outputs.push_back(Output::Port(octets));
        }
    }
}

fn tear(segments: &mut Vec<Vec<u8>>, line: usize, keep: usize) {
    segments.truncate(line + 1);
    if let Some(segment) = segments.get_mut(line) {
        let lead = if segment.starts_with(b"\r\n") { 2 } else { 0 };
        segment.truncate(lead + keep);
    }
}
