//! Calls of the simulated modem through its real ports: commands, notices, sound both ways, and gammu on the other side.

mod voice;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use hil_tests::sim_modem::RATE;
use hil_tests::world::{HostPort, SimModem, peer, run, wait_for};
use serde_json::{Value, json};

use voice::{LIMIT, Line, octets_of, samples_of, share, sine, wav_of, write_wav};

/// Long enough for a local process to say something that it should not.
const QUIET: Duration = Duration::from_millis(300);
const CALLER: &str = "+48600111222";
/// gammu asks some ten commands and waits between tries.
const GAMMU_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_caller_rings_again_and_again_is_answered_and_hangs_up() -> Result<()> {
    let mut line = Line::start("generic")?;
    line.ask(json!({"do": "call_times", "ring_ms": 200}))?;
    line.port.command("AT+CLIP=1", LIMIT)?;
    line.ask(json!({"do": "call", "from": CALLER}))?;
    for _ in 0..3 {
        // TS 27.007 §7.11: number, 145 for international, three empty fields, 0 for a valid number.
        line.port.until("\r\nRING\r\n\r\n+CLIP: \"+48600111222\",145,,,,0\r\n", LIMIT)?;
    }
    assert!(line.port.command("AT+CLCC", LIMIT)?.contains("+CLCC: 1,1,4,0,0,\"+48600111222\",145\r\n"));
    assert!(line.port.command("AT+CPAS", LIMIT)?.contains("+CPAS: 3"));
    line.port.command("ATA", LIMIT)?;
    assert!(line.port.command("AT+CLCC", LIMIT)?.contains("+CLCC: 1,1,0,0,0,"));
    line.ask(json!({"do": "hang_up"}))?;
    line.port.until("\r\nNO CARRIER\r\n", LIMIT)?;
    assert_eq!(line.port.command("AT+CLCC", LIMIT)?, "\r\nOK\r\n");
    let ended = line.events.wait("call", LIMIT, |event| event["state"] == "ended")?;
    assert_eq!((&ended["by"], &ended["way"]), (&json!("far"), &json!("in")));
    Ok(())
}

#[test]
fn a_withheld_number_is_empty_and_said_to_be_withheld() -> Result<()> {
    let mut line = Line::start("generic")?;
    line.port.command("AT+CLIP=1;+CRC=1", LIMIT)?;
    line.ask(json!({"do": "call"}))?;
    line.port.until("\r\n+CRING: VOICE\r\n\r\n+CLIP: \"\",128,,,,1\r\n", LIMIT)?;
    Ok(())
}

#[test]
fn a_caller_who_gives_up_is_told_as_the_family_does() -> Result<()> {
    for (profile, words) in [("ec25", ["NO CARRIER", "NO CARRIER"]), ("sim7600", ["MISSED_CALL: ", "NO CARRIER"])] {
        let mut line = Line::start(profile)?;
        line.ask(json!({"do": "call", "from": CALLER, "give_up_ms": 300}))?;
        line.port.until("RING\r\n", LIMIT)?;
        let said = line.port.until("NO CARRIER\r\n", LIMIT)?;
        assert!(words.iter().all(|word| said.contains(word)), "{profile}: {said}");
        line.port.write(b"ATA\r")?;
        line.port.until("\r\nNO CARRIER\r\n", LIMIT)?;
    }
    Ok(())
}

