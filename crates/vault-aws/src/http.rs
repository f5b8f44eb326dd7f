//! The HTTP client: whom it trusts, and through which proxy it goes.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_secretsmanager::config::SharedHttpClient;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use sealpost_files::{quoted, read_named};
use sealpost_vault::error::VaultFailure;

/// What a client is made from.
#[derive(Clone, Default)]
pub(crate) struct Http {
    /// The authorities that issue the certificates of all services. The system's, if there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// Without it, the one that the environment names for HTTPS.
    pub(crate) proxy: Option<String>,
}

impl Http {
    /// Reads the files and creates a client. It blocks meanwhile.
    pub(crate) fn client(&self) -> Result<SharedHttpClient, VaultFailure> {
        let mut trust = TrustStore::default();
        if let Some(path) = &self.ca_file {
            let pem = read_named(path, MAX_FILE)
                .map_err(|error| VaultFailure::unusable(error.in_one_line()))?;
            // The SDK panics over what is not a certificate.
            if !has_authorities(&pem) {
                return Err(VaultFailure::unusable(format!(
                    "{} holds something else than certificates of authorities in PEM; give those that issued the endpoints' certificates",
                    quoted(path)
                )));
            }
            trust = TrustStore::empty().with_pem_certificate(pem.to_vec());
        }
        let context = TlsContext::builder().with_trust_store(trust).build();
        let context = context.map_err(|_| VaultFailure::unusable("TLS can't be set up"))?;
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT);
        let connector = Connector::builder()
            .connector_settings(settings.build())
            .pool_idle_timeout(IDLE)
            .proxy_config(self.proxy()?)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context)
            .build();
        let connector = SharedHttpConnector::new(connector);
        Ok(http_client_fn(move |_, _| connector.clone()))
    }

    /// Without TLS nothing goes through a proxy: neither an endpoint of this machine nor the metadata service.
    fn proxy(&self) -> Result<ProxyConfig, VaultFailure> {
        if let Some(proxy) = &self.proxy {
            return proxy_to(proxy)
                .ok_or_else(|| VaultFailure::unusable(format!("the proxy {PROXY}")));
        }
        let Some(proxy) = variable(["HTTPS_PROXY", "https_proxy"]) else {
            return Ok(ProxyConfig::disabled());
        };
        let proxy = proxy_to(&proxy).ok_or_else(|| {
            VaultFailure::unusable(format!("the environment's HTTPS_PROXY {PROXY}"))
        })?;
        Ok(match variable(["NO_PROXY", "no_proxy"]) {
            Some(rules) => proxy.no_proxy(rules),
            None => proxy,
        })
    }
}

/// Does not show the proxy, whose URL may have a password.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

/// Returns whether this is the URL of a proxy.
pub(crate) fn is_proxy(url: &str) -> bool {
    proxy_to(url).is_some()
}

fn proxy_to(url: &str) -> Option<ProxyConfig> {
    let is_url = ["http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    ProxyConfig::https(url).ok().filter(|_| is_url)
}

fn variable(names: [&str; 2]) -> Option<String> {
    let value = names.into_iter().find_map(|name| env::var(name).ok());
    value.filter(|value| !value.is_empty())
}

/// Returns whether this is one certificate of an authority, or more.
fn has_authorities(pem: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    let are_all_good = CertificateDer::pem_slice_iter(pem)
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    are_all_good && !roots.is_empty()
}

pub(crate) const PROXY: &str = "must be a URL such as http://proxy.example:3128";
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than the services keep an idle connection.
const IDLE: Duration = Duration::from_secs(15);
/// More than any bundle of authorities needs.
const MAX_FILE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_certificate_is_refused_and_does_not_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let certificate = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        for content in [
            String::new(),
            "text".to_owned(),
            certificate("AAAA"),
            certificate("?"),
        ] {
            std::fs::write(&path, &content).unwrap();
            let http = Http {
                ca_file: Some(path.clone()),
                proxy: None,
            };
            let refused = http.client().unwrap_err();
            assert!(
                refused.to_string().contains("certificates of authorities"),
                "{content}: {refused}"
            );
        }
    }

    #[test]
    fn a_proxy_is_a_url() {
        assert!(is_proxy("http://user:password@proxy.example:3128"));
        for other in [
            "",
            "proxy.example:3128",
            "socks5://proxy.example",
            "http://",
        ] {
            assert!(!is_proxy(other), "{other}");
        }
        let http = Http {
            ca_file: None,
            proxy: Some("http://user:canary@proxy.example".to_owned()),
        };
        assert!(!format!("{http:?}").contains("canary"));
    }
}
