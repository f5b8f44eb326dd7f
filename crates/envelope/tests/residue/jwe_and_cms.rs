//! JWE, CMS and the wrapper.

use sealpost_envelope::{
    ContextPolicy, Keyring, Message, OpenError,
    binding::Binding,
    cms,
    jwe::{self, Serialization},
    message::PendingMessage,
    wrapper,
};

use super::{
    canaries::{Canaries, Found},
    heap,
    secrets::{MESSAGE, PLAINTEXT, Scripted},
    tested::{
        CONTEXT, Tested, assert_gone, assert_left, identity, pkcs8_der, recipients, test_file,
    },
};
use sealpost_testkit::freed::watch;

/// Of the message, the content key, and the one that takes its place when decryption fails.
fn secrets(seed: u64, encapsulation: &[u8]) -> Canaries {
    let mut secrets = Canaries::new();
    secrets.add(PLAINTEXT, MESSAGE);
    secrets.add(CONTENT_KEY, &Scripted::first_32_bytes(seed));
    secrets.add(CONTENT_KEY, &Scripted::first_32_bytes(seed + 1));
    secrets.add_encoding(&pkcs8_der(), encapsulation);
    secrets
}

fn ring<B: Tested>() -> Keyring<sealpost_envelope::Identity<B>> {
    let mut identity = identity::<B>();
    let certificate = sealpost_envelope::Certificate::from_pem(&test_file("agent-a2048.pem"));
    identity.add_certificate(certificate.unwrap()).unwrap();
    Keyring::new(identity)
}

pub(crate) fn jwe<B: Tested>() {
    let (recipients, ring, binding) = (recipients::<B>(), ring::<B>(), Binding::new(&CONTEXT));
    for (seed, serialization) in [(30, Serialization::Compact), (32, Serialization::General)] {
        let (text, watched) = watch(|| {
            let rng = &mut Scripted::new(seed);
            jwe::seal(&recipients, Some(&binding), serialization, MESSAGE, rng).unwrap()
        });
        let jwe = Message::parse(text.as_bytes()).unwrap();
        let policy = ContextPolicy::RequireContext(&CONTEXT);
        let pending = jwe.pending(&ring, policy);
        let secrets = secrets(seed, pending.as_ref().unwrap().encapsulation());
        assert_left(&watched, B::left_by_encryption(), &secrets);
        assert_gone(&secrets);

        let open = || jwe.open(&ring, policy, &mut Scripted::new(seed + 1));
        let (opened, watched) = watch(open);
        assert_left(
            &watched,
            B::left_by_decryption(),
            &with_key(seed, pending.as_ref().unwrap()),
        );
        let opened = opened.unwrap();
        assert_eq!(&*opened.plaintext, MESSAGE);
        assert_eq!(heap::look(&secrets), Found::from([(PLAINTEXT, 1)]));
        let ((), watched) = watch(|| drop(opened));
        assert_left(&watched, [].into(), &secrets);
        assert_gone(&secrets);
    }
}

pub(crate) fn a_jwe_that_was_changed<B: Tested>() {
    let (recipients, ring) = (recipients::<B>(), ring::<B>());
    let rng = &mut Scripted::new(34);
    let mut text = jwe::seal(&recipients, None, Serialization::Compact, MESSAGE, rng).unwrap();
    // In the tag, not in its last character, whose bits are not all used.
    let at = text.len() - 5;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    text.replace_range(at..=at, other);
    let jwe = Message::parse(text.as_bytes()).unwrap();
    let policy = ContextPolicy::AcceptUnbound(None);
    let pending = jwe.pending(&ring, policy).unwrap();
    let (opened, watched) = watch(|| jwe.open(&ring, policy, &mut Scripted::new(35)));
    assert_eq!(opened.err(), Some(OpenError.into()));
    assert_left(&watched, B::left_by_decryption(), &with_key(34, &pending));
    assert_gone(&secrets(34, pending.encapsulation()));
}

pub(crate) fn cms<B: Tested>() {
    let (recipients, ring) = (recipients::<B>(), ring::<B>());
    let (message, watched) =
        watch(|| cms::seal(&recipients, MESSAGE, &mut Scripted::new(36)).unwrap());
    let cms = Message::parse(&message).unwrap();
    let policy = ContextPolicy::AcceptUnbound(None);
    let pending = cms.pending(&ring, policy).unwrap();
    let secrets = secrets(36, pending.encapsulation());
    assert_left(&watched, B::left_by_encryption(), &secrets);
    assert_gone(&secrets);

    let (opened, watched) = watch(|| cms.open(&ring, policy, &mut Scripted::new(37)));
    assert_left(&watched, B::left_by_decryption(), &with_key(36, &pending));
    assert_eq!(&*opened.unwrap().plaintext, MESSAGE);
    assert_gone(&secrets);
}

pub(crate) fn a_wrapper() {
    let mut secrets = Canaries::new();
    secrets.add(PLAINTEXT, MESSAGE);
    let binding = Binding::new(&CONTEXT);
    let (range, watched) = watch(|| {
        let wrapper = wrapper::wrap(&binding, MESSAGE);
        wrapper::unwrap(&wrapper).unwrap().value
    });
    assert_eq!(range.len(), MESSAGE.len());
    assert_left(&watched, [].into(), &secrets);
    assert_gone(&secrets);
}

/// With the private key, which stays alive, and must not be in what was freed.
fn with_key(seed: u64, pending: &PendingMessage<'_>) -> Canaries {
    let mut secrets = secrets(seed, pending.encapsulation());
    secrets.add_private_key(&pkcs8_der());
    secrets
}

const CONTENT_KEY: &str = "content key";
