//! Voice calls, one at a time, beside messages.

use std::time::Duration;

use gsm_modem::profile::{ProfileName, SoundPath};
use gsm_modem::{CallEnd, CallEvent, CallId, Command, Config, Digit, Event, MoreToSend, NotPossible, Private};

use crate::modem::Modem;
use crate::phone::{CALLER, Dialled, Leg};
use crate::world::{World, config, delivery};

const CLIP: &str = "\"+48600100200\",145,\"\",0,\"\",0";
const FIRST: CallId = CallId::Incoming(1);
const OURS: CallId = CallId::Outgoing(7);

fn number(text: &str) -> Option<Private<String>> {
    Some(text.into())
}

fn calls(world: &World) -> Vec<CallEvent> {
    let told = world.events.iter().filter_map(|(_, event)| match event {
        Event::Call(event) => Some(event.clone()),
        _ => None,
    });
    told.collect()
}

fn ringing(modem: Modem) -> World {
    let mut world = World::ready(config(), modem);
    let now = world.now;
    world.modem.rings(now, CALLER, CLIP);
    world.until("told", |w| !calls(w).is_empty());
    world
}

fn in_a_call(config: Config, modem: Modem) -> World {
    let mut world = World::ready(config, modem);
    let now = world.now;
    world.modem.rings(now, CALLER, CLIP);
    world.until("told", |w| !calls(w).is_empty());
    world.command(Command::Answer { call: FIRST });
    world.until("connected", |w| calls(w).contains(&CallEvent::Connected { call: FIRST }));
    world
}

fn dialling(modem: Modem) -> World {
    let mut world = World::ready(config(), modem);
    world.command(Command::Dial { call: 7, number: "+48600100200".into() });
    world
}

fn sim7600() -> Config {
    Config { profile: ProfileName::Sim7600, sound: SoundPath::UsbAudio, ..config() }
}

#[test]
fn the_set_up_asks_for_callers_and_looks_for_calls() {
    let world = World::ready(config(), Modem::default());
    for line in ["AT+CLIP=1", "AT+CRC=1", "AT+CCWA=1", "AT+CLCC"] {
        assert_eq!(world.heard(line), 1, "{line}");
    }
    assert_eq!(world.engine.ready_to_dial(), Ok(()));
}

#[test]
fn without_a_call_the_list_is_not_read() {
    let mut world = World::ready(config(), Modem::default());
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.heard("AT+CLCC"), 1);
}

#[test]
fn a_caller_is_told_once_answered_and_ended_by_the_other_end() {
    let mut world = ringing(Modem::default());
    for _ in 0..3 {
        world.run(Duration::from_secs(5));
        let now = world.now;
        world.modem.ring_again(now, CLIP);
    }
    world.settle();
    assert_eq!(calls(&world), [CallEvent::Incoming { call: FIRST, number: number("+48600100200") }]);
    world.command(Command::Answer { call: FIRST });
    world.settle();
    assert_eq!(world.heard("ATA"), 1);
    assert_eq!(calls(&world)[1..], [CallEvent::Connected { call: FIRST }]);
    let now = world.now;
    world.modem.far_ends(now, "NO CARRIER");
    world.settle();
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::Remote }]);
    assert_eq!(world.heard("AT+CHUP"), 0);
}

#[test]
fn a_withheld_number_is_none() {
    let mut world = World::ready(config(), Modem::default());
    let now = world.now;
    world.modem.rings(now, "", "\"\",128,,,,1");
    world.settle();
    assert_eq!(calls(&world), [CallEvent::Incoming { call: FIRST, number: None }]);
}

#[test]
fn a_modem_that_shows_the_number_in_its_list_only_is_believed_and_one_that_never_does_is_not_waited_for() {
    for (shown, expected) in [(CALLER, number("+48600100200")), ("", None)] {
        let mut world = World::ready(config(), Modem::default());
        let now = world.now;
        world.modem.rings(now, shown, "");
        world.until("told", |w| !calls(w).is_empty());
        assert_eq!(calls(&world), [CallEvent::Incoming { call: FIRST, number: expected }]);
        assert!(world.now.since(now) <= Duration::from_millis(1_500));
    }
}

