//! The modem's shell: one task owns the serial port and a `gsm_modem::Engine`, and carries bytes, outcomes and texts
//! between it and the database. What is said to the modem is committed first; what comes from it is committed before
//! the modem may forget it. Nothing here decides what is sent or what an answer means.

mod health;
mod port;

use std::time::Duration;

use anyhow::Context as _;
use gsm_modem::engine::{Unsettled, WaitReason};
use gsm_modem::profile::SoundPath;
use gsm_modem::{Command, Config as EngineConfig, Engine, Event, Key, Output, Private};
use sans_io::Instant;
use store_daemon::secrets::seed;
use store_daemon::supervisor::Stop;
use store_daemon::wall::{monotonic, tokio_instant};
use store_daemon::writer::Lane;
use store_sound::port::Device;

use crate::app::{App, ShopError, go_on};
use crate::desk::Desk;
use crate::messages::{inbound, outcome, sending};
use health::Health;
use port::Port;

/// A stop waits so long for the answer to a submission under way; after that its row stays `submitting` and the next
/// start calls it unknown.
const LAST_ANSWER: Duration = Duration::from_secs(3);
/// Between two tries to write down what the modem said, while the database takes nothing.
const STORAGE_WAIT: Duration = Duration::from_secs(1);
/// With no deadline of the engine's own: how long to sleep.
const IDLE: Duration = Duration::from_secs(3_600);

/// Runs the modem until the stop. Without one configured there is nothing to do.
///
/// # Errors
/// When the database fails; the supervisor starts it again.
pub async fn run(app: App, mut stop: Stop) -> anyhow::Result<()> {
    let Some(config) = app.config.modem.clone() else {
        stop.asked().await;
        return Ok(());
    };
    let unsettled =
        until_committed(&app, &stop, sending::settle_earlier_run).await.context("settling the earlier run")?;
    let engine = Engine::new(engine_config(&config, unsettled), seed(), monotonic());
    let mut shell = Shell {
        port: Port::new(config.port, config.baud),
        health: Health::new(app.clone()),
        app,
        engine,
        wake: None,
        under_way: None,
        may_pick: true,
        stop: stop.clone(),
    };
    shell.run(stop).await
}

/// Writes down what became of something at the modem. While the database takes nothing it tries again: the modem
/// waits, for what it said once is said nowhere else.
async fn until_committed<T, F>(app: &App, stop: &Stop, act: F) -> Result<T, ShopError>
where
    T: Send + 'static,
    F: FnOnce(&mut Desk<'_, '_>) -> Result<T, ShopError> + Clone + Send + 'static,
{
    loop {
        match app.work(Lane::Work, act.clone()).await {
            Err(e) if e.is_passing() && !stop.is_asked() => {
                tracing::warn!(error = %e, "the database takes nothing: the modem waits");
                let mut stop = stop.clone();
                tokio::select! { () = tokio::time::sleep(STORAGE_WAIT) => {}, () = stop.asked() => {} }
            }
            outcome => return outcome,
        }
    }
}

fn engine_config(config: &crate::config::Modem, unsettled: Option<Unsettled>) -> EngineConfig {
    EngineConfig {
        profile: config.profile,
        pin: config.pin.clone().map(Private),
        unsettled,
        prompt: config.prompt,
        submit: config.submit,
        quiet: config.quiet,
        sound: sound_path(config),
        ..EngineConfig::default()
    }
}

/// Which way the modem is to open for a call's sound.
fn sound_path(config: &crate::config::Modem) -> SoundPath {
    match config.voice.as_ref().map(|voice| &voice.device) {
        Some(Device::Tty { .. }) => SoundPath::Tty,
        Some(Device::Card { .. }) => SoundPath::UsbAudio,
        None => SoundPath::default(),
    }
}

struct Shell {
    app: App,
    engine: Engine,
    port: Port,
    health: Health,
    /// The engine's next deadline.
    wake: Option<Instant>,
    /// The submission whose outcome is awaited.
    under_way: Option<u64>,
    /// The queue may hold something since it was last found empty.
    may_pick: bool,
    stop: Stop,
}

impl Shell {
    async fn run(&mut self, mut stop: Stop) -> anyhow::Result<()> {
        let app = self.app.clone();
        let mut requested = app.sim.requested.try_lock().context("an earlier run still has the calls' requests")?;
        let mut look = tokio::time::interval(self.app.config.messages.look());
        let mut give_up: Option<tokio::time::Instant> = None;
        loop {
            self.drain().await?;
            if give_up.is_none() {
                self.submit().await?;
            }
            if give_up.is_some() && self.under_way.is_none() {
                return Ok(());
            }
            let wake = self.wake.map_or_else(|| tokio::time::Instant::now() + IDLE, tokio_instant);
            let end = give_up.unwrap_or_else(|| tokio::time::Instant::now() + IDLE);
            tokio::select! {
                event = self.port.next() => self.handle_port(event),
                () = tokio::time::sleep_until(wake) => self.engine.handle_timeout(monotonic()),
                () = app.sending_wake.notified() => self.may_pick = true,
                Some(request) = requested.recv() => self.engine.handle_command(request.into(), monotonic()),
                _ = look.tick() => self.look().await?,
                () = stop.asked(), if give_up.is_none() => {
                    give_up = Some(tokio::time::Instant::now() + LAST_ANSWER);
                }
                () = tokio::time::sleep_until(end), if give_up.is_some() => {
                    tracing::warn!("stopped while a submission was under way; its outcome is unknown");
                    return Ok(());
                }
            }
        }
    }

