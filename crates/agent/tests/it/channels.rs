//! One private-key operation for many requests, however many come at once; what is opened is wiped by a timer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use sealpost_agent::{ChannelEvent, KeyAnswer, KeyHolder, LocalKeyring};
use sealpost_carrier::InProcess;
use sealpost_channel::{Outcome, RefusalCode, gateway::Answer};
use sealpost_envelope::{
    Keyring,
    key::{KeyId, PublicIdentity},
};
use tokio::time::sleep;

use crate::harness::{CERTIFICATE, Fault, KEY, World, identity, jwe_for, used, world, world_of};

/// A key store that takes its time, and counts the questions.
#[derive(Debug)]
struct Slow {
    inner: LocalKeyring,
    asked: AtomicUsize,
}

impl Slow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: LocalKeyring::new(identity(KEY, CERTIFICATE)),
            asked: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl KeyHolder for Slow {
    fn keys(&self) -> Arc<Keyring<PublicIdentity>> {
        self.inner.keys()
    }

    async fn decrypt(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer {
        self.asked.fetch_add(1, SeqCst);
        sleep(Duration::from_millis(50)).await;
        self.inner.decrypt(key_id, ciphertext).await
    }
}

#[tokio::test]
async fn a_hundred_at_once_cost_one_operation() {
    let holder = Slow::new();
    let world = world_of(Arc::clone(&holder) as Arc<dyn KeyHolder>, |agent| agent);
    let messages: Vec<_> = (0..100)
        .map(|n| world.sign(&world.request(world.context(&format!("n{n}")), b"{}")))
        .collect();
    let world = Arc::new(world);
    let answering = messages.into_iter().map(|message| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.play(&message).await })
    });
    for answered in answering.collect::<Vec<_>>() {
        let outcome = answered.await.unwrap();
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
    assert_eq!(holder.asked.load(SeqCst), 1);
    assert_eq!(world.events(), [ChannelEvent::Opened]);
}

/// A flight ends by itself: who began it may be gone.
#[tokio::test]
async fn a_channel_is_opened_although_nobody_waits_any_more() {
    let holder = Slow::new();
    let world = world_of(Arc::clone(&holder) as Arc<dyn KeyHolder>, |agent| agent);
    let message = world.sign(&world.request(world.context("db"), b"{}"));
    let left = tokio::time::timeout(
        Duration::from_millis(10),
        world.agent.handle(&message.bytes),
    );
    assert!(left.await.is_err());
    let outcome = world.play(&message).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    assert_eq!(holder.asked.load(SeqCst), 1);
}

#[tokio::test]
async fn of_two_equal_messages_the_second_waits_for_the_outcome_of_the_first() {
    let world = world();
    *world.vault.fault.lock().unwrap() = Some(Fault::Slow);
    let message = world.sign(&world.request(world.context("db"), b"{}"));
    let later = async {
        sleep(Duration::from_millis(100)).await;
        world.play(&message).await
    };
    let (first, second) = tokio::join!(world.play(&message), later);
    assert!(matches!(first, Outcome::Stored { .. }), "{first:?}");
    assert_eq!(second, first);
    assert_eq!(world.counts.carried_out.load(SeqCst), 1);
    assert_eq!(world.events().last(), Some(&ChannelEvent::Replayed));
}

/// Nobody knows what became of it: [A13].
#[tokio::test]
async fn a_wait_for_one_that_ends_without_an_outcome_fails() {
    let world = world();
    *world.vault.fault.lock().unwrap() = Some(Fault::Never);
    let message = world.sign(&world.request(world.context("db"), b"{}"));
    let gives_up = tokio::time::timeout(
        Duration::from_millis(200),
        world.agent.handle(&message.bytes),
    );
    let later = async {
        sleep(Duration::from_millis(100)).await;
        world.play(&message).await
    };
    let (gone, second) = tokio::join!(gives_up, later);
    assert!(gone.is_err());
    assert_eq!(second, Outcome::Failed);
}

async fn does_not_open(world: &World, caller: u8, n: u32) -> Outcome {
    let context = world.context("db");
    let mut text = jwe_for(&used(&context, &format!("j-{caller}-{n}")), b"{}");
    // The first of the tag's characters: another tag.
    let tag = text.rfind('.').unwrap() + 1;
    let replacement = if &text[tag..=tag] == "A" { "B" } else { "A" };
    text.replace_range(tag..=tag, replacement);
    let mut ask = world.jwe(context, "j", b"{}");
    (ask.content, ask.caller) = (text.into_bytes(), caller);
    world.ask(&ask).await
}

/// [A18]
#[tokio::test]
async fn the_33rd_failure_no_rsa() {
    let holder = Slow::new();
    let world = world_of(Arc::clone(&holder) as Arc<dyn KeyHolder>, |agent| agent);
    for n in 0..32 {
        let outcome = does_not_open(&world, 1, n).await;
        assert_eq!(outcome, Outcome::DoesNotOpen, "{n}");
    }
    assert_eq!(world.events().last(), Some(&ChannelEvent::CallerBlocked));
    let asked = holder.asked.load(SeqCst);
    assert_eq!(does_not_open(&world, 1, 32).await, Outcome::Busy);
    assert_eq!(holder.asked.load(SeqCst), asked, "the key was not asked");
    // Nobody else is touched, nor what the gateway seals for the same caller.
    assert_eq!(does_not_open(&world, 2, 0).await, Outcome::DoesNotOpen);
    let clear = world.request(world.context("db"), b"{}");
    assert!(matches!(world.ask(&clear).await, Outcome::Stored { .. }));
    // A minute, and what has passed meanwhile.
    world.clock.set(80);
    assert_eq!(does_not_open(&world, 1, 33).await, Outcome::DoesNotOpen);
}

/// By a timer of the loop, and not by the next message.
#[tokio::test]
async fn an_expired_channel_is_wiped_while_nothing_arrives() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));
    let message = world.sign(&world.request(world.context("db"), b"{}"));
    assert!(matches!(world.play(&message).await, Outcome::Stored { .. }));
    assert_eq!(world.agent.open_channels(), 1);
    world.clock.set(150);
    let wiped = async {
        while world.agent.open_channels() > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(5), wiped).await;
    assert!(waited.is_ok(), "it is still there");
}

/// The quota fills again with time, which stands still here.
#[tokio::test(start_paused = true)]
async fn a_gateway_that_opens_too_many_channels_is_refused() {
    let world = world();
    let ask = world.request(world.context("db"), b"{}");
    let mut refused = 0;
    for n in 0..80 {
        let channel = world.open(CERTIFICATE, &world.gateway, world.id);
        let message = crate::harness::send(&channel, &ask, crate::harness::NOW);
        match world.agent.handle(&message.bytes).await {
            None => refused += 1,
            Some(reply) => match world.read(&reply, &message) {
                Answer::Outcome(_) => {}
                Answer::Refused(RefusalCode::Limit) if n >= 64 => refused += 1,
                Answer::Refused(code) => panic!("{n}: {code:?}"),
            },
        }
    }
    // 64 at once, and 4 more a second.
    assert!((1..=16).contains(&refused), "{refused}");
    assert!(world.agent.open_channels() >= 64);
}
