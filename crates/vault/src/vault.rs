//! The interface of every vault.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::{CreateError, DeleteError, FetchError};
use crate::operation::OperationId;
use crate::value::SecretValue;
use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};

/// A place that keeps secrets.
///
/// Its methods may be called from any number of tasks at once. When a call is dropped before it has
/// answered, what it asked for may still happen; for `create`, calling again with the same operation
/// tells.
#[async_trait]
pub trait Vault: Send + Sync + Debug {
    /// The kind of vault; names must be derived for it.
    fn kind(&self) -> VaultKind;

    /// The longest names and values that this vault takes.
    fn limits(&self) -> Limits;

    /// Stores a secret under a name that is free. Once this has answered `Ok`, the secret is durable.
    ///
    /// If `operation` has stored this very value under this name before, the answer is `Ok` again, and
    /// nothing is written. Give a retry the same operation, and every other request another one.
    ///
    /// # Errors
    ///
    /// - [`CreateError::Exists`]: the name is taken, be it by another operation, or by this one with
    ///   another value. Of several calls for one name at the same time, one wins and the others get
    ///   this.
    /// - [`CreateError::PendingDeletion`]: a deleted secret still holds the name.
    /// - [`CreateError::ValueTooLong`]: nothing was stored.
    /// - [`CreateError::Failed`]: whether the secret was stored is not known; calling again with the
    ///   same operation is safe.
    async fn create(
        &self,
        name: &VaultSecretName,
        value: &[u8],
        operation: &OperationId,
    ) -> Result<(), CreateError>;

    /// Reads a secret, byte for byte as it was given.
    ///
    /// # Errors
    ///
    /// - [`FetchError::NotFound`]: no such secret, or it was deleted.
    /// - [`FetchError::Damaged`]: what is stored is not what was written.
    /// - [`FetchError::Failed`]: the vault could not be asked.
    async fn fetch(&self, name: &VaultSecretName) -> Result<SecretValue, FetchError>;

    /// Deletes a secret. Once this has answered `Ok`, no crash brings it back.
    ///
    /// # Errors
    ///
    /// - [`DeleteError::NotFound`]: no such secret, or it was deleted before.
    /// - [`DeleteError::Failed`]: whether the secret was deleted is not known.
    async fn delete(&self, name: &VaultSecretName) -> Result<(), DeleteError>;
}
