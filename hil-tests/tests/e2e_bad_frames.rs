//! Bad frames on the wire: each is refused where a person sees it, and the next good one works.

mod shop;
mod wire;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use hil_tests::world::{Mosquitto, wait_for};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use shop::{CHAIN, Gateway, Hq, Options, SOON, STORE};
use shop_model::ids::{ChainId, OrderNumber, ReservationId, StoreId};
use wire::{Draft, Mqtt, Peer};

/// Most bytes of a payload and most events of a batch, as INTERFACES has them.
const PAYLOAD_MOST: usize = 128 * 1_024;
const EVENTS_MOST: usize = 500;
/// The store that the test plays for HQ.
const PLAYED: &str = "praga";

/// A gateway and the test as its HQ.
struct Shopfront {
    _dir: tempfile::TempDir,
    broker: Mosquitto,
    gateway: Gateway,
    hq: Peer,
}

fn shopfront(uplink: &str) -> Result<Shopfront> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let hq = Peer::hq(broker.port, STORE)?;
    let options = Options { uplink: uplink.into(), ..Options::default() };
    let gateway = Gateway::start(dir.path(), STORE, &broker.url(), None, &options)?;
    let mut front = Shopfront { _dir: dir, broker, gateway, hq };
    front.hq.wait_birth()?;
    Ok(front)
}

fn reservation(store: &str, order: &str) -> Result<String> {
    let id = ReservationId::derive(&ChainId::parse(CHAIN)?, &StoreId::parse(store)?, &OrderNumber::parse(order)?);
    Ok(id.to_string())
}

/// The published example of a placed order, under another number and code.
fn placed(order: &str, code: &str) -> Result<Value> {
    let example = include_str!("../../store-gateway/sync/contract/examples/reservation.placed.json");
    let mut body = serde_json::from_str::<Value>(example)?["body"].take();
    body["order"] = json!(order);
    body["code"] = json!(code);
    Ok(body)
}

fn about<'a>(id: &'a str, of_type: &'a str, body: Value) -> Draft<'a> {
    Draft { class: "P0", kind: "reservation", id, of_type, body }
}

impl Shopfront {
    /// Places an order properly and waits until the counter has it.
    fn place(&mut self, order: &str, code: &str) -> Result<String> {
        let id = reservation(STORE, order)?;
        self.hq.send(about(&id, "reservation.placed", placed(order, code)?))?;
        self.hq.wait_acked("P0", self.hq.last("P0"))?;
        self.gateway.wait_order(order, |v| v["goods"] == "received")?;
        Ok(id)
    }

    fn unreadable(&self) -> Result<u64> {
        self.gateway.metric("store_uplink_unreadable_total")
    }

    /// Publishes a frame and waits until the gateway has counted it as unreadable.
    fn refused(&mut self, tail: &str, payload: Vec<u8>) -> Result<()> {
        let before = self.unreadable()?;
        let topic = if tail == "hq" { format!("v1/{CHAIN}/hq/state") } else { self.hq.topic(tail) };
        let start: String = String::from_utf8_lossy(&payload).chars().take(60).collect();
        self.hq.mqtt.publish(&topic, payload, false)?;
        wait_for(&format!("{topic} {start:?} to be refused"), SOON, || (self.unreadable().ok()? > before).then_some(()))
    }
}

