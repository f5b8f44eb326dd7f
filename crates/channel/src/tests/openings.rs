//! Steps 0 to 5 of the agent: which openings it believes, and what it remembers of them.

use std::time::Duration;

use sealpost_envelope::{Envelope, Keyring, OsRng, UnixTime, key::PublicIdentity};
use sealpost_testkit::keys;

use super::support::*;
use crate::{
    Malformed, Message, NotAMessage, RefusalCode, TrustedKeys,
    agent::{Received, Silence, SteadyClock},
};

fn refused(agent: &mut Agent, message: &[u8], seconds: u64) -> RefusalCode {
    agent.deliver(message, seconds).refusal().0
}

#[test]
fn opening_other_agent() {
    let mut forgery = Forgery::new(0);
    forgery.agent = "agent-2".parse().unwrap();
    let message = forgery.make().ask(0, 0);
    let delivered = Agent::new("a2048").deliver(&message, 0);
    assert_eq!(delivered, Delivered::Silence(Silence::OtherAgent));
}

#[test]
fn opening_kid_unknown() {
    let channel = channel(3, "a2048", false, 0);
    let delivered = Agent::new("a2048").deliver(&ask(&channel, b"{}", 0).0, 0);
    assert_eq!(delivered, Delivered::Silence(Silence::Untrusted));
}

#[test]
fn kid_withdrawn_on_known_channel() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    agent.deliver(&ask(&channel, b"{}", 0).0, 0).reply();
    agent.gateways = trust(&[&signing_key(2)]);
    let delivered = agent.deliver(&ask(&channel, b"{}", 1).0, 1);
    assert_eq!(delivered, Delivered::Silence(Silence::Untrusted));
    agent.wipe(2);
    assert_eq!(agent.openings.live(), 0, "its keys are wiped");
}

#[test]
fn version_0_and_2_and_unknown_first_byte_silent() {
    let message = ask(&channel(1, "a2048", false, 0), b"{}", 0).0;
    for version in [0, 2, 3, 0x65, 0xff] {
        let mut message = message.clone();
        message[0] = version;
        let found = Message::parse(&message).unwrap_err();
        assert_eq!(found, NotAMessage::Version(version));
    }
    // Another version may be of any length, and its byte is still worth a line in the log.
    assert_eq!(Message::parse(&[7]).unwrap_err(), NotAMessage::Version(7));
}

#[test]
fn flags_2() {
    let mut message = ask(&channel(1, "a2048", false, 0), b"{}", 0).0;
    for flags in [2, 3, 0x80, 0xff] {
        message[1] = flags;
        let found = Message::parse(&message).unwrap_err();
        assert_eq!(
            found,
            NotAMessage::Malformed(Malformed("a flag is not known"))
        );
    }
}

#[test]
fn trailing_byte() {
    let mut message = ask(&channel(1, "a2048", false, 0), b"{}", 0).0;
    message.push(0);
    assert!(Message::parse(&message).is_err());
    message.truncate(message.len() - 2);
    assert!(Message::parse(&message).is_err(), "one byte less");
}

#[test]
fn identity_removed_on_known_channel() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    agent.deliver(&ask(&channel, b"{}", 0).0, 0).reply();
    agent.ring = Keyring::new(PublicIdentity::from(&keys::identity::<
        sealpost_envelope::AwsLc,
    >("b2048")));
    let message = ask(&channel, b"{}", 1).0;
    assert_eq!(refused(&mut agent, &message, 1), RefusalCode::OtherKey);
    assert_eq!(agent.openings.live(), 0, "its keys are wiped");
    assert_eq!(refused(&mut agent, &message, 1), RefusalCode::OtherKey);
    assert_eq!(agent.rsa_operations, 1);
}

#[test]
fn opening_key_gone_refusal_1() {
    let mut agent = Agent::new("a2048");
    let message = ask(&channel(1, "b2048", false, 0), b"{}", 0).0;
    assert_eq!(refused(&mut agent, &message, 0), RefusalCode::OtherKey);
    assert_eq!(agent.rsa_operations, 0);
}

