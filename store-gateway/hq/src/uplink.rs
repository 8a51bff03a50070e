//! HQ's link to the stores: what comes from the broker becomes operations of the writer, what was committed leaves.
//!
//! Two tasks, so that neither ever waits for the other: [`Uplink`] takes messages and drives the cores, [`Sender`]
//! publishes. Nothing here decides what is sent when: that is the cores'.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use sans_io::Instant;
use store_daemon::broker::{BrokerEvent, Greeting, Publication, Publisher};
use store_daemon::ledger::SqlLedger;
use store_daemon::supervisor::Stop;
use store_daemon::wall::{monotonic, tokio_instant};
use store_daemon::writer::Lane;
use store_sync::topic::Topic;
use store_sync::wire::Heartbeat;
use store_sync::{Class, Message, Output, Side};
use tokio::sync::{Mutex, mpsc};

use crate::app::{self, App, Outgoing};
use crate::bundles;
use crate::ingest::{self, Incoming};
use crate::orders::refusal::Refusal;

/// Messages that one operation of the writer takes.
const BATCH: usize = 64;
/// Stores that one read transaction pumps.
const PUMP: usize = 64;
/// Longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// What the broker link needs to know of us.
pub struct Hello {
    app: App,
}

impl Hello {
    /// The greeting of this process.
    pub const fn new(app: App) -> Hello {
        Hello { app }
    }
}

impl Greeting for Hello {
    fn client_id(&self) -> String {
        format!("{}.hq.{}", self.app.config.hq.chain, self.app.boot)
    }

    fn subscriptions(&self) -> Vec<String> {
        Topic::for_hq(self.app.config.hq.chain.as_str()).to_vec()
    }

    fn last_will(&self) -> Option<Publication> {
        Some(heartbeat(&self.app, Beat::Gone))
    }

    fn goodbye(&self) -> Option<Publication> {
        Some(heartbeat(&self.app, Beat::Gone))
    }
}

/// What a heartbeat says of us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beat {
    Here,
    Gone,
}

fn heartbeat(app: &App, beat: Beat) -> Publication {
    let beat = Heartbeat {
        online: beat == Beat::Here,
        at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        boot: Some(app.boot),
    };
    let message = Message::Heartbeat(beat);
    Publication {
        topic: Topic::HqState.of(app.config.hq.chain.as_str(), "hq"),
        payload: message.encode(),
        retain: message.retained(),
    }
}

/// Takes what comes and drives the cores.
pub struct Uplink {
    app: App,
    events: mpsc::Receiver<BrokerEvent>,
    due: BTreeMap<String, Instant>,
}

impl Uplink {
    /// Puts the task together.
    pub const fn new(app: App, events: mpsc::Receiver<BrokerEvent>) -> Uplink {
        Uplink { app, events, due: BTreeMap::new() }
    }

