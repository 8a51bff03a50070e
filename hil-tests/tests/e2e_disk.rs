//! Full and read-only storage: an act is refused whole and says why, nothing that was promised is lost, and the next act
//! works once there is room. The gateway's storage is a small tmpfs in a mount namespace of its own.

mod shop;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::{Mosquitto, Process, SimModem, binary, peer, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Hq, Options, SOON, STORE};

/// How long a gateway that can't start may take to say so.
const GIVE_UP: Duration = Duration::from_secs(20);

/// A command that mounts `options` of a tmpfs over the storage, with what is in it, and then runs the gateway.
fn in_namespace(storage: &Path, config: &Path, size: &str, then: &str) -> Result<Command> {
    let unshare = peer("unshare", "util-linux")?;
    // Where the root is no mount point, as in a chroot, its mounts can't be made private, and need not be: nobody shares
    // them.
    let script = "set -e; mount --make-rprivate / 2>/dev/null || ! grep -q ' shared:' /proc/self/mountinfo; cp -a \"$1\" \"$1.seed\"; mount -t tmpfs -o size=\"$4\" tmpfs \"$1\"; cp -a \"$1.seed/.\" \"$1/\"; \
                  eval \"$5\"; exec \"$2\" run --config \"$3\"";
    let mut command = Command::new(unshare);
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "unchanged", "sh", "-c", script, "sh"]);
    command.arg(storage).arg(binary("store-gateway")?).arg(config).arg(size).arg(then);
    Ok(command)
}

/// The storage as the gateway sees it.
fn inside(gateway: &Gateway) -> PathBuf {
    let path = gateway.storage.strip_prefix("/").unwrap_or(&gateway.storage);
    Path::new("/proc").join(gateway.process.pid().to_string()).join("root").join(path)
}

/// Fills the disk to its last octet.
fn fill(filler: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(filler)?;
    let block = [0_u8; 4_096];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&block[..1]).is_ok() {}
    Ok(())
}

fn prepaid(seed: u64, count: usize) -> Vec<Order> {
    let is_prepaid = |o: &Order| serde_json::to_value(o).is_ok_and(|v| v["kind"] == "prepaid");
    shop::orders(seed, 80).into_iter().filter(is_prepaid).take(count).collect()
}

#[test]
fn on_a_full_disk_an_act_is_refused_whole_and_with_room_again_all_goes_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    let hq = Hq::start(dir.path(), &broker.url())?;
    let options = Options { messages: "look_ms = 200".into(), uplink: "stall_s = 2".into(), ..Options::default() };
    let (config, storage) = Gateway::configure(dir.path(), STORE, &broker.url(), Some(&modem.link), &options)?;
    let mut command = in_namespace(&storage, &config, "16m", "true")?;
    let mut gateway = Gateway::spawn(&mut command, config, storage)?;
    gateway.wait_online(true)?;
    let orders = prepaid(61, 4);
    let [told, staged, arriving, late] = orders.as_slice() else { anyhow::bail!("four prepaid orders") };
    for order in [told, staged, arriving] {
        ensure!(hq.post("orders", &serde_json::to_value(order)?)?.0 == 201, "placed");
        gateway.wait_order(&order.order, |_| true)?;
    }
    let bag = json!({"bags": [{"bag": "1", "shelf": "B4"}]});
    ensure!(gateway.act(&told.order, "stage", &bag)?.0 == 200, "staged while there is room");
    let is_delivered = |v: &Value| v["messages"][0]["state"] == "delivered";
    gateway.wait_order(&told.order, is_delivered)?;

    let filler = inside(&gateway).join("filler");
    fill(&filler)?;
    let before = gateway.order(&staged.order)?;
    let (status, problem) = gateway.act(&staged.order, "stage", &bag)?;
    ensure!(status == 507 && problem["type"] == "/problems/disk-full", "{status} {problem}");
    ensure!(problem["detail"].as_str().is_some_and(|d| d.contains("nothing was changed")), "{problem}");
    ensure!(gateway.order(&staged.order)? == before, "nothing is half done");
    let (status, health) = gateway.plain("/healthz")?;
    ensure!(status == 503 && health["status"] == "disk-full", "{status} {health}");
    ensure!(gateway.plain("/readyz")?.0 == 503, "not able to hand over");

    // Meanwhile the world goes on: HQ places an order, a customer writes. Both wait outside until they can be kept.
    ensure!(hq.post("orders", &serde_json::to_value(late)?)?.0 == 201, "placed");
    modem.control.deliver(&told.customer.phone, "jestem")?;
    wait_for("the tasks to meet the full disk", Duration::from_secs(60), || {
        let log = gateway.process.log();
        (log.contains("a text waits in the modem") && log.contains("taking what HQ says")).then_some(())
    })?;
    ensure!(gateway.process.is_running(), "the counter stays open");
    ensure!(!gateway.process.log().contains("task failed"), "no task ends over it");
    ensure!(gateway.order(&told.order)?["presence"] == "away", "what could not be kept has no effect");
    ensure!(gateway.get("reservations?limit=10")?.0 == 200, "reading goes on");
    ensure!(gateway.get(&format!("reservations/{}", shop::segment(&late.order)))?.0 == 404, "not yet here");

    std::fs::remove_file(&filler).context("making room")?;
    let (status, answer) = gateway.act(&staged.order, "stage", &bag)?;
    ensure!(status == 200 && answer["goods"] == "ready", "the next act works: {status} {answer}");
    wait_for("health to be good again", SOON, || (gateway.plain("/healthz").ok()?.0 == 200).then_some(()))?;
    gateway.wait_order(&told.order, |v| v["presence"] == "arrived").context("the customer's text was not lost")?;
    gateway.wait_order(&late.order, |v| v["goods"] == "received").context("HQ's order was not lost")?;
    gateway.wait_order(&staged.order, is_delivered).context("its customer is told")?;
    hq.wait_order(&staged.order, |v| v["goods"] == "ready")?;
    hq.wait_order(&told.order, |v| v["presence"] == "arrived")?;
    for order in [told, staged] {
        let texts = shop::texts_to(&mut modem.control, &order.customer.phone);
        let ready = texts.iter().filter(|text| text.contains(&order.order)).count();
        ensure!(ready == 1, "one text tells {}: {ready}", order.order);
    }
    Ok(())
}

