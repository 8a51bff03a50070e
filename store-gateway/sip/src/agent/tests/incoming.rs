use super::*;

#[test]
fn a_phone_proves_itself_is_answered_and_hangs_up() {
    let mut world = World::new();
    let (_, out) = world.request(invite("call-1"), flow(5_060), at(0));
    assert_eq!(out.status(), [401]);
    assert!(out.responses[0].1.headers.get("WWW-Authenticate").unwrap().contains("algorithm=SHA-256"));
    assert!(out.events.is_empty(), "nobody is told of a call without a password");
    let (leg, server, invite) = world.incoming(at(0));
    world.agent.progress(leg).unwrap();
    world.agent.answer(leg, SDP_BYTES).unwrap();
    let out = world.out();
    assert_eq!(out.status(), [180, 200]);
    let ok = &out.responses[1].1;
    assert_eq!((ok.headers.get("Contact"), ok.sdp().as_deref()), (Some("<sip:store@192.0.2.1:5060>"), Some(SDP_BYTES)));
    assert_eq!(ok.headers.get("Session-Expires"), Some("600;refresher=uas"), "this phone knows no timer");
    assert_eq!(out.responses[0].1.headers.get("To"), ok.headers.get("To"), "one dialog, one tag");
    assert_eq!(world.agent.answer(leg, SDP_BYTES), Err(CallError::WrongState));
    let mut peer = Peer::of_ours(&invite, ok);
    world.agent.handle_ack(server, &peer.ack(1), at(0));
    assert_eq!(world.out().events, [Event::Confirmed { leg, body: None }]);
    let (_, out) = world.request(peer.next(Method::Bye), flow(5_060), at(9));
    assert_eq!((out.status(), out.events), (vec![200], vec![Event::Gone { leg, why: Gone::Bye }]));
    world.assert_empty();
    let (_, out) = world.request(peer.next(Method::Bye), flow(5_060), at(9));
    assert_eq!(out.status(), [481], "it is gone");
}

#[test]
fn says_who_calls_and_what_was_dialled() {
    let mut world = World::new();
    let invite = world.proved(invite("c"), "201", at(0));
    let (_, out) = world.request(invite, flow(1), at(0));
    let caller = Caller { number: Some("201".to_owned()), name: Some("Kasa".to_owned()) };
    let [Event::Incoming { leg, source, caller: told, dialled, offer }] = out.events.as_slice() else { panic!() };
    assert_eq!((source, told, dialled.as_str()), (&Source::Phone(ext("201")), &caller, "600"));
    assert_eq!(offer.as_deref(), Some(SDP_BYTES));
    let shown = format!("{:?} {leg:?}", out.events);
    assert!(!shown.contains("Kasa") && !shown.contains("600"), "{shown}");
}

#[test]
fn a_call_that_is_given_up_is_terminated() {
    let mut world = World::new();
    let (leg, server, _) = world.incoming(at(0));
    world.agent.handle_cancel(server);
    let out = world.out();
    assert_eq!((out.status(), out.events), (vec![487], vec![Event::Gone { leg, why: Gone::Cancelled }]));
    world.agent.handle_server_end(server, at(1));
    world.assert_empty();
}

#[test]
fn a_refusal_carries_its_reason() {
    let mut world = World::new();
    let (leg, _, _) = world.incoming(at(0));
    world.agent.refuse(leg, 403, Some(&Reason::q850(21))).unwrap();
    let out = world.out();
    assert_eq!(out.status(), [403]);
    assert_eq!(out.responses[0].1.headers.get("Reason"), Some("Q.850;cause=21"));
    assert_eq!(out.gone(), Some(Gone::HungUp));
    world.assert_empty();
}

#[test]
fn an_answer_that_nobody_acknowledges_ends_in_bye() {
    let mut world = World::new();
    let (leg, server, _) = world.incoming(at(0));
    world.agent.answer(leg, SDP_BYTES).unwrap();
    world.out();
    world.agent.handle_server_end(server, at(32));
    let mut out = world.out();
    assert_eq!((out.methods(), out.gone()), (vec!["BYE"], Some(Gone::NoAck)));
    let (client, bye, _) = out.requests.remove(0);
    assert_eq!(world.agent.statistics().dialogs, 1, "the farewell");
    world.answer(client, reply(&bye, 481, "x"), at(33));
    world.assert_empty();
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    let mut world = World::new();
    let (leg, server, invite) = world.incoming(at(0));
    world.agent.answer(leg, SDP_BYTES).unwrap();
    let ok = world.out().responses.remove(0).1;
    world.agent.hang_up(leg, Some(&Reason::q850(16)), at(0)).unwrap();
    assert!(world.out().requests.is_empty(), "RFC 3261 §15: no BYE before the ACK");
    world.agent.handle_ack(server, &Peer::of_ours(&invite, &ok).ack(1), at(1));
    let mut out = world.out();
    let (client, bye, to) = out.requests.remove(0);
    assert_eq!((bye.method, bye.uri.as_str()), (Method::Bye, "sip:201@192.0.2.20:5060"));
    assert_eq!((bye.headers.get("Reason"), to), (Some("Q.850;cause=16"), flow(5_060)));
    assert!(out.events.is_empty());
    assert_eq!(world.answer(client, reply(&bye, 200, "x"), at(1)).gone(), Some(Gone::HungUp));
    world.assert_empty();
}

#[test]
fn a_removed_leg_leaves_nothing() {
    let mut world = World::new();
    let (leg, _, _) = world.incoming(at(0));
    world.agent.remove(leg).unwrap();
    assert_eq!(world.out().gone(), Some(Gone::Removed));
    world.assert_empty();
    let mut other = World::new();
    let (leg, _) = other.up(at(0));
    other.agent.remove(leg).unwrap();
    let out = other.out();
    assert_eq!((out.methods().len(), out.gone()), (0, Some(Gone::Removed)));
    assert_eq!(other.agent.remove(leg), Err(CallError::NoLeg));
    other.assert_empty();
}

