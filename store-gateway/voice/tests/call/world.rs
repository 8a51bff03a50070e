//! A world for one call: it keeps the legs as a SIP shell would and holds every output against what is allowed.

use std::collections::BTreeMap;
use std::time::Duration;

use sans_io::Instant;
use shop_model::code::PickupCode;
use shop_model::ids::OrderNumber;
use shop_model::language::Language;
use store_voice::call::{
    Call, Callee, CodeAnswer, Config, Ended, Fact, Found, LegId, Origin, Output, Plan, Question, Token, WaitReason,
};
use store_voice::dial::Extension;
use store_voice::dtmf::Digit;
use store_voice::say::{Line, Stage, Status};

/// Where a leg stands, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Rings: at the caller's, or a phone.
    Ringing,
    /// Answered by us, or by a phone.
    Up,
    /// Told to go.
    Leaving,
}

/// More outputs than this for one input is a loop.
const MOST_OUTPUTS: usize = 80;

pub struct World {
    pub call: Call,
    pub now: Instant,
    pub legs: BTreeMap<LegId, Leg>,
    pub rung: BTreeMap<LegId, Callee>,
    pub bridged: Option<LegId>,
    pub played: Vec<(Token, Language, Vec<Line>)>,
    /// What the caller hears: the prompt that has not ended.
    pub playing: Option<Token>,
    pub tone: bool,
    pub asked: Vec<(Token, Question)>,
    pub ended: Option<Ended>,
    pub here: bool,
    pub over: bool,
    pub sent_digits: String,
    pub removed: Vec<LegId>,
    pub wait: (Option<Instant>, WaitReason),
}

pub fn extension(text: &str) -> Extension {
    Extension::parse(text).unwrap()
}

pub fn phone(text: &str) -> Callee {
    Callee::Phone(extension(text))
}

pub fn config() -> Config {
    Config { phones: vec![extension("101"), extension("102"), extension("103")], ..Config::default() }
}

pub fn status(order: &str, stage: Stage) -> Status {
    Status { order: OrderNumber::parse(order).unwrap(), stage, due: None }
}

pub fn ready_order() -> Found {
    let orders = vec![status("17", Stage::Ready(None))];
    Found { language: Some(Language::Uk), orders, total: 1, ready: true }
}

impl World {
    pub fn new(config: Config, plan: Plan, origin: Origin) -> Self {
        let now = Instant::from_millis(1_000);
        let mut world = Self {
            call: Call::new(config, plan, origin, now),
            now,
            legs: BTreeMap::from([(LegId::CALLER, Leg::Ringing)]),
            rung: BTreeMap::new(),
            bridged: None,
            played: Vec::new(),
            playing: None,
            tone: false,
            asked: Vec::new(),
            ended: None,
            here: false,
            over: false,
            sent_digits: String::new(),
            removed: Vec::new(),
            wait: (None, WaitReason::Ended),
        };
        world.drain();
        world
    }

    /// A call from the SIM that the menu has answered and greeted.
    pub fn greeted(config: Config, found: Found) -> Self {
        let mut world = Self::new(config, Plan::Menu, Origin::Sim);
        world.found(found);
        world.answered(LegId::CALLER);
        world
    }

    pub fn answered(&mut self, leg: LegId) {
        self.call.handle_answered(leg, self.now);
        if leg != LegId::CALLER && self.legs.get(&leg) == Some(&Leg::Ringing) {
            self.legs.insert(leg, Leg::Up);
        }
        self.drain();
    }

    pub fn gone(&mut self, leg: LegId) {
        self.legs.remove(&leg);
        if leg == LegId::CALLER || self.bridged == Some(leg) {
            self.bridged = None;
        }
        if leg == LegId::CALLER {
            (self.playing, self.tone) = (None, false);
        }
        self.call.handle_gone(leg, self.now);
        self.drain();
    }

    pub fn dead(&mut self, leg: LegId) {
        self.call.handle_dead(leg, self.now);
        self.drain();
    }

    pub fn stop(&mut self) {
        self.call.handle_stop(self.now);
        self.drain();
    }

    pub fn press_on(&mut self, leg: LegId, sign: char) {
        self.call.handle_digit(leg, Digit::from_char(sign).unwrap(), self.now);
        self.drain();
    }

    pub fn press(&mut self, signs: &str) {
        signs.chars().for_each(|sign| self.press_on(LegId::CALLER, sign));
    }

    pub fn found(&mut self, found: Found) {
        self.call.handle_found(found, self.now);
        self.drain();
    }

    pub fn code(&mut self, token: Token, answer: CodeAnswer) {
        self.call.handle_code(token, answer, self.now);
        self.drain();
    }

    pub fn prompt_done(&mut self) {
        if let Some(token) = self.playing.take() {
            self.call.handle_prompt_done(token, self.now);
            self.drain();
        }
    }

