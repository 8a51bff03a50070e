//! A peer of the tests' own on the wire: says what the product would never say, and sees what it answers. Frames are
//! written by hand from the published interface, so that they can be as wrong as needed.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rumqttc::{Client, Event, MqttOptions, Outgoing, Packet, QoS};
use sans_io::Ids;
use serde_json::{Value, json};

use crate::shop::{CHAIN, SOON};

/// Larger than anything that these tests send.
const PACKET: usize = 16 << 20;

/// Something that was published.
#[derive(Clone, Debug)]
pub struct Heard {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Heard {
    /// Its payload as JSON; null for what is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }
}

enum Said {
    Heard(Heard),
    Subscribed,
    Taken,
}

/// A plain client of the broker.
pub struct Mqtt {
    client: Client,
    said: Receiver<Said>,
    /// What came while something else was waited for, in order.
    waiting: Vec<Heard>,
}

impl Mqtt {
    /// Connects and subscribes.
    pub fn connect(port: u16, name: &str, filters: &[&str]) -> Result<Self> {
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_max_packet_size(PACKET, PACKET).set_keep_alive(Duration::from_secs(20));
        let (client, mut connection) = Client::new(options, 64);
        for filter in filters {
            client.subscribe(*filter, QoS::AtLeastOnce)?;
        }
        let (tell, said) = channel();
        std::thread::spawn(move || {
            for event in connection.iter() {
                let said = match event {
                    Ok(Event::Incoming(Packet::Publish(p))) => {
                        Said::Heard(Heard { topic: p.topic, payload: p.payload.to_vec(), retained: p.retain })
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => Said::Subscribed,
                    Ok(Event::Incoming(Packet::PubAck(_))) => Said::Taken,
                    Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return,
                    Ok(_) => continue,
                };
                if tell.send(said).is_err() {
                    return;
                }
            }
        });
        let mut mqtt = Self { client, said, waiting: Vec::new() };
        for _ in filters {
            mqtt.until("the subscription", |said| matches!(said, Said::Subscribed))?;
        }
        Ok(mqtt)
    }

    fn until(&mut self, what: &str, done: impl Fn(&Said) -> bool) -> Result<()> {
        let end = Instant::now() + SOON;
        loop {
            match self.said.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(said) if done(&said) => return Ok(()),
                Ok(Said::Heard(heard)) => self.waiting.push(heard),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("{what}: not within {SOON:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("{what}: the broker closed the connection"),
            }
        }
    }

    /// Publishes and waits until the broker has it.
    pub fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>, retain: bool) -> Result<()> {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload.into())?;
        self.until(&format!("the broker to take {topic}"), |said| matches!(said, Said::Taken))
    }

    /// The next message, in order.
    pub fn next(&mut self, limit: Duration) -> Option<Heard> {
        if !self.waiting.is_empty() {
            return Some(self.waiting.remove(0));
        }
        let end = Instant::now() + limit;
        while let Ok(said) = self.said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Said::Heard(heard) = said {
                return Some(heard);
            }
        }
        None
    }
}

impl Drop for Mqtt {
    fn drop(&mut self) {
        drop(self.client.disconnect());
    }
}

/// Event ids as both ends make them.
pub struct Names(Ids);

impl Names {
    pub fn new(seed: u64) -> Self {
        Self(Ids::new(seed))
    }

    pub fn fresh(&mut self) -> String {
        let id = self.0.next_v7(jiff::Timestamp::now().as_millisecond());
        let hex: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// The wire's time of now.
pub fn wall() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Which end of the wire this peer plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Hq,
    Store,
}

impl Side {
    const fn way(self) -> &'static str {
        match self {
            Self::Hq => "down",
            Self::Store => "up",
        }
    }

    const fn other_way(self) -> &'static str {
        match self {
            Self::Hq => "up",
            Self::Store => "down",
        }
    }
}

/// HQ or a store, played by the test.
pub struct Peer {
    pub mqtt: Mqtt,
    side: Side,
    store: String,
    names: Names,
    boot: String,
    session: String,
    pub epoch: String,
    /// The product's epoch, once it was heard.
    pub other_epoch: Option<String>,
    /// Per class: the last number that we gave, and its id.
    sent: HashMap<String, (u64, Option<String>)>,
    /// Per class: how far we follow the product.
    seen: HashMap<String, (u64, Option<String>)>,
    /// Per class: how far the product follows us.
    pub acked: HashMap<String, u64>,
    /// Our own counter of each aggregate.
    counters: HashMap<String, u64>,
    /// Every event of the product, once.
    pub events: Vec<Value>,
}

