//! Setting up a client.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Url, redirect, retry};
use sealpost_rest::is_loopback;
use zeroize::Zeroizing;

use crate::{
    client::Client,
    error::ClientError,
    retry::RetryPolicy,
    tls,
    token::{Credentials, Token, TokenProvider},
};

/// Sets up a [`Client`].
#[must_use]
pub struct ClientBuilder {
    url: String,
    authentication: Option<Authentication>,
    retries: RetryPolicy,
    timeout: Duration,
    attempt_timeout: Duration,
    connect_timeout: Duration,
    authorities: Option<Vec<u8>>,
    identity: Option<Zeroizing<Vec<u8>>>,
    plain_http: bool,
}

enum Authentication {
    Token(Token),
    Provider(Arc<dyn TokenProvider>),
}

impl Client {
    /// Sets up a client of the gateway at `url`, such as `https://gateway.example` or `https://gateway.example/dpc`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }
}

impl ClientBuilder {
    fn new(url: String) -> Self {
        Self {
            url,
            authentication: None,
            retries: RetryPolicy::default(),
            timeout: Duration::from_secs(120),
            attempt_timeout: Duration::from_secs(40),
            connect_timeout: Duration::from_secs(10),
            authorities: None,
            identity: None,
            plain_http: false,
        }
    }

    /// Authenticates with this token only.
    pub fn token(mut self, token: Token) -> Self {
        self.authentication = Some(Authentication::Token(token));
        self
    }

    /// Authenticates with the tokens of this provider.
    pub fn token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.authentication = Some(Authentication::Provider(Arc::new(provider)));
        self
    }

    /// Sets how often a call is tried; five times by default.
    pub fn retries(mut self, policy: RetryPolicy) -> Self {
        self.retries = policy;
        self
    }

    /// Sets the time for a whole call with all its attempts and the pauses between them; 120 seconds by default, a day at
    /// most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(LONGEST);
        self
    }

    /// Sets the time for one attempt; 40 seconds by default, a day at most. Keep it longer than the gateway's deadline, which
    /// is 30 seconds by default: then the gateway's answer arrives, and says what is known.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout.min(LONGEST);
        self
    }

    /// Sets the time to connect; 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Trusts only gateways whose certificate is issued by one of these authorities (PEM). One that can't be used is left
    /// out if there are others: [`Client::left_out_authorities`] tells.
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Shows this certificate to gateways that ask for one: the certificate, those that issued it, and its private key
    /// (PKCS#8), in one PEM.
    pub fn client_certificate(mut self, pem: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        self.identity = Some(pem.into());
        self
    }

    /// Speaks plain HTTP with hosts other than this one.
    ///
    /// # Security
    ///
    /// Everyone on the way can read the values and the token.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Creates the client.
    ///
    /// # Errors
    ///
    /// [`ClientError::Url`], [`ClientError::Token`], [`ClientError::Certificate`], [`ClientError::ClientCertificate`] or
    /// [`ClientError::Setup`].
    pub fn build(self) -> Result<Client, ClientError> {
        let url = Url::parse(&self.url)
            .map_err(|_| ClientError::Url("it must be like https://gateway.example"))?;
        if url.cannot_be_a_base() || !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::Url(
                "it must have a host and no user name or password",
            ));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            // Shorter than a gateway keeps an idle connection, so that a reused connection is still open.
            .pool_idle_timeout(POOL_IDLE)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never());
        match url.scheme() {
            "https" => {}
            "http" if self.plain_http || url.host_str().is_some_and(is_loopback) => {
                // No proxy of the environment may see what is in clear, and no trust store is needed.
                http = http.no_proxy().tls_certs_only([]);
            }
            "http" => {
                return Err(ClientError::Url(
                    "plain HTTP would show the value to everyone on the way; use https",
                ));
            }
            _ => return Err(ClientError::Url("it must start with https://")),
        }
        let mut left_out = Vec::new();
        if let Some(pem) = &self.authorities {
            let authorities = tls::authorities(pem).map_err(ClientError::Certificate)?;
            http = http.tls_certs_only(authorities.usable);
            left_out = authorities.left_out;
        }
        if let Some(pem) = &self.identity {
            let identity = tls::identity(pem).map_err(ClientError::ClientCertificate)?;
            http = http.identity(identity);
        }
        let credentials = match self.authentication {
            None => Credentials::None,
            Some(Authentication::Token(token)) => {
                Credentials::Fixed(token.header_value().ok_or(ClientError::Token)?)
            }
            Some(Authentication::Provider(provider)) => Credentials::Provider(provider),
        };
        let http = http
            .build()
            .map_err(|error| ClientError::Setup(error.into()))?;
        Ok(Client {
            http,
            url,
            credentials,
            retries: self.retries,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            left_out: left_out.into(),
            has_certificate: self.identity.is_some(),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

const POOL_IDLE: Duration = Duration::from_secs(5);
/// The clock overflows if much longer times are added to it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str) -> Result<Client, ClientError> {
        Client::builder(url).build()
    }

    #[test]
    fn plain_http_is_for_this_host_alone() {
        for url in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost/dpc",
        ] {
            assert!(build(url).is_ok(), "{url}");
        }
        for url in [
            "http://gateway.example",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
        ] {
            assert!(matches!(build(url), Err(ClientError::Url(_))), "{url}");
        }
        assert!(
            Client::builder("http://10.0.0.1")
                .danger_allow_plain_http()
                .build()
                .is_ok()
        );
    }

    #[tokio::test]
    async fn the_longest_timeouts_are_no_panic() {
        let client = Client::builder("http://127.0.0.1:1")
            .timeout(Duration::MAX)
            .attempt_timeout(Duration::MAX)
            .retries(RetryPolicy::never())
            .token(Token::new("t".to_owned()))
            .build()
            .expect("it is well formed");
        assert!(client.agent_certificate("agent-1", None).await.is_err());
    }

    #[test]
    fn urls_that_make_no_sense_are_refused() {
        for url in [
            "",
            "gateway.example",
            "ftp://gateway.example",
            "https://u:p@gateway.example",
            "data:x",
        ] {
            assert!(matches!(build(url), Err(ClientError::Url(_))), "{url}");
        }
    }

    #[test]
    fn nothing_secret_shows() {
        let builder = Client::builder("http://localhost")
            .token(Token::new("canary".to_owned()))
            .client_certificate(b"canary".to_vec());
        assert!(!format!("{builder:?}").contains("canary"));
        let error = builder.build().unwrap_err();
        assert!(matches!(error, ClientError::ClientCertificate(_)));
        assert!(!format!("{error} {error:?}").contains("canary"));
        let client = Client::builder("http://localhost")
            .token(Token::new("canary".to_owned()))
            .build()
            .unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
