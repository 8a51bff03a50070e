//! kill -9 of the real process, at the points where a job could be lost or doubled.

use till_link::{Cause, HeldBy, JobState};

use crate::jobs::{document, linked, long_document};
use crate::printer::Printer;

#[tokio::test(flavor = "multi_thread")]
async fn between_taken_and_begun_the_job_is_printed_once_after_the_restart() {
    let printer = Printer::start();
    printer.switch(|switches| switches.paper_out = true);
    let (till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Held { by: HeldBy::PaperOut }).await;
    bridge.kill();
    assert_eq!(printer.octets(), 0);
    printer.switch(|switches| switches.paper_out = false);
    let mut bridge = till.run();
    gateway.reported("1", JobState::Printed).await;
    assert_eq!(printer.count("JOB-1"), 1);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_the_octets_nobody_knows_and_nothing_follows() {
    let printer = Printer::start();
    let (till, mut gateway, mut bridge) = linked(&printer).await;
    printer.switch(|switches| switches.takes = 2_000);
    gateway.job("1", long_document("FIRST", "LAST"), None);
    gateway.job("2", document("JOB-2"), None);
    gateway.reported("1", JobState::Begun).await;
    printer.wait_for(2_000);
    bridge.kill();
    printer.switch(|switches| switches.takes = usize::MAX);
    let mut bridge = till.run();
    gateway.reported("1", JobState::Unknown { cause: Cause::Restart }).await;
    gateway.reported("2", JobState::Printed).await;
    assert_eq!([printer.count("FIRST"), printer.count("LAST"), printer.count("JOB-2")], [1, 0, 1]);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_octet_without_a_confirmation_nobody_knows() {
    let printer = Printer::start();
    printer.switch(|switches| switches.confirms = false);
    let (till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Begun).await;
    printer.wait_for_ends(1);
    bridge.kill();
    printer.switch(|switches| switches.confirms = true);
    let mut bridge = till.run();
    gateway.reported("1", JobState::Unknown { cause: Cause::Restart }).await;
    gateway.job("2", document("JOB-2"), None);
    gateway.reported("2", JobState::Printed).await;
    assert_eq!([printer.count("JOB-1"), printer.count("JOB-2")], [1, 1]);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_the_state_is_reported_until_it_is_noted_and_the_job_is_not_printed_again() {
    let printer = Printer::start();
    let (till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.books.lock().unwrap().notes = false;
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Printed).await;
    bridge.kill();
    gateway.job("1", document("JOB-1"), None);
    let mut bridge = till.run();
    gateway.reported("1", JobState::Printed).await;
    gateway.job("2", document("JOB-2"), None);
    gateway.reported("2", JobState::Printed).await;
    assert_eq!([printer.count("JOB-1"), printer.count("JOB-2")], [1, 1]);
    bridge.kill();
}

/// The process is killed at moments that nobody chose; whatever is reported agrees with the paper.
#[tokio::test(flavor = "multi_thread")]
async fn at_any_moment_a_job_is_on_the_paper_once_at_most() {
    let printer = Printer::start();
    let (till, mut gateway, mut bridge) = linked(&printer).await;
    for round in 0..6_u64 {
        let (first, last) = (format!("FIRST-{round}."), format!("LAST-{round}."));
        gateway.job(&round.to_string(), long_document(&first, &last), None);
        tokio::time::sleep(std::time::Duration::from_millis(15 * round)).await;
        bridge.kill();
        bridge = till.run();
        let end = *gateway.states(&round.to_string()).await.last().expect("there is a final state");
        let paper = (printer.count(&first), printer.count(&last));
        match end {
            JobState::Printed => assert_eq!(paper, (1, 1), "round {round}"),
            JobState::Unknown { cause: Cause::Restart } => {
                assert!(paper.0 <= 1 && paper.1 <= 1, "round {round}: {paper:?}");
            }
            other => panic!("round {round}: {other:?}"),
        }
    }
    bridge.kill();
}
