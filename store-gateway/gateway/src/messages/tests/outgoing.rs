//! From READY to the phone, and everything that may come in between.

use std::time::Duration;

use gsm_modem::engine::ReferenceMove;
use gsm_modem::failure::{FailureCause, FailureClass};
use gsm_modem::pdu::{Direction, Message, StatusReport, decode};
use gsm_modem::{ExpectedReference, MoreToSend};
use shop_model::decide::{Check, Command, Proof};
use shop_model::message::{MessageState, Purpose};

use crate::messages::sending::{self, Picked};
use crate::messages::testing::{Order, Shop, anna};
use crate::messages::{Fold, Settle, TextError, outcome};

impl Shop {
    /// The next part, with the modem's counter at `reference`.
    pub(super) async fn pick(&self, reference: u8) -> Option<Picked> {
        self.work(move |desk| sending::pick(desk, ExpectedReference::Known(reference))).await
    }

    pub(super) async fn pick_some(&self, reference: u8) -> Picked {
        self.pick(reference).await.expect("something to send")
    }

    pub(super) async fn accepted(&self, picked: &Picked, reference: u8) {
        let token = picked.token;
        self.work(move |desk| outcome::accepted(desk, token, reference)).await;
    }

    pub(super) async fn failed(&self, picked: &Picked, class: FailureClass, cause: FailureCause) {
        let token = picked.token;
        self.work(move |desk| outcome::failed(desk, token, class, cause)).await;
    }

    pub(super) async fn unknown(&self, picked: &Picked) {
        let token = picked.token;
        self.work(move |desk| outcome::unknown(desk, token, "no-answer")).await;
    }

    pub(super) async fn report(&self, number: &str, reference: u8, status: u8) {
        let now = self.app.clock.wall().unix_ms;
        let report =
            StatusReport { reference, recipient: super::incoming::address(number), scts: now, discharge: now, status };
        self.work(move |desk| outcome::report(desk, &report)).await;
    }
}

const PHONE: &str = "+48600100813";

fn text(picked: &Picked) -> String {
    match decode(&picked.hex, Direction::FromMs).unwrap() {
        Message::Submit(submit) => submit.data.text.into_inner(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ready_is_queued_once_however_often_the_reconciler_runs_and_a_placement_alone_is_silent() {
    let shop = Shop::open().await;
    let id = shop.place(&Order::pl("48213")).await;
    shop.reconcile().await;
    assert!(shop.messages().await.is_empty());
    shop.stage(id, "A1").await;
    shop.reconcile().await;
    shop.reconcile().await;
    let ready = shop.message().await;
    assert_eq!((ready.state, ready.purpose, ready.round, ready.parts), (MessageState::Queued, Purpose::Ready, 1, 1));
    assert!(ready.text.contains("48213") && ready.text.contains("{code}"), "the code stays unfilled");
    // Thursday noon is held to Saturday's closing.
    assert_eq!(ready.valid_until_ms, super::super::testing::at("2030-05-25T20:00"));
}

#[tokio::test]
async fn the_code_is_put_in_on_the_way_to_the_modem_and_stands_nowhere_else() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    let code = shop.work(move |desk| desk.reveal_code(id)).await.unwrap().reveal().to_owned();
    let sent = text(&picked);
    assert!(sent.contains(&code), "the customer gets the code");
    assert!(sent.is_ascii(), "folded: Polish letters would cost 90 characters");
    assert_eq!(picked.more, MoreToSend::No);
    for (table, column) in [("message", "text"), ("sync_log", "text"), ("sync_outbox", "text"), ("submission", "cause")]
    {
        let sql: &'static str = Box::leak(
            format!("SELECT count(*) FROM {table} WHERE CAST({column} AS TEXT) LIKE '%{code}%'").into_boxed_str(),
        );
        assert_eq!(shop.count(sql).await, 0, "the code stands in {table}");
    }
}

#[tokio::test]
async fn a_submission_is_committed_before_the_modem_hears_of_it_and_a_restart_calls_it_unknown() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    assert_eq!(shop.count("SELECT count(*) FROM submission WHERE state = 'submitting' AND expected = 41").await, 1);
    assert_eq!(shop.message().await.state, MessageState::Submitting);
    assert!(shop.pick(41).await.is_none(), "not while one is under way");

    let unsettled = shop.work(sending::settle_earlier_run).await.unwrap();
    assert_eq!((unsettled.token, unsettled.expected), (picked.token, ExpectedReference::Known(41)));
    let message = shop.message().await;
    assert_eq!((message.state, message.cause.as_deref()), (MessageState::Unknown, Some("restart")));
    assert!(shop.pick(42).await.is_none(), "never blindly again");
    assert!(shop.work(sending::settle_earlier_run).await.is_none());
}

