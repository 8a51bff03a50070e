//! `openapi.json`: what this listener offers to scripts.

use axum::Json;
use serde_json::{Value, json};

/// `GET openapi.json`.
pub async fn document() -> Json<Value> {
    Json(describe())
}

/// (method, path, what it does, body, needs a log-in).
const OPERATIONS: &[(&str, &str, &str, Option<&str>)] = &[
    ("post", "/session", "Log in with a PIN; the token goes into Authorization: Bearer", Some("LogIn")),
    ("delete", "/session", "Log out", None),
    ("get", "/reservations", "List reservations: ?goods= &q= &limit= &cursor=", None),
    ("get", "/reservations/{order}", "One reservation; ETag is its version", None),
    ("post", "/reservations/{order}/stage", "Bags go on shelves; READY follows", Some("Stage")),
    ("post", "/reservations/{order}/arrive", "The customer is here", Some("Arrive")),
    ("post", "/reservations/{order}/attend", "Somebody claims the customer", None),
    ("post", "/reservations/{order}/hand-over", "The goods leave the store", Some("HandOver")),
    ("post", "/reservations/{order}/undo", "The last hand-over did not happen", Some("Undo")),
    ("post", "/reservations/{order}/refuse", "Goods are not wanted at the counter", Some("Refuse")),
    ("post", "/reservations/{order}/extend", "Hold it longer", None),
    ("post", "/reservations/{order}/request-cancel", "The customer does not want it any more", Some("RequestCancel")),
    ("post", "/reservations/{order}/put-back", "The goods are back in the stock", Some("PutBack")),
    ("get", "/calls", "Calls under way and the log, newest first: ?open=true &limit= &cursor=", None),
    ("get", "/calls/{id}", "One call with its timeline", None),
    ("post", "/calls/{id}/done", "Somebody has dealt with a missed call", None),
    ("get", "/phones", "The store's phones with their registrations, and the lines outside", None),
    ("get", "/prompts", "What callers hear: which texts the store has recorded itself", None),
    ("put", "/prompts/{language}/{name}", "A recording in place of a spoken text: the WAV file is the body", None),
    ("delete", "/prompts/{language}/{name}", "The text is spoken again", None),
    ("get", "/tills", "Tills with their printers and scanners", None),
    ("post", "/tills/code", "A one-time code that joins one till; for managers", None),
    ("delete", "/tills/{id}", "Forget a till; for managers", None),
    ("post", "/tills/{id}/drawer", "Open a till's drawer, now or never", None),
    ("get", "/prints", "Print jobs, newest first: ?till= &limit= &cursor=", None),
    ("get", "/prints/{id}", "One print job", None),
    ("post", "/prints/{id}/again", "Print an ended job once more, as a job of its own", None),
    ("post", "/prints/{id}/settle", "Say whether a job of which nobody knows came out", Some("Settle")),
    ("post", "/prints/{id}/cancel", "A job that has not begun is not printed", None),
    ("post", "/reservations/{order}/print", "Print an order's slip or labels", Some("Print")),
    ("get", "/messages", "The queue and its history: ?state= &order= &limit= &cursor=", None),
    ("post", "/messages", "A text from staff to an order's phone", Some("NewMessage")),
    ("post", "/messages/preview", "What a text would cost", Some("Preview")),
    ("post", "/messages/resume", "Somebody has seen to a SIM that the network refused: send again", None),
    ("get", "/openapi.json", "This document", None),
    ("get", "/events", "Server-sent events: hello, order, board, pill, texts, calls, devices, scan, bye", None),
];

fn describe() -> Value {
    let mut paths = serde_json::Map::new();
    for (method, path, summary, body) in OPERATIONS {
        let mut operation = json!({
            "summary": summary,
            "responses": {
                "2XX": { "description": "done" },
                "default": { "description": "refused", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } }
            }
        });
        if let Some(body) = body {
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{body}") } } } });
        }
        if path.contains("{order}") {
            operation["parameters"] = json!([{ "name": "order", "in": "path", "required": true,
                "schema": { "type": "string", "maxLength": 40 }, "description": "the order's number, percent-encoded" }]);
        }
        paths.entry((*path).to_owned()).or_insert_with(|| json!({}))[*method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Store gateway", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": "/api/v1" }],
        "security": [{ "session": [] }],
        "paths": paths,
        "components": { "securitySchemes": { "session": { "type": "http", "scheme": "bearer" } }, "schemas": schemas() },
    })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let lines = json!({ "type": "array", "items": { "type": "object", "required": ["line", "quantity"],
        "properties": { "line": { "type": "integer", "minimum": 1 }, "quantity": { "type": "integer", "minimum": 1 } } } });
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    json!({
        "Problem": object(&["type", "title", "status"], json!({ "type": text, "title": text, "status": { "type": "integer" }, "detail": text })),
        "LogIn": object(&["staff", "pin"], json!({ "staff": text, "pin": { "type": "string", "pattern": "^[0-9]{4,8}$" } })),
        "Stage": object(&["bags"], json!({ "bags": { "type": "array", "minItems": 1, "items": object(&["bag", "shelf"], json!({ "bag": text, "shelf": text })) } })),
        "Settle": object(&["came_out"], json!({ "came_out": { "type": "boolean" } })),
        "Print": object(&["document"], json!({ "document": { "enum": ["pick_slip", "bag_label", "collection_slip"] }, "till": { "type": "integer" } })),
        "Arrive": object(&["via"], json!({ "via": { "enum": ["sms", "call", "qr", "unit", "staff"] }, "where": text })),
        "HandOver": object(&[], json!({ "code": { "type": "string", "pattern": "^[0-9]{6}$" }, "scan": text, "bag": text, "lines": lines,
            "override": object(&["reason"], json!({ "reason": text })) })),
        "Undo": object(&[], json!({ "reason": text })),
        "Refuse": object(&["reason"], json!({ "lines": lines, "reason": text })),
        "RequestCancel": object(&[], json!({ "reason": text })),
        "PutBack": object(&[], json!({ "lines": lines, "shelf": text })),
        "NewMessage": object(&["order", "text"], json!({ "order": text, "text": text, "fold": { "type": "boolean" } })),
        "Preview": object(&["text"], json!({ "text": text, "fold": { "type": "boolean" } })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_router_is_described_and_no_other() {
        let source = include_str!("../api.rs");
        let routes = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")).map(|rest| {
            let (path, methods) = rest.split_once("\", ").unwrap();
            (
                path.to_owned(),
                ["get", "post", "delete", "put"].into_iter().filter(|m| methods.contains(&format!("{m}("))).count(),
            )
        });
        let described = |path: &str| OPERATIONS.iter().filter(|(_, p, ..)| *p == path).count();
        let mut all = 0;
        for (path, methods) in routes {
            assert_eq!(described(&path), methods, "{path}");
            all += methods;
        }
        assert_eq!(all, OPERATIONS.len());
    }

    #[test]
    fn every_reference_points_somewhere() {
        let document = describe();
        let text = document.to_string();
        for reference in text.split("\"#/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(&format!("/{reference}")).is_some(), "{reference}");
        }
    }
}
