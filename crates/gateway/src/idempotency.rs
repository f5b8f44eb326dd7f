//! `Idempotency-Key`: the header, and the digests by which an agent recognises a retry.

mod digests;
mod key;

pub use digests::IdempotencySecret;
pub(crate) use key::IdempotencyKey;
