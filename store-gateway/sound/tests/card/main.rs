//! Sound cards: cpal and ALSA for real, on null sinks of a PulseAudio server, which has no card. Sound moves there in lumps
//! of its own size and has gaps when the machine is busy, so these tests wait until enough of the right pitch was heard, and
//! never measure delay.
//!
//! ALSA finds its devices by the home folder's `.asoundrc`, so each test runs itself again as another process with a home
//! of its own.
#![cfg(feature = "cpal")]

mod server;

use std::env;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use server::{INPUT, INPUT_WORDS, LIMIT, OUTPUT, Server, write_home};
use store_sound::port::{AudioPort, Config, Device, OpenError, Queues, Statistics, list_devices};
use store_voice::Frame;
use store_voice::frame::SAMPLES;

/// Set in the second process.
const INNER: &str = "STORE_SOUND_CARD_TEST";
/// What the modem says and what the gateway says.
const MODEM_PITCH: f64 = 1_000.0;
const STORE_PITCH: f64 = 1_310.0;
/// Samples of a window, in which a pitch is looked for: 50 ms, two frames and a half.
const WINDOW: usize = 400;
/// Windows with the right pitch that are enough: two seconds.
const ENOUGH: usize = 40;

/// One test at a time: each has a server and threads that want to be in time.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a test in a process with a home of its own.
fn with_home(test: &str, inner: impl AsyncFnOnce(&Path)) {
    if let Some(home) = env::var_os(INNER) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(inner(&PathBuf::from(home)));
    }
    let needs = [("pulseaudio", "pulseaudio"), ("pacat", "pulseaudio-utils"), ("pactl", "pulseaudio-utils")];
    for (program, package) in needs {
        let there = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        assert!(there.is_ok_and(|s| s.success()), "{program} is missing: apt-get install {package} (or ./dev setup)");
    }
    let plugins = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let has_plugin = plugins.into_iter().any(|e| e.path().join("alsa-lib/libasound_module_pcm_pulse.so").exists());
    assert!(has_plugin, "ALSA's pulse plugin is missing: apt-get install libasound2-plugins (or ./dev setup)");
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let home = tempfile::tempdir().unwrap();
    write_home(home.path());
    let done = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INNER, home.path())
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("XDG_RUNTIME_DIR", home.path())
        .output()
        .unwrap();
    let [said, complained] = [&done.stdout, &done.stderr].map(|o| String::from_utf8_lossy(o));
    println!("{said}");
    assert!(done.status.success(), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "the test ran: {said}");
}

/// A tone, frame by frame.
struct Tone {
    pitch: f64,
    at: u32,
}

impl Tone {
    fn frame(&mut self) -> Frame {
        let mut frame = Frame::SILENCE;
        for sample in &mut frame.0 {
            *sample = (8_000.0 * (TAU * self.pitch * f64::from(self.at) / 8_000.0).sin()) as i16;
            self.at += 1;
        }
        frame
    }
}

/// How many windows hold a pitch and nothing else, and how many hold another sound (Goertzel).
fn windows(sound: &[i16], pitch: f64) -> (usize, usize) {
    let (mut pure, mut other) = (0, 0);
    for window in sound.chunks_exact(WINDOW) {
        let energy: f64 = window.iter().map(|s| f64::from(*s).powi(2)).sum();
        if energy < WINDOW as f64 * 100.0 {
            continue;
        }
        let coefficient = 2.0 * (TAU * pitch / 8_000.0).cos();
        let (mut one, mut two) = (0.0, 0.0);
        for sample in window {
            (one, two) = (f64::from(*sample) + coefficient * one - two, one);
        }
        let found = one * one + two * two - coefficient * one * two;
        if 2.0 * found / (WINDOW as f64 * energy) > 0.97 { pure += 1 } else { other += 1 }
    }
    (pure, other)
}

fn config(rate: Option<u32>) -> Config {
    let device = Device::Card { input: INPUT.to_owned(), output: OUTPUT.to_owned(), rate };
    // The server's lumps may be long.
    Config { device, queues: Queues { incoming: 200, outgoing: 200 } }
}

