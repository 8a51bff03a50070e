//! Set-up, SIM, state, and the ladder against a modem that does not answer.

use std::time::Duration;

use gsm_modem::engine::{PauseReason, RecoveryStep, Registration, Signal, SimState};
use gsm_modem::profile::ProfileName;
use gsm_modem::{Config, Event, Private};

use crate::modem::Modem;
use crate::world::{World, config};

#[test]
fn the_set_up_tells_what_the_modem_is_and_how_it_stands() {
    let world = World::ready(config(), Modem::default());
    for event in [
        Event::Sim(SimState::Ready),
        Event::Registration(Registration::Home),
        Event::Signal(Signal { dbm: Some(-79), bars: 4 }),
        Event::Operator("Plus".into()),
        // 12:07:33 at +2 h, by hand.
        Event::NetworkTime { unix_ms: 1_779_358_053_000 },
        Event::LastReference { reference: 7 },
    ] {
        assert_eq!(world.count(|e| *e == event), 1, "{event:?}\n{}", world.story());
    }
    assert!(world.saw(|e| matches!(e, Event::Identity { imei, profile: ProfileName::Generic, .. }
        if imei.as_str() == "861075030000001")));
    assert!(!world.modem.echo && !world.modem.text_mode);
    assert_eq!(world.modem.cnmi, "2,1,0,2,0");
    assert!(!world.modem.heard.iter().any(|l| l.contains("CIMI") || l.contains("CCID")));
}

#[test]
fn a_start_with_a_clock_that_the_network_never_set_tells_no_time() {
    let world = World::ready(config(), Modem { clock: "80/01/06,00:00:10+00", ..Modem::default() });
    assert!(!world.saw(|e| matches!(e, Event::NetworkTime { .. })));
}

fn with_pin(pin: &str) -> Config {
    Config { pin: Some(Private(pin.to_owned())), ..config() }
}

#[test]
fn the_pin_is_entered_when_enough_tries_are_left() {
    let world = World::ready(with_pin("1234"), Modem { sim: "SIM PIN", pin_tries: 2, ..Modem::default() });
    assert_eq!(world.heard("AT+CPIN=\"1234\""), 1);
}

#[test]
fn a_wrong_pin_is_tried_once_only() {
    let mut world = World::new(with_pin("9999"), Modem { sim: "SIM PIN", ..Modem::default() });
    world.open();
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.modem.pin_tries, 2);
    assert!(world.saw(|e| matches!(e, Event::Paused(PauseReason::Sim(SimState::PinRequired { .. })))));
    world.modem.restart(world.now);
    world.run(Duration::from_secs(3_600));
    assert_eq!(world.modem.pin_tries, 2, "not even after a restart");
}

#[test]
fn the_last_try_is_never_used_and_no_pin_is_guessed() {
    for (config, tries) in [(with_pin("1234"), 1), (with_pin("1234"), 0), (config(), 3)] {
        let mut world = World::new(config, Modem { sim: "SIM PIN", pin_tries: tries, ..Modem::default() });
        world.open();
        world.run(Duration::from_secs(600));
        assert!(!world.modem.heard.iter().any(|l| l.starts_with("AT+CPIN=")));
        assert!(world.saw(|e| matches!(e, Event::Sim(SimState::PinRequired { .. }))));
    }
}

#[test]
fn a_puk_is_never_entered() {
    let mut world = World::new(with_pin("1234"), Modem { sim: "SIM PUK", ..Modem::default() });
    world.open();
    world.run(Duration::from_secs(600));
    assert!(world.saw(|e| *e == Event::Sim(SimState::PukRequired)));
    assert!(!world.modem.heard.iter().any(|l| l.starts_with("AT+CPIN=")));
    assert_eq!(world.engine.ready_to_submit(), None);
}

#[test]
fn a_sim_that_comes_later_is_taken() {
    let mut world = World::new(config(), Modem { sim: "", ..Modem::default() });
    world.open();
    world.run(Duration::from_secs(30));
    assert!(world.saw(|e| *e == Event::Sim(SimState::Absent)));
    world.modem.sim = "READY";
    world.until("set up", |w| w.engine.ready_to_submit().is_some());
    assert!(world.saw(|e| *e == Event::Resumed));
}

#[test]
fn a_sim_that_is_pulled_stops_sending() {
    let mut world = World::ready(config(), Modem::default());
    world.modem.sim = "";
    world.run(Duration::from_secs(60));
    assert_eq!(world.engine.ready_to_submit(), None);
    assert!(world.saw(|e| *e == Event::Paused(PauseReason::Sim(SimState::Absent))));
}

