//! The tills: who they are, who is connected, which screen shows their scans, and what they print.
//!
//! The tables hold what must survive: tills ([`table`]) and print jobs ([`jobs`]). [`Tills`] holds what is true only now.
//! Nothing here knows how a printer is spoken to: that is the till's side.

mod code;
pub mod config;
pub mod jobs;
pub mod paper;
pub mod table;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store_daemon::writer::Lane;
use till_link::code::Code;
use till_link::{PrinterFacts, ScannerFacts};
use tokio::sync::watch;

pub use wire::{Opened, run};

use crate::app::{App, ShopError};
use crate::desk::Desk;
use crate::live::Live;

/// What is true of the tills now.
pub struct Tills {
    table: Mutex<Table>,
    reloading: tokio::sync::Mutex<()>,
    wake: watch::Sender<u64>,
}

#[derive(Default)]
struct Table {
    identity: Option<(store_daemon::pinned::Digest, SocketAddr)>,
    codes: code::Codes,
    online: HashMap<i64, Online>,
    /// Event streams by the cookie of their browser.
    screens: HashMap<String, usize>,
    counters: HashMap<i64, String>,
    connections: u64,
}

/// A till that is connected.
#[derive(Clone)]
pub struct Online {
    /// From where.
    pub peer: SocketAddr,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// The bridge's version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Its printers.
    pub printers: Vec<PrinterFacts>,
    /// Its scanners.
    pub scanners: Vec<ScannerFacts>,
    /// Scans that no screen was there for, since it connected.
    pub unseen: u64,
    connection: u64,
}

impl Default for Tills {
    fn default() -> Self {
        Self { table: Mutex::default(), reloading: tokio::sync::Mutex::default(), wake: watch::Sender::new(0) }
    }
}

impl Tills {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_identity(&self, digest: store_daemon::pinned::Digest, address: SocketAddr) {
        self.table().identity = Some((digest, address));
    }

    /// Where tills connect.
    pub fn address(&self) -> Option<SocketAddr> {
        self.table().identity.map(|(_, address)| address)
    }

    /// Makes a one-time code; `None` where no tills are configured.
    pub fn issue_code(&self, valid: Duration, by: &str) -> Option<Code> {
        let mut table = self.table();
        let (digest, _) = table.identity?;
        Some(table.codes.issue(&digest, valid, by, Instant::now()))
    }

    /// The one-time code that is out, with the time it has left.
    pub fn shown_code(&self) -> Option<(String, Duration)> {
        self.table().codes.shown(Instant::now())
    }

    fn judge(&self, secret: &str) -> code::Verdict {
        self.table().codes.judge(secret, Instant::now())
    }

    /// Something changed for some till: each connection looks what it must say.
    pub fn wake(&self) {
        self.wake.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    fn joined(&self, till: i64, mut online: Online) -> u64 {
        let mut table = self.table();
        table.connections += 1;
        online.connection = table.connections;
        table.online.insert(till, online);
        let connection = table.connections;
        drop(table);
        // The connection that this one replaces says good-bye.
        self.wake();
        connection
    }

    fn is_current(&self, till: i64, connection: u64) -> bool {
        self.table().online.get(&till).is_some_and(|online| online.connection == connection)
    }

    fn left(&self, till: i64, connection: u64) -> bool {
        let mut table = self.table();
        let current = table.online.get(&till).is_some_and(|online| online.connection == connection);
        if current {
            table.online.remove(&till);
        }
        current
    }

    /// A till's connection.
    pub fn online(&self, till: i64) -> Option<Online> {
        self.table().online.get(&till).cloned()
    }

    /// Printers of connected tills that can't print until a person does something.
    pub fn printers_held(&self) -> u32 {
        let table = self.table();
        let printers = table.online.values().flat_map(|online| &online.printers);
        let held = printers.filter(|printer| printer.state.held.is_some()).count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    fn printer(&self, till: i64, printer: PrinterFacts) {
        if let Some(online) = self.table().online.get_mut(&till) {
            replace(&mut online.printers, printer, |p| &p.name);
        }
    }

    fn scanner(&self, till: i64, scanner: ScannerFacts) {
        if let Some(online) = self.table().online.get_mut(&till) {
            replace(&mut online.scanners, scanner, |s| &s.name);
        }
    }

    /// Where a scan is shown; `None`, and counted, when no screen of the till's is open.
    fn scanned(&self, till: i64, n: u64, text: String, symbology: Option<String>) -> Option<Live> {
        let mut table = self.table();
        let counter = table.counters.get(&till).cloned();
        let open = counter.filter(|counter| table.screens.contains_key(counter));
        match open {
            Some(counter) => Some(Live::Scan { counter, n, text, symbology }),
            None => {
                if let Some(online) = table.online.get_mut(&till) {
                    online.unseen += 1;
                }
                None
            }
        }
    }
}

fn replace<T>(list: &mut [T], new: T, name: impl Fn(&T) -> &String) {
    if let Some(old) = list.iter_mut().find(|old| name(old) == name(&new)) {
        *old = new;
    }
}

/// A browser's event stream, while it is open.
pub struct Watching {
    app: App,
    counter: String,
}

impl Watching {
    /// The stream of the browser with this cookie.
    pub fn open(app: &App, counter: String) -> Self {
        *app.tills.table().screens.entry(counter.clone()).or_default() += 1;
        Self { app: app.clone(), counter }
    }

    /// Whether an event is for this browser.
    pub fn is_for(&self, live: &Live) -> bool {
        !matches!(live, Live::Scan { counter, .. } if *counter != self.counter)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut table = self.app.tills.table();
        if let Some(count) = table.screens.get_mut(&self.counter) {
            *count -= 1;
            if *count == 0 {
                table.screens.remove(&self.counter);
            }
        }
    }
}

/// Changes the table of tills and reads it again, to the end also when whoever asked goes away.
///
/// # Errors
/// The database's.
pub async fn change<T, F>(app: &App, change: F) -> Result<T, ShopError>
where
    T: Send + 'static,
    F: FnOnce(&mut Desk<'_, '_>) -> Result<T, ShopError> + Send + 'static,
{
    let app = app.clone();
    let task = tokio::spawn(async move {
        let changed = app.work(Lane::Work, change).await?;
        reload(&app).await?;
        Ok(changed)
    });
    task.await.unwrap_or_else(|e| Err(ShopError::Broken(e.to_string())))
}

/// Reads which screen shows which till's scans. After every change of the table of tills.
///
/// # Errors
/// The database's.
pub async fn reload(app: &App) -> Result<(), ShopError> {
    // One after the other: an older read must not come last.
    let _turn = app.tills.reloading.lock().await;
    let tills = app.read(table::all).await?;
    let counters = tills.into_iter().filter_map(|till| Some((till.id, till.counter?))).collect();
    app.tills.table().counters = counters;
    app.tills.wake();
    Ok(())
}
