//! Wishes and their answers: how each stands, and what the store owes.

use super::goods::Floor;
use super::{Answer, Explanation, GoodsState, Reservation, Why, Wish, WishKind, fold};
use crate::event::{Actor, ActorKind, Because, CaseKind, Entry, HqFact, StoreFact};
use crate::ids::{CaseId, EventId, ReservationId};

/// A fact that the store owes to a wish: it appends it with this cause and [`Actor::system`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// HQ's wish.
    pub cause: EventId,
    /// The answer.
    pub fact: StoreFact,
}

/// A case that must be open. The id derives from the cause, so it is the same however often it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseDue {
    /// The case; nothing to do when its log has a fact.
    pub case: CaseId,
    /// What it is about.
    pub kind: CaseKind,
    /// HQ's wish.
    pub cause: EventId,
}

/// Says how a wish stands. An amendment is answered by the fold of HQ's side, which needs it for the lines.
pub(super) fn answer(wish: &mut Wish, floor: &Floor, store: &[Entry<StoreFact>]) {
    wish.answer = match &wish.kind {
        WishKind::Cancel { .. } => cancel(wish.event, floor, store),
        WishKind::Amend { .. } => return,
        WishKind::Extend { .. } => extend(wish, floor, store),
        WishKind::Move { to_store } => {
            let released = store.iter().any(|e| match &e.body {
                StoreFact::Released { to_store: to } => e.cause.map_or(to == to_store, |cause| cause == wish.event),
                _ => false,
            });
            match floor.goods.state {
                _ if released => Answer::Granted,
                GoodsState::HandedOver => Answer::Rejected(Because::HandedOver),
                GoodsState::Cancelled | GoodsState::PutBack | GoodsState::Released => Answer::Rejected(Because::Ended),
                _ => Answer::Pending,
            }
        }
    };
}

fn cancel(wish: EventId, floor: &Floor, store: &[Entry<StoreFact>]) -> Answer {
    let said = store.iter().filter_map(|e| match &e.body {
        StoreFact::Cancelled { wish: Some(w), .. } if *w == wish => Some(true),
        StoreFact::CancelRejected { wish: w, .. } if *w == wish => Some(false),
        _ => None,
    });
    match said.max() {
        Some(true) if floor.any_handed() => Answer::GrantedForTheRest,
        Some(true) => Answer::Granted,
        // An undo re-evaluates a standing wish.
        Some(false) if floor.goods.state == GoodsState::HandedOver => Answer::Rejected(Because::HandedOver),
        Some(false) | None => Answer::Pending,
    }
}

fn extend(wish: &Wish, floor: &Floor, store: &[Entry<StoreFact>]) -> Answer {
    let answered =
        store.iter().any(|e| e.cause == Some(wish.event) && matches!(e.body, StoreFact::HoldExtended { .. }));
    match floor.goods.state {
        _ if answered => Answer::Granted,
        GoodsState::Expired if wish.n <= floor.expired_seen => Answer::Granted,
        GoodsState::Expired if floor.anything_put_back() => Answer::Rejected(Because::Ended),
        GoodsState::Expired => Answer::Pending,
        GoodsState::HandedOver => Answer::Rejected(Because::HandedOver),
        GoodsState::Cancelled | GoodsState::PutBack | GoodsState::Released | GoodsState::Refused => {
            Answer::Rejected(Because::Ended)
        }
        _ => Answer::Granted,
    }
}

/// Explains the answers that no fact of the store explains by itself.
pub(super) fn explain(wishes: &[Wish], why: &mut Vec<Why>) {
    for wish in wishes {
        let what = match (&wish.kind, wish.answer) {
            (WishKind::Cancel { .. }, Answer::Rejected(_)) => Explanation::CancelRejectedBecauseHandedOver,
            (WishKind::Move { to_store }, Answer::Rejected(Because::HandedOver)) => {
                Explanation::MoveOvertakenByHandOver(to_store.clone())
            }
            (WishKind::Extend { .. }, Answer::Rejected(_)) => Explanation::ExtensionTooLate,
            _ => continue,
        };
        why.push(Why { event: wish.event, at: wish.at, what });
    }
}

