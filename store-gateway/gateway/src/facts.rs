//! Between the ledger's event texts and the domain's facts: reading logs, writing events, and the judge that keeps
//! what can't be applied out of the logs.

use shop_model::event::{Actor, ActorKind, CaseFact, Entry, HqFact, MessageFact, PersonFact, Received, StoreFact};
use shop_model::ids::{CaseId, ChainId, EventId, MessageId, PersonRef, ReservationId, StoreId};
use shop_model::person::Personal;
use shop_model::reservation::CaseDue;
use store_daemon::ledger::SqlLedger;
use store_sync::contract::{EventBody, EventType, Fact, Parsed, Way, body};
use store_sync::{AggregateKey, Envelope, Judge, LedgerRead as _, NewEvent, Side, Standing, Verdict};

use crate::app::ShopError;

/// Events of one log that are read at once. An order has a dozen.
const LOG_PAGE: usize = 1_000;

/// Both logs of a reservation.
pub struct Logs {
    /// HQ's.
    pub hq: Vec<Entry<HqFact>>,
    /// The store's.
    pub store: Vec<Entry<StoreFact>>,
}

/// Says which events of HQ can be applied. Depends on the event and on who we are, nothing else.
pub struct GatewayJudge {
    /// Our chain.
    pub chain: ChainId,
    /// Our store.
    pub store: StoreId,
}

impl GatewayJudge {
    /// The judge of this store.
    pub fn of(store: &crate::config::Store) -> Self {
        Self { chain: store.chain.clone(), store: store.id.clone() }
    }
}

impl Judge for GatewayJudge {
    fn judge(&self, event: &Envelope) -> Verdict {
        let Some(kind) = EventType::find(&event.kind) else { return Verdict::KeepForUpgrade };
        let reject = |why: String| Verdict::Reject { why };
        if kind.way != Way::Down {
            return reject(format!("{} is not HQ's to write", event.kind));
        }
        if kind.aggregate != event.aggregate.kind {
            return reject(format!("{} is about a {}, not a {}", event.kind, kind.aggregate, event.aggregate.kind));
        }
        match fact_of(event) {
            Ok(Some(Fact::Hq(HqFact::Placed(placed)))) => {
                let id = ReservationId::derive(&self.chain, &self.store, &placed.order).to_string();
                if event.aggregate.id == id {
                    Verdict::Apply
                } else {
                    reject("aggregate.id is not this order's".into())
                }
            }
            Ok(Some(_)) => Verdict::Apply,
            Ok(None) => Verdict::KeepForUpgrade,
            Err(why) => reject(why),
        }
    }
}

/// `None` for a type that this release does not know.
fn fact_of(event: &Envelope) -> Result<Option<Fact>, String> {
    match EventBody::parse(&event.kind, event.body.get()).map_err(|e| e.to_string())? {
        Parsed::UnknownType => Ok(None),
        Parsed::Known(body) => (*body).fact().map(Some).map_err(|e| e.to_string()),
    }
}

fn entry<F>(event: &Envelope, body: F) -> Entry<F> {
    Entry {
        id: EventId::from_uuid(event.id.0),
        n: event.aggregate.n,
        seen: event.aggregate.seen,
        at: event.at,
        actor: Actor {
            kind: ActorKind::parse(&event.actor.kind).unwrap_or(ActorKind::System),
            id: event.actor.id.clone(),
        },
        cause: event.cause.map(|id| EventId::from_uuid(id.0)),
        body,
    }
}

/// Applied events of one log, as envelopes.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn events(ledger: &SqlLedger<'_>, key: &AggregateKey, author: Side) -> Result<Vec<Envelope>, ShopError> {
    let entries = ledger.log(key, author, 0, LOG_PAGE)?;
    let applied = entries.into_iter().filter(|entry| entry.standing == Standing::Applied);
    applied.map(|entry| entry.envelope().map_err(|e| ShopError::Corrupt(e.to_string()))).collect()
}

