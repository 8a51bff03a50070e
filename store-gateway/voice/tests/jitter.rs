//! The jitter buffer on simulated networks: nothing is lost on a good one, little is heard of a bad one.

use std::time::Duration;

use proptest::prelude::*;
use sans_io::{Instant, Rng};
use store_voice::frame::SAMPLES;
use store_voice::jitter::{Config, Counts, JitterBuffer, Made};

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// Sample `i` of a stream that tells where it is from: each 20 ms has its own value.
fn block(number: u32) -> Vec<i16> {
    vec![i16::try_from(number % 20_000).unwrap() + 1_000; SAMPLES]
}

/// Sends `packets` of 20 ms; `delay` says how long each is under way in ms, or that it is lost.
fn run(packets: u32, mut delay: impl FnMut(u32) -> Option<u64>) -> (Vec<(i16, Made)>, JitterBuffer) {
    let mut buffer = JitterBuffer::new(Config::default(), 1);
    let mut arrivals: Vec<(u64, u32)> =
        (0..packets).filter_map(|i| delay(i).map(|d| (u64::from(i) * 20 + d, i))).collect();
    arrivals.sort();
    let mut arrivals = arrivals.into_iter().peekable();
    let mut played = Vec::new();
    for tick in 0..u64::from(packets) + 40 {
        let now = tick * 20 + 10;
        while let Some((ms, i)) = arrivals.next_if(|(ms, _)| *ms <= now) {
            buffer.handle_sound((i * 160).wrapping_sub(1_000), &block(i), at(ms));
        }
        let (frame, made) = buffer.poll_frame();
        played.push((frame.0[SAMPLES - 1], made));
    }
    (played, buffer)
}

fn heard(played: &[(i16, Made)]) -> Vec<i16> {
    played.iter().filter(|(_, made)| *made == Made::Heard).map(|(sample, _)| *sample).collect()
}

#[test]
fn a_steady_stream_is_played_whole_in_order_and_shallow() {
    let (played, buffer) = run(500, |_| Some(30));
    assert_eq!(heard(&played), (0..500).map(|i| block(i)[0]).collect::<Vec<_>>());
    let counts = buffer.counts();
    assert_eq!((counts.played, counts.late, counts.stretched, counts.shortened), (500, 0, 0, 0));
    assert_eq!(buffer.target(), Duration::from_millis(20));
}

#[test]
fn order_and_doubles_do_not_matter_within_the_depth() {
    let mut buffer = JitterBuffer::new(Config::new(Duration::from_millis(60), Duration::from_millis(60)), 1);
    for i in [0, 2, 1, 1, 3, 5, 4] {
        buffer.handle_sound(i * 160, &block(i), at(u64::from(i) * 20));
    }
    let played: Vec<_> = (0..9).map(|_| buffer.poll_frame()).map(|(f, made)| (f.0[159], made)).collect();
    assert_eq!(heard(&played), (0..6).map(|i| block(i)[0]).collect::<Vec<_>>());
    assert_eq!(buffer.counts().duplicate, 1);
}

#[test]
fn packets_of_10_30_and_40_ms_are_the_same_sound() {
    let sound: Vec<i16> = (0..4_800).map(|i| (i % 3_000) as i16 + 500).collect();
    for size in [80, 240, 320] {
        let mut buffer = JitterBuffer::new(Config::new(Duration::from_millis(60), Duration::from_millis(60)), 1);
        for (i, piece) in sound.chunks(size).enumerate() {
            buffer.handle_sound((i * size) as u32, piece, at((i * size / 8) as u64));
            if i * size >= 4_000 {
                break;
            }
        }
        let frames = (0..20).map(|_| buffer.poll_frame());
        let played: Vec<i16> = frames.filter(|(_, m)| *m == Made::Heard).flat_map(|(f, _)| f.0).collect();
        // The first 4 ms blend in from silence.
        assert_eq!(played[40..3_000], sound[40..3_000], "packets of {size} samples");
    }
}

#[test]
fn one_lost_packet_in_fifty_is_concealed_and_the_rest_is_heard() {
    let (played, buffer) = run(1_000, |i| (i % 50 != 49).then_some(30));
    let counts = buffer.counts();
    assert_eq!((counts.played, counts.stretched, counts.shortened), (980, 0, 0));
    // The last of the twenty is followed by nothing, where three frames fade.
    assert!((20..=23).contains(&counts.concealed), "{counts:?}");
    assert_eq!(heard(&played).len(), 980);
}

#[test]
fn depth_follows_the_jitter_up_and_down_and_hardly_anything_is_late() {
    let mut rng = Rng::new(7);
    // 10 s good, 20 s with 0–80 ms of jitter, 30 s good.
    let (_, buffer) = run(3_000, |i| match i {
        500..1_500 => Some(20 + rng.below(80)),
        _ => Some(20),
    });
    let counts = buffer.counts();
    assert!(counts.late < 30, "{counts:?}");
    assert!(counts.stretched >= 2 && counts.shortened >= 2, "{counts:?}");
    assert!(buffer.target() <= Duration::from_millis(21), "the good network is believed again");
}

