//! What really goes over the wire against the contract: a shop works through a day's cases while a tap on the broker hears
//! everything, and each payload is held against the AsyncAPI document and the JSON Schemas.

mod contract;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use contract::Contract;
use hil_tests::make_orders::Order;
use hil_tests::world::{Frame, Tap, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Options, SOON, STORE, Shop, code_in, segment};

/// Types of the contract that no door of this release leads to, or only hours of waiting, with the reason. A new type must
/// be exercised below or be put here; one that is seen all the same must leave the list.
const NOT_EXERCISED: &[(&str, &str)] = &[
    ("call.ended", "calls are not part of this release"),
    ("case.changed", "no page changes a case"),
    ("case.closed", "no page closes a case"),
    ("command.accepted", "HQ issues no commands"),
    ("command.done", "HQ issues no commands"),
    ("command.failed", "HQ issues no commands"),
    ("command.issued", "HQ issues no commands"),
    ("command.progress", "HQ issues no commands"),
    ("command.refused", "HQ issues no commands"),
    ("hq.announcement", "no page of HQ announces"),
    ("message.expired", "a text expires with its hold: hours"),
    ("message.held", "held texts are night-time reminders, or by a door that no page has"),
    ("person.changed", "no page of HQ changes a person"),
    ("person.erased", "no page of HQ erases a person"),
    ("reservation.accepted", "no page accepts: staging does"),
    ("reservation.code_set", "HQ mints every code"),
    ("reservation.expired", "a hold ends at closing time at the earliest: hours"),
    ("reservation.extended", "no page of HQ extends"),
    ("reservation.frozen", "no page of HQ freezes"),
    ("reservation.left", "no page says that a customer left"),
    ("reservation.paid_in_store", "no till is linked"),
    ("reservation.pick_started", "no page of the floor"),
    ("reservation.short", "no page of the floor"),
    ("reservation.unfrozen", "no page of HQ freezes"),
    ("sync.rejected", "both ends of one release understand each other"),
    ("sync.skipped", "an outbox is cut at 100 000 rows or two weeks"),
];

/// How long the restored ends may take to agree again.
const LONG: Duration = Duration::from_secs(90);

/// The shop, with each order used for one case.
struct Day {
    shop: Shop,
    orders: Vec<Order>,
    next: usize,
}

impl Day {
    /// A paid order at the counter that no case has used yet.
    fn order(&mut self) -> Result<Order> {
        let order = self.unplaced()?;
        self.shop.place(&order)?;
        Ok(order)
    }

    fn unplaced(&mut self) -> Result<Order> {
        let found = self.orders.iter().skip(self.next).position(|o| o.kind == "prepaid" && o.customer.language != "uk");
        let at = self.next + found.context("the generator's paid orders are used up")?;
        self.next = at + 1;
        Ok(self.orders[at].clone())
    }

    /// A paid order on a shelf, and the code that its customer was told.
    fn ready(&mut self) -> Result<(Order, String)> {
        let order = self.order()?;
        let code = code_in(&self.shop.stage(&order, "C1")?)?;
        Ok((order, code))
    }

    fn act(&self, order: &Order, act: &str, body: &Value) -> Result<Value> {
        let (status, answer) = self.shop.gateway.act(&order.order, act, body)?;
        ensure!(status == 200, "{act}: {status} {answer}");
        Ok(answer)
    }

    fn ask_hq(&self, order: &Order, act: &str, body: &Value) -> Result<()> {
        let path = format!("orders/{}/{act}?store={STORE}", segment(&order.order));
        let (status, answer) = self.shop.hq.post(&path, body)?;
        ensure!(status == 200, "{act}: {status} {answer}");
        Ok(())
    }

    /// Waits until an order has a message of this purpose in this state.
    fn wait_message(&self, order: &Order, purpose: &str, state: &str) -> Result<Value> {
        let fits = |m: &Value| m["purpose"] == purpose && m["state"] == state;
        let view = self
            .shop
            .gateway
            .wait_order(&order.order, |v| v["messages"].as_array().is_some_and(|messages| messages.iter().any(fits)))?;
        let found = view["messages"].as_array().and_then(|messages| messages.iter().find(|m| fits(m)).cloned());
        found.context("the message")
    }

