//! The test keys of `testdata/keys`, in three sizes.

use sealpost_envelope::{Identity, Recipient, Trust, UnixTime, backend::Backend};

/// The key sizes in bits.
pub const RSA_BITS: [usize; 3] = [2048, 3072, 4096];

/// A time at which the test certificates are valid.
pub const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// The recipient with a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn recipient<B: Backend>(bits: usize) -> Recipient<B> {
    Recipient::from_certificate_pem(&certificate_pem(bits), &Trust::DangerAnyCertificate, NOW)
        .expect("a test certificate is valid")
}

/// The identity with a key of `bits` bits, its certificate with it.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn identity<B: Backend>(bits: usize) -> Identity<B> {
    let file = [key_pem(bits), certificate_pem(bits)].concat();
    Identity::from_pem(&file).expect("a test key is valid")
}

/// The PKCS#8 DER of the identity with a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn pkcs8_der(bits: usize) -> Vec<u8> {
    let (_, der) = pem_rfc7468::decode_vec(&key_pem(bits)).expect("a test key is valid PEM");
    der
}

/// The certificate for a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has none.
#[must_use]
pub fn certificate_pem(bits: usize) -> Vec<u8> {
    read(&format!("agent-a{bits}.pem"))
}

/// The private key of `bits` bits, in PKCS#8.
///
/// # Panics
///
/// If `testdata/keys` has none.
#[must_use]
pub fn key_pem(bits: usize) -> Vec<u8> {
    read(&format!("agent-a{bits}.key.pem"))
}

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
