//! Sending, and every way in which an answer can fail to come.

use std::time::Duration;

use gsm_modem::engine::{ExpectedReference, PauseReason, ReferenceMove, Unsettled};
use gsm_modem::failure::{FailureCause, FailureClass, UnknownCause};
use gsm_modem::profile::LastReference;
use gsm_modem::{Command, Config, Event, MoreToSend, Private};

use crate::modem::{Fault, Modem};
use crate::world::{World, config, submission};

fn outcome_of(world: &World, token: u64) -> Vec<Event> {
    let ours = |event: &Event| match event {
        Event::Accepted { token: t, .. }
        | Event::Failed { token: t, .. }
        | Event::Unknown { token: t, .. }
        | Event::LateAccepted { token: t, .. }
        | Event::ReferenceCheck { token: t, .. } => *t == token,
        _ => false,
    };
    world.events.iter().map(|(_, e)| e.clone()).filter(ours).collect()
}

fn ready_with(faults: impl IntoIterator<Item = Fault>) -> World {
    let mut world = World::ready(config(), Modem::default());
    world.modem.faults.extend(faults);
    world
}

fn has_outcome(token: u64) -> impl Fn(&World) -> bool {
    move |world| !outcome_of(world, token).is_empty()
}

#[test]
fn a_message_goes_out_and_its_reference_was_expected() {
    let mut world = ready_with([]);
    let expected = world.submit(1, 0, MoreToSend::No);
    assert_eq!(expected, ExpectedReference::Known(8), "one above EF_SMSS");
    assert_eq!(world.engine.ready_to_submit(), None, "one at a time");
    world.until("accepted", has_outcome(1));
    assert_eq!(outcome_of(&world, 1), [Event::Accepted { token: 1, reference: 8 }]);
    assert_eq!(world.modem.aired, [submission(0).1]);
    assert_eq!(world.engine.ready_to_submit(), Some(ExpectedReference::Known(9)));
    assert_eq!(world.heard("AT+CMMS=2"), 0);
}

#[test]
fn the_link_is_kept_while_more_waits_and_released_behind_the_last() {
    let mut world = ready_with([]);
    for (token, more) in [(1, MoreToSend::Yes), (2, MoreToSend::Yes), (3, MoreToSend::No)] {
        world.submit(token, 0, more);
        world.until("accepted", has_outcome(token));
    }
    assert_eq!(world.heard("AT+CMMS=2"), 1);
    world.settle();
    assert_eq!(world.heard("AT+CMMS=0"), 1);
    world.modem.restart(world.now);
    world.until("set up again", |w| w.count(|e| *e == Event::Ready) == 2);
    world.submit(4, 0, MoreToSend::Yes);
    world.until("accepted", has_outcome(4));
    assert_eq!(world.heard("AT+CMMS=2"), 2, "again after a restart");
    assert_eq!(world.modem.aired.len(), 4);
}

#[test]
fn nothing_is_submitted_when_not_registered() {
    let modem = Modem { registration: 2, ..Modem::default() };
    let mut world = World::ready(config(), modem);
    assert_eq!(world.engine.ready_to_submit(), None);
    let (length, hex) = submission(0);
    world.command(Command::Submit { token: 1, length, hex: Private(hex), more: MoreToSend::No });
    let refused = Event::Failed { token: 1, class: FailureClass::Passing, cause: FailureCause::NotReady };
    assert_eq!(outcome_of(&world, 1), [refused]);
    world.modem.registration = 1;
    let now = world.now;
    world.modem.say(now, "+CREG: 1");
    world.settle();
    assert!(world.engine.ready_to_submit().is_some());
    assert_eq!(world.modem.aired.len(), 0);
}

/// After an unknown outcome there is no `+CMGS` until the port answers and the quiet window is over, and never a second
/// one for the same message.
fn assert_quiet_then_ready(world: &mut World, aired: usize) {
    let unknown_at = world.events.iter().find(|(_, e)| matches!(e, Event::Unknown { .. })).unwrap().0;
    assert_eq!(world.engine.ready_to_submit(), None);
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    let waited = world.now.since(unknown_at);
    assert!(waited >= Duration::from_secs(60), "only {waited:?} after the unknown outcome");
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.modem.aired.len(), aired, "retried blindly");
    assert_eq!(world.modem.escapes_after_ctrl_z, 0);
}