#[test]
fn late_on_known_channel_and_late_opening_refusal_5() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    agent.deliver(&message, 149).reply();
    // Open for 60 + 30 seconds, and 60 more: then late, known or not.
    assert_eq!(refused(&mut agent, &message, 150), RefusalCode::Times);
    assert_eq!(agent.openings.live(), 0, "its keys are wiped");
    let mut other = Agent::new("a2048");
    assert_eq!(refused(&mut other, &message, 150), RefusalCode::Times);
    // One signature a second; not remembered.
    let silence = Delivered::Silence(Silence::Late);
    assert_eq!(other.deliver(&message, 150), silence);
    assert_eq!(refused(&mut other, &message, 151), RefusalCode::Times);
    // Who did not sign gets none, and does not use up the next.
    let forged = flip(&message, message.len() - 16 - 1024 - 40 - 1);
    assert_eq!(other.deliver(&forged, 152), silence);
    assert_eq!(refused(&mut other, &message, 152), RefusalCode::Times);
    assert_eq!(other.rsa_operations, 0);
}

#[test]
fn clock_set_back_then_replay() {
    let clock = SteadyClock::start(at(0));
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    agent.deliver(&message, 0).reply();
    // 200 seconds later the wall clock is set to 10 seconds after the start.
    let now = clock.now(at(10), Duration::from_secs(200));
    assert_eq!(now, at(200));
    let seconds = now.seconds_since(at(0));
    assert_eq!(refused(&mut agent, &message, seconds), RefusalCode::Times);
    // A wall clock that is ahead counts.
    assert_eq!(clock.now(at(300), Duration::from_secs(200)), at(300));
    assert_eq!(agent.vault.len(), 1);
}

#[test]
fn known_channel_signature_bit() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    agent.deliver(&message, 0).reply();
    let signature = message.len() - 16 - 1024 - 40 - 1;
    let delivered = agent.deliver(&flip(&message, signature), 0);
    assert_eq!(delivered, Delivered::Silence(Silence::OpeningSignature));
}

#[test]
fn broken_signature_races_genuine() {
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    let forged = flip(&message, message.len() - 16 - 1024 - 40 - 1);
    let broken = Delivered::Silence(Silence::OpeningSignature);
    assert_eq!(agent.deliver(&forged, 0), broken);
    // The genuine one is in flight: the forged one does not join it.
    let received = agent.receive(Message::parse(&message).unwrap(), 0);
    let Received::Flight(flight) = received else {
        panic!("{received:?}");
    };
    assert_eq!(agent.deliver(&forged, 0), broken);
    assert_eq!(agent.deliver(&message, 0), Delivered::Waits);
    agent.settle(flight, 0);
    agent.deliver(&message, 0).reply();
    assert_eq!(agent.rsa_operations, 1);
}

