//! Session descriptions of a call's legs: offers, answers, hold.

use sans_io::Instant;
use store_daemon::secrets::seed;
use store_daemon::wall::monotonic;
use store_sip::Leg as SipLeg;
use store_voice::call::LegId;
use store_voice::sdp::{Direction, Flow, Session};
use store_voice::stream::{self, Stream};

use super::super::leg::Sound;
use super::super::record::What;
use super::{Task, Way};

const BOTH: Flow = Flow { sends: true, receives: true };

impl Task {
    /// The other side's answer to our offer came: its sound begins.
    pub(super) fn agree(&mut self, id: LegId, body: &[u8]) -> Result<(), String> {
        let session = Session::parse(body).map_err(|e| e.to_string())?;
        let config = self.stream_config();
        let leg = self.leg_mut(id).ok_or("the leg is gone")?;
        let local = leg.local.as_ref().ok_or("the leg has no sockets")?;
        let agreed = local.accept(&session, Direction::SendRecv).map_err(|e| e.to_string())?;
        if let Some(pair) = leg.pair.take() {
            let now = monotonic();
            leg.sound = Some(Sound::rtp(pair, Stream::new(config, agreed, seed(), now), now));
        }
        Ok(())
    }

    /// The caller is answered: with an answer to its offer, or with an offer of ours.
    pub(super) fn answer(&mut self) -> Result<(SipLeg, String), String> {
        let config = self.stream_config();
        let offer = self.offer.take();
        let leg = self.leg_mut(LegId::CALLER).ok_or("the caller is gone")?;
        let Way::Sip(sip) = leg.way else { return Err("the caller is no SIP leg".to_owned()) };
        let local = leg.local.as_ref().ok_or("the leg has no sockets")?;
        let Some(offer) = offer else { return Ok((sip, local.offer(Direction::SendRecv).to_string())) };
        let (answer, agreed) = local.answer(&offer, BOTH).map_err(|e| e.to_string())?;
        if let Some(pair) = leg.pair.take() {
            let now = monotonic();
            leg.sound = Some(Sound::rtp(pair, Stream::new(config, agreed, seed(), now), now));
        }
        Ok((sip, answer.to_string()))
    }

    /// A new offer within the call: hold, resumption, another address; or the question for ours.
    pub(super) fn offered(&mut self, id: LegId, offer: Option<&[u8]>, now: Instant) -> Result<String, u16> {
        let name = self.name_of(id);
        let leg = self.leg_mut(id).ok_or(481_u16)?;
        let local = leg.local.as_mut().ok_or(488_u16)?;
        let Some(offer) = offer else { return Ok(local.offer(Direction::SendRecv).to_string()) };
        let offer = Session::parse(offer).map_err(|_| 400_u16)?;
        local.version += 1;
        let (answer, agreed) = local.answer(&offer, BOTH).map_err(|_| 488_u16)?;
        let Some(Sound::Rtp(rtp)) = &mut leg.sound else { return Err(491) };
        let (was, is) = (rtp.stream.agreed().on_hold(), agreed.on_hold());
        rtp.stream.agree(agreed, now);
        match (was, is) {
            (false, true) => self.note(What::Held, &name, ""),
            (true, false) => self.note(What::Resumed, &name, ""),
            _ => {}
        }
        Ok(answer.to_string())
    }

    fn stream_config(&self) -> stream::Config {
        let mut config = stream::Config::default();
        if let Some(sip) = &self.app.config.calls.sip {
            config.watch.dead = sip.no_sound;
        }
        config
    }
}
