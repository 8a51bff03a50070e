//! Server-sent events: what changed, so that open pages fetch it again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::Web;
use super::auth::{LoggedIn, counter_of};
use crate::live::Live;
use crate::tills::Watching;

/// A comment line at least this often, so that a dead connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /events` and `GET /api/v1/events`.
pub async fn events(
    State(web): State<Web>,
    who: LoggedIn,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let counter = counter_of(&headers).unwrap_or_default().to_owned();
    let start = Stage {
        live: web.app.live.subscribe(),
        watching: Watching::open(&web.app, counter),
        web: web.clone(),
        token: who.token,
        greeted: false,
        ended: false,
    };
    let stream = futures_util::stream::unfold(start, |mut stage| async move {
        let event = stage.next().await?;
        Some((Ok(event), stage))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Stage {
    web: Web,
    watching: Watching,
    live: tokio::sync::broadcast::Receiver<Live>,
    token: String,
    greeted: bool,
    ended: bool,
}

impl Stage {
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some(hello());
        }
        let mut stop = self.web.stop.clone();
        let event = loop {
            let event = tokio::select! {
                event = self.live.recv() => event,
                () = stop.asked() => return None,
            };
            if !event.as_ref().is_ok_and(|live| !self.watching.is_for(live)) {
                break event;
            }
        };
        if !self.web.sessions.is_alive(&self.token) {
            self.ended = true;
            return Some(Event::default().event("bye").data("{}"));
        }
        match event {
            Ok(live) => Some(Event::default().event(live.name()).data(live.data())),
            // The browser lagged behind: as after a new connection, it fetches everything.
            Err(RecvError::Lagged(_)) => Some(hello()),
            Err(RecvError::Closed) => None,
        }
    }
}

fn hello() -> Event {
    Event::default().event("hello").data(json!({ "version": env!("CARGO_PKG_VERSION") }).to_string())
}
