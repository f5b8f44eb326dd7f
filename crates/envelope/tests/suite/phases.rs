//! The split phases, with a private key that lives elsewhere.

use sealpost_envelope::{
    Envelope, Error, Identity, OpenError,
    backend::{Backend, BackendError},
    key::KeyAnswer,
    native::Opener,
    rand_core::{TryCryptoRng, TryRng},
    seal,
};

use super::{CONTEXT, identity, recipient, rng, test_file};

/// A key behind a wall: it takes an OAEP ciphertext and gives what is in it.
struct ForeignKey<B: Backend>(B::PrivateKey);

impl<B: Backend> ForeignKey<B> {
    fn new(name: &str) -> Self {
        let pem = test_file(&format!("agent-{name}.key.pem"));
        let (_, der) = pem_rfc7468::decode_vec(&pem).unwrap();
        Self(B::private_key(&der).unwrap())
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BackendError> {
        let mut message = vec![0; 33];
        let decrypted = B::oaep_decrypt(&self.0, &mut rng(7), ciphertext, &mut message);
        bool::from(decrypted.exactly(33))
            .then_some(message)
            .ok_or(BackendError)
    }
}

fn sealed<B: Backend>() -> (Identity<B>, Vec<u8>) {
    let sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, b"secret", &mut rng(1)).unwrap();
    (identity("a2048"), sealed)
}

pub(crate) fn a_foreign_key_opens<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(identity.public_key()).unwrap();
    assert_eq!(pending.key_id(), identity.key_id());
    let message = ForeignKey::<B>::new("a2048")
        .decrypt(pending.encapsulation())
        .unwrap();
    let opener: Opener<B> = pending
        .finish(KeyAnswer::Seed(&message), &mut rng(2))
        .unwrap();
    let frame = envelope.single().unwrap();
    assert_eq!(&*opener.open(&frame, &CONTEXT).unwrap(), b"secret");
}

pub(crate) fn a_rejection_shows_at_the_message<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let envelope = Envelope::parse(&sealed).unwrap();
    let frame = envelope.single().unwrap();
    let pending = envelope.pending(identity.public_key()).unwrap();
    let mut message = ForeignKey::<B>::new("a2048")
        .decrypt(pending.encapsulation())
        .unwrap();
    message.push(0);
    let longer = message.clone();
    message.truncate(33);
    message[0] = 2;
    for answer in [
        KeyAnswer::Rejected,
        KeyAnswer::Seed(&[]),
        KeyAnswer::Seed(&message),
        KeyAnswer::Seed(&message[1..]),
        KeyAnswer::Seed(&longer),
    ] {
        let opener: Opener<B> = pending.finish(answer, &mut rng(2)).unwrap();
        assert_eq!(opener.open(&frame, &CONTEXT).unwrap_err(), OpenError);
    }
}

pub(crate) fn unavailable_may_be_asked_again<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(identity.public_key()).unwrap();
    let away = pending
        .finish::<B, _>(KeyAnswer::Unavailable, &mut rng(2))
        .unwrap_err();
    assert_eq!(away, Error::KeyUnavailable);
    let message = ForeignKey::<B>::new("a2048")
        .decrypt(pending.encapsulation())
        .unwrap();
    let opener: Opener<B> = pending
        .finish(KeyAnswer::Seed(&message), &mut rng(2))
        .unwrap();
    opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
}

pub(crate) fn a_failing_generator_says_nothing_of_the_key<B: Backend>() {
    struct Broken;

    impl TryRng for Broken {
        type Error = BackendError;

        fn try_next_u32(&mut self) -> Result<u32, BackendError> {
            Err(BackendError)
        }

        fn try_next_u64(&mut self) -> Result<u64, BackendError> {
            Err(BackendError)
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), BackendError> {
            Err(BackendError)
        }
    }

    impl TryCryptoRng for Broken {}

    let (identity, mut sealed) = sealed::<B>();
    for _ in 0..2 {
        let envelope = Envelope::parse(&sealed).unwrap();
        let pending = envelope.pending(identity.public_key()).unwrap();
        assert_eq!(
            pending.decrypt(&identity, &mut Broken).unwrap_err(),
            Error::Rng
        );
        for answer in [KeyAnswer::Seed(&[1; 33]), KeyAnswer::Rejected] {
            assert_eq!(
                pending.finish::<B, _>(answer, &mut Broken).unwrap_err(),
                Error::Rng
            );
        }
        // The same for an encapsulation that does not decrypt.
        sealed[100] ^= 1;
    }
}

