//! Sending: the outbox within its windows, telemetry, and what the peer's watermarks say about it.

use sans_io::Instant;
use serde_json::value::RawValue;

use crate::config::Error;
use crate::end::{Common, Tx};
use crate::envelope::{Envelope, NewEvent};
use crate::ident::{Class, Epoch, Queue, Side, Watermark};
use crate::ledger::{Head, Ledger, LedgerRead, OutboxRow};
use crate::output::{Alert, Output, Timer};
use crate::rules::Rule;
use crate::wire::{Ack, EventsBatch, FRAME_BYTES, Message};

/// Telemetry keys that are remembered; a new key beyond is refused.
const TELEMETRY_KEYS_MAX: usize = 256;

/// What the peer's watermark says.
pub(crate) enum Told {
    /// It stands where we thought, or further.
    Fine,
    /// It stands before what it had acknowledged: it was rolled back.
    Behind,
    /// It stands on an event that is not ours: we were rolled back.
    NotOurs,
}

impl Common {
    /// Sends committed rows within the windows, P0 first.
    pub fn send_rows<L: LedgerRead>(
        &mut self,
        ledger: &L,
        head: &Head,
        meant_for: Option<&Epoch>,
        now: Instant,
    ) -> Result<(), Error<L::Error>> {
        let mut p0_full = false;
        for queue in Queue::ALL {
            let room = if queue == Queue::P1 && p0_full { 1 } else { self.config.window[queue].max(1) };
            while self.in_flight[queue].len() < room {
                let hi = self.sent_hi[queue].max(head.acked[queue]);
                let rows = ledger.outbox(queue, hi, self.config.batch_events)?;
                let Some(first) = rows.first() else { break };
                let before = ledger.ids_at(queue, first.first - 1)?;
                let (events, last) = self.pack(&rows);
                self.emit(Message::Events(EventsBatch {
                    epoch: head.epoch.clone(),
                    class: queue.class(),
                    boot: Some(self.boot),
                    after: before.map(|ids| ids.skip.unwrap_or(ids.id)),
                    after_also: before.and_then(|ids| ids.skip.map(|_| ids.id)),
                    meant_for: meant_for.cloned(),
                    sig: None,
                    events,
                }));
                self.sent_hi[queue] = last;
                self.in_flight[queue].push_back(last);
                if self.timers.deadline(stall(queue)).is_none() {
                    self.timers.set(stall(queue), now + self.config.stall);
                }
            }
            p0_full = self.in_flight[queue].len() >= room;
        }
        Ok(())
    }

    /// As many rows as fit, at least one, as a JSON array; and the last sequence number in it.
    fn pack(&self, rows: &[OutboxRow]) -> (Box<RawValue>, u64) {
        let room = self.config.batch_bytes - FRAME_BYTES;
        let (mut text, mut last) = (String::from("["), 0);
        for row in rows {
            if last > 0 && text.len() + row.text.len() + 2 > room {
                break;
            }
            if last > 0 {
                text.push(',');
            }
            text.push_str(&row.text);
            last = row.last;
        }
        text.push(']');
        (RawValue::from_string(text).expect("the outbox holds JSON"), last)
    }

    /// The rows of a queue made no progress: the next pump starts at the lowest unacknowledged one.
    pub fn stalled(&mut self, queue: Queue) {
        if self.rules.on(Rule::Resend) {
            self.sent_hi[queue] = 0;
            self.in_flight[queue].clear();
        }
    }

    // ---- telemetry

    pub fn set_telemetry(&mut self, event: NewEvent) -> bool {
        let name = format!("{}/{}/{}", event.key.kind, event.key.id, event.kind);
        let room = self.telemetry.len() < TELEMETRY_KEYS_MAX || self.telemetry.contains_key(&name);
        if room {
            self.telemetry.insert(name, event);
        }
        room
    }

    pub fn send_telemetry(&mut self, head: &Head, now: Instant) {
        if self.telemetry.is_empty() || self.timers.deadline(Timer::Telemetry).is_some() {
            return;
        }
        self.timers.set(Timer::Telemetry, now + self.config.telemetry_every);
        let room = self.config.batch_bytes - FRAME_BYTES;
        let mut text = String::from("[");
        while let Some((name, event)) = self.telemetry.pop_first() {
            let seq = self.telemetry_seq + 1;
            let sealed = event.clone().seal(self.id(), seq, seq, 0, self.wall).into_text();
            if text.len() + sealed.len() + 2 > room {
                if text.len() > 1 {
                    self.telemetry.insert(name, event);
                }
                break;
            }
            self.telemetry_seq = seq;
            text.push_str(if text.len() > 1 { "," } else { "" });
            text.push_str(&sealed);
        }
        text.push(']');
        self.emit(Message::Events(EventsBatch {
            epoch: head.epoch.clone(),
            class: Class::P2,
            boot: Some(self.boot),
            after: None,
            after_also: None,
            meant_for: None,
            sig: None,
            events: RawValue::from_string(text).expect("sealed events are JSON"),
        }));
    }

    pub fn take_telemetry(&mut self, batch: &EventsBatch) {
        let events = batch.split().and_then(|all| all.into_iter().map(|e| Envelope::parse(e.get())).collect());
        let events: Vec<Envelope> = match events {
            Ok(events) => events,
            Err(e) => return self.alert(Alert::Unreadable { what: e.to_string() }),
        };
        self.outputs.extend(events.into_iter().map(|event| Output::Telemetry(Box::new(event))));
    }

    // ---- watermarks

    /// The peer's watermark in our current epoch.
    pub fn take_seen<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        queue: Queue,
        mark: Watermark,
        now: Instant,
    ) -> Result<Told, Error<L::Error>> {
        if mark.seq >= tx.head.next[queue] {
            return Ok(Told::NotOurs);
        }
        if mark.seq > 0 && self.rules.on(Rule::Ids) {
            let ids = tx.ledger.ids_at(queue, mark.seq)?;
            if !matches!((ids, mark.id), (Some(ids), Some(id)) if ids.contains(id)) {
                return Ok(Told::NotOurs);
            }
        }
        if mark.seq < tx.head.acked[queue] {
            return Ok(Told::Behind);
        }
        if mark.seq > tx.head.acked[queue] {
            tx.ledger.delete_outbox(queue, mark.seq)?;
            tx.head.acked[queue] = mark.seq;
            self.progress(queue, mark.seq, now);
        }
        Ok(Told::Fine)
    }

    fn progress(&mut self, queue: Queue, seq: u64, now: Instant) {
        while self.in_flight[queue].front().is_some_and(|last| *last <= seq) {
            self.in_flight[queue].pop_front();
        }
        self.sent_hi[queue] = self.sent_hi[queue].max(seq);
        if self.in_flight[queue].is_empty() {
            self.timers.clear(stall(queue));
        } else {
            self.timers.set(stall(queue), now + self.config.stall);
        }
    }

    pub fn ack(&self, head: &Head, queue: Queue) -> Ack {
        let Watermark { seq, id } = head.seen[queue];
        let (open, own) = match self.side {
            Side::Hq => (head.peer_epoch.clone(), None),
            Side::Store => (None, Some(head.epoch.clone())),
        };
        Ack {
            epoch: head.peer_epoch.clone(),
            class: queue.class(),
            seq,
            id,
            set_aside: head.set_aside,
            session: None,
            boot: Some(self.boot),
            open,
            own,
        }
    }
}

const fn stall(queue: Queue) -> Timer {
    match queue {
        Queue::P0 => Timer::StallP0,
        Queue::P1 => Timer::StallP1,
    }
}
