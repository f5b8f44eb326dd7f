//! The agent's end.

use std::fmt;

use async_trait::async_trait;

use crate::{Delivery, InboxError};

/// Receives the messages for one agent.
///
/// It connects by itself, and connects again after a failure. Dropping it disconnects at once: messages that arrived and
/// were not received get no answer.
#[async_trait]
pub trait Inbox: Send + fmt::Debug {
    /// Waits for the next message. Earlier deliveries need not be answered first.
    ///
    /// No message is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    ///
    /// - [`InboxError::Closed`] after [`close`](Self::close), once everything that had arrived was received.
    /// - [`InboxError::Failed`] if the inbox can't go on: a failure that another attempt to connect does not repair.
    async fn receive(&mut self) -> Result<Delivery, InboxError>;

    /// Takes no further messages: from now on requests find the agent offline. What has arrived can still be received, and
    /// deliveries can still be answered.
    async fn close(&mut self);
}

#[async_trait]
impl<I: Inbox + ?Sized> Inbox for Box<I> {
    async fn receive(&mut self) -> Result<Delivery, InboxError> {
        (**self).receive().await
    }

    async fn close(&mut self) {
        (**self).close().await;
    }
}
