//! The simulated receipt printer as a process: see [`hil_tests::sim_printer`].

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{ArgGroup, Parser, ValueEnum};
use hil_tests::sim_printer::{Model, Options, Place, Shell};
use hil_tests::world::stop_signal;
use serde_json::json;

/// A simulated ESC/POS printer on a pty or TCP, with its paper, cover and drawer behind a control port.
#[derive(Debug, Parser)]
#[command(version, group(ArgGroup::new("place").required(true).args(["link", "tcp"])))]
struct Arguments {
    /// Link that will name the pty.
    #[arg(long)]
    link: Option<PathBuf>,
    /// Address for one host at a time; port 0 takes any.
    #[arg(long)]
    tcp: Option<SocketAddr>,
    /// Control port on 127.0.0.1; 0 takes any.
    #[arg(long, default_value_t = 0)]
    control: u16,
    /// Paper in millimetres.
    #[arg(long, value_enum, default_value = "80")]
    width: Width,
    /// Folder of the slips.
    #[arg(long)]
    out: PathBuf,
    /// Whether it answers GS ( H.
    #[arg(long, value_enum, default_value = "on")]
    process_id: Switch,
    /// Whether it answers DLE EOT, GS a, GS r and GS I.
    #[arg(long, value_enum, default_value = "on")]
    status: Switch,
    /// Pace of the port in bits a second; absent: as fast as octets come.
    #[arg(long)]
    bps: Option<u32>,
    /// Lines a second; absent: as fast as it can.
    #[arg(long)]
    lines_per_s: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Width {
    /// 384 dots.
    #[value(name = "58")]
    Narrow,
    /// 576 dots.
    #[value(name = "80")]
    Wide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let stop = stop_signal().context("preparing to be stopped")?;
    let dots = match arguments.width {
        Width::Narrow => 384,
        Width::Wide => 576,
    };
    let place = match (&arguments.link, arguments.tcp) {
        (Some(link), _) => Place::Pty(link.clone()),
        (None, Some(address)) => Place::Tcp(address),
        (None, None) => anyhow::bail!("neither --link nor --tcp"),
    };
    let process_id = arguments.process_id == Switch::On;
    let shell = Shell::start(Options {
        place,
        control: arguments.control,
        model: Model { dots, process_id, status: arguments.status == Switch::On },
        out: arguments.out,
        bps: arguments.bps,
        lines_per_s: arguments.lines_per_s,
    })?;
    let mut ready = json!({"ready": true, "control": shell.control.to_string()});
    if let Some(link) = &arguments.link {
        ready["link"] = json!(link.display().to_string());
    }
    if let Some(tcp) = shell.tcp {
        ready["tcp"] = json!(tcp.to_string());
    }
    println!("{ready}");
    stop.wait();
    drop(shell);
    Ok(())
}
