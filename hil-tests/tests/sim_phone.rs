//! The phones' page: a reply enters the world only as an SMS through the modem's port.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use hil_tests::world::{HostPort, Process, SimModem, binary, wait_for};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(10);
/// To +48600111222, "hello", report asked for (TS 23.040 by hand).
const HELLO: &str = "0021000B918406101122F2000005E8329BFD06";

struct Phones {
    _process: Process,
    base: String,
}

impl Phones {
    fn start(modem: &SimModem, state: &std::path::Path) -> Result<Self> {
        let mut command = Command::new(binary("sim-phone")?);
        command.arg("--modem").arg(&modem.address).arg("--state").arg(state);
        let mut process = Process::spawn("sim-phone", &mut command)?;
        let ready = process.ready(LIMIT)?;
        let base = format!("http://{}/api/phones", ready["web"].as_str().context("the page's address")?);
        Ok(Self { _process: process, base })
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = ureq::get(format!("{}{path}", self.base)).call()?;
        Ok(serde_json::from_reader(answer.into_body().into_reader())?)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = ureq::post(format!("{}{path}", self.base)).send_json(body)?;
        Ok(serde_json::from_reader(answer.into_body().into_reader())?)
    }

    fn thread(&self, messages: u64) -> Result<Value> {
        wait_for("the thread", LIMIT, || self.get("/+48600111222").ok().filter(|phone| phone["messages"] == messages))
    }
}

fn submit(port: &mut HostPort) -> Result<()> {
    port.write(b"AT+CMGS=18\r")?;
    port.until("\r\n> ", LIMIT)?;
    port.write(format!("{HELLO}\x1a").as_bytes())?;
    port.until("OK\r\n", LIMIT).map(|_| ())
}

#[test]
fn a_message_shows_and_its_reply_comes_out_of_the_modem() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let modem = SimModem::start(dir.path(), &[])?;
    let state = dir.path().join("phones.json");
    let phones = Phones::start(&modem, &state)?;
    let mut port = HostPort::open(&modem.link)?;
    port.command("ATE0", LIMIT)?;
    submit(&mut port)?;
    assert_eq!(phones.thread(1)?["thread"][0]["text"], "hello");
    phones.post("/+48600111222/reply", &json!({"text": "jestem"}))?;
    port.until("+CMTI: \"ME\",0\r\n", LIMIT)?;
    let read = port.command("AT+CMGR=0", LIMIT)?;
    // From +48600111222, GSM-7, six septets 6A 65 73 74 65 6D packed by hand.
    assert!(read.contains("0B918406101122F20000") && read.contains("06EAF29C5E6E03"), "{read}");
    drop(phones);
    let phones = Phones::start(&modem, &state)?;
    let thread = phones.thread(2)?;
    assert_eq!((&thread["thread"][1]["text"], &thread["thread"][1]["way"]), (&json!("jestem"), &json!("out")));
    Ok(())
}

#[test]
fn a_phone_that_is_off_gets_its_message_and_reports_it_once_it_is_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    let phones = Phones::start(&modem, &dir.path().join("phones.json"))?;
    let mut port = HostPort::open(&modem.link)?;
    port.command("ATE0", LIMIT)?;
    submit(&mut port)?;
    phones.thread(1)?;
    phones.post("/+48600111222/reachable", &json!({"reachable": false}))?;
    assert!(
        phones.post("/+48600111222/reply", &json!({"text": "jestem"})).is_err(),
        "a phone that is off sends nothing"
    );
    submit(&mut port)?;
    let waits = || phones.get("/+48600111222").ok().filter(|phone| phone["on_the_way"] == 1);
    assert_eq!(wait_for("the held message", LIMIT, waits)?["messages"], 1);
    assert_eq!(modem.control.on_air(1)?[0]["reports"], json!([]));
    phones.post("/+48600111222/reachable", &json!({"reachable": true}))?;
    phones.thread(2)?;
    assert_eq!(modem.control.on_air(1)?[0]["reports"], json!([0]));
    Ok(())
}

#[test]
fn a_reply_without_text_or_from_an_unknown_phone_is_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let modem = SimModem::start(dir.path(), &[])?;
    let phones = Phones::start(&modem, &dir.path().join("phones.json"))?;
    assert!(phones.post("/+48600111222/reply", &json!({"text": "jestem"})).is_err());
    assert_eq!(phones.get("")?["items"], json!([]));
    Ok(())
}
