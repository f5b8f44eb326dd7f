//! The two backends: what their dependencies are known to leave behind, and the assertion that there is
//! nothing else.

use std::ops::Range;

use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{Identity, Recipient, SecretContext, Trust, UnixTime, backend::Backend};

#[cfg(feature = "rustcrypto")]
use super::secrets::{D, ENCODED, ENCODED_MONTGOMERY, P, Q};
use super::{
    canaries::{Canaries, Found},
    heap,
};
use sealpost_testkit::freed::Watched;

/// A backend, and what it leaves in blocks that Rust has freed: secret by secret, in how many places. A
/// number that changes is to be looked at, also one that falls.
pub(crate) trait Tested: Backend {
    const NAME: &'static str;

    /// After a private key was imported.
    fn left_by_import() -> Found {
        Found::default()
    }

    /// After a private key was refused whose numbers don't belong together.
    fn left_by_refusal() -> Found {
        Found::default()
    }

    /// After a private key was dropped.
    fn left_by_drop() -> Found {
        Found::default()
    }

    /// After encryption to one recipient.
    fn left_by_encryption() -> Found {
        Found::default()
    }

    /// After decryption.
    fn left_by_decryption() -> Found {
        Found::default()
    }
}

#[cfg(feature = "aws-lc")]
impl Tested for sealpost_envelope::AwsLc {
    const NAME: &'static str = "aws-lc";
}

// `rsa` 0.10.0-rc.20 does not wipe its intermediate values (github.com/RustCrypto/RSA/issues/507); the
// parameters of a modulus are shared and are never wiped (github.com/RustCrypto/crypto-bigint/issues/704),
// also where the modulus is a secret prime.
#[cfg(feature = "rustcrypto")]
impl Tested for sealpost_envelope::RustCrypto {
    const NAME: &'static str = "rustcrypto";

    fn left_by_import() -> Found {
        [(P, 9), (Q, 5)].into()
    }

    fn left_by_refusal() -> Found {
        [(D, 1), (P, 4), (Q, 1)].into()
    }

    fn left_by_drop() -> Found {
        [(P, 1)].into()
    }

    fn left_by_encryption() -> Found {
        [(ENCODED, 1), (ENCODED_MONTGOMERY, 3)].into()
    }

    fn left_by_decryption() -> Found {
        [(ENCODED, 1), (ENCODED_MONTGOMERY, 3), (P, 1), (Q, 1)].into()
    }
}

/// Asserts that of the secrets exactly those `left` are in the blocks that were freed.
#[track_caller]
pub(crate) fn assert_left(watched: &Watched, left: Found, secrets: &Canaries) {
    let found = secrets.find_all(watched.freed());
    assert!(
        found == left,
        "found in freed memory: {found}; expected: {left}"
    );
}

/// Asserts that none of the secrets is in the heap.
#[track_caller]
pub(crate) fn assert_gone(secrets: &Canaries) {
    let found = heap::look(secrets);
    assert!(found.is_empty(), "found in the heap: {found}");
}

pub(crate) fn identity<B: Backend>() -> Identity<B> {
    Identity::from_pem(&test_file("agent-a2048.key.pem")).unwrap()
}

pub(crate) fn recipients<B: Backend>() -> [Recipient<B>; 1] {
    let pem = test_file("agent-a2048.pem");
    [Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, NOW).unwrap()]
}

/// The private key of [`identity`] in PKCS#8. The caller holds a copy of the key then.
pub(crate) fn pkcs8_der() -> Vec<u8> {
    pem_rfc7468::decode_vec(&test_file("agent-a2048.key.pem"))
        .unwrap()
        .1
}

pub(crate) fn test_file(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) const CONTEXT: SecretContext<'static> = SecretContext::unchecked("agent-1", "my-secret")
    .with_project(ProjectId::from_bytes([0x11; 16]))
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");

// Where the parts of an envelope are that has one recipient, with a key of 2,048 bits, and `MESSAGE`.
pub(crate) const ENCAPSULATION: Range<usize> = 45..301;
pub(crate) const HEADER: Range<usize> = 0..301;
pub(crate) const COMMITMENT: Range<usize> = 306..338;
pub(crate) const PADDED: Range<usize> = 342..598;
pub(crate) const TAG: Range<usize> = 598..614;

const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
