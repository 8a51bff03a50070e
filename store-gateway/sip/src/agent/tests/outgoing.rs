use super::*;

fn call(world: &mut World) -> (Leg, Vec<(ClientId, Request, Flow)>) {
    let caller = Caller { number: Some("+48600100200".to_owned()), name: None };
    let leg = world.agent.call(&Target::Phone(ext("201")), SDP_BYTES, &caller, at(0)).unwrap();
    (leg, world.out().requests)
}

fn ringing(extensions: &[u16]) -> (World, Leg, Vec<(ClientId, Request, Flow)>) {
    let mut world = World::new();
    for port in extensions {
        world.register("201", *port, at(0));
    }
    let (leg, invites) = call(&mut world);
    (world, leg, invites)
}

#[test]
fn rings_a_phone_where_it_is_registered() {
    let (mut world, leg, invites) = ringing(&[6_000]);
    let (client, invite, to) = &invites[0];
    assert_eq!((invite.uri.as_str(), *to), ("sip:201@192.0.2.20:6000", flow(6_000)));
    let headers = &invite.headers;
    assert!(headers.get("From").unwrap().starts_with("<sip:+48600100200@192.0.2.1:5060>;tag="));
    assert_eq!((headers.get("To"), headers.cseq()), (Some("<sip:201@192.0.2.1:5060>"), Some((1, "INVITE"))));
    assert_eq!((headers.get("Session-Expires"), headers.get("Min-SE")), (Some("600"), Some("90")));
    assert_eq!((headers.get("User-Agent"), invite.sdp().as_deref()), (Some("store-gateway"), Some(SDP_BYTES)));
    assert_eq!(world.answer(*client, reply(invite, 100, ""), at(0)).events, []);
    assert_eq!(world.answer(*client, reply(invite, 180, "t"), at(0)).events, [Event::Ringing { leg, body: None }]);
    assert_eq!(world.answer(*client, reply(invite, 180, "t"), at(1)).events, [], "once");
    let early = reply(invite, 183, "t").with_sdp(Some(b"early"));
    let body = Some(b"early".to_vec());
    assert_eq!(world.answer(*client, early, at(1)).events, [Event::Ringing { leg, body }]);
    let mut ok = ok_with_sdp(invite, "t");
    ok.headers.push("Record-Route", "<sip:p1@h;lr>, <sip:p2@h;lr>");
    let out = world.answer(*client, ok.clone(), at(2));
    assert_eq!(out.events, [Event::Answered { leg, body: ok.body.clone() }]);
    let ack = &out.acks[0];
    assert_eq!((ack.uri.as_str(), ack.headers.cseq()), ("sip:them@192.0.2.20:6000", Some((1, "ACK"))));
    assert_eq!(ack.headers.all("Route").collect::<Vec<_>>(), ["<sip:p2@h;lr>", "<sip:p1@h;lr>"], "RFC 3261 §12.1.2");
    assert_ne!(ack.headers.get("Via"), headers.get("Via"), "the ACK of a 2xx has a branch of its own");
    world.agent.handle_stray(&ok, flow(6_000));
    assert_eq!(world.out().acks.len(), 1, "a 2xx that is repeated is acknowledged again");
    world.agent.hang_up(leg, None, at(3)).unwrap();
    let (client, bye, _) = world.out().requests.remove(0);
    assert_eq!((bye.method, bye.headers.cseq()), (Method::Bye, Some((2, "BYE"))));
    assert_eq!(world.answer(client, reply(&bye, 200, "t"), at(3)).gone(), Some(Gone::HungUp));
    world.assert_empty();
}

#[test]
fn the_first_of_several_places_wins_and_the_others_are_called_off() {
    let (mut world, leg, invites) = ringing(&[6_000, 6_001, 6_002]);
    assert_eq!(invites.len(), 3);
    for (client, invite, _) in &invites {
        world.answer(*client, reply(invite, 180, "t"), at(0));
    }
    let out = world.answer(invites[1].0, ok_with_sdp(&invites[1].1, "t"), at(1));
    assert_eq!(out.methods(), ["CANCEL", "CANCEL"]);
    let (_, cancel, to) = &out.requests[0];
    assert_eq!(cancel.headers.get("Via"), invites[0].1.headers.get("Via"), "RFC 3261 §9.1: the INVITE's branch");
    let cancels: Vec<ClientId> = out.requests.iter().map(|(client, ..)| *client).collect();
    let reason = Some("SIP;cause=200;text=\"Call completed elsewhere\"");
    assert_eq!((cancel.headers.get("Reason"), *to), (reason, flow(6_000)));
    assert!(matches!(out.events.as_slice(), [Event::Answered { .. }]));
    let out = world.answer(invites[0].0, reply(&invites[0].1, 487, "t"), at(1));
    assert!(out.events.is_empty());
    // The third one answered in the same moment: it is acknowledged and dismissed.
    let out = world.answer(invites[2].0, ok_with_sdp(&invites[2].1, "t"), at(1));
    assert_eq!((out.acks.len(), out.methods()), (1, vec!["BYE"]));
    let (client, bye, _) = &out.requests[0];
    world.answer(*client, reply(bye, 200, "t"), at(1));
    assert_eq!(world.agent.statistics().dialogs, 1);
    world.agent.remove(leg).unwrap();
    world.out();
    for client in cancels {
        world.agent.handle_client_end(client, at(40));
    }
    world.assert_empty();
}