#[test]
fn a_number_called_does_as_ordered() -> Result<()> {
    let mut line = Line::start("generic")?;
    for (number, rule, word) in [
        ("111", json!({"policy": "busy", "after_ms": 20}), "BUSY"),
        ("222", json!({"policy": "unreachable"}), "NO CARRIER"),
        ("333", json!({"policy": "ring"}), "NO ANSWER"),
    ] {
        line.ask(json!({"do": "callee", "number": number, "rule": rule}))?;
        line.ask(json!({"do": "call_times", "no_answer_ms": 400}))?;
        line.port.command(&format!("ATD{number};"), LIMIT)?;
        line.port.until(&format!("\r\n{word}\r\n"), LIMIT)?;
        assert_eq!(line.port.command("AT+CLCC", LIMIT)?, "\r\nOK\r\n");
    }
    line.ask(json!({"do": "callee", "rule": {"policy": "answer", "answer_ms": 200}}))?;
    line.port.command("ATD+48600111222;", LIMIT)?;
    for figure in [3, 0] {
        let wanted = format!("+CLCC: 1,0,{figure},0,0,\"+48600111222\",145");
        wait_for(&wanted, LIMIT, || line.port.command("AT+CLCC", LIMIT).ok().filter(|said| said.contains(&wanted)))?;
    }
    line.port.command("AT+CHUP", LIMIT)?;
    let ended = line.events.wait("call", LIMIT, |event| event["call"] == 4 && event["state"] == "ended")?;
    assert_eq!(ended["by"], "host");
    Ok(())
}

#[test]
fn somebody_at_the_far_end_picks_up_or_refuses() -> Result<()> {
    let mut line = Line::start("sim7600")?;
    line.port.command("ATD600111222;", LIMIT)?;
    line.events.wait("call", LIMIT, |event| event["state"] == "alerting")?;
    line.ask(json!({"do": "pick_up"}))?;
    line.port.until("\r\nVOICE CALL: BEGIN\r\n", LIMIT)?;
    assert!(line.modem.control.ask(&json!({"do": "pick_up"})).is_err(), "it is up already");
    line.port.write(b"ATH\r")?;
    line.port.until("\r\nOK\r\n\r\nVOICE CALL: END: 00000", LIMIT)?;
    line.port.command("ATD600111222;", LIMIT)?;
    line.ask(json!({"do": "hang_up"}))?;
    line.port.until("\r\nBUSY\r\n", LIMIT)?;
    Ok(())
}

#[test]
fn what_is_no_voice_call_is_refused() -> Result<()> {
    let mut line = Line::start("generic")?;
    // Without its semicolon it would be a data call (TS 27.007 §6.2).
    line.port.write(b"ATD600111222\r")?;
    line.port.until("\r\n+CME ERROR: 3\r\n", LIMIT)?;
    line.ask(json!({"do": "registration", "registration": "searching"}))?;
    line.port.write(b"ATD600111222;\r")?;
    line.port.until("\r\nNO CARRIER\r\n", LIMIT)?;
    assert!(line.modem.control.ask(&json!({"do": "call", "from": CALLER})).is_err(), "nobody reaches it");
    line.port.write(b"AT+VTS=1\r")?;
    line.port.until("\r\n+CME ERROR: 3\r\n", LIMIT)?;
    Ok(())
}

#[test]
fn a_second_caller_waits_until_refused_or_until_the_first_has_gone() -> Result<()> {
    let mut line = Line::in_a_call("ec25")?;
    line.port.command("AT+CCWA=1", LIMIT)?;
    line.ask(json!({"do": "call", "from": "+48500000000"}))?;
    line.port.until("\r\n+CCWA: \"+48500000000\",145,1\r\n", LIMIT)?;
    assert!(line.port.command("AT+CLCC", LIMIT)?.contains("+CLCC: 2,1,5,0,0,\"+48500000000\",145"));
    assert!(line.modem.control.ask(&json!({"do": "call"})).is_err(), "a third one finds it engaged");
    line.port.command("AT+CHLD=0", LIMIT)?;
    let calls = line.port.command("AT+CLCC", LIMIT)?;
    assert!(calls.contains("+CLCC: 1,1,0") && !calls.contains("+CLCC: 2"), "{calls}");
    line.ask(json!({"do": "call", "from": "+48500000000"}))?;
    line.port.until("+CCWA", LIMIT)?;
    line.port.command("AT+CHUP", LIMIT)?;
    line.port.until("\r\nRING\r\n", LIMIT)?;
    line.port.command("ATA", LIMIT)?;
    Ok(())
}

