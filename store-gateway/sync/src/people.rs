//! What people and upgrades do to events that did not count: retry, discard, judge again.

use crate::config::{Error, Judge};
use crate::end::{Common, Tx};
use crate::envelope::Header;
use crate::ident::{AggregateKey, EventId};
use crate::ledger::{AsideReason, Ledger, Standing};
use crate::output::Output;
use crate::snapshot::whole_log;
use crate::take::judge_text;

/// Aggregates that are judged again in one step of an upgrade.
const UPGRADE_PAGE: usize = 64;

impl Common {
    /// Judges the waiting events of an aggregate again, in order, until one is rejected.
    pub fn retry<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        key: &AggregateKey,
    ) -> Result<(), Error<L::Error>> {
        for entry in whole_log(tx.ledger, key, self.side.peer())? {
            if !entry.standing.blocks() {
                continue;
            }
            let header = Header::parse(&entry.text).map_err(Error::Corrupt)?;
            let (standing, why) = judge_text(judge, &header, &entry.text);
            if standing != entry.standing {
                tx.ledger.set_standing(entry.id, standing)?;
            }
            if let Some(why) = why {
                if entry.standing == Standing::Waiting {
                    self.reject(tx, &header, AsideReason::Rejected(why))?;
                }
                break;
            }
        }
        self.outputs.push_back(Output::Applied { key: key.clone() });
        Ok(())
    }

    /// Decides that a rejected event does not count and goes on behind it. Anything else stays as it is.
    pub fn discard<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        key: &AggregateKey,
        event: EventId,
    ) -> Result<(), Error<L::Error>> {
        let log = whole_log(tx.ledger, key, self.side.peer())?;
        if log.iter().any(|e| e.id == event && e.standing == Standing::Rejected) {
            tx.ledger.set_standing(event, Standing::Discarded)?;
        }
        self.retry(tx, judge, key)
    }

    /// Judges kept events again, as after an upgrade: one page. Says where to go on.
    pub fn judge_kept<L: Ledger>(
        &mut self,
        tx: &mut Tx<'_, L>,
        judge: &dyn Judge,
        after: Option<&AggregateKey>,
    ) -> Result<Option<AggregateKey>, Error<L::Error>> {
        let peer = self.side.peer();
        let keys = tx.ledger.kept(peer, after, UPGRADE_PAGE)?;
        for key in &keys {
            for entry in whole_log(tx.ledger, key, peer)?.iter().filter(|e| e.standing == Standing::Kept) {
                let header = Header::parse(&entry.text).map_err(Error::Corrupt)?;
                // One that turns out unfit stays kept: what came after it has counted already.
                if judge_text(judge, &header, &entry.text).0 == Standing::Applied {
                    tx.ledger.set_standing(entry.id, Standing::Applied)?;
                }
            }
            self.outputs.push_back(Output::Applied { key: key.clone() });
        }
        Ok(keys.into_iter().next_back())
    }
}
