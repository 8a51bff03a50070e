//! From the wire to the domain: every text is parsed, every number checked, and what is wrong is named by its path.

use shop_model::code::PickupCode;
use shop_model::event::{self as model, CaseFact, HqFact, MessageFact, PersonFact, StoreFact};
use shop_model::ids::{
    BagId, CaseId, EventId, MessageId, OrderNumber, PersonRef, ReservationId, ShelfId, StaffId, StoreId,
};
use shop_model::language::Language;
use shop_model::money::{Amount, Currency};
use shop_model::person::{Channel, Personal};
use shop_model::phone::Phone;
use shop_model::scan::is_ean;

use super::types::EventBody;
use super::{BodyError, Fact, Parsed, body};
use crate::envelope::Envelope;

/// Lines that an order may have.
const MOST_LINES: usize = 500;
/// Pieces that a line may have.
const MOST_PIECES: u32 = 100_000;

type Read<T> = Result<T, BodyError>;

fn at<T, E: std::fmt::Display>(path: &str, read: Result<T, E>) -> Read<T> {
    read.map_err(|e| BodyError::new(path, e))
}

/// What an event means; `None` for a type that this release does not know.
///
/// # Errors
/// [`BodyError`] when the body cannot be: the event is set aside.
pub fn fact(envelope: &Envelope) -> Read<Option<Fact>> {
    match EventBody::parse(&envelope.kind, envelope.body.get())? {
        Parsed::UnknownType => Ok(None),
        Parsed::Known(body) => body.fact().map(Some),
    }
}

/// The entry of an author's log that an envelope is, with its fact. An actor of a kind that this release does not know
/// counts as the author's machinery.
pub fn entry<F>(envelope: &Envelope, body: F) -> model::Entry<F> {
    let kind = model::ActorKind::parse(&envelope.actor.kind).unwrap_or(model::ActorKind::System);
    model::Entry {
        id: EventId::from_uuid(envelope.id.0),
        n: envelope.aggregate.n,
        seen: envelope.aggregate.seen,
        at: envelope.at,
        actor: model::Actor { kind, id: envelope.actor.id.clone() },
        cause: envelope.cause.map(|c| EventId::from_uuid(c.0)),
        body,
    }
}

impl EventBody {
    /// What the body means to the domain.
    ///
    /// # Errors
    /// [`BodyError`] with the path of the field that says what cannot be.
    pub fn fact(self) -> Read<Fact> {
        if let Some(fact) = hq(&self)? {
            return Ok(Fact::Hq(fact));
        }
        if let Some(fact) = store(&self)? {
            return Ok(Fact::Store(fact));
        }
        other(&self)
    }
}

fn hq(body: &EventBody) -> Read<Option<HqFact>> {
    Ok(Some(match body {
        EventBody::Placed(b) => HqFact::Placed(Box::new(placed(b)?)),
        EventBody::Amended(b) => HqFact::Amended {
            revision: b.revision,
            lines: lines(&b.lines)?,
            total: price("total", b.total)?,
            due: price("due", b.due)?,
        },
        EventBody::CancelRequested(b) => HqFact::CancelRequested { by: b.by.clone(), reason: b.reason.clone() },
        EventBody::Extended(b) => HqFact::Extended { until: b.until.0 },
        EventBody::PaymentChanged(b) => HqFact::PaymentChanged {
            money: b.money.0,
            amount: price("amount", b.amount)?,
            reference: b.reference.clone(),
        },
        EventBody::Moved(b) => HqFact::Moved { to_store: at("to_store", StoreId::parse(&b.to_store))? },
        EventBody::SourceReleased(b) => HqFact::SourceReleased {
            from_store: at("from_store", StoreId::parse(&b.from_store))?,
            reason: b.overridden.as_ref().map(|o| o.reason.clone()),
        },
        EventBody::Frozen(b) => HqFact::Frozen { sku: b.sku.clone(), lot: b.lot.clone() },
        EventBody::Unfrozen(_) => HqFact::Unfrozen,
        _ => return Ok(None),
    }))
}

fn placed(b: &body::Placed) -> Read<model::Placed> {
    Ok(model::Placed {
        order: at("order", OrderNumber::parse(&b.order))?,
        kind: b.kind.0,
        contract: b.contract.0,
        lines: lines(&b.lines)?,
        currency: at("currency", Currency::parse(&b.currency))?,
        total: price("total", b.total)?,
        due: price("due", b.due)?,
        promised_at: b.promised_at.map(|t| t.0),
        code: b.code.as_deref().map(|c| at("code", PickupCode::parse(c))).transpose()?,
        person: PersonRef::from_uuid(b.person_ref),
        personal: b.personal.as_ref().map(personal).transpose()?,
        from_store: b.from_store.as_deref().map(|s| at("from_store", StoreId::parse(s))).transpose()?,
    })
}

