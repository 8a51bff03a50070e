//! Everything that answers HTTP: REST with API keys under `/api/v1`, pages with a log-in of their own, health.

pub mod actions;
pub mod api;
pub mod auth;
pub mod config_form;
pub mod events;
pub mod health;
pub mod imports;
pub mod openapi;
pub mod pages;
pub mod templates;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use store_daemon::problem::{Problem, only_problems};
use store_daemon::web::assets::{Asset, Assets};
use store_daemon::web::security_headers;

use crate::app::App;
use crate::orders::refusal::Refusal;

/// Files that the pages need; nothing comes from elsewhere.
const FILES: &[Asset] = &[
    Asset { name: "theme.css", bytes: include_bytes!("../../daemon/assets/theme.css") },
    Asset { name: "htmx.min.js", bytes: include_bytes!("../../daemon/assets/htmx.min.js") },
    Asset { name: "live.js", bytes: include_bytes!("../../daemon/assets/live.js") },
    Asset { name: "election.js", bytes: include_bytes!("../../daemon/assets/election.js") },
    Asset { name: "hq.css", bytes: include_bytes!("../assets/hq.css") },
    Asset { name: "hq.js", bytes: include_bytes!("../assets/hq.js") },
    Asset { name: "hq-icon.svg", bytes: include_bytes!("../assets/hq-icon.svg") },
];

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    let assets = Assets::new(&[FILES]);
    let api = api::router(&app).fallback(no_such_route).method_not_allowed_fallback(wrong_method);
    let api = api.layer(from_fn(only_problems));
    Router::new()
        .nest("/api/v1", api)
        .merge(pages(&app))
        .route("/login", get(auth::login_page).post(auth::login))
        .route("/setup", get(auth::setup_page).post(auth::setup))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route(
            "/assets/{name}",
            get(move |Path(name): Path<String>, headers: HeaderMap| {
                let answer = assets.answer(&name, &headers);
                async move { answer }
            }),
        )
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(security_headers))
        .with_state(app)
}

fn pages(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/stores") }))
        .route("/stores", get(pages::stores).post(actions::add_store))
        .route("/stores/live", get(pages::stores_live))
        .route("/stores/{store}", get(pages::store))
        .route("/stores/{store}/live", get(pages::store_live))
        .route("/stores/{store}/config", post(actions::put_config))
        .route("/orders", get(pages::orders))
        .route("/orders/list", get(pages::orders_list))
        .route("/orders/new", get(pages::new_order).post(actions::place_order))
        .route("/orders/import", get(pages::import).post(imports::page_import))
        .route("/order/{store}/{order}", get(pages::order))
        .route("/order/{store}/{order}/live", get(pages::order_live))
        .route("/order/{store}/{order}/cancel", post(actions::cancel))
        .route("/order/{store}/{order}/amend", post(actions::amend))
        .route("/order/{store}/{order}/paid", post(actions::paid))
        .route("/order/{store}/{order}/move", post(actions::move_order))
        .route("/order/{store}/{order}/release", post(actions::release))
        .route("/alerts", get(pages::alerts))
        .route("/alerts/list", get(pages::alerts_list))
        .route("/alerts/{id}/clear", post(actions::clear_alert))
        .route("/events", get(events::events))
        .route("/logout", post(auth::logout))
        .layer(from_fn_with_state(app.clone(), auth::require_login))
}

async fn no_such_route() -> Problem {
    Problem::no_such_route()
}

async fn wrong_method() -> Problem {
    Problem::wrong_method()
}

/// The application's state as handlers take it.
pub type Hq = State<App>;
