//! Adopting a snapshot: our own log in recovery, the peer's log always.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Error, Judge};
use crate::end::{Common, Tx};
use crate::envelope::{Header, renumber};
use crate::ident::{AggregateKey, EventId, PerQueue, Queue, Watermark};
use crate::ledger::{AsideReason, Ledger, LogEntry, Standing};
use crate::output::{Alert, Output};
use crate::rules::Rule;
use crate::snapshot::{Group, Staged, Union, stage, unstage, whole_log};
use crate::take::judge_text;
use crate::wire::{Cut, SnapshotChunk};

/// A complete snapshot in the ledger.
#[derive(Clone, Copy)]
pub(crate) struct Complete {
    key: EventId,
    chunks: u32,
}

impl Common {
    /// Keeps a chunk; says when its snapshot is complete.
    pub fn take_chunk<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        chunk: &SnapshotChunk,
    ) -> Result<Option<Complete>, Error<L::Error>> {
        match stage(&mut self.staging, tx.ledger, chunk)? {
            Ok(Staged::Waiting) => Ok(None),
            Ok(Staged::Complete(chunks)) => Ok(Some(Complete { key: chunk.cut.key, chunks })),
            Err(e) => {
                self.alert(Alert::Unreadable { what: e.to_string() });
                Ok(None)
            }
        }
    }

    pub fn drop_snapshot<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, snapshot: Complete) -> Result<(), L::Error> {
        unstage(&mut self.staging, tx.ledger, snapshot.key)
    }

    /// Recovery: the peer's copy of our log first, then our own events that it lacks, numbered anew. Ends recovery.
    pub fn adopt_own<L: Ledger>(&mut self, tx: &mut Tx<'_, L>, snapshot: Complete) -> Result<(), Error<L::Error>> {
        let since = tx.head.recovery;
        let mut union = Union::new(snapshot.key, snapshot.chunks);
        while let Some(mut group) = union.next(tx.ledger)? {
            let was = whole_log(tx.ledger, &group.key, self.side)?;
            let theirs = group.logs.remove(&self.side).unwrap_or_default();
            let mut log: Vec<LogEntry> = theirs.into_iter().map(applied).collect();
            let known: BTreeSet<EventId> = log.iter().map(|e| e.id).collect();
            for mut entry in was.iter().cloned() {
                let forgotten = !self.rules.on(Rule::Union) && Some(entry.id) < since;
                if known.contains(&entry.id) || forgotten {
                    continue;
                }
                entry.n = log.last().map_or(1, |e| e.n + 1);
                if self.rules.on(Rule::Hold) {
                    self.enqueue_again(tx, group.key.queue(), &mut entry)?;
                } else {
                    entry.text = renumber(&entry.text, 0, entry.n).map_err(Error::Corrupt)?;
                }
                log.push(entry);
            }
            if log != was {
                tx.ledger.replace_log(&group.key, self.side, &log)?;
                self.outputs.push_back(Output::Applied { key: group.key });
            }
        }
        tx.head.recovery = None;
        Ok(())
    }

    /// The peer's own log is the peer's to say: replaces our copy of it, queue by queue, never by an older cut.
    pub fn adopt_peer<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        snapshot: Complete,
        cut: &Cut,
    ) -> Result<(), Error<L::Error>> {
        let newer = tx.head.peer_epoch.as_ref().is_none_or(|known| cut.own.counter > known.counter);
        if !newer && Some(&cut.own) != tx.head.peer_epoch.as_ref() {
            return Ok(());
        }
        let mut take = PerQueue { p0: false, p1: false };
        for queue in Queue::ALL {
            let Watermark { seq, .. } = cut.at[queue];
            if newer || seq >= tx.head.seen[queue].seq {
                take[queue] = true;
                tx.head.seen[queue] = cut.at[queue];
            }
        }
        tx.head.peer_epoch = Some(cut.own.clone());
        let mut union = Union::new(snapshot.key, snapshot.chunks);
        while let Some(group) = union.next(tx.ledger)? {
            if take[group.key.queue()] {
                self.replace_peer(tx, judge, group)?;
            }
        }
        Ok(())
    }

    fn replace_peer<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        mut group: Group,
    ) -> Result<(), Error<L::Error>> {
        let peer = self.side.peer();
        let was = whole_log(tx.ledger, &group.key, peer)?;
        let now = group.logs.remove(&peer).unwrap_or_default();
        let same =
            was.len() == now.len() && was.iter().zip(&now).all(|(w, (h, _))| (w.id, w.n) == (h.id, h.aggregate.n));
        if same {
            return Ok(());
        }
        let ids: BTreeSet<EventId> = now.iter().map(|(h, _)| h.id).collect();
        let gone: Vec<&LogEntry> = was.iter().filter(|e| !ids.contains(&e.id)).collect();
        let (log, rejected) = rejudge(judge, &was, now);
        tx.ledger.replace_log(&group.key, peer, &log)?;
        for (header, why) in rejected {
            self.reject(tx, &header, AsideReason::Rejected(why))?;
        }
        if self.rules.on(Rule::Keep) {
            for entry in gone {
                self.keep_gone(tx, &group.key, entry)?;
            }
        }
        self.outputs.push_back(Output::Applied { key: group.key });
        Ok(())
    }

    fn keep_gone<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        key: &AggregateKey,
        entry: &LogEntry,
    ) -> Result<(), Error<L::Error>> {
        let header = Header::parse(&entry.text).map_err(Error::Corrupt)?;
        debug_assert_eq!(&header.aggregate.key(), key, "a log holds events of its own aggregate");
        self.put_aside(tx, &header, self.side.peer(), AsideReason::NotInSnapshot, &entry.text)
    }
}

fn applied((header, text): (Header, String)) -> LogEntry {
    LogEntry { n: header.aggregate.n, id: header.id, standing: Standing::Applied, text }
}

/// The peer's log with standings: those that a person or the judge gave stay; new events are judged. Also the newly
/// rejected.
fn rejudge(judge: &dyn Judge, was: &[LogEntry], now: Vec<(Header, String)>) -> (Vec<LogEntry>, Vec<(Header, String)>) {
    let known: BTreeMap<EventId, Standing> = was.iter().map(|e| (e.id, e.standing)).collect();
    let (mut log, mut rejected, mut blocked) = (Vec::with_capacity(now.len()), Vec::new(), false);
    for (header, text) in now {
        let standing = match known.get(&header.id) {
            Some(Standing::Rejected) => Standing::Rejected,
            Some(known) if !known.blocks() => *known,
            _ if blocked => Standing::Waiting,
            _ => {
                let (standing, why) = judge_text(judge, &header, &text);
                rejected.extend(why.map(|why| (header.clone(), why)));
                standing
            }
        };
        blocked |= standing.blocks();
        log.push(LogEntry { n: header.aggregate.n, id: header.id, standing, text });
    }
    (log, rejected)
}
