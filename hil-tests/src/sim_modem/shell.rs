//! Port, control sockets, clock and state file around the core.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ears::{ClientEvent, Ears, listen, read_wav};
use super::modem::{Config, Modem, Output, Start};
use super::port::{Line, Port, PortEvent};
use super::sim::Card;

/// Longest control request: a text of 255 parts with room to spare.
const REQUEST_OCTETS: usize = 256 * 1024;
/// How long the core sleeps at most when nothing is planned; an input wakes it at once.
const IDLE_WAIT: Duration = Duration::from_secs(3_600);

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Link to the port.
    pub link: PathBuf,
    /// Control port on 127.0.0.1, 0 for any.
    pub control: u16,
    /// Family and delays.
    pub config: Config,
    /// Power before.
    pub start: Start,
    /// Where the card is kept over restarts.
    pub state: Option<PathBuf>,
    /// Pace of the port in bits a second; none: as fast as the pty.
    pub bps: Option<u32>,
    /// Link to the port of the sound; none: the modem has no such port.
    pub pcm_link: Option<PathBuf>,
    /// Port on 127.0.0.1 for the far end's ear and mouth, 0 for any; none: nobody is there.
    pub sound: Option<u16>,
}

/// A running simulator; dropping it takes port and control socket away.
#[derive(Debug)]
pub struct Shell {
    /// Control address.
    pub control: SocketAddr,
    /// Sound address, where there is one.
    pub sound: Option<SocketAddr>,
    inputs: Sender<Input>,
    core: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
enum Input {
    Port(PortEvent),
    Pcm(PortEvent),
    Client(ClientEvent),
    Control(Value, Sender<String>),
    Stop,
}

impl Shell {
    /// Starts the simulator.
    ///
    /// # Errors
    /// When the pty, the link, the state file or the control port can't be had.
    pub fn start(options: Options) -> Result<Self> {
        let card = load(options.state.as_deref())?;
        let listener = TcpListener::bind(("127.0.0.1", options.control)).context("binding the control port")?;
        let control = listener.local_addr().context("naming the control port")?;
        let (inputs, queue) = channel();
        let port = open_port(&options, &inputs)?;
        let pcm = open_pcm(&options, &inputs)?;
        let sound = listen_for_sound(&options, &inputs)?;
        let (now, wall) = (Instant::now(), Timestamp::now());
        let modem = Modem::new(options.config.clone(), card, options.start, now, wall);
        let core = Core {
            modem,
            port: Some(port),
            pcm,
            ears: Ears::default(),
            options,
            inputs: inputs.clone(),
            followers: Vec::new(),
        };
        let core = thread::Builder::new().name("modem".into()).spawn(move || core.run(&queue))?;
        let accepted = inputs.clone();
        thread::Builder::new().name("control".into()).spawn(move || accept(&listener, &accepted))?;
        Ok(Self { control, sound, inputs, core: Some(core) })
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if self.inputs.send(Input::Stop).is_ok()
            && let Some(core) = self.core.take()
            && core.join().is_err()
        {
            tracing::error!("the simulator's core panicked");
        }
    }
}

fn load(state: Option<&Path>) -> Result<Card> {
    let Some(path) = state.filter(|path| path.exists()) else { return Ok(Card::default()) };
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

fn save(path: &Path, card: &Card) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, serde_json::to_vec(card)?).with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
}

fn open_port(options: &Options, inputs: &Sender<Input>) -> Result<Port> {
    let inputs = inputs.clone();
    Port::open(&options.link, Line::Commands(options.bps), move |event| {
        if inputs.send(Input::Port(event)).is_err() {
            tracing::debug!("the core has ended before the port");
        }
    })
}

fn open_pcm(options: &Options, inputs: &Sender<Input>) -> Result<Option<Port>> {
    let Some(link) = &options.pcm_link else { return Ok(None) };
    let inputs = inputs.clone();
    let port = Port::open(link, Line::Sound, move |event| {
        if inputs.send(Input::Pcm(event)).is_err() {
            tracing::debug!("the core has ended before the port of the sound");
        }
    });
    port.map(Some)
}

fn listen_for_sound(options: &Options, inputs: &Sender<Input>) -> Result<Option<SocketAddr>> {
    let Some(port) = options.sound else { return Ok(None) };
    let inputs = inputs.clone();
    listen(port, move |event| inputs.send(Input::Client(event)).is_ok()).map(Some)
}

/// A control connection that follows events.
struct Follower {
    after: u64,
    lines: Sender<String>,
}

struct Core {
    modem: Modem,
    port: Option<Port>,
    pcm: Option<Port>,
    ears: Ears,
    options: Options,
    inputs: Sender<Input>,
    followers: Vec<Follower>,
}

