//! Catch-up and priority: a long outage, then both queues over a link of limited width.

use std::time::Duration;

use sans_io::Rng;

use super::JudgeAll;
use super::mem::MemLedger;
use crate::wire::PAYLOAD_BYTES_MAX;
use crate::*;

/// Both ends over a link that carries so many bytes a millisecond each way and delays by `delay_ms`.
struct Pair {
    now_ms: u64,
    store: StoreEnd,
    hq: HqEnd,
    store_db: MemLedger,
    hq_db: MemLedger,
    up: Wire,
    down: Wire,
    rng: Rng,
    loss_per_mille: u64,
}

/// One way of the link: what is sent waits for its turn, then travels.
#[derive(Default)]
struct Wire {
    free_at_ms: u64,
    packets: std::collections::VecDeque<(u64, Message)>,
    bytes_per_ms: u64,
    largest: usize,
    batches: usize,
}

impl Wire {
    fn put(&mut self, now_ms: u64, delay_ms: u64, message: &Message, lost: bool, sender: Side) {
        let payload = message.encode();
        self.largest = self.largest.max(payload.len());
        self.batches += usize::from(matches!(message, Message::Events(_)));
        self.free_at_ms = self.free_at_ms.max(now_ms) + payload.len() as u64 / self.bytes_per_ms;
        if !lost {
            let read = Message::parse(&message.topic(sender), &payload).expect("our own bytes can be read");
            self.packets.push_back((self.free_at_ms + delay_ms, read));
        }
    }

    fn due(&mut self, now_ms: u64) -> Option<Message> {
        self.packets.pop_front_if(|(at, _)| *at <= now_ms).map(|(_, message)| message)
    }
}

const DELAY_MS: u64 = 20;

impl Pair {
    fn new(bytes_per_ms: u64, loss_per_mille: u64) -> Self {
        let now = Now::default();
        let boot = EventId::from_bytes([7; 16]);
        let wire = || Wire { bytes_per_ms, ..Wire::default() };
        let mut pair = Self {
            now_ms: 0,
            store: StoreEnd::new(Config { p1_bound: None, ..Config::store("box") }, 1, now),
            hq: HqEnd::new(Config::hq("hq"), 2, boot, now),
            store_db: MemLedger::default(),
            hq_db: MemLedger::default(),
            up: wire(),
            down: wire(),
            rng: Rng::new(3),
            loss_per_mille,
        };
        pair.store.handle_start(&mut pair.store_db, Witness::Missing, now).unwrap();
        pair.hq.handle_start(&mut pair.hq_db, 0, now).unwrap();
        pair.store.handle_connecting(now);
        pair.store.handle_connected(now);
        pair.hq.handle_connected(now);
        pair.drain();
        pair
    }

    fn now(&self) -> Now {
        let wall = sans_io::Wall { unix_ms: 1_779_365_223_000 + self.now_ms as i64, ..Default::default() };
        Now { at: sans_io::Instant::from_millis(self.now_ms), wall }
    }

    fn write(&mut self, key: AggregateKey) -> EventId {
        let event =
            NewEvent::new(key, "call.ended", Actor::default(), &"a body of some length, as calls have it").unwrap();
        let now = self.now();
        self.store.append(&mut self.store_db, event, now).unwrap().id
    }

    fn drain(&mut self) {
        loop {
            match self.store.poll_output() {
                Output::Transmit(m) => {
                    let lost = self.rng.chance(self.loss_per_mille);
                    self.up.put(self.now_ms, DELAY_MS, &m, lost, Side::Store);
                }
                Output::Wait { .. } => break,
                Output::SendSnapshot(_) => panic!("nobody was rolled back"),
                _ => {}
            }
        }
        loop {
            match self.hq.poll_output() {
                Output::Transmit(m) => {
                    let lost = self.rng.chance(self.loss_per_mille);
                    self.down.put(self.now_ms, DELAY_MS, &m, lost, Side::Hq);
                }
                Output::SendSnapshot(mut job) => {
                    while let Some(m) = job.next_chunk(&self.hq_db).unwrap() {
                        self.down.put(self.now_ms, DELAY_MS, &m, false, Side::Hq);
                    }
                }
                Output::Wait { .. } => return,
                _ => {}
            }
        }
    }

