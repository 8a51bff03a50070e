//! Raw PCM over a real pty: the test is the modem.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use store_sound::port::{AudioPort, Config, Device, Lost, OpenError, Queues};
use store_voice::Frame;
use store_voice::frame::SAMPLES;

const LIMIT: Duration = Duration::from_secs(20);
const OCTETS: usize = 320;

/// The modem's side of a pty.
struct Modem {
    line: File,
    path: PathBuf,
    /// Kept open, so that the line stays while nobody has the port.
    _slave: OwnedFd,
}

impl Modem {
    fn new() -> Self {
        let pty = openpty(None, None).unwrap();
        let mut settings = tcgetattr(&pty.slave).unwrap();
        cfmakeraw(&mut settings);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &settings).unwrap();
        let path = fs::read_link(format!("/proc/self/fd/{}", pty.slave.as_raw_fd())).unwrap();
        Self { line: pty.master.into(), path, _slave: pty.slave }
    }

    fn config(&self, queues: Queues) -> Config {
        Config { device: Device::Tty { path: self.path.clone(), baud: 115_200 }, queues }
    }

    async fn open(&self, queues: Queues) -> AudioPort {
        AudioPort::open(self.config(queues)).await.unwrap()
    }

    /// Writes on a thread of its own, in pieces of these lengths over and over.
    fn speak(&self, octets: Vec<u8>, pieces: &'static [usize]) -> thread::JoinHandle<()> {
        let mut line = self.line.try_clone().unwrap();
        thread::spawn(move || {
            let mut rest = &octets[..];
            for length in pieces.iter().cycle() {
                if rest.is_empty() {
                    return;
                }
                let (piece, later) = rest.split_at(rest.len().min(*length));
                line.write_all(piece).unwrap();
                rest = later;
            }
        })
    }

    /// Reads frames from now on, until the line is gone.
    fn listen(&self) -> Arc<Mutex<Vec<Vec<i16>>>> {
        let (mut line, heard) = (self.line.try_clone().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let writes = heard.clone();
        thread::spawn(move || {
            let mut octets = [0; OCTETS];
            while line.read_exact(&mut octets).is_ok() {
                writes.lock().unwrap().push(samples(&octets));
            }
        });
        heard
    }

    /// Reads so many frames.
    async fn hear(&self, frames: usize) -> Vec<Vec<i16>> {
        let mut line = self.line.try_clone().unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let mut octets = vec![0; frames * OCTETS];
            line.read_exact(&mut octets).unwrap();
            octets.chunks(OCTETS).map(samples).collect()
        });
        tokio::time::timeout(LIMIT, read).await.expect("the frames come").unwrap()
    }
}

fn samples(octets: &[u8]) -> Vec<i16> {
    octets.chunks(2).map(|o| i16::from_le_bytes([o[0], o[1]])).collect()
}

/// Sound whose every sample is known: it counts, over all 16 bits.
fn counting(from: usize, frames: usize) -> Vec<i16> {
    (from * SAMPLES..(from + frames) * SAMPLES).map(|n| (n * 211) as u16 as i16).collect()
}

fn octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

async fn recv(port: &mut AudioPort) -> Result<Frame, Lost> {
    tokio::time::timeout(LIMIT, port.recv_frame()).await.expect("a frame or the loss comes")
}

#[tokio::test]
async fn the_modem_s_sound_comes_whole_however_it_is_split() {
    const FRAMES: usize = 40;
    for pieces in [&[1][..], &[319], &[321], &[1, 2, 3, 640, 5], &[12_800]] {
        let modem = Modem::new();
        let mut port = modem.open(Queues { incoming: FRAMES, ..Queues::default() }).await;
        let speaking = modem.speak(octets(&counting(0, FRAMES)), pieces);
        let mut heard = Vec::new();
        for _ in 0..FRAMES {
            heard.extend(recv(&mut port).await.unwrap().0);
        }
        assert_eq!(heard, counting(0, FRAMES), "{pieces:?}");
        speaking.join().unwrap();
        assert_eq!(port.statistics().incoming_dropped, 0);
    }
}

