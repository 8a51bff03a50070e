//! A whole shop for end-to-end tests: broker, HQ, gateway, modem and the cutting proxy between gateway and broker, all
//! as real processes, driven through their public doors.

#![allow(dead_code, reason = "each test uses its part of the shop")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hil_tests::cut_proxy::CutProxy;
use hil_tests::make_orders::{Order, Orders, Plan};
use hil_tests::world::{Mosquitto, Process, SimModem, binary, wait_for};
use serde_json::{Value, json};

/// How long a daemon may take to start on a busy machine.
pub const START: Duration = Duration::from_secs(30);
/// How long anything that the shop does may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

pub const CHAIN: &str = "sklepx";
pub const STORE: &str = "wola";
pub const API_KEY: &str = "end-to-end-api-key";

/// Everything of one shop and its HQ.
pub struct Shop {
    pub dir: tempfile::TempDir,
    pub broker: Mosquitto,
    pub proxy: CutProxy,
    pub modem: SimModem,
    pub hq: Hq,
    pub gateway: Gateway,
}

/// What a test may change in the gateway's configuration.
#[derive(Default)]
pub struct Options {
    /// Lines for `[counter]`.
    pub counter: String,
    /// Lines for `[[modem]]`.
    pub modem: String,
    /// Lines for `[uplink]`.
    pub uplink: String,
    /// Lines for `[storage]`.
    pub storage: String,
    /// Lines for `[messages]`.
    pub messages: String,
    /// Whole tables, such as `[sip]` and `[voice]`.
    pub tables: String,
    /// Lines for HQ's `[hq]`.
    pub hq: String,
    /// Arguments of the simulated modem.
    pub modem_arguments: Vec<String>,
    /// The modem's calls have sound, and the gateway answers them.
    pub sim_voice: bool,
}

impl Shop {
    pub fn start() -> Result<Self> {
        Self::start_with(&Options::default())
    }

    pub fn start_with(options: &Options) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let broker = Mosquitto::start(dir.path())?;
        let any = "127.0.0.1:0".parse()?;
        let proxy = CutProxy::start(any, &format!("127.0.0.1:{}", broker.port), None)?;
        let sound = dir.path().join("sound").display().to_string();
        let mut arguments: Vec<&str> = options.modem_arguments.iter().map(String::as_str).collect();
        if options.sim_voice {
            arguments.extend(["--pcm-link", &sound]);
        }
        let modem = SimModem::start(dir.path(), &arguments)?;
        let hq = Hq::start_with(dir.path(), &broker.url(), &options.hq)?;
        let uplink = format!("mqtt://{}", proxy.listen);
        let gateway = Gateway::start(dir.path(), STORE, &uplink, Some(&modem.link), options)?;
        Ok(Self { dir, broker, proxy, modem, hq, gateway })
    }

    /// Orders of this shop; the same seed gives the same ones.
    pub fn orders(&self, seed: u64, count: u64) -> Vec<Order> {
        orders(seed, count)
    }

    /// Hands an order to HQ and waits until the counter has it.
    pub fn place(&self, order: &Order) -> Result<Value> {
        let (status, answer) = self.hq.post("orders", &serde_json::to_value(order)?)?;
        ensure!(status == 201, "HQ answered {status}: {answer}");
        self.gateway.wait_order(&order.order, |_| true)
    }

    /// Stages an order's bag and waits for the text on air that tells its customer; gives the text.
    pub fn stage(&mut self, order: &Order, shelf: &str) -> Result<String> {
        let (status, answer) =
            self.gateway.act(&order.order, "stage", &json!({"bags": [{"bag": "1", "shelf": shelf}]}))?;
        ensure!(status == 200, "staging: {status} {answer}");
        self.text_to(&order.customer.phone)
    }

    /// Waits for a text on air to `number`; the last one, with its parts joined.
    pub fn text_to(&mut self, number: &str) -> Result<String> {
        let control = &mut self.modem.control;
        wait_for(&format!("a text to …{}", &number[number.len() - 3..]), SOON, || texts_to(control, number).pop())
    }
}

/// Orders of the tests' shop, placed as of the moment that the generator's plan names.
pub fn orders(seed: u64, count: u64) -> Vec<Order> {
    let plan = Plan { seed, count, store: STORE.to_owned(), from: jiff::Timestamp::now(), first: 1 };
    Orders::new(plan).collect()
}

