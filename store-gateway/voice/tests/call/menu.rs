//! What the caller hears and presses.

use std::time::Duration;

use shop_model::language::Language;
use store_voice::call::{CodeAnswer, Config, Found, LegId, Origin, Outcome, Plan, Question, WaitReason};
use store_voice::say::{Line, Stage};

use crate::world::{World, config, ready_order, status};

#[test]
fn one_reads_out_the_caller_s_order_in_the_caller_s_language() {
    let mut world = World::greeted(config(), ready_order());
    assert_eq!(world.last_lines(), [Line::Greeting, Line::Menu]);
    world.prompt_done();
    world.press("1");
    let (_, language, lines) = world.played.last().unwrap();
    assert_eq!((*language, lines.as_slice()), (Language::Uk, &[Line::Status(status("17", Stage::Ready(None)))][..]));
    world.prompt_done();
    assert_eq!(world.last_lines(), [Line::Menu]);
    world.gone(LegId::CALLER);
    let ended = world.ended.unwrap();
    assert_eq!((ended.outcome, ended.told), (Outcome::Menu, 1));
    assert!(world.over && !world.here);
}

#[test]
fn a_key_during_the_prompt_interrupts_it() {
    let mut world = World::greeted(config(), ready_order());
    world.press("1");
    assert!(matches!(world.last_lines(), [Line::Status(_)]));
    world.press("2");
    assert_eq!(world.last_lines(), [Line::Connecting]);
}

#[test]
fn keys_before_the_answer_s_confirmation_are_not_lost() {
    let mut world = World::new(config(), Plan::Menu, Origin::Trunk);
    world.press("1");
    world.found(ready_order());
    world.answered(LegId::CALLER);
    assert!(matches!(world.last_lines(), [Line::Status(_)]));
}

#[test]
fn of_many_orders_three_are_read_out_and_the_rest_is_for_a_person() {
    let orders = ["1", "2", "3", "4"].map(|o| status(o, Stage::Inbound)).to_vec();
    let mut world = World::greeted(config(), Found { orders, total: 4, ..Found::default() });
    world.press("1");
    let lines = world.last_lines();
    assert_eq!((&lines[0], &lines[4], lines.len()), (&Line::Found(4), &Line::MoreWithStaff, 5));
}

#[test]
fn a_slow_desk_delays_the_greeting_by_its_limit_only() {
    let mut world = World::new(config(), Plan::Menu, Origin::Sim);
    world.answered(LegId::CALLER);
    assert_eq!((world.played.len(), world.wait.1), (0, WaitReason::LookUp));
    world.after(Duration::from_millis(1_500));
    assert_eq!(world.played[0].1, Language::Pl);
    world.press("1");
    assert_eq!((world.playing, world.wait.1), (None, WaitReason::LookUp));
    world.found(ready_order());
    assert!(matches!(world.last_lines(), [Line::Status(_)]));
}

#[test]
fn a_desk_that_never_answers_is_said_so() {
    let mut world = World::new(config(), Plan::Menu, Origin::Sim);
    world.answered(LegId::CALLER);
    world.after(Duration::from_millis(1_500));
    world.press("1");
    world.after(Duration::from_secs(5));
    assert_eq!(world.last_lines(), [Line::NotNow, Line::Menu]);
}

#[test]
fn an_unknown_number_proves_its_order_by_six_digits() {
    let mut world = World::greeted(config(), Found::default());
    world.press("1");
    assert_eq!(world.last_lines(), [Line::AskCode]);
    world.press("04");
    world.press("*048211#");
    let (token, code) = world.last_code();
    assert_eq!(code.reveal(), "048211");
    world.code(token, CodeAnswer::Right(Box::new(status("5", Stage::Inbound))));
    assert_eq!(world.last_lines(), [Line::Status(status("5", Stage::Inbound))]);
    assert!(world.playing.is_some(), "the # behind the code interrupts nothing");
    world.press("1");
    assert_eq!(world.last_lines(), [Line::Status(status("5", Stage::Inbound))], "asked once");
}

