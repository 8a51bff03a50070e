//! The rsipstack library and the sockets, behind names of our own.
//!
//! Decides which bytes are looked at ([`intake`]) and carries messages; rsipstack repeats them and matches answers to
//! requests. Knows no call. Nothing outside this folder names rsipstack. What must be known of it:
//!
//! - It logs whole messages, numbers and credentials included, at info. Every future that runs its code here is polled
//!   without a subscriber ([`quiet`]).
//! - Its own UDP and TCP readers parse before anybody can refuse, into unbounded queues. So sockets are read here, and
//!   messages go in by `on_received_message`; the count of its transactions is bounded here.
//! - Its dialogs never expire. They are not used at all: `agent` keeps its own.
//! - A 2xx to an INVITE ends the client transaction (`auto_ack_2xx` off), so that the ACK is ours (RFC 3261 §13.2.2.4);
//!   a 2xx that is repeated comes out of [`intake`] as [`Input::Stray`].
//! - `send_cancel` sends one datagram and hopes. A CANCEL is a client transaction of its own here.
//! - A channel counts as reliable and UDP does not; so datagrams go by its UDP connection over our socket, streams by
//!   one bounded channel to our writers.
//! - A server transaction whose answer cannot be sent (a Via that names nowhere) starts no timer and stays for ever, and
//!   the timer's task can miss a wake-up that comes between two polls on another thread; [`sweep`] makes up for both.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{Transaction, TransactionEvent, TransactionEventSender};
use rsipstack::transaction::{Endpoint, TransactionReceiver};
use rsipstack::transport::channel::ChannelConnection;
use rsipstack::transport::transport_layer::DomainResolver;
use rsipstack::transport::udp::{UdpConnection, UdpInner};
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent, TransportLayer};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::agent::{ClientId, ServerId};
use crate::config::{Rate, Timers};
use crate::event::Dropped;
use crate::gate::Gate;
use crate::message::{Flow, Line, Request, Response, Transport};
use crate::run::Clock;

mod convert;
mod intake;
mod streams;

/// Messages on their way to the agent; readers wait when it is full, and the kernel drops what they do not read.
pub(crate) const INPUTS: usize = 1_024;
/// Transactions at a time: a request beyond it is dropped before it is parsed, and comes again by itself.
const MOST_TRANSACTIONS: usize = 4_096;
/// Messages on their way to streams.
const OUTGOING: usize = 1_024;
/// How often overdue transactions are looked for; the longest wait that a missed wake-up can cause.
const SWEEP: Duration = Duration::from_secs(1);

/// What came.
pub(crate) enum Input {
    /// A request that is new.
    Request(ServerId, Request, Flow),
    /// The INVITE of this transaction is taken back.
    Cancel(ServerId),
    /// The ACK for this transaction's answer.
    Ack(ServerId, Request),
    /// The transaction ended.
    ServerEnd(ServerId),
    /// An answer.
    Response(ClientId, Response),
    /// The transaction ended.
    ClientEnd(ClientId),
    /// A 2xx to an INVITE outside any transaction.
    Stray(Response, Flow),
    /// A stream closed.
    Closed(Flow),
}

/// What the two stacks share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) clock: Clock,
    pub(crate) counts: Arc<Counts>,
    numbers: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn new(inputs: mpsc::Sender<Input>, clock: Clock) -> Self {
        Self {
            inputs,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            clock,
            counts: Arc::default(),
            numbers: Arc::default(),
        }
    }

    /// Runs a future until it ends or everything stops, without a log of what passes through it.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(quiet(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = future => {}
            }
        }));
    }
}

/// What was dropped, by cause.
#[derive(Default)]
pub(crate) struct Counts {
    rate: AtomicU64,
    malformed: AtomicU64,
    foreign: AtomicU64,
    busy: AtomicU64,
    oversize: AtomicU64,
    connections: AtomicU64,
}

