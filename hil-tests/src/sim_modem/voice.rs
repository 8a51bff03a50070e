//! Voice calls: in the modem, in the network, and at the far end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use super::modem::{Job, Modem, Output, Power};
use super::profile::Profile;
use super::sound::{FarSound, Incoming, Keys, Mouth};

/// Calls at once: one and one that waits, as most networks have it.
const CALLS: usize = 2;

/// Where a call stands, with AT+CLCC's figures (TS 27.007 §7.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallState {
    Active = 0,
    Dialing = 2,
    Alerting = 3,
    Incoming = 4,
    Waiting = 5,
}

impl CallState {
    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Dialing => "dialing",
            Self::Alerting => "alerting",
            Self::Incoming => "incoming",
            Self::Waiting => "waiting",
        }
    }
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The modem.
    Out,
    /// The far end.
    In,
}

/// Who ended a call, and how the modem says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ender {
    /// The host, by a command.
    Host,
    /// The far end hung up, or gave up calling.
    Far,
    /// The far end is engaged or refused.
    Busy,
    /// The network: nobody answered.
    NoAnswer,
    /// The radio link broke.
    Network,
    /// The modem lost its power or hangs.
    Modem,
}

impl Ender {
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Far => "far",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Network => "network",
            Self::Modem => "modem",
        }
    }
}

/// What becomes of calls to a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Callee {
    /// It rings after `ring_ms` and is picked up `answer_ms` later.
    Answer {
        #[serde(default)]
        ring_ms: u64,
        #[serde(default)]
        answer_ms: u64,
        tone: Option<f64>,
        wav: Option<PathBuf>,
        record: Option<PathBuf>,
    },
    /// It rings until somebody orders something, or the network gives up.
    Ring {
        #[serde(default)]
        ring_ms: u64,
    },
    /// It is engaged, or refuses: BUSY.
    Busy {
        #[serde(default)]
        after_ms: u64,
    },
    /// It can't be reached: NO CARRIER.
    Unreachable {
        #[serde(default)]
        after_ms: u64,
    },
}

/// What happens to a call later.
#[derive(Debug, Clone)]
pub(super) enum Later {
    /// The modem tells of it again.
    Ring,
    /// The number called rings.
    Alert,
    /// The number called picks up.
    PickUp,
    /// It ends.
    End(Ender),
}

/// A call.
#[derive(Debug)]
pub(super) struct Leg {
    pub id: u64,
    pub index: u8,
    pub way: Way,
    pub state: CallState,
    /// Empty when withheld.
    number: String,
    pub mouth: Mouth,
    record: Option<PathBuf>,
    since: Option<Instant>,
}

/// Calls, callees and sound.
#[derive(Debug)]
pub(super) struct Voice {
    pub legs: Vec<Leg>,
    last: u64,
    pub callees: BTreeMap<String, Callee>,
    pub callee: Callee,
    /// Between two RING.
    pub ring_ms: u64,
    /// How long the network lets a number ring.
    pub no_answer_ms: u64,
    /// Files that the shell has read.
    wavs: BTreeMap<PathBuf, Arc<[i16]>>,
    pub from_host: Incoming,
    pub from_client: Incoming,
    /// Keys of the far end.
    pub far_keys: Keys,
    /// AT+VTS.
    pub host_keys: Keys,
    pub frames: u64,
    pub late_frames: u64,
    /// The sound's clock runs; when its next frame is due.
    pub clock: Option<Instant>,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            legs: Vec::new(),
            last: 0,
            callees: BTreeMap::new(),
            callee: Callee::Ring { ring_ms: 0 },
            ring_ms: 5_000,
            no_answer_ms: 45_000,
            wavs: BTreeMap::new(),
            from_host: Incoming::default(),
            from_client: Incoming::default(),
            far_keys: Keys::default(),
            host_keys: Keys::default(),
            frames: 0,
            late_frames: 0,
            clock: None,
        }
    }
}

impl Voice {
    /// Takes a file that the shell has read for a request.
    pub fn keep_wav(&mut self, path: PathBuf, samples: Arc<[i16]>) {
        self.wavs.insert(path, samples);
    }

    pub fn mouth(&self, sound: &FarSound) -> Result<Mouth, String> {
        if sound.tone.is_some_and(|hertz| !(1.0..=4_000.0).contains(&hertz)) {
            return Err("tone is in hertz, up to 4000".into());
        }
        let wav = match &sound.wav {
            Some(path) => Some(self.wavs.get(path).cloned().ok_or_else(|| format!("{} was not read", path.display()))?),
            None => None,
        };
        Ok(Mouth::new(sound.tone, wav))
    }