    /// The counter: told, arrived, wrong code, handed over, undone, handed over again; another refused and put back;
    /// another held longer.
    fn at_the_counter(&mut self) -> Result<()> {
        let (order, code) = self.ready()?;
        self.wait_message(&order, "ready", "delivered")?;
        self.shop.modem.control.deliver(&order.customer.phone, "jestem")?;
        self.shop.gateway.wait_order(&order.order, |v| v["presence"] == "arrived")?;
        self.act(&order, "attend", &json!({}))?;
        self.act(&order, "hand-over", &json!({"code": code}))?;
        self.act(&order, "undo", &json!({}))?;
        let scan = format!("O1:{STORE}:{}:{code}", order.order);
        self.act(&order, "hand-over", &json!({"scan": scan}))?;

        let (refused, _) = self.ready()?;
        self.act(&refused, "refuse", &json!({"reason": "not what was ordered"}))?;
        self.act(&refused, "put-back", &json!({"shelf": "C1"}))?;
        let (held, _) = self.ready()?;
        self.act(&held, "extend", &json!({}))?;
        self.shop.modem.control.deliver("+48699999999", "dzien dobry")?;
        Ok(())
    }

    /// Five wrong codes lock an order, five wrong PINs a person.
    fn locks(&mut self) -> Result<()> {
        let (order, code) = self.ready()?;
        let wrong = if code == "000000" { "111111" } else { "000000" };
        for _ in 0..5 {
            let (status, answer) = self.shop.gateway.act(&order.order, "hand-over", &json!({"code": wrong}))?;
            ensure!(status >= 400, "a wrong code opened the order: {answer}");
        }
        for _ in 0..5 {
            ensure!(self.shop.gateway.log_in("anna", "0000").is_err(), "a wrong PIN let somebody in");
        }
        Ok(())
    }

    /// HQ's wishes while both ends are in touch, and the move to a second store.
    fn wishes(&mut self) -> Result<()> {
        let cancelled = self.order()?;
        self.ask_hq(&cancelled, "cancel", &json!({"by": "customer", "reason": "changed mind"}))?;
        self.shop.gateway.wait_order(&cancelled.order, |v| v["goods"] == "cancelled")?;
        let amended = self.order()?;
        self.ask_hq(&amended, "amend", &one_more(&amended)?)?;
        self.shop
            .gateway
            .wait_order(&amended.order, |v| v["lines"][0]["quantity"] != json!(amended.lines[0].quantity))?;
        let (late, _) = self.ready()?;
        self.ask_hq(&late, "amend", &one_more(&late)?)?;
        let paid = self.order()?;
        self.ask_hq(&paid, "payment", &json!({"money": "refund_due", "amount": 100, "reference": "R-1"}))?;
        self.shop.gateway.wait_order(&paid.order, |v| v["money"] == "refund_due")?;
        let moved = self.order()?;
        let praga = Gateway::start(self.shop.dir.path(), "praga", &self.shop.broker.url(), None, &Options::default())?;
        self.ask_hq(&moved, "move", &json!({"to_store": "praga"}))?;
        praga.wait_order(&moved.order, |v| v["goods"] != "inbound" || v["awaits"].is_null())?;
        self.shop.gateway.wait_order(&moved.order, |v| v["goods"] == "released")?;
        Ok(())
    }

    /// The line is cut; a hand-over and a cancel cross.
    fn apart(&mut self) -> Result<()> {
        let (order, code) = self.ready()?;
        self.shop.proxy.cut()?;
        self.shop.gateway.wait_online(false)?;
        self.act(&order, "hand-over", &json!({"code": code}))?;
        self.ask_hq(&order, "cancel", &json!({"by": "customer", "reason": "changed mind"}))?;
        self.shop.proxy.restore()?;
        self.shop.gateway.wait_online(true)?;
        self.shop.hq.wait_order(&order.order, |v| v["goods"] == "handed_over" && v["wish"] == "none")?;
        Ok(())
    }

