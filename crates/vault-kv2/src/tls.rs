//! The HTTP client: whom it trusts, what it shows, and through which proxy it goes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Proxy, redirect, retry};
use sealpost_files::{quoted, read_named};
use sealpost_rest::ErrorChain;
use sealpost_vault::error::VaultFailure;

/// What a client is made from.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// The authorities that issue the servers' certificates. The system's, if there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// A certificate, those that issued it, and its private key: for authentication.
    pub(crate) certificate_file: Option<PathBuf>,
    /// Without it, the one that the environment names.
    pub(crate) proxy: Option<String>,
    /// All addresses are of this machine and without TLS.
    pub(crate) is_plain: bool,
}

impl Tls {
    /// Reads the files and creates a client. It blocks meanwhile.
    pub(crate) fn client(&self) -> Result<Client, VaultFailure> {
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            // A redirection is the word of a standby without an active node, and a token goes to no server but those configured.
            .redirect(redirect::Policy::none())
            .referer(false)
            // The library for HTTP/2 copies small pieces of a body into a buffer that it does not wipe, and sends all requests
            // through one connection, whose peer may be gone.
            .http1_only()
            .retry(retry::never());
        if self.is_plain {
            // No proxy may see what is in clear, and no trust store is needed.
            client = client.no_proxy().tls_certs_only([]);
        }
        if let Some(path) = &self.ca_file {
            let pem = read_named(path, MAX_FILE).map_err(|e| unusable(e.in_one_line()))?;
            let authorities = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if authorities.is_empty() {
                return Err(unusable(format!(
                    "{} holds no certificate of an authority in PEM; give the one that issued the vault's certificate",
                    quoted(path)
                )));
            }
            client = client.tls_certs_only(authorities);
        }
        if let Some(path) = &self.certificate_file {
            let pem = read_named(path, MAX_FILE).map_err(|e| unusable(e.in_one_line()))?;
            let identity = Identity::from_pem(&pem).map_err(|_| {
                unusable(format!(
                    "{} does not hold a certificate followed by its private key without a password, both in PEM",
                    quoted(path)
                ))
            })?;
            client = client.identity(identity);
        }
        if let Some(proxy) = &self.proxy {
            let proxy = Proxy::all(proxy).map_err(|_| unusable(format!("the proxy {PROXY}")))?;
            client = client.proxy(proxy);
        }
        client.build().map_err(|error| {
            unusable(format!(
                "TLS can't be set up with the files of the configuration: {}",
                ErrorChain(&error.without_url())
            ))
        })
    }
}

/// Does not show the proxy, whose URL may have a password.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca_file", &self.ca_file)
            .field("certificate_file", &self.certificate_file)
            .finish_non_exhaustive()
    }
}

fn unusable(text: String) -> VaultFailure {
    VaultFailure::unusable(text)
}

pub(crate) const PROXY: &str = "must be a URL such as http://proxy.example:3128";
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than servers and what is between them keep an idle connection. Until then its buffer holds the last answer, which may be a
/// value.
const IDLE: Duration = Duration::from_secs(10);
/// More than any certificate, chain or key needs.
const MAX_FILE: usize = 1024 * 1024;
