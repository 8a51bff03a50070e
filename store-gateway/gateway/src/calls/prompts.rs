//! What callers hear: a recording of the store's own, else the speech program's sound, else a beep. Speech that is
//! missing never holds a call up.

use std::sync::Arc;

use shop_model::language::Language;
use store_sound::prompts::Speaker;
use store_voice::Frame;
use store_voice::frame::SAMPLES;
use store_voice::say::Line;
use store_voice::sound::{Cadence, ToneSource};

/// Frames of the beep in place of a text that can't be spoken: the tone and a pause.
const BEEP_FRAMES: usize = 25;

/// Makes lines audible.
pub(super) struct Prompts {
    speaker: Speaker,
    store: String,
    beep: Arc<[i16]>,
}

impl Prompts {
    /// `store` is the shop's name, as it is spoken.
    pub fn new(speaker: Speaker, store: String) -> Self {
        let mut tone = ToneSource::new(Cadence::Beep);
        let frames = std::iter::repeat_with(|| tone.poll_frame()).take(BEEP_FRAMES);
        let mut beep = Vec::with_capacity(BEEP_FRAMES * SAMPLES);
        frames.for_each(|frame: Frame| beep.extend_from_slice(&frame.0));
        Self { speaker, store, beep: beep.into() }
    }

    /// The sound of a line.
    pub async fn sound(&self, language: Language, line: &Line) -> Arc<[i16]> {
        if let Some(name) = recording(line)
            && let Some(sound) = self.speaker.upload(language, name).await
        {
            return sound;
        }
        let text = line.text(language, &self.store);
        match self.speaker.sound(language, &text).await {
            Ok(sound) => sound,
            Err(missing) => {
                tracing::warn!(%missing, language = language.as_str(), "a text could not be spoken; the caller hears a beep");
                Arc::clone(&self.beep)
            }
        }
    }

    /// Makes what every caller hears before the first one calls.
    pub async fn warm(&self, languages: &[Language]) {
        let lines = [
            Line::Greeting,
            Line::Menu,
            Line::Found(0),
            Line::Found(1),
            Line::AskCode,
            Line::WrongCode,
            Line::NoMoreTries,
            Line::NotNow,
            Line::NotUnderstood,
            Line::Connecting,
            Line::Nobody,
            Line::Goodbye,
        ];
        for language in languages {
            for line in &lines {
                drop(self.sound(*language, line).await);
            }
        }
    }
}

/// What can be recorded.
pub const RECORDINGS: [&str; 11] = [
    "greeting",
    "menu",
    "ask-code",
    "wrong-code",
    "no-more-tries",
    "not-now",
    "not-understood",
    "connecting",
    "nobody",
    "goodbye",
    "more-with-staff",
];

/// The name of the recording that may stand for a line; lines with numbers in them are always spoken.
fn recording(line: &Line) -> Option<&'static str> {
    RECORDINGS.into_iter().find(|name| *name == line.word())
}
