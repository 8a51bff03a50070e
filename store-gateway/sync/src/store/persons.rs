//! What people and upgrades decide about HQ's events at a store.

use super::StoreEnd;
use crate::config::{Error, Judge, Now};
use crate::end::Tx;
use crate::ident::{AggregateKey, EventId};
use crate::ledger::Ledger;

impl StoreEnd {
    /// A person wants the waiting events of an aggregate judged again.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn retry<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        key: &AggregateKey,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        self.common.retry(&mut tx, judge, key)?;
        tx.close()
    }

    /// A person decides that a rejected event does not count; what waited behind it is judged.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn discard<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        key: &AggregateKey,
        event: EventId,
        now: Now,
    ) -> Result<(), Error<L::Error>> {
        self.common.wall = now.wall;
        let mut tx = Tx::open(ledger)?;
        self.common.discard(&mut tx, judge, key, event)?;
        tx.close()
    }

    /// After an upgrade: judges kept events again, one page; call it with what it gave until it gives none.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn judge_kept<L: Ledger>(
        &mut self,
        ledger: &mut L,
        judge: &dyn Judge,
        after: Option<&AggregateKey>,
    ) -> Result<Option<AggregateKey>, Error<L::Error>> {
        let mut tx = Tx::open(ledger)?;
        let next = self.common.judge_kept(&mut tx, judge, after)?;
        tx.close()?;
        Ok(next)
    }
}
