//! The cores of the SIP bridge: what happens to a call and to its sound on the way.
//!
//! Decides what is offered and answered ([`sdp`]) and which packets are believed ([`rtp`]). Never opens a socket or a
//! sound card, reads a clock, throws dice or keeps a row: the gateway's shell does.

pub mod frame;
pub mod g711;
pub mod rtp;
pub mod sdp;

pub use frame::Frame;
