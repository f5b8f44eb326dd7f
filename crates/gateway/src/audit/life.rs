//! The beginning and the end of what one process writes to the trail.

use std::sync::Arc;

use sealpost_protocol::Clock;

use super::trail::{NotEnded, Trail};

/// Writes to the trail that the process starts, and that it ends in order: what one that was killed could not say is missing is between
/// these lines. Does nothing without a trail.
#[derive(Clone, Debug)]
pub struct TrailLife {
    pub(crate) trail: Arc<Trail>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl TrailLife {
    /// Writes that the process has started. If that can't be written, the gateway is not ready; the readiness and each request
    /// try it again. Waits a second at most.
    pub async fn start(&self) {
        // The writer logs why not.
        let _ = self.trail.is_whole(self.clock.now()).await;
    }

    /// Writes that the process ends in order, for after the last request. Waits 5 seconds at most.
    ///
    /// # Errors
    ///
    /// [`NotEnded`] if that can't be written.
    pub async fn end(&self) -> Result<(), NotEnded> {
        self.trail.end(self.clock.now()).await
    }
}
