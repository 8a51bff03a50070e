//! The agent beside messages that are written out by hand, on a clock that the test moves.

use std::net::SocketAddr;

use super::*;
use crate::config::{Phone, Trunk};
use crate::digest::{Algorithm, Asked, Fields, Ha1, ha1, response as digest_response};
use crate::event::{CallError, Caller, Reason, Target};
use crate::message::Transport;
use store_voice::dial::Extension;

mod incoming;
mod outgoing;
mod random;
mod within;

const REALM: &str = "store.example";
const SDP_BYTES: &[u8] = b"v=0\r\n";

fn ext(text: &str) -> Extension {
    Extension::parse(text).unwrap()
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn flow(port: u16) -> Flow {
    let remote = SocketAddr::from(([192, 0, 2, 20], port));
    Flow { line: Line::Phones, transport: Transport::Udp, remote }
}

fn trunk_flow() -> Flow {
    Flow { line: Line::Trunk, transport: Transport::Udp, remote: "198.51.100.7:5060".parse().unwrap() }
}

struct World {
    agent: Agent,
    servers: u64,
    nonces: u32,
}

/// What came out, sorted.
#[derive(Default)]
struct Out {
    responses: Vec<(ServerId, Response)>,
    requests: Vec<(ClientId, Request, Flow)>,
    acks: Vec<Request>,
    events: Vec<Event>,
    abandoned: usize,
    links: usize,
}

impl Out {
    fn status(&self) -> Vec<u16> {
        self.responses.iter().map(|(_, response)| response.status).collect()
    }

    fn methods(&self) -> Vec<&str> {
        self.requests.iter().map(|(_, request, _)| request.method.as_str()).collect()
    }

    fn gone(&self) -> Option<Gone> {
        self.events.iter().find_map(|event| match event {
            Event::Gone { why, .. } => Some(*why),
            _ => None,
        })
    }
}

impl World {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let phone = |e: &str| Phone {
            extension: ext(e),
            ha1_sha256: Some(ha1(Algorithm::Sha256, &ext(e), REALM, "secret")),
            ha1_md5: None,
        };
        let config = Config { realm: REALM.to_owned(), phones: vec![phone("201"), phone("202")], ..config };
        let local = "192.0.2.1:5060".parse().unwrap();
        Self { agent: Agent::new(config, local, &[5; 32], at(0)), servers: 0, nonces: 0 }
    }

    /// With a trunk that is registered for an hour.
    fn with_trunk() -> Self {
        let mut trunk = Trunk::new("carrier.example", "shop", "secret");
        trunk.expires = Duration::from_secs(3_600);
        let mut world = Self::with(Config { trunk: Some(trunk), ..Config::default() });
        assert_eq!(world.out().links, 1);
        let remote = trunk_flow().remote;
        world.agent.handle_link(Link { remote, local: "192.0.2.1:5080".parse().unwrap() });
        let (client, register, _) = world.out().requests.remove(0);
        assert_eq!(register.method, Method::Register);
        world.answer(client, reply(&register, 200, "r"), at(0));
        world
    }

    fn out(&mut self) -> Out {
        let mut out = Out::default();
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Respond(server, response) => out.responses.push((server, response)),
                Output::Request(client, request, flow) => out.requests.push((client, request, flow)),
                Output::Ack(request, _) => out.acks.push(request),
                Output::AbandonServer(_) | Output::AbandonClient(_) => out.abandoned += 1,
                Output::Event(event) => out.events.push(event),
                Output::Link => out.links += 1,
            }
        }
        out
    }

    fn request(&mut self, request: Request, flow: Flow, now: Instant) -> (ServerId, Out) {
        self.servers += 1;
        let server = ServerId(self.servers);
        self.agent.handle_request(server, request, flow, now);
        (server, self.out())
    }

    fn answer(&mut self, client: ClientId, response: Response, now: Instant) -> Out {
        self.agent.handle_response(client, &response, now);
        if response.status >= 200 {
            self.agent.handle_client_end(client, now);
        }
        self.out()
    }

    /// Puts credentials of "secret" into a request.
    fn proved(&mut self, mut request: Request, user: &str, now: Instant) -> Request {
        let source = flow(1).remote.ip();
        let line = &self.agent.registrar.challenges(Some(user), source, crate::registrar::Stale::No, now)[0];
        let nonce = Fields::parse(line).unwrap().get("nonce").unwrap().to_owned();
        self.nonces += 1;
        let ha1 = Ha1::of(Algorithm::Sha256, user, REALM, "secret");
        let (uri, nc) = (request.uri.clone(), "00000001");
        let asked = Asked { method: request.method.as_str(), uri: &uri, nonce: &nonce, nc, cnonce: "x" };
        let response = digest_response(Algorithm::Sha256, &ha1, &asked);
        let value = format!(
            "Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm=SHA-256, qop=auth, nc={nc}, cnonce=\"x\""
        );
        request.headers.push("Authorization", value);
        request
    }

    fn register(&mut self, extension: &str, port: u16, now: Instant) {
        let mut request = Request::new(Method::Register, "sip:store.example");
        let aor = format!("<sip:{extension}@store.example>");
        request.headers.push("Via", "SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1");
        request.headers.push("From", format!("{aor};tag=r{port}"));
        request.headers.push("To", aor);
        request.headers.push("Call-ID", format!("reg{port}"));
        request.headers.push("CSeq", "1 REGISTER");
        request.headers.push("Contact", format!("<sip:{extension}@192.0.2.20:{port}>;expires=3600"));
        let request = self.proved(request, extension, now);
        let (_, out) = self.request(request, flow(port), now);
        assert_eq!(out.status(), [200]);
    }

    /// A phone's call up to its event.
    fn incoming(&mut self, now: Instant) -> (Leg, ServerId, Request) {
        let invite = self.proved(invite("call-1"), "201", now);
        let (server, out) = self.request(invite.clone(), flow(5_060), now);
        assert_eq!(out.status(), [100]);
        let [Event::Incoming { leg, .. }] = out.events.as_slice() else { panic!("{:?}", out.events) };
        (*leg, server, invite)
    }

    /// A phone's call that is up: its leg and what its next request looks like.
    fn up(&mut self, now: Instant) -> (Leg, Peer) {
        let (leg, server, invite) = self.incoming(now);
        self.agent.answer(leg, SDP_BYTES).unwrap();
        let out = self.out();
        let (_, ok) = &out.responses[0];
        let peer = Peer::of_ours(&invite, ok);
        self.agent.handle_ack(server, &peer.ack(1), now);
        assert!(matches!(self.out().events.as_slice(), [Event::Confirmed { .. }]));
        (leg, peer)
    }

    /// Everything that must be empty when nothing goes on.
    fn assert_empty(&self) {
        let agent = &self.agent;
        assert_eq!((agent.legs.len(), agent.dialogs.len(), agent.by_tag.len()), (0, 0, 0));
        assert_eq!((agent.servers.len(), agent.clients.len()), (0, 0));
    }
}

