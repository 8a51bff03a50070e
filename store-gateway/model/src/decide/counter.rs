//! The counter: arrival, hand-over and its undoing, refusal, payment, extension, cancellation.

use std::time::Duration;

use jiff::Timestamp;

use super::{Check, Context, Obstacle, Problem, Proof, Refusal, no_standing_wish, not_now, obstacle, pieces};
use crate::event::{ActorKind, LineQuantity, Method, Override, StoreFact, Tender, Via};
use crate::ids::StaffId;
use crate::money::Amount;
use crate::reservation::{GoodsState, Presence, Reservation};

type Decision = Result<Vec<StoreFact>, Refusal>;

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 300;

pub(super) fn arrive(r: &Reservation, via: Via, place: Option<String>) -> Decision {
    match r.presence {
        _ if r.goods.state.is_ended() => Err(not_now(r)),
        Presence::Arrived { .. } | Presence::Attended { .. } => Ok(Vec::new()),
        Presence::Away | Presence::OnWay | Presence::Left => Ok(vec![StoreFact::Arrived { via, place }]),
    }
}

pub(super) fn attend(r: &Reservation) -> Decision {
    match r.presence {
        _ if r.goods.state.is_ended() => Err(not_now(r)),
        Presence::Attended { .. } => Ok(Vec::new()),
        Presence::Away | Presence::OnWay | Presence::Arrived { .. } | Presence::Left => Ok(vec![StoreFact::Attended]),
    }
}

pub(super) fn leave(r: &Reservation) -> Decision {
    match r.presence {
        Presence::Arrived { .. } | Presence::Attended { .. } if !r.goods.state.is_ended() => Ok(vec![StoreFact::Left]),
        _ => Err(not_now(r)),
    }
}

/// Hands over. The proof is looked at first, for a wrong code is a fact whatever else is in the way; money and recall
/// come after it.
pub(super) fn hand_over(
    r: &Reservation,
    lines: Option<&[LineQuantity]>,
    proof: &Proof,
    reason: Option<&str>,
    ctx: &Context<'_>,
) -> Decision {
    if !matches!(r.goods.state, GoodsState::Ready | GoodsState::HandingOver | GoodsState::Partial) {
        return Err(not_now(r));
    }
    let overridden = override_by(reason, ctx)?;
    let method = match (proved(r, proof, ctx)?, &overridden) {
        (Some(method), _) => method,
        (None, Some(_)) => Method::Override,
        (None, None) => return Err(Problem::Missing { what: "code" }.into()),
    };
    no_standing_wish(r)?;
    if r.goods.frozen.is_some() {
        return Err(obstacle(r, Obstacle::Frozen));
    }
    let lines = pieces(lines, &r.goods.open_lines())?;
    if lines.is_empty() {
        return Err(obstacle(r, Obstacle::NothingOpen));
    }
    if !r.money.state.allows_hand_over() && overridden.is_none() {
        return Err(Problem::MoneyDue { due: r.money.due.of(r.money.currency) }.into());
    }
    Ok(vec![StoreFact::HandedOver { lines, method, overridden }])
}

fn override_by(reason: Option<&str>, ctx: &Context<'_>) -> Result<Option<Override>, Refusal> {
    let Some(reason) = reason else { return Ok(None) };
    let reason = reason.trim();
    if !ctx.is_manager() {
        return Err(Problem::Forbidden.into());
    }
    if reason.is_empty() {
        return Err(Problem::Missing { what: "reason" }.into());
    }
    let by = StaffId::parse(&ctx.actor.id).map_err(|_| Refusal::from(Problem::Forbidden))?;
    Ok(Some(Override { by, reason: reason.chars().take(LONGEST_REASON).collect() }))
}

/// The method that was proved; `None` when nothing was offered. A wrong code makes facts, even with an override.
fn proved(r: &Reservation, proof: &Proof, ctx: &Context<'_>) -> Result<Option<Method>, Refusal> {
    let (check, method) = match proof {
        Proof::Code(check) => (check, Method::Code),
        Proof::Qr(check) => (check, Method::Qr),
        Proof::Delegate(check) => (check, Method::Delegate),
        Proof::Nothing => return Ok(None),
    };
    if let Some(until) = r.code.locked_until.filter(|until| *until > ctx.now()) {
        return Err(Problem::Locked { until }.into());
    }
    match check {
        Check::Right => Ok(Some(method)),
        Check::OtherStore(store) => Err(Problem::WrongStore { store: store.clone() }.into()),
        Check::Wrong => Err(wrong_code(r, ctx)),
    }
}

