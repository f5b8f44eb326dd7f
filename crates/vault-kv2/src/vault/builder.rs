//! Setting up a vault.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::Url;
use reqwest::header::HeaderValue;
use sealpost_rest::is_loopback;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Health, Patience};
use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

use super::{Kv2Vault, Shared, maintenance};
use crate::http::Http;
use crate::login::Login;
use crate::path::{Place, is_clean};
use crate::policy::policy;
use crate::session::Session;
use crate::tls::{PROXY, Tls};

/// Sets up a [`Kv2Vault`].
#[must_use]
#[derive(Clone, Debug)]
pub struct Kv2Builder {
    addresses: Vec<String>,
    place: Place,
    namespace: Option<String>,
    access: Access,
    max_value: usize,
    login: Option<Login>,
    auth_mount: Option<String>,
    tls: Tls,
}

impl Kv2Vault {
    /// Sets up a vault whose servers are at these addresses, such as `https://bao.example:8200`: one, if a load balancer is
    /// before them, or all servers of one cluster.
    pub fn builder<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Kv2Builder {
        Kv2Builder {
            addresses: addresses.into_iter().map(Into::into).collect(),
            place: Place {
                mount: "secret".to_owned(),
                prefix: String::new(),
            },
            namespace: None,
            access: Access::Create,
            max_value: MAX_VALUE,
            login: None,
            auth_mount: None,
            tls: Tls::default(),
        }
    }
}

impl Kv2Builder {
    /// Sets the mount of the engine; `secret` by default.
    pub fn mount(mut self, mount: impl Into<String>) -> Self {
        self.place.mount = mount.into();
        self
    }

