use super::*;
use crate::message::Headers;

const T0: Instant = Instant::ZERO;

fn link() -> Link {
    Link { remote: "192.0.2.9:5060".parse().unwrap(), local: "192.0.2.1:5080".parse().unwrap() }
}

fn at(seconds: u64) -> Instant {
    T0 + Duration::from_secs(seconds)
}

fn registration() -> Registration {
    let mut trunk = Trunk::new("sip.example:5070", "shop", "secret");
    trunk.expires = Duration::from_secs(600);
    let mut registration = Registration::new(trunk, "call".to_owned(), "tag".to_owned(), T0);
    assert!(matches!(registration.poll_want(), Some(Want::Link)));
    registration.handle_link(link());
    registration
}

fn sent(registration: &mut Registration) -> Request {
    match registration.poll_want() {
        Some(Want::Send(request)) => *request,
        Some(Want::Link) => panic!("wants a link instead of sending"),
        None => panic!("sends nothing"),
    }
}

fn reply(status: u16, lines: &[(&str, &str)]) -> Response {
    let mut headers = Headers::default();
    for (name, value) in lines {
        headers.push(name, *value);
    }
    Response { status, headers, body: Vec::new() }
}

const CHALLENGE: (&str, &str) = ("WWW-Authenticate", r#"Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256"#);

#[test]
fn proves_itself_registers_and_comes_again_at_half_time() {
    let mut trunk = registration();
    let first = sent(&mut trunk);
    assert_eq!((first.uri.as_str(), first.headers.get("Authorization")), ("sip:sip.example", None));
    assert_eq!(first.headers.get("Contact"), Some("<sip:shop@192.0.2.1:5080>"));
    assert_eq!(trunk.ready(T0), None);
    trunk.handle_response(&reply(401, &[CHALLENGE]), T0);
    let second = sent(&mut trunk);
    assert!(second.headers.get("Authorization").unwrap().contains("algorithm=SHA-256"));
    assert_eq!(second.headers.cseq(), Some((2, "REGISTER")));
    let contact = "<sip:other@h>;expires=9, <sip:shop@192.0.2.1:5080>;expires=120";
    trunk.handle_response(&reply(200, &[("Contact", contact), ("Expires", "600")]), T0);
    assert_eq!(trunk.state(T0), TrunkState::Registered { for_another: Duration::from_secs(120) });
    assert_eq!((trunk.ready(at(119)), trunk.ready(at(120))), (Some(link()), None));
    assert_eq!(trunk.next_timeout(), Some(at(60)));
    trunk.handle_timeout(at(60));
    assert!(matches!(trunk.poll_want(), Some(Want::Link)), "the address is looked up again");
    trunk.handle_link(link());
    let third = sent(&mut trunk);
    assert!(third.headers.get("Authorization").unwrap().contains("nc=00000002"), "credentials go along at once");
}

#[test]
fn a_wrong_password_is_tried_once_and_then_ever_more_rarely() {
    let mut trunk = registration();
    let mut now = T0;
    for pause in [30, 60, 120, 240, 480, 960, 1_800, 1_800] {
        sent(&mut trunk);
        trunk.handle_response(&reply(401, &[CHALLENGE]), now);
        sent(&mut trunk);
        trunk.handle_response(&reply(401, &[CHALLENGE]), now);
        assert!(trunk.poll_want().is_none(), "no third try");
        let retry_in = Duration::from_secs(pause);
        let reason = "Unauthorized".to_owned();
        assert_eq!(trunk.state(now), TrunkState::Refused { status: 401, reason, retry_in });
        now += retry_in;
        trunk.handle_timeout(now);
        assert!(matches!(trunk.poll_want(), Some(Want::Link)));
        trunk.handle_link(link());
    }
}

#[test]
fn a_stale_nonce_costs_one_more_try() {
    let mut trunk = registration();
    sent(&mut trunk);
    trunk.handle_response(&reply(401, &[CHALLENGE]), T0);
    sent(&mut trunk);
    let stale = r#"Digest realm="r", nonce="n2", qop="auth", algorithm=SHA-256, stale=TRUE"#;
    trunk.handle_response(&reply(401, &[("WWW-Authenticate", stale)]), T0);
    assert!(sent(&mut trunk).headers.get("Authorization").unwrap().contains("n2"));
    trunk.handle_response(&reply(401, &[("WWW-Authenticate", stale)]), T0);
    assert!(matches!(trunk.state(T0), TrunkState::Refused { status: 401, .. }), "and not a third");
}

#[test]
fn silence_and_a_lost_way_are_unreachable_and_a_short_time_is_lengthened() {
    let mut trunk = registration();
    sent(&mut trunk);
    trunk.handle_response(&reply(423, &[("Min-Expires", "900")]), T0);
    assert_eq!(sent(&mut trunk).headers.get("Expires"), Some("900"));
    trunk.handle_response(&reply(408, &[]), T0);
    let unreachable =
        |why: &str, seconds| TrunkState::Unreachable { why: why.to_owned(), retry_in: Duration::from_secs(seconds) };
    assert_eq!(trunk.state(T0), unreachable("no answer", 30));
    trunk.handle_timeout(at(30));
    assert!(matches!(trunk.poll_want(), Some(Want::Link)));
    trunk.handle_unreachable("no such host", at(30));
    assert_eq!(trunk.state(at(30)), unreachable("no such host", 60));
    trunk.handle_unreachable("no such host", at(31));
    assert_eq!(trunk.next_timeout(), Some(at(90)), "a second report does not lengthen the pause");
}

#[test]
fn reads_hosts() {
    assert_eq!(host_without_port("a.example:5060"), "a.example");
    assert_eq!((host_without_port("a.example"), host_without_port("[::1]:5060")), ("a.example", "[::1]"));
}

#[test]
fn a_name_that_is_not_found_for_once_does_not_end_a_registration_and_a_broken_way_does() {
    let mut trunk = registration();
    sent(&mut trunk);
    trunk.handle_response(&reply(200, &[("Expires", "600")]), T0);
    trunk.handle_timeout(at(300));
    assert!(matches!(trunk.poll_want(), Some(Want::Link)));
    trunk.handle_unreachable("no such host", at(300));
    assert_eq!(trunk.state(at(300)), TrunkState::Registered { for_another: Duration::from_secs(300) });
    assert_eq!((trunk.ready(at(300)), trunk.next_timeout()), (Some(link()), Some(at(330))));
    trunk.handle_broken("the connection closed", at(310));
    assert_eq!(trunk.ready(at(310)), None);
    assert!(matches!(trunk.state(at(310)), TrunkState::Unreachable { .. }));
}
