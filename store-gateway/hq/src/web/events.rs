//! Server-sent events for open pages: what changed, never what it is now.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::json;
use store_daemon::web::cookie;
use tokio::sync::broadcast::error::RecvError;

use super::Hq;
use super::auth::Person;
use crate::live::Live;

/// Between two comments that keep the line open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// One line to one browser; its tabs share it.
pub async fn events(
    State(app): Hq,
    Extension(_person): Extension<Person>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let hello = Event::default().event("hello").data(json!({ "version": env!("CARGO_PKG_VERSION") }).to_string());
    let token = cookie(&headers, "hq_session").unwrap_or_default().to_owned();
    let listen = app.live.subscribe();
    let begun = (Some(hello), listen, app, token);
    let events = stream::unfold(begun, |(first, mut listen, app, token)| async move {
        if let Some(first) = first {
            return Some((Ok(first), (None, listen, app, token)));
        }
        let event = match listen.recv().await {
            Ok(live) => named(&live),
            // It lagged: everything may have changed.
            Err(RecvError::Lagged(_)) => Event::default().event("hello").data("{}"),
            Err(RecvError::Closed) => return None,
        };
        // A session that has ended hears nothing more.
        app.sessions.find(&token)?;
        Some((Ok(event), (None, listen, app, token)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

fn named(live: &Live) -> Event {
    let (name, id) = live.event();
    Event::default().event(name).data(json!({ "id": id }).to_string())
}