    /// What is due by time rather than by an event.
    async fn look(&mut self) -> anyhow::Result<()> {
        self.may_pick = true;
        if go_on("looking at the modem", self.health.look().await)? == Some(health::Wish::Resume) {
            self.engine.handle_command(Command::Resume, monotonic());
        }
        Ok(())
    }

    fn handle_port(&mut self, event: port::PortEvent) {
        let now = monotonic();
        match event {
            port::PortEvent::Opened => {
                tracing::info!(port = %self.port.path().display(), "modem port open");
                self.engine.handle_port_opened(now);
            }
            port::PortEvent::Read(octets) => self.engine.handle_bytes(&octets, now),
            port::PortEvent::Lost(why) => {
                tracing::warn!(port = %self.port.path().display(), why, "modem port lost");
                self.health.lost();
                self.engine.handle_port_closed(now);
            }
            port::PortEvent::Missing(why) => self.health.missing(&why),
        }
    }

    /// Does what the engine says until it waits.
    async fn drain(&mut self) -> anyhow::Result<()> {
        loop {
            match self.engine.poll_output() {
                Output::Transmit(octets) => {
                    if let Err(why) = self.port.write(&octets).await {
                        self.handle_port(port::PortEvent::Lost(why));
                    }
                }
                Output::Event(event) => self.handle(event).await?,
                Output::Wait { until, reason } => {
                    tracing::trace!(reason = ?reason, "the engine waits");
                    self.wake = until;
                    debug_assert!(until.is_some() || reason == WaitReason::Closed);
                    return Ok(());
                }
            }
        }
    }

    /// Gives the modem the next part, when both are ready.
    async fn submit(&mut self) -> anyhow::Result<()> {
        while self.may_pick && self.under_way.is_none() {
            let Some(expected) = self.engine.ready_to_submit() else { return Ok(()) };
            let picked = match self.app.work(Lane::Work, move |desk| sending::pick(desk, expected)).await {
                Err(ShopError::Superseded) => None,
                other => go_on("picking the next message", other).context("picking the next message")?.flatten(),
            };
            let Some(picked) = picked else {
                self.may_pick = false;
                return Ok(());
            };
            self.under_way = Some(picked.token);
            let command =
                Command::Submit { token: picked.token, length: picked.length, hex: picked.hex, more: picked.more };
            self.engine.handle_command(command, monotonic());
            self.drain().await?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Accepted { token, reference } => {
                self.ended(token);
                self.work(move |desk| outcome::accepted(desk, token, reference)).await?;
                go_on("clearing the pause", self.health.sent().await)?;
                Ok(())
            }
            Event::LateAccepted { token, reference } => {
                tracing::info!(token, "the answer to a submission came late");
                self.work(move |desk| outcome::accepted(desk, token, reference)).await
            }
            Event::Failed { token, class, cause } => {
                self.ended(token);
                tracing::warn!(token, ?class, cause = outcome::failure_word(cause), "a submission failed");
                self.work(move |desk| outcome::failed(desk, token, class, cause)).await
            }
            Event::Unknown { token, cause } => {
                self.ended(token);
                let cause = outcome::unknown_word(cause);
                tracing::warn!(token, cause, "nobody knows whether a submission went out");
                self.work(move |desk| outcome::unknown(desk, token, &cause)).await
            }
            Event::ReferenceCheck { token, reference } => {
                tracing::info!(token, ?reference, "the SIM's last reference was compared");
                self.work(move |desk| outcome::reference_check(desk, token, reference)).await
            }
            Event::Report { key, report } => {
                self.work(move |desk| outcome::report(desk, &report)).await?;
                self.stored(key);
                Ok(())
            }
            Event::Received { key, message } => self.received(key, &message).await,
            Event::Call(event) => {
                self.app.sim.tell(event);
                Ok(())
            }
            Event::Undecodable { key, hex, error } => {
                let why = error.to_string();
                self.work(move |desk| inbound::undecodable(desk, &hex, &why)).await?;
                self.stored(key);
                Ok(())
            }
            other => {
                if let Event::ReopenPort = other {
                    self.port.close();
                    self.engine.handle_port_closed(monotonic());
                }
                go_on("noting the modem's state", self.health.handle(other).await)?;
                Ok(())
            }
        }
    }

    async fn received(&mut self, key: Key, message: &gsm_modem::pdu::Deliver) -> anyhow::Result<()> {
        loop {
            match inbound::take(&self.app, message).await {
                Err(e) if e.is_passing() && !self.stop.is_asked() => {
                    tracing::warn!(error = %e, "a text waits in the modem: the database takes nothing");
                    tokio::select! { () = tokio::time::sleep(STORAGE_WAIT) => {}, () = self.stop.asked() => {} }
                }
                outcome => return self.taken(key, outcome),
            }
        }
    }

    fn taken(&mut self, key: Key, outcome: Result<(), ShopError>) -> anyhow::Result<()> {
        match outcome {
            Ok(()) => {
                self.stored(key);
                Ok(())
            }
            // It stays in the modem, which announces it again, until another box or this one may write.
            Err(ShopError::Superseded) => {
                tracing::warn!("a text waits in the modem: this box may not write");
                Ok(())
            }
            Err(e) => Err(e).context("keeping a text that came in"),
        }
    }

    fn stored(&mut self, key: Key) {
        self.engine.handle_command(Command::Stored { key }, monotonic());
    }

    fn ended(&mut self, token: u64) {
        if self.under_way == Some(token) {
            self.under_way = None;
        }
        self.may_pick = true;
    }

    async fn work(
        &self,
        act: impl FnOnce(&mut Desk<'_, '_>) -> Result<(), ShopError> + Clone + Send + 'static,
    ) -> anyhow::Result<()> {
        until_committed(&self.app, &self.stop, act).await.context("writing down what the modem said")
    }
}
