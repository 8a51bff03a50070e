use super::*;
use crate::digest::ha1;
use crate::message::{Line, Method, Transport};

const REALM: &str = "store.example";
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 20));

fn ext(text: &str) -> Extension {
    Extension::parse(text).unwrap()
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// 201 has both hashes of "secret", 202 has SHA-256 only, 203 MD5 only.
fn registrar() -> Registrar {
    let sha = |e: &str| Some(ha1(Algorithm::Sha256, &ext(e), REALM, "secret"));
    let md5 = |e: &str| Some(ha1(Algorithm::Md5, &ext(e), REALM, "secret"));
    let phones = [
        Phone { extension: ext("201"), ha1_sha256: sha("201"), ha1_md5: md5("201") },
        Phone { extension: ext("202"), ha1_sha256: sha("202"), ha1_md5: None },
        Phone { extension: ext("203"), ha1_sha256: None, ha1_md5: md5("203") },
    ];
    Registrar::new(REALM, &phones, Registrations::default(), Duration::from_secs(300), &[3; 32])
}

fn flow(port: u16) -> Flow {
    Flow { line: Line::Phones, transport: Transport::Udp, remote: (SOURCE, port).into() }
}

struct Login<'a> {
    user: &'a str,
    password: &'a str,
    algorithm: Algorithm,
    nonce: String,
    nc: u32,
}

impl Login<'_> {
    fn put(&self, mut request: Request) -> Request {
        let Login { user, password, algorithm, nonce, nc } = self;
        let ha1 = Ha1::of(*algorithm, user, REALM, password);
        let (uri, nc) = (request.uri.clone(), format!("{nc:08x}"));
        let asked = Asked { method: request.method.as_str(), uri: &uri, nonce, nc: &nc, cnonce: "abc" };
        let response = digest::response(*algorithm, &ha1, &asked);
        let name = algorithm.as_str();
        request.headers.push(
            "Authorization",
            format!(
                "Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
                 algorithm={name}, qop=auth, nc={nc}, cnonce=\"abc\""
            ),
        );
        request
    }
}

fn nonce(registrar: &mut Registrar, now: Instant) -> String {
    let challenge = &registrar.challenges(None, SOURCE, Stale::No, now)[0];
    Fields::parse(challenge).unwrap().get("nonce").unwrap().to_owned()
}

fn request(extension: &str, contacts: &[&str], cseq: u32) -> Request {
    let mut request = Request::new(Method::Register, "sip:store.example");
    request.headers.push("To", format!("<sip:{extension}@store.example>"));
    request.headers.push("From", format!("<sip:{extension}@store.example>;tag=1"));
    request.headers.push("Call-ID", "c1");
    request.headers.push("CSeq", format!("{cseq} REGISTER"));
    for contact in contacts {
        request.headers.push("Contact", *contact);
    }
    request
}

fn verdict(registrar: &mut Registrar, user: &str, password: &str, algorithm: Algorithm) -> Verdict {
    let login = Login { user, password, algorithm, nonce: nonce(registrar, at(0)), nc: 1 };
    registrar.authenticate(&login.put(request(user, &[], 1)), SOURCE, at(1))
}

