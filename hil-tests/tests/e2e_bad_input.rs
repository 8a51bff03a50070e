//! Bad requests over HTTP: each is refused by a problem document (RFC 9457) that names the place, nothing of it is kept,
//! no log repeats personal data, and the next good request works.

mod shop;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::wait_for;
use serde_json::{Value, json};
use shop::{Options, SOON, STORE, Shop, segment};

/// A shop that takes orders of known stores only and locks for short.
fn shop() -> Result<Shop> {
    let options =
        Options { counter: "code_lock_s = 5".into(), hq: "unknown_stores = \"refuse\"".into(), ..Options::default() };
    let shop = Shop::start_with(&options)?;
    shop.gateway.wait_online(true)?;
    Ok(shop)
}

fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(path).expect("a path of the order") = value;
    body
}

/// An order whose first line has an EAN, as JSON.
fn good(shop: &Shop, seed: u64) -> Result<(Order, Value)> {
    let orders = shop.orders(seed, 60);
    let fits =
        |o: &&Order| serde_json::to_value(o).is_ok_and(|v| v["kind"] == "prepaid" && v["lines"][0]["ean"].is_string());
    let order = orders.iter().find(fits).context("a prepaid order with an EAN")?;
    Ok((order.clone(), serde_json::to_value(order)?))
}

/// The EAN-13 with its check digit (GS1 General Specifications §7.9) made wrong.
fn wrong_check_digit(ean: &str) -> String {
    let (head, last) = ean.split_at(ean.len() - 1);
    format!("{head}{}", (last.parse::<u8>().unwrap_or(0) + 1) % 10)
}

#[test]
fn hq_refuses_bad_orders_by_their_place_and_takes_the_next_good_one() -> Result<()> {
    let shop = shop()?;
    let (order, body) = good(&shop, 3)?;
    let ean = body["lines"][0]["ean"].as_str().context("ean")?;
    let total = body["total"].as_i64().context("total")?;
    let table = [
        (with(&body, "/order", json!("9".repeat(41))), "order"),
        (with(&body, "/order", json!(7)), "order"),
        (with(&body, "/store", json!("Wola 1")), "store"),
        (with(&body, "/store", json!("krakow-9")), "store"),
        (with(&body, "/customer/phone", json!("+48 12")), "customer.phone"),
        (with(&body, "/customer/phone", json!("zadzwon")), "customer.phone"),
        (with(&body, "/customer", json!(["Jan"])), "customer"),
        (with(&body, "/lines", json!([])), "lines"),
        (with(&body, "/lines", json!("two of each")), "lines"),
        (with(&body, "/lines/0/ean", json!(wrong_check_digit(ean))), "lines[0].ean"),
        (with(&body, "/lines/0/quantity", json!("2")), "lines[0].quantity"),
        (with(&body, "/lines/0/quantity", json!(0)), "lines[0].quantity"),
        (with(&body, "/lines/0/unit_price", json!(-1)), "lines[0].unit_price"),
        (with(&body, "/total", json!(total + 1)), "total"),
        (with(&body, "/due", json!(-5)), "due"),
        (with(&body, "/currency", json!("zloty")), "currency"),
        (json!([body]), "$"),
    ];
    for (bad, path) in table {
        let (status, problem) = shop.hq.post("orders", &bad)?;
        ensure!(status == 422 && problem["status"] == 422, "{path}: {status} {problem}");
        ensure!(problem["type"].as_str().is_some_and(|t| t.starts_with("/problems/")), "{problem}");
        ensure!(problem["errors"][0]["path"] == path, "{path}: {problem}");
        ensure!(!problem.to_string().contains(&order.customer.phone), "the refusal repeats no number: {problem}");
    }
    for (raw, expected, kind) in [
        ("{\"store\":".to_owned(), 400, "/problems/malformed-json"),
        ("store=wola".to_owned(), 400, "/problems/malformed-json"),
        (format!("{{\"store\":\"{}\"}}", "x".repeat(70_000)), 413, "/problems/too-large"),
    ] {
        let (status, problem) = shop.hq.send("POST", "orders", &raw, &[])?;
        ensure!(status == expected && problem["type"] == kind, "{status} {problem}");
    }
    let url = format!("http://{}/api/v1/orders", shop.hq.web);
    let (status, problem) = shop::request("POST", &url, "a wrong key", Some(&body.to_string()), &[])?;
    ensure!(status == 401 && problem["type"] == "/problems/unauthorized", "{status} {problem}");
    let (status, problem) = shop.hq.send("PATCH", "orders", "{}", &[])?;
    ensure!(status == 405 && problem["type"] == "/problems/method-not-allowed", "{status} {problem}");
    let (status, problem) = shop.hq.get("orders/%FF%FE?store=wola")?;
    ensure!(status == 400 && problem["status"] == 400, "a path that is no text: {status} {problem}");
    let (status, problem) = shop.hq.get("orders?limit=many")?;
    ensure!(status == 422 && problem["errors"][0]["path"] == "limit", "{status} {problem}");

    let place = |body: &Value| shop.hq.send("POST", "orders", &body.to_string(), &[("idempotency-key", "k-1")]);
    let (status, answer) = place(&body)?;
    ensure!(status == 201, "after all of that the good one works: {status} {answer}");
    shop.gateway.wait_order(&order.order, |v| v["goods"] == "received")?;
    let (status, problem) = place(&with(&body, "/order", json!("another")))?;
    ensure!(status == 422 && problem["type"] == "/problems/idempotency-key-reused", "{status} {problem}");
    let (status, problem) = shop.hq.post("orders", &with(&body, "/customer/name", json!("Kto Inny")))?;
    ensure!(status == 409 && problem["type"] == "/problems/order-conflict", "{status} {problem}");
    ensure!(shop.gateway.get("reservations/another")?.0 == 404, "nothing of the refused one came here");
    no_personal_data_in_logs(&shop, &order)
}

