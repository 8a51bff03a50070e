//! Databases that went back in time and boxes that share an identity: both ends agree again, nothing goes out twice, and
//! people see what happened.

mod shop;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::{Mosquitto, binary, run, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Hq, Options, SOON, STORE, Shop, code_in};

/// How long an orderly stop may take.
const STOP: Duration = Duration::from_secs(10);
/// How long two ends may take to settle who speaks, births under new sessions included.
const SETTLE: Duration = Duration::from_secs(60);

fn prepaid(seed: u64, count: usize) -> Vec<Order> {
    let is_prepaid = |o: &Order| serde_json::to_value(o).is_ok_and(|v| v["kind"] == "prepaid");
    shop::orders(seed, 80).into_iter().filter(is_prepaid).take(count).collect()
}

/// Copies a database with its side files, as a backup of the stopped machine would.
fn copy_database(from: &Path, to: &Path) -> Result<()> {
    for tail in ["", "-wal", "-shm"] {
        let (from, to) = (format!("{}{tail}", from.display()), format!("{}{tail}", to.display()));
        drop(std::fs::remove_file(&to));
        if Path::new(&from).exists() {
            std::fs::copy(&from, &to).with_context(|| format!("copying {from}"))?;
        }
    }
    Ok(())
}

fn agree(gateway: &Gateway, hq: &Hq, order: &str, goods: &str) -> Result<Value> {
    let here = gateway.wait_order(order, |v| v["goods"] == goods)?;
    let same = |v: &Value| ["goods", "money", "presence", "wish", "version"].iter().all(|f| v[f] == here[f]);
    hq.wait_order(order, same).with_context(|| format!("here: {here}"))?;
    Ok(here)
}

fn texts(shop: &mut Shop, order: &Order) -> Result<usize> {
    Ok(shop::texts_to(&mut shop.modem.control, &order.customer.phone).len())
}

/// The customer's text has left, by what is shown.
fn is_told(view: &Value) -> bool {
    matches!(view["messages"][0]["state"].as_str(), Some("sent" | "delivered"))
}

/// Takes the modem's network away.
fn lose_network(shop: &mut Shop) -> Result<()> {
    shop.modem.control.ask(&json!({"do": "registration", "registration": "searching"}))?;
    wait_for("the modem to lose its network", SOON, || {
        (shop.gateway.health().ok()?["modem"]["registration"] == "searching").then_some(())
    })
}

fn wait_recovered(gateway: &Gateway) -> Result<()> {
    wait_for("the recovery from HQ's snapshot", SETTLE, || {
        let link = gateway.health().ok()?["uplink"].take();
        (link["recovery"] == false && link["online"] == true).then_some(())
    })
}

#[test]
fn a_text_that_went_out_unknown_to_hq_is_in_doubt_after_a_restore_and_goes_out_by_nobodys_hand() -> Result<()> {
    let mut shop = Shop::start()?;
    let order = prepaid(59, 1).remove(0);
    shop.place(&order)?;
    lose_network(&mut shop)?;
    let bag = json!({"bags": [{"bag": "1", "shelf": "B4"}]});
    ensure!(shop.gateway.act(&order.order, "stage", &bag)?.0 == 200, "staged");
    shop.hq.wait_order(&order.order, |v| v["messages"][0]["state"] == "queued")?;
    ensure!(shop.gateway.process.stop(STOP)?.success(), "stopped");
    let (database, copy) = (shop.gateway.storage.join("shop.db"), shop.dir.path().join("old-copy.db"));
    copy_database(&database, &copy)?;

    shop.proxy.cut()?;
    shop.modem.control.ask(&json!({"do": "registration", "registration": "home"}))?;
    shop.gateway.restart()?;
    shop.gateway.wait_order(&order.order, is_told)?;
    ensure!(shop.gateway.process.stop(STOP)?.success(), "stopped");
    copy_database(&copy, &database)?;
    shop.proxy.restore()?;
    shop.gateway.restart()?;
    wait_recovered(&shop.gateway)?;
    let view = shop.gateway.wait_order(&order.order, |v| v["messages"][0]["state"] == "unknown")?;
    ensure!(view["messages"][0]["cause"] == "restored", "{view}");
    agree(&shop.gateway, &shop.hq, &order.order, "ready")?;
    // The next text goes out, past the one in doubt.
    let next = Order { order: "after-the-doubt".into(), ..prepaid(61, 1).remove(0) };
    shop.place(&next)?;
    shop.stage(&next, "C1")?;
    ensure!(texts(&mut shop, &order)? == 1, "one text on air");
    Ok(())
}

