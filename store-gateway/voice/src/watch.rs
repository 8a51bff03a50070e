//! Whether a leg's sound is alive: none within two seconds, only digital silence, or a peer that is gone.
//!
//! Decides when to warn and when a leg is dead. Never hangs up itself, and says nothing while a leg is on hold, after it
//! announced a pause (comfort noise), or before it was answered. The media shell feeds it and asks it after its timer;
//! "one-way" is one leg's warning while the other's sound comes.

use std::time::Duration;

use sans_io::Instant;

use crate::frame::Frame;

/// How patient it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Without packets for so long, or with nothing but flat sound, a warning is due.
    pub warn: Duration,
    /// Without packets for so long the leg is dead.
    pub dead: Duration,
}

impl Default for Config {
    /// Warns after 1.9 s, so that it is said within two seconds; dead after 30 s.
    fn default() -> Self {
        Self { warn: Duration::from_millis(1_900), dead: Duration::from_secs(30) }
    }
}

/// What a leg's sound is like; told at each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// It comes.
    Alive,
    /// No packets come.
    Missing,
    /// Packets come, all samples are the same: a muted or broken source.
    Flat,
    /// No packets for so long that the leg is to be hung up. Told once, and last.
    Dead,
}

/// Whether silence is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Sound should come.
    Sound,
    /// On hold, or not answered yet.
    Nothing,
}

/// The watch over one leg.
#[derive(Clone, Debug)]
pub struct Watch {
    config: Config,
    expect: Expect,
    paused: bool,
    heard: Instant,
    lively: Instant,
    told: Sound,
}

impl Watch {
    /// A leg from which nothing is expected yet.
    pub const fn new(config: Config, now: Instant) -> Self {
        Self { config, expect: Expect::Nothing, paused: false, heard: now, lively: now, told: Sound::Alive }
    }

    /// The leg was answered, put on hold or taken off.
    pub fn handle_expect(&mut self, expect: Expect, now: Instant) {
        self.expect = expect;
        self.paused = false;
        (self.heard, self.lively) = (now, now);
    }

    /// A believed packet came, with this sound in it; `None` for an event or a report, which are life but no sound.
    pub fn handle_packet(&mut self, sound: Option<&Frame>, now: Instant) {
        self.heard = now;
        match sound {
            Some(frame) => {
                self.paused = false;
                if !frame.is_flat() {
                    self.lively = now;
                }
            }
            // A held key mutes the microphone.
            None => self.lively = now,
        }
    }

    /// Comfort noise came: nothing need follow it until the other side speaks.
    pub const fn handle_noise(&mut self, now: Instant) {
        self.paused = true;
        (self.heard, self.lively) = (now, now);
    }

    /// What the sound is like, when that has changed.
    pub fn poll_change(&mut self, now: Instant) -> Option<Sound> {
        let sound = self.judge(now);
        if sound == self.told || self.told == Sound::Dead {
            return None;
        }
        self.told = sound;
        Some(sound)
    }

    /// When to ask again, if nothing comes.
    pub fn next_timeout(&self) -> Option<Instant> {
        if self.is_excused() || self.told == Sound::Dead {
            return None;
        }
        let (heard, lively) = (self.heard + self.config.warn, self.lively + self.config.warn);
        match self.told {
            Sound::Alive => Some(heard.min(lively)),
            Sound::Flat => Some(heard),
            Sound::Missing | Sound::Dead => Some(self.heard + self.config.dead),
        }
    }

    fn judge(&self, now: Instant) -> Sound {
        let silent = now.since(self.heard);
        match () {
            () if self.is_excused() => Sound::Alive,
            () if silent >= self.config.dead => Sound::Dead,
            () if silent >= self.config.warn => Sound::Missing,
            () if now.since(self.lively) >= self.config.warn => Sound::Flat,
            () => Sound::Alive,
        }
    }

    fn is_excused(&self) -> bool {
        self.paused || self.expect == Expect::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn watch() -> Watch {
        let mut watch = Watch::new(Config::default(), at(0));
        assert_eq!((watch.next_timeout(), watch.poll_change(at(100_000))), (None, None), "not answered yet");
        watch.handle_expect(Expect::Sound, at(0));
        watch
    }

    fn voice() -> Frame {
        Frame(std::array::from_fn(|i| (i % 7) as i16))
    }

    #[test]
    fn warns_within_two_seconds_and_gives_up_after_thirty() {
        let mut watch = watch();
        watch.handle_packet(Some(&voice()), at(1_000));
        assert_eq!(watch.next_timeout(), Some(at(2_900)));
        assert_eq!(watch.poll_change(at(2_899)), None);
        assert_eq!(watch.poll_change(at(2_900)), Some(Sound::Missing));
        assert_eq!((watch.poll_change(at(3_000)), watch.next_timeout()), (None, Some(at(31_000))));
        assert_eq!(watch.poll_change(at(31_000)), Some(Sound::Dead));
        assert_eq!((watch.poll_change(at(32_000)), watch.next_timeout()), (None, None));
    }

    #[test]
    fn flat_sound_is_told_and_a_voice_ends_it() {
        let mut watch = watch();
        for tick in 0..100 {
            watch.handle_packet(Some(&Frame::SILENCE), at(tick * 20));
        }
        assert_eq!(watch.poll_change(at(1_980)), Some(Sound::Flat));
        watch.handle_packet(Some(&voice()), at(2_000));
        assert_eq!(watch.poll_change(at(2_000)), Some(Sound::Alive));
    }

    #[test]
    fn says_nothing_on_hold_or_during_comfort_noise() {
        let mut watch = watch();
        watch.handle_noise(at(1_000));
        assert_eq!((watch.poll_change(at(300_000)), watch.next_timeout()), (None, None));
        watch.handle_packet(Some(&voice()), at(300_000));
        watch.handle_expect(Expect::Nothing, at(300_020));
        assert_eq!(watch.poll_change(at(900_000)), None);
        watch.handle_expect(Expect::Sound, at(900_000));
        assert_eq!(watch.poll_change(at(901_899)), None, "the time on hold does not count");
        assert_eq!(watch.poll_change(at(901_900)), Some(Sound::Missing));
    }
}
