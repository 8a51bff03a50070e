//! The lines that calls go over, shared by all of them: SIP legs and who is told of their events, sockets for sound, the
//! SIM, prompts, and the one lock for codes that are tried by phone.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gsm_modem::{CallEvent, CallId, Private};
use shop_model::code::{CodeLock, LockRule, PickupCode};
use shop_model::ids::ReservationId;
use store_daemon::secrets::random;
use store_daemon::wall::monotonic;
use store_daemon::writer::Lane;
use store_sip::{
    CallError, Caller, Event as SipEvent, Leg as SipLeg, OfferId, Reason, Sip, Target as SipTarget, TrunkState,
};
use store_sound::port::AudioPort;
use store_voice::Frame;
use store_voice::call::{Admission, Busy, Callee, CodeAnswer, Origin, Why};
use store_voice::dial::{Extension, Policy, Refused, Target, Usage};
use store_voice::g711::Law;
use store_voice::sdp::{Direction, Local};
use tokio::sync::mpsc;

use super::config::Sip as SipConfig;
use super::lookup;
use super::ports::Ports;
use super::prompts::Prompts;
use super::record::Record;
use super::sim::SimRequest;
use super::task::{Media, Told, Way};
use crate::app::App;

/// Frames between a call and the modem's voice path, each way: 200 ms.
const SIM_FRAMES: usize = 10;
/// Events of legs that nobody has named yet: a phone may answer before the call that rang it heard of its leg.
const MOST_EARLY: usize = 64;

/// Who is told of a leg's events.
#[derive(Default)]
struct Routes {
    legs: HashMap<SipLeg, mpsc::Sender<Told>>,
    early: Vec<(SipLeg, SipEvent)>,
}

/// The SIM carries one call.
#[derive(Default)]
struct Sim {
    call: Option<(CallId, mpsc::Sender<Told>)>,
    /// The number of our last call outward.
    last: u64,
}

/// See the module.
pub(super) struct Lines {
    app: App,
    sip: Option<Sip>,
    routes: Mutex<Routes>,
    sim: Mutex<Sim>,
    ports: Option<Ports>,
    prompts: Arc<Prompts>,
    pub policy: Policy,
    codes: Mutex<CodeLock>,
    admission: Mutex<Admission>,
    usage: Mutex<Usage>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    pub fn new(app: App, sip: Option<Sip>, prompts: Arc<Prompts>) -> Self {
        let config = app.config.calls.sip.clone();
        let (most, kept) = config.as_ref().map_or((1, 0), |sip| (sip.most_calls, sip.kept_calls));
        Self {
            sip,
            routes: Mutex::default(),
            sim: Mutex::default(),
            ports: config.as_ref().map(|sip| Ports::new(sip.rtp_ports.clone())),
            prompts,
            policy: config.map(|sip| sip.policy).unwrap_or_default(),
            codes: Mutex::default(),
            admission: Mutex::new(Admission::new(most, kept)),
            usage: Mutex::default(),
            app,
        }
    }

    pub fn prompts(&self) -> Arc<Prompts> {
        Arc::clone(&self.prompts)
    }

    pub fn admit_phone(&self) -> Result<(), Busy> {
        lock(&self.admission).admit_phone()
    }

    pub fn admit_outside(&self) -> Result<(), Busy> {
        lock(&self.admission).admit_outside()
    }

    pub fn release(&self) {
        lock(&self.admission).release();
    }

    pub fn begin_use(&self, phone: &Extension, target: &Target) -> Result<(), Refused> {
        lock(&self.usage).begin(&self.policy, phone, target, monotonic())
    }

    pub fn end_use(&self, phone: &Extension, target: &Target) {
        lock(&self.usage).end(phone, target);
    }
}

/// SIP legs.
impl Lines {
    /// Events of this leg go there from now on, those that came early first.
    pub fn route(&self, leg: SipLeg, to: mpsc::Sender<Told>) {
        let mut routes = lock(&self.routes);
        for (of, event) in std::mem::take(&mut routes.early) {
            match of == leg {
                true => drop(to.try_send(Told::Sip(leg, event))),
                false => routes.early.push((of, event)),
            }
        }
        routes.legs.insert(leg, to);
    }