#[test]
fn a_caller_who_gives_up_ends_the_call_with_a_word_or_without() {
    for (word, within) in [("NO CARRIER", 1), ("MISSED_CALL: 02:17AM +48600100200", 1), ("", 5)] {
        let mut world = ringing(Modem::default());
        world.settle();
        let now = world.now;
        world.modem.far_ends(now, word);
        world.until("ended", |w| calls(w).len() == 2);
        assert_eq!(calls(&world)[1], CallEvent::Ended { call: FIRST, why: CallEnd::Remote });
        assert!(world.now.since(now) <= Duration::from_secs(within), "{word}");
        // And an answer that crosses it does nothing.
        world.command(Command::Answer { call: FIRST });
        world.settle();
        assert_eq!(world.heard("ATA"), 0);
    }
}

#[test]
fn a_call_that_is_refused_is_hung_up() {
    let mut world = ringing(Modem::default());
    world.command(Command::HangUp { call: FIRST });
    world.settle();
    assert_eq!(world.heard("AT+CHUP"), 1);
    assert!(world.modem.voice.legs.is_empty());
    assert_eq!(calls(&world)[1..], [CallEvent::Ended { call: FIRST, why: CallEnd::HungUp }]);
}

#[test]
fn a_number_is_dialled_rings_answers_and_is_hung_up() {
    let mut world = dialling(Modem::default());
    assert_eq!(world.modem.heard.last().map(String::as_str), Some("ATD+48600100200;"));
    world.settle();
    assert_eq!(calls(&world), []);
    world.modem.far_rings();
    world.settle();
    let now = world.now;
    world.modem.far_answers(now);
    world.settle();
    world.command(Command::HangUp { call: OURS });
    world.settle();
    assert_eq!(
        calls(&world),
        [
            CallEvent::Alerting { call: OURS },
            CallEvent::Connected { call: OURS },
            CallEvent::Ended { call: OURS, why: CallEnd::HungUp }
        ]
    );
    assert_eq!(world.engine.ready_to_dial(), Ok(()));
}

#[test]
fn a_number_that_is_engaged_silent_or_unreachable_ends_the_call_with_the_reason() {
    for (word, dialled, why) in [
        ("BUSY", Dialled::AtOnce, CallEnd::Busy),
        ("NO ANSWER", Dialled::AtOnce, CallEnd::NoAnswer),
        ("NO CARRIER", Dialled::AtOnce, CallEnd::Remote),
        ("VOICE CALL: END: 000000", Dialled::AtOnce, CallEnd::Remote),
        ("BUSY", Dialled::Blocks, CallEnd::Busy),
        ("NO ANSWER", Dialled::Blocks, CallEnd::NoAnswer),
        ("NO CARRIER", Dialled::Blocks, CallEnd::Remote),
    ] {
        let mut modem = Modem::default();
        modem.voice.dialled = dialled;
        let mut world = dialling(modem);
        world.settle();
        let now = world.now;
        world.modem.far_ends(now, word);
        world.until("ended", |w| !calls(w).is_empty());
        assert_eq!(calls(&world), [CallEvent::Ended { call: OURS, why }], "{word} {dialled:?}");
        assert!(world.now.since(now) <= Duration::from_secs(2), "{word} {dialled:?}");
    }
}

#[test]
fn what_is_no_number_is_never_dialled() {
    for wrong in ["", "+", "*#21#", "**21*600100200#", "112;", "600 100", "+48I", "123456789012345678901", "6\r"] {
        let mut world = World::ready(config(), Modem::default());
        world.command(Command::Dial { call: 7, number: wrong.into() });
        world.settle();
        assert_eq!(calls(&world), [CallEvent::NotPossible { call: OURS, why: NotPossible::Number }], "{wrong:?}");
        assert!(!world.modem.heard.iter().any(|line| line.starts_with("ATD")), "{wrong:?}");
    }
}

#[test]
fn a_call_that_can_not_be_made_is_said_to_be_so() {
    let not_possible =
        |world: &World, why| assert_eq!(calls(world).last(), Some(&CallEvent::NotPossible { call: OURS, why }));
    let dial = || Command::Dial { call: 7, number: "600100200".into() };
    let mut world = ringing(Modem::default());
    world.command(dial());
    not_possible(&world, NotPossible::Busy);
    let mut world = World::ready(config(), Modem { registration: 2, ..Modem::default() });
    world.command(dial());
    not_possible(&world, NotPossible::NotReady);
    let mut modem = Modem::default();
    modem.voice.dialled = Dialled::Refused("+CME ERROR: 3");
    let mut world = World::ready(config(), modem);
    world.command(dial());
    world.settle();
    not_possible(&world, NotPossible::Refused);
    assert_eq!(world.engine.ready_to_dial(), Ok(()));
}

