//! One transaction's view of HQ: append events for stores, and everything that follows from what is in the logs
//! (projections, alerts, live pages) happens in the same transaction or not at all.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};
use store_daemon::ledger::SqlLedger;
use store_daemon::writer::Tx;
use store_sync::{Alert, Envelope, HqEnd, NewEvent, Now, Output};

use crate::app::{self, App, Outgoing};
use crate::live::Live;
use crate::orders::refusal::Refusal;
use crate::project;

/// See the module.
pub struct Desk<'d, 'c> {
    app: &'d App,
    tx: &'d mut Tx<'c>,
    ends: &'d mut HashMap<String, HqEnd>,
    now: Now,
    /// Stores whose end took part, and whether the end was made for it.
    touched: BTreeMap<String, Made>,
    live: Vec<Live>,
    outgoing: Vec<Outgoing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Before,
    Here,
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug)]
pub struct AlertAt<'a> {
    /// The store.
    pub store: &'a str,
    /// What makes it the same alert.
    pub key: &'a str,
    /// Its kind, for filters.
    pub kind: &'a str,
    /// The order that it is about.
    pub reservation: Option<&'a str>,
}

impl<'d, 'c> Desk<'d, 'c> {
    pub(crate) fn open(app: &'d App, tx: &'d mut Tx<'c>, ends: &'d mut HashMap<String, HqEnd>) -> Self {
        Self { app, tx, ends, now: app::now(), touched: BTreeMap::new(), live: Vec::new(), outgoing: Vec::new() }
    }

