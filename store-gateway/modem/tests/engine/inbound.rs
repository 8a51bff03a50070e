//! What comes in, by whichever way the modem has, and when it may go from the modem.

use std::time::Duration;

use gsm_modem::{Command, Event, MoreToSend};

use crate::modem::{Fault, Modem};
use crate::world::{World, config, delivery, report};

/// Sender and text of every message told, in order.
fn received(world: &World) -> Vec<(String, String)> {
    let told = world.events.iter().filter_map(|(_, event)| match event {
        Event::Received { message, .. } => Some((message.sender.number.to_string(), message.data.text.to_string())),
        _ => None,
    });
    told.collect()
}

fn of_vector(index: usize) -> (String, String) {
    let (sender, text, _) = delivery(index);
    (sender, text)
}

#[test]
fn the_storage_is_scanned_at_start_and_emptied_only_when_stored() {
    let mut modem = Modem::default();
    modem.storage.insert(3, (0, delivery(0).2));
    modem.storage.insert(4, (1, delivery(2).2));
    modem.storage.insert(5, (3, delivery(0).2));
    modem.reports.insert(1, (0, report(0).2));
    let mut world = World::new(config(), modem);
    world.stores = false;
    world.open();
    world.until("all told", |w| w.count(|e| matches!(e, Event::Received { .. } | Event::Report { .. })) == 3);
    world.settle();
    assert_eq!(world.modem.storage.len(), 3, "nothing goes before it is stored");
    assert_eq!(received(&world), [of_vector(0), of_vector(2)], "what is kept for sending is no inbound message");
    let keys: Vec<_> = world
        .events
        .iter()
        .filter_map(|(_, e)| match e {
            Event::Received { key, .. } | Event::Report { key, .. } => Some(*key),
            _ => None,
        })
        .collect();
    let stored_at = world.now;
    for key in keys {
        world.command(Command::Stored { key });
    }
    world.until("gone", |w| w.modem.storage.len() == 1 && w.modem.reports.is_empty());
    assert!(world.now.since(stored_at) <= Duration::from_secs(5));
    assert!(world.modem.storage.contains_key(&5));
}

#[test]
fn an_announced_message_and_report_are_read_from_their_storages() {
    let mut world = World::ready(config(), Modem::default());
    world.modem.storage.insert(7, (0, delivery(1).2));
    world.modem.reports.insert(2, (0, report(1).2));
    let now = world.now;
    world.modem.say(now, "+CMTI: \"SM\",7");
    world.modem.say(now, "+CDSI: \"SR\",2");
    world.until("gone", |w| w.modem.storage.is_empty() && w.modem.reports.is_empty());
    let (reference, recipient, _) = report(1);
    assert!(world.saw(|e| matches!(e, Event::Report { report, .. }
        if report.reference == reference && *report.recipient.number == recipient && report.status == 0x46)));
    assert_eq!(received(&world).len(), 1);
}

#[test]
fn a_message_is_told_once_while_it_waits_and_again_after_a_minute() {
    let mut world = World::ready(config(), Modem::default());
    world.stores = false;
    world.modem.storage.insert(7, (0, delivery(0).2));
    for _ in 0..3 {
        world.command(Command::Scan);
        world.settle();
    }
    assert_eq!(received(&world).len(), 1);
    world.run(Duration::from_secs(60));
    world.stores = true;
    world.command(Command::Scan);
    world.until("gone", |w| w.modem.storage.is_empty());
    assert_eq!(received(&world).len(), 2);
}

#[test]
fn reports_handed_over_at_once_are_acknowledged_when_stored() {
    let modem = Modem { cnmi_offer: "(0-2),(0,1),(0),(0,1),(0)", ..Modem::default() };
    let mut world = World::ready(config(), modem);
    assert_eq!(world.modem.cnmi, "2,1,0,1,0");
    world.stores = false;
    let (_, _, hex) = report(0);
    let now = world.now;
    world.modem.say(now, &format!("+CDS: {}\n{hex}", hex.len() / 2 - 1));
    world.until("told", |w| w.saw(|e| matches!(e, Event::Report { .. })));
    world.settle();
    assert_eq!(world.modem.acknowledged, 0);
    let key = world.events.iter().find_map(|(_, e)| match e {
        Event::Report { key, .. } => Some(*key),
        _ => None,
    });
    world.command(Command::Stored { key: key.unwrap() });
    world.until("acknowledged", |w| w.modem.acknowledged == 1);
}

