use std::sync::{Arc, Mutex};

use store_daemon::pinned::Identity;
use store_daemon::secrets::hex_of;
use till_link::FromTill;
use till_link::code::Code;

use crate::QUIET;
use crate::gateway::{Books, Gateway, SECRET};
use crate::till::Till;

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn enrol(till: &Till, code: String) -> std::process::Output {
    till.command_aside(vec!["enrol".into(), "--code".into(), code]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_code_makes_both_known_to_each_other() {
    let till = Till::new("127.0.0.1:1", "");
    let mut gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    let output = enrol(&till, gateway.code().to_lowercase()).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("Kasa 1 is a till of Wola now"), "{}", said(&output));
    let asked = gateway.until("an enrolment", |message| match message {
        FromTill::Enrol { name, .. } => Some(name.clone()),
        _ => None,
    });
    assert_eq!(asked.await, "Kasa 1");
    let pinned = std::fs::read_to_string(till.storage().join("gateway.json")).unwrap();
    assert!(pinned.contains(&hex_of(&gateway.identity.digest())), "all 64 digits: {pinned}");
    let own = Identity::load_or_create(&till.storage().join("identity.json")).unwrap();
    assert_eq!(gateway.books.lock().unwrap().tills, [own.digest()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_comes_from_standard_input_too() {
    let till = Till::new("127.0.0.1:1", "");
    let gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    let code = format!("{}\n", gateway.code());
    let run = tokio::task::spawn_blocking(move || (till.command_with(&["enrol", "--code", "-"], &code), till));
    let (output, _till) = run.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(gateway.books.lock().unwrap().tills.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_told_as_such_and_too_many_too() {
    let till = Till::new("127.0.0.1:1", "");
    let gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    let wrong = Code::new(&gateway.identity.digest(), [0; 5]).to_string();
    for _ in 0..3 {
        let output = enrol(&till, wrong.clone()).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("is wrong, was used, or its time is over"), "{}", said(&output));
    }
    let output = enrol(&till, gateway.code()).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("too many wrong codes"), "{}", said(&output));
    let output = enrol(&till, "0000-U000".into()).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("character 5"), "{}", said(&output));
    assert!(!till.storage().join("gateway.json").exists());
    assert!(gateway.books.lock().unwrap().tills.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_another_certificate_learns_nothing() {
    let till = Till::new("127.0.0.1:1", "");
    let (real, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let real = Identity::load_or_create(&real.path().join("identity.json")).unwrap();
    let mut other = Gateway::start(other.path()).await;
    till.configure(&other.address, "");
    let output = enrol(&till, Code::new(&real.digest(), SECRET).to_string()).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("Nothing was told to it"), "{}", said(&output));
    assert_eq!(other.overhear(QUIET).await, []);
    let books = other.books.lock().unwrap();
    assert!(books.failed_handshakes == 1 && books.tills.is_empty());
    assert!(!till.storage().join("gateway.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_off_is_named_with_its_address() {
    let till = Till::new("127.0.0.1:1", "");
    let gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    let code = gateway.code();
    let (address, ..) = gateway.stop().await;
    let output = enrol(&till, code).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("no connection to the gateway") && said.contains(&address), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_enrolment_another_machine_at_the_address_hears_no_word() {
    let till = Till::new("127.0.0.1:1", "");
    let gateway = Gateway::start(till.dir.path()).await;
    till.configure(&gateway.address, "");
    till.enrol(&gateway).await;
    let (address, ..) = gateway.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let identity = Arc::new(Identity::load_or_create(&folder.path().join("other.json")).unwrap());
    let mut other = Gateway::start_at(&address, identity, Arc::new(Mutex::new(Books::default()))).await;
    let mut bridge = till.run();
    assert_eq!(other.overhear(QUIET).await, []);
    assert!(other.books.lock().unwrap().failed_handshakes > 0, "it tried");
    let log = bridge.kill();
    assert!(log.contains("another machine has the gateway's address"), "{log}");
}
