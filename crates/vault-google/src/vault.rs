//! The vault: names to requests, and answers to outcomes.

mod builder;
mod calls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use sealpost_vault::{
    Access, Deadline, Health, Lifecycle, Limits, NewSecret, Patience, Receipt, SecretValue, Vault,
    VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{Guarantees, Reads, Retries},
    receipt::Version,
};
use sealpost_vault_http::{Http, Session, State};
use tokio::task::JoinHandle;

use crate::layout::{self, Replication};
use crate::meaning::Meaning;
use crate::place::Place;
use crate::policy;

pub use builder::GoogleBuilder;

/// Secrets in Google Secret Manager. The [crate](crate) says what it does and what it does not.
pub struct GoogleVault {
    shared: Arc<Shared>,
    maintenance: JoinHandle<()>,
}

/// What calls and maintenance share.
struct Shared {
    http: Http,
    session: Session,
    place: Place,
    replication: Replication,
    access: Access,
    max_value: usize,
    state: State,
}

/// What is under a name that is taken.
enum There {
    /// It was deleted meanwhile, or is not seen yet.
    Nothing,
    /// A secret that this operation created.
    Own,
    /// Another secret.
    Other,
}

#[async_trait]
impl Vault for GoogleVault {
    fn kind(&self) -> VaultKind {
        VaultKind::GOOGLE
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: self.shared.max_value,
            ..VaultKind::GOOGLE.limits()
        }
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::STRONGEST;
        guarantees.reads = Reads::Eventual;
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
        let created = self
            .shared
            .create(name, secret, Patience::until(deadline))
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
impl Lifecycle for GoogleVault {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let name = checked(name)?;
        let deleted = self.shared.delete(name, Patience::until(deadline)).await;
        if let Err(DeleteError::Failed(failure)) = &deleted {
            self.shared.state.note(failure);
        }
        deleted
    }
}

impl Drop for GoogleVault {
    fn drop(&mut self) {
        self.maintenance.abort();
    }
}

