//! What requests are told apart by: SHA-256, with a label for each purpose.
//!
//! None is made from anything that could be guessed: a message and sealed bytes are random, what came with an
//! idempotency key is a MAC already, and contexts and identifiers are no secrets.

use aws_lc_rs::digest;
use sealpost_envelope::Binding;
use sealpost_protocol::{Context, Idempotency};
use sealpost_vault::OperationId;

/// Under which a request is remembered, or what is compared with one that is.
pub(crate) type Mark = [u8; 32];

/// Where a message is remembered. A gateway signs no two that are equal, and the same again is the same attempt.
pub(crate) fn message(message: &[u8]) -> Mark {
    hash(b"sealpost/operation/1", &[message])
}

/// Where a request with an idempotency key is remembered.
pub(crate) fn key(idempotency: &Idempotency) -> Mark {
    hash(b"sealpost/ledger/1/key", &[idempotency.scope.as_bytes()])
}

/// Where a value sealed at the source is remembered: an identifier is used once for a context.
pub(crate) fn single_use(context: &Context, jti: &str) -> Mark {
    let context = Binding::new(&context.sealing()).to_json();
    hash(
        b"sealpost/ledger/1/jti",
        &[context.as_bytes(), jti.as_bytes()],
    )
}

/// What tells sealed bytes from others.
pub(crate) fn sealed(bytes: &[u8]) -> Mark {
    hash(b"sealpost/ledger/1/sealed", &[bytes])
}

/// The vault's name for what came with an idempotency key: the same for every retry, so that the vault knows its own
/// work again even if the agent forgot.
pub(crate) fn operation_of_key(idempotency: &Idempotency) -> OperationId {
    let parts: [&[u8]; 2] = [idempotency.scope.as_bytes(), idempotency.payload.as_bytes()];
    OperationId::from_bytes(hash(b"sealpost/operation/1/key", &parts))
}

/// The same for what was sealed at the source.
pub(crate) fn operation_of_use(single_use: &Mark, sealed: &Mark) -> OperationId {
    OperationId::from_bytes(hash(b"sealpost/operation/1/jti", &[single_use, sealed]))
}

/// `SHA-256(label ‖ (u64(|part|) ‖ part)*)`
fn hash(label: &[u8], parts: &[&[u8]]) -> Mark {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(label);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut mark = [0; 32];
    mark.copy_from_slice(hash.finish().as_ref());
    mark
}
