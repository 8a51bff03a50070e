//! One behaviour each: rejected, kept and waiting events, bounds, wills, telemetry, link state, broken input.

use std::time::Duration;

use sans_io::Instant;

use super::mem::MemLedger;
use crate::wire::{Ack, Birth, EVENT_BYTES_MAX, EventsBatch, Heartbeat, Seen};
use crate::*;

/// Rejects `bad`, does not know `new`, applies the rest.
struct Picky;

impl Judge for Picky {
    fn judge(&self, event: &Envelope) -> Verdict {
        match event.kind.as_str() {
            "bad" => Verdict::Reject { why: "no such bag".into() },
            "new" => Verdict::KeepForUpgrade,
            _ => Verdict::Apply,
        }
    }
}

/// Knows everything: a later release, or a person who mended the cause.
struct Wise;

impl Judge for Wise {
    fn judge(&self, _: &Envelope) -> Verdict {
        Verdict::Apply
    }
}

/// A store and HQ on a perfect link.
struct Pair {
    store: StoreEnd,
    hq: HqEnd,
    s: MemLedger,
    h: MemLedger,
    now: Now,
    seen: Vec<Output>,
}

impl Pair {
    fn new() -> Self {
        Self::with(Config::store("box"))
    }

    fn with(config: Config) -> Self {
        let now = Now::default();
        let (boot, s, h) = (EventId::from_bytes([9; 16]), MemLedger::default(), MemLedger::default());
        let (store, hq) = (StoreEnd::new(config, 5, now), HqEnd::new(Config::hq("hq"), 6, boot, now));
        let mut pair = Self { store, hq, s, h, now, seen: Vec::new() };
        pair.store.handle_start(&mut pair.s, Witness::Missing, now).unwrap();
        pair.hq.handle_start(&mut pair.h, 0, now).unwrap();
        pair.hq.handle_connected(now);
        pair
    }

    fn connect(&mut self) {
        self.store.handle_connecting(self.now);
        self.store.handle_connected(self.now);
        self.settle(&Picky);
    }

    /// Carries messages until nobody has any.
    fn settle(&mut self, judge: &dyn Judge) {
        loop {
            self.store.pump(&self.s, self.now).unwrap();
            self.hq.pump(&self.h, self.now).unwrap();
            let (up, down) = (self.poll_store(), self.poll_hq());
            if up.is_empty() && down.is_empty() {
                return;
            }
            for m in up {
                self.hq.handle_message(&mut self.h, judge, m, Delivery::Live, self.now).unwrap();
            }
            for m in down {
                self.store.handle_message(&mut self.s, judge, m, Delivery::Live, self.now).unwrap();
            }
        }
    }

    fn poll_store(&mut self) -> Vec<Message> {
        let mut out = Vec::new();
        loop {
            match self.store.poll_output() {
                Output::Transmit(m) => out.push(m),
                Output::SendSnapshot(mut job) => out.extend(std::iter::from_fn(|| job.next_chunk(&self.s).unwrap())),
                Output::Wait { .. } => return out,
                other => self.seen.push(other),
            }
        }
    }

    fn poll_hq(&mut self) -> Vec<Message> {
        let mut out = Vec::new();
        loop {
            match self.hq.poll_output() {
                Output::Transmit(m) => out.push(m),
                Output::SendSnapshot(mut job) => out.extend(std::iter::from_fn(|| job.next_chunk(&self.h).unwrap())),
                Output::Wait { .. } => return out,
                other => self.seen.push(other),
            }
        }
    }

    fn place(&mut self, id: &str, kind: &str) -> EventId {
        self.hq.append(&mut self.h, event("reservation", id, kind), self.now).unwrap().id
    }

    fn do_in_store(&mut self, kind: &str, id: &str) -> EventId {
        self.store.append(&mut self.s, event(kind, id, "done"), self.now).unwrap().id
    }

    fn standings(&self, id: &str) -> Vec<Standing> {
        let key = AggregateKey::new("reservation", id);
        self.s.log(&key, Side::Hq, 0, 99).unwrap().iter().map(|e| e.standing).collect()
    }

