//! The printer without wires: octets in, paper and answers out.
//!
//! It knows no time: a caller that wants a pace gives [`Interpreter::run`] as many lines as are due. It never panics
//! on any octets, and everything that it keeps has a bound.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result};
use serde::Serialize;

use super::command::{Body, Head};
use super::head::{HEAD_OCTETS, head};
use super::printing::Printing;
use super::real_time::Watcher;
use super::slip::Slip;
use super::status::{Condition, Paper};

/// Octets that wait to be printed; a full buffer takes no more until some were.
pub const BUFFER_OCTETS: usize = 64 * 1024;
/// Octets of one command's data that are kept, a picture of 1.8 m; what is beyond is left out of it.
const BODY_OCTETS: usize = 1024 * 1024;
/// Octets up to a NUL: the most of GS k, function A.
const TO_NUL_OCTETS: usize = 255;
/// Answers that wait to be taken; printing waits for the taker, and real-time answers beyond twice as many are lost.
const ANSWER_OCTETS: usize = 4_096;
/// Slips that wait to be taken; printing waits for the taker.
const SLIPS_WAITING: usize = 8;

/// What a model has.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// Dots across: 384 on 58 mm, 576 on 80 mm.
    pub dots: usize,
    /// Whether it knows GS ( H, the answer when something has been printed.
    pub process_id: bool,
    /// Whether it answers DLE EOT, GS a, GS r and GS I; the cheapest ones do not.
    pub status: bool,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Octets to the host.
    Answer(Vec<u8>),
    /// A slip came off.
    Slip(Box<Slip>),
}

/// Why [`Interpreter::run`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing can be done before octets come or a state changes.
    Waiting,
    /// The lines are used up, or outputs wait to be taken: there may be more to do.
    More,
}

/// Counters, in the control port's words.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counters {
    /// Octets taken.
    pub octets: u64,
    /// Lines fed.
    pub lines: u64,
    /// Commands that this printer does not know.
    pub unknown_commands: u64,
    /// The same by their octets, in hexadecimal digits.
    pub unknown: BTreeMap<String, u64>,
    /// Octets of answers that nobody took in time.
    pub answers_lost: u64,
    /// Answered process ids, the newest last.
    pub process_ids: VecDeque<String>,
    /// Drawer pulses by connector 0 and 1.
    pub pulses: [u64; 2],
}

/// A command whose data is still coming.
#[derive(Debug)]
struct Gathering {
    body: Body,
    /// Octets that are missing; for data up to a NUL the most that may come.
    left: u32,
    to_nul: bool,
    kept: Vec<u8>,
}

/// The printer.
#[derive(Debug)]
pub struct Interpreter {
    pub(super) model: Model,
    pub(super) condition: Condition,
    powered: bool,
    silent: bool,
    /// Lines until the paper ends.
    lines_left: Option<u32>,
    pub(super) buffer: VecDeque<u8>,
    watcher: Watcher,
    gathering: Option<Gathering>,
    pub(super) printing: Printing,
    /// The n of GS a.
    pub(super) status_back: u8,
    answers: Vec<u8>,
    slips: VecDeque<Slip>,
    pub(super) since_slip: Slip,
    pub(super) counters: Counters,
}

impl Interpreter {
    /// Switches a printer on.
    ///
    /// # Errors
    /// When the embedded typeface can't be read.
    pub fn new(model: Model) -> Result<Self> {
        Ok(Self {
            model,
            condition: Condition::default(),
            powered: true,
            silent: false,
            lines_left: None,
            buffer: VecDeque::new(),
            watcher: Watcher::default(),
            gathering: None,
            printing: Printing::new(model.dots).context("reading the printer's typeface")?,
            status_back: 0,
            answers: Vec::new(),
            slips: VecDeque::new(),
            since_slip: Slip::default(),
            counters: Counters::default(),
        })
    }

    /// Sensors and switches.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What was asked for that the reference does not allow, in words, each once.
    pub fn remarks(&self) -> &[String] {
        self.printing.remarks()
    }

    /// Tells whether answers are switched off.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Octets that wait to be printed.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Takes octets as far as there is room and returns how many; real-time commands in them are obeyed at once.
    pub fn handle_octets(&mut self, octets: &[u8]) -> usize {
        if !self.powered {
            return 0;
        }
        let mut taken = 0;
        for &octet in octets {
            if self.buffer.len() >= BUFFER_OCTETS {
                break;
            }
            self.buffer.push_back(octet);
            taken += 1;
            if let Some(command) = self.watcher.take(octet) {
                self.real_time(command);
            }
        }
        self.counters.octets += taken as u64;
        taken
    }

