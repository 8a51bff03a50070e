//! The codec against `vectors/pdu.tsv`, which peers made and agreed upon (see `vectors/make.py`), and against random
//! octets.

use std::time::Duration;

use gsm_modem::pdu::{
    DecodeError, Direction, Encoding, Message, Report, SubmitRequest, TypeOfNumber, decode, encode_submit, text_of,
};
use proptest::prelude::*;
use vectors::vectors;

#[path = "support/vectors.rs"]
mod vectors;

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(field: &str) -> T {
    field.parse().unwrap()
}

fn request_of(fields: &[String]) -> SubmitRequest {
    let mut request = SubmitRequest::new(fields[1].as_str(), fields[2].as_str());
    let minutes: u64 = number(&fields[3]);
    request.validity = (minutes > 0).then(|| Duration::from_secs(minutes * 60));
    request.report = if fields[4] == "1" { Report::Request } else { Report::None };
    request.reference = number(&fields[5]);
    request
}

#[test]
fn encodes_what_peers_encode() {
    for fields in vectors("submit") {
        let pdus = encode_submit(&request_of(&fields)).unwrap();
        let (part, parts): (u8, u8) = (number(&fields[6]), number(&fields[7]));
        assert_eq!(pdus.len(), usize::from(parts));
        let ours = &pdus[usize::from(part) - 1];
        assert_eq!((ours.part, ours.parts, ours.length), (part, parts, number::<usize>(&fields[8])));
        // The peer gives every part the same TP-MR; TS 23.040 §9.2.3.6 counts on.
        let reference = number::<u8>(&fields[5]).wrapping_add(part - 1);
        let theirs = format!("{}{reference:02X}{}", &fields[9][..4], &fields[9][6..]);
        assert_eq!(*ours.hex, theirs, "{fields:?}");
    }
}

#[test]
fn decodes_what_peers_encode_for_sending() {
    let mut whole = String::new();
    for fields in vectors("submit") {
        let Message::Submit(submit) = decode(&fields[9], Direction::FromMs).unwrap() else { panic!("{fields:?}") };
        assert_eq!(*submit.recipient.number, fields[1]);
        assert_eq!(submit.reference, number::<u8>(&fields[5]));
        assert_eq!(submit.report == Report::Request, fields[4] == "1");
        assert_eq!(submit.validity.map_or(0, |v| v.as_secs() / 60), number::<u64>(&fields[3]));
        let concat = submit.data.concat.map(|c| (c.part, c.parts));
        assert_eq!(concat.unwrap_or((1, 1)), (number(&fields[6]), number(&fields[7])));
        if fields[6] == "1" {
            whole.clear();
        }
        whole.push_str(&submit.data.text);
        if fields[6] == fields[7] {
            assert_eq!(whole, fields[2]);
        }
    }
}

#[test]
fn decodes_deliveries_as_peers_do() {
    for fields in vectors("deliver") {
        let Message::Deliver(deliver) = decode(&fields[7], Direction::FromSc).unwrap() else { panic!("{fields:?}") };
        assert_eq!(*deliver.sender.number, fields[1]);
        assert_eq!(*deliver.data.text, fields[2]);
        assert_eq!(deliver.scts, number::<i64>(&fields[3]) * 1_000);
        let concat = deliver.data.concat.map_or((0, 0, 0), |c| (c.reference, c.part, c.parts));
        assert_eq!(concat, (number(&fields[4]), number(&fields[5]), number(&fields[6])));
        let named = fields[1].chars().any(char::is_alphabetic);
        assert_eq!(deliver.sender.ton == TypeOfNumber::Alphanumeric, named);
    }
}

#[test]
fn decodes_status_reports() {
    for fields in vectors("status_report") {
        let Message::StatusReport(report) = decode(&fields[6], Direction::FromSc).unwrap() else {
            panic!("{fields:?}")
        };
        assert_eq!(report.reference, number::<u8>(&fields[1]));
        assert_eq!(*report.recipient.number, fields[2]);
        assert_eq!(report.scts, number::<i64>(&fields[3]) * 1_000);
        assert_eq!(report.discharge, number::<i64>(&fields[4]) * 1_000);
        assert_eq!(report.status, number::<u8>(&fields[5]));
    }
}

