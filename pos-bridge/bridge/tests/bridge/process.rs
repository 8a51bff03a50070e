use std::time::Duration;

use crate::gateway::Gateway;
use crate::jobs::linked;
use crate::printer::Printer;
use crate::till::{Till, epson};

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_with_0_within_5_seconds_linked_or_not() {
    let printer = Printer::start();
    let (till, gateway, bridge) = linked(&printer).await;
    let (status, took, log) = tokio::task::spawn_blocking(move || bridge.stop()).await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    gateway.stop().await;
    let alone = till.run();
    let (status, took, log) = tokio::task::spawn_blocking(move || alone.stop()).await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_the_job_under_way_come_to_its_end() {
    let printer = Printer::start();
    let (till, mut gateway, bridge) = linked(&printer).await;
    printer.switch(|switches| switches.takes = 2_000);
    gateway.job("1", crate::jobs::long_document("FIRST", "LAST"), None);
    gateway.reported("1", till_link::JobState::Begun).await;
    let stopping = tokio::task::spawn_blocking(move || bridge.stop());
    tokio::time::sleep(Duration::from_millis(300)).await;
    printer.switch(|switches| switches.takes = usize::MAX);
    let (status, took, log) = stopping.await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let mut bridge = till.run();
    gateway.reported("1", till_link::JobState::Printed).await;
    assert_eq!(printer.count("LAST"), 1);
    bridge.kill();
}

#[test]
fn an_unknown_key_is_named_with_its_path_and_the_exit_code_is_2() {
    let till = Till::new("127.0.0.1:7311", "[[scanner]]\nname = \"a\"\nport = \"/dev/x\"\nsufix = \"cr\"\n");
    for command in ["run", "check", "doctor", "scan-test", "print-test"] {
        let output = till.command(&[command]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(said(&output).contains("scanner[0].sufix"), "{command}: {}", said(&output));
    }
    till.configure("127.0.0.1:7311", "");
    assert_eq!(till.command(&["check"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_has_the_devices() {
    let printer = Printer::start();
    let (till, _gateway, mut bridge) = linked(&printer).await;
    for command in ["run", "print-test"] {
        let output = till.command_aside(vec![command.into()]).await;
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(said(&output).contains("stop it first"), "{command}: {}", said(&output));
    }
    assert_eq!(printer.octets(), 0);
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn print_test_prints_without_the_gateway_and_tells_how_it_ended() {
    let printer = Printer::start();
    let devices = epson(&printer.path).replace("answer_ms = 8_000", "answer_ms = 500");
    let till = Till::new("127.0.0.1:1", &devices);
    let output = till.command_aside(vec!["print-test".into()]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("slips: printed"), "{}", said(&output));
    assert!(printer.octets() > 1_000);
    printer.switch(|switches| switches.paper_out = true);
    let before = printer.octets();
    let output = till.command_aside(vec!["print-test".into(), "--printer".into(), "slips".into()]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("has no paper"), "{}", said(&output));
    assert_eq!(printer.octets(), before);
    let output = till.command_aside(vec!["print-test".into(), "--printer".into(), "x".into()]).await;
    assert!(said(&output).contains("there are: slips"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_what_is_wrong_and_what_is_right_with_and_without_the_daemon() {
    let printer = Printer::start();
    let till = Till::new("127.0.0.1:1", &epson(&printer.path));
    let doctor = async || {
        let output = till.command_aside(vec!["doctor".into()]).await;
        (output.status.code(), said(&output))
    };
    let (code, told) = doctor().await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("ok    printer slips") && told.contains("WRONG gateway: this till is not enrolled"),
        "{told}"
    );
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &epson(&printer.path));
    till.enrol(&gateway).await;
    let (code, told) = doctor().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("knows this till") && told.contains("profile epson-tm-t20"), "{told}");
    gateway.hello().await;
    let mut bridge = till.run();
    gateway.until("a sign of life", |m| matches!(m, till_link::FromTill::Alive).then_some(())).await;
    let (code, told) = doctor().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("which the running daemon has") && told.contains("ok    gateway: connected"), "{told}");
    bridge.kill();
    till.configure(&gateway.address, &epson(std::path::Path::new("/dev/no-such-port")));
    let (code, told) = doctor().await;
    assert_eq!(code, Some(1));
    assert!(told.contains("WRONG printer slips: /dev/no-such-port"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_small() {
    let printer = Printer::start();
    let (_till, mut gateway, mut bridge) = linked(&printer).await;
    gateway.job("1", crate::jobs::long_document("FIRST", "LAST"), None);
    gateway.reported("1", till_link::JobState::Printed).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.child.id())).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = rss.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(kib <= 15 * 1_024, "{kib} KiB");
    bridge.kill();
}
