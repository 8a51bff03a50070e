use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use shop_model::document::{Document, Part, Picture, Style};
use till_link::{Cause, FromTill, HeldBy, JobId, JobState, Paper, PrinterState, ToTill};

use crate::QUIET;
use crate::gateway::Gateway;
use crate::printer::Printer;
use crate::till::{Bridge, Till, epson};

/// A short slip with a text that is on the paper once for each print.
pub fn document(text: &str) -> Document {
    Document::default().text(text, Style::default()).with(Part::Cut)
}

/// A slip that no port takes at once, with a text at its beginning and one at its end.
pub fn long_document(first: &str, last: &str) -> Document {
    let picture = Picture { width: 512, rows: vec![vec![0x55; 64]; 800] };
    let begin = Document::default().text(first, Style::default());
    begin.with(Part::Image(picture)).text(last, Style::default()).with(Part::Cut)
}

const READY: PrinterState = PrinterState { connected: true, held: None, paper: Some(Paper::Ok) };

/// A linked till with one printer.
pub async fn linked(printer: &Printer) -> (Till, Gateway, Bridge) {
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &epson(&printer.path));
    till.enrol(&gateway).await;
    let bridge = till.run();
    gateway.hello().await;
    (till, gateway, bridge)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_taken_begun_and_printed_once_however_often_it_is_sent() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.job("1", document("JOB-1"), None);
    let states = gateway.states("1").await;
    let held = |state: &JobState| matches!(state, JobState::Held { .. });
    let states: Vec<JobState> = states.into_iter().filter(|state| !held(state)).collect();
    assert_eq!(states, [JobState::Taken, JobState::Begun, JobState::Printed]);
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Printed).await;
    assert_eq!(printer.count("JOB-1"), 1);
    printer.switch(|switches| switches.cover_open = true);
    gateway.job("2", document("JOB-2"), None);
    gateway.reported("2", JobState::Held { by: HeldBy::CoverOpen }).await;
    printer.switch(|switches| switches.cover_open = false);
    let (mut is_ready, mut is_printed) = (false, false);
    let both = |message: &FromTill| {
        is_ready |= matches!(message, FromTill::Printer(facts) if facts.state == READY);
        is_printed |= matches!(message, FromTill::Report { job, state: JobState::Printed } if job.0 == "2");
        (is_ready && is_printed).then_some(())
    };
    gateway.until("the printer as ready and the job as printed", both).await;
    let log = bridge.kill();
    assert!(!log.contains("JOB-1"), "no document's words in the log: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_that_is_off_or_without_paper_holds_the_job_until_it_can() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    printer.switch(|switches| switches.on = false);
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Held { by: HeldBy::Silent }).await;
    assert_eq!(printer.octets(), 0, "nothing is written blind");
    printer.switch(|switches| (switches.on, switches.paper_out) = (true, true));
    gateway.reported("1", JobState::Held { by: HeldBy::PaperOut }).await;
    printer.switch(|switches| switches.paper_out = false);
    gateway.reported("1", JobState::Printed).await;
    assert_eq!(printer.count("JOB-1"), 1);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_never_begins_whether_the_printer_has_it_or_not() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    printer.switch(|switches| switches.cover_open = true);
    gateway.job("1", document("JOB-1"), None);
    gateway.job("2", document("JOB-2"), None);
    gateway.job("3", document("JOB-3"), None);
    gateway.reported("1", JobState::Held { by: HeldBy::CoverOpen }).await;
    gateway.send(ToTill::Cancel { job: JobId("1".into()) });
    gateway.reported("1", JobState::Cancelled).await;
    gateway.send(ToTill::Cancel { job: JobId("3".into()) });
    gateway.reported("3", JobState::Cancelled).await;
    printer.switch(|switches| switches.cover_open = false);
    gateway.reported("2", JobState::Printed).await;
    assert_eq!([printer.count("JOB-1"), printer.count("JOB-2"), printer.count("JOB-3")], [0, 1, 0]);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawer_does_not_open_when_its_time_is_over() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    let drawer = || Document::default().with(Part::Drawer);
    // ESC p m t1 t2: pin 2.
    let pulses = || printer.count("\x1bp\0");
    gateway.job("in time", drawer(), Some(10_000));
    gateway.reported("in time", JobState::Printed).await;
    assert_eq!(pulses(), 1);
    printer.switch(|switches| switches.cover_open = true);
    gateway.job("slip", document("SLIP"), None);
    gateway.reported("slip", JobState::Held { by: HeldBy::CoverOpen }).await;
    gateway.job("late, behind another", drawer(), Some(500));
    gateway.reported("late, behind another", JobState::Expired).await;
    gateway.send(ToTill::Cancel { job: JobId("slip".into()) });
    gateway.reported("slip", JobState::Cancelled).await;
    gateway.job("late, first", drawer(), Some(500));
    gateway.reported("late, first", JobState::Expired).await;
    printer.switch(|switches| switches.cover_open = false);
    gateway.job("after", document("AFTER"), None);
    gateway.reported("after", JobState::Printed).await;
    assert_eq!(pulses(), 1);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_printed_is_refused_and_keeps_nobody_behind_it() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    let to = |job: &str, printer: &str, document| ToTill::Job {
        job: JobId(job.into()),
        printer: printer.into(),
        document,
        valid_ms: None,
    };
    gateway.send(to("nowhere", "labels", document("A")));
    gateway.reported("nowhere", JobState::Refused { cause: Cause::NoPrinter }).await;
    let broken = Picture { width: 16, rows: vec![vec![0]] };
    gateway.send(to("broken", "slips", Document::default().with(Part::Image(broken))));
    gateway.send(to("good", "slips", document("GOOD")));
    gateway.reported("broken", JobState::Refused { cause: Cause::Document }).await;
    gateway.reported("good", JobState::Printed).await;
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn final_states_are_reported_again_after_each_connection_until_they_are_noted() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.books.lock().unwrap().notes = false;
    printer.switch(|switches| switches.confirms = false);
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Begun).await;
    let (address, identity, books) = gateway.stop().await;
    // The printer ends it while nobody listens: switched on again, it has lost the job.
    printer.switch(|switches| switches.on = false);
    tokio::time::sleep(QUIET).await;
    for notes in [false, true] {
        books.lock().unwrap().notes = notes;
        let mut gateway = Gateway::start_at(&address, identity.clone(), books.clone()).await;
        gateway.reported("1", JobState::Unknown { cause: Cause::Silent }).await;
        if notes {
            // The note is on its way to the till; a further message says that it was read.
            gateway.send(ToTill::Cancel { job: JobId("never".into()) });
            gateway.reported("never", JobState::Cancelled).await;
        }
        gateway.stop().await;
    }
    let mut gateway = Gateway::start_at(&address, identity, books).await;
    gateway.hello().await;
    let heard = gateway.overhear(QUIET).await;
    let again = |message: &FromTill| matches!(message, FromTill::Report { job, .. } if job.0 == "1");
    assert!(!heard.iter().any(again), "{heard:?}");
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_goes_in_the_middle_finds_the_job_printed_once() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    printer.switch(|switches| switches.takes = 2_000);
    gateway.job("1", long_document("FIRST", "LAST"), None);
    gateway.reported("1", JobState::Begun).await;
    let (address, identity, books) = gateway.stop().await;
    printer.switch(|switches| switches.takes = usize::MAX);
    let mut gateway = Gateway::start_at(&address, identity, books).await;
    gateway.reported("1", JobState::Printed).await;
    assert_eq!([printer.count("FIRST"), printer.count("LAST")], [1, 1]);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_printer_without_status_gets_the_job_and_is_said_to_have_been_sent_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let devices = format!(
        "[[printer]]\nname = \"slips\"\ntcp = \"{address}\"\nprofile = \"generic-80\"\nduties = [\"labels\"]\n\
         retry_min_ms = 20\nretry_max_ms = 200\n"
    );
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &devices);
    till.enrol(&gateway).await;
    let mut bridge = till.run();
    gateway.job("1", document("JOB-1"), None);
    gateway.reported("1", JobState::Sent).await;
    bridge.kill();
    let (mut socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut octets = Vec::new();
    socket.read_to_end(&mut octets).unwrap();
    assert!(octets.starts_with(b"\x1b@"), "ESC @ first");
    assert_eq!(octets.windows(5).filter(|window| window == b"JOB-1").count(), 1);
}
