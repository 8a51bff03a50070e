//! The table of who wins, row by row. In each the store is cut off while both ends act; then both hear all.

use std::time::Duration;

use shop_model::decide::{Command, Problem};
use shop_model::event::*;
use shop_model::ids::{CaseId, ReservationId};
use shop_model::reservation::{Answer, Explanation, GoodsState, MoveOutcome, Moved, cases_due, move_outcome};

use crate::support::*;

fn ready() -> World {
    let mut w = World::prepaid();
    w.act(stage());
    w.sync();
    w
}

fn explained(w: &World, what: &Explanation) -> bool {
    w.both().why.iter().any(|why| why.what == *what)
}

fn reservation() -> ReservationId {
    ReservationId::from_bytes([9; 16])
}

#[test]
fn cancelled_while_handed_over_stands_and_opens_a_case() {
    let mut w = ready();
    let wish = w.hq(cancel());
    w.act(hand_over());
    assert_eq!(w.at_hq().wish_word(), "cancel", "HQ shows that it asked");
    let owed = w.sync();
    assert!(matches!(owed[..], [shop_model::reservation::Owed {
        cause, fact: StoreFact::CancelRejected { because: Because::HandedOver, .. },
    }] if cause == wish));
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::HandedOver);
    assert_eq!(r.wishes[0].answer, Answer::Rejected(Because::HandedOver));
    assert_eq!(r.wish_word(), "none");
    assert!(r.why.iter().any(|w| w.what == Explanation::CancelRejectedBecauseHandedOver && w.what.is_alert()));
    let cases = cases_due(reservation(), &w.hq, &w.store);
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0].case, CaseId::derive(reservation(), wish));
    assert_eq!(cases[0].kind, CaseKind::CancelAfterHandover);
}

#[test]
fn cancelled_while_partly_handed_over_cancels_the_rest_and_opens_a_case_for_what_left() {
    let mut w = ready();
    w.hq(cancel());
    w.act(hand_over_line(2, 1));
    w.sync();
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::Cancelled);
    assert_eq!(r.wishes[0].answer, Answer::GrantedForTheRest);
    let rest = [LineQuantity { line: 1, quantity: 1 }, LineQuantity { line: 2, quantity: 1 }];
    assert_eq!(r.goods.put_back_due(), rest);
    assert_eq!(cases_due(reservation(), &w.hq, &w.store).len(), 1);
    // 329,70 paid, one piece of 64,85 kept.
    assert_eq!((r.money.state, r.money.refund_due.0), (MoneyState::RefundDue, 32_970 - 6_485));
    w.act(Command::PutBack { lines: None, shelf: None });
    assert_eq!(w.at_store().goods.state, GoodsState::PutBack);
    assert_eq!(w.at_store().goods.put_back_due(), []);
}

#[test]
fn cancelled_while_handed_over_and_then_undone_is_cancelled() {
    let mut w = ready();
    w.hq(cancel());
    w.act(hand_over());
    w.sync();
    w.act(Command::Undo);
    assert_eq!(w.at_store().wish_word(), "cancel", "the wish stands again");
    let owed = w.sync();
    assert!(matches!(owed[0].fact, StoreFact::Cancelled { wish: Some(_), .. }));
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::Cancelled);
    assert_eq!(r.goods.put_back_due().len(), 2);
    assert_eq!(r.wishes[0].answer, Answer::Granted);
    let told: Vec<_> = r.transitions.iter().map(|t| t.what).collect();
    use Moved::*;
    assert_eq!(told, [Ready, Collected, CancelRejected, CollectionUndone, Cancelled]);
}

#[test]
fn cancelled_while_handed_over_and_undone_before_anybody_heard_is_cancelled() {
    let mut w = ready();
    w.hq(cancel());
    w.act(hand_over());
    w.act(Command::Undo);
    assert_eq!(w.at_store().goods.state, GoodsState::Ready);
    w.sync();
    assert_eq!(w.both().goods.state, GoodsState::Cancelled);
    assert_eq!(cases_due(reservation(), &w.hq, &w.store), []);
}

#[test]
fn cancelled_while_not_handed_over_is_cancelled_and_to_be_put_back() {
    let mut w = ready();
    w.hq(cancel());
    w.sync();
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::Cancelled);
    assert_eq!(r.goods.put_back_due().iter().map(|l| l.quantity).sum::<u32>(), 3);
    assert_eq!((r.money.state, r.money.refund_due.0), (MoneyState::RefundDue, 32_970));
    assert!(explained(&w, &Explanation::CancelledByHq));
    let untouched = {
        let mut w = World::prepaid();
        w.hq(cancel());
        w.sync();
        w.both()
    };
    assert_eq!(untouched.goods.state, GoodsState::Cancelled);
    assert_eq!(untouched.goods.put_back_due(), [], "nobody took anything from the floor");
}

