//! Any split of the octets, any garbage between them.

use std::time::Duration;

use gsm_modem::failure::FailureClass;
use gsm_modem::{Command, Event, MoreToSend};
use proptest::prelude::*;
use sans_io::Rng;

use crate::modem::{Fault, Modem};
use crate::world::{World, config, delivery, report};

/// A day's work: set-up, a list, two submissions with a notice in between, a report handed over.
fn scenario(pieces: Option<Rng>) -> Vec<Event> {
    let mut modem = Modem { between: Some(("+CREG: 1", 60)), ..Modem::default() };
    modem.storage.insert(1, (0, delivery(0).2));
    modem.storage.insert(2, (0, delivery(1).2));
    modem.faults.push_back(Fault::Answer("+CREG: 1\n+CMGS: 8\n\nOK"));
    modem.faults.push_back(Fault::Answer("+CMS ERROR: 500"));
    let mut world = World::new(config(), modem);
    world.pieces = pieces;
    world.open();
    world.until("ready", |w| w.engine.ready_to_submit().is_some());
    world.submit(1, 0, MoreToSend::Yes);
    world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { .. })));
    let (_, _, direct) = report(0);
    let now = world.now;
    world.modem.say(now, &format!("+CDS: {}\n{direct}", direct.len() / 2 - 1));
    world.settle();
    world.submit(2, 5, MoreToSend::No);
    world.until("ready again", |w| {
        w.saw(|e| matches!(e, Event::Unknown { .. })) && w.engine.ready_to_submit().is_some()
    });
    world.settle();
    world.events.into_iter().map(|(_, e)| e).collect()
}

proptest! {
    #[test]
    fn any_split_of_the_octets_gives_the_same_events(seed: u64) {
        prop_assert_eq!(scenario(Some(Rng::new(seed))), scenario(None));
    }
}

