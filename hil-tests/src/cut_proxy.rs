//! A TCP proxy that really cuts the line.
//!
//! - *cut*: every connection is reset at both ends (RST, nothing drained), and the port refuses new ones.
//! - *stall*: octets stop both ways and nobody is told, as behind a dead access point; what waits goes on after *restore*.
//!   The kernel still accepts connections meanwhile; they stay silent.
//! - *delay*, *drop*: every octet comes later; the next so many octets of a direction vanish.
//!
//! [`CutProxy`] may be used from blocking and from async tests: each call returns when its effect is there.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Octets read at once.
const CHUNK: usize = 16 * 1_024;
/// Chunks on their way through one direction of a delayed line: 1 MiB; then the sender is held back.
const CHUNKS_WAITING: usize = 64;
/// Connections waiting to be accepted.
const BACKLOG: u32 = 128;
/// Longest delay that may be set.
const DELAY_MAX_MS: u64 = 60_000;

/// Whether octets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// They do.
    Up,
    /// Connections are reset and refused.
    Cut,
    /// Connections stay and are silent.
    Stalled,
}

/// A direction through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From who connects to the target.
    Up,
    /// From the target.
    Down,
}

/// What the proxy does now, and did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The line.
    pub line: Line,
    /// Address that it listens on.
    pub listen: String,
    /// Where it leads.
    pub target: String,
    /// Milliseconds that every octet is late.
    pub delay_ms: u64,
    /// Open connections.
    pub connections: u64,
    /// Connections reset by a cut so far.
    pub reset: u64,
    /// Octets carried to the target.
    pub octets_up: u64,
    /// Octets carried from the target.
    pub octets_down: u64,
    /// Octets that vanished.
    pub octets_dropped: u64,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    line: Line,
    delay: Duration,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    reset: AtomicU64,
    octets: [AtomicU64; 2],
    dropped: AtomicU64,
    to_drop: [AtomicU64; 2],
}

enum Order {
    Set(Line),
    Delay(Duration),
    Drop(Direction, u64),
    Status(Box<dyn FnOnce(Status) + Send>),
    Stop,
}

/// A running proxy; dropping it ends it and resets its connections.
#[derive(Debug)]
pub struct CutProxy {
    /// Address to connect to.
    pub listen: SocketAddr,
    /// Address of its page and its JSON, when one was asked for.
    pub control: Option<SocketAddr>,
    orders: Orders,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Clone)]
struct Orders(mpsc::UnboundedSender<(Order, Done)>);

type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

impl CutProxy {
    /// Starts a proxy from `listen` (port 0: any) to `target`, with its page on `control`.
    ///
    /// # Errors
    /// When an address can't be had.
    pub fn start(listen: SocketAddr, target: &str, control: Option<SocketAddr>) -> Result<Self> {
        let (ready, started) = channel();
        let (orders, queue) = mpsc::unbounded_channel();
        let orders = Orders(orders);
        let (target, own_orders) = (target.to_owned(), orders.clone());
        let thread = thread::Builder::new().name("cut-proxy".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(live(listen, target, control, own_orders, queue, ready)),
                Err(error) => tracing::error!(%error, "starting the proxy's runtime"),
            }
        })?;
        let (listen, control) = started.recv().context("the proxy ended at its start")??;
        Ok(Self { listen, control, orders, thread: Some(thread) })
    }

    /// Resets every connection and refuses new ones.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub fn cut(&self) -> Result<()> {
        self.order(Order::Set(Line::Cut))
    }

    /// Lets no octet pass and closes nothing.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub fn stall(&self) -> Result<()> {
        self.order(Order::Set(Line::Stalled))
    }

    /// Lets everything pass again.
    ///
    /// # Errors
    /// When the proxy has ended or its port is taken.
    pub fn restore(&self) -> Result<()> {
        self.order(Order::Set(Line::Up))
    }

    /// Makes every octet late.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub fn delay(&self, delay: Duration) -> Result<()> {
        self.order(Order::Delay(delay))
    }

    /// Lets the next `octets` of a direction vanish.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub fn drop_octets(&self, direction: Direction, octets: u64) -> Result<()> {
        self.order(Order::Drop(direction, octets))
    }

    /// Returns what it does and did.
    ///
    /// # Errors
    /// When the proxy has ended.
    pub fn status(&self) -> Result<Status> {
        let (tell, told) = channel();
        let told_to: Sender<Status> = tell;
        self.order(Order::Status(Box::new(move |status| {
            if told_to.send(status).is_err() {
                tracing::debug!("nobody waits for the status any more");
            }
        })))?;
        told.recv().context("the proxy has ended")
    }

    fn order(&self, order: Order) -> Result<()> {
        let (tell, told) = channel();
        let done: Done = Box::new(move |outcome| {
            if tell.send(outcome).is_err() {
                tracing::debug!("nobody waits for the order any more");
            }
        });
        self.orders.0.send((order, done)).ok().context("the proxy has ended")?;
        told.recv().context("the proxy has ended")?.map_err(anyhow::Error::msg)
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        if self.orders.0.send((Order::Stop, Box::new(|_| ()))).is_ok()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the proxy panicked");
        }
    }
}

