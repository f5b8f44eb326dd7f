//! The gateway's end.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use sealpost_context::AgentId;
use tokio::time::Instant;

use crate::CarrierError;

/// Carries a message to an agent, and the answer back.
///
/// It may be used from any number of tasks at once. It keeps nothing: a message that can't be delivered before its
/// deadline is dropped. If several processes of an agent are connected, one of them gets the message.
#[async_trait]
pub trait Carrier: Send + Sync + fmt::Debug {
    /// Gives `message` to the agent, and waits until `deadline` for an answer that `judge` accepts.
    ///
    /// A carrier that can bring several answers to one message drops those that `judge` refuses, and goes on waiting.
    /// After the deadline it does not hand the message over, or the [`Delivery`](crate::Delivery) says that it is abandoned.
    ///
    /// Dropping the future gives the request up. The message may have been delivered, and may still be.
    ///
    /// # Errors
    ///
    /// [`CarrierError`] says whether the agent may have got the message.
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        deadline: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError>;
}

/// Returns whether an answer ends the request. The sender verifies the answer: the carrier is not trusted.
pub type Judge<'j> = dyn FnMut(&Bytes) -> bool + Send + 'j;

/// Accepts the first answer: a [`Judge`] for a sender that verifies it afterwards.
#[must_use]
pub fn any_answer(_: &Bytes) -> bool {
    true
}