    /// Texts that nobody knows of, that fail, and that are overtaken while the modem has no network.
    fn texts_that_go_wrong(&mut self) -> Result<()> {
        // 304: the network refuses this message; 500 says nothing about what became of it (3GPP TS 27.005 §3.2.5).
        self.fault(&json!({"kind": "cms_error", "code": 304}))?;
        let failed = self.order()?;
        self.stage(&failed)?;
        self.wait_message(&failed, "ready", "failed")?;
        // Without its report nobody knows of it but staff, who rang the customer up.
        self.shop.modem.control.ask(&json!({"do": "reports", "rule": {"policy": "hold"}}))?;
        self.fault(&json!({"kind": "cms_error", "code": 500, "air": "after"}))?;
        let unknown = self.order()?;
        self.stage(&unknown)?;
        let message = self.wait_message(&unknown, "ready", "unknown")?;
        self.settle(message["id"].as_str().context("the message's id")?)?;
        self.wait_message(&unknown, "ready", "sent")?;
        self.shop.modem.control.ask(&json!({"do": "release"}))?;

        self.registration("searching")?;
        self.wait_modem("no network", |modem| modem["ready"] == false || modem["registration"] != "home")?;
        let overtaken = self.order()?;
        self.stage(&overtaken)?;
        self.ask_hq(&overtaken, "cancel", &json!({"by": "customer", "reason": "changed mind"}))?;
        self.wait_message(&overtaken, "ready", "superseded")?;
        self.wait_alert(1)?;
        self.registration("home")?;
        self.wait_alert(0)
    }

    fn stage(&self, order: &Order) -> Result<()> {
        self.act(order, "stage", &json!({"bags": [{"bag": "1", "shelf": "D1"}]})).map(drop)
    }

    fn fault(&mut self, fault: &Value) -> Result<()> {
        self.shop.modem.control.fault(fault).map(drop)
    }

    fn registration(&mut self, word: &str) -> Result<()> {
        self.shop.modem.control.ask(&json!({"do": "registration", "registration": word})).map(drop)
    }

    fn wait_modem(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        wait_for(what, SOON, || wanted(&self.shop.gateway.health().ok()?["modem"]).then_some(()))
    }

    /// Waits until so many alerts of a modem that can't send stand.
    fn wait_alert(&self, count: u32) -> Result<()> {
        let line = format!("store_alerts{{kind=\"modem-down\"}} {count}");
        wait_for("the modem's alert", LONG, || {
            let metrics = self.shop.gateway.plain("/metrics").ok()?.1;
            let mut alerts = metrics.as_str()?.lines().filter(|l| l.starts_with("store_alerts{kind=\"modem-down\"}"));
            let stands = alerts.next().map_or(count == 0, |alert| alert == line);
            stands.then_some(())
        })
    }

    /// Says on the messages' page that an unknown text went out, as staff would.
    fn settle(&self, message: &str) -> Result<()> {
        let gateway = &self.shop.gateway;
        let page = gateway.plain("/messages")?.1;
        let form = page.as_str().and_then(|page| page.split_once("name=\"csrf\" value=\"")).context("a form")?.1;
        let csrf = form.split('"').next().context("the form's token")?;
        let (status, answer) =
            gateway.form(&format!("/messages/{message}/settle"), &[("csrf", csrf), ("as", "sent")])?;
        ensure!(status == 200, "settling: {status} {answer}");
        Ok(())
    }

    /// HQ sends a configuration and the store says what became of it.
    fn configuration(&self) -> Result<()> {
        let hours = json!({"version": 1, "hours": {"week": {"mon": [{"open": "09:00", "close": "20:00"}]}}});
        let (status, answer) = self.shop.hq.send("PUT", &format!("stores/{STORE}/config"), &hours.to_string(), &[])?;
        ensure!(status == 200, "the configuration: {status} {answer}");
        let version = answer["version"].clone();
        wait_for("the configuration to be in force", SOON, || {
            (self.shop.gateway.health().ok()?["config"]["version"] == version).then_some(())
        })
    }