fn no_personal_data_in_logs(shop: &Shop, order: &Order) -> Result<()> {
    for log in [shop.hq.process.log(), shop.gateway.process.log()] {
        let digits = order.customer.phone.trim_start_matches("+48");
        ensure!(!log.contains(digits) && !log.contains(&order.customer.name), "a log names a customer");
    }
    Ok(())
}

#[test]
fn a_bad_line_in_the_middle_of_an_import_costs_that_line_alone() -> Result<()> {
    let shop = shop()?;
    let orders = shop.orders(21, 3);
    let mut lines: Vec<String> = Vec::new();
    for order in &orders {
        lines.push(serde_json::to_string(order)?);
    }
    lines[1] = with(&serde_json::to_value(&orders[1])?, "/customer/phone", json!("12")).to_string();
    lines.insert(2, "{ no JSON".into());
    let import = |text: &str, kind: &str| shop.hq.send("POST", "orders/import", text, &[("content-type", kind)]);
    let (status, answer) = import(&lines.join("\n"), "application/x-ndjson")?;
    ensure!((200..300).contains(&status), "{status} {answer}");
    let text = answer.to_string();
    ensure!(text.contains("customer.phone"), "the second line's answer names the field: {text}");
    for (order, is_there) in [(&orders[0], true), (&orders[2], true), (&orders[1], false)] {
        if is_there {
            shop.gateway.wait_order(&order.order, |v| v["goods"] == "received")?;
        } else {
            ensure!(shop.hq.order(&order.order).is_err(), "the bad line's order is not there");
        }
    }
    let (status, problem) = import("order;store\n1;wola\n", "text/csv")?;
    ensure!(status >= 400 && problem.to_string().contains("the column is missing"), "{status} {problem}");
    lines[1] = serde_json::to_string(&orders[1])?;
    lines.remove(2);
    let (status, answer) = import(&lines.join("\n"), "application/x-ndjson")?;
    ensure!((200..300).contains(&status), "{status} {answer}");
    shop.gateway.wait_order(&orders[1].order, |v| v["goods"] == "received")?;
    Ok(())
}

