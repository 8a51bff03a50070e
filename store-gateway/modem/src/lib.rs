//! SMS and voice calls through a GSM or LTE modem: the PDU codec, the engine that owns the AT port, and the modems'
//! profiles.
//!
//! Decides what to say to the modem and what its answers mean; never opens a port, reads a clock, keeps a row or touches
//! sound: the gateway's shell does. Nothing is ever submitted twice by this crate, and no call is left up that nobody knows
//! of.

mod at;
pub mod engine;
pub mod failure;
pub mod pdu;
mod private;
pub mod profile;
pub mod reassembly;

pub use engine::{
    CallEnd, CallEvent, CallId, Command, Config, Digit, Engine, Event, ExpectedReference, Key, MoreToSend, NotPossible,
    Output,
};
pub use private::Private;