    /// Runs until the stop.
    ///
    /// # Errors
    /// When the database fails; the supervisor starts it again.
    pub async fn run(&mut self, mut stop: Stop) -> anyhow::Result<()> {
        let mut incoming = Vec::with_capacity(BATCH);
        loop {
            let wake =
                self.due.values().min().map_or_else(|| tokio::time::Instant::now() + IDLE, |at| tokio_instant(*at));
            tokio::select! {
                taken = self.events.recv_many(&mut incoming, BATCH) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    self.take(std::mem::take(&mut incoming)).await;
                }
                () = self.app.pump_wake.notified() => {
                    let dirty = self.app.take_dirty();
                    self.pump(dirty).await;
                }
                () = tokio::time::sleep_until(wake) => {
                    let now = monotonic();
                    let due: BTreeSet<String> =
                        self.due.iter().filter(|(_, at)| **at <= now).map(|(store, _)| store.clone()).collect();
                    self.pump(due).await;
                }
                () = stop.asked() => return Ok(()),
            }
        }
    }

    async fn take(&mut self, events: Vec<BrokerEvent>) {
        let mut messages = Vec::new();
        for event in events {
            match event {
                BrokerEvent::Connected => {
                    tracing::info!("connected to the broker");
                    self.app.connected.store(true, Ordering::Relaxed);
                    let now = app::now();
                    self.app.ends().values_mut().for_each(|end| end.handle_connected(now));
                    self.app.tell(crate::live::Live::Store(String::new()));
                }
                BrokerEvent::Disconnected { why } => {
                    if self.app.connected.swap(false, Ordering::Relaxed) {
                        tracing::warn!(why, "the broker is gone");
                    }
                    self.app.ends().values_mut().for_each(store_sync::HqEnd::handle_disconnected);
                    self.due.clear();
                    self.app.tell(crate::live::Live::Store(String::new()));
                }
                BrokerEvent::Message { topic, payload, retained } => {
                    self.app.counters.received.fetch_add(1, Ordering::Relaxed);
                    messages.push(Arc::new(Incoming { topic, payload, retained }));
                }
            }
        }
        if messages.is_empty() {
            return;
        }
        if let Err(refusal) = self.commit(messages.clone()).await {
            tracing::error!(why = ?refusal, messages = messages.len(), "messages were not committed; one by one now");
            for message in messages {
                self.commit_alone(message).await;
            }
        }
    }

    async fn commit(&self, messages: Vec<Arc<Incoming>>) -> Result<(), Refusal> {
        self.app
            .work(Lane::Acknowledge, move |desk| messages.iter().try_for_each(|message| ingest::take(desk, message)))
            .await
    }

    /// One message that breaks a rule of ours must not stop the others.
    async fn commit_alone(&self, message: Arc<Incoming>) {
        if let Err(refusal) = self.commit(vec![Arc::clone(&message)]).await {
            tracing::error!(topic = message.topic, why = ?refusal, "a message could not be taken; its sender sends it again");
            let why = "could not be taken";
            drop(self.app.work(Lane::Work, move |desk| ingest::keep_garbage(desk, None, &message, why)).await);
        }
    }

    /// Lets the cores send what was committed, and notes when each wants to be looked at again.
    async fn pump(&mut self, stores: BTreeSet<String>) {
        let stores: Vec<String> = stores.into_iter().collect();
        for part in stores.chunks(PUMP) {
            let (app, names) = (self.app.clone(), part.to_vec());
            let pumped =
                self.app.read(move |db| Ok(names.iter().map(|store| pump_one(&app, db, store)).collect::<Vec<_>>()));
            let outcomes = pumped.await.unwrap_or_default();
            for (store, outcome) in part.iter().zip(outcomes) {
                match outcome {
                    Ok(Some(at)) => drop(self.due.insert(store.clone(), at)),
                    Ok(None) => drop(self.due.remove(store)),
                    Err(e) => {
                        tracing::error!(store, error = ?e, "the sync ledger could not be read");
                        self.due.insert(store.clone(), monotonic() + Duration::from_secs(5));
                    }
                }
            }
        }
    }
}

fn pump_one(app: &App, db: &rusqlite::Connection, store: &str) -> Result<Option<Instant>, Refusal> {
    let mut ends = app.ends();
    let Some(end) = ends.get_mut(store) else { return Ok(None) };
    end.pump(&SqlLedger::new(db, store), app::now()).map_err(|e| Refusal::Storage(format!("{e:?}")))?;
    loop {
        match end.poll_output() {
            Output::Wait { until } => return Ok(until.map(|(at, _)| at)),
            Output::Transmit(message) => app.send(Outgoing::Message { store: store.to_owned(), message }),
            Output::SendSnapshot(job) => app.send(Outgoing::Snapshot { store: store.to_owned(), job: Box::new(job) }),
            other => tracing::error!(output = ?other, "the core asked for a transaction while sending"),
        }
    }
}

