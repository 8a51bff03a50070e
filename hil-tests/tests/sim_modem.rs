//! The simulated modem through its real port: answers, faults, storage, registration, restarts.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use hil_tests::world::{HostPort, SimModem, wait_for};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(10);
/// Long enough for a local process to say something that it should not.
const QUIET: Duration = Duration::from_millis(300);
/// To +48600111222, "hello", report asked for; by hand from TS 23.040: 21 00 0B91 8406101122F2 00 00 05 E8329BFD06.
const HELLO: &str = "0021000B918406101122F2000005E8329BFD06";
const HELLO_OCTETS: usize = 18;

fn start(dir: &Path, arguments: &[&str]) -> Result<(SimModem, HostPort)> {
    let modem = SimModem::start(dir, arguments)?;
    let mut port = HostPort::open(&modem.link)?;
    port.command("ATE0", LIMIT)?;
    Ok((modem, port))
}

fn submit(port: &mut HostPort) -> Result<()> {
    port.write(format!("AT+CMGS={HELLO_OCTETS}\r").as_bytes())?;
    port.until("\r\n> ", LIMIT)?;
    port.write(format!("{HELLO}\x1a").as_bytes())
}

#[test]
fn a_submission_goes_on_air_as_it_was_written_and_its_report_comes_back() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    port.command("AT+CNMI=2,1,0,1,0", LIMIT)?;
    submit(&mut port)?;
    let answer = port.until("OK\r\n", LIMIT)?;
    assert_eq!(answer, "\r\n+CMGS: 1\r\n\r\nOK\r\n");
    let on_air = &modem.control.on_air(0)?[0];
    assert_eq!((&on_air["number"], &on_air["text"]), (&json!("+48600111222"), &json!("hello")));
    assert_eq!((&on_air["srr"], &on_air["mr"], &on_air["air"]), (&json!(true), &json!(1), &json!(1)));
    assert_eq!(on_air["pdu"], "21010B918406101122F2000005E8329BFD06");
    let report = port.until("00\r\n", LIMIT)?;
    // 06: SMS-STATUS-REPORT; 01: the reference; then the recipient.
    assert!(report.contains("\r\n+CDS: 25\r\n"), "{report}");
    assert!(report.contains("06010B918406101122F2"), "{report}");
    Ok(())
}

#[test]
fn a_lost_answer_leaves_the_message_on_air_and_the_next_command_is_answered() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.fault(&json!({"kind": "lost_answer"}))?;
    submit(&mut port)?;
    modem.events()?.wait("air", LIMIT, |_| true)?;
    assert_eq!(port.rest(QUIET)?, "");
    assert_eq!(port.command("AT", LIMIT)?, "\r\nOK\r\n");
    assert_eq!(modem.control.on_air(0)?.len(), 1);
    Ok(())
}

#[test]
fn a_late_answer_comes_behind_or_between_other_answers_as_ordered() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.fault(&json!({"kind": "late_answer", "ms": 300, "meanwhile": "answer"}))?;
    submit(&mut port)?;
    port.write(b"AT+CSQ\r")?;
    let both = port.until("+CMGS: 1\r\n\r\nOK\r\n", LIMIT)?;
    assert!(both.starts_with("\r\n+CSQ: 21,99\r\n\r\nOK\r\n"), "{both}");
    modem.control.fault(&json!({"kind": "late_answer", "ms": 300}))?;
    submit(&mut port)?;
    port.write(b"AT+CSQ\r")?;
    let both = port.until("99\r\n\r\nOK\r\n", LIMIT)?;
    assert!(both.starts_with("\r\n+CMGS: 2\r\n\r\nOK\r\n"), "{both}");
    Ok(())
}

#[test]
fn an_error_before_the_air_sends_nothing_and_one_after_it_sends() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    for (air, expected) in [("before", 0), ("after", 1)] {
        modem.control.fault(&json!({"kind": "cms_error", "code": 500, "air": air}))?;
        submit(&mut port)?;
        assert_eq!(port.until("500\r\n", LIMIT)?, "\r\n+CMS ERROR: 500\r\n");
        assert_eq!(modem.control.on_air(0)?.len(), expected, "{air}");
    }
    Ok(())
}

#[test]
fn an_unsolicited_code_falls_between_a_header_and_its_pdu() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.deliver("+48600111222", "jestem")?;
    assert_eq!(port.until("\r\n+CMTI: \"ME\",0\r\n", LIMIT)?, "\r\n+CMTI: \"ME\",0\r\n");
    let fault = json!({"kind": "urc_between", "command": "AT+CMGL", "line": 1, "text": "+CREG: 1"});
    modem.control.fault(&fault)?;
    let answer = port.command("AT+CMGL=4", LIMIT)?;
    let lines: Vec<&str> = answer.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert!(lines[0].starts_with("+CMGL: 0,0,,"), "{answer}");
    assert_eq!((lines[1], lines[3]), ("+CREG: 1", "OK"));
    // "jestem" packed by hand (TS 23.038 §6.1.2.1.1): six septets 6A 65 73 74 65 6D.
    assert!(lines[2].contains("0B918406101122F20000") && lines[2].ends_with("06EAF29C5E6E03"), "{answer}");
    Ok(())
}

