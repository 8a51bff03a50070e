//! The simulated printer and the till's desk as processes: real ports, real connections, files on disk.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hil_tests::sim_printer::{BUFFER_OCTETS, Client, Paper, SimPrinter};
use hil_tests::world::{HostPort, Process, binary, peer, run, wait_for};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(10);
/// Long enough for a local process to say something that it should not.
const QUIET: Duration = Duration::from_millis(300);
/// GS V 66 0: feed to the cutter and cut partially.
const CUT: &[u8] = b"\x1dV\x42\x00";
/// DLE EOT 1.
const STATUS: &[u8] = b"\x10\x04\x01";

fn on_tcp(dir: &Path, arguments: &[&str]) -> Result<SimPrinter> {
    SimPrinter::start(dir, &[&["--tcp", "127.0.0.1:0"], arguments].concat())
}

fn connect(printer: &SimPrinter) -> Result<TcpStream> {
    let stream = TcpStream::connect(printer.tcp.as_deref().context("the printer's address")?)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

fn read(stream: &mut TcpStream, count: usize) -> Result<Vec<u8>> {
    let mut octets = vec![0; count];
    stream.read_exact(&mut octets).context("the printer's answer")?;
    Ok(octets)
}

/// Returns whatever comes until it is quiet.
fn rest(stream: &mut TcpStream) -> Result<Vec<u8>> {
    stream.set_read_timeout(Some(QUIET))?;
    let mut octets = vec![0; 64];
    let outcome = stream.read(&mut octets);
    stream.set_read_timeout(Some(LIMIT))?;
    match outcome {
        Ok(count) => Ok(octets[..count].to_vec()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn zbar(picture: &Path) -> Result<String> {
    let mut command = Command::new(peer("zbarimg", "zbar-tools")?);
    run(command.arg("-q").arg("--").arg(picture), LIMIT)
}

#[test]
fn a_slip_over_tcp_becomes_a_picture_and_a_record_and_is_answered_when_printed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &["--width", "58"])?;
    let mut host = connect(&printer)?;
    // ESC @, ESC t 18, "zażółć" in CP852, a Code 128 in the middle, GS ( H with id "0042".
    host.write_all(b"\x1b@\x1bt\x12za\xbe\xa2\x88\x86\n\x1ba\x01\x1dw\x02\x1dkI\x06{BB4-7\n\n")?;
    host.write_all(CUT)?;
    host.write_all(b"\x1d(H\x06\x00000042")?;
    assert_eq!(read(&mut host, 7)?, b"\x37\x220042\x00");
    let slip = printer.control.wait_slip(1, LIMIT)?;
    assert_eq!((&slip["text"], &slip["dots"], &slip["cut"]), (&json!("zażółć"), &json!(384), &json!("partial")));
    assert_eq!((&slip["codes"][0]["kind"], &slip["codes"][0]["text"]), (&json!("code128"), &json!("B4-7")));
    let listed = printer.control.ask(&json!({"do": "slips"}))?;
    assert_eq!((&listed["count"], &listed["slips"][0]["number"]), (&json!(1), &json!(1)));
    assert_eq!(zbar(&printer.slips.join("slip-0001.png"))?.trim(), "CODE-128:B4-7");
    let kept: Value = serde_json::from_slice(&std::fs::read(printer.slips.join("slip-0001.json"))?)?;
    assert_eq!(kept, slip);
    Ok(())
}

#[test]
fn a_second_host_waits_until_the_first_has_gone() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let printer = on_tcp(dir.path(), &[])?;
    let mut first = connect(&printer)?;
    first.write_all(STATUS)?;
    assert_eq!(read(&mut first, 1)?, [0x12]);
    let mut second = connect(&printer)?;
    second.write_all(STATUS)?;
    assert_eq!(rest(&mut second)?, b"");
    drop(first);
    assert_eq!(read(&mut second, 1)?, [0x12]);
    Ok(())
}

#[test]
fn over_a_pty_hosts_come_and_go_and_octets_pass_as_they_are() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = SimPrinter::start(dir.path(), &[])?;
    for number in 1..=2 {
        let mut host = HostPort::open(&printer.link)?;
        // 0x0d, 0x11 and 0x13 would be changed or swallowed by a line discipline: here they are a picture's rows.
        host.write(b"\x1dv0\x00\x01\x00\x04\x00\x0d\x11\x13\x0a")?;
        host.write(b"slip\n")?;
        host.write(CUT)?;
        host.write(STATUS)?;
        assert_eq!(host.octets(LIMIT)?, [0x12]);
        let slip = printer.control.wait_slip(number, LIMIT)?;
        assert_eq!(slip["text"], "slip");
    }
    assert_eq!(printer.control.stats()?["octets"], 2 * (12 + 5 + 4 + 3));
    Ok(())
}

