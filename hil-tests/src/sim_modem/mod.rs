//! A simulated GSM/LTE modem on a real pty, with its card, its network and the handsets beyond it.
//!
//! It answers AT commands as an EC25, a SIM7600 or a plain modem does, puts messages on air, brings messages and delivery
//! reports, is called and calls with sound both ways, and breaks in every ordered way. A control port on 127.0.0.1 orders deliveries, faults and states and streams
//! what happened. Its PDU code is its own: it shares nothing with the product's codec, and peers check both.
//!
//! It never decides anything by time but the delays that were configured or ordered. [`Modem`] is the pure core;
//! [`Shell`] owns port, sockets and clock; the binary `sim-modem` is [`Shell`] with arguments.

mod alphabet;
mod answer;
mod at_general;
mod at_sms;
mod at_voice;
mod call_sound;
pub mod client;
mod control;
mod control_voice;
mod delivery;
mod ears;
pub mod fault;
mod line;
mod log;
mod modem;
mod network;
pub mod pdu;
mod port;
mod profile;
mod shell;
mod sim;
mod sound;
mod text_mode;
mod voice;

pub use client::Control;
pub use modem::{Config, Modem, Output, PortOnReboot, Power, Start};
pub use network::{OnAir, Policy, Registration};
pub use profile::Profile;
pub use shell::{Options, Shell};
pub use sim::Card;
pub use sound::{FRAME, RATE};
