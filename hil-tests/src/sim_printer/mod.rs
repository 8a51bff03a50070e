//! A simulated receipt printer: what Epson's ESC/POS command reference says of one, on a pty or behind TCP.
//!
//! It prints on paper of 384 or 576 dots with letters of its own; a slip that is cut off becomes a PNG file and a
//! JSON file of what can be read on it. A control port takes paper away, opens the cover, silences it, blocks it and
//! switches it off. It shares nothing with the product's encoder: the two judge each other.
//!
//! [`Interpreter`] is the pure core; [`Shell`] owns port, sockets, files and pace; the binary `sim-printer` is
//! [`Shell`] with arguments.

mod barcode;
pub mod client;
mod codepage;
mod codes;
mod command;
mod control;
mod font;
mod format;
mod head;
mod interpreter;
mod line;
pub(crate) mod lines;
mod link;
mod obey;
mod picture;
mod printing;
mod process;
pub(crate) mod pty;
mod real_time;
mod shell;
mod slip;
mod status;
mod strip;
#[cfg(test)]
mod tests;
mod world;

pub use client::Client;
pub use interpreter::{BUFFER_OCTETS, Counters, Interpreter, Model, Output, Progress};
pub use process::SimPrinter;
pub use shell::{Options, Place, Shell};
pub use slip::{Code, CutKind, Run, Slip, TextLine};
pub use status::{Condition, Fault, Paper};
pub use strip::Bitmap;