impl Counts {
    pub(crate) fn dropped(&self) -> Dropped {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Dropped {
            rate: read(&self.rate),
            malformed: read(&self.malformed),
            foreign: read(&self.foreign),
            busy: read(&self.busy),
            oversize: read(&self.oversize),
            connections: read(&self.connections),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn quiet<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future.with_subscriber(NoSubscriber::default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while one of these is held leaves a map whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transaction that runs.
#[derive(Clone)]
struct Handle {
    key: TransactionKey,
    sender: TransactionEventSender,
    /// It must have ended by itself before.
    ends: Option<tokio::time::Instant>,
}

impl Handle {
    fn of(transaction: &Transaction) -> Self {
        Self { key: transaction.key.clone(), sender: transaction.tu_sender.clone(), ends: None }
    }
}

struct Datagrams {
    connection: SipConnection,
    local: SocketAddr,
    stop: CancellationToken,
}

struct Inner {
    line: Line,
    /// Beyond this a transaction that was answered cannot still be waiting: timer H or L, and then I or K.
    longest: Duration,
    shared: Shared,
    endpoint: EndpointInnerRef,
    outgoing: mpsc::Sender<TransportEvent>,
    datagrams: Mutex<Option<Datagrams>>,
    streams: streams::Streams,
    servers: Mutex<BTreeMap<ServerId, Handle>>,
    clients: Mutex<BTreeMap<ClientId, Handle>>,
    gate: Mutex<Gate>,
    /// Only these are listened to; everybody when absent.
    allowed: Option<Mutex<Vec<IpAddr>>>,
}

/// One endpoint: the phones' or the trunk's.
#[derive(Clone)]
pub(crate) struct Stack {
    inner: Arc<Inner>,
}

/// Names are looked up by `link`, never by the library.
struct NoNames;

// The library's trait is an `async_trait`; this is the form that it expands to.
impl DomainResolver for NoNames {
    fn resolve<'a, 'b, 'c>(
        &'a self,
        target: &'b SipAddr,
    ) -> std::pin::Pin<Box<dyn Future<Output = rsipstack::Result<SipAddr>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let error = rsipstack::Error::DnsResolutionError(target.to_string());
        Box::pin(std::future::ready(Err(error)))
    }
}

impl Stack {
    /// An endpoint without sockets yet.
    pub(crate) fn start(line: Line, user_agent: &str, timers: Timers, rate: Rate, shared: &Shared) -> Self {
        let layer = TransportLayer::new_with_domain_resolver(shared.stop.clone(), Box::new(NoNames));
        let option = EndpointOption {
            t1: timers.t1,
            t2: timers.t2,
            t4: timers.t4,
            t1x64: timers.give_up(),
            auto_ack_2xx: false,
            ..EndpointOption::default()
        };
        let endpoint = EndpointBuilder::new()
            .with_user_agent(user_agent)
            .with_transport_layer(layer)
            .with_cancel_token(shared.stop.clone())
            .with_option(option)
            .build();
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let inner = Arc::new(Inner {
            line,
            longest: timers.give_up() + timers.t4 + SWEEP,
            shared: shared.clone(),
            endpoint: endpoint.inner.clone(),
            outgoing,
            datagrams: Mutex::new(None),
            streams: streams::Streams::default(),
            servers: Mutex::default(),
            clients: Mutex::default(),
            gate: Mutex::new(Gate::new(rate)),
            allowed: (line == Line::Trunk).then(Mutex::default),
        });
        if let Ok(incoming) = endpoint.incoming_transactions() {
            shared.spawn(Inner::take_transactions(inner.clone(), incoming));
        }
        shared.spawn(async move { serve(endpoint).await });
        shared.spawn(sweep(inner.clone()));
        shared.spawn(streams::write_all(inner.clone(), queue));
        Self { inner }
    }

    /// Reads and sends datagrams over this socket from now on, and no more over the one before.
    pub(crate) async fn use_socket(&self, socket: UdpSocket) -> std::io::Result<()> {
        let socket = Arc::new(socket);
        let local = socket.local_addr()?;
        let addr = SipAddr::new(rsipstack::sip::Transport::Udp, local.into());
        let stop = self.inner.shared.stop.child_token();
        let connection = UdpConnection::attach(UdpInner { conn: socket.clone(), addr }, None, Some(stop.clone())).await;
        let connection = SipConnection::Udp(connection);
        let new = Datagrams { connection: connection.clone(), local, stop: stop.clone() };
        if let Some(old) = lock(&self.inner.datagrams).replace(new) {
            old.stop.cancel();
        }
        let reader = intake::read_datagrams(self.inner.clone(), socket, connection);
        self.inner.shared.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = reader => {}
            }
        });
        Ok(())
    }

    /// The datagram socket's own address.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        lock(&self.inner.datagrams).as_ref().map(|datagrams| datagrams.local)
    }

    /// Takes streams from this listener.
    pub(crate) fn use_listener(&self, listener: TcpListener) {
        self.inner.shared.spawn(streams::accept(self.inner.clone(), listener));
    }

    /// Uses a stream that we opened.
    pub(crate) fn use_stream(&self, stream: TcpStream, remote: SocketAddr) {
        streams::adopt(&self.inner, stream, remote);
    }

    /// Our own address of the stream to this one, while it is open.
    pub(crate) fn stream_to(&self, remote: SocketAddr) -> Option<SocketAddr> {
        self.inner.streams.local(remote)
    }

    /// Listens to these addresses only.
    pub(crate) fn allow(&self, addresses: Vec<IpAddr>) {
        if let Some(allowed) = &self.inner.allowed {
            *lock(allowed) = addresses;
        }
    }

    /// Answers a request.
    pub(crate) fn respond(&self, server: ServerId, response: &Response) {
        let handle = {
            let mut servers = lock(&self.inner.servers);
            let Some(handle) = servers.get_mut(&server) else { return };
            if response.status >= 200 && handle.ends.is_none() {
                handle.ends = Some(tokio::time::Instant::now() + self.inner.longest);
            }
            handle.clone()
        };
        if let Some(response) = convert::response(response) {
            // The transaction may have ended meanwhile; then nobody waits for the answer.
            handle.sender.send(TransactionEvent::Respond(response)).ok();
        }
    }

    /// Sends a request; the answers come as inputs.
    pub(crate) fn request(&self, client: ClientId, request: &Request, flow: Flow) {
        let inner = self.inner.clone();
        match self.transaction(request, flow) {
            Some(transaction) => {
                let handle = Handle::of(&transaction);
                lock(&self.inner.clients).insert(client, handle);
                self.inner.shared.spawn(inner.drive_client(client, transaction));
            }
            None => self.inner.shared.spawn(async move { inner.tell(Input::ClientEnd(client)).await }),
        }
    }

    fn transaction(&self, request: &Request, flow: Flow) -> Option<Transaction> {
        let message = convert::request(request)?;
        let key = TransactionKey::from_request(&message, TransactionRole::Client).ok()?;
        let connection = self.inner.connection(flow)?;
        let mut transaction = Transaction::new_client(key, message, self.inner.endpoint.clone(), Some(connection));
        transaction.destination = Some(address(flow));
        Some(transaction)
    }

    /// Sends an ACK of a 2xx.
    pub(crate) fn send(&self, request: &Request, flow: Flow) {
        let (Some(message), Some(connection)) = (convert::request(request), self.inner.connection(flow)) else {
            return;
        };
        self.inner.shared.spawn(async move {
            // A lost ACK is asked for again by the other side's 2xx.
            connection.send(message.into(), Some(&address(flow))).await.ok();
        });
    }

    pub(crate) fn abandon_server(&self, server: ServerId) {
        let handle = lock(&self.inner.servers).get(&server).cloned();
        terminate(handle);
    }

    pub(crate) fn abandon_client(&self, client: ClientId) {
        let handle = lock(&self.inner.clients).get(&client).cloned();
        terminate(handle);
    }

    /// Transactions that run, that linger, and streams.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let stats = self.inner.endpoint.get_stats();
        let ours = lock(&self.inner.servers).len() + lock(&self.inner.clients).len();
        (stats.running_transactions.max(ours), stats.finished_transactions, self.inner.streams.len())
    }
}

