use std::io::Write as _;
use std::os::unix::fs::symlink;

use till_link::FromTill;

use crate::gateway::Gateway;
use crate::printer::pty;
use crate::till::Till;
use crate::{LIMIT, QUIET};

fn scanner(port: &std::path::Path) -> String {
    format!("[[scanner]]\nname = \"hand\"\nport = \"{}\"\n", port.display())
}

async fn connected(gateway: &mut Gateway, wanted: bool) {
    gateway
        .until(&format!("the scanner as connected = {wanted}"), |message| match message {
            FromTill::Scanner(facts) => (facts.connected == wanted).then_some(()),
            FromTill::Hello { scanners, .. } => (scanners[0].connected == wanted).then_some(()),
            _ => None,
        })
        .await;
}

/// What is scanned before the gateway's welcome is dropped; only a linked till gives a sign of life.
async fn linked(gateway: &mut Gateway) {
    connected(gateway, true).await;
    gateway.until("a sign of life", |message| matches!(message, FromTill::Alive).then_some(())).await;
}

async fn scan(gateway: &mut Gateway) -> (u64, String, String, Option<String>) {
    let scan = |message: &FromTill| match message {
        FromTill::Scan { n, scanner, text, symbology } => Some((*n, scanner.clone(), text.clone(), symbology.clone())),
        _ => None,
    };
    gateway.until("a scan", scan).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_reach_the_gateway_and_half_ones_are_counted() {
    let (mut device, path, _slave) = pty();
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &scanner(&path));
    till.enrol(&gateway).await;
    let mut bridge = till.run();
    linked(&mut gateway).await;
    // EAN-13 of the GS1 General Specifications' kind: its check digit is 7.
    device.write_all(b"]E05901234123457\r\n").unwrap();
    let ean = (1, "hand".to_owned(), "5901234123457".to_owned(), Some("E0".to_owned()));
    assert_eq!(scan(&mut gateway).await, ean);
    device.write_all("zażółć\r".as_bytes()).unwrap();
    assert_eq!(scan(&mut gateway).await, (2, "hand".to_owned(), "zażółć".to_owned(), None));
    device.write_all(b"]E05901234123458\r").unwrap();
    let counts = |message: &FromTill| match message {
        FromTill::Scanner(facts) if facts.dropped > 0 => Some((facts.scans, facts.dropped)),
        _ => None,
    };
    assert_eq!(gateway.until("the scanner's count", counts).await, (2, 1));
    let log = bridge.kill();
    assert!(!log.contains("5901234123457") && !log.contains("zażółć"), "codes are secrets: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_scanned_without_a_link_is_told_in_the_log_and_not_sent_later() {
    let (mut device, path, _slave) = pty();
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &scanner(&path));
    till.enrol(&gateway).await;
    let mut bridge = till.run();
    linked(&mut gateway).await;
    let (address, identity, books) = gateway.stop().await;
    // The till notices at once: the connection is closed.
    tokio::time::sleep(QUIET).await;
    device.write_all(b"secret-7\r").unwrap();
    tokio::time::sleep(QUIET).await;
    let mut gateway = Gateway::start_at(&address, identity, books).await;
    linked(&mut gateway).await;
    device.write_all(b"later\r").unwrap();
    assert_eq!(scan(&mut gateway).await.2, "later");
    let log = bridge.kill();
    assert!(log.contains("a scan was not passed on") && log.contains("length=8"), "{log}");
    assert!(!log.contains("secret-7"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_scanner_is_told_and_found_again() {
    let till = Till::new("127.0.0.1:1", "");
    let port = till.dir.path().join("scanner");
    let (device, path, slave) = pty();
    symlink(&path, &port).unwrap();
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, &scanner(&port));
    till.enrol(&gateway).await;
    let mut bridge = till.run();
    connected(&mut gateway, true).await;
    drop((device, slave));
    std::fs::remove_file(&port).unwrap();
    connected(&mut gateway, false).await;
    let (mut device, path, _slave) = pty();
    symlink(&path, &port).unwrap();
    connected(&mut gateway, true).await;
    device.write_all(b"A1\r").unwrap();
    assert_eq!(scan(&mut gateway).await.2, "A1");
    bridge.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn scan_test_shows_what_people_scan() {
    let (mut device, path, _slave) = pty();
    let till = Till::new("127.0.0.1:1", &scanner(&path));
    let writer = tokio::task::spawn_blocking(move || {
        let started = std::time::Instant::now();
        while started.elapsed() < LIMIT && device.write_all(b"]Q1B4\r").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(100));
            if started.elapsed() > std::time::Duration::from_secs(5) {
                break;
            }
        }
    });
    let output = till.command_aside(vec!["scan-test".into(), "--seconds".into(), "4".into()]).await;
    writer.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(said.contains("hand: B4  (Q, 2 letters)"), "{said}");
}
