//! The vault: names to requests, and answers to outcomes.

mod builder;
mod calls;
mod maintenance;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::Method;
use sealpost_vault::{
    Access, Deadline, Health, Lifecycle, Limits, NewSecret, Patience, Receipt, SecretValue, Vault,
    VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError, VaultFailure},
    guarantees::{Guarantees, Reads},
    receipt::Version,
};
use tokio::task::JoinHandle;

use crate::http::Http;
use crate::layout::{self, Mark};
use crate::meaning::{Meaning, number, part, string};
use crate::path::{Place, escaped};
use crate::session::Session;

pub use builder::Kv2Builder;

/// Secrets in version 2 of the KV engine. The [crate](crate) says what it does and what it does not.
pub struct Kv2Vault {
    shared: Arc<Shared>,
    maintenance: JoinHandle<()>,
}

/// What calls and maintenance share.
struct Shared {
    http: Http,
    session: Session,
    place: Place,
    access: Access,
    max_value: usize,
    health: Mutex<Health>,
}

/// What is under a name.
enum There {
    Nothing,
    /// Versions that were deleted, or destroyed.
    Deleted,
    /// This very value, stored by this operation.
    Own,
    /// Another secret.
    Other,
}

#[async_trait]
impl Vault for Kv2Vault {
    fn kind(&self) -> VaultKind {
        VaultKind::KV2
    }

    fn limits(&self) -> Limits {
        Limits {
            max_value: self.shared.max_value,
            ..VaultKind::KV2.limits()
        }
    }

