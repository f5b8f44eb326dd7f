//! Key holders: the suite, that it can fail, and what an agent makes of each answer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use sealpost_agent::{
    KeyAnswer, KeyHolder, LocalKeyring,
    key_holder::conformance::{Suite, conformance},
};
use sealpost_envelope::{
    Keyring,
    key::{KeyId, PublicIdentity},
};
use sealpost_protocol::{Outcome, Sealed};
use tokio::task::JoinError;

use crate::harness::{CERTIFICATE, KEY, OTHER_CERTIFICATE, identity, seal_for, world_of};

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

/// A holder that always gives this answer.
#[derive(Debug)]
struct Always(fn() -> KeyAnswer, AtomicUsize);

#[async_trait]
impl KeyHolder for Always {
    fn keys(&self) -> Arc<Keyring<PublicIdentity>> {
        local().keys()
    }

    async fn decrypt(&self, _: KeyId, _: &[u8]) -> KeyAnswer {
        self.1.fetch_add(1, SeqCst);
        (self.0)()
    }
}

#[tokio::test]
async fn a_key_is_asked_once_and_each_answer_has_its_outcome() {
    let short = || KeyAnswer::Seed(vec![1; 32].into());
    let wrong = || KeyAnswer::Seed(vec![1; 33].into());
    let answers: [(fn() -> KeyAnswer, Outcome); 5] = [
        (short, Outcome::DoesNotOpen),
        (wrong, Outcome::DoesNotOpen),
        (|| KeyAnswer::Rejected, Outcome::DoesNotOpen),
        (|| KeyAnswer::Unavailable, Outcome::Failed),
        (|| KeyAnswer::Unusable, Outcome::Failed),
    ];
    for (answer, expected) in answers {
        let holder = Arc::new(Always(answer, AtomicUsize::new(0)));
        let world = world_of(Arc::clone(&holder) as Arc<dyn KeyHolder>, |agent| agent);
        let context = world.context("db");
        let sealed = Sealed::Native {
            envelope: seal_for(&context, b"{}", CERTIFICATE),
            context,
        };
        assert_eq!(world.ask(&world.carrying(sealed)).await, expected);
        assert_eq!(holder.1.load(SeqCst), 1);
    }
}

/// After `Unavailable` a later message may ask again.
#[tokio::test]
async fn a_later_message_asks_again() {
    let holder = Arc::new(Always(|| KeyAnswer::Unavailable, AtomicUsize::new(0)));
    let world = world_of(Arc::clone(&holder) as Arc<dyn KeyHolder>, |agent| agent);
    let context = world.context("db");
    let sealed = Sealed::Native {
        envelope: seal_for(&context, b"{}", CERTIFICATE),
        context,
    };
    for asked in 1..=2 {
        let request = world.carrying(sealed.clone());
        assert_eq!(world.ask(&request).await, Outcome::Failed);
        assert_eq!(holder.1.load(SeqCst), asked);
    }
}
