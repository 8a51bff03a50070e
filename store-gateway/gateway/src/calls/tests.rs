//! What the desk says to calls, and what it writes down of them, on a real database.

use std::time::Duration;

use shop_model::code::PickupCode;
use shop_model::ids::ReservationId;
use shop_model::reservation::Presence;
use store_voice::call::{Callee, Ended, Origin, Outcome, Why};
use store_voice::dial::Extension;
use store_voice::say::Stage;
use uuid::Uuid;

use super::record::{self, Direction, Party, Record, What};
use super::{Wanted, lookup, view};
use crate::desk;
use crate::messages::testing::{Order, Shop, anna};

fn extension(text: &str) -> Extension {
    Extension::parse(text).unwrap()
}

fn call(shop: &Shop, id: u128, number: &str) -> Record {
    Record {
        id: Uuid::from_u128(id),
        origin: Origin::Trunk,
        direction: Direction::In,
        party: Party { number: number.to_owned(), ..Party::default() },
        began_ms: shop.app.clock.wall().unix_ms,
        entries: Vec::new(),
        dropped: 0,
    }
}

fn ended(outcome: Outcome) -> Ended {
    Ended {
        outcome,
        why: Why::Over,
        answered_by: (outcome == Outcome::Talked).then(|| Callee::Phone(extension("101"))),
        rang: Duration::from_secs(12),
        talked: Duration::from_secs(if outcome == Outcome::Talked { 40 } else { 0 }),
        lasted: Duration::from_secs(60),
        told: 0,
    }
}

async fn store(shop: &Shop, record: &Record, ended: Ended) {
    let record = record.clone();
    shop.work(move |desk| record::store(desk, &record, &ended)).await;
}

#[tokio::test]
async fn a_number_finds_its_orders_with_times_of_the_store() {
    let shop = Shop::open().await;
    let ready = shop.ready(&Order::pl("48213")).await;
    shop.place(&Order::pl("48244")).await;
    shop.place(&Order { phone: "+48600100999", ..Order::pl("48999") }).await;
    let known = lookup::caller(&shop.app, "600 100 813".to_owned()).await.unwrap();
    assert_eq!((known.party.number.as_str(), known.party.reservation), ("+48600100813", Some(ready)));
    assert_eq!((known.found.total, known.found.ready, known.ready), (2, true, vec![ready]));
    let told: Vec<_> = known.found.orders.iter().map(|o| (o.order.as_str(), o.stage, o.due.is_some())).collect();
    let hold = match told[0].1 {
        Stage::Ready(Some(until)) => until,
        stage => panic!("{stage:?}"),
    };
    assert_eq!((told[0].0, told[1].0), ("48213", "48244"), "what waits is said first");
    assert!(!told[0].2, "nothing is due on a prepaid order");
    // The built-in hold rule ends when the shop closes: at eight in the evening, Warsaw's time.
    assert_eq!((hold.hour(), hold.minute()), (20, 0));
}

#[tokio::test]
async fn withheld_and_foolish_numbers_are_nobody_s() {
    let shop = Shop::open().await;
    shop.ready(&Order::pl("48213")).await;
    for number in ["", "anonymous", "12", "+48700000000000000000000000000"] {
        let known = lookup::caller(&shop.app, number.to_owned()).await.unwrap();
        assert_eq!((known.found.total, known.party.person), (0, None), "{number:?}");
    }
}

#[tokio::test]
async fn a_code_finds_its_order_and_no_other() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    let code = shop.work(move |desk| desk.reveal_code(id)).await.expect("a code");
    let found = shop.work(move |desk| lookup::of_code(desk, &code)).await.expect("the order");
    assert_eq!((found.0, found.1.order.as_str()), (id, "48213"));
    let other = if code.reveal() == "000001" { "000002" } else { "000001" };
    let other = PickupCode::parse(other).unwrap();
    assert!(shop.work(move |desk| lookup::of_code(desk, &other)).await.is_none());
}

