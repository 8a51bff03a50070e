//! Spoken texts and uploaded recordings, as sound for a telephone line.
//!
//! A [`Speaker`] lets espeak-ng speak a text once and keeps the sound: the last ones in memory, all of them on disk up to a
//! bound. espeak-ng is a process of its own (its licence is the GPL) that gets the text on its standard input, never on its
//! command line, and is ended with all that it started when its time is over. When it is missing, slow or broken, that is
//! said at once and remembered for a while, so that a call never waits for it twice; what was spoken before stays there.
//!
//! Sound on disk is found by a digest of text, language, voice and speed. The version of espeak-ng is no part of it: a box
//! that loses its speech program goes on speaking what it knows. Remove the folder to have all of it spoken anew.

mod cache;
mod espeak;
mod memory;
mod upload;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use shop_model::language::Language;
use store_voice::frame::RATE;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use cache::{Disk, Key};
use espeak::Program;
use memory::{Failures, Recent, Scope};
pub use upload::{MOST_UPLOAD_OCTETS, MOST_UPLOAD_S, Refused, UploadFailed, convert};

use crate::{level, resample, wav};

/// Speech programs that run at once: one for each of two calls; the Pi's other cores are for sound that plays.
const MOST_RUNNING: usize = 2;
/// Texts of one [`Speaker::lines`] that are looked for at once.
const LINES_AT_ONCE: usize = 4;
/// Characters of a text: a minute and a half of speech; the longest of the menu has some 300.
const MOST_CHARACTERS: usize = 1_500;
/// Seconds of sound that one text may become.
const MOST_SPOKEN_S: u32 = 180;
/// Sounds that wait for the disk at once; of more the rest stay in memory only and are spoken again some day.
const MOST_WRITING: usize = 4;
/// Seconds of recordings in memory: the menu's in three languages, some 2 MiB.
const IN_MEMORY_S: usize = 120;
/// A sound that is played from memory is marked on disk as used this often.
const MARK_EVERY: Duration = Duration::from_secs(600);
/// What is spoken to see that a voice works.
const PROBE: &str = "1";

/// Where speech comes from and where it is kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// The program, by name or path.
    pub espeak: PathBuf,
    /// The folder for what was spoken. It is made (mode 0700), and everything in it belongs to the speaker.
    pub cache: PathBuf,
    /// The folder for recordings that were uploaded, made likewise.
    pub uploads: PathBuf,
    /// Octets that the cache may have on disk; what was not used for longest goes first.
    pub most_bytes: u64,
    /// How long the program may take for a text, and how long a text may wait for others before that.
    pub timeout: Duration,
    /// How long a failure is believed before the program is tried again.
    pub retry_after: Duration,
    /// Words a minute.
    pub speed: u16,
    /// A voice for each language.
    pub voices: Voices,
}

impl Config {
    /// The defaults: espeak-ng from the path, 32 MiB (some 35 minutes), 5 s, tried again after 30 s.
    pub fn new(cache: PathBuf, uploads: PathBuf) -> Self {
        Self {
            espeak: "espeak-ng".into(),
            cache,
            uploads,
            most_bytes: 32 << 20,
            timeout: Duration::from_secs(5),
            retry_after: Duration::from_secs(30),
            speed: 150,
            voices: Voices::default(),
        }
    }
}

/// espeak-ng's voice of each language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voices {
    /// Polish.
    pub pl: String,
    /// Ukrainian.
    pub uk: String,
    /// English.
    pub en: String,
}

impl Default for Voices {
    fn default() -> Self {
        Self { pl: "pl".into(), uk: "uk".into(), en: "en-gb".into() }
    }
}

impl Voices {
    fn of(&self, language: Language) -> &str {
        match language {
            Language::Pl => &self.pl,
            Language::Uk => &self.uk,
            Language::En => &self.en,
        }
    }
}

/// There is no sound for a text; a call goes on with a tone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no speech: {why}")]
pub struct Missing {
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with speech.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The program is not installed, or not where the configuration says.
    #[error("the speech program is not there")]
    NoProgram,
    /// It is there and cannot be started.
    #[error("the speech program cannot be started ({0})")]
    NotStarted(std::io::ErrorKind),
    /// It was ended because its time was over.
    #[error("the speech program took longer than {0:?}")]
    Late(Duration),
    /// It said that it failed; `None` when a signal ended it. An unknown voice ends so too.
    #[error("the speech program failed with code {0:?}")]
    Failed(Option<i32>),
    /// It made more sound than any text needs.
    #[error("the speech program does not end")]
    TooMuch,
    /// What it made is no sound.
    #[error("the speech program's answer cannot be used: {0}")]
    NotSound(Refused),
    /// The text is longer than anything that is spoken.
    #[error("the text has more than {MOST_CHARACTERS} characters")]
    TooLong,
    /// Others were first, for as long as the program may take.
    #[error("the speech program is busy")]
    Busy,
}

impl Why {
    /// What will fail in the same way.
    const fn scope(&self, language: Language, key: Key) -> Scope {
        match self {
            Self::NoProgram | Self::NotStarted(_) | Self::Late(_) => Scope::All,
            // A voice that does not exist says nothing about the others.
            Self::Failed(_) => Scope::Language(language),
            Self::TooMuch | Self::NotSound(_) | Self::TooLong | Self::Busy => Scope::Text(key),
        }
    }
}

/// Speaks texts. Clones share everything.
#[derive(Clone)]
pub struct Speaker(Arc<Inner>);

struct Inner {
    config: Config,
    program: Program,
    /// `None` when there is no folder to keep sound in.
    disk: Option<Arc<Disk>>,
    recent: Mutex<Recent>,
    failures: Mutex<Failures>,
    running: Semaphore,
    writing: Arc<Semaphore>,
}