#[test]
fn refuses_what_it_does_not_understand() {
    let mut world = World::new();
    let mut changed = |change: &dyn Fn(&mut Request)| {
        let mut request = invite("c");
        change(&mut request);
        let request = world.proved(request, "201", at(0));
        world.request(request, flow(1), at(0)).1.responses.remove(0).1
    };
    let response = changed(&|r| r.headers.push("Require", "timer, 100rel, precondition"));
    assert_eq!((response.status, response.headers.get("Unsupported")), (420, Some("100rel, precondition")));
    let response = changed(&|r| r.headers.set("Content-Type", "text/plain"));
    assert_eq!((response.status, response.headers.get("Accept")), (415, Some("application/sdp")));
    let response = changed(&|r| {
        r.headers.push("Session-Expires", "30");
        r.headers.push("Supported", "timer");
    });
    assert_eq!((response.status, response.headers.get("Min-SE")), (422, Some("90")));
    assert_eq!(changed(&|r| r.headers.remove("Contact")).status, 400);
    assert_eq!(changed(&|r| r.uri = "sip:store.example".to_owned()).status, 404);
    let (_, out) = world.request(Request::new(Method::Other("SUBSCRIBE"), "sip:a@b"), flow(1), at(0));
    assert_eq!((out.status(), out.responses[0].1.headers.get("Allow")), (vec![405], Some(ALLOW)));
    for method in [Method::Bye, Method::Update, Method::Info] {
        assert_eq!(world.request(Request::new(method, "sip:a@b"), flow(1), at(0)).1.status(), [481]);
    }
    let (_, out) = world.request(Request::new(Method::Options, "sip:a@b"), flow(1), at(0));
    assert_eq!((out.status(), out.responses[0].1.headers.get("Allow")), (vec![200], Some(ALLOW)));
    assert_eq!(world.request(Request::new(Method::Register, "sip:a@b"), trunk_flow(), at(0)).1.status(), [405]);
    world.assert_empty();
}

#[test]
fn the_cap_and_slow_readers_refuse_new_calls_with_a_time_to_wait() {
    let mut world = World::with(Config { most_legs: 1, ..Config::default() });
    let (leg, _, _) = world.incoming(at(0));
    let second = world.proved(invite("call-2"), "201", at(0));
    let (_, out) = world.request(second, flow(1), at(0));
    assert_eq!((out.status(), out.responses[0].1.headers.get("Retry-After")), (vec![503], Some("5")));
    world.agent.refuse(leg, 486, None).unwrap();
    world.out();
    world.agent.set_congestion(Congestion::Congested);
    let third = world.proved(invite("call-3"), "201", at(0));
    assert_eq!(world.request(third, flow(1), at(0)).1.status(), [503]);
    world.agent.set_congestion(Congestion::Clear);
    let (leg, _) = world.up(at(0));
    world.agent.handle_overload(leg, at(0));
    let out = world.out();
    assert_eq!((out.methods(), out.gone()), (vec!["BYE"], Some(Gone::Overloaded)));
}

#[test]
fn a_source_that_is_wrong_too_often_is_not_looked_at_for_a_minute() {
    let mut world = World::with(Config { most_failures: 3, ..Config::default() });
    let wrong = |world: &mut World, seconds| {
        let mut request = world.proved(invite("c"), "201", at(seconds));
        let value = request.headers.get("Authorization").unwrap().replace("cnonce=\"x\"", "cnonce=\"y\"");
        request.headers.set("Authorization", value);
        world.request(request, flow(1), at(seconds)).1.status()
    };
    for _ in 0..3 {
        assert_eq!(wrong(&mut world, 0), [401]);
    }
    assert_eq!(wrong(&mut world, 59), [403]);
    let right = world.proved(invite("c"), "201", at(59));
    assert_eq!(world.request(right.clone(), flow(1), at(59)).1.status(), [403], "nor the right one");
    assert_eq!(world.request(right, flow(1), at(60)).1.status(), [100]);
}

#[test]
fn a_call_that_nobody_takes_ends_by_itself() {
    let mut world = World::new();
    let _ = world.incoming(at(0));
    assert_eq!(world.agent.next_timeout(), Some(at(0) + LONGEST_RING));
    world.agent.handle_timeout(at(0) + LONGEST_RING);
    let out = world.out();
    assert_eq!((out.status(), out.gone()), (vec![480], Some(Gone::HungUp)));
    world.assert_empty();
}

#[test]
fn the_trunk_is_not_challenged_and_a_late_offer_is_answered_in_the_ack() {
    let mut world = World::with_trunk();
    let mut call = invite("c");
    call.body.clear();
    call.headers.push("P-Asserted-Identity", "<tel:+48221112233>");
    let (server, out) = world.request(call.clone(), trunk_flow(), at(0));
    let [Event::Incoming { leg, source: Source::Trunk, caller, offer: None, .. }] = out.events.as_slice() else {
        panic!("{:?}", out.events)
    };
    assert_eq!(caller.number.as_deref(), Some("+48221112233"));
    world.agent.answer(*leg, SDP_BYTES).unwrap();
    let ok = world.out().responses.remove(0).1;
    assert_eq!(ok.headers.get("Contact"), Some("<sip:shop@192.0.2.1:5080>"));
    let ack = Peer::of_ours(&call, &ok).ack(1).with_sdp(Some(b"answer"));
    world.agent.handle_ack(server, &ack, at(1));
    assert_eq!(world.out().events, [Event::Confirmed { leg: *leg, body: Some(b"answer".to_vec()) }]);
}
