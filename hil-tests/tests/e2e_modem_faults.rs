//! The modem under faults, through the whole gateway: each message's history ends in the right state, at most one text
//! is on air except those that the journal calls unknown, and the next text goes out.

mod shop;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::{Mosquitto, SimModem, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Hq, Options, STORE, Shop};

/// How long a message may take to come to rest: resends and a modem's restart included.
const REST: Duration = Duration::from_secs(40);

/// Short waits in place of minutes; each is a key of the configuration.
fn options(modem: &str, arguments: &[&str]) -> Options {
    Options {
        modem: format!("prompt_ms = 1000\nsubmit_ms = 1500\nquiet_ms = 1500\n{modem}"),
        messages: "resend_s = 2\nretry_ms = 200\nlook_ms = 100\nmodem_alert_s = 1".into(),
        modem_arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        ..Options::default()
    }
}

fn prepaid(seed: u64, count: usize) -> Vec<Order> {
    let mut phones = std::collections::BTreeSet::new();
    let mut fits = |o: &Order| {
        serde_json::to_value(o).is_ok_and(|v| v["kind"] == "prepaid" && v["customer"]["language"] == "en")
            && phones.insert(o.customer.phone.clone())
    };
    shop::orders(seed, 4_000).into_iter().filter(|o| fits(o)).take(count).collect()
}

/// The READY message of an order, with its history.
fn ready(gateway: &Gateway, order: &Order) -> Result<Value> {
    let (status, page) = gateway.get(&format!("messages?order={}", shop::segment(&order.order)))?;
    ensure!(status == 200, "{status} {page}");
    let found = page["items"].as_array().and_then(|items| items.iter().find(|m| m["purpose"] == "ready").cloned());
    found.context("a READY message")
}

fn wait_ready(gateway: &Gateway, order: &Order, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    wait_for(&format!("the message of {}", order.order), REST, || {
        last = ready(gateway, order).ok()?;
        wanted(&last).then(|| last.clone())
    })
    .with_context(|| format!("last seen: {last}"))
}

fn history(message: &Value) -> Vec<String> {
    let items = message["history"].as_array().cloned().unwrap_or_default();
    let words = items.iter().map(|item| match item["cause"].as_str() {
        Some(cause) => format!("{}:{cause}", item["what"].as_str().unwrap_or_default()),
        None => item["what"].as_str().unwrap_or_default().to_owned(),
    });
    words.collect()
}

/// The first parts on air to an order's customer.
fn on_air(modem: &mut SimModem, order: &Order) -> Result<usize> {
    let all = modem.control.on_air(0)?;
    let first = |a: &&Value| a["concat"].is_null() || a["concat"]["part"] == 1;
    Ok(all.iter().filter(|a| a["number"] == order.customer.phone.as_str()).filter(first).count())
}

fn stage(gateway: &Gateway, order: &Order) -> Result<()> {
    let (status, answer) = gateway.act(&order.order, "stage", &json!({"bags": [{"bag": "1", "shelf": "B4"}]}))?;
    ensure!(status == 200, "{status} {answer}");
    Ok(())
}

fn wait_modem(gateway: &Gateway, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
    let mut last = Value::Null;
    wait_for(what, REST, || {
        last = gateway.health().ok()?["modem"].take();
        wanted(&last).then_some(())
    })
    .with_context(|| format!("last seen: {last}"))
}

/// What a fault of the submission leads to.
struct Case {
    name: &'static str,
    fault: Value,
    /// Steps that the history has, in this order, others between them.
    steps: &'static [&'static str],
    /// Most texts on air; more than one only where the journal says that nobody knew.
    most: usize,
}