impl Orders {
    async fn carry_out(&self, order: Order) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        let done: Done = Box::new(move |outcome| {
            if tell.send(outcome).is_err() {
                tracing::debug!("nobody waits for the order any more");
            }
        });
        self.0.send((order, done)).map_err(|_| "the proxy has ended".to_owned())?;
        told.await.map_err(|_| "the proxy has ended".to_owned())?
    }
}

type Started = Result<(SocketAddr, Option<SocketAddr>)>;

async fn live(
    listen: SocketAddr,
    target: String,
    control: Option<SocketAddr>,
    orders: Orders,
    queue: mpsc::UnboundedReceiver<(Order, Done)>,
    ready: Sender<Started>,
) {
    let begun = async {
        let door = Door::open(listen).context("binding the proxy's port")?;
        let control = match control {
            Some(address) => Some(TcpListener::bind(address).await.context("binding the proxy's control port")?),
            None => None,
        };
        anyhow::Ok((door, control))
    };
    let (door, control) = match begun.await {
        Ok(begun) => begun,
        Err(error) => return tell_start(&ready, Err(error)),
    };
    let control_address = control.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(listener) = control {
        tokio::spawn(serve_page(listener, orders));
    }
    let (rules, _) = watch::channel(Rules { line: Line::Up, delay: Duration::ZERO });
    let listen = door.address;
    let mut proxy = Proxy { door, target, rules, counters: Arc::new(Counters::default()), connections: JoinSet::new() };
    tell_start(&ready, Ok((listen, control_address)));
    proxy.run(queue).await;
}

fn tell_start(ready: &Sender<Started>, started: Started) {
    if ready.send(started).is_err() {
        tracing::debug!("nobody waits for the proxy's start any more");
    }
}

/// The listening port. A second socket stays bound to it, so that it can't be given away while the line is cut.
struct Door {
    address: SocketAddr,
    _reserved: TcpSocket,
    listener: Option<TcpListener>,
}