#[test]
fn a_modem_without_voice_sends_and_receives_messages_as_before() {
    let mut modem = Modem::default();
    modem.voice.able = false;
    let mut world = World::ready(config(), modem);
    assert_eq!(world.engine.ready_to_dial(), Err(NotPossible::NoVoice));
    world.command(Command::Dial { call: 7, number: "600100200".into() });
    assert_eq!(calls(&world), [CallEvent::NotPossible { call: OURS, why: NotPossible::NoVoice }]);
    world.submit(1, 0, MoreToSend::No);
    world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { token: 1, .. })));
    world.modem.storage.insert(7, (0, delivery(1).2));
    let now = world.now;
    world.modem.say(now, "+CMTI: \"SM\",7");
    world.until("received", |w| w.modem.storage.is_empty());
    assert_eq!(calls(&world).len(), 1);
}

#[test]
fn a_dial_that_waits_for_the_other_end_is_broken_off_by_hanging_up() {
    let mut modem = Modem::default();
    modem.voice.dialled = Dialled::Blocks;
    let mut world = dialling(modem);
    world.run(Duration::from_secs(20));
    assert!(world.modem.voice.blocked);
    let now = world.now;
    world.command(Command::HangUp { call: OURS });
    world.until("ended", |w| !calls(w).is_empty());
    assert_eq!(calls(&world), [CallEvent::Ended { call: OURS, why: CallEnd::HungUp }]);
    assert!(world.modem.voice.legs.is_empty());
    assert!(world.now.since(now) <= Duration::from_secs(2));
    world.until("ready", |w| w.engine.ready_to_dial().is_ok());
}

#[test]
fn a_set_up_in_the_middle_of_a_call_does_not_end_it() {
    let mut world = in_a_call(sim7600(), Modem::default());
    let now = world.now;
    world.modem.say(now, "SMS DONE");
    world.until("set up again", |w| w.count(|e| *e == Event::Ready) == 2);
    world.run(Duration::from_secs(30));
    assert_eq!((calls(&world).len(), world.heard("AT+CPCMREG=1")), (2, 1));
    world.command(Command::HangUp { call: FIRST });
    world.settle();
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::HungUp }]);
}

#[test]
fn a_data_call_that_rings_is_left_alone() {
    let mut world = World::ready(config(), Modem::default());
    let now = world.now;
    world.modem.voice.legs.push(Leg { index: 1, incoming: true, stat: 4, mode: 1, number: CALLER });
    world.modem.say(now, "+CRING: REL ASYNC");
    world.run(Duration::from_secs(10));
    assert_eq!((calls(&world), world.heard("AT+CHUP")), (vec![], 0));
}

#[test]
fn a_dial_that_is_never_answered_is_made_sure_of_and_ends() {
    let mut modem = Modem::default();
    modem.voice.dialled = Dialled::Blocks;
    let mut world = dialling(modem);
    let before = world.now;
    // The modem forgets about its result, and the call stays up.
    world.modem.voice.blocked = false;
    world.until("ended", |w| !calls(w).is_empty());
    assert_eq!(calls(&world), [CallEvent::Ended { call: OURS, why: CallEnd::Lost }]);
    assert!(world.modem.voice.legs.is_empty());
    assert!((90..95).contains(&world.now.since(before).as_secs()), "{}", world.story());
}

#[test]
fn an_ok_behind_no_carrier_is_not_taken_for_the_next_answer() {
    for late_ms in [0, 200] {
        let mut modem = Modem::default();
        modem.voice.dialled = Dialled::Blocks;
        let mut world = dialling(modem);
        world.settle();
        let now = world.now;
        // Another call's end, and then the result of this one.
        world.modem.say(now, "NO CARRIER");
        world.modem.far_answers(now + Duration::from_millis(late_ms));
        world.until("connected", |w| !calls(w).is_empty());
        assert_eq!(calls(&world), [CallEvent::Connected { call: OURS }]);
        world.settle();
        assert_eq!(calls(&world).len(), 1, "{}", world.story());
    }
}

