//! What HQ changes about a placed order: commercial facts and wishes. The store answers; until then the order shows the
//! wish as asked. Nothing here decides who wins: that is the model's.

use shop_model::event::{HqFact, OrderKind, Placed};
use shop_model::ids::{OrderNumber, ReservationId, StoreId};
use shop_model::reservation::{self, Reservation, WishKind};
use store_daemon::ledger::SqlLedger;

use super::codes;
use super::form::{self, AmendForm, NewPayment};
use super::place;
use super::refusal::Refusal;
use crate::desk::Desk;
use crate::facts::{self, Logs};
use crate::project;

/// Characters of a reason that are kept.
pub const REASON_MAX: usize = 200;

/// An order with its logs, ready to be changed.
pub struct Open {
    store: StoreId,
    id: ReservationId,
    logs: Logs,
    state: Reservation,
}

/// Finds an order.
///
/// # Errors
/// [`Refusal::UnknownOrder`], or the database's.
pub fn open(desk: &Desk<'_, '_>, store: &StoreId, order: &OrderNumber) -> Result<Open, Refusal> {
    let id = ReservationId::derive(&desk.app().config.hq.chain, store, order);
    let logs = facts::reservation_logs(&SqlLedger::new(desk.db(), store.as_str()), id)?;
    let state = reservation::fold(&logs.hq, &logs.store);
    if state.order.is_none() {
        return Err(Refusal::UnknownOrder);
    }
    Ok(Open { store: store.clone(), id, logs, state })
}

impl Open {
    /// The kind of the order.
    pub const fn kind(&self) -> OrderKind {
        self.state.kind
    }

    /// The number of facts in both logs.
    pub const fn version(&self) -> u64 {
        self.state.version
    }

    /// Its id.
    pub const fn id(&self) -> ReservationId {
        self.id
    }

    fn append(&self, desk: &mut Desk<'_, '_>, fact: &HqFact, actor: &str) -> Result<(), Refusal> {
        desk.append(self.store.as_str(), facts::hq_event(self.id, fact, actor)?)?;
        project::refresh(desk, self.store.as_str(), self.id)
    }

    fn placed(&self) -> Option<&Placed> {
        self.logs.hq.iter().find_map(|entry| match &entry.body {
            HqFact::Placed(placed) => Some(&**placed),
            _ => None,
        })
    }

    /// Asks the store to cancel. A cancel that waits for its answer is not asked twice.
    ///
    /// # Errors
    /// [`Refusal::WrongState`] when it is cancelled already, or the database's.
    pub fn cancel(&self, desk: &mut Desk<'_, '_>, by: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        let waits = self.state.standing_wish().is_some_and(|wish| matches!(wish.kind, WishKind::Cancel { .. }));
        if waits {
            return Ok(());
        }
        let state = self.state.goods.state;
        if state.is_ended() && state != reservation::GoodsState::HandedOver {
            return Err(Refusal::WrongState { why: format!("the order is {}", crate::words::plain(state.as_str())) });
        }
        self.append(desk, &HqFact::CancelRequested { by: by.to_owned(), reason: reason.to_owned() }, actor)
    }

    /// Sends new lines. The same lines again change nothing.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], [`Refusal::WrongState`], or the database's.
    pub fn amend(&self, desk: &mut Desk<'_, '_>, body: &AmendForm, actor: &str) -> Result<(), Refusal> {
        let new = form::parse_amendment(body, self.state.kind)?;
        if self.state.goods.state.is_ended() {
            let state = crate::words::plain(self.state.goods.state.as_str());
            return Err(Refusal::WrongState { why: format!("the order is {state}") });
        }
        let mut amendments = self.logs.hq.iter().filter_map(|entry| match &entry.body {
            HqFact::Amended { revision, lines, total, due } => Some((*revision, lines, *total, *due)),
            _ => None,
        });
        let last = amendments.next_back();
        if last
            .as_ref()
            .is_some_and(|(_, lines, total, due)| **lines == new.lines && *total == new.total && *due == new.due)
        {
            return Ok(());
        }
        let revision = last.map_or(1, |(revision, ..)| revision + 1);
        self.append(desk, &HqFact::Amended { revision, lines: new.lines, total: new.total, due: new.due }, actor)
    }

    /// Says how the online payment stands. The same again changes nothing.
    ///
    /// # Errors
    /// The database's.
    pub fn pay(&self, desk: &mut Desk<'_, '_>, payment: &NewPayment, actor: &str) -> Result<(), Refusal> {
        let NewPayment { money, amount, reference } = payment.clone();
        let fact = HqFact::PaymentChanged { money, amount, reference };
        let last = self.logs.hq.iter().rev().find(|entry| matches!(entry.body, HqFact::PaymentChanged { .. }));
        if last.is_some_and(|entry| entry.body == fact) {
            return Ok(());
        }
        self.append(desk, &fact, actor)
    }

    /// Moves the order: this store is asked to let go, and the other gets it as inbound until then.
    ///
    /// # Errors
    /// [`Refusal::WrongState`], [`Refusal::UnknownStore`], [`Refusal::Conflict`], or the database's.
    pub fn move_to(&self, desk: &mut Desk<'_, '_>, to: &StoreId, actor: &str) -> Result<(), Refusal> {
        if *to == self.store {
            return Err(Refusal::field("to_store", "is the store that has the order"));
        }
        let asked = self.state.wishes.iter().rev().find_map(|wish| match &wish.kind {
            WishKind::Move { to_store } => Some(to_store.clone()),
            _ => None,
        });
        match asked {
            Some(asked) if asked == *to => return Ok(()),
            Some(asked) => return Err(Refusal::WrongState { why: format!("the order was moved to {asked} already") }),
            None => {}
        }
        if self.state.goods.state.is_ended() {
            let state = crate::words::plain(self.state.goods.state.as_str());
            return Err(Refusal::WrongState { why: format!("the order is {state}") });
        }
        place::require_store(desk, to)?;
        let placed = self.placed().ok_or(Refusal::UnknownOrder)?;
        let target = ReservationId::derive(&desk.app().config.hq.chain, to, &placed.order);
        let taken = facts::reservation_logs(&SqlLedger::new(desk.db(), to.as_str()), target)?;
        if !taken.hq.is_empty() {
            return Err(Refusal::WrongState { why: format!("{to} has an order of this number already") });
        }
        let code = match placed.code {
            Some(code) if codes::is_free(desk, to.as_str(), code)? => code,
            _ => codes::mint(desk, to.as_str())?,
        };
        let moved = Placed {
            lines: self.state.goods.lines.iter().map(|line| line.line.clone()).collect(),
            total: self.state.money.total,
            due: self.state.money.due,
            code: Some(code),
            from_store: Some(self.store.clone()),
            ..placed.clone()
        };
        place::append_placed(desk, to.as_str(), target, moved, actor)?;
        self.append(desk, &HqFact::Moved { to_store: to.clone() }, actor)
    }

    /// Stops waiting for the store that has the goods, on HQ's word.
    ///
    /// # Errors
    /// [`Refusal::WrongState`] when the order waits for no store, or the database's.
    pub fn release_source(&self, desk: &mut Desk<'_, '_>, reason: &str, actor: &str) -> Result<(), Refusal> {
        let Some(from) = self.state.awaits.clone() else {
            return Err(Refusal::WrongState { why: "the order waits for no other store".into() });
        };
        self.append(desk, &HqFact::SourceReleased { from_store: from, reason: Some(reason.to_owned()) }, actor)
    }
}
