//! Offers and answers: RFC 3264's and RFC 4317's examples, phones' habits, and what no octets may do.

use std::net::SocketAddr;

use proptest::prelude::*;
use store_voice::g711::Law;
use store_voice::sdp::{Address, Direction, Flow, Local, MOST_MEDIA, Refusal, SdpError, Session, Types};

fn local() -> Local {
    Local { session: 7, version: 1, address: "192.0.2.10:4000".parse().unwrap(), laws: vec![Law::A, Law::Mu] }
}

fn both() -> Flow {
    Direction::SendRecv.flow()
}

fn session(media: &str) -> Session {
    let text = format!(
        "v=0\r\no=alice 2890844526 2890844526 IN IP4 198.51.100.1\r\ns=\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n{media}"
    );
    Session::parse(text.as_bytes()).unwrap()
}

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn takes_the_audio_of_rfc_3264_s_example_and_refuses_its_video() {
    // RFC 3264 §10.1, with the addresses of the other examples here.
    let offer = session(
        "m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n\
         m=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n",
    );
    let (answer, agreed) = local().answer(&offer, both()).unwrap();
    assert_eq!(answer.media.iter().map(|m| m.port).collect::<Vec<_>>(), [4000, 0, 0]);
    assert_eq!(answer.media[1].formats, ["31"]);
    assert_eq!((agreed.law, agreed.remote), (Law::Mu, socket("198.51.100.1:49170")));
    assert_eq!(agreed.remote_rtcp, socket("198.51.100.1:49171"));
    assert_eq!(agreed.events, None);
}

#[test]
fn speaks_the_first_codec_of_the_offer_that_it_knows_with_the_offer_s_numbers() {
    let offer = session(
        "m=audio 5004 RTP/AVP 9 97 8 100 13\r\na=rtpmap:97 pcmu/8000/1\r\na=rtpmap:100 telephone-event/8000\r\n\
         a=rtpmap:9 G722/8000\r\na=fmtp:100 0-16\r\na=ptime:30\r\na=rtcp-mux\r\n",
    );
    let (answer, agreed) = local().answer(&offer, both()).unwrap();
    assert_eq!((agreed.law, agreed.types), (Law::Mu, Types { send: 97, receive: 97 }));
    assert_eq!(agreed.events, Some(Types { send: 100, receive: 100 }));
    assert_eq!(agreed.comfort_noise, Some(13));
    assert_eq!(agreed.remote_rtcp, agreed.remote);
    assert_eq!(
        answer.to_string(),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97 100 13\r\n\
         a=rtpmap:97 PCMU/8000\r\na=rtpmap:100 telephone-event/8000\r\na=rtpmap:13 CN/8000\r\na=fmtp:100 0-15\r\n\
         a=ptime:20\r\na=rtcp-mux\r\na=sendrecv\r\n"
    );
}

#[test]
fn a_map_says_what_a_static_number_means() {
    let offer = session("m=audio 5004 RTP/AVP 0 8\r\na=rtpmap:0 L16/44100/2\r\n");
    let (_, agreed) = local().answer(&offer, both()).unwrap();
    assert_eq!((agreed.law, agreed.types.send), (Law::A, 8));
}

#[test]
fn hold_and_its_end_are_answered_in_the_mirror() {
    for (offered, answered) in [
        ("sendrecv", Direction::SendRecv),
        ("sendonly", Direction::RecvOnly),
        ("recvonly", Direction::SendOnly),
        ("inactive", Direction::Inactive),
    ] {
        let offer = session(&format!("m=audio 5004 RTP/AVP 8\r\na={offered}\r\n"));
        let (answer, agreed) = local().answer(&offer, both()).unwrap();
        assert_eq!(answer.media[0].direction, Some(answered), "{offered}");
        assert_eq!(agreed.on_hold(), offered != "sendrecv");
    }
}

#[test]
fn the_direction_of_the_session_counts_where_the_stream_has_none() {
    let text =
        "v=0\no=- 1 1 IN IP4 198.51.100.1\ns=-\nc=IN IP4 198.51.100.1\nt=0 0\na=sendonly\nm=audio 5004 RTP/AVP 8\n";
    let (_, agreed) = local().answer(&Session::parse(text.as_bytes()).unwrap(), both()).unwrap();
    assert_eq!(agreed.flow, Flow { sends: false, receives: true });
}

#[test]
fn the_address_of_all_zeroes_is_the_old_hold() {
    let offer = session("m=audio 5004 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n");
    let (_, agreed) = local().answer(&offer, both()).unwrap();
    assert!(agreed.on_hold() && !agreed.flow.sends);
}

#[test]
fn the_stream_s_address_wins_over_the_session_s_and_reports_go_nowhere_else() {
    let offer = session("m=audio 5004 RTP/AVP 8\r\nc=IN IP6 2001:db8::5\r\na=rtcp:53020 IN IP4 203.0.113.66\r\n");
    let (_, agreed) = local().answer(&offer, both()).unwrap();
    assert_eq!(agreed.remote, socket("[2001:db8::5]:5004"));
    assert_eq!(agreed.remote_rtcp, socket("[2001:db8::5]:53020"));
}

