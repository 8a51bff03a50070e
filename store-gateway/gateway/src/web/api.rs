//! `/api/v1`: the same acts as the pages, for tills and scripts.

mod act;
mod calls;
mod messages;
mod openapi;
mod prompts;
mod reservations;
mod tills;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post, put};
use store_daemon::problem::{Problem, only_problems};

pub use act::{Acted, HandOverAsk, Presented, count_codes, hand_over_in, screen_is_open};
pub use prompts::{keep as keep_recording, place as recording_place};
pub use reservations::unknown_order;
pub use tills::managers_only as managers_only_for_tills;

use super::{Web, sse};

/// Routes below `/api/v1`.
pub fn router() -> Router<Web> {
    Router::new()
        .route("/session", post(reservations::log_in).delete(reservations::log_out))
        .route("/reservations", get(reservations::list))
        .route("/reservations/{order}", get(reservations::one))
        .route("/reservations/{order}/stage", post(act::stage))
        .route("/reservations/{order}/arrive", post(act::arrive))
        .route("/reservations/{order}/attend", post(act::attend))
        .route("/reservations/{order}/hand-over", post(act::hand_over))
        .route("/reservations/{order}/undo", post(act::undo))
        .route("/reservations/{order}/refuse", post(act::refuse))
        .route("/reservations/{order}/extend", post(act::extend))
        .route("/reservations/{order}/request-cancel", post(act::request_cancel))
        .route("/reservations/{order}/put-back", post(act::put_back))
        .route("/messages", get(messages::list).post(messages::create))
        .route("/messages/preview", post(messages::preview))
        .route("/messages/resume", post(messages::resume))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::one))
        .route("/calls/{id}/done", post(calls::done))
        .route("/phones", get(calls::phones))
        .route("/prompts", get(prompts::list))
        .route("/prompts/{language}/{name}", put(prompts::put).delete(prompts::delete))
        .route("/tills", get(tills::list))
        .route("/tills/code", post(tills::code))
        .route("/tills/{id}", delete(tills::remove))
        .route("/tills/{id}/drawer", post(tills::drawer))
        .route("/prints", get(tills::prints))
        .route("/prints/{id}", get(tills::one))
        .route("/prints/{id}/again", post(tills::again))
        .route("/prints/{id}/settle", post(tills::settle))
        .route("/prints/{id}/cancel", post(tills::cancel))
        .route("/reservations/{order}/print", post(tills::print))
        .route("/openapi.json", get(openapi::document))
        .route("/events", get(sse::events))
        .fallback(|| async { Problem::no_such_route() })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(from_fn(only_problems))
}
