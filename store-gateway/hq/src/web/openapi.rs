//! The description of the API (OpenAPI 3.1), made of the same Rust types that read and write the bodies.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::orders::form::{AmendForm, CancelForm, MoveForm, OrderForm, PaymentForm};
use crate::orders::view::OrderView;
use crate::stores::StoreView;

/// `GET openapi.json`.
pub async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| describe().to_string()).clone();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    serde_json::to_value(generator.subschema_for::<T>()).unwrap_or_default()
}

fn json_body(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn query(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": what, "schema": { "type": "string" } })
}

fn path(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": what, "schema": { "type": "string" } })
}

fn header_field(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": what, "schema": { "type": "string" } })
}

/// One operation.
struct Operation {
    summary: &'static str,
    parameters: Vec<Value>,
    request: Option<Value>,
    answers: Vec<(&'static str, &'static str, Option<Value>)>,
}

impl Operation {
    fn describe(self) -> Value {
        let mut answers = Map::new();
        for (status, what, body) in self.answers {
            let content = body.map_or_else(
                || json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }),
                |schema| json_body(&schema),
            );
            answers.insert(status.to_owned(), json!({ "description": what, "content": content }));
        }
        let mut operation = json!({ "summary": self.summary, "parameters": self.parameters, "responses": answers });
        if let (Some(object), Some(request)) = (operation.as_object_mut(), self.request) {
            object.insert("requestBody".into(), json!({ "required": true, "content": request }));
        }
        operation
    }
}

/// The whole document.
pub fn describe() -> Value {
    let mut settings = SchemaSettings::openapi3();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let paths = paths(&mut generator);
    let mut schemas = serde_json::to_value(generator.definitions()).unwrap_or_default();
    if let Some(object) = schemas.as_object_mut() {
        object.insert("Problem".into(), problem());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "store-hq",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Orders for the stores of one chain. Refusals are problem documents (RFC 9457); `errors` names each JSON path. Order numbers are percent-encoded in paths. Money is an integer of minor units.",
        },
        "servers": [{ "url": "/api/v1" }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "description": "/problems/…" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "errors": { "type": "array", "items": { "type": "object", "properties": {
                "path": { "type": "string" }, "pointer": { "type": "string" }, "detail": { "type": "string" } } } },
        },
    })
}

fn list(item: &Value) -> Value {
    json!({ "type": "object", "properties": {
        "items": { "type": "array", "items": item }, "next_cursor": { "type": ["string", "null"] } } })
}

fn paths(generator: &mut SchemaGenerator) -> Value {
    let mut paths = Map::new();
    order_paths(generator, &mut paths);
    change_paths(generator, &mut paths);
    store_paths(generator, &mut paths);
    let document = Operation {
        summary: "This document; needs no key.",
        parameters: Vec::new(),
        request: None,
        answers: vec![("200", "OpenAPI 3.1", Some(json!({ "type": "object" })))],
    };
    paths.insert("/openapi.json".into(), json!({ "get": document.describe() }));
    Value::Object(paths)
}

fn order_paths(generator: &mut SchemaGenerator, paths: &mut Map<String, Value>) {
    let placed = json!({ "type": "object", "properties": {
        "store": { "type": "string" }, "order": { "type": "string" }, "reservation": { "type": "string", "format": "uuid" },
        "outcome": { "enum": ["placed", "same"] }, "pickup_code": { "type": ["string", "null"] } } });
    let place = Operation {
        summary: "Places an order. The same body again is answered with 200.",
        parameters: vec![header_field("Idempotency-Key", "the same key with another request is refused")],
        request: Some(json_body(&schema::<OrderForm>(generator))),
        answers: vec![
            ("201", "placed", Some(placed.clone())),
            ("200", "it was there already with this body", Some(placed)),
            ("400", "not JSON", None),
            ("409", "it exists with another body, or the pickup code is too close to another's", None),
            ("413", "too large", None),
            ("422", "something in it is wrong; `errors` says where", None),
        ],
    };
    let orders = Operation {
        summary: "Finds orders, newest change first.",
        parameters: vec![
            query("q", "number, last three digits of the phone, or part of the name"),
            query("store", "one store's"),
            query("goods", "in one goods state"),
            query("open", "1: only orders that have not ended"),
            query("limit", "1 to 500"),
            query("cursor", "next_cursor of the page before"),
        ],
        request: None,
        answers: vec![("200", "a page", Some(list(&json!({ "type": "object" }))))],
    };
    let lines = "application/x-ndjson: {line, to_line, status, store, order, reservation | problem}";
    let import = Operation {
        summary: "Places the orders of a file; one line of JSON is answered for each, in its order.",
        parameters: Vec::new(),
        request: Some(json!({
            "application/x-ndjson": { "schema": { "type": "string" } },
            "text/csv": { "schema": { "type": "string" } },
        })),
        answers: vec![
            ("200", lines, Some(json!({ "type": "object" }))),
            ("400", "the file holds no order", None),
            ("422", "a column is missing or unknown", None),
        ],
    };
    let one = Operation {
        summary: "Shows an order.",
        parameters: vec![
            path("order", "percent-encoded"),
            query("store", "needed when several stores have the number"),
        ],
        request: None,
        answers: vec![
            ("200", "the order; ETag is its version", Some(schema::<OrderView>(generator))),
            ("404", "unknown", None),
        ],
    };
    paths.insert("/orders".into(), json!({ "post": place.describe(), "get": orders.describe() }));
    paths.insert("/orders/import".into(), json!({ "post": import.describe() }));
    paths.insert("/orders/{order}".into(), json!({ "get": one.describe() }));
}

