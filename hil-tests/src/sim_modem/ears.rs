//! Where the far end's sound comes from and goes to outside of the core: WAV files, and one connection to a person or a
//! program that is its ear and mouth.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, ensure};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::sound::{FRAME, RATE, octets};

/// Frames that wait for a slow connection: one second; more are left out.
const FRAMES_WAITING: usize = 50;
/// Longest file that is played.
const WAV_SECONDS: u32 = 600;

const SPEC: WavSpec = WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// Reads a file to play: 8 kHz, 16 bit, one channel.
///
/// # Errors
/// When it is not there or not of that form.
pub(super) fn read_wav(path: &Path) -> Result<Arc<[i16]>> {
    let mut reader = WavReader::open(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(reader.spec() == SPEC, "{} is not 8 kHz, 16 bit, one channel", path.display());
    ensure!(reader.duration() <= WAV_SECONDS * RATE, "{} is longer than {WAV_SECONDS} s", path.display());
    let samples: Result<Vec<i16>, _> = reader.samples::<i16>().collect();
    Ok(samples.with_context(|| format!("reading {}", path.display()))?.into())
}

/// What happens at the sound connection.
#[derive(Debug)]
pub(super) enum ClientEvent {
    /// Somebody connected; frames go here.
    Connected(SyncSender<Vec<u8>>),
    /// Octets that the person says.
    Said(Vec<u8>),
}

/// Recordings and the listener.
#[derive(Debug, Default)]
pub(super) struct Ears {
    recordings: BTreeMap<u64, Recording>,
    client: Option<SyncSender<Vec<u8>>>,
}

struct Recording {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Ears {
    /// Sends frames to this connection from now on, instead of to the one before.
    pub fn connect(&mut self, client: SyncSender<Vec<u8>>) {
        self.client = Some(client);
    }

    /// Begins a recording.
    pub fn record(&mut self, call: u64, path: PathBuf) {
        match WavWriter::create(&path, SPEC) {
            Ok(writer) => drop(self.recordings.insert(call, Recording { path, writer })),
            Err(error) => tracing::error!(%error, file = %path.display(), "beginning a recording"),
        }
    }

    /// Takes what the far end hears. A connection that does not keep up misses frames.
    pub fn hear(&mut self, call: u64, frame: &[i16]) {
        if let Some(recording) = self.recordings.get_mut(&call)
            && let Err(error) = frame.iter().try_for_each(|sample| recording.writer.write_sample(*sample))
        {
            tracing::error!(%error, "recording");
        }
        if let Some(client) = &self.client
            && let Err(std::sync::mpsc::TrySendError::Disconnected(_)) = client.try_send(octets(frame))
        {
            self.client = None;
        }
    }

    /// Completes a recording and returns its file.
    pub fn over(&mut self, call: u64) -> Option<PathBuf> {
        let recording = self.recordings.remove(&call)?;
        match recording.writer.finalize() {
            Ok(()) => Some(recording.path),
            Err(error) => {
                tracing::error!(%error, file = %recording.path.display(), "completing a recording");
                None
            }
        }
    }
}

/// Listens for the far end's person; a new connection takes the place of the one before.
///
/// # Errors
/// When the port can't be had.
pub(super) fn listen(port: u16, sink: impl Fn(ClientEvent) -> bool + Clone + Send + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", port)).context("binding the sound port")?;
    let address = listener.local_addr().context("naming the sound port")?;
    thread::Builder::new().name("sound".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Err(error) = serve(stream, sink.clone()) {
                tracing::error!(%error, "serving a sound connection");
            }
        }
    })?;
    Ok(address)
}

fn serve(stream: TcpStream, sink: impl Fn(ClientEvent) -> bool + Send + 'static) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writing = stream.try_clone()?;
    let (frames, queue) = sync_channel::<Vec<u8>>(FRAMES_WAITING);
    sink(ClientEvent::Connected(frames));
    thread::Builder::new().name("sound-out".into()).spawn(move || {
        while let Ok(frame) = queue.recv() {
            if writing.write_all(&frame).is_err() {
                return;
            }
        }
        // Another connection took over, or the simulator has ended.
        if let Err(error) = writing.shutdown(std::net::Shutdown::Both) {
            tracing::debug!(%error, "a sound connection was already gone");
        }
    })?;
    let mut reading = stream;
    thread::Builder::new().name("sound-in".into()).spawn(move || {
        let mut buffer = [0; 4 * 2 * FRAME];
        while let Ok(count @ 1..) = reading.read(&mut buffer) {
            if !sink(ClientEvent::Said(buffer[..count].to_vec())) {
                return;
            }
        }
    })?;
    Ok(())
}
