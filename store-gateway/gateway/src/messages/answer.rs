//! What a customer's words do: JESTEM marks every open order of that number as arrived, STATUS is answered, and
//! everything that is not certain goes to a person. Sender numbers can be forged, so nothing here gives anything away
//! but to the number that the order has, and nothing ends an order.

use rusqlite::{Connection, params};
use shop_model::config::Feature;
use shop_model::decide::{Command, Role};
use shop_model::event::{Actor, Via};
use shop_model::ids::{PersonRef, ReservationId};
use shop_model::language::Language;
use shop_model::message::Purpose;
use shop_model::phone::Phone;
use shop_model::reply::Reply;
use shop_model::template::TemplateKey;

use super::compose::{Fold, ORDER_COLUMNS, OrderRow, Written, parts, timestamp, write};
use super::inbound::customer;
use super::row::{Draft, Start, insert, word};
use crate::app::ShopError;
use crate::desk::{Desk, Who};

/// Automatic answers to one number in a day. Two machines that answer each other stop here.
const ANSWERS_A_DAY: i64 = 3;
/// Orders that an answer to STATUS names.
const STATUS_ORDERS: usize = 3;
/// Orders of one number that JESTEM marks; nobody carries more.
const OPEN_ORDERS: i64 = 50;
/// An answer that could not go out for this long is not worth sending.
const ANSWER_VALID_MS: i64 = 30 * 60_000;

/// Who wrote, as far as the store knows.
#[derive(Default)]
pub(crate) struct Sender {
    /// The person; `None` for an unknown number.
    person: Option<PersonRef>,
    language: Language,
    phone: Option<Phone>,
    /// Open orders of that number: waiting ones first, then the newest.
    orders: Vec<OrderRow>,
}

impl Sender {
    /// The person; `None` for an unknown number.
    pub(crate) const fn person(&self) -> Option<PersonRef> {
        self.person
    }

    /// Their language, or the usual one.
    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    /// Their open orders, the likeliest first.
    pub(crate) fn orders(&self) -> impl Iterator<Item = ReservationId> {
        self.orders.iter().map(|order| order.id)
    }

    /// The order that they most likely mean.
    pub(crate) fn about(&self) -> Option<ReservationId> {
        self.orders.first().map(|order| order.id)
    }
}

/// Whether a text needs nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It was dealt with.
    Yes,
    /// A person must look.
    No,
}

/// Looks a number up. HQ may have made a person for each order; the one of the likeliest order is meant.
pub(crate) fn sender(db: &Connection, phone: &Phone) -> Result<Sender, ShopError> {
    let sql = format!(
        "SELECT {ORDER_COLUMNS} FROM reservation r JOIN person p ON p.person_ref = r.person_ref
         WHERE p.phone = ?1
           AND r.goods NOT IN ('handed_over', 'refused', 'cancelled', 'expired', 'put_back', 'released')
         ORDER BY r.goods NOT IN ('ready', 'handing_over', 'partial'), r.placed_ms DESC, r.id LIMIT ?2"
    );
    let orders: Vec<OrderRow> = {
        let mut rows = db.prepare_cached(&sql)?;
        let rows = rows.query_map(params![phone.e164(), OPEN_ORDERS], OrderRow::read)?;
        rows.collect::<Result<_, _>>()?
    };
    let mut known = db.prepare_cached(
        "SELECT p.person_ref, p.language FROM person p WHERE p.phone = ?1
         ORDER BY (SELECT max(r.placed_ms) FROM reservation r WHERE r.person_ref = p.person_ref) DESC NULLS LAST LIMIT 1",
    )?;
    let mut rows = known.query_map([phone.e164()], |row| {
        Ok((word(row, 0, |w| PersonRef::parse(w).ok())?, word(row, 1, Language::parse)?))
    })?;
    let known = rows.next().transpose()?;
    let (person, language) = match (orders.first(), known) {
        (Some(order), _) => (Some(order.person), order.language),
        (None, Some((person, language))) => (Some(person), language),
        (None, None) => (None, Language::default()),
    };
    Ok(Sender { person, language, phone: Some(phone.clone()), orders })
}

