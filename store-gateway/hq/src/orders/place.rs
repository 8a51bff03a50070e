//! Placing an order: once, whatever way it came in and however often.

use rusqlite::{OptionalExtension as _, params};
use serde_json::json;
use shop_model::code::PickupCode;
use shop_model::event::{HqFact, Placed};
use shop_model::ids::{PersonRef, ReservationId, StoreId};
use store_daemon::secrets::{self, Keys};

use super::codes;
use super::form::NewOrder;
use super::refusal::Refusal;
use crate::config::UnknownStores;
use crate::desk::Desk;
use crate::facts;
use crate::project;

/// Whether an order is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Placed just now.
    Placed,
    /// It was there already, with this very body.
    Same,
}

/// A placed order.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Its id.
    pub reservation: ReservationId,
    /// Whether it is new.
    pub outcome: Outcome,
    /// Its code, while it is open.
    pub code: Option<PickupCode>,
}

/// Places an order at its store.
///
/// # Errors
/// [`Refusal`]; nothing is kept then.
pub fn place(desk: &mut Desk<'_, '_>, order: &NewOrder, actor: &str) -> Result<Placement, Refusal> {
    let store = order.store.as_str();
    let id = ReservationId::derive(&desk.app().config.hq.chain, &order.store, &order.order);
    if let Some(known) = fingerprint_of(desk, id)? {
        return repeat(desk, order, id, &known);
    }
    require_store(desk, &order.store)?;
    let code = match order.code {
        Some(code) if codes::is_free(desk, store, code)? => code,
        Some(_) => return Err(Refusal::CodeTaken),
        None => codes::mint(desk, store)?,
    };
    let person = PersonRef::from_bytes(*uuid::Builder::from_random_bytes(secrets::random()).as_uuid().as_bytes());
    let placed = Placed {
        order: order.order.clone(),
        kind: order.kind,
        contract: order.contract,
        lines: order.lines.clone(),
        currency: order.currency,
        total: order.total,
        due: order.due,
        promised_at: order.promised_at,
        code: Some(code),
        person,
        personal: Some(order.personal.clone()),
        from_store: None,
    };
    append_placed(desk, store, id, placed, actor)?;
    desk.app().counters.placed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Ok(Placement { reservation: id, outcome: Outcome::Placed, code: Some(code) })
}

/// Writes `placed` and all that hangs on it.
///
/// # Errors
/// The database's.
pub fn append_placed(
    desk: &mut Desk<'_, '_>,
    store: &str,
    id: ReservationId,
    placed: Placed,
    actor: &str,
) -> Result<(), Refusal> {
    desk.register(store, "order")?;
    let event = facts::hq_event(id, &HqFact::Placed(Box::new(placed)), actor)?;
    desk.append(store, event)?;
    project::refresh(desk, store, id)
}

/// Refuses a store that is not known, where the configuration wants that.
///
/// # Errors
/// [`Refusal::UnknownStore`].
pub fn require_store(desk: &Desk<'_, '_>, store: &StoreId) -> Result<(), Refusal> {
    if desk.app().config.hq.unknown_stores == UnknownStores::Accept {
        return Ok(());
    }
    let known = desk.db().prepare_cached("SELECT 1 FROM store WHERE id = ?1")?.exists([store.as_str()])?;
    if known { Ok(()) } else { Err(Refusal::UnknownStore { store: store.as_str().to_owned() }) }
}

fn fingerprint_of(desk: &Desk<'_, '_>, id: ReservationId) -> Result<Option<Vec<u8>>, Refusal> {
    let mut find = desk.db().prepare_cached("SELECT fingerprint FROM reservation WHERE id = ?1")?;
    Ok(find.query_row([id.to_string()], |row| row.get(0)).optional()?)
}

fn repeat(desk: &Desk<'_, '_>, order: &NewOrder, id: ReservationId, known: &[u8]) -> Result<Placement, Refusal> {
    let code = codes::of(desk, &id.to_string())?;
    let other_code = matches!((order.code, code), (Some(given), Some(kept)) if given != kept);
    if other_code || fingerprint_of_order(&desk.app().keys, order) != known {
        return Err(Refusal::Conflict);
    }
    Ok(Placement { reservation: id, outcome: Outcome::Same, code })
}

/// What makes two bodies of an order the same: a keyed hash over everything but the code, which is compared by itself.
pub fn fingerprint(keys: &Keys, store: &str, placed: &Placed) -> Vec<u8> {
    let lines: Vec<_> =
        placed.lines.iter().map(|l| json!([l.sku, l.ean, l.name, l.quantity, l.unit_price.0, l.age])).collect();
    let personal = placed
        .personal
        .as_ref()
        .map(|p| json!([p.name, p.phone.e164(), p.email, p.language.as_str(), p.channel.as_str()]));
    let body = json!([
        store,
        placed.order.as_str(),
        placed.kind.as_str(),
        placed.contract.as_str(),
        personal,
        lines,
        placed.currency.as_str(),
        placed.total.0,
        placed.due.0,
        placed.promised_at.map(jiff::Timestamp::as_millisecond),
    ]);
    keys.index("order", body.to_string().as_bytes())
}

fn fingerprint_of_order(keys: &Keys, order: &NewOrder) -> Vec<u8> {
    let placed = Placed {
        order: order.order.clone(),
        kind: order.kind,
        contract: order.contract,
        lines: order.lines.clone(),
        currency: order.currency,
        total: order.total,
        due: order.due,
        promised_at: order.promised_at,
        code: None,
        person: PersonRef::from_bytes([0; 16]),
        personal: Some(order.personal.clone()),
        from_store: None,
    };
    fingerprint(keys, order.store.as_str(), &placed)
}

/// Keeps the personal data of an order, under its reference alone.
///
/// # Errors
/// The database's.
pub fn put_person(desk: &Desk<'_, '_>, placed: &Placed) -> Result<(), Refusal> {
    let Some(personal) = &placed.personal else { return Ok(()) };
    desk.db()
        .prepare_cached(
            "INSERT INTO person(ref, name, phone, email, language, channel, search, last_three)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            placed.person.to_string(),
            personal.name,
            personal.phone.e164(),
            personal.email,
            personal.language.as_str(),
            personal.channel.as_str(),
            personal.search_key(),
            personal.phone.last_three(),
        ])?;
    Ok(())
}
