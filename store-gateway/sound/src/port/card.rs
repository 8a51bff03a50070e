//! Sound cards and USB audio, by cpal.
//!
//! cpal calls back on threads of its own whenever the card has sound or wants some. A callback does nothing but copy
//! samples to or from a ring and wake the port's thread: it takes no lock and allocates nothing. That thread keeps the
//! streams, resamples, and moves frames between the rings and the port's queues.

mod choose;
mod ring;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{ErrorKind, FromSample, Sample, SampleFormat, SizedSample, Stream};
use tokio::sync::oneshot;

use super::link::{Ending, Link};
use super::{Found, OPEN_WAIT, OpenError};
use crate::resample::stream::{FromFrames, ToFrames};
use choose::{Chosen, Way, choose};
use ring::{Reader, Writer, ring};

/// How often the thread looks by itself; callbacks and the owner wake it before.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often cpal looks whether a silent device is still there.
const DEVICE_CHECK: Duration = Duration::from_secs(1);
/// A device that complains and has moved no sound for this long is lost. One complaint alone means little: ALSA's plugins
/// have an input/output error now and then and go on.
const GIVE_UP: Duration = Duration::from_secs(3);
/// Frames a second.
const FRAMES_A_SECOND: u32 = 50;
/// Sound that a ring has room for: a second, for cards and servers that move it in lumps.
const RING_S: usize = 1;
/// Frames that the card has in hand before it is given more: three bridge the thread's hiccups, at 60 ms of delay.
const AHEAD_FRAMES: usize = 3;
/// Frames that must wait before a card that ran dry is given sound again, so that it does not run dry at once.
const START_FRAMES: usize = 2;

/// Which devices.
pub(super) struct Names {
    pub(super) input: String,
    pub(super) output: String,
    pub(super) rate: Option<u32>,
}

pub(super) async fn list() -> Result<Vec<Found>, OpenError> {
    let listed = tokio::time::timeout(OPEN_WAIT, tokio::task::spawn_blocking(choose::list)).await;
    let panicked =
        |_| OpenError::NotUsable { name: "of any name".to_owned(), why: "the sound system failed".to_owned() };
    listed.map_err(|_| OpenError::Late)?.map_err(panicked)?
}

pub(super) async fn open(link: &Arc<Link>, names: Names) -> Result<Ending, OpenError> {
    let (ready, opened) = oneshot::channel();
    let shared = link.clone();
    let name = names.input.clone();
    let failed = |why: String| OpenError::NotUsable { name: name.clone(), why };
    let thread = thread::Builder::new().name("modem-sound".to_owned()).spawn(move || run(&shared, &names, ready));
    // From here on the thread ends when this is dropped, opened or not.
    let ending = Ending::Thread(link.clone(), Some(thread.map_err(|e| failed(e.to_string()))?));
    match tokio::time::timeout(OPEN_WAIT, opened).await {
        Ok(Ok(Ok(()))) => Ok(ending),
        Ok(Ok(Err(e))) => Err(e),
        Ok(Err(_)) => Err(failed("the sound system failed".to_owned())),
        Err(_) => Err(OpenError::Late),
    }
}

