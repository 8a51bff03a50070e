//! What till and gateway say to each other: frames, messages, print jobs, and the code that enrols a till.
//!
//! The wire is one TLS 1.3 connection, opened by the till. Both ends show a certificate of their own making; each knows the
//! other's by its SHA-256, so neither needs an authority, a name or a clock. On it go [frames](frame): JSON objects, each
//! behind its length. Nothing here reads a clock or a socket.
//!
//! **Print jobs** are the gateway's; the till keeps a journal of those that it took. The gateway sends a job at every
//! connection until the till reports it [taken](JobState::Taken); the till reports a final state at every connection until
//! the gateway [noted](ToTill::Noted) it, and says when it has [reported](FromTill::Reported) all. Both sides know a job by its id, so repeating is harmless. A job that was begun
//! is never begun again, by nobody: what became of it may be [unknown](JobState::Unknown), and then a person is asked.

pub mod code;
pub mod frame;
mod message;

pub use message::{
    Cause, Duty, FromTill, HeldBy, JobId, JobState, PROTOCOL, Paper, PrinterFacts, PrinterState, Refusal, ScannerFacts,
    ToTill,
};
