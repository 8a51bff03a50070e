//! Stand-ins for the speech program: scripts that count, fail, hang or talk nonsense, around the real one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use store_sound::prompts::{Config, Speaker};

/// How long anything may take that should happen.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A folder with a script and a speaker's folders.
pub struct Shop {
    folder: tempfile::TempDir,
    pub config: Config,
}

impl Shop {
    /// With the real program.
    pub fn new() -> Self {
        let there = Command::new("espeak-ng").arg("--version").stdout(Stdio::null()).status();
        assert!(there.is_ok_and(|s| s.success()), "espeak-ng is missing: apt-get install espeak-ng (or ./dev setup)");
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("spoken"), folder.path().join("uploads"));
        config.timeout = LIMIT;
        Self { folder, config }
    }

    /// With a script that first notes that it was started, with what arguments.
    pub fn with_script(body: &str) -> Self {
        let mut shop = Self::new();
        let path = shop.path("program");
        let log = shop.path("log");
        let text = format!(
            "#!/bin/sh\ncd '{}'\necho \"in $*\" >> '{}'\n{body}\n",
            shop.folder.path().display(),
            log.display()
        );
        write_script(&path, &text);
        shop.config.espeak = path;
        shop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn speaker(&self) -> Speaker {
        Speaker::new(self.config.clone())
    }

    /// What scripts noted.
    pub fn log(&self) -> Vec<String> {
        fs::read_to_string(self.path("log")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How often the program was started.
    pub fn starts(&self) -> usize {
        self.log().iter().filter(|line| line.starts_with("in ")).count()
    }

    /// The files of kept sounds, when there are as many as that.
    pub async fn kept(&self, count: usize) -> Vec<PathBuf> {
        let mut files = Vec::new();
        until("the sounds are on disk", || {
            let all = fs::read_dir(&self.config.cache).unwrap().map(|e| e.unwrap().path());
            files = all.filter(|path| path.extension().is_some_and(|e| e == "pcm")).collect();
            files.len() == count
        })
        .await;
        files
    }
}

/// Writes a script by another process: a file that this one has open for writing while another test starts a program
/// could not be run.
fn write_script(path: &Path, text: &str) {
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 700 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Waits for a state.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process is there and no zombie.
pub fn is_running(id: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}