#[test]
fn a_second_caller_is_refused_and_told_once() {
    let mut world = in_a_call(config(), Modem::default());
    world.modem.phone_call(true, 5, "\"+48500000000\",145");
    for _ in 0..3 {
        let now = world.now;
        world.modem.say(now, "+CCWA: \"+48500000000\",145,1");
    }
    world.settle();
    assert_eq!(calls(&world)[2..], [CallEvent::MissedWhileBusy { number: number("+48500000000") }]);
    assert_eq!(world.heard("AT+CHLD=0"), 1);
    assert_eq!(world.modem.voice.legs.len(), 1, "the first call goes on");
    // The next one is told again, also without a notice.
    world.modem.phone_call(true, 5, "\"+48511111111\",145");
    world.run(Duration::from_secs(10));
    assert_eq!(calls(&world)[3..], [CallEvent::MissedWhileBusy { number: number("+48511111111") }]);
    assert_eq!(world.heard("AT+CHUP"), 0);
}

#[test]
fn the_end_of_a_second_call_is_not_the_end_of_the_first() {
    let mut world = in_a_call(config(), Modem::default());
    let now = world.now;
    world.modem.say(now, "NO CARRIER");
    world.run(Duration::from_secs(60));
    assert_eq!(calls(&world).len(), 2);
    let now = world.now;
    world.modem.far_ends(now, "NO CARRIER");
    world.settle();
    assert_eq!(calls(&world).len(), 3);
}

#[test]
fn the_word_for_another_call_is_not_the_reason_of_this_ones_end() {
    let mut world = in_a_call(config(), Modem::default());
    let now = world.now;
    world.modem.say(now, "BUSY");
    world.settle();
    let now = world.now;
    world.modem.far_ends(now, "");
    world.until("ended", |w| calls(w).len() == 3);
    assert_eq!(calls(&world)[2], CallEvent::Ended { call: FIRST, why: CallEnd::Remote });
}

#[test]
fn a_number_that_waits_for_the_port_gives_way_to_a_caller() {
    let mut world = World::ready(config(), Modem::default());
    world.submit(1, 0, MoreToSend::No);
    world.command(Command::Dial { call: 7, number: "600100200".into() });
    let now = world.now;
    world.modem.rings(now, CALLER, CLIP);
    world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { .. })));
    assert_eq!(
        calls(&world),
        [
            CallEvent::NotPossible { call: OURS, why: NotPossible::Busy },
            CallEvent::Incoming { call: FIRST, number: number("+48600100200") }
        ]
    );
    world.settle();
    assert!(!world.modem.heard.iter().any(|line| line.starts_with("ATD")));
}

#[test]
fn keys_of_the_other_end_come_in_every_makers_form() {
    for (profile, notices, keys) in [
        (ProfileName::Ec25, ["+QTONEDET: 49", "+QTONEDET: 35", "+QTONEDET: 300"], "1#"),
        (ProfileName::Sim7600, ["+RXDTMF: 5", "+RXDTMF: *", "+RXDTMF: 1400"], "5*"),
        (ProfileName::Sim800, ["+DTMF:0", "+DTMF: D,160", "+DTMF: 2300"], "0D"),
    ] {
        let mut world = in_a_call(Config { profile, ..config() }, Modem::default());
        let now = world.now;
        for notice in notices {
            world.modem.say(now, notice);
        }
        world.settle();
        let digits: String = calls(&world)
            .iter()
            .filter_map(|event| match event {
                CallEvent::Digit { call: FIRST, digit } => Some(digit.as_char()),
                _ => None,
            })
            .collect();
        assert_eq!(digits, keys);
    }
}

#[test]
fn a_key_heard_before_the_call_is_connected_is_none() {
    let mut world = World::ready(sim7600(), Modem::default());
    world.command(Command::Dial { call: 7, number: "600100200".into() });
    world.settle();
    let now = world.now;
    world.modem.say(now, "+RXDTMF: 1");
    world.settle();
    assert_eq!(calls(&world), []);
}

#[test]
fn keys_are_sent_in_order_and_only_in_a_call() {
    let mut world = in_a_call(config(), Modem::default());
    for sign in "10*#".chars() {
        world.command(Command::SendDigit { call: FIRST, digit: Digit::new(sign).unwrap() });
    }
    world.command(Command::SendDigit { call: OURS, digit: Digit::new('9').unwrap() });
    world.settle();
    let sent: Vec<&String> = world.modem.heard.iter().filter(|line| line.starts_with("AT+VTS")).collect();
    assert_eq!(sent, ["AT+VTS=1", "AT+VTS=0", "AT+VTS=*", "AT+VTS=#"]);
    assert!(Digit::new('E').is_none() && Digit::new('\r').is_none());
}

