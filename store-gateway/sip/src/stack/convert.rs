//! Between the library's messages and ours. Ours go in as bytes, so that the library's own parser judges them.

use rsipstack::sip::{self, Header, SipMessage};

use crate::message::{Flow, Headers, Line, Method, Request, Response, Transport};

/// Carry the flow and the URI of a request through the library; never go to the network, and never come from it.
const FLOW: &str = "X-Store-Flow";
const URI: &str = "X-Store-Uri";

pub(super) fn request(request: &Request) -> Option<sip::Request> {
    match SipMessage::try_from(request.to_bytes().as_slice()) {
        Ok(SipMessage::Request(message)) => Some(message),
        _ => None,
    }
}

pub(super) fn response(response: &Response) -> Option<sip::Response> {
    match SipMessage::try_from(response.to_bytes().as_slice()) {
        Ok(SipMessage::Response(message)) => Some(message),
        _ => None,
    }
}

fn headers(headers: &sip::Headers) -> Headers {
    let mut ours = Headers::default();
    for header in headers.iter() {
        ours.push(long_name(header.name()), header.value());
    }
    ours
}

/// The compact forms that the library leaves as they are (RFC 3261 §7.3.3, RFC 4028, RFC 3515).
fn long_name(name: &str) -> &str {
    match name {
        "x" | "X" => "Session-Expires",
        "k" | "K" => "Supported",
        "u" | "U" => "Allow-Events",
        "v" | "V" => "Via",
        _ => name,
    }
}

pub(super) fn from_request(message: &sip::Request) -> Request {
    let method = match message.method {
        sip::Method::Invite => Method::Invite,
        sip::Method::Ack => Method::Ack,
        sip::Method::Bye => Method::Bye,
        sip::Method::Cancel => Method::Cancel,
        sip::Method::Options => Method::Options,
        sip::Method::Register => Method::Register,
        sip::Method::Update => Method::Update,
        sip::Method::Info => Method::Info,
        sip::Method::Message => Method::Other("MESSAGE"),
        sip::Method::Notify => Method::Other("NOTIFY"),
        sip::Method::PRack => Method::Other("PRACK"),
        sip::Method::Publish => Method::Other("PUBLISH"),
        sip::Method::Refer => Method::Other("REFER"),
        sip::Method::Subscribe => Method::Other("SUBSCRIBE"),
    };
    let uri = message.uri.to_string();
    Request { method, uri, headers: headers(&message.headers), body: message.body.clone() }
}

pub(super) fn from_response(message: &sip::Response) -> Response {
    let status = message.status_code.code();
    Response { status, headers: headers(&message.headers), body: message.body.clone() }
}

/// Marks a request with its flow and with its URI as it came (the library writes parameters in its own way, and digest
/// authentication wants the sender's), and takes away any mark that it brought.
pub(super) fn mark(message: &mut sip::Request, flow: Flow, uri: &str) {
    message.headers.retain(|header| !is_mark(header));
    message.headers.push(Header::Other(FLOW.to_owned(), format!("{} {}", flow.transport.as_str(), flow.remote)));
    message.headers.push(Header::Other(URI.to_owned(), uri.to_owned()));
}

fn is_mark(header: &Header) -> bool {
    [FLOW, URI].iter().any(|mark| header.name().eq_ignore_ascii_case(mark))
}

/// Takes the marks off and gives the request with its flow.
pub(super) fn take_mark(message: &mut sip::Request, line: Line) -> Option<(Request, Flow)> {
    let value = |name: &str| Some(message.headers.iter().find(|header| header.name() == name)?.value().to_owned());
    let (flow, uri) = (value(FLOW)?, value(URI)?);
    message.headers.retain(|header| !is_mark(header));
    let (transport, remote) = flow.split_once(' ')?;
    let transport = if transport == Transport::Tcp.as_str() { Transport::Tcp } else { Transport::Udp };
    let flow = Flow { line, transport, remote: remote.parse().ok()? };
    let mut request = from_request(message);
    request.uri = uri;
    Some((request, flow))
}