    fn rejections_at_hq(&self) -> Vec<Option<EventId>> {
        let keys = self.h.logs.keys().filter(|k| k.kind == "sync");
        let logs = keys.flat_map(|k| self.h.log(k, Side::Store, 0, 9).unwrap());
        logs.map(|e| e.envelope().unwrap()).filter(|e| e.kind == "sync.rejected").map(|e| e.cause).collect()
    }
}

fn event(kind: &str, id: &str, what: &str) -> NewEvent {
    let actor = Actor { kind: "hq".into(), id: "x".into() };
    NewEvent::new(AggregateKey::new(kind, id), what, actor, &"text").unwrap()
}

#[test]
fn a_rejected_event_is_acknowledged_told_once_and_holds_back_its_own_aggregate_only() {
    let mut pair = Pair::new();
    pair.connect();
    let bad = [pair.place("r1", "ok"), pair.place("r1", "bad"), pair.place("r1", "ok"), pair.place("r2", "ok")][1];
    pair.settle(&Picky);
    use Standing::{Applied, Rejected, Waiting};
    assert_eq!(pair.standings("r1"), [Applied, Rejected, Waiting]);
    assert_eq!(pair.standings("r2"), [Applied]);
    assert_eq!(pair.h.rows(Queue::P0), 0, "all is acknowledged");
    assert_eq!(pair.rejections_at_hq(), [Some(bad)]);
    let seen = pair.store.append(&mut pair.s, event("reservation", "r1", "done"), pair.now).unwrap().aggregate.seen;
    assert_eq!(seen, 1, "what waits was not seen");
}

#[test]
fn a_person_retries_or_discards_what_was_rejected() {
    use Standing::{Applied, Discarded, Rejected, Waiting};
    let key = AggregateKey::new("reservation", "r1");
    let mut pair = Pair::new();
    pair.connect();
    let bad = [pair.place("r1", "bad"), pair.place("r1", "ok"), pair.place("r1", "bad"), pair.place("r1", "ok")];
    pair.settle(&Picky);
    pair.store.retry(&mut pair.s, &Picky, &key, pair.now).unwrap();
    pair.settle(&Picky);
    assert_eq!(pair.standings("r1"), [Rejected, Waiting, Waiting, Waiting]);
    assert_eq!(pair.rejections_at_hq().len(), 1, "a retry in vain tells nothing new");
    pair.store.discard(&mut pair.s, &Picky, &key, bad[0], pair.now).unwrap();
    pair.settle(&Picky);
    assert_eq!(pair.standings("r1"), [Discarded, Applied, Rejected, Waiting]);
    assert_eq!(pair.rejections_at_hq().len(), 2, "the second one is told too");
    pair.store.retry(&mut pair.s, &Wise, &key, pair.now).unwrap();
    assert_eq!(pair.standings("r1"), [Discarded, Applied, Applied, Applied]);
    assert_eq!(pair.s.the_head().set_aside, 2);
}

#[test]
fn an_unknown_type_or_newer_schema_is_kept_whole_and_applied_after_the_upgrade() {
    let mut pair = Pair::new();
    pair.connect();
    pair.place("r1", "new");
    pair.place("r1", "ok");
    pair.settle(&Picky);
    let id = "01890000-0000-7000-8000-00000000000f";
    let text = format!(
        r#"{{"schema":9,"id":"{id}","seq":3,"aggregate":{{"kind":"reservation","id":"r1","n":3,"x":[1.50]}},"at":77,"type":"ok"}}"#
    );
    let head = pair.s.the_head().clone();
    let batch = batch_of(&head, head.seen.p0.id, &format!("[{text}]"));
    pair.store.handle_events(&mut pair.s, &Picky, &batch, pair.now).unwrap();
    assert_eq!(pair.standings("r1"), [Standing::Kept, Standing::Applied, Standing::Kept]);
    assert_eq!(pair.s.the_head().seen.p0.seq, 3, "it is acknowledged");
    let key = AggregateKey::new("reservation", "r1");
    assert_eq!(pair.s.log(&key, Side::Hq, 2, 1).unwrap()[0].text, text, "and kept byte for byte");
    assert!(pair.s.aside.is_empty());
    let next = pair.store.judge_kept(&mut pair.s, &Wise, None).unwrap();
    assert_eq!(next, Some(key.clone()));
    assert_eq!(pair.standings("r1"), [Standing::Applied, Standing::Applied, Standing::Kept]);
    assert_eq!(pair.store.judge_kept(&mut pair.s, &Wise, next.as_ref()).unwrap(), None);
}

