//! What is known of the modem: for the screen, the alerts and the clock.

use gsm_modem::Event;
use gsm_modem::engine::{PauseReason, RecoveryStep, Registration, SimState};
use sans_io::ClockQuality;
use store_daemon::writer::Lane;

use crate::app::{App, ShopError, quiet_when_superseded};
use crate::live::Live;
use crate::messages::outcome::failure_word;
use crate::messages::staff_paused_alert;

/// What a look found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing.
    Nothing,
    /// Somebody has seen to the SIM: go on.
    Resume,
}

/// The alerts of the modem, about the modem or its SIM.
const DOWN: (&str, &str) = ("modem-down", "modem");
const SIM: (&str, &str) = ("modem-sim", "sim");
const FULL: (&str, &str) = ("modem-storage-full", "modem");

/// See the module.
pub(super) struct Health {
    app: App,
    /// Paused until a person clears the alert.
    is_paused: bool,
    /// Whether the alert of a modem that can't send stands; `None` while an earlier run may have left one.
    is_told: Option<bool>,
    /// The alert of a paused SIM may stand from an earlier run.
    may_be_paused: bool,
}

impl Health {
    pub(super) fn new(app: App) -> Health {
        {
            let mut status = app.status.modem();
            status.configured = true;
            status.ready = false;
            "none".clone_into(&mut status.registration);
            status.down_since_ms.get_or_insert(app.clock.wall().unix_ms);
        }
        Health { app, is_paused: false, is_told: None, may_be_paused: true }
    }

    /// The port is gone.
    pub(super) fn lost(&mut self) {
        self.down();
    }

    /// The port can't be opened.
    pub(super) fn missing(&mut self, why: &str) {
        tracing::debug!(why, "the modem's port can't be opened");
        let mut status = self.app.status.modem();
        let is_new = status.paused.as_deref() != Some("port-missing");
        status.paused = Some("port-missing".into());
        drop(status);
        if is_new {
            tracing::warn!(why, "the modem's port can't be opened; trying again");
        }
        self.down();
    }

    fn down(&self) {
        let now = self.app.clock.wall().unix_ms;
        let mut status = self.app.status.modem();
        let was_ready = std::mem::replace(&mut status.ready, false);
        status.down_since_ms.get_or_insert(now);
        drop(status);
        if was_ready {
            self.app.tell(Live::Pill);
        }
    }

