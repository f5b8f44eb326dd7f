//! Where the issuer's keys come from: a file or a URL.

use std::{
    error, fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client, Response, Url, redirect, retry};
use sealpost_files::FileError;
use sealpost_rest::{ErrorChain, is_loopback};
use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::auth::keys::{KeySet, KeySetError};

/// Where the issuer's keys come from.
pub struct JwksSource(Location);

enum Location {
    File(PathBuf),
    Url { url: Url, http: Client },
}

impl JwksSource {
    /// Reads a file that holds a JWK set.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Location::File(path.into()))
    }

    /// Fetches the issuer's `jwks_uri`. `timeout` is for a whole fetch. `authorities` (PEM) are trusted to issue the
    /// server's certificate, instead of those that the system trusts.
    ///
    /// # Errors
    ///
    /// [`JwksError::Url`] if the URL has neither `https`, nor `http` with this machine as host: an attacker who can
    /// change the answer can accept any token. [`JwksError::Authorities`] if they can't be read.
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
            // Plain HTTP goes through no proxy, and needs no trust store.
            "http" if url.host_str().is_some_and(is_loopback) => {
                http = http.no_proxy().tls_certs_only([]);
            }
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
        Ok(Self(Location::Url { url, http }))
    }

    /// Reads a file that holds a JWK set, as a fetch does.
    ///
    /// # Errors
    ///
    /// [`JwksError::File`], [`JwksError::TooLarge`] or [`JwksError::KeySet`].
    pub fn read_file(path: &Path) -> Result<KeySet, JwksError> {
        let json = sealpost_files::read_named(path, MAX_BYTES).map_err(|error| match error {
            FileError::TooLarge { .. } => JwksError::TooLarge,
            error => JwksError::File(error),
        })?;
        Ok(KeySet::from_jwks(&json)?)
    }

    pub(super) async fn read(&self) -> Result<KeySet, JwksError> {
        let json = match &self.0 {
            Location::File(path) => {
                let path = path.clone();
                let set = spawn_blocking(move || Self::read_file(&path)).await;
                return set.map_err(fetch)?;
            }
            Location::Url { url, http } => {
                let answer = http.get(url.clone()).send().await.map_err(fetch_url)?;
                read_answer(answer).await?
            }
        };
        // As of a file: RFC 8259 §8.1 lets a reader of JSON ignore it.
        Ok(KeySet::from_jwks(
            json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&json),
        )?)
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::File(path) => f.debug_tuple("File").field(path).finish(),
            // Without the query, as in errors.
            Location::Url { url, .. } => f.debug_tuple("Url").field(&url.host_str()).finish(),
        }
    }
}

/// Why the issuer's keys can't be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JwksError {
    /// Keys must not be fetched from this URL.
    #[error(
        "the JWKS URL must start with https:// (http:// is for this host alone) and have no user name or password"
    )]
    Url,
    /// The authorities for the URL can't be read.
    #[error("the authorities for the JWKS URL are not PEM certificates")]
    Authorities,
    /// The file can't be read.
    #[error("{}", .0.in_one_line())]
    File(FileError),
    /// The URL can't be read.
    #[error("the JWKS can't be read: {}", ErrorChain(.0.as_ref()))]
    Fetch(#[source] Box<dyn error::Error + Send + Sync>),
    /// The issuer answers with another status than 200.
    #[error("the JWKS URL answers with status {0}, not 200 (redirects are not followed)")]
    Status(u16),
    /// The set is too large.
    #[error("the JWKS is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The content is not a usable set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
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

fn fetch(error: impl Into<Box<dyn error::Error + Send + Sync>>) -> JwksError {
    JwksError::Fetch(error.into())
}

/// Removes the URL: its query must not reach the log.
fn fetch_url(error: reqwest::Error) -> JwksError {
    fetch(error.without_url())
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Sets of real issuers have a few thousand bytes.
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
