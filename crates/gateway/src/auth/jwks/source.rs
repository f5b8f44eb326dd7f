//! Where the issuer's keys come from.

use std::{error, fmt, fs::File, io::Read as _, net::IpAddr, path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Response, Url, redirect, retry};
use thiserror::Error;
use tokio::task::spawn_blocking;

use super::super::{KeySet, KeySetError};

/// Where the issuer's keys come from.
pub struct JwksSource(Place);

enum Place {
    File(PathBuf),
    Url { url: Url, http: Client },
}

impl JwksSource {
    /// A file with a JWK set.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// The issuer's `jwks_uri`. `timeout` is for a whole fetch; `authorities` (PEM) are whom to trust with
    /// certificates, instead of those that the system trusts.
    ///
    /// # Errors
    ///
    /// [`JwksError::Url`] if it is no URL with `https`, or with `http` on another host than this one: whoever
    /// can change the answer can let in whom they like. [`JwksError::Authorities`] if they can't be read.
    pub fn url(
        url: &str,
        timeout: Duration,
        authorities: Option<&[u8]>,
    ) -> Result<Self, JwksError> {
        let url = Url::parse(url).map_err(|_| JwksError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(JwksError::Url);
        }
        let mut http = Client::builder()
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never());
        match url.scheme() {
            "https" => {}
            // In clear through no proxy, and no trust store is needed.
            "http" if is_loopback(&url) => http = http.no_proxy().tls_certs_only([]),
            _ => return Err(JwksError::Url),
        }
        if let Some(pem) = authorities {
            let authorities = Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|list| !list.is_empty())
                .ok_or(JwksError::Authorities)?;
            http = http.tls_certs_only(authorities);
        }
        let http = http.build().map_err(fetch_url)?;
        Ok(Self(Place::Url { url, http }))
    }

    pub(super) async fn read(&self) -> Result<KeySet, JwksError> {
        let json = match &self.0 {
            Place::File(path) => {
                let path = path.clone();
                spawn_blocking(move || read_file(path))
                    .await
                    .map_err(fetch)??
            }
            Place::Url { url, http } => {
                let answer = http.get(url.clone()).send().await.map_err(fetch_url)?;
                read_answer(answer).await?
            }
        };
        Ok(KeySet::from_jwks(&json)?)
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => f.debug_tuple("File").field(path).finish(),
            // Without its query, as in errors.
            Place::Url { url, .. } => f.debug_tuple("Url").field(&url.host_str()).finish(),
        }
    }
}

/// Why the issuer's keys can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JwksError {
    /// No URL to fetch keys from.
    #[error(
        "the JWKS URL must start with https:// (http:// is for this host alone) and have no user name or password"
    )]
    Url,
    /// The authorities for the URL can't be read.
    #[error("the authorities for the JWKS URL are no PEM certificates")]
    Authorities,
    /// The file or the URL can't be read.
    #[error("the JWKS can't be read: {}", with_causes(.0.as_ref()))]
    Fetch(#[source] Box<dyn error::Error + Send + Sync>),
    /// The issuer answers with something else than 200.
    #[error("the JWKS URL answers with status {0}, not 200 (redirects are not followed)")]
    Status(u16),
    /// The set is too large.
    #[error("the JWKS is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// What was read is no usable set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

fn read_file(path: PathBuf) -> Result<Vec<u8>, JwksError> {
    let mut json = Vec::new();
    let limit = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let file = File::open(path).map_err(fetch)?;
    file.take(limit).read_to_end(&mut json).map_err(fetch)?;
    if json.len() > MAX_BYTES {
        return Err(JwksError::TooLarge);
    }
    Ok(json)
}

async fn read_answer(mut answer: Response) -> Result<Vec<u8>, JwksError> {
    if answer.status() != 200 {
        return Err(JwksError::Status(answer.status().as_u16()));
    }
    let mut json = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(fetch_url)? {
        if json.len() + piece.len() > MAX_BYTES {
            return Err(JwksError::TooLarge);
        }
        json.extend_from_slice(&piece);
    }
    Ok(json)
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

fn fetch(error: impl Into<Box<dyn error::Error + Send + Sync>>) -> JwksError {
    JwksError::Fetch(error.into())
}

/// Without the URL: what stands in its query is not for the log.
fn fetch_url(error: reqwest::Error) -> JwksError {
    fetch(error.without_url())
}

/// What failed at the bottom, which libraries tend not to say at the top.
fn with_causes(error: &dyn error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Sets of real issuers have some thousand bytes.
const MAX_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_host() {
        let source = |url| JwksSource::url(url, Duration::from_secs(1), None);
        for url in [
            "https://issuer.example/jwks",
            "http://127.0.0.1:1/jwks",
            "http://[::1]/jwks",
            "http://localhost:8080/jwks",
        ] {
            assert!(source(url).is_ok(), "{url}");
        }
        for url in [
            "http://issuer.example/jwks",
            "http://127.0.0.1.example/",
            "https://user:password@issuer.example/jwks",
            "file:///etc/passwd",
            "/jwks",
            "",
        ] {
            assert!(matches!(source(url), Err(JwksError::Url)), "{url}");
        }
        let authorities = JwksSource::url("https://x", Duration::from_secs(1), Some(b"none"));
        assert!(matches!(authorities, Err(JwksError::Authorities)));
    }
}
