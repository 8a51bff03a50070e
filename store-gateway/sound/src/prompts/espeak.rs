//! espeak-ng as a process: text in, a WAV file out, and an end to it whatever happens.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::Why;

/// The longest line of a version that is believed.
const MOST_VERSION_OCTETS: usize = 200;

/// The program, and its limits.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) timeout: Duration,
    /// Octets that it may write.
    pub(super) most_octets: usize,
}

impl Program {
    /// espeak-ng makes 22 050 samples of 16 bits a second.
    pub(super) const MOST_OCTETS_A_SECOND: usize = 2 * 22_050;

    /// The WAV file of a text.
    pub(super) async fn speak(&self, voice: &str, speed: u16, text: &str) -> Result<Vec<u8>, Why> {
        let speed = speed.to_string();
        self.run(&["-v", voice, "-s", &speed, "-b", "1", "--stdin", "--stdout"], &plain(text)).await
    }

    /// The program's own words about its version.
    pub(super) async fn version(&self) -> Result<String, Why> {
        let said = self.run(&["--version"], "").await?;
        let said = String::from_utf8_lossy(&said);
        Ok(said.lines().next().unwrap_or_default().chars().take(MOST_VERSION_OCTETS).collect())
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>, Why> {
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // What it complains about may quote the text.
        command.stderr(Stdio::null()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Why::NoProgram,
            other => Why::NotStarted(other),
        })?;
        // Ends it when this future is dropped too: the caller hung up.
        let mut group = Group::of(&child);
        match tokio::time::timeout(self.timeout, exchange(&mut child, input, self.most_octets)).await {
            Err(_) => Err(Why::Late(self.timeout)),
            Ok(Err(e)) => Err(Why::NotStarted(e.kind())),
            Ok(Ok(None)) => Err(Why::TooMuch),
            Ok(Ok(Some((output, code)))) => {
                group.has_ended();
                if code == Some(0) { Ok(output) } else { Err(Why::Failed(code)) }
            }
        }
    }
}

/// Writes the text, reads the sound and waits for the end; `None` when there is too much of it.
async fn exchange(child: &mut Child, input: &str, most: usize) -> io::Result<Option<(Vec<u8>, Option<i32>)>> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut output = Vec::new();
    let write = async move {
        // A program that does not want the text says so by its exit code.
        drop(stdin.write_all(input.as_bytes()).await);
    };
    let mut limited = stdout.take(most as u64 + 1);
    let ((), read) = tokio::join!(write, limited.read_to_end(&mut output));
    read?;
    if output.len() > most {
        return Ok(None);
    }
    Ok(Some((output, child.wait().await?.code())))
}

/// Text without what espeak-ng takes for orders: `[[` begins phonemes, control characters switch its voice.
fn plain(text: &str) -> String {
    let mut plain: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '[' | ']') { ' ' } else { c }).collect();
    plain.push('\n');
    plain
}

/// The processes of a program: itself, and what it started if it is a script. Ends them all when dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Its number may be another's from now on.
    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // The only way to fail is that all of them are gone.
            killpg(group, Signal::SIGKILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_no_orders_for_the_program() {
        assert_eq!(plain("a[[b]]\u{1}5s\nc"), "a  b   5s c\n");
    }
}