#[test]
fn offers_a_phone_its_own_hashes_sha_256_first_and_a_stranger_some_phone_s() {
    let mut registrar = registrar();
    let mut offered = |user: Option<&str>| {
        let lines = registrar.challenges(user, SOURCE, Stale::No, at(0));
        lines.iter().map(|l| Fields::parse(l).unwrap().get("algorithm").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(offered(Some("201")), ["SHA-256", "MD5"]);
    assert_eq!(offered(Some("202")), ["SHA-256"]);
    assert_eq!(offered(Some("203")), ["MD5"]);
    let strangers: Vec<_> = (300..340).map(|n| offered(Some(&n.to_string()))).collect();
    let again: Vec<_> = (300..340).map(|n| offered(Some(&n.to_string()))).collect();
    assert_eq!(strangers, again, "a stranger is asked the same each time");
    let shapes: std::collections::BTreeSet<_> = strangers.into_iter().collect();
    assert_eq!(shapes.len(), 3, "and strangers look like phones of every kind");
    assert!(registrar.challenges(None, SOURCE, Stale::Yes, at(0)).iter().all(|line| line.contains("stale=true")));
    let mut empty = Registrar::new(REALM, &[], Registrations::default(), Duration::from_secs(1), &[3; 32]);
    assert_eq!(empty.challenges(Some("201"), SOURCE, Stale::No, at(0)).len(), 1);
}

#[test]
fn knows_a_phone_by_its_password_and_nobody_else() {
    let mut registrar = registrar();
    let no = Verdict::Challenge(Stale::No);
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        assert_eq!(verdict(&mut registrar, "201", "secret", algorithm), Verdict::Known(ext("201")));
        assert_eq!(verdict(&mut registrar, "201", "Secret", algorithm), no);
        assert_eq!(verdict(&mut registrar, "999", "secret", algorithm), no, "an unknown extension");
        assert_eq!(verdict(&mut registrar, "", "", algorithm), no, "the empty one");
    }
    assert_eq!(verdict(&mut registrar, "202", "secret", Algorithm::Sha256), Verdict::Known(ext("202")));
    assert_eq!(verdict(&mut registrar, "202", "secret", Algorithm::Md5), no, "it has no such hash");
    assert_eq!(verdict(&mut registrar, "203", "secret", Algorithm::Md5), Verdict::Known(ext("203")));
    assert_eq!(verdict(&mut registrar, "203", "secret", Algorithm::Sha256), no);
    assert_eq!(registrar.authenticate(&request("201", &[], 1), SOURCE, at(0)), no, "no credentials");
}

#[test]
fn a_nonce_serves_once_a_count_for_its_source_and_its_time() {
    let mut registrar = registrar();
    let mut login = Login {
        user: "201",
        password: "secret",
        algorithm: Algorithm::Sha256,
        nonce: nonce(&mut registrar, at(0)),
        nc: 1,
    };
    let mut judge = |login: &Login<'_>, source: IpAddr, now| {
        registrar.authenticate(&login.put(request("201", &[], 1)), source, now)
    };
    let known = Verdict::Known(ext("201"));
    assert_eq!(judge(&login, SOURCE, at(1)), known);
    assert_eq!(judge(&login, SOURCE, at(2)), Verdict::Challenge(Stale::Yes), "replayed");
    login.nc = 2;
    assert_eq!(judge(&login, "192.0.2.21".parse().unwrap(), at(3)), Verdict::Challenge(Stale::No), "stolen");
    assert_eq!(judge(&login, SOURCE, at(300)), known);
    login.nc = 3;
    assert_eq!(judge(&login, SOURCE, at(301)), Verdict::Challenge(Stale::Yes), "old");
    login.password = "wrong";
    assert_eq!(judge(&login, SOURCE, at(301)), Verdict::Challenge(Stale::No), "old and wrong tells nothing");
}

#[test]
fn credentials_for_another_request_are_worth_nothing() {
    let mut registrar = registrar();
    let login = Login {
        user: "201",
        password: "secret",
        algorithm: Algorithm::Sha256,
        nonce: nonce(&mut registrar, at(0)),
        nc: 1,
    };
    let mut moved = login.put(request("201", &[], 1));
    moved.uri = "sip:+4890012345@store.example".to_owned();
    assert_eq!(registrar.authenticate(&moved, SOURCE, at(0)), Verdict::Challenge(Stale::No));
    let mut other = login.put(request("201", &[], 1));
    other.method = Method::Invite;
    assert_eq!(registrar.authenticate(&other, SOURCE, at(0)), Verdict::Challenge(Stale::No));
}

fn put(registrar: &mut Registrar, request: &Request, port: u16, now: Instant) -> Registered {
    registrar.register(&ext("201"), request, flow(port), now)
}

