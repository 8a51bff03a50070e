//! What happens between modem and network: messages go on air, reach handsets, and come back as messages and reports.

use serde_json::json;

use super::at_sms::Submission;
use super::fault::Stage;
use super::modem::{End, Job, Modem, Power, ReportFate, stamp_hex};
use super::network::{Inbound, InboundKind, OnAir, Policy};
use super::pdu::{self, Stamp, hex, unhex};
use super::profile::Profile;
use super::sim::{Lock, Slot, Status};
use super::text_mode;

/// TP-ST: received by the short message entity (TS 23.040 §9.2.3.15).
pub(super) const RECEIVED: u8 = 0x00;

/// What became of an inbound PDU.
enum Taken {
    /// The modem has it, the network forgets it.
    Done,
    /// It stays with the network, and what is behind it too.
    Stays,
}

impl Modem {
    /// The message leaves the antenna.
    pub(super) fn put_on_air(&mut self, submission: Submission) {
        let Submission { line, name, service_centre, host_tpdu, tpdu, reference, submit } = submission;
        self.card.air += 1;
        let message = OnAir {
            air: self.card.air,
            wall: self.wall().to_string(),
            pdu: hex(&tpdu),
            host_pdu: hex(&host_tpdu),
            service_centre,
            number: submit.number,
            text: submit.text,
            units: hex(&submit.units),
            encoding: submit.encoding,
            dcs: submit.coding,
            udh: hex(&submit.header),
            concat: submit.concat,
            mr: reference,
            srr: submit.report,
            validity_minutes: submit.validity_minutes,
            scts: stamp_hex(self.stamp()),
            handset: false,
            reports: Vec::new(),
        };
        self.event("air", json!(message));
        self.network.on_air.push(message.clone());
        self.save();
        self.follow_policy(&message);
        if self.struck_before(&line, Stage::After, true) {
            return;
        }
        self.answer(&line, &[format!("{name}: {reference}")], &End::Ok);
    }

    fn follow_policy(&mut self, message: &OnAir) {
        let air = message.air;
        let (delay_ms, status, report) = match *self.network.policy_of(&message.number) {
            Policy::Hold => return,
            Policy::Auto { delay_ms } => (delay_ms, RECEIVED, ReportFate::Sent),
            Policy::Never { delay_ms } => (delay_ms, RECEIVED, ReportFate::Lost),
            Policy::Fail { status, delay_ms } => (delay_ms, status, ReportFate::Sent),
        };
        self.plan_outside(delay_ms, Job::Handset { air, status, report });
    }

    /// The service centre is done with a message: it reached the handset (status 0) or will not.
    pub(super) fn reach_handset(&mut self, air: u64, status: u8, report: ReportFate) {
        let stamp = self.stamp();
        let Some(message) = self.network.by_air(air) else { return };
        let arrives = status == RECEIVED && !message.handset;
        message.handset |= status == RECEIVED;
        let message = message.clone();
        if arrives {
            self.event("handset", json!(message));
        }
        self.save();
        if message.srr && report == ReportFate::Sent {
            self.report(&message, stamp, status);
        }
    }

    /// Sends a status report for a message on air.
    pub(super) fn report(&mut self, message: &OnAir, done: Stamp, status: u8) {
        let sent = stamp_from_hex(&message.scts);
        let pdu = hex(&pdu::status_report(message.mr, &message.number, sent, done, status));
        if let Some(message) = self.network.by_air(message.air) {
            message.reports.push(status);
        }
        let id = self.network.queue(InboundKind::StatusReport, pdu.clone());
        self.event(
            "report",
            json!({"inbound": id, "air": message.air, "status": status, "mr": message.mr, "pdu": pdu}),
        );
        self.save();
        self.serve_inbound();
    }

    /// Lets the modem take what waits for it, in order.
    pub(super) fn serve_inbound(&mut self) {
        while self.can_receive() {
            let Some(inbound) = self.network.inbound.front().cloned() else { break };
            let taken = match inbound.kind {
                InboundKind::Deliver => self.take_message(&inbound),
                InboundKind::StatusReport => self.take_report(&inbound),
            };
            match taken {
                Taken::Stays => break,
                Taken::Done => {
                    self.network.inbound.pop_front();
                    self.save();
                }
            }
        }
    }

    fn can_receive(&self) -> bool {
        self.power == Power::On
            && self.sms_ready
            && self.card.lock == Lock::Ready
            && self.registered.serves()
            && self.awaiting_cnma.is_none()
    }

    fn take_message(&mut self, inbound: &Inbound) -> Taken {
        let tpdu = unhex(&inbound.pdu).unwrap_or_default();
        let class = class_of(&tpdu);
        let mt = self.settings.cnmi[1];
        if (mt == 2 && class != Some(2)) || (mt == 3 && class == Some(3)) {
            let text = if self.settings.text_mode {
                text_mode::delivered(&tpdu, &self.settings.charset)
            } else {
                format!("+CMT: ,{}\r\n{}{}", tpdu.len(), self.centre_hex(), inbound.pdu)
            };
            return self.route(inbound, &text);
        }
        let memory = self.settings.memories[2].clone();
        let indication = (mt > 0).then_some("+CMTI");
        self.keep(inbound, &memory, indication)
    }

