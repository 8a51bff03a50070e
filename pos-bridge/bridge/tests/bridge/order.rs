use std::time::{Duration, Instant};

use till_link::{FromTill, HeldBy};

use crate::gateway::Gateway;
use crate::printer::Printer;
use crate::till::{Till, epson};

#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_runs_before_it_is_enrolled_goes_on_within_two_seconds() {
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    let mut bridge = till.run();
    till.enrol(&gateway).await;
    let enrolled = Instant::now();
    gateway.hello().await;
    assert!(enrolled.elapsed() < Duration::from_secs(2), "{:?}", enrolled.elapsed());
    let log = bridge.kill();
    assert!(log.contains("this till is not enrolled"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_runs_before_its_gateway_is_linked_when_that_comes() {
    let printer = Printer::start();
    let devices = epson(&printer.path);
    let till = Till::new("127.0.0.1:1", &devices);
    let gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &devices);
    till.enrol(&gateway).await;
    let (address, identity, books) = gateway.stop().await;
    let mut bridge = till.run();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut gateway = Gateway::start_at(&address, identity, books).await;
    let FromTill::Hello { name, printers, scanners, protocol, .. } = gateway.hello().await else { unreachable!() };
    assert_eq!((&*name, protocol, scanners.len()), ("Kasa 1", 1, 0));
    let [printer] = &*printers else { panic!("{printers:?}") };
    assert_eq!((&*printer.name, &*printer.profile, printer.columns), ("slips", "epson-tm-t20", 48));
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_that_was_removed_tries_on_and_comes_back_when_it_is_enrolled_anew() {
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    till.enrol(&gateway).await;
    gateway.books.lock().unwrap().tills.clear();
    let mut bridge = till.run();
    gateway.hello().await;
    gateway.hello().await;
    let mut linked = |message: &FromTill| matches!(message, FromTill::Alive).then_some(());
    till.enrol(&gateway).await;
    gateway.until("a sign of life, which only a linked till gives", &mut linked).await;
    let log = bridge.kill();
    assert_eq!(log.matches("the gateway does not know this till").count(), 1, "once a minute: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_stops_printing_and_nothing_else() {
    let printer = Printer::start();
    let till = Till::new("127.0.0.1:1", &epson(&printer.path));
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &epson(&printer.path));
    till.enrol(&gateway).await;
    let journal = till.storage().join("journal.db");
    std::fs::write(&journal, "This is no database at all, though it is long enough to be taken for one.").unwrap();
    let mut bridge = till.run();
    let FromTill::Hello { printers, .. } = gateway.hello().await else { unreachable!() };
    assert_eq!(printers[0].state.held, Some(HeldBy::Error));
    gateway.job("1", crate::jobs::document("JOB-1"), None);
    let heard = gateway.overhear(crate::QUIET).await;
    assert!(!heard.iter().any(|message| matches!(message, FromTill::Report { .. })), "{heard:?}");
    assert!(bridge.child.try_wait().unwrap().is_none(), "it goes on");
    std::fs::rename(&journal, till.dir.path().join("damaged.db")).unwrap();
    gateway.reported("1", till_link::JobState::Printed).await;
    assert_eq!(printer.count("JOB-1"), 1);
    bridge.kill();
}
