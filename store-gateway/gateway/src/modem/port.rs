//! The serial port: opened, read, written, lost and found again. Cancel-safe: [`Port::next`] loses nothing when another
//! branch of the task wins.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;
use tokio_serial::{SerialPortBuilderExt as _, SerialStream};

/// First wait before the port is tried again; doubled up to the longest. A modem that restarts is back in seconds.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A port that does not take a command's few octets for this long is as good as lost.
const WRITE_WAIT: Duration = Duration::from_secs(5);
/// Octets read at once; a line of the modem has a few hundred.
const READ_OCTETS: usize = 4_096;

/// What the port did.
pub(super) enum PortEvent {
    /// It is open now.
    Opened,
    /// The modem said something.
    Read(Vec<u8>),
    /// It was open and is gone.
    Lost(String),
    /// It could not be opened; tried again later.
    Missing(String),
}

/// The port of one modem. Configure a path that names the socket it hangs on (`/dev/serial/by-path/…`): then the modem
/// is found again whatever number the kernel gives it.
pub(super) struct Port {
    path: PathBuf,
    baud: u32,
    stream: Option<SerialStream>,
    wait: Duration,
    try_at: Instant,
}

impl Port {
    pub(super) fn new(path: PathBuf, baud: u32) -> Port {
        Port { path, baud, stream: None, wait: FIRST_WAIT, try_at: Instant::now() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the port; it is opened again after a moment.
    pub(super) fn close(&mut self) {
        self.stream = None;
        self.try_at = Instant::now() + self.wait;
    }

    /// Waits until something happens.
    pub(super) async fn next(&mut self) -> PortEvent {
        let Some(stream) = &mut self.stream else { return self.open().await };
        let mut octets = vec![0; READ_OCTETS];
        let why = match stream.read(&mut octets).await {
            Ok(0) => "closed by the other side".to_owned(),
            Ok(count) => {
                octets.truncate(count);
                return PortEvent::Read(octets);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return PortEvent::Read(Vec::new()),
            Err(e) => e.to_string(),
        };
        self.close();
        PortEvent::Lost(why)
    }

    async fn open(&mut self) -> PortEvent {
        tokio::time::sleep_until(self.try_at).await;
        match tokio_serial::new(self.path.to_string_lossy(), self.baud).open_native_async() {
            Ok(stream) => {
                self.stream = Some(stream);
                self.wait = FIRST_WAIT;
                PortEvent::Opened
            }
            Err(e) => {
                self.try_at = Instant::now() + self.wait;
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                PortEvent::Missing(e.to_string())
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// Why the port is lost; it is closed then.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), String> {
        // The engine may have spoken before it heard that the port is gone; it will hear.
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let why = match tokio::time::timeout(WRITE_WAIT, stream.write_all(octets)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(e)) => e.to_string(),
            Err(_) => "takes no octets".to_owned(),
        };
        self.close();
        Err(why)
    }
}
