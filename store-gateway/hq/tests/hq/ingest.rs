//! A store that speaks the wire forms by hand, over a real broker.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rumqttc::{Client, Event, LastWill, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use crate::rest::base64;
use crate::world::{LIMIT, World, order, wait};

const EPOCH: &str = "1-a1b2-box";

struct Store {
    client: Client,
    heard: Receiver<(String, Vec<u8>)>,
    name: &'static str,
    session: String,
    seq: u64,
    last: Value,
    seen: u64,
}

fn id() -> String {
    let mut ids = sans_io::Ids::new(store_daemon::secrets::seed());
    uuid::Uuid::from_bytes(ids.next_v7(store_daemon::wall::unix_ms())).to_string()
}

impl Store {
    fn connect(world: &World, name: &'static str) -> Store {
        let session = id();
        let mut options = MqttOptions::new(format!("store-{session}"), "127.0.0.1", world.broker_port);
        options.set_max_packet_size(200_000, 200_000);
        let topic = format!("v1/demo/{name}/state");
        let will = json!({ "online": false, "session": session, "epoch": EPOCH }).to_string();
        options.set_last_will(LastWill::new(topic, will, QoS::AtLeastOnce, true));
        let (client, mut connection) = Client::new(options, 64);
        let (send, heard) = channel();
        let (subscribed, wait_subscribed) = channel();
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::Publish(p))) => drop(send.send((p.topic, p.payload.to_vec()))),
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(subscribed.send(())),
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        for tail in ["down/+", "config/desired", "sync/#"] {
            client.subscribe(format!("v1/demo/{name}/{tail}"), QoS::AtLeastOnce).unwrap();
            wait_subscribed.recv_timeout(LIMIT).unwrap();
        }
        Store { client, heard, name, session, seq: 0, last: Value::Null, seen: 0 }
    }

    fn publish(&self, tail: &str, body: &Value) {
        self.publish_raw(tail, body.to_string().as_bytes());
    }

    fn publish_raw(&self, tail: &str, body: &[u8]) {
        let topic = format!("v1/demo/{}/{tail}", self.name);
        self.client.publish(topic, QoS::AtLeastOnce, tail == "state", body).unwrap();
    }

    fn birth(&self, config: i64) {
        self.publish(
            "state",
            &json!({
                "online": true, "boot": id(), "session": self.session, "connection": self.session, "epoch": EPOCH,
                "recovery": false, "sent": { "P0": { "seq": self.seq, "id": self.last }, "P1": { "seq": 0, "id": null } },
                "seen": { "epoch": null, "P0": { "seq": 0, "id": null }, "P1": { "seq": 0, "id": null } },
                "version": "1.2.3", "name": "Warszawa Wola", "clock": "ntp",
                "config": { "version": config, "refused": null },
                "queues": { "P0": 3, "P1": 4, "messages": 2 }, "offline_days_left": 12,
                "modem": { "configured": true, "ready": true, "registration": "home", "bars": 4, "operator": "Plus" },
            }),
        );
    }

    /// Waits for a message on this topic that `pick` takes.
    fn hear<T>(&self, tail: &str, mut pick: impl FnMut(Value) -> Option<T>) -> T {
        self.hear_bytes(tail, |payload| pick(serde_json::from_slice(payload).unwrap()))
    }

    /// The same with the bytes that came.
    fn hear_bytes<T>(&self, tail: &str, mut pick: impl FnMut(&[u8]) -> Option<T>) -> T {
        let topic = format!("v1/demo/{}/{tail}", self.name);
        loop {
            let (from, payload) = self.heard.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("nothing on {tail}"));
            if from == topic
                && let Some(taken) = pick(&payload)
            {
                return taken;
            }
        }
    }

    fn event(&mut self, kind: &str, about: (&str, &str, u64), seq: u64, body: Value) -> Value {
        json!({
            "schema": 1, "id": id(), "seq": seq, "cause": null,
            "aggregate": { "kind": about.0, "id": about.1, "n": about.2, "seen": self.seen },
            "at": { "wall": "2026-11-22T10:00:00.000Z", "quality": "ntp" },
            "actor": { "kind": "staff", "id": "anna" }, "type": kind, "body": body,
        })
    }

    /// Sends P0 events behind each other and waits for the acknowledgement of the last.
    fn tell(&mut self, reservation: &str, facts: &[(&str, Value)]) -> Value {
        let after = self.last.clone();
        let mut events = Vec::new();
        for (kind, body) in facts {
            self.seq += 1;
            events.push(self.event(kind, ("reservation", reservation, self.seq), self.seq, body.clone()));
        }
        self.last = events.last().unwrap()["id"].clone();
        let batch = json!({ "epoch": EPOCH, "class": "P0", "boot": id(), "after": after, "events": events });
        self.publish("up/events", &batch);
        self.acknowledged();
        batch
    }

    fn acknowledged(&self) {
        let (seq, last) = (self.seq, self.last.clone());
        self.hear("down/ack", |ack| {
            (ack["class"] == "P0" && ack["seq"] == seq && ack["id"] == last && ack["session"].is_null()).then_some(())
        });
    }
}

