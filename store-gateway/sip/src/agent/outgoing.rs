//! Calls of ours: ringing one or several places, the race between them, proof to the trunk, CANCEL.

use std::time::Duration;

use sans_io::Instant;
use store_voice::dial::Extension;
use store_voice::session;

use super::dialog::{Cancel, Change, Dialog, Inviting, Key, State};
use super::{Agent, LegRow, Purpose, caller};
use crate::address;
use crate::challenge::{Account, Challenge};
use crate::event::{CallError, Caller, Event, Gone, Leg, Reason, Target};
use crate::message::{ALLOW, Flow, Line, Method, Request, Response};
use crate::timer;

/// A session interval that a peer may force on us.
const LONGEST_SESSION: Duration = Duration::from_secs(86_400);

/// One place that is called.
struct Place {
    uri: String,
    flow: Flow,
    from: String,
    to: String,
    private: Option<String>,
}

impl Agent {
    /// Calls a phone at all its places, or a number over the trunk.
    pub(crate) fn call(
        &mut self,
        target: &Target,
        offer: &[u8],
        caller: &Caller,
        now: Instant,
    ) -> Result<Leg, CallError> {
        let places = match target {
            Target::Phone(extension) => self.places_of(extension, caller, now)?,
            Target::Trunk(number) => vec![self.place_outside(number, caller, now)?],
        };
        if !self.has_room() {
            return Err(CallError::Full);
        }
        let leg = Leg(self.number());
        let dialogs = places.into_iter().map(|place| self.invite(leg, place, offer)).collect();
        self.legs.insert(leg, LegRow { dialogs, answered: false, hung_up: false, rang: false, refusal: None });
        Ok(leg)
    }

    fn places_of(&self, extension: &Extension, caller: &Caller, now: Instant) -> Result<Vec<Place>, CallError> {
        let contacts = if self.registrar.knows(extension) { self.registrar.contacts(extension, now) } else { vec![] };
        if contacts.is_empty() {
            return Err(CallError::Unregistered);
        }
        let host = self.local(Line::Phones).to_string();
        let place = |binding: crate::registrar::Binding| Place {
            uri: binding.uri,
            flow: binding.flow,
            from: caller::to_phone(caller, &host),
            to: caller::phone(extension, &host),
            private: None,
        };
        Ok(contacts.into_iter().map(place).collect())
    }

    fn place_outside(&self, number: &str, caller: &Caller, now: Instant) -> Result<Place, CallError> {
        let trunk = self.trunk.as_ref().ok_or(CallError::NoTrunk)?;
        trunk.ready(now).ok_or(CallError::NoTrunk)?;
        let flow = self.trunk_flow().ok_or(CallError::NoTrunk)?;
        let user = address::clean_user(number);
        if user.is_empty() || user != number {
            return Err(CallError::NoNumber);
        }
        let domain = trunk.domain();
        let account = trunk.config().from_user.as_ref().unwrap_or(&trunk.config().user);
        let ours = format!("<sip:{}@{domain}>", address::clean_user(account));
        let withheld = caller.number.is_none();
        Ok(Place {
            uri: format!("sip:{user}@{domain}"),
            flow,
            from: if withheld { caller::ANONYMOUS.to_owned() } else { ours.clone() },
            to: format!("<sip:{user}@{domain}>"),
            private: withheld.then_some(ours),
        })
    }

    fn invite(&mut self, leg: Leg, place: Place, offer: &[u8]) -> Key {
        let (call_id, local_tag) = (self.tokens.next(), self.tokens.next());
        let mut dialog = Dialog {
            leg: Some(leg),
            flow: place.flow,
            call_id,
            local_tag,
            remote_tag: None,
            local: place.from,
            remote: place.to,
            target: place.uri,
            routes: Vec::new(),
            cseq: 0,
            remote_cseq: None,
            state: State::Closing(None),
            change: Change::None,
            sdp: Some(offer.to_vec()),
            remote_sdp: None,
            allows_update: false,
            agreed: None,
            session: None,
            deadline: None,
            ack: None,
        };
        let mut request = dialog.request(Method::Invite);
        if let Some(identity) = place.private {
            request.headers.push("P-Preferred-Identity", identity);
            request.headers.push("Privacy", "id");
        }
        self.finish_invite(&mut request, &dialog, None);
        let request = request.with_sdp(Some(offer));
        let key = self.keep(dialog);
        self.start_invite(key, request, false, false);
        key
    }

