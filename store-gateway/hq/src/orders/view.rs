//! One order with everything known about it: for `GET orders/{order}` and for its page.

use rusqlite::Connection;
use schemars::JsonSchema;
use serde::Serialize;
use shop_model::event::{Because, Entry, HqFact};
use shop_model::ids::{ChainId, OrderNumber, ReservationId, StoreId};
use shop_model::reservation::{self, Answer, Reservation, Wish};
use store_daemon::ledger::SqlLedger;

use super::query::{self, OrderRow};
use super::refusal::Refusal;
use crate::facts::{self, Logs};
use crate::words;

/// An order as REST shows it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// The store.
    pub store: String,
    /// The shop's number.
    pub order: String,
    /// The aggregate's id.
    pub reservation: String,
    /// `prepaid` …
    pub kind: String,
    /// `distance` or `in_store`.
    pub contract: String,
    /// The goods' state.
    pub goods: String,
    /// The money's.
    pub money: String,
    /// Where the customer is.
    pub presence: String,
    /// What HQ asked and the store has not answered: `none`, `cancel`, `amend`, `extend`, `move`.
    pub wish: String,
    /// ISO 4217.
    pub currency: String,
    /// What it costs.
    pub total: i64,
    /// What is still to be paid at the store.
    pub due: i64,
    /// What was paid.
    pub paid: i64,
    /// What goes back.
    pub refund_due: i64,
    /// Fiscal receipt.
    pub receipt: Option<String>,
    /// RFC 3339.
    pub placed_at: Option<String>,
    /// RFC 3339.
    pub promised_at: Option<String>,
    /// RFC 3339.
    pub hold_until: Option<String>,
    /// The store that must let go of the goods first.
    pub awaits: Option<String>,
    /// Where HQ moved it.
    pub moved_to: Option<String>,
    /// Initials and last three digits.
    pub customer: String,
    /// The lines in force.
    pub lines: Vec<LineView>,
    /// Bags on shelves.
    pub bags: Vec<BagView>,
    /// Every wish of HQ with its answer.
    pub wishes: Vec<WishView>,
    /// Text messages to the customer.
    pub messages: Vec<MessageView>,
    /// Why it stands as it does.
    pub why: Vec<WhyView>,
    /// All that happened, oldest first.
    pub timeline: Vec<EventView>,
    /// Facts in both logs; the ETag.
    pub version: u64,
}

/// A line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineView {
    /// From 1.
    pub line: u32,
    /// Article.
    pub sku: String,
    /// EAN.
    pub ean: Option<String>,
    /// Product.
    pub name: String,
    /// Pieces ordered.
    pub quantity: u32,
    /// Minor units.
    pub unit_price: i64,
    /// Least age.
    pub age: Option<u8>,
    /// Pieces missing.
    pub short: u32,
    /// Pieces that left.
    pub handed_over: u32,
    /// Pieces refused.
    pub refused: u32,
    /// Pieces back in stock.
    pub put_back: u32,
}

impl LineView {
    /// What the ordered pieces cost, in minor units.
    pub fn sum(&self) -> i64 {
        self.unit_price.saturating_mul(i64::from(self.quantity))
    }
}

/// A bag.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BagView {
    /// Its name.
    pub bag: String,
    /// Where it is.
    pub shelf: String,
}

/// A wish with its answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WishView {
    /// `cancel`, `amend`, `extend`, `move`.
    pub kind: String,
    /// RFC 3339.
    pub at: String,
    /// `pending`, `granted`, `granted_for_the_rest`, `rejected`.
    pub answer: String,
    /// Why not.
    pub because: Option<String>,
}

/// A message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Its language.
    pub language: String,
    /// Its state.
    pub state: String,
    /// SMS parts.
    pub parts: u32,
    /// Cause of a failure.
    pub cause: Option<String>,
    /// RFC 3339.
    pub queued_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// A reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WhyView {
    /// Its name.
    pub key: String,
    /// In words.
    pub text: String,
    /// RFC 3339.
    pub at: String,
    /// A person must look.
    pub alert: bool,
}

/// A line of the timeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventView {
    /// RFC 3339.
    pub at: String,
    /// How good the clock was.
    pub quality: String,
    /// `hq` or `store`.
    pub by: String,
    /// Kind and id of the actor.
    pub actor: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    pub text: String,
}

