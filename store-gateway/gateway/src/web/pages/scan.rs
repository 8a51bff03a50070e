//! One field for everything: whatever is scanned or typed, from any screen.

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shop_model::code::PickupCode;
use shop_model::decide::{Check, Command, Proof};
use shop_model::ids::{BagId, OrderNumber, ReservationId};
use shop_model::scan::{self, Scan, Source};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;

use super::act::{bags_of, stage_bags};
use super::board::frame;
use super::card::{Read, lines_of, read, side_of, work};
use super::{Look, Refused, acted, finish, show, words};
use crate::desk::find;
use crate::screens::view::{Bag, Expect, Search, SearchHit, Side, Staging, Who, Work};
use crate::web::api::{Presented, count_codes, screen_is_open, unknown_order};
use crate::web::view::{self, Wanted};

/// Hits of a search that are shown.
const HITS: u32 = 20;
/// Shelves offered by touch.
const SHELVES: u32 = 12;

#[derive(Deserialize)]
pub struct Scanned {
    csrf: String,
    text: String,
    #[serde(default)]
    via: String,
    #[serde(default)]
    open: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    pending: String,
}

/// `POST /scan`.
pub async fn scan(look: Look, Form(form): Form<Scanned>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let source = if form.via == "hand" { Source::Typed } else { Source::Scanned };
        let what = scan::parse(&form.text, source);
        match (form.mode.as_str(), form.open.as_str()) {
            ("staging", open) if !open.is_empty() => while_staging(&look, open, &form.pending, what).await,
            (_, "") => nothing_open(&look, what).await,
            (_, open) => order_open(&look, open, what).await,
        }
    };
    let outcome = outcome.await;
    finish(&look, Some(form.open.as_str()).filter(|open| !open.is_empty()), outcome).await
}