    /// Puts all secrets below this path.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.place.prefix = prefix.into();
        self
    }

    /// Sends this namespace with every request.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets how much the credentials permit; [`Access::Create`] by default.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets the longest value in bytes; 64 KiB by default and at most, which is what the endpoint takes, and fits into one entry
    /// of the engine however it is escaped.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.max_value = bytes.min(MAX_VALUE);
        self
    }

    /// Authenticates with this token.
    pub fn token(mut self, token: impl Into<Zeroizing<String>>) -> Self {
        self.login = Some(Login::Token(token.into()));
        self
    }

    /// Authenticates with the token in a file, which is read again when it has changed.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.login = Some(Login::TokenFile(path.into()));
        self
    }

    /// Authenticates with a role of AppRole, and the secret id in a file unless the role needs none. The file is read at each
    /// login.
    pub fn app_role(mut self, role_id: impl Into<String>, secret_id_file: Option<PathBuf>) -> Self {
        self.login = Some(Login::AppRole {
            mount: "approle".to_owned(),
            role_id: role_id.into(),
            secret_id_file,
        });
        self
    }

    /// Authenticates with a role of Kubernetes, and the token of the service account in a file, which is read at each login.
    pub fn kubernetes(mut self, role: impl Into<String>, jwt_file: impl Into<PathBuf>) -> Self {
        self.login = Some(Login::Kubernetes {
            mount: "kubernetes".to_owned(),
            role: role.into(),
            jwt_file: jwt_file.into(),
        });
        self
    }

    /// Authenticates with a TLS certificate: the file holds it, those that issued it and its private key, in PEM, and is read at
    /// each login. Without a role the server picks one that matches.
    pub fn certificate(mut self, file: impl Into<PathBuf>, role: Option<String>) -> Self {
        self.tls.certificate_file = Some(file.into());
        self.login = Some(Login::Certificate {
            mount: "cert".to_owned(),
            role,
            tls: Tls::default(),
        });
        self
    }

    /// Sets where the method of authentication is mounted; its own name by default.
    pub fn auth_mount(mut self, mount: impl Into<String>) -> Self {
        self.auth_mount = Some(mount.into());
        self
    }

    /// Trusts only the authorities in this file (PEM).
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.ca_file = Some(path.into());
        self
    }

    /// Goes through this proxy, instead of the one that the environment names.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.tls.proxy = Some(url.into());
        self
    }

    /// Returns the smallest policy (HCL) for this vault.
    #[must_use]
    pub fn policy(&self) -> String {
        policy(self.access, &self.place)
    }

    /// Returns how much the credentials are to permit.
    pub(crate) fn permits(&self) -> Access {
        self.access
    }

    /// Returns where the vault is, without credentials.
    #[must_use]
    pub fn location(&self) -> String {
        let addresses = self.addresses.join(", ");
        let place = self.place.location("");
        match &self.namespace {
            Some(namespace) => format!("{addresses}, {place} in namespace {namespace}"),
            None => format!("{addresses}, {place}"),
        }
    }

    /// Finds what [`open`](Self::open) would fail with, without asking a server: a login may use up a secret id. Files are read,
    /// and nothing is changed.
    ///
    /// # Errors
    ///
    /// What is wrong and what to do.
    pub async fn check(self) -> Result<(), VaultFailure> {
        let shared = self.shared().await?;
        shared.session.check().await
    }

    /// Opens the vault. One that can't serve now is opened all the same, and used as soon as it can.
    ///
    /// # Errors
    ///
    /// What a person must change: the configuration, credentials, files.
    pub async fn open(self) -> Result<Kv2Vault, VaultFailure> {
        let shared = Arc::new(self.shared().await?);
        let mut patience = Patience::lasting(START);
        match shared.session.token(&shared.http, &mut patience).await {
            Ok(_) => shared.check_mount(&mut patience).await?,
            Err(failure) if failure.retry_after().is_some() => {
                warn!(%failure, "the vault does not serve yet; it is asked until it does");
                shared.note(&failure);
            }
            Err(failure) => return Err(failure),
        }
        let maintenance = maintenance::start(Arc::downgrade(&shared));
        Ok(Kv2Vault {
            shared,
            maintenance,
        })
    }

    /// Checks everything that needs no server.
    ///
    /// # Errors
    ///
    /// Each thing that is wrong: the key of the configuration, and what to do.
    pub fn validate(&self) -> Result<(), Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        if self.addresses.is_empty() {
            wrong.push(("address", "names no server".to_owned()));
        }
        let plain: Vec<_> = self.addresses.iter().map(|a| is_plain(a)).collect();
        for is_plain in &plain {
            if let Err(what) = is_plain {
                wrong.push(("address", (*what).to_owned()));
            }
        }
        if plain.contains(&Ok(true)) && plain.contains(&Ok(false)) {
            wrong.push((
                "address",
                "has servers with TLS and without; give one kind".to_owned(),
            ));
        }
        let paths = [
            ("mount", Some(&self.place.mount)),
            (
                "prefix",
                Some(&self.place.prefix).filter(|prefix| !prefix.is_empty()),
            ),
            ("namespace", self.namespace.as_ref()),
            ("auth_mount", self.auth_mount.as_ref()),
        ];
        for (key, path) in paths {
            if path.is_some_and(|path| !is_clean(path)) {
                let what = "must be segments between slashes, without a slash at its ends, blanks, and % ? # * + \" \\";
                wrong.push((key, what.to_owned()));
            }
        }
        if self.tls.proxy.is_some() && plain.contains(&Ok(true)) {
            let what = "would see what goes to an address without TLS; leave it out, or use https";
            wrong.push(("proxy", what.to_owned()));
        }
        if let Some(proxy) = &self.tls.proxy
            && reqwest::Proxy::all(proxy).is_err()
        {
            wrong.push(("proxy", PROXY.to_owned()));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    async fn shared(mut self) -> Result<Shared, VaultFailure> {
        self.validate().map_err(|wrong| {
            let texts: Vec<_> = wrong
                .iter()
                .map(|(key, what)| format!("{key} {what}"))
                .collect();
            VaultFailure::unusable(texts.join("; "))
        })?;
        self.tls.is_plain = self.addresses.iter().all(|a| is_plain(a) == Ok(true));
        let mut login = self.login.ok_or_else(|| {
            VaultFailure::unauthenticated("no method of authentication was given")
        })?;
        if let Login::Certificate { tls, .. } = &mut login {
            *tls = self.tls.clone();
        }
        if let Some(given) = self.auth_mount {
            match &mut login {
                Login::AppRole { mount, .. }
                | Login::Kubernetes { mount, .. }
                | Login::Certificate { mount, .. } => *mount = given,
                Login::Token(_) | Login::TokenFile(_) => {}
            }
        }
        let tls = self.tls;
        let client = spawn_blocking(move || tls.client()).await;
        let client = client.map_err(VaultFailure::unavailable)??;
        let addresses = self
            .addresses
            .iter()
            .map(|a| a.trim_end_matches('/').to_owned());
        let namespace = self.namespace.map(HeaderValue::try_from).transpose();
        let namespace = namespace.map_err(VaultFailure::unusable)?;
        Ok(Shared {
            http: Http::new(client, addresses.collect(), namespace),
            session: Session::new(login),
            place: self.place,
            access: self.access,
            max_value: self.max_value,
            health: Mutex::new(Health::Ready),
        })
    }
}

/// Returns whether an address has no TLS, which only one of this machine may do.
fn is_plain(address: &str) -> Result<bool, &'static str> {
    let url = Url::parse(address).map_err(|_| ADDRESS)?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !url.username().is_empty() || url.password().is_some() || !is_bare {
        return Err(ADDRESS);
    }
    match url.scheme() {
        "https" => Ok(false),
        "http" if url.host_str().is_some_and(is_loopback) => Ok(true),
        "http" => {
            Err("has no TLS: everyone on the way could read the token and every value; use https")
        }
        _ => Err(ADDRESS),
    }
}

const ADDRESS: &str =
    "must be like https://bao.example:8200, without a path, a user name or a password";
/// The longest value that the endpoint accepts. In the worst case each byte takes twelve in the engine, whose limit is 1 MiB.
const MAX_VALUE: usize = 64 * 1024;
/// How long a start waits for a vault that can't serve.
const START: std::time::Duration = std::time::Duration::from_secs(10);
