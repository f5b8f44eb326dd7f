//! Setting up a vault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Patience};
use sealpost_vault_http::{Connection, Http, Session, State, StaticToken, TokenSource, is_plain};
use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

use super::{GoogleVault, Shared, calls};
use crate::layout::Replication;
use crate::meaning::Meaning;
use crate::place::{Place, is_clean, is_project};
use crate::policy;

/// Sets up a [`GoogleVault`].
#[must_use]
#[derive(Clone, Debug)]
pub struct GoogleBuilder {
    place: Place,
    replication: Replication,
    access: Access,
    max_value: usize,
    endpoint: Option<String>,
    source: Option<Arc<dyn TokenSource>>,
    connection: Connection,
}

impl GoogleVault {
    /// Sets up a vault in this project.
    pub fn builder(project: impl Into<String>) -> GoogleBuilder {
        GoogleBuilder {
            place: Place {
                project: project.into(),
                location: None,
            },
            replication: Replication::Automatic,
            access: Access::Create,
            max_value: MAX_VALUE,
            endpoint: None,
            source: None,
            connection: Connection::default(),
        }
    }
}

impl GoogleBuilder {
    /// Keeps secrets in this region alone, such as `europe-west3`: they are regional secrets.
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.place.location = Some(location.into());
        self
    }

    /// Keeps copies in these locations, instead of those that the service chooses.
    pub fn replicas<L: Into<String>>(mut self, locations: impl IntoIterator<Item = L>) -> Self {
        let locations = locations.into_iter().map(Into::into).collect();
        self.replication = Replication::Locations(locations);
        self
    }

    /// Sets how much the credentials permit; [`Access::Create`] by default.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets the longest value in bytes; 64 KiB by default and at most.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(MAX_VALUE);
        self
    }

    /// Authenticates with this token, which some other program must replace before it ends.
    pub fn token(self, token: impl Into<Zeroizing<String>>) -> Self {
        self.token_source(Arc::new(StaticToken::new(token)))
    }

    /// Authenticates with tokens from this source.
    pub fn token_source(mut self, source: Arc<dyn TokenSource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Asks this address instead of the service's own, such as that of Private Service Connect.
    pub fn endpoint(mut self, address: impl Into<String>) -> Self {
        self.endpoint = Some(address.into());
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

    /// Returns a custom role with what this vault's account needs, and no more.
    #[must_use]
    pub fn policy(&self) -> String {
        policy::role(self.access, &self.place.project)
    }

    /// Returns how much the credentials are to permit.
    #[cfg(feature = "sdk")]
    pub(crate) fn permits(&self) -> Access {
        self.access
    }

    /// Returns where the vault is.
    #[must_use]
    pub fn place(&self) -> String {
        let secret = self.place.secret("");
        format!("{}, {}", self.address(), secret.trim_end_matches('/'))
    }

    /// Checks everything that needs no server.
    ///
    /// # Errors
    ///
    /// Each thing that is wrong: the key of the configuration, and what to do.
    pub fn validate(&self) -> Result<(), Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        if !is_project(&self.place.project) {
            let what =
                "must be the id or the number of a project, as `gcloud projects list` shows it";
            wrong.push(("project", what.to_owned()));
        }
        let region = "must be a region such as \"europe-west3\"";
        if self.place.location.as_deref().is_some_and(|l| !is_clean(l)) {
            wrong.push(("location", region.to_owned()));
        }
        if let Replication::Locations(locations) = &self.replication {
            if locations.is_empty() || !locations.iter().all(|location| is_clean(location)) {
                wrong.push((
                    "replicas",
                    "must be regions such as \"europe-west3\"".to_owned(),
                ));
            }
            if self.place.location.is_some() {
                let what = "are for secrets that are not regional; leave them or `location` out";
                wrong.push(("replicas", what.to_owned()));
            }
        }
        let is_plain = match is_plain(&self.address()) {
            Ok(is_plain) => is_plain,
            Err(what) => {
                wrong.push(("endpoint", what.to_owned()));
                false
            }
        };
        let connection = Connection {
            is_plain,
            ..self.connection.clone()
        };
        if let Err(what) = connection.validate() {
            wrong.push(("proxy", what));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    /// Finds what [`open`](Self::open) would fail with, without asking the service.
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
    /// What a person must change: the configuration, credentials, the project.
    pub async fn open(self) -> Result<GoogleVault, VaultFailure> {
        let shared = Arc::new(self.shared().await?);
        let mut patience = Patience::lasting(START);
        let asked = shared.ask(&mut patience).await;
        match asked {
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
        Ok(GoogleVault {
            shared,
            maintenance,
        })
    }

    fn address(&self) -> String {
        self.endpoint
            .clone()
            .unwrap_or_else(|| self.place.endpoint())
    }

    async fn shared(self) -> Result<Shared, VaultFailure> {
        self.validate().map_err(|wrong| {
            let texts: Vec<_> = wrong
                .iter()
                .map(|(key, what)| format!("{key} {what}"))
                .collect();
            VaultFailure::unusable(texts.join("; "))
        })?;
        let address = self.address();
        let source = self
            .source
            .ok_or_else(|| VaultFailure::unauthenticated("no source of tokens was given"))?;
        let connection = Connection {
            is_plain: is_plain(&address) == Ok(true),
            ..self.connection
        };
        let client = spawn_blocking(move || connection.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        Ok(Shared {
            http: Http::new(client, &address),
            session: Session::new(source),
            place: self.place,
            replication: self.replication,
            access: self.access,
            max_value: self.max_value,
            state: State::default(),
        })
    }
}

/// The longest value that the service and the endpoint accept.
const MAX_VALUE: usize = 64 * 1024;
/// How long a start waits for a vault that can't serve.
const START: Duration = Duration::from_secs(10);
