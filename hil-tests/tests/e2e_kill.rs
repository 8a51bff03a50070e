//! kill -9 of gateway, HQ and broker at random moments while orders flow and texts go out: no order lost, none applied
//! twice, no text on air twice except those that the journal had called unknown.
//!
//! `KILLS`, `KILL_ORDERS` and `KILL_SEED` set the size; the short form runs with the tests, the long form is
//! `KILLS=200 KILL_ORDERS=2000 cargo test -p hil-tests --test e2e_kill -- --nocapture`.

mod shop;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hil_tests::world::wait_for;
use sans_io::Rng;
use serde_json::{Value, json};
use shop::{Options, STORE, Shop};

/// How long the shop may take to come to rest after the last kill.
const REST: Duration = Duration::from_secs(240);
/// Longest pause between two kills.
const PAUSE_MOST_MS: u64 = 400;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Counts how often each text of an order's READY was on air.
fn on_air_by_number(shop: &mut Shop) -> Result<BTreeMap<String, usize>> {
    let mut count = BTreeMap::new();
    for air in shop.modem.control.on_air(0)? {
        // The first part stands for a long text.
        if air["concat"].is_null() || air["concat"]["part"] == 1 {
            *count.entry(air["number"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok(count)
}

/// What a killed shop is asked to do, at most once a step and again until it is done.
struct Work {
    placed: usize,
    staged: Vec<bool>,
}

fn step(shop: &Shop, orders: &[hil_tests::make_orders::Order], work: &mut Work, rng: &mut Rng) {
    // Requests fail while something is down; the same request is made again later, as people do.
    if work.placed < orders.len() && rng.chance(600) {
        let order = &orders[work.placed];
        let body = serde_json::to_value(order).unwrap_or_default();
        if matches!(shop.hq.post("orders", &body), Ok((200 | 201, _))) {
            work.placed += 1;
        }
    }
    let candidates = work.placed.max(1) as u64;
    let at = usize::try_from(rng.below(candidates)).unwrap_or(0);
    if at < work.placed && !work.staged[at] && at.is_multiple_of(3) {
        let shelf = format!("S{}", at % 40);
        let answer = shop.gateway.act(&orders[at].order, "stage", &json!({"bags": [{"bag": "1", "shelf": shelf}]}));
        work.staged[at] = matches!(answer, Ok((200, _)));
    }
}

fn kill_one(shop: &mut Shop, rng: &mut Rng, killed: &mut [u32; 3]) -> Result<()> {
    match rng.below(5) {
        0 => {
            killed[0] += 1;
            shop.broker.process.kill()?;
            shop.broker.restart()
        }
        1 | 2 => {
            killed[1] += 1;
            shop.hq.process.kill()?;
            shop.hq.restart()
        }
        _ => {
            killed[2] += 1;
            shop.gateway.process.kill()?;
            shop.gateway.restart()
        }
    }
}

/// Everything that HQ or the gateway lists.
fn all(get: impl Fn(&str) -> Result<(u16, Value)>, list: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = get(&format!("{list}limit=500{cursor}"))?;
        ensure!(status == 200, "{list}: {status} {page}");
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

fn is_at_rest(shop: &Shop, orders: usize) -> Option<()> {
    let here = all(|path| shop.gateway.get(path), "reservations?").ok()?;
    if here.len() != orders {
        return None;
    }
    let busy = |m: &Value| matches!(m["state"].as_str(), Some("queued" | "submitting" | "held"));
    let messages = all(|path| shop.gateway.get(path), "messages?").ok()?;
    let metrics = shop.gateway.plain("/metrics").ok()?.1;
    let waiting =
        metrics.as_str()?.lines().filter(|l| l.starts_with("store_outbox_rows") && !l.ends_with(" 0")).count();
    (waiting == 0 && !messages.iter().any(busy)).then_some(())
}

#[test]
fn killed_at_random_moments_nothing_is_lost_and_nothing_happens_twice() -> Result<()> {
    let (kills, count, seed) = (number("KILLS", 12), number("KILL_ORDERS", 60), number("KILL_SEED", 20_261_122));
    println!("seed {seed}: {kills} kills while {count} orders flow");
    let mut rng = Rng::new(seed);
    // The network takes its time, so that kills fall between ^Z and the answer too.
    let slow = Options { modem_arguments: vec!["--air-ms".into(), "40".into()], ..Options::default() };
    let mut shop = Shop::start_with(&slow)?;
    let orders = shop.orders(seed, count);
    let mut work = Work { placed: 0, staged: vec![false; orders.len()] };
    let mut killed = [0_u32; 3];
    for _ in 0..kills {
        let until = Instant::now() + Duration::from_millis(rng.below(PAUSE_MOST_MS));
        while Instant::now() < until {
            step(&shop, &orders, &mut work, &mut rng);
        }
        kill_one(&mut shop, &mut rng, &mut killed)?;
    }
    while work.placed < orders.len() || (0..orders.len()).step_by(3).any(|at| !work.staged[at]) {
        let before = (work.placed, work.staged.iter().filter(|s| **s).count());
        for _ in 0..400 {
            step(&shop, &orders, &mut work, &mut rng);
        }
        if before == (work.placed, work.staged.iter().filter(|s| **s).count()) {
            // A stage answered by nobody may have happened all the same.
            for at in (0..work.placed).step_by(3) {
                work.staged[at] |= shop.gateway.order(&orders[at].order).is_ok_and(|view| view["goods"] != "received");
            }
            wait_for("the gateway to catch up", REST, || {
                (shop.gateway.order(&orders[orders.len() - 1].order).is_ok() || work.placed < orders.len())
                    .then_some(())
            })?;
        }
    }
    wait_for("the shop to come to rest", REST, || is_at_rest(&shop, orders.len()))?;

    let mut unknowns = 0;
    let mut ended: BTreeMap<String, usize> = BTreeMap::new();
    let on_air = on_air_by_number(&mut shop)?;
    let mut allowed: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        let here = shop.gateway.order(&order.order).with_context(|| format!("order {} is lost here", order.order))?;
        let there = shop.hq.wait_order(&order.order, |v| v["version"] == here["version"])?;
        for field in ["goods", "money", "presence", "wish"] {
            ensure!(here[field] == there[field], "{}: {field} differs: {here}\n{there}", order.order);
        }
        let ready: Vec<&Value> =
            here["messages"].as_array().context("messages")?.iter().filter(|m| m["purpose"] == "ready").collect();
        ensure!(ready.len() == usize::from(here["goods"] == "ready"), "one text a round: {here}");
        for message in ready {
            let (status, page) = shop.gateway.get(&format!("messages?order={}", shop::segment(&order.order)))?;
            ensure!(status == 200, "{page}");
            let row =
                page["items"].as_array().and_then(|items| items.iter().find(|m| m["id"] == message["id"]).cloned());
            let row = row.context("the message's history")?;
            let called_unknown =
                row["history"].as_array().map_or(0, |h| h.iter().filter(|e| e["what"] == "unknown").count());
            unknowns += called_unknown;
            *ended.entry(message["state"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            let told = on_air.get(&order.customer.phone).copied().unwrap_or(0) > 0;
            ensure!(told || called_unknown > 0, "{}: {} was never on air: {row}", order.order, message["state"]);
            *allowed.entry(order.customer.phone.clone()).or_default() += 1 + called_unknown;
        }
    }
    for (phone, times) in &on_air {
        let most = allowed.get(phone).copied().unwrap_or(0);
        if *times > most {
            bail!("…{}: {times} texts on air, {most} accounted for", &phone[phone.len() - 3..]);
        }
    }
    let (_, stores) = shop.hq.get("stores")?;
    ensure!(stores["items"].as_array().is_some_and(|s| s.iter().any(|s| s["store"] == STORE)), "{stores}");
    println!("texts ended as {ended:?}");
    println!(
        "killed: broker {} HQ {} gateway {}; {} orders at both ends, {} texts on air, {unknowns} called unknown",
        killed[0],
        killed[1],
        killed[2],
        orders.len(),
        on_air.values().sum::<usize>()
    );
    Ok(())
}
