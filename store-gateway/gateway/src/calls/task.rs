//! One call: carries what its legs, the desk and the clock say into a [`Call`], and what that wants back to them. The
//! flow itself is the core's; here are sockets, prompts, rows and the 20 ms tick.

mod describe;
mod incoming;
mod outgoing;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use gsm_modem::{CallEvent, CallId};
use sans_io::Instant;
use shop_model::ids::ReservationId;
use store_daemon::wall::{monotonic, tokio_instant, unix_ms};
use store_sip::{Event as SipEvent, Leg as SipLeg};
use store_voice::Frame;
use store_voice::call::{Call, CodeAnswer, LegId, Token};
use store_voice::frame::TICK;
use store_voice::sdp::{Local, Session};
use store_voice::sound::{Playback, ToneSource};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::leg::Sound;
use super::lines::Lines;
use super::live::{Doing, LiveCall};
use super::lookup::Known;
use super::ports::Pair;
use super::record::{self, Record, What};
use crate::app::App;
use crate::live::Live;

/// What waits for a call's task: keys, answers and ends of its few legs.
pub(super) const INBOX: usize = 64;
/// A clock that fell behind by more than this goes on from now: nobody wants a second of sound at once.
const MOST_LATE: Duration = Duration::from_millis(200);
/// Seconds between 1900, where NTP begins, and 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// What a call's task is told.
pub(super) enum Told {
    /// Of a SIP leg.
    Sip(SipLeg, SipEvent),
    /// Of the SIM's leg.
    Sim(CallEvent),
    /// The modem's voice path is open.
    SimSound(mpsc::Sender<Frame>, mpsc::Receiver<Frame>),
    /// Whose number it is; nothing when it could not be looked up.
    Known(Box<Known>),
    /// What a code was.
    Code(Token, CodeAnswer, Option<ReservationId>),
    /// A line of a prompt; `true` when it was the last.
    Prompt(Token, Arc<[i16]>, bool),
    /// The caller is gone, as nobody else will tell.
    CallerGone,
    /// The box stops.
    Stop,
}

/// How a leg is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By SIP.
    Sip(SipLeg),
    /// By the modem.
    Sim(CallId),
    /// Not at all: it heard us busy.
    Elsewhere,
}

/// The caller's side, as the exchange took it.
pub(super) struct CallerLeg {
    /// How it is reached.
    pub way: Way,
    /// Its sockets and our side of the description; `None` for the SIM.
    pub media: Option<Media>,
    /// The offer, when there was one.
    pub offer: Option<Session>,
}

/// A leg's sockets before its sound begins.
pub(super) struct Media {
    /// Our side of the description.
    pub local: Local,
    /// The sockets.
    pub pair: Pair,
}

/// One leg.
struct Leg {
    id: LegId,
    way: Way,
    /// What the timeline calls it.
    name: String,
    /// Until the sound begins.
    pair: Option<Pair>,
    local: Option<Local>,
    sound: Option<Sound>,
}

/// What is spoken to the caller.
struct Speaking {
    token: Token,
    playback: Playback,
    /// More lines of it come.
    more: bool,
}

/// See the module.
pub(super) struct Task {
    app: App,
    lines: Arc<Lines>,
    core: Call,
    record: Record,
    known: Arc<Known>,
    legs: Vec<Leg>,
    /// The offer of the caller, until it is answered.
    offer: Option<Session>,
    inbox: mpsc::Receiver<Told>,
    own: mpsc::Sender<Told>,
    wake: Option<Instant>,
    speaking: Option<Speaking>,
    tone: Option<ToneSource>,
    bridged: Option<LegId>,
    /// Keys are a code's: the timeline shows none of them.
    secret: bool,
    doing: Doing,
    since_ms: i64,
    stored: Vec<tokio::task::JoinHandle<()>>,
    over: bool,
}

/// What a call begins with.
pub(super) struct Beginning {
    pub app: App,
    pub lines: Arc<Lines>,
    pub core: Call,
    pub record: Record,
    pub caller: CallerLeg,
    pub inbox: mpsc::Receiver<Told>,
    pub own: mpsc::Sender<Told>,
}

impl Task {
    pub fn new(beginning: Beginning) -> Self {
        let Beginning { app, lines, core, record, caller, inbox, own } = beginning;
        let (local, pair) = caller.media.map(|media| (media.local, media.pair)).unzip();
        let leg = Leg { id: LegId::CALLER, way: caller.way, name: "caller".to_owned(), pair, local, sound: None };
        let mut task = Self {
            since_ms: record.began_ms,
            app,
            lines,
            core,
            record,
            known: Arc::default(),
            legs: vec![leg],
            offer: caller.offer,
            inbox,
            own,
            wake: None,
            speaking: None,
            tone: None,
            bridged: None,
            secret: false,
            doing: Doing::Ringing,
            stored: Vec::new(),
            over: false,
        };
        let line = record::line(&task.record.origin);
        task.note(What::Began, "", line);
        task
    }

