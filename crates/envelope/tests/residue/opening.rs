//! Opening, and failing to open.

use std::ops::Range;

use sealpost_envelope::{
    Envelope, Error, Identity, Keyring, OpenError, Sealer, SecretContext,
    key::KeyAnswer,
    native::{Opener, open_in_place, open_into},
    open, seal,
};
use zeroize::{Zeroize, Zeroizing};

use super::{
    canaries::{Canaries, Found},
    heap,
    secrets::{AEAD_KEY, COMMIT_STATE, MESSAGE, PLAINTEXT, Schedule, Scripted},
    tested::{
        COMMITMENT, CONTEXT, ENCAPSULATION, HEADER, PADDED, TAG, Tested, assert_gone, assert_left,
        identity, pkcs8_der, recipients,
    },
};
use sealpost_testkit::freed::watch;

/// An envelope, a key that opens it, and what must not be left.
struct Sealed<B: Tested> {
    identity: Identity<B>,
    envelope: Vec<u8>,
    /// Of the message: must be gone when the operation is over.
    message: Canaries,
    /// Of the message and the key, which stays alive: must not be in what was freed.
    all: Canaries,
}

impl<B: Tested> Sealed<B> {
    fn new(seed: u64) -> Self {
        Self::sealed_as(seed, |envelope| envelope)
    }

    /// Seals a message and lets `change` change the envelope.
    fn sealed_as(seed: u64, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        let envelope = seal(
            &recipients::<B>(),
            &CONTEXT,
            MESSAGE,
            &mut Scripted::new(seed),
        )
        .unwrap();
        let header = envelope[HEADER].to_vec();
        let envelope = change(envelope);
        let add = |mut secrets: Canaries| {
            secrets.add(PLAINTEXT, MESSAGE);
            secrets.add_schedule::<B>(&header, &Scripted::first_32_bytes(seed));
            // The substitute, which failures go on with.
            secrets.add_schedule::<B>(&envelope[HEADER], &Scripted::first_32_bytes(seed + 1));
            secrets.add_encoding(&pkcs8_der(), &envelope[ENCAPSULATION]);
            secrets
        };
        let (message, mut all) = (add(Canaries::new()), add(Canaries::new()));
        all.add_private_key(&pkcs8_der());
        Self {
            identity: identity(),
            envelope,
            message,
            all,
        }
    }

    fn rng(seed: u64) -> Scripted {
        Scripted::new(seed + 1)
    }

    /// Asserts that `operation`, which opens the envelope, leaves nothing but what decryption leaves.
    #[track_caller]
    fn assert_wiped<R>(&mut self, operation: impl FnOnce(&Identity<B>, &mut Vec<u8>) -> R) -> R {
        let (result, watched) = watch(|| operation(&self.identity, &mut self.envelope));
        assert_left(&watched, B::left_by_decryption(), &self.all);
        assert_gone(&self.message);
        result
    }
}

pub(crate) fn one_message<B: Tested>() {
    Sealed::<B>::new(10).assert_wiped(|identity, envelope| {
        let opened = open(identity, envelope, &CONTEXT, &mut Sealed::<B>::rng(10)).unwrap();
        assert_eq!(&*opened, MESSAGE);
    });
}

pub(crate) fn the_plaintext_is_in_the_heap_once<B: Tested>() {
    let sealed = Sealed::<B>::new(11);
    let opened = open(
        &sealed.identity,
        &sealed.envelope,
        &CONTEXT,
        &mut Sealed::<B>::rng(11),
    )
    .unwrap();
    assert_eq!(heap::look(&sealed.message), Found::from([(PLAINTEXT, 1)]));
    drop(opened);
    assert_gone(&sealed.message);
}

