//! Ties a process to its parent's life, so that a demo killed outright leaves nothing running.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getppid};

/// Becomes `command`, which the kernel kills when the process `parent` dies.
///
/// # Errors
/// When the parent is gone already, or the command can't be run. It does not return otherwise.
pub fn become_command(parent: u32, command: &[String]) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("bind to the parent's life")?;
    // Asked after the binding: a parent that died in between is caught by one of the two.
    if getppid() != Pid::from_raw(i32::try_from(parent).context("read the parent's number")?) {
        bail!("the parent {parent} is gone");
    }
    // The demo blocks signals to read them in its loop; a blocked SIGTERM would be inherited.
    SigSet::all().thread_unblock().context("unblock signals")?;
    let (program, arguments) = command.split_first().context("no command to run")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("run {program}"))
}
