//! The issuer's keys, fetched and kept fresh.

mod source;

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tracing::{info, warn};

pub use source::{JwksError, JwksSource};

use super::keys::KeySet;
use crate::metrics::Metrics;

/// When the issuer's keys are fetched again.
#[derive(Clone, Copy, Debug)]
pub struct JwksRefresh {
    /// The age at which they are fetched again. A key that the issuer has withdrawn is accepted for at most this long.
    pub max_age: Duration,
    /// The pause after a fetch, whether it succeeded or not: tokens that name unknown keys do not make the gateway
    /// fetch more often.
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
/// is not among them. If a fetch fails, the last good set stays in use, however old: see the metric
/// `sealpost_jwks_last_success_timestamp_seconds`. Until the first fetch succeeds, every token is refused.
#[derive(Debug)]
pub struct IssuerKeys {
    source: JwksSource,
    refresh: JwksRefresh,
    metrics: Arc<Metrics>,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// When the last fetch ended, or began if it was cancelled. Held during a fetch, so that one runs at a time.
    attempt: Mutex<Option<Instant>>,
}

impl IssuerKeys {
    /// Will hold the keys that `source` gives; fetches nothing yet.
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
    /// [`JwksError`]; the previous keys stay in use.
    pub async fn fetch(&self) -> Result<(), JwksError> {
        let mut attempt = self.attempt.lock().await;
        self.fetch_now(&mut attempt).await
    }

    /// Fetches the keys whenever they are old, and again after failures. Never returns: run it beside the gateway.
    pub async fn keep_fresh(&self) {
        loop {
            sleep(self.pause().await).await;
            // The result is in the log and the metrics.
            let _ = self.fetch().await;
        }
    }

    /// Returns the keys, if a fetch has succeeded.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.keys.read().clone()
    }

    /// Returns keys that are newer than the `seen` ones, which lack a key; `None` if there are none now.
    pub(super) async fn newer_than(&self, seen: Option<&Arc<KeySet>>) -> Option<Arc<KeySet>> {
        let newer = || {
            self.current()
                .filter(|keys| seen.is_none_or(|seen| !Arc::ptr_eq(seen, keys)))
        };
        // A caller that waited here for another's fetch uses its result.
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
        // Set again: a fetch may take longer than the pause after it.
        *attempt = Some(Instant::now());
        self.metrics.keys_fetched(result.is_ok());
        match result {
            Ok(keys) => {
                info!(keys = keys.len(), "issuer's keys fetched");
                *self.keys.write() = Some(Arc::new(keys));
                Ok(())
            }
            Err(error) => {
                warn!(%error, "issuer's keys not fetched; the known keys stay in use");
                Err(error)
            }
        }
    }

    /// Returns how long to wait until the next fetch is due.
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