#[test]
fn keys_of_the_far_end_are_told_in_the_familys_form_when_asked_for() -> Result<()> {
    for (profile, on, told) in [
        ("ec25", "AT+QTONEDET=1", ["+QTONEDET: 49", "+QTONEDET: 35"]),
        ("sim7600", "AT+DDET=1,0,0", ["+RXDTMF: 1", "+RXDTMF: #"]),
    ] {
        let mut line = Line::in_a_call(profile)?;
        line.ask(json!({"do": "press", "keys": "9", "as": "notice", "on_ms": 20, "off_ms": 0}))?;
        assert!(!line.port.rest(QUIET)?.contains('9'), "not asked for");
        line.port.command(on, LIMIT)?;
        line.ask(json!({"do": "press", "keys": "1#", "as": "notice"}))?;
        for notice in told {
            line.port.until(&format!("\r\n{notice}\r\n"), LIMIT)?;
        }
        line.ask(json!({"do": "press", "keys": "5", "as": "tones", "on_ms": 20, "off_ms": 0}))?;
        assert_eq!(line.port.rest(QUIET)?, "", "tones alone");
        assert!(line.modem.control.ask(&json!({"do": "press", "keys": "5E"})).is_err());
    }
    Ok(())
}

#[test]
fn a_restart_or_a_lost_network_ends_the_call() -> Result<()> {
    let mut line = Line::in_a_call("ec25")?;
    line.modem.control.fault(&json!({"kind": "reboot"}))?;
    let ended = |event: &Value| event["state"] == "ended";
    assert_eq!(line.events.wait("call", LIMIT, ended)?["by"], "modem");
    let mut line = Line::in_a_call("ec25")?;
    line.ask(json!({"do": "registration", "registration": "searching"}))?;
    line.port.until("\r\nNO CARRIER\r\n", LIMIT)?;
    assert_eq!(line.events.wait("call", LIMIT, ended)?["by"], "network");
    Ok(())
}

#[test]
fn quectel_tells_call_states_when_asked() -> Result<()> {
    let mut line = Line::start("ec25")?;
    line.port.command("AT+QINDCFG=\"ccinfo\",1", LIMIT)?;
    line.ask(json!({"do": "call", "from": CALLER}))?;
    line.port.until("\r\n+QIND: \"ccinfo\",1,1,4,0,0,\"+48600111222\",145\r\n", LIMIT)?;
    line.port.command("ATA", LIMIT)?;
    line.port.until("\r\n+QIND: \"ccinfo\",1,1,0,0,0,", LIMIT)?;
    line.port.command("ATH", LIMIT)?;
    line.port.until("\r\n+QIND: \"ccinfo\",1,1,-1,0,0,", LIMIT)?;
    Ok(())
}

#[test]
fn messages_pass_during_a_call() -> Result<()> {
    let mut line = Line::in_a_call("ec25")?;
    line.modem.control.deliver(CALLER, "jestem")?;
    line.port.until("+CMTI: ", LIMIT)?;
    // To +48600111222, "hello"; by hand from TS 23.040.
    line.port.write(b"AT+CMGS=18\r")?;
    line.port.until("\r\n> ", LIMIT)?;
    line.port.write(b"0021000B918406101122F2000005E8329BFD06\x1a")?;
    line.port.until("+CMGS: 1\r\n\r\nOK\r\n", LIMIT)?;
    assert!(line.port.command("AT+CLCC", LIMIT)?.contains("+CLCC: 1,1,0"));
    Ok(())
}

/// Fills half a second of what the far end hears with a tone of the host, and reads as much of what it says.
fn exchange(line: &mut Line, hertz: f64) -> Result<Vec<i16>> {
    let second = RATE as usize;
    let said = octets_of(&sine(hertz, second));
    let mut heard = Vec::new();
    // The modem's clock paces the host: a frame out for a frame in.
    let mut frames = said.chunks(320);
    let end = Instant::now() + LIMIT;
    while heard.len() < 2 * second && Instant::now() < end {
        let octets = line.pcm()?.octets(LIMIT)?;
        heard.extend(&octets);
        for frame in frames.by_ref().take(octets.len().div_ceil(320)) {
            line.pcm()?.write(frame)?;
        }
    }
    Ok(samples_of(&heard))
}