impl Speaker {
    /// A speaker with its folders. A folder that cannot be made is told in the log, and speech does without it.
    pub fn new(config: Config) -> Self {
        let disk = Disk::open(config.cache.clone(), config.most_bytes)
            .inspect_err(|e| tracing::warn!(error = %e, "spoken prompts cannot be kept on disk"));
        let most_octets = MOST_SPOKEN_S as usize * Program::MOST_OCTETS_A_SECOND;
        Self(Arc::new(Inner {
            program: Program { path: config.espeak.clone(), timeout: config.timeout, most_octets },
            disk: disk.ok().map(Arc::new),
            recent: Mutex::new(Recent::new(IN_MEMORY_S * RATE as usize)),
            failures: Mutex::new(Failures::new(config.retry_after)),
            running: Semaphore::new(MOST_RUNNING),
            writing: Arc::new(Semaphore::new(MOST_WRITING)),
            config,
        }))
    }

    /// The sound of a text at 8 kHz, within twice [`Config::timeout`] whatever happens. Dropping the future ends the
    /// program.
    ///
    /// # Errors
    /// [`Missing`], at once when the reason is known from before.
    pub async fn sound(&self, language: Language, text: &str) -> Result<Arc<[i16]>, Missing> {
        self.find(language, text).await.map_err(|why| Missing { why })
    }

    /// The sounds of some texts, in their order.
    pub async fn lines(&self, language: Language, texts: &[String]) -> Vec<Result<Arc<[i16]>, Missing>> {
        futures_util::stream::iter(texts).map(|text| self.sound(language, text)).buffered(LINES_AT_ONCE).collect().await
    }

    /// Lets the program speak with each voice, whatever is kept; says its version. For the doctor.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn check(&self) -> Result<String, Missing> {
        let version = self.0.program.version().await.map_err(|why| Missing { why })?;
        for language in Language::ALL {
            self.0.speak(language, PROBE).await.map_err(|why| Missing { why })?;
        }
        Ok(version)
    }

    async fn find(&self, language: Language, text: &str) -> Result<Arc<[i16]>, Why> {
        if text.chars().count() > MOST_CHARACTERS {
            return Err(Why::TooLong);
        }
        let inner = &self.0;
        let key = inner.key(language, text);
        if let Some(sound) = inner.kept(key).await {
            return Ok(sound);
        }
        inner.known_failure(language, key)?;
        let turn = tokio::time::timeout(inner.config.timeout, inner.running.acquire()).await;
        let Ok(Ok(_running)) = turn else { return Err(Why::Busy) };
        // Whoever was first may have spoken the same text, or have found out that nothing works.
        if let Some(sound) = inner.kept(key).await {
            return Ok(sound);
        }
        inner.known_failure(language, key)?;
        match inner.speak(language, text).await {
            Ok(sound) => Ok(inner.keep(key, sound)),
            Err(why) => {
                tracing::warn!(language = language.as_str(), %why, "a prompt could not be spoken");
                lock(&inner.failures).add(why.scope(language, key), why.clone(), Instant::now());
                Err(why)
            }
        }
    }
}

impl Inner {
    fn key(&self, language: Language, text: &str) -> Key {
        let speed = self.config.speed.to_string();
        Key::of(&[language.as_str(), self.config.voices.of(language), &speed, text])
    }

    fn known_failure(&self, language: Language, key: Key) -> Result<(), Why> {
        lock(&self.failures).find(language, key, Instant::now()).map_or(Ok(()), Err)
    }

    /// What memory or disk has.
    async fn kept(&self, key: Key) -> Option<Arc<[i16]>> {
        let now = Instant::now();
        let found = lock(&self.recent).find(key.as_str(), now, MARK_EVERY);
        if let Some((sound, is_fresh)) = found {
            if let (Some(disk), false) = (&self.disk, is_fresh) {
                let disk = disk.clone();
                // Nobody waits for the mark.
                drop(tokio::task::spawn_blocking(move || disk.mark_used(key)));
            }
            return Some(sound);
        }
        let disk = self.disk.clone()?;
        let sound: Arc<[i16]> = tokio::task::spawn_blocking(move || disk.load(key)).await.ok().flatten()?.into();
        lock(&self.recent).add(key.as_str().to_owned(), sound.clone(), now);
        Some(sound)
    }

    /// Keeps a sound in memory and on disk. The call does not wait for the disk.
    fn keep(&self, key: Key, sound: Vec<i16>) -> Arc<[i16]> {
        let sound: Arc<[i16]> = sound.into();
        lock(&self.recent).add(key.as_str().to_owned(), sound.clone(), Instant::now());
        if let (Some(disk), Ok(turn)) = (self.disk.clone(), self.writing.clone().try_acquire_owned()) {
            let kept = sound.clone();
            drop(tokio::task::spawn_blocking(move || {
                if let Err(e) = disk.store(key, &kept) {
                    tracing::warn!(error = %e, "a spoken prompt could not be kept on disk");
                }
                drop(turn);
            }));
        }
        sound
    }

    async fn speak(&self, language: Language, text: &str) -> Result<Vec<i16>, Why> {
        let file = self.program.speak(self.config.voices.of(language), self.config.speed, text).await?;
        // Two seconds of speech take some milliseconds of work; other calls' frames don't wait for that.
        let fitted = tokio::task::spawn_blocking(move || {
            let recording = wav::read(&file, MOST_SPOKEN_S).map_err(Why::NotSound)?;
            level::fit(&resample::to_line(&recording.samples, recording.rate)).ok_or(Why::NotSound(Refused::Silent))
        });
        fitted.await.unwrap_or(Err(Why::NotSound(Refused::Damaged("it could not be read"))))
    }
}

/// What the mutexes hold is right after every statement, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
