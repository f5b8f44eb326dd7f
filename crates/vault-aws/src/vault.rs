//! The vault: names to requests, and answers to outcomes.

mod builder;
mod calls;
mod maintenance;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use parking_lot::Mutex;
use sealpost_vault::{
    Access, Deadline, Health, Lifecycle, Limits, NewSecret, Patience, Receipt, SecretValue, Vault,
    VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{Guarantees, Reads},
    receipt::Version,
};
use tokio::task::JoinHandle;

use crate::meaning::Meaning;
use crate::place::{OPERATION, Place, hex};
use crate::request::Body;
use crate::session::Session;

pub use builder::AwsBuilder;

/// Secrets in AWS Secrets Manager. The [crate](crate) says what it does and what it does not.
pub struct AwsVault {
    shared: Arc<Shared>,
    maintenance: JoinHandle<()>,
}

/// What calls and maintenance share.
struct Shared {
    session: Session,
    place: Place,
    access: Access,
    max_value: usize,
    health: Mutex<Health>,
}

/// What is under a name.
enum There {
    Nothing,
    /// A secret that is to be deleted, and can be restored until then.
    Deleted,
    /// A secret that this operation stored, with its ARN. Its version has been replaced since, and is gone.
    Own(String),
    /// A secret of which this operation stored a version, and the service does not take its token again.
    Denied,
    /// Another secret.
    Other,
}

#[async_trait]
impl Vault for AwsVault {
    fn kind(&self) -> VaultKind {
        VaultKind::AWS
    }

    fn limits(&self) -> Limits {
        self.shared.limits()
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::STRONGEST;
        guarantees.reads = Reads::Eventual;
        if self.shared.access < Access::Resolve {
            guarantees.reads = Reads::Denied;
        }
        guarantees
    }

    async fn create(
        &self,
        secret: &NewSecret<'_>,
        deadline: Deadline,
    ) -> Result<Receipt, CreateError> {
        let name = checked(secret.name)?;
        self.shared.check_limits(name, secret.value)?;
        let created = self
            .shared
            .create(name, secret, Patience::until(deadline))
            .await;
        if let Err(CreateError::Failed(failure)) = &created {
            self.shared.note(failure);
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
            self.shared.note(failure);
        }
        fetched
    }

    fn lifecycle(&self) -> Option<&dyn Lifecycle> {
        (self.shared.access >= Access::Delete).then_some(self)
    }

    fn health(&self) -> Health {
        self.shared.health.lock().clone()
    }

    async fn close(&self) {
        self.maintenance.abort();
        *self.shared.health.lock() = Health::failed("the vault was closed");
    }
}

#[async_trait]
impl Lifecycle for AwsVault {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let name = checked(name)?;
        let deleted = self.shared.delete(name, Patience::until(deadline)).await;
        if let Err(DeleteError::Failed(failure)) = &deleted {
            self.shared.note(failure);
        }
        deleted
    }
}

impl Drop for AwsVault {
    fn drop(&mut self) {
        self.maintenance.abort();
    }
}