fn log<F>(
    ledger: &SqlLedger<'_>,
    key: &AggregateKey,
    author: Side,
    pick: impl Fn(Fact) -> Option<F>,
) -> Result<Vec<Entry<F>>, ShopError> {
    let mut log = Vec::new();
    for event in events(ledger, key, author)? {
        let fact = fact_of(&event).map_err(|why| ShopError::Corrupt(format!("{}: {why}", event.kind)))?;
        if let Some(body) = fact.and_then(&pick) {
            log.push(entry(&event, body));
        }
    }
    Ok(log)
}

/// The key of a reservation's logs.
pub fn reservation_key(id: ReservationId) -> AggregateKey {
    AggregateKey::new("reservation", id.to_string())
}

/// Reads both logs of a reservation.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn reservation_logs(ledger: &SqlLedger<'_>, id: ReservationId) -> Result<Logs, ShopError> {
    let key = reservation_key(id);
    let hq = log(ledger, &key, Side::Hq, |fact| match fact {
        Fact::Hq(fact) => Some(fact),
        _ => None,
    })?;
    let store = log(ledger, &key, Side::Store, |fact| match fact {
        Fact::Store(fact) => Some(fact),
        _ => None,
    })?;
    Ok(Logs { hq, store })
}

/// Reads the log of a message of ours.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn message_log(ledger: &SqlLedger<'_>, id: MessageId) -> Result<Vec<Entry<MessageFact>>, ShopError> {
    log(ledger, &AggregateKey::new("message", id.to_string()), Side::Store, |fact| match fact {
        Fact::Message(fact) => Some(fact),
        _ => None,
    })
}

/// Reads the log of a text that came in: one fact, or none when the message is one of ours.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn received_log(ledger: &SqlLedger<'_>, id: MessageId) -> Result<Vec<Entry<Received>>, ShopError> {
    log(ledger, &AggregateKey::new("message", id.to_string()), Side::Store, |fact| match fact {
        Fact::Received(received) => Some(received),
        _ => None,
    })
}

/// What HQ last said about a person.
pub enum PersonNow {
    /// The data now.
    Changed(PersonRef, Box<Personal>),
    /// Erased.
    Erased,
    /// Nothing.
    Unknown,
}

/// Reads what HQ last said about a person.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn person_now(ledger: &SqlLedger<'_>, person: &str) -> Result<PersonNow, ShopError> {
    let facts = log(ledger, &AggregateKey::new("person", person), Side::Hq, |fact| match fact {
        Fact::Person(fact) => Some(fact),
        _ => None,
    })?;
    Ok(match facts.into_iter().next_back().map(|entry| entry.body) {
        Some(PersonFact::Changed { person, personal: Some(personal) }) => {
            PersonNow::Changed(person, Box::new(personal))
        }
        Some(PersonFact::Changed { personal: None, .. } | PersonFact::Erased { .. }) => PersonNow::Erased,
        None => PersonNow::Unknown,
    })
}

fn event(key: AggregateKey, body: &EventBody, actor: &Actor, cause: Option<EventId>) -> Result<NewEvent, ShopError> {
    let actor = store_sync::Actor { kind: actor.kind.as_str().to_owned(), id: actor.id.clone() };
    let json = body.to_json().map_err(|e| ShopError::Corrupt(e.to_string()))?;
    let event = NewEvent { key, kind: body.type_name().to_owned(), cause: None, actor, body: json };
    Ok(match cause {
        Some(id) => event.caused_by(store_sync::EventId(id.uuid())),
        None => event,
    })
}

/// A fact of the store about a reservation, as an event.
///
/// # Errors
/// Never for facts that can be.
pub fn store_event(
    id: ReservationId,
    fact: &StoreFact,
    actor: &Actor,
    cause: Option<EventId>,
) -> Result<NewEvent, ShopError> {
    event(reservation_key(id), &EventBody::from(fact.clone()), actor, cause)
}

