//! The control protocol: one JSON object a line, one answer a line, and a stream of numbered events.
//!
//! `{"id":1,"do":"deliver","from":"+48601…","text":"jestem"}` → `{"id":1,"ok":true,"inbound":[1]}`; a refusal is
//! `{"id":1,"ok":false,"error":"…"}`. Unknown requests and fields are refused.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::control_voice::VoiceRequest;
use super::fault::{Air, Fault, Kind};
use super::modem::{Config, Modem, Power};
use super::network::{InboundKind, OnAir, Policy, Registration};
use super::pdu::{self, Encoding, Reference, hex, unhex};
use super::sim::{Lock, PinAtStart, Slot, Status};

/// Largest share of `fault.count`, so that a mistyped figure does not break a whole run.
const FAULT_COUNT_MAX: u32 = 100_000;

/// What can be asked over the control port.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// State of modem, card and network.
    State {},
    /// Messages on air with a counter above `after`.
    OnAir {
        #[serde(default)]
        after: u64,
    },
    /// Last lines of serial traffic.
    Trace {
        #[serde(default = "trace_limit")]
        limit: usize,
    },
    /// Stored messages of a memory.
    Stored { memory: String },
    /// An SMS to the modem.
    Deliver(Deliver),
    /// An inbound TPDU as it stands.
    DeliverPdu { pdu: String },
    /// What becomes of messages to a number, or to all without their own.
    Reports {
        number: Option<String>,
        /// Absent: the number follows the default again.
        rule: Option<Policy>,
    },
    /// A report for one message on air, at once.
    Report { air: u64, status: u8 },
    /// Handset on: what was held for the number (absent: for all) is delivered and reported.
    Release { number: Option<String> },
    /// Registration that the network grants.
    Registration { registration: Registration },
    /// Operator.
    Operator { name: String, plmn: String },
    /// Signal, 0–31 or 99.
    Signal { rssi: u8 },
    /// Card.
    Sim {
        lock: Option<Lock>,
        pin: Option<String>,
        puk: Option<String>,
        pin_tries: Option<u8>,
        pin_at_start: Option<PinAtStart>,
        number: Option<String>,
        last_reference: Option<u8>,
    },
    /// Network time.
    Nitz { told: Option<bool>, zone_quarters: Option<i8>, offset_ms: Option<i64> },
    /// Answer of AT+CUSD.
    Ussd { text: String },
    /// Places of a memory; `leave_free` fills it up with old messages but for that many.
    Storage { memory: String, size: Option<usize>, leave_free: Option<usize> },
    /// Delays in milliseconds; absent ones stay.
    Delays {
        boot_ms: Option<u64>,
        sim_ms: Option<u64>,
        register_ms: Option<u64>,
        air_ms: Option<u64>,
        cnma_ms: Option<u64>,
        command: Option<String>,
        command_ms: Option<u64>,
    },
    /// An unsolicited code now.
    Urc { text: String },
    /// Forgets ordered faults.
    ClearFaults {},
    /// Power: off, on, key, reset.
    Power { action: PowerAction },
}

/// What is done to the modem's power.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PowerAction {
    /// Supply cut.
    Off,
    /// Supply on.
    On,
    /// Power key: on when off, off when on.
    Key,
    /// Reset pin.
    Reset,
}

/// An SMS to the modem.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deliver {
    from: String,
    text: String,
    encoding: Option<Encoding>,
    /// Order of the parts, from 1; a number may be left out or repeated.
    order: Option<Vec<u8>>,
    /// Times that each named part is sent.
    #[serde(default = "once")]
    times: u8,
    reference: Option<u16>,
    reference_width: Option<Reference>,
    /// TP-SCTS, RFC 3339; absent: the network's now.
    at: Option<jiff::Timestamp>,
}

fn once() -> u8 {
    1
}

fn trace_limit() -> usize {
    200
}

pub(super) type Answer = Result<Value, String>;

impl Modem {
    /// Carries out one control request and returns its answer.
    pub fn handle_control(&mut self, request: Value, now: Instant) -> Value {
        self.set_now(now);
        let id = request.get("id").cloned();
        let outcome = self.control(request);
        let mut answer = Map::new();
        if let Some(id) = id {
            answer.insert("id".into(), id);
        }
        match outcome {
            Ok(fields) => {
                answer.insert("ok".into(), json!(true));
                if let Value::Object(fields) = fields {
                    answer.extend(fields);
                }
            }
            Err(error) => {
                answer.insert("ok".into(), json!(false));
                answer.insert("error".into(), json!(error));
            }
        }
        Value::Object(answer)
    }