fn unexpected(why: &str) -> Refused {
    Refused(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unexpected", why))
}

/// Opens an order's card.
async fn open(look: &Look, number: &str) -> Result<Response, Refused> {
    let read = read(look, number).await?;
    let frame = frame(look).await?;
    Ok(acted(show(look, frame, work(look, &read).await?).await?, number))
}

async fn nothing_open(look: &Look, what: Scan) -> Result<Response, Refused> {
    match what {
        Scan::Bag(readings) => {
            let (id, number, bag) = existing(look, readings).await?.ok_or_else(unknown_order)?;
            look.web.screens.change(&look.who.screen, id, |open| open.bag = Some(bag.to_string()));
            open(look, number.as_str()).await
        }
        Scan::Qr { store, order, code } => shown(look, &store, order, code).await,
        Scan::Code(code) => by_code(look, code).await,
        Scan::Search(text) => search(look, text).await,
        Scan::Ean(ean) => search(look, ean).await,
        Scan::Shelf(_) => Err(unexpected("a shelf needs a bag before it")),
        Scan::Empty => Err(unexpected("nothing was read")),
    }
}

async fn order_open(look: &Look, number: &str, what: Scan) -> Result<Response, Refused> {
    match what {
        Scan::Bag(readings) => bag_in_hand(look, number, readings).await,
        Scan::Code(code) => check(look, number, code, Presented::Code).await,
        Scan::Ean(ean) => tick(look, number, ean).await,
        other => nothing_open(look, other).await,
    }
}

/// The first reading of a bag label whose order is here.
async fn existing(
    look: &Look,
    readings: Vec<(OrderNumber, BagId)>,
) -> Result<Option<(ReservationId, OrderNumber, BagId)>, Refused> {
    let found = look.web.app.read(move |db| {
        for (order, bag) in readings {
            if let Some(id) = find(db, &order)? {
                return Ok(Some((id, order, bag)));
            }
        }
        Ok(None)
    });
    Ok(found.await?)
}

async fn bag_in_hand(look: &Look, number: &str, readings: Vec<(OrderNumber, BagId)>) -> Result<Response, Refused> {
    let mine = read(look, number).await?;
    let (id, order, bag) = existing(look, readings).await?.ok_or_else(unknown_order)?;
    look.web.screens.change(&look.who.screen, mine.id, |open| {
        if id == mine.id {
            open.bag = Some(bag.to_string());
            open.other_bag = None;
        } else {
            open.other_bag = Some(order.to_string());
        }
    });
    open(look, number).await
}

/// A customer's QR: opens its order with the code checked.
async fn shown(
    look: &Look,
    store: &shop_model::ids::StoreId,
    order: OrderNumber,
    code: PickupCode,
) -> Result<Response, Refused> {
    if *store != look.web.app.config.store.id {
        let why = format!("the order waits at the store {store}");
        return Err(Refused(Problem::new(StatusCode::CONFLICT, "wrong-store", why).with("store", store.as_str())));
    }
    let (store, of) = (store.clone(), order.clone());
    check(look, order.as_str(), code, move |code| Presented::Qr(Scan::Qr { store, order: of, code })).await
}

/// Compares a code with the open order's. A wrong one counts against the order and the screen.
async fn check(
    look: &Look,
    number: &str,
    code: PickupCode,
    presented: impl FnOnce(PickupCode) -> Presented,
) -> Result<Response, Refused> {
    screen_is_open(&look.web, &look.who.screen)?;
    let order = OrderNumber::parse(number).map_err(|_| unknown_order())?;
    let who = look.who.who();
    let word = look.web.app.work(Lane::Work, move |desk| {
        let Some(id) = desk.find(&order)? else { return Ok(Err(unknown_order())) };
        match desk.check_code(id, &code)? {
            Check::Right => Ok(Ok(id)),
            wrong => {
                // The refused hand-over is what writes the miss down.
                let command = Command::HandOver { lines: None, proof: Proof::Code(wrong), override_reason: None };
                let now_ms = desk.wall().unix_ms;
                Ok(match desk.command(id, &command, &who)? {
                    Err(problem) => Err(view::refused(&problem, now_ms)),
                    Ok(_) => Err(Problem::new(StatusCode::FORBIDDEN, "wrong-code", "the code is not this order's")),
                })
            }
        }
    });
    let id = count_codes(&look.web, &look.who.screen, word.await?)?;
    let proof = presented(code);
    look.web.screens.change(&look.who.screen, id, |open| open.proof = Some(proof));
    open(look, number).await
}

/// Six digits with nothing open: whose are they?
async fn by_code(look: &Look, code: PickupCode) -> Result<Response, Refused> {
    screen_is_open(&look.web, &look.who.screen)?;
    let found = look.web.app.work(Lane::Work, move |desk| {
        let Some(id) = desk.order_of_code(&code)? else { return Ok(None) };
        Ok(desk.load(id)?.order.map(|order| (id, order)))
    });
    let found =
        found.await?.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "wrong-code", "no open order has this code"));
    let (id, order) = count_codes(&look.web, &look.who.screen, found)?;
    look.web.screens.change(&look.who.screen, id, |open| open.proof = Some(Presented::Code(code)));
    open(look, order.as_str()).await
}

/// A product of the open order is ticked off.
async fn tick(look: &Look, number: &str, ean: String) -> Result<Response, Refused> {
    let read = read(look, number).await?;
    let line = read.state.goods.lines.iter().find(|l| l.line.ean.as_deref() == Some(ean.as_str()));
    let Some(line) = line.map(|l| (l.line.line, l.line.quantity)) else {
        let problem =
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-product", "this product is not in the order");
        return Err(Refused(problem.with("ean", ean)));
    };
    look.web.screens.change(&look.who.screen, read.id, |open| {
        let ticked = open.ticked.entry(line.0).or_default();
        *ticked = (*ticked + 1).min(line.1);
    });
    open(look, number).await
}