    fn guarantees(&self) -> Guarantees {
        let mut guarantees = Guarantees::STRONGEST;
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
        let (len, max) = (secret.value.len(), self.shared.max_value);
        if len > max {
            return Err(CreateError::ValueTooLong { len, max });
        }
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

    /// Ends the token, if it was got by a login.
    async fn close(&self) {
        self.maintenance.abort();
        self.shared.close().await;
    }
}

#[async_trait]
impl Lifecycle for Kv2Vault {
    async fn delete(&self, name: &VaultSecretName, deadline: Deadline) -> Result<(), DeleteError> {
        let name = checked(name)?;
        let deleted = self.shared.delete(name, Patience::until(deadline)).await;
        if let Err(DeleteError::Failed(failure)) = &deleted {
            self.shared.note(failure);
        }
        deleted
    }
}

impl Drop for Kv2Vault {
    fn drop(&mut self) {
        self.maintenance.abort();
    }
}

impl fmt::Debug for Kv2Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv2Vault")
            .field("http", &self.shared.http)
            .field("place", &self.shared.place)
            .field("access", &self.shared.access)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Stores a secret where there is nothing. Whatever becomes of an attempt, the next one is safe: the engine takes it only
    /// where there is nothing, and what is there says whether this operation stored this value.
    async fn create(
        &self,
        name: &str,
        secret: &NewSecret<'_>,
        mut patience: Patience,
    ) -> Result<Receipt, CreateError> {
        let mark = Mark::of(secret.value, secret.operation);
        let body = Bytes::from_owner(layout::body(secret.value, &mark));
        let path = self.place.request("data", name);
        let mut refusals = 0;
        loop {
            let call = self
                .call(Method::POST, &path, Some(&body), &mut patience)
                .await?;
            let is_refused = match call.meaning {
                // Check-and-set with 0 makes version 1. Version 1 of the engine knows no versions, and overwrites.
                Meaning::Done => {
                    return match number(&call.body, &["data", "version"]) {
                        Some(_) => Ok(self.receipt(name)),
                        None => Err(not_kv2().into()),
                    };
                }
                Meaning::Taken => false,
                Meaning::Forbidden { .. } => true,
                Meaning::Refused(limit) => return Err(CreateError::ValueRefused { limit }),
                Meaning::Absent { .. } => return Err(not_kv2().into()),
                Meaning::Never(failure) | Meaning::Later(failure, _) => return Err(failure.into()),
            };
            // With no more than "create", a name that is taken is refused like one that may not be written.
            match self.there(name, &mark, &mut patience).await? {
                There::Own => return Ok(self.receipt(name)),
                There::Other => return Err(CreateError::Exists),
                There::Deleted => return Err(CreateError::PendingDeletion),
                // It was deleted meanwhile, or it may not be written.
                There::Nothing => {}
            }
            refusals += 1;
            let failure = match is_refused {
                true => self.denied("create", "data"),
                false => VaultFailure::unavailable(
                    "it says that the name is taken, and has nothing under it; ask again",
                ),
            };
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
        mark: &Mark,
        patience: &mut Patience,
    ) -> Result<There, VaultFailure> {
        let newest = self.place.request("subkeys", name);
        match self.subkeys(&newest, mark, patience).await? {
            // A person may have written another version since.
            There::Other => {
                let first = format!("{newest}?version=1");
                match self.subkeys(&first, mark, patience).await? {
                    There::Own => Ok(There::Own),
                    There::Other | There::Deleted | There::Nothing => Ok(There::Other),
                }
            }
            there => Ok(there),
        }
    }

    async fn subkeys(
        &self,
        path: &str,
        mark: &Mark,
        patience: &mut Patience,
    ) -> Result<There, VaultFailure> {
        let call = self.call(Method::GET, path, None, patience).await?;
        match call.meaning {
            Meaning::Done => {
                let subkeys = part(&call.body, &["data", "subkeys"]).unwrap_or_default();
                match layout::has_mark(subkeys, mark) {
                    true => Ok(There::Own),
                    false => Ok(There::Other),
                }
            }
            Meaning::Absent { is_deleted: true } => Ok(There::Deleted),
            Meaning::Absent { is_deleted: false } => Ok(There::Nothing),
            Meaning::Forbidden { .. } => Err(self.denied("read", "subkeys")),
            other => Err(failure(other)),
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
        let path = self.place.request("data", name);
        let call = self.call(Method::GET, &path, None, &mut patience).await?;
        match call.meaning {
            Meaning::Done => {
                let data = part(&call.body, &["data", "data"]).unwrap_or_default();
                let value = layout::value(data).map_err(VaultFailure::unusable)?;
                Ok(SecretValue::new(value))
            }
            Meaning::Absent { .. } => Err(FetchError::NotFound),
            Meaning::Forbidden { .. } => Err(self.denied("read", "data").into()),
            other => Err(failure(other).into()),
        }
    }

    async fn delete(&self, name: &str, mut patience: Patience) -> Result<(), DeleteError> {
        let subkeys = self.place.request("subkeys", name);
        let call = self
            .call(Method::GET, &subkeys, None, &mut patience)
            .await?;
        match call.meaning {
            Meaning::Done => {}
            Meaning::Absent { .. } => return Err(DeleteError::NotFound),
            Meaning::Forbidden { .. } => return Err(self.denied("read", "subkeys").into()),
            other => return Err(failure(other).into()),
        }
        let path = self.place.request("metadata", name);
        // It says the same of what is there and what is not, so an attempt whose answer was lost does no harm.
        let call = self
            .call(Method::DELETE, &path, None, &mut patience)
            .await?;
        match call.meaning {
            Meaning::Done | Meaning::Absent { .. } => Ok(()),
            Meaning::Forbidden { .. } => Err(self.denied("delete", "metadata").into()),
            other => Err(failure(other).into()),
        }
    }

    /// Fails if the mount is known to be something else than version 2 of the engine: version 1 would take a write for another
    /// path, and overwrite. Whoever may use a mount may ask what it is; if not, the writes themselves tell.
    async fn check_mount(&self, patience: &mut Patience) -> Result<(), VaultFailure> {
        let path = format!("sys/internal/ui/mounts/{}", escaped(&self.place.mount));
        let Ok(call) = self.call(Method::GET, &path, None, patience).await else {
            return Ok(());
        };
        let version = string(&call.body, &["data", "options", "version"]);
        let is_kv2 = version.is_some_and(|version| version == *"2");
        match call.meaning {
            Meaning::Done if !is_kv2 => Err(not_kv2()),
            _ => Ok(()),
        }
    }

    fn receipt(&self, name: &str) -> Receipt {
        Receipt::default()
            .with_version(Version::new("1"))
            .with_location(self.place.location(name))
    }

    fn denied(&self, capability: &str, part: &str) -> VaultFailure {
        let path = self.place.full(part, "*");
        VaultFailure::Denied {
            permission: format!("\"{capability}\" on {path} (sealpost vault policy prints it)")
                .into(),
        }
    }
}

/// Returns the name's text. Fails if the name is for another kind of vault.
fn checked(name: &VaultSecretName) -> Result<&str, VaultFailure> {
    if name.kind() == VaultKind::KV2 {
        return Ok(name.as_str());
    }
    Err(VaultFailure::WrongKind {
        name: name.kind(),
        vault: VaultKind::KV2,
    })
}

/// What an answer means that nothing was done with, and that the call did not expect.
fn failure(meaning: Meaning) -> VaultFailure {
    match meaning {
        Meaning::Never(failure) | Meaning::Later(failure, _) => failure,
        _ => not_kv2(),
    }
}

fn not_kv2() -> VaultFailure {
    VaultFailure::unusable(
        "the mount is not version 2 of the KV engine; compare it with `bao secrets list -detailed`",
    )
}

/// How often a create is tried that is refused although there is nothing under the name.
const REFUSALS: u32 = 4;