    fn control(&mut self, mut request: Value) -> Answer {
        let object = request.as_object_mut().ok_or("a request is a JSON object")?;
        object.remove("id");
        if object.get("do") == Some(&json!("fault")) {
            object.remove("do");
            return self.order_fault(std::mem::take(object));
        }
        if object.get("do").is_some_and(VoiceRequest::knows) {
            return self.voice_request(request);
        }
        let request: Request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        match request {
            Request::State {} => Ok(self.state()),
            Request::OnAir { after } => Ok(json!({"on_air": self.on_air_after(after)})),
            Request::Trace { limit } => Ok(json!({"trace": self.log().last_traces(limit)})),
            Request::Stored { memory } => self.stored(&memory),
            Request::Deliver(deliver) => self.deliver(&deliver),
            Request::DeliverPdu { pdu } => self.deliver_pdu(&pdu),
            Request::Reports { number, rule } => self.set_policy(number, rule),
            Request::Report { air, status } => self.report_now(air, status),
            Request::Release { number } => self.release(number.as_deref()),
            Request::Urc { text } => {
                self.urc(&text);
                done()
            }
            Request::ClearFaults {} => {
                self.faults.clear();
                done()
            }
            Request::Power { action } => self.power_action(action),
            other => self.set(other),
        }
    }

    fn on_air_after(&self, after: u64) -> Vec<&OnAir> {
        self.network.on_air.iter().filter(|message| message.air > after).collect()
    }

    fn state(&mut self) -> Value {
        let mut storage = Map::new();
        for name in ["ME", "SM", "SR"] {
            let (used, size) = self.card.usage(name);
            storage.insert(name.into(), json!({"used": used, "size": size}));
        }
        let on_air: Vec<&OnAir> = self.network.on_air.iter().filter(|message| !message.handset).collect();
        json!({
            "power": self.power, "registration": self.registered, "signal": self.network.signal,
            "operator": self.network.operator, "sim": self.card.lock, "pin_tries": self.card.pin_tries,
            "air": self.card.air, "held": on_air.len(), "inbound_waiting": self.network.inbound.len(),
            "inbound_last": self.network.last_inbound, "last_reference": self.card.last_reference,
            "ef_smss": hex(&self.card.ef_smss), "storage": storage, "faults": self.faults.len(),
            "events": self.log().last(), "echo": self.settings.echo, "cnmi": self.settings.cnmi,
            "csms": self.settings.csms, "number": self.card.number,
        })
    }

    fn stored(&mut self, memory: &str) -> Answer {
        self.known_memory(memory)?;
        let slots: Vec<Value> = (self.card.memory(memory).iter().enumerate())
            .filter_map(|(place, slot)| slot.as_ref().map(|slot| json!({"place": place, "slot": slot})))
            .collect();
        Ok(json!({"stored": slots}))
    }

    fn known_memory(&self, memory: &str) -> Result<(), String> {
        if self.card.memories.contains_key(memory) { Ok(()) } else { Err(format!("no memory {memory}: ME, SM, SR")) }
    }

    fn deliver(&mut self, deliver: &Deliver) -> Answer {
        let reference = deliver.reference.unwrap_or(self.network.last_concat.wrapping_add(1));
        self.network.last_concat = reference;
        let width = deliver.reference_width.unwrap_or(Reference::Octet);
        let parts = pdu::split(&deliver.text, deliver.encoding, reference, width)
            .ok_or("the text does not fit the asked encoding or 255 parts")?;
        let at = deliver.at.unwrap_or_else(|| self.wall());
        let stamp = super::modem::stamp_of(at, self.config.zone_quarters);
        let all: Vec<u8> = (1..=u8::try_from(parts.len()).unwrap_or(u8::MAX)).collect();
        let mut sent = Vec::new();
        for number in deliver.order.as_ref().unwrap_or(&all) {
            let part = number.checked_sub(1).and_then(|at| parts.get(usize::from(at)));
            let part = part.ok_or_else(|| format!("part {number} of {}", parts.len()))?;
            for _ in 0..deliver.times {
                let pdu = hex(&pdu::deliver(&deliver.from, part, stamp));
                let id = self.network.queue(InboundKind::Deliver, pdu.clone());
                self.event("deliver", json!({"inbound": id, "from": deliver.from, "pdu": pdu, "concat": part.concat}));
                sent.push(json!({"inbound": id, "pdu": pdu}));
            }
        }
        self.save();
        self.serve_inbound();
        Ok(json!({"sent": sent}))
    }

