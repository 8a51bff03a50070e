//! Files of orders, streamed both ways: a body of any length comes in, one line of JSON goes out for each order as soon
//! as it is committed. What comes in by here goes through the same functions as `POST orders`.

use std::io::{self, Read};
use std::ops::ControlFlow;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use store_daemon::problem::Problem;
use store_daemon::writer::Lane;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Hq;
use super::api::placed_json;
use super::auth::{Caller, Person};
use crate::app::App;
use crate::orders::import::{self, FILE_MAX, Format, Item};
use crate::orders::place::{self, Outcome};
use crate::orders::refusal::Refusal;

/// Pieces of the body between network and parser.
const PIECES: usize = 16;
/// Orders between parser and writer.
const ITEMS: usize = 128;
/// Orders of one commit.
const COMMIT: usize = 64;
/// Answers between writer and network.
const ANSWERS: usize = 256;

/// Whether answers name the pickup codes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codes {
    Shown,
    Hidden,
}

/// `POST orders/import`.
pub async fn api_import(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    run(app, caller.actor(), &headers, body, Codes::Shown).await
}

/// The same from the page.
pub async fn page_import(
    State(app): Hq,
    Extension(person): Extension<Person>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    run(app, person.actor(), &headers, body, Codes::Hidden).await
}

fn format_of(headers: &HeaderMap) -> Option<Format> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/csv" | "application/csv" => Some(Format::Csv),
        "application/x-ndjson" | "application/jsonl" | "application/jsonlines" | "application/json" => {
            Some(Format::JsonLines)
        }
        _ => None,
    }
}

/// What the parser says.
enum Parsed {
    Item(Box<Item>),
    /// The file ended for this reason; what came before it counts.
    Broken(Refusal),
}

async fn run(app: App, actor: String, headers: &HeaderMap, body: Body, codes: Codes) -> Response {
    let format = format_of(headers);
    let mut parsed = parse(body, format);
    // A file whose header is refused was no import at all: that is the answer, not a line of it.
    let first = match parsed.recv().await {
        Some(Parsed::Broken(refusal)) => return refusal.into_response(),
        Some(first) => first,
        None => return Refusal::Malformed { why: "the file holds no order".into() }.into_response(),
    };
    let (answers, out) = mpsc::channel::<Result<Bytes, io::Error>>(ANSWERS);
    tokio::spawn(async move {
        let mut batch = vec![first];
        while !batch.is_empty() {
            for line in place_batch(&app, &actor, std::mem::take(&mut batch), codes).await {
                if answers.send(Ok(Bytes::from(format!("{line}\n")))).await.is_err() {
                    return; // Nobody listens: what was committed stays, the rest is not read.
                }
            }
            parsed.recv_many(&mut batch, COMMIT).await;
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Body::from_stream(ReceiverStream::new(out))).into_response()
}

/// Reads the body on a blocking thread, as it comes.
fn parse(body: Body, format: Option<Format>) -> mpsc::Receiver<Parsed> {
    let (pieces, source) = mpsc::channel(PIECES);
    let (items, parsed) = mpsc::channel(ITEMS);
    tokio::spawn(feed(body, pieces));
    tokio::task::spawn_blocking(move || {
        let reader = io::BufReader::with_capacity(64 * 1_024, Pieces { source, rest: Bytes::new() });
        let done = import::read(reader, format, |item| match items.blocking_send(Parsed::Item(Box::new(item))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        if let Err(refusal) = done {
            drop(items.blocking_send(Parsed::Broken(refusal)));
        }
    });
    parsed
}

async fn feed(body: Body, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut stream = body.into_data_stream();
    let mut size = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(io::Error::other).and_then(|piece| {
            size += piece.len();
            if size > FILE_MAX { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(piece) }
        });
        let broken = piece.is_err();
        if pieces.send(piece).await.is_err() || broken {
            return;
        }
    }
}

/// A reader over pieces that come from another task.
struct Pieces {
    source: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.source.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.rest.split_to(into.len().min(self.rest.len()));
        into[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

/// Places orders in one commit and answers each.
async fn place_batch(app: &App, actor: &str, batch: Vec<Parsed>, codes: Codes) -> Vec<Value> {
    let mut items = Vec::with_capacity(batch.len());
    let mut broken = None;
    for parsed in batch {
        match parsed {
            Parsed::Item(item) => items.push(*item),
            Parsed::Broken(refusal) => broken = Some(refusal),
        }
    }
    let actor = actor.to_owned();
    let places: Vec<Place> = items.iter().map(Place::of).collect();
    let done = app
        .work(Lane::Work, move |desk| {
            items
                .into_iter()
                .map(|item| match item.order.and_then(|order| place::place(desk, &order, &actor)) {
                    // The database failed: nothing of this commit may stay.
                    Err(refusal) if refusal.is_ours() => Err(refusal),
                    other => Ok(other),
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .await;
    let outcomes = match done {
        Ok(outcomes) => outcomes,
        Err(refusal) => places.iter().map(|_| Err(refusal.clone())).collect(),
    };
    let mut lines: Vec<Value> = places
        .iter()
        .zip(outcomes)
        .map(|(place, outcome)| match outcome {
            Ok(placement) => {
                let mut body = placed_json(&place.store, &place.order, &placement);
                if codes == Codes::Hidden
                    && let Some(object) = body.as_object_mut()
                {
                    object.remove("pickup_code");
                }
                place.answer(if placement.outcome == Outcome::Placed { 201 } else { 200 }, body)
            }
            Err(refusal) => {
                let problem = refusal.problem();
                let status = problem.status().as_u16();
                place.answer(status, json!({ "store": place.store, "order": place.order, "problem": problem }))
            }
        })
        .collect();
    if let Some(refusal) = broken {
        let problem: Problem = refusal.problem();
        lines.push(json!({ "line": null, "status": problem.status().as_u16(), "problem": problem }));
    }
    lines
}

/// Where an order stands in the file.
struct Place {
    line: u64,
    to_line: u64,
    store: String,
    order: String,
}

impl Place {
    fn of(item: &Item) -> Place {
        let (store, order) = item.name.clone().unwrap_or_default();
        Place { line: item.line, to_line: item.to_line, store, order }
    }

    fn answer(&self, status: u16, mut body: Value) -> Value {
        if let Some(object) = body.as_object_mut() {
            object.insert("line".into(), json!(self.line));
            object.insert("to_line".into(), json!(self.to_line));
            object.insert("status".into(), json!(status));
        }
        body
    }
}
