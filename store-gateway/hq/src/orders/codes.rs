//! Pickup codes at HQ: minted unique and at least two digits apart among a store's open orders, kept sealed for the
//! platform that placed the order and by keyed digest for the comparison. Destroyed when the order ends.

use rusqlite::{OptionalExtension as _, params};
use shop_model::code::{CODE_DIGITS, CodePool, PickupCode};
use shop_model::event::Placed;
use shop_model::ids::ReservationId;
use shop_model::reservation::Reservation;
use store_daemon::secrets::{self, Keys};

use super::refusal::Refusal;
use crate::desk::Desk;

/// Codes tried. At 10 000 open orders of one store one in two is free, so this never fails in a shop.
const TRIES: u32 = 500;

fn digest(keys: &Keys, store: &str, code: &str) -> Vec<u8> {
    keys.index(&format!("code:{store}"), code.as_bytes())
}

fn purpose(reservation: &str) -> String {
    format!("code:{reservation}")
}

/// Whether the code differs in at least two digits from every open order's of the store.
///
/// # Errors
/// The database's.
pub fn is_free(desk: &Desk<'_, '_>, store: &str, code: PickupCode) -> Result<bool, Refusal> {
    let keys = &desk.app().keys;
    let mut find = desk.db().prepare_cached("SELECT 1 FROM pickup_code WHERE store = ?1 AND digest = ?2")?;
    let mut taken = |text: &str| find.query_row(params![store, digest(keys, store, text)], |_| Ok(())).optional();
    if taken(code.reveal())?.is_some() {
        return Ok(false);
    }
    for place in 0..CODE_DIGITS {
        for digit in '0'..='9' {
            let near: String =
                code.reveal().chars().enumerate().map(|(at, c)| if at == place { digit } else { c }).collect();
            if near != code.reveal() && taken(&near)?.is_some() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Mints a free code.
///
/// # Errors
/// [`Refusal::CodesExhausted`], or the database's.
pub fn mint(desk: &Desk<'_, '_>, store: &str) -> Result<PickupCode, Refusal> {
    for _ in 0..TRIES {
        let code = CodePool::default().mint(secrets::seed).map_err(|_| Refusal::CodesExhausted)?;
        if is_free(desk, store, code)? {
            return Ok(code);
        }
    }
    Err(Refusal::CodesExhausted)
}

/// Keeps the code of an order while it is open, and destroys it afterwards.
///
/// # Errors
/// The database's.
pub fn keep(
    desk: &Desk<'_, '_>,
    store: &str,
    id: ReservationId,
    placed: &Placed,
    state: &Reservation,
) -> Result<(), Refusal> {
    let id = id.to_string();
    if state.goods.state.is_ended() {
        desk.db().prepare_cached("DELETE FROM pickup_code WHERE reservation = ?1")?.execute([&id])?;
        return Ok(());
    }
    let Some(code) = placed.code else { return Ok(()) };
    let known = desk.db().prepare_cached("SELECT 1 FROM pickup_code WHERE reservation = ?1")?.exists([&id])?;
    if !known {
        let keys = &desk.app().keys;
        let sealed = keys.seal(&purpose(&id), code.reveal().as_bytes());
        desk.db()
            .prepare_cached("INSERT INTO pickup_code(reservation, store, digest, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?
            .execute(params![id, store, digest(keys, store, code.reveal()), sealed])?;
    }
    Ok(())
}

/// The code of an open order.
///
/// # Errors
/// The database's.
pub fn of(desk: &Desk<'_, '_>, reservation: &str) -> Result<Option<PickupCode>, Refusal> {
    let mut find = desk.db().prepare_cached("SELECT sealed FROM pickup_code WHERE reservation = ?1")?;
    let sealed: Option<Vec<u8>> = find.query_row([reservation], |row| row.get(0)).optional()?;
    let opened = sealed.and_then(|sealed| desk.app().keys.open(&purpose(reservation), &sealed).ok());
    Ok(opened.and_then(|plain| PickupCode::parse(std::str::from_utf8(&plain).ok()?).ok()))
}
