//! The pages: reading only. What changes something is in [`super::actions`].

use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shop_model::ids::{OrderNumber, StoreId};
use shop_model::reservation::GoodsState;

use super::Hq;
use super::auth::{Person, segment};
use super::config_form::ConfigView;
use super::templates::{
    AlertsList, AlertsPage, Clock, Frame, HistoryRow, ImportPage, NewOrderPage, NothingPage, OrderLive, OrderPage,
    OrdersList, OrdersPage, StoreLive, StorePage, StoresLive, StoresPage, page,
};
use crate::app::{self, App};
use crate::orders::query::{self, Filter, Openness};
use crate::orders::refusal::{FieldError, Refusal};
use crate::orders::view;
use crate::{bundles, stores, tidy};

/// Rows of a page's list.
const ROWS: usize = 50;
/// Empty lines of the form for a new order.
const EMPTY_LINES: usize = 3;

/// The clock of the pages.
pub fn clock(app: &App) -> Clock {
    Clock { now_ms: app::now().wall.unix_ms, zone: app.config.hq.zone() }
}

/// What stands around a page.
///
/// # Errors
/// The database's.
pub async fn frame(app: &App, person: &Person, title: &str, here: &'static str) -> Result<Frame, Refusal> {
    let alerts = app
        .read(|db| Ok(db.query_row("SELECT count(*) FROM alert WHERE cleared_at IS NULL", [], |row| row.get(0))?))
        .await?;
    Ok(Frame {
        title: title.to_owned(),
        here,
        user: person.id.clone(),
        csrf: person.csrf.clone(),
        alerts,
        search: String::new(),
        connected: app.connected.load(std::sync::atomic::Ordering::Relaxed),
    })
}

async fn fleet(app: &App) -> Result<StoresLive, Refusal> {
    let moment = tidy::moment(app);
    let (list, figures) = app
        .read(move |db| {
            let list = stores::list(db, moment)?;
            let figures = stores::figures(db, &list, moment)?;
            Ok((list, figures))
        })
        .await?;
    Ok(StoresLive { clock: clock(app), figures, stores: list })
}

/// The fleet's page, with what went wrong with its form.
///
/// # Errors
/// The database's.
pub async fn stores_page(app: &App, person: &Person, problem: Option<String>) -> Result<Response, Refusal> {
    let frame = frame(app, person, "Stores", "stores").await?;
    Ok(page(&StoresPage { frame, live: fleet(app).await?, problem }))
}

/// `GET /stores`.
pub async fn stores(State(app): Hq, Extension(person): Extension<Person>) -> Result<Response, Refusal> {
    stores_page(&app, &person, None).await
}

/// `GET /stores/live`.
pub async fn stores_live(State(app): Hq) -> Result<Response, Refusal> {
    Ok(page(&fleet(&app).await?))
}

async fn store_live_of(app: &App, person: &Person, store: &str) -> Result<Option<StoreLive>, Refusal> {
    let (moment, name) = (tidy::moment(app), store.to_owned());
    let found = app
        .read(move |db| {
            let Some(store) = stores::one(db, &name, moment)? else { return Ok(None) };
            Ok(Some((store, stores::alerts(db, Some(&name))?)))
        })
        .await?;
    Ok(found.map(|(store, alerts)| StoreLive { clock: clock(app), store, alerts, csrf: person.csrf.clone() }))
}

async fn nothing(app: &App, person: &Person, here: &'static str, what: &str) -> Result<Response, Refusal> {
    let frame = frame(app, person, "Nothing here", here).await?;
    Ok((StatusCode::NOT_FOUND, page(&NothingPage { frame, what: what.to_owned() })).into_response())
}

/// A store's page, with the editor as it was sent when something in it is wrong.
///
/// # Errors
/// The database's.
pub async fn store_page(
    app: &App,
    person: &Person,
    store: &str,
    sent: Option<ConfigView>,
    notice: Option<String>,
) -> Result<Response, Refusal> {
    let Some(live) = store_live_of(app, person, store).await? else {
        return nothing(app, person, "stores", "There is no such store.").await;
    };
    let name = store.to_owned();
    let (wanted, history) =
        app.read(move |db| Ok((stores::wanted_config(db, &name)?, bundles::history(db, &name)?))).await?;
    let clock = clock(app);
    let newest = history.first().map(|signed| signed.version);
    let history = history
        .iter()
        .map(|signed| HistoryRow {
            version: signed.version,
            at: clock.day(&signed.created_at),
            by: signed.created_by.clone(),
            state: match (live.store.config == Some(signed.version), newest == Some(signed.version)) {
                (true, _) => "running".to_owned(),
                (false, true) if live.store.config_refused.is_some() => "taken back".to_owned(),
                (false, true) => "on its way".to_owned(),
                (false, false) => String::new(),
            },
        })
        .collect();
    let frame = frame(app, person, live.store.title(), "stores").await?;
    let config = sent.unwrap_or_else(|| ConfigView::of(&wanted));
    let status = if config.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let public_key = app.signer.public_key();
    Ok((status, page(&StorePage { frame, live, config, history, public_key, notice })).into_response())
}