#[derive(serde::Deserialize)]
struct SignedBatch<'b> {
    #[serde(borrow)]
    events: &'b serde_json::value::RawValue,
}

fn shown(world: &World, number: &str) -> Value {
    world.api("GET", &format!("/orders/{number}?store=waw-01"), None).json()
}

fn store(world: &World) -> Value {
    world.api("GET", "/stores/waw-01", None).json()
}

#[test]
fn an_order_goes_down_signed_and_what_the_store_does_comes_back() {
    let world = World::start_empty("");
    let mut shop = Store::connect(&world, "waw-01");
    shop.birth(0);
    let answer = shop.hear("down/ack", |ack| (ack["session"] == shop.session).then_some(ack));
    assert_eq!((&answer["open"], &answer["epoch"]), (&json!(EPOCH), &json!(EPOCH)));
    let seen = store(&world);
    assert_eq!(
        (&seen["link"], &seen["name"], &seen["modem"]),
        (&json!("online"), &json!("Warszawa Wola"), &json!("ok"))
    );
    assert_eq!((&seen["unsent"], &seen["clock"], &seen["offline_days_left"]), (&json!(7), &json!("ntp"), &json!(12)));

    assert_eq!(world.api("POST", "/orders", Some(&order("waw-01", "7"))).status, 201);
    let payload = shop.hear_bytes("down/events", |payload| Some(payload.to_vec()));
    let batch: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&batch["class"], &batch["for"], &batch["after"]), (&json!("P0"), &json!(EPOCH), &Value::Null));
    let placed = batch["events"][0].clone();
    assert_eq!((&placed["type"], &placed["seq"]), (&json!("reservation.placed"), &json!(1)));
    assert_eq!(placed["body"]["personal"]["phone"], json!("+48600100813"));
    assert_eq!(
        placed["body"]["lines"][1],
        json!({ "line": 2, "sku": "W-2", "name": "Wino", "quantity": 1, "unit_price": 5000, "age": 18 })
    );
    let key = base64(&world.get("/healthz").json()["signing_key"]);
    let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
    // The signature is over the bytes of `events` as they came, not over what a JSON library makes of them.
    let signed: SignedBatch<'_> = serde_json::from_slice(&payload).unwrap();
    assert!(public.verify(signed.events.get().as_bytes(), &base64(&batch["sig"])).is_ok());
    assert!(public.verify(&signed.events.get().as_bytes()[1..], &base64(&batch["sig"])).is_err());
    shop.publish(
        "up/ack",
        &json!({ "epoch": batch["epoch"], "class": "P0", "seq": 1, "id": placed["id"], "set_aside": 0, "own": EPOCH }),
    );
    wait("HQ's outbox", || (store(&world)["waiting"] == 0).then_some(()));

    let reservation = placed["aggregate"]["id"].as_str().unwrap().to_owned();
    shop.seen = 1;
    let bag = json!({ "bag": "1", "shelf": "B3" });
    let batch = shop.tell(
        &reservation,
        &[
            ("reservation.accepted", json!({})),
            ("reservation.bag_staged", bag.clone()),
            ("reservation.ready", json!({ "bags": [bag], "hold_until": "2026-11-24T19:00:00Z" })),
        ],
    );
    let now = shown(&world, "7");
    assert_eq!((&now["goods"], &now["bags"][0]["shelf"], &now["version"]), (&json!("ready"), &json!("B3"), &json!(4)));
    assert_eq!(now["hold_until"], json!("2026-11-24T19:00:00.000Z"));

    // The same batch again is acknowledged again and applied once.
    shop.publish("up/events", &batch);
    shop.acknowledged();
    assert_eq!(shown(&world, "7")["version"], json!(4));

    let message = id();
    let queued = json!({ "message": message, "reservation": reservation, "purpose": "ready", "round": 1, "language": "pl", "parts": 1 });
    let one = shop.event("message.queued", ("message", &message, 1), 1, queued);
    let two = shop.event("message.sent", ("message", &message, 2), 2, json!({ "message": message }));
    let three = shop.event("message.delivered", ("message", &message, 3), 3, json!({ "message": message }));
    shop.publish(
        "up/events",
        &json!({ "epoch": EPOCH, "class": "P1", "boot": id(), "after": null, "events": [one, two, three] }),
    );
    wait("the message", || (shown(&world, "7")["messages"][0]["state"] == "delivered").then_some(()));

    shop.tell(&reservation, &[("reservation.paid_in_store", json!({ "amount": 8998, "tender": "card" }))]);
    shop.tell(&reservation, &[("reservation.handed_over", json!({ "lines": [], "method": "code" }))]);
    let done = shown(&world, "7");
    assert_eq!((&done["goods"], &done["money"]), (&json!("handed_over"), &json!("paid_store")));
    let actors: Vec<&str> = done["timeline"].as_array().unwrap().iter().map(|e| e["actor"].as_str().unwrap()).collect();
    assert!(actors.contains(&"hq api:shop") && actors.contains(&"staff anna"));
}