/// Talks both ways until both have heard enough of the other.
async fn talk(server: &Server, rate: Option<u32>) -> Statistics {
    let mut modem = Tone { pitch: MODEM_PITCH, at: 0 };
    let _mouth = server.speak(move || modem.frame().0.iter().flat_map(|s| s.to_le_bytes()).collect());
    let mut port = tokio::time::timeout(LIMIT, AudioPort::open(config(rate))).await.unwrap().unwrap();
    let (_ear, at_modem) = server.hear();
    let (mut store, mut at_store) = (Tone { pitch: STORE_PITCH, at: 0 }, Vec::new());
    let began = Instant::now();
    loop {
        let frame = tokio::time::timeout(LIMIT, port.recv_frame()).await.expect("frames come").unwrap();
        at_store.extend(frame.0);
        port.send_frame(&store.frame()).unwrap();
        if at_store.len() % (50 * SAMPLES) != 0 {
            continue;
        }
        let heard = [windows(&at_store, MODEM_PITCH), windows(&at_modem.lock().unwrap(), STORE_PITCH)];
        if heard.iter().all(|(pure, _)| *pure >= ENOUGH) {
            println!("{rate:?}: windows with the pitch and others, at the store and at the modem: {heard:?}");
            break;
        }
        assert!(began.elapsed() < LIMIT, "windows with the pitch and others: {heard:?}, {:?}", port.statistics());
    }
    let statistics = port.statistics();
    println!("{statistics:?}");
    assert!(statistics.received as usize * SAMPLES >= at_store.len());
    assert_eq!(statistics.sent as usize * SAMPLES, at_store.len());
    tokio::time::timeout(LIMIT, port.close()).await.expect("it closes");
    statistics
}

async fn both_ways(home: &Path, rate: Option<u32>) {
    let server = Server::start(home);
    let statistics = talk(&server, rate).await;
    assert_eq!((statistics.incoming_dropped, statistics.outgoing_dropped), (0, 0));
}

#[test]
fn a_tone_goes_both_ways_at_the_line_s_own_rate() {
    with_home("a_tone_goes_both_ways_at_the_line_s_own_rate", async |home| both_ways(home, None).await);
}

#[test]
fn a_tone_goes_both_ways_through_a_card_of_48_khz() {
    with_home("a_tone_goes_both_ways_through_a_card_of_48_khz", async |home| both_ways(home, Some(48_000)).await);
}

#[test]
fn a_tone_goes_both_ways_through_a_card_of_44_1_khz() {
    with_home("a_tone_goes_both_ways_through_a_card_of_44_1_khz", async |home| both_ways(home, Some(44_100)).await);
}

#[test]
fn a_card_that_is_lost_is_told_and_can_be_opened_when_it_is_back() {
    with_home("a_card_that_is_lost_is_told_and_can_be_opened_when_it_is_back", async |home| {
        let server = Server::start(home);
        let mut port = AudioPort::open(config(None)).await.unwrap();
        tokio::time::timeout(LIMIT, port.recv_frame()).await.unwrap().unwrap();
        server.kill();
        let lost = tokio::time::timeout(LIMIT, async {
            loop {
                if let Err(lost) = port.recv_frame().await {
                    return lost;
                }
            }
        });
        let lost = lost.await.expect("the loss is told");
        println!("{lost}");
        assert!(port.send_frame(&Frame::SILENCE).is_err());
        tokio::time::timeout(LIMIT, port.close()).await.expect("it closes");
        let away = tokio::time::timeout(LIMIT, AudioPort::open(config(None))).await.expect("an answer comes");
        assert!(matches!(away, Err(OpenError::NotUsable { .. })), "{away:?}");

        let server = Server::start(home);
        talk(&server, None).await;
    });
}

#[test]
fn devices_are_listed_and_found_by_name_or_description() {
    with_home("devices_are_listed_and_found_by_name_or_description", async |home| {
        let _server = Server::start(home);
        let devices = list_devices().await.unwrap();
        let mouth = devices.iter().find(|d| d.name == INPUT).expect("it is listed");
        assert_eq!((mouth.description.as_str(), mouth.is_input), (INPUT_WORDS, true));
        assert!(devices.iter().any(|d| d.name == OUTPUT && d.is_output));

        let open = async |input: &str, rate| {
            let device = Device::Card { input: input.to_owned(), output: OUTPUT.to_owned(), rate };
            AudioPort::open(Config { device, queues: Queues::default() }).await
        };
        let port = open(INPUT_WORDS, None).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), port.close()).await.expect("it closes");
        let error = open("no such card", None).await.expect_err("there is none");
        assert_eq!(error.to_string(), "there is no sound device \"no such card\"");
        let error = open(INPUT, Some(7_000)).await.expect_err("no line has that rate");
        assert!(matches!(error, OpenError::NotUsable { .. }), "{error}");
    });
}
