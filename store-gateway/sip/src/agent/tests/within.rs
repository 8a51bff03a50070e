use super::*;

#[test]
fn hold_is_offered_answered_and_acknowledged() {
    let mut world = World::new();
    let (leg, mut peer) = world.up(at(0));
    let hold = peer.next(Method::Invite).with_sdp(Some(b"a=sendonly"));
    let (server, out) = world.request(hold, flow(5_060), at(1));
    assert_eq!(out.status(), [100]);
    let [Event::Offered { offer, offer_id, .. }] = out.events.as_slice() else { panic!("{:?}", out.events) };
    assert_eq!(offer.as_deref(), Some(&b"a=sendonly"[..]));
    let wrong = world.agent.answer_offer(leg, OfferId(9_999), Ok(SDP_BYTES), at(1));
    assert_eq!(wrong, Err(CallError::WrongState));
    world.agent.answer_offer(leg, *offer_id, Ok(b"a=recvonly"), at(1)).unwrap();
    let out = world.out();
    assert_eq!((out.status(), out.responses[0].1.sdp().as_deref()), (vec![200], Some(&b"a=recvonly"[..])));
    let second = peer.next(Method::Invite).with_sdp(Some(SDP_BYTES));
    assert_eq!(world.request(second, flow(5_060), at(1)).1.status(), [500], "the first is not acknowledged yet");
    let ack = peer.ack(2);
    world.agent.handle_ack(server, &ack, at(1));
    assert!(world.out().events.is_empty(), "nothing new to tell");
    let third = peer.next(Method::Invite);
    let (server, out) = world.request(third, flow(5_060), at(2));
    let [Event::Offered { offer: None, offer_id, .. }] = out.events.as_slice() else { panic!("{:?}", out.events) };
    world.agent.answer_offer(leg, *offer_id, Ok(SDP_BYTES), at(2)).unwrap();
    world.out();
    let ack = peer.ack(4).with_sdp(Some(b"their answer"));
    world.agent.handle_ack(server, &ack, at(2));
    assert_eq!(world.out().events, [Event::Confirmed { leg, body: Some(b"their answer".to_vec()) }]);
}

#[test]
fn an_offer_is_refused_by_its_owner_or_by_time() {
    let mut world = World::new();
    let (leg, mut peer) = world.up(at(0));
    let offer = peer.next(Method::Update).with_sdp(Some(SDP_BYTES));
    let (_, out) = world.request(offer, flow(5_060), at(1));
    let [Event::Offered { offer_id, .. }] = out.events.as_slice() else { panic!() };
    world.agent.answer_offer(leg, *offer_id, Err(488), at(1)).unwrap();
    assert_eq!(world.out().status(), [488]);
    let offer = peer.next(Method::Invite).with_sdp(Some(SDP_BYTES));
    world.request(offer, flow(5_060), at(2));
    world.agent.handle_timeout(at(2) + OFFER_WAIT);
    let out = world.out();
    assert_eq!((out.status(), out.events.len()), (vec![488], 0), "the call goes on");
    assert_eq!(world.agent.statistics().legs, 1);
}

#[test]
fn offers_that_cross_are_put_off_and_ours_is_told() {
    let mut world = World::new();
    let (leg, mut peer) = world.up(at(0));
    world.agent.reoffer(leg, b"ours").unwrap();
    assert_eq!(world.agent.reoffer(leg, b"again"), Err(CallError::Pending));
    let (client, reinvite, _) = world.out().requests.remove(0);
    assert_eq!((reinvite.method, reinvite.sdp().as_deref()), (Method::Invite, Some(&b"ours"[..])));
    let theirs = peer.next(Method::Invite).with_sdp(Some(SDP_BYTES));
    assert_eq!(world.request(theirs, flow(5_060), at(1)).1.status(), [491], "RFC 3261 §14.2");
    let out = world.answer(client, reply(&reinvite, 491, "x"), at(1));
    assert_eq!(out.events, [Event::OfferRefused { leg, status: 491 }]);
    world.agent.reoffer(leg, b"ours").unwrap();
    let (client, reinvite, _) = world.out().requests.remove(0);
    let ok = ok_with_sdp(&reinvite, "x");
    let out = world.answer(client, ok.clone(), at(2));
    assert_eq!((out.acks.len(), out.events), (1, vec![Event::Answered { leg, body: ok.body }]));
    world.agent.reoffer(leg, b"ours").unwrap();
    let (client, reinvite, _) = world.out().requests.remove(0);
    let out = world.answer(client, reply(&reinvite, 481, "x"), at(3));
    assert_eq!((out.methods(), out.gone()), (vec!["BYE"], Some(Gone::Unreachable)));
}

#[test]
fn a_session_is_refreshed_by_our_description_at_half_time() {
    let mut world = World::new();
    let (_, _) = world.up(at(0));
    assert_eq!(world.agent.next_timeout(), Some(at(300)));
    world.agent.handle_timeout(at(300));
    let (client, refresh, _) = world.out().requests.remove(0);
    assert_eq!((refresh.method, refresh.sdp().as_deref()), (Method::Invite, Some(SDP_BYTES)));
    assert_eq!(refresh.headers.get("Session-Expires"), Some("600;refresher=uac"), "we go on refreshing");
    let out = world.answer(client, ok_with_sdp(&refresh, "x"), at(301));
    assert_eq!(out.acks.len(), 1);
    assert!(matches!(out.events.as_slice(), [Event::Answered { .. }]), "its description changed");
    world.agent.handle_timeout(at(601));
    let (client, refresh, _) = world.out().requests.remove(0);
    let out = world.answer(client, ok_with_sdp(&refresh, "x"), at(601));
    assert_eq!((out.acks.len(), out.events.len()), (1, 0), "the same again is no news");
}

