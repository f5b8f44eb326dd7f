//! A carrier that remembers what passed through it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sealpost_carrier::{Bytes, Carrier, CarrierError, Judge};
use sealpost_protocol::AgentId;
use tokio::time::Instant;

/// Keeps the last message to an agent, as an eavesdropper on the way would.
#[derive(Debug)]
pub(crate) struct Tap {
    inner: Arc<dyn Carrier>,
    last: Mutex<Bytes>,
}

impl Tap {
    pub(crate) fn on(inner: Arc<dyn Carrier>) -> Self {
        Self {
            inner,
            last: Mutex::default(),
        }
    }

    pub(crate) fn last_message(&self) -> Bytes {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&message);
        self.inner.request(agent, message, deadline, judge).await
    }
}