    /// Runs the call to its end. Nothing of it is left then: its legs are gone and its record is written.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        // A tick that came late is made up for: the other side's clock goes on.
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        self.drain().await;
        while !self.over {
            let sounds = self.legs.iter().any(|leg| leg.sound.is_some());
            let wake =
                self.wake.map_or_else(|| tokio::time::Instant::now() + Duration::from_secs(3_600), tokio_instant);
            tokio::select! {
                told = self.inbox.recv() => {
                    if let Some(told) = told {
                        self.handle(told).await;
                    }
                }
                () = receive(&mut self.legs), if sounds => continue,
                at = tick.tick() => {
                    if at.elapsed() > MOST_LATE {
                        tick.reset();
                    }
                    if !self.tick() {
                        continue;
                    }
                }
                () = tokio::time::sleep_until(wake) => self.core.handle_timeout(monotonic()),
            }
            self.drain().await;
        }
        self.app.calls.remove(self.record.id);
        self.app.tell(Live::Calls);
        for stored in std::mem::take(&mut self.stored) {
            drop(stored.await);
        }
    }

    fn note(&mut self, what: What, leg: &str, detail: &str) {
        self.record.note(self.app.clock.wall(), what, leg, detail);
        self.show();
    }

    fn show(&self) {
        let with = self.bridged.and_then(|id| self.leg(id)).map(|leg| leg.name.clone());
        let call = LiveCall { record: self.record.clone(), doing: self.doing, since_ms: self.since_ms, with };
        self.app.calls.put(call);
        self.app.tell(Live::Calls);
    }

    fn go(&mut self, doing: Doing) {
        if self.doing != doing {
            self.doing = doing;
            self.since_ms = self.app.clock.wall().unix_ms;
            self.show();
        }
    }

    fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.id == id)
    }

    fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id == id)
    }

    fn leg_of(&self, way: Way) -> Option<LegId> {
        self.legs.iter().find(|leg| leg.way == way).map(|leg| leg.id)
    }

    fn name_of(&self, id: LegId) -> String {
        self.leg(id).map_or_else(String::new, |leg| leg.name.clone())
    }
}

/// Waits until a leg's sockets had something, and takes it in.
async fn receive(legs: &mut [Leg]) {
    poll_fn(|cx| {
        let mut came = false;
        for sound in legs.iter_mut().filter_map(|leg| leg.sound.as_mut()) {
            came |= sound.poll_receive(cx, monotonic).is_ready();
        }
        if came { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Task {
    /// 20 ms of sound from everybody to everybody; whether the core has to be asked afterwards.
    fn tick(&mut self) -> bool {
        let now = monotonic();
        let frames: Vec<(LegId, Frame)> = self
            .legs
            .iter_mut()
            .filter_map(|leg| leg.sound.as_mut().map(|sound| (leg.id, sound.poll_frame(now))))
            .collect();
        let said = |id: LegId| frames.iter().find(|(of, _)| *of == id).map(|(_, frame)| *frame);
        let (to_caller, played) = match self.bridged {
            Some(other) => (Some(said(other).unwrap_or(Frame::SILENCE)), None),
            None => self.prompt_frame(),
        };
        let caller = said(LegId::CALLER).unwrap_or(Frame::SILENCE);
        for leg in &mut self.legs {
            let Some(sound) = &mut leg.sound else { continue };
            let frame = match leg.id {
                LegId::CALLER => to_caller,
                id if self.bridged == Some(id) => Some(caller),
                // Not bridged yet, or not any more: the line is kept open.
                _ => Some(Frame::SILENCE),
            };
            sound.send(frame.as_ref(), ntp_now, now);
        }
        if let Some(token) = played {
            self.speaking = None;
            self.core.handle_prompt_done(token, now);
        }
        let ids: Vec<LegId> = self.legs.iter().map(|leg| leg.id).collect();
        let mut any = played.is_some();
        for id in ids {
            any |= self.heard(id, now);
        }
        any
    }

    /// What the caller hears of us, and the prompt that is over with it.
    fn prompt_frame(&mut self) -> (Option<Frame>, Option<Token>) {
        if let Some(speaking) = &mut self.speaking {
            return match speaking.playback.poll_frame() {
                Some(frame) => (Some(frame), None),
                None if speaking.more => (Some(Frame::SILENCE), None),
                None => (Some(Frame::SILENCE), Some(speaking.token)),
            };
        }
        let frame = self.tone.as_mut().map_or(Frame::SILENCE, ToneSource::poll_frame);
        (Some(frame), None)
    }
}

/// The wall clock as NTP writes it (RFC 3550 §4): seconds since 1900 and their fraction.
fn ntp_now() -> u64 {
    let ms = u64::try_from(unix_ms()).unwrap_or(0);
    let (seconds, rest) = (ms / 1_000 + NTP_EPOCH, ms % 1_000);
    (seconds << 32) | ((rest << 32) / 1_000)
}
