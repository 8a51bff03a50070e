//! Calls of others, until they are answered, refused or given up; and REGISTER.

use sans_io::Instant;
use store_voice::session;

use super::dialog::{Dialog, Key, State};
use super::{Agent, LONGEST_RING, LegRow, RETRY_AFTER_S, ServerId, caller};
use crate::address;
use crate::event::{CallError, Event, Gone, Leg, Reason};
use crate::message::{ALLOW, Flow, Headers, Request, Response, SDP};
use crate::registrar::Registered;
use crate::timer;

/// Extensions that a request may insist on (RFC 3261 §8.2.2.3).
const KNOWN_EXTENSIONS: [&str; 1] = ["timer"];

impl Agent {
    pub(super) fn handle_register(&mut self, server: ServerId, request: &Request, flow: Flow, now: Instant) {
        let source = flow.remote.ip();
        let extension = match self.authenticated(request, source, now) {
            Ok(extension) => extension,
            Err(no) => return self.challenge(server, request, source, no, now),
        };
        let tag = self.tokens.next();
        let response = match self.registrar.register(&extension, request, flow, now) {
            Registered::Done(contacts) => {
                let mut response = Response::to(request, 200, &tag);
                for (uri, seconds) in contacts {
                    response.headers.push("Contact", format!("<{uri}>;expires={seconds}"));
                }
                response
            }
            Registered::TooBrief(least) => Response::to(request, 423, &tag).with("Min-Expires", least.to_string()),
            Registered::Refused(status) => Response::to(request, status, &tag),
        };
        tracing::debug!(extension = extension.as_str(), status = response.status, "a phone registers");
        self.respond(server, response);
    }

    pub(super) fn handle_invite(&mut self, server: ServerId, request: Request, flow: Flow, now: Instant) {
        let source = match self.source_of(&request, flow, now) {
            Ok(source) => source,
            Err(no) => return self.challenge(server, &request, flow.remote.ip(), no, now),
        };
        if !self.has_room() {
            return self.refuse_for_now(server, &request);
        }
        let Some(dialled) = address::user(&request.uri).map(str::to_owned) else {
            return self.reply(server, &request, 404);
        };
        if !self.takes_content(server, &request) {
            return;
        }
        let said = timer::said(&request.headers);
        let agreed = match session::Agreed::answer(self.config.session, said) {
            Ok(agreed) => agreed,
            Err(least) => return self.refuse_interval(server, &request, least),
        };
        let leg = Leg(self.number());
        let local_tag = self.tokens.next();
        let caller = caller::read(&request, &source);
        let offer = request.sdp();
        let Some(mut dialog) = Dialog::invited(leg, server, request.clone(), flow, local_tag) else {
            return self.reply(server, &request, 400);
        };
        dialog.agreed = Some(agreed);
        dialog.deadline = Some(now + LONGEST_RING);
        let key = self.keep(dialog);
        self.servers.insert(server, key);
        self.legs
            .insert(leg, LegRow { dialogs: vec![key], answered: false, hung_up: false, rang: false, refusal: None });
        self.respond(server, Response::to(&request, 100, ""));
        self.event(Event::Incoming { leg, source, caller, dialled, offer });
    }

