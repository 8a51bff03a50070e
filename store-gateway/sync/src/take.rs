//! Taking the peer's events: what chains is applied, judged, or set aside, never dropped.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::{Error, Judge, Verdict};
use crate::end::{Common, REJECTED, SKIPPED, SYNC, Skipped, Tx};
use crate::envelope::{Envelope, Header, ParseError, SCHEMA};
use crate::ident::{AggregateKey, Queue, Side, Watermark};
use crate::ledger::{AsideReason, Ledger, LogEntry, SetAside, Standing};
use crate::output::{Alert, Output};
use crate::rules::Rule;
use crate::wire::EventsBatch;

/// What became of a batch.
#[derive(Default)]
pub(crate) struct Taken {
    pub moved: bool,
    pub gap: bool,
    pub resnap: bool,
}

/// The body of `sync.rejected`.
#[derive(Serialize)]
struct RejectedBody<'a> {
    kind: &'a str,
    aggregate: &'a str,
    why: String,
}

impl Common {
    /// Takes what follows in a batch of the epoch that we follow.
    pub fn take_batch<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        queue: Queue,
        batch: &EventsBatch,
    ) -> Result<Taken, Error<L::Error>> {
        let mut taken = Taken::default();
        let events = match batch.split() {
            Ok(events) => events,
            Err(e) => {
                self.alert(Alert::Unreadable { what: e.to_string() });
                return Ok(taken);
            }
        };
        let (mut before, mut touched) = ((batch.after, batch.after_also), BTreeSet::new());
        for event in events {
            let (header, first) = match place_of(event.get()) {
                Ok(place) => place,
                Err(e) => {
                    self.alert(Alert::Unreadable { what: e.to_string() });
                    break;
                }
            };
            let Watermark { seq, id } = tx.head.seen[queue];
            if header.seq > seq {
                if first > seq + 1 {
                    taken.gap = true;
                    break;
                }
                let chains = before.0 == id || before.1.is_some() && before.1 == id;
                if self.rules.on(Rule::Ids) && first == seq + 1 && seq > 0 && !chains {
                    break; // another life of the sender: our acknowledgement will tell it
                }
                if !self.take_event(tx, judge, queue, &header, event.get(), &mut touched)? {
                    taken.resnap = true;
                    break;
                }
                tx.head.seen[queue] = Watermark { seq: header.seq, id: Some(header.id) };
                taken.moved = true;
            } else if header.seq == seq && self.rules.on(Rule::Ids) && Some(header.id) != id {
                break;
            }
            before = (Some(header.id), None);
        }
        self.outputs.extend(touched.into_iter().map(|key| Output::Applied { key }));
        Ok(taken)
    }

    /// False when a snapshot must come first.
    fn take_event<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        queue: Queue,
        header: &Header,
        text: &str,
        touched: &mut BTreeSet<AggregateKey>,
    ) -> Result<bool, Error<L::Error>> {
        let peer = self.side.peer();
        if header.kind == SKIPPED {
            let span =
                skipped_of(text).unwrap_or(Skipped { from: header.seq, to: header.seq, count: 1, why: "".into() });
            self.alert(Alert::Skipped { by: peer, from: span.from, to: header.seq });
            return Ok(true);
        }
        let key = header.aggregate.key();
        let end = tx.ledger.log_end(&key, peer)?;
        let held = tx.ledger.holds(header.id)?;
        let n = header.aggregate.n;
        if self.side == Side::Store && self.rules.on(Rule::Resnap) && (held || n != end.n + 1) {
            tx.head.peer_epoch = None; // only with two boxes in one epoch: the birth brings a snapshot
            return Ok(false);
        }
        let jumps = n > end.n + 1 && !(queue == Queue::P1 && self.rules.on(Rule::SkipSpan));
        if held || n <= end.n || jumps || key.queue() != queue {
            self.put_aside(tx, header, peer, AsideReason::OutOfOrder, text)?;
            return Ok(true);
        }
        let (standing, why) = if end.blocked { (Standing::Waiting, None) } else { judge_text(judge, header, text) };
        let entry = LogEntry { n, id: header.id, standing, text: text.to_owned() };
        tx.ledger.append_log(&key, peer, &entry)?;
        if let Some(why) = why {
            self.reject(tx, header, AsideReason::Rejected(why))?;
        }
        touched.insert(key);
        Ok(true)
    }

    /// Keeps an event outside the logs and tells its author once.
    pub fn put_aside<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        header: &Header,
        author: Side,
        why: AsideReason,
        text: &str,
    ) -> Result<(), Error<L::Error>> {
        if tx.ledger.is_set_aside(header.id)? {
            return Ok(());
        }
        let key = header.aggregate.key();
        tx.ledger.set_aside(&SetAside { id: header.id, key, author, why: why.clone(), text: text.to_owned() })?;
        self.reject(tx, header, why)
    }

    /// Counts an event that was set aside, alerts, and tells its author: one `sync.rejected`. Never about the protocol's
    /// own events, so that two ends can't reject each other's rejections for ever.
    pub fn reject<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        header: &Header,
        why: AsideReason,
    ) -> Result<(), Error<L::Error>> {
        let key = header.aggregate.key();
        tx.head.set_aside += 1;
        self.alert(Alert::SetAside { id: header.id, key, author: self.side.peer(), why: why.clone() });
        if header.aggregate.kind == SYNC || tx.head.superseded {
            return Ok(());
        }
        let Header { aggregate, .. } = header;
        let body = RejectedBody { kind: &aggregate.kind, aggregate: &aggregate.id, why: why.to_string() };
        let event = self.own_event(header.id.to_string(), REJECTED, &body).caused_by(header.id);
        self.append(tx, event).map(drop)
    }
}

/// An event's header and the first sequence number that it stands for.
fn place_of(text: &str) -> Result<(Header, u64), ParseError> {
    let header = Header::parse(text)?;
    let first = if header.kind == SKIPPED { skipped_of(text)?.from } else { header.seq };
    Ok((header, first))
}

fn skipped_of(text: &str) -> Result<Skipped, ParseError> {
    let event = Envelope::parse(text)?;
    crate::envelope::parse_json("sync.skipped", event.body.get().as_bytes())
}

/// What an event's standing in its log is, and why when it is rejected.
pub(crate) fn judge_text(judge: &dyn Judge, header: &Header, text: &str) -> (Standing, Option<String>) {
    if header.schema > SCHEMA {
        return (Standing::Kept, None);
    }
    let event = match Envelope::parse(text) {
        Ok(event) => event,
        Err(e) => return (Standing::Rejected, Some(e.to_string())),
    };
    if event.aggregate.kind == SYNC {
        return (Standing::Applied, None);
    }
    match judge.judge(&event) {
        Verdict::Apply => (Standing::Applied, None),
        Verdict::KeepForUpgrade => (Standing::Kept, None),
        Verdict::Reject { why } => (Standing::Rejected, Some(why)),
    }
}
