//! What a printer tells back: real-time status (`DLE EOT`), automatic status back (`GS a`) and process ids
//! (`GS ( H` function 48), told apart octet by octet as Epson's reference describes ("Transmission status
//! identification"):
//!
//! | sent by | bits 7 to 0 |
//! |---|---|
//! | `DLE EOT` | `0xx1xx10` |
//! | automatic status, first octet | `0xx1xx00` |
//! | automatic status, the other three | `0xx0xxxx` |
//! | XON, XOFF | `00010001`, `00010011` |
//! | process id | 37h 22h, four octets 20h to 7Eh, 00h |
//!
//! An answer to `DLE EOT` does not say which question it answers: the reader is told what was asked, and printers
//! answer in order.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::profile::DrawerSensor;

/// What can be asked by `DLE EOT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// n = 1: online or not, and the drawer.
    Printer,
    /// n = 2: why it is offline.
    OfflineCause,
    /// n = 3: which error.
    ErrorCause,
    /// n = 4: the paper sensors.
    Paper,
}

impl Query {
    /// All queries in the order in which they are asked.
    pub const ALL: [Self; 4] = [Self::Printer, Self::OfflineCause, Self::ErrorCause, Self::Paper];

    /// `DLE EOT n`.
    pub const fn request(self) -> [u8; 3] {
        let n = match self {
            Self::Printer => 1,
            Self::OfflineCause => 2,
            Self::ErrorCause => 3,
            Self::Paper => 4,
        };
        [0x10, 0x04, n]
    }
}

/// `GS ( H` function 48: the printer sends `id` back when all before this is printed; `None` unless each octet of `id`
/// is 32 to 126.
pub fn process_id_request(id: [u8; 4]) -> Option<[u8; 11]> {
    let [a, b, c, d] = id;
    id.iter().all(|octet| is_id(*octet)).then_some([0x1D, b'(', b'H', 6, 0, 48, 48, a, b, c, d])
}

/// One thing that a printer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `DLE EOT`.
    Status {
        /// What was asked.
        query: Query,
        /// The octet.
        bits: u8,
    },
    /// Automatic status back, unasked.
    Automatic([u8; 4]),
    /// All before this process id is printed.
    ProcessId([u8; 4]),
    /// The printer takes octets again.
    Xon,
    /// The printer takes no more octets.
    Xoff,
}

/// How a printer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// It prints what it gets.
    pub online: bool,
    /// Its cover is open.
    pub cover_open: bool,
    /// Its paper.
    pub paper: Paper,
    /// What stops it.
    pub error: Option<Fault>,
    /// The drawer is open.
    pub drawer_open: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self { online: true, cover_open: false, paper: Paper::Ok, error: None, drawer_open: false }
    }
}

/// The roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Enough.
    Ok,
    /// Near its end.
    Low,
    /// None.
    Out,
}

/// What stops a printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Ends by itself: a hot print head, an open cover on some models.
    Recoverable,
    /// Ends when it is switched off and on, or repaired.
    Unrecoverable,
    /// The knife is stuck.
    Cutter,
}

impl Status {
    /// Takes over what an answer tells. Answers to [`Query::ErrorCause`] decide about `error`; a later
    /// [`Query::OfflineCause`] adds that there is one that no cause was given for.
    pub fn apply(&mut self, answer: Answer, sensor: DrawerSensor) {
        match answer {
            Answer::Status { query: Query::Printer, bits } => {
                self.drawer_open = is_open(bits, sensor);
                self.online = bits & 0x08 == 0;
            }
            Answer::Status { query: Query::OfflineCause, bits } => {
                self.cover_open = bits & 0x04 != 0;
                self.error = (bits & 0x40 != 0).then_some(self.error.unwrap_or(Fault::Recoverable));
                self.take_paper(bits & 0x20 != 0, self.paper == Paper::Low);
            }
            Answer::Status { query: Query::ErrorCause, bits } => {
                // Bit 2 is a recoverable error on models that report it; bit 6 one that ends by itself.
                self.error = fault(bits & 0x08 != 0, bits & 0x20 != 0, bits & 0x44 != 0).or(self.error);
            }
            Answer::Status { query: Query::Paper, bits } => self.take_paper(bits & 0x60 != 0, bits & 0x0C != 0),
            Answer::Automatic([first, second, third, _]) => {
                self.drawer_open = is_open(first, sensor);
                self.online = first & 0x08 == 0;
                self.cover_open = first & 0x20 != 0;
                self.error = fault(second & 0x08 != 0, second & 0x20 != 0, second & 0x44 != 0);
                self.take_paper(third & 0x0C != 0, third & 0x03 != 0);
            }
            Answer::ProcessId(_) | Answer::Xon | Answer::Xoff => {}
        }
    }