#[test]
fn a_hand_over_waits_for_the_answer_to_a_cancel_that_was_heard() {
    let mut w = ready();
    w.hq(cancel());
    w.store_heard = w.hq.len();
    let refused = w.try_do(hand_over()).unwrap_err();
    assert_eq!(refused.problem.kind(), "wrong-state");
    w.sync();
    assert_eq!(w.both().goods.state, GoodsState::Cancelled);
}

#[test]
fn amended_while_not_yet_picked_has_the_new_lines() {
    let mut w = World::prepaid();
    w.hq(amend(1, 5));
    w.act(Command::Accept);
    w.sync();
    let r = w.both();
    assert_eq!(r.goods.lines[0].line.quantity, 5);
    assert_eq!(r.money.total.0, 50_000);
    assert_eq!(r.wishes[0].answer, Answer::Granted);
    assert!(explained(&w, &Explanation::AmendedBeforePicking));
}

#[test]
fn amended_while_the_old_lines_were_picked_is_rejected() {
    let mut w = World::prepaid();
    let wish = w.hq(amend(1, 5));
    w.act(Command::Pick);
    let owed = w.sync();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].cause, wish);
    assert_eq!(owed[0].fact, StoreFact::AmendmentRejected { revision: 1, because: Because::Picked });
    let r = w.both();
    assert_eq!((r.goods.lines[0].line.quantity, r.money.total.0), (1, 32_970), "the old lines stand");
    assert!(explained(&w, &Explanation::AmendmentRejected(Because::Picked)));
}

#[test]
fn amended_in_time_and_picked_afterwards_has_the_new_lines() {
    let mut w = World::prepaid();
    w.hq(amend(1, 5));
    w.sync();
    w.act(Command::Pick);
    assert_eq!(w.sync(), []);
    assert_eq!(w.both().goods.lines[0].line.quantity, 5);
}

fn moved() -> HqFact {
    HqFact::Moved { to_store: store_id("praga") }
}

/// The same order, placed at the store to which it was moved.
fn at_the_other_store() -> World {
    let HqFact::Placed(mut placed) = order(OrderKind::Prepaid, 32_970, 0) else { unreachable!() };
    placed.from_store = Some(store_id("wola"));
    World::with(HqFact::Placed(placed))
}

#[test]
fn moved_while_on_the_shelf_waits_for_the_release_or_for_hq_s_word() {
    let mut a = ready();
    let mut b = at_the_other_store();
    a.hq(moved());
    assert_eq!(b.both().goods.state, GoodsState::Inbound);
    assert_eq!(move_outcome(&a.at_hq(), &b.at_hq()), MoveOutcome::AwaitingRelease);
    let refused = b.try_do(stage()).unwrap_err();
    assert!(matches!(refused.problem, Problem::WrongState { state: GoodsState::Inbound, .. }));

    let owed = a.sync();
    assert!(matches!(&owed[..], [o] if o.fact == StoreFact::Released { to_store: store_id("praga") }));
    assert_eq!(a.both().goods.state, GoodsState::Released);
    assert_eq!(a.both().goods.put_back_due().len(), 2);
    assert_eq!(move_outcome(&a.at_hq(), &b.at_hq()), MoveOutcome::Released);
    b.hq(HqFact::SourceReleased { from_store: store_id("wola"), reason: None });
    b.sync();
    assert_eq!(b.both().goods.state, GoodsState::Received);
    b.act(stage());

    let mut impatient = at_the_other_store();
    impatient.hq(HqFact::SourceReleased { from_store: store_id("wola"), reason: Some("the box is dead".into()) });
    impatient.sync();
    impatient.act(stage());
    assert_eq!(impatient.at_store().goods.state, GoodsState::Ready);
}

#[test]
fn moved_while_handed_over_stands_where_it_was_handed_over() {
    let mut a = ready();
    let b = at_the_other_store();
    a.hq(moved());
    a.act(hand_over());
    assert_eq!(a.sync(), []);
    assert_eq!(a.both().goods.state, GoodsState::HandedOver);
    assert_eq!(a.both().wishes[0].answer, Answer::Rejected(Because::HandedOver));
    assert_eq!(move_outcome(&a.both(), &b.both()), MoveOutcome::SourceStands);
}

