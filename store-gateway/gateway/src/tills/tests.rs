//! Tills and print jobs on a real database.

use std::time::Duration;

use shop_model::code::PickupCode;
use shop_model::decide::{Check, Command, Proof};
use shop_model::document::Part;
use till_link::{Cause, Duty, HeldBy, JobId, JobState, PrinterFacts, PrinterState};

use super::jobs::{self, Kind, NotPrinted, Order as Print, Settled, State};
use super::table::{self, Till};
use super::{paper, table::MOST_TILLS};
use crate::desk;
use crate::messages::testing::{Order, Shop, anna};
use crate::web::printing::slip_of_hand_over;

fn printer(name: &str, duty: Duty, drawer: bool) -> PrinterFacts {
    PrinterFacts {
        name: name.to_owned(),
        profile: "generic-80".to_owned(),
        columns: 48,
        dots: 576,
        duties: vec![duty],
        drawer,
        state: PrinterState::default(),
    }
}

async fn enrolled(shop: &Shop, certificate: &'static str) -> Till {
    shop.work(move |desk| {
        let id = table::enrol(desk, certificate, "Kasa 1", &anna())?.unwrap();
        let printers = [printer("slips", Duty::Slips, true), printer("labels", Duty::Labels, false)];
        table::heard(desk, id, "Kasa 1", "0.1.0", &printers)?;
        Ok(table::find(desk.db(), id)?.unwrap())
    })
    .await
}

fn test_page(kind: Kind) -> Print {
    let document = if kind == Kind::Drawer { paper::drawer() } else { paper::shelf(&"A1".parse_shelf()) };
    Print { kind, reservation: None, document, again_of: None }
}

trait ParseShelf {
    fn parse_shelf(&self) -> shop_model::ids::ShelfId;
}

impl ParseShelf for str {
    fn parse_shelf(&self) -> shop_model::ids::ShelfId {
        shop_model::ids::ShelfId::parse(self).unwrap()
    }
}

async fn add(shop: &Shop, till: &Till, kind: Kind) -> JobId {
    let till = till.clone();
    shop.work(move |desk| jobs::add(desk, &till, &test_page(kind), &anna())).await.unwrap()
}

async fn state(shop: &Shop, id: &JobId) -> (State, String) {
    let id = id.0.clone();
    let job = shop.app.read(move |db| jobs::find(db, &id)).await.unwrap().unwrap();
    (job.state, job.why)
}

async fn report(shop: &Shop, till: i64, id: &JobId, to: JobState) {
    let id = id.clone();
    shop.work(move |desk| jobs::report(desk, till, &id, to)).await;
}

#[tokio::test]
async fn a_job_goes_to_the_printer_of_its_duty_and_stays_as_it_ended() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let label = add(&shop, &till, Kind::ShelfLabel).await;
    let drawer = add(&shop, &till, Kind::Drawer).await;
    let open = shop.app.read(move |db| jobs::open_of(db, till.id)).await.unwrap();
    let printers: Vec<_> = open.iter().map(|job| (job.printer.as_str(), job.until_ms.is_some())).collect();
    assert_eq!(printers, [("labels", false), ("slips", true)], "the drawer's job has a time");
    assert_eq!(open[1].id, drawer);

    report(&shop, till.id, &label, JobState::Taken).await;
    report(&shop, till.id, &label, JobState::Held { by: HeldBy::PaperOut }).await;
    assert_eq!(state(&shop, &label).await, (State::Held, "paper_out".into()));
    report(&shop, till.id, &label, JobState::Begun).await;
    report(&shop, till.id, &label, JobState::Unknown { cause: Cause::Restart }).await;
    // What comes later than the end changes nothing; another till can't say anything of it.
    report(&shop, till.id, &label, JobState::Printed).await;
    report(&shop, till.id + 1, &drawer, JobState::Printed).await;
    assert_eq!(state(&shop, &label).await, (State::Unknown, "restart".into()));
    assert_eq!(state(&shop, &drawer).await.0, State::Waiting);
    assert_eq!(shop.app.read(jobs::unknown_count).await.unwrap(), 1);
}

