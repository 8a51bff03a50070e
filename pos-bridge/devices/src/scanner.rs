//! A serial scanner's octets become reads: framed by prefix and suffix, decoded, freed of the AIM identifier
//! (ISO/IEC 15424) and proved by the check digit where the code has one.
//!
//! A read is passed on whole or not at all: what was cut off, disturbed or too long is told as [`Read::Dropped`], so
//! that the till can ask for the code again instead of acting on half of it. Octets come in any split; time comes in as
//! an argument, and [`Scanner::next_timeout`] says when silence ends a read.

mod symbology;
#[cfg(test)]
mod tests;

use std::time::Duration;

use sans_io::Instant;

pub use symbology::Symbology;

/// How a scanner is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Octets before each read, at most [`MOST_FRAME`]; empty for none.
    pub prefix: Vec<u8>,
    /// What ends a read.
    pub suffix: Suffix,
    /// How octets become characters.
    pub charset: Charset,
    /// Silence that ends a read without a suffix.
    pub idle: Duration,
    /// Silence after which a read whose suffix is missing is half a read.
    pub half_after: Duration,
    /// Most octets between prefix and suffix; held to 1 to [`MOST_OCTETS`].
    pub longest: usize,
    /// AIM identifiers.
    pub aim: Aim,
    /// The same read again within this time after the last one counts once; zero: each counts.
    pub repeat: Duration,
}

/// Most octets of a prefix or suffix; the octets beyond are left out.
pub const MOST_FRAME: usize = 8;
/// Most octets that a read can be allowed.
pub const MOST_OCTETS: usize = 4_096;

impl Default for Config {
    fn default() -> Self {
        Self {
            prefix: Vec::new(),
            suffix: Suffix::LineEnd,
            charset: Charset::Utf8,
            idle: Duration::from_millis(80),
            half_after: Duration::from_millis(300),
            longest: 256,
            aim: Aim::Auto,
            repeat: Duration::ZERO,
        }
    }
}

/// What ends a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suffix {
    /// CR, LF, both, or TAB: what scanners send from the factory.
    LineEnd,
    /// These octets, for example ETX; none are the same as `None`.
    Octets(Vec<u8>),
    /// Silence.
    None,
}

/// How octets become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8; other octets spoil the read.
    Utf8,
    /// UTF-8, and ISO 8859-1 where the octets are none.
    Utf8OrLatin1,
}

/// Whether reads begin with AIM identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Never: `]` is text.
    Off,
    /// Identifiers of known symbologies are cut off; other text with `]` in front stays.
    Auto,
    /// Each read has one; that of an unknown symbology is cut off too.
    On,
}

/// What a scanner gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A code.
    Scan {
        /// Its text without AIM identifier; never empty, and without control characters.
        text: String,
        /// What the scanner said that it is.
        symbology: Option<Symbology>,
    },
    /// Something that is no code.
    Dropped {
        /// Octets between prefix and suffix.
        octets: usize,
        /// Why.
        why: Why,
    },
}

/// Why octets are no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The suffix did not come, or nothing but an AIM identifier did.
    Half,
    /// More octets than [`Config::longest`].
    TooLong,
    /// A control character.
    Control,
    /// Octets that are no characters.
    Encoding,
    /// An EAN whose check digit is wrong or missing.
    CheckDigit,
    /// The prefix is missing.
    Prefix,
}

/// The reader of one scanner.
#[derive(Clone, Debug)]
pub struct Scanner {
    config: Config,
    /// The read so far, with its prefix and at most the beginning of its suffix.
    buffer: Vec<u8>,
    /// Octets of the read that found no room in the buffer.
    beyond: usize,
    heard: Instant,
    last: Option<(Read, Instant)>,
}

impl Scanner {
    /// Starts between two reads.
    pub fn new(mut config: Config) -> Self {
        config.prefix.truncate(MOST_FRAME);
        config.longest = config.longest.clamp(1, MOST_OCTETS);
        if let Suffix::Octets(octets) = &mut config.suffix {
            octets.truncate(MOST_FRAME);
        }
        if config.suffix == Suffix::Octets(Vec::new()) {
            config.suffix = Suffix::None;
        }
        Self { config, buffer: Vec::new(), beyond: 0, heard: Instant::ZERO, last: None }
    }

    /// Takes octets that came at `now` and gives the reads that they end.
    pub fn push(&mut self, octets: &[u8], now: Instant) -> Vec<Read> {
        if octets.is_empty() {
            return Vec::new();
        }
        let mut reads = self.handle_timeout(now);
        self.heard = now;
        for octet in octets {
            reads.extend(self.octet(*octet, now));
        }
        reads
    }

