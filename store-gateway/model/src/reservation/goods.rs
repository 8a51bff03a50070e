//! The goods, presence and code of a reservation, folded from the store's standing facts. Every fact has a meaning in
//! every state: what cannot be changes nothing and is noted.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{CodeRegion, Explanation, Goods, GoodsState, HandOver, LineGoods, Moved, Presence, Transition, Why};
use crate::event::{ActorKind, Entry, LineQuantity, Method, Override, StagedBag, StoreFact};

/// The store's side while it is being folded.
pub(super) struct Floor {
    pub goods: Goods,
    pub presence: Presence,
    pub code: CodeRegion,
    /// Times that the store changed shelf or deadline.
    pub raises: u32,
    /// What the store had seen when it first said READY.
    pub first_ready_seen: Option<u64>,
    /// What the store had seen when it let the order expire.
    pub expired_seen: u64,
    pub transitions: Vec<Transition>,
    pub why: Vec<Why>,
    ready_bags: Vec<StagedBag>,
    any_handed: bool,
}

impl Floor {
    pub fn new(state: GoodsState, lines: Vec<LineGoods>, code: CodeRegion) -> Self {
        Self {
            goods: Goods {
                state,
                lines,
                bags: Vec::new(),
                accepted: false,
                touched: false,
                hand_overs: Vec::new(),
                ready_at: None,
                hold_until: None,
                customer_extensions: 0,
                frozen: None,
            },
            presence: Presence::Away,
            code,
            raises: 0,
            first_ready_seen: None,
            expired_seen: 0,
            transitions: Vec::new(),
            why: Vec::new(),
            ready_bags: Vec::new(),
            any_handed: false,
        }
    }

    /// Applies one standing fact.
    pub fn apply(&mut self, e: &Entry<StoreFact>) {
        match &e.body {
            StoreFact::Accepted => self.goods.accepted = true,
            StoreFact::PickStarted => self.pick_started(e),
            StoreFact::Short { lines, .. } => self.short(e, lines),
            StoreFact::BagStaged(bag) => self.bag_staged(e, bag),
            StoreFact::Ready { bags, hold_until } => self.ready(e, bags, *hold_until),
            StoreFact::Arrived { via, place } => {
                if !matches!(self.presence, Presence::Arrived { .. } | Presence::Attended { .. }) {
                    self.presence = Presence::Arrived { since: e.at, via: *via, place: place.clone() };
                }
            }
            StoreFact::Attended => {
                let since = match &self.presence {
                    Presence::Arrived { since, .. } => Some(*since),
                    Presence::Attended { since, .. } => *since,
                    Presence::Away | Presence::OnWay | Presence::Left => None,
                };
                self.presence = Presence::Attended { since, by: e.actor.id.clone() };
            }
            StoreFact::Left => self.presence = Presence::Left,
            StoreFact::CodeSet => self.code = CodeRegion { is_set: true, ..CodeRegion::default() },
            StoreFact::CodeFailed { tries } => self.code.tries = *tries,
            StoreFact::CodeLocked { until } => {
                self.code.locks = self.code.locks.saturating_add(1);
                self.code.locked_until = Some(*until);
            }
            StoreFact::HandedOver { lines, method, overridden } => self.handed_over(e, lines, *method, overridden),
            StoreFact::Refused { lines, .. } => self.refused(e, lines),
            StoreFact::HoldExtended { until, by } => self.hold_extended(e, *until, *by),
            StoreFact::Expired => {
                if self.goods.state.on_shelf() {
                    self.expired_seen = e.seen;
                    self.enter(e, GoodsState::Expired, Moved::Expired);
                } else {
                    self.explain(e, Explanation::WithoutEffect);
                }
            }
            StoreFact::PutBack { lines, .. } => self.put_back(e, lines),
            StoreFact::Cancelled { wish, .. } => self.cancelled(e, wish.is_some()),
            StoreFact::Released { to_store } => {
                use GoodsState as S;
                if matches!(self.goods.state, S::HandedOver | S::Cancelled | S::PutBack | S::Released) {
                    self.explain(e, Explanation::WithoutEffect);
                } else {
                    self.enter(e, S::Released, Moved::Released);
                    self.explain(e, Explanation::MovedAway(to_store.clone()));
                }
            }
            StoreFact::CancelRejected { .. } => self.tell(e, Moved::CancelRejected),
            StoreFact::AmendmentRejected { .. } => self.tell(e, Moved::AmendmentRejected),
            StoreFact::PaidInStore { .. } => self.tell(e, Moved::PaidInStore),
            // Hand-overs that were undone never get here, and what undid them is told by the caller.
            StoreFact::HandOverUndone { .. } => {}
        }
    }

