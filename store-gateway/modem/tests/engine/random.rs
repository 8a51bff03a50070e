//! Any split of the octets, any garbage between them.

use std::time::Duration;

use gsm_modem::{Event, MoreToSend};
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
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_the_octets_gives_the_same_events(seed: u64) {
        prop_assert_eq!(scenario(Some(Rng::new(seed))), scenario(None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

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
        // And it works: a message goes out and one comes in.
        world.submit(1_000, 0, MoreToSend::No);
        world.modem.storage.insert(9, (0, delivery(0).2));
        let now = world.now;
        world.modem.say(now, "+CMTI: \"SM\",9");
        world.until("sent and received", |w| {
            w.modem.storage.is_empty() && w.saw(|e| matches!(e, Event::Accepted { token: 1_000, .. } | Event::Unknown { token: 1_000, .. }))
        });
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
        prop_assert!(!(failed && !world.modem.aired.is_empty()), "said failed and was sent\n{}", world.story());
    }
}
