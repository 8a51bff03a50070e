//! A telephone company: first a socket with messages written by hand, then sipp.

use std::net::Ipv4Addr;
use std::time::Duration;

use store_sip::{Algorithm, Caller, Event, Gone, Source, Target, Transport, Trunk, TrunkState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use crate::harness::{LIMIT, Message, RawPhone, SDP, Server, config, fast, hash};

/// The other end of the trunk.
struct Carrier {
    socket: RawPhone,
}

impl Carrier {
    async fn new() -> Self {
        let nobody = (Ipv4Addr::LOCALHOST, 9).into();
        Self { socket: RawPhone::new(nobody, "carrier", Algorithm::Sha256).await }
    }

    fn trunk(&self) -> Trunk {
        Trunk::new(format!("localhost:{}", self.socket.port()), "shop", "pass word")
    }

    async fn request(&mut self, method: &str) -> Message {
        let message = self.socket.until(|m| m.start().starts_with(method)).await;
        self.socket.server = message.from;
        message
    }

    async fn challenge(&mut self, method: &str, proxy: bool) -> Message {
        let first = self.request(method).await;
        let (status, name) = if proxy {
            ("407 Proxy Authentication Required", "Proxy-Authenticate")
        } else {
            ("401 Unauthorized", "WWW-Authenticate")
        };
        let line = |algorithm| {
            format!(
                "{name}: Digest realm=\"carrier\", nonce=\"n-1\", opaque=\"o\", qop=\"auth\", algorithm={algorithm}\r\n"
            )
        };
        self.socket.send(&first.reply(status, "c", &(line("SHA-256") + &line("MD5")), "")).await;
        let second = self.socket.until(|m| m.text.contains("response=") && m.start().starts_with(method)).await;
        let answer = second.get(if proxy { "Proxy-Authorization" } else { "Authorization" });
        let field = |name: &str| answer.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        let ha1 = hash(Algorithm::Sha256, "shop:carrier:pass word");
        let ha2 = hash(Algorithm::Sha256, &format!("{method}:{}", field("uri")));
        let cnonce = field("cnonce");
        let right = hash(Algorithm::Sha256, &format!("{ha1}:n-1:00000001:{cnonce}:auth:{ha2}"));
        assert_eq!(
            (field("response"), field("opaque"), field("uri")),
            (right.as_str(), "o", second.start().split(' ').nth(1).unwrap())
        );
        second
    }

    async fn register(&mut self) {
        let request = self.challenge("REGISTER", false).await;
        let contact = format!("Contact: {};expires=300\r\n", request.get("Contact"));
        self.socket.send(&request.reply("200 OK", "c", &contact, "")).await;
    }
}

async fn until_trunk(server: &Server, wanted: impl Fn(&TrunkState) -> bool) -> TrunkState {
    let waiting = async {
        loop {
            let state = server.sip.trunk().await;
            if wanted(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, waiting).await.expect("the trunk's state in time")
}

async fn registered() -> (Server, Carrier) {
    let mut carrier = Carrier::new().await;
    let server = Server::start(crate::Config { trunk: Some(carrier.trunk()), timers: fast(), ..config() }).await;
    carrier.register().await;
    until_trunk(&server, |state| matches!(state, TrunkState::Registered { .. })).await;
    (server, carrier)
}

#[tokio::test]
async fn registers_outward_and_takes_calls_from_there_only() {
    let (mut server, mut carrier) = registered().await;
    let TrunkState::Registered { for_another } = server.sip.trunk().await else { panic!() };
    assert!(for_another > Duration::from_secs(290) && for_another <= Duration::from_secs(300));
    let asserted = "P-Asserted-Identity: <sip:+48221112233@carrier>\r\nContent-Type: application/sdp\r\n";
    let invite = carrier.socket.request("INVITE", "sip:+48227654321@store", "in-1", 1, asserted, SDP);
    // Another address on this machine is not the carrier's.
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).await.unwrap();
    stranger.send_to(invite.as_bytes(), carrier.socket.server).await.unwrap();
    server.until(|s| s.dropped.foreign == 1).await;
    carrier.socket.send(&invite).await;
    let Event::Incoming { leg, source, caller, dialled, .. } = server.event().await else { panic!() };
    assert_eq!((source, dialled.as_str()), (Source::Trunk, "+48227654321"));
    assert_eq!(caller.number.as_deref(), Some("+48221112233"));
    server.sip.answer(leg, SDP.into()).await.unwrap();
    let ok = carrier.socket.final_answer().await;
    assert_eq!(ok.status(), 200);
    let ack = carrier.socket.within(&ok, "ACK", 1, "");
    carrier.socket.send(&ack).await;
    assert_eq!(server.event().await, Event::Confirmed { leg, body: None });
    server.sip.hang_up(leg, None).await.unwrap();
    let bye = carrier.request("BYE").await;
    carrier.socket.send(&bye.reply("200 OK", "", "", "")).await;
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn calls_outward_with_proof() {
    let (mut server, mut carrier) = registered().await;
    let caller = Caller { number: Some("201".to_owned()), name: None };
    let leg = server.sip.call(Target::Trunk("+48600100200".to_owned()), SDP.into(), caller).await.unwrap();
    let invite = carrier.challenge("INVITE", true).await;
    assert_eq!(invite.start(), "INVITE sip:+48600100200@localhost SIP/2.0");
    assert!(invite.get("From").starts_with("<sip:shop@localhost>"), "the extension stays inside");
    let contact = format!("Contact: <sip:c@127.0.0.1:{}>\r\nContent-Type: application/sdp\r\n", carrier.socket.port());
    carrier.socket.send(&invite.reply("183 Session Progress", "c", &contact, SDP)).await;
    assert_eq!(server.event().await, Event::Ringing { leg, body: Some(SDP.into()) });
    carrier.socket.send(&invite.reply("200 OK", "c", &contact, SDP)).await;
    assert_eq!(server.event().await, Event::Answered { leg, body: SDP.into() });
    let ack = carrier.request("ACK").await;
    assert!(ack.text.contains("Proxy-Authorization"), "RFC 3261 §13.2.2.4: the INVITE's credentials");
    let options = "SIP/2.0 200 OK";
    assert!(!ack.text.starts_with(options));
    let bye = {
        let mut message = invite.clone();
        message.text = invite.reply("200 OK", "c", &contact, "");
        message
    };
    // The callee hangs up: From and To change sides.
    let (from, to) = (bye.get("To"), bye.get("From"));
    let target = invite.get("Contact").trim_start_matches('<').split('>').next().unwrap().to_owned();
    let text = format!(
        "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{};branch=z9hG4bKbye\r\nFrom: {from}\r\nTo: {to}\r\n\
         Call-ID: {}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        carrier.socket.port(),
        bye.get("Call-ID")
    );
    carrier.socket.send(&text).await;
    assert_eq!(server.gone(leg).await, Gone::Bye);
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn a_registrar_that_says_no_or_nothing_is_told_with_the_time_to_wait() {
    let mut carrier = Carrier::new().await;
    let server = Server::start(crate::Config { trunk: Some(carrier.trunk()), timers: fast(), ..config() }).await;
    let request = carrier.request("REGISTER").await;
    carrier.socket.send(&request.reply("403 Forbidden", "c", "", "")).await;
    let state = until_trunk(&server, |state| !matches!(state, TrunkState::Registering)).await;
    let TrunkState::Refused { status, reason, retry_in } = state else { panic!("{state:?}") };
    assert_eq!((status, reason.as_str()), (403, "Forbidden"));
    assert!(retry_in > Duration::from_secs(25) && retry_in <= Duration::from_secs(30));
    server.stop().await;
    let mute = Carrier::new().await;
    let server = Server::start(crate::Config { trunk: Some(mute.trunk()), timers: fast(), ..config() }).await;
    let state = until_trunk(&server, |state| matches!(state, TrunkState::Unreachable { .. })).await;
    assert!(format!("{state:?}").contains("no answer"));
    server.stop().await;
    let nowhere = Trunk::new("no-such-host.invalid", "shop", "x");
    let server = Server::start(crate::Config { trunk: Some(nowhere), ..config() }).await;
    let state = until_trunk(&server, |state| matches!(state, TrunkState::Unreachable { .. })).await;
    assert!(format!("{state:?}").contains("name"), "{state:?}");
    server.stop().await;
}

#[tokio::test]
async fn registers_over_tcp_and_sees_the_stream_close() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut trunk = Trunk::new(address.to_string(), "shop", "x");
    trunk.transport = Transport::Tcp;
    let server = Server::start(crate::Config { trunk: Some(trunk), ..config() }).await;
    let (mut stream, from) = timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    let mut buffer = vec![0; 65_535];
    let length = stream.read(&mut buffer).await.unwrap();
    let request = Message { text: String::from_utf8_lossy(&buffer[..length]).into_owned(), from };
    assert!(request.get("Contact").contains(&format!("{from};transport=tcp")), "{}", request.text);
    stream.write_all(request.reply("200 OK", "c", "Expires: 300\r\n", "").as_bytes()).await.unwrap();
    until_trunk(&server, |state| matches!(state, TrunkState::Registered { .. })).await;
    drop(stream);
    let state = until_trunk(&server, |state| matches!(state, TrunkState::Unreachable { .. })).await;
    assert!(format!("{state:?}").contains("closed"));
    server.stop().await;
}
