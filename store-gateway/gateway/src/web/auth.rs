//! Logging in, and knowing who asks.

use std::time::Duration;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use store_daemon::problem::Problem;
use store_daemon::web::session::Session;
use store_daemon::web::throttle::Miss;
use store_daemon::web::{cookie, same_secret};
use store_daemon::writer::Lane;

use super::Web;
use crate::app::ShopError;
use crate::desk::Who;
use crate::facts;
use crate::staff::{self, Person};

/// The cookie with the session's token.
pub const SESSION_COOKIE: &str = "session";
/// The cookie by which a till's scans find their browser. It opens nothing: who uses it must be logged in.
pub const COUNTER_COOKIE: &str = "counter";
/// The header with what a page's form would send as `csrf`.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// How long the cookie of a screen is kept: it outlives everybody's session, for the screen stays where it stands.
pub const COUNTER_KEPT: Duration = Duration::from_secs(5 * 365 * 86_400);

/// The browser's own cookie.
pub fn counter_of(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COUNTER_COOKIE).filter(|counter| !counter.is_empty())
}

/// Somebody who is logged in, from a bearer token or from the page's cookie with its CSRF token.
pub struct LoggedIn {
    /// The session.
    pub session: Session<Person>,
    /// The session's token.
    pub token: String,
    /// Where they sit: the first characters of the session's hash, which name a screen and no person.
    pub screen: String,
}

impl LoggedIn {
    /// Who acts.
    pub fn who(&self) -> Who {
        self.session.who.at(&self.screen)
    }

    /// Checks a form's `csrf` field.
    ///
    /// # Errors
    /// 403.
    pub fn check_csrf(&self, sent: &str) -> Result<(), Problem> {
        if same_secret(sent, &self.session.csrf) { Ok(()) } else { Err(csrf_missing()) }
    }
}

fn csrf_missing() -> Problem {
    Problem::new(axum::http::StatusCode::FORBIDDEN, "csrf", "the page is out of date; load it again")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn session_of(web: &Web, headers: &HeaderMap) -> Option<(LoggedIn, bool)> {
    let (token, by_cookie) = match bearer(headers) {
        Some(token) => (token, false),
        None => (cookie(headers, SESSION_COOKIE)?, true),
    };
    let session = web.sessions.find(token)?;
    let screen = format!("screen-{}", &store_daemon::secrets::sha256_hex(token.as_bytes())[..8]);
    Some((LoggedIn { session, token: token.to_owned(), screen }, by_cookie))
}

/// API handlers take this: a cookie's unsafe request must carry the CSRF header.
impl FromRequestParts<Web> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let (logged_in, by_cookie) = session_of(web, &parts.headers).ok_or_else(Problem::unauthorized)?;
        let safe = matches!(parts.method, Method::GET | Method::HEAD);
        if by_cookie && !safe {
            let sent = parts.headers.get(CSRF_HEADER).and_then(|v| v.to_str().ok()).unwrap_or_default();
            logged_in.check_csrf(sent)?;
        }
        Ok(logged_in)
    }
}

/// Page handlers take `Option<Visitor>` and check the form's field themselves.
pub struct Visitor(pub LoggedIn);

impl OptionalFromRequestParts<Web> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Option<Self>, Self::Rejection> {
        Ok(session_of(web, &parts.headers).map(|(logged_in, _)| Visitor(logged_in)))
    }
}

/// Why a log-in failed.
#[derive(Debug)]
pub enum LoginError {
    /// Name or PIN is wrong; so many tries are left.
    Wrong {
        /// Tries before a lock.
        left: u32,
    },
    /// Locked.
    Locked(Duration),
    /// Not their fault.
    Shop(ShopError),
}

impl From<ShopError> for LoginError {
    fn from(e: ShopError) -> Self {
        Self::Shop(e)
    }
}

impl From<LoginError> for Problem {
    fn from(e: LoginError) -> Problem {
        match e {
            LoginError::Wrong { left } => {
                Problem::new(axum::http::StatusCode::UNAUTHORIZED, "wrong-pin", "wrong name or PIN")
                    .with("tries_left", left)
            }
            LoginError::Locked(left) => {
                Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "locked", "too many wrong PINs; wait")
                    .with("retry_after_s", left.as_secs().max(1))
            }
            LoginError::Shop(e) => super::view::problem_of(&e),
        }
    }
}

impl Web {
    /// Checks a PIN and opens a session. A name that nobody has takes as long as a wrong PIN and locks alike.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn log_in(&self, id: &str, pin: &str) -> Result<(String, Session<Person>), LoginError> {
        if let Some(left) = self.pins.locked(id) {
            return Err(LoginError::Locked(left));
        }
        let wanted = id.to_owned();
        let found = self.app.read(move |db| staff::find(db, &wanted)).await?;
        let person = match found {
            Some((person, phc)) => store_daemon::pin::verify(pin.to_owned(), phc).await.then_some(person),
            None => {
                store_daemon::pin::verify_nobody(pin.to_owned()).await;
                None
            }
        };
        let Some(person) = person else {
            return Err(match self.pins.miss(id) {
                Miss::Left(left) => LoginError::Wrong { left },
                Miss::Locked(wait) => {
                    self.note_staff(id, "staff.locked").await?;
                    LoginError::Locked(wait)
                }
            });
        };
        self.pins.success(id);
        self.note_staff(person.id.as_str(), "staff.logged_in").await?;
        tracing::info!(staff = %person.id, "logged in");
        Ok(self.sessions.open(person))
    }

    async fn note_staff(&self, id: &str, kind: &'static str) -> Result<(), ShopError> {
        let id = id.chars().take(64).collect::<String>();
        let noted = self
            .app
            .work(Lane::Work, move |desk| {
                let who = Who { actor: shop_model::event::Actor::staff(&*id), ..Who::system() };
                desk.audit(&who, kind, &id)?;
                desk.append(facts::staff_event(kind, &id)?).map(drop)
            })
            .await;
        match noted {
            // A superseded box still lets people look.
            Err(ShopError::Superseded) => Ok(()),
            other => other,
        }
    }
}