    fn deliver_pdu(&mut self, pdu: &str) -> Answer {
        let octets = unhex(pdu).filter(|octets| !octets.is_empty()).ok_or("pdu is hexadecimal")?;
        let kind = if octets[0] & 0x03 == 0x02 { InboundKind::StatusReport } else { InboundKind::Deliver };
        let id = self.network.queue(kind, hex(&octets));
        self.event("deliver", json!({"inbound": id, "pdu": hex(&octets)}));
        self.save();
        self.serve_inbound();
        Ok(json!({"inbound": id}))
    }

    fn set_policy(&mut self, number: Option<String>, rule: Option<Policy>) -> Answer {
        match (number, rule) {
            (Some(number), Some(rule)) => {
                self.network.policies.insert(number, rule);
            }
            (Some(number), None) => {
                self.network.policies.remove(&number);
            }
            (None, Some(rule)) => self.network.policy = rule,
            (None, None) => return Err("neither number nor rule".into()),
        }
        done()
    }

    fn report_now(&mut self, air: u64, status: u8) -> Answer {
        let message = self.network.by_air(air).cloned().ok_or_else(|| format!("nothing on air with counter {air}"))?;
        let stamp = self.stamp();
        self.report(&message, stamp, status);
        done()
    }

    fn release(&mut self, number: Option<&str>) -> Answer {
        let held: Vec<u64> = (self.network.on_air.iter())
            .filter(|message| !message.handset && message.reports.is_empty())
            .filter(|message| number.is_none_or(|number| message.number == number))
            .map(|message| message.air)
            .collect();
        for air in &held {
            self.reach_handset(*air, super::delivery::RECEIVED, super::modem::ReportFate::Sent);
        }
        Ok(json!({"released": held}))
    }

    fn set(&mut self, request: Request) -> Answer {
        match request {
            Request::Registration { registration } => {
                self.network.registration = registration;
                self.set_registered(registration);
            }
            Request::Operator { name, plmn } => (self.network.operator, self.network.plmn) = (name, plmn),
            Request::Signal { rssi } if rssi <= 31 || rssi == 99 => {
                self.network.signal = rssi;
                if self.config.profile == super::Profile::Ec25 {
                    self.event("signal", json!({"rssi": rssi}));
                }
            }
            Request::Signal { rssi } => return Err(format!("signal {rssi} is neither 0–31 nor 99")),
            Request::Ussd { text } => self.network.ussd = text,
            Request::Sim { .. } => self.set_card(request),
            Request::Nitz { told, zone_quarters, offset_ms } => {
                self.config.nitz = told.unwrap_or(self.config.nitz);
                self.config.zone_quarters = zone_quarters.unwrap_or(self.config.zone_quarters);
                self.config.clock_offset_ms = offset_ms.unwrap_or(self.config.clock_offset_ms);
                self.tell_network_time();
            }
            Request::Storage { memory, size, leave_free } => return self.set_storage(&memory, size, leave_free),
            Request::Delays { .. } => set_delays(&mut self.config, request),
            _ => return Err("not a setting".into()),
        }
        done()
    }

    fn set_card(&mut self, request: Request) {
        let Request::Sim { lock, pin, puk, pin_tries, pin_at_start, number, last_reference } = request else { return };
        let card = &mut self.card;
        card.pin = pin.unwrap_or(std::mem::take(&mut card.pin));
        card.puk = puk.unwrap_or(std::mem::take(&mut card.puk));
        card.number = number.unwrap_or(std::mem::take(&mut card.number));
        card.pin_tries = pin_tries.unwrap_or(card.pin_tries);
        card.pin_enabled = pin_at_start.unwrap_or(card.pin_enabled);
        if let Some(reference) = last_reference {
            card.last_reference = reference;
            card.ef_smss[0] = reference;
        }
        self.save();
        let Some(lock) = lock else { return };
        let changed = self.card.lock != lock;
        self.card.lock = lock;
        if changed && self.power == Power::On {
            self.sms_ready = false;
            self.set_registered(Registration::Off);
            self.sim_read();
        }
    }