proptest! {
    #[test]
    fn garbage_at_any_time_never_panics_and_the_engine_recovers(
        bursts in proptest::collection::vec(
            (0_u64..40_000, prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                "(OK|ERROR|> |\\+CMS ERROR: 500|\\+CMGS: [0-9]{1,3}|\\+CMGL: 1,0,,2[0-9]|\\+CMT: ,2[0-9]|0791[0-9A-F]{40}|RDY|\\+CPIN: SIM PUK|\\+CDS: 25|AT)\r\n"
                    .prop_map(String::into_bytes),
            ]),
            1..20,
        ),
        submit_at in 0_usize..20,
    ) {
        let mut world = World::new(config(), Modem::default());
        world.open();
        let mut submitted = 0;
        for (i, (pause, octets)) in bursts.iter().enumerate() {
            world.run(Duration::from_millis(*pause));
            if i >= submit_at && world.engine.ready_to_submit().is_some() {
                submitted += 1;
                world.submit(submitted, 0, MoreToSend::Yes);
            }
            world.engine.handle_bytes(octets, world.now);
            world.drain();
        }
        world.until("ready again", |w| w.engine.ready_to_submit().is_some());
        // One outcome each, and nothing on air twice.
        for token in 1..=submitted {
            let outcomes = world.count(|e| matches!(e, Event::Accepted { token: t, .. } | Event::Failed { token: t, .. } | Event::Unknown { token: t, .. } if *t == token));
            prop_assert_eq!(outcomes, 1, "token {}\n{}", token, world.story());
        }
        prop_assert!(world.modem.aired.len() as u64 <= submitted);
        prop_assert_eq!(world.modem.escapes_after_ctrl_z, 0);
        // And it works: a message comes in and one goes out (the first may still meet the end of the garbage).
        world.modem.storage.insert(9, (0, delivery(0).2));
        let now = world.now;
        world.modem.say(now, "+CMTI: \"SM\",9");
        world.until("received", |w| w.modem.storage.is_empty());
        for token in [1_000, 1_001] {
            world.until("ready", |w| w.engine.ready_to_submit().is_some());
            world.submit(token, 0, MoreToSend::No);
            world.settle();
        }
        world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { token: 1_001, .. })));
    }

    #[test]
    fn a_dialog_cut_anywhere_gives_one_outcome_and_one_message_at_most(cut in 0_usize..600, seed: u64) {
        let mut world = World::ready(config(), Modem::default());
        world.pieces = Some(Rng::new(seed));
        world.submit(1, 0, MoreToSend::Yes);
        // Drop what the modem says from one moment for ten seconds.
        world.run(Duration::from_millis(cut as u64 * 5));
        let lost: Vec<_> = world.modem.output.drain(..).collect();
        world.until("ready again", |w| w.engine.ready_to_submit().is_some());
        let outcomes = world.count(|e| matches!(e, Event::Accepted { .. } | Event::Failed { .. } | Event::Unknown { .. }));
        prop_assert_eq!(outcomes, 1, "lost {:?}\n{}", lost, world.story());
        prop_assert!(world.modem.aired.len() <= 1);
        let failed = world.saw(|e| matches!(e, Event::Failed { .. }));
        prop_assert!(!failed || world.modem.aired.is_empty(), "said failed and was sent\n{}", world.story());
    }

    #[test]
    fn whatever_goes_wrong_nothing_is_sent_twice_and_unknown_is_followed_by_quiet(
        faults in proptest::collection::vec(prop::option::of(fault()), 1..12),
        smss: bool,
    ) {
        let mut world = World::ready(config(), Modem { smss, ..Modem::default() });
        for (token, fault) in (1_u64..).zip(faults) {
            world.until("ready", |w| w.engine.ready_to_submit().is_some());
            world.modem.faults.clear();
            let fault = match fault {
                // Later than the quiet window an answer is known by its reference alone, and here the modem never shows one
                // beforehand.
                Some(Fault::LateAnswer(delay)) if !smss => Some(Fault::LateAnswer(delay.min(Duration::from_secs(170)))),
                Some(Fault::LateWrong(delay, more)) if !smss => Some(Fault::LateWrong(delay.min(Duration::from_secs(170)), more)),
                other => other,
            };
            let refused = matches!(fault, Some(Fault::Refuse(_)));
            world.modem.faults.extend(fault);
            let aired = world.modem.aired.len();
            world.submit(token, 0, MoreToSend::Yes);
            world.until("an outcome", |w| w.saw(|e| outcome_of(e) == Some(token)));
            prop_assert_eq!(world.count(|e| outcome_of(e) == Some(token)), 1);
            let sent = world.modem.aired.len() - aired;
            prop_assert!(sent <= 1, "sent twice\n{}", world.story());
            let accepted = world.saw(|e| matches!(e, Event::Accepted { token: t, .. } if *t == token));
            let failed = world.saw(|e| matches!(e, Event::Failed { token: t, .. } if *t == token));
            prop_assert!(!accepted || sent == 1, "accepted and not sent\n{}", world.story());
            prop_assert!(!failed || sent == 0, "failed and sent\n{}", world.story());
            if refused && world.saw(|e| matches!(e, Event::Failed { token: t, class: FailureClass::Subscription, .. } if *t == token)) {
                world.command(Command::Resume);
            }
        }
        world.run(Duration::from_secs(600));
        for (at, event) in &world.events {
            if let Event::Unknown { token, .. } = event {
                let late = world.events.iter().find(|(_, e)| matches!(e, Event::LateAccepted { token: t, .. } if t == token));
                let quiet_until = late.map_or(*at + Duration::from_secs(60), |(late, _)| *late);
                let early = world.modem.submits.iter().find(|s| **s > *at && **s < quiet_until);
                prop_assert_eq!(early, None, "submitted in the quiet window\n{}", world.story());
            }
        }
        prop_assert_eq!(world.modem.escapes_after_ctrl_z, 0);
    }
}

fn outcome_of(event: &Event) -> Option<u64> {
    match event {
        Event::Accepted { token, .. } | Event::Failed { token, .. } | Event::Unknown { token, .. } => Some(*token),
        _ => None,
    }
}

/// Everything of the design's list that can go wrong with a submission.
fn fault() -> impl Strategy<Value = Fault> {
    let seconds = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    prop_oneof![
        Just(Fault::LostAnswer),
        seconds(1..300).prop_map(Fault::LateAnswer),
        // Not the very next reference: that, later than the quiet window, nobody could tell from the next message's.
        (seconds(100..300), 2_u8..5).prop_map(|(delay, more)| Fault::LateWrong(delay, more)),
        prop::sample::select(vec![
            "+CMS ERROR: 500",
            "+CMS ERROR: 332",
            "+CMS ERROR: 777",
            "ERROR",
            "OK",
            "+CM",
            "K",
            ""
        ])
        .prop_map(Fault::Answer),
        prop::sample::select(vec![
            "+CMS ERROR: 38",
            "+CMS ERROR: 322",
            "+CMS ERROR: 1",
            "+CMS ERROR: 10",
            "+CMS ERROR: 304"
        ])
        .prop_map(Fault::Refuse),
        Just(Fault::NoPrompt),
        (1_u64..20_000).prop_map(|ms| Fault::LatePrompt(Duration::from_millis(ms))),
        prop::sample::select(vec!["+CREG: 1", "ERROR", "garbage", "+CMTI: \"SM\",1", "RDY"])
            .prop_map(Fault::BeforePrompt),
        Just(Fault::Restart),
    ]
}
