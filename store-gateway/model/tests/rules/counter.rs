//! What staff may do at the counter, and what is refused.

use std::time::Duration;

use sans_io::ClockQuality;
use shop_model::decide::{Check, Command, Problem, Proof, Role};
use shop_model::event::*;
use shop_model::money::Amount;
use shop_model::reservation::{Explanation, GoodsState, Presence};

use crate::support::*;

fn ready() -> World {
    let mut w = World::prepaid();
    w.act(stage());
    w
}

fn with_code(check: Check) -> Command {
    Command::HandOver { lines: None, proof: Proof::Code(check), override_reason: None }
}

#[test]
fn staging_leads_straight_to_ready_with_the_deadline_of_the_hold_rule() {
    let mut w = ready();
    let r = w.at_store();
    assert_eq!(r.goods.state, GoodsState::Ready);
    // Thu 21.05.2026 12:07 in Warsaw is held to Sat 23.05 20:00, which is 18:00 UTC.
    assert_eq!(r.goods.hold_until, Some("2026-05-23T18:00:00Z".parse().unwrap()));
    assert_eq!((r.round, r.goods.bags.len()), (1, 1));
    w.act(stage());
    assert_eq!((w.at_store().round, w.store.len()), (1, 2), "the same bag on the same shelf changes nothing");
    w.act(Command::Stage { bags: vec![bag("1", "C1")] });
    assert_eq!((w.at_store().round, w.at_store().goods.bags.len()), (2, 1));
    w.act(Command::Stage { bags: vec![bag("2", "C1")] });
    assert_eq!((w.at_store().round, w.at_store().goods.bags.len()), (3, 2));
}

#[test]
fn pay_in_store_blocks_the_hand_over_until_paid_at_the_till() {
    let mut w = World::with(order(OrderKind::PayInStore, 32_970, 32_970));
    w.act(stage());
    let refused = w.try_do(hand_over()).unwrap_err();
    assert!(matches!(refused.problem, Problem::MoneyDue { due } if due.amount == Amount(32_970)));
    assert_eq!(refused.problem.kind(), "money-due");
    let pay = |minor| Command::PayInStore { amount: Amount(minor), tender: Tender::Card, receipt: None };
    assert_eq!(w.try_do(pay(100)).unwrap_err().problem.kind(), "wrong-amount");
    w.act(pay(32_970));
    assert_eq!(w.at_store().money.state, MoneyState::PaidStore);
    w.act(hand_over());
    assert_eq!(w.at_store().goods.state, GoodsState::HandedOver);
}

#[test]
fn a_reserved_payment_is_no_payment() {
    let mut w = ready();
    w.hq(HqFact::PaymentChanged { money: MoneyState::Authorised, amount: Amount(32_970), reference: None });
    w.sync();
    assert_eq!(w.try_do(hand_over()).unwrap_err().problem.kind(), "money-due");
}

#[test]
fn only_a_manager_overrides_and_only_with_a_reason() {
    let mut w = World::with(order(OrderKind::PayInStore, 32_970, 32_970));
    w.act(stage());
    let over =
        |reason: &str| Command::HandOver { lines: None, proof: Proof::Nothing, override_reason: Some(reason.into()) };
    w.role = Role::Senior;
    assert_eq!(w.try_do(over("known customer")).unwrap_err().problem, Problem::Forbidden);
    w.role = Role::Manager;
    assert_eq!(w.try_do(over("  ")).unwrap_err().problem, Problem::Missing { what: "reason" });
    w.act(over("known customer"));
    let r = w.at_store();
    assert_eq!((r.goods.state, r.goods.hand_overs[0].method), (GoodsState::HandedOver, Method::Override));
    assert!(r.why.iter().any(|w| matches!(w.what, Explanation::HandedOverOnOverride { .. })));
}

