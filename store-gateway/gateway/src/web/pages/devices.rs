//! Tills and printers, print jobs, and documents before they are printed.

use axum::Form;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use shop_model::decide::Role;
use shop_model::document::lay_out;
use shop_model::ids::{OrderNumber, ShelfId};
use store_daemon::problem::Problem;
use store_daemon::secrets::token;
use store_daemon::web::set_cookie;
use store_daemon::writer::Lane;
use store_paper::paint::{self, Paper};
use store_paper::{pdf, png};
use till_link::PrinterFacts;

use super::board::frame;
use super::{Look, Refused, finish, show};
use crate::app::ShopError;
use crate::screens::view::{
    Devices, EnrolCode, Preview, PreviewTill, PrintJob, Printer, Scanner, Till as TillView, Work,
};
use crate::screens::words::{HeldWord, PrintKindWord, PrintStateWord, ScreenWord};
use crate::tills::jobs::{self, Job, Kind, Order, Settled, State};
use crate::tills::table::{self, Till};
use crate::tills::{self, paper};
use crate::web::api::{managers_only_for_tills, unknown_order};
use crate::web::auth::{COUNTER_COOKIE, COUNTER_KEPT};
use crate::web::printing::{self, About};

/// Jobs of one page of the list.
const SHOWN: u32 = 30;

#[derive(Deserialize)]
pub struct Before {
    before: Option<String>,
}

#[derive(Deserialize)]
pub struct Basics {
    csrf: String,
}

