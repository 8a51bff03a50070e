//! The contract's documents against the types that read and write the wire: schemas and AsyncAPI are regenerated and
//! compared, every example is checked by an independent JSON Schema validator and read by our own parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};
use shop_model::code::PickupCode;
use shop_model::config::Bundle;
use shop_model::event::*;
use shop_model::ids::*;
use shop_model::language::Language;
use shop_model::message::{Meaning, Purpose};
use shop_model::money::{Amount, Currency};
use shop_model::person::{Channel, Personal};
use shop_model::phone::Phone;
use store_sync::contract::{self, EventBody, EventType, Fact, Parsed, TYPES, Way};
use store_sync::{Envelope, wire};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

/// Compares a document with what the types say; writes it when `UPDATE_CONTRACT` is set.
fn compare(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
        return;
    }
    let how = "UPDATE_CONTRACT=1 cargo test -p store-sync --test contract";
    assert!(text(path) == wanted, "{} is not what the types say; run `{how}`", path.display());
}

fn names(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    files.map(|f| f.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn known() -> BTreeSet<String> {
    TYPES.iter().map(|t| t.name.to_owned()).collect()
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let schemas = contract::schemas();
    for (name, wanted) in &schemas {
        compare(&folder().join("schemas").join(format!("{name}.json")), wanted);
    }
    let wanted: BTreeSet<_> = schemas.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names(&folder().join("schemas")), wanted, "a schema of a type that is no more");
}

#[test]
fn the_asyncapi_document_holds_exactly_the_known_types() {
    compare(&folder().join("asyncapi.yaml"), &contract::asyncapi());
    let page = text(&folder().join("asyncapi.yaml"));
    let (_, messages) = page.split_once("\n  messages:\n").expect("components.messages");
    let named: BTreeSet<_> = messages
        .lines()
        .filter_map(|l| l.strip_prefix("    ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' ') && name.contains('.'))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, known());
    let channels = page.split_once("\ncomponents:\n").expect("components").0;
    for t in TYPES {
        let carried = |id: &str| {
            let (_, after) = channels.split_once(&format!("\n  {id}:\n")).expect(id);
            let own = after.lines().take_while(|l| l.starts_with("    "));
            own.filter(|l| *l == format!("        $ref: '#/components/messages/{}'", t.name)).count()
        };
        let wanted = (usize::from(t.way.goes(Way::Up)), usize::from(t.way.goes(Way::Down)));
        assert_eq!((carried("upEvents"), carried("downEvents")), wanted, "{}", t.name);
    }
}

/// All schemas in an independent validator, formats asserted.
struct Validator {
    schemas: Schemas,
    compiler: Compiler,
}

impl Validator {
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        for (name, schema) in contract::schemas() {
            let schema = serde_json::from_str(&schema).unwrap();
            compiler.add_resource(&format!("http://contract/{name}.json"), schema).unwrap();
        }
        Self { schemas: Schemas::new(), compiler }
    }

    fn schema(&mut self, name: &str) -> SchemaIndex {
        let at = format!("http://contract/{name}.json");
        self.compiler.compile(&at, &mut self.schemas).unwrap_or_else(|e| panic!("{name}.json: {e:#}"))
    }

    fn check(&mut self, name: &str, instance: &Value) -> Result<(), String> {
        let schema = self.schema(name);
        self.schemas.validate(instance, schema).map_err(|e| format!("{name}: {e:#}"))
    }
}

#[test]
fn every_type_has_an_example_that_validates_and_reads() {
    assert_eq!(names(&folder().join("examples")), known());
    let mut validator = Validator::new();
    for t in TYPES {
        let example = text(&folder().join("examples").join(format!("{}.json", t.name)));
        let value: Value = serde_json::from_str(&example).unwrap();
        validator.check(t.name, &value).unwrap_or_else(|e| panic!("{e}"));
        let envelope = Envelope::parse(&example).unwrap_or_else(|e| panic!("{}: {e}", t.name));
        assert_eq!((envelope.kind.as_str(), envelope.aggregate.kind.as_str()), (t.name, t.aggregate));
        let fact = contract::fact(&envelope).unwrap_or_else(|e| panic!("{}: {e}", t.name)).expect("a known type");
        assert_eq!(written(&fact).unwrap_or_else(|| value["body"].clone()), value["body"], "{} written again", t.name);
    }
}

/// The body that the domain's fact is written as; none for types that have no fact.
fn written(fact: &Fact) -> Option<Value> {
    let body = body_of(fact.clone())?;
    Some(serde_json::from_str(body.to_json().unwrap().get()).unwrap())
}

fn body_of(fact: Fact) -> Option<EventBody> {
    match fact {
        Fact::Hq(f) => Some(f.into()),
        Fact::Store(f) => Some(f.into()),
        Fact::Person(f) => Some(f.into()),
        Fact::Case(f) => Some(f.into()),
        Fact::Message(f) => Some(f.into()),
        Fact::Received(f) => Some(f.into()),
        Fact::Plain => None,
    }
}

#[test]
fn a_broken_example_is_refused_by_the_schema() {
    let mut validator = Validator::new();
    let mut broken = |name: &str, change: fn(&mut Value)| {
        let mut value: Value =
            serde_json::from_str(&text(&folder().join("examples").join(format!("{name}.json")))).unwrap();
        change(&mut value);
        assert!(validator.check(name, &value).is_err(), "{name} passed: {value}");
    };
    broken("reservation.placed", |v| v["body"]["kind"] = json!("rental"));
    broken("reservation.placed", |v| v["body"]["lines"][0]["quantity"] = json!(0));
    broken("reservation.placed", |v| v["body"]["currency"] = json!("zł"));
    broken("reservation.ready", |v| v["body"]["hold_until"] = json!("tomorrow"));
    broken("reservation.accepted", |v| v["type"] = json!("reservation.expired"));
    broken("message.sent", |v| _ = v["body"].as_object_mut().unwrap().remove("message"));
    broken("person.erased", |v| v["aggregate"]["kind"] = json!("reservation"));
    broken("alert.raised", |v| _ = v.as_object_mut().unwrap().remove("at"));
}

#[test]
fn what_the_wire_types_write_validates() {
    let mut validator = Validator::new();
    let epoch = "3-7b1d6a3c55e0f1aa-9f1c2d3e4b5a6978";
    let id = "019762cf-0001-7001-8001-2b6c0d4e91aa";
    let event: Value = serde_json::from_str(&text(&folder().join("examples/reservation.ready.json"))).unwrap();
    let frames = [
        (
            "events-batch",
            json!({"epoch": epoch, "class": "P0", "boot": id, "after": null, "for": epoch, "events": [event]}),
        ),
        (
            "ack",
            json!({"epoch": epoch, "class": "P1", "seq": 4, "id": id, "set_aside": 0, "session": id, "open": epoch}),
        ),
        (
            "state",
            json!({"online": true, "session": id, "epoch": epoch, "version": "0.1.0",
            "sent": {"P0": {"seq": 1, "id": id}, "P1": {"seq": 0, "id": null}},
            "seen": {"epoch": epoch, "P0": {"seq": 1, "id": id}, "P1": {"seq": 0, "id": null}}}),
        ),
        ("sync-request", json!({"from": "store", "epoch": epoch, "request": id})),
        (
            "sync-snapshot",
            json!({"from": "hq", "request": id, "n": 0, "last": true, "hash": "0".repeat(64),
            "cut": {"own": epoch, "P0": {"seq": 1, "id": id}, "P1": {"seq": 0, "id": null}, "peer": epoch, "recovering": false, "key": id},
            "events": [{"by": "hq", "event": event}]}),
        ),
        ("hq-state", json!({"online": true, "at": "2026-05-21T10:00:00.000Z"})),
    ];
    for (name, frame) in frames {
        let again = match name {
            "events-batch" => through::<wire::EventsBatch>(&frame),
            "ack" => through::<wire::Ack>(&frame),
            "state" => through::<wire::Birth>(&frame),
            "sync-request" => through::<wire::SnapshotRequest>(&frame),
            "sync-snapshot" => through::<wire::SnapshotChunk>(&frame),
            _ => through::<wire::Heartbeat>(&frame),
        };
        validator.check(name, &frame).unwrap_or_else(|e| panic!("{e}"));
        validator.check(name, &again).unwrap_or_else(|e| panic!("written again: {e}"));
    }
    let bundle = serde_json::to_value(Bundle::default()).unwrap();
    validator.check("bundle", &bundle).unwrap_or_else(|e| panic!("{e}"));
    assert!(validator.check("bundle", &json!({"version": 1, "hours": {"week": {"mon": [{"open": "9"}]}}})).is_err());
}

/// Reads a frame by its wire type and writes it again.
fn through<T: serde::de::DeserializeOwned + serde::Serialize>(frame: &Value) -> Value {
    let read: T = serde_json::from_str(&frame.to_string()).unwrap_or_else(|e| panic!("{frame}: {e}"));
    serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap()
}

#[test]
fn an_unknown_type_is_kept_and_unknown_fields_are_ignored() {
    assert_eq!(EventBody::parse("reservation.teleported", "{}"), Ok(Parsed::UnknownType));
    assert!(EventType::find("reservation.teleported").is_none());
    let parsed = EventBody::parse("reservation.moved", r#"{"to_store":"praga","by_drone":true}"#).unwrap();
    let Parsed::Known(body) = parsed else { panic!("unknown") };
    assert_eq!(body.fact(), Ok(Fact::Hq(HqFact::Moved { to_store: StoreId::parse("praga").unwrap() })));
}

#[test]
fn a_wrong_body_names_its_path_and_keeps_the_value_to_itself() {
    let wrong = |kind: &str, body: Value| {
        let read = EventBody::parse(kind, &body.to_string()).and_then(|p| match p {
            Parsed::Known(body) => body.fact(),
            Parsed::UnknownType => panic!("{kind} is unknown"),
        });
        read.unwrap_err()
    };
    let placed = |change: &dyn Fn(&mut Value)| {
        let mut example: Value =
            serde_json::from_str(&text(&folder().join("examples/reservation.placed.json"))).unwrap();
        change(&mut example["body"]);
        wrong("reservation.placed", example["body"].take())
    };
    assert_eq!(placed(&|b| b["lines"][1]["quantity"] = json!("many")).path, "lines[1].quantity");
    assert_eq!(placed(&|b| b["lines"][1]["quantity"] = json!(0)).path, "lines[1].quantity");
    assert_eq!(placed(&|b| b["lines"][1]["line"] = json!(1)).path, "lines[1].line");
    assert_eq!(placed(&|b| b["lines"][0]["ean"] = json!("5901234123458")).path, "lines[0].ean");
    assert_eq!(placed(&|b| b["total"] = json!(-1)).path, "total");
    assert_eq!(placed(&|b| b["order"] = json!("x".repeat(41))).path, "order");
    let phone = placed(&|b| b["personal"]["phone"] = json!("12 secret 34"));
    assert_eq!(phone.path, "personal.phone");
    let language = placed(&|b| b["personal"]["language"] = json!("secret"));
    assert_eq!(language.path, "personal.language");
    let tender = wrong("reservation.paid_in_store", json!({"amount": 1, "tender": "secret"}));
    assert_eq!(tender.path, "tender");
    let typed = wrong("message.received", json!({"message": "secret", "text": 7, "meaning": "free"}));
    for e in [phone, language, tender, typed] {
        assert!(!e.to_string().contains("secret"), "{e}");
    }
    assert_eq!(
        wrong("reservation.moved", json!({})).problem.lines().next(),
        Some("missing field `to_store` at line 1 column 2")
    );
}

fn short_text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ąłż./\"\\\\]{1,12}"
}

fn time() -> impl Strategy<Value = jiff::Timestamp> {
    (0..4_000_000_000_000_i64).prop_map(|ms| jiff::Timestamp::from_millisecond(ms).unwrap())
}

fn uuid() -> impl Strategy<Value = [u8; 16]> {
    any::<[u8; 16]>()
}

fn store_id() -> impl Strategy<Value = StoreId> {
    "[a-z0-9-]{1,32}".prop_map(|s| StoreId::parse(&s).unwrap())
}

fn order_lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (short_text(), 1..100_001_u32, 0..i64::MAX, prop::option::of(any::<u8>()), any::<bool>());
    prop::collection::vec(line, 1..5).prop_map(|lines| {
        let numbered = lines.into_iter().zip(1..).map(|((sku, quantity, price, age, ean), line)| Line {
            line,
            name: sku.clone(),
            sku,
            ean: ean.then(|| "5901234123457".to_owned()),
            quantity,
            unit_price: Amount(price),
            age,
        });
        numbered.collect()
    })
}

fn quantities() -> impl Strategy<Value = Vec<LineQuantity>> {
    prop::collection::vec(
        (any::<u32>(), any::<u32>()).prop_map(|(line, quantity)| LineQuantity { line, quantity }),
        0..4,
    )
}

fn personal() -> impl Strategy<Value = Personal> {
    let channel = prop::sample::select(vec![Channel::Sms, Channel::Email, Channel::Voice]);
    (short_text(), prop::option::of(short_text()), prop::sample::select(Language::ALL.to_vec()), channel).prop_map(
        |(name, email, language, channel)| Personal {
            name,
            phone: Phone::parse("+48600100813").unwrap(),
            email,
            language,
            channel,
        },
    )
}

fn words<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> + Clone {
    prop::sample::select(all)
}

fn placed() -> impl Strategy<Value = HqFact> {
    let head = (short_text(), words(OrderKind::ALL), words(Contract::ALL), order_lines(), 0..i64::MAX, 0..i64::MAX);
    let tail =
        (prop::option::of(time()), any::<bool>(), uuid(), prop::option::of(personal()), prop::option::of(store_id()));
    (head, tail).prop_map(
        |((order, kind, contract, lines, total, due), (promised_at, coded, person, personal, from_store))| {
            HqFact::Placed(Box::new(Placed {
                order: OrderNumber::parse(&order).unwrap(),
                kind,
                contract,
                lines,
                currency: Currency::PLN,
                total: Amount(total),
                due: Amount(due),
                promised_at,
                code: coded.then(|| PickupCode::parse("048211").unwrap()),
                person: PersonRef::from_bytes(person),
                personal,
                from_store,
            }))
        },
    )
}

fn hq_fact() -> impl Strategy<Value = Fact> {
    let text = || prop::option::of(short_text());
    prop_oneof![
        placed(),
        (any::<u32>(), order_lines(), 0..i64::MAX, 0..i64::MAX).prop_map(|(revision, lines, total, due)| {
            HqFact::Amended { revision, lines, total: Amount(total), due: Amount(due) }
        }),
        (short_text(), short_text()).prop_map(|(by, reason)| HqFact::CancelRequested { by, reason }),
        time().prop_map(|until| HqFact::Extended { until }),
        (words(MoneyState::ALL), 0..i64::MAX, text()).prop_map(|(money, minor, reference)| HqFact::PaymentChanged {
            money,
            amount: Amount(minor),
            reference,
        }),
        store_id().prop_map(|to_store| HqFact::Moved { to_store }),
        (store_id(), text()).prop_map(|(from_store, reason)| HqFact::SourceReleased { from_store, reason }),
        (short_text(), text()).prop_map(|(sku, lot)| HqFact::Frozen { sku, lot }),
        Just(HqFact::Unfrozen),
    ]
    .prop_map(Fact::Hq)
}

fn bag() -> impl Strategy<Value = StagedBag> {
    (short_text(), short_text())
        .prop_map(|(b, s)| StagedBag { bag: BagId::parse(&b).unwrap(), shelf: ShelfId::parse(&s).unwrap() })
}

fn floor_fact() -> impl Strategy<Value = StoreFact> {
    let text = || prop::option::of(short_text());
    prop_oneof![
        Just(StoreFact::Accepted),
        Just(StoreFact::PickStarted),
        (quantities(), text()).prop_map(|(lines, substitute)| StoreFact::Short { lines, substitute }),
        bag().prop_map(StoreFact::BagStaged),
        (prop::collection::vec(bag(), 0..4), time())
            .prop_map(|(bags, hold_until)| StoreFact::Ready { bags, hold_until }),
        (words(Via::ALL), text()).prop_map(|(via, place)| StoreFact::Arrived { via, place }),
        Just(StoreFact::Attended),
        Just(StoreFact::Left),
        Just(StoreFact::CodeSet),
        any::<u32>().prop_map(|tries| StoreFact::CodeFailed { tries }),
        time().prop_map(|until| StoreFact::CodeLocked { until }),
        Just(StoreFact::Expired),
    ]
}

fn counter_fact() -> impl Strategy<Value = StoreFact> {
    let text = || prop::option::of(short_text());
    let event = || uuid().prop_map(EventId::from_bytes);
    let overridden = prop::option::of(short_text())
        .prop_map(|o| o.map(|reason| Override { by: StaffId::parse("anna").unwrap(), reason }));
    prop_oneof![
        (quantities(), words(Method::ALL), overridden).prop_map(|(lines, method, overridden)| StoreFact::HandedOver {
            lines,
            method,
            overridden
        }),
        event().prop_map(|undoes| StoreFact::HandOverUndone { undoes }),
        (quantities(), short_text(), 0..i64::MAX).prop_map(|(lines, reason, minor)| StoreFact::Refused {
            lines,
            reason,
            refund_due: Amount(minor),
        }),
        (time(), words(&ActorKind::ALL)).prop_map(|(until, by)| StoreFact::HoldExtended { until, by }),
        (quantities(), text())
            .prop_map(|(lines, shelf)| StoreFact::PutBack { lines, shelf: shelf.map(|s| ShelfId::parse(&s).unwrap()) }),
        (0..i64::MAX, words(Tender::ALL), text()).prop_map(|(minor, tender, receipt)| StoreFact::PaidInStore {
            amount: Amount(minor),
            tender,
            receipt,
        }),
        (prop::option::of(event()), text()).prop_map(|(wish, reason)| StoreFact::Cancelled { wish, reason }),
        (event(), words(Because::ALL)).prop_map(|(wish, because)| StoreFact::CancelRejected { wish, because }),
        (any::<u32>(), words(Because::ALL))
            .prop_map(|(revision, because)| StoreFact::AmendmentRejected { revision, because }),
        store_id().prop_map(|to_store| StoreFact::Released { to_store }),
    ]
}

fn message_fact() -> impl Strategy<Value = MessageFact> {
    let id = || uuid().prop_map(MessageId::from_bytes);
    let part = || prop::option::of(any::<u32>());
    let queued =
        (id(), prop::option::of(uuid()), words(Purpose::ALL), any::<u32>(), any::<u32>(), prop::option::of(time()));
    prop_oneof![
        queued.prop_map(|(message, reservation, purpose, round, parts, valid_until)| MessageFact::Queued {
            message,
            reservation: reservation.map(ReservationId::from_bytes),
            purpose,
            round,
            template: Some("ready".into()),
            language: Language::Uk,
            parts,
            person: None,
            valid_until,
        }),
        (id(), short_text()).prop_map(|(message, because)| MessageFact::Held { message, because }),
        (id(), any::<u32>(), prop::option::of(any::<u8>()))
            .prop_map(|(message, part, reference)| MessageFact::Submitted { message, part, reference }),
        (id(), part()).prop_map(|(message, part)| MessageFact::Sent { message, part }),
        (id(), part()).prop_map(|(message, part)| MessageFact::Delivered { message, part }),
        (id(), short_text()).prop_map(|(message, cause)| MessageFact::Failed { message, cause }),
        (id(), short_text()).prop_map(|(message, cause)| MessageFact::Unknown { message, cause }),
        (id(), words(Settlement::ALL), short_text()).prop_map(|(message, settled_as, by)| MessageFact::Settled {
            message,
            settled_as,
            by
        }),
        id().prop_map(|message| MessageFact::Expired { message }),
        (id(), short_text()).prop_map(|(message, because)| MessageFact::Superseded { message, because }),
    ]
}

fn other_fact() -> impl Strategy<Value = Fact> {
    let person = || uuid().prop_map(PersonRef::from_bytes);
    let case =
        (uuid(), uuid(), words(CaseKind::ALL), prop::option::of(short_text()), prop::option::of(time()), 0..3_u8);
    prop_oneof![
        (person(), prop::option::of(personal()))
            .prop_map(|(person, personal)| Fact::Person(PersonFact::Changed { person, personal })),
        person().prop_map(|person| Fact::Person(PersonFact::Erased { person })),
        case.prop_map(|(case, reservation, kind, note, due_at, which)| {
            let (case, reservation) = (CaseId::from_bytes(case), ReservationId::from_bytes(reservation));
            Fact::Case(match which {
                0 => CaseFact::Opened { case, reservation, kind, note, due_at },
                1 => CaseFact::Changed { case, reservation, kind, note, due_at },
                _ => CaseFact::Closed { case, reservation, kind, outcome: note },
            })
        }),
        (uuid(), short_text(), words(Meaning::ALL), prop::option::of(person())).prop_map(
            |(message, text, meaning, person)| {
                Fact::Received(Received {
                    message: MessageId::from_bytes(message),
                    person,
                    text,
                    meaning,
                    reservation: None,
                })
            }
        ),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        hq_fact(),
        floor_fact().prop_map(Fact::Store),
        counter_fact().prop_map(Fact::Store),
        message_fact().prop_map(Fact::Message),
        other_fact(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn every_fact_survives_the_wire(fact in fact()) {
        let body = body_of(fact.clone()).expect("a fact with a body");
        let json = body.to_json().unwrap();
        let Ok(Parsed::Known(read)) = EventBody::parse(body.type_name(), json.get()) else {
            return Err(TestCaseError::fail(format!("{} is not read back", body.type_name())));
        };
        prop_assert_eq!(&*read, &body);
        prop_assert_eq!(read.fact(), Ok(fact));
    }

    /// A body with one character changed is refused, or it is read, and then means the same when written again.
    #[test]
    fn a_damaged_body_is_refused_or_means_what_it_says(fact in fact(), at: prop::sample::Index, to: char) {
        let body = body_of(fact).expect("a fact with a body");
        let mut json: Vec<char> = body.to_json().unwrap().get().chars().collect();
        let at = at.index(json.len());
        json[at] = to;
        let json: String = json.into_iter().collect();
        if let Ok(Parsed::Known(read)) = EventBody::parse(body.type_name(), &json)
            && let Ok(fact) = read.fact()
        {
            let again = body_of(fact.clone()).expect("a fact with a body");
            prop_assert_eq!(again.fact(), Ok(fact));
        }
    }
}

#[test]
fn the_way_of_a_type_is_its_author_s() {
    for t in TYPES {
        let example = text(&folder().join("examples").join(format!("{}.json", t.name)));
        let author = Envelope::parse(&example).unwrap().actor.kind;
        assert_eq!(t.way.goes(Way::Down) && t.way != Way::Both, author == "hq", "{}", t.name);
    }
}
