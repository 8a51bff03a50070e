//! Starts broker and HQ, asks over HTTP, waits for states with a limit.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// The API key of every test.
pub const KEY: &str = "a key of the test";

/// A process that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// HQ and its broker.
pub struct World {
    pub broker_port: u16,
    pub web: String,
    pub log: PathBuf,
    hq: Option<Ends>,
    config: PathBuf,
    _broker: Ends,
    _folder: tempfile::TempDir,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until `look` sees something.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        std::thread::sleep(LOOK);
    }
}

fn mosquitto(folder: &std::path::Path) -> (Ends, u16) {
    let program = ["/usr/sbin/mosquitto", "mosquitto"];
    for _ in 0..5 {
        let port = free_port();
        let file = folder.join("mosquitto.conf");
        std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")).unwrap();
        let mut command = program
            .iter()
            .find_map(|p| Command::new(p).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok())
            .expect("these tests need Debian's mosquitto: apt-get install mosquitto");
        let up = wait("mosquitto", || match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(_) => Some(true),
            Err(_) => command.try_wait().unwrap().map(|_| false),
        });
        if up {
            return (Ends(command), port);
        }
    }
    panic!("mosquitto found no free port");
}

impl World {
    /// With a user `ops`, password `long enough`.
    pub fn start(more: &str) -> World {
        let world = Self::start_empty(more);
        let mut world = world;
        world.stop();
        let mut add = Command::new(env!("CARGO_BIN_EXE_store-hq"))
            .args(["user", "add", "--id", "ops", "--name", "Ops", "--password-stdin", "--config"])
            .arg(&world.config)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        add.stdin.take().unwrap().write_all(b"long enough\n").unwrap();
        assert!(add.wait().unwrap().success());
        world.run();
        world
    }

    /// Without any user.
    pub fn start_empty(more: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (broker, broker_port) = mosquitto(folder.path());
        let config = folder.path().join("hq.toml");
        let data = folder.path().join("data");
        let digest = store_daemon::secrets::sha256_hex(KEY.as_bytes());
        let text = format!(
            "[broker]\nurl = \"mqtt://127.0.0.1:{broker_port}\"\n[storage]\npath = {data:?}\n[web]\nlisten = \"127.0.0.1:0\"\n\
             [[api_key]]\nname = \"shop\"\nsha256 = \"{digest}\"\n[timing]\nheartbeat_ms = 300\nretry_min_ms = 50\n\
             retry_max_ms = 200\nlogin_lock_s = 60\n[hq]\nchain = \"demo\"\n{more}\n"
        );
        std::fs::write(&config, text).unwrap();
        let log = folder.path().join("hq.log");
        let mut world =
            World { broker_port, web: String::new(), log, hq: None, config, _broker: broker, _folder: folder };
        world.run();
        world
    }

    fn run(&mut self) {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(&self.log).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_store-hq"))
            .args(["run", "--config"])
            .arg(&self.config)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {}", self.logged()));
        assert_eq!(ready["ready"], json!(true));
        self.web = format!("http://{}", ready["web"].as_str().unwrap());
        self.hq = Some(Ends(child));
        wait("the broker link", || (self.get("/readyz").status == 200).then_some(()));
    }

    /// SIGTERM; gives the exit code and how long it took.
    pub fn stop(&mut self) -> (Option<i32>, Duration) {
        let mut ends = self.hq.take().unwrap();
        let begun = Instant::now();
        let killed = Command::new("kill").arg("-TERM").arg(ends.0.id().to_string()).status().unwrap();
        assert!(killed.success());
        let code = ends.0.wait().unwrap().code();
        (code, begun.elapsed())
    }

    pub fn start_again(&mut self) {
        self.run();
    }

    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn agent() -> ureq::Agent {
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(LIMIT))
            .build()
            .into()
    }

    /// A request with any headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.web));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let agent = Self::agent();
        let sent = match body {
            Some(body) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.body_mut().read_to_string().unwrap();
        Answer { status: response.status().as_u16(), headers, text }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], None)
    }

    /// REST with the key.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let text = body.map(Value::to_string);
        self.api_raw(method, path, &[], text.as_deref())
    }

    pub fn api_raw(&self, method: &str, path: &str, more: &[(&str, &str)], body: Option<&str>) -> Answer {
        let bearer = format!("Bearer {KEY}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend_from_slice(more);
        let body = body.map(str::as_bytes).or((method != "GET").then_some(b"" as &[u8]));
        self.ask(method, &format!("/api/v1{path}"), &headers, body)
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no metric {name}")).parse().unwrap()
    }
}

/// A good order.
pub fn order(store: &str, number: &str) -> Value {
    json!({
        "store": store, "order": number, "kind": "pay_in_store", "contract": "distance",
        "customer": { "name": "Anna Nowak", "phone": "+48600100813", "language": "pl" },
        "lines": [
            { "sku": "T-1", "ean": "5901234123457", "name": "Herbata", "quantity": 2, "unit_price": 1999 },
            { "sku": "W-2", "name": "Wino", "quantity": 1, "unit_price": 5000, "age": 18 },
        ],
        "currency": "PLN", "total": 8998, "due": 8998, "promised_at": "2026-11-22T14:00:00Z",
    })
}
