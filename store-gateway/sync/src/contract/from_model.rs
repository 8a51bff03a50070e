//! From the domain to the wire.

use shop_model::event::{self as model, CaseFact, HqFact, MessageFact, PersonFact, Received, StoreFact};
use shop_model::person::Personal;

use super::body;
use super::types::EventBody;
use super::word::{Time, Word};

impl From<HqFact> for EventBody {
    fn from(fact: HqFact) -> Self {
        match fact {
            HqFact::Placed(placed) => Self::Placed(placed_body(*placed)),
            HqFact::Amended { revision, lines, total, due } => Self::Amended(body::Amended {
                revision,
                lines: lines.into_iter().map(line).collect(),
                total: total.0,
                due: due.0,
            }),
            HqFact::CancelRequested { by, reason } => Self::CancelRequested(body::CancelRequested { by, reason }),
            HqFact::Extended { until } => Self::Extended(body::Extended { until: Time(until) }),
            HqFact::PaymentChanged { money, amount, reference } => {
                Self::PaymentChanged(body::PaymentChanged { money: Word(money), amount: amount.0, reference })
            }
            HqFact::Moved { to_store } => Self::Moved(body::ToStore { to_store: to_store.into() }),
            HqFact::SourceReleased { from_store, reason } => Self::SourceReleased(body::SourceReleased {
                from_store: from_store.into(),
                overridden: reason.map(|reason| body::HqOverride { reason }),
            }),
            HqFact::Frozen { sku, lot } => Self::Frozen(body::Frozen { sku, lot }),
            HqFact::Unfrozen => Self::Unfrozen(body::Empty {}),
        }
    }
}

fn placed_body(p: model::Placed) -> body::Placed {
    body::Placed {
        order: p.order.into(),
        kind: Word(p.kind),
        contract: Word(p.contract),
        lines: p.lines.into_iter().map(line).collect(),
        currency: p.currency.into(),
        total: p.total.0,
        due: p.due.0,
        promised_at: p.promised_at.map(Time),
        code: p.code.map(|c| c.reveal().to_owned()),
        person_ref: p.person.uuid(),
        personal: p.personal.map(personal),
        from_store: p.from_store.map(Into::into),
    }
}

fn line(l: model::Line) -> body::Line {
    body::Line {
        line: l.line,
        sku: l.sku,
        ean: l.ean,
        name: l.name,
        quantity: l.quantity,
        unit_price: l.unit_price.0,
        age: l.age,
    }
}

fn personal(p: Personal) -> body::Personal {
    body::Personal {
        name: p.name,
        phone: p.phone.into(),
        email: p.email,
        language: Some(p.language.as_str().to_owned()),
        channel: Some(p.channel.as_str().to_owned()),
    }
}

fn quantities(lines: Vec<model::LineQuantity>) -> Vec<body::LineQuantity> {
    lines.into_iter().map(|l| body::LineQuantity { line: l.line, quantity: l.quantity }).collect()
}

fn bag(b: model::StagedBag) -> body::StagedBag {
    body::StagedBag { bag: b.bag.into(), shelf: b.shelf.into() }
}

impl From<StoreFact> for EventBody {
    fn from(fact: StoreFact) -> Self {
        match fact {
            StoreFact::Accepted => Self::Accepted(body::Empty {}),
            StoreFact::PickStarted => Self::PickStarted(body::Empty {}),
            StoreFact::Short { lines, substitute } => Self::Short(body::Short { lines: quantities(lines), substitute }),
            StoreFact::BagStaged(staged) => Self::BagStaged(bag(staged)),
            StoreFact::Ready { bags, hold_until } => {
                Self::Ready(body::Ready { bags: bags.into_iter().map(bag).collect(), hold_until: Time(hold_until) })
            }
            StoreFact::Arrived { via, place } => Self::Arrived(body::Arrived { via: Word(via), place }),
            StoreFact::Attended => Self::Attended(body::Empty {}),
            StoreFact::Left => Self::Left(body::Empty {}),
            StoreFact::CodeSet => Self::CodeSet(body::Empty {}),
            StoreFact::CodeFailed { tries } => Self::CodeFailed(body::CodeFailed { tries }),
            StoreFact::CodeLocked { until } => Self::CodeLocked(body::CodeLocked { until: Time(until) }),
            StoreFact::HandedOver { lines, method, overridden } => Self::HandedOver(body::HandedOver {
                lines: quantities(lines),
                method: Word(method),
                overridden: overridden.map(|o| body::Override { by: o.by.into(), reason: o.reason }),
            }),
            StoreFact::HandOverUndone { undoes } => {
                Self::HandOverUndone(body::HandOverUndone { undoes: undoes.uuid() })
            }
            StoreFact::Refused { lines, reason, refund_due } => {
                Self::Refused(body::Refused { lines: quantities(lines), reason, refund_due: refund_due.0 })
            }
            StoreFact::HoldExtended { until, by } => {
                Self::HoldExtended(body::HoldExtended { until: Time(until), by: Word(by) })
            }
            StoreFact::Expired => Self::Expired(body::Empty {}),
            StoreFact::PutBack { lines, shelf } => {
                Self::PutBack(body::PutBack { lines: quantities(lines), shelf: shelf.map(Into::into) })
            }
            StoreFact::PaidInStore { amount, tender, receipt } => {
                Self::PaidInStore(body::PaidInStore { amount: amount.0, tender: Word(tender), receipt })
            }
            StoreFact::Cancelled { wish, reason } => {
                Self::Cancelled(body::Cancelled { wish: wish.map(|w| w.uuid()), reason })
            }
            StoreFact::CancelRejected { wish, because } => {
                Self::CancelRejected(body::CancelRejected { wish: wish.uuid(), because: Word(because) })
            }
            StoreFact::AmendmentRejected { revision, because } => {
                Self::AmendmentRejected(body::AmendmentRejected { revision, because: Word(because) })
            }
            StoreFact::Released { to_store } => Self::Released(body::ToStore { to_store: to_store.into() }),
        }
    }
}

