//! Joins the demo's till to the gateway, as a manager and an installer do it: a code from the counter, typed at the till.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::files::{Folder, Ports};
use super::people;

const LIMIT: Duration = Duration::from_secs(20);

/// Asks the gateway for a code and enrols the till with it.
///
/// # Errors
/// When either refuses, with its words.
pub fn enrol(folder: &Folder, ports: &Ports) -> Result<()> {
    let api = format!("http://127.0.0.1:{}/api/v1", ports.counter);
    let (staff, pin) = people::manager();
    let session = post(&format!("{api}/session"), None, &json!({ "staff": staff, "pin": pin }))?;
    let token = session["token"].as_str().context("a session at the counter")?;
    let answer = post(&format!("{api}/tills/code"), Some(token), &json!({}))?;
    let code = answer["code"].as_str().context("a code for the till")?;
    // On its input, where no list of processes shows it.
    let arguments = ["enrol", "--config", &folder.argument("till.toml"), "--code", "-"];
    people::tell("pos-bridge", &arguments, code).context("join the till to the gateway")?;
    Ok(())
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build().into();
    let mut request = agent.post(url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(body.to_string()).with_context(|| format!("ask {url}"))?;
    let text = response.body_mut().read_to_string().context("read the answer")?;
    ensure!(response.status().is_success(), "{url}: {} {text}", response.status());
    serde_json::from_str(&text).context("understand the answer")
}