#[tokio::test]
async fn accepted_is_sent_and_the_report_makes_it_delivered() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    shop.accepted(&picked, 41).await;
    assert_eq!(shop.message().await.state, MessageState::Sent);
    shop.report("+48600100999", 41, 0).await;
    shop.report(PHONE, 40, 0).await;
    shop.report(PHONE, 41, 0x20).await;
    assert_eq!(shop.message().await.state, MessageState::Sent, "another number, another reference, still trying");
    // Networks write the number without its country as well.
    shop.report("600100813", 41, 0).await;
    assert_eq!(shop.message().await.state, MessageState::Delivered);
    shop.report(PHONE, 41, 0x46).await;
    assert_eq!(shop.message().await.state, MessageState::Delivered, "nothing takes it back");
}

#[tokio::test]
async fn a_report_that_overtakes_its_answer_is_kept_for_it() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    shop.report(PHONE, 41, 0).await;
    assert_eq!(shop.message().await.state, MessageState::Submitting);
    shop.accepted(&picked, 41).await;
    assert_eq!(shop.message().await.state, MessageState::Delivered);
    assert_eq!(shop.count("SELECT count(*) FROM report_early").await, 0);
}

#[tokio::test]
async fn a_report_of_last_week_with_the_same_reference_is_not_taken() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    shop.accepted(&picked, 41).await;
    let then = shop.app.clock.wall().unix_ms - 7 * 86_400_000;
    let report = StatusReport {
        reference: 41,
        recipient: super::incoming::address(PHONE),
        scts: then,
        discharge: then,
        status: 0,
    };
    shop.work(move |desk| outcome::report(desk, &report)).await;
    assert_eq!(shop.message().await.state, MessageState::Sent);
}

#[tokio::test]
async fn a_late_answer_or_a_report_settles_an_unknown_one() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.ready(&Order { phone: "+48600100814", ..Order::pl("2") }).await;
    shop.reconcile().await;
    let first = shop.pick_some(41).await;
    shop.unknown(&first).await;
    shop.accepted(&first, 41).await;
    let second = shop.pick_some(42).await;
    shop.unknown(&second).await;
    shop.report("+48600100814", 42, 0).await;
    let states: Vec<_> = shop.messages().await.into_iter().map(|m| m.state).collect();
    assert_eq!(states, [MessageState::Sent, MessageState::Delivered]);
    shop.pass(Duration::from_secs(1_000));
    shop.reconcile().await;
    assert!(shop.pick(43).await.is_none());
}

#[tokio::test]
async fn an_unknown_ready_goes_out_once_more_and_then_waits_for_a_person() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let first = shop.pick_some(41).await;
    shop.unknown(&first).await;
    shop.pass(Duration::from_secs(14 * 60));
    shop.reconcile().await;
    assert!(shop.pick(42).await.is_none(), "a report may still come");
    shop.pass(Duration::from_secs(2 * 60));
    shop.reconcile().await;
    let second = shop.pick_some(42).await;
    assert_eq!(text(&second), text(&first), "the same text with the same code");
    shop.unknown(&second).await;
    shop.pass(Duration::from_secs(3_600));
    shop.reconcile().await;
    assert!(shop.pick(43).await.is_none());
    let message = shop.message().await;
    assert_eq!(message.state, MessageState::Unknown);

    let id = message.id;
    shop.work(move |desk| super::super::settle(desk, id, Settle::NotSent, &anna())).await.unwrap();
    let third = shop.pick_some(43).await;
    shop.accepted(&third, 43).await;
    assert_eq!(shop.message().await.state, MessageState::Sent);
    let again = shop.work(move |desk| super::super::settle(desk, id, Settle::Sent, &anna())).await;
    assert_eq!(again, Err(TextError::WrongState { state: MessageState::Sent }));
}