#[test]
fn a_report_between_a_header_and_its_pdu_takes_nothing_away() {
    let mut world = World::ready(config(), Modem::default());
    let (_, text, hex) = delivery(0);
    let (_, _, direct) = report(0);
    let length = hex.len() / 2 - 1 - usize::from_str_radix(&hex[..2], 16).unwrap();
    // A message handed over, with a report handed over between its header and its PDU, and a notice in that.
    let between = format!("+CMT: ,{length}\n+CDS: {}\n+CREG: 1\n{direct}\n+CREG: 1\n{hex}", direct.len() / 2 - 1);
    let now = world.now;
    world.modem.say(now, &between);
    world.until("both told", |w| w.saw(|e| matches!(e, Event::Report { .. })) && !received(w).is_empty());
    assert_eq!(received(&world)[0].1, text);
}

#[test]
fn notices_between_a_list_header_and_its_pdu_change_nothing() {
    for notice in ["+CREG: 1", "RING", "+CMTI: \"SM\",9", "^RSSI: 20"] {
        let mut modem = Modem { between: Some((notice, 400)), ..Modem::default() };
        for index in 1..=5 {
            modem.storage.insert(index, (0, delivery(usize::from(index) - 1).2));
        }
        let mut world = World::new(config(), modem);
        world.open();
        world.until("gone", |w| w.modem.storage.is_empty());
        world.settle();
        let expected: Vec<_> = (0..5).map(of_vector).collect();
        assert_eq!(received(&world), expected, "{notice}");
    }
}

#[test]
fn a_torn_pdu_line_is_read_again() {
    let mut world = World::ready(config(), Modem::default());
    let (_, _, hex) = delivery(0);
    world.modem.storage.insert(1, (0, hex.clone()));
    let length = hex.len() / 2 - 1 - usize::from_str_radix(&hex[..2], 16).unwrap();
    world.modem.dead = true;
    world.command(Command::Scan);
    let now = world.now;
    world.modem.say(now, &format!("+CPMS: 1,10,1,10,1,10\nOK\n+CMGL: 1,0,,{length}\n{}", &hex[..hex.len() - 10]));
    world.settle();
    world.modem.dead = false;
    world.until("gone", |w| w.modem.storage.is_empty());
    assert_eq!(received(&world), [of_vector(0)]);
}

#[test]
fn what_cannot_be_read_is_told_as_it_is_and_goes_too() {
    let mut modem = Modem::default();
    // The length is right and the type of message is reserved.
    let hex = "0007FFFF";
    modem.storage.insert(1, (0, hex.into()));
    let mut world = World::new(config(), modem);
    world.open();
    world.until("gone", |w| w.modem.storage.is_empty());
    assert!(world.saw(|e| matches!(e, Event::Undecodable { hex: told, .. } if told.as_str() == hex)));
}

#[test]
fn a_full_storage_is_read_out() {
    for notice in ["+SMS FULL", "SMS FULL", "^SMMEMFULL: \"SM\"", "+QIND: \"smsfull\",\"SM\""] {
        let mut world = World::ready(config(), Modem::default());
        for index in 1..=10 {
            world.modem.storage.insert(index, (0, delivery(0).2));
        }
        let now = world.now;
        world.modem.say(now, notice);
        world.until("read out", |w| w.modem.storage.is_empty());
        assert!(world.saw(|e| *e == Event::StorageFull), "{notice}");
        assert_eq!(received(&world).len(), 10);
    }
}

#[test]
fn a_modem_without_a_choice_of_storages_is_read_all_the_same() {
    let mut modem = Modem { storages: "", ..Modem::default() };
    modem.storage.insert(2, (0, delivery(0).2));
    let mut world = World::new(config(), modem);
    world.open();
    world.until("gone", |w| w.modem.storage.is_empty());
}

#[test]
fn messages_come_in_while_an_outcome_is_unknown() {
    let mut world = World::ready(config(), Modem::default());
    world.modem.faults.push_back(Fault::Answer("+CMS ERROR: 500"));
    world.submit(1, 0, MoreToSend::No);
    world.until("unknown", |w| w.saw(|e| matches!(e, Event::Unknown { .. })));
    world.modem.storage.insert(2, (0, delivery(0).2));
    let now = world.now;
    world.modem.say(now, "+CMTI: \"SM\",2");
    world.run(Duration::from_secs(20));
    assert!(world.modem.storage.is_empty());
    assert_eq!(world.engine.ready_to_submit(), None);
}
