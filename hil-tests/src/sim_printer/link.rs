//! The printer's port: a pty or one TCP connection at a time.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::pty::{Pty, Read};
use super::world::{ANSWERS_WAITING, Shared};

/// Octets taken from the port at once.
const CHUNK: usize = 4_096;
/// How long a port is listened to before power and end are looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long an answer waits for a host that does not read; then it is lost.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// Pieces a second in which a paced port takes octets.
const PIECES_A_SECOND: u32 = 50;

/// Serves the pty until the end; without power there is none.
pub(super) fn serve_pty(shared: &Shared, link: &Path, first: Pty, bps: Option<u32>) {
    let mut opened = Some(first);
    while wait_for_power(shared) {
        let pty = opened.take().map_or_else(|| Pty::open(link), Ok);
        match pty {
            Ok(pty) => serve_opened(shared, &pty, bps),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "opening the printer's port");
                return;
            }
        }
    }
}

fn serve_opened(shared: &Shared, pty: &Pty, bps: Option<u32>) {
    let (host, answers) = sync_channel::<Vec<u8>>(ANSWERS_WAITING);
    shared.connect(Some(host));
    let mut buffer = vec![0; piece(bps)];
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(octets) = answers.recv() {
                pty.write(&octets, ANSWER_LIMIT);
            }
        });
        while is_on(shared) {
            if !hears(shared) {
                continue;
            }
            if let Read::Octets(count) = pty.read(&mut buffer, LOOK_EVERY) {
                pace(count, bps);
                shared.hand_over(&buffer[..count]);
            }
        }
        shared.connect(None);
    });
}

/// Serves TCP connections one after the other until the end; a second one waits until the first is over, and without
/// power all are refused.
pub(super) fn serve_tcp(shared: &Shared, address: SocketAddr, first: TcpListener, bps: Option<u32>) {
    let mut listening = Some(first);
    while wait_for_power(shared) {
        match listening.take().map_or_else(|| TcpListener::bind(address), Ok) {
            Ok(listener) => serve_listener(shared, &listener, bps),
            Err(error) => {
                tracing::error!(%error, "listening for the host again");
                return;
            }
        }
    }
}

fn serve_listener(shared: &Shared, listener: &TcpListener, bps: Option<u32>) {
    while is_on(shared) {
        let mut ports = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(LOOK_EVERY).unwrap_or(PollTimeout::ZERO);
        if poll(&mut ports, limit).is_ok_and(|ready| ready > 0)
            && let Ok((stream, _)) = listener.accept()
            && let Err(error) = serve_stream(shared, &stream, bps)
        {
            tracing::debug!(error = format!("{error:#}"), "a host's connection ended");
        }
    }
}

fn serve_stream(shared: &Shared, stream: &TcpStream, bps: Option<u32>) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    let (host, answers) = sync_channel::<Vec<u8>>(ANSWERS_WAITING);
    shared.connect(Some(host));
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut to_host = stream;
            while let Ok(octets) = answers.recv() {
                if to_host.write_all(&octets).is_err() {
                    return;
                }
            }
        });
        let ended = read_stream(shared, stream, bps);
        shared.connect(None);
        ended
    })
}

fn read_stream(shared: &Shared, mut stream: &TcpStream, bps: Option<u32>) -> Result<()> {
    let mut buffer = vec![0; piece(bps)];
    while is_on(shared) {
        if !hears(shared) {
            continue;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                pace(count, bps);
                shared.hand_over(&buffer[..count]);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).context("reading from the host"),
        }
    }
    Ok(())
}

fn piece(bps: Option<u32>) -> usize {
    let a_piece = |bps: u32| usize::try_from(bps / 10 / PIECES_A_SECOND).unwrap_or(CHUNK).clamp(1, CHUNK);
    bps.map_or(CHUNK, a_piece)
}

/// Ten bits an octet: start, eight data, stop.
fn pace(octets: usize, bps: Option<u32>) {
    if let Some(bps) = bps {
        let bits = u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(10);
        thread::sleep(Duration::from_micros(bits.saturating_mul(1_000_000) / u64::from(bps.max(1))));
    }
}

/// Waits until there is power; false at the end.
fn wait_for_power(shared: &Shared) -> bool {
    !shared.wait(None, |world| world.powered || world.stopped).stopped
}

fn is_on(shared: &Shared) -> bool {
    let world = shared.lock();
    world.powered && !world.stopped
}

/// Waits a moment while the printer is deaf: what comes meanwhile stays on the line. False when it still is.
fn hears(shared: &Shared) -> bool {
    !shared.wait(Some(LOOK_EVERY), |world| !world.deaf || !world.powered || world.stopped).deaf
}