impl fmt::Debug for AwsVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsVault")
            .field("place", &self.shared.place)
            .field("access", &self.shared.access)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn limits(&self) -> Limits {
        Limits {
            max_name: self.place.max_name(VaultKind::AWS.limits().max_name),
            max_value: self.max_value,
        }
    }

    fn check_limits(&self, name: &str, value: &[u8]) -> Result<(), CreateError> {
        let limits = self.limits();
        if value.len() > limits.max_value {
            return Err(CreateError::ValueTooLong {
                len: value.len(),
                max: limits.max_value,
            });
        }
        if value.is_empty() {
            return Err(CreateError::ValueRefused {
                limit: "at least one byte".into(),
            });
        }
        if name.len() > limits.max_name {
            let max = limits.max_name;
            return Err(CreateError::ValueRefused {
                limit: format!("names of at most {max} bytes after the prefix").into(),
            });
        }
        Ok(())
    }

    /// Stores a secret where there is nothing. Whatever becomes of an attempt, the next one is safe: the service creates a
    /// secret only where there is none, and takes the same token with the same value for a repetition.
    async fn create(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        mut patience: Patience,
    ) -> Result<Receipt, CreateError> {
        let operation = hex(secret.operation.as_bytes());
        let body = Body::create(&self.place, name, &operation, secret.project, secret.value)
            .map_err(VaultFailure::unusable)?;
        let (mut refusals, mut denials) = (0, 0);
        loop {
            match self.create_secret(&body, &mut patience).await? {
                Meaning::Done(created) => {
                    let is_ours = created.version_id() == Some(operation.as_str());
                    return match created.arn().filter(|_| is_ours) {
                        Some(arn) => Ok(receipt(arn, operation)),
                        None => Err(senseless().into()),
                    };
                }
                Meaning::Taken | Meaning::State => {}
                other => return Err(failure(other).into()),
            }
            match self.there(name, &operation, &mut patience).await? {
                There::Own(arn) => return Ok(receipt(&arn, operation)),
                There::Other => return Err(CreateError::Exists),
                There::Deleted => return Err(CreateError::PendingDeletion),
                // The same token is refused with another value. Told once, it may be of a moment in which the first call is not done.
                There::Denied => denials += 1,
                // Its deletion has just ended, or what was just created is not seen yet.
                There::Nothing => {}
            }
            if denials >= DENIALS {
                return Err(CreateError::Exists);
            }
            refusals += 1;
            let failure = VaultFailure::unavailable(
                "it says that the name is taken, and has nothing under it; ask again",
            );
            if refusals >= REFUSALS {
                return Err(failure.into());
            }
            patience.pause(failure, None).await?;
        }
    }

    /// Finds out what is under a name that is taken.
    async fn there(
        &self,
        name: &str,
        operation: &str,
        patience: &mut Patience,
    ) -> Result<There, VaultFailure> {
        let described = match self.describe(name, patience).await? {
            Meaning::Done(described) => described,
            Meaning::Absent => return Ok(There::Nothing),
            other => return Err(failure(other)),
        };
        if described.deleted_date().is_some() {
            return Ok(There::Deleted);
        }
        let arn = described.arn().ok_or_else(senseless)?;
        let versions = described.version_ids_to_stages();
        if versions.is_some_and(|versions| versions.contains_key(operation)) {
            return Ok(There::Denied);
        }
        match has_tag(&described, operation) {
            true => Ok(There::Own(arn.to_owned())),
            false => Ok(There::Other),
        }
    }

    async fn fetch(&self, name: &str, mut patience: Patience) -> Result<SecretValue, FetchError> {
        if self.access < Access::Resolve {
            return Err(VaultFailure::Denied {
                permission:
                    "read values: access = \"resolve\" in its configuration and the policy for it"
                        .into(),
            }
            .into());
        }
        match self.get(name, &mut patience).await? {
            Meaning::Done(value) => Ok(SecretValue::new(value)),
            Meaning::Absent => Err(FetchError::NotFound),
            Meaning::State => match self.describe(name, &mut patience).await? {
                Meaning::Done(secret) if secret.deleted_date().is_none() => {
                    Err(VaultFailure::unusable(
                        "another service manages this secret, and does not let it be read",
                    )
                    .into())
                }
                Meaning::Done(_) | Meaning::Absent => Err(FetchError::NotFound),
                other => Err(failure(other).into()),
            },
            other => Err(failure(other).into()),
        }
    }

    /// Deletes without a time in which it could be restored.
    async fn delete(&self, name: &str, mut patience: Patience) -> Result<(), DeleteError> {
        // Deleting says the same of what is there and of what is not.
        match self.describe(name, &mut patience).await? {
            Meaning::Done(secret) if secret.deleted_date().is_none() => {}
            Meaning::Done(_) | Meaning::Absent => return Err(DeleteError::NotFound),
            other => return Err(failure(other).into()),
        }
        match self.delete_secret(name, &mut patience).await? {
            Meaning::Done(_) | Meaning::Absent => {}
            other => return Err(failure(other).into()),
        }
        // The service does it in the background, and the name is taken until then.
        while let Meaning::Done(_) = self.describe(name, &mut patience).await? {
            let waited = patience.pause(VaultFailure::Throttled { wait: None }, None);
            if waited.await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Returns whether the tag says that this operation stored the secret. It stays when the version has been replaced twice and is not
/// listed any more.
fn has_tag(described: &DescribeSecretOutput, operation: &str) -> bool {
    let mut tags = described.tags().iter();
    tags.any(|tag| tag.key() == Some(OPERATION) && tag.value() == Some(operation))
}

/// Returns the name's text. Fails if the name is for another kind of vault.
fn checked(name: &VaultSecretName) -> Result<&str, VaultFailure> {
    if name.kind() == VaultKind::AWS {
        return Ok(name.as_str());
    }
    Err(VaultFailure::WrongKind {
        name: name.kind(),
        vault: VaultKind::AWS,
    })
}

fn receipt(arn: &str, operation: String) -> Receipt {
    Receipt::default()
        .with_version(Version::new(operation))
        .with_location(arn)
}

/// What an answer means that nothing was done with, and that the call did not expect.
fn failure<T>(meaning: Meaning<T>) -> VaultFailure {
    match meaning {
        Meaning::Never(failure) | Meaning::Later(failure, _) | Meaning::Credentials(failure) => {
            failure
        }
        Meaning::Done(_) | Meaning::Absent | Meaning::Taken | Meaning::State => senseless(),
    }
}

fn senseless() -> VaultFailure {
    VaultFailure::unusable(
        "its answer makes no sense; look whether the endpoint is that of Secrets Manager, and whether a proxy answers in its place",
    )
}

/// How often a create is tried that is refused although there is nothing under the name.
const REFUSALS: u32 = 6;
/// After how many refusals of its own token the value is known to be another.
const DENIALS: u32 = 2;
