//! Callers' buffers: no allocation that isn't the caller's, and nothing left behind.

use sealpost_envelope::{
    Error, SealError, SecretContext,
    backend::Backend,
    native::{open_in_place, open_into, seal_into, sealed_len},
    open, seal,
};

use super::{CONTEXT, identity, recipient, rng};

const MESSAGE: &[u8] = b"correct horse battery staple";

pub(crate) fn open_into_fills_the_front<B: Backend>() {
    let identity = identity::<B>("a2048");
    let sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, MESSAGE, &mut rng(1)).unwrap();
    let mut out = [0xee; 300];
    let length = open_into(&identity, &sealed, &CONTEXT, &mut rng(2), &mut out).unwrap();
    assert_eq!(&out[..length], MESSAGE);
    assert!(
        out[length..256].iter().all(|byte| *byte == 0),
        "the used part is wiped"
    );
    assert!(
        out[256..].iter().all(|byte| *byte == 0xee),
        "the rest is untouched"
    );

    let mut small = [0xee; 255];
    assert_eq!(
        open_into(&identity, &sealed, &CONTEXT, &mut rng(2), &mut small),
        Err(Error::BufferTooSmall { needed: 256 })
    );
    assert_eq!(small, [0xee; 255]);
}

pub(crate) fn open_into_wipes_on_failure<B: Backend>() {
    let identity = identity::<B>("a2048");
    let mut sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, MESSAGE, &mut rng(1)).unwrap();
    let wrong = SecretContext::unchecked("agent-1", "other");
    let mut out = [0xee; 256];
    open_into(&identity, &sealed, &wrong, &mut rng(2), &mut out).unwrap_err();
    assert_eq!(out, [0; 256]);
    // A wrong tag: the ciphertext may have been decrypted before it shows.
    *sealed.last_mut().unwrap() ^= 1;
    let mut out = [0xee; 256];
    open_into(&identity, &sealed, &CONTEXT, &mut rng(2), &mut out).unwrap_err();
    assert_eq!(out, [0; 256]);
}

pub(crate) fn open_in_place_leaves_the_message<B: Backend>() {
    let identity = identity::<B>("a2048");
    let sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, MESSAGE, &mut rng(1)).unwrap();
    let mut envelope = sealed.clone();
    assert_eq!(
        open_in_place(&identity, &mut envelope, &CONTEXT, &mut rng(2)).unwrap(),
        MESSAGE
    );

    let mut envelope = sealed.clone();
    let wrong = SecretContext::unchecked("agent-1", "other");
    let error = open_in_place(&identity, &mut envelope, &wrong, &mut rng(2)).unwrap_err();
    assert!(matches!(error, Error::Open(_)));
    assert_eq!(
        open(&identity, &sealed, &wrong, &mut rng(2)).unwrap_err(),
        error
    );
    let end = envelope.len();
    assert!(envelope[end - 272..end - 16].iter().all(|byte| *byte == 0));
}

pub(crate) fn seal_into_says_what_it_needs<B: Backend>() {
    let recipients = [recipient::<B>("a2048")];
    let needed = sealed_len(&recipients, MESSAGE.len()).unwrap();
    let mut small = vec![0xee; needed - 1];
    assert_eq!(
        seal_into(&recipients, &CONTEXT, MESSAGE, &mut rng(1), &mut small),
        Err(SealError::BufferTooSmall { needed })
    );
    assert!(small.iter().all(|byte| *byte == 0xee));

    let mut out = vec![0xee; needed + 5];
    assert_eq!(
        seal_into(&recipients, &CONTEXT, MESSAGE, &mut rng(1), &mut out),
        Ok(needed)
    );
    assert_eq!(&out[needed..], [0xee; 5]);
    let opened = open(
        &identity::<B>("a2048"),
        &out[..needed],
        &CONTEXT,
        &mut rng(2),
    )
    .unwrap();
    assert_eq!(&*opened, MESSAGE);
}
