//! Setting up a vault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sealpost_files::{quoted, read_named};
use sealpost_rest::is_loopback;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Health, Patience};
use tokio::task::spawn_blocking;
use tracing::warn;

use super::{AwsVault, Shared, maintenance};
use crate::http::{Http, PROXY, is_proxy};
use crate::place::Place;
use crate::policy::policy;
use crate::session::{Session, Source};

/// Sets up an [`AwsVault`].
#[must_use]
#[derive(Clone, Debug)]
pub struct AwsBuilder {
    place: Place,
    access: Access,
    max_value: usize,
    endpoint: Option<String>,
    source: Source,
    http: Http,
}

impl AwsVault {
    /// Sets up a vault in this region, such as `eu-central-1`.
    pub fn builder(region: impl Into<String>) -> AwsBuilder {
        AwsBuilder {
            place: Place {
                region: region.into(),
                account: None,
                prefix: String::new(),
                kms_key: None,
                owner: "sealpost".to_owned(),
            },
            access: Access::Create,
            max_value: MAX_VALUE,
            endpoint: None,
            source: Source::default(),
            http: Http::default(),
        }
    }
}

impl AwsBuilder {
    /// Sets the account, twelve digits, for the policy alone; any without it.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.place.account = Some(account.into());
        self
    }

    /// Puts this path before all names.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.place.prefix = prefix.into();
        self
    }

    /// Encrypts with this KMS key: its ARN, its id, or `alias/…`.
    pub fn kms_key(mut self, key: impl Into<String>) -> Self {
        self.place.kms_key = Some(key.into());
        self
    }

    /// Sets the value of the tag that says who stored a secret; `sealpost` by default.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.place.owner = owner.into();
        self
    }

    /// Sets how much the credentials permit; [`Access::Create`] by default.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets the longest value in bytes; 65,536 by default and at most, which is the service's limit.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(MAX_VALUE);
        self
    }

    /// Asks this endpoint instead of the region's, such as that of a VPC.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Takes credentials from this file of profiles alone, and not from the SDK's chain.
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.source.file = Some(path.into());
        self
    }

    /// Takes this profile of the files of profiles.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.source.profile = Some(profile.into());
        self
    }

    /// Trusts only the authorities in this file (PEM), also for what gives credentials.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.http.ca_file = Some(path.into());
        self
    }

    /// Goes through this proxy, instead of the one that the environment names.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.http.proxy = Some(url.into());
        self
    }

    /// Returns the smallest policy (IAM JSON) for this vault.
    #[must_use]
    pub fn policy(&self) -> String {
        policy(self.access, &self.place)
    }

    /// Returns how much the credentials are to permit.
    pub(crate) fn permits(&self) -> Access {
        self.access
    }

    /// Returns where the vault is.
    #[must_use]
    pub fn location(&self) -> String {
        let Place { region, .. } = &self.place;
        let names = self.place.name("*");
        match &self.endpoint {
            Some(endpoint) => format!("{region} at {endpoint}, {names}"),
            None => format!("{region}, {names}"),
        }
    }

    /// Finds what [`open`](Self::open) would fail with, without asking a service. Files are read, and nothing is changed.
    ///
    /// # Errors
    ///
    /// What is wrong and what to do.
    pub async fn check(self) -> Result<(), VaultFailure> {
        if let Some(path) = self.source.file.clone() {
            let read = spawn_blocking(move || has_credentials(&path)).await;
            read.map_err(VaultFailure::unavailable)??;
        }
        self.shared().await.map(drop)
    }

    /// Opens the vault. One that can't serve now is opened all the same, and used as soon as it can.
    ///
    /// # Errors
    ///
    /// What a person must change: the configuration, credentials, permissions.
    pub async fn open(self) -> Result<AwsVault, VaultFailure> {
        let shared = Arc::new(self.shared().await?);
        match shared.probe(&mut Patience::lasting(START)).await {
            Ok(()) => {}
            Err(failure) if failure.retry_after().is_some() => {
                warn!(%failure, "the vault does not serve yet; it is asked until it does");
                shared.note(&failure);
            }
            Err(failure) => return Err(failure),
        }
        let maintenance = maintenance::start(Arc::downgrade(&shared));
        Ok(AwsVault {
            shared,
            maintenance,
        })
    }

    /// Checks everything that needs no service.
    ///
    /// # Errors
    ///
    /// Each thing that is wrong: the key of the configuration, and what to do.
    pub fn validate(&self) -> Result<(), Vec<(&'static str, String)>> {
        let Place {
            region,
            account,
            prefix,
            kms_key,
            owner,
        } = &self.place;
        let is_region =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
        let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || b" _.:/=+@-".contains(&byte);
        let all = |text: &str, max: usize, is: &dyn Fn(u8) -> bool| {
            (1..=max).contains(&text.len()) && text.bytes().all(is)
        };
        let plain = self.endpoint.as_deref().map(is_plain);
        let wrong = [
            (
                all(region, 32, &is_region) && region.contains('-'),
                "region",
                "must be the name of a region, such as \"eu-central-1\"",
            ),
            (
                account.as_ref().is_none_or(|account| {
                    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
                }),
                "account",
                "must be twelve digits",
            ),
            (
                prefix.is_empty()
                    || all(prefix, 128, &is_name) && !prefix.split('/').any(str::is_empty),
                "prefix",
                "must be up to 128 letters, digits and _ + = . @ -, with slashes only between them",
            ),
            (
                kms_key.as_ref().is_none_or(|key| all(key, 2048, &is_key)),
                "kms_key",
                "must be the ARN, the id or the alias of a KMS key, such as \"alias/sealpost\"",
            ),
            (
                all(owner, 256, &is_tag),
                "owner",
                "must be up to 256 letters, digits, blanks and _ . : / = + @ -",
            ),
            (plain != Some(None), "endpoint", ENDPOINT),
            (
                self.http.proxy.as_deref().is_none_or(is_proxy),
                "proxy",
                PROXY,
            ),
            (
                self.http.proxy.is_none() || plain != Some(Some(true)),
                "proxy",
                "is not used for an endpoint without TLS; leave it out, or use https",
            ),
        ];
        let wrong: Vec<_> = wrong
            .into_iter()
            .filter(|(is_right, ..)| !is_right)
            .map(|(_, key, what)| (key, what.to_owned()))
            .collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    async fn shared(self) -> Result<Shared, VaultFailure> {
        self.validate().map_err(|wrong| {
            let texts: Vec<_> = wrong
                .iter()
                .map(|(key, what)| format!("{key} {what}"))
                .collect();
            VaultFailure::unusable(texts.join("; "))
        })?;
        let http = self.http;
        let client = spawn_blocking(move || http.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        let region = self.place.region.clone();
        Ok(Shared {
            session: Session::new(self.source, client, region, self.endpoint),
            place: self.place,
            access: self.access,
            max_value: self.max_value,
            health: Mutex::new(Health::Ready),
        })
    }
}

/// Reads a file of profiles, and does not keep it.
fn has_credentials(path: &std::path::Path) -> Result<(), VaultFailure> {
    let content = read_named(path, MAX_FILE)
        .map_err(|error| VaultFailure::unauthenticated(error.in_one_line()))?;
    match content.contains(&b'[') {
        true => Ok(()),
        false => Err(VaultFailure::unauthenticated(format!(
            "{} has no profile; it is written like ~/.aws/credentials",
            quoted(path)
        ))),
    }
}

/// Returns whether an endpoint has no TLS, which only one of this machine may do; `None` if it is not an endpoint.
fn is_plain(endpoint: &str) -> Option<bool> {
    let (is_plain, authority) = match endpoint.split_once("://")? {
        ("https", authority) => (false, authority),
        ("http", authority) => (true, authority),
        _ => return None,
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok()?;
            host
        }
        _ => authority,
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let is_right =
        !host.is_empty() && host.bytes().all(is_host) && (!is_plain || is_loopback(host));
    is_right.then_some(is_plain)
}

const ENDPOINT: &str = "must be like https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com, without a path; http is for this machine only";
/// The service's limit.
const MAX_VALUE: usize = 65_536;
/// How long a start waits for a service that can't serve.
const START: Duration = Duration::from_secs(10);
const MAX_FILE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_tls_is_of_this_machine() {
        for (endpoint, expected) in [
            ("https://a.example", Some(false)),
            ("https://a.example:8443/", Some(false)),
            ("https://[::1]:1", Some(false)),
            ("http://127.0.0.1:5000", Some(true)),
            ("http://[::1]", Some(true)),
            ("http://a.example", None),
            ("https://user:password@a.example", None),
            ("https://a.example/path", None),
            ("https://a.example?query", None),
            ("https://a.example:x", None),
            ("https://", None),
            ("a.example", None),
        ] {
            assert_eq!(is_plain(endpoint), expected, "{endpoint}");
        }
    }
}
