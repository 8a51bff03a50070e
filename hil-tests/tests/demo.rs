//! The demo as a visitor meets it: it answers where it says, goes on where it stopped, names who holds a port, and leaves
//! nothing running however it ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use hil_tests::world::{Process, binary, wait_for};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything starts in a few seconds; a busy machine may take ten times as long.
const START: Duration = Duration::from_secs(90);
/// Three stages of five seconds, and some air.
const STOP: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(30);

struct Demo {
    process: Process,
    ready: Value,
    ready_file: PathBuf,
}

impl Demo {
    fn start(data: &Path, more: &[&str]) -> Result<Self> {
        let ready_file = data.with_extension("ready.json");
        let mut command = Command::new(binary("demo")?);
        command.arg("--data").arg(data).arg("--ready-file").arg(&ready_file);
        for part in ["--counter-port", "--hq-port", "--phones-port", "--switch-port", "--desk-port", "--sip-port"] {
            if !more.contains(&part) {
                command.args([part, "0"]);
            }
        }
        let mut process = Process::spawn("demo", command.args(more))?;
        let ready = wait_for("the demo's ready file", START, || {
            let text = fs::read_to_string(&ready_file).ok();
            let ready = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
            ready.or_else(|| (!process.is_running()).then(|| json!({ "ready": false })))
        })?;
        anyhow::ensure!(ready["ready"] == true, "the demo ended early:\n{}", process.log());
        Ok(Self { process, ready, ready_file })
    }

    fn address(&self, of: &str) -> String {
        self.ready[of].as_str().unwrap_or_default().to_owned()
    }

    fn pids(&self) -> Vec<u64> {
        self.ready["pids"].as_object().map(|pids| pids.values().filter_map(Value::as_u64).collect()).unwrap_or_default()
    }

    fn answers(&self, of: &str) -> Result<()> {
        let address = self.address(of);
        wait_for(&format!("{of} at {address}"), ANSWER, || agent().get(&address).call().ok()).map(|_| ())
    }

    fn order(&self, number: &str) -> Result<Value> {
        let path = format!("{}/api/v1/orders/{number}?store={}", self.address("hq"), self.address("store"));
        let mut response = agent().get(path).header("authorization", &self.key()).call()?;
        Ok(response.body_mut().read_json()?)
    }

    fn place(&self, order: &Value) -> Result<()> {
        let path = format!("{}/api/v1/orders", self.address("hq"));
        let response = agent().post(path).header("authorization", &self.key()).send_json(order)?;
        anyhow::ensure!(response.status() == 201, "HQ answered {}", response.status());
        Ok(())
    }

    fn key(&self) -> String {
        format!("Bearer {}", self.address("api_key"))
    }

    /// Ends it by a signal, and waits until none of its processes is left.
    fn end(mut self, signal: Signal) -> Result<Process> {
        let pids = self.pids();
        let parts = "broker, HQ, proxy, modem, printer, gateway, phones, till's desk, bridge";
        assert_eq!(pids.len(), 9, "{parts}: {:?}", self.ready["pids"]);
        self.process.signal(signal)?;
        let status = self.process.wait(STOP)?;
        assert_eq!(status.success(), signal != Signal::SIGKILL, "{status}\n{}", self.process.log());
        wait_for("the end of every process", STOP, || pids.iter().all(|pid| gone(*pid)).then_some(()))?;
        assert_eq!(self.ready_file.exists(), signal == Signal::SIGKILL, "the ready file goes with the demo");
        Ok(self.process)
    }
}

/// No such process, or one that only waits to be collected.
fn gone(pid: u64) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into()
}

fn folder() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let data = folder.path().join("demo-data");
    Ok((folder, data))
}

fn an_order() -> Value {
    json!({
        "store": "krakow", "order": "DEMO-1", "kind": "prepaid", "contract": "distance",
        "customer": { "name": "Żaneta Źrebiec", "phone": "+48601000001", "language": "pl" },
        "lines": [{ "sku": "SKU-1", "name": "Czajnik", "quantity": 1, "unit_price": 12_999 }],
        "currency": "PLN", "total": 12_999, "due": 0
    })
}