    /// Passes an event on. A leg whose call is gone, or does not take what it is told, is removed.
    pub async fn pass_on(&self, leg: SipLeg, event: SipEvent) {
        if let Some(unwanted) = self.give(leg, event) {
            self.remove(unwanted).await;
        }
    }

    /// Gives an event to its leg's call; says which leg nobody wants any more.
    fn give(&self, leg: SipLeg, event: SipEvent) -> Option<SipLeg> {
        let mut routes = lock(&self.routes);
        let Some(to) = routes.legs.get(&leg) else {
            routes.early.push((leg, event));
            return (routes.early.len() > MOST_EARLY).then(|| routes.early.remove(0).0);
        };
        if to.try_send(Told::Sip(leg, event)).is_ok() {
            return None;
        }
        routes.legs.remove(&leg);
        tracing::warn!("a call does not take what it is told; its leg is removed");
        Some(leg)
    }

    /// The leg is over.
    pub fn forget(&self, leg: SipLeg) {
        let mut routes = lock(&self.routes);
        routes.legs.remove(&leg);
        routes.early.retain(|(of, _)| *of != leg);
    }

    /// Removes legs whose call ended without its legs: after a fault of ours.
    pub async fn sweep(&self) {
        let mut left = Vec::new();
        lock(&self.routes).legs.retain(|leg, to| {
            if to.is_closed() {
                left.push(*leg);
            }
            !to.is_closed()
        });
        for leg in left {
            self.remove(leg).await;
        }
    }

    pub async fn answer(&self, leg: SipLeg, description: String) {
        if let Some(sip) = &self.sip {
            settled("answering", sip.answer(leg, description.into_bytes()).await);
        }
    }

    pub async fn answer_offer(&self, leg: SipLeg, offer: OfferId, answer: Result<String, u16>) {
        if let Some(sip) = &self.sip {
            settled("answering an offer", sip.answer_offer(leg, offer, answer.map(String::into_bytes)).await);
        }
    }

    pub async fn refuse(&self, leg: SipLeg, why: Why) {
        self.refuse_with(leg, status(why)).await;
    }

    pub async fn refuse_with(&self, leg: SipLeg, status: u16) {
        if let Some(sip) = &self.sip {
            settled("refusing", sip.refuse(leg, status, None).await);
        }
    }

    pub async fn hang_up(&self, leg: SipLeg, why: Why) {
        if let Some(sip) = &self.sip {
            settled("hanging up", sip.hang_up(leg, reason(why)).await);
        }
    }

    pub async fn remove(&self, leg: SipLeg) {
        self.forget(leg);
        if let Some(sip) = &self.sip {
            settled("removing", sip.remove(leg).await);
        }
    }

    /// Sockets and our side of a description. `outside` legs are reached by any interface.
    pub async fn media(&self, outside: bool) -> Result<Media, String> {
        let config = self.app.config.calls.sip.as_ref().ok_or("there is no [sip]")?;
        let ports = self.ports.as_ref().ok_or("there is no [sip]")?;
        let bound = if outside { any(config.listen.ip()) } else { config.listen.ip() };
        let pair = ports.bind(bound).await.map_err(|e| e.to_string())?;
        let port = pair.rtp.local_addr().map_err(|e| e.to_string())?.port();
        let address = (advertised(config), port).into();
        // 62 bits, so that no peer's signed arithmetic sees a negative number (RFC 8866 §5.2 asks for digits only).
        let session = u64::from_le_bytes(random()) >> 2;
        Ok(Media { local: Local { session, version: session, address, laws: vec![Law::A, Law::Mu] }, pair })
    }

    /// Makes a leg to somebody; its events go to `own`.
    pub async fn ring(
        &self,
        callee: &Callee,
        record: &Record,
        own: &mpsc::Sender<Told>,
    ) -> Result<(Way, Option<Media>), String> {
        match callee {
            Callee::Phone(extension) => {
                let caller = self.shown(record);
                self.ring_sip(SipTarget::Phone(extension.clone()), false, caller, own).await
            }
            Callee::Outside(number) => self.ring_outside(number.e164(), own, First::Trunk).await,
            Callee::Emergency(number) => self.ring_outside(number, own, First::Sim).await,
        }
    }

