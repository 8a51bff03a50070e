//! The sync protocol between a store and HQ (DESIGN §3) as two pure state machines, [`StoreEnd`] and [`HqEnd`].
//!
//! Decides what may be sent, applied, deleted and believed after crashes, restored backups and cloned boxes. Never looks
//! at a clock, a socket or an event's body; never holds durable state: that is behind [`Ledger`], inside the shell's own
//! transactions. Called by the store's and HQ's MQTT shells.
//!
//! **How a shell drives an end.** Each `handle_*`, `append`, `retry`, `discard`, `trim` runs in a write transaction. Before
//! the commit drain [`StoreEnd::poll_output`]: do the outputs for which [`Output::inside_transaction`] is true at once in
//! that transaction, and put the others aside; after the commit do those. When the commit fails, drop them and call
//! `handle_rollback`. After every commit, after connecting, and when an [`Output::Wait`] is over, call `pump` with a reader
//! of committed data and drain again. Correct at QoS 0.
mod adopt;
mod config;
pub mod contract;
mod end;
mod envelope;
mod hq;
mod ident;
mod ledger;
mod output;
mod people;
mod rules;
mod send;
mod snapshot;
mod store;
mod take;
pub mod topic;
pub mod wire;

#[cfg(test)]
#[path = "../tests/world/mod.rs"]
mod world;

pub use config::{Config, Delivery, Error, Judge, LinkState, Now, P1Bound, Verdict, Witness, WitnessCheck};
pub use envelope::{Actor, Aggregate, Envelope, Header, NewEvent, ParseError, SCHEMA};
pub use hq::HqEnd;
pub use ident::{AggregateKey, Class, Epoch, EpochError, EventId, PerQueue, Queue, Side, Watermark};
pub use ledger::{
    AsideReason, Head, Ledger, LedgerRead, LogEnd, LogEntry, OutboxRow, OutboxSize, SeqIds, SetAside, Standing,
};
pub use output::{Alert, Output, RolledBack, Timer};
pub use snapshot::SnapshotJob;
pub use store::StoreEnd;
pub use wire::Message;
