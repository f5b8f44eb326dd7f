//! Gateway and agents in one process: a bounded queue for each agent.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use async_trait::async_trait;
use thiserror::Error;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{Delivery, Inbox, Transport, TransportError};
use crate::AgentId;

/// The embedded transport.
///
/// When an agent's queue is full, requests wait at its door until their deadline: memory stays bounded by the
/// queue and by the requests that the gateway admits.
#[derive(Debug)]
pub struct InProcess {
    agents: RwLock<HashMap<AgentId, mpsc::Sender<Delivery>>>,
    capacity: usize,
}

impl InProcess {
    /// A transport with queues of that many messages (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            agents: RwLock::default(),
            capacity: capacity.max(1),
        }
    }

    /// The inbox of `agent`. The agent counts as online until the inbox is dropped.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`] while another inbox of this agent is there.
    pub fn register(&self, agent: AgentId) -> Result<InProcessInbox, AlreadyRegistered> {
        let mut agents = self.agents.write().unwrap_or_else(PoisonError::into_inner);
        if agents.get(&agent).is_some_and(|queue| !queue.is_closed()) {
            return Err(AlreadyRegistered(agent));
        }
        let (sender, receiver) = mpsc::channel(self.capacity);
        agents.insert(agent, sender);
        Ok(InProcessInbox(receiver))
    }

    fn queue(&self, agent: &AgentId) -> Option<mpsc::Sender<Delivery>> {
        self.agents
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(agent)
            .cloned()
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn request(
        &self,
        agent: &AgentId,
        message: Vec<u8>,
        deadline: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let queue = self.queue(agent).ok_or(TransportError::Offline)?;
        let (delivery, answer) = Delivery::new(message);
        let exchange = async {
            queue
                .send(delivery)
                .await
                .map_err(|_| TransportError::Offline)?;
            answer.await.map_err(|_| TransportError::NoAnswer)
        };
        timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(TransportError::DeadlineExceeded))
    }
}

/// The inbox of one agent. Dropping it takes the agent offline.
#[derive(Debug)]
pub struct InProcessInbox(mpsc::Receiver<Delivery>);

#[async_trait]
impl Inbox for InProcessInbox {
    async fn receive(&mut self) -> Option<Delivery> {
        self.0.recv().await
    }
}

/// Two inboxes for one agent.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("agent {0} is registered already: give each agent its own id")]
pub struct AlreadyRegistered(AgentId);