/// One event before it has its place: class, aggregate, type, body.
pub struct Draft<'a> {
    pub class: &'a str,
    pub kind: &'a str,
    pub id: &'a str,
    pub of_type: &'a str,
    pub body: Value,
}

impl Peer {
    /// Plays HQ for a gateway.
    pub fn hq(port: u16, store: &str) -> Result<Self> {
        Self::new(port, store, Side::Hq, &["state", "up/#", "sync/#"])
    }

    /// Plays a store for HQ.
    pub fn store(port: u16, store: &str) -> Result<Self> {
        let mut peer = Self::new(port, store, Side::Store, &["down/#", "sync/#"])?;
        peer.birth()?;
        Ok(peer)
    }

    fn new(port: u16, store: &str, side: Side, tails: &[&str]) -> Result<Self> {
        let filters: Vec<String> = tails.iter().map(|tail| format!("v1/{CHAIN}/{store}/{tail}")).collect();
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        let mut names = Names::new(u64::from(port));
        let (boot, session) = (names.fresh(), names.fresh());
        Ok(Self {
            mqtt: Mqtt::connect(port, &format!("peer-{boot}"), &filters)?,
            side,
            store: store.to_owned(),
            names,
            boot,
            session,
            epoch: "1-00000000000000aa-peer".into(),
            other_epoch: None,
            sent: HashMap::new(),
            seen: HashMap::new(),
            acked: HashMap::new(),
            counters: HashMap::new(),
            events: Vec::new(),
        })
    }

    /// A topic of this store.
    pub fn topic(&self, tail: &str) -> String {
        format!("v1/{CHAIN}/{}/{tail}", self.store)
    }

    fn mark(marks: &HashMap<String, (u64, Option<String>)>, class: &str) -> Value {
        let (seq, id) = marks.get(class).cloned().unwrap_or_default();
        json!({"seq": seq, "id": id})
    }

    /// A store's birth, answered.
    pub fn birth(&mut self) -> Result<()> {
        self.session = self.names.fresh();
        let birth = json!({
            "online": true, "boot": self.boot, "session": self.session, "version": "0.0.1", "epoch": self.epoch,
            "recovery": false, "clock": "ntp", "name": "Praga",
            "sent": {"P0": Self::mark(&self.sent, "P0"), "P1": Self::mark(&self.sent, "P1")},
            "seen": {"epoch": self.other_epoch, "P0": Self::mark(&self.seen, "P0"), "P1": Self::mark(&self.seen, "P1")},
        });
        self.mqtt.publish(&self.topic("state"), birth.to_string(), true)?;
        let session = self.session.clone();
        self.wait("the answer to a birth", |heard, _| (heard.json()["session"] == session.as_str()).then_some(()))
    }

    /// Takes the next message and answers as the protocol wants.
    pub fn step(&mut self, limit: Duration) -> Result<Option<Heard>> {
        let Some(heard) = self.mqtt.next(limit) else { return Ok(None) };
        let (body, other) = (heard.json(), self.side.other_way());
        if heard.topic == self.topic("state") && self.side == Side::Hq && body["online"] == true && !heard.retained {
            self.answer_birth(&body)?;
        } else if heard.topic == self.topic(&format!("{other}/events")) {
            self.take_events(&body)?;
        } else if heard.topic == self.topic(&format!("{other}/ack")) {
            let class = body["class"].as_str().unwrap_or_default().to_owned();
            if body["epoch"] == self.epoch.as_str() {
                self.acked.insert(class, body["seq"].as_u64().unwrap_or(0));
            }
        }
        Ok(Some(heard))
    }

    fn answer_birth(&mut self, birth: &Value) -> Result<()> {
        self.other_epoch = birth["epoch"].as_str().map(str::to_owned);
        for class in ["P0", "P1"] {
            self.ack(class, Some(&birth["session"]))?;
        }
        Ok(())
    }

    fn ack(&mut self, class: &str, session: Option<&Value>) -> Result<()> {
        let mut ack = Self::mark(&self.seen, class);
        ack["epoch"] = json!(self.other_epoch);
        ack["class"] = json!(class);
        ack["set_aside"] = json!(0);
        match self.side {
            Side::Hq => {
                ack["boot"] = json!(self.boot);
                ack["open"] = json!(self.other_epoch);
            }
            Side::Store => ack["own"] = json!(self.epoch),
        }
        if let Some(session) = session {
            ack["session"] = session.clone();
        }
        self.mqtt.publish(&self.topic(&format!("{}/ack", self.side.way())), ack.to_string(), false)
    }

