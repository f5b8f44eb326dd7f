//! The test keys of `testdata/keys`, in three sizes.

use sealpost_envelope::{Backend, Identity, Recipient, Trust, UnixTime};

/// The key sizes in bits.
pub const RSA_BITS: [usize; 3] = [2048, 3072, 4096];

/// The recipient with a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn recipient<B: Backend>(bits: usize) -> Recipient<B> {
    let pem = read(&format!("agent-a{bits}.pem"));
    Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, NOW)
        .expect("a test certificate is valid")
}

/// The identity with a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn identity<B: Backend>(bits: usize) -> Identity<B> {
    Identity::from_pem(&read(&format!("agent-a{bits}.key.pem"))).expect("a test key is valid")
}

/// The PKCS#8 DER of the identity with a key of `bits` bits.
///
/// # Panics
///
/// If `testdata/keys` has no such key.
#[must_use]
pub fn pkcs8_der(bits: usize) -> Vec<u8> {
    let pem = read(&format!("agent-a{bits}.key.pem"));
    let (_, der) = pem_rfc7468::decode_vec(&pem).expect("a test key is valid PEM");
    der
}

fn read(name: &str) -> Vec<u8> {
    let path = format!("{}/../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A time at which the test certificates are valid.
const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
