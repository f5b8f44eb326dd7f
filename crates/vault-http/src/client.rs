//! The HTTP client: whom it trusts, and through which proxy it goes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, Url, redirect, retry};
use sealpost_files::{quoted, read_named};
use sealpost_rest::{ErrorChain, is_loopback};
use sealpost_vault::error::VaultFailure;

/// How a server is reached. `Debug` does not show the proxy, whose URL may have a password.
#[derive(Clone, Default)]
pub struct Connection {
    /// The authorities that issue the server's certificate. The system's, if there is none.
    pub ca_file: Option<PathBuf>,
    /// Without it, the one that the environment names.
    pub proxy: Option<String>,
    /// The server is on this machine and without TLS.
    pub is_plain: bool,
}

impl Connection {
    /// Reads the files and creates a client. It blocks meanwhile.
    ///
    /// # Errors
    ///
    /// What is wrong with the files or the proxy.
    pub fn client(&self) -> Result<Client, VaultFailure> {
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .referer(false)
            // The library for HTTP/2 copies small pieces of a body into a buffer that it does not wipe.
            .http1_only()
            .retry(retry::never());
        if self.is_plain {
            // No proxy may see what is in clear, and no trust store is needed.
            client = client.no_proxy().tls_certs_only([]);
        }
        if let Some(path) = &self.ca_file {
            let pem = read_named(path, MAX_FILE)
                .map_err(|error| VaultFailure::unusable(error.in_one_line()))?;
            let authorities = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if authorities.is_empty() {
                return Err(VaultFailure::unusable(format!(
                    "{} holds no certificate of an authority in PEM; give the one that issued the server's certificate",
                    quoted(path)
                )));
            }
            client = client.tls_certs_only(authorities);
        }
        if let Some(proxy) = &self.proxy {
            let proxy = Proxy::all(proxy)
                .map_err(|_| VaultFailure::unusable(format!("the proxy {PROXY}")))?;
            client = client.proxy(proxy);
        }
        client.build().map_err(|error| {
            VaultFailure::unusable(format!(
                "TLS can't be set up with the files of the configuration: {}",
                ErrorChain(&error.without_url())
            ))
        })
    }

    /// Checks what needs no file.
    ///
    /// # Errors
    ///
    /// What is wrong with the proxy.
    pub fn validate(&self) -> Result<(), String> {
        match &self.proxy {
            Some(_) if self.is_plain => Err(
                "would see what goes to an address without TLS; leave it out, or use https"
                    .to_owned(),
            ),
            Some(proxy) if Proxy::all(proxy).is_err() => Err(PROXY.to_owned()),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("ca_file", &self.ca_file)
            .field("is_plain", &self.is_plain)
            .finish_non_exhaustive()
    }
}

/// Returns whether an address has no TLS, which only one of this machine may do.
///
/// # Errors
///
/// What is wrong with the address.
pub fn is_plain(address: &str) -> Result<bool, &'static str> {
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
    "must be like https://vault.example, without a path, a user name or a password";
const PROXY: &str = "must be a URL such as http://proxy.example:3128";
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than servers and what is between them keep an idle connection.
const IDLE: Duration = Duration::from_secs(30);
/// More than any bundle of authorities needs.
const MAX_FILE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_without_tls() {
        assert_eq!(is_plain("https://vault.example"), Ok(false));
        assert_eq!(is_plain("https://vault.example:8443/"), Ok(false));
        assert_eq!(is_plain("http://127.0.0.1:8080"), Ok(true));
        assert!(is_plain("http://vault.example").is_err_and(|text| text.contains("no TLS")));
        for address in [
            "",
            "vault.example",
            "ftp://vault.example",
            "https://user@vault.example",
            "https://u:p@vault.example",
            "https://vault.example/v1",
            "https://vault.example?a",
            "https://vault.example#a",
        ] {
            assert_eq!(is_plain(address), Err(ADDRESS), "{address}");
        }
    }

    #[test]
    fn debug_does_not_show_the_password_of_a_proxy() {
        let connection = Connection {
            proxy: Some("http://user:canary@proxy.example".to_owned()),
            ..Connection::default()
        };
        assert!(!format!("{connection:?}").contains("canary"));
        assert_eq!(connection.validate(), Ok(()));
        let plain = Connection {
            is_plain: true,
            ..connection
        };
        assert!(plain.validate().is_err());
    }
}
