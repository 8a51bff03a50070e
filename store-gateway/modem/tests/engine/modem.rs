//! A scripted modem, written from TS 27.005, TS 27.007 and V.250 and from manuals, not from the engine. It keeps what went
//! on air apart from what it answered, and fails on command.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sans_io::Instant;

use crate::phone::Phone;

/// What goes wrong with the next submission.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Sent; nothing is answered.
    LostAnswer,
    /// Sent; answered so much later.
    LateAnswer(Duration),
    /// Sent; answered so much later with a reference that is so much higher.
    LateWrong(Duration, u8),
    /// Sent; these lines are answered.
    Answer(&'static str),
    /// Not sent; these lines are answered.
    Refuse(&'static str),
    /// No prompt comes.
    NoPrompt,
    /// The prompt comes so much later.
    LatePrompt(Duration),
    /// These octets come before the prompt.
    BeforePrompt(&'static str),
    /// Sent; the modem restarts instead of answering.
    Restart,
}

pub struct Modem {
    pub input: Vec<u8>,
    pub prompt: Option<usize>,
    /// Octets to the engine and when.
    pub output: VecDeque<(Instant, Vec<u8>)>,
    /// Every command line and PDU as received, for assertions on order.
    pub heard: Vec<String>,
    /// When `AT+CMGS` was heard.
    pub submits: Vec<Instant>,
    /// PDUs that the network took.
    pub aired: Vec<String>,
    pub faults: VecDeque<Fault>,
    pub echo: bool,
    pub text_mode: bool,
    pub cnmi: String,
    pub cnmi_offer: &'static str,
    pub csms: bool,
    pub cmms: u8,
    pub next_reference: u8,
    /// EF_SMSS is readable.
    pub smss: bool,
    pub storages: &'static str,
    pub storage: BTreeMap<u16, (u8, String)>,
    pub reports: BTreeMap<u16, (u8, String)>,
    /// The modem's own storage.
    pub phone: BTreeMap<u16, (u8, String)>,
    pub selected: String,
    pub sim: &'static str,
    pub pin: &'static str,
    pub pin_tries: u8,
    pub registration: u8,
    pub clock: &'static str,
    /// Says nothing at all.
    pub dead: bool,
    /// Which restart brings it back: a word of the ladder.
    pub revived_by: &'static str,
    /// Put behind every line that it sends, so many times (a notice of a message makes the engine ask, and so on).
    pub between: Option<(&'static str, usize)>,
    pub acknowledged: usize,
    pub escapes_after_ctrl_z: usize,
    pub after_ctrl_z: bool,
    /// What comes before is lost.
    pub deaf_until: Instant,
    pub voice: Phone,
}

impl Default for Modem {
    fn default() -> Self {
        Self {
            input: Vec::new(),
            prompt: None,
            output: VecDeque::new(),
            heard: Vec::new(),
            submits: Vec::new(),
            aired: Vec::new(),
            faults: VecDeque::new(),
            echo: true,
            text_mode: false,
            cnmi: String::new(),
            cnmi_offer: "(0-2),(0-3),(0,2),(0-2),(0,1)",
            csms: false,
            cmms: 0,
            next_reference: 8,
            smss: true,
            storages: "(\"SM\",\"ME\",\"SR\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")",
            storage: BTreeMap::new(),
            reports: BTreeMap::new(),
            phone: BTreeMap::new(),
            selected: "ME".into(),
            sim: "READY",
            pin: "1234",
            pin_tries: 3,
            registration: 1,
            clock: "26/05/21,12:07:33+08",
            dead: false,
            revived_by: "",
            between: None,
            acknowledged: 0,
            escapes_after_ctrl_z: 0,
            after_ctrl_z: false,
            deaf_until: Instant::ZERO,
            voice: Phone::default(),
        }
    }
}

impl Modem {
    /// Octets from the engine.
    pub fn receive(&mut self, octets: &[u8], now: Instant) {
        if now < self.deaf_until {
            return;
        }
        for &octet in octets {
            match (octet, self.prompt) {
                (0x1B, _) => {
                    if self.after_ctrl_z {
                        self.escapes_after_ctrl_z += 1;
                    }
                    self.heard.push("<ESC>".into());
                    self.input.clear();
                    if self.prompt.take().is_some() && !self.dead {
                        self.lines(now, "OK");
                    }
                }
                (0x1A, Some(length)) => {
                    self.prompt = None;
                    self.pdu(length, now);
                }
                (b'\r', None) => {
                    let line = String::from_utf8_lossy(&std::mem::take(&mut self.input)).into_owned();
                    self.command(line.trim(), now);
                }
                (b'\n', None) => {}
                _ => self.input.push(octet),
            }
        }
    }

    /// Says something on its own.
    pub fn say(&mut self, now: Instant, text: &str) {
        let octets = format!("\r\n{}\r\n", text.replace('\n', "\r\n")).into_bytes();
        self.output.push_back((now, octets));
    }

    /// Starts anew: everything that was set is gone.
    pub fn restart(&mut self, now: Instant) {
        self.echo = true;
        self.text_mode = true;
        self.cnmi.clear();
        self.csms = false;
        self.cmms = 0;
        self.prompt = None;
        self.after_ctrl_z = false;
        self.input.clear();
        self.voice.legs.clear();
        self.voice.blocked = false;
        self.selected = "ME".into();
        self.output.clear();
        self.say(now, "RDY");
    }

    /// One of the ladder's means was used.
    pub fn shaken(&mut self, by: &str, now: Instant) {
        if self.dead && self.revived_by == by {
            self.dead = false;
            self.restart(now + Duration::from_secs(3));
        }
    }

    /// Answers something of before.
    pub fn lines_later(&mut self, at: Instant, text: &str) {
        self.lines(at, text);
    }

    fn lines(&mut self, now: Instant, text: &str) {
        for line in text.split('\n') {
            self.say(now, line);
            if let Some((between, left @ 1..)) = self.between {
                self.between = Some((between, left - 1));
                self.say(now, between);
            }
        }
    }

    fn command(&mut self, line: &str, now: Instant) {
        self.phone_disturbed(now);
        if line.is_empty() {
            return;
        }
        self.heard.push(line.to_owned());
        if self.dead {
            if line == "AT+CFUN=1,1" {
                self.shaken("CFUN", now);
            }
            return;
        }
        if self.echo {
            self.output.push_back((now, format!("{line}\r").into_bytes()));
        }
        if let Some(length) = line.strip_prefix("AT+CMGS=") {
            self.submit(length, now);
            return;
        }
        let answer = self.phone_answer(line).unwrap_or_else(|| self.answer(line));
        if !answer.is_empty() {
            self.lines(now, &answer);
        }
    }

    fn submit(&mut self, length: &str, now: Instant) {
        self.submits.push(now);
        self.after_ctrl_z = false;
        if self.text_mode {
            // Text mode: the length would be a number, and what follows a text sent to it.
            self.aired.push(format!("TEXT MODE to {length}"));
        }
        let length = length.parse().unwrap();
        let mut at = now;
        match self.faults.front() {
            Some(Fault::NoPrompt) => {
                self.faults.pop_front();
                return;
            }
            Some(Fault::LatePrompt(delay)) => {
                at = now + *delay;
                self.faults.pop_front();
                // A modem that looks at its input again only when it has prompted.
                self.prompt = Some(length);
                self.deaf_until = at;
            }
            Some(Fault::BeforePrompt(text)) => {
                let text = *text;
                self.faults.pop_front();
                self.say(now, text);
                self.prompt = Some(length);
            }
            _ => self.prompt = Some(length),
        }
        self.output.push_back((at, b"\r\n> ".to_vec()));
    }

    fn pdu(&mut self, length: usize, now: Instant) {
        let hex = String::from_utf8_lossy(&std::mem::take(&mut self.input)).into_owned();
        self.heard.push(format!("<PDU {} of {length}>", hex.len() / 2 - 1));
        if self.dead {
            return;
        }
        if self.echo {
            self.output.push_back((now, format!("{hex}\x1A").into_bytes()));
        }
        if hex.len() / 2 - 1 != length {
            self.lines(now, "+CMS ERROR: 304");
            return;
        }
        self.after_ctrl_z = true;
        let reference = self.next_reference;
        let fault = self.faults.pop_front();
        if !matches!(fault, Some(Fault::Refuse(_))) {
            self.aired.push(hex);
            self.next_reference = self.next_reference.wrapping_add(1);
        }
        let good = |reference: u8| format!("+CMGS: {reference}\nOK");
        match fault {
            None => self.result(now + Duration::from_secs(2), &good(reference)),
            Some(Fault::LostAnswer) => {}
            Some(Fault::LateAnswer(delay)) => self.result(now + delay, &good(reference)),
            Some(Fault::LateWrong(delay, more)) => self.result(now + delay, &good(reference.wrapping_add(more))),
            Some(Fault::Answer(text) | Fault::Refuse(text)) => self.result(now + Duration::from_secs(1), text),
            Some(Fault::Restart) => self.restart(now + Duration::from_secs(1)),
            Some(other) => unreachable!("{other:?} is a fault of the prompt"),
        }
    }

    fn result(&mut self, at: Instant, text: &str) {
        self.after_ctrl_z = false;
        self.lines(at, text);
    }

    fn answer(&mut self, line: &str) -> String {
        let ok = |answer: String| format!("{answer}\nOK");
        let sim_ready = self.sim == "READY";
        match line {
            "AT" => "OK".into(),
            "ATE0" => {
                self.echo = false;
                "OK".into()
            }
            "ATI" => "Acme\nAcme M1\nRevision: 1.0\nOK".into(),
            "AT+CGMM" => "M1\nOK".into(),
            "AT+CGSN" => "861075030000001\nOK".into(),
            "AT+CPIN?" => match self.sim {
                "" => "+CME ERROR: 10".into(),
                sim => ok(format!("+CPIN: {sim}")),
            },
            "AT+CPINR" => ok(format!("+CPINR: SIM PIN,{},3\n+CPINR: SIM PUK,10,10", self.pin_tries)),
            _ if line.starts_with("AT+CPIN=") => {
                if line == format!("AT+CPIN=\"{}\"", self.pin) {
                    self.sim = "READY";
                    self.pin_tries = 3;
                    return "OK\n+CPIN: READY".into();
                }
                self.pin_tries -= 1;
                "+CME ERROR: 16".into()
            }
            "AT+CMEE=1" => "OK".into(),
            _ if !sim_ready => "+CME ERROR: 11".into(),
            "AT+CMGF=0" => {
                self.text_mode = false;
                "OK".into()
            }
            "AT+CSMS=1" => {
                self.csms = true;
                ok("+CSMS: 1,1,1".into())
            }
            "AT+CPMS=?" => ok(format!("+CPMS: {}", self.storages)),
            "AT+CNMI=?" => ok(format!("+CNMI: {}", self.cnmi_offer)),
            _ if line.starts_with("AT+CNMI=") => {
                self.cnmi = line["AT+CNMI=".len()..].to_owned();
                "OK".into()
            }
            _ if line.starts_with("AT+CPMS=") => {
                self.selected = line["AT+CPMS=\"".len()..][..2].to_owned();
                ok(format!("+CPMS: {},10,0,10,0,10", self.storage.len()))
            }
            "AT+CREG=1" | "AT+CEREG=1" | "AT+COPS=3,0" | "AT+CTZU=1" | "AT+CTZR=1" => "OK".into(),
            "AT+CREG?" => ok(format!("+CREG: 1,{}", self.registration)),
            "AT+CEREG?" => ok(format!("+CEREG: 1,{}", self.registration)),
            "AT+COPS?" => ok("+COPS: 0,0,\"Plus\",7".into()),
            "AT+CSQ" => ok("+CSQ: 17,99".into()),
            "AT+CCLK?" => ok(format!("+CCLK: \"{}\"", self.clock)),
            "AT+CRSM=176,28483,0,0,2" if self.smss => {
                ok(format!("+CRSM: 144,0,\"{:02X}FF\"", self.next_reference.wrapping_sub(1)))
            }
            "AT+CMMS=2" => {
                self.cmms = 2;
                "OK".into()
            }
            "AT+CMMS=0" => {
                self.cmms = 0;
                "OK".into()
            }
            "AT+CNMA" => {
                self.acknowledged += 1;
                "OK".into()
            }
            "AT+CMGL=4" => {
                let mut text = String::new();
                for (index, (stat, hex)) in self.store() {
                    let length = hex.len() / 2 - 1 - usize::from_str_radix(&hex[..2], 16).unwrap();
                    text += &format!("+CMGL: {index},{stat},,{length}\n{hex}\n");
                    *stat = 1;
                }
                text + "OK"
            }
            _ if line.starts_with("AT+CMGR=") => {
                let index: u16 = line["AT+CMGR=".len()..].parse().unwrap();
                match self.store().get(&index) {
                    Some((stat, hex)) => {
                        let length = hex.len() / 2 - 1 - usize::from_str_radix(&hex[..2], 16).unwrap();
                        ok(format!("+CMGR: {stat},,{length}\n{hex}"))
                    }
                    None => "+CMS ERROR: 321".into(),
                }
            }
            _ if line.starts_with("AT+CMGD=") => {
                let index: u16 = line["AT+CMGD=".len()..].parse().unwrap();
                match self.store().remove(&index) {
                    Some(_) => "OK".into(),
                    None => "+CMS ERROR: 321".into(),
                }
            }
            _ => "+CME ERROR: 3".into(),
        }
    }

    fn store(&mut self) -> &mut BTreeMap<u16, (u8, String)> {
        match self.selected.as_str() {
            "SR" => &mut self.reports,
            "ME" if !self.storages.is_empty() => &mut self.phone,
            _ => &mut self.storage,
        }
    }
}
