//! What is sealed opens, for whom it was sealed.

use proptest::{prelude::*, test_runner::TestRunner};
use sealpost_envelope::{
    Envelope, Error, Recipient, SealError, SecretContext,
    backend::Backend,
    native::{padded_len, sealed_len},
    open, seal, text,
};

use super::{CONTEXT, KEYS, identity, recipient, rng};

pub(crate) fn every_size_comes_back<B: Backend>() {
    let (recipients, identity) = ([recipient::<B>("a2048")], identity::<B>("a2048"));
    for size in [
        0,
        1,
        31,
        32,
        33,
        251,
        252,
        253,
        4096,
        65_535,
        65_536,
        1 << 20,
    ] {
        let message: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let sealed = seal(&recipients, &CONTEXT, &message, &mut rng(1)).unwrap();
        assert_eq!(
            sealed.len(),
            10 + 35 + 256 + 41 + padded_len(size).unwrap() + 16
        );
        assert_eq!(sealed.len(), sealed_len(&recipients, size).unwrap());
        let opened = open(&identity, &sealed, &CONTEXT, &mut rng(2)).unwrap();
        assert_eq!(&*opened, &message, "{size} bytes");

        let line = text::encode(&sealed);
        assert_eq!(text::decode(&line).unwrap(), sealed);
    }
}

pub(crate) fn every_recipient_opens<B: Backend>() {
    let recipients = KEYS.map(recipient::<B>);
    let sealed = seal(&recipients, &CONTEXT, b"for all of you", &mut rng(3)).unwrap();
    let envelope = Envelope::parse(&sealed).unwrap();
    assert!(
        envelope
            .stanzas()
            .map(|s| s.key_id())
            .eq(recipients.iter().map(Recipient::key_id))
    );
    for name in KEYS {
        let opened = open(&identity::<B>(name), &sealed, &CONTEXT, &mut rng(4)).unwrap();
        assert_eq!(&*opened, b"for all of you");
    }
}

pub(crate) fn any_message_and_context<B: Backend>() {
    let (recipients, identity) = ([recipient::<B>("a2048")], identity::<B>("a2048"));
    let strategy = (
        any::<Vec<u8>>(),
        any::<(
            String,
            Option<[u8; 16]>,
            String,
            Option<String>,
            Option<String>,
        )>(),
        any::<u64>(),
    );
    TestRunner::new(ProptestConfig {
        cases: 48,
        ..ProptestConfig::default()
    })
    .run(
        &strategy,
        |(message, (agent, project, name, key, secret_type), seed)| {
            let mut context = SecretContext::unchecked(&agent, &name);
            if let Some(project) = project {
                context = context
                    .with_project(sealpost_envelope::context::ProjectId::from_bytes(project));
            }
            if let Some(key) = &key {
                context = context.with_unchecked_key(key);
            }
            if let Some(secret_type) = &secret_type {
                context = context.with_unchecked_type(secret_type);
            }
            let sealed = seal(&recipients, &context, &message, &mut rng(seed))?;
            prop_assert_eq!(Envelope::parse(&sealed)?.as_bytes(), &sealed[..]);
            let opened = open(&identity, &sealed, &context, &mut rng(seed ^ 1))?;
            prop_assert_eq!(&*opened, &message);
            Ok(())
        },
    )
    .unwrap();
}

pub(crate) fn other_keys_are_told_apart<B: Backend>() {
    let recipients = ["a2048", "a3072"].map(recipient::<B>);
    let other = identity::<B>("b2048");
    for count in [1, 2] {
        let to = &recipients[..usize::from(count)];
        let sealed = seal(to, &CONTEXT, b"x", &mut rng(5)).unwrap();
        assert_eq!(
            open(&other, &sealed, &CONTEXT, &mut rng(6)).unwrap_err(),
            Error::NoMatchingKey {
                key_id: other.key_id(),
                recipients: count
            }
        );
    }
}

pub(crate) fn recipients_are_counted<B: Backend>() {
    let none: [Recipient<B>; 0] = [];
    assert_eq!(
        seal(&none, &CONTEXT, b"x", &mut rng(7)),
        Err(SealError::RecipientCount { given: 0 })
    );
    let many: Vec<_> = (0..17).map(|_| recipient::<B>("a2048")).collect();
    assert_eq!(
        seal(&many, &CONTEXT, b"x", &mut rng(7)),
        Err(SealError::RecipientCount { given: 17 })
    );
    assert_eq!(
        seal(&many[..2], &CONTEXT, b"x", &mut rng(7)),
        Err(SealError::DuplicateRecipient {
            key_id: many[0].key_id()
        })
    );
}
