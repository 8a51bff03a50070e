//! The exchange: takes calls from the store's phones, the trunk and the SIM, gives each a task of its own, and carries
//! events to them. What a call does is [`store_voice::call`]'s to decide, who may call whom [`store_voice::dial`]'s.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gsm_modem::{CallEvent, CallId};
use store_daemon::secrets::random;
use store_daemon::supervisor::Stop;
use store_daemon::wall::monotonic;
use store_daemon::writer::Lane;
use store_sip::{Caller, Event as SipEvent, Leg as SipLeg, Sip, Source};
use store_voice::call::{Call, Callee, Config as CallConfig, Origin, Plan};
use store_voice::dial::{Dialler, Extension, Refused, Target};
use store_voice::sdp::Session;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::lines::Lines;
use super::prompts::Prompts;
use super::record::{Direction, Party, Record};
use super::sim::SimRequest;
use super::task::{Beginning, CallerLeg, INBOX, Task, Told, Way};
use crate::app::{App, quiet_when_superseded};

/// At a stop the calls have so long to say goodbye.
const GOODBYE: Duration = Duration::from_millis(1_500);
/// Between two tries to open the phones' listener.
const START_AGAIN: Duration = Duration::from_secs(5);
/// A SIM without a voice path is not answered: its calls ring out and count as missed.
const RINGS_OUT: Duration = Duration::from_secs(600);

/// The SIP side that was started.
pub type Started = (Sip, mpsc::Receiver<SipEvent>, store_sip::Running);

/// Starts the SIP side, if one is configured. A port that is taken is an alert and no reason to keep the counter closed.
pub async fn open(app: &App) -> Option<Started> {
    let config = sip_config(app)?;
    let listen = config.listen;
    let outcome = store_sip::start(config, random()).await;
    let alerted = match &outcome {
        Ok(_) => app.work(Lane::Work, |desk| desk.clear_alert("sip", "listener")).await,
        Err(e) => {
            let text = format!("the phones' listener {listen} can't be opened: {e}");
            app.work(Lane::Work, move |desk| desk.alert("sip", "listener", &text)).await
        }
    };
    if let Err(e) = quiet_when_superseded(alerted) {
        tracing::warn!(error = %e, "the alert of the phones' listener could not be written");
    }
    outcome.ok()
}

/// Runs the exchange until the stop. Without `[sip]` and without a modem there is nothing to do. `started` is what
/// [`open`] gave; without it the SIP side is started here, again and again.
///
/// # Errors
/// When the SIP side ends by itself; the supervisor starts all of it again.
pub async fn run(app: App, started: Option<Started>, mut stop: Stop) -> anyhow::Result<()> {
    if app.config.calls.sip.is_none() && app.config.modem.is_none() {
        stop.asked().await;
        return Ok(());
    }
    let prompts = prompts_of(&app);
    let started = match started {
        None if app.config.calls.sip.is_some() => match until_started(&app, &mut stop).await {
            None => return Ok(()),
            some => some,
        },
        started => started,
    };
    let (hang_up, asked_to) = oneshot::channel::<()>();
    let (sip, mut events, running) = match started {
        Some((sip, events, running)) => {
            // Both the drop and a fault of this task end it.
            let running = tokio::spawn(running.run(async move { drop(asked_to.await) }));
            (Some(sip), Some(events), Some(running))
        }
        None => (None, None, None),
    };
    app.calls.set_sip(sip.clone());
    warm(&app, &prompts);
    let lines = Arc::new(Lines::new(app.clone(), sip, prompts));
    let mut exchange = Exchange { app: app.clone(), lines, tasks: JoinSet::new(), inboxes: Vec::new() };
    let sim = app.sim.events_in.try_lock();
    let mut sim = sim.context("an earlier run still has the modem's calls")?;
    loop {
        tokio::select! {
            event = next(&mut events) => match event {
                Some(event) => exchange.handle_sip(event).await,
                None => anyhow::bail!("the SIP side ended"),
            },
            Some(event) = sim.recv() => exchange.handle_sim(event),
            Some(_) = exchange.tasks.join_next(), if !exchange.tasks.is_empty() => exchange.lines.sweep().await,
            () = stop.asked() => break,
        }
    }
    exchange.say_goodbye(&mut events).await;
    app.calls.set_sip(None);
    drop(hang_up);
    if let Some(running) = running {
        drop(running.await);
    }
    Ok(())
}

/// `None` when the stop came first.
async fn until_started(app: &App, stop: &mut Stop) -> Option<Started> {
    loop {
        if let Some(started) = open(app).await {
            return Some(started);
        }
        tokio::select! { () = tokio::time::sleep(START_AGAIN) => {}, () = stop.asked() => return None }
    }
}

async fn next(events: &mut Option<mpsc::Receiver<SipEvent>>) -> Option<SipEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

