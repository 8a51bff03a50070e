//! The gateway's link to HQ: carries bytes between the broker and the sync core, and keeps the pill honest.
//!
//! Every message from HQ is one operation of the writer; what it answers leaves after the commit. Nothing here decides
//! what is sent when: that is the core's.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use rusqlite::Connection;
use sans_io::{ClockQuality, Instant};
use serde_json::json;
use shop_model::config::Feature;
use store_daemon::broker::{BrokerEvent, Greeting, Publication, Publisher};
use store_daemon::ledger::SqlLedger;
use store_daemon::supervisor::Stop;
use store_daemon::wall::tokio_instant;
use store_daemon::writer::Lane;
use store_sync::topic::{Address, Topic};
use store_sync::{Class, Delivery, LedgerRead as _, LinkState, Message, Output, Queue, Side};
use tokio::sync::mpsc;

use crate::app::{App, Outgoing, SCOPE, ShopError, go_on};
use crate::facts::GatewayJudge;
use crate::live::Live;
use crate::settings;

/// How often the pill is looked at when nothing happens.
const LOOK: Duration = Duration::from_secs(1);

/// What the broker link needs to know of us.
pub struct Hello {
    app: App,
    reader: Mutex<Connection>,
}

impl Hello {
    /// Opens a reader of its own, because the link asks from a place that cannot wait.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn new(app: App) -> rusqlite::Result<Hello> {
        let reader = Connection::open(app.config.database())?;
        reader.pragma_update(None, "query_only", "ON")?;
        Ok(Hello { app, reader: Mutex::new(reader) })
    }

    fn farewell(&self) -> Option<Publication> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let will = self.app.end().will(&SqlLedger::new(&reader, SCOPE));
        match will {
            Ok(message) => Some(publication(&self.app, &message)),
            Err(e) => {
                tracing::warn!(error = %e, "no last will");
                None
            }
        }
    }
}

impl Greeting for Hello {
    fn client_id(&self) -> String {
        let store = &self.app.config.store;
        format!("{}.{}.{}", store.chain, store.id, self.app.end().boot())
    }

    fn subscriptions(&self) -> Vec<String> {
        let store = &self.app.config.store;
        Topic::for_store(store.chain.as_str(), store.id.as_str()).to_vec()
    }

    fn last_will(&self) -> Option<Publication> {
        self.app.end().handle_connecting(self.app.clock.now());
        self.farewell()
    }

    fn goodbye(&self) -> Option<Publication> {
        self.farewell()
    }
}

fn publication(app: &App, message: &Message) -> Publication {
    let store = &app.config.store;
    Publication {
        topic: message.topic(Side::Store).of(store.chain.as_str(), store.id.as_str()),
        payload: message.encode(),
        retain: message.retained(),
    }
}

/// The uplink's task.
pub struct Uplink {
    app: App,
    publisher: Publisher,
    events: mpsc::Receiver<BrokerEvent>,
    outgoing: mpsc::Receiver<Outgoing>,
    wake_at: Option<Instant>,
}

impl Uplink {
    /// Puts the task together.
    pub const fn new(
        app: App,
        publisher: Publisher,
        events: mpsc::Receiver<BrokerEvent>,
        outgoing: mpsc::Receiver<Outgoing>,
    ) -> Uplink {
        Uplink { app, publisher, events, outgoing, wake_at: None }
    }

