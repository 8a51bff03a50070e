//! From octets to a [`Session`].

use std::net::IpAddr;

use super::{
    Address, Direction, MOST_BYTES, MOST_FORMATS, MOST_LINES, MOST_MEDIA, Media, Origin, RtcpAt, RtpMap, Session,
};

/// Why octets are no session description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Too long.
    #[error("the description has {0} octets, {MOST_BYTES} are allowed")]
    TooLong(usize),
    /// Too many lines.
    #[error("the description has more than {MOST_LINES} lines")]
    TooManyLines,
    /// Not UTF-8.
    #[error("the description is not UTF-8")]
    NotText,
    /// It does not begin with `v=0`.
    #[error("the description does not begin with v=0")]
    Version,
    /// No line `o=`.
    #[error("the description has no origin")]
    NoOrigin,
    /// A line that cannot be read.
    #[error("line {line} of the description: {what}")]
    Line {
        /// Its number from 1.
        line: usize,
        /// What is wrong with it.
        what: Broken,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No letter and equals sign.
    #[error("it is not a letter, an equals sign and a value")]
    Form,
    /// Origin.
    #[error("the origin is not six words with two numbers")]
    Origin,
    /// Connection.
    #[error("the connection is not a network, a kind and an address")]
    Connection,
    /// Media.
    #[error("the stream is not a kind, a port, a protocol and formats")]
    Media,
    /// Attribute.
    #[error("the attribute's value cannot be read")]
    Attribute,
    /// A bound of this module.
    #[error("there are more of these than are allowed")]
    TooMany,
}

impl Session {
    /// Reads a description. Lines end with CRLF or LF.
    ///
    /// # Errors
    /// [`SdpError`] names the line. Letters and attributes that are not known are read over.
    pub fn parse(octets: &[u8]) -> Result<Self, SdpError> {
        if octets.len() > MOST_BYTES {
            return Err(SdpError::TooLong(octets.len()));
        }
        let text = std::str::from_utf8(octets).map_err(|_| SdpError::NotText)?;
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        if lines.len() > MOST_LINES {
            return Err(SdpError::TooManyLines);
        }
        if lines.first() != Some(&"v=0") {
            return Err(SdpError::Version);
        }
        let mut reader = Reader::default();
        for (index, line) in lines.iter().enumerate().skip(1).filter(|(_, l)| !l.is_empty()) {
            reader.line(line).map_err(|what| SdpError::Line { line: index + 1, what })?;
        }
        Ok(Session {
            origin: reader.origin.ok_or(SdpError::NoOrigin)?,
            connection: reader.connection,
            direction: reader.direction,
            media: reader.media,
        })
    }
}

#[derive(Default)]
struct Reader {
    origin: Option<Origin>,
    connection: Option<Address>,
    direction: Option<Direction>,
    media: Vec<Media>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), Broken> {
        let (letter, value) = line.split_once('=').filter(|(l, _)| l.len() == 1).ok_or(Broken::Form)?;
        match letter {
            "o" => self.origin = Some(origin(value).ok_or(Broken::Origin)?),
            "c" => {
                let address = connection(value).ok_or(Broken::Connection)?;
                match self.media.last_mut() {
                    Some(media) => media.connection = Some(address),
                    None => self.connection = Some(address),
                }
            }
            "m" => {
                if self.media.len() == MOST_MEDIA {
                    return Err(Broken::TooMany);
                }
                self.media.push(media(value)?);
            }
            "a" => self.attribute(value)?,
            _ => {}
        }
        Ok(())
    }

    fn attribute(&mut self, value: &str) -> Result<(), Broken> {
        if let Some(direction) = Direction::ALL.into_iter().find(|d| d.as_str() == value) {
            match self.media.last_mut() {
                Some(media) => media.direction = Some(direction),
                None => self.direction = Some(direction),
            }
            return Ok(());
        }
        let Some(media) = self.media.last_mut() else { return Ok(()) };
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        match name {
            // Other streams' maps need not make sense to us.
            "rtpmap" if media.kind == "audio" => {
                push(&mut media.maps, rtp_map(value).ok_or(Broken::Attribute)?)?;
            }
            "fmtp" if media.kind == "audio" => {
                push(&mut media.parameters, parameters(value).ok_or(Broken::Attribute)?)?;
            }
            "ptime" => media.ptime = Some(whole_milliseconds(value).ok_or(Broken::Attribute)?),
            "rtcp" => media.rtcp = Some(rtcp(value).ok_or(Broken::Attribute)?),
            "rtcp-mux" => media.rtcp_mux = true,
            _ => {}
        }
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), Broken> {
    if list.len() == MOST_FORMATS {
        return Err(Broken::TooMany);
    }
    list.push(item);
    Ok(())
}