#[test]
fn without_proof_or_override_nothing_leaves() {
    let mut w = ready();
    let bare = Command::HandOver { lines: None, proof: Proof::Nothing, override_reason: None };
    assert_eq!(w.try_do(bare).unwrap_err().problem, Problem::Missing { what: "code" });
    assert_eq!(w.at_store().goods.state, GoodsState::Ready);
}

#[test]
fn five_wrong_codes_lock_the_order_and_each_further_lock_lasts_twice_as_long() {
    let mut w = ready();
    for tries in 1..=5 {
        let refused = w.try_do(with_code(Check::Wrong)).unwrap_err();
        assert_eq!(refused.problem, Problem::WrongCode { tries });
    }
    // Each fact takes a second here: the lock began one before the facts of the fifth miss were written.
    assert_eq!(w.try_do(with_code(Check::Right)).unwrap_err().problem.kind(), "locked");
    w.later(Duration::from_secs(60));
    for _ in 0..5 {
        assert_eq!(w.try_do(with_code(Check::Wrong)).unwrap_err().problem.kind(), "wrong-code");
    }
    w.later(Duration::from_secs(61));
    assert_eq!(w.try_do(with_code(Check::Right)).unwrap_err().problem.kind(), "locked");
    w.later(Duration::from_secs(60));
    w.act(with_code(Check::Right));
    assert_eq!(w.at_store().code.tries, 0);
}

#[test]
fn another_store_s_code_names_that_store() {
    let mut w = ready();
    let qr = Command::HandOver {
        lines: None,
        proof: Proof::Qr(Check::OtherStore(store_id("praga"))),
        override_reason: None,
    };
    assert_eq!(w.try_do(qr).unwrap_err().problem, Problem::WrongStore { store: store_id("praga") });
    assert_eq!(w.at_store().code.tries, 0, "it is no wrong try");
}

#[test]
fn undo_returns_the_goods_to_what_they_were() {
    let mut w = ready();
    w.act(Command::Arrive { via: Via::Sms, place: None });
    let before = w.at_store();
    w.act(hand_over());
    assert_eq!(w.at_store().presence, Presence::Left);
    w.act(Command::Undo);
    let after = w.at_store();
    assert_eq!((after.goods, after.presence), (before.goods, before.presence));
    w.act(hand_over());
    assert_eq!(w.at_store().goods.state, GoodsState::HandedOver);
}

#[test]
fn undo_of_one_part_leaves_the_other_handed_over() {
    let mut w = ready();
    w.act(hand_over_line(1, 1));
    assert_eq!(w.at_store().goods.state, GoodsState::Partial);
    w.act(hand_over_line(2, 2));
    assert_eq!(w.at_store().goods.state, GoodsState::HandedOver);
    w.act(Command::Undo);
    let r = w.at_store();
    assert_eq!(r.goods.state, GoodsState::Partial);
    assert_eq!(r.goods.open_lines(), [LineQuantity { line: 2, quantity: 2 }]);
}

#[test]
fn undo_ends_after_ten_minutes_and_at_a_fiscal_receipt() {
    let mut w = ready();
    w.act(hand_over());
    w.later(Duration::from_secs(601));
    assert_eq!(w.try_do(Command::Undo).unwrap_err().problem, Problem::TooLate);

    let mut w = World::with(order(OrderKind::PayInStore, 32_970, 32_970));
    w.act(stage());
    w.act(Command::PayInStore { amount: Amount(32_970), tender: Tender::Cash, receipt: Some("W/1".into()) });
    w.act(hand_over());
    assert_eq!(w.try_do(Command::Undo).unwrap_err().problem.kind(), "wrong-state");
}

#[test]
fn a_customer_cannot_undo() {
    let mut w = ready();
    w.act(hand_over());
    assert_eq!(w.try_as(&Command::Undo, Actor::customer("x")).unwrap_err().problem, Problem::Forbidden);
}

