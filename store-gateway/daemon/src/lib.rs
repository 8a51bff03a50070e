//! What the daemons `store-gateway`, `store-hq` and `pos-bridge` are made of: the writer thread over SQLite, the sync
//! ledger in tables, the broker link, TLS by pinned certificates, and the plumbing of a process that people rely on
//! (ready line, signals, supervision, web hardening, passwords, keys).
//!
//! It decides nothing about reservations, messages or sync: those rules are in the pure crates. It never reads a
//! daemon's own tables.

pub mod backup;
pub mod broker;
pub mod config;
pub mod ledger;
pub mod pin;
pub mod pinned;
pub mod problem;
pub mod process;
pub mod secrets;
pub mod supervisor;
pub mod wall;
pub mod web;
pub mod writer;