/// `?done=`.
#[derive(Deserialize, Default)]
pub struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /stores/{store}`.
pub async fn store(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path(store): Path<String>,
    Query(Done { done }): Query<Done>,
) -> Result<Response, Refusal> {
    let notice = (done == "config").then(|| "Signed and on its way to the store.".to_owned());
    let notice =
        notice.or_else(|| (done == "same").then(|| "Nothing was changed: this version says the same.".to_owned()));
    store_page(&app, &person, &store, None, notice).await
}

/// `GET /stores/{store}/live`.
pub async fn store_live(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path(store): Path<String>,
) -> Result<Response, Refusal> {
    match store_live_of(&app, &person, &store).await? {
        Some(live) => Ok(page(&live)),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

/// What a list of orders is asked for.
#[derive(Clone, Deserialize, Default)]
pub struct Ask {
    #[serde(default)]
    q: String,
    #[serde(default)]
    store: String,
    #[serde(default)]
    goods: String,
    #[serde(default)]
    cursor: String,
}

impl Ask {
    fn filter(&self) -> Filter {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let open = if self.goods == "open" { Openness::Open } else { Openness::All };
        Filter {
            text: self.q.clone(),
            store: some(&self.store),
            goods: GoodsState::parse(&self.goods),
            open,
            cursor: some(&self.cursor),
            limit: ROWS,
        }
    }

    fn query(&self, cursor: &str) -> String {
        format!(
            "q={}&store={}&goods={}&cursor={}",
            segment(&self.q),
            segment(&self.store),
            segment(&self.goods),
            segment(cursor)
        )
    }
}

async fn list_of(app: &App, ask: &Ask) -> Result<OrdersList, Refusal> {
    let filter = ask.filter();
    let (rows, next) = app.read(move |db| query::list(db, &filter)).await?;
    Ok(OrdersList { clock: clock(app), rows, next: next.map(|cursor| ask.query(&cursor)) })
}

/// `GET /orders`.
pub async fn orders(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Query(ask): Query<Ask>,
) -> Result<Response, Refusal> {
    let list = list_of(&app, &ask).await?;
    let names = app.read(stores::names).await?;
    let mut frame = frame(&app, &person, "Orders", "orders").await?;
    frame.search.clone_from(&ask.q);
    let states = GoodsState::ALL.iter().map(|state| state.as_str().to_owned()).collect();
    let query = ask.query(&ask.cursor);
    Ok(page(&OrdersPage { frame, list, stores: names, store: ask.store, goods: ask.goods, states, query }))
}

/// `GET /orders/list`.
pub async fn orders_list(State(app): Hq, Query(ask): Query<Ask>) -> Result<Response, Refusal> {
    Ok(page(&list_of(&app, &ask).await?))
}

async fn order_live_of(app: &App, store: &str, order: &str) -> Result<OrderLive, Refusal> {
    let chain = app.config.hq.chain.clone();
    let store = StoreId::parse(store).map_err(|_| Refusal::UnknownOrder)?;
    let order = OrderNumber::parse(order).map_err(|_| Refusal::UnknownOrder)?;
    let order = app.read(move |db| view::order(db, &chain, &store, &order)).await?;
    Ok(OrderLive { clock: clock(app), order })
}

/// An order's page, with what went wrong with a change.
///
/// # Errors
/// The database's.
pub async fn order_page(
    app: &App,
    person: &Person,
    store: &str,
    order: &str,
    problem: Option<String>,
) -> Result<Response, Refusal> {
    let live = match order_live_of(app, store, order).await {
        Ok(live) => live,
        Err(Refusal::UnknownOrder) => {
            return nothing(app, person, "orders", "There is no such order at this store.").await;
        }
        Err(refusal) => return Err(refusal),
    };
    let mut names = app.read(stores::names).await?;
    names.retain(|(id, _)| *id != live.order.store);
    let frame = frame(app, person, &live.order.order, "orders").await?;
    Ok(page(&OrderPage { frame, live, stores: names, problem }))
}

/// `GET /order/{store}/{order}`.
pub async fn order(
    State(app): Hq,
    Extension(person): Extension<Person>,
    Path((store, order)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    order_page(&app, &person, &store, &order, None).await
}

/// `GET /order/{store}/{order}/live`.
pub async fn order_live(State(app): Hq, Path((store, order)): Path<(String, String)>) -> Result<Response, Refusal> {
    Ok(page(&order_live_of(&app, &store, &order).await?))
}

/// The form for a new order, as it was sent when something in it is wrong.
///
/// # Errors
/// The database's.
pub async fn new_order_page(
    app: &App,
    person: &Person,
    values: Vec<(String, String)>,
    mut lines: Vec<[String; 6]>,
    errors: Vec<FieldError>,
) -> Result<Response, Refusal> {
    while lines.len() < EMPTY_LINES {
        lines.push(Default::default());
    }
    let names = app.read(stores::names).await?;
    let frame = frame(app, person, "New order", "new").await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&NewOrderPage { frame, stores: names, values, lines, errors })).into_response())
}

/// `GET /orders/new`.
pub async fn new_order(State(app): Hq, Extension(person): Extension<Person>) -> Result<Response, Refusal> {
    new_order_page(&app, &person, Vec::new(), Vec::new(), Vec::new()).await
}

/// `GET /orders/import`.
pub async fn import(State(app): Hq, Extension(person): Extension<Person>) -> Result<Response, Refusal> {
    let frame = frame(&app, &person, "Import", "import").await?;
    Ok(page(&ImportPage { frame }))
}

async fn alerts_of(app: &App, person: &Person) -> Result<AlertsList, Refusal> {
    let alerts = app.read(|db| stores::alerts(db, None)).await?;
    Ok(AlertsList { clock: clock(app), alerts, csrf: person.csrf.clone() })
}

/// `GET /alerts`.
pub async fn alerts(State(app): Hq, Extension(person): Extension<Person>) -> Result<Response, Refusal> {
    let frame = frame(&app, &person, "Alerts", "alerts").await?;
    Ok(page(&AlertsPage { frame, list: alerts_of(&app, &person).await? }))
}

/// `GET /alerts/list`.
pub async fn alerts_list(State(app): Hq, Extension(person): Extension<Person>) -> Result<Response, Refusal> {
    Ok(page(&alerts_of(&app, &person).await?))
}
