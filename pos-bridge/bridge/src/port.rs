//! The ports of printers: serial lines, character devices and the shop's network, read and written by one face.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::termios::tcgetattr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, Sleep, timeout};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialPortBuilderExt as _, SerialStream};

use crate::config::Place;

/// For a printer in the network to take a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Octets read at once; a printer's answers have a few.
const READ_OCTETS: usize = 256;
/// Between two looks at a device that has nothing to say: some answer each question by nothing, at once.
const EMPTY_WAIT: Duration = Duration::from_millis(50);

/// What a port did.
#[derive(Debug)]
pub enum Moved {
    /// The printer said something.
    Read(Vec<u8>),
    /// It took so many octets.
    Wrote(usize),
}

/// An open port.
pub struct Port {
    way: Way,
    /// Reads wait until then.
    pause: Option<Pin<Box<Sleep>>>,
}

enum Way {
    Serial(SerialStream),
    Device { out: Sender, back: Option<Receiver> },
    Tcp(TcpStream),
}

impl Port {
    /// Opens the port of a printer; `listens` says whether the printer's answers are of use.
    ///
    /// # Errors
    /// The operating system's. A file that is no port is refused.
    pub async fn open(place: &Place, listens: bool) -> io::Result<Self> {
        let way = match place {
            Place::Tcp(address) => Way::Tcp(connect(address).await?),
            Place::Device { path, baud } if is_tty(path)? => {
                let port = tokio_serial::new(path.to_string_lossy(), *baud).open_native_async()?;
                // Answers to questions of an earlier run would be taken for answers to this one's.
                port.clear(ClearBuffer::Input)?;
                Way::Serial(port)
            }
            Place::Device { path, .. } => device(path, listens)?,
        };
        Ok(Self { way, pause: None })
    }

    /// Waits until the printer says something, or takes some of `out`. Cancel-safe.
    ///
    /// # Errors
    /// The port is of no use any more.
    pub async fn step(&mut self, out: &[u8]) -> io::Result<Moved> {
        poll_fn(|context| self.poll_step(context, out)).await
    }

    fn poll_step(&mut self, context: &mut Context<'_>, out: &[u8]) -> Poll<io::Result<Moved>> {
        if let Poll::Ready(read) = self.poll_read(context) {
            return Poll::Ready(read.map(Moved::Read));
        }
        if out.is_empty() {
            return Poll::Pending;
        }
        let written = match &mut self.way {
            Way::Serial(port) => Pin::new(port).poll_write(context, out),
            Way::Device { out: port, .. } => Pin::new(port).poll_write(context, out),
            Way::Tcp(port) => Pin::new(port).poll_write(context, out),
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(done) => Poll::Ready(done.map(Moved::Wrote)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        let mut octets = [0; READ_OCTETS];
        let mut buffer = ReadBuf::new(&mut octets);
        let (read, is_device) = match &mut self.way {
            Way::Serial(port) => (Pin::new(port).poll_read(context, &mut buffer), false),
            Way::Device { back: Some(port), .. } => (Pin::new(port).poll_read(context, &mut buffer), true),
            Way::Device { back: None, .. } => (Poll::Pending, true),
            Way::Tcp(port) => (Pin::new(port).poll_read(context, &mut buffer), false),
        };
        match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Poll::Ready(Ok(buffer.filled().to_vec())),
            // A USB printer with nothing to say ends the transfer with no octets; the others' other side is gone.
            Poll::Ready(Ok(())) if is_device => {
                let mut pause = Box::pin(tokio::time::sleep_until(Instant::now() + EMPTY_WAIT));
                if pause.as_mut().poll(context).is_ready() {
                    context.waker().wake_by_ref();
                }
                self.pause = Some(pause);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

/// Whether this is a serial port, or a pseudo terminal, which is driven like one.
///
/// # Errors
/// The operating system's.
pub fn is_tty(path: &Path) -> io::Result<bool> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = OpenOptions::new().write(true).custom_flags(flags.bits()).open(path)?;
    Ok(tcgetattr(&file).is_ok())
}

fn device(path: &Path, listens: bool) -> io::Result<Way> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).bits();
    let file = OpenOptions::new().read(listens).write(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_char_device() && !kind.is_fifo() {
        return Err(io::Error::other("is neither a serial port nor a character device"));
    }
    let back = if listens { Some(Receiver::from_file_unchecked(file.try_clone()?)?) } else { None };
    Ok(Way::Device { out: Sender::from_file_unchecked(file)?, back })
}

async fn connect(address: &str) -> io::Result<TcpStream> {
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    let found = timeout(CONNECT_WAIT, lookup_host(address)).await.map_err(|_| late())??;
    let mut failed = io::Error::other("the name has no address");
    for address in found {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_keepalive(true)?;
        socket.set_nodelay(true)?;
        match timeout(CONNECT_WAIT, socket.connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => failed = e,
            Err(_) => failed = late(),
        }
    }
    Err(failed)
}

/// Tries whether a device's file can be opened, and shut again, without a word to the device.
///
/// # Errors
/// The operating system's.
pub fn try_open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path)
}

#[cfg(test)]
mod tests;
