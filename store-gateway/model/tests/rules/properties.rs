//! Random stories: both ends act and hear of each other in any order. After each step the rules hold; at the end both
//! ends agree and nothing is owed. The seed of a failure is printed and kept by proptest.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use shop_model::decide::{Check, Command, Proof};
use shop_model::event::*;
use shop_model::ids::{EventId, StaffId};
use shop_model::money::Amount;
use shop_model::reservation::{Answer, GoodsState, Reservation, cases_due, consequences, fold};

use crate::support::*;

#[derive(Clone, Debug)]
enum Step {
    Store(Command, Who),
    Hq(HqFact),
    /// The store hears up to so many facts of HQ; its reconciler runs.
    StoreHears(usize),
    HqHears(usize),
    Later(u64),
}

#[derive(Clone, Copy, Debug)]
enum Who {
    Staff,
    Customer,
    System,
}

fn lines() -> impl Strategy<Value = Option<Vec<LineQuantity>>> {
    let line = (1..4_u32, 0..4_u32).prop_map(|(line, quantity)| LineQuantity { line, quantity });
    prop::option::of(vec(line, 0..3))
}

fn command() -> impl Strategy<Value = Command> {
    let proof = prop_oneof![
        6 => Just(Proof::Code(Check::Right)),
        1 => Just(Proof::Qr(Check::Wrong)),
        1 => Just(Proof::Nothing),
    ];
    let bags = vec(("[1-3]", "[A-C]").prop_map(|(b, s)| bag(&b, &s)), 1..3);
    let reason = prop::option::weighted(0.2, Just("reason".to_owned()));
    prop_oneof![
        1 => Just(Command::Accept),
        1 => Just(Command::Pick),
        1 => lines().prop_map(|l| Command::Short { lines: l.unwrap_or_default(), substitute: None }),
        4 => bags.prop_map(|bags| Command::Stage { bags }),
        1 => Just(Command::Arrive { via: Via::Sms, place: None }),
        1 => Just(Command::Attend),
        1 => Just(Command::Leave),
        4 => (lines(), proof, reason).prop_map(|(lines, proof, override_reason)| {
            Command::HandOver { lines, proof, override_reason }
        }),
        3 => Just(Command::Undo),
        1 => lines().prop_map(|lines| Command::Refuse { lines, reason: "no".into() }),
        1 => Just(Command::Extend),
        2 => lines().prop_map(|lines| Command::PutBack { lines, shelf: None }),
        1 => prop::sample::select(std::vec![1_i64, 32_970, 50_000]).prop_map(|minor| Command::PayInStore {
            amount: Amount(minor),
            tender: Tender::Cash,
            receipt: None,
        }),
        2 => Just(Command::Expire),
        1 => Just(Command::RequestCancel { reason: "no".into() }),
    ]
}

fn hq_fact() -> impl Strategy<Value = HqFact> {
    let money = prop::sample::select(MoneyState::ALL);
    prop_oneof![
        3 => Just(cancel()),
        2 => (1..4_u32, 1..6_u32).prop_map(|(revision, quantity)| amend(revision, quantity)),
        2 => (20..31_i8).prop_map(|day| HqFact::Extended {
            until: format!("2026-05-{day}T18:00:00Z").parse().unwrap(),
        }),
        2 => (money, 0..40_000_i64).prop_map(|(money, minor)| HqFact::PaymentChanged {
            money,
            amount: Amount(minor),
            reference: None,
        }),
        2 => prop::sample::select(std::vec!["praga", "mokotow"])
            .prop_map(|s| HqFact::Moved { to_store: store_id(s) }),
        1 => Just(HqFact::Frozen { sku: "SKU-1".into(), lot: None }),
        1 => Just(HqFact::Unfrozen),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop::sample::select(std::vec![Who::Staff, Who::Staff, Who::Staff, Who::Customer, Who::System]);
    prop_oneof![
        6 => (command(), who).prop_map(|(command, who)| Step::Store(command, who)),
        2 => hq_fact().prop_map(Step::Hq),
        2 => (0..6_usize).prop_map(Step::StoreHears),
        2 => (0..9_usize).prop_map(Step::HqHears),
        1 => (0..200_000_u64).prop_map(Step::Later),
    ]
}

/// The simple model: pieces that left by the commands that were allowed, hand-overs on a stack for undo.
#[derive(Default)]
struct Simple {
    gone: Vec<u32>,
    put_back: u32,
}

impl Simple {
    fn apply(&mut self, before: &Reservation, written: &[Entry<StoreFact>]) {
        for e in written {
            match &e.body {
                StoreFact::HandedOver { lines, overridden, .. } => {
                    assert!(before.goods.state.on_shelf(), "handed over while {}", before.goods.state);
                    assert!(
                        before.money.state.allows_hand_over() || overridden.is_some(),
                        "handed over while {} without an override",
                        before.money.state
                    );
                    self.gone.push(lines.iter().map(|l| l.quantity).sum());
                }
                StoreFact::HandOverUndone { .. } => _ = self.gone.pop().expect("something to undo"),
                StoreFact::PutBack { lines, .. } => self.put_back += lines.iter().map(|l| l.quantity).sum::<u32>(),
                _ => {}
            }
        }
    }

    fn check(&self, r: &Reservation) {
        let sum = |f: fn(&shop_model::reservation::LineGoods) -> u32| r.goods.lines.iter().map(f).sum::<u32>();
        assert_eq!(sum(|l| l.handed_over), self.gone.iter().sum::<u32>(), "pieces that left");
        assert_eq!(sum(|l| l.put_back), self.put_back, "stock is free again at a put-back and never else");
    }
}

fn holds(r: &Reservation, before: Option<&Reservation>) {
    for l in &r.goods.lines {
        let booked = l.short + l.handed_over + l.refused + l.put_back.saturating_sub(l.refused);
        assert!(booked <= l.line.quantity, "{booked} of {} pieces", l.line.quantity);
    }
    if r.goods.state.on_shelf() {
        assert!(!r.goods.bags.is_empty() && r.goods.hold_until.is_some() && r.round > 0, "{:?}", r.goods);
    }
    if r.goods.state == GoodsState::HandedOver {
        assert_eq!(r.goods.open_lines(), []);
        assert!(!r.goods.hand_overs.is_empty());
    }
    let mut told: Vec<_> = r.transitions.iter().map(|t| t.event).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), r.transitions.len(), "one telling for one fact");
    if let Some(before) = before {
        assert!(r.round >= before.round, "the round went from {} to {}", before.round, r.round);
        let kept = before.transitions.iter().all(|t| r.transitions.contains(t));
        assert!(kept, "a telling was taken back: {:?} then {:?}", before.transitions, r.transitions);
    }
    assert!(r.money.due.0 >= 0 && r.money.refund_due.0 >= 0);
}

