//! A kill never shows a missing fsync, a power cut does: the gateway's system calls are traced, and the WAL must be
//! synced between what is written down and what leaves the box.

mod shop;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hil_tests::world::{Process, peer, wait_for};
use serde_json::json;
use shop::{SOON, Shop};

/// One system call of the trace that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// These bytes into the WAL.
    WalWrite(String),
    /// The WAL is on disk.
    WalSync,
    /// Ctrl-Z goes to the modem: the message leaves.
    CtrlZ,
    /// An acknowledgement goes to the broker.
    Ack,
}

fn call_of(line: &str) -> Option<Call> {
    let is = |name: &str| line.contains(&format!(" {name}(")) || line.starts_with(&format!("{name}("));
    if (is("pwrite64") || is("write")) && line.contains("shop.db-wal") {
        return Some(Call::WalWrite(line.to_owned()));
    }
    if (is("fdatasync") || is("fsync")) && line.contains("shop.db-wal") {
        return Some(Call::WalSync);
    }
    if is("write") && line.contains("/pts/") && line.contains("\\x1a") {
        return Some(Call::CtrlZ);
    }
    if (is("write") || is("writev") || is("sendto")) && line.contains("up/ack") {
        return Some(Call::Ack);
    }
    None
}

/// Before each `leaving` call that comes after `written` first stood in the WAL, the WAL must have been synced. Gives
/// how many such calls there were.
fn synced_before(calls: &[Call], written: &str, leaving: &Call) -> Result<usize> {
    let holds = |call: &Call| matches!(call, Call::WalWrite(line) if line.contains(written));
    let Some(first) = calls.iter().position(holds) else { anyhow::bail!("{written:?} never stood in the WAL") };
    let mut seen = 0;
    for (at, _) in calls.iter().enumerate().skip(first).filter(|(_, call)| *call == leaving) {
        ensure!(calls[first..at].contains(&Call::WalSync), "{leaving:?} left before {written:?} was synced");
        seen += 1;
    }
    ensure!(!calls[..first].contains(leaving), "{leaving:?} left before {written:?} was written");
    Ok(seen)
}

#[test]
fn the_journal_is_on_disk_before_the_message_leaves_and_an_effect_before_its_acknowledgement() -> Result<()> {
    let strace = peer("strace", "strace")?;
    let mut shop = Shop::start()?;
    shop.gateway.wait_online(true)?;
    let trace = shop.dir.path().join("trace");
    let calls = "trace=write,writev,pwrite64,sendto,fsync,fdatasync";
    let mut command = Command::new(strace);
    command.args(["-f", "-y", "-xx", "-s", "4096", "-e", calls, "-o"]).arg(&trace);
    command.args(["-p", &shop.gateway.process.pid().to_string()]);
    let mut tracer = Process::spawn("strace", &mut command)?;
    wait_for("strace to attach", SOON, || tracer.log().contains("attached").then_some(()))?;

    let orders = shop.orders(31, 30);
    let order = orders
        .iter()
        .find(|o| serde_json::to_value(o).is_ok_and(|v| v["kind"] == "prepaid"))
        .context("a prepaid order")?;
    shop.place(order)?;
    shop.stage(order, "F1")?;
    let (status, answer) = shop.gateway.act(&order.order, "arrive", &json!({"via": "staff"}))?;
    ensure!(status == 200, "{answer}");
    shop.hq.wait_order(&order.order, |v| v["presence"] == "arrived")?;
    tracer.stop(Duration::from_secs(10))?;

    let text = std::fs::read_to_string(&trace)?;
    let calls: Vec<Call> = text.lines().map(plain).filter_map(|line| call_of(&line)).collect();
    let texts = synced_before(&calls, "submitting", &Call::CtrlZ)?;
    // The birth's own handshake was over before the trace began: the first acknowledgement is the order's.
    let acks = synced_before(&calls, &order.order, &Call::Ack)?;
    println!("{} calls that matter: {texts} Ctrl-Z and {acks} acknowledgements, each behind a synced WAL", calls.len());
    ensure!(texts >= 1 && acks >= 1, "the trace shows {texts} Ctrl-Z and {acks} acknowledgements");
    Ok(())
}

/// Turns strace's hexadecimal strings into text, keeping what is not printable as `\xNN`.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\\x") {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 4).unwrap_or_default();
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if (0x20..0x7F).contains(&byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{digits}")),
        }
        rest = rest.get(at + 4..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[test]
fn the_check_can_fail() {
    let write = || Call::WalWrite("row submitting".to_owned());
    assert!(synced_before(&[write(), Call::CtrlZ], "submitting", &Call::CtrlZ).is_err());
    assert!(synced_before(&[Call::WalSync, Call::CtrlZ, write()], "submitting", &Call::CtrlZ).is_err());
    assert!(synced_before(&[Call::CtrlZ], "submitting", &Call::CtrlZ).is_err());
    assert_eq!(synced_before(&[write(), Call::WalSync, Call::CtrlZ], "submitting", &Call::CtrlZ).ok(), Some(1));
    let line = plain(r#"7 write(9</dev/pts/3>, "\x30\x30\x1a", 3) = 3"#);
    assert_eq!(call_of(&line), Some(Call::CtrlZ), "{line}");
    let line = plain(r#"7 fdatasync(5</tmp/x/shop.db-wal>) = 0"#);
    assert_eq!(call_of(&line), Some(Call::WalSync), "{line}");
}