impl Door {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let reserved = bound(address)?;
        let address = reserved.local_addr()?;
        let listener = Some(bound(address)?.listen(BACKLOG)?);
        Ok(Self { address, _reserved: reserved, listener })
    }

    fn reopen(&mut self) -> io::Result<()> {
        if self.listener.is_none() {
            self.listener = Some(bound(self.address)?.listen(BACKLOG)?);
        }
        Ok(())
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        match &self.listener {
            Some(listener) => listener.accept().await.map(|(stream, _)| stream),
            None => std::future::pending().await,
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

struct Proxy {
    door: Door,
    target: String,
    rules: watch::Sender<Rules>,
    counters: Arc<Counters>,
    connections: JoinSet<()>,
}

impl Proxy {
    async fn run(&mut self, mut queue: mpsc::UnboundedReceiver<(Order, Done)>) {
        loop {
            tokio::select! {
                accepted = self.door.accept() => {
                    if let Ok(client) = accepted {
                        let carry = carry(client, self.target.clone(), self.rules.subscribe(), Arc::clone(&self.counters));
                        self.connections.spawn(carry);
                    }
                }
                Some(_) = self.connections.join_next(), if !self.connections.is_empty() => {}
                order = queue.recv() => match order {
                    None | Some((Order::Stop, _)) => break,
                    Some((order, done)) => {
                        let outcome = self.carry_out(order).await;
                        done(outcome);
                    }
                },
            }
        }
        self.set(Line::Cut).await;
    }

    async fn carry_out(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Set(Line::Up) => {
                self.door.reopen().map_err(|error| format!("listening again: {error}"))?;
                self.set(Line::Up).await;
            }
            Order::Set(line) => self.set(line).await,
            Order::Delay(delay) => {
                self.rules.send_modify(|rules| rules.delay = delay);
            }
            Order::Drop(direction, octets) => {
                self.counters.to_drop[direction as usize].fetch_add(octets, Ordering::SeqCst);
            }
            Order::Status(tell) => tell(self.status()),
            Order::Stop => {}
        }
        Ok(())
    }

    async fn set(&mut self, line: Line) {
        if line == Line::Cut {
            self.door.listener = None;
        }
        self.rules.send_modify(|rules| rules.line = line);
        if line == Line::Cut {
            while self.connections.join_next().await.is_some() {}
        }
    }

    fn status(&self) -> Status {
        let rules = *self.rules.borrow();
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Status {
            line: rules.line,
            listen: self.door.address.to_string(),
            target: self.target.clone(),
            delay_ms: u64::try_from(rules.delay.as_millis()).unwrap_or(u64::MAX),
            connections: count(&self.counters.connections),
            reset: count(&self.counters.reset),
            octets_up: count(&self.counters.octets[0]),
            octets_down: count(&self.counters.octets[1]),
            octets_dropped: count(&self.counters.dropped),
        }
    }
}

/// Carries one connection until an end, an error, or a cut.
async fn carry(mut client: TcpStream, target: String, rules: watch::Receiver<Rules>, counters: Arc<Counters>) {
    counters.connections.fetch_add(1, Ordering::SeqCst);
    let cut = || async {
        // A closed channel means that the proxy ends.
        let mut rules = rules.clone();
        rules.wait_for(|rules| rules.line == Line::Cut).await.map(|_| ()).unwrap_or_default();
    };
    let connected = tokio::select! {
        connected = TcpStream::connect(&target) => connected,
        () = cut() => Err(io::ErrorKind::ConnectionReset.into()),
    };
    match connected {
        Ok(mut server) => {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let up = pump(from_client, to_server, Direction::Up, rules.clone(), &counters);
            let down = pump(from_server, to_client, Direction::Down, rules.clone(), &counters);
            let both = async { tokio::try_join!(up, down) };
            let reset = tokio::select! {
                ended = both => ended.is_err(),
                () = cut() => true,
            };
            if reset {
                reset_on_drop(&server);
                reset_on_drop(&client);
                counters.reset.fetch_add(1, Ordering::SeqCst);
            }
        }
        Err(_) => reset_on_drop(&client),
    }
    counters.connections.fetch_sub(1, Ordering::SeqCst);
}

/// Closing with no time to linger sends RST instead of FIN.
fn reset_on_drop(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::warn!(%error, "preparing a reset");
    }
}

