//! Phones of our own over raw sockets.

use std::time::Duration;

use store_sip::{Algorithm, Caller, Event, Gone, Rate, Source, Target, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{LIMIT, RawPhone, SDP, Server, config, ext, fast};

const SDP_TYPE: &str = "Content-Type: application/sdp\r\n";

#[tokio::test]
async fn registers_by_sha_256_and_by_md5_and_never_with_a_wrong_password() {
    let server = Server::start(config()).await;
    for (user, algorithm) in
        [("201", Algorithm::Sha256), ("201", Algorithm::Md5), ("202", Algorithm::Sha256), ("203", Algorithm::Md5)]
    {
        let mut phone = RawPhone::new(server.address(), user, algorithm).await;
        let ok = phone.register().await;
        assert_eq!(ok.status(), 200, "{}", ok.text);
        let contact = format!("<sip:{user}@127.0.0.1:{}>;expires=600", phone.port());
        assert!(ok.all("Contact").contains(&contact.as_str()), "{}", ok.text);
    }
    let listed = server.sip.registrations().await;
    assert_eq!(listed.len(), 4, "201 is registered at two places");
    assert!(listed.iter().all(|r| r.transport == Transport::Udp && r.expires_in > Duration::from_secs(590)));
    let mut wrong = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    wrong.password = "wrong".to_owned();
    let no = wrong.register().await;
    assert_eq!((no.status(), no.all("WWW-Authenticate").len()), (401, 1), "asked again, and not let in");
    let mut stranger = RawPhone::new(server.address(), "999", Algorithm::Sha256).await;
    let request = stranger.request("REGISTER", "sip:store.example", "x", 1, "", "");
    stranger.send(&request).await;
    assert_eq!(stranger.final_answer().await.status(), 401, "an unknown extension is asked like any other");
    assert_eq!(server.sip.registrations().await.len(), 4);
    server.stop().await;
}

#[tokio::test]
async fn calls_in_is_answered_put_on_hold_and_hung_up() {
    let mut server = Server::start(crate::Config { timers: fast(), ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let first = phone.request("INVITE", "sip:600@store.example", "c1", 1, SDP_TYPE, SDP);
    phone.send(&first).await;
    let challenge = phone.final_answer().await;
    phone.acknowledge(&challenge, &first).await;
    let more = format!("{SDP_TYPE}{}", phone.credentials(&challenge, "INVITE", "sip:600@store.example"));
    let second = phone.request("INVITE", "sip:600@store.example", "c1", 2, &more, SDP);
    phone.send(&second).await;
    let Event::Incoming { leg, source, dialled, offer, .. } = server.event().await else { panic!() };
    assert_eq!((source, dialled.as_str()), (Source::Phone(ext("202")), "600"));
    assert_eq!(offer.as_deref(), Some(SDP.as_bytes()));
    server.sip.progress(leg).await.unwrap();
    server.sip.answer(leg, SDP.as_bytes().to_vec()).await.unwrap();
    assert_eq!(phone.until(|m| m.status() > 100).await.status(), 180);
    let ok = phone.final_answer().await;
    assert_eq!((ok.status(), ok.get("Server")), (200, "store-gateway/test"));
    // Without an ACK it comes again (RFC 3261 §13.3.1.4).
    assert_eq!(phone.final_answer().await.get("CSeq"), "2 INVITE");
    let ack = phone.within(&ok, "ACK", 2, "");
    phone.send(&ack).await;
    assert_eq!(server.event().await, Event::Confirmed { leg, body: None });
    let hold = phone.within(&ok, "INVITE", 3, &SDP.replace("sendrecv", "sendonly"));
    phone.send(&hold).await;
    let Event::Offered { offer, offer_id, .. } = server.event().await else { panic!() };
    assert!(String::from_utf8(offer.unwrap()).unwrap().contains("sendonly"));
    let answer = SDP.replace("sendrecv", "recvonly").into_bytes();
    server.sip.answer_offer(leg, offer_id, Ok(answer)).await.unwrap();
    let held = phone.until(|m| m.status() == 200 && m.get("CSeq") == "3 INVITE").await;
    assert!(held.text.contains("a=recvonly"));
    let ack = phone.within(&ok, "ACK", 3, "");
    phone.send(&ack).await;
    let bye = phone.within(&ok, "BYE", 4, "");
    phone.send(&bye).await;
    assert_eq!(server.gone(leg).await, Gone::Bye);
    assert_eq!(phone.until(|m| m.get("CSeq") == "4 BYE").await.status(), 200);
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn gives_up_before_the_answer() {
    let mut server = Server::start(crate::Config { timers: fast(), ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let first = phone.request("INVITE", "sip:600@store.example", "c1", 1, SDP_TYPE, SDP);
    phone.send(&first).await;
    let challenge = phone.final_answer().await;
    phone.acknowledge(&challenge, &first).await;
    let more = format!("{SDP_TYPE}{}", phone.credentials(&challenge, "INVITE", "sip:600@store.example"));
    let second = phone.request("INVITE", "sip:600@store.example", "c1", 2, &more, SDP);
    phone.send(&second).await;
    let Event::Incoming { leg, .. } = server.event().await else { panic!() };
    let cancel: String = second.replace("INVITE", "CANCEL").split("Content-Type").next().unwrap().to_owned();
    phone.send(&format!("{cancel}Content-Length: 0\r\n\r\n")).await;
    assert_eq!(server.gone(leg).await, Gone::Cancelled);
    assert_eq!(phone.until(|m| m.get("CSeq") == "2 CANCEL").await.status(), 200);
    let end = phone.until(|m| m.status() >= 300).await;
    assert_eq!((end.status(), end.get("CSeq")), (487, "2 INVITE"));
    phone.acknowledge(&end, &second).await;
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn is_rung_answers_and_is_hung_up_on() {
    let mut server = Server::start(crate::Config { timers: fast(), ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    phone.register().await;
    let caller = Caller { number: Some("+48600100200".to_owned()), name: Some("Jan".to_owned()) };
    let leg = server.sip.call(Target::Phone(ext("202")), SDP.as_bytes().to_vec(), caller).await.unwrap();
    let invite = phone.until(|m| m.start().starts_with("INVITE")).await;
    assert!(invite.get("From").starts_with("\"Jan\" <sip:+48600100200@127.0.0.1:"));
    assert_eq!(phone.until(|m| m.start().starts_with("INVITE")).await.get("Via"), invite.get("Via"), "repeated");
    phone.send(&invite.reply("180 Ringing", "me", "", "")).await;
    assert_eq!(server.event().await, Event::Ringing { leg, body: None });
    let contact = format!("Contact: <sip:202@127.0.0.1:{}>\r\n{SDP_TYPE}", phone.port());
    phone.send(&invite.reply("200 OK", "me", &contact, SDP)).await;
    assert_eq!(server.event().await, Event::Answered { leg, body: SDP.as_bytes().to_vec() });
    let ack = phone.until(|m| m.start().starts_with("ACK")).await;
    assert_ne!(ack.get("Via"), invite.get("Via"));
    phone.send(&invite.reply("200 OK", "me", &contact, SDP)).await;
    assert_eq!(phone.until(|m| m.start().starts_with("ACK")).await.text, ack.text, "the ACK again");
    server.sip.hang_up(leg, None).await.unwrap();
    let bye = phone.until(|m| m.start().starts_with("BYE")).await;
    phone.send(&bye.reply("200 OK", "", "", "")).await;
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn a_phone_that_is_not_there_any_more_is_unreachable() {
    let mut server = Server::start(crate::Config { timers: fast(), ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    phone.register().await;
    drop(phone);
    let leg = server.sip.call(Target::Phone(ext("202")), SDP.into(), Caller::default()).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::Unreachable);
    server.until_empty().await;
    server.stop().await;
}

#[tokio::test]
async fn an_answer_without_ack_ends_the_call() {
    let mut server = Server::start(crate::Config { timers: fast(), ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let sip = server.sip.clone();
    let call = tokio::spawn(async move {
        let ok = phone.proved("INVITE", "sip:600@store.example", "c", SDP_TYPE, SDP).await;
        let bye = phone.until(|m| m.start().starts_with("BYE")).await;
        phone.send(&bye.reply("200 OK", "", "", "")).await;
        (ok.status(), bye.get("Reason").to_owned())
    });
    let Event::Incoming { leg, .. } = server.incoming().await else { panic!() };
    sip.answer(leg, SDP.into()).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::NoAck);
    assert_eq!(call.await.unwrap(), (200, "SIP;cause=408;text=\"No ACK\"".to_owned()));
    server.until_empty().await;
    server.stop().await;
}

async fn over_tcp(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let length = timeout(LIMIT, stream.read(&mut buffer)).await.expect("an answer in time").unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn speaks_tcp_on_the_same_port_in_any_split() {
    let mut server = Server::start(config()).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let options = phone.request("OPTIONS", "sip:store.example", "o", 1, "", "").replace("/UDP", "/TCP");
    let (head, tail) = options.split_at(40);
    stream.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\r\n", "RFC 5626 §3.5.1");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = over_tcp(&mut stream, tail).await;
    assert!(answer.starts_with("SIP/2.0 200") && answer.contains("Allow: INVITE"), "{answer}");
    let uri = "sip:store.example";
    let register = phone.request("REGISTER", uri, "r", 1, "", "").replace("/UDP", "/TCP");
    let challenge = over_tcp(&mut stream, &register).await;
    let challenge = crate::harness::Message { text: challenge, from: server.address() };
    let more = phone.credentials(&challenge, "REGISTER", uri);
    let register = phone.request("REGISTER", uri, "r", 2, &more, "").replace("/UDP", "/TCP");
    assert!(over_tcp(&mut stream, &register).await.starts_with("SIP/2.0 200"));
    assert_eq!(server.sip.registrations().await[0].transport, Transport::Tcp);
    let leg = server.sip.call(Target::Phone(ext("202")), SDP.into(), Caller::default()).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let length = stream.read(&mut buffer).await.unwrap();
    let invite = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(invite.contains("Via: SIP/2.0/TCP") && invite.contains("transport=tcp"), "{invite}");
    let invite = crate::harness::Message { text: invite, from: server.address() };
    let busy = invite.reply("486 Busy Here", "me", "", "");
    assert!(over_tcp(&mut stream, &busy).await.starts_with("ACK "));
    assert_eq!(server.gone(leg).await, Gone::Refused(486));
    drop(stream);
    server.until(|s| s.connections == 0).await;
    assert!(server.sip.registrations().await.is_empty(), "nobody is reached over a stream that closed");
    server.stop().await;
}

#[tokio::test]
async fn a_message_without_end_closes_its_stream() {
    let server = Server::start(config()).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let endless = vec![b'a'; 70_000];
    // The other side may close while we still write.
    drop(stream.write_all(&endless).await);
    let statistics = server.until(|s| s.connections == 0 && s.dropped.oversize == 1).await;
    assert_eq!(statistics.dropped.oversize, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_source_that_sends_too_much_is_not_read() {
    let rate = Rate { burst: 5, per_second: 1 };
    let server = Server::start(crate::Config { phone_rate: rate, ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    for n in 0..50 {
        let options = phone.request("OPTIONS", "sip:store.example", &format!("o{n}"), 1, "", "");
        phone.send(&options).await;
    }
    server.until(|s| s.dropped.rate >= 40).await;
    assert_eq!(phone.receive().await.status(), 200, "the first ones are answered");
    server.stop().await;
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_refused_and_no_message_is_counted() {
    let server = Server::start(config()).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let request = phone.request("FROBNICATE", "sip:store.example", "f", 1, "", "");
    phone.send(&request).await;
    let answer = phone.receive().await;
    assert_eq!((answer.status(), answer.get("CSeq")), (405, "1 FROBNICATE"));
    phone.send("this is no message\r\n\r\n").await;
    phone.send("\r\n\r\n").await;
    let statistics = server.until(|s| s.dropped.malformed == 1).await;
    assert_eq!((statistics.transactions, statistics.dialogs), (0, 0));
    server.stop().await;
}

/// Everything that anybody logs, at every level.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_number_name_or_credential_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("the log works");
    let mut server = Server::start(config()).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    phone.register().await;
    let mut wrong = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    wrong.password = "wrong".to_owned();
    wrong.register().await;
    let caller = Caller { number: Some("+48600100200".to_owned()), name: Some("Jan Nowak".to_owned()) };
    let leg = server.sip.call(Target::Phone(ext("202")), SDP.into(), caller).await.unwrap();
    let invite = phone.until(|m| m.start().starts_with("INVITE")).await;
    phone.send(&invite.reply("486 Busy Here", "me", "", "")).await;
    assert_eq!(server.gone(leg).await, Gone::Refused(486));
    let answer = phone.proved("INVITE", "sip:+48601202303@store.example", "c", SDP_TYPE, SDP);
    let refusal = async {
        let event = server.incoming().await;
        server.sip.refuse(event.leg(), 403, None).await.unwrap();
        tracing::info!(?event, "as a careless shell would log it");
    };
    assert_eq!(tokio::join!(answer, refusal).0.status(), 403);
    server.stop().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("the log works") && text.contains("a phone's credentials are wrong"), "{text}");
    for secret in ["600100200", "601202303", "Nowak", "response=", "nonce=", "m=audio"] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}
