//! The money of a reservation: HQ's online payment and the till's side by side. Neither overwrites the other.

use super::goods::Floor;
use super::{Explanation, GoodsState, LineGoods, MoneyRegion, Why};
use crate::event::{Entry, HqFact, MoneyState, StoreFact};
use crate::money::{Amount, Currency};

/// What HQ says.
pub(super) struct Online {
    pub currency: Currency,
    pub total: Amount,
    pub state: MoneyState,
    /// To be taken at the store.
    pub due: Amount,
    /// Taken online.
    pub paid: Amount,
    /// The number of HQ's last payment fact.
    pub changed: Option<u64>,
}

/// Derives the region, and explains what is odd about it.
pub(super) fn derive(
    floor: &mut Floor,
    online: &Online,
    hq: &[Entry<HqFact>],
    store: &[Entry<StoreFact>],
) -> MoneyRegion {
    let till = store.iter().fold(Amount::ZERO, |sum, e| match &e.body {
        StoreFact::PaidInStore { amount, .. } => sum.plus(*amount),
        _ => sum,
    });
    let receipt = store.iter().rev().find_map(|e| match &e.body {
        StoreFact::PaidInStore { receipt, .. } => receipt.clone(),
        _ => None,
    });
    let paid = online.paid.plus(till);
    let goods = &floor.goods;
    let over = paid.minus(keeps(online.total, &goods.lines, goods.state));
    let refund_due = if over.is_positive() && online.state != MoneyState::Refunded { over } else { Amount::ZERO };
    let state = state(online, till, refund_due, goods.state.is_ended());
    let unpaid = matches!(state, MoneyState::Due | MoneyState::Authorised);
    let due = if unpaid { online.due.minus(till).max(Amount::ZERO) } else { Amount::ZERO };
    explain(floor, online, till, refund_due, hq, store);
    MoneyRegion { state, currency: online.currency, total: online.total, due, paid, refund_due, receipt }
}

fn state(online: &Online, till: Amount, refund_due: Amount, ended: bool) -> MoneyState {
    let settled_at_till = till.is_positive() && till >= online.due;
    match online.state {
        MoneyState::Refunded => MoneyState::Refunded,
        MoneyState::RefundDue => MoneyState::RefundDue,
        _ if ended && refund_due.is_positive() => MoneyState::RefundDue,
        MoneyState::Due | MoneyState::Authorised | MoneyState::NoneDue if settled_at_till => MoneyState::PaidStore,
        other => other,
    }
}

/// What the shop may keep of the money: the order's total less what the customer does not get.
fn keeps(total: Amount, lines: &[LineGoods], state: GoodsState) -> Amount {
    let rest_ended = state.is_ended() && state != GoodsState::HandedOver;
    if rest_ended && lines.iter().all(|l| l.handed_over == 0) {
        return Amount::ZERO;
    }
    let missed = |l: &LineGoods| l.short + l.refused + if rest_ended { l.wanted() } else { 0 };
    lines.iter().fold(total, |kept, l| kept.minus(l.line.unit_price.times(missed(l)))).max(Amount::ZERO)
}

fn explain(
    floor: &mut Floor,
    online: &Online,
    till: Amount,
    refund_due: Amount,
    hq: &[Entry<HqFact>],
    store: &[Entry<StoreFact>],
) {
    let handed_seen =
        store.iter().filter(|e| floor.goods.hand_overs.iter().any(|h| h.event == e.id)).map(|e| e.seen).next_back();
    let last_till = store.iter().rev().find(|e| matches!(e.body, StoreFact::PaidInStore { .. }));
    if let Some(e) = last_till
        && till.is_positive()
        && online.state == MoneyState::PaidOnline
        && !online.due.is_positive()
    {
        floor.explain(e, Explanation::PaidTwice);
    }
    let Some(changed) = online.changed.and_then(|n| hq.iter().find(|e| e.n == n)) else { return };
    let mut why = |what| floor.why.push(Why { event: changed.id, at: changed.at, what });
    if handed_seen.is_some_and(|seen| seen < changed.n) {
        why(Explanation::PaymentChangedAfterHandOver);
    } else if refund_due.is_positive() && online.state == MoneyState::PaidOnline && floor.goods.state.is_ended() {
        why(Explanation::PaidButEnded);
    }
}