    /// The call with this id, or without one the only or the first.
    pub fn leg(&mut self, id: Option<u64>) -> Result<&mut Leg, String> {
        let found = self.legs.iter_mut().find(|leg| id.is_none_or(|id| leg.id == id));
        found.ok_or_else(|| "no such call".into())
    }

    pub fn set_callee(&mut self, number: Option<String>, rule: Option<Callee>) -> Result<(), String> {
        if let Some(rule) = &rule {
            self.mouth(&callee_sound(rule))?;
        }
        match (number, rule) {
            (Some(number), Some(rule)) => drop(self.callees.insert(number, rule)),
            (Some(number), None) => drop(self.callees.remove(&number)),
            (None, Some(rule)) => self.callee = rule,
            (None, None) => return Err("neither number nor rule".into()),
        }
        Ok(())
    }

    pub fn state(&self) -> Value {
        let calls: Vec<Value> = self.legs.iter().map(Leg::state).collect();
        json!({
            "calls": calls, "frames": self.frames, "late_frames": self.late_frames,
            "from_host": self.from_host.state(), "from_client": self.from_client.state(),
        })
    }

    fn free_index(&self) -> u8 {
        (1..=u8::MAX).find(|index| self.legs.iter().all(|leg| leg.index != *index)).unwrap_or(u8::MAX)
    }

    pub fn add(&mut self, way: Way, state: CallState, number: String, mouth: Mouth, record: Option<PathBuf>) -> u64 {
        self.last += 1;
        let index = self.free_index();
        self.legs.push(Leg { id: self.last, index, way, state, number, mouth, record, since: None });
        self.last
    }
}

impl Leg {
    fn state(&self) -> Value {
        let way = if self.way == Way::In { "in" } else { "out" };
        json!({"call": self.id, "way": way, "number": self.number, "state": self.state.word()})
    }

    /// `"number",type` (TS 24.008 §10.5.4.7: 145 international, 129 unknown, 128 none).
    pub fn number_text(&self) -> String {
        let kind = match self.number.as_bytes() {
            [] => 128,
            [b'+', ..] => 145,
            _ => 129,
        };
        format!("\"{}\",{kind}", self.number)
    }
}

pub(super) fn callee_sound(callee: &Callee) -> FarSound {
    match callee.clone() {
        Callee::Answer { tone, wav, record, .. } => FarSound { tone, wav, record },
        _ => FarSound::default(),
    }
}

impl Modem {
    // Calls in

    /// Somebody calls the SIM.
    pub(super) fn place_call(
        &mut self,
        from: Option<String>,
        sound: FarSound,
        give_up_ms: Option<u64>,
    ) -> Result<u64, String> {
        let mouth = self.voice.mouth(&sound)?;
        if self.power != Power::On || !self.sms_ready || !self.registered.serves() {
            return Err("the modem can't be reached".into());
        }
        let engaged = self.voice.legs.iter().any(|leg| leg.state != CallState::Active);
        if engaged || self.voice.legs.len() >= CALLS {
            return Err("the modem is engaged".into());
        }
        let state = if self.voice.legs.is_empty() { CallState::Incoming } else { CallState::Waiting };
        let id = self.voice.add(Way::In, state, from.unwrap_or_default(), mouth, sound.record);
        self.tell_call(id);
        match state {
            CallState::Waiting => self.tell_waiting(id),
            _ => self.call_later(id, Later::Ring),
        }
        if let Some(after_ms) = give_up_ms {
            self.plan(after_ms, Job::Call(id, Later::End(Ender::Far)));
        }
        Ok(id)
    }

    fn tell_waiting(&mut self, id: u64) {
        if self.settings.ccwa == 1
            && let Ok(leg) = self.voice.leg(Some(id))
        {
            let text = format!("+CCWA: {},1", leg.number_text());
            self.urc(&text);
        }
    }

    /// What was planned for a call is due.
    pub(super) fn call_later(&mut self, id: u64, what: Later) {
        let Ok(leg) = self.voice.leg(Some(id)) else { return };
        match (what, leg.state) {
            (Later::Ring, CallState::Incoming) => self.ring(id),
            (Later::Alert, CallState::Dialing) => self.set_call(id, CallState::Alerting),
            (Later::PickUp, CallState::Dialing | CallState::Alerting) => self.set_call(id, CallState::Active),
            (Later::End(by), state) if state != CallState::Active => self.end_call(id, by),
            _ => {}
        }
    }

