//! Texts a minute through a modem that takes no time of its own: ours, a plain loop over the same port, and the peers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hil_tests::world::{HostPort, Mosquitto, Process, SimModem, binary, peer, run, wait_for};
use serde_json::json;

use crate::disk::Probe;
use crate::shop::{Gateway, Hq, Options, STORE, orders};
use crate::stand::{LONG, Screen};
use crate::table::{Budget, Table, millis};

/// Orders of which the paid ones that need one text each are told.
const ORDERS: u64 = 600;
/// Texts of ours.
const OURS: usize = 150;
/// Commits before and after that its budget is counted in.
const PROBES: usize = 100;
/// Texts of the plain loop.
const LOOP: usize = 2_000;
/// Texts of each peer: they take half a second each.
const PEERS: usize = 25;
/// How long peers may take for theirs.
const PEER_LIMIT: Duration = Duration::from_secs(180);
/// DESIGN §10: two commits and this.
const ABOVE: Duration = Duration::from_millis(2);
/// How long the modem's port may take to answer the plain loop.
const ANSWER: Duration = Duration::from_secs(5);
/// As long as a READY in Polish, in GSM-7.
const TEXT: &str = "Sklep Wola: zamowienie 2026/11/00123 czeka do 24.11 20:00. Kod odbioru 482135. Odpisz JESTEM, gdy bedziesz na miejscu.";

/// All of them, with the same modem's simulator started anew for each.
///
/// # Errors
/// When a text does not go out.
pub fn measure(root: &Path, table: &mut Table) -> Result<()> {
    let line = plain_loop(root)?;
    let shown = |each: Duration| format!("{:.0} texts/min, {:.2} ms each", 60.0 / each.as_secs_f64(), millis(each));
    table.row("SMS line: a plain AT+CMGS loop", shown(line), Budget::None);
    for (what, reports) in
        [("SMS: gateway", Reports::Held), ("SMS: gateway, delivery reports coming in", Reports::Come)]
    {
        // Before and after, since the disk of a shared machine changes its pace.
        let mut probe = Probe::new(root)?;
        probe.commits(PROBES)?;
        let each = ours(root, reports)?;
        probe.commits(PROBES)?;
        let most = line + 2 * probe.samples().p50() + ABOVE;
        let budget = match reports {
            Reports::Held => {
                let words = format!("≤ line + 2 commits + 2 ms = {:.2} ms each", millis(most));
                Budget::Of(words, (each <= most).into())
            }
            Reports::Come => Budget::None,
        };
        table.row(what, shown(each), budget);
    }
    table.row("peer: gammu-smsd", shown(gammu_smsd(root)?), Budget::None);
    table.row("peer: smstools", shown(smstools(root)?), Budget::None);
    Ok(())
}

/// What the network does with delivery reports.
#[derive(Debug, Clone, Copy)]
enum Reports {
    /// The handsets are off: what is measured is submission alone.
    Held,
    /// Each text is reported at once, and the report is written down before it is acknowledged.
    Come,
}

/// Waits until `count` texts are on air. Gives the time from the first to the last of them, by the number of steps.
fn pace(modem: &SimModem, count: usize, limit: Duration) -> Result<Duration> {
    let mut events = modem.events()?;
    let first = events.wait("air", limit, |_| true)?;
    let mut last = first.clone();
    for at in 1..count {
        last = events.wait("air", limit, |_| true).with_context(|| format!("{at} of {count} texts went out"))?;
    }
    let at = |event: &serde_json::Value| event["at_ms"].as_u64().context("the time of an event");
    let steps = u32::try_from(count - 1)?;
    Ok(Duration::from_millis(at(&last)?.saturating_sub(at(&first)?)) / steps)
}

/// The pace of somebody who does nothing but send the same text.
fn plain_loop(root: &Path) -> Result<Duration> {
    let dir = tempfile::tempdir_in(root)?;
    let _modem = SimModem::start(dir.path(), &[])?;
    let mut encode = Command::new(binary("store-gateway")?);
    let pdu = run(encode.args(["sms", "encode", "--to", "+48600100813", "--text", TEXT, "--report"]), ANSWER)?;
    let (length, hex) = pdu.trim().split_once(' ').context("a line of LENGTH and HEX")?;
    let mut port = HostPort::open(&dir.path().join("modem"))?;
    for command in ["ATE0", "AT+CMGF=0", "AT+CMMS=2"] {
        port.command(command, ANSWER)?;
    }
    let began = Instant::now();
    for _ in 0..LOOP {
        port.write(format!("AT+CMGS={length}\r").as_bytes())?;
        port.until("> ", ANSWER)?;
        port.write(format!("{hex}\u{1a}").as_bytes())?;
        port.until("\r\nOK\r\n", ANSWER)?;
    }
    Ok(began.elapsed() / u32::try_from(LOOP)?)
}