#[test]
fn a_lost_answer_is_unknown_and_never_retried() {
    let mut world = ready_with([Fault::LostAnswer]);
    let start = world.now;
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert!(world.now.since(start) >= Duration::from_secs(120), "the wait is the modem's longest");
    assert_eq!(outcome_of(&world, 1), [Event::Unknown { token: 1, cause: UnknownCause::NoAnswer }]);
    assert_quiet_then_ready(&mut world, 1);
    // EF_SMSS moved: it was tried; still unknown.
    let check = Event::ReferenceCheck { token: 1, reference: ReferenceMove::Moved };
    assert_eq!(outcome_of(&world, 1)[1..], [check]);
    world.submit(2, 0, MoreToSend::No);
    world.until("accepted", has_outcome(2));
    assert_eq!(outcome_of(&world, 2), [Event::Accepted { token: 2, reference: 9 }]);
}

#[test]
fn quiet_lasts_until_the_port_answers() {
    let mut world = ready_with([Fault::LostAnswer]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    world.modem.dead = true;
    world.run(Duration::from_secs(65));
    assert_eq!(world.engine.ready_to_submit(), None, "the window is over and the port has not answered");
    world.modem.dead = false;
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
}

#[test]
fn a_late_answer_with_the_expected_reference_is_taken_within_the_window() {
    let mut world = ready_with([Fault::LateAnswer(Duration::from_secs(140))]);
    world.submit(1, 0, MoreToSend::No);
    world.until("late", |w| outcome_of(w, 1).len() == 2);
    assert_eq!(outcome_of(&world, 1)[1], Event::LateAccepted { token: 1, reference: 8 });
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    assert_eq!(world.submit(2, 0, MoreToSend::No), ExpectedReference::Known(9));
    world.until("accepted", has_outcome(2));
    assert_eq!(world.modem.aired.len(), 2);
}

#[test]
fn a_late_answer_with_another_reference_is_not_taken() {
    let mut world = ready_with([Fault::LateWrong(Duration::from_secs(140), 3)]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert_quiet_then_ready(&mut world, 1);
    assert!(!world.saw(|e| matches!(e, Event::LateAccepted { .. } | Event::Accepted { .. })));
}

#[test]
fn a_late_answer_after_the_window_is_not_taken_for_the_next_message() {
    // 120 s until unknown, 60 s of quiet; the second message is submitted at about 181 s and is lost on air.
    let mut world = ready_with([Fault::LateAnswer(Duration::from_secs(190)), Fault::LostAnswer]);
    world.submit(1, 0, MoreToSend::No);
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    world.submit(2, 3, MoreToSend::No);
    world.until("an outcome", has_outcome(2));
    assert!(matches!(outcome_of(&world, 2)[0], Event::Unknown { .. }), "{}", world.story());
    assert!(!world.saw(|e| matches!(e, Event::Accepted { .. })));
}

#[test]
fn without_ef_smss_an_answer_with_the_older_reference_proves_nothing() {
    let modem = Modem { smss: false, ..Modem::default() };
    let mut world = World::ready(config(), modem);
    assert_eq!(world.submit(1, 0, MoreToSend::No), ExpectedReference::Unread);
    world.until("accepted", has_outcome(1));
    world.modem.faults.extend([Fault::LateAnswer(Duration::from_secs(190)), Fault::LostAnswer]);
    assert_eq!(world.submit(2, 0, MoreToSend::No), ExpectedReference::Known(9));
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    world.submit(3, 3, MoreToSend::No);
    world.until("an outcome", has_outcome(3));
    assert_eq!(outcome_of(&world, 3), [Event::Unknown { token: 3, cause: UnknownCause::AnswerOfAnother }]);
}

#[test]
fn doubt_costs_one_message_and_not_every_following_one() {
    let modem = Modem { smss: false, ..Modem::default() };
    let mut world = World::ready(config(), modem);
    world.modem.faults.push_back(Fault::LostAnswer);
    for token in 1..=3 {
        world.until("ready", |w| w.engine.ready_to_submit().is_some());
        world.submit(token, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(token));
    }
    assert!(matches!(outcome_of(&world, 2)[0], Event::Unknown { cause: UnknownCause::AnswerOfAnother, .. }));
    assert_eq!(outcome_of(&world, 3), [Event::Accepted { token: 3, reference: 10 }]);
}

#[test]
fn ambiguous_errors_are_unknown() {
    for (text, cause) in [
        ("+CMS ERROR: 500", UnknownCause::Cms(500)),
        ("+CMS ERROR: 332", UnknownCause::Cms(332)),
        ("+CMS ERROR: 512", UnknownCause::Cms(512)),
        ("+CME ERROR: 100", UnknownCause::Cme(100)),
        ("ERROR", UnknownCause::Error),
        ("OK", UnknownCause::TornAnswer),
        ("+CMS ERROR: ", UnknownCause::Cms(500)),
    ] {
        let mut world = ready_with([Fault::Answer(text)]);
        world.submit(1, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(1));
        assert_eq!(outcome_of(&world, 1), [Event::Unknown { token: 1, cause }], "{text}");
        assert_quiet_then_ready(&mut world, 1);
    }
}

#[test]
fn clear_errors_have_their_class() {
    for (text, class) in [
        ("+CMS ERROR: 1", FailureClass::Recipient),
        ("+CMS ERROR: 304", FailureClass::Message),
        ("+CMS ERROR: 38", FailureClass::Passing),
        ("+CME ERROR: 30", FailureClass::Passing),
    ] {
        let mut world = ready_with([Fault::Refuse(text)]);
        world.submit(1, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(1));
        let got = outcome_of(&world, 1);
        assert!(matches!(got[..], [Event::Failed { class: c, .. }] if c == class), "{text}: {got:?}");
        assert!(world.engine.ready_to_submit().is_some(), "{text}: the next message need not wait");
    }
}

#[test]
fn a_subscription_failure_pauses_until_a_person_resumes() {
    let mut world = ready_with([Fault::Refuse("+CMS ERROR: 10")]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert!(world.saw(|e| *e == Event::Paused(PauseReason::Subscription(FailureCause::Cms(10)))));
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.engine.ready_to_submit(), None);
    world.command(Command::Resume);
    assert!(world.saw(|e| *e == Event::Resumed));
    assert!(world.engine.ready_to_submit().is_some());
}

#[test]
fn a_full_storage_is_scanned_when_it_stops_a_message() {
    let mut world = ready_with([Fault::Refuse("+CMS ERROR: 322")]);
    let before = world.heard("AT+CMGL=4");
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    world.settle();
    assert!(world.saw(|e| *e == Event::StorageFull));
    assert!(world.heard("AT+CMGL=4") > before);
}

#[test]
fn a_torn_answer_is_unknown_and_the_engine_gets_into_step_again() {
    for torn in ["+CM", "+CMGS", "+CMGS: x", "K", "\u{1}\u{2}garbage"] {
        let mut world = ready_with([Fault::Answer(torn)]);
        world.submit(1, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(1));
        assert_eq!(outcome_of(&world, 1), [Event::Unknown { token: 1, cause: UnknownCause::TornAnswer }], "{torn}");
        let before = world.heard("ATE0");
        assert_quiet_then_ready(&mut world, 1);
        assert!(world.heard("ATE0") > before, "{torn}");
    }
}

#[test]
fn a_whole_reference_line_counts_without_its_ok() {
    let mut world = ready_with([Fault::Answer("+CMGS: 8\nK")]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert_eq!(outcome_of(&world, 1), [Event::Accepted { token: 1, reference: 8 }]);
    let mut world = ready_with([Fault::Answer("+CMGS: 18\nK")]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert!(matches!(outcome_of(&world, 1)[..], [Event::Unknown { .. }]), "not the expected reference");
}

#[test]
fn notices_between_any_two_lines_change_nothing() {
    for notice in ["+CREG: 1", "+CMTI: \"SM\",9", "^HCSQ:\"LTE\",50,40,100,20", "RING", "+CIEV: 2,4", "+CTZV: \"+08\""]
    {
        let modem = Modem { between: Some((notice, 300)), ..Modem::default() };
        let mut world = World::ready(config(), modem);
        world.submit(1, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(1));
        assert_eq!(outcome_of(&world, 1), [Event::Accepted { token: 1, reference: 8 }], "{notice}");
    }
}

#[test]
fn a_restart_in_the_middle_is_unknown_and_everything_is_set_again() {
    let mut world = ready_with([Fault::Restart]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert_eq!(outcome_of(&world, 1), [Event::Unknown { token: 1, cause: UnknownCause::ModemRestarted }]);
    assert_quiet_then_ready(&mut world, 1);
    assert!(!world.modem.text_mode && !world.modem.echo && !world.modem.cnmi.is_empty());
    assert!(!world.saw(|e| matches!(e, Event::ReferenceCheck { reference: ReferenceMove::NotMoved, .. })));
}

#[test]
fn an_unseen_restart_never_sends_in_text_mode() {
    let mut world = ready_with([]);
    // It says nothing of its restart; only the echo is back.
    let now = world.now;
    world.modem.restart(now);
    world.modem.output.clear();
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert!(matches!(outcome_of(&world, 1)[..], [Event::Failed { class: FailureClass::Passing, .. }]));
    assert!(world.heard("<ESC>") > 0);
    assert!(!world.modem.heard.iter().any(|l| l.starts_with("<PDU")), "no PDU was given");
    world.until("set up again", |w| w.count(|e| *e == Event::Ready) == 2);
    assert!(!world.modem.text_mode);
}

#[test]
fn an_unmoved_reference_proves_only_where_it_was_seen_to_move() {
    for (last_reference, proves) in [(Some(LastReference::Proven), true), (None, false)] {
        let mut world = World::ready(Config { last_reference, ..config() }, Modem::default());
        // Lost between modem and network: no reference was used, and no answer comes.
        world.modem.faults.push_back(Fault::Refuse(""));
        world.submit(1, 0, MoreToSend::No);
        world.until("ready again", |w| w.engine.ready_to_submit().is_some());
        let check = Event::ReferenceCheck { token: 1, reference: ReferenceMove::NotMoved };
        assert_eq!(world.saw(|e| *e == check), proves);
    }
    // Its power was cut meanwhile: nothing is proven.
    let mut world = World::ready(Config { last_reference: Some(LastReference::Proven), ..config() }, Modem::default());
    world.modem.faults.push_back(Fault::Refuse(""));
    world.submit(1, 0, MoreToSend::No);
    world.settle();
    world.modem.restart(world.now);
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    assert!(!world.saw(|e| matches!(e, Event::ReferenceCheck { .. })));
}

#[test]
fn a_missing_prompt_is_a_passing_failure() {
    let mut world = ready_with([Fault::NoPrompt]);
    let start = world.now;
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert_eq!(world.now.since(start), Duration::from_secs(5));
    let failed = Event::Failed { token: 1, class: FailureClass::Passing, cause: FailureCause::NoPrompt };
    assert_eq!(outcome_of(&world, 1), [failed]);
    world.until("ready again", |w| w.engine.ready_to_submit().is_some());
    assert_eq!(world.modem.aired.len(), 0);
    assert_eq!(world.heard("<ESC>"), 2, "at the opening and for the prompt");
}

#[test]
fn a_prompt_after_its_timeout_is_left_by_escape() {
    for delay in [5_100, 5_400, 6_000, 9_000] {
        let mut world = ready_with([Fault::LatePrompt(Duration::from_millis(delay))]);
        world.submit(1, 0, MoreToSend::No);
        world.until("an outcome", has_outcome(1));
        assert!(matches!(outcome_of(&world, 1)[..], [Event::Failed { cause: FailureCause::NoPrompt, .. }]));
        world.until("ready again", |w| w.engine.ready_to_submit().is_some());
        world.submit(2, 0, MoreToSend::No);
        world.until("accepted", has_outcome(2));
        assert_eq!(outcome_of(&world, 2), [Event::Accepted { token: 2, reference: 8 }]);
        assert_eq!(world.modem.aired.len(), 1);
    }
}

#[test]
fn an_error_instead_of_the_prompt_was_certainly_not_sent() {
    let mut world = ready_with([Fault::BeforePrompt("+CMS ERROR: 500")]);
    world.submit(1, 0, MoreToSend::No);
    world.until("an outcome", has_outcome(1));
    assert!(matches!(outcome_of(&world, 1)[..], [Event::Failed { class: FailureClass::Passing, .. }]));
    assert_eq!(world.modem.aired.len(), 0);
    world.until("the stray prompt is left", |w| w.heard("<ESC>") == 2);
}

#[test]
fn a_closed_port_in_the_middle_is_unknown() {
    let mut world = ready_with([Fault::LostAnswer]);
    world.submit(1, 0, MoreToSend::No);
    world.settle();
    world.engine.handle_port_closed(world.now);
    world.drain();
    assert_eq!(outcome_of(&world, 1), [Event::Unknown { token: 1, cause: UnknownCause::PortClosed }]);
    let escapes = world.heard("<ESC>");
    world.open();
    assert_eq!(world.heard("<ESC>"), escapes, "no ESC within the quiet window");
    assert_quiet_then_ready(&mut world, 1);
}

#[test]
fn a_submission_left_by_an_earlier_run_starts_within_its_quiet_window() {
    let unsettled = Some(Unsettled { token: 77, expected: ExpectedReference::Known(8) });
    let mut world = World::new(Config { unsettled, ..config() }, Modem { smss: false, ..Modem::default() });
    let start = world.now;
    let now = world.now;
    world.open();
    assert_eq!(world.heard("<ESC>"), 0);
    world.modem.lines_later(now + Duration::from_secs(20), "+CMGS: 8\nOK");
    world.until("late", |w| !outcome_of(w, 77).is_empty());
    assert_eq!(outcome_of(&world, 77), [Event::LateAccepted { token: 77, reference: 8 }]);

    let mut world = World::new(Config { unsettled, ..config() }, Modem::default());
    world.open();
    world.until("ready", |w| w.engine.ready_to_submit().is_some());
    assert!(world.now.since(start) >= Duration::from_secs(60));
    assert!(!world.saw(|e| matches!(e, Event::LateAccepted { .. })));
}
