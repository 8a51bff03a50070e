//! General commands: identity, SIM, registration, clock, power (3GPP TS 27.007, ITU-T V.250).

use serde_json::json;

use super::modem::{End, Job, Modem, Reply};
use super::network::Registration;
use super::pdu::hex;
use super::profile::Profile;
use super::sim::{Lock, PinAtStart};

/// Area, cell and access technology in registration answers with location.
pub(super) const PLACE: &str = ",\"1A2B\",\"01C3D4E5\",7";
/// A serial number with a valid check digit (3GPP TS 23.003 §6.2.1), from the range of test equipment.
const IMEI: &str = "001010123456780";
/// A subscriber of the test network 001-01 (ITU-T E.212).
const IMSI: &str = "001010123456789";
/// A card's number (ITU-T E.118) with a valid check digit.
const ICCID: &str = "8948010000000000000";
/// EF_SMSS (3GPP TS 31.102 §4.2.9).
const EF_SMSS: &str = "28483";

/// Returns AT+CPIN's word, none when there is no card.
pub(super) fn cpin_text(lock: Lock) -> Option<&'static str> {
    match lock {
        Lock::Ready => Some("READY"),
        Lock::Pin => Some("SIM PIN"),
        Lock::Puk => Some("SIM PUK"),
        Lock::Absent => None,
    }
}

/// Returns the words of a code (3GPP TS 27.007 §9.2.1).
pub(super) fn cme_text(code: u16) -> &'static str {
    match code {
        3 => "operation not allowed",
        4 => "operation not supported",
        10 => "SIM not inserted",
        11 => "SIM PIN required",
        12 => "SIM PUK required",
        14 => "SIM busy",
        16 => "incorrect password",
        30 => "no network service",
        50 => "Incorrect parameters",
        _ => "unknown",
    }
}

/// What is asked of an extended command.
pub(super) enum Ask<'a> {
    /// `=?`
    Test,
    /// `?`
    Read,
    /// `=…`
    Set(Vec<&'a str>),
    /// Nothing behind the name.
    Run,
}

/// Cuts `+NAME=a,"b",c` into its name and what is asked; quotes are taken off.
pub(super) fn parse(command: &str) -> (String, Ask<'_>) {
    let end = command.find(['=', '?']).unwrap_or(command.len());
    let name = command[..end].to_ascii_uppercase();
    let ask = match &command[end..] {
        "" => Ask::Run,
        "?" => Ask::Read,
        "=?" => Ask::Test,
        values => Ask::Set(arguments(&values[1..])),
    };
    (name, ask)
}