fn change_paths(generator: &mut SchemaGenerator, paths: &mut Map<String, Value>) {
    let view = schema::<OrderView>(generator);
    let changes = [
        ("cancel", "Asks the store to cancel.", schema::<CancelForm>(generator)),
        ("amend", "Sends new lines.", schema::<AmendForm>(generator)),
        ("payment", "Says how the online payment stands.", schema::<PaymentForm>(generator)),
        ("move", "Moves the order to another store.", schema::<MoveForm>(generator)),
    ];
    for (name, summary, body) in changes {
        let change = Operation {
            summary,
            parameters: vec![
                path("order", "percent-encoded"),
                query("store", "needed when several stores have the number"),
                header_field("Idempotency-Key", "the same request again changes nothing"),
                header_field("If-Match", "the ETag that the change is meant for"),
            ],
            request: Some(json_body(&body)),
            answers: vec![
                ("200", "the order as it stands; wishes wait for the store's answer", Some(view.clone())),
                ("404", "unknown", None),
                ("409", "its state does not allow it", None),
                ("412", "it has another version", None),
                ("422", "something in the body is wrong", None),
            ],
        };
        paths.insert(format!("/orders/{{order}}/{name}"), json!({ "post": change.describe() }));
    }
}

fn store_paths(generator: &mut SchemaGenerator, paths: &mut Map<String, Value>) {
    let store = schema::<StoreView>(generator);
    let parameters = || vec![path("store", "the store's id")];
    let config = json!({ "type": "object", "properties": { "store": { "type": "string" }, "version": { "type": "integer" },
        "bundle": { "type": "object" }, "text": { "type": "string" }, "sig": { "type": "string" },
        "public_key": { "type": "string" } } });
    let read = |summary, parameters, answer| Operation {
        summary,
        parameters,
        request: None,
        answers: vec![("200", "so it is", Some(answer)), ("404", "unknown", None)],
    };
    let put = Operation {
        summary: "Makes, signs and publishes the next version of a store's configuration.",
        parameters: parameters(),
        request: Some(json_body(&json!({ "type": "object", "description": "hours, holds, templates, features" }))),
        answers: vec![("200", "the version in force", Some(config.clone())), ("422", "something in it is wrong", None)],
    };
    let wanted = read("The configuration that HQ wants.", parameters(), config);
    paths.insert("/stores".into(), json!({ "get": read("All stores.", Vec::new(), list(&store)).describe() }));
    paths.insert("/stores/{store}".into(), json!({ "get": read("One store.", parameters(), store).describe() }));
    paths.insert("/stores/{store}/config".into(), json!({ "get": wanted.describe(), "put": put.describe() }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::api;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described = describe();
        let paths = described["paths"].as_object().unwrap();
        let mut from_document: Vec<(String, String)> = paths
            .iter()
            .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|m| (path.clone(), m.clone())))
            .filter(|(path, _)| path != "/openapi.json")
            .collect();
        let mut from_router: Vec<(String, String)> =
            api::routes().iter().map(|r| (r.path.to_owned(), r.method.to_owned())).collect();
        from_document.sort();
        from_router.sort();
        assert_eq!(from_document, from_router);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(array) => array.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let described = describe();
        let mut found = Vec::new();
        references(&described, &mut found);
        assert!(found.len() > 10);
        for reference in found {
            assert!(described.pointer(&reference[1..]).is_some(), "{reference}");
        }
    }
}
