//! A small fold of a reservation, enough to tell whether two ends agree and what they owe.

use std::collections::BTreeMap;

use super::mem::{Ev, MemLedger};
use crate::{AggregateKey, EventId, Side};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    pub state: &'static str,
    prev: &'static str,
    shelf: Option<String>,
    pub round: u32,
    picked_seen: Option<u64>,
    expired_seen: u64,
    pub paid: bool,
    double: u32,
    pub answers: BTreeMap<String, String>,
    pub moves: Vec<(String, EventId)>,
    pub wishes: Vec<(String, EventId, u64)>,
}

const ENDED: [&str; 4] = ["handed", "cancelled", "put_back", "released"];

/// The state of one reservation from its two logs. Total: every event has a meaning in every state.
pub fn fold(db: &MemLedger, key: &AggregateKey) -> Goods {
    let (hq, store) = (db.events(key, Side::Hq), db.events(key, Side::Store));
    let mut g = Goods { state: "received", ..Goods::default() };
    for e in &hq {
        g.paid |= e.kind == "placed" && e.body.as_deref() == Some("prepaid") || e.kind == "paid";
        if matches!(e.kind.as_str(), "cancel" | "amend" | "extend" | "move") {
            g.wishes.push((e.kind.clone(), e.id, e.n));
        }
    }
    for e in store {
        step(&mut g, e);
    }
    g
}

fn step(g: &mut Goods, e: &Ev) {
    let answer = e.body.clone().unwrap_or_default();
    match (e.kind.as_str(), g.state) {
        ("picked", "received") => (g.state, g.picked_seen) = ("picking", Some(e.seen)),
        ("staged", "received" | "picking" | "staged" | "ready") => {
            g.state = if g.state == "ready" { "ready" } else { "staged" };
            if e.body != g.shelf {
                (g.shelf, g.round) = (e.body.clone(), g.round + 1);
            }
        }
        ("ready", "staged") => moved(g, "ready", e.id),
        ("handed", "handed") => g.double += 1,
        ("handed", before) => {
            g.prev = before;
            moved(g, "handed", e.id);
        }
        ("undone", "handed") => {
            g.state = g.prev;
            g.moves.push(("undone".into(), e.id));
        }
        ("refused", "ready") => {
            moved(g, "refused", e.id);
            g.expired_seen = e.seen;
        }
        ("expired", "ready") => {
            moved(g, "expired", e.id);
            g.expired_seen = e.seen;
        }
        ("extended", state) => {
            g.answers.insert(answer, "extended".into());
            g.state = if state == "expired" { "ready" } else { state };
        }
        (kind @ ("cancelled" | "released"), state) => {
            g.answers.insert(answer, kind.into());
            if !ENDED.contains(&state) {
                moved(g, if kind == "cancelled" { "cancelled" } else { "released" }, e.id);
            }
        }
        (kind @ ("cancel_rejected" | "amendment_rejected"), _) => {
            g.answers.insert(answer, kind.into());
        }
        ("put_back", "cancelled" | "expired" | "refused") => g.state = "put_back",
        ("paid", _) => g.paid = true,
        _ => {}
    }
}

fn moved(g: &mut Goods, to: &'static str, by: EventId) {
    g.state = to;
    g.moves.push((to.into(), by));
}

/// The next act that the store owes to HQ's standing wishes.
pub fn consequence(db: &MemLedger, key: &AggregateKey) -> Option<(&'static str, EventId)> {
    let g = fold(db, key);
    g.wishes.iter().find_map(|(wish, id, n)| {
        let had = g.answers.get(&id.to_string()).map(String::as_str);
        let act = match wish.as_str() {
            "cancel" if had != Some("cancelled") && g.state != "handed" => "cancelled",
            "cancel" if had.is_none() => "cancel_rejected",
            "amend" if had.is_none() && g.picked_seen.is_some_and(|seen| seen < *n) => "amendment_rejected",
            "extend" if had.is_none() && g.state == "expired" && g.expired_seen < *n => "extended",
            "move" if had.is_none() && !ENDED.contains(&g.state) => "released",
            _ => return None,
        };
        Some((act, *id))
    })
}

/// The state of one message; `sent` is final.
pub fn message_state(events: &[&Ev]) -> Option<String> {
    let sent = events.iter().find(|e| e.kind == "sent");
    sent.or(events.last()).map(|e| e.kind.clone())
}

/// The key of the READY message of a reservation and round.
pub fn ready_message(reservation: &AggregateKey, round: u32) -> AggregateKey {
    AggregateKey::new("message", format!("{}|READY|{round}", reservation.id))
}

/// The reservation that a message is about.
pub fn reservation_of(message: &AggregateKey) -> AggregateKey {
    AggregateKey::new("reservation", message.id.split('|').next().unwrap_or_default())
}