/// `GET /devices`.
pub async fn list(look: Look, Query(query): Query<Before>) -> Response {
    let outcome = async {
        let after = query.before.as_deref().map(place).transpose()?;
        show(&look, frame(&look).await?, Work::Devices(Box::new(page(&look, after).await?))).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

fn place(text: &str) -> Result<(i64, String), Refused> {
    let parts = text.split_once('-').and_then(|(ms, id)| Some((ms.parse().ok()?, id.to_owned())));
    parts.ok_or_else(|| Problem::bad_request("before: is no place in the list").into())
}

/// A listener on every address has none to type: the port stands for it.
fn address_text(address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("…:{}", address.port()) } else { address.to_string() }
}

fn older_path(place: &(i64, String)) -> String {
    format!("/devices?before={}-{}", place.0, place.1)
}

fn is_manager(look: &Look) -> bool {
    look.who.session.who.role == Role::Manager
}

async fn page(look: &Look, after: Option<(i64, String)>) -> Result<Devices, Refused> {
    let app = &look.web.app;
    let here = after.as_ref().map_or_else(|| "/devices".to_owned(), older_path);
    let wanted = jobs::Wanted { after, limit: SHOWN, ..jobs::Wanted::default() };
    let read = app.read(move |db| Ok((table::all(db)?, jobs::asked(db)?, jobs::list(db, &wanted)?)));
    let (tills, asked, (listed, next)) = read.await?;
    let code = app.tills.shown_code().filter(|_| is_manager(look)).map(|(code, left)| EnrolCode {
        code,
        until: look.moment(look.now().unix_ms + i64::try_from(left.as_millis()).unwrap_or(0)),
    });
    Ok(Devices {
        here,
        address: app.tills.address().map(address_text),
        code,
        may_manage: is_manager(look),
        asked: asked.into_iter().map(|job| job_of(look, &tills, job)).collect(),
        jobs: listed.into_iter().map(|job| job_of(look, &tills, job)).collect(),
        older: next.as_ref().map(older_path),
        tills: tills.into_iter().map(|till| till_of(look, till)).collect(),
    })
}

fn till_of(look: &Look, till: Till) -> TillView {
    let online = look.web.app.tills.online(till.id);
    let screen = match &till.counter {
        Some(counter) if look.counter.as_ref() == Some(counter) => ScreenWord::This,
        Some(_) => ScreenWord::Other,
        None => ScreenWord::Nobody,
    };
    let is_online = online.is_some();
    let printers = online.as_ref().map_or(till.printers, |online| online.printers.clone());
    let scanner = |s: &till_link::ScannerFacts| Scanner {
        name: s.name.clone(),
        connected: s.connected,
        scans: count(s.scans),
        dropped: count(s.dropped),
    };
    TillView {
        id: till.id,
        name: till.name,
        online: online.as_ref().map(|online| look.moment(online.since_ms)),
        seen: till.seen_ms.map(|ms| look.moment(ms)),
        version: till.version,
        screen,
        printers: printers.iter().map(|printer| printer_of(printer, is_online)).collect(),
        scanners: online.iter().flat_map(|online| &online.scanners).map(scanner).collect(),
        unseen: online.map_or(0, |online| count(online.unseen)),
    }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn printer_of(printer: &PrinterFacts, is_online: bool) -> Printer {
    let state = match (printer.state.connected, printer.state.held) {
        (_, Some(held)) => held_word(jobs::held_word(held)),
        (true, None) => Some(HeldWord::Ready),
        (false, None) => Some(HeldWord::Port),
    };
    Printer {
        name: printer.name.clone(),
        profile: printer.profile.clone(),
        columns: printer.columns,
        state: state.filter(|_| is_online),
        paper_low: is_online && printer.state.paper == Some(till_link::Paper::Low),
        drawer: printer.drawer,
    }
}

fn held_word(word: &str) -> Option<HeldWord> {
    Some(match word {
        "port" => HeldWord::Port,
        "silent" => HeldWord::Silent,
        "offline" => HeldWord::Offline,
        "cover_open" => HeldWord::CoverOpen,
        "paper_out" => HeldWord::PaperOut,
        "error" => HeldWord::Error,
        "restart" => HeldWord::Restart,
        "held" => HeldWord::Held,
        "no_printer" => HeldWord::NoPrinter,
        "document" => HeldWord::Document,
        "full" => HeldWord::Full,
        "removed" => HeldWord::Removed,
        _ => return None,
    })
}

const fn kind_word(kind: Kind) -> PrintKindWord {
    match kind {
        Kind::BagLabel => PrintKindWord::BagLabel,
        Kind::ShelfLabel => PrintKindWord::ShelfLabel,
        Kind::PickSlip => PrintKindWord::PickSlip,
        Kind::CollectionSlip => PrintKindWord::CollectionSlip,
        Kind::DoorQr => PrintKindWord::DoorQr,
        Kind::Test => PrintKindWord::Test,
        Kind::Drawer => PrintKindWord::Drawer,
    }
}

/// What an order can be printed as just now, for its card.
pub fn papers(web: &super::Web, state: &shop_model::reservation::Reservation) -> Vec<PrintKindWord> {
    let has = |kind: &Kind| match kind {
        Kind::PickSlip => !state.goods.state.is_ended() && state.goods.lines.iter().any(|line| line.open() > 0),
        Kind::BagLabel => !state.goods.bags.is_empty(),
        _ => !state.goods.hand_overs.is_empty(),
    };
    if web.app.config.tills.is_none() {
        return Vec::new();
    }
    paper::OF_AN_ORDER.iter().filter(|kind| has(kind)).map(|kind| kind_word(*kind)).collect()
}

fn job_of(look: &Look, tills: &[Till], job: Job) -> PrintJob {
    let till = tills.iter().find(|till| till.id == job.till).map_or("—", |till| &till.name);
    let state = match (job.state, job.settled.as_deref()) {
        (State::Unknown, Some("out")) => PrintStateWord::CameOut,
        (State::Unknown, Some(_)) => PrintStateWord::Lost,
        (State::Unknown, None) => PrintStateWord::Unknown,
        (State::Waiting | State::Taken | State::Held, _) if job.cancel => PrintStateWord::Cancelling,
        (State::Waiting, _) => PrintStateWord::Waiting,
        (State::Taken, _) => PrintStateWord::Taken,
        (State::Held, _) => PrintStateWord::Held,
        (State::Begun, _) => PrintStateWord::Begun,
        (State::Printed, _) => PrintStateWord::Printed,
        (State::Sent, _) => PrintStateWord::Sent,
        (State::Expired, _) => PrintStateWord::Expired,
        (State::Cancelled, _) => PrintStateWord::Cancelled,
        (State::Refused, _) => PrintStateWord::Refused,
    };
    PrintJob {
        kind: kind_word(job.kind),
        till: till.to_owned(),
        printer: job.printer,
        at: look.moment(job.asked_ms),
        by: job.asked_by,
        state,
        why: held_word(&job.why),
        is_again: job.is_again,
        may_cancel: matches!(job.state, State::Waiting | State::Taken | State::Held) && !job.cancel,
        may_again: job.state.is_final() && job.kind != Kind::Drawer,
        order: job.order,
        id: job.id,
    }
}

async fn answer(look: &Look) -> Result<Response, Refused> {
    show(look, frame(look).await?, Work::Devices(Box::new(page(look, None).await?))).await
}

/// `POST /devices/code`: a one-time code for one till.
pub async fn code(look: Look, Form(form): Form<Basics>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        managers_only_for_tills(&look.who)?;
        printing::enrol_code(&look.web, &look.who.who())?;
        answer(&look).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `POST /devices/tills/{till}/remove`.
pub async fn remove(look: Look, Path(till): Path<i64>, Form(form): Form<Basics>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        managers_only_for_tills(&look.who)?;
        printing::remove_till(&look.web, till, look.who.who()).await?;
        answer(&look).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct ScreenForm {
    csrf: String,
    here: String,
}

/// `POST /devices/tills/{till}/screen`: this browser shows the till's scans, or does no more.
pub async fn screen(mut look: Look, Path(till): Path<i64>, Form(form): Form<ScreenForm>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let counter = (form.here == "1").then(|| look.counter.clone().unwrap_or_else(token));
        let (kept, who) = (counter.clone(), look.who.who());
        tills::change(&look.web.app, move |desk| table::pair(desk, till, kept.as_deref(), &who)).await?;
        if let Some(counter) = &counter {
            look.counter = Some(counter.clone());
        }
        let mut response = answer(&look).await?;
        if let Some(counter) = counter {
            let cookie = set_cookie(COUNTER_COOKIE, &counter, COUNTER_KEPT, look.web.transport);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            // The event stream is opened anew, with the cookie.
            response.headers_mut().insert("hx-refresh", header::HeaderValue::from_static("true"));
        }
        Ok(response)
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

#[derive(Deserialize)]
pub struct TestForm {
    csrf: String,
    printer: String,
}

/// `POST /devices/tills/{till}/test`: a test page.
pub async fn test(look: Look, Path(id): Path<i64>, Form(form): Form<TestForm>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        let mut till = printing::till_for(&look.web, Some(id), None).await?;
        till.printers.retain(|printer| printer.name == form.printer);
        let columns = till.printers.first().ok_or_else(printing::no_till)?.columns;
        let (document, reservation) = printing::document(&look.web, Kind::Test, About::Store { columns }).await?;
        let order = Order { kind: Kind::Test, reservation, document, again_of: None };
        printing::print(&look.web, till, order, look.who.who()).await?;
        answer(&look).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `POST /devices/tills/{till}/drawer`: opens the drawer, now or never.
pub async fn drawer(look: Look, Path(id): Path<i64>, Form(form): Form<Basics>) -> Response {
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        printing::open_drawer(&look.web, id, look.who.who()).await?;
        answer(&look).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

async fn with_job<F>(look: Look, form: Basics, act: F) -> Response
where
    F: AsyncFnOnce(&Look) -> Result<(), Refused>,
{
    let outcome = async {
        look.check_csrf(&form.csrf)?;
        act(&look).await?;
        answer(&look).await
    };
    let outcome = outcome.await;
    finish(&look, None, outcome).await
}

/// `POST /devices/jobs/{id}/settle`: it came out.
pub async fn settle(look: Look, Path(id): Path<String>, Form(form): Form<Basics>) -> Response {
    with_job(look, form, async move |look| {
        let who = look.who.who();
        let settled = look.web.app.work(Lane::Work, move |desk| jobs::settle(desk, &id, Settled::Out, &who));
        if settled.await? { Ok(()) } else { Err(printing::print_done().into()) }
    })
    .await
}

/// `POST /devices/jobs/{id}/again`: a new job, whose paper says that it is a copy.
pub async fn again(look: Look, Path(id): Path<String>, Form(form): Form<Basics>) -> Response {
    with_job(look, form, async move |look| {
        printing::again(&look.web, id, look.who.who()).await?;
        Ok(())
    })
    .await
}

/// `POST /devices/jobs/{id}/cancel`.
pub async fn cancel(look: Look, Path(id): Path<String>, Form(form): Form<Basics>) -> Response {
    with_job(look, form, async move |look| {
        let who = look.who.who();
        let asked = look.web.app.work(Lane::Work, move |desk| jobs::cancel(desk, &id, &who));
        if asked.await? { Ok(()) } else { Err(printing::print_done().into()) }
    })
    .await
}

#[derive(Deserialize)]
pub struct DocumentQuery {
    #[serde(default)]
    shelf: String,
    columns: Option<u16>,
}

fn kind_of(text: &str) -> Result<Kind, Refused> {
    Kind::parse(&text.replace('-', "_"))
        .filter(|kind| *kind != Kind::Drawer)
        .ok_or_else(|| Problem::bad_request("document: is none of the list").into())
}

fn about(kind: Kind, order: Option<&str>, shelf: &str, columns: u16) -> Result<About, Refused> {
    Ok(match (order, kind) {
        (Some(order), _) => About::Order(OrderNumber::parse(order).map_err(|_| unknown_order())?),
        (None, Kind::ShelfLabel) => {
            let shelf = shelf.trim().to_uppercase();
            About::Shelf(ShelfId::parse(&shelf).map_err(|e| Problem::bad_request(format!("shelf: {e}")))?)
        }
        (None, _) => About::Store { columns },
    })
}

/// `GET /orders/{order}/documents/{kind}`: the paper, and where to print it.
pub async fn preview_of_order(
    look: Look,
    Path((order, kind)): Path<(String, String)>,
    Query(query): Query<DocumentQuery>,
) -> Response {
    let outcome = preview(&look, Some(&order), &kind, &query).await;
    finish(&look, Some(&order), outcome).await
}

/// `GET /documents/{kind}`.
pub async fn preview_of_store(look: Look, Path(kind): Path<String>, Query(query): Query<DocumentQuery>) -> Response {
    let outcome = preview(&look, None, &kind, &query).await;
    finish(&look, None, outcome).await
}

async fn preview(look: &Look, order: Option<&str>, kind: &str, query: &DocumentQuery) -> Result<Response, Refused> {
    let kind = kind_of(kind)?;
    let about = about(kind, order, &query.shelf, 48)?;
    let (document, reservation) = printing::document(&look.web, kind, about).await?;
    let order_for = Order { kind, reservation, document, again_of: None };
    let read = look.web.app.read(move |db| {
        let wanted = jobs::Wanted { reservation, limit: SHOWN, ..jobs::Wanted::default() };
        let listed = if reservation.is_some() { jobs::list(db, &wanted)?.0 } else { Vec::new() };
        Ok((table::all(db)?, listed))
    });
    let (mut tills, listed) = read.await?;
    let mine = |till: &Till| till.counter.is_some() && till.counter == look.counter;
    tills.sort_by_key(|till| (!mine(till), till.name.clone()));
    let jobs = listed.into_iter().filter(|job| job.kind == kind).map(|job| job_of(look, &tills, job)).collect();
    let preview = Preview {
        kind: kind_word(kind),
        order: order.map(str::to_owned),
        shelf: Some(query.shelf.trim().to_uppercase()).filter(|shelf| !shelf.is_empty()),
        tills: tills
            .iter()
            .filter_map(|till| {
                let printer = jobs::printer_for(&till.printers, &order_for)?;
                let online = look.web.app.tills.online(till.id).is_some();
                Some(PreviewTill { id: till.id, name: till.name.clone(), online, columns: printer.columns })
            })
            .collect(),
        jobs,
    };
    show(look, frame(look).await?, Work::Preview(Box::new(preview))).await
}

#[derive(Deserialize)]
pub struct PrintForm {
    csrf: String,
    till: i64,
    #[serde(default)]
    shelf: String,
}

/// `POST /orders/{order}/documents/{kind}`: prints it.
pub async fn print_of_order(
    look: Look,
    Path((order, kind)): Path<(String, String)>,
    Form(form): Form<PrintForm>,
) -> Response {
    let outcome = print(&look, Some(&order), &kind, &form).await;
    finish(&look, Some(&order), outcome).await
}

/// `POST /documents/{kind}`.
pub async fn print_of_store(look: Look, Path(kind): Path<String>, Form(form): Form<PrintForm>) -> Response {
    let outcome = print(&look, None, &kind, &form).await;
    finish(&look, None, outcome).await
}

async fn print(look: &Look, order: Option<&str>, kind: &str, form: &PrintForm) -> Result<Response, Refused> {
    look.check_csrf(&form.csrf)?;
    let kind = kind_of(kind)?;
    let till = printing::till_for(&look.web, Some(form.till), None).await?;
    let about = about(kind, order, &form.shelf, 48)?;
    let (document, reservation) = printing::document(&look.web, kind, about).await?;
    printing::print(&look.web, till, Order { kind, reservation, document, again_of: None }, look.who.who()).await?;
    match order {
        Some(order) => {
            preview(look, Some(order), kind.as_str(), &DocumentQuery { shelf: String::new(), columns: None }).await
        }
        None => answer(look).await,
    }
}

/// How a document is looked at.
#[derive(Clone, Copy)]
enum Drawn {
    Picture,
    Pdf,
}

/// `GET /orders/{order}/documents/{kind}/{picture|pdf}`.
pub async fn file_of_order(
    look: Look,
    Path((order, kind, form)): Path<(String, String, String)>,
    Query(query): Query<DocumentQuery>,
) -> Response {
    let outcome = file(&look, Some(&order), &kind, &form, &query).await;
    finish(&look, Some(&order), outcome).await
}

/// `GET /documents/{kind}/{picture|pdf}`.
pub async fn file_of_store(
    look: Look,
    Path((kind, form)): Path<(String, String)>,
    Query(query): Query<DocumentQuery>,
) -> Response {
    let outcome = file(&look, None, &kind, &form, &query).await;
    finish(&look, None, outcome).await
}

async fn file(
    look: &Look,
    order: Option<&str>,
    kind: &str,
    form: &str,
    query: &DocumentQuery,
) -> Result<Response, Refused> {
    let form = match form {
        "picture" => Drawn::Picture,
        "pdf" => Drawn::Pdf,
        _ => return Err(Problem::no_such_route().into()),
    };
    let kind = kind_of(kind)?;
    let paper = if query.columns == Some(Paper::MM58.columns) { Paper::MM58 } else { Paper::MM80 };
    let about = about(kind, order, &query.shelf, paper.columns)?;
    let (document, _) = printing::document(&look.web, kind, about).await?;
    let title = order.unwrap_or(kind.as_str()).to_owned();
    let drawn = tokio::task::spawn_blocking(move || {
        let lines = lay_out(&document, paper.columns);
        match form {
            Drawn::Picture => paint::paint(&lines, paper).map(|picture| ("image/png", png::png(&picture))),
            Drawn::Pdf => pdf::pdf(&lines, paper, &title).map(|octets| ("application/pdf", octets)),
        }
    });
    let drawn = drawn.await.map_err(|e| ShopError::Broken(e.to_string()))?;
    let (content_type, octets) = drawn.map_err(|e| Problem::bad_request(format!("document: {e}")))?;
    Ok(([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-store")], octets).into_response())
}