    fn take_paper(&mut self, out: bool, low: bool) {
        self.paper = match (out, low) {
            (true, _) => Paper::Out,
            (false, true) => Paper::Low,
            (false, false) => Paper::Ok,
        };
    }
}

/// Bit 2 is the level of the drawer socket's pin 3.
fn is_open(bits: u8, sensor: DrawerSensor) -> bool {
    let high = bits & 0x04 != 0;
    match sensor {
        DrawerSensor::HighIsOpen => high,
        DrawerSensor::LowIsOpen => !high,
    }
}

fn fault(cutter: bool, unrecoverable: bool, recoverable: bool) -> Option<Fault> {
    match (cutter, unrecoverable, recoverable) {
        (_, true, _) => Some(Fault::Unrecoverable),
        (true, false, _) => Some(Fault::Cutter),
        (false, false, true) => Some(Fault::Recoverable),
        (false, false, false) => None,
    }
}

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;
const ID_HEADER: u8 = 0x37;
const ID_IDENTIFIER: u8 = 0x22;
/// Header, identifier, four octets of id, NUL.
const ID_OCTETS: usize = 7;
const AUTOMATIC_OCTETS: usize = 4;
/// Questions without an answer that are remembered; the oldest is forgotten.
const MOST_ASKED: usize = 16;

/// Turns a printer's octets into answers, in any split.
#[derive(Clone, Debug, Default)]
pub struct StatusReader {
    asked: VecDeque<Query>,
    /// The beginning of an answer of several octets.
    begun: Vec<u8>,
    dropped: u64,
}

impl StatusReader {
    /// Notes that a query was sent.
    pub fn asked(&mut self, query: Query) {
        if self.asked.len() == MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(query);
    }

    /// Forgets the questions that have no answer yet: the printer is silent, or is asked anew.
    pub fn forget(&mut self) {
        self.asked.clear();
    }

    /// Forgets the questions and the beginning of an answer: the port is another one.
    pub fn reset(&mut self) {
        self.asked.clear();
        self.begun.clear();
    }

    /// Octets so far that belong to no answer: line noise, or answers to nothing that was asked.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes octets and gives the answers that they complete.
    pub fn push(&mut self, octets: &[u8]) -> Vec<Answer> {
        octets.iter().flat_map(|octet| self.octet(*octet)).collect()
    }

    fn octet(&mut self, octet: u8) -> Vec<Answer> {
        // Flow control may come anywhere and is no part of any answer.
        match octet {
            XON => return vec![Answer::Xon],
            XOFF => return vec![Answer::Xoff],
            _ => self.begun.push(octet),
        }
        let mut answers = Vec::new();
        while !self.begun.is_empty() {
            match self.begun() {
                Begun::More => break,
                Begun::Whole(answer, octets) => {
                    answers.push(answer);
                    self.begun.drain(..octets);
                }
                // The first octet began nothing after all; the ones behind it may.
                Begun::Nothing => {
                    self.dropped += 1;
                    self.begun.remove(0);
                }
            }
        }
        answers
    }

    /// What the octets so far are. They are few: each was looked at when it came.
    fn begun(&mut self) -> Begun {
        match *self.begun.as_slice() {
            [first, ..] if first == ID_HEADER => id(&self.begun),
            [first, ref rest @ ..] if first & 0x93 == 0x10 => {
                if rest.iter().any(|octet| octet & 0x90 != 0) {
                    return Begun::Nothing;
                }
                let whole: Result<[u8; AUTOMATIC_OCTETS], _> = self.begun.as_slice().try_into();
                whole.map_or(Begun::More, |octets| Begun::Whole(Answer::Automatic(octets), AUTOMATIC_OCTETS))
            }
            [bits, ..] if bits & 0x93 == 0x12 => match self.asked.pop_front() {
                Some(query) => Begun::Whole(Answer::Status { query, bits }, 1),
                None => Begun::Nothing,
            },
            _ => Begun::Nothing,
        }
    }
}

enum Begun {
    More,
    /// With the octets that it takes.
    Whole(Answer, usize),
    Nothing,
}

fn id(octets: &[u8]) -> Begun {
    let fits = |(place, octet): (usize, &u8)| match place {
        0 => true,
        1 => *octet == ID_IDENTIFIER,
        2..=5 => is_id(*octet),
        _ => *octet == 0,
    };
    if !octets.iter().enumerate().all(fits) {
        return Begun::Nothing;
    }
    match *octets {
        [_, _, a, b, c, d, _] if octets.len() == ID_OCTETS => Begun::Whole(Answer::ProcessId([a, b, c, d]), ID_OCTETS),
        _ => Begun::More,
    }
}

const fn is_id(octet: u8) -> bool {
    matches!(octet, 32..=126)
}
