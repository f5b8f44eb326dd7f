//! What can go wrong in a vault.
//!
//! The enums are exhaustive: a caller that decides by them sees every case.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use sealpost_vault_key::VaultKind;
use thiserror::Error;

/// Why a secret was not stored.
#[derive(Clone, Debug, Error)]
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
    /// The value breaks another limit of the vault.
    #[error("this vault does not take the value: {limit}")]
    ValueRefused {
        /// The limit, such as `at most 498 members with strings`. It holds nothing of the value.
        limit: Cow<'static, str>,
    },
    /// The vault did not do its work.
    #[error(transparent)]
    Failed(#[from] VaultFailure),
}

/// Why a secret was not read.
#[derive(Clone, Debug, Error)]
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
pub enum DeleteError {
    /// There is no such secret.
    #[error("the vault holds no secret of this name; it may have been deleted before")]
    NotFound,
    /// The vault did not do its work.
    #[error(transparent)]
    Failed(#[from] VaultFailure),
}

/// Why a vault did not do its work, by who must act.
///
/// Its text and its sources hold no value of a secret and no credential.
#[derive(Clone, Debug, Error)]
pub enum VaultFailure {
    /// The name was derived for another kind of vault: a defect of the program.
    #[error(
        "the name was derived for a vault of kind {name}, and this one is {vault}; this is a defect: report it"
    )]
    WrongKind {
        /// The kind for which the name was derived.
        name: VaultKind,
        /// The kind of the vault.
        vault: VaultKind,
    },
    /// The vault knows the caller and does not permit the call: the vault's policy must change.
    #[error("the vault does not permit this; grant {permission} to the agent's credentials")]
    Denied {
        /// The missing permission in the vault's own words, such as `secretsmanager:CreateSecret`.
        permission: Cow<'static, str>,
    },
    /// The vault does not accept the credentials, or there are none: they must be renewed.
    #[error("the vault does not accept the agent's credentials ({0}); renew them")]
    Unauthenticated(#[source] Cause),
    /// The vault is asked too often.
    #[error("the vault is asked too often; ask less, or raise its quota")]
    Throttled {
        /// How long the vault wants to be left alone, if it says so.
        wait: Option<Duration>,
    },
    /// There is no space left.
    #[error("the vault has no space left; free some on its disk, then try again")]
    Full,
    /// The vault cannot be reached, is sealed, restarting or late; the source says why.
    #[error("the vault cannot be used: {0}")]
    Unavailable(#[source] Cause),
    /// The vault cannot be used until a person acts: it is set up otherwise than configured, or it stopped to protect
    /// what it holds; the source says what to do.
    #[error("the vault cannot be used: {0}")]
    Unusable(#[source] Cause),
}

/// What lies behind a failure. Its text holds no value of a secret and no credential.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a vault does not open.
pub type OpenError = Box<dyn Error + Send + Sync>;

impl VaultFailure {
    /// The vault cannot be reached for this cause, whose text must hold no secret.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    /// The vault cannot be used until a person acts, for this cause, whose text must hold no secret.
    pub fn unusable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unusable(cause.into().into())
    }

    /// The vault does not accept the credentials for this cause, whose text must hold no secret.
    pub fn unauthenticated(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unauthenticated(cause.into().into())
    }

    /// Returns after which time a retry may succeed without a person acting: zero if the vault does not say.
    /// `None`: a retry is not worth it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { wait } => Some(wait.unwrap_or_default()),
            Self::Unavailable(_) => Some(Duration::ZERO),
            Self::WrongKind { .. }
            | Self::Denied { .. }
            | Self::Unauthenticated(_)
            | Self::Full
            | Self::Unusable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_who_must_act_and_whether_a_retry_may_help() {
        let second = Duration::from_secs(1);
        let wrong = VaultFailure::WrongKind {
            name: VaultKind::AWS,
            vault: VaultKind::KV2,
        };
        let denied = VaultFailure::Denied {
            permission: "secretsmanager:CreateSecret".into(),
        };
        for (failure, retry, text) in [
            (wrong, None, "of kind aws, and this one is kv2"),
            (denied, None, "grant secretsmanager:CreateSecret"),
            (
                VaultFailure::unauthenticated("the token expired"),
                None,
                "(the token expired); renew",
            ),
            (
                VaultFailure::Throttled { wait: Some(second) },
                Some(second),
                "raise its quota",
            ),
            (
                VaultFailure::Throttled { wait: None },
                Some(Duration::ZERO),
                "raise its quota",
            ),
            (VaultFailure::Full, None, "no space left"),
            (
                VaultFailure::unavailable("it is sealed"),
                Some(Duration::ZERO),
                "cannot be used: it is sealed",
            ),
            (
                VaultFailure::unusable("there is no such mount"),
                None,
                "cannot be used: there is no such mount",
            ),
        ] {
            assert_eq!(failure.retry_after(), retry, "{failure}");
            assert!(failure.to_string().contains(text), "{failure}");
        }
    }
}
