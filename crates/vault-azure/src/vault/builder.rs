//! Setting up a vault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Patience, VaultKind};
use sealpost_vault_http::{Connection, Http, Session, State, StaticToken, TokenSource, is_plain};
use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

use super::{AzureVault, Shared, calls};
#[cfg(feature = "sdk")]
use crate::credentials::{AzureCredentials, Method};
use crate::meaning::Meaning;
use crate::policy;

/// Sets up an [`AzureVault`].
#[must_use]
#[derive(Clone, Debug)]
pub struct AzureBuilder {
    address: String,
    resource: Option<String>,
    access: Access,
    max_value: usize,
    settle: Duration,
    pub(super) authentication: Option<Authentication>,
    pub(super) authority: Option<String>,
    connection: Connection,
}

#[derive(Clone, Debug)]
pub(super) enum Authentication {
    Source(Arc<dyn TokenSource>),
    #[cfg(feature = "sdk")]
    Method(Method),
}

impl AzureVault {
    /// Sets up a vault at this address, such as `https://my-vault.vault.azure.net`.
    pub fn builder(address: impl Into<String>) -> AzureBuilder {
        AzureBuilder {
            address: address.into(),
            resource: None,
            access: Access::Create,
            max_value: VaultKind::AZURE.limits().max_value,
            settle: SETTLE,
            authentication: None,
            authority: None,
            connection: Connection::default(),
        }
    }
}

impl AzureBuilder {
    /// Sets how much the credentials permit; [`Access::Create`] by default.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets the longest value in bytes; 25,000 by default and at most.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(VaultKind::AZURE.limits().max_value);
        self
    }

    /// Authenticates with this token, which some other program must replace before it ends.
    pub fn token(self, token: impl Into<Zeroizing<String>>) -> Self {
        self.token_source(Arc::new(StaticToken::new(token)))
    }

    /// Authenticates with tokens from this source.
    pub fn token_source(mut self, source: Arc<dyn TokenSource>) -> Self {
        self.authentication = Some(Authentication::Source(source));
        self
    }

    /// Sets for what tokens are; by default the vault's address without its first label, such as `https://vault.azure.net`.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Sets how long a version must be there before it is known to be the oldest: longer than a unit of the service's time stamps,
    /// and than its clocks differ. 1.1 seconds by default.
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// Trusts only the authorities in this file (PEM).
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.connection.ca_file = Some(path.into());
        self
    }

    /// Goes through this proxy, instead of the one that the environment names.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.connection.proxy = Some(url.into());
        self
    }

    /// Returns a custom role with what this vault's identity needs, and no more.
    #[must_use]
    pub fn policy(&self) -> String {
        policy::role(self.access)
    }

    /// Returns how much the credentials are to permit.
    #[cfg(feature = "sdk")]
    pub(crate) fn permits(&self) -> Access {
        self.access
    }

    /// Returns where the vault is.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.trim_end_matches('/').to_owned()
    }

    /// Checks everything that needs no server.
    ///
    /// # Errors
    ///
    /// Each thing that is wrong: the key of the configuration, and what to do.
    pub fn validate(&self) -> Result<(), Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        let is_plain = self.is_plain().unwrap_or_else(|what| {
            wrong.push(("address", what.to_owned()));
            false
        });
        if let Some(authority) = &self.authority
            && let Err(what) = sealpost_vault_http::is_plain(authority)
        {
            wrong.push(("authority", what.to_owned()));
        }
        let connection = Connection {
            is_plain,
            ..self.connection.clone()
        };
        if let Err(what) = connection.validate() {
            wrong.push(("proxy", what));
        }
        #[cfg(feature = "sdk")]
        if let Some(Authentication::Method(method)) = &self.authentication {
            wrong.extend(method.validate());
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    /// Finds what [`open`](Self::open) would fail with, without asking anyone.
    ///
    /// # Errors
    ///
    /// What is wrong and what to do.
    pub async fn check(self) -> Result<(), VaultFailure> {
        self.shared().await?.session.check().await
    }

    /// Opens the vault. One that can't serve now is opened all the same, and used as soon as it can.
    ///
    /// # Errors
    ///
    /// What a person must change: the configuration, credentials, the vault.
    pub async fn open(self) -> Result<AzureVault, VaultFailure> {
        let shared = Arc::new(self.shared().await?);
        let mut patience = Patience::lasting(START);
        match shared.ask(&mut patience).await {
            Ok(Meaning::Never(failure)) => return Err(failure),
            // A missing permission is told by the call that needs it.
            Ok(_) => {}
            Err(failure) if failure.retry_after().is_some() => {
                warn!(%failure, "the vault does not serve yet; it is asked until it does");
                shared.state.note(&failure);
            }
            Err(failure) => return Err(failure),
        }
        let maintenance = calls::maintain(Arc::downgrade(&shared));
        Ok(AzureVault {
            shared,
            maintenance,
        })
    }

    fn is_plain(&self) -> Result<bool, &'static str> {
        is_plain(&self.address)
    }

    async fn shared(self) -> Result<Shared, VaultFailure> {
        self.validate().map_err(|wrong| {
            let texts: Vec<_> = wrong
                .iter()
                .map(|(key, what)| format!("{key} {what}"))
                .collect();
            VaultFailure::unusable(texts.join("; "))
        })?;
        let address = self.place();
        let resource = self.resource.clone().unwrap_or_else(|| {
            let host = address.strip_prefix("https://").unwrap_or(&address);
            let (_, domain) = host.split_once('.').unwrap_or(("", host));
            format!("https://{domain}")
        });
        let is_plain = self.is_plain() == Ok(true);
        let source = match self.authentication {
            None => {
                let text = "no method of authentication was given";
                return Err(VaultFailure::unauthenticated(text));
            }
            Some(Authentication::Source(source)) => source,
            #[cfg(feature = "sdk")]
            Some(Authentication::Method(method)) => {
                let credentials = AzureCredentials::new(
                    method,
                    self.authority.as_deref(),
                    &resource,
                    self.connection.clone(),
                );
                Arc::new(credentials.await?)
            }
        };
        let connection = Connection {
            is_plain,
            ..self.connection
        };
        let client = spawn_blocking(move || connection.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        Ok(Shared {
            http: Http::new(client, &address),
            address,
            resource,
            session: Session::new(source),
            access: self.access,
            max_value: self.max_value,
            settle: self.settle,
            state: State::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        })
    }
}

/// A version's time stamp has seconds.
const SETTLE: Duration = Duration::from_millis(1_100);
/// How long a start waits for a vault that can't serve.
const START: Duration = Duration::from_secs(10);
