//! Noise: messages with bytes turned over, cut out, doubled and mixed, in and out of dialogs; and a peer that dies.

use std::time::Duration;

use sans_io::Rng;
use store_sip::{Algorithm, Event, Gone, Rate, Timers};

use crate::harness::{Message, RawPhone, SDP, Server, config, fast};

const SEED: u64 = 20_261_122;
const MESSAGES: usize = 5_000;
/// What a socket's buffer takes without losing any, with room to spare.
const BATCH: usize = 50;

fn mutate(text: &str, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=rng.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len() as u64) as usize;
        let end = (at + 1 + rng.below(40) as usize).min(bytes.len());
        match rng.below(8) {
            0 => bytes[at] = rng.below(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes.truncate(at),
            4 => bytes[at] ^= 1 << rng.below(8),
            5 => {
                let strange: [&[u8]; 8] =
                    [b"\r\n", b"\"", b"<", b",", b";", b"\xff\xfe", b"99999999999999999999", "ż%00".as_bytes()];
                let piece = strange[rng.below(8) as usize];
                bytes.splice(at..at, piece.iter().copied());
            }
            6 => {
                let line = bytes.iter().skip(at).position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n);
                bytes.drain(at..line);
            }
            _ => bytes.splice(at..end, std::iter::repeat_n(b'A', 300)).for_each(drop),
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_mutated_messages_leave_nothing_behind() {
    let rate = Rate { burst: 1_000_000, per_second: 1_000_000 };
    let quick = crate::Config { timers: fast(), phone_rate: rate, most_failures: 1_000_000, ..config() };
    let mut server = Server::start(quick).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let mut talker = RawPhone::new(server.address(), "201", Algorithm::Sha256).await;
    let sip = server.sip.clone();
    let mut events = std::mem::replace(&mut server.events, tokio::sync::mpsc::channel(1).1);
    let answering = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Incoming { leg, .. } => drop(sip.answer(leg, SDP.into()).await),
                Event::Offered { leg, offer_id, .. } => drop(sip.answer_offer(leg, offer_id, Ok(SDP.into())).await),
                _ => {}
            }
        }
    });
    let more = "Content-Type: application/sdp\r\n";
    let ok = talker.proved("INVITE", "sip:600@store.example", "dialog", more, SDP).await;
    assert_eq!(ok.status(), 200);
    let ack = talker.within(&ok, "ACK", 2, "");
    talker.send(&ack).await;
    let mut rng = Rng::new(SEED);
    let mut challenge = phone_challenge(&mut phone).await;
    for n in 0..MESSAGES {
        if n % BATCH == 0 {
            challenge = phone_challenge(&mut phone).await;
        }
        let call = format!("m{n}");
        let text = match rng.below(8) {
            0 => phone.request("REGISTER", "sip:store.example", &call, 1, "Expires: 60\r\n", ""),
            1 => phone.request("OPTIONS", "sip:store.example", &call, 1, "", ""),
            2 | 3 => {
                let line = phone.credentials(&challenge, "INVITE", "sip:600@store.example");
                phone.request("INVITE", "sip:600@store.example", &call, 1, &format!("{more}{line}"), SDP)
            }
            4 => talker.within(&ok, "INVITE", 3 + n as u32, SDP),
            5 => talker.within(&ok, "INFO", 3 + n as u32, SDP),
            6 => talker.within(&ok, "ACK", 2, ""),
            _ => phone.request("INVITE", "sip:600@store.example", &call, 1, more, SDP).replacen(
                "INVITE",
                "SIP/2.0 200",
                1,
            ),
        };
        let sender = if text.contains("tag=dialog") { &talker } else { &phone };
        sender.socket.send_to(&mutate(&text, &mut rng), sender.server).await.unwrap();
    }
    let bye = talker.within(&ok, "BYE", 1_000_000, "");
    talker.send(&bye).await;
    assert_eq!(phone_challenge(&mut phone).await.status(), 401, "it still answers");
    let options = phone.request("OPTIONS", "sip:store.example", "alive", 1, "", "");
    phone.send(&options).await;
    assert_eq!(phone.until(|m| m.all("Call-ID") == ["alive"]).await.status(), 200);
    let statistics = server.sip.statistics().await;
    assert!(statistics.dropped.malformed > 0, "some were no messages: {statistics:?}");
    server.until_empty().await;
    server.stop().await;
    answering.await.expect("no panic while answering");
}