#[test]
fn refuses_what_it_cannot_speak_and_where_a_name_stands_for_an_address() {
    for media in [
        "m=audio 5004 RTP/SAVP 8\r\n",
        "m=audio 0 RTP/AVP 8\r\n",
        "m=audio 5004 RTP/AVP 9 18\r\n",
        "m=video 5004 RTP/AVP 8\r\n",
        "",
    ] {
        assert_eq!(local().answer(&session(media), both()).unwrap_err(), Refusal::NothingCommon, "{media}");
    }
    let named = session("m=audio 5004 RTP/AVP 8\r\nc=IN IP4 attacker.example\r\n");
    assert_eq!(local().answer(&named, both()).unwrap_err(), Refusal::NoAddress);
}

#[test]
fn our_offer_and_an_answer_that_numbers_its_events_otherwise() {
    let offer = local().offer(Direction::SendRecv);
    assert_eq!(offer.media[0].formats, ["8", "0", "101"]);
    assert_eq!(Session::parse(offer.to_string().as_bytes()), Ok(offer));
    let answer = session("m=audio 6000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=recvonly\r\n");
    let agreed = local().accept(&answer, Direction::SendRecv).unwrap();
    assert_eq!((agreed.law, agreed.types), (Law::Mu, Types { send: 0, receive: 0 }));
    assert_eq!(agreed.events, Some(Types { send: 96, receive: 101 }));
    assert_eq!(agreed.flow, Flow { sends: true, receives: false });
    assert_eq!([agreed.law_of(8), agreed.law_of(0), agreed.law_of(96)], [Some(Law::A), Some(Law::Mu), None]);
    let refused = session("m=audio 0 RTP/AVP 0\r\n");
    assert_eq!(local().accept(&refused, Direction::SendRecv).unwrap_err(), Refusal::Refused);
}

#[test]
fn names_the_line_that_is_broken_and_the_bounds() {
    let parse = |text: &str| Session::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse(""), SdpError::Version);
    assert_eq!(parse("v=0\r\ns=-\r\n"), SdpError::NoOrigin);
    assert_eq!(parse(&" ".repeat(9_000)), SdpError::TooLong(9_000));
    assert_eq!(parse(&"\n".repeat(300)), SdpError::TooManyLines);
    assert_eq!(Session::parse(&[b'v', 0xFF]), Err(SdpError::NotText));
    let origin = "v=0\no=- 1 1 IN IP4 h.example\n";
    for (line, word) in [("c=IN IP4 224.2.1.1/127", "connection"), ("m=audio 1", "stream"), ("a", "letter")] {
        let error = parse(&format!("{origin}{line}\n"));
        assert!(error.to_string().starts_with("line 3") && error.to_string().contains(word), "{error}");
    }
    let many = parse(&format!("{origin}{}", "m=audio 1 RTP/AVP 8\n".repeat(9)));
    assert!(matches!(many, SdpError::Line { line: 11, .. }), "{many}");
    assert!(matches!(Session::parse(origin.as_bytes()).unwrap().origin.address, Address::Name(_)));
}

/// Lines that a description could hold, well and badly made.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("c=IN IP4 192.0.2.7".to_owned()),
        Just("c=IN IP6 2001:db8::1".to_owned()),
        "c=IN IP[46] [a-z0-9.:/]{1,12}",
        "m=(audio|video) [0-9]{1,5}(/2)? (RTP/AVP|udp) [0-9a-z ]{0,12}",
        "a=rtpmap:[0-9]{1,3} [A-Za-z-]{1,8}/[0-9]{1,5}(/[0-9])?",
        "a=fmtp:[0-9]{1,3} [ -~]{0,12}",
        "a=(ptime|rtcp):[0-9 INP4.:]{0,18}",
        "a=(sendrecv|sendonly|recvonly|inactive|rtcp-mux|x)",
        "[a-z]=[ -~]{0,20}",
        "\\PC{0,20}",
    ];
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.join("\r\n"))
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets: Vec<u8>) {
        let headed = [b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n", octets.as_slice()].concat();
        for octets in [octets, headed] {
            prop_assert!(Session::parse(&octets).map_or(true, |s| s.media.len() <= MOST_MEDIA));
        }
    }

    #[test]
    fn what_was_read_is_written_and_read_the_same(rest in lines()) {
        let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n{rest}");
        if let Ok(session) = Session::parse(text.as_bytes()) {
            let written = session.to_string();
            prop_assert_eq!(Session::parse(written.as_bytes()), Ok(session.clone()), "{}", written);
            let answered = local().answer(&session, both());
            if let Ok((answer, _)) = answered {
                prop_assert_eq!(answer.media.len(), session.media.len());
                prop_assert_eq!(answer.media.iter().filter(|m| m.port != 0).count(), 1);
                prop_assert_eq!(Session::parse(answer.to_string().as_bytes()), Ok(answer));
            }
        }
    }
}
