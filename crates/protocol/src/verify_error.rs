//! Why a message is not believed.

use thiserror::Error;

/// Why a message was refused. Nothing in it is secret; it is for the log of the side that refuses.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// Longer than [`MAX_MESSAGE`](crate::MAX_MESSAGE).
    #[error(
        "the message has {length} bytes, at most {} are read",
        crate::MAX_MESSAGE
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Not a JWS in compact form with the header that signing produces: one algorithm, one `typ`, a `kid`.
    #[error(
        "the message's header is not the one expected: both sides must speak the same protocol version"
    )]
    Header,
    /// No trusted key has this message's key id.
    #[error(
        "the message is signed with a key that is not trusted here: add the sender's verify key"
    )]
    UnknownKey,
    /// The signature is not one of the named key.
    #[error("the message's signature is wrong: it was changed on its way or forged")]
    Signature,
    /// The claims are not exactly those of this kind of message.
    #[error(
        "the message's claims are not those expected: both sides must speak the same protocol version"
    )]
    Claims,
    /// Signed with a trusted key, but in another's name.
    #[error("the message was not issued by the owner of its key")]
    Issuer,
    /// Meant for another recipient.
    #[error("the message is for another audience")]
    Audience,
    /// Issued in the future, or made to last longer than a message may.
    #[error("the message's times are not credible: check both clocks")]
    Lifetime,
    /// Too old.
    #[error("the message has expired: check both clocks")]
    Expired,
    /// An answer to another request.
    #[error("the reply answers another request")]
    InReplyTo,
}
