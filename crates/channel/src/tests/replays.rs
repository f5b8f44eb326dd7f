//! Steps 7 and 8 of the agent: times, replays, verbs and kinds.

use sealpost_envelope::UnixTime;

use super::support::*;
use crate::{
    Create, Head, Kind, Outcome,
    agent::{Begun, Request},
};

fn outcome(agent: &mut Agent, bytes: &[u8], seconds: u64) -> Outcome {
    let request = agent.request(bytes, seconds).unwrap();
    match agent.begin(&request, seconds) {
        Begun::Answer(outcome) | Begun::Again(outcome) => outcome,
        Begun::Run { turn, .. } => {
            agent
                .vault
                .push((request.operation(), request.body().to_vec()));
            let outcome = agent.outcome.clone();
            agent.end(turn, outcome)
        }
        Begun::Wait(_) => panic!("it is under way"),
    }
}

/// The outcome of the first request of a new channel, which is open from 0 to 90.
fn of_body(body: &[u8], seconds: u64) -> Outcome {
    outcome(
        &mut Agent::new("a2048"),
        &Forgery::new(0).make().message(0, body),
        seconds,
    )
}

fn of_times(issued: UnixTime, deadline: UnixTime, seconds: u64) -> Outcome {
    of_body(&body(b"{}", issued, deadline).unwrap(), seconds)
}

#[test]
fn deadline_beyond_expiry() {
    assert_eq!(of_times(at(60), at(90), 60), stored());
    assert_eq!(of_times(at(61), at(91), 60), Outcome::Malformed);
}

#[test]
fn issued_0_and_lifetime_241() {
    let zero = UnixTime::from_secs(0);
    assert_eq!(of_times(zero, at(30), 0), Outcome::Malformed);
    assert_eq!(
        of_times(at(0), UnixTime::from_secs(u64::MAX), 0),
        Outcome::Malformed
    );
    assert_eq!(
        of_times(at(2), at(1), 0),
        Outcome::Malformed,
        "issued after the deadline"
    );
    // One second before the opening is a rounded clock.
    let before = |seconds| UnixTime::from_secs(T - seconds);
    assert_eq!(of_times(before(1), at(30), 0), stored());
    assert_eq!(of_times(before(2), at(30), 0), Outcome::Malformed);
    for (lifetime, expected) in [(240, stored()), (241, Outcome::Malformed)] {
        let mut forgery = Forgery::new(0);
        forgery.expires_at = at(300);
        let body = body(b"{}", at(0), at(lifetime)).unwrap();
        let message = forgery.make().message(0, &body);
        assert_eq!(outcome(&mut Agent::new("a2048"), &message, 0), expected);
    }
}

#[test]
fn late_by_the_deadline_and_a_minute() {
    assert_eq!(of_times(at(0), at(30), 89), stored());
    assert_eq!(of_times(at(0), at(30), 90), Outcome::Expired);
}

#[test]
fn same_n_other_body() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    let [a, b] = [&b"{\"a\":1}"[..], b"{\"b\":2}"].map(|value| {
        let body = body(value, at(0), at(30)).unwrap();
        forged.message(0, &body)
    });
    assert_eq!(outcome(&mut agent, &a, 0), stored());
    assert_eq!(outcome(&mut agent, &b, 0), Outcome::Reused);
    assert_eq!(outcome(&mut agent, &a, 0), stored());
    assert_eq!(agent.vault.len(), 1, "nothing is stored twice");
}

#[test]
fn duplicate_waits_and_gets_the_same_outcome() {
    let mut agent = Agent::new("a2048");
    let message = Forgery::new(0).make().ask(0, 0);
    let [first, second] = [(); 2].map(|()| agent.request(&message, 0).unwrap());
    let turn = turn(agent.begin(&first, 0));
    let Begun::Wait(ticket) = agent.begin(&second, 0) else {
        panic!("it must wait");
    };
    assert_eq!(agent.requests.waited(&ticket), None, "not yet done");
    agent.end(turn, Outcome::Exists);
    assert_eq!(agent.requests.waited(&ticket), Some(Outcome::Exists));
}

#[test]
fn wait_ends_failed() {
    for ending in [Outcome::Failed, Outcome::Busy] {
        let mut agent = Agent::new("a2048");
        let message = Forgery::new(0).make().ask(0, 0);
        let [first, second] = [(); 2].map(|()| agent.request(&message, 0).unwrap());
        let turn = turn(agent.begin(&first, 0));
        let Begun::Wait(ticket) = agent.begin(&second, 0) else {
            panic!("it must wait");
        };
        agent.end(turn, ending);
        assert_eq!(agent.requests.waited(&ticket), Some(Outcome::Failed));
        // It may be tried again.
        assert_eq!(outcome(&mut agent, &message, 0), stored());
    }
}

