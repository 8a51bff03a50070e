//! What is derived from the logs: rows for lists and searches, alerts, and the answers that HQ itself owes when an order
//! was moved from one store to another. Runs inside the transaction in which a log changed.

use rusqlite::{OptionalExtension as _, params};
use shop_model::event::{HqFact, Placed};
use shop_model::ids::{MessageId, OrderNumber, ReservationId, StoreId};
use shop_model::message::{self, Purpose};
use shop_model::reservation::{self, MoveOutcome, Reservation};
use store_daemon::ledger::SqlLedger;
use store_sync::contract::body::CallEnded;
use store_sync::{AggregateKey, LedgerRead as _};

use crate::desk::{AlertAt, Desk};
use crate::facts::{self, Logs};
use crate::live::Live;
use crate::orders::refusal::Refusal;
use crate::orders::{codes, place};
use crate::words;

/// Aggregates that a rebuild reads at once.
const REBUILD_PAGE: usize = 256;

/// A log of this aggregate changed.
///
/// # Errors
/// The database's.
pub fn applied(desk: &mut Desk<'_, '_>, store: &str, key: &AggregateKey) -> Result<(), Refusal> {
    match key.kind.as_str() {
        "reservation" => match ReservationId::parse(&key.id) {
            Ok(id) => refresh(desk, store, id),
            Err(_) => Ok(()),
        },
        "message" => match MessageId::parse(&key.id) {
            Ok(id) => message_row(desk, store, id),
            Err(_) => Ok(()),
        },
        "call" => call_row(desk, store, key),
        "alert" => store_alert(desk, store, key),
        "case" => store_case(desk, store, key),
        "sync" => store_rejected(desk, store, key),
        _ => Ok(()),
    }
}

