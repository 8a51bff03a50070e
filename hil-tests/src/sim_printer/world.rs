//! The printer with its files and the host that is connected: what port, control port and pace share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::interpreter::{Interpreter, Output, Progress};
use super::slip::Slip;

/// Answers on their way to a host that does not read them; later ones are lost.
pub(super) const ANSWERS_WAITING: usize = 1_024;

/// State behind one lock.
#[derive(Debug)]
pub(super) struct World {
    pub printer: Interpreter,
    /// The port takes no octets.
    pub deaf: bool,
    pub powered: bool,
    pub stopped: bool,
    out: PathBuf,
    /// Slips in the folder.
    slips: u64,
    host: Option<SyncSender<Vec<u8>>>,
    answers_lost: u64,
}

impl World {
    /// Puts a printer beside the folder of its slips; slips of an earlier run stay and are counted on.
    pub fn new(printer: Interpreter, out: PathBuf) -> Result<Self> {
        fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
        let slips = count_slips(&out)?;
        let (deaf, powered, stopped) = (false, true, false);
        Ok(Self { printer, deaf, powered, stopped, out, slips, host: None, answers_lost: 0 })
    }

    /// Slips in the folder.
    pub fn slips(&self) -> u64 {
        self.slips
    }

    /// Answers that nobody took.
    pub fn answers_lost(&self) -> u64 {
        self.answers_lost + self.printer.counters().answers_lost
    }

    /// The files of a slip.
    pub fn files(&self, number: u64, ending: &str) -> PathBuf {
        self.out.join(format!("slip-{number:04}.{ending}"))
    }

    /// Reads a slip's record from its file.
    ///
    /// # Errors
    /// When there is no such slip.
    pub fn record(&self, number: u64) -> Result<Value> {
        let path = self.files(number, "json");
        let text = fs::read(&path).with_context(|| format!("reading slip {number}"))?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Switches the power; the host is hung up on.
    pub fn power(&mut self, on: bool) {
        self.powered = on;
        self.host = None;
        self.printer.handle_power(on);
    }

    /// Takes what the printer puts out: answers to the host, slips into the folder.
    pub fn take_outputs(&mut self) {
        while let Some(output) = self.printer.poll_output() {
            match output {
                Output::Answer(octets) => self.tell_host(octets),
                Output::Slip(slip) => {
                    if let Err(error) = self.save(&slip) {
                        tracing::error!(error = format!("{error:#}"), "keeping a slip");
                    }
                }
            }
        }
    }

    fn tell_host(&mut self, octets: Vec<u8>) {
        let count = octets.len() as u64;
        let lost = match &self.host {
            Some(host) => match host.try_send(octets) {
                Ok(()) => 0,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => count,
            },
            None => count,
        };
        self.answers_lost += lost;
    }

    /// Writes the picture, then the record: who sees the record finds the picture.
    fn save(&mut self, slip: &Slip) -> Result<()> {
        let number = self.slips + 1;
        let mut record = serde_json::to_value(slip)?;
        record["number"] = json!(number);
        record["text"] = json!(slip.text());
        record["dots"] = json!(slip.paper.width);
        record["rows"] = json!(slip.paper.height());
        write_whole(&self.files(number, "png"), &slip.png()?)?;
        write_whole(&self.files(number, "json"), &serde_json::to_vec_pretty(&record)?)?;
        self.slips = number;
        Ok(())
    }
}

fn count_slips(out: &Path) -> Result<u64> {
    let entries = fs::read_dir(out).with_context(|| format!("reading {}", out.display()))?;
    let number = |name: &str| name.strip_prefix("slip-")?.strip_suffix(".json")?.parse::<u64>().ok();
    let numbers = entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?));
    Ok(numbers.max().unwrap_or(0))
}

fn write_whole(path: &Path, octets: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, octets).with_context(|| format!("writing {}", fresh.display()))?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))
}

/// The lock with its signal.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

impl Shared {
    pub fn new(world: World) -> Self {
        Self { world: Mutex::new(world), changed: Condvar::new() }
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, takes the outputs and wakes everybody who waits.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.lock();
        let outcome = change(&mut world);
        world.take_outputs();
        drop(world);
        self.changed.notify_all();
        outcome
    }

    /// Waits until `ready`, but not past `limit`; `None` waits for ever.
    pub fn wait(&self, limit: Option<Duration>, ready: impl Fn(&World) -> bool) -> MutexGuard<'_, World> {
        let end = limit.map(|limit| Instant::now() + limit);
        let mut world = self.lock();
        while !ready(&world) {
            world = match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(world).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return world,
                Some(left) => self.changed.wait_timeout(world, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        world
    }

    /// Connects a host: answers go to `host` until the next call.
    pub fn connect(&self, host: Option<SyncSender<Vec<u8>>>) {
        self.lock().host = host;
    }

    /// Hands octets over; waits where the printer takes none. False when it went off or ended meanwhile.
    pub fn hand_over(&self, mut octets: &[u8]) -> bool {
        while !octets.is_empty() {
            let may_go_on = |world: &World| {
                world.stopped
                    || !world.powered
                    || (!world.deaf && world.printer.buffered() < super::interpreter::BUFFER_OCTETS)
            };
            let mut world = self.wait(None, may_go_on);
            if world.stopped || !world.powered {
                return false;
            }
            let taken = world.printer.handle_octets(octets);
            octets = &octets[taken..];
            world.take_outputs();
            drop(world);
            self.changed.notify_all();
        }
        true
    }

    /// Prints for ever, at most `pace` lines a second.
    pub fn print(&self, pace: Option<u32>) {
        loop {
            let mut world = self.lock();
            if world.stopped {
                return;
            }
            let before = world.printer.counters().lines;
            let progress = world.printer.run(if pace.is_some() { 1 } else { u32::MAX });
            world.take_outputs();
            let lines = world.printer.counters().lines - before;
            self.changed.notify_all();
            if let Some(pace) = pace.filter(|_| lines > 0) {
                drop(world);
                std::thread::sleep(Duration::from_secs(lines) / pace.max(1));
            } else if progress == Progress::Waiting {
                // Whatever makes printing possible again signals it.
                drop(self.changed.wait(world).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}
