//! The user agent: every leg, every dialog, the registrar's and the trunk's place among them.
//!
//! Decides what each message means and what is sent next. Pure: it is told the time, the messages and the wishes of
//! whoever holds the calls, and says what to do in [`Output`]s. Never touches a socket; `run` does with `stack`, which
//! repeats messages and matches answers to requests (RFC 3261 §17). Dialogs are kept here alone, and each has a time
//! at which it ends by itself, so that none outlives its peer.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sans_io::Instant;
use store_voice::session;

use crate::config::Config;
use crate::event::{Event, Gone, Leg, OfferId, Registration, Source, Statistics, TrunkState};
use crate::message::{ALLOW, Flow, Line, Method, Request, Response};
use crate::registrar::Registrar;
use crate::tokens::Tokens;
use crate::trunk::{self, Link};

use dialog::{Dialog, Key};

mod auth;
mod caller;
mod dialog;
mod ending;
mod incoming;
mod outgoing;
mod within;

#[cfg(test)]
mod tests;

/// An unanswered call of somebody else ends after this, whatever its owner does.
const LONGEST_RING: Duration = Duration::from_secs(300);
/// An offer that its owner does not answer is refused after this.
const OFFER_WAIT: Duration = Duration::from_secs(20);
/// Dialogs on their way out, beside those of legs: for each leg the losers of a race and a farewell.
const DIALOGS_A_LEG: usize = 4;
/// What a refused caller is asked to wait.
const RETRY_AFTER_S: u32 = 5;

/// A transaction that somebody else began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerId(pub(crate) u64);

/// A transaction of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(pub(crate) u64);

/// What must be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Answer a request.
    Respond(ServerId, Response),
    /// Send a request in a transaction of its own.
    Request(ClientId, Request, Flow),
    /// Send an ACK of a 2xx, which has no transaction.
    Ack(Request, Flow),
    /// Forget a transaction: no more repetitions, no more answers.
    AbandonServer(ServerId),
    /// The same for one of ours.
    AbandonClient(ClientId),
    /// Tell the owner of the calls.
    Event(Event),
    /// Find the trunk's registrar.
    Link,
}

/// What an answer to a request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Invite(Key),
    Reinvite(Key),
    Update(Key),
    Bye(Key),
    Cancel,
    Register,
}

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Congestion {
    /// Events are read in time.
    Clear,
    /// They pile up.
    Congested,
}

struct LegRow {
    dialogs: Vec<Key>,
    answered: bool,
    hung_up: bool,
    rang: bool,
    /// The best refusal among branches so far.
    refusal: Option<Gone>,
}

/// The user agent.
pub(crate) struct Agent {
    config: Config,
    phones_local: SocketAddr,
    tokens: Tokens,
    registrar: Registrar,
    failures: auth::Failures,
    trunk: Option<trunk::Registration>,
    legs: BTreeMap<Leg, LegRow>,
    dialogs: BTreeMap<Key, Dialog>,
    by_tag: BTreeMap<(String, String), Key>,
    servers: BTreeMap<ServerId, Key>,
    clients: BTreeMap<ClientId, Purpose>,
    congestion: Congestion,
    outputs: VecDeque<Output>,
    made: u64,
}

impl Agent {
    /// `phones_local` is what `Contact` and `Via` say to phones.
    pub(crate) fn new(config: Config, phones_local: SocketAddr, nonce_key: &[u8; 32], now: Instant) -> Self {
        let mut tokens = Tokens::new(nonce_key);
        let registrar =
            Registrar::new(&config.realm, &config.phones, config.registrations, config.nonce_life, nonce_key);
        let account = config.trunk.clone();
        let trunk = account.map(|trunk| trunk::Registration::new(trunk, tokens.next(), tokens.next(), now));
        let mut agent = Self {
            failures: auth::Failures::new(config.most_failures),
            config,
            phones_local,
            tokens,
            registrar,
            trunk,
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            servers: BTreeMap::new(),
            clients: BTreeMap::new(),
            congestion: Congestion::Clear,
            outputs: VecDeque::new(),
            made: 0,
        };
        agent.drive_trunk();
        agent
    }

    /// The next thing to do; `None` when there is nothing until [`Self::next_timeout`].
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn respond(&mut self, server: ServerId, response: Response) {
        let response = response.with("Server", self.config.user_agent.clone());
        self.outputs.push_back(Output::Respond(server, response));
    }

    fn reply(&mut self, server: ServerId, request: &Request, status: u16) {
        let tag = self.tokens.next();
        let response = Response::to(request, status, &tag);
        self.respond(server, response);
    }

    /// Sends a request that has all its headers but those of the way.
    fn send(&mut self, purpose: Purpose, request: Request, flow: Flow) -> ClientId {
        let client = ClientId(self.number());
        self.clients.insert(client, purpose);
        self.outputs.push_back(Output::Request(client, request, flow));
        client
    }

