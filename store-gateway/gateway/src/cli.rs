//! The command line: `run`, `check`, `doctor`, `take-over`, `staff add`, `sms encode|decode`, `sip hash`.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand, ValueEnum};
use store_daemon::ledger::SqlLedger;
use store_daemon::process::{EXIT_CONFIG, EXIT_FAILED, init_logs, init_tls};
use store_daemon::wall::unix_ms;
use store_sip::Algorithm;
use store_sync::LedgerRead as _;
use store_voice::dial::Extension;

use crate::app::SCOPE;
use crate::config::Config;
use crate::sms_cli::SmsCommand;
use crate::staff::Entry;
use crate::{database, doctor, run};

/// Keeps a shop's click-and-collect orders, texts its customers through the box's own modem, and serves its counter.
#[derive(Debug, Parser)]
#[command(name = "store-gateway", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon.
    Run(ConfigFile),
    /// Checks the configuration; needs neither modem nor broker.
    Check(ConfigFile),
    /// Looks at everything that the daemon needs and says what is wrong.
    Doctor(ConfigFile),
    /// Says that this box is the store's right one after another took over: it takes everything from HQ again and goes on.
    /// Switch the other box off and stop this one's service first.
    TakeOver(ConfigFile),
    /// The people of the store.
    #[command(subcommand)]
    Staff(StaffCommand),
    /// Encodes and decodes SMS PDUs.
    #[command(subcommand)]
    Sms(SmsCommand),
    /// The store's phones.
    #[command(subcommand)]
    Sip(SipCommand),
}

#[derive(Debug, Subcommand)]
enum SipCommand {
    /// Reads a phone's password as one line from standard input and writes its entry for the configuration, which holds
    /// hashes only.
    Hash {
        /// The phone's number within the store.
        #[arg(long)]
        extension: String,
        /// The realm of `[sip]`.
        #[arg(long)]
        realm: String,
        /// For which digest: an old phone that stumbles over an offer of SHA-256 gets a hash for MD5 alone.
        #[arg(long, value_enum, default_value_t = Digest::Sha256)]
        digest: Digest,
    },
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum StaffCommand {
    /// Enters somebody, or gives them a new name, role and PIN.
    Add {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// What they log in with.
        #[arg(long)]
        id: String,
        /// What screens call them.
        #[arg(long)]
        name: String,
        /// clerk, senior or manager.
        #[arg(long)]
        role: String,
        /// Read the PIN as one line from standard input.
        #[arg(long, required = true)]
        pin_stdin: bool,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    init_logs();
    init_tls();
    match command {
        Command::Sms(sms) => crate::sms_cli::run(&sms),
        Command::Sip(SipCommand::Hash { extension, realm, digest }) => told(hash(&extension, &realm, digest)),
        Command::Run(file) => with_config(&file.config, |config| told(run::run(config))),
        Command::Check(file) => with_config(&file.config, |_| {
            println!("{}: good", file.config.display());
            ExitCode::SUCCESS
        }),
        Command::Doctor(file) => with_config(&file.config, |config| doctor::look(&config)),
        Command::TakeOver(file) => with_config(&file.config, |config| told(take_over(&config))),
        Command::Staff(StaffCommand::Add { config, id, name, role, .. }) => {
            with_config(&config, |config| told(add_staff(&config, &id, &name, &role)))
        }
    }
}

/// What a phone can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Digest {
    /// RFC 7616.
    Sha256,
    /// RFC 2617.
    Md5,
    /// Either.
    Both,
}

fn hash(extension: &str, realm: &str, digest: Digest) -> anyhow::Result<()> {
    let extension = Extension::parse(extension).context("--extension")?;
    if realm.is_empty() || realm.contains(['"', '\\']) {
        bail!("--realm: must be some text without quotes");
    }
    let password = line_of_stdin("the password")?;
    if password.is_empty() {
        bail!("the password is empty");
    }
    println!("[[sip.phone]]\nextension = \"{}\"", extension.as_str());
    if digest != Digest::Md5 {
        println!("ha1_sha256 = \"{}\"", store_sip::ha1(Algorithm::Sha256, &extension, realm, &password).as_str());
    }
    if digest != Digest::Sha256 {
        println!("ha1_md5 = \"{}\"", store_sip::ha1(Algorithm::Md5, &extension, realm, &password).as_str());
    }
    Ok(())
}

fn line_of_stdin(what: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).with_context(|| format!("reading {what} from standard input"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn with_config(path: &std::path::Path, act: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(path) {
        Ok(config) => act(config),
        Err(e) => {
            eprintln!("store-gateway: {e}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

fn told(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("store-gateway: {e:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn add_staff(config: &Config, id: &str, name: &str, role: &str) -> anyhow::Result<()> {
    let entry = Entry::new(id, name, role, &line_of_stdin("the PIN")?)?;
    let db = database::open(config)?;
    entry.put(&db, unix_ms()).with_context(|| format!("entering {id}"))?;
    println!("{id} may log in");
    Ok(())
}

fn take_over(config: &Config) -> anyhow::Result<()> {
    let db = database::open(config)?;
    match SqlLedger::new(&db, SCOPE).head().context("reading the sync ledger")? {
        Some(head) if head.superseded => {}
        Some(_) => bail!("no other box has taken over this store; there is nothing to do"),
        None => bail!("this box has never run"),
    }
    // A used database without its witness counts as restored: the next start begins a new epoch above all others,
    // takes HQ's copy and doubts what the other box may have done meanwhile.
    let witness = config.witness();
    match std::fs::remove_file(&witness) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("removing {}", witness.display()))
        }
        _ => {
            println!("start the service: this box takes over and asks for a scan of each bag");
            Ok(())
        }
    }
}
