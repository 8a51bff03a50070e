//! The fold itself: HQ's side, then the store's standing facts over it, then what follows from both.

use std::collections::BTreeSet;

use super::goods::Floor;
use super::{Answer, CodeRegion, Explanation, GoodsState, LineGoods, Moved, Reservation, Why, Wish, WishKind};
use crate::event::{Because, Contract, Entry, HqFact, Line, MoneyState, OrderKind, Placed, StoreFact};
use crate::ids::{EventId, StoreId};
use crate::money::{Amount, Currency};

/// Folds the two logs, each in the order of `n`, into the reservation. Total: any facts in any order fold.
pub fn fold(hq: &[Entry<HqFact>], store: &[Entry<StoreFact>]) -> Reservation {
    let undone = undone(store);
    let stands = |e: &&Entry<StoreFact>| !undone.contains(&e.id);
    let fixed = store.iter().filter(stands).find(|e| fixes_lines(&e.body));
    let order = Order::fold(hq, store, fixed.map(|e| e.seen));

    let mut floor = run(&order, store, &undone);
    tell_what_was_undone(&order, &mut floor, store, &undone);
    finish(order, floor, hq, store)
}

/// Runs the store's standing facts over HQ's order.
fn run(order: &Order<'_>, store: &[Entry<StoreFact>], undone: &BTreeSet<EventId>) -> Floor {
    let lines = order.lines.iter().cloned().map(LineGoods::untouched).collect();
    let code = CodeRegion { is_set: order.placed.is_some_and(|p| p.code.is_some()), ..CodeRegion::default() };
    let mut floor = Floor::new(order.first_state(), lines, code);
    for e in store {
        match &e.body {
            StoreFact::HandOverUndone { undoes } if undone.contains(undoes) => {
                floor.tell(e, Moved::CollectionUndone);
                floor.explain(e, Explanation::HandOverUndone);
            }
            _ if undone.contains(&e.id) => {}
            _ => floor.apply(e),
        }
    }
    floor
}

impl LineGoods {
    fn untouched(line: Line) -> Self {
        Self { line, short: 0, handed_over: 0, refused: 0, put_back: 0 }
    }
}

/// Hand-overs that a later fact undid. They stay in the log and count for nothing but the record.
fn undone(store: &[Entry<StoreFact>]) -> BTreeSet<EventId> {
    let mut handed = BTreeSet::new();
    let mut undone = BTreeSet::new();
    for e in store {
        match &e.body {
            StoreFact::HandedOver { .. } => _ = handed.insert(e.id),
            StoreFact::HandOverUndone { undoes } if handed.contains(undoes) => _ = undone.insert(*undoes),
            _ => {}
        }
    }
    undone
}

/// The outside was told of a hand-over before it was undone: that transition is kept in its place, as the log up to
/// it made it.
fn tell_what_was_undone(
    order: &Order<'_>,
    floor: &mut Floor,
    store: &[Entry<StoreFact>],
    undone_now: &BTreeSet<EventId>,
) {
    for (i, e) in store.iter().enumerate().filter(|(_, e)| undone_now.contains(&e.id)) {
        let then = &store[..=i];
        let told = run(order, then, &undone(then)).transitions;
        floor.transitions.extend(told.into_iter().filter(|t| t.event == e.id));
    }
    if !undone_now.is_empty() {
        let place = |id: EventId| store.iter().position(|e| e.id == id).unwrap_or(usize::MAX);
        floor.transitions.sort_by_key(|t| place(t.event));
    }
}

/// Whether the fact binds the lines: after it an amendment that it had not seen comes too late.
const fn fixes_lines(fact: &StoreFact) -> bool {
    is_touch(fact)
        || matches!(
            fact,
            StoreFact::Refused { .. }
                | StoreFact::Expired
                | StoreFact::PutBack { .. }
                | StoreFact::Cancelled { .. }
                | StoreFact::Released { .. }
        )
}

const fn is_touch(fact: &StoreFact) -> bool {
    matches!(
        fact,
        StoreFact::PickStarted
            | StoreFact::Short { .. }
            | StoreFact::BagStaged(_)
            | StoreFact::Ready { .. }
            | StoreFact::HandedOver { .. }
    )
}