pub(crate) fn into_a_buffer<B: Tested>() {
    Sealed::<B>::new(12).assert_wiped(|identity, envelope| {
        let mut out = Zeroizing::new(vec![0; 1000]);
        let rng = &mut Sealed::<B>::rng(12);
        let length = open_into(identity, envelope, &CONTEXT, rng, &mut out).unwrap();
        assert_eq!(&out[..length], MESSAGE);
        // The message is the caller's to wipe; nothing else of it is in the buffer.
        out[..length].zeroize();
        assert_eq!(out.iter().filter(|byte| **byte != 0).count(), 0);
    });
}

pub(crate) fn in_place<B: Tested>() {
    Sealed::<B>::new(13).assert_wiped(|identity, envelope| {
        let rng = &mut Sealed::<B>::rng(13);
        let opened = open_in_place(identity, envelope, &CONTEXT, rng).unwrap();
        assert_eq!(opened, MESSAGE);
        opened.zeroize();
    });
}

pub(crate) fn with_a_keyring<B: Tested>() {
    let mut sealed = Sealed::<B>::new(14);
    let ring = Keyring::new(identity::<B>());
    sealed.assert_wiped(|_, envelope| {
        drop(
            ring.open(envelope, &CONTEXT, &mut Sealed::<B>::rng(14))
                .unwrap(),
        );
    });
}

pub(crate) fn with_a_key_elsewhere<B: Tested>() {
    let sealed = Sealed::<B>::new(15);
    let mut message = [0; 33];
    message[0] = 1;
    message[1..].copy_from_slice(&Scripted::first_32_bytes(15));
    for answer in [
        KeyAnswer::Seed(&message),
        KeyAnswer::Rejected,
        KeyAnswer::Unavailable,
    ] {
        let ((), watched) = watch(|| {
            let envelope = Envelope::parse(&sealed.envelope).unwrap();
            let pending = envelope.pending(sealed.identity.public_key()).unwrap();
            let opener = pending.finish::<B, _>(answer, &mut Sealed::<B>::rng(15));
            drop(opener.map(|opener| opener.open(&envelope.single().unwrap(), &CONTEXT)));
        });
        assert_left(&watched, [].into(), &sealed.all);
        assert_gone(&sealed.message);
    }
}

pub(crate) fn an_opener_on_the_heap<B: Tested>() {
    let sealed = Sealed::<B>::new(16);
    let envelope = Envelope::parse(&sealed.envelope).unwrap();
    let opener: Box<Opener<B>> = Box::new(
        envelope
            .pending(sealed.identity.public_key())
            .and_then(|pending| pending.decrypt(&sealed.identity, &mut Sealed::<B>::rng(16)))
            .unwrap(),
    );
    let alive = heap::look(&sealed.message);
    assert!(
        alive.has(AEAD_KEY) && alive.has(COMMIT_STATE),
        "where is it? {alive}"
    );
    let ((), watched) = watch(|| drop(opener));
    assert_left(&watched, [].into(), &sealed.all);
    assert_gone(&sealed.message);
}

pub(crate) fn a_batch<B: Tested>() {
    let mut sealed = Sealed::<B>::sealed_as(17, |_| {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&recipients::<B>(), &mut Scripted::new(17), &mut out).unwrap();
        for _ in 0..5 {
            sealer.seal(&CONTEXT, MESSAGE, &mut out).unwrap();
        }
        sealer.seal_last(&CONTEXT, MESSAGE, &mut out).unwrap();
        out
    });
    // AWS-LC encrypts anew each time: the header is that of the batch.
    sealed
        .message
        .add_schedule::<B>(&sealed.envelope[HEADER], &Scripted::first_32_bytes(17));
    sealed
        .all
        .add_schedule::<B>(&sealed.envelope[HEADER], &Scripted::first_32_bytes(17));
    sealed.assert_wiped(|identity, bytes| {
        let envelope = Envelope::parse(bytes).unwrap();
        let opener = envelope
            .pending(identity.public_key())
            .and_then(|pending| pending.decrypt(identity, &mut Sealed::<B>::rng(17)))
            .unwrap();
        let mut sequence = opener.sequence(&envelope);
        let mut opened = Vec::new();
        while let Some(message) = sequence.open_next(&CONTEXT) {
            opened.push(message.unwrap());
        }
        sequence.finish().unwrap();
        assert_eq!(opened.len(), 6);
    });
}

