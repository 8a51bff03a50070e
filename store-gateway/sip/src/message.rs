//! SIP messages as this crate sees them: a start line, headers as text in their order, a body.
//!
//! Decides how a message of ours is laid out and how a header is found. Never parses bytes from the network: `stack`
//! does, and hands over this form. Everything but `stack` works with it.

use std::fmt;
use std::net::SocketAddr;

/// A request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Update,
    Info,
    /// One that we know by name and refuse.
    Other(&'static str),
}

/// What `Allow` says.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";
/// The content type of a session description.
pub(crate) const SDP: &str = "application/sdp";

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Other(name) => name,
        }
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl Transport {
    /// As `Via` writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// Which of our endpoints a message goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    Phones,
    Trunk,
}

/// Where a message came from and where its dialog's messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    pub(crate) line: Line,
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
}

/// Headers in their order; names compare without case.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Every line's value under a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Every element of a comma-separated header, over all its lines.
    pub(crate) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|line| split_list(line).into_iter())
    }

    /// Whether a comma-separated header holds a token.
    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(token))
    }

    /// Adds a line. Line breaks in the value become blanks, so that no value can add a header.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        let mut value: String = value.into();
        if value.contains(['\r', '\n']) {
            value = value.replace(['\r', '\n'], " ");
        }
        self.0.push((name.to_owned(), value));
    }

    /// Replaces all lines of a name by one.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Takes out all lines of a name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Adds all lines of a name from another message.
    pub(crate) fn copy(&mut self, name: &str, from: &Headers) {
        for value in from.all(name) {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.split([';', ' ']).next()?.trim().parse().ok()
    }

    /// `CSeq` as its number and method.
    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.get("CSeq")?.trim().split_once([' ', '\t'])?;
        Some((number.parse().ok()?, method.trim()))
    }

    fn write(&self, out: &mut Vec<u8>, body: &[u8]) {
        for (name, value) in self.0.iter().filter(|(n, _)| !n.eq_ignore_ascii_case("Content-Length")) {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        out.extend_from_slice(body);
    }
}

/// Splits at commas outside quotes and angle brackets.
pub(crate) fn split_list(line: &str) -> Vec<&str> {
    let (mut items, mut start, mut quoted, mut angle, mut escaped) = (Vec::new(), 0, false, false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => {
                items.push(line[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(line[start..].trim());
    items.retain(|item| !item.is_empty());
    items
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: Method, uri: impl Into<String>) -> Self {
        Self { method, uri: uri.into(), headers: Headers::default(), body: Vec::new() }
    }

    /// Sets a session description, or none.
    pub(crate) fn with_sdp(mut self, sdp: Option<&[u8]>) -> Self {
        if let Some(sdp) = sdp {
            self.headers.set("Content-Type", SDP);
            self.body = sdp.to_vec();
        }
        self
    }

    /// The session description, when the body is one.
    pub(crate) fn sdp(&self) -> Option<Vec<u8>> {
        sdp_of(&self.headers, &self.body)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} SIP/2.0\r\n", self.method.as_str(), self.uri).into_bytes();
        self.headers.write(&mut out, &self.body);
        out
    }
}

impl Response {
    /// An answer with what RFC 3261 §8.2.6.2 copies. The To tag is the caller's matter; a request that has one keeps it.
    pub(crate) fn to(request: &Request, status: u16, tag: &str) -> Self {
        let mut headers = Headers::default();
        for name in ["Via", "From"] {
            headers.copy(name, &request.headers);
        }
        let to = request.headers.get("To").unwrap_or("<sip:unknown@invalid>");
        if status == 100 || crate::address::tag_of(to).is_some() {
            headers.push("To", to);
        } else {
            headers.push("To", format!("{to};tag={tag}"));
        }
        for name in ["Call-ID", "CSeq"] {
            headers.copy(name, &request.headers);
        }
        if status > 100 && status < 300 && request.method == Method::Invite {
            headers.copy("Record-Route", &request.headers);
        }
        Self { status, headers, body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    pub(crate) fn with_sdp(mut self, sdp: Option<&[u8]>) -> Self {
        if let Some(sdp) = sdp {
            self.headers.set("Content-Type", SDP);
            self.body = sdp.to_vec();
        }
        self
    }

    pub(crate) fn sdp(&self) -> Option<Vec<u8>> {
        sdp_of(&self.headers, &self.body)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("SIP/2.0 {} {}\r\n", self.status, phrase(self.status)).into_bytes();
        self.headers.write(&mut out, &self.body);
        out
    }
}

fn sdp_of(headers: &Headers, body: &[u8]) -> Option<Vec<u8>> {
    if body.is_empty() {
        return None;
    }
    let kind = headers.get("Content-Type").unwrap_or(SDP).split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(SDP).then(|| body.to_vec())
}

/// The reason phrase of a status (RFC 3261 §21 and what followed).
pub(crate) const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Refused",
    }
}

// Bodies and header values hold numbers, names and credentials; only what is safe to log is shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({}, {} headers, {} bytes)", self.method.as_str(), self.headers.0.len(), self.body.len())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} headers, {} bytes)", self.status, self.headers.0.len(), self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_lists_outside_quotes_and_brackets() {
        assert_eq!(
            split_list(r#""a, b" <sip:x@y;z=1,2>, <sip:q>;r=1,, t"#),
            [r#""a, b" <sip:x@y;z=1,2>"#, "<sip:q>;r=1", "t"]
        );
        assert_eq!(split_list(r#""q\", r", s"#), [r#""q\", r""#, "s"]);
    }

    #[test]
    fn no_value_adds_a_header() {
        let mut request = Request::new(Method::Options, "sip:a@b");
        request.headers.push("Subject", "x\r\nEvil: 1");
        let text = String::from_utf8(request.to_bytes()).unwrap();
        assert_eq!(text, "OPTIONS sip:a@b SIP/2.0\r\nSubject: x  Evil: 1\r\nContent-Length: 0\r\n\r\n");
    }
}
