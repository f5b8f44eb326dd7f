//! What was changed does not open, and says nothing of how it was changed.

use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    Error, Identity, OpenError, SecretContext, backend::Backend, error::ParseError, open, seal,
};

use super::{CONTEXT, identity, recipient, rng};

fn sealed<B: Backend>() -> (Identity<B>, Vec<u8>) {
    let sealed = seal(&[recipient::<B>("a2048")], &CONTEXT, b"secret", &mut rng(1)).unwrap();
    (identity("a2048"), sealed)
}

pub(crate) fn every_bit_flip_fails<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let mut opens = 0;
    for bit in 0..8 * sealed.len() {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = open(&identity, &flipped, &CONTEXT, &mut rng(2)).unwrap_err();
        opens += u32::from(error == Error::Open(OpenError));
        // The structure is refused before a key is touched, the rest after.
        let structure = matches!(bit / 8, 0..45 | 301..306 | 338..342);
        let rich = !matches!(error, Error::Open(_));
        let out_of_range = error == Error::EncapsulationRange;
        assert!(rich == structure || out_of_range, "bit {bit}: {error:?}");
    }
    assert!(opens > 8 * 500, "{opens} flips reached the private key");
}

pub(crate) fn every_truncation_and_extension_fails<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    for length in 0..sealed.len() {
        let error = open(&identity, &sealed[..length], &CONTEXT, &mut rng(2)).unwrap_err();
        assert!(matches!(error, Error::Parse(_)), "{length}: {error:?}");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert_eq!(
        open(&identity, &longer, &CONTEXT, &mut rng(2)).unwrap_err(),
        Error::Parse(ParseError::TrailingBytes {
            position: sealed.len()
        })
    );
}

pub(crate) fn every_changed_context_field_fails<B: Backend>() {
    let (identity, sealed) = sealed::<B>();
    let base = || SecretContext::unchecked("agent-1", "my-secret");
    let mut other_project = [0x11; 16];
    other_project[15] ^= 1;
    let other_project = ProjectId::from_bytes(other_project);
    let p = ProjectId::from_bytes([0x11; 16]);
    let (k, t) = ("password", "PASSWORD");
    for wrong in [
        SecretContext::unchecked("agent-2", "my-secret")
            .with_project(p)
            .with_unchecked_key(k)
            .with_unchecked_type(t),
        SecretContext::unchecked("agent-1", "my-secret2")
            .with_project(p)
            .with_unchecked_key(k)
            .with_unchecked_type(t),
        SecretContext::unchecked("agent-1", "My-secret")
            .with_project(p)
            .with_unchecked_key(k)
            .with_unchecked_type(t),
        SecretContext::unchecked("agent-1m", "y-secret")
            .with_project(p)
            .with_unchecked_key(k)
            .with_unchecked_type(t),
        base()
            .with_project(other_project)
            .with_unchecked_key(k)
            .with_unchecked_type(t),
        base().with_unchecked_key(k).with_unchecked_type(t),
        base().with_project(p).with_unchecked_type(t),
        base()
            .with_project(p)
            .with_unchecked_key("")
            .with_unchecked_type(t),
        base()
            .with_project(p)
            .with_unchecked_key("Password")
            .with_unchecked_type(t),
        base().with_project(p).with_unchecked_key(k),
        base()
            .with_project(p)
            .with_unchecked_key(k)
            .with_unchecked_type(""),
        base()
            .with_project(p)
            .with_unchecked_key(t)
            .with_unchecked_type(k),
        SecretContext::unchecked("", ""),
    ] {
        let error = open(&identity, &sealed, &wrong, &mut rng(2)).unwrap_err();
        assert_eq!(error, Error::Open(OpenError), "{wrong:?}");
    }
    open(&identity, &sealed, &CONTEXT, &mut rng(2)).unwrap();

    // Absent and empty are two.
    let sealed = seal(&[recipient::<B>("a2048")], &base(), b"secret", &mut rng(1)).unwrap();
    for wrong in [
        base().with_unchecked_key(""),
        base().with_unchecked_type(""),
        base().with_project(ProjectId::from_bytes([0; 16])),
    ] {
        let error = open(&identity, &sealed, &wrong, &mut rng(2)).unwrap_err();
        assert_eq!(error, Error::Open(OpenError), "{wrong:?}");
    }
}

pub(crate) fn what_fails_after_the_private_key_is_one_error<B: Backend>() {
    // OpenError can't hold anything, and its texts are constant.
    assert_eq!(size_of::<OpenError>(), 0);
    assert_eq!(format!("{OpenError:?}"), "OpenError");
    assert!(std::error::Error::source(&OpenError).is_none());
    assert!(std::error::Error::source(&Error::Open(OpenError)).is_none());

    let (identity, sealed) = sealed::<B>();
    let last = sealed.len() - 1;
    for (what, position) in [
        ("encapsulation", 100),
        ("commitment", 310),
        ("ciphertext", 400),
        ("tag", last),
    ] {
        let mut changed = sealed.clone();
        changed[position] ^= 0x40;
        let error = open(&identity, &changed, &CONTEXT, &mut rng(2)).unwrap_err();
        assert_eq!(error, Error::Open(OpenError), "{what}");
        assert_eq!(error.to_string(), OpenError.to_string());
    }
    // A valid OAEP ciphertext of something else: another length, and another prefix.
    for message in [&[1; 32][..], &[1; 34], &[2; 33], &[0; 33], b""] {
        let mut changed = sealed.clone();
        let key = B::public_key(identity.public_key().spki_der()).unwrap();
        B::oaep_encrypt(&key, &mut rng(3), message, &mut changed[45..301]).unwrap();
        let error = open(&identity, &changed, &CONTEXT, &mut rng(2)).unwrap_err();
        assert_eq!(error, Error::Open(OpenError), "{message:?}");
    }
}