#[test]
fn a_cancel_that_came_too_late_is_answered_and_raises_an_alert() {
    let world = World::start_empty("");
    let mut shop = Store::connect(&world, "waw-01");
    shop.birth(0);
    shop.hear("down/ack", |ack| (ack["session"] == shop.session).then_some(()));
    let mut prepaid = order("waw-01", "8");
    (prepaid["kind"], prepaid["due"]) = (json!("prepaid"), json!(0));
    let placed = world.api("POST", "/orders", Some(&prepaid)).json();
    let reservation = placed["reservation"].as_str().unwrap().to_owned();
    shop.seen = 1;
    shop.tell(&reservation, &[("reservation.handed_over", json!({ "lines": [], "method": "code" }))]);
    assert_eq!(
        world.api("POST", "/orders/8/cancel", Some(&json!({ "reason": "called" }))).json()["wish"],
        json!("cancel")
    );
    let wish = shop.hear("down/events", |batch| {
        let events = batch["events"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["type"] == "reservation.cancel_requested")
    });
    assert_eq!(wish["body"]["reason"], json!("called"));
    shop.seen = 2;
    shop.tell(
        &reservation,
        &[("reservation.cancel_rejected", json!({ "wish": wish["id"], "because": "handed_over" }))],
    );
    let now = shown(&world, "8");
    assert_eq!((&now["goods"], &now["wish"]), (&json!("handed_over"), &json!("none")));
    assert_eq!(now["wishes"][0]["answer"], json!("rejected"));
    assert!(now["why"].as_array().unwrap().iter().any(|why| why["alert"] == json!(true)));
    assert_eq!(store(&world)["alerts"], json!(1));
}