/// Moves octets one way: reads, holds each for the delay, writes; stands still while the line is stalled.
async fn pump(
    mut from: tokio::net::tcp::ReadHalf<'_>,
    mut to: tokio::net::tcp::WriteHalf<'_>,
    direction: Direction,
    mut rules: watch::Receiver<Rules>,
    counters: &Counters,
) -> io::Result<()> {
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0u8; CHUNK];
    let mut open = true;
    while open || !waiting.is_empty() {
        let now = *rules.borrow_and_update();
        if now.line != Line::Up {
            if rules.changed().await.is_err() {
                return Ok(());
            }
            continue;
        }
        let due = waiting.front().map(|(due, _)| *due);
        tokio::select! {
            read = from.read(&mut buffer), if open && waiting.len() < CHUNKS_WAITING => {
                let count = read?;
                open = count > 0;
                let kept = keep(&buffer[..count], direction, counters);
                if !kept.is_empty() {
                    waiting.push_back((Instant::now() + now.delay, kept));
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((_, octets)) = waiting.pop_front() {
                    to.write_all(&octets).await?;
                    counters.octets[direction as usize].fetch_add(octets.len() as u64, Ordering::SeqCst);
                }
            }
            changed = rules.changed() => if changed.is_err() { return Ok(()) },
        }
    }
    to.shutdown().await
}

/// Returns what is left of octets after those that were ordered to vanish.
fn keep(octets: &[u8], direction: Direction, counters: &Counters) -> Vec<u8> {
    let to_drop = &counters.to_drop[direction as usize];
    let dropped = to_drop.load(Ordering::SeqCst).min(octets.len() as u64);
    to_drop.fetch_sub(dropped, Ordering::SeqCst);
    counters.dropped.fetch_add(dropped, Ordering::SeqCst);
    octets[usize::try_from(dropped).unwrap_or(octets.len())..].to_vec()
}

// The page

async fn serve_page(listener: TcpListener, orders: Orders) {
    let router = Router::new()
        .route("/", get(|| async { page("text/html; charset=utf-8", include_str!("../assets/cut-proxy.html")) }))
        .route("/cut-proxy.js", get(|| async { page("text/javascript", include_str!("../assets/cut-proxy.js")) }))
        .route("/look.css", get(|| async { page("text/css", include_str!("../assets/look.css")) }))
        .route("/state", get(state))
        .route("/cut", post(|orders| set(orders, Line::Cut)))
        .route("/stall", post(|orders| set(orders, Line::Stalled)))
        .route("/restore", post(|orders| set(orders, Line::Up)))
        .route("/delay", post(delay))
        .route("/drop", post(drop_octets))
        .with_state(orders);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "serving the proxy's page");
    }
}

/// Serves an embedded asset; nothing may be loaded from elsewhere and no script stands in the page itself.
fn page(kind: &'static str, body: &'static str) -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy)], body)
}

type Refusal = (axum::http::StatusCode, String);

fn refuse(error: String) -> Refusal {
    (axum::http::StatusCode::SERVICE_UNAVAILABLE, error)
}

async fn state(State(orders): State<Orders>) -> Result<Json<Status>, Refusal> {
    let (tell, told) = oneshot::channel();
    let order = Order::Status(Box::new(move |status| {
        if tell.send(status).is_err() {
            tracing::debug!("nobody waits for the status any more");
        }
    }));
    orders.carry_out(order).await.map_err(refuse)?;
    told.await.map(Json).map_err(|_| refuse("the proxy has ended".into()))
}

async fn set(State(orders): State<Orders>, line: Line) -> Result<Json<Status>, Refusal> {
    orders.carry_out(Order::Set(line)).await.map_err(refuse)?;
    state(State(orders)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelayBody {
    ms: u64,
}

async fn delay(State(orders): State<Orders>, Json(body): Json<DelayBody>) -> Result<Json<Status>, Refusal> {
    let delay = Duration::from_millis(body.ms.min(DELAY_MAX_MS));
    orders.carry_out(Order::Delay(delay)).await.map_err(refuse)?;
    state(State(orders)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropBody {
    direction: Direction,
    octets: u64,
}

async fn drop_octets(State(orders): State<Orders>, Json(body): Json<DropBody>) -> Result<Json<Status>, Refusal> {
    orders.carry_out(Order::Drop(body.direction, body.octets)).await.map_err(refuse)?;
    state(State(orders)).await
}
