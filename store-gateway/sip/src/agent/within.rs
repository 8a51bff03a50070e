//! Requests within a dialog: changes of the session by either side, refreshes, BYE, INFO (RFC 3261 §12.2, §14,
//! RFC 3311, RFC 4028).

use sans_io::Instant;
use store_voice::session::{self, Refresher};

use super::dialog::{Change, Key, Ours, State, Why};
use super::{Agent, OFFER_WAIT, Purpose, RETRY_AFTER_S, ServerId, incoming, outgoing};
use crate::address;
use crate::event::{CallError, Event, Gone, Leg, OfferId};
use crate::message::{ALLOW, Flow, Line, Method, Request, Response};
use crate::timer;

impl Agent {
    pub(super) fn handle_within(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let Some(key) = self.find(&request, flow) else {
            if request.method == Method::Options {
                return self.handle_options(server, &request);
            }
            return self.reply(server, &request, 481);
        };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let Some((cseq, _)) = request.headers.cseq() else {
            return self.reply(server, &request, 400);
        };
        if dialog.remote_cseq.is_some_and(|known| cseq <= known) {
            // §12.2.2: out of order.
            return self.reply(server, &request, 500);
        }
        dialog.remote_cseq = Some(cseq);
        match request.method {
            Method::Bye => {
                self.reply(server, &request, 200);
                self.handle_bye(key);
            }
            Method::Info => self.handle_info(key, server, &request),
            Method::Invite | Method::Update => self.handle_change(key, server, request, now),
            Method::Options => self.handle_options(server, &request),
            Method::Ack | Method::Cancel => {}
            Method::Register | Method::Other(_) => self.refuse_method(server, &request),
        }
    }

    /// The dialog of a request; it must come from where the dialog's other side is.
    fn find(&self, request: &Request, flow: Flow) -> Option<Key> {
        let headers = &request.headers;
        let local = address::tag_of(headers.get("To")?)?;
        let remote = headers.get("From").and_then(address::tag_of)?;
        let key = *self.by_tag.get(&(headers.get("Call-ID")?.to_owned(), local.to_owned()))?;
        let dialog = self.dialogs.get(&key)?;
        let same_place = match flow.line {
            // The trunk's addresses are checked before anything is parsed; it may have several.
            Line::Trunk => dialog.flow.line == Line::Trunk,
            Line::Phones => dialog.flow.line == Line::Phones && dialog.flow.remote.ip() == flow.remote.ip(),
        };
        (same_place && dialog.remote_tag.as_deref() == Some(remote)).then_some(key)
    }

    fn handle_info(&mut self, key: Key, server: ServerId, request: &Request) {
        let leg = self.dialogs.get(&key).and_then(|dialog| dialog.leg);
        let is_up = |dialog: &super::Dialog| matches!(dialog.state, State::Accepted { .. } | State::Confirmed);
        if !self.dialogs.get(&key).is_some_and(is_up) {
            return self.reply(server, request, 481);
        }
        self.reply(server, request, 200);
        if let Some(leg) = leg {
            let content_type = request.headers.get("Content-Type").unwrap_or_default();
            let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            self.event(Event::Info { leg, content_type, body: request.body.clone() });
        }
    }