#[test]
fn binds_refreshes_lists_and_lets_go() {
    let mut registrar = registrar();
    let done = |list: &[(&str, u64)]| Registered::Done(list.iter().map(|(u, s)| ((*u).to_owned(), *s)).collect());
    let first = request("201", &["<sip:201@192.0.2.20:5060>;expires=120"], 1);
    assert_eq!(put(&mut registrar, &first, 5060, at(0)), done(&[("sip:201@192.0.2.20:5060", 120)]));
    assert_eq!(put(&mut registrar, &first, 5060, at(1)), Registered::Refused(500), "the same CSeq again");
    let mut second = request("201", &["<sip:201@192.0.2.20:5062>"], 2);
    second.headers.push("Expires", "90000");
    let listed = done(&[("sip:201@192.0.2.20:5060", 110), ("sip:201@192.0.2.20:5062", 3_600)]);
    assert_eq!(put(&mut registrar, &second, 5062, at(10)), listed);
    let query = request("201", &[], 3);
    assert_eq!(put(&mut registrar, &query, 5060, at(10)), listed, "without a contact it only asks");
    assert_eq!(registrar.next_timeout(), Some(at(120)));
    registrar.handle_timeout(at(120));
    assert_eq!(registrar.contacts(&ext("201"), at(120)).len(), 1);
    let gone = request("201", &["<sip:201@192.0.2.20:5062>;expires=0"], 4);
    assert_eq!(put(&mut registrar, &gone, 5062, at(121)), done(&[]));
    assert!(registrar.bindings.is_empty(), "nothing of it is left");
}

#[test]
fn a_star_lets_all_go_and_stands_alone() {
    let mut registrar = registrar();
    put(&mut registrar, &request("201", &["<sip:a@h:1>, <sip:a@h:2>"], 1), 1, at(0));
    assert_eq!(registrar.contacts(&ext("201"), at(0)).len(), 2);
    let mut star = request("201", &["*"], 2);
    assert_eq!(put(&mut registrar, &star, 1, at(0)), Registered::Refused(400), "it wants Expires: 0");
    star.headers.push("Expires", "0");
    assert_eq!(put(&mut registrar, &star, 1, at(0)), Registered::Done(Vec::new()));
    let mut both = request("201", &["*", "<sip:a@h>"], 3);
    both.headers.push("Expires", "0");
    assert_eq!(put(&mut registrar, &both, 1, at(0)), Registered::Refused(400));
}

#[test]
fn bounds_times_contacts_and_names() {
    let mut registrar = registrar();
    let brief = request("201", &["<sip:a@h>;expires=59"], 1);
    assert_eq!(put(&mut registrar, &brief, 1, at(0)), Registered::TooBrief(60));
    for n in 1..=4 {
        let contact = format!("<sip:a@h:{n}>");
        put(&mut registrar, &request("201", &[&contact], 10 + n), 1, at(n.into()));
    }
    let uris: Vec<_> = registrar.contacts(&ext("201"), at(5)).into_iter().map(|b| b.uri).collect();
    assert_eq!(uris, ["sip:a@h:2", "sip:a@h:3", "sip:a@h:4"], "three, and the oldest went");
    assert_eq!(put(&mut registrar, &request("202", &["<sip:a@h>"], 1), 1, at(6)), Registered::Refused(403));
    for bad in ["<mailto:a@h>", "<sip:>", "<tel:+48>", "x", &format!("<sip:{}@h>", "a".repeat(300))] {
        assert_eq!(put(&mut registrar, &request("201", &[bad], 99), 1, at(6)), Registered::Refused(400), "{bad}");
    }
}

#[test]
fn the_same_phone_with_another_address_replaces_itself() {
    let mut registrar = registrar();
    let instance = "+sip.instance=\"<urn:uuid:1>\"";
    put(&mut registrar, &request("201", &[&format!("<sip:a@h:1>;{instance}")], 1), 1, at(0));
    let mut moved = request("201", &[&format!("<sip:a@h:2>;{instance}")], 1);
    moved.headers.set("Call-ID", "after a restart");
    put(&mut registrar, &moved, 2, at(9));
    let bindings = registrar.contacts(&ext("201"), at(9));
    assert_eq!(bindings.len(), 1);
    assert_eq!((bindings[0].uri.as_str(), bindings[0].since), ("sip:a@h:2", at(0)));
    registrar.handle_closed(flow(2));
    assert!(registrar.contacts(&ext("201"), at(9)).is_empty(), "its stream closed");
}