#[test]
fn a_torn_line_ends_in_the_middle_and_the_modem_goes_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.fault(&json!({"kind": "torn_line", "keep": 4}))?;
    submit(&mut port)?;
    assert_eq!(port.until("+CMG", LIMIT)?, "\r\n+CMG");
    assert_eq!(port.rest(QUIET)?, "");
    assert_eq!(port.command("AT", LIMIT)?, "\r\nOK\r\n");
    Ok(())
}

#[test]
fn no_prompt_garbage_and_echo_come_as_ordered() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.fault(&json!({"kind": "no_prompt"}))?;
    port.write(b"AT+CMGS=18\r")?;
    assert_eq!(port.rest(QUIET)?, "");
    modem.control.fault(&json!({"kind": "garbage", "hex": "00FF3E20"}))?;
    assert!(port.until("> ", LIMIT)?.ends_with("> "));
    modem.control.fault(&json!({"kind": "echo"}))?;
    assert_eq!(port.command("AT", LIMIT)?, "AT\r\r\nOK\r\n");
    Ok(())
}

#[test]
fn a_reboot_in_the_middle_of_a_submission_sends_only_when_ordered_after_the_air() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    for (air, expected) in [("before", 0), ("after", 1)] {
        modem.control.fault(&json!({"kind": "reboot", "command": "AT+CMGS", "air": air}))?;
        submit(&mut port)?;
        let boot = port.until("+QIND: PB DONE\r\n", LIMIT)?;
        assert!(boot.contains("\r\nRDY\r\n") && !boot.contains("+CMGS"), "{boot}");
        assert_eq!(modem.control.on_air(0)?.len(), expected, "{air}");
        // Echo is on again after a restart.
        assert_eq!(port.command("ATE0", LIMIT)?, "ATE0\r\r\nOK\r\n");
        wait_for("registration", LIMIT, || {
            port.command("AT+CREG?", LIMIT).ok().filter(|answer| answer.contains("+CREG: 0,1"))
        })?;
    }
    Ok(())
}

#[test]
fn a_hung_modem_answers_only_after_its_reset() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.fault(&json!({"kind": "hang"}))?;
    port.write(b"AT\r")?;
    assert_eq!(port.rest(QUIET)?, "");
    modem.control.ask(&json!({"do": "power", "action": "reset"}))?;
    port.until("RDY\r\n", LIMIT)?;
    port.command("AT", LIMIT)?;
    Ok(())
}

#[test]
fn a_full_storage_keeps_messages_in_the_network_until_there_is_room() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.ask(&json!({"do": "storage", "memory": "ME", "size": 3, "leave_free": 0}))?;
    modem.control.deliver("+48600111222", "jestem")?;
    assert_eq!(port.until("\"ME\"\r\n", LIMIT)?, "\r\n+QIND: \"smsfull\",\"ME\"\r\n");
    assert_eq!(modem.control.ask(&json!({"do": "state"}))?["inbound_waiting"], 1);
    port.write(b"AT+CMGD=1\r")?;
    assert_eq!(port.until("+CMTI: \"ME\",1\r\n", LIMIT)?, "\r\nOK\r\n\r\n+CMTI: \"ME\",1\r\n");
    assert_eq!(modem.control.ask(&json!({"do": "state"}))?["inbound_waiting"], 0);
    Ok(())
}

#[test]
fn a_direct_message_stays_with_the_network_until_it_is_acknowledged() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.ask(&json!({"do": "delays", "cnma_ms": 200}))?;
    port.command("AT+CSMS=1;+CNMI=2,2,0,1,0", LIMIT)?;
    modem.control.deliver("+48600111222", "jestem")?;
    port.until("+CMT: ,", LIMIT)?;
    modem.events()?.wait("cnma_timeout", LIMIT, |_| true)?;
    // Routing has ended; setting it again brings the message once more.
    port.command("AT+CNMI=2,2,0,1,0", LIMIT)?;
    port.until("+CMT: ,", LIMIT)?;
    port.command("AT+CNMA", LIMIT)?;
    assert_eq!(modem.control.ask(&json!({"do": "state"}))?["inbound_waiting"], 0);
    port.write(b"AT+CNMA\r")?;
    port.until("+CMS ERROR: 340\r\n", LIMIT)?;
    Ok(())
}

