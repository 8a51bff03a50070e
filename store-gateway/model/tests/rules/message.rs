//! The life of one message.

use sans_io::Wall;
use shop_model::event::{Actor, Entry, MessageFact, Settlement};
use shop_model::ids::{EventId, MessageId, ReservationId};
use shop_model::language::Language;
use shop_model::message::{MessageState, Purpose, RoundKey, fold};

const MESSAGE: MessageId = MessageId::from_bytes([3; 16]);

fn queued(parts: u32) -> MessageFact {
    MessageFact::Queued {
        message: MESSAGE,
        reservation: Some(ReservationId::from_bytes([9; 16])),
        purpose: Purpose::Ready,
        round: 2,
        template: Some("ready".into()),
        language: Language::Pl,
        parts,
        person: None,
        valid_until: None,
    }
}

fn submitted(part: u32) -> MessageFact {
    MessageFact::Submitted { message: MESSAGE, part, reference: Some(17) }
}

fn sent(part: u32) -> MessageFact {
    MessageFact::Sent { message: MESSAGE, part: Some(part) }
}

fn delivered(part: u32) -> MessageFact {
    MessageFact::Delivered { message: MESSAGE, part: Some(part) }
}

fn unknown() -> MessageFact {
    MessageFact::Unknown { message: MESSAGE, cause: "no answer".into() }
}

fn state(facts: &[MessageFact]) -> MessageState {
    let log: Vec<_> = facts
        .iter()
        .enumerate()
        .map(|(i, body)| Entry {
            id: EventId::from_bytes([i as u8; 16]),
            n: i as u64 + 1,
            seen: 0,
            at: Wall::default(),
            actor: Actor::system(),
            cause: None,
            body: body.clone(),
        })
        .collect();
    let message = fold(&log).expect("a log with facts");
    assert_eq!(
        message.key,
        Some(RoundKey { reservation: ReservationId::from_bytes([9; 16]), purpose: Purpose::Ready, round: 2 })
    );
    message.state
}

#[test]
fn is_sent_when_every_part_is_and_delivered_when_every_part_is() {
    use MessageState as S;
    assert_eq!(state(&[queued(2)]), S::Queued);
    assert_eq!(state(&[queued(2), submitted(1)]), S::Submitting);
    assert_eq!(state(&[queued(2), submitted(1), sent(1)]), S::Submitting);
    let both = [queued(2), submitted(1), sent(1), submitted(2), sent(2)];
    assert_eq!(state(&both), S::Sent);
    assert_eq!(state(&[&both[..], &[delivered(2)]].concat()), S::Sent);
    assert_eq!(state(&[&both[..], &[delivered(2), delivered(1)]].concat()), S::Delivered);
    assert_eq!(state(&[&both[..], &[delivered(2), delivered(2), delivered(7)]].concat()), S::Sent);
}

#[test]
fn an_unknown_message_waits_for_a_decision_or_a_late_report() {
    use MessageState as S;
    let settle = |settled_as| MessageFact::Settled { message: MESSAGE, settled_as, by: "anna".into() };
    let doubt = [queued(1), submitted(1), unknown()];
    assert_eq!(state(&doubt), S::Unknown);
    assert_eq!(state(&[&doubt[..], &[delivered(1)]].concat()), S::Delivered);
    assert_eq!(state(&[&doubt[..], &[settle(Settlement::Failed)]].concat()), S::Failed);
    assert_eq!(state(&[&doubt[..], &[settle(Settlement::Queued)]].concat()), S::Queued);
    assert_eq!(state(&[queued(1), settle(Settlement::Delivered)]), S::Queued, "there was nothing to settle");
}

#[test]
fn a_report_wins_over_what_was_believed() {
    use MessageState as S;
    let failed = MessageFact::Failed { message: MESSAGE, cause: "CMS 500".into() };
    assert_eq!(state(&[queued(1), submitted(1), failed.clone(), delivered(1)]), S::Delivered);
    assert_eq!(state(&[queued(1), submitted(1), sent(1), delivered(1), failed]), S::Delivered);
    assert_eq!(state(&[queued(1), submitted(1), sent(1), unknown()]), S::Sent);
}

#[test]
fn only_what_has_not_gone_out_expires_or_is_superseded() {
    use MessageState as S;
    let expired = MessageFact::Expired { message: MESSAGE };
    let superseded = MessageFact::Superseded { message: MESSAGE, because: "collected".into() };
    let held = MessageFact::Held { message: MESSAGE, because: "quiet hours".into() };
    assert_eq!(state(&[queued(1), held.clone()]), S::Held);
    assert_eq!(state(&[queued(1), held, superseded.clone()]), S::Superseded);
    assert_eq!(state(&[queued(1), expired.clone()]), S::Expired);
    assert_eq!(state(&[queued(1), submitted(1), sent(1), expired]), S::Sent);
    assert_eq!(state(&[queued(1), submitted(1), superseded]), S::Submitting);
}
