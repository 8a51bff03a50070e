//! A telephone for tests and benches: registers, calls, answers, presses keys, says a tone and keeps what it hears.
//!
//! It is stepped, so that one thread can hold hundreds. It speaks as little SIP as a phone needs and trusts its
//! network: it runs on loopback, and real phones (baresip, linphonec, sipp) are tried beside it. It can also play the
//! exchange that a trunk registers at.

mod description;
mod message;
mod sound;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
pub use description::Direction;
use description::{Description, offer};
pub use message::Digest;
use message::{Message, challenge_of};
use sound::Sound;
pub use sound::{Heard, goertzel};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Longer than any message here.
const MOST_BYTES: usize = 8_192;

/// Who a phone is and whom it registers at.
#[derive(Clone, Debug)]
pub struct Account {
    /// The extension, or the number that calls come from.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The exchange.
    pub server: SocketAddr,
    /// Which digest it answers a challenge with.
    pub digest: Digest,
}

/// Where a phone stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// On the hook.
    Idle,
    /// It called; the last provisional status.
    Calling(u16),
    /// It rings; who calls.
    Ringing(String),
    /// It talks.
    Talking,
    /// It ended: the status of a refusal, or 200 for a hang-up.
    Ended(u16),
}

/// The telephone.
#[derive(Debug)]
pub struct Phone {
    account: Account,
    sip: UdpSocket,
    own: SocketAddr,
    state: State,
    /// The status of the last registration's answer.
    registered: Option<u16>,
    call: Option<Call>,
    /// The request that waits for its answer, to be asked again with credentials.
    asked: Option<Message>,
    cseq: u32,
    sound: Sound,
    /// Contacts that registered here, when it plays an exchange.
    contacts: Vec<String>,
    /// Answers of ours by CSeq and branch, for repeated requests.
    answered: VecDeque<(String, Vec<u8>)>,
    timeline: Vec<(Instant, String)>,
}

#[derive(Debug)]
struct Call {
    id: String,
    local: String,
    remote: String,
    /// Where requests within the call go.
    target: String,
    invite: Message,
    /// Counts our descriptions.
    version: u32,
    outgoing: bool,
}

fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}{n:x}", std::process::id())
}