    /// A re-INVITE or UPDATE of the other side.
    fn handle_change(&mut self, key: Key, server: ServerId, request: Request, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let busy = match (&dialog.state, &dialog.change) {
            (State::Confirmed, Change::None) => None,
            (State::Confirmed, Change::Ours(_)) => Some(491),
            // An UPDATE without an offer only refreshes, and an unacknowledged answer does not stand in its way.
            (State::Accepted { .. }, _) if request.method == Method::Update && request.body.is_empty() => None,
            (State::Closing(_), _) => Some(481),
            _ => Some(500),
        };
        if let Some(status) = busy {
            let tag = self.tokens.next();
            let mut response = Response::to(&request, status, &tag);
            if status == 500 {
                // §14.2: between 0 and 10 seconds.
                response.headers.push("Retry-After", RETRY_AFTER_S.to_string());
            }
            return self.respond(server, response);
        }
        let agreed = match session::Agreed::answer(self.config.session, timer::said(&request.headers)) {
            Ok(agreed) => agreed,
            Err(least) => return self.refuse_interval(server, &request, least),
        };
        if incoming::has_contact(&request.headers) {
            dialog.learn_target(&request.headers);
        }
        let is_refresh = request.method == Method::Update && request.body.is_empty();
        let Some(leg) = dialog.leg.filter(|_| !is_refresh) else {
            dialog.refreshed(agreed, now);
            return self.accept_change(key, server, &request, None);
        };
        let offer = request.sdp();
        if offer.is_none() && !request.body.is_empty() {
            return self.reply(server, &request, 415);
        }
        dialog.agreed = Some(agreed);
        dialog.deadline = Some(now + OFFER_WAIT);
        let id = self.new_offer();
        if request.method == Method::Invite {
            self.servers.insert(server, key);
            self.respond(server, Response::to(&request, 100, ""));
        }
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.change = Change::Theirs { id, server, request: Box::new(request) };
        }
        self.event(Event::Offered { leg, offer, offer_id: id });
    }

    fn accept_change(&mut self, key: Key, server: ServerId, request: &Request, sdp: Option<&[u8]>) {
        let Some(dialog) = self.dialogs.get(&key) else { return };
        let mut response = Response::to(request, 200, &dialog.local_tag)
            .with("Contact", self.contact(dialog.flow))
            .with("Allow", ALLOW)
            .with_sdp(sdp);
        if let Some(agreed) = dialog.agreed {
            timer::tell(&mut response, agreed);
        }
        self.respond(server, response);
    }

    /// The owner's answer to an offer: a description, or a status to refuse with.
    pub(crate) fn answer_offer(
        &mut self,
        leg: Leg,
        offer_id: OfferId,
        answer: Result<&[u8], u16>,
        now: Instant,
    ) -> Result<(), CallError> {
        let key = self.dialog_of(leg)?;
        let Some(dialog) = self.dialogs.get_mut(&key) else { return Err(CallError::NoLeg) };
        if !matches!(&dialog.change, Change::Theirs { id, .. } if *id == offer_id) {
            return Err(CallError::WrongState);
        }
        let sdp = match answer {
            Ok(sdp) => sdp,
            Err(status) => {
                self.refuse_change(key, if (400..700).contains(&status) { status } else { 488 });
                return Ok(());
            }
        };
        dialog.deadline = None;
        let Change::Theirs { server, request, .. } = std::mem::replace(&mut dialog.change, Change::None) else {
            return Err(CallError::WrongState);
        };
        if let Some(agreed) = dialog.agreed {
            dialog.refreshed(agreed, now);
        }
        dialog.sdp = Some(sdp.to_vec());
        if let Some(theirs) = request.sdp() {
            dialog.remote_sdp = Some(theirs);
        }
        if request.method == Method::Invite {
            dialog.change = Change::Answered { server };
        }
        self.accept_change(key, server, &request, Some(sdp));
        Ok(())
    }

    /// Refuses the other side's offer; the session stays as it was.
    pub(super) fn refuse_change(&mut self, key: Key, status: u16) {
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.deadline = None;
            if matches!(dialog.change, Change::Theirs { .. }) {
                self.drop_change(key, status);
            }
        }
    }

    /// A re-INVITE was taken back.
    pub(super) fn cancel_change(&mut self, key: Key, server: ServerId) {
        let is_it = |change: &Change| matches!(change, Change::Theirs { server: ours, .. } if *ours == server);
        if self.dialogs.get(&key).is_some_and(|dialog| is_it(&dialog.change)) {
            self.refuse_change(key, 487);
        }
    }

    pub(super) fn handle_change_ack(&mut self, key: Key, server: ServerId, ack: &Request) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        if !matches!(dialog.change, Change::Answered { server: ours } if ours == server) {
            return;
        }
        self.servers.remove(&server);
        dialog.change = Change::None;
        // A body is the answer to an offer that we made in our 2xx.
        if let (Some(body), Some(leg)) = (ack.sdp(), dialog.leg) {
            dialog.remote_sdp = Some(body.clone());
            self.event(Event::Confirmed { leg, body: Some(body) });
        }
    }

    pub(super) fn handle_change_end(&mut self, key: Key, server: ServerId, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        match dialog.change {
            Change::Answered { server: ours } if ours == server => {
                dialog.change = Change::None;
                self.end(key, Gone::NoAck, now);
            }
            Change::Theirs { server: ours, .. } if ours == server => {
                dialog.change = Change::None;
                dialog.deadline = None;
            }
            _ => {}
        }
    }

    /// Offers the other side a changed session.
    pub(crate) fn reoffer(&mut self, leg: Leg, sdp: &[u8]) -> Result<(), CallError> {
        let key = self.dialog_of(leg)?;
        let Some(dialog) = self.dialogs.get_mut(&key) else { return Err(CallError::NoLeg) };
        match (&dialog.state, &dialog.change) {
            (State::Confirmed, Change::None) => {}
            (State::Confirmed, _) => return Err(CallError::Pending),
            _ => return Err(CallError::WrongState),
        }
        dialog.sdp = Some(sdp.to_vec());
        self.reinvite(key, Why::Offer);
        Ok(())
    }

    /// The session timer wants a refresh: UPDATE where the other side knows it, else our last description again.
    pub(super) fn refresh(&mut self, key: Key) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        // A change that is under way refreshes too, when it succeeds.
        if !matches!((&dialog.state, &dialog.change), (State::Confirmed, Change::None)) {
            return;
        }
        if !dialog.allows_update {
            return self.reinvite(key, Why::Refresh);
        }
        let request = dialog.request(Method::Update);
        self.start_change(key, request, Why::Refresh);
    }

    fn reinvite(&mut self, key: Key, why: Why) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let sdp = dialog.sdp.clone();
        let request = dialog.request(Method::Invite).with_sdp(sdp.as_deref());
        self.start_change(key, request, why);
    }

    fn start_change(&mut self, key: Key, mut request: Request, why: Why) {
        let Some(dialog) = self.dialogs.remove(&key) else { return };
        let refresher = dialog.agreed.map_or(Refresher::Us, |agreed| agreed.refresher);
        self.finish_invite(&mut request, &dialog, Some(refresher));
        self.dialogs.insert(key, dialog);
        self.send_change(key, request, why, false);
    }

    fn send_change(&mut self, key: Key, request: Request, why: Why, proved: bool) {
        let Some(flow) = self.dialogs.get(&key).map(|dialog| dialog.flow) else { return };
        let purpose = match request.method {
            Method::Update => Purpose::Update(key),
            _ => Purpose::Reinvite(key),
        };
        let client = self.send(purpose, request.clone(), flow);
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.change = Change::Ours(Box::new(Ours { client, request, why, proved }));
        }
    }

    pub(super) fn handle_reinvite_response(
        &mut self,
        key: Key,
        client: super::ClientId,
        response: &Response,
        now: Instant,
    ) {
        if response.status < 200 {
            return;
        }
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        if !matches!(&dialog.change, Change::Ours(ours) if ours.client == client) {
            return;
        }
        let Change::Ours(ours) = std::mem::replace(&mut dialog.change, Change::None) else { return };
        if response.status >= 300 {
            return self.handle_change_refused(key, *ours, response, now);
        }
        dialog.learn_target(&response.headers);
        let ack = dialog.ack_of(&ours.request);
        self.send_ack(key, ack);
        self.note_refreshed(key, response, now);
        let body = response.sdp();
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let is_new = body.is_some() && body != dialog.remote_sdp;
        if body.is_some() {
            dialog.remote_sdp.clone_from(&body);
        }
        if let (Some(leg), Some(body)) = (dialog.leg, body)
            && (ours.why == Why::Offer || is_new)
        {
            self.event(Event::Answered { leg, body });
        }
    }

    pub(super) fn handle_update_response(&mut self, key: Key, response: &Response, now: Instant) {
        if response.status < 200 {
            return;
        }
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let Change::Ours(ours) = std::mem::replace(&mut dialog.change, Change::None) else { return };
        if response.status >= 300 {
            return self.handle_change_refused(key, *ours, response, now);
        }
        dialog.learn_target(&response.headers);
        self.note_refreshed(key, response, now);
    }

    fn note_refreshed(&mut self, key: Key, response: &Response, now: Instant) {
        let agreed = session::Agreed::accept(self.config.session, timer::said(&response.headers));
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.refreshed(agreed, now);
        }
    }

    fn handle_change_refused(&mut self, key: Key, ours: Ours, response: &Response, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let status = response.status;
        match status {
            // §12.2.1.2: the other side knows nothing of this dialog, or is not there.
            408 | 481 => return self.end(key, Gone::Unreachable, now),
            401 | 407 if dialog.flow.line == Line::Trunk && !ours.proved => {
                let mut request = ours.request;
                if self.prove(&mut request, response) {
                    self.renumber(key, &mut request);
                    return self.send_change(key, request, ours.why, true);
                }
            }
            422 if !ours.proved => {
                let mut request = ours.request;
                if let Some(least) = outgoing::least_interval(response) {
                    request.headers.set("Session-Expires", format!("{};refresher=uac", least.as_secs()));
                    request.headers.set("Min-SE", least.as_secs().to_string());
                    self.renumber(key, &mut request);
                    return self.send_change(key, request, ours.why, true);
                }
            }
            // It says that it knows UPDATE and does not.
            405 | 501 if ours.request.method == Method::Update => {
                dialog.allows_update = false;
                return self.reinvite(key, ours.why);
            }
            _ => {}
        }
        if ours.why == Why::Offer
            && let Some(leg) = self.dialogs.get(&key).and_then(|dialog| dialog.leg)
        {
            self.event(Event::OfferRefused { leg, status });
        }
    }
}