impl Core {
    fn run(mut self, queue: &Receiver<Input>) {
        loop {
            let until = self.drain();
            self.tell_followers();
            let wait = until.map_or(IDLE_WAIT, |at| at.saturating_duration_since(Instant::now()));
            match queue.recv_timeout(wait) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Input::Port(PortEvent::Octets(octets))) => self.modem.handle_port(&octets, Instant::now()),
                Ok(Input::Port(PortEvent::Opened)) => self.modem.handle_port_use("opened", Instant::now()),
                Ok(Input::Port(PortEvent::Closed)) => self.modem.handle_port_use("closed", Instant::now()),
                Ok(Input::Pcm(PortEvent::Octets(octets))) => self.modem.handle_sound(&octets, Instant::now()),
                Ok(Input::Pcm(PortEvent::Opened | PortEvent::Closed)) => {}
                Ok(Input::Client(ClientEvent::Connected(client))) => self.ears.connect(client),
                Ok(Input::Client(ClientEvent::Said(octets))) => {
                    self.modem.handle_client_sound(&octets, Instant::now());
                }
                Ok(Input::Control(request, lines)) => self.control(request, lines),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.modem.handle_timeout(Instant::now());
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.modem.poll_output() {
                Output::Port(octets) => {
                    if let Some(port) = &self.port {
                        port.write(octets);
                    }
                }
                Output::PortGone => (self.port, self.pcm) = (None, None),
                Output::PortBack if self.port.is_some() => {}
                Output::PortBack => self.bring_ports_back(),
                Output::Sound(octets) => {
                    if let Some(pcm) = &self.pcm {
                        pcm.write(octets);
                    }
                }
                Output::Heard { call, frame } => self.ears.hear(call, &frame),
                Output::Record { call, path } => self.ears.record(call, path),
                Output::CallOver { call } => {
                    if let Some(path) = self.ears.over(call) {
                        self.modem.handle_recorded(call, &path.display().to_string(), Instant::now());
                    }
                }
                Output::Save(card) => {
                    if let Some(path) = &self.options.state
                        && let Err(error) = save(path, &card)
                    {
                        tracing::error!(error = format!("{error:#}"), "keeping the card's state");
                    }
                }
                Output::Wait(until) => return until,
            }
        }
    }

    fn bring_ports_back(&mut self) {
        let ports = open_port(&self.options, &self.inputs).and_then(|port| {
            let pcm = open_pcm(&self.options, &self.inputs)?;
            Ok((Some(port), pcm))
        });
        match ports {
            Ok((port, pcm)) => (self.port, self.pcm) = (port, pcm),
            Err(error) => tracing::error!(error = format!("{error:#}"), "bringing the port back"),
        }
    }

    /// Reads the file that a request names; the core takes it from there.
    fn read_wav_of(&mut self, request: &Value) -> Result<()> {
        let named = [request.get("wav"), request.get("rule").and_then(|rule| rule.get("wav"))];
        for path in named.into_iter().flatten().filter_map(Value::as_str) {
            let samples = read_wav(Path::new(path))?;
            self.modem.handle_wav(path.into(), samples);
        }
        Ok(())
    }

    fn control(&mut self, request: Value, lines: Sender<String>) {
        let read = self.read_wav_of(&request);
        let answer = if let Err(error) = read {
            let id = request.get("id").cloned().unwrap_or(Value::Null);
            json!({"id": id, "ok": false, "error": format!("{error:#}")})
        } else if request.get("do") == Some(&json!("subscribe")) {
            let after = request.get("after").and_then(Value::as_u64).unwrap_or(0);
            let started = self.modem.started_wall().to_string();
            self.followers.push(Follower { after, lines: lines.clone() });
            let id = request.get("id").cloned().unwrap_or(Value::Null);
            json!({"id": id, "ok": true, "run": started, "last": self.modem.log().last()})
        } else {
            self.modem.handle_control(request, Instant::now())
        };
        if lines.send(answer.to_string()).is_err() {
            tracing::debug!("a control connection ended before its answer");
        }
    }

    fn tell_followers(&mut self) {
        let log = self.modem.log();
        self.followers.retain_mut(|follower| {
            let told = log.after(follower.after).all(|event| follower.lines.send(event.to_string()).is_ok());
            follower.after = follower.after.max(log.last());
            told
        });
    }
}

fn accept(listener: &TcpListener, inputs: &Sender<Input>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let inputs = inputs.clone();
        let serve = thread::Builder::new().name("control-connection".into());
        if let Err(error) = serve.spawn(move || serve_control(stream, &inputs)) {
            tracing::error!(%error, "serving a control connection");
        }
    }
}

fn serve_control(stream: TcpStream, inputs: &Sender<Input>) {
    let Ok(mut writing) = stream.try_clone() else { return };
    let (lines, queue) = channel::<String>();
    let writer = thread::spawn(move || {
        while let Ok(line) = queue.recv() {
            if writing.write_all(format!("{line}\n").as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = std::io::Read::take(&mut reader, REQUEST_OCTETS as u64);
        match limited.read_until(b'\n', &mut line) {
            Ok(count) if count > 0 && line.ends_with(b"\n") => {}
            _ => break,
        }
        let refused = match serde_json::from_slice::<Value>(&line) {
            Ok(request) => inputs.send(Input::Control(request, lines.clone())).is_err(),
            Err(error) => lines.send(json!({"ok": false, "error": error.to_string()}).to_string()).is_err(),
        };
        if refused {
            break;
        }
    }
    drop(lines);
    if reader.get_ref().shutdown(std::net::Shutdown::Read).is_err() {
        tracing::debug!("a control connection was already gone");
    }
    drop(writer);
}