    /// Both ends find their database older than its witness, one after the other, and ask for a snapshot.
    fn restored(&mut self) -> Result<()> {
        let order = self.order()?;
        self.shop.gateway.process.stop(SOON)?;
        std::fs::remove_file(self.shop.gateway.storage.join("generation"))?;
        self.shop.gateway.restart()?;
        self.wait_recovered()?;
        self.stage(&order)?;
        self.shop.hq.wait_order(&order.order, |v| v["goods"] == "ready")?;
        self.shop.hq.process.stop(SOON)?;
        std::fs::remove_file(self.shop.dir.path().join("hq/hq.witness"))?;
        self.shop.hq.restart()?;
        self.shop.gateway.wait_online(true)?;
        self.act(&order, "arrive", &json!({"via": "staff"}))?;
        self.shop.hq.wait_order(&order.order, |v| v["presence"] == "arrived")?;
        Ok(())
    }

    fn wait_recovered(&self) -> Result<()> {
        wait_for("the gateway to have its snapshot", LONG, || {
            let uplink = self.shop.gateway.health().ok()?["uplink"].clone();
            (uplink["recovery"] == false && uplink["online"] == true).then_some(())
        })
    }
}

/// The lines of an order with one piece more, and what they cost.
fn one_more(order: &Order) -> Result<Value> {
    let mut lines = order.lines.clone();
    lines[0].quantity += 1;
    let total: u64 = lines.iter().map(|line| line.quantity * line.unit_price).sum();
    Ok(json!({"lines": serde_json::to_value(&lines)?, "total": total, "due": 0}))
}

