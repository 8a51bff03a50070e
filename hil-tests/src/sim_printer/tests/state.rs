//! Cuts, answers, sensors, errors and power.

use super::*;

#[test]
fn a_cut_without_a_feed_leaves_the_last_lines_on_the_next_slip() {
    let mut printer = printer(WIDE);
    // Six lines of 30 rows; the cutter stands 120 rows behind the head.
    let (_, slips) = print(&mut printer, &[b"1\n2\n3\n4\n5\n6\n\x1dV\x00".as_slice(), CUT].concat());
    assert_eq!((slips[0].text().as_str(), slips[0].cut), ("1\n2", CutKind::Full));
    assert_eq!((slips[1].text().as_str(), slips[1].cut), ("3\n4\n5\n6", CutKind::Partial));
}

#[test]
fn cuts_in_the_middle_of_a_line_are_ignored_and_a_tear_takes_the_rest() {
    let mut printer = printer(WIDE);
    let (_, slips) = print(&mut printer, b"ab\x1dV\x00c\n");
    assert!(slips.is_empty() && printer.remarks().len() == 1);
    printer.handle_tear();
    printer.handle_tear();
    let (_, slips) = drain(&mut printer);
    assert_eq!(slips.len(), 1);
    assert_eq!((slips[0].text().as_str(), slips[0].cut), ("abc", CutKind::Torn));
}

#[test]
fn the_paper_ends_in_the_middle_and_printing_goes_on_when_there_is_new() {
    let mut printer = printer(WIDE);
    printer.handle_paper_left(Some(2));
    let (answers, slips) = print(&mut printer, &[b"\x1da\x081\n2\n3\n4\n\x10\x04\x04", CUT].concat());
    // GS a and DLE EOT 4 are answered while there is paper; then automatic status tells both sensors, and pin offline.
    assert_eq!(answers, [0x12, 0x10, 0x00, 0x00, 0x0f, 0x18, 0x00, 0x0f, 0x0f]);
    assert!(slips.is_empty());
    assert_eq!(printer.counters().lines, 2);
    let (answers, _) = print(&mut printer, b"\x10\x04\x01\x10\x04\x02\x10\x04\x04");
    assert_eq!(answers, [0x1a, 0x32, 0x7e]);
    printer.handle_condition(|condition| condition.paper = Paper::Ok);
    let (answers, slips) = drain(&mut printer);
    assert_eq!(answers, [0x10, 0x00, 0x00, 0x0f]);
    assert_eq!(slips[0].text(), "1\n2\n3\n4");
}

#[test]
fn a_process_id_is_answered_when_what_stands_before_it_is_printed() {
    let mut printer = printer(WIDE);
    printer.handle_octets(b"1\n2\n\x1d(H\x06\x0000ab 73\n\x1d(H\x06\x0000zz~~");
    assert_eq!((printer.run(1), printer.poll_output()), (Progress::More, None));
    printer.handle_condition(|condition| condition.cover_open = true);
    assert_eq!((printer.run(9), printer.poll_output()), (Progress::Waiting, None));
    printer.handle_condition(|condition| condition.cover_open = false);
    printer.run(1);
    // Header 37h, identifier 22h, the id, NUL.
    printer.run(0);
    let (answers, _) = drain(&mut printer);
    assert_eq!(answers, b"\x37\x22ab 7\x00\x37\x22zz~~\x00");
    assert_eq!(printer.counters().process_ids, ["ab 7", "zz~~"]);
}

#[test]
fn models_without_answers_count_what_they_do_not_know() {
    let mut cheap = printer(Model { process_id: false, status: false, ..WIDE });
    let (answers, slips) =
        print(&mut cheap, &[b"\x10\x04\x01\x1dr\x01\x1da\xff\x1dI\x43\x1d(H\x06\x0000abcdx\n", CUT].concat());
    assert_eq!((answers.as_slice(), slips[0].text().as_str()), (b"".as_slice(), "x"));
    let unknown: Vec<&str> = cheap.counters().unknown.keys().map(String::as_str).collect();
    assert_eq!(unknown, ["1d28483030", "1d4943", "1d61ff", "1d7201"]);
}

