//! Messages that are not to be believed get no answer, and change nothing.

use sealpost_agent::ChannelEvent;
use sealpost_channel::{Outcome, RefusalCode, SigningKey, agent::Silence, gateway::Answer};

use crate::harness::{CERTIFICATE, NOW, OTHER_CERTIFICATE, World, send, world, world_with};

/// A message by a channel of this gateway, to this agent.
fn by(world: &World, gateway: &SigningKey, agent: &str) -> Vec<u8> {
    let channel = world.open(CERTIFICATE, gateway, agent.parse().unwrap());
    send(&channel, &world.request(world.context("db"), b"{}"), NOW).bytes
}

fn changed(message: &[u8], at: usize) -> Vec<u8> {
    let mut message = message.to_vec();
    message[at] ^= 1;
    message
}

#[tokio::test]
async fn who_is_not_trusted_is_not_answered() {
    let world = world();
    let good = by(&world, &world.gateway, "a2048");
    let signature = good.len() - (8 + 32 + 1024 + 16) - 64;
    let cases = [
        (Vec::new(), ChannelEvent::Unreadable),
        (b"nonsense".to_vec(), ChannelEvent::Unreadable),
        // What gateways of earlier releases sent.
        (b"eyJhbGciOiJFZERTQSJ9".to_vec(), ChannelEvent::Unreadable),
        (
            by(&world, &SigningKey::generate().unwrap(), "a2048"),
            ChannelEvent::Dropped(Silence::Untrusted),
        ),
        (
            by(&world, &world.gateway, "b2048"),
            ChannelEvent::Dropped(Silence::OtherAgent),
        ),
        (
            changed(&good, signature),
            ChannelEvent::Dropped(Silence::OpeningSignature),
        ),
    ];
    for (message, event) in cases {
        assert!(world.agent.handle(&message).await.is_none());
        assert_eq!(world.events().pop(), Some(event));
    }
    // The channel of this one is good, and stays so.
    assert!(
        world
            .agent
            .handle(&changed(&good, good.len() - 1))
            .await
            .is_none()
    );
    let events = [ChannelEvent::Opened, ChannelEvent::Dropped(Silence::Frame)];
    assert!(world.events().ends_with(&events), "{:?}", world.events());
    assert!(world.vault.secrets.lock().unwrap().is_empty());
    assert!(world.agent.handle(&good).await.is_some());
    assert_eq!(world.vault.secrets.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn who_is_late_is_told_so() {
    let world = world();
    let message = world.sign(&world.request(world.context("db"), b"{}"));
    world.clock.set(90);
    assert_eq!(world.play(&message).await, Outcome::Expired);
    // The channel itself has expired: nobody can answer by it.
    world.clock.set(150);
    let refused = Answer::Refused(RefusalCode::Times);
    assert_eq!(world.answer(&message).await, refused);
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_channel_to_another_key_is_refused() {
    let world = world();
    let channel = world.open(OTHER_CERTIFICATE, &world.gateway, world.id);
    let message = send(&channel, &world.request(world.context("db"), b"{}"), NOW);
    let refused = Answer::Refused(RefusalCode::OtherKey);
    assert_eq!(world.answer(&message).await, refused);
    let event = ChannelEvent::Refused(RefusalCode::OtherKey);
    assert_eq!(world.events(), [event]);
}

#[tokio::test]
async fn an_agent_that_wants_signed_requests_takes_no_others() {
    let world = world_with(|agent| agent.with_signed_requests(true));
    let ask = world.request(world.context("db"), b"{}");
    let refused = Answer::Refused(RefusalCode::UnsignedRequests);
    assert_eq!(world.answer(&world.sign(&ask)).await, refused);
    let signed = world.open_with(CERTIFICATE, &world.gateway, world.id, true);
    let stored = world.play(&send(&signed, &ask, NOW)).await;
    assert!(matches!(stored, Outcome::Stored { .. }), "{stored:?}");
}

#[tokio::test]
#[should_panic(expected = "OtherNumber")]
async fn a_reply_is_for_its_own_request() {
    let world = world();
    let [one, other] = ["one", "other"].map(|name| {
        let ask = world.request(world.context(name), b"{}");
        world.sign(&ask)
    });
    let reply = world.agent.handle(&one.bytes).await.unwrap();
    world.read(&reply, &other);
}
