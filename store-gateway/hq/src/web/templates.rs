//! The pages' templates and the small words in them.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::tz::TimeZone;

use super::auth::segment;
use super::config_form::ConfigView;
use crate::orders::query::{self, OrderRow};
use crate::orders::refusal::FieldError;
use crate::orders::view::OrderView;
use crate::stores::{AlertView, Figures, StoreView};
use crate::words;

/// Renders a page.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(e) => {
            tracing::error!(error = %e, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What every page of somebody who is logged in has around it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The page's title.
    pub title: String,
    /// Which entry of the navigation is this.
    pub here: &'static str,
    /// The user.
    pub user: String,
    /// What forms send back.
    pub csrf: String,
    /// Alerts that stand.
    pub alerts: i64,
    /// What was searched.
    pub search: String,
    /// Whether the broker link stands.
    pub connected: bool,
}

/// The moment and place for times on pages.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// The chain's time zone.
    pub zone: TimeZone,
}

impl Clock {
    /// `Mon 22.11 14:05`.
    pub fn day(&self, unix_ms: &i64) -> String {
        self.format(*unix_ms, "%a %d.%m %H:%M")
    }

    /// The same for a time that there may not be.
    pub fn day_or(&self, unix_ms: &Option<i64>) -> String {
        unix_ms.map_or_else(|| "—".to_owned(), |at| self.day(&at))
    }

    /// A time in RFC 3339 as `Mon 22.11 14:05:07`.
    pub fn second(&self, text: &str) -> String {
        let at: Option<jiff::Timestamp> = text.parse().ok();
        at.map_or_else(String::new, |at| self.format(at.as_millisecond(), "%a %d.%m %H:%M:%S"))
    }

    fn format(&self, unix_ms: i64, how: &str) -> String {
        jiff::Timestamp::from_millisecond(unix_ms)
            .map(|at| at.to_zoned(self.zone.clone()).strftime(how).to_string())
            .unwrap_or_default()
    }

    /// How long ago: `35 min`, `3 d 4 h`.
    pub fn ago(&self, unix_ms: &i64) -> String {
        rough((self.now_ms - unix_ms) / 1_000)
    }

    /// The same for a time that there may not be.
    pub fn ago_or(&self, unix_ms: &Option<i64>) -> String {
        unix_ms.map_or_else(String::new, |at| self.ago(&at))
    }
}

/// `20 s`, `35 min`, `3 h`, `3 d 4 h`.
fn rough(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (seconds.max(0), minutes) {
        (0..60, _) => format!("{} s", seconds.max(0)),
        (_, 0..60) => format!("{minutes} min"),
        (_, 60..1_440) => format!("{} h", minutes / 60),
        _ => format!("{} d {} h", minutes / 1_440, minutes % 1_440 / 60),
    }
}

/// The colour role of a word: `go`, `warn`, `stop`, `info`, `plain`.
pub fn tone(word: &str) -> &'static str {
    match word {
        "ready" | "handed_over" | "online" | "ok" | "delivered" | "paid_online" | "paid_store" | "granted" => "go",
        "arrived"
        | "on_way"
        | "attended"
        | "picking"
        | "staged"
        | "handing_over"
        | "partial"
        | "inbound"
        | "authorised"
        | "sent"
        | "submitting"
        | "granted_for_the_rest" => "info",
        "short" | "due" | "offline" | "silent" | "pending" | "held" | "refund_due" | "expired" | "cancel" | "amend"
        | "move" | "extend" | "queued" | "unknown" => "warn",
        "failed" | "refused" | "rejected" | "down" => "stop",
        _ => "plain",
    }
}

/// The colour role of a modem's word.
pub fn modem_tone(word: &str) -> &'static str {
    match word {
        "ok" => "go",
        "none" => "plain",
        text if text.starts_with("paused") || text.starts_with("search") => "warn",
        _ => "stop",
    }
}

/// A wire word as people read it.
pub fn plain(word: &str) -> String {
    words::plain(word)
}

/// Bars of signal as blocks.
pub fn bars(bars: &Option<i64>) -> &'static str {
    match bars {
        Some(..=0) | None => "",
        Some(1) => "▂",
        Some(2) => "▂▃",
        Some(3) => "▂▃▅",
        Some(4) => "▂▃▅▆",
        Some(_) => "▂▃▅▆█",
    }
}

/// An amount as people read it.
pub fn price(minor: impl std::borrow::Borrow<i64>, currency: &str) -> String {
    query::price(*minor.borrow(), currency)
}

/// The address of an order's page.
pub fn order_path(store: &str, order: &str) -> String {
    format!("/order/{}/{}", segment(store), segment(order))
}

/// The log-in page.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// Where to go afterwards.
    pub next: String,
    /// What went wrong.
    pub problem: Option<String>,
}

/// The set-up page.
#[derive(Template)]
#[template(path = "setup.html")]
pub struct SetupPage {
    /// What went wrong.
    pub problem: Option<String>,
    /// As typed.
    pub id: String,
    /// As typed.
    pub name: String,
}

/// The fleet.
#[derive(Template)]
#[template(path = "stores.html")]
pub struct StoresPage {
    /// Around it.
    pub frame: Frame,
    /// The part that lives.
    pub live: StoresLive,
    /// What went wrong with the form.
    pub problem: Option<String>,
}

/// Figures, alerts and the table.
#[derive(Template)]
#[template(path = "stores_live.html")]
pub struct StoresLive {
    /// The moment.
    pub clock: Clock,
    /// Figures.
    pub figures: Figures,
    /// The table.
    pub stores: Vec<StoreView>,
}

