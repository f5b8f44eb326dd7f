//! A transport that remembers what passed through it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sealpost_protocol::{AgentId, Transport, TransportError};
use tokio::time::Instant;

/// Keeps the last message to an agent, as an eavesdropper on the way would.
#[derive(Debug)]
pub(super) struct Tap {
    inner: Arc<dyn Transport>,
    heard: Heard,
}

/// What was heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub(super) fn last_message(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, message: &Vec<u8>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(message);
    }
}

impl Tap {
    pub(super) fn new(inner: Arc<dyn Transport>, heard: Heard) -> Self {
        Self { inner, heard }
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
        self.heard.keep(&message);
        self.inner.request(agent, message, deadline).await
    }
}
