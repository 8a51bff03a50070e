//! A shop for tests: a real database in a temporary folder, orders as HQ sends them, a clock that tests set.

use std::time::Duration;

use jiff::Timestamp;
use sans_io::ClockQuality;
use serde_json::json;
use shop_model::decide::{Command, Role};
use shop_model::event::{Actor, StagedBag, StoreFact};
use shop_model::ids::{BagId, MessageId, OrderNumber, ReservationId, ShelfId};
use shop_model::message::MessageState;
use store_daemon::ledger::SqlLedger;
use store_daemon::secrets::Keys;
use store_daemon::writer::{Lane, Readers, Writer, WriterThread};
use store_sync::{AggregateKey, Config as SyncConfig, Ledger as _, LogEntry, Side, Standing, StoreEnd, Witness};

use super::row::{self, MessageRow};
use crate::app::{App, Outgoing, Parts, SCOPE, ShopError};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::{Desk, Who};
use crate::{database, facts};

/// An open shop.
pub(crate) struct Shop {
    pub app: App,
    _dir: tempfile::TempDir,
    _outgoing: tokio::sync::mpsc::Receiver<Outgoing>,
    _writer: WriterThread,
}

/// An order as HQ places it.
pub(crate) struct Order<'a> {
    pub number: &'a str,
    pub phone: &'a str,
    pub language: &'a str,
}

impl<'a> Order<'a> {
    pub(crate) const fn pl(number: &'a str) -> Order<'a> {
        Order { number, phone: "+48600100813", language: "pl" }
    }
}

/// Who stands at the counter in tests.
pub(crate) fn anna() -> Who {
    Who { actor: Actor::staff("anna"), role: Role::Clerk, device: "counter".into() }
}

impl Shop {
    /// Opens one on Thursday, 23.05.2030, 12:07 in Warsaw, by HQ's clock.
    pub(crate) async fn open() -> Shop {
        let clock = Clock::start(0);
        clock.learn(ClockQuality::Hq, at("2030-05-23T12:07"));
        Self::open_by(clock, "").await
    }

    /// With another clock, and more lines of configuration.
    pub(crate) async fn open_by(clock: Clock, more: &str) -> Shop {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("gateway.toml");
        let text = format!(
            "[store]\nchain = \"lada\"\nid = \"wola\"\nname = \"Wola\"\n[storage]\npath = {:?}\n[uplink]\nurl = \
             \"mqtt://127.0.0.1:1\"\n[web]\nlisten = \"127.0.0.1:0\"\n{more}",
            dir.path().join("data")
        );
        std::fs::write(&file, text).expect("a file");
        let config = Config::load(&file).expect("a good configuration");
        let db = database::open(&config).expect("a database");
        let keys = Keys::load_or_create(&config.keys()).expect("keys");
        let end = StoreEnd::new(SyncConfig::store("test"), 7, clock.now());
        let (writer, thread) = Writer::start(db).expect("a thread");
        let readers = Readers::open(&config.database()).expect("readers");
        let parts = Parts { config, writer, readers, keys, clock, end, bundle: Default::default() };
        let (app, outgoing) = App::new(parts);
        app.work(Lane::Work, |desk| desk.sync(|end, l, now| end.handle_start(l, Witness::Missing, now)))
            .await
            .expect("a ledger");
        Shop { app, _dir: dir, _outgoing: outgoing, _writer: thread }
    }

    /// Sets the clock, local time in Warsaw.
    pub(crate) fn time(&self, local: &str) {
        self.app.clock.learn(ClockQuality::Hq, at(local));
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, by: Duration) {
        let now = self.app.clock.wall().unix_ms;
        self.app.clock.learn(ClockQuality::Hq, now + i64::try_from(by.as_millis()).expect("a short time"));
    }

    /// One transaction.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Desk<'_, '_>) -> Result<T, ShopError> + Send + 'static,
    ) -> T {
        self.app.work(Lane::Work, act).await.expect("a commit")
    }

