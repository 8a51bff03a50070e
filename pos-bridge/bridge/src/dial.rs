//! One TLS connection to the gateway, and the messages on it. Every wait has a limit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store_daemon::pinned::{Digest, Identity, PinnedError, any_name};
use till_link::frame::{FrameError, FrameReader, encode};
use till_link::{FromTill, ToTill};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// For the connection, and for the handshake.
const DIAL_WAIT: Duration = Duration::from_secs(5);
/// For the gateway's answer to the first message. Its database may be busy for a moment.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// For the other side to take a message off the wire.
const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Octets read at once.
const READ_OCTETS: usize = 4_096;

/// Why there is no connection, or it ended.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nobody answers at the address.
    #[error("{address} can't be reached: {why}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The operating system's reason.
        why: String,
    },
    /// Somebody else is there.
    #[error("the machine at {address} shows the certificate of another gateway than this till was enrolled with")]
    OtherCertificate {
        /// Host and port.
        address: String,
    },
    /// TLS failed in another way.
    #[error("no TLS with {address}: {why}")]
    Handshake {
        /// Host and port.
        address: String,
        /// The library's reason.
        why: String,
    },
    /// The till's own identity can't be used.
    #[error(transparent)]
    Identity(#[from] PinnedError),
    /// It was closed, or the network failed.
    #[error("the connection ended: {0}")]
    Ended(String),
    /// A message can't be read or written.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// A connection. Dropping it closes it.
pub struct Wire {
    stream: TlsStream<TcpStream>,
    reader: FrameReader,
    buffer: Vec<u8>,
    gateway: Digest,
}

impl Wire {
    /// Connects to the gateway whose certificate `is_right` takes; nothing is said before.
    ///
    /// # Errors
    /// [`WireError`]; [`WireError::OtherCertificate`] when `is_right` said no.
    pub async fn open(
        address: &str,
        identity: &Identity,
        is_right: impl Fn(&Digest) -> bool + Send + Sync + 'static,
    ) -> Result<Self, WireError> {
        // What the handshake saw: the certificate, and whether it is right.
        let seen: Arc<Mutex<Option<(Digest, bool)>>> = Arc::default();
        let note = Arc::clone(&seen);
        let config = identity.client(move |digest| {
            let is_right = is_right(digest);
            *note.lock().unwrap_or_else(PoisonError::into_inner) = Some((*digest, is_right));
            is_right
        })?;
        let unreachable = |why: String| WireError::Unreachable { address: address.to_owned(), why };
        let connected = timeout(DIAL_WAIT, TcpStream::connect(address)).await;
        let socket = connected.map_err(|_| unreachable("no answer in 5 s".into()))?;
        let socket = socket.map_err(|e| unreachable(e.to_string()))?;
        socket.set_nodelay(true).map_err(|e| unreachable(e.to_string()))?;
        let shaken = timeout(DIAL_WAIT, TlsConnector::from(config).connect(any_name(), socket)).await;
        let seen = *seen.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |why: String| WireError::Handshake { address: address.to_owned(), why };
        match (shaken, seen) {
            (_, Some((_, false))) => Err(WireError::OtherCertificate { address: address.to_owned() }),
            (Ok(Ok(stream)), Some((gateway, true))) => {
                Ok(Self { stream, reader: FrameReader::default(), buffer: vec![0; READ_OCTETS], gateway })
            }
            (Ok(Ok(_)), None) => Err(failed("no certificate was shown".into())),
            (Ok(Err(e)), _) => Err(failed(e.to_string())),
            (Err(_), _) => Err(failed("no answer in 5 s; is it the gateway's port for tills?".into())),
        }
    }

    /// SHA-256 of the certificate of the other side.
    pub fn gateway(&self) -> Digest {
        self.gateway
    }

    /// Says something.
    ///
    /// # Errors
    /// [`WireError`]; the connection is of no use then.
    pub async fn send(&mut self, message: &FromTill) -> Result<(), WireError> {
        let frame = encode(message)?;
        let written = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        match timeout(WRITE_WAIT, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(WireError::Ended(e.to_string())),
            Err(_) => Err(WireError::Ended("the gateway takes no octets".into())),
        }
    }

    /// The next message. Cancel-safe: nothing is lost when another branch wins.
    ///
    /// # Errors
    /// [`WireError`]; the connection is of no use then.
    pub async fn receive(&mut self) -> Result<ToTill, WireError> {
        loop {
            if let Some(message) = self.reader.next_frame()? {
                return Ok(message);
            }
            match self.stream.read(&mut self.buffer).await {
                Ok(0) => return Err(WireError::Ended("closed by the gateway".into())),
                Ok(count) => self.reader.push(self.buffer.get(..count).unwrap_or_default()),
                Err(e) => return Err(WireError::Ended(e.to_string())),
            }
        }
    }

    /// The answer to the first message: the first that is no sign of life.
    ///
    /// # Errors
    /// [`WireError`]; also when it does not come within [`ANSWER_WAIT`].
    pub async fn answer(&mut self) -> Result<ToTill, WireError> {
        let told = async {
            loop {
                match self.receive().await {
                    Ok(ToTill::Alive) => {}
                    other => return other,
                }
            }
        };
        timeout(ANSWER_WAIT, told).await.map_err(|_| WireError::Ended("the gateway did not answer".into()))?
    }

    /// Ends it so that the other side hears of it at once.
    pub async fn close(mut self) {
        // The connection is given up in any case.
        drop(timeout(Duration::from_millis(300), self.stream.shutdown()).await);
    }
}
