//! Rings of keys: which one opens, and what is said when none does.

use std::error::Error as _;

use proptest::{prelude::*, sample::subsequence, test_runner::TestRunner};
use sealpost_envelope::{
    Envelope, Error, Identity, Keyring, OpenError, Sealer, SecretContext,
    backend::Backend,
    error::ParseError,
    key::{KeyId, KeyStatus, KeyringError, PublicKey},
    rand_core::{TryCryptoRng, TryRng},
    seal,
};

use super::{CONTEXT, KEYS, identity, recipient, rng};

/// The ring of all four keys, with the one at `current` as the current one.
fn ring<B: Backend>(current: usize) -> Keyring<Identity<B>> {
    let mut ring = Keyring::new(identity(KEYS[current]));
    for name in KEYS.iter().filter(|name| **name != KEYS[current]) {
        ring.add_old(identity(name)).unwrap();
    }
    ring
}

fn sealed_to<B: Backend>(names: &[&str]) -> Vec<u8> {
    let recipients: Vec<_> = names.iter().map(|name| recipient::<B>(name)).collect();
    seal(&recipients, &CONTEXT, b"secret", &mut rng(1)).unwrap()
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases,
        ..ProptestConfig::default()
    })
}

/// Some of the keys, in any order.
fn some_keys(least: usize) -> impl Strategy<Value = Vec<usize>> {
    subsequence(vec![0, 1, 2, 3], least..=4).prop_shuffle()
}

/// For what must happen before a private key is touched: every operation with one draws randomness first.
struct NoRng;

impl TryRng for NoRng {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        panic!("randomness was drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        panic!("randomness was drawn")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        panic!("randomness was drawn")
    }
}

impl TryCryptoRng for NoRng {}