    pub fn explain(&mut self, e: &Entry<StoreFact>, what: Explanation) {
        self.why.push(Why { event: e.id, at: e.at, what });
    }

    pub fn tell(&mut self, e: &Entry<StoreFact>, what: Moved) {
        self.transitions.push(Transition { event: e.id, what });
    }

    fn enter(&mut self, e: &Entry<StoreFact>, state: GoodsState, what: Moved) {
        self.goods.state = state;
        self.tell(e, what);
    }

    fn pick_started(&mut self, e: &Entry<StoreFact>) {
        self.goods.touched = true;
        match self.goods.state {
            GoodsState::Received | GoodsState::Inbound | GoodsState::Short => self.goods.state = GoodsState::Picking,
            _ => self.explain(e, Explanation::WithoutEffect),
        }
    }

    fn short(&mut self, e: &Entry<StoreFact>, lines: &[LineQuantity]) {
        self.goods.touched = true;
        if self.goods.state.is_ended() {
            return self.explain(e, Explanation::WithoutEffect);
        }
        for want in lines {
            if let Some(line) = self.line(want.line) {
                line.short = line.short.saturating_add(want.quantity.min(line.open()));
            }
        }
        if matches!(self.goods.state, GoodsState::Received | GoodsState::Inbound | GoodsState::Picking) {
            self.goods.state = GoodsState::Short;
        }
    }

    fn bag_staged(&mut self, e: &Entry<StoreFact>, bag: &StagedBag) {
        use GoodsState as S;
        self.goods.touched = true;
        match self.goods.state {
            S::Received | S::Inbound | S::Picking | S::Short | S::Staged => self.goods.state = S::Staged,
            S::Ready | S::HandingOver | S::Partial => {}
            S::HandedOver | S::Refused | S::Cancelled | S::Expired | S::PutBack | S::Released => {
                return self.explain(e, Explanation::WithoutEffect);
            }
        }
        self.put_on_shelf(bag);
    }

    fn put_on_shelf(&mut self, bag: &StagedBag) {
        match self.goods.bags.iter_mut().find(|b| b.bag == bag.bag) {
            Some(known) => known.shelf = bag.shelf.clone(),
            None => self.goods.bags.push(bag.clone()),
        }
    }

    fn ready(&mut self, e: &Entry<StoreFact>, bags: &[StagedBag], hold_until: Timestamp) {
        self.goods.touched = true;
        if self.goods.state.is_ended() {
            return self.explain(e, Explanation::WithoutEffect);
        }
        for bag in bags {
            self.put_on_shelf(bag);
        }
        if self.goods.ready_at.is_none() {
            self.goods.ready_at = Some(e.at);
            self.first_ready_seen = Some(e.seen);
        }
        if self.raises == 0 || self.ready_bags != self.goods.bags || self.goods.hold_until != Some(hold_until) {
            self.raises = self.raises.saturating_add(1);
        }
        self.ready_bags.clone_from(&self.goods.bags);
        self.goods.hold_until = Some(hold_until);
        if !self.goods.state.on_shelf() {
            self.enter(e, GoodsState::Ready, Moved::Ready);
        }
    }

    fn handed_over(
        &mut self,
        e: &Entry<StoreFact>,
        lines: &[LineQuantity],
        method: Method,
        overridden: &Option<Override>,
    ) {
        let before = self.goods.state;
        self.goods.touched = true;
        let (left, excess) = self.take(lines, |line, pieces| line.handed_over += pieces);
        self.goods.hand_overs.push(HandOver {
            event: e.id,
            at: e.at,
            lines: left,
            method,
            overridden: overridden.clone(),
        });
        self.code = CodeRegion { is_set: self.code.is_set, ..CodeRegion::default() };
        if let Some(o) = overridden {
            self.explain(e, Explanation::HandedOverOnOverride { reason: o.reason.clone() });
        }
        if before == GoodsState::HandedOver || excess && self.any_handed {
            self.explain(e, Explanation::HandedOverTwice);
        } else if before.is_ended() {
            self.explain(e, Explanation::HandedOverAfterEnd);
        }
        self.any_handed = true;
        if before == GoodsState::HandedOver {
            return;
        }
        if self.goods.open_lines().is_empty() {
            self.enter(e, GoodsState::HandedOver, Moved::Collected);
            self.presence = Presence::Left;
        } else if before.is_ended() {
            self.tell(e, Moved::PartlyCollected);
        } else {
            self.enter(e, GoodsState::Partial, Moved::PartlyCollected);
        }
    }

