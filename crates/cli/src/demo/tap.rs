//! A transport that remembers what passed through it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sealpost_protocol::{AgentId, Transport, TransportError};
use tokio::time::Instant;

/// Keeps the last message to an agent, as an eavesdropper on the way would.
#[derive(Debug)]
pub(crate) struct Tap {
    inner: Arc<dyn Transport>,
    last: Mutex<Vec<u8>>,
}

impl Tap {
    pub(crate) fn on(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            last: Mutex::default(),
        }
    }

    pub(crate) fn last_message(&self) -> Vec<u8> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl Transport for Tap {
    async fn request(
        &self,
        agent: &AgentId,
        message: Vec<u8>,
        deadline: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&message);
        self.inner.request(agent, message, deadline).await
    }
}
