//! Runs the whole product on one machine without hardware: broker, HQ, the gateway with a simulated modem, the customers'
//! phones and a switch for the uplink.
//!
//! It decides ports, folders and accounts, starts the real binaries that lie beside it, and restarts what dies. It never
//! pretends to be one of them: everything that a visitor sees comes from the binaries that a shop would run.

#[path = "../demo/mod.rs"]
mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the whole product on this machine, without hardware. Ctrl-C stops all of it.
#[derive(Debug, Parser)]
#[command(name = "demo", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    options: demo::Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Becomes COMMAND, bound to die with its parent.
    #[command(hide = true)]
    Guard {
        /// The process whose death ends COMMAND.
        #[arg(long)]
        parent: u32,
        /// What to run.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => demo::run(&arguments.options),
        Some(Command::Guard { parent, command }) => demo::guard::become_command(parent, &command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