    fn take_events(&mut self, batch: &Value) -> Result<()> {
        let class = batch["class"].as_str().unwrap_or_default().to_owned();
        if self.other_epoch.is_none() {
            self.other_epoch = batch["epoch"].as_str().map(str::to_owned);
        }
        for event in batch["events"].as_array().into_iter().flatten() {
            let seen = self.seen.entry(class.clone()).or_default();
            if event["seq"].as_u64() == Some(seen.0 + 1) {
                *seen = (seen.0 + 1, event["id"].as_str().map(str::to_owned));
                self.events.push(event.clone());
            }
        }
        self.ack(&class, None)
    }

    /// Goes on until something is found in a message or in what is known then.
    pub fn wait<T>(&mut self, what: &str, look: impl Fn(&Heard, &Self) -> Option<T>) -> Result<T> {
        let end = Instant::now() + SOON;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "{what}: not within {SOON:?}");
            if let Some(heard) = self.step(left)?
                && let Some(found) = look(&heard, self)
            {
                return Ok(found);
            }
        }
    }

    /// Waits until the product's births were answered, so that it listens.
    pub fn wait_birth(&mut self) -> Result<()> {
        self.wait("a birth of the gateway", |_, peer| peer.other_epoch.is_some().then_some(()))
    }

    /// Waits until the product acknowledges our stream up to `seq`.
    pub fn wait_acked(&mut self, class: &str, seq: u64) -> Result<()> {
        if self.acked.get(class).is_some_and(|at| *at >= seq) {
            return Ok(());
        }
        self.wait(&format!("the acknowledgement of {class} {seq}"), |_, peer| {
            peer.acked.get(class).is_some_and(|at| *at >= seq).then_some(())
        })
    }

    /// Waits for an event of the product.
    pub fn wait_event(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(event) = self.events.iter().find(|event| fits(event)) {
            return Ok(event.clone());
        }
        self.wait(what, |_, peer| peer.events.iter().find(|event| fits(event)).cloned())
    }

    /// The last number that we gave in a class.
    pub fn last(&self, class: &str) -> u64 {
        self.sent.get(class).map_or(0, |(seq, _)| *seq)
    }

    /// Gives an event its place; sending it is the caller's.
    pub fn seal(&mut self, draft: Draft<'_>) -> Value {
        let Draft { class, kind, id, of_type, body } = draft;
        let n = self.counters.entry(format!("{kind}/{id}")).or_default();
        *n += 1;
        let event_id = self.names.fresh();
        let (seq, last) = self.sent.entry(class.to_owned()).or_default();
        *seq += 1;
        *last = Some(event_id.clone());
        let actor = if self.side == Side::Hq { "hq" } else { "system" };
        json!({
            "schema": 1, "id": event_id, "seq": *seq, "aggregate": {"kind": kind, "id": id, "n": *n, "seen": 0},
            "cause": null, "at": {"wall": wall(), "quality": "ntp"}, "actor": {"kind": actor, "id": "peer"},
            "type": of_type, "body": body,
        })
    }

    /// The batch that carries events behind `after`.
    pub fn batch(&self, class: &str, after: Option<String>, events: &[Value]) -> Value {
        let mut batch = json!({
            "epoch": self.epoch, "class": class, "boot": self.boot, "after": after, "events": events,
        });
        if self.side == Side::Hq {
            batch["for"] = json!(self.other_epoch);
        }
        batch
    }

    /// Publishes a body on our way's `events`.
    pub fn publish_events(&mut self, body: impl Into<Vec<u8>>) -> Result<()> {
        let topic = self.topic(&format!("{}/events", self.side.way()));
        self.mqtt.publish(&topic, body, false)
    }

    /// The id before the next event of a class.
    pub fn before(&self, class: &str) -> Option<String> {
        self.sent.get(class).and_then(|(_, id)| id.clone())
    }

    /// Sends one event properly and gives it back.
    pub fn send(&mut self, draft: Draft<'_>) -> Result<Value> {
        let (class, before) = (draft.class.to_owned(), self.before(draft.class));
        let event = self.seal(draft);
        let batch = self.batch(&class, before, std::slice::from_ref(&event));
        self.publish_events(batch.to_string())?;
        Ok(event)
    }

    /// Takes back what [`Peer::seal`] gave last, when it was never taken by the product.
    pub fn unseal(&mut self, event: &Value, before: Option<String>) -> Result<()> {
        let class = if event["aggregate"]["kind"] == "reservation" { "P0" } else { "P1" };
        let seq = event["seq"].as_u64().context("seq")?;
        self.sent.insert(class.into(), (seq - 1, before));
        let key = format!(
            "{}/{}",
            event["aggregate"]["kind"].as_str().unwrap_or_default(),
            event["aggregate"]["id"].as_str().unwrap_or_default()
        );
        *self.counters.entry(key).or_insert(1) -= 1;
        Ok(())
    }
}