fn wrong_code(r: &Reservation, ctx: &Context<'_>) -> Refusal {
    let tries = r.code.tries.saturating_add(1);
    let mut facts = vec![StoreFact::CodeFailed { tries }];
    if tries.is_multiple_of(ctx.lock.misses.max(1)) {
        let until = after(ctx.now(), ctx.lock.duration(r.code.locks));
        facts.push(StoreFact::CodeLocked { until });
    }
    Refusal { problem: Problem::WrongCode { tries }, facts }
}

fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Undoes the last hand-over that stands, within the time to undo and until a fiscal receipt.
pub(super) fn undo(r: &Reservation, ctx: &Context<'_>) -> Decision {
    let Some(last) = r.goods.hand_overs.last() else { return Err(not_now(r)) };
    if ctx.actor.kind != ActorKind::Staff {
        return Err(Problem::Forbidden.into());
    }
    if r.money.receipt.is_some() {
        return Err(obstacle(r, Obstacle::Receipt));
    }
    let elapsed_ms = ctx.now.unix_ms.saturating_sub(last.at.unix_ms).max(0);
    if u128::from(elapsed_ms.unsigned_abs()) > ctx.undo.as_millis() {
        return Err(Problem::TooLate.into());
    }
    Ok(vec![StoreFact::HandOverUndone { undoes: last.event }])
}

pub(super) fn refuse(r: &Reservation, lines: Option<&[LineQuantity]>, reason: &str) -> Decision {
    if !r.goods.state.on_shelf() {
        return Err(not_now(r));
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::Missing { what: "reason" }.into());
    }
    let lines = pieces(lines, &r.goods.open_lines())?;
    if lines.is_empty() {
        return Err(obstacle(r, Obstacle::NothingOpen));
    }
    let refund_due = refund(r, &lines);
    Ok(vec![StoreFact::Refused { lines, reason: reason.chars().take(LONGEST_REASON).collect(), refund_due }])
}

/// What goes back for refused pieces: their price, never more than was paid and is not to go back already.
fn refund(r: &Reservation, lines: &[LineQuantity]) -> Amount {
    let price = |l: &LineQuantity| {
        let line = r.goods.lines.iter().find(|g| g.line.line == l.line);
        line.map_or(Amount::ZERO, |g| g.line.unit_price.times(l.quantity))
    };
    let all = lines.iter().fold(Amount::ZERO, |sum, l| sum.plus(price(l)));
    all.min(r.money.paid.minus(r.money.refund_due)).max(Amount::ZERO)
}

/// Extends the hold, once for a customer, as often as they like for staff; an expired hold opens again while nothing
/// was put back.
pub(super) fn extend(r: &Reservation, ctx: &Context<'_>) -> Decision {
    let back = r.goods.lines.iter().any(|l| l.put_back > l.refused);
    let Some(until) =
        r.goods.hold_until.filter(|_| r.goods.state.on_shelf() || r.goods.state == GoodsState::Expired && !back)
    else {
        return Err(not_now(r));
    };
    no_standing_wish(r)?;
    if !r.may_extend(ctx.actor.kind, ctx.holds.customer_extensions) {
        return Err(Problem::NoMoreExtensions.into());
    }
    let until = ctx.holds.extended(ctx.hours, until, ctx.now());
    Ok(vec![StoreFact::HoldExtended { until, by: ctx.actor.kind }])
}

pub(super) fn pay_in_store(r: &Reservation, amount: Amount, tender: Tender, receipt: Option<String>) -> Decision {
    if r.goods.state.is_ended() && r.goods.state != GoodsState::HandedOver {
        return Err(not_now(r));
    }
    if !r.money.due.is_positive() {
        return Err(obstacle(r, Obstacle::NothingOpen));
    }
    if amount != r.money.due {
        return Err(Problem::WrongAmount { due: r.money.due.of(r.money.currency) }.into());
    }
    Ok(vec![StoreFact::PaidInStore { amount, tender, receipt }])
}

/// Cancels at the customer's word. HQ hears of it as a fact, for the goods are the store's.
pub(super) fn request_cancel(r: &Reservation, reason: &str) -> Decision {
    if r.goods.state.is_ended() {
        return Err(not_now(r));
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::Missing { what: "reason" }.into());
    }
    let reason = Some(reason.chars().take(LONGEST_REASON).collect());
    Ok(vec![StoreFact::Cancelled { wish: None, reason }])
}
