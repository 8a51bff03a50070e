//! What the desk says to a call: whose number it is, how their orders stand, and whose code six digits are.

use jiff::Timestamp;
use jiff::civil::DateTime;
use shop_model::code::PickupCode;
use shop_model::ids::ReservationId;
use shop_model::money::Money;
use shop_model::phone::Phone;
use shop_model::reservation::Reservation;
use store_voice::call::Found;
use store_voice::say::{MOST_ORDERS, Stage, Status};

use super::record::Party;
use crate::app::{App, ShopError};
use crate::desk::{self, Desk};
use crate::messages;

/// What is known of a caller.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// For the record.
    pub party: Party,
    /// For the call.
    pub found: Found,
    /// Orders that a missed call marks as arrived.
    pub ready: Vec<ReservationId>,
}

/// The customer of a number and their open orders. A number that can't be read is nobody's.
///
/// # Errors
/// The database's.
pub(super) async fn caller(app: &App, number: String) -> Result<Known, ShopError> {
    let Ok(phone) = Phone::parse(&number) else {
        return Ok(Known { party: Party { number, ..Party::default() }, ..Known::default() });
    };
    let zone = app.bundle().hours.zone().clone();
    app.read(move |db| {
        let sender = messages::sender(db, &phone)?;
        let mut known = Known {
            party: Party { number: phone.e164().to_owned(), person: sender.person(), reservation: sender.about() },
            found: Found {
                language: sender.person().map(|_| sender.language()),
                total: sender.orders().count(),
                ..Found::default()
            },
            ready: Vec::new(),
        };
        for (at, id) in sender.orders().enumerate() {
            let state = desk::load(db, id)?;
            if Stage::of(state.goods.state, None, None).is_ready() {
                known.found.ready = true;
                known.ready.push(id);
            }
            if at < MOST_ORDERS {
                known.found.orders.extend(status(&state, &zone));
            }
        }
        Ok(known)
    })
    .await
}

/// The open order of a code.
///
/// # Errors
/// The database's.
pub(super) fn of_code(desk: &Desk<'_, '_>, code: &PickupCode) -> Result<Option<(ReservationId, Status)>, ShopError> {
    let Some(id) = desk.order_of_code(code)? else { return Ok(None) };
    let zone = desk.bundle().hours.zone().clone();
    Ok(status(&desk.load(id)?, &zone).map(|status| (id, status)))
}

fn status(state: &Reservation, zone: &jiff::tz::TimeZone) -> Option<Status> {
    let local = |at: Timestamp| -> DateTime { at.to_zoned(zone.clone()).datetime() };
    let due = Money { amount: state.money.due, currency: state.money.currency };
    Some(Status {
        order: state.order.clone()?,
        stage: Stage::of(state.goods.state, state.promised_at.map(local), state.goods.hold_until.map(local)),
        due: (due.amount.0 > 0).then_some(due),
    })
}
