use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{KEY, World, order};

fn with(mut body: Value, path: &str, value: Value) -> Value {
    *body.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    body
}

fn without(mut body: Value, object: &str, key: &str) -> Value {
    body.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    body
}

#[test]
fn an_order_is_placed_once_whoever_asks_how_often() {
    let world = World::start_empty("");
    let body = order("waw-01", "2026/11/00123");
    let first = world.api("POST", "/orders", Some(&body));
    assert_eq!(first.status, 201, "{}", first.text);
    let code = first.json()["pickup_code"].as_str().unwrap().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
    assert!(first.header("location").ends_with("/orders/2026%2F11%2F00123?store=waw-01"));

    let again = world.api("POST", "/orders", Some(&body));
    assert_eq!((again.status, &again.json()["pickup_code"]), (200, &json!(code)));
    let other = world.api("POST", "/orders", Some(&with(body.clone(), "/customer/name", json!("Jan Nowak"))));
    assert_eq!((other.status, &other.json()["type"]), (409, &json!("/problems/order-conflict")));
    let other_code = if code == "314159" { "271828" } else { "314159" };
    let mut other = body.clone();
    other["pickup_code"] = json!(other_code);
    assert_eq!(world.api("POST", "/orders", Some(&other)).status, 409);

    let shown = world.api("GET", "/orders/2026%2F11%2F00123?store=waw-01", None);
    assert_eq!((shown.status, shown.header("etag")), (200, "\"1\""));
    let shown = shown.json();
    // UUIDv5 of (chain, store, order): the same at both ends, so it is compared with the first answer.
    assert_eq!(shown["reservation"], first.json()["reservation"]);
    assert_eq!((&shown["goods"], &shown["money"], &shown["wish"]), (&json!("received"), &json!("due"), &json!("none")));
    assert_eq!((&shown["total"], &shown["due"]), (&json!(8998), &json!(8998)));
    assert!(!shown.to_string().contains(&code), "the code is in no other answer");
    assert!(
        !world.logged().contains("Nowak") && !world.logged().contains("600100813") && !world.logged().contains(&code)
    );
}

