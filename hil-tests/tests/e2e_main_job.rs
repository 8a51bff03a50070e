//! The main job: an order comes from HQ, the customer gets a text, staff hand it over, HQ knows; with and without the
//! internet.

mod shop;

use anyhow::{Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::wait_for;
use serde_json::{Value, json};
use shop::{SOON, Shop, code_in};

/// A prepaid order with a Polish customer.
fn prepaid(orders: &[Order]) -> &Order {
    let fits = |o: &&Order| {
        let value = serde_json::to_value(o).unwrap();
        value["kind"] == "prepaid" && value["customer"]["language"] == "pl"
    };
    orders.iter().find(fits).expect("the generator makes prepaid orders of Polish customers")
}

fn ready_message(view: &Value) -> Option<&Value> {
    view["messages"].as_array()?.iter().find(|m| m["purpose"] == "ready")
}

#[test]
fn an_order_comes_from_hq_the_customer_gets_a_text_staff_hand_it_over_and_hq_knows() -> Result<()> {
    let mut shop = Shop::start()?;
    // The report is held back, so that "delivered" can only come from it.
    shop.modem.control.ask(&json!({"do": "reports", "rule": {"policy": "hold"}}))?;
    let orders = shop.orders(7, 40);
    let order = prepaid(&orders);

    let seen = shop.place(order)?;
    ensure!(seen["goods"] == "received" && seen["money"] == "paid_online", "{seen}");
    ensure!(ready_message(&seen).is_none(), "a placement alone sends no text: {seen}");

    let text = shop.stage(order, "B4")?;
    ensure!(text.contains(&order.order), "the text names the order: {text}");
    let code = code_in(&text)?;
    let number = order.order.as_str();
    let sent = shop.gateway.wait_order(number, |v| ready_message(v).is_some_and(|m| m["state"] == "sent"))?;
    ensure!(sent["goods"] == "ready", "{sent}");
    shop.modem.control.ask(&json!({"do": "release"}))?;
    shop.gateway.wait_order(number, |v| ready_message(v).is_some_and(|m| m["state"] == "delivered"))?;

    shop.modem.control.deliver(&order.customer.phone, "jestem")?;
    let here = shop.gateway.wait_order(number, |v| v["presence"] == "arrived")?;
    ensure!(here["arrived"]["via"] == "sms", "{here}");

    let wrong = if code == "000000" { "111111" } else { "000000" };
    let (status, problem) = shop.gateway.act(number, "hand-over", &json!({"code": wrong}))?;
    ensure!(status == 403 && problem["type"] == "/problems/wrong-code", "{status} {problem}");
    let (status, done) = shop.gateway.act(number, "hand-over", &json!({"code": code}))?;
    ensure!(status == 200 && done["goods"] == "handed_over", "{status} {done}");
    shop.hq.wait_order(number, |v| v["goods"] == "handed_over")?;

    let (status, undone) = shop.gateway.act(number, "undo", &json!({}))?;
    ensure!(status == 200 && undone["goods"] == "ready", "{status} {undone}");
    shop.hq.wait_order(number, |v| v["goods"] == "ready")?;
    let (status, done) = shop.gateway.act(number, "hand-over", &json!({"code": code}))?;
    ensure!(status == 200 && done["goods"] == "handed_over", "{status} {done}");
    shop.hq.wait_order(number, |v| v["goods"] == "handed_over")?;
    Ok(())
}

#[test]
fn without_the_uplink_the_shop_goes_on_and_both_ends_agree_afterwards() -> Result<()> {
    let mut shop = Shop::start()?;
    let orders = shop.orders(11, 60);
    let prepaid: Vec<&Order> =
        orders.iter().filter(|o| serde_json::to_value(o).unwrap()["kind"] == "prepaid").take(4).collect();
    let [handed, shelved, picked, untouched] = prepaid.as_slice() else { anyhow::bail!("four prepaid orders") };
    for order in &prepaid {
        shop.place(order)?;
    }
    shop.proxy.cut()?;
    shop.gateway.wait_online(false)?;

    // In the shop: one leaves, one waits on a shelf, one stays untouched.
    let code = code_in(&shop.stage(handed, "A1")?)?;
    let (status, answer) = shop.gateway.act(&handed.order, "hand-over", &json!({"code": code}))?;
    ensure!(status == 200, "{status} {answer}");
    shop.stage(shelved, "A2")?;
    shop.stage(picked, "A3")?;

    // At HQ, meanwhile.
    for (order, act, body) in [
        (handed, "cancel", json!({"store": shop::STORE, "by": "customer", "reason": "changed mind"})),
        (shelved, "cancel", json!({"store": shop::STORE, "by": "customer", "reason": "changed mind"})),
        (untouched, "cancel", json!({"store": shop::STORE, "by": "customer", "reason": "changed mind"})),
    ] {
        let (status, answer) = shop.hq.post(&format!("orders/{}/{act}", shop::segment(&order.order)), &body)?;
        ensure!((200..300).contains(&status), "{act}: {status} {answer}");
        ensure!(shop.hq.order(&order.order)?["wish"] == "cancel", "HQ shows that a cancel is asked for");
    }
    shop.proxy.restore()?;
    shop.gateway.wait_online(true)?;

    for (order, goods) in [(handed, "handed_over"), (shelved, "cancelled"), (untouched, "cancelled"), (picked, "ready")]
    {
        // Each end may settle the order before the other one has heard of it: only the reason tells that the cancel came.
        let explained = |v: &Value| goods == "ready" || v["why"].as_array().is_some_and(|why| !why.is_empty());
        let settled = |v: &Value| v["goods"] == goods && v["wish"] == "none" && explained(v);
        let here = shop.gateway.wait_order(&order.order, settled)?;
        let there = shop.hq.wait_order(&order.order, |v| settled(v) && v["version"] == here["version"])?;
        ensure!(here["money"] == there["money"], "{here}\n{there}");
    }
    Ok(())
}

#[test]
fn a_status_text_is_answered_and_anything_else_waits_for_a_person() -> Result<()> {
    let mut shop = Shop::start()?;
    let orders = shop.orders(13, 40);
    let order = prepaid(&orders);
    shop.place(order)?;
    shop.stage(order, "C1")?;
    let before =
        shop.gateway.wait_order(&order.order, |v| ready_message(v).is_some_and(|m| m["state"] == "delivered"))?;

    let phone = &order.customer.phone;
    shop.modem.control.deliver(phone, "Status")?;
    wait_for("the answer to STATUS", SOON, || {
        let texts = shop::texts_to(&mut shop.modem.control, phone);
        (texts.len() >= 2).then(|| texts[1].clone()).filter(|text| text.contains(&order.order))
    })?;
    shop.modem.control.deliver(phone, "a czy moge przyjsc z psem?")?;
    shop.modem.control.deliver("+48699999999", "dzien dobry")?;
    let metric = |shop: &Shop| shop.gateway.order(&order.order);
    let after = metric(&shop)?;
    ensure!(after["goods"] == before["goods"] && after["presence"] == "away", "{after}");
    Ok(())
}

#[test]
fn a_stop_publishes_offline_and_ends_within_five_seconds() -> Result<()> {
    let mut shop = Shop::start()?;
    shop.gateway.wait_online(true)?;
    let status = shop.gateway.process.stop(std::time::Duration::from_secs(5))?;
    ensure!(status.code() == Some(0), "{status}");
    wait_for("HQ to show the store offline", SOON, || {
        let (_, stores) = shop.hq.get("stores").ok()?;
        stores["items"].as_array()?.iter().find(|s| s["store"] == shop::STORE && s["link"] == "offline").map(|_| ())
    })?;
    Ok(())
}
