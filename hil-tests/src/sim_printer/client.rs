//! A control connection for tests, the till's page and the demo: blocking, one request at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::status::{Fault, Paper};

/// How long an answer may take beyond the wait that was asked for.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection that asks.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to the printer at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends one request and returns its answer.
    ///
    /// # Errors
    /// When the printer refuses it, with its words.
    pub fn ask(&mut self, request: &Value) -> Result<Value> {
        self.reader.get_mut().write_all(format!("{request}\n").as_bytes()).context("asking the printer")?;
        let mut line = String::new();
        self.reader.read_line(&mut line).context("waiting for the printer's answer")?;
        let answer: Value = serde_json::from_str(&line).with_context(|| format!("reading its answer to {request}"))?;
        if answer["ok"] != json!(true) {
            bail!("the printer refused {request}: {}", answer["error"]);
        }
        Ok(answer)
    }

    /// Waits until there are `count` slips and returns that slip's record, see [`super::Slip`].
    ///
    /// # Errors
    /// When there are fewer within `limit`, five minutes at most.
    pub fn wait_slip(&mut self, count: u64, limit: Duration) -> Result<Value> {
        let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.reader.get_ref().set_read_timeout(Some(limit + ANSWER_LIMIT))?;
        let answer = self.ask(&json!({"do": "wait_slip", "count": count, "ms": ms}));
        self.reader.get_ref().set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(answer?["slip"].take())
    }

    /// Returns counters and state.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn stats(&mut self) -> Result<Value> {
        self.ask(&json!({"do": "stats"}))
    }

    /// Changes the paper roll.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn paper(&mut self, state: Paper) -> Result<()> {
        self.ask(&json!({"do": "paper", "state": state})).map(drop)
    }

    /// Lets the paper end after so many more lines.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn paper_out_after(&mut self, lines: u32) -> Result<()> {
        self.ask(&json!({"do": "paper_out_after", "lines": lines})).map(drop)
    }

    /// Opens or closes the cover.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn cover(&mut self, open: bool) -> Result<()> {
        self.ask(&json!({"do": "cover", "open": open})).map(drop)
    }

    /// Silences it: octets are taken and printed, nothing is answered.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn silent(&mut self, on: bool) -> Result<()> {
        self.ask(&json!({"do": "silent", "on": on})).map(drop)
    }

    /// Makes it deaf: the port takes no octets.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn deaf(&mut self, on: bool) -> Result<()> {
        self.ask(&json!({"do": "deaf", "on": on})).map(drop)
    }

    /// Orders an error, or none.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn error(&mut self, kind: Option<Fault>) -> Result<()> {
        self.ask(&json!({"do": "error", "kind": kind})).map(drop)
    }

    /// Switches the power.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn power(&mut self, on: bool) -> Result<()> {
        self.ask(&json!({"do": "power", "on": on})).map(drop)
    }

    /// Tears off what was printed since the last cut.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn tear(&mut self) -> Result<()> {
        self.ask(&json!({"do": "tear"})).map(drop)
    }

    /// Returns `{"pulses":[n0,n1],"open":bool}`; with `open`, moves the drawer by hand first.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn drawer(&mut self, open: Option<bool>) -> Result<Value> {
        self.ask(&json!({"do": "drawer", "open": open}))
    }
}
