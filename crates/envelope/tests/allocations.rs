//! How often sealing and opening allocate: once each, for what they return, and not at all into a caller's
//! buffer. What a backend's RSA operation allocates besides is counted apart.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    Envelope, Identity, Keyring, Recipient, Sealer, SecretContext, Trust, UnixTime,
    backend::Backend,
    native::{open_in_place, open_into, seal_into, sealed_len},
    open, seal,
};
use sealpost_testkit::freed::{Allocator, watch};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn count<R>(operation: impl FnOnce() -> R) -> usize {
    let (_, watched) = watch(operation);
    watched.allocations
}

/// What one RSA encryption allocates.
fn encryption<B: Backend>() -> usize {
    let key = B::public_key(recipient::<B>().public_key().spki_der()).unwrap();
    count(|| B::oaep_encrypt(&key, &mut rng(1), &[1; 33], &mut [0; 256]).unwrap())
}

/// What one RSA decryption allocates.
fn decryption<B: Backend>(envelope: &[u8]) -> usize {
    let (_, der) = pem_rfc7468::decode_vec(&test_file("agent-a2048.key.pem")).unwrap();
    let key = B::private_key(&der).unwrap();
    count(|| B::oaep_decrypt(&key, &mut rng(1), &envelope[45..301], &mut [0; 33]))
}

fn sealing<B: Backend>() {
    let recipients = [recipient::<B>()];
    let rsa = encryption::<B>();
    for size in [0, 256, 4096, 65_536] {
        let message = vec![7; size];
        let seal = count(|| seal(&recipients, &CONTEXT, &message, &mut rng(1)).unwrap());
        assert_eq!(seal, rsa + 1, "{size} bytes");

        let mut out = vec![0; sealed_len(&recipients, size).unwrap()];
        let into = count(|| seal_into(&recipients, &CONTEXT, &message, &mut rng(1), &mut out));
        assert_eq!(into, rsa, "{size} bytes");
    }
}

fn opening<B: Backend>() {
    let (identity, ring) = (identity::<B>(), Keyring::new(identity::<B>()));
    for size in [0, 256, 4096, 65_536] {
        let message = vec![7; size];
        let mut envelope = seal(&[recipient::<B>()], &CONTEXT, &message, &mut rng(1)).unwrap();
        let rsa = decryption::<B>(&envelope);
        let opened = count(|| open(&identity, &envelope, &CONTEXT, &mut rng(2)).unwrap());
        assert_eq!(opened, rsa + 1, "{size} bytes");
        let opened = count(|| ring.open(&envelope, &CONTEXT, &mut rng(2)).unwrap());
        assert_eq!(opened, rsa + 1, "{size} bytes, with a keyring");

        let mut out = vec![0; envelope.len()];
        let into = count(|| open_into(&identity, &envelope, &CONTEXT, &mut rng(2), &mut out));
        assert_eq!(into, rsa, "{size} bytes");
        let in_place = count(|| {
            open_in_place(&identity, &mut envelope, &CONTEXT, &mut rng(2)).unwrap();
        });
        assert_eq!(in_place, rsa, "{size} bytes");
    }
}

fn failures<B: Backend>() {
    let identity = identity::<B>();
    let mut envelope = seal(&[recipient::<B>()], &CONTEXT, b"x", &mut rng(1)).unwrap();
    let cut = &envelope[..envelope.len() - 1];
    assert_eq!(
        count(|| open(&identity, cut, &CONTEXT, &mut rng(2)).unwrap_err()),
        0
    );
    let rsa = decryption::<B>(&envelope);
    *envelope.last_mut().unwrap() ^= 1;
    let failed = count(|| open(&identity, &envelope, &CONTEXT, &mut rng(2)).unwrap_err());
    assert_eq!(failed, rsa + 1);
}

fn batches<B: Backend>() {
    const MESSAGES: usize = 100;
    let recipients = [recipient::<B>()];
    let mut out = Vec::with_capacity(100_000);
    let sealed = count(|| {
        let mut sealer = Sealer::new(&recipients, &mut rng(1), &mut out).unwrap();
        for _ in 1..MESSAGES {
            sealer.seal(&CONTEXT, b"message", &mut out).unwrap();
        }
        sealer.seal_last(&CONTEXT, b"message", &mut out).unwrap();
    });
    assert_eq!(sealed, encryption::<B>(), "with room for all");

    let (identity, rsa) = (identity::<B>(), decryption::<B>(&out));
    let opened = count(|| {
        let envelope = Envelope::parse(&out).unwrap();
        let pending = envelope.pending(identity.public_key()).unwrap();
        let opener = pending.decrypt(&identity, &mut rng(2)).unwrap();
        let mut sequence = opener.sequence(&envelope);
        while let Some(message) = sequence.open_next(&CONTEXT) {
            message.unwrap();
        }
        sequence.finish().unwrap();
    });
    assert_eq!(opened, rsa + MESSAGES);
}

fn identity<B: Backend>() -> Identity<B> {
    Identity::from_pem(&test_file("agent-a2048.key.pem")).unwrap()
}

fn recipient<B: Backend>() -> Recipient<B> {
    let pem = test_file("agent-a2048.pem");
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, now).unwrap()
}

fn test_file(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

const CONTEXT: SecretContext<'static> = SecretContext::unchecked("agent-1", "my-secret")
    .with_project(ProjectId::from_bytes([0x11; 16]))
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");

macro_rules! tests_for {
    ($backend:ident: $($test:ident)*) => {
        $(#[test]
        fn $test() {
            super::$test::<sealpost_envelope::$backend>();
        })*
    };
}

#[cfg(feature = "rustcrypto")]
mod rustcrypto {
    tests_for! { RustCrypto: sealing opening failures batches }
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use sealpost_envelope::AwsLc;

    tests_for! { AwsLc: sealing opening failures batches }

    /// AWS-LC has a memory of its own: what is counted is Rust's.
    #[test]
    fn rsa_allocates_nothing() {
        let mut envelope = vec![0; 301];
        envelope[100] = 1;
        assert_eq!(super::encryption::<AwsLc>(), 0);
        assert_eq!(super::decryption::<AwsLc>(&envelope), 0);
    }
}
