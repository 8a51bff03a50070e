use super::*;

fn reader(asked: &[Query]) -> StatusReader {
    let mut reader = StatusReader::default();
    asked.iter().for_each(|query| reader.asked(*query));
    reader
}

fn after(answers: &[(Query, u8)]) -> Status {
    let mut status = Status::default();
    for (query, bits) in answers {
        status.apply(Answer::Status { query: *query, bits: *bits }, DrawerSensor::HighIsOpen);
    }
    status
}

#[test]
fn requests_are_those_of_the_reference() {
    let requests: Vec<[u8; 3]> = Query::ALL.iter().map(|query| query.request()).collect();
    assert_eq!(requests, [[0x10, 4, 1], [0x10, 4, 2], [0x10, 4, 3], [0x10, 4, 4]]);
    assert_eq!(process_id_request(*b"0001"), Some(*b"\x1D(H\x06\x00\x30\x300001"));
    assert_eq!(process_id_request([b'0', 31, b'0', b'0']), None);
    assert_eq!(process_id_request([127; 4]), None);
}

#[test]
fn a_ready_printer_answers_with_fixed_bits_alone() {
    let ready = Query::ALL.map(|query| (query, 0x12));
    assert_eq!(after(&ready), Status::default());
}

// The bits are those of DLE EOT in Epson's reference; 0x12 are the fixed ones.
#[test]
fn each_bit_tells_what_the_reference_says() {
    assert!(!after(&[(Query::Printer, 0x12 | 0x08)]).online);
    assert!(after(&[(Query::Printer, 0x12 | 0x04)]).drawer_open);
    assert!(after(&[(Query::OfflineCause, 0x12 | 0x04)]).cover_open);
    assert_eq!(after(&[(Query::OfflineCause, 0x12 | 0x20)]).paper, Paper::Out);
    assert_eq!(after(&[(Query::OfflineCause, 0x12 | 0x40)]).error, Some(Fault::Recoverable));
    assert_eq!(after(&[(Query::ErrorCause, 0x12 | 0x08)]).error, Some(Fault::Cutter));
    assert_eq!(after(&[(Query::ErrorCause, 0x12 | 0x20)]).error, Some(Fault::Unrecoverable));
    assert_eq!(after(&[(Query::ErrorCause, 0x12 | 0x40)]).error, Some(Fault::Recoverable));
    assert_eq!(after(&[(Query::Paper, 0x12 | 0x0C)]).paper, Paper::Low);
    assert_eq!(after(&[(Query::Paper, 0x12 | 0x6C)]).paper, Paper::Out);
}

#[test]
fn an_error_and_an_empty_roll_end_with_the_next_round() {
    let trouble =
        [(Query::Printer, 0x1A), (Query::OfflineCause, 0x72), (Query::ErrorCause, 0x1A), (Query::Paper, 0x7E)];
    let mut rounds = trouble.to_vec();
    let told = after(&rounds);
    assert_eq!((told.online, told.paper, told.error), (false, Paper::Out, Some(Fault::Cutter)));
    rounds.extend(Query::ALL.map(|query| (query, 0x12)));
    assert_eq!(after(&rounds), Status::default());
}

#[test]
fn automatic_status_tells_the_same() {
    let mut status = Status::default();
    // Offline, cover open; cutter; paper out.
    let mut reader = reader(&[]);
    let answers = reader.push(&[0x10 | 0x08 | 0x20, 0x08, 0x0C, 0x00]);
    assert_eq!(answers, [Answer::Automatic([0x38, 0x08, 0x0C, 0x00])]);
    status.apply(answers[0], DrawerSensor::LowIsOpen);
    let wanted =
        Status { online: false, cover_open: true, paper: Paper::Out, error: Some(Fault::Cutter), drawer_open: true };
    assert_eq!(status, wanted);
    status.apply(Answer::Automatic([0x14, 0, 0x03, 0]), DrawerSensor::LowIsOpen);
    assert_eq!(status, Status { paper: Paper::Low, ..Status::default() });
}