fn batch_of(head: &Head, after: Option<EventId>, events: &str) -> EventsBatch {
    EventsBatch {
        epoch: head.peer_epoch.clone().unwrap_or_else(|| "1-ab-hq".parse().unwrap()),
        class: Class::P0,
        boot: None,
        after,
        after_also: None,
        meant_for: Some(head.epoch.clone()),
        sig: None,
        events: serde_json::value::RawValue::from_string(events.to_owned()).unwrap(),
    }
}

#[test]
fn an_event_with_a_header_but_no_proper_envelope_is_rejected_not_stuck() {
    let mut pair = Pair::new();
    pair.connect();
    let head = pair.s.the_head().clone();
    let text = r#"[{"id":"01890000-0000-7000-8000-00000000000f","seq":1,"aggregate":{"kind":"reservation","id":"r1","n":1},"type":"ok","at":{"wall":"yesterday"}}]"#;
    pair.store.handle_events(&mut pair.s, &Wise, &batch_of(&head, None, text), pair.now).unwrap();
    assert_eq!(pair.standings("r1"), [Standing::Rejected]);
    assert_eq!(pair.s.the_head().seen.p0.seq, 1);
    let unreadable = batch_of(pair.s.the_head(), pair.s.the_head().seen.p0.id, r#"[{"seq":2}]"#);
    pair.store.handle_events(&mut pair.s, &Wise, &unreadable, pair.now).unwrap();
    pair.poll_store();
    assert_eq!(pair.s.the_head().seen.p0.seq, 1, "what has no header cannot be taken");
    assert!(pair.seen.iter().any(|o| matches!(o, Output::Alert(Alert::Unreadable { .. }))));
}

#[test]
fn an_empty_store_follows_hq_from_its_first_event_without_a_snapshot() {
    let mut pair = Pair::new();
    let head = pair.s.the_head().clone();
    let first = event("reservation", "r1", "ok").seal(EventId::from_bytes([1; 16]), 1, 1, 0, pair.now.wall);
    let batch = batch_of(&head, None, &format!("[{}]", first.text()));
    pair.store.handle_events(&mut pair.s, &Wise, &batch, pair.now).unwrap();
    assert_eq!(pair.standings("r1"), [Standing::Applied]);
    let Message::Ack(ack) = &pair.poll_store()[0] else { panic!("no ack") };
    assert_eq!((ack.seq, ack.id, ack.epoch.as_ref()), (1, Some(first.id), Some(&batch.epoch)));
}

#[test]
fn p1_is_cut_at_its_bound_in_one_span_and_hq_goes_on_behind_it() {
    let bound = P1Bound { rows: 10, bytes: 1 << 30, age: Duration::from_secs(3_600) };
    let mut pair = Pair::with(Config { p1_bound: Some(bound), ..Config::store("box") });
    for i in 0..35 {
        pair.do_in_store("call", &format!("c{i}"));
        pair.do_in_store("reservation", "r1");
    }
    assert!(pair.s.rows(Queue::P1) <= 10);
    assert_eq!(pair.s.rows(Queue::P0), 35, "P0 is never dropped");
    let first = &pair.s.outbox(Queue::P1, 0, 1).unwrap()[0];
    assert_eq!(first.first, 1);
    let span = Envelope::parse(&first.text).unwrap();
    let (body, to) = (serde_json::from_str::<serde_json::Value>(span.body.get()).unwrap(), first.last);
    assert_eq!((span.kind.as_str(), span.seq), ("sync.skipped", to));
    assert_eq!((body["from"].as_u64(), body["to"].as_u64(), body["count"].as_u64()), (Some(1), Some(to), Some(to)));
    pair.connect();
    assert_eq!(pair.h.the_head().seen.p1.seq, 35);
    assert_eq!(pair.h.logs.keys().filter(|k| k.kind == "call").count() as u64, 35 - to);
    assert_eq!(pair.h.events(&AggregateKey::new("reservation", "r1"), Side::Store).len(), 35);
}

#[test]
fn p1_rows_that_are_too_old_are_cut_by_trim() {
    let bound = P1Bound { rows: 1_000, bytes: 1 << 30, age: Duration::from_secs(60) };
    let mut pair = Pair::with(Config { p1_bound: Some(bound), ..Config::store("box") });
    for i in 0..5 {
        pair.now.wall.unix_ms = i * 30_000;
        pair.do_in_store("call", &format!("c{i}"));
    }
    pair.store.trim(&mut pair.s, pair.now).unwrap();
    let rows: Vec<_> = pair.s.outbox(Queue::P1, 0, 9).unwrap().iter().map(|r| (r.first, r.last)).collect();
    assert_eq!(rows, [(1, 2), (3, 3), (4, 4), (5, 5)], "60 s before the last: the first two");
    pair.store.trim(&mut pair.s, pair.now).unwrap();
    assert_eq!(pair.s.rows(Queue::P1), 4, "a second trim finds nothing");
}

#[test]
fn an_event_that_fits_no_batch_is_refused_when_it_is_written() {
    let mut pair = Pair::new();
    let body = "x".repeat(EVENT_BYTES_MAX);
    let big = NewEvent::new(AggregateKey::new("reservation", "r"), "t", Actor::default(), &body).unwrap();
    let refused = pair.store.append(&mut pair.s, big, pair.now);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert!(pair.s.logs.is_empty() && pair.s.rows(Queue::P0) == 0);
}

#[test]
fn only_the_will_of_the_last_birth_s_connection_ends_the_session() {
    let mut pair = Pair::new();
    pair.store.handle_connecting(pair.now);
    let old = pair.store.will(&pair.s).unwrap();
    pair.connect();
    let own = pair.store.will(&pair.s).unwrap();
    assert!(pair.hq.is_live());
    pair.hq.handle_message(&mut pair.h, &Wise, old, Delivery::Live, pair.now).unwrap();
    assert!(pair.hq.is_live(), "an earlier connection's will");
    // A birth under a new session on the same connection does not turn its will into a stranger's.
    pair.now.at += Config::store("box").quiet + Duration::from_secs(5);
    pair.settle(&Wise);
    pair.now.at += Duration::from_secs(5);
    pair.settle(&Wise);
    pair.hq.handle_message(&mut pair.h, &Wise, own, Delivery::Live, pair.now).unwrap();
    assert!(!pair.hq.is_live());
}

#[test]
fn telemetry_keeps_the_latest_value_and_is_never_sent_again() {
    let mut pair = Pair::new();
    pair.connect();
    let value = |n: u64| NewEvent::new(AggregateKey::new("modem", "m1"), "signal", Actor::default(), &n).unwrap();
    assert!((1..=5).all(|n| pair.store.set_telemetry(value(n))));
    pair.settle(&Wise);
    let told: Vec<_> =
        pair.seen.iter().filter_map(|o| if let Output::Telemetry(e) = o { Some(e) } else { None }).collect();
    assert_eq!(told.iter().map(|e| (e.seq, e.body.get())).collect::<Vec<_>>(), [(1, "5")]);
    assert_eq!(pair.s.rows(Queue::P1), 0);
    pair.now.at += Duration::from_secs(100);
    pair.settle(&Wise);
    assert_eq!(pair.seen.iter().filter(|o| matches!(o, Output::Telemetry(_))).count(), 1);
}

#[test]
fn the_link_is_offline_without_a_live_word_of_hq_for_thirty_seconds() {
    let mut pair = Pair::new();
    assert_eq!(pair.store.link_state(pair.now), LinkState::Offline);
    pair.connect();
    assert_eq!(pair.store.link_state(pair.now), LinkState::Online);
    let beat = Heartbeat { online: true, at: "2026-01-01T00:00:00.000Z".into(), boot: None };
    let at = |ms| Now { at: Instant::from_millis(ms), ..Now::default() };
    assert_eq!(pair.store.link_state(at(29_999)), LinkState::Online);
    pair.store.handle_heartbeat(&beat, Delivery::Retained, at(29_999));
    assert_eq!(pair.store.link_state(at(30_000)), LinkState::Offline, "a retained heartbeat may be days old");
    pair.store.handle_heartbeat(&beat, Delivery::Live, at(30_000));
    assert_eq!(pair.store.link_state(at(59_999)), LinkState::Online);
    pair.store.handle_disconnected();
    assert_eq!(pair.store.link_state(at(30_001)), LinkState::Offline);
}

#[test]
fn a_rolled_back_transaction_leaves_nothing_said_and_nothing_forgotten() {
    let mut pair = Pair::new();
    pair.connect();
    pair.place("r1", "ok");
    pair.hq.pump(&pair.h, pair.now).unwrap();
    let batch = pair.poll_hq().remove(0);
    let before = pair.s.clone();
    pair.store.handle_message(&mut pair.s, &Wise, batch, Delivery::Live, pair.now).unwrap();
    pair.s = before;
    pair.store.handle_rollback(pair.now);
    assert!(pair.poll_store().is_empty(), "an acknowledgement must not follow a lost commit");
    pair.now.at += Duration::from_secs(20);
    pair.settle(&Wise);
    assert_eq!(pair.standings("r1"), [Standing::Applied]);
}

#[test]
fn the_birth_has_the_contract_s_form_and_carries_the_shell_s_words() {
    let mut pair = Pair::new();
    let extras = serde_json::json!({"version": "0.1.0", "queues": {"P0": 3}, "epoch": "forged"});
    pair.store.set_extras(extras.as_object().unwrap().clone());
    pair.store.handle_connecting(pair.now);
    pair.store.handle_connected(pair.now);
    pair.store.pump(&pair.s, pair.now).unwrap();
    let birth = pair.poll_store().remove(0);
    assert!(birth.retained());
    let json: serde_json::Value = serde_json::from_slice(&birth.encode()).unwrap();
    assert_eq!(json["online"], true);
    assert_eq!(json["epoch"], pair.s.the_head().epoch.to_string());
    assert_eq!(json["sent"]["P0"], serde_json::json!({"seq": 0, "id": null}));
    assert_eq!(json["seen"], serde_json::json!({"epoch": null, "P0": {"seq":0,"id":null}, "P1": {"seq":0,"id":null}}));
    assert_eq!((json["version"].as_str(), json["queues"]["P0"].as_u64()), (Some("0.1.0"), Some(3)));
}

#[test]
fn hq_answers_a_birth_once_per_class_with_session_boot_and_open_epoch() {
    let mut pair = Pair::new();
    let session = EventId::from_bytes([3; 16]);
    let epoch: Epoch = "4-beef-till-1".parse().unwrap();
    let birth = Birth {
        online: true,
        boot: None,
        session,
        connection: None,
        epoch: epoch.clone(),
        recovery: false,
        sent: PerQueue::default(),
        seen: Seen::default(),
        extras: serde_json::Map::new(),
    };
    pair.hq.handle_birth(&mut pair.h, &birth, Delivery::Live, pair.now).unwrap();
    let acks: Vec<Ack> =
        pair.poll_hq().into_iter().filter_map(|m| if let Message::Ack(a) = m { Some(a) } else { None }).collect();
    assert_eq!(acks.iter().map(|a| a.class).collect::<Vec<_>>(), [Class::P0, Class::P1]);
    for ack in acks {
        assert_eq!((ack.session, ack.boot), (Some(session), Some(EventId::from_bytes([9; 16]))));
        assert_eq!((ack.epoch, ack.open), (Some(epoch.clone()), Some(epoch.clone())));
        assert_eq!((ack.seq, ack.id), (0, None));
    }
}

#[test]
fn an_hq_end_is_small_enough_for_ten_thousand_stores() {
    // 10 000 × 2 KiB = 20 MiB; its heap is a few short queues beside that.
    assert!(size_of::<HqEnd>() <= 2_048, "{} bytes", size_of::<HqEnd>());
}
