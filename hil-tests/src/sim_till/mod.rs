//! The till's desk in the demo: its printer with the newest slips, its drawer and its scanner on one page.
//!
//! The printer is `sim-printer`, asked over its control port; the scanner is held here. Nothing touches the product:
//! it sees a printer's port and a scanner's port.

mod page;
mod scanner;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

pub use scanner::{Scanner, Sent};

use crate::sim_printer::{Client, lines};

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the page.
    pub web: SocketAddr,
    /// The printer's control port on 127.0.0.1.
    pub printer_control: u16,
    /// Folder of the printer's slips.
    pub slips: PathBuf,
    /// Link to the scanner's pty.
    pub scanner_link: PathBuf,
    /// Control port on 127.0.0.1, 0 for any.
    pub control: u16,
}

/// Addresses of a running desk.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The page.
    pub web: SocketAddr,
    /// The control port.
    pub control: SocketAddr,
}

/// The desk, shared by page and control port.
#[derive(Debug)]
pub(crate) struct Desk {
    printer: String,
    slips: PathBuf,
    scanner: Arc<Scanner>,
}

impl Desk {
    /// Asks the printer; it may come and go, so every request has its own connection.
    fn ask_printer(&self, request: &Value) -> Result<Value> {
        Client::connect(&self.printer)?.ask(request)
    }
}

/// What can be asked over the control port.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// A scan: AIM identifier (absent: none), text, suffix (absent: CR).
    Scan {
        text: String,
        #[serde(default)]
        aim: String,
        #[serde(default = "carriage_return")]
        suffix: String,
    },
    /// Octets as they stand.
    Raw { hex: String },
    /// The newest scans, newest first.
    Sent {},
}

fn carriage_return() -> String {
    "\r".into()
}

fn obey(scanner: &Scanner, request: Value) -> Result<Value> {
    match serde_json::from_value(request)? {
        Request::Scan { text, aim, suffix } => Ok(json!({"sent": scanner.scan(&text, &aim, &suffix)?})),
        Request::Raw { hex } => Ok(json!({"sent": scanner.raw(&hex)?})),
        Request::Sent {} => Ok(json!({"open": scanner.is_open(), "sent": scanner.sent()})),
    }
}

/// Serves the desk until the process ends; `ready` is told the addresses.
///
/// # Errors
/// When pty, link or addresses can't be had.
pub async fn serve(options: Options, ready: impl FnOnce(Addresses)) -> Result<()> {
    let scanner = Scanner::open(&options.scanner_link)?;
    let control = TcpListener::bind(("127.0.0.1", options.control)).context("binding the control port")?;
    let page = tokio::net::TcpListener::bind(options.web).await.context("binding the page")?;
    let web = page.local_addr().context("naming the page")?;
    let addresses = Addresses { web, control: control.local_addr().context("naming the control port")? };
    let ordered = Arc::clone(&scanner);
    thread::Builder::new()
        .name("control".into())
        .spawn(move || lines::serve(&control, move |request| obey(&ordered, request)))?;
    let printer = format!("127.0.0.1:{}", options.printer_control);
    let desk = Arc::new(Desk { printer, slips: options.slips, scanner });
    ready(addresses);
    axum::serve(page, page::router(desk)).await.context("serving the page")
}
