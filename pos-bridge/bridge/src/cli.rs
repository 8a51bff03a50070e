//! The command line: `run`, `check`, `enrol`, `scan-test`, `print-test`, `doctor`.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use store_daemon::process::{EXIT_CONFIG, EXIT_FAILED, init_logs, init_tls};

use crate::config::Config;
use crate::{doctor, enrol, run, trial};

/// Letters of the longest line that may hold a code.
const LONGEST_LINE: u64 = 1_024;

/// Threads for what blocks: a name look-up of the link and of a printer, a document's pictures, and one to spare.
const BLOCKING_THREADS: usize = 4;

/// Joins a till's scanners, printers and drawer to the store's gateway.
#[derive(Debug, Parser)]
#[command(name = "pos-bridge", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon.
    Run(ConfigFile),
    /// Checks the configuration; needs neither devices nor gateway.
    Check(ConfigFile),
    /// Makes this till and the gateway known to each other by a code from the gateway's page "Devices".
    Enrol {
        #[command(flatten)]
        file: ConfigFile,
        /// The code; `-` reads it as one line from standard input.
        #[arg(long)]
        code: String,
    },
    /// Shows what the scanners read, until it is interrupted.
    ScanTest {
        #[command(flatten)]
        file: ConfigFile,
        /// Ends by itself after so many seconds.
        #[arg(long)]
        seconds: Option<u64>,
    },
    /// Prints the test page, without the gateway.
    PrintTest {
        #[command(flatten)]
        file: ConfigFile,
        /// On this printer only; without it on each.
        #[arg(long)]
        printer: Option<String>,
    },
    /// Looks at everything that the daemon needs and says what is wrong.
    Doctor(ConfigFile),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    init_logs();
    init_tls();
    match command {
        Command::Run(file) => with_config(&file.config, |config| told(in_runtime(run::run(&config)))),
        Command::Check(file) => with_config(&file.config, |_| {
            println!("{}: good", file.config.display());
            ExitCode::SUCCESS
        }),
        Command::Enrol { file, code } => with_config(&file.config, |config| told(enrolled(&config, &code))),
        Command::ScanTest { file, seconds } => {
            with_config(&file.config, |config| told(in_runtime(trial::scan(&config, seconds.map(Duration::from_secs)))))
        }
        Command::PrintTest { file, printer } => {
            with_config(&file.config, |config| told(in_runtime(trial::print(&config, printer.as_deref()))))
        }
        Command::Doctor(file) => with_config(&file.config, |config| match in_runtime(doctor::look(&config)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(EXIT_FAILED),
            Err(e) => told(Err(e)),
        }),
    }
}

/// One thread does it all: there is little to do, and each thread would keep a heap.
fn in_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(BLOCKING_THREADS).thread_stack_size(512 * 1_024).build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

fn enrolled(config: &Config, code: &str) -> anyhow::Result<()> {
    let code = if code == "-" { line_of_stdin()? } else { code.to_owned() };
    let store = in_runtime(enrol::enrol(config, &code))?;
    println!("{} is a till of {store} now", config.till);
    Ok(())
}

fn line_of_stdin() -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut line = String::new();
    let read = std::io::stdin().lock().take(LONGEST_LINE).read_line(&mut line);
    read.context("reading the code from standard input")?;
    Ok(line.trim().to_owned())
}

fn with_config(path: &Path, act: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(path) {
        Ok(config) => act(config),
        Err(e) => {
            eprintln!("pos-bridge: {e}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn told(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("pos-bridge: {e:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}
