//! Offer and answer (RFC 3264): one audio stream is agreed on, all others are refused with port 0.

use std::net::{IpAddr, SocketAddr};

use super::{Address, Direction, Flow, Media, Origin, RtpMap, Session};
use crate::frame::RATE;
use crate::g711::Law;

/// The only profile that is spoken.
const PROTOCOL: &str = "RTP/AVP";
/// The payload type that our own offers give to telephone events.
const OUR_EVENTS: u8 = 101;
/// Comfort noise (RFC 3551 table 4).
const COMFORT_NOISE: u8 = 13;
/// What each of our packets holds.
const OUR_PTIME: u16 = 20;

/// This side of a leg.
#[derive(Clone, Debug)]
pub struct Local {
    /// The session's number; the same for the life of the leg.
    pub session: u64,
    /// Raised by the caller of this module whenever what it says has changed.
    pub version: u64,
    /// Where packets are awaited.
    pub address: SocketAddr,
    /// What may be spoken, best first.
    pub laws: Vec<Law>,
}

/// One format's numbers in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types {
    /// In packets that we send.
    pub send: u8,
    /// In packets that we receive.
    pub receive: u8,
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Which law we send.
    pub law: Law,
    /// Its numbers.
    pub types: Types,
    /// Which laws may come in, by payload type.
    pub receive: Vec<(u8, Law)>,
    /// Telephone events (RFC 4733), when the peer knows them.
    pub events: Option<Types>,
    /// Comfort noise (RFC 3389), when the peer sends it.
    pub comfort_noise: Option<u8>,
    /// Where our packets go; packets are believed from its address only.
    pub remote: SocketAddr,
    /// Where our reports go.
    pub remote_rtcp: SocketAddr,
    /// Reports share the stream's port.
    pub rtcp_mux: bool,
    /// What this side does. While it does not send, the other side has put us on hold.
    pub flow: Flow,
}

impl Agreed {
    /// The law of a payload type that came in.
    pub fn law_of(&self, payload_type: u8) -> Option<Law> {
        self.receive.iter().find(|(known, _)| *known == payload_type).map(|(_, law)| *law)
    }

    /// Whether the other side wants nothing from us: no sound is owed and none is missed.
    pub const fn on_hold(&self) -> bool {
        !self.flow.sends || !self.flow.receives
    }
}

/// Why there is no agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No audio stream that we could speak.
    #[error("no audio stream over RTP/AVP with PCMA or PCMU was offered")]
    NothingCommon,
    /// The stream has no address, or a host name.
    #[error("the audio stream has no IP address")]
    NoAddress,
    /// The answer refuses the stream, or does not fit the offer.
    #[error("the answer has no stream for the one offered")]
    Refused,
}

impl Local {
    /// An offer of one stream.
    pub fn offer(&self, direction: Direction) -> Session {
        let mut formats: Vec<String> = self.laws.iter().map(|l| static_type(*l).to_string()).collect();
        formats.push(OUR_EVENTS.to_string());
        let mut media = Media::new("audio", self.address.port(), PROTOCOL, formats);
        media.maps = self.laws.iter().map(|l| map(static_type(*l), name(*l))).collect();
        media.maps.push(map(OUR_EVENTS, "telephone-event"));
        media.parameters.push((OUR_EVENTS, "0-15".to_owned()));
        media.ptime = Some(OUR_PTIME);
        media.rtcp_mux = true;
        media.direction = Some(direction);
        self.session(vec![media])
    }

    /// The answer to an offer, and what is then agreed on. `wanted` is what this side would like to do.
    ///
    /// # Errors
    /// [`Refusal`] when no stream can be taken: the SIP answer is 488.
    pub fn answer(&self, offer: &Session, wanted: Flow) -> Result<(Session, Agreed), Refusal> {
        let speakable = |m: &Media| is_audio(m) && self.first_law(m).is_some();
        let index = offer.media.iter().position(speakable).ok_or(Refusal::NothingCommon)?;
        let taken = &offer.media[index];
        let (payload_type, law) = self.first_law(taken).ok_or(Refusal::NothingCommon)?;
        let both = |payload_type| Types { send: payload_type, receive: payload_type };
        let remote = remote(offer, taken)?;
        let flow = meet(offer.direction_of(taken), remote.ip(), wanted);
        let agreed = Agreed {
            law,
            types: both(payload_type),
            receive: vec![(payload_type, law)],
            events: events(taken).map(both),
            comfort_noise: comfort_noise(taken),
            remote,
            remote_rtcp: remote_rtcp(taken, remote),
            rtcp_mux: taken.rtcp_mux,
            flow,
        };
        let media = offer.media.iter().enumerate().map(|(i, m)| match i == index {
            true => self.taken(&agreed),
            false => Media::new(&m.kind, 0, &m.protocol, m.formats.clone()),
        });
        Ok((self.session(media.collect()), agreed))
    }

