//! A dialog (RFC 3261 §12): what its messages carry, and where it stands.

use sans_io::Instant;
use store_voice::session::{self, SessionTimer};

use super::{ClientId, ServerId};
use crate::address::{self, NameAddr};
use crate::event::{Leg, OfferId, Reason};
use crate::message::{Flow, Headers, Method, Request};

/// A dialog's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u64);

/// Where a dialog stands.
#[derive(Debug)]
pub(super) enum State {
    /// Our INVITE is under way.
    Inviting(Box<Inviting>),
    /// Somebody's INVITE waits for our final answer.
    Invited { server: ServerId, request: Box<Request> },
    /// Our 2xx waits for its ACK; a farewell waits with it.
    Accepted { server: ServerId, farewell: Option<Option<Reason>> },
    /// Both sides talk.
    Confirmed,
    /// Our BYE is under way; it is kept until it was challenged once.
    Closing(Option<Box<Request>>),
}

/// An INVITE of ours.
#[derive(Debug)]
pub(super) struct Inviting {
    pub(super) invite: Request,
    /// A provisional answer came, so a CANCEL may go out (§9.1).
    pub(super) provisional: bool,
    pub(super) cancel: Cancel,
    /// A challenge or a 422 was answered already.
    pub(super) proved: bool,
    pub(super) lengthened: bool,
}

/// Whether an INVITE of ours is taken back.
#[derive(Debug)]
pub(super) enum Cancel {
    No,
    /// As soon as a provisional answer comes.
    Wanted(Option<Reason>),
    Sent,
}

/// A change of the session under way.
#[derive(Debug)]
pub(super) enum Change {
    None,
    /// The other side's, which its owner shall answer.
    Theirs {
        id: OfferId,
        server: ServerId,
        request: Box<Request>,
    },
    /// Our 2xx to a re-INVITE waits for its ACK.
    Answered {
        server: ServerId,
    },
    /// Ours.
    Ours(Box<Ours>),
}

/// A re-INVITE or UPDATE of ours.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) client: ClientId,
    pub(super) request: Request,
    pub(super) why: Why,
    pub(super) proved: bool,
}

/// Why we send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The session timer.
    Refresh,
    /// The owner.
    Offer,
}

/// One dialog, early ones included.
#[derive(Debug)]
pub(super) struct Dialog {
    /// The leg that it belongs to; none when the leg is gone and only a farewell is left.
    pub(super) leg: Option<Leg>,
    pub(super) flow: Flow,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) remote_tag: Option<String>,
    /// Both sides' addresses without tags.
    pub(super) local: String,
    pub(super) remote: String,
    pub(super) target: String,
    pub(super) routes: Vec<String>,
    pub(super) cseq: u32,
    pub(super) remote_cseq: Option<u32>,
    pub(super) state: State,
    pub(super) change: Change,
    /// The last description that we sent, for a refresh.
    pub(super) sdp: Option<Vec<u8>>,
    /// The last that came.
    pub(super) remote_sdp: Option<Vec<u8>>,
    pub(super) allows_update: bool,
    pub(super) agreed: Option<session::Agreed>,
    pub(super) session: Option<SessionTimer>,
    pub(super) deadline: Option<Instant>,
    /// The last ACK that we sent, for a 2xx that is repeated.
    pub(super) ack: Option<Request>,
}

impl Dialog {
    /// A dialog that somebody's INVITE begins (§12.1.1).
    pub(super) fn invited(leg: Leg, server: ServerId, request: Request, flow: Flow, local_tag: String) -> Option<Self> {
        let headers = &request.headers;
        let (cseq, _) = headers.cseq()?;
        let from = headers.get("From")?;
        let target = NameAddr::parse(headers.list("Contact").next()?).uri.to_owned();
        Some(Self {
            leg: Some(leg),
            flow,
            call_id: headers.get("Call-ID")?.to_owned(),
            local_tag,
            remote_tag: Some(address::tag_of(from)?.to_owned()),
            local: without_tag(headers.get("To")?),
            remote: without_tag(from),
            target,
            routes: headers.list("Record-Route").map(str::to_owned).collect(),
            cseq: 0,
            remote_cseq: Some(cseq),
            remote_sdp: request.sdp(),
            allows_update: headers.has_token("Allow", "UPDATE"),
            state: State::Invited { server, request: Box::new(request) },
            change: Change::None,
            sdp: None,
            agreed: None,
            session: None,
            deadline: None,
            ack: None,
        })
    }

    /// Takes over what a 2xx to our INVITE says (§12.1.2).
    pub(super) fn learn(&mut self, headers: &Headers) {
        self.remote_tag = headers.get("To").and_then(address::tag_of).map(str::to_owned);
        self.routes = headers.list("Record-Route").map(str::to_owned).collect();
        self.routes.reverse();
        self.learn_target(headers);
    }

    /// Takes over a new remote target (§12.2).
    pub(super) fn learn_target(&mut self, headers: &Headers) {
        if let Some(contact) = headers.list("Contact").next() {
            let uri = NameAddr::parse(contact).uri;
            if !uri.is_empty() && uri != "*" {
                self.target = uri.to_owned();
            }
        }
        if headers.get("Allow").is_some() {
            self.allows_update = headers.has_token("Allow", "UPDATE");
        }
    }

    /// A request within the dialog, without the headers of its way (§12.2.1.1).
    pub(super) fn request(&mut self, method: Method) -> Request {
        self.cseq += 1;
        let mut request = Request::new(method, self.target.clone());
        self.address(&mut request, self.cseq);
        request
    }

    fn address(&self, request: &mut Request, cseq: u32) {
        let headers = &mut request.headers;
        for route in &self.routes {
            headers.push("Route", route.clone());
        }
        headers.push("From", format!("{};tag={}", self.local, self.local_tag));
        let tag = self.remote_tag.as_ref().map_or_else(String::new, |tag| format!(";tag={tag}"));
        headers.push("To", format!("{}{tag}", self.remote));
        headers.push("Call-ID", self.call_id.clone());
        headers.push("CSeq", format!("{cseq} {}", request.method.as_str()));
    }

    /// The ACK of a 2xx: the INVITE's number, its credentials, the dialog's route (§13.2.2.4).
    pub(super) fn ack_of(&self, invite: &Request) -> Request {
        let mut ack = Request::new(Method::Ack, self.target.clone());
        let cseq = invite.headers.cseq().map_or(self.cseq, |(cseq, _)| cseq);
        self.address(&mut ack, cseq);
        for name in ["Authorization", "Proxy-Authorization"] {
            ack.headers.copy(name, &invite.headers);
        }
        ack
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let session = self.session.as_ref().map(SessionTimer::next_timeout);
        [self.deadline, session].into_iter().flatten().min()
    }

    pub(super) fn waits_for_a_first_word(&self) -> bool {
        matches!(&self.state, State::Inviting(inviting) if !inviting.provisional)
    }

    /// Starts or restarts the session timer.
    pub(super) fn refreshed(&mut self, agreed: session::Agreed, now: Instant) {
        self.agreed = Some(agreed);
        self.session = Some(SessionTimer::new(agreed, now));
    }
}

/// An address without its tag.
pub(super) fn without_tag(text: &str) -> String {
    let addr = NameAddr::parse(text);
    if addr.name.is_empty() {
        format!("<{}>", addr.uri)
    } else {
        format!("{}<{}>", address::quoted(addr.name), addr.uri)
    }
}
