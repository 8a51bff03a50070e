//! How legs and dialogs end: BYE, farewells that wait for their turn, and what is simply forgotten.
//!
//! A leg is told gone exactly once. A dialog may outlive its leg for the time of a farewell, never longer than a
//! transaction's limit.

use sans_io::Instant;

use super::dialog::{Cancel, Change, Dialog, Key, State};
use super::{Agent, Output, Purpose, ServerId};
use crate::event::{CallError, Event, Gone, Leg, Reason};
use crate::message::{Line, Method, Response};

impl Agent {
    /// CANCEL before the answer, BYE after it, a refusal for a call that still waits for ours.
    pub(crate) fn hang_up(&mut self, leg: Leg, reason: Option<&Reason>, now: Instant) -> Result<(), CallError> {
        let row = self.legs.get_mut(&leg).ok_or(CallError::NoLeg)?;
        row.hung_up = true;
        for key in row.dialogs.clone() {
            let Some(dialog) = self.dialogs.get_mut(&key) else { continue };
            match &mut dialog.state {
                State::Inviting(_) => self.cancel(key, reason, now),
                State::Invited { .. } => self.refuse_with(leg, 480, reason, Gone::HungUp)?,
                // §15: no BYE before the ACK.
                State::Accepted { farewell, .. } => *farewell = Some(reason.cloned()),
                State::Confirmed => self.bye(key, reason),
                State::Closing(_) => {}
            }
        }
        Ok(())
    }

    /// Forgets a leg at once, without a word to the other side but for a call that waits for its answer.
    pub(crate) fn remove(&mut self, leg: Leg) -> Result<(), CallError> {
        let row = self.legs.get(&leg).ok_or(CallError::NoLeg)?;
        for key in row.dialogs.clone() {
            if let Some(Dialog { state: State::Invited { server, request }, local_tag, .. }) = self.dialogs.get(&key) {
                let (server, response) = (*server, Response::to(request, 480, local_tag));
                self.respond(server, response);
                self.servers.remove(&server);
            }
            self.abandon(key);
            self.drop_dialog(key);
        }
        self.gone(leg, Gone::Removed);
        Ok(())
    }

    /// Tells that a leg is gone and forgets it.
    pub(super) fn gone(&mut self, leg: Leg, why: Gone) {
        if self.legs.remove(&leg).is_some() {
            self.event(Event::Gone { leg, why });
        }
    }

    /// Ends a dialog and the leg that it belongs to.
    pub(super) fn end(&mut self, key: Key, why: Gone, now: Instant) {
        match self.dialogs.get(&key).and_then(|dialog| dialog.leg) {
            Some(leg) => self.end_leg(leg, why, now),
            None => self.farewell(key, None, now),
        }
    }

    /// Tells a leg gone now; its dialogs say their farewells alone.
    pub(super) fn end_leg(&mut self, leg: Leg, why: Gone, now: Instant) {
        let Some(row) = self.legs.get(&leg) else { return };
        let reason = match why {
            Gone::SessionExpired => Some(Reason::sip(408, "Session expired")),
            Gone::NoAck => Some(Reason::sip(408, "No ACK")),
            Gone::Overloaded => Some(Reason::sip(503, "Overloaded")),
            _ => None,
        };
        for key in row.dialogs.clone() {
            if let Some(dialog) = self.dialogs.get_mut(&key) {
                dialog.leg = None;
            }
            self.farewell(key, reason.as_ref(), now);
        }
        self.gone(leg, why);
    }