#[test]
fn expired_then_replayed() {
    let mut agent = Agent::new("a2048");
    let message = Forgery::new(0).make().ask(0, 0);
    agent.outcome = Outcome::Expired;
    assert_eq!(outcome(&mut agent, &message, 0), Outcome::Expired);
    agent.outcome = stored();
    assert_eq!(outcome(&mut agent, &message, 89), Outcome::Expired);
    assert_eq!(outcome(&mut agent, &message, 90), Outcome::Expired, "late");
    assert_eq!(agent.vault.len(), 1);
}

/// The memory of a request outlives the keys of its channel.
#[test]
fn evicted_keys_then_replay() {
    let mut agent = Agent::new("a2048");
    let message = Forgery::new(0).make().ask(0, 0);
    assert_eq!(outcome(&mut agent, &message, 0), stored());
    let (gateways, ring) = (agent.gateways.clone(), agent.ring.map(Clone::clone));
    agent.gateways = trust(&[]);
    agent.wipe(1);
    assert_eq!(agent.openings.live(), 0);
    (agent.gateways, agent.ring) = (gateways, ring);
    agent.outcome = Outcome::Exists;
    assert_eq!(outcome(&mut agent, &message, 2), stored());
    assert_eq!((agent.vault.len(), agent.rsa_operations), (1, 2));
}

#[test]
fn one_gateway_fills_its_quota() {
    let mut agent = Agent::new("a2048");
    // With 16 trusted gateways a share is 65,536.
    agent.gateways = (1..=16)
        .map(|n| signing_key(n).verify_key().clone())
        .collect();
    let forged = Forgery::new(0).make();
    let requests: Vec<Request> = (0..=65_536)
        .map(|n| agent.request(&forged.ask(n, 0), 0).unwrap())
        .collect();
    for request in &requests[..65_536] {
        let turn = turn(agent.begin(request, 0));
        agent.end(turn, Outcome::Exists);
    }
    let last = &requests[65_536];
    assert!(matches!(agent.begin(last, 0), Begun::Answer(Outcome::Busy)));
    // Another gateway is not touched by it, and replays are answered.
    let other = ask(&channel(2, "a2048", false, 0), b"{}", 0).0;
    assert_eq!(outcome(&mut agent, &other, 0), stored());
    assert!(matches!(
        agent.begin(&requests[0], 0),
        Begun::Again(Outcome::Exists)
    ));
    // A minute after the deadlines all are forgotten.
    let later = agent.request(&forged.ask(70_000, 60), 90).unwrap();
    assert!(matches!(agent.begin(&later, 90), Begun::Run { .. }));
}

#[test]
fn a_request_without_an_outcome_gives_its_place_back() {
    let mut agent = Agent::new("a2048");
    let message = Forgery::new(0).make().ask(0, 0);
    agent.outcome = Outcome::Failed;
    for _ in 0..3 {
        assert_eq!(outcome(&mut agent, &message, 0), Outcome::Failed);
    }
    assert_eq!(agent.vault.len(), 3);
    agent.outcome = stored();
    assert_eq!(outcome(&mut agent, &message, 0), stored());
    assert_eq!(outcome(&mut agent, &message, 0), stored());
    assert_eq!(agent.vault.len(), 4);
}

#[test]
fn two_replicas_one_operation() {
    let channel = channel(1, "a2048", false, 0);
    let (message, _) = ask(&channel, b"{}", 0);
    let [mut a, mut b] = [(); 2].map(|()| Agent::new("a2048"));
    let [first, second] = [&mut a, &mut b].map(|agent| agent.deliver(&message, 0).reply());
    assert_ne!(first, second, "each has its own exchange");
    assert_eq!(a.vault[0].0, b.vault[0].0, "the vault sees one operation");
    for reply in [first, second] {
        channel.skip_to(0);
        let (_, mut waiting) = ask(&channel, b"{}", 0);
        let answer = waiting.receive(&reply, &trust(&[&signing_key(11)]));
        assert_eq!(answer.unwrap(), crate::gateway::Answer::Outcome(stored()));
    }
}