#[test]
fn the_gateway_refuses_bad_requests_by_their_place_and_takes_the_next_good_one() -> Result<()> {
    let mut shop = shop()?;
    let (order, _) = good(&shop, 5)?;
    let before = shop.place(&order)?;
    let number = order.order.as_str();
    let path = |act: &str| format!("reservations/{}/{act}", segment(number));
    let stage = json!({"bags": [{"bag": "1", "shelf": "B4"}]}).to_string();
    let huge = json!({"bags": [{"bag": "1", "shelf": "B".repeat(70_000)}]}).to_string();
    let table: [(&str, String, &str, u16, &str); 12] = [
        ("POST", path("stage"), "{\"bags\":", 400, "EOF"),
        ("POST", path("stage"), "[1,2]", 400, "expected an object"),
        ("POST", path("stage"), r#"{"bags":"two"}"#, 400, "bags"),
        ("POST", path("stage"), r#"{"bags":[{"bag":1,"shelf":"A"}]}"#, 400, "bags[0].bag"),
        ("POST", path("stage"), r#"{"bags":[{"bag":"1","shelf":""}]}"#, 400, "bags[0].shelf"),
        ("POST", path("arrive"), r#"{"via":"broomstick"}"#, 400, "via"),
        ("POST", path("hand-over"), r#"{"code":"12"}"#, 400, "code"),
        ("POST", path("hand-over"), r#"{"scan":"5901234123457"}"#, 400, "scan"),
        ("POST", path("stage"), &huge, 413, "too-large"),
        ("POST", "reservations/9999/stage".into(), &stage, 404, "unknown-order"),
        ("PUT", path("stage"), &stage, 405, "method-not-allowed"),
        ("POST", "no/such/thing".into(), "{}", 404, "not-found"),
    ];
    for (method, path, body, expected, names) in table {
        let (status, problem) = shop.gateway.send(method, &path, body, &[])?;
        ensure!(status == expected && problem["status"] == expected, "{method} {path}: {status} {problem}");
        ensure!(problem["type"].as_str().is_some_and(|t| t.starts_with("/problems/")), "{problem}");
        ensure!(problem.to_string().contains(names), "{method} {path}: {names:?} is not named: {problem}");
    }
    let (status, problem) = shop.gateway.get("reservations?limit=0")?;
    ensure!(status == 400 && problem["detail"].as_str().is_some_and(|d| d.starts_with("limit")), "{status} {problem}");
    let url = format!("http://{}/api/v1/reservations", shop.gateway.web);
    ensure!(shop::request("GET", &url, "no token of ours", None, &[])?.0 == 401, "no token, no list");

    let version = before["version"].as_u64().context("a version")?;
    for (tag, expected) in [(format!("\"{}\"", version + 7), 412), ("\"soon\"".into(), 400)] {
        let (status, problem) = shop.gateway.send("POST", &path("stage"), &stage, &[("if-match", &tag)])?;
        ensure!(status == expected, "If-Match {tag}: {status} {problem}");
    }
    ensure!(shop.gateway.order(number)? == before, "nothing was kept of all that");
    let key = [("idempotency-key", "stage-1")];
    let (status, staged) = shop.gateway.send("POST", &path("stage"), &stage, &key)?;
    ensure!(status == 200 && staged["goods"] == "ready", "the good one works: {status} {staged}");
    let (status, problem) = shop.gateway.send("POST", &path("arrive"), r#"{"via":"staff"}"#, &key)?;
    ensure!(status == 422 && problem["type"] == "/problems/idempotency-key", "{status} {problem}");
    shop.text_to(&order.customer.phone)?;
    no_personal_data_in_logs(&shop, &order)
}

#[test]
fn wrong_pins_and_codes_lock_and_the_right_one_works_afterwards() -> Result<()> {
    let mut shop = shop()?;
    let (order, _) = good(&shop, 5)?;
    shop.place(&order)?;
    let code = shop::code_in(&shop.stage(&order, "B4")?)?;
    let log_in = |shop: &Shop, pin: &str| {
        shop.gateway.send("POST", "session", &json!({"staff": "anna", "pin": pin}).to_string(), &[])
    };
    for bad in ["", "{\"staff\":\"anna\"}", "{\"staff\":1,\"pin\":2}", "[]"] {
        let (status, problem) = shop.gateway.send("POST", "session", bad, &[])?;
        ensure!(status == 400 && problem["type"] == "/problems/bad-request", "{bad:?}: {status} {problem}");
    }
    // Five misses lock; four are told how many tries are left.
    for left in [4, 3, 2, 1] {
        let (status, problem) = log_in(&shop, "0000")?;
        ensure!(status == 401 && problem["tries_left"] == left, "{status} {problem}");
    }
    let (status, problem) = log_in(&shop, "0000")?;
    ensure!(status == 429 && problem["type"] == "/problems/locked", "{status} {problem}");
    let (status, problem) = log_in(&shop, "1357")?;
    ensure!(status == 429 && problem["retry_after_s"].as_u64() >= Some(1), "locked means the right one too: {problem}");
    wait_for("the lock to be over", SOON, || (log_in(&shop, "1357").ok()?.0 == 200).then_some(()))?;

    // Wrong codes: the screen is locked after five.
    let wrong = json!({"code": if code == "000000" { "111111" } else { "000000" }});
    let mut last = (0, Value::Null);
    for _ in 0..5 {
        last = shop.gateway.act(&order.order, "hand-over", &wrong)?;
    }
    ensure!(last.0 == 429 && last.1["type"] == "/problems/locked", "{last:?}");
    let right = json!({"code": code});
    let (status, problem) = shop.gateway.act(&order.order, "hand-over", &right)?;
    ensure!(status == 429, "locked means the right one too: {status} {problem}");
    let handed = wait_for("the lock to be over", SOON, || {
        shop.gateway.act(&order.order, "hand-over", &right).ok().filter(|(status, _)| *status == 200)
    })?;
    ensure!(handed.1["goods"] == "handed_over", "{}", handed.1);
    no_personal_data_in_logs(&shop, &order)
}

/// Sends raw bytes and reads what comes until the connection ends.
fn raw(address: &str, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // The server may close before all was written: that is a refusal too.
    let written = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.take(4_096).read_to_end(&mut answer);
    drop((written, read));
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn what_is_no_http_or_has_no_end_is_refused_and_both_go_on_answering() -> Result<()> {
    let shop = shop()?;
    for web in [&shop.gateway.web, &shop.hq.web] {
        let big = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: {}\r\n\r\n", "x".repeat(1 << 20));
        let many: String = (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect();
        let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n");
        let lies = "POST /api/v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: minus one\r\nconnection: close\r\n\r\n";
        for (bytes, expected) in
            [(big.as_str(), "431"), (many.as_str(), "431"), (lies, "400"), ("\x16\x03\x01\x02\x00\r\n\r\n", "400")]
        {
            let answer = raw(web, bytes.as_bytes())?;
            let first = answer.lines().next().unwrap_or_default().to_owned();
            ensure!(first.is_empty() || first.contains(expected), "{expected}: {first}");
        }
        let (status, _) = shop::request("GET", &format!("http://{web}/healthz"), "", None, &[])?;
        ensure!(status == 200, "it goes on answering: {status}");
    }
    ensure!(shop.hq.get(&format!("stores/{STORE}"))?.0 == 200, "and works");
    Ok(())
}
