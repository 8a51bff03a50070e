//! SIP messages as text: as much as a phone needs.

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

/// Which digest answers a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// RFC 7616.
    Sha256,
    /// RFC 2617.
    Md5,
}

/// A message: first line, headers in order, body.
#[derive(Clone, Debug)]
pub(super) struct Message {
    first: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn request(method: &str, uri: &str) -> Self {
        Self { first: format!("{method} {uri} SIP/2.0"), headers: Vec::new(), body: Vec::new() }
    }

    pub fn parse(octets: &[u8]) -> Option<Self> {
        let end = octets.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&octets[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        Some(Self { first, headers, body: octets[end + 4..].to_vec() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length")) {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        let mut octets = text.into_bytes();
        octets.extend_from_slice(&self.body);
        octets
    }

    pub fn first_line(&self) -> &str {
        &self.first
    }

    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    pub fn method(&self) -> &str {
        self.first.split(' ').next().unwrap_or_default()
    }

    pub fn uri(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method_of_cseq(&self) -> String {
        self.get("CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or_default().to_owned()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    pub fn retarget(&mut self, uri: &str) {
        self.first = format!("{} {uri} SIP/2.0", self.method());
    }

    /// Another method in the same transaction or dialog: without a body.
    pub fn turn_into(&mut self, method: &str) {
        self.first = format!("{method} {} SIP/2.0", self.uri());
        let number = self.get("CSeq").and_then(|cseq| cseq.split(' ').next()).unwrap_or("1").to_owned();
        self.set("CSeq", &format!("{number} {method}"));
        self.body.clear();
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
    }

    /// An answer; `to` replaces the header, with its tag.
    pub fn answer(&self, status: u16, words: &str, to: Option<&str>) -> Self {
        let copied = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
        let headers = self.headers.iter().filter(|(name, _)| copied.iter().any(|c| c.eq_ignore_ascii_case(name)));
        let mut answer =
            Self { first: format!("SIP/2.0 {status} {words}"), headers: headers.cloned().collect(), body: Vec::new() };
        if let Some(to) = to {
            let to = match to.strip_prefix("x;") {
                Some(tag) => format!("{};{tag}", self.get("To").unwrap_or_default()),
                None => to.to_owned(),
            };
            answer.set("To", &to);
        }
        answer
    }
}

/// What stands between angle brackets, or before the parameters.
pub(super) fn uri_of(header: &str) -> &str {
    match header.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        Some((uri, _)) => uri,
        None => header.split(';').next().unwrap_or_default(),
    }
}

/// The socket address in an address of ours.
pub(super) fn address_of(uri: &str) -> Option<SocketAddr> {
    let rest = uri.strip_prefix("sip:")?;
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    host.split(';').next()?.parse().ok()
}

/// A challenge that the phone can answer.
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    digest: Digest,
    opaque: Option<String>,
}

/// The challenge with the wished digest.
pub(super) fn challenge_of(answer: &Message, header: &str, wished: Digest) -> Option<Challenge> {
    let all = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    all.filter_map(|(_, value)| challenge(value)).find(|challenge| challenge.digest == wished)
}

fn challenge(value: &str) -> Option<Challenge> {
    let rest = value.strip_prefix("Digest ")?;
    let field = |name: &str| {
        rest.split(',').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
        })
    };
    let digest = match field("algorithm").as_deref() {
        Some("SHA-256") => Digest::Sha256,
        None | Some("MD5") => Digest::Md5,
        Some(_) => return None,
    };
    Some(Challenge { realm: field("realm")?, nonce: field("nonce")?, digest, opaque: field("opaque") })
}

impl Challenge {
    /// RFC 7616 §3.4.1 with qop=auth.
    pub fn credentials(&self, user: &str, password: &str, method: &str, uri: &str) -> String {
        let (cnonce, count) = (super::token(), "00000001");
        let ha1 = self.digest.hex(&format!("{user}:{}:{password}", self.realm));
        let ha2 = self.digest.hex(&format!("{method}:{uri}"));
        let response = self.digest.hex(&format!("{ha1}:{}:{count}:{cnonce}:auth:{ha2}", self.nonce));
        let opaque = self.opaque.as_ref().map(|o| format!(", opaque=\"{o}\"")).unwrap_or_default();
        format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={}, qop=auth, nc={count}, cnonce=\"{cnonce}\"{opaque}",
            self.realm,
            self.nonce,
            self.digest.name(),
        )
    }
}

impl Digest {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    fn hex(self, text: &str) -> String {
        let octets = match self {
            Self::Sha256 => Sha256::digest(text.as_bytes()).to_vec(),
            Self::Md5 => md5::Md5::digest(text.as_bytes()).to_vec(),
        };
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}
