//! The left column and the frame around everything.

use std::time::Duration;

use axum::extract::Query;
use axum::response::{Html, IntoResponse as _, Response};
use jiff::Zoned;
use rusqlite::{Connection, Row, params};
use serde::Deserialize;
use store_daemon::ledger::SqlLedger;
use store_sync::{LedgerRead as _, Queue};

use super::{Look, Refused, calls as calls_page, finish, show, words};
use crate::app::{SCOPE, ShopError};
use crate::screens::view::{
    Board, BoardDone, BoardHere, BoardPick, BoardReady, Frame, LinkPill, Side, Staff, Who, Work,
};
use crate::tills::{jobs, table};
use crate::{calls, screens};

/// Rows of one list of the board that are shown; the counts tell the rest.
const SHOWN: u32 = 40;
/// Missed calls that the board shows; the calls page has all.
const MISSED_SHOWN: usize = 3;
/// Online with more than this many facts waiting is "catching up".
const CATCHING_UP: u64 = 20;

/// What every page and fragment needs to know.
pub async fn frame(look: &Look) -> Result<Frame, ShopError> {
    let counter = look.counter.clone();
    let read = look.web.app.read(move |db| {
        let till = counter.map(|counter| table::of_counter(db, &counter)).transpose()?.flatten();
        Ok((waiting(db)?, needs_person(db)?, missed_calls(db)?, jobs::unknown_count(db)?, till))
    });
    let (waiting, needs_person, missed_calls, prints_to_check, till) = read.await?;
    let config = &look.web.app.config;
    let person = &look.who.session.who;
    let seconds = |d: Duration| u32::try_from(d.as_secs()).unwrap_or(u32::MAX);
    Ok(Frame {
        store: config.store.name.clone(),
        counter: till.map(|till| till.name).unwrap_or_default(),
        csrf: look.who.session.csrf.clone(),
        now: look.now(),
        theme: look.theme,
        staff: Some(Staff { name: person.name.clone(), initials: person.initials(), role: words::role(person.role) }),
        link: pill_of(look, waiting),
        needs_person,
        missed_calls,
        prints_to_check,
        printers_held: look.web.app.tills.printers_held(),
        amber_s: seconds(config.counter.arrived_amber),
        red_s: seconds(config.counter.arrived_red),
    })
}

fn waiting(db: &Connection) -> rusqlite::Result<u64> {
    let ledger = SqlLedger::new(db, SCOPE);
    Ok(ledger.outbox_size(Queue::P0)?.rows + ledger.outbox_size(Queue::P1)?.rows)
}

fn needs_person(db: &Connection) -> rusqlite::Result<u32> {
    db.prepare_cached(
        "SELECT (SELECT count(*) FROM received WHERE done_by IS NULL)
              + (SELECT count(*) FROM message WHERE state IN ('unknown', 'failed'))",
    )?
    .query_row([], |row| row.get(0))
}

fn missed_calls(db: &Connection) -> rusqlite::Result<u32> {
    db.prepare_cached("SELECT count(*) FROM call WHERE outcome = 'missed' AND direction = 'in' AND done_by IS NULL")?
        .query_row([], |row| row.get(0))
}

fn pill_of(look: &Look, waiting: u64) -> LinkPill {
    let link = look.web.app.status.link().clone();
    let to_send = u32::try_from(waiting).unwrap_or(u32::MAX);
    match () {
        () if link.superseded => LinkPill::Superseded,
        () if link.recovery => LinkPill::Recovering,
        () if link.online && waiting > CATCHING_UP => LinkPill::CatchingUp { to_send },
        () if link.online => LinkPill::Online,
        () => {
            let since = link.offline_since_ms.unwrap_or_else(|| look.now().unix_ms);
            LinkPill::Offline { since: look.moment(since), to_send }
        }
    }
}