#[test]
fn sound_passes_both_ways_at_its_pace_while_the_call_is_up() -> Result<()> {
    for (profile, on) in [("generic", "AT"), ("ec25", "AT+QPCMV=1,0"), ("sim7600", "AT+CPCMREG=1")] {
        let mut line = Line::start(profile)?;
        let record = line.dir.path().join("far.wav");
        assert_eq!(line.pcm()?.octets(QUIET)?, [0_u8; 0], "{profile}: silent without a call");
        line.ask(json!({"do": "call", "tone": 440.0, "record": record}))?;
        line.port.until("RING\r\n", LIMIT)?;
        line.port.command("ATA", LIMIT)?;
        line.port.command(on, LIMIT)?;
        let begun = Instant::now();
        let heard = exchange(&mut line, 1_000.0)?;
        let took = begun.elapsed();
        assert!((900..3_000).contains(&took.as_millis()), "{profile}: one second in {took:?}");
        // 200 ms in the middle: almost all of its power at one frequency.
        assert!(share(&heard[3_200..4_800], 440.0) > 0.95, "{profile}");
        line.port.command("ATH", LIMIT)?;
        line.events.wait("recorded", LIMIT, |_| true)?;
        let far = wav_of(&record)?;
        let windows: Vec<f64> = far.chunks_exact(800).map(|window| share(window, 1_000.0)).collect();
        let good = windows.iter().filter(|share| **share > 0.95).count();
        assert!(good >= 5, "{profile}: {windows:?}");
        line.pcm()?.rest(QUIET)?;
        assert_eq!(line.pcm()?.octets(QUIET)?, [0_u8; 0], "{profile}: silent again");
    }
    Ok(())
}

#[test]
fn without_the_modems_leave_no_sound_passes() -> Result<()> {
    for (profile, off) in [("ec25", "AT+QPCMV=1,2"), ("sim7600", "AT+CPCMREG=0")] {
        let mut line = Line::in_a_call(profile)?;
        line.port.command(off, LIMIT)?;
        assert_eq!(line.pcm()?.octets(QUIET)?, [0_u8; 0], "{profile}");
    }
    Ok(())
}

#[test]
fn keys_sound_as_their_tones_both_ways() -> Result<()> {
    let mut line = Line::start("generic")?;
    let record = line.dir.path().join("far.wav");
    line.ask(json!({"do": "call", "record": record}))?;
    line.port.command("ATA", LIMIT)?;
    line.ask(json!({"do": "press", "keys": "5", "on_ms": 400, "off_ms": 0}))?;
    let heard = exchange(&mut line, 0.0)?;
    let loud = heard.iter().position(|sample| sample.abs() > 1_000).unwrap_or_default();
    // ITU-T Q.23: 5 is 770 and 1336 Hz, each half of the power.
    let key = &heard[loud + 160..loud + 1_760];
    assert!(share(key, 770.0) > 0.4 && share(key, 1_336.0) > 0.4);
    line.port.command("AT+VTS=#", LIMIT)?;
    assert_eq!(line.events.wait("digit", LIMIT, |_| true)?["digit"], "#");
    let before = line.ask(json!({"do": "calls"}))?["frames"].as_u64().unwrap_or_default();
    wait_for("the key's time", LIMIT, || {
        let state = line.modem.control.ask(&json!({"do": "calls"})).ok()?;
        state["frames"].as_u64().filter(|frames| *frames > before + 10)
    })?;
    line.ask(json!({"do": "hang_up"}))?;
    line.events.wait("recorded", LIMIT, |_| true)?;
    let far = wav_of(&record)?;
    let loud = far.iter().position(|sample| sample.abs() > 1_000).unwrap_or_default();
    let key = &far[loud..loud + 640];
    assert!(share(key, 941.0) > 0.4 && share(key, 1_477.0) > 0.4, "# is 941 and 1477 Hz");
    Ok(())
}