    fn local(&self, line: Line) -> SocketAddr {
        match line {
            Line::Phones => self.phones_local,
            Line::Trunk => {
                self.trunk.as_ref().and_then(trunk::Registration::link).map_or(self.phones_local, |link| link.local)
            }
        }
    }

    fn via(&mut self, flow: Flow) -> String {
        let branch = self.tokens.branch();
        format!("SIP/2.0/{} {};branch={branch};rport", flow.transport.as_str(), self.local(flow.line))
    }

    fn contact(&self, flow: Flow) -> String {
        let user = match (flow.line, &self.trunk) {
            (Line::Trunk, Some(trunk)) => crate::address::clean_user(&trunk.config().user),
            _ => "store".to_owned(),
        };
        let transport = match flow.transport {
            crate::Transport::Udp => "",
            crate::Transport::Tcp => ";transport=tcp",
        };
        format!("<sip:{user}@{}{transport}>", self.local(flow.line))
    }

    /// A request came.
    pub(crate) fn handle_request(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let has_dialog = request.headers.get("To").and_then(crate::address::tag_of).is_some();
        if has_dialog && request.method != Method::Register {
            return self.handle_within(server, request, flow, now);
        }
        match (request.method, flow.line) {
            (Method::Invite, _) => self.handle_invite(server, request, flow, now),
            (Method::Register, Line::Phones) => self.handle_register(server, &request, flow, now),
            (Method::Options, _) => self.handle_options(server, &request),
            (Method::Bye | Method::Update | Method::Info | Method::Ack | Method::Cancel, _) => {
                self.reply(server, &request, 481);
            }
            (Method::Register | Method::Other(_), _) => self.refuse_method(server, &request),
        }
    }

    fn refuse_method(&mut self, server: ServerId, request: &Request) {
        let tag = self.tokens.next();
        let response = Response::to(request, 405, &tag).with("Allow", ALLOW);
        self.respond(server, response);
    }

    fn handle_options(&mut self, server: ServerId, request: &Request) {
        let tag = self.tokens.next();
        let response = Response::to(request, 200, &tag)
            .with("Allow", ALLOW)
            .with("Accept", crate::message::SDP)
            .with("Supported", "timer");
        self.respond(server, response);
    }

    /// A request of ours was answered; 408 stands for silence too.
    pub(crate) fn handle_response(&mut self, client: ClientId, response: &Response, now: Instant) {
        let Some(purpose) = self.clients.get(&client).copied() else { return };
        if response.status >= 200 {
            self.clients.remove(&client);
        }
        match purpose {
            Purpose::Invite(key) => self.handle_invite_response(key, response, now),
            Purpose::Reinvite(key) => self.handle_reinvite_response(key, client, response, now),
            Purpose::Update(key) => self.handle_update_response(key, response, now),
            Purpose::Bye(key) if response.status >= 200 => self.handle_bye_response(key, response),
            Purpose::Bye(_) | Purpose::Cancel => {}
            Purpose::Register => {
                if let Some(trunk) = &mut self.trunk {
                    trunk.handle_response(response, now);
                }
                self.drive_trunk();
            }
        }
    }

    /// A transaction of ours ended. Without a final answer before it, that counts as silence.
    pub(crate) fn handle_client_end(&mut self, client: ClientId, now: Instant) {
        if self.clients.contains_key(&client) {
            let silence = Response { status: 408, headers: Default::default(), body: Vec::new() };
            self.handle_response(client, &silence, now);
        }
    }

    /// The trunk's way is open.
    pub(crate) fn handle_link(&mut self, link: Link) {
        if let Some(trunk) = &mut self.trunk {
            trunk.handle_link(link);
        }
        self.drive_trunk();
    }

    /// The trunk's way is not, or no more.
    pub(crate) fn handle_unreachable(&mut self, why: &str, now: Instant) {
        if let Some(trunk) = &mut self.trunk {
            trunk.handle_unreachable(why, now);
        }
        self.drive_trunk();
    }

    /// A stream closed: phones behind it are reached no more, and calls of ours that wait for a first word on it get none.
    /// Dialogs that are up end by their own timers: a phone may come back on another stream.
    pub(crate) fn handle_closed(&mut self, flow: Flow, now: Instant) {
        match flow.line {
            Line::Phones => self.registrar.handle_closed(flow),
            Line::Trunk => {
                if let Some(trunk) = &mut self.trunk {
                    trunk.handle_broken("the connection closed", now);
                }
                self.drive_trunk();
            }
        }
        let waits = |dialog: &Dialog| dialog.flow == flow && dialog.waits_for_a_first_word();
        let lost: Vec<Key> = self.dialogs.iter().filter(|(_, dialog)| waits(dialog)).map(|(key, _)| *key).collect();
        for key in lost {
            self.lose_unreachable(key);
        }
    }

