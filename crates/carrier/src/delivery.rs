//! One message, and the right to answer it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::{MAX_MESSAGE, RespondError, TooLong};

/// A message that arrived, and the right to answer it once. Dropping it tells the asker that there will be no answer, if
/// the carrier can tell.
pub struct Delivery {
    message: Bytes,
    deadline: Instant,
    responder: Box<dyn Responder>,
}

/// Takes an answer back to the asker. A carrier implements it for its deliveries.
///
/// Dropping it unused tells the asker that there will be no answer, if the carrier can tell.
#[async_trait]
pub trait Responder: Send + Sync + fmt::Debug {
    /// Sends the answer. [`Delivery::respond`] has checked its length, and ends the wait at the deadline.
    ///
    /// # Errors
    ///
    /// - [`RespondError::Abandoned`] if the asker is known to have given up.
    /// - [`RespondError::Failed`] if the answer may not have arrived. The carrier has tried what it can: there is no second
    ///   attempt.
    async fn respond(self: Box<Self>, answer: Bytes) -> Result<(), RespondError>;

    /// Returns whether the asker is known to have given up.
    fn is_abandoned(&self) -> bool;
}

impl Delivery {
    /// Creates a delivery whose asker waits until `deadline`.
    #[must_use]
    pub fn new(message: Bytes, deadline: Instant, responder: impl Responder + 'static) -> Self {
        Self {
            message,
            deadline,
            responder: Box::new(responder),
        }
    }

    /// The bytes as they arrived. They are not authenticated.
    #[must_use]
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// When the asker gives up, as far as the carrier knows. It is not authenticated.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Returns whether the asker has given up, as far as the carrier knows: then no work on the message is of use.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        Instant::now() >= self.deadline || self.responder.is_abandoned()
    }

    /// Sends the answer, and waits until the carrier has taken it or the deadline has passed.
    ///
    /// # Errors
    ///
    /// [`RespondError`]: the asker may not have got the answer.
    pub async fn respond(self, answer: Bytes) -> Result<(), RespondError> {
        let length = answer.len();
        if length > MAX_MESSAGE {
            return Err(RespondError::Failed(TooLong { length }.into()));
        }
        timeout_at(self.deadline, self.responder.respond(answer))
            .await
            .unwrap_or(Err(RespondError::Abandoned))
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("length", &self.message.len())
            .finish_non_exhaustive()
    }
}