#[test]
fn moved_and_handed_over_in_both_stores_keeps_two_facts() {
    let mut a = ready();
    let mut b = at_the_other_store();
    a.hq(moved());
    a.act(hand_over());
    b.hq(HqFact::SourceReleased { from_store: store_id("wola"), reason: Some("customer waits".into()) });
    b.sync();
    b.act(stage());
    b.act(hand_over());
    a.sync();
    b.sync();
    assert_eq!(move_outcome(&a.both(), &b.both()), MoveOutcome::BothHandedOver);
    assert_eq!((a.both().goods.state, b.both().goods.state), (GoodsState::HandedOver, GoodsState::HandedOver));
}

#[test]
fn moved_while_handed_over_and_then_undone_is_released() {
    let mut a = ready();
    a.hq(moved());
    a.act(hand_over());
    a.sync();
    a.act(Command::Undo);
    a.sync();
    assert_eq!(a.both().goods.state, GoodsState::Released);
}

fn expired() -> World {
    let mut w = World::with(order(OrderKind::PayInStore, 32_970, 32_970));
    w.act(stage());
    w.sync();
    w.at("2026-05-23T20:00");
    w.try_as(&Command::Expire, Actor::system()).unwrap();
    w
}

#[test]
fn paid_while_expired_stays_expired_and_a_refund_is_due() {
    let mut w = expired();
    w.hq(paid());
    w.sync();
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::Expired);
    assert_eq!((r.money.state, r.money.refund_due.0), (MoneyState::RefundDue, 32_970));
    assert!(explained(&w, &Explanation::PaidButEnded));
    w.hq(HqFact::PaymentChanged {
        money: MoneyState::Refunded,
        amount: shop_model::money::Amount(32_970),
        reference: None,
    });
    w.sync();
    assert_eq!((w.both().money.state, w.both().money.refund_due.0), (MoneyState::Refunded, 0));
}

#[test]
fn payment_changed_while_handed_over_keeps_both_for_they_are_separate_regions() {
    let mut w = ready();
    w.hq(HqFact::PaymentChanged { money: MoneyState::Due, amount: shop_model::money::Amount(32_970), reference: None });
    w.act(hand_over());
    w.sync();
    let r = w.both();
    assert_eq!(r.goods.state, GoodsState::HandedOver);
    assert_eq!((r.money.state, r.money.due.0), (MoneyState::Due, 32_970));
    assert!(explained(&w, &Explanation::PaymentChangedAfterHandOver));
}

#[test]
fn extended_while_expired_and_not_put_back_is_open_again() {
    let mut w = expired();
    w.later(Duration::from_secs(3_600));
    let until = "2026-05-26T18:00:00Z".parse().unwrap();
    let wish = w.hq(HqFact::Extended { until });
    assert_eq!(w.at_hq().goods.state, GoodsState::Ready, "HQ has not heard that it expired");
    let owed = w.sync();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].cause, wish);
    let r = w.both();
    assert_eq!((r.goods.state, r.goods.hold_until), (GoodsState::Ready, Some(until)));
    assert_eq!(r.round, 2, "another deadline is another round");
    assert!(explained(&w, &Explanation::ReopenedByExtension));
}

#[test]
fn extended_while_expired_and_put_back_comes_too_late() {
    let mut w = expired();
    w.act(Command::PutBack { lines: None, shelf: None });
    w.hq(HqFact::Extended { until: "2026-05-26T18:00:00Z".parse().unwrap() });
    assert_eq!(w.sync(), []);
    assert_eq!(w.both().goods.state, GoodsState::PutBack);
    assert!(explained(&w, &Explanation::ExtensionTooLate));
}

#[test]
fn extended_before_the_hold_ended_moves_the_deadline_without_an_answer() {
    let mut w = ready();
    let until = "2026-05-26T18:00:00Z".parse().unwrap();
    w.hq(HqFact::Extended { until });
    assert_eq!(w.sync(), []);
    assert_eq!((w.both().goods.hold_until, w.both().round), (Some(until), 2));
    w.at("2026-05-23T20:00");
    assert_eq!(w.try_as(&Command::Expire, Actor::system()).unwrap_err().problem.kind(), "wrong-state");
    w.at("2026-05-26T20:00");
    w.try_as(&Command::Expire, Actor::system()).unwrap();
    // The store knew of the extension when it let the order expire: nothing is owed.
    assert_eq!(w.sync(), []);
    assert_eq!(w.both().goods.state, GoodsState::Expired);
}