/// The gateway with its queue full before it finds the modem.
fn ours(root: &Path, reports: Reports) -> Result<Duration> {
    let dir = tempfile::tempdir_in(root)?;
    let broker = Mosquitto::start(dir.path())?;
    let hq = Hq::start(dir.path(), &broker.url())?;
    let link = dir.path().join("modem");
    let gateway = Gateway::start(dir.path(), STORE, &broker.url(), Some(&link), &Options::default())?;
    gateway.wait_online(true)?;
    let orders = orders(1, ORDERS);
    // Ukrainian needs UCS-2 and with it more parts; what is counted is texts of one part.
    let told: Vec<_> =
        orders.iter().filter(|o| o.kind == "prepaid" && o.customer.language != "uk").take(OURS).collect();
    ensure!(told.len() == OURS, "{} orders to tell of", told.len());
    for order in &told {
        let (status, answer) = hq.post("orders", &serde_json::to_value(order)?)?;
        ensure!(status == 201, "placing: {status} {answer}");
    }
    gateway.wait_order(&told[OURS - 1].order, |_| true)?;
    let screen = Screen::of(&gateway);
    for order in &told {
        screen.stage(&order.order, "A1")?;
    }
    let queued = format!("store_messages{{state=\"queued\"}} {OURS}");
    wait_for("all texts to be queued", LONG, || {
        gateway.plain("/metrics").ok()?.1.as_str()?.lines().any(|line| line == queued).then_some(())
    })?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    if matches!(reports, Reports::Held) {
        modem.control.ask(&json!({"do": "reports", "rule": {"policy": "hold"}}))?;
    }
    let each = pace(&modem, OURS, LONG)?;
    let parts = modem.control.on_air(0)?;
    ensure!(parts.iter().all(|part| part["concat"].is_null()), "a text had more than one part");
    Ok(each)
}

/// Debian's smstools with its spool full before it starts; the pauses that its configuration allows are at their least.
fn smstools(root: &Path) -> Result<Duration> {
    let dir = tempfile::tempdir_in(root)?;
    let modem = SimModem::start(dir.path(), &[])?;
    let at = |name: &str| dir.path().join(name).display().to_string();
    let mut config =
        String::from("devices = GSM1\nloglevel = 4\nautosplit = 3\ndelaytime = 0\nreceive_before_send = no\n");
    for folder in ["outgoing", "checked", "sent", "failed", "incoming", "report"] {
        fs::create_dir_all(dir.path().join(folder))?;
        config.push_str(&format!("{folder} = {}\n", at(folder)));
    }
    config.push_str(&format!("logfile = {}\ninfofile = {}\npidfile = {}\n", at("log"), at("info"), at("pid")));
    config.push_str(&format!("[GSM1]\ndevice = {}\nincoming = no\nreport = yes\nbaudrate = 115200\n", at("modem")));
    fs::write(dir.path().join("smsd.conf"), config)?;
    for number in 0..PEERS {
        let text = format!("To: 486001008{number:02}\nReport: yes\n\n{TEXT}\n");
        fs::write(dir.path().join(format!("outgoing/{number:03}")), text)?;
    }
    let mut command = Command::new(peer("smsd", "smstools")?);
    let _smsd = Process::spawn("smsd", command.arg("-t").arg(format!("-c{}", at("smsd.conf"))))?;
    pace(&modem, PEERS, PEER_LIMIT)
}

/// Debian's gammu-smsd with its outbox full before it starts; no pause between its looks at the outbox.
fn gammu_smsd(root: &Path) -> Result<Duration> {
    let dir = tempfile::tempdir_in(root)?;
    let modem = SimModem::start(dir.path(), &[])?;
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = dir.path().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let mut config = format!("[gammu]\ndevice = {}\nconnection = at115200\n", dir.path().join("modem").display());
    config.push_str("[smsd]\nservice = files\nlogfile = stderr\ndebuglevel = 0\nCommTimeout = 1\nLoopSleep = 0\n");
    config.push_str(
        "DeliveryReport = sms\nCheckSecurity = 0\nCheckBattery = 0\nCheckSignal = 0\nCheckNetwork = 0\nReceive = 0\n",
    );
    for (key, name) in
        [("inboxpath", "inbox"), ("outboxpath", "outbox"), ("sentsmspath", "sent"), ("errorsmspath", "error")]
    {
        config.push_str(&format!("{key} = {}/\n", folder(name)?.display()));
    }
    let file = dir.path().join("smsdrc");
    fs::write(&file, config)?;
    let outbox = folder("outbox")?;
    for number in 0..PEERS {
        // OUT<priority><date>_<time>_<serial>_<recipient>_<note>.txt, as its manual says.
        let name = format!("OUTC20260101_000000_{number:02}_+486001008{number:02}_x.txt");
        fs::write(outbox.join(name), TEXT)?;
    }
    let mut command = Command::new(peer("gammu-smsd", "gammu-smsd")?);
    let _smsd = Process::spawn("gammu-smsd", command.env("LC_ALL", "C.UTF-8").arg("-c").arg(&file))?;
    pace(&modem, PEERS, PEER_LIMIT)
}