#[test]
fn three_wrong_codes_end_the_trying() {
    let mut world = World::greeted(config(), Found::default());
    world.press("1");
    for tries in 1..=3 {
        world.press("111222");
        let (token, _) = world.last_code();
        world.code(token, CodeAnswer::Wrong);
        assert_eq!(world.last_lines()[0], Line::WrongCode);
        assert_eq!(world.last_lines().contains(&Line::AskCode), tries < 3);
    }
    assert_eq!(world.last_lines(), [Line::WrongCode, Line::NoMoreTries, Line::Menu]);
    world.press("1");
    assert_eq!(world.last_lines(), [Line::NoMoreTries, Line::Menu]);
    world.press("048211");
    let codes = world.asked.iter().filter(|(_, q)| matches!(q, Question::Code(_))).count();
    assert_eq!(codes, 3);
}

#[test]
fn no_configuration_allows_a_fourth_try() {
    let mut world = World::greeted(Config { code_tries: 200, ..config() }, Found::default());
    world.press("1");
    for _ in 0..3 {
        world.press("111222");
        let (token, _) = world.last_code();
        world.code(token, CodeAnswer::Wrong);
    }
    assert!(world.last_lines().contains(&Line::NoMoreTries));
}

#[test]
fn a_lock_of_the_desk_ends_the_trying_at_once() {
    let mut world = World::greeted(config(), Found::default());
    world.press("1111222");
    let (token, _) = world.last_code();
    world.code(token, CodeAnswer::Locked);
    assert_eq!(world.last_lines(), [Line::NoMoreTries, Line::Menu]);
}

#[test]
fn a_code_that_is_not_finished_is_a_wrong_one_and_silence_is_not() {
    let mut world = World::greeted(config(), Found::default());
    world.press("112");
    world.after(Duration::from_secs(6));
    assert_eq!(world.last_lines(), [Line::WrongCode, Line::AskCode]);
    world.prompt_done();
    world.after(Duration::from_secs(6));
    assert_eq!(world.last_lines(), [Line::Menu]);
}

#[test]
fn an_answer_to_an_older_code_is_dropped() {
    let mut world = World::greeted(config(), Found::default());
    world.press("1111222");
    let (first, _) = world.last_code();
    world.after(Duration::from_secs(5));
    assert_eq!(world.last_lines(), [Line::NotNow, Line::Menu]);
    world.press("1333444");
    world.code(first, CodeAnswer::Right(Box::new(status("5", Stage::Inbound))));
    assert_eq!(world.wait.1, WaitReason::LookUp, "the second is still open");
}

#[test]
fn silence_hears_the_menu_four_times_and_then_the_phones_ring() {
    let mut world = World::greeted(config(), ready_order());
    for menus in 1..=4 {
        assert_eq!((world.played.len(), world.rung.len()), (menus, 0));
        world.prompt_done();
        world.after(Duration::from_secs(6));
    }
    assert_eq!(world.rung.len(), 3);
}

#[test]
fn a_caller_who_asks_for_ever_reaches_the_phones() {
    let mut world = World::greeted(config(), ready_order());
    for _ in 0..40 {
        world.press("1");
        world.prompt_done();
    }
    assert_eq!(world.rung.len(), 3);
}

#[test]
fn a_prompt_whose_end_is_never_told_ends_by_itself() {
    let mut world = World::greeted(config(), ready_order());
    world.after(Duration::from_secs(90));
    assert_eq!((world.playing, world.wait.1), (None, WaitReason::Key));
}

#[test]
fn digits_that_nobody_takes_are_bounded_and_counted() {
    let mut world = World::new(config(), Plan::Menu, Origin::Sim);
    world.press("00000000000000000000");
    assert_eq!(world.call.dropped_digits(), 4);
}

#[test]
fn neither_a_call_nor_its_outputs_show_digits_when_traced() {
    let mut world = World::greeted(config(), Found::default());
    world.press("1048211");
    let trace = format!("{:?} {:?}", world.call, world.asked);
    assert!(!trace.contains("048211"), "{trace}");
}