fn prompts_of(app: &App) -> Arc<Prompts> {
    Arc::new(Prompts::new(app.speaker(), app.config.store.name.clone()))
}

fn warm(app: &App, prompts: &Arc<Prompts>) {
    let (prompts, languages) = (Arc::clone(prompts), app.config.calls.voice.languages.clone());
    tokio::spawn(async move { prompts.warm(&languages).await });
}

fn sip_config(app: &App) -> Option<store_sip::Config> {
    let sip = app.config.calls.sip.as_ref()?;
    Some(sip.to_signalling(&format!("store-gateway/{}", env!("CARGO_PKG_VERSION"))))
}

/// What a call gives back when it ends, also when its task fails.
struct Admitted {
    lines: Arc<Lines>,
    /// An emergency call beyond the bound is taken and not counted.
    counts: bool,
    usage: Option<(Extension, Target)>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.counts {
            self.lines.release();
        }
        if let Some((phone, target)) = &self.usage {
            self.lines.end_use(phone, target);
        }
    }
}

struct Exchange {
    app: App,
    lines: Arc<Lines>,
    tasks: JoinSet<()>,
    /// For the goodbye.
    inboxes: Vec<mpsc::Sender<Told>>,
}

/// A call that may begin.
struct Admission {
    origin: Origin,
    plan: Plan,
    direction: Direction,
    number: String,
    admitted: Admitted,
}

impl Exchange {
    async fn handle_sip(&mut self, event: SipEvent) {
        match event {
            SipEvent::Incoming { leg, source, caller, dialled, offer } => {
                if let Err(status) = self.take_sip(leg, source, caller, &dialled, offer).await {
                    self.app.calls.count_refused();
                    self.lines.refuse_with(leg, status).await;
                }
            }
            event => {
                let leg = event.leg();
                self.lines.pass_on(leg, event).await;
            }
        }
    }

    async fn take_sip(
        &mut self,
        leg: SipLeg,
        source: Source,
        caller: Caller,
        dialled: &str,
        offer: Option<Vec<u8>>,
    ) -> Result<(), u16> {
        let admission = self.admit(&source, &caller, dialled)?;
        let offer = offer.map(|offer| Session::parse(&offer)).transpose().map_err(|_| 400_u16)?;
        let media = self.lines.media(source == Source::Trunk).await.map_err(|why| {
            tracing::error!(why, "no sockets for a call");
            503_u16
        })?;
        // What can't be agreed on is refused before anything rings.
        if let Some(offer) = &offer {
            let both = store_voice::sdp::Flow { sends: true, receives: true };
            media.local.answer(offer, both).map_err(|_| 488_u16)?;
        }
        if let Some(sip) = self.app.calls.sip() {
            // A caller that gave up meanwhile is told of as an event.
            sip.progress(leg).await.ok();
        }
        let caller = CallerLeg { way: Way::Sip(leg), media: Some(media), offer };
        let own = self.begin(admission, caller, self.call_config());
        self.lines.route(leg, own);
        Ok(())
    }

    /// Whether a call is taken, and what is to be done with it; the status of the refusal otherwise.
    fn admit(&self, source: &Source, caller: &Caller, dialled: &str) -> Result<Admission, u16> {
        match source {
            Source::Trunk => {
                self.lines.admit_outside().map_err(|_| 486_u16)?;
                let admitted = Admitted { lines: Arc::clone(&self.lines), counts: true, usage: None };
                let number = caller.number.clone().unwrap_or_default();
                Ok(Admission { origin: Origin::Trunk, plan: self.plan(), direction: Direction::In, number, admitted })
            }
            Source::Phone(phone) => {
                let target =
                    self.lines.policy.target(Dialler::Phone(phone), dialled).map_err(|e| refusal_status(&e))?;
                let counts = match self.lines.admit_phone() {
                    Ok(()) => true,
                    Err(_) if matches!(target, Target::Emergency(_)) => false,
                    Err(busy) => {
                        tracing::warn!(%busy, "a store phone's call was refused");
                        return Err(486);
                    }
                };
                let mut admitted = Admitted { lines: Arc::clone(&self.lines), counts, usage: None };
                self.lines.begin_use(phone, &target).map_err(|e| refusal_status(&e))?;
                admitted.usage = Some((phone.clone(), target.clone()));
                let (plan, direction, number) = match target {
                    Target::Menu => (Plan::Menu, Direction::Inside, String::new()),
                    Target::Phone(other) => {
                        (Plan::Connect(vec![Callee::Phone(other)]), Direction::Inside, String::new())
                    }
                    Target::Outside(number) => {
                        let text = number.e164().to_owned();
                        (Plan::Connect(vec![Callee::Outside(number)]), Direction::Out, text)
                    }
                    Target::Emergency(number) => {
                        (Plan::Connect(vec![Callee::Emergency(number.clone())]), Direction::Out, number)
                    }
                };
                Ok(Admission { origin: Origin::Phone(phone.clone()), plan, direction, number, admitted })
            }
        }
    }

