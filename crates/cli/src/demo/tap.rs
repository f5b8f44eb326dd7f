//! A carrier that remembers what passed through it.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_context::AgentId;
use tokio::time::Instant;

/// Keeps the last message to an agent, as an eavesdropper on the way would.
#[derive(Debug)]
pub(super) struct Tap {
    inner: Arc<dyn Carrier>,
    heard: Heard,
}

/// What was heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Bytes>>);

impl Heard {
    pub(super) fn last_message(&self) -> Bytes {
        self.0.lock().clone()
    }

    fn keep(&self, message: &Bytes) {
        self.0.lock().clone_from(message);
    }
}

impl Tap {
    pub(super) fn new(inner: Arc<dyn Carrier>, heard: Heard) -> Self {
        Self { inner, heard }
    }
}

#[async_trait]
impl Carrier for Tap {
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        deadline: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        self.heard.keep(&message);
        self.inner.request(agent, message, deadline, judge).await
    }
}
