//! The gateway's channels: when another is due, and what each answer leads to.

use std::{sync::Arc, time::Duration};

use sealpost_envelope::UnixTime;
use sealpost_testkit::keys;

use super::support::*;
use crate::{
    Outcome, RefusalCode,
    gateway::{Answer, Channel, Channels, Clocks, Current, Entry, Waiting},
    message::NUMBERS,
};

/// A request under the given number, as a copy of the gateway sends it.
pub(super) fn with_number(channel: &Channel, number: u64) -> (Vec<u8>, Waiting) {
    channel.skip_to(number);
    ask(channel, b"{\"of\":\"the copy\"}", 0)
}

fn entry(revision: u64) -> Entry {
    Entry {
        certificate: keys::certificate("a2048").public_key().key_id(),
        revision,
    }
}

fn installed(channels: &mut Channels, seconds: u64) -> Arc<Channel> {
    let current = channels.current(agent_id(), entry(0), clocks(seconds));
    let Current::Open { signed_requests } = current else {
        panic!("{current:?}");
    };
    let channel = Arc::new(channel(1, "a2048", signed_requests, seconds));
    channels.install(agent_id(), entry(0), Arc::clone(&channel));
    channel
}

fn is_used(channels: &mut Channels, channel: &Channel, now: Clocks) -> bool {
    match channels.current(agent_id(), entry(0), now) {
        Current::Use(current) => current.id() == channel.id(),
        Current::Open { .. } | Current::TooSoon => false,
    }
}

#[test]
fn one_channel_for_a_minute_by_either_clock() {
    for (wall, monotonic, used) in [
        (0, 0, true),
        (59, 59, true),
        (60, 59, false),
        (58, 60, false),
        // The wall clock was set back: by a second is a correction, by two is not.
        (29, 30, true),
        (28, 30, false),
    ] {
        let mut channels = Channels::default();
        let channel = installed(&mut channels, 0);
        let now = Clocks {
            wall: at(wall),
            monotonic: Duration::from_secs(1000 + monotonic),
        };
        assert_eq!(
            is_used(&mut channels, &channel, now),
            used,
            "{wall} {monotonic}"
        );
    }
}

/// A timer lets go of the keys, without a request.
#[test]
fn request_keys_are_wiped_at_retirement() {
    let mut channels = Channels::default();
    let channel = installed(&mut channels, 0);
    assert_eq!(Arc::strong_count(&channel), 2);
    channels.wipe(clocks(59));
    assert_eq!(Arc::strong_count(&channel), 2);
    channels.wipe(clocks(60));
    assert_eq!(Arc::strong_count(&channel), 1);
}

#[test]
fn numbers_end_at_2_20() {
    let mut channels = Channels::default();
    let channel = installed(&mut channels, 0);
    channel.skip_to(NUMBERS - 1);
    assert!(is_used(&mut channels, &channel, clocks(1)));
    assert!(channel.place(at(1), Duration::ZERO).is_ok());
    assert!(channel.place(at(1), Duration::ZERO).is_err());
    assert!(!is_used(&mut channels, &channel, clocks(1)));
}

#[test]
fn another_entry_is_another_channel() {
    let mut channels = Channels::default();
    let channel = installed(&mut channels, 0);
    let other = channels.current(agent_id(), entry(1), clocks(2));
    assert!(matches!(other, Current::Open { .. }), "{other:?}");
    // One that was opened for the old entry comes too late.
    channels.install(agent_id(), entry(0), channel);
    let current = channels.current(agent_id(), entry(1), clocks(3));
    assert!(matches!(current, Current::Open { .. }), "{current:?}");
}

/// Nobody sees more than whether two bodies are equal, though a snapshot repeats the numbers.
#[test]
fn restored_counter_no_xor() {
    let channel = channel(1, "a2048", false, 0);
    let ask = |value: &[u8]| {
        channel.skip_to(0);
        ask(&channel, value, 0).0
    };
    let [a, b, again] = [&b"{\"a\":1}"[..], b"{\"b\":2}", b"{\"a\":1}"].map(ask);
    assert_eq!(a, again);
    let frame = a.len() - 16 - 1024;
    let equal = a[frame..].iter().zip(&b[frame..]).filter(|(a, b)| a == b);
    // Of 1,040 bytes 4 are equal by chance; a repeated key stream would leave a thousand.
    assert!(equal.count() < 30);
    assert_ne!(a[frame - 32..frame], b[frame - 32..frame]);
}

