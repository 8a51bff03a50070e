//! Message commands (3GPP TS 27.005): settings, storage, submission.

use serde_json::json;

use super::at_general::{Ask, number, set_figure};
use super::fault::Stage;
use super::modem::{End, Job, Modem, Reply};
use super::pdu::{self, Reference, Submit, hex, unhex};
use super::profile::Written;
use super::sim::{Slot, Status};

/// Invalid PDU mode parameter, TS 27.005 §3.2.5.
const CMS_PDU: u16 = 304;
/// Invalid text mode parameter.
const CMS_TEXT: u16 = 305;
/// Invalid memory index.
const CMS_INDEX: u16 = 321;
/// Memory full.
const CMS_FULL: u16 = 322;
/// No network service.
const CMS_SERVICE: u16 = 331;
/// No +CNMA acknowledgement expected.
const CMS_CNMA: u16 = 340;

/// What the data after a prompt are for.
#[derive(Debug, Clone)]
pub(super) enum Prompt {
    /// AT+CMGS in PDU mode: octets of the TPDU.
    Send(usize),
    /// AT+CMGS in text mode: destination.
    SendText(String),
    /// AT+CMGW in PDU mode: octets and status.
    Write(usize, Status),
    /// AT+CMGW in text mode: destination and status.
    WriteText(String, Status),
    /// AT+CNMA=n,length: octets of the acknowledgement.
    Acknowledge(u8),
}

/// A submission on its way to the air.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    /// The command line, for faults and delays.
    pub line: String,
    /// `+CMGS` or `+CMSS`.
    pub name: &'static str,
    /// Service centre.
    pub service_centre: String,
    /// As the host wrote it.
    pub host_tpdu: Vec<u8>,
    /// With the modem's reference.
    pub tpdu: Vec<u8>,
    /// That reference.
    pub reference: u8,
    /// What it says.
    pub submit: Submit,
}

