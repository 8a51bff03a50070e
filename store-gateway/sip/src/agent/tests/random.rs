//! Random steps: whatever happens, each leg is told gone once, and when all is quiet nothing is left.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Incoming,
    Call,
    Answer(usize),
    Refuse(usize),
    HangUp(usize),
    Remove(usize),
    Reoffer(usize),
    AnswerOffer(usize),
    Overload(usize),
    /// An answer to one of our requests that waits.
    Reply(usize, u16),
    /// One of our requests ends in silence.
    Silence(usize),
    Ack(usize),
    Cancel(usize),
    ServerEnd(usize),
    /// A request of the other side of the n-th dialog.
    Within(usize, usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = 0..8_usize;
    let status = prop::sample::select(vec![100, 180, 200, 200, 401, 422, 481, 486, 487, 491]);
    let step = prop_oneof![
        2 => Just(Step::Incoming),
        3 => Just(Step::Call),
        4 => n.clone().prop_map(Step::Answer),
        1 => n.clone().prop_map(Step::Refuse),
        2 => n.clone().prop_map(Step::HangUp),
        1 => n.clone().prop_map(Step::Remove),
        2 => n.clone().prop_map(Step::Reoffer),
        2 => n.clone().prop_map(Step::AnswerOffer),
        1 => n.clone().prop_map(Step::Overload),
        8 => (n.clone(), status).prop_map(|(n, s)| Step::Reply(n, s)),
        1 => n.clone().prop_map(Step::Silence),
        4 => n.clone().prop_map(Step::Ack),
        1 => n.clone().prop_map(Step::Cancel),
        1 => n.clone().prop_map(Step::ServerEnd),
        4 => (n.clone(), 0..4_usize).prop_map(|(n, m)| Step::Within(n, m)),
        2 => (0..400_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..80)
}

struct Model {
    world: World,
    now: Instant,
    calls: u32,
    told: BTreeSet<Leg>,
    gone: BTreeSet<Leg>,
    legs: Vec<Leg>,
    offers: Vec<(Leg, OfferId)>,
    waiting: Vec<(ClientId, Request)>,
    servers: Vec<ServerId>,
    peers: Vec<Peer>,
    invites: Vec<(ServerId, Request)>,
}

impl Model {
    fn new() -> Self {
        let mut world = World::with(Config { most_legs: 6, ..Config::default() });
        for port in [6_000, 6_001] {
            world.register("202", port, at(0));
        }
        Self {
            world,
            now: at(1),
            calls: 0,
            told: BTreeSet::new(),
            gone: BTreeSet::new(),
            legs: Vec::new(),
            offers: Vec::new(),
            waiting: Vec::new(),
            servers: Vec::new(),
            peers: Vec::new(),
            invites: Vec::new(),
        }
    }

    fn take(&mut self, out: Out) {
        for (server, response) in out.responses {
            if response.status == 200
                && let Some(at) = self.invites.iter().position(|(known, _)| *known == server)
            {
                let (_, invite) = self.invites.remove(at);
                self.peers.push(Peer::of_ours(&invite, &response));
            }
        }
        self.waiting.extend(out.requests.into_iter().map(|(client, request, _)| (client, request)));
        for event in out.events {
            let leg = event.leg();
            assert!(!self.gone.contains(&leg), "{event:?} after the leg was gone");
            match event {
                Event::Gone { .. } => assert!(self.gone.insert(leg)),
                Event::Offered { offer_id, .. } => self.offers.push((leg, offer_id)),
                Event::Incoming { .. } => {
                    assert!(self.told.insert(leg));
                    self.legs.push(leg);
                }
                _ => {}
            }
        }
        let statistics = self.world.agent.statistics();
        assert!(statistics.legs <= 6 && statistics.dialogs <= 6 * DIALOGS_A_LEG + 6);
    }

    fn drain(&mut self) {
        let out = self.world.out();
        self.take(out);
    }

    fn leg(&self, n: usize) -> Leg {
        self.legs.get(n % self.legs.len().max(1)).copied().unwrap_or(Leg(0))
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Incoming => {
                self.calls += 1;
                let invite = self.world.proved(invite(&format!("in-{}", self.calls)), "201", now);
                let (server, out) = self.world.request(invite.clone(), flow(5_060), now);
                self.servers.push(server);
                self.invites.push((server, invite));
                self.take(out);
            }
            Step::Call => {
                let called = self.world.agent.call(&Target::Phone(ext("202")), SDP_BYTES, &Caller::default(), now);
                if let Ok(leg) = called {
                    assert!(self.told.insert(leg));
                    self.legs.push(leg);
                }
            }
            Step::Answer(n) => self.world.agent.answer(self.leg(n), SDP_BYTES).unwrap_or_default(),
            Step::Refuse(n) => self.world.agent.refuse(self.leg(n), 486, None).unwrap_or_default(),
            Step::HangUp(n) => self.world.agent.hang_up(self.leg(n), None, now).unwrap_or_default(),
            Step::Remove(n) => self.world.agent.remove(self.leg(n)).unwrap_or_default(),
            Step::Reoffer(n) => self.world.agent.reoffer(self.leg(n), SDP_BYTES).unwrap_or_default(),
            Step::Overload(n) => self.world.agent.handle_overload(self.leg(n), now),
            Step::AnswerOffer(n) => {
                if let Some((leg, id)) = self.offers.get(n % self.offers.len().max(1)).copied() {
                    self.world
                        .agent
                        .answer_offer(leg, id, if n % 2 == 0 { Ok(SDP_BYTES) } else { Err(488) }, now)
                        .unwrap_or_default();
                }
            }
            Step::Reply(n, status) => self.reply(n, status),
            Step::Silence(n) => {
                if !self.waiting.is_empty() {
                    let (client, _) = self.waiting.remove(n % self.waiting.len());
                    self.world.agent.handle_client_end(client, now);
                }
            }
            Step::Ack(n) => {
                if let (Some(server), Some(peer)) = (self.server(n), self.peers.last()) {
                    let ack = peer.ack(1);
                    self.world.agent.handle_ack(server, &ack, now);
                }
            }
            Step::Cancel(n) => {
                if let Some(server) = self.server(n) {
                    self.world.agent.handle_cancel(server);
                }
            }
            Step::ServerEnd(n) => {
                if let Some(server) = self.server(n) {
                    self.world.agent.handle_server_end(server, now);
                }
            }
            Step::Within(n, method) => self.within(n, method),
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.world.agent.handle_timeout(self.now);
            }
        }
        self.drain();
    }

    fn server(&self, n: usize) -> Option<ServerId> {
        self.servers.get(self.servers.len().checked_sub(1 + n % self.servers.len().max(1))?).copied()
    }

    fn reply(&mut self, n: usize, status: u16) {
        if self.waiting.is_empty() {
            return;
        }
        let at = n % self.waiting.len();
        let (client, request) = self.waiting[at].clone();
        if status >= 200 {
            self.waiting.remove(at);
        }
        let response = match (status, request.method) {
            (200, Method::Invite) if n % 4 != 3 => ok_with_sdp(&request, "t"),
            _ => reply(&request, status, "t"),
        };
        let out = self.world.answer(client, response, self.now);
        self.take(out);
    }

    fn within(&mut self, n: usize, method: usize) {
        if self.peers.is_empty() {
            return;
        }
        let at = n % self.peers.len();
        let method = [Method::Bye, Method::Invite, Method::Update, Method::Info][method];
        let mut request = self.peers[at].next(method);
        if n.is_multiple_of(2) && method != Method::Bye {
            request = request.with_sdp(Some(SDP_BYTES));
        }
        let (server, out) = self.world.request(request, flow(5_060), self.now);
        self.servers.push(server);
        self.take(out);
    }

    /// Everything stops, nobody answers any more.
    fn end(mut self) {
        self.world.agent.handle_stop(self.now);
        self.drain();
        for _ in 0..40 {
            for (client, _) in std::mem::take(&mut self.waiting) {
                self.world.agent.handle_client_end(client, self.now);
                self.drain();
            }
            for server in self.servers.clone() {
                self.world.agent.handle_server_end(server, self.now);
                self.drain();
            }
            self.now += Duration::from_secs(40);
            self.world.agent.handle_timeout(self.now);
            self.drain();
        }
        assert_eq!(self.gone, self.told, "each leg is told gone");
        self.world.assert_empty();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn each_leg_ends_once_and_nothing_is_left(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
            if model.world.agent.next_timeout().is_some_and(|at| at <= model.now) {
                model.world.agent.handle_timeout(model.now);
                model.drain();
            }
            prop_assert!(model.world.agent.next_timeout().is_none_or(|at| at > model.now), "something is always due");
        }
        model.end();
    }
}
