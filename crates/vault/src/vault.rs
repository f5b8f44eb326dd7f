//! The interface of every vault.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use sealpost_vault_key::{Limits, VaultKind, VaultSecretName};

use crate::{
    deadline::Deadline,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::Guarantees,
    health::Health,
    receipt::Receipt,
    secret::NewSecret,
    value::SecretValue,
};

/// A place that keeps secrets.
///
/// Its methods may be called from any number of tasks at once.
///
/// # Cancellation
///
/// A caller may drop any call at any point where it waits. What was asked for may then happen or not, also later.
/// Whether a secret was stored is found out by calling `create` again with the same operation. An implementation must
/// stay usable after a call was dropped, and must leave nothing behind that turns the caller's retry into
/// [`CreateError::Exists`].
///
/// The deadline that is passed to a call is for the vault's own plans; see [`Deadline`].
#[async_trait]
pub trait Vault: Send + Sync + Debug {
    /// Returns the kind of vault; names must be derived for it.
    fn kind(&self) -> VaultKind;

    /// Returns what tells this vault from every other of its kind, for as long as it exists; `None` if it has no such
    /// identifier. What remembers something of a vault keeps it, and so recognises another vault in its place.
    fn id(&self) -> Option<VaultId> {
        None
    }

    /// Returns the longest names and values that this vault takes: those of its kind unless it is configured
    /// otherwise, for example with a prefix before each name. Gateway and agent refuse what is longer.
    fn limits(&self) -> Limits {
        self.kind().limits()
    }

    /// Returns what this vault promises.
    fn guarantees(&self) -> Guarantees;

    /// Stores a secret under a name that is free. Once this has returned `Ok`, the secret is durable.
    ///
    /// If the secret's operation has stored this very value under this name before, the same receipt is returned
    /// again, and nothing is written. Give a retry the same operation, and every other request another one.
    ///
    /// # Errors
    ///
    /// - [`CreateError::Exists`]: the name is taken, by another operation, or by this one with another value. Of
    ///   several calls for one name at the same time, one wins and the others get this.
    /// - [`CreateError::PendingDeletion`]: a deleted secret still holds the name.
    /// - [`CreateError::ValueTooLong`], [`CreateError::ValueRefused`]: nothing was stored.
    /// - [`CreateError::Failed`]: whether the secret was stored is not known; calling again with the same operation
    ///   is safe.
    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError>;

    /// Reads a secret, byte for byte as it was given.
    ///
    /// # Errors
    ///
    /// - [`FetchError::NotFound`]: there is no such secret, or it was deleted.
    /// - [`FetchError::Damaged`]: what is stored is not what was written.
    /// - [`FetchError::Failed`]: the vault could not be asked.
    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError>;

    /// Returns the verbs for secrets that are stored, or `None` if this vault does not have them, or its credentials
    /// do not permit them.
    ///
    /// They are a trait of their own so that a vault without them says so before it is asked, and so that further
    /// verbs change no vault that has none.
    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        None
    }

    /// Returns whether the vault can store and fetch now, as far as it knows; it is not asked for that.
    ///
    /// It is called often and from tasks: it must not block. A call that fails because of the vault's state must have
    /// changed what this returns before it answers: otherwise callers are sent to a vault that can't serve them. A vault
    /// that is [`Recovering`](Health::Recovering) becomes ready by itself, without waiting for a call. Unless
    /// implemented, the vault is always ready.
    fn health(&self) -> Health {
        Health::Ready
    }

    /// Tries whether secrets can be stored, if that leaves no trace: [`health`](Self::health) has the result. It is called once,
    /// before the process says that it is ready. Unless implemented, it does nothing, and the first secret shows it.
    async fn probe(&self) {}

    /// Looks whether what the vault keeps on this machine is still what it wrote: [`health`](Self::health) has the result. A program
    /// calls it about every second. Unless implemented, it does nothing.
    async fn look(&self) {}

    /// Finishes what was begun and frees what the vault holds: files, connections, credentials. Everything that was
    /// acknowledged stays durable, also without it.
    ///
    /// Calls that come later may fail with [`VaultFailure::Unusable`](crate::error::VaultFailure::Unusable). Closing twice
    /// does no harm. Unless implemented, it does nothing.
    async fn close(&self) {}

    /// Returns what went wrong while the vault was closed, for example a write that did not reach the disk; `None` before.
    /// The program then ends with this reason. Unless implemented, closing does not fail.
    fn close_failure(&self) -> Option<VaultFailure> {
        None
    }
}

/// The verbs for secrets that are stored.
///
/// What [`Vault`] says of cancellation and deadlines holds here, too. Verbs that are added get a default body, which
/// refuses.
#[async_trait]
pub trait Lifecycle: Send + Sync {
    /// Deletes a secret. Once this has returned `Ok`, no crash brings it back. Whether its name is free is said by
    /// [`Guarantees::deleted_names`].
    ///
    /// # Errors
    ///
    /// - [`DeleteError::NotFound`]: there is no such secret, or it was deleted before.
    /// - [`DeleteError::Failed`]: whether the secret was deleted is not known.
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError>;
}

/// Tells a vault from every other. It is not secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VaultId([u8; 16]);

impl VaultId {
    /// Wraps the bytes that a vault chose at random when it was created.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