#[test]
fn the_last_place_that_refuses_ends_the_leg_with_the_best_refusal() {
    let (mut world, leg, invites) = ringing(&[6_000, 6_001]);
    assert_eq!(world.answer(invites[0].0, reply(&invites[0].1, 486, "t"), at(0)).events, []);
    let out = world.answer(invites[1].0, reply(&invites[1].1, 408, "t"), at(32));
    assert_eq!(out.events, [Event::Gone { leg, why: Gone::Refused(486) }]);
    world.assert_empty();
    let (mut world, _, invites) = ringing(&[6_000]);
    assert_eq!(world.answer(invites[0].0, reply(&invites[0].1, 408, "t"), at(32)).gone(), Some(Gone::Unreachable));
}

#[test]
fn a_call_is_taken_back_only_after_a_provisional_answer() {
    let (mut world, leg, invites) = ringing(&[6_000]);
    let (client, invite, _) = &invites[0];
    world.agent.hang_up(leg, Some(&Reason::q850(16)), at(1)).unwrap();
    assert!(world.out().requests.is_empty(), "RFC 3261 §9.1");
    let out = world.answer(*client, reply(invite, 180, "t"), at(2));
    assert_eq!((out.methods(), out.events.len()), (vec!["CANCEL"], 0));
    assert_eq!(out.requests[0].1.headers.get("Reason"), Some("Q.850;cause=16"));
    let out = world.answer(*client, reply(invite, 180, "t"), at(2));
    assert!(out.requests.is_empty(), "one CANCEL");
    assert_eq!(world.answer(*client, reply(invite, 487, "t"), at(2)).gone(), Some(Gone::HungUp));
    assert_eq!(world.agent.statistics(), Statistics::default());
}

#[test]
fn a_call_that_is_taken_back_and_answered_at_once_is_acknowledged_and_ended() {
    let (mut world, leg, invites) = ringing(&[6_000]);
    let (client, invite, _) = &invites[0];
    world.answer(*client, reply(invite, 180, "t"), at(0));
    world.agent.hang_up(leg, None, at(1)).unwrap();
    world.out();
    let out = world.answer(*client, ok_with_sdp(invite, "t"), at(1));
    assert_eq!((out.acks.len(), out.methods(), out.events.len()), (1, vec!["BYE"], 0));
    let (bye_client, bye, _) = &out.requests[0];
    assert_eq!(world.answer(*bye_client, reply(bye, 200, "t"), at(1)).gone(), Some(Gone::HungUp));
}

#[test]
fn silence_after_a_cancel_ends_the_leg_too() {
    let (mut world, leg, invites) = ringing(&[6_000]);
    let (client, invite, _) = &invites[0];
    world.answer(*client, reply(invite, 180, "t"), at(0));
    world.agent.hang_up(leg, None, at(1)).unwrap();
    world.out();
    assert_eq!(world.agent.next_timeout(), Some(at(33)), "64 T1");
    world.agent.handle_timeout(at(33));
    let out = world.out();
    assert_eq!((out.gone(), out.abandoned), (Some(Gone::HungUp), 1));
}

#[test]
fn a_second_answer_from_a_fork_on_the_way_is_dismissed() {
    let (mut world, _, invites) = ringing(&[6_000]);
    let (client, invite, _) = &invites[0];
    world.answer(*client, ok_with_sdp(invite, "first"), at(0));
    world.agent.handle_stray(&ok_with_sdp(invite, "second"), flow(6_000));
    let out = world.out();
    assert_eq!((out.acks.len(), out.methods()), (1, vec!["BYE"]));
    assert!(out.acks[0].headers.get("To").unwrap().ends_with(";tag=second"));
    let (bye_client, bye, _) = &out.requests[0];
    world.answer(*bye_client, reply(bye, 200, "x"), at(0));
    assert_eq!(world.agent.statistics().dialogs, 1, "the first one goes on");
    let elsewhere = Flow { remote: "203.0.113.9:5060".parse().unwrap(), ..flow(1) };
    world.agent.handle_stray(&ok_with_sdp(invite, "third"), elsewhere);
    assert!(world.out().acks.is_empty(), "a stranger's answer is none");
}

#[test]
fn nobody_is_called_who_is_not_there() {
    let mut world = World::new();
    let mut call = |target| world.agent.call(&target, SDP_BYTES, &Caller::default(), at(0));
    assert_eq!(call(Target::Phone(ext("201"))), Err(CallError::Unregistered));
    assert_eq!(call(Target::Phone(ext("999"))), Err(CallError::Unregistered));
    assert_eq!(call(Target::Trunk("112".to_owned())), Err(CallError::NoTrunk));
    let mut world = World::with_trunk();
    let bad = Target::Trunk("112@evil.example".to_owned());
    assert_eq!(world.agent.call(&bad, SDP_BYTES, &Caller::default(), at(0)), Err(CallError::NoNumber));
    world.assert_empty();
}

