//! The sound of the modem's voice path: 20 ms frames of 8 kHz both ways.
//!
//! An [`AudioPort`] is the same thing to its owner whatever is behind it: a sound card or USB audio device (EC25 with
//! `AT+QPCMV=1,2`, SIM7600 with `AT+CPCMREG=1`, or a modem's analogue pins at a sound card), a serial port that carries raw
//! PCM (EC25 with `AT+QPCMV=1,0`), or in tests the other end of a [`pair`].
//!
//! The device's clock sets the pace. [`AudioPort::recv_frame`] gives a frame whenever the device has made one; the owner
//! sends one for each that it gets, from its jitter buffer or its prompts. Then the clocks of modem and network meet in
//! the jitter buffer, which is made for that. Nothing here ever waits for the owner: each queue has a bound, drops its
//! oldest frame there, and counts it.
//!
//! A device that is gone is told once what is queued has been read; the owner opens the port again when it wants.

#[cfg(feature = "cpal")]
mod card;
mod link;
mod pair;
mod tty;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use store_voice::Frame;

use link::{Ending, Link};
pub use pair::pair;

/// A device that does not open in this time is not usable; ALSA's plugins may wait for a server.
const OPEN_WAIT: Duration = Duration::from_secs(10);

/// Which device, and how much sound may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The device.
    pub device: Device,
    /// What may wait.
    pub queues: Queues,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// A sound card or USB audio device.
    Card {
        /// ALSA's name of the device that the modem speaks into, as [`list_devices`] gives it (`plughw:CARD=Device,DEV=0`),
        /// or its description.
        input: String,
        /// Likewise of the device that it listens to.
        output: String,
        /// Samples a second, for a device that has 8 kHz and is bad at it; `None` takes 8 kHz or the best there is.
        rate: Option<u32>,
    },
    /// A serial port that carries 16-bit little-endian samples of 8 kHz and nothing else.
    Tty {
        /// The port; a name from `/dev/serial/by-path` stays the same.
        path: PathBuf,
        /// Symbols a second; USB ports ignore it. A real line needs 160 000 and more for 16 000 octets.
        baud: u32,
    },
}

/// Frames that may wait in each direction, the oldest dropped beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// From the device to the owner.
    pub incoming: usize,
    /// From the owner to the device.
    pub outgoing: usize,
}

impl Default for Queues {
    /// 200 ms each: more would be heard as delay, and a device's bursts are shorter.
    fn default() -> Self {
        Self { incoming: 10, outgoing: 10 }
    }
}

/// A port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No device of that name.
    #[error("there is no sound device {0:?}")]
    NoDevice(String),
    /// It is there and does not do what is needed.
    #[error("sound device {name:?} cannot be used: {why}")]
    NotUsable {
        /// Its name.
        name: String,
        /// What it said.
        why: String,
    },
    /// A serial port that does not open.
    #[error("opening {path}")]
    Tty {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nothing came of it in 10 s.
    #[error("the sound device did not open in {OPEN_WAIT:?}")]
    Late,
    /// This build has no sound cards.
    #[error("built without sound cards")]
    NotBuilt,
}

/// The device is gone; the port is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sound device is lost: {why}")]
pub struct Lost {
    /// What the device or the system said.
    pub why: String,
}

/// What went through a port and what did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that the device made.
    pub received: u64,
    /// Frames that the owner sent.
    pub sent: u64,
    /// Frames from the device that the owner did not take in time.
    pub incoming_dropped: u64,
    /// Frames from the owner that the device did not take in time.
    pub outgoing_dropped: u64,
    /// Frames of silence that the device was given because the owner had none, from the first it sent on.
    pub starved: u64,
    /// Frames that the device made faster than they could be read, and over- and underruns that it told of.
    pub overruns: u64,
}

/// The modem's sound. Dropping it closes the device.
#[derive(Debug)]
pub struct AudioPort {
    link: Arc<Link>,
    ending: Ending,
}

impl AudioPort {
    /// Opens a device.
    ///
    /// # Errors
    /// [`OpenError`]; after some seconds at the latest.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let link = Arc::new(Link::new(config.queues));
        let ending = match config.device {
            Device::Tty { path, baud } => tty::open(&link, path, baud)?,
            #[cfg(feature = "cpal")]
            Device::Card { input, output, rate } => card::open(&link, card::Names { input, output, rate }).await?,
            #[cfg(not(feature = "cpal"))]
            Device::Card { .. } => return Err(OpenError::NotBuilt),
        };
        Ok(Self { link, ending })
    }

    /// Waits for the next frame from the modem. Loses nothing when it is dropped before it ends. A device that is silent
    /// because no call is up gives no frames, so this has no limit of its own.
    ///
    /// # Errors
    /// [`Lost`], after all that was queued.
    pub async fn recv_frame(&mut self) -> Result<Frame, Lost> {
        self.link.next_incoming().await
    }

    /// Gives the modem a frame. Never waits: when too many are queued, the oldest is dropped and counted.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn send_frame(&self, frame: &Frame) -> Result<(), Lost> {
        self.link.push_outgoing(frame)
    }

    /// What went through so far.
    pub fn statistics(&self) -> Statistics {
        self.link.statistics()
    }

    /// Closes the device and waits until it is free for another.
    pub async fn close(self) {
        self.ending.end().await;
    }
}

/// A sound device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name for the configuration.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// Whether it says that it can be listened to.
    pub is_input: bool,
    /// Whether it says that it can be spoken into.
    pub is_output: bool,
}

/// The sound devices of this machine, for the doctor and for whoever writes a configuration. Opens none of them.
///
/// # Errors
/// What the system said; [`OpenError::NotBuilt`] in a build without sound cards.
pub async fn list_devices() -> Result<Vec<Found>, OpenError> {
    #[cfg(feature = "cpal")]
    return card::list().await;
    #[cfg(not(feature = "cpal"))]
    Err(OpenError::NotBuilt)
}
