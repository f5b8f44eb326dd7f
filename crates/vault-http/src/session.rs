//! The token that is used now, and where the next comes from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::header::HeaderValue;
use sealpost_vault::error::VaultFailure;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

/// Where tokens come from. It keeps a token for as long as it is good.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// Returns a token that is good now. `fresh`: the server has refused the one before, whatever is known of it.
    ///
    /// # Errors
    ///
    /// [`VaultFailure::Unauthenticated`] if a person must act, [`VaultFailure::Unavailable`] if the issuer can't serve now.
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure>;

    /// Finds what is wrong with the credentials without asking anyone.
    ///
    /// # Errors
    ///
    /// What is wrong.
    async fn check(&self) -> Result<(), VaultFailure> {
        Ok(())
    }
}

/// One token, for tests and for programs that replace the vault before it ends.
pub struct StaticToken(Zeroizing<String>);

impl StaticToken {
    /// Takes the token.
    pub fn new(token: impl Into<Zeroizing<String>>) -> Self {
        Self(token.into())
    }
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn token(&self, _: bool) -> Result<Zeroizing<String>, VaultFailure> {
        Ok(self.0.clone())
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticToken(..)")
    }
}

/// What authenticates the calls of a vault.
#[derive(Debug)]
pub struct Session {
    source: Arc<dyn TokenSource>,
    /// Counts the tokens that were refused: of many calls that were refused with one token, one gets another.
    refused: AtomicU64,
    renewed: Mutex<u64>,
}

/// A header `Authorization` with a token. `Debug` does not show it.
#[derive(Clone)]
pub struct Bearer {
    /// In a buffer that is wiped with its last copy.
    pub header: HeaderValue,
    generation: u64,
}

impl Session {
    /// Takes tokens from this source.
    #[must_use]
    pub fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            source,
            refused: AtomicU64::new(0),
            renewed: Mutex::new(0),
        }
    }

    /// Returns the header for a token that is good now.
    ///
    /// # Errors
    ///
    /// Those of [`TokenSource::token`]; [`VaultFailure::Unavailable`] if the source does not answer until the deadline.
    pub async fn bearer(&self, deadline: Instant) -> Result<Bearer, VaultFailure> {
        let generation = self.refused.load(Ordering::SeqCst);
        let fresh = *self.renewed.lock() < generation;
        let token = timeout_at(deadline, self.source.token(fresh)).await;
        let token = token.map_err(|_| {
            VaultFailure::unavailable("no token was given in time; look at what issues them")
        })??;
        if fresh {
            let mut renewed = self.renewed.lock();
            *renewed = generation.max(*renewed);
        }
        let header = header(&token).ok_or_else(|| {
            VaultFailure::unauthenticated("the token has characters that no token has")
        })?;
        Ok(Bearer { header, generation })
    }

    /// Notes that the server refused a token.
    pub fn refuse(&self, bearer: &Bearer) {
        let _ = self.refused.compare_exchange(
            bearer.generation,
            bearer.generation + 1,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
    }

    /// Checks the credentials without asking anyone.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub async fn check(&self) -> Result<(), VaultFailure> {
        self.source.check().await
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

fn header(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    if token.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(BEARER.len() + token.len()));
    bytes.extend_from_slice(BEARER);
    bytes.extend_from_slice(token.as_bytes());
    let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok()?;
    header.set_sensitive(true);
    Some(header)
}

const BEARER: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Counting(Mutex<Vec<bool>>);

    #[async_trait]
    impl TokenSource for Counting {
        async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
            self.0.lock().push(fresh);
            Ok(Zeroizing::new("canary".to_owned()))
        }
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_once_however_many_calls_it_had() {
        let asked = Arc::new(Counting::default());
        let session = Session::new(Arc::clone(&asked) as Arc<dyn TokenSource>);
        let soon = Instant::now() + std::time::Duration::from_secs(5);
        let first = session.bearer(soon).await.unwrap();
        let second = session.bearer(soon).await.unwrap();
        session.refuse(&first);
        session.refuse(&second);
        session.bearer(soon).await.unwrap();
        session.bearer(soon).await.unwrap();
        assert_eq!(*asked.0.lock(), [false, false, true, false]);
        let shown = format!("{first:?} {:?} {session:?}", first.header);
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn what_no_header_can_have_is_no_token() {
        assert_eq!(header(" a.b-c\n").unwrap().as_bytes(), b"Bearer a.b-c");
        for token in ["", " \n", "a\nb", "a\0b"] {
            assert!(header(token).is_none(), "{token:?}");
        }
    }
}