    fn drive_trunk(&mut self) {
        while let Some(want) = self.trunk.as_mut().and_then(trunk::Registration::poll_want) {
            match want {
                trunk::Want::Link => self.outputs.push_back(Output::Link),
                trunk::Want::Send(request) => {
                    let Some(flow) = self.trunk_flow() else { continue };
                    let mut request = *request;
                    self.dress(&mut request, flow);
                    self.send(Purpose::Register, request, flow);
                }
            }
        }
    }

    fn trunk_flow(&self) -> Option<Flow> {
        let trunk = self.trunk.as_ref()?;
        let transport = trunk.config().transport;
        trunk.link().map(|link| Flow { line: Line::Trunk, transport, remote: link.remote })
    }

    /// Adds what every request of ours has.
    fn dress(&mut self, request: &mut Request, flow: Flow) {
        let via = self.via(flow);
        request.headers.set("Via", via);
        request.headers.set("Max-Forwards", "70");
        request.headers.set("User-Agent", self.config.user_agent.clone());
    }

    /// When something is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let dialogs = self.dialogs.values().filter_map(Dialog::next_timeout).min();
        let trunk = self.trunk.as_ref().and_then(trunk::Registration::next_timeout);
        [dialogs, trunk, self.registrar.next_timeout()].into_iter().flatten().min()
    }

    /// Time has passed. Nothing is due at `now` afterwards, however late this comes.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.registrar.handle_timeout(now);
        if let Some(trunk) = &mut self.trunk {
            trunk.handle_timeout(now);
        }
        self.drive_trunk();
        let due: Vec<Key> = self
            .dialogs
            .iter()
            .filter(|(_, dialog)| dialog.next_timeout().is_some_and(|at| at <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            self.handle_due(key, now);
        }
    }

    fn handle_due(&mut self, key: Key, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        if dialog.deadline.is_some_and(|at| at <= now) {
            dialog.deadline = None;
            self.handle_deadline(key, now);
        }
        let session = self.dialogs.get_mut(&key).and_then(|dialog| dialog.session.as_mut());
        match session.and_then(|timer| timer.handle_timeout(now)) {
            Some(session::Due::Refresh) => self.refresh(key),
            Some(session::Due::HangUp) => self.end(key, Gone::SessionExpired, now),
            None => {}
        }
    }

    /// Whether the reader of the events keeps up.
    pub(crate) const fn set_congestion(&mut self, congestion: Congestion) {
        self.congestion = congestion;
    }

    /// An event of a leg could not be told: the leg ends.
    pub(crate) fn handle_overload(&mut self, leg: Leg, now: Instant) {
        self.end_leg(leg, Gone::Overloaded, now);
    }

    fn has_room(&self) -> bool {
        let full = self.legs.len() >= self.config.most_legs
            || self.dialogs.len() >= self.config.most_legs.saturating_mul(DIALOGS_A_LEG);
        !full && self.congestion == Congestion::Clear
    }

    /// Where the phones are.
    pub(crate) fn registrations(&self, now: Instant) -> Vec<Registration> {
        let shown = |(extension, binding): (&store_voice::dial::Extension, &crate::registrar::Binding)| Registration {
            extension: extension.clone(),
            contact: binding.uri.clone(),
            transport: binding.flow.transport,
            source: binding.flow.remote,
            user_agent: binding.user_agent.clone(),
            expires_in: binding.until.since(now),
            since: now.since(binding.since),
        };
        self.registrar.all().filter(|(_, binding)| binding.until > now).map(shown).collect()
    }

    /// How the trunk stands.
    pub(crate) fn trunk_state(&self, now: Instant) -> TrunkState {
        self.trunk.as_ref().map_or(TrunkState::Off, |trunk| trunk.state(now))
    }

    /// Legs and dialogs; the rest is the stack's.
    pub(crate) fn statistics(&self) -> Statistics {
        Statistics { legs: self.legs.len(), dialogs: self.dialogs.len(), ..Statistics::default() }
    }

    fn source_of(&mut self, request: &Request, flow: Flow, now: Instant) -> Result<Source, auth::No> {
        match flow.line {
            Line::Trunk => Ok(Source::Trunk),
            Line::Phones => self.authenticated(request, flow.remote.ip(), now).map(Source::Phone),
        }
    }

    fn challenge(&mut self, server: ServerId, request: &Request, source: IpAddr, no: auth::No, now: Instant) {
        let stale = match no {
            auth::No::TooOften => return self.reply(server, request, 403),
            auth::No::Challenge(stale) => stale,
        };
        let tag = self.tokens.next();
        let mut response = Response::to(request, 401, &tag);
        let from = request.headers.get("From").map(crate::address::NameAddr::parse);
        let user = from.and_then(|from| crate::address::user(from.uri));
        for challenge in self.registrar.challenges(user, source, stale, now) {
            response.headers.push("WWW-Authenticate", challenge);
        }
        self.respond(server, response);
    }

    fn new_offer(&mut self) -> OfferId {
        OfferId(self.number())
    }
}