impl From<PersonFact> for EventBody {
    fn from(fact: PersonFact) -> Self {
        match fact {
            PersonFact::Changed { person, personal: data } => {
                Self::PersonChanged(body::PersonChanged { person_ref: person.uuid(), personal: data.map(personal) })
            }
            PersonFact::Erased { person } => Self::PersonErased(body::PersonErased { person_ref: person.uuid() }),
        }
    }
}

impl From<CaseFact> for EventBody {
    fn from(fact: CaseFact) -> Self {
        match fact {
            CaseFact::Opened { case, reservation, kind, note, due_at } => Self::CaseOpened(body::Case {
                reservation: reservation.uuid(),
                kind: Word(kind),
                case: case.uuid(),
                note,
                due_at: due_at.map(Time),
            }),
            CaseFact::Changed { case, reservation, kind, note, due_at } => Self::CaseChanged(body::Case {
                reservation: reservation.uuid(),
                kind: Word(kind),
                case: case.uuid(),
                note,
                due_at: due_at.map(Time),
            }),
            CaseFact::Closed { case, reservation, kind, outcome } => Self::CaseClosed(body::CaseClosed {
                reservation: reservation.uuid(),
                kind: Word(kind),
                case: case.uuid(),
                outcome,
            }),
        }
    }
}

impl From<Received> for EventBody {
    fn from(r: Received) -> Self {
        Self::MessageReceived(body::MessageReceived {
            message: r.message.uuid(),
            person_ref: r.person.map(|p| p.uuid()),
            text: r.text,
            meaning: Word(r.meaning),
            reservation: r.reservation.map(|r| r.uuid()),
        })
    }
}

impl From<MessageFact> for EventBody {
    fn from(fact: MessageFact) -> Self {
        let message = fact.message().uuid();
        match fact {
            MessageFact::Queued {
                reservation, purpose, round, template, language, parts, person, valid_until, ..
            } => Self::MessageQueued(body::MessageQueued {
                message,
                reservation: reservation.map(|r| r.uuid()),
                purpose: Word(purpose),
                round,
                template,
                language: Word(language),
                parts,
                person_ref: person.map(|p| p.uuid()),
                valid_until: valid_until.map(Time),
            }),
            MessageFact::Held { because, .. } => Self::MessageHeld(body::MessageBecause { message, because }),
            MessageFact::Submitted { part, reference, .. } => {
                Self::MessageSubmitted(body::MessageSubmitted { message, part, reference })
            }
            MessageFact::Sent { part, .. } => Self::MessageSent(body::MessagePart { message, part }),
            MessageFact::Delivered { part, .. } => Self::MessageDelivered(body::MessagePart { message, part }),
            MessageFact::Failed { cause, .. } => Self::MessageFailed(body::MessageCause { message, cause }),
            MessageFact::Unknown { cause, .. } => Self::MessageUnknown(body::MessageCause { message, cause }),
            MessageFact::Settled { settled_as, by, .. } => {
                Self::MessageSettled(body::MessageSettled { message, settled_as: Word(settled_as), by })
            }
            MessageFact::Expired { .. } => Self::MessageExpired(body::MessageOnly { message }),
            MessageFact::Superseded { because, .. } => {
                Self::MessageSuperseded(body::MessageBecause { message, because })
            }
        }
    }
}
