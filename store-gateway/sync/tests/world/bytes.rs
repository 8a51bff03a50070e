//! Any bytes: nothing panics, mistakes name their place, unknown fields live on.

use proptest::prelude::*;

use super::mem::MemLedger;
use crate::topic::{Address, Topic};
use crate::*;

const TOPICS: [Topic; 6] = [
    Topic::Events(Side::Store),
    Topic::Ack(Side::Hq),
    Topic::State,
    Topic::Request,
    Topic::Snapshot { request: EventId(uuid::Uuid::nil()), n: 0 },
    Topic::HqState,
];

/// JSON values, nested.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z_é]{1,9}", inner, 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Messages with the right names and values that are mostly wrong.
fn message() -> impl Strategy<Value = serde_json::Value> {
    const NAMES: [&str; 21] = [
        "epoch", "class", "events", "after", "for", "seq", "id", "session", "online", "seen", "sent", "cut", "n",
        "last", "hash", "from", "request", "own", "open", "boot", "at",
    ];
    let right = prop_oneof![
        Just(serde_json::json!("1-ab-box")),
        Just(serde_json::json!("P0")),
        Just(serde_json::json!(true)),
        Just(serde_json::json!(1)),
        Just(serde_json::json!("01890000-0000-7000-8000-000000000001")),
        Just(serde_json::json!([])),
        Just(serde_json::json!("store")),
        json(),
    ];
    prop::collection::btree_map(prop::sample::select(&NAMES[..]), right, 0..20)
        .prop_map(|m| serde_json::Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()))
}

fn event_with(extra: &serde_json::Value, nested: &serde_json::Value) -> String {
    format!(
        r#"{{"schema":1,"id":"01890000-0000-7000-8000-000000000001","seq":1,"later":{extra},"aggregate":{{"kind":"reservation","id":"r1","n":1,"seen":0,"more":{nested}}},"cause":null,"at":{{"wall":"2026-05-21T12:07:03.250Z","quality":"ntp","zone":{extra}}},"actor":{{"kind":"hq","id":"x"}},"type":"reservation.placed","body":{nested}}}"#
    )
}

/// Feeds a message to fresh ends of both sides.
fn feed(message: &Message) {
    let (now, boot) = (Now::default(), EventId(uuid::Uuid::nil()));
    let (mut s, mut h) = (MemLedger::default(), MemLedger::default());
    let mut store = StoreEnd::new(Config::store("box"), 1, now);
    let mut hq = HqEnd::new(Config::hq("hq"), 2, boot, now);
    store.handle_start(&mut s, Witness::Missing, now).unwrap();
    hq.handle_start(&mut h, 0, now).unwrap();
    for delivery in [Delivery::Retained, Delivery::Live] {
        store.handle_message(&mut s, &super::JudgeAll, message.clone(), delivery, now).unwrap();
        hq.handle_message(&mut h, &super::JudgeAll, message.clone(), delivery, now).unwrap();
    }
    assert!(s.broken.is_none() && h.broken.is_none(), "{:?} {:?}", s.broken, h.broken);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,60}") {
        for topic in TOPICS {
            prop_assert!(Message::parse(&topic, &bytes).is_err());
        }
        prop_assert!(Envelope::parse(&text).is_err());
        prop_assert!(Header::parse(&text).is_err());
        let parts = text.parse::<Epoch>();
        if let Ok(epoch) = parts {
            prop_assert_eq!(epoch.to_string().parse::<Epoch>(), Ok(epoch));
        }
        let _unknown = Address::parse(&text).is_err();
    }

    #[test]
    fn messages_with_odd_values_are_refused_or_handled(body in message()) {
        let bytes = serde_json::to_vec(&body).unwrap();
        for topic in TOPICS {
            match Message::parse(&topic, &bytes) {
                Ok(message) => feed(&message),
                Err(e) => prop_assert!(e.to_string().contains("line 1"), "{}", e),
            }
        }
    }

    #[test]
    fn unknown_fields_survive_batch_log_restore_and_renumbering(extra in json(), nested in json()) {
        let text = event_with(&extra, &nested);
        let batch = format!(r#"{{"epoch":"1-ab-box","class":"P0","after":null,"events":[{text}],"sig":"x","new":{extra}}}"#);
        let message = Message::parse(&Topic::Events(Side::Store), batch.as_bytes()).unwrap();
        let again = Message::parse(&Topic::Events(Side::Store), &message.encode()).unwrap();
        let Message::Events(batch) = &again else { panic!("another message") };
        prop_assert_eq!(batch.split().unwrap()[0].get(), text.as_str());
        let moved = crate::envelope::renumber(&text, 77, 5).unwrap();
        let (was, is): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(&moved).unwrap());
        let mut wanted = was;
        wanted["seq"] = 77.into();
        wanted["aggregate"]["n"] = 5.into();
        prop_assert_eq!(is, wanted);
    }

    #[test]
    fn a_flipped_byte_in_a_batch_never_panics_either_end(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = event_with(&serde_json::Value::Null, &serde_json::json!({"a": [1, 2]}));
        let batch = format!(r#"{{"epoch":"1-ab-hq","class":"P0","boot":null,"after":null,"events":[{text}]}}"#);
        let mut bytes = batch.into_bytes();
        let i = at.index(bytes.len());
        bytes[i] = byte;
        if let Ok(message) = Message::parse(&Topic::Events(Side::Hq), &bytes) {
            feed(&message);
        }
    }
}

#[test]
fn a_payload_beyond_the_limit_is_refused_unread() {
    let big = vec![b' '; wire::PAYLOAD_BYTES_MAX + 1];
    let e = Message::parse(&Topic::State, &big).unwrap_err().to_string();
    assert!(e.contains("131073 bytes"), "{e}");
}

#[test]
fn a_broken_batch_names_the_place() {
    let e = Message::parse(&Topic::Ack(Side::Hq), b"{\"epoch\":null,\n\"class\":\"P0\",\"seq\":-1,\"id\":null}")
        .unwrap_err();
    assert!(e.to_string().contains("`seq`") && e.to_string().contains("line 2"), "{e}");
}
