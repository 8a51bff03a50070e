//! What the figures of the whole shop stand on: the real broker, HQ, gateway and a simulated modem, all release builds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::{Frame, Mosquitto, SimModem, Tap, wait_for};
use serde_json::{Value, json};

use crate::shop::{CHAIN, Gateway, Hq, Options, STORE, orders, segment};

/// How long the stand may take for a bulk of work on a slow disk.
pub const LONG: Duration = Duration::from_secs(300);
/// The generator's seed: the same orders in each run.
const SEED: u64 = 20_261_122;

/// Broker, HQ, gateway, modem, and a tap on the broker.
pub struct Stand {
    pub gateway: Gateway,
    _modem: SimModem,
    pub hq: Hq,
    pub tap: Tap,
    pub orders: Vec<Order>,
    /// Pickup codes by order.
    pub codes: BTreeMap<String, String>,
    // Last, so that the processes end before their files and the broker go.
    _broker: Mosquitto,
    _dir: tempfile::TempDir,
}

impl Stand {
    /// Starts everything under `root` and gives the shop `count` open orders by way of HQ.
    ///
    /// # Errors
    /// When anything does not start.
    pub fn start(root: &Path, count: u64) -> Result<Self> {
        let dir = tempfile::tempdir_in(root)?;
        let broker = Mosquitto::start(dir.path())?;
        let tap = Tap::start(broker.port, "v1/#")?;
        let modem = SimModem::start(dir.path(), &[])?;
        let hq = Hq::start(dir.path(), &broker.url())?;
        let gateway = Gateway::start(dir.path(), STORE, &broker.url(), Some(&modem.link), &Options::default())?;
        let mut stand = Self {
            gateway,
            _modem: modem,
            hq,
            tap,
            orders: orders(SEED, count),
            codes: BTreeMap::new(),
            _broker: broker,
            _dir: dir,
        };
        stand.gateway.wait_online(true)?;
        stand.import()?;
        stand.wait_open(count)?;
        Ok(stand)
    }

    /// Gives all orders to HQ as one file and keeps the codes that it answers with.
    ///
    /// # Errors
    /// When HQ refuses any.
    pub fn import(&mut self) -> Result<()> {
        let mut body = String::new();
        for order in &self.orders {
            body.push_str(&serde_json::to_string(order)?);
            body.push('\n');
        }
        let (status, answer) =
            self.hq.send("POST", "orders/import", &body, &[("content-type", "application/x-ndjson")])?;
        ensure!(status == 200, "the import was refused: {status} {answer}");
        // A file of one order comes back as JSON already, any longer one as text.
        let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)?;
            let (order, code) = (line["order"].as_str(), line["pickup_code"].as_str());
            let code = code.with_context(|| format!("HQ did not place an order: {line}"))?;
            self.codes.insert(order.context("its number")?.to_owned(), code.to_owned());
        }
        ensure!(self.codes.len() == self.orders.len(), "{} orders were placed", self.codes.len());
        Ok(())
    }

    /// Waits until the counter has so many open orders and nothing is on its way.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn wait_open(&self, count: u64) -> Result<()> {
        wait_for("the counter to have all orders", LONG, || {
            let gauges = self.gauges().ok()?;
            let sum = |name: &str| -> u64 { gauges.iter().filter(|(k, _)| k.starts_with(name)).map(|(_, v)| v).sum() };
            let busy = ["queued", "held", "submitting"].map(|s| sum(&format!("store_messages{{state=\"{s}\"")));
            let waiting = sum("store_outbox_rows") + sum("store_writer_waiting") + busy.iter().sum::<u64>();
            (sum("store_reservations") == count && waiting == 0).then_some(())
        })
    }

    /// Waits until the gateway's writer has nothing to do: between two looks nothing was committed and nothing waits.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub fn wait_rest(&self) -> Result<()> {
        let mut before = None;
        wait_for("the gateway to rest", LONG, || {
            let gauges = self.gauges().ok()?;
            let of = |name: &str| gauges.iter().filter(|(k, _)| k.starts_with(name)).map(|(_, v)| v).sum::<u64>();
            let commits = Some(of("store_writer_commits_total"));
            let rests = commits == std::mem::replace(&mut before, commits);
            (rests && of("store_writer_waiting") + of("store_outbox_rows") == 0).then_some(())
        })
    }

    /// `/metrics` as names with labels and values.
    fn gauges(&self) -> Result<Vec<(String, u64)>> {
        let (status, text) = self.gateway.plain("/metrics")?;
        ensure!(status == 200, "/metrics: {status}");
        let lines = text.as_str().unwrap_or_default().lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').context("a line of /metrics")?;
                Ok((name.to_owned(), value.parse()?))
            })
            .collect()
    }

    /// Paid orders of customers who are texted, which can be handed over without more.
    pub fn paid(&self) -> Vec<Order> {
        self.orders.iter().filter(|o| o.kind == "prepaid").cloned().collect()
    }
}

/// A browser's or scanner's connection: kept open, as theirs is.
pub struct Screen {
    agent: ureq::Agent,
    base: String,
    token: String,
}

impl Screen {
    /// A screen on which somebody is logged in.
    pub fn of(gateway: &Gateway) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LONG));
        Self { agent: config.build().into(), base: format!("http://{}", gateway.web), token: gateway.token.clone() }
    }

    /// Reads a page; gives the time until its last octet.
    ///
    /// # Errors
    /// When it is not a page.
    pub fn open(&self, path: &str) -> Result<Duration> {
        let began = Instant::now();
        let asked = self.agent.get(format!("{}{path}", self.base));
        let mut answer = asked.header("authorization", format!("Bearer {}", self.token)).call()?;
        let text = answer.body_mut().read_to_string()?;
        let took = began.elapsed();
        ensure!(answer.status() == 200 && !text.is_empty(), "GET {path}: {}", answer.status());
        Ok(took)
    }

    /// Logs somebody in.
    ///
    /// # Errors
    /// When that is refused.
    pub fn log_in(&self, staff: &str, pin: &str) -> Result<()> {
        let asked = self.agent.post(format!("{}/api/v1/session", self.base)).header("content-type", "application/json");
        let answer = asked.send(json!({"staff": staff, "pin": pin}).to_string())?;
        ensure!(answer.status() == 200, "logging in: {}", answer.status());
        Ok(())
    }

    /// Does something to an order; gives the time until the answer, which comes after the commit.
    ///
    /// # Errors
    /// When it is refused.
    pub fn act(&self, order: &str, act: &str, body: &Value) -> Result<Duration> {
        let path = format!("/api/v1/reservations/{}/{act}", segment(order));
        let began = Instant::now();
        let asked = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        let mut answer = asked.header("authorization", format!("Bearer {}", self.token)).send(body.to_string())?;
        let text = answer.body_mut().read_to_string()?;
        let took = began.elapsed();
        ensure!(answer.status() == 200, "{act}: {} {text}", answer.status());
        Ok(took)
    }

    /// Puts an order's bag on a shelf.
    ///
    /// # Errors
    /// As [`Screen::act`].
    pub fn stage(&self, order: &str, shelf: &str) -> Result<Duration> {
        self.act(order, "stage", &json!({"bags": [{"bag": "1", "shelf": shelf}]}))
    }
}

/// The body of a frame on one of the store's topics, when it is on that topic.
pub fn on(frame: &Frame, topic: &str) -> Option<Value> {
    (frame.topic == format!("v1/{CHAIN}/{STORE}/{topic}")).then(|| serde_json::from_slice(&frame.payload).ok())?
}
