//! The real binary against a real mosquitto, on free ports, with nothing pretended but the store, which speaks the wire
//! forms by hand.

mod import;
mod ingest;
mod pages;
mod rest;
mod world;