    /// Runs until the stop.
    ///
    /// # Errors
    /// When the database fails; the supervisor starts it again.
    pub async fn run(&mut self, mut stop: Stop) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let wake = self.wake_at.map_or_else(|| tokio::time::Instant::now() + LOOK * 60, tokio_instant);
            tokio::select! {
                event = self.events.recv() => match event {
                    // What was not committed is not acknowledged: HQ sends it again.
                    Some(event) => drop(go_on("taking what HQ says", self.handle(event).await)?),
                    None => return Ok(()),
                },
                Some(outgoing) = self.outgoing.recv() => drop(go_on("sending to HQ", self.publish(outgoing).await)?),
                () = self.app.uplink_wake.notified() => drop(go_on("sending to HQ", self.pump().await)?),
                () = tokio::time::sleep_until(wake) => {
                    self.wake_at = None;
                    go_on("sending to HQ", self.pump().await)?;
                }
                _ = look.tick() => drop(go_on("looking at the link", self.look().await)?),
                () = stop.asked() => return Ok(()),
            }
        }
    }

    async fn handle(&mut self, event: BrokerEvent) -> Result<(), ShopError> {
        match event {
            BrokerEvent::Connected => {
                tracing::info!("connected to the broker");
                {
                    let mut link = self.app.status.link();
                    link.connected = true;
                    link.last_error = None;
                }
                self.app.end().handle_connected(self.app.clock.now());
                self.pump().await
            }
            BrokerEvent::Disconnected { why } => {
                tracing::info!(why, "no connection to the broker");
                {
                    let mut link = self.app.status.link();
                    link.connected = false;
                    link.last_error = Some(why);
                }
                self.app.end().handle_disconnected();
                self.look().await
            }
            BrokerEvent::Message { topic, payload, retained } => self.take(&topic, &payload, retained).await,
        }
    }

    async fn take(&mut self, topic: &str, payload: &[u8], retained: bool) -> Result<(), ShopError> {
        let address = match Address::parse(topic) {
            Ok(address) => address,
            Err(e) => return self.unreadable(topic, &e.to_string()),
        };
        if address.topic == Topic::ConfigDesired {
            return settings::handle_desired(&self.app, payload, &self.publisher).await;
        }
        let message = match Message::parse(&address.topic, payload) {
            Ok(message) => message,
            Err(e) => return self.unreadable(topic, &e.to_string()),
        };
        if !self.is_signed(&message) {
            self.app.status.link().unsigned += 1;
            tracing::error!(topic, "refused: not signed with HQ's key");
            return Ok(());
        }
        if let (Message::Heartbeat(beat), false) = (&message, retained)
            && let Ok(at) = beat.at.parse::<jiff::Timestamp>()
        {
            self.app.clock.learn(ClockQuality::Hq, at.as_millisecond());
        }
        let delivery = if retained { Delivery::Retained } else { Delivery::Live };
        let judge = GatewayJudge::of(&self.app.config.store);
        let lane = if matches!(message, Message::Ack(_)) { Lane::Acknowledge } else { Lane::Work };
        self.app
            .work(lane, move |desk| {
                desk.sync(|end, ledger, now| end.handle_message(ledger, &judge, message, delivery, now))
            })
            .await?;
        self.pump().await
    }

    fn unreadable(&self, topic: &str, why: &str) -> Result<(), ShopError> {
        self.app.status.link().unreadable += 1;
        tracing::warn!(topic, why, "a message that can't be read was left alone");
        Ok(())
    }

    /// With HQ's key in the configuration, what moves reservations must carry its signature.
    fn is_signed(&self, message: &Message) -> bool {
        let Some(key) = &self.app.config.hq_key else { return true };
        let (bytes, sig) = match message {
            Message::Events(batch) if batch.class == Class::P0 => (batch.events.get(), &batch.sig),
            Message::Snapshot(chunk) => (chunk.events.get(), &chunk.sig),
            _ => return true,
        };
        sig.as_deref().is_some_and(|sig| verify(key, bytes.as_bytes(), sig))
    }

    async fn pump(&mut self) -> Result<(), ShopError> {
        let app = self.app.clone();
        let outputs = self
            .app
            .read(move |db| {
                let mut end = app.end();
                end.set_extras(extras(&app, db)?);
                end.pump(&SqlLedger::new(db, SCOPE), app.clock.now())?;
                let mut outputs = Vec::new();
                loop {
                    match end.poll_output() {
                        Output::Wait { until } => return Ok((outputs, until.map(|(at, _)| at))),
                        output => outputs.push(output),
                    }
                }
            })
            .await?;
        self.wake_at = outputs.1;
        for output in outputs.0 {
            match output {
                Output::Transmit(message) => self.publish(Outgoing::Message(Box::new(message))).await?,
                Output::SendSnapshot(job) => self.publish(Outgoing::Snapshot(Box::new(job))).await?,
                other => tracing::error!(output = ?other, "the core asked for a transaction while sending"),
            }
        }
        Ok(())
    }

    async fn publish(&self, outgoing: Outgoing) -> Result<(), ShopError> {
        match outgoing {
            Outgoing::Message(message) => {
                self.publisher.publish(publication(&self.app, &message)).await;
                Ok(())
            }
            Outgoing::Snapshot(job) => self.publish_snapshot(*job).await,
        }
    }

    /// Reads the snapshot in one transaction and sends it chunk by chunk; the reader waits while the link is full.
    async fn publish_snapshot(&self, mut job: store_sync::SnapshotJob) -> Result<(), ShopError> {
        let (chunks, mut read) = mpsc::channel(8);
        let app = self.app.clone();
        let reading = tokio::spawn(async move {
            app.read(move |db| {
                let ledger = SqlLedger::new(db, SCOPE);
                while let Some(message) = job.next_chunk(&ledger)? {
                    if chunks.blocking_send(message).is_err() {
                        break;
                    }
                }
                Ok(())
            })
            .await
        });
        while let Some(message) = read.recv().await {
            self.publisher.publish(publication(&self.app, &message)).await;
        }
        reading.await.unwrap_or_else(|e| Err(ShopError::Corrupt(e.to_string())))
    }

    /// Brings the pill up to date.
    async fn look(&mut self) -> Result<(), ShopError> {
        let now = self.app.clock.now();
        let online = self.app.end().link_state(now) == LinkState::Online;
        let changed = {
            let mut link = self.app.status.link();
            let changed = link.online != online || (link.offline_since_ms.is_none() && !online);
            link.online = online;
            link.offline_since_ms = if online { None } else { link.offline_since_ms.or(Some(now.wall.unix_ms)) };
            changed
        };
        if changed {
            tracing::info!(online, "HQ");
            self.app.tell(Live::Pill);
        }
        Ok(())
    }
}