fn terminate(handle: Option<Handle>) {
    if let Some(Handle { key, sender, .. }) = handle {
        sender.send(TransactionEvent::Terminate(key)).ok();
    }
}

fn address(flow: Flow) -> SipAddr {
    let transport = match flow.transport {
        Transport::Udp => rsipstack::sip::Transport::Udp,
        Transport::Tcp => rsipstack::sip::Transport::Tcp,
    };
    SipAddr::new(transport, flow.remote.into())
}

async fn serve(endpoint: Endpoint) {
    endpoint.serve().await;
}

/// See the module's notes. An entry that does nothing wakes the timer's task.
async fn sweep(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if inner.endpoint.timers.len() > 0 {
            inner.endpoint.timers.timeout(Duration::ZERO, no_timer());
        }
        let now = tokio::time::Instant::now();
        let overdue: Vec<Handle> = {
            let servers = lock(&inner.servers);
            servers.values().filter(|handle| handle.ends.is_some_and(|at| at <= now)).cloned().collect()
        };
        for handle in overdue {
            terminate(Some(handle));
        }
    }
}

fn no_timer() -> rsipstack::transaction::TransactionTimer {
    let mut request = Request::new(crate::message::Method::Options, "sip:nobody.invalid");
    let headers = &mut request.headers;
    headers.push("Via", "SIP/2.0/UDP nobody.invalid;branch=z9hG4bKnone");
    headers.push("From", "<sip:nobody.invalid>;tag=none");
    headers.push("To", "<sip:nobody.invalid>");
    headers.push("Call-ID", "none");
    headers.push("CSeq", "1 OPTIONS");
    let key = convert::request(&request)
        .and_then(|message| TransactionKey::from_request(&message, TransactionRole::Client).ok())
        .expect("this request is well formed");
    rsipstack::transaction::TransactionTimer::TimerCleanup(key)
}