/// What was seen, and what did not fit.
#[derive(Default)]
struct Heard {
    frames: BTreeMap<String, usize>,
    types: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Heard {
    fn take(&mut self, contract: &Contract, frames: &[Frame]) {
        for frame in frames {
            match contract.check(frame) {
                Ok((channel, types)) => {
                    *self.frames.entry(channel).or_default() += 1;
                    types.into_iter().for_each(|kind| *self.types.entry(kind).or_default() += 1);
                }
                Err(error) => self.wrong.push(format!("{error:#}")),
            }
        }
    }
}

#[test]
fn everything_on_the_wire_is_what_the_contract_says() -> Result<()> {
    let contract = Contract::read()?;
    // A modem without network is an alert at once, so that the test need not wait a minute for it.
    let options = Options {
        messages: "modem_alert_s = 1\nlook_ms = 100".into(),
        modem: "quiet_ms = 500".into(),
        ..Options::default()
    };
    let shop = Shop::start_with(&options)?;
    let tap = Tap::start(shop.broker.port, "v1/#")?;
    let orders = shop.orders(47, 120);
    let mut day = Day { shop, orders, next: 0 };
    day.shop.gateway.wait_online(true)?;
    let port = day.shop.broker.port;

    day.configuration()?;
    day.at_the_counter()?;
    day.wishes()?;
    day.apart()?;
    day.texts_that_go_wrong()?;
    day.restored()?;
    day.locks()?;
    let mut heard = Heard::default();
    let kept = kept_by_the_broker(&contract, port)?;
    heard.take(&contract, &kept);
    // What was written last has left when its class's outbox is empty.
    wait_for("the outbox to be empty", LONG, || {
        let metrics = day.shop.gateway.plain("/metrics").ok()?.1;
        let rows = metrics.as_str()?.lines().filter(|l| l.starts_with("store_outbox_rows")).collect::<Vec<_>>();
        (!rows.is_empty() && rows.iter().all(|l| l.ends_with(" 0"))).then_some(())
    })?;
    ensure!(day.shop.gateway.process.stop(SOON)?.success(), "the gateway says goodbye");
    heard.take(&contract, &tap.drain()?);

    println!("{:?}\n{:?}", heard.frames, heard.types);
    ensure!(heard.wrong.is_empty(), "{} messages do not fit:\n{}", heard.wrong.len(), heard.wrong.join("\n"));
    let seen_channels: BTreeSet<String> = heard.frames.keys().cloned().collect();
    assert_eq!(seen_channels, contract.channel_ids(), "channels seen and channels of the contract");
    let excused: BTreeSet<String> = NOT_EXERCISED.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    let seen: BTreeSet<String> = heard.types.keys().cloned().collect();
    let wanted: BTreeSet<String> = contract.event_types().difference(&excused).cloned().collect();
    assert_eq!(seen, wanted, "event types seen, and those of the contract without NOT_EXERCISED");
    ensure!(excused.is_subset(&contract.event_types()), "NOT_EXERCISED names a type that the contract has no more");
    Ok(())
}

/// What a late subscriber is given: a message of each retained channel, and of no other.
fn kept_by_the_broker(contract: &Contract, port: u16) -> Result<Vec<Frame>> {
    let late = Tap::start(port, "v1/#")?;
    let mut missing = contract.retained_ids();
    let mut kept = Vec::new();
    let end = Instant::now() + SOON;
    while !missing.is_empty() {
        let Some(frame) = late.next(end.saturating_duration_since(Instant::now()))? else {
            bail!("the broker keeps nothing of {missing:?}");
        };
        if frame.retained {
            missing.remove(&contract.check(&frame)?.0);
            kept.push(frame);
        }
    }
    Ok(kept)
}

#[test]
fn the_check_can_fail() -> Result<()> {
    let contract = Contract::read()?;
    let frame = |topic: &str, payload: &Value, retained: bool| Frame {
        at: Instant::now(),
        topic: topic.to_owned(),
        payload: payload.to_string().into_bytes(),
        retained,
    };
    let beat = json!({"online": true, "at": "2026-11-22T06:00:00.000Z"});
    let (channel, types) = contract.check(&frame("v1/sklepx/hq/state", &beat, true))?;
    assert_eq!((channel.as_str(), types.len()), ("hqState", 0));
    let refused = |topic: &str, payload: &Value, retained: bool, why: &str| {
        let error = contract.check(&frame(topic, payload, retained)).map(|_| ()).expect_err(why);
        assert!(format!("{error:#}").contains(why), "{error:#}");
    };
    refused("v1/sklepx/hq/stat", &beat, false, "not that of one channel");
    refused("v1/sklepx/hq/state", &json!({"online": 1, "at": "2026-11-22T06:00:00.000Z"}), false, "hq-state.json");
    refused("v1/sklepx/hq/state", &json!({"online": true, "at": "now"}), false, "hq-state.json");
    let more = json!({"online": true, "at": "2026-11-22T06:00:00.000Z", "mood": "good"});
    refused("v1/sklepx/hq/state", &more, false, "mood");
    let id = "019762cf-0001-7001-8001-2b6c0d4e91aa";
    let epoch = "3-7b1d6a3c55e0f1aa-9f1c2d3e4b5a6978";
    let event = |kind: &str| {
        json!({"schema": 1, "id": id, "seq": 1, "aggregate": {"kind": "reservation", "id": id, "n": 1, "seen": 0},
            "cause": null, "at": {"wall": "2026-11-22T06:00:00.000Z", "quality": "ntp"}, "actor": {"kind": "system", "id": "system"},
            "type": kind, "body": {}})
    };
    let batch = |event: Value| json!({"epoch": epoch, "class": "P0", "boot": id, "after": null, "events": [event]});
    contract.check(&frame("v1/sklepx/wola/up/events", &batch(event("reservation.expired")), false))?;
    refused("v1/sklepx/wola/up/events", &batch(event("reservation.expired")), true, "the broker kept");
    refused("v1/sklepx/wola/down/events", &batch(event("reservation.expired")), false, "does not carry");
    refused("v1/sklepx/wola/up/events", &batch(event("reservation.teleported")), false, "does not carry");
    refused("v1/sklepx/wola/up/events", &batch(event("reservation.moved")), false, "does not carry");
    refused("v1/sklepx/wola/down/events", &batch(event("reservation.moved")), false, "reservation.moved.json");
    Ok(())
}