    /// What a call from outside meets: the menu, or the phones at once.
    fn plan(&self) -> Plan {
        let voice = &self.app.config.calls.voice;
        match voice.ivr {
            true => Plan::Menu,
            false => Plan::Connect(voice.call.phones.iter().cloned().map(Callee::Phone).collect()),
        }
    }

    fn call_config(&self) -> CallConfig {
        self.app.config.calls.voice.call.clone()
    }

    fn handle_sim(&mut self, event: CallEvent) {
        match event {
            CallEvent::Incoming { call, number } => {
                let number = number.map(|number| number.0).unwrap_or_default();
                if self.take_from_sim(call, number).is_none() {
                    self.app.calls.count_refused();
                    self.lines.ask_sim(SimRequest::HangUp(call));
                }
            }
            CallEvent::MissedWhileBusy { number } => self.missed(number.map(|number| number.0).unwrap_or_default()),
            event => self.lines.pass_on_sim(event),
        }
    }

    fn take_from_sim(&mut self, call: CallId, number: String) -> Option<()> {
        self.lines.admit_outside().ok()?;
        let admitted = Admitted { lines: Arc::clone(&self.lines), counts: true, usage: None };
        let mut config = self.call_config();
        if !self.app.config.sim_voice_is_set() {
            config.answer_after = RINGS_OUT;
        }
        let admission =
            Admission { origin: Origin::Sim, plan: self.plan(), direction: Direction::In, number, admitted };
        let caller = CallerLeg { way: Way::Sim(call), media: None, offer: None };
        let own = self.begin(admission, caller, config);
        if !self.lines.take_sim(call, &own) {
            drop(own.try_send(Told::Stop));
            return None;
        }
        Some(())
    }

    /// A second caller on the SIM heard it busy: written down like any other call that nobody took.
    fn missed(&mut self, number: String) {
        if self.lines.admit_outside().is_err() {
            self.app.calls.count_refused();
            return;
        }
        let admitted = Admitted { lines: Arc::clone(&self.lines), counts: true, usage: None };
        let mut config = self.call_config();
        config.answer_after = RINGS_OUT;
        let admission = Admission { origin: Origin::Sim, plan: Plan::Menu, direction: Direction::In, number, admitted };
        let caller = CallerLeg { way: Way::Elsewhere, media: None, offer: None };
        let own = self.begin(admission, caller, config);
        drop(own.try_send(Told::CallerGone));
    }

    /// Starts a call's task; its inbox.
    fn begin(&mut self, admission: Admission, caller: CallerLeg, config: CallConfig) -> mpsc::Sender<Told> {
        let Admission { origin, plan, direction, number, admitted } = admission;
        let (own, inbox) = mpsc::channel(INBOX);
        let wall = self.app.clock.wall();
        let record = Record {
            id: Uuid::from_bytes(crate::desk::new_id(wall.unix_ms)),
            origin: origin.clone(),
            direction,
            party: Party { number, ..Party::default() },
            began_ms: wall.unix_ms,
            entries: Vec::new(),
            dropped: 0,
        };
        let core = Call::new(config, plan, origin, monotonic());
        let (app, lines) = (self.app.clone(), Arc::clone(&self.lines));
        let task = Task::new(Beginning { app, lines, core, record, caller, inbox, own: own.clone() });
        self.tasks.spawn(async move {
            let admitted = admitted;
            task.run().await;
            drop(admitted);
        });
        self.inboxes.retain(|inbox| !inbox.is_closed());
        self.inboxes.push(own.clone());
        own
    }

    /// Every call hangs up; what its legs answer is still carried to it.
    async fn say_goodbye(&mut self, events: &mut Option<mpsc::Receiver<SipEvent>>) {
        for inbox in self.inboxes.drain(..) {
            drop(inbox.try_send(Told::Stop));
        }
        let until = tokio::time::Instant::now() + GOODBYE;
        while !self.tasks.is_empty() {
            tokio::select! {
                Some(event) = next(events) => {
                    if !matches!(event, SipEvent::Incoming { .. }) {
                        let leg = event.leg();
                        self.lines.pass_on(leg, event).await;
                    }
                }
                Some(_) = self.tasks.join_next() => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        self.tasks.abort_all();
    }
}

/// The status of a refused call.
const fn refusal_status(why: &Refused) -> u16 {
    match why {
        Refused::NoNumber | Refused::NoExtension => 404,
        Refused::NotAllowed | Refused::FromOutside | Refused::TooMany => 403,
        Refused::TooManyAtOnce => 486,
    }
}