#[test]
fn refusing_a_line_raises_its_refund_and_keeps_the_rest_on_the_shelf() {
    let mut w = ready();
    let line = vec![LineQuantity { line: 2, quantity: 1 }];
    w.act(Command::Refuse { lines: Some(line), reason: "za duże".into() });
    assert!(matches!(&w.store.last().unwrap().body, StoreFact::Refused { refund_due: Amount(6_485), .. }));
    let r = w.at_store();
    assert_eq!(
        (r.goods.state, r.money.state, r.money.refund_due),
        (GoodsState::Ready, MoneyState::PaidOnline, Amount(6_485))
    );
    assert_eq!(r.goods.put_back_due(), [LineQuantity { line: 2, quantity: 1 }]);
    w.act(hand_over());
    let r = w.at_store();
    assert_eq!(
        (r.goods.state, r.money.state, r.money.refund_due),
        (GoodsState::HandedOver, MoneyState::RefundDue, Amount(6_485))
    );
    w.act(Command::PutBack { lines: None, shelf: None });
    assert_eq!((w.at_store().goods.state, w.at_store().goods.put_back_due()), (GoodsState::HandedOver, vec![]));
}

#[test]
fn refusing_all_is_refused_and_not_expired() {
    let mut w = ready();
    w.act(Command::Refuse { lines: None, reason: "rezygnacja na miejscu".into() });
    let r = w.at_store();
    assert_eq!((r.goods.state, r.money.refund_due), (GoodsState::Refused, Amount(32_970)));
    assert_eq!(w.try_do(hand_over()).unwrap_err().problem.kind(), "wrong-state");
}

#[test]
fn lines_must_be_there() {
    let mut w = ready();
    assert_eq!(w.try_do(hand_over_line(2, 3)).unwrap_err().problem, Problem::WrongLines { line: 2, open: 2 });
    assert_eq!(w.try_do(hand_over_line(9, 1)).unwrap_err().problem, Problem::WrongLines { line: 9, open: 0 });
    assert_eq!(w.try_do(hand_over_line(1, 0)).unwrap_err().problem, Problem::WrongLines { line: 1, open: 1 });
}

#[test]
fn a_hold_ends_only_by_a_clock_that_can_be_trusted() {
    let mut w = ready();
    w.at("2026-05-23T20:00");
    for quality in [ClockQuality::Unset, ClockQuality::Saved, ClockQuality::Rtc] {
        w.now.quality = quality;
        assert_eq!(w.try_as(&Command::Expire, Actor::system()).unwrap_err().problem, Problem::ClockUncertain);
    }
    w.now.quality = ClockQuality::Gsm;
    w.now.unix_ms -= 1;
    assert_eq!(w.try_as(&Command::Expire, Actor::system()).unwrap_err().problem.kind(), "wrong-state");
    w.now.unix_ms += 1;
    w.try_as(&Command::Expire, Actor::system()).unwrap();
    assert_eq!(w.at_store().goods.state, GoodsState::Expired);
}

#[test]
fn a_customer_extends_once_and_staff_as_often_as_needed() {
    let mut w = ready();
    w.try_as(&Command::Extend, Actor::customer("x")).unwrap();
    // Sat 23.05 20:00 and a day more is a Sunday: Mon 25.05 20:00.
    assert_eq!(w.at_store().goods.hold_until, Some("2026-05-25T18:00:00Z".parse().unwrap()));
    assert_eq!(w.try_as(&Command::Extend, Actor::customer("x")).unwrap_err().problem, Problem::NoMoreExtensions);
    w.act(Command::Extend);
    w.act(Command::Extend);
    assert_eq!(w.at_store().round, 4);
}

#[test]
fn an_arrival_is_noted_once_with_its_first_time() {
    let mut w = ready();
    w.act(Command::Arrive { via: Via::Sms, place: None });
    let first = w.at_store().presence;
    w.act(Command::Arrive { via: Via::Call, place: Some("drzwi".into()) });
    assert_eq!(w.at_store().presence, first);
    w.act(Command::Attend);
    let Presence::Attended { since: Some(since), by } = w.at_store().presence else { panic!("not attended") };
    assert!(matches!(first, Presence::Arrived { since: s, .. } if s == since) && by == "anna");
    w.act(Command::Leave);
    w.act(Command::Arrive { via: Via::Staff, place: None });
    assert!(matches!(w.at_store().presence, Presence::Arrived { via: Via::Staff, .. }));
}