fn arguments(values: &str) -> Vec<&str> {
    let mut quoted = false;
    values
        .split(|c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .map(|value| value.trim().trim_matches('"'))
        .collect()
}

/// Reads a numeric argument below or at `most`.
pub(super) fn number(arguments: &[&str], at: usize, most: u8) -> Option<u8> {
    arguments.get(at)?.parse().ok().filter(|n| *n <= most)
}

impl Modem {
    /// Carries out one command.
    pub(super) fn command(&mut self, command: &str) -> Reply {
        let (name, ask) = parse(command);
        if !name.starts_with(['+', '^', '$', '*']) {
            return self.basic(&name, command);
        }
        if self.needs_card(&name)
            && let Some(code) = self.card_error()
        {
            return if name.starts_with("+CM") || name == "+CPMS" {
                // TS 27.005 §3.2.5: 310 not inserted, 311 PIN, 316 PUK.
                Reply::cms(if code == 12 { 316 } else { code + 300 })
            } else {
                Reply::cme(code)
            };
        }
        self.sms_command(&name, &ask)
            .or_else(|| self.identity_command(&name, &ask))
            .or_else(|| self.sim_command(&name, &ask))
            .or_else(|| self.network_command(&name, &ask))
            .or_else(|| self.call_command(&name, &ask))
            .or_else(|| self.setting_command(&name, &ask))
            .unwrap_or_else(|| if self.settings.cmee == 0 { Reply::error() } else { Reply::cme(4) })
    }

    fn basic(&mut self, name: &str, whole: &str) -> Reply {
        if let Some(reply) = self.basic_call(whole) {
            return reply;
        }
        match name {
            "E" | "E0" => self.settings.echo = false,
            "E1" => self.settings.echo = true,
            "I" => {
                let traits = self.config.profile.traits();
                let block = format!("{}\r\n{}\r\nRevision: {}", traits.manufacturer, traits.model, traits.revision);
                return Reply::info(block);
            }
            "Z" | "&F" => self.settings.echo = true,
            _ if name.starts_with(['V', 'Q', 'X', 'S', '&', 'L', 'M', '\\']) => {}
            _ => return Reply::error(),
        }
        Reply::ok()
    }

    fn needs_card(&self, name: &str) -> bool {
        let messages = name.starts_with("+CMG") && name != "+CMGF" || name == "+CMSS" || name == "+CPMS";
        messages || matches!(name, "+CIMI" | "+CNUM" | "+CSCA" | "+CRSM" | "+CUSD" | "+CCID" | "+QCCID" | "+CICCID")
    }

    fn card_error(&self) -> Option<u16> {
        match self.card.lock {
            Lock::Ready => None,
            Lock::Absent => Some(10),
            Lock::Pin => Some(11),
            Lock::Puk => Some(12),
        }
    }

    fn identity_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        let traits = self.config.profile.traits();
        let vendor_card = self.config.profile != Profile::Generic;
        let text = match name {
            "+GMI" | "+CGMI" => traits.manufacturer.to_owned(),
            "+GMM" | "+CGMM" => traits.model.to_owned(),
            "+GMR" | "+CGMR" => traits.revision.to_owned(),
            "+GSN" | "+CGSN" => IMEI.to_owned(),
            "+CIMI" => IMSI.to_owned(),
            "+CCID" | "+QCCID" if vendor_card => format!("{name}: {ICCID}"),
            "+CICCID" if self.config.profile == Profile::Sim7600 => format!("+ICCID: {ICCID}"),
            "+CNUM" => format!("+CNUM: ,\"{}\",145", self.card.number),
            _ => return None,
        };
        Some(if matches!(ask, Ask::Test) { Reply::ok() } else { Reply::info(text) })
    }

    fn sim_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        let (pin, puk) = (self.card.pin_tries, self.card.puk_tries);
        let vendor = self.config.profile;
        Some(match (name, ask) {
            ("+CPIN", Ask::Read) => {
                cpin_text(self.card.lock).map_or(Reply::cme(10), |word| Reply::info(format!("+CPIN: {word}")))
            }
            ("+CPIN", Ask::Set(codes)) => self.enter_pin(codes),
            ("+CPIN", Ask::Test) => Reply::ok(),
            ("+CPINR", Ask::Run | Ask::Read) if vendor != Profile::Generic => {
                Reply::Done(vec![format!("+CPINR: SIM PIN,{pin},3"), format!("+CPINR: SIM PUK,{puk},10")], End::Ok)
            }
            ("+QPINC", Ask::Set(values)) if vendor == Profile::Ec25 && values.first() == Some(&"SC") => {
                Reply::info(format!("+QPINC: \"SC\",{pin},{puk}"))
            }
            ("+QPINC", Ask::Read) if vendor == Profile::Ec25 => Reply::info(format!("+QPINC: \"SC\",{pin},{puk}")),
            ("+CLCK", Ask::Set(values)) if values.first() == Some(&"SC") => match values.get(1) {
                Some(&"2") => {
                    let locked = u8::from(self.card.pin_enabled == PinAtStart::Asked);
                    Reply::info(format!("+CLCK: {locked}"))
                }
                _ => Reply::cme(3),
            },
            ("+CRSM", Ask::Set(values)) => self.restricted_access(values),
            _ => return None,
        })
    }

    /// AT+CPIN= (TS 27.007 §8.3): three wrong PINs ask for the PUK, ten wrong PUKs end the card.
    fn enter_pin(&mut self, codes: &[&str]) -> Reply {
        self.save();
        match (self.card.lock, codes) {
            (Lock::Pin, [pin, ..]) if *pin == self.card.pin => {
                self.card.pin_tries = 3;
                self.open_card()
            }
            (Lock::Pin, _) => {
                self.card.pin_tries = self.card.pin_tries.saturating_sub(1);
                if self.card.pin_tries == 0 {
                    self.card.lock = Lock::Puk;
                }
                self.event("pin_refused", json!({"pin_tries": self.card.pin_tries}));
                Reply::cme(if self.card.lock == Lock::Puk { 12 } else { 16 })
            }
            (Lock::Puk, [puk, pin]) if *puk == self.card.puk && self.card.puk_tries > 0 => {
                self.card.pin = (*pin).to_owned();
                self.card.pin_tries = 3;
                self.card.puk_tries = 10;
                self.open_card()
            }
            (Lock::Puk, _) => {
                self.card.puk_tries = self.card.puk_tries.saturating_sub(1);
                self.event("puk_refused", json!({"puk_tries": self.card.puk_tries}));
                Reply::cme(16)
            }
            (Lock::Absent, _) => Reply::cme(10),
            (Lock::Ready, _) => Reply::cme(3),
        }
    }

    fn open_card(&mut self) -> Reply {
        self.card.lock = Lock::Ready;
        self.plan(self.config.sim_ms, Job::SimRead);
        Reply::ok()
    }

    /// AT+CRSM (TS 27.007 §8.18): READ BINARY and GET RESPONSE of EF_SMSS; other files are not found (status 6A82).
    fn restricted_access(&mut self, values: &[&str]) -> Reply {
        match values {
            ["176", EF_SMSS, ..] => Reply::info(format!("+CRSM: 144,0,\"{}\"", hex(&self.card.ef_smss))),
            ["192", EF_SMSS, ..] => Reply::info("+CRSM: 144,0,\"000000026F430400110022010200\""),
            _ => Reply::info("+CRSM: 106,130,\"\""),
        }
    }

    fn network_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        Some(match (name, ask) {
            ("+CREG" | "+CGREG" | "+CEREG", _) => self.registration_command(name, ask),
            ("+COPS", _) => self.operator_command(ask),
            ("+CSQ", Ask::Test) => Reply::info("+CSQ: (0-31,99),(0-7,99)"),
            ("+CSQ", _) => {
                let signal = if self.registered == Registration::Off { 99 } else { self.network.signal };
                Reply::info(format!("+CSQ: {signal},99"))
            }
            ("+QNWINFO", Ask::Run) if self.config.profile == Profile::Ec25 => {
                Reply::info(format!("+QNWINFO: \"FDD LTE\",\"{}\",\"LTE BAND 3\",1300", self.network.plmn))
            }
            ("+CPSI", Ask::Read) if self.config.profile == Profile::Sim7600 => {
                Reply::info("+CPSI: LTE,Online,001-01,0x1A2B,29611749,101,EUTRAN-BAND3,1300,5,5,-98,-1071,-750,14")
            }
            ("+CUSD", Ask::Set(values)) => self.ussd(values),
            ("+CUSD", Ask::Read) => Reply::info(format!("+CUSD: {}", self.settings.cusd)),
            ("+CUSD", Ask::Test) => Reply::info("+CUSD: (0-2)"),
            _ => return None,
        })
    }

    fn registration_command(&mut self, name: &str, ask: &Ask<'_>) -> Reply {
        let key = match name {
            "+CREG" => "CREG",
            "+CGREG" => "CGREG",
            _ => "CEREG",
        };
        match ask {
            Ask::Test => Reply::info(format!("+{key}: (0-2)")),
            Ask::Read | Ask::Run => {
                let mode = self.settings.creg.get(key).copied().unwrap_or(0);
                let place = if mode > 1 && self.registered.serves() { PLACE } else { "" };
                Reply::info(format!("+{key}: {mode},{}{place}", self.registered.figure()))
            }
            Ask::Set(values) => number(values, 0, 2).map_or(Reply::cme(50), |mode| {
                self.settings.creg.insert(key, mode);
                Reply::ok()
            }),
        }
    }

    fn operator_command(&mut self, ask: &Ask<'_>) -> Reply {
        let (name, plmn) = (self.network.operator.clone(), self.network.plmn.clone());
        match ask {
            Ask::Read | Ask::Run if !self.registered.serves() => Reply::info("+COPS: 0"),
            Ask::Read | Ask::Run => {
                let shown = if self.settings.cops_format == 2 { plmn } else { name };
                Reply::info(format!("+COPS: 0,{},\"{shown}\",7", self.settings.cops_format))
            }
            Ask::Test => Reply::info(format!("+COPS: (2,\"{name}\",\"SIMNET\",\"{plmn}\",7),,(0-4),(0-2)")),
            Ask::Set(values) => match (values.first().copied(), values.get(1)) {
                (Some("3"), Some(_)) => number(values, 1, 2).map_or(Reply::cme(50), |format| {
                    self.settings.cops_format = format;
                    Reply::ok()
                }),
                (Some("2"), _) => {
                    self.set_registered(Registration::Off);
                    Reply::ok()
                }
                (Some("0" | "1" | "4"), _) => {
                    self.plan(self.config.register_ms, Job::Register);
                    Reply::ok()
                }
                _ => Reply::cme(50),
            },
        }
    }

    fn ussd(&mut self, values: &[&str]) -> Reply {
        match number(values, 0, 2) {
            Some(mode) if values.len() > 1 && !self.registered.serves() => {
                self.settings.cusd = mode;
                Reply::cme(30)
            }
            Some(mode) => {
                self.settings.cusd = mode;
                if values.len() > 1 && mode == 1 {
                    self.event("ussd", json!({"code": values[1]}));
                    self.plan(0, Job::Urc(format!("+CUSD: 0,\"{}\",15", self.network.ussd)));
                }
                Reply::ok()
            }
            None => Reply::cme(50),
        }
    }

    fn setting_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        Some(match (name, ask) {
            ("+CMEE", _) => set_figure(&mut self.settings.cmee, "+CMEE", ask, 2),
            ("+CTZU", _) => set_figure(&mut self.settings.ctzu, "+CTZU", ask, 3),
            ("+CTZR", _) => set_figure(&mut self.settings.ctzr, "+CTZR", ask, 2),
            ("+CLIP", _) => set_figure(&mut self.settings.clip, "+CLIP", ask, 1),
            ("+CCLK", Ask::Read) => Reply::info(format!("+CCLK: \"{}\"", self.clock_text())),
            ("+QLTS", Ask::Run | Ask::Set(_)) if self.config.profile == Profile::Ec25 => {
                Reply::info(format!("+QLTS: \"{},0\"", self.clock_text()))
            }
            ("+CFUN", Ask::Read) => Reply::info(format!("+CFUN: {}", self.settings.function)),
            ("+CFUN", Ask::Test) => Reply::info("+CFUN: (0,1,4),(0,1)"),
            ("+CFUN", Ask::Set(values)) => self.set_function(values),
            ("+QPOWD", Ask::Run | Ask::Set(_)) if self.config.profile == Profile::Ec25 => {
                self.power_down("POWERED DOWN")
            }
            ("+CPOF", Ask::Run) if self.config.profile == Profile::Sim7600 => self.power_down("NORMAL POWER DOWN"),
            ("+CRESET", Ask::Run) if self.config.profile == Profile::Sim7600 => self.acknowledge_and_reboot(),
            ("+GCAP", _) => Reply::info("+GCAP: +CGSM"),
            ("+CBC", _) => Reply::info("+CBC: 0,100,3900"),
            ("+CSCS", Ask::Test) => Reply::info("+CSCS: (\"GSM\",\"IRA\",\"UCS2\")"),
            ("+CSCS", Ask::Read) => Reply::info(format!("+CSCS: \"{}\"", self.settings.charset)),
            ("+CSCS", Ask::Set(values)) => match values.first().copied() {
                Some(charset @ ("GSM" | "IRA" | "UCS2")) => {
                    self.settings.charset = charset.to_owned();
                    Reply::ok()
                }
                _ => Reply::cme(50),
            },
            ("+IPR" | "+IFC" | "+ICF" | "+COLP" | "+CVHU" | "+QURCCFG" | "+CSSN" | "+QINDCFG", _) => Reply::ok(),
            _ => return None,
        })
    }

    fn clock_text(&self) -> String {
        if self.config.nitz { self.stamp().at_text() } else { "80/01/06,00:00:00+00".into() }
    }

    /// The network told the time: AT+CTZR's codes (TS 27.007 §8.41).
    pub(super) fn tell_network_time(&mut self) {
        if !self.config.nitz {
            return;
        }
        let stamp = self.stamp();
        let zone = format!("{}{:02}", if stamp.quarters < 0 { '-' } else { '+' }, stamp.quarters.unsigned_abs());
        match self.settings.ctzr {
            1 => self.urc(&format!("+CTZV: \"{zone}\"")),
            2 => {
                let [_, month, day, hour, minute, second] = stamp.fields;
                let year = self.wall().strftime("%Y").to_string();
                let local = format!("{year}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}");
                self.urc(&format!("+CTZE: \"{zone}\",0,\"{local}\""));
            }
            _ => {}
        }
    }

    fn set_function(&mut self, values: &[&str]) -> Reply {
        if values.get(1) == Some(&"1") {
            return self.acknowledge_and_reboot();
        }
        match values.first().copied() {
            Some("0" | "4") => {
                self.settings.function = if values[0] == "0" { 0 } else { 4 };
                self.set_registered(Registration::Off);
                Reply::ok()
            }
            Some("1") => {
                self.settings.function = 1;
                self.plan(self.config.register_ms, Job::Register);
                Reply::ok()
            }
            _ => Reply::cme(50),
        }
    }

    fn acknowledge_and_reboot(&mut self) -> Reply {
        self.emit(b"\r\nOK\r\n".to_vec());
        self.reboot();
        Reply::Later
    }

    fn power_down(&mut self, farewell: &str) -> Reply {
        self.emit(format!("\r\nOK\r\n\r\n{farewell}\r\n").into_bytes());
        self.power_off();
        Reply::Later
    }
}

/// Serves `=?`, `?` and `=n` of a setting with one figure.
pub(super) fn set_figure(setting: &mut u8, name: &str, ask: &Ask<'_>, most: u8) -> Reply {
    match ask {
        Ask::Test => Reply::info(format!("{name}: (0-{most})")),
        Ask::Read => Reply::info(format!("{name}: {setting}")),
        Ask::Run => Reply::ok(),
        Ask::Set(values) => number(values, 0, most).map_or(Reply::cme(50), |value| {
            *setting = value;
            Reply::ok()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luhn(digits: &str) -> u32 {
        let doubled = |n: usize, digit: u32| if n % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit };
        digits.chars().rev().enumerate().map(|(n, c)| doubled(n, c.to_digit(10).unwrap())).sum::<u32>() % 10
    }

    #[test]
    fn serial_and_card_numbers_have_valid_check_digits() {
        assert_eq!((luhn(IMEI), luhn(ICCID)), (0, 0));
    }

    #[test]
    fn arguments_keep_commas_within_quotes() {
        let (name, Ask::Set(values)) = parse("+cusd=1,\"a,b\",15") else { panic!("a set command") };
        assert_eq!((name.as_str(), values), ("+CUSD", vec!["1", "a,b", "15"]));
    }
}