fn lines(wire: &[body::Line]) -> Read<Vec<model::Line>> {
    if wire.is_empty() || wire.len() > MOST_LINES {
        return Err(BodyError::new("lines", format!("an order has 1 to {MOST_LINES} lines")));
    }
    let mut lines: Vec<model::Line> = Vec::with_capacity(wire.len());
    for (i, l) in wire.iter().enumerate() {
        let wrong = |field: &str, problem: &str| Err(BodyError::new(format!("lines[{i}].{field}"), problem));
        if l.line == 0 || lines.iter().any(|known| known.line == l.line) {
            return wrong("line", "lines are numbered from 1, each once");
        }
        if !(1..=MOST_PIECES).contains(&l.quantity) {
            return wrong("quantity", "must be 1 to 100000");
        }
        if l.ean.as_deref().is_some_and(|ean| !is_ean(ean)) {
            return wrong("ean", "no EAN-13 or EAN-8 with a valid check digit");
        }
        lines.push(model::Line {
            line: l.line,
            sku: l.sku.clone(),
            ean: l.ean.clone(),
            name: l.name.clone(),
            quantity: l.quantity,
            unit_price: price(&format!("lines[{i}].unit_price"), l.unit_price)?,
            age: l.age,
        });
    }
    Ok(lines)
}

fn price(path: &str, minor: i64) -> Read<Amount> {
    if minor < 0 {
        return Err(BodyError::new(path, "must not be negative"));
    }
    Ok(Amount(minor))
}

fn personal(b: &body::Personal) -> Read<Personal> {
    let word = |field: &str, problem: &str| BodyError::new(format!("personal.{field}"), problem);
    if b.name.chars().count() > Personal::NAME_LIMIT {
        return Err(word("name", "too long"));
    }
    let language = b.language.as_deref().map(Language::parse);
    let channel = b.channel.as_deref().map(Channel::parse);
    Ok(Personal {
        name: b.name.clone(),
        phone: at("personal.phone", Phone::parse(&b.phone))?,
        email: b.email.clone(),
        language: language.unwrap_or(Some(Language::Pl)).ok_or_else(|| word("language", "expected pl, uk or en"))?,
        channel: channel
            .unwrap_or(Some(Channel::Sms))
            .ok_or_else(|| word("channel", "expected sms, email or voice"))?,
    })
}

fn quantities(wire: &[body::LineQuantity]) -> Vec<model::LineQuantity> {
    wire.iter().map(|l| model::LineQuantity { line: l.line, quantity: l.quantity }).collect()
}

fn bag(path: &str, b: &body::StagedBag) -> Read<model::StagedBag> {
    Ok(model::StagedBag {
        bag: at(&format!("{path}bag"), BagId::parse(&b.bag))?,
        shelf: at(&format!("{path}shelf"), ShelfId::parse(&b.shelf))?,
    })
}

fn store(body: &EventBody) -> Read<Option<StoreFact>> {
    Ok(Some(match body {
        EventBody::Accepted(_) => StoreFact::Accepted,
        EventBody::PickStarted(_) => StoreFact::PickStarted,
        EventBody::Short(b) => StoreFact::Short { lines: quantities(&b.lines), substitute: b.substitute.clone() },
        EventBody::BagStaged(b) => StoreFact::BagStaged(bag("", b)?),
        EventBody::Ready(b) => {
            let read = |(i, b): (usize, &body::StagedBag)| bag(&format!("bags[{i}]."), b);
            let bags = b.bags.iter().enumerate().map(read).collect::<Read<_>>()?;
            StoreFact::Ready { bags, hold_until: b.hold_until.0 }
        }
        EventBody::Arrived(b) => StoreFact::Arrived { via: b.via.0, place: b.place.clone() },
        EventBody::Attended(_) => StoreFact::Attended,
        EventBody::Left(_) => StoreFact::Left,
        EventBody::CodeSet(_) => StoreFact::CodeSet,
        EventBody::CodeFailed(b) => StoreFact::CodeFailed { tries: b.tries },
        EventBody::CodeLocked(b) => StoreFact::CodeLocked { until: b.until.0 },
        EventBody::HandedOver(b) => handed_over(b)?,
        EventBody::HandOverUndone(b) => StoreFact::HandOverUndone { undoes: EventId::from_uuid(b.undoes) },
        EventBody::Refused(b) => StoreFact::Refused {
            lines: quantities(&b.lines),
            reason: b.reason.clone(),
            refund_due: price("refund_due", b.refund_due)?,
        },
        EventBody::HoldExtended(b) => StoreFact::HoldExtended { until: b.until.0, by: b.by.0 },
        EventBody::Expired(_) => StoreFact::Expired,
        EventBody::PutBack(b) => StoreFact::PutBack {
            lines: quantities(&b.lines),
            shelf: b.shelf.as_deref().map(|s| at("shelf", ShelfId::parse(s))).transpose()?,
        },
        EventBody::PaidInStore(b) => StoreFact::PaidInStore {
            amount: price("amount", b.amount)?,
            tender: b.tender.0,
            receipt: b.receipt.clone(),
        },
        EventBody::Cancelled(b) => {
            StoreFact::Cancelled { wish: b.wish.map(EventId::from_uuid), reason: b.reason.clone() }
        }
        EventBody::CancelRejected(b) => {
            StoreFact::CancelRejected { wish: EventId::from_uuid(b.wish), because: b.because.0 }
        }
        EventBody::AmendmentRejected(b) => StoreFact::AmendmentRejected { revision: b.revision, because: b.because.0 },
        EventBody::Released(b) => StoreFact::Released { to_store: at("to_store", StoreId::parse(&b.to_store))? },
        _ => return Ok(None),
    }))
}