#[test]
fn a_report_may_be_held_released_failed_or_lost() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    let mut events = modem.events()?;
    let number = "+48600111222";
    modem.control.ask(&json!({"do": "reports", "number": number, "rule": {"policy": "hold"}}))?;
    submit(&mut port)?;
    events.wait("air", LIMIT, |_| true)?;
    assert_eq!(modem.control.ask(&json!({"do": "release", "number": number}))?["released"], json!([1]));
    events.wait("handset", LIMIT, |event| event["air"] == 1)?;
    assert_eq!(events.wait("report", LIMIT, |_| true)?["status"], 0);
    let fail = json!({"do": "reports", "number": number, "rule": {"policy": "fail", "status": 0x46}});
    modem.control.ask(&fail)?;
    submit(&mut port)?;
    assert_eq!(events.wait("report", LIMIT, |_| true)?["status"], 0x46);
    modem.control.ask(&json!({"do": "reports", "number": number, "rule": {"policy": "never"}}))?;
    submit(&mut port)?;
    events.wait("handset", LIMIT, |event| event["air"] == 3)?;
    assert_eq!(modem.control.on_air(2)?[0]["reports"], json!([]));
    Ok(())
}

#[test]
fn wrong_pins_cost_tries_and_end_at_the_puk() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &[])?;
    modem.control.ask(&json!({"do": "sim", "lock": "pin", "pin": "4321"}))?;
    port.until("+CPIN: SIM PIN\r\n", LIMIT)?;
    port.write(b"AT+CPIN=0000\r")?;
    port.until("+CME ERROR: 16\r\n", LIMIT)?;
    assert!(port.command("AT+CPINR", LIMIT)?.contains("+CPINR: SIM PIN,2,3"));
    port.command("AT+CPIN=4321", LIMIT)?;
    port.until("+CPIN: READY\r\n", LIMIT)?;
    for command in ["AT+QPINC?", "AT+QPINC=\"SC\""] {
        assert!(port.command(command, LIMIT)?.contains("+QPINC: \"SC\",3,10"), "{command}");
    }
    Ok(())
}

#[test]
fn the_last_reference_is_on_the_card_and_survives_a_restart_of_the_simulator() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let state = dir.path().join("card.json");
    let state = state.to_str().unwrap_or_default();
    let (mut modem, mut port) = start(dir.path(), &["--state", state])?;
    submit(&mut port)?;
    port.until("OK\r\n", LIMIT)?;
    assert_eq!(port.command("AT+CRSM=176,28483,0,0,2", LIMIT)?, "\r\n+CRSM: 144,0,\"01FF\"\r\n\r\nOK\r\n");
    modem.process.kill()?;
    drop(port);
    let (mut modem, mut port) = start(dir.path(), &["--state", state])?;
    assert!(port.command("AT+CRSM=176,28483,0,0,2", LIMIT)?.contains("\"01FF\""));
    submit(&mut port)?;
    assert!(port.until("OK\r\n", LIMIT)?.contains("+CMGS: 2"));
    assert_eq!(modem.control.on_air(1)?[0]["air"], 2);
    Ok(())
}

#[test]
fn what_is_said_while_nobody_has_the_port_open_is_lost() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, port) = start(dir.path(), &[])?;
    let mut events = modem.events()?;
    drop(port);
    events.wait("port", LIMIT, |event| event["port"] == "closed")?;
    modem.control.deliver("+48600111222", "jestem")?;
    events.wait("stored", LIMIT, |_| true)?;
    let mut port = HostPort::open(&modem.link)?;
    assert_eq!(port.command("AT", LIMIT)?, "\r\nOK\r\n");
    assert!(port.command("AT+CMGL=0", LIMIT)?.contains("+CMGL: 0,0,,"));
    Ok(())
}

#[test]
fn a_usb_modem_takes_its_port_away_while_it_restarts() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, mut port) = start(dir.path(), &["--port-on-reboot", "reenumerate"])?;
    modem.control.fault(&json!({"kind": "reboot"}))?;
    wait_for("the port's end", LIMIT, || {
        port.command("AT", Duration::from_millis(50)).err().filter(|error| {
            error.root_cause().downcast_ref::<std::io::Error>().is_some_and(|error| error.raw_os_error() == Some(5))
        })
    })?;
    wait_for("the port's return", LIMIT, || {
        let mut port = HostPort::open(&modem.link).ok()?;
        port.command("AT", Duration::from_millis(200)).ok()
    })?;
    Ok(())
}

#[test]
fn a_wrong_request_is_refused_and_the_next_one_works() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut modem, _port) = start(dir.path(), &[])?;
    for wrong in [json!({"do": "fly"}), json!({"do": "signal", "rssi": 40}), json!([]), json!({"do": "state", "x": 1})]
    {
        assert!(modem.control.ask(&wrong).is_err(), "{wrong}");
    }
    assert!(modem.control.fault(&json!({"kind": "lost_answer", "ms": 3})).is_err());
    modem.control.ask(&json!({"do": "signal", "rssi": 9}))?;
    Ok(())
}
