//! Gateway and agents in one process: a bounded queue for each agent.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::RwLock;
use sealpost_context::AgentId;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    Carrier, CarrierError, Delivery, Inbox, InboxError, Judge, MAX_MESSAGE, RespondError,
    Responder, TooLong,
};

/// Carries within one process.
///
/// When an agent's queue is full, requests wait for a place until their deadline: memory is bounded by the queue and by
/// the requests that the gateway admits.
#[derive(Debug)]
pub struct InProcess {
    agents: RwLock<HashMap<AgentId, mpsc::Sender<Delivery>>>,
    capacity: usize,
}

impl InProcess {
    /// Creates a carrier whose queues hold `capacity` messages, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            agents: RwLock::default(),
            capacity: capacity.max(1),
        }
    }

    /// Creates the inbox of `agent`. The agent is online until the inbox is closed or dropped.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`] while another inbox of this agent is open.
    pub fn register(&self, agent: AgentId) -> Result<InProcessInbox, AlreadyRegistered> {
        let mut agents = self.agents.write();
        if agents.get(&agent).is_some_and(|queue| !queue.is_closed()) {
            return Err(AlreadyRegistered(agent));
        }
        let (sender, receiver) = mpsc::channel(self.capacity);
        agents.insert(agent, sender);
        Ok(InProcessInbox(receiver))
    }

    fn queue(&self, agent: &AgentId) -> Option<mpsc::Sender<Delivery>> {
        self.agents.read().get(agent).cloned()
    }
}

#[async_trait]
impl Carrier for InProcess {
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        deadline: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        let length = message.len();
        if length > MAX_MESSAGE {
            return Err(CarrierError::NotSent(TooLong { length }.into()));
        }
        let queue = self.queue(agent).ok_or(CarrierError::Offline)?;
        let (answer, answered) = oneshot::channel();
        let delivery = Delivery::new(message, deadline, InProcessResponder(answer));
        let exchange = async {
            let queued = queue.send(delivery).await;
            queued.map_err(|_| CarrierError::Offline)?;
            match answered.await {
                Ok(answer) if judge(&answer) => Ok(answer),
                // A delivery is answered once: there will be no other.
                Ok(_) | Err(_) => Err(CarrierError::NoAnswer),
            }
        };
        timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(CarrierError::DeadlineExceeded))
    }
}

/// The inbox of one agent.
#[derive(Debug)]
pub struct InProcessInbox(mpsc::Receiver<Delivery>);

#[async_trait]
impl Inbox for InProcessInbox {
    async fn receive(&mut self) -> Result<Delivery, InboxError> {
        self.0.recv().await.ok_or(InboxError::Closed)
    }

    async fn close(&mut self) {
        self.0.close();
    }
}

#[derive(Debug)]
struct InProcessResponder(oneshot::Sender<Bytes>);

#[async_trait]
impl Responder for InProcessResponder {
    async fn respond(self: Box<Self>, answer: Bytes) -> Result<(), RespondError> {
        self.0.send(answer).map_err(|_| RespondError::Abandoned)
    }

    fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

/// Two inboxes for one agent.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("agent {0} is registered already: give each agent its own id")]
pub struct AlreadyRegistered(AgentId);