#[tokio::test]
async fn what_the_sim_says_decides_whether_an_unknown_one_may_go_at_once() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let first = shop.pick_some(41).await;
    let token = first.token;
    shop.unknown(&first).await;
    shop.work(move |desk| outcome::reference_check(desk, token, ReferenceMove::Moved)).await;
    assert_eq!(shop.message().await.state, MessageState::Unknown, "it was tried");
    assert!(shop.pick(42).await.is_none());
    shop.work(move |desk| outcome::reference_check(desk, token, ReferenceMove::NotMoved)).await;
    assert_eq!(shop.message().await.state, MessageState::Queued, "it was never sent");
    assert!(shop.pick(41).await.is_some());
}

#[tokio::test]
async fn a_passing_failure_is_tried_three_times_and_then_shown() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    for wait_s in [30, 120] {
        let picked = shop.pick_some(41).await;
        shop.failed(&picked, FailureClass::Passing, FailureCause::Cms(38)).await;
        assert!(shop.pick(41).await.is_none(), "it backs off");
        shop.pass(Duration::from_secs(wait_s + 5));
    }
    let picked = shop.pick_some(41).await;
    shop.failed(&picked, FailureClass::Passing, FailureCause::Cms(38)).await;
    let message = shop.message().await;
    assert_eq!((message.state, message.cause.as_deref()), (MessageState::Failed, Some("cms-38")));
    let id = message.id;
    shop.work(move |desk| super::super::requeue(desk, id, &anna())).await.unwrap();
    assert!(shop.pick(41).await.is_some(), "a person may send it again");
}

#[tokio::test]
async fn what_was_not_ready_costs_no_try_and_a_refused_sim_keeps_its_messages() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    for _ in 0..5 {
        let picked = shop.pick_some(41).await;
        shop.failed(&picked, FailureClass::Passing, FailureCause::NotReady).await;
        shop.pass(Duration::from_secs(5));
    }
    let picked = shop.pick_some(41).await;
    shop.failed(&picked, FailureClass::Subscription, FailureCause::Cms(50)).await;
    assert_eq!(shop.message().await.state, MessageState::Queued);
}

#[tokio::test]
async fn a_recipient_that_refuses_is_failed_at_once() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let picked = shop.pick_some(41).await;
    shop.failed(&picked, FailureClass::Recipient, FailureCause::Cms(1)).await;
    assert_eq!(shop.message().await.state, MessageState::Failed);
    assert!(shop.pick(41).await.is_none());
}

#[tokio::test]
async fn a_failure_after_an_unknown_try_stays_unknown() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let first = shop.pick_some(41).await;
    shop.unknown(&first).await;
    shop.pass(Duration::from_secs(1_000));
    shop.reconcile().await;
    let second = shop.pick_some(42).await;
    shop.failed(&second, FailureClass::Recipient, FailureCause::Cms(1)).await;
    assert_eq!(shop.message().await.state, MessageState::Unknown, "the first may have gone out");
}

#[tokio::test]
async fn a_long_text_goes_part_by_part_and_is_delivered_when_each_part_is() {
    let shop = Shop::open().await;
    shop.ready(&Order { language: "uk", ..Order::pl("2026/11/00123") }).await;
    shop.reconcile().await;
    shop.pass(Duration::from_secs(5));
    shop.ready(&Order { phone: "+48600100814", ..Order::pl("2") }).await;
    shop.reconcile().await;
    let long = shop.messages().await.into_iter().find(|m| m.parts > 1).expect("Ukrainian is UCS-2").id;
    let mut parts = Vec::new();
    let total = shop.messages().await.iter().find(|m| m.id == long).unwrap().parts;
    for reference in 41..41 + total {
        let picked = shop.pick_some(reference).await;
        assert_eq!(picked.more, MoreToSend::Yes, "another message waits");
        match decode(&picked.hex, Direction::FromMs).unwrap() {
            Message::Submit(submit) => parts.push(submit.data.concat.unwrap()),
            other => panic!("{other:?}"),
        }
        shop.accepted(&picked, reference).await;
    }
    let numbers: Vec<u8> = parts.iter().map(|c| c.part).collect();
    assert_eq!(numbers, (1..=total).collect::<Vec<_>>());
    assert!(parts.iter().all(|c| c.reference == parts[0].reference && c.parts == total));
    assert_eq!(shop.state(long).await, MessageState::Sent);
    for reference in (41..41 + total).rev() {
        assert_eq!(shop.state(long).await, MessageState::Sent);
        shop.report(PHONE, reference, 0).await;
    }
    assert_eq!(shop.state(long).await, MessageState::Delivered);
}