#[test]
fn a_gateway_leaves_unreadable_frames_alone_and_takes_the_next_good_one() -> Result<()> {
    let mut front = shopfront("")?;
    front.place("G-1", "100001")?;
    let long = |bytes: usize| {
        let batch = front.hq.batch("P0", front.hq.before("P0"), &[]).to_string();
        batch.replacen("\"events\":[]", &format!("\"events\":[\"{}\"]", "x".repeat(bytes)), 1).into_bytes()
    };
    let (just_over, far_over) = (long(PAYLOAD_MOST), long(1 << 20));
    for (tail, payload) in [
        ("down/events", b"\xFF\xFE not even text".to_vec()),
        ("down/events", b"{\"epoch\":\"1-aa-peer\",\"class\":".to_vec()),
        ("down/events", b"[]".to_vec()),
        ("down/events", br#"{"epoch":5,"class":"P0","events":[]}"#.to_vec()),
        ("down/events", br#"{"epoch":"1-aa-peer","class":"P9","events":[]}"#.to_vec()),
        ("down/events", just_over),
        ("down/events", far_over),
        ("down/ack", br#"{"epoch":"1-aa-peer","class":"P0","seq":"seven","id":null}"#.to_vec()),
        ("down/ack", br#"{"epoch":"no epoch","class":"P0","seq":7,"id":null}"#.to_vec()),
        ("sync/request", b"null".to_vec()),
        ("sync/snapshot/not-an-id/0", b"{}".to_vec()),
        ("hq", b"\x00".to_vec()),
    ] {
        front.refused(tail, payload)?;
    }
    ensure!(front.gateway.process.log().contains("a message that can't be read was left alone"), "the log says so");
    ensure!(!front.gateway.process.log().contains("xxxxxxxx"), "the log holds none of what came");
    front.place("G-2", "200002")?;

    // A frame that a broker keeps comes again with every connection: it must not break each of them.
    let mut intruder = Mqtt::connect(front.broker.port, "intruder", &[])?;
    intruder.publish(&format!("v1/{CHAIN}/hq/state"), vec![b'x'; 1 << 20], true)?;
    front.gateway.process.kill()?;
    front.gateway.restart()?;
    wait_for("the kept frame to be refused", SOON, || (front.unreadable().ok()? >= 1).then_some(()))?;
    front.place("G-3", "300003").context("in spite of the kept frame")?;
    Ok(())
}

#[test]
fn a_gateway_takes_nothing_of_a_batch_that_is_too_long_or_does_not_follow() -> Result<()> {
    let mut front = shopfront("")?;
    front.place("C-1", "100001")?;
    let before = front.hq.before("P0");

    // 501 small events in one batch: the whole batch is refused, and the health page says that something was unreadable.
    let batch = front.hq.batch("P0", before.clone(), &vec![json!({}); EVENTS_MOST + 1]);
    front.hq.publish_events(batch.to_string())?;
    wait_for("the health page to say so", SOON, || {
        front.gateway.health_page().ok()?.contains(&format!("{} in one batch", EVENTS_MOST + 1)).then_some(())
    })?;
    let topic = front.hq.topic("up/ack");
    front.hq.wait("the watermark again", |heard, _| (heard.topic == topic).then_some(()))?;

    // An event whose predecessor is another one than that taken before, and one after a gap.
    let id = reservation(STORE, "C-2")?;
    let event = front.hq.seal(about(&id, "reservation.placed", placed("C-2", "200002")?));
    let stranger = "01900000-0000-7000-8000-000000000001".to_owned();
    let mut late = event.clone();
    late["seq"] = json!(9);
    for (after, event) in [(Some(stranger), &event), (before.clone(), &late)] {
        let batch = front.hq.batch("P0", after, std::slice::from_ref(event));
        front.hq.publish_events(batch.to_string())?;
        let ack = front.hq.wait("the watermark again", |heard, _| (heard.topic == topic).then(|| heard.json()))?;
        ensure!(ack["seq"] == 1 && ack["id"] == json!(before), "it stands where it stood: {ack}");
    }
    let (status, _) = front.gateway.get("reservations/C-2")?;
    ensure!(status == 404, "nothing of it was taken");

    let batch = front.hq.batch("P0", before, std::slice::from_ref(&event));
    front.hq.publish_events(batch.to_string())?;
    front.gateway.wait_order("C-2", |v| v["goods"] == "received")?;
    Ok(())
}

#[test]
fn a_gateway_keeps_what_a_later_release_says_and_rejects_what_cannot_be() -> Result<()> {
    let mut front = shopfront("")?;
    let id = front.place("K-1", "100001")?;

    // Unknown type and newer schema: acknowledged, kept, and what follows about the same order is applied.
    front.hq.send(about(&id, "reservation.gift_wrapped", json!({"paper": "blue"})))?;
    let before = front.hq.before("P0");
    let mut newer = front.hq.seal(about(&id, "reservation.frozen", json!({"sku": 5})));
    newer["schema"] = json!(2);
    let batch = front.hq.batch("P0", before, std::slice::from_ref(&newer));
    front.hq.publish_events(batch.to_string())?;
    let cancel = json!({"by": "customer", "reason": "changed mind"});
    front.hq.send(about(&id, "reservation.cancel_requested", cancel.clone()))?;
    front.hq.wait_acked("P0", 4)?;
    let seen = front.gateway.wait_order("K-1", |v| v["goods"] == "cancelled")?;
    ensure!(seen["frozen"].as_array().is_none_or(Vec::is_empty), "the newer event has no effect yet: {seen}");
    ensure!(!front.hq.events.iter().any(|e| e["type"] == "sync.rejected"), "none of them is rejected");

    // A price that is no number can't be applied: acknowledged, told back, shown; the order's later events wait.
    let bad = reservation(STORE, "K-2")?;
    let mut body = placed("K-2", "200002")?;
    body["total"] = json!("a lot");
    let rejected = front.hq.send(about(&bad, "reservation.placed", body))?;
    front.hq.send(about(&bad, "reservation.cancel_requested", cancel))?;
    front.hq.wait_acked("P0", 6)?;
    let told = front.hq.wait_event("sync.rejected", |e| e["type"] == "sync.rejected")?;
    ensure!(told["cause"] == rejected["id"], "it names the event: {told}");
    ensure!(told["body"]["aggregate"] == bad.as_str() && told["body"]["kind"] == "reservation", "{told}");
    ensure!(told["body"]["why"].as_str().is_some_and(|why| why.contains("total")), "it names the field: {told}");
    ensure!(!told.to_string().contains("a lot"), "and never repeats the value: {told}");
    ensure!(front.gateway.metric("store_alerts{kind=\"set-aside\"}")? == 1, "one alert");
    ensure!(front.gateway.health_page()?.contains(&bad), "the health page names what it is about");
    ensure!(front.gateway.get("reservations/K-2")?.0 == 404, "what waits behind it has no effect");
    let more = front.hq.events.iter().filter(|e| e["type"] == "sync.rejected").count();
    ensure!(more == 1, "told once: {more}");

    // Other orders flow.
    front.place("K-3", "300003")?;
    Ok(())
}

#[test]
fn what_was_kept_for_a_later_release_is_applied_once_that_release_runs() -> Result<()> {
    let mut front = shopfront("")?;
    let id = front.place("U-1", "100001")?;
    front.hq.send(about(&id, "reservation.wished_away", json!({"by": "customer", "reason": "changed mind"})))?;
    front.hq.wait_acked("P0", 2)?;
    ensure!(front.gateway.order("U-1")?["wish"] == "none", "this release does not know it");
    ensure!(front.gateway.process.stop(SOON)?.success(), "stopped");
    // The release that knows the type is played by the type's name becoming one that this release knows.
    let db = rusqlite::Connection::open(front.gateway.storage.join("shop.db"))?;
    let known = "UPDATE sync_log SET text = replace(text, 'reservation.wished_away', 'reservation.cancel_requested')
                 WHERE standing = 'kept'";
    ensure!(db.execute(known, [])? == 1, "one event is kept");
    drop(db);
    front.gateway.restart()?;
    front.gateway.wait_order("U-1", |v| v["goods"] == "cancelled")?;
    front.hq.wait_event("the consequence", |e| e["type"] == "reservation.cancelled")?;
    Ok(())
}

#[test]
fn with_hqs_key_only_signed_batches_are_taken() -> Result<()> {
    let random = ring::rand::SystemRandom::new();
    let key = Ed25519KeyPair::generate_pkcs8(&random).ok().context("a key")?;
    let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).ok().context("the key")?;
    let base64 = base64::engine::general_purpose::STANDARD;
    let public = base64.encode(key.public_key().as_ref());
    let mut front = shopfront(&format!("hq_key = \"{public}\""))?;
    let id = reservation(STORE, "S-1")?;
    let before = front.hq.before("P0");
    let event = front.hq.seal(about(&id, "reservation.placed", placed("S-1", "100001")?));
    let batch = front.hq.batch("P0", before, std::slice::from_ref(&event));
    let bytes = batch["events"].to_string();
    let signature = base64.encode(key.sign(bytes.as_bytes()).as_ref());
    let of_other_bytes = base64.encode(key.sign(b"[]").as_ref());
    for sig in [Value::Null, json!("no base64!"), json!(of_other_bytes)] {
        let refusals = front.gateway.metric("store_uplink_unsigned_total")?;
        let mut bad = batch.clone();
        bad["sig"] = sig;
        front.hq.publish_events(bad.to_string())?;
        wait_for("the refusal", SOON, || {
            (front.gateway.metric("store_uplink_unsigned_total").ok()? > refusals).then_some(())
        })?;
        ensure!(front.gateway.get("reservations/S-1")?.0 == 404, "nothing of it was taken");
    }
    ensure!(front.gateway.process.log().contains("refused: not signed with HQ's key"), "the log says so");
    ensure!(front.gateway.health()?["signatures"] == "required", "health says that signatures are wanted");

    let mut good = batch;
    good["sig"] = json!(signature);
    let text = good.to_string();
    ensure!(text.contains(&bytes), "the signed bytes are the ones that go");
    front.hq.publish_events(text)?;
    front.gateway.wait_order("S-1", |v| v["goods"] == "received")?;
    Ok(())
}

/// HQ and the test as one of its stores.
struct Office {
    _dir: tempfile::TempDir,
    broker: Mosquitto,
    hq: Hq,
    store: Peer,
}

fn office() -> Result<Office> {
    let dir = tempfile::tempdir()?;
    let broker = Mosquitto::start(dir.path())?;
    let hq = Hq::start(dir.path(), &broker.url())?;
    wait_for("HQ to be connected", SOON, || (hq.plain("/readyz").ok()?.0 == 200).then_some(()))?;
    let store = Peer::store(broker.port, PLAYED)?;
    Ok(Office { _dir: dir, broker, hq, store })
}

impl Office {
    /// Places an order at the played store and takes it there; gives the reservation's id.
    fn place(&mut self, seed: u64) -> Result<(String, String)> {
        let order = shop::orders(seed, 1).remove(0);
        let mut body = serde_json::to_value(&order)?;
        body["store"] = json!(PLAYED);
        body["order"] = json!(format!("HQ/{seed}"));
        let (status, answer) = self.hq.post("orders", &body)?;
        ensure!(status == 201, "{status} {answer}");
        let id = answer["reservation"].as_str().context("the reservation")?.to_owned();
        self.store.wait_event("the placed order", |e| e["aggregate"]["id"] == id.as_str())?;
        Ok((format!("HQ/{seed}"), id))
    }

    fn view(&self, order: &str) -> Result<Value> {
        let (status, view) = self.hq.get(&format!("orders/{}?store={PLAYED}", shop::segment(order)))?;
        ensure!(status == 200, "{status} {view}");
        Ok(view)
    }

    fn wait_view(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        wait_for(&format!("HQ's view of {order}"), SOON, || {
            last = self.view(order).ok()?;
            wanted(&last).then(|| last.clone())
        })
        .with_context(|| format!("last seen: {last}"))
    }

    fn store_row(&self) -> Result<Value> {
        let (status, row) = self.hq.get(&format!("stores/{PLAYED}"))?;
        ensure!(status == 200, "{status} {row}");
        Ok(row)
    }

    fn garbage(&self) -> Result<u64> {
        Ok(self.store_row()?["garbage"].as_u64().unwrap_or(0))
    }

    /// Marks an order as arrived and waits until HQ shows it: the stream works.
    fn works(&mut self, order: &str, id: &str) -> Result<()> {
        self.store.send(about(id, "reservation.arrived", json!({"via": "staff"})))?;
        self.wait_view(order, |v| v["presence"] == "arrived").map(drop)
    }
}

#[test]
fn hq_keeps_unreadable_frames_aside_shows_them_and_takes_the_next_good_one() -> Result<()> {
    let mut office = office()?;
    let (order, id) = office.place(1)?;
    let foreign = {
        let before = office.store.before("P0");
        let event = office.store.seal(about(&id, "reservation.left", json!({})));
        let mut batch = office.store.batch("P0", before.clone(), std::slice::from_ref(&event));
        batch["store"] = json!("wola");
        office.store.unseal(&event, before)?;
        batch.to_string().into_bytes()
    };
    for (tail, payload) in [
        ("up/events", b"\xFF\xFE".to_vec()),
        ("up/events", b"{".to_vec()),
        ("up/events", br#"{"epoch":["1"],"class":"P0","events":[]}"#.to_vec()),
        ("up/events", vec![b' '; PAYLOAD_MOST + 1]),
        ("up/events", vec![b' '; 1 << 20]),
        ("up/events", foreign),
        ("up/ack", br#"{"class":"P0"}"#.to_vec()),
        ("state", br#"{"online":"yes"}"#.to_vec()),
        ("config/reported", b"7".to_vec()),
    ] {
        let before = office.garbage()?;
        let topic = office.store.topic(tail);
        let start: String = String::from_utf8_lossy(&payload).chars().take(40).collect();
        office.store.mqtt.publish(&topic, payload, false)?;
        wait_for(&format!("{tail} {start:?} to be set aside"), SOON, || {
            (office.garbage().ok()? > before).then_some(())
        })?;
    }
    let page = office.hq.alerts_page()?;
    ensure!(page.contains("a message could not be read"), "the alerts page says so: {page}");
    ensure!(office.store_row()?["alerts"].as_u64() >= Some(1), "{}", office.store_row()?);
    ensure!(office.view(&order)?["presence"] == "away", "nothing of it was taken");
    office.works(&order, &id)?;

    // A store that never said who it is, and a topic of another chain, are nobody's: counted, and nothing else happens.
    let garbage = |office: &Office| -> Result<f64> {
        let (_, text) = office.hq.plain("/metrics")?;
        let line = text.as_str().unwrap_or_default().lines().find_map(|l| l.strip_prefix("hq_mqtt_garbage_total "));
        Ok(line.and_then(|v| v.parse().ok()).unwrap_or(0.0))
    };
    let before = garbage(&office)?;
    let batch = office.store.batch("P0", None, &[]).to_string();
    let topic = format!("v1/{CHAIN}/nobody/up/events");
    office.store.mqtt.publish(&topic, batch, false)?;
    wait_for("the stranger to be set aside", SOON, || (garbage(&office).ok()? > before).then_some(()))?;
    ensure!(office.hq.get("stores/nobody")?.0 == 404, "no store comes to be by it");

    // What a broker keeps comes again with every connection.
    let mut intruder = Mqtt::connect(office.broker.port, "intruder", &[])?;
    intruder.publish(&format!("v1/{CHAIN}/nobody/state"), vec![b'x'; 1 << 20], true)?;
    office.hq.process.kill()?;
    office.hq.restart()?;
    wait_for("the kept frame to be set aside", SOON, || (garbage(&office).ok()? >= 1.0).then_some(()))?;
    wait_for("HQ to stay connected", SOON, || (office.hq.plain("/readyz").ok()?.0 == 200).then_some(()))?;
    office.store.birth()?;
    office.store.send(about(&id, "reservation.left", json!({})))?;
    office.wait_view(&order, |v| v["presence"] == "left")?;
    Ok(())
}

#[test]
fn hq_keeps_what_a_later_release_says_and_rejects_what_cannot_be() -> Result<()> {
    let mut office = office()?;
    let ((order, id), (other, other_id)) = (office.place(1)?, office.place(2)?);
    // A batch that does not chain changes nothing, and the watermark says so.
    let before = office.store.before("P0");
    office.store.send(about(&id, "reservation.accepted", json!({})))?;
    office.store.wait_acked("P0", 1)?;
    let taken = office.store.before("P0");
    ensure!(before.is_none() && taken.is_some(), "the first event of the stream was taken");
    let event = office.store.seal(about(&id, "reservation.arrived", json!({"via": "staff"})));
    let stranger = Some("01900000-0000-7000-8000-000000000001".to_owned());
    let topic = office.store.topic("down/ack");
    let batch = office.store.batch("P0", stranger, std::slice::from_ref(&event)).to_string();
    office.store.publish_events(batch)?;
    let ack = office
        .store
        .wait("the watermark again", |h, _| (h.topic == topic && h.json()["class"] == "P0").then(|| h.json()))?;
    ensure!(ack["seq"] == 1 && ack["id"] == json!(taken), "{ack}");
    let batch = office.store.batch("P0", taken, std::slice::from_ref(&event)).to_string();
    office.store.publish_events(batch)?;
    office.wait_view(&order, |v| v["presence"] == "arrived")?;

    // Unknown type and newer schema are kept; what follows about the same order is applied.
    office.store.send(about(&id, "reservation.gift_wrapped", json!({"paper": "blue"})))?;
    let before = office.store.before("P0");
    let mut newer = office.store.seal(about(&id, "reservation.ready", json!({"bags": 7})));
    newer["schema"] = json!(2);
    let batch = office.store.batch("P0", before, std::slice::from_ref(&newer)).to_string();
    office.store.publish_events(batch)?;
    office.store.send(about(&id, "reservation.left", json!({})))?;
    office.store.wait_acked("P0", 5)?;
    office.wait_view(&order, |v| v["presence"] == "left" && v["goods"] == "received")?;

    // What can't be is told back, shown, and what follows about that order waits; the other order goes on.
    let bad = office.store.send(about(&id, "reservation.arrived", json!({"via": "by broomstick"})))?;
    office.store.send(about(&id, "reservation.arrived", json!({"via": "staff"})))?;
    let told = office.store.wait_event("sync.rejected", |e| e["type"] == "sync.rejected")?;
    ensure!(told["cause"] == bad["id"] && told["body"]["aggregate"] == id.as_str(), "{told}");
    ensure!(told["body"]["why"].as_str().is_some_and(|why| why.contains("via")), "it names the field: {told}");
    office.store.wait_acked("P0", 7)?;
    ensure!(office.view(&order)?["presence"] == "left", "what waits has no effect");
    ensure!(office.hq.alerts_page()?.contains("was set aside"), "the alerts page says so");
    office.works(&other, &other_id)?;

    // A store that rejects an event of HQ's is heard too.
    let rejected = "01900000-0000-7000-8000-000000000002";
    let why = json!({"kind": "reservation", "aggregate": other_id, "why": "lines[0].quantity: must be 1 to 100000"});
    let mut event =
        office.store.seal(Draft { class: "P1", kind: "sync", id: rejected, of_type: "sync.rejected", body: why });
    event["cause"] = json!(rejected);
    let batch = office.store.batch("P1", None, std::slice::from_ref(&event)).to_string();
    office.store.publish_events(batch)?;
    wait_for("the alerts page to show the store's refusal", SOON, || {
        office.hq.alerts_page().ok()?.contains("must be 1 to 100000").then_some(())
    })?;
    Ok(())
}