#[test]
fn a_sender_whose_clock_runs_a_thousandth_off_is_followed_for_minutes() {
    // 20.02 or 19.98 ms a packet: over five minutes 300 ms, more than the buffer holds.
    for slow in [true, false] {
        let (_, buffer) = run(15_000, |i| Some(u64::from(if slow { 30 + i / 50 } else { 330 - i / 50 })));
        let counts = buffer.counts();
        assert!(counts.late <= 20 && counts.concealed <= 60, "slow {slow}: {counts:?}");
        let moved = if slow { counts.stretched } else { counts.shortened };
        assert!((10..=25).contains(&moved), "300 ms are 15 frames: {counts:?}");
    }
}

#[test]
fn a_stall_is_caught_up_with() {
    // Everything sent in 150 ms comes at once.
    let (played, buffer) =
        run(1_000, |i| if (100..108).contains(&i) { Some(30 + u64::from(108 - i) * 20) } else { Some(30) });
    assert!(buffer.counts().shortened >= 3, "{:?}", buffer.counts());
    let last = played.iter().rposition(|(_, made)| *made == Made::Heard).unwrap();
    // The last packet is sent at 19 980 ms; tick 1 002 plays at 20 050.
    assert!(last <= 1_006, "still {} ms behind", (last - 1_000) * 20);
}

#[test]
fn silence_that_is_announced_is_no_loss() {
    let mut buffer = JitterBuffer::new(Config::default(), 1);
    for i in 0..50 {
        buffer.handle_sound(i * 160, &block(i), at(u64::from(i) * 20));
        buffer.poll_frame();
    }
    let concealed = buffer.counts().concealed;
    buffer.handle_noise(50 * 160, &[40], at(1_000));
    let noises: Vec<_> = (0..100).map(|_| buffer.poll_frame()).collect();
    assert_eq!(buffer.counts().concealed, concealed);
    let (frame, made) = noises[99];
    assert_eq!(made, Made::Quiet);
    assert!(frame.power() > 0, "the line sounds alive");
    buffer.handle_sound(150 * 160, &block(150), at(3_000));
    let again: Vec<_> = (0..3).map(|_| buffer.poll_frame().1).collect();
    assert!(again.contains(&Made::Heard), "{again:?}");
}

#[test]
fn a_source_that_restarts_its_clock_is_followed() {
    let mut buffer = JitterBuffer::new(Config::default(), 1);
    for i in 0..20 {
        buffer.handle_sound(i * 160, &block(i), at(u64::from(i) * 20));
        buffer.poll_frame();
    }
    let mut made = Made::Quiet;
    for i in 0..20_u32 {
        buffer.handle_sound(2_000_000_000 + i * 160, &block(i), at(400 + u64::from(i) * 20));
        made = buffer.poll_frame().1;
    }
    assert_eq!(made, Made::Heard);
    assert_eq!(buffer.counts().restarts, 1);
}

#[test]
fn sound_too_far_ahead_is_dropped_and_counted() {
    let mut buffer = JitterBuffer::new(Config::default(), 1);
    buffer.handle_sound(0, &block(0), at(0));
    buffer.handle_sound(8_000, &block(50), at(1));
    assert_eq!(buffer.counts(), Counts { overflow: 1, ..Counts::default() });
    assert!(buffer.depth() <= Duration::from_millis(512));
}

proptest! {
    /// Whatever comes: a frame a tick, every packet in one count, never deeper than its line.
    #[test]
    fn stays_within_its_bounds(
        packets in proptest::collection::vec((any::<u32>(), 0_u32..5_000, 0_usize..700, 0_u64..200, 0_u8..8), 1..200),
    ) {
        let mut buffer = JitterBuffer::new(Config::default(), 3);
        let (mut now, mut ticks) = (0, 0);
        for (wild, near, length, wait, kind) in packets {
            now += wait;
            let timestamp = if kind == 0 { wild } else { now as u32 * 8 + near };
            match kind {
                1 => buffer.handle_noise(timestamp, &[length as u8], at(now)),
                2 => buffer.handle_new_source(),
                _ => buffer.handle_sound(timestamp, &vec![1_000; length], at(now)),
            }
            for _ in 0..wait / 20 {
                buffer.poll_frame();
                ticks += 1;
            }
            prop_assert!(buffer.depth() <= Duration::from_millis(512));
            prop_assert!(buffer.target() <= Duration::from_millis(200));
        }
        let counts = buffer.counts();
        prop_assert!(counts.played + counts.concealed + counts.quiet + counts.stretched >= ticks);
    }
}