#[test]
fn deadline_capped() {
    let channel = channel(1, "a2048", false, 0); // until 90
    for (now, left, deadline) in [
        (0, Duration::from_millis(29_001), 30),
        (0, Duration::from_secs(29), 29),
        (59, Duration::from_secs(30), 89),
        (59, Duration::from_secs(200), 90),
        (0, Duration::from_secs(u64::MAX), 90),
        (0, Duration::MAX, 90),
        (0, Duration::ZERO, 0),
    ] {
        let place = channel.place(at(now), left).unwrap();
        assert_eq!((place.issued, place.deadline), (at(now), at(deadline)));
    }
}

#[test]
fn at_most_one_new_channel_a_second() {
    let mut channels = Channels::default();
    assert!(matches!(
        channels.current(agent_id(), entry(0), clocks(0)),
        Current::Open { .. }
    ));
    assert!(matches!(
        channels.current(agent_id(), entry(0), clocks(0)),
        Current::TooSoon
    ));
    let other = "agent-2".parse().unwrap();
    assert!(matches!(
        channels.current(other, entry(0), clocks(0)),
        Current::Open { .. }
    ));
    assert!(matches!(
        channels.current(agent_id(), entry(0), clocks(1)),
        Current::Open { .. }
    ));
}

#[test]
fn refusal_then_new_channel() {
    for (answer, retires) in [
        (Answer::Refused(RefusalCode::OtherKey), true),
        (Answer::Refused(RefusalCode::DoesNotOpen), true),
        (Answer::Refused(RefusalCode::KeyUnavailable), false),
        (Answer::Refused(RefusalCode::Limit), false),
        (Answer::Refused(RefusalCode::Times), true),
        (Answer::Refused(RefusalCode::UnsignedRequests), true),
        (Answer::Outcome(Outcome::Reused), true),
        (Answer::Outcome(Outcome::Busy), false),
        (Answer::Outcome(stored()), false),
    ] {
        let mut channels = Channels::default();
        let channel = installed(&mut channels, 0);
        // What is said of an older channel changes nothing.
        let old = super::support::channel(1, "a2048", false, 0).id();
        channels.answered(&agent_id(), old, &answer);
        assert!(is_used(&mut channels, &channel, clocks(1)));
        channels.answered(&agent_id(), channel.id(), &answer);
        let signs = answer == Answer::Refused(RefusalCode::UnsignedRequests);
        match channels.current(agent_id(), entry(0), clocks(2)) {
            Current::Use(_) => assert!(!retires, "{answer:?}"),
            Current::Open { signed_requests } => {
                assert!(retires, "{answer:?}");
                assert_eq!(signed_requests, signs);
            }
            Current::TooSoon => panic!("two seconds later"),
        }
    }
}

/// A lagging replica refuses; the others' answers still come.
#[test]
fn refusal_leaves_other_waiting_requests() {
    let mut channels = Channels::default();
    let channel = installed(&mut channels, 0);
    let [(a, mut waiting_a), (b, mut waiting_b)] = [(); 2].map(|()| ask(&channel, b"{}", 0));
    let (mut lagging, mut agent) = (Agent::new("b2048"), Agent::new("a2048"));
    let trusted = trust(&[&agent.key]);
    let refusal = waiting_a
        .receive(&lagging.deliver(&a, 0).refusal().1, &trusted)
        .unwrap();
    assert_eq!(refusal, Answer::Refused(RefusalCode::OtherKey));
    channels.answered(&agent_id(), waiting_a.channel(), &refusal);
    drop(channel);
    let reply = agent.deliver(&b, 0).reply();
    assert_eq!(
        waiting_b.receive(&reply, &trusted),
        Ok(Answer::Outcome(stored()))
    );
}

#[test]
fn times_of_the_opening() {
    let channel = channel(1, "a2048", false, 0);
    let message = ask(&channel, b"{}", 0).0;
    let message = crate::Message::parse(&message).unwrap();
    let opening = message.opening();
    assert_eq!((opening.issued_at, opening.expires_at), (at(0), at(90)));
    assert_eq!(opening.kid, signing_key(1).kid());
    let _: UnixTime = opening.issued_at;
}