#[test]
fn every_address_answers_and_ctrl_c_leaves_nothing_running() -> Result<()> {
    let (_kept, data) = folder()?;
    let demo = Demo::start(&data, &[])?;
    for part in ["counter", "hq", "phones", "switch"] {
        demo.answers(part)?;
    }
    let process = demo.end(Signal::SIGINT)?;
    assert!(process.log().contains("stopped"), "{}", process.log());
    Ok(())
}

#[test]
fn a_second_start_goes_on_with_the_data_and_a_fresh_one_does_not() -> Result<()> {
    let (_kept, data) = folder()?;
    let first = Demo::start(&data, &[])?;
    let key = first.key();
    first.place(&an_order())?;
    first.end(Signal::SIGTERM)?;

    let second = Demo::start(&data, &[])?;
    assert_eq!(second.key(), key);
    assert_eq!(second.order("DEMO-1")?["order"], "DEMO-1");
    second.end(Signal::SIGTERM)?;

    let fresh = Demo::start(&data, &["--fresh"])?;
    assert_ne!(fresh.key(), key);
    let error = fresh.order("DEMO-1").expect_err("an order that was forgotten");
    assert!(matches!(error.downcast_ref(), Some(ureq::Error::StatusCode(404))), "{error:#}");
    fresh.end(Signal::SIGTERM)?;
    Ok(())
}

#[test]
fn a_taken_port_is_named_with_its_holder_and_another_is_used() -> Result<()> {
    let (_kept, data) = folder()?;
    let held = TcpListener::bind("127.0.0.1:0").context("hold a port")?;
    let port = held.local_addr()?.port();
    let demo = Demo::start(&data, &["--counter-port", &port.to_string()])?;
    assert!(!demo.address("counter").ends_with(&format!(":{port}")), "{}", demo.address("counter"));
    demo.answers("counter")?;
    let process = demo.end(Signal::SIGTERM)?;
    let said = format!("port {port} for the counter is held by pid {} (", std::process::id());
    assert!(process.log().contains(&said), "{}", process.log());
    Ok(())
}

#[test]
fn a_part_that_dies_is_named_and_started_again() -> Result<()> {
    let (_kept, data) = folder()?;
    let demo = Demo::start(&data, &[])?;
    demo.answers("counter")?;
    let gateway = demo.ready["pids"]["store-gateway"].as_i64().and_then(|pid| i32::try_from(pid).ok());
    let gateway = nix::unistd::Pid::from_raw(gateway.context("the gateway's number")?);
    nix::sys::signal::kill(gateway, Signal::SIGKILL).context("kill the gateway")?;
    wait_for("a new gateway", START, || demo.process.log().contains("store-gateway runs again").then_some(()))?;
    demo.answers("counter")?;
    assert!(demo.process.log().contains("store-gateway ended with signal: 9"), "{}", demo.process.log());
    demo.end(Signal::SIGTERM)?;
    Ok(())
}

#[test]
fn a_demo_that_is_killed_outright_leaves_nothing_running() -> Result<()> {
    let (_kept, data) = folder()?;
    let demo = Demo::start(&data, &[])?;
    demo.end(Signal::SIGKILL)?;
    Ok(())
}

#[test]
fn a_thousand_orders_go_in_through_hqs_import() -> Result<()> {
    let (_kept, data) = folder()?;
    let demo = Demo::start(&data, &["--orders", "1000"])?;
    assert!(demo.process.log().contains("orders handed to HQ: 1000 new, 0 known, 0 refused"), "{}", demo.process.log());
    let offered = fs::read_to_string(data.join("orders.jsonl")).context("read the offered orders")?;
    let last: Value = serde_json::from_str(offered.lines().last().context("a last order")?)?;
    let number = last["order"].as_str().context("its number")?;
    let kept = demo.order(&number.replace('/', "%2F"))?;
    assert_eq!(kept["order"], number);
    demo.end(Signal::SIGTERM)?;
    Ok(())
}
