//! A store's signalling on a free port, and a phone that writes its messages by hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use md5::{Digest as _, Md5};
use ring::digest::{SHA256, digest};
use store_sip::{Algorithm, Config, Event, Gone, Leg, Phone, Sip, Statistics, Timers, ha1, start};
use store_voice::dial::Extension;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Whatever is waited for comes within this, on a machine that is busy too.
pub const LIMIT: Duration = Duration::from_secs(30);
pub const REALM: &str = "store.example";
pub const PASSWORD: &str = "secret";

pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                       m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

pub fn ext(text: &str) -> Extension {
    Extension::parse(text).unwrap()
}

/// Which hashes a phone has.
#[derive(Clone, Copy)]
pub enum Hashes {
    Sha256,
    Md5,
    Both,
}

pub fn phone(extension: &str, hashes: Hashes) -> Phone {
    let make = |algorithm| Some(ha1(algorithm, &ext(extension), REALM, PASSWORD));
    Phone {
        extension: ext(extension),
        ha1_sha256: if matches!(hashes, Hashes::Md5) { None } else { make(Algorithm::Sha256) },
        ha1_md5: if matches!(hashes, Hashes::Sha256) { None } else { make(Algorithm::Md5) },
    }
}

/// The protocol's timers, fifty times as fast: a transaction gives up after 640 ms and nobody waits half a minute.
pub fn fast() -> Timers {
    Timers { t1: Duration::from_millis(10), t2: Duration::from_millis(80), t4: Duration::from_millis(100) }
}

/// 201 has both hashes, 202 SHA-256 only, 203 and 204 MD5 only.
pub fn config() -> Config {
    let phones = vec![
        phone("201", Hashes::Both),
        phone("202", Hashes::Sha256),
        phone("203", Hashes::Md5),
        phone("204", Hashes::Md5),
    ];
    Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        realm: REALM.to_owned(),
        user_agent: "store-gateway/test".to_owned(),
        phones,
        ..Config::default()
    }
}

