//! A PulseAudio server of the test's own, whose two null sinks are the modem's ear and mouth.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that should happen.
pub const LIMIT: Duration = Duration::from_secs(60);
/// Names of the devices that ALSA gets.
pub const INPUT: &str = "modem_mouth";
pub const OUTPUT: &str = "modem_ear";
/// What ALSA says of the input.
pub const INPUT_WORDS: &str = "What the modem says";

/// ALSA's devices on the server, for the home folder of whoever plays the gateway.
pub fn write_home(home: &Path) {
    let device = |name: &str, on: &str, words: &str| {
        let socket = socket(home);
        format!(
            "pcm.{name} {{ type pulse server \"unix:{}\" device \"{on}\" hint {{ show on description \"{words}\" }} }}\n",
            socket.display()
        )
    };
    let text = device(INPUT, "mouth.monitor", INPUT_WORDS) + &device(OUTPUT, "ear", "What the modem hears");
    fs::write(home.join(".asoundrc"), text).unwrap();
}

fn socket(home: &Path) -> PathBuf {
    home.join("server.socket")
}

/// The server; killed when dropped.
pub struct Server {
    home: PathBuf,
    daemon: Child,
}

impl Server {
    pub fn start(home: &Path) -> Self {
        let socket = socket(home);
        drop(fs::remove_file(&socket));
        let script = home.join("server.pa");
        let text = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name=mouth rate=8000 channels=1\n\
             load-module module-null-sink sink_name=ear rate=8000 channels=1\n",
            socket.display()
        );
        fs::write(&script, text).unwrap();
        let daemon = Command::new("pulseaudio")
            .args(["-n", "--exit-idle-time=-1", "--use-pid-file=no", "--daemonize=no", "--log-target=stderr", "-F"])
            .arg(&script)
            .env("XDG_RUNTIME_DIR", home)
            .env("HOME", home)
            .stdout(Stdio::null())
            .stderr(fs::File::create(home.join("server.log")).unwrap())
            .spawn()
            .unwrap_or_else(|e| panic!("pulseaudio does not start ({e}): apt-get install pulseaudio (or ./dev setup)"));
        let server = Self { home: home.to_owned(), daemon };
        let began = Instant::now();
        // The script is worked through in order, so what is loaded last is there when the sinks can be listed.
        while UnixStream::connect(&socket).is_err() || !server.has_sinks() {
            assert!(began.elapsed() < LIMIT, "{}", fs::read_to_string(home.join("server.log")).unwrap());
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn has_sinks(&self) -> bool {
        let said = self.client("pactl").args(["list", "short", "sinks"]).output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout);
        said.contains("mouth") && said.contains("ear")
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("PULSE_SERVER", format!("unix:{}", socket(&self.home).display())).env("HOME", &self.home);
        command
    }

    /// The modem's mouth, until it is dropped: what `sound` gives, at 8 kHz.
    pub fn speak(&self, mut sound: impl FnMut() -> Vec<u8> + Send + 'static) -> Tool {
        let mut child = self
            .client("pacat")
            .args([
                "--playback",
                "-d",
                "mouth",
                "--raw",
                "--rate=8000",
                "--channels=1",
                "--format=s16le",
                "--latency-msec=60",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .expect("apt-get install pulseaudio-utils (or ./dev setup)");
        let mut stdin = child.stdin.take().unwrap();
        // Ends when the program does.
        thread::spawn(move || while stdin.write_all(&sound()).is_ok() {});
        Tool(child)
    }

    /// The modem's ear, until it is dropped: what it hears, at 8 kHz.
    pub fn hear(&self) -> (Tool, Arc<Mutex<Vec<i16>>>) {
        let mut child = self
            .client("parec")
            .args(["-d", "ear.monitor", "--raw", "--rate=8000", "--channels=1", "--format=s16le", "--latency-msec=60"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("apt-get install pulseaudio-utils (or ./dev setup)");
        let mut stdout = child.stdout.take().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let writes = heard.clone();
        thread::spawn(move || {
            let mut octets = [0; 320];
            while stdout.read_exact(&mut octets).is_ok() {
                let samples = octets.chunks(2).map(|o| i16::from_le_bytes([o[0], o[1]]));
                writes.lock().unwrap().extend(samples);
            }
        });
        (Tool(child), heard)
    }

    /// As when somebody pulls the card out.
    pub fn kill(mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.daemon);
    }
}

/// A program of the server's, ended when dropped.
pub struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    drop(child.kill());
    drop(child.wait());
}
