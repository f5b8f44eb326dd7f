//! What a gateway takes for the answer to a request.

use super::support::*;
use crate::{
    Outcome, RefusalCode,
    gateway::{Answer, Dropped},
    reply::binding,
};

#[test]
fn reply_to_its_request() {
    for (name, signed_requests) in [("a2048", false), ("a3072", true), ("a4096", false)] {
        let mut agent = Agent::new(name);
        let channel = channel(1, name, signed_requests, 0);
        for length in [1, 900, 1019 - 70, 65_536] {
            let (message, mut waiting) = ask(&channel, &vec![b'x'; length], 0);
            let reply = agent.deliver(&message, 0).reply();
            let answer = waiting.receive(&reply, &trust(&[&agent.key]));
            assert_eq!(answer, Ok(Answer::Outcome(stored())), "{name} {length}");
        }
        assert_eq!((agent.rsa_operations, agent.vault.len()), (1, 4));
    }
}

/// On both sides of the floor, 508 bytes, and of the next step.
#[test]
fn reply_floor_edges() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "a2048", false, 0);
    for (length, expected) in [(1, 730), (508, 730), (509, 762), (540, 762), (541, 794)] {
        // Code and the length of the text take 3 bytes.
        agent.outcome = match length {
            1 => Outcome::Exists,
            _ => Outcome::Unreadable("x".repeat(length - 3)),
        };
        assert_eq!(agent.outcome.encode().len(), length);
        let (message, mut waiting) = ask(&channel, b"{}", 0);
        let reply = agent.deliver(&message, 0).reply();
        assert_eq!(reply.len(), expected, "{length}");
        let answer = waiting.receive(&reply, &trust(&[&agent.key]));
        assert_eq!(answer, Ok(Answer::Outcome(agent.outcome.clone())));
    }
}

#[test]
fn bodies_at_the_floor() {
    // The agent opens any body, also one that says nothing.
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    for (number, length) in (0..).zip([0, 1, 1019, 1020, 1021, 65_536, 132_093]) {
        let body: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
        let request = agent.request(&forged.message(number, &body), 0).unwrap();
        assert_eq!(request.body(), body);
    }
}

#[test]
fn reply_other_n_and_reply_other_com() {
    let mut agent = Agent::new("a2048");
    let trusted = trust(&[&agent.key]);
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let (_, mut other) = ask(&channel, b"{}", 0);
    let reply = agent.deliver(&message, 0).reply();
    assert_eq!(other.receive(&reply, &trusted), Err(Dropped::OtherNumber));
    let mut renumbered = reply.clone();
    renumbered[169] = 1;
    assert_eq!(other.receive(&renumbered, &trusted), Err(Dropped::Frame));
    assert_eq!(
        waiting.receive(&renumbered, &trusted),
        Err(Dropped::OtherNumber)
    );
    // A copy of the gateway sent something else under the same number.
    let copy = super::gateways::with_number(&channel, 0);
    let (_, mut waiting_of_copy) = copy;
    assert_eq!(
        waiting_of_copy.receive(&reply, &trusted),
        Err(Dropped::Frame)
    );
    assert!(waiting.receive(&reply, &trusted).is_ok());
}

#[test]
fn reply_twice() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let reply = agent.deliver(&message, 0).reply();
    let trusted = trust(&[&agent.key]);
    assert!(waiting.receive(&reply, &trusted).is_ok());
    assert_eq!(waiting.receive(&reply, &trusted), Err(Dropped::Ended));
    let (_, mut next) = ask(&channel, b"{}", 0);
    assert_eq!(next.receive(&reply, &trusted), Err(Dropped::OtherNumber));
}

#[test]
fn reply_by_rsa_thief() {
    // It has the RSA key, and so the seed, but not the key that agents sign with.
    let mut thief = Agent::new("a2048");
    thief.key = signing_key(99);
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let reply = thief.deliver(&message, 0).reply();
    let trusted = trust(&[&signing_key(11)]);
    assert_eq!(waiting.receive(&reply, &trusted), Err(Dropped::Signature));
    // With the name of the agent's key in it, the signature is wrong.
    let mut named = reply.clone();
    named[2..34].copy_from_slice(signing_key(11).kid().as_bytes());
    assert_eq!(waiting.receive(&named, &trusted), Err(Dropped::Signature));
}

/// The exchange is what hides answers from who has the RSA key alone.
#[test]
fn answers_do_not_open_with_the_seed_alone() {
    let (mut agent, forged) = (Agent::new("a2048"), Forgery::new(0).make());
    let message = forged.ask(0, 0);
    let reply = agent.deliver(&message, 0).reply();
    let parsed = crate::reply::Reply::parse(&reply).unwrap();
    let base = forged.base();
    let binding = binding(0, &commitment(&message));
    for guess in [[0; 32], *parsed.acceptance.exchange, forged.seed()] {
        let keys = parsed
            .acceptance
            .keys(&base, &zeroize::Zeroizing::new(guess));
        assert!(
            keys.open(&binding, parsed.commitment, parsed.ciphertext)
                .is_err()
        );
    }
    let (_, shared) = crate::Scalar::from_bytes(&[8; 32])
        .unwrap()
        .agree(parsed.acceptance.exchange);
    let keys = parsed.acceptance.keys(&base, &shared);
    assert!(
        keys.open(&binding, parsed.commitment, parsed.ciphertext)
            .is_ok()
    );
}

fn commitment(message: &[u8]) -> [u8; 32] {
    let end = message.len() - 16 - 1024;
    message[end - 32..end].try_into().unwrap()
}