pub(crate) fn failures_after_the_private_key<B: Tested>() {
    let flip = |position: usize| {
        move |mut envelope: Vec<u8>| {
            envelope[position] ^= 0x40;
            envelope
        }
    };
    let within = |field: Range<usize>| field.start + 1;
    for field in [ENCAPSULATION, COMMITMENT, PADDED, TAG] {
        fails::<B>(Sealed::sealed_as(20, flip(within(field))), &CONTEXT);
    }
    fails::<B>(
        Sealed::new(20),
        &SecretContext::unchecked("agent-1", "another"),
    );
    fails::<B>(Sealed::sealed_as(20, pad_wrongly::<B>), &CONTEXT);

    // Valid OAEP of something else: another length, another prefix.
    let key = B::public_key(recipients::<B>()[0].public_key().spki_der()).unwrap();
    for message in [&[1; 32][..], &[1; 34], &[2; 33]] {
        let sealed = Sealed::sealed_as(20, |mut envelope| {
            let out = &mut envelope[ENCAPSULATION];
            B::oaep_encrypt(&key, &mut Scripted::new(99), message, out).unwrap();
            envelope
        });
        fails::<B>(sealed, &CONTEXT);
    }
}

#[track_caller]
fn fails<B: Tested>(mut sealed: Sealed<B>, context: &SecretContext<'_>) {
    let rng = || Sealed::<B>::rng(20);
    sealed.assert_wiped(|identity, envelope| {
        let error = open(identity, envelope, context, &mut rng()).unwrap_err();
        assert_eq!(error, Error::Open(OpenError));
    });
    sealed.assert_wiped(|identity, envelope| {
        let mut out = vec![0; 1000];
        open_into(identity, envelope, context, &mut rng(), &mut out).unwrap_err();
    });
    sealed.assert_wiped(|identity, envelope| {
        open_in_place(identity, envelope, context, &mut rng()).unwrap_err();
    });
}

/// The message sealed anew with a padding that is not zero: it shows when all is decrypted.
fn pad_wrongly<B: Tested>(mut envelope: Vec<u8>) -> Vec<u8> {
    let Schedule {
        key, base_nonce, ..
    } = Schedule::derive::<B>(&envelope[HEADER], &Scripted::first_32_bytes(20));
    let key = B::aead_key(&key).unwrap();
    let (front, tag) = envelope.split_at_mut(TAG.start);
    let (front, padded) = front.split_at_mut(PADDED.start);
    let commitment = &front[COMMITMENT];
    let old_tag = (&*tag).try_into().unwrap();
    B::aead_open(&key, &base_nonce, commitment, padded, old_tag).unwrap();
    *padded.last_mut().unwrap() = 1;
    let new_tag = B::aead_seal(&key, &base_nonce, commitment, padded).unwrap();
    tag.copy_from_slice(&new_tag);
    envelope
}

pub(crate) fn failures_before_the_private_key<B: Tested>() {
    let Sealed {
        identity,
        envelope,
        all,
        message,
    } = Sealed::<B>::new(30);
    let other = Identity::<B>::from_pem(&super::tested::test_file("agent-b2048.key.pem")).unwrap();
    let ((), watched) = watch(|| {
        open(&other, &envelope, &CONTEXT, &mut Scripted::new(31)).unwrap_err();
        open(&identity, &envelope[1..], &CONTEXT, &mut Scripted::new(31)).unwrap_err();
        open(
            &identity,
            &envelope,
            &CONTEXT,
            &mut Scripted::failing_after(31, 0),
        )
        .unwrap_err();
        let mut small = [0; 10];
        open_into(
            &identity,
            &envelope,
            &CONTEXT,
            &mut Scripted::new(31),
            &mut small,
        )
        .unwrap_err();
    });
    assert_left(&watched, [].into(), &all);
    assert_gone(&message);
}
