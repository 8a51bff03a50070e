//! Commands of calls (3GPP TS 27.007 §6 and §7, ITU-T V.250 §6.3, and the makers' own).

use serde_json::json;

use super::at_general::{Ask, number, set_figure};
use super::modem::{End, Job, Modem, Reply};
use super::profile::Profile;
use super::sim::Lock;
use super::sound::{Key, KeysAs, key_tones};
use super::voice::{CallState, Callee, Ender, Later, Leg, Way, callee_sound, direction};

/// A tone of AT+VTS without AT+VTD (TS 27.007 §C.2.11 leaves it to the maker).
const VTS_MS: u32 = 100;

impl Modem {
    /// ATA, ATD, ATH.
    pub(super) fn basic_call(&mut self, whole: &str) -> Option<Reply> {
        let whole = whole.to_ascii_uppercase();
        match whole.as_bytes() {
            [b'D', ..] => Some(self.dial(&whole[1..])),
            b"A" => Some(self.pick_up()),
            b"H" | b"H0" | b"H1" => {
                self.hang_up_all();
                Some(Reply::ok())
            }
            _ => None,
        }
    }

    fn dial(&mut self, said: &str) -> Reply {
        let Some(number) = said.trim_start_matches(['T', 'P']).strip_suffix(';') else { return Reply::cme(3) };
        let number: String = number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#')).collect();
        match self.card.lock {
            Lock::Ready => {}
            Lock::Absent => return Reply::cme(10),
            Lock::Pin => return Reply::cme(11),
            Lock::Puk => return Reply::cme(12),
        }
        if number.is_empty() {
            return Reply::cme(3);
        }
        if !self.registered.serves() || !self.voice.legs.is_empty() {
            return Reply::Done(Vec::new(), End::NoCarrier);
        }
        let callee = self.voice.callees.get(&number).unwrap_or(&self.voice.callee).clone();
        let sound = callee_sound(&callee);
        let mouth = self.voice.mouth(&sound).unwrap_or_default();
        let id = self.voice.add(Way::Out, CallState::Dialing, number, mouth, sound.record);
        self.tell_call(id);
        let steps = match callee {
            Callee::Answer { ring_ms, answer_ms, .. } => {
                vec![(ring_ms, Later::Alert), (ring_ms.saturating_add(answer_ms), Later::PickUp)]
            }
            Callee::Ring { ring_ms } => vec![(ring_ms, Later::Alert)],
            Callee::Busy { after_ms } => vec![(after_ms, Later::End(Ender::Busy))],
            Callee::Unreachable { after_ms } => vec![(after_ms, Later::End(Ender::Far))],
        };
        for (after_ms, step) in steps {
            self.plan(after_ms, Job::Call(id, step));
        }
        self.plan(self.voice.no_answer_ms, Job::Call(id, Later::End(Ender::NoAnswer)));
        Reply::ok()
    }

    fn pick_up(&mut self) -> Reply {
        let ringing = self.voice.legs.iter().find(|leg| leg.state == CallState::Incoming).map(|leg| leg.id);
        let Some(id) = ringing else { return Reply::Done(Vec::new(), End::NoCarrier) };
        self.set_call(id, CallState::Active);
        Reply::ok()
    }

    /// All but the call that waits.
    fn hang_up_all(&mut self) {
        let going = self.voice.legs.iter().filter(|leg| leg.state != CallState::Waiting);
        for id in going.map(|leg| leg.id).collect::<Vec<_>>() {
            self.end_call(id, Ender::Host);
        }
    }