    /// Refuses what we could not understand (415, 420); false when it did.
    fn takes_content(&mut self, server: ServerId, request: &Request) -> bool {
        let unknown: Vec<&str> = request
            .headers
            .list("Require")
            .filter(|tag| !KNOWN_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(tag)))
            .collect();
        if !unknown.is_empty() {
            let unsupported = unknown.join(", ");
            let tag = self.tokens.next();
            let response = Response::to(request, 420, &tag).with("Unsupported", unsupported);
            self.respond(server, response);
            return false;
        }
        if !request.body.is_empty() && request.sdp().is_none() {
            let tag = self.tokens.next();
            let response = Response::to(request, 415, &tag).with("Accept", SDP);
            self.respond(server, response);
            return false;
        }
        true
    }

    fn refuse_for_now(&mut self, server: ServerId, request: &Request) {
        let tag = self.tokens.next();
        let response = Response::to(request, 503, &tag).with("Retry-After", RETRY_AFTER_S.to_string());
        self.respond(server, response);
    }

    pub(super) fn refuse_interval(&mut self, server: ServerId, request: &Request, least: session::TooSmall) {
        let tag = self.tokens.next();
        let response = Response::to(request, 422, &tag).with("Min-SE", least.0.as_secs().to_string());
        self.respond(server, response);
    }

    /// Puts a dialog into the table.
    pub(super) fn keep(&mut self, dialog: Dialog) -> Key {
        let key = Key(self.number());
        self.by_tag.insert((dialog.call_id.clone(), dialog.local_tag.clone()), key);
        self.dialogs.insert(key, dialog);
        key
    }

    fn invited(&mut self, leg: Leg) -> Result<(Key, ServerId, Request), CallError> {
        let key = self.dialog_of(leg)?;
        match self.dialogs.get(&key).map(|dialog| &dialog.state) {
            Some(State::Invited { server, request }) => Ok((key, *server, (**request).clone())),
            Some(_) => Err(CallError::WrongState),
            None => Err(CallError::NoLeg),
        }
    }

    /// The one dialog of a leg that is not a race.
    pub(super) fn dialog_of(&self, leg: Leg) -> Result<Key, CallError> {
        let row = self.legs.get(&leg).ok_or(CallError::NoLeg)?;
        match row.dialogs.as_slice() {
            [key] => Ok(*key),
            _ => Err(CallError::WrongState),
        }
    }

    /// 180.
    pub(crate) fn progress(&mut self, leg: Leg) -> Result<(), CallError> {
        let (key, server, request) = self.invited(leg)?;
        let (tag, contact) = self.tag_and_contact(key);
        let response = Response::to(&request, 180, &tag).with("Contact", contact).with("Allow", ALLOW);
        self.respond(server, response);
        Ok(())
    }

    fn tag_and_contact(&self, key: Key) -> (String, String) {
        let dialog = self.dialogs.get(&key);
        let tag = dialog.map(|dialog| dialog.local_tag.clone()).unwrap_or_default();
        (tag, dialog.map(|dialog| self.contact(dialog.flow)).unwrap_or_default())
    }

    /// 200 with our answer, or with our offer where the call carried none.
    pub(crate) fn answer(&mut self, leg: Leg, sdp: &[u8]) -> Result<(), CallError> {
        let (key, server, request) = self.invited(leg)?;
        let (tag, contact) = self.tag_and_contact(key);
        let mut response = Response::to(&request, 200, &tag).with("Contact", contact).with("Allow", ALLOW);
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            if let Some(agreed) = dialog.agreed {
                timer::tell(&mut response, agreed);
            }
            dialog.sdp = Some(sdp.to_vec());
            dialog.deadline = None;
            dialog.state = State::Accepted { server, farewell: None };
        }
        if let Some(row) = self.legs.get_mut(&leg) {
            row.answered = true;
        }
        self.respond(server, response.with_sdp(Some(sdp)));
        Ok(())
    }

    /// A final no; the leg is gone.
    pub(crate) fn refuse(&mut self, leg: Leg, status: u16, reason: Option<&Reason>) -> Result<(), CallError> {
        let status = if (300..700).contains(&status) { status } else { 480 };
        self.refuse_with(leg, status, reason, Gone::HungUp)
    }

    pub(super) fn refuse_with(
        &mut self,
        leg: Leg,
        status: u16,
        reason: Option<&Reason>,
        why: Gone,
    ) -> Result<(), CallError> {
        let (key, server, request) = self.invited(leg)?;
        let (tag, _) = self.tag_and_contact(key);
        let mut response = Response::to(&request, status, &tag);
        if let Some(reason) = reason {
            response.headers.push("Reason", reason.header());
        }
        if status == 503 {
            response.headers.push("Retry-After", RETRY_AFTER_S.to_string());
        }
        self.respond(server, response);
        self.drop_dialog(key);
        self.gone(leg, why);
        Ok(())
    }

    /// The other side gave up before our answer; the stack said 200 to the CANCEL.
    pub(crate) fn handle_cancel(&mut self, server: ServerId) {
        let Some(key) = self.servers.get(&server).copied() else { return };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        match (&dialog.state, dialog.leg) {
            (State::Invited { .. }, Some(leg)) => {
                self.refuse_with(leg, 487, None, Gone::Cancelled).unwrap_or_default();
            }
            // A re-INVITE that was taken back leaves the session as it was.
            (State::Confirmed, _) => self.cancel_change(key, server),
            _ => {}
        }
    }

    /// The ACK of a 2xx of ours.
    pub(crate) fn handle_ack(&mut self, server: ServerId, ack: &Request, now: Instant) {
        let Some(key) = self.servers.get(&server).copied() else { return };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        if !matches!(&dialog.state, State::Accepted { server: ours, .. } if *ours == server) {
            return self.handle_change_ack(key, server, ack);
        }
        self.servers.remove(&server);
        let State::Accepted { farewell, .. } = std::mem::replace(&mut dialog.state, State::Confirmed) else { return };
        if let Some(agreed) = dialog.agreed {
            dialog.refreshed(agreed, now);
        }
        let body = ack.sdp();
        if body.is_some() {
            dialog.remote_sdp.clone_from(&body);
        }
        let leg = dialog.leg;
        if let Some(reason) = farewell {
            return self.bye(key, reason.as_ref());
        }
        if let Some(leg) = leg {
            self.event(Event::Confirmed { leg, body });
        }
    }

    /// A transaction of somebody else ended. After a 2xx without its ACK that ends the session (§13.3.1.4, §14.2).
    pub(crate) fn handle_server_end(&mut self, server: ServerId, now: Instant) {
        let Some(key) = self.servers.remove(&server) else { return };
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        match &dialog.state {
            State::Accepted { server: ours, .. } if *ours == server => {
                dialog.state = State::Confirmed;
                self.end(key, Gone::NoAck, now);
            }
            State::Invited { server: ours, .. } if *ours == server => {
                self.end(key, Gone::Unreachable, now);
            }
            _ => self.handle_change_end(key, server, now),
        }
    }
}

/// A request's `Contact`, where one must be.
pub(super) fn has_contact(headers: &Headers) -> bool {
    headers.list("Contact").next().is_some()
}
