//! The shop floor and the shelves: accepting, picking, staging, putting back, and the end of a hold.

use super::{Context, Obstacle, Problem, Refusal, no_standing_wish, not_now, obstacle, pieces, source_let_go};
use crate::event::{LineQuantity, StagedBag, StoreFact};
use crate::ids::ShelfId;
use crate::reservation::{Answer, GoodsState, Reservation, WishKind};

type Decision = Result<Vec<StoreFact>, Refusal>;

/// Bags that one order may have.
const MOST_BAGS: usize = 50;

pub(super) fn accept(r: &Reservation) -> Decision {
    match r.goods.state {
        GoodsState::Received | GoodsState::Inbound if r.goods.accepted => Err(obstacle(r, Obstacle::Already)),
        GoodsState::Received | GoodsState::Inbound => Ok(vec![StoreFact::Accepted]),
        _ => Err(not_now(r)),
    }
}

pub(super) fn pick(r: &Reservation) -> Decision {
    match r.goods.state {
        GoodsState::Received | GoodsState::Short => {
            no_standing_wish(r)?;
            Ok(vec![StoreFact::PickStarted])
        }
        _ => Err(not_now(r)),
    }
}

pub(super) fn short(r: &Reservation, lines: &[LineQuantity], substitute: Option<String>) -> Decision {
    match r.goods.state {
        GoodsState::Picking | GoodsState::Short => {
            let lines = pieces(Some(lines), &r.goods.open_lines())?;
            Ok(vec![StoreFact::Short { lines, substitute }])
        }
        _ => Err(not_now(r)),
    }
}

/// Stages bags and says READY at once. Staging again what stands there changes nothing; other bags or another shelf
/// make a new READY, whose deadline is never earlier than the one before.
pub(super) fn stage(r: &Reservation, bags: &[StagedBag], ctx: &Context<'_>) -> Decision {
    use GoodsState as S;
    if !matches!(r.goods.state, S::Received | S::Inbound | S::Picking | S::Short | S::Staged | S::Ready | S::Partial) {
        return Err(not_now(r));
    }
    source_let_go(r)?;
    no_standing_wish(r)?;
    if bags.is_empty() || r.goods.bags.len() + bags.len() > MOST_BAGS {
        return Err(Problem::Missing { what: "bags" }.into());
    }
    if r.goods.open_lines().is_empty() {
        return Err(obstacle(r, Obstacle::NothingOpen));
    }
    let moved: Vec<_> = bags.iter().filter(|b| !r.goods.bags.contains(b)).cloned().collect();
    if moved.is_empty() && r.goods.state.on_shelf() {
        return Ok(Vec::new());
    }
    let mut all = r.goods.bags.clone();
    for bag in &moved {
        match all.iter_mut().find(|b| b.bag == bag.bag) {
            Some(known) => known.shelf = bag.shelf.clone(),
            None => all.push(bag.clone()),
        }
    }
    let deadline = ctx.holds.deadline(ctx.hours, ctx.now());
    let asked = r.wishes.iter().filter_map(|w| match w.kind {
        WishKind::Extend { until } if w.answer == Answer::Granted => Some(until),
        _ => None,
    });
    let hold_until = asked.chain(r.goods.hold_until).fold(deadline, std::cmp::Ord::max);
    let mut facts: Vec<_> = moved.into_iter().map(StoreFact::BagStaged).collect();
    facts.push(StoreFact::Ready { bags: all, hold_until });
    Ok(facts)
}

pub(super) fn put_back(r: &Reservation, lines: Option<&[LineQuantity]>, shelf: Option<ShelfId>) -> Decision {
    let due = r.goods.put_back_due();
    if due.is_empty() {
        return Err(not_now(r));
    }
    Ok(vec![StoreFact::PutBack { lines: pieces(lines, &due)?, shelf }])
}

/// Ends a hold. Only a clock that can be trusted does this.
pub(super) fn expire(r: &Reservation, ctx: &Context<'_>) -> Decision {
    let Some(until) = r.goods.hold_until.filter(|_| r.goods.state.on_shelf()) else { return Err(not_now(r)) };
    if !ctx.now.quality.decides_deadlines() {
        return Err(Problem::ClockUncertain.into());
    }
    no_standing_wish(r)?;
    if ctx.now() < until {
        return Err(obstacle(r, Obstacle::HoldRuns));
    }
    Ok(vec![StoreFact::Expired])
}
