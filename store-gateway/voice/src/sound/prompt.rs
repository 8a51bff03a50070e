//! Prompts on their way out.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::frame::{Frame, SAMPLES};

/// Prompts in a row: a menu and three orders.
const MOST_PROMPTS: usize = 16;

/// No more prompts can wait; the one given was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_PROMPTS} prompts wait to be played already")]
pub struct PlaybackFull;

/// What is played to one leg.
#[derive(Clone, Debug, Default)]
pub struct Playback {
    prompts: VecDeque<Arc<[i16]>>,
    at: usize,
}

impl Playback {
    /// Adds a prompt behind the others.
    ///
    /// # Errors
    /// [`PlaybackFull`] when too many wait.
    pub fn push(&mut self, samples: Arc<[i16]>) -> Result<(), PlaybackFull> {
        if self.prompts.len() == MOST_PROMPTS {
            return Err(PlaybackFull);
        }
        self.prompts.push_back(samples);
        Ok(())
    }

    /// Stops at once.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// The next 20 ms; `None` when all was played: tell the call by `handle_prompt_done`.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        let mut frame = Frame::SILENCE;
        let mut filled = 0;
        while filled < SAMPLES {
            let Some(prompt) = self.prompts.front() else { break };
            let rest = &prompt[self.at.min(prompt.len())..];
            let taken = rest.len().min(SAMPLES - filled);
            frame.0[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            self.at += taken;
            if taken == rest.len() {
                self.prompts.pop_front();
                self.at = 0;
            }
        }
        (filled > 0).then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_follow_each_other_without_a_gap_and_the_last_is_filled_up() {
        let mut playback = Playback::default();
        for (value, length) in [(1_i16, 100), (2, 0), (3, 70)] {
            playback.push(vec![value; length].into()).unwrap();
        }
        let first = playback.poll_frame().unwrap();
        assert_eq!((first.0[99], first.0[100], first.0[159]), (1, 3, 3));
        assert_eq!(playback.poll_frame().unwrap().0[9..11], [3, 0]);
        assert_eq!(playback.poll_frame(), None);
    }

    #[test]
    fn refuses_the_seventeenth_and_stops_at_once() {
        let mut playback = Playback::default();
        let tries = (0..17).map(|_| playback.push(vec![1; 9_999].into())).filter(Result::is_ok).count();
        assert_eq!(tries, 16);
        playback.stop();
        assert_eq!(playback.poll_frame(), None);
    }
}
