//! The counter's pages and the API, on one listener.

pub mod api;
pub mod auth;
pub mod health;
pub mod pages;
pub mod printing;
pub mod sse;
pub mod view;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use store_daemon::problem::Problem;
use store_daemon::supervisor::Stop;
use store_daemon::web::session::Sessions;
use store_daemon::web::throttle::{Rule, Throttle};
use store_daemon::web::{Transport, security_headers};

use crate::app::App;
use crate::staff::Person;

/// Largest request body: a form or a small JSON document.
const BODY_BYTES: usize = 64 * 1_024;
/// A session ends after this long without use: a shift's break.
const SESSION_IDLE: Duration = Duration::from_secs(4 * 3_600);
/// A session ends after this long in any case: a shift.
const SESSION_LONGEST: Duration = Duration::from_secs(12 * 3_600);
/// Wrong PINs that lock somebody's log-in.
const PIN_RULE: Rule = Rule { misses: 5, window: Duration::from_secs(600), lock: Duration::from_secs(60) };

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

/// See [`Web`].
pub struct Inner {
    /// The gateway.
    pub app: App,
    /// Who is logged in.
    pub sessions: Sessions<Person>,
    /// Wrong PINs by person.
    pub pins: Throttle,
    /// Wrong codes by screen.
    pub codes: Throttle,
    /// What each screen has open.
    pub screens: pages::Screens,
    /// The code that the log told for the first manager; none once there is one.
    pub setup: std::sync::Mutex<Option<String>>,
    /// How pages reach the browser.
    pub transport: Transport,
    /// Ends event streams when the process stops.
    pub stop: Stop,
}

impl Deref for Web {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Web {
    /// Puts the web side together; `setup` is the one-time code of a store without people.
    pub fn new(app: App, setup: Option<String>, stop: Stop) -> Web {
        let transport = if app.config.web.is_tls() { Transport::Tls } else { Transport::Plain };
        let first = app.config.counter.code_lock;
        Web(Arc::new(Inner {
            sessions: Sessions::new(SESSION_IDLE, SESSION_LONGEST),
            pins: Throttle::new(Rule { lock: first, ..PIN_RULE }),
            codes: Throttle::new(Rule { lock: first, ..PIN_RULE }),
            screens: pages::Screens::default(),
            setup: std::sync::Mutex::new(setup),
            transport,
            stop,
            app,
        }))
    }

    /// All routes.
    pub fn router(&self) -> Router {
        Router::new()
            .nest("/api/v1", api::router())
            .merge(health::router())
            .merge(pages::router())
            .fallback(|| async { Problem::no_such_route() })
            .method_not_allowed_fallback(|| async { Problem::wrong_method() })
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .layer(middleware::from_fn(security_headers))
            .with_state(self.clone())
    }
}
