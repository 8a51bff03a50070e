//! Texts from customers: once each, whole, and certain before anything changes.

use gsm_modem::Private;
use gsm_modem::pdu::{Address, Concat, Deliver, Encoding, TypeOfNumber, UserData};
use shop_model::config::Bundle;
use shop_model::message::{MessageState, Purpose};

use crate::messages::testing::{Order, Shop, anna};
use crate::messages::{inbound, mark_text_done, open_texts, reply_to_text};

const PHONE: &str = "+48600100813";

pub(super) fn address(number: &str) -> Address {
    let ton = if number.starts_with('+') { TypeOfNumber::International } else { TypeOfNumber::Unknown };
    Address { ton, npi: 1, number: Private(number.to_owned()) }
}

fn deliver(from: &str, text: &str, scts: i64, concat: Option<Concat>) -> Deliver {
    let payload = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    Deliver {
        sender: address(from),
        scts,
        data: UserData { encoding: Encoding::Ucs2, payload: Private(payload), text: Private(text.to_owned()), concat },
    }
}

impl Shop {
    async fn receive(&self, from: &str, text: &str) {
        self.receive_at(from, text, store_daemon::wall::monotonic().as_micros().cast_signed()).await;
    }

    async fn receive_at(&self, from: &str, text: &str, scts: i64) {
        inbound::take(&self.app, &deliver(from, text, scts, None)).await.unwrap();
    }

    async fn receive_part(&self, text: &str, scts: i64, part: u8, parts: u8) {
        let concat = Some(Concat { reference: 9, part, parts });
        inbound::take(&self.app, &deliver(PHONE, text, scts, concat)).await.unwrap();
    }

    /// Texts that wait for a person.
    async fn for_a_person(&self) -> Vec<String> {
        let texts = self.app.read(|db| open_texts(db, 50)).await.unwrap();
        texts.into_iter().map(|t| t.text).collect()
    }

    async fn replies(&self) -> Vec<String> {
        let all = self.messages().await.into_iter();
        all.filter(|m| m.purpose == Purpose::Reply).map(|m| m.text).collect()
    }

    async fn arrived(&self) -> i64 {
        self.count("SELECT count(*) FROM reservation WHERE presence = 'arrived'").await
    }
}

#[tokio::test]
async fn jestem_marks_every_open_order_of_the_number_and_is_answered_once() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.place(&Order::pl("2")).await;
    shop.ready(&Order { phone: "+48600100814", ..Order::pl("3") }).await;
    shop.receive(PHONE, " jestem! ").await;
    assert_eq!(shop.arrived().await, 2);
    assert_eq!(shop.replies().await, ["Dziękujemy, już niesiemy."]);
    assert!(shop.for_a_person().await.is_empty(), "nobody needs to look");
    assert_eq!(shop.count("SELECT count(*) FROM sync_log WHERE text LIKE '%\"message.received\"%'").await, 1);
}

#[tokio::test]
async fn jestem_for_an_order_that_is_not_ready_says_so() {
    let shop = Shop::open().await;
    shop.place(&Order::pl("48213")).await;
    shop.receive(PHONE, "JESTEM").await;
    assert_eq!(shop.arrived().await, 1);
    assert_eq!(shop.replies().await, ["Dziękujemy. Zamówienie 48213 jeszcze kompletujemy, prosimy podejść do lady."]);
}

#[tokio::test]
async fn an_unknown_number_changes_nothing_is_told_nothing_and_goes_to_a_person() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    for text in ["JESTEM", "STATUS", "STOP"] {
        shop.receive("+48600100999", text).await;
    }
    shop.receive("Orange", "JESTEM").await;
    assert_eq!(shop.arrived().await, 0);
    assert!(shop.replies().await.is_empty());
    assert_eq!(shop.for_a_person().await.len(), 4);
    assert_eq!(shop.count("SELECT count(*) FROM sync_log WHERE text LIKE '%\"message.received\"%'").await, 4);
    assert_eq!(shop.count("SELECT count(*) FROM person").await, 1, "no person is made for who only wrote");
}

#[tokio::test]
async fn words_that_would_change_an_order_and_free_text_wait_for_a_person() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    let before = shop.count("SELECT max(version) FROM reservation").await;
    for text in ["DLUZEJ", "REZYGNUJE", "UPOWAZNIJ", "ODWOLAJ", "TAK 42", "2", "nie jestem, bede jutro"] {
        shop.receive(PHONE, text).await;
    }
    assert_eq!(shop.for_a_person().await.len(), 7);
    assert_eq!(shop.count("SELECT max(version) FROM reservation").await, before);
    assert!(shop.replies().await.is_empty());
}

#[tokio::test]
async fn status_names_three_orders_at_most_waiting_ones_first() {
    let shop = Shop::open().await;
    for number in ["1", "2", "3"] {
        shop.place(&Order::pl(number)).await;
    }
    shop.ready(&Order::pl("4")).await;
    shop.receive(PHONE, "status?").await;
    let replies = shop.replies().await;
    let lines: Vec<&str> = replies[0].lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "4: gotowe, czeka do sob 25.05 20:00.");
    assert!(lines[1..].iter().all(|line| line.ends_with("w przygotowaniu.")));
}