/// Publishes what was committed, and the heartbeat.
pub struct Sender {
    app: App,
    publisher: Publisher,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl Sender {
    /// Puts the task together.
    pub const fn new(app: App, publisher: Publisher, outgoing: mpsc::Receiver<Outgoing>) -> Sender {
        Sender { app, publisher, outgoing }
    }

    /// Runs until the stop.
    ///
    /// # Errors
    /// Never; the signature is the supervisor's.
    pub async fn run(&mut self, mut stop: Stop) -> anyhow::Result<()> {
        let mut beat = tokio::time::interval(Duration::from_millis(self.app.config.timing.heartbeat_ms));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = self.outgoing.recv() => match next {
                    Some(outgoing) => self.publish(outgoing).await,
                    None => return Ok(()),
                },
                _ = beat.tick() => if self.app.connected.load(Ordering::Relaxed) {
                    self.publisher.publish(heartbeat(&self.app, Beat::Here)).await;
                },
                () = stop.asked() => return Ok(()),
            }
        }
    }

    async fn publish(&self, outgoing: Outgoing) {
        if !self.app.connected.load(Ordering::Relaxed) {
            self.app.counters.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match outgoing {
            Outgoing::Message { store, message } => self.message(&store, message).await,
            Outgoing::Snapshot { store, job } => self.snapshot(&store, *job).await,
            Outgoing::Config { store } => self.config(&store).await,
        }
    }

    async fn message(&self, store: &str, mut message: Message) {
        sign(&self.app, &mut message);
        let publication = Publication {
            topic: message.topic(Side::Hq).of(self.app.config.hq.chain.as_str(), store),
            payload: message.encode(),
            retain: message.retained(),
        };
        self.publisher.publish(publication).await;
    }

    /// Reads the snapshot in one transaction and sends it chunk by chunk; the reader waits while the link is full.
    async fn snapshot(&self, store: &str, mut job: store_sync::SnapshotJob) {
        let (chunks, mut read) = mpsc::channel(8);
        let (app, name) = (self.app.clone(), store.to_owned());
        let reading = tokio::spawn(async move {
            app.read(move |db| {
                let ledger = SqlLedger::new(db, &name);
                loop {
                    let next = job.next_chunk(&ledger).map_err(|e| Refusal::Storage(format!("{e:?}")))?;
                    let Some(message) = next else { return Ok(()) };
                    if chunks.blocking_send(message).is_err() {
                        return Ok(());
                    }
                }
            })
            .await
        });
        while let Some(message) = read.recv().await {
            self.message(store, message).await;
        }
        if let Ok(Err(e)) = reading.await {
            tracing::error!(store, why = ?e, "a snapshot broke off; the store asks again");
        }
    }

    async fn config(&self, store: &str) {
        let name = store.to_owned();
        let desired = self.app.read(move |db| bundles::newest(db, &name)).await;
        match desired {
            Ok(Some(bundle)) => {
                let topic = Topic::ConfigDesired.of(self.app.config.hq.chain.as_str(), store);
                self.publisher.publish(Publication { topic, payload: bundle.payload(), retain: true }).await;
            }
            Ok(None) => {}
            Err(e) => tracing::error!(store, why = ?e, "the configuration could not be read"),
        }
    }
}

/// P0 and snapshots carry HQ's word: a broker that was taken over can't place or cancel anything.
fn sign(app: &App, message: &mut Message) {
    match message {
        Message::Events(batch) if batch.class == Class::P0 => {
            batch.sig = Some(app.signer.sign(batch.events.get().as_bytes()));
        }
        Message::Snapshot(chunk) => chunk.sig = Some(app.signer.sign(chunk.events.get().as_bytes())),
        Message::Events(_) | Message::Ack(_) | Message::Birth(_) | Message::Request(_) | Message::Heartbeat(_) => {}
    }
}

/// A task that the supervisor may start again over the same state.
pub type Shared<T> = Arc<Mutex<T>>;