    /// A message went out: whatever paused the SIM is over, in an earlier run too.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn sent(&mut self) -> Result<(), ShopError> {
        if !std::mem::take(&mut self.may_be_paused) {
            return Ok(());
        }
        self.clear(staff_paused_alert()).await
    }

    /// Time has passed: raises or clears the alert of a modem that can't send, and looks whether somebody has cleared
    /// the pause.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn look(&mut self) -> Result<Wish, ShopError> {
        self.watch().await?;
        if !self.is_paused {
            return Ok(Wish::Nothing);
        }
        let (kind, about) = staff_paused_alert();
        let stands = self
            .app
            .read(move |db| {
                let mut row =
                    db.prepare_cached("SELECT 1 FROM alert WHERE kind = ?1 AND about = ?2 AND cleared_ms IS NULL")?;
                Ok(row.exists([kind, about])?)
            })
            .await?;
        Ok(if stands { Wish::Nothing } else { Wish::Resume })
    }

    async fn watch(&mut self) -> Result<(), ShopError> {
        let now = self.app.clock.wall().unix_ms;
        let limit_ms = i64::try_from(self.app.config.messages.modem_alert_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let (can_send, since) = {
            let mut status = self.app.status.modem();
            let can_send = status.ready && matches!(status.registration.as_str(), "home" | "roaming");
            if can_send {
                status.down_since_ms = None;
            } else {
                status.down_since_ms.get_or_insert(now);
            }
            (can_send, status.down_since_ms.unwrap_or(now))
        };
        if can_send && self.is_told != Some(false) {
            self.clear(DOWN).await?;
            self.is_told = Some(false);
        } else if !can_send && now - since >= limit_ms && self.is_told != Some(true) {
            self.raise(DOWN, "the modem can't send: see the health page").await?;
            self.is_told = Some(true);
        }
        Ok(())
    }

    async fn raise(&self, alert: (&'static str, &'static str), text: &'static str) -> Result<(), ShopError> {
        let raised = self.app.work(Lane::Work, move |desk| desk.alert(alert.0, alert.1, text)).await;
        quiet_when_superseded(raised)
    }

    async fn clear(&self, alert: (&'static str, &'static str)) -> Result<(), ShopError> {
        let cleared = self.app.work(Lane::Work, move |desk| desk.clear_alert(alert.0, alert.1)).await;
        quiet_when_superseded(cleared)
    }

    /// Takes what the engine says of the modem.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn handle(&mut self, event: Event) -> Result<(), ShopError> {
        match event {
            Event::Ready => self.ready().await?,
            Event::Registration(registration) => {
                self.app.status.modem().registration = registration_word(registration).to_owned();
                tracing::info!(registration = registration_word(registration), "modem registration");
                self.watch().await?;
            }
            Event::Signal(signal) => {
                let mut status = self.app.status.modem();
                status.dbm = signal.dbm;
                status.bars = signal.bars;
            }
            Event::Operator(name) => self.app.status.modem().operator = name,
            Event::Sim(sim) => self.sim(sim).await?,
            Event::NetworkTime { unix_ms } => self.app.clock.learn(ClockQuality::Gsm, unix_ms),
            Event::Identity { model, profile, .. } => {
                tracing::info!(model, profile = profile.as_str(), "modem found");
                self.app.status.modem().model = model;
            }
            Event::Paused(reason) => self.paused(reason).await?,
            Event::Resumed => {
                tracing::info!("the SIM sends again");
                self.is_paused = false;
                self.app.status.modem().paused = None;
                self.app.sending_wake.notify_one();
            }
            Event::Hang { step } => self.hang(step),
            Event::Recovered => tracing::info!("the modem answers again"),
            Event::StorageFull => {
                tracing::warn!("the modem's message storage is full; reading it out");
                self.raise(FULL, "the modem's message storage was full; texts may have come late").await?;
            }
            Event::ReopenPort => tracing::info!("closing the modem's port and opening it again"),
            Event::PowerKey { hold } => {
                tracing::warn!(hold_ms = hold.as_millis(), "the modem wants its power key; none is wired");
            }
            Event::ResetPin { hold } => {
                tracing::warn!(hold_ms = hold.as_millis(), "the modem wants its reset pin; none is wired");
            }
            Event::LastReference { reference } => tracing::debug!(reference, "the SIM's last reference"),
            // The shell's own.
            Event::Call(_)
            | Event::Accepted { .. }
            | Event::Failed { .. }
            | Event::Unknown { .. }
            | Event::LateAccepted { .. }
            | Event::ReferenceCheck { .. }
            | Event::Received { .. }
            | Event::Report { .. }
            | Event::Undecodable { .. } => {}
        }
        self.app.tell(Live::Pill);
        Ok(())
    }

    async fn ready(&mut self) -> Result<(), ShopError> {
        tracing::info!("modem ready");
        {
            let mut status = self.app.status.modem();
            status.ready = true;
            if !self.is_paused {
                status.paused = None;
            }
        }
        self.app.sending_wake.notify_one();
        self.clear(FULL).await?;
        self.watch().await
    }

    fn hang(&mut self, step: RecoveryStep) {
        match step {
            RecoveryStep::Exhausted => {
                tracing::error!("the modem does not answer and no step helped; a person must look")
            }
            step => tracing::warn!(?step, "the modem does not answer"),
        }
        self.app.status.modem().paused = Some("recovering".into());
        self.down();
    }

    async fn sim(&mut self, sim: SimState) -> Result<(), ShopError> {
        let word = sim_word(sim);
        tracing::info!(sim = word, "SIM");
        word.clone_into(&mut self.app.status.modem().sim);
        match sim {
            SimState::Ready => self.clear(SIM).await,
            SimState::Busy => Ok(()),
            SimState::Absent => self.raise(SIM, "there is no SIM card in the modem").await,
            SimState::PinRequired { .. } => {
                self.raise(SIM, "the SIM wants its PIN; it was not entered, or too few tries are left").await
            }
            SimState::PukRequired => self.raise(SIM, "the SIM is locked and wants its PUK").await,
            SimState::Failed => self.raise(SIM, "the SIM card does not work").await,
        }
    }

    async fn paused(&mut self, reason: PauseReason) -> Result<(), ShopError> {
        match reason {
            PauseReason::Sim(sim) => {
                self.app.status.modem().paused = Some(format!("sim-{}", sim_word(sim)));
                Ok(())
            }
            PauseReason::Subscription(cause) => {
                self.is_paused = true;
                self.may_be_paused = true;
                let word = failure_word(cause);
                self.app.status.modem().paused = Some(format!("subscription-{word}"));
                let (kind, about) = staff_paused_alert();
                let text =
                    format!("the network refuses this SIM ({word}); messages wait until somebody has seen to it");
                let raised = self.app.work(Lane::Work, move |desk| desk.alert(kind, about, &text)).await;
                quiet_when_superseded(raised)
            }
        }
    }
}

const fn registration_word(registration: Registration) -> &'static str {
    match registration {
        Registration::None => "none",
        Registration::Searching => "searching",
        Registration::Denied => "denied",
        Registration::Home => "home",
        Registration::Roaming => "roaming",
    }
}

const fn sim_word(sim: SimState) -> &'static str {
    match sim {
        SimState::Ready => "ready",
        SimState::Absent => "absent",
        SimState::Busy => "busy",
        SimState::PinRequired { .. } => "pin",
        SimState::PukRequired => "puk",
        SimState::Failed => "failed",
    }
}