#[test]
fn a_file_is_played_to_the_modem_and_only_a_fitting_one() -> Result<()> {
    let mut line = Line::start("generic")?;
    let file = line.dir.path().join("hello.wav");
    write_wav(&file, RATE, &sine(620.0, RATE as usize))?;
    line.ask(json!({"do": "callee", "rule": {"policy": "answer", "wav": file}}))?;
    line.port.command("ATD600111222;", LIMIT)?;
    let heard = exchange(&mut line, 0.0)?;
    assert!(share(&heard[1_600..3_200], 620.0) > 0.95);
    write_wav(&file, 16_000, &sine(620.0, 160))?;
    for wrong in [json!({"do": "say", "wav": file}), json!({"do": "say", "wav": "/nowhere.wav"})] {
        assert!(line.modem.control.ask(&wrong).is_err(), "{wrong}");
    }
    Ok(())
}

#[test]
fn a_person_at_the_sound_port_hears_and_is_heard() -> Result<()> {
    let mut line = Line::in_a_call("generic")?;
    let mut person = line.person()?;
    let said = octets_of(&sine(550.0, 2 * RATE as usize));
    let host = octets_of(&sine(1_000.0, 2 * RATE as usize));
    let (mut at_host, mut at_person) = (Vec::new(), Vec::new());
    for (mine, theirs) in said.chunks(320).zip(host.chunks(320)) {
        person.say(mine)?;
        at_person.extend(person.hear(320)?);
        at_host.extend(line.pcm()?.octets(LIMIT)?);
        line.pcm()?.write(theirs)?;
    }
    let clear = |octets: &[u8], hertz: f64| {
        let samples = samples_of(octets);
        samples.chunks_exact(800).filter(|window| share(window, hertz) > 0.95).count()
    };
    assert!(clear(&at_host, 550.0) >= 10 && clear(&at_person, 1_000.0) >= 10);
    Ok(())
}

fn gammu(line: &Line, arguments: &[&str]) -> Result<String> {
    let config = line.dir.path().join("gammurc");
    std::fs::write(&config, format!("[gammu]\ndevice = {}\nconnection = at115200\n", line.modem.link.display()))?;
    let mut command = Command::new(peer("gammu", "gammu")?);
    run(command.env("LC_ALL", "C.UTF-8").arg("-c").arg(&config).args(arguments), GAMMU_LIMIT)
}

#[test]
fn gammu_answers_a_call_and_hangs_it_up() -> Result<()> {
    let mut line = Line::start("generic")?;
    line.ask(json!({"do": "call", "from": CALLER}))?;
    gammu(&line, &["answercall"])?;
    line.events.wait("call", LIMIT, |event| event["state"] == "active")?;
    gammu(&line, &["cancelcall"])?;
    let ended = line.events.wait("call", LIMIT, |event| event["state"] == "ended")?;
    assert_eq!(ended["by"], "host");
    Ok(())
}

#[test]
fn gammu_calls_a_number_and_presses_keys() -> Result<()> {
    let mut line = Line::start("generic")?;
    line.ask(json!({"do": "callee", "number": CALLER, "rule": {"policy": "answer"}}))?;
    gammu(&line, &["dialvoice", CALLER])?;
    let active = line.events.wait("call", LIMIT, |event| event["state"] == "active")?;
    assert_eq!((&active["number"], &active["way"]), (&json!(CALLER), &json!("out")));
    gammu(&line, &["senddtmf", "7"])?;
    assert_eq!(line.events.wait("digit", LIMIT, |_| true)?["digit"], "7");
    gammu(&line, &["cancelcall"])?;
    line.events.wait("call", LIMIT, |event| event["state"] == "ended" && event["by"] == "host")?;
    Ok(())
}

#[test]
fn the_ports_of_sound_are_told_and_go_with_the_simulator() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let link = dir.path().join("pcm");
    let arguments = ["--pcm-link", link.to_str().unwrap_or_default(), "--sound", "0"];
    let mut modem = SimModem::start(dir.path(), &arguments)?;
    let ready = modem.process.ready(LIMIT)?;
    assert_eq!(ready["pcm"], json!(link));
    assert!(ready["sound"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")));
    drop(HostPort::open(&link)?);
    modem.process.stop(LIMIT)?;
    assert!(!link.exists());
    Ok(())
}