#[tokio::test]
async fn after_an_unknown_part_is_settled_only_the_rest_goes_out() {
    let shop = Shop::open().await;
    shop.ready(&Order { language: "uk", ..Order::pl("2026/11/00123") }).await;
    shop.reconcile().await;
    let total = shop.message().await.parts;
    assert!(total >= 2);
    let first = shop.pick_some(41).await;
    shop.unknown(&first).await;
    assert!(shop.pick(42).await.is_none(), "no part after one in doubt");
    shop.report(PHONE, 41, 0).await;
    for reference in 42..41 + total {
        let picked = shop.pick_some(reference).await;
        shop.accepted(&picked, reference).await;
    }
    assert_eq!(shop.message().await.state, MessageState::Sent);
    assert_eq!(shop.count("SELECT count(*) FROM submission").await, i64::from(total), "no part twice");
}

#[tokio::test]
async fn a_message_about_a_collected_order_is_superseded() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let hand_over = Command::HandOver { lines: None, proof: Proof::Code(Check::Right), override_reason: None };
    shop.command(id, hand_over).await;
    shop.reconcile().await;
    let message = shop.message().await;
    assert_eq!((message.state, message.cause.as_deref()), (MessageState::Superseded, Some("handed_over")));
    assert!(shop.pick(41).await.is_none());
}

#[tokio::test]
async fn staff_write_to_an_order_and_see_what_it_costs() {
    let shop = Shop::open().await;
    let id = shop.place(&Order::pl("48213")).await;
    // ż is not in GSM-7: 70 characters a part; folded, 160.
    let cost = super::super::preview(&"ż".repeat(80), false).unwrap();
    assert_eq!((cost.encoding, cost.units, cost.parts, cost.left), ("ucs2", 80, 2, 54));
    let cost = super::super::preview(&"ż".repeat(80), true).unwrap();
    assert_eq!((cost.encoding, cost.units, cost.parts, cost.left), ("gsm7", 80, 1, 80));
    assert_eq!(super::super::preview("  ", false), Err(TextError::Empty));
    assert!(matches!(super::super::preview(&"x".repeat(2_000), false), Err(TextError::TooLong { .. })));

    let queued =
        shop.work(move |desk| super::super::enqueue_staff_text(desk, id, "Kod {code}?", Fold::Plain, &anna())).await;
    let sent = text(&shop.pick_some(41).await);
    assert_eq!(sent, "Kod (code)?", "no text of staff brings the code with it");
    assert_eq!(shop.message().await.id, queued.unwrap());
    let view =
        shop.app.read(|db| super::super::page(db, &super::super::Wanted { limit: 10, ..Default::default() })).await;
    let json = view.unwrap().items[0].to_json();
    assert_eq!(json["order"], "48213");
    assert_eq!(json["history"][0]["what"], "queued");
    assert_eq!(json["history"][0]["by"], "anna");
    assert_eq!(json["history"][1]["what"], "submitted");
}

#[tokio::test]
async fn after_a_restore_a_message_first_made_now_is_in_doubt_at_once() {
    let shop = Shop::open().await;
    let id = shop.place(&Order::pl("48213")).await;
    shop.work(move |desk| {
        desk.db().execute("UPDATE reservation SET unsure = 1", [])?;
        Ok(())
    })
    .await;
    shop.stage(id, "A1").await;
    shop.reconcile().await;
    let message = shop.message().await;
    assert_eq!((message.state, message.cause.as_deref()), (MessageState::Unknown, Some("restored")));
    assert!(shop.pick(41).await.is_none());
    shop.pass(Duration::from_secs(1_000));
    shop.reconcile().await;
    let once = shop.pick_some(41).await;
    shop.unknown(&once).await;
    shop.pass(Duration::from_secs(1_000));
    shop.reconcile().await;
    assert!(shop.pick(42).await.is_none(), "once again is all");
}