#[test]
fn registration_follows_its_notices() {
    let mut world = World::ready(config(), Modem::default());
    let now = world.now;
    world.modem.registration = 3;
    world.modem.say(now, "+CREG: 3");
    world.modem.say(now, "+CEREG: 3");
    world.settle();
    assert!(world.saw(|e| *e == Event::Registration(Registration::Denied)));
    assert_eq!(world.engine.ready_to_submit(), None);
    let now = world.now;
    world.modem.registration = 5;
    world.modem.say(now, "+CREG: 5,\"00C3\",\"0001\",7");
    world.settle();
    assert!(world.saw(|e| *e == Event::Registration(Registration::Roaming)));
    assert!(world.engine.ready_to_submit().is_some());
}

#[test]
fn every_kind_of_restart_notice_sets_up_anew() {
    for notice in ["RDY", "+CFUN: 1", "Call Ready", "SMS Ready", "+CPIN: READY", "+QIND: SMS DONE", "NORMAL POWER DOWN"]
    {
        let mut world = World::ready(config(), Modem::default());
        let now = world.now;
        world.modem.restart(now);
        world.modem.output.clear();
        world.modem.say(now, notice);
        world.until("set up again", |w| w.count(|e| *e == Event::Ready) == 2);
        assert!(!world.modem.echo && !world.modem.text_mode && !world.modem.cnmi.is_empty(), "{notice}");
    }
}

#[test]
fn the_ladder_is_climbed_step_by_step_until_the_modem_answers() {
    use RecoveryStep::{PowerKey, PowerOff, ReopenPort, ResetPin, Restart};
    for (by, steps) in [
        ("ReopenPort", vec![ReopenPort]),
        ("CFUN", vec![ReopenPort, Restart]),
        ("PowerKey", vec![ReopenPort, Restart, PowerOff, PowerKey]),
        ("ResetPin", vec![ReopenPort, Restart, PowerOff, PowerKey, PowerKey, ResetPin]),
    ] {
        let mut world = World::ready(config(), Modem::default());
        world.modem.dead = true;
        world.modem.revived_by = by;
        world.until("recovered", |w| w.saw(|e| *e == Event::Recovered));
        world.until("set up again", |w| w.count(|e| *e == Event::Ready) == 2);
        let taken: Vec<_> = world
            .events
            .iter()
            .filter_map(|(_, e)| match e {
                Event::Hang { step } => Some(*step),
                _ => None,
            })
            .collect();
        assert_eq!(taken, steps, "{by}");
    }
}

#[test]
fn a_modem_that_nothing_brings_back_is_tried_with_long_pauses() {
    let mut world = World::ready(config(), Modem::default());
    world.modem.dead = true;
    world.run(Duration::from_secs(24 * 3_600));
    let resets = world.count(|e| matches!(e, Event::ResetPin { .. }));
    assert!((20..=110).contains(&resets), "{resets} in a day");
    assert!(world.saw(|e| *e == Event::Hang { step: RecoveryStep::Exhausted }));
    world.modem.dead = false;
    world.until("ready", |w| w.engine.ready_to_submit().is_some());
}

#[test]
fn a_hang_soon_after_the_last_one_takes_the_next_step() {
    let mut world = World::ready(config(), Modem::default());
    for (by, step) in [("ReopenPort", RecoveryStep::ReopenPort), ("CFUN", RecoveryStep::Restart)] {
        world.modem.dead = true;
        world.modem.revived_by = by;
        let before = world.count(|e| *e == Event::Recovered);
        world.until("recovered", |w| w.count(|e| *e == Event::Recovered) > before);
        world.until("ready", |w| w.engine.ready_to_submit().is_some());
        let last = world.events.iter().rev().find_map(|(_, e)| match e {
            Event::Hang { step } => Some(*step),
            _ => None,
        });
        assert_eq!(last, Some(step));
    }
    assert_eq!(world.count(|e| *e == Event::Hang { step: RecoveryStep::ReopenPort }), 1);
}

#[test]
fn a_port_that_stays_away_is_asked_for_again() {
    let mut world = World::ready(config(), Modem::default());
    world.engine.handle_port_closed(world.now);
    world.drain();
    world.until("asked for", |w| w.saw(|e| *e == Event::ReopenPort));
    world.until("ready", |w| w.engine.ready_to_submit().is_some());
}

#[test]
fn debug_forms_hide_numbers_texts_and_the_pin() {
    let world = World::ready(with_pin("7391"), Modem::default());
    let shown = format!("{:?} {:?} {:?}", world.engine, with_pin("7391"), world.events);
    assert!(!shown.contains("7391") && !shown.contains("861075030000001"));
}
