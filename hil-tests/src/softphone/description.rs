//! Session descriptions, as far as a phone with A-law and RFC 4733 needs them.

use std::net::{IpAddr, SocketAddr};

/// The payload type that our own offers give to keys.
const OUR_EVENTS: u8 = 101;

/// Who sends, as the author of a description sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The author only: the other side is on hold.
    SendOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    const fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::Inactive => "inactive",
        }
    }
}

/// What the other side said.
#[derive(Clone, Debug)]
pub(super) struct Description {
    /// Where its sound goes.
    pub remote: SocketAddr,
    /// The payload type of keys.
    pub events: Option<u8>,
    /// It wants to hear something.
    pub wants_sound: bool,
    /// It says something.
    speaks: bool,
}

impl Description {
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let field = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::trim);
        let address: IpAddr = field("c=IN IP4 ")?.parse().ok()?;
        let port: u16 = field("m=audio ")?.split(' ').next()?.parse().ok()?;
        let events = text.lines().find_map(|line| {
            let (kind, name) = line.trim().strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.starts_with("telephone-event/8000").then(|| kind.parse().ok())?
        });
        let says = |word: &str| text.lines().any(|line| line.trim() == format!("a={word}"));
        Some(Self {
            remote: SocketAddr::new(address, port),
            events,
            wants_sound: !says("sendonly") && !says("inactive"),
            speaks: !says("recvonly") && !says("inactive"),
        })
    }

    /// The payload type of the keys that come here: an answer repeats the offer's.
    pub const fn events_here(&self) -> Option<u8> {
        self.events
    }

    /// The answer to it.
    pub fn answer(&self, own: SocketAddr, version: u32) -> Vec<u8> {
        let word = match (self.wants_sound, self.speaks) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        };
        write(own, version, word, self.events.unwrap_or(OUR_EVENTS))
    }
}

/// An offer.
pub(super) fn offer(own: SocketAddr, version: u32, direction: Direction) -> Vec<u8> {
    write(own, version, direction.word(), OUR_EVENTS)
}

fn write(own: SocketAddr, version: u32, direction: &str, events: u8) -> Vec<u8> {
    let (address, port) = (own.ip(), own.port());
    format!(
        "v=0\r\no=- {port} {version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 {events}\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:{events} telephone-event/8000\r\n\
         a=fmtp:{events} 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )
    .into_bytes()
}