    async fn ring_outside(
        &self,
        number: &str,
        own: &mpsc::Sender<Told>,
        first: First,
    ) -> Result<(Way, Option<Media>), String> {
        let target = || SipTarget::Trunk(number.to_owned());
        let trunk = match &self.sip {
            Some(sip) => matches!(sip.trunk().await, TrunkState::Registered { .. }),
            None => false,
        };
        match (first, trunk) {
            (First::Trunk, true) => self.ring_sip(target(), true, Caller::default(), own).await,
            (First::Trunk, false) => self.ring_sim(number, own),
            (First::Sim, trunk) => match self.ring_sim(number, own) {
                Err(_) if trunk => self.ring_sip(target(), true, Caller::default(), own).await,
                outcome => outcome,
            },
        }
    }

    async fn ring_sip(
        &self,
        target: SipTarget,
        outside: bool,
        caller: Caller,
        own: &mpsc::Sender<Told>,
    ) -> Result<(Way, Option<Media>), String> {
        let sip = self.sip.as_ref().ok_or("there is no [sip]")?;
        let media = self.media(outside).await?;
        let offer = media.local.offer(Direction::SendRecv).to_string().into_bytes();
        let leg = sip.call(target, offer, caller).await.map_err(|e| e.to_string())?;
        self.route(leg, own.clone());
        Ok((Way::Sip(leg), Some(media)))
    }

    /// What a ringing phone shows: the caller's number, for staff know their customers by it; an extension within.
    fn shown(&self, record: &Record) -> Caller {
        match &record.origin {
            Origin::Phone(extension) => Caller { number: Some(extension.as_str().to_owned()), name: None },
            Origin::Trunk | Origin::Sim => {
                let number = Some(record.party.number.clone()).filter(|n| !n.is_empty());
                Caller { number, name: None }
            }
        }
    }
}

/// Which line a call outside takes when there are two.
#[derive(Clone, Copy)]
enum First {
    /// The trunk.
    Trunk,
    /// The SIM: it is found by emergency services, and it works without the internet.
    Sim,
}

/// The SIM.
impl Lines {
    fn ring_sim(&self, number: &str, own: &mpsc::Sender<Told>) -> Result<(Way, Option<Media>), String> {
        if !self.app.config.sim_voice_is_set() {
            return Err("there is no line outside".to_owned());
        }
        let mut sim = lock(&self.sim);
        if sim.is_taken() {
            return Err("the SIM is busy".to_owned());
        }
        sim.last += 1;
        let call = CallId::Outgoing(sim.last);
        if !self.app.sim.ask(SimRequest::Dial(sim.last, Private(number.to_owned()))) {
            return Err("the modem does not keep up".to_owned());
        }
        sim.call = Some((call, own.clone()));
        Ok((Way::Sim(call), None))
    }

    /// Gives the SIM to a call that came in; `false` while another has it.
    pub fn take_sim(&self, call: CallId, own: &mpsc::Sender<Told>) -> bool {
        let mut sim = lock(&self.sim);
        if sim.is_taken() {
            return false;
        }
        sim.call = Some((call, own.clone()));
        true
    }

    /// Carries what the modem tells to the call that it is about.
    pub fn pass_on_sim(&self, event: CallEvent) {
        let about = call_of(&event);
        let to = lock(&self.sim).call.as_ref().filter(|(call, _)| Some(*call) == about).map(|(_, to)| to.clone());
        if let Some(to) = to
            && to.try_send(Told::Sim(event)).is_err()
        {
            tracing::warn!("a call does not take what the modem tells");
        }
    }

    /// The SIM's leg is over.
    pub fn sim_ended(&self) {
        lock(&self.sim).call = None;
    }

    pub fn ask_sim(&self, request: SimRequest) {
        if !self.app.sim.ask(request) {
            tracing::warn!("the modem does not keep up with its call");
        }
    }

