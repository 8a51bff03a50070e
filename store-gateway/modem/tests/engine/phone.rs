//! The voice half of the scripted modem, written from TS 27.007 §6 and §7, V.250 §6.3 and the makers' AT manuals.

use sans_io::Instant;

use crate::modem::Modem;

/// A call as `AT+CLCC` shows it.
#[derive(Clone, Debug)]
pub struct Leg {
    pub index: u8,
    pub incoming: bool,
    pub stat: u8,
    pub mode: u8,
    /// `"number",type`, or empty.
    pub number: &'static str,
}

/// How `ATD` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// OK at once, as modems mostly do with voice calls.
    AtOnce,
    /// A result only when the other end has picked up or has not.
    Blocks,
    /// This line.
    Refused(&'static str),
}

/// The phone in the modem.
#[derive(Clone, Debug)]
pub struct Phone {
    pub able: bool,
    pub legs: Vec<Leg>,
    pub dialled: Dialled,
    /// `ATD` waits for its result.
    pub blocked: bool,
    /// What ends a call does nothing.
    pub clings: bool,
    /// `AT+CPCMREG` and the like are refused.
    pub soundless: bool,
}

impl Default for Phone {
    fn default() -> Self {
        Self { able: true, legs: Vec::new(), dialled: Dialled::AtOnce, blocked: false, clings: false, soundless: false }
    }
}

/// A caller with a number.
pub const CALLER: &str = "\"+48600100200\",145";

impl Modem {
    /// Somebody calls: RING, and the number behind it unless `clip` is empty.
    pub fn rings(&mut self, now: Instant, number: &'static str, clip: &str) {
        self.phone_call(true, 4, number);
        self.ring_again(now, clip);
    }

    pub fn ring_again(&mut self, now: Instant, clip: &str) {
        self.say(now, "+CRING: VOICE");
        if !clip.is_empty() {
            self.say(now, &format!("+CLIP: {clip}"));
        }
    }

    pub fn phone_call(&mut self, incoming: bool, stat: u8, number: &'static str) {
        let index = (1..).find(|n| self.voice.legs.iter().all(|leg| leg.index != *n)).unwrap();
        self.voice.legs.push(Leg { index, incoming, stat, mode: 0, number });
    }

    /// The number called rings.
    pub fn far_rings(&mut self) {
        self.voice.legs.iter_mut().filter(|leg| leg.stat == 2).for_each(|leg| leg.stat = 3);
    }

    /// The number called picks up.
    pub fn far_answers(&mut self, now: Instant) {
        self.voice.legs.iter_mut().filter(|leg| matches!(leg.stat, 2 | 3)).for_each(|leg| leg.stat = 0);
        if std::mem::take(&mut self.voice.blocked) {
            self.say(now, "OK");
        }
    }

    /// The other end of the first call hangs up, and the modem says so.
    pub fn far_ends(&mut self, now: Instant, word: &str) {
        if !self.voice.legs.is_empty() {
            self.voice.legs.remove(0);
        }
        self.voice.blocked = false;
        if !word.is_empty() {
            self.say(now, word);
        }
    }

    /// A sign while `ATD` waits breaks it off.
    pub fn phone_disturbed(&mut self, now: Instant) {
        if std::mem::take(&mut self.voice.blocked) {
            self.voice.legs.clear();
            self.say(now, "NO CARRIER");
        }
    }

    /// Commands of calls.
    pub fn phone_answer(&mut self, line: &str) -> Option<String> {
        let phone = &mut self.voice;
        if !phone.able {
            return None;
        }
        Some(match line {
            "AT+CLIP=1" | "AT+CRC=1" | "AT+CCWA=1" => "OK".into(),
            "AT+QTONEDET=1" | "AT+DDET=1,0,0" | "AT+QPCMV=1,2" => "OK".into(),
            "AT+CPCMREG=1" if phone.soundless => "ERROR".into(),
            "AT+CPCMREG=1" | "AT+CPCMREG=0" => "OK".into(),
            "AT+CLCC" => {
                let mut text = String::new();
                for Leg { index, incoming, stat, mode, number } in &phone.legs {
                    let number = if number.is_empty() { String::new() } else { format!(",{number},\"\"") };
                    text += &format!("+CLCC: {index},{},{stat},{mode},0{number}\n", u8::from(*incoming));
                }
                text + "OK"
            }
            "ATA" => match phone.legs.iter_mut().find(|leg| leg.stat == 4) {
                Some(leg) => {
                    leg.stat = 0;
                    "OK".into()
                }
                None => "NO CARRIER".into(),
            },
            "AT+CHUP" | "ATH" => {
                if !phone.clings {
                    phone.legs.retain(|leg| leg.stat == 5 || leg.mode != 0);
                }
                "OK".into()
            }
            "AT+CHLD=0" => {
                phone.legs.retain(|leg| !matches!(leg.stat, 1 | 5));
                "OK".into()
            }
            _ if line.starts_with("AT+VTS=") => match phone.legs.iter().any(|leg| leg.stat == 0) {
                true => "OK".into(),
                false => "+CME ERROR: 3".into(),
            },
            _ if line.starts_with("ATD") && line.ends_with(';') => match phone.dialled {
                Dialled::Refused(line) => line.into(),
                Dialled::AtOnce => {
                    self.phone_call(false, 2, "");
                    "OK".into()
                }
                Dialled::Blocks => {
                    phone.blocked = true;
                    self.phone_call(false, 2, "");
                    String::new()
                }
            },
            _ => return None,
        })
    }
}
