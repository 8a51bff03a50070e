//! Which document is made of what: a reservation's slips and labels, the poster, the test page.

use rusqlite::{Connection, OptionalExtension as _};
use shop_model::document::{self, Document, Part, Shop, Slip};
use shop_model::ids::{ReservationId, ShelfId};
use shop_model::language::Language;
use shop_model::reservation::Reservation;

use super::jobs::Kind;
use crate::app::ShopError;
use crate::config::Store;

/// What is sent by the customer who scans the poster.
const HERE: &str = "JESTEM";

/// What a reservation can be printed as, in the order of its life.
pub const OF_AN_ORDER: [Kind; 3] = [Kind::PickSlip, Kind::BagLabel, Kind::CollectionSlip];

/// Initials and language of a reservation's person.
struct Whose {
    initials: String,
    language: Language,
}

fn whose(db: &Connection, id: ReservationId, store: &Store) -> Result<Whose, ShopError> {
    let found = db
        .prepare_cached(
            "SELECT p.initials, p.language FROM reservation r JOIN person p ON p.person_ref = r.person_ref WHERE r.id = ?1",
        )?
        .query_row([id.to_string()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let (initials, language) = found.unwrap_or_default();
    Ok(Whose { initials, language: Language::parse(&language).unwrap_or(store.language) })
}

/// A reservation's document. `None` where it has nothing to say yet: no bags, nothing to pick, nothing handed over.
///
/// # Errors
/// The database's.
pub fn of_order(
    db: &Connection,
    store: &Store,
    id: ReservationId,
    reservation: &Reservation,
    kind: Kind,
) -> Result<Option<Document>, ShopError> {
    let whose = whose(db, id, store)?;
    let shop = |language| Shop { name: &store.name, zone: &store.timezone, language };
    Ok(match kind {
        Kind::BagLabel => bag_labels(reservation, &whose.initials),
        // What staff read is in the store's language, what the customer reads in the customer's.
        Kind::PickSlip => Slip::to_pick(reservation, &whose.initials, &shop(store.language))
            .filter(|_| reservation.goods.lines.iter().any(|line| line.open() > 0))
            .map(|slip| document::pick_slip(&slip)),
        Kind::CollectionSlip => reservation.goods.hand_overs.last().and_then(|last| {
            let slip = Slip::collected(reservation, last, &whose.initials, &shop(whose.language))?;
            Some(document::collection_slip(&slip))
        }),
        Kind::ShelfLabel | Kind::DoorQr | Kind::Test | Kind::Drawer => None,
    })
}

fn bag_labels(reservation: &Reservation, initials: &str) -> Option<Document> {
    let order = reservation.order.as_ref()?;
    let labels = reservation.goods.bags.iter().map(|bag| document::bag_label(order, bag, initials));
    let parts: Vec<Part> = labels.flat_map(|label| label.parts).collect();
    (!parts.is_empty()).then_some(Document { parts })
}

/// The poster for the door; `None` while the store's number is not configured.
pub fn door(store: &Store) -> Option<Document> {
    let phone = store.phone.as_ref()?;
    let text = document::door_text(phone.e164(), store.language);
    let code = format!("SMSTO:{}:{HERE}", phone.e164());
    Some(document::door_qr(&store.name, &text, &code, store.language))
}

/// A shelf's label.
pub fn shelf(shelf: &ShelfId) -> Document {
    document::shelf_label(shelf)
}

/// What proves that a printer can print what we print.
pub fn test(store: &Store, columns: u16) -> Document {
    document::test_page(store.language, columns)
}

/// Nothing but the drawer.
pub fn drawer() -> Document {
    Document::default().with(Part::Drawer)
}