impl fmt::Debug for GoogleVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleVault")
            .field("http", &self.shared.http)
            .field("place", &self.shared.place)
            .field("access", &self.shared.access)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Creates the secret, which decides who wins, then adds its version. Both may have been done by an attempt before.
    async fn create(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        mut patience: Patience,
    ) -> Result<Receipt, CreateError> {
        let is_new = self.create_secret(name, secret, &mut patience).await?;
        let body = layout::version(secret.value);
        let path = self.place.path(name, ":addVersion");
        let mut may_be_there = !is_new;
        if may_be_there && !self.has_version(name, secret, &mut patience).await? {
            // Most likely the one that created it is about to add the version.
            let cause = VaultFailure::unavailable("its version is not there yet");
            patience.pause(cause, Some(IN_FLIGHT)).await?;
        }
        loop {
            if may_be_there && self.has_version(name, secret, &mut patience).await? {
                return Ok(self.receipt(name));
            }
            let call = self
                .call_once(Method::POST, &path, Some(&body), &patience)
                .await?;
            match call.meaning {
                Meaning::Done => return Ok(self.receipt(name)),
                Meaning::Forbidden => return Err(denied(policy::ADD).into()),
                Meaning::Later(cause, wait) => patience.pause(cause, wait).await?,
                // A secret that was created a moment ago may not be seen yet.
                Meaning::Absent => {
                    let cause = VaultFailure::unavailable(
                        "the secret that was created is not there; it may have been deleted at the same time",
                    );
                    patience.pause(cause, None).await?;
                }
                other => return Err(failure(other).into()),
            }
            may_be_there = true;
        }
    }

    /// Returns whether the secret is new; `false` if this operation created it before.
    async fn create_secret(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        patience: &mut Patience,
    ) -> Result<bool, CreateError> {
        let path = self.place.creation(name);
        let body = layout::creation(&self.place, &self.replication, secret.operation);
        loop {
            let call = self
                .call(Method::POST, &path, Some(&body), patience)
                .await?;
            match call.meaning {
                Meaning::Done => return Ok(true),
                Meaning::Taken => {}
                Meaning::Forbidden => return Err(denied(policy::CREATE).into()),
                Meaning::Absent => {
                    return Err(VaultFailure::unusable(
                        "there is no such project; compare it with `gcloud projects list`",
                    )
                    .into());
                }
                Meaning::Precondition => {
                    return Err(VaultFailure::unusable(
                        "the project's organisation does not permit a secret there; compare `replicas` and `location` with its policy on resource locations",
                    )
                    .into());
                }
                other => return Err(failure(other).into()),
            }
            match self.there(name, secret, patience).await? {
                There::Own => return Ok(false),
                There::Other => return Err(CreateError::Exists),
                There::Nothing => {
                    let cause = VaultFailure::unavailable(
                        "it says that the name is taken, and has nothing under it; ask again",
                    );
                    patience.pause(cause, None).await?;
                }
            }
        }
    }

    /// Finds out whose secret is under a name.
    async fn there(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        patience: &mut Patience,
    ) -> Result<There, VaultFailure> {
        let path = self.place.path(name, "");
        let call = self.call(Method::GET, &path, None, patience).await?;
        match call.meaning {
            Meaning::Done => match layout::has_operation(&call.body, secret.operation) {
                true => Ok(There::Own),
                false => Ok(There::Other),
            },
            Meaning::Absent => Ok(There::Nothing),
            Meaning::Forbidden => Err(denied(policy::GET)),
            other => Err(failure(other)),
        }
    }

    /// Returns whether a secret of this operation has its version.
    ///
    /// # Errors
    ///
    /// [`CreateError::Exists`] if it has another value.
    async fn has_version(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        patience: &mut Patience,
    ) -> Result<bool, CreateError> {
        let reads = self.access >= Access::Resolve;
        let (suffix, permission) = match reads {
            true => (FIRST_VALUE, policy::ACCESS),
            false => (FIRST, policy::GET_VERSION),
        };
        let path = self.place.path(name, suffix);
        let call = self.call(Method::GET, &path, None, patience).await?;
        match call.meaning {
            Meaning::Done if reads => match layout::value(&call.body) {
                Ok(Some(there)) if layout::equal(&there, secret.value) => Ok(true),
                _ => Err(CreateError::Exists),
            },
            Meaning::Done => Ok(true),
            Meaning::Absent => Ok(false),
            // Disabled or destroyed since: the operation is known, and that is enough.
            Meaning::Precondition => Ok(true),
            Meaning::Forbidden => Err(denied(permission).into()),
            other => Err(failure(other).into()),
        }
    }

    async fn fetch(&self, name: &str, mut patience: Patience) -> Result<SecretValue, FetchError> {
        if self.access < Access::Resolve {
            return Err(VaultFailure::Denied {
                permission:
                    "read values: access = \"resolve\" in its configuration and the role for it"
                        .into(),
            }
            .into());
        }
        // "latest" is updated later than the version is there.
        for suffix in [LATEST_VALUE, FIRST_VALUE] {
            let path = self.place.path(name, suffix);
            let call = self.call(Method::GET, &path, None, &mut patience).await?;
            return match call.meaning {
                Meaning::Done => match layout::value(&call.body) {
                    Ok(Some(value)) => Ok(SecretValue::new(value)),
                    Ok(None) => Err(failure(Meaning::Done).into()),
                    Err(layout::Altered) => Err(FetchError::Damaged),
                },
                Meaning::Absent => continue,
                // Disabled or destroyed.
                Meaning::Precondition => Err(FetchError::NotFound),
                Meaning::Forbidden => Err(denied(policy::ACCESS).into()),
                other => Err(failure(other).into()),
            };
        }
        Err(FetchError::NotFound)
    }

    async fn delete(&self, name: &str, mut patience: Patience) -> Result<(), DeleteError> {
        let path = self.place.path(name, "");
        let mut attempts = 0;
        loop {
            attempts += 1;
            let call = self
                .call_once(Method::DELETE, &path, None, &patience)
                .await?;
            return match call.meaning {
                Meaning::Done => Ok(()),
                // An attempt whose answer was lost may have deleted it.
                Meaning::Absent if attempts > 1 => Ok(()),
                Meaning::Absent => Err(DeleteError::NotFound),
                Meaning::Forbidden => Err(denied(policy::DELETE).into()),
                Meaning::Later(cause, wait) => {
                    patience.pause(cause, wait).await?;
                    continue;
                }
                other => Err(failure(other).into()),
            };
        }
    }

    fn receipt(&self, name: &str) -> Receipt {
        Receipt::default()
            .with_version(Version::new("1"))
            .with_location(self.place.secret(name))
    }
}

/// Returns the name's text. Fails if the name is for another kind of vault.
fn checked(name: &VaultSecretName) -> Result<&str, VaultFailure> {
    if name.kind() == VaultKind::GOOGLE {
        return Ok(name.as_str());
    }
    Err(VaultFailure::WrongKind {
        name: name.kind(),
        vault: VaultKind::GOOGLE,
    })
}

fn denied(permission: &str) -> VaultFailure {
    VaultFailure::Denied {
        permission: format!("{permission} (sealpost vault policy prints the role)").into(),
    }
}

/// What an answer means that nothing was done with, and that the call did not expect.
fn failure(meaning: Meaning) -> VaultFailure {
    match meaning {
        Meaning::Never(failure) | Meaning::Later(failure, _) => failure,
        _ => VaultFailure::unusable(
            "its answer is not one of Secret Manager; look whether a proxy answers in its place",
        ),
    }
}

/// How long a version takes that another call is adding.
const IN_FLIGHT: Duration = Duration::from_millis(250);
const FIRST: &str = "/versions/1";
const FIRST_VALUE: &str = "/versions/1:access";
const LATEST_VALUE: &str = "/versions/latest:access";