pub(crate) fn range_and_length_are_checked_before_the_key<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let body = 45..301;
    let spki = identity.public_key().spki_der();
    // SubjectPublicKeyInfo ends: modulus (256) ‖ 02 03 01 00 01.
    let modulus = spki[spki.len() - 5 - 256..spki.len() - 5].to_vec();
    let with = |number: &[u8]| {
        let mut changed = sealed.clone();
        changed[body.clone()].copy_from_slice(number);
        Envelope::parse(&changed)
            .unwrap()
            .pending(identity.public_key())
            .map(|_| ())
    };
    let small = |last: u8| {
        let mut number = vec![0; 256];
        number[255] = last;
        number
    };
    let below = |difference: u8| {
        let mut number = modulus.clone();
        number[255] -= difference; // n is odd: 1 never borrows
        number
    };
    assert_eq!(with(&small(0)), Err(Error::EncapsulationRange));
    assert_eq!(with(&small(1)), Err(Error::EncapsulationRange));
    assert_eq!(with(&small(2)), Ok(()));
    assert_eq!(with(&below(0)), Err(Error::EncapsulationRange));
    assert_eq!(with(&below(1)), Err(Error::EncapsulationRange));
    assert_eq!(with(&[0xff; 256]), Err(Error::EncapsulationRange));
    if modulus[255] >= 2 {
        assert_eq!(with(&below(2)), Ok(()));
    }

    // A stanza whose body is a byte short, or long.
    for (delta, found) in [(-1, 255), (1, 257)] {
        let mut changed = sealed.clone();
        changed[43..45].copy_from_slice(&u16::to_be_bytes(found));
        if delta < 0 {
            changed.remove(300);
        } else {
            changed.insert(300, 0);
        }
        assert_eq!(
            Envelope::parse(&changed)
                .unwrap()
                .pending(identity.public_key())
                .unwrap_err(),
            Error::EncapsulationLength {
                expected: 256,
                found: found.into()
            }
        );
    }
}

pub(crate) fn own_key_under_an_unknown_type_is_named<B: Backend>() {
    let (identity, mut sealed) = sealed::<B>();
    sealed[10] = 2;
    let error = Envelope::parse(&sealed)
        .unwrap()
        .pending(identity.public_key())
        .unwrap_err();
    assert_eq!(
        error,
        Error::StanzaType {
            key_id: identity.key_id(),
            found: 2
        }
    );
}

pub(crate) fn unknown_types_are_skipped<B: Backend>() {
    // A stanza of a type from the future, for somebody else, in front of ours.
    let (identity, sealed) = sealed::<B>();
    let mut future = sealed.clone();
    future[9] = 2;
    let stanza = [&[200][..], &[0xaa; 32], &[0, 3], b"new"].concat();
    future.splice(10..10, stanza);
    let envelope = Envelope::parse(&future).unwrap();
    assert_eq!(envelope.stanzas().next().unwrap().type_number(), 200);
    assert_eq!(envelope.stanzas().next().unwrap().stanza_type(), None);
    let pending = envelope.pending(identity.public_key()).unwrap();
    // It is in the header's hash: added by somebody else, it breaks the seal.
    let opener = pending.decrypt(&identity, &mut rng(2)).unwrap();
    assert_eq!(
        opener
            .open(&envelope.single().unwrap(), &CONTEXT)
            .unwrap_err(),
        OpenError
    );
}
