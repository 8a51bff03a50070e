//! The shell: one task that holds the agent, feeds it and does what it says.
//!
//! Decides nothing about calls. Reads no bytes; `stack` does. Whoever reads the events slowly makes new calls be refused
//! first and loses legs then; nothing here waits for them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use sans_io::Instant;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, oneshot};

use crate::agent::{Agent, Congestion, Output};
use crate::config::Config;
use crate::event::{CallError, Event, Statistics};
use crate::link::{self, Found};
use crate::message::Line;
use crate::stack::{INPUTS, Input, Shared, Stack};

/// Wishes on their way to the agent; who wishes waits.
const COMMANDS: usize = 256;
/// Events on their way to their reader, before they pile up here.
const EVENTS: usize = 256;
/// Events that pile up for each leg, beside [`EVENTS`]; beyond it the leg of the next event ends.
const BACKLOG_A_LEG: usize = 4;
/// Messages that are handled before outputs are done.
const BATCH: usize = 64;
/// Tries to find a port that is free for UDP and TCP.
const PORT_TRIES: usize = 16;
/// Farewells have so long at the end.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// The process's monotonic clock as the cores take it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(tokio::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    fn at(self, instant: Instant) -> tokio::time::Instant {
        self.0 + Duration::from_micros(instant.as_micros())
    }
}

/// Why the signalling did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener's address cannot be had.
    #[error("listening for phones on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The realm cannot stand in a challenge.
    #[error("the realm must be 1 to 64 plain characters without quotes")]
    Realm,
}

type Command = Box<dyn FnOnce(&mut Agent, Instant) + Send>;

/// The handle's way to the agent.
#[derive(Clone)]
pub(crate) struct Door {
    commands: mpsc::Sender<Command>,
    stacks: Vec<Stack>,
    shared: Shared,
}

impl Door {
    /// Has something done by the agent and waits for what comes of it.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        wish: impl FnOnce(&mut Agent, Instant) -> T + Send + 'static,
    ) -> Result<T, CallError> {
        let (answer, result) = oneshot::channel();
        let command: Command = Box::new(move |agent, now| {
            // Who asked may have gone away.
            answer.send(wish(agent, now)).ok();
        });
        self.commands.send(command).await.map_err(|_| CallError::Stopped)?;
        result.await.map_err(|_| CallError::Stopped)
    }

    /// Adds what the stacks count.
    pub(crate) fn counted(&self, mut statistics: Statistics) -> Statistics {
        for stack in &self.stacks {
            let (running, lingering, connections) = stack.counts();
            statistics.transactions += running;
            statistics.lingering += lingering;
            statistics.connections += connections;
        }
        statistics.dropped = self.shared.counts.dropped();
        statistics
    }
}

/// The signalling at work: drive it with [`Running::run`].
pub struct Running {
    agent: Agent,
    phones: Stack,
    trunk: Option<Stack>,
    shared: Shared,
    inputs: mpsc::Receiver<Input>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    found: mpsc::Receiver<Found>,
    find: mpsc::Sender<()>,
    backlog: VecDeque<Event>,
    most_backlog: usize,
}

/// Opens the sockets and puts everything together.
pub(crate) async fn start(
    config: Config,
    nonce_key: [u8; 32],
) -> Result<(Door, SocketAddr, mpsc::Receiver<Event>, Running), StartError> {
    let realm = &config.realm;
    if realm.is_empty() || realm.len() > 64 || realm.contains(['"', '\\']) || realm.chars().any(char::is_control) {
        return Err(StartError::Realm);
    }
    let wrong = |source| StartError::Listen { address: config.listen, source };
    let (listener, socket) = bind(config.listen).await.map_err(wrong)?;
    let address = socket.local_addr().map_err(wrong)?;
    let (to_agent, inputs) = mpsc::channel(INPUTS);
    let shared = Shared::new(to_agent, Clock::start());
    let phones = Stack::start(Line::Phones, &config.user_agent, config.timers, config.phone_rate, &shared);
    phones.use_socket(socket).await.map_err(wrong)?;
    phones.use_listener(listener);
    let (find, asked) = mpsc::channel(1);
    let (to_find, found) = mpsc::channel(1);
    let trunk = config.trunk.clone().map(|trunk| {
        let stack = Stack::start(Line::Trunk, &config.user_agent, config.timers, config.trunk_rate, &shared);
        let stop = shared.stop.clone();
        let link = link::run(trunk, config.external, stack.clone(), asked, to_find);
        shared.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = link => {}
            }
        });
        stack
    });
    let shown = SocketAddr::new(config.external.unwrap_or(address.ip()), address.port());
    let most_backlog = EVENTS + config.most_legs.saturating_mul(BACKLOG_A_LEG);
    let agent = Agent::new(config, shown, &nonce_key, shared.clock.now());
    let (commands_in, commands) = mpsc::channel(COMMANDS);
    let (events, events_out) = mpsc::channel(EVENTS);
    let stacks = [Some(phones.clone()), trunk.clone()].into_iter().flatten().collect();
    let door = Door { commands: commands_in, stacks, shared: shared.clone() };
    let running = Running {
        agent,
        phones,
        trunk,
        shared,
        inputs,
        commands,
        events,
        found,
        find,
        backlog: VecDeque::new(),
        most_backlog,
    };
    Ok((door, address, events_out, running))
}

