//! Why a message gets no answer.

use thiserror::Error;

/// Why a message gets no answer. It is counted.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
pub enum Silence {
    /// It is for another agent.
    #[error("a message for another agent")]
    OtherAgent,
    /// The gateway is not trusted.
    #[error("a message of a gateway that is not trusted")]
    Untrusted,
    /// The gateway did not sign the opening.
    #[error("a broken signature under an opening")]
    OpeningSignature,
    /// The opening has expired, and an answer is not worth a signature.
    #[error("a late opening")]
    Late,
    /// The channel is refused, and there were too many refusals.
    #[error("too many refusals")]
    TooManyRefusals,
    /// The number is one that no gateway uses.
    #[error("a number that is too high")]
    Number,
    /// The frame does not open.
    #[error("a frame that does not open")]
    Frame,
    /// The gateway did not sign the request.
    #[error("a broken signature under a request")]
    RequestSignature,
}
