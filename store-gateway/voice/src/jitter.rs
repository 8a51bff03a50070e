//! When each sample is played: a buffer that is as deep as the network's jitter asks for, and no deeper.
//!
//! Samples lie on the sender's own time line, so packets may hold any amount of sound, come twice, late or in any
//! order. Each tick takes 20 ms off the line. What is missing is concealed by going on with the last pitch and fading;
//! comfort noise and pauses are not loss. The depth follows the measured jitter: it grows by a concealed frame and
//! shrinks by leaving one out, where it is quiet if there is such a place soon.
//!
//! Never holds more than half a second, and counts everything that it drops. The media shell calls it for every packet
//! and every tick.

mod conceal;
mod noise;

use std::time::Duration;

use sans_io::{Instant, Rng};

use crate::frame::{Frame, RATE, SAMPLES};
use conceal::Concealer;
pub use noise::Noise;

/// Samples on the line at once: 512 ms. A power of two, so that a timestamp's low bits are its place.
const CAPACITY: usize = 4_096;
/// A step of the timestamp of more than this is a restart, not a pause.
const MOST_STEP: i64 = 2 * RATE as i64;
/// One frame, as a length of the line.
const FRAME: i64 = SAMPLES as i64;
/// Ticks for which a frame to leave out waits for a quiet place.
const PATIENCE: u32 = 25;

/// How deep the buffer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Never less.
    pub min: Duration,
    /// Never more; [`Config::new`] holds it to 400 ms.
    pub max: Duration,
}

impl Default for Config {
    /// 20 to 200 ms.
    fn default() -> Self {
        Self::new(Duration::from_millis(20), Duration::from_millis(200))
    }
}

impl Config {
    /// Bounds, held to what the buffer can be: 20 ms up to 400 ms.
    pub fn new(min: Duration, max: Duration) -> Self {
        let (least, most) = (Duration::from_millis(20), Duration::from_millis(400));
        let min = min.clamp(least, most);
        Self { min, max: max.clamp(min, most) }
    }
}

/// What became of sound, in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames played with at least some sound that came.
    pub played: u64,
    /// Frames of which some or all was made up.
    pub concealed: u64,
    /// Frames of silence or comfort noise, where nothing was missing.
    pub quiet: u64,
    /// Packets dropped: their time to be played was over.
    pub late: u64,
    /// Packets dropped: all of it was there already.
    pub duplicate: u64,
    /// Packets dropped: further ahead than the buffer is long.
    pub overflow: u64,
    /// Frames put in to become deeper.
    pub stretched: u64,
    /// Frames left out to become shallower.
    pub shortened: u64,
    /// Times when the line began anew.
    pub restarts: u64,
}

/// What a tick's frame is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// All of it came.
    Heard,
    /// Some or all of it was made up.
    Concealed,
    /// The other side is silent, and said so or said nothing for long.
    Quiet,
}

/// What is known of sound that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// It should be there.
    Loss,
    /// The sender paused on purpose.
    Pause,
}

/// The buffer of one stream.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    config: Config,
    line: Box<[Option<i16>; CAPACITY]>,
    /// The extended timestamp that is played next, once anything came.
    play: Option<i64>,
    /// The end of the last sound on the line.
    end: i64,
    /// Mean of how long before their time packets come, in 16ths of samples.
    margin_16: i64,
    /// The interarrival jitter in 16ths of samples (RFC 3550 appendix A.8).
    jitter_16: i64,
    /// Extra depth after late packets, in samples; it decays.
    spike: i64,
    last: Option<(Instant, i64)>,
    gap: Gap,
    /// Ticks in a row for which it was too deep.
    too_deep: u32,
    concealer: Concealer,
    noise: Noise,
    rng: Rng,
    counts: Counts,
}

