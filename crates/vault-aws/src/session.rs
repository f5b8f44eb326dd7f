//! The SDK's client with the credentials that are used now.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{Builder, SharedHttpClient};
use parking_lot::Mutex;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

/// Where credentials come from, and the client that has them.
#[derive(Debug)]
pub(crate) struct Session {
    source: Source,
    http: SharedHttpClient,
    region: String,
    endpoint: Option<String>,
    client: Mutex<Option<Numbered>>,
    number: AtomicU64,
}

/// Where credentials come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// A file of profiles. Without it, the SDK's chain: the environment, the files in the home folder, a web identity, the
    /// container, the machine.
    pub(crate) file: Option<PathBuf>,
    pub(crate) profile: Option<String>,
}

/// A client, and which of the clients of this session it is.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) client: Client,
    number: u64,
}

impl Session {
    pub(crate) fn new(
        source: Source,
        http: SharedHttpClient,
        region: String,
        endpoint: Option<String>,
    ) -> Self {
        Self {
            source,
            http,
            region,
            endpoint,
            client: Mutex::new(None),
            number: AtomicU64::new(0),
        }
    }

    /// Returns the client that is used now.
    pub(crate) async fn client(&self) -> Numbered {
        if let Some(client) = self.client.lock().clone() {
            return client;
        }
        let made = Numbered {
            client: quiet(self.make()).await,
            number: self.number.fetch_add(1, Ordering::Relaxed),
        };
        // Another may have made one meanwhile.
        self.client.lock().get_or_insert(made).clone()
    }

    /// Forgets a client whose credentials were refused, so that the next reads their source again. The SDK keeps credentials
    /// until they expire, and those of a file for ever.
    pub(crate) fn forget(&self, client: &Numbered) {
        self.client
            .lock()
            .take_if(|now| now.number == client.number);
    }

    async fn make(&self) -> Client {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .http_client(self.http.clone())
            // Calls are made again here, within the deadline.
            .retry_config(RetryConfig::disabled());
        if let Some(profile) = &self.source.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(path) = &self.source.file {
            let files = EnvConfigFiles::builder()
                .with_file(EnvConfigFileKind::Credentials, path)
                .build();
            let mut provider =
                ProfileFileCredentialsProvider::builder().profile_files(files.clone());
            if let Some(profile) = &self.source.profile {
                provider = provider.profile_name(profile);
            }
            loader = loader
                .profile_files(files)
                .credentials_provider(provider.build());
        }
        let shared = loader.load().await;
        let mut builder = Builder::from(&shared);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Client::from_conf(builder.build())
    }
}

/// Runs a call of the SDK without its log, which shows whole requests at its most talkative.
pub(crate) async fn quiet<F: Future>(call: F) -> F::Output {
    call.with_subscriber(NoSubscriber::default()).await
}
