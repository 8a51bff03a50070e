//! Between the ledger's texts and the model's facts: HQ's own events are written here, both authors' logs read here.

use shop_model::event::{self as model, Entry, HqFact, MessageFact, Received, StoreFact};
use shop_model::ids::{MessageId, ReservationId};
use store_daemon::ledger::SqlLedger;
use store_sync::contract::{EventBody, Fact, Parsed};
use store_sync::{Actor, AggregateKey, Envelope, Judge, LedgerRead as _, LogEntry, NewEvent, Side, Standing, Verdict};

use crate::orders::refusal::Refusal;

/// Log entries that are read at once.
const PAGE: usize = 256;

/// Says what HQ makes of the stores' events.
pub struct HqJudge;

impl Judge for HqJudge {
    fn judge(&self, event: &Envelope) -> Verdict {
        match EventBody::parse(&event.kind, event.body.get()) {
            Err(e) => Verdict::Reject { why: e.to_string() },
            Ok(Parsed::UnknownType) => Verdict::KeepForUpgrade,
            Ok(Parsed::Known(body)) => match body.fact() {
                Ok(_) => Verdict::Apply,
                Err(e) => Verdict::Reject { why: e.to_string() },
            },
        }
    }
}

/// The aggregate of a reservation.
pub fn reservation_key(id: ReservationId) -> AggregateKey {
    AggregateKey::new("reservation", id.to_string())
}

/// HQ's event about a reservation.
///
/// # Errors
/// Never for facts that passed the checks.
pub fn hq_event(id: ReservationId, fact: &HqFact, actor: &str) -> Result<NewEvent, Refusal> {
    let body = EventBody::from(fact.clone());
    let actor = Actor { kind: "hq".into(), id: actor.to_owned() };
    NewEvent::new(reservation_key(id), body.type_name(), actor, &body.to_json().map_err(unwritable)?)
        .map_err(unwritable)
}

fn unwritable(e: serde_json::Error) -> Refusal {
    Refusal::Storage(format!("the event can't be written: {e}"))
}

/// Both authors' facts of a reservation, and every event for the timeline.
#[derive(Debug, Default)]
pub struct Logs {
    /// HQ's.
    pub hq: Vec<Entry<HqFact>>,
    /// The store's.
    pub store: Vec<Entry<StoreFact>>,
}

fn log(ledger: &SqlLedger<'_>, key: &AggregateKey, author: Side) -> Result<Vec<LogEntry>, Refusal> {
    let mut entries = Vec::new();
    loop {
        let after = entries.last().map_or(0, |e: &LogEntry| e.n);
        let page = ledger.log(key, author, after, PAGE)?;
        let done = page.len() < PAGE;
        entries.extend(page);
        if done {
            return Ok(entries);
        }
    }
}

fn applied(entries: &[LogEntry]) -> impl Iterator<Item = (&LogEntry, Envelope, Fact)> {
    entries.iter().filter(|e| e.standing == Standing::Applied).filter_map(|entry| {
        let envelope = entry.envelope().ok()?;
        let Ok(Parsed::Known(body)) = EventBody::parse(&envelope.kind, envelope.body.get()) else { return None };
        let fact = body.fact().ok()?;
        Some((entry, envelope, fact))
    })
}

fn entry<F>(log: &LogEntry, envelope: &Envelope, body: F) -> Entry<F> {
    let actor = model::Actor {
        kind: model::ActorKind::parse(&envelope.actor.kind).unwrap_or(model::ActorKind::System),
        id: envelope.actor.id.clone(),
    };
    Entry {
        id: shop_model::ids::EventId::from_uuid(envelope.id.0),
        n: log.n,
        seen: envelope.aggregate.seen,
        at: envelope.at,
        actor,
        cause: envelope.cause.map(|cause| shop_model::ids::EventId::from_uuid(cause.0)),
        body,
    }
}

/// Both logs of a reservation.
///
/// # Errors
/// The database's.
pub fn reservation_logs(ledger: &SqlLedger<'_>, id: ReservationId) -> Result<Logs, Refusal> {
    let key = reservation_key(id);
    let mut logs = Logs::default();
    for (line, envelope, fact) in applied(&log(ledger, &key, Side::Hq)?) {
        if let Fact::Hq(fact) = fact {
            logs.hq.push(entry(line, &envelope, fact));
        }
    }
    for (line, envelope, fact) in applied(&log(ledger, &key, Side::Store)?) {
        if let Fact::Store(fact) = fact {
            logs.store.push(entry(line, &envelope, fact));
        }
    }
    Ok(logs)
}

/// A message's log.
///
/// # Errors
/// The database's.
pub fn message_log(ledger: &SqlLedger<'_>, id: MessageId) -> Result<Vec<Entry<MessageFact>>, Refusal> {
    let key = AggregateKey::new("message", id.to_string());
    let entries = log(ledger, &key, Side::Store)?;
    let facts = applied(&entries).filter_map(|(line, envelope, fact)| match fact {
        Fact::Message(fact) => Some(entry(line, &envelope, fact)),
        _ => None,
    });
    Ok(facts.collect())
}

/// The text that came in under this id, if it is one.
///
/// # Errors
/// The database's.
pub fn received(ledger: &SqlLedger<'_>, id: MessageId) -> Result<Option<Entry<Received>>, Refusal> {
    let key = AggregateKey::new("message", id.to_string());
    let entries = log(ledger, &key, Side::Store)?;
    let found = applied(&entries).find_map(|(line, envelope, fact)| match fact {
        Fact::Received(received) => Some(entry(line, &envelope, received)),
        _ => None,
    });
    Ok(found)
}

/// The newest event of an aggregate that the store wrote.
///
/// # Errors
/// The database's.
pub fn newest_of_store(ledger: &SqlLedger<'_>, key: &AggregateKey) -> Result<Option<Envelope>, Refusal> {
    let entries = log(ledger, key, Side::Store)?;
    Ok(entries.last().and_then(|entry| entry.envelope().ok()))
}

/// The wire's name of HQ's fact.
pub fn hq_type(fact: &HqFact) -> String {
    EventBody::from(fact.clone()).type_name().to_owned()
}

/// The wire's name of a store's fact.
pub fn store_type(fact: &StoreFact) -> String {
    EventBody::from(fact.clone()).type_name().to_owned()
}
