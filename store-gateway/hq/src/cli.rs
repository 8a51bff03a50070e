//! The commands: `run`, `check`, `user add`, `key`.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use store_daemon::{process, wall};

use crate::config::Config;
use crate::db::{self, Files};
use crate::signing::Signer;
use crate::{run, users};

#[derive(Parser)]
#[command(name = "store-hq", version, about = "Headquarters of the store gateways: orders in, stores' facts back")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs until SIGTERM or SIGINT.
    Run {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Checks the configuration; needs neither broker nor database.
    Check {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// People who may log in.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Prints the public key that gateways check HQ's word with.
    Key {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Enters somebody, or changes name and password.
    Add {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// What they log in as.
        #[arg(long)]
        id: String,
        /// Their name.
        #[arg(long)]
        name: String,
        /// Reads the password as one line from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    process::init_logs();
    process::init_tls();
    match Cli::parse().command {
        Command::Run { config } => with_config(&config, start),
        Command::Check { config } => with_config(&config, |_| {
            println!("{}: good", config.display());
            Ok(())
        }),
        Command::Key { config } => with_config(&config, |config| {
            let files = Files::create(&config.storage.path)?;
            println!("{}", Signer::load_or_create(&files.signing_key())?.public_key());
            Ok(())
        }),
        Command::User { command: UserCommand::Add { config, id, name, password_stdin: _ } } => {
            with_config(&config, |config| add_user(&config, &id, &name))
        }
    }
}

fn with_config(path: &Path, act: impl FnOnce(Config) -> anyhow::Result<()>) -> ExitCode {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(e) => {
            eprintln!("store-hq: {e}");
            return ExitCode::from(process::EXIT_CONFIG);
        }
    };
    match act(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("store-hq: {e:#}");
            ExitCode::from(process::EXIT_FAILED)
        }
    }
}

fn start(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run::run(config));
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}

fn add_user(config: &Config, id: &str, name: &str) -> anyhow::Result<()> {
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password)?;
    let new = users::check(id, name, password.trim_end_matches(['\r', '\n']))?;
    let files = Files::create(&config.storage.path)?;
    users::put(&db::open(&files)?, &new, wall::unix_ms())?;
    Ok(())
}
