//! One transaction's view of the shop: read a reservation, do something to it, and everything that follows (events for
//! HQ, projections, owed answers, live pages) happens in the same transaction or not at all.

mod codes;
mod project;
mod restore;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use sans_io::Wall;
use shop_model::code::LockRule;
use shop_model::config::Bundle;
use shop_model::decide::{self, Command, Context, Problem, Role};
use shop_model::event::{Actor, MessageFact, StoreFact};
use shop_model::ids::{EventId, MessageId, OrderNumber, ReservationId};
use shop_model::reservation::{self, Reservation};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use store_daemon::ledger::SqlLedger;
use store_daemon::writer::Tx;
use store_sync::{AggregateKey, Alert, NewEvent, Now, Output, Side, StoreEnd};

use crate::app::{App, Outgoing, SCOPE, ShopError};
use crate::facts;
use crate::live::Live;

/// Who does something, from where.
#[derive(Clone, Debug)]
pub struct Who {
    /// The actor, as HQ will see it.
    pub actor: Actor,
    /// What they may do.
    pub role: Role,
    /// The screen or device.
    pub device: String,
}

impl Who {
    /// The store's own machinery.
    pub fn system() -> Who {
        Who { actor: Actor::system(), role: Role::Clerk, device: "gateway".into() }
    }
}

/// See the module.
pub struct Desk<'d, 'c> {
    app: &'d App,
    tx: &'d mut Tx<'c>,
    end: &'d mut StoreEnd,
    now: Now,
    bundle: Arc<Bundle>,
    live: Vec<Live>,
    outgoing: Vec<Outgoing>,
    witness: Option<u64>,
    wrote: bool,
}

impl<'d, 'c> Desk<'d, 'c> {
    pub(crate) fn open(app: &'d App, tx: &'d mut Tx<'c>, end: &'d mut StoreEnd) -> Self {
        let (now, bundle) = (app.clock.now(), app.bundle());
        Self { app, tx, end, now, bundle, live: Vec::new(), outgoing: Vec::new(), witness: None, wrote: false }
    }

    /// The time of this transaction.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Its wall time.
    pub const fn wall(&self) -> Wall {
        self.now.wall
    }