impl StoresLive {
    /// Stores that can't send text messages now, in words.
    fn mute(&self) -> Option<String> {
        let hurt = |s: &&StoreView| s.link == "online" && s.modem.as_deref().is_some_and(|m| m != "ok" && m != "none");
        let all: Vec<&StoreView> = self.stores.iter().filter(hurt).collect();
        let some: Vec<String> =
            all.iter().take(3).map(|s| format!("{} ({})", s.title(), s.modem.as_deref().unwrap_or_default())).collect();
        let more = if all.len() > 3 { format!(" and {} more", all.len() - 3) } else { String::new() };
        let stores = if all.len() == 1 { "1 store".to_owned() } else { format!("{} stores", all.len()) };
        (!all.is_empty()).then(|| format!("{stores} can't send SMS: {}{more}", some.join(", ")))
    }
}

/// One store.
#[derive(Template)]
#[template(path = "store.html")]
pub struct StorePage {
    /// Around it.
    pub frame: Frame,
    /// The part that lives.
    pub live: StoreLive,
    /// The editor.
    pub config: ConfigView,
    /// Its versions.
    pub history: Vec<HistoryRow>,
    /// HQ's public key.
    pub public_key: String,
    /// What was done.
    pub notice: Option<String>,
}

/// A version of the configuration.
pub struct HistoryRow {
    /// Its number.
    pub version: i64,
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// `running`, `wanted`, `taken back` or nothing.
    pub state: String,
}

/// A store's state.
#[derive(Template)]
#[template(path = "store_live.html")]
pub struct StoreLive {
    /// The moment.
    pub clock: Clock,
    /// The store.
    pub store: StoreView,
    /// Its alerts.
    pub alerts: Vec<AlertView>,
    /// What forms send back.
    pub csrf: String,
}

/// Orders over the fleet.
#[derive(Template)]
#[template(path = "orders.html")]
pub struct OrdersPage {
    /// Around it.
    pub frame: Frame,
    /// The list.
    pub list: OrdersList,
    /// Stores to choose from.
    pub stores: Vec<(String, String)>,
    /// The store chosen.
    pub store: String,
    /// The state chosen.
    pub goods: String,
    /// States to choose from.
    pub states: Vec<String>,
    /// The query of the list, for refreshing it.
    pub query: String,
}

/// The list alone.
#[derive(Template)]
#[template(path = "orders_list.html")]
pub struct OrdersList {
    /// The moment.
    pub clock: Clock,
    /// Rows.
    pub rows: Vec<OrderRow>,
    /// Where the next page begins, as a query.
    pub next: Option<String>,
}

/// One order.
#[derive(Template)]
#[template(path = "order.html")]
pub struct OrderPage {
    /// Around it.
    pub frame: Frame,
    /// The part that lives.
    pub live: OrderLive,
    /// Stores that it could move to.
    pub stores: Vec<(String, String)>,
    /// What went wrong.
    pub problem: Option<String>,
}

/// An order's state.
#[derive(Template)]
#[template(path = "order_live.html")]
pub struct OrderLive {
    /// The moment.
    pub clock: Clock,
    /// The order.
    pub order: OrderView,
}

impl OrderPage {
    fn path(&self) -> String {
        order_path(&self.live.order.store, &self.live.order.order)
    }

    fn ended(&self) -> bool {
        matches!(
            self.live.order.goods.as_str(),
            "handed_over" | "refused" | "cancelled" | "expired" | "put_back" | "released"
        )
    }
}

/// The form for a new order.
#[derive(Template)]
#[template(path = "order_new.html")]
pub struct NewOrderPage {
    /// Around it.
    pub frame: Frame,
    /// Stores to choose from.
    pub stores: Vec<(String, String)>,
    /// As typed.
    pub values: Vec<(String, String)>,
    /// Lines as typed: sku, ean, name, quantity, price, age.
    pub lines: Vec<[String; 6]>,
    /// What is wrong.
    pub errors: Vec<FieldError>,
}

impl NewOrderPage {
    fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    fn error(&self, path: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.path == path).map(|error| error.detail.as_str())
    }

    fn line_error(&self, line: &usize) -> Option<String> {
        let prefix = format!("lines[{line}].");
        let found: Vec<String> = self
            .errors
            .iter()
            .filter_map(|e| Some(format!("{}: {}", e.path.strip_prefix(&prefix)?, e.detail)))
            .collect();
        (!found.is_empty()).then(|| found.join("; "))
    }
}

/// The file drop.
#[derive(Template)]
#[template(path = "import.html")]
pub struct ImportPage {
    /// Around it.
    pub frame: Frame,
}

/// Alerts.
#[derive(Template)]
#[template(path = "alerts.html")]
pub struct AlertsPage {
    /// Around it.
    pub frame: Frame,
    /// The list.
    pub list: AlertsList,
}

/// The list alone.
#[derive(Template)]
#[template(path = "alerts_list.html")]
pub struct AlertsList {
    /// The moment.
    pub clock: Clock,
    /// Rows.
    pub alerts: Vec<AlertView>,
    /// What forms send back.
    pub csrf: String,
}

/// Nothing at this address.
#[derive(Template)]
#[template(path = "nothing.html")]
pub struct NothingPage {
    /// Around it.
    pub frame: Frame,
    /// In words.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, text) in
            [(5, "5 s"), (35 * 60, "35 min"), (3 * 3_600, "3 h"), (76 * 3_600, "3 d 4 h"), (-4, "0 s")]
        {
            assert_eq!(rough(seconds), text);
        }
    }
}