    /// Time goes on to the next deadline.
    pub fn timeout(&mut self) {
        if let Some(until) = self.wait.0 {
            self.now = self.now.max(until);
            self.call.handle_timeout(self.now);
            self.drain();
        }
    }

    pub fn after(&mut self, time: Duration) {
        self.now += time;
        self.call.handle_timeout(self.now);
        self.drain();
    }

    /// All legs that were told to go confirm it.
    pub fn all_leave(&mut self) {
        let leaving: Vec<LegId> = self.legs.iter().filter(|(_, s)| **s == Leg::Leaving).map(|(l, _)| *l).collect();
        leaving.into_iter().for_each(|leg| self.gone(leg));
    }

    pub fn last_lines(&self) -> &[Line] {
        &self.played.last().expect("something was played").2
    }

    pub fn last_code(&self) -> (Token, PickupCode) {
        match self.asked.last() {
            Some((token, Question::Code(code))) => (*token, *code),
            other => panic!("no code was asked about, but {other:?}"),
        }
    }

    pub fn leg(&self, name: &str) -> LegId {
        *self.rung.iter().find(|(_, callee)| **callee == phone(name)).expect("the phone rings").0
    }

    fn drain(&mut self) {
        for _ in 0..MOST_OUTPUTS {
            match self.call.poll_output() {
                Output::Wait { until, reason } => {
                    assert_eq!(until.is_none(), self.over, "only an ended call waits for nothing");
                    self.wait = (until, reason);
                    return;
                }
                output => self.obey(output),
            }
        }
        panic!("the outputs never end");
    }

    fn obey(&mut self, output: Output) {
        assert!(!self.over, "an ended call says {output:?}");
        let caller = self.legs.get(&LegId::CALLER).copied();
        match output {
            Output::Answer => self.move_leg(LegId::CALLER, Leg::Ringing, Leg::Up),
            Output::Refuse { .. } => self.move_leg(LegId::CALLER, Leg::Ringing, Leg::Leaving),
            Output::Ring { leg, callee } => {
                assert!(self.rung.insert(leg, callee).is_none() && leg != LegId::CALLER, "a leg's name comes twice");
                self.legs.insert(leg, Leg::Ringing);
            }
            Output::Cancel { leg, .. } => {
                assert_ne!(leg, LegId::CALLER);
                self.move_leg(leg, Leg::Ringing, Leg::Leaving);
            }
            // A phone that answered while it was cancelled is told twice.
            Output::HangUp { leg, .. } if self.legs.get(&leg) == Some(&Leg::Leaving) => assert_ne!(leg, LegId::CALLER),
            Output::HangUp { leg, .. } => {
                self.move_leg(leg, Leg::Up, Leg::Leaving);
                self.bridged = self.bridged.filter(|with| *with != leg && leg != LegId::CALLER);
            }
            Output::Remove(leg) => {
                assert_eq!(self.legs.remove(&leg), Some(Leg::Leaving), "only what was told to go is given up");
                self.removed.push(leg);
            }
            Output::Bridge { leg } => {
                assert_eq!(self.bridged.replace(leg), None, "two phones were bridged");
                assert_eq!(
                    (caller, self.legs.get(&leg)),
                    (Some(Leg::Up), Some(&Leg::Up)),
                    "a bridge of what is not up"
                );
                assert!(self.playing.is_none() && !self.tone, "a prompt plays into a talk");
            }
            Output::Play { token, language, lines } => {
                assert_eq!(caller, Some(Leg::Up), "nobody hears {lines:?}");
                assert!(self.playing.is_none() && !self.tone, "two prompts at a time");
                assert!(!lines.is_empty() && lines.len() <= 8);
                self.playing = Some(token);
                self.played.push((token, language, lines));
            }
            Output::Tone(_) => {
                assert!(caller == Some(Leg::Up) && self.playing.is_none() && !self.tone);
                self.tone = true;
            }
            Output::Silence => (self.playing, self.tone) = (None, false),
            Output::SendDigit { leg, digit } => {
                assert!(self.bridged.is_some_and(|with| leg == with || leg == LegId::CALLER));
                self.sent_digits.push(digit.sign());
            }
            Output::LookUp { token, question } => self.asked.push((token, question)),
            Output::Store(Fact::Ended(ended)) => assert_eq!(self.ended.replace(ended), None, "a call ends once"),
            Output::Store(Fact::Here) => assert!(!std::mem::replace(&mut self.here, true), "told twice"),
            Output::Ended => {
                assert!(self.legs.is_empty(), "legs are left: {:?}", self.legs);
                assert!(self.ended.is_some(), "the facts were not told");
                self.over = true;
            }
            Output::Wait { .. } => unreachable!("drained"),
        }
    }

    fn move_leg(&mut self, leg: LegId, from: Leg, to: Leg) {
        assert_eq!(self.legs.insert(leg, to), Some(from), "leg {leg:?} to {to:?}");
    }
}
