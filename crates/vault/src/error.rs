//! What can go wrong in a vault.

use std::error::Error;
use std::sync::Arc;

use sealpost_vault_key::VaultKind;
use thiserror::Error;

/// Why a secret was not stored.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is taken.
    #[error(
        "the vault holds a secret of this name; choose another name, or delete that secret first"
    )]
    Exists,
    /// A deleted secret still holds the name, as some vaults keep them for a while.
    #[error(
        "the vault still keeps a deleted secret of this name; choose another name, or purge that secret"
    )]
    PendingDeletion,
    /// The value is longer than the vault takes.
    #[error(
        "the value has {len} bytes, and this vault takes {max}; store less, or raise its limit"
    )]
    ValueTooLong {
        /// The length of the value in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The vault did not do its work.
    #[error(transparent)]
    Failed(#[from] VaultFailure),
}

/// Why a secret was not read.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no such secret.
    #[error("the vault holds no secret of this name; look whether it was deleted")]
    NotFound,
    /// What is stored does not authenticate.
    #[error(
        "the secret is stored, but its record was changed from outside or belongs to another name; \
         restore the vault from a backup"
    )]
    Damaged,
    /// The vault did not do its work.
    #[error(transparent)]
    Failed(#[from] VaultFailure),
}

/// Why a secret was not deleted.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// There is no such secret.
    #[error("the vault holds no secret of this name; it may have been deleted before")]
    NotFound,
    /// The vault did not do its work.
    #[error(transparent)]
    Failed(#[from] VaultFailure),
}

/// Why a vault did not do its work.
///
/// Its text and its sources hold no value of a secret.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum VaultFailure {
    /// The name was derived for another kind of vault: a defect of the program.
    #[error(
        "the name was derived for a vault of kind {name}, and this one is {vault}; derive it anew"
    )]
    WrongKind {
        /// The kind for which the name was derived.
        name: VaultKind,
        /// The kind of the vault.
        vault: VaultKind,
    },
    /// There is no space left.
    #[error("the vault has no space left; free some on its disk, then try again")]
    Full,
    /// The vault cannot be reached or cannot go on; the source says why.
    #[error("the vault cannot be used: {0}")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
}

impl VaultFailure {
    /// A failure with its cause, whose text must hold no value of a secret.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into().into())
    }
}