#[test]
fn acceptance_bit() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let reply = agent.deliver(&message, 0).reply();
    let trusted = trust(&[&agent.key]);
    for bit in 0..162 {
        assert!(
            waiting.receive(&flip(&reply, bit), &trusted).is_err(),
            "{bit}"
        );
    }
    for bit in 162..reply.len() {
        assert!(
            waiting.receive(&flip(&reply, bit), &trusted).is_err(),
            "{bit}"
        );
    }
    assert!(waiting.receive(&reply, &trusted).is_ok());
}

#[test]
fn request_reflected() {
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let trusted = trust(&[&signing_key(11), &signing_key(1)]);
    let dropped = waiting.receive(&message, &trusted).unwrap_err();
    assert!(matches!(dropped, Dropped::Malformed(_)));
    let mut as_reply = message.clone();
    as_reply[0] = 2;
    assert!(waiting.receive(&as_reply, &trusted).is_err());
}

#[test]
fn bad_reply_then_good() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let reply = agent.deliver(&message, 0).reply();
    let trusted = trust(&[&agent.key]);
    for bad in [
        &[][..],
        &[2],
        &[2; 730],
        &[0x7f; 900],
        &reply[..reply.len() - 1],
    ] {
        assert!(waiting.receive(bad, &trusted).is_err());
    }
    assert_eq!(
        waiting.receive(&flip(&reply, 171), &trusted),
        Err(Dropped::Frame)
    );
    assert_eq!(
        waiting.receive(&reply, &trusted),
        Ok(Answer::Outcome(stored()))
    );
}

/// Also with an acceptance that was verified while the key was trusted.
#[test]
fn agent_key_withdrawn() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "a2048", false, 0);
    let [(a, mut waiting_a), (b, mut waiting_b)] = [(); 2].map(|()| ask(&channel, b"{}", 0));
    let [a, b] = [a, b].map(|message| agent.deliver(&message, 0).reply());
    assert!(waiting_a.receive(&a, &trust(&[&agent.key])).is_ok());
    let other = trust(&[&signing_key(12)]);
    assert_eq!(waiting_b.receive(&b, &other), Err(Dropped::Signature));
    assert!(waiting_b.receive(&b, &trust(&[&agent.key])).is_ok());
}

#[test]
fn a_channel_remembers_64_acceptances_and_takes_more() {
    let channel = channel(1, "a2048", false, 0);
    let trusted = trust(&[&signing_key(11)]);
    for _ in 0..66 {
        let (message, mut waiting) = ask(&channel, b"{}", 0);
        let reply = Agent::new("a2048").deliver(&message, 0).reply();
        assert!(waiting.receive(&reply, &trusted).is_ok());
    }
}

fn again(channel: &crate::gateway::Channel) -> (Vec<u8>, crate::gateway::Waiting) {
    channel.skip_to(0);
    ask(channel, b"{}", 0)
}

#[test]
fn two_replicas_expired_and_stored() {
    let channel = channel(1, "a2048", false, 0);
    let (message, mut waiting) = again(&channel);
    let [mut a, mut b] = [(); 2].map(|()| Agent::new("a2048"));
    a.outcome = Outcome::Expired;
    let trusted = trust(&[&a.key]);
    let late = waiting.receive(&a.deliver(&message, 0).reply(), &trusted);
    let Ok(Answer::Outcome(outcome)) = late else {
        panic!("{late:?}");
    };
    // Whoever hears this must not be told that nothing was stored.
    assert_eq!(outcome.certainty(), crate::Certainty::Unknown);
    // The same request once more, as a carrier that delivers twice makes it.
    let (_, mut waiting) = again(&channel);
    let other = waiting.receive(&b.deliver(&message, 0).reply(), &trusted);
    assert_eq!(other, Ok(Answer::Outcome(stored())));
}

#[test]
fn refusal_forged() {
    let mut agent = Agent::new("a2048");
    let channel = channel(1, "b2048", false, 0);
    let (message, mut waiting) = ask(&channel, b"{}", 0);
    let (code, refusal) = agent.deliver(&message, 0).refusal();
    assert_eq!((code, refusal.len()), (RefusalCode::OtherKey, 130));
    let trusted = trust(&[&agent.key]);
    for bit in 0..130 {
        assert!(
            waiting.receive(&flip(&refusal, bit), &trusted).is_err(),
            "{bit}"
        );
    }
    let longer = [&refusal[..], b"x"].concat();
    assert!(waiting.receive(&longer, &trusted).is_err());
    let (_, mut other) = ask(&super::support::channel(1, "b2048", false, 0), b"{}", 0);
    assert_eq!(
        other.receive(&refusal, &trusted),
        Err(Dropped::OtherChannel)
    );
    let nobody = trust(&[]);
    assert_eq!(waiting.receive(&refusal, &nobody), Err(Dropped::Signature));
    let answer = waiting.receive(&refusal, &trusted);
    assert_eq!(answer, Ok(Answer::Refused(RefusalCode::OtherKey)));
}

#[test]
fn refusal_code_of_a_later_release_is_2() {
    let (agent, channel) = (signing_key(11), channel(1, "a2048", false, 0));
    for code in [0, 7, 255] {
        let (_, mut waiting) = ask(&channel, b"{}", 0);
        let id = channel.id();
        let kid = agent.kid();
        let parts: [&[u8]; 4] = [&[3], kid.as_bytes(), id.as_bytes(), &[code]];
        let front = parts.concat();
        let refusal = [&front[..], &agent.sign("refusal", &[&front]).unwrap()].concat();
        let answer = waiting.receive(&refusal, &trust(&[&agent]));
        assert_eq!(answer, Ok(Answer::Refused(RefusalCode::DoesNotOpen)));
    }
}