/// `GET /pill`.
pub async fn pill(look: Look) -> Response {
    let outcome = async { Ok(Html(screens::render_pill(&frame(&look).await?, look.lang)?).into_response()) }.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct Open {
    open: Option<String>,
}

impl Open {
    /// The order that the page has open.
    pub fn order(&self) -> Option<&str> {
        self.open.as_deref().filter(|open| !open.is_empty())
    }
}

/// `GET /board`.
pub async fn fragment(look: Look, Query(query): Query<Open>) -> Response {
    let outcome = async {
        let board = board(&look, query.order().map(str::to_owned)).await?;
        Ok(Html(screens::render_board(&frame(&look).await?, &board, look.lang)?).into_response())
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `GET /`.
pub async fn home(look: Look) -> Response {
    let outcome = async {
        let side = Side { thread: None, texts: super::card::texts(&look).await? };
        let frame = frame(&look).await?;
        show(&look, frame, Work::Empty(side)).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// One row of any list.
struct Line {
    order: String,
    who: Who,
    goods: String,
    shelves: String,
    pieces: u32,
    promised_ms: Option<i64>,
    hold_ms: Option<i64>,
    arrived_ms: Option<i64>,
    attended_by: Option<String>,
    handed_ms: Option<i64>,
    changed_ms: i64,
    version: u64,
    message: Option<String>,
}

const COLUMNS: &str = "r.number, coalesce(p.initials, ''), coalesce(p.last3, ''), r.goods, r.shelves, r.pieces,
    r.promised_ms, r.hold_until_ms, r.arrived_ms, r.attended_by, r.handed_over_ms, r.placed_ms, r.version,
    (SELECT state FROM message m WHERE m.reservation = r.id AND m.purpose = 'ready' ORDER BY m.round DESC LIMIT 1)";

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        order: row.get(0)?,
        who: Who { initials: row.get(1)?, tail: row.get(2)? },
        goods: row.get(3)?,
        shelves: row.get(4)?,
        pieces: row.get(5)?,
        promised_ms: row.get(6)?,
        hold_ms: row.get(7)?,
        arrived_ms: row.get(8)?,
        attended_by: row.get(9)?,
        handed_ms: row.get(10)?,
        changed_ms: row.get(11)?,
        version: row.get(12)?,
        message: row.get(13)?,
    })
}

fn list(db: &Connection, filter: &str, order: &str, since_ms: i64) -> rusqlite::Result<(Vec<Line>, u32)> {
    let sql = format!(
        "SELECT {COLUMNS} FROM reservation r LEFT JOIN person p ON p.person_ref = r.person_ref
         WHERE {filter} AND ?1 IS NOT NULL ORDER BY {order} LIMIT ?2"
    );
    let rows = db.prepare_cached(&sql)?.query_map(params![since_ms, SHOWN], line)?.collect::<Result<_, _>>()?;
    let count = format!("SELECT count(*) FROM reservation r WHERE {filter} AND ?1 IS NOT NULL");
    Ok((rows, db.prepare_cached(&count)?.query_row([since_ms], |row| row.get(0))?))
}

/// Waiting at the counter: arrived or attended, and something can still happen to the order.
const HERE: &str = "r.presence IN ('arrived', 'attended')
    AND r.goods NOT IN ('handed_over', 'refused', 'cancelled', 'put_back', 'released')";
const TO_PICK: &str = "r.presence NOT IN ('arrived', 'attended')
    AND r.goods IN ('received', 'inbound', 'picking', 'short', 'staged')";
const READY: &str = "r.presence NOT IN ('arrived', 'attended') AND r.goods IN ('ready', 'partial', 'handing_over')";
const DONE: &str =
    "r.goods IN ('handed_over', 'refused', 'cancelled', 'expired') AND coalesce(r.handed_over_ms, r.placed_ms) >= ?1";

/// Reads the board.
pub async fn board(look: &Look, open: Option<String>) -> Result<Board, ShopError> {
    let today = start_of_day(look);
    let lists = look
        .web
        .app
        .read(move |db| {
            let lists = [
                list(db, HERE, "r.arrived_ms, r.number", today)?,
                list(db, TO_PICK, "coalesce(r.promised_ms, r.placed_ms), r.number", today)?,
                list(db, READY, "r.hold_until_ms, r.number", today)?,
                list(db, DONE, "coalesce(r.handed_over_ms, r.placed_ms) DESC, r.number", today)?,
            ];
            Ok((lists, calls::open_missed(db)?))
        })
        .await?;
    let (lists, (missed, missed_count)) = lists;
    let [(here, here_count), (to_pick, to_pick_count), (ready, ready_count), (done, done_count)] = lists;
    Ok(Board {
        here: here.into_iter().map(|l| here_row(look, l)).collect(),
        here_count,
        to_pick: to_pick.into_iter().map(|l| pick_row(look, l)).collect(),
        to_pick_count,
        ready: ready.into_iter().map(|l| ready_row(look, l)).collect(),
        ready_count,
        done: done.into_iter().map(|l| done_row(look, l)).collect(),
        done_count,
        missed: missed.into_iter().take(MISSED_SHOWN).map(|call| calls_page::call(look, call)).collect(),
        missed_count,
        open,
        holds_paused: !look.web.app.clock.wall().quality.decides_deadlines(),
    })
}

fn start_of_day(look: &Look) -> i64 {
    let zone = look.web.app.config.store.timezone.clone();
    let now = jiff::Timestamp::from_millisecond(look.now().unix_ms).unwrap_or_default();
    Zoned::new(now, zone).start_of_day().map_or(0, |day| day.timestamp().as_millisecond())
}

fn shelf(shelves: &str) -> Option<String> {
    shelves.split(' ').next().filter(|s| !s.is_empty()).map(str::to_owned)
}

fn here_row(look: &Look, l: Line) -> BoardHere {
    BoardHere {
        shelf: shelf(&l.shelves),
        goods: words::goods_text(&l.goods),
        since: look.moment(l.arrived_ms.unwrap_or(l.changed_ms)),
        attended_by: l.attended_by,
        order: l.order,
        who: l.who,
    }
}

fn pick_row(look: &Look, l: Line) -> BoardPick {
    BoardPick {
        goods: words::goods_text(&l.goods),
        promised: l.promised_ms.map(|ms| look.moment(ms)),
        order: l.order,
        who: l.who,
        pieces: l.pieces,
    }
}

fn ready_row(look: &Look, l: Line) -> BoardReady {
    BoardReady {
        shelf: shelf(&l.shelves),
        message: l.message.as_deref().and_then(words::message_text),
        until: l.hold_ms.map(|ms| look.moment(ms)),
        order: l.order,
        who: l.who,
    }
}

fn done_row(look: &Look, l: Line) -> BoardDone {
    let undo_ms = i64::try_from(look.web.app.config.counter.undo.as_millis()).unwrap_or(i64::MAX);
    let undo_until = l.handed_ms.map(|ms| ms.saturating_add(undo_ms)).filter(|ms| *ms > look.now().unix_ms);
    BoardDone {
        goods: words::goods_text(&l.goods),
        at: look.moment(l.handed_ms.unwrap_or(l.changed_ms)),
        undo_until: undo_until.map(|ms| look.moment(ms)),
        order: l.order,
        who: l.who,
        version: l.version,
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(e: rusqlite::Error) -> Self {
        ShopError::from(e).into()
    }
}
