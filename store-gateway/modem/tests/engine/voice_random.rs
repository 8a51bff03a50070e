//! Calls under any split of the octets, and under anything that callers, callees, the shell and the modem may do.

use std::collections::BTreeMap;
use std::time::Duration;

use gsm_modem::profile::{ProfileName, SoundPath};
use gsm_modem::{CallEvent, CallId, Command, Config, Digit, Event, MoreToSend};
use proptest::prelude::*;
use sans_io::Rng;

use crate::modem::Modem;
use crate::phone::{CALLER, Dialled};
use crate::world::{World, config};

fn sim7600() -> Config {
    Config { profile: ProfileName::Sim7600, sound: SoundPath::UsbAudio, ..config() }
}

fn ended(world: &World, call: CallId) -> bool {
    world.saw(|e| matches!(e, Event::Call(CallEvent::Ended { call: c, .. }) if *c == call))
}

/// A call in with keys and a second caller, a message in between, a call out.
fn scenario(pieces: Option<Rng>) -> Vec<Event> {
    let modem = Modem { between: Some(("VOICE CALL: BEGIN", 60)), ..Modem::default() };
    let mut world = World::new(sim7600(), modem);
    world.pieces = pieces;
    world.open();
    world.until("ready", |w| w.engine.ready_to_dial().is_ok());
    let now = world.now;
    world.modem.rings(now, CALLER, "\"+48600100200\",145,\"\",0,\"\",0");
    world.until("told", |w| w.saw(|e| matches!(e, Event::Call(_))));
    world.command(Command::Answer { call: CallId::Incoming(1) });
    world.until("connected", |w| w.saw(|e| matches!(e, Event::Call(CallEvent::Connected { .. }))));
    let now = world.now;
    world.modem.say(now, "+RXDTMF: 1\n+RXDTMF: #");
    world.modem.phone_call(true, 5, "\"+48500000000\",145");
    world.modem.say(now, "+CCWA: \"+48500000000\",145,1");
    world.settle();
    world.submit(1, 0, MoreToSend::No);
    world.until("accepted", |w| w.saw(|e| matches!(e, Event::Accepted { .. })));
    let now = world.now;
    world.modem.far_ends(now, "NO CARRIER\nVOICE CALL: END: 000011");
    world.until("ended", |w| ended(w, CallId::Incoming(1)));
    world.command(Command::Dial { call: 2, number: "600100200".into() });
    world.settle();
    world.modem.far_rings();
    world.settle();
    let now = world.now;
    world.modem.far_ends(now, "BUSY");
    world.until("ended too", |w| ended(w, CallId::Outgoing(2)));
    world.settle();
    world.events.into_iter().map(|(_, e)| e).collect()
}