/// Ed25519 signatures and openings can't be changed, and what opens is the same operation.
#[test]
fn malleated_message_same_operation() {
    let channel = channel(1, "a2048", true, 0);
    let message = ask(&channel, b"{}", 0).0;
    let operation = |bytes: &[u8]| {
        let mut agent = Agent::new("a2048");
        agent
            .request(bytes, 0)
            .ok()
            .map(|request| request.operation())
    };
    let expected = operation(&message).unwrap();
    for at in 0..message.len() {
        // Each byte of the opening once would be an RSA operation each: some of them, and the whole frame.
        if at % 37 != 0 && at < message.len() - 200 {
            continue;
        }
        if let Some(other) = operation(&flip(&message, at)) {
            assert_eq!(other, expected, "{at}");
        }
    }
}

fn with_head(change: impl FnOnce(&mut Head<'_>)) -> Vec<u8> {
    let mut head = head(at(0), at(30));
    change(&mut head);
    let mut body = body(b"{}", at(0), at(30)).unwrap();
    (body[0], body[1]) = (head.verb, head.kind);
    body
}

#[test]
fn verb_2_unknown() {
    let body = with_head(|head| head.verb = 2);
    assert_eq!(of_body(&body, 0), Outcome::UnknownVerb(vec![1]));
    let body = with_head(|head| head.verb = 0);
    assert_eq!(of_body(&body, 0), Outcome::UnknownVerb(vec![1]));
}

#[test]
fn kind_5_not_accepted() {
    for kind in [0, 5, 255] {
        let body = with_head(|head| head.kind = kind);
        assert_eq!(of_body(&body, 0), Outcome::NotAccepted(vec![1, 2, 3, 4]));
    }
    let mut agent = Agent::new("a2048");
    agent.accepted = vec![Kind::Cms, Kind::Clear];
    let body = with_head(|head| head.kind = 4);
    let message = Forgery::new(0).make().message(0, &body);
    assert_eq!(
        outcome(&mut agent, &message, 0),
        Outcome::NotAccepted(vec![1, 3])
    );
}

/// What an agent answered to what it did not know stays its answer when it knows more.
#[test]
fn verb_2_replayed_after_upgrade() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    let verb = forged.message(0, &with_head(|head| head.verb = 2));
    let unknown = Outcome::UnknownVerb(vec![1]);
    assert_eq!(outcome(&mut agent, &verb, 0), unknown);
    assert_eq!(outcome(&mut agent, &verb, 0), unknown);
    agent.accepted = vec![Kind::Clear];
    let kind = forged.message(1, &with_head(|head| head.kind = 2));
    assert_eq!(outcome(&mut agent, &kind, 0), Outcome::NotAccepted(vec![1]));
    agent.accepted.push(Kind::Jwe);
    assert_eq!(outcome(&mut agent, &kind, 0), Outcome::NotAccepted(vec![1]));
    // The same in a new request is taken.
    let kind = forged.message(2, &with_head(|head| head.kind = 2));
    assert_eq!(outcome(&mut agent, &kind, 0), stored());
    assert_eq!(agent.vault.len(), 1);
}

#[test]
fn malformed_after_the_head_is_not_remembered() {
    let mut agent = Agent::new("a2048");
    let mut broken = body(b"{}", at(0), at(30)).unwrap();
    broken[45] = 2; // opt_2: the presence byte of the marks
    let message = Forgery::new(0).make().message(0, &broken);
    assert_eq!(outcome(&mut agent, &message, 0), Outcome::Malformed);
    assert_eq!(outcome(&mut agent, &message, 0), Outcome::Malformed);
    let good = Forgery::new(0)
        .make()
        .message(0, &body(b"{}", at(0), at(30)).unwrap());
    assert!(agent.request(&good, 0).is_ok());
}

#[test]
fn the_lifetime_is_that_of_the_request() {
    let mut agent = Agent::new("a2048");
    let message = Forgery::new(0)
        .make()
        .message(0, &body(b"{}", at(0), at(17)).unwrap());
    let request = agent.request(&message, 40).unwrap();
    let Begun::Run {
        lifetime,
        kind,
        head,
        create,
        ..
    } = agent.begin(&request, 40)
    else {
        panic!("it is carried out");
    };
    assert_eq!(lifetime.as_secs(), 17);
    assert_eq!((kind, head.request_id), (Kind::Clear, "order-4711"));
    assert_eq!(create, self::create(b"{}"));
    let _: &Create<'_> = &create;
}

fn turn(begun: Begun<'_>) -> crate::agent::Turn {
    match begun {
        Begun::Run { turn, .. } => turn,
        other => panic!("{other:?}"),
    }
}
