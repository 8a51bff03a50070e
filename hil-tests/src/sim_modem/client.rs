//! A control connection for tests, the phones' page and the demo: blocking, one request at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long an answer may take; the core answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection that asks.
#[derive(Debug)]
pub struct Control {
    reader: BufReader<TcpStream>,
    address: String,
}

impl Control {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(address: &str) -> Result<Self> {
        let stream = open(address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self { reader: BufReader::new(stream), address: address.to_owned() })
    }

    /// Sends one request and returns its answer.
    ///
    /// # Errors
    /// When the simulator refuses it, with its words.
    pub fn ask(&mut self, request: &Value) -> Result<Value> {
        self.reader.get_mut().write_all(format!("{request}\n").as_bytes()).context("asking the simulator")?;
        let mut line = String::new();
        self.reader.read_line(&mut line).context("waiting for the simulator's answer")?;
        let answer: Value = serde_json::from_str(&line).with_context(|| format!("reading its answer to {request}"))?;
        if answer["ok"] != json!(true) {
            bail!("the simulator refused {request}: {}", answer["error"]);
        }
        Ok(answer)
    }

    /// Sends an SMS to the modem.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn deliver(&mut self, from: &str, text: &str) -> Result<Value> {
        self.ask(&json!({"do": "deliver", "from": from, "text": text}))
    }

    /// Orders a fault, e.g. `json!({"kind":"lost_answer"})`.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn fault(&mut self, fault: &Value) -> Result<Value> {
        let mut request = fault.clone();
        request["do"] = json!("fault");
        self.ask(&request)
    }

    /// Returns the messages on air with a counter above `after`.
    ///
    /// # Errors
    /// As [`Control::ask`].
    pub fn on_air(&mut self, after: u64) -> Result<Vec<Value>> {
        let answer = self.ask(&json!({"do": "on_air", "after": after}))?;
        Ok(answer["on_air"].as_array().cloned().unwrap_or_default())
    }

    /// Opens a second connection that follows events after number `after`.
    ///
    /// # Errors
    /// When nobody listens there any more.
    pub fn events(&self, after: u64) -> Result<Events> {
        Events::follow(&self.address, after)
    }
}

/// A connection that follows events.
#[derive(Debug)]
pub struct Events {
    reader: BufReader<TcpStream>,
    /// Name of the simulator's run: event numbers start again with a new one.
    pub run: String,
    partial: String,
}

impl Events {
    /// Connects and follows events after number `after` (0: from the start).
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn follow(address: &str, after: u64) -> Result<Self> {
        let mut stream = open(address)?;
        stream.write_all(format!("{}\n", json!({"do": "subscribe", "after": after})).as_bytes())?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut events = Self { reader: BufReader::new(stream), run: String::new(), partial: String::new() };
        let answer = events.next(ANSWER_LIMIT)?.context("the simulator did not answer the subscription")?;
        answer["run"].as_str().unwrap_or_default().clone_into(&mut events.run);
        Ok(events)
    }

    /// Returns the next event, `None` when none comes within `limit`.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn next(&mut self, limit: Duration) -> Result<Option<Value>> {
        self.reader.get_ref().set_read_timeout(Some(limit.max(Duration::from_millis(1))))?;
        match self.reader.read_line(&mut self.partial) {
            Ok(0) => bail!("the simulator closed the connection"),
            Ok(_) => {
                let line = std::mem::take(&mut self.partial);
                Ok(Some(serde_json::from_str(&line).context("reading an event")?))
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error).context("following events"),
        }
    }

    /// Waits for an event of a kind that fits.
    ///
    /// # Errors
    /// When none comes within `limit`; the message names the kinds that did come.
    pub fn wait(&mut self, kind: &str, limit: Duration, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let end = Instant::now() + limit;
        let mut seen = Vec::new();
        while let Some(event) = self.next(end.saturating_duration_since(Instant::now()))? {
            if event["event"] == kind && fits(&event) {
                return Ok(event);
            }
            seen.push(event["event"].as_str().unwrap_or_default().to_owned());
            if Instant::now() >= end {
                break;
            }
        }
        bail!("no fitting event {kind:?} within {limit:?}; seen: {}", seen.join(" "));
    }
}

fn open(address: &str) -> Result<TcpStream> {
    let address_found = address.to_socket_addrs().with_context(|| format!("finding {address}"))?.next();
    let found = address_found.with_context(|| format!("{address} names no address"))?;
    let stream = TcpStream::connect(found).with_context(|| format!("connecting to the simulator at {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
