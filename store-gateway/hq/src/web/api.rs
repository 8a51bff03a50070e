//! REST for the shop platform. Every refusal is a problem document (RFC 9457) that names the JSON path.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use serde_json::{Value, json};
use shop_model::ids::{OrderNumber, StoreId};
use shop_model::reservation::GoodsState;
use store_daemon::problem::Problem;
use store_daemon::secrets::sha256_hex;
use store_daemon::writer::Lane;

use super::auth::{Caller, require_key};
use super::{Hq, imports, openapi};
use crate::app::App;
use crate::bundles::{self, BUNDLE_MAX};
use crate::desk::Desk;
use crate::orders::form::{self, AmendForm, BODY_MAX, CancelForm, MoveForm, OrderForm, PaymentForm};
use crate::orders::place::{self, Outcome, Placement};
use crate::orders::query::{self, Filter, Openness};
use crate::orders::refusal::Refusal;
use crate::orders::view;
use crate::orders::wish::{self, Open, REASON_MAX};
use crate::{stores, tidy};

/// Characters of an idempotency key.
const KEY_MAX: usize = 255;
/// Rows of a list when nothing else is asked.
const LIMIT: usize = 50;

/// A route as the router and the description have it.
pub struct Route {
    /// `get`, `post` or `put`.
    pub method: &'static str,
    /// Below `/api/v1`.
    pub path: &'static str,
    /// Who answers.
    pub handler: MethodRouter<App>,
}

/// Every route that needs an API key. The router is made of this list, and so is the description's test.
pub fn routes() -> Vec<Route> {
    let route = |method, path, handler| Route { method, path, handler };
    vec![
        route("post", "/orders", post(post_order)),
        route("get", "/orders", get(get_orders)),
        route("post", "/orders/import", post(imports::api_import)),
        route("get", "/orders/{order}", get(get_order)),
        route("post", "/orders/{order}/cancel", post(cancel)),
        route("post", "/orders/{order}/amend", post(amend)),
        route("post", "/orders/{order}/payment", post(payment)),
        route("post", "/orders/{order}/move", post(move_order)),
        route("get", "/stores", get(get_stores)),
        route("get", "/stores/{store}", get(get_store)),
        route("get", "/stores/{store}/config", get(get_config)),
        route("put", "/stores/{store}/config", put(put_config)),
    ]
}

/// The API's router.
pub fn router(app: &App) -> Router<App> {
    let keyed = routes().into_iter().fold(Router::new(), |router, route| router.route(route.path, route.handler));
    keyed.layer(from_fn_with_state(app.clone(), require_key)).route("/openapi.json", get(openapi::document))
}

/// `?store=`.
#[derive(Deserialize, Default)]
pub struct StoreQuery {
    store: Option<String>,
}

async fn read_body(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    to_bytes(body, limit).await.map_err(|_| Refusal::TooLarge { limit })
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_MAX => Ok(Some(key.to_owned())),
        _ => Err(Refusal::field("Idempotency-Key", format!("needs 1 to {KEY_MAX} ASCII characters"))),
    }
}

/// What an idempotency key says about a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    First,
    Again,
}

/// Remembers the key with the request; the same key with another request is refused.
fn remember(desk: &Desk<'_, '_>, caller: &Caller, key: Option<&str>, request: &str) -> Result<Seen, Refusal> {
    let Some(key) = key else { return Ok(Seen::First) };
    let digest = desk.app().keys.index("request", request.as_bytes());
    let mut find = desk.db().prepare_cached("SELECT request FROM idempotency WHERE scope = ?1 AND key = ?2")?;
    let known: Option<Vec<u8>> = find.query_row([&caller.0, key], |row| row.get(0)).optional()?;
    match known {
        Some(known) if known == digest => Ok(Seen::Again),
        Some(_) => Err(Refusal::KeyReused),
        None => {
            desk.db().execute(
                "INSERT INTO idempotency(scope, key, request, at) VALUES (?1, ?2, ?3, ?4)",
                params![caller.0, key, digest, desk.unix_ms()],
            )?;
            Ok(Seen::First)
        }
    }
}