async fn search(look: &Look, query: String) -> Result<Response, Refused> {
    let wanted = Wanted { search: Some(query.clone()), limit: HITS, ..Wanted::default() };
    type Found = (String, String, String, String, String, Option<i64>);
    let (hits, cut) = look
        .web
        .app
        .read(move |db| {
            let (ids, next) = view::page(db, &wanted)?;
            let mut row = db.prepare_cached(
                "SELECT r.number, coalesce(p.initials, ''), coalesce(p.last3, ''), r.goods, r.shelves,
                        coalesce(r.handed_over_ms, r.hold_until_ms)
                 FROM reservation r LEFT JOIN person p ON p.person_ref = r.person_ref WHERE r.id = ?1",
            )?;
            let hits = ids.iter().map(|id| {
                row.query_row([id.to_string()], |r| {
                    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
                })
            });
            Ok((hits.collect::<Result<Vec<Found>, _>>()?, next.is_some()))
        })
        .await?;
    if let [only] = hits.as_slice() {
        return open(look, &only.0).await;
    }
    let hit = |(order, initials, tail, goods, shelves, until): Found| SearchHit {
        order,
        shelf: shelves.split(' ').next().filter(|s| !s.is_empty()).map(str::to_owned),
        who: Who { initials, tail },
        goods: words::goods_text(&goods),
        until: until.map(|ms| look.moment(ms)),
    };
    let search = Search { query, hits: hits.into_iter().map(hit).collect(), cut };
    let side = Side { thread: None, texts: super::card::texts(look).await? };
    show(look, frame(look).await?, Work::Search(search, side)).await
}

/// `GET /orders/{order}/stage`.
pub async fn staging(look: Look, Path(number): Path<String>) -> Response {
    let outcome = async {
        let read = read(&look, &number).await?;
        stage_view(&look, &read, Vec::new()).await
    };
    let outcome = outcome.await;
    finish(&look, Some(&number), outcome).await
}

async fn stage_view(look: &Look, read: &Read, pending: Vec<String>) -> Result<Response, Refused> {
    let frame = frame(look).await?;
    let open = look.web.screens.of(&look.who.screen, read.id);
    let goods = &read.state.goods;
    let shelves = look.web.app.read(|db| {
        let mut rows = db.prepare_cached(
            "SELECT shelves FROM reservation WHERE shelves <> '' AND instr(shelves, ' ') = 0
             GROUP BY shelves ORDER BY max(placed_ms) DESC LIMIT ?1",
        )?;
        Ok(rows.query_map([SHELVES], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?)
    });
    let staging = Staging {
        order: read.state.order.as_ref().map_or_else(String::new, ToString::to_string),
        version: read.state.version,
        who: read.who.clone(),
        expect: if pending.is_empty() { Expect::Bag } else { Expect::Shelf },
        next_bag: (goods.bags.len() + pending.len() + 1).to_string(),
        placed: goods.bags.iter().map(|b| Bag { bag: b.bag.to_string(), shelf: Some(b.shelf.to_string()) }).collect(),
        pending,
        shelves: shelves.await?,
        lines: lines_of(read, &open),
        problem: None,
    };
    let side = side_of(look, read).await?;
    show(look, frame, Work::Staging(Box::new(staging), side)).await
}

async fn while_staging(look: &Look, number: &str, pending: &str, what: Scan) -> Result<Response, Refused> {
    let mut pending: Vec<String> = pending.split_whitespace().map(str::to_owned).collect();
    match what {
        Scan::Bag(readings) => {
            let read = read(look, number).await?;
            let (id, order, bag) = existing(look, readings).await?.ok_or_else(unknown_order)?;
            if id != read.id {
                let problem = Problem::new(StatusCode::CONFLICT, "wrong-bag", "this bag belongs to another order");
                return Err(Refused(problem.with("order", order.as_str())));
            }
            if !pending.contains(&bag.to_string()) {
                pending.push(bag.to_string());
            }
            stage_view(look, &read, pending).await
        }
        Scan::Shelf(_) if pending.is_empty() => Err(unexpected("scan the bag's label first")),
        Scan::Shelf(shelf) => {
            let bags = bags_of(number, &pending.join(" "), shelf.as_str())?;
            stage_bags(look, number, None, bags).await
        }
        Scan::Ean(ean) => tick(look, number, ean).await,
        other => nothing_open(look, other).await,
    }
}
