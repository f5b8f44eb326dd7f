//! What every backend must do, generic over the backend, and the keys to do it with.
//!
//! Not a test binary of its own (`autotests` names those): `backends.rs` instantiates it.

pub(crate) mod batches;
pub(crate) mod buffers;
pub(crate) mod certificates;
pub(crate) mod failures;
pub(crate) mod identities;
pub(crate) mod keyrings;
pub(crate) mod phases;
pub(crate) mod round_trips;

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{Identity, Recipient, SecretContext, Trust, UnixTime, backend::Backend};

/// The agents whose keys are in `testdata/keys`.
pub(crate) const KEYS: [&str; 4] = ["a2048", "b2048", "a3072", "a4096"];

/// A time at which the certificates in `testdata/keys` are valid.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// The context of most tests, with every field set.
pub(crate) const CONTEXT: SecretContext<'static> = SecretContext::unchecked("agent-1", "my-secret")
    .with_project(ProjectId::from_bytes([0x11; 16]))
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn test_file(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn identity<B: Backend>(name: &str) -> Identity<B> {
    Identity::from_pem(&test_file(&format!("agent-{name}.key.pem"))).unwrap()
}

pub(crate) fn recipient<B: Backend>(name: &str) -> Recipient<B> {
    let pem = test_file(&format!("agent-{name}.pem"));
    Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, NOW).unwrap()
}

/// Is the `openssl` command there? Where not, the test says so and is not run; where everything is meant to
/// be run, it fails.
pub(crate) fn has_openssl() -> bool {
    let there = std::process::Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs the `openssl` command: install it"
        );
        // Not by the macro, whose output the test harness keeps to itself.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"NOT RUN: a test that needs the `openssl` command\n",
        );
    }
    there
}
