//! Messages that are not to be believed get no answer; those that are too late get one.

use std::{sync::atomic::Ordering, time::Duration};

use sealpost_context::SecretContext;
use sealpost_protocol::{MessageId, Outcome, SigningKey};

use crate::harness::{NOW, owned, world};

#[tokio::test]
async fn who_is_not_trusted_is_not_answered() {
    let world = world();
    let request = world.request(world.context("db"), b"{}");
    let stranger = SigningKey::generate().unwrap();
    let mut changed = world.sign(&request);
    *changed.last_mut().unwrap() ^= 1;
    let for_another = owned(SecretContext::unchecked("b2048", "db"));
    let other_agent = world.request(for_another, b"{}");
    for message in [
        Vec::new(),
        b"nonsense".to_vec(),
        request
            .sign(&stranger, NOW, Duration::from_secs(30))
            .unwrap(),
        changed,
        world.sign(&other_agent),
    ] {
        assert!(world.agent.handle(&message).await.is_none());
    }
    assert_eq!(world.counts.refused.load(Ordering::SeqCst), 5);
    assert_eq!(world.counts.carried_out.load(Ordering::SeqCst), 0);
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_is_late_is_told_so() {
    let world = world();
    let request = world.request(world.context("db"), b"{}");
    let long_ago = sealpost_envelope::UnixTime::from_secs(NOW.as_secs() - 200);
    let message = request
        .sign(&world.gateway, long_ago, Duration::from_secs(30))
        .unwrap();
    assert_eq!(world.play(&message, request.id).await, Outcome::Expired);
    assert!(world.vault.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
#[should_panic(expected = "InReplyTo")]
async fn a_reply_is_for_its_own_request() {
    let world = world();
    let request = world.request(world.context("db"), b"{}");
    let reply = world.agent.handle(&world.sign(&request)).await.unwrap();
    world.read(&reply, MessageId::random());
}