fn origin(value: &str) -> Option<Origin> {
    let mut words = value.split_whitespace();
    let user = words.next()?.to_owned();
    let session = words.next()?.parse().ok()?;
    let version = words.next()?.parse().ok()?;
    let address = address(words.next()?, words.next()?, words.next()?)?;
    words.next().is_none().then_some(Origin { user, session, version, address })
}

fn connection(value: &str) -> Option<Address> {
    let mut words = value.split_whitespace();
    let found = address(words.next()?, words.next()?, words.next()?)?;
    words.next().is_none().then_some(found)
}

/// `IN IP4 192.0.2.1`; a multicast address with its time to live is no address here.
fn address(network: &str, kind: &str, text: &str) -> Option<Address> {
    if network != "IN" || !matches!(kind, "IP4" | "IP6") {
        return None;
    }
    match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_multicast() || ip.is_ipv4() != (kind == "IP4") => None,
        Ok(ip) => Some(Address::Ip(ip)),
        Err(_) if !text.contains('/') => Some(Address::Name(text.to_owned())),
        Err(_) => None,
    }
}

fn media(value: &str) -> Result<Media, Broken> {
    let mut words = value.split_whitespace();
    let mut word = || words.next().ok_or(Broken::Media);
    let kind = word()?;
    let port = word()?.split('/').next().and_then(|p| p.parse().ok()).ok_or(Broken::Media)?;
    let protocol = word()?;
    let formats: Vec<String> = words.map(str::to_owned).collect();
    match formats.len() {
        0 => Err(Broken::Media),
        1..=MOST_FORMATS => Ok(Media::new(kind, port, protocol, formats)),
        _ => Err(Broken::TooMany),
    }
}

fn rtp_map(value: &str) -> Option<RtpMap> {
    let (payload_type, rest) = value.split_once(' ')?;
    let mut parts = rest.trim().split('/');
    Some(RtpMap {
        payload_type: payload_type.parse().ok().filter(|p| *p < 128)?,
        encoding: parts.next().filter(|e| !e.is_empty() && !e.contains(char::is_whitespace))?.to_owned(),
        clock_rate: parts.next()?.parse().ok()?,
        channels: parts.next().map_or(Some(1), |c| c.parse().ok())?,
    })
}

fn parameters(value: &str) -> Option<(u8, String)> {
    let (payload_type, rest) = value.split_once(' ')?;
    let rest = Some(rest.trim()).filter(|r| !r.is_empty())?;
    Some((payload_type.parse().ok().filter(|p| *p < 128)?, rest.to_owned()))
}

/// Some phones write `20.0`.
fn whole_milliseconds(value: &str) -> Option<u16> {
    value.trim().split('.').next()?.parse().ok()
}

fn rtcp(value: &str) -> Option<RtcpAt> {
    let mut words = value.split_whitespace();
    let port = words.next()?.parse().ok()?;
    let address = match words.next() {
        None => None,
        Some("IN") => Some(words.nth(1)?.parse().ok()?),
        Some(_) => return None,
    };
    Some(RtcpAt { port, address })
}