    /// Opens the modem's voice path and tells the call; without it the call goes on in silence, and its log says why.
    pub fn open_sim_sound(&self, own: mpsc::Sender<Told>) {
        let Some(config) = self.app.config.modem.as_ref().and_then(|modem| modem.voice.clone()) else { return };
        tokio::spawn(async move {
            let mut port = match AudioPort::open(config).await {
                Ok(port) => port,
                Err(e) => {
                    tracing::error!(error = %e, "the modem's voice path can't be opened");
                    return;
                }
            };
            let (to, mut said) = mpsc::channel::<Frame>(SIM_FRAMES);
            let (heard, from) = mpsc::channel(SIM_FRAMES);
            if own.send(Told::SimSound(to, from)).await.is_err() {
                return;
            }
            loop {
                tokio::select! {
                    frame = port.recv_frame() => match frame {
                        // A call that does not take its frames loses the newest; it counts nothing twice.
                        Ok(frame) => drop(heard.try_send(frame)),
                        Err(e) => {
                            tracing::warn!(error = %e, "the modem's voice path ended");
                            return;
                        }
                    },
                    frame = said.recv() => match frame {
                        Some(frame) => drop(port.send_frame(&frame)),
                        None => return,
                    },
                }
            }
        });
    }
}

impl Sim {
    /// A call whose task is gone has it no more.
    fn is_taken(&self) -> bool {
        self.call.as_ref().is_some_and(|(_, to)| !to.is_closed())
    }
}

const fn call_of(event: &CallEvent) -> Option<CallId> {
    match event {
        CallEvent::Incoming { call, .. }
        | CallEvent::Alerting { call }
        | CallEvent::Connected { call }
        | CallEvent::NoSound { call }
        | CallEvent::Digit { call, .. }
        | CallEvent::Ended { call, .. }
        | CallEvent::NotPossible { call, .. } => Some(*call),
        CallEvent::MissedWhileBusy { .. } => None,
    }
}

/// Codes.
impl Lines {
    /// Looks six digits up. All calls share one count of misses, like one counter's screen.
    pub async fn try_code(&self, app: &App, code: PickupCode) -> (CodeAnswer, Option<ReservationId>) {
        let rule = LockRule { first: app.config.counter.code_lock, ..LockRule::default() };
        if lock(&self.codes).remaining(monotonic()).is_some() {
            return (CodeAnswer::Locked, None);
        }
        match app.work(Lane::Work, move |desk| lookup::of_code(desk, &code)).await {
            Ok(Some((id, status))) => {
                lock(&self.codes).hit();
                (CodeAnswer::Right(Box::new(status)), Some(id))
            }
            Ok(None) => match lock(&self.codes).miss(&rule, monotonic()) {
                None => (CodeAnswer::Wrong, None),
                Some(_) => (CodeAnswer::Locked, None),
            },
            Err(e) => {
                tracing::error!(error = %e, "a code could not be looked up");
                (CodeAnswer::Locked, None)
            }
        }
    }
}

/// The address that descriptions name.
fn advertised(config: &SipConfig) -> IpAddr {
    config.external.unwrap_or_else(|| config.listen.ip())
}

const fn any(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// A leg that was gone already needs nothing any more: its end is told as an event.
fn settled(doing: &'static str, outcome: Result<(), CallError>) {
    match outcome {
        Ok(()) | Err(CallError::NoLeg | CallError::Stopped) => {}
        Err(e) => tracing::warn!(doing, error = %e, "a leg was not in a state for it"),
    }
}

/// The status of a refusal.
const fn status(why: Why) -> u16 {
    match why {
        Why::NoAnswer | Why::Over | Why::NotConfirmed | Why::NoSound | Why::TooLong | Why::AnsweredElsewhere => 480,
        Why::NotAllowed => 403,
        Why::Stopped => 503,
    }
}

/// The Reason header of a CANCEL or BYE (RFC 3326), where there is one that says more than nothing.
fn reason(why: Why) -> Option<Reason> {
    match why {
        Why::AnsweredElsewhere => Some(Reason::sip(200, "Call completed elsewhere")),
        // 41: temporary failure; 102: recovery on timer expiry (ITU-T Q.850 table 1).
        Why::NoSound => Some(Reason::q850(41)),
        Why::TooLong => Some(Reason::q850(102)),
        Why::Stopped => Some(Reason::sip(503, "")),
        Why::Over | Why::NoAnswer | Why::NotConfirmed | Why::NotAllowed => None,
    }
}