/// Checks an Ed25519 signature (RFC 8032) given in base64.
pub fn verify(key: &[u8; 32], bytes: &[u8], sig: &str) -> bool {
    let Ok(sig) = base64::engine::general_purpose::STANDARD.decode(sig) else { return false };
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key).verify(bytes, &sig).is_ok()
}

/// What births say beside the protocol's own: version, clock, configuration, queues, modem.
fn extras(app: &App, db: &Connection) -> Result<serde_json::Map<String, serde_json::Value>, ShopError> {
    let ledger = SqlLedger::new(db, SCOPE);
    let (p0, p1) = (ledger.outbox_size(Queue::P0)?, ledger.outbox_size(Queue::P1)?);
    let messages = |states: &str| -> rusqlite::Result<i64> {
        db.prepare_cached(&format!("SELECT count(*) FROM message WHERE state IN ({states})"))?
            .query_row([], |row| row.get(0))
    };
    let at_risk: i64 = db
        .prepare_cached(
            "SELECT count(*) FROM reservation WHERE goods IN ('received', 'picking', 'short') AND promised_ms < ?1",
        )?
        .query_row([app.clock.wall().unix_ms], |row| row.get(0))?;
    let modem = app.status.modem().clone();
    let bundle = app.bundle();
    let value = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "name": app.config.store.name,
        "clock": app.clock.wall().quality.as_str(),
        "config": { "version": bundle.version, "refused": *app.status.config_refused(),
                    "reminders": bundle.has(Feature::Reminders) },
        "queues": {
            "P0": p0.rows, "P1": p1.rows, "P1_bytes": p1.bytes,
            "messages": messages("'queued','held','submitting'")?,
            "unknown": messages("'unknown'")?,
            "failed": messages("'failed'")?,
        },
        "modem": modem,
        "at_risk": at_risk,
        "offline_days_left": days_left(p1.rows, p1.bytes),
    });
    match value {
        serde_json::Value::Object(map) => Ok(map),
        _ => Ok(serde_json::Map::new()),
    }
}

/// How long the outbox can still grow at a busy shop's pace before P1 is cut; P0 has no bound but the disk.
fn days_left(rows: u64, bytes: u64) -> u64 {
    const BOUND_ROWS: u64 = 100_000;
    const BOUND_BYTES: u64 = 64 << 20;
    /// Rows a day of a busy shop: 300 orders with a dozen message and call events each.
    const ROWS_A_DAY: u64 = 4_000;
    const BYTES_A_ROW: u64 = 450;
    let by_rows = BOUND_ROWS.saturating_sub(rows) / ROWS_A_DAY;
    by_rows.min(BOUND_BYTES.saturating_sub(bytes) / (ROWS_A_DAY * BYTES_A_ROW)).min(14)
}