impl Modem {
    /// Carries out a message command; `None` when the name is none of them.
    pub(super) fn sms_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        Some(match (name, ask) {
            ("+CMGF", Ask::Test) => Reply::info("+CMGF: (0,1)"),
            ("+CMGF", Ask::Read) => Reply::info(format!("+CMGF: {}", u8::from(self.settings.text_mode))),
            ("+CMGF", Ask::Set(values)) => number(values, 0, 1).map_or(Reply::cms(CMS_TEXT), |mode| {
                self.settings.text_mode = mode == 1;
                Reply::ok()
            }),
            ("+CMMS", _) => set_figure(&mut self.settings.cmms, "+CMMS", ask, 2),
            ("+CSDH", _) => set_figure(&mut self.settings.csdh, "+CSDH", ask, 1),
            ("+CSMP", _) => self.text_parameters(ask),
            ("+CSCA", Ask::Read) => Reply::info(format!("+CSCA: \"{}\",145", self.card.service_centre)),
            ("+CSCA", Ask::Set(values)) => self.set_service_centre(values),
            ("+CSMS", _) => self.service(ask),
            ("+CPMS", _) => self.preferred_memory(ask),
            ("+CNMI", _) => self.indications(ask),
            ("+CNMA", _) => self.acknowledge_command(ask),
            ("+CMGL", Ask::Test) if self.settings.text_mode => {
                Reply::info("+CMGL: (\"REC UNREAD\",\"REC READ\",\"STO UNSENT\",\"STO SENT\",\"ALL\")")
            }
            ("+CMGL", Ask::Test) => Reply::info("+CMGL: (0-4)"),
            ("+CMGL", Ask::Set(values)) => self.list(values),
            ("+CMGL", Ask::Run) => self.list(&["0"]),
            ("+CMGR", Ask::Set(values)) => self.read(values),
            ("+CMGD", Ask::Test) => self.deletable(),
            ("+CMGD", Ask::Set(values)) => self.delete(values),
            ("+CMGS", Ask::Set(values)) => self.begin(values, Prompt::Send, Prompt::SendText),
            ("+CMGW", Ask::Set(values)) => {
                let status = if values.get(1) == Some(&"3") { Status::Sent } else { Status::Unsent };
                self.begin(values, |octets| Prompt::Write(octets, status), |to| Prompt::WriteText(to, status))
            }
            ("+CMSS", Ask::Set(values)) => self.send_stored(values),
            ("+CMGS" | "+CMGW" | "+CMGR" | "+CMSS" | "+CSCA", _) => Reply::ok(),
            _ => return None,
        })
    }

    fn text_parameters(&mut self, ask: &Ask<'_>) -> Reply {
        match ask {
            Ask::Read => {
                let [first, validity, protocol, coding] = self.settings.csmp;
                Reply::info(format!("+CSMP: {first},{validity},{protocol},{coding}"))
            }
            Ask::Set(values) => {
                for (at, setting) in self.settings.csmp.iter_mut().enumerate() {
                    if values.get(at).is_some_and(|value| !value.is_empty()) {
                        let Some(value) = number(values, at, u8::MAX) else { return Reply::cms(CMS_TEXT) };
                        *setting = value;
                    }
                }
                Reply::ok()
            }
            Ask::Test | Ask::Run => Reply::ok(),
        }
    }

    fn set_service_centre(&mut self, values: &[&str]) -> Reply {
        let number = values.first().copied().unwrap_or_default();
        let digits = number.trim_start_matches('+');
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Reply::cms(CMS_PDU);
        }
        let plus = if values.get(1) == Some(&"145") { "+" } else { "" };
        self.card.service_centre = if number.starts_with('+') { number.into() } else { format!("{plus}{digits}") };
        self.save();
        Reply::ok()
    }

    fn service(&mut self, ask: &Ask<'_>) -> Reply {
        match ask {
            Ask::Test => Reply::info("+CSMS: (0,1)"),
            Ask::Read => Reply::info(format!("+CSMS: {},1,1,1", self.settings.csms)),
            Ask::Run => Reply::error(),
            Ask::Set(values) => number(values, 0, 1).map_or(Reply::cms(CMS_TEXT), |value| {
                self.settings.csms = value;
                Reply::info("+CSMS: 1,1,1")
            }),
        }
    }

    fn preferred_memory(&mut self, ask: &Ask<'_>) -> Reply {
        let usages: Vec<(String, usize, usize)> = (self.settings.memories.clone().into_iter())
            .map(|name| {
                let (used, size) = self.card.usage(&name);
                (name, used, size)
            })
            .collect();
        let known = self.config.profile.traits().memories;
        match ask {
            Ask::Test => {
                let names: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
                let group = format!("({})", names.join(","));
                Reply::info(format!("+CPMS: {group},{group},{group}"))
            }
            Ask::Read | Ask::Run => {
                let parts: Vec<String> =
                    usages.iter().map(|(name, used, size)| format!("\"{name}\",{used},{size}")).collect();
                Reply::info(format!("+CPMS: {}", parts.join(",")))
            }
            Ask::Set(values) => {
                if values.iter().any(|value| !known.contains(value)) || values.len() > 3 {
                    return Reply::cms(302);
                }
                for (setting, value) in self.settings.memories.iter_mut().zip(values) {
                    *setting = (*value).to_owned();
                }
                let names = self.settings.memories.clone();
                let parts = names.map(|name| {
                    let (used, size) = self.card.usage(&name);
                    format!("{used},{size}")
                });
                self.serve_inbound();
                Reply::info(format!("+CPMS: {}", parts.join(",")))
            }
        }
    }

    fn indications(&mut self, ask: &Ask<'_>) -> Reply {
        let traits = self.config.profile.traits();
        match ask {
            Ask::Test => Reply::info(format!("+CNMI: {}", traits.cnmi_offer)),
            Ask::Read | Ask::Run => {
                let [mode, mt, bm, ds, bfr] = self.settings.cnmi;
                Reply::info(format!("+CNMI: {mode},{mt},{bm},{ds},{bfr}"))
            }
            Ask::Set(values) => {
                let mut asked = self.settings.cnmi;
                for (at, (setting, most)) in asked.iter_mut().zip([2, 3, 3, 2, 1]).enumerate() {
                    match values.get(at) {
                        None | Some(&"") => {}
                        Some(_) => match number(values, at, most) {
                            Some(value) => *setting = value,
                            None => return Reply::cms(303),
                        },
                    }
                }
                if !traits.cnmi_ds.contains(&asked[3]) || !matches!(asked[2], 0 | 2) {
                    return Reply::cms(303);
                }
                self.settings.cnmi = asked;
                self.routing_stopped = false;
                self.release_buffered();
                self.serve_inbound();
                Reply::ok()
            }
        }
    }

    /// AT+CNMA (TS 27.005 §4.7): 0 and 1 acknowledge, 2 refuses; a length asks for the acknowledgement's own PDU.
    fn acknowledge_command(&mut self, ask: &Ask<'_>) -> Reply {
        let (verdict, with_pdu) = match ask {
            Ask::Test => return Reply::info("+CNMA: (0-2)"),
            Ask::Read => return Reply::error(),
            Ask::Run => (0, false),
            Ask::Set(values) => match number(values, 0, 2) {
                Some(verdict) => (verdict, values.len() > 1),
                None => return Reply::cms(303),
            },
        };
        if self.settings.csms == 0 || self.awaiting_cnma.is_none() {
            return Reply::cms(CMS_CNMA);
        }
        if with_pdu {
            return Reply::Prompt(Prompt::Acknowledge(verdict));
        }
        self.acknowledged(verdict);
        Reply::ok()
    }

    // Storage

    fn list(&mut self, values: &[&str]) -> Reply {
        let wanted: Option<Status> = match values.first().copied().unwrap_or("0") {
            "0" | "REC UNREAD" => Some(Status::Unread),
            "1" | "REC READ" => Some(Status::Read),
            "2" | "STO UNSENT" => Some(Status::Unsent),
            "3" | "STO SENT" => Some(Status::Sent),
            "4" | "ALL" => None,
            _ => return Reply::cms(CMS_PDU),
        };
        let memory = self.settings.memories[0].clone();
        let slots: Vec<(usize, Slot)> = (self.card.memory(&memory).iter().enumerate())
            .filter_map(|(n, slot)| slot.clone().map(|slot| (n, slot)))
            .filter(|(_, slot)| wanted.is_none_or(|wanted| slot.status == wanted))
            .collect();
        let first = self.config.profile.traits().first_index;
        let blocks = slots.iter().map(|(n, slot)| self.listed("+CMGL", Some(n + first), slot)).collect();
        if values.get(1) != Some(&"1") {
            slots.iter().for_each(|(n, _)| self.mark_read(&memory, *n));
        }
        Reply::Done(blocks, End::Ok)
    }

    fn mark_read(&mut self, memory: &str, at: usize) {
        if let Some(Some(slot)) = self.card.memory(memory).get_mut(at)
            && slot.status == Status::Unread
        {
            slot.status = Status::Read;
            self.save();
        }
    }

    /// One stored message as +CMGL or +CMGR shows it.
    fn listed(&self, name: &str, index: Option<usize>, slot: &Slot) -> String {
        let index = index.map_or_else(String::new, |index| format!("{index},"));
        if self.settings.text_mode {
            return super::text_mode::listed(name, &index, slot, &self.settings.charset);
        }
        let octets = slot.pdu.len() / 2;
        format!("{name}: {index}{},,{octets}\r\n{}{}", slot.status.figure(), slot.service_centre, slot.pdu)
    }

    /// Turns an AT index into a place of memory 1.
    fn place(&mut self, values: &[&str]) -> Option<usize> {
        let index: usize = values.first()?.parse().ok()?;
        let place = index.checked_sub(self.config.profile.traits().first_index)?;
        let memory = self.settings.memories[0].clone();
        (place < self.card.memory(&memory).len()).then_some(place)
    }

    fn read(&mut self, values: &[&str]) -> Reply {
        let Some(place) = self.place(values) else { return Reply::cms(CMS_INDEX) };
        let memory = self.settings.memories[0].clone();
        match self.card.memory(&memory)[place].clone() {
            None => Reply::ok(),
            Some(slot) => {
                let block = self.listed("+CMGR", None, &slot);
                if values.get(1) != Some(&"1") {
                    self.mark_read(&memory, place);
                }
                Reply::info(block)
            }
        }
    }

    fn deletable(&mut self) -> Reply {
        let memory = self.settings.memories[0].clone();
        let first = self.config.profile.traits().first_index;
        let taken: Vec<String> = (self.card.memory(&memory).iter().enumerate())
            .filter(|(_, slot)| slot.is_some())
            .map(|(n, _)| (n + first).to_string())
            .collect();
        Reply::info(format!("+CMGD: ({}),(0-4)", taken.join(",")))
    }

    /// AT+CMGD (TS 27.005 §3.5.4): flags 1–4 delete read, sent, unsent, all.
    fn delete(&mut self, values: &[&str]) -> Reply {
        let flag = if values.len() > 1 { number(values, 1, 4) } else { Some(0) };
        let Some(flag) = flag else { return Reply::cms(CMS_PDU) };
        let memory = self.settings.memories[0].clone();
        if flag == 0 {
            let Some(place) = self.place(values) else { return Reply::cms(CMS_INDEX) };
            self.clear(&memory, place);
        } else {
            let goes = |slot: &Slot| match slot.status {
                Status::Read => true,
                Status::Sent => flag >= 2,
                Status::Unsent => flag >= 3,
                Status::Unread => flag == 4,
            };
            let places: Vec<usize> = (self.card.memory(&memory).iter().enumerate())
                .filter(|(_, slot)| slot.as_ref().is_some_and(goes))
                .map(|(n, _)| n)
                .collect();
            places.into_iter().for_each(|place| self.clear(&memory, place));
        }
        self.serve_inbound();
        Reply::ok()
    }

    fn clear(&mut self, memory: &str, place: usize) {
        let Some(slot) = self.card.memory(memory)[place].take() else { return };
        self.save();
        self.event("deleted", json!({"memory": memory, "place": place, "inbound": slot.inbound}));
    }

    // Submission

    fn begin(
        &mut self,
        values: &[&str],
        pdu_mode: impl FnOnce(usize) -> Prompt,
        text_mode: impl FnOnce(String) -> Prompt,
    ) -> Reply {
        let first = values.first().copied().unwrap_or_default();
        if self.settings.text_mode {
            let number = super::text_mode::from_charset(first, &self.settings.charset);
            return match number.filter(|number| number.chars().any(|c| c.is_ascii_digit())) {
                Some(number) => Reply::Prompt(text_mode(number)),
                None => Reply::cms(CMS_TEXT),
            };
        }
        // TS 23.040 §9.2.2.2: a TPDU has 7 octets at least and 164 at most.
        match first.parse::<usize>() {
            Ok(octets) if (7..=164).contains(&octets) => Reply::Prompt(pdu_mode(octets)),
            _ => Reply::cms(CMS_PDU),
        }
    }

    /// Takes what was typed behind a prompt.
    pub(super) fn submit_typed(&mut self, line: String, prompt: Prompt, typed: &[u8]) {
        match prompt {
            Prompt::Send(octets) => match self.typed_pdu(typed, octets) {
                Some((centre, tpdu)) => self.submit(line, "+CMGS", centre, tpdu),
                None => self.answer(&line, &[], &End::Cms(CMS_PDU)),
            },
            Prompt::SendText(to) => match self.typed_text(&to, typed) {
                Some(tpdu) => self.submit(line, "+CMGS", self.card.service_centre.clone(), tpdu),
                None => self.answer(&line, &[], &End::Cms(CMS_TEXT)),
            },
            Prompt::Write(octets, status) => {
                let tpdu = self.typed_pdu(typed, octets).map(|(_, tpdu)| tpdu);
                self.write(&line, status, tpdu, CMS_PDU);
            }
            Prompt::WriteText(to, status) => {
                let tpdu = self.typed_text(&to, typed);
                self.write(&line, status, tpdu, CMS_TEXT);
            }
            Prompt::Acknowledge(verdict) => {
                self.acknowledged(verdict);
                self.answer(&line, &[], &End::Ok);
            }
        }
    }

    /// Reads the hexadecimal behind a PDU-mode prompt: service-centre address (empty: the card's), then `octets` of TPDU.
    fn typed_pdu(&self, typed: &[u8], octets: usize) -> Option<(String, Vec<u8>)> {
        let text = String::from_utf8_lossy(typed);
        let all = unhex(text.trim())?;
        let centre_octets = usize::from(*all.first()?);
        let tpdu = all.get(1 + centre_octets..)?.to_vec();
        if tpdu.len() != octets {
            return None;
        }
        let centre = match all.get(1..=centre_octets)? {
            [] => self.card.service_centre.clone(),
            [kind, digits @ ..] => pdu::address_text(*kind, digits.len() * 2, digits),
        };
        Some((centre, tpdu))
    }

    fn typed_text(&self, to: &str, typed: &[u8]) -> Option<Vec<u8>> {
        let typed = typed.strip_prefix(b"\n").unwrap_or(typed);
        let [first, validity, protocol, coding] = self.settings.csmp;
        let encoding = if coding & 0x0C == 0x08 { pdu::Encoding::Ucs2 } else { pdu::Encoding::Gsm7 };
        let text = super::text_mode::from_charset(&String::from_utf8_lossy(typed), &self.settings.charset)?;
        let parts = pdu::split(&text, Some(encoding), 0, Reference::Octet)?;
        // Text mode has no long messages.
        let [part] = parts.as_slice() else { return None };
        Some(pdu::submit(to, part, first, validity, protocol))
    }

    fn write(&mut self, line: &str, status: Status, tpdu: Option<Vec<u8>>, refusal: u16) {
        let Some(tpdu) = tpdu else { return self.answer(line, &[], &End::Cms(refusal)) };
        let slot = Slot { status, service_centre: "00".into(), pdu: hex(&tpdu), inbound: None };
        let memory = self.settings.memories[1].clone();
        match self.card.store(&memory, slot) {
            Some(place) => {
                self.save();
                let index = place + self.config.profile.traits().first_index;
                self.answer(line, &[format!("+CMGW: {index}")], &End::Ok);
            }
            None => self.answer(line, &[], &End::Cms(CMS_FULL)),
        }
    }

    fn send_stored(&mut self, values: &[&str]) -> Reply {
        let Some(place) = self.place(values) else { return Reply::cms(CMS_INDEX) };
        let memory = self.settings.memories[0].clone();
        let Some(slot) = self.card.memory(&memory)[place].clone() else { return Reply::cms(CMS_INDEX) };
        let Some(tpdu) = unhex(&slot.pdu) else { return Reply::cms(CMS_PDU) };
        if let Some(Some(slot)) = self.card.memory(&memory).get_mut(place) {
            slot.status = Status::Sent;
        }
        let line = format!("AT+CMSS={}", values.join(","));
        self.submit(line, "+CMSS", self.card.service_centre.clone(), tpdu);
        Reply::Later
    }

    fn submit(&mut self, line: String, name: &'static str, service_centre: String, host_tpdu: Vec<u8>) {
        let submit = match pdu::parse_submit(&host_tpdu) {
            Ok(submit) => submit,
            Err(error) => {
                self.event("submit_refused", json!({"pdu": hex(&host_tpdu), "because": error.to_string()}));
                return self.answer(&line, &[], &End::Cms(CMS_PDU));
            }
        };
        if !self.registered.serves() {
            return self.answer(&line, &[], &End::Cms(CMS_SERVICE));
        }
        if self.struck_before(&line, Stage::Before, true) {
            return;
        }
        let reference = self.card.last_reference.wrapping_add(1);
        self.card.last_reference = reference;
        if self.config.profile.traits().writes_ef_smss == Written::Always {
            self.card.ef_smss[0] = reference;
        }
        self.save();
        let tpdu = pdu::with_reference(&host_tpdu, reference);
        let submission = Submission { line, name, service_centre, host_tpdu, tpdu, reference, submit };
        if self.config.air_ms == 0 {
            self.put_on_air(submission);
        } else {
            self.plan(self.config.air_ms, Job::Air(Box::new(submission)));
        }
    }
}