#[test]
fn the_trunk_s_challenge_is_answered_once_and_a_withheld_number_is_withheld() {
    let mut world = World::with_trunk();
    let target = Target::Trunk("+48600100200".to_owned());
    world.agent.call(&target, SDP_BYTES, &Caller::default(), at(0)).unwrap();
    let (client, invite, to) = world.out().requests.remove(0);
    assert_eq!((invite.uri.as_str(), to), ("sip:+48600100200@carrier.example", trunk_flow()));
    assert!(invite.headers.get("From").unwrap().contains("anonymous@anonymous.invalid"));
    assert_eq!(invite.headers.get("P-Preferred-Identity"), Some("<sip:shop@carrier.example>"));
    assert_eq!(invite.headers.get("Privacy"), Some("id"));
    let challenge = r#"Digest realm="c", nonce="n", qop="auth", algorithm=SHA-256"#;
    let mut asked = reply(&invite, 407, "t");
    asked.headers.push("Proxy-Authenticate", challenge);
    let (second_client, second, _) = world.answer(client, asked.clone(), at(0)).requests.remove(0);
    assert_eq!(second.headers.cseq(), Some((2, "INVITE")));
    assert!(second.headers.get("Proxy-Authorization").unwrap().contains("username=\"shop\""));
    assert_ne!(second.headers.get("Via"), invite.headers.get("Via"));
    assert_eq!(second.headers.get("From"), invite.headers.get("From"), "the same tag (RFC 3261 §22.2)");
    let mut again = reply(&second, 407, "t");
    again.headers.push("Proxy-Authenticate", challenge);
    assert_eq!(world.answer(second_client, again, at(0)).gone(), Some(Gone::Refused(407)), "not a third time");
    world.assert_empty();
}

#[test]
fn an_interval_that_is_too_small_is_asked_for_again() {
    let (mut world, _, invites) = ringing(&[6_000]);
    let small = reply(&invites[0].1, 422, "t").with("Min-SE", "1800");
    let (client, second, _) = world.answer(invites[0].0, small, at(0)).requests.remove(0);
    assert_eq!((second.headers.get("Session-Expires"), second.headers.get("Min-SE")), (Some("1800"), Some("1800")));
    let small = reply(&second, 422, "t").with("Min-SE", "3600");
    assert_eq!(world.answer(client, small, at(0)).gone(), Some(Gone::Refused(422)));
}

#[test]
fn an_answer_without_a_description_is_no_call() {
    let (mut world, _, invites) = ringing(&[6_000]);
    let out = world.answer(invites[0].0, reply(&invites[0].1, 200, "t"), at(0));
    assert_eq!((out.acks.len(), out.methods(), out.gone()), (1, vec!["BYE"], Some(Gone::Refused(488))));
}

#[test]
fn a_bye_that_the_trunk_challenges_is_proved() {
    let mut world = World::with_trunk();
    let target = Target::Trunk("112".to_owned());
    let leg = world.agent.call(&target, SDP_BYTES, &Caller::default(), at(0)).unwrap();
    let (client, invite, _) = world.out().requests.remove(0);
    world.answer(client, ok_with_sdp(&invite, "t"), at(0));
    world.agent.hang_up(leg, None, at(1)).unwrap();
    let (client, bye, _) = world.out().requests.remove(0);
    let asked =
        reply(&bye, 401, "t").with("WWW-Authenticate", r#"Digest realm="c", nonce="n", algorithm=MD5, qop="auth""#);
    let out = world.answer(client, asked.clone(), at(1));
    let (client, second, _) = &out.requests[0];
    assert_eq!((second.headers.cseq(), out.events.len()), (Some((3, "BYE")), 0));
    assert!(second.headers.get("Authorization").is_some());
    assert_eq!(world.answer(*client, asked, at(1)).gone(), Some(Gone::HungUp), "once");
    world.assert_empty();
}

#[test]
fn a_stream_that_closes_ends_the_calls_that_wait_on_it() {
    let mut world = World::new();
    let stream = Flow { transport: Transport::Tcp, ..flow(7_000) };
    let mut request = Request::new(Method::Register, "sip:store.example");
    request.headers.push("From", "<sip:201@store.example>;tag=1");
    request.headers.push("To", "<sip:201@store.example>");
    request.headers.push("Call-ID", "r");
    request.headers.push("CSeq", "1 REGISTER");
    request.headers.push("Contact", "<sip:201@192.0.2.20:7000;transport=tcp>");
    let request = world.proved(request, "201", at(0));
    world.request(request, stream, at(0));
    let (leg, invites) = call(&mut world);
    assert!(invites[0].1.headers.get("Via").unwrap().starts_with("SIP/2.0/TCP 192.0.2.1:5060;"));
    world.agent.handle_closed(stream, at(1));
    assert_eq!(world.out().events, [Event::Gone { leg, why: Gone::Unreachable }]);
    world.assert_empty();
    let call = world.agent.call(&Target::Phone(ext("201")), SDP_BYTES, &Caller::default(), at(1));
    assert_eq!(call, Err(CallError::Unregistered));
}
