//! SMS through a GSM or LTE modem: the PDU codec, the engine that owns the AT port, and the modems' profiles.
//!
//! Decides what to say to the modem and what its answers mean; never opens a port, reads a clock or keeps a row: the
//! gateway's shell does. Nothing is ever submitted twice by this crate.

mod at;
pub mod engine;
pub mod failure;
pub mod pdu;
mod private;
pub mod profile;
pub mod reassembly;

pub use engine::{Command, Config, Engine, Event, ExpectedReference, Key, MoreToSend, Output};
pub use private::Private;
