//! A pty that stands for a serial device, with a link to it.
//!
//! The slave stays raw from the first moment, whoever opens and closes it. Nobody has it open when the master hangs
//! up; what is written then is lost, and so is what the last user left unread, as on a serial line.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::stat::Mode;
use nix::sys::termios::{FlushArg, SetArg, cfmakeraw, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{read, write};

/// How often a port that nobody has open is looked at: a hung-up master tells nothing of an opening.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a look at the port found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// So many octets.
    Octets(usize),
    /// Somebody has it open and wrote nothing in time.
    Nothing,
    /// Nobody has it open.
    NobodyThere,
}

/// The device's end. Dropping it hangs up and takes the link away.
#[derive(Debug)]
pub(crate) struct Pty {
    master: OwnedFd,
    pts: PathBuf,
    link: PathBuf,
    in_use: AtomicBool,
}

impl Pty {
    /// Opens a pty and links it.
    ///
    /// # Errors
    /// When there is no pty or the link can't be made.
    pub fn open(link: &Path) -> Result<Self> {
        let pty = openpty(None, None).context("opening a pty")?;
        let mut settings = tcgetattr(&pty.slave).context("reading the pty's settings")?;
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).context("setting the pty raw")?;
        let flags = OFlag::from_bits_truncate(fcntl(&pty.master, FcntlArg::F_GETFL)?) | OFlag::O_NONBLOCK;
        fcntl(&pty.master, FcntlArg::F_SETFL(flags)).context("setting the pty non-blocking")?;
        let pts = fs::read_link(format!("/proc/self/fd/{}", pty.slave.as_raw_fd())).context("naming the pty")?;
        relink(link, &pts)?;
        Ok(Self { master: pty.master, pts, link: link.to_owned(), in_use: AtomicBool::new(false) })
    }

    /// Tells whether somebody has the port open.
    pub fn is_open(&self) -> bool {
        let mut ports = [PollFd::new(self.master.as_fd(), PollFlags::empty())];
        let found = poll(&mut ports, PollTimeout::ZERO);
        found.is_ok() && !ports[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
    }

    /// Waits up to `limit` for octets.
    pub fn read(&self, buffer: &mut [u8], limit: Duration) -> Read {
        let end = Instant::now() + limit;
        loop {
            let mut ports = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            let left = end.saturating_duration_since(Instant::now());
            // A signal ends the wait early; the next look is due anyhow.
            let looked = poll(&mut ports, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            let events = ports[0].revents().filter(|_| looked.is_ok()).unwrap_or(PollFlags::empty());
            if events.contains(PollFlags::POLLIN)
                && let Ok(count @ 1..) = read(&self.master, buffer)
            {
                self.in_use.store(true, Ordering::SeqCst);
                return Read::Octets(count);
            }
            let open = !events.contains(PollFlags::POLLHUP);
            if self.in_use.swap(open, Ordering::SeqCst) && !open {
                self.forget_unread();
            }
            if left.is_zero() {
                return if open { Read::Nothing } else { Read::NobodyThere };
            }
            if !open {
                thread::sleep(LOOK_EVERY.min(left));
            }
        }
    }

    /// Writes octets to whoever has the port open and returns how many found room within `limit`.
    pub fn write(&self, octets: &[u8], limit: Duration) -> usize {
        let end = Instant::now() + limit;
        let mut written = 0;
        while written < octets.len() && self.is_open() {
            match write(&self.master, &octets[written..]) {
                Ok(count) => written += count,
                Err(Errno::EAGAIN | Errno::EINTR) if Instant::now() < end => self.wait_for_room(end),
                Err(_) => break,
            }
        }
        written
    }

    fn wait_for_room(&self, end: Instant) {
        let mut ports = [PollFd::new(self.master.as_fd(), PollFlags::POLLOUT)];
        let left = end.saturating_duration_since(Instant::now());
        if poll(&mut ports, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)).is_err() {
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Throws away what the last user left unread, so that the next one does not get it.
    fn forget_unread(&self) {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let flushed = open(&self.pts, flags, Mode::empty()).and_then(|slave| tcflush(&slave, FlushArg::TCIFLUSH));
        if let Err(error) = flushed {
            tracing::warn!(%error, "throwing away what nobody read");
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if fs::read_link(&self.link).is_ok_and(|target| target == self.pts)
            && let Err(error) = fs::remove_file(&self.link)
        {
            tracing::warn!(%error, "removing the port's link");
        }
    }
}

/// Points the link at the pty in one step.
fn relink(link: &Path, pts: &Path) -> Result<()> {
    let fresh = link.with_extension(format!("new-{}", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context("clearing an old link"),
        _ => {}
    }
    std::os::unix::fs::symlink(pts, &fresh).with_context(|| format!("linking {}", fresh.display()))?;
    fs::rename(&fresh, link).with_context(|| format!("linking {}", link.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn host(link: &Path) -> OwnedFd {
        open(link, OFlag::O_RDWR | OFlag::O_NOCTTY, Mode::empty()).unwrap()
    }

    #[test]
    fn a_host_opens_closes_and_opens_again_and_octets_stay_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("port");
        let pty = Pty::open(&link).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(pty.read(&mut buffer, Duration::ZERO), Read::NobodyThere);
        assert_eq!(pty.write(b"nobody reads this", LIMIT), 0);
        for _ in 0..2 {
            let port = host(&link);
            write(&port, b"a\r\n\x03\x04\x11\x13").unwrap();
            assert_eq!(pty.read(&mut buffer, LIMIT), Read::Octets(7));
            assert_eq!(&buffer[..7], b"a\r\n\x03\x04\x11\x13");
            assert_eq!(pty.write(b"b\n", LIMIT), 2);
            assert_eq!((read(&port, &mut buffer), &buffer[..2]), (Ok(2), b"b\n".as_slice()));
            assert_eq!(pty.write(b"left unread", LIMIT), 11);
            drop(port);
            assert_eq!(pty.read(&mut buffer, Duration::from_millis(1)), Read::NobodyThere);
        }
        drop(pty);
        assert!(!link.exists() && fs::read_link(&link).is_err());
    }
}