#[test]
fn garbage_is_kept_counted_and_harms_nobody() {
    let world = World::start_empty("");
    let mut shop = Store::connect(&world, "waw-01");
    shop.birth(0);
    shop.hear("down/ack", |ack| (ack["session"] == shop.session).then_some(()));
    let bodies: [&[u8]; 6] = [
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b"{\"epoch\":1}",
        b"null",
        b"{\"epoch\":\"1-a1b2-box\",\"class\":\"P0\",\"events\":7}",
    ];
    for (n, tail) in ["up/events", "up/ack", "state", "config/reported", "sync/request"].iter().enumerate() {
        for body in bodies {
            if *tail == "state" && n == 2 && body == b"null" {
                continue; // Keep the broker's retained state for the next subscriber readable.
            }
            shop.publish_raw(tail, body);
        }
    }
    shop.publish(
        "up/events",
        &json!({ "store": "krk-02", "epoch": EPOCH, "class": "P0", "after": null, "events": [] }),
    );
    let other = Store::connect(&world, "never-born");
    other.publish("up/ack", &json!({ "epoch": null, "class": "P0", "seq": 0, "id": null, "set_aside": 0 }));
    wait("the count", || (world.metric("hq_mqtt_garbage_total") >= 28.0).then_some(()));
    wait("the store's own count", || (store(&world)["garbage"].as_i64()? >= 20).then_some(()));
    assert_eq!(world.api("GET", "/stores/never-born", None).status, 404);

    // An event that can't be applied is set aside; the next good thing works.
    let placed = world.api("POST", "/orders", Some(&order("waw-01", "9"))).json();
    let reservation = placed["reservation"].as_str().unwrap().to_owned();
    shop.tell(&reservation, &[("reservation.accepted", json!({}))]);
    assert_eq!(shown(&world, "9")["version"], json!(2));
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn presence_follows_the_last_birth_and_its_own_will_only() {
    let world = World::start_empty("");
    let shop = Store::connect(&world, "waw-01");
    shop.birth(0);
    wait("online", || (store(&world)["link"] == "online").then_some(()));
    shop.publish("state", &json!({ "online": false, "session": id(), "epoch": EPOCH }));
    shop.birth(0);
    shop.hear("down/ack", |ack| (ack["session"] == shop.session).then_some(()));
    assert_eq!(store(&world)["link"], json!("online"), "a stranger's will is none of ours");
    shop.publish("state", &json!({ "online": false, "session": shop.session, "epoch": EPOCH }));
    wait("offline", || (store(&world)["link"] == "offline").then_some(()));
}

#[test]
fn configuration_is_published_signed_and_again_when_the_store_runs_another() {
    let world = World::start_empty("");
    let shop = Store::connect(&world, "waw-01");
    shop.birth(0);
    shop.hear("down/ack", |ack| (ack["session"] == shop.session).then_some(()));
    let put = world.api("PUT", "/stores/waw-01/config", Some(&json!({ "holds": { "hold_hours": 72 } }))).json();
    let desired = shop.hear("config/desired", Some);
    assert_eq!(
        (&desired["version"], &desired["bundle"], &desired["sig"]),
        (&put["version"], &put["text"], &put["sig"])
    );
    shop.birth(0);
    assert_eq!(shop.hear("config/desired", Some)["version"], json!(1), "it runs 0, so it is told again");
    shop.publish("config/reported", &json!({ "version": 0, "refused": "the trial failed" }));
    wait("the refusal", || (store(&world)["config_refused"] == "the trial failed").then_some(()));
    assert_eq!(store(&world)["alerts"], json!(1));
    shop.publish("config/reported", &json!({ "version": 1, "refused": null }));
    wait("the version", || (store(&world)["config"] == 1).then_some(()));
    assert_eq!(store(&world)["alerts"], json!(0));
}

#[test]
fn the_heartbeat_goes_on_and_says_goodbye() {
    let mut world = World::start_empty("");
    let mut options = MqttOptions::new(format!("watch-{}", id()), "127.0.0.1", world.broker_port);
    options.set_keep_alive(Duration::from_secs(20));
    let (client, mut connection) = Client::new(options, 16);
    client.subscribe("v1/demo/hq/state", QoS::AtLeastOnce).unwrap();
    let mut beat = move || {
        for event in connection.iter() {
            if let Ok(Event::Incoming(Packet::Publish(p))) = event {
                return serde_json::from_slice::<Value>(&p.payload).unwrap();
            }
        }
        panic!("the broker is gone")
    };
    let boots: Vec<Value> =
        (0..3).map(|_| beat()).inspect(|b| assert_eq!(b["online"], json!(true))).map(|b| b["boot"].clone()).collect();
    assert!(boots.windows(2).all(|pair| pair[0] == pair[1]));
    world.stop();
    let last = std::iter::from_fn(|| Some(beat())).find(|b| b["online"] == json!(false));
    assert!(last.is_some());
}