/// HQ's side.
struct Order<'a> {
    placed: Option<&'a Placed>,
    lines: Vec<Line>,
    total: Amount,
    due: Amount,
    payment: Option<(u64, MoneyState, Amount)>,
    paid_online: Amount,
    frozen: Option<String>,
    awaits: Option<StoreId>,
    wishes: Vec<Wish>,
    why: Vec<Why>,
}

impl<'a> Order<'a> {
    fn fold(hq: &'a [Entry<HqFact>], store: &[Entry<StoreFact>], fixed: Option<u64>) -> Self {
        let mut o = Order {
            placed: None,
            lines: Vec::new(),
            total: Amount::ZERO,
            due: Amount::ZERO,
            payment: None,
            paid_online: Amount::ZERO,
            frozen: None,
            awaits: None,
            wishes: Vec::new(),
            why: Vec::new(),
        };
        for e in hq {
            o.apply(e, store, fixed);
        }
        o
    }

    fn apply(&mut self, e: &'a Entry<HqFact>, store: &[Entry<StoreFact>], fixed: Option<u64>) {
        match &e.body {
            HqFact::Placed(placed) => {
                if self.placed.is_none() {
                    self.place(e, placed);
                }
            }
            HqFact::Amended { revision, lines, total, due } => {
                let rejected = rejection(store, e.id, *revision);
                let answer = match rejected {
                    Some(because) => Answer::Rejected(because),
                    None if fixed.is_some_and(|seen| seen < e.n) => Answer::Pending,
                    None => Answer::Granted,
                };
                if answer == Answer::Granted {
                    self.lines.clone_from(lines);
                    (self.total, self.due) = (*total, *due);
                    self.explain(e, Explanation::AmendedBeforePicking);
                }
                if let Some(because) = rejected {
                    self.explain(e, Explanation::AmendmentRejected(because));
                }
                self.wish(e, WishKind::Amend { revision: *revision }, answer);
            }
            HqFact::CancelRequested { by, reason } => {
                self.wish(e, WishKind::Cancel { by: by.clone(), reason: reason.clone() }, Answer::Pending);
            }
            HqFact::Extended { until } => self.wish(e, WishKind::Extend { until: *until }, Answer::Pending),
            HqFact::Moved { to_store } => {
                self.wish(e, WishKind::Move { to_store: to_store.clone() }, Answer::Pending);
            }
            HqFact::PaymentChanged { money, amount, .. } => {
                self.payment = Some((e.n, *money, *amount));
                if *money == MoneyState::PaidOnline {
                    self.paid_online = if amount.is_positive() { *amount } else { self.total };
                }
            }
            HqFact::SourceReleased { from_store, .. } => {
                if self.awaits.as_ref() == Some(from_store) {
                    self.awaits = None;
                }
            }
            HqFact::Frozen { sku, .. } => {
                self.frozen = Some(sku.clone());
                self.explain(e, Explanation::Frozen { sku: sku.clone() });
            }
            HqFact::Unfrozen => self.frozen = None,
        }
    }

    fn place(&mut self, e: &Entry<HqFact>, placed: &'a Placed) {
        self.placed = Some(placed);
        self.lines.clone_from(&placed.lines);
        (self.total, self.due) = (placed.total, placed.due);
        if placed.kind == OrderKind::Prepaid {
            self.paid_online = placed.total.minus(placed.due);
        }
        self.awaits.clone_from(&placed.from_store);
        if let Some(from) = &placed.from_store {
            self.explain(e, Explanation::AwaitsSource(from.clone()));
        }
    }

    fn explain(&mut self, e: &Entry<HqFact>, what: Explanation) {
        self.why.push(Why { event: e.id, at: e.at, what });
    }

    fn wish(&mut self, e: &Entry<HqFact>, kind: WishKind, answer: Answer) {
        self.wishes.push(Wish { event: e.id, n: e.n, at: e.at, kind, answer });
    }

    fn first_state(&self) -> GoodsState {
        let shipped = self.placed.is_some_and(|p| p.kind == OrderKind::ShipToStore && p.from_store.is_none());
        if shipped || self.awaits.is_some() { GoodsState::Inbound } else { GoodsState::Received }
    }

