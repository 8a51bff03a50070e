//! The daemon at the till: it owns the ports of scanners and printers and the journal of print jobs, and holds one
//! connection to the store's gateway.
//!
//! It decides nothing about orders, and nothing about what a document says. How a job goes through a printer is decided
//! in `till_devices`, what the two ends say to each other in `till_link`; here are the ports, the clock and the disk
//! around them. A job is in the journal before anybody hears that it was taken, and marked as begun before its first
//! octet leaves: whatever happens, it is never printed twice without a person asking for it.

pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dial;
pub mod doctor;
pub mod enrol;
pub mod folder;
pub mod journal;
pub mod link;
pub mod paper;
pub mod port;
pub mod press;
pub mod printer;
pub mod raster;
pub mod run;
pub mod scanner;
pub mod trial;
