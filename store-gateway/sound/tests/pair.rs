//! The paced pair, by tokio's clock standing still but for its timers.

use std::time::Duration;

use store_sound::port::{AudioPort, Lost, Queues, pair};
use store_voice::Frame;
use store_voice::frame::{SAMPLES, TICK};
use tokio::time::Instant;

fn frame(value: i16) -> Frame {
    Frame([value; SAMPLES])
}

async fn hear(port: &mut AudioPort, frames: usize) -> Vec<i16> {
    let mut heard = Vec::new();
    for _ in 0..frames {
        heard.push(port.recv_frame().await.unwrap().0[0]);
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn frames_come_every_20_ms_in_both_directions() {
    let (mut store, mut modem) = pair(Queues::default());
    let began = Instant::now();
    let (mut to_modem, mut to_store) = (Vec::new(), Vec::new());
    for n in 1..=50 {
        store.send_frame(&frame(n)).unwrap();
        modem.send_frame(&frame(-n)).unwrap();
        to_modem.extend(hear(&mut modem, 1).await);
        to_store.extend(hear(&mut store, 1).await);
    }
    // The first tick is at once.
    assert_eq!(began.elapsed(), TICK * 49);
    assert_eq!(to_modem, (1..=50).collect::<Vec<i16>>());
    assert_eq!(to_store, (1..=50).map(|n| -n).collect::<Vec<i16>>());
    assert_eq!(store.statistics(), modem.statistics());
    assert_eq!((store.statistics().received, store.statistics().sent, store.statistics().starved), (50, 50, 0));
}

#[tokio::test(start_paused = true)]
async fn who_sends_nothing_is_heard_as_silence_and_counted_once_it_has_begun() {
    let (mut store, modem) = pair(Queues::default());
    assert_eq!(hear(&mut store, 3).await, [0; 3]);
    assert_eq!(modem.statistics().starved, 0);
    modem.send_frame(&frame(7)).unwrap();
    assert_eq!(hear(&mut store, 3).await, [7, 0, 0]);
    assert_eq!(modem.statistics().starved, 2);
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_is_late_loses_the_oldest_frames_and_too_many_are_not_kept() {
    let (mut store, modem) = pair(Queues { incoming: 5, outgoing: 3 });
    for n in 1..=4 {
        modem.send_frame(&frame(n)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(210)).await;
    // Ticks at 0, 20 … 200 ms are eleven; frame 1 was dropped by the sender's bound, and six by the receiver's.
    assert_eq!(hear(&mut store, 5).await, [0; 5]);
    assert_eq!(modem.statistics().outgoing_dropped, 1);
    assert_eq!((store.statistics().received, store.statistics().incoming_dropped), (11, 6));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_held_up_catches_up() {
    let (mut store, _modem) = pair(Queues { incoming: 20, outgoing: 20 });
    hear(&mut store, 1).await;
    tokio::time::advance(TICK * 10).await;
    let began = Instant::now();
    hear(&mut store, 10).await;
    assert_eq!(began.elapsed(), Duration::ZERO, "all ten are there at once");
}

#[tokio::test(start_paused = true)]
async fn the_other_end_going_is_the_loss_of_the_device() {
    let (mut store, modem) = pair(Queues::default());
    modem.send_frame(&frame(7)).unwrap();
    assert_eq!(hear(&mut store, 1).await, [7]);
    drop(modem);
    let Lost { why } = store.recv_frame().await.expect_err("there is no other end");
    assert_eq!(why, "the other end is gone");
    assert!(store.send_frame(&frame(1)).is_err());
    store.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_loses_no_frame() {
    let (mut store, modem) = pair(Queues::default());
    hear(&mut store, 1).await;
    let mut heard = Vec::new();
    for n in 1..=10 {
        modem.send_frame(&frame(n)).unwrap();
        // 7 ms are no divisor of a tick: most waits end in vain.
        while heard.len() < n as usize {
            if let Ok(frame) = tokio::time::timeout(Duration::from_millis(7), store.recv_frame()).await {
                heard.push(frame.unwrap().0[0]);
            }
        }
    }
    assert_eq!(heard, (1..=10).collect::<Vec<i16>>());
}