    fn set_storage(&mut self, memory: &str, size: Option<usize>, leave_free: Option<usize>) -> Answer {
        self.known_memory(memory)?;
        let places = self.card.memory(memory);
        if let Some(size) = size {
            if places.iter().skip(size).any(Option::is_some) {
                return Err(format!("places from {size} on are taken"));
            }
            places.resize(size, None);
        }
        if let Some(leave_free) = leave_free {
            let free = places.iter().filter(|slot| slot.is_none()).count();
            let old = old_message();
            let empty = places.iter_mut().filter(|slot| slot.is_none());
            empty.take(free.saturating_sub(leave_free)).for_each(|slot| *slot = Some(old.clone()));
        }
        self.save();
        self.serve_inbound();
        done()
    }

    fn power_action(&mut self, action: PowerAction) -> Answer {
        match (action, self.power) {
            (PowerAction::On | PowerAction::Key, Power::Off) => self.power_on(),
            (PowerAction::On, _) => return Err("it has power".into()),
            (PowerAction::Off | PowerAction::Key, _) => self.power_off(),
            (PowerAction::Reset, Power::Off) => return Err("it has no power".into()),
            (PowerAction::Reset, _) => self.reboot(),
        }
        done()
    }

    /// Orders a fault; those that need no command strike at once when none is named.
    fn order_fault(&mut self, mut fields: Map<String, Value>) -> Answer {
        let command = fields.remove("command").map(|value| value.as_str().unwrap_or_default().to_ascii_uppercase());
        let mut figure = |name: &str, usual: u32| match fields.remove(name) {
            None => Ok(usual),
            Some(value) => {
                let value = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= FAULT_COUNT_MAX);
                value.ok_or_else(|| format!("{name} is a whole number up to {FAULT_COUNT_MAX}"))
            }
        };
        let (skip, count) = (figure("skip", 0)?, figure("count", 1)?.max(1));
        let kind: Kind = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        if let Kind::Garbage { hex } = &kind
            && unhex(hex).is_none()
        {
            return Err("garbage is hexadecimal".into());
        }
        match (&command, &kind) {
            (None, Kind::Reboot { air: Air::Before }) => self.reboot(),
            (None, Kind::Hang { air: Air::Before }) => self.hang(),
            (None, Kind::Echo {}) => self.settings.echo = true,
            (None, Kind::Garbage { hex }) => self.emit(unhex(hex).unwrap_or_default()),
            _ => {
                let command = command.unwrap_or_else(|| "AT+CMGS".into());
                self.faults.push(Fault { command, skip, count, kind });
            }
        }
        done()
    }
}

fn done() -> Answer {
    Ok(json!({}))
}

fn set_delays(config: &mut Config, request: Request) {
    let Request::Delays { boot_ms, sim_ms, register_ms, air_ms, cnma_ms, command, command_ms } = request else {
        return;
    };
    config.boot_ms = boot_ms.unwrap_or(config.boot_ms);
    config.sim_ms = sim_ms.unwrap_or(config.sim_ms);
    config.register_ms = register_ms.unwrap_or(config.register_ms);
    config.air_ms = air_ms.unwrap_or(config.air_ms);
    config.cnma_ms = cnma_ms.unwrap_or(config.cnma_ms);
    if let (Some(command), Some(ms)) = (command, command_ms) {
        config.command_ms.insert(command.to_ascii_uppercase(), ms);
    }
}

/// A message that somebody left in the storage.
fn old_message() -> Slot {
    let part = &pdu::split("stara wiadomosc", None, 0, Reference::Octet).expect("GSM-7 text")[0];
    let stamp = pdu::Stamp { fields: [25, 1, 1, 12, 0, 0], quarters: 4 };
    let pdu = hex(&pdu::deliver("+48601000000", part, stamp));
    Slot { status: Status::Read, service_centre: "00".into(), pdu, inbound: None }
}
