//! Asking for paper, for pages and API alike: which document, at which till.

use std::time::Duration;

use axum::http::StatusCode;
use shop_model::document::Document;
use shop_model::ids::{OrderNumber, ReservationId, ShelfId};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;
use till_link::JobId;

use super::Web;
use super::api::unknown_order;
use super::view::problem_of;
use crate::app::ShopError;
use crate::desk::{self, Desk, Who};
use crate::tills::jobs::{self, Kind, NotPrinted, Order};
use crate::tills::table::{self, Till};
use crate::tills::{self, paper};

/// What is to be printed.
#[derive(Clone, Debug)]
pub enum About {
    /// An order's paper.
    Order(OrderNumber),
    /// A shelf's label.
    Shelf(ShelfId),
    /// The store's own: the poster, and the test page for so many columns.
    Store {
        /// Characters across.
        columns: u16,
    },
}

fn conflict(kind: &'static str, why: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, kind, why)
}

/// Nothing is joined to this screen that could print.
pub fn no_till() -> Problem {
    conflict("no-till", "no till with a printer is joined to this screen")
}

fn till_away() -> Problem {
    conflict("till-away", "the till is not connected")
}

/// The job is not in a state for this.
pub fn print_done() -> Problem {
    conflict("print-done", "the print job has ended, has begun, or is not known")
}

fn not_printed(why: NotPrinted) -> Problem {
    match why {
        NotPrinted::NoPrinter => no_till(),
        NotPrinted::Full => conflict("prints-full", "too many print jobs wait for this till"),
    }
}

/// A one-time code for one till, and for how long it is good.
///
/// # Errors
/// No tills are configured, or their port is taken.
pub fn enrol_code(web: &Web, who: &Who) -> Result<(String, Duration), Problem> {
    let off = || Problem::new(StatusCode::CONFLICT, "tills-off", "tills are not configured, or their port is taken");
    let valid = web.app.config.tills.ok_or_else(off)?.code_valid;
    let code = web.app.tills.issue_code(valid, &who.actor.id).ok_or_else(off)?;
    Ok((code.to_string(), valid))
}

/// Forgets a till; its connection ends. False when there is none.
///
/// # Errors
/// The database's.
pub async fn remove_till(web: &Web, till: i64, who: Who) -> Result<bool, Problem> {
    tills::change(&web.app, move |desk| table::remove(desk, till, &who)).await.map_err(|e| problem_of(&e))
}

/// The document itself, with the reservation that it is about.
///
/// # Errors
/// No such order, or nothing to print yet.
pub async fn document(web: &Web, kind: Kind, about: About) -> Result<(Document, Option<ReservationId>), Problem> {
    let store = web.app.config.store.clone();
    match about {
        About::Order(number) => {
            let made = web.app.read(move |db| {
                let Some(id) = desk::find(db, &number)? else { return Ok(None) };
                let state = desk::load(db, id)?;
                Ok(Some((paper::of_order(db, &store, id, &state, kind)?, id)))
            });
            let (made, id) = made.await.map_err(|e| problem_of(&e))?.ok_or_else(unknown_order)?;
            let document = made.ok_or_else(|| conflict("no-paper", "there is nothing to print for this order yet"))?;
            Ok((document, Some(id)))
        }
        About::Shelf(shelf) => Ok((paper::shelf(&shelf), None)),
        About::Store { columns } => match kind {
            Kind::DoorQr => {
                let why = "store.phone is not configured";
                paper::door(&store).map(|door| (door, None)).ok_or_else(|| conflict("no-phone", why))
            }
            Kind::Test => Ok((paper::test(&store, columns), None)),
            _ => Err(Problem::bad_request("document: is none of the store's own")),
        },
    }
}

/// The till for a screen: the one that was asked for, else the one that is joined to the screen, else the only one.
///
/// # Errors
/// None of these.
pub async fn till_for(web: &Web, asked: Option<i64>, counter: Option<&str>) -> Result<Till, Problem> {
    let counter = counter.map(str::to_owned);
    let found = web.app.read(move |db| {
        if let Some(id) = asked {
            return table::find(db, id);
        }
        let joined = counter.map(|counter| table::of_counter(db, &counter)).transpose()?.flatten();
        let mut all = table::all(db)?;
        Ok(joined.or_else(|| if all.len() == 1 { all.pop() } else { None }))
    });
    found.await.map_err(|e| problem_of(&e))?.ok_or_else(no_till)
}

/// Asks a till to print.
///
/// # Errors
/// No printer, too many jobs, or the database.
pub async fn print(web: &Web, till: Till, order: Order, who: Who) -> Result<JobId, Problem> {
    let added = web.app.work(Lane::Work, move |desk| jobs::add(desk, &till, &order, &who));
    added.await.map_err(|e| problem_of(&e))?.map_err(not_printed)
}

/// Opens a till's drawer, unless the till is away: a drawer that opens later opens in front of somebody else.
///
/// # Errors
/// No such till, no drawer, or no connection.
pub async fn open_drawer(web: &Web, till: i64, who: Who) -> Result<JobId, Problem> {
    if web.app.tills.online(till).is_none() {
        return Err(till_away());
    }
    let till = till_for(web, Some(till), None).await?;
    let order = Order { kind: Kind::Drawer, reservation: None, document: paper::drawer(), again_of: None };
    print(web, till, order, who).await
}

/// Asks for a job once more.
///
/// # Errors
/// No such job, one that has not ended, or too many jobs.
pub async fn again(web: &Web, id: String, who: Who) -> Result<JobId, Problem> {
    let added = web.app.work(Lane::Work, move |desk| jobs::again(desk, &id, &who));
    added.await.map_err(|e| problem_of(&e))?.ok_or_else(print_done)?.map_err(not_printed)
}

/// The slip of a hand-over, in the same transaction: printed where the store wants it and the screen has a till that can.
///
/// # Errors
/// The database's.
pub fn slip_of_hand_over(
    desk: &mut Desk<'_, '_>,
    id: ReservationId,
    counter: Option<&str>,
    who: &Who,
) -> Result<(), ShopError> {
    if !desk.app().config.tills.is_some_and(|tills| tills.collection_slip) {
        return Ok(());
    }
    let Some(counter) = counter else { return Ok(()) };
    let Some(till) = table::of_counter(desk.db(), counter)? else { return Ok(()) };
    let state = desk.load(id)?;
    let store = desk.app().config.store.clone();
    let Some(document) = paper::of_order(desk.db(), &store, id, &state, Kind::CollectionSlip)? else { return Ok(()) };
    let order = Order { kind: Kind::CollectionSlip, reservation: Some(id), document, again_of: None };
    // A till without a printer, or with too long a queue, never keeps a customer from leaving.
    if let Err(why) = jobs::add(desk, &till, &order, who)? {
        tracing::warn!(till = till.id, ?why, "a collection slip is not printed");
    }
    Ok(())
}
