//! Sound that comes from outside the voice cores: words that a program speaks, recordings that the shop uploads, and the
//! modem's own voice path.
//!
//! [`prompts`] turns texts into sound with espeak-ng, a process of its own with a time limit, and keeps what was spoken;
//! it converts uploaded WAV files too. Speech that is missing is an answer that comes soon, never a wait: the call goes on
//! with a tone. [`port`] is the modem's sound, by a sound card, by a serial port with raw PCM, or by a pair in memory for
//! tests. All of it is 8 kHz, one channel, 16 bits, as [`store_voice::Frame`] wants it.
//!
//! Never decides what is said or where sound goes: the calls' cores and the gateway do. Never logs a text.

mod level;
pub mod port;
pub mod prompts;
mod resample;
mod wav;
