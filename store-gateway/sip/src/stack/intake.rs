//! The way in: what is looked at, what is dropped and counted.

use std::sync::Arc;

use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{self, SipMessage, StatusCodeKind};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::SipConnection;
use tokio::net::UdpSocket;

use super::{Inner, Input, MOST_TRANSACTIONS, address, convert, count, lock};
use crate::message::{ALLOW, Flow, Response, Transport};

/// A datagram cannot be longer.
const MOST_DATAGRAM: usize = 65_535;

pub(super) async fn read_datagrams(inner: Arc<Inner>, socket: Arc<UdpSocket>, connection: SipConnection) {
    let mut buffer = vec![0; MOST_DATAGRAM];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, remote)) => {
                let flow = Flow { line: inner.line, transport: Transport::Udp, remote };
                inner.take(&buffer[..length], flow, &connection).await;
            }
            // An ICMP answer to something that we sent; the transaction's own limit deals with it.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

impl Inner {
    /// Whether a source may be heard at all.
    pub(super) fn hears(&self, flow: Flow) -> bool {
        let Some(allowed) = &self.allowed else { return true };
        let ip = flow.remote.ip().to_canonical();
        let known = lock(allowed).iter().any(|address| address.to_canonical() == ip);
        if !known {
            count(&self.shared.counts.foreign);
        }
        known
    }

    /// One message.
    pub(super) async fn take(&self, bytes: &[u8], flow: Flow, connection: &SipConnection) {
        let counts = &self.shared.counts;
        // Keep-alives (RFC 5626 §3.5.1) are blank; some phones send a zero byte.
        if bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) || !self.hears(flow) {
            return;
        }
        if !lock(&self.gate).admit(flow.remote.ip(), self.shared.clock.now()) {
            return count(&counts.rate);
        }
        if !bytes.starts_with(b"SIP/") && self.endpoint.transactions.len() >= MOST_TRANSACTIONS {
            return count(&counts.busy);
        }
        let Ok(message) = SipMessage::try_from(bytes) else {
            return self.refuse_method(bytes, flow, connection).await;
        };
        if self.give(bytes, message, flow, connection).await.is_none() {
            count(&counts.malformed);
        }
    }

    async fn give(&self, bytes: &[u8], message: SipMessage, flow: Flow, connection: &SipConnection) -> Option<()> {
        let transport = address(flow).r#type?;
        let mut message = SipConnection::update_msg_received(message, flow.remote, transport).ok()?;
        match &mut message {
            SipMessage::Request(request) => {
                // The CSeq must name the method (RFC 3261 §8.1.1.5), or answers go astray.
                let named = request.cseq_header().ok()?.method().ok()?;
                if named != request.method {
                    return None;
                }
                convert::mark(request, flow, request_uri(bytes)?);
            }
            SipMessage::Response(response) if self.is_stray(response)? => {
                self.tell(Input::Stray(convert::from_response(response), flow)).await;
                return Some(());
            }
            SipMessage::Response(_) => {}
        }
        self.endpoint.on_received_message(message, connection.clone(), &address(flow)).await.ok()
    }

    /// A 2xx to an INVITE whose transaction is over.
    fn is_stray(&self, response: &sip::Response) -> Option<bool> {
        let method = response.cseq_header().ok()?.method().ok()?;
        if method != sip::Method::Invite || response.status_code.kind() != StatusCodeKind::Successful {
            return Some(false);
        }
        let key = TransactionKey::from_response(response, TransactionRole::Client).ok()?;
        Some(!self.endpoint.transactions.contains_key(&key))
    }

    /// A method that the library does not know is refused without a transaction (§8.2.1); other bytes are dropped.
    async fn refuse_method(&self, bytes: &[u8], flow: Flow, connection: &SipConnection) {
        let refusal = stand_in(bytes).and_then(|message| {
            let transport = address(flow).r#type?;
            SipConnection::update_msg_received(message, flow.remote, transport).ok()
        });
        let Some(SipMessage::Request(request)) = refusal else {
            return count(&self.shared.counts.malformed);
        };
        let complete = ["Via", "From", "To", "Call-ID", "CSeq"];
        let ours = convert::from_request(&request);
        if complete.iter().any(|name| ours.headers.get(name).is_none()) {
            return count(&self.shared.counts.malformed);
        }
        let refusal = Response::to(&ours, 405, "method").with("Allow", ALLOW);
        if let Some(refusal) = convert::response(&refusal) {
            // Whoever sends it repeats the request when this is lost.
            connection.send(refusal.into(), Some(&address(flow))).await.ok();
        }
    }
}

/// The second word of the first line, as it came.
fn request_uri(bytes: &[u8]) -> Option<&str> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok()?.split([' ', '\t']).nth(1)
}

/// The request with a method that the library can read, when all else is a request's form.
fn stand_in(bytes: &[u8]) -> Option<SipMessage> {
    let end = bytes.iter().position(|byte| *byte == b' ').filter(|end| (1..=32).contains(end))?;
    let is_token = bytes[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte));
    if !is_token || bytes.starts_with(b"SIP/") {
        return None;
    }
    let mut text = b"OPTIONS".to_vec();
    text.extend_from_slice(&bytes[end..]);
    SipMessage::try_from(text.as_slice()).ok()
}
