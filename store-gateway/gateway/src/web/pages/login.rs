//! Log-in, log-out, the first manager, and how a screen likes its pages.

use std::sync::PoisonError;
use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use store_daemon::secrets::token as random_token;
use store_daemon::web::throttle::Miss;
use store_daemon::web::{same_secret, set_cookie};
use store_daemon::writer::Lane;

use super::{Look, Refused, broken, taste};
use crate::app::ShopError;
use crate::screens::view::{Frame, LinkPill, Login, LoginPerson, LoginProblem, Setup, SetupProblem, Theme};
use crate::screens::{self, Lang, Moment};
use crate::staff::{self, Entry, StaffError};
use crate::web::Web;
use crate::web::auth::{COUNTER_COOKIE, COUNTER_KEPT, LoginError, SESSION_COOKIE, counter_of};
use crate::web::pages::words;

/// How long a browser remembers language and theme.
const TASTE: Duration = Duration::from_secs(400 * 24 * 3_600);
/// The throttle's key for the set-up code.
const SETUP: &str = "set-up";

#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// A path of ours, or the start page: never another site.
fn own_path(wanted: Option<&str>) -> String {
    match wanted {
        Some(path) if path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r']) => {
            path.to_owned()
        }
        _ => "/".to_owned(),
    }
}

fn frame(web: &Web, theme: Theme) -> Frame {
    let config = &web.app.config;
    let seconds = |d: Duration| u32::try_from(d.as_secs()).unwrap_or(u32::MAX);
    Frame {
        store: config.store.name.clone(),
        counter: String::new(),
        csrf: String::new(),
        now: Moment::at(web.app.clock.wall().unix_ms, &config.store.timezone),
        theme,
        staff: None,
        link: LinkPill::Online,
        needs_person: 0,
        missed_calls: 0,
        prints_to_check: 0,
        printers_held: 0,
        amber_s: seconds(config.counter.arrived_amber),
        red_s: seconds(config.counter.arrived_red),
    }
}

fn until(web: &Web, wait: Duration) -> Moment {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    Moment::at(web.app.clock.wall().unix_ms.saturating_add(wait), &web.app.config.store.timezone)
}

