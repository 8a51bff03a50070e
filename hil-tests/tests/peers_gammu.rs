//! Debian's gammu drives the simulated modem: a stranger's view of its honesty.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use hil_tests::world::{SimModem, peer, run};
use serde_json::json;

/// gammu asks some forty commands and waits between tries.
const LIMIT: Duration = Duration::from_secs(90);

fn gammu(dir: &Path, arguments: &[&str]) -> Result<String> {
    let config = dir.join("gammurc");
    std::fs::write(&config, format!("[gammu]\ndevice = {}\nconnection = at115200\n", dir.join("modem").display()))?;
    let mut command = Command::new(peer("gammu", "gammu")?);
    run(command.env("LC_ALL", "C.UTF-8").arg("-c").arg(&config).args(arguments), LIMIT)
}

#[test]
fn gammu_identifies_the_modem() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let _modem = SimModem::start(dir.path(), &[])?;
    let shown = gammu(dir.path(), &["identify"])?;
    for expected in ["Quectel", "EC25", "001010123456780", "001010123456789"] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    Ok(())
}

#[test]
fn what_gammu_sends_goes_on_air_as_it_was_typed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    let texts = ["Odbior: [A4] {48213} ~ 12,90 \u{20ac}", "Zażółć gęślą jaźń", &"Zamowienie gotowe. ".repeat(20)];
    gammu(dir.path(), &["sendsms", "TEXT", "+48600111222", "-text", texts[0], "-report"])?;
    gammu(dir.path(), &["sendsms", "TEXT", "+48600111333", "-text", texts[1], "-unicode"])?;
    gammu(dir.path(), &["sendsms", "TEXT", "+48600111444", "-text", texts[2], "-len", "400"])?;
    let on_air = modem.control.on_air(0)?;
    let sent = |number: &str| -> Vec<_> { on_air.iter().filter(|message| message["number"] == number).collect() };
    let first = sent("+48600111222")[0];
    assert_eq!((&first["text"], &first["srr"], &first["encoding"]), (&json!(texts[0]), &json!(true), &json!("gsm7")));
    let second = sent("+48600111333")[0];
    assert_eq!((&second["text"], &second["encoding"]), (&json!(texts[1]), &json!("ucs2")));
    let third = sent("+48600111444");
    let whole: String = third.iter().filter_map(|message| message["text"].as_str()).collect();
    assert_eq!((whole.as_str(), third.len()), (texts[2], 3));
    assert_eq!(third[2]["concat"]["part"], 3);
    Ok(())
}

#[test]
fn what_the_network_delivers_gammu_reads_and_puts_together() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut modem = SimModem::start(dir.path(), &[])?;
    let long = "Їжак чекає біля каси №3. ".repeat(5);
    modem.control.deliver("+48600111222", "jestem {pod} [sklepem] ^~\\| \u{20ac}")?;
    modem.control.deliver("+48600111333", &long)?;
    modem.control.deliver("InPost", "nadawca z liter")?;
    let shown = gammu(dir.path(), &["geteachsms"])?;
    for expected in
        ["jestem {pod} [sklepem] ^~\\| \u{20ac}", long.trim(), "\"+48600111222\"", "InPost", "nadawca z liter"]
    {
        assert!(shown.contains(expected), "{expected:?} in {shown}");
    }
    let all = gammu(dir.path(), &["getallsms"])?;
    // One part, two (125 characters of UCS-2), and one.
    assert!(all.contains("4 SMS parts in 4 SMS sequences"), "{all}");
    Ok(())
}
