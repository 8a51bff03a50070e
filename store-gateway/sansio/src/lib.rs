//! What every core takes as arguments instead of reaching for the world: a monotonic [`Instant`], [`Wall`] time with
//! its quality, a [`Timers`] table, seeded randomness ([`Rng`]) and UUIDv7 ids ([`Ids`]).
//!
//! The core contract: `new(config, seed, now)`, `handle_<input>(…, now)`, `handle_timeout(now)`, `poll_output()`.
//! After each change the shell drains outputs until the core says wait. This crate never reads a clock and never
//! allocates, so firmware uses it too.
#![no_std]

mod ids;
mod rng;
mod time;
mod timers;

pub use ids::Ids;
pub use rng::Rng;
pub use time::{ClockQuality, Instant, Wall};
pub use timers::Timers;
