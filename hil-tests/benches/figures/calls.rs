//! Calls: set-ups a second with what each costs, and what bridged calls cost in processor time, memory and delay. The
//! store's phones and callers are telephones of the bench's own, in one process beside the gateway.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hil_tests::softphone::{Account, Digest, Phone, State};
use hil_tests::world::binary;

use crate::counter::resident;
use crate::shop::{Gateway, Options, STORE};
use crate::table::{Budget, Samples, Table, rate};

const REALM: &str = "bench.example";
const PASSWORD: &str = "bench";
/// Pairs of phones that call each other at the most.
const PAIRS: usize = 100;
/// Set-ups one after the other, several at a time.
const SET_UPS: usize = 300;
const AT_ONCE: usize = 10;
/// Bridged calls that are measured, and for how long.
const BRIDGED: [usize; 4] = [1, 10, 50, 100];
const MEASURED: Duration = Duration::from_secs(5);
/// How long anything may take.
const SOON: Duration = Duration::from_secs(30);
/// Registrations at once: the gateway counts what one address sends, and all phones here have the same.
const REGISTER_EVERY: Duration = Duration::from_millis(60);

/// All figures of calls.
///
/// # Errors
/// When a call does not do what it should.
pub fn measure(root: &Path, table: &mut Table) -> Result<()> {
    let dir = root.join("calls");
    std::fs::create_dir_all(&dir)?;
    let tables = tables()?;
    let options = Options { tables, ..Options::default() };
    // The broker is not there: calls need none.
    let gateway = Gateway::start(&dir, STORE, "mqtt://127.0.0.1:9", None, &options)?;
    let sip = gateway.listener("sip")?;
    let mut phones = (0..2 * PAIRS).map(|n| registered(n, sip)).collect::<Result<Vec<_>>>()?;
    let pid = gateway.process.pid();
    set_ups(&mut phones, pid, table)?;
    for pairs in BRIDGED {
        bridged(&mut phones[..2 * pairs], pid, table)?;
    }
    Ok(())
}