/// UDP and TCP on the same port.
async fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, UdpSocket)> {
    let mut tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        let listener = TcpListener::bind(listen).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

impl Running {
    /// Runs until `stop` is ready; then hangs everything up, waits a little for the farewells, and ends every socket and
    /// task.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut ends: Option<tokio::time::Instant> = None;
        loop {
            self.perform();
            if ends.is_some_and(|at| at <= tokio::time::Instant::now() || self.is_done()) {
                break;
            }
            let clock = self.shared.clock;
            let due = self.agent.next_timeout().map(|at| clock.at(at));
            let events = self.events.clone();
            let wake = [due, ends].into_iter().flatten().min();
            tokio::select! {
                Some(input) = self.inputs.recv() => self.take(input),
                Some(command) = self.commands.recv() => command(&mut self.agent, clock.now()),
                Some(found) = self.found.recv() => self.take_found(found),
                Ok(room) = events.reserve(), if !self.backlog.is_empty() => {
                    if let Some(event) = self.backlog.pop_front() {
                        room.send(event);
                    }
                }
                () = sleep_until(wake) => self.agent.handle_timeout(clock.now()),
                () = &mut stop, if ends.is_none() => {
                    self.agent.handle_stop(clock.now());
                    ends = Some(tokio::time::Instant::now() + STOP_WAIT);
                }
            }
        }
        self.shared.stop.cancel();
        self.shared.tasks.close();
        // Tasks that tell the agent something must not wait for it.
        self.inputs.close();
        self.shared.tasks.wait().await;
    }

    fn is_done(&self) -> bool {
        self.agent.statistics().dialogs == 0 && self.backlog.is_empty()
    }

    fn take(&mut self, input: Input) {
        self.handle(input);
        for _ in 1..BATCH {
            let Ok(input) = self.inputs.try_recv() else { return };
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.shared.clock.now();
        let agent = &mut self.agent;
        match input {
            Input::Request(server, request, flow) => agent.handle_request(server, request, flow, now),
            Input::Cancel(server) => agent.handle_cancel(server),
            Input::Ack(server, request) => agent.handle_ack(server, &request, now),
            Input::ServerEnd(server) => agent.handle_server_end(server, now),
            Input::Response(client, response) => agent.handle_response(client, &response, now),
            Input::ClientEnd(client) => agent.handle_client_end(client, now),
            Input::Stray(response, flow) => agent.handle_stray(&response, flow),
            Input::Closed(flow) => agent.handle_closed(flow, now),
        }
    }

    fn take_found(&mut self, found: Found) {
        match found {
            Found::Way(link) => self.agent.handle_link(link),
            Found::Nothing(why) => {
                tracing::warn!(why, "no way to the trunk's registrar");
                self.agent.handle_unreachable(&why, self.shared.clock.now());
            }
        }
    }

    fn stack(&self, line: Line) -> &Stack {
        match line {
            Line::Phones => &self.phones,
            Line::Trunk => self.trunk.as_ref().unwrap_or(&self.phones),
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Respond(server, response) => self.each_stack(|stack| stack.respond(server, &response)),
                Output::Request(client, request, flow) => self.stack(flow.line).request(client, &request, flow),
                Output::Ack(request, flow) => self.stack(flow.line).send(&request, flow),
                Output::AbandonServer(server) => self.each_stack(|stack| stack.abandon_server(server)),
                Output::AbandonClient(client) => self.each_stack(|stack| stack.abandon_client(client)),
                Output::Event(event) => self.tell(event),
                // A search that is under way already answers this too.
                Output::Link => self.find.try_send(()).unwrap_or_default(),
            }
        }
        let congested = self.backlog.len() >= EVENTS;
        self.agent.set_congestion(if congested { Congestion::Congested } else { Congestion::Clear });
    }

    /// Transactions are numbered over both stacks; the one that knows the number acts.
    fn each_stack(&self, act: impl Fn(&Stack)) {
        act(&self.phones);
        if let Some(trunk) = &self.trunk {
            act(trunk);
        }
    }

    fn tell(&mut self, event: Event) {
        if self.backlog.is_empty() {
            match self.events.try_send(event) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(event) | mpsc::error::TrySendError::Closed(event)) => {
                    self.backlog.push_back(event);
                    return;
                }
            }
        }
        let is_end = matches!(event, Event::Gone { .. });
        if !is_end && self.backlog.len() >= self.most_backlog {
            let leg = event.leg();
            tracing::warn!(?leg, "a leg ends: its events are not read");
            return self.agent.handle_overload(leg, self.shared.clock.now());
        }
        self.backlog.push_back(event);
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