    /// The gateway.
    pub const fn app(&self) -> &'d App {
        self.app
    }

    /// The configuration bundle in force.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The open transaction.
    pub fn db(&self) -> &Connection {
        self.tx
    }

    /// A fresh id.
    pub fn new_id(&self) -> [u8; 16] {
        new_id(self.now.wall.unix_ms)
    }

    /// Calls the sync core on this transaction's ledger.
    ///
    /// # Errors
    /// The core's own.
    pub fn sync<T>(
        &mut self,
        call: impl FnOnce(&mut StoreEnd, &mut SqlLedger<'_>, Now) -> Result<T, store_sync::Error<rusqlite::Error>>,
    ) -> Result<T, ShopError> {
        let mut ledger = SqlLedger::new(self.tx, SCOPE);
        call(self.end, &mut ledger, self.now).map_err(|e| match e {
            store_sync::Error::Superseded => ShopError::Superseded,
            other => ShopError::Sync(other),
        })
    }

    /// Writes one event for HQ.
    ///
    /// # Errors
    /// The core's or the database's.
    pub fn append(&mut self, event: NewEvent) -> Result<EventId, ShopError> {
        self.wrote = true;
        let envelope = self.sync(|end, ledger, now| end.append(ledger, event, now))?;
        Ok(EventId::from_uuid(envelope.id.0))
    }

    /// Writes a fact of the store about a reservation, and refreshes what hangs on it.
    ///
    /// # Errors
    /// The core's or the database's.
    pub fn append_fact(
        &mut self,
        id: ReservationId,
        fact: &StoreFact,
        actor: &Actor,
        cause: Option<EventId>,
    ) -> Result<EventId, ShopError> {
        let event = self.append(facts::store_event(id, fact, actor, cause)?)?;
        self.refresh(id)?;
        Ok(event)
    }

    /// Writes a fact about a message; its row is the caller's.
    ///
    /// # Errors
    /// The core's or the database's.
    pub fn append_message(&mut self, id: MessageId, fact: &MessageFact, actor: &Actor) -> Result<EventId, ShopError> {
        self.append(facts::message_event(id, fact, actor)?)
    }

    /// Tells open pages after the commit.
    pub fn tell(&mut self, live: Live) {
        if !self.live.contains(&live) {
            self.live.push(live);
        }
    }

    /// The id of the reservation with this order number.
    ///
    /// # Errors
    /// The database's.
    pub fn find(&self, order: &OrderNumber) -> Result<Option<ReservationId>, ShopError> {
        find(self.tx, order)
    }

    /// Folds both logs of a reservation.
    ///
    /// # Errors
    /// The database's, or stored text that can't be read.
    pub fn load(&self, id: ReservationId) -> Result<Reservation, ShopError> {
        load(self.tx, id)
    }

    /// Does something to a reservation. The inner result is the model's word; a refusal's own facts (a wrong code)
    /// are kept.
    ///
    /// # Errors
    /// Only for reasons that are nobody's fault; nothing is kept then.
    pub fn command(
        &mut self,
        id: ReservationId,
        command: &Command,
        who: &Who,
    ) -> Result<Result<Reservation, Problem>, ShopError> {
        let before = self.load(id)?;
        let bundle = Arc::clone(&self.bundle);
        let lock = LockRule { first: self.app.config.counter.code_lock, ..LockRule::default() };
        let context = Context {
            now: self.now.wall,
            actor: &who.actor,
            role: who.role,
            hours: &bundle.hours,
            holds: &bundle.holds,
            undo: self.app.config.counter.undo,
            lock,
        };
        let (facts, problem) = match decide::decide(&before, command, &context) {
            Ok(facts) => (facts, None),
            Err(refusal) => (refusal.facts, Some(refusal.problem)),
        };
        for fact in &facts {
            self.append(facts::store_event(id, fact, &who.actor, None)?)?;
        }
        if !facts.is_empty() {
            self.audit(who, facts::name(facts.last().expect("not empty")), &id.to_string())?;
            self.refresh(id)?;
        }
        match problem {
            Some(problem) => Ok(Err(problem)),
            None => self.load(id).map(Ok),
        }
    }

    /// Notes who did what. References only.
    ///
    /// # Errors
    /// The database's.
    pub fn audit(&self, who: &Who, action: &str, about: &str) -> Result<(), ShopError> {
        let mut insert = self
            .tx
            .prepare_cached("INSERT INTO audit(at_ms, who, device, action, about) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![self.now.wall.unix_ms, who.actor.id, who.device, action, about])?;
        Ok(())
    }

    /// Raises an alert unless it stands already. `text` names nobody.
    ///
    /// # Errors
    /// The database's.
    pub fn alert(&mut self, kind: &str, about: &str, text: &str) -> Result<(), ShopError> {
        let raised = self.tx.execute(
            "INSERT INTO alert(kind, about, text, raised_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![kind, about, text, self.now.wall.unix_ms],
        )?;
        if raised > 0 {
            tracing::error!(kind, about, text, "alert");
            self.append(facts::alert_event("alert.raised", kind, about, text)?)?;
            self.tell(Live::Pill);
        }
        Ok(())
    }

    /// Clears an alert that stands.
    ///
    /// # Errors
    /// The database's.
    pub fn clear_alert(&mut self, kind: &str, about: &str) -> Result<(), ShopError> {
        let cleared = self.tx.execute(
            "UPDATE alert SET cleared_ms = ?3 WHERE kind = ?1 AND about = ?2 AND cleared_ms IS NULL",
            params![kind, about, self.now.wall.unix_ms],
        )?;
        if cleared > 0 {
            self.append(facts::alert_event("alert.cleared", kind, about, "")?)?;
            self.tell(Live::Pill);
        }
        Ok(())
    }

    /// Does what the core wants done inside the transaction, and arranges what must wait for the commit.
    pub(crate) fn close(mut self) -> Result<(), ShopError> {
        loop {
            match self.end.poll_output() {
                Output::Applied { key } => self.applied(&key)?,
                Output::RolledBack { why } => self.rolled_back(&why.to_string())?,
                Output::Restored => self.restored()?,
                Output::Alert(alert) => self.sync_alert(&alert)?,
                Output::Superseded { open } => {
                    self.note_superseded(true);
                    self.alert_row("superseded", "box", &format!("another box took over with epoch {open}"))?;
                }
                Output::Reopened => {
                    self.note_superseded(false);
                    self.clear_alert("superseded", "box")?;
                }
                Output::Telemetry(_) => {} // HQ sends none.
                Output::Transmit(message) => self.outgoing.push(Outgoing::Message(Box::new(message))),
                Output::SendSnapshot(job) => self.outgoing.push(Outgoing::Snapshot(Box::new(job))),
                Output::RaiseWitness(generation) => self.witness = Some(generation),
                Output::Wait { .. } => break,
            }
        }
        self.after_commit();
        Ok(())
    }

    fn after_commit(self) {
        let app = self.app.clone();
        let Desk { tx, live, outgoing, witness, wrote, .. } = self;
        tx.after_commit(move || {
            if let Some(generation) = witness
                && let Err(e) =
                    store_daemon::secrets::write_private(&app.config.witness(), generation.to_string().as_bytes())
            {
                tracing::error!(error = %e, "the generation file could not be written");
            }
            outgoing.into_iter().for_each(|message| app.send(message));
            live.into_iter().for_each(|event| app.tell(event));
            if wrote {
                app.uplink_wake.notify_one();
            }
        });
    }

    fn note_superseded(&self, superseded: bool) {
        let app = self.app.clone();
        app.status.link().superseded = superseded;
    }

    /// An alert that cannot go to HQ as an event because nothing may be written for it now.
    fn alert_row(&mut self, kind: &str, about: &str, text: &str) -> Result<(), ShopError> {
        tracing::error!(kind, about, text, "alert");
        self.tx.execute(
            "INSERT INTO alert(kind, about, text, raised_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![kind, about, text, self.now.wall.unix_ms],
        )?;
        self.tell(Live::Pill);
        Ok(())
    }

    fn sync_alert(&mut self, alert: &Alert) -> Result<(), ShopError> {
        match alert {
            Alert::SetAside { id, key, why, .. } => {
                let text = format!("an event about {}/{} was set aside: {why}", key.kind, key.id);
                self.alert_row("set-aside", &id.to_string(), &text)
            }
            Alert::Skipped { by, from, to } => {
                let text = format!("{} dropped its events {from} to {to} at a bound", by.as_str());
                self.alert_row("skipped", &format!("{}-{from}", by.as_str()), &text)
            }
            Alert::TwoBoxes { epoch } => {
                self.alert_row("two-boxes", "box", &format!("another box speaks under epoch {epoch}"))
            }
            Alert::Unreadable { what } => self.alert_row("unreadable", "sync", what),
        }
    }

    /// A log grew by what came from HQ (or by our own hand).
    fn applied(&mut self, key: &AggregateKey) -> Result<(), ShopError> {
        match key.kind.as_str() {
            "reservation" => match ReservationId::parse(&key.id) {
                Ok(id) => self.refresh(id),
                Err(_) => Ok(()),
            },
            "person" => self.refresh_person(&key.id),
            "command" => self.refuse_command(key),
            "sync" => self.rejected(key),
            _ => Ok(()),
        }
    }

    /// HQ could not apply an event of ours: a person must see it, for what it was about stands still there.
    fn rejected(&mut self, key: &AggregateKey) -> Result<(), ShopError> {
        let said = facts::events(&SqlLedger::new(self.tx, SCOPE), key, Side::Hq)?.into_iter().next_back();
        let Some(event) = said.filter(|event| event.kind == "sync.rejected") else { return Ok(()) };
        let body: serde_json::Value = serde_json::from_str(event.body.get()).unwrap_or_default();
        let text = |field: &str| body.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (kind, about) = (text("kind"), text("aggregate"));
        let words = format!("HQ could not apply an event about {kind} {about}: {}", text("why"));
        self.alert_row("rejected", &key.id, &words)
    }

    /// Commands come with a later release; until then each is answered, so that HQ does not wait for its expiry.
    fn refuse_command(&mut self, key: &AggregateKey) -> Result<(), ShopError> {
        let ledger = SqlLedger::new(self.tx, SCOPE);
        let Some(event) = facts::unanswered_command(&ledger, key)? else { return Ok(()) };
        self.append(event).map(drop)
    }
}

/// The id of the reservation with this order number.
///
/// # Errors
/// The database's.
pub fn find(db: &Connection, order: &OrderNumber) -> Result<Option<ReservationId>, ShopError> {
    let mut found = db.prepare_cached("SELECT id FROM reservation WHERE number = ?1")?;
    let id: Option<String> = found.query_row([order.as_str()], |row| row.get(0)).optional()?;
    id.map(|id| ReservationId::parse(&id).map_err(|e| ShopError::Corrupt(e.to_string()))).transpose()
}

/// Folds both logs of a reservation.
///
/// # Errors
/// The database's, or stored text that can't be read.
pub fn load(db: &Connection, id: ReservationId) -> Result<Reservation, ShopError> {
    let ledger = SqlLedger::new(db, SCOPE);
    let logs = facts::reservation_logs(&ledger, id)?;
    Ok(reservation::fold(&logs.hq, &logs.store))
}

/// A fresh id; ids of one process grow, so that rows of one millisecond keep their order.
pub(crate) fn new_id(unix_ms: i64) -> [u8; 16] {
    static IDS: LazyLock<Mutex<sans_io::Ids>> =
        LazyLock::new(|| Mutex::new(sans_io::Ids::new(store_daemon::secrets::seed())));
    IDS.lock().unwrap_or_else(PoisonError::into_inner).next_v7(unix_ms)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}