#[test]
fn what_is_not_known_is_passed_over_by_its_length_and_told() {
    let mut printer = printer(WIDE);
    // GS ( E with three octets, ESC {, GS P, FS ., a control character, and an ESC that the reference does not have.
    let (_, slips) = print(&mut printer, &[b"a\x1d(E\x03\x00xyzb\x1b{1c\x1dP12d\x1c.e\x07f\x1b\xf0g\n", CUT].concat());
    assert_eq!(slips[0].text(), "abcdefg");
    let unknown: Vec<&str> = printer.counters().unknown.keys().map(String::as_str).collect();
    assert_eq!(unknown, ["07", "1b7b", "1bf0", "1c2e", "1d2845", "1d50"]);
}

#[test]
fn a_real_time_command_inside_a_picture_is_answered_and_still_is_the_picture() {
    let mut printer = printer(WIDE);
    let (answers, slips) = print(&mut printer, &[b"\x1dv0\x00\x03\x00\x01\x00\x10\x04\x01", CUT].concat());
    assert_eq!(answers, [0x12]);
    assert_eq!(dots(&slips[0], (0, strip::CUTTER_DOTS), (24, 1)), ["...#.........#.........#"]);
}

#[test]
fn pulses_open_the_drawer_at_once_and_in_their_turn() {
    let mut printer = printer(WIDE);
    printer.handle_condition(|condition| condition.cover_open = true);
    let (_, _) = print(&mut printer, b"\x1bp\x00\x19\xfa\x10\x14\x01\x01\x02\x10\x04\x01");
    assert_eq!((printer.counters().pulses, printer.condition().drawer_open), ([0, 1], true));
    printer.handle_condition(|condition| condition.cover_open = false);
    let (answers, slips) = print(&mut printer, &[b"\x1dr\x02x\n", CUT].concat());
    assert_eq!((answers.as_slice(), printer.counters().pulses), ([0x01].as_slice(), [1, 1]));
    assert_eq!(slips[0].pulses, [1, 0]);
    printer.handle_condition(|condition| condition.error = Some(Fault::Recoverable));
    print(&mut printer, b"\x10\x14\x01\x00\x01");
    assert_eq!(printer.counters().pulses, [1, 1]);
}

#[test]
fn errors_end_as_dle_enq_says() {
    for (request, text) in [(b"\x10\x05\x01", "ab"), (b"\x10\x05\x02", "b")] {
        let mut printer = printer(WIDE);
        printer.handle_condition(|condition| condition.error = Some(Fault::Cutter));
        print(&mut printer, b"a");
        assert_eq!(drain(&mut printer), (Vec::new(), Vec::new()));
        print(&mut printer, request);
        assert!(printer.condition().is_online());
        let (_, slips) = print(&mut printer, &[b"b\n", CUT].concat());
        assert_eq!(slips[0].text(), text);
    }
    let mut printer = printer(WIDE);
    printer.handle_condition(|condition| condition.error = Some(Fault::Unrecoverable));
    print(&mut printer, b"\x10\x05\x01\x10\x05\x02");
    assert!(!printer.condition().is_online());
}

#[test]
fn silence_prints_without_answers_and_power_loses_what_waits() {
    let mut printer = printer(WIDE);
    printer.handle_silence(true);
    let (answers, slips) = print(&mut printer, &[b"\x10\x04\x01\x1dI\x01a\n", CUT].concat());
    assert_eq!((answers.len(), slips[0].text().as_str()), (0, "a"));
    printer.handle_silence(false);
    print(&mut printer, b"\x1bE\x01begun");
    printer.handle_power(false);
    assert_eq!(printer.handle_octets(b"lost"), 0);
    printer.handle_power(true);
    let (_, slips) = print(&mut printer, &[b"b\n", CUT].concat());
    assert_eq!((slips[0].text().as_str(), slips[0].lines[0].runs[0].bold), ("b", false));
}

#[test]
fn a_full_buffer_takes_no_more_until_something_was_printed() {
    let mut printer = printer(WIDE);
    printer.handle_condition(|condition| condition.paper = Paper::Out);
    let much = vec![b'\n'; BUFFER_OCTETS + 100];
    assert_eq!(printer.handle_octets(&much), BUFFER_OCTETS);
    assert_eq!(printer.handle_octets(b"x"), 0);
    printer.handle_condition(|condition| condition.paper = Paper::Ok);
    printer.run(10);
    assert_eq!(printer.handle_octets(&much), 10);
}

#[test]
fn identity_is_answered_as_the_reference_frames_it() {
    let (answers, _) = print(&mut printer(WIDE), b"\x1dI\x02\x1dI\x42");
    assert_eq!(answers, b"\x02_SIM\x00");
}