    /// What an INVITE of ours carries beyond its dialog.
    pub(super) fn finish_invite(
        &mut self,
        request: &mut Request,
        dialog: &Dialog,
        refresher: Option<session::Refresher>,
    ) {
        let interval = dialog.agreed.map_or(self.config.session.interval, |agreed| agreed.interval);
        request.headers.set("Contact", self.contact(dialog.flow));
        request.headers.set("Allow", ALLOW);
        timer::ask(&mut request.headers, self.config.session, interval, refresher);
        self.dress(request, dialog.flow);
    }

    fn start_invite(&mut self, key: Key, invite: Request, proved: bool, lengthened: bool) {
        let Some(flow) = self.dialogs.get(&key).map(|dialog| dialog.flow) else { return };
        self.send(Purpose::Invite(key), invite.clone(), flow);
        let inviting = Inviting { invite, provisional: false, cancel: Cancel::No, proved, lengthened };
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.state = State::Inviting(Box::new(inviting));
        }
    }

    pub(super) fn handle_invite_response(&mut self, key: Key, response: &Response, now: Instant) {
        match response.status {
            ..=100 => self.note_provisional(key),
            101..200 => {
                self.note_provisional(key);
                self.ring(key, response);
            }
            200..300 => self.accept(key, response, now),
            _ => self.fail(key, response),
        }
    }

    fn inviting(&mut self, key: Key) -> Option<&mut Inviting> {
        match &mut self.dialogs.get_mut(&key)?.state {
            State::Inviting(inviting) => Some(inviting),
            _ => None,
        }
    }

    fn note_provisional(&mut self, key: Key) {
        let Some(inviting) = self.inviting(key) else { return };
        inviting.provisional = true;
        if !matches!(inviting.cancel, Cancel::Wanted(_)) {
            return;
        }
        if let Cancel::Wanted(reason) = std::mem::replace(&mut inviting.cancel, Cancel::Sent) {
            self.send_cancel(key, reason.as_ref());
        }
    }

    fn ring(&mut self, key: Key, response: &Response) {
        let Some(leg) = self.dialogs.get(&key).and_then(|dialog| dialog.leg) else { return };
        let body = response.sdp();
        let Some(row) = self.legs.get_mut(&leg) else { return };
        if row.answered || row.hung_up || (row.rang && body.is_none()) {
            return;
        }
        row.rang = true;
        self.event(Event::Ringing { leg, body });
    }

    /// A 2xx: the first one wins, any other is thanked and dismissed.
    fn accept(&mut self, key: Key, response: &Response, now: Instant) {
        let config = self.config.session;
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let State::Inviting(inviting) = std::mem::replace(&mut dialog.state, State::Confirmed) else { return };
        dialog.learn(&response.headers);
        dialog.deadline = None;
        let ack = dialog.ack_of(&inviting.invite);
        let leg = dialog.leg;
        self.send_ack(key, ack);
        let body = response.sdp();
        let row = leg.and_then(|leg| self.legs.get_mut(&leg));
        let (Some(leg), Some(row)) = (leg, row) else {
            return self.bye(key, None);
        };
        if row.answered || row.hung_up {
            let reason = row.answered.then(|| Reason::sip(200, "Call completed elsewhere"));
            return self.bye(key, reason.as_ref());
        }
        let Some(body) = body else {
            // Nothing to hear and nothing to speak to: no call.
            self.end(key, Gone::Refused(488), now);
            return;
        };
        row.answered = true;
        let losers: Vec<Key> = row.dialogs.iter().copied().filter(|other| *other != key).collect();
        row.dialogs = vec![key];
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.remote_sdp = Some(body.clone());
            let agreed = session::Agreed::accept(config, timer::said(&response.headers));
            dialog.refreshed(agreed, now);
        }
        let reason = Reason::sip(200, "Call completed elsewhere");
        for loser in losers {
            self.cancel(loser, Some(&reason), now);
            if let Some(dialog) = self.dialogs.get_mut(&loser) {
                dialog.leg = None;
            }
        }
        self.event(Event::Answered { leg, body });
    }

    /// Sends an ACK and keeps it for a 2xx that is repeated.
    pub(super) fn send_ack(&mut self, key: Key, mut ack: Request) {
        let Some(flow) = self.dialogs.get(&key).map(|dialog| dialog.flow) else { return };
        self.dress(&mut ack, flow);
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.ack = Some(ack.clone());
        }
        self.outputs.push_back(super::Output::Ack(ack, flow));
    }

    fn fail(&mut self, key: Key, response: &Response) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let State::Inviting(inviting) = std::mem::replace(&mut dialog.state, State::Closing(None)) else { return };
        let is_wanted = matches!(inviting.cancel, Cancel::No);
        if is_wanted && self.try_again(key, &inviting, response) {
            return;
        }
        let silent = response.status == 408 && !inviting.provisional;
        let why = if silent { Gone::Unreachable } else { Gone::Refused(response.status) };
        self.lose(key, why);
    }

    /// Answers a challenge or a 422, once each.
    fn try_again(&mut self, key: Key, inviting: &Inviting, response: &Response) -> bool {
        let Some(dialog) = self.dialogs.get(&key) else { return false };
        let mut invite = inviting.invite.clone();
        let (mut proved, mut lengthened) = (inviting.proved, inviting.lengthened);
        match response.status {
            401 | 407 if dialog.flow.line == Line::Trunk && !proved => {
                if !self.prove(&mut invite, response) {
                    return false;
                }
                proved = true;
            }
            422 if !lengthened => {
                let Some(least) = least_interval(response) else { return false };
                // What is asked for is its Min-SE too, so that no proxy on the way shortens it (§7.3).
                invite.headers.set("Session-Expires", least.as_secs().to_string());
                invite.headers.set("Min-SE", least.as_secs().to_string());
                lengthened = true;
            }
            _ => return false,
        }
        self.renumber(key, &mut invite);
        self.start_invite(key, invite, proved, lengthened);
        true
    }

    /// The same request again, as a new one (§8.1.3.5).
    pub(super) fn renumber(&mut self, key: Key, request: &mut Request) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.cseq += 1;
        request.headers.set("CSeq", format!("{} {}", dialog.cseq, request.method.as_str()));
        let flow = dialog.flow;
        let via = self.via(flow);
        request.headers.set("Via", via);
    }

    /// Puts the answer to the trunk's challenge into a request.
    pub(super) fn prove(&mut self, request: &mut Request, response: &Response) -> bool {
        let cnonce = self.tokens.next();
        let Some(trunk) = &self.trunk else { return false };
        let Some(mut challenge) = Challenge::choose(response) else { return false };
        let config = trunk.config();
        challenge.answer(request, &Account { user: &config.user, password: &config.password }, &cnonce);
        true
    }

    /// One place of a race is out; the last one ends the leg.
    pub(super) fn lose(&mut self, key: Key, why: Gone) {
        let leg = self.dialogs.get(&key).and_then(|dialog| dialog.leg);
        self.drop_dialog(key);
        let Some(leg) = leg else { return };
        let Some(row) = self.legs.get_mut(&leg) else { return };
        row.dialogs.retain(|other| *other != key);
        row.refusal = Some(row.refusal.map_or(why, |known| better(known, why)));
        if row.dialogs.is_empty() {
            let why = if row.hung_up { Gone::HungUp } else { row.refusal.unwrap_or(why) };
            self.gone(leg, why);
        }
    }

    /// Takes an INVITE of ours back.
    pub(super) fn cancel(&mut self, key: Key, reason: Option<&Reason>, now: Instant) {
        let give_up = self.config.timers.give_up();
        let Some(inviting) = self.inviting(key) else { return };
        if !matches!(inviting.cancel, Cancel::No) {
            return;
        }
        let provisional = inviting.provisional;
        inviting.cancel = if provisional { Cancel::Sent } else { Cancel::Wanted(reason.cloned()) };
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.deadline = Some(now + give_up);
        }
        if provisional {
            self.send_cancel(key, reason);
        }
    }

    fn send_cancel(&mut self, key: Key, reason: Option<&Reason>) {
        let user_agent = self.config.user_agent.clone();
        let Some(dialog) = self.dialogs.get(&key) else { return };
        let State::Inviting(inviting) = &dialog.state else { return };
        let (invite, flow) = (&inviting.invite, dialog.flow);
        let mut cancel = Request::new(Method::Cancel, invite.uri.clone());
        for name in ["Via", "Max-Forwards", "Route", "From", "To", "Call-ID"] {
            cancel.headers.copy(name, &invite.headers);
        }
        let cseq = invite.headers.cseq().map_or(1, |(cseq, _)| cseq);
        cancel.headers.push("CSeq", format!("{cseq} CANCEL"));
        cancel.headers.push("User-Agent", user_agent);
        if let Some(reason) = reason {
            cancel.headers.push("Reason", reason.header());
        }
        self.send(Purpose::Cancel, cancel, flow);
    }

    /// A 2xx outside any transaction: one that is repeated, or another one from a fork on the way (§13.2.2.4).
    pub(crate) fn handle_stray(&mut self, response: &Response, flow: Flow) {
        let headers = &response.headers;
        let (Some(call_id), Some(from), Some(to), Some((cseq, _))) = (
            headers.get("Call-ID"),
            headers.get("From").and_then(address::tag_of),
            headers.get("To").and_then(address::tag_of),
            headers.cseq(),
        ) else {
            return;
        };
        let Some(key) = self.by_tag.get(&(call_id.to_owned(), from.to_owned())).copied() else { return };
        let Some(dialog) = self.dialogs.get(&key) else { return };
        let (Some(ack), true) = (dialog.ack.clone(), dialog.flow.remote.ip() == flow.remote.ip()) else { return };
        if ack.headers.cseq().map(|(acked, _)| acked) != Some(cseq) {
            return;
        }
        if dialog.remote_tag.as_deref() == Some(to) {
            self.outputs.push_back(super::Output::Ack(ack, dialog.flow));
            return;
        }
        if self.dialogs.len() < self.config.most_legs.saturating_mul(super::DIALOGS_A_LEG) {
            self.dismiss_fork(key, response, &ack);
        }
    }

    fn dismiss_fork(&mut self, key: Key, response: &Response, ack: &Request) {
        let Some(first) = self.dialogs.get(&key) else { return };
        let mut fork = Dialog {
            leg: None,
            flow: first.flow,
            call_id: first.call_id.clone(),
            local_tag: first.local_tag.clone(),
            remote_tag: None,
            local: first.local.clone(),
            remote: first.remote.clone(),
            target: first.target.clone(),
            routes: Vec::new(),
            cseq: first.cseq,
            remote_cseq: None,
            state: State::Confirmed,
            change: Change::None,
            sdp: None,
            remote_sdp: None,
            allows_update: false,
            agreed: None,
            session: None,
            deadline: None,
            ack: None,
        };
        fork.learn(&response.headers);
        let ack = fork.ack_of(ack);
        // It has the tag of the first dialog, so it stays out of the index; only the answer to its BYE matters.
        let key = Key(self.number());
        self.dialogs.insert(key, fork);
        self.send_ack(key, ack);
        self.bye(key, Some(&Reason::sip(200, "Call completed elsewhere")));
    }
}

/// Of two refusals the one to tell: a person's no before a machine's (§16.7, simplified).
fn better(a: Gone, b: Gone) -> Gone {
    let weight = |gone: Gone| match gone {
        Gone::Refused(600..) => 0,
        Gone::Refused(486) => 1,
        Gone::Refused(480) => 2,
        Gone::Refused(_) => 3,
        _ => 4,
    };
    if weight(b) < weight(a) { b } else { a }
}

/// The interval of a 422, when it is one that we take.
pub(super) fn least_interval(response: &Response) -> Option<Duration> {
    timer::said(&response.headers).least.filter(|least| *least <= LONGEST_SESSION)
}