#[test]
fn paper_that_ends_in_the_middle_stops_the_slip_and_new_paper_finishes_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    let mut host = connect(&printer)?;
    printer.control.paper_out_after(2)?;
    // GS a 8: paper status by itself; at first 10 00 00 0F.
    host.write_all(b"\x1da\x081\n2\n3\n\x1d(H\x06\x00000001")?;
    host.write_all(CUT)?;
    assert_eq!(read(&mut host, 8)?, [0x10, 0, 0, 0x0f, 0x18, 0, 0x0f, 0x0f]);
    host.write_all(b"\x10\x04\x02\x10\x04\x04")?;
    assert_eq!(read(&mut host, 2)?, [0x32, 0x7e]);
    assert!(printer.control.wait_slip(1, QUIET).is_err());
    printer.control.paper(Paper::Ok)?;
    assert_eq!(read(&mut host, 11)?, b"\x10\x00\x00\x0f\x37\x220001\x00");
    assert_eq!(printer.control.wait_slip(1, LIMIT)?["text"], "1\n2\n3");
    Ok(())
}

#[test]
fn a_cover_opened_in_the_middle_of_a_slow_slip_stops_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &["--lines-per-s", "20"])?;
    let mut host = connect(&printer)?;
    host.write_all(&[&b"line\n".repeat(40), CUT].concat())?;
    let control = &mut printer.control;
    let lines = |control: &mut Client| control.stats().ok()?["lines"].as_u64();
    wait_for("some lines", LIMIT, || lines(control).filter(|&count| count > 2))?;
    control.cover(true)?;
    let stopped = lines(control).context("lines")?;
    assert!(stopped < 40, "{stopped}");
    host.write_all(STATUS)?;
    assert_eq!(read(&mut host, 1)?, [0x1a]);
    assert!(control.wait_slip(1, QUIET).is_err());
    assert_eq!(lines(control), Some(stopped));
    control.cover(false)?;
    let slip = control.wait_slip(1, LIMIT)?;
    assert_eq!(slip["lines"].as_array().map(Vec::len), Some(40));
    Ok(())
}

#[test]
fn a_silent_printer_prints_and_says_nothing() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    let mut host = connect(&printer)?;
    printer.control.silent(true)?;
    host.write_all(&[b"a\n", CUT, STATUS, b"\x1d(H\x06\x00000001"].concat())?;
    assert_eq!(printer.control.wait_slip(1, LIMIT)?["text"], "a");
    assert_eq!(rest(&mut host)?, b"");
    printer.control.silent(false)?;
    host.write_all(STATUS)?;
    assert_eq!(read(&mut host, 1)?, [0x12]);
    Ok(())
}

