//! Tokens by Google's own crate: application default credentials, or those of a file.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, external_account, impersonated, service_account, user_account,
};
use sealpost_files::{quoted, read_named};
use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{TokenSource, json};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

/// Where Google's crate finds credentials.
pub(crate) struct GoogleCredentials {
    /// A key of a service account, or a configuration of workload identity. Without it: application default credentials, which
    /// are those of the machine or the pod where there are no others.
    file: Option<PathBuf>,
    /// Google's crate keeps a token, and gets the next before it ends.
    built: Mutex<Option<AccessTokenCredentials>>,
}

impl GoogleCredentials {
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            built: Mutex::new(None),
        }
    }

    async fn build(&self) -> Result<AccessTokenCredentials, VaultFailure> {
        let Some(path) = self.file.clone() else {
            let built = Builder::default()
                .with_scopes([SCOPE])
                .build_access_token_credentials();
            // Its text may have parts of a file that is a credential.
            return built.map_err(|_| VaultFailure::unauthenticated(NO_DEFAULT));
        };
        let named = quoted(&path).to_string();
        let content = spawn_blocking(move || read_named(&path, MAX_FILE)).await;
        let content = content
            .map_err(VaultFailure::unavailable)?
            .map_err(|error| VaultFailure::unauthenticated(error.in_one_line()))?;
        let kind = json::string(&content, &["type"]);
        let no_json = || {
            VaultFailure::unauthenticated(format!(
                "{named} is not a file of credentials that Google knows: JSON whose \"type\" is service_account, \
                 external_account, impersonated_service_account or authorized_user"
            ))
        };
        let value = serde_json::from_slice(&content).map_err(|_| no_json())?;
        let built = match kind.as_deref().map_or("", String::as_str) {
            "service_account" => service_account::Builder::new(value)
                .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
                .build_access_token_credentials(),
            "external_account" => external_account::Builder::new(value)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
            "impersonated_service_account" => impersonated::Builder::new(value)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
            "authorized_user" => user_account::Builder::new(value)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
            _ => return Err(no_json()),
        };
        built.map_err(|_| {
            VaultFailure::unauthenticated(format!(
                "{named} lacks something that its type needs; download or create it again"
            ))
        })
    }
}

#[async_trait]
impl TokenSource for GoogleCredentials {
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
        let credentials = {
            let mut built = self.built.lock().await;
            match &*built {
                Some(credentials) if !fresh => credentials.clone(),
                _ => built.insert(self.build().await?).clone(),
            }
        };
        // Its text may repeat what the issuer of tokens answered.
        let token = credentials.access_token().await.map_err(|error| {
            match error.is_transient() {
                true => VaultFailure::unavailable(
                    "no token is to be had now from Google's service for tokens, or from the metadata server; it is tried again",
                ),
                false => VaultFailure::unauthenticated(NO_TOKEN),
            }
        })?;
        Ok(Zeroizing::new(token.token))
    }

    async fn check(&self) -> Result<(), VaultFailure> {
        self.build().await.map(drop)
    }
}

/// Shows no credential.
impl fmt::Debug for GoogleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleCredentials")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const NO_DEFAULT: &str = "the application default credentials can't be read; look at the file that GOOGLE_APPLICATION_CREDENTIALS names, or run `gcloud auth application-default login`";
const NO_TOKEN: &str = "no token is given for them; away from Google's machines give `credentials_file`, set GOOGLE_APPLICATION_CREDENTIALS or run `gcloud auth application-default login`, and look whether the account is enabled";
/// More than any file of credentials needs.
const MAX_FILE: usize = 64 * 1024;

#[cfg(test)]
mod tests;