#[test]
fn a_session_is_refreshed_by_update_where_the_other_side_knows_it() {
    let mut world = World::new();
    let (_, mut peer) = world.up(at(0));
    let mut update = peer.next(Method::Update);
    update.headers.push("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE");
    update.headers.push("Contact", "<sip:201@192.0.2.20:7000>");
    update.headers.push("Supported", "timer");
    update.headers.push("Session-Expires", "120;refresher=uas");
    let (_, out) = world.request(update, flow(5_060), at(10));
    assert_eq!((out.status(), out.events.len()), (vec![200], 0), "an UPDATE without an offer is answered here");
    assert_eq!(out.responses[0].1.headers.get("Session-Expires"), Some("120;refresher=uas"));
    world.agent.handle_timeout(at(70));
    let (client, refresh, _) = world.out().requests.remove(0);
    assert_eq!((refresh.method, refresh.uri.as_str()), (Method::Update, "sip:201@192.0.2.20:7000"));
    assert!(refresh.body.is_empty());
    let out = world.answer(client, reply(&refresh, 405, "x"), at(70));
    assert_eq!(out.methods(), ["INVITE"], "it does not know UPDATE after all");
    let (client, refresh, _) = &out.requests[0];
    assert!(world.answer(*client, ok_with_sdp(refresh, "x"), at(70)).gone().is_none());
    assert_eq!(world.agent.statistics().legs, 1);
}

#[test]
fn a_peer_that_does_not_refresh_or_answer_is_gone() {
    let mut world = World::new();
    let mut call = invite("c");
    call.headers.push("Supported", "timer");
    call.headers.push("Session-Expires", "90");
    let call = world.proved(call, "201", at(0));
    let (server, out) = world.request(call.clone(), flow(5_060), at(0));
    let leg = out.events[0].leg();
    world.agent.answer(leg, SDP_BYTES).unwrap();
    let ok = world.out().responses.remove(0).1;
    assert_eq!(ok.headers.get("Session-Expires"), Some("90;refresher=uac"));
    assert_eq!(ok.headers.get("Require"), Some("timer"));
    world.agent.handle_ack(server, &Peer::of_ours(&call, &ok).ack(1), at(0));
    world.out();
    world.agent.handle_timeout(at(60));
    let mut out = world.out();
    assert_eq!((out.methods(), out.gone()), (vec!["BYE"], Some(Gone::SessionExpired)), "RFC 4028 §10: 30 s early");
    let (client, bye, _) = out.requests.remove(0);
    world.answer(client, reply(&bye, 408, ""), at(92));
    world.assert_empty();
    let (leg, _) = world.up(at(100));
    world.agent.handle_timeout(at(400));
    let (client, _, _) = world.out().requests.remove(0);
    world.agent.handle_client_end(client, at(432));
    assert_eq!(world.out().events, [Event::Gone { leg, why: Gone::Unreachable }], "silence to our refresh");
}

#[test]
fn info_is_answered_and_told() {
    let mut world = World::new();
    let (leg, mut peer) = world.up(at(0));
    let mut info = peer.next(Method::Info);
    info.headers.push("Content-Type", "Application/DTMF-Relay; x=1");
    info.body = b"Signal=5".to_vec();
    let (_, out) = world.request(info, flow(5_060), at(1));
    assert_eq!(out.status(), [200]);
    let content_type = "application/dtmf-relay".to_owned();
    assert_eq!(out.events, [Event::Info { leg, content_type, body: b"Signal=5".to_vec() }]);
}

#[test]
fn a_dialog_is_its_parties_own() {
    let mut world = World::new();
    let (_, mut peer) = world.up(at(0));
    let bye = peer.next(Method::Bye);
    let elsewhere = Flow { remote: "192.0.2.99:5060".parse().unwrap(), ..flow(1) };
    assert_eq!(world.request(bye.clone(), elsewhere, at(1)).1.status(), [481], "from another place");
    assert_eq!(world.request(bye.clone(), trunk_flow(), at(1)).1.status(), [481], "from the other side");
    let mut other_tag = bye.clone();
    other_tag.headers.set("From", "<sip:201@store.example>;tag=other");
    assert_eq!(world.request(other_tag, flow(5_060), at(1)).1.status(), [481]);
    let mut old = bye;
    old.headers.set("CSeq", "1 BYE");
    assert_eq!(world.request(old, flow(5_060), at(1)).1.status(), [500], "an old number");
    assert_eq!(world.agent.statistics().legs, 1);
    let mut refer = peer.next(Method::Other("REFER"));
    refer.headers.push("Refer-To", "<sip:x@y>");
    assert_eq!(world.request(refer, flow(5_060), at(1)).1.status(), [405]);
}

#[test]
fn an_offer_that_is_answered_and_not_acknowledged_ends_the_call() {
    let mut world = World::new();
    let (leg, mut peer) = world.up(at(0));
    let offer = peer.next(Method::Invite).with_sdp(Some(SDP_BYTES));
    let (server, out) = world.request(offer, flow(5_060), at(1));
    let Event::Offered { offer_id, .. } = out.events[0] else { panic!() };
    world.agent.answer_offer(leg, offer_id, Ok(SDP_BYTES), at(1)).unwrap();
    world.out();
    world.agent.handle_server_end(server, at(33));
    let out = world.out();
    assert_eq!((out.methods(), out.gone()), (vec!["BYE"], Some(Gone::NoAck)));
}
