//! The store's phones, and the ends of calls.

use std::time::Duration;

use store_voice::call::{Callee, Config, Found, LegId, Origin, Outcome, Plan, WaitReason, Why};
use store_voice::dial::{Dialler, Policy, Target};
use store_voice::say::Line;

use crate::world::{Leg, World, config, extension, phone, ready_order};

fn ringing() -> World {
    let mut world = World::greeted(config(), Found::default());
    world.press("2");
    world
}

#[test]
fn two_rings_the_phones_together_and_the_first_wins() {
    let mut world = ringing();
    assert_eq!(world.rung.len(), 3);
    world.prompt_done();
    assert!(world.tone, "the caller hears it ring");
    let winner = world.leg("102");
    world.after(Duration::from_secs(4));
    world.answered(winner);
    assert_eq!((world.bridged, world.tone), (Some(winner), false));
    assert_eq!([world.legs[&world.leg("101")], world.legs[&world.leg("103")]], [Leg::Leaving; 2]);
    world.all_leave();
    world.after(Duration::from_secs(60));
    world.press_on(LegId::CALLER, '5');
    world.press_on(winner, '9');
    assert_eq!(world.sent_digits, "59");
    world.gone(winner);
    world.all_leave();
    let ended = world.ended.unwrap();
    assert_eq!((ended.outcome, ended.answered_by), (Outcome::Talked, Some(phone("102"))));
    assert_eq!((ended.rang, ended.talked), (Duration::from_secs(4), Duration::from_secs(60)));
    assert!(world.over);
}

#[test]
fn a_phone_that_answers_while_it_is_cancelled_is_hung_up() {
    let mut world = ringing();
    let (first, second) = (world.leg("101"), world.leg("102"));
    world.answered(first);
    world.answered(second);
    assert_eq!((world.bridged, world.legs[&second]), (Some(first), Leg::Leaving));
}

#[test]
fn nobody_is_a_missed_call() {
    let mut world = ringing();
    world.prompt_done();
    world.after(Duration::from_secs(25));
    assert_eq!(world.last_lines(), [Line::Nobody, Line::Goodbye]);
    world.prompt_done();
    world.all_leave();
    assert_eq!(world.ended.as_ref().map(|e| (e.outcome, e.why)), Some((Outcome::Missed, Why::Over)));
    assert!(world.over && !world.here);
}

#[test]
fn phones_that_all_refuse_are_nobody_at_once() {
    let mut world = ringing();
    for name in ["101", "102", "103"] {
        let leg = world.leg(name);
        world.gone(leg);
    }
    assert_eq!(world.last_lines(), [Line::Nobody, Line::Goodbye]);
}

#[test]
fn a_store_without_phones_says_so() {
    let mut world = World::greeted(Config { phones: Vec::new(), ..config() }, Found::default());
    world.press("2");
    assert_eq!(world.last_lines(), [Line::Nobody, Line::Goodbye]);
}

#[test]
fn a_store_phone_that_calls_the_menu_does_not_ring_itself() {
    let mut world = World::new(config(), Plan::Menu, Origin::Phone(extension("102")));
    world.found(Found::default());
    world.answered(LegId::CALLER);
    world.press("2");
    assert_eq!(world.rung.values().collect::<Vec<_>>(), [&phone("101"), &phone("103")]);
}

fn here_config() -> Config {
    Config { answer_after: Duration::from_secs(8), missed_call_means_here: true, ..config() }
}

#[test]
fn a_missed_call_of_a_number_with_a_ready_order_says_i_m_here() {
    let mut world = World::new(here_config(), Plan::Menu, Origin::Sim);
    world.found(ready_order());
    world.after(Duration::from_secs(5));
    world.gone(LegId::CALLER);
    assert!(world.here && world.over);
    assert_eq!(world.ended.map(|e| (e.outcome, e.rang)), Some((Outcome::Missed, Duration::from_secs(5))));
}

#[test]
fn a_missed_call_waits_a_little_for_the_desk() {
    let mut world = World::new(here_config(), Plan::Menu, Origin::Sim);
    world.gone(LegId::CALLER);
    assert!(!world.over && world.wait.1 == WaitReason::LookUp);
    world.found(ready_order());
    assert!(world.here && world.over);
    let mut world = World::new(here_config(), Plan::Menu, Origin::Sim);
    world.gone(LegId::CALLER);
    world.after(Duration::from_secs(5));
    assert!(!world.here && world.over);
}

#[test]
fn no_ready_order_or_a_store_that_does_not_want_it_or_a_store_phone_says_nothing() {
    let not_ready = Found { orders: Vec::new(), ..Found::default() };
    let other_store = Config { missed_call_means_here: false, ..here_config() };
    for (config, found, origin) in [
        (here_config(), not_ready, Origin::Sim),
        (other_store, ready_order(), Origin::Sim),
        (here_config(), ready_order(), Origin::Phone(extension("101"))),
    ] {
        let mut world = World::new(config, Plan::Menu, origin);
        world.found(found);
        world.gone(LegId::CALLER);
        assert!(world.over && !world.here);
    }
}