pub(crate) fn the_first_key_named_opens<B: Backend>() {
    let rings: Vec<_> = (0..4).map(ring::<B>).collect();
    runner(24)
        .run(&(some_keys(1), 0..4_usize), |(recipients, current)| {
            let names: Vec<_> = recipients.iter().map(|key| KEYS[*key]).collect();
            let opened = rings[current].open(&sealed_to::<B>(&names), &CONTEXT, &mut rng(2))?;
            prop_assert_eq!(&*opened.plaintext, b"secret");
            prop_assert_eq!(opened.key_id, recipient::<B>(names[0]).key_id());
            let expected = if recipients[0] == current {
                KeyStatus::Current
            } else {
                KeyStatus::Old
            };
            prop_assert_eq!(opened.status, expected);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn any_ring_and_any_recipients<B: Backend>() {
    // Rings of bare public keys: what selects must not depend on where the private key is.
    let keys = KEYS.map(|name| recipient::<B>(name).public_key().clone());
    let ids = |indices: &[usize]| -> Vec<KeyId> {
        indices.iter().map(|index| keys[*index].key_id()).collect()
    };
    runner(64)
        .run(&(some_keys(1), some_keys(1)), |(recipients, members)| {
            let mut ring = Keyring::new(&keys[members[0]]);
            for member in &members[1..] {
                ring.add_old(&keys[*member])?;
            }
            let names: Vec<_> = recipients.iter().map(|key| KEYS[*key]).collect();
            let sealed = sealed_to::<B>(&names);
            let selected = ring.select(&Envelope::parse(&sealed)?);
            match recipients.iter().find(|key| members.contains(key)) {
                Some(first) => {
                    let selected = selected?;
                    prop_assert_eq!(*selected.key(), &keys[*first]);
                    prop_assert_eq!(selected.key_id(), keys[*first].key_id());
                    prop_assert_eq!(selected.pending().key_id(), keys[*first].key_id());
                    let current = selected.status() == KeyStatus::Current;
                    prop_assert_eq!(current, *first == members[0]);
                }
                None => {
                    let Err(KeyringError::NoMatchingKey(error)) = selected else {
                        return Err(TestCaseError::fail("a key was selected"));
                    };
                    prop_assert_eq!(error.envelope_keys(), ids(&recipients));
                    let mut old = ids(&members[1..]);
                    old.sort();
                    prop_assert_eq!(error.ring_keys()[0], keys[members[0]].key_id());
                    prop_assert_eq!(&error.ring_keys()[1..], old);
                    prop_assert_eq!(error.ring_len(), members.len());
                }
            }
            Ok(())
        })
        .unwrap();
}

pub(crate) fn there_is_no_second_try<B: Backend>() {
    let ring = ring::<B>(0);
    let sealed = sealed_to::<B>(&["a2048", "b2048"]);
    let open = |change: &dyn Fn(&mut [u8])| {
        let mut changed = sealed.clone();
        change(&mut changed);
        ring.open(&changed, &CONTEXT, &mut NoRng).unwrap_err()
    };
    // The first recipient's stanza: type at 10, key id at 11, length at 43, body at 45.
    assert_eq!(
        open(&|envelope| envelope[10] = 2),
        KeyringError::Opening(Error::StanzaType {
            key_id: ring.current().key_id(),
            found: 2
        })
    );
    assert_eq!(
        open(&|envelope| envelope[45..301].fill(0)),
        KeyringError::Opening(Error::EncapsulationRange)
    );
}

pub(crate) fn what_is_rich_comes_before_the_private_key<B: Backend>() {
    let mut ring = Keyring::new(identity::<B>("a2048"));
    ring.add_old(identity("b2048")).unwrap();
    let open = |envelope: &[u8]| ring.open(envelope, &CONTEXT, &mut NoRng).unwrap_err();

    assert_eq!(
        open(b"no envelope"),
        KeyringError::Opening(Error::Parse(ParseError::Magic))
    );
    assert!(matches!(
        open(&sealed_to::<B>(&["a3072"])),
        KeyringError::NoMatchingKey(_)
    ));
    let batch = sealed_batch::<B>("a2048");
    assert_eq!(
        open(&batch),
        KeyringError::Opening(Error::NotSingle { messages: 2 })
    );

    // From the private key on there is one error, and nothing behind it.
    let other = SecretContext::unchecked("agent-1", "other");
    let error = ring
        .open(&sealed_to::<B>(&["b2048"]), &other, &mut rng(3))
        .unwrap_err();
    assert_eq!(error, KeyringError::Opening(Error::Open(OpenError)));
    assert_eq!(error.to_string(), OpenError.to_string());
    assert!(error.source().is_none());
}

pub(crate) fn an_unknown_key_names_both_sides<B: Backend>() {
    let mut ring = Keyring::new(identity::<B>("a2048"));
    ring.add_old(identity("b2048")).unwrap();
    let envelope = sealed_to::<B>(&["a3072", "a4096"]);
    let error = ring.open(&envelope, &CONTEXT, &mut NoRng).unwrap_err();
    let id = |name| recipient::<B>(name).key_id();
    assert_eq!(
        error.to_string(),
        format!(
            "no key in the ring opens the envelope. It is sealed to {}, {}; the ring has {} (current), {}. Add the \
             identity of one that it is sealed to, or have it sealed again to the certificate of the current one",
            id("a3072"),
            id("a4096"),
            id("a2048"),
            id("b2048")
        )
    );

    // A ring of 20 keys: the list ends after 16.
    let spki = ring.current().public_key().spki_der().to_vec();
    let mut large = Keyring::new(ring.current().public_key().clone());
    for index in 1..20 {
        let mut spki = spki.clone();
        spki[100] ^= index; // inside the modulus
        large
            .add_old(PublicKey::from_spki_der(&spki).unwrap())
            .unwrap();
    }
    let error = large
        .select(&Envelope::parse(&envelope).unwrap())
        .unwrap_err();
    assert!(error.to_string().contains(" and 4 more. Add"), "{error}");
    let KeyringError::NoMatchingKey(error) = error else {
        panic!("{error}");
    };
    assert_eq!(
        (
            error.envelope_keys().len(),
            error.ring_keys().len(),
            error.ring_len()
        ),
        (2, 16, 20)
    );
}

pub(crate) fn keys_are_rotated_and_deleted<B: Backend>() {
    let sealed = KEYS.map(|name| sealed_to::<B>(&[name]));
    let ids = KEYS.map(|name| recipient::<B>(name).key_id());
    let mut ring = Keyring::new(identity::<B>(KEYS[0]));
    let status = |ring: &Keyring<Identity<B>>| {
        [0, 1, 2].map(|key| {
            let opened = ring.open(&sealed[key], &CONTEXT, &mut rng(4));
            let by_id = ring.get(ids[key]).map(|(_, status)| status);
            assert_eq!(by_id, opened.as_ref().ok().map(|opened| opened.status));
            by_id
        })
    };
    let (current, old) = (Some(KeyStatus::Current), Some(KeyStatus::Old));
    assert_eq!(status(&ring), [current, None, None]);
    ring.rotate(identity(KEYS[1])).unwrap();
    assert_eq!(status(&ring), [old, current, None]);
    ring.add_old(identity(KEYS[2])).unwrap();
    assert_eq!(status(&ring), [old, current, old]);
    assert_eq!(ring.current().key_id(), ids[1]);

    // Twice is refused, whichever it is and however it is added; nothing changes.
    for name in &KEYS[..3] {
        let key_id = identity::<B>(name).key_id();
        assert_eq!(ring.rotate(identity(name)).unwrap_err().key_id, key_id);
        assert_eq!(ring.add_old(identity(name)).unwrap_err().key_id, key_id);
    }
    assert_eq!(status(&ring), [old, current, old]);

    // The current key can't be taken out.
    assert_eq!(ring.remove_old(ids[0]).unwrap().key_id(), ids[0]);
    assert!(ring.remove_old(ids[0]).is_none());
    assert!(ring.remove_old(ids[1]).is_none());
    assert_eq!(status(&ring), [None, current, old]);

    let listed: Vec<_> = ring
        .iter()
        .map(|(key, status)| (key.key_id(), status))
        .collect();
    assert_eq!(
        listed,
        [(ids[1], KeyStatus::Current), (ids[2], KeyStatus::Old)]
    );
    assert_eq!(
        format!("{ring:?}"),
        format!("Keyring {{ current: {:?}, old: [{:?}] }}", ids[1], ids[2])
    );
}

pub(crate) fn a_batch_opens<B: Backend>() {
    let ring = ring::<B>(0);
    for (name, expected) in [("a2048", KeyStatus::Current), ("b2048", KeyStatus::Old)] {
        let batch = sealed_batch::<B>(name);
        let envelope = Envelope::parse(&batch).unwrap();
        let (opener, status) = ring.opener(&envelope, &mut rng(5)).unwrap();
        assert_eq!(status, expected);
        let mut sequence = opener.sequence(&envelope);
        for message in [b"one", b"two"] {
            let opened = sequence.open_next(&CONTEXT).unwrap().unwrap();
            assert_eq!(&*opened, message);
        }
        sequence.finish().unwrap();
    }
}

fn sealed_batch<B: Backend>(name: &str) -> Vec<u8> {
    let mut batch = Vec::new();
    let mut sealer = Sealer::new(&[recipient::<B>(name)], &mut rng(6), &mut batch).unwrap();
    sealer.seal(&CONTEXT, b"one", &mut batch).unwrap();
    sealer.seal_last(&CONTEXT, b"two", &mut batch).unwrap();
    batch
}
