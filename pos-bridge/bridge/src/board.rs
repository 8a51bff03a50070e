//! What the devices are like at this moment. Their tasks write it, the link tells the gateway what is new in it.

use std::sync::Arc;

use till_link::{HeldBy, PrinterFacts, PrinterState, ScannerFacts};
use tokio::sync::watch;

use crate::config::Config;

/// The devices' facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The printers, in the order of the configuration.
    pub printers: Vec<PrinterFacts>,
    /// The scanners, in the order of the configuration.
    pub scanners: Vec<ScannerFacts>,
}

impl Facts {
    /// Those of a till whose ports are not open yet.
    pub fn of(config: &Config) -> Self {
        let printers = config.printers.iter().map(|printer| {
            let paper = printer.profile.paper_width();
            PrinterFacts {
                name: printer.name.clone(),
                profile: printer.profile.name.clone(),
                columns: paper.columns,
                dots: paper.dots,
                duties: printer.duties.clone(),
                drawer: printer.drawer,
                state: PrinterState { connected: false, held: Some(HeldBy::Port), paper: None },
            }
        });
        let scanners = config.scanners.iter().map(|scanner| ScannerFacts {
            name: scanner.name.clone(),
            connected: false,
            scans: 0,
            dropped: 0,
        });
        Self { printers: printers.collect(), scanners: scanners.collect() }
    }

    /// A till whose journal takes nothing prints nothing: its printers have an error.
    pub fn with_journal_trouble(mut self) -> Self {
        for printer in &mut self.printers {
            printer.state.held = Some(HeldBy::Error);
        }
        self
    }
}

/// A handle to the facts; clones share them.
#[derive(Clone, Debug)]
pub struct Board(Arc<watch::Sender<Facts>>);

impl Board {
    /// A board with these facts.
    pub fn new(facts: Facts) -> Self {
        Self(Arc::new(watch::Sender::new(facts)))
    }

    /// Sees each change.
    pub fn watch(&self) -> watch::Receiver<Facts> {
        self.0.subscribe()
    }

    /// Sets a printer's state, by its place in the configuration.
    pub fn set_printer(&self, at: usize, state: PrinterState) {
        self.0.send_if_modified(|facts| {
            let Some(printer) = facts.printers.get_mut(at) else { return false };
            std::mem::replace(&mut printer.state, state) != state
        });
    }

    /// Changes a scanner's facts, by its place in the configuration.
    pub fn change_scanner(&self, at: usize, change: impl FnOnce(&mut ScannerFacts)) {
        self.0.send_if_modified(|facts| {
            let Some(scanner) = facts.scanners.get_mut(at) else { return false };
            let before = scanner.clone();
            change(scanner);
            *scanner != before
        });
    }
}