/// Writes CR, which prints nothing, until nothing is taken for a while; returns how much was.
fn write_until_full(host: &mut TcpStream) -> Result<usize> {
    host.set_write_timeout(Some(QUIET))?;
    let (piece, mut written) = ([b'\r'; 4_096], 0);
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        match host.write(&piece) {
            Ok(count) => written += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(written),
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the port still takes octets after {written}");
}

#[test]
fn a_deaf_port_blocks_and_so_does_a_full_buffer_and_nothing_is_lost() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    let mut host = connect(&printer)?;
    printer.control.deaf(true)?;
    let mut written = write_until_full(&mut host)?;
    // A piece that was on its way when it went deaf may still be taken.
    assert!(printer.control.stats()?["octets"].as_u64().is_some_and(|octets| octets <= 4_096));
    printer.control.paper(Paper::Out)?;
    printer.control.deaf(false)?;
    written += write_until_full(&mut host)?;
    assert_eq!(printer.control.stats()?["buffered"], BUFFER_OCTETS);
    printer.control.paper(Paper::Ok)?;
    let control = &mut printer.control;
    let all = || control.stats().ok().filter(|stats| stats["octets"] == written && stats["buffered"] == 0);
    wait_for("all octets taken and printed", LIMIT, all)?;
    host.write_all(&[b"last\n", CUT].concat())?;
    assert_eq!(printer.control.wait_slip(1, LIMIT)?["text"], "last");
    Ok(())
}

#[test]
fn without_power_hosts_are_refused_and_what_waited_is_lost() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    let mut host = connect(&printer)?;
    printer.control.cover(true)?;
    host.write_all(b"lost\n")?;
    let control = &mut printer.control;
    wait_for("the line in the buffer", LIMIT, || control.stats().ok().filter(|stats| stats["buffered"] == 5))?;
    control.power(false)?;
    // The end of the connection, in whichever way.
    let ended = host.read(&mut [0; 1]);
    assert!(!matches!(ended, Ok(1..)), "{ended:?}");
    wait_for("a refusal", LIMIT, || connect(&printer).err())?;
    printer.control.cover(false)?;
    printer.control.power(true)?;
    let mut host = wait_for("the printer again", LIMIT, || connect(&printer).ok())?;
    host.write_all(&[b"b\n", CUT].concat())?;
    assert_eq!(printer.control.wait_slip(1, LIMIT)?["text"], "b");
    Ok(())
}

#[test]
fn without_power_a_pty_is_hung_up_and_its_link_gone() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = SimPrinter::start(dir.path(), &[])?;
    let mut host = HostPort::open(&printer.link)?;
    host.write(STATUS)?;
    assert_eq!(host.octets(LIMIT)?, [0x12]);
    printer.control.power(false)?;
    wait_for("the link gone", LIMIT, || Some(()).filter(|()| std::fs::read_link(&printer.link).is_err()))?;
    wait_for("the hang-up", LIMIT, || host.write(STATUS).err())?;
    printer.control.power(true)?;
    let mut host = wait_for("the port again", LIMIT, || HostPort::open(&printer.link).ok())?;
    host.write(STATUS)?;
    assert_eq!(host.octets(LIMIT)?, [0x12]);
    Ok(())
}

#[test]
fn a_tear_takes_what_was_not_cut_and_a_new_run_counts_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for number in 1..=2 {
        let mut printer = on_tcp(dir.path(), &[])?;
        connect(&printer)?.write_all(b"no cutter\n\x1b\xf0")?;
        let control = &mut printer.control;
        wait_for("the line", LIMIT, || control.stats().ok().filter(|stats| stats["lines"] == 1))?;
        control.tear()?;
        let slip = control.wait_slip(number, LIMIT)?;
        assert_eq!((&slip["text"], &slip["cut"]), (&json!("no cutter"), &json!("torn")));
        let unknown = || control.stats().ok().filter(|stats| stats["unknown"] == json!({"1bf0": 1}));
        wait_for("the unknown command", LIMIT, unknown)?;
    }
    Ok(())
}

#[test]
fn wrong_requests_are_refused_with_their_reason() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    for (request, reason) in [
        (json!({"do": "dance"}), "unknown variant"),
        (json!({"do": "paper", "state": "wet"}), "unknown variant"),
        (json!({"do": "cover", "open": true, "wide": true}), "unknown field"),
        (json!({"do": "slip", "number": 7}), "reading slip 7"),
    ] {
        let refusal = printer.control.ask(&request).err().context("a refusal")?.to_string();
        assert!(refusal.contains(reason), "{refusal}");
    }
    Ok(())
}

