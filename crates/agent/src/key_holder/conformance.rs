//! The suite that every implementation of [`KeyHolder`] must pass.
//!
//! It panics with what went wrong, as a test does. It asks some hundred questions of each key, a part of them about
//! ciphertexts that do not decrypt: don't run it against a key store that counts them towards an alarm.
#![allow(clippy::missing_panics_doc)]

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use sealpost_envelope::{
    AwsLc, AwsLcRng,
    backend::Backend,
    key::{KeyId, KeyStatus, PublicKey},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{KeyAnswer, KeyHolder};

/// Runs the whole suite.
pub async fn conformance(holder: Arc<dyn KeyHolder>) {
    let suite = Suite { holder };
    suite.lists_its_keys().await;
    suite.decrypts_with_each_key().await;
    suite.returns_seeds_of_every_length().await;
    suite.rejects_what_does_not_decrypt().await;
    suite.does_not_know_other_keys().await;
    suite.answers_many_at_a_time().await;
    suite.goes_on_after_callers_have_left().await;
    suite.shows_nothing().await;
}

/// The tests one by one, for holders that can't pass all of them.
#[derive(Debug)]
pub struct Suite {
    /// The holder to be tested.
    pub holder: Arc<dyn KeyHolder>,
}

impl Suite {
    /// There is one current key, no key is there twice, and all can be found by their ids.
    pub async fn lists_its_keys(&self) {
        let keys = self.holder.keys();
        let mut ids = Vec::new();
        for (key, status) in keys.iter() {
            let first = ids.is_empty();
            assert_eq!(
                status == KeyStatus::Current,
                first,
                "the current key is first"
            );
            assert!(!ids.contains(&key.key_id()), "a key is there twice");
            assert!(keys.get(key.key_id()).is_some());
            ids.push(key.key_id());
        }
    }

    /// What was encrypted to a key comes back, and no other key decrypts it.
    pub async fn decrypts_with_each_key(&self) {
        let keys = self.keys();
        for key in &keys {
            let ciphertext = encrypt(key, SEED);
            let answer = self.ask(key.key_id(), &ciphertext).await;
            assert_seed(&answer, SEED);
            for other in keys.iter().filter(|other| other.key_id() != key.key_id()) {
                let answer = self.ask(other.key_id(), &ciphertext).await;
                assert!(is_rejected(&answer), "another key decrypted it");
            }
        }
    }

    /// The holder returns what it decrypts, whatever its length; the agent finds out if it is not a seed.
    pub async fn returns_seeds_of_every_length(&self) {
        for key in self.keys() {
            for length in [0, 1, 31, 32, 33, 34, 64, key.modulus_len() - OAEP] {
                let seed = vec![0xa5; length];
                let answer = self.ask(key.key_id(), &encrypt(&key, &seed)).await;
                // A store may refuse an empty message.
                assert!(length == 0 && is_rejected(&answer) || is_seed(&answer, &seed));
            }
        }
    }

    /// What was changed, is random, out of range or of another length is rejected, not left without an answer, and the
    /// right ciphertext still decrypts.
    pub async fn rejects_what_does_not_decrypt(&self) {
        for key in self.keys() {
            let good = encrypt(&key, SEED);
            let length = key.modulus_len();
            let mut bad = vec![
                Vec::new(),
                vec![1],
                vec![0; length],
                vec![0xff; length],
                // A number below every modulus of this length, and not the result of an encryption.
                [&[1][..], &vec![0x5a; length - 1]].concat(),
                good.get(1..).unwrap_or_default().to_vec(),
                [&[0][..], &good].concat(),
                [&good[..], &[0]].concat(),
            ];
            for at in [1, length / 2, length - 1] {
                let mut changed = good.clone();
                changed[at] ^= 1;
                bad.push(changed);
            }
            for ciphertext in bad {
                let answer = self.ask(key.key_id(), &ciphertext).await;
                assert!(is_rejected(&answer), "{answer:?} to a bad ciphertext");
            }
            assert_seed(&self.ask(key.key_id(), &good).await, SEED);
        }
    }

    /// A key that it does not hold is unusable: neither a rejection nor worth another try.
    pub async fn does_not_know_other_keys(&self) {
        let key = self.current();
        let stranger = KeyId::from_bytes([0x5a; 32]);
        let answer = self.ask(stranger, &encrypt(&key, SEED)).await;
        assert!(matches!(answer, KeyAnswer::Unusable), "{answer:?}");
    }

    /// Many questions at a time are all answered, each with its own seed.
    pub async fn answers_many_at_a_time(&self) {
        let key = self.current();
        let mut asking = JoinSet::new();
        for number in 0..MANY {
            let holder = Arc::clone(&self.holder);
            let (id, seed) = (key.key_id(), [number; 33]);
            let ciphertext = encrypt(&key, &seed);
            asking.spawn(async move {
                let answer = timeout(PATIENCE, holder.decrypt(id, &ciphertext)).await;
                assert_seed(&answer.expect("every question is answered"), &seed);
            });
        }
        while let Some(joined) = asking.join_next().await {
            joined.expect("each has its own answer");
        }
    }

    /// Callers that leave, at once or while the key works, cost no place: the next question is answered.
    pub async fn goes_on_after_callers_have_left(&self) {
        let key = self.current();
        let ciphertext = encrypt(&key, SEED);
        for polls in 0..MANY {
            let mut asking = pin!(self.holder.decrypt(key.key_id(), &ciphertext));
            if polls % 2 == 0 {
                poll_fn(|context| Poll::Ready(asking.as_mut().poll(context).is_ready())).await;
            } else {
                let _left = timeout(Duration::from_micros(200), asking).await;
            }
        }
        let answer = self.ask(key.key_id(), &ciphertext).await;
        assert_seed(&answer, SEED);
        // Whatever still works may finish.
        sleep(Duration::from_millis(10)).await;
        assert_seed(&self.ask(key.key_id(), &ciphertext).await, SEED);
    }

    /// Neither holder nor answers show a seed.
    pub async fn shows_nothing(&self) {
        let key = self.current();
        let answer = self.ask(key.key_id(), &encrypt(&key, SEED)).await;
        assert_seed(&answer, SEED);
        assert_eq!(format!("{answer:?}"), "KeyAnswer");
        let shown = format!("{:?}", self.holder);
        assert!(!shown.contains("PRIVATE KEY"));
        assert!(!shown.contains(&format!("{SEED:?}")));
    }

    async fn ask(&self, key_id: KeyId, ciphertext: &[u8]) -> KeyAnswer {
        timeout(PATIENCE, self.holder.decrypt(key_id, ciphertext))
            .await
            .expect("every question is answered")
    }

    fn current(&self) -> PublicKey {
        AsRef::<PublicKey>::as_ref(self.holder.keys().current()).clone()
    }

    fn keys(&self) -> Vec<PublicKey> {
        let keys = self.holder.keys();
        keys.iter()
            .map(|(key, _)| AsRef::<PublicKey>::as_ref(key).clone())
            .collect()
    }
}

fn encrypt(key: &PublicKey, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; key.modulus_len()];
    let ready = AwsLc::public_key(key.spki_der()).expect("an RSA key");
    AwsLc::oaep_encrypt(&ready, &mut AwsLcRng, message, &mut out).expect("it is short enough");
    out
}

fn is_seed(answer: &KeyAnswer, expected: &[u8]) -> bool {
    matches!(answer, KeyAnswer::Seed(seed) if seed.as_slice() == expected)
}

fn assert_seed(answer: &KeyAnswer, expected: &[u8]) {
    assert!(is_seed(answer, expected), "another answer than the seed");
}

fn is_rejected(answer: &KeyAnswer) -> bool {
    matches!(answer, KeyAnswer::Rejected)
}

const SEED: &[u8] = &[0xc3; 33];
/// RFC 8017 §7.1.1 step 1b: what OAEP with SHA-256 takes of a block.
const OAEP: usize = 66;
/// Questions at a time: more than any holder has places.
const MANY: u8 = 64;
/// For one answer, from whatever store.
const PATIENCE: Duration = Duration::from_secs(60);
