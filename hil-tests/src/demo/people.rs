//! Who may log in to the demo, and the orders that it can hand in. Both go through the same doors as in a shop.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hil_tests::world::binary;
use serde_json::{Value, json};

use super::SIP_REALM;
use super::files::{self, Folder, Memory, Ports};

/// Id, name, role, PIN. The PINs are public: the demo listens on loopback only.
const STAFF: [(&str, &str, &str, &str); 2] = [("anna", "Anna", "clerk", "1357"), ("ewa", "Ewa", "manager", "2468")];
/// Extension, name, password.
const PHONES: [(&str, &str, &str); 2] = [("101", "Lada", "demo-101"), ("102", "Zaplecze", "demo-102")];
const HQ_USER: &str = "demo";
const HQ_NAME: &str = "Demo";
const HQ_PASSWORD: &str = "demo-at-hq-2468";

/// Orders in one request; HQ answers while it reads, and what it answered must fit between the two until it is read.
const ORDERS_A_FILE: usize = 500;
const IMPORT_LIMIT: Duration = Duration::from_secs(120);

/// Adds staff to the gateway's database and a user to HQ's.
pub fn add(folder: &Folder) -> Result<()> {
    let gateway = folder.argument("gateway.toml");
    for (id, name, role, pin) in STAFF {
        let arguments =
            ["staff", "add", "--config", &gateway, "--id", id, "--name", name, "--role", role, "--pin-stdin"];
        tell("store-gateway", &arguments, pin).with_context(|| format!("add {id} to the shop's staff"))?;
    }
    let hq = folder.argument("hq.toml");
    let arguments = ["user", "add", "--config", &hq, "--id", HQ_USER, "--name", HQ_NAME, "--password-stdin"];
    tell("store-hq", &arguments, HQ_PASSWORD).context("add a user to HQ")?;
    Ok(())
}

/// The shop's phones as its configuration names them: by hashes of their passwords.
pub fn phones() -> Result<String> {
    let entry = |(extension, name, password): &(&str, &str, &str)| {
        let arguments = ["sip", "hash", "--extension", extension, "--realm", SIP_REALM, "--digest", "md5"];
        let entry =
            tell("store-gateway", &arguments, password).with_context(|| format!("hash {extension}'s password"))?;
        Ok(format!("{entry}name = \"{name}\"\n\n"))
    };
    PHONES.iter().map(entry).collect()
}

/// How a SIP phone registers.
pub fn phone_logins() -> String {
    PHONES.map(|(extension, name, password)| format!("{extension} ({name}), password {password}")).join("; ")
}

/// Asks HQ for the key that the shop checks its word with.
pub fn hq_key(folder: &Folder) -> Result<String> {
    let hq = folder.argument("hq.toml");
    let key = tell("store-hq", &["key", "--config", &hq], "").context("ask HQ for its key")?;
    Ok(key.trim().to_owned())
}

/// Id and PIN of somebody who may change the store's devices.
pub fn manager() -> (&'static str, &'static str) {
    let [_, (id, _, _, pin)] = STAFF;
    (id, pin)
}

/// Runs a command with one line of input, and returns what it printed.
pub fn tell(program: &str, arguments: &[&str], line: &str) -> Result<String> {
    let mut child = Command::new(binary(program)?)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let mut stdin = child.stdin.take().context("reach its input")?;
    match writeln!(stdin, "{line}") {
        // It did not care to read; how it ended tells whether that was right.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.with_context(|| format!("write to {program}"))?,
    }
    drop(stdin);
    let output = child.wait_with_output().with_context(|| format!("wait for {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    bail!("{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
}

/// Hands `count` orders to HQ's import, and says what HQ answered.
pub fn place_orders(count: u32, ports: &Ports, memory: &Memory) -> Result<String> {
    let orders = files::orders(count.into(), memory)?;
    let lines: Vec<&str> = orders.lines().collect();
    let mut tally = Tally::default();
    for file in lines.chunks(ORDERS_A_FILE) {
        tally.add(&import(file.join("\n"), ports, memory)?)?;
    }
    Ok(tally.to_string())
}

fn import(file: String, ports: &Ports, memory: &Memory) -> Result<String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(IMPORT_LIMIT)).build().into();
    let mut response = agent
        .post(format!("http://127.0.0.1:{}/api/v1/orders/import", ports.hq))
        .header("authorization", format!("Bearer {}", memory.api_key))
        .header("content-type", "application/x-ndjson")
        .send(file)
        .context("hand the orders to HQ")?;
    let status = response.status();
    let answer = response.body_mut().read_to_string().context("read HQ's answer to the orders")?;
    if status.is_success() {
        return Ok(answer);
    }
    bail!("HQ refused the orders with {status}: {answer}");
}

/// What HQ answered, line by line: 201 for a new order, 200 for one that it has.
#[derive(Debug, Default)]
struct Tally {
    new: u32,
    known: u32,
    refused: u32,
    first_refusal: Option<String>,
}

impl Tally {
    fn add(&mut self, answers: &str) -> Result<()> {
        for line in answers.lines() {
            let answer: Value = serde_json::from_str(line).with_context(|| format!("read HQ's answer {line:?}"))?;
            match answer["status"].as_u64() {
                Some(201) => self.new += 1,
                Some(200) => self.known += 1,
                _ => {
                    self.refused += 1;
                    self.first_refusal.get_or_insert_with(|| line.to_owned());
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "orders handed to HQ: {} new, {} known, {} refused", self.new, self.known, self.refused)?;
        match &self.first_refusal {
            Some(line) => write!(to, "; the first refusal: {line}"),
            None => Ok(()),
        }
    }
}

/// The line that tells how to log in at the counter.
pub fn staff_logins() -> String {
    let each: Vec<String> = STAFF.iter().map(|(id, _, role, pin)| format!("{id} ({role}), PIN {pin}")).collect();
    each.join("; ")
}

/// The line that tells how to log in at HQ.
pub fn hq_login() -> String {
    format!("{HQ_USER}, password {HQ_PASSWORD}")
}

/// The staff for the ready file.
pub fn staff_json() -> Value {
    STAFF.iter().map(|(id, name, role, pin)| json!({ "id": id, "name": name, "role": role, "pin": pin })).collect()
}

/// HQ's user for the ready file.
pub fn hq_json() -> Value {
    json!({ "id": HQ_USER, "name": HQ_NAME, "password": HQ_PASSWORD })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hqs_answers_are_counted_and_the_first_refusal_is_shown() {
        let mut tally = Tally::default();
        let refused = r#"{"line":3,"status":409,"problem":{"type":"/problems/order-differs"}}"#;
        tally.add(&format!("{{\"line\":1,\"status\":201}}\n{{\"line\":2,\"status\":200}}\n{refused}\n")).expect("read");
        assert_eq!(
            tally.to_string(),
            format!("orders handed to HQ: 1 new, 1 known, 1 refused; the first refusal: {refused}")
        );
    }
}