struct Desk {
    _process: Process,
    web: String,
    control: Client,
}

impl Desk {
    fn start(dir: &Path, printer: &SimPrinter) -> Result<Self> {
        let port = printer.address.rsplit(':').next().context("the printer's control port")?;
        let mut command = Command::new(binary("sim-till")?);
        command.args(["--printer-control", port]).arg("--slips").arg(&printer.slips);
        command.arg("--scanner-link").arg(dir.join("scanner"));
        let mut process = Process::spawn("sim-till", &mut command)?;
        let ready = process.ready(LIMIT)?;
        let web = format!("http://{}", ready["web"].as_str().context("the page's address")?);
        let control = Client::connect(ready["control"].as_str().context("the desk's control address")?)?;
        Ok(Self { _process: process, web, control })
    }

    fn state(&self) -> Result<Value> {
        let answer = ureq::get(format!("{}/api/desk", self.web)).call()?;
        Ok(serde_json::from_reader(answer.into_body().into_reader())?)
    }

    fn post(&self, path: &str, body: &Value) -> Result<()> {
        ureq::post(format!("{}{path}", self.web)).send_json(body).map(drop).context("asking the desk")
    }
}

#[test]
fn the_desk_shows_slips_and_its_switches_reach_the_printer() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut printer = on_tcp(dir.path(), &[])?;
    let desk = Desk::start(dir.path(), &printer)?;
    connect(&printer)?.write_all(&[b"\x1bp\x00\x19\xfa", b"Paragon\n".as_slice(), CUT].concat())?;
    printer.control.wait_slip(1, LIMIT)?;
    let state = desk.state()?;
    assert_eq!((&state["slips"][0]["text"], &state["slips"][0]["number"]), (&json!("Paragon"), &json!(1)));
    assert_eq!(state["printer"]["condition"]["drawer_open"], true);
    let picture = ureq::get(format!("{}/slips/1", desk.web)).call()?.into_body().read_to_vec()?;
    assert_eq!(picture, std::fs::read(printer.slips.join("slip-0001.png"))?);
    desk.post("/api/printer", &json!({"do": "drawer", "open": false}))?;
    desk.post("/api/printer", &json!({"do": "cover", "open": true}))?;
    let condition = printer.control.stats()?["condition"].take();
    assert_eq!((&condition["drawer_open"], &condition["cover_open"]), (&json!(false), &json!(true)));
    assert!(desk.post("/api/printer", &json!({"do": "stats"})).is_err());
    printer.process.kill()?;
    assert_eq!(desk.state()?["printer"], Value::Null);
    Ok(())
}

#[test]
fn scans_reach_the_scanner_s_port_from_page_and_control() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let printer = on_tcp(dir.path(), &[])?;
    let mut desk = Desk::start(dir.path(), &printer)?;
    let unheard = desk.control.ask(&json!({"do": "scan", "text": "nobody listens"}))?;
    assert_eq!(unheard["sent"]["taken"], false);
    let mut host = HostPort::open(&dir.path().join("scanner"))?;
    desk.control.ask(&json!({"do": "scan", "text": "5901234123457", "aim": "]E0", "suffix": "\r\n"}))?;
    assert_eq!(host.until("\n", LIMIT)?, "]E05901234123457\r\n");
    desk.post("/api/scan", &json!({"text": "B4-7"}))?;
    assert_eq!(host.until("\r", LIMIT)?, "B4-7\r");
    desk.control.ask(&json!({"do": "raw", "hex": "42 34 2d"}))?;
    assert_eq!(host.octets(LIMIT)?, b"B4-");
    assert_eq!(desk.state()?["scanner"]["sent"][0]["shown"], "B4-");
    assert!(desk.post("/api/scan", &json!({"text": "x", "aim": "C0"})).is_err());
    Ok(())
}
