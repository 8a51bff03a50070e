//! The pty that stands for the serial port.
//!
//! The host opens the slave end through a link. As with a USB modem, what the modem says while nobody has the port open is lost,
//! and what was not read when the last user closes it is thrown away. The simulator keeps the slave end open itself, in raw
//! mode, so that no line discipline echoes or changes octets between two users.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::termios::{FlushArg, SetArg, cfmakeraw, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{pipe, read, write};

/// Octets read at once.
const CHUNK: usize = 4_096;
/// Writes waiting for a slow line: at 164 octets a message far more than any answer; beyond it the core waits.
const WRITES_WAITING: usize = 4_096;
/// How long a host that has the port open may leave its buffer full before octets are lost, as on a line without flow control.
const FULL_WAIT: Duration = Duration::from_secs(5);
/// How long the paced writer collects octets before it writes them.
const PACE_STEP_OCTETS: u32 = 16;

/// What goes over the port, and how fast.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    /// Commands and answers, at so many bits a second; none: as fast as the pty. A host that does not read gets time.
    Commands(Option<u32>),
    /// Samples of 16 bits at their own pace: what finds no room is too late and is left out, in whole pieces.
    Sound,
}

/// What happens at the port.
#[derive(Debug)]
pub(super) enum PortEvent {
    /// The host wrote octets.
    Octets(Vec<u8>),
    /// Somebody has the port open now.
    Opened,
    /// Nobody has.
    Closed,
}

/// A port with its threads; dropping it takes the port away.
#[derive(Debug)]
pub(super) struct Port {
    writes: SyncSender<Vec<u8>>,
    stop: OwnedFd,
    link: PathBuf,
    /// The slave's own name.
    pub pts: PathBuf,
}

impl Port {
    /// Opens a pty and links it.
    pub fn open(link: &Path, line: Line, sink: impl Fn(PortEvent) + Send + 'static) -> Result<Self> {
        let pty = openpty(None, None).context("opening a pty")?;
        let mut settings = tcgetattr(&pty.slave).context("reading the pty's settings")?;
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).context("setting the pty raw")?;
        let flags = OFlag::from_bits_truncate(fcntl(&pty.master, FcntlArg::F_GETFL)?) | OFlag::O_NONBLOCK;
        fcntl(&pty.master, FcntlArg::F_SETFL(flags)).context("setting the pty non-blocking")?;
        let pts = fs::read_link(format!("/proc/self/fd/{}", pty.slave.as_raw_fd())).context("naming the pty")?;
        let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let on = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CLOSE;
        watch.add_watch(&pts, on).context("watching who opens the pty")?;
        let (stopped, stop) = pipe().context("opening a pipe")?;
        let (writes, waiting) = sync_channel(WRITES_WAITING);
        let in_use = Arc::new(AtomicBool::new(false));
        let master = Arc::new(pty.master);
        let writer = Writer { master: Arc::clone(&master), in_use: Arc::clone(&in_use), unsent: Vec::new() };
        thread::Builder::new().name("port-out".into()).spawn(move || writer.run(&waiting, line))?;
        let reader = Reader { master, slave: pty.slave, watch, stopped, pts: pts.clone(), in_use };
        thread::Builder::new().name("port-in".into()).spawn(move || reader.run(&sink))?;
        relink(link, &pts)?;
        Ok(Self { writes, stop, link: link.to_owned(), pts })
    }

    /// Writes to the host; octets that find nobody there are lost.
    pub fn write(&self, octets: Vec<u8>) {
        if let Err(TrySendError::Full(octets)) = self.writes.try_send(octets)
            && self.writes.send(octets).is_err()
        {
            tracing::warn!("the port's writer has ended");
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if fs::read_link(&self.link).is_ok_and(|target| target == self.pts)
            && let Err(error) = fs::remove_file(&self.link)
        {
            tracing::warn!(%error, "removing the port's link");
        }
        if let Err(error) = write(&self.stop, b"x") {
            tracing::warn!(%error, "stopping the port's reader");
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

struct Reader {
    master: Arc<OwnedFd>,
    slave: OwnedFd,
    watch: Inotify,
    stopped: OwnedFd,
    pts: PathBuf,
    in_use: Arc<AtomicBool>,
}

impl Reader {
    fn run(self, sink: &impl Fn(PortEvent)) {
        let mut buffer = [0u8; CHUNK];
        loop {
            let mut waits = [
                PollFd::new(self.master.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.watch.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
            ];
            if poll(&mut waits, PollTimeout::NONE).is_err() {
                continue;
            }
            if waits[2].any().unwrap_or(true) {
                return;
            }
            // Read first: who wrote had opened before, so the watch already knows it.
            let got = read(&*self.master, &mut buffer).unwrap_or(0);
            self.notice_users(got > 0, sink);
            if got > 0 {
                sink(PortEvent::Octets(buffer[..got].to_vec()));
            }
            if !self.in_use.load(Ordering::SeqCst)
                && let Err(error) = tcflush(&self.slave, FlushArg::TCIFLUSH)
            {
                tracing::warn!(%error, "throwing away unread octets");
            }
        }
    }

    /// Looks who has the port open after an open or a close; equal events are merged by the kernel, so counting them would err.
    fn notice_users(&self, wrote: bool, sink: &impl Fn(PortEvent)) {
        let changed = self.watch.read_events().is_ok_and(|events| !events.is_empty());
        let was = self.in_use.load(Ordering::SeqCst);
        let is = if changed { opened_by_others(&self.pts) } else { was || wrote };
        self.in_use.store(is, Ordering::SeqCst);
        match (was, is) {
            (false, true) => sink(PortEvent::Opened),
            (true, false) => sink(PortEvent::Closed),
            _ => {}
        }
    }
}

/// Tells whether another process has a file open. A process that ends meanwhile or belongs to another user does not count.
fn opened_by_others(path: &Path) -> bool {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let others = processes.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(|c: char| c.is_ascii_digit()) && name != own
    });
    let mut files = others.flat_map(|entry| fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten());
    files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == path))
}