#[test]
fn packs_septets_as_two_peers_do() {
    for fields in vectors("septets") {
        let pdu = &encode_submit(&SubmitRequest::new("1", fields[1].as_str())).unwrap()[0];
        assert!(pdu.hex.ends_with(&fields[2]), "{fields:?}");
    }
}

#[test]
fn a_dangling_surrogate_of_another_sender_is_mended_from_payloads() {
    // U+1F642 is D83D DE42 (Unicode, UTF-16); a part ends between the halves.
    let halves: [&[u8]; 2] = [&[0x00, 0x61, 0xD8, 0x3D], &[0xDE, 0x42]];
    assert_eq!(text_of(Encoding::Ucs2, halves[0]), "a\u{FFFD}");
    assert_eq!(text_of(Encoding::Ucs2, &halves.concat()), "a🙂");
}

#[test]
fn errors_name_the_octet() {
    let error = |hex, direction| decode(hex, direction).unwrap_err();
    assert_eq!(error("00ZZ", Direction::FromSc), DecodeError::NotHex { octet: 2, found: "ZZ".into() });
    assert_eq!(error("00041", Direction::FromSc), DecodeError::NotHex { octet: 3, found: "1".into() });
    assert_eq!(error("0004", Direction::FromSc), DecodeError::Truncated { octet: 3, field: "sender" });
    let good = &vectors("deliver")[0][7];
    let surplus = format!("{good}00");
    assert_eq!(error(&surplus, Direction::FromSc), DecodeError::Surplus { octet: surplus.len() / 2, found: 0 });
    let cut = &good[..good.len() - 2];
    assert_eq!(error(cut, Direction::FromSc), DecodeError::Truncated { octet: good.len() / 2, field: "user data" });
    assert!(matches!(error(good, Direction::FromMs), DecodeError::Invalid { octet: 9, .. }));
    assert!(matches!(error("", Direction::FromSc), DecodeError::Truncated { octet: 1, .. }));
}

#[test]
fn debug_forms_hide_numbers_and_texts() {
    let shown = format!("{:?} {:?}", decode(&vectors("deliver")[0][7], Direction::FromSc), {
        encode_submit(&SubmitRequest::new("+48600100200", "jestem"))
    });
    assert!(!shown.contains("600100200") && !shown.contains("jestem") && !shown.contains("06100002F0"), "{shown}");
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let hex: String = octets.iter().map(|o| format!("{o:02x}")).collect();
        for direction in [Direction::FromSc, Direction::FromMs] {
            decode(&hex, direction).map_err(|e| e.to_string()).ok();
        }
    }

    #[test]
    fn mutated_deliveries_never_panic(index in 0_usize..10, at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let all = vectors("deliver");
        let hex = &all[index % all.len()][7];
        let octet = at.index(hex.len() / 2) * 2;
        let mutated = format!("{}{value:02X}{}", &hex[..octet], &hex[octet + 2..]);
        decode(&mutated, Direction::FromSc).map_err(|e| e.to_string()).ok();
    }

    #[test]
    fn any_text_comes_back(text in "[ -~€ąłżЖ🙂\u{10FFFF}\n]{0,300}", reference: u8) {
        let mut request = SubmitRequest::new("+48600100200", text.as_str());
        request.reference = reference;
        let mut whole = String::new();
        for pdu in encode_submit(&request).unwrap() {
            prop_assert!(pdu.hex.len() / 2 <= 1 + 164, "TPDU passes 164 octets");
            let Message::Submit(back) = decode(&pdu.hex, Direction::FromMs).unwrap() else { unreachable!() };
            whole.push_str(&back.data.text);
        }
        prop_assert_eq!(whole, text);
    }
}