/// Does what the words say.
pub(super) fn act(desk: &mut Desk<'_, '_>, sender: &Sender, reply: &Reply) -> Result<Done, ShopError> {
    // A number that no order has changes nothing and is told nothing.
    let Some(person) = sender.person else { return Ok(Done::No) };
    match reply {
        Reply::Here => {
            let marked = mark_arrived(desk, sender, person)?;
            let answered = answer(desk, sender, person, here(desk, sender))?;
            // Somebody at the counter sees the arrival; without one the text would be lost.
            Ok(if marked { Done::Yes } else { answered })
        }
        Reply::Status => answer(desk, sender, person, status(desk, sender)),
        Reply::Help => answer(
            desk,
            sender,
            person,
            write(desk, TemplateKey::ReplyHelp, sender.language, None).map(|w| (TemplateKey::ReplyHelp, w)),
        ),
        Reply::Stop => answer(
            desk,
            sender,
            person,
            write(desk, TemplateKey::ReplyStop, sender.language, None).map(|w| (TemplateKey::ReplyStop, w)),
        ),
        // Understood, and for a person: what they ask for changes an order.
        Reply::Longer
        | Reply::GiveUp
        | Reply::Authorise(_)
        | Reply::Revoke
        | Reply::Choice(_)
        | Reply::Confirm(_)
        | Reply::Free => Ok(Done::No),
    }
}

/// True when an order is marked (now or already).
fn mark_arrived(desk: &mut Desk<'_, '_>, sender: &Sender, person: PersonRef) -> Result<bool, ShopError> {
    let who = Who { actor: customer(Some(person)), role: Role::Clerk, device: "sms".to_owned() };
    let mut marked = false;
    for order in &sender.orders {
        let arrive = Command::Arrive { via: Via::Sms, place: None };
        marked |= desk.command(order.id, &arrive, &who)?.is_ok();
    }
    Ok(marked)
}

fn here(desk: &Desk<'_, '_>, sender: &Sender) -> Option<(TemplateKey, Written)> {
    let order = sender.orders.first();
    let key = match order {
        Some(order) if is_waiting(order) => TemplateKey::ReplyHere,
        Some(_) => TemplateKey::ReplyHereNotReady,
        None => TemplateKey::ReplyNoOrder,
    };
    write(desk, key, sender.language, order).map(|written| (key, written))
}

fn is_waiting(order: &OrderRow) -> bool {
    matches!(order.goods.as_str(), "ready" | "handing_over" | "partial")
}

/// One line an order.
fn status(desk: &Desk<'_, '_>, sender: &Sender) -> Option<(TemplateKey, Written)> {
    if sender.orders.is_empty() {
        let written = write(desk, TemplateKey::ReplyNoOrder, sender.language, None);
        return written.map(|w| (TemplateKey::ReplyNoOrder, w));
    }
    let mut lines = Vec::new();
    let mut fold = Fold::AsWritten;
    for order in sender.orders.iter().take(STATUS_ORDERS) {
        let key = match is_waiting(order) {
            true => TemplateKey::ReplyStatusReady,
            false => TemplateKey::ReplyStatusNotReady,
        };
        let line = write(desk, key, sender.language, Some(order))?;
        if line.fold == Fold::Plain {
            fold = Fold::Plain;
        }
        lines.push(line.text);
    }
    let text = lines.join("\n");
    let parts = parts(&text, fold).ok()?;
    Some((TemplateKey::ReplyStatusReady, Written { text, fold, parts }))
}

/// Queues an answer, unless answers are switched off, this number had its share today, or there is nothing to say.
fn answer(
    desk: &mut Desk<'_, '_>,
    sender: &Sender,
    person: PersonRef,
    written: Option<(TemplateKey, Written)>,
) -> Result<Done, ShopError> {
    let Some((key, written)) = written else { return Ok(Done::No) };
    if !desk.bundle().has(Feature::AutoReplies) || had_share(desk, sender)? {
        return Ok(Done::No);
    }
    let draft = Draft {
        reservation: sender.about(),
        person,
        purpose: Purpose::Reply,
        round: 0,
        template: key.as_str().to_owned(),
        language: sender.language,
        text: written.text,
        fold: written.fold,
        parts: written.parts,
        valid_until_ms: desk.wall().unix_ms + ANSWER_VALID_MS,
    };
    insert(desk, draft, &Actor::system(), Start::Queued)?;
    Ok(Done::Yes)
}

fn had_share(desk: &Desk<'_, '_>, sender: &Sender) -> Result<bool, ShopError> {
    let Some(phone) = &sender.phone else { return Ok(true) };
    let midnight = timestamp(desk.wall().unix_ms)
        .to_zoned(desk.bundle().hours.zone())
        .start_of_day()
        .map_or(i64::MIN, |start| start.timestamp().as_millisecond());
    let count: i64 = desk
        .db()
        .prepare_cached(
            "SELECT count(*) FROM person p JOIN message m ON m.person_ref = p.person_ref
             WHERE p.phone = ?1 AND m.purpose = 'reply' AND m.created_ms >= ?2",
        )?
        .query_row(params![phone.e164(), midnight], |row| row.get(0))?;
    Ok(count >= ANSWERS_A_DAY)
}
