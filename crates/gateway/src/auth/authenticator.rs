//! What decides who a token speaks for.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sealpost_envelope::UnixTime;

use super::{denied::Denied, principal::Principal};

/// Decides who a token speaks for.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Returns who `token` speaks for at the time `now`.
    ///
    /// # Errors
    ///
    /// [`Denied`], for the log.
    async fn authenticate(&self, token: &str, now: UnixTime) -> Result<Arc<Principal>, Denied>;

    /// Returns whether it can accept any token at all; if not, the gateway is not ready.
    fn is_ready(&self) -> bool {
        true
    }
}
