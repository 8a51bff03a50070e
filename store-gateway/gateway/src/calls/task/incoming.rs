//! What comes in: events of legs, answers of the desk, prompts.

use std::sync::Arc;

use gsm_modem::CallEvent;
use sans_io::Instant;
use store_daemon::wall::monotonic;
use store_sip::{Event as SipEvent, Leg as SipLeg};
use store_voice::call::{CodeAnswer, LegId, Token, Why};
use store_voice::dtmf::{Digit, Via};
use store_voice::stream::Heard;
use store_voice::watch::Sound as Liveliness;

use super::super::leg::Sound;
use super::super::record::What;
use super::{Task, Told, Way};

impl Task {
    pub(super) async fn handle(&mut self, told: Told) {
        let now = monotonic();
        match told {
            Told::Sip(leg, event) => self.handle_sip(leg, event).await,
            Told::Sim(event) => self.handle_sim(event),
            Told::SimSound(to, from) => {
                if let Some(leg) = self.legs.iter_mut().find(|leg| matches!(leg.way, Way::Sim(_))) {
                    leg.sound = Some(Sound::modem(to, from));
                }
            }
            Told::Known(known) => {
                self.note(What::Found, "", &known.found.total.to_string());
                self.record.party = known.party.clone();
                self.core.handle_found(known.found.clone(), now);
                self.known = Arc::from(known);
            }
            Told::Code(token, answer, reservation) => {
                let word = match &answer {
                    CodeAnswer::Right(_) => "right",
                    CodeAnswer::Wrong => "wrong",
                    CodeAnswer::Locked => "locked",
                };
                self.note(What::Code, "", word);
                self.record.party.reservation = self.record.party.reservation.or(reservation);
                self.core.handle_code(token, answer, now);
            }
            Told::Prompt(token, sound, last) => self.handle_prompt(token, sound, last),
            Told::CallerGone => self.gone(LegId::CALLER, "busy", now),
            Told::Stop => self.core.handle_stop(now),
        }
    }

    async fn handle_sip(&mut self, sip: SipLeg, event: SipEvent) {
        let Some(id) = self.leg_of(Way::Sip(sip)) else { return };
        let now = monotonic();
        match event {
            SipEvent::Answered { body, .. } => match self.agree(id, &body) {
                Ok(()) => self.picked_up(id, now),
                Err(why) => {
                    self.note(What::NotRung, &self.name_of(id), &why);
                    self.lines.hang_up(sip, Why::Over).await;
                    self.gone(id, "no-common-sound", now);
                }
            },
            SipEvent::Confirmed { body, .. } => {
                // With our offer in the answer, the ACK brings theirs.
                let late = self.leg(id).is_some_and(|leg| leg.sound.is_none());
                let agreed = if late { self.agree(id, body.as_deref().unwrap_or_default()) } else { Ok(()) };
                match agreed {
                    Ok(()) => self.core.handle_answered(id, now),
                    Err(why) => {
                        self.note(What::NotRung, &self.name_of(id), &why);
                        self.lines.hang_up(sip, Why::Over).await;
                        self.gone(id, "no-common-sound", now);
                    }
                }
            }
            SipEvent::Offered { offer, offer_id, .. } => {
                let answer = self.offered(id, offer.as_deref(), now);
                self.lines.answer_offer(sip, offer_id, answer).await;
            }
            SipEvent::Info { content_type, body, .. } => {
                let text = String::from_utf8_lossy(&body);
                if content_type.to_ascii_lowercase().starts_with("application/dtmf")
                    && let Some(digit) = Digit::from_info(&text)
                    && let Some(sound) = self.leg_mut(id).and_then(|leg| leg.sound.as_mut())
                {
                    sound.handle_digit(digit, Via::Info, now);
                    self.heard(id, now);
                }
            }
            SipEvent::Gone { why, .. } => self.gone(id, &gone_word(why), now),
            SipEvent::Incoming { .. } | SipEvent::Ringing { .. } | SipEvent::OfferRefused { .. } => {}
        }
    }

    fn handle_sim(&mut self, event: CallEvent) {
        let Some(id) = self.legs.iter().find(|leg| matches!(leg.way, Way::Sim(_))).map(|leg| leg.id) else { return };
        let now = monotonic();
        match event {
            CallEvent::Connected { .. } => {
                self.lines.open_sim_sound(self.own.clone());
                if id == LegId::CALLER {
                    self.core.handle_answered(id, now);
                } else {
                    self.picked_up(id, now);
                }
            }
            CallEvent::Digit { digit, .. } => {
                let digit = Digit::from_char(digit.as_char());
                if let (Some(digit), Some(sound)) = (digit, self.leg_mut(id).and_then(|leg| leg.sound.as_mut())) {
                    sound.handle_digit(digit, Via::Modem, now);
                    self.heard(id, now);
                }
            }
            CallEvent::NoSound { .. } => self.note(What::Silent, &self.name_of(id), "no-path"),
            CallEvent::Ended { why, .. } => {
                self.lines.sim_ended();
                self.gone(id, sim_end_word(why), now);
            }
            CallEvent::NotPossible { .. } => {
                self.lines.sim_ended();
                self.gone(id, "not-possible", now);
            }
            CallEvent::Incoming { .. } | CallEvent::Alerting { .. } | CallEvent::MissedWhileBusy { .. } => {}
        }
    }

