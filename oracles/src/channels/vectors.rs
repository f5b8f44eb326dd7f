//! What `testdata/channels` has of two channels, one of which signs its requests.

use std::sync::LazyLock;

use sealpost_envelope::Certificate;

pub(super) struct Vector {
    /// The opening, with its signature.
    pub(super) signed: Vec<u8>,
    /// A message by it, and its body.
    pub(super) message: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) outcomes: Vec<Vec<u8>>,
    pub(super) refusals: Vec<Vec<u8>>,
}

pub(super) static VECTORS: LazyLock<[Vector; 2]> = LazyLock::new(|| {
    [
        include_str!("../../../testdata/channels/a2048_flags_0.txt"),
        include_str!("../../../testdata/channels/a2048_flags_1.txt"),
    ]
    .map(|file| Vector {
        signed: one(file, "signed"),
        message: one(file, "message"),
        body: one(file, "body"),
        bodies: all(file, "body"),
        outcomes: all(file, "outcome"),
        refusals: (1..=6)
            .map(|n| one(file, &format!("refusal_{n}")))
            .collect(),
    })
});

/// A certificate of a key that the agent of the vectors does not have.
pub(super) fn other_certificate() -> Certificate {
    Certificate::from_pem(include_bytes!("../../../testdata/keys/agent-b2048.pem"))
        .expect("it is well formed")
}

fn one(file: &str, name: &str) -> Vec<u8> {
    all(file, name).swap_remove(0)
}

fn all(file: &str, name: &str) -> Vec<Vec<u8>> {
    file.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(|hex| {
            let mut bytes = vec![0; hex.len() / 2];
            sealpost_context::hex::decode(hex.as_bytes(), &mut bytes).expect("it is hex");
            bytes
        })
        .collect()
}
