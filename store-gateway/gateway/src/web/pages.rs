//! The counter's pages: forms and fragments around the same acts as the API's. What a page looks like is
//! [`crate::screens`]'s business.

mod act;
mod board;
mod calls;
mod card;
mod desk_pages;
mod devices;
mod login;
mod open;
mod scan;
mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use store_daemon::problem::Problem;
use store_daemon::web::cookie;

pub use desk_pages::note_start;
pub use open::Screens;

use super::auth::{LoggedIn, Visitor, counter_of};
use super::view::problem_of;
use super::{Web, sse};
use crate::app::ShopError;
use crate::screens::view::{Frame, Theme};
use crate::screens::{self, Lang, Moment, ScreenError};

/// A recording with its form.
const MOST_RECORDING: usize = store_sound::prompts::MOST_UPLOAD_OCTETS + 4_096;

/// Routes of the pages.
pub fn router() -> Router<Web> {
    Router::new()
        .route("/assets/{*path}", get(asset))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/setup", get(login::show_setup).post(login::set_up))
        .route("/preferences", post(login::prefer))
        .route("/", get(board::home))
        .route("/board", get(board::fragment))
        .route("/pill", get(board::pill))
        .route("/side", get(card::side))
        .route("/orders/{order}", get(card::page))
        .route("/orders/{order}/card", get(card::fragment))
        .route("/orders/{order}/stage", get(scan::staging).post(act::stage))
        .route("/orders/{order}/hand-over", post(act::hand_over))
        .route("/orders/{order}/undo", post(act::undo))
        .route("/orders/{order}/arrive", post(act::arrive))
        .route("/orders/{order}/attend", post(act::attend))
        .route("/orders/{order}/refuse", post(act::refuse))
        .route("/orders/{order}/extend", post(act::extend))
        .route("/orders/{order}/reply", post(act::reply))
        .route("/scan", post(scan::scan))
        .route("/messages", get(desk_pages::messages))
        .route("/messages/{id}/settle", post(desk_pages::settle))
        .route("/texts/{id}/done", post(desk_pages::text_done))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::one))
        .route("/calls/{id}/done", post(calls::done))
        .route("/prompts", post(calls::record).layer(DefaultBodyLimit::max(MOST_RECORDING)))
        .route("/prompts/remove", post(calls::remove_recording))
        .route("/devices", get(devices::list))
        .route("/devices/code", post(devices::code))
        .route("/devices/tills/{till}/screen", post(devices::screen))
        .route("/devices/tills/{till}/test", post(devices::test))
        .route("/devices/tills/{till}/drawer", post(devices::drawer))
        .route("/devices/tills/{till}/remove", post(devices::remove))
        .route("/devices/jobs/{id}/settle", post(devices::settle))
        .route("/devices/jobs/{id}/again", post(devices::again))
        .route("/devices/jobs/{id}/cancel", post(devices::cancel))
        .route("/orders/{order}/documents/{kind}", get(devices::preview_of_order).post(devices::print_of_order))
        .route("/orders/{order}/documents/{kind}/{form}", get(devices::file_of_order))
        .route("/documents/{kind}", get(devices::preview_of_store).post(devices::print_of_store))
        .route("/documents/{kind}/{form}", get(devices::file_of_store))
        .route("/health-page", get(desk_pages::health))
        .route("/events", get(sse::events))
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = screens::assets::find(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let told =
        [(header::CONTENT_TYPE, asset.content_type), (header::ETAG, asset.etag()), (header::CACHE_CONTROL, "no-cache")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|have| have == asset.etag()) {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    (told, asset.bytes).into_response()
}

/// Who looks at a page, and how.
pub struct Look {
    web: Web,
    who: LoggedIn,
    lang: Lang,
    theme: Theme,
    /// The cookie by which a till's scans find this browser.
    counter: Option<String>,
    /// The request came from htmx and wants a fragment.
    fragment: bool,
}

/// How the browser likes its pages.
fn taste(web: &Web, headers: &HeaderMap) -> (Lang, Theme) {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).and_then(Lang::from_accept);
    let own = Lang::parse(web.app.config.store.language.as_str());
    let lang = cookie(headers, "lang").and_then(Lang::parse).or(own).or(accept).unwrap_or(Lang::Pl);
    (lang, cookie(headers, "theme").and_then(Theme::parse).unwrap_or_default())
}

