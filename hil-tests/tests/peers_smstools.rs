//! Debian's smstools drives the simulated modem: it sends with a report and receives.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use hil_tests::world::{Process, SimModem, peer, wait_for};
use serde_json::json;

/// smsd sleeps for seconds between its steps.
const LIMIT: Duration = Duration::from_secs(120);

/// Starts smsd on the modem with its spool in `dir`.
fn smsd(dir: &Path) -> Result<Process> {
    for folder in ["outgoing", "checked", "sent", "failed", "incoming", "report", "phonecalls"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    let at = |name: &str| dir.join(name).display().to_string();
    let config = format!(
        "devices = GSM1\nloglevel = 7\nlogfile = {}\ninfofile = {}\npidfile = {}\noutgoing = {}\nchecked = {}\nsent = {}\n\
         failed = {}\nincoming = {}\nreport = {}\nreceive_before_send = no\nautosplit = 3\ndelaytime = 1\nincoming_utf8 = yes\n\
         [GSM1]\ndevice = {}\nincoming = yes\nreport = yes\nbaudrate = 115200\ninit = AT+CNMI=2,1,0,2,0\n",
        at("smsd.log"),
        at("info"),
        at("pid"),
        at("outgoing"),
        at("checked"),
        at("sent"),
        at("failed"),
        at("incoming"),
        at("report"),
        at("modem"),
    );
    fs::write(dir.join("smsd.conf"), config)?;
    let mut command = Command::new(peer("smsd", "smstools")?);
    Process::spawn("smsd", command.arg("-t").arg(format!("-c{}", at("smsd.conf"))))
}

/// Reads the one file of a folder that holds `text`.
fn file_with(dir: &Path, text: &str) -> Option<String> {
    let files = fs::read_dir(dir).ok()?.flatten();
    files
        .filter_map(|file| fs::read(file.path()).ok())
        .map(|octets| String::from_utf8_lossy(&octets).into_owned())
        .find(|content| content.contains(text))
}

#[test]
fn smsd_sends_with_a_report_and_receives() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    let _smsd = smsd(dir.path())?;
    let log = || fs::read_to_string(dir.path().join("smsd.log")).unwrap_or_default();
    let text = "Odbior [48213]: 12,90 EUR {A4}";
    fs::write(dir.path().join("outgoing/one"), format!("To: 48600111222\nReport: yes\n\n{text}\n"))?;
    modem.events()?.wait("air", LIMIT, |_| true).with_context(log)?;
    let on_air = modem.control.on_air(0)?;
    assert_eq!(on_air[0]["number"], "+48600111222");
    assert_eq!(on_air[0]["text"].as_str().map(str::trim_end), Some(text));
    assert_eq!(on_air[0]["srr"], json!(true));
    let reports = || {
        file_with(&dir.path().join("report"), "Status: 0")
            .or_else(|| file_with(&dir.path().join("incoming"), "SMS STATUS REPORT"))
    };
    wait_for("smsd's delivery report", LIMIT, reports).with_context(log)?;
    modem.control.deliver("+48600111222", "jestem pod sklepem")?;
    let incoming = || file_with(&dir.path().join("incoming"), "jestem pod sklepem");
    let received = wait_for("the received message", LIMIT, incoming).with_context(log)?;
    assert!(received.contains("From: 48600111222"), "{received}");
    Ok(())
}
