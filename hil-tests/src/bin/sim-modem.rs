//! The simulated modem as a process: see [`hil_tests::sim_modem`].

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use hil_tests::sim_modem::{Config, Options, PortOnReboot, Profile, Shell, Start};
use hil_tests::world::stop_signal;
use serde_json::json;

/// A simulated GSM/LTE modem on a pty, with its network behind a control port.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Link that will name the pty.
    #[arg(long)]
    link: PathBuf,
    /// Control port on 127.0.0.1; 0 takes any.
    #[arg(long, default_value_t = 0)]
    control: u16,
    /// Family of modems.
    #[arg(long, value_enum, default_value = "ec25")]
    profile: Profile,
    /// File that keeps the card over restarts.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Pace of the port in bits a second; absent: as fast as the pty.
    #[arg(long)]
    bps: Option<u32>,
    /// Link that will name the pty of the sound: 8 kHz, 16 bit little-endian, one channel, both ways while a call is active.
    #[arg(long)]
    pcm_link: Option<PathBuf>,
    /// Port on 127.0.0.1 for the far end's ear and mouth, the same sound raw both ways; 0 takes any.
    #[arg(long)]
    sound: Option<u16>,
    /// Start with the power just switched on instead of a modem that has been on for long.
    #[arg(long)]
    cold: bool,
    /// What the port does while the modem reboots.
    #[arg(long, value_enum, default_value = "keep")]
    port_on_reboot: PortOnReboot,
    /// Milliseconds from the end of a submission to the air.
    #[arg(long, default_value_t = 0)]
    air_ms: u64,
    /// Milliseconds from the air to handset and delivery report.
    #[arg(long, default_value_t = 0)]
    report_ms: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let stop = stop_signal().context("preparing to be stopped")?;
    let mut config = Config::new(arguments.profile);
    config.port_on_reboot = arguments.port_on_reboot;
    config.air_ms = arguments.air_ms;
    config.report_ms = arguments.report_ms;
    let shell = Shell::start(Options {
        link: arguments.link.clone(),
        control: arguments.control,
        config,
        start: if arguments.cold { Start::Cold } else { Start::Warm },
        state: arguments.state,
        bps: arguments.bps,
        pcm_link: arguments.pcm_link.clone(),
        sound: arguments.sound,
    })?;
    let link = arguments.link.display().to_string();
    let mut ready = json!({"ready": true, "control": shell.control.to_string(), "link": link});
    if let Some(pcm) = &arguments.pcm_link {
        ready["pcm"] = json!(pcm.display().to_string());
    }
    if let Some(sound) = shell.sound {
        ready["sound"] = json!(sound.to_string());
    }
    println!("{ready}");
    stop.wait();
    drop(shell);
    Ok(())
}