    /// What is agreed on when our offer was answered. `offered` is the direction that it offered.
    ///
    /// # Errors
    /// [`Refusal`] when the answer takes nothing of it: the leg ends.
    pub fn accept(&self, answer: &Session, offered: Direction) -> Result<Agreed, Refusal> {
        let taken = answer.media.first().filter(|m| is_audio(m)).ok_or(Refusal::Refused)?;
        let (send, law) = self.first_law(taken).ok_or(Refusal::NothingCommon)?;
        let remote = remote(answer, taken)?;
        Ok(Agreed {
            law,
            types: Types { send, receive: static_type(law) },
            receive: self.laws.iter().map(|l| (static_type(*l), *l)).collect(),
            events: events(taken).map(|send| Types { send, receive: OUR_EVENTS }),
            comfort_noise: comfort_noise(taken),
            remote,
            remote_rtcp: remote_rtcp(taken, remote),
            rtcp_mux: taken.rtcp_mux,
            flow: meet(answer.direction_of(taken), remote.ip(), offered.flow()),
        })
    }

    fn session(&self, media: Vec<Media>) -> Session {
        let address = Address::Ip(self.address.ip());
        Session {
            origin: Origin {
                user: "-".to_owned(),
                session: self.session,
                version: self.version,
                address: address.clone(),
            },
            connection: Some(address),
            direction: None,
            media,
        }
    }

    /// The stream of an answer.
    fn taken(&self, agreed: &Agreed) -> Media {
        let mut maps = vec![map(agreed.types.receive, name(agreed.law))];
        let mut media = Media::new("audio", self.address.port(), PROTOCOL, Vec::new());
        if let Some(events) = agreed.events {
            maps.push(map(events.receive, "telephone-event"));
            media.parameters.push((events.receive, "0-15".to_owned()));
        }
        maps.extend(agreed.comfort_noise.map(|payload_type| map(payload_type, "CN")));
        media.formats = maps.iter().map(|m| m.payload_type.to_string()).collect();
        media.maps = maps;
        media.ptime = Some(OUR_PTIME);
        media.rtcp_mux = agreed.rtcp_mux;
        media.direction = Some(Direction::of(agreed.flow));
        media
    }

    /// The first of the peer's formats that we speak: its order is its wish (RFC 3264 §6.1).
    fn first_law(&self, media: &Media) -> Option<(u8, Law)> {
        let types = media.formats.iter().filter_map(|f| f.parse().ok());
        types.filter_map(|t| Some((t, law(media, t)?))).find(|(_, law)| self.laws.contains(law))
    }
}

fn is_audio(media: &Media) -> bool {
    media.kind == "audio" && media.protocol == PROTOCOL && media.port != 0
}

const fn static_type(law: Law) -> u8 {
    match law {
        Law::Mu => 0,
        Law::A => 8,
    }
}

const fn name(law: Law) -> &'static str {
    match law {
        Law::Mu => "PCMU",
        Law::A => "PCMA",
    }
}

fn map(payload_type: u8, encoding: &str) -> RtpMap {
    RtpMap { payload_type, encoding: encoding.to_owned(), clock_rate: RATE, channels: 1 }
}

/// A payload type's law: by its map, else by its number.
fn law(media: &Media, payload_type: u8) -> Option<Law> {
    match media.maps.iter().find(|m| m.payload_type == payload_type) {
        Some(map) => [Law::A, Law::Mu].into_iter().find(|law| is(map, name(*law))),
        None => [Law::A, Law::Mu].into_iter().find(|law| static_type(*law) == payload_type),
    }
}

fn is(map: &RtpMap, encoding: &str) -> bool {
    map.encoding.eq_ignore_ascii_case(encoding) && map.clock_rate == RATE && map.channels == 1
}

fn events(media: &Media) -> Option<u8> {
    listed(media, "telephone-event")
}

fn comfort_noise(media: &Media) -> Option<u8> {
    let bare = COMFORT_NOISE.to_string();
    listed(media, "CN").or_else(|| media.formats.contains(&bare).then_some(COMFORT_NOISE))
}

fn listed(media: &Media, encoding: &str) -> Option<u8> {
    let maps = media.maps.iter().filter(|m| is(m, encoding)).map(|m| m.payload_type);
    maps.into_iter().find(|t| media.formats.contains(&t.to_string()))
}

fn remote(session: &Session, media: &Media) -> Result<SocketAddr, Refusal> {
    match session.address_of(media) {
        Some(Address::Ip(ip)) => Ok(SocketAddr::new(*ip, media.port)),
        Some(Address::Name(_)) | None => Err(Refusal::NoAddress),
    }
}

fn remote_rtcp(media: &Media, rtp: SocketAddr) -> SocketAddr {
    match &media.rtcp {
        _ if media.rtcp_mux => rtp,
        // Elsewhere than the stream itself is not believed: reports would be sent to whomever an offer names.
        Some(at) => SocketAddr::new(rtp.ip(), at.port),
        None => SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1)),
    }
}

/// What this side does, when the other side says `theirs` and this one would like `wanted`. The address 0.0.0.0 is the
/// old way to say hold (RFC 3264 §8.4).
fn meet(theirs: Direction, address: IpAddr, wanted: Flow) -> Flow {
    let theirs = theirs.flow();
    Flow {
        sends: wanted.sends && theirs.receives && !address.is_unspecified(),
        receives: wanted.receives && theirs.sends,
    }
}
