//! Random worlds: whatever happens, the rules in `world.rs` hold, and every call comes to its end.

use std::time::Duration;

use proptest::prelude::*;
use store_voice::call::{CodeAnswer, Config, Found, LegId, Origin, Plan, Question};
use store_voice::say::Stage;

use crate::world::{Leg, World, config, extension, phone, ready_order, status};

#[derive(Clone, Debug)]
enum Step {
    Answered(u8),
    Gone(u8),
    Dead(u8),
    Press(u8, char),
    Found(bool),
    Code(u8),
    PromptDone,
    Timeout,
    After(u64),
    AllLeave,
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    let sign = proptest::sample::select("112222345678900*#A".chars().collect::<Vec<_>>());
    prop_oneof![
        4 => (0_u8..5).prop_map(Step::Answered),
        2 => (0_u8..5).prop_map(Step::Gone),
        1 => (0_u8..5).prop_map(Step::Dead),
        12 => (prop_oneof![9 => Just(0_u8), 1 => 1_u8..5], sign).prop_map(|(leg, s)| Step::Press(leg, s)),
        2 => any::<bool>().prop_map(Step::Found),
        4 => (0_u8..4).prop_map(Step::Code),
        5 => Just(Step::PromptDone),
        5 => Just(Step::Timeout),
        2 => (0_u64..40_000).prop_map(Step::After),
        1 => Just(Step::AllLeave),
        1 => (0_u8..20).prop_map(|n| if n == 0 { Step::Stop } else { Step::PromptDone }),
    ]
}

fn world() -> impl Strategy<Value = (Config, Plan, Origin)> {
    let config = (any::<bool>(), 0_u64..10_000, 0_u8..5, 0_u8..6, 0_usize..4).prop_map(
        |(here, answer_ms, repeats, menus, phones)| Config {
            answer_after: Duration::from_millis(answer_ms),
            missed_call_means_here: here,
            repeats,
            menus,
            phones: config().phones.into_iter().take(phones).collect(),
            ..config()
        },
    );
    let plan = prop_oneof![
        4 => Just(Plan::Menu),
        1 => Just(Plan::Connect(vec![phone("101"), phone("102")])),
    ];
    let origin = prop_oneof![Just(Origin::Sim), Just(Origin::Trunk), Just(Origin::Phone(extension("101")))];
    (config, plan, origin)
}

fn take(world: &mut World, step: Step) {
    // The caller, the phones that were rung, and a leg that may not exist.
    let leg = |world: &World, n: u8| match n {
        0 => Some(LegId::CALLER),
        n => world.rung.keys().nth(usize::from(n) - 1).copied(),
    };
    match step {
        Step::Answered(n) => {
            if let Some(leg) = leg(world, n) {
                world.answered(leg);
            }
        }
        Step::Gone(n) => {
            if let Some(leg) = leg(world, n) {
                world.gone(leg);
            }
        }
        Step::Dead(n) => {
            if let Some(leg) = leg(world, n) {
                world.dead(leg);
            }
        }
        Step::Press(n, sign) => {
            if let Some(leg) = leg(world, n) {
                world.press_on(leg, sign);
            }
        }
        Step::Found(known) => world.found(if known { ready_order() } else { Found::default() }),
        Step::Code(kind) => {
            let asked = world.asked.iter().rev().find(|(_, q)| matches!(q, Question::Code(_)));
            if let Some(token) = asked.map(|(token, _)| *token) {
                world.code(
                    token,
                    match kind {
                        0 => CodeAnswer::Right(Box::new(status("9", Stage::HandedOver))),
                        1 => CodeAnswer::Locked,
                        _ => CodeAnswer::Wrong,
                    },
                );
            }
        }
        Step::PromptDone => world.prompt_done(),
        Step::Timeout => world.timeout(),
        Step::After(ms) => world.after(Duration::from_millis(ms)),
        Step::AllLeave => world.all_leave(),
        Step::Stop => world.stop(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// The rules are in `World::obey`; here: never more than three codes, never two rounds of ringing, and an end that
    /// needs nobody's help, well within the cap and the limits of its last waits.
    #[test]
    fn every_call_ends_and_leaves_no_leg((config, plan, origin) in world(), steps in proptest::collection::vec(step(), 0..80)) {
        let mut world = World::new(config, plan, origin);
        let began = world.now;
        for step in steps {
            take(&mut world, step);
            let up = world.legs.iter().filter(|(leg, s)| **leg != LegId::CALLER && **s == Leg::Up).count();
            prop_assert!(up <= 1, "two phones are up: {:?}", world.legs);
        }
        let codes = world.asked.iter().filter(|(_, q)| matches!(q, Question::Code(_))).count();
        prop_assert!(codes <= 3, "{codes} codes");
        prop_assert!(world.rung.len() <= 3);
        let mut timeouts = 0;
        while !world.over {
            world.timeout();
            timeouts += 1;
            prop_assert!(timeouts < 60, "the call never ends");
        }
        prop_assert!(world.now.since(began) <= Duration::from_secs(2 * 3_600 + 32 + 80 * 40));
        prop_assert_eq!(world.wait.0, None);
    }
}