    /// HQ.
    pub const fn app(&self) -> &'d App {
        self.app
    }

    /// The open transaction.
    pub fn db(&self) -> &Connection {
        self.tx
    }

    /// The time of this transaction.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Its wall time, milliseconds since 1970.
    pub const fn unix_ms(&self) -> i64 {
        self.now.wall.unix_ms
    }

    /// Calls a store's end on this transaction's ledger.
    ///
    /// # Errors
    /// The core's own, as a storage refusal.
    pub fn sync<T>(
        &mut self,
        store: &str,
        call: impl FnOnce(&mut HqEnd, &mut SqlLedger<'_>, Now) -> Result<T, store_sync::Error<rusqlite::Error>>,
    ) -> Result<T, Refusal> {
        let failed = |e: store_sync::Error<rusqlite::Error>| match e {
            store_sync::Error::TooLarge { .. } => Refusal::TooLarge { limit: store_sync::wire::EVENT_BYTES_MAX },
            store_sync::Error::Ledger(e) => e.into(),
            other => Refusal::Storage(format!("{other:?}")),
        };
        let mut ledger = SqlLedger::new(self.tx, store);
        if !self.ends.contains_key(store) {
            let mut end = self.app.new_end(self.now);
            end.handle_start(&mut ledger, self.app.life(), self.now).map_err(failed)?;
            if self.app.connected.load(std::sync::atomic::Ordering::Relaxed) {
                end.handle_connected(self.now);
            }
            self.ends.insert(store.to_owned(), end);
            self.touched.insert(store.to_owned(), Made::Here);
        }
        self.touched.entry(store.to_owned()).or_insert(Made::Before);
        let end = self.ends.get_mut(store).expect("it was put there above");
        call(end, &mut ledger, self.now).map_err(failed)
    }

    /// Writes one event for a store.
    ///
    /// # Errors
    /// The core's or the database's.
    pub fn append(&mut self, store: &str, event: NewEvent) -> Result<Envelope, Refusal> {
        self.sync(store, |end, ledger, now| end.append(ledger, event, now))
    }

    /// Tells open pages after the commit.
    pub fn tell(&mut self, live: Live) {
        if !self.live.contains(&live) {
            self.live.push(live);
        }
    }

    /// Hands something to the uplink after the commit.
    pub fn send(&mut self, outgoing: Outgoing) {
        self.outgoing.push(outgoing);
    }

    /// Makes sure that a store has its row.
    ///
    /// # Errors
    /// The database's.
    pub fn register(&mut self, store: &str, by: &str) -> Result<(), Refusal> {
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO store(id, registered_at, registered_by) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        if insert.execute(params![store, self.now.wall.unix_ms, by])? > 0 {
            tracing::info!(store, by, "a store was registered");
            drop(insert);
            self.tell(Live::Store(store.to_owned()));
        }
        Ok(())
    }

    /// Notes who did what. References only.
    ///
    /// # Errors
    /// The database's.
    pub fn audit(&self, actor: &str, what: &str, about: &str) -> Result<(), Refusal> {
        let mut insert = self.tx.prepare_cached("INSERT INTO audit(at, actor, what, about) VALUES (?1, ?2, ?3, ?4)")?;
        insert.execute(params![self.now.wall.unix_ms, actor, what, about])?;
        Ok(())
    }

    /// Raises an alert, or counts it again where it stands. `words` name nobody.
    ///
    /// # Errors
    /// The database's.
    pub fn alert(&mut self, at: AlertAt<'_>, words: &str) -> Result<(), Refusal> {
        let AlertAt { store, key, kind, reservation } = at;
        let mut upsert = self.tx.prepare_cached(
            "INSERT INTO alert(store, key, kind, reservation, words, raised_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (store, key) WHERE cleared_at IS NULL
             DO UPDATE SET times = times + 1, last_at = excluded.last_at, words = excluded.words",
        )?;
        upsert.execute(params![store, key, kind, reservation, words, self.now.wall.unix_ms])?;
        drop(upsert);
        tracing::warn!(store, kind, key, "alert");
        self.tell(Live::Alerts);
        Ok(())
    }

    /// Raises an alert unless it ever stood: for facts that are read again and again.
    ///
    /// # Errors
    /// The database's.
    pub fn alert_once(&mut self, at: AlertAt<'_>, words: &str) -> Result<(), Refusal> {
        let mut find = self.tx.prepare_cached("SELECT 1 FROM alert WHERE store = ?1 AND key = ?2 LIMIT 1")?;
        let stood = find.query_row([at.store, at.key], |_| Ok(())).optional()?.is_some();
        drop(find);
        if stood { Ok(()) } else { self.alert(at, words) }
    }

    /// Clears an alert that stands.
    ///
    /// # Errors
    /// The database's.
    pub fn clear_alert(&mut self, store: &str, key: &str, by: &str) -> Result<(), Refusal> {
        let cleared = self.tx.execute(
            "UPDATE alert SET cleared_at = ?3, cleared_by = ?4 WHERE store = ?1 AND key = ?2 AND cleared_at IS NULL",
            params![store, key, self.now.wall.unix_ms, by],
        )?;
        if cleared > 0 {
            self.tell(Live::Alerts);
        }
        Ok(())
    }

    /// Does what the cores want done inside the transaction, and arranges what must wait for the commit.
    pub(crate) fn finish(&mut self) -> Result<(), Refusal> {
        while let Some((store, output)) = self.next_output() {
            match output {
                Output::Applied { key } => project::applied(self, &store, &key)?,
                Output::RolledBack { why } => {
                    let at = AlertAt { store: &store, key: "rolled-back", kind: "sync", reservation: None };
                    self.alert(
                        at,
                        &format!("HQ's database is an older copy ({why}); the store's snapshot is awaited"),
                    )?;
                }
                Output::Restored => {
                    self.clear_alert(&store, "rolled-back", "sync")?;
                    project::rebuild(self, &store)?;
                }
                Output::Alert(alert) => self.sync_alert(&store, &alert)?,
                Output::Superseded { .. } | Output::Reopened | Output::Telemetry(_) | Output::RaiseWitness(_) => {}
                Output::Transmit(message) => self.outgoing.push(Outgoing::Message { store, message }),
                Output::SendSnapshot(job) => self.outgoing.push(Outgoing::Snapshot { store, job: Box::new(job) }),
                Output::Wait { .. } => unreachable!("next_output skips waits"),
            }
        }
        self.after_commit();
        Ok(())
    }

    /// The next output of any end that took part; projections may make more.
    fn next_output(&mut self) -> Option<(String, Output)> {
        for store in self.touched.keys() {
            let Some(end) = self.ends.get_mut(store) else { continue };
            match end.poll_output() {
                Output::Wait { .. } => {}
                output => return Some((store.clone(), output)),
            }
        }
        None
    }

    fn after_commit(&mut self) {
        let app = self.app.clone();
        let touched: Vec<String> = self.touched.keys().cloned().collect();
        let outgoing = std::mem::take(&mut self.outgoing);
        let live = std::mem::take(&mut self.live);
        self.tx.after_commit(move || {
            outgoing.into_iter().for_each(|message| app.send(message));
            touched.iter().for_each(|store| app.pump_soon(store));
            live.into_iter().for_each(|event| app.tell(event));
        });
    }

    /// Nothing of this transaction will be kept: the ends must not think otherwise.
    pub(crate) fn abandon(&mut self) {
        for (store, made) in std::mem::take(&mut self.touched) {
            match (made, self.ends.get_mut(&store)) {
                (Made::Before, Some(end)) => end.handle_rollback(self.now),
                _ => drop(self.ends.remove(&store)),
            }
        }
    }

    fn sync_alert(&mut self, store: &str, alert: &Alert) -> Result<(), Refusal> {
        let at = |key| AlertAt { store, key, kind: "sync", reservation: None };
        match alert {
            Alert::SetAside { id, key, author, why } => self.alert(
                at(&format!("aside-{id}")),
                &format!("an event of {} about {} {} was set aside: {why}", author.as_str(), key.kind, key.id),
            ),
            Alert::Skipped { by, from, to } => self.alert(
                at(&format!("skipped-{}-{from}", by.as_str())),
                &format!("{} dropped its messages {from} to {to} at a bound", by.as_str()),
            ),
            Alert::TwoBoxes { epoch } => self.alert(
                at("two-boxes"),
                &format!("another box speaks for this store (epoch {epoch}): one of two must be switched off"),
            ),
            Alert::Unreadable { what } => self.alert(at("unreadable"), &format!("unreadable event: {what}")),
        }
    }
}