#[tokio::test]
async fn the_modem_is_given_one_frame_for_each_of_its_own() {
    let modem = Modem::new();
    let mut port = modem.open(Queues::default()).await;
    for n in 1..=3 {
        port.send_frame(&Frame([n; SAMPLES])).unwrap();
    }
    let speaking = modem.speak(octets(&counting(0, 5)), &[100]);
    for _ in 0..5 {
        recv(&mut port).await.unwrap();
    }
    let heard = modem.hear(5).await;
    assert_eq!(heard, [1, 2, 3, 0, 0].map(|n| vec![n; SAMPLES]));
    speaking.join().unwrap();
    let statistics = port.statistics();
    assert_eq!((statistics.received, statistics.sent, statistics.starved), (5, 3, 2));
}

#[tokio::test]
async fn a_modem_that_does_not_read_is_still_heard_and_its_samples_stay_in_step() {
    const FRAMES: usize = 600;
    let modem = Modem::new();
    let mut port = modem.open(Queues { incoming: FRAMES, ..Queues::default() }).await;
    let speaking = modem.speak(octets(&counting(0, FRAMES)), &[320]);
    for n in 0..FRAMES {
        // Each octet differs from its neighbour, so that a shift by one would be seen.
        port.send_frame(&Frame([0x0102 + n as i16; SAMPLES])).unwrap();
        assert_eq!(recv(&mut port).await.unwrap().0[..], counting(n, 1), "frame {n}");
    }
    speaking.join().unwrap();
    let before = port.statistics();
    assert!(before.outgoing_dropped > 0, "a pty holds some 64 KiB, and 192 000 octets were for it: {before:?}");

    // Now it reads, and goes on to speak; what comes after the gap is whole frames too, in order.
    let heard = modem.listen();
    let is_enough = || heard.lock().unwrap().last().is_some_and(|f| f[0] > 0x0102 + FRAMES as i16 + 20);
    let began = Instant::now();
    for n in FRAMES.. {
        if is_enough() {
            break;
        }
        assert!(began.elapsed() < LIMIT, "it hears nothing new");
        modem.speak(octets(&counting(n, 1)), &[320]).join().unwrap();
        port.send_frame(&Frame([0x0102 + n as i16; SAMPLES])).unwrap();
        recv(&mut port).await.unwrap();
    }
    let heard = heard.lock().unwrap().clone();
    let firsts: Vec<i16> = heard.iter().map(|f| f[0]).collect();
    assert!(heard.iter().all(|frame| frame.iter().all(|s| *s == frame[0])), "frames are whole");
    let sounding: Vec<i16> = firsts.iter().copied().filter(|s| *s != 0).collect();
    assert!(sounding.is_sorted_by(|a, b| a < b), "{firsts:?}");
}

#[tokio::test]
async fn a_modem_that_is_pulled_out_is_told_after_its_last_frame() {
    let modem = Modem::new();
    let mut port = modem.open(Queues::default()).await;
    modem.speak(octets(&counting(0, 2)), &[320]).join().unwrap();
    assert_eq!(recv(&mut port).await.unwrap().0[..], counting(0, 1));
    assert_eq!(recv(&mut port).await.unwrap().0[..], counting(1, 1));
    drop(modem);
    let Lost { why } = recv(&mut port).await.expect_err("the line is gone");
    assert!(!why.is_empty());
    assert!(port.send_frame(&Frame::SILENCE).is_err());
}

#[tokio::test]
async fn a_closed_port_can_be_opened_again_at_once_and_begins_afresh() {
    let modem = Modem::new();
    let port = modem.open(Queues::default()).await;
    let twice = AudioPort::open(modem.config(Queues::default())).await;
    assert!(matches!(twice, Err(OpenError::Tty { .. })), "one owner at a time");
    port.close().await;
    // Half a frame of the last call lies there.
    modem.speak(vec![1; 161], &[161]).join().unwrap();
    let mut port = modem.open(Queues::default()).await;
    modem.speak(octets(&counting(0, 1)), &[320]).join().unwrap();
    assert_eq!(recv(&mut port).await.unwrap().0[..], counting(0, 1));
}

#[tokio::test]
async fn a_port_that_is_not_there_is_named() {
    let device = Device::Tty { path: "/dev/no-such-port".into(), baud: 115_200 };
    let error = AudioPort::open(Config { device, queues: Queues::default() }).await.expect_err("there is none");
    assert_eq!(error.to_string(), "opening /dev/no-such-port");
}
