//! The daemon on the box in the back room of a shop: SQLite, the modem's serial port, the broker and the counter's
//! pages around the pure cores.
//!
//! Decides nothing about reservations (`shop_model`), sync (`store_sync`) or AT commands (`gsm_modem`). Everything that
//! changes goes through [`app::App::work`]: one transaction in which state, outbox and projections move together.

pub mod app;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod desk;
pub mod doctor;
pub mod facts;
pub mod live;
pub mod messages;
pub mod modem;
pub mod run;
pub mod screens;
pub mod settings;
pub mod sms_cli;
pub mod staff;
pub mod status;
pub mod tills;
mod trial;
pub mod upkeep;
pub mod uplink;
pub mod web;