#[tokio::test]
async fn a_missed_call_waits_until_somebody_deals_with_it_or_the_customer_is_talked_to() {
    let shop = Shop::open().await;
    let number = "+48600100813";
    let before = shop.count("SELECT count(*) FROM sync_outbox WHERE queue = 'P1'").await;
    let mut first = call(&shop, 1, number);
    first.note(shop.app.clock.wall(), What::Began, "", "trunk");
    store(&shop, &first, ended(Outcome::Missed)).await;
    store(&shop, &first, ended(Outcome::Missed)).await;
    store(&shop, &call(&shop, 2, ""), ended(Outcome::Missed)).await;
    store(&shop, &call(&shop, 3, "+48600100999"), ended(Outcome::Menu)).await;
    let open = || shop.app.read(view::open_missed);
    let (calls, count) = open().await.unwrap();
    assert_eq!((calls.len(), count), (2, 2), "written twice it is one call; the menu's is not missed");
    assert_eq!(shop.count("SELECT count(*) FROM call_entry").await, 1);
    assert_eq!(
        shop.count("SELECT count(*) FROM sync_outbox WHERE queue = 'P1'").await - before,
        3,
        "HQ hears of each once"
    );

    assert!(shop.work(|desk| view::mark_done(desk, Uuid::from_u128(2), &anna())).await);
    assert!(!shop.work(|desk| view::mark_done(desk, Uuid::from_u128(2), &anna())).await, "it is done already");
    store(&shop, &call(&shop, 4, number), ended(Outcome::Talked)).await;
    assert_eq!(open().await.unwrap().1, 0, "somebody talked to the customer");
    let page = shop.app.read(|db| view::list(db, &Wanted { limit: 2, ..Wanted::default() })).await.unwrap();
    assert_eq!(page.calls.len(), 2);
    let rest = Wanted { after: page.next, limit: 10, ..Wanted::default() };
    assert_eq!(shop.app.read(move |db| view::list(db, &rest)).await.unwrap().calls.len(), 2);
}

#[tokio::test]
async fn calls_within_the_store_stay_there() {
    let shop = Shop::open().await;
    let mut inside = call(&shop, 1, "");
    inside.origin = Origin::Phone(extension("101"));
    inside.direction = Direction::Inside;
    let before = shop.count("SELECT count(*) FROM sync_outbox").await;
    store(&shop, &inside, ended(Outcome::Missed)).await;
    assert_eq!(shop.count("SELECT count(*) FROM sync_outbox").await, before);
    assert_eq!(shop.app.read(view::open_missed).await.unwrap().1, 0, "and wait for nobody");
}

#[tokio::test]
async fn a_missed_call_means_here_for_ready_orders_only() {
    let shop = Shop::open().await;
    let ready = shop.ready(&Order::pl("48213")).await;
    let picking = shop.place(&Order::pl("48244")).await;
    let known = lookup::caller(&shop.app, "+48600100813".to_owned()).await.unwrap();
    let (party, orders) = (known.party.clone(), known.ready.clone());
    shop.work(move |desk| record::here(desk, &party, &orders)).await;
    let presence = |id: ReservationId| shop.app.read(move |db| Ok(desk::load(db, id)?.presence));
    assert!(matches!(presence(ready).await.unwrap(), Presence::Arrived { .. }));
    assert!(matches!(presence(picking).await.unwrap(), Presence::Away));
}

#[tokio::test]
async fn old_calls_and_erased_numbers_go() {
    let shop = Shop::open().await;
    let id = shop.ready(&Order::pl("48213")).await;
    let known = lookup::caller(&shop.app, "+48600100813".to_owned()).await.unwrap();
    let mut record = call(&shop, 1, "+48600100813");
    record.party = known.party;
    record.note(shop.app.clock.wall(), What::Began, "", "trunk");
    store(&shop, &record, ended(Outcome::Missed)).await;
    let order = shop.app.read(|db| Ok(view::find(db, Uuid::from_u128(1))?.expect("the call").0.order)).await.unwrap();
    assert_eq!(order.as_deref(), Some("48213"));
    assert!(id != ReservationId::from_bytes([0; 16]));
    shop.pass(Duration::from_secs(91 * 24 * 3_600));
    shop.work(|desk| view::drop_old(desk)).await;
    assert_eq!(shop.count("SELECT (SELECT count(*) FROM call) + (SELECT count(*) FROM call_entry)").await, 0);
}
