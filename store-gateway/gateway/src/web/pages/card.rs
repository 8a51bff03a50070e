//! The open order in the middle, its conversation at the right.

use axum::extract::{Path, Query};
use axum::response::{Html, IntoResponse as _, Response};
use rusqlite::{Connection, OptionalExtension as _, Row};
use shop_model::decide::Role;
use shop_model::event::MoneyState;
use shop_model::ids::{OrderNumber, ReservationId};
use shop_model::reservation::{GoodsState, LineGoods, Presence as Present, Reservation, WishKind};
use store_daemon::ledger::SqlLedger;
use store_sync::Side as Author;

use super::board::{Open, frame};
use super::open::OpenOrder;
use super::{Look, Refused, calls as calls_page, devices, finish, show, words};
use crate::app::{SCOPE, ShopError};
use crate::calls::{self, CallRow};
use crate::config::BagScan;
use crate::screens::view::{
    Bag, BagCheck, Card, CodeCheck, Flag, Frozen, HistoryItem, Line, LineMark, MoneyView, Person, Presence, Primary,
    Side, Text, Thread, ThreadItem, Who, Why, Work,
};
use crate::screens::words::{ActionWord, MessageWord};
use crate::screens::{self, Money};
use crate::web::api::unknown_order;
use crate::{desk, facts};

/// Messages of one conversation that are shown.
const THREAD_SHOWN: u32 = 60;
/// Texts that need a person, as the right column shows them.
const TEXTS_SHOWN: u32 = 20;
/// Characters of a reply that a pill under the lines shows.
const REPLY_CHARS: usize = 24;

/// Everything about an order that its screens need, read in one transaction.
pub struct Read {
    pub id: ReservationId,
    pub state: Reservation,
    pub who: Who,
    pub unverified: bool,
    pub history: Vec<(String, i64, String, String)>,
    thread: Vec<Said>,
    has_phone: bool,
}

struct Said {
    incoming: bool,
    purpose: String,
    text: String,
    at_ms: i64,
    state: Option<(MessageWord, i64)>,
    cause: Option<String>,
    call: Option<CallRow>,
}

/// Reads an order by its number.
pub async fn read(look: &Look, number: &str) -> Result<Read, Refused> {
    let number = OrderNumber::parse(number).map_err(|_| unknown_order())?;
    let found = look.web.app.read(move |db| {
        let Some(id) = desk::find(db, &number)? else { return Ok(None) };
        read_by_id(db, id).map(Some)
    });
    found.await?.ok_or_else(|| unknown_order().into())
}

