//! The vault: names to requests, and answers to outcomes.

#[cfg(feature = "sdk")]
mod authentication;
mod builder;
mod calls;
mod create;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use sealpost_vault::{
    Access, Deadline, Health, Lifecycle, Limits, NewSecret, Patience, Receipt, SecretValue, Vault,
    VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{CreateGuarantee, DeletedNames, Guarantees, Reads, Retries},
};
use sealpost_vault_http::{Http, Session, State, json};
use tokio::task::JoinHandle;

use crate::meaning::Meaning;
use crate::policy;

pub use builder::AzureBuilder;

/// Secrets in Azure Key Vault. The [crate](crate) says what it does and what it does not.
pub struct AzureVault {
    shared: Arc<Shared>,
    maintenance: JoinHandle<()>,
}

/// What calls and maintenance share.
struct Shared {
    http: Http,
    /// Without a slash at the end.
    address: String,
    resource: String,
    session: Session,
    access: Access,
    max_value: usize,
    /// How long a version must be there before it is known to be the oldest.
    settle: Duration,
    state: State,
    /// Within one process nobody races: the check and the set of one name are one after the other.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

#[async_trait]
impl Vault for AzureVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AZURE
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: self.shared.max_value,
            ..VaultKind::AZURE.limits()
        }
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::STRONGEST;
        guarantees.create = CreateGuarantee::CheckAndVerify;
        guarantees.deleted_names = DeletedNames::Held;
        if self.shared.access < Access::Resolve {
            guarantees.reads = Reads::Denied;
            guarantees.retries = Retries::Operation;
        }
        guarantees
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        let name = checked(secret.name)?;
        let (len, max) = (secret.value.len(), self.shared.max_value);
        if len > max {
            return Err(CreateError::ValueTooLong { len, max });
        }
        let value = std::str::from_utf8(secret.value).unwrap_or_default();
        if value.is_empty() {
            return Err(CreateError::ValueRefused {
                limit: "it holds text in UTF-8, of at least one character".into(),
            });
        }
        let created = self
            .shared
            .create(name, value, secret.operation, Patience::until(deadline))
            .await;
        if let Err(CreateError::Failed(failure)) = &created {
            self.shared.state.note(failure);
        }
        created
    }

    async fn fetch(
        &self,
        name: &VaultSecretName,
        deadline: Deadline,
    ) -> Result<SecretValue, FetchError> {
        let name = checked(name)?;
        let fetched = self.shared.fetch(name, Patience::until(deadline)).await;
        if let Err(FetchError::Failed(failure)) = &fetched {
            self.shared.state.note(failure);
        }
        fetched
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        (self.shared.access >= Access::Delete).then_some(self)
    }

    fn health(&self) -> Health {
        self.shared.state.health()
    }

    async fn close(&self) {
        self.maintenance.abort();
        self.shared.state.close();
    }
}

#[async_trait]
impl Lifecycle for AzureVault {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let name = checked(name)?;
        let deleted = self.shared.delete(name, Patience::until(deadline)).await;
        if let Err(DeleteError::Failed(failure)) = &deleted {
            self.shared.state.note(failure);
        }
        deleted
    }
}

impl Drop for AzureVault {
    fn drop(&mut self) {
        self.maintenance.abort();
    }
}

impl fmt::Debug for AzureVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureVault")
            .field("http", &self.shared.http)
            .field("access", &self.shared.access)
            .finish_non_exhaustive()
    }
}

impl Shared {
    async fn fetch(&self, name: &str, mut patience: Patience) -> Result<SecretValue, FetchError> {
        if self.access < Access::Resolve {
            return Err(VaultFailure::Denied {
                permission: "read values: access = \"resolve\" in its configuration".into(),
            }
            .into());
        }
        let path = format!("/secrets/{name}");
        let call = self.call(Method::GET, &path, &mut patience).await?;
        match call.meaning {
            Meaning::Done => match json::string(&call.body, &["value"]) {
                Some(mut value) => {
                    // The bytes move with their buffer.
                    let bytes = std::mem::take(&mut *value).into_bytes();
                    Ok(SecretValue::new(bytes.into()))
                }
                None => Err(failure(Meaning::Done, policy::GET).into()),
            },
            Meaning::Absent | Meaning::Disabled => Err(FetchError::NotFound),
            other => Err(failure(other, policy::GET).into()),
        }
    }

    async fn delete(&self, name: &str, mut patience: Patience) -> Result<(), DeleteError> {
        let path = format!("/secrets/{name}");
        let mut attempts = 0;
        loop {
            attempts += 1;
            let call = self
                .call_once(Method::DELETE, &path, None, &patience)
                .await?;
            return match call.meaning {
                Meaning::Done => Ok(()),
                // An attempt whose answer was lost may have deleted it.
                Meaning::Absent | Meaning::Deleted if attempts > 1 => Ok(()),
                Meaning::Absent | Meaning::Deleted => Err(DeleteError::NotFound),
                Meaning::Later(cause, wait) => {
                    patience.pause(cause, wait).await?;
                    continue;
                }
                other => Err(failure(other, policy::DELETE).into()),
            };
        }
    }
}

/// Names share a turn only by chance.
const TURNS: usize = 64;

/// Returns the name's text. Fails if the name is for another kind of vault.
fn checked(name: &VaultSecretName) -> Result<&str, VaultFailure> {
    if name.kind() == VaultKind::AZURE {
        return Ok(name.as_str());
    }
    Err(VaultFailure::WrongKind {
        name: name.kind(),
        vault: VaultKind::AZURE,
    })
}

/// What an answer means that nothing was done with: a missing permission, or one that the call did not expect.
fn failure(meaning: Meaning, permission: &str) -> VaultFailure {
    match meaning {
        Meaning::Never(failure) | Meaning::Later(failure, _) => failure,
        Meaning::Forbidden => VaultFailure::Denied {
            permission: format!("{permission} (sealpost vault policy prints the role)").into(),
        },
        _ => VaultFailure::unusable(
            "its answer is not one of Key Vault; look whether a proxy answers in its place",
        ),
    }
}
