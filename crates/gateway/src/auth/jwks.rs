//! The issuer's keys, fetched and kept fresh.

mod source;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tracing::{info, warn};

pub use source::{JwksError, JwksSource};

use super::KeySet;
use crate::Metrics;

/// When the issuer's keys are fetched again.
#[derive(Clone, Copy, Debug)]
pub struct JwksRefresh {
    /// How old they get before they are fetched again. As long, at most, a key that the issuer has withdrawn
    /// is still taken.
    pub max_age: Duration,
    /// The pause after a fetch, whether it succeeded or not: tokens with ids of keys that nobody knows do not
    /// make the gateway ask more often.
    pub min_interval: Duration,
}

impl Default for JwksRefresh {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(300),
            min_interval: Duration::from_secs(10),
        }
    }
}

/// The keys of an issuer, from a file or a URL.
///
/// They are fetched again when they are old ([`keep_fresh`](Self::keep_fresh)), and when a token names a key that
/// is not among them. A fetch that fails leaves the last good set in use, however old: see the metric
/// `sealpost_jwks_last_success_timestamp_seconds`. Until the first one succeeds no token is good.
#[derive(Debug)]
pub struct IssuerKeys {
    source: JwksSource,
    refresh: JwksRefresh,
    metrics: Arc<Metrics>,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// When the last fetch ended, or began if it was given up; held while one runs, so that there is one at a time.
    attempt: Mutex<Option<Instant>>,
}

impl IssuerKeys {
    /// The keys that `source` gives, none so far.
    #[must_use]
    pub fn new(source: JwksSource, refresh: JwksRefresh, metrics: Arc<Metrics>) -> Self {
        Self {
            source,
            refresh,
            metrics,
            keys: RwLock::new(None),
            attempt: Mutex::new(None),
        }
    }

    /// Fetches the keys now.
    ///
    /// # Errors
    ///
    /// [`JwksError`]; the keys that were there stay in use.
    pub async fn fetch(&self) -> Result<(), JwksError> {
        let mut attempt = self.attempt.lock().await;
        self.fetch_now(&mut attempt).await
    }

    /// Fetches the keys whenever they have got old, and after failures, for ever. Run it beside the gateway.
    pub async fn keep_fresh(&self) {
        loop {
            sleep(self.pause().await).await;
            // It is in the log and the metrics.
            let _ = self.fetch().await;
        }
    }

    /// The keys, if there are any yet.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The keys, newer than those that were `seen` to lack one; `None` if there are no newer ones to be had now.
    pub(super) async fn newer_than(&self, seen: Option<&Arc<KeySet>>) -> Option<Arc<KeySet>> {
        let newer = || {
            self.current()
                .filter(|keys| seen.is_none_or(|seen| !Arc::ptr_eq(seen, keys)))
        };
        // Whoever waited here for another's fetch has what it gave.
        let mut attempt = self.attempt.lock().await;
        if let Some(keys) = newer() {
            return Some(keys);
        }
        if attempt.is_some_and(|at| at.elapsed() < self.refresh.min_interval) {
            return None;
        }
        self.fetch_now(&mut attempt).await.ok()?;
        newer()
    }

    async fn fetch_now(&self, attempt: &mut Option<Instant>) -> Result<(), JwksError> {
        *attempt = Some(Instant::now());
        let result = self.source.read().await;
        // Once more: a fetch may take longer than the pause after it.
        *attempt = Some(Instant::now());
        self.metrics.keys_fetched(result.is_ok());
        match result {
            Ok(keys) => {
                info!(keys = keys.len(), "issuer's keys fetched");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
                Ok(())
            }
            Err(error) => {
                warn!(%error, "issuer's keys not fetched; those that are known stay in use");
                Err(error)
            }
        }
    }

    /// Until the next fetch is due.
    async fn pause(&self) -> Duration {
        let wait = if self.current().is_some() {
            self.refresh.max_age
        } else {
            self.refresh.min_interval
        };
        let attempt = *self.attempt.lock().await;
        attempt.map_or(Duration::ZERO, |at| wait.saturating_sub(at.elapsed()))
    }
}
