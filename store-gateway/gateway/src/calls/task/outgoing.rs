//! What the core wants done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sans_io::Instant;
use shop_model::language::Language;
use store_daemon::wall::monotonic;
use store_daemon::writer::Lane;
use store_voice::call::{Callee, Fact, LegId, Output, Question, Token, Why};
use store_voice::dtmf::Digit;
use store_voice::say::Line;
use store_voice::sound::{Playback, ToneSource};

use super::super::leg::Sound;
use super::super::live::Doing;
use super::super::lookup::{self, Known};
use super::super::record::{self, Record, What};
use super::super::sim::SimRequest;
use super::{Leg, Speaking, Task, Told, Way};
use crate::app::{App, ShopError};

/// Between two tries to write a call down, while the database takes nothing.
const STORE_AGAIN: Duration = Duration::from_secs(2);
/// Tries to write a call down; ten minutes of a full disk.
const STORE_TRIES: u32 = 300;

impl Task {
    pub(super) async fn drain(&mut self) {
        loop {
            match self.core.poll_output() {
                Output::Wait { until, .. } => {
                    self.wake = until;
                    return;
                }
                output => self.act(output).await,
            }
        }
    }

    async fn act(&mut self, output: Output) {
        let now = monotonic();
        match output {
            Output::Answer => self.answer_caller(now).await,
            Output::Refuse { why } => {
                self.go(Doing::Ending);
                match self.leg(LegId::CALLER).map(|leg| leg.way) {
                    Some(Way::Sip(sip)) => self.lines.refuse(sip, why).await,
                    Some(Way::Sim(call)) => self.lines.ask_sim(SimRequest::HangUp(call)),
                    Some(Way::Elsewhere) | None => {}
                }
            }
            Output::Ring { leg, callee } => self.ring(leg, &callee, now).await,
            Output::Cancel { leg, why } | Output::HangUp { leg, why } => self.hang_up(leg, why).await,
            Output::Remove(leg) => {
                if let Some(Way::Sip(sip)) = self.leg(leg).map(|leg| leg.way) {
                    self.lines.remove(sip).await;
                }
                self.close(leg, "removed");
            }
            Output::Bridge { leg } => {
                self.bridged = Some(leg);
                let name = self.name_of(leg);
                self.note(What::Bridged, &name, "");
                self.go(Doing::Talking);
            }
            Output::Play { token, language, lines } => self.play(token, language, lines),
            Output::Tone(cadence) => self.tone = Some(ToneSource::new(cadence)),
            Output::Silence => (self.speaking, self.tone) = (None, None),
            Output::SendDigit { leg, digit } => self.send_digit(leg, digit),
            Output::LookUp { token, question } => self.look_up(token, question),
            Output::Store(fact) => self.store(fact),
            Output::Ended => self.over = true,
            Output::Wait { .. } => {}
        }
    }

    async fn answer_caller(&mut self, now: Instant) {
        self.note(What::Answered, "caller", "");
        self.go(Doing::Menu);
        if let Some(Way::Sim(call)) = self.leg(LegId::CALLER).map(|leg| leg.way) {
            self.lines.ask_sim(SimRequest::Answer(call));
            return;
        }
        match self.answer() {
            Ok((sip, answer)) => self.lines.answer(sip, answer).await,
            Err(why) => {
                tracing::warn!(why, "a caller could not be answered");
                if let Some(Way::Sip(sip)) = self.leg(LegId::CALLER).map(|leg| leg.way) {
                    self.lines.refuse_with(sip, 488).await;
                }
                self.gone(LegId::CALLER, "no-common-sound", now);
            }
        }
    }

    async fn ring(&mut self, id: LegId, callee: &Callee, now: Instant) {
        self.go(Doing::Calling);
        let name = record::callee(callee).to_owned();
        match self.lines.ring(callee, &self.record, &self.own).await {
            Ok((way, media)) => {
                let (local, pair) = media.map(|media| (media.local, media.pair)).unzip();
                self.legs.push(Leg { id, way, name: name.clone(), pair, local, sound: None });
                self.note(What::Rang, &name, "");
            }
            Err(why) => {
                self.note(What::NotRung, &name, &why);
                self.core.handle_gone(id, now);
            }
        }
    }