    fn ring(&mut self, id: u64) {
        let Ok(leg) = self.voice.leg(Some(id)) else { return };
        let validity = u8::from(leg.number.is_empty());
        let clip = format!("+CLIP: {},,,,{validity}", leg.number_text());
        self.urc(if self.settings.crc == 1 { "+CRING: VOICE" } else { "RING" });
        if self.settings.clip == 1 {
            self.urc(&clip);
        }
        self.plan(self.voice.ring_ms, Job::Call(id, Later::Ring));
    }

    // States

    pub(super) fn set_call(&mut self, id: u64, state: CallState) {
        let now = self.now();
        let Ok(leg) = self.voice.leg(Some(id)) else { return };
        leg.state = state;
        if state == CallState::Active {
            leg.since = Some(now);
            let record = leg.record.clone();
            if let Some(path) = record {
                self.outputs.push_back(Output::Record { call: id, path });
            }
            if self.config.profile == Profile::Sim7600 {
                self.urc("VOICE CALL: BEGIN");
            }
            self.start_clock();
        }
        self.tell_call(id);
    }

    pub(super) fn tell_call(&mut self, id: u64) {
        let Ok(leg) = self.voice.leg(Some(id)) else { return };
        let state = leg.state();
        let figure = leg.state as i8;
        let line = ccinfo(leg, figure);
        self.event("call", state);
        self.tell_ccinfo(&line);
    }

    fn tell_ccinfo(&mut self, line: &str) {
        if self.settings.ccinfo == 1 && self.config.profile == Profile::Ec25 {
            self.urc(line);
        }
    }

    /// Ends a call and says so as the family does.
    pub(super) fn end_call(&mut self, id: u64, by: Ender) {
        let Some(at) = self.voice.legs.iter().position(|leg| leg.id == id) else { return };
        let leg = self.voice.legs.remove(at);
        let mut state = leg.state();
        state["state"] = json!("ended");
        state["by"] = json!(by.word());
        self.event("call", state);
        if leg.since.is_some() {
            self.outputs.push_back(Output::CallOver { call: id });
        }
        self.tell_ccinfo(&ccinfo(&leg, -1));
        self.say_end(&leg, by);
        if self.voice.legs.iter().all(|leg| leg.state != CallState::Active) {
            self.quiet();
        }
        if let [only] = self.voice.legs.as_mut_slice()
            && only.state == CallState::Waiting
        {
            only.state = CallState::Incoming;
            let id = only.id;
            self.tell_call(id);
            self.call_later(id, Later::Ring);
        }
    }

    fn say_end(&mut self, leg: &Leg, by: Ender) {
        let word = match by {
            Ender::Host | Ender::Modem => None,
            Ender::Far | Ender::Network => Some("NO CARRIER"),
            Ender::Busy => Some("BUSY"),
            Ender::NoAnswer => Some("NO ANSWER"),
        };
        if self.config.profile == Profile::Sim7600 && by != Ender::Modem {
            let seconds = leg.since.map(|since| self.now().duration_since(since).as_secs());
            match seconds {
                Some(seconds) => self.urc(&format!("VOICE CALL: END: {seconds:06}")),
                None if leg.way == Way::In && by == Ender::Far => {
                    let time = self.wall().strftime("%I:%M%p").to_string();
                    self.urc(&format!("MISSED_CALL: {time} {}", leg.number));
                }
                None => {}
            }
        }
        if let Some(word) = word {
            self.urc(word);
        }
    }

    /// The radio is gone: so are the calls.
    pub(super) fn drop_calls(&mut self, by: Ender) {
        for id in self.voice.legs.iter().map(|leg| leg.id).collect::<Vec<_>>() {
            self.end_call(id, by);
        }
    }

    /// The modem stops, and with it all that was planned.
    pub(super) fn stop_calls(&mut self) {
        self.drop_calls(Ender::Modem);
        self.voice.clock = None;
    }
}

pub(super) fn direction(leg: &Leg) -> u8 {
    u8::from(leg.way == Way::In)
}

/// Quectel's notice of a call's state, -1 for its end.
fn ccinfo(leg: &Leg, figure: i8) -> String {
    format!("+QIND: \"ccinfo\",{},{},{figure},0,0,{}", leg.index, direction(leg), leg.number_text())
}
