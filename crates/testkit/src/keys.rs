//! The agents whose keys are in `testdata/keys`, by their names: `a2048`, `b2048`, `a3072`, `a4096`.

use sealpost_envelope::{Certificate, Identity, Recipient, Trust, UnixTime, backend::Backend};

use crate::files;

/// All of them.
pub const KEYS: [&str; 4] = ["a2048", "b2048", "a3072", "a4096"];

/// A time at which their certificates are valid.
pub const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// The private key in PEM.
#[must_use]
pub fn key_pem(name: &str) -> Vec<u8> {
    files::read(&format!("keys/agent-{name}.key.pem"))
}

/// The certificate in PEM.
#[must_use]
pub fn certificate_pem(name: &str) -> Vec<u8> {
    files::read(&format!("keys/agent-{name}.pem"))
}

/// The certificate.
#[must_use]
pub fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&certificate_pem(name)).unwrap()
}

/// The private key alone.
#[must_use]
pub fn identity<B: Backend>(name: &str) -> Identity<B> {
    Identity::from_pem(&key_pem(name)).unwrap()
}

/// The private key with its certificate, by which CMS can name it.
#[must_use]
pub fn certified_identity<B: Backend>(name: &str) -> Identity<B> {
    let mut identity = identity(name);
    identity.add_certificate(certificate(name)).unwrap();
    identity
}

/// The certificate as a recipient, trusted without a check.
#[must_use]
pub fn recipient<B: Backend>(name: &str) -> Recipient<B> {
    Recipient::from_certificate_pem(&certificate_pem(name), &Trust::DangerAnyCertificate, NOW)
        .unwrap()
}