#[test]
fn a_gateway_that_can_not_write_its_storage_ends_with_one_and_names_the_path() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let options = Options::default();
    let (config, storage) = Gateway::configure(dir.path(), STORE, "mqtt://127.0.0.1:1", None, &options)?;
    let read_only = "mount -o remount,ro \"$1\"";
    let mut command = in_namespace(&storage, &config, "16m", read_only)?;
    let mut process = Process::spawn("store-gateway", &mut command)?;
    let status = process.wait(GIVE_UP)?;
    let log = process.log();
    ensure!(status.code() == Some(1), "{status}: {log}");
    ensure!(log.contains(&storage.display().to_string()), "the message names the path: {log}");
    ensure!(log.contains("Read-only file system"), "and says why: {log}");

    // With the same files where they can be written, it runs.
    let mut command = Command::new(binary("store-gateway")?);
    command.args(["run", "--config"]).arg(&config);
    let gateway = Gateway::spawn(&mut command, config, storage)?;
    ensure!(gateway.plain("/healthz")?.0 == 200, "it runs");
    Ok(())
}

#[test]
fn hq_refuses_an_order_on_a_full_disk_and_takes_it_with_room_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let mut hq = Hq::start(dir.path(), &broker.url())?;
    ensure!(hq.process.stop(Duration::from_secs(10))?.success(), "stopped");
    let storage = dir.path().join("hq");
    let mut command = in_namespace(&storage, &hq.config, "16m", "set -- \"$1\" \"$HQ\" \"$3\"")?;
    command.env("HQ", binary("store-hq")?);
    hq.respawn(&mut command)?;
    let path = storage.strip_prefix("/").unwrap_or(&storage);
    let filler = Path::new("/proc").join(hq.process.pid().to_string()).join("root").join(path).join("filler");
    let orders = prepaid(67, 2);
    ensure!(hq.post("orders", &serde_json::to_value(&orders[0])?)?.0 == 201, "placed while there is room");
    fill(&filler)?;
    let body = serde_json::to_value(&orders[1])?;
    let (status, problem) = hq.post("orders", &body)?;
    ensure!(status == 507 && problem["type"] == "/problems/disk-full", "{status} {problem}");
    let (_, metrics) = hq.plain("/metrics")?;
    let failed = metrics.as_str().unwrap_or_default().lines().find_map(|l| l.strip_prefix("hq_commit_failures_total "));
    ensure!(failed.is_some_and(|count| count != "0"), "the metrics count it: {failed:?}");
    let lines = format!("{}\n{body}\n", serde_json::to_string(&orders[0])?);
    let (_, answer) = hq.send("POST", "orders/import", &lines, &[("content-type", "application/x-ndjson")])?;
    ensure!(answer.to_string().contains("disk is full"), "an import says so for its lines: {answer}");
    ensure!(hq.get(&format!("orders/{}?store={STORE}", shop::segment(&orders[1].order)))?.0 == 404, "nothing was kept");
    std::fs::remove_file(&filler)?;
    ensure!(hq.post("orders", &body)?.0 == 201, "the next try works");
    ensure!(hq.plain("/healthz")?.0 == 200, "healthy again");
    Ok(())
}
