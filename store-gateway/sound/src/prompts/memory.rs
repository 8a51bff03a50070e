//! What was played last, and what failed last.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use shop_model::language::Language;
use tokio::time::Instant;

use super::Why;
use super::cache::Key;

/// Failures of single texts that are remembered; of more the oldest is tried again early.
const MOST_FAILURES: usize = 64;

/// The sounds that were used last.
pub(super) struct Recent {
    most_samples: usize,
    samples: usize,
    /// The last used one at the end.
    sounds: VecDeque<Sound>,
}

struct Sound {
    name: String,
    samples: Arc<[i16]>,
    /// When it was marked on disk as used.
    marked: Instant,
}

impl Recent {
    pub(super) fn new(most_samples: usize) -> Self {
        Self { most_samples, samples: 0, sounds: VecDeque::new() }
    }

    /// A sound, and whether its mark on disk is fresh; it is taken to be marked when it is not.
    pub(super) fn find(&mut self, name: &str, now: Instant, mark_every: Duration) -> Option<(Arc<[i16]>, bool)> {
        let at = self.sounds.iter().position(|s| s.name == name)?;
        let mut sound = self.sounds.remove(at)?;
        let is_fresh = now.duration_since(sound.marked) < mark_every;
        if !is_fresh {
            sound.marked = now;
        }
        let samples = sound.samples.clone();
        self.sounds.push_back(sound);
        Some((samples, is_fresh))
    }

    /// Adds a sound; those used longest ago go. One that is longer than all room is not kept.
    pub(super) fn add(&mut self, name: String, samples: Arc<[i16]>, now: Instant) {
        if let Some(at) = self.sounds.iter().position(|s| s.name == name) {
            self.remove(at);
        }
        if samples.len() > self.most_samples {
            return;
        }
        self.samples += samples.len();
        self.sounds.push_back(Sound { name, samples, marked: now });
        while self.samples > self.most_samples {
            self.remove(0);
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(gone) = self.sounds.remove(at) {
            self.samples -= gone.samples.len();
        }
    }
}

/// What a failure is believed of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Language(Language),
    Text(Key),
}

/// What failed, and is not tried again for a while.
pub(super) struct Failures {
    retry_after: Duration,
    failures: VecDeque<(Scope, Why, Instant)>,
}

impl Failures {
    pub(super) fn new(retry_after: Duration) -> Self {
        Self { retry_after, failures: VecDeque::new() }
    }

    /// Remembers a failure.
    pub(super) fn add(&mut self, scope: Scope, why: Why, now: Instant) {
        if self.failures.len() == MOST_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back((scope, why, now));
    }

    /// Why a text would fail now.
    pub(super) fn find(&mut self, language: Language, key: Key, now: Instant) -> Option<Why> {
        self.failures.retain(|(_, _, at)| now.duration_since(*at) < self.retry_after);
        let scopes = [Scope::All, Scope::Language(language), Scope::Text(key)];
        self.failures.iter().find(|(scope, _, _)| scopes.contains(scope)).map(|(_, why, _)| why.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_what_was_used_last_within_its_bound() {
        let (now, hour) = (Instant::now(), Duration::from_secs(3_600));
        let mut recent = Recent::new(100);
        for (name, length) in [("a", 40), ("b", 40)] {
            recent.add(name.into(), vec![1; length].into(), now);
        }
        assert!(recent.find("a", now, hour).is_some());
        recent.add("c".into(), vec![1; 40].into(), now);
        recent.add("too long".into(), vec![1; 101].into(), now);
        let there = ["a", "b", "c", "too long"].map(|name| recent.find(name, now, hour).is_some());
        assert_eq!(there, [true, false, true, false]);
    }

    #[test]
    fn a_sound_in_memory_asks_to_be_marked_now_and_then() {
        let (now, hour) = (Instant::now(), Duration::from_secs(3_600));
        let mut recent = Recent::new(100);
        recent.add("a".into(), vec![1; 40].into(), now);
        let mut fresh = |after: Duration| recent.find("a", now + after, hour).map(|(_, is_fresh)| is_fresh);
        assert_eq!(fresh(hour / 2), Some(true));
        assert_eq!(fresh(hour * 2), Some(false));
        assert_eq!(fresh(hour * 2), Some(true));
    }

    #[test]
    fn a_failure_is_believed_for_its_time_and_of_its_scope() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let (one, other) = (Key::of(&["one"]), Key::of(&["other"]));
        let mut failures = Failures::new(second * 30);
        let (pl, uk) = (Language::Pl, Language::Uk);
        failures.add(Scope::Text(one), Why::TooMuch, now);
        assert_eq!(failures.find(pl, one, now + second * 29), Some(Why::TooMuch));
        assert_eq!(failures.find(pl, other, now), None);
        failures.add(Scope::Language(uk), Why::Failed(None), now);
        assert_eq!(failures.find(uk, other, now), Some(Why::Failed(None)));
        assert_eq!(failures.find(pl, other, now), None);
        failures.add(Scope::All, Why::NoProgram, now + second * 29);
        assert_eq!(failures.find(pl, other, now + second * 30), Some(Why::NoProgram));
        assert_eq!(failures.find(pl, one, now + second * 59), None);
    }
}
