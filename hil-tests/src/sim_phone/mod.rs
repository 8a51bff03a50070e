//! The customers' phones: one for each number that got an SMS.
//!
//! A phone shows what reached its handset, puts long messages together, and sends replies. Both ways lead through the
//! simulated modem's network alone: nothing here touches the gateway, its database or its queue.

mod book;
mod calls;
mod page;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::watch;

pub use book::{Book, Bubble, Phone, Way};

use crate::sim_modem::client::{Control, Events};

/// Pause before the modem is asked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the follower waits for an event before it looks again whether it should go on.
const EVENT_LIMIT: Duration = Duration::from_secs(5);
/// Longest reply: ten parts of GSM-7, more than a phone's keyboard is used for.
pub const REPLY_CHARACTERS: usize = 1_530;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The modem's control address, `HOST:PORT`.
    pub modem: String,
    /// The modem's address of the customers' ears, `HOST:PORT`; without it calls are silent.
    pub sound: Option<String>,
    /// Address of the page.
    pub listen: SocketAddr,
    /// Where the phones are kept.
    pub state: Option<PathBuf>,
}

/// The phones, shared by the page and the follower.
#[derive(Debug)]
pub(crate) struct Phones {
    modem: String,
    sound: Option<String>,
    state: Option<PathBuf>,
    book: Mutex<Book>,
    changed: watch::Sender<u64>,
}

/// Serves the phones until the process ends; `ready` is told the page's address.
///
/// # Errors
/// When the state can't be read or the address can't be had.
pub async fn serve(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let book = match options.state.as_deref().filter(|path| path.exists()) {
        Some(path) => Book::load(path)?,
        None => Book::default(),
    };
    let (changed, _) = watch::channel(0);
    let phones =
        Phones { modem: options.modem, sound: options.sound, state: options.state, book: Mutex::new(book), changed };
    let phones = Arc::new(phones);
    let listener = tokio::net::TcpListener::bind(options.listen).await.context("binding the phones' page")?;
    let address = listener.local_addr().context("naming the phones' page")?;
    let follower = Arc::clone(&phones);
    thread::Builder::new().name("phones".into()).spawn(move || follower.follow())?;
    ready(address);
    axum::serve(listener, page::router(phones)).await.context("serving the phones' page")
}

impl Phones {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes the book, keeps it, and tells the pages.
    fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book();
        let outcome = change(&mut book);
        if let Some(path) = &self.state
            && let Err(error) = book.save(path)
        {
            tracing::error!(error = format!("{error:#}"), "keeping the phones");
        }
        drop(book);
        self.changed.send_modify(|version| *version += 1);
        outcome
    }

    /// Follows the modem's network for ever; the modem may come and go.
    fn follow(&self) {
        loop {
            if let Err(error) = self.follow_once() {
                tracing::debug!(error = format!("{error:#}"), "the modem's network is away");
            }
            thread::sleep(AGAIN_AFTER);
        }
    }

    fn follow_once(&self) -> Result<()> {
        let (run, after) = self.book().cursor();
        let mut events = Events::follow(&self.modem, after)?;
        if events.run != run {
            let run = events.run.clone();
            self.change(|book| book.begin_run(&run));
            self.switch_off_again()?;
            if after > 0 {
                events = Events::follow(&self.modem, 0)?;
            }
        }
        loop {
            if let Some(event) = events.next(EVENT_LIMIT)? {
                let n = event["n"].as_u64().context("an event without its number")?;
                match event["event"].as_str() {
                    Some("air") => self.change(|book| book.on_air(n, &event)),
                    Some("handset") => self.change(|book| book.on_handset(n, &event)),
                    _ => self.book().pass(n),
                }
            }
        }
    }

    /// A new run of the modem does not know which phones are off.
    fn switch_off_again(&self) -> Result<()> {
        let off: Vec<String> =
            self.book().phones().filter(|phone| !phone.reachable).map(|phone| phone.number.clone()).collect();
        let mut control = Control::connect(&self.modem)?;
        for number in off {
            control.ask(&json!({"do": "reports", "number": number, "rule": {"policy": "hold"}}))?;
        }
        Ok(())
    }

    /// Sends a reply; it enters the world as an SMS to the modem and in no other way.
    fn reply(&self, number: &str, text: &str) -> Result<Value> {
        let sent = Control::connect(&self.modem)?.deliver(number, text)?;
        let parts = sent["sent"].as_array().map_or(0, Vec::len);
        self.change(|book| book.replied(number, text, parts));
        Ok(json!({"parts": parts}))
    }

    /// Switches a phone on or off; off, the network holds messages and reports.
    fn set_reachable(&self, number: &str, reachable: bool) -> Result<()> {
        let mut control = Control::connect(&self.modem)?;
        if reachable {
            control.ask(&json!({"do": "reports", "number": number}))?;
            control.ask(&json!({"do": "release", "number": number}))?;
        } else {
            control.ask(&json!({"do": "reports", "number": number, "rule": {"policy": "hold"}}))?;
        }
        self.change(|book| book.set_reachable(number, reachable));
        Ok(())
    }
}