    /// Online state, what the store must still take before the till's payments, and whether HQ said it is settled.
    fn online(&self) -> (MoneyState, Amount) {
        match self.payment {
            Some((_, MoneyState::Due, amount)) if amount.is_positive() => (MoneyState::Due, amount),
            Some((_, money @ (MoneyState::Due | MoneyState::Authorised), _)) => (money, self.due),
            Some((_, money, _)) => (money, Amount::ZERO),
            None if self.due.is_positive() => (MoneyState::Due, self.due),
            None if self.paid_online.is_positive() => (MoneyState::PaidOnline, Amount::ZERO),
            None if self.placed.is_some_and(|p| p.kind == OrderKind::Prepaid) => (MoneyState::PaidOnline, Amount::ZERO),
            None => (MoneyState::NoneDue, Amount::ZERO),
        }
    }
}

fn rejection(store: &[Entry<StoreFact>], wish: EventId, revision: u32) -> Option<Because> {
    store.iter().rev().find_map(|e| match &e.body {
        StoreFact::AmendmentRejected { revision: r, because } => {
            let meant = e.cause.map_or(*r == revision, |cause| cause == wish);
            meant.then_some(*because)
        }
        _ => None,
    })
}

fn finish(mut order: Order<'_>, mut floor: Floor, hq: &[Entry<HqFact>], store: &[Entry<StoreFact>]) -> Reservation {
    for wish in &mut order.wishes {
        super::answers::answer(wish, &floor, store);
    }
    super::answers::explain(&order.wishes, &mut order.why);
    let money = super::money::derive(
        &mut floor,
        &super::money::Online {
            currency: order.placed.map_or(Currency::PLN, |p| p.currency),
            total: order.total,
            state: order.online().0,
            due: order.online().1,
            paid: order.paid_online,
            changed: order.payment.map(|(n, ..)| n),
        },
        hq,
        store,
    );
    let extensions = extensions(&order.wishes, floor.first_ready_seen, store);
    floor.goods.hold_until = floor.goods.hold_until.map(|own| longest(own, &order.wishes));
    floor.goods.frozen = order.frozen;
    let mut why = order.why;
    why.append(&mut floor.why);
    why.sort_by_key(|w| (w.at.unix_ms, w.event));
    Reservation {
        order: order.placed.map(|p| p.order.clone()),
        kind: order.placed.map_or(OrderKind::ReserveOnly, |p| p.kind),
        contract: order.placed.map_or(Contract::Distance, |p| p.contract),
        promised_at: order.placed.and_then(|p| p.promised_at),
        placed_at: hq.iter().find(|e| matches!(e.body, HqFact::Placed(_))).map(|e| e.at),
        person: order.placed.map(|p| p.person),
        awaits: order.awaits,
        goods: floor.goods,
        money,
        presence: floor.presence,
        wishes: order.wishes,
        code: floor.code,
        round: floor.raises.saturating_add(extensions),
        transitions: floor.transitions,
        why,
        version: (hq.len() + store.len()) as u64,
    }
}

/// The deadline is the latest that either side gave.
fn longest(own: jiff::Timestamp, wishes: &[Wish]) -> jiff::Timestamp {
    let asked = wishes.iter().filter_map(|w| match &w.kind {
        WishKind::Extend { until } => Some(*until),
        _ => None,
    });
    asked.fold(own, std::cmp::Ord::max)
}

/// HQ's extensions of a hold that was running. One that the store answered counts by the answer instead, so that a
/// round never goes down.
fn extensions(wishes: &[Wish], first_ready_seen: Option<u64>, store: &[Entry<StoreFact>]) -> u32 {
    let Some(seen) = first_ready_seen else { return 0 };
    let answered = |id| store.iter().any(|e| e.cause == Some(id) && matches!(e.body, StoreFact::HoldExtended { .. }));
    let counts = |w: &&Wish| matches!(w.kind, WishKind::Extend { .. }) && w.n > seen && !answered(w.event);
    u32::try_from(wishes.iter().filter(counts).count()).unwrap_or(u32::MAX)
}