#[test]
fn a_gateway_with_an_old_copy_of_its_database_recovers_from_hq_and_sends_nothing_twice() -> Result<()> {
    let mut shop = Shop::start()?;
    let orders = prepaid(41, 4);
    let [queued, later, handed, fresh] = orders.as_slice() else { anyhow::bail!("four prepaid orders") };
    for order in [queued, later, handed] {
        shop.place(order)?;
    }
    let handed_code = code_in(&shop.stage(handed, "A1")?)?;
    // Without the network a text waits in the queue: so it stands in the copy.
    lose_network(&mut shop)?;
    let bag = json!({"bags": [{"bag": "1", "shelf": "B4"}]});
    ensure!(shop.gateway.act(&queued.order, "stage", &bag)?.0 == 200, "staged");
    shop.gateway.wait_order(&queued.order, |v| v["messages"][0]["state"] == "queued")?;
    shop.hq.wait_order(&queued.order, |v| v["goods"] == "ready")?;
    ensure!(shop.gateway.process.stop(STOP)?.success(), "stopped");
    let (database, copy) = (shop.gateway.storage.join("shop.db"), shop.dir.path().join("old-copy.db"));
    copy_database(&database, &copy)?;

    // The shop runs on: the queued text goes out, another order is told, one is handed over, one is placed.
    shop.modem.control.ask(&json!({"do": "registration", "registration": "home"}))?;
    shop.gateway.restart()?;
    shop.gateway.wait_online(true)?;
    shop.text_to(&queued.customer.phone)?;
    let later_code = code_in(&shop.stage(later, "B5")?)?;
    let (status, answer) = shop.gateway.act(&handed.order, "hand-over", &json!({"code": handed_code}))?;
    ensure!(status == 200, "{status} {answer}");
    shop.place(fresh)?;
    for order in [queued, later] {
        shop.hq.wait_order(&order.order, is_told).context("HQ knows the end of the text")?;
    }
    agree(&shop.gateway, &shop.hq, &handed.order, "handed_over")?;
    agree(&shop.gateway, &shop.hq, &later.order, "ready")?;

    // The old copy comes back; the witness file beside it is the newer one.
    ensure!(shop.gateway.process.stop(STOP)?.success(), "stopped");
    copy_database(&copy, &database)?;
    shop.gateway.restart()?;
    wait_recovered(&shop.gateway)?;
    agree(&shop.gateway, &shop.hq, &handed.order, "handed_over")?;
    agree(&shop.gateway, &shop.hq, &later.order, "ready")?;
    agree(&shop.gateway, &shop.hq, &queued.order, "ready")?;
    agree(&shop.gateway, &shop.hq, &fresh.order, "received")?;
    ensure!(shop.gateway.health_page()?.contains("older copy"), "the health page says what happened");
    wait_for("HQ's page to say so too", SOON, || shop.hq.alerts_page().ok()?.contains("older copy").then_some(()))?;

    // What HQ knows the end of is shown so, and nothing goes out twice.
    for order in [queued, later] {
        shop.gateway.wait_order(&order.order, is_told)?;
        ensure!(texts(&mut shop, order)? == 1, "one text on air for {}", order.order);
    }
    // Its bag may have left: the hand-over asks for it, once.
    let (status, problem) = shop.gateway.act(&later.order, "hand-over", &json!({"code": later_code}))?;
    ensure!(status == 409 && problem["type"] == "/problems/bag-scan", "{status} {problem}");
    let scanned = json!({"code": later_code, "bag": format!("B{}-1", later.order)});
    let (status, answer) = shop.gateway.act(&later.order, "hand-over", &scanned)?;
    ensure!(status == 200 && answer["goods"] == "handed_over", "{status} {answer}");
    agree(&shop.gateway, &shop.hq, &later.order, "handed_over")?;

    // The next new order runs as ever.
    let next = prepaid(43, 1).remove(0);
    let next = Order { order: "after-the-restore".into(), ..next };
    shop.place(&next)?;
    shop.stage(&next, "C1")?;
    agree(&shop.gateway, &shop.hq, &next.order, "ready")?;
    Ok(())
}

