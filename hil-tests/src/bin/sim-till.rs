//! The till's desk in the demo as a process: see [`hil_tests::sim_till`].

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use hil_tests::sim_till::{Options, serve};
use hil_tests::world::stop_signal;
use serde_json::json;

/// A page with the simulated printer, its drawer and a simulated scanner.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address of the page.
    #[arg(long, default_value = "127.0.0.1:0")]
    web: SocketAddr,
    /// Control port of sim-printer on 127.0.0.1.
    #[arg(long)]
    printer_control: u16,
    /// Folder of sim-printer's slips.
    #[arg(long)]
    slips: PathBuf,
    /// Link that will name the scanner's pty.
    #[arg(long)]
    scanner_link: PathBuf,
    /// Control port on 127.0.0.1; 0 takes any.
    #[arg(long, default_value_t = 0)]
    control: u16,
}

fn main() -> Result<()> {
    let Arguments { web, printer_control, slips, scanner_link, control } = Arguments::parse();
    let stop = stop_signal().context("preparing to be stopped")?;
    let link = scanner_link.clone();
    std::thread::spawn(move || {
        stop.wait();
        // The link would name somebody else's pty later.
        if let Err(error) = std::fs::remove_file(&link) {
            eprintln!("removing {}: {error}", link.display());
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let scanner = scanner_link.display().to_string();
    runtime.block_on(serve(Options { web, printer_control, slips, scanner_link, control }, |addresses| {
        let (web, control) = (addresses.web.to_string(), addresses.control.to_string());
        println!("{}", json!({"ready": true, "web": web, "control": control, "scanner": scanner}));
    }))
}