/// The other side of a dialog.
struct Peer {
    call_id: String,
    theirs: String,
    ours: String,
    target: String,
    cseq: u32,
}

impl Peer {
    /// They called.
    fn of_ours(invite: &Request, ok: &Response) -> Self {
        Self {
            call_id: ok.headers.get("Call-ID").unwrap().to_owned(),
            theirs: invite.headers.get("From").unwrap().to_owned(),
            ours: ok.headers.get("To").unwrap().to_owned(),
            target: "sip:store@192.0.2.1:5060".to_owned(),
            cseq: 1,
        }
    }

    fn ack(&self, cseq: u32) -> Request {
        self.with_cseq(Method::Ack, cseq)
    }

    fn next(&mut self, method: Method) -> Request {
        self.cseq += 1;
        self.with_cseq(method, self.cseq)
    }

    fn with_cseq(&self, method: Method, cseq: u32) -> Request {
        let mut request = Request::new(method, self.target.clone());
        request.headers.push("Via", format!("SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK{cseq}"));
        request.headers.push("From", self.theirs.clone());
        request.headers.push("To", self.ours.clone());
        request.headers.push("Call-ID", self.call_id.clone());
        request.headers.push("CSeq", format!("{cseq} {}", method.as_str()));
        if method == Method::Invite {
            request.headers.push("Contact", "<sip:201@192.0.2.20:5060>");
        }
        request
    }
}

fn invite(call_id: &str) -> Request {
    let mut request = Request::new(Method::Invite, "sip:600@store.example");
    request.headers.push("Via", "SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKi");
    request.headers.push("From", "\"Kasa\" <sip:201@store.example>;tag=them");
    request.headers.push("To", "<sip:600@store.example>");
    request.headers.push("Call-ID", call_id);
    request.headers.push("CSeq", "1 INVITE");
    request.headers.push("Contact", "<sip:201@192.0.2.20:5060>");
    request.with_sdp(Some(SDP_BYTES))
}

/// Somebody's answer to a request of ours.
fn reply(request: &Request, status: u16, tag: &str) -> Response {
    Response::to(request, status, tag)
}

fn ok_with_sdp(request: &Request, tag: &str) -> Response {
    let mut response = reply(request, 200, tag).with_sdp(Some(b"v=0\r\no=them\r\n"));
    response.headers.push("Contact", "<sip:them@192.0.2.20:6000>");
    response
}