/// RFC 3339 in UTC.
pub fn rfc3339(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

/// An order by store and number.
///
/// # Errors
/// [`Refusal::UnknownOrder`], or the database's.
pub fn order(db: &Connection, chain: &ChainId, store: &StoreId, number: &OrderNumber) -> Result<OrderView, Refusal> {
    let row = query::one(db, store.as_str(), number.as_str())?.ok_or(Refusal::UnknownOrder)?;
    let id = ReservationId::derive(chain, store, number);
    let logs = facts::reservation_logs(&SqlLedger::new(db, store.as_str()), id)?;
    let state = reservation::fold(&logs.hq, &logs.store);
    let messages = messages(db, &row.id)?;
    Ok(view(row, &logs, &state, messages))
}

fn view(row: OrderRow, logs: &Logs, state: &Reservation, messages: Vec<MessageView>) -> OrderView {
    let moved_to = logs.hq.iter().rev().find_map(|entry| match &entry.body {
        HqFact::Moved { to_store } => Some(to_store.as_str().to_owned()),
        _ => None,
    });
    OrderView {
        store: row.store,
        order: row.order,
        reservation: row.id,
        kind: row.kind,
        contract: state.contract.as_str().to_owned(),
        goods: state.goods.state.as_str().to_owned(),
        money: state.money.state.as_str().to_owned(),
        presence: state.presence.as_str().to_owned(),
        wish: state.wish_word().to_owned(),
        currency: row.currency,
        total: state.money.total.0,
        due: state.money.due.0,
        paid: state.money.paid.0,
        refund_due: state.money.refund_due.0,
        receipt: state.money.receipt.clone(),
        placed_at: state.placed_at.map(|at| rfc3339(at.unix_ms)),
        promised_at: state.promised_at.map(|at| rfc3339(at.as_millisecond())),
        hold_until: state.goods.hold_until.map(|at| rfc3339(at.as_millisecond())),
        awaits: state.awaits.as_ref().map(|store| store.as_str().to_owned()),
        moved_to,
        customer: row.customer,
        lines: lines(state),
        bags: state
            .goods
            .bags
            .iter()
            .map(|bag| BagView { bag: bag.bag.as_str().to_owned(), shelf: bag.shelf.as_str().to_owned() })
            .collect(),
        wishes: state.wishes.iter().map(wish).collect(),
        messages,
        why: state
            .why
            .iter()
            .map(|why| WhyView {
                key: why.what.key().to_owned(),
                text: words::explanation(&why.what),
                at: rfc3339(why.at.unix_ms),
                alert: why.what.is_alert(),
            })
            .collect(),
        timeline: timeline(logs),
        version: state.version,
    }
}

fn lines(state: &Reservation) -> Vec<LineView> {
    let line = |goods: &reservation::LineGoods| LineView {
        line: goods.line.line,
        sku: goods.line.sku.clone(),
        ean: goods.line.ean.clone(),
        name: goods.line.name.clone(),
        quantity: goods.line.quantity,
        unit_price: goods.line.unit_price.0,
        age: goods.line.age,
        short: goods.short,
        handed_over: goods.handed_over,
        refused: goods.refused,
        put_back: goods.put_back,
    };
    state.goods.lines.iter().map(line).collect()
}

fn wish(wish: &Wish) -> WishView {
    let (answer, because): (_, Option<Because>) = match wish.answer {
        Answer::Pending => ("pending", None),
        Answer::Granted => ("granted", None),
        Answer::GrantedForTheRest => ("granted_for_the_rest", None),
        Answer::Rejected(because) => ("rejected", Some(because)),
    };
    WishView {
        kind: wish.kind.as_str().to_owned(),
        at: rfc3339(wish.at.unix_ms),
        answer: answer.to_owned(),
        because: because.map(|because| words::because(because).to_owned()),
    }
}

/// One line for both logs: each in its own order, an author's fact behind all that it had seen, else by the clocks.
fn timeline(logs: &Logs) -> Vec<EventView> {
    let (mut hq, mut store) = (logs.hq.iter().peekable(), logs.store.iter().peekable());
    let mut events = Vec::with_capacity(logs.hq.len() + logs.store.len());
    loop {
        let store_first = match (hq.peek(), store.peek()) {
            (None, None) => return events,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(h), Some(s)) if s.seen >= h.n => false,
            (Some(h), Some(s)) if h.seen >= s.n => true,
            (Some(h), Some(s)) => s.at.unix_ms < h.at.unix_ms,
        };
        if store_first {
            events.extend(store.next().map(|entry| event(entry, "store", &facts::store_type(&entry.body))));
        } else {
            events.extend(hq.next().map(|entry| event(entry, "hq", &facts::hq_type(&entry.body))));
        }
    }
}

fn event<F>(entry: &Entry<F>, by: &str, kind: &str) -> EventView {
    let actor = &entry.actor;
    let actor = if actor.id.is_empty() || actor.kind.as_str() == "customer" {
        actor.kind.as_str().to_owned()
    } else {
        format!("{} {}", actor.kind.as_str(), actor.id)
    };
    EventView {
        at: rfc3339(entry.at.unix_ms),
        quality: entry.at.quality.as_str().to_owned(),
        by: by.to_owned(),
        actor,
        kind: kind.to_owned(),
        text: words::event(kind),
    }
}

fn messages(db: &Connection, reservation: &str) -> Result<Vec<MessageView>, Refusal> {
    let mut find = db.prepare_cached(
        "SELECT id, purpose, language, state, parts, cause, queued_at, updated_at FROM message
         WHERE reservation = ?1 ORDER BY queued_at, id LIMIT 200",
    )?;
    let rows = find.query_map([reservation], |row| {
        Ok(MessageView {
            id: row.get(0)?,
            purpose: row.get(1)?,
            language: row.get(2)?,
            state: row.get(3)?,
            parts: row.get(4)?,
            cause: row.get(5)?,
            queued_at: rfc3339(row.get(6)?),
            updated_at: rfc3339(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