fn read_by_id(db: &Connection, id: ReservationId) -> Result<Read, ShopError> {
    let state = desk::load(db, id)?;
    let person = state.person.map(|p| p.to_string()).unwrap_or_default();
    let who = db
        .prepare_cached("SELECT initials, last3 FROM person WHERE person_ref = ?1")?
        .query_row([&person], |row| Ok(Who { initials: row.get(0)?, tail: row.get(1)? }))
        .optional()?;
    let unverified = db
        .prepare_cached("SELECT unverified FROM reservation WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))?;
    let ledger = SqlLedger::new(db, SCOPE);
    let key = facts::reservation_key(id);
    let mut history = Vec::new();
    for author in [Author::Hq, Author::Store] {
        for event in facts::events(&ledger, &key, author)? {
            history.push((event.kind, event.at.unix_ms, event.actor.kind, event.actor.id));
        }
    }
    history.sort_by_key(|(_, at, ..)| std::cmp::Reverse(*at));
    Ok(Read {
        has_phone: who.is_some(),
        who: who.unwrap_or(Who { initials: String::new(), tail: String::new() }),
        thread: thread(db, &person)?,
        id,
        state,
        unverified,
        history,
    })
}

fn said_out(row: &Row<'_>) -> rusqlite::Result<Said> {
    let (state, changed): (String, i64) = (row.get(3)?, row.get(4)?);
    Ok(Said {
        incoming: false,
        purpose: row.get(0)?,
        text: shop_model::template::masked(&row.get::<_, String>(1)?),
        at_ms: row.get(2)?,
        state: words::message_text(&state).map(|word| (word, changed)),
        cause: row.get(5)?,
        call: None,
    })
}

fn said_in(row: &Row<'_>) -> rusqlite::Result<Said> {
    Ok(Said {
        incoming: true,
        purpose: String::new(),
        text: row.get(0)?,
        at_ms: row.get(1)?,
        state: None,
        cause: None,
        call: None,
    })
}

fn said_by_phone(call: CallRow) -> Said {
    Said {
        incoming: call.direction == "in",
        purpose: String::new(),
        text: String::new(),
        at_ms: call.began_ms,
        state: None,
        cause: None,
        call: Some(call),
    }
}

fn thread(db: &Connection, person: &str) -> Result<Vec<Said>, ShopError> {
    if person.is_empty() {
        return Ok(Vec::new());
    }
    let mut all: Vec<Said> = db
        .prepare_cached(
            "SELECT purpose, text, created_ms, state, changed_ms, cause FROM message WHERE person_ref = ?1
             ORDER BY created_ms DESC LIMIT ?2",
        )?
        .query_map(rusqlite::params![person, THREAD_SHOWN], said_out)?
        .collect::<Result<_, _>>()?;
    let mut received =
        db.prepare_cached("SELECT text, at_ms FROM received WHERE person_ref = ?1 ORDER BY at_ms DESC LIMIT ?2")?;
    for said in received.query_map(rusqlite::params![person, THREAD_SHOWN], said_in)? {
        all.push(said?);
    }
    all.extend(calls::of_person(db, person, THREAD_SHOWN)?.into_iter().map(said_by_phone));
    all.sort_by_key(|said| said.at_ms);
    Ok(all)
}

/// Received texts that wait for a person.
pub async fn texts(look: &Look) -> Result<Vec<Text>, ShopError> {
    let rows = look.web.app.read(|db| {
        let mut rows = db.prepare_cached(
            "SELECT t.id, coalesce(p.initials, ''), coalesce(p.last3, ''), r.number, t.text, t.at_ms
             FROM received t LEFT JOIN person p ON p.person_ref = t.person_ref
             LEFT JOIN reservation r ON r.id = t.reservation
             WHERE t.done_by IS NULL ORDER BY t.at_ms LIMIT ?1",
        )?;
        type Row6 = (String, String, String, Option<String>, String, i64);
        let read = |row: &Row<'_>| -> rusqlite::Result<Row6> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        };
        Ok(rows.query_map([TEXTS_SHOWN], read)?.collect::<Result<Vec<Row6>, _>>()?)
    });
    let text = |(id, initials, tail, order, text, at): (String, String, String, Option<String>, String, i64)| Text {
        id,
        who: Who { initials, tail },
        order,
        text,
        at: look.moment(at),
    };
    Ok(rows.await?.into_iter().map(text).collect())
}

/// The right column beside an open order.
pub async fn side_of(look: &Look, read: &Read) -> Result<Side, ShopError> {
    let items = read.thread.iter().map(|said| ThreadItem {
        by: match said.purpose.as_str() {
            _ if said.incoming => Person::Customer,
            "staff" => Person::Staff,
            _ => Person::Automatic,
        },
        text: said.text.clone(),
        at: look.moment(said.at_ms),
        state: said.state.map(|(word, at)| (word, look.moment(at))),
        cause: said.cause.as_deref().map(words::cause),
        call: said.call.clone().map(|call| calls_page::call(look, call)),
    });
    let order = read.state.order.as_ref().map_or_else(String::new, ToString::to_string);
    let thread = Thread { order, items: items.collect(), may_reply: read.has_phone };
    Ok(Side { thread: Some(thread), texts: texts(look).await? })
}

fn line(look_money: &str, goods: &LineGoods, state: GoodsState, ticked: u32) -> Line {
    let line = &goods.line;
    let all = line.quantity;
    let mark = match () {
        () if goods.put_back > 0 && goods.open() == 0 && goods.handed_over == 0 => LineMark::PutBack,
        () if goods.refused > 0 && goods.open() == 0 => LineMark::Refused,
        () if goods.handed_over > 0 && goods.open() == 0 || state == GoodsState::HandedOver => LineMark::HandedOver,
        () if goods.short >= all => LineMark::Short,
        () if ticked > 0 => LineMark::Ticked(ticked.min(all)),
        () => LineMark::Open,
    };
    Line {
        name: line.name.clone(),
        code: line.ean.clone().unwrap_or_else(|| line.sku.clone()),
        quantity: all,
        unit_price: Some(Money::new(line.unit_price.0, look_money)),
        age: line.age,
        mark,
    }
}

/// The lines as staging shows them.
pub fn lines_of(read: &Read, open: &OpenOrder) -> Vec<Line> {
    let currency = read.state.money.currency.to_string();
    let ticked = |l: &LineGoods| open.ticked.get(&l.line.line).copied().unwrap_or(0);
    read.state.goods.lines.iter().map(|l| line(&currency, l, read.state.goods.state, ticked(l))).collect()
}

fn money_of(state: &Reservation) -> MoneyView {
    let money = &state.money;
    let amount = match money.state {
        MoneyState::Due | MoneyState::Authorised => money.due,
        MoneyState::RefundDue | MoneyState::Refunded => money.refund_due,
        MoneyState::NoneDue | MoneyState::PaidOnline | MoneyState::PaidStore => money.total,
    };
    let reason = state.goods.hand_overs.iter().rev().find_map(|h| h.overridden.as_ref()).map(|o| o.reason.clone());
    MoneyView {
        word: words::money(money.state),
        amount: Money::new(amount.0, &money.currency.to_string()),
        override_reason: reason,
    }
}

fn presence_of(look: &Look, presence: &Present) -> Presence {
    match presence {
        Present::Away => Presence::Away,
        Present::OnWay => Presence::OnWay,
        Present::Left => Presence::Left,
        Present::Arrived { since, via, place } => Presence::Arrived {
            since: look.moment(since.unix_ms),
            via: words::arrival(*via),
            place: place.clone(),
            attended_by: None,
        },
        Present::Attended { since: Some(since), by } => Presence::Arrived {
            since: look.moment(since.unix_ms),
            via: crate::screens::words::ArrivalWord::Staff,
            place: None,
            attended_by: Some(by.clone()),
        },
        Present::Attended { since: None, .. } => Presence::Away,
    }
}

fn flags_of(look: &Look, read: &Read) -> Vec<Flag> {
    let state = &read.state;
    let mut flags = Vec::new();
    let last_out = read.thread.iter().rev().find(|said| !said.incoming && said.call.is_none());
    if let Some((said, (word, at))) = last_out.and_then(|said| Some((said, said.state?))) {
        flags.push(Flag::Text { purpose: words::purpose(&said.purpose), state: word, at: look.moment(at) });
    }
    if let Some(call) = read.thread.iter().rev().filter_map(|said| said.call.as_ref()).find(|call| call.is_open()) {
        flags.push(Flag::MissedCall(look.moment(call.began_ms)));
    }
    if let Some(said) = read.thread.iter().rev().find(|said| said.incoming && said.call.is_none()) {
        let text: String = said.text.chars().take(REPLY_CHARS).collect();
        flags.push(Flag::Replied { text, at: look.moment(said.at_ms) });
    }
    match (state.goods.state.on_shelf(), state.goods.hold_until, state.promised_at) {
        (true, Some(until), _) => flags.push(Flag::HoldUntil(look.moment(until.as_millisecond()))),
        (false, _, Some(at)) if !state.goods.state.is_ended() => {
            flags.push(Flag::Promised(look.moment(at.as_millisecond())));
        }
        _ => {}
    }
    flags.extend(state.goods.lines.iter().filter_map(|l| l.line.age).max().map(Flag::Age));
    if !read.has_phone {
        flags.push(Flag::NoPhone);
    }
    if state.standing_wish().is_some_and(|wish| matches!(wish.kind, WishKind::Cancel { .. })) {
        flags.push(Flag::CancelAsked);
    }
    flags
}

/// Whether and how the bag was checked.
fn bag_of(look: &Look, read: &Read, open: &OpenOrder) -> BagCheck {
    let rule = look.web.app.config.counter.bag_scan;
    match (&open.other_bag, &open.bag) {
        (Some(order), _) => BagCheck::Other { order: order.clone() },
        (None, Some(bag)) => BagCheck::Ok { bag: bag.clone() },
        (None, None) if read.unverified || rule == BagScan::Required => BagCheck::Required,
        (None, None) if rule == BagScan::Warn && read.state.goods.state.on_shelf() => BagCheck::Wanted,
        (None, None) => BagCheck::None,
    }
}

fn primary_of(look: &Look, read: &Read, open: &OpenOrder, bag: &BagCheck) -> Primary {
    let state = &read.state;
    let locked = state.code.locked_until.filter(|until| until.as_millisecond() > look.now().unix_ms);
    match state.goods.state {
        GoodsState::Received | GoodsState::Picking | GoodsState::Short | GoodsState::Staged => Primary::Stage,
        GoodsState::HandedOver | GoodsState::Refused => Primary::Next,
        GoodsState::Ready | GoodsState::Partial | GoodsState::HandingOver => match (bag, locked) {
            (BagCheck::Other { .. }, _) => Primary::WrongBag,
            (_, Some(until)) => Primary::Locked { until: look.moment(until.as_millisecond()) },
            _ if !state.money.state.allows_hand_over() => Primary::NeedMoney,
            _ if open.proof.is_none() => Primary::NeedCode,
            (BagCheck::Required, _) => Primary::NeedBag,
            _ => Primary::HandOver,
        },
        GoodsState::Inbound
        | GoodsState::Cancelled
        | GoodsState::Expired
        | GoodsState::PutBack
        | GoodsState::Released => Primary::Nothing,
    }
}

fn actions_of(read: &Read, may_undo: bool) -> Vec<ActionWord> {
    let state = &read.state;
    let goods = state.goods.state;
    let mut actions = Vec::new();
    if matches!(
        goods,
        GoodsState::Received | GoodsState::Picking | GoodsState::Short | GoodsState::Staged | GoodsState::Ready
    ) {
        actions.push(ActionWord::Stage);
    }
    if goods.on_shelf() {
        actions.push(ActionWord::Refuse);
        actions.push(ActionWord::Extend);
    }
    if !goods.is_ended() {
        match state.presence {
            Present::Arrived { .. } => actions.push(ActionWord::Attend),
            Present::Away | Present::OnWay | Present::Left => actions.push(ActionWord::Arrive),
            Present::Attended { .. } => {}
        }
    }
    if read.has_phone {
        actions.push(ActionWord::Message);
    }
    if may_undo {
        actions.push(ActionWord::Undo);
    }
    actions
}

/// Builds the card.
pub fn card(look: &Look, read: &Read) -> Card {
    let state = &read.state;
    let open = look.web.screens.of(&look.who.screen, read.id);
    let undo_ms = i64::try_from(look.web.app.config.counter.undo.as_millis()).unwrap_or(i64::MAX);
    let last = state.goods.hand_overs.last();
    let undo_until = last.map(|h| h.at.unix_ms.saturating_add(undo_ms)).filter(|ms| *ms > look.now().unix_ms);
    let bag = bag_of(look, read, &open);
    let why = state.why.iter().rev().filter_map(|why| {
        let (word, detail) = words::why(&why.what)?;
        Some(Why { at: look.moment(why.at.unix_ms), word, detail })
    });
    let history = read.history.iter().filter_map(|(event, at, kind, id)| {
        let by = match kind.as_str() {
            "hq" => Some("HQ".to_owned()),
            "staff" => Some(id.clone()),
            _ => None,
        };
        Some(HistoryItem { at: look.moment(*at), word: words::history(event)?, detail: None, by })
    });
    Card {
        papers: devices::papers(&look.web, state),
        order: state.order.as_ref().map_or_else(String::new, ToString::to_string),
        version: state.version,
        who: read.who.clone(),
        goods: words::goods(state.goods.state),
        bags: state
            .goods
            .bags
            .iter()
            .map(|b| Bag { bag: b.bag.to_string(), shelf: Some(b.shelf.to_string()) })
            .collect(),
        code: match () {
            () if !state.goods.state.on_shelf() => CodeCheck::NotNeeded,
            () if open.proof.is_some() => CodeCheck::Ok,
            () => CodeCheck::None,
        },
        proof: None,
        primary: primary_of(look, read, &open, &bag),
        bag,
        money: money_of(state),
        lines: lines_of(read, &open),
        presence: presence_of(look, &state.presence),
        flags: flags_of(look, read),
        why: why.collect(),
        frozen: state.goods.frozen.clone().map(|sku| Frozen { sku }),
        history: history.collect(),
        actions: actions_of(read, undo_until.is_some()),
        may_override: look.who.session.who.role == Role::Manager && state.goods.state.on_shelf(),
        undo_until: undo_until.map(|ms| look.moment(ms)),
        done_at: last.map(|h| look.moment(h.at.unix_ms)),
        problem: None,
    }
}

/// The open order as work for a page.
pub async fn work(look: &Look, read: &Read) -> Result<Work, ShopError> {
    Ok(Work::Order(Box::new(card(look, read)), side_of(look, read).await?))
}

/// `GET /orders/{order}`.
pub async fn page(look: Look, Path(number): Path<String>) -> Response {
    let outcome = async {
        let read = read(&look, &number).await?;
        let frame = frame(&look).await?;
        show(&look, frame, work(&look, &read).await?).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

/// `GET /orders/{order}/card`: live refresh.
pub async fn fragment(look: Look, Path(number): Path<String>) -> Response {
    let outcome = async {
        let read = read(&look, &number).await?;
        let frame = frame(&look).await?;
        Ok(Html(screens::render_card(&frame, &card(&look, &read), look.lang)?).into_response())
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

/// `GET /side?open=`: live refresh of the right column.
pub async fn side(look: Look, Query(query): Query<Open>) -> Response {
    let outcome = async {
        let frame = frame(&look).await?;
        let work = match query.order() {
            Some(number) => work(&look, &read(&look, number).await?).await?,
            None => Work::Empty(Side { thread: None, texts: texts(&look).await? }),
        };
        Ok(Html(screens::render_side(&frame, &work, look.lang)?).into_response())
    };
    let outcome = outcome.await;
    finish(&look, query.order(), outcome).await
}
