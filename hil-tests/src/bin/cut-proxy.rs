//! The cutting proxy as a process: see [`hil_tests::cut_proxy`].

use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Parser;
use hil_tests::cut_proxy::CutProxy;
use hil_tests::world::stop_signal;
use serde_json::json;

/// A TCP proxy with a switch that really cuts.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// HOST:PORT that it leads to.
    #[arg(long)]
    target: String,
    /// Address of the page with the switch and of its JSON.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let stop = stop_signal().context("preparing to be stopped")?;
    let proxy = CutProxy::start(arguments.listen, &arguments.target, Some(arguments.control))?;
    let control = proxy.control.context("the control port was asked for")?;
    println!("{}", json!({"ready": true, "listen": proxy.listen.to_string(), "web": control.to_string()}));
    stop.wait();
    drop(proxy);
    Ok(())
}