pub struct Server {
    pub sip: Sip,
    pub events: mpsc::Receiver<Event>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(config: Config) -> Self {
        let (sip, events, running) = start(config, [9; 32]).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(running.run(async { drop(stopped.await) }));
        Self { sip, events, stop, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.sip.address()
    }

    pub async fn event(&mut self) -> Event {
        timeout(LIMIT, self.events.recv()).await.expect("an event in time").expect("the signalling runs")
    }

    /// The next call; everything of older legs is passed over.
    pub async fn incoming(&mut self) -> Event {
        loop {
            let event = self.event().await;
            if matches!(event, Event::Incoming { .. }) {
                return event;
            }
        }
    }

    pub async fn gone(&mut self, wanted: Leg) -> Gone {
        loop {
            match self.event().await {
                Event::Gone { leg, why } if leg == wanted => return why,
                _ => {}
            }
        }
    }

    /// Waits until the counts are as wanted.
    pub async fn until(&self, wanted: impl Fn(&Statistics) -> bool) -> Statistics {
        let mut last = Statistics::default();
        let waiting = async {
            loop {
                last = self.sip.statistics().await;
                if wanted(&last) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("the state did not come: {last:?}"));
        last
    }

    /// Nothing goes on and nothing lingers.
    pub async fn until_empty(&self) {
        self.until(|s| (s.legs, s.dialogs, s.transactions, s.lingering) == (0, 0, 0, 0)).await;
    }

    pub async fn until_registered(&self, extension: &str) {
        let waiting = async {
            while !self.sip.is_registered(&ext(extension)).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, waiting).await.expect("registered in time");
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(LIMIT, self.task).await.expect("an end in time").unwrap();
    }
}

pub fn hash(algorithm: Algorithm, text: &str) -> String {
    let bytes = match algorithm {
        Algorithm::Sha256 => digest(&SHA256, text.as_bytes()).as_ref().to_vec(),
        Algorithm::Md5 => Md5::digest(text.as_bytes()).to_vec(),
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message as text.
#[derive(Clone, Debug)]
pub struct Message {
    pub text: String,
    pub from: SocketAddr,
}

impl Message {
    pub fn start(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.start().split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(n, _)| n.trim().eq_ignore_ascii_case(name))
            .map(|(_, v)| v.trim())
            .collect()
    }

    pub fn get(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// An answer with what must be copied; the To tag is `tag`.
    pub fn reply(&self, status: &str, tag: &str, more: &str, body: &str) -> String {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "Call-ID", "CSeq", "Record-Route"] {
            for value in self.all(name) {
                text += &format!("{name}: {value}\r\n");
            }
        }
        let to = self.get("To");
        let tag = if to.contains(";tag=") || tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        text + &format!("To: {to}{tag}\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
    }
}

/// A phone whose every message is written here.
pub struct RawPhone {
    pub socket: UdpSocket,
    pub server: SocketAddr,
    pub user: String,
    pub password: String,
    pub algorithm: Algorithm,
    pub made: u32,
}

impl RawPhone {
    pub async fn new(server: SocketAddr, user: &str, algorithm: Algorithm) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (user, password) = (user.to_owned(), PASSWORD.to_owned());
        Self { socket, server, user, password, algorithm, made: 0 }
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    pub async fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.server).await.unwrap();
    }

    pub async fn receive(&self) -> Message {
        let mut buffer = vec![0; 65_535];
        let (length, from) =
            timeout(LIMIT, self.socket.recv_from(&mut buffer)).await.expect("a message in time").unwrap();
        Message { text: String::from_utf8_lossy(&buffer[..length]).into_owned(), from }
    }

    /// The next message that this is true of; others are passed over.
    pub async fn until(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.receive().await;
            if wanted(&message) {
                return message;
            }
        }
    }

    pub async fn final_answer(&self) -> Message {
        self.until(|message| message.status() >= 200).await
    }

    pub fn request(&mut self, method: &str, uri: &str, call: &str, cseq: u32, more: &str, body: &str) -> String {
        self.made += 1;
        let (port, user, made) = (self.port(), self.user.clone(), self.made);
        let to = if method == "REGISTER" { format!("sip:{user}@{REALM}") } else { uri.to_owned() };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{call}-{made};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{REALM}>;tag={call}\r\nTo: <{to}>\r\nCall-ID: {call}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{user}@127.0.0.1:{port}>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The line that answers a challenge.
    pub fn credentials(&self, challenge: &Message, method: &str, uri: &str) -> String {
        let name = self.algorithm.as_str();
        let line = challenge
            .all("WWW-Authenticate")
            .into_iter()
            .find(|line| line.contains(&format!("algorithm={name}")))
            .unwrap_or_else(|| panic!("{name} is not offered: {}", challenge.text));
        let nonce = line.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        let (user, password) = (&self.user, &self.password);
        let ha1 = hash(self.algorithm, &format!("{user}:{REALM}:{password}"));
        let ha2 = hash(self.algorithm, &format!("{method}:{uri}"));
        let response = hash(self.algorithm, &format!("{ha1}:{nonce}:00000001:cn:auth:{ha2}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             algorithm={name}, response=\"{response}\", qop=auth, nc=00000001, cnonce=\"cn\"\r\n"
        )
    }

    /// Sends a request, answers the challenge, gives the final answer.
    pub async fn proved(&mut self, method: &str, uri: &str, call: &str, more: &str, body: &str) -> Message {
        let first = self.request(method, uri, call, 1, more, body);
        self.send(&first).await;
        let challenge = self.final_answer().await;
        assert_eq!(challenge.status(), 401, "{}", challenge.text);
        if method == "INVITE" {
            self.acknowledge(&challenge, &first).await;
        }
        let more = format!("{more}{}", self.credentials(&challenge, method, uri));
        let second = self.request(method, uri, call, 2, &more, body);
        self.send(&second).await;
        self.final_answer().await
    }

    pub async fn register(&mut self) -> Message {
        let call = format!("reg{}{}", self.user, self.port());
        self.proved("REGISTER", &format!("sip:{REALM}"), &call, "Expires: 600\r\n", "").await
    }

    /// The ACK of a refusal: the INVITE's branch (RFC 3261 §17.1.1.3).
    pub async fn acknowledge(&self, answer: &Message, invite: &str) {
        let uri = invite.split(' ').nth(1).unwrap();
        let branch = invite.lines().find(|line| line.starts_with("Via:")).unwrap();
        let (from, to, call) = (answer.get("From"), answer.get("To"), answer.get("Call-ID"));
        let cseq = answer.get("CSeq").split(' ').next().unwrap();
        let ack = format!(
            "ACK {uri} SIP/2.0\r\n{branch}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call}\r\n\
             CSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n"
        );
        self.send(&ack).await;
    }

    /// A request within the dialog that a 2xx began, as its caller.
    pub fn within(&mut self, ok: &Message, method: &str, cseq: u32, body: &str) -> String {
        self.made += 1;
        let (port, made, user) = (self.port(), self.made, &self.user);
        let target = ok.get("Contact").trim_start_matches('<').split('>').next().unwrap();
        let (from, to, call) = (ok.get("From"), ok.get("To"), ok.get("Call-ID"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKw{port}-{made};rport\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:{user}@127.0.0.1:{port}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
