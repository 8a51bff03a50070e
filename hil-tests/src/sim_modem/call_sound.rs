//! The sound of the active call, passed in frames by the modem's own clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::modem::{Job, Modem, Output};
use super::profile::Profile;
use super::sound::{FRAME, FRAME_TIME, Keys, KeysAs, octets};
use super::voice::CallState;

/// How far the sound's clock may fall behind before it leaves frames out.
const LATE: Duration = Duration::from_millis(500);

impl Modem {
    /// Takes what the host wrote to the port of the sound.
    pub(super) fn handle_sound(&mut self, octets: &[u8], now: Instant) {
        self.set_now(now);
        if self.sound_is_open() && self.voice.clock.is_some() {
            self.voice.from_host.push(octets);
        }
    }

    /// Takes what the far end's person says.
    pub(super) fn handle_client_sound(&mut self, octets: &[u8], now: Instant) {
        self.set_now(now);
        if self.voice.clock.is_some() {
            self.voice.from_client.push(octets);
        }
    }

    /// Takes a file that the shell has read for the next request.
    pub(super) fn handle_wav(&mut self, path: PathBuf, samples: Arc<[i16]>) {
        self.voice.keep_wav(path, samples);
    }

    /// Notes that a recording is complete.
    pub(super) fn handle_recorded(&mut self, call: u64, path: &str, now: Instant) {
        self.set_now(now);
        self.event("recorded", json!({"call": call, "file": path}));
    }

    /// Whether sound passes between the call and the port.
    fn sound_is_open(&self) -> bool {
        match self.config.profile {
            Profile::Ec25 => self.settings.pcm == [1, 0],
            Profile::Sim7600 => self.settings.pcm[0] == 1,
            Profile::Generic => true,
        }
    }

    pub(super) fn start_clock(&mut self) {
        if self.voice.clock.is_none() {
            let at = self.now() + FRAME_TIME;
            self.voice.clock = Some(at);
            self.plan_at(at, Job::Frame);
        }
    }

    /// No call is active any more.
    pub(super) fn quiet(&mut self) {
        self.voice.from_host.clear();
        self.voice.from_client.clear();
        self.voice.far_keys = Keys::default();
        self.voice.host_keys = Keys::default();
    }

    /// 20 ms of the active call, both ways.
    pub(super) fn pass_frame(&mut self) {
        let active = self.voice.legs.iter_mut().find(|leg| leg.state == CallState::Active);
        let (Some(leg), Some(at)) = (active, self.voice.clock) else {
            self.voice.clock = None;
            return;
        };
        let (mut down, mut up) = ([0; FRAME], [0; FRAME]);
        let id = leg.id;
        leg.mouth.mix(&mut down);
        let begun = self.voice.far_keys.mix(&mut down);
        self.voice.from_client.mix(&mut down);
        let open = self.sound_is_open();
        if open {
            self.voice.from_host.mix(&mut up);
            self.outputs.push_back(Output::Sound(octets(&down)));
        } else {
            self.voice.from_host.clear();
        }
        self.voice.host_keys.mix(&mut up);
        self.outputs.push_back(Output::Heard { call: id, frame: up.to_vec() });
        begun.iter().filter(|key| key.how != KeysAs::Tones).for_each(|key| self.tell_key(key.sign));
        self.voice.frames += 1;
        self.plan_next_frame(at + FRAME_TIME);
    }

    fn plan_next_frame(&mut self, due: Instant) {
        let late = self.now().saturating_duration_since(due);
        let due = if late > LATE {
            self.voice.late_frames += u64::try_from(late.as_millis() / FRAME_TIME.as_millis()).unwrap_or(u64::MAX);
            self.now() + FRAME_TIME
        } else {
            due
        };
        self.voice.clock = Some(due);
        self.plan_at(due, Job::Frame);
    }

    /// The modem heard a key of the far end.
    fn tell_key(&mut self, sign: char) {
        if self.settings.tone_detection == 0 {
            return;
        }
        match self.config.profile {
            Profile::Ec25 => self.urc(&format!("+QTONEDET: {}", u32::from(sign))),
            Profile::Sim7600 => self.urc(&format!("+RXDTMF: {sign}")),
            Profile::Generic => {}
        }
    }
}