impl Phone {
    /// A phone with sockets of its own on loopback.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(account: Account) -> Result<Self> {
        let sip = UdpSocket::bind((LOOPBACK, 0)).context("a phone's SIP socket")?;
        sip.set_nonblocking(true)?;
        let own = sip.local_addr()?;
        Ok(Self {
            account,
            sip,
            own,
            state: State::Idle,
            registered: None,
            call: None,
            asked: None,
            cseq: 0,
            sound: Sound::new()?,
            contacts: Vec::new(),
            answered: VecDeque::new(),
            timeline: Vec::new(),
        })
    }

    /// Its own address.
    pub const fn address(&self) -> SocketAddr {
        self.own
    }

    /// Where it stands.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The status of the last registration's answer.
    pub const fn registration(&self) -> Option<u16> {
        self.registered
    }

    /// Contacts that registered here.
    pub fn contacts(&self) -> &[String] {
        &self.contacts
    }

    /// What it hears and says.
    pub const fn sound(&mut self) -> &mut Sound {
        &mut self.sound
    }

    /// Messages that went by, for a failure's report.
    pub fn story(&self) -> String {
        let Some((first, _)) = self.timeline.first() else { return String::new() };
        self.timeline.iter().map(|(at, line)| format!("{:>8.3} {line}\n", (*at - *first).as_secs_f64())).collect()
    }

    /// Registers for `seconds`; zero leaves.
    ///
    /// # Errors
    /// When the datagram can't be sent.
    pub fn register(&mut self, seconds: u32) -> io::Result<()> {
        self.registered = None;
        let server = self.account.server;
        let to = format!("<sip:{}@{}>", self.account.user, server);
        let mut request = self.request("REGISTER", &format!("sip:{server}"), &to, &to, &token());
        request.set("Contact", &self.contact());
        request.set("Expires", &seconds.to_string());
        self.send_request(request)
    }

    /// Calls a number or extension at the exchange.
    ///
    /// # Errors
    /// When the datagram can't be sent.
    pub fn dial(&mut self, number: &str) -> io::Result<()> {
        let server = self.account.server;
        self.invite(&format!("sip:{number}@{server}"), server)
    }

    /// Calls whoever registered here, as an exchange does; `from` is the caller's number.
    ///
    /// # Errors
    /// When nobody registered, or the datagram can't be sent.
    pub fn dial_registered(&mut self, from: &str) -> Result<()> {
        let contact = self.contacts.last().context("nobody registered")?.clone();
        self.account.user = from.to_owned();
        let to = message::address_of(&contact).context("the contact has no address")?;
        self.account.server = to;
        Ok(self.invite(&contact, to)?)
    }

    fn invite(&mut self, uri: &str, server: SocketAddr) -> io::Result<()> {
        let id = token();
        let from = format!("<sip:{}@{}>;tag={}", self.account.user, self.own, token());
        let mut request = self.request("INVITE", uri, &format!("<sip:{}@{server}>", user_of(uri)), &from, &id);
        request.set("Contact", &self.contact());
        request.set("Content-Type", "application/sdp");
        request.body = offer(self.sound.address(), 1, Direction::SendRecv);
        self.call = Some(Call {
            id,
            local: from,
            remote: String::new(),
            target: uri.to_owned(),
            invite: request.clone(),
            version: 1,
            outgoing: true,
        });
        self.state = State::Calling(0);
        self.send_request(request)
    }

    /// Picks up.
    ///
    /// # Errors
    /// When nothing rings, or nothing can be agreed on.
    pub fn answer(&mut self) -> Result<()> {
        let call = self.call.as_mut().context("nothing rings")?;
        let theirs = Description::parse(&call.invite.body).context("their description")?;
        let mut response = call.invite.answer(200, "OK", Some(&call.local));
        response.set("Content-Type", "application/sdp");
        response.body = theirs.answer(self.sound.address(), call.version);
        self.sound.begin(theirs);
        response.set("Contact", &format!("<sip:{}@{}>", self.account.user, self.own));
        self.state = State::Talking;
        self.respond(&response)?;
        Ok(())
    }

    /// Refuses what rings.
    ///
    /// # Errors
    /// When nothing rings.
    pub fn refuse(&mut self, status: u16) -> Result<()> {
        let call = self.call.take().context("nothing rings")?;
        let response = call.invite.answer(status, "Refused", Some(&call.local));
        self.state = State::Ended(status);
        self.respond(&response)?;
        Ok(())
    }

    /// Hangs up, or gives up before the answer.
    ///
    /// # Errors
    /// When there is no call.
    pub fn hang_up(&mut self) -> Result<()> {
        let call = self.call.as_ref().context("there is no call")?;
        if matches!(self.state, State::Calling(_)) {
            let mut cancel = call.invite.clone();
            cancel.turn_into("CANCEL");
            let to = self.account.server;
            self.sip.send_to(&cancel.to_bytes(), to)?;
            self.note(&cancel, "->");
            return Ok(());
        }
        let mut bye = self.within("BYE").context("there is no call")?;
        bye.body.clear();
        self.sound.end();
        self.state = State::Ended(200);
        self.send_request(bye)?;
        Ok(())
    }

    /// Puts the other side on hold, or takes it off.
    ///
    /// # Errors
    /// When there is no call.
    pub fn hold(&mut self, direction: Direction) -> Result<()> {
        let mut request = self.within("INVITE").context("there is no call")?;
        let contact = self.contact();
        let call = self.call.as_mut().context("there is no call")?;
        call.version += 1;
        let version = call.version;
        request.set("Contact", &contact);
        request.set("Content-Type", "application/sdp");
        request.body = offer(self.sound.address(), version, direction);
        Ok(self.send_request(request)?)
    }

    /// Takes in what came and says the next 20 ms, when their time has come.
    ///
    /// # Errors
    /// When a socket fails.
    pub fn step(&mut self) -> Result<()> {
        let mut octets = [0; MOST_BYTES];
        loop {
            match self.sip.recv_from(&mut octets) {
                Ok((length, from)) => self.take(&octets[..length], from)?,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(e) => return Err(e).context("a phone's SIP socket"),
            }
        }
        self.sound.step()
    }

    /// Steps until `done` says so.
    ///
    /// # Errors
    /// When it does not within `limit`; with the messages that went by.
    pub fn until(&mut self, what: &str, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> Result<()> {
        let end = Instant::now() + limit;
        while !done(self) {
            if Instant::now() >= end {
                anyhow::bail!("{what}: not within {limit:?}; {:?}\n{}", self.state, self.story());
            }
            self.step()?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn take(&mut self, octets: &[u8], from: SocketAddr) -> Result<()> {
        let Some(message) = Message::parse(octets) else { return Ok(()) };
        self.note(&message, "<-");
        match message.status() {
            Some(status) => self.take_answer(status, &message),
            None => self.take_request(message, from),
        }
    }

    fn take_answer(&mut self, status: u16, answer: &Message) -> Result<()> {
        let method = answer.method_of_cseq();
        if method == "INVITE" && status >= 200 {
            self.acknowledge(status, answer)?;
        }
        if matches!(status, 401 | 407)
            && let Some(asked) = self.asked.take()
            && asked.get("Authorization").is_none()
            && asked.get("Proxy-Authorization").is_none()
        {
            return self.ask_again(asked, status, answer);
        }
        match (method.as_str(), status) {
            ("REGISTER", 200..) => self.registered = Some(status),
            ("INVITE", 100..200) => {
                if matches!(self.state, State::Calling(_)) {
                    self.state = State::Calling(status);
                }
            }
            ("INVITE", 200..300) => self.accepted(answer)?,
            ("INVITE", _) => {
                if matches!(self.state, State::Calling(_)) {
                    self.state = State::Ended(status);
                    self.call = None;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn accepted(&mut self, answer: &Message) -> Result<()> {
        let Some(call) = self.call.as_mut() else { return Ok(()) };
        call.remote = answer.get("To").unwrap_or_default().to_owned();
        if let Some(contact) = answer.get("Contact") {
            call.target = message::uri_of(contact).to_owned();
        }
        let theirs = Description::parse(&answer.body).context("their description")?;
        match self.state {
            State::Talking => self.sound.change(theirs),
            _ => self.sound.begin(theirs),
        }
        self.state = State::Talking;
        Ok(())
    }

    fn acknowledge(&mut self, status: u16, answer: &Message) -> Result<()> {
        let Some(call) = self.call.as_ref().filter(|call| call.outgoing || status < 300) else { return Ok(()) };
        let mut ack = match status {
            200..300 => {
                let uri = answer.get("Contact").map_or(call.target.as_str(), message::uri_of);
                let mut ack = call.invite.clone();
                ack.retarget(uri);
                ack.set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.own, token()));
                ack.set("From", answer.get("From").unwrap_or_default());
                ack
            }
            // Within the INVITE's own transaction (RFC 3261 §17.1.1.3).
            _ => {
                let mut ack = self.asked.clone().unwrap_or_else(|| call.invite.clone());
                ack.set("Via", answer.get("Via").unwrap_or_default());
                ack
            }
        };
        ack.set("To", answer.get("To").unwrap_or_default());
        let number = answer.get("CSeq").and_then(|c| c.split(' ').next()).unwrap_or("1").to_owned();
        ack.turn_into("ACK");
        ack.set("CSeq", &format!("{number} ACK"));
        self.note(&ack, "->");
        self.sip.send_to(&ack.to_bytes(), self.account.server)?;
        Ok(())
    }

    fn ask_again(&mut self, mut asked: Message, status: u16, answer: &Message) -> Result<()> {
        let (header, name) = match status {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let challenge = challenge_of(answer, header, self.account.digest).context("no challenge that it can answer")?;
        let method = asked.method().to_owned();
        let uri = asked.uri().to_owned();
        asked.set(name, &challenge.credentials(&self.account.user, &self.account.password, &method, &uri));
        self.cseq += 1;
        asked.set("CSeq", &format!("{} {method}", self.cseq));
        asked.set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.own, token()));
        if let (Some(call), "INVITE") = (self.call.as_mut(), method.as_str()) {
            call.invite = asked.clone();
        }
        Ok(self.send_request(asked)?)
    }

    fn take_request(&mut self, request: Message, from: SocketAddr) -> Result<()> {
        let key = format!("{} {}", request.get("Via").unwrap_or_default(), request.get("CSeq").unwrap_or_default());
        if let Some((_, answer)) = self.answered.iter().find(|(known, _)| *known == key) {
            self.sip.send_to(answer, from)?;
            return Ok(());
        }
        match request.method() {
            "ACK" => Ok(()),
            "REGISTER" => {
                let contact = request.get("Contact").map(message::uri_of).unwrap_or_default().to_owned();
                self.contacts.push(contact);
                let mut answer = request.answer(200, "OK", Some(&format!("x;tag={}", token())));
                answer.set("Contact", request.get("Contact").unwrap_or_default());
                answer.set("Expires", request.get("Expires").unwrap_or("600"));
                self.respond_to(&answer, from, key)
            }
            "INVITE" => self.invited(request, from, key),
            "BYE" => {
                self.sound.end();
                self.state = State::Ended(200);
                self.respond_to(&request.answer(200, "OK", None), from, key)
            }
            "CANCEL" => {
                self.respond_to(&request.answer(200, "OK", None), from, key)?;
                if let (State::Ringing(_), Some(call)) = (&self.state, self.call.take()) {
                    let ended = call.invite.answer(487, "Request Terminated", Some(&call.local));
                    self.state = State::Ended(487);
                    self.sip.send_to(&ended.to_bytes(), from)?;
                }
                Ok(())
            }
            _ => self.respond_to(&request.answer(200, "OK", None), from, key),
        }
    }

    fn invited(&mut self, request: Message, from: SocketAddr, key: String) -> Result<()> {
        if let Some(call) = self.call.as_mut().filter(|call| call.id == request.get("Call-ID").unwrap_or_default()) {
            // A new offer within the call.
            let theirs = Description::parse(&request.body).context("their description")?;
            call.version += 1;
            let mut response = request.answer(200, "OK", None);
            response.set("Contact", &format!("<sip:{}@{}>", self.account.user, self.own));
            response.set("Content-Type", "application/sdp");
            response.body = theirs.answer(self.sound.address(), call.version);
            self.sound.change(theirs);
            return self.respond_to(&response, from, key);
        }
        if self.call.is_some() && !matches!(self.state, State::Ended(_)) {
            return self.respond_to(&request.answer(486, "Busy Here", Some(&format!("x;tag={}", token()))), from, key);
        }
        let caller = user_of(request.get("From").map(message::uri_of).unwrap_or_default()).to_owned();
        let local = format!("{};tag={}", request.get("To").unwrap_or_default(), token());
        let ringing = request.answer(180, "Ringing", Some(&local));
        self.account.server = from;
        self.call = Some(Call {
            id: request.get("Call-ID").unwrap_or_default().to_owned(),
            remote: request.get("From").unwrap_or_default().to_owned(),
            target: request.get("Contact").map(message::uri_of).unwrap_or_default().to_owned(),
            local,
            invite: request,
            version: 1,
            outgoing: false,
        });
        self.state = State::Ringing(caller);
        self.note(&ringing, "->");
        self.sip.send_to(&ringing.to_bytes(), from)?;
        Ok(())
    }

    fn respond(&mut self, response: &Message) -> io::Result<()> {
        self.note(response, "->");
        self.sip.send_to(&response.to_bytes(), self.account.server).map(drop)
    }

    fn respond_to(&mut self, response: &Message, to: SocketAddr, key: String) -> Result<()> {
        self.note(response, "->");
        let octets = response.to_bytes();
        self.sip.send_to(&octets, to)?;
        if self.answered.len() == 16 {
            self.answered.pop_front();
        }
        self.answered.push_back((key, octets));
        Ok(())
    }

    /// A request within the call.
    fn within(&mut self, method: &str) -> Option<Message> {
        let call = self.call.as_ref()?;
        let (target, remote, local, id) =
            (call.target.clone(), call.remote.clone(), call.local.clone(), call.id.clone());
        Some(self.request(method, &target, &remote, &local, &id))
    }

    fn request(&mut self, method: &str, uri: &str, to: &str, from: &str, id: &str) -> Message {
        self.cseq += 1;
        let mut request = Message::request(method, uri);
        request.set("Via", &format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.own, token()));
        request.set("Max-Forwards", "70");
        let from = if from.contains(";tag=") { from.to_owned() } else { format!("{from};tag={}", token()) };
        request.set("From", &from);
        request.set("To", to);
        request.set("Call-ID", id);
        request.set("CSeq", &format!("{} {method}", self.cseq));
        request
    }

    fn send_request(&mut self, request: Message) -> io::Result<()> {
        self.note(&request, "->");
        self.sip.send_to(&request.to_bytes(), self.account.server)?;
        self.asked = Some(request);
        Ok(())
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.account.user, self.own)
    }

    fn note(&mut self, message: &Message, way: &str) {
        if self.timeline.len() < 400 {
            self.timeline.push((Instant::now(), format!("{way} {}", message.first_line())));
        }
    }
}

/// The user part of an address.
fn user_of(uri: &str) -> &str {
    let rest = uri.strip_prefix("sip:").unwrap_or(uri);
    rest.split_once('@').map_or("", |(user, _)| user)
}
