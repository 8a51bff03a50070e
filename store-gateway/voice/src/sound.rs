//! Sound of our own: call progress tones, prompts, and the sum of two.
//!
//! Never speaks: prompts come in as samples, made by the shell from the texts of [`crate::say`].

mod prompt;
mod tone;

pub use prompt::{Playback, PlaybackFull};
pub use tone::{Cadence, ToneSource};