/// The thread: opens the devices, moves sound until they are lost or the port is closed, closes them.
fn run(link: &Arc<Link>, names: &Names, ready: oneshot::Sender<Result<(), OpenError>>) {
    link.set_thread(thread::current());
    let mut card = match Card::open(link, names) {
        Ok(card) => card,
        // Nobody listens when the wait was over before.
        Err(e) => return drop(ready.send(Err(e))),
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    while !link.is_ending.load(Ordering::Acquire) && !link.is_lost() {
        card.carry(link);
        thread::park_timeout(LOOK_EVERY);
    }
}

/// Both devices, opened.
struct Card {
    from_device: Reader,
    to_frames: ToFrames,
    scratch: Vec<f32>,
    to_device: Writer,
    from_frames: FromFrames,
    input: Stand,
    output: Stand,
    /// Dropped last: their callbacks use the rest.
    _streams: [Stream; 2],
}

impl Card {
    fn open(link: &Arc<Link>, names: &Names) -> Result<Self, OpenError> {
        let input = choose(&names.input, Way::In, names.rate)?;
        let output = choose(&names.output, Way::Out, names.rate)?;
        let [in_rate, out_rate] = [&input, &output].map(|chosen| chosen.config.sample_rate);
        tracing::info!(in_rate, in_format = %input.format, out_rate, out_format = %output.format, "the modem's sound is open");
        let (capture, from_device) = ring(in_rate as usize * RING_S);
        let (to_device, play) = ring(out_rate as usize * RING_S);
        let (in_stand, out_stand) = (Stand::new(Way::In, in_rate), Stand::new(Way::Out, out_rate));
        let listening = Capture { ring: capture, signs: in_stand.signs.clone(), link: link.clone() };
        let speaking = Playing { ring: play, has_begun: false, signs: out_stand.signs.clone(), link: link.clone() };
        let streams = [
            start(&names.input, input, |chosen| listen(chosen, link, listening))?,
            start(&names.output, output, |chosen| speak(chosen, link, speaking))?,
        ];
        let (to_frames, from_frames) = (ToFrames::new(in_rate), FromFrames::new(out_rate));
        Ok(Self {
            scratch: Vec::with_capacity(to_frames.most_needed()),
            from_device,
            to_frames,
            to_device,
            from_frames,
            input: in_stand,
            output: out_stand,
            _streams: streams,
        })
    }

    /// Moves what there is to move, and looks after the devices.
    fn carry(&mut self, link: &Link) {
        while self.from_device.waiting() >= self.to_frames.needed() {
            let needed = self.to_frames.needed();
            self.scratch.clear();
            let device = &mut self.from_device;
            self.scratch.extend(std::iter::from_fn(|| device.next()).take(needed));
            link.push_incoming(self.to_frames.frame(&self.scratch));
        }
        let is_dry = self.to_device.waiting() == 0;
        if !is_dry || link.outgoing_waiting() >= START_FRAMES {
            // With one frame that is on its way.
            let ahead = AHEAD_FRAMES * self.output.frame + self.from_frames.most_made();
            while self.to_device.waiting() + self.from_frames.most_made() <= ahead {
                let Some(frame) = link.pop_outgoing() else { break };
                // There is room: the ring holds a second.
                self.to_device.write(self.from_frames.samples(&frame).iter().copied());
            }
        }
        link.count_overruns(self.input.missed_frames());
        link.count_starved(self.output.missed_frames());
        let now = Instant::now();
        if let Some(why) = self.input.verdict(now).or_else(|| self.output.verdict(now)) {
            link.lose(why);
        }
    }
}

/// What a stream's callbacks tell.
#[derive(Default)]
struct Signs {
    /// Callbacks with sound.
    calls: AtomicU64,
    /// Samples that the ring had no room for, or did not have.
    missed: AtomicU64,
    /// What the device complained of last.
    complaint: Mutex<Option<String>>,
}

impl Signs {
    fn complaint(&self) -> MutexGuard<'_, Option<String>> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How one of the devices stands, as its port's thread sees it.
struct Stand {
    way: Way,
    signs: Arc<Signs>,
    /// Samples of a frame at the device's rate.
    frame: usize,
    /// Missed samples that were counted as frames.
    counted: u64,
    /// Callbacks that were seen, and when the last one was.
    calls: u64,
    since: Instant,
}

impl Stand {
    fn new(way: Way, rate: u32) -> Self {
        let frame = (rate / FRAMES_A_SECOND) as usize;
        Self { way, signs: Arc::default(), frame, counted: 0, calls: 0, since: Instant::now() }
    }

    /// Whole frames that were missed since the last time.
    fn missed_frames(&mut self) -> u64 {
        let frames = (self.signs.missed.load(Ordering::Relaxed) - self.counted) / self.frame as u64;
        self.counted += frames * self.frame as u64;
        frames
    }

    /// Why the device is lost, if it is.
    fn verdict(&mut self, now: Instant) -> Option<String> {
        let calls = self.signs.calls.load(Ordering::Relaxed);
        if calls != self.calls {
            (self.calls, self.since) = (calls, now);
            *self.signs.complaint() = None;
        }
        let is_over = now.duration_since(self.since) >= GIVE_UP;
        self.signs.complaint().as_ref().filter(|_| is_over).map(|why| format!("{:?}: {why}", self.way))
    }
}

/// What the input's callback has.
struct Capture {
    ring: Writer,
    signs: Arc<Signs>,
    link: Arc<Link>,
}

impl Capture {
    fn handle<T: Sample>(&mut self, data: &[T], channels: usize)
    where
        f32: FromSample<T>,
    {
        let one = |all: &[T]| all.iter().map(|s| s.to_sample::<f32>()).sum::<f32>() / channels as f32;
        let refused = self.ring.write(data.chunks_exact(channels).map(one));
        self.signs.missed.fetch_add(refused as u64, Ordering::Relaxed);
        self.signs.calls.fetch_add(1, Ordering::Relaxed);
        self.link.wake_thread();
    }
}

/// What the output's callback has.
struct Playing {
    ring: Reader,
    /// Whether there was anything to play yet.
    has_begun: bool,
    signs: Arc<Signs>,
    link: Arc<Link>,
}

impl Playing {
    fn handle<T: Sample + FromSample<f32>>(&mut self, data: &mut [T], channels: usize) {
        let mut missed = 0;
        self.has_begun |= self.ring.waiting() > 0;
        for all in data.chunks_exact_mut(channels) {
            let sample = self.ring.next().unwrap_or_else(|| {
                missed += 1;
                0.0
            });
            all.fill(sample.to_sample::<T>());
        }
        if self.has_begun {
            self.signs.missed.fetch_add(missed, Ordering::Relaxed);
        }
        self.signs.calls.fetch_add(1, Ordering::Relaxed);
        self.link.wake_thread();
    }
}

/// Builds a stream and starts it.
fn start(
    name: &str,
    chosen: Chosen,
    build: impl FnOnce(&Chosen) -> Result<Stream, cpal::Error>,
) -> Result<Stream, OpenError> {
    let started = build(&chosen).and_then(|stream| stream.play().map(|()| stream));
    started.map_err(|e| OpenError::NotUsable { name: name.to_owned(), why: e.to_string() })
}

/// What a device complains of. This is not the callback for sound, so it may lock.
fn complain(link: &Arc<Link>, way: Way, signs: &Arc<Signs>) -> impl FnMut(cpal::Error) + Send + 'static {
    let (link, signs) = (link.clone(), signs.clone());
    move |e| match e.kind() {
        ErrorKind::Xrun => link.count_overruns(1),
        ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        // cpal has given the stream up.
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
            link.lose(format!("{way:?}: {e}"));
            link.wake_thread();
        }
        _ => *signs.complaint() = Some(e.to_string()),
    }
}

