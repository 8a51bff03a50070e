//! Calls: the store's SIP phones, its trunk and its SIM, the menu that answers them, and what is written down of them.
//!
//! [`exchange`] takes calls and gives each a [`task`]; the flow is [`store_voice`]'s. Sound and signalling never touch the
//! database: a call writes its row, timeline and event when it ends, and goes on without the uplink. Keys of a code are
//! never logged, spoken or stored.

pub mod config;
mod exchange;
mod leg;
mod lines;
mod live;
mod lookup;
mod ports;
mod prompts;
mod record;
mod sim;
mod task;
#[cfg(test)]
mod tests;
mod view;

pub use exchange::{Started, open, run};
pub(crate) use live::speech;
pub use live::{Doing, LiveCall, Switchboard};
pub use prompts::RECORDINGS;
pub use record::{Entry, Record, line};
pub use sim::{SimLine, SimRequest};
pub(crate) use view::drop_old;
pub use view::{CallRow, Page, Wanted, find, list, mark_done, of_person, open_missed};
