//! What can be done to a reservation over the API. Each act is one transaction, with its answer for a repeated
//! `Idempotency-Key` in the same.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shop_model::code::PickupCode;
use shop_model::decide::{Check, Command, Problem as Refused, Proof};
use shop_model::event::{LineQuantity, StagedBag, Via};
use shop_model::ids::{BagId, OrderNumber, ReservationId, ShelfId};
use shop_model::reservation::Reservation;
use shop_model::scan::{self, Scan, Source};
use store_daemon::problem::Problem;
use store_daemon::web::throttle::Miss;
use store_daemon::writer::Lane;

use super::super::Web;
use super::super::auth::LoggedIn;
use super::super::view::{self, problem_of};
use super::reservations::{etag, order, unknown_order};
use crate::app::ShopError;
use crate::config::BagScan;
use crate::desk::Desk;

/// Longest `Idempotency-Key`.
const KEY_BYTES: usize = 128;

/// An act's inner answer: the model's word, or a problem of the desk's own.
pub type Acted = Result<Reservation, Problem>;

/// What every act's request carries.
pub struct Request {
    web: Web,
    who: LoggedIn,
    order: OrderNumber,
    if_match: Option<u64>,
    idempotency: Option<String>,
    fingerprint: Vec<u8>,
}

impl Request {
    fn new(
        web: Web,
        who: LoggedIn,
        number: &str,
        act: &str,
        headers: &HeaderMap,
        sent: &[u8],
    ) -> Result<Self, Problem> {
        let text = |name| {
            headers
                .get(name)
                .map(|v| v.to_str().map_err(|_| Problem::bad_request(format!("{name}: is not text"))))
                .transpose()
        };
        let if_match = text(header::IF_MATCH.as_str())?
            .map(|tag| {
                tag.trim_matches('"').parse().map_err(|_| Problem::bad_request("if-match: is no version of ours"))
            })
            .transpose()?;
        let idempotency = text("idempotency-key")?.map(str::to_owned);
        if idempotency.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES) {
            return Err(Problem::bad_request(format!("idempotency-key: must have 1 to {KEY_BYTES} bytes")));
        }
        let mut fingerprint = format!("{act} {number}\n").into_bytes();
        fingerprint.extend_from_slice(sent);
        let fingerprint = web.app.keys.index("idempotency", &fingerprint);
        Ok(Self { order: order(number)?, web, who, if_match, idempotency, fingerprint })
    }

    /// Runs `act` in one transaction and answers with the reservation as it is then.
    async fn run<F>(self, act: F) -> Result<Response, Problem>
    where
        F: FnOnce(&mut Desk<'_, '_>, ReservationId) -> Result<Acted, ShopError> + Send + 'static,
    {
        let web = self.web.clone();
        let answer = web.app.work(Lane::Work, move |desk| self.in_transaction(desk, act)).await;
        answer.map_err(|e| problem_of(&e))?.map(Answer::into_response)
    }

    fn in_transaction<F>(self, desk: &mut Desk<'_, '_>, act: F) -> Result<Result<Answer, Problem>, ShopError>
    where
        F: FnOnce(&mut Desk<'_, '_>, ReservationId) -> Result<Acted, ShopError>,
    {
        if let Some(before) = self.answered_before(desk)? {
            return Ok(before);
        }
        let Some(id) = desk.find(&self.order)? else { return Ok(Err(unknown_order())) };
        if let Some(expected) = self.if_match {
            let version = desk.load(id)?.version;
            if version != expected {
                let problem =
                    Problem::new(StatusCode::PRECONDITION_FAILED, "changed", "the order has changed meanwhile");
                return Ok(Err(problem.with("version", version)));
            }
        }
        let answer = match act(desk, id)? {
            Ok(state) => {
                let body = view::reservation(desk.db(), id, &state)?;
                Answer { status: StatusCode::OK, body: body.to_string(), version: Some(state.version) }
            }
            Err(problem) => return Ok(Err(problem)),
        };
        if let Some(key) = &self.idempotency {
            desk.db().execute(
                "INSERT INTO idempotency(key, request, status, body, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![key, self.fingerprint, answer.status.as_u16(), answer.body, desk.wall().unix_ms],
            )?;
        }
        Ok(Ok(answer))
    }

    fn answered_before(&self, desk: &Desk<'_, '_>) -> Result<Option<Result<Answer, Problem>>, ShopError> {
        let Some(key) = &self.idempotency else { return Ok(None) };
        let found = desk
            .db()
            .query_row("SELECT request, status, body FROM idempotency WHERE key = ?1", [key], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u16>(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        Ok(found.map(|(request, status, body)| {
            if request != self.fingerprint {
                let why = "this Idempotency-Key came with another request";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key", why));
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Ok(Answer { status, body, version: None })
        }))
    }
}

struct Answer {
    status: StatusCode,
    body: String,
    version: Option<u64>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        if let Some(version) = self.version {
            response.headers_mut().insert(header::ETAG, etag(version));
        }
        response
    }
}

/// Reads a JSON body; an empty one means `{}`. serde takes an array for an object, field by field; nobody means that.
pub(super) fn parse<T: DeserializeOwned>(sent: &[u8]) -> Result<T, Problem> {
    let sent = if sent.trim_ascii().is_empty() { b"{}" } else { sent };
    if sent.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::bad_request("$: expected an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(sent);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|e| Problem::bad_request(format!("{}: {}", e.path(), e.inner())))?;
    reader.end().map_err(|e| Problem::bad_request(e.to_string()))?;
    Ok(value)
}

fn word_of(refused: Result<Reservation, Refused>, desk: &Desk<'_, '_>) -> Acted {
    refused.map_err(|problem| view::refused(&problem, desk.wall().unix_ms))
}

type Handled = Result<Response, Problem>;

/// A request whose body becomes one command.
macro_rules! simple_act {
    ($(#[$doc:meta])* $name:ident, $act:literal, $body:ty, $command:expr) => {
        $(#[$doc])*
        pub async fn $name(State(web): State<Web>, who: LoggedIn, Path(number): Path<String>, headers: HeaderMap, sent: Bytes) -> Handled {
            let body: $body = parse(&sent)?;
            let make: fn($body) -> Result<Command, Problem> = $command;
            let command = make(body)?;
            let request = Request::new(web, who, &number, $act, &headers, &sent)?;
            let who = request.who.who();
            request.run(move |desk, id| desk.command(id, &command, &who).map(|word| word_of(word, desk))).await
        }
    };
}

#[derive(Deserialize)]
pub struct Stage {
    bags: Vec<BagBody>,
}

#[derive(Deserialize)]
struct BagBody {
    bag: String,
    shelf: String,
}

fn staged(stage: Stage) -> Result<Command, Problem> {
    let bags = stage.bags.into_iter().enumerate().map(|(i, sent)| {
        let refuse = |field: &str, why: String| Problem::bad_request(format!("bags[{i}].{field}: {why}"));
        Ok(StagedBag {
            bag: BagId::parse(&sent.bag).map_err(|e| refuse("bag", e.to_string()))?,
            shelf: ShelfId::parse(&sent.shelf).map_err(|e| refuse("shelf", e.to_string()))?,
        })
    });
    Ok(Command::Stage { bags: bags.collect::<Result<_, Problem>>()? })
}

simple_act!(
    /// `POST …/stage`.
    stage, "stage", Stage, staged
);

#[derive(Deserialize)]
pub struct Arrive {
    via: String,
    #[serde(rename = "where")]
    place: Option<String>,
}

simple_act!(
    /// `POST …/arrive`.
    arrive, "arrive", Arrive, |body| {
        let via = Via::parse(&body.via).ok_or_else(|| Problem::bad_request(format!("via: {:?} is no way to arrive", body.via)))?;
        Ok(Command::Arrive { via, place: body.place })
    }
);

#[derive(Deserialize)]
pub struct Nothing {}

simple_act!(
    /// `POST …/attend`.
    attend, "attend", Nothing, |_| Ok(Command::Attend)
);

#[derive(Deserialize)]
pub struct Undo {
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

simple_act!(
    /// `POST …/undo`.
    undo, "undo", Undo, |_| Ok(Command::Undo)
);

#[derive(Deserialize)]
struct LineBody {
    line: u32,
    quantity: u32,
}

fn quantities(lines: Option<Vec<LineBody>>) -> Option<Vec<LineQuantity>> {
    lines.map(|lines| lines.into_iter().map(|l| LineQuantity { line: l.line, quantity: l.quantity }).collect())
}

#[derive(Deserialize)]
pub struct Refuse {
    lines: Option<Vec<LineBody>>,
    reason: String,
}

simple_act!(
    /// `POST …/refuse`.
    refuse, "refuse", Refuse, |body| Ok(Command::Refuse { lines: quantities(body.lines), reason: body.reason })
);

simple_act!(
    /// `POST …/extend`.
    extend, "extend", Nothing, |_| Ok(Command::Extend)
);

#[derive(Deserialize)]
pub struct RequestCancel {
    #[serde(default)]
    reason: String,
}

simple_act!(
    /// `POST …/request-cancel`.
    request_cancel, "request-cancel", RequestCancel, |body| Ok(Command::RequestCancel { reason: body.reason })
);

#[derive(Deserialize)]
pub struct PutBack {
    lines: Option<Vec<LineBody>>,
    shelf: Option<String>,
}

simple_act!(
    /// `POST …/put-back`.
    put_back, "put-back", PutBack, |body| {
        let shelf = body.shelf.as_deref().map(ShelfId::parse).transpose();
        let shelf = shelf.map_err(|e| Problem::bad_request(format!("shelf: {e}")))?;
        Ok(Command::PutBack { lines: quantities(body.lines), shelf })
    }
);

#[derive(Deserialize)]
pub struct HandOver {
    code: Option<String>,
    scan: Option<String>,
    bag: Option<String>,
    lines: Option<Vec<LineBody>>,
    #[serde(rename = "override")]
    overridden: Option<OverrideBody>,
}

#[derive(Deserialize)]
struct OverrideBody {
    reason: String,
}

/// What was presented, before it is compared.
#[derive(Clone)]
pub enum Presented {
    /// Six digits.
    Code(PickupCode),
    /// The customer's QR, read.
    Qr(Scan),
    /// Nothing.
    Nothing,
}

/// A hand-over as it was asked for.
pub struct HandOverAsk {
    /// What shows that it is the right person.
    pub presented: Presented,
    /// This order's bag was scanned.
    pub bag: Option<Scan>,
    /// Part of it.
    pub lines: Option<Vec<LineQuantity>>,
    /// The reason to break a rule.
    pub override_reason: Option<String>,
}

fn asked(body: HandOver) -> Result<HandOverAsk, Problem> {
    let presented = match (body.code, body.scan) {
        (Some(code), _) => {
            Presented::Code(PickupCode::parse(&code).map_err(|e| Problem::bad_request(format!("code: {e}")))?)
        }
        (None, Some(text)) => match scan::parse(&text, Source::Scanned) {
            qr @ Scan::Qr { .. } => Presented::Qr(qr),
            Scan::Code(code) => Presented::Code(code),
            _ => return Err(Problem::bad_request("scan: is no customer's code")),
        },
        (None, None) => Presented::Nothing,
    };
    Ok(HandOverAsk {
        presented,
        bag: body.bag.as_deref().map(|text| scan::parse(text, Source::Scanned)),
        lines: quantities(body.lines),
        override_reason: body.overridden.map(|o| o.reason),
    })
}

/// `POST …/hand-over`.
pub async fn hand_over(
    State(web): State<Web>,
    who: LoggedIn,
    Path(number): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Handled {
    let ask = asked(parse(&sent)?)?;
    let request = Request::new(web.clone(), who, &number, "hand-over", &headers, &sent)?;
    let screen = request.who.screen.clone();
    screen_is_open(&web, &screen)?;
    let (who, order) = (request.who.who(), request.order.clone());
    let answer = request.run(move |desk, id| hand_over_in(desk, id, &order, ask, &who)).await;
    count_codes(&web, &screen, answer)
}

/// Refuses while this screen is locked for wrong codes.
///
/// # Errors
/// 429.
pub fn screen_is_open(web: &Web, screen: &str) -> Result<(), Problem> {
    match web.codes.locked(screen) {
        Some(left) => Err(screen_locked(left)),
        None => Ok(()),
    }
}

fn screen_locked(left: std::time::Duration) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked", "too many wrong codes at this screen; wait")
        .with("retry_after_s", left.as_secs().max(1))
}

/// Counts wrong codes against the screen.
///
/// # Errors
/// What came in, with the tries that are left.
pub fn count_codes<T>(web: &Web, screen: &str, answer: Result<T, Problem>) -> Result<T, Problem> {
    match answer {
        Err(problem) if problem.kind() == "wrong-code" => Err(match web.codes.miss(screen) {
            Miss::Left(left) => problem.with("tries_left", left),
            Miss::Locked(wait) => screen_locked(wait),
        }),
        other => other,
    }
}

/// The hand-over itself, for API and pages alike.
///
/// # Errors
/// Only for reasons that are nobody's fault.
pub fn hand_over_in(
    desk: &mut Desk<'_, '_>,
    id: ReservationId,
    order: &OrderNumber,
    ask: HandOverAsk,
    who: &crate::desk::Who,
) -> Result<Acted, ShopError> {
    let own_bag = matches!(&ask.bag, Some(Scan::Bag(readings)) if readings.iter().any(|(of, _)| of == order));
    let asked_for = desk.is_unverified(id)? || desk.app().config.counter.bag_scan == BagScan::Required;
    if asked_for && !own_bag {
        let why = "scan this order's bag first";
        return Ok(Err(Problem::new(StatusCode::CONFLICT, "bag-scan", why)));
    }
    let proof = match ask.presented {
        Presented::Code(code) => Proof::Code(desk.check_code(id, &code)?),
        Presented::Qr(Scan::Qr { store, order: of, code }) => Proof::Qr(if store != desk.app().config.store.id {
            Check::OtherStore(store)
        } else if of == *order {
            desk.check_code(id, &code)?
        } else {
            Check::Wrong
        }),
        Presented::Qr(_) | Presented::Nothing => Proof::Nothing,
    };
    let command = Command::HandOver { lines: ask.lines, proof, override_reason: ask.override_reason };
    let word = desk.command(id, &command, who)?;
    if word.is_ok() && own_bag {
        desk.set_verified(id)?;
    }
    Ok(word_of(word, desk))
}
