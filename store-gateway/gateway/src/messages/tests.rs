//! The queue against a real database.

mod incoming;
mod outgoing;
mod timing;
mod walk;