#[test]
fn a_dialled_phone_rings_and_answers_the_caller() {
    let plan = Plan::Connect(vec![phone("102")]);
    let mut world = World::new(config(), plan, Origin::Phone(extension("101")));
    assert_eq!(world.legs[&LegId::CALLER], Leg::Ringing);
    let leg = world.leg("102");
    world.answered(leg);
    assert_eq!((world.bridged, world.legs[&LegId::CALLER]), (Some(leg), Leg::Up));
    world.answered(LegId::CALLER);
    world.after(Duration::from_secs(60));
    world.gone(LegId::CALLER);
    world.all_leave();
    assert_eq!(world.ended.map(|e| e.outcome), Some(Outcome::Talked));
}

#[test]
fn an_unanswered_dialled_call_is_refused() {
    let mut world = World::new(config(), Plan::Connect(vec![phone("102")]), Origin::Trunk);
    world.after(Duration::from_secs(25));
    assert_eq!(world.legs.values().collect::<Vec<_>>(), [&Leg::Leaving, &Leg::Leaving]);
    world.all_leave();
    assert_eq!(world.ended.map(|e| (e.outcome, e.why)), Some((Outcome::Missed, Why::NoAnswer)));
}

#[test]
fn nobody_outside_is_connected_to_the_outside() {
    let phone = extension("101");
    let target = Policy::default().target(Dialler::Phone(&phone), "600100813");
    let Ok(Target::Outside(number)) = target else { panic!("{target:?}") };
    for origin in [Origin::Trunk, Origin::Sim] {
        for callee in [Callee::Outside(number.clone()), Callee::Emergency("112".to_owned())] {
            let mut world = World::new(config(), Plan::Connect(vec![callee]), origin.clone());
            assert!(world.rung.is_empty());
            world.all_leave();
            assert_eq!(world.ended.map(|e| (e.outcome, e.why)), Some((Outcome::Failed, Why::NotAllowed)));
        }
    }
    let outward = World::new(config(), Plan::Connect(vec![Callee::Outside(number)]), Origin::Phone(phone));
    assert_eq!(outward.rung.len(), 1);
}

#[test]
fn a_number_outside_rings_longer_and_help_until_the_caller_gives_up() {
    let caller = extension("101");
    let target = Policy::default().target(Dialler::Phone(&caller), "600100813");
    let Ok(Target::Outside(number)) = target else { panic!("{target:?}") };
    let call = |callee| World::new(config(), Plan::Connect(vec![callee]), Origin::Phone(caller.clone()));
    let mut outside = call(Callee::Outside(number));
    outside.after(Duration::from_secs(89));
    assert!(outside.ended.is_none());
    outside.after(Duration::from_secs(1));
    assert!(outside.ended.is_some());
    let mut help = call(Callee::Emergency("112".to_owned()));
    help.after(Duration::from_secs(1_800));
    assert_eq!((help.ended.is_none(), help.wait.1), (true, WaitReason::CallCap));
}

#[test]
fn dead_sound_ends_the_talk() {
    let mut world = ringing();
    let leg = world.leg("101");
    world.dead(leg);
    assert!(world.ended.is_none(), "it only rings");
    world.answered(leg);
    world.all_leave();
    world.dead(leg);
    assert_eq!(world.ended.as_ref().map(|e| e.why), Some(Why::NoSound));
    world.all_leave();
    assert!(world.over);
}

#[test]
fn no_call_outlasts_its_cap_and_no_leg_its_end() {
    let mut world = ringing();
    let leg = world.leg("101");
    world.answered(leg);
    world.all_leave();
    assert_eq!(world.wait.1, WaitReason::CallCap);
    world.timeout();
    assert_eq!(world.ended.as_ref().map(|e| e.why), Some(Why::TooLong));
    // Nobody confirms anything.
    world.after(Duration::from_secs(32));
    assert_eq!(world.removed, [LegId::CALLER, leg]);
    assert!(world.over);
}

#[test]
fn an_answer_that_is_never_confirmed_ends_the_call() {
    let mut world = World::new(config(), Plan::Menu, Origin::Trunk);
    world.found(Found::default());
    assert_eq!(world.wait.1, WaitReason::Confirmation);
    world.after(Duration::from_secs(32));
    assert_eq!(world.ended.as_ref().map(|e| (e.outcome, e.why)), Some((Outcome::Failed, Why::NotConfirmed)));
}

#[test]
fn a_stop_ends_everything() {
    let mut world = ringing();
    world.stop();
    assert!(world.legs.values().all(|leg| *leg == Leg::Leaving));
    world.all_leave();
    assert!(world.over);
}