#[test]
fn a_recalled_product_stays_until_hq_lets_it_go() {
    let mut w = ready();
    w.hq(HqFact::Frozen { sku: "SKU-1".into(), lot: None });
    w.sync();
    assert_eq!(w.try_do(hand_over()).unwrap_err().problem.kind(), "wrong-state");
    w.hq(HqFact::Unfrozen);
    w.sync();
    w.act(hand_over());
}

#[test]
fn what_nobody_placed_is_unknown() {
    let mut w = World::prepaid();
    w.store_heard = 0;
    assert_eq!(w.try_do(stage()).unwrap_err().problem, Problem::UnknownOrder);
}

#[test]
fn staff_cancel_at_the_customer_s_word() {
    let mut w = ready();
    w.act(Command::RequestCancel { reason: "klient zadzwonił".into() });
    let r = w.at_store();
    assert_eq!((r.goods.state, r.money.refund_due), (GoodsState::Cancelled, Amount(32_970)));
    assert!(r.why.iter().any(|w| w.what == Explanation::CancelledByStaff));
}

#[test]
fn paid_online_and_at_the_till_is_noticed_and_one_goes_back() {
    let mut w = World::with(order(OrderKind::PayInStore, 32_970, 32_970));
    w.act(stage());
    w.hq(paid());
    w.act(Command::PayInStore { amount: Amount(32_970), tender: Tender::Cash, receipt: None });
    w.act(hand_over());
    w.sync();
    let r = w.both();
    assert_eq!((r.money.state, r.money.refund_due), (MoneyState::RefundDue, Amount(32_970)));
    assert!(r.why.iter().any(|w| w.what == Explanation::PaidTwice && w.what.is_alert()));
}

#[test]
fn a_short_order_is_ready_with_what_there_is() {
    let mut w = World::prepaid();
    w.act(Command::Accept);
    w.act(Command::Pick);
    w.act(Command::Short { lines: vec![LineQuantity { line: 2, quantity: 1 }], substitute: None });
    assert_eq!(w.at_store().goods.state, GoodsState::Short);
    w.act(stage());
    w.act(hand_over());
    let r = w.at_store();
    assert_eq!((r.goods.state, r.money.refund_due), (GoodsState::HandedOver, Amount(6_485)));
    assert_eq!(r.goods.lines[1].handed_over, 1);
}

#[test]
fn a_hold_extended_by_a_cloned_box_does_not_open_what_was_partly_put_back() {
    let mut w = ready();
    w.at("2026-05-23T20:00");
    w.try_as(&Command::Expire, Actor::system()).unwrap();
    w.act(Command::PutBack { lines: Some(vec![LineQuantity { line: 1, quantity: 1 }]), shelf: None });
    w.fact(StoreFact::HoldExtended { until: "2026-05-26T18:00:00Z".parse().unwrap(), by: ActorKind::Staff });
    assert_eq!(w.at_store().goods.state, GoodsState::Expired);
}

#[test]
fn two_hand_overs_by_two_boxes_are_two_facts_and_an_alert() {
    let mut w = ready();
    w.act(hand_over());
    w.fact(StoreFact::HandedOver { lines: vec![], method: Method::Code, overridden: None });
    let r = w.at_store();
    assert_eq!((r.goods.state, r.goods.hand_overs.len()), (GoodsState::HandedOver, 2));
    assert!(r.why.iter().any(|w| w.what == Explanation::HandedOverTwice && w.what.is_alert()));
    assert_eq!(r.goods.lines[1].handed_over, 2, "no piece leaves twice");
    w.act(Command::Undo);
    assert_eq!(w.at_store().goods.state, GoodsState::HandedOver, "the other one stands");
}