    pub(super) fn call_command(&mut self, name: &str, ask: &Ask<'_>) -> Option<Reply> {
        let (quectel, simcom) = (self.config.profile == Profile::Ec25, self.config.profile == Profile::Sim7600);
        Some(match (name, ask) {
            ("+CLCC", Ask::Run) => Reply::Done(self.voice.legs.iter().map(clcc).collect(), End::Ok),
            ("+CLCC", Ask::Test) => Reply::ok(),
            ("+CHUP", Ask::Run) => {
                self.hang_up_all();
                Reply::ok()
            }
            ("+CHUP", Ask::Test) => Reply::ok(),
            ("+CHLD", Ask::Test) => Reply::info("+CHLD: (0)"),
            ("+CHLD", Ask::Set(values)) if values.first() == Some(&"0") => self.refuse_waiting(),
            ("+CRC", _) => set_figure(&mut self.settings.crc, "+CRC", ask, 1),
            ("+CCWA", Ask::Set(values)) => number(values, 0, 1).map_or(Reply::cme(50), |presented| {
                self.settings.ccwa = presented;
                Reply::ok()
            }),
            ("+CCWA", _) => Reply::info(format!("+CCWA: {}", self.settings.ccwa)),
            ("+CPAS", Ask::Test) => Reply::info("+CPAS: (0,3,4)"),
            ("+CPAS", _) => Reply::info(format!("+CPAS: {}", self.activity())),
            ("+VTS", Ask::Set(values)) => self.send_tones(values),
            ("+VTS", Ask::Test) => Reply::info("+VTS: (0-9,A-D,*,#)"),
            ("+QTONEDET", _) if quectel => set_figure(&mut self.settings.tone_detection, "+QTONEDET", ask, 1),
            ("+DDET", _) if simcom => set_figure(&mut self.settings.tone_detection, "+DDET", ask, 1),
            ("+QPCMV", Ask::Set(values)) if quectel => self.set_quectel_sound(values),
            ("+QPCMV", Ask::Read) if quectel => {
                Reply::info(format!("+QPCMV: {},{}", self.settings.pcm[0], self.settings.pcm[1]))
            }
            ("+CPCMREG", _) if simcom => set_figure(&mut self.settings.pcm[0], "+CPCMREG", ask, 1),
            ("+QINDCFG", Ask::Set(values)) if quectel && values.first() == Some(&"ccinfo") => number(values, 1, 1)
                .map_or(Reply::cme(50), |told| {
                    self.settings.ccinfo = told;
                    Reply::ok()
                }),
            _ => return None,
        })
    }

    fn activity(&self) -> u8 {
        let rings = self.voice.legs.iter().any(|leg| leg.state == CallState::Incoming);
        if rings { 3 } else { 4 * u8::from(!self.voice.legs.is_empty()) }
    }

    fn refuse_waiting(&mut self) -> Reply {
        let waiting = self.voice.legs.iter().find(|leg| leg.state == CallState::Waiting).map(|leg| leg.id);
        if let Some(id) = waiting {
            self.end_call(id, Ender::Host);
        }
        Reply::ok()
    }

    /// AT+QPCMV=mode[,port]: 0 a serial port, 2 USB audio.
    fn set_quectel_sound(&mut self, values: &[&str]) -> Reply {
        match (number(values, 0, 1), values.get(1)) {
            (Some(0), _) => self.settings.pcm[0] = 0,
            (Some(_), None) => self.settings.pcm[0] = 1,
            (Some(_), Some(_)) => match number(values, 1, 2) {
                Some(port) => self.settings.pcm = [1, port],
                None => return Reply::cme(50),
            },
            (None, _) => return Reply::cme(50),
        }
        Reply::ok()
    }

    /// AT+VTS: the network makes the tones, the far end hears them.
    fn send_tones(&mut self, values: &[&str]) -> Reply {
        let Some(leg) = self.voice.legs.iter().find(|leg| leg.state == CallState::Active) else { return Reply::cme(3) };
        let (id, signs) = (leg.id, values.first().copied().unwrap_or_default());
        if signs.is_empty() || signs.chars().any(|sign| key_tones(sign).is_none()) {
            return Reply::cme(50);
        }
        let key = |sign| Key { sign, how: KeysAs::Both, on_ms: VTS_MS, off_ms: VTS_MS };
        if !self.voice.host_keys.press(signs.chars().map(key)) {
            return Reply::cme(3);
        }
        for sign in signs.chars() {
            self.event("digit", json!({"call": id, "digit": sign}));
        }
        Reply::ok()
    }
}

fn clcc(leg: &Leg) -> String {
    format!("+CLCC: {},{},{},0,0,{}", leg.index, direction(leg), leg.state as u8, leg.number_text())
}