fn play(steps: Vec<Step>, kind: OrderKind) -> World {
    let due = if kind == OrderKind::PayInStore { 32_970 } else { 0 };
    let mut w = World::with(order(kind, 32_970, due));
    let mut simple = Simple::default();
    let mut last: Option<Reservation> = None;
    for step in steps {
        match step {
            Step::Store(command, who) => {
                let before = w.at_store();
                let written = w.store.len();
                let actor = match who {
                    Who::Staff => Actor::staff("anna"),
                    Who::Customer => Actor::customer("person"),
                    Who::System => Actor::system(),
                };
                // A refusal is as good as an answer here; what it wrote is checked like the rest.
                w.try_as(&command, actor).ok();
                simple.apply(&before, &w.store[written..]);
            }
            Step::Hq(fact) => _ = w.hq(fact),
            Step::StoreHears(more) => {
                w.store_heard = (w.store_heard + more).min(w.hq.len());
                w.reconcile();
            }
            Step::HqHears(more) => w.hq_heard = (w.hq_heard + more).min(w.store.len()),
            Step::Later(seconds) => w.later(Duration::from_secs(seconds)),
        }
        let r = w.at_store();
        holds(&r, last.as_ref());
        holds(&w.at_hq(), None);
        simple.check(&r);
        last = Some(r);
    }
    w
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_story_keeps_the_rules_and_ends_in_agreement(
        steps in vec(step(), 0..40),
        kind in prop::sample::select(std::vec![OrderKind::Prepaid, OrderKind::PayInStore, OrderKind::ShipToStore]),
    ) {
        let mut w = play(steps, kind);
        w.sync();
        let r = w.both();
        holds(&r, None);
        prop_assert!(r.wishes.iter().all(|w| w.answer != Answer::Pending), "{:?}", r.wishes);
        prop_assert_eq!(consequences(&w.hq, &w.store), []);
        let wished = r.wishes.iter().any(|w| w.kind.as_str() == "cancel");
        let left = r.goods.lines.iter().any(|l| l.handed_over > 0);
        let cases = cases_due(shop_model::ids::ReservationId::from_bytes([9; 16]), &w.hq, &w.store);
        prop_assert_eq!(!cases.is_empty(), wished && left, "a case for what left although HQ had cancelled");
    }

    /// The two logs reach a reader in any interleaving, each in its own order; the state in between is some state, and
    /// the last one is always the same.
    #[test]
    fn any_interleaving_of_the_same_logs_ends_in_the_same_state(
        steps in vec(step(), 0..30),
        first in vec(any::<bool>(), 0..80),
        second in vec(any::<bool>(), 0..80),
    ) {
        let mut w = play(steps, OrderKind::Prepaid);
        w.sync();
        let read = |order: &[bool]| {
            let (mut h, mut s) = (0, 0);
            let mut seen = Vec::new();
            for from_hq in order.iter().copied().chain(std::iter::repeat_n(true, w.hq.len())) {
                if from_hq { h = (h + 1).min(w.hq.len()) } else { s = (s + 1).min(w.store.len()) }
                seen.push(fold(&w.hq[..h], &w.store[..s]).version);
            }
            while s < w.store.len() {
                s += 1;
                seen.push(fold(&w.hq[..h], &w.store[..s]).version);
            }
            assert!(seen.is_sorted(), "the version never goes down");
            fold(&w.hq[..h], &w.store[..s])
        };
        prop_assert_eq!(read(&first), read(&second));
        prop_assert_eq!(read(&first), w.both());
    }
}