/// The event type of a fact, for the audit.
pub fn name(fact: &StoreFact) -> &'static str {
    EventBody::from(fact.clone()).type_name()
}

/// A fact about a message, as an event.
///
/// # Errors
/// Never for facts that can be.
pub fn message_event(id: MessageId, fact: &MessageFact, actor: &Actor) -> Result<NewEvent, ShopError> {
    event(AggregateKey::new("message", id.to_string()), &EventBody::from(fact.clone()), actor, None)
}

/// A text that came in, as an event.
///
/// # Errors
/// Never for texts that can be.
pub fn received_event(received: &Received, actor: &Actor) -> Result<NewEvent, ShopError> {
    event(AggregateKey::new("message", received.message.to_string()), &EventBody::from(received.clone()), actor, None)
}

/// Whether a case has a log.
///
/// # Errors
/// The database's.
pub fn case_is_open(ledger: &SqlLedger<'_>, case: CaseId) -> Result<bool, ShopError> {
    Ok(ledger.log_end(&AggregateKey::new("case", case.to_string()), Side::Store)?.n > 0)
}

/// Opens a case.
///
/// # Errors
/// Never for cases that can be.
pub fn case_event(reservation: ReservationId, due: &CaseDue) -> Result<NewEvent, ShopError> {
    let fact = CaseFact::Opened { case: due.case, reservation, kind: due.kind, note: None, due_at: None };
    event(AggregateKey::new("case", due.case.to_string()), &EventBody::from(fact), &Actor::system(), Some(due.cause))
}

/// What a case is about, in a word.
pub fn case_word(due: &CaseDue) -> &'static str {
    due.kind.as_str()
}

/// `call.ended`.
///
/// # Errors
/// Never for calls that can be.
pub fn call_event(id: uuid::Uuid, ended: &body::CallEnded, actor: &Actor) -> Result<NewEvent, ShopError> {
    event(AggregateKey::new("call", id.to_string()), &EventBody::CallEnded(ended.clone()), actor, None)
}

/// `alert.raised`, `alert.cleared`.
///
/// # Errors
/// Never for alerts that can be.
pub fn alert_event(kind: &str, alert: &str, about: &str, text: &str) -> Result<NewEvent, ShopError> {
    let body = body::Alert { alert: alert.to_owned(), detail: (!text.is_empty()).then(|| text.to_owned()) };
    let body = if kind == "alert.cleared" { EventBody::AlertCleared(body) } else { EventBody::AlertRaised(body) };
    event(AggregateKey::new("alert", format!("{alert}/{about}")), &body, &Actor::system(), None)
}

/// `staff.logged_in`, `staff.locked`.
///
/// # Errors
/// Never for people that can be.
pub fn staff_event(kind: &str, id: &str) -> Result<NewEvent, ShopError> {
    let body = match kind {
        "staff.locked" => EventBody::StaffLocked(body::StaffLocked { staff: id.to_owned(), until: None }),
        _ => EventBody::StaffLoggedIn(body::StaffLoggedIn { staff: id.to_owned() }),
    };
    event(AggregateKey::new("staff", id), &body, &Actor::staff(id), None)
}

/// The refusal of a command that nobody has answered yet.
///
/// # Errors
/// The database's, or text that no release wrote.
pub fn unanswered_command(ledger: &SqlLedger<'_>, key: &AggregateKey) -> Result<Option<NewEvent>, ShopError> {
    if ledger.log_end(key, Side::Store)?.n > 0 {
        return Ok(None);
    }
    let Some(issued) = events(ledger, key, Side::Hq)?.into_iter().next_back() else { return Ok(None) };
    let body = body::CommandAnswer { detail: Some("this release knows no such command".to_owned()) };
    let cause = Some(EventId::from_uuid(issued.id.0));
    event(key.clone(), &EventBody::CommandRefused(body), &Actor::system(), cause).map(Some)
}