struct Writer {
    master: Arc<OwnedFd>,
    in_use: Arc<AtomicBool>,
    /// The rest of a piece of sound that found no room.
    unsent: Vec<u8>,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Vec<u8>>, line: Line) {
        while let Ok(octets) = waiting.recv() {
            match line {
                Line::Commands(None) => self.write_some(&octets),
                Line::Commands(Some(bps)) => self.write_paced(&octets, bps),
                Line::Sound => self.write_sound(octets),
            }
        }
    }

    fn write_paced(&self, octets: &[u8], bps: u32) {
        for piece in octets.chunks(PACE_STEP_OCTETS as usize) {
            // Ten bits an octet: start, eight data, stop.
            let bits = u64::try_from(piece.len()).unwrap_or(u64::MAX) * 10;
            thread::sleep(Duration::from_micros(bits * 1_000_000 / u64::from(bps.max(1))));
            self.write_some(piece);
        }
    }

    /// Never waits. A piece that was begun is finished before the next one, or the host would read halves of samples.
    fn write_sound(&mut self, octets: Vec<u8>) {
        if !self.in_use.load(Ordering::SeqCst) {
            self.unsent.clear();
            return;
        }
        if self.unsent.is_empty() {
            self.unsent = octets;
        }
        match write(&*self.master, &self.unsent) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => {}
            Err(_) => self.unsent.clear(),
        }
    }

    fn write_some(&self, mut octets: &[u8]) {
        while !octets.is_empty() && self.in_use.load(Ordering::SeqCst) {
            match write(&*self.master, octets) {
                Ok(count) => octets = &octets[count..],
                Err(nix::errno::Errno::EAGAIN) if self.wait_for_room() => {}
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    fn wait_for_room(&self) -> bool {
        let mut room = [PollFd::new(self.master.as_fd(), PollFlags::POLLOUT)];
        let limit = PollTimeout::try_from(FULL_WAIT).unwrap_or(PollTimeout::MAX);
        poll(&mut room, limit).is_ok_and(|ready| ready > 0)
    }
}
