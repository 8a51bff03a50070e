//! The bytes of the till's hardware, without ports, clocks or threads: documents become ESC/POS ([`escpos`]), one
//! printer's jobs go through a state machine that never prints a job twice ([`printing`]), and a serial scanner's
//! octets become reads ([`scanner`]).
//!
//! The daemon at the till owns the ports and the journal and calls these parts. Nothing here draws letters: pictures of
//! lines that a printer cannot write come from the [`escpos::Raster`] that the caller gives.

pub mod escpos;
pub mod printing;
pub mod scanner;
