//! Digests that tell requests apart: SHA-256, with a label for each purpose.
//!
//! No digest is made from something secret that could be guessed: sealed bytes are random, an idempotency
//! key arrives as a MAC, and contexts and identifiers are not secret.

use aws_lc_rs::digest::{Context as Sha256, SHA256};
use sealpost_channel::Marks;
use sealpost_context::OwnedContext;
use sealpost_envelope::binding::Binding;
use sealpost_vault::OperationId;

/// Identifies a request, or the payload of one.
pub(crate) type Digest = [u8; 32];

/// Identifies a request by its idempotency key.
pub(crate) fn key(marks: &Marks) -> Digest {
    hash(b"sealpost/ledger/1/key", &[&marks.scope])
}

/// Identifies a value that was sealed at the source: an identifier is used once for a context.
pub(crate) fn single_use(context: &OwnedContext, jti: &str) -> Digest {
    let context = Binding::new(&context.borrow()).to_json();
    hash(
        b"sealpost/ledger/1/jti",
        &[context.as_bytes(), jti.as_bytes()],
    )
}

/// Identifies sealed bytes.
pub(crate) fn sealed(bytes: &[u8]) -> Digest {
    hash(b"sealpost/ledger/1/sealed", &[bytes])
}

/// The vault's operation for a request with an idempotency key. It is the same for every retry, so the vault recognises
/// its own work even if the agent has forgotten the request.
pub(crate) fn operation_of_key(marks: &Marks) -> OperationId {
    let parts: [&[u8]; 2] = [&marks.scope, &marks.payload];
    OperationId::from_bytes(hash(b"sealpost/operation/1/key", &parts))
}

/// The vault's operation for a value that was sealed at the source.
pub(crate) fn operation_of_use(single_use: &Digest, sealed: &Digest) -> OperationId {
    OperationId::from_bytes(hash(b"sealpost/operation/1/jti", &[single_use, sealed]))
}

/// Returns what an entry of the ledger ends with: it tells whether digest and record are what was written.
pub(crate) fn check_of_entry(digest: &Digest, record: &[u8]) -> [u8; 16] {
    let hash = hash(b"sealpost/ledger/2/check", &[digest, record]);
    let mut check = [0; 16];
    check.copy_from_slice(&hash[..16]);
    check
}

/// `SHA-256(label ‖ (u64(|part|) ‖ part)*)`
fn hash(label: &[u8], parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new(&SHA256);
    hash.update(label);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}
