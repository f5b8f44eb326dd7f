//! Tokens of Microsoft Entra ID by Microsoft's own crate, over this program's connection.

mod assertion;
mod transport;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{
    ClientMethodOptions, ClientOptions, ExponentialRetryOptions, RetryOptions, Transport,
};
use azure_core::time::Duration;
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId,
};
use sealpost_files::{quoted, read_named};
use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{Connection, TokenSource};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use transport::{Issuer, PLACE};

/// How an agent authenticates. Credentials are in files, which are read each time: `Debug` shows none.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// As the identity of the machine, or of the App Service.
    ManagedIdentity { client_id: Option<String> },
    /// As an application.
    Application {
        tenant_id: String,
        client_id: String,
        proof: Proof,
    },
}

/// The file with which an application proves what it is.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// The token of a Kubernetes service account.
    Token(PathBuf),
    Secret(PathBuf),
    /// A certificate and its private key.
    Certificate(PathBuf),
}

impl Method {
    /// Returns what is wrong, by the key of the configuration.
    pub(crate) fn validate(&self) -> Vec<(&'static str, String)> {
        let (tenant, client) = match self {
            Self::ManagedIdentity { client_id } => (None, client_id.as_ref()),
            Self::Application {
                tenant_id,
                client_id,
                ..
            } => (Some(tenant_id), Some(client_id)),
        };
        [("tenant_id", tenant), ("client_id", client)]
            .into_iter()
            .filter(|(_, id)| id.is_some_and(|id| !is_id(id)))
            .map(|(key, _)| (key, "must be an id of Microsoft Entra, such as 00000000-0000-0000-0000-000000000000".to_owned()))
            .collect()
    }

    /// Returns what proves to this endpoint that the caller is the application; nothing for a managed identity.
    async fn proof(&self, endpoint: &str) -> Result<Zeroizing<Vec<u8>>, VaultFailure> {
        let Self::Application {
            client_id, proof, ..
        } = self
        else {
            return Ok(Zeroizing::default());
        };
        match proof {
            Proof::Token(file) | Proof::Secret(file) => content(file).await,
            Proof::Certificate(file) => {
                let pem = content(file).await?;
                assertion::signed(&pem, client_id, endpoint).map_err(|wrong| {
                    VaultFailure::unauthenticated(format!("{} {wrong}", quoted(file)))
                })
            }
        }
    }
}

/// Gets tokens. Microsoft's crate keeps one, and gets the next before it ends.
pub(crate) struct AzureCredentials {
    method: Method,
    scope: String,
    options: ClientOptions,
    built: Mutex<Option<Arc<dyn TokenCredential>>>,
}

impl AzureCredentials {
    pub(crate) async fn new(
        method: Method,
        authority: Option<&str>,
        resource: &str,
        connection: Connection,
    ) -> Result<Self, VaultFailure> {
        let is_of_machine = matches!(method, Method::ManagedIdentity { .. });
        let connection = Connection {
            // What the machine says of itself goes through no proxy.
            is_plain: is_of_machine || authority.is_some_and(|it| it.starts_with("http://")),
            ..connection
        };
        let client = spawn_blocking(move || connection.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        let mut cloud = CustomConfiguration::default();
        // The crate wants an address with TLS. The transport asks the configured one.
        let host = authority.map(|it| it.trim_start_matches("http://"));
        cloud.authority_host = match (authority, host) {
            (Some(authority), Some(host)) if authority != host => format!("https://{host}"),
            _ => authority.unwrap_or(AUTHORITY).to_owned(),
        };
        let issuer = Issuer::new(client, authority, method.clone());
        let options = ClientOptions {
            transport: Some(Transport::new(Arc::new(issuer))),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_total_elapsed: LONGEST,
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        };
        Ok(Self {
            method,
            scope: format!("{resource}/.default"),
            options,
            built: Mutex::new(None),
        })
    }

    fn build(&self) -> Result<Arc<dyn TokenCredential>, azure_core::Error> {
        let client_options = self.options.clone();
        let (tenant_id, client_id, proof) = match &self.method {
            Method::ManagedIdentity { client_id } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options,
                };
                return Ok(ManagedIdentityCredential::new(Some(options))?);
            }
            Method::Application {
                tenant_id,
                client_id,
                proof,
            } => (tenant_id, client_id.clone(), proof),
        };
        Ok(match proof {
            Proof::Secret(_) => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(tenant_id, client_id, PLACE.into(), Some(options))?
            }
            Proof::Token(_) | Proof::Certificate(_) => {
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant_id.clone(), client_id, Place, Some(options))?
            }
        })
    }
}

#[async_trait]
impl TokenSource for AzureCredentials {
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
        let credential = {
            let mut built = self.built.lock().await;
            match &*built {
                Some(credential) if !fresh => Arc::clone(credential),
                _ => {
                    let new = self.build().map_err(|_| unknown())?;
                    Arc::clone(built.insert(new))
                }
            }
        };
        let token = credential.get_token(&[&self.scope], None).await;
        let token = token.map_err(|error| failure(&error))?;
        match token.token.secret() {
            "" => Err(VaultFailure::unavailable(
                "what issues tokens answers without one; look whether a proxy answers in its place",
            )),
            token => Ok(Zeroizing::new(token.to_owned())),
        }
    }

    async fn check(&self) -> Result<(), VaultFailure> {
        self.build().map_err(|_| unknown())?;
        self.method.proof(AUTHORITY).await.map(drop)
    }
}

impl fmt::Debug for AzureCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCredentials")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// What the crate gets instead of a token or a signed assertion.
#[derive(Debug)]
struct Place;

#[async_trait]
impl ClientAssertion for Place {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(PLACE.to_owned())
    }
}

/// Returns what the transport said. The crate's own text is not passed on: it may repeat an answer.
fn failure(error: &azure_core::Error) -> VaultFailure {
    let mut status = None;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(failure) = error.downcast_ref::<VaultFailure>() {
            return failure.clone();
        }
        let of_crate = error.downcast_ref::<azure_core::Error>();
        status = of_crate.and_then(azure_core::Error::http_status).or(status);
        cause = error.source();
    }
    VaultFailure::unavailable(match status {
        Some(status) => format!("what issues tokens fails ({})", u16::from(status)),
        None => "what issues tokens answers in a way that is not documented; look whether a proxy answers in its place".to_owned(),
    })
}

/// The ids have been checked, so it is about the machine.
fn unknown() -> VaultFailure {
    VaultFailure::unauthenticated(
        "managed identities are known of virtual machines and of App Service, and this environment names another service",
    )
}

async fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultFailure> {
    let path = path.to_owned();
    let content = spawn_blocking(move || read_named(&path, MAX_FILE)).await;
    content
        .map_err(VaultFailure::unavailable)?
        .map_err(|error| VaultFailure::unauthenticated(error.in_one_line()))
}

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !text.starts_with('.')
}

const AUTHORITY: &str = "https://login.microsoftonline.com";
/// How long a token of the authority is tried for; a call waits no longer than its own deadline.
const LONGEST: Duration = Duration::seconds(20);
/// More than any token, secret or certificate with its key needs.
const MAX_FILE: usize = 64 * 1024;

#[cfg(test)]
mod tests;