fn any_lines() -> impl Strategy<Value = Vec<LineQuantity>> {
    vec((0..4_u32, any::<u32>()).prop_map(|(line, quantity)| LineQuantity { line, quantity }), 0..4)
}

fn any_id() -> impl Strategy<Value = EventId> {
    (0..40_u8).prop_map(|b| EventId::from_bytes([b; 16]))
}

fn any_time() -> impl Strategy<Value = jiff::Timestamp> {
    any::<i32>().prop_map(|s| jiff::Timestamp::from_second(i64::from(s)).unwrap())
}

fn any_store_fact() -> impl Strategy<Value = StoreFact> {
    let by = prop::sample::select(&ActorKind::ALL[..]);
    let because = prop::sample::select(Because::ALL);
    let overridden = prop::option::of(Just(Override { by: StaffId::parse("anna").unwrap(), reason: "x".into() }));
    prop_oneof![
        Just(StoreFact::Accepted),
        Just(StoreFact::PickStarted),
        any_lines().prop_map(|lines| StoreFact::Short { lines, substitute: None }),
        "[1-3]".prop_map(|b| StoreFact::BagStaged(bag(&b, "A"))),
        any_time().prop_map(|hold_until| StoreFact::Ready { bags: std::vec![], hold_until }),
        Just(StoreFact::Attended),
        Just(StoreFact::Left),
        any::<u32>().prop_map(|tries| StoreFact::CodeFailed { tries }),
        any_time().prop_map(|until| StoreFact::CodeLocked { until }),
        (any_lines(), overridden).prop_map(|(lines, overridden)| StoreFact::HandedOver {
            lines,
            method: Method::Code,
            overridden,
        }),
        any_id().prop_map(|undoes| StoreFact::HandOverUndone { undoes }),
        (any_lines(), any::<i64>()).prop_map(|(lines, minor)| StoreFact::Refused {
            lines,
            reason: "x".into(),
            refund_due: Amount(minor),
        }),
        (any_time(), by).prop_map(|(until, by)| StoreFact::HoldExtended { until, by }),
        Just(StoreFact::Expired),
        any_lines().prop_map(|lines| StoreFact::PutBack { lines, shelf: None }),
        any::<i64>().prop_map(|minor| StoreFact::PaidInStore {
            amount: Amount(minor),
            tender: Tender::Card,
            receipt: None,
        }),
        prop::option::of(any_id()).prop_map(|wish| StoreFact::Cancelled { wish, reason: None }),
        (any_id(), because.clone()).prop_map(|(wish, because)| StoreFact::CancelRejected { wish, because }),
        (0..4_u32, because).prop_map(|(revision, because)| StoreFact::AmendmentRejected { revision, because }),
        Just(StoreFact::Released { to_store: store_id("praga") }),
    ]
}

fn any_hq_fact() -> impl Strategy<Value = HqFact> {
    let placed = (any::<i64>(), any::<i64>(), any::<u32>()).prop_map(|(total, due, quantity)| {
        let mut fact = order(OrderKind::Prepaid, total, due);
        if let HqFact::Placed(p) = &mut fact {
            p.lines[0].quantity = quantity;
            p.lines[1].unit_price = Amount(i64::MAX);
        }
        fact
    });
    prop_oneof![2 => placed, 5 => hq_fact()]
}

fn entries<F: std::fmt::Debug>(fact: impl Strategy<Value = F>) -> impl Strategy<Value = Vec<Entry<F>>> {
    let entry = (any_id(), any::<u64>(), 0..20_u64, any::<i64>(), prop::option::of(any_id()), fact).prop_map(
        |(id, n, seen, unix_ms, cause, body)| Entry {
            id,
            n,
            seen,
            at: sans_io::Wall { unix_ms, ..Default::default() },
            actor: Actor::system(),
            cause,
            body,
        },
    );
    vec(entry, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    /// Facts that no store or HQ would write, in any order, with repeated ids and numbers that do not follow.
    #[test]
    fn no_facts_make_the_fold_panic(hq in entries(any_hq_fact()), store in entries(any_store_fact())) {
        let r = fold(&hq, &store);
        prop_assert_eq!(r.version, (hq.len() + store.len()) as u64);
        prop_assert!(consequences(&hq, &store).len() <= hq.len() + 1);
    }
}