    fn picked_up(&mut self, id: LegId, now: Instant) {
        let name = self.name_of(id);
        self.note(What::PickedUp, &name, "");
        self.core.handle_answered(id, now);
    }

    fn handle_prompt(&mut self, token: Token, sound: Arc<[i16]>, last: bool) {
        let Some(speaking) = self.speaking.as_mut().filter(|speaking| speaking.token == token) else { return };
        if speaking.playback.push(sound).is_err() {
            tracing::warn!("a prompt of too many lines was cut");
        }
        speaking.more = !last;
    }

    /// What a leg told beside its sound.
    pub(super) fn heard(&mut self, id: LegId, now: Instant) -> bool {
        let mut any = false;
        while let Some(heard) = self.leg_mut(id).and_then(|leg| leg.sound.as_mut()).and_then(|s| s.poll_heard(now)) {
            any = true;
            let name = self.name_of(id);
            match heard {
                // Across a bridge the sound carries its tones by itself.
                Heard::Digit(_, Via::Tone) if self.bridged.is_some() => {}
                Heard::Digit(digit, via) => {
                    let sign = if self.secret { '•' } else { digit.sign() };
                    self.note(What::Key, &name, &format!("{sign} {}", via_word(via)));
                    self.core.handle_digit(id, digit, now);
                }
                Heard::Sound(Liveliness::Alive) => self.note(What::Heard, &name, ""),
                Heard::Sound(Liveliness::Missing) => self.note(What::Silent, &name, "no-packets"),
                Heard::Sound(Liveliness::Flat) => self.note(What::Silent, &name, "flat"),
                Heard::Sound(Liveliness::Dead) => {
                    self.note(What::Silent, &name, "dead");
                    self.core.handle_dead(id, now);
                }
            }
        }
        any
    }

    /// A leg ended, whoever ended it.
    pub(super) fn gone(&mut self, id: LegId, why: &str, now: Instant) {
        self.close(id, why);
        self.core.handle_gone(id, now);
    }

    /// Closes a leg's sound and takes it from the list.
    pub(super) fn close(&mut self, id: LegId, why: &str) {
        let Some(at) = self.legs.iter().position(|leg| leg.id == id) else { return };
        let leg = self.legs.remove(at);
        if let Way::Sip(sip) = leg.way {
            self.lines.forget(sip);
        }
        if let Some(sound) = &leg.sound {
            let s = sound.statistics();
            let detail = format!(
                "received={} lost={} jitter_ms={} concealed={} sent={} refused={} lost_there={}",
                s.received,
                s.lost,
                s.jitter.as_millis(),
                s.concealed,
                s.sent,
                s.refused,
                s.lost_there.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            );
            self.note(What::Sound, &leg.name, &detail);
        }
        self.note(What::Gone, &leg.name, why);
    }
}

/// Why a SIP leg ended, in the timeline's words.
fn gone_word(why: store_sip::Gone) -> std::borrow::Cow<'static, str> {
    use store_sip::Gone;
    match why {
        Gone::Bye => "bye".into(),
        Gone::Cancelled => "cancelled".into(),
        Gone::HungUp => "hung-up".into(),
        Gone::Refused(status) => format!("refused {status}").into(),
        Gone::NoAck => "no-ack".into(),
        Gone::SessionExpired => "session-expired".into(),
        Gone::Unreachable => "unreachable".into(),
        Gone::Overloaded => "overloaded".into(),
        Gone::Removed => "removed".into(),
    }
}

const fn sim_end_word(why: gsm_modem::CallEnd) -> &'static str {
    use gsm_modem::CallEnd;
    match why {
        CallEnd::HungUp => "hung-up",
        CallEnd::Remote => "bye",
        CallEnd::Busy => "busy",
        CallEnd::NoAnswer => "no-answer",
        CallEnd::Lost => "lost",
    }
}

const fn via_word(via: Via) -> &'static str {
    match via {
        Via::Event => "event",
        Via::Info => "info",
        Via::Modem => "modem",
        Via::Tone => "tone",
    }
}
