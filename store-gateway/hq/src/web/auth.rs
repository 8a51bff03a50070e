//! Who is asking: API keys for machines, sessions for people. Locks out who guesses.

use std::time::Duration;

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store_daemon::pin;
use store_daemon::problem::Problem;
use store_daemon::secrets::sha256_hex;
use store_daemon::web::throttle::Miss;
use store_daemon::web::{Transport, cookie, same_secret, set_cookie};
use store_daemon::writer::Lane;

use super::Hq;
use super::templates::{LoginPage, SetupPage, page};
use crate::app::App;
use crate::users;

/// The session's cookie.
const COOKIE: &str = "hq_session";
/// Largest form of a page.
const FORM_MAX: usize = 256 * 1_024;
/// The key under which wrong set-up codes count.
const SETUP: &str = "#setup";

/// A machine with an API key, by the key's name.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

impl Caller {
    /// As it stands in events.
    pub fn actor(&self) -> String {
        format!("api:{}", self.0)
    }
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// What forms must send back.
    pub csrf: String,
}

impl Person {
    /// As it stands in events.
    pub fn actor(&self) -> String {
        format!("user:{}", self.id)
    }
}

/// Lets requests with a known key pass, and says who it is.
pub async fn require_key(State(app): Hq, mut request: Request, next: Next) -> Response {
    let key = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = key.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    match key.and_then(|key| known_key(&app, key.trim())) {
        Some(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        None => {
            app.counters.unauthorized.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let problem = Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a known API key is needed: Authorization: Bearer …",
            );
            let mut response = problem.into_response();
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

/// Compares with every key, so that the time says nothing about which one was near.
fn known_key(app: &App, key: &str) -> Option<Caller> {
    let digest = sha256_hex(key.as_bytes());
    let mut found = None;
    for known in &app.config.api_key {
        if same_secret(&digest, &known.sha256.to_ascii_lowercase()) {
            found = Some(Caller(known.name.clone()));
        }
    }
    found
}

/// Lets requests with a living session pass; whatever changes something must carry the session's token too.
pub async fn require_login(State(app): Hq, request: Request, next: Next) -> Response {
    let token = cookie(request.headers(), COOKIE).map(str::to_owned);
    let session = token.as_deref().and_then(|token| app.sessions.find(token));
    let Some(session) = session else { return log_in_first(&request) };
    let person = Person { id: session.who, csrf: session.csrf };
    let mut request = match checked(request, &person.csrf).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(person);
    next.run(request).await
}

fn log_in_first(request: &Request) -> Response {
    if request.headers().contains_key("hx-request") {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", "/login")]).into_response();
    }
    if request.method() != Method::GET {
        return Problem::unauthorized().into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let next: String = path.bytes().map(encode).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

/// Percent-encodes everything but what may stand in a query's value (RFC 3986 §2.3).
fn encode(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// A path segment with everything special encoded, `/` too.
pub fn segment(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'/' { "%2F".to_owned() } else { encode(byte) }).collect()
}

async fn checked(request: Request, csrf: &str) -> Result<Request, Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    let given = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    if let Some(given) = given {
        return if same_secret(given, csrf) { Ok(request) } else { Err(forged()) };
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, FORM_MAX).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", format!("a form has {FORM_MAX} bytes at most"))
    })?;
    let fields: Vec<(String, String)> = fields(&body);
    let fits = fields.iter().any(|(name, value)| name == "csrf" && same_secret(value, csrf));
    if fits { Ok(Request::from_parts(parts, Body::from(body))) } else { Err(forged()) }
}

fn forged() -> Problem {
    Problem::forbidden("the form is not of this session; load the page again")
}

/// The fields of an urlencoded form.
pub fn fields(body: &[u8]) -> Vec<(String, String)> {
    let uri = format!("/?{}", String::from_utf8_lossy(body));
    uri.parse().ok().and_then(|uri| Query::try_from_uri(&uri).ok()).map(|Query(fields)| fields).unwrap_or_default()
}

/// `GET /login?next=`.
#[derive(Deserialize, Default)]
pub struct Onward {
    #[serde(default)]
    next: String,
}

/// The log-in page; the set-up page while there is nobody.
pub async fn login_page(State(app): Hq, Query(Onward { next }): Query<Onward>) -> Response {
    if app.setup().is_some() {
        return Redirect::to("/setup").into_response();
    }
    page(&LoginPage { next: local(&next), problem: None })
}

/// Only paths of our own: an open redirect would lend our name to others.
fn local(next: &str) -> String {
    let good = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']);
    if good { next.to_owned() } else { "/stores".to_owned() }
}

/// `POST /login`.
#[derive(Deserialize)]
pub struct LoginForm {
    id: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Logs in, or says no after the same time whoever it was.
pub async fn login(State(app): Hq, Form(form): Form<LoginForm>) -> Response {
    let LoginForm { id, password, next } = form;
    let next = local(&next);
    let id: String = id.trim().chars().take(32).collect();
    if let Some(left) = app.logins.locked(&id) {
        return locked(next, left);
    }
    let wanted = id.clone();
    let user = match app.read(move |db| Ok(users::find(db, &wanted)?)).await {
        Ok(user) => user,
        Err(refusal) => return refusal.into_response(),
    };
    let password: String = password.chars().take(users::PASSWORD_MAX + 1).collect();
    let right = match &user {
        Some(user) => pin::verify(password, user.secret.clone()).await,
        None => {
            pin::verify_nobody(password).await;
            false
        }
    };
    if right {
        app.logins.success(&id);
        tracing::info!(user = id, "logged in");
        return opened(&app, id, &next);
    }
    tracing::warn!("a log-in was refused");
    match app.logins.miss(&id) {
        Miss::Locked(left) => locked(next, left),
        Miss::Left(_) => {
            let problem = Some("Name or password is wrong.".to_owned());
            (StatusCode::UNAUTHORIZED, page(&LoginPage { next, problem })).into_response()
        }
    }
}

fn locked(next: String, left: Duration) -> Response {
    let seconds = left.as_secs() + 1;
    let problem = Some(format!("Too many wrong tries. Try again in {seconds} s."));
    let retry = [(header::RETRY_AFTER, HeaderValue::from(seconds))];
    (StatusCode::TOO_MANY_REQUESTS, retry, page(&LoginPage { next, problem })).into_response()
}

fn opened(app: &App, id: String, next: &str) -> Response {
    let (token, _) = app.sessions.open(id);
    let cookie = set_cookie(COOKIE, &token, app.sessions.longest(), transport(app));
    ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()
}

fn transport(app: &App) -> Transport {
    if app.config.web.is_tls() { Transport::Tls } else { Transport::Plain }
}

/// Ends the session.
pub async fn logout(State(app): Hq, headers: HeaderMap) -> Response {
    if let Some(token) = cookie(&headers, COOKIE) {
        app.sessions.close(token);
    }
    let gone = set_cookie(COOKIE, "", Duration::ZERO, transport(&app));
    ([(header::SET_COOKIE, gone)], Redirect::to("/login")).into_response()
}

/// The set-up page, while nobody can log in.
pub async fn setup_page(State(app): Hq) -> Response {
    if app.setup().is_none() {
        return Redirect::to("/login").into_response();
    }
    page(&SetupPage { problem: None, id: String::new(), name: String::new() })
}

/// `POST /setup`.
#[derive(Deserialize)]
pub struct SetupForm {
    code: String,
    id: String,
    name: String,
    password: String,
    password2: String,
}

/// Makes the first user for whoever can read the log.
pub async fn setup(State(app): Hq, Form(form): Form<SetupForm>) -> Response {
    let again = |status: StatusCode, problem: String| {
        let page = page(&SetupPage { problem: Some(problem), id: form.id.clone(), name: form.name.clone() });
        (status, page).into_response()
    };
    if let Some(left) = app.logins.locked(SETUP) {
        return again(
            StatusCode::TOO_MANY_REQUESTS,
            format!("Too many wrong codes. Try again in {} s.", left.as_secs() + 1),
        );
    }
    let right = app.setup().as_deref().map(|code| same_secret(code, form.code.trim()));
    match right {
        None => return Redirect::to("/login").into_response(),
        Some(false) => {
            app.logins.miss(SETUP);
            return again(StatusCode::FORBIDDEN, "This is not the code from the log.".into());
        }
        Some(true) => {}
    }
    if form.password != form.password2 {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "The two passwords differ.".into());
    }
    let (id, name, password) = (form.id.clone(), form.name.clone(), form.password.clone());
    let checked = tokio::task::spawn_blocking(move || users::check(&id, &name, &password)).await;
    let new = match checked {
        Ok(Ok(new)) => new,
        Ok(Err(e)) => return again(StatusCode::UNPROCESSABLE_ENTITY, format!("{e}.")),
        Err(e) => return Problem::storage(e.to_string()).into_response(),
    };
    let made = app
        .work(Lane::Work, move |desk| {
            if users::any(desk.db())? {
                return Ok(false);
            }
            users::put(desk.db(), &new, desk.unix_ms())?;
            Ok(true)
        })
        .await;
    match made {
        Ok(true) => {
            *app.setup() = None;
            tracing::info!(user = form.id, "the first user was made");
            opened(&app, form.id, "/stores")
        }
        Ok(false) => Redirect::to("/login").into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_gone_to_after_the_log_in() {
        assert_eq!(local("/orders?q=1"), "/orders?q=1");
        for bad in ["", "//evil.example", "https://evil.example", "/\\evil.example"] {
            assert_eq!(local(bad), "/stores", "{bad}");
        }
    }

    #[test]
    fn order_numbers_become_one_segment() {
        assert_eq!(segment("2026/11/001 ą?"), "2026%2F11%2F001%20%C4%85%3F");
    }

    #[test]
    fn form_fields_are_decoded() {
        assert_eq!(fields(b"a=1+2&b=%C4%85%2F"), [("a".into(), "1 2".into()), ("b".into(), "ą/".into())]);
    }
}
