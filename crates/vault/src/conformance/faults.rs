//! How a test makes the server of a vault fail.

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_vault_key::VaultSecretName;

use crate::{Vault, error::VaultFailure};

/// Makes the server of the vault that is tested fail: what stands between the two, or the server's own tools.
///
/// Every method but [`again`](Self::again) returns whether it can do this; if not, the case is skipped.
#[async_trait]
pub trait Faults: Send + Sync {
    /// Returns another vault with the same server and credentials, as a process has that was started again.
    async fn again(&self) -> Arc<dyn Vault>;

    /// Does the next `count` writes, and loses their answers.
    async fn lose_answers(&self, _count: usize) -> bool {
        false
    }

    /// Refuses the next `count` requests as too frequent.
    async fn throttle(&self, _count: usize) -> bool {
        false
    }

    /// Refuses the next `count` requests as a server does that can't serve now: sealed, starting, without a leader.
    async fn be_away(&self, _count: usize) -> bool {
        false
    }

    /// Ends the credentials that the vault uses now. It can get others.
    async fn expire_credentials(&self) -> bool {
        false
    }

    /// Returns a vault with credentials that the server does not know, or the failure of opening one; `None` if it can't.
    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        None
    }

    /// Deletes a secret as a person does with the server's own tools, so that it can be restored.
    async fn delete_as_a_person(&self, _name: &VaultSecretName) -> bool {
        false
    }
}
