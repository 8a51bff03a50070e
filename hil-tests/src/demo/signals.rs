//! Signals as something to wait for: the loop sleeps until a child ends, somebody asks to stop, or time is up.

use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Ctrl-C, SIGTERM or a closed terminal.
    Stop,
    /// A child ended, or the time is up.
    Look,
}

/// The signals that the demo reads instead of being interrupted by them.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
}

impl Signals {
    /// Takes the signals over. To be called before any thread is started: threads inherit the mask.
    pub fn take_over() -> Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
            mask.add(signal);
        }
        mask.thread_block().context("block signals")?;
        let descriptor = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        Ok(Self { descriptor: descriptor.context("open a signal descriptor")? })
    }

    /// Waits until a signal comes or `limit` is over.
    pub fn wait(&mut self, limit: Duration) -> Result<Woken> {
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("wait for a signal"),
        }
        let mut woken = Woken::Look;
        while let Some(signal) = self.descriptor.read_signal().context("read a signal")? {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                woken = Woken::Stop;
            }
        }
        Ok(woken)
    }
}