fn case(name: &'static str, fault: Value, steps: &'static [&'static str], most: usize) -> Case {
    Case { name, fault, steps, most }
}

/// Faults after which the modem is the same as before.
fn answer_faults() -> Vec<Case> {
    vec![
        case(
            "lost answer",
            json!({"kind": "lost_answer"}),
            &["queued", "submitted", "unknown:no-answer", "delivered"],
            1,
        ),
        case(
            "late answer",
            json!({"kind": "late_answer", "ms": 2_200}),
            &["submitted", "unknown:no-answer", "delivered"],
            1,
        ),
        case(
            "CMS 500 before",
            json!({"kind": "cms_error", "code": 500}),
            &["unknown:cms-500", "submitted", "sent", "delivered"],
            1,
        ),
        case(
            "CMS 500 after",
            json!({"kind": "cms_error", "code": 500, "air": "after"}),
            &["unknown:cms-500", "delivered"],
            1,
        ),
        case("plain ERROR after", json!({"kind": "error", "air": "after"}), &["unknown:error", "delivered"], 1),
        case(
            "CMS 38",
            json!({"kind": "cms_error", "code": 38}),
            &["failed:cms-38", "queued", "submitted", "sent", "delivered"],
            1,
        ),
        case(
            "URC between",
            json!({"kind": "urc_between", "line": 1, "text": "+CREG: 1"}),
            &["submitted", "sent", "delivered"],
            1,
        ),
        case(
            "URC before",
            json!({"kind": "urc_between", "line": 0, "text": "RING"}),
            &["submitted", "sent", "delivered"],
            1,
        ),
        case("torn line", json!({"kind": "torn_line", "keep": 4}), &["submitted", "unknown", "delivered"], 1),
        case(
            "no prompt",
            json!({"kind": "no_prompt"}),
            &["failed:no-prompt", "queued", "submitted", "sent", "delivered"],
            1,
        ),
        case(
            "garbage before the answer",
            json!({"kind": "garbage", "command": "AT+CMGS", "hex": "00FF80410D0A"}),
            &["submitted", "delivered"],
            1,
        ),
        case(
            "reboot before",
            json!({"kind": "reboot", "command": "AT+CMGS"}),
            &["unknown", "submitted", "sent", "delivered"],
            1,
        ),
        case(
            "reboot after",
            json!({"kind": "reboot", "command": "AT+CMGS", "air": "after"}),
            &["submitted", "unknown", "delivered"],
            2,
        ),
    ]
}

fn has_steps(history: &[String], steps: &[&str]) -> bool {
    let mut rest = history.iter();
    steps.iter().all(|step| rest.any(|h| h == step || h.strip_prefix(step).is_some_and(|t| t.starts_with(':'))))
}

#[test]
fn each_fault_of_a_submission_ends_in_its_state_and_the_next_text_goes_out() -> Result<()> {
    let mut shop = Shop::start_with(&options("", &[]))?;
    shop.modem.control.ask(&json!({"do": "delays", "boot_ms": 300, "sim_ms": 50, "register_ms": 50}))?;
    let cases = answer_faults();
    let orders = prepaid(71, cases.len() * 2);
    ensure!(orders.len() == cases.len() * 2, "enough customers");
    for (case, pair) in cases.iter().zip(orders.chunks(2)) {
        let told = || format!("{} ", case.name);
        shop.place(&pair[0]).with_context(told)?;
        shop.place(&pair[1]).with_context(told)?;
        shop.modem.control.fault(&case.fault)?;
        stage(&shop.gateway, &pair[0])?;
        let message = wait_ready(&shop.gateway, &pair[0], |m| m["state"] == "delivered").with_context(told)?;
        let steps = history(&message);
        ensure!(has_steps(&steps, case.steps), "{}: {steps:?} has not {:?}", case.name, case.steps);
        let times = on_air(&mut shop.modem, &pair[0])?;
        let excused = steps.iter().filter(|s| s.starts_with("unknown")).count();
        ensure!(
            (1..=case.most).contains(&times) && times <= 1 + excused,
            "{}: {times} texts on air, {excused} called unknown: {steps:?}",
            case.name
        );
        shop.modem.control.ask(&json!({"do": "clear_faults"}))?;
        stage(&shop.gateway, &pair[1])?;
        let next = wait_ready(&shop.gateway, &pair[1], |m| m["state"] == "delivered")
            .with_context(|| format!("the text after {}", case.name))?;
        ensure!(!has_steps(&history(&next), &["unknown"]), "{}: the next one is clean: {next}", case.name);
        ensure!(on_air(&mut shop.modem, &pair[1])? == 1, "{}: the next one is on air once", case.name);
    }
    Ok(())
}

#[test]
fn without_network_port_or_room_texts_wait_and_then_go_out_once() -> Result<()> {
    let mut shop = Shop::start_with(&options("", &["--port-on-reboot", "reenumerate"]))?;
    let orders = prepaid(73, 5);
    for order in &orders {
        shop.place(order)?;
    }
    let once = |shop: &mut Shop, order: &Order| -> Result<()> {
        wait_ready(&shop.gateway, order, |m| m["state"] == "delivered")?;
        ensure!(on_air(&mut shop.modem, order)? == 1, "{} is on air once", order.order);
        Ok(())
    };

    // No network, and back.
    shop.modem.control.ask(&json!({"do": "registration", "registration": "searching"}))?;
    wait_modem(&shop.gateway, "the lost network", |m| m["registration"] == "searching")?;
    stage(&shop.gateway, &orders[0])?;
    wait_ready(&shop.gateway, &orders[0], |m| m["state"] == "queued")?;
    wait_for("the alert", REST, || {
        shop.gateway.health_page().ok()?.contains("send: see the health page").then_some(())
    })?;
    shop.modem.control.ask(&json!({"do": "registration", "registration": "home"}))?;
    once(&mut shop, &orders[0])?;
    wait_for("the alert to go", REST, || {
        (!shop.gateway.health_page().ok()?.contains("send: see the health page")).then_some(())
    })?;

    // Unplugged, and plugged again.
    shop.modem.control.ask(&json!({"do": "power", "action": "off"}))?;
    wait_modem(&shop.gateway, "the lost port", |m| m["ready"] == false)?;
    ensure!(std::fs::symlink_metadata(&shop.modem.link).is_err(), "the port's link is gone");
    stage(&shop.gateway, &orders[1])?;
    wait_ready(&shop.gateway, &orders[1], |m| m["state"] == "queued")?;
    wait_modem(&shop.gateway, "the missing port", |m| m["paused"] == "port-missing")?;
    shop.modem.control.ask(&json!({"do": "power", "action": "on"}))?;
    once(&mut shop, &orders[1])?;

    // Noise on the line while nothing is asked.
    shop.modem.control.fault(&json!({"kind": "garbage", "hex": "00FFFE2B434D54493A20FF0D0A3E200D0A4F4B0D0A"}))?;
    stage(&shop.gateway, &orders[2])?;
    once(&mut shop, &orders[2])?;

    // The storage for incoming texts is full of old ones: they are read out, and the next text from a customer comes in.
    shop.modem.control.ask(&json!({"do": "storage", "memory": "ME", "leave_free": 0}))?;
    stage(&shop.gateway, &orders[3])?;
    once(&mut shop, &orders[3])?;
    shop.modem.control.deliver(&orders[3].customer.phone, "JESTEM")?;
    shop.gateway.wait_order(&orders[3].order, |v| v["presence"] == "arrived")?;
    Ok(())
}

#[test]
fn a_sim_that_the_network_refuses_is_paused_until_somebody_has_seen_to_it() -> Result<()> {
    let mut shop = Shop::start_with(&options("", &[]))?;
    let orders = prepaid(79, 2);
    for order in &orders {
        shop.place(order)?;
    }
    // 330: SMSC address unknown (3GPP TS 27.005 §3.2.5): the SIM's fault, not the message's.
    shop.modem.control.fault(&json!({"kind": "cms_error", "code": 330}))?;
    stage(&shop.gateway, &orders[0])?;
    wait_modem(&shop.gateway, "the pause", |m| m["paused"] == "subscription-cms-330")?;
    stage(&shop.gateway, &orders[1])?;
    for order in &orders {
        wait_ready(&shop.gateway, order, |m| m["state"] == "queued")?;
        ensure!(on_air(&mut shop.modem, order)? == 0, "nothing is on air");
    }
    ensure!(shop.gateway.health_page()?.contains("the network refuses this SIM"), "the health page says so");
    shop.hq.wait_order(&orders[0].order, |v| v["goods"] == "ready")?;
    wait_for("HQ's page to say so", REST, || {
        shop.hq.alerts_page().ok()?.contains("the network refuses this SIM").then_some(())
    })?;

    let clerk = shop.gateway.log_in("anna", "1357")?;
    let url = format!("http://{}/api/v1/messages/resume", shop.gateway.web);
    let (status, problem) = shop::request("POST", &url, &clerk, Some(""), &[])?;
    ensure!(status == 403 && problem["type"] == "/problems/forbidden", "{status} {problem}");
    ensure!(shop.gateway.send("POST", "messages/resume", "", &[])?.0 == 204, "a manager has seen to it");
    for order in &orders {
        wait_ready(&shop.gateway, order, |m| m["state"] == "delivered")?;
        ensure!(on_air(&mut shop.modem, order)? == 1, "on air once");
    }
    wait_modem(&shop.gateway, "the pause to be over", |m| m["paused"].is_null())?;
    Ok(())
}

#[test]
fn a_wrong_sim_pin_is_never_tried_to_the_last_and_the_right_one_sends() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    modem.control.ask(&json!({"do": "sim", "lock": "pin", "pin": "1234", "pin_tries": 3, "pin_at_start": "asked"}))?;
    let hq = Hq::start(dir.path(), &broker.url())?;
    let wrong = options("pin = \"9999\"", &[]);
    let mut gateway = Gateway::start(dir.path(), STORE, &broker.url(), Some(&modem.link), &wrong)?;
    let orders = prepaid(83, 1);
    ensure!(hq.post("orders", &serde_json::to_value(&orders[0])?)?.0 == 201, "placed");
    gateway.wait_order(&orders[0].order, |_| true)?;
    stage(&gateway, &orders[0])?;
    wait_modem(&gateway, "the SIM's lock", |m| m["sim"] == "pin")?;
    wait_for("the alert", REST, || gateway.health_page().ok()?.contains("the SIM wants its PIN").then_some(()))?;
    wait_ready(&gateway, &orders[0], |m| m["state"] == "queued")?;
    gateway.process.kill()?;
    gateway.restart()?;
    wait_modem(&gateway, "the SIM's lock again", |m| m["sim"] == "pin")?;
    let tries = modem.control.ask(&json!({"do": "state"}))?["pin_tries"].as_u64().context("pin_tries")?;
    ensure!(tries >= 1, "tries are left after two starts: {tries}");

    ensure!(gateway.process.stop(Duration::from_secs(10))?.success(), "stopped");
    let text = std::fs::read_to_string(&gateway.config)?.replace("pin = \"9999\"", "pin = \"1234\"");
    std::fs::write(&gateway.config, text)?;
    // Somebody has reset the counter in a phone, as the manual says.
    modem.control.ask(&json!({"do": "sim", "pin_tries": 3}))?;
    gateway.restart()?;
    wait_ready(&gateway, &orders[0], |m| m["state"] == "delivered")?;
    ensure!(on_air(&mut modem, &orders[0])? == 1, "on air once");
    wait_for("the alert to go", REST, || {
        (!gateway.health_page().ok()?.contains("the SIM wants its PIN")).then_some(())
    })?;
    Ok(())
}
