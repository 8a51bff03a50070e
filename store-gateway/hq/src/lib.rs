//! HQ: the other end of the wire. Takes orders from the shop platform by REST, file and form, carries them to the
//! stores over MQTT, keeps what the stores report, signs their configuration, and shows all of it.
//!
//! What an order's state is, `shop-model` decides; how events travel, `store-sync`. This crate never decides about
//! physical facts: those belong to the stores.

pub mod app;
pub mod backups;
pub mod bundles;
pub mod cli;
pub mod config;
pub mod db;
pub mod desk;
pub mod facts;
pub mod ingest;
pub mod live;
pub mod orders;
pub mod project;
pub mod run;
pub mod signing;
pub mod stores;
pub mod tidy;
pub mod uplink;
pub mod users;
pub mod web;
pub mod words;