async fn phone_challenge(phone: &mut RawPhone) -> Message {
    let call = format!("challenge{}", phone.made);
    let request = phone.request("REGISTER", "sip:store.example", &call, 1, "", "");
    phone.send(&request).await;
    phone.until(|message| message.all("Call-ID") == [call.as_str()]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_dies_in_two_hundred_calls_leaves_nothing_behind() {
    const CALLS: usize = 200;
    // Five times as fast as the standard: long enough that no call ends while the others begin.
    let t1 = Duration::from_millis(100);
    let timers = Timers { t1, t2: t1 * 8, t4: t1 * 10 };
    let rate = Rate { burst: 5_000, per_second: 1_000 };
    let mut server = Server::start(crate::Config { timers, phone_rate: rate, ..config() }).await;
    let mut phone = RawPhone::new(server.address(), "202", Algorithm::Sha256).await;
    let mut legs = Vec::new();
    for n in 0..CALLS {
        let sip = server.sip.clone();
        let answered = async {
            let Event::Incoming { leg, .. } = server.incoming().await else { panic!() };
            // A third of them is never answered, and dies while ringing.
            if n % 3 > 0 {
                sip.answer(leg, SDP.into()).await.unwrap();
            } else {
                sip.progress(leg).await.unwrap();
            }
            leg
        };
        let called = call(&mut phone, n);
        legs.push(tokio::join!(answered, called).0);
    }
    let statistics = server.sip.statistics().await;
    assert_eq!((statistics.legs, statistics.dialogs), (CALLS, CALLS));
    drop(phone);
    for (n, leg) in legs.iter().enumerate() {
        // The shell hears no sound any more: some legs it hangs up, some it forgets.
        let done = if n % 2 == 0 { server.sip.hang_up(*leg, None).await } else { server.sip.remove(*leg).await };
        // An answer that was not acknowledged may have ended its leg before.
        assert!(done.is_ok() || n % 3 == 1, "call {n}: {done:?}");
    }
    let mut gone = std::collections::BTreeMap::new();
    while gone.len() < CALLS {
        if let Event::Gone { leg, why } = server.event().await {
            assert_eq!(gone.insert(leg, why), None, "told twice");
        }
    }
    assert!(gone.values().any(|why| *why == Gone::HungUp) && gone.values().any(|why| *why == Gone::Removed));
    server.until_empty().await;
    server.stop().await;
}

/// Calls; every third call is left ringing, every third is answered and not acknowledged.
async fn call(phone: &mut RawPhone, n: usize) {
    let (uri, name) = ("sip:600@store.example", format!("k{n}"));
    let kind = "Content-Type: application/sdp\r\n";
    let first = phone.request("INVITE", uri, &name, 1, kind, SDP);
    phone.send(&first).await;
    let challenge = phone.until(|m| m.status() == 401 && m.all("Call-ID") == [name.as_str()]).await;
    phone.acknowledge(&challenge, &first).await;
    let more = format!("{kind}{}", phone.credentials(&challenge, "INVITE", uri));
    let second = phone.request("INVITE", uri, &name, 2, &more, SDP);
    phone.send(&second).await;
    let wanted = if n.is_multiple_of(3) { 180 } else { 200 };
    let answer = phone.until(|m| m.status() == wanted && m.all("Call-ID") == [name.as_str()]).await;
    if n % 3 == 2 {
        let ack = phone.within(&answer, "ACK", 2, "");
        phone.send(&ack).await;
    }
}