/// What anybody may do.
#[derive(Clone, Debug)]
enum Act {
    Rings,
    RingsAgain,
    SecondRings,
    FarRings,
    FarAnswers,
    FarEnds(&'static str),
    Says(&'static str),
    Garbage(Vec<u8>),
    Restart,
    ClosePort,
    Dial(Dialled),
    Answer,
    HangUp,
    Digit,
    Submit,
}

fn act() -> impl Strategy<Value = Act> {
    let word = prop::sample::select(vec!["NO CARRIER", "BUSY", "NO ANSWER", "VOICE CALL: END: 000001", ""]);
    let dialled = prop::sample::select(vec![Dialled::AtOnce, Dialled::Blocks, Dialled::Refused("ERROR")]);
    let says = prop::sample::select(vec![
        "NO CARRIER",
        "RING",
        "+CLIP: \"+48600100200\",145",
        "+CLIP: \"6",
        "+CCWA: \"\",128,1",
        "+CLCC: 1,0,0,0,0",
        "+CLCC: 9",
        "VOICE CALL: BEGIN",
        "OK",
        "ERROR",
        "CONNECT",
        "+RXDTMF: 1",
    ]);
    prop_oneof![
        3 => Just(Act::Rings),
        1 => Just(Act::RingsAgain),
        1 => Just(Act::SecondRings),
        1 => Just(Act::FarRings),
        2 => Just(Act::FarAnswers),
        2 => word.prop_map(Act::FarEnds),
        2 => says.prop_map(Act::Says),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Act::Garbage),
        1 => Just(Act::Restart),
        1 => Just(Act::ClosePort),
        3 => dialled.prop_map(Act::Dial),
        3 => Just(Act::Answer),
        2 => Just(Act::HangUp),
        1 => Just(Act::Digit),
        1 => Just(Act::Submit),
    ]
}

/// The call that the shell knows of.
fn known(world: &World) -> Option<CallId> {
    let mut call = None;
    for (_, event) in &world.events {
        match event {
            Event::Call(CallEvent::Incoming { call: c, .. } | CallEvent::Connected { call: c }) => call = Some(*c),
            Event::Call(CallEvent::Ended { .. }) => call = None,
            _ => {}
        }
    }
    call
}

fn perform(world: &mut World, act: &Act, next: u64) {
    let now = world.now;
    let call = known(world).unwrap_or(CallId::Outgoing(next));
    match act {
        Act::Rings if world.modem.voice.legs.is_empty() => world.modem.rings(now, CALLER, "\"+48600100200\",145"),
        Act::Rings | Act::SecondRings => world.modem.phone_call(true, 5, "\"+48500000000\",145"),
        Act::RingsAgain => world.modem.ring_again(now, "\"+48600100200\",145"),
        Act::FarRings => world.modem.far_rings(),
        Act::FarAnswers => world.modem.far_answers(now),
        Act::FarEnds(word) => world.modem.far_ends(now, word),
        Act::Says(line) => world.modem.say(now, line),
        Act::Garbage(octets) => {
            world.engine.handle_bytes(octets, now);
            world.drain();
        }
        Act::Restart => world.modem.restart(now),
        Act::ClosePort => {
            world.engine.handle_port_closed(now);
            world.drain();
        }
        Act::Dial(dialled) => {
            world.modem.voice.dialled = *dialled;
            world.command(Command::Dial { call: next, number: "600100200".into() });
        }
        Act::Answer => world.command(Command::Answer { call }),
        Act::HangUp => world.command(Command::HangUp { call }),
        Act::Digit => world.command(Command::SendDigit { call, digit: Digit::new('5').unwrap() }),
        Act::Submit => {
            if world.engine.ready_to_submit().is_some() {
                world.submit(next, 0, MoreToSend::No);
            }
        }
    }
}

/// Each call: begun once, connected once at most, ended once, and nothing after that.
fn check_story(world: &World) -> Result<(), TestCaseError> {
    #[derive(Default)]
    struct Seen {
        begun: u32,
        connected: u32,
        over: u32,
    }
    let mut seen: BTreeMap<CallId, Seen> = BTreeMap::new();
    for (_, event) in &world.events {
        let Event::Call(event) = event else { continue };
        let (call, field): (CallId, fn(&mut Seen) -> Option<&mut u32>) = match event {
            CallEvent::Incoming { call, .. } => (*call, |s| Some(&mut s.begun)),
            CallEvent::Connected { call } => (*call, |s| Some(&mut s.connected)),
            CallEvent::Ended { call, .. } | CallEvent::NotPossible { call, .. } => (*call, |s| Some(&mut s.over)),
            CallEvent::Alerting { call } | CallEvent::NoSound { call } | CallEvent::Digit { call, .. } => {
                (*call, |_| None)
            }
            CallEvent::MissedWhileBusy { .. } => continue,
        };
        let seen = seen.entry(call).or_default();
        prop_assert_eq!(seen.over, 0, "after its end: {:?}\n{}", event, world.story());
        if let Some(count) = field(seen) {
            *count += 1;
            prop_assert_eq!(*count, 1, "twice: {:?}\n{}", event, world.story());
        }
    }
    for (call, seen) in seen {
        prop_assert_eq!(seen.over, 1, "never over: {:?}\n{}", call, world.story());
        prop_assert!(
            matches!(call, CallId::Outgoing(_)) || seen.begun == 1,
            "never told: {:?}\n{}",
            call,
            world.story()
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_split_of_the_octets_gives_the_same_calls(seed: u64) {
        prop_assert_eq!(scenario(Some(Rng::new(seed))), scenario(None));
    }

    #[test]
    fn whatever_happens_every_call_comes_to_one_end_and_none_is_left_up(
        acts in proptest::collection::vec((0_u64..8_000, act()), 1..30),
        seed: u64,
    ) {
        let mut world = World::ready(sim7600(), Modem::default());
        world.pieces = Some(Rng::new(seed));
        let mut dialled = 0;
        for (next, (pause, act)) in (1_u64..).zip(&acts) {
            world.run(Duration::from_millis(*pause));
            dialled += u64::from(matches!(act, Act::Dial(_)));
            perform(&mut world, act, next);
        }
        // Everybody out there hangs up, and so does the shell.
        world.run(Duration::from_secs(10));
        if let Some(call) = known(&world) {
            world.command(Command::HangUp { call });
        }
        let now = world.now;
        world.modem.voice.legs.retain(|leg| leg.stat == 0);
        if std::mem::take(&mut world.modem.voice.blocked) {
            world.modem.say(now, "NO CARRIER");
        }
        world.until("free again", |w| w.engine.ready_to_dial().is_ok() && w.modem.voice.legs.is_empty());
        world.run(Duration::from_secs(20));
        check_story(&world)?;
        let outcomes = world.count(|e| matches!(e, Event::Call(
            CallEvent::Ended { call: CallId::Outgoing(_), .. } | CallEvent::NotPossible { .. })));
        prop_assert_eq!(outcomes as u64, dialled, "one end for each wish\n{}", world.story());
        // And both trades work.
        let now = world.now;
        world.modem.rings(now, CALLER, "\"+48600100200\",145");
        world.until("a caller", |w| known(w).is_some());
        world.until("may send", |w| w.engine.ready_to_submit().is_some());
        world.submit(1_000, 0, MoreToSend::No);
        world.until("sent", |w| w.saw(|e| matches!(e, Event::Accepted { token: 1_000, .. } | Event::Unknown { token: 1_000, .. })));
    }
}
