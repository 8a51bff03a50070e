//! The cores of the SIP bridge: what a call does, and what happens to its sound on the way.
//!
//! Decides what the menu says and what a key means ([`call`]), who may call whom ([`dial`]), what is offered and answered
//! ([`sdp`]), which packets are believed ([`rtp`]), when each sample is played ([`jitter`]), what is a digit ([`dtmf`]),
//! when a leg is silent or dead ([`watch`], [`session`]), how one leg's sound hangs together ([`stream`]), and the words that are spoken ([`say`]). Never opens a socket or
//! a sound card, reads a clock, throws dice or keeps a row: the gateway's shell does. Nothing here can hold a pickup code
//! on its way to a mouth: [`say`] has no field for one.
//!
//! Sound moves in [`Frame`]s of 20 ms. Every queue has a bound, and says in a count or an error what it dropped.

pub mod call;
pub mod dial;
pub mod dtmf;
pub mod frame;
pub mod g711;
pub mod jitter;
pub mod rtp;
pub mod say;
pub mod sdp;
pub mod session;
pub mod sound;
pub mod stream;
pub mod watch;

pub use frame::Frame;