/// Whole texts on air to a number, oldest first.
pub fn texts_to(control: &mut hil_tests::sim_modem::client::Control, number: &str) -> Vec<String> {
    let on_air = control.on_air(0).unwrap_or_default();
    let mut texts: Vec<(Option<u64>, u64, String)> = Vec::new();
    for air in on_air.iter().filter(|air| air["number"] == number) {
        let text = air["text"].as_str().unwrap_or_default();
        match air["concat"]["reference"].as_u64() {
            Some(reference) => match texts.last_mut().filter(|(r, left, _)| *r == Some(reference) && *left > 0) {
                Some((_, left, whole)) => {
                    *left -= 1;
                    whole.push_str(text);
                }
                None => {
                    texts.push((Some(reference), air["concat"]["parts"].as_u64().unwrap_or(1) - 1, text.to_owned()))
                }
            },
            None => texts.push((None, 0, text.to_owned())),
        }
    }
    texts.into_iter().filter(|(_, left, _)| *left == 0).map(|(.., text)| text).collect()
}

/// The six digits in a pickup text.
pub fn code_in(text: &str) -> Result<String> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
    let codes: Vec<&str> = digits.collect();
    match codes.as_slice() {
        [code] => Ok((*code).to_owned()),
        _ => bail!("{} runs of six digits in the pickup text", codes.len()),
    }
}

fn agent() -> ureq::Agent {
    let limit = Duration::from_secs(60);
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(limit)).build().into()
}

/// Sends a request and reads the answer as JSON (text answers come as a JSON string).
pub fn request(
    method: &str,
    url: &str,
    token: &str,
    body: Option<&str>,
    headers: &[(&str, &str)],
) -> Result<(u16, Value)> {
    let mut builder = ureq::http::Request::builder().method(method).uri(url);
    builder = builder.header("authorization", format!("Bearer {token}"));
    if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        builder = builder.header("content-type", "application/json");
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let agent = agent();
    let mut response = match body {
        Some(body) => agent.run(builder.body(body.to_owned())?),
        None => agent.run(builder.body(())?),
    }
    .with_context(|| format!("{method} {url}"))?;
    let text = response.body_mut().read_to_string()?;
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok((response.status().as_u16(), value))
}