    fn refused(&mut self, e: &Entry<StoreFact>, lines: &[LineQuantity]) {
        if !self.goods.state.on_shelf() {
            return self.explain(e, Explanation::WithoutEffect);
        }
        self.take(lines, |line, pieces| line.refused += pieces);
        self.tell(e, Moved::Refused);
        if self.goods.open_lines().is_empty() {
            self.goods.state = if self.any_handed { GoodsState::HandedOver } else { GoodsState::Refused };
            self.presence = Presence::Left;
        }
    }

    /// Books pieces of open lines; an empty list means all of them. Says what was booked and whether more was asked
    /// for than was open.
    fn take(&mut self, lines: &[LineQuantity], book: fn(&mut LineGoods, u32)) -> (Vec<LineQuantity>, bool) {
        let wanted = if lines.is_empty() { self.goods.open_lines() } else { merged(lines) };
        let mut booked = Vec::new();
        let mut excess = false;
        for want in wanted {
            let Some(line) = self.line(want.line) else { continue };
            let pieces = want.quantity.min(line.open());
            excess |= pieces < want.quantity;
            book(line, pieces);
            if pieces > 0 {
                booked.push(LineQuantity { line: want.line, quantity: pieces });
            }
        }
        (booked, excess)
    }

    fn hold_extended(&mut self, e: &Entry<StoreFact>, until: Timestamp, by: ActorKind) {
        let reopens = self.goods.state == GoodsState::Expired && !self.anything_put_back();
        if !reopens && !self.goods.state.on_shelf() {
            return self.explain(e, Explanation::WithoutEffect);
        }
        if self.goods.hold_until != Some(until) {
            self.raises = self.raises.saturating_add(1);
        }
        self.goods.hold_until = Some(until);
        if by == ActorKind::Customer {
            self.goods.customer_extensions = self.goods.customer_extensions.saturating_add(1);
        }
        if reopens {
            let state = if self.any_handed { GoodsState::Partial } else { GoodsState::Ready };
            self.enter(e, state, Moved::Reopened);
            if by == ActorKind::Hq {
                self.explain(e, Explanation::ReopenedByExtension);
            }
        }
    }

    /// Whether stock beyond the refused pieces is free again.
    pub fn anything_put_back(&self) -> bool {
        self.goods.lines.iter().any(|l| l.put_back > l.refused)
    }

    fn put_back(&mut self, e: &Entry<StoreFact>, lines: &[LineQuantity]) {
        use GoodsState as S;
        let due: BTreeMap<u32, u32> = self.goods.put_back_due().iter().map(|l| (l.line, l.quantity)).collect();
        let ends = matches!(self.goods.state, S::Cancelled | S::Expired | S::Refused);
        if due.is_empty() && !ends {
            return self.explain(e, Explanation::WithoutEffect);
        }
        let all: Vec<_> =
            due.iter().map(|(line, quantity)| LineQuantity { line: *line, quantity: *quantity }).collect();
        let wanted = if lines.is_empty() { all } else { merged(lines) };
        for want in wanted {
            let most = due.get(&want.line).copied().unwrap_or(0);
            if let Some(line) = self.line(want.line) {
                line.put_back += want.quantity.min(most);
            }
        }
        if ends && self.goods.put_back_due().is_empty() {
            self.enter(e, S::PutBack, Moved::PutBack);
        }
    }

    fn cancelled(&mut self, e: &Entry<StoreFact>, by_wish: bool) {
        use GoodsState as S;
        if matches!(self.goods.state, S::HandedOver | S::Cancelled | S::PutBack | S::Released | S::Refused) {
            return self.explain(e, Explanation::WithoutEffect);
        }
        self.enter(e, S::Cancelled, Moved::Cancelled);
        self.explain(
            e,
            match (by_wish, self.any_handed) {
                (true, false) => Explanation::CancelledByHq,
                (true, true) => Explanation::CancelledExceptHandedOver,
                (false, _) => Explanation::CancelledByStaff,
            },
        );
    }

    /// Whether any hand-over stands.
    pub const fn any_handed(&self) -> bool {
        self.any_handed
    }

    fn line(&mut self, number: u32) -> Option<&mut LineGoods> {
        self.goods.lines.iter_mut().find(|l| l.line.line == number)
    }
}

/// One entry a line, quantities added up.
fn merged(lines: &[LineQuantity]) -> Vec<LineQuantity> {
    let mut sums = BTreeMap::<u32, u32>::new();
    for l in lines {
        let sum = sums.entry(l.line).or_default();
        *sum = sum.saturating_add(l.quantity);
    }
    sums.into_iter().map(|(line, quantity)| LineQuantity { line, quantity }).collect()
}
