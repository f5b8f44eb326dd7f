//! What carries messages between gateway and agents.

mod in_process;

use std::{error, fmt};

use async_trait::async_trait;
use thiserror::Error;
use tokio::{sync::oneshot, time::Instant};

use crate::AgentId;

pub use in_process::{AlreadyRegistered, InProcess, InProcessInbox};

/// Carries a message to an agent, and its answer back.
///
/// It is not trusted with either: both are signed. It keeps nothing: a message that can't be delivered before
/// its deadline is gone.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Gives `message` to the agent and waits for the answer until `deadline`.
    ///
    /// # Errors
    ///
    /// [`TransportError`]. Only after [`Offline`](TransportError::Offline) is it certain that the agent has
    /// not seen the message.
    async fn request(
        &self,
        agent: &AgentId,
        message: Vec<u8>,
        deadline: Instant,
    ) -> Result<Vec<u8>, TransportError>;
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nobody listens for this agent.
    #[error("the agent is not connected")]
    Offline,
    /// There was none in time. The agent may have acted on the message, or may yet.
    #[error("the agent did not answer before the deadline")]
    DeadlineExceeded,
    /// The agent took the message and gave no answer: it does not believe it, or it stopped.
    #[error("the agent took the message and gave no answer: its log says why")]
    NoAnswer,
    /// The transport itself failed.
    #[error("the transport failed: {0}")]
    Failed(Box<dyn error::Error + Send + Sync>),
}

/// Where an agent receives.
#[async_trait]
pub trait Inbox: Send + fmt::Debug {
    /// The next message; `None` when there will be no more. No message is lost when the future is dropped
    /// before it is ready.
    async fn receive(&mut self) -> Option<Delivery>;
}

/// One message, and the way to answer it. Dropping it tells the asker that there is no answer.
pub struct Delivery {
    message: Vec<u8>,
    answer: oneshot::Sender<Vec<u8>>,
}

impl Delivery {
    /// A message, and where its answer comes out.
    #[must_use]
    pub fn new(message: Vec<u8>) -> (Self, oneshot::Receiver<Vec<u8>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { message, answer }, receiver)
    }

    /// The bytes, which nobody has vouched for.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Whether the asker has given up: work on the message would be for nobody.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Sends the answer. If the asker has given up, it goes nowhere.
    pub fn answer(self, answer: Vec<u8>) {
        let _ = self.answer.send(answer);
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("length", &self.message.len())
            .finish_non_exhaustive()
    }
}