fn tables() -> Result<String> {
    let mut text = format!(
        "[sip]\nlisten = \"127.0.0.1:0\"\nrealm = \"{REALM}\"\nrtp_ports = \"20000-21999\"\ncalls = 250\nkept_calls = 0\n\
         [voice]\nphones = []\n"
    );
    for n in 0..2 * PAIRS {
        let extension = extension(n);
        let mut child = Command::new(binary("store-gateway")?)
            .args(["sip", "hash", "--extension", &extension, "--realm", REALM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        std::io::Write::write_all(&mut child.stdin.take().context("its input")?, PASSWORD.as_bytes())?;
        text += &String::from_utf8(child.wait_with_output()?.stdout)?;
    }
    Ok(text)
}

fn extension(n: usize) -> String {
    (1_000 + n).to_string()
}

fn registered(n: usize, server: std::net::SocketAddr) -> Result<Phone> {
    let account = Account { user: extension(n), password: PASSWORD.to_owned(), server, digest: Digest::Sha256 };
    let mut phone = Phone::new(account)?;
    std::thread::sleep(REGISTER_EVERY);
    phone.register(3_600)?;
    phone.until("a registration", SOON, |phone| phone.registration() == Some(200))?;
    Ok(phone)
}

/// Processor time that a process has used, in all its threads (proc(5), stat 14 and 15, in hundredths of a second).
fn used(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(") ").context("a process's name")?.1.split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn step(phones: &mut [Phone]) -> Result<()> {
    phones.iter_mut().try_for_each(Phone::step)?;
    std::thread::sleep(Duration::from_millis(1));
    Ok(())
}

fn until(what: &str, phones: &mut [Phone], mut done: impl FnMut(&mut [Phone]) -> Result<bool>) -> Result<()> {
    let end = Instant::now() + SOON;
    while !done(phones)? {
        if Instant::now() > end {
            let states: Vec<_> = phones.iter().map(Phone::state).collect();
            bail!("{what}: not within {SOON:?}: {states:?}");
        }
        step(phones)?;
    }
    Ok(())
}

/// From INVITE, through digest, ringing and answer, to the hang-up, with several under way.
fn set_ups(phones: &mut [Phone], pid: u32, table: &mut Table) -> Result<()> {
    let phones = &mut phones[..2 * AT_ONCE];
    let (mut begun, mut ended) = (0, 0);
    let mut dialled = [None; AT_ONCE];
    let mut took = Samples::default();
    let (before, start) = (used(pid)?, Instant::now());
    until("all set-ups", phones, |phones| {
        for pair in 0..AT_ONCE {
            let [caller, called] = &mut phones[2 * pair..2 * pair + 2] else { bail!("a pair has two") };
            match (caller.state().clone(), called.state().clone()) {
                (State::Idle | State::Ended(_), State::Idle | State::Ended(_)) => {
                    if dialled[pair].take().is_some() {
                        ended += 1;
                    }
                    if begun < SET_UPS {
                        begun += 1;
                        dialled[pair] = Some(Instant::now());
                        caller.dial(&extension(2 * pair + 1))?;
                    }
                }
                (_, State::Ringing(_)) => called.answer()?,
                (State::Talking, State::Talking) => {
                    if let Some(at) = dialled[pair] {
                        took.add(at.elapsed());
                    }
                    caller.hang_up()?;
                }
                _ => {}
            }
        }
        Ok(ended == SET_UPS)
    })?;
    let (time, used) = (start.elapsed(), used(pid)? - before);
    let each = used.as_secs_f64() * 1_000.0 / SET_UPS as f64;
    let measured =
        format!("{:.0}/s, {each:.2} ms of processor each; answer after {}", rate(SET_UPS, time), took.shown());
    table.row("calls: set up (digest, ring, answer, hang up), ten at a time", measured, Budget::None);
    Ok(())
}

/// Pairs that talk both ways at once.
fn bridged(phones: &mut [Phone], pid: u32, table: &mut Table) -> Result<()> {
    let pairs = phones.len() / 2;
    for pair in 0..pairs {
        let [caller, called] = &mut phones[2 * pair..2 * pair + 2] else { bail!("a pair has two") };
        (caller.sound().tone, called.sound().tone) = (Some(440.0), Some(620.0));
        caller.dial(&extension(2 * pair + 1))?;
        until("the answer", &mut phones[..2 * pair + 2], |phones| {
            if matches!(phones[2 * pair + 1].state(), State::Ringing(_)) {
                phones[2 * pair + 1].answer()?;
            }
            Ok(matches!((phones[2 * pair].state(), phones[2 * pair + 1].state()), (State::Talking, State::Talking)))
        })?;
    }
    until("all to hear", phones, |phones| {
        Ok(phones.iter_mut().enumerate().all(|(n, phone)| phone.sound().hears(if n % 2 == 0 { 620.0 } else { 440.0 })))
    })?;
    let (before, start) = (used(pid)?, Instant::now());
    let delays = while_measured(phones)?;
    let share = (used(pid)? - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let memory = resident(pid)?;
    let measured = format!("{share:.1} % of one core, {memory:.1} MiB; RTP to RTP {}", delays.shown());
    let budget = match pairs {
        100 => Budget::Of("≤ one core".into(), (share <= 100.0).into()),
        _ => Budget::None,
    };
    table.row(&format!("calls: {pairs} bridged, both ways"), measured, budget);
    for caller in phones.iter_mut().step_by(2) {
        caller.hang_up()?;
    }
    until("all to end", phones, |phones| Ok(phones.iter().all(|phone| matches!(phone.state(), State::Ended(_)))))
}

/// From a packet's way out at one phone to the sound's arrival at the other: the first caller says nothing for a while,
/// then its tone begins, again and again.
fn while_measured(phones: &mut [Phone]) -> Result<Samples> {
    let mut delays = Samples::default();
    let end = Instant::now() + MEASURED;
    while Instant::now() < end {
        set_tone(phones, None);
        wait(phones, Duration::from_millis(300))?;
        phones[1].sound().heard.samples.clear();
        phones[1].sound().arrived = Some(Vec::new());
        set_tone(phones, Some(440.0));
        let said = Instant::now();
        phones[0].sound().marks = Some(Vec::new());
        let limit = said + Duration::from_secs(2);
        loop {
            ensure!(Instant::now() < limit, "a tone was not heard within 2 s");
            phones.iter_mut().try_for_each(Phone::step)?;
            let sound = phones[1].sound();
            let at = sound.heard.samples.iter().position(|sample| sample.unsigned_abs() > 1_000);
            if let Some(at) = at {
                let heard = sound.arrived.as_ref().and_then(|times| times.get(at / 160)).copied();
                let left = phones[0].sound().marks.as_ref().and_then(|marks| marks.first()).copied();
                if let (Some(heard), Some(left)) = (heard, left) {
                    delays.add(heard.saturating_duration_since(left));
                }
                break;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
    Ok(delays)
}

fn set_tone(phones: &mut [Phone], tone: Option<f64>) {
    phones[0].sound().tone = tone;
}

fn wait(phones: &mut [Phone], time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        step(phones)?;
    }
    Ok(())
}