impl FromRequestParts<Web> for Look {
    type Rejection = Response;

    /// Nobody logged in: the log-in page, by redirect or by htmx's own word.
    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let fragment = parts.headers.contains_key("hx-request");
        let Ok(visitor) =
            <Visitor as axum::extract::OptionalFromRequestParts<Web>>::from_request_parts(parts, web).await;
        let Some(Visitor(who)) = visitor else { return Err(to_login(web, parts, fragment)) };
        let (lang, theme) = taste(web, &parts.headers);
        let counter = counter_of(&parts.headers).map(str::to_owned);
        Ok(Self { web: web.clone(), who, lang, theme, counter, fragment })
    }
}

fn to_login(web: &Web, parts: &Parts, fragment: bool) -> Response {
    let nobody = web.setup.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some();
    let wanted = if parts.method == axum::http::Method::GET { parts.uri.path() } else { "/" };
    let place = if nobody { "/setup".to_owned() } else { format!("/login?next={}", screens::segment(wanted)) };
    if !fragment {
        return Redirect::to(&place).into_response();
    }
    let place = HeaderValue::from_str(&place).unwrap_or(HeaderValue::from_static("/login"));
    (StatusCode::UNAUTHORIZED, [("hx-redirect", place)]).into_response()
}

impl Look {
    fn moment(&self, unix_ms: i64) -> Moment {
        Moment::at(unix_ms, &self.web.app.config.store.timezone)
    }

    fn now(&self) -> Moment {
        self.moment(self.web.app.clock.wall().unix_ms)
    }

    /// Checks what a form sent back.
    fn check_csrf(&self, sent: &str) -> Result<(), Refused> {
        self.who.check_csrf(sent).map_err(Refused)
    }

    /// Writes a refusal: a fragment into the notice, or a plain page.
    async fn refuse(&self, refused: Refused, order: Option<&str>) -> Response {
        let problem = refused.0;
        let frame = match board::frame(self).await {
            Ok(frame) => frame,
            Err(e) => return problem_of(&e).into_response(),
        };
        let context = act::context_of(self, order).await;
        let words = words::problem(self, &problem, order);
        let html = screens::render_problem(&frame, &words, context.as_ref(), self.lang);
        match html {
            Ok(html) => (problem.status(), Html(html)).into_response(),
            Err(e) => broken(&e),
        }
    }
}

/// A refusal on its way to a page.
pub struct Refused(pub Problem);

impl From<ShopError> for Refused {
    fn from(e: ShopError) -> Self {
        Self(problem_of(&e))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ScreenError> for Refused {
    fn from(e: ScreenError) -> Self {
        tracing::error!(error = %e, "a screen could not be written");
        Self(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "screen", e.to_string()))
    }
}

fn broken(e: &ScreenError) -> Response {
    tracing::error!(error = %e, "a screen could not be written");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// A whole page or the fragment that htmx asked for.
async fn show(look: &Look, frame: Frame, work: screens::view::Work) -> Result<Response, Refused> {
    if look.fragment {
        let mut response = Html(screens::render_work(&frame, &work, look.lang)?).into_response();
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("HX-Request"));
        return Ok(response);
    }
    let board = board::board(look, work.order().map(str::to_owned)).await?;
    let page = screens::view::Page { frame, board, work };
    let mut response = Html(screens::render_page(&page, look.lang)?).into_response();
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("HX-Request"));
    Ok(response)
}

/// The open order after something was done to it, with the board told to refresh.
fn acted(mut response: Response, order: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert("hx-trigger", HeaderValue::from_static("live-board"));
    if let Ok(place) = HeaderValue::from_str(&format!("/orders/{}", screens::segment(order))) {
        headers.insert("hx-push-url", place);
    }
    response
}

/// Turns a handler's outcome into a response.
async fn finish(look: &Look, order: Option<&str>, outcome: Result<Response, Refused>) -> Response {
    match outcome {
        Ok(response) => response,
        Err(refused) => look.refuse(refused, order).await,
    }
}
