//! Session descriptions for one audio stream (RFC 8866, RFC 3264): what is offered, and what is agreed on.
//!
//! Decides which of a peer's streams is taken, with which payload types, and where its packets may come from. Never
//! resolves a name, takes video or encryption keys, or guesses at a broken line. The SIP legs call it.

mod agree;
mod parse;
mod write;

use std::net::IpAddr;

pub use agree::{Agreed, Local, Refusal, Types};
pub use parse::{Broken, SdpError};

/// A description longer than this is refused: it would not fit a datagram anyway.
pub const MOST_BYTES: usize = 8_192;
/// More lines are refused.
pub const MOST_LINES: usize = 256;
/// More streams are refused.
pub const MOST_MEDIA: usize = 8;
/// More formats, maps or parameters of one stream are refused.
pub const MOST_FORMATS: usize = 32;

/// Who sends, as the description's author sees it (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// The author only: the other side is on hold, perhaps with music.
    SendOnly,
    /// The other side only.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    const ALL: [Direction; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    /// The direction in which the author sends, receives, both or neither.
    pub const fn of(flow: Flow) -> Self {
        match flow {
            Flow { sends: true, receives: true } => Self::SendRecv,
            Flow { sends: true, receives: false } => Self::SendOnly,
            Flow { sends: false, receives: true } => Self::RecvOnly,
            Flow { sends: false, receives: false } => Self::Inactive,
        }
    }

    /// The attribute's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// What the author does.
    pub const fn flow(self) -> Flow {
        Flow {
            sends: matches!(self, Self::SendRecv | Self::SendOnly),
            receives: matches!(self, Self::SendRecv | Self::RecvOnly),
        }
    }
}

/// What one side does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// It sends.
    pub sends: bool,
    /// It wants what the other sends.
    pub receives: bool,
}

/// Where a stream is: an address, or a name, which is kept but never used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address.
    Ip(IpAddr),
    /// A host name. Whoever controls its DNS would decide where sound comes from, so no stream with one is taken.
    Name(String),
}

/// The line `o=`: which session, which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A name without spaces, often `-`.
    pub user: String,
    /// The session.
    pub session: u64,
    /// Grows with every change.
    pub version: u64,
    /// The author's address.
    pub address: Address,
}

/// One payload type's meaning (`a=rtpmap`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The number in the packets.
    pub payload_type: u8,
    /// The encoding's name, such as `PCMA`.
    pub encoding: String,
    /// Ticks of the timestamp a second.
    pub clock_rate: u32,
    /// Channels.
    pub channels: u8,
}

/// Where RTCP goes (`a=rtcp`, RFC 3605).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAt {
    /// The port.
    pub port: u16,
    /// The address, if it is not the stream's.
    pub address: Option<IpAddr>,
}

/// One `m=` line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, …
    pub kind: String,
    /// The port; 0 refuses the stream.
    pub port: u16,
    /// `RTP/AVP`, …
    pub protocol: String,
    /// Formats, best first; payload types when the protocol is RTP.
    pub formats: Vec<String>,
    /// Its own address, if it has one.
    pub connection: Option<Address>,
    /// Its own direction, if it says one.
    pub direction: Option<Direction>,
    /// Payload types' meanings.
    pub maps: Vec<RtpMap>,
    /// Payload types' parameters (`a=fmtp`), as they stand.
    pub parameters: Vec<(u8, String)>,
    /// Milliseconds of sound in a packet.
    pub ptime: Option<u16>,
    /// Where RTCP goes, when it is said.
    pub rtcp: Option<RtcpAt>,
    /// RTCP on the same port (RFC 5761).
    pub rtcp_mux: bool,
}

impl Media {
    /// A stream with nothing but its first line.
    pub fn new(kind: &str, port: u16, protocol: &str, formats: Vec<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats,
            connection: None,
            direction: None,
            maps: Vec::new(),
            parameters: Vec::new(),
            ptime: None,
            rtcp: None,
            rtcp_mux: false,
        }
    }
}

/// A session description: what of it this product understands. The rest is read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who made it.
    pub origin: Origin,
    /// The streams' address, unless they have their own.
    pub connection: Option<Address>,
    /// The streams' direction, unless they have their own.
    pub direction: Option<Direction>,
    /// The streams.
    pub media: Vec<Media>,
}

impl Session {
    /// The address of a stream of this session.
    pub fn address_of<'a>(&'a self, media: &'a Media) -> Option<&'a Address> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// The direction of a stream of this session.
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction.or(self.direction).unwrap_or_default()
    }
}