#[tokio::test]
async fn an_unknown_job_asks_a_person_and_a_reprint_says_so_once() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let first = add(&shop, &till, Kind::ShelfLabel).await;
    let id = first.0.clone();
    assert!(shop.work(move |desk| jobs::again(desk, &id, &anna())).await.is_none(), "it has not ended");
    report(&shop, till.id, &first, JobState::Unknown { cause: Cause::Port }).await;

    let id = first.0.clone();
    let second = shop.work(move |desk| jobs::again(desk, &id, &anna())).await.unwrap().unwrap();
    let id = first.0.clone();
    let settled = shop.app.read(move |db| jobs::find(db, &id)).await.unwrap().unwrap();
    assert_eq!((settled.settled.as_deref(), settled.asks()), (Some("lost"), false));
    report(&shop, till.id, &second, JobState::Printed).await;
    let id = first.0.clone();
    assert!(shop.work(move |desk| jobs::again(desk, &id, &anna())).await.is_none(), "somebody has seen to it");
    let id = second.0.clone();
    let third = shop.work(move |desk| jobs::again(desk, &id, &anna())).await.unwrap().unwrap();
    let copies = |id: JobId| async {
        let document = shop.app.read(move |db| jobs::document_of(db, &id.0)).await.unwrap().unwrap();
        document.parts.iter().filter(|part| matches!(part, Part::Text { text, .. } if text.contains("KOPIA"))).count()
    };
    assert_eq!((copies(first).await, copies(second).await, copies(third).await), (0, 1, 1));
}

#[tokio::test]
async fn what_a_till_took_is_not_sent_again_and_asks_a_person_when_its_journal_is_lost() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let (begun, taken, waits) = (
        add(&shop, &till, Kind::ShelfLabel).await,
        add(&shop, &till, Kind::ShelfLabel).await,
        add(&shop, &till, Kind::ShelfLabel).await,
    );
    report(&shop, till.id, &begun, JobState::Begun).await;
    report(&shop, till.id, &taken, JobState::Taken).await;
    let open = shop.app.read(move |db| jobs::open_of(db, till.id)).await.unwrap();
    assert_eq!(open.iter().map(|job| job.waits).collect::<Vec<_>>(), [false, false, true]);
    let named = [taken.clone()].into();
    shop.work(move |desk| jobs::forgotten(desk, till.id, &named)).await;
    assert_eq!(state(&shop, &begun).await, (State::Unknown, "restart".into()));
    assert_eq!((state(&shop, &taken).await.0, state(&shop, &waits).await.0), (State::Taken, State::Waiting));
}

#[tokio::test]
async fn somebody_who_saw_the_paper_settles_it_once() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let job = add(&shop, &till, Kind::ShelfLabel).await;
    report(&shop, till.id, &job, JobState::Unknown { cause: Cause::Silent }).await;
    let settle = |settled| {
        let id = job.0.clone();
        shop.work(move |desk| jobs::settle(desk, &id, settled, &anna()))
    };
    assert!(settle(Settled::Out).await);
    assert!(!settle(Settled::Lost).await, "it is settled");
    assert_eq!(shop.app.read(jobs::unknown_count).await.unwrap(), 0);
}

#[tokio::test]
async fn jobs_have_a_bound_and_a_drawer_has_a_time() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let drawer = add(&shop, &till, Kind::Drawer).await;
    shop.pass(Duration::from_secs(11));
    shop.work(jobs::expire).await;
    assert_eq!(state(&shop, &drawer).await.0, State::Expired);
    for _ in 0..jobs::MOST_WAITING {
        add(&shop, &till, Kind::ShelfLabel).await;
    }
    let full = till.clone();
    let refused = shop.work(move |desk| jobs::add(desk, &full, &test_page(Kind::ShelfLabel), &anna())).await;
    assert_eq!(refused, Err(NotPrinted::Full));
}

#[tokio::test]
async fn cancelling_is_asked_of_the_till_and_only_before_the_beginning() {
    let shop = Shop::open().await;
    let till = enrolled(&shop, "c1").await;
    let (first, second) = (add(&shop, &till, Kind::ShelfLabel).await, add(&shop, &till, Kind::ShelfLabel).await);
    report(&shop, till.id, &second, JobState::Begun).await;
    let cancel = |id: &JobId| {
        let id = id.0.clone();
        shop.work(move |desk| jobs::cancel(desk, &id, &anna()))
    };
    assert!(cancel(&first).await);
    assert!(!cancel(&second).await);
    let open = shop.app.read(move |db| jobs::open_of(db, till.id)).await.unwrap();
    assert_eq!(open.iter().map(|job| job.cancel).collect::<Vec<_>>(), [true, false]);
    report(&shop, till.id, &first, JobState::Cancelled).await;
    assert_eq!(state(&shop, &first).await.0, State::Cancelled);
}