/// Tells the end of a transaction whatever way its task ends, a panic included.
struct Farewell {
    inner: Arc<Inner>,
    input: Option<Input>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(input) = self.input.take() else { return };
        match &input {
            Input::ServerEnd(server) => {
                lock(&self.inner.servers).remove(server);
            }
            Input::ClientEnd(client) => {
                lock(&self.inner.clients).remove(client);
            }
            _ => {}
        }
        let inner = self.inner.clone();
        self.inner.shared.spawn(async move { inner.tell(input).await });
    }
}

impl Inner {
    async fn tell(&self, input: Input) {
        // The agent is gone only when everything stops.
        self.shared.inputs.send(input).await.ok();
    }

    fn connection(&self, flow: Flow) -> Option<SipConnection> {
        match flow.transport {
            Transport::Udp => lock(&self.datagrams).as_ref().map(|datagrams| datagrams.connection.clone()),
            Transport::Tcp => Some(self.channel(flow)),
        }
    }

    /// A connection whose messages come out of our queue with the flow's address.
    fn channel(&self, flow: Flow) -> SipConnection {
        let (_, nothing) = mpsc::unbounded_channel();
        let made = ChannelConnection::create_connection_bounded(nothing, self.outgoing.clone(), address(flow), None);
        let channel = futures_now(made).expect("a channel is made without waiting").expect("and without failing");
        SipConnection::Channel(channel)
    }

    async fn take_transactions(inner: Arc<Self>, mut incoming: TransactionReceiver) {
        while let Some(mut transaction) = incoming.recv().await {
            let server = ServerId(inner.shared.numbers.fetch_add(1, Ordering::Relaxed));
            let handle = Handle::of(&transaction);
            let Some((request, flow)) = convert::take_mark(&mut transaction.original, inner.line) else { continue };
            lock(&inner.servers).insert(server, handle);
            inner.tell(Input::Request(server, request, flow)).await;
            inner.shared.spawn(inner.clone().drive_server(server, transaction));
        }
    }

    async fn drive_server(self: Arc<Self>, server: ServerId, mut transaction: Transaction) {
        let _farewell = Farewell { inner: self.clone(), input: Some(Input::ServerEnd(server)) };
        while let Some(message) = transaction.receive().await {
            let rsipstack::sip::SipMessage::Request(message) = message else { continue };
            match message.method {
                rsipstack::sip::Method::Cancel => self.tell(Input::Cancel(server)).await,
                rsipstack::sip::Method::Ack => {
                    self.tell(Input::Ack(server, convert::from_request(&message))).await;
                }
                _ => {}
            }
        }
    }

    async fn drive_client(self: Arc<Self>, client: ClientId, mut transaction: Transaction) {
        let _farewell = Farewell { inner: self.clone(), input: Some(Input::ClientEnd(client)) };
        if transaction.send().await.is_err() {
            return;
        }
        while let Some(message) = transaction.receive().await {
            if let rsipstack::sip::SipMessage::Response(message) = message {
                self.tell(Input::Response(client, convert::from_response(&message))).await;
            }
        }
    }
}

/// The result of a future that never waits.
fn futures_now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