    /// Changes sensors and switches; status that is due by itself goes out.
    pub fn handle_condition(&mut self, change: impl FnOnce(&mut Condition)) {
        let before = self.condition;
        change(&mut self.condition);
        if self.powered && self.condition.differs(&before, self.status_back) {
            let status = self.condition.status_back();
            self.answer(&status);
        }
    }

    /// Lets the paper end after so many more lines, or not at all.
    pub fn handle_paper_left(&mut self, lines: Option<u32>) {
        self.lines_left = lines;
        self.end_paper_when_due();
    }

    /// Switches answers off or on; what is printed stays the same.
    pub fn handle_silence(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// Switches the printer; off, everything that was not printed is lost, and so are settings and errors.
    pub fn handle_power(&mut self, on: bool) {
        self.powered = on;
        self.clear_buffers();
        self.watcher = Watcher::default();
        self.printing.initialize();
        self.answers.clear();
        self.status_back = 0;
        self.condition.error = None;
    }

    /// Tears the paper off by hand.
    pub fn handle_tear(&mut self) {
        self.printing.tear();
        self.collect_slips();
    }

    /// Prints what has come, at most `lines` lines (and the rest of the command that reaches them).
    pub fn run(&mut self, lines: u32) -> Progress {
        let mut left = lines;
        loop {
            if !self.powered || !self.condition.is_online() {
                return Progress::Waiting;
            }
            if left == 0 || self.answers.len() >= ANSWER_OCTETS || self.slips.len() >= SLIPS_WAITING {
                return Progress::More;
            }
            if !self.step() {
                return Progress::Waiting;
            }
            let fed = self.printing.take_lines();
            self.counters.lines += u64::from(fed);
            left = left.saturating_sub(fed);
            self.lines_left = self.lines_left.map(|lines| lines.saturating_sub(fed));
            self.end_paper_when_due();
            self.collect_slips();
        }
    }

    /// Takes the next output.
    pub fn poll_output(&mut self) -> Option<Output> {
        if !self.answers.is_empty() {
            return Some(Output::Answer(std::mem::take(&mut self.answers)));
        }
        self.slips.pop_front().map(|slip| Output::Slip(Box::new(slip)))
    }

    fn end_paper_when_due(&mut self) {
        if self.lines_left == Some(0) {
            self.lines_left = None;
            self.handle_condition(|condition| condition.paper = Paper::Out);
        }
    }

    fn collect_slips(&mut self) {
        for slip in self.printing.take_slips() {
            let since = std::mem::take(&mut self.since_slip);
            self.slips.push_back(Slip { process_ids: since.process_ids, pulses: since.pulses, ..slip });
        }
    }

    pub(super) fn clear_buffers(&mut self) {
        self.buffer.clear();
        self.gathering = None;
        self.printing.clear_line();
    }

    /// Carries out one command, or takes what there is of its data; false when more octets are needed.
    fn step(&mut self) -> bool {
        if let Some(gathering) = self.gathering.take() {
            return self.gather(gathering);
        }
        let front: Vec<u8> = self.buffer.iter().take(HEAD_OCTETS).copied().collect();
        match head(&front, self.printing.line_is_empty()) {
            Head::More => return false,
            Head::Whole(command, used) => {
                self.buffer.drain(..used);
                self.command(command);
            }
            Head::Counted { body, used, length } => {
                self.buffer.drain(..used);
                self.gathering = Some(Gathering { body, left: length, to_nul: false, kept: Vec::new() });
            }
            Head::ToNul { body, used } => {
                self.buffer.drain(..used);
                let left = u32::try_from(TO_NUL_OCTETS).unwrap_or(u32::MAX);
                self.gathering = Some(Gathering { body, left, to_nul: true, kept: Vec::new() });
            }
            Head::Unknown(used) => {
                self.buffer.drain(..used);
                self.unknown(&front[..used]);
            }
        }
        true
    }

    /// Takes data until the command is whole; then it is carried out.
    fn gather(&mut self, mut gathering: Gathering) -> bool {
        let mut ended = gathering.left == 0;
        while !ended {
            let Some(octet) = self.buffer.pop_front() else {
                self.gathering = Some(gathering);
                return false;
            };
            gathering.left -= 1;
            let nul = gathering.to_nul && octet == 0;
            if !nul && gathering.kept.len() < BODY_OCTETS {
                gathering.kept.push(octet);
            }
            ended = nul || gathering.left == 0;
        }
        self.body(gathering.body, gathering.kept);
        true
    }

    pub(super) fn answer(&mut self, octets: &[u8]) {
        if self.silent {
            return;
        }
        if self.answers.len() + octets.len() > 2 * ANSWER_OCTETS {
            self.counters.answers_lost += octets.len() as u64;
            return;
        }
        self.answers.extend_from_slice(octets);
    }
}
