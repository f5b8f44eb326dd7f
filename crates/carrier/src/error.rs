//! What can go wrong on the way.

use std::error::Error;

use thiserror::Error;

use crate::MAX_MESSAGE;

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum CarrierError {
    /// The agent is not connected. It has certainly not got the message.
    #[error("the agent is not connected")]
    Offline,
    /// The carrier refused the message or could not send it. The agent has certainly not got it.
    #[error("the carrier did not send the message: {0}")]
    NotSent(#[source] Box<dyn Error + Send + Sync>),
    /// There was no answer in time. The agent may have acted on the message, or may yet.
    #[error("the agent did not answer before the deadline")]
    DeadlineExceeded,
    /// The agent got the message and will not answer: it does not believe it, or it stopped.
    #[error("the agent got the message and did not answer: its log says why")]
    NoAnswer,
    /// The carrier failed after it had begun to send. The agent may have got the message.
    #[error("the carrier failed, and may have delivered the message: {0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl CarrierError {
    /// Returns whether the agent may have got the message, or may still get it.
    #[must_use]
    pub const fn may_be_delivered(&self) -> bool {
        match self {
            Self::Offline | Self::NotSent(_) => false,
            Self::DeadlineExceeded | Self::NoAnswer | Self::Failed(_) => true,
        }
    }
}

/// Why there is no next message.
#[derive(Debug, Error)]
pub enum InboxError {
    /// The inbox was closed, or its carrier has ended.
    #[error("the inbox is closed")]
    Closed,
    /// The inbox can't go on, and another attempt to connect would not help.
    #[error("the inbox failed: {0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the asker may not have got an answer.
#[derive(Debug, Error)]
pub enum RespondError {
    /// The asker has given up.
    #[error("the gateway no longer waits for the answer")]
    Abandoned,
    /// The right to answer was lost, or the carrier failed. The asker may have got the answer.
    #[error("the carrier could not deliver the answer: {0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// A message or an answer that no carrier takes.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{length} bytes are too many: a message has at most {MAX_MESSAGE}")]
pub struct TooLong {
    /// Its length in bytes.
    pub length: usize,
}