async fn page(
    web: &Web,
    headers: &HeaderMap,
    next: String,
    chosen: Option<String>,
    problem: Option<LoginProblem>,
) -> Response {
    let (lang, theme) = taste(web, headers);
    let people = match web.app.read(staff::all).await {
        Ok(people) => people,
        Err(e) => return crate::web::view::problem_of(&e).into_response(),
    };
    let people = people.into_iter().map(|person| LoginPerson {
        initials: person.initials(),
        role: words::role(person.role),
        id: person.id.to_string(),
        name: person.name,
    });
    let login = Login { people: people.collect(), chosen, problem, next };
    let status = match problem {
        None | Some(LoginProblem::Ended) => StatusCode::OK,
        Some(LoginProblem::Locked { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(LoginProblem::WrongPin { .. } | LoginProblem::Stale) => StatusCode::UNAUTHORIZED,
    };
    match screens::render_login(&frame(web, theme), &login, lang) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(e) => broken(&e),
    }
}

fn is_set_up(web: &Web) -> bool {
    web.setup.lock().unwrap_or_else(PoisonError::into_inner).is_none()
}

/// `GET /login`.
pub async fn show(State(web): State<Web>, headers: HeaderMap, Query(query): Query<Next>) -> Response {
    if !is_set_up(&web) {
        return Redirect::to("/setup").into_response();
    }
    page(&web, &headers, own_path(query.next.as_deref()), None, None).await
}

#[derive(Deserialize)]
pub struct LogIn {
    staff: String,
    pin: String,
    next: Option<String>,
}

/// `POST /login`.
pub async fn log_in(State(web): State<Web>, headers: HeaderMap, Form(form): Form<LogIn>) -> Response {
    let next = own_path(form.next.as_deref());
    match web.log_in(&form.staff, &form.pin).await {
        Ok((token, _)) => {
            let cookie = set_cookie(SESSION_COOKIE, &token, web.sessions.longest(), web.transport);
            let mut response =
                (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response();
            // From the start, so that the event stream of any tab has it when a till is joined to this browser.
            if counter_of(&headers).is_none() {
                let counter = set_cookie(COUNTER_COOKIE, &random_token(), COUNTER_KEPT, web.transport);
                response.headers_mut().append(header::SET_COOKIE, counter);
            }
            response
        }
        Err(LoginError::Wrong { left }) => {
            page(&web, &headers, next, Some(form.staff), Some(LoginProblem::WrongPin { tries_left: left })).await
        }
        Err(LoginError::Locked(wait)) => {
            let problem = LoginProblem::Locked { until: until(&web, wait) };
            page(&web, &headers, next, Some(form.staff), Some(problem)).await
        }
        Err(LoginError::Shop(e)) => crate::web::view::problem_of(&e).into_response(),
    }
}

#[derive(Deserialize)]
pub struct Csrf {
    csrf: String,
}

/// `POST /logout`.
pub async fn log_out(look: Look, Form(form): Form<Csrf>) -> Response {
    if let Err(refused) = look.check_csrf(&form.csrf) {
        return look.refuse(refused, None).await;
    }
    look.web.sessions.close(&look.who.token);
    look.web.screens.close(&look.who.screen);
    let gone = set_cookie(SESSION_COOKIE, "", Duration::ZERO, look.web.transport);
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response()
}

fn setup_page(web: &Web, headers: &HeaderMap, setup: &Setup) -> Response {
    let (lang, theme) = taste(web, headers);
    let status = match setup.problem {
        None => StatusCode::OK,
        Some(SetupProblem::WrongCode) => StatusCode::FORBIDDEN,
        Some(SetupProblem::Locked { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    match screens::render_setup(&frame(web, theme), setup, lang) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(e) => broken(&e),
    }
}

/// `GET /setup`.
pub async fn show_setup(State(web): State<Web>, headers: HeaderMap) -> Response {
    if is_set_up(&web) {
        return Redirect::to("/login").into_response();
    }
    setup_page(&web, &headers, &Setup { problem: None, id: String::new(), name: String::new() })
}

#[derive(Deserialize)]
pub struct SetUp {
    code: String,
    id: String,
    name: String,
    pin: String,
    pin2: String,
}

/// `POST /setup`: the first manager.
pub async fn set_up(State(web): State<Web>, headers: HeaderMap, Form(form): Form<SetUp>) -> Response {
    let again = |problem| Setup { problem: Some(problem), id: form.id.clone(), name: form.name.clone() };
    if let Some(wait) = web.pins.locked(SETUP) {
        return setup_page(&web, &headers, &again(SetupProblem::Locked { until: until(&web, wait) }));
    }
    let right = match &*web.setup.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(code) => same_secret(code, form.code.trim()),
        None => return Redirect::to("/login").into_response(),
    };
    if !right {
        return match web.pins.miss(SETUP) {
            Miss::Left(_) => setup_page(&web, &headers, &again(SetupProblem::WrongCode)),
            Miss::Locked(wait) => setup_page(&web, &headers, &again(SetupProblem::Locked { until: until(&web, wait) })),
        };
    }
    if form.pin != form.pin2 {
        return setup_page(&web, &headers, &again(SetupProblem::PinsDiffer));
    }
    let (id, name, pin) = (form.id.clone(), form.name.clone(), form.pin.clone());
    let entry = tokio::task::spawn_blocking(move || Entry::new(&id, &name, "manager", &pin)).await;
    let entry = match entry {
        Ok(Ok(entry)) => entry,
        Ok(Err(StaffError::Id(_))) => return setup_page(&web, &headers, &again(SetupProblem::BadId)),
        Ok(Err(StaffError::Name)) => return setup_page(&web, &headers, &again(SetupProblem::BadName)),
        Ok(Err(StaffError::Pin)) => return setup_page(&web, &headers, &again(SetupProblem::BadPin)),
        Ok(Err(e)) => return crate::web::view::problem_of(&ShopError::Corrupt(e.to_string())).into_response(),
        Err(e) => return crate::web::view::problem_of(&ShopError::Corrupt(e.to_string())).into_response(),
    };
    let put = web.app.work(Lane::Work, move |desk| Ok(entry.put(desk.db(), desk.wall().unix_ms)?)).await;
    if let Err(e) = put {
        return crate::web::view::problem_of(&e).into_response();
    }
    *web.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
    Redirect::to("/login").into_response()
}

#[derive(Deserialize)]
pub struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    back: Option<String>,
}

/// `POST /preferences`: harmless without a log-in, so the log-in page has it too.
pub async fn prefer(State(web): State<Web>, Form(form): Form<Preferences>) -> Response {
    let mut response = Redirect::to(&own_path(form.back.as_deref())).into_response();
    let lang = form.lang.as_deref().and_then(Lang::parse).map(|lang| ("lang", lang.tag()));
    let theme = form.theme.as_deref().and_then(Theme::parse).map(|theme| ("theme", theme.value()));
    for (name, value) in [lang, theme].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, set_cookie(name, value, TASTE, web.transport));
    }
    response
}

impl From<LoginError> for Refused {
    fn from(e: LoginError) -> Self {
        Self(e.into())
    }
}