#[test]
fn hq_with_an_old_copy_of_its_database_recovers_from_the_store() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let mut hq = Hq::start(dir.path(), &broker.url())?;
    let gateway = Gateway::start(dir.path(), STORE, &broker.url(), None, &Options::default())?;
    gateway.wait_online(true)?;
    let orders = prepaid(47, 3);
    let [before, after, next] = orders.as_slice() else { anyhow::bail!("three prepaid orders") };
    let place = |hq: &Hq, order: &Order| -> Result<u16> {
        let (status, answer) = hq.post("orders", &serde_json::to_value(order)?)?;
        ensure!(matches!(status, 200 | 201), "{status} {answer}");
        gateway.wait_order(&order.order, |_| true)?;
        Ok(status)
    };
    place(&hq, before)?;
    ensure!(hq.process.stop(STOP)?.success(), "stopped");
    let (database, copy) = (dir.path().join("hq/hq.db"), dir.path().join("old-copy.db"));
    copy_database(&database, &copy)?;
    hq.restart()?;
    place(&hq, after)?;
    let bag = json!({"bags": [{"bag": "1", "shelf": "B4"}]});
    for order in [before, after] {
        ensure!(gateway.act(&order.order, "stage", &bag)?.0 == 200, "staged");
        hq.wait_order(&order.order, |v| v["goods"] == "ready")?;
    }

    ensure!(hq.process.stop(STOP)?.success(), "stopped");
    copy_database(&copy, &database)?;
    hq.restart()?;
    let back = wait_for("HQ to have the order again that its copy lacked", SETTLE, || {
        hq.order(&after.order).ok().filter(|v| v["goods"] == "ready")
    })?;
    ensure!(back["customer"] != Value::Null, "with its customer: {back}");
    agree(&gateway, &hq, &before.order, "ready")?;
    agree(&gateway, &hq, &after.order, "ready")?;
    ensure!(hq.process.log().contains("rolled-back"), "the log names the alert");
    ensure!(place(&hq, after)? == 200, "the shop platform's retry is the same order");
    ensure!(place(&hq, next)? == 201, "a new one is taken and reaches the store");
    agree(&gateway, &hq, &next.order, "received")?;
    Ok(())
}

/// A second box from an image of the first, witness file included.
fn start_clone(dir: &Path, original: &Gateway) -> Result<Gateway> {
    let storage = dir.join("clone");
    run(Command::new("cp").arg("-a").arg(&original.storage).arg(&storage), SOON)?;
    let text = std::fs::read_to_string(&original.config)?;
    let text = text.replace(&format!("{:?}", original.storage), &format!("{storage:?}"));
    let config = dir.join("clone.toml");
    std::fs::write(&config, text)?;
    let mut command = Command::new(binary("store-gateway")?);
    command.args(["run", "--config"]).arg(&config);
    Gateway::spawn(&mut command, config, storage)
}

fn is_superseded(gateway: &Gateway) -> bool {
    gateway.health().is_ok_and(|health| health["uplink"]["superseded"] == true)
}

