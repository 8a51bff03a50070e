//! Deadlines, reminders, quiet hours, and what a clock must be for them.

use std::time::Duration;

use sans_io::ClockQuality;
use shop_model::config::Bundle;
use shop_model::decide::Command;
use shop_model::message::{MessageState, Purpose};

use crate::clock::Clock;
use crate::messages::testing::{Order, Shop, at};

impl Shop {
    async fn goods(&self) -> String {
        let read = self.app.read(|db| Ok(db.query_row("SELECT goods FROM reservation", [], |row| row.get(0))?));
        read.await.unwrap()
    }

    async fn purposes(&self) -> Vec<Purpose> {
        self.messages().await.into_iter().map(|m| m.purpose).collect()
    }

    /// Sends what waits, so that it is out of the way.
    async fn send_all(&self) -> usize {
        let mut sent = 0;
        while let Some(picked) = self.pick(1).await {
            self.accepted(&picked, 1).await;
            sent += 1;
        }
        sent
    }
}

#[tokio::test]
async fn a_hold_ends_by_itself_at_its_deadline() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.time("2030-05-25T19:59");
    shop.reconcile().await;
    assert_eq!(shop.goods().await, "ready");
    shop.time("2030-05-25T20:00:10");
    shop.reconcile().await;
    assert_eq!(shop.goods().await, "expired");
    assert!(shop.messages().await.iter().all(|m| m.state == MessageState::Superseded), "nothing is said any more");
}

#[tokio::test]
async fn nothing_is_decided_by_a_clock_that_nobody_set() {
    // The box was started without any source: it knows the last saved time, and nobody vouches for it.
    let shop = Shop::open_by(Clock::start(at("2030-05-23T12:07")), "").await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    let end = at("2030-05-25T20:00:10");
    shop.app.clock.learn(ClockQuality::Saved, end);
    assert_eq!(shop.app.clock.wall().quality, ClockQuality::Saved);
    shop.reconcile().await;
    assert_eq!(shop.goods().await, "ready");
    assert_eq!(shop.message().await.state, MessageState::Queued);
    shop.app.clock.learn(ClockQuality::Gsm, end);
    shop.reconcile().await;
    assert_eq!(shop.goods().await, "expired", "the network's time is good enough");
}

#[tokio::test]
async fn expiry_and_reminders_can_be_switched_off() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    let mut bundle = Bundle::default();
    bundle.features.insert("expiry".into(), false);
    bundle.features.insert("reminders".into(), false);
    shop.app.set_bundle(bundle);
    shop.time("2030-05-24T20:05");
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready]);
    shop.time("2030-05-25T21:00");
    shop.reconcile().await;
    assert_eq!(shop.goods().await, "ready");
}

#[tokio::test]
async fn reminds_a_day_and_four_hours_before_the_end_once_each() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.time("2030-05-24T19:59");
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready]);
    shop.time("2030-05-24T20:00:05");
    shop.reconcile().await;
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready, Purpose::Reminder24]);
    assert_eq!(shop.send_all().await, 1, "the last minute of the window is in it");
    shop.time("2030-05-25T16:00:05");
    shop.reconcile().await;
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready, Purpose::Reminder24, Purpose::Reminder4]);
}

#[tokio::test]
async fn a_box_that_was_off_sends_the_later_reminder_only_and_none_too_late() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.time("2030-05-25T16:30");
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready, Purpose::Reminder4]);

    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.time("2030-05-25T19:30");
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready], "half an hour before the end helps nobody");
}

#[tokio::test]
async fn a_customer_who_is_there_is_not_reminded() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.command(id, Command::Arrive { via: shop_model::event::Via::Staff, place: None }).await;
    shop.time("2030-05-25T16:30");
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready]);
}

#[tokio::test]
async fn ready_goes_out_at_night_and_a_reminder_waits_for_the_morning() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.time("2030-05-24T20:00:05");
    shop.reconcile().await;
    // The modem was off until half past ten.
    shop.time("2030-05-24T22:30");
    shop.ready(&Order::pl("2")).await;
    shop.reconcile().await;
    let states: Vec<_> = shop.messages().await.into_iter().map(|m| (m.purpose, m.state)).collect();
    assert!(states.contains(&(Purpose::Reminder24, MessageState::Held)), "{states:?}");
    assert_eq!(shop.send_all().await, 1, "READY alone");
    shop.time("2030-05-25T08:59");
    shop.reconcile().await;
    assert_eq!(shop.send_all().await, 0);
    shop.time("2030-05-25T09:00:05");
    shop.reconcile().await;
    assert_eq!(shop.send_all().await, 1);
}

#[tokio::test]
async fn a_message_that_could_not_go_out_in_time_expires() {
    let shop = Shop::open().await;
    let id = shop.place(&Order::pl("48213")).await;
    shop.work(move |desk| {
        crate::messages::enqueue_staff_text(desk, id, "Zapraszamy", false, &super::super::testing::anna())
    })
    .await
    .unwrap();
    shop.pass(Duration::from_secs(25 * 3_600));
    shop.reconcile().await;
    assert_eq!(shop.message().await.state, MessageState::Expired);
    assert!(shop.pick(1).await.is_none());
}

#[tokio::test]
async fn a_longer_hold_is_told_as_such_and_an_untold_one_as_ready() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.send_all().await;
    shop.command(id, Command::Extend).await;
    shop.reconcile().await;
    shop.reconcile().await;
    assert_eq!(shop.purposes().await, [Purpose::Ready, Purpose::Extended]);

    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    shop.reconcile().await;
    shop.command(id, Command::Extend).await;
    shop.reconcile().await;
    let all: Vec<_> = shop.messages().await.into_iter().map(|m| (m.purpose, m.round, m.state)).collect();
    assert_eq!(
        all,
        [(Purpose::Ready, 1, MessageState::Superseded), (Purpose::Ready, 2, MessageState::Queued)],
        "the customer knows nothing yet"
    );
}
