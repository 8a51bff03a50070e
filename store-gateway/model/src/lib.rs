//! The rules of the shop as pure functions: reservations and who wins, money, phones, opening hours, hold deadlines,
//! pickup codes, customers' replies, message texts.
//!
//! Nothing here looks at a clock, throws dice or touches the world: time and randomness come in as arguments. Both
//! ends of the wire use it, so what it says is the same in the store and at HQ. Wire forms are `store_sync`'s.

pub mod code;
pub mod config;
pub mod decide;
pub mod document;
pub mod event;
pub mod folding;
pub mod hold;
pub mod hours;
pub mod ids;
pub mod language;
pub mod message;
pub mod money;
pub mod person;
pub mod phone;
pub mod reply;
pub mod reservation;
pub mod scan;
pub mod template;