#[test]
fn every_refusal_names_its_place() {
    let world = World::start_empty("unknown_stores = \"refuse\"");
    let put = world.api("PUT", "/stores/waw-01/config", Some(&json!({})));
    assert_eq!(put.status, 200, "{}", put.text);
    let good = || order("waw-01", "1");
    let long = "9".repeat(41);
    let table = [
        (with(good(), "/order", json!(long)), 422, "order"),
        (with(good(), "/order", json!("")), 422, "order"),
        (with(good(), "/order", json!(7)), 422, "order"),
        (with(good(), "/store", json!("WAW 01")), 422, "store"),
        (with(good(), "/store", json!("krk-09")), 422, "store"),
        (with(good(), "/kind", json!("cash")), 422, "kind"),
        (with(good(), "/contract", json!("none")), 422, "contract"),
        (with(good(), "/customer/phone", json!("+48 12")), 422, "customer.phone"),
        (with(good(), "/customer/phone", json!("not a number")), 422, "customer.phone"),
        (with(good(), "/customer/name", json!("  ")), 422, "customer.name"),
        (with(good(), "/customer/language", json!("de")), 422, "customer.language"),
        (with(good(), "/lines", json!([])), 422, "lines"),
        (with(good(), "/lines/0/ean", json!("5901234123458")), 422, "lines[0].ean"),
        (with(good(), "/lines/0/quantity", json!(0)), 422, "lines[0].quantity"),
        (with(good(), "/lines/0/quantity", json!("2")), 422, "lines[0].quantity"),
        (with(good(), "/lines/1/unit_price", json!(-1)), 422, "lines[1].unit_price"),
        (with(good(), "/lines/1/unit_price", json!(10.5)), 422, "lines[1].unit_price"),
        (with(good(), "/lines/1/age", json!(300)), 422, "lines[1].age"),
        (with(good(), "/currency", json!("zł")), 422, "currency"),
        (with(good(), "/total", json!(8997)), 422, "total"),
        (with(good(), "/due", json!(8999)), 422, "due"),
        (with(good(), "/due", json!(0)), 422, "due"),
        (with(with(good(), "/kind", json!("prepaid")), "/due", json!(1)), 422, "due"),
        (with(good(), "/promised_at", json!("tomorrow")), 422, "promised_at"),
        (without(good(), "", "customer"), 422, "customer"),
        (without(good(), "/lines/1", "sku"), 422, "lines[1].sku"),
        (json!([1]), 422, "$"),
        (with(good(), "/customer", json!(["Anna Nowak", "+48600100813"])), 422, "customer"),
        (with(good(), "/lines/1", json!(["W-2"])), 422, "lines[1]"),
    ];
    for (body, status, path) in table {
        let answer = world.api("POST", "/orders", Some(&body));
        let problem = answer.json();
        assert_eq!(answer.status, status, "{path}: {problem}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(problem["errors"][0]["path"], json!(path), "{problem}");
    }
    let raw = |body: &str| world.api_raw("POST", "/orders", &[], Some(body));
    assert_eq!(raw("{\"store\":").status, 400);
    assert_eq!(raw("no json").json()["type"], json!("/problems/malformed-json"));
    assert_eq!(raw(&format!("{{\"store\":\"{}\"}}", "x".repeat(70_000))).status, 413);
    assert_eq!(world.ask("POST", "/api/v1/orders", &[], Some(b"{}")).status, 401);
    assert_eq!(world.ask("GET", "/api/v1/stores", &[("authorization", "Bearer wrong")], None).status, 401);
    assert_eq!(world.api("GET", "/nothing", None).json()["type"], json!("/problems/not-found"));
    assert_eq!(world.api("PUT", "/orders", Some(&good())).status, 405);
    assert_eq!(world.api("GET", "/orders/none?store=waw-01", None).json()["type"], json!("/problems/unknown-order"));
    // After all of that the next good one works.
    assert_eq!(world.api("POST", "/orders", Some(&good())).status, 201);
}

#[test]
fn an_idempotency_key_stands_for_one_request() {
    let world = World::start_empty("");
    let place = |body: &Value, key: &str| {
        world.api_raw("POST", "/orders", &[("idempotency-key", key)], Some(&body.to_string()))
    };
    assert_eq!(place(&order("waw-01", "1"), "k1").status, 201);
    assert_eq!(place(&order("waw-01", "1"), "k1").status, 200);
    let reused = place(&order("waw-01", "2"), "k1");
    assert_eq!(reused.json()["type"], json!("/problems/idempotency-key-reused"));
    assert_eq!(world.api("GET", "/orders/2?store=waw-01", None).status, 404, "nothing of it was kept");

    let pay = |amount: i64, key: &str| {
        let body = json!({ "money": "authorised", "amount": amount });
        world.api_raw("POST", "/orders/1/payment", &[("idempotency-key", key)], Some(&body.to_string())).json()
    };
    let first = pay(8998, "p1")["version"].as_u64().unwrap();
    assert_eq!(pay(100, "p2")["version"], json!(first + 1));
    assert_eq!(pay(8998, "p1")["version"], json!(first + 1), "a repeated request changes nothing");
    let stale = world.api_raw("POST", "/orders/1/cancel", &[("if-match", "\"1\"")], Some("{}"));
    assert_eq!(stale.status, 412);
}

#[test]
fn a_code_that_the_shop_chose_keeps_its_distance() {
    let world = World::start_empty("");
    let with_code = |number: &str, code: &str| {
        let mut body = order("waw-01", number);
        body["pickup_code"] = json!(code);
        world.api("POST", "/orders", Some(&body))
    };
    assert_eq!(with_code("1", "482915").json()["pickup_code"], json!("482915"));
    for near in ["482915", "482910", "082915"] {
        let refused = with_code("2", near);
        assert_eq!((refused.status, &refused.json()["type"]), (409, &json!("/problems/code-taken")), "{near}");
    }
    assert_eq!(with_code("2", "482906").status, 201);
    assert_eq!(with_code("3", "48291").json()["errors"][0]["path"], json!("pickup_code"));
}

#[test]
fn orders_are_changed_and_found() {
    let world = World::start_empty("");
    assert_eq!(world.api("POST", "/orders", Some(&order("waw-01", "2026/11/7"))).status, 201);
    let change = |what: &str, body: Value| world.api("POST", &format!("/orders/2026%2F11%2F7/{what}"), Some(&body));

    let lines = json!([{ "sku": "T-1", "name": "Herbata", "quantity": 1, "unit_price": 1999 }]);
    let wrong = change("amend", json!({ "lines": lines, "total": 2000, "due": 2000 }));
    assert_eq!(wrong.json()["errors"][0]["path"], json!("total"));
    let amended = change("amend", json!({ "lines": lines, "total": 1999, "due": 1999 })).json();
    assert_eq!((&amended["total"], &amended["lines"][0]["quantity"]), (&json!(1999), &json!(1)));
    let paid = change("payment", json!({ "money": "paid_online", "amount": 1999 })).json();
    assert_eq!((&paid["money"], &paid["due"]), (&json!("paid_online"), &json!(0)));
    assert_eq!(
        change("payment", json!({ "money": "paid_store", "amount": 1 })).json()["errors"][0]["path"],
        json!("money")
    );
    assert_eq!(change("move", json!({ "to_store": "waw-01" })).status, 422);
    let moved = change("move", json!({ "to_store": "krk-02" })).json();
    assert_eq!((&moved["wish"], &moved["moved_to"]), (&json!("move"), &json!("krk-02")));
    let there = world.api("GET", "/orders/2026%2F11%2F7?store=krk-02", None).json();
    assert_eq!((&there["goods"], &there["awaits"]), (&json!("inbound"), &json!("waw-01")));
    assert_eq!(change("cancel", json!({})).json()["errors"][0]["path"], json!("store"), "two stores have the number");
    let cancelled = change("cancel", json!({ "store": "waw-01", "reason": "called" }));
    assert_eq!(cancelled.json()["wish"], json!("cancel"));
    let version = cancelled.json()["version"].clone();
    assert_eq!(change("cancel", json!({ "store": "waw-01" })).json()["version"], version, "asked once is enough");

    let found = |q: &str| {
        let list = world.api("GET", &format!("/orders?q={q}"), None).json();
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(
        [found("11%2F7"), found("813"), found("nowak"), found("NOWÁK"), found("814"), found("Kowal")],
        [2, 2, 2, 2, 0, 0]
    );
    let page = world.api("GET", "/orders?limit=1", None).json();
    let next =
        world.api("GET", &format!("/orders?limit=1&cursor={}", page["next_cursor"].as_str().unwrap()), None).json();
    assert_ne!(page["items"][0]["store"], next["items"][0]["store"]);
    assert_eq!(next["next_cursor"], Value::Null);
}

#[test]
fn configuration_is_checked_signed_and_numbered() {
    let world = World::start_empty("");
    for (body, path) in [
        (json!({ "holds": { "hold_hours": 0 } }), "holds.hold_hours"),
        (json!({ "holds": { "hold_hour": 5 } }), "holds.hold_hour"),
        (json!({ "hour": {} }), "hour"),
        (json!({ "hours": { "zone": "Mars/Base" } }), "hours"),
        (json!({ "features": { "reminders": "off" } }), "features.reminders"),
        (json!([]), "$"),
        (json!({ "hours": [] }), "hours"),
    ] {
        let refused = world.api("PUT", "/stores/waw-01/config", Some(&body));
        assert_eq!(refused.status, 422, "{path}");
        assert_eq!(refused.json()["errors"][0]["path"], json!(path), "{}", refused.text);
    }
    let put = |hours: u32| {
        world.api("PUT", "/stores/waw-01/config", Some(&json!({ "holds": { "hold_hours": hours } }))).json()
    };
    let first = put(72);
    assert_eq!(first["version"], json!(1));
    assert_eq!(put(72)["version"], json!(1), "the same says nothing new");
    let second = put(24);
    assert_eq!((&second["version"], &second["bundle"]["holds"]["hold_hours"]), (&json!(2), &json!(24)));
    let verify = |bundle: &Value| {
        let key = base64(&bundle["public_key"]);
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
        public.verify(bundle["text"].as_str().unwrap().as_bytes(), &base64(&bundle["sig"]))
    };
    assert!(verify(&first).is_ok() && verify(&second).is_ok());
    let mut forged = second.clone();
    forged["text"] = json!(second["text"].as_str().unwrap().replace("24", "25"));
    assert!(verify(&forged).is_err());
}

pub fn base64(value: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn it_stops_in_time_keeps_everything_and_says_how_it_is() {
    let mut world = World::start_empty("");
    assert_eq!(world.api("POST", "/orders", Some(&order("waw-01", "1"))).status, 201);
    let (code, took) = world.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    world.start_again();
    assert_eq!(world.api("POST", "/orders", Some(&order("waw-01", "1"))).status, 200);
    let health = world.get("/healthz");
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")));
    assert!(world.metric("hq_orders_open") >= 1.0);
    assert_eq!(world.get("/api/v1/openapi.json").json()["openapi"], json!("3.1.0"));
    assert!(!world.logged().contains(KEY));
}

#[test]
fn a_wrong_configuration_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hq.toml");
    std::fs::write(&file, "[hq]\nchain = \"demo\"\nport = 1\n").unwrap();
    let run =
        std::process::Command::new(env!("CARGO_BIN_EXE_store-hq")).args(["check", "--config"]).arg(&file).output();
    let run = run.unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("port"));
}