#[tokio::test]
async fn a_known_number_without_an_open_order_is_told_so() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("1")).await;
    shop.command(id, shop_model::decide::Command::Refuse { lines: None, reason: "price".into() }).await;
    shop.receive(PHONE, "JESTEM").await;
    assert_eq!(shop.replies().await, ["Wola: nie mamy otwartego zamówienia na ten numer."]);
}

#[tokio::test]
async fn three_answers_a_number_and_day_and_no_more() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    for _ in 0..5 {
        shop.receive(PHONE, "STATUS").await;
    }
    assert_eq!(shop.replies().await.len(), 3);
    assert_eq!(shop.for_a_person().await.len(), 2, "the rest is for a person");
    shop.time("2030-05-24T00:01");
    shop.receive(PHONE, "STATUS").await;
    assert_eq!(shop.replies().await.len(), 4, "a new day");
}

#[tokio::test]
async fn answers_switched_off_still_mark_the_arrival() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    let mut bundle = Bundle::default();
    bundle.features.insert("auto_replies".into(), false);
    shop.app.set_bundle(bundle);
    shop.receive(PHONE, "JESTEM").await;
    shop.receive(PHONE, "STATUS").await;
    assert_eq!(shop.arrived().await, 1);
    assert!(shop.replies().await.is_empty());
    assert_eq!(shop.for_a_person().await, ["STATUS"]);
}

#[tokio::test]
async fn help_without_the_shops_number_goes_to_a_person_and_stop_is_confirmed() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.receive(PHONE, "POMOC").await;
    shop.receive(PHONE, "STOP").await;
    assert_eq!(shop.for_a_person().await, ["POMOC"], "the built-in text names a number that is not configured");
    assert_eq!(shop.replies().await, ["Wola: nie będziemy wysyłać ofert."]);
}

#[tokio::test]
async fn a_text_that_comes_twice_counts_once_and_the_same_words_later_count_again() {
    let shop = Shop::open().await;
    shop.receive_at(PHONE, "Czy macie czerwony?", 1_000).await;
    shop.receive_at(PHONE, "Czy macie czerwony?", 1_000).await;
    assert_eq!(shop.for_a_person().await.len(), 1);
    shop.receive_at(PHONE, "Czy macie czerwony?", 2_000).await;
    assert_eq!(shop.for_a_person().await.len(), 2);
}

#[tokio::test]
async fn a_long_text_is_put_together_in_any_order_and_repeats_do_not_matter() {
    let shop = Shop::open().await;
    shop.receive_part("ce", 3, 3, 3).await;
    shop.receive_part("al", 1, 1, 3).await;
    shop.receive_part("al", 4, 1, 3).await;
    assert!(shop.for_a_person().await.is_empty());
    shop.receive_part("i", 2, 2, 3).await;
    assert_eq!(shop.for_a_person().await, ["alice"]);
    assert_eq!(shop.count("SELECT count(*) FROM inbound_part").await, 0);
}

#[tokio::test]
async fn a_part_that_never_comes_is_shown_as_a_gap_and_changes_nothing() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("1")).await;
    shop.receive_part("JESTEM", 1, 1, 2).await;
    shop.time("2030-05-24T12:00");
    shop.reconcile().await;
    assert!(shop.for_a_person().await.is_empty());
    shop.time("2030-05-24T12:10");
    shop.reconcile().await;
    assert_eq!(shop.for_a_person().await, ["JESTEM[…]"]);
    assert_eq!(shop.arrived().await, 0);
}

#[tokio::test]
async fn a_reference_used_again_does_not_mix_two_texts() {
    let shop = Shop::open().await;
    shop.receive_part("alt", 1, 1, 2).await;
    shop.receive_part("neu", 9, 1, 2).await;
    shop.receive_part("er", 10, 2, 2).await;
    assert_eq!(shop.for_a_person().await, ["alt[…]", "neuer"]);
}

#[tokio::test]
async fn staff_answer_an_unknown_number_and_the_text_is_done() {
    let shop = Shop::open().await;
    shop.receive("+48600100999", "Do której jest otwarte?").await;
    let id = shop.app.read(|db| open_texts(db, 1)).await.unwrap()[0].id;
    let queued = shop.work(move |desk| reply_to_text(desk, id, "Do 20.", false, &anna())).await.unwrap();
    assert!(shop.for_a_person().await.is_empty());
    assert_eq!(shop.state(queued).await, MessageState::Queued);
    let picked = shop.pick_some(1).await;
    assert!(picked.hex.contains("8406100099F9"), "to +48600100999 in swapped digits");
    shop.receive("+48600100998", "x").await;
    let other = shop.app.read(|db| open_texts(db, 1)).await.unwrap()[0].id;
    shop.work(move |desk| mark_text_done(desk, other, &anna())).await.unwrap();
    assert!(shop.for_a_person().await.is_empty());
}