    fn take_report(&mut self, inbound: &Inbound) -> Taken {
        let tpdu = unhex(&inbound.pdu).unwrap_or_default();
        match self.settings.cnmi[3] {
            0 if self.routing_stopped => Taken::Stays,
            0 => {
                self.event("report_discarded", json!({"inbound": inbound.id}));
                Taken::Done
            }
            1 => {
                let text = text_mode::reported(&tpdu).filter(|_| self.settings.text_mode);
                let pdu_mode = || format!("+CDS: {}\r\n{}{}", tpdu.len(), self.centre_hex(), inbound.pdu);
                let text = text.unwrap_or_else(pdu_mode);
                self.route(inbound, &text)
            }
            _ => {
                let named = self.config.report_memory.clone();
                let memory = if named.is_empty() { self.settings.memories[2].clone() } else { named };
                self.keep(inbound, &memory, Some("+CDSI"))
            }
        }
    }

    fn centre_hex(&self) -> String {
        hex(&pdu::service_centre(&self.card.service_centre))
    }

    /// Hands a PDU straight to the host; with AT+CSMS=1 it stays with the network until AT+CNMA.
    fn route(&mut self, inbound: &Inbound, text: &str) -> Taken {
        self.indicate(text.to_owned());
        self.event("routed", json!({"inbound": inbound.id}));
        if self.settings.csms == 0 {
            return Taken::Done;
        }
        self.awaiting_cnma = Some(inbound.id);
        self.plan(self.config.cnma_ms, Job::CnmaTimeout(inbound.id));
        Taken::Stays
    }

    fn keep(&mut self, inbound: &Inbound, memory: &str, indication: Option<&str>) -> Taken {
        let slot = Slot {
            status: Status::Unread,
            service_centre: self.centre_hex(),
            pdu: inbound.pdu.clone(),
            inbound: Some(inbound.id),
        };
        let Some(place) = self.card.store(memory, slot) else {
            self.tell_memory_full(memory, inbound.id);
            return Taken::Stays;
        };
        // Room again: bit 1 set (TS 31.102 §4.2.9).
        self.card.ef_smss[1] |= 0x01;
        self.capacity_told = false;
        let index = place + self.config.profile.traits().first_index;
        self.event("stored", json!({"inbound": inbound.id, "memory": memory, "index": index}));
        if let Some(name) = indication {
            self.indicate(format!("{name}: \"{memory}\",{index}"));
        }
        Taken::Done
    }

    fn tell_memory_full(&mut self, memory: &str, inbound: u64) {
        self.card.ef_smss[1] &= !0x01;
        if std::mem::replace(&mut self.capacity_told, true) {
            return;
        }
        self.event("memory_full", json!({"memory": memory, "inbound": inbound}));
        match self.config.profile {
            Profile::Ec25 => self.urc(&format!("+QIND: \"smsfull\",\"{memory}\"")),
            Profile::Sim7600 => self.urc("+SMS FULL"),
            Profile::Generic => {}
        }
    }

    /// Says an indication as AT+CNMI's `<mode>` allows: 0 buffers it in the modem.
    fn indicate(&mut self, text: String) {
        if self.settings.cnmi[0] == 0 {
            self.buffered_codes.push_back(text);
        } else {
            self.urc(&text);
        }
    }

    /// AT+CNMI's `<bfr>`: 0 lets the buffered indications out, 1 drops them.
    pub(super) fn release_buffered(&mut self) {
        if self.settings.cnmi[0] == 0 {
            return;
        }
        let buffered = std::mem::take(&mut self.buffered_codes);
        if self.settings.cnmi[4] == 0 {
            buffered.into_iter().for_each(|text| self.plan(0, Job::Urc(text)));
        }
    }

    /// AT+CNMA came: 0 and 1 take the PDU off the network, 2 leaves it there with routing off.
    pub(super) fn acknowledged(&mut self, verdict: u8) {
        let Some(id) = self.awaiting_cnma.take() else { return };
        self.event("acknowledged", json!({"inbound": id, "verdict": verdict}));
        if verdict == 2 {
            self.stop_routing();
            return;
        }
        self.network.inbound.retain(|inbound| inbound.id != id);
        self.save();
        self.serve_inbound();
    }

    /// No AT+CNMA in time: routing to the host ends (TS 27.005 §3.4.4), and the network keeps the PDU.
    pub(super) fn cnma_timed_out(&mut self, id: u64) {
        if self.awaiting_cnma == Some(id) {
            self.awaiting_cnma = None;
            self.event("cnma_timeout", json!({"inbound": id}));
            self.stop_routing();
        }
    }

    fn stop_routing(&mut self) {
        self.routing_stopped = true;
        self.settings.cnmi[1] = 0;
        self.settings.cnmi[3] = 0;
    }
}

/// Message class (TS 23.038 §4) of an SMS-DELIVER.
fn class_of(tpdu: &[u8]) -> Option<u8> {
    let digits = usize::from(*tpdu.get(1)?);
    let coding = *tpdu.get(3 + digits.div_ceil(2) + 1)?;
    (coding & 0xD0 == 0x10 || coding & 0xF0 == 0xF0).then_some(coding & 0x03)
}

fn stamp_from_hex(text: &str) -> Stamp {
    let octets = unhex(text).unwrap_or_default();
    let digits = |octet: u8| (octet & 0x0F) * 10 + (octet >> 4);
    let mut fields = [0; 6];
    for (field, octet) in fields.iter_mut().zip(&octets) {
        *field = digits(*octet);
    }
    let zone = octets.get(6).copied().unwrap_or(0);
    let quarters = i8::try_from(digits(zone & !0x08)).unwrap_or(0);
    Stamp { fields, quarters: if zone & 0x08 != 0 { -quarters } else { quarters } }
}
