//! The rules of a reservation, through the crate's public door.

mod counter;
mod message;
mod properties;
mod support;
mod transitions;
mod who_wins;
