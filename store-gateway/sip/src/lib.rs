//! SIP signalling for the shop: the registrar of its phones, the trunk outside, and every call leg between.
//!
//! Decides who may come in ([`Config`]), where each phone is, when a leg is up and when it is gone. Session timers, the
//! protocol's own limits and a cap of legs are kept here, so that no leg outlives its peer. Never looks into a session
//! description and carries no sound: `store_voice` reads one, the gateway carries the other. The gateway's shell is the
//! one that holds a [`Sip`] and reads the [`Event`]s.
//!
//! Within: pure machines (`agent`, `registrar`, `trunk`) that are told the time and the messages, one task that drives
//! them (`run`), and the sockets with the library that repeats messages (`stack`, the only place that knows rsipstack).
//!
//! No name, number, password or message is ever logged from here.

use std::net::SocketAddr;

use store_voice::dial::Extension;
use tokio::sync::mpsc;

mod address;
mod agent;
mod challenge;
mod config;
mod digest;
mod event;
mod gate;
mod link;
mod message;
mod nonce;
mod registrar;
mod run;
mod stack;
mod timer;
mod tokens;
mod trunk;

pub use config::{Config, Phone, Rate, Registrations, Timers, Trunk};
pub use digest::{Algorithm, Ha1, Ha1Error, ha1};
pub use event::{
    CallError, Caller, Dropped, Event, Gone, Leg, OfferId, Protocol, Reason, Registration, Source, Statistics, Target,
    TrunkState,
};
pub use message::Transport;
pub use run::{Running, StartError};

/// Opens the sockets. `nonce_key` is 32 random bytes, new at every start. Nothing happens until [`Running::run`].
///
/// # Errors
/// [`StartError`] when the listener's address cannot be had, or the realm cannot stand in a challenge.
pub async fn start(config: Config, nonce_key: [u8; 32]) -> Result<(Sip, mpsc::Receiver<Event>, Running), StartError> {
    let (door, address, events, running) = run::start(config, nonce_key).await?;
    Ok((Sip { door, address }, events, running))
}

/// The handle of the signalling. All of its calls fail with [`CallError::Stopped`] once it has stopped.
#[derive(Clone)]
pub struct Sip {
    door: run::Door,
    address: SocketAddr,
}

impl Sip {
    /// Where the phones reach us: the same port for UDP and TCP.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells the caller that somebody is rung (180).
    ///
    /// # Errors
    /// [`CallError`] when the leg is gone or answered.
    pub async fn progress(&self, leg: Leg) -> Result<(), CallError> {
        self.door.ask(move |agent, _| agent.progress(leg)).await?
    }

    /// Answers a call (200) with our answer, or with our offer when it carried none. [`Event::Confirmed`] follows.
    ///
    /// # Errors
    /// [`CallError`] when the leg is gone or answered.
    pub async fn answer(&self, leg: Leg, sdp: Vec<u8>) -> Result<(), CallError> {
        self.door.ask(move |agent, _| agent.answer(leg, &sdp)).await?
    }

    /// Refuses a call with a final status; [`Gone::HungUp`] follows. What is no final refusal counts as 480.
    ///
    /// # Errors
    /// [`CallError`] when the leg is gone or answered.
    pub async fn refuse(&self, leg: Leg, status: u16, reason: Option<Reason>) -> Result<(), CallError> {
        self.door.ask(move |agent, _| agent.refuse(leg, status, reason.as_ref())).await?
    }

    /// Calls a phone at all places where it is registered (the first answer wins), or a number over the trunk.
    ///
    /// # Errors
    /// [`CallError`] when the phone or the trunk is not registered, the number is none, or there are too many calls.
    pub async fn call(&self, target: Target, offer: Vec<u8>, caller: Caller) -> Result<Leg, CallError> {
        self.door.ask(move |agent, now| agent.call(&target, &offer, &caller, now)).await?
    }

    /// Ends a leg: CANCEL before the answer, BYE after it. [`Event::Gone`] follows when the other side confirmed it, or
    /// after 32 s at the latest.
    ///
    /// # Errors
    /// [`CallError::NoLeg`] when it is gone already.
    pub async fn hang_up(&self, leg: Leg, reason: Option<Reason>) -> Result<(), CallError> {
        self.door.ask(move |agent, now| agent.hang_up(leg, reason.as_ref(), now)).await?
    }

    /// Forgets a leg at once, without a word to the other side. [`Gone::Removed`] follows.
    ///
    /// # Errors
    /// [`CallError::NoLeg`] when it is gone already.
    pub async fn remove(&self, leg: Leg) -> Result<(), CallError> {
        self.door.ask(move |agent, _| agent.remove(leg)).await?
    }

    /// Answers [`Event::Offered`] with a description, or refuses it with a status. Unanswered, it is refused after 20 s.
    ///
    /// # Errors
    /// [`CallError`] when the leg is gone or the offer is not the one that waits.
    pub async fn answer_offer(
        &self,
        leg: Leg,
        offer_id: OfferId,
        answer: Result<Vec<u8>, u16>,
    ) -> Result<(), CallError> {
        let answer = move |agent: &mut agent::Agent, now| {
            agent.answer_offer(leg, offer_id, answer.as_deref().map_err(|status| *status), now)
        };
        self.door.ask(answer).await?
    }

    /// Offers the other side a changed session; [`Event::Answered`] or [`Event::OfferRefused`] follows.
    ///
    /// # Errors
    /// [`CallError`] when the leg is gone, not up, or another change is under way.
    pub async fn reoffer(&self, leg: Leg, sdp: Vec<u8>) -> Result<(), CallError> {
        self.door.ask(move |agent, _| agent.reoffer(leg, &sdp)).await?
    }

    /// Where the phones are registered; nothing once stopped.
    pub async fn registrations(&self) -> Vec<Registration> {
        self.door.ask(|agent, now| agent.registrations(now)).await.unwrap_or_default()
    }

    /// Whether a phone is registered now.
    pub async fn is_registered(&self, extension: &Extension) -> bool {
        self.registrations().await.iter().any(|registration| registration.extension == *extension)
    }

    /// How the trunk stands.
    pub async fn trunk(&self) -> TrunkState {
        self.door.ask(|agent, now| agent.trunk_state(now)).await.unwrap_or(TrunkState::Off)
    }

    /// What there is now, and what was dropped so far.
    pub async fn statistics(&self) -> Statistics {
        let counted = self.door.ask(|agent, _| agent.statistics()).await.unwrap_or_default();
        self.door.counted(counted)
    }
}
