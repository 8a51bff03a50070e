//! What the phones show, and where they are in the network's events.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim_modem::pdu::{Concat, Encoding, unhex, units_text};

/// Messages that a phone keeps; older ones go.
const BUBBLES_KEPT: usize = 500;
/// Unfinished long messages that a phone keeps; the oldest go.
const UNFINISHED_KEPT: usize = 20;

/// Which way a message went, seen from the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// To the phone.
    In,
    /// From the phone.
    Out,
}

/// A message in a thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bubble {
    /// Direction.
    pub way: Way,
    /// The whole text.
    pub text: String,
    /// SMS that it took.
    pub parts: usize,
    /// UTC, RFC 3339.
    pub at: String,
}

/// A long message of which parts are missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Unfinished {
    reference: u16,
    parts: u8,
    encoding: Encoding,
    have: BTreeMap<u8, String>,
}

/// One customer's phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Phone {
    /// E.164.
    pub number: String,
    /// Whether it is switched on.
    pub reachable: bool,
    /// Messages on their way to it: on air, not yet at the handset.
    pub on_the_way: u64,
    /// The thread, oldest first.
    pub thread: Vec<Bubble>,
    unfinished: Vec<Unfinished>,
}

/// All phones, and the last event that they know.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Book {
    run: String,
    after: u64,
    phones: BTreeMap<String, Phone>,
}

impl Book {
    /// Reads it from a file.
    ///
    /// # Errors
    /// When the file is not one of ours.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes it to a file in one step.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let fresh = path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(self)?).with_context(|| format!("writing {}", fresh.display()))?;
        fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
    }

    /// Returns the modem's run and the last event known of it.
    pub fn cursor(&self) -> (String, u64) {
        (self.run.clone(), self.after)
    }

    /// Returns the phones by number.
    pub fn phones(&self) -> impl Iterator<Item = &Phone> {
        self.phones.values()
    }

    /// Returns one phone.
    pub fn phone(&self, number: &str) -> Option<&Phone> {
        self.phones.get(number)
    }

    /// The modem started anew: its events count from 1 again.
    pub fn begin_run(&mut self, run: &str) {
        run.clone_into(&mut self.run);
        self.after = 0;
    }

    /// Notes an event that shows on no phone.
    pub fn pass(&mut self, n: u64) {
        self.after = self.after.max(n);
    }

    /// A message to a phone went on air.
    pub fn on_air(&mut self, n: u64, event: &Value) {
        if n > self.after {
            self.after = n;
            self.of(event).on_the_way += 1;
        }
    }

    /// A message reached its handset; a long one shows when all its parts have come (TS 23.040 §9.2.3.24.1).
    pub fn on_handset(&mut self, n: u64, event: &Value) {
        if n <= self.after {
            return;
        }
        self.after = n;
        let phone = self.of(event);
        phone.on_the_way = phone.on_the_way.saturating_sub(1);
        let Ok(encoding) = serde_json::from_value::<Encoding>(event["encoding"].clone()) else { return };
        let units = event["units"].as_str().unwrap_or_default().to_owned();
        match serde_json::from_value::<Option<Concat>>(event["concat"].clone()) {
            Ok(Some(concat)) => phone.take_part(concat, encoding, units),
            _ => phone.show(Way::In, text_of(encoding, &[units]), 1),
        }
    }

    /// A reply left the phone.
    pub fn replied(&mut self, number: &str, text: &str, parts: usize) {
        if let Some(phone) = self.phones.get_mut(number) {
            phone.show(Way::Out, text.to_owned(), parts);
        }
    }

    /// The phone was switched on or off.
    pub fn set_reachable(&mut self, number: &str, reachable: bool) {
        if let Some(phone) = self.phones.get_mut(number) {
            phone.reachable = reachable;
        }
    }

    fn of(&mut self, event: &Value) -> &mut Phone {
        let number = event["number"].as_str().unwrap_or_default().to_owned();
        self.phones.entry(number.clone()).or_insert_with(|| Phone {
            number,
            reachable: true,
            on_the_way: 0,
            thread: Vec::new(),
            unfinished: Vec::new(),
        })
    }
}

impl Phone {
    /// Returns how many long messages wait for parts.
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    fn take_part(&mut self, concat: Concat, encoding: Encoding, units: String) {
        let same = |message: &Unfinished| {
            message.reference == concat.reference && message.parts == concat.parts && message.encoding == encoding
        };
        let at = self.unfinished.iter().position(same).unwrap_or_else(|| {
            let Concat { reference, parts, .. } = concat;
            self.unfinished.push(Unfinished { reference, parts, encoding, have: BTreeMap::new() });
            self.unfinished.len() - 1
        });
        self.unfinished[at].have.insert(concat.part, units);
        if self.unfinished[at].have.len() == usize::from(concat.parts) {
            let whole = self.unfinished.remove(at);
            let parts: Vec<String> = whole.have.into_values().collect();
            self.show(Way::In, text_of(encoding, &parts), parts.len());
        } else if self.unfinished.len() > UNFINISHED_KEPT {
            self.unfinished.remove(0);
        }
    }

    fn show(&mut self, way: Way, text: String, parts: usize) {
        self.thread.push(Bubble { way, text, parts, at: Timestamp::now().to_string() });
        if self.thread.len() > BUBBLES_KEPT {
            self.thread.remove(0);
        }
    }
}

/// Puts units together before they become text: a pair may be cut by a part's end.
fn text_of(encoding: Encoding, parts: &[String]) -> String {
    let units: Vec<u8> = parts.iter().flat_map(|part| unhex(part).unwrap_or_default()).collect();
    units_text(encoding, &units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn part(part: u8, units: &str) -> Value {
        let concat = json!({"reference": 7, "part": part, "parts": 2});
        json!({"number": "+48600000001", "encoding": "ucs2", "units": units, "concat": concat})
    }

    /// U+1F600 is D83D DE00 in UTF-16; here the parts' border lies within it.
    #[test]
    fn parts_in_any_order_and_repeated_show_once_and_whole() {
        let mut book = Book::default();
        let parts = [part(2, "DE000021"), part(2, "DE000021"), part(1, "0048D83D")];
        parts.iter().zip(1..).for_each(|(part, n)| book.on_handset(n, part));
        let thread = &book.phone("+48600000001").unwrap().thread;
        assert_eq!(thread.iter().map(|bubble| bubble.text.as_str()).collect::<Vec<_>>(), ["H\u{1F600}!"]);
    }

    #[test]
    fn an_event_that_comes_twice_shows_once() {
        let mut book = Book::default();
        let event = json!({"number": "+48600000001", "encoding": "gsm7", "units": "6869", "concat": null});
        book.on_handset(4, &event);
        book.on_handset(4, &event);
        assert_eq!(book.phone("+48600000001").unwrap().thread.len(), 1);
    }
}