impl JitterBuffer {
    /// An empty buffer. `seed` only colours its comfort noise.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            line: Box::new([None; CAPACITY]),
            play: None,
            end: 0,
            margin_16: 0,
            jitter_16: 0,
            spike: 0,
            last: None,
            gap: Gap::Loss,
            too_deep: 0,
            concealer: Concealer::default(),
            noise: Noise::default(),
            rng: Rng::new(seed),
            counts: Counts::default(),
        }
    }

    /// Counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How deep it means to be.
    pub fn target(&self) -> Duration {
        samples_to_time(self.target_samples())
    }

    /// How much sound lies ready.
    pub fn depth(&self) -> Duration {
        samples_to_time(self.play.map_or(0, |play| (self.end - play).max(0)))
    }

    /// Another source speaks from now on: its time line is its own.
    pub fn handle_new_source(&mut self) {
        self.restart();
    }

    /// Decoded sound of a packet.
    pub fn handle_sound(&mut self, timestamp: u32, samples: &[i16], now: Instant) {
        let Some(at) = self.place(timestamp, now) else { return };
        self.gap = Gap::Loss;
        let play = self.play.unwrap_or(at);
        let stop = at + samples.len() as i64;
        if stop <= play {
            self.late(play - at);
            return;
        }
        if stop - play > CAPACITY as i64 {
            self.counts.overflow += 1;
            return;
        }
        self.note_margin(at - play);
        let mut fresh = false;
        for (time, sample) in (at..stop).zip(samples).skip_while(|(time, _)| *time < play) {
            let slot = &mut self.line[place_of(time)];
            fresh |= slot.is_none();
            slot.get_or_insert(*sample);
        }
        self.counts.duplicate += u64::from(!fresh);
        if at < play {
            self.late(play - at);
        }
        self.end = self.end.max(stop);
    }

    /// A comfort noise packet (RFC 3389): silence from its time on, with this noise.
    pub fn handle_noise(&mut self, timestamp: u32, payload: &[u8], now: Instant) {
        self.noise = Noise::parse(payload);
        if self.place(timestamp, now).is_some() {
            self.gap = Gap::Pause;
        }
    }

    /// The sender sends something else than sound, such as an event: nothing is missing until sound comes again.
    pub const fn handle_pause(&mut self) {
        self.gap = Gap::Pause;
    }

    /// Takes what is to be played in this tick.
    pub fn poll_frame(&mut self) -> (Frame, Made) {
        let Some(play) = self.play else {
            self.counts.quiet += 1;
            return (Frame::SILENCE, Made::Quiet);
        };
        self.decay();
        let off = self.margin_16 / 16 - self.target_samples();
        if off < -FRAME && self.end > play {
            return self.stretch();
        }
        if off > 2 * FRAME && self.end - play > FRAME {
            self.too_deep += 1;
            if self.too_deep > PATIENCE || self.peek_is_quiet(play) {
                self.leave_out(play);
            }
        } else {
            self.too_deep = 0;
        }
        self.take()
    }

    fn take(&mut self) -> (Frame, Made) {
        let play = self.play.unwrap_or(self.end);
        let mut frame = [None; SAMPLES];
        for (time, to) in (play..).zip(&mut frame) {
            *to = self.line[place_of(time)].take();
        }
        self.play = Some(play + FRAME);
        let heard = frame.iter().flatten().count();
        let paused = self.gap == Gap::Pause && self.end <= play + FRAME;
        let faded = self.concealer.has_faded();
        let frame = self.concealer.fill(&frame);
        match heard {
            SAMPLES => {
                self.counts.played += 1;
                (frame, Made::Heard)
            }
            0 if paused || faded => {
                self.counts.quiet += 1;
                let mut frame = frame;
                if paused {
                    frame.mix(&self.noise.frame(&mut self.rng));
                }
                (frame, Made::Quiet)
            }
            0 => {
                self.counts.concealed += 1;
                (frame, Made::Concealed)
            }
            _ => {
                self.counts.played += 1;
                // The end of a talk need not fall on a frame's end.
                if paused {
                    return (frame, Made::Heard);
                }
                self.counts.concealed += 1;
                (frame, Made::Concealed)
            }
        }
    }

    /// Deeper by one frame: made up, the line stands still.
    fn stretch(&mut self) -> (Frame, Made) {
        self.margin_16 += FRAME * 16;
        self.counts.stretched += 1;
        self.too_deep = 0;
        (self.concealer.fill(&[None; SAMPLES]), Made::Concealed)
    }

    /// Shallower by one frame.
    fn leave_out(&mut self, play: i64) {
        for time in play..play + FRAME {
            self.line[place_of(time)] = None;
        }
        self.play = Some(play + FRAME);
        self.margin_16 -= FRAME * 16;
        self.counts.shortened += 1;
        self.too_deep = 0;
        self.concealer.note_jump();
    }

    fn peek_is_quiet(&self, play: i64) -> bool {
        let mut frame = Frame::SILENCE;
        for (time, to) in (play..).zip(&mut frame.0) {
            *to = self.line[place_of(time)].unwrap_or(0);
        }
        frame.is_quiet()
    }

    /// The extended time of a packet, and when it is to be played if it is the first after a pause; `None` when the
    /// line has just begun anew too close to it to matter.
    fn place(&mut self, timestamp: u32, now: Instant) -> Option<i64> {
        let reference = self.last.map_or(i64::from(timestamp), |(_, at)| at);
        let step = i64::from(timestamp.wrapping_sub(reference as u32).cast_signed());
        let at = reference + step;
        let fits = self.play.is_none_or(|play| (at - play).abs() <= MOST_STEP);
        if self.last.is_some() && !fits {
            self.restart();
        }
        self.note_jitter(at, now);
        let silent = self.play.is_none_or(|play| self.end <= play && self.concealer.has_faded());
        if silent {
            // Nothing is being played: the line can be set anew without anybody hearing it.
            self.anchor(at);
        }
        Some(at)
    }

    fn anchor(&mut self, at: i64) {
        self.line.fill(None);
        self.play = Some(at - self.target_samples());
        self.end = at;
        self.margin_16 = self.target_samples() * 16;
        self.too_deep = 0;
    }

    fn restart(&mut self) {
        self.line.fill(None);
        self.play = None;
        self.last = None;
        self.spike = 0;
        self.gap = Gap::Loss;
        self.counts.restarts += 1;
    }

    fn late(&mut self, by: i64) {
        self.counts.late += 1;
        self.spike = self.spike.max(by + FRAME).min(time_to_samples(self.config.max));
        // The mean follows too slowly when packets come too late to be played at all.
        self.note_margin(-by);
    }

    fn note_margin(&mut self, margin: i64) {
        self.margin_16 += margin - self.margin_16 / 16;
    }

    fn note_jitter(&mut self, at: i64, now: Instant) {
        if let Some((arrived, sent)) = self.last {
            let apart = i64::try_from(now.since(arrived).as_micros()).unwrap_or(i64::MAX / 10_000);
            let apart = apart * i64::from(RATE) / 1_000_000;
            // A pause is no jitter.
            let difference = (apart - (at - sent)).abs().min(CAPACITY as i64);
            self.jitter_16 += difference - (self.jitter_16 + 8) / 16;
        }
        self.last = Some((now, at));
    }

    /// A spike is forgotten within some ten seconds.
    fn decay(&mut self) {
        if self.spike > 0 && self.counts.played.is_multiple_of(5) {
            self.spike -= (self.spike / 64).max(1);
        }
    }

    /// One frame, and three times the jitter: a normal distribution's 99.7 %.
    fn target_samples(&self) -> i64 {
        let wanted = FRAME + (3 * self.jitter_16 / 16).max(self.spike);
        wanted.clamp(time_to_samples(self.config.min), time_to_samples(self.config.max))
    }
}

const fn place_of(time: i64) -> usize {
    time.rem_euclid(CAPACITY as i64) as usize
}

fn samples_to_time(samples: i64) -> Duration {
    Duration::from_micros(samples.unsigned_abs() * 1_000_000 / u64::from(RATE))
}

fn time_to_samples(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(0) * i64::from(RATE) / 1_000_000
}
