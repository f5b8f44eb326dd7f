//! Key holders: the suite, that it can fail, and what an agent makes of each answer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use sealpost_agent::ChannelEvent;
use sealpost_agent::{
    KeyAnswer, KeyHolder, LocalKeyring,
    key_holder::conformance::{Suite, conformance},
};
use sealpost_channel::{Outcome, RefusalCode, gateway::Answer};
use sealpost_envelope::{
    Keyring,
    key::{KeyId, PublicIdentity},
};
use tokio::task::JoinError;

use crate::harness::{CERTIFICATE, KEY, OTHER_CERTIFICATE, World, identity, world_of};

const OTHER_KEY: &[u8] = include_bytes!("../../../../testdata/keys/agent-b2048.key.pem");

fn local() -> LocalKeyring {
    let old = identity(OTHER_KEY, OTHER_CERTIFICATE);
    LocalKeyring::with_old(identity(KEY, CERTIFICATE), [old]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_keyring_conforms() {
    conformance(local().into()).await;
}

/// How a holder may be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    /// It calls a rejection a missing answer.
    Unavailable,
    /// It calls a missing answer a rejection.
    Rejected,
    /// It decrypts with the key that it likes.
    AnyKey,
    /// It takes only what is 33 bytes long.
    OneLength,
}

/// A holder that counts the questions.
struct Faulty {
    inner: LocalKeyring,
    fault: Fault,
    asked: AtomicUsize,
}

impl Faulty {
    fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            inner: local(),
            fault,
            asked: AtomicUsize::new(0),
        })
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyHolder for Faulty {
    fn keys(&self) -> Arc<Keyring<PublicIdentity>> {
        self.inner.keys()
    }

    async fn decrypt(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer {
        self.asked.fetch_add(1, SeqCst);
        let key_id = match self.fault {
            Fault::AnyKey => self.keys().current().key_id(),
            _ => key_id,
        };
        match (self.fault, self.inner.decrypt(key_id, ciphertext).await) {
            (Fault::Unavailable, KeyAnswer::Rejected) => KeyAnswer::Unavailable,
            (Fault::Rejected, KeyAnswer::Unusable) => KeyAnswer::Rejected,
            (Fault::OneLength, KeyAnswer::Seed(seed)) if seed.len() != 33 => KeyAnswer::Rejected,
            (_, answer) => answer,
        }
    }
}

async fn fails<F: Future<Output = ()> + Send + 'static>(
    fault: Fault,
    test: impl FnOnce(Suite) -> F,
) -> bool {
    let holder = Faulty::new(fault);
    let run: Result<(), JoinError> = tokio::spawn(test(Suite { holder })).await;
    run.is_err()
}

#[tokio::test]
async fn the_suite_finds_faults() {
    for fault in [Fault::None, Fault::Unavailable] {
        let failed = fails(
            fault,
            |s| async move { s.rejects_what_does_not_decrypt().await },
        )
        .await;
        assert_eq!(failed, fault != Fault::None);
    }
    for fault in [Fault::None, Fault::Rejected] {
        let failed = fails(fault, |s| async move { s.does_not_know_other_keys().await }).await;
        assert_eq!(failed, fault != Fault::None);
    }
    for fault in [Fault::None, Fault::AnyKey] {
        let failed = fails(fault, |s| async move { s.decrypts_with_each_key().await }).await;
        assert_eq!(failed, fault != Fault::None);
    }
    for fault in [Fault::None, Fault::OneLength] {
        let failed = fails(
            fault,
            |s| async move { s.returns_seeds_of_every_length().await },
        )
        .await;
        assert_eq!(failed, fault != Fault::None);
    }
}

/// A holder that opens as many channels as it is told to, and then always gives this answer.
#[derive(Debug)]
struct Always {
    answer: fn() -> KeyAnswer,
    inner: LocalKeyring,
    channels: usize,
    asked: AtomicUsize,
}

impl Always {
    fn new(answer: fn() -> KeyAnswer, channels: usize) -> Arc<Self> {
        Arc::new(Self {
            answer,
            inner: local(),
            channels,
            asked: AtomicUsize::new(0),
        })
    }

    fn world(self: &Arc<Self>) -> World {
        world_of(Arc::clone(self) as Arc<dyn KeyHolder>, |agent| agent)
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

#[async_trait]
impl KeyHolder for Always {
    fn keys(&self) -> Arc<Keyring<PublicIdentity>> {
        self.inner.keys()
    }

    async fn decrypt(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer {
        match self.asked.fetch_add(1, SeqCst) < self.channels {
            true => self.inner.decrypt(key_id, ciphertext).await,
            false => (self.answer)(),
        }
    }
}

/// What is wrong, and whether another message may ask again.
const ANSWERS: [(fn() -> KeyAnswer, bool); 5] = [
    (|| KeyAnswer::Seed(vec![1; 32].into()), false),
    (|| KeyAnswer::Seed(vec![1; 33].into()), false),
    (|| KeyAnswer::Rejected, false),
    (|| KeyAnswer::Unavailable, true),
    (|| KeyAnswer::Unusable, true),
];

#[tokio::test]
async fn a_key_is_asked_once_for_a_value_and_each_answer_has_its_outcome() {
    for (answer, is_unavailable) in ANSWERS {
        let holder = Always::new(answer, 1);
        let world = holder.world();
        let ask = world.jwe(world.context("db"), "j", b"{}");
        let expected = match is_unavailable {
            true => Outcome::Failed,
            false => Outcome::DoesNotOpen,
        };
        assert_eq!(world.ask(&ask).await, expected);
        assert_eq!(
            holder.asked(),
            2,
            "once for the channel, once for the value"
        );
    }
}

/// After `Unavailable` a later message may ask again.
#[tokio::test]
async fn a_later_message_asks_again() {
    let holder = Always::new(|| KeyAnswer::Unavailable, 1);
    let world = holder.world();
    let ask = world.jwe(world.context("db"), "j", b"{}");
    for asked in 2..=3 {
        assert_eq!(world.ask(&ask).await, Outcome::Failed);
        assert_eq!(holder.asked(), asked);
    }
}

#[tokio::test]
async fn a_key_is_asked_once_for_a_channel_and_each_answer_has_its_refusal() {
    for (answer, is_unavailable) in ANSWERS {
        let holder = Always::new(answer, 0);
        let world = holder.world();
        let code = match is_unavailable {
            true => RefusalCode::KeyUnavailable,
            false => RefusalCode::DoesNotOpen,
        };
        // By one channel: what did not open does not open later, either.
        for n in 0..3 {
            let message = world.sign(&world.request(world.context("db"), b"{}"));
            assert_eq!(world.answer(&message).await, Answer::Refused(code), "{n}");
        }
        assert_eq!(holder.asked(), 1);
        assert_eq!(world.events(), [ChannelEvent::Refused(code); 3]);
        // A key that was not there is asked again a second later, by the same message.
        world.clock.set(1);
        let message = world.sign(&world.request(world.context("db"), b"{}"));
        assert_eq!(world.answer(&message).await, Answer::Refused(code));
        assert_eq!(holder.asked(), 2);
    }
}