/// What the store owes to HQ's standing wishes, in the order in which it must be written. A reconciler calls this
/// over both logs whenever either changed; once the facts are appended with their causes, nothing is owed.
pub fn consequences(hq: &[Entry<HqFact>], store: &[Entry<StoreFact>]) -> Vec<Owed> {
    let mut log = store.to_vec();
    let mut owed = Vec::new();
    // Each round answers one wish for good, so there are at most as many rounds as wishes.
    while owed.len() <= hq.len() {
        let Some(next) = first_owed(&fold(hq, &log)) else { break };
        log.push(as_entry(&next, hq, &log));
        owed.push(next);
    }
    owed
}

fn first_owed(r: &Reservation) -> Option<Owed> {
    r.order.as_ref()?;
    let wish = r.wishes.iter().find(|w| w.answer == Answer::Pending)?;
    let fact = match &wish.kind {
        WishKind::Cancel { .. } if r.goods.state == GoodsState::HandedOver => {
            StoreFact::CancelRejected { wish: wish.event, because: Because::HandedOver }
        }
        WishKind::Cancel { .. } => StoreFact::Cancelled { wish: Some(wish.event), reason: None },
        WishKind::Amend { revision } => {
            let because = match r.goods.state {
                GoodsState::HandedOver | GoodsState::Partial => Because::HandedOver,
                _ if r.goods.touched => Because::Picked,
                _ => Because::Ended,
            };
            StoreFact::AmendmentRejected { revision: *revision, because }
        }
        WishKind::Extend { until } => StoreFact::HoldExtended { until: *until, by: ActorKind::Hq },
        WishKind::Move { to_store } => StoreFact::Released { to_store: to_store.clone() },
    };
    Some(Owed { cause: wish.event, fact })
}

/// The fact as it would stand in the log, to see what else is owed after it.
fn as_entry(owed: &Owed, hq: &[Entry<HqFact>], log: &[Entry<StoreFact>]) -> Entry<StoreFact> {
    let n = log.last().map_or(1, |e| e.n.saturating_add(1));
    let mut id = owed.cause.to_bytes();
    id[0] ^= 0xFF;
    Entry {
        id: EventId::from_bytes(id),
        n,
        seen: hq.last().map_or(0, |e| e.n),
        at: hq.last().map(|e| e.at).unwrap_or_default(),
        actor: Actor::system(),
        cause: Some(owed.cause),
        body: owed.fact.clone(),
    }
}

/// The cases that must be open: one for every cancel of HQ that met goods which had left the store.
pub fn cases_due(reservation: ReservationId, hq: &[Entry<HqFact>], store: &[Entry<StoreFact>]) -> Vec<CaseDue> {
    fold(hq, store)
        .wishes
        .iter()
        .filter(|w| matches!(w.kind, WishKind::Cancel { .. }))
        .filter(|w| matches!(w.answer, Answer::Rejected(_) | Answer::GrantedForTheRest))
        .map(|w| CaseDue {
            case: CaseId::derive(reservation, w.event),
            kind: CaseKind::CancelAfterHandover,
            cause: w.event,
        })
        .collect()
}

/// How a move from one store to another came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveOutcome {
    /// The first store has not let go: the second store's order stays inbound.
    AwaitingRelease,
    /// The first store let go: HQ tells the second by `source_released`.
    Released,
    /// The first store had handed it over: that stands, and the second store's order is to be cancelled.
    SourceStands,
    /// It ended at the first store in another way.
    SourceEnded,
    /// Both stores handed it over: two facts are kept, and a person must look.
    BothHandedOver,
}

/// Compares the two stores' reservations of one order that HQ moved.
pub fn move_outcome(from: &Reservation, to: &Reservation) -> MoveOutcome {
    let handed = |r: &Reservation| !r.goods.hand_overs.is_empty();
    match from.goods.state {
        _ if handed(from) && handed(to) => MoveOutcome::BothHandedOver,
        GoodsState::HandedOver => MoveOutcome::SourceStands,
        GoodsState::Released => MoveOutcome::Released,
        GoodsState::Cancelled | GoodsState::PutBack => MoveOutcome::SourceEnded,
        _ => MoveOutcome::AwaitingRelease,
    }
}