#[test]
fn the_way_for_the_sound_is_open_before_the_call_counts_as_connected_and_closed_after_it() {
    let mut world = in_a_call(sim7600(), Modem::default());
    let at = |world: &World, line: &str| world.modem.heard.iter().position(|heard| heard == line);
    assert_eq!(world.heard("AT+CPCMREG=1"), 1);
    assert!(at(&world, "ATA") < at(&world, "AT+CPCMREG=1"));
    assert_eq!(world.heard("AT+CPCMREG=0"), 0);
    let now = world.now;
    world.modem.far_ends(now, "VOICE CALL: END: 000004");
    world.settle();
    assert_eq!(world.heard("AT+CPCMREG=0"), 1);
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::Remote }]);
}

#[test]
fn a_way_for_the_sound_that_does_not_open_is_told_beside_the_call() {
    let mut modem = Modem::default();
    modem.voice.soundless = true;
    let mut world = in_a_call(sim7600(), modem);
    world.settle();
    assert_eq!(calls(&world)[1..], [CallEvent::Connected { call: FIRST }, CallEvent::NoSound { call: FIRST }]);
}

#[test]
fn a_modem_with_usb_audio_is_set_to_it_once() {
    let config = Config { profile: ProfileName::Ec25, sound: SoundPath::UsbAudio, ..config() };
    let world = in_a_call(config, Modem::default());
    assert_eq!((world.heard("AT+QPCMV=1,2"), world.heard("AT+QTONEDET=1")), (1, 1));
}

#[test]
fn messages_go_on_during_a_call() {
    let mut world = in_a_call(config(), Modem::default());
    world.submit(1, 0, MoreToSend::No);
    world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { token: 1, .. })));
    world.modem.storage.insert(7, (0, delivery(1).2));
    let now = world.now;
    world.modem.say(now, "+CMTI: \"SM\",7");
    world.until("received", |w| w.modem.storage.is_empty());
    world.run(Duration::from_secs(120));
    assert_eq!(calls(&world).len(), 2, "the call goes on");
}

#[test]
fn a_restart_ends_the_call() {
    let mut world = in_a_call(config(), Modem::default());
    let now = world.now;
    world.modem.restart(now);
    world.until("ready again", |w| w.engine.ready_to_dial().is_ok());
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::Lost }]);
}

#[test]
fn a_call_that_outlives_the_port_is_ended_here_and_hung_up_in_the_modem() {
    let mut world = in_a_call(config(), Modem::default());
    world.engine.handle_port_closed(world.now);
    world.drain();
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::Lost }]);
    assert_eq!(world.modem.voice.legs.len(), 1);
    world.until("hung up", |w| w.modem.voice.legs.is_empty());
    assert_eq!(world.heard("AT+CHUP"), 1);
    world.until("ready", |w| w.engine.ready_to_dial().is_ok());
    assert_eq!(calls(&world).len(), 3);
}

#[test]
fn a_modem_that_clings_to_its_call_is_climbed_upon() {
    let mut world = in_a_call(config(), Modem::default());
    world.modem.voice.clings = true;
    let before = world.now;
    world.command(Command::HangUp { call: FIRST });
    world.until("a hang", |w| w.saw(|e| matches!(e, Event::Hang { .. })));
    assert_eq!(calls(&world)[2..], [CallEvent::Ended { call: FIRST, why: CallEnd::Lost }]);
    assert!(world.heard("AT+CHUP") >= 2 && world.heard("ATH") >= 2, "both ways");
    assert!(world.now.since(before) >= Duration::from_secs(10), "with pauses");
}

#[test]
fn a_data_connection_is_no_call() {
    let mut modem = Modem::default();
    modem.voice.legs.push(Leg { index: 1, incoming: true, stat: 0, mode: 1, number: "" });
    let mut world = World::ready(config(), modem);
    world.run(Duration::from_secs(60));
    assert_eq!((calls(&world).len(), world.heard("AT+CHUP")), (0, 0));
    assert_eq!(world.engine.ready_to_dial(), Ok(()));
}

#[test]
fn debug_forms_hide_callers_and_keys() {
    let mut world = in_a_call(Config { profile: ProfileName::Ec25, ..config() }, Modem::default());
    let now = world.now;
    world.modem.say(now, "+QTONEDET: 57");
    world.settle();
    let shown = format!("{:?} {:?}", world.engine, world.events);
    assert!(!shown.contains("600100200") && !shown.contains("'9'"), "{shown}");
}
