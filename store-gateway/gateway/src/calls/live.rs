//! What pages see of the calls that are under way, of the phones and of the lines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use store_sip::Sip;
use store_sound::prompts::{self, Speaker};
use uuid::Uuid;

use super::record::Record;
use crate::config::Config;

/// What a call is doing, in the words of the screens' locales and of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The caller hears it ring.
    Ringing,
    /// The menu speaks.
    Menu,
    /// The store's phones, or the number outside, ring.
    Calling,
    /// Two sides talk.
    Talking,
    /// It ends.
    Ending,
}

impl Doing {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Menu => "menu",
            Self::Calling => "calling",
            Self::Talking => "talking",
            Self::Ending => "ending",
        }
    }
}

/// A call that is under way.
#[derive(Clone, Debug)]
pub struct LiveCall {
    /// What is written down of it so far.
    pub record: Record,
    /// What it is doing.
    pub doing: Doing,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// With whom: an extension, or `outside`.
    pub with: Option<String>,
}

/// Calls, phones and lines as they are now.
#[derive(Default)]
pub struct Switchboard {
    calls: Mutex<BTreeMap<Uuid, LiveCall>>,
    sip: Mutex<Option<Sip>>,
    speaker: OnceLock<Speaker>,
    /// Calls refused because there were too many.
    pub refused: AtomicU64,
    /// Calls whose record could not be written in time.
    pub lost: AtomicU64,
}

impl Switchboard {
    /// The calls under way, oldest first.
    pub fn calls(&self) -> Vec<LiveCall> {
        self.lock().values().cloned().collect()
    }

    /// One of them.
    pub fn call(&self, id: Uuid) -> Option<LiveCall> {
        self.lock().get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The SIP side, while it runs.
    pub fn sip(&self) -> Option<Sip> {
        self.sip.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What speaks to callers; made at the first use.
    pub(crate) fn speaker(&self, config: &Config) -> Speaker {
        self.speaker.get_or_init(|| Speaker::new(speech(config))).clone()
    }

    pub(super) fn set_sip(&self, sip: Option<Sip>) {
        *self.sip.lock().unwrap_or_else(PoisonError::into_inner) = sip;
    }

    pub(super) fn put(&self, call: LiveCall) {
        self.lock().insert(call.record.id, call);
    }

    pub(super) fn remove(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, LiveCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Speech as the configuration wants it: spoken texts and the store's own recordings lie in the storage.
pub(crate) fn speech(config: &Config) -> prompts::Config {
    let voice = &config.calls.voice;
    prompts::Config {
        espeak: voice.espeak.clone(),
        timeout: voice.speech_limit,
        ..prompts::Config::new(config.storage.join("speech"), config.storage.join("recordings"))
    }
}