/// Percent-encodes an order's number for a path.
pub fn segment(order: &str) -> String {
    order
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// A running `store-hq`.
pub struct Hq {
    pub process: Process,
    pub config: PathBuf,
    pub web: String,
    /// Address and cookie of somebody who is logged in.
    session: std::cell::RefCell<Option<(String, String)>>,
}

impl Hq {
    pub fn start(dir: &Path, broker: &str) -> Result<Self> {
        Self::start_with(dir, broker, "")
    }

    /// With more lines for `[hq]`.
    pub fn start_with(dir: &Path, broker: &str, lines: &str) -> Result<Self> {
        use std::fmt::Write as _;
        let config = dir.join("hq.toml");
        let mut digest = String::new();
        for byte in ring::digest::digest(&ring::digest::SHA256, API_KEY.as_bytes()).as_ref() {
            write!(digest, "{byte:02x}")?;
        }
        let text = format!(
            "[hq]\nchain = \"{CHAIN}\"\n{lines}\n[broker]\nurl = \"{broker}\"\n[storage]\npath = {:?}\n[web]\nlisten = \"127.0.0.1:0\"\n\
             [[api_key]]\nname = \"test\"\nsha256 = \"{digest}\"\n",
            dir.join("hq")
        );
        std::fs::write(&config, text)?;
        let (process, web) = spawn("store-hq", &config)?;
        Ok(Self { process, config, web, session: std::cell::RefCell::default() })
    }

    /// Starts it again after it was killed or stopped, on whatever port is free.
    pub fn restart(&mut self) -> Result<()> {
        (self.process, self.web) = spawn("store-hq", &self.config)?;
        Ok(())
    }

    /// Starts it again by a command of the test's own.
    pub fn respawn(&mut self, command: &mut Command) -> Result<()> {
        (self.process, self.web) = announced("store-hq", command)?;
        Ok(())
    }

    pub fn get(&self, path: &str) -> Result<(u16, Value)> {
        request("GET", &format!("http://{}/api/v1/{path}", self.web), API_KEY, None, &[])
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        request("POST", &format!("http://{}/api/v1/{path}", self.web), API_KEY, Some(&body.to_string()), &[])
    }

    pub fn send(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Result<(u16, Value)> {
        request(method, &format!("http://{}/api/v1/{path}", self.web), API_KEY, Some(body), headers)
    }

    /// Reads a path outside the API.
    pub fn plain(&self, path: &str) -> Result<(u16, Value)> {
        request("GET", &format!("http://{}{path}", self.web), API_KEY, None, &[])
    }

    /// The page of alerts, as somebody who is logged in sees it.
    pub fn alerts_page(&self) -> Result<String> {
        let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
        let page = |path: &str| format!("http://{}{path}", self.web);
        let known = self.session.borrow().clone().filter(|(web, _)| *web == self.web).map(|(_, cookie)| cookie);
        let cookie = match known {
            Some(cookie) => cookie,
            None => {
                let mut add = Command::new(binary("store-hq")?);
                add.args(["user", "add", "--id", "kontrola", "--name", "Kontrola", "--password-stdin", "--config"]);
                said_to(add.arg(&self.config), "a long enough password")?;
                let form = "id=kontrola&password=a+long+enough+password&next=%2Falerts";
                let kind = "application/x-www-form-urlencoded";
                let answer = agent.post(page("/login")).header("content-type", kind).send(form)?;
                let cookie = answer.headers().get("set-cookie").context("the session's cookie")?.to_str()?;
                cookie.split(';').next().unwrap_or_default().to_owned()
            }
        };
        let text = agent.get(page("/alerts")).header("cookie", &cookie).call()?.body_mut().read_to_string()?;
        *self.session.borrow_mut() = Some((self.web.clone(), cookie));
        Ok(text)
    }

    pub fn order(&self, order: &str) -> Result<Value> {
        let (status, value) = self.get(&format!("orders/{}?store={STORE}", segment(order)))?;
        ensure!(status == 200, "HQ has no {order}: {status} {value}");
        Ok(value)
    }

    /// Waits until HQ shows an order as wanted.
    pub fn wait_order(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_for(&format!("HQ's view of {order}"), SOON, || {
            last = self.order(order).unwrap_or(Value::Null);
            wanted(&last).then(|| last.clone())
        });
        found.with_context(|| format!("last seen: {last}"))
    }
}

/// A running `store-gateway` with somebody logged in.
pub struct Gateway {
    pub process: Process,
    pub config: PathBuf,
    pub storage: PathBuf,
    pub web: String,
    pub token: String,
}

impl Gateway {
    pub fn start(dir: &Path, store: &str, uplink: &str, modem: Option<&Path>, options: &Options) -> Result<Self> {
        let (config, storage) = Self::configure(dir, store, uplink, modem, options)?;
        let mut run = Command::new(binary("store-gateway")?);
        run.args(["run", "--config"]).arg(&config);
        Self::spawn(&mut run, config, storage)
    }

    /// Starts it by a command of the test's own, and logs in.
    pub fn spawn(run: &mut Command, config: PathBuf, storage: PathBuf) -> Result<Self> {
        let (process, web) = announced("store-gateway", run)?;
        let mut gateway = Self { process, config, storage, web, token: String::new() };
        gateway.token = gateway.log_in("ewa", "2468")?;
        Ok(gateway)
    }

    /// Writes its configuration and enters its people; gives the configuration's path and the storage's.
    pub fn configure(
        dir: &Path,
        store: &str,
        uplink: &str,
        modem: Option<&Path>,
        options: &Options,
    ) -> Result<(PathBuf, PathBuf)> {
        let storage = dir.join(format!("gateway-{store}"));
        let config = dir.join(format!("gateway-{store}.toml"));
        let modem = modem.map_or_else(String::new, |port| {
            let voice = match options.sim_voice {
                true => format!("[modem.voice]\npcm = {:?}\n", dir.join("sound")),
                false => String::new(),
            };
            format!("[[modem]]\nport = {port:?}\nprofile = \"ec25\"\n{}\n{voice}", options.modem)
        });
        let text = format!(
            "[store]\nchain = \"{CHAIN}\"\nid = \"{store}\"\nname = \"Wola\"\n[storage]\npath = {storage:?}\n{}\n\
             [uplink]\nurl = \"{uplink}\"\nretry_min_ms = 50\nretry_max_ms = 500\n{}\n{modem}\
             [web]\nlisten = \"127.0.0.1:0\"\n[counter]\n{}\n[messages]\n{}\n{}\n",
            options.storage, options.uplink, options.counter, options.messages, options.tables
        );
        std::fs::write(&config, text)?;
        add_staff(&config, "anna", "Anna Kos", "clerk", "1357")?;
        add_staff(&config, "ewa", "Ewa Lis", "manager", "2468")?;
        Ok((config, storage))
    }

    /// Starts it again after it was killed or stopped.
    pub fn start_again(&mut self) -> Result<()> {
        (self.process, self.web) = spawn("store-gateway", &self.config)?;
        Ok(())
    }

    /// Starts it again after it was killed or stopped, and logs in.
    pub fn restart(&mut self) -> Result<()> {
        self.start_again()?;
        self.token = self.log_in("ewa", "2468")?;
        Ok(())
    }

    pub fn log_in(&self, staff: &str, pin: &str) -> Result<String> {
        let (status, answer) = self.send("POST", "session", &json!({"staff": staff, "pin": pin}).to_string(), &[])?;
        ensure!(status == 200, "logging in: {status} {answer}");
        Ok(answer["token"].as_str().context("the token")?.to_owned())
    }

    pub fn send(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Result<(u16, Value)> {
        request(method, &format!("http://{}/api/v1/{path}", self.web), &self.token, Some(body), headers)
    }

    pub fn get(&self, path: &str) -> Result<(u16, Value)> {
        request("GET", &format!("http://{}/api/v1/{path}", self.web), &self.token, None, &[])
    }

    /// Reads a path outside the API.
    pub fn plain(&self, path: &str) -> Result<(u16, Value)> {
        request("GET", &format!("http://{}{path}", self.web), &self.token, None, &[])
    }

    /// A listener beside the web's, from the ready line.
    pub fn listener(&self, name: &str) -> Result<std::net::SocketAddr> {
        let ready = self.process.announced().context("the ready line")?;
        Ok(ready[name].as_str().with_context(|| format!("no listener {name}: {ready}"))?.parse()?)
    }

    /// Sends a form as a page does.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<(u16, Value)> {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        request("POST", &format!("http://{}{path}", self.web), &self.token, Some(&pairs.join("&")), &headers)
    }

    /// `POST reservations/{order}/{act}`.
    pub fn act(&self, order: &str, act: &str, body: &Value) -> Result<(u16, Value)> {
        self.send("POST", &format!("reservations/{}/{act}", segment(order)), &body.to_string(), &[])
    }

    pub fn order(&self, order: &str) -> Result<Value> {
        let (status, value) = self.get(&format!("reservations/{}", segment(order)))?;
        ensure!(status == 200, "no {order} here: {status} {value}");
        Ok(value)
    }

    /// Waits until the counter has an order as wanted.
    pub fn wait_order(&self, order: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_for(&format!("the counter's view of {order}"), SOON, || {
            last = self.order(order).unwrap_or(Value::Null);
            (last != Value::Null && wanted(&last)).then(|| last.clone())
        });
        found.with_context(|| format!("last seen: {last}"))
    }

    /// The messages of an order, oldest first.
    pub fn messages(&self, order: &str) -> Result<Vec<Value>> {
        Ok(self.order(order)?["messages"].as_array().cloned().unwrap_or_default())
    }

    /// What the health page tells people, as text.
    pub fn health_page(&self) -> Result<String> {
        let (status, page) = self.plain("/health-page")?;
        ensure!(status == 200, "the health page: {status}");
        Ok(page.as_str().unwrap_or_default().to_owned())
    }

    /// One figure of `/metrics`, by its name with labels; zero when it is not there.
    pub fn metric(&self, name: &str) -> Result<u64> {
        let (status, text) = self.plain("/metrics")?;
        ensure!(status == 200, "metrics: {status}");
        let value = text.as_str().unwrap_or_default().lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
    }

    pub fn health(&self) -> Result<Value> {
        Ok(self.plain("/healthz")?.1)
    }

    /// Waits until the uplink is as wanted.
    pub fn wait_online(&self, online: bool) -> Result<()> {
        let what = if online { "the gateway to be online" } else { "the gateway to be offline" };
        wait_for(what, Duration::from_secs(60), || (self.health().ok()?["uplink"]["online"] == online).then_some(()))
    }
}

/// Enters somebody through the command line, as an installer would.
pub fn add_staff(config: &Path, id: &str, name: &str, role: &str, pin: &str) -> Result<()> {
    let mut add = Command::new(binary("store-gateway")?);
    add.args(["staff", "add", "--id", id, "--name", name, "--role", role, "--pin-stdin", "--config"]);
    said_to(add.arg(config), pin)
}

/// Runs a command that reads a secret as one line.
fn said_to(command: &mut Command, line: &str) -> Result<()> {
    use std::io::Write as _;
    let quiet = std::process::Stdio::null;
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(quiet()).stderr(quiet()).spawn()?;
    writeln!(child.stdin.take().context("its standard input")?, "{line}")?;
    let status = child.wait()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

fn spawn(program: &str, config: &Path) -> Result<(Process, String)> {
    let mut command = Command::new(binary(program)?);
    announced(program, command.args(["run", "--config"]).arg(config))
}

fn announced(program: &str, command: &mut Command) -> Result<(Process, String)> {
    let mut process = Process::spawn(program, command.env("RUST_LOG", "info"))?;
    let ready = process.ready(START)?;
    ensure!(ready["ready"] == true, "{program}: {ready}");
    let web = ready["web"].as_str().with_context(|| format!("{program} names no web address: {ready}"))?.to_owned();
    Ok((process, web))
}