    async fn hang_up(&mut self, id: LegId, why: Why) {
        if id == LegId::CALLER || self.bridged == Some(id) {
            self.bridged = None;
            self.go(Doing::Ending);
        }
        match self.leg(id).map(|leg| leg.way) {
            Some(Way::Sip(sip)) => self.lines.hang_up(sip, why).await,
            Some(Way::Sim(call)) => self.lines.ask_sim(SimRequest::HangUp(call)),
            Some(Way::Elsewhere) | None => {}
        }
    }

    fn play(&mut self, token: Token, language: Language, lines: Vec<Line>) {
        self.secret = lines.iter().any(|line| matches!(line, Line::AskCode | Line::WrongCode));
        for line in &lines {
            self.note(What::Prompt, "", line.word());
        }
        self.speaking = Some(Speaking { token, playback: Playback::default(), more: true });
        let (own, prompts) = (self.own.clone(), self.lines.prompts());
        tokio::spawn(async move {
            let last = lines.len().saturating_sub(1);
            for (at, line) in lines.iter().enumerate() {
                let sound = prompts.sound(language, line).await;
                if own.send(Told::Prompt(token, sound, at == last)).await.is_err() {
                    return;
                }
            }
        });
    }

    fn send_digit(&mut self, id: LegId, digit: Digit) {
        let Some(leg) = self.leg_mut(id) else { return };
        let passed_on = match (&mut leg.sound, leg.way) {
            (Some(Sound::Rtp(rtp)), _) => rtp.stream.press(digit).is_ok(),
            (_, Way::Sim(call)) => match gsm_modem::Digit::new(digit.sign()) {
                Some(digit) => {
                    self.lines.ask_sim(SimRequest::Digit(call, digit));
                    true
                }
                None => false,
            },
            _ => false,
        };
        if !passed_on {
            tracing::debug!("a key was not passed on: the other side takes no events");
        }
    }

    fn look_up(&mut self, token: Token, question: Question) {
        let (app, own, lines) = (self.app.clone(), self.own.clone(), Arc::clone(&self.lines));
        let number = self.record.party.number.clone();
        tokio::spawn(async move {
            let told = match question {
                Question::Caller => {
                    let known = lookup::caller(&app, number.clone()).await.unwrap_or_else(|e| {
                        tracing::error!(error = %e, "a caller's number could not be looked up");
                        Known { party: record::Party { number, ..Default::default() }, ..Known::default() }
                    });
                    Told::Known(Box::new(known))
                }
                Question::Code(code) => {
                    let (answer, reservation) = lines.try_code(&app, code).await;
                    Told::Code(token, answer, reservation)
                }
            };
            // The call may be over meanwhile.
            drop(own.send(told).await);
        });
    }

    /// Writes a fact down, again and again while the database takes nothing. "Here" follows "ended" in order.
    fn store(&mut self, fact: Fact) {
        if let Fact::Ended(ended) = &fact {
            self.note(What::Ended, "", record::outcome(ended.outcome));
        }
        let (app, record, known) = (self.app.clone(), self.record.clone(), Arc::clone(&self.known));
        let before = self.stored.pop();
        self.stored.push(tokio::spawn(async move {
            if let Some(before) = before {
                drop(before.await);
            }
            write_down(&app, &record, &known, &fact).await;
        }));
    }
}

async fn write_down(app: &App, record: &Record, known: &Arc<Known>, fact: &Fact) {
    for _ in 0..STORE_TRIES {
        let (record, known, fact) = (record.clone(), Arc::clone(known), fact.clone());
        let written = app.work(Lane::Work, move |desk| match fact {
            Fact::Ended(ended) => record::store(desk, &record, &ended),
            Fact::Here => record::here(desk, &known.party, &known.ready),
        });
        match written.await {
            Ok(()) => return,
            Err(e) if e.is_passing() => tokio::time::sleep(STORE_AGAIN).await,
            Err(ShopError::Superseded) => return,
            Err(e) => {
                tracing::error!(error = %e, "a call could not be written down");
                break;
            }
        }
    }
    app.calls.lost.fetch_add(1, Ordering::Relaxed);
}