fn handed_over(b: &body::HandedOver) -> Read<StoreFact> {
    let overridden = match &b.overridden {
        None => None,
        Some(o) => Some(model::Override { by: at("override.by", StaffId::parse(&o.by))?, reason: o.reason.clone() }),
    };
    Ok(StoreFact::HandedOver { lines: quantities(&b.lines), method: b.method.0, overridden })
}

fn other(body: &EventBody) -> Read<Fact> {
    Ok(match body {
        EventBody::PersonChanged(b) => Fact::Person(PersonFact::Changed {
            person: PersonRef::from_uuid(b.person_ref),
            personal: b.personal.as_ref().map(personal).transpose()?,
        }),
        EventBody::PersonErased(b) => Fact::Person(PersonFact::Erased { person: PersonRef::from_uuid(b.person_ref) }),
        EventBody::MessageReceived(b) => Fact::Received(model::Received {
            message: MessageId::from_uuid(b.message),
            person: b.person_ref.map(PersonRef::from_uuid),
            text: b.text.clone(),
            meaning: b.meaning.0,
            reservation: b.reservation.map(ReservationId::from_uuid),
        }),
        _ => match (case(body), message(body)) {
            (Some(case), _) => Fact::Case(case),
            (None, Some(message)) => Fact::Message(message),
            (None, None) => Fact::Plain,
        },
    })
}

fn case(body: &EventBody) -> Option<CaseFact> {
    let open = |b: &body::Case| {
        let (case, reservation) = (CaseId::from_uuid(b.case), ReservationId::from_uuid(b.reservation));
        (case, reservation, b.kind.0, b.note.clone(), b.due_at.map(|t| t.0))
    };
    match body {
        EventBody::CaseOpened(b) => {
            let (case, reservation, kind, note, due_at) = open(b);
            Some(CaseFact::Opened { case, reservation, kind, note, due_at })
        }
        EventBody::CaseChanged(b) => {
            let (case, reservation, kind, note, due_at) = open(b);
            Some(CaseFact::Changed { case, reservation, kind, note, due_at })
        }
        EventBody::CaseClosed(b) => Some(CaseFact::Closed {
            case: CaseId::from_uuid(b.case),
            reservation: ReservationId::from_uuid(b.reservation),
            kind: b.kind.0,
            outcome: b.outcome.clone(),
        }),
        _ => None,
    }
}

fn message(body: &EventBody) -> Option<MessageFact> {
    let id = MessageId::from_uuid;
    Some(match body {
        EventBody::MessageQueued(b) => MessageFact::Queued {
            message: id(b.message),
            reservation: b.reservation.map(ReservationId::from_uuid),
            purpose: b.purpose.0,
            round: b.round,
            template: b.template.clone(),
            language: b.language.0,
            parts: b.parts,
            person: b.person_ref.map(PersonRef::from_uuid),
            valid_until: b.valid_until.map(|t| t.0),
        },
        EventBody::MessageHeld(b) => MessageFact::Held { message: id(b.message), because: b.because.clone() },
        EventBody::MessageSubmitted(b) => {
            MessageFact::Submitted { message: id(b.message), part: b.part, reference: b.reference }
        }
        EventBody::MessageSent(b) => MessageFact::Sent { message: id(b.message), part: b.part },
        EventBody::MessageDelivered(b) => MessageFact::Delivered { message: id(b.message), part: b.part },
        EventBody::MessageFailed(b) => MessageFact::Failed { message: id(b.message), cause: b.cause.clone() },
        EventBody::MessageUnknown(b) => MessageFact::Unknown { message: id(b.message), cause: b.cause.clone() },
        EventBody::MessageSettled(b) => {
            MessageFact::Settled { message: id(b.message), settled_as: b.settled_as.0, by: b.by.clone() }
        }
        EventBody::MessageExpired(b) => MessageFact::Expired { message: id(b.message) },
        EventBody::MessageSuperseded(b) => {
            MessageFact::Superseded { message: id(b.message), because: b.because.clone() }
        }
        _ => return None,
    })
}
