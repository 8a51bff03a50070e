//! The control port's requests about calls.

use serde::Deserialize;
use serde_json::{Value, json};

use super::control::Answer;
use super::modem::Modem;
use super::sound::{FarSound, Key, KeysAs, key_tones};
use super::voice::{CallState, Callee, Ender, Way};

/// How long a key is pressed when the request says nothing, and the pause behind it.
const KEY_MS: u32 = 100;
/// The longest that a key may be pressed.
const KEY_MS_MAX: u32 = 10_000;

/// What can be asked about calls.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum VoiceRequest {
    /// Calls the SIM. Without `from` the number is withheld; without `give_up_ms` it rings on.
    Call {
        from: Option<String>,
        give_up_ms: Option<u64>,
        tone: Option<f64>,
        wav: Option<std::path::PathBuf>,
        record: Option<std::path::PathBuf>,
    },
    /// What becomes of calls to a number, or to all without their own.
    Callee {
        number: Option<String>,
        /// Absent: the number follows the default again.
        rule: Option<Callee>,
    },
    /// The number called picks up.
    PickUp { call: Option<u64> },
    /// The far end hangs up, gives up, or refuses.
    HangUp { call: Option<u64> },
    /// The far end presses keys.
    Press {
        keys: String,
        #[serde(default, rename = "as")]
        how: KeysAs,
        on_ms: Option<u32>,
        off_ms: Option<u32>,
        call: Option<u64>,
    },
    /// The far end says something else from now on.
    Say { call: Option<u64>, tone: Option<f64>, wav: Option<std::path::PathBuf> },
    /// Calls and sound.
    Calls {},
    /// Times of the network in milliseconds; absent ones stay.
    CallTimes { ring_ms: Option<u64>, no_answer_ms: Option<u64> },
}

impl VoiceRequest {
    /// Whether a request is one of these.
    pub fn knows(name: &Value) -> bool {
        let names = ["call", "callee", "pick_up", "hang_up", "press", "say", "calls", "call_times"];
        name.as_str().is_some_and(|name| names.contains(&name))
    }
}

impl Modem {
    pub(super) fn voice_request(&mut self, request: Value) -> Answer {
        let request: VoiceRequest = serde_json::from_value(request).map_err(|error| error.to_string())?;
        match request {
            VoiceRequest::Call { from, give_up_ms, tone, wav, record } => {
                let call = self.place_call(from, FarSound { tone, wav, record }, give_up_ms)?;
                return Ok(json!({"call": call}));
            }
            VoiceRequest::Callee { number, rule } => self.voice.set_callee(number, rule)?,
            VoiceRequest::PickUp { call } => {
                let leg = self.voice.leg(call)?;
                let id = leg.id;
                if !matches!(leg.state, CallState::Dialing | CallState::Alerting) {
                    return Err("the far end is not being called".into());
                }
                self.set_call(id, CallState::Active);
            }
            VoiceRequest::HangUp { call } => {
                let leg = self.voice.leg(call)?;
                let (id, refused) = (leg.id, leg.way == Way::Out && leg.state != CallState::Active);
                self.end_call(id, if refused { Ender::Busy } else { Ender::Far });
            }
            VoiceRequest::Press { keys, how, on_ms, off_ms, call } => self.press(call, &keys, how, [on_ms, off_ms])?,
            VoiceRequest::Say { call, tone, wav } => {
                let mouth = self.voice.mouth(&FarSound { tone, wav, record: None })?;
                self.voice.leg(call)?.mouth = mouth;
            }
            VoiceRequest::Calls {} => return Ok(self.voice.state()),
            VoiceRequest::CallTimes { ring_ms, no_answer_ms } => {
                self.voice.ring_ms = ring_ms.unwrap_or(self.voice.ring_ms).max(1);
                self.voice.no_answer_ms = no_answer_ms.unwrap_or(self.voice.no_answer_ms);
            }
        }
        Ok(json!({}))
    }

    fn press(&mut self, call: Option<u64>, keys: &str, how: KeysAs, times: [Option<u32>; 2]) -> Result<(), String> {
        if self.voice.leg(call)?.state != CallState::Active {
            return Err("the call is not active".into());
        }
        let [on_ms, off_ms] = times.map(|ms| ms.unwrap_or(KEY_MS));
        if keys.is_empty() || keys.chars().any(|sign| key_tones(sign).is_none()) {
            return Err("keys are 0-9, *, #, A-D".into());
        }
        if on_ms > KEY_MS_MAX || off_ms > KEY_MS_MAX {
            return Err(format!("a key is pressed for {KEY_MS_MAX} ms at most"));
        }
        let pressed = self.voice.far_keys.press(keys.chars().map(|sign| Key { sign, how, on_ms, off_ms }));
        if pressed { Ok(()) } else { Err("too many keys wait already".into()) }
    }
}