#[test]
fn quota_other_gateway_unaffected() {
    let mut agent = Agent::new("a2048");
    // Every distinct opening draws once, good or not: here with times that are not credible.
    for n in 0..64 {
        let mut forgery = Forgery::new(0);
        forgery.issued_at = at(61 + n);
        forgery.expires_at = at(100 + n);
        let received = agent.deliver(&forgery.make().ask(0, 0), n / 8);
        assert!(
            matches!(received, Delivered::Refused(RefusalCode::Times, _)),
            "{received:?}"
        );
    }
    // 64 were drawn in 8 seconds, in which 28 came back: as many are left.
    let mut limited = 0;
    for _ in 0..40 {
        match agent.deliver(&ask(&channel(1, "a2048", false, 7), b"{}", 7).0, 7) {
            Delivered::Reply(_) => {}
            Delivered::Refused(code, _) => {
                assert_eq!(code, RefusalCode::Limit);
                limited += 1;
            }
            Delivered::Silence(silence) => {
                assert_eq!(silence, Silence::TooManyRefusals);
                limited += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((limited, agent.rsa_operations), (12, 28));
    agent
        .deliver(&ask(&channel(2, "a2048", false, 7), b"{}", 7).0, 7)
        .reply();
}

#[test]
fn refused_opening_draws_once_and_costs_one_signature() {
    let mut agent = Agent::new("a2048");
    let mut forgery = Forgery::new(0);
    forgery.expires_at = at(400);
    let message = forgery.make().ask(0, 0);
    let first = agent.deliver(&message, 0).refusal();
    for _ in 0..200 {
        assert_eq!(agent.deliver(&message, 0).refusal(), first);
    }
    agent
        .deliver(&ask(&channel(1, "a2048", false, 0), b"{}", 0).0, 0)
        .reply();
}

/// With many trusted gateways each has a smaller share, but never fewer than 8.
#[test]
fn live_channel_not_evicted() {
    let mut agent = Agent::new("a2048");
    let others = (0..600_u16).map(|n| {
        let mut seed = [0xee; 32];
        seed[..2].copy_from_slice(&n.to_be_bytes());
        crate::SigningKey::from_seed(&seed)
            .unwrap()
            .verify_key()
            .clone()
    });
    let first = signing_key(1).verify_key().clone();
    agent.gateways = others.chain([first]).collect::<TrustedKeys>();
    let channels: Vec<_> = (0..9).map(|_| channel(1, "a2048", false, 0)).collect();
    for channel in &channels[..8] {
        agent.deliver(&ask(channel, b"{}", 0).0, 0).reply();
    }
    let message = ask(&channels[8], b"{}", 0).0;
    assert_eq!(refused(&mut agent, &message, 0), RefusalCode::Limit);
    for channel in &channels[..8] {
        agent.deliver(&ask(channel, b"{}", 1).0, 1).reply();
    }
    assert_eq!(agent.rsa_operations, 8);
    // A limit is not remembered: when there is room, the same channel opens.
    agent.wipe(150);
    let later = channel(1, "a2048", false, 150);
    agent.deliver(&ask(&later, b"{}", 150).0, 150).reply();
}

#[test]
fn two_stanzas() {
    let mut agent = Agent::new("a2048");
    let mut forgery = Forgery::new(0);
    let other = keys::certificate("b2048");
    forgery.header[9] = 2;
    let stanza = header_with(2, other.public_key().key_id().as_bytes(), &[5; 256]);
    forgery.header.extend(&stanza[10..]);
    let message = forgery.make().ask(0, 0);
    assert_eq!(refused(&mut agent, &message, 0), RefusalCode::OtherKey);
    assert_eq!(agent.rsa_operations, 0);
}

#[test]
fn stanza_type_1_and_channel_refuses_envelope_header() {
    let mut agent = Agent::new("a2048");
    for stanza in [0, 1, 3, 4, 0xff] {
        let mut forgery = Forgery::new(0);
        forgery.header = header(stanza, stanza, &forgery.seed, "a2048");
        let message = forgery.make().ask(0, 0);
        assert_eq!(
            refused(&mut agent, &message, 0),
            RefusalCode::OtherKey,
            "{stanza}"
        );
    }
    assert_eq!(agent.rsa_operations, 0);
}

#[test]
fn header_rules_r2_and_r3() {
    let mut agent = Agent::new("a2048");
    let certificate = keys::certificate("a2048");
    let key_id = certificate.public_key().key_id();
    let mut one = [0; 256];
    one[255] = 1;
    for ciphertext in [&[0; 256][..], &one, &[0xff; 256], &[5; 255], &[5; 257], &[]] {
        let mut forgery = Forgery::new(0);
        forgery.header = header_with(2, key_id.as_bytes(), ciphertext);
        let mut message = forgery.make().ask(0, 0);
        if ciphertext.is_empty() {
            message.resize(message.len(), 0);
        }
        match Message::parse(&message) {
            // Shorter than any message.
            Err(error) => assert!(ciphertext.is_empty(), "{error}"),
            Ok(_) => assert_eq!(refused(&mut agent, &message, 0), RefusalCode::OtherKey),
        }
    }
    let mut forgery = Forgery::new(0);
    forgery.header.push(0);
    let message = forgery.make().ask(0, 0);
    assert_eq!(refused(&mut agent, &message, 0), RefusalCode::OtherKey);
    assert_eq!(agent.rsa_operations, 0);
}

/// What is not right with the seed shows once the key was asked: once, however often the opening comes.
fn bad_once(forgery: &Forgery) {
    let mut agent = Agent::new("a2048");
    let message = forgery.make().ask(0, 0);
    for _ in 0..3 {
        assert_eq!(refused(&mut agent, &message, 0), RefusalCode::DoesNotOpen);
    }
    assert_eq!(agent.rsa_operations, 1);
}

#[test]
fn header_of_another_gateway() {
    let mut forgery = Forgery::new(0);
    forgery.gateway = signing_key(2);
    // It has seen the header, and does not know the seed.
    forgery.seed = [9; 32];
    bad_once(&forgery);
}

#[test]
fn seed_prefix_1() {
    for prefix in [0, 1, 3, 0xff] {
        let mut forgery = Forgery::new(0);
        forgery.header = header(2, prefix, &forgery.seed, "a2048");
        bad_once(&forgery);
    }
}

#[test]
fn not_oaep() {
    let mut forgery = Forgery::new(0);
    let last = forgery.header.len() - 1;
    forgery.header[last] ^= 1;
    bad_once(&forgery);
}

#[test]
fn confirm_bit() {
    let mut forgery = Forgery::new(0);
    forgery.confirmation_bit = 1;
    bad_once(&forgery);
}

#[test]
fn g_zero() {
    let mut forgery = Forgery::new(0);
    forgery.exchange = [0; 32];
    bad_once(&forgery);
}

#[test]
fn envelope_opener_refuses_channel_header() {
    let context = sealpost_envelope::SecretContext::unchecked("agent-1", "db-login");
    let recipient = [keys::recipient::<sealpost_envelope::AwsLc>("a2048")];
    let mut envelope = sealpost_envelope::seal(&recipient, &context, b"{}", &mut OsRng).unwrap();
    let frame = envelope.split_off(45 + 256);
    envelope = header(2, 2, &[7; 32], "a2048");
    envelope.extend(frame);
    let parsed = Envelope::parse(&envelope).unwrap();
    let refused = parsed.pending(keys::certificate("a2048").public_key());
    let key_id = keys::certificate("a2048").public_key().key_id();
    let expected = sealpost_envelope::Error::StanzaType { key_id, found: 2 };
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn times_not_credible() {
    for (issued_at, expires_at, credible) in [
        (at(60), at(90), true),
        (at(61), at(90), false),
        (at(0), at(300), true),
        (at(0), at(301), false),
        // issued_after_expires
        (at(1), at(0), false),
        // expires_at_max_u64
        (at(0), UnixTime::from_secs(u64::MAX), false),
        (
            UnixTime::from_secs(u64::MAX),
            UnixTime::from_secs(u64::MAX),
            false,
        ),
        (UnixTime::from_secs(0), at(0), false),
    ] {
        let mut agent = Agent::new("a2048");
        let mut forgery = Forgery::new(0);
        (forgery.issued_at, forgery.expires_at) = (issued_at, expires_at);
        let forged = forgery.make();
        let message = forged.message(0, &body(b"{}", issued_at, issued_at).unwrap());
        match agent.deliver(&message, 0) {
            Delivered::Reply(_) => assert!(credible, "{issued_at:?} {expires_at:?}"),
            Delivered::Refused(code, _) => {
                assert!(!credible, "{issued_at:?} {expires_at:?}");
                assert_eq!((code, agent.rsa_operations), (RefusalCode::Times, 0));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn unsigned_requests_where_signed_ones_are_wanted() {
    let mut agent = Agent::with("a2048", true);
    let message = ask(&channel(1, "a2048", false, 0), b"{}", 0).0;
    assert_eq!(
        refused(&mut agent, &message, 0),
        RefusalCode::UnsignedRequests
    );
    let message = ask(&channel(1, "a2048", true, 0), b"{}", 0).0;
    agent.deliver(&message, 0).reply();
    assert_eq!(agent.rsa_operations, 1);
}

#[test]
fn key_unavailable_is_forgotten_after_a_second() {
    use sealpost_envelope::{AwsLcRng, key::KeyAnswer};
    let (mut agent, channel) = (Agent::new("a2048"), channel(1, "a2048", false, 0));
    let message = ask(&channel, b"{}", 0).0;
    let received = agent.receive(Message::parse(&message).unwrap(), 0);
    let Received::Flight(flight) = received else {
        panic!("{received:?}");
    };
    let scalar = crate::Scalar::random(&mut AwsLcRng).unwrap();
    let ended = flight.open(KeyAnswer::Unavailable, scalar, &agent.key, &mut AwsLcRng);
    agent.openings.settle(ended, at(0));
    assert_eq!(
        refused(&mut agent, &message, 0),
        RefusalCode::KeyUnavailable
    );
    agent.deliver(&message, 1).reply();
}

#[test]
fn refusals_are_few_a_second() {
    let mut agent = Agent::new("a2048");
    let mut refused = 0;
    for n in 0..40 {
        let mut forgery = Forgery::new(0);
        forgery.expires_at = at(400 + n);
        match agent.deliver(&forgery.make().ask(0, 0), 0) {
            Delivered::Refused(RefusalCode::Times, _) => refused += 1,
            other => assert_eq!(other, Delivered::Silence(Silence::TooManyRefusals)),
        }
    }
    assert_eq!(refused, 16);
}