    /// HQ places an order.
    pub(crate) async fn place(&self, order: &Order<'_>) -> ReservationId {
        let number = OrderNumber::parse(order.number).expect("a number");
        let store = &self.app.config.store;
        let id = ReservationId::derive(&store.chain, &store.id, &number);
        let body = json!({
            "order": order.number, "kind": "prepaid", "contract": "distance",
            "lines": [{ "line": 1, "sku": "KUB-1", "name": "Kubek", "quantity": 1, "unit_price": 2_500 }],
            "currency": "PLN", "total": 2_500, "due": 0,
            "person_ref": uuid::Uuid::from_bytes(store_daemon::secrets::random()).to_string(),
            "personal": { "name": "Jan Kowalski", "phone": order.phone, "language": order.language, "channel": "sms" },
        });
        let wall = Timestamp::from_millisecond(self.app.clock.wall().unix_ms).expect("a time");
        let event = uuid::Uuid::from_bytes(store_daemon::secrets::random());
        let envelope = json!({
            "schema": 1, "id": event.to_string(), "seq": 1,
            "aggregate": { "kind": "reservation", "id": id.to_string(), "n": 1, "seen": 0 },
            "cause": null, "at": { "wall": format!("{wall:.3}"), "quality": "hq" },
            "actor": { "kind": "hq", "id": "shop" }, "type": "reservation.placed", "body": body,
        });
        self.work(move |desk| {
            let key = AggregateKey::new("reservation", id.to_string());
            let entry = LogEntry {
                n: 1,
                id: store_sync::EventId(event),
                standing: Standing::Applied,
                text: envelope.to_string(),
            };
            SqlLedger::new(desk.db(), SCOPE).append_log(&key, Side::Hq, &entry)?;
            desk.append_fact(id, &StoreFact::Accepted, &Actor::system(), None).map(drop)
        })
        .await;
        id
    }

    /// Staff do something; it must be allowed.
    pub(crate) async fn command(&self, id: ReservationId, command: Command) {
        self.work(move |desk| {
            desk.command(id, &command, &anna())?.expect("the model allows it");
            Ok(())
        })
        .await;
    }

    /// An order that waits on a shelf.
    pub(crate) async fn ready(&self, order: &Order<'_>) -> ReservationId {
        let id = self.place(order).await;
        self.stage(id, "A1").await;
        id
    }

    /// Its bag goes on a shelf.
    pub(crate) async fn stage(&self, id: ReservationId, shelf: &str) {
        let bag = StagedBag { bag: BagId::parse("1").expect("a bag"), shelf: ShelfId::parse(shelf).expect("a shelf") };
        self.command(id, Command::Stage { bags: vec![bag] }).await;
    }

    /// The reconciler runs.
    pub(crate) async fn reconcile(&self) {
        super::reconcile(&self.app).await.expect("a pass");
    }

    /// All messages, oldest first; each row must say what its log says.
    pub(crate) async fn messages(&self) -> Vec<MessageRow> {
        let read = self.app.read(|db| {
            let rows = row::select(db, "ORDER BY m.created_ms, m.id", [])?;
            for row in &rows {
                let log = facts::message_log(&SqlLedger::new(db, SCOPE), row.id)?;
                let folded = shop_model::message::fold(&log).expect("a log");
                assert_eq!(folded.state, row.state, "{} by its row and its log", row.purpose);
            }
            Ok(rows)
        });
        read.await.expect("a read")
    }

    /// The only message.
    pub(crate) async fn message(&self) -> MessageRow {
        let mut all = self.messages().await;
        assert_eq!(all.len(), 1, "one message");
        all.remove(0)
    }

    /// The state of a message.
    pub(crate) async fn state(&self, id: MessageId) -> MessageState {
        let all = self.messages().await;
        all.into_iter().find(|m| m.id == id).expect("the message").state
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        self.app.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?)).await.expect("a count")
    }
}

/// Local time in Warsaw as milliseconds since the Unix epoch.
pub(crate) fn at(local: &str) -> i64 {
    let zone = jiff::tz::TimeZone::get("Europe/Warsaw").expect("a zone");
    let local: jiff::civil::DateTime = local.parse().expect("a time");
    local.to_zoned(zone).expect("a time").timestamp().as_millisecond()
}
