//! The customers' phones as a process: see [`hil_tests::sim_phone`].

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use hil_tests::sim_phone::{Options, serve};
use hil_tests::world::stop_signal;
use serde_json::json;

/// A page that plays the customers' phones behind the simulated modem.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Control address of sim-modem.
    #[arg(long)]
    modem: String,
    /// Address of sim-modem's sound, the customers' ears.
    #[arg(long)]
    sound: Option<String>,
    /// Address of the page.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// File that keeps the phones over restarts.
    #[arg(long)]
    state: Option<PathBuf>,
}

fn main() -> Result<()> {
    let Arguments { modem, sound, listen, state } = Arguments::parse();
    let stop = stop_signal().context("preparing to be stopped")?;
    std::thread::spawn(move || {
        stop.wait();
        // The book is kept at every change, so nothing is left to do.
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(Options { modem, sound, listen, state }, |address| {
        println!("{}", json!({"ready": true, "web": address.to_string(), "version": env!("CARGO_PKG_VERSION")}));
    }))
}