/// Makes every row of a store anew, as after HQ took the store's snapshot.
///
/// # Errors
/// The database's.
pub fn rebuild(desk: &mut Desk<'_, '_>, store: &str) -> Result<(), Refusal> {
    let mut after: Option<AggregateKey> = None;
    loop {
        let keys = SqlLedger::new(desk.db(), store).aggregates(after.as_ref(), REBUILD_PAGE)?;
        for key in &keys {
            applied(desk, store, key)?;
        }
        match keys.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Brings an order's row up to date.
///
/// # Errors
/// The database's.
pub fn refresh(desk: &mut Desk<'_, '_>, store: &str, id: ReservationId) -> Result<(), Refusal> {
    let logs = facts::reservation_logs(&SqlLedger::new(desk.db(), store), id)?;
    let state = reservation::fold(&logs.hq, &logs.store);
    let Some(placed) = placed(&logs) else {
        let at = AlertAt { store, key: &format!("stranger-{id}"), kind: "sync", reservation: None };
        return desk.alert_once(at, &format!("the store speaks of a reservation ({id}) that HQ never placed there"));
    };
    let placed = placed.clone();
    write_row(desk, store, id, &placed, &logs, &state)?;
    codes::keep(desk, store, id, &placed, &state)?;
    order_alerts(desk, store, id, &placed.order, &state)?;
    settle_moves(desk, store, id, &placed, &logs, &state)?;
    desk.tell(Live::Order(id.to_string()));
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

fn placed(logs: &Logs) -> Option<&Placed> {
    logs.hq.iter().find_map(|entry| match &entry.body {
        HqFact::Placed(placed) => Some(&**placed),
        _ => None,
    })
}

fn write_row(
    desk: &mut Desk<'_, '_>,
    store: &str,
    id: ReservationId,
    placed: &Placed,
    logs: &Logs,
    state: &Reservation,
) -> Result<(), Refusal> {
    place::put_person(desk, placed)?;
    let moved_to = logs.hq.iter().rev().find_map(|entry| match &entry.body {
        HqFact::Moved { to_store } => Some(to_store.as_str()),
        _ => None,
    });
    let revisions = logs.hq.iter().filter(|entry| matches!(entry.body, HqFact::Amended { .. })).count();
    let pieces: u32 = state.goods.lines.iter().map(|line| line.line.quantity).sum();
    let updated = logs.hq.iter().map(|e| e.at.unix_ms).chain(logs.store.iter().map(|e| e.at.unix_ms)).max();
    let fingerprint = place::fingerprint(&desk.app().keys, store, placed);
    let mut upsert = desk.db().prepare_cached(
        "INSERT INTO reservation(id, store, number, kind, contract, person, currency, fingerprint, placed_at, promised_at,
            revision, moved_to, moved_from, goods, money, wish, presence, total, due, pieces, hold_until, open, version,
            updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
            ?23, ?24)
         ON CONFLICT (id) DO UPDATE SET revision = ?11, moved_to = ?12, goods = ?14, money = ?15, wish = ?16,
            presence = ?17, total = ?18, due = ?19, pieces = ?20, hold_until = ?21, open = ?22, version = ?23,
            updated_at = ?24",
    )?;
    upsert.execute(params![
        id.to_string(),
        store,
        placed.order.as_str(),
        placed.kind.as_str(),
        placed.contract.as_str(),
        placed.person.to_string(),
        placed.currency.as_str(),
        fingerprint,
        state.placed_at.map_or(0, |at| at.unix_ms),
        placed.promised_at.map(jiff::Timestamp::as_millisecond),
        i64::try_from(revisions).unwrap_or(i64::MAX),
        moved_to,
        placed.from_store.as_ref().map(StoreId::as_str),
        state.goods.state.as_str(),
        state.money.state.as_str(),
        state.wish_word(),
        state.presence.as_str(),
        state.money.total.0,
        state.money.due.0,
        pieces,
        state.goods.hold_until.map(jiff::Timestamp::as_millisecond),
        i64::from(!state.goods.state.is_ended()),
        i64::try_from(state.version).unwrap_or(i64::MAX),
        updated.unwrap_or_default(),
    ])?;
    Ok(())
}

/// What a person must look at: each fact raises one alert, once.
fn order_alerts(
    desk: &mut Desk<'_, '_>,
    store: &str,
    id: ReservationId,
    order: &OrderNumber,
    state: &Reservation,
) -> Result<(), Refusal> {
    let reservation = id.to_string();
    for why in state.why.iter().filter(|why| why.what.is_alert()) {
        let key = format!("{}-{}", why.what.key(), why.event);
        let at = AlertAt { store, key: &key, kind: "order", reservation: Some(&reservation) };
        desk.alert_once(at, &format!("{order}: {}", words::explanation(&why.what)))?;
    }
    Ok(())
}

/// A move has two ends: what one store did is told to the other by HQ, which alone sees both.
fn settle_moves(
    desk: &mut Desk<'_, '_>,
    store: &str,
    id: ReservationId,
    placed: &Placed,
    logs: &Logs,
    state: &Reservation,
) -> Result<(), Refusal> {
    if let Some(from) = &placed.from_store {
        let source = ReservationId::derive(&desk.app().config.hq.chain, from, &placed.order);
        let source_logs = facts::reservation_logs(&SqlLedger::new(desk.db(), from.as_str()), source)?;
        let source_state = reservation::fold(&source_logs.hq, &source_logs.store);
        settle(desk, (from, &source_state), (store, id, state), &placed.order)?;
    }
    let target = logs.hq.iter().rev().find_map(|entry| match &entry.body {
        HqFact::Moved { to_store } => Some(to_store.clone()),
        _ => None,
    });
    if let Some(to) = target {
        let target = ReservationId::derive(&desk.app().config.hq.chain, &to, &placed.order);
        let target_logs = facts::reservation_logs(&SqlLedger::new(desk.db(), to.as_str()), target)?;
        let target_state = reservation::fold(&target_logs.hq, &target_logs.store);
        let from: StoreId = store.parse().map_err(|_| Refusal::Storage("a store's id is broken".into()))?;
        settle(desk, (&from, state), (to.as_str(), target, &target_state), &placed.order)?;
    }
    Ok(())
}

fn settle(
    desk: &mut Desk<'_, '_>,
    (from, source): (&StoreId, &Reservation),
    (to, id, target): (&str, ReservationId, &Reservation),
    order: &OrderNumber,
) -> Result<(), Refusal> {
    if target.order.is_none() {
        return Ok(()); // Its own `placed` comes in the same transaction.
    }
    let waits = target.awaits.as_ref() == Some(from);
    let reservation = id.to_string();
    let at = AlertAt { store: to, key: &format!("move-{id}"), kind: "order", reservation: Some(&reservation) };
    match reservation::move_outcome(source, target) {
        MoveOutcome::Released if waits => {
            let fact = HqFact::SourceReleased { from_store: from.clone(), reason: None };
            desk.append(to, facts::hq_event(id, &fact, "moves")?)?;
            refresh(desk, to, id)
        }
        MoveOutcome::SourceStands if !target.goods.state.is_ended() && target.wish_word() != "cancel" => {
            let reason = format!("handed over at {from} before the move reached it");
            let fact = HqFact::CancelRequested { by: "hq".into(), reason };
            desk.append(to, facts::hq_event(id, &fact, "moves")?)?;
            refresh(desk, to, id)
        }
        MoveOutcome::SourceEnded if waits => desk
            .alert_once(at, &format!("{order}: it ended at {from} in another way than by the move; decide for {to}")),
        MoveOutcome::BothHandedOver => {
            desk.alert_once(at, &format!("{order}: handed over at {from} and at {to}; both facts are kept"))
        }
        MoveOutcome::Released | MoveOutcome::SourceStands | MoveOutcome::SourceEnded | MoveOutcome::AwaitingRelease => {
            Ok(())
        }
    }
}

fn message_row(desk: &mut Desk<'_, '_>, store: &str, id: MessageId) -> Result<(), Refusal> {
    let log = facts::message_log(&SqlLedger::new(desk.db(), store), id)?;
    let Some(message) = message::fold(&log) else { return Ok(()) };
    let queued = log.iter().find_map(|entry| match &entry.body {
        shop_model::event::MessageFact::Queued { reservation, purpose, language, .. } => {
            Some((*reservation, *purpose, *language, entry.at.unix_ms))
        }
        _ => None,
    });
    // P1 may have lost its beginning at a bound; what follows alone can't be placed.
    let Some((reservation, purpose, language, queued_at)) = queued else { return Ok(()) };
    let updated = log.iter().map(|entry| entry.at.unix_ms).max().unwrap_or(queued_at);
    let reservation = reservation.map(|id| id.to_string());
    desk.db()
        .prepare_cached(
            "INSERT INTO message(id, store, reservation, purpose, language, state, parts, cause, queued_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET state = ?6, parts = ?7, cause = ?8, updated_at = ?10",
        )?
        .execute(params![
            id.to_string(),
            store,
            reservation,
            purpose.as_str(),
            language.as_str(),
            message.state.as_str(),
            message.parts,
            message.cause,
            queued_at,
            updated,
        ])?;
    if let Some(reservation) = reservation {
        if purpose == Purpose::Ready {
            told(desk, &reservation)?;
        }
        desk.tell(Live::Order(reservation));
    }
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

/// The newest READY message says whether the customer knows.
fn told(desk: &Desk<'_, '_>, reservation: &str) -> Result<(), Refusal> {
    desk.db()
        .prepare_cached(
            "UPDATE reservation SET told = (SELECT state FROM message WHERE reservation = ?1 AND purpose = ?2
                ORDER BY queued_at DESC LIMIT 1) WHERE id = ?1",
        )?
        .execute(params![reservation, Purpose::Ready.as_str()])?;
    Ok(())
}

fn store_alert(desk: &mut Desk<'_, '_>, store: &str, key: &AggregateKey) -> Result<(), Refusal> {
    let newest = facts::newest_of_store(&SqlLedger::new(desk.db(), store), key)?;
    let Some(event) = newest else { return Ok(()) };
    let body: serde_json::Value = serde_json::from_str(event.body.get()).unwrap_or_default();
    let text = |field: &str| body.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    let own = format!("store-{}", key.id);
    if event.kind == "alert.cleared" {
        return desk.clear_alert(store, &own, "store");
    }
    let mut words = text("alert").replace('_', " ");
    if !text("detail").is_empty() {
        words = format!("{words}: {}", text("detail"));
    }
    let stands = desk
        .db()
        .prepare_cached("SELECT 1 FROM alert WHERE store = ?1 AND key = ?2 AND raised_at >= ?3")?
        .query_row(params![store, own, event.at.unix_ms], |_| Ok(()))
        .optional()?;
    if stands.is_some() {
        return Ok(());
    }
    desk.alert(AlertAt { store, key: &own, kind: "store", reservation: None }, &words)
}

/// A call is one event; without it there is nothing to show.
fn call_row(desk: &mut Desk<'_, '_>, store: &str, key: &AggregateKey) -> Result<(), Refusal> {
    let newest = facts::newest_of_store(&SqlLedger::new(desk.db(), store), key)?;
    let Some(event) = newest.filter(|event| event.kind == "call.ended") else { return Ok(()) };
    let Ok(call) = serde_json::from_str::<CallEnded>(event.body.get()) else { return Ok(()) };
    let reservation = call.reservation.map(|id| id.to_string());
    let outcome = call.outcome.unwrap_or_else(|| if call.answered { "talked" } else { "missed" }.to_owned());
    desk.db()
        .prepare_cached(
            "INSERT INTO call(id, store, at, direction, answered, outcome, duration_s, reservation)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            key.id,
            store,
            event.at.unix_ms,
            call.direction,
            call.answered,
            outcome,
            call.duration_s,
            reservation
        ])?;
    if let Some(reservation) = reservation {
        desk.tell(Live::Order(reservation));
    }
    desk.tell(Live::Store(store.to_owned()));
    Ok(())
}

fn store_case(desk: &mut Desk<'_, '_>, store: &str, key: &AggregateKey) -> Result<(), Refusal> {
    let newest = facts::newest_of_store(&SqlLedger::new(desk.db(), store), key)?;
    let Some(event) = newest else { return Ok(()) };
    let body: serde_json::Value = serde_json::from_str(event.body.get()).unwrap_or_default();
    let text = |field: &str| body.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    let own = format!("case-{}", key.id);
    if event.kind == "case.closed" {
        return desk.clear_alert(store, &own, "store");
    }
    let reservation = text("reservation").to_owned();
    let at = AlertAt { store, key: &own, kind: "case", reservation: Some(&reservation) };
    desk.alert_once(at, &format!("a case is open: {}", text("kind").replace('_', " ")))
}

/// The store could not apply an event of ours: a person must see it, for what it was about stands still there.
fn store_rejected(desk: &mut Desk<'_, '_>, store: &str, key: &AggregateKey) -> Result<(), Refusal> {
    let newest = facts::newest_of_store(&SqlLedger::new(desk.db(), store), key)?;
    let Some(event) = newest.filter(|event| event.kind == "sync.rejected") else { return Ok(()) };
    let body: serde_json::Value = serde_json::from_str(event.body.get()).unwrap_or_default();
    let text = |field: &str| body.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (kind, about) = (text("kind"), text("aggregate"));
    let reservation = (kind == "reservation").then_some(about);
    let at = AlertAt { store, key: &format!("rejected-{}", key.id), kind: "sync", reservation };
    desk.alert_once(at, &format!("the store could not apply an event about {kind} {about}: {}", text("why")))
}
