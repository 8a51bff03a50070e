//! Connections, wills, and a network that drops, repeats, delays and reorders.

use super::{CHAIN, End, H, JudgeAll, Packet, STORE, STORM, World, both};
use crate::topic::Address;
use crate::wire::Heartbeat;
use crate::*;

impl World {
    pub fn disconnect(&mut self, i: usize) {
        let node = &mut self.nodes[i];
        if !node.connected {
            return;
        }
        node.connected = false;
        both!(&mut node.end, e => e.handle_disconnected());
        if let Some(will) = node.will.take()
            && self.rng.chance(self.luck.wills)
        {
            self.retained = Some(will.clone());
            self.post(H, topic::Topic::State.of(CHAIN, STORE), &will);
        }
    }

    pub fn connect(&mut self, i: usize) {
        let now = self.clock();
        let node = &mut self.nodes[i];
        if !node.up || !node.link || node.connected {
            return;
        }
        if let End::Store(end) = &mut node.end {
            end.handle_connecting(now);
            node.will = Some(end.will(&node.db.ledger).expect("memory").encode());
        }
        both!(&mut node.end, e => e.handle_connected(now));
        (node.connected, node.conn) = (true, node.conn + 1);
        if let (H, Some(state)) = (i, self.retained.clone()) {
            self.deliver(H, &topic::Topic::State.of(CHAIN, STORE), &state, Delivery::Retained);
        }
        self.pump(i);
    }

    pub fn send(&mut self, i: usize, message: Message) {
        if !self.nodes[i].connected {
            return;
        }
        self.stats.messages += 1;
        self.note(|| format!("node {i} -> {message:?}"));
        let topic = message.topic(self.nodes[i].side());
        let (text, payload) = (topic.of(CHAIN, STORE), message.encode());
        assert!(payload.len() <= self.chunk_bytes, "{} bytes", payload.len());
        if message.retained() && i != H {
            self.retained = Some(payload.clone());
        }
        // Both boxes of one identity and HQ itself subscribe to `sync/…`: everyone hears everyone there.
        let shared = matches!(message, Message::Request(_) | Message::Snapshot(_));
        for to in 0..self.nodes.len() {
            if shared || (i == H) != (to == H) {
                self.post(to, text.clone(), &payload);
            }
        }
    }

    /// Drops, repeats and delays.
    fn post(&mut self, to: usize, topic: String, payload: &[u8]) {
        let times = if self.odds(self.luck.dup) { 2 } else { 1 };
        if self.net.len() > STORM {
            self.fail(|| "storm: messages breed messages".into());
            return;
        }
        for _ in 0..times {
            if self.odds(self.luck.drop) {
                continue;
            }
            let delay = if self.calm { 1 } else { 1 + self.rng.below(self.luck.delay) };
            let (due, conn) = (self.now + delay, self.nodes[to].conn);
            self.net.push(Packet { due, to, conn, topic: topic.clone(), payload: payload.to_vec() });
        }
    }

    fn deliver(&mut self, to: usize, topic: &str, payload: &[u8], delivery: Delivery) {
        let address = Address::parse(topic).expect("our own topics can be read");
        let message = Message::parse(&address.topic, payload).expect("our own messages can be read");
        self.tx(to, |node, now| {
            let ledger = &mut node.db.ledger;
            both!(&mut node.end, e => e.handle_message(ledger, &JudgeAll, message, delivery, now)).expect("memory");
            Vec::new()
        });
    }

    pub fn deliver_due(&mut self) {
        let (mut due, wait): (Vec<Packet>, Vec<Packet>) =
            std::mem::take(&mut self.net).into_iter().partition(|p| p.due <= self.now);
        self.net = wait;
        while !due.is_empty() {
            let packet = due.swap_remove(self.rng.below(due.len() as u64) as usize);
            let node = &self.nodes[packet.to];
            if node.connected && node.conn == packet.conn {
                self.deliver(packet.to, &packet.topic, &packet.payload, Delivery::Live);
            }
        }
    }

    pub fn beat(&mut self) {
        let node = &self.nodes[H];
        if node.up && node.connected && self.now >= node.beat {
            let beat = Heartbeat { online: true, at: "2026-05-21T12:07:03.000Z".into(), boot: node.boot };
            self.nodes[H].beat = self.now + 10;
            self.send(H, Message::Heartbeat(beat));
        }
    }
}