fn listen(chosen: &Chosen, link: &Arc<Link>, capture: Capture) -> Result<Stream, cpal::Error> {
    match chosen.format {
        SampleFormat::I16 => listen_to::<i16>(chosen, link, capture),
        SampleFormat::I32 => listen_to::<i32>(chosen, link, capture),
        SampleFormat::F32 => listen_to::<f32>(chosen, link, capture),
        SampleFormat::F64 => listen_to::<f64>(chosen, link, capture),
        SampleFormat::U8 => listen_to::<u8>(chosen, link, capture),
        SampleFormat::U16 => listen_to::<u16>(chosen, link, capture),
        other => Err(cpal::Error::with_message(ErrorKind::UnsupportedConfig, format!("format {other} is not known"))),
    }
}

fn listen_to<T: SizedSample>(chosen: &Chosen, link: &Arc<Link>, mut capture: Capture) -> Result<Stream, cpal::Error>
where
    f32: FromSample<T>,
{
    let channels = usize::from(chosen.config.channels);
    let complain = complain(link, Way::In, &capture.signs);
    let handle = move |data: &[T], _: &cpal::InputCallbackInfo| capture.handle(data, channels);
    chosen.device.build_input_stream(chosen.config, handle, complain, Some(DEVICE_CHECK))
}

fn speak(chosen: &Chosen, link: &Arc<Link>, playing: Playing) -> Result<Stream, cpal::Error> {
    match chosen.format {
        SampleFormat::I16 => speak_to::<i16>(chosen, link, playing),
        SampleFormat::I32 => speak_to::<i32>(chosen, link, playing),
        SampleFormat::F32 => speak_to::<f32>(chosen, link, playing),
        SampleFormat::F64 => speak_to::<f64>(chosen, link, playing),
        SampleFormat::U8 => speak_to::<u8>(chosen, link, playing),
        SampleFormat::U16 => speak_to::<u16>(chosen, link, playing),
        other => Err(cpal::Error::with_message(ErrorKind::UnsupportedConfig, format!("format {other} is not known"))),
    }
}

fn speak_to<T: SizedSample + FromSample<f32>>(
    chosen: &Chosen,
    link: &Arc<Link>,
    mut playing: Playing,
) -> Result<Stream, cpal::Error> {
    let channels = usize::from(chosen.config.channels);
    let complain = complain(link, Way::Out, &playing.signs);
    let handle = move |data: &mut [T], _: &cpal::OutputCallbackInfo| playing.handle(data, channels);
    chosen.device.build_output_stream(chosen.config, handle, complain, Some(DEVICE_CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_counts_only_when_the_sound_has_stopped() {
        let mut stand = Stand::new(Way::Out, 8_000);
        let began = stand.since;
        let at = |ms: u64| began + Duration::from_millis(ms);
        let complain = |stand: &Stand| *stand.signs.complaint() = Some("input/output error".to_owned());
        assert_eq!(stand.verdict(at(5_000)), None, "a silent device is no lost one");
        stand.signs.calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!(stand.verdict(at(6_000)), None);
        complain(&stand);
        assert_eq!(stand.verdict(at(8_999)), None);
        stand.signs.calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!(stand.verdict(at(9_000)), None, "it goes on");
        assert_eq!(stand.verdict(at(20_000)), None, "and has forgotten the complaint");
        complain(&stand);
        assert_eq!(stand.verdict(at(20_020)).as_deref(), Some("Out: input/output error"));
    }

    #[test]
    fn missed_samples_are_counted_as_whole_frames() {
        let mut stand = Stand::new(Way::Out, 48_000);
        let counts = [959, 1, 1_919, 1, 0].map(|samples| {
            stand.signs.missed.fetch_add(samples, Ordering::Relaxed);
            stand.missed_frames()
        });
        assert_eq!(counts, [0, 1, 1, 1, 0]);
    }
}
