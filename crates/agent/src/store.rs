//! The vault: the name of a secret, its creation, and the outcome.

use std::sync::Arc;

use sealpost_channel::Outcome;
use sealpost_context::{OwnedContext, ProjectId};
use sealpost_vault::{
    Deadline, Health, NewSecret, OperationId, Receipt, Vault,
    error::{CreateError, VaultFailure},
};
use sealpost_vault_key::{InvalidResolverRef, ResolverRef, TooLong, VaultSecretName};
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::{
    answer::{Step, failed, refused},
    open_request::Opened,
};

/// Stores secrets in one vault.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) vault: Arc<dyn Vault>,
}

impl Store {
    /// Ends a request, which has stored nothing, while the vault says that it can't store.
    pub(crate) fn check_health(&self) -> Step<()> {
        match self.vault.health() {
            Health::Ready => Step::Continue(()),
            Health::Recovering { reason } | Health::Failed { reason } => {
                error!(%reason, "the vault is not ready; the request is refused");
                Step::Break(Outcome::Busy)
            }
        }
    }

    /// Creates the secret, and waits for the vault until `deadline`.
    pub(crate) async fn create(
        &self,
        opened: &Opened<'_>,
        operation: &OperationId,
        deadline: Instant,
    ) -> Outcome {
        let value = opened.value.as_bytes();
        let name = self.name(&opened.context);
        let limits = self.vault.limits();
        let fits = limits.check_name(name.as_str().len());
        if let Err(long) = fits.and_then(|()| limits.check_value(value.len())) {
            return too_long(long);
        }
        let stored = match stored(&name, &opened.context) {
            Ok(stored) => stored,
            Err(error) => return failed("reference not formed", &error),
        };
        let project = opened.context.project();
        let project = project.as_ref().map(ProjectId::as_bytes);
        let secret = NewSecret::new(&name, value, operation).of_project(project);
        let creating = self.vault.create(&secret, Deadline::at(deadline));
        match timeout_at(deadline, creating).await {
            Ok(Ok(Receipt { .. })) => stored,
            Ok(Err(CreateError::Exists)) => Outcome::Exists,
            Ok(Err(CreateError::PendingDeletion)) => Outcome::PendingDeletion,
            Ok(Err(CreateError::ValueTooLong { len, max })) => {
                too_long(TooLong::Value { len, max })
            }
            Ok(Err(CreateError::ValueRefused { limit })) => value_refused(&limit),
            // The wire has one word for these; the log says which it was.
            Ok(Err(CreateError::Failed(
                failure @ (VaultFailure::WrongKind { .. }
                | VaultFailure::Denied { .. }
                | VaultFailure::Unauthenticated(_)
                | VaultFailure::Throttled { .. }
                | VaultFailure::Full
                | VaultFailure::Unavailable(_)
                | VaultFailure::Unusable(_)),
            ))) => failed("not stored", &failure),
            Err(late) => failed("the vault did not answer in time", &late),
        }
    }

    fn name(&self, context: &OwnedContext) -> VaultSecretName {
        let project = context.project();
        let project = project.as_ref().map(ProjectId::as_bytes);
        VaultSecretName::derive(self.vault.kind(), project, context.name().as_str())
    }
}

fn stored(name: &VaultSecretName, context: &OwnedContext) -> Result<Outcome, InvalidResolverRef> {
    let resolver_ref = ResolverRef::new(name.as_str(), context.key().map(|key| key.as_str()))?;
    Ok(Outcome::Stored {
        resolver_ref: resolver_ref.to_string(),
        vault_secret_name: name.as_str().to_owned(),
    })
}

/// A gateway that knows the vault has refused it already, with these words.
fn too_long(long: TooLong) -> Outcome {
    let member = match long {
        TooLong::Name { .. } => "name",
        TooLong::Value { .. } => "value",
    };
    refused(format!("#/secret/{member}: {long}"))
}

fn value_refused(limit: &str) -> Outcome {
    refused(format!(
        "#/secret/value: the agent's vault does not take it ({limit}); store another value"
    ))
}
