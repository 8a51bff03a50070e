//! Simulated hardware and the world around the product: what end-to-end tests, peers' tests and the demo stand on.
//!
//! Nothing here uses the product's own codecs or engines: a simulator that shared them would agree with their mistakes.

pub mod cut_proxy;
pub mod make_orders;
pub mod sim_modem;
pub mod sim_phone;
pub mod sim_printer;
pub mod sim_till;
pub mod softphone;
pub mod world;