    fn farewell(&mut self, key: Key, reason: Option<&Reason>, now: Instant) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.session = None;
        match &mut dialog.state {
            State::Inviting(_) => self.cancel(key, reason, now),
            State::Invited { server, request } => {
                let (server, response) = (*server, Response::to(request, 503, &dialog.local_tag));
                self.respond(server, response);
                self.drop_dialog(key);
            }
            State::Accepted { farewell, .. } => *farewell = Some(reason.cloned()),
            State::Confirmed => self.bye(key, reason),
            State::Closing(_) => {}
        }
    }

    /// Sends BYE. The dialog goes with its answer, or with the transaction's limit.
    pub(super) fn bye(&mut self, key: Key, reason: Option<&Reason>) {
        self.drop_change(key, 487);
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.session = None;
        dialog.deadline = None;
        let mut request = dialog.request(Method::Bye);
        let flow = dialog.flow;
        if let Some(reason) = reason {
            request.headers.push("Reason", reason.header());
        }
        self.dress(&mut request, flow);
        if let Some(dialog) = self.dialogs.get_mut(&key) {
            dialog.state = State::Closing(Some(Box::new(request.clone())));
        }
        self.send(Purpose::Bye(key), request, flow);
    }

    pub(super) fn handle_bye_response(&mut self, key: Key, response: &Response) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let (leg, flow) = (dialog.leg, dialog.flow);
        if let (401 | 407, Line::Trunk, State::Closing(bye)) = (response.status, flow.line, &mut dialog.state)
            && let Some(mut bye) = bye.take()
            && self.prove(&mut bye, response)
        {
            self.renumber(key, &mut bye);
            self.send(Purpose::Bye(key), *bye, flow);
            return;
        }
        self.drop_dialog(key);
        if let Some(leg) = leg {
            self.gone(leg, Gone::HungUp);
        }
    }

    /// A call of ours that nothing can be sent to any more.
    pub(super) fn lose_unreachable(&mut self, key: Key) {
        self.abandon(key);
        self.lose(key, Gone::Unreachable);
    }

    /// The other side said BYE; it was answered.
    pub(super) fn handle_bye(&mut self, key: Key) {
        let Some(dialog) = self.dialogs.get(&key) else { return };
        let leg = dialog.leg;
        if let State::Invited { server, request } = &dialog.state {
            let (server, response) = (*server, Response::to(request, 487, &dialog.local_tag));
            self.respond(server, response);
            // Its answer goes on being repeated; every other transaction stops, a 2xx that waits for its ACK too.
            self.servers.remove(&server);
        }
        self.drop_change(key, 487);
        self.abandon(key);
        self.drop_dialog(key);
        if let Some(leg) = leg {
            self.gone(leg, Gone::Bye);
        }
    }

    /// A time of a dialog is over.
    pub(super) fn handle_deadline(&mut self, key: Key, now: Instant) {
        let Some(dialog) = self.dialogs.get(&key) else { return };
        match (&dialog.state, dialog.leg) {
            (State::Inviting(inviting), _) if !matches!(inviting.cancel, Cancel::No) => {
                // §9.1: no final answer in 64·T1 after the CANCEL counts as one.
                self.abandon(key);
                self.lose(key, Gone::HungUp);
            }
            (State::Invited { .. }, Some(leg)) => {
                self.refuse_with(leg, 480, None, Gone::HungUp).unwrap_or_default();
            }
            (State::Confirmed, _) => self.refuse_change(key, 488),
            _ => self.end(key, Gone::Unreachable, now),
        }
    }

    /// Stops all transactions of ours for a dialog.
    fn abandon(&mut self, key: Key) {
        let of_dialog = |purpose: &Purpose| match purpose {
            Purpose::Invite(k) | Purpose::Reinvite(k) | Purpose::Update(k) | Purpose::Bye(k) => *k == key,
            Purpose::Cancel | Purpose::Register => false,
        };
        let clients: Vec<_> = self.clients.iter().filter(|(_, p)| of_dialog(p)).map(|(client, _)| *client).collect();
        for client in clients {
            self.clients.remove(&client);
            self.outputs.push_back(Output::AbandonClient(client));
        }
        let servers: Vec<ServerId> =
            self.servers.iter().filter(|(_, k)| **k == key).map(|(server, _)| *server).collect();
        for server in servers {
            self.servers.remove(&server);
            self.outputs.push_back(Output::AbandonServer(server));
        }
    }

    /// Everything ends: calls are hung up or refused, and only farewells are left.
    pub(crate) fn handle_stop(&mut self, now: Instant) {
        let legs: Vec<Leg> = self.legs.keys().copied().collect();
        for leg in legs {
            self.end_leg(leg, Gone::HungUp, now);
        }
        self.trunk = None;
        // New calls are refused while the farewells are on their way.
        self.config.most_legs = 0;
    }

    /// Takes a dialog out of every table. Final answers that were given go on being repeated by the stack.
    pub(super) fn drop_dialog(&mut self, key: Key) {
        let Some(dialog) = self.dialogs.remove(&key) else { return };
        let tag = (dialog.call_id, dialog.local_tag);
        if self.by_tag.get(&tag) == Some(&key) {
            self.by_tag.remove(&tag);
        }
        self.servers.retain(|_, k| *k != key);
        self.clients.retain(|_, purpose| {
            !matches!(purpose, Purpose::Invite(k) | Purpose::Reinvite(k) | Purpose::Update(k) | Purpose::Bye(k) if *k == key)
        });
    }

    /// Ends a change of the session that is under way, with a final answer where one is owed.
    pub(super) fn drop_change(&mut self, key: Key, status: u16) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        let tag = dialog.local_tag.clone();
        match std::mem::replace(&mut dialog.change, Change::None) {
            Change::None => {}
            Change::Theirs { server, request, .. } => {
                self.respond(server, Response::to(&request, status, &tag));
                self.servers.remove(&server);
            }
            Change::Answered { server } => {
                self.servers.remove(&server);
                self.outputs.push_back(Output::AbandonServer(server));
            }
            Change::Ours(ours) => {
                self.clients.remove(&ours.client);
                self.outputs.push_back(Output::AbandonClient(ours.client));
            }
        }
    }
}
