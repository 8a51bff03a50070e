//! The engine in dialogs with a scripted modem.

mod health;
mod inbound;
mod modem;
mod phone;
mod random;
mod sending;
#[path = "../support/vectors.rs"]
mod vectors;
mod voice;
mod voice_random;
mod world;
