//! What came in: found in the modem's storage or handed over at once, told to the shell, and removed from the modem
//! only when the shell has committed it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sans_io::Instant;

use super::job::{Job, Place};
use super::types::{Event, Key};
use crate::Private;
use crate::at::{CmglHeader, ErrorCode};
use crate::pdu::{self, Direction, Message};

/// Messages told to the shell and not yet removed. What comes beyond stays in the modem until the next scan.
const MAX_OUTSTANDING: usize = 128;

/// Announced places still to be read; one more makes a scan of it.
const MAX_READS: usize = 32;

/// Headers whose PDU is still to come: one of a list and notices in between.
const MAX_HEADERS: usize = 4;

/// A message that the shell has not stored within this time is told again when a scan meets it.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// The storages that are scanned, in this order.
const SCANNED: [&str; 3] = ["SM", "ME", "SR"];

/// Where a PDU comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Stored(Place),
    /// `+CMT`, `+CDS`: not in the storage; the network waits for an acknowledgement.
    Direct,
    /// A message kept for sending, of no concern.
    Outgoing,
}

#[derive(Clone, Debug)]
struct Header {
    source: Source,
    length: usize,
}

#[derive(Debug)]
struct Slot {
    source: Source,
    hex: Private<String>,
    told_at: Instant,
    /// The shell has committed it.
    stored: bool,
    /// Removing it failed; the next scan tries again.
    deferred: bool,
}

/// What to do with a line of hexadecimal digits.
#[derive(Debug)]
pub(super) enum PduLine {
    Announce(Event),
    Taken,
    /// It fits no header.
    Torn,
}

/// What to do after a command of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// The modem has stopped handing over: set the indications again.
    RenewNotices,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    slots: BTreeMap<Key, Slot>,
    next_key: u64,
    /// Storages that can be read; none means that the modem can't choose.
    storages: Vec<String>,
    selected: Option<String>,
    scan: VecDeque<String>,
    reads: VecDeque<Place>,
    headers: Vec<Header>,
    /// `AT+CSMS=1` was taken: what is handed over at once wants `AT+CNMA`.
    pub(super) acknowledges: bool,
    /// A list or a read was cut short.
    pub(super) scan_soon: bool,
}

impl Inbound {
    /// The storages that the modem offers for reading.
    pub(super) fn set_storages(&mut self, reading: &[String]) {
        self.storages = SCANNED.iter().filter(|s| reading.iter().any(|r| r == *s)).map(|s| (*s).to_owned()).collect();
        self.selected = None;
    }

    /// `AT+CPMS` of the set-up chose this one for reading.
    pub(super) fn selected(&mut self, storage: String) {
        self.selected = Some(storage);
    }

    pub(super) fn want_scan(&mut self) {
        self.scan = if self.storages.is_empty() {
            VecDeque::from([String::new()])
        } else {
            self.storages.iter().cloned().collect()
        };
        for slot in self.slots.values_mut() {
            slot.deferred = false;
        }
    }

    /// `+CMTI`, `+CDSI`.
    pub(super) fn announced(&mut self, storage: String, index: u16) {
        let storage = if self.storages.is_empty() { String::new() } else { storage };
        let place = Place { storage, index };
        if self.reads.len() >= MAX_READS {
            self.reads.clear();
            self.want_scan();
        } else if !self.reads.contains(&place) {
            self.reads.push_back(place);
        }
    }

    /// `+CMT`, `+CDS`.
    pub(super) fn direct_header(&mut self, length: usize) {
        if self.headers.len() >= MAX_HEADERS {
            self.headers.retain(|h| h.source != Source::Direct);
        }
        self.headers.push(Header { source: Source::Direct, length });
    }

    /// `+CMGL`. False when the PDU of the header before was lost.
    pub(super) fn list_header(&mut self, storage: &str, header: CmglHeader) -> bool {
        let place = Place { storage: storage.to_owned(), index: header.index };
        let source = if header.stat <= 1 { Source::Stored(place) } else { Source::Outgoing };
        self.stored_header(source, header.length)
    }

    /// `+CMGR`.
    pub(super) fn read_header(&mut self, place: &Place, length: usize) -> bool {
        self.stored_header(Source::Stored(place.clone()), length)
    }

    fn stored_header(&mut self, source: Source, length: usize) -> bool {
        if self.headers.iter().any(|h| h.source != Source::Direct) {
            return false;
        }
        self.headers.push(Header { source, length });
        true
    }

    pub(super) fn expects_pdu(&self) -> bool {
        !self.headers.is_empty()
    }

    /// A line of hexadecimal digits: it belongs to the latest header of its length, since a notice in between is complete
    /// before the list goes on.
    pub(super) fn pdu(&mut self, hex: &str, now: Instant) -> PduLine {
        let Some(at) = self.headers.iter().rposition(|h| length_of(hex) == Some(h.length)) else {
            let torn = self.headers.pop().is_some_and(|h| h.source != Source::Direct);
            return if torn { PduLine::Torn } else { PduLine::Taken };
        };
        let source = self.headers.remove(at).source;
        match self.announce(source, hex, now) {
            Some(event) => PduLine::Announce(event),
            None => PduLine::Taken,
        }
    }

