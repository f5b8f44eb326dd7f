//! The issuer's keys, fetched and kept fresh.

mod source;

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tracing::{debug, error, info, warn};

pub use source::{JwksError, JwksSource};

use super::keys::KeySet;
use crate::metrics::Metrics;

/// When the issuer's keys are fetched again.
#[derive(Clone, Copy, Debug)]
pub struct JwksRefresh {
    /// The age at which they are fetched again. A key that the issuer has withdrawn is accepted for at most this long, if
    /// the fetch succeeds.
    pub max_age: Duration,
    /// The age at which they are no longer accepted if no fetch succeeds. Longer than `max_age`.
    pub max_stale: Duration,
    /// The pause after a fetch, whether it succeeded or not: tokens that name unknown keys do not make the gateway
    /// fetch more often.
    pub min_interval: Duration,
}

impl Default for JwksRefresh {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(300),
            max_stale: Duration::from_secs(24 * 60 * 60),
            min_interval: Duration::from_secs(10),
        }
    }
}

/// The keys of an issuer, from a file or a URL.
///
/// They are fetched again when they are old ([`keep_fresh`](Self::keep_fresh)), and when a token names a key that
/// is not among them. A fetch replaces the set, even if the new one has no usable key. If a fetch fails, the last set stays
/// in use until it is [`max_stale`](JwksRefresh::max_stale) old: see the metric
/// `sealpost_jwks_last_success_timestamp_seconds`. Before the first fetch succeeds, and after that age, every token is
/// refused.
#[derive(Debug)]
pub struct IssuerKeys {
    source: JwksSource,
    refresh: JwksRefresh,
    metrics: Arc<Metrics>,
    known: RwLock<Option<Known>>,
    /// When the last fetch ended, or began if it was cancelled. Held during a fetch, so that one runs at a time.
    attempt: Mutex<Option<Instant>>,
}

/// A set, and when its fetch began: the issuer may have changed it since.
#[derive(Debug)]
struct Known {
    keys: Arc<KeySet>,
    at: Instant,
}

impl IssuerKeys {
    /// Will hold the keys that `source` gives; fetches nothing yet.
    #[must_use]
    pub fn new(source: JwksSource, refresh: JwksRefresh, metrics: Arc<Metrics>) -> Self {
        Self {
            source,
            refresh,
            metrics,
            known: RwLock::new(None),
            attempt: Mutex::new(None),
        }
    }

    /// Fetches the keys now.
    ///
    /// # Errors
    ///
    /// [`JwksError`]; the previous keys stay in use for a while.
    pub async fn fetch(&self) -> Result<(), JwksError> {
        let mut attempt = self.attempt.lock().await;
        self.fetch_now(&mut attempt).await
    }

    /// Fetches the keys whenever they are old, and at each [`min_interval`](JwksRefresh::min_interval) while there is none that can be used.
    /// Never returns: run it beside the gateway.
    pub async fn keep_fresh(&self) {
        loop {
            let pause = self.pause().await;
            if pause.is_zero() {
                // The result is in the log and the metrics.
                let _ = self.fetch().await;
                continue;
            }
            // They become too old, or a fetch for a token or a reload finds none, while this sleeps.
            sleep(pause.min(LOOK_PAUSE)).await;
            let usable = self.current().map_or(0, |keys| keys.len());
            self.metrics.keys_known(usable);
        }
    }

    /// Returns the keys, if a fetch has succeeded and they are not too old.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        let known = self.known.read();
        let known = known.as_ref()?;
        (known.at.elapsed() < self.refresh.max_stale).then(|| Arc::clone(&known.keys))
    }

    /// Returns whether there is a key to check tokens with.
    pub(super) fn is_usable(&self) -> bool {
        self.current().is_some_and(|keys| !keys.is_empty())
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
        let at = Instant::now();
        *attempt = Some(at);
        let result = self.source.read().await;
        // Set again: a fetch may take longer than the pause after it.
        *attempt = Some(Instant::now());
        self.metrics.keys_fetched(result.is_ok());
        match result {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let known = Known {
                    keys: Arc::clone(&keys),
                    at,
                };
                let old = self.known.write().replace(known);
                log_fetched(&keys, old.as_ref().map(|old| &*old.keys));
                self.metrics.keys_known(keys.len());
                Ok(())
            }
            Err(error) if self.is_usable() => {
                warn!(%error, "issuer's keys not fetched; the known keys stay in use for now");
                Err(error)
            }
            Err(error) => {
                error!(%error, "issuer's keys not fetched; every token is refused");
                self.metrics.keys_known(0);
                Err(error)
            }
        }
    }

    /// Returns how long to wait until the next fetch is due.
    async fn pause(&self) -> Duration {
        let wait = if self.is_usable() {
            self.refresh.max_age
        } else {
            self.refresh.min_interval
        };
        let attempt = *self.attempt.lock().await;
        attempt.map_or(Duration::ZERO, |at| wait.saturating_sub(at.elapsed()))
    }
}

/// How long it goes unnoticed that there is no usable key any more.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Logs what a set holds. What is left out of it is logged again only when it changes.
fn log_fetched(keys: &KeySet, old: Option<&KeySet>) {
    let changed = old.is_none_or(|old| old.left_out() != keys.left_out());
    for left_out in keys.left_out().iter().filter(|_| changed) {
        if left_out.reason().is_usual() {
            debug!(%left_out, "issuer's key");
        } else {
            warn!(%left_out, "issuer's key");
        }
    }
    let more = keys.more_left_out();
    if changed && more > 0 {
        warn!(more, "issuer's keys left out");
    }
    if keys.is_empty() {
        error!("issuer's keys fetched: none can be used, and every token is refused");
    } else {
        info!(keys = keys.len(), "issuer's keys fetched");
    }
}
