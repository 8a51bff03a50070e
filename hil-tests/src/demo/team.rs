//! The processes of the demo together: started in order, restarted when one dies, stopped in stages.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hil_tests::world::{binary, peer};
use serde_json::{Map, Value};

use super::child::{Plan, Ready, Running};
use super::files::{Folder, Ports};
use super::signals::{Signals, Woken};

/// A debug build on a busy machine takes its time over argon2 and migrations.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// What is asked to stop has this long; the gateway promises five seconds.
const STOP_LIMIT: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(30);
/// A process that ran this long is well again: its backoff begins anew.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// After so many deaths without a well time between them, the demo gives up.
const MOST_DEATHS: u32 = 6;

/// A submission takes about as long as in a real network, and so does its delivery report.
const AIR_MS: &str = "600";
const REPORT_MS: &str = "1500";

/// A receipt printer's pace.
const LINES_PER_S: &str = "60";

/// When a process is stopped: the gateway first, so that its farewell still finds proxy and broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Shop,
    Between,
    Broker,
}

#[derive(Debug)]
struct Member {
    plan: Plan,
    stage: Stage,
    state: State,
    deaths: u32,
}

#[derive(Debug)]
enum State {
    Off,
    Up { running: Running, since: Instant },
    Down { again_at: Instant },
}

/// All processes.
#[derive(Debug)]
pub struct Team {
    members: Vec<Member>,
    logs: PathBuf,
}

impl Team {
    /// Plans the processes; starts none.
    pub fn new(folder: &Folder, ports: &Ports) -> Result<Self> {
        let mosquitto = peer("mosquitto", "mosquitto")?.to_string_lossy().into_owned();
        let broker = vec![mosquitto, "-c".to_owned(), folder.argument("mosquitto.conf")];
        let local = |port: u16| format!("127.0.0.1:{port}");
        let members = vec![
            member("mosquitto", Stage::Broker, Ready::Port(ports.broker), broker),
            member(
                "store-hq",
                Stage::Between,
                Ready::Line,
                own("store-hq", &["run", "--config", &folder.argument("hq.toml")])?,
            ),
            member(
                "cut-proxy",
                Stage::Between,
                Ready::Line,
                own(
                    "cut-proxy",
                    &[
                        "--listen",
                        &local(ports.uplink),
                        "--target",
                        &local(ports.broker),
                        "--control",
                        &local(ports.switch),
                    ],
                )?,
            ),
            member(
                "sim-modem",
                Stage::Between,
                Ready::Line,
                own(
                    "sim-modem",
                    &[
                        "--link",
                        &folder.argument("modem/port"),
                        "--control",
                        &ports.modem.to_string(),
                        "--pcm-link",
                        &folder.argument("modem/sound"),
                        "--sound",
                        &ports.sound.to_string(),
                        "--state",
                        &folder.argument("modem/card.json"),
                        "--air-ms",
                        AIR_MS,
                        "--report-ms",
                        REPORT_MS,
                    ],
                )?,
            ),
            member(
                "sim-printer",
                Stage::Between,
                Ready::Line,
                own(
                    "sim-printer",
                    &[
                        "--tcp",
                        &local(ports.printer),
                        "--control",
                        &ports.printer_control.to_string(),
                        "--out",
                        &folder.argument("till/slips"),
                        "--lines-per-s",
                        LINES_PER_S,
                    ],
                )?,
            ),
            member(
                "store-gateway",
                Stage::Shop,
                Ready::Line,
                own("store-gateway", &["run", "--config", &folder.argument("gateway.toml")])?,
            ),
            member(
                "sim-phone",
                Stage::Shop,
                Ready::Line,
                own(
                    "sim-phone",
                    &[
                        "--modem",
                        &local(ports.modem),
                        "--sound",
                        &local(ports.sound),
                        "--listen",
                        &local(ports.phones),
                        "--state",
                        &folder.argument("modem/phones.json"),
                    ],
                )?,
            ),
            member(
                "sim-till",
                Stage::Shop,
                Ready::Line,
                own(
                    "sim-till",
                    &[
                        "--web",
                        &local(ports.desk),
                        "--printer-control",
                        &ports.printer_control.to_string(),
                        "--slips",
                        &folder.argument("till/slips"),
                        "--scanner-link",
                        &folder.argument("till/scanner"),
                        "--control",
                        &ports.scanner.to_string(),
                    ],
                )?,
            ),
            member(
                "pos-bridge",
                Stage::Shop,
                Ready::Line,
                own("pos-bridge", &["run", "--config", &folder.argument("till.toml")])?,
            ),
        ];
        Ok(Self { members, logs: folder.path("logs") })
    }