    /// One millisecond.
    fn step(&mut self) {
        self.now_ms += 1;
        let now = self.now();
        while let Some(m) = self.up.due(self.now_ms) {
            self.hq.handle_message(&mut self.hq_db, &JudgeAll, m, Delivery::Live, now).unwrap();
        }
        while let Some(m) = self.down.due(self.now_ms) {
            self.store.handle_message(&mut self.store_db, &JudgeAll, m, Delivery::Live, now).unwrap();
        }
        self.store.pump(&self.store_db, now).unwrap();
        self.hq.pump(&self.hq_db, now).unwrap();
        self.drain();
    }

    fn run_until(&mut self, limit_ms: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now_ms + limit_ms;
        while !done(self) {
            assert!(self.now_ms < end, "not within {limit_ms} ms; {:?}", self.store_db.head);
            self.step();
        }
    }
}

fn call(i: u64) -> AggregateKey {
    AggregateKey::new("call", format!("c{i}"))
}

fn reservation(i: u64) -> AggregateKey {
    AggregateKey::new("reservation", format!("r{i}"))
}

/// How long 10 reservations' events wait, worst, with so many calls waiting.
fn worst_p0_wait_ms(backlog: u64) -> u64 {
    let mut pair = Pair::new(100, 0);
    pair.run_until(1_000, |p| p.store.is_settled());
    for i in 0..backlog {
        pair.write(call(i));
    }
    let mut worst = 0;
    for i in 0..10 {
        for _ in 0..50 {
            pair.step();
        }
        let (id, from) = (pair.write(reservation(i)), pair.now_ms);
        pair.run_until(60_000, |p| p.hq_db.by_id.contains_key(&id));
        worst = worst.max(pair.now_ms - from);
    }
    if backlog > 0 {
        assert!(pair.store_db.rows(Queue::P1) > 0, "the backlog was gone before the last reservation");
    }
    worst
}

#[test]
fn reservations_do_not_queue_behind_a_backlog_of_calls() {
    // 800 kbit/s: a full P1 window takes `window × 128 KiB / 100 bytes per ms` to leave, and no reservation waits longer
    // than that and the way. The backlog itself takes a minute or more.
    let alone = worst_p0_wait_ms(0);
    let behind = worst_p0_wait_ms(40_000);
    let window_ms = Config::store("x").window.p1 as u64 * PAYLOAD_BYTES_MAX as u64 / 100;
    println!("worst wait of a reservation: {alone} ms alone, {behind} ms behind 40 000 calls; window {window_ms} ms");
    assert!(alone <= DELAY_MS + 20, "{alone} ms with nothing else to send");
    assert!(behind <= DELAY_MS + 20 + window_ms, "{behind} ms behind P1");
}

#[test]
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the test prints the rate of this machine")]
fn a_hundred_thousand_events_catch_up_after_an_outage() {
    let mut pair = Pair::new(12_500, 0);
    for i in 0..50_000 {
        pair.write(call(i));
        pair.write(reservation(i % 1_000));
    }
    let begun = std::time::Instant::now();
    pair.run_until(60_000, |p| p.store_db.rows(Queue::P0) + p.store_db.rows(Queue::P1) == 0);
    let spent = begun.elapsed().max(Duration::from_millis(1));
    assert_eq!(pair.hq_db.by_id.len(), 100_000);
    assert_eq!(pair.hq_db.the_head().seen.p0.seq, 50_000);
    assert!(pair.up.largest <= PAYLOAD_BYTES_MAX, "{} bytes on the wire", pair.up.largest);
    println!(
        "100 000 events in {} batches, largest {} bytes: {spent:?}, {} events/s; {} ms of a 100 Mbit/s link",
        pair.up.batches,
        pair.up.largest,
        100_000_000 / spent.as_millis(),
        pair.now_ms
    );
}

#[test]
fn catching_up_survives_a_lossy_link() {
    let mut pair = Pair::new(12_500, 100);
    for i in 0..5_000 {
        pair.write(call(i));
        pair.write(reservation(i % 100));
    }
    pair.run_until(600_000, |p| p.store_db.rows(Queue::P0) + p.store_db.rows(Queue::P1) == 0);
    assert_eq!(pair.hq_db.by_id.len(), 10_000);
}