#[test]
fn answers_go_to_the_questions_in_order_and_to_no_more() {
    let mut reader = reader(&[Query::Printer, Query::Paper]);
    let answers = reader.push(&[0x12, 0x1E, 0x12]);
    let wanted =
        [Answer::Status { query: Query::Printer, bits: 0x12 }, Answer::Status { query: Query::Paper, bits: 0x1E }];
    assert_eq!(answers, wanted);
    assert_eq!(reader.dropped(), 1, "an answer to nothing");
}

#[test]
fn flow_control_is_told_apart_even_inside_an_answer() {
    let mut reader = reader(&[Query::Printer]);
    let answers = reader.push(b"\x137\"00\x1107\x00\x12");
    let wanted =
        [Answer::Xoff, Answer::Xon, Answer::ProcessId(*b"0007"), Answer::Status { query: Query::Printer, bits: 0x12 }];
    assert_eq!(answers, wanted);
}

#[test]
fn digits_of_a_process_id_are_no_status() {
    // The digit 2 is 32h, which has the fixed bits of a DLE EOT answer.
    let mut reader = reader(&[Query::Printer]);
    assert_eq!(reader.push(b"7\"2222\x00"), [Answer::ProcessId(*b"2222")]);
    assert_eq!(reader.push(&[0x16]), [Answer::Status { query: Query::Printer, bits: 0x16 }]);
}

#[test]
fn what_breaks_off_is_dropped_and_what_follows_is_read() {
    let mut reader = reader(&[Query::Printer]);
    assert_eq!(reader.push(b"7\"12"), []);
    // A header again: 37h, 22h, 1, 2 began nothing; 32h is taken for an answer, because one is due.
    let answers = reader.push(b"\xFF7\"0003\x00");
    assert_eq!(answers.last(), Some(&Answer::ProcessId(*b"0003")));
    assert_eq!(reader.dropped(), 4, "37h 22h 31h and FFh");
    let mut reader = self::reader(&[Query::Paper]);
    // An automatic status that breaks off after two octets.
    assert_eq!(reader.push(&[0x10, 0x00, 0x12]), [Answer::Status { query: Query::Paper, bits: 0x12 }]);
    assert_eq!(reader.dropped(), 2);
}

proptest::proptest! {
    #[test]
    fn any_octets_in_any_split_give_the_same_answers(
        octets in proptest::collection::vec(proptest::prop_oneof![
            proptest::num::u8::ANY,
            proptest::sample::select(b"\x12\x10\x00\x11\x13\x37\x2200".to_vec()),
        ], 0..60),
        cut in 0_usize..60,
    ) {
        let (mut whole, mut split) = (reader(&Query::ALL), reader(&Query::ALL));
        let wanted = whole.push(&octets);
        let (left, right) = octets.split_at(cut.min(octets.len()));
        let mut got = split.push(left);
        got.extend(split.push(right));
        proptest::prop_assert_eq!(got, wanted);
        proptest::prop_assert_eq!(split.dropped(), whole.dropped());
        proptest::prop_assert!(split.begun.len() < ID_OCTETS);
    }

    #[test]
    fn every_answer_is_found_among_flow_control(id in "[ -~]{4}", bits in proptest::num::u8::ANY, octet in 0_usize..3) {
        let id: [u8; 4] = id.as_bytes().try_into().unwrap();
        let status = bits & 0x6C | 0x12;
        let automatic = [bits & 0x6C | 0x10, bits & 0x6F, 0, 0];
        let parts = [vec![status], [&b"7\""[..], &id, &[0]].concat(), automatic.to_vec()];
        let mut octets = parts[octet].clone();
        octets.push(XOFF);
        octets.extend(parts.concat());
        let answers = reader(&[Query::Paper, Query::Printer]).push(&octets);
        let first = Answer::Status { query: Query::Paper, bits: status };
        let all = [first, Answer::ProcessId(id), Answer::Automatic(automatic)];
        let rest = |query| [Answer::Xoff, Answer::Status { query, bits: status }, all[1], all[2]];
        let wanted = match octet {
            0 => [vec![all[0]], rest(Query::Printer).to_vec()].concat(),
            other => [vec![all[other]], rest(Query::Paper).to_vec()].concat(),
        };
        proptest::prop_assert_eq!(answers, wanted);
    }
}