    fn announce(&mut self, source: Source, hex: &str, now: Instant) -> Option<Event> {
        if source == Source::Outgoing {
            return None;
        }
        let known = self.slots.iter().find(|(_, s)| s.source != Source::Direct && s.source == source).map(|(k, _)| *k);
        if let Some(key) = known {
            let slot = self.slots.get_mut(&key)?;
            if slot.hex.as_str() == hex {
                if slot.stored || now.since(slot.told_at) < TELL_AGAIN {
                    return None;
                }
                slot.told_at = now;
                return Some(event_of(key, hex));
            }
            self.slots.remove(&key);
        }
        if self.slots.len() >= MAX_OUTSTANDING {
            return None;
        }
        let key = Key(self.next_key);
        self.next_key += 1;
        let slot = Slot { source, hex: hex.into(), told_at: now, stored: false, deferred: false };
        self.slots.insert(key, slot);
        Some(event_of(key, hex))
    }

    /// The shell has committed it.
    pub(super) fn stored(&mut self, key: Key) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.stored = true;
        }
    }

    /// Removes first, then reads: a full storage gets room.
    pub(super) fn next_job(&mut self) -> Option<Job> {
        if !self.acknowledges {
            self.slots.retain(|_, s| !(s.stored && s.source == Source::Direct));
        }
        let done = self.slots.iter().find(|(_, s)| s.stored && !s.deferred);
        match done.map(|(key, slot)| (*key, slot.source.clone())) {
            Some((key, Source::Stored(place))) => {
                return Some(self.on_storage(&place.storage).unwrap_or(Job::Delete { place, key }));
            }
            Some((key, Source::Direct | Source::Outgoing)) => return Some(Job::Acknowledge(key)),
            None => {}
        }
        if let Some(place) = self.reads.front().cloned() {
            return Some(self.on_storage(&place.storage).unwrap_or_else(|| {
                self.reads.pop_front();
                Job::Read(place)
            }));
        }
        let storage = self.scan.front().cloned()?;
        Some(self.on_storage(&storage).unwrap_or_else(|| {
            self.scan.pop_front();
            Job::List(storage)
        }))
    }

    /// The command that chooses a storage, unless it is chosen.
    fn on_storage(&self, storage: &str) -> Option<Job> {
        let chosen = storage.is_empty() || self.selected.as_deref() == Some(storage);
        (!chosen).then(|| Job::SelectStorage(storage.to_owned()))
    }

    pub(super) fn job_ended(&mut self, job: &Job, error: Option<ErrorCode>, _now: Instant) -> After {
        match (job, error) {
            (Job::SelectStorage(storage), None) => self.selected = Some(storage.clone()),
            (Job::SelectStorage(storage), Some(_)) => self.give_up(storage),
            (Job::List(_) | Job::Read(_), _) => {
                // A header whose PDU never came.
                let before = self.headers.len();
                self.headers.retain(|h| h.source == Source::Direct);
                self.scan_soon |= self.headers.len() != before;
            }
            (Job::Delete { key, .. }, None | Some(ErrorCode::Cms(321))) => {
                self.slots.remove(key);
            }
            (Job::Delete { key, .. }, Some(_)) => {
                if let Some(slot) = self.slots.get_mut(key) {
                    slot.deferred = true;
                }
            }
            (Job::Acknowledge(key), error) => {
                self.slots.remove(key);
                if error.is_some() {
                    return After::RenewNotices;
                }
            }
            _ => {}
        }
        After::Nothing
    }

    /// A storage that can't be chosen is left out.
    fn give_up(&mut self, storage: &str) {
        self.scan.retain(|s| s != storage);
        self.reads.retain(|p| p.storage != storage);
        for slot in self.slots.values_mut() {
            if matches!(&slot.source, Source::Stored(place) if place.storage == storage) {
                slot.deferred = true;
            }
        }
    }

    /// A command was cut short: what it was reading is looked for again.
    pub(super) fn abandon(&mut self) {
        self.headers.clear();
        self.selected = None;
        self.scan_soon = true;
    }

    /// The modem restarted or the port closed: the next scan finds everything anew.
    pub(super) fn forget(&mut self) {
        let next_key = self.next_key;
        let storages = std::mem::take(&mut self.storages);
        *self = Self { next_key, storages, ..Self::default() };
    }
}

/// Octets without the service centre's address, as headers count them.
fn length_of(hex: &str) -> Option<usize> {
    let service_centre = usize::from(u8::from_str_radix(hex.get(..2)?, 16).ok()?);
    (hex.len() / 2).checked_sub(1 + service_centre)
}

fn event_of(key: Key, hex: &str) -> Event {
    match pdu::decode(hex, Direction::FromSc) {
        Ok(Message::Deliver(message)) => Event::Received { key, message },
        Ok(Message::StatusReport(report)) => Event::Report { key, report },
        Ok(Message::Submit(_)) => unreachable!("decode() gives no SUBMIT for what the service centre sent"),
        Err(error) => Event::Undecodable { key, hex: hex.into(), error },
    }
}
