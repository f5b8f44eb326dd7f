//! How a vault recognises a retry.

/// Identifies one attempt to store one secret, over all its retries.
///
/// The caller of [`Vault::create`](crate::Vault::create) chooses it: at random, or as a MAC of what identifies the
/// request. It is stored beside the secret and is not secret itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct OperationId([u8; 32]);

impl OperationId {
    /// Takes the 32 bytes as they are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