fn take_over(gateway: &Gateway) -> Result<String> {
    run(Command::new(binary("store-gateway")?).args(["take-over", "--config"]).arg(&gateway.config), SOON)
}

#[test]
fn of_two_boxes_with_one_identity_one_goes_silent_and_the_right_one_can_take_over() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let hq = Hq::start(dir.path(), &broker.url())?;
    let mut right = Gateway::start(dir.path(), STORE, &broker.url(), None, &Options::default())?;
    right.wait_online(true)?;
    let orders = prepaid(53, 4);
    for order in &orders[..2] {
        let (status, answer) = hq.post("orders", &serde_json::to_value(order)?)?;
        ensure!(status == 201, "{status} {answer}");
        right.wait_order(&order.order, |_| true)?;
    }
    ensure!(take_over(&right).is_err(), "a box that nobody took over from has nothing to take over");

    // Somebody starts a box from an image of this one, and both work.
    ensure!(right.process.stop(STOP)?.success(), "stopped");
    let mut copy = start_clone(dir.path(), &right)?;
    right.restart()?;
    let bag = json!({"bags": [{"bag": "1", "shelf": "B4"}]});
    ensure!(right.act(&orders[0].order, "stage", &bag)?.0 == 200, "the right one stages an order");
    wait_for("one of the two to be superseded", SETTLE, || {
        (is_superseded(&right) != is_superseded(&copy)).then_some(())
    })?;
    wait_for("HQ's page to tell of two boxes", SETTLE, || {
        hq.alerts_page().ok()?.contains("another box speaks for this store").then_some(())
    })?;

    // The superseded one is read-only, and says so wherever somebody looks.
    let (silent, speaking) = if is_superseded(&right) { (&right, &copy) } else { (&copy, &right) };
    let (status, problem) = silent.act(&orders[1].order, "stage", &bag)?;
    ensure!(status == 409 && problem["type"] == "/problems/superseded", "{status} {problem}");
    ensure!(silent.order(&orders[1].order)?["goods"] == "received", "nothing of it was kept");
    let (status, ready) = silent.plain("/readyz")?;
    ensure!(status == 503 && ready["why"] == "superseded", "{status} {ready}");
    ensure!(silent.health_page()?.contains("another box took over"), "its health page says so");
    let (_, screen) = silent.plain("/")?;
    ensure!(
        screen.as_str().is_some_and(|page| page.contains("Inne urządzenie przejęło ten sklep")),
        "its screen says so"
    );

    // The other works on.
    ensure!(speaking.act(&orders[1].order, "stage", &bag)?.0 == 200, "the other stages");
    hq.wait_order(&orders[1].order, |v| v["goods"] == "ready")?;

    // The copy is switched off. If it had taken over, a person says that the other is the right one.
    let must_take_over = is_superseded(&right);
    copy.process.kill()?;
    if must_take_over {
        ensure!(right.process.stop(STOP)?.success(), "stopped");
        let said = take_over(&right)?;
        ensure!(said.contains("takes over"), "{said}");
        right.restart()?;
    }
    wait_for("the right one to speak for the store", SETTLE, || {
        let link = right.health().ok()?["uplink"].take();
        (link["superseded"] == false && link["recovery"] == false && link["online"] == true).then_some(())
    })?;
    for (order, goods) in [(&orders[0], "ready"), (&orders[1], "ready")] {
        agree(&right, &hq, &order.order, goods).context("what either box did is kept")?;
    }
    let (status, answer) = hq.post("orders", &serde_json::to_value(&orders[2])?)?;
    ensure!(status == 201, "{status} {answer}");
    right.wait_order(&orders[2].order, |v| v["goods"] == "received")?;
    ensure!(right.act(&orders[2].order, "stage", &bag)?.0 == 200, "staged");
    agree(&right, &hq, &orders[2].order, "ready")?;
    ensure!(!right.health_page()?.contains("another box took over"), "the alert is cleared");
    ensure!(right.plain("/readyz")?.0 == 200, "ready");
    Ok(())
}