/// The answer to a placed order. The code is in no other answer.
pub fn placed_json(store: &str, order: &str, placement: &Placement) -> Value {
    json!({
        "store": store,
        "order": order,
        "reservation": placement.reservation.to_string(),
        "outcome": match placement.outcome { Outcome::Placed => "placed", Outcome::Same => "same" },
        "pickup_code": placement.code.map(|code| code.reveal().to_owned()),
    })
}

async fn post_order(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = read_body(body, BODY_MAX).await?;
    let key = idempotency_key(&headers)?;
    let form: OrderForm = form::read(&body)?;
    let order = form::parse_order(&form)?;
    let request = format!("place {}", sha256_hex(&body));
    let (store, number) = (form.store, form.order);
    let placement = app
        .work(Lane::Work, move |desk| {
            let placement = place::place(desk, &order, &caller.actor())?;
            remember(desk, &caller, key.as_deref(), &request)?;
            Ok(placement)
        })
        .await?;
    let status = match placement.outcome {
        Outcome::Placed => StatusCode::CREATED,
        Outcome::Same => StatusCode::OK,
    };
    let mut response = json_answer(status, &placed_json(&store, &number, &placement));
    let location = format!("/api/v1/orders/{}?store={store}", super::auth::segment(&number));
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// `GET orders`.
#[derive(Deserialize, Default)]
struct ListQuery {
    q: Option<String>,
    store: Option<String>,
    goods: Option<String>,
    open: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

async fn get_orders(State(app): Hq, Query(ask): Query<ListQuery>) -> Result<Response, Refusal> {
    let goods = match ask.goods.as_deref() {
        None | Some("") => None,
        Some(word) => Some(GoodsState::parse(word).ok_or_else(|| Refusal::field("goods", "is no state of goods"))?),
    };
    let limit = match ask.limit.as_deref() {
        None => LIMIT,
        Some(text) => match text.parse() {
            Ok(limit @ 1..=query::LIMIT_MAX) => limit,
            _ => return Err(Refusal::field("limit", format!("must be from 1 to {}", query::LIMIT_MAX))),
        },
    };
    let open = if ask.open.as_deref() == Some("1") { Openness::Open } else { Openness::All };
    let filter = Filter { text: ask.q.unwrap_or_default(), store: ask.store, goods, open, cursor: ask.cursor, limit };
    let (items, next) = app.read(move |db| query::list(db, &filter)).await?;
    Ok(json_answer(StatusCode::OK, &json!({ "items": items, "next_cursor": next })))
}

fn order_number(text: &str) -> Result<OrderNumber, Refusal> {
    OrderNumber::parse(text).map_err(|e| Refusal::field("order", e.to_string()))
}

/// The store of an order: named, or the only one that has this number.
fn store_of(db: &rusqlite::Connection, named: Option<&str>, order: &OrderNumber) -> Result<StoreId, Refusal> {
    if let Some(named) = named {
        return StoreId::parse(named).map_err(|e| Refusal::field("store", e.to_string()));
    }
    let stores = query::stores_of(db, order.as_str())?;
    match stores.as_slice() {
        [] => Err(Refusal::UnknownOrder),
        [one] => StoreId::parse(one).map_err(|e| Refusal::Storage(e.to_string())),
        _ => Err(Refusal::field("store", format!("is needed: {} stores have an order of this number", stores.len()))),
    }
}

async fn get_order(
    State(app): Hq,
    Path(order): Path<String>,
    Query(ask): Query<StoreQuery>,
) -> Result<Response, Refusal> {
    let number = order_number(&order)?;
    order_answer(&app, ask.store, number, StatusCode::OK).await
}

async fn order_answer(
    app: &App,
    store: Option<String>,
    number: OrderNumber,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let chain = app.config.hq.chain.clone();
    let view = app
        .read(move |db| {
            let store = store_of(db, store.as_deref(), &number)?;
            view::order(db, &chain, &store, &number)
        })
        .await?;
    let body = serde_json::to_value(&view).map_err(|e| Refusal::Storage(e.to_string()))?;
    let mut response = json_answer(status, &body);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// A change of an order by REST: finds it, looks at `If-Match` and `Idempotency-Key`, changes it, shows it.
struct Change {
    app: App,
    caller: Caller,
    order: OrderNumber,
    store: Option<String>,
    headers: HeaderMap,
    request: String,
}

impl Change {
    async fn make<F>(self, act: F) -> Result<Response, Response>
    where
        F: FnOnce(&mut Desk<'_, '_>, &Open, &str) -> Result<(), Refusal> + Send + 'static,
    {
        let Change { app, caller, order, store, headers, request } = self;
        let key = idempotency_key(&headers).map_err(IntoResponse::into_response)?;
        let wanted = if_match(&headers).map_err(IntoResponse::into_response)?;
        let number = order.clone();
        let changed = app
            .work(Lane::Work, move |desk| {
                let store = store_of(desk.db(), store.as_deref(), &number)?;
                let open = wish::open(desk, &store, &number)?;
                let about = format!("{request} {store} {number}");
                if remember(desk, &caller, key.as_deref(), &about)? == Seen::Again {
                    return Ok(Ok(store));
                }
                if wanted.is_some_and(|wanted| wanted != open.version()) {
                    return Ok(Err(open.version()));
                }
                act(desk, &open, &caller.actor())?;
                Ok(Ok(store))
            })
            .await
            .map_err(IntoResponse::into_response)?;
        match changed {
            Ok(store) => order_answer(&app, Some(store.as_str().to_owned()), order, StatusCode::OK)
                .await
                .map_err(IntoResponse::into_response),
            Err(version) => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version-mismatch",
                format!("the order is at version {version}"),
            )
            .with("version", version)
            .into_response()),
        }
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    if value == "*" {
        return Ok(None);
    }
    let version = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).and_then(|v| v.parse().ok());
    version.map(Some).ok_or_else(|| Refusal::field("If-Match", "must be the ETag of the order, as \"3\""))
}

type ChangeAnswer = Result<Response, Response>;

/// A short text of a change's body.
fn reason(path: &str, text: Option<&str>, default: &str) -> Result<String, Refusal> {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(default);
    if text.chars().count() > REASON_MAX || text.chars().any(char::is_control) {
        return Err(Refusal::field(path, format!("needs at most {REASON_MAX} printable characters")));
    }
    Ok(text.to_owned())
}

/// What every change has in common: who, which order, and the body as bytes.
async fn change<T: serde::de::DeserializeOwned>(
    app: App,
    caller: Caller,
    order: &str,
    headers: HeaderMap,
    body: Body,
    read: impl FnOnce(&[u8]) -> Result<T, Refusal>,
) -> Result<(Change, T), Refusal> {
    let order = order_number(order)?;
    let body = read_body(body, BODY_MAX).await?;
    let form = read(&body)?;
    let request = sha256_hex(&body);
    Ok((Change { app, caller, order, store: None, headers, request }, form))
}

async fn cancel(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Query(ask): Query<StoreQuery>,
    headers: HeaderMap,
    body: Body,
) -> ChangeAnswer {
    let read = |body: &[u8]| if body.trim_ascii().is_empty() { Ok(CancelForm::default()) } else { form::read(body) };
    let (change, form) = change(app, caller, &order, headers, body, read).await.map_err(IntoResponse::into_response)?;
    let by = reason("by", form.by.as_deref(), "shop").map_err(IntoResponse::into_response)?;
    let why = reason("reason", form.reason.as_deref(), "").map_err(IntoResponse::into_response)?;
    let change = Change { store: ask.store.or(form.store), request: format!("cancel {}", change.request), ..change };
    change.make(move |desk, open, actor| open.cancel(desk, &by, &why, actor)).await
}

async fn amend(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Query(ask): Query<StoreQuery>,
    headers: HeaderMap,
    body: Body,
) -> ChangeAnswer {
    let (change, form): (_, AmendForm) =
        change(app, caller, &order, headers, body, form::read).await.map_err(IntoResponse::into_response)?;
    let store = ask.store.or_else(|| form.store.clone());
    let change = Change { store, request: format!("amend {}", change.request), ..change };
    change.make(move |desk, open, actor| open.amend(desk, &form, actor)).await
}

async fn payment(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Query(ask): Query<StoreQuery>,
    headers: HeaderMap,
    body: Body,
) -> ChangeAnswer {
    let (change, form): (_, PaymentForm) =
        change(app, caller, &order, headers, body, form::read).await.map_err(IntoResponse::into_response)?;
    let new = form::parse_payment(&form).map_err(IntoResponse::into_response)?;
    let change = Change { store: ask.store.or(form.store), request: format!("payment {}", change.request), ..change };
    change.make(move |desk, open, actor| open.pay(desk, &new, actor)).await
}

async fn move_order(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    Path(order): Path<String>,
    Query(ask): Query<StoreQuery>,
    headers: HeaderMap,
    body: Body,
) -> ChangeAnswer {
    let (change, form): (_, MoveForm) =
        change(app, caller, &order, headers, body, form::read).await.map_err(IntoResponse::into_response)?;
    let to = store_id("to_store", &form.to_store).map_err(IntoResponse::into_response)?;
    let change = Change { store: ask.store.or(form.store), request: format!("move {}", change.request), ..change };
    change.make(move |desk, open, actor| open.move_to(desk, &to, actor)).await
}

/// A store's id as a field of a body or path.
///
/// # Errors
/// [`Refusal::Invalid`] at `path`.
pub fn store_id(path: &str, text: &str) -> Result<StoreId, Refusal> {
    match StoreId::parse(text) {
        Ok(store) if store.as_str() != "hq" => Ok(store),
        Ok(_) => Err(Refusal::field(path, "`hq` is the name of headquarters in the topics")),
        Err(e) => Err(Refusal::field(path, e.to_string())),
    }
}

fn unknown_store() -> Problem {
    Problem::not_found("unknown-store", "no such store has connected or was entered")
}

async fn get_stores(State(app): Hq) -> Result<Response, Refusal> {
    let items = tidy::store_list(&app).await?;
    Ok(json_answer(StatusCode::OK, &json!({ "items": items, "next_cursor": null })))
}

async fn get_store(State(app): Hq, Path(store): Path<String>) -> Response {
    let moment = tidy::moment(&app);
    match app.read(move |db| stores::one(db, &store, moment)).await {
        Ok(Some(store)) => match serde_json::to_value(&store) {
            Ok(body) => json_answer(StatusCode::OK, &body),
            Err(e) => Problem::storage(e.to_string()).into_response(),
        },
        Ok(None) => unknown_store().into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// A version of the configuration as REST shows it.
fn config_answer(store: &str, signed: &bundles::Signed, key: &str) -> Value {
    let bundle: Value = serde_json::from_str(&signed.text).unwrap_or_default();
    json!({
        "store": store,
        "version": signed.version,
        "bundle": bundle,
        "text": signed.text,
        "sig": signed.sig,
        "public_key": key,
        "created_at": view::rfc3339(signed.created_at),
        "created_by": signed.created_by,
    })
}

async fn get_config(State(app): Hq, Path(store): Path<String>) -> Response {
    let name = store.clone();
    match app.read(move |db| bundles::newest(db, &name)).await {
        Ok(Some(signed)) => json_answer(StatusCode::OK, &config_answer(&store, &signed, &app.signer.public_key())),
        Ok(None) => Problem::not_found("no-config", "this store works by the built-in configuration").into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn put_config(
    State(app): Hq,
    Extension(caller): Extension<Caller>,
    Path(store): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let store = store_id("store", &store)?;
    let body = read_body(body, BUNDLE_MAX).await?;
    let bundle = bundles::parse(&body)?;
    let name = store.clone();
    let put = app.work(Lane::Work, move |desk| bundles::put(desk, name.as_str(), bundle, &caller.actor())).await?;
    let mut response =
        json_answer(StatusCode::OK, &config_answer(store.as_str(), put.signed(), &app.signer.public_key()));
    let name = HeaderName::from_static("x-config-version");
    response.headers_mut().insert(name, HeaderValue::from(put.signed().version));
    Ok(response)
}
