//! Recordings that the shop uploads: checked, converted, kept as files that anybody can play.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shop_model::language::Language;
use store_voice::frame::RATE;
use tokio::time::Instant;

use super::cache::{make_folder, write_private};
use super::{MARK_EVERY, Speaker, lock};
use crate::{level, resample, wav};

/// Octets of a file: a minute of two channels of 32 bits at 22 kHz, or of 16 bits at 44.1 kHz.
pub const MOST_UPLOAD_OCTETS: usize = 10 << 20;
/// Seconds of a recording.
pub const MOST_UPLOAD_S: u32 = 60;
/// Characters of a recording's name.
const MOST_NAME: usize = 40;

/// What is wrong with a file that should be a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More octets than are taken.
    #[error("the file has {octets} octets; the most is {MOST_UPLOAD_OCTETS}")]
    TooBig {
        /// What it has.
        octets: usize,
    },
    /// Another kind of file.
    #[error("this is not a WAV file")]
    NotWav,
    /// A WAV file that cannot be read.
    #[error("the WAV file is damaged: {0}")]
    Damaged(&'static str),
    /// A WAV file with sound that is compressed; the code of its format.
    #[error("the sound in the WAV file is coded in format {0}; save it as PCM")]
    Coded(u16),
    /// Samples of a size that is not taken.
    #[error("{0} bits a sample; 8, 16, 24 and 32 whole-numbered and 32 floating are taken")]
    Bits(u16),
    /// Too many channels, or none.
    #[error("{0} channels; one or two are taken")]
    Channels(u16),
    /// Too few or too many samples a second.
    #[error("{0} samples a second; 8 000 to 96 000 are taken")]
    Rate(u32),
    /// Longer than any announcement.
    #[error("it lasts {seconds} s; the most is {most_s} s")]
    TooLong {
        /// What it has.
        seconds: u64,
        /// What it may have.
        most_s: u32,
    },
    /// Silence.
    #[error("there is nothing to hear in it")]
    Silent,
}

/// A recording was not kept.
#[derive(Debug, thiserror::Error)]
pub enum UploadFailed {
    /// The file is not what is taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A name that is not 1 to 40 of `a`–`z`, `0`–`9`, `-`.
    #[error("a recording's name has 1 to {MOST_NAME} of a-z, 0-9 and -")]
    Name,
    /// The disk.
    #[error("writing the recording")]
    Disk(#[from] io::Error),
}

/// Checks a WAV file and converts it for the line: 8 kHz, one channel, levelled, silence at its ends cut.
///
/// Takes whole-numbered samples of 8, 16, 24 and 32 bits and floating ones of 32, one or two channels, 8 to 96 kHz. It is
/// work of up to some hundred milliseconds: call it where nobody waits for frames.
///
/// # Errors
/// [`Refused`], which says what to change.
pub fn convert(file: &[u8]) -> Result<Vec<i16>, Refused> {
    if file.len() > MOST_UPLOAD_OCTETS {
        return Err(Refused::TooBig { octets: file.len() });
    }
    let recording = wav::read(file, MOST_UPLOAD_S)?;
    level::fit(&resample::to_line(&recording.samples, recording.rate)).ok_or(Refused::Silent)
}

impl Speaker {
    /// Checks and converts a recording and keeps it under a name, in place of an earlier one; says how long it lasts.
    ///
    /// # Errors
    /// [`UploadFailed`]; the earlier one stays.
    pub async fn keep_upload(&self, language: Language, name: &str, file: Vec<u8>) -> Result<Duration, UploadFailed> {
        let path = self.upload_path(language, name).ok_or(UploadFailed::Name)?;
        let folder = self.0.config.uploads.clone();
        let kept = tokio::task::spawn_blocking(move || -> Result<Duration, UploadFailed> {
            let samples = convert(&file)?;
            make_folder(&folder)?;
            let part = path.with_extension("part");
            write_private(&part, &[&wav::write(RATE, &samples)])?;
            // The shop's own work, unlike what is spoken: on the disk before anybody is told so.
            fs::File::open(&part)?.sync_all()?;
            fs::rename(&part, &path)?;
            fs::File::open(&folder)?.sync_all()?;
            Ok(Duration::from_secs_f64(samples.len() as f64 / f64::from(RATE)))
        });
        kept.await.unwrap_or_else(|e| Err(UploadFailed::Disk(io::Error::other(e))))
    }

    /// The recording of a name; `None` when there is none. Files that were put into the folder by hand are taken too,
    /// if [`convert`] takes them.
    pub async fn upload(&self, language: Language, name: &str) -> Option<Arc<[i16]>> {
        let path = self.upload_path(language, name)?;
        let speaker = self.clone();
        let read = move || {
            // A file that was changed is another one.
            let meta = fs::metadata(&path).ok()?;
            let name = format!("{}#{}#{:?}", path.display(), meta.len(), meta.modified().ok()?);
            let now = Instant::now();
            if let Some((sound, _)) = lock(&speaker.0.recent).find(&name, now, MARK_EVERY) {
                return Some(sound);
            }
            if meta.len() > MOST_UPLOAD_OCTETS as u64 {
                return None;
            }
            let converted = fs::read(&path).ok().map(|file| convert(&file))?;
            let sound: Arc<[i16]> = converted
                .inspect_err(|why| tracing::warn!(file = %path.display(), %why, "an uploaded recording can't be used"))
                .ok()?
                .into();
            lock(&speaker.0.recent).add(name, sound.clone(), now);
            Some(sound)
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// Removes a recording; `false` when there was none.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn remove_upload(&self, language: Language, name: &str) -> io::Result<bool> {
        let Some(path) = self.upload_path(language, name) else { return Ok(false) };
        match tokio::fs::remove_file(path).await {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn upload_path(&self, language: Language, name: &str) -> Option<PathBuf> {
        let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let is_name = is_plain && (1..=MOST_NAME).contains(&name.len());
        is_name.then(|| self.0.config.uploads.join(format!("{name}.{}.wav", language.as_str())))
    }
}
