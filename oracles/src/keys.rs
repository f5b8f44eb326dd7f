//! The keys that targets use, and the target for private keys.

use std::sync::LazyLock;

use rand::{SeedableRng as _, rngs::ChaCha20Rng};
use sealpost_channel::SigningKey;
use sealpost_envelope::{
    AwsLc, Certificate, Identity, Keyring, Recipient, RustCrypto, Trust, UnixTime,
    backend::Backend,
    key::{IdentityError, PublicKey},
};

use crate::allocations::bounded;

/// An agent's certificate, and its private key.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../testdata/keys/agent-a2048.pem");
pub(crate) const PRIVATE_KEY: &[u8] = include_bytes!("../../testdata/keys/agent-a2048.key.pem");
/// Within the validity of every certificate that is not meant to have expired.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// The agent's public key.
pub(crate) static PUBLIC: LazyLock<PublicKey> =
    LazyLock::new(|| certificate().public_key().clone());
/// Its identity, for both libraries.
pub(crate) static AWS_LC: LazyLock<Keyring<Identity<AwsLc>>> = LazyLock::new(ring);
pub(crate) static RUST_CRYPTO: LazyLock<Keyring<Identity<RustCrypto>>> = LazyLock::new(ring);

pub(crate) fn certificate() -> Certificate {
    Certificate::from_pem(CERTIFICATE).expect("it is well formed")
}

pub(crate) fn recipient<B: Backend>() -> Recipient<B> {
    Recipient::from_certificate(&certificate(), &Trust::DangerAnyCertificate, NOW)
        .expect("it is good to seal to")
}

fn ring<B: Backend>() -> Keyring<Identity<B>> {
    let mut identity = Identity::from_pem(PRIVATE_KEY).expect("it is well formed");
    identity
        .add_certificate(certificate())
        .expect("it is this key's");
    Keyring::new(identity)
}

/// A gateway's key.
pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_pkcs8_der(&pkcs8()).expect("it is a key")
}

/// An Ed25519 key.
pub(crate) fn pkcs8() -> Vec<u8> {
    // RFC 8410 §7: PKCS#8 of an Ed25519 key is this and its 32 bytes.
    const PKCS8: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    [PKCS8, &[9; 32]].concat()
}

/// The same numbers in every run.
pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Private keys, PEM, DER and JWK: the same answer with both libraries, and what is accepted has a public key that keeps
/// the rules.
///
/// The libraries may differ in one thing: whether a key whose numbers don't belong together is refused.
pub(crate) fn identity(bytes: &[u8]) {
    // The key's numbers, its encodings, and for each block of the file a buffer of its size.
    let limit =
        |parse: &dyn Fn() -> Result<(), IdentityError>| bounded(bytes.len(), 64, 1 << 17, parse);
    let (mut aws, mut rust) = (None, None);
    let first = limit(&|| Identity::<AwsLc>::from_pem_or_der(bytes).map(|_| ()));
    let second = limit(&|| Identity::<RustCrypto>::from_pem_or_der(bytes).map(|_| ()));
    if first.is_ok() {
        aws = Identity::<AwsLc>::from_pem_or_der(bytes).ok();
    }
    if second.is_ok() {
        rust = Identity::<RustCrypto>::from_pem_or_der(bytes).ok();
    }
    match (aws, rust) {
        (Some(aws), Some(rust)) => {
            assert_eq!(aws.public_key(), rust.public_key());
            assert_eq!(aws.certificates().len(), rust.certificates().len());
            let public = aws.public_key();
            assert!((2048..=8192).contains(&public.modulus_bits()));
            let again = PublicKey::from_spki_der(public.spki_der());
            assert_eq!(again.as_ref(), Ok(public));
            opens_what_is_sealed(&aws, &rust);
        }
        _ => assert!(
            first == second || one_refused(first, second) || one_refused(second, first),
            "{first:?} and {second:?}"
        ),
    }
}

/// Which numbers are consistent is for the libraries to say; who takes them goes on, to the certificates after the key.
fn one_refused(one: Result<(), IdentityError>, other: Result<(), IdentityError>) -> bool {
    one == Err(IdentityError::Refused)
        && matches!(
            other,
            Ok(()) | Err(IdentityError::CertificateMismatch { .. })
        )
}

/// A key that both libraries take is one key: each opens what is sealed to it.
fn opens_what_is_sealed(aws: &Identity<AwsLc>, rust: &Identity<RustCrypto>) {
    // Big keys are slow, and differ in nothing but their size.
    if aws.public_key().modulus_bits() > 2048 {
        return;
    }
    let Ok(recipient) = Recipient::<AwsLc>::danger_from_public_key(aws.public_key().clone()) else {
        return;
    };
    let context = sealpost_envelope::SecretContext::unchecked("agent", "name");
    let sealed = sealpost_envelope::seal(&[recipient], &context, MESSAGE, &mut rng());
    let Ok(sealed) = sealed else { return };
    let first = sealpost_envelope::open(aws, &sealed, &context, &mut rng());
    let second = sealpost_envelope::open(rust, &sealed, &context, &mut rng());
    assert_eq!(first.as_deref(), Ok(MESSAGE));
    assert_eq!(second.as_deref(), Ok(MESSAGE));
}

const MESSAGE: &[u8] = b"{}";
