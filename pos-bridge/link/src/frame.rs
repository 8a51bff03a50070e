//! Frames: the length of the body in four octets, most significant first, then the body, a JSON object in UTF-8.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Octets of the longest body. A slip with a picture as wide as the paper and 1 000 rows high takes a quarter of it.
pub const LONGEST: usize = 1 << 20;
/// Octets of the length.
const HEAD: usize = 4;

/// Why a connection can't go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A body longer than is taken here.
    #[error("a frame of {0} octets is too long")]
    TooLong(usize),
    /// A body that is no message. Holds what the reader says about it, and nothing of the body.
    #[error("a frame can't be read: {0}")]
    Malformed(String),
}

/// Puts frames together from octets that come in any split.
#[derive(Debug)]
pub struct FrameReader {
    held: Vec<u8>,
    taken: usize,
    longest: usize,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::up_to(LONGEST)
    }
}

impl FrameReader {
    /// Takes bodies of so many octets at most, and of [`LONGEST`] in any case.
    pub fn up_to(longest: usize) -> Self {
        Self { held: Vec::new(), taken: 0, longest: longest.min(LONGEST) }
    }

    /// Takes what came. Holds one frame and what was pushed with it at most, as long as [`Self::next_frame`] is asked until
    /// it has no more.
    pub fn push(&mut self, octets: &[u8]) {
        if self.taken > 0 {
            self.held.drain(..self.taken);
            self.taken = 0;
        }
        self.held.extend_from_slice(octets);
    }

    /// The next message; `None` until more octets come.
    ///
    /// # Errors
    /// After one the connection is of no use: the reader can't know where the next frame begins.
    pub fn next_frame<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        let rest = self.held.get(self.taken..).unwrap_or_default();
        let Some((head, rest)) = rest.split_first_chunk::<HEAD>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > self.longest {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(body).map_err(|e| FrameError::Malformed(place_of(&e)))?;
        self.taken += HEAD + length;
        Ok(Some(message))
    }
}

/// Where and of what kind an error is. `serde_json`'s own words would repeat the value.
fn place_of(e: &serde_json::Error) -> String {
    let kind = match e.classify() {
        serde_json::error::Category::Io | serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is no JSON",
        serde_json::error::Category::Data => "a field is missing, of another kind, or has a word that is not known",
    };
    format!("{kind} (column {})", e.column())
}

/// A message as a frame.
///
/// # Errors
/// When it is longer than [`LONGEST`], or can't be written.
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let body = serde_json::to_vec(message).map_err(|e| FrameError::Malformed(e.to_string()))?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= LONGEST);
    let length = length.ok_or(FrameError::TooLong(body.len()))?;
    let mut frame = Vec::with_capacity(HEAD + body.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&body);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FromTill, JobId, JobState, ToTill};

    #[test]
    fn a_frame_is_its_length_and_a_json_object() {
        let frame = encode(&ToTill::Noted { job: JobId("7".into()) }).unwrap();
        assert_eq!(frame, b"\0\0\0\x1a{\"type\":\"noted\",\"job\":\"7\"}");
    }

    #[test]
    fn too_long_and_unreadable_frames_are_told_by_place_and_never_by_content() {
        let mut reader = FrameReader::default();
        reader.push(&[0, 16, 0, 1]);
        assert_eq!(reader.next_frame::<ToTill>(), Err(FrameError::TooLong(1_048_577)));
        let mut reader = FrameReader::up_to(16);
        reader.push(&[0, 0, 0, 17]);
        assert_eq!(reader.next_frame::<ToTill>(), Err(FrameError::TooLong(17)));
        let mut reader = FrameReader::default();
        reader.push(b"\0\0\0\x10{\"type\":\"secret\"");
        let error = reader.next_frame::<ToTill>().unwrap_err().to_string();
        assert!(error.contains("column") && !error.contains("secret"), "{error}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_messages(cuts in prop::collection::vec(1_usize..9, 0..200)) {
            let messages: Vec<FromTill> = (0..5_u8)
                .map(|n| FromTill::Report { job: JobId(n.to_string()), state: JobState::Printed })
                .collect();
            let octets: Vec<u8> = messages.iter().flat_map(|m| encode(m).unwrap()).collect();
            let (mut reader, mut rest, mut read) = (FrameReader::default(), &*octets, Vec::new());
            for cut in cuts.into_iter().chain([octets.len()]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                reader.push(now);
                while let Some(message) = reader.next_frame::<FromTill>().unwrap() {
                    read.push(message);
                }
            }
            prop_assert_eq!(read, messages);
        }

        #[test]
        fn any_octets_are_taken_without_a_panic(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut reader = FrameReader::default();
            for octet in octets {
                reader.push(&[octet]);
                if reader.next_frame::<FromTill>().is_err() {
                    break;
                }
            }
            prop_assert!(reader.held.len() <= 401);
        }
    }
}
