//! The engine in dialogs with a scripted modem.

mod health;
mod inbound;
mod modem;
mod random;
mod sending;
#[path = "../support/vectors.rs"]
mod vectors;
mod world;