#[tokio::test]
async fn a_screen_has_one_till_and_a_removed_till_prints_nothing_more() {
    let shop = Shop::open().await;
    let (one, two) = (enrolled(&shop, "c1").await, enrolled(&shop, "c2").await);
    let pair = |id| shop.work(move |desk| table::pair(desk, id, Some("screen"), &anna()));
    assert!(pair(one.id).await && pair(two.id).await);
    let of = shop.app.read(|db| table::of_counter(db, "screen")).await.unwrap().unwrap();
    assert_eq!(of.id, two.id, "the screen moved");

    let (waits, begun) = (add(&shop, &two, Kind::ShelfLabel).await, add(&shop, &two, Kind::ShelfLabel).await);
    report(&shop, two.id, &begun, JobState::Begun).await;
    assert!(shop.work(move |desk| table::remove(desk, two.id, &anna())).await);
    assert_eq!(state(&shop, &waits).await, (State::Cancelled, "removed".into()));
    assert_eq!(state(&shop, &begun).await, (State::Unknown, "removed".into()));
    let id = begun.0.clone();
    let again = shop.work(move |desk| jobs::again(desk, &id, &anna())).await;
    assert_eq!(again, Some(Err(NotPrinted::NoPrinter)), "nobody would print it");
    assert!(shop.app.read(jobs::unknown_count).await.unwrap() == 1, "and it still asks");
    assert!(shop.app.read(|db| table::of_certificate(db, "c2")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_store_has_so_many_tills_and_no_more() {
    let shop = Shop::open().await;
    for n in 0..MOST_TILLS {
        let certificate = format!("c{n}");
        assert!(shop.work(move |desk| table::enrol(desk, &certificate, "Kasa", &anna())).await.is_some());
    }
    assert_eq!(shop.work(|desk| table::enrol(desk, "more", "Kasa", &anna())).await, None);
    assert!(shop.work(|desk| table::enrol(desk, "c0", "Kasa 0", &anna())).await.is_some(), "a known one comes again");
}

#[tokio::test]
async fn papers_follow_the_life_of_an_order_and_hold_no_name() {
    let clock = crate::clock::Clock::start(0);
    clock.learn(sans_io::ClockQuality::Hq, 1_905_761_220_000);
    let shop = Shop::open_by(clock, "[tills]\nlisten = \"127.0.0.1:0\"\ncollection_slip = true\n").await;
    let till = enrolled(&shop, "c1").await;
    shop.work(move |desk| table::pair(desk, till.id, Some("screen"), &anna())).await;
    let id = shop.place(&Order::pl("48213")).await;
    let made = |kind| {
        shop.work(move |desk| {
            let store = desk.app().config.store.clone();
            let state = desk::load(desk.db(), id)?;
            paper::of_order(desk.db(), &store, id, &state, kind)
        })
    };
    assert!(made(Kind::PickSlip).await.is_some());
    assert!(made(Kind::BagLabel).await.is_none() && made(Kind::CollectionSlip).await.is_none());
    shop.stage(id, "A1").await;
    let label = serde_json::to_string(&made(Kind::BagLabel).await.unwrap()).unwrap();
    assert!(label.contains("B48213-1") && label.contains("J. K."), "{label}");
    let code = PickupCode::parse("123456").unwrap();
    shop.work(move |desk| {
        let proof = Proof::Code(desk.check_code(id, &code)?);
        assert_eq!(proof, Proof::Code(Check::Wrong), "nobody's code");
        let command =
            Command::HandOver { lines: None, proof: Proof::Nothing, override_reason: Some("known customer".into()) };
        let manager = desk::Who { role: shop_model::decide::Role::Manager, ..anna() };
        desk.command(id, &command, &manager)?.expect("a manager may");
        slip_of_hand_over(desk, id, None, &anna())?;
        slip_of_hand_over(desk, id, Some("another"), &anna())?;
        slip_of_hand_over(desk, id, Some("screen"), &anna())
    })
    .await;
    let open = shop.app.read(move |db| jobs::open_of(db, till.id)).await.unwrap();
    let [slip] = open.as_slice() else { panic!("one slip, by the screen's own till") };
    assert_eq!(slip.printer, "slips");
    let text = serde_json::to_string(&slip.document).unwrap();
    assert!(text.contains("48213") && text.contains("Kubek") && text.contains("J. K."), "{text}");
    assert!(!text.contains("Kowalski") && !text.contains("600100813"), "{text}");
}
