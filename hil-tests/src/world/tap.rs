//! A client that hears everything on a broker, with the time at which it came.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};

/// Largest packet: what the product may send, with room to see that it sent more.
const PACKET_OCTETS: usize = 1 << 20;
/// How long the broker may take to grant the subscription.
const GRANT_LIMIT: Duration = Duration::from_secs(15);
/// Requests inside the client; a tap makes one.
const REQUESTS: usize = 8;

/// A message that the broker passed on.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When it came.
    pub at: Instant,
    /// Its topic.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// The broker had kept it from before the subscription.
    pub retained: bool,
}

/// A subscription to everything that fits a filter. What is not read stays in memory: it is for tests.
pub struct Tap {
    frames: Receiver<Frame>,
    client: Client,
}

impl Tap {
    /// Subscribes at the broker on a loopback port and waits until the subscription stands.
    ///
    /// # Errors
    /// When the broker does not grant it in time.
    pub fn start(port: u16, filter: &str) -> Result<Self> {
        // A broker ends the older of two connections of one name.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("tap-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::SeqCst));
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_max_packet_size(PACKET_OCTETS, PACKET_OCTETS);
        let (client, connection) = Client::new(options, REQUESTS);
        client.subscribe(filter, QoS::AtLeastOnce).context("subscribing")?;
        let (frame, frames) = channel();
        let (granted, grant) = channel();
        thread::Builder::new().name("tap".into()).spawn(move || listen(connection, &granted, &frame))?;
        match grant.recv_timeout(GRANT_LIMIT) {
            Ok(()) => Ok(Self { frames, client }),
            Err(_) => bail!("the broker on port {port} did not grant {filter} within {GRANT_LIMIT:?}"),
        }
    }

    /// Returns the next message, `None` when none comes within `limit`.
    ///
    /// # Errors
    /// When the connection to the broker has ended: then messages may have been missed.
    pub fn next(&self, limit: Duration) -> Result<Option<Frame>> {
        match self.frames.recv_timeout(limit) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the tap's connection to the broker has ended"),
        }
    }

    /// Returns what has come and was not read yet.
    ///
    /// # Errors
    /// As [`Tap::next`].
    pub fn drain(&self) -> Result<Vec<Frame>> {
        let mut all = Vec::new();
        while let Some(frame) = self.next(Duration::ZERO)? {
            all.push(frame);
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Err(error) = self.client.try_disconnect() {
            tracing::debug!(%error, "the tap was already gone");
        }
    }
}

/// Ends with the first error: a tap that came back would hide what it had missed.
fn listen(mut connection: Connection, granted: &Sender<()>, frames: &Sender<Frame>) {
    for event in connection.iter() {
        let told = match event {
            Ok(Event::Incoming(Packet::SubAck(_))) => granted.send(()).is_ok(),
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let (at, payload) = (Instant::now(), publish.payload.to_vec());
                frames.send(Frame { at, topic: publish.topic, payload, retained: publish.retain }).is_ok()
            }
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "the tap ended");
                false
            }
        };
        if !told {
            return;
        }
    }
}