    /// Starts all in order. Says so when it was asked to stop in between.
    pub fn start_all(&mut self, signals: &mut Signals) -> Result<Woken> {
        for member in &mut self.members {
            let Some(running) = member.plan.start(&self.logs, signals)? else { return Ok(Woken::Stop) };
            member.state = State::Up { running, since: Instant::now() };
        }
        Ok(Woken::Look)
    }

    /// Notices who died, says so, and restarts them after a wait that doubles. Says so when it was asked to stop meanwhile.
    ///
    /// # Errors
    /// When one dies again and again.
    pub fn look_after(&mut self, signals: &mut Signals) -> Result<Woken> {
        for member in &mut self.members {
            if member.look_after(&self.logs, signals)? == Woken::Stop {
                return Ok(Woken::Stop);
            }
        }
        Ok(Woken::Look)
    }

    /// Stops all, stage after stage; kills what does not stop in time. A second Ctrl-C kills at once.
    pub fn stop(&mut self, signals: &mut Signals) {
        for stage in [Stage::Shop, Stage::Between, Stage::Broker] {
            let members = || self.members.iter();
            members().filter(|member| member.stage == stage).for_each(Member::terminate);
            let end = Instant::now() + STOP_LIMIT;
            while self.members.iter_mut().any(|member| member.stage == stage && member.is_running()) {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() || !matches!(signals.wait(left), Ok(Woken::Look)) {
                    break;
                }
            }
            self.members.iter_mut().filter(|member| member.stage == stage).for_each(Member::end);
        }
    }

    /// Process numbers by name, of those that run.
    pub fn pids(&self) -> Map<String, Value> {
        let running = self.members.iter().filter_map(|member| match &member.state {
            State::Up { running, .. } => Some((member.plan.name.to_owned(), running.pid().into())),
            State::Off | State::Down { .. } => None,
        });
        running.collect()
    }
}

impl Drop for Team {
    /// Whatever went wrong, nothing is left running.
    fn drop(&mut self) {
        self.members.iter_mut().for_each(Member::end);
    }
}

impl Member {
    fn look_after(&mut self, logs: &Path, signals: &mut Signals) -> Result<Woken> {
        let now = Instant::now();
        match &mut self.state {
            State::Off => {}
            State::Up { running, since } => {
                let Some(status) = running.ended()? else { return Ok(Woken::Look) };
                let ran = now.duration_since(*since);
                // The rest of its group goes too, before a new one takes its place.
                running.kill();
                println!("{} ended with {status}; its last words:\n{}", self.plan.name, self.plan.last_words(logs));
                self.died(ran, now)?;
            }
            State::Down { again_at } if now < *again_at => {}
            State::Down { .. } => match self.plan.start(logs, signals) {
                Ok(Some(running)) => {
                    println!("{} runs again", self.plan.name);
                    self.state = State::Up { running, since: Instant::now() };
                }
                Ok(None) => return Ok(Woken::Stop),
                Err(error) => {
                    println!("{error:#}");
                    self.died(Duration::ZERO, Instant::now())?;
                }
            },
        }
        Ok(Woken::Look)
    }

    fn died(&mut self, ran: Duration, now: Instant) -> Result<()> {
        self.deaths = if ran >= WELL_AFTER { 1 } else { self.deaths + 1 };
        if self.deaths >= MOST_DEATHS {
            bail!("{} died {} times in a row; all is stopped", self.plan.name, self.deaths);
        }
        let wait = backoff(self.deaths);
        println!("{} starts again in {} s", self.plan.name, wait.as_secs());
        self.state = State::Down { again_at: now + wait };
        Ok(())
    }

    fn terminate(&self) {
        if let State::Up { running, .. } = &self.state {
            running.terminate();
        }
    }

    fn is_running(&mut self) -> bool {
        match &mut self.state {
            State::Up { running, .. } => matches!(running.ended(), Ok(None)),
            State::Off | State::Down { .. } => false,
        }
    }

    fn end(&mut self) {
        if let State::Up { running, .. } = &mut self.state {
            running.kill();
        }
        self.state = State::Off;
    }
}

fn backoff(deaths: u32) -> Duration {
    let factor = 1_u32 << deaths.saturating_sub(1).min(10);
    (FIRST_BACKOFF * factor).min(LAST_BACKOFF)
}

fn member(name: &'static str, stage: Stage, ready: Ready, command: Vec<String>) -> Member {
    let plan = Plan { name, command, ready, ready_limit: READY_LIMIT };
    Member { plan, stage, state: State::Off, deaths: 0 }
}

fn own(program: &str, arguments: &[&str]) -> Result<Vec<String>> {
    let path = binary(program)?.to_string_lossy().into_owned();
    Ok(std::iter::once(path).chain(arguments.iter().map(|argument| (*argument).to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_before_a_restart_doubles_up_to_half_a_minute() {
        let seconds: Vec<u64> = (1..=7).map(|deaths| backoff(deaths).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
    }
}