    /// Ends what silence ends by `now`: nothing before [`Scanner::next_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Read> {
        if self.next_timeout().is_none_or(|timeout| now < timeout) {
            return Vec::new();
        }
        let ended = self.config.suffix == Suffix::None;
        let read = if ended || self.beyond > 0 { self.end(now) } else { self.drop(Why::Half) };
        read.into_iter().collect()
    }

    /// When silence ends the read so far.
    pub fn next_timeout(&self) -> Option<Instant> {
        if self.buffer.is_empty() {
            return None;
        }
        let silence = if self.config.suffix == Suffix::None { self.config.idle } else { self.config.half_after };
        Some(self.heard + silence)
    }

    fn octet(&mut self, octet: u8, now: Instant) -> Option<Read> {
        match &self.config.suffix {
            Suffix::LineEnd if matches!(octet, b'\r' | b'\n' | b'\t') => return self.end(now),
            // Matched with what stands in the buffer: a read that is too long keeps its last octets for that.
            Suffix::Octets(suffix) => {
                let suffix = suffix.clone();
                self.keep(octet);
                if !self.buffer.ends_with(&suffix) {
                    return None;
                }
                self.buffer.truncate(self.buffer.len() - suffix.len());
                return self.end(now);
            }
            Suffix::LineEnd | Suffix::None => self.keep(octet),
        }
        None
    }

    /// The buffer holds the longest read with its frame; what comes then pushes out what would be dropped anyway.
    fn keep(&mut self, octet: u8) {
        if self.buffer.len() == self.config.prefix.len() + self.config.longest + self.suffix_octets() {
            self.buffer.remove(0);
            self.beyond += 1;
        }
        self.buffer.push(octet);
    }

    fn suffix_octets(&self) -> usize {
        match &self.config.suffix {
            Suffix::Octets(octets) => octets.len(),
            Suffix::LineEnd | Suffix::None => 0,
        }
    }

    /// Ends the read. Nothing at all is no read: the LF behind a CR.
    fn end(&mut self, now: Instant) -> Option<Read> {
        if self.buffer.is_empty() && self.beyond == 0 {
            return None;
        }
        let prefix = self.config.prefix.len();
        if self.beyond > 0 || self.buffer.len() > prefix + self.config.longest {
            return self.drop(Why::TooLong);
        }
        if !self.buffer.starts_with(&self.config.prefix) {
            return self.drop(Why::Prefix);
        }
        match self.scan() {
            Ok(None) => {
                self.buffer.clear();
                None
            }
            Ok(Some(read)) => {
                self.buffer.clear();
                self.once(read, now)
            }
            Err(why) => self.drop(why),
        }
    }

    /// The read between prefix and suffix.
    fn scan(&self) -> Result<Option<Read>, Why> {
        let octets = &self.buffer[self.config.prefix.len()..];
        if octets.is_empty() {
            return Ok(None);
        }
        let text = match (std::str::from_utf8(octets), self.config.charset) {
            (Ok(text), _) => text.to_owned(),
            (Err(_), Charset::Utf8OrLatin1) => octets.iter().copied().map(char::from).collect(),
            (Err(_), Charset::Utf8) => return Err(Why::Encoding),
        };
        if text.chars().any(char::is_control) {
            return Err(Why::Control);
        }
        let (symbology, text) = symbology::split(&text, self.config.aim);
        if text.is_empty() {
            return Err(Why::Half);
        }
        if !symbology::proves(symbology, text) {
            return Err(Why::CheckDigit);
        }
        Ok(Some(Read::Scan { text: text.to_owned(), symbology }))
    }

    fn drop(&mut self, why: Why) -> Option<Read> {
        // A missing prefix leaves the octets as they came.
        let frame = if self.buffer.starts_with(&self.config.prefix) { self.config.prefix.len() } else { 0 };
        let octets = self.buffer.len() + self.beyond - if self.beyond > 0 { self.config.prefix.len() } else { frame };
        self.buffer.clear();
        self.beyond = 0;
        Some(Read::Dropped { octets, why })
    }

    /// Swallows a repetition; a scanner that keeps reading the same code keeps it swallowed.
    fn once(&mut self, read: Read, now: Instant) -> Option<Read> {
        let repeated =
            self.last.as_ref().is_some_and(|(last, at)| *last == read && now.since(*at) < self.config.repeat);
        self.last = Some((read.clone(), now));
        (!repeated).then_some(read)
    }
}
